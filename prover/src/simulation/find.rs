//! The smallest fleet that holds a rate.

use serde::Serialize;
use thiserror::Error;

use super::scenario::{Scenario, MACHINES_MAX};
use super::{simulate, Outcome, SimulationError};

/// The first number of machines tried is what the work takes at least; then so many times more, until it is enough.
const GROWTH: f64 = 1.2;
/// Of machines that the work takes at least, or of what one batch could use at once, so many times are tried and no
/// more: then it is not machines that lack.
const MACHINES_TRIED: u64 = 8;
/// So many times the lanes that the load takes at least are tried.
const LANES_TRIED: u32 = 4;
/// One more coordinator has to make the fleet smaller by this part.
const WORTH_A_LANE: f64 = 0.01;

/// A fleet that is enough.
#[derive(Clone, Debug)]
pub struct Found {
    /// The scenario with that fleet.
    pub scenario: Scenario,
    /// Its outcome.
    pub outcome: Outcome,
    /// What one coordinator alone would have to do: the part of its time that its server is busy.
    pub one_server: f64,
    /// And the part of its cores that check results.
    pub one_checker: f64,
    /// All fleets that were tried.
    pub tried: Vec<Tried>,
}

/// A fleet that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Tried {
    /// Its machines.
    pub machines: u32,
    /// Its coordinators.
    pub lanes: u32,
    /// The latency that 95 of 100 batches had at most.
    pub p95_seconds: f64,
    /// See [`Outcome::falls_behind`].
    pub falls_behind: Option<f64>,
    /// Whether it is enough.
    pub enough: bool,
}

/// Why no fleet was found.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum FindError {
    /// The simulation fails.
    #[error(transparent)]
    Simulation(#[from] SimulationError),
    /// Batches do not come one after another.
    #[error("it takes three batches or more that come one after another, and a deadline")]
    NoRate,
    /// A batch that has all machines for itself is too late.
    #[error(
        "one batch with machines enough takes {alone_seconds:.1} s, more than the {deadline_seconds:.1} s allowed"
    )]
    TooSlow {
        /// How long it takes.
        alone_seconds: f64,
        /// How long it may take.
        deadline_seconds: f64,
    },
    /// Whatever was tried is not enough.
    #[error("not even {machines} machines with {lanes} coordinators are enough: do machines fail too often?")]
    NotEnough {
        /// The most machines tried.
        machines: u32,
        /// The most coordinators tried.
        lanes: u32,
    },
}

/// Finds the smallest fleet with which the scenario's batches keep coming and 95 of 100 meet their deadline: the
/// fewest cores of machines and coordinators together. The numbers of machines and lanes that the scenario has are not
/// looked at. `progress` is told what is tried.
///
/// First with as few coordinators as the load allows, then with one more each time, as long as that saves machines
/// enough: a coordinator that is nearly busy makes phases in which it works and machines wait, and others in which it
/// is the other way round. For each number of coordinators machines are found by bisection, so one machine less was
/// tried and not enough; a still smaller number that was not tried may by chance be enough again.
///
/// # Errors
/// [`FindError`].
pub fn find_fleet(scenario: &Scenario, progress: &mut dyn FnMut(&Tried)) -> Result<Found, FindError> {
    let deadline_seconds = match (scenario.load.deadline_seconds, scenario.load.rate()) {
        (Some(seconds), Some(_)) if scenario.load.batches >= 3 => seconds,
        _ => return Err(FindError::NoRate),
    };
    check_one_batch(scenario, deadline_seconds)?;
    let interval = scenario.load.interval_seconds;
    let one_server = scenario.jobs_per_batch() as f64 * scenario.coordinator.service_seconds / interval;
    let one_checker = scenario.check_seconds_per_batch() / f64::from(scenario.coordinator.cores) / interval;
    let mut search = Search { scenario: scenario.clone(), deadline_seconds, progress, tried: Vec::new() };
    let lanes_least = one_server.max(one_checker).floor() as u32 + 1;
    let lanes_most = (lanes_least * LANES_TRIED).min(scenario.load.batches);
    let mut best: Option<(Scenario, Outcome)> = None;
    for lanes in lanes_least..=lanes_most {
        // No more machines than leave the fleet smaller than the best by enough.
        let machines_most = match &best {
            Some((best, _)) => {
                let cores = (cores(best) as f64 * (1.0 - WORTH_A_LANE)) as u64;
                (cores.saturating_sub(coordinator_cores(scenario, lanes)) / u64::from(best.fleet.cores)) as u32
            }
            None => machines_most(scenario),
        };
        match search.machines(lanes, machines_most)? {
            Some(better) => best = Some(better),
            None if best.is_some() => break,
            None => {}
        }
    }
    match best {
        Some((scenario, outcome)) => Ok(Found { scenario, outcome, one_server, one_checker, tried: search.tried }),
        None => Err(FindError::NotEnough { machines: machines_most(scenario), lanes: lanes_most }),
    }
}

