//! The truth about graphs, jobs, attempts and results, in RocksDB.
//!
//! | column family | key | value (postcard) |
//! | --- | --- | --- |
//! | `meta` | `format`, `epoch` | u32 |
//! | `graphs` | root's [`JobId`] | [`GraphRecord`] |
//! | `specs` | [`JobId`] | [`JobSpec`], never changed |
//! | `records` | [`JobId`] | [`Record`] |
//! | `small` | [`ArtifactHash`] | a small artifact's bytes |

use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard};

use rocksdb::{ColumnFamily, ColumnFamilyDescriptor, IteratorMode, LogLevel, Options, WriteBatch, DB};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::artifact::ArtifactRef;
use crate::clock::since_epoch;
use crate::digest::{ArtifactHash, JobId};
use crate::job::JobSpec;
use crate::queue::{Effort, Failure, Fence, OpenError, QueueError};

/// Raised when a stored type changes its meaning or encoding.
const FORMAT: u32 = 2;

const META: &str = "meta";
const GRAPHS: &str = "graphs";
const SPECS: &str = "specs";
const RECORDS: &str = "records";
const SMALL: &str = "small";
const FORMAT_KEY: &[u8] = b"format";
const EPOCH_KEY: &[u8] = b"epoch";

/// Records are few and small: a queue of 10 000 jobs fits one write buffer.
const WRITE_BUFFER_BYTES: usize = 8 << 20;
/// Column families share one log of writes; this bounds what opening has to replay.
const WRITE_LOG_BYTES: u64 = 32 << 20;

/// What changes about a job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    /// Where it stands.
    pub(super) state: State,
    /// Attempts begun.
    pub(super) attempts: u32,
    /// Of these, how many ended with the worker.
    pub(super) lost_workers: u32,
    /// How they failed, the latest last.
    pub(super) failures: Vec<Failure>,
}

impl Record {
    /// A job nobody has tried.
    pub(super) fn new() -> Self {
        Self { state: State::Open, attempts: 0, lost_workers: 0, failures: Vec::new() }
    }
}

/// Where a job stands. Whether an open job is ready follows from its dependencies and is not stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum State {
    /// To be done.
    Open,
    /// In a worker's hands. When the lease runs out is not stored: a lease does not outlive the process
    /// that gave it, and a monotonic clock, which no one can set, cannot be compared across processes.
    Leased { worker: String, fence: Fence },
    /// Done.
    Done { artifact: ArtifactRef, effort: Effort },
    /// Set aside.
    SetAside,
}

/// A submitted graph.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct GraphRecord {
    pub(super) label: String,
    pub(super) deadline_ms: u64,
    /// Its place in the order of submission.
    pub(super) number: u64,
    /// Transactions that it is for.
    pub(super) transactions: u64,
    /// Its jobs, each after those it depends on.
    pub(super) jobs: Vec<JobId>,
}

/// Everything stored, as read at the start. Specs come without their payloads.
pub(super) struct Loaded {
    pub(super) graphs: Vec<(JobId, GraphRecord)>,
    pub(super) jobs: Vec<(JobId, JobSpec, Record)>,
}

pub(super) struct Records {
    db: DB,
    syncing: Mutex<Syncing>,
    synced: Condvar,
}

/// Who waits for the disk. Those that come while it is written to share the next write, or a busy queue would wait for
/// the disk once for each job.
#[derive(Default)]
struct Syncing {
    /// How many have asked.
    asked: u64,
    /// How many of these are served.
    served: u64,
    running: bool,
}

impl Records {
    /// Opens the records for writing and begins a new epoch, which is returned.
    pub(super) fn open(path: &Path) -> Result<(Self, u32), OpenError> {
        let mut options = options();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        let db = DB::open_cf_descriptors(&options, path, families()).map_err(failed("open them"))?;
        let records = Self::new(db);
        // Above the last one, and, where these are restored from a backup, above those begun since it was made: a
        // worker may hold a lease from one of them.
        let now = since_epoch().as_secs();
        let after_last = records.meta(EPOCH_KEY)?.unwrap_or(0).saturating_add(1);
        let epoch = after_last.max(u32::try_from(now).unwrap_or(0));
        match records.meta(FORMAT_KEY)? {
            Some(FORMAT) => {}
            None => records.put_meta(FORMAT_KEY, FORMAT)?,
            Some(found) => {
                return Err(OpenError::Format { path: path.to_owned(), found, expected: FORMAT });
            }
        }
        records.put_meta(EPOCH_KEY, epoch)?;
        records.sync()?;
        Ok((records, epoch))
    }

