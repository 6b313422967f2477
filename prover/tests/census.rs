//! What a queue counts: what it holds now, and what happened since it was opened.

mod support;

use std::fs;
use std::time::Duration;

use sheaf_prover::artifact::FileArtifacts;
use sheaf_prover::job::JobKind;
use sheaf_prover::queue::embedded::{Census, JobCounts, KindTally, Tally};
use sheaf_prover::queue::{Cause, Completion, EmbeddedQueue, Failure, Queue};
use support::*;

/// Does a whole queue of jobs, one after another.
fn finish_all(queue: &EmbeddedQueue) {
    while let Some(lease) = queue.claim(&capability("a")).unwrap() {
        assert!(matches!(finish(queue, &lease), Completion::Accepted { .. }));
    }
}

#[test]
fn every_job_is_counted_once_in_its_state() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path(), patient());
    assert_eq!(queue.census().unwrap(), Census::default());

    queue.submit(&tree("g", 3)).unwrap();
    let (done, _running) = (claim(&queue), claim(&queue));
    finish(&queue, &done);
    let others = queue.claim(&capability("b")).unwrap().unwrap();
    assert_eq!(others.job.label, "g: lift 0");
    queue.fail(&others, Failure { cause: Cause::Permanent, reason: "no".to_owned() }).unwrap();
    std::thread::sleep(Duration::from_millis(20));

    let census = queue.census().unwrap();
    let chunks = JobCounts { done: 1, leased: 1, ready: 1, ..JobCounts::default() };
    assert_eq!(census.jobs[&JobKind::Chunk], chunks);
    assert_eq!(census.jobs[&JobKind::Lift], JobCounts { set_aside: 1, waiting: 2, ..JobCounts::default() });
    assert_eq!(census.jobs[&JobKind::Join], JobCounts { waiting: 2, ..JobCounts::default() });
    assert_eq!((census.open, census.done, census.stuck, census.workers), (0, 0, 1, 1));
    assert!(census.oldest_ready >= Duration::from_millis(20));
    assert!(census.oldest_graph >= census.oldest_ready);

    queue.retry(others.id).unwrap();
    queue.leave("a").unwrap();
    finish_all(&queue);
    let census = queue.census().unwrap();
    let done: usize = census.jobs.values().map(|jobs| jobs.done).sum();
    assert_eq!((done, census.open, census.done, census.stuck, census.workers), (8, 0, 1, 0, 0));
    assert_eq!((census.oldest_ready, census.oldest_graph), (Duration::ZERO, Duration::ZERO));
}

#[test]
fn a_graph_that_becomes_done_is_counted_once() {
    let folder = tempfile::tempdir().unwrap();
    let graph = tree("g", 2).with_transactions(50);
    {
        let queue = open(folder.path(), patient());
        queue.submit(&graph).unwrap();
        finish(&queue, &claim(&queue));
        assert_eq!(queue.tally().cpu_seconds_per_transaction(), None);
    }
    // What was done before counts for the graph, and not as done since.
    let queue = open(folder.path(), patient());
    queue.submit(&single("of no transactions")).unwrap();
    finish_all(&queue);
    let tally = queue.tally();
    let of = |done: u64| {
        let (seconds, cpu_seconds) = (done as f64 * effort().seconds, done as f64 * effort().cpu_seconds);
        KindTally { done, seconds, cpu_seconds, ..KindTally::default() }
    };
    let expected = Tally {
        kinds: [(JobKind::Chunk, of(2)), (JobKind::Lift, of(2)), (JobKind::Join, of(1))].into(),
        transactions: 50,
        transaction_cpu_seconds: 5.0 * effort().cpu_seconds,
    };
    assert_eq!(tally, expected);
    assert_eq!(tally.cpu_seconds_per_transaction(), Some(5.0 * effort().cpu_seconds / 50.0));

    // Its last result is damaged and made again: the same transactions.
    let last = FileArtifacts::open(folder.path().join("artifacts")).unwrap();
    let artifact = sheaf_prover::artifact::ArtifactRef::of(&right_result(&graph));
    fs::remove_file(last.path(artifact.hash)).unwrap();
    assert_eq!(queue.result(graph.root()).unwrap(), None);
    finish_all(&queue);
    let again = queue.tally();
    assert_eq!((again.kinds[&JobKind::Join].done, again.transactions), (2, 50));
    assert_eq!(again.kinds[&JobKind::Join].failures, [(Cause::Damaged, 1)].into());
}

#[test]
fn every_cause_has_the_name_it_is_stored_under() {
    for cause in Cause::ALL {
        assert_eq!(serde_json::to_value(cause).unwrap(), cause.name());
    }
}
