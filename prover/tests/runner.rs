//! What the runner does with jobs that succeed, fail, panic and lie.

mod support;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use sheaf_prover::digest::CircuitDigest;
use sheaf_prover::graph::{Ability, Graph, GraphBuilder};
use sheaf_prover::job::{Input, JobKind, JobSpec};
use sheaf_prover::queue::{EmbeddedQueue, Policy, Queue};
use sheaf_prover::runner::{Event, JobEvent, Limits, RunError, Runner};
use sheaf_prover::work::{Check, Work, WorkError};
use support::*;

fn limits(jobs: usize) -> Limits {
    Limits { worker: "a".into(), jobs, memory_bytes: 1000 }
}

/// Runs with four threads in a new folder.
fn run(work: &Toy, graph: &Graph) -> (Result<Vec<u8>, RunError>, EmbeddedQueue, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path(), patient());
    let result = Runner::new(&queue, work, limits(4), &|_| {}).run(graph);
    (result, queue, folder)
}

#[test]
fn a_graph_gives_its_roots_result_and_the_second_run_does_nothing() {
    for jobs in [0, 1, 3, 16] {
        let folder = tempfile::tempdir().unwrap();
        let queue = open(folder.path(), patient());
        let (graph, work) = (tree("g", 9), Toy::right());
        for _ in 0..2 {
            let result = Runner::new(&queue, &work, limits(jobs), &|_| {}).run(&graph).unwrap();
            assert_eq!(result, right_result(&graph));
            assert_eq!(work.total(), graph.jobs().len());
        }
    }
}

#[test]
fn events_tell_the_whole_story() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path(), patient());
    let graph = tree("g", 2);
    let failed_once = AtomicBool::new(false);
    let work = Toy::with(move |job, inputs| {
        if job.label == "g: chunk 1" && !failed_once.swap(true, Ordering::Relaxed) {
            return Err(WorkError::Transient("no space".into()));
        }
        Ok(right(job, inputs))
    });
    let story = Mutex::new(Vec::new());
    let on_event = |event: Event<'_>| {
        let line = match event {
            Event::Submitted(submitted) => format!("{} jobs, {} done", submitted.jobs, submitted.done),
            Event::Job { job, attempt, what, .. } => {
                let what = match what {
                    JobEvent::Started => "started".to_owned(),
                    JobEvent::Finished { seconds, cpu_seconds, length_bytes } => {
                        assert!(seconds >= 0.0 && cpu_seconds >= 0.0);
                        format!("finished, {length_bytes} bytes")
                    }
                    JobEvent::Failed { reason, attempts_left } => format!("failed: {reason}, {attempts_left} left"),
                    other => panic!("unexpected {other:?}"),
                };
                format!("{} #{attempt} {what}", job.label)
            }
            Event::Outage { .. } | Event::Back => panic!("an embedded queue is never away"),
        };
        story.lock().unwrap().push(line);
    };
    Runner::new(&queue, &work, limits(1), &on_event).run(&graph).unwrap();
    assert_eq!(
        story.into_inner().unwrap(),
        [
            "5 jobs, 0 done",
            "g: chunk 0 #1 started",
            "g: chunk 0 #1 finished, 5120 bytes",
            "g: lift 0 #1 started",
            "g: lift 0 #1 finished, 5120 bytes",
            "g: chunk 1 #1 started",
            "g: chunk 1 #1 failed: no space, 4 left",
            "g: chunk 1 #2 started",
            "g: chunk 1 #2 finished, 5120 bytes",
            "g: lift 1 #1 started",
            "g: lift 1 #1 finished, 5120 bytes",
            "g: join 1.0 #1 started",
            "g: join 1.0 #1 finished, 5120 bytes",
        ]
    );
}

