//! What a queue holds at this moment, in numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::board::{Board, Entry};
use super::records::State;
use crate::job::JobKind;
use crate::queue::QueueError;

/// Jobs, batches and workers, all counted at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Jobs by kind; one that several graphs have is counted once.
    pub jobs: BTreeMap<JobKind, JobCounts>,
    /// Graphs that are on their way.
    pub open: usize,
    /// Graphs that are done and were not forgotten yet.
    pub done: usize,
    /// Graphs of which a job was set aside: they are not done before someone puts it back.
    pub stuck: usize,
    /// Workers that hold leases.
    pub workers: usize,
    /// For how long the oldest of the ready jobs could have been claimed; zero without any.
    pub oldest_ready: Duration,
    /// Age of the oldest graph that is not done, since it was submitted or the queue was opened; zero without any.
    pub oldest_graph: Duration,
}

/// Jobs by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobCounts {
    /// Their dependencies are not all done.
    pub waiting: usize,
    /// They could be claimed.
    pub ready: usize,
    /// A worker has them.
    pub leased: usize,
    /// They have a result.
    pub done: usize,
    /// They were set aside.
    pub set_aside: usize,
}

impl Census {
    pub(super) fn of(board: &Board) -> Result<Self, QueueError> {
        let now = Instant::now();
        let mut census = Self::default();
        let mut workers = BTreeSet::new();
        for entry in board.jobs() {
            census.jobs.entry(entry.spec.kind).or_default().add(entry);
            if let State::Leased { worker, .. } = &entry.record.state {
                workers.insert(worker);
            }
            let age = entry.ready_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
            census.oldest_ready = census.oldest_ready.max(age);
        }
        census.workers = workers.len();
        for (root, since) in board.since() {
            let progress = board.progress(root)?;
            if progress.is_done() {
                census.done += 1;
                continue;
            }
            *if progress.set_aside.is_empty() { &mut census.open } else { &mut census.stuck } += 1;
            census.oldest_graph = census.oldest_graph.max(now.saturating_duration_since(since));
        }
        Ok(census)
    }
}

impl JobCounts {
    fn add(&mut self, entry: &Entry) {
        let count = match &entry.record.state {
            State::Open if entry.is_ready() => &mut self.ready,
            State::Open => &mut self.waiting,
            State::Leased { .. } => &mut self.leased,
            State::Done { .. } => &mut self.done,
            State::SetAside => &mut self.set_aside,
        };
        *count += 1;
    }
}
