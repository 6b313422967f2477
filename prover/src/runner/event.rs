//! What a runner tells while it works, for progress bars and logs.

use std::path::Path;

use crate::digest::JobId;
use crate::job::JobSpec;
use crate::queue::{Lease, Submitted};

/// Something happened. Events come from several threads, one at a time.
#[derive(Debug)]
pub enum Event<'a> {
    /// The graph is in the queue.
    Submitted(&'a Submitted),
    /// The queue is elsewhere and cannot be reached; work goes on.
    Outage {
        /// Why not.
        reason: &'a str,
    },
    /// The queue can be reached again.
    Back,
    /// Something happened to a job.
    Job {
        /// The job's name.
        id: JobId,
        /// What people call the graph that it was taken for.
        batch: &'a str,
        /// The job.
        job: &'a JobSpec,
        /// Which attempt at it, from 1.
        attempt: u32,
        /// What happened.
        what: JobEvent<'a>,
    },
}

/// What happened to a job.
#[derive(Debug)]
pub enum JobEvent<'a> {
    /// Work on it begins.
    Started,
    /// It has a result, verified and durable.
    Finished {
        /// From begin to end of the work, without verifying and storing.
        seconds: f64,
        /// Its part of the CPU time that this process used meanwhile: all of it while the job ran alone,
        /// else equal parts for the jobs that ran. The parts add up to the whole.
        cpu_seconds: f64,
        /// The result's size.
        length_bytes: usize,
    },
    /// It has a result that is safe; whether it counts is not known yet, because who verifies it has not answered.
    HandedIn {
        /// As when it is finished.
        seconds: f64,
        /// As when it is finished.
        cpu_seconds: f64,
        /// The result's size.
        length_bytes: usize,
    },
    /// It has a result, but from another worker, which was faster.
    Overtaken,
    /// An attempt failed; there will be another.
    Failed {
        /// Why.
        reason: &'a str,
        /// Attempts left.
        attempts_left: u32,
    },
    /// The lease was lost and the attempt failed; others decide what happens to the job.
    Lost {
        /// Why.
        reason: &'a str,
    },
    /// It was set aside.
    SetAside {
        /// Why.
        reason: &'a str,
        /// Its inputs and payload, for a replay.
        bundle: &'a Path,
    },
}

impl<'a> Event<'a> {
    /// An event of a leased job.
    pub(super) fn of(lease: &'a Lease, what: JobEvent<'a>) -> Self {
        Self::Job { id: lease.id, batch: &lease.batch, job: &lease.job, attempt: lease.attempt, what }
    }
}
