//! What a simulation says.

use std::fmt;

use serde::Serialize;
use sheaf_prover::simulation::{Found, Outcome, Scenario, Tried, Until};

use crate::numbers::{Bytes, Count, Counted};

/// The scenario in short, and what came of it.
#[derive(Serialize)]
pub struct Report {
    times: String,
    until: &'static str,
    batch_transactions: u64,
    interval_seconds: f64,
    deadline_seconds: Option<f64>,
    machines: u32,
    cores: u32,
    memory_bytes: u64,
    jobs_at_once: u32,
    lanes: u32,
    check_cores: u32,
    seed: u64,
    outcome: Outcome,
    price: f64,
    cost_of_a_million: f64,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    search: Option<Search>,
}

/// What was found out on the way to a fleet.
#[derive(Serialize)]
struct Search {
    one_server: f64,
    one_checker: f64,
    tried: Vec<Tried>,
}

impl Report {
    /// Of one scenario.
    pub fn new(price: f64, scenario: Scenario, outcome: Outcome) -> Self {
        let Scenario { times, until, fleet, coordinator, load, seed } = scenario;
        Self {
            times: times.source,
            until: match until {
                Until::Join => "join",
                Until::Wrap => "wrap",
            },
            batch_transactions: load.batch_transactions,
            interval_seconds: load.interval_seconds,
            deadline_seconds: load.deadline_seconds,
            machines: fleet.machines,
            cores: fleet.cores,
            memory_bytes: fleet.memory_bytes,
            jobs_at_once: fleet.jobs_at_once,
            lanes: coordinator.lanes,
            check_cores: coordinator.cores,
            seed,
            cost_of_a_million: outcome.cost_of_a_million(price),
            outcome,
            price,
            search: None,
        }
    }

    /// Of the fleet that was found.
    pub fn of_found(price: f64, found: Found) -> Self {
        let Found { scenario, outcome, one_server, one_checker, tried } = found;
        Self { search: Some(Search { one_server, one_checker, tried }), ..Self::new(price, scenario, outcome) }
    }

    /// Whether the fleet keeps up and meets the deadline, if there is one.
    pub fn is_enough(&self) -> bool {
        let in_time = |seconds: f64| self.outcome.latency.p95_seconds <= seconds;
        self.outcome.keeps_up && self.deadline_seconds.is_none_or(in_time)
    }

    fn write_load(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = match self.interval_seconds {
            0.0 => "all at once".to_owned(),
            seconds => format!("one every {seconds:.2} s"),
        };
        let [batches, transactions] = [self.outcome.batches, self.batch_transactions].map(Count);
        let noun = if self.outcome.batches == 1 { "batch" } else { "batches" };
        writeln!(f, "simulated: {batches} {noun} of {transactions} transactions, {when}")?;
        writeln!(f, "  job times      {}", self.times)
    }

    fn write_fleet(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "  fleet          {} with {}, {} for {} at once; {}",
            Counted(self.machines.into(), "machine"),
            Counted(self.cores.into(), "core"),
            Bytes(self.memory_bytes),
            Counted(self.jobs_at_once.into(), "job"),
            Counted(self.lanes.into(), "coordinator")
        )?;
        let Some(search) = &self.search else { return Ok(()) };
        let lacks = match (search.one_server >= 1.0, search.one_checker >= 1.0) {
            (true, _) => "it would be the bottleneck",
            (false, true) => "its checks would be the bottleneck",
            (false, false) if self.lanes > 1 => "it would be too slow",
            (false, false) => "it is enough",
        };
        writeln!(
            f,
            "  one alone      {:.0} % busy, {:.0} % of its {} checking: {lacks}",
            100.0 * search.one_server,
            100.0 * search.one_checker,
            Counted(self.check_cores.into(), "core")
        )
    }

    fn write_outcome(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = &self.outcome;
        let latency = &outcome.latency;
        write!(
            f,
            "  batch latency  p50 {:.1} s, p95 {:.1} s, at most {:.1} s",
            latency.p50_seconds, latency.p95_seconds, latency.max_seconds
        )?;
        match self.deadline_seconds {
            Some(seconds) => writeln!(f, "; {} later than {seconds} s", Count(outcome.batches_late))?,
            None => writeln!(f)?,
        }
        write!(f, "  throughput     {:.1} transactions a second", outcome.transactions_per_second)?;
        match outcome.falls_behind {
            Some(part) if !outcome.keeps_up => writeln!(f, ": falls behind by {:.1} %", 100.0 * part)?,
            Some(_) => writeln!(f, ": keeps up")?,
            None => writeln!(f)?,
        }
        write!(f, "  jobs           {} done", Count(outcome.jobs))?;
        if outcome.crashes > 0 {
            let crashes = Counted(outcome.crashes, "time");
            write!(f, "; machines crashed {crashes}, {} lost", Counted(outcome.attempts_lost, "attempt"))?;
        }
        writeln!(f)?;
        writeln!(f, "  queue          {} ready at most", Counted(outcome.ready_max as u64, "job"))?;
        writeln!(f, "  cores          {:.1} % busy", 100.0 * outcome.utilisation)?;
        writeln!(
            f,
            "  coordinator    {:.1} % busy, {:.1} % of its {} checking",
            100.0 * outcome.coordinator_utilisation,
            100.0 * outcome.check_utilisation,
            Counted(self.check_cores.into(), "core")
        )?;
        writeln!(
            f,
            "  cost           {:.2} for a million transactions, {:.1} core-hours at {}",
            self.cost_of_a_million,
            1e6 * outcome.core_hours / outcome.transactions as f64,
            self.price
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_load(f)?;
        self.write_fleet(f)?;
        self.write_outcome(f)
    }
}
