//! The threads that work together on one machine, from the first claim to the last hand-in.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use super::cpu::CpuShares;
use super::{Event, JobEvent, Limits};
use crate::clock::since_epoch;
use crate::digest::JobId;
use crate::graph::Ability;
use crate::job::JobSpec;
use crate::panic::caught;
use crate::queue::{Capability, Cause, Completion, Effort, Failure, Fence, Lease, Queue, QueueError, Verdict};
use crate::work::{Work, WorkError};

/// How often a waiting thread looks whether to stop.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Renewals in the time of one lease: two may be late or lost.
const RENEWALS_PER_LEASE: u32 = 3;
/// Between calls to a queue that cannot be reached: long enough not to press a service that comes back, short against
/// a job.
const OUTAGE_PAUSE: Duration = Duration::from_secs(1);

/// Results that may wait to be judged while the coordinator is away, of one worker.
const HANDED_IN_KNOWN: usize = 256;

/// Tells events, one at a time.
pub(super) struct Listener<'a> {
    on_event: &'a (dyn Fn(Event<'_>) + Sync),
    /// Held while an event is told.
    telling: Mutex<()>,
}

impl<'a> Listener<'a> {
    pub(super) fn new(on_event: &'a (dyn Fn(Event<'_>) + Sync)) -> Self {
        Self { on_event, telling: Mutex::new(()) }
    }

    /// A listener that panics loses what it would have shown, not the work.
    pub(super) fn tell(&self, event: Event<'_>) {
        let _one_at_a_time = lock(&self.telling);
        if let Err(panic) = caught(|| (self.on_event)(event)) {
            tracing::error!(panic, "the listener of the runner's events panicked");
        }
    }
}

pub(super) fn is_stopped(stop: Option<&AtomicBool>) -> bool {
    stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
}

/// When a shift is over, besides when it is told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    Never,
    /// Nothing of this graph is left to be done now or later: all is done, or the rest waits for jobs set aside.
    GraphExhausted(JobId),
    /// Nothing is left that it could do, and no one has a job that could lead to more.
    Drained,
    /// One job was attempted.
    AfterOne,
}

/// What a shift did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Jobs whose results were handed in.
    pub finished: usize,
    /// Attempts that failed.
    pub failed: usize,
}

/// The threads of one shift and what they share.
pub(super) struct Shift<'a> {
    queue: &'a dyn Queue,
    work: &'a dyn Work,
    limits: &'a Limits,
    listener: &'a Listener<'a>,
    stop: Option<&'a AtomicBool>,
    over: Over,
    abilities: BTreeSet<Ability>,
    state: Mutex<State>,
    /// A job ended, a claim ended, or the shift is over.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The leases of running jobs.
    running: Vec<Lease>,
    /// A thread is asking for a job; one at a time, so that what they take together fits the limits.
    claiming: bool,
    /// Claims so far.
    turn: u64,
    /// The last leases whose results were handed in and perhaps not judged yet.
    handed_in: VecDeque<Fence>,
    cpu: CpuShares,
    done: Done,
    /// The queue could not be reached the last time.
    outage: bool,
    over: bool,
    error: Option<QueueError>,
}

impl<'a> Shift<'a> {
    pub(super) fn new(
        queue: &'a dyn Queue,
        work: &'a dyn Work,
        limits: &'a Limits,
        listener: &'a Listener<'a>,
        stop: Option<&'a AtomicBool>,
        over: Over,
    ) -> Self {
        let abilities = work.abilities();
        // Of two processes of one name, the later has the higher turns.
        let turn = u64::try_from(since_epoch().as_micros()).unwrap_or_default();
        let (state, changed) = (Mutex::new(State { turn, ..State::default() }), Condvar::new());
        Self { queue, work, limits, listener, stop, over, abilities, state, changed }
    }

