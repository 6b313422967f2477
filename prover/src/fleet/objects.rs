//! Artifacts in NATS' object store, by hash.
//!
//! An object is laid out as the object store documents (ADR-20: `$O.BUCKET.M.NAME` tells of it, `$O.BUCKET.C.NUID` has
//! its bytes), so that `nats object` shows the bucket. The client library writes one in four round trips and reads it in
//! two or with a consumer of its own, since it cannot know where the bytes are before it has asked, nor that nobody
//! changes them. Here both follow from the name: the NUID is the hash, and a subject only ever has one content. So an
//! artifact is read in one round trip, and written in one unless it is there already:
//!
//! - Bytes are published on the condition that their subject is empty. If it is not, they are there, or they are damaged;
//!   then they are published again in the place of whatever there was (a *rollup*). So who mends needs no right to purge.
//! - What does not fit a message is in parts, the first under `C.HASH`, others under `C.HASH.1` and so on. Parts are sent
//!   and asked for together. Other readers of the object store find only the first part of these.
//!
//! Before, with the library's writer and a reader that asks first where the bytes are, and each result fetched again for
//! each job that reads it, one process with eight rehearsed jobs at once came to 442 jobs a second on two cores; with this
//! to 606 and 668. One job at a time: 203, then 276 and 295.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use async_nats::header::{HeaderName, NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_ROLLUP};
use async_nats::jetstream::context::{PublishAckFuture, PublishErrorKind};
use async_nats::jetstream::object_store::{self, ObjectInfo, ObjectOptions, ObjectStore};
use async_nats::jetstream::stream::{DirectGetErrorKind, LastRawMessageErrorKind, Stream};
use async_nats::HeaderMap;
use base64::engine::general_purpose::URL_SAFE;
use base64::Engine as _;
use bytes::Bytes;
use futures_util::{stream, StreamExt as _, TryStreamExt as _};

use super::link::{reason, Link, LinkError};
use super::Lane;
use crate::artifact::{ArtifactError, ArtifactRef, Artifacts, Damage};
use crate::digest::ArtifactHash;

/// Bytes of a part: a proof is one, and with its headers it is under NATS' largest message (1 MiB unless it is set
/// otherwise, which [`ObjectArtifacts::open`] looks at).
const PART_BYTES: usize = 896 << 10;
/// Bytes of a message that are kept for subject and headers.
const HEADER_BYTES: usize = 4 << 10;
/// The longest artifact: a batch of a hundred thousand chunks is submitted in one that is shorter.
const LONGEST_BYTES: u64 = 256 << 20;
/// Parts that are asked for at once.
const PARTS_AT_ONCE: usize = 4;

/// So many things that are no objects are passed over when a bucket is listed; more look like a broken connection.
const MOST_NOT_UNDERSTOOD: usize = 1000;

/// Artifacts that are removed together.
const REMOVED_AT_ONCE: usize = 16;

