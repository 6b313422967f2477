//! One batch from transactions to proof, in a data directory that survives everything.
//!
//! ```text
//!   DIR/state      the state store, at the root before the batch or after it
//!   DIR/jobs       job graph, results and artifacts
//!   DIR/batches    a record of each batch: its roots and its jobs
//! ```
//!
//! The order of writes is what makes resuming simple. The record, which holds all jobs, is written when execution and
//! planning are done and the chunks' inputs are stored. From then on the state is not needed to go on. It moves to the
//! new root last, after the proof was verified. The same call at any later moment does what is left.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sheaf_circuits::context::Context;
use sheaf_circuits::hash::Digest;
use sheaf_prover::digest::JobId;
use sheaf_prover::fleet::FleetQueue;
use sheaf_prover::graph::Graph;
use sheaf_prover::job::{JobKind, JobSpec};
use sheaf_prover::queue::embedded::EmbeddedQueue;
use sheaf_prover::queue::{JobState, JobStatus, OpenError, Policy, Queue, QueueError};
use sheaf_prover::runner::{follow, Event, Limits, RunError, Runner};
use sheaf_verifier_contract::{L1Batch, PROOF_BYTES};
use sheaf_witness::execute::{execute, Execution, SignatureChecks};
use sheaf_witness::genesis::Genesis;
use sheaf_witness::state::{State, StateError, StateRead, StateUpdate};
use thiserror::Error;

use super::bundle::ProvenBatch;
use super::circuits::{Circuits, CircuitsError};
use super::forecast::Workload;
use super::jobs::{batch_graph, graph_until, BatchGraphError};
use super::prepare::{prepare, Batch, Planned, PrepareError, Prepared, Stage};
use super::settlement::Settlement;
use super::work::BatchWork;

/// The version of a batch's record.
const RECORD_VERSION: u16 = 2;

/// How far a batch is proven.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Until {
    /// To one plonky2 proof, the last lift or join.
    #[default]
    Join,
    /// To the Groth16 proof that L1 verifies. The circuits must have the way to L1.
    Wrap,
}

/// A batch with its proof, in the form that its stage has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProvenFile {
    /// With the last plonky2 proof.
    Join(ProvenBatch),
    /// As L1 takes it.
    Wrap(Box<L1Batch>),
}

impl ProvenFile {
    /// The one encoding of either.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Join(batch) => batch.to_bytes(),
            Self::Wrap(batch) => batch.to_bytes(),
        }
    }

    /// Bytes of the proof.
    pub fn proof_bytes(&self) -> usize {
        match self {
            Self::Join(batch) => batch.proof.len(),
            Self::Wrap(batch) => batch.proof.len(),
        }
    }
}

/// What [`BatchSession::prove`] gives.
#[derive(Clone, Debug)]
pub struct Proven {
    /// The batch with its proof, verified.
    pub file: ProvenFile,
    /// What was proven.
    pub planned: Planned,
    /// Whether anything was left to execute and plan.
    pub resumed: bool,
}

