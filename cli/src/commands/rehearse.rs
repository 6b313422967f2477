//! `sheaf rehearse`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use sheaf_prover::queue::{EmbeddedQueue, GraphStatus, JobState, Policy, Queue};
use sheaf_prover::rehearsal::{self, Rehearsal, Times};
use sheaf_prover::runner::{follow, Event, JobEvent, Limits, RunError, Runner};

use crate::failure::Advice;
use crate::fleet::NatsArguments;
use crate::numbers::{Count, Counted};
use crate::printer::Printer;
use crate::{signals, Answer};

/// Send batches through a queue whose jobs wait instead of proving
///
/// Shows what a queue can do and that a fleet works, before money is spent on proving. Results are checked as proofs
/// are: by the coordinator, when they come in. With --queue the jobs are done by `sheaf worker --rehearsal`, else by
/// threads of this process with a queue in a temporary folder.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  sheaf rehearse --batches 4 --chunks 500 --workers 8           # the embedded queue's own speed
  sheaf coordinator --rehearsal --queue nats://127.0.0.1:4222 --data-dir /tmp/rehearsal &
  sheaf worker --rehearsal --queue nats://127.0.0.1:4222 --jobs 8 &
  sheaf rehearse --queue nats://127.0.0.1:4222 --chunks 500

Exit codes:
  0  every batch was done, and its result is right
  1  a job was set aside
  2  wrong usage, or something in the environment is missing or broken")]
pub struct Rehearse {
    /// The NATS server of a fleet
    #[arg(long, value_name = "URL", env = "SHEAF_QUEUE")]
    queue: Option<String>,
    #[command(flatten)]
    nats: NatsArguments,
    /// Batches, at once
    #[arg(long, value_name = "N", default_value_t = 1)]
    batches: usize,
    /// Chunks of a batch; with lifts and joins that makes three jobs a chunk, less one
    #[arg(long, value_name = "N", default_value_t = 100)]
    chunks: usize,
    /// Milliseconds that a chunk takes
    #[arg(long, value_name = "MS", default_value_t = 0)]
    chunk_ms: u64,
    /// Milliseconds that a lift or join takes
    #[arg(long, value_name = "MS", default_value_t = 0)]
    recursion_ms: u64,
    /// Workers of this process, without --queue
    #[arg(long, value_name = "N", default_value_t = 2, conflicts_with = "queue")]
    workers: usize,
    /// Makes the jobs others than those of rehearsals before [default: from the clock]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

impl Rehearse {
    /// Sends the batches through.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        let stop = signals::stop_flag()?;
        let start = Instant::now();
        let folder = tempfile::tempdir().context(Advice::new("cannot make a temporary folder", "set TMPDIR"))?;
        let queue: Box<dyn Queue> = match &self.queue {
            Some(url) => {
                let link = self.nats.connect(url, "sheaf rehearse")?;
                Box::new(self.nats.queue(&link, &self.nats.rehearsal_lane()?)?)
            }
            None => {
                let opened = EmbeddedQueue::open(folder.path(), Policy::default(), Arc::new(Rehearsal));
                Box::new(opened.context(Advice::new("cannot make a queue", "set TMPDIR to a folder with room"))?)
            }
        };
        let seed = self.seed.unwrap_or_else(rand::random);
        let bar = printer.bar("jobs", (self.batches * (3 * self.chunks).saturating_sub(1)) as u64);
        let on_event = |event: Event<'_>| {
            if let Event::Job { what: JobEvent::Finished { .. }, .. } = event {
                bar.inc(1);
            }
        };
        let latencies = Mutex::new(Vec::new());
        thread::scope(|scope| -> Result<()> {
            let batches: Vec<_> = (0..self.batches)
                .map(|batch| {
                    let (queue, stop, latencies) = (&*queue, &*stop, &latencies);
                    let this = &self;
                    scope.spawn(move || -> Result<()> {
                        let seed = seed.wrapping_add(batch as u64);
                        this.one(queue, seed, batch, stop, &on_event)?;
                        latencies.lock().expect("no one panics").push(start.elapsed().as_secs_f64());
                        Ok(())
                    })
                })
                .collect();
            batches.into_iter().try_for_each(|batch| batch.join().expect("batches do not panic"))
        })?;
        bar.finish_and_clear();
        let graphs = queue.status().context(Advice::new("the queue fails", "try again"))?.graphs;
        let latencies = latencies.into_inner().expect("no one panics");
        printer.report(&Report::new(&graphs, start.elapsed(), latencies))?;
        Ok(Answer::Yes)
    }

    fn one(
        &self,
        queue: &dyn Queue,
        seed: u64,
        batch: usize,
        stop: &AtomicBool,
        on_event: &(dyn Fn(Event<'_>) + Sync),
    ) -> Result<()> {
        let times =
            Times { chunk: Duration::from_millis(self.chunk_ms), recursion: Duration::from_millis(self.recursion_ms) };
        let graph = rehearsal::graph(&format!("rehearsal {seed:016x}"), seed, self.chunks, times)
            .context(Advice::new("that is no batch", "give --chunks at least one"))?;
        let done = match self.queue {
            Some(_) => follow(queue, &graph, stop, on_event),
            None => {
                let worker = format!("rehearse-{batch}");
                let jobs = self.workers.div_ceil(self.batches.max(1));
                let limits = Limits { worker, jobs, memory_bytes: 0 };
                Runner::new(queue, &Rehearsal, limits, on_event).stop_on(stop).run(&graph)
            }
        };
        done.map(drop).map_err(|error| {
            let advice = Advice::new("the rehearsal failed", "mend what is said above; `sheaf status` tells more");
            let advice = if matches!(error, RunError::SetAside { .. }) { advice.answer_no() } else { advice };
            anyhow::Error::new(error).context(advice)
        })
    }
}

/// What was seen of one worker.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct OfWorker {
    jobs: usize,
    attempts: u64,
}