/// Puts other bytes in an artifact's place, as a broken disk or a stranger might: to see that it is made again.
///
/// # Errors
/// When NATS cannot be reached.
pub fn damage(link: &Arc<Link>, lane: &Lane, hash: ArtifactHash, bytes: &[u8]) -> Result<(), ArtifactError> {
    let failed = |error: LinkError| {
        let source = io::Error::new(io::ErrorKind::NotConnected, error.to_string());
        ArtifactError::Io { doing: "damage", path: link.place().into(), source }
    };
    let artifacts = ObjectArtifacts::open(link, lane).map_err(failed)?;
    link.wait(artifacts.replace(hash, Bytes::copy_from_slice(bytes)))
}

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
        let largest = link.client().server_info().max_payload;
        if largest < PART_BYTES + HEADER_BYTES {
            let needed = format!("messages of {} bytes (max_payload)", PART_BYTES + HEADER_BYTES);
            return Err(LinkError::JetStream {
                place: link.place().to_owned(),
                what: needed,
                reason: format!("its largest have {largest}; set max_payload to 1MB"),
            });
        }
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

    /// Several artifacts, asked for together.
    pub(super) fn get_each(&self, artifacts: &[ArtifactRef]) -> Vec<Result<Vec<u8>, ArtifactError>> {
        let each = stream::iter(artifacts).map(|artifact| self.read_checked(artifact));
        self.link.wait(each.buffered(PARTS_AT_ONCE).collect())
    }

    fn path(&self, hash: ArtifactHash) -> PathBuf {
        PathBuf::from(format!("{}/{}/{hash}", self.link.place(), self.bucket))
    }

    fn failed(&self, doing: &'static str, hash: ArtifactHash, error: &dyn std::error::Error) -> ArtifactError {
        // Whatever it is that NATS cannot do now, it may do later: that makes it an outage.
        let source = io::Error::new(io::ErrorKind::NotConnected, reason(error));
        ArtifactError::Io { doing, path: self.path(hash), source }
    }

    /// Where a part is.
    fn part_subject(&self, hash: ArtifactHash, part: usize) -> String {
        match part {
            0 => format!("$O.{}.C.{hash}", self.bucket),
            part => format!("$O.{}.C.{hash}.{part}", self.bucket),
        }
    }

    /// Where it is told of.
    fn info_subject(&self, hash: ArtifactHash) -> String {
        format!("$O.{}.M.{}", self.bucket, URL_SAFE.encode(hash.to_string()))
    }

    fn info(&self, artifact: &ArtifactRef, length: usize) -> ObjectInfo {
        let name = artifact.hash.to_string();
        ObjectInfo {
            nuid: name.clone(),
            name,
            description: None,
            metadata: Default::default(),
            headers: None,
            options: Some(ObjectOptions { link: None, max_chunk_size: Some(PART_BYTES) }),
            bucket: self.bucket.clone(),
            size: length,
            chunks: length.div_ceil(PART_BYTES).max(1),
            modified: Some(async_nats::datetime::now()),
            digest: Some(format!("SHA-256={}", URL_SAFE.encode(artifact.hash.0))),
            deleted: false,
        }
    }

    /// Sends a message; the future says whether it is stored.
    async fn send(
        &self,
        hash: ArtifactHash,
        subject: String,
        header: (HeaderName, &'static str),
        bytes: Bytes,
    ) -> Result<PublishAckFuture, ArtifactError> {
        let mut headers = HeaderMap::new();
        headers.insert(header.0, header.1);
        let sent = self.link.jetstream().publish_with_headers(subject, headers, bytes).await;
        sent.map_err(|error| self.failed("write", hash, &error))
    }

    async fn write(&self, artifact: &ArtifactRef, bytes: &[u8]) -> Result<(), ArtifactError> {
        let hash = artifact.hash;
        let failed = |error: &dyn std::error::Error| self.failed("write", hash, error);
        if artifact.length > LONGEST_BYTES {
            let reason = format!("it has {} bytes, and a fleet takes {LONGEST_BYTES}", artifact.length);
            let source = io::Error::new(io::ErrorKind::FileTooLarge, reason);
            return Err(ArtifactError::Io { doing: "write", path: self.path(hash), source });
        }
        let info = serde_json::to_vec(&self.info(artifact, bytes.len())).expect("it has string keys");
        // An artifact of no bytes has an empty part, so that it can be told from a missing one.
        let mut parts: Vec<Bytes> = bytes.chunks(PART_BYTES).map(Bytes::copy_from_slice).collect();
        if parts.is_empty() {
            parts.push(Bytes::new());
        }
        let mut sent = Vec::with_capacity(parts.len());
        for (part, bytes) in parts.iter().enumerate() {
            let empty = (NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, "0");
            sent.push(self.send(hash, self.part_subject(hash, part), empty, bytes.clone()).await?);
        }
        let told = self.send(hash, self.info_subject(hash), (NATS_ROLLUP, "sub"), info.into()).await?;
        for (part, stored) in sent.into_iter().enumerate() {
            match stored.await {
                Ok(_) => {}
                Err(error) if error.kind() == PublishErrorKind::WrongLastSequence => {
                    if self.read_part(hash, part).await?.as_ref() != Some(&parts[part]) {
                        let instead = (NATS_ROLLUP, "sub");
                        let sent = self.send(hash, self.part_subject(hash, part), instead, parts[part].clone()).await?;
                        sent.await.map_err(|error| failed(&error))?;
                    }
                }
                Err(error) => return Err(failed(&error)),
            }
        }
        told.await.map_err(|error| failed(&error))?;
        Ok(())
    }

    async fn replace(&self, hash: ArtifactHash, bytes: Bytes) -> Result<(), ArtifactError> {
        let sent = self.send(hash, self.part_subject(hash, 0), (NATS_ROLLUP, "sub"), bytes).await?;
        sent.await.map(drop).map_err(|error| self.failed("damage", hash, &error))
    }

    async fn read_part(&self, hash: ArtifactHash, part: usize) -> Result<Option<Bytes>, ArtifactError> {
        let subject = self.part_subject(hash, part);
        match self.stream.direct_get_last_for_subject(subject.as_str()).await {
            Ok(message) => return Ok(Some(message.payload)),
            Err(error) if matches!(error.kind(), DirectGetErrorKind::TimedOut | DirectGetErrorKind::Request) => {
                return Err(self.failed("read", hash, &error));
            }
            Err(_) => {}
        }
        // That may have been answered by a replica that is behind, and a stored header may look like an error: the leader
        // knows, and wraps what it gives.
        match self.stream.get_last_raw_message_by_subject(&subject).await {
            Ok(message) => Ok(Some(message.payload)),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(self.failed("read", hash, &error)),
        }
    }

    /// The bytes that the bucket has under a name, whatever they are; none when parts are missing.
    async fn read(&self, artifact: &ArtifactRef) -> Result<Option<Vec<u8>>, ArtifactError> {
        let length = usize::try_from(artifact.length).unwrap_or(usize::MAX);
        let parts = stream::iter(0..length.div_ceil(PART_BYTES).max(1)).map(|part| self.read_part(artifact.hash, part));
        let mut parts = parts.buffered(PARTS_AT_ONCE);
        let mut bytes = Vec::new();
        while let Some(part) = parts.next().await {
            let Some(part) = part? else { return Ok(None) };
            bytes.extend_from_slice(&part);
        }
        Ok(Some(bytes))
    }

    async fn read_checked(&self, artifact: &ArtifactRef) -> Result<Vec<u8>, ArtifactError> {
        let damaged = |damage| ArtifactError::Damaged { hash: artifact.hash, path: self.path(artifact.hash), damage };
        // None so long is written; who names one wants memory to run out.
        if artifact.length > LONGEST_BYTES {
            return Err(damaged(Damage::Length { expected: LONGEST_BYTES, got: artifact.length }));
        }
        let bytes = self.read(artifact).await?.ok_or_else(|| damaged(Damage::Missing))?;
        artifact.check(&bytes).map_err(damaged)?;
        Ok(bytes)
    }

    async fn remove_all(&self, hash: ArtifactHash) -> Result<(), ArtifactError> {
        let first = self.part_subject(hash, 0);
        // What the library calls deleting leaves a message for each object for ever.
        let purge = |subject: String| async move {
            let purged = self.stream.purge().filter(subject).await;
            purged.map(drop).map_err(|error| self.failed("remove", hash, &error))
        };
        tokio::try_join!(purge(self.info_subject(hash)), purge(format!("{first}.*")), purge(first.clone()))?;
        Ok(())
    }
}

