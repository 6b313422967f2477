//! `sheaf chaos`.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{bail, Context as _, Result};
use clap::Args;
use rand::rngs::StdRng;
use rand::SeedableRng as _;
use sheaf_prover::fleet::{FleetQueue, Link, LinkOptions};
use sheaf_prover::queue::Queue as _;
use tempfile::TempDir;

use crate::chaos::{Event, Fault, Ground, Harm, Inflicted, Load, Outcome, Programs, Report, Schedule, Size};
use crate::failure::Advice;
use crate::printer::Printer;
use crate::{signals, Answer};

/// Seconds of a lease: longer than one lost question and its repetition take.
const LEASE_S: u64 = 12;
/// Batches on their way at once: enough that there is something to do while some wait for leases to run out.
const BATCHES: usize = 4;
/// When harm has stopped, batches have so long to be done: leases run out, then verdicts that were lost are waited for.
const PATIENCE: Duration = Duration::from_secs(150);
/// How often it is looked whether they are.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Do harm to a fleet of processes on this machine, and see that it loses nothing
///
/// Starts NATS, a coordinator and workers, sends batches of rehearsals through, and does one fault after another: each
/// kind once, then at random. When the time is over, what is left is done, and all is summed up: every batch must have
/// its right result, and no more may have been lost or done again than the faults explain. Nothing of this touches
/// another fleet: it has a server, ports and a folder of its own.
///
/// A full disk, clocks that jump and repeated messages are not in the mix; they have tests of their own.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  sheaf chaos --minutes 10
  sheaf chaos --seconds 30 --only nats,cut --every 1
  sheaf chaos --seed 7 --keep logs --json    # faults in the same order as last time, with logs kept

Exit codes:
  0  every check holds
  1  a check does not hold: the logs are kept, and where they are is said
  2  wrong usage, or something in the environment is missing or broken")]
pub struct Chaos {
    /// Minutes of harm; each kind is done once, even if that takes longer
    #[arg(long, value_name = "N", default_value_t = 3.0)]
    minutes: f64,
    /// The same in seconds
    #[arg(long, value_name = "N", conflicts_with = "minutes")]
    seconds: Option<f64>,
    /// Workers
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    workers: u16,
    /// Jobs that each worker does at once
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..))]
    jobs: u16,
    /// Only these kinds of harm [default: all]
    #[arg(long, value_name = "FAULT", value_delimiter = ',')]
    only: Vec<Fault>,
    /// Seconds between two faults
    #[arg(long, value_name = "SECONDS", default_value_t = 3.0)]
    every: f64,
    /// Decides which faults come when [default: from the clock]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// The server to be used
    #[arg(long, value_name = "FILE", default_value = "nats-server")]
    nats_server: PathBuf,
    /// Keep logs, records and NATS' storage in this folder, which must be new
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

impl Chaos {
    /// Does harm, and sums up.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        let stop = signals::stop_flag()?;
        let folder = Folder::new(self.keep.as_deref())?;
        let time = seconds("--minutes or --seconds", self.seconds.unwrap_or(self.minutes * 60.0))?;
        let every = seconds("--every", self.every)?;
        let sheaf = std::env::current_exe()
            .context(Advice::new("cannot tell where this program is", "run it by its full path"))?;
        let programs = Programs { nats_server: self.nats_server.clone(), sheaf };
        let size = Size { workers: self.workers.into(), jobs: self.jobs.into(), lease_s: LEASE_S };
        let mut ground = Ground::start(folder.path(), programs, size)?;
        let no_queue = || Advice::new("the fleet does not answer", "try again");
        let options = LinkOptions { url: ground.url(), name: "sheaf chaos".into(), ..LinkOptions::default() };
        let link = Link::connect(&options).with_context(no_queue)?;
        let queue = FleetQueue::open(&link, &Ground::lane()).with_context(no_queue)?;

        let seed = self.seed.unwrap_or_else(rand::random);
        let mut random = StdRng::seed_from_u64(seed);
        let schedule = Schedule::new(&self.only, &mut random);
        let load = Load::new(&queue, seed);
        let (mut inflicted, mut troubles, start) = (Inflicted::default(), Vec::new(), Instant::now());
        let spinner = printer.spinner("chaos");
        thread::scope(|scope| {
            let batches: Vec<_> = (0..BATCHES).map(|_| scope.spawn(|| load.run())).collect();
            let (ground, load, link) = (&mut ground, &load, &link);
            let mut harm = Harm { ground, load, link, queue: &queue, random, every, start };
            let tell = |event: &Event| {
                spinner.set_prefix(event.fault.name());
                printer.note(format_args!("{:>7.1} s  {}", event.seconds, event.what));
            };
            // A batch that failed ends the harm too: what is in the logs then is what led there.
            let is_over = || start.elapsed() >= time;
            let is_stopped = || signals::is_set(&stop) || batches.iter().any(|batch| batch.is_finished());
            if let Err(error) = harm.go(schedule, is_over, is_stopped, &mut inflicted, tell) {
                troubles.push(format!("{error:#}"));
                load.abort();
            }
            load.close();
            let closed = Instant::now();
            while !batches.iter().all(|batch| batch.is_finished()) {
                if closed.elapsed() > PATIENCE {
                    load.abort();
                }
                thread::sleep(LOOK_AGAIN);
            }
            for batch in batches {
                if let Err(error) = batch.join().expect("batches do not panic") {
                    troubles.push(format!("{error:#}"));
                }
            }
        });
        spinner.finish_and_clear();
        let took = start.elapsed();
        troubles.extend(ground.stop_workers());
        let left = load.persist(|| queue.status()).map(|status| status.graphs.len() as u64);
        let left = left.map_err(|error| troubles.push(error.to_string())).ok();
        troubles.extend(ground.stop_coordinator());
        let (tally, told) = (load.tally(), ground.failures_told());
        drop(ground);
        let mut outcome = Outcome { seed, size, took, inflicted, tally, told, left, troubles, logs: None };
        outcome.logs = folder.keep_if(!Report::new(outcome.clone()).holds());
        let report = Report::new(outcome);
        printer.report(&report)?;
        Ok(if report.holds() { Answer::Yes } else { Answer::No })
    }
}

fn seconds(option: &str, value: f64) -> Result<Duration> {
    let what = Advice::new(format!("{value} is no time"), format!("give {option} a positive number"));
    Duration::try_from_secs_f64(value).context(what)
}

/// Where everything is.
enum Folder {
    Temporary(TempDir),
    Kept(PathBuf),
}

impl Folder {
    fn new(keep: Option<&Path>) -> Result<Self> {
        let Some(folder) = keep else {
            let made = TempDir::new();
            return Ok(Self::Temporary(made.context(Advice::new("cannot make a temporary folder", "set TMPDIR"))?));
        };
        let advice = || Advice::new(format!("cannot make {}", folder.display()), "name a new folder by --keep");
        fs::create_dir_all(folder).with_context(advice)?;
        if fs::read_dir(folder).with_context(advice)?.next().is_some() {
            bail!(Advice::new(format!("{} is not empty", folder.display()), "name a new folder by --keep"));
        }
        Ok(Self::Kept(folder.canonicalize().with_context(advice)?))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Kept(folder) => folder,
        }
    }

    /// Where it stays, if it does.
    fn keep_if(self, wanted: bool) -> Option<PathBuf> {
        match self {
            Self::Temporary(folder) => wanted.then(|| folder.keep()),
            Self::Kept(folder) => Some(folder),
        }
    }
}
