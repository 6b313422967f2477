//! A fleet of provers, simulated: measured job times replayed over machines that fail, by the queue's rules.
//!
//! ```text
//!   Times ─────┐                           ┌──────────── a lane, one of several alike ────────────┐
//!   Fleet ─────┤                           │  batches ─▶ Board ─claim─▶ coordinator ─▶ Machine    │
//!   Load ──────┼─▶ Scenario ──simulate()──▶│  arrive      ▲  ▲         (one server,    │ │ crash  │─▶ Outcome
//!   Failures ──┤        ▲                  │              │  └─ lease over ────────────│─┘        │
//!   Coordinator┘        └─ find_fleet()    │              └─ done ◀── server ◀── checks ◀         │
//!                                          └──────────────────────────────────────────────────────┘
//! ```
//!
//! It is a discrete-event simulation: no threads, no clock, and the same [`Scenario`] gives the same [`Outcome`]. Job
//! times are drawn from what was measured, by a seed; a batch's times are the same whatever the fleet.
//!
//! What it takes for true, and where it differs from what runs:
//!
//! - **Cores.** A job is a serial part that uses one core, then a part that spreads over all cores which other jobs of
//!   the machine leave, fairly (`machine`). Alone it so takes the time that Amdahl's law says; several at once fill
//!   each other's gaps, as threads of one pool do. Its CPU seconds are those measured, on however many cores: memory
//!   bandwidth that many cores share is *not* modelled.
//! - **Claiming.** A machine with a free place asks for one job at a time, and machines are served in the order in
//!   which they asked. What a machine gets is decided by the queue's rule (`board`): earliest deadline; of graphs with
//!   equal deadlines that with the fewest jobs in hand, then the one submitted first; in a graph the lowest priority
//!   number, then the order of the graph. Jobs that do not fit the machine's memory are passed over.
//! - **The coordinator** is one server that does one thing at a time: half of its time for a job when it is claimed,
//!   half when it is completed. Completions go before claims. A result is checked before that, on cores for checks,
//!   and its place on the machine is free as soon as it is handed in. Questions for which there is no job cost nothing
//!   here.
//! - **A crash** loses the jobs that the machine runs. They go back when their leases are over, counted from the
//!   crash: in truth up to a third of a lease earlier, since the last renewal was before it. A result on its way is
//!   not lost. A job is never set aside, and one that lost two workers is not run alone.
//! - **Batches** come as a whole, each with the same number of chunks, all of them full; executing and planning, which
//!   come before, and sending to L1, which comes after, are not simulated.

mod batch;
mod board;
mod events;
mod find;
mod lane;
mod line;
mod machine;
mod outcome;
mod scenario;
mod times;

pub use events::{Happening, Moment};
pub use find::{find_fleet, FindError, Found, Tried};
pub use outcome::{Latency, Outcome};
pub use scenario::{
    Coordinator, Failures, Fleet, Load, Scenario, ScenarioError, Until, BATCHES_MAX, JOBS_MAX, MACHINES_MAX,
};
pub use times::{JobTimes, Times, TimesError};

use thiserror::Error;

/// Plays a scenario.
///
/// # Errors
/// [`SimulationError`].
pub fn simulate(scenario: &Scenario) -> Result<Outcome, SimulationError> {
    simulate_with(scenario, &mut |_| {})
}

/// Plays a scenario and tells `listener` what happens. With several lanes, one lane after another.
///
/// # Errors
/// [`SimulationError`].
pub fn simulate_with(scenario: &Scenario, listener: &mut dyn FnMut(Moment)) -> Result<Outcome, SimulationError> {
    scenario.check()?;
    let tallies = (0..scenario.coordinator.lanes).map(|lane| lane::play(scenario, lane, listener));
    let tallies = tallies.collect::<Result<Vec<_>, _>>()?;
    Ok(Outcome::new(scenario, &tallies))
}

/// Why a scenario has no outcome.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum SimulationError {
    /// It makes no sense.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// Machines fail faster than jobs end.
    #[error("a {kind} job was lost {attempts} times: machines fail faster than jobs end")]
    NeverDone {
        /// The job's kind.
        kind: crate::job::JobKind,
        /// How often it was tried.
        attempts: u32,
    },
}
