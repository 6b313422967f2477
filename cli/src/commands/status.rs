//! `sheaf status`.

use std::fmt;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use sheaf_prover::queue::{EmbeddedQueue, GraphStatus, JobState, JobStatus, Status as QueueStatus};

use crate::data_dir::DataDir;
use crate::failure::Advice;
use crate::numbers::{Count, Counted};
use crate::printer::Printer;
use crate::Answer;

/// Show the jobs of a data folder
///
/// Works while another process proves in the folder. Jobs that were set aside after too many attempts are listed with
/// their last failure and their replay bundle; `sheaf retry` puts them back.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  sheaf status --data-dir demo/data
  sheaf status --data-dir demo/data --all --json

Exit codes:
  0  every job is done or on its way
  1  jobs were set aside
  2  wrong usage, or there is no such folder")]
pub struct Status {
    /// The data folder
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// List every job, not only those that run or were set aside
    #[arg(long)]
    all: bool,
}

impl Status {
    /// Shows.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        let queue = DataDir::new(&self.data_dir).jobs();
        let status = EmbeddedQueue::look(&queue).with_context(|| {
            let what = format!("cannot read the jobs in {}", self.data_dir.display());
            Advice::new(what, "name the --data-dir that `sheaf prove` works in")
        })?;
        let report = Report { data_dir: self.data_dir, all: self.all, status };
        printer.report(&report)?;
        let set_aside = report.status.graphs.iter().any(|graph| !graph.progress.set_aside.is_empty());
        Ok(if set_aside { Answer::No } else { Answer::Yes })
    }
}

#[derive(Serialize)]
struct Report {
    data_dir: PathBuf,
    #[serde(skip)]
    all: bool,
    #[serde(flatten)]
    status: QueueStatus,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.status.graphs.is_empty() {
            return writeln!(f, "No jobs in {}", self.data_dir.display());
        }
        for graph in &self.status.graphs {
            write_graph(f, graph, self.all)?;
        }
        Ok(())
    }
}

fn write_graph(f: &mut fmt::Formatter<'_>, graph: &GraphStatus, all: bool) -> fmt::Result {
    let progress = &graph.progress;
    let [done, total, leased, ready, waiting, set_aside] =
        [progress.done, progress.total, progress.leased, progress.ready, progress.waiting, progress.set_aside.len()]
            .map(|count| Count(count as u64));
    write!(f, "{}: {done} of {total} jobs done", graph.label)?;
    if !progress.is_done() {
        write!(f, ", {leased} running, {ready} ready, {waiting} waiting, {set_aside} set aside")?;
    }
    writeln!(f)?;
    for job in &graph.jobs {
        if all || matches!(job.state, JobState::Leased { .. } | JobState::SetAside { .. }) {
            write_job(f, job)?;
        }
    }
    Ok(())
}

fn write_job(f: &mut fmt::Formatter<'_>, job: &JobStatus) -> fmt::Result {
    write!(f, "  {:<10} {}", job.state.name(), job.label)?;
    match &job.state {
        JobState::Leased { worker, .. } => writeln!(f, ", attempt {} by {worker}", job.attempts)?,
        JobState::Done { seconds, .. } => writeln!(f, ", {seconds:.1} s")?,
        JobState::SetAside { bundle } => {
            writeln!(f, " after {}\n             job {}", Counted(job.attempts.into(), "attempt"), job.id)?;
            writeln!(f, "             replay bundle {}", bundle.display())?;
        }
        JobState::Waiting | JobState::Ready => writeln!(f)?,
    }
    match job.failures.last() {
        Some(failure) => writeln!(f, "             last failure: {}", failure.reason),
        None => Ok(()),
    }
}
