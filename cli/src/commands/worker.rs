//! `sheaf worker`.

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use sheaf_aggregator::pipeline::{BatchWork, CircuitStatus, Circuits, Settlement};
use sheaf_circuits::security::Profile;
use sheaf_prover::fleet::{self, Lane, Link};
use sheaf_prover::graph::Ability;
use sheaf_prover::job::{JobKind, JobSpec};
use sheaf_prover::queue::{EmbeddedQueue, Policy, Queue, QueueError};
use sheaf_prover::rehearsal::Rehearsal;
use sheaf_prover::runner::{Done, Event, JobEvent, Limits, Until, Worker as Runner};
use sheaf_prover::work::{Check, Work, WorkError};

use crate::commands::prove;
use crate::data_dir::DataDir;
use crate::failure::Advice;
use crate::fleet::{host, NatsArguments};
use crate::groth16::{self, KeyChoice};
use crate::numbers::{self, Counted};
use crate::observe::{self, WorkerMetrics};
use crate::printer::Printer;
use crate::{signals, Answer};

/// How often a worker that is told to stop looks whether its grace is over.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// How often an idle worker says what there is that it cannot do.
const LOOK_AROUND: Duration = Duration::from_secs(15);
/// A hog takes its memory in such pieces, so that it is refused one when there is little left.
const HOG_STEP_BYTES: usize = 16 << 20;

/// Do the jobs of a fleet, or finish those of a data folder
///
/// With --queue it works until it is told to stop, on whatever batches there are. It gets no jobs for other circuits
/// than its own, and none that need more memory than it has left. SIGTERM ends it: what is running is finished if that
/// takes no longer than --grace, else given back. Whatever ends it, no finished job is lost.
///
/// With --data-dir it finishes what an interrupted `sheaf prove` left there, without the batch's file.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  sheaf worker --queue nats://10.0.0.5:4222
  sheaf worker --queue nats://10.0.0.5:4222 --capabilities chunk,lift --memory 12GiB --jobs 3
  sheaf worker --queue nats://10.0.0.5:4222 --drain        # a Kubernetes Job, or cron
  sheaf worker --data-dir demo/data --drain

Exit codes:
  0  told to stop, or nothing is left to do
  1  its results were refused: this machine or this build is broken; or another worker has its name
  2  wrong usage, or something in the environment is missing or broken")]
pub struct Worker {
    /// The NATS server with JetStream
    #[arg(long, value_name = "URL", env = "SHEAF_QUEUE", required_unless_present = "data_dir")]
    queue: Option<String>,
    /// Finish the jobs of this data folder instead, as with --drain
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    nats: NatsArguments,
    /// Whose jobs: `proven` or `fast` circuits
    #[arg(long, value_name = "PROFILE", default_value_t = Profile::Proven)]
    security: Profile,
    /// Jobs that wait instead of proving
    #[arg(long, conflicts_with = "security")]
    rehearsal: bool,
    /// Only these kinds of jobs [default: all; shrink and wrap only with a key]
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    capabilities: Vec<JobKind>,
    /// Memory for jobs, as 12GiB [default: what is available, less 2 GiB]
    #[arg(long, value_name = "SIZE", value_parser = numbers::parse_bytes)]
    memory: Option<u64>,
    /// Jobs at once [default: from cores]
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    #[command(flatten)]
    key: KeyChoice,
    /// End when nothing is left to do
    #[arg(long)]
    drain: bool,
    /// End after one job
    #[arg(long, conflicts_with = "drain")]
    once: bool,
    /// Seconds that running jobs may take to finish after SIGTERM
    #[arg(long, value_name = "SECONDS", default_value_t = 25)]
    grace: u64,
    /// The worker's name in logs. One that begins with a name takes back at once what a dead one with it had
    /// [default: host and process]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Serve /metrics, /healthz and /readyz here, as 0.0.0.0:9464; port 0 takes a free one, which is logged
    #[arg(long, value_name = "ADDRESS", conflicts_with = "data_dir")]
    metrics: Option<SocketAddr>,
    /// Hand in wrong results, one in so many: to see that they are refused
    #[arg(long, value_name = "N", hide = true)]
    lie: Option<u64>,
    /// Take so much memory for each job, as 12GiB: to see what a worker does that runs out of it
    #[arg(long, value_name = "SIZE", value_parser = numbers::parse_bytes, hide = true)]
    hog: Option<u64>,
}

