//! What execution needs of a state, wherever it is kept, and a state in memory.

use std::collections::HashMap;
use std::convert::Infallible;

use rayon::prelude::*;
use sheaf_circuits::account::{Cell, CellKey};
use sheaf_circuits::hash::Digest;
use thiserror::Error;

use super::partial::PartialTree;
use super::tree::{self, MemoryTree, PageSource, TreeUpdate};

/// A state at one root.
///
/// Execution knows beforehand which cells it may touch, so it reads them in bulk and works in memory: reading can
/// fail, executing cannot.
pub trait StateRead: Sync {
    /// Why the state cannot be read.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The root.
    fn root(&self) -> Digest;

    /// The cells at `keys`, in their order; absent cells where nothing is stored. Keys may repeat; they are read
    /// fastest in ascending order.
    fn cells(&self, keys: &[CellKey]) -> Result<Vec<Cell>, Self::Error>;

    /// The cell at `key`.
    fn cell(&self, key: CellKey) -> Result<Cell, Self::Error> {
        Ok(self.cells(&[key])?[0])
    }

    /// What replacing `cells` comes to, the new root included. Nothing is written. In any order; of two for one key,
    /// the later counts. All hashing is done here, on all threads of the current rayon pool.
    fn prepare(&self, cells: Vec<(CellKey, Cell)>) -> Result<StateUpdate, Self::Error>;

    /// The part of the tree that openings of `keys` need. The key of a slot brings its account's header with it.
    fn partial_tree(&self, keys: &[CellKey]) -> Result<PartialTree, Self::Error>;
}

/// New cells and what they make of the tree, ready to be committed to the state that they were prepared for.
#[derive(Clone, Debug)]
pub struct StateUpdate {
    pub(crate) pre_root: Digest,
    /// By strictly increasing key.
    pub(crate) cells: Vec<(CellKey, Cell)>,
    pub(crate) tree: TreeUpdate,
}

impl StateUpdate {
    /// The root that it applies to.
    pub fn pre_root(&self) -> Digest {
        self.pre_root
    }

    /// The root after it.
    pub fn root(&self) -> Digest {
        self.tree.root
    }

    /// The cells that it sets, by strictly increasing key.
    pub fn cells(&self) -> &[(CellKey, Cell)] {
        &self.cells
    }
}

/// `cells` by strictly increasing key; of two for one key, the later one.
pub(crate) fn sorted(mut cells: Vec<(CellKey, Cell)>) -> Vec<(CellKey, Cell)> {
    if !cells.is_sorted_by(|(a, _), (b, _)| a < b) {
        cells.par_sort_by_key(|(key, _)| *key);
        // `dedup_by` drops the later of two, so the later one's cell moves to the earlier.
        cells.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                earlier.1 = later.1;
            }
            same
        });
    }
    cells
}

/// What replacing `cells` under `root` comes to, with the pages in `source`.
pub(crate) fn prepare<S: PageSource>(
    source: &S,
    root: Digest,
    cells: Vec<(CellKey, Cell)>,
) -> Result<StateUpdate, S::Error> {
    let cells = sorted(cells);
    let tree = tree::update(source, root, &digests(&cells))?;
    Ok(StateUpdate { pre_root: root, cells, tree })
}

/// The digests of `cells`, in parallel.
pub(crate) fn digests(cells: &[(CellKey, Cell)]) -> Vec<(CellKey, Digest)> {
    cells.par_iter().with_min_len(64).map(|(key, cell)| (*key, cell.digest())).collect()
}

/// A state in memory: for tests, benches and dry runs.
#[derive(Clone, Debug, Default)]
pub struct MemoryState {
    cells: HashMap<CellKey, Cell>,
    tree: MemoryTree,
}

/// The update was prepared for another state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the update was prepared for root {expected}, but the state is at {latest}: prepare it again")]
pub struct StaleUpdate {
    /// The root that the update applies to.
    pub expected: Digest,
    /// The root of the state.
    pub latest: Digest,
}

impl MemoryState {
    /// The state of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The state that holds `cells`.
    pub fn with_cells(cells: Vec<(CellKey, Cell)>) -> Self {
        let mut state = Self::new();
        let Ok(update) = state.prepare(cells);
        state.commit(update).expect("prepared for this state");
        state
    }

    /// Applies `update` and returns the new root.
    pub fn commit(&mut self, update: StateUpdate) -> Result<Digest, StaleUpdate> {
        if update.pre_root != self.tree.root() {
            return Err(StaleUpdate { expected: update.pre_root, latest: self.tree.root() });
        }
        for (key, cell) in update.cells {
            if cell.is_absent() {
                self.cells.remove(&key);
            } else {
                self.cells.insert(key, cell);
            }
        }
        self.tree.apply(update.tree);
        Ok(self.tree.root())
    }
}

impl StateRead for MemoryState {
    type Error = Infallible;

    fn root(&self) -> Digest {
        self.tree.root()
    }

    fn cells(&self, keys: &[CellKey]) -> Result<Vec<Cell>, Infallible> {
        Ok(keys.iter().map(|key| self.cells.get(key).copied().unwrap_or_default()).collect())
    }

    fn prepare(&self, cells: Vec<(CellKey, Cell)>) -> Result<StateUpdate, Infallible> {
        prepare(&self.tree, self.tree.root(), cells)
    }

    fn partial_tree(&self, keys: &[CellKey]) -> Result<PartialTree, Infallible> {
        Ok(self.tree.partial(keys.iter().copied()))
    }
}

#[cfg(test)]
mod tests {
    use plonky2::field::types::Field;
    use sheaf_circuits::hash::F;

    use super::*;

    #[test]
    fn of_two_cells_for_one_key_the_later_counts() {
        let [a, b] = [5, 9].map(|key| CellKey::new(key).unwrap());
        let cell = |value| Cell([F::from_canonical_u64(value); 8]);
        let cells = vec![(b, cell(1)), (a, cell(2)), (b, cell(3)), (b, cell(4))];
        assert_eq!(sorted(cells), [(a, cell(2)), (b, cell(4))]);
    }

    #[test]
    fn deleting_all_cells_leads_back_to_the_empty_state() {
        let key = CellKey::new(3 << 12 | 7).unwrap();
        let mut state = MemoryState::with_cells(vec![(key, Cell([F::ONE; 8]))]);
        assert_eq!(state.cell(key), Ok(Cell([F::ONE; 8])));
        let stale = state.prepare(vec![]).unwrap();
        let update = state.prepare(vec![(key, Cell::ABSENT)]).unwrap();
        assert_eq!(state.commit(update), Ok(MemoryState::new().root()));
        assert!(state.cells.is_empty());
        assert_eq!(state.commit(stale.clone()), Err(StaleUpdate { expected: stale.pre_root, latest: state.root() }));
    }
}
