//! The state on disk.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sheaf_circuits::account::{Cell, CellKey};
use sheaf_circuits::hash::Digest;

use super::build::{Builder, CELLS_PER_STEP};
use super::database::{Database, Head, View};
use super::error::StateError;
use super::partial::PartialTree;
use super::read::{digests, prepare, StateRead, StateUpdate};
use super::tree::MemoryTree;
use crate::genesis::{Genesis, Rollup};

/// The state on disk: its latest root, and whatever is under it.
///
/// ```text
///   reader(root) ──▶ cells, partial_tree      what a batch reads
///        └─ prepare(new cells) ──▶ update     all hashing, nothing written
///   commit(update) ──▶ new root               atomic, on disk when it returns
/// ```
///
/// It can be shared between threads. Commits wait for each other; readers do not wait for hashing.
pub struct State {
    database: Database,
    rollup: Rollup,
    head: Mutex<Head>,
}

impl State {
    /// Opens the state at `path`.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        Self::with(Database::open(path)?)
    }

    /// Checks `genesis` and makes a state from it at `path`, where nothing may be, or an empty directory.
    pub fn create(path: &Path, genesis: &Genesis) -> Result<Self, StateError> {
        genesis.check()?;
        let mut builder = Builder::new(path)?;
        builder.add(genesis.cells())?;
        Self::with(builder.finish(0, &genesis.rollup())?)
    }

    pub(super) fn with(database: Database) -> Result<Self, StateError> {
        let (head, rollup) = (database.head()?, database.rollup()?);
        Ok(Self { database, rollup, head: Mutex::new(head) })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.database.path()
    }

    /// The rollup that it belongs to.
    pub fn rollup(&self) -> &Rollup {
        &self.rollup
    }

    /// The latest root.
    pub fn root(&self) -> Digest {
        self.lock().root
    }

    /// How many batches were committed since genesis: the number of the latest one.
    pub fn batches(&self) -> u64 {
        self.lock().batches
    }

    /// The cell at `key`, under the latest root.
    pub fn get(&self, key: CellKey) -> Result<Cell, StateError> {
        Ok(self.database.view().cells(&[key])?[0])
    }

    /// The state at `root`, which must be the latest; and must still be, each time that the reader is used.
    pub fn reader(&self, root: Digest) -> Result<Reader<'_>, StateError> {
        let reader = Reader { state: self, root };
        reader.view()?;
        Ok(reader)
    }

    /// Writes `update`, which must have been prepared for the latest root, as one batch; returns the new root. It is on
    /// disk when this returns; if the process ends before, all of it is or none.
    pub fn commit(&self, update: &StateUpdate) -> Result<Digest, StateError> {
        let mut head = self.lock();
        if update.pre_root() != head.root {
            return Err(StateError::NotLatest { asked: update.pre_root(), latest: head.root });
        }
        let next = Head { batches: head.batches + 1, root: update.root() };
        self.database.apply(update, Some(next))?;
        *head = next;
        Ok(next.root)
    }

    /// Computes the root anew from all cells, without the stored nodes. Another root than [`Self::root`] means damage.
    pub fn recompute_root(&self) -> Result<Digest, StateError> {
        let (_, view) = self.latest();
        let (mut tree, mut step) = (MemoryTree::new(), Vec::new());
        let mut cells = view.iter().peekable();
        while let Some(cell) = cells.next() {
            step.push(cell?);
            if step.len() == CELLS_PER_STEP || cells.peek().is_none() {
                tree.update(&digests(&step));
                step.clear();
            }
        }
        Ok(tree.root())
    }

    /// What is stored now, and the head that belongs to it.
    pub(super) fn latest(&self) -> (Head, View<'_>) {
        // No commit comes in between while the lock is held.
        let head = self.lock();
        (*head, self.database.view())
    }

    fn lock(&self) -> MutexGuard<'_, Head> {
        // The head changes in one step, after the write: a panic elsewhere cannot leave it half changed.
        self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The state at one root, as long as that is the latest.
///
/// Every use fails with [`StateError::NotLatest`] once a commit changed the root; one that began before is not disturbed.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    state: &'a State,
    root: Digest,
}

impl<'a> Reader<'a> {
    fn view(&self) -> Result<View<'a>, StateError> {
        let (head, view) = self.state.latest();
        match head.root == self.root {
            true => Ok(view),
            false => Err(StateError::NotLatest { asked: self.root, latest: head.root }),
        }
    }
}

impl StateRead for Reader<'_> {
    type Error = StateError;

    fn root(&self) -> Digest {
        self.root
    }

    fn cells(&self, keys: &[CellKey]) -> Result<Vec<Cell>, StateError> {
        self.view()?.cells(keys)
    }

    fn prepare(&self, cells: Vec<(CellKey, Cell)>) -> Result<StateUpdate, StateError> {
        prepare(&self.view()?, self.root, cells)
    }

    fn partial_tree(&self, keys: &[CellKey]) -> Result<PartialTree, StateError> {
        PartialTree::load(&self.view()?, self.root, keys.iter().copied())
    }
}
