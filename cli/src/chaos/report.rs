//! What was done, what it cost, and whether that is what it may cost.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use sheaf_prover::queue::Cause;

use super::fault::{Fault, Size};
use super::harm::{Event, Inflicted};
use super::load::Tally;
use crate::numbers::{Count, Counted, Took};

/// Something counted that must not be more than something else.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// What was counted.
    what: &'static str,
    /// How many there were.
    seen: u64,
    /// How many there may be.
    at_most: u64,
    holds: bool,
}

impl Check {
    fn new(what: &'static str, seen: u64, at_most: u64) -> Self {
        Self { what, seen, at_most, holds: seen <= at_most }
    }
}

/// What is known when all is over.
#[derive(Clone)]
pub struct Outcome {
    /// Of the random choices.
    pub seed: u64,
    /// The fleet's.
    pub size: Size,
    /// From the first batch to the last.
    pub took: Duration,
    /// What was done.
    pub inflicted: Inflicted,
    /// What became of the batches.
    pub tally: Tally,
    /// Failed attempts that the coordinator's log tells of.
    pub told: u64,
    /// Batches that the queue has when all are settled; none when it did not say.
    pub left: Option<u64>,
    /// What went wrong besides.
    pub troubles: Vec<String>,
    /// Where the logs are, if they are kept.
    pub logs: Option<PathBuf>,
}

/// The summary.
#[derive(Serialize)]
pub struct Report {
    seed: u64,
    #[serde(flatten)]
    size: Size,
    seconds: f64,
    batches: u64,
    jobs: u64,
    faults: BTreeMap<Fault, u64>,
    attempts_lost: BTreeMap<&'static str, u64>,
    checks: Vec<Check>,
    troubles: Vec<String>,
    logs: Option<PathBuf>,
    events: Vec<Event>,
}

impl Report {
    /// Sums up.
    pub fn new(outcome: Outcome) -> Self {
        let Outcome { seed, size, took, inflicted, tally, told, left, troubles, logs } = outcome;
        let faults = inflicted.counts();
        let all = |cost: &dyn Fn(Fault) -> u64| faults.iter().map(|(fault, count)| count * cost(*fault)).sum::<u64>();
        let failed = |causes: &[Cause]| -> u64 {
            causes.iter().map(|cause| tally.failed.get(cause.name()).copied().unwrap_or(0)).sum()
        };
        let explained = [Cause::Crash, Cause::Expired, Cause::Refused, Cause::Damaged];
        let other: Vec<Cause> = Cause::ALL.into_iter().filter(|cause| !explained.contains(cause)).collect();
        let in_all = failed(&Cause::ALL);
        let mut checks = vec![
            Check::new("batches not done, or with a wrong result", tally.begun - tally.right, 0),
            Check::new(
                "attempts lost with a worker, a lease or an answer",
                failed(&[Cause::Crash, Cause::Expired]),
                all(&|fault| fault.lost_attempts(size)),
            ),
            Check::new(
                "finished jobs that were done again",
                failed(&[Cause::Damaged]),
                all(&|fault| fault.remade_jobs()),
            ),
            Check::new("results refused", failed(&[Cause::Refused]), all(&|fault| fault.refused_results())),
            Check::new("attempts that failed for other reasons", failed(&other), 0),
            Check::new("attempts that nothing explains", tally.unexplained, 0),
            // A coordinator may be killed between a record and its line.
            Check::new(
                "lost attempts that the log does not tell of",
                in_all.saturating_sub(told),
                faults.get(&Fault::Coordinator).copied().unwrap_or(0),
            ),
            Check::new("other troubles", troubles.len() as u64, 0),
        ];
        checks.extend(left.map(|left| Check::new("batches left when all are settled", left, 0)));
        Self {
            seed,
            size,
            seconds: took.as_secs_f64(),
            batches: tally.right,
            jobs: tally.jobs,
            faults,
            attempts_lost: tally.failed,
            checks,
            troubles,
            logs,
            events: inflicted.events,
        }
    }

