//! What is simulated: the fleet, the load on it, and what goes wrong.

use thiserror::Error;

use super::batch;
use super::times::Times;
use crate::job::JobKind;

/// The most machines of a scenario: more than any fleet.
pub const MACHINES_MAX: u32 = 1_000_000;
/// The most batches of a scenario.
pub const BATCHES_MAX: u32 = 1_000_000;
/// The most jobs of a scenario: some minutes of simulating.
pub const JOBS_MAX: u64 = 50_000_000;

/// Everything that decides an outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// How long jobs take.
    pub times: Times,
    /// How far batches are proven.
    pub until: Until,
    /// The machines.
    pub fleet: Fleet,
    /// The coordinator.
    pub coordinator: Coordinator,
    /// The batches.
    pub load: Load,
    /// Decides job times, crashes, and which machines are slow.
    pub seed: u64,
}

/// How far a batch is proven.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Until {
    /// To the last join.
    #[default]
    Join,
    /// To what L1 verifies: shrink and wrap come after the last join.
    Wrap,
}

impl Until {
    /// The kinds of jobs of a batch.
    pub fn kinds(self) -> &'static [JobKind] {
        const KINDS: [JobKind; 5] = [JobKind::Chunk, JobKind::Lift, JobKind::Join, JobKind::Shrink, JobKind::Wrap];
        match self {
            Self::Join => &KINDS[..3],
            Self::Wrap => &KINDS,
        }
    }
}

/// Machines that are alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Fleet {
    /// How many.
    pub machines: u32,
    /// Cores of each.
    pub cores: u32,
    /// Memory for jobs on each, in bytes.
    pub memory_bytes: u64,
    /// Jobs at once on each.
    pub jobs_at_once: u32,
    /// The part of the machines that is slow, by chance.
    pub stragglers: f64,
    /// How many times longer everything takes on those.
    pub slowdown: f64,
    /// How machines fail; never without it.
    pub failures: Option<Failures>,
}

/// How machines fail: at any time with the same chance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Failures {
    /// The mean time that a machine is up, in seconds.
    pub mean_up_seconds: f64,
    /// How long it is down, in seconds.
    pub restart_seconds: f64,
}

/// Who gives out jobs and takes results.
#[derive(Clone, Debug, PartialEq)]
pub struct Coordinator {
    /// How many there are. Each has its own part of the machines and of the batches.
    pub lanes: u32,
    /// How long the server is busy with a job, claim and completion together, in seconds.
    pub service_seconds: f64,
    /// What a claim takes on its way to the machine, and a completion on its way back, in seconds each.
    pub overhead_seconds: f64,
    /// Cores for checking results.
    pub cores: u32,
    /// How long after a crash a job goes back, in seconds.
    pub lease_seconds: f64,
}

/// The batches.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// Transactions of each.
    pub batch_transactions: u64,
    /// How many.
    pub batches: u32,
    /// Seconds from one to the next; 0 when all are there at the beginning.
    pub interval_seconds: f64,
    /// How long after a batch came its result is wanted, in seconds. Without it all batches are equal.
    pub deadline_seconds: Option<f64>,
}

impl Load {
    /// Transactions that come in a second; none when all are there at the beginning.
    pub fn rate(&self) -> Option<f64> {
        (self.interval_seconds > 0.0).then(|| self.batch_transactions as f64 / self.interval_seconds)
    }
}

/// A scenario that makes no sense.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ScenarioError {
    /// The times make no sense.
    #[error("job times: {0}")]
    Times(String),
    /// A number is out of range.
    #[error("{what} is {got}, expected {expected}")]
    Range {
        /// Which number.
        what: &'static str,
        /// What it is.
        got: f64,
        /// What it may be.
        expected: String,
    },
    /// There are no times of a kind of job that batches need.
    #[error("there are no times of {0} jobs")]
    NoTimes(JobKind),
    /// A job does not fit a machine.
    #[error("a {kind} job takes {needs_bytes} bytes of memory, and jobs may use {has_bytes} on a machine")]
    TooLarge {
        /// Its kind.
        kind: JobKind,
        /// What it takes.
        needs_bytes: u64,
        /// What there is.
        has_bytes: u64,
    },
    /// It is too much to simulate.
    #[error("{got} jobs are too many to simulate, at most {max}: take larger or fewer batches")]
    TooManyJobs {
        /// How many there would be.
        got: u64,
        /// How many there may be.
        max: u64,
    },
}

