//! Making a new state from cells.
//!
//! The state grows in a directory beside its place and moves there when it is whole, so what is found at a state's
//! place is never half a state. What an interrupted attempt left behind is cleared away by the next.

use std::fs::File;
use std::path::{Path, PathBuf};

use sheaf_circuits::account::{Cell, CellKey};
use sheaf_circuits::hash::Digest;

use super::database::{Database, Head};
use super::error::StateError;
use super::read::{prepare, sorted};
use crate::genesis::Rollup;

/// Cells that are added at once: few enough to hold in memory, many enough to share their way to the root.
pub(super) const CELLS_PER_STEP: usize = 1 << 18;

/// A state that is being made.
pub(super) struct Builder {
    place: PathBuf,
    database: Database,
    root: Digest,
}

impl Builder {
    /// Begins a state that will be at `place`, where nothing but an empty directory may be.
    pub fn new(place: &Path) -> Result<Self, StateError> {
        check_is_free(place)?;
        let mut name = place.file_name().ok_or_else(|| StateError::Exists { path: place.into() })?.to_owned();
        name.push(".partial");
        let partial = place.with_file_name(name);
        Database::remove_unfinished(&partial)?;
        let parent = parent(place);
        std::fs::create_dir_all(parent).map_err(|source| StateError::Io {
            action: "create",
            path: parent.into(),
            source,
        })?;
        Ok(Self { place: place.into(), database: Database::create(&partial)?, root: Head::empty().root })
    }

    /// Adds cells. Of two for one key, the later counts.
    pub fn add(&mut self, cells: Vec<(CellKey, Cell)>) -> Result<(), StateError> {
        for step in sorted(cells).chunks(CELLS_PER_STEP) {
            let update = prepare(&self.database.view(), self.root, step.to_vec())?;
            self.database.apply(&update, None)?;
            self.root = update.root();
        }
        Ok(())
    }

    /// The root over the cells so far.
    pub fn root(&self) -> Digest {
        self.root
    }

    /// Moves the state to its place and opens it there.
    pub fn finish(self, batches: u64, rollup: &Rollup) -> Result<Database, StateError> {
        let Self { place, database, root } = self;
        database.finish(Head { batches, root }, rollup)?;
        let partial = database.path().to_owned();
        drop(database);
        check_is_free(&place)?;
        let io = |action, path: &Path, source| StateError::Io { action, path: path.into(), source };
        std::fs::rename(&partial, &place).map_err(|source| io("create", &place, source))?;
        let parent = parent(&place);
        File::open(parent).and_then(|dir| dir.sync_all()).map_err(|source| io("write", parent, source))?;
        Database::open(&place)
    }

    /// Gives up and removes what was made.
    pub fn abandon(self) -> Result<(), StateError> {
        let partial = self.database.path().to_owned();
        drop(self.database);
        Database::remove_unfinished(&partial)
    }
}

fn parent(place: &Path) -> &Path {
    match place.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn check_is_free(place: &Path) -> Result<(), StateError> {
    let is_free = match std::fs::read_dir(place) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    };
    is_free.then_some(()).ok_or_else(|| StateError::Exists { path: place.into() })
}
