//! The queue of a single process: RocksDB for the records, files for the artifacts, threads as workers.
//!
//! ```text
//! DIR/lock          held by the process that has the queue open
//!     records/      RocksDB: graphs, jobs, attempts, small artifacts
//!     artifacts/    inputs and results by hash
//!     set-aside/    replay bundles
//! ```
//!
//! Records are written before memory changes, under one mutex, so their order is the order of events. A
//! result's bytes are on disk before the record that names them, and `complete` returns after the record is.
//! Nothing that takes long (verifying, artifact files, waiting for the disk) happens under the mutex.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::{
    Capability, Cause, Completion, Effort, Failure, Fence, GraphStatus, Hold, Lease, OpenError, Outlook, Policy,
    Progress, Queue, QueueError, Status, Submitted, Swept, Verdict,
};
use crate::artifact::{ArtifactError, ArtifactRef, Artifacts, FileArtifacts};
use crate::digest::{ArtifactHash, JobId};
use crate::graph::Graph;
use crate::work::Check;

mod artifacts;
mod board;
mod bundle;
mod census;
mod holds;
mod lock;
mod records;
mod retention;
mod submission;
mod tally;
mod trust;
mod view;

use artifacts::FolderArtifacts;
use board::{Board, Entry};
use bundle::Bundles;
pub use census::{Census, JobCounts};
pub(crate) use holds::ToCheck;
use lock::FolderLock;
use records::{Record, Records, State};
pub use tally::{KindTally, Tally};
use trust::Trust;
use view::{graph_status, state, status};

/// Kept of a job's failures; the rest is in the log.
const FAILURES_KEPT: usize = 16;
/// How often an idle thread looks whether to stop, and for leases that ran out.
const PATIENCE: Duration = Duration::from_millis(100);

/// A queue in a folder of this machine.
pub struct EmbeddedQueue {
    policy: Policy,
    check: Arc<dyn Check>,
    holders: Holders,
    artifacts: Box<dyn Artifacts>,
    bundles: Bundles,
    records: Arc<Records>,
    inner: Mutex<Inner>,
    /// Something changed that may have made a job ready.
    changed: Condvar,
    /// Held by submissions, and alone by a sweep while it removes: what one has looked for the other must not remove.
    sweeping: RwLock<()>,
    /// Held by who writes bundles, and never taken by who holds the board.
    writing_bundles: Mutex<()>,
    _lock: FolderLock,
}

struct Inner {
    board: Board,
    /// The upper half rises with each opening of the queue, at least as fast as the clock, and the lower half counts
    /// leases since. So fences stay unique and rising even when a power cut takes the last leases' records, or when the
    /// records are those of a backup.
    next_fence: u64,
    /// Counts what may have made a job ready.
    changes: u64,
    tally: Tally,
    trust: Trust,
    /// Jobs that were set aside, whose bundles are still to be written.
    bundles_due: Vec<JobId>,
    /// Artifacts that nothing needs, and since when that is known.
    unneeded: HashMap<ArtifactHash, Instant>,
}

impl Inner {
    /// Who has a lease, if somebody still has it.
    fn holder(&self, hold: Hold) -> Option<String> {
        self.board.entry(hold.job).ok()?.holder(hold.fence).map(str::to_owned)
    }
}

/// Where those are that hold leases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holders {
    /// In the process that has the queue open: they end with it.
    Here,
    /// In other processes: they live on when this one ends, and renew their leases when it is back.
    Elsewhere,
}

impl EmbeddedQueue {
    /// Opens the queue in `folder`, which is made when it is not there. Jobs that were leased when the queue
    /// was last in use lost their worker: that attempt has failed.
    ///
    /// # Errors
    /// [`OpenError::Locked`] when it is open already, here or in another process.
    pub fn open(folder: &Path, policy: Policy, check: Arc<dyn Check>) -> Result<Self, OpenError> {
        let opened = Opened::folder(folder)?;
        let files = FileArtifacts::open(folder.join("artifacts"))?;
        files.sweep()?;
        let artifacts = FolderArtifacts { files, records: opened.records.clone(), path: records_path(folder) };
        let queue = Self::new(folder, policy, check, Box::new(artifacts), Holders::Here, opened);
        queue.fail_leased(|_| true, Cause::Crash, "the process that ran it ended")?;
        queue.write_bundles()?;
        Ok(queue)
    }

