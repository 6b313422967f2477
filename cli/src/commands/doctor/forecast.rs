//! What a batch will take on this machine.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use sheaf_aggregator::pipeline::{
    prepare, Batch, Circuits, Forecast, Needs, Prepared, Speed, StageForecast, Until, Workload,
};
use sheaf_circuits::security::Profile;
use sheaf_prover::digest::JobId;
use sheaf_prover::machine;
use sheaf_prover::queue::embedded::EmbeddedQueue;
use sheaf_prover::queue::{JobState, OpenError};
use sheaf_witness::state::{MemoryState, StateRead};

use super::{Finding, Verdict};
use crate::commands::prove::{room, Stage};
use crate::data_dir::DataDir;
use crate::failure::Advice;
use crate::groth16::KeyChoice;
use crate::numbers::{Bytes, Count, Counted};
use crate::printer::Printer;
use crate::{files, footing, outlook};

/// How the batch is going to be proven, with the names that `sheaf prove` has.
#[derive(Args)]
pub struct ForecastOptions {
    /// The genesis state, where the data folder has no state [default: genesis.json beside the batch]
    #[arg(long, value_name = "FILE", requires = "batch")]
    genesis: Option<PathBuf>,
    /// How sound, as for `sheaf prove`: `proven` or `fast`
    #[arg(long, value_name = "PROFILE", requires = "batch", default_value_t = Profile::Proven)]
    security: Profile,
    /// How far, as for `sheaf prove`
    #[arg(long, value_name = "STAGE", value_enum, requires = "batch", default_value_t = Stage::Join)]
    until: Stage,
    #[command(flatten)]
    key: KeyChoice,
    /// Jobs at once [default: from cores and memory]
    #[arg(long, value_name = "N", requires = "batch")]
    jobs: Option<usize>,
}

impl ForecastOptions {
    /// Executes and plans `batch`, finds out how fast this machine is, and predicts.
    pub fn forecast(&self, batch: &Path, data_dir: Option<&Path>, printer: &Printer) -> Result<BatchForecast> {
        let decoded = files::read_batch(batch)?;
        printer.warn_all(decoded.refused.iter());
        let (circuits, until) = self.circuits(printer)?;
        let content = Batch { context: &decoded.batch.context, transactions: &decoded.batch.transactions };
        let data = data_dir.map(DataDir::new);
        let prepared = match data.as_ref().filter(|data| data.state().exists()) {
            Some(data) => {
                let state = footing::open_state(data)?;
                footing::check_is_next(batch, content.context, state.rollup(), state.batches())?;
                prepared(batch, content, &circuits, &state.reader(state.root())?)?
            }
            None => {
                let genesis = footing::genesis(batch, self.genesis.as_deref())?;
                footing::check_is_next(batch, content.context, &genesis.rollup(), 0)?;
                prepared(batch, content, &circuits, &MemoryState::with_cells(genesis.cells()))?
            }
        };
        let done = data.as_ref().map_or_else(|| Ok(HashSet::new()), done)?;
        let workload = Workload::of_batch(&circuits, content.context, &prepared, until, |job| done.contains(&job))
            .context(Advice::new("the batch's jobs cannot be named", "report this"))?;

        let room = room(self.jobs)?;
        let cores = outlook::cores();
        let available_bytes = machine::memory()?.available_bytes;
        let needs = workload.needs(room, cores);
        let speed =
            Speed::measure(cores).context(Advice::new("cannot tell how fast this machine is", "is /proc mounted?"))?;
        let place = data_dir.unwrap_or(Path::new("."));
        let mut chunks = BTreeMap::new();
        prepared.planned.chunks.iter().for_each(|name| *chunks.entry(name.clone()).or_insert(0) += 1);
        Ok(BatchForecast {
            batch: batch.to_owned(),
            transactions: prepared.planned.applied,
            chunks,
            rows: prepared.planned.rows,
            security: self.security,
            until: self.until,
            cores,
            available_memory_bytes: available_bytes,
            memory_shortfall: outlook::memory(&needs, available_bytes, || {
                workload.jobs_within(available_bytes, room, cores)
            }),
            disk_shortfall: outlook::disk(&workload, &needs, place),
            refused: workload.refused(room),
            forecast: workload.forecast(room, &speed),
            needs,
            speed,
        })
    }

    fn circuits(&self, printer: &Printer) -> Result<(Circuits, Until)> {
        let circuits = Circuits::new(self.security, |_| ())
            .context(Advice::new("the circuits cannot be had", "install sheaf anew"))?;
        Ok(match self.until {
            Stage::Join => (circuits, Until::Join),
            Stage::Wrap => (circuits.with_settlement(self.key.settlement(self.security, printer)?), Until::Wrap),
        })
    }
}

