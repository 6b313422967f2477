//! `sheaf bench`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{bail, Context as _, Result};
use clap::Args;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sheaf_circuits::security::Profile;
use tempfile::TempDir;

use crate::failure::Advice;
use crate::numbers::{Bytes, Count};
use crate::printer::Printer;
use crate::{files, Answer};

/// Prove a batch from nothing with each profile and print one table
///
/// Each profile is a `sheaf prove` of its own in a temporary folder, so that nothing is resumed and peak memory is that
/// of one run; then its proof is verified.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  sheaf bench demo/batch.jsonl
  sheaf bench demo/batch.jsonl --security fast --jobs 1 --json

Exit codes:
  0  done
  1  the batch was not proven
  2  wrong usage, or something in the environment is missing or broken")]
pub struct Bench {
    /// The batch
    batch: PathBuf,
    /// Only this profile [default: both]
    #[arg(long, value_name = "PROFILE")]
    security: Option<Profile>,
    /// The genesis state [default: genesis.json beside the batch]
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,
    /// Jobs at once [default: from cores and memory]
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Where the temporary folders are made
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
}

impl Bench {
    /// Measures.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        let profiles = Profile::ALL.into_iter().filter(|profile| self.security.is_none_or(|only| only == *profile));
        let runs = profiles.map(|profile| self.measure(profile)).collect::<Result<Vec<_>>>()?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        printer.report(&Report { batch: &self.batch, cores, runs })?;
        Ok(Answer::Yes)
    }

    fn measure(&self, security: Profile) -> Result<Run> {
        let folder = match &self.scratch {
            Some(place) => TempDir::new_in(place),
            None => TempDir::new(),
        };
        let folder =
            folder.context(Advice::new("cannot make a temporary folder", "name another place by --scratch"))?;
        let proof = folder.path().join("proof.bin");
        let genesis = files::genesis_of(&self.batch, self.genesis.as_deref());
        let mut prove = sheaf(&["prove", "--json"])?;
        prove.arg(&self.batch).arg("--genesis").arg(genesis).args(["--security", security.name()]);
        prove.arg("--data-dir").arg(folder.path().join("data")).arg("--out").arg(&proof);
        if let Some(jobs) = self.jobs {
            prove.args(["--jobs", &jobs.to_string()]);
        }
        let proven: Proven = result_of(prove)?;
        let mut verify = sheaf(&["verify", "--json", "--security", security.name()])?;
        verify.arg(&proof);
        Ok(Run::new(security, proven, result_of::<Verified>(verify)?))
    }
}

/// This program, with these arguments. What it says on stderr (progress) passes through.
fn sheaf(arguments: &[&str]) -> Result<Command> {
    let program =
        std::env::current_exe().context(Advice::new("cannot tell where this program is", "run it by its full path"))?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stderr(Stdio::inherit());
    Ok(command)
}

fn result_of<T: DeserializeOwned>(mut command: Command) -> Result<T> {
    let output = command.output().context(Advice::new("cannot run this program again", "is there memory left?"))?;
    if !output.status.success() {
        bail!(Advice::new("a run that was to be measured failed", "mend what it said above").answer_no());
    }
    serde_json::from_slice(&output.stdout).context("a run gave a report that this program cannot read; this is a bug")
}

/// What is read from the report of `sheaf prove`.
#[derive(Deserialize)]
struct Proven {
    applied: u64,
    chunks: BTreeMap<String, u64>,
    rows_per_transaction: f64,
    proof_bytes: u64,
    stages: BTreeMap<String, Stage>,
    seconds: f64,
    cpu_seconds: f64,
    peak_memory_bytes: u64,
}

/// What is read from the report of `sheaf verify`.
#[derive(Deserialize)]
struct Verified {
    milliseconds: f64,
}

/// One stage: jobs of a kind, or work without jobs.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Stage {
    count: u64,
    seconds: f64,
    cpu_seconds: Option<f64>,
}