    /// Opens it with artifacts kept elsewhere, for workers in other processes. Their leases hold on, for as long as a
    /// new one would.
    ///
    /// # Errors
    /// [`OpenError::Locked`] when it is open already, here or in another process.
    pub fn open_for_others(
        folder: &Path,
        policy: Policy,
        check: Arc<dyn Check>,
        artifacts: Box<dyn Artifacts>,
    ) -> Result<Self, OpenError> {
        let opened = Opened::folder(folder)?;
        let queue = Self::new(folder, policy, check, artifacts, Holders::Elsewhere, opened);
        {
            let mut inner = queue.lock();
            let expires = Instant::now() + policy.lease;
            inner.board.leased(|_| true).into_iter().for_each(|id| inner.board.extend(id, expires));
        }
        queue.write_bundles()?;
        Ok(queue)
    }

    fn new(
        folder: &Path,
        policy: Policy,
        check: Arc<dyn Check>,
        artifacts: Box<dyn Artifacts>,
        holders: Holders,
        opened: Opened,
    ) -> Self {
        let Opened { lock, records, epoch, board } = opened;
        let bundles = bundles(folder);
        // A process that ended between the two wrote that a job is set aside, and no bundle.
        let bundles_due = board.set_aside().filter(|id| !bundles.path(*id).exists()).collect();
        let inner = Inner {
            board,
            next_fence: u64::from(epoch) << 32,
            changes: 0,
            tally: Tally::default(),
            trust: Trust::default(),
            bundles_due,
            unneeded: HashMap::new(),
        };
        Self {
            policy,
            check,
            holders,
            artifacts,
            bundles,
            records,
            inner: Mutex::new(inner),
            changed: Condvar::new(),
            sweeping: RwLock::new(()),
            writing_bundles: Mutex::new(()),
            _lock: lock,
        }
    }

    /// Reads the state of the queue in `folder` without opening it, also while another process works on it.
    ///
    /// # Errors
    /// [`OpenError::Absent`] when there is none.
    pub fn look(folder: &Path) -> Result<Status, OpenError> {
        let path = records_path(folder);
        if !path.is_dir() {
            return Err(OpenError::Absent { path: folder.to_owned() });
        }
        let board = Board::new(Records::look(&path)?.load()?)?;
        Ok(status(&board, &bundles(folder))?)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no thread panics while it changes the board")
    }

    /// What happened since it was opened.
    pub fn tally(&self) -> Tally {
        self.lock().tally.clone()
    }

    /// What it holds now, counted.
    ///
    /// # Errors
    /// When the board is not whole.
    pub fn census(&self) -> Result<Census, QueueError> {
        Census::of(&self.lock().board)
    }

    /// Stores one changed record, then shows it on the board.
    fn change(&self, inner: &mut Inner, id: JobId, record: Record, expires: Option<Instant>) -> Result<(), QueueError> {
        let change = [(id, record)];
        self.records.change(&change)?;
        let [(id, record)] = change;
        inner.board.set(id, record, expires);
        inner.changes += 1;
        self.changed.notify_all();
        Ok(())
    }

    /// Ends an attempt without a result. [`Self::write_bundles`] is to follow when the board is free.
    fn fail_attempt(&self, inner: &mut Inner, id: JobId, failure: Failure) -> Result<Verdict, QueueError> {
        let is_final = failure.cause.is_permanent();
        self.end_attempt(inner, id, failure, is_final)
    }

