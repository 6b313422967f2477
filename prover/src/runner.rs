//! Takes jobs from a queue and does them, as many at once as fit.
//!
//! ```text
//!            ┌──────────── worker thread 1 … jobs ────────────┐
//!   queue ──▶│ claim what fits ─▶ Work::run ─▶ complete / fail │──▶ events
//!            └────────────────────────▲───────────────────────┘
//!                 renewing thread ────┘ keeps the leases of all running jobs
//! ```
//!
//! A [`Runner`] does one graph and gives its result; a [`Worker`] does what comes, of any graph; [`follow()`] waits for a
//! graph that others do. Leases are renewed by a
//! thread of their own, so that a long job is not taken for a dead one. When the queue is elsewhere and cannot be
//! reached, work goes on, and what is done is handed in when it is back.

use std::sync::atomic::AtomicBool;

use crate::digest::JobId;
use crate::graph::{Ability, Graph};
use crate::queue::{GraphStatus, JobState, Progress, Queue, QueueError};
use crate::work::Work;

mod cpu;
mod event;
mod follow;
mod shift;

pub use event::{Event, JobEvent};
pub use follow::follow;
pub use shift::Done;
use shift::{Listener, Over, Shift};

/// How much a runner takes on.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The runner's name among the workers of the queue.
    pub worker: String,
    /// Jobs at once.
    pub jobs: usize,
    /// Memory of all running jobs together, by their own predictions, in bytes.
    pub memory_bytes: u64,
}

/// Why a run gave no result.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Jobs were set aside; what did not depend on them is done.
    #[error(
        "{} of {} jobs set aside: {}; see `sheaf status`, mend the cause and put them back with `sheaf retry`",
        .jobs.len(), .progress.total, list(.jobs)
    )]
    SetAside {
        /// Which.
        jobs: Vec<SetAsideJob>,
        /// Where the graph stands.
        progress: Progress,
    },
    /// A job needs more than all the memory there is for jobs. Nothing was begun.
    #[error("job {label:?} needs {needs_bytes} bytes of memory, and jobs may use {has_bytes} here")]
    TooLarge {
        /// The job.
        label: String,
        /// What it needs.
        needs_bytes: u64,
        /// What there is.
        has_bytes: u64,
    },
    /// This worker has not the circuit for a job. Nothing was begun.
    #[error("this worker cannot do {} jobs with circuit {}; it was built with other circuits", ability.kind, ability.circuit)]
    Unable {
        /// What it lacks.
        ability: Ability,
    },
    /// The run was told to stop; the same call goes on from here.
    #[error("stopped with {} of {} jobs done", .progress.done, .progress.total)]
    Stopped {
        /// Where the graph stands.
        progress: Progress,
    },
    /// The queue fails.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// A job that was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAsideJob {
    /// Its name, for retry.
    pub id: JobId,
    /// What people call it.
    pub label: String,
    /// Why the last attempt failed.
    pub reason: String,
}

fn list(jobs: &[SetAsideJob]) -> String {
    let jobs: Vec<_> = jobs.iter().map(|job| format!("{} ({})", job.label, job.reason)).collect();
    jobs.join(", ")
}

/// Does the jobs of a queue with threads of this process.
pub struct Runner<'a> {
    queue: &'a dyn Queue,
    work: &'a dyn Work,
    limits: Limits,
    listener: Listener<'a>,
    stop: Option<&'a AtomicBool>,
}

