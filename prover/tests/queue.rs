//! What every backend of the queue promises.

mod support;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use sheaf_prover::artifact::{ArtifactError, ArtifactRef};
use sheaf_prover::digest::{CircuitDigest, JobId};
use sheaf_prover::graph::{Ability, GraphBuilder};
use sheaf_prover::job::{Input, JobKind, JobSpec};
use sheaf_prover::queue::{
    Capability, Cause, Completion, EmbeddedQueue, Failure, JobState, OpenError, Policy, Queue, QueueError, Verdict,
};
use support::place::{Embedded, Fleet, Place};
use support::*;

/// Makes a test of each promise for each backend.
macro_rules! promises {
    ($($name:ident),* $(,)?) => {
        mod embedded {
            $(#[test] fn $name() { super::$name(&super::Embedded::new()) })*
        }
        mod fleet {
            $(#[test] fn $name() { super::$name(&super::Fleet::new()) })*
        }
    };
}

promises! {
    a_graph_is_done_in_order_of_its_dependencies,
    priority_and_deadline_come_before_order,
    jobs_that_do_not_fit_are_passed_over,
    fences_rise_and_an_old_one_changes_nothing,
    a_late_result_that_verifies_is_welcome,
    a_late_result_is_welcome_even_for_a_job_that_was_set_aside,
    renewing_keeps_a_lease,
    but_not_for_ever,
    giving_back_costs_no_attempt,
    after_its_attempts_a_job_is_set_aside_with_a_bundle_and_retry_puts_it_back,
    a_lost_worker_counts_as_an_attempt_and_makes_the_job_run_alone,
    a_wrong_result_is_refused,
    work_done_is_never_done_again,
    everything_is_there_after_opening_again,
    a_graph_whose_input_is_not_there_is_refused,
    many_threads_get_each_job_once,
    graphs_with_one_deadline_share_the_workers,
    a_settled_graph_is_forgotten_and_swept,
    what_may_still_be_needed_is_not_swept,
    a_worker_that_begins_anew_lost_what_it_had,
    a_graph_that_cannot_be_checked_is_refused,
    a_claim_waits_for_a_job,
    outlook_tells_what_there_is_for_whom,
    artifacts_of_every_size_are_kept,
}

fn failure(cause: Cause) -> Failure {
    Failure { cause, reason: format!("{cause:?}") }
}

fn job_state(queue: &dyn Queue, id: JobId) -> JobState {
    let status = queue.status().unwrap();
    let mut jobs = status.graphs.into_iter().flat_map(|graph| graph.jobs);
    jobs.find(|job| job.id == id).unwrap().state
}

fn a_graph_is_done_in_order_of_its_dependencies(place: &dyn Place) {
    let queue = place.open(patient());
    let graph = tree("g", 5);
    let submitted = queue.submit(&graph).unwrap();
    assert_eq!((submitted.jobs, submitted.done), (14, 0));

    let mut labels = Vec::new();
    while let Some(lease) = queue.claim(&capability("a")).unwrap() {
        labels.push(lease.job.label.clone());
        assert!(matches!(finish(&*queue, &lease), Completion::Accepted { late: false, .. }));
    }
    let expected: Vec<_> = graph.jobs().iter().map(|(_, job)| job.label.clone()).collect();
    assert_eq!(labels, expected, "one at a time, jobs go in the order in which they were added");
    assert_eq!(queue.result(graph.root()).unwrap().unwrap(), right_result(&graph));
    assert!(queue.progress(graph.root()).unwrap().is_done());
}

fn priority_and_deadline_come_before_order(place: &dyn Place) {
    let queue = place.open(patient());
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

    let labels: Vec<_> = (0..5).map(|_| claim(&*queue).job.label).collect();
    assert_eq!(labels, ["urgent", "sooner", "first", "next", "slow"]);
}

fn jobs_that_do_not_fit_are_passed_over(place: &dyn Place) {
    let queue = place.open(patient());
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

fn fences_rise_and_an_old_one_changes_nothing(place: &dyn Place) {
    let queue = place.open(hasty());
    queue.submit(&single("job")).unwrap();
    let old = claim(&*queue);
    thread::sleep(hasty().lease * 2);
    let new = claim(&*queue);
    assert_eq!((old.id, old.attempt, new.attempt), (new.id, 1, 2));
    assert!(new.fence > old.fence);

    assert!(!queue.renew(&old).unwrap());
    assert_eq!(queue.fail(&old, failure(Cause::Permanent)).unwrap(), Verdict::Stale);
    queue.release(&old).unwrap();
    assert!(matches!(job_state(&*queue, new.id), JobState::Leased { fence, .. } if fence == new.fence));
    let wrong = queue.complete(&old, b"wrong", effort()).unwrap();
    assert!(matches!(wrong, Completion::Refused { verdict: Verdict::Stale, .. }));
    assert!(queue.renew(&new).unwrap());

    assert!(matches!(finish(&*queue, &new), Completion::Accepted { late: false, .. }));
    assert_eq!(finish(&*queue, &old), Completion::AlreadyDone, "an old fence never overwrites");
}

fn a_late_result_that_verifies_is_welcome(place: &dyn Place) {
    let queue = place.open(hasty());
    queue.submit(&single("job")).unwrap();
    let old = claim(&*queue);
    thread::sleep(hasty().lease * 2);
    let new = claim(&*queue);
    assert!(matches!(finish(&*queue, &old), Completion::Accepted { late: true, .. }));
    assert_eq!(finish(&*queue, &new), Completion::AlreadyDone);
    assert_eq!(queue.fail(&new, failure(Cause::Transient)).unwrap(), Verdict::Stale);
    assert!(matches!(job_state(&*queue, new.id), JobState::Done { .. }));
}

fn a_late_result_is_welcome_even_for_a_job_that_was_set_aside(place: &dyn Place) {
    let queue = place.open(patient());
    queue.submit(&single("job")).unwrap();
    let lease = claim(&*queue);
    let Verdict::SetAside { bundle } = queue.fail(&lease, failure(Cause::Permanent)).unwrap() else {
        panic!("a permanent failure sets a job aside at once");
    };
    assert!(bundle.exists());
    assert!(matches!(finish(&*queue, &lease), Completion::Accepted { late: true, .. }));
    assert!(!bundle.exists());
}

fn renewing_keeps_a_lease(place: &dyn Place) {
    let lease_time = Duration::from_millis(300);
    let queue = place.open(Policy { lease: lease_time, ..patient() });
    queue.submit(&single("job")).unwrap();
    let lease = claim(&*queue);
    for _ in 0..8 {
        thread::sleep(lease_time / 4);
        assert!(queue.renew(&lease).unwrap());
        assert!(queue.claim(&capability("b")).unwrap().is_none());
    }
    assert!(matches!(finish(&*queue, &lease), Completion::Accepted { late: false, .. }));
}

fn but_not_for_ever(place: &dyn Place) {
    let queue = place.open(Policy { attempt: Duration::from_millis(300), ..patient() });
    queue.submit(&single("job")).unwrap();
    let lease = claim(&*queue);
    let start = Instant::now();
    while queue.renew(&lease).unwrap() {
        assert!(start.elapsed() < Duration::from_secs(10));
        // Whoever asks for a job has leases run out.
        let unable = Capability { abilities: BTreeSet::new(), ..capability("b") };
        assert!(queue.claim(&unable).unwrap().is_none());
        thread::sleep(Duration::from_millis(20));
    }
    assert!(start.elapsed() >= Duration::from_millis(250));
    let failures = &queue.status().unwrap().graphs[0].jobs[0].failures;
    let [Failure { cause: Cause::Expired, reason }] = &failures[..] else { panic!("{failures:?}") };
    assert!(reason.contains("longer than 0.3 s"), "{reason}");
    assert!(matches!(finish(&*queue, &lease), Completion::Accepted { late: true, .. }), "and is welcome late");
}

fn giving_back_costs_no_attempt(place: &dyn Place) {
    let queue = place.open(patient());
    queue.submit(&single("job")).unwrap();
    for _ in 0..20 {
        let lease = claim(&*queue);
        assert_eq!(lease.attempt, 1);
        queue.release(&lease).unwrap();
        let lease = claim(&*queue);
        queue.leave("somebody else").unwrap();
        assert!(queue.renew(&lease).unwrap());
        queue.leave("a").unwrap();
        assert!(!queue.renew(&lease).unwrap());
    }
}

fn after_its_attempts_a_job_is_set_aside_with_a_bundle_and_retry_puts_it_back(place: &dyn Place) {
    let queue = place.open(patient());
    let input = queue.artifacts().put(b"an input").unwrap();
    let mut graph = GraphBuilder::new();
    let job = graph.add(spec(JobKind::Chunk, "job", vec![Input::Artifact(input)])).unwrap();
    let other = graph.add(spec(JobKind::Chunk, "other", vec![])).unwrap();
    graph.add(spec(JobKind::Join, "root", vec![Input::Job(job), Input::Job(other)])).unwrap();
    let graph = graph.finish("g").unwrap();
    queue.submit(&graph).unwrap();
    assert!(matches!(queue.retry(job), Err(QueueError::NotSetAside { state, .. }) if state == "ready"));
    assert!(matches!(queue.retry(JobId([0; 32])), Err(QueueError::UnknownJob(_))));

    let causes = [Cause::Transient, Cause::Panic, Cause::Transient, Cause::Refused];
    for (cause, attempts_left) in causes.into_iter().zip([4, 3, 2, 1]) {
        let lease = claim(&*queue);
        assert_eq!(lease.job.label, "job");
        assert_eq!(queue.fail(&lease, failure(cause)).unwrap(), Verdict::Again { attempts_left });
    }
    let Verdict::SetAside { bundle } = queue.fail(&claim(&*queue), failure(Cause::Transient)).unwrap() else {
        panic!("the fifth failure sets the job aside");
    };
    assert_eq!(std::fs::read(bundle.join("payload")).unwrap(), b"job");
    assert_eq!(std::fs::read(bundle.join("input-0")).unwrap(), b"an input");
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(bundle.join("job.json")).unwrap()).unwrap();
    assert_eq!(json["label"], "job");
    assert_eq!(json["failures"].as_array().unwrap().len(), 5);

    let lease = claim(&*queue);
    assert_eq!(lease.job.label, "other", "the rest goes on");
    finish(&*queue, &lease);
    assert!(queue.claim(&capability("a")).unwrap().is_none());
    assert_eq!(queue.progress(graph.root()).unwrap().set_aside, [job]);

    // It stays set aside when the queue is opened again and the graph submitted again.
    drop(queue);
    let queue = place.open(patient());
    queue.submit(&graph).unwrap();
    assert!(queue.claim(&capability("a")).unwrap().is_none());

    queue.retry(job).unwrap();
    assert!(!bundle.exists());
    let lease = claim(&*queue);
    assert_eq!((lease.id, lease.attempt, lease.alone), (job, 1, false));
    finish(&*queue, &lease);
    assert_eq!(claim(&*queue).job.label, "root");
}

fn a_lost_worker_counts_as_an_attempt_and_makes_the_job_run_alone(place: &dyn Place) {
    let graph = tree("g", 2);
    let mut fences = Vec::new();
    for attempt in 1..=5 {
        let queue = place.open_after_crash(patient());
        queue.submit(&graph).unwrap();
        let lease = claim(&*queue);
        assert_eq!((lease.job.label.as_str(), lease.attempt), ("g: chunk 0", attempt));
        assert_eq!(lease.alone, attempt > 2, "two lost workers make a suspect");
        fences.push(lease.fence);
        queue.release(&lease).unwrap();
        let busy = queue.claim(&Capability { idle: false, ..capability("a") }).unwrap().unwrap();
        assert_eq!(busy.job.label == "g: chunk 0", attempt <= 2, "a busy worker does not get a suspect");
        queue.release(&busy).unwrap();
        claim(&*queue);
        // The queue is dropped with the lease held, as in a crash.
    }
    assert!(fences.is_sorted_by(|a, b| a < b), "fences rise over crashes: {fences:?}");
    let queue = place.open_after_crash(patient());
    let progress = queue.progress(graph.root()).unwrap();
    assert_eq!((progress.set_aside.len(), progress.leased), (1, 0));
    assert_eq!(claim(&*queue).job.label, "g: lift 0".replace("lift 0", "chunk 1"));
}

fn a_wrong_result_is_refused(place: &dyn Place) {
    let queue = place.open(patient());
    let graph = single("job");
    queue.submit(&graph).unwrap();
    let lease = claim(&*queue);
    let Completion::Refused { reason, verdict } = queue.complete(&lease, b"wrong", effort()).unwrap() else {
        panic!("a wrong result must not count");
    };
    assert_eq!((reason.as_str(), verdict), ("it is another hash", Verdict::Again { attempts_left: 4 }));
    assert_eq!(queue.result(graph.root()).unwrap(), None);
    assert_eq!(claim(&*queue).attempt, 2);
}

fn work_done_is_never_done_again(place: &dyn Place) {
    let queue = place.open(patient());
    let (small, large) = (tree("g", 2), tree("g", 4));
    queue.submit(&small).unwrap();
    while let Some(lease) = queue.claim(&capability("a")).unwrap() {
        finish(&*queue, &lease);
    }
    let submitted = queue.submit(&large).unwrap();
    assert_eq!((submitted.jobs, submitted.done), (11, 5), "the larger graph contains the smaller one");
    assert_eq!(claim(&*queue).job.label, "g: chunk 2");
}

fn everything_is_there_after_opening_again(place: &dyn Place) {
    let graph = tree("g", 3);
    let before = {
        let queue = place.open(patient());
        queue.submit(&graph).unwrap();
        for _ in 0..4 {
            finish(&*queue, &claim(&*queue));
        }
        queue.status().unwrap()
    };
    let queue = place.open(patient());
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

fn a_graph_whose_input_is_not_there_is_refused(place: &dyn Place) {
    let queue = place.open(patient());
    let mut graph = GraphBuilder::new();
    graph.add(spec(JobKind::Chunk, "job", vec![Input::Artifact(ArtifactRef::of(b"absent"))])).unwrap();
    let graph = graph.finish("g").unwrap();
    assert!(matches!(queue.submit(&graph), Err(QueueError::MissingArtifact { .. })));
    assert!(matches!(queue.progress(graph.root()), Err(QueueError::UnknownGraph(_))));
    queue.artifacts().put(b"absent").unwrap();
    queue.submit(&graph).unwrap();
    assert_eq!(claim(&*queue).inputs, [b"absent"]);
}

fn many_threads_get_each_job_once(place: &dyn Place) {
    const THREADS: usize = 8;
    let queue = place.open(patient());
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
                    assert!(matches!(finish(&**queue, &lease), Completion::Accepted { late: false, .. }));
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

fn graphs_with_one_deadline_share_the_workers(place: &dyn Place) {
    let queue = place.open(patient());
    for (name, chunks, deadline_ms) in [("large", 6, 2), ("small", 2, 2), ("urgent", 1, 1)] {
        queue.submit(&tree(name, chunks).with_deadline_ms(deadline_ms)).unwrap();
    }
    let labels: Vec<_> = (0..6).map(|_| claim(&*queue).job.label).collect();
    let expected =
        ["urgent: chunk 0", "large: chunk 0", "small: chunk 0", "large: chunk 1", "small: chunk 1", "large: chunk 2"];
    assert_eq!(labels, expected);
}

fn finish_all(queue: &dyn Queue) {
    while let Some(lease) = queue.claim(&capability("a")).unwrap() {
        finish(queue, &lease);
    }
}

fn a_settled_graph_is_forgotten_and_swept(place: &dyn Place) {
    let queue = place.open(patient());
    let (one, two) = (tree("g", 2), tree("g", 4));
    queue.submit(&one).unwrap();
    finish_all(&*queue);
    queue.submit(&two).unwrap();
    let Err(QueueError::Unsettled { done: 5, total: 11, .. }) = queue.settle(two.root()) else {
        panic!("a graph that is not done is still needed");
    };
    finish_all(&*queue);
    let result = queue.result(two.root()).unwrap();

    // The smaller graph is a part of the larger one, so nothing of it goes.
    queue.settle(one.root()).unwrap();
    assert!(matches!(queue.progress(one.root()), Err(QueueError::UnknownGraph(_))));
    queue.sweep(Duration::ZERO).unwrap();
    assert_eq!(queue.result(two.root()).unwrap(), result);
    assert_eq!(queue.submit(&one).unwrap().done, 5, "its jobs are still known and whole");
    queue.settle(one.root()).unwrap();

    queue.settle(two.root()).unwrap();
    assert!(matches!(queue.result(two.root()), Err(QueueError::UnknownJob(_))));
    let swept = queue.sweep(Duration::ZERO).unwrap();
    assert!(swept.artifacts >= 11 && swept.kept == 0, "{swept:?}");
    assert!(queue.artifacts().list().unwrap().is_empty());
    drop(queue);

    let queue = place.open(patient());
    assert!(queue.status().unwrap().graphs.is_empty(), "it stays forgotten");
    assert_eq!(queue.submit(&two).unwrap().done, 0);
}

fn what_may_still_be_needed_is_not_swept(place: &dyn Place) {
    let queue = place.open(patient());
    let input = queue.artifacts().put(b"an input").unwrap();
    let stray = queue.artifacts().put(b"nobody's").unwrap();
    let mut graph = GraphBuilder::new();
    graph.add(spec(JobKind::Chunk, "job", vec![Input::Artifact(input)])).unwrap();
    let graph = graph.finish("g").unwrap();

    // A sweep between storing an input and submitting the graph leaves it alone for its grace.
    let grace = Duration::from_millis(400);
    assert_eq!(queue.sweep(grace).unwrap().artifacts, 0);
    queue.submit(&graph).unwrap();
    thread::sleep(grace);
    let swept = queue.sweep(grace).unwrap();
    assert!(queue.artifacts().get(&stray).is_err(), "{swept:?}");
    assert_eq!(queue.artifacts().get(&input).unwrap(), b"an input");

    let lease = claim(&*queue);
    queue.sweep(Duration::ZERO).unwrap();
    assert!(matches!(finish(&*queue, &lease), Completion::Accepted { .. }), "leased jobs keep their inputs");
    queue.sweep(Duration::ZERO).unwrap();
    assert!(queue.result(graph.root()).unwrap().is_some(), "done jobs keep their results");
    let twice = queue.sweep(Duration::ZERO).unwrap();
    assert_eq!((twice.artifacts, twice.kept), (0, 2));
}

fn a_worker_that_begins_anew_lost_what_it_had(place: &dyn Place) {
    let queue = place.open(patient());
    queue.submit(&tree("g", 2)).unwrap();
    let (held, others) = (claim(&*queue), queue.claim(&capability("b")).unwrap().unwrap());
    queue.enter("a").unwrap();
    assert!(!queue.renew(&held).unwrap());
    assert!(queue.renew(&others).unwrap());
    let again = claim(&*queue);
    assert_eq!((again.id, again.attempt), (held.id, 2), "the attempt is spent");
    let late = finish(&*queue, &held);
    assert!(matches!(late, Completion::Accepted { late: true, .. }), "what it made before is welcome: {late:?}");
}

fn a_graph_that_cannot_be_checked_is_refused(place: &dyn Place) {
    let queue = place.open(patient());
    let mut graph = GraphBuilder::new();
    graph.add(JobSpec { circuit: UNCOVERED, ..spec(JobKind::Wrap, "job", vec![]) }).unwrap();
    let error = queue.submit(&graph.finish("g").unwrap()).unwrap_err();
    assert!(matches!(&error, QueueError::Unchecked { ability, .. } if ability.circuit == UNCOVERED), "{error}");
    assert!(error.to_string().ends_with("start one that has it"), "{error}");
    assert!(queue.status().unwrap().graphs.is_empty());
}

fn a_claim_waits_for_a_job(place: &dyn Place) {
    let queue = place.open(patient());
    let start = std::time::Instant::now();
    assert!(queue.claim_within(&capability("a"), Duration::from_millis(300)).unwrap().is_none());
    assert!(start.elapsed() >= Duration::from_millis(300));
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let until = std::time::Instant::now() + Duration::from_secs(60);
            while std::time::Instant::now() < until {
                if let Some(lease) = queue.claim_within(&capability("a"), Duration::from_secs(20)).unwrap() {
                    return lease.job.label;
                }
            }
            panic!("no job came");
        });
        thread::sleep(Duration::from_millis(200));
        queue.submit(&single("job")).unwrap();
        assert_eq!(waiting.join().unwrap(), "job");
    });
    assert!(start.elapsed() < Duration::from_secs(15), "it comes when it is there, not when patience ends");
}