    /// The same, where the caller says whether the job could be done by trying again.
    fn end_attempt(
        &self,
        inner: &mut Inner,
        id: JobId,
        failure: Failure,
        is_final: bool,
    ) -> Result<Verdict, QueueError> {
        let entry = inner.board.entry(id)?;
        inner.tally.failed(entry.spec.kind, failure.cause);
        let (label, batch) = (entry.spec.label.clone(), inner.board.batch(id).to_owned());
        let mut record = entry.record.clone();
        let (cause, reason) = (failure.cause, failure.reason.clone());
        record.lost_workers += u32::from(cause.lost_worker());
        record.failures.push(failure);
        if record.failures.len() > FAILURES_KEPT {
            record.failures.remove(0);
        }
        let attempts_left = self.policy.max_attempts.saturating_sub(record.attempts);
        if attempts_left > 0 && !is_final {
            record.state = State::Open;
            self.change(inner, id, record, None)?;
            tracing::warn!(batch, job = %id, label, ?cause, reason, attempts_left, "attempt failed");
            return Ok(Verdict::Again { attempts_left });
        }
        record.state = State::SetAside;
        self.change(inner, id, record, None)?;
        inner.bundles_due.push(id);
        let bundle = self.bundles.path(id);
        tracing::error!(batch, job = %id, label, ?cause, reason, bundle = %bundle.display(), "job set aside");
        Ok(Verdict::SetAside { bundle })
    }

    /// Writes what is needed to run jobs by hand that were set aside; when it returns, all bundles due are there. Reading
    /// their inputs may take long, and the board is free meanwhile.
    fn write_bundles(&self) -> Result<(), QueueError> {
        let _one_at_a_time = self.writing_bundles.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let (id, inputs, failures) = {
                let mut inner = self.lock();
                let Some(id) = inner.bundles_due.pop() else { return Ok(()) };
                let Ok(entry) = inner.board.entry(id) else { continue };
                (id, inner.board.inputs(id)?, entry.record.failures.clone())
            };
            let is_wanted = || {
                let inner = self.lock();
                let entry = inner.board.entry(id);
                entry.is_ok_and(|entry| entry.record.state == State::SetAside)
            };
            self.bundles.write(id, &self.records.spec(id)?, &inputs, &failures, &*self.artifacts, is_wanted)?;
        }
    }

    /// Takes back the leases that `which` picks.
    fn fail_leased(&self, which: impl Fn(&Entry) -> bool, cause: Cause, reason: &str) -> Result<(), QueueError> {
        let inner = self.lock();
        let failed = inner.board.leased(which);
        self.fail_each(inner, failed, cause, reason)
    }

    /// The same for those of a list. Where there are none, nobody waits for a bundle that is being written.
    fn fail_each(
        &self,
        mut inner: MutexGuard<'_, Inner>,
        jobs: Vec<JobId>,
        cause: Cause,
        reason: &str,
    ) -> Result<(), QueueError> {
        if jobs.is_empty() {
            return Ok(());
        }
        for id in jobs {
            self.fail_attempt(&mut inner, id, Failure { cause, reason: reason.to_owned() })?;
        }
        drop(inner);
        self.write_bundles()
    }

    /// Puts a leased job back as if it had not been claimed.
    fn unclaim(&self, inner: &mut Inner, id: JobId) -> Result<(), QueueError> {
        let mut record = inner.board.entry(id)?.record.clone();
        record.attempts -= 1;
        record.state = State::Open;
        self.change(inner, id, record, None)
    }

    /// Takes back the leases that ran out.
    pub(crate) fn expire(&self) -> Result<(), QueueError> {
        let now = Instant::now();
        let overdue = |entry: &Entry| entry.expires.is_some_and(|expires| expires <= now);
        self.fail_leased(overdue, Cause::Expired, "its lease was not renewed in time")?;
        self.end_endless(now)
    }

    /// Ends the attempts that take longer than any may. Another worker is to have the job next.
    fn end_endless(&self, now: Instant) -> Result<(), QueueError> {
        let longest = self.policy.attempt;
        let took_too_long = |since| now.saturating_duration_since(since) > longest;
        let mut inner = self.lock();
        let endless = inner.board.leased(|entry| entry.leased_since.is_some_and(took_too_long));
        for id in &endless {
            if let State::Leased { worker, .. } = inner.board.entry(*id)?.record.state.clone() {
                inner.trust.declines(&worker, *id, now);
            }
        }
        let reason = format!("it took longer than {} s", longest.as_secs_f64());
        self.fail_each(inner, endless, Cause::Expired, &reason)
    }

    /// Waits until something may have made a job ready since `seen`, at most for `time`; gives what is seen now.
    pub(crate) fn wait_for_change(&self, seen: u64, time: Duration) -> u64 {
        let waited = self.changed.wait_timeout_while(self.lock(), time, |inner| inner.changes == seen);
        waited.map_or(seen, |(inner, _)| inner.changes)
    }

    /// Leases the first job for a worker, together with the names of its inputs. [`Self::expire`] goes before.
    ///
    /// Where there are other machines, one whose results are refused again and again is the fault itself, and would
    /// spend the attempts of job after job: it gets no more until it begins anew. Neither does a claim that is older
    /// than another of its worker: it was late on its way, and nobody waits for it; or two work under one name.
    pub(crate) fn lease(&self, capability: &Capability) -> Result<Option<(Lease, Vec<ArtifactRef>)>, QueueError> {
        let now = Instant::now();
        let mut inner = self.lock();
        let worker = &capability.worker;
        if self.holders == Holders::Elsewhere {
            if inner.trust.is_suspended(worker) {
                return Err(QueueError::Suspended { worker: worker.clone() });
            }
            if !inner.trust.asks(worker, capability.turn, now) {
                return Err(QueueError::NameTaken { worker: worker.clone() });
            }
        }
        let trust = &inner.trust;
        let may_have = |job: JobId| self.holders == Holders::Here || trust.may_have(worker, job, now);
        let Some(id) = inner.board.first_for(capability, &self.policy, &may_have) else { return Ok(None) };
        let job = self.records.spec(id)?;
        let artifacts = inner.board.inputs(id)?.into_iter().flatten().collect();
        let fence = Fence(inner.next_fence);
        inner.next_fence += 1;

        let mut record = inner.board.entry(id)?.record.clone();
        record.attempts += 1;
        record.state = State::Leased { worker: capability.worker.clone(), fence };
        let attempt = record.attempts;
        let batch = inner.board.batch(id).to_owned();
        let alone = record.lost_workers >= self.policy.alone_after;
        self.change(&mut inner, id, record, Some(now + self.policy.lease))?;
        Ok(Some((Lease { id, batch, job, inputs: Vec::new(), fence, attempt, alone }, artifacts)))
    }

    /// A worker that lists what it holds does not know of its other leases: the answers that gave them were lost. No one
    /// has begun these jobs.
    pub(crate) fn take_back_unknown(&self, capability: &Capability) -> Result<(), QueueError> {
        let Some(holds) = &capability.holds else { return Ok(()) };
        let mut inner = self.lock();
        if !inner.trust.asks(&capability.worker, capability.turn, Instant::now()) {
            return Ok(());
        }
        let is_its = held_by(&capability.worker);
        let is_unknown = |entry: &Entry| is_its(entry) && entry.fence().is_some_and(|fence| !holds.contains(&fence));
        for id in inner.board.leased(is_unknown) {
            tracing::info!(job = %id, worker = capability.worker, "the answer that leased it was lost: taken back");
            self.unclaim(&mut inner, id)?;
        }
        Ok(())
    }
}

