//! The queue of a single process: RocksDB for the records, files for the artifacts, threads as workers.
//!
//! ```text
//! DIR/lock          held by the process that has the queue open
//!     records/      RocksDB: graphs, jobs, attempts, results
//!     artifacts/    inputs and results by hash
//!     set-aside/    replay bundles
//! ```
//!
//! Records are written before memory changes, under one mutex, so their order is the order of events. A
//! result's bytes are on disk before the record that names them, and `complete` returns after the record is.
//! Nothing that takes long (verifying, artifact files, waiting for the disk) happens under the mutex.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use super::{
    Capability, Cause, Completion, Failure, Fence, Lease, OpenError, Policy, Progress, Queue, QueueError, Status,
    Submitted, Verdict,
};
use crate::artifact::{ArtifactError, ArtifactRef, Artifacts, FileArtifacts};
use crate::digest::JobId;
use crate::graph::Graph;
use crate::job::{Input, JobSpec};
use crate::panic::caught;
use crate::work::Check;

mod board;
mod bundle;
mod lock;
mod records;
mod view;

use board::{Board, Entry};
use bundle::Bundles;
use lock::FolderLock;
use records::{GraphRecord, Record, Records, State};
use view::{state, status};

/// Kept of a job's failures; the rest is in the log.
const FAILURES_KEPT: usize = 16;

/// A queue in a folder of this machine.
pub struct EmbeddedQueue {
    policy: Policy,
    check: Arc<dyn Check>,
    artifacts: FileArtifacts,
    bundles: Bundles,
    records: Records,
    inner: Mutex<Inner>,
    _lock: FolderLock,
}

struct Inner {
    board: Board,
    /// The upper half counts openings of the queue and the lower half leases since. So fences stay unique
    /// and rising even when a power cut takes the last leases' records.
    next_fence: u64,
}

