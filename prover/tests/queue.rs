//! What every backend of the queue promises.

mod support;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use sheaf_prover::artifact::ArtifactRef;
use sheaf_prover::digest::{CircuitDigest, JobId};
use sheaf_prover::graph::{Ability, GraphBuilder};
use sheaf_prover::job::{Input, JobKind, JobSpec};
use sheaf_prover::queue::{
    Capability, Cause, Completion, EmbeddedQueue, Failure, JobState, OpenError, Policy, Queue, QueueError, Verdict,
};
use support::*;

fn failure(cause: Cause) -> Failure {
    Failure { cause, reason: format!("{cause:?}") }
}

fn job_state(queue: &dyn Queue, id: JobId) -> JobState {
    let status = queue.status().unwrap();
    let mut jobs = status.graphs.into_iter().flat_map(|graph| graph.jobs);
    jobs.find(|job| job.id == id).unwrap().state
}

#[test]
fn a_graph_is_done_in_order_of_its_dependencies() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path(), patient());
    let graph = tree("g", 5);
    let submitted = queue.submit(&graph).unwrap();
    assert_eq!((submitted.jobs, submitted.done), (14, 0));

    let mut labels = Vec::new();
    while let Some(lease) = queue.claim(&capability("a")).unwrap() {
        labels.push(lease.job.label.clone());
        assert!(matches!(finish(&queue, &lease), Completion::Accepted { late: false, .. }));
    }
    let expected: Vec<_> = graph.jobs().iter().map(|(_, job)| job.label.clone()).collect();
    assert_eq!(labels, expected, "one at a time, jobs go in the order in which they were added");
    assert_eq!(queue.result(graph.root()).unwrap().unwrap(), right_result(&graph));
    assert!(queue.progress(graph.root()).unwrap().is_done());
}

#[test]
fn priority_and_deadline_come_before_order() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path(), patient());
    let mut graph = GraphBuilder::new();
    let mut inputs = Vec::new();
    for (label, priority) in [("slow", 2), ("first", 0), ("next", 1)] {
        let job = JobSpec { priority, ..spec(JobKind::Chunk, label, vec![]) };
        inputs.push(Input::Job(graph.add(job).unwrap()));
    }
    graph.add(spec(JobKind::Join, "root", inputs)).unwrap();
    queue.submit(&graph.finish("later").unwrap()).unwrap();
    queue.submit(&single("urgent").with_deadline_ms(1)).unwrap();
    queue.submit(&single("sooner").with_deadline_ms(2)).unwrap();

    let labels: Vec<_> = (0..5).map(|_| claim(&queue).job.label).collect();
    assert_eq!(labels, ["urgent", "sooner", "first", "next", "slow"]);
}

#[test]
fn jobs_that_do_not_fit_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path(), patient());
    let mut graph = GraphBuilder::new();
    let big = JobSpec { memory_bytes: 100, ..spec(JobKind::Chunk, "big", vec![]) };
    let other = JobSpec { circuit: CircuitDigest([6; 32]), ..spec(JobKind::Chunk, "other circuit", vec![]) };
    let shrink = spec(JobKind::Shrink, "shrink", vec![]);
    let inputs = [big, other, shrink].map(|job| Input::Job(graph.add(job).unwrap()));
    graph.add(spec(JobKind::Join, "root", inputs.to_vec())).unwrap();
    let graph = graph.finish("g").unwrap();
    queue.submit(&graph).unwrap();
    queue.submit(&single("another graph")).unwrap();

    let only = |kind, circuit| BTreeSet::from([Ability { kind, circuit }]);
    let anything = capability("a");
    let chunks = Capability { abilities: only(JobKind::Chunk, CIRCUIT), ..anything.clone() };
    let next = |capability: &Capability| queue.claim(capability).unwrap().map(|lease| lease.job.label);

    let small = Capability { memory_bytes: 99, graph: Some(graph.root()), ..chunks.clone() };
    assert_eq!(next(&small), None);
    let wraps = Capability { abilities: only(JobKind::Wrap, CIRCUIT), ..anything.clone() };
    assert_eq!(next(&wraps), None);
    let exact = Capability { memory_bytes: 100, ..small };
    assert_eq!(next(&exact).as_deref(), Some("big"));
    assert_eq!(next(&chunks).as_deref(), Some("another graph"));
    assert_eq!(next(&anything).as_deref(), Some("shrink"));
    let other = Capability { abilities: only(JobKind::Chunk, CircuitDigest([6; 32])), ..anything.clone() };
    assert_eq!(next(&other).as_deref(), Some("other circuit"));
    assert_eq!(next(&anything), None, "the root waits");
}