impl Worker {
    /// Works.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        let stop = signals::stop_flag()?;
        let done = match (&self.data_dir, &self.queue) {
            (Some(folder), _) => self.finish_folder(folder, printer, &stop)?,
            (None, Some(url)) => self.work_in_fleet(url, printer, &stop)?,
            (None, None) => unreachable!("clap asks for one of them"),
        };
        printer.report(&Report { finished: done.finished, failed: done.failed })?;
        Ok(Answer::Yes)
    }

    fn limits(&self) -> Result<Limits> {
        let room = prove::room(self.jobs)?;
        Ok(Limits {
            worker: self.name.clone().unwrap_or_else(own_name),
            jobs: room.jobs,
            memory_bytes: self.memory.unwrap_or(room.memory_bytes),
        })
    }

    fn until(&self) -> Until {
        match (self.once, self.drain || self.data_dir.is_some()) {
            (true, _) => Until::Once,
            (_, true) => Until::Drained,
            _ => Until::Stopped,
        }
    }

    fn work_in_fleet(&self, url: &str, printer: &Printer, stop: &Arc<AtomicBool>) -> Result<Done> {
        let lane = self.nats.lane_for(self.security, self.rehearsal)?;
        let metrics = Arc::new(WorkerMetrics::new(&lane));
        let _served = self.metrics.map(|address| observe::serve(address, metrics.clone())).transpose()?;
        let work = self.work(printer)?;
        let limits = self.limits()?;
        let link = self.nats.connect(url, &format!("sheaf worker {}", limits.worker))?;
        metrics.begin(&link, &limits);
        let queue = wait_for_coordinator(&link, &lane, stop, &self.nats)?;
        let Some(queue) = queue else { return Ok(Done::default()) };
        let queue = Arc::new(queue);
        persist(stop, || queue.enter(&limits.worker))?;
        metrics.answered();
        let (name, memory_bytes, jobs) = (&limits.worker, limits.memory_bytes, limits.jobs);
        tracing::info!(worker = name, %lane, place = link.place(), jobs, memory_bytes, "worker ready");
        give_back_after_grace(stop.clone(), queue.clone(), limits.worker.clone(), self.grace);
        say_what_is_for_others(stop.clone(), link.clone(), lane.clone());
        let on_event = |event: Event<'_>| {
            metrics.note(&event);
            log(&event);
        };
        serve(&*queue, &*work, limits, self.until(), stop, &on_event)
    }

    fn finish_folder(&self, folder: &Path, printer: &Printer, stop: &AtomicBool) -> Result<Done> {
        let work = self.work(printer)?;
        let limits = self.limits()?;
        let jobs = DataDir::new(folder).jobs();
        let cannot_open = || {
            let what = format!("cannot open the jobs in {}", folder.display());
            Advice::new(what, "name the --data-dir that `sheaf prove` works in, while no process works there")
        };
        // Looking fails where there is no queue; opening would make one.
        EmbeddedQueue::look(&jobs).with_context(cannot_open)?;
        let check = Arc::new(AsCheck(work.clone()));
        let queue = EmbeddedQueue::open(&jobs, Policy::default(), check).with_context(cannot_open)?;
        serve(&queue, &*work, limits, self.until(), stop, &|event| log(&event))
    }

    fn work(&self, printer: &Printer) -> Result<Arc<dyn Work>> {
        let work: Arc<dyn Work> = match self.rehearsal {
            true => Arc::new(Rehearsal),
            false => Arc::new(BatchWork::new(Arc::new(self.circuits(printer)?))),
        };
        let kinds = match self.capabilities.is_empty() {
            true => JobKind::ALL.to_vec(),
            false => self.capabilities.clone(),
        };
        let (kinds, count) = (kinds.into_iter().collect(), Default::default());
        Ok(Arc::new(Limited { work, kinds, lie: self.lie, hog: self.hog, count }))
    }

    fn circuits(&self, printer: &Printer) -> Result<Circuits> {
        let circuits = Circuits::new(self.security, |status| {
            if let CircuitStatus::Built { name, seconds } = status {
                tracing::info!(circuit = name, seconds, "circuit ready");
            }
        });
        let circuits = circuits.context(Advice::new("the circuits cannot be had", "install sheaf anew"))?;
        let settles = |kind| self.capabilities.is_empty() || self.capabilities.contains(&kind);
        if !settles(JobKind::Shrink) && !settles(JobKind::Wrap) {
            return Ok(circuits);
        }
        let Some(wrapper) = self.key.wrapper_if_any(printer)? else { return Ok(circuits) };
        let settlement = Settlement::new(self.security, wrapper)
            .context(Advice::new("this program's pinned circuits are damaged", "install sheaf anew"))?;
        Ok(circuits.with_settlement(settlement.keep_in(groth16::circuits_folder()?)))
    }
}