impl EmbeddedQueue {
    /// Opens the queue in `folder`, which is made when it is not there. Jobs that were leased when the queue
    /// was last in use lost their worker: that attempt has failed.
    ///
    /// # Errors
    /// [`OpenError::Locked`] when it is open already, here or in another process.
    pub fn open(folder: &Path, policy: Policy, check: Arc<dyn Check>) -> Result<Self, OpenError> {
        let io = |source| OpenError::Io { doing: "create", path: folder.to_owned(), source };
        fs::create_dir_all(folder).map_err(io)?;
        let lock = FolderLock::take(folder)?;
        let artifacts = FileArtifacts::open(folder.join("artifacts"))?;
        artifacts.sweep()?;
        let (records, epoch) = Records::open(&records_path(folder))?;
        let board = Board::new(records.load()?)?;
        let queue = Self {
            policy,
            check,
            artifacts,
            bundles: bundles(folder),
            records,
            inner: Mutex::new(Inner { board, next_fence: u64::from(epoch) << 32 }),
            _lock: lock,
        };
        queue.fail_leased(|_| true, Cause::Crash, "the process that ran it ended")?;
        Ok(queue)
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

    /// Stores one changed record, then shows it on the board.
    fn change(&self, board: &mut Board, id: JobId, record: Record, expires: Option<Instant>) -> Result<(), QueueError> {
        let change = [(id, record)];
        self.records.change(&change)?;
        let [(id, record)] = change;
        board.set(id, record, expires);
        Ok(())
    }

    /// Ends an attempt without a result.
    fn fail_attempt(&self, board: &mut Board, id: JobId, failure: Failure) -> Result<Verdict, QueueError> {
        let entry = board.entry(id)?;
        let label = entry.spec.label.clone();
        let mut record = entry.record.clone();
        let (cause, reason) = (failure.cause, failure.reason.clone());
        record.lost_workers += u32::from(cause.lost_worker());
        record.failures.push(failure);
        if record.failures.len() > FAILURES_KEPT {
            record.failures.remove(0);
        }
        let attempts_left = self.policy.max_attempts.saturating_sub(record.attempts);
        if attempts_left > 0 && !cause.is_permanent() {
            record.state = State::Open;
            self.change(board, id, record, None)?;
            tracing::warn!(job = %id, label, ?cause, reason, attempts_left, "attempt failed");
            return Ok(Verdict::Again { attempts_left });
        }
        let job = self.records.spec(id)?;
        let inputs = board.inputs(id)?;
        let bundle = self.bundles.write(id, &job, &inputs, &record.failures, &self.artifacts)?;
        record.state = State::SetAside;
        self.change(board, id, record, None)?;
        tracing::error!(job = %id, label, ?cause, reason, bundle = %bundle.display(), "job set aside");
        Ok(Verdict::SetAside { bundle })
    }

    /// Takes back the leases that `which` picks.
    fn fail_leased(&self, which: impl Fn(&Entry) -> bool, cause: Cause, reason: &str) -> Result<(), QueueError> {
        let mut inner = self.lock();
        for id in inner.board.leased(which) {
            self.fail_attempt(&mut inner.board, id, Failure { cause, reason: reason.to_owned() })?;
        }
        Ok(())
    }

    /// Puts a leased job back as if it had not been claimed.
    fn unclaim(&self, board: &mut Board, id: JobId) -> Result<(), QueueError> {
        let mut record = board.entry(id)?.record.clone();
        record.attempts -= 1;
        record.state = State::Open;
        self.change(board, id, record, None)
    }

    /// Leases the first job for a worker, together with the names of its inputs.
    fn lease(&self, capability: &Capability) -> Result<Option<(Lease, Vec<ArtifactRef>)>, QueueError> {
        let now = Instant::now();
        let overdue = |entry: &Entry| entry.expires.is_some_and(|expires| expires <= now);
        self.fail_leased(overdue, Cause::Expired, "its lease was not renewed in time")?;

        let mut inner = self.lock();
        let Some(id) = inner.board.first_for(capability, &self.policy) else { return Ok(None) };
        let job = self.records.spec(id)?;
        let artifacts = inner.board.inputs(id)?.into_iter().flatten().collect();
        let fence = Fence(inner.next_fence);
        inner.next_fence += 1;

        let mut record = inner.board.entry(id)?.record.clone();
        record.attempts += 1;
        record.state = State::Leased { worker: capability.worker.clone(), fence };
        let attempt = record.attempts;
        let alone = record.lost_workers >= self.policy.alone_after;
        self.change(&mut inner.board, id, record, Some(now + self.policy.lease))?;
        Ok(Some((Lease { id, job, inputs: Vec::new(), fence, attempt, alone }, artifacts)))
    }

    /// Takes a lease back whose input is damaged: the job that made it has to make it again. An input that
    /// no job makes cannot be mended here, so the reading job is set aside.
    fn mend(&self, lease: &Lease, index: usize, damaged: ArtifactRef, reason: &str) -> Result<(), QueueError> {
        let mut inner = self.lock();
        let holds = inner.board.entry(lease.id)?.fence() == Some(lease.fence);
        match lease.job.inputs.get(index) {
            Some(Input::Job(maker)) => {
                if holds {
                    self.unclaim(&mut inner.board, lease.id)?;
                }
                self.remake(&mut inner.board, *maker, damaged, reason)
            }
            _ if holds => {
                let failure = Failure { cause: Cause::Input, reason: reason.to_owned() };
                self.fail_attempt(&mut inner.board, lease.id, failure).map(drop)
            }
            _ => Ok(()),
        }
    }

    /// Sends a done job back, if `damaged` is still its result. This spends no attempt but needs one left,
    /// so that a disk that damages everything does not keep a job going round for ever.
    fn remake(&self, board: &mut Board, id: JobId, damaged: ArtifactRef, reason: &str) -> Result<(), QueueError> {
        if board.entry(id)?.artifact() != Some(damaged) {
            return Ok(());
        }
        let failure = Failure { cause: Cause::Damaged, reason: reason.to_owned() };
        self.fail_attempt(board, id, failure).map(drop)
    }

    /// Sends back those of a graph's done jobs whose artifacts are not whole, with all their attempts.
    fn remake_damaged(&self, graph: &Graph) -> Result<Vec<JobId>, QueueError> {
        let done: Vec<_> = {
            let inner = self.lock();
            let artifact = |id| Some((id, inner.board.entry(id).ok()?.artifact()?));
            graph.jobs().iter().filter_map(|(id, _)| artifact(*id)).collect()
        };
        let mut remade = Vec::new();
        for (id, artifact) in done {
            let reason = match self.artifacts.get(&artifact) {
                Ok(_) => continue,
                Err(error @ ArtifactError::Damaged { .. }) => error.to_string(),
                Err(error) => return Err(error.into()),
            };
            let mut inner = self.lock();
            if inner.board.entry(id)?.artifact() == Some(artifact) {
                self.change(&mut inner.board, id, Record::new(), None)?;
                tracing::warn!(job = %id, reason, "result is damaged and will be made again");
                remade.push(id);
            }
        }
        Ok(remade)
    }

    /// Refuses a graph that reads artifacts which are not there.
    fn check_inputs(&self, graph: &Graph) -> Result<(), QueueError> {
        let mut seen = HashSet::new();
        for (_, job) in graph.jobs() {
            for input in &job.inputs {
                let Input::Artifact(artifact) = *input else { continue };
                if !seen.insert(artifact.hash) {
                    continue;
                }
                match self.artifacts.get(&artifact) {
                    Ok(_) => {}
                    Err(ArtifactError::Damaged { .. }) => {
                        return Err(QueueError::MissingArtifact { label: job.label.clone(), artifact });
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }
}

impl Queue for EmbeddedQueue {
    fn submit(&self, graph: &Graph) -> Result<Submitted, QueueError> {
        self.check_inputs(graph)?;
        {
            let mut inner = self.lock();
            let board = &mut inner.board;
            let number = match board.graph(graph.root()) {
                Ok(known) => known.number,
                Err(_) => board.graphs().last().map_or(0, |(_, last)| last.number + 1),
            };
            let record = GraphRecord {
                label: graph.label().to_owned(),
                deadline_ms: graph.deadline_ms(),
                number,
                jobs: graph.jobs().iter().map(|(id, _)| *id).collect(),
            };
            let new_jobs: Vec<(JobId, &JobSpec, Record)> = graph
                .jobs()
                .iter()
                .filter(|(id, _)| !board.contains(*id))
                .map(|(id, spec)| (*id, spec, Record::new()))
                .collect();
            self.records.add_graph(graph.root(), &record, &new_jobs)?;
            for (id, spec, record) in new_jobs {
                board.insert(id, spec.clone(), record);
            }
            board.add_graph(graph.root(), record)?;
        }
        let remade = self.remake_damaged(graph)?;
        self.records.sync()?;
        let progress = self.progress(graph.root())?;
        Ok(Submitted { jobs: progress.total, done: progress.done, remade })
    }

    fn claim(&self, capability: &Capability) -> Result<Option<Lease>, QueueError> {
        'next: loop {
            let Some((mut lease, artifacts)) = self.lease(capability)? else { return Ok(None) };
            for (index, artifact) in artifacts.into_iter().enumerate() {
                match self.artifacts.get(&artifact) {
                    Ok(bytes) => lease.inputs.push(bytes),
                    Err(error @ ArtifactError::Damaged { .. }) => {
                        self.mend(&lease, index, artifact, &error.to_string())?;
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
        let mut inner = self.lock();
        let holds = inner.board.entry(lease.id)?.fence() == Some(lease.fence);
        if holds {
            inner.board.extend(lease.id, Instant::now() + self.policy.lease);
        }
        Ok(holds)
    }

    fn complete(&self, lease: &Lease, output: &[u8], seconds: f64) -> Result<Completion, QueueError> {
        if self.lock().board.entry(lease.id)?.artifact().is_some() {
            return Ok(Completion::AlreadyDone);
        }
        let checked = caught(|| self.check.check(&lease.job, &lease.inputs, output));
        if let Err(reason) = checked.unwrap_or_else(|panic| Err(format!("the check panicked: {panic}"))) {
            let failure = Failure { cause: Cause::Refused, reason: reason.clone() };
            let verdict = self.fail(lease, failure)?;
            return Ok(Completion::Refused { reason, verdict });
        }
        let artifact = self.artifacts.put(output)?;
        let late = {
            let mut inner = self.lock();
            let entry = inner.board.entry(lease.id)?;
            if entry.artifact().is_some() {
                return Ok(Completion::AlreadyDone);
            }
            let late = entry.fence() != Some(lease.fence);
            let was_set_aside = entry.record.state == State::SetAside;
            let mut record = entry.record.clone();
            record.state = State::Done { artifact, seconds };
            self.change(&mut inner.board, lease.id, record, None)?;
            if was_set_aside {
                self.bundles.remove(lease.id)?;
            }
            late
        };
        self.records.sync()?;
        Ok(Completion::Accepted { artifact, late })
    }

    fn fail(&self, lease: &Lease, failure: Failure) -> Result<Verdict, QueueError> {
        let mut inner = self.lock();
        if inner.board.entry(lease.id)?.fence() != Some(lease.fence) {
            return Ok(Verdict::Stale);
        }
        self.fail_attempt(&mut inner.board, lease.id, failure)
    }

    fn release(&self, lease: &Lease) -> Result<(), QueueError> {
        let mut inner = self.lock();
        if inner.board.entry(lease.id)?.fence() == Some(lease.fence) {
            self.unclaim(&mut inner.board, lease.id)?;
        }
        Ok(())
    }

    fn leave(&self, worker: &str) -> Result<(), QueueError> {
        let mut inner = self.lock();
        let held = |entry: &Entry| matches!(&entry.record.state, State::Leased { worker: by, .. } if by == worker);
        for id in inner.board.leased(held) {
            self.unclaim(&mut inner.board, id)?;
        }
        Ok(())
    }

    fn retry(&self, job: JobId) -> Result<(), QueueError> {
        let mut inner = self.lock();
        let entry = inner.board.entry(job)?;
        if entry.record.state != State::SetAside {
            let state = state(job, entry, &self.bundles).name();
            return Err(QueueError::NotSetAside { label: entry.spec.label.clone(), state });
        }
        self.change(&mut inner.board, job, Record::new(), None)?;
        self.records.sync()?;
        self.bundles.remove(job)
    }

    fn result(&self, job: JobId) -> Result<Option<Vec<u8>>, QueueError> {
        let Some(artifact) = self.lock().board.entry(job)?.artifact() else { return Ok(None) };
        match self.artifacts.get(&artifact) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error @ ArtifactError::Damaged { .. }) => {
                self.remake(&mut self.lock().board, job, artifact, &error.to_string())?;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn progress(&self, root: JobId) -> Result<Progress, QueueError> {
        self.lock().board.progress(root)
    }

    fn status(&self) -> Result<Status, QueueError> {
        status(&self.lock().board, &self.bundles)
    }

    fn artifacts(&self) -> &dyn Artifacts {
        &self.artifacts
    }

    fn policy(&self) -> Policy {
        self.policy
    }
}

fn records_path(folder: &Path) -> PathBuf {
    folder.join("records")
}

fn bundles(folder: &Path) -> Bundles {
    Bundles::new(folder.join("set-aside"))
}