impl Artifacts for ObjectArtifacts {
    fn put(&self, bytes: &[u8]) -> Result<ArtifactRef, ArtifactError> {
        let artifact = ArtifactRef::of(bytes);
        self.link.wait(self.write(&artifact, bytes))?;
        Ok(artifact)
    }

    fn get(&self, artifact: &ArtifactRef) -> Result<Vec<u8>, ArtifactError> {
        self.link.wait(self.read_checked(artifact))
    }

    fn list(&self) -> Result<Vec<(ArtifactHash, u64)>, ArtifactError> {
        let failed = |error: &dyn std::error::Error| {
            let source = io::Error::new(io::ErrorKind::NotConnected, reason(error));
            ArtifactError::Io { doing: "list", path: format!("{}/{}", self.link.place(), self.bucket).into(), source }
        };
        self.link.wait(async {
            let mut objects = self.store.list().await.map_err(|error| failed(&error))?;
            let mut found = Vec::new();
            let mut not_understood = 0;
            while let Some(object) = objects.next().await {
                let object = match object {
                    Ok(object) => object,
                    // What others put there must not keep everything else from being swept.
                    Err(error) if not_understood < MOST_NOT_UNDERSTOOD => {
                        tracing::warn!(%error, bucket = self.bucket, "something in the bucket is no object");
                        not_understood += 1;
                        continue;
                    }
                    Err(error) => return Err(failed(&error)),
                };
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

    fn remove_each(&self, hashes: &[ArtifactHash]) -> Result<(), ArtifactError> {
        let removed = stream::iter(hashes).map(|hash| self.remove_all(*hash)).buffer_unordered(REMOVED_AT_ONCE);
        self.link.wait(removed.try_collect::<()>())
    }
}
