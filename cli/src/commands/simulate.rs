//! `sheaf simulate`.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use sheaf_circuits::security::Profile;
use sheaf_prover::queue::Policy;
use sheaf_prover::simulation::{
    find_fleet, simulate, Coordinator, Failures, FindError, Fleet, Load, Scenario, ScenarioError, SimulationError,
    Times, Until,
};

use crate::commands::prove::{jobs_at_once, RESERVED_BYTES};
use crate::failure::Advice;
use crate::printer::Printer;
use crate::Answer;

mod report;
mod times;

use report::Report;

/// Memory of a machine for each core, unless told: what clouds sell as general purpose.
const GIB_PER_CORE: f64 = 4.0;
/// How long the load lasts, unless told.
const MINUTES: f64 = 10.0;

/// Simulate a fleet of provers: replay measured job times over machines that fail
///
/// Batches come at a rate, or all at once. Their jobs are given out by the queue's rule, through a coordinator that
/// takes its time, to machines that crash, come back and are slow, as told. What comes out is how long batches take,
/// how many transactions a second that is, and what they cost. The same options give the same outcome.
///
/// With --find, the fewest machines are searched that hold a rate with 95 of 100 batches within the deadline, and as
/// few coordinators.
///
/// docs/simulation.md says what is assumed.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  sheaf simulate --machines 10 --rate 800 --batch 20000 --deadline 300
  sheaf simulate --machines 10 --batches 1 --batch 20000 --until wrap --mtbf 24 --stragglers 0.1
  sheaf simulate --find 100000 --deadline 120 --price 0.04 --json
  sheaf prove demo/batch.jsonl --data-dir data --out proof.bin --jobs 1 --json > report.json
  sheaf simulate --from report.json --machines 4 --batch 20000

Exit codes:
  0  done, and the fleet is enough
  1  it falls behind, misses the deadline, or no fleet is found
  2  wrong usage, or something in the environment is missing or broken")]
pub struct Simulate {
    /// Job times measured for this version with this profile
    #[arg(long, value_name = "PROFILE", default_value_t = Profile::Proven, help_heading = "Job times")]
    security: Profile,
    /// Job times from this file instead
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "security"], help_heading = "Job times")]
    times: Option<PathBuf>,
    /// Mean job times from what `sheaf prove --json` printed
    #[arg(long, value_name = "REPORT", conflicts_with = "security", help_heading = "Job times")]
    from: Option<PathBuf>,
    /// The part of every job that uses one core only, instead of what the job times say
    #[arg(long, value_name = "FRACTION", help_heading = "Job times")]
    serial: Option<f64>,
    /// How far batches are proven
    #[arg(long, value_name = "STAGE", value_enum, default_value_t = Stage::Join, help_heading = "Job times")]
    until: Stage,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Machines")]
    machines: u32,
    /// Cores of each
    #[arg(long, value_name = "N", default_value_t = 16, help_heading = "Machines")]
    cores: u32,
    /// Memory of each, 2 GiB of it for other things than jobs [default: 4 GiB for each core]
    #[arg(long, value_name = "GIB", help_heading = "Machines")]
    memory: Option<f64>,
    /// Jobs at once on each [default: one for each four cores and at least two, as `sheaf prove` does]
    #[arg(long, value_name = "N", help_heading = "Machines")]
    jobs: Option<u32>,
    /// Price of a core for an hour, in any currency
    #[arg(long, default_value_t = 0.05, help_heading = "Machines")]
    price: f64,
    /// Transactions a second that come; without it all batches are there at once
    #[arg(long, value_name = "TPS", help_heading = "Load")]
    rate: Option<f64>,
    /// Transactions of a batch
    #[arg(long, value_name = "N", default_value_t = 100_000, help_heading = "Load")]
    batch: u64,
    /// How many batches [default: 1, or 10 minutes of the rate]
    #[arg(long, value_name = "N", help_heading = "Load")]
    batches: Option<u32>,
    /// How long they come, at the rate
    #[arg(long, conflicts_with = "batches", help_heading = "Load")]
    minutes: Option<f64>,
    /// How long a batch may take: those with the earliest deadlines go first, without it all share the machines
    #[arg(long, value_name = "SECONDS", help_heading = "Load")]
    deadline: Option<f64>,
    /// Find the fewest machines for so many transactions a second
    #[arg(long, value_name = "TPS", requires = "deadline", conflicts_with_all = ["rate", "machines", "lanes"],
          help_heading = "Load")]
    find: Option<f64>,
    /// Mean time that a machine is up between crashes; without it none crashes
    #[arg(long, value_name = "HOURS", help_heading = "What goes wrong")]
    mtbf: Option<f64>,
    /// How long a machine is down after a crash
    #[arg(long, value_name = "SECONDS", default_value_t = 120.0, help_heading = "What goes wrong")]
    restart: f64,
    /// How long after a crash the jobs of a machine go back
    #[arg(long, value_name = "SECONDS", default_value_t = Policy::default().lease.as_secs_f64(),
          help_heading = "What goes wrong")]
    lease: f64,
    /// The part of the machines that is slow
    #[arg(long, value_name = "FRACTION", default_value_t = 0.0, help_heading = "What goes wrong")]
    stragglers: f64,
    /// How many times longer everything takes on those
    #[arg(long, value_name = "TIMES", default_value_t = 2.0, help_heading = "What goes wrong")]
    slowdown: f64,
    /// Decides job times, crashes, and which machines are slow
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "What goes wrong")]
    seed: u64,
    /// How many, each with its part of the machines and batches
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Coordinators")]
    lanes: u32,
    /// How long one is busy with a job, claim and completion together
    #[arg(long, value_name = "MS", default_value_t = 2.0, help_heading = "Coordinators")]
    service: f64,
    /// How long a job takes to a machine, and a result back
    #[arg(long, value_name = "MS", default_value_t = 2.0, help_heading = "Coordinators")]
    overhead: f64,
    /// Cores of each that check results
    #[arg(long, value_name = "N", default_value_t = 16, help_heading = "Coordinators")]
    check_cores: u32,
}