    /// Opens them as they are now, for reading, also while another process has them open.
    pub(super) fn look(path: &Path) -> Result<Self, OpenError> {
        let db = DB::open_cf_descriptors_read_only(&options(), path, families(), false)
            .map_err(failed("open them for reading"))?;
        Ok(Self::new(db))
    }

    fn new(db: DB) -> Self {
        Self { db, syncing: Mutex::default(), synced: Condvar::new() }
    }

    /// Reads everything but payloads.
    pub(super) fn load(&self) -> Result<Loaded, QueueError> {
        let mut graphs = Vec::new();
        for item in self.db.iterator_cf(self.family(GRAPHS)?, IteratorMode::Start) {
            let (key, value) = item.map_err(failed("read the graphs"))?;
            graphs.push((job_id(&key)?, decode::<GraphRecord>(&value)?));
        }
        graphs.sort_by_key(|(_, graph)| graph.number);

        let mut jobs = Vec::new();
        for item in self.db.iterator_cf(self.family(RECORDS)?, IteratorMode::Start) {
            let (key, value) = item.map_err(failed("read the jobs"))?;
            let id = job_id(&key)?;
            let mut spec = self.spec(id)?;
            spec.payload = Vec::new();
            jobs.push((id, spec, decode(&value)?));
        }
        Ok(Loaded { graphs, jobs })
    }

    /// Reads a job with its payload.
    pub(super) fn spec(&self, id: JobId) -> Result<JobSpec, QueueError> {
        let value = self.db.get_cf(self.family(SPECS)?, id.0).map_err(failed("read a job"))?;
        decode(&value.ok_or(QueueError::UnknownJob(id))?)
    }

    /// Stores a graph with those of its jobs that are new, at once.
    pub(super) fn add_graph(
        &self,
        root: JobId,
        graph: &GraphRecord,
        new_jobs: &[(JobId, &JobSpec, Record)],
    ) -> Result<(), QueueError> {
        let mut batch = WriteBatch::default();
        batch.put_cf(self.family(GRAPHS)?, root.0, encode(graph)?);
        for (id, spec, record) in new_jobs {
            batch.put_cf(self.family(SPECS)?, id.0, encode(spec)?);
            batch.put_cf(self.family(RECORDS)?, id.0, encode(record)?);
        }
        self.db.write(batch).map_err(failed("store a graph"))
    }

    /// Forgets a graph and jobs, at once.
    pub(super) fn remove_graph(&self, root: JobId, jobs: &[JobId]) -> Result<(), QueueError> {
        let mut batch = WriteBatch::default();
        batch.delete_cf(self.family(GRAPHS)?, root.0);
        for id in jobs {
            batch.delete_cf(self.family(SPECS)?, id.0);
            batch.delete_cf(self.family(RECORDS)?, id.0);
        }
        self.db.write(batch).map_err(failed("forget a graph"))
    }

    /// Stores changed jobs at once. They survive the process from here on, a power cut after
    /// [`sync`](Self::sync).
    pub(super) fn change(&self, changes: &[(JobId, Record)]) -> Result<(), QueueError> {
        let mut batch = WriteBatch::default();
        for (id, record) in changes {
            batch.put_cf(self.family(RECORDS)?, id.0, encode(record)?);
        }
        self.db.write(batch).map_err(failed("store a change"))
    }

