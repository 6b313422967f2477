//! `sheaf prove`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime};

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use serde::Serialize;
use sheaf_aggregator::pipeline::{
    Batch, BatchEvent, BatchSession, CircuitStatus, Circuits, JobCount, JobCounts, OpenSessionError, Proven, Room,
    Until, Workplace,
};
use sheaf_circuits::hash::Digest;
use sheaf_circuits::security::Profile;
use sheaf_prover::job::JobKind;
use sheaf_prover::machine;
use sheaf_prover::queue::Policy;
use sheaf_prover::runner::{Event, JobEvent};
use sheaf_witness::batch::Decoded;
use sheaf_witness::execute::{Execution, Receipt};

use crate::failure::Advice;
use crate::fleet::NatsArguments;
use crate::groth16::KeyChoice;
use crate::numbers::{Bytes, Count, Counted};
use crate::printer::Printer;
use crate::{files, footing, outlook, signals, Answer};

/// Memory that is left to everything but jobs: state, queue, circuits' tables that all jobs of a shape share.
pub const RESERVED_BYTES: u64 = 2 << 30;

/// Execute a batch and prove it: chunks, lifts, joins, one proof
///
/// With --until wrap two more steps, shrink and wrap, lead to the Groth16 proof that L1 verifies.
///
/// Everything that is done is kept in the data folder. After an interruption, whatever its cause, the same command
/// goes on where it stopped; when all is done it ends in seconds.
///
/// Before work starts it warns if memory or disk may not suffice; `sheaf doctor BATCH` tells more, time included.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  sheaf prove demo/batch.jsonl --data-dir demo/data --out demo/proof.bin
  sheaf prove demo/batch.jsonl --data-dir demo/data --out demo/batch.l1 --until wrap     # for `sheaf submit`

Exit codes:
  0  proven, and the proof was verified; some transactions may be rejected
  1  the file is no batch, is not for this state, nothing in it applies, or a job was set aside
  2  wrong usage, or something in the environment is missing or broken")]
pub struct Prove {
    /// The batch, in any form
    batch: PathBuf,
    /// Folder for the state and all work that is done; made if it does not exist
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Where the proven batch is written
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The genesis state for a new data folder [default: genesis.json beside the batch]
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,
    /// How sound: `proven` has at least 100 bits by proven bounds, `fast` is for development and tests
    #[arg(long, value_name = "PROFILE", default_value_t = Profile::Proven)]
    security: Profile,
    /// How far: `join` is one plonky2 proof, `wrap` the Groth16 proof that L1 verifies, in the form that L1 takes
    #[arg(long, value_name = "STAGE", value_enum, default_value_t = Stage::Join)]
    until: Stage,
    #[command(flatten)]
    key: KeyChoice,
    /// Jobs at once [default: from cores and memory]
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Attempts at a job, lost ones included, before it is set aside
    #[arg(long, value_name = "N", default_value_t = Policy::default().max_attempts)]
    attempts: u32,
    /// Have the jobs done by the workers of a fleet: its NATS server. The coordinator's --attempts counts then
    #[arg(long, value_name = "URL", env = "SHEAF_QUEUE")]
    #[arg(help_heading = "Fleet options")]
    queue: Option<String>,
    #[command(flatten)]
    nats: NatsArguments,
    /// Seconds from now until the proof is wanted; of a fleet's batches the most urgent goes first
    #[arg(long, value_name = "SECONDS", requires = "queue", help_heading = "Fleet options")]
    deadline: Option<u64>,
}

/// Where proving ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    Join,
    Wrap,
}

impl Prove {
    /// Proves the batch.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        let start = Instant::now();
        let decoded = files::read_batch(&self.batch)?;
        printer.warn_all(decoded.refused.iter());

