//! Takes the jobs of a graph from a queue and does them, as many at once as fit.
//!
//! ```text
//!            ┌──────────── worker thread 1 … jobs ────────────┐
//!   queue ──▶│ claim what fits ─▶ Work::run ─▶ complete / fail │──▶ events
//!            └────────────────────────▲───────────────────────┘
//!                 renewing thread ────┘ keeps the leases of all running jobs
//! ```
//!
//! Leases are renewed by a thread of their own, so that a long job is not taken for a dead one.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use crate::digest::JobId;
use crate::graph::{Ability, Graph};
use crate::panic::caught;
use crate::queue::{Capability, Cause, Completion, Failure, Lease, Progress, Queue, QueueError, Verdict};
use crate::work::{Work, WorkError};

mod cpu;
mod event;

use cpu::CpuShares;
pub use event::{Event, JobEvent};

/// How often an idle thread looks for what other processes did to the queue, and whether to stop.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Renewals in the time of one lease: two may be late or lost.
const RENEWALS_PER_LEASE: u32 = 3;

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
    on_event: &'a (dyn Fn(Event<'_>) + Sync),
    stop: Option<&'a AtomicBool>,
    /// Held while an event is told.
    telling: Mutex<()>,
}

impl<'a> Runner<'a> {
    /// A runner on `queue` that tells what happens to `on_event`, one event at a time.
    pub fn new(
        queue: &'a dyn Queue,
        work: &'a dyn Work,
        limits: Limits,
        on_event: &'a (dyn Fn(Event<'_>) + Sync),
    ) -> Self {
        Self { queue, work, limits, on_event, stop: None, telling: Mutex::new(()) }
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
        self.tell(Event::Submitted(&submitted));
        if submitted.done < submitted.jobs {
            self.check_fitness(graph)?;
        }
        loop {
            self.work_off(graph)?;
            let progress = self.queue.progress(graph.root())?;
            if !progress.is_done() {
                return Err(self.unfinished(progress)?);
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
        let shift = Shift {
            runner: self,
            root: graph.root(),
            abilities: self.work.abilities(),
            state: Mutex::default(),
            changed: Condvar::new(),
        };
        thread::scope(|scope| {
            for _ in 0..self.limits.jobs.max(1) {
                scope.spawn(|| shift.work());
            }
            scope.spawn(|| shift.renew());
        });
        let state = shift.state.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
        state.error.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Tells an event. A listener that panics loses what it would have shown, not the work.
    fn tell(&self, event: Event<'_>) {
        let _one_at_a_time = lock(&self.telling);
        if let Err(panic) = caught(|| (self.on_event)(event)) {
            tracing::error!(panic, "the listener of the runner's events panicked");
        }
    }

    fn is_stopped(&self) -> bool {
        self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    /// The error for a graph with jobs left that cannot be done now.
    fn unfinished(&self, progress: Progress) -> Result<RunError, QueueError> {
        if self.is_stopped() || progress.set_aside.is_empty() {
            return Ok(RunError::Stopped { progress });
        }
        let jobs = self.queue.status()?.graphs.into_iter().flat_map(|graph| graph.jobs);
        let set_aside: BTreeSet<JobId> = progress.set_aside.iter().copied().collect();
        let mut jobs: Vec<_> = jobs
            .filter(|job| set_aside.contains(&job.id))
            .map(|job| {
                let reason = job.failures.last().map_or_else(String::new, |failure| failure.reason.clone());
                SetAsideJob { id: job.id, label: job.label, reason }
            })
            .collect();
        // A job may be in several graphs.
        let mut seen = BTreeSet::new();
        jobs.retain(|job| seen.insert(job.id));
        Ok(RunError::SetAside { jobs, progress })
    }
}

/// The threads of one run and what they share.
struct Shift<'a> {
    runner: &'a Runner<'a>,
    root: JobId,
    abilities: BTreeSet<Ability>,
    state: Mutex<ShiftState>,
    /// A job ended, or the shift is over.
    changed: Condvar,
}

#[derive(Default)]
struct ShiftState {
    /// The leases of running jobs.
    running: Vec<Lease>,
    cpu: CpuShares,
    over: bool,
    error: Option<QueueError>,
}

impl Shift<'_> {
    fn end(&self, state: &mut ShiftState, error: Option<QueueError>) {
        state.over = true;
        state.error = state.error.take().or(error);
        self.changed.notify_all();
    }

    /// A worker thread: jobs one after another until the shift is over.
    fn work(&self) {
        while let Some(lease) = self.next() {
            let outcome = self.attempt(&lease);
            let mut state = lock(&self.state);
            state.running.retain(|running| running.fence != lease.fence);
            match outcome {
                Ok(()) => self.changed.notify_all(),
                Err(error) => {
                    // The queue fails, not the job: no attempt is to be counted, as far as the queue can tell.
                    if let Err(error) = self.runner.queue.release(&lease) {
                        tracing::warn!(job = %lease.id, %error, "lease not given back");
                    }
                    self.end(&mut state, Some(error));
                }
            }
        }
    }

    /// Waits for a job that fits. None when the shift is over.
    fn next(&self) -> Option<Lease> {
        let mut state = lock(&self.state);
        loop {
            if state.over || self.runner.is_stopped() {
                return None;
            }
            match self.claim(&mut state) {
                Ok(Some(lease)) => return Some(lease),
                Ok(None) => match self.is_exhausted(&state) {
                    Ok(false) => {}
                    Ok(true) => self.end(&mut state, None),
                    Err(error) => self.end(&mut state, Some(error)),
                },
                Err(error) => self.end(&mut state, Some(error)),
            }
            if !state.over {
                let waited = self.changed.wait_timeout(state, LOOK_AGAIN);
                state = waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0;
            }
        }
    }

    /// Claims under the lock, so that what the threads take together fits the limits.
    fn claim(&self, state: &mut ShiftState) -> Result<Option<Lease>, QueueError> {
        if state.running.iter().any(|lease| lease.alone) {
            return Ok(None);
        }
        let used_bytes: u64 = state.running.iter().map(|lease| lease.job.memory_bytes).sum();
        let lease = self.runner.queue.claim(&Capability {
            worker: self.runner.limits.worker.clone(),
            abilities: self.abilities.clone(),
            memory_bytes: self.runner.limits.memory_bytes.saturating_sub(used_bytes),
            idle: state.running.is_empty(),
            graph: Some(self.root),
        })?;
        if let Some(lease) = &lease {
            state.cpu.begin(lease.fence);
            // Inputs and payload may be large and stay with the worker thread; the rest names the lease.
            let inputs = Vec::new();
            let job = crate::job::JobSpec { payload: Vec::new(), ..lease.job.clone() };
            state.running.push(Lease { job, inputs, ..*lease });
        }
        Ok(lease)
    }

    /// Nothing is left to be done now or later: all done, or the rest waits for jobs that were set aside.
    fn is_exhausted(&self, state: &ShiftState) -> Result<bool, QueueError> {
        if !state.running.is_empty() {
            return Ok(false);
        }
        let progress = self.runner.queue.progress(self.root)?;
        Ok(progress.ready == 0 && progress.leased == 0)
    }

    /// One attempt at a job, with its events.
    fn attempt(&self, lease: &Lease) -> Result<(), QueueError> {
        self.runner.tell(Event::of(lease, JobEvent::Started));
        let start = Instant::now();
        let outcome = caught(|| self.runner.work.run(&lease.job, &lease.inputs));
        let seconds = start.elapsed().as_secs_f64();
        let cpu_seconds = lock(&self.state).cpu.end(lease.fence);
        let (cause, reason) = match outcome {
            Ok(Ok(output)) => return self.hand_in(lease, &output, seconds, cpu_seconds),
            Ok(Err(WorkError::Transient(reason))) => (Cause::Transient, reason),
            Ok(Err(WorkError::Permanent(reason))) => (Cause::Permanent, reason),
            Err(panic) => (Cause::Panic, format!("it panicked: {panic}")),
        };
        let verdict = self.runner.queue.fail(lease, Failure { cause, reason: reason.clone() })?;
        self.tell_failure(lease, &reason, &verdict);
        Ok(())
    }

    fn hand_in(&self, lease: &Lease, output: &[u8], seconds: f64, cpu_seconds: f64) -> Result<(), QueueError> {
        match self.runner.queue.complete(lease, output, seconds)? {
            Completion::Accepted { .. } => {
                let length_bytes = output.len();
                let finished = JobEvent::Finished { seconds, cpu_seconds, length_bytes };
                self.runner.tell(Event::of(lease, finished));
            }
            Completion::AlreadyDone => self.runner.tell(Event::of(lease, JobEvent::Overtaken)),
            Completion::Refused { reason, verdict } => {
                let reason = format!("its result was refused: {reason}");
                self.tell_failure(lease, &reason, &verdict);
            }
        }
        Ok(())
    }

    fn tell_failure(&self, lease: &Lease, reason: &str, verdict: &Verdict) {
        let what = match verdict {
            Verdict::Again { attempts_left } => JobEvent::Failed { reason, attempts_left: *attempts_left },
            Verdict::SetAside { bundle } => JobEvent::SetAside { reason, bundle },
            Verdict::Stale => JobEvent::Lost { reason },
        };
        self.runner.tell(Event::of(lease, what));
    }

    /// The renewing thread: until the shift is over and no job runs.
    fn renew(&self) {
        let interval = self.runner.queue.policy().lease / RENEWALS_PER_LEASE;
        let mut due = Instant::now() + interval;
        let mut state = lock(&self.state);
        loop {
            let ending = state.over || self.runner.is_stopped();
            if ending && state.running.is_empty() {
                return;
            }
            if Instant::now() >= due {
                due = Instant::now() + interval;
                for lease in &state.running {
                    if let Err(error) = self.runner.queue.renew(lease) {
                        // The work may still end well and be welcome late.
                        tracing::warn!(job = %lease.id, %error, "lease not renewed");
                    }
                }
            }
            let wait = due.saturating_duration_since(Instant::now()).min(LOOK_AGAIN);
            let waited = self.changed.wait_timeout(state, wait.max(Duration::from_millis(1)));
            state = waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        }
    }
}

/// Locks also after a panic: what is behind these locks is whole between any two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