#[test]
fn fences_rise_and_an_old_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path(), hasty());
    queue.submit(&single("job")).unwrap();
    let old = claim(&queue);
    thread::sleep(hasty().lease * 2);
    let new = claim(&queue);
    assert_eq!((old.id, old.attempt, new.attempt), (new.id, 1, 2));
    assert!(new.fence > old.fence);

    assert!(!queue.renew(&old).unwrap());
    assert_eq!(queue.fail(&old, failure(Cause::Permanent)).unwrap(), Verdict::Stale);
    queue.release(&old).unwrap();
    assert!(matches!(job_state(&queue, new.id), JobState::Leased { fence, .. } if fence == new.fence));
    let wrong = queue.complete(&old, b"wrong", 0.0).unwrap();
    assert!(matches!(wrong, Completion::Refused { verdict: Verdict::Stale, .. }));
    assert!(queue.renew(&new).unwrap());

    assert!(matches!(finish(&queue, &new), Completion::Accepted { late: false, .. }));
    assert_eq!(finish(&queue, &old), Completion::AlreadyDone, "an old fence never overwrites");
}

#[test]
fn a_late_result_that_verifies_is_welcome() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path(), hasty());
    queue.submit(&single("job")).unwrap();
    let old = claim(&queue);
    thread::sleep(hasty().lease * 2);
    let new = claim(&queue);
    assert!(matches!(finish(&queue, &old), Completion::Accepted { late: true, .. }));
    assert_eq!(finish(&queue, &new), Completion::AlreadyDone);
    assert_eq!(queue.fail(&new, failure(Cause::Transient)).unwrap(), Verdict::Stale);
    assert!(matches!(job_state(&queue, new.id), JobState::Done { .. }));
}

#[test]
fn a_late_result_is_welcome_even_for_a_job_that_was_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path(), patient());
    queue.submit(&single("job")).unwrap();
    let lease = claim(&queue);
    let Verdict::SetAside { bundle } = queue.fail(&lease, failure(Cause::Permanent)).unwrap() else {
        panic!("a permanent failure sets a job aside at once");
    };
    assert!(bundle.exists());
    assert!(matches!(finish(&queue, &lease), Completion::Accepted { late: true, .. }));
    assert!(!bundle.exists());
}

#[test]
fn renewing_keeps_a_lease() {
    let folder = tempfile::tempdir().unwrap();
    let lease_time = Duration::from_millis(300);
    let queue = open(folder.path(), Policy { lease: lease_time, ..patient() });
    queue.submit(&single("job")).unwrap();
    let lease = claim(&queue);
    for _ in 0..8 {
        thread::sleep(lease_time / 4);
        assert!(queue.renew(&lease).unwrap());
        assert!(queue.claim(&capability("b")).unwrap().is_none());
    }
    assert!(matches!(finish(&queue, &lease), Completion::Accepted { late: false, .. }));
}

#[test]
fn giving_back_costs_no_attempt() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path(), patient());
    queue.submit(&single("job")).unwrap();
    for _ in 0..20 {
        let lease = claim(&queue);
        assert_eq!(lease.attempt, 1);
        queue.release(&lease).unwrap();
        let lease = claim(&queue);
        queue.leave("somebody else").unwrap();
        assert!(queue.renew(&lease).unwrap());
        queue.leave("a").unwrap();
        assert!(!queue.renew(&lease).unwrap());
    }
}

