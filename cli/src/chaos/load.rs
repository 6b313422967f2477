//! The batches that go through a fleet while harm is done to it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use anyhow::{bail, Result};
use sheaf_prover::graph::Graph;
use sheaf_prover::queue::{GraphStatus, Queue, QueueError};
use sheaf_prover::rehearsal::{self, Times};
use sheaf_prover::runner::follow;

/// Chunks of a batch, and how long its jobs wait: some seconds for a batch, so that most faults hit the middle of one.
const CHUNKS: usize = 40;
const TIMES: Times = Times { chunk: Duration::from_millis(250), recursion: Duration::from_millis(60) };
/// Between two questions while the queue cannot be reached.
const OUTAGE_PAUSE: Duration = Duration::from_millis(500);

/// What became of the batches.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Batches that were begun.
    pub begun: u64,
    /// Of these, done with the right result.
    pub right: u64,
    /// Jobs of these.
    pub jobs: u64,
    /// Attempts that failed, by cause.
    pub failed: BTreeMap<&'static str, u64>,
    /// Attempts beyond the first of a job that no failure stands before.
    pub unexplained: u64,
}

/// Sends one batch after another.
pub struct Load<'a> {
    queue: &'a dyn Queue,
    seed: u64,
    next: AtomicU64,
    /// No more batches are begun.
    closing: AtomicBool,
    /// Those that were begun are given up.
    abort: AtomicBool,
    /// Those that are on their way.
    open: Mutex<BTreeMap<u64, Arc<Graph>>>,
    tally: Mutex<Tally>,
}

impl<'a> Load<'a> {
    /// `seed` makes the jobs others than those of other runs.
    pub fn new(queue: &'a dyn Queue, seed: u64) -> Self {
        let (closing, abort) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { queue, seed, next: AtomicU64::new(0), closing, abort, open: Mutex::default(), tally: Mutex::default() }
    }

    /// Sends batches through, one at a time, until it is closed. Gives what went wrong.
    pub fn run(&self) -> Result<()> {
        while !self.closing.load(Ordering::Relaxed) {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            lock(&self.tally).begun += 1;
            let done = self.one(number);
            lock(&self.open).remove(&number);
            done.map_err(|error| error.context(format!("batch {number}")))?;
        }
        Ok(())
    }

    /// No batch is begun any more.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// Batches are given up.
    pub fn abort(&self) {
        self.close();
        self.abort.store(true, Ordering::Relaxed);
    }

    /// The batches that are on their way.
    pub fn open(&self) -> Vec<Arc<Graph>> {
        lock(&self.open).values().cloned().collect()
    }

    /// What became of all so far.
    pub fn tally(&self) -> Tally {
        lock(&self.tally).clone()
    }

    fn one(&self, number: u64) -> Result<()> {
        let seed = self.seed.wrapping_add(number);
        let graph = Arc::new(rehearsal::graph(&format!("chaos {number}"), seed, CHUNKS, TIMES)?);
        lock(&self.open).insert(number, graph.clone());
        let result = follow(self.queue, &graph, &self.abort, &|_| {})?;
        if result != rehearsal::root_result(&graph) {
            bail!("its result is {}, which is wrong", hex::encode(result));
        }
        let status = self.persist(|| self.queue.graph(graph.root()))?;
        lock(&self.tally).add(&status);
        match self.persist(|| self.queue.settle(graph.root())) {
            // Said before, with an answer that did not arrive.
            Ok(()) | Err(QueueError::UnknownGraph(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Asks until there is an answer.
    pub fn persist<T>(&self, ask: impl Fn() -> Result<T, QueueError>) -> Result<T, QueueError> {
        loop {
            match ask() {
                Err(error) if error.is_outage() && !self.abort.load(Ordering::Relaxed) => thread::sleep(OUTAGE_PAUSE),
                answer => return answer,
            }
        }
    }
}

impl Tally {
    fn add(&mut self, graph: &GraphStatus) {
        self.right += 1;
        self.jobs += graph.jobs.len() as u64;
        for job in &graph.jobs {
            for failure in &job.failures {
                *self.failed.entry(failure.cause.name()).or_default() += 1;
            }
            self.unexplained += u64::from(job.attempts).saturating_sub(1 + job.failures.len() as u64);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
