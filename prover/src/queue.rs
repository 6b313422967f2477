//! The queue: who may work on which job, and what counts as its result.
//!
//! One interface for every backend, so that one process with threads and a fleet of machines mean the same:
//!
//! ```text
//!            submit                claim                  complete, and the result verifies
//!   (absent) ──────▶ waiting/ready ─────▶ leased (fence) ───────────────────────────────────▶ done
//!                        ▲    ▲             │                                                  │
//!                        │    └─────────────┤ fail, expiry, crash: one attempt spent           │
//!                  retry │                  ▼ after the last attempt, or a permanent failure   │
//!                        └──────────── set aside (replay bundle)                               │
//!                        └─────────────────────────────────────────────────────────────────────┘
//!                                                                 its artifact is found damaged
//! ```
//!
//! - An **attempt** is spent when a job is claimed, and given back only by [`Queue::release`] and
//!   [`Queue::leave`]. So whatever ends a worker, kill -9 and power cut included, is counted, without
//!   anyone having to notice how it ended.
//! - A **fence** is a number that no two leases of a queue share; later leases have higher ones. Failures
//!   and renewals with a fence that is no longer the job's are ignored. A completion with an old fence never
//!   replaces a result, but is welcome when the job still lacks one: what counts is that it verifies.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::artifact::{ArtifactRef, Artifacts};
use crate::digest::JobId;
use crate::graph::{Ability, Graph};
use crate::job::JobSpec;

pub mod embedded;
mod error;
mod status;

pub use embedded::EmbeddedQueue;
pub use error::{OpenError, QueueError};
pub use status::{GraphStatus, JobState, JobStatus, Outlook, Progress, Status};

/// Distinguishes the leases of a queue: unique, and higher for a later lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fence(pub u64);

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What making a result took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Effort {
    /// Who made it.
    pub worker: String,
    /// From begin to end of the work, without verifying and storing.
    pub seconds: f64,
    /// CPU seconds; see [`JobEvent::Finished`](crate::runner::JobEvent::Finished).
    pub cpu_seconds: f64,
}

/// What a worker holds: names one lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hold {
    /// The job.
    pub job: JobId,
    /// The lease's number.
    pub fence: Fence,
}

/// What a worker can take on at this moment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Capability {
    /// The worker's name, for logs and status; unique among the workers of a queue.
    pub worker: String,
    /// What it can do. It gets no other jobs.
    pub abilities: BTreeSet<Ability>,
    /// Memory it has left, in bytes. It gets no job that needs more.
    pub memory_bytes: u64,
    /// Whether it runs nothing else. Only such a worker gets a job that is to run alone.
    pub idle: bool,
    /// Only jobs of the graph with this root; any graph's without it.
    pub graph: Option<JobId>,
    /// Counts the worker's claims. One that comes after a later one of the same worker gets
    /// [`QueueError::NameTaken`]: it was late on its way and nobody waits for it, or two work under one name.
    #[serde(default)]
    pub turn: u64,
    /// The leases that it knows of, if it says so. Others of its name were given by answers that it never got, and are
    /// taken back as if they had not been given.
    #[serde(default)]
    pub holds: Option<Vec<Fence>>,
}

/// A job in the hands of one worker, with the inputs it needs, which were checked when they were read.
#[derive(Clone, Debug)]
pub struct Lease {
    /// The job's name.
    pub id: JobId,
    /// What people call the graph that it was taken for, which may be one of several.
    pub batch: String,
    /// The job.
    pub job: JobSpec,
    /// The bytes of its inputs, in their order.
    pub inputs: Vec<Vec<u8>>,
    /// This lease's number.
    pub fence: Fence,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// The worker must not begin another job meanwhile: workers died under this one before, and those
    /// that run beside it would be counted an attempt that they did not deserve.
    pub alone: bool,
}

impl Lease {
    /// Names it.
    pub fn hold(&self) -> Hold {
        Hold { job: self.id, fence: self.fence }
    }
}

/// What came of a completion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Completion {
    /// The result verified and is now the job's result.
    Accepted {
        /// Its name in the artifact store.
        artifact: ArtifactRef,
        /// The lease had run out or gone to another worker before.
        late: bool,
    },
    /// The job has a result already, or was forgotten with its graph; this one was dropped.
    AlreadyDone,
    /// The result is safe, but who verifies it has not answered; it counts when that says so.
    HandedIn,
    /// The result does not verify; this counts as a failed attempt if the lease still held.
    Refused {
        /// What the check said.
        reason: String,
        /// What becomes of the job.
        verdict: Verdict,
    },
}

