//! `sheaf retry`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use sheaf_prover::digest::JobId;
use sheaf_prover::graph::Ability;
use sheaf_prover::job::JobSpec;
use sheaf_prover::queue::{EmbeddedQueue, Policy, Queue};
use sheaf_prover::work::Check;

use crate::data_dir::DataDir;
use crate::failure::Advice;
use crate::fleet::LaneArguments;
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
  sheaf retry --queue nats://10.0.0.5:4222  # of a fleet

Exit codes:
  0  done
  1  no such job was set aside
  2  wrong usage, or the folder is in use or not there")]
pub struct Retry {
    /// The jobs, as `sheaf status` names them; otherwise all that were set aside
    jobs: Vec<JobId>,
    /// The data folder
    #[arg(long, value_name = "DIR", required_unless_present = "queue")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    fleet: LaneArguments,
}

/// Putting jobs back needs no results, so none is taken.
struct NoResults;

impl Check for NoResults {
    fn check(&self, _: &JobSpec, _: &[Vec<u8>], _: &[u8]) -> Result<(), String> {
        Err("sheaf retry takes no results".into())
    }

    fn covers(&self, _: Ability) -> Result<(), String> {
        Err("sheaf retry takes no graphs".into())
    }
}

impl Retry {
    /// Puts back.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        let queue: Box<dyn Queue> = match &self.data_dir {
            Some(folder) => Box::new(open(folder)?),
            None => Box::new(self.fleet.queue("sheaf retry")?),
        };
        let status = queue.status().context(Advice::new("the queue fails", "see `sheaf status`"))?;
        let set_aside = status.graphs.iter().flat_map(|graph| &graph.progress.set_aside).copied();
        let jobs: Vec<JobId> = if self.jobs.is_empty() { set_aside.collect() } else { self.jobs.clone() };
        for &job in &jobs {
            queue.retry(job).with_context(|| {
                let next = "see `sheaf status` for the jobs that were set aside";
                Advice::new(format_args!("cannot put job {job} back"), next).answer_no()
            })?;
        }
        printer.report(&Report { jobs: &jobs })?;
        Ok(if jobs.is_empty() { Answer::No } else { Answer::Yes })
    }
}

/// The queue in a data folder, for verbs that neither submit nor do jobs.
pub fn open(folder: &Path) -> Result<EmbeddedQueue> {
    let jobs = DataDir::new(folder).jobs();
    let cannot_open = || {
        let what = format!("cannot open the jobs in {}", folder.display());
        Advice::new(what, "name the --data-dir that `sheaf prove` works in, while no process works there")
    };
    // Looking fails where there is no queue; opening would make one.
    EmbeddedQueue::look(&jobs).with_context(cannot_open)?;
    EmbeddedQueue::open(&jobs, Policy::default(), Arc::new(NoResults)).with_context(cannot_open)
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
