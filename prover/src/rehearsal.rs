//! Jobs that wait instead of proving: to try out a fleet, its faults and its limits, at no cost.
//!
//! Only the time a job takes is made up. What goes over the queue is real: a job's result is a hash of what it read,
//! which the coordinator checks, so lost, mixed up and wrong results show as they would with proofs.

use std::collections::{BTreeSet, HashMap};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::digest::{CircuitDigest, JobId};
use crate::graph::{Ability, Graph, GraphBuilder, GraphError};
use crate::job::{Input, JobKind, JobSpec};
use crate::work::{Check, Work, WorkError};

/// The lane of rehearsals.
pub const LANE: &str = "rehearsal";
/// Names the "circuit" of their jobs.
const CIRCUIT: CircuitDigest = CircuitDigest(*b"sheaf rehearsal: waits, no proof");
/// A job waits no longer than this, whatever its payload says.
const LONGEST: Duration = Duration::from_secs(3600);

/// What a job is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Payload {
    /// Tells jobs apart.
    name: [u64; 3],
    /// How long it waits.
    time: Duration,
}

/// Does rehearsal jobs, and checks them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rehearsal;

/// How long each kind of job waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// A chunk.
    pub chunk: Duration,
    /// A lift or join.
    pub recursion: Duration,
}

/// The graph of a batch with so many chunks, each lifted, joined in pairs. `seed` makes its jobs others than those of
/// any other rehearsal.
///
/// # Errors
/// [`GraphError::Empty`] without chunks.
pub fn graph(label: &str, seed: u64, chunks: usize, times: Times) -> Result<Graph, GraphError> {
    let mut builder = GraphBuilder::new();
    let mut add = |kind: JobKind, place: [u64; 2], priority, time, inputs: Vec<Input>| {
        let payload = Payload { name: [seed, place[0], place[1]], time };
        let spec = JobSpec {
            kind,
            circuit: CIRCUIT,
            inputs,
            payload: postcard::to_stdvec(&payload).expect("numbers encode"),
            memory_bytes: 0,
            priority,
            label: format!("{kind} {} at height {}", place[1], place[0]),
        };
        builder.add(spec).map(Input::Job)
    };
    let mut level = Vec::with_capacity(chunks);
    for chunk in 0..chunks as u64 {
        let chunk_job = add(JobKind::Chunk, [0, chunk], 2, times.chunk, vec![])?;
        level.push(add(JobKind::Lift, [1, chunk], 1, times.recursion, vec![chunk_job])?);
    }
    let mut height = 2;
    while level.len() > 1 {
        let mut next = Vec::with_capacity(level.len().div_ceil(2));
        for (i, pair) in level.chunks(2).enumerate() {
            next.push(match pair {
                [one] => *one,
                pair => add(JobKind::Join, [height, i as u64], 0, times.recursion, pair.to_vec())?,
            });
        }
        level = next;
        height += 1;
    }
    builder.finish(label)
}

/// The result that a graph of rehearsals has when nothing goes wrong, without waiting for it.
///
/// # Panics
/// On a graph whose jobs read artifacts, which those of [`graph`] do not.
pub fn root_result(graph: &Graph) -> Vec<u8> {
    let mut results: HashMap<JobId, Vec<u8>> = HashMap::with_capacity(graph.jobs().len());
    for (id, job) in graph.jobs() {
        let read = |input: &Input| match input {
            Input::Job(maker) => results[maker].clone(),
            Input::Artifact(_) => panic!("jobs of rehearsals read results only"),
        };
        let inputs: Vec<Vec<u8>> = job.inputs.iter().map(read).collect();
        results.insert(*id, result(job, &inputs));
    }
    results.remove(&graph.root()).expect("the root is a job")
}

fn result(job: &JobSpec, inputs: &[Vec<u8>]) -> Vec<u8> {
    let mut hasher = Sha256::new();
    hasher.update(job.id().0);
    inputs.iter().for_each(|input| hasher.update(input));
    hasher.finalize().to_vec()
}

impl Check for Rehearsal {
    fn check(&self, job: &JobSpec, inputs: &[Vec<u8>], output: &[u8]) -> Result<(), String> {
        let expected = result(job, inputs);
        match output == expected {
            true => Ok(()),
            false => Err(format!("the result is {}, expected {}", hex::encode(output), hex::encode(expected))),
        }
    }

    fn covers(&self, ability: Ability) -> Result<(), String> {
        match self.abilities().contains(&ability) {
            true => Ok(()),
            false => Err("only rehearsals are done here".to_owned()),
        }
    }
}

impl Work for Rehearsal {
    fn abilities(&self) -> BTreeSet<Ability> {
        [JobKind::Chunk, JobKind::Lift, JobKind::Join].map(|kind| Ability { kind, circuit: CIRCUIT }).into()
    }

    fn run(&self, job: &JobSpec, inputs: &[Vec<u8>]) -> Result<Vec<u8>, WorkError> {
        let payload = postcard::from_bytes::<Payload>(&job.payload);
        let payload = payload.map_err(|error| WorkError::Permanent(format!("payload: {error}")))?;
        thread::sleep(payload.time.min(LONGEST));
        Ok(result(job, inputs))
    }
}
