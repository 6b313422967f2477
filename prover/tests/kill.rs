//! kill -9 at random moments: no finished job is done again, and the result is right.
//!
//! Each life of the worker is a process of its own, this test binary called again for its test `child`.

mod support;

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sheaf_prover::artifact::FileArtifacts;
use sheaf_prover::queue::{EmbeddedQueue, JobState, OpenError, Policy, Queue};
use sheaf_prover::runner::{Event, JobEvent, Limits, Runner};
use support::*;

/// Tells the test `child` in which folder to work.
const FOLDER: &str = "SHEAF_TEST_FOLDER";
/// Kills in each test.
const KILLS: usize = 60;
/// Jobs that a child does at once.
const THREADS: usize = 2;
const CHUNKS: usize = 12;
/// Longer than any step takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// As many lives as the test wants to take.
fn immortal() -> Policy {
    Policy { max_attempts: u32::MAX, ..Policy::default() }
}

#[test]
#[ignore = "the worker process that the other tests start and kill"]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    let log = OpenOptions::new().create(true).append(true).open(folder.join("log")).unwrap();
    let log = Mutex::new(log);
    let queue = open(folder, immortal());
    let work = Toy::with(|job, inputs| {
        let mut chain = right(job, inputs);
        for _ in 0..10_000 {
            chain = sheaf_prover::artifact::ArtifactRef::of(&chain).hash.0.to_vec();
        }
        std::hint::black_box(chain);
        Ok(right(job, inputs))
    });
    let on_event = |event: Event<'_>| {
        let Event::Job { id, what, .. } = event else { return };
        let word = match what {
            JobEvent::Started => "started",
            JobEvent::Finished { .. } => "finished",
            other => panic!("unexpected {other:?}"),
        };
        let mut log = log.lock().unwrap();
        log.write_all(format!("{word} {id}\n").as_bytes()).unwrap();
        log.sync_all().unwrap();
    };
    let limits = Limits { worker: "child".into(), jobs: THREADS, memory_bytes: u64::MAX };
    Runner::new(&queue, &work, limits, &on_event).run(&tree("g", CHUNKS)).unwrap();
}

fn spawn(test: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Lets a child live for at most `life`. True when it was killed, false when it finished first.
fn live(folder: &Path, life: Duration) -> bool {
    let mut child = spawn("child", folder);
    let end = Instant::now() + life;
    while Instant::now() < end {
        if child.try_wait().unwrap().is_some() {
            break;
        }
        thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.code().is_none_or(|code| code == 0), "{}", String::from_utf8_lossy(&output.stderr));
    output.status.code().is_none()
}

/// Names of the jobs that have a result, and where it is.
fn done(folder: &Path) -> Vec<(String, std::path::PathBuf)> {
    let artifacts = FileArtifacts::open(folder.join("artifacts")).unwrap();
    let status = match EmbeddedQueue::look(folder) {
        Ok(status) => status,
        Err(OpenError::Absent { .. }) => return Vec::new(),
        // Killed while it made the records: nothing can be done yet.
        Err(_) if !folder.join("log").metadata().is_ok_and(|log| log.len() > 0) => return Vec::new(),
        Err(error) => panic!("{error:?}"),
    };
    let jobs = status.graphs.into_iter().flat_map(|graph| graph.jobs);
    jobs.filter_map(|job| match job.state {
        JobState::Done { artifact, .. } => Some((job.id.to_string(), artifacts.path(artifact.hash))),
        _ => None,
    })
    .collect()
}

/// The root's result, of a graph that a child says is done.
fn result(folder: &Path) -> Vec<u8> {
    open(folder, immortal()).result(tree("g", CHUNKS).root()).unwrap().unwrap()
}

fn log(folder: &Path) -> Vec<(String, String)> {
    let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
    let entry = |line: &str| {
        let (word, id) = line.split_once(' ').unwrap();
        (word.to_owned(), id.to_owned())
    };
    log.lines().map(entry).collect()
}

#[test]
fn no_finished_job_is_done_again() {
    let mut random = StdRng::seed_from_u64(8);
    let expected = right_result(&tree("g", CHUNKS));
    let jobs = tree("g", CHUNKS).jobs().len();
    let (mut kills, mut rounds) = (0, 0);
    while kills < KILLS {
        rounds += 1;
        let folder = tempfile::tempdir().unwrap();
        let mut kills_here = 0;
        let mut known = BTreeSet::new();
        while live(folder.path(), Duration::from_millis(random.gen_range(0..150))) {
            kills_here += 1;
            let now: BTreeSet<_> = done(folder.path()).into_iter().map(|(id, _)| id).collect();
            assert!(now.is_superset(&known), "a finished job was forgotten");
            for (word, id) in log(folder.path()) {
                assert!(word != "finished" || now.contains(&id), "what was told to be finished was not durable");
            }
            known = now;
        }
        assert_eq!(result(folder.path()), expected);

        let log = log(folder.path());
        let mut finished = HashSet::new();
        for (word, id) in &log {
            assert!(!finished.contains(id), "a finished job was {word} again");
            if word == "finished" {
                finished.insert(id);
            }
        }
        let started = log.iter().filter(|(word, _)| word == "started").count();
        assert!(started <= jobs + kills_here * THREADS, "a kill lost more than the jobs in flight");
        kills += kills_here;
    }
    println!("{kills} kills in {rounds} rounds of {jobs} jobs");
}

#[test]
fn kills_and_damage_together_still_end_in_the_right_result() {
    let mut random = StdRng::seed_from_u64(9);
    let expected = right_result(&tree("g", CHUNKS));
    let (mut kills, mut damages) = (0, 0);
    while kills < KILLS {
        let folder = tempfile::tempdir().unwrap();
        while live(folder.path(), Duration::from_millis(random.gen_range(0..200))) {
            kills += 1;
            let done = done(folder.path());
            if done.is_empty() || random.gen_bool(0.5) {
                continue;
            }
            let (_, path) = &done[random.gen_range(0..done.len())];
            // It may have been removed before.
            let mut bytes = fs::read(path).unwrap_or_else(|_| vec![0; 32]);
            match random.gen_range(0..4) {
                0 => bytes.iter_mut().for_each(|byte| *byte ^= 1),
                1 => bytes.truncate(13),
                2 => bytes.clear(),
                _ => bytes.push(0),
            }
            fs::write(path, bytes).unwrap();
            damages += 1;
        }
        assert_eq!(result(folder.path()), expected);
    }
    println!("{kills} kills, {damages} damaged artifacts");
}

#[test]
#[ignore = "the process that the next test finds at the queue"]
fn holder() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    let _queue = open(folder, immortal());
    fs::write(folder.join("opened"), b"").unwrap();
    thread::sleep(PATIENCE);
}

#[test]
fn the_process_that_has_a_queue_open_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut holder = spawn("holder", folder.path());
    let end = Instant::now() + PATIENCE;
    while !folder.path().join("opened").exists() {
        assert!(Instant::now() < end, "the other process never had the queue open");
        thread::sleep(Duration::from_millis(5));
    }
    let opened = EmbeddedQueue::open(folder.path(), immortal(), Arc::new(ByRedoing));
    let id = holder.id();
    holder.kill().unwrap();
    holder.wait().unwrap();
    let Err(OpenError::Locked { pid: Some(pid), .. }) = opened else { panic!("a queue was opened twice") };
    assert_eq!(pid, id);
    open(folder.path(), immortal());
}
