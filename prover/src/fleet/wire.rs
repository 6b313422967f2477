//! What is said between workers, those who submit, and the coordinator: JSON, so that whoever listens can read it.
//!
//! Everything here comes from the network. Decoding gives an error for whatever it is not, and what it is counts for
//! nothing by itself: leases are compared with the coordinator's own, results are verified, bytes are hashed.

use std::fmt;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::artifact::ArtifactRef;
use crate::digest::JobId;
use crate::graph::Ability;
use crate::job::JobSpec;
use crate::queue::{
    Capability, Completion, Effort, Failure, Fence, GraphStatus, Hold, Outlook, Policy, Progress, QueueError,
    Submitted, Swept, Verdict,
};

/// Raised when a message changes its meaning.
pub const VERSION: u8 = 1;

/// The header of a result that says where its verdict is waited for.
pub(super) const VERDICT_HEADER: &str = "Sheaf-Verdict-To";

/// Bytes of the jobs in one page of a graph, so that a page fits a message of NATS.
pub(super) const PAGE_BYTES: usize = 256 << 10;
/// The longest name of a worker, and the longest label of a job or graph, in bytes.
const LONGEST_NAME_BYTES: usize = 200;
/// The longest reason for a failure, in bytes; the rest is cut off.
const LONGEST_REASON_BYTES: usize = 1000;
/// The longest job, in bytes of its message: with what goes with it, a lease fits a message.
const LONGEST_JOB_BYTES: usize = 64 << 10;
/// A worker has no more kinds of circuits than that.
const MOST_ABILITIES: usize = 1000;
/// Jobs that were set aside are named up to here in answers about a whole graph.
const MOST_NAMED: usize = 2000;
/// A claim waits no longer than this, whatever it asks for.
const LONGEST_PATIENCE: Duration = Duration::from_secs(10);
/// An attempt takes no longer than this, in seconds: what is said to exceeds any measure.
const LONGEST_EFFORT_S: f64 = 1e8;

/// Names one question, however often it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct QuestionId(pub u128);

/// A question to the coordinator.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Envelope {
    /// [`VERSION`].
    pub version: u8,
    /// Its name.
    pub id: QuestionId,
    /// What is asked.
    pub question: Question,
}

/// What the coordinator can be asked, as [`Queue`](crate::queue::Queue) has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is the method of the same name, and its fields are that method's arguments")]
pub enum Question {
    Policy,
    Submit { graph: ArtifactRef },
    Claim { capability: Capability, patience: Duration },
    Renew { hold: Hold },
    Fail { hold: Hold, failure: Failure },
    Release { hold: Hold },
    Leave { worker: String },
    Enter { worker: String },
    DamagedInput { hold: Hold, index: usize, artifact: ArtifactRef },
    Retry { job: JobId },
    Result { job: JobId },
    DamagedResult { job: JobId, artifact: ArtifactRef },
    Progress { root: JobId },
    Graphs,
    Jobs { root: JobId, from: usize },
    Outlook,
    Settle { root: JobId },
    Sweep { grace: Duration },
}

impl Question {
    /// Whether answering it reads or writes artifacts.
    pub(super) fn is_slow(&self) -> bool {
        matches!(
            self,
            Self::Submit { .. } | Self::DamagedInput { .. } | Self::DamagedResult { .. } | Self::Sweep { .. }
        )
    }

    /// Whether it may be answered anew when it comes again.
    pub(super) fn changes_nothing(&self) -> bool {
        matches!(
            self,
            Self::Policy
                | Self::Result { .. }
                | Self::Progress { .. }
                | Self::Graphs
                | Self::Jobs { .. }
                | Self::Outlook
        )
    }
}

/// The coordinator's answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is the result of the question of the same name")]
pub enum Answer {
    Done,
    Policy(Policy),
    Submitted(Submitted),
    Leased(Option<Box<Leased>>),
    Holds(bool),
    Verdict(Verdict),
    Result(Option<ArtifactRef>),
    Progress(Progress),
    /// Graphs, without their jobs.
    Graphs(Vec<GraphStatus>),
    /// A graph with a page of its jobs; an empty page follows the last.
    Jobs(Box<GraphStatus>),
    Outlook(Outlook),
    Swept(Swept),
    Refused(Refusal),
}