impl<'a> Runner<'a> {
    /// A runner on `queue` that tells what happens to `on_event`, one event at a time.
    pub fn new(
        queue: &'a dyn Queue,
        work: &'a dyn Work,
        limits: Limits,
        on_event: &'a (dyn Fn(Event<'_>) + Sync),
    ) -> Self {
        Self { queue, work, limits, listener: Listener::new(on_event), stop: None }
    }

    /// Begins no more jobs once `stop` is set, and ends when those running are finished.
    #[must_use]
    pub fn stop_on(mut self, stop: &'a AtomicBool) -> Self {
        self.stop = Some(stop);
        self
    }

    /// Submits a graph, does what is left of it, and gives the bytes of its root's result.
    ///
    /// The same call after a crash goes on where it was. When jobs are set aside, everything that does not
    /// depend on them is finished first.
    ///
    /// # Errors
    /// [`RunError`].
    pub fn run(&self, graph: &Graph) -> Result<Vec<u8>, RunError> {
        let submitted = self.queue.submit(graph)?;
        self.listener.tell(Event::Submitted(&submitted));
        if submitted.done < submitted.jobs {
            self.check_fitness(graph)?;
        }
        loop {
            self.work_off(graph)?;
            let progress = self.queue.progress(graph.root())?;
            if !progress.is_done() {
                return Err(self.unfinished(graph.root(), progress)?);
            }
            // None when the result was just found damaged: then it is made again.
            if let Some(result) = self.queue.result(graph.root())? {
                return Ok(result);
            }
        }
    }

    /// Refuses a graph that this machine could never finish, before hours are spent on it.
    fn check_fitness(&self, graph: &Graph) -> Result<(), RunError> {
        let has_bytes = self.limits.memory_bytes;
        if let Some((_, job)) = graph.jobs().iter().find(|(_, job)| job.memory_bytes > has_bytes) {
            let (label, needs_bytes) = (job.label.clone(), job.memory_bytes);
            return Err(RunError::TooLarge { label, needs_bytes, has_bytes });
        }
        match graph.abilities().difference(&self.work.abilities()).next() {
            Some(ability) => Err(RunError::Unable { ability: *ability }),
            None => Ok(()),
        }
    }

    /// Does jobs until none is left that could be done.
    fn work_off(&self, graph: &Graph) -> Result<(), RunError> {
        let over = Over::GraphExhausted(graph.root());
        Shift::new(self.queue, self.work, &self.limits, &self.listener, self.stop, over).work()?;
        Ok(())
    }

    /// The error for a graph with jobs left that cannot be done now.
    fn unfinished(&self, root: JobId, progress: Progress) -> Result<RunError, QueueError> {
        if shift::is_stopped(self.stop) || progress.set_aside.is_empty() {
            return Ok(RunError::Stopped { progress });
        }
        let status = self.queue.graph(root)?;
        Ok(RunError::SetAside { jobs: set_aside(&status), progress })
    }
}

/// The jobs of a graph that were set aside, each with its last failure.
fn set_aside(graph: &GraphStatus) -> Vec<SetAsideJob> {
    let jobs = graph.jobs.iter().filter(|job| matches!(job.state, JobState::SetAside { .. }));
    let described = jobs.map(|job| {
        let reason = job.failures.last().map_or_else(String::new, |failure| failure.reason.clone());
        SetAsideJob { id: job.id, label: job.label.clone(), reason }
    });
    described.collect()
}

/// When a worker ends, besides when it is told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Never.
    Stopped,
    /// When nothing is left that it could do now or when others are finished.
    Drained,
    /// After one job, or when there is none.
    Once,
}

/// Does the jobs of all graphs of a queue, as they come.
pub struct Worker<'a> {
    queue: &'a dyn Queue,
    work: &'a dyn Work,
    limits: Limits,
    listener: Listener<'a>,
    stop: &'a AtomicBool,
}

impl<'a> Worker<'a> {
    /// A worker on `queue` that tells what happens to `on_event`, one event at a time, and begins no more jobs once
    /// `stop` is set.
    pub fn new(
        queue: &'a dyn Queue,
        work: &'a dyn Work,
        limits: Limits,
        on_event: &'a (dyn Fn(Event<'_>) + Sync),
        stop: &'a AtomicBool,
    ) -> Self {
        Self { queue, work, limits, listener: Listener::new(on_event), stop }
    }

    /// Works. When it returns, the worker holds nothing.
    ///
    /// # Errors
    /// When the queue fails; an outage of a queue elsewhere is waited for instead.
    pub fn serve(&self, until: Until) -> Result<Done, QueueError> {
        let over = match until {
            Until::Stopped => Over::Never,
            Until::Drained => Over::Drained,
            Until::Once => Over::AfterOne,
        };
        Shift::new(self.queue, self.work, &self.limits, &self.listener, Some(self.stop), over).work()
    }
}
