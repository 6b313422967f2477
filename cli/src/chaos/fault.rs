//! What can be done to a fleet, in which order, and what it may cost.

use std::time::Duration;

use clap::ValueEnum;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use serde::Serialize;

/// Results of one worker that are refused before it gets no more jobs.
const LIES: u64 = 3;

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Fault {
    /// A worker is killed, and started again under its name or another
    Kill,
    /// A worker is frozen past its lease, and continued; other faults go on meanwhile
    Freeze,
    /// A worker runs out of memory in its first job
    Memory,
    /// The coordinator is killed, and started again
    Coordinator,
    /// NATS is killed, and started again with its storage
    Nats,
    /// All connections to NATS are cut, and nothing gets through for up to four seconds
    Cut,
    /// A result that is still to be read is removed from the store
    Lose,
    /// Other bytes are put in the place of a result that is still to be read
    Damage,
    /// A worker hands in wrong results
    Lie,
}

/// How large the fleet is.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Size {
    /// Its workers.
    pub workers: usize,
    /// Jobs that each does at once.
    pub jobs: usize,
    /// Seconds of a lease.
    pub lease_s: u64,
}

impl Size {
    /// The time of a lease.
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_s)
    }
}

impl Fault {
    /// Every kind.
    pub fn all() -> &'static [Self] {
        Self::value_variants()
    }

    /// Its name in options and reports.
    pub fn name(self) -> String {
        self.to_possible_value().expect("none is hidden").get_name().to_owned()
    }

    /// What is done, in words.
    pub fn words(self) -> String {
        self.to_possible_value().and_then(|value| Some(value.get_help()?.to_string())).unwrap_or_default()
    }

    /// Attempts that may be lost with a worker or a lease. A worker has as many threads as jobs at once, and each of
    /// them has one job or waits for one. An outage may swallow one answer for each worker, since one thread of a
    /// worker asks at a time: a job that was given away and never arrived.
    pub fn lost_attempts(self, size: Size) -> u64 {
        match self {
            Self::Kill | Self::Freeze => size.jobs as u64,
            Self::Memory => 1,
            Self::Coordinator | Self::Nats | Self::Cut => size.workers as u64,
            Self::Lose | Self::Damage | Self::Lie => 0,
        }
    }

    /// Finished jobs that may have to be done again.
    pub fn remade_jobs(self) -> u64 {
        u64::from(matches!(self, Self::Lose | Self::Damage))
    }

    /// Results that may be refused.
    pub fn refused_results(self) -> u64 {
        if self == Self::Lie {
            LIES
        } else {
            0
        }
    }
}

/// Faults in the order in which they are done: each kind once, then at random.
pub struct Schedule {
    kinds: Vec<Fault>,
    first_round: Vec<Fault>,
}

impl Schedule {
    /// Of these kinds, of all when there are none.
    pub fn new(kinds: &[Fault], random: &mut StdRng) -> Self {
        let mut kinds = if kinds.is_empty() { Fault::all().to_vec() } else { kinds.to_vec() };
        kinds.sort_unstable();
        kinds.dedup();
        let mut first_round = kinds.clone();
        first_round.shuffle(random);
        Self { kinds, first_round }
    }

    /// Whether every kind had its turn.
    pub fn is_round_done(&self) -> bool {
        self.first_round.is_empty()
    }

    /// The next one.
    pub fn next(&mut self, random: &mut StdRng) -> Fault {
        self.first_round.pop().unwrap_or_else(|| *self.kinds.choose(random).expect("there is at least one kind"))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    #[test]
    fn every_kind_has_its_turn_before_any_has_a_second_one() {
        let order = |seed| {
            let mut random = StdRng::seed_from_u64(seed);
            let mut schedule = Schedule::new(&[], &mut random);
            let mut faults = Vec::new();
            while !schedule.is_round_done() {
                faults.push(schedule.next(&mut random));
            }
            faults
        };
        let mut first = order(1);
        assert_eq!(first, order(1), "a seed gives one order");
        assert_ne!(first, order(2));
        first.sort_unstable();
        assert_eq!(first, Fault::all());
        let mut random = StdRng::seed_from_u64(1);
        let mut only = Schedule::new(&[Fault::Cut, Fault::Cut], &mut random);
        assert_eq!([(); 3].map(|()| only.next(&mut random)), [Fault::Cut; 3]);
    }
}