#[test]
fn a_job_that_keeps_failing_is_set_aside_and_the_rest_is_finished() {
    type Fault = fn(&JobSpec) -> Result<Vec<u8>, WorkError>;
    let faults: [(&str, usize, Fault); 4] = [
        ("transient", 5, |_| Err(WorkError::Transient("transient".into()))),
        ("permanent", 1, |_| Err(WorkError::Permanent("permanent".into()))),
        ("it panicked: at chunk 1", 5, |_| panic!("at chunk {}", 1)),
        ("it is another hash", 5, |_| Ok(b"wrong".to_vec())),
    ];
    for (reason, attempts, fault) in faults {
        let graph = tree("g", 4);
        let is_bad = |job: &JobSpec| job.label == "g: chunk 1";
        let work = Toy::with(move |job, inputs| if is_bad(job) { fault(job) } else { Ok(right(job, inputs)) });
        let (result, queue, folder) = run(&work, &graph);
        let Err(RunError::SetAside { jobs, progress }) = result else { panic!("{reason}: {result:?}") };
        assert_eq!(jobs.len(), 1);
        assert_eq!((jobs[0].label.as_str(), jobs[0].reason.as_str()), ("g: chunk 1", reason));
        assert_eq!(work.times("g: chunk 1"), attempts, "{reason}");
        // Left are the lift of the bad chunk, its join and the root.
        assert_eq!((progress.done, progress.waiting), (graph.jobs().len() - 4, 3), "{reason}");

        // Running again does not touch it; putting it back does.
        let again = Toy::right();
        assert!(Runner::new(&queue, &again, limits(4), &|_| {}).run(&graph).is_err());
        assert_eq!(again.total(), 0);
        queue.retry(jobs[0].id).unwrap();
        let result = Runner::new(&queue, &again, limits(4), &|_| {}).run(&graph).unwrap();
        assert_eq!(result, right_result(&graph));
        assert_eq!(again.total(), 4);
        drop(folder);
    }
}

#[test]
fn a_check_that_panics_refuses() {
    struct Panics;
    impl Check for Panics {
        fn check(&self, _: &JobSpec, _: &[Vec<u8>], _: &[u8]) -> Result<(), String> {
            panic!("cannot decode")
        }

        fn covers(&self, _: Ability) -> Result<(), String> {
            Ok(())
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let queue = EmbeddedQueue::open(folder.path(), patient(), Arc::new(Panics)).unwrap();
    let error = Runner::new(&queue, &Toy::right(), limits(1), &|_| {}).run(&single("job")).unwrap_err();
    assert!(error.to_string().contains("the check panicked: cannot decode"), "{error}");
}

#[test]
fn a_listener_that_panics_loses_no_work() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path(), patient());
    let graph = tree("g", 3);
    let result = Runner::new(&queue, &Toy::right(), limits(2), &|_| panic!("no terminal")).run(&graph);
    assert_eq!(result.unwrap(), right_result(&graph));
}

/// Counts what runs at once.
#[derive(Default)]
struct Gauge {
    jobs: AtomicUsize,
    most_jobs: AtomicUsize,
    memory_bytes: AtomicU64,
    most_memory_bytes: AtomicU64,
}

impl Gauge {
    fn run(&self, job: &JobSpec, inputs: &[Vec<u8>]) -> Result<Vec<u8>, WorkError> {
        let jobs = self.jobs.fetch_add(1, Ordering::SeqCst) + 1;
        let memory = self.memory_bytes.fetch_add(job.memory_bytes, Ordering::SeqCst) + job.memory_bytes;
        self.most_jobs.fetch_max(jobs, Ordering::SeqCst);
        self.most_memory_bytes.fetch_max(memory, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(20));
        self.jobs.fetch_sub(1, Ordering::SeqCst);
        self.memory_bytes.fetch_sub(job.memory_bytes, Ordering::SeqCst);
        Ok(right(job, inputs))
    }
}

#[test]
fn as_many_at_once_as_the_limits_allow_and_no_more() {
    for (jobs, memory_bytes, most_jobs) in [(3, 1000, 3), (8, 4 * MEMORY_BYTES, 4), (8, MEMORY_BYTES, 1)] {
        let folder = tempfile::tempdir().unwrap();
        let queue = open(folder.path(), patient());
        let gauge = Arc::new(Gauge::default());
        let inside = gauge.clone();
        let work = Toy::with(move |job, inputs| inside.run(job, inputs));
        let limits = Limits { memory_bytes, ..limits(jobs) };
        Runner::new(&queue, &work, limits, &|_| {}).run(&tree("g", 10)).unwrap();
        assert_eq!(gauge.most_jobs.load(Ordering::SeqCst), most_jobs);
        assert!(gauge.most_memory_bytes.load(Ordering::SeqCst) <= memory_bytes);
    }
}