/// How an attempt ended without a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// The process that held the lease ended (crash, kill, out of memory, power cut).
    Crash,
    /// The lease was not renewed in time, or for longer than any attempt may take.
    Expired,
    /// The work failed for a reason that may pass.
    Transient,
    /// The work failed and would fail again.
    Permanent,
    /// The work panicked.
    Panic,
    /// The result did not verify.
    Refused,
    /// An input that no job of the queue makes is missing or damaged.
    Input,
    /// It was done, but its result was found damaged when it was needed.
    Damaged,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 8] = [
        Self::Crash,
        Self::Expired,
        Self::Transient,
        Self::Permanent,
        Self::Panic,
        Self::Refused,
        Self::Input,
        Self::Damaged,
    ];

    /// The name used in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Expired => "expired",
            Self::Transient => "transient",
            Self::Permanent => "permanent",
            Self::Panic => "panic",
            Self::Refused => "refused",
            Self::Input => "input",
            Self::Damaged => "damaged",
        }
    }

    /// Trying again cannot help: the job is set aside at once.
    pub fn is_permanent(self) -> bool {
        matches!(self, Self::Permanent | Self::Input)
    }

    /// The worker was lost with the job, and maybe because of it.
    pub fn lost_worker(self) -> bool {
        matches!(self, Self::Crash | Self::Expired)
    }
}

/// A failed attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// How it ended.
    pub cause: Cause,
    /// In words.
    pub reason: String,
}

/// What becomes of a job after a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// It is tried again.
    Again {
        /// Attempts left.
        attempts_left: u32,
    },
    /// It is set aside until [`Queue::retry`]; the rest of the graph goes on.
    SetAside {
        /// Where its inputs and payload were put for a replay.
        bundle: PathBuf,
    },
    /// Nothing: the lease did not hold any more, and what happens to the job is decided elsewhere.
    Stale,
}

/// What a submission found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submitted {
    /// Jobs of the graph.
    pub jobs: usize,
    /// Of these, done before, with an artifact that is whole.
    pub done: usize,
    /// Done before, but with a damaged artifact: ready to be made again.
    pub remade: Vec<JobId>,
}

/// What was removed because nothing needs it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swept {
    /// Artifacts that were removed.
    pub artifacts: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Artifacts that are kept.
    pub kept: usize,
    /// Bytes of these.
    pub kept_bytes: u64,
    /// Artifacts that nothing needs and that are still there, since so many would have taken too long; the next call
    /// goes on.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left: usize,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// How patient a queue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// A lease that is not renewed for so long is taken back.
    pub lease: Duration,
    /// A job is set aside after so many attempts.
    pub max_attempts: u32,
    /// After so many lost workers a job only runs alone.
    pub alone_after: u32,
    /// An attempt ends after so long, however often its lease is renewed: a worker that hangs renews it for ever.
    /// Without an end by default: where the worker is a thread of the same process, the job has nowhere else to go.
    #[serde(default = "no_end")]
    pub attempt: Duration,
    /// A sweep that others wait for ends after this with what it has done: they ask again.
    pub sweep: Duration,
}

fn no_end() -> Duration {
    Duration::MAX
}

impl Default for Policy {
    /// A minute's lease survives a machine that swaps or a short network outage, and costs little when a
    /// worker is really gone: the jobs are of that order. One crash is bad luck, two are a suspicion.
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(60),
            max_attempts: 5,
            alone_after: 2,
            attempt: no_end(),
            sweep: Duration::from_secs(4),
        }
    }
}

/// A durable queue of jobs.
///
/// Every method may be called from any thread. When one returns, what it says survives a crash of the
/// process; results also survive a power cut, as far as the disk of whoever keeps them does.
pub trait Queue: Send + Sync {
    /// Adds a graph. Jobs that are known already stay as they are (done, leased, set aside), so the same
    /// call after a crash resumes. Artifacts of finished jobs are read and checked, and a damaged one sends
    /// the job that made it, and only that, back to be done again.
    ///
    /// # Errors
    /// [`QueueError::MissingArtifact`] when an input artifact is not in the store.
    fn submit(&self, graph: &Graph) -> Result<Submitted, QueueError>;