/// A lease whose inputs are still to be read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Leased {
    /// The job's name.
    pub id: JobId,
    /// What people call the graph.
    pub batch: String,
    /// The job.
    pub job: JobSpec,
    /// What it reads, in order.
    pub inputs: Vec<ArtifactRef>,
    /// The lease's number.
    pub fence: Fence,
    /// Which attempt this is.
    pub attempt: u32,
    /// Nothing else is to run beside it.
    pub alone: bool,
}

/// A graph on its way to the coordinator, as an artifact.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SubmittedGraph {
    /// What people call it.
    pub label: String,
    /// When the result is wanted.
    pub deadline_ms: u64,
    /// Transactions that it is for.
    pub transactions: u64,
    /// Its jobs, each after those it depends on.
    pub jobs: Vec<JobSpec>,
}

/// A result that is in the store.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Handed {
    /// [`VERSION`].
    pub version: u8,
    /// Under which lease it was made.
    pub hold: Hold,
    /// The result.
    pub artifact: ArtifactRef,
    /// What making it took, and who did.
    pub effort: Effort,
}

/// What came of a result.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ResultVerdict {
    /// This.
    Completion(Completion),
    /// It could not be looked at.
    Refused(Refusal),
}

/// What a coordinator says of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LaneSummary {
    /// The lane's name.
    pub lane: String,
    /// The program's version.
    pub version: String,
    /// Names the running coordinator.
    pub instance: u128,
    /// What there is to do.
    pub outlook: Outlook,
}

/// An error of the coordinator's queue that its caller can act on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is the error of the same name")]
pub enum Refusal {
    MissingArtifact {
        label: String,
        artifact: ArtifactRef,
    },
    UnknownJob(JobId),
    UnknownGraph(JobId),
    NotSetAside {
        label: String,
        state: String,
    },
    Unsettled {
        label: String,
        done: usize,
        total: usize,
    },
    Unchecked {
        ability: Ability,
        next: String,
    },
    Suspended {
        worker: String,
    },
    NameTaken {
        worker: String,
    },
    /// The coordinator cannot do it now and may later.
    Outage {
        reason: String,
    },
    /// Anything else.
    Failed {
        reason: String,
    },
}

impl Refusal {
    /// How a queue's error is told.
    pub(super) fn of(error: &QueueError) -> Self {
        match error {
            QueueError::MissingArtifact { label, artifact } => {
                Self::MissingArtifact { label: label.clone(), artifact: *artifact }
            }
            QueueError::UnknownJob(job) => Self::UnknownJob(*job),
            QueueError::UnknownGraph(root) => Self::UnknownGraph(*root),
            QueueError::NotSetAside { label, state } => {
                Self::NotSetAside { label: label.clone(), state: state.clone() }
            }
            QueueError::Unsettled { label, done, total } => {
                Self::Unsettled { label: label.clone(), done: *done, total: *total }
            }
            QueueError::Unchecked { ability, next } => Self::Unchecked { ability: *ability, next: next.clone() },
            QueueError::Suspended { worker } => Self::Suspended { worker: worker.clone() },
            QueueError::NameTaken { worker } => Self::NameTaken { worker: worker.clone() },
            // The coordinator ends with these, and somebody will mend it.
            QueueError::Records { .. } | QueueError::Bundle { .. } => {
                Self::Outage { reason: super::link::reason(error) }
            }
            error if error.is_outage() => Self::Outage { reason: super::link::reason(error) },
            error => Self::Failed { reason: super::link::reason(error) },
        }
    }

    /// The error as its caller gets it, from the queue at `place`.
    pub(super) fn error(self, place: &str) -> QueueError {
        match self {
            Self::MissingArtifact { label, artifact } => QueueError::MissingArtifact { label, artifact },
            Self::UnknownJob(job) => QueueError::UnknownJob(job),
            Self::UnknownGraph(root) => QueueError::UnknownGraph(root),
            Self::NotSetAside { label, state } => QueueError::NotSetAside { label, state },
            Self::Unsettled { label, done, total } => QueueError::Unsettled { label, done, total },
            Self::Unchecked { ability, next } => QueueError::Unchecked { ability, next },
            Self::Suspended { worker } => QueueError::Suspended { worker },
            Self::NameTaken { worker } => QueueError::NameTaken { worker },
            Self::Outage { reason } => QueueError::Unreachable { place: place.to_owned(), reason },
            Self::Failed { reason } => QueueError::Elsewhere { place: place.to_owned(), reason },
        }
    }
}

