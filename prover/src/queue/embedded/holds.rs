//! What is told of a lease by who holds it: it goes on, it failed, it is given back, here is its result.
//!
//! A hold whose fence is no longer the job's changes nothing, but for a result that verifies, which is welcome late.

use std::time::Instant;

use super::trust::STRIKES;
use super::{EmbeddedQueue, Holders, Inner, State};
use crate::artifact::ArtifactRef;
use crate::digest::JobId;
use crate::job::{Input, JobSpec};
use crate::panic::caught;
use crate::queue::{Cause, Completion, Effort, Failure, Hold, QueueError, Verdict};

/// A job whose result is to be checked.
pub(crate) struct ToCheck {
    pub(crate) job: JobSpec,
    /// What it reads, in order; none while one of these is being made again.
    pub(crate) inputs: Option<Vec<ArtifactRef>>,
}

impl EmbeddedQueue {
    /// The job of a hold and its inputs, as they are now, for a check; none where there is nothing to check for.
    pub(crate) fn to_check(&self, hold: Hold) -> Result<Option<ToCheck>, QueueError> {
        let inner = self.lock();
        let Ok(entry) = inner.board.entry(hold.job) else { return Ok(None) };
        if entry.artifact().is_some() {
            return Ok(None);
        }
        let inputs = inner.board.inputs(hold.job)?.into_iter().collect::<Option<Vec<_>>>();
        drop(inner);
        Ok(Some(ToCheck { job: self.records.spec(hold.job)?, inputs }))
    }

    /// Checks a result, a panic included.
    pub(crate) fn checked(&self, job: &JobSpec, inputs: &[Vec<u8>], output: &[u8]) -> Result<(), String> {
        let checked = caught(|| self.check.check(job, inputs, output));
        checked.unwrap_or_else(|panic| Err(format!("the check panicked: {panic}")))
    }

    /// Makes a stored result that was checked the job's, if it has none.
    pub(crate) fn accept(&self, hold: Hold, artifact: ArtifactRef, effort: Effort) -> Result<Completion, QueueError> {
        let (late, was_set_aside) = {
            let mut inner = self.lock();
            let Ok(entry) = inner.board.entry(hold.job) else { return Ok(Completion::AlreadyDone) };
            if entry.artifact().is_some() {
                return Ok(Completion::AlreadyDone);
            }
            let maker = entry.holder(hold.fence).map(str::to_owned);
            let late = maker.is_none();
            let was_set_aside = entry.record.state == State::SetAside;
            let kind = entry.spec.kind;
            let mut record = entry.record.clone();
            inner.tally.done(kind, &effort, late);
            record.state = State::Done { artifact, effort };
            self.change(&mut inner, hold.job, record, None)?;
            if let Some((transactions, cpu_seconds)) = inner.board.newly_done(hold.job) {
                inner.tally.graph_done(transactions, cpu_seconds);
            }
            let wrong = inner.trust.done(maker.as_deref(), hold.job, Instant::now());
            if let Some(worker) = wrong {
                tracing::warn!(worker, job = %hold.job, "it said that this job cannot be done, or never did it, and another worker did");
            }
            (late, was_set_aside)
        };
        self.records.sync()?;
        if was_set_aside {
            self.bundles.remove(hold.job)?;
        }
        Ok(Completion::Accepted { artifact, late })
    }

    /// A result was refused: it did not verify, or (then it speaks against nobody) it is not there.
    pub(crate) fn refuse(&self, hold: Hold, reason: String, is_wrong: bool) -> Result<Completion, QueueError> {
        let failure = Failure { cause: Cause::Refused, reason: reason.clone() };
        let verdict = {
            let mut inner = self.lock();
            let Some(worker) = inner.board.entry(hold.job)?.holder(hold.fence).map(str::to_owned) else {
                return Ok(Completion::Refused { reason, verdict: Verdict::Stale });
            };
            let strikes = if is_wrong { inner.trust.refused(&worker, Instant::now()) } else { 0 };
            if strikes == STRIKES && self.holders == Holders::Elsewhere {
                tracing::error!(
                    worker,
                    reason,
                    "{STRIKES} results of one worker refused in a row: it gets no more jobs"
                );
            }
            self.fail_attempt(&mut inner, hold.job, failure)?
        };
        self.write_bundles()?;
        Ok(Completion::Refused { reason, verdict })
    }

    pub(crate) fn renew_hold(&self, hold: Hold) -> bool {
        let mut inner = self.lock();
        let Some(worker) = inner.holder(hold) else { return false };
        let now = Instant::now();
        inner.trust.sees(&worker, now);
        inner.board.extend(hold.job, now + self.policy.lease);
        true
    }

    pub(crate) fn fail_hold(&self, hold: Hold, failure: Failure) -> Result<Verdict, QueueError> {
        let verdict = {
            let mut inner = self.lock();
            let Some(worker) = inner.holder(hold) else { return Ok(Verdict::Stale) };
            let blames_the_job = matches!(failure.cause, Cause::Permanent | Cause::Panic);
            let another_tries = self.holders == Holders::Elsewhere
                && blames_the_job
                && inner.trust.declines(&worker, hold.job, Instant::now());
            let is_final = failure.cause.is_permanent() && !another_tries;
            self.end_attempt(&mut inner, hold.job, failure, is_final)?
        };
        self.write_bundles()?;
        Ok(verdict)
    }

    pub(crate) fn release_hold(&self, hold: Hold) -> Result<(), QueueError> {
        let mut inner = self.lock();
        if inner.holder(hold).is_some() {
            self.unclaim(&mut inner, hold.job)?;
        }
        Ok(())
    }

    /// Takes a lease back whose input is damaged: the job that made it has to make it again. An input that
    /// no job makes cannot be mended here, so the reading job is set aside.
    pub(crate) fn mend(&self, hold: Hold, input: Input, damaged: ArtifactRef, reason: &str) -> Result<(), QueueError> {
        {
            let mut inner = self.lock();
            let holds = inner.board.entry(hold.job)?.holder(hold.fence).is_some();
            match input {
                Input::Job(maker) => {
                    if holds {
                        self.unclaim(&mut inner, hold.job)?;
                    }
                    self.remake(&mut inner, maker, damaged, reason)?;
                }
                Input::Artifact(_) if holds => {
                    let failure = Failure { cause: Cause::Input, reason: reason.to_owned() };
                    self.fail_attempt(&mut inner, hold.job, failure)?;
                }
                Input::Artifact(_) => {}
            }
        }
        self.write_bundles()
    }

    /// Sends a done job back, if `damaged` is still its result. This spends no attempt but needs one left,
    /// so that a disk that damages everything does not keep a job going round for ever.
    fn remake(&self, inner: &mut Inner, id: JobId, damaged: ArtifactRef, reason: &str) -> Result<(), QueueError> {
        if inner.board.entry(id)?.artifact() != Some(damaged) {
            return Ok(());
        }
        let failure = Failure { cause: Cause::Damaged, reason: reason.to_owned() };
        self.fail_attempt(inner, id, failure).map(drop)
    }

    /// The name of a job's result, if it is done.
    pub(crate) fn result_of(&self, job: JobId) -> Result<Option<ArtifactRef>, QueueError> {
        Ok(self.lock().board.entry(job)?.artifact())
    }

    /// Sends a job back whose result was found damaged.
    pub(crate) fn remake_result(&self, job: JobId, damaged: ArtifactRef, reason: &str) -> Result<(), QueueError> {
        self.remake(&mut self.lock(), job, damaged, reason)?;
        self.write_bundles()
    }
}
