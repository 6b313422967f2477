//! Results and inputs of jobs: bytes named by their hash.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::digest::ArtifactHash;

pub mod files;

pub use files::FileArtifacts;

/// Names the bytes of an artifact and their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactRef {
    /// sha256 of the bytes.
    pub hash: ArtifactHash,
    /// How many bytes.
    pub length: u64,
}

impl ArtifactRef {
    /// The name of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self { hash: ArtifactHash(Sha256::digest(bytes).into()), length: bytes.len() as u64 }
    }

    /// Says whether `bytes` are the artifact, and if not, how they differ.
    ///
    /// # Errors
    /// The [`Damage`] found.
    pub fn check(&self, bytes: &[u8]) -> Result<(), Damage> {
        let got = Self::of(bytes);
        if got.length != self.length {
            Err(Damage::Length { expected: self.length, got: got.length })
        } else if got.hash != self.hash {
            Err(Damage::Content { got: got.hash })
        } else {
            Ok(())
        }
    }
}

/// How a stored artifact differs from what was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// It is not there.
    #[error("it is missing")]
    Missing,
    /// It was cut off, emptied or extended.
    #[error("it has {got} bytes instead of {expected}")]
    Length {
        /// Bytes put.
        expected: u64,
        /// Bytes found.
        got: u64,
    },
    /// As many bytes, but others.
    #[error("its bytes hash to {got}")]
    Content {
        /// sha256 of what was found.
        got: ArtifactHash,
    },
}

/// Why an artifact could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// What is stored is not what was put. The job that made it can make it again.
    #[error("artifact {hash} is damaged: {damage} ({path})")]
    Damaged {
        /// The artifact's name.
        hash: ArtifactHash,
        /// Where it is stored.
        path: PathBuf,
        /// What is wrong with it.
        damage: Damage,
    },
    /// The store itself fails (disk full, no permission).
    #[error("cannot {doing} {path}")]
    Io {
        /// The operation, as a verb.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

/// A store of artifacts.
pub trait Artifacts: Send + Sync {
    /// Stores `bytes` durably: when this returns they survive a crash. Damaged bytes under the same name
    /// are replaced.
    ///
    /// # Errors
    /// [`ArtifactError::Io`].
    fn put(&self, bytes: &[u8]) -> Result<ArtifactRef, ArtifactError>;

    /// Reads an artifact and checks its length and hash.
    ///
    /// # Errors
    /// [`ArtifactError::Damaged`] when it is not what was put, else [`ArtifactError::Io`].
    fn get(&self, artifact: &ArtifactRef) -> Result<Vec<u8>, ArtifactError>;

    /// Everything that is stored, whole or damaged, with its size in bytes.
    ///
    /// # Errors
    /// [`ArtifactError::Io`].
    fn list(&self) -> Result<Vec<(ArtifactHash, u64)>, ArtifactError>;

    /// Removes an artifact, if it is there.
    ///
    /// # Errors
    /// [`ArtifactError::Io`].
    fn remove(&self, hash: ArtifactHash) -> Result<(), ArtifactError>;

    /// Removes several.
    ///
    /// # Errors
    /// [`ArtifactError::Io`]; some may be removed then.
    fn remove_each(&self, hashes: &[ArtifactHash]) -> Result<(), ArtifactError> {
        hashes.iter().try_for_each(|hash| self.remove(*hash))
    }
}
