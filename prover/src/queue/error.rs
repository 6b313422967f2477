//! What can go wrong with a queue.

use std::path::PathBuf;

use crate::artifact::{ArtifactError, ArtifactRef};
use crate::digest::JobId;
use crate::graph::Ability;

const SUSPENDED_ADVICE: &str = "look at its memory, its disk and its version, and start it again";

/// Why an embedded queue could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or this one a second time, has it open.
    #[error("the queue in {path} is in use by {}; wait for it or use another data folder", holder(.pid))]
    Locked {
        /// The data folder.
        path: PathBuf,
        /// The process that has it open, if it left its number.
        pid: Option<u32>,
    },
    /// It was written by another version of this program.
    #[error("the queue in {path} has format {found}, this program reads {expected}; use another data folder")]
    Format {
        /// The data folder.
        path: PathBuf,
        /// The format on disk.
        found: u32,
        /// The format of this program.
        expected: u32,
    },
    /// There is no queue to look at.
    #[error("there is no queue in {path}")]
    Absent {
        /// The data folder.
        path: PathBuf,
    },
    /// The folder cannot be used.
    #[error("cannot {doing} {path}")]
    Io {
        /// The operation, as a verb.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The artifact folder cannot be used.
    #[error(transparent)]
    Artifacts(#[from] ArtifactError),
    /// The records cannot be read.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

fn holder(pid: &Option<u32>) -> String {
    match pid {
        Some(pid) if *pid == std::process::id() => "this process already".to_owned(),
        Some(pid) => format!("process {pid}"),
        None => "another process".to_owned(),
    }
}

/// Why an operation on a queue failed.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The store of records fails: disk full, gone, or damaged.
    #[error("the queue's records fail: cannot {doing}")]
    Records {
        /// The operation, as a verb.
        doing: &'static str,
        /// The backend's reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The artifact store fails.
    #[error(transparent)]
    Artifacts(#[from] ArtifactError),
    /// A replay bundle cannot be written or removed.
    #[error("cannot {doing} the replay bundle {path}")]
    Bundle {
        /// The operation, as a verb.
        doing: &'static str,
        /// The bundle's folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A submitted job reads an artifact that the store does not have.
    #[error("job {label:?} reads artifact {}, which is missing or damaged; put it there first", artifact.hash)]
    MissingArtifact {
        /// The reading job.
        label: String,
        /// What it reads.
        artifact: ArtifactRef,
    },
    /// No such job.
    #[error("the queue has no job {0}")]
    UnknownJob(JobId),
    /// No such graph.
    #[error("the queue has no graph with root {0}")]
    UnknownGraph(JobId),
    /// Only a job that was set aside can be put back.
    #[error("job {label:?} is {state}, not set aside: there is nothing to retry")]
    NotSetAside {
        /// The job.
        label: String,
        /// Its state in a word.
        state: String,
    },
    /// Only a graph that is done can be settled.
    #[error("{label}: {done} of {total} jobs are done; it can be settled when all are")]
    Unsettled {
        /// The graph.
        label: String,
        /// Jobs that are done.
        done: usize,
        /// All of them.
        total: usize,
    },
    /// Results of such jobs cannot be verified where the queue is.
    #[error("{} jobs with circuit {} cannot be checked there; {next}", ability.kind, ability.circuit)]
    Unchecked {
        /// What cannot be checked.
        ability: Ability,
        /// What to do about it.
        next: String,
    },
    /// A worker's results were refused again and again.
    #[error("worker {worker} gets no more jobs: its results were refused several times in a row; {SUSPENDED_ADVICE}")]
    Suspended {
        /// The worker.
        worker: String,
    },
    /// Another process asked for jobs by this name after this one did.
    #[error("another process works under the name {worker}; give each worker a name of its own")]
    NameTaken {
        /// The name.
        worker: String,
    },
    /// The queue is elsewhere and cannot be reached now; it may be later.
    #[error("cannot reach the queue at {place}: {reason}")]
    Unreachable {
        /// Where it should be.
        place: String,
        /// Why not.
        reason: String,
    },
    /// The queue is elsewhere and said something that this program does not understand, or failed in its own way.
    #[error("the queue at {place} says: {reason}")]
    Elsewhere {
        /// Where it is.
        place: String,
        /// What it said.
        reason: String,
    },
}

impl QueueError {
    /// Whether the same call may succeed later without anyone mending anything here: the network or a service is
    /// away.
    pub fn is_outage(&self) -> bool {
        use std::io::ErrorKind::{BrokenPipe, ConnectionReset, NotConnected, TimedOut};
        match self {
            Self::Unreachable { .. } => true,
            Self::Artifacts(ArtifactError::Io { source, .. }) => {
                matches!(source.kind(), NotConnected | TimedOut | ConnectionReset | BrokenPipe)
            }
            _ => false,
        }
    }
}