    /// Works until it is over.
    pub(super) fn work(self) -> Result<Done, QueueError> {
        let threads = if self.over == Over::AfterOne { 1 } else { self.limits.jobs.max(1) };
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| self.work_one_by_one());
            }
            scope.spawn(|| self.renew());
        });
        let state = self.state.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
        state.error.map_or(Ok(state.done), Err)
    }

    fn end(&self, state: &mut State, error: Option<QueueError>) {
        state.over = true;
        state.error = state.error.take().or(error);
        self.changed.notify_all();
    }

    fn is_over(&self, state: &State) -> bool {
        state.over || is_stopped(self.stop)
    }

    /// A worker thread: jobs one after another until the shift is over.
    fn work_one_by_one(&self) {
        while let Some(lease) = self.next() {
            let outcome = self.attempt(&lease);
            let mut state = lock(&self.state);
            state.running.retain(|running| running.fence != lease.fence);
            match outcome {
                Ok(true) => state.done.finished += 1,
                Ok(false) => state.done.failed += 1,
                Err(error) => {
                    // The queue fails, not the job: no attempt is to be counted, as far as the queue can tell.
                    if let Err(error) = self.queue.release(&lease) {
                        tracing::warn!(job = %lease.id, %error, "lease not given back");
                    }
                    self.end(&mut state, Some(error));
                }
            }
            if self.over == Over::AfterOne {
                self.end(&mut state, None);
            }
            self.changed.notify_all();
        }
    }

    /// Waits for a job that fits. None when the shift is over.
    fn next(&self) -> Option<Lease> {
        let mut state = lock(&self.state);
        loop {
            if self.is_over(&state) {
                return None;
            }
            if state.claiming || state.running.iter().any(|lease| lease.alone) {
                state = self.wait(state, LOOK_AGAIN);
                continue;
            }
            state.claiming = true;
            let capability = self.capability(&mut state);
            drop(state);
            let claimed = self.queue.claim_within(&capability, self.queue.patience());
            state = lock(&self.state);
            state.claiming = false;
            self.changed.notify_all();
            match claimed {
                Ok(Some(lease)) => {
                    self.tell_of_outage(&mut state, None);
                    self.begin(&mut state, &lease);
                    return Some(lease);
                }
                Ok(None) => {
                    self.tell_of_outage(&mut state, None);
                    match self.is_exhausted(&state) {
                        Ok(false) => {}
                        Ok(true) => self.end(&mut state, None),
                        Err(error) => state = self.failed(state, error),
                    }
                }
                Err(error) => state = self.failed(state, error),
            }
        }
    }

    /// The queue failed: an outage is waited for, anything else ends the shift.
    fn failed<'b>(&'b self, mut state: MutexGuard<'b, State>, error: QueueError) -> MutexGuard<'b, State> {
        if !error.is_outage() {
            self.end(&mut state, Some(error));
            return state;
        }
        self.tell_of_outage(&mut state, Some(&error));
        self.wait(state, OUTAGE_PAUSE)
    }

    fn tell_of_outage(&self, state: &mut State, error: Option<&QueueError>) {
        match (state.outage, error) {
            (false, Some(error)) => self.listener.tell(Event::Outage { reason: &error.to_string() }),
            (true, None) => self.listener.tell(Event::Back),
            _ => {}
        }
        state.outage = error.is_some();
    }

    fn wait<'b>(&'b self, state: MutexGuard<'b, State>, time: Duration) -> MutexGuard<'b, State> {
        let waited = self.changed.wait_timeout(state, time);
        waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0
    }

    fn capability(&self, state: &mut State) -> Capability {
        state.turn += 1;
        let handed_in = state.handed_in.iter().copied();
        let holds = state.running.iter().map(|lease| lease.fence).chain(handed_in).collect();
        let used_bytes: u64 = state.running.iter().map(|lease| lease.job.memory_bytes).sum();
        Capability {
            worker: self.limits.worker.clone(),
            abilities: self.abilities.clone(),
            memory_bytes: self.limits.memory_bytes.saturating_sub(used_bytes),
            idle: state.running.is_empty(),
            graph: match self.over {
                Over::GraphExhausted(root) => Some(root),
                _ => None,
            },
            turn: state.turn,
            holds: Some(holds),
        }
    }

    fn begin(&self, state: &mut State, lease: &Lease) {
        state.cpu.begin(lease.fence);
        // Inputs and payload may be large and stay with the worker thread; the rest names the lease.
        let inputs = Vec::new();
        let job = JobSpec { payload: Vec::new(), ..lease.job.clone() };
        state.running.push(Lease { batch: lease.batch.clone(), job, inputs, ..*lease });
    }

    /// Nothing is left to be done now or later.
    fn is_exhausted(&self, state: &State) -> Result<bool, QueueError> {
        if !state.running.is_empty() || state.claiming {
            return Ok(false);
        }
        match self.over {
            Over::Never => Ok(false),
            Over::AfterOne => Ok(true),
            Over::GraphExhausted(root) => {
                let progress = self.queue.progress(root)?;
                Ok(progress.ready == 0 && progress.leased == 0)
            }
            // What is ready was not for this worker: it was just asked.
            Over::Drained => Ok(self.queue.outlook()?.leased == 0),
        }
    }

    /// One attempt at a job, with its events. True when there is a result.
    fn attempt(&self, lease: &Lease) -> Result<bool, QueueError> {
        self.listener.tell(Event::of(lease, JobEvent::Started));
        let start = Instant::now();
        let outcome = caught(|| self.work.run(&lease.job, &lease.inputs));
        let seconds = start.elapsed().as_secs_f64();
        let cpu_seconds = lock(&self.state).cpu.end(lease.fence);
        let (cause, reason) = match outcome {
            Ok(Ok(output)) => {
                let effort = Effort { worker: self.limits.worker.clone(), seconds, cpu_seconds };
                return self.hand_in(lease, &output, effort);
            }
            Ok(Err(WorkError::Transient(reason))) => (Cause::Transient, reason),
            Ok(Err(WorkError::Permanent(reason))) => (Cause::Permanent, reason),
            Err(panic) => (Cause::Panic, format!("it panicked: {panic}")),
        };
        let verdict = self.persist(|| self.queue.fail(lease, Failure { cause, reason: reason.clone() }))?;
        self.tell_failure(lease, &reason, &verdict);
        Ok(false)
    }

    /// Calls a queue until it can be reached: what is to be said is too dear to be lost.
    fn persist<T>(&self, call: impl Fn() -> Result<T, QueueError>) -> Result<T, QueueError> {
        loop {
            match call() {
                Err(error) if error.is_outage() => {
                    self.tell_of_outage(&mut lock(&self.state), Some(&error));
                    thread::sleep(OUTAGE_PAUSE);
                }
                answer => return answer,
            }
        }
    }

    fn hand_in(&self, lease: &Lease, output: &[u8], effort: Effort) -> Result<bool, QueueError> {
        let completion = self.persist(|| self.queue.complete(lease, output, effort.clone()))?;
        if completion == Completion::HandedIn {
            let mut state = lock(&self.state);
            state.handed_in.push_back(lease.fence);
            if state.handed_in.len() > HANDED_IN_KNOWN {
                state.handed_in.pop_front();
            }
        }
        let Effort { seconds, cpu_seconds, .. } = effort;
        let what = match completion {
            Completion::Accepted { .. } => JobEvent::Finished { seconds, cpu_seconds, length_bytes: output.len() },
            Completion::HandedIn => JobEvent::HandedIn { seconds, cpu_seconds, length_bytes: output.len() },
            Completion::AlreadyDone => JobEvent::Overtaken,
            Completion::Refused { reason, verdict } => {
                self.tell_failure(lease, &format!("its result was refused: {reason}"), &verdict);
                return Ok(false);
            }
        };
        self.listener.tell(Event::of(lease, what));
        Ok(true)
    }

    fn tell_failure(&self, lease: &Lease, reason: &str, verdict: &Verdict) {
        let what = match verdict {
            Verdict::Again { attempts_left } => JobEvent::Failed { reason, attempts_left: *attempts_left },
            Verdict::SetAside { bundle } => JobEvent::SetAside { reason, bundle },
            Verdict::Stale => JobEvent::Lost { reason },
        };
        self.listener.tell(Event::of(lease, what));
    }

    /// The renewing thread: until the shift is over and no job runs.
    fn renew(&self) {
        let interval = self.queue.policy().lease / RENEWALS_PER_LEASE;
        let mut due = Instant::now() + interval;
        let mut state = lock(&self.state);
        while !self.is_over(&state) || !state.running.is_empty() || state.claiming {
            if Instant::now() >= due {
                due = Instant::now() + interval;
                let running = state.running.clone();
                drop(state);
                for lease in &running {
                    match self.queue.renew(lease) {
                        Ok(true) => {}
                        // The work may still end well and be welcome late.
                        Ok(false) => tracing::warn!(job = %lease.id, label = lease.job.label, "the lease was lost"),
                        Err(error) => {
                            let label = &lease.job.label;
                            tracing::warn!(job = %lease.id, label, %error, "lease not renewed");
                        }
                    }
                }
                state = lock(&self.state);
            }
            let wait = due.saturating_duration_since(Instant::now()).min(LOOK_AGAIN);
            state = self.wait(state, wait.max(Duration::from_millis(1)));
        }
    }
}

/// Locks also after a panic: what is behind these locks is whole between any two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