impl Scenario {
    /// Chunks of a batch.
    pub fn chunks(&self) -> u64 {
        self.load.batch_transactions.div_ceil(u64::from(self.times.transactions_per_chunk))
    }

    /// Jobs of a batch.
    pub fn jobs_per_batch(&self) -> u64 {
        batch::count(self.chunks(), u64::from(self.times.chunks_per_lift), self.until).iter().sum()
    }

    /// CPU seconds of a batch, on average.
    pub fn cpu_seconds_per_batch(&self) -> f64 {
        self.sum_per_batch(|times| times.mean_cpu_seconds())
    }

    /// Seconds of a core that checking the results of a batch takes.
    pub fn check_seconds_per_batch(&self) -> f64 {
        self.sum_per_batch(|times| times.check_seconds)
    }

    fn sum_per_batch(&self, of: impl Fn(&super::JobTimes) -> f64) -> f64 {
        let counts = batch::count(self.chunks(), u64::from(self.times.chunks_per_lift), self.until);
        let sums = self.until.kinds().iter().zip(counts);
        sums.map(|(kind, count)| self.times.of(*kind).map_or(0.0, &of) * count as f64).sum()
    }

    /// Looks for what makes no sense.
    pub(super) fn check(&self) -> Result<(), ScenarioError> {
        self.times.check().map_err(|error| ScenarioError::Times(error.to_string()))?;
        let Self { fleet, coordinator, load, .. } = self;
        between("the number of machines", fleet.machines.into(), 1.0, MACHINES_MAX.into())?;
        between("the number of cores", fleet.cores.into(), 1.0, 4096.0)?;
        between("the number of jobs at once", fleet.jobs_at_once.into(), 1.0, 4096.0)?;
        between("the part of slow machines", fleet.stragglers, 0.0, 1.0)?;
        between("the slowdown", fleet.slowdown, 1.0, 1e6)?;
        if let Some(failures) = fleet.failures {
            between("the mean time between failures", failures.mean_up_seconds, 1.0, f64::MAX)?;
            between("the time of a restart", failures.restart_seconds, 0.0, SECONDS_MAX)?;
        }
        between("the number of lanes", coordinator.lanes.into(), 1.0, fleet.machines.min(load.batches).into())?;
        between("the coordinator's time for a job", coordinator.service_seconds, 0.0, SECONDS_MAX)?;
        between("the overhead of claims and completions", coordinator.overhead_seconds, 0.0, SECONDS_MAX)?;
        between("the coordinator's number of cores", coordinator.cores.into(), 1.0, 4096.0)?;
        between("the lease", coordinator.lease_seconds, 0.0, SECONDS_MAX)?;
        between("the number of transactions of a batch", load.batch_transactions as f64, 1.0, 1e12)?;
        between("the number of batches", load.batches.into(), 1.0, BATCHES_MAX.into())?;
        between("the time between batches", load.interval_seconds, 0.0, SECONDS_MAX)?;
        let last = load.interval_seconds * f64::from(load.batches);
        between("the time to the last batch", last, 0.0, SECONDS_MAX)?;
        between("the deadline", load.deadline_seconds.unwrap_or(0.0), 0.0, SECONDS_MAX)?;
        self.check_jobs()
    }

    fn check_jobs(&self) -> Result<(), ScenarioError> {
        let has_bytes = self.fleet.memory_bytes;
        for &kind in self.until.kinds() {
            let needs_bytes = self.times.of(kind).ok_or(ScenarioError::NoTimes(kind))?.memory_bytes;
            if needs_bytes > has_bytes {
                return Err(ScenarioError::TooLarge { kind, needs_bytes, has_bytes });
            }
        }
        match self.jobs_per_batch().saturating_mul(self.load.batches.into()) {
            got if got > JOBS_MAX => Err(ScenarioError::TooManyJobs { got, max: JOBS_MAX }),
            _ => Ok(()),
        }
    }
}

/// Ten years: times are kept as floating-point seconds, exact to less than a microsecond up to there.
const SECONDS_MAX: f64 = 10.0 * 365.0 * 86_400.0;

fn between(what: &'static str, got: f64, least: f64, most: f64) -> Result<(), ScenarioError> {
    match got {
        // Also refuses what is not a number.
        _ if (least..=most).contains(&got) => Ok(()),
        _ if most == f64::MAX => Err(ScenarioError::Range { what, got, expected: format!("{least} or more") }),
        _ => Err(ScenarioError::Range { what, got, expected: format!("{least} to {most}") }),
    }
}
