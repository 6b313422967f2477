//! `sheaf execute`.

mod report;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Args;
use sheaf_circuits::hash::Digest;
use sheaf_witness::batch::Decoded;
use sheaf_witness::execute::{execute, Execution, SignatureChecks};
use sheaf_witness::state::{MemoryState, StateRead};

use self::report::Report;
use crate::data_dir::DataDir;
use crate::failure::Advice;
use crate::printer::Printer;
use crate::{files, footing, Answer};

/// Execute a batch without proving it: receipts, conflicts, transactions per second
///
/// Runs on the state of --data-dir, or in memory on the genesis beside the batch. Nothing is changed. A line that cannot
/// be read is reported with its number and left out; a transaction that does not apply is rejected with the reason; the
/// others go on. The batch is executed twice, with and without signature checks, and both rates are reported, each with
/// the new state root included.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  sheaf execute demo/batch.jsonl
  sheaf execute demo/batch.jsonl --receipts receipts.jsonl --json

Exit codes:
  0  done; some transactions may be rejected
  1  the file is no batch, is not for this state, or nothing in it applies (with --strict: something does not)
  2  wrong usage, or a file cannot be read or written")]
pub struct Execute {
    /// The batch, - for stdin
    batch: PathBuf,
    /// The genesis state; otherwise genesis.json beside the batch
    #[arg(long, value_name = "FILE", conflicts_with = "data_dir")]
    genesis: Option<PathBuf>,
    /// Execute on the state of this data folder
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Write a receipt for each entry of the batch, one JSON object a line
    #[arg(long, value_name = "FILE")]
    receipts: Option<PathBuf>,
    /// Answer no when a line is refused or a transaction rejected
    #[arg(long)]
    strict: bool,
    /// Threads; otherwise one a core
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Execute this often and report the fastest
    #[arg(long, value_name = "N", default_value_t = 1)]
    repeat: u32,
}

impl Execute {
    /// Executes.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        let threads = rayon::ThreadPoolBuilder::new().num_threads(self.threads.unwrap_or(0)).build()?;
        let decoded = files::read_batch(&self.batch)?;
        let runs = threads.install(|| match &self.data_dir {
            Some(data_dir) => {
                let state = footing::open_state(&DataDir::new(data_dir))?;
                footing::check_is_next(&self.batch, &decoded.batch.context, state.rollup(), state.batches())?;
                self.execute(&decoded, &state.reader(state.root())?)
            }
            None => {
                let genesis = footing::genesis(&self.batch, self.genesis.as_deref())?;
                footing::check_is_next(&self.batch, &decoded.batch.context, &genesis.rollup(), 0)?;
                self.execute(&decoded, &MemoryState::with_cells(genesis.cells()))
            }
        })?;
        let report = Report::new(&self.batch, &decoded, &runs, threads.current_num_threads());
        if let Some(path) = &self.receipts {
            let receipts = report::receipts(&decoded, &runs.execution)?;
            files::write(path, |file| file.write_all(receipts.as_bytes()))?;
        }
        printer.warn_all(report.warnings().iter());
        printer.report(&report)?;
        let flawed = !report.refused.is_empty() || !report.rejected.is_empty();
        Ok(if report.applied == 0 || (self.strict && flawed) { Answer::No } else { Answer::Yes })
    }

    fn execute<S: StateRead>(&self, decoded: &Decoded, state: &S) -> Result<Runs> {
        let mut fastest = [Duration::MAX; 2];
        let mut last = None;
        for _ in 0..self.repeat.max(1) {
            for (checks, fastest) in [SignatureChecks::Skip, SignatureChecks::Verify].into_iter().zip(&mut fastest) {
                let start = Instant::now();
                let execution = run_once(&self.batch, decoded, state, checks)?;
                *fastest = start.elapsed().min(*fastest);
                last = Some(execution);
            }
        }
        let (execution, post_root) = last.expect("it runs at least once, with checks last");
        let [without_signatures, with_signatures] = fastest;
        Ok(Runs { pre_root: state.root(), post_root, execution, without_signatures, with_signatures })
    }
}

/// Executes and finds the new root.
fn run_once<S: StateRead>(
    batch: &Path,
    decoded: &Decoded,
    state: &S,
    checks: SignatureChecks,
) -> Result<(Execution, Digest)> {
    let execution = execute(&decoded.batch.context, &decoded.batch.transactions, state, checks).with_context(|| {
        let next = "mend the batch, or take it without the entry that is named";
        Advice::new(format_args!("{} cannot be executed", batch.display()), next).answer_no()
    })?;
    let root = state.prepare(execution.cells.clone())?.root();
    Ok((execution, root))
}

/// What was found, and how long it took with and without signature checks.
pub struct Runs {
    pre_root: Digest,
    post_root: Digest,
    execution: Execution,
    without_signatures: Duration,
    with_signatures: Duration,
}