    /// Whether every check holds.
    pub fn holds(&self) -> bool {
        self.checks.iter().all(|check| check.holds)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Size { workers, jobs, lease_s } = self.size;
        let (batches, done) = (Count(self.batches), Count(self.jobs));
        let workers = Counted(workers as u64, "worker");
        writeln!(f, "{} of chaos with seed {}", Took(Duration::from_secs_f64(self.seconds)), self.seed)?;
        writeln!(f, "  fleet          {workers}, {jobs} jobs at once each, leases of {lease_s} s")?;
        writeln!(f, "  done           {done} jobs of {batches} batches")?;
        let lost: Vec<String> = self.attempts_lost.iter().map(|(cause, count)| format!("{count} {cause}")).collect();
        writeln!(f, "  attempts lost  {}", if lost.is_empty() { "none".to_owned() } else { lost.join(", ") })?;
        writeln!(f, "faults")?;
        for (fault, count) in self.faults.iter().filter(|(_, count)| **count > 0) {
            writeln!(f, "  {:<11} {count:>4}  {}", fault.name(), fault.words())?;
        }
        writeln!(f, "checks                                                 seen  at most")?;
        for Check { what, seen, at_most, holds } in &self.checks {
            writeln!(f, "  {what:<50} {seen:>6} {at_most:>8}  {}", if *holds { "holds" } else { "DOES NOT HOLD" })?;
        }
        for trouble in &self.troubles {
            writeln!(f, "trouble: {trouble}")?;
        }
        match &self.logs {
            Some(logs) => writeln!(f, "logs are in {}", logs.display()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(faults: &[Fault], failed: &[(Cause, u64)]) -> Outcome {
        let event = |fault: &Fault| Event { seconds: 0.0, fault: *fault, what: String::new() };
        let failed: BTreeMap<_, _> = failed.iter().map(|(cause, count)| (cause.name(), *count)).collect();
        Outcome {
            seed: 0,
            size: Size { workers: 3, jobs: 2, lease_s: 12 },
            took: Duration::ZERO,
            inflicted: Inflicted { events: faults.iter().map(event).collect() },
            told: failed.values().sum(),
            tally: Tally { begun: 5, right: 5, jobs: 50, failed, unexplained: 0 },
            left: Some(0),
            troubles: vec![],
            logs: None,
        }
    }

    fn fails(outcome: Outcome) -> Vec<&'static str> {
        let report = Report::new(outcome);
        let failing = report.checks.iter().filter(|check| !check.holds).map(|check| check.what).collect::<Vec<_>>();
        assert_eq!(report.holds(), failing.is_empty());
        failing
    }

    #[test]
    fn what_the_faults_explain_holds_and_nothing_more() {
        use Fault::*;
        let lost = "attempts lost with a worker, a lease or an answer";
        assert!(fails(outcome(&[], &[])).is_empty());
        let faults = [Kill, Freeze, Memory, Cut, Lose, Damage, Lie];
        let most = [(Cause::Crash, 4), (Cause::Expired, 4), (Cause::Damaged, 2), (Cause::Refused, 3)];
        assert!(fails(outcome(&faults, &most)).is_empty());
        for (index, what) in [(0, lost), (1, lost), (2, "finished jobs that were done again"), (3, "results refused")] {
            let mut more = most;
            more[index].1 += 1;
            assert_eq!(fails(outcome(&faults, &more)), [what]);
        }
        assert_eq!(fails(outcome(&faults, &[(Cause::Panic, 1)])), ["attempts that failed for other reasons"]);
    }

    #[test]
    fn whatever_else_went_wrong_shows() {
        let with = |change: fn(&mut Outcome)| {
            let mut outcome = outcome(&[Fault::Coordinator], &[(Cause::Expired, 2)]);
            change(&mut outcome);
            fails(outcome)
        };
        assert!(with(|_| {}).is_empty());
        assert_eq!(with(|outcome| outcome.tally.right -= 1), ["batches not done, or with a wrong result"]);
        assert_eq!(with(|outcome| outcome.tally.unexplained += 1), ["attempts that nothing explains"]);
        assert!(with(|outcome| outcome.told -= 1).is_empty(), "the coordinator was killed once");
        assert_eq!(with(|outcome| outcome.told -= 2), ["lost attempts that the log does not tell of"]);
        assert_eq!(with(|outcome| outcome.troubles.push("a worker ended".into())), ["other troubles"]);
        assert_eq!(with(|outcome| outcome.left = Some(1)), ["batches left when all are settled"]);
    }
}