    /// Takes the first ready job that this worker can do, or none. Order: the graph's deadline; of graphs with one
    /// deadline the one with the fewest running jobs, then the one submitted first; in a graph the job's priority,
    /// then its place. A job that does not fit is passed over, not waited for.
    ///
    /// # Errors
    /// When the backend fails.
    fn claim(&self, capability: &Capability) -> Result<Option<Lease>, QueueError>;

    /// Extends a lease by the policy's time. False when it no longer holds; its work may still go on and
    /// be completed late.
    ///
    /// # Errors
    /// When the backend fails.
    fn renew(&self, lease: &Lease) -> Result<bool, QueueError>;

    /// Hands in a result with what it took. It is verified by the receiver before it counts.
    ///
    /// # Errors
    /// When the backend fails; the job is then as it was.
    fn complete(&self, lease: &Lease, output: &[u8], effort: Effort) -> Result<Completion, QueueError>;

    /// Gives a job back as failed.
    ///
    /// # Errors
    /// When the backend fails.
    fn fail(&self, lease: &Lease, failure: Failure) -> Result<Verdict, QueueError>;

    /// Gives a job back untouched: the attempt does not count.
    ///
    /// # Errors
    /// When the backend fails.
    fn release(&self, lease: &Lease) -> Result<(), QueueError>;

    /// Gives back everything a worker holds, for one that has to stop before its jobs are finished.
    ///
    /// # Errors
    /// When the backend fails.
    fn leave(&self, worker: &str) -> Result<(), QueueError>;

    /// A worker begins anew: what it held under this name died with the process that had the name before, and counts
    /// as a failed attempt without waiting for the lease to run out.
    ///
    /// # Errors
    /// When the backend fails.
    fn enter(&self, worker: &str) -> Result<(), QueueError>;

    /// Like [`Queue::claim`], but where there is no job for this worker it waits for something to happen, at most for
    /// `patience`. None may come before that.
    ///
    /// # Errors
    /// When the backend fails.
    fn claim_within(&self, capability: &Capability, patience: Duration) -> Result<Option<Lease>, QueueError>;

    /// How long a worker with nothing to do should wait in one claim.
    fn patience(&self) -> Duration;

    /// Puts a job that was set aside back, with all its attempts.
    ///
    /// # Errors
    /// [`QueueError::UnknownJob`] or [`QueueError::NotSetAside`].
    fn retry(&self, job: JobId) -> Result<(), QueueError>;

    /// The bytes of a job's result; none when it is not done. A result that turns out damaged sends the job
    /// back to be done again, and is none too.
    ///
    /// # Errors
    /// [`QueueError::UnknownJob`], or when the backend fails.
    fn result(&self, job: JobId) -> Result<Option<Vec<u8>>, QueueError>;

    /// Counts the jobs of one graph by state.
    ///
    /// # Errors
    /// [`QueueError::UnknownGraph`].
    fn progress(&self, root: JobId) -> Result<Progress, QueueError>;

    /// Everything the queue knows about one graph.
    ///
    /// # Errors
    /// [`QueueError::UnknownGraph`].
    fn graph(&self, root: JobId) -> Result<GraphStatus, QueueError>;

    /// Everything the queue knows.
    ///
    /// # Errors
    /// When the backend fails.
    fn status(&self) -> Result<Status, QueueError>;

    /// What there is to do in all graphs, and for whom.
    ///
    /// # Errors
    /// When the backend fails.
    fn outlook(&self) -> Result<Outlook, QueueError>;

    /// Forgets a graph whose result is where it was wanted, with the jobs that only it has. What it read and made is
    /// then no longer needed: [`Queue::sweep`] removes it.
    ///
    /// # Errors
    /// [`QueueError::Unsettled`] when a job of it is not done, [`QueueError::UnknownGraph`].
    fn settle(&self, root: JobId) -> Result<(), QueueError>;

    /// Removes the artifacts that no graph reads or has made. One that nobody needs yet, because its graph is about to
    /// be submitted or its job's completion is on its way, is kept for `grace` after it was first found so.
    ///
    /// # Errors
    /// When the backend fails.
    fn sweep(&self, grace: Duration) -> Result<Swept, QueueError>;

    /// The store for inputs and results.
    fn artifacts(&self) -> &dyn Artifacts;

    /// How patient this queue is.
    fn policy(&self) -> Policy;
}