#[test]
fn a_suspect_runs_alone() {
    let folder = tempfile::tempdir().unwrap();
    let graph = tree("g", 6);
    for _ in 0..2 {
        let queue = open(folder.path(), patient());
        queue.submit(&graph).unwrap();
        claim(&queue);
    }
    let queue = open(folder.path(), patient());
    let running = Arc::new(AtomicUsize::new(0));
    let beside = Arc::new(AtomicUsize::new(usize::MAX));
    let (running_inside, beside_inside) = (running.clone(), beside.clone());
    let work = Toy::with(move |job, inputs| {
        running_inside.fetch_add(1, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(20));
        let now = running_inside.load(Ordering::SeqCst);
        thread::sleep(Duration::from_millis(5));
        if job.label == "g: chunk 0" {
            beside_inside.store(now.max(running_inside.load(Ordering::SeqCst)), Ordering::SeqCst);
        }
        running_inside.fetch_sub(1, Ordering::SeqCst);
        Ok(right(job, inputs))
    });
    assert_eq!(Runner::new(&queue, &work, limits(4), &|_| {}).run(&graph).unwrap(), right_result(&graph));
    assert_eq!(beside.load(Ordering::SeqCst), 1);
}

#[test]
fn a_long_job_keeps_its_lease() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path(), Policy { lease: Duration::from_millis(150), ..patient() });
    let work = Toy::with(|job, inputs| {
        thread::sleep(Duration::from_millis(if job.label == "g: chunk 0" { 1000 } else { 10 }));
        Ok(right(job, inputs))
    });
    let graph = tree("g", 4);
    Runner::new(&queue, &work, limits(2), &|_| {}).run(&graph).unwrap();
    assert_eq!(work.total(), graph.jobs().len(), "the lease was renewed, so nobody began the job again");
}

#[test]
fn what_cannot_be_finished_here_is_not_begun() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path(), patient());
    let work = Toy::right();
    let small = Limits { memory_bytes: MEMORY_BYTES - 1, ..limits(2) };
    let error = Runner::new(&queue, &work, small, &|_| {}).run(&tree("g", 2)).unwrap_err();
    assert!(matches!(error, RunError::TooLarge { needs_bytes: MEMORY_BYTES, .. }), "{error}");

    let mut graph = GraphBuilder::new();
    let chunk = graph.add(spec(JobKind::Chunk, "chunk", vec![])).unwrap();
    let circuit = CircuitDigest([6; 32]);
    graph.add(JobSpec { circuit, ..spec(JobKind::Lift, "lift", vec![Input::Job(chunk)]) }).unwrap();
    let error = Runner::new(&queue, &work, limits(2), &|_| {}).run(&graph.finish("g").unwrap()).unwrap_err();
    let lacking = Ability { kind: JobKind::Lift, circuit };
    assert!(matches!(error, RunError::Unable { ability } if ability == lacking), "{error}");
    assert!(!BTreeSet::from([lacking]).is_subset(&work.abilities()));
    assert_eq!(work.total(), 0);
}

#[test]
fn stopping_finishes_what_runs_and_the_next_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path(), patient());
    let graph = tree("g", 8);
    let stop = Arc::new(AtomicBool::new(false));
    let inside = stop.clone();
    let work = Toy::with(move |job, inputs| {
        if job.label == "g: chunk 3" {
            inside.store(true, Ordering::Relaxed);
        }
        Ok(right(job, inputs))
    });
    let error = Runner::new(&queue, &work, limits(2), &|_| {}).stop_on(&stop).run(&graph).unwrap_err();
    let RunError::Stopped { progress } = error else { panic!("{error}") };
    assert!(progress.leased == 0 && progress.done < graph.jobs().len());
    assert_eq!(progress.done, work.total(), "what was begun was finished");
    stop.store(false, Ordering::Relaxed);
    assert_eq!(
        Runner::new(&queue, &work, limits(2), &|_| {}).stop_on(&stop).run(&graph).unwrap(),
        right_result(&graph)
    );
    assert_eq!(work.total(), graph.jobs().len());
}

#[test]
fn cpu_seconds_of_jobs_add_up() {
    let folder = tempfile::tempdir().unwrap();
    let queue = open(folder.path(), patient());
    let work = Toy::with(|job, inputs| {
        let start = std::time::Instant::now();
        while start.elapsed() < Duration::from_millis(100) {
            std::hint::spin_loop();
        }
        Ok(right(job, inputs))
    });
    let sum = Mutex::new(0.0);
    let before = sheaf_prover::machine::cpu_seconds().unwrap();
    let on_event = |event: Event<'_>| {
        if let Event::Job { what: JobEvent::Finished { cpu_seconds, .. }, .. } = event {
            *sum.lock().unwrap() += cpu_seconds;
        }
    };
    Runner::new(&queue, &work, limits(2), &on_event).run(&tree("g", 2)).unwrap();
    let used = sheaf_prover::machine::cpu_seconds().unwrap() - before;
    let sum = sum.into_inner().unwrap();
    assert!(sum > 0.05 && sum <= used + 0.02, "{sum} s told, {used} s used");
}
