//! Artifacts in NATS' object store, by hash.
//!
//! Objects are written by the client library. They are read message by message, in the layout that the object store
//! documents (ADR-20: `$O.BUCKET.M.NAME` says where the parts are, `$O.BUCKET.C.NUID` are the parts): the library's
//! reader makes a consumer for each object and waits for ever for parts that a damaged disk has lost, where here a
//! lost part is damage, which has the artifact made again.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use async_nats::jetstream::object_store::{self, InfoErrorKind, ObjectInfo, ObjectMetadata, ObjectStore};
use async_nats::jetstream::stream::{DirectGetErrorKind, Stream};
use base64::engine::general_purpose::URL_SAFE;
use base64::Engine as _;
use futures_util::StreamExt as _;

use super::link::{reason, Link, LinkError};
use super::Lane;
use crate::artifact::{ArtifactError, ArtifactRef, Artifacts, Damage};
use crate::digest::ArtifactHash;

/// Bytes of a part: few round trips for a proof, and well under NATS' largest message (1 MiB unless set otherwise).
const PART_BYTES: usize = 512 << 10;

/// A bucket of artifacts.
pub(super) struct ObjectArtifacts {
    link: Arc<Link>,
    bucket: String,
    store: ObjectStore,
    /// The stream that the bucket is.
    stream: Stream,
}

impl ObjectArtifacts {
    /// Opens the bucket of a lane, which is made when it is not there.
    pub(super) fn open(link: &Arc<Link>, lane: &Lane) -> Result<Self, LinkError> {
        let bucket = lane.bucket();
        let opened = link.wait(async {
            let store = match link.jetstream().get_object_store(&bucket).await {
                Ok(store) => store,
                Err(_) => {
                    let config = object_store::Config {
                        bucket: bucket.clone(),
                        description: Some(format!("artifacts of lane {lane}, by sha256")),
                        num_replicas: 1,
                        max_bytes: -1,
                        ..object_store::Config::default()
                    };
                    let created = link.jetstream().create_object_store(config).await;
                    created.map_err(|error| link.failed(format!("the bucket {bucket}"))(&error))?
                }
            };
            let stream = link.jetstream().get_stream(format!("OBJ_{bucket}")).await;
            let stream = stream.map_err(|error| link.failed(format!("the bucket {bucket}"))(&error))?;
            Ok((store, stream))
        });
        let (store, stream) = opened?;
        Ok(Self { link: link.clone(), bucket, store, stream })
    }

    fn path(&self, hash: ArtifactHash) -> PathBuf {
        PathBuf::from(format!("{}/{}/{hash}", self.link.place(), self.bucket))
    }

    fn failed(&self, doing: &'static str, hash: ArtifactHash, error: &dyn std::error::Error) -> ArtifactError {
        // Whatever it is that NATS cannot do now, it may do later: that makes it an outage.
        let source = io::Error::new(io::ErrorKind::NotConnected, reason(error));
        ArtifactError::Io { doing, path: self.path(hash), source }
    }

    async fn info(&self, hash: ArtifactHash) -> Result<Option<ObjectInfo>, ArtifactError> {
        match self.store.info(hash.to_string()).await {
            Ok(info) => Ok(Some(info).filter(|info| !info.deleted)),
            Err(error) if error.kind() == InfoErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed("read", hash, &error)),
        }
    }

    /// The bytes that the bucket has under a name, whatever they are; none when parts are missing.
    async fn read(&self, artifact: &ArtifactRef) -> Result<Option<Vec<u8>>, ArtifactError> {
        let Some(info) = self.info(artifact.hash).await? else { return Ok(None) };
        let subject = format!("$O.{}.C.{}", self.bucket, info.nuid);
        let mut bytes = Vec::with_capacity(usize::try_from(artifact.length).unwrap_or_default().min(info.size));
        let mut from = 1;
        for _ in 0..info.chunks {
            match self.stream.direct_get_next_for_subject(subject.as_str(), Some(from)).await {
                Ok(part) => {
                    bytes.extend_from_slice(&part.payload);
                    from = part.sequence + 1;
                }
                Err(error) if error.kind() == DirectGetErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(self.failed("read", artifact.hash, &error)),
            }
            if bytes.len() as u64 > artifact.length {
                break;
            }
        }
        Ok(Some(bytes))
    }

    async fn remove_all(&self, hash: ArtifactHash) -> Result<(), ArtifactError> {
        let Some(info) = self.info(hash).await? else { return Ok(()) };
        // What the library calls deleting leaves a message for each object for ever.
        let name = URL_SAFE.encode(hash.to_string());
        for subject in [format!("$O.{}.M.{name}", self.bucket), format!("$O.{}.C.{}", self.bucket, info.nuid)] {
            let purged = self.stream.purge().filter(subject).await;
            purged.map_err(|error| self.failed("remove", hash, &error))?;
        }
        Ok(())
    }
}

impl Artifacts for ObjectArtifacts {
    fn put(&self, bytes: &[u8]) -> Result<ArtifactRef, ArtifactError> {
        let artifact = ArtifactRef::of(bytes);
        self.link.wait(async {
            if self.read(&artifact).await?.is_some_and(|stored| stored == bytes) {
                return Ok(artifact);
            }
            let name = artifact.hash.to_string();
            let metadata = ObjectMetadata { name, chunk_size: Some(PART_BYTES), ..ObjectMetadata::default() };
            let mut reader = bytes;
            let put = self.store.put(metadata, &mut reader).await;
            put.map_err(|error| self.failed("write", artifact.hash, &error))?;
            Ok(artifact)
        })
    }

    fn get(&self, artifact: &ArtifactRef) -> Result<Vec<u8>, ArtifactError> {
        let damaged = |damage| ArtifactError::Damaged { hash: artifact.hash, path: self.path(artifact.hash), damage };
        let bytes = self.link.wait(self.read(artifact))?.ok_or_else(|| damaged(Damage::Missing))?;
        artifact.check(&bytes).map_err(damaged)?;
        Ok(bytes)
    }

    fn list(&self) -> Result<Vec<(ArtifactHash, u64)>, ArtifactError> {
        let failed = |error: &dyn std::error::Error| {
            let source = io::Error::new(io::ErrorKind::NotConnected, reason(error));
            ArtifactError::Io { doing: "list", path: format!("{}/{}", self.link.place(), self.bucket).into(), source }
        };
        self.link.wait(async {
            let mut objects = self.store.list().await.map_err(|error| failed(&error))?;
            let mut found = Vec::new();
            while let Some(object) = objects.next().await {
                let object = object.map_err(|error| failed(&error))?;
                // What has no artifact's name was put there by others and is not ours to remove.
                let Ok(hash) = object.name.parse() else { continue };
                found.push((hash, object.size as u64));
            }
            Ok(found)
        })
    }

    fn remove(&self, hash: ArtifactHash) -> Result<(), ArtifactError> {
        self.link.wait(self.remove_all(hash))
    }
}