#[derive(Serialize)]
struct Report {
    batches: usize,
    jobs: usize,
    /// Attempts beyond one a job: what was done again.
    attempts_lost: u64,
    seconds: f64,
    jobs_per_second: f64,
    batch_seconds: Vec<f64>,
    workers: BTreeMap<String, OfWorker>,
}

impl Report {
    fn new(graphs: &[GraphStatus], took: Duration, mut batch_seconds: Vec<f64>) -> Self {
        let mut workers = BTreeMap::<String, OfWorker>::new();
        let (mut jobs, mut attempts) = (0, 0);
        for job in graphs.iter().flat_map(|graph| &graph.jobs) {
            if let JobState::Done { effort, .. } = &job.state {
                let worker = workers.entry(effort.worker.clone()).or_default();
                worker.jobs += 1;
                worker.attempts += u64::from(job.attempts);
                jobs += 1;
                attempts += u64::from(job.attempts);
            }
        }
        batch_seconds.sort_by(f64::total_cmp);
        Self {
            batches: batch_seconds.len(),
            jobs,
            attempts_lost: attempts.saturating_sub(jobs as u64),
            seconds: took.as_secs_f64(),
            jobs_per_second: jobs as f64 / took.as_secs_f64(),
            batch_seconds,
            workers,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (batches, jobs) = (Counted(self.batches as u64, "batch"), Counted(self.jobs as u64, "job"));
        writeln!(f, "{batches}, {jobs} in {:.1} s: {:.0} jobs a second", self.seconds, self.jobs_per_second)?;
        writeln!(f, "  attempts lost  {}", Count(self.attempts_lost))?;
        for (worker, of) in &self.workers {
            writeln!(f, "  {worker:<24} {}", Counted(of.jobs as u64, "job"))?;
        }
        Ok(())
    }
}
