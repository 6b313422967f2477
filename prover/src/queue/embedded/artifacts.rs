//! The artifacts of a queue in a folder: small ones with the records, the rest as files.
//!
//! A file has to wait for the disk three times before a power cut cannot take it. A small artifact is in the same log as
//! the record that names it, before it, and waits with it, once.

use std::path::PathBuf;
use std::sync::Arc;

use super::records::Records;
use crate::artifact::{ArtifactError, ArtifactRef, Artifacts, Damage, FileArtifacts};
use crate::digest::ArtifactHash;

/// Up to here an artifact is small: proofs and inputs of chunks are not.
const SMALL_BYTES: u64 = 4 << 10;

pub(super) struct FolderArtifacts {
    pub(super) files: FileArtifacts,
    pub(super) records: Arc<Records>,
    /// The folder of the records.
    pub(super) path: PathBuf,
}

impl FolderArtifacts {
    fn failed(&self, doing: &'static str) -> impl FnOnce(rocksdb::Error) -> ArtifactError + '_ {
        move |error| ArtifactError::Io { doing, path: self.path.clone(), source: std::io::Error::other(error) }
    }
}

impl Artifacts for FolderArtifacts {
    fn put(&self, bytes: &[u8]) -> Result<ArtifactRef, ArtifactError> {
        let artifact = ArtifactRef::of(bytes);
        if artifact.length > SMALL_BYTES {
            return self.files.put(bytes);
        }
        self.records.put_small(artifact.hash, bytes).map_err(self.failed("write to"))?;
        Ok(artifact)
    }

    fn get(&self, artifact: &ArtifactRef) -> Result<Vec<u8>, ArtifactError> {
        if artifact.length > SMALL_BYTES {
            return self.files.get(artifact);
        }
        let damaged = |damage| ArtifactError::Damaged { hash: artifact.hash, path: self.path.clone(), damage };
        let bytes = self.records.get_small(artifact.hash).map_err(self.failed("read from"))?;
        let bytes = bytes.ok_or_else(|| damaged(Damage::Missing))?;
        artifact.check(&bytes).map_err(damaged)?;
        Ok(bytes)
    }

    fn list(&self) -> Result<Vec<(ArtifactHash, u64)>, ArtifactError> {
        let mut all = self.files.list()?;
        all.extend(self.records.list_small().map_err(self.failed("list"))?);
        Ok(all)
    }

    fn remove(&self, hash: ArtifactHash) -> Result<(), ArtifactError> {
        self.records.remove_small(hash).map_err(self.failed("remove from"))?;
        self.files.remove(hash)
    }
}