        let progress = Arc::new(Progress::new(printer.clone()));
        let circuits = {
            let progress = progress.clone();
            Circuits::new(self.security, move |status| progress.circuit(status))
        };
        let mut circuits = circuits.context(Advice::new("the circuits cannot be had", "install sheaf anew"))?;
        let until = match self.until {
            Stage::Join => Until::Join,
            Stage::Wrap => {
                circuits = circuits.with_settlement(self.key.settlement(self.security, printer)?);
                Until::Wrap
            }
        };
        let session = self.open(Arc::new(circuits))?;
        footing::check_is_for(&self.batch, &decoded.batch.context, session.state().rollup())?;
        let batch = Batch { context: &decoded.batch.context, transactions: &decoded.batch.transactions };
        let room = Room { deadline_ms: self.deadline_ms(), ..room(self.jobs)? };
        progress.set_decoded(&decoded);
        let stop = signals::stop_flag()?;
        let proven = session
            .prove(batch, until, room, &stop, &|event| {
                if let BatchEvent::Workload(workload) = event {
                    printer.warn_all(outlook::shortfalls(workload, room, &self.data_dir).iter());
                }
                progress.batch(event);
            })
            .with_context(|| Advice::new("the batch was not proven", advice(&self.data_dir)).answer_no())?;
        progress.clear();

        files::write(&self.out, |file| file.write_all(&proven.file.to_bytes()))?;
        let report = Report::new(&self, &decoded, &proven, &progress, room, start)?;
        printer.report(&report)?;
        Ok(Answer::Yes)
    }

    fn deadline_ms(&self) -> u64 {
        self.deadline.map_or(u64::MAX, |seconds| now_ms().saturating_add(seconds.saturating_mul(1000)))
    }

    fn open(&self, circuits: Arc<Circuits>) -> Result<BatchSession> {
        let genesis = files::genesis_of(&self.batch, self.genesis.as_deref());
        let workplace = match &self.queue {
            Some(url) => {
                let link = self.nats.connect(url, "sheaf prove")?;
                Workplace::Fleet(Box::new(self.nats.queue(&link, &self.nats.lane(self.security)?)?))
            }
            None => Workplace::Here(Policy { max_attempts: self.attempts, ..Policy::default() }),
        };
        match BatchSession::open(&self.data_dir, || files::read_genesis(&genesis), circuits, workplace) {
            Ok(session) => Ok(session),
            Err(OpenSessionError::Genesis(error)) => Err(error),
            Err(error) => Err(anyhow::Error::new(error).context(Advice::new(
                format_args!("cannot use the data folder {}", self.data_dir.display()),
                "see whether another sheaf works on it; else name another folder",
            ))),
        }
    }
}

/// Now, in milliseconds since the Unix epoch.
fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

fn advice(data_dir: &Path) -> String {
    format!("mend the cause and run the same command: finished work in {} is kept", data_dir.display())
}

/// Jobs at once on a machine with so many cores: one for each four cores and at least two, so that the parts of one
/// that use a single core overlap with another.
pub fn jobs_at_once(cores: usize) -> usize {
    (cores / 4).max(2)
}

/// How much runs at once: as many jobs as told, or as the cores allow, and no more than memory allows.
pub fn room(jobs: Option<usize>) -> Result<Room> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = machine::memory().context(Advice::new("cannot tell how much memory there is", "is /proc mounted?"))?;
    Ok(Room {
        jobs: jobs.unwrap_or_else(|| jobs_at_once(cores)).max(1),
        memory_bytes: memory.available_bytes.saturating_sub(RESERVED_BYTES).max(RESERVED_BYTES),
        deadline_ms: u64::MAX,
    })
}

/// Seconds of one kind of work.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Spent {
    count: usize,
    seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_seconds: Option<f64>,
}

/// Bars and sums, fed from many threads.
struct Progress {
    printer: Printer,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    bars: BTreeMap<JobKind, ProgressBar>,
    spinner: Option<ProgressBar>,
    spent: BTreeMap<&'static str, Spent>,
    lines: Vec<String>,
}

