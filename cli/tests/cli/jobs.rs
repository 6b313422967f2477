//! `sheaf status` and `sheaf retry` on a folder where a job was set aside.

use std::collections::BTreeSet;
use std::sync::Arc;

use sheaf_prover::digest::CircuitDigest;
use sheaf_prover::graph::{Ability, GraphBuilder};
use sheaf_prover::job::{Input, JobKind, JobSpec};
use sheaf_prover::queue::{EmbeddedQueue, Policy};
use sheaf_prover::runner::{Limits, Runner};
use sheaf_prover::work::{Check, Work, WorkError};

use crate::support::Session;

const CIRCUIT: CircuitDigest = CircuitDigest([7; 32]);

/// Does every job but the second chunk.
struct BreaksOnce;

impl Check for BreaksOnce {
    fn check(&self, _: &JobSpec, _: &[Vec<u8>], _: &[u8]) -> Result<(), String> {
        Ok(())
    }

    fn covers(&self, _: Ability) -> Result<(), String> {
        Ok(())
    }
}

impl Work for BreaksOnce {
    fn abilities(&self) -> BTreeSet<Ability> {
        [JobKind::Chunk, JobKind::Join].map(|kind| Ability { kind, circuit: CIRCUIT }).into()
    }

    fn run(&self, job: &JobSpec, _: &[Vec<u8>]) -> Result<Vec<u8>, WorkError> {
        match job.label.as_str() {
            "chunk 2 of 2" => Err(WorkError::Permanent("a witness breaks a constraint".into())),
            _ => Ok(job.label.clone().into_bytes()),
        }
    }
}

fn spec(kind: JobKind, label: &str, inputs: Vec<Input>) -> JobSpec {
    let payload = label.as_bytes().to_vec();
    JobSpec { kind, circuit: CIRCUIT, inputs, payload, memory_bytes: 1, priority: 0, label: label.into() }
}

#[test]
fn a_job_that_was_set_aside_is_shown_and_put_back() {
    let mut session = Session::new();
    let mut graph = GraphBuilder::new();
    let chunks = ["chunk 1 of 2", "chunk 2 of 2"].map(|label| graph.add(spec(JobKind::Chunk, label, vec![])).unwrap());
    graph.add(spec(JobKind::Join, "join", chunks.map(Input::Job).into())).unwrap();
    let graph = graph.finish("batch 1").unwrap();
    let queue = EmbeddedQueue::open(&session.path("data/jobs"), Policy::default(), Arc::new(BreaksOnce)).unwrap();
    let limits = Limits { worker: "test".into(), jobs: 1, memory_bytes: 1 << 20 };
    Runner::new(&queue, &BreaksOnce, limits, &|_| ()).run(&graph).unwrap_err();

    let shown = session.run("status --data-dir data");
    assert_eq!(shown.exit_code, 1);
    let in_use = session.quietly("retry --data-dir data");
    assert_eq!(in_use.exit_code, 2);
    assert!(in_use.stderr.contains("in use by process"), "{}", in_use.stderr);
    drop(queue);
    assert_eq!(session.run("retry --data-dir data").exit_code, 0);
    assert_eq!(session.run("status --data-dir data --all").exit_code, 0);
    session.run("status --data-dir data --json");
    session.run("retry --data-dir data");
    session.run(&format!("retry {} --data-dir data", chunks[0]));
    session.compare("set-aside");
}