/// Work on some kinds of jobs only.
struct Limited {
    work: Arc<dyn Work>,
    kinds: BTreeSet<JobKind>,
    lie: Option<u64>,
    hog: Option<u64>,
    count: std::sync::atomic::AtomicU64,
}

impl Check for Limited {
    fn check(&self, job: &JobSpec, inputs: &[Vec<u8>], output: &[u8]) -> Result<(), String> {
        self.work.check(job, inputs, output)
    }

    fn covers(&self, ability: Ability) -> Result<(), String> {
        self.work.covers(ability)
    }
}

impl Work for Limited {
    fn abilities(&self) -> BTreeSet<Ability> {
        self.work.abilities().into_iter().filter(|ability| self.kinds.contains(&ability.kind)).collect()
    }

    fn run(&self, job: &JobSpec, inputs: &[Vec<u8>]) -> Result<Vec<u8>, WorkError> {
        let hogged = self.hog.map(hog);
        let mut output = self.work.run(job, inputs)?;
        drop(hogged);
        let count = self.count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        if self.lie.is_some_and(|each| count.is_multiple_of(each.max(1))) {
            let middle = output.len() / 2;
            if let Some(byte) = output.get_mut(middle) {
                *byte ^= 1;
            }
        }
        Ok(output)
    }
}

/// A name that no other worker has. In containers many a process has number 1, and the host may be the machine.
fn own_name() -> String {
    match std::process::id() {
        1 => format!("{}-{:06x}", host(), rand::random::<u32>() >> 8),
        process => format!("{}-{process}", host()),
    }
}

/// So much memory, every page of it in use.
fn hog(bytes: u64) -> Vec<Vec<u8>> {
    let steps = bytes.div_ceil(HOG_STEP_BYTES as u64);
    (0..steps).map(|_| std::hint::black_box(vec![1; HOG_STEP_BYTES])).collect()
}

struct AsCheck(Arc<dyn Work>);

impl Check for AsCheck {
    fn check(&self, job: &JobSpec, inputs: &[Vec<u8>], output: &[u8]) -> Result<(), String> {
        self.0.check(job, inputs, output)
    }

    fn covers(&self, ability: Ability) -> Result<(), String> {
        self.0.covers(ability)
    }
}