fn artifacts_of_every_size_are_kept(place: &dyn Place) {
    let sizes = [0, 1, 4096, 4097, (512 << 10) - 1, 512 << 10, (512 << 10) + 1, 3 << 20];
    let bytes = |size: usize| -> Vec<u8> { (0..size).map(|i| ((i * i) >> 7) as u8).collect() };
    let artifacts: Vec<_> = {
        let queue = place.open(patient());
        sizes.map(|size| queue.artifacts().put(&bytes(size)).unwrap()).into()
    };
    let queue = place.open(patient());
    for (artifact, size) in artifacts.iter().zip(sizes) {
        assert_eq!(queue.artifacts().get(artifact).unwrap(), bytes(size), "{size} bytes");
        assert_eq!(queue.artifacts().put(&bytes(size)).unwrap(), *artifact);
    }
    let mut listed = queue.artifacts().list().unwrap();
    listed.sort();
    let mut expected: Vec<_> = artifacts.iter().map(|artifact| (artifact.hash, artifact.length)).collect();
    expected.sort();
    assert_eq!(listed, expected);
    for artifact in &artifacts {
        queue.artifacts().remove(artifact.hash).unwrap();
        assert!(matches!(queue.artifacts().get(artifact), Err(ArtifactError::Damaged { .. })));
    }
    assert!(queue.artifacts().list().unwrap().is_empty());
}

fn outlook_tells_what_there_is_for_whom(place: &dyn Place) {
    let queue = place.open(patient());
    queue.submit(&tree("g", 3)).unwrap();
    claim(&*queue);
    let outlook = queue.outlook().unwrap();
    assert_eq!(outlook.ready, [(Ability { kind: JobKind::Chunk, circuit: CIRCUIT }, 2)]);
    assert_eq!((outlook.waiting, outlook.leased, outlook.set_aside), (5, 1, 0));
    thread::sleep(Duration::from_millis(20));
    assert!(queue.outlook().unwrap().oldest_ready >= Duration::from_millis(20));
}
