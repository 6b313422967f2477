//! Which workers are believed, and who is not asked again for what.
//!
//! One bad machine must not spend the attempts of job after job, nor have jobs set aside that are sound. So a worker is
//! suspended after [`STRIKES`] in a row, which are results that were refused and jobs that it said could not be done,
//! or never did, and another worker did. And where there is another worker, such a job goes to that one before it is set
//! aside. All of this is forgotten with the process: it is about now.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::digest::JobId;

/// Fewer than the attempts of a job, so that one bad machine cannot set a job aside.
pub(super) const STRIKES: u32 = 3;
/// A worker that asked for a job or finished one so lately is taken to be there.
const PRESENT: Duration = Duration::from_secs(120);
/// So long a job is kept for other workers; then he who declined it may try again.
const KEPT_FOR_OTHERS: Duration = Duration::from_secs(120);
/// Who declined a job longer ago is forgotten.
const DECLINED: Duration = Duration::from_secs(3600);
/// Workers remembered before those that are gone are forgotten.
const REMEMBERED: usize = 4096;

/// What is thought of the workers.
#[derive(Default)]
pub(super) struct Trust {
    workers: HashMap<String, Known>,
    /// Jobs that one worker said cannot be done, or never did: which, and when.
    declined: HashMap<JobId, (String, Instant)>,
}

#[derive(Clone, Copy)]
struct Known {
    strikes: u32,
    /// The number of its last claim.
    turn: u64,
    seen: Instant,
}

impl Trust {
    fn known(&mut self, worker: &str, now: Instant) -> &mut Known {
        if self.workers.len() >= REMEMBERED {
            self.workers.retain(|_, known| known.strikes > 0 || now.duration_since(known.seen) < PRESENT);
        }
        let known = self.workers.entry(worker.to_owned()).or_insert(Known { strikes: 0, turn: 0, seen: now });
        known.seen = now;
        known
    }

    /// A worker gives a sign of life.
    pub(super) fn sees(&mut self, worker: &str, now: Instant) {
        self.known(worker, now);
    }

    /// A worker asks for a job. False when it has asked later: then nobody waits for this.
    pub(super) fn asks(&mut self, worker: &str, turn: u64, now: Instant) -> bool {
        let known = self.known(worker, now);
        let is_last = turn >= known.turn;
        known.turn = known.turn.max(turn);
        is_last
    }

    /// A worker begins anew, and nothing is held against it.
    pub(super) fn begins(&mut self, worker: &str) {
        self.workers.remove(worker);
    }

    /// A result of it was refused; says how often that was in a row.
    pub(super) fn refused(&mut self, worker: &str, now: Instant) -> u32 {
        let known = self.known(worker, now);
        known.strikes += 1;
        known.strikes
    }

    /// A job is done, by `worker` if that is known; gives who had said that it could not be done.
    pub(super) fn done(&mut self, worker: Option<&str>, job: JobId, now: Instant) -> Option<String> {
        let declined = self.declined.remove(&job);
        let worker = worker?;
        self.known(worker, now).strikes = 0;
        let (other, _) = declined.filter(|(other, _)| other != worker)?;
        if let Some(known) = self.workers.get_mut(&other) {
            known.strikes += 1;
        }
        Some(other)
    }

    /// It says that a job cannot be done, or never does it. True when another worker is to try first.
    pub(super) fn declines(&mut self, worker: &str, job: JobId, now: Instant) -> bool {
        self.declined.retain(|_, (_, when)| now.duration_since(*when) < DECLINED);
        let before = self.declined.remove(&job);
        let is_another = |(name, known): (&String, &Known)| name != worker && now.duration_since(known.seen) < PRESENT;
        // What two say counts; what one says twice does not.
        if before.is_some_and(|(other, _)| other != worker) || !self.workers.iter().any(is_another) {
            return false;
        }
        self.declined.insert(job, (worker.to_owned(), now));
        true
    }

    /// Whether a worker is to be given a job.
    pub(super) fn may_have(&self, worker: &str, job: JobId, now: Instant) -> bool {
        let declined = self.declined.get(&job);
        declined.is_none_or(|(by, when)| by != worker || now.duration_since(*when) >= KEPT_FOR_OTHERS)
    }

    /// Whether it gets nothing any more.
    pub(super) fn is_suspended(&self, worker: &str) -> bool {
        self.workers.get(worker).is_some_and(|known| known.strikes >= STRIKES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: JobId = JobId([1; 32]);
    const B: JobId = JobId([2; 32]);

    #[test]
    fn strikes_count_in_a_row() {
        let (mut trust, now) = (Trust::default(), Instant::now());
        trust.refused("w", now);
        trust.refused("w", now);
        trust.done(Some("w"), A, now);
        for _ in 0..STRIKES {
            assert!(!trust.is_suspended("w"));
            trust.refused("w", now);
        }
        assert!(trust.is_suspended("w"));
        trust.begins("w");
        assert!(!trust.is_suspended("w"));
    }

    #[test]
    fn what_one_declines_another_tries() {
        let (mut trust, now) = (Trust::default(), Instant::now());
        trust.asks("sick", 0, now);
        assert!(!trust.declines("sick", A, now), "nobody else is there");
        trust.asks("well", 0, now);
        assert!(trust.declines("sick", A, now));
        assert!(!trust.may_have("sick", A, now) && trust.may_have("well", A, now) && trust.may_have("sick", B, now));
        assert!(trust.may_have("sick", A, now + KEPT_FOR_OTHERS), "before it waits for ever");
        assert!(!trust.declines("well", A, now), "two say so");
        for job in 0..STRIKES {
            let job = JobId([job as u8; 32]);
            assert!(trust.declines("sick", job, now));
            assert!(trust.declines("sick", job, now + KEPT_FOR_OTHERS - Duration::from_secs(1)), "it says so twice");
            assert_eq!(trust.done(Some("well"), job, now), Some("sick".to_owned()));
        }
        assert!(trust.is_suspended("sick") && !trust.is_suspended("well"));
        assert!(!trust.declines("well", A, now + 2 * PRESENT), "the other is gone");
        trust.sees("sick", now + 2 * PRESENT);
        assert!(trust.declines("well", A, now + 2 * PRESENT), "and back");
        assert_eq!(trust.done(None, A, now), None);
        assert!(trust.may_have("well", A, now), "done is done");
    }

    #[test]
    fn claims_that_come_late_are_known() {
        let (mut trust, now) = (Trust::default(), Instant::now());
        assert!(trust.asks("w", 1, now) && trust.asks("w", 3, now) && trust.asks("w", 3, now));
        assert!(!trust.asks("w", 2, now));
        trust.begins("w");
        assert!(trust.asks("w", 1, now));
    }

    #[test]
    fn memory_has_a_bound() {
        let (mut trust, now) = (Trust::default(), Instant::now());
        for worker in 0..3 * REMEMBERED {
            trust.asks(&worker.to_string(), 0, now + Duration::from_secs(worker as u64));
        }
        assert!(trust.workers.len() <= REMEMBERED);
    }
}