fn serve(
    queue: &dyn Queue,
    work: &dyn Work,
    limits: Limits,
    until: Until,
    stop: &AtomicBool,
    on_event: &(dyn Fn(Event<'_>) + Sync),
) -> Result<Done> {
    let served = Runner::new(queue, work, limits, on_event, stop).serve(until);
    served.map_err(|error| {
        let advice = match error {
            QueueError::Suspended { .. } => {
                Advice::new("this worker is not trusted any more", "replace the machine, or install sheaf anew")
                    .answer_no()
            }
            // Starting again would take the name back, and so on for ever.
            QueueError::NameTaken { .. } => {
                Advice::new("this worker has no name of its own", "give it another --name, or none: then it has one")
                    .answer_no()
            }
            _ => Advice::new("the queue fails", "mend what is said above and start the worker again"),
        };
        anyhow::Error::new(error).context(advice)
    })
}

/// The queue of a lane, as soon as it has a coordinator; none when told to stop before.
fn wait_for_coordinator(
    link: &Arc<Link>,
    lane: &Lane,
    stop: &AtomicBool,
    nats: &NatsArguments,
) -> Result<Option<fleet::FleetQueue>> {
    let (mut said, mut due) = (false, Instant::now());
    while !signals::is_set(stop) {
        match fleet::FleetQueue::open(link, lane) {
            Ok(queue) => return Ok(Some(queue)),
            Err(error) if error.is_outage() => {
                if !said {
                    tracing::warn!(%lane, %error, "waiting for a coordinator of these circuits");
                    said = true;
                }
                if Instant::now() >= due {
                    due = Instant::now() + LOOK_AROUND;
                    log_others(link, lane);
                }
                thread::sleep(Duration::from_secs(1));
            }
            Err(_) => return nats.queue(link, lane).map(Some),
        }
    }
    Ok(None)
}

/// Calls until there is an answer, or until told to stop.
fn persist(stop: &AtomicBool, call: impl Fn() -> Result<(), QueueError>) -> Result<()> {
    loop {
        match call() {
            Err(error) if error.is_outage() && !signals::is_set(stop) => thread::sleep(Duration::from_secs(1)),
            answer => return Ok(answer?),
        }
    }
}

/// When told to stop, jobs may take so long to finish; then they are given back, and the process ends. Nothing else
/// could end a proof in the middle.
fn give_back_after_grace(stop: Arc<AtomicBool>, queue: Arc<dyn Queue>, worker: String, grace_s: u64) {
    thread::spawn(move || {
        while !signals::is_set(&stop) {
            thread::sleep(LOOK_AGAIN);
        }
        tracing::info!(worker, grace_s, "told to stop: no more jobs are begun");
        thread::sleep(Duration::from_secs(grace_s));
        match queue.leave(&worker) {
            Ok(()) => tracing::warn!(worker, "the grace is over: running jobs were given back"),
            Err(error) => tracing::warn!(worker, %error, "the grace is over: the leases of running jobs will run out"),
        }
        std::process::exit(0);
    });
}

/// Now and then, while it waits for jobs: what other lanes have for workers of other versions.
fn say_what_is_for_others(stop: Arc<AtomicBool>, link: Arc<Link>, lane: Lane) {
    thread::spawn(move || {
        let mut due = Instant::now();
        while !signals::is_set(&stop) {
            thread::sleep(LOOK_AGAIN);
            if Instant::now() >= due {
                due = Instant::now() + LOOK_AROUND;
                log_others(&link, &lane);
            }
        }
    });
}

fn log_others(link: &Link, lane: &Lane) {
    let Ok(lanes) = fleet::lanes(link, lane.fleet()) else { return };
    for other in lanes.into_iter().filter(|other| other.lane != lane.name()) {
        let ready: usize = other.outlook.ready.iter().map(|(_, count)| count).sum();
        if ready > 0 {
            let (theirs, version) = (&other.lane, &other.version);
            tracing::warn!(
                lane = lane.name(),
                theirs,
                version,
                ready,
                "there are jobs for other circuits than this worker's: it will not get them; \
                 start workers of that version or security profile"
            );
        }
    }
}

fn log(event: &Event<'_>) {
    match event {
        Event::Submitted(_) => {}
        Event::Outage { reason } => tracing::warn!(reason, "the queue cannot be reached; work goes on"),
        Event::Back => tracing::info!("the queue can be reached again"),
        Event::Job { id, batch, job, attempt, what } => {
            let label = &job.label;
            match what {
                JobEvent::Started => tracing::info!(batch, job = %id, label, attempt, "started"),
                JobEvent::Finished { seconds, cpu_seconds, length_bytes } => {
                    tracing::info!(batch, job = %id, label, attempt, seconds, cpu_seconds, length_bytes, "finished");
                }
                JobEvent::HandedIn { seconds, cpu_seconds, length_bytes } => tracing::info!(
                    batch, job = %id, label, attempt, seconds, cpu_seconds, length_bytes,
                    "finished; the verdict is still to come"
                ),
                JobEvent::Overtaken => tracing::info!(batch, job = %id, label, attempt, "another worker was faster"),
                JobEvent::Failed { reason, attempts_left } => {
                    tracing::warn!(batch, job = %id, label, attempt, reason, attempts_left, "failed");
                }
                JobEvent::Lost { reason } => tracing::warn!(batch, job = %id, label, attempt, reason, "lost"),
                JobEvent::SetAside { reason, bundle } => {
                    let bundle = bundle.display();
                    tracing::error!(batch, job = %id, label, attempt, reason, %bundle, "set aside");
                }
            }
        }
    }
}

#[derive(Serialize)]
struct Report {
    finished: usize,
    failed: usize,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (finished, failed) = (Counted(self.finished as u64, "job"), Counted(self.failed as u64, "attempt"));
        writeln!(f, "{finished} finished, {failed} failed")
    }
}