fn prepared<S: StateRead>(path: &Path, batch: Batch<'_>, circuits: &Circuits, state: &S) -> Result<Prepared> {
    prepare(batch, circuits, state, &|_| ()).with_context(|| {
        let next = "see what each transaction comes to with `sheaf execute`";
        Advice::new(format_args!("{} cannot be proven", path.display()), next).answer_no()
    })
}

/// The jobs that are done in a data folder.
fn done(data: &DataDir) -> Result<HashSet<JobId>> {
    let status = match EmbeddedQueue::look(&data.jobs()) {
        Ok(status) => status,
        Err(OpenError::Absent { .. }) => return Ok(HashSet::new()),
        Err(error) => {
            let what = format!("cannot read the jobs in {}", data.path().display());
            return Err(anyhow::Error::new(error).context(Advice::new(what, "see `sheaf status`")));
        }
    };
    let jobs = status.graphs.into_iter().flat_map(|graph| graph.jobs);
    Ok(jobs.filter(|job| matches!(job.state, JobState::Done { .. })).map(|job| job.id).collect())
}

/// The forecast and what it is for.
#[derive(Serialize)]
pub struct BatchForecast {
    batch: PathBuf,
    transactions: usize,
    chunks: BTreeMap<String, usize>,
    rows: u64,
    security: Profile,
    until: Stage,
    cores: usize,
    #[serde(flatten)]
    forecast: Forecast,
    #[serde(flatten)]
    needs: Needs,
    available_memory_bytes: u64,
    speed: Speed,
    #[serde(skip)]
    memory_shortfall: Option<String>,
    #[serde(skip)]
    disk_shortfall: Option<String>,
    /// What a job asks for that is refused.
    #[serde(skip)]
    refused: Option<u64>,
}

impl BatchForecast {
    /// Whether it fits.
    pub fn findings(&self) -> Vec<Finding> {
        let Needs { peak_memory_bytes, disk_bytes, kept_bytes, .. } = self.needs;
        let peak = format!("up to {} of {} available", Bytes(peak_memory_bytes), Bytes(self.available_memory_bytes));
        let peak = match (&self.memory_shortfall, self.refused) {
            (_, Some(bytes)) => {
                let next =
                    format!("a job is given {}, which is more than there is: use a larger machine", Bytes(bytes));
                Finding::of("peak", Verdict::Bad, peak, next)
            }
            (Some(shortfall), None) => Finding::of("peak", Verdict::Warning, peak, shortfall.as_str()),
            (None, None) => Finding::good("peak", peak),
        };
        let space = match kept_bytes {
            0 => format!("{} in the data folder", Bytes(disk_bytes)),
            kept => format!("{} in the data folder, {} for circuits that are kept", Bytes(disk_bytes), Bytes(kept)),
        };
        let space = match &self.disk_shortfall {
            Some(shortfall) => Finding::of("space", Verdict::Warning, space, shortfall.as_str()),
            None => Finding::good("space", space),
        };
        vec![peak, space]
    }
}

impl fmt::Display for BatchForecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chunks: Vec<String> = self.chunks.iter().map(|(name, count)| format!("{count} {name}")).collect();
        writeln!(f, "forecast for {}", self.batch.display())?;
        writeln!(f, "  transactions   {} apply", Count(self.transactions as u64))?;
        writeln!(f, "  chunks         {}, {} rows", chunks.join(", "), Count(self.rows))?;
        writeln!(f, "  security       {}", self.security)?;
        writeln!(
            f,
            "  speed          {:.2} CPU seconds for each of the reference machine, {:.2} with all cores busy",
            self.speed.alone, self.speed.together
        )?;
        writeln!(
            f,
            "                 {:.1} of {} are to be had",
            self.speed.cores,
            Counted(self.cores as u64, "core")
        )?;
        writeln!(f, "  stage              count   seconds   CPU seconds")?;
        for StageForecast { stage, count, seconds, cpu_seconds } in &self.forecast.stages {
            writeln!(f, "    {stage:<16} {count:>5} {seconds:>9.1} {cpu_seconds:>13.1}")?;
        }
        writeln!(
            f,
            "  in all         {:.0} s, {:.0} CPU s, {} at once, peak memory {}",
            self.forecast.seconds,
            self.forecast.cpu_seconds,
            Counted(self.needs.jobs_at_once as u64, "job"),
            Bytes(self.needs.peak_memory_bytes)
        )
    }
}