/// One profile, measured.
#[derive(Serialize)]
struct Run {
    security: Profile,
    transactions: u64,
    chunks: BTreeMap<String, u64>,
    stages: BTreeMap<String, Stage>,
    seconds: f64,
    cpu_seconds: f64,
    transactions_per_second: f64,
    transactions_per_cpu_second: f64,
    rows_per_transaction: f64,
    rows_per_cpu_second: f64,
    recursion_overhead: f64,
    peak_memory_bytes: u64,
    proof_bytes: u64,
    verify_milliseconds: f64,
}

impl Run {
    fn new(security: Profile, proven: Proven, verified: Verified) -> Self {
        let cpu = |name: &str| proven.stages.get(name).and_then(|stage| stage.cpu_seconds).unwrap_or(0.0);
        let (chunks, recursion) = (cpu("chunk"), cpu("lift") + cpu("join"));
        let transactions = proven.applied as f64;
        Self {
            security,
            transactions: proven.applied,
            seconds: proven.seconds,
            cpu_seconds: proven.cpu_seconds,
            transactions_per_second: ratio(transactions, proven.seconds),
            transactions_per_cpu_second: ratio(transactions, proven.cpu_seconds),
            rows_per_transaction: proven.rows_per_transaction,
            rows_per_cpu_second: ratio(proven.rows_per_transaction * transactions, chunks),
            recursion_overhead: ratio(recursion, chunks),
            peak_memory_bytes: proven.peak_memory_bytes,
            proof_bytes: proven.proof_bytes,
            verify_milliseconds: verified.milliseconds,
            chunks: proven.chunks,
            stages: proven.stages,
        }
    }
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 {
        part / whole
    } else {
        0.0
    }
}

#[derive(Serialize)]
struct Report<'a> {
    batch: &'a Path,
    cores: usize,
    runs: Vec<Run>,
}

/// Columns of the table: what it is, then one for each run.
const LABEL_WIDTH: usize = 34;
const COLUMN_WIDTH: usize = 24;

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |f: &mut fmt::Formatter<'_>, label: &str, value: &dyn Fn(&Run) -> String| {
            let values: String = self.runs.iter().map(|run| format!("{:>COLUMN_WIDTH$}", value(run))).collect();
            writeln!(f, "{label:<LABEL_WIDTH$}{values}")
        };
        writeln!(f, "{}, {} cores", self.batch.display(), self.cores)?;
        row(f, "", &|run| run.security.to_string())?;
        row(f, "transactions", &|run| Count(run.transactions).to_string())?;
        let chunks = |run: &Run| run.chunks.iter().map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>();
        row(f, "chunks", &|run| chunks(run).join(", "))?;
        let mut stages: Vec<&String> = self.runs.iter().flat_map(|run| run.stages.keys()).collect();
        stages.sort_unstable();
        stages.dedup();
        for stage in stages {
            row(f, &format!("{stage}: count, s, CPU s"), &|run| {
                let Stage { count, seconds, cpu_seconds } = run.stages.get(stage).copied().unwrap_or_default();
                let cpu = cpu_seconds.map_or_else(|| "-".into(), |seconds| format!("{seconds:.1}"));
                format!("{count}, {seconds:.2}, {cpu}")
            })?;
        }
        row(f, "in all: s, CPU s", &|run| format!("{:.1}, {:.1}", run.seconds, run.cpu_seconds))?;
        row(f, "transactions a second", &|run| format!("{:.2}", run.transactions_per_second))?;
        row(f, "transactions a second and core", &|run| format!("{:.2}", run.transactions_per_cpu_second))?;
        row(f, "rows a transaction", &|run| format!("{:.0}", run.rows_per_transaction))?;
        row(f, "chunk rows a CPU second", &|run| Count(run.rows_per_cpu_second as u64).to_string())?;
        row(f, "recursion against chunks (CPU)", &|run| format!("{:.0} %", 100.0 * run.recursion_overhead))?;
        row(f, "peak memory", &|run| Bytes(run.peak_memory_bytes).to_string())?;
        row(f, "proof", &|run| Bytes(run.proof_bytes).to_string())?;
        row(f, "verify", &|run| format!("{:.0} ms", run.verify_milliseconds))
    }
}
