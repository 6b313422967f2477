//! What a queue tells about itself.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Effort, Failure, Fence};
use crate::artifact::ArtifactRef;
use crate::digest::{CircuitDigest, JobId};
use crate::graph::Ability;
use crate::job::JobKind;

/// The jobs of one graph by state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// All of them.
    pub total: usize,
    /// Their dependencies are not all done.
    pub waiting: usize,
    /// They could be claimed.
    pub ready: usize,
    /// A worker has them.
    pub leased: usize,
    /// They have a result.
    pub done: usize,
    /// They were set aside.
    pub set_aside: Vec<JobId>,
}

impl Progress {
    /// Every job has a result.
    pub fn is_done(&self) -> bool {
        self.done == self.total
    }
}

/// Where a job stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum JobState {
    /// A dependency is not done.
    Waiting,
    /// It can be claimed.
    Ready,
    /// A worker has it.
    Leased {
        /// The worker's name.
        worker: String,
        /// The lease's number.
        fence: Fence,
    },
    /// It has a result.
    Done {
        /// The result.
        artifact: ArtifactRef,
        /// What making it took.
        #[serde(flatten)]
        effort: Effort,
    },
    /// It was set aside.
    SetAside {
        /// Its inputs and payload, for a replay.
        bundle: PathBuf,
    },
}

impl JobState {
    /// The state in a word or two.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Ready => "ready",
            Self::Leased { .. } => "leased",
            Self::Done { .. } => "done",
            Self::SetAside { .. } => "set aside",
        }
    }
}

/// One job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobStatus {
    /// Its name.
    pub id: JobId,
    /// Its step of the pipeline.
    pub kind: JobKind,
    /// The circuit it is done with.
    pub circuit: CircuitDigest,
    /// What people call it.
    pub label: String,
    /// Predicted peak memory in bytes.
    pub memory_bytes: u64,
    /// Where it stands.
    #[serde(flatten)]
    pub state: JobState,
    /// Attempts begun since it was submitted or put back.
    pub attempts: u32,
    /// How they failed, the latest last.
    pub failures: Vec<Failure>,
}

/// One graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GraphStatus {
    /// Its last job.
    pub root: JobId,
    /// What people call it.
    pub label: String,
    /// When the result is wanted, in milliseconds since the Unix epoch.
    pub deadline_ms: u64,
    /// Transactions that it is for.
    pub transactions: u64,
    /// Its jobs by state.
    pub progress: Progress,
    /// Its jobs in the order they were added.
    pub jobs: Vec<JobStatus>,
}

/// All graphs of a queue, in the order of submission.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The graphs.
    pub graphs: Vec<GraphStatus>,
}

/// What there is to do in all graphs together, and for whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outlook {
    /// Jobs that could be claimed, by what they ask of a worker.
    pub ready: Vec<(Ability, usize)>,
    /// Jobs whose dependencies are not all done.
    pub waiting: usize,
    /// Jobs that workers have.
    pub leased: usize,
    /// Jobs that were set aside.
    pub set_aside: usize,
    /// For how long the oldest of the ready jobs could have been claimed.
    pub oldest_ready: Duration,
}
