//! Artifacts that a disk loses or changes are noticed, and made again by the job that made them.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use sheaf_prover::artifact::{ArtifactRef, FileArtifacts};
use sheaf_prover::digest::JobId;
use sheaf_prover::graph::{Graph, GraphBuilder};
use sheaf_prover::job::{Input, JobKind};
use sheaf_prover::queue::{Cause, EmbeddedQueue, JobState, Queue, Status};
use sheaf_prover::runner::{Limits, RunError, Runner};
use support::*;

type Damage = fn(&Path);

/// Every way in which a file can be damaged.
const DAMAGES: [(&str, Damage); 6] = [
    ("one bit flipped", |path| {
        let mut bytes = fs::read(path).unwrap();
        bytes[7] ^= 1;
        fs::write(path, bytes).unwrap();
    }),
    ("other bytes", |path| fs::write(path, [0xAA; RESULT_BYTES]).unwrap()),
    ("cut off", |path| fs::write(path, &fs::read(path).unwrap()[..13]).unwrap()),
    ("emptied", |path| fs::write(path, b"").unwrap()),
    ("extended", |path| fs::write(path, [fs::read(path).unwrap(), vec![0]].concat()).unwrap()),
    ("removed", |path| fs::remove_file(path).unwrap()),
];

fn run(queue: &EmbeddedQueue, work: &Toy, graph: &Graph) -> Result<Vec<u8>, RunError> {
    let limits = Limits { worker: "a".into(), jobs: 2, memory_bytes: u64::MAX };
    Runner::new(queue, work, limits, &|_| {}).run(graph)
}

fn job_id(graph: &Graph, label: &str) -> JobId {
    graph.jobs().iter().find(|(_, job)| job.label == label).unwrap().0
}

/// Where the result of a job is stored.
fn path(folder: &Path, status: &Status, id: JobId) -> PathBuf {
    let job = status.graphs[0].jobs.iter().find(|job| job.id == id).unwrap();
    let JobState::Done { artifact, .. } = &job.state else { panic!("{} is not done", job.label) };
    file(folder, artifact)
}

fn file(folder: &Path, artifact: &ArtifactRef) -> PathBuf {
    FileArtifacts::open(folder.join("artifacts")).unwrap().path(artifact.hash)
}

#[test]
fn a_resumed_graph_makes_damaged_results_again_and_only_those() {
    let folder = tempfile::tempdir().unwrap();
    let graph = tree("g", 3);
    run(&open(folder.path(), patient()), &Toy::right(), &graph).unwrap();
    for label in ["g: chunk 1", "g: lift 0", "g: join 1.0", "g: join 2.0"] {
        for (name, damage) in DAMAGES {
            let queue = open(folder.path(), patient());
            let whole = path(folder.path(), &queue.status().unwrap(), job_id(&graph, label));
            damage(&whole);
            let work = Toy::right();
            assert_eq!(run(&queue, &work, &graph).unwrap(), right_result(&graph), "{label} {name}");
            assert_eq!((work.times(label), work.total()), (1, 1), "{label} {name}");
            assert_eq!(fs::read(&whole).unwrap().len(), RESULT_BYTES);
        }
    }
}

#[test]
fn everything_damaged_at_once_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let graph = tree("g", 3);
    let queue = open(folder.path(), patient());
    run(&queue, &Toy::right(), &graph).unwrap();
    for ((id, _), (_, damage)) in graph.jobs().iter().zip(DAMAGES.iter().cycle()) {
        damage(&path(folder.path(), &queue.status().unwrap(), *id));
    }
    let work = Toy::right();
    assert_eq!(run(&queue, &work, &graph).unwrap(), right_result(&graph));
    assert_eq!(work.total(), graph.jobs().len());
}

#[test]
fn damage_while_a_graph_runs_is_noticed_when_the_result_is_needed() {
    for (name, damage) in DAMAGES {
        let folder = tempfile::tempdir().unwrap();
        let graph = tree("g", 1);
        let queue = open(folder.path(), patient());
        queue.submit(&graph).unwrap();
        let chunk = claim(&queue);
        finish(&queue, &chunk);
        damage(&path(folder.path(), &queue.status().unwrap(), chunk.id));

        let again = claim(&queue);
        assert_eq!((again.id, again.attempt), (chunk.id, 2), "{name}");
        finish(&queue, &again);
        let lift = claim(&queue);
        assert_eq!((lift.job.label.as_str(), lift.attempt), ("g: lift 0", 1), "the reader lost no attempt");
        finish(&queue, &lift);

        damage(&path(folder.path(), &queue.status().unwrap(), lift.id));
        assert_eq!(queue.result(lift.id).unwrap(), None, "{name}");
        finish(&queue, &claim(&queue));
        assert_eq!(queue.result(lift.id).unwrap().unwrap(), right_result(&graph), "{name}");
    }
}

#[test]
fn a_disk_that_damages_everything_does_not_keep_a_job_going_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let graph = tree("g", 1);
    let queue = open(folder.path(), patient());
    queue.submit(&graph).unwrap();
    let mut times = 0;
    while let Some(lease) = queue.claim(&capability("a")).unwrap() {
        times += 1;
        finish(&queue, &lease);
        fs::write(path(folder.path(), &queue.status().unwrap(), lease.id), b"").unwrap();
    }
    assert_eq!(times, 5);
    assert_eq!(queue.progress(graph.root()).unwrap().set_aside.len(), 1);
}

#[test]
fn a_damaged_input_that_no_job_makes_sets_its_reader_aside_until_it_is_put_again() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path(), patient());
    let witness = vec![7; 5000];
    let input = queue.artifacts().put(&witness).unwrap();
    let mut graph = GraphBuilder::new();
    let job = graph.add(spec(JobKind::Chunk, "job", vec![Input::Artifact(input)])).unwrap();
    let graph = graph.finish("g").unwrap();
    queue.submit(&graph).unwrap();
    fs::write(file(folder.path(), &input), vec![8; 5000]).unwrap();

    assert!(queue.claim(&capability("a")).unwrap().is_none());
    let status = queue.status().unwrap();
    assert_eq!(status.graphs[0].jobs[0].failures[0].cause, Cause::Input);
    queue.artifacts().put(&witness).unwrap();
    queue.retry(job).unwrap();
    assert_eq!(claim(&queue).inputs, [witness]);
}