/// What is told while a batch is proven.
#[derive(Debug)]
pub enum BatchEvent<'a> {
    /// A stage begins that has no jobs.
    Stage(&'static str),
    /// A stage ended.
    StageDone {
        /// Its name.
        stage: &'static str,
        /// How long it took.
        seconds: f64,
    },
    /// Execution is done.
    Executed(&'a Execution),
    /// The jobs are known, those done before included.
    Jobs(&'a JobCounts),
    /// What is left to do is known, and what it needs. Circuits are built next.
    Workload(&'a Workload),
    /// Something happened to a job.
    Job(Event<'a>),
}

/// How many jobs of each kind a batch has.
pub type JobCounts = BTreeMap<JobKind, JobCount>;

/// How many jobs of a kind there are, and how many of them are done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobCount {
    /// All of them.
    pub total: usize,
    /// Those that have a result.
    pub done: usize,
}

/// How much may run at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Jobs at once.
    pub jobs: usize,
    /// Memory for all of them, in bytes.
    pub memory_bytes: u64,
    /// When the proof is wanted, in milliseconds since the Unix epoch; `u64::MAX` for no deadline. Of the batches of a
    /// fleet the one with the earliest goes first.
    pub deadline_ms: u64,
}

#[derive(Serialize, Deserialize)]
struct Record {
    version: u16,
    planned: Planned,
    jobs: Vec<JobSpec>,
    label: String,
}

/// Where the jobs of batches are done.
pub enum Workplace {
    /// By this process, with a queue in the data directory.
    Here(Policy),
    /// By the workers of a fleet.
    Fleet(Box<FleetQueue>),
}

/// A data directory, open: one process at a time.
pub struct BatchSession {
    circuits: Arc<Circuits>,
    work: BatchWork,
    state: State,
    jobs: Jobs,
    batches: PathBuf,
}

enum Jobs {
    Here(Box<EmbeddedQueue>),
    Fleet(Box<FleetQueue>),
}

impl BatchSession {
    /// Opens `data_dir`, or makes it from what `genesis` gives.
    pub fn open<E>(
        data_dir: &Path,
        genesis: impl FnOnce() -> Result<Genesis, E>,
        circuits: Arc<Circuits>,
        workplace: Workplace,
    ) -> Result<Self, OpenSessionError<E>> {
        let batches = data_dir.join("batches");
        fs::create_dir_all(&batches).map_err(|source| OpenSessionError::Io { path: batches.clone(), source })?;
        // The queue's lock is taken first: it says which process has the directory.
        let work = BatchWork::new(circuits.clone());
        let jobs = match workplace {
            Workplace::Here(policy) => {
                let queue = EmbeddedQueue::open(&data_dir.join("jobs"), policy, Arc::new(work.clone()))?;
                Jobs::Here(Box::new(queue))
            }
            Workplace::Fleet(queue) => Jobs::Fleet(queue),
        };
        let path = data_dir.join("state");
        let state = match path.exists() {
            true => State::open(&path)?,
            false => State::create(&path, &genesis().map_err(OpenSessionError::Genesis)?)?,
        };
        Ok(Self { circuits, work, state, jobs, batches })
    }

    /// The circuits.
    pub fn circuits(&self) -> &Circuits {
        &self.circuits
    }

    /// The state.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The queue of its jobs.
    pub fn queue(&self) -> &dyn Queue {
        match &self.jobs {
            Jobs::Here(queue) => &**queue,
            Jobs::Fleet(queue) => &**queue,
        }
    }

    /// Proves `batch` as far as told, or what is left of that, and moves the state on. `stop` ends it between jobs.
    pub fn prove(
        &self,
        batch: Batch<'_>,
        until: Until,
        room: Room,
        stop: &AtomicBool,
        on_event: &(dyn Fn(BatchEvent<'_>) + Sync),
    ) -> Result<Proven, BatchError> {
        let path = self.batches.join(format!("{}.record", self.batch_id(batch)?));
        let (record, update, resumed) = match self.read_record(&path)? {
            Some(record) => (record, None, true),
            None => {
                let (record, update) = self.prepare(batch, on_event)?;
                write_durably(&path, &postcard::to_stdvec(&record)?)
                    .map_err(|source| BatchError::Io { path: path.clone(), source })?;
                (record, Some(update), false)
            }
        };
        let jobs = record.jobs.iter().cloned();
        let graph = graph_until(&self.circuits, jobs, until, batch.context, &record.label)?;
        let graph = graph.with_deadline_ms(room.deadline_ms).with_transactions(record.planned.applied as u64);
        self.prepare_jobs(&graph, on_event).or_else(|error| {
            self.put_inputs_again(batch, &record, error, on_event)?;
            self.prepare_jobs(&graph, on_event)
        })?;
        let listener = |event: Event<'_>| on_event(BatchEvent::Job(event));
        let bytes = match &self.jobs {
            Jobs::Here(queue) => {
                let worker = format!("prove-{}", std::process::id());
                let limits = Limits { worker, jobs: room.jobs, memory_bytes: room.memory_bytes };
                Runner::new(&**queue, &self.work, limits, &listener).stop_on(stop).run(&graph)?
            }
            Jobs::Fleet(queue) => follow(&**queue, &graph, stop, &listener)?,
        };

        let file = self.verified(until, batch.context, &record.planned, bytes)?;
        self.advance(batch, &record.planned, update)?;
        Ok(Proven { file, planned: record.planned, resumed })
    }

    fn settlement(&self) -> Result<&Settlement, BatchError> {
        let missing = || BatchError::Circuits { what: CircuitsError::NoKey.to_string() };
        self.circuits.settlement().ok_or_else(missing)
    }

    /// Names a batch by all that decides its proof.
    fn batch_id(&self, batch: Batch<'_>) -> Result<String, BatchError> {
        let mut hasher = Sha256::new();
        hasher.update(b"sheaf batch v1");
        hasher.update(self.circuits.allowed_set().to_bytes());
        hasher.update(postcard::to_stdvec(&(batch.context, batch.transactions))?);
        Ok(hex::encode(hasher.finalize()))
    }

    /// The record at `path`, if there is a whole one. A damaged one is as good as none: it is made again.
    fn read_record(&self, path: &Path) -> Result<Option<Record>, BatchError> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(BatchError::Io { path: path.to_owned(), source }),
        };
        let Some((content, hash)) = bytes.split_last_chunk::<32>() else { return Ok(None) };
        if Sha256::digest(content)[..] != hash[..] {
            return Ok(None);
        }
        Ok(postcard::from_bytes::<Record>(content).ok().filter(|record| record.version == RECORD_VERSION))
    }

    /// Executes and plans, and stores the chunks' inputs.
    fn prepare(
        &self,
        batch: Batch<'_>,
        on_event: &(dyn Fn(BatchEvent<'_>) + Sync),
    ) -> Result<(Record, StateUpdate), BatchError> {
        let expected = self.state.batches() + 1;
        if u64::from(batch.context.batch_number) != expected {
            return Err(BatchError::Number { expected, got: batch.context.batch_number });
        }
        let reader = self.state.reader(self.state.root())?;
        let Prepared { planned, inputs, update } = prepare(batch, &self.circuits, &reader, on_event)?;
        let label = format!("batch {}", batch.context.batch_number);
        let artifacts = self.queue().artifacts();
        let graph = batch_graph(&self.circuits, &|bytes| artifacts.put(bytes), &inputs, &label)?;
        let jobs = graph.jobs().iter().map(|(_, spec)| spec.clone()).collect();
        Ok((Record { version: RECORD_VERSION, planned, jobs, label }, update))
    }

    /// Recorded inputs may have been swept away before their jobs were submitted, or lost with the store. They follow from
    /// the batch, as long as the state before it is the last one.
    fn put_inputs_again(
        &self,
        batch: Batch<'_>,
        record: &Record,
        error: BatchError,
        on_event: &(dyn Fn(BatchEvent<'_>) + Sync),
    ) -> Result<(), BatchError> {
        let BatchError::Queue(QueueError::MissingArtifact { .. }) = &error else { return Err(error) };
        if self.state.root() != record.planned.pre_root {
            return Err(error);
        }
        self.prepare(batch, on_event)?;
        Ok(())
    }

    /// Submits the jobs, tells what is left of them, and builds the circuits for that: otherwise the first job of each
    /// circuit would take as much longer, and seconds of jobs would say little.
    fn prepare_jobs(&self, graph: &Graph, on_event: &(dyn Fn(BatchEvent<'_>) + Sync)) -> Result<(), BatchError> {
        let submitted = self.queue().submit(graph)?;
        on_event(BatchEvent::Job(Event::Submitted(&submitted)));
        let jobs = self.queue().graph(graph.root())?.jobs;
        let is_done = |job: &JobStatus| matches!(job.state, JobState::Done { .. });
        let mut counts = JobCounts::new();
        for job in &jobs {
            let count = counts.entry(job.kind).or_default();
            count.total += 1;
            count.done += usize::from(is_done(job));
        }
        on_event(BatchEvent::Jobs(&counts));

        let left: HashSet<JobId> = jobs.iter().filter(|job| !is_done(job)).map(|job| job.id).collect();
        if matches!(self.jobs, Jobs::Here(_)) && !left.is_empty() {
            let workload = Workload::new(&self.circuits, graph, |job| !left.contains(&job));
            on_event(BatchEvent::Workload(&workload.map_err(BatchGraphError::from)?));
            let building = Stage::begin("build circuits", on_event);
            for (_, job) in graph.jobs().iter().filter(|(id, _)| left.contains(id)) {
                self.work.prepare(job).map_err(|what| BatchError::Circuits { what })?;
            }
            building.end();
        }
        Ok(())
    }

    /// Verifies the last proof once more, and that it says what was planned.
    fn verified(
        &self,
        until: Until,
        context: &Context,
        planned: &Planned,
        proof: Vec<u8>,
    ) -> Result<ProvenFile, BatchError> {
        let wrong = |what: String| BatchError::WrongProof { what };
        let (context, l1, l2) = (*context, planned.l1_bytes.clone(), planned.l2_bytes.clone());
        match until {
            Until::Join => {
                let batch = ProvenBatch { context, l1, l2, proof };
                let says = batch.verify(self.circuits.verifier()).map_err(|error| wrong(error.to_string()))?;
                let roots = (says.public_inputs.pre_root, says.public_inputs.post_root);
                if roots != (planned.pre_root, planned.post_root) {
                    return Err(wrong(format!("it leads from root {} to {}", roots.0, roots.1)));
                }
                Ok(ProvenFile::Join(batch))
            }
            Until::Wrap => {
                let settlement = self.settlement()?;
                let got = proof.len();
                let batch = L1Batch {
                    context,
                    program_id: settlement.program().program_id().to_bytes(),
                    pre_root: planned.pre_root,
                    post_root: planned.post_root,
                    da_commit: planned.da_commit,
                    l1,
                    l2,
                    proof: proof
                        .try_into()
                        .map_err(|_| wrong(format!("it has {got} bytes, expected {PROOF_BYTES}")))?,
                };
                settlement.verify(&batch).map_err(|error| wrong(error.to_string()))?;
                Ok(ProvenFile::Wrap(Box::new(batch)))
            }
        }
    }

    /// Moves the state to the root after the batch, unless it is there.
    fn advance(&self, batch: Batch<'_>, planned: &Planned, update: Option<StateUpdate>) -> Result<(), BatchError> {
        let root = self.state.root();
        if root == planned.post_root || root != planned.pre_root {
            // There already, or further: batches follow one another, and this one was proven before.
            return Ok(());
        }
        let update = match update {
            Some(update) => update,
            None => {
                let reader = self.state.reader(root)?;
                let execution = execute(batch.context, batch.transactions, &reader, SignatureChecks::Verify)
                    .map_err(PrepareError::from)?;
                reader.prepare(execution.cells)?
            }
        };
        let (expected, got) = (planned.post_root, update.root());
        if got != expected {
            return Err(BatchError::OtherRoot { expected, got });
        }
        self.state.commit(&update)?;
        Ok(())
    }
}

/// Writes content and its hash such that after a crash there is the old file or the new one, whole.
fn write_durably(path: &Path, content: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    let mut file = fs::File::create(&temporary)?;
    file.write_all(content)?;
    file.write_all(&Sha256::digest(content))?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    match path.parent() {
        Some(parent) => fs::File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

/// Why a data directory could not be opened.
#[derive(Debug, Error)]
pub enum OpenSessionError<E> {
    /// A file or directory could not be used.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The queue could not be opened.
    #[error(transparent)]
    Queue(#[from] OpenError),
    /// The state could not be opened or made.
    #[error(transparent)]
    State(#[from] StateError),
    /// There is no state yet, and no genesis to make it from.
    #[error("{0}")]
    Genesis(E),
}

/// Why a batch was not proven.
#[derive(Debug, Error)]
pub enum BatchError {
    /// A file could not be used.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The batch is not the next one.
    #[error("this is batch {got}, but the state is waiting for batch {expected}")]
    Number {
        /// The number of the next batch.
        expected: u64,
        /// The number found.
        got: u32,
    },
    /// Executing the batch again comes to another root than before.
    #[error("executed again, the batch leads to root {got}, not to {expected} as proven: report this")]
    OtherRoot {
        /// The proven root.
        expected: Digest,
        /// What execution came to now.
        got: Digest,
    },
    /// A circuit could not be built.
    #[error("a circuit cannot be built: {what}")]
    Circuits {
        /// Which, and why.
        what: String,
    },
    /// The batch cannot be executed or planned.
    #[error(transparent)]
    Prepare(#[from] PrepareError<StateError>),
    /// The state could not be read or written.
    #[error(transparent)]
    State(#[from] StateError),
    /// The jobs could not be made.
    #[error(transparent)]
    Graph(#[from] BatchGraphError),
    /// The jobs were not done.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The queue fails.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The last proof is not the batch's.
    #[error("the last proof is not this batch's: {what}")]
    WrongProof {
        /// What is wrong.
        what: String,
    },
    /// A record could not be encoded.
    #[error("cannot encode the batch's record: {0}")]
    Encode(#[from] postcard::Error),
}
