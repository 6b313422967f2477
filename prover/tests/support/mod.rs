//! Cheap jobs for tests of the queue and the runner: chains of sha256.
#![allow(dead_code, reason = "each test file uses a part of this")]

pub mod nats;
pub mod place;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sha2::{Digest, Sha256};
use sheaf_prover::digest::CircuitDigest;
use sheaf_prover::graph::{Ability, Graph, GraphBuilder};
use sheaf_prover::job::{Input, JobKind, JobSpec};
use sheaf_prover::queue::{Capability, Effort, EmbeddedQueue, Lease, Policy, Queue};
use sheaf_prover::work::{Check, Work, WorkError};

/// The circuit of all test jobs.
pub const CIRCUIT: CircuitDigest = CircuitDigest([5; 32]);
/// A circuit whose results no test can check.
pub const UNCOVERED: CircuitDigest = CircuitDigest([9; 32]);
/// Memory of a test job.
pub const MEMORY_BYTES: u64 = 10;

/// A job named by its label, which is its payload too.
pub fn spec(kind: JobKind, label: &str, inputs: Vec<Input>) -> JobSpec {
    JobSpec {
        kind,
        circuit: CIRCUIT,
        inputs,
        payload: label.as_bytes().to_vec(),
        memory_bytes: MEMORY_BYTES,
        priority: 0,
        label: label.to_owned(),
    }
}

/// A graph of one job.
pub fn single(label: &str) -> Graph {
    let mut graph = GraphBuilder::new();
    graph.add(spec(JobKind::Chunk, label, vec![])).unwrap();
    graph.finish(label).unwrap()
}

/// Chunks, a lift for each, and a tree of joins.
pub fn tree(name: &str, chunks: usize) -> Graph {
    let mut graph = GraphBuilder::new();
    let mut add = |kind, label: String, inputs| Input::Job(graph.add(spec(kind, &label, inputs)).unwrap());
    let mut level: Vec<Input> = (0..chunks)
        .map(|i| {
            let chunk = add(JobKind::Chunk, format!("{name}: chunk {i}"), vec![]);
            add(JobKind::Lift, format!("{name}: lift {i}"), vec![chunk])
        })
        .collect();
    let mut height = 0;
    while level.len() > 1 {
        height += 1;
        level = level
            .chunks(2)
            .enumerate()
            .map(|(i, pair)| match pair {
                [one] => *one,
                pair => add(JobKind::Join, format!("{name}: join {height}.{i}"), pair.to_vec()),
            })
            .collect();
    }
    graph.finish(name).unwrap()
}

/// Bytes of a test job's result: more than is kept with the records, so that it is a file.
pub const RESULT_BYTES: usize = 32 * 160;

/// The right result of a test job.
pub fn right(job: &JobSpec, inputs: &[Vec<u8>]) -> Vec<u8> {
    let mut hasher = Sha256::new();
    hasher.update(&job.payload);
    inputs.iter().for_each(|input| hasher.update(input));
    hasher.finalize().repeat(RESULT_BYTES / 32)
}

/// The right result of a graph of test jobs.
pub fn right_result(graph: &Graph) -> Vec<u8> {
    let mut results = std::collections::HashMap::new();
    for (id, job) in graph.jobs() {
        let inputs: Vec<Vec<u8>> = job.dependencies().map(|id| Vec::clone(&results[&id])).collect();
        results.insert(*id, right(job, &inputs));
    }
    results.remove(&graph.root()).unwrap()
}

/// Checks test jobs by doing them again.
pub struct ByRedoing;

impl Check for ByRedoing {
    fn check(&self, job: &JobSpec, inputs: &[Vec<u8>], output: &[u8]) -> Result<(), String> {
        if output == right(job, inputs) {
            Ok(())
        } else {
            Err("it is another hash".to_owned())
        }
    }

    fn covers(&self, ability: Ability) -> Result<(), String> {
        match ability.circuit == UNCOVERED {
            true => Err("start one that has it".to_owned()),
            false => Ok(()),
        }
    }
}

type Run = dyn Fn(&JobSpec, &[Vec<u8>]) -> Result<Vec<u8>, WorkError> + Send + Sync;

/// Does test jobs as a closure says and keeps a list of what it did.
pub struct Toy {
    run: Box<Run>,
    /// Labels of the jobs that were begun.
    pub begun: Mutex<Vec<String>>,
}

impl Toy {
    /// Does every job right.
    pub fn right() -> Self {
        Self::with(|job, inputs| Ok(right(job, inputs)))
    }

    /// Does every job as `run` says.
    pub fn with(run: impl Fn(&JobSpec, &[Vec<u8>]) -> Result<Vec<u8>, WorkError> + Send + Sync + 'static) -> Self {
        Self { run: Box::new(run), begun: Mutex::default() }
    }

    /// How often a job was begun.
    pub fn times(&self, label: &str) -> usize {
        self.begun.lock().unwrap().iter().filter(|begun| *begun == label).count()
    }

    /// How many jobs were begun.
    pub fn total(&self) -> usize {
        self.begun.lock().unwrap().len()
    }
}

impl Check for Toy {
    fn check(&self, job: &JobSpec, inputs: &[Vec<u8>], output: &[u8]) -> Result<(), String> {
        ByRedoing.check(job, inputs, output)
    }

    fn covers(&self, ability: Ability) -> Result<(), String> {
        ByRedoing.covers(ability)
    }
}

impl Work for Toy {
    fn abilities(&self) -> BTreeSet<Ability> {
        JobKind::ALL.into_iter().map(|kind| Ability { kind, circuit: CIRCUIT }).collect()
    }

    fn run(&self, job: &JobSpec, inputs: &[Vec<u8>]) -> Result<Vec<u8>, WorkError> {
        self.begun.lock().unwrap().push(job.label.clone());
        (self.run)(job, inputs)
    }
}

/// Leases long enough never to run out during a test.
pub fn patient() -> Policy {
    Policy::default()
}

/// Leases that run out at once.
pub fn hasty() -> Policy {
    Policy { lease: Duration::from_millis(20), ..Policy::default() }
}

/// Opens the queue in `folder`.
pub fn open(folder: &Path, policy: Policy) -> EmbeddedQueue {
    EmbeddedQueue::open(folder, policy, Arc::new(ByRedoing)).unwrap()
}

/// A worker that takes anything.
pub fn capability(worker: &str) -> Capability {
    Capability {
        worker: worker.to_owned(),
        abilities: Toy::right().abilities(),
        memory_bytes: u64::MAX,
        idle: true,
        graph: None,
        turn: 0,
        holds: None,
    }
}

/// What a test job took.
pub fn effort() -> Effort {
    Effort { worker: "a".to_owned(), seconds: 0.5, cpu_seconds: 0.25 }
}

/// Claims a job, which there must be.
pub fn claim(queue: &dyn Queue) -> Lease {
    queue.claim(&capability("a")).unwrap().expect("a job is ready")
}

/// Hands in the right result of a lease.
pub fn finish(queue: &dyn Queue, lease: &Lease) -> sheaf_prover::queue::Completion {
    queue.complete(lease, &right(&lease.job, &lease.inputs), effort()).unwrap()
}