/// Cores of a whole fleet, coordinators included.
fn cores(scenario: &Scenario) -> u64 {
    let Scenario { fleet, coordinator, .. } = scenario;
    u64::from(fleet.machines) * u64::from(fleet.cores) + coordinator_cores(scenario, coordinator.lanes)
}

fn coordinator_cores(scenario: &Scenario, lanes: u32) -> u64 {
    u64::from(lanes) * u64::from(scenario.coordinator.cores)
}

/// A batch alone, with a machine for each chunk that never fails.
fn check_one_batch(scenario: &Scenario, deadline_seconds: f64) -> Result<(), FindError> {
    let mut alone = scenario.clone();
    alone.load.batches = 1;
    alone.coordinator.lanes = 1;
    alone.fleet.machines = alone.chunks().min(MACHINES_MAX.into()) as u32;
    alone.fleet.failures = None;
    alone.fleet.stragglers = 0.0;
    match simulate(&alone)?.latency.max_seconds {
        alone_seconds if alone_seconds > deadline_seconds => {
            Err(FindError::TooSlow { alone_seconds, deadline_seconds })
        }
        _ => Ok(()),
    }
}

/// Machines that are busy all the time with the work that comes.
fn machines_least(scenario: &Scenario) -> u32 {
    let fleet = &scenario.fleet;
    let speed = 1.0 - fleet.stragglers + fleet.stragglers / fleet.slowdown;
    let up = fleet
        .failures
        .map_or(1.0, |failures| failures.mean_up_seconds / (failures.mean_up_seconds + failures.restart_seconds));
    let cores = scenario.cpu_seconds_per_batch() / scenario.load.interval_seconds / (speed * up);
    (cores / f64::from(fleet.cores)).ceil().clamp(1.0, MACHINES_MAX.into()) as u32
}

fn machines_most(scenario: &Scenario) -> u32 {
    let most = MACHINES_TRIED * u64::from(machines_least(scenario)).max(scenario.chunks());
    most.min(MACHINES_MAX.into()) as u32
}

struct Search<'a> {
    scenario: Scenario,
    deadline_seconds: f64,
    progress: &'a mut dyn FnMut(&Tried),
    tried: Vec<Tried>,
}

impl Search<'_> {
    /// The fewest machines that are enough with so many lanes, if so many at most are.
    fn machines(&mut self, lanes: u32, most: u32) -> Result<Option<(Scenario, Outcome)>, FindError> {
        let least = machines_least(&self.scenario).max(lanes);
        if most < least {
            return Ok(None);
        }
        let mut too_few = least - 1;
        let mut machines = least;
        let mut enough = loop {
            if let Some(outcome) = self.attempt(machines, lanes)? {
                break (self.scenario.clone(), outcome);
            }
            if machines == most {
                return Ok(None);
            }
            too_few = machines;
            machines = ((f64::from(machines) * GROWTH).ceil() as u32).min(most);
        };
        while enough.0.fleet.machines - too_few > 1 {
            let middle = too_few + (enough.0.fleet.machines - too_few) / 2;
            match self.attempt(middle, lanes)? {
                Some(outcome) => enough = (self.scenario.clone(), outcome),
                None => too_few = middle,
            }
        }
        Ok(Some(enough))
    }

    /// The outcome with so many machines and lanes, if they are enough.
    fn attempt(&mut self, machines: u32, lanes: u32) -> Result<Option<Outcome>, FindError> {
        self.scenario.fleet.machines = machines;
        self.scenario.coordinator.lanes = lanes;
        let outcome = simulate(&self.scenario)?;
        let p95_seconds = outcome.latency.p95_seconds;
        let enough = outcome.keeps_up && p95_seconds <= self.deadline_seconds;
        let tried = Tried { machines, lanes, p95_seconds, falls_behind: outcome.falls_behind, enough };
        (self.progress)(&tried);
        self.tried.push(tried);
        Ok(enough.then_some(outcome))
    }
}