#[test]
fn after_its_attempts_a_job_is_set_aside_with_a_bundle_and_retry_puts_it_back() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path(), patient());
    let input = queue.artifacts().put(b"an input").unwrap();
    let mut graph = GraphBuilder::new();
    let job = graph.add(spec(JobKind::Chunk, "job", vec![Input::Artifact(input)])).unwrap();
    let other = graph.add(spec(JobKind::Chunk, "other", vec![])).unwrap();
    graph.add(spec(JobKind::Join, "root", vec![Input::Job(job), Input::Job(other)])).unwrap();
    let graph = graph.finish("g").unwrap();
    queue.submit(&graph).unwrap();
    assert!(matches!(queue.retry(job), Err(QueueError::NotSetAside { state: "ready", .. })));
    assert!(matches!(queue.retry(JobId([0; 32])), Err(QueueError::UnknownJob(_))));

    let causes = [Cause::Transient, Cause::Panic, Cause::Transient, Cause::Refused];
    for (cause, attempts_left) in causes.into_iter().zip([4, 3, 2, 1]) {
        let lease = claim(&queue);
        assert_eq!(lease.job.label, "job");
        assert_eq!(queue.fail(&lease, failure(cause)).unwrap(), Verdict::Again { attempts_left });
    }
    let Verdict::SetAside { bundle } = queue.fail(&claim(&queue), failure(Cause::Transient)).unwrap() else {
        panic!("the fifth failure sets the job aside");
    };
    assert_eq!(std::fs::read(bundle.join("payload")).unwrap(), b"job");
    assert_eq!(std::fs::read(bundle.join("input-0")).unwrap(), b"an input");
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(bundle.join("job.json")).unwrap()).unwrap();
    assert_eq!(json["label"], "job");
    assert_eq!(json["failures"].as_array().unwrap().len(), 5);

    let lease = claim(&queue);
    assert_eq!(lease.job.label, "other", "the rest goes on");
    finish(&queue, &lease);
    assert!(queue.claim(&capability("a")).unwrap().is_none());
    assert_eq!(queue.progress(graph.root()).unwrap().set_aside, [job]);

    // It stays set aside when the queue is opened again and the graph submitted again.
    drop(queue);
    let queue = open(folder.path(), patient());
    queue.submit(&graph).unwrap();
    assert!(queue.claim(&capability("a")).unwrap().is_none());

    queue.retry(job).unwrap();
    assert!(!bundle.exists());
    let lease = claim(&queue);
    assert_eq!((lease.id, lease.attempt, lease.alone), (job, 1, false));
    finish(&queue, &lease);
    assert_eq!(claim(&queue).job.label, "root");
}

#[test]
fn a_lost_worker_counts_as_an_attempt_and_makes_the_job_run_alone() {
    let folder = tempfile::tempdir().unwrap();
    let graph = tree("g", 2);
    let mut fences = Vec::new();
    for attempt in 1..=5 {
        let queue = open(folder.path(), patient());
        queue.submit(&graph).unwrap();
        let lease = claim(&queue);
        assert_eq!((lease.job.label.as_str(), lease.attempt), ("g: chunk 0", attempt));
        assert_eq!(lease.alone, attempt > 2, "two lost workers make a suspect");
        fences.push(lease.fence);
        queue.release(&lease).unwrap();
        let busy = queue.claim(&Capability { idle: false, ..capability("a") }).unwrap().unwrap();
        assert_eq!(busy.job.label == "g: chunk 0", attempt <= 2, "a busy worker does not get a suspect");
        queue.release(&busy).unwrap();
        claim(&queue);
        // The queue is dropped with the lease held, as in a crash.
    }
    assert!(fences.is_sorted_by(|a, b| a < b), "fences rise over crashes: {fences:?}");
    let queue = open(folder.path(), patient());
    let progress = queue.progress(graph.root()).unwrap();
    assert_eq!((progress.set_aside.len(), progress.leased), (1, 0));
    assert_eq!(claim(&queue).job.label, "g: lift 0".replace("lift 0", "chunk 1"));
}