impl Progress {
    fn new(printer: Printer) -> Self {
        Self { printer, inner: Mutex::default() }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Remembers where each transaction stands in the file, for receipts.
    fn set_decoded(&self, decoded: &Decoded) {
        self.lock().lines = decoded.positions.iter().map(ToString::to_string).collect();
    }

    fn circuit(&self, status: CircuitStatus<'_>) {
        match status {
            CircuitStatus::Built { name, seconds } => tracing::info!(name, seconds, "circuit built"),
            CircuitStatus::NotKept { name, error } => {
                self.printer.warn(format_args!("{name} is built again next time, since it cannot be kept: {error}"));
            }
            CircuitStatus::Building { .. } => {}
        }
    }

    fn batch(&self, event: BatchEvent<'_>) {
        match event {
            BatchEvent::Stage(name) => self.lock().spinner = Some(self.printer.spinner(name)),
            BatchEvent::StageDone { stage, seconds } => {
                let mut inner = self.lock();
                inner.add(stage, seconds, None);
                if let Some(spinner) = inner.spinner.take() {
                    spinner.finish_and_clear();
                }
            }
            BatchEvent::Workload(_) => {}
            BatchEvent::Executed(execution) => self.receipts(execution),
            BatchEvent::Jobs(counts) => self.lock().begin(&self.printer, counts),
            BatchEvent::Job(Event::Submitted(submitted)) => {
                tracing::info!(?submitted, "jobs submitted");
            }
            BatchEvent::Job(Event::Outage { reason }) => self.printer.warn(format_args!("waiting: {reason}")),
            BatchEvent::Job(Event::Back) => self.printer.note("The queue can be reached again"),
            BatchEvent::Job(Event::Job { id, batch, job, attempt, what }) => match what {
                JobEvent::Started => tracing::info!(batch, job = %id, label = job.label, attempt, "started"),
                JobEvent::HandedIn { .. } => {}
                JobEvent::Finished { seconds, cpu_seconds, length_bytes } => {
                    tracing::info!(batch, job = %id, label = job.label, seconds, cpu_seconds, length_bytes, "finished");
                    let mut inner = self.lock();
                    inner.add(job.kind.name(), seconds, Some(cpu_seconds));
                    inner.tick(job.kind);
                }
                JobEvent::Overtaken => {}
                JobEvent::Failed { reason, attempts_left } => self.printer.warn(format_args!(
                    "{} failed: {reason}; {} left",
                    job.label,
                    Counted(attempts_left.into(), "attempt")
                )),
                JobEvent::Lost { reason } => self.printer.warn(format_args!("{} was lost: {reason}", job.label)),
                JobEvent::SetAside { reason, bundle } => self.printer.warn(format_args!(
                    "{} was set aside: {reason}; its inputs are in {}",
                    job.label,
                    bundle.display()
                )),
            },
        }
    }

    fn receipts(&self, execution: &Execution) {
        let inner = self.lock();
        let rejected: Vec<String> = execution
            .receipts
            .iter()
            .enumerate()
            .filter_map(|(i, receipt)| match receipt {
                Receipt::Rejected(reason) => {
                    let line = inner.lines.get(i).map_or_else(|| format!("transaction {i}"), Clone::clone);
                    Some(format!("{line}: rejected: {reason}"))
                }
                Receipt::Applied(_) => None,
            })
            .collect();
        drop(inner);
        self.printer.warn_all(rejected.iter());
    }

    fn clear(&self) {
        for bar in self.lock().bars.values() {
            bar.finish_and_clear();
        }
    }
}

impl Inner {
    fn add(&mut self, name: &'static str, seconds: f64, cpu_seconds: Option<f64>) {
        let spent = self.spent.entry(name).or_default();
        spent.count += 1;
        spent.seconds += seconds;
        if let Some(cpu) = cpu_seconds {
            *spent.cpu_seconds.get_or_insert(0.0) += cpu;
        }
    }

    /// Shows a bar for each kind of job that is not done.
    fn begin(&mut self, printer: &Printer, counts: &JobCounts) {
        for (&kind, &JobCount { total, done }) in counts.iter().filter(|(_, count)| count.done < count.total) {
            let bar = printer.bar(kind.name(), total as u64);
            // What was done before says nothing about how fast it goes now.
            bar.set_position(done as u64);
            bar.reset_eta();
            self.bars.insert(kind, bar);
        }
    }