    /// Waits until everything written so far survives a power cut.
    pub(super) fn sync(&self) -> Result<(), QueueError> {
        let mut syncing = lock(&self.syncing);
        syncing.asked += 1;
        let ticket = syncing.asked;
        while syncing.served < ticket {
            if syncing.running {
                syncing = self.synced.wait(syncing).unwrap_or_else(|poisoned| poisoned.into_inner());
                continue;
            }
            syncing.running = true;
            let asked = syncing.asked;
            drop(syncing);
            let flushed = self.db.flush_wal(true);
            syncing = lock(&self.syncing);
            syncing.running = false;
            // After a failure the others try for themselves.
            self.synced.notify_all();
            flushed.map_err(failed("sync"))?;
            syncing.served = asked;
        }
        Ok(())
    }

    /// Stores a small artifact. It survives the process from here on, a power cut after [`sync`](Self::sync).
    pub(super) fn put_small(&self, hash: ArtifactHash, bytes: &[u8]) -> Result<(), rocksdb::Error> {
        self.db.put_cf(self.small(), hash.0, bytes)
    }

    /// Reads a small artifact.
    pub(super) fn get_small(&self, hash: ArtifactHash) -> Result<Option<Vec<u8>>, rocksdb::Error> {
        self.db.get_cf(self.small(), hash.0)
    }

    /// Removes a small artifact, if it is there.
    pub(super) fn remove_small(&self, hash: ArtifactHash) -> Result<(), rocksdb::Error> {
        self.db.delete_cf(self.small(), hash.0)
    }

    /// Names and lengths of all small artifacts.
    pub(super) fn list_small(&self) -> Result<Vec<(ArtifactHash, u64)>, rocksdb::Error> {
        let named = |(key, value): (Box<[u8]>, Box<[u8]>)| {
            let hash = <[u8; 32]>::try_from(&*key).ok()?;
            Some((ArtifactHash(hash), value.len() as u64))
        };
        let items = self.db.iterator_cf(self.small(), IteratorMode::Start);
        items.filter_map(|item| item.map(named).transpose()).collect()
    }

    fn small(&self) -> &ColumnFamily {
        self.db.cf_handle(SMALL).expect("it is one of those that are opened")
    }

    fn meta(&self, key: &[u8]) -> Result<Option<u32>, QueueError> {
        let value = self.db.get_cf(self.family(META)?, key).map_err(failed("read their format"))?;
        value.map(|value| decode(&value)).transpose()
    }

    fn put_meta(&self, key: &[u8], value: u32) -> Result<(), QueueError> {
        self.db.put_cf(self.family(META)?, key, encode(&value)?).map_err(failed("write their format"))
    }

    fn family(&self, name: &'static str) -> Result<&ColumnFamily, QueueError> {
        self.db.cf_handle(name).ok_or_else(|| QueueError::Records {
            doing: "find a column family",
            source: format!("there is no column family {name}").into(),
        })
    }
}

fn families() -> Vec<ColumnFamilyDescriptor> {
    let family = |name| {
        let mut options = Options::default();
        options.set_write_buffer_size(WRITE_BUFFER_BYTES);
        ColumnFamilyDescriptor::new(name, options)
    };
    [rocksdb::DEFAULT_COLUMN_FAMILY_NAME, META, GRAPHS, SPECS, RECORDS, SMALL].map(family).into()
}

fn options() -> Options {
    let mut options = Options::default();
    options.set_max_total_wal_size(WRITE_LOG_BYTES);
    options.set_max_open_files(64);
    options.set_keep_log_file_num(2);
    options.set_log_level(LogLevel::Warn);
    options
}

fn job_id(key: &[u8]) -> Result<JobId, QueueError> {
    key.try_into().map(JobId).map_err(failed("read a job's name"))
}

fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, QueueError> {
    postcard::to_stdvec(value).map_err(failed("encode a record"))
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, QueueError> {
    postcard::from_bytes(bytes).map_err(failed("decode a record"))
}

fn failed<E>(doing: &'static str) -> impl FnOnce(E) -> QueueError
where
    E: std::error::Error + Send + Sync + 'static,
{
    move |source| QueueError::Records { doing, source: source.into() }
}

/// Locks also after a panic: what is behind the lock is whole between any two statements.
fn lock(mutex: &Mutex<Syncing>) -> MutexGuard<'_, Syncing> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