#[test]
fn a_wrong_result_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path(), patient());
    let graph = single("job");
    queue.submit(&graph).unwrap();
    let lease = claim(&queue);
    let Completion::Refused { reason, verdict } = queue.complete(&lease, b"wrong", 0.0).unwrap() else {
        panic!("a wrong result must not count");
    };
    assert_eq!((reason.as_str(), verdict), ("it is another hash", Verdict::Again { attempts_left: 4 }));
    assert_eq!(queue.result(graph.root()).unwrap(), None);
    assert_eq!(claim(&queue).attempt, 2);
}

#[test]
fn work_done_is_never_done_again() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path(), patient());
    let (small, large) = (tree("g", 2), tree("g", 4));
    queue.submit(&small).unwrap();
    while let Some(lease) = queue.claim(&capability("a")).unwrap() {
        finish(&queue, &lease);
    }
    let submitted = queue.submit(&large).unwrap();
    assert_eq!((submitted.jobs, submitted.done), (11, 5), "the larger graph contains the smaller one");
    assert_eq!(claim(&queue).job.label, "g: chunk 2");
}

#[test]
fn everything_is_there_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let graph = tree("g", 3);
    let before = {
        let queue = open(folder.path(), patient());
        queue.submit(&graph).unwrap();
        for _ in 0..4 {
            finish(&queue, &claim(&queue));
        }
        queue.status().unwrap()
    };
    assert_eq!(EmbeddedQueue::look(folder.path()).unwrap(), before);
    let queue = open(folder.path(), patient());
    assert_eq!(queue.status().unwrap(), before);
    assert_eq!(queue.submit(&graph).unwrap().done, 4);
}

#[test]
fn a_queue_in_use_can_be_looked_at_but_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(EmbeddedQueue::look(folder.path()), Err(OpenError::Absent { .. })));
    let queue = open(folder.path(), patient());
    queue.submit(&tree("g", 3)).unwrap();
    claim(&queue);
    let Err(error) = EmbeddedQueue::open(folder.path(), patient(), Arc::new(ByRedoing)) else {
        panic!("a queue must not be opened twice");
    };
    assert!(matches!(error, OpenError::Locked { pid: Some(pid), .. } if pid == std::process::id()));
    assert!(error.to_string().contains("in use by this process already"), "{error}");
    assert!(error.to_string().contains(&folder.path().display().to_string()), "{error}");
    assert_eq!(EmbeddedQueue::look(folder.path()).unwrap(), queue.status().unwrap());
    assert_eq!(queue.progress(tree("g", 3).root()).unwrap().leased, 1, "looking takes no lease away");
    drop(queue);
    open(folder.path(), patient());
}

#[test]
fn a_graph_whose_input_is_not_there_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path(), patient());
    let mut graph = GraphBuilder::new();
    graph.add(spec(JobKind::Chunk, "job", vec![Input::Artifact(ArtifactRef::of(b"absent"))])).unwrap();
    let graph = graph.finish("g").unwrap();
    assert!(matches!(queue.submit(&graph), Err(QueueError::MissingArtifact { .. })));
    assert!(matches!(queue.progress(graph.root()), Err(QueueError::UnknownGraph(_))));
    queue.artifacts().put(b"absent").unwrap();
    queue.submit(&graph).unwrap();
    assert_eq!(claim(&queue).inputs, [b"absent"]);
}

#[test]
fn many_threads_get_each_job_once() {
    const THREADS: usize = 8;
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path(), patient());
    let graph = tree("g", 40);
    queue.submit(&graph).unwrap();
    let done = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for worker in 0..THREADS {
            let (queue, graph, done) = (&queue, &graph, &done);
            scope.spawn(move || {
                let capability = capability(&format!("worker {worker}"));
                while !queue.progress(graph.root()).unwrap().is_done() {
                    let Some(lease) = queue.claim(&capability).unwrap() else { continue };
                    assert!(matches!(finish(queue, &lease), Completion::Accepted { late: false, .. }));
                    done.lock().unwrap().push(lease.id);
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    assert_eq!(done.len(), graph.jobs().len());
    done.sort();
    done.dedup();
    assert_eq!(done.len(), graph.jobs().len());
    assert_eq!(queue.result(graph.root()).unwrap().unwrap(), right_result(&graph));
}