/// Where proving ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Stage {
    Join,
    Wrap,
}

impl Simulate {
    /// Simulates, or finds a fleet.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        let scenario = self.scenario()?;
        let report = match self.find {
            Some(_) => {
                let spinner = printer.spinner("finding");
                let found = find_fleet(&scenario, &mut |tried| tracing::info!(?tried, "tried"));
                spinner.finish_and_clear();
                Report::of_found(self.price, found.map_err(no_fleet)?)
            }
            None => {
                let outcome = simulate(&scenario).map_err(no_outcome)?;
                Report::new(self.price, scenario, outcome)
            }
        };
        printer.report(&report)?;
        Ok(if report.is_enough() { Answer::Yes } else { Answer::No })
    }

    fn scenario(&self) -> Result<Scenario> {
        let cores = self.cores;
        let gib = self.memory.unwrap_or(GIB_PER_CORE * f64::from(cores));
        let failures =
            self.mtbf.map(|hours| Failures { mean_up_seconds: hours * 3600.0, restart_seconds: self.restart });
        Ok(Scenario {
            times: self.job_times()?,
            until: match self.until {
                Stage::Join => Until::Join,
                Stage::Wrap => Until::Wrap,
            },
            fleet: Fleet {
                machines: self.machines,
                cores,
                memory_bytes: ((gib * f64::from(1 << 30)) as u64).saturating_sub(RESERVED_BYTES),
                jobs_at_once: self.jobs.unwrap_or_else(|| jobs_at_once(cores as usize) as u32),
                stragglers: self.stragglers,
                slowdown: self.slowdown,
                failures,
            },
            coordinator: Coordinator {
                lanes: self.lanes,
                service_seconds: self.service / 1e3,
                overhead_seconds: self.overhead / 1e3,
                cores: self.check_cores,
                lease_seconds: self.lease,
            },
            load: self.load()?,
            seed: self.seed,
        })
    }

    fn load(&self) -> Result<Load> {
        let rate = self.rate.or(self.find);
        if let Some(rate) = rate.filter(|rate| !(*rate > 0.0 && rate.is_finite())) {
            let what = format!("{rate} transactions a second is no rate");
            return Err(Advice::new(what, "give a number above 0").into());
        }
        let interval_seconds = rate.map_or(0.0, |rate| self.batch as f64 / rate);
        let batches = match (self.batches, rate) {
            (Some(batches), _) => batches,
            (None, None) => 1,
            // Too many are refused by name when the scenario is looked at.
            (None, Some(_)) => (self.minutes.unwrap_or(MINUTES) * 60.0 / interval_seconds).round().max(1.0) as u32,
        };
        let deadline_seconds = self.deadline;
        Ok(Load { batch_transactions: self.batch, batches, interval_seconds, deadline_seconds })
    }

    fn job_times(&self) -> Result<Times> {
        let mut times = match (&self.times, &self.from) {
            (Some(path), _) => times::read(path)?,
            (_, Some(path)) => times::of_report(path)?,
            _ => Times::measured(self.security),
        };
        if let Some(serial_fraction) = self.serial {
            let kinds = [Some(&mut times.chunk), Some(&mut times.lift), Some(&mut times.join)];
            for times in kinds.into_iter().chain([times.shrink.as_mut(), times.wrap.as_mut()]).flatten() {
                times.serial_fraction = serial_fraction;
            }
        }
        Ok(times)
    }
}

fn no_outcome(error: SimulationError) -> anyhow::Error {
    let next = match &error {
        SimulationError::Scenario(ScenarioError::NoTimes(_)) => "measure with `sheaf prove --until wrap --json`",
        SimulationError::Scenario(ScenarioError::TooLarge { .. }) => "give machines more --memory",
        SimulationError::Scenario(_) => "change the options",
        SimulationError::NeverDone { .. } => "give a longer --mtbf",
    };
    anyhow::Error::new(error).context(Advice::new("this cannot be simulated", next))
}

fn no_fleet(error: FindError) -> anyhow::Error {
    let next = match error {
        FindError::Simulation(error) => return no_outcome(error),
        FindError::NoRate => "give more --minutes or --batches",
        FindError::TooSlow { .. } => "give a later --deadline, smaller batches, or machines with more cores",
        FindError::NotEnough { .. } => "give a later --deadline, or a longer --mtbf",
    };
    let is_answer = matches!(error, FindError::TooSlow { .. } | FindError::NotEnough { .. });
    let advice = Advice::new("no fleet was found", next);
    anyhow::Error::new(error).context(if is_answer { advice.answer_no() } else { advice })
}
