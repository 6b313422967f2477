//! `sheaf retry`.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use sheaf_prover::digest::JobId;
use sheaf_prover::job::JobSpec;
use sheaf_prover::queue::{EmbeddedQueue, Policy, Queue};
use sheaf_prover::work::Check;

use crate::data_dir::DataDir;
use crate::failure::Advice;
use crate::numbers::Counted;
use crate::printer::Printer;
use crate::Answer;

/// Put jobs that were set aside back into the queue, with all their attempts
///
/// Mend the cause first; `sheaf status` tells the last failure of each. Then run the command that was proving again.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  sheaf status --data-dir demo/data
  sheaf retry --data-dir demo/data          # all that were set aside
  sheaf retry --data-dir demo/data 5f1c…    # one of them

Exit codes:
  0  done
  1  no such job was set aside
  2  wrong usage, or the folder is in use or not there")]
pub struct Retry {
    /// The jobs, as `sheaf status` names them; otherwise all that were set aside
    jobs: Vec<JobId>,
    /// The data folder
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
}

/// Putting jobs back needs no results, so none is taken.
struct NoResults;

impl Check for NoResults {
    fn check(&self, _: &JobSpec, _: &[Vec<u8>], _: &[u8]) -> Result<(), String> {
        Err("sheaf retry takes no results".into())
    }
}

impl Retry {
    /// Puts back.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        let folder = DataDir::new(&self.data_dir).jobs();
        let cannot_open = || {
            let what = format!("cannot open the jobs in {}", self.data_dir.display());
            Advice::new(what, "name the --data-dir that `sheaf prove` works in, while no process works there")
        };
        // Looking fails where there is no queue; opening would make one.
        let status = EmbeddedQueue::look(&folder).with_context(cannot_open)?;
        let set_aside = status.graphs.iter().flat_map(|graph| &graph.progress.set_aside).copied();
        let jobs: Vec<JobId> = if self.jobs.is_empty() { set_aside.collect() } else { self.jobs.clone() };
        if !jobs.is_empty() {
            let queue =
                EmbeddedQueue::open(&folder, Policy::default(), Arc::new(NoResults)).with_context(cannot_open)?;
            for &job in &jobs {
                queue.retry(job).with_context(|| {
                    let next = "see `sheaf status` for the jobs that were set aside";
                    Advice::new(format_args!("cannot put job {job} back"), next).answer_no()
                })?;
            }
        }
        printer.report(&Report { jobs: &jobs })?;
        Ok(if jobs.is_empty() { Answer::No } else { Answer::Yes })
    }
}

#[derive(Serialize)]
struct Report<'a> {
    jobs: &'a [JobId],
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.jobs.len() as u64 {
            0 => writeln!(f, "No job was set aside"),
            count => writeln!(f, "Put {} back; run the command that was proving again", Counted(count, "job")),
        }
    }
}
