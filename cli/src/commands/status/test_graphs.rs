//! Graphs as a queue shows them, for tests.

use std::path::PathBuf;

use sheaf_prover::artifact::ArtifactRef;
use sheaf_prover::digest::{CircuitDigest, JobId};
use sheaf_prover::job::JobKind;
use sheaf_prover::queue::{Cause, Effort, Failure, Fence, GraphStatus, JobState, JobStatus, Progress};

/// A batch of 100 transactions in so many chunks, of which the first `done` jobs are done. Of those that are left, a
/// third as many as there are chunks, at least one, run, as many are ready, and the others wait.
pub fn graph(number: u8, chunks: usize, done: usize) -> GraphStatus {
    let kinds = [(JobKind::Chunk, chunks), (JobKind::Lift, chunks), (JobKind::Join, chunks - 1)];
    let kinds: Vec<JobKind> = kinds.into_iter().flat_map(|(kind, count)| vec![kind; count]).collect();
    let leased = (chunks / 3).max(1);
    let jobs: Vec<JobStatus> = (0..kinds.len()).map(|index| job(index, kinds[index], done, leased)).collect();
    let mut graph = GraphStatus {
        root: JobId([number; 32]),
        label: format!("batch {number}"),
        deadline_ms: u64::MAX,
        transactions: 100,
        progress: Progress::default(),
        jobs,
    };
    count(&mut graph);
    graph
}

/// The same with its first ready job set aside.
pub fn with_set_aside(mut graph: GraphStatus) -> GraphStatus {
    let job = graph.jobs.iter_mut().find(|job| job.state == JobState::Ready).unwrap();
    job.state = JobState::SetAside { bundle: PathBuf::from("bundle") };
    job.attempts = 5;
    job.failures = vec![Failure { cause: Cause::Panic, reason: "it panicked: at line 1\n in the circuit".into() }];
    count(&mut graph);
    graph
}

fn job(index: usize, kind: JobKind, done: usize, leased: usize) -> JobStatus {
    let effort = Effort { worker: "a".to_owned(), seconds: 1.0, cpu_seconds: 1.0 };
    let state = match index {
        _ if index < done => JobState::Done { artifact: ArtifactRef::of(b"result"), effort },
        _ if index < done + leased => JobState::Leased { worker: "a".to_owned(), fence: Fence(index as u64) },
        _ if index < done + 2 * leased => JobState::Ready,
        _ => JobState::Waiting,
    };
    JobStatus {
        id: JobId([index as u8; 32]),
        kind,
        circuit: CircuitDigest([1; 32]),
        label: format!("job {index}"),
        memory_bytes: 0,
        attempts: u32::from(index < done + leased),
        state,
        failures: Vec::new(),
    }
}

fn count(graph: &mut GraphStatus) {
    let mut progress = Progress { total: graph.jobs.len(), ..Progress::default() };
    for job in &graph.jobs {
        match job.state {
            JobState::Waiting => progress.waiting += 1,
            JobState::Ready => progress.ready += 1,
            JobState::Leased { .. } => progress.leased += 1,
            JobState::Done { .. } => progress.done += 1,
            JobState::SetAside { .. } => progress.set_aside.push(job.id),
        }
    }
    graph.progress = progress;
}
