//! `sheaf coordinator`.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use sheaf_aggregator::pipeline::{BatchWork, Circuits, Settlement};
use sheaf_circuits::security::Profile;
use sheaf_prover::fleet::Coordinator as LaneCoordinator;
use sheaf_prover::queue::Policy;
use sheaf_prover::rehearsal::Rehearsal;
use sheaf_prover::work::Check;

use crate::failure::Advice;
use crate::fleet::NatsArguments;
use crate::groth16::KeyChoice;
use crate::observe::{self, CoordinatorMetrics};
use crate::printer::Printer;
use crate::{signals, Answer};

/// Own the jobs of a fleet: give them to workers, verify what they hand in, keep it
///
/// One coordinator for each set of circuits (security profile, version); several versions run side by side. Truth is in
/// the data folder: after a crash, the same command goes on where it was, and workers hardly notice. SIGTERM ends it.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  sheaf coordinator --queue nats://10.0.0.5:4222 --data-dir /var/lib/sheaf/coordinator
  sheaf coordinator --queue nats://10.0.0.5:4222 --data-dir /tmp/rehearsal --rehearsal
  sheaf coordinator --queue nats://10.0.0.5:4222 --data-dir records --metrics 0.0.0.0:9464 --core-hour-price 0.04

Exit codes:
  0  told to stop
  2  wrong usage, another coordinator serves the lane, NATS is not there, the records cannot be written, or metrics
     cannot be served")]
pub struct Coordinator {
    /// The NATS server with JetStream
    #[arg(long, value_name = "URL", env = "SHEAF_QUEUE")]
    queue: String,
    /// Folder for the records; made if it does not exist
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    #[command(flatten)]
    nats: NatsArguments,
    /// Whose jobs: `proven` or `fast` circuits
    #[arg(long, value_name = "PROFILE", default_value_t = Profile::Proven)]
    security: Profile,
    /// Jobs that wait instead of proving
    #[arg(long, conflicts_with = "security")]
    rehearsal: bool,
    #[command(flatten)]
    key: KeyChoice,
    /// Seconds until a worker that does not renew its lease loses the job
    #[arg(long, value_name = "SECONDS", default_value_t = Policy::default().lease.as_secs_f64())]
    lease: f64,
    /// Seconds until a job is taken from a worker that renews its lease and does not finish
    // No job takes an hour, also on a machine twenty times slower than two cores of today.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600.0)]
    longest_attempt: f64,
    /// Attempts at a job, lost ones included, before it is set aside
    #[arg(long, value_name = "N", default_value_t = Policy::default().max_attempts)]
    attempts: u32,
    /// Serve /metrics, /healthz and /readyz here, as 0.0.0.0:9464; port 0 takes a free one, which is logged
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,
    /// What an hour of a core costs, for the metric of costs
    #[arg(long, value_name = "PRICE", requires = "metrics", value_parser = observe::parse_price)]
    core_hour_price: Option<f64>,
}

impl Coordinator {
    /// Serves until told to stop.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        let stop = signals::stop_flag()?;
        let lease = positive("--lease", self.lease)?;
        let attempt = positive("--longest-attempt", self.longest_attempt)?;
        let policy = Policy { lease, attempt, max_attempts: self.attempts, ..Policy::default() };
        let lane = self.nats.lane_for(self.security, self.rehearsal)?;
        let metrics = Arc::new(CoordinatorMetrics::new(&lane, self.core_hour_price));
        let _served = self.metrics.map(|address| observe::serve(address, metrics.clone())).transpose()?;
        let check: Arc<dyn Check> = if self.rehearsal { Arc::new(Rehearsal) } else { Arc::new(self.work(printer)?) };
        let link = self.nats.connect(&self.queue, "sheaf coordinator")?;
        let unusable = || {
            let what = format!("lane {lane} cannot be coordinated from {}", self.data_dir.display());
            Advice::new(what, "mend what is said above and start it again; nothing is lost")
        };
        let coordinator = LaneCoordinator::open(&self.data_dir, policy, check, &link, &lane).with_context(unusable)?;
        let coordinator = Arc::new(coordinator);
        metrics.begin(&link, &coordinator);
        tracing::info!(%lane, place = link.place(), data_dir = %self.data_dir.display(), "coordinator ready");
        coordinator.serve(&stop).with_context(unusable)?;
        tracing::info!(%lane, "coordinator stopped");
        printer.report(&Report { lane: lane.to_string() })?;
        Ok(Answer::Yes)
    }

    /// What verifies results. Without a key for Groth16 batches end at their last join.
    fn work(&self, printer: &Printer) -> Result<BatchWork> {
        let circuits = Circuits::new(self.security, |_| {})
            .context(Advice::new("the circuits cannot be had", "install sheaf anew"))?;
        Ok(BatchWork::new(Arc::new(match self.key.wrapper_if_any(printer)? {
            Some(wrapper) => circuits.with_settlement(
                Settlement::new(self.security, wrapper)
                    .context(Advice::new("this program's pinned circuits are damaged", "install sheaf anew"))?,
            ),
            None => {
                printer.note("No key for Groth16 here: batches are proven up to their last join.");
                circuits
            }
        })))
    }
}

#[derive(Serialize)]
struct Report {
    lane: String,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Stopped coordinating {}", self.lane)
    }
}

/// A time that an option gives.
fn positive(option: &str, seconds: f64) -> Result<Duration> {
    let time = Duration::try_from_secs_f64(seconds).ok().filter(|time| !time.is_zero());
    time.with_context(|| {
        let what = format!("{option} {seconds} is no time to wait");
        Advice::new(what, format!("give {option} a positive number of seconds"))
    })
}