impl Queue for EmbeddedQueue {
    fn submit(&self, graph: &Graph) -> Result<Submitted, QueueError> {
        self.add(graph)
    }

    fn claim(&self, capability: &Capability) -> Result<Option<Lease>, QueueError> {
        'next: loop {
            self.expire()?;
            let Some((mut lease, artifacts)) = self.lease(capability)? else { return Ok(None) };
            for (index, artifact) in artifacts.into_iter().enumerate() {
                match self.artifacts.get(&artifact) {
                    Ok(bytes) => lease.inputs.push(bytes),
                    Err(error @ ArtifactError::Damaged { .. }) => {
                        self.mend(lease.hold(), lease.job.inputs[index], artifact, &error.to_string())?;
                        continue 'next;
                    }
                    Err(error) => {
                        self.release(&lease)?;
                        return Err(error.into());
                    }
                }
            }
            return Ok(Some(lease));
        }
    }

    fn renew(&self, lease: &Lease) -> Result<bool, QueueError> {
        Ok(self.renew_hold(lease.hold()))
    }

    fn complete(&self, lease: &Lease, output: &[u8], effort: Effort) -> Result<Completion, QueueError> {
        if self.to_check(lease.hold())?.is_none() {
            return Ok(Completion::AlreadyDone);
        }
        if let Err(reason) = self.checked(&lease.job, &lease.inputs, output) {
            return self.refuse(lease.hold(), reason, true);
        }
        let artifact = self.artifacts.put(output)?;
        self.accept(lease.hold(), artifact, effort)
    }

    fn fail(&self, lease: &Lease, failure: Failure) -> Result<Verdict, QueueError> {
        self.fail_hold(lease.hold(), failure)
    }

    fn release(&self, lease: &Lease) -> Result<(), QueueError> {
        self.release_hold(lease.hold())
    }

    fn leave(&self, worker: &str) -> Result<(), QueueError> {
        let mut inner = self.lock();
        for id in inner.board.leased(held_by(worker)) {
            self.unclaim(&mut inner, id)?;
        }
        Ok(())
    }

    fn enter(&self, worker: &str) -> Result<(), QueueError> {
        self.lock().trust.begins(worker);
        self.fail_leased(held_by(worker), Cause::Crash, "the worker that had it began anew")
    }

    fn claim_within(&self, capability: &Capability, patience: Duration) -> Result<Option<Lease>, QueueError> {
        let seen = self.lock().changes;
        if let Some(lease) = self.claim(capability)? {
            return Ok(Some(lease));
        }
        self.wait_for_change(seen, patience);
        self.claim(capability)
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }

    fn retry(&self, job: JobId) -> Result<(), QueueError> {
        let mut inner = self.lock();
        let entry = inner.board.entry(job)?;
        if entry.record.state != State::SetAside {
            let state = state(job, entry, &self.bundles).name().to_owned();
            return Err(QueueError::NotSetAside { label: entry.spec.label.clone(), state });
        }
        self.change(&mut inner, job, Record::new(), None)?;
        drop(inner);
        self.records.sync()?;
        self.bundles.remove(job)
    }

    fn result(&self, job: JobId) -> Result<Option<Vec<u8>>, QueueError> {
        let Some(artifact) = self.result_of(job)? else { return Ok(None) };
        match self.artifacts.get(&artifact) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error @ ArtifactError::Damaged { .. }) => {
                self.remake_result(job, artifact, &error.to_string())?;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn progress(&self, root: JobId) -> Result<Progress, QueueError> {
        self.lock().board.progress(root)
    }

    fn graph(&self, root: JobId) -> Result<GraphStatus, QueueError> {
        let inner = self.lock();
        graph_status(&inner.board, &self.bundles, root, inner.board.graph(root)?)
    }

    fn status(&self) -> Result<Status, QueueError> {
        status(&self.lock().board, &self.bundles)
    }

    fn outlook(&self) -> Result<Outlook, QueueError> {
        Ok(self.lock().board.outlook())
    }

    fn settle(&self, root: JobId) -> Result<(), QueueError> {
        self.forget(root)
    }

    fn sweep(&self, grace: Duration) -> Result<Swept, QueueError> {
        self.remove_unneeded(grace)
    }

    fn artifacts(&self) -> &dyn Artifacts {
        &*self.artifacts
    }

    fn policy(&self) -> Policy {
        self.policy
    }
}

fn held_by(worker: &str) -> impl Fn(&Entry) -> bool + '_ {
    move |entry| matches!(&entry.record.state, State::Leased { worker: by, .. } if by == worker)
}

/// A folder that was opened and read.
struct Opened {
    lock: FolderLock,
    records: Arc<Records>,
    epoch: u32,
    board: Board,
}

impl Opened {
    fn folder(folder: &Path) -> Result<Self, OpenError> {
        let io = |source| OpenError::Io { doing: "create", path: folder.to_owned(), source };
        fs::create_dir_all(folder).map_err(io)?;
        let lock = FolderLock::take(folder)?;
        let (records, epoch) = Records::open(&records_path(folder))?;
        let board = Board::new(records.load()?)?;
        Ok(Self { lock, records: Arc::new(records), epoch, board })
    }
}

fn records_path(folder: &Path) -> PathBuf {
    folder.join("records")
}

fn bundles(folder: &Path) -> Bundles {
    Bundles::new(folder.join("set-aside"))
}
