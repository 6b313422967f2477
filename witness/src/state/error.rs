//! Why a state cannot be opened, read or changed.

use std::path::PathBuf;

use sheaf_circuits::hash::Digest;
use thiserror::Error;

use crate::genesis::GenesisError;

/// Why a state cannot be opened, read or changed.
#[derive(Debug, Error)]
pub enum StateError {
    /// Nothing is there.
    #[error("there is no state at {path}: create one from a genesis, or restore a snapshot")]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Something is there where a state should be created.
    #[error("cannot create a state at {path}: something is there already; choose another place, or remove it")]
    Exists {
        /// Where it should be created.
        path: PathBuf,
    },
    /// The state is open, in this process or another.
    #[error(
        "the state at {path} is in use: only one process can open it, and only once; wait for it to end, or stop it"
    )]
    InUse {
        /// The state.
        path: PathBuf,
    },
    /// Something else is there.
    #[error("what is at {path} is not a state of Sheaf: {found}")]
    Foreign {
        /// Where a state was expected.
        path: PathBuf,
        /// What was found.
        found: String,
    },
    /// The state was written in another format.
    #[error(
        "the state at {path} has format {got}, this program reads {expected}: restore a snapshot with this program"
    )]
    Format {
        /// The state.
        path: PathBuf,
        /// The format that this program reads and writes.
        expected: u32,
        /// The format found.
        got: u32,
    },
    /// What is stored does not have its form.
    #[error("the state at {path} is damaged: {what}; restore a snapshot, or rebuild it from L1")]
    Damaged {
        /// The state.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A root was asked for that is not the latest one.
    #[error(
        "root {asked} is not the latest: the state is at {latest}, and only its latest root can be read or built on"
    )]
    NotLatest {
        /// The root asked for.
        asked: Digest,
        /// The root of the state.
        latest: Digest,
    },
    /// The genesis contradicts itself.
    #[error("the genesis: {0}")]
    Genesis(#[from] GenesisError),
    /// The file system refused.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// RocksDB refused.
    #[error("the database at {path}: {source}")]
    Database {
        /// The state.
        path: PathBuf,
        /// What it said.
        source: rocksdb::Error,
    },
}
