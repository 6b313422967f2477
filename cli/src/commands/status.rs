//! `sheaf status`.

mod rate;
mod screen;
#[cfg(test)]
mod test_graphs;
mod watch;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{bail, Context as _, Result};
use clap::Args;
use serde::Serialize;
use sheaf_prover::fleet::FleetQueue;
use sheaf_prover::queue::{
    EmbeddedQueue, GraphStatus, JobState, JobStatus, Queue as _, QueueError, Status as QueueStatus,
};

use crate::data_dir::DataDir;
use crate::failure::Advice;
use crate::fleet::LaneArguments;
use crate::numbers::{Count, Counted};
use crate::printer::Printer;
use crate::{signals, Answer};
use watch::Look;

/// Show the jobs of a data folder or of a fleet
///
/// Works while another process proves in the folder. Jobs that were set aside after too many attempts are listed with
/// their last failure and their replay bundle; `sheaf retry` puts them back.
///
/// With --watch it looks again and again until it is told to stop, and draws one screen in place; where stdout is no
/// terminal it prints a line for each change.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  sheaf status --data-dir demo/data
  sheaf status --data-dir demo/data --all --json
  sheaf status --queue nats://10.0.0.5:4222
  sheaf status --queue nats://10.0.0.5:4222 --watch 5

Exit codes:
  0  every job is done or on its way
  1  jobs were set aside
  2  wrong usage, or there is no such folder or coordinator")]
pub struct Status {
    /// The data folder
    #[arg(long, value_name = "DIR", required_unless_present = "queue")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    fleet: LaneArguments,
    /// List every job, not only those that run or were set aside
    #[arg(long)]
    all: bool,
    /// Look again every so many seconds [default: 2]
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2", conflicts_with = "all")]
    watch: Option<f64>,
}

/// Where the jobs are that are looked at.
enum Place {
    Fleet(Box<FleetQueue>),
    Folder(PathBuf),
}

impl Status {
    /// Shows.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        if self.watch.is_some() && printer.is_json() {
            bail!(Advice::new(
                "--watch draws for people",
                "leave out --watch or --json; for machines there are metrics"
            ));
        }
        let place = match self.data_dir {
            Some(folder) => Place::Folder(folder),
            None => Place::Fleet(Box::new(self.fleet.queue("sheaf status")?)),
        };
        let status = match self.watch {
            Some(seconds) => watch_place(&place, seconds, printer)?,
            None => {
                let report = Report { place: place.to_string(), all: self.all, status: place.look()? };
                printer.report(&report)?;
                report.status
            }
        };
        let set_aside = status.graphs.iter().any(|graph| !graph.progress.set_aside.is_empty());
        Ok(if set_aside { Answer::No } else { Answer::Yes })
    }
}

impl Place {
    fn look(&self) -> Result<QueueStatus> {
        match self {
            Self::Fleet(queue) => queue.status().context(Advice::new("the queue fails", "try again")),
            Self::Folder(folder) => look(folder),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fleet(queue) => f.write_str(&queue.place()),
            Self::Folder(folder) => folder.display().fmt(f),
        }
    }
}

fn watch_place(place: &Place, seconds: f64, printer: &Printer) -> Result<QueueStatus> {
    let pause = Duration::try_from_secs_f64(seconds)
        .context(Advice::new("that is no pause between looks", "give --watch a positive number of seconds"))?;
    let stop = signals::stop_flag()?;
    watch::watch(&place.to_string(), pause, &stop, printer, || match place.look() {
        Ok(status) => Ok(Look::Seen(status)),
        Err(error) => match error.downcast_ref::<QueueError>() {
            Some(cause) if cause.is_outage() => Ok(Look::Away { reason: cause.to_string() }),
            _ => Err(error),
        },
    })
}

fn look(folder: &Path) -> Result<QueueStatus> {
    EmbeddedQueue::look(&DataDir::new(folder).jobs()).with_context(|| {
        let what = format!("cannot read the jobs in {}", folder.display());
        Advice::new(what, "name the --data-dir that `sheaf prove` works in")
    })
}

#[derive(Serialize)]
struct Report {
    place: String,
    #[serde(skip)]
    all: bool,
    #[serde(flatten)]
    status: QueueStatus,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.status.graphs.is_empty() {
            return writeln!(f, "No jobs in {}", self.place);
        }
        for graph in &self.status.graphs {
            write_graph(f, graph, self.all)?;
        }
        Ok(())
    }
}

/// A graph in a line.
struct Summary<'a>(&'a GraphStatus);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(GraphStatus { label, progress, .. }) = self;
        let [done, total, leased, ready, waiting, set_aside] = [
            progress.done,
            progress.total,
            progress.leased,
            progress.ready,
            progress.waiting,
            progress.set_aside.len(),
        ]
        .map(|count| Count(count as u64));
        write!(f, "{label}: {done} of {total} jobs done")?;
        if !progress.is_done() {
            write!(f, ", {leased} running, {ready} ready, {waiting} waiting, {set_aside} set aside")?;
        }
        Ok(())
    }
}

fn write_graph(f: &mut fmt::Formatter<'_>, graph: &GraphStatus, all: bool) -> fmt::Result {
    writeln!(f, "{}", Summary(graph))?;
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
        JobState::Done { effort, .. } => writeln!(f, ", {:.1} s", effort.seconds)?,
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
