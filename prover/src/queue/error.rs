//! What can go wrong with a queue.

use std::path::PathBuf;

use crate::artifact::{ArtifactError, ArtifactRef};
use crate::digest::JobId;

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
        state: &'static str,
    },
}