/// A message that is not one.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// It is no message of this protocol.
    #[error("it is no message of Sheaf's: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It is of another version of the protocol.
    #[error("it is of version {got} of the protocol, expected {VERSION}: update the older of the two programs")]
    Version {
        /// Its version.
        got: u8,
    },
    /// Something in it is longer than it may be.
    #[error("{what} has {got} bytes, at most {most} are taken")]
    TooLong {
        /// What.
        what: &'static str,
        /// Its length.
        got: usize,
        /// The bound.
        most: usize,
    },
}

/// The bytes of a message.
pub fn encode(message: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(message).expect("messages have string keys and no failing parts")
}

/// The message that bytes are.
///
/// # Errors
/// [`WireError::Malformed`].
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, WireError> {
    Ok(serde_json::from_slice(bytes)?)
}

/// The question that bytes are.
///
/// # Errors
/// [`WireError`].
pub fn decode_question(bytes: &[u8]) -> Result<Envelope, WireError> {
    let mut envelope: Envelope = check_version(bytes)?;
    match &mut envelope.question {
        Question::Claim { capability, patience } => {
            check_name("the worker's name", &capability.worker)?;
            check_length("the list of abilities", capability.abilities.len(), MOST_ABILITIES)?;
            *patience = (*patience).min(LONGEST_PATIENCE);
        }
        Question::Leave { worker } | Question::Enter { worker } => check_name("the worker's name", worker)?,
        Question::Fail { failure, .. } => cut(&mut failure.reason),
        _ => {}
    }
    Ok(envelope)
}

/// The graph that bytes are.
///
/// # Errors
/// [`WireError`].
pub fn decode_graph(bytes: &[u8]) -> Result<SubmittedGraph, WireError> {
    let graph: SubmittedGraph = decode(bytes)?;
    check_name("the graph's label", &graph.label)?;
    for job in &graph.jobs {
        check_name("a job's label", &job.label)?;
        check_length("a job", encode(job).len(), LONGEST_JOB_BYTES)?;
    }
    Ok(graph)
}

fn check_name(what: &'static str, name: &str) -> Result<(), WireError> {
    check_length(what, name.len(), LONGEST_NAME_BYTES)
}

fn check_length(what: &'static str, got: usize, most: usize) -> Result<(), WireError> {
    match got <= most {
        true => Ok(()),
        false => Err(WireError::TooLong { what, got, most }),
    }
}

/// Cuts a text that is too long.
pub(super) fn cut(reason: &mut String) {
    if reason.len() > LONGEST_REASON_BYTES {
        let end = (0..=LONGEST_REASON_BYTES).rev().find(|&end| reason.is_char_boundary(end)).unwrap_or_default();
        reason.truncate(end);
        reason.push_str(" …");
    }
}

/// The result that bytes tell of.
///
/// # Errors
/// [`WireError`].
pub fn decode_handed(bytes: &[u8]) -> Result<Handed, WireError> {
    let mut handed: Handed = check_version(bytes)?;
    check_name("the worker's name", &handed.effort.worker)?;
    for seconds in [&mut handed.effort.seconds, &mut handed.effort.cpu_seconds] {
        *seconds = seconds.clamp(0.0, LONGEST_EFFORT_S);
    }
    Ok(handed)
}

/// The version is looked at before the rest, which another version may have changed.
fn check_version<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, WireError> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u8,
    }
    let got = decode::<Versioned>(bytes)?.version;
    if got != VERSION {
        return Err(WireError::Version { got });
    }
    decode(bytes)
}

impl fmt::Display for QuestionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A page of a graph's jobs: as many as fit, and at least one where one is left.
pub(super) fn page(mut graph: GraphStatus, from: usize) -> GraphStatus {
    let (mut jobs, mut bytes) = (Vec::new(), 0);
    for job in graph.jobs.drain(..).skip(from) {
        bytes += encode(&job).len();
        if bytes > PAGE_BYTES && !jobs.is_empty() {
            break;
        }
        jobs.push(job);
    }
    GraphStatus { jobs, progress: named(graph.progress), ..graph }
}

/// The progress, with so many names as fit a message.
pub(super) fn named(mut progress: Progress) -> Progress {
    progress.set_aside.truncate(MOST_NAMED);
    progress
}

#[cfg(test)]
mod tests;