    fn tick(&mut self, kind: JobKind) {
        if let Some(bar) = self.bars.get(&kind) {
            bar.inc(1);
        }
    }
}

#[derive(Serialize)]
struct Report<'a> {
    transactions: usize,
    applied: usize,
    rejected: usize,
    refused: usize,
    fees: u64,
    chunks: BTreeMap<String, usize>,
    slots_used: f64,
    rows_per_transaction: f64,
    security: Profile,
    pre_root: Digest,
    post_root: Digest,
    da_commit: Digest,
    published_bytes: usize,
    proof_bytes: usize,
    stages: BTreeMap<&'static str, Spent>,
    jobs_at_once: usize,
    seconds: f64,
    cpu_seconds: f64,
    peak_memory_bytes: u64,
    resumed: bool,
    file: &'a Path,
}

impl<'a> Report<'a> {
    fn new(
        verb: &'a Prove,
        decoded: &Decoded,
        proven: &Proven,
        progress: &Progress,
        room: Room,
        start: Instant,
    ) -> Result<Self> {
        let planned = &proven.planned;
        let mut chunks = BTreeMap::new();
        for name in &planned.chunks {
            *chunks.entry(name.clone()).or_insert(0) += 1;
        }
        Ok(Self {
            transactions: decoded.batch.transactions.len(),
            applied: planned.applied,
            rejected: planned.rejected,
            refused: decoded.refused.len(),
            fees: planned.fees,
            chunks,
            slots_used: planned.applied as f64 / planned.slots as f64,
            rows_per_transaction: planned.rows as f64 / planned.applied as f64,
            security: verb.security,
            pre_root: planned.pre_root,
            post_root: planned.post_root,
            da_commit: planned.da_commit,
            published_bytes: planned.l1_bytes.len() + planned.l2_bytes.len(),
            proof_bytes: proven.file.proof_bytes(),
            stages: progress.lock().spent.clone(),
            jobs_at_once: room.jobs,
            seconds: start.elapsed().as_secs_f64(),
            cpu_seconds: machine::cpu_seconds()?,
            peak_memory_bytes: machine::peak_resident_bytes()?,
            resumed: proven.resumed,
            file: &verb.out,
        })
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "proven and verified: {}", self.file.display())?;
        writeln!(
            f,
            "  transactions   {} applied, {} rejected, {} unreadable",
            Count(self.applied as u64),
            Count(self.rejected as u64),
            Count(self.refused as u64)
        )?;
        let chunks: Vec<String> = self.chunks.iter().map(|(name, count)| format!("{count} {name}")).collect();
        let count: usize = self.chunks.values().sum();
        writeln!(
            f,
            "  chunks         {count} ({}), {:.0} % of the slots used",
            chunks.join(", "),
            100.0 * self.slots_used
        )?;
        writeln!(f, "  rows           {:.1} per transaction, padding included", self.rows_per_transaction)?;
        writeln!(f, "  security       {}", self.security)?;
        writeln!(f, "  state root     {}", self.pre_root)?;
        writeln!(f, "           now   {}", self.post_root)?;
        writeln!(f, "  daCommit       {}", self.da_commit)?;
        writeln!(
            f,
            "  published      {}, {:.1} bytes per transaction",
            Bytes(self.published_bytes as u64),
            self.published_bytes as f64 / self.applied as f64
        )?;
        writeln!(f, "  proof          {}", Bytes(self.proof_bytes as u64))?;
        writeln!(f, "  stage              count   seconds   CPU seconds")?;
        for (name, spent) in &self.stages {
            let cpu = spent.cpu_seconds.map_or_else(|| "-".to_owned(), |cpu| format!("{cpu:.1}"));
            writeln!(f, "    {name:<16} {:>5} {:>9.2} {cpu:>13}", spent.count, spent.seconds)?;
        }
        writeln!(
            f,
            "  in all         {:.1} s, {:.1} CPU s, {} at once, peak memory {}",
            self.seconds,
            self.cpu_seconds,
            Counted(self.jobs_at_once as u64, "job"),
            Bytes(self.peak_memory_bytes)
        )?;
        if self.resumed {
            writeln!(f, "  resumed        what was done before was not done again")?;
        }
        Ok(())
    }
}
