//! A fleet of real processes, and what is done to it: killed, frozen, starved, lied to, cut off.
//!
//! Where proofs do not matter the jobs are rehearsals, which are checked as proofs are.

pub mod processes;

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;

use processes::{nats, number, wait_until, Fleet, LEASE_S};
use serde_json::Value;

use crate::support::Session;
use crate::with_bad_entries;

#[test]
fn killed_workers_cost_what_they_were_doing() {
    let fleet = Fleet::new();
    let _coordinator = fleet.coordinator();
    let _steady = fleet.worker("steady");
    let rehearsal = fleet.rehearsal("--chunks 60 --chunk-ms 100 --recursion-ms 20");
    let kills = 5;
    for kill in 0..kills {
        let mut victim = fleet.worker(&format!("victim-{kill}"));
        victim.wait_for_log("\"started\"");
        thread::sleep(Duration::from_millis(30 * kill));
        victim.kill();
    }
    let report = rehearsal.join().unwrap();
    assert_eq!(number(&report, "jobs"), 179);
    let lost = number(&report, "attempts_lost");
    assert!(lost <= 4 * kills, "{lost} attempts lost, at most the four of each killed worker");
}

#[test]
fn a_worker_that_begins_anew_under_its_name_waits_for_no_lease() {
    let fleet = Fleet::new();
    let _coordinator = fleet.coordinator_by(&[], "--rehearsal --data-dir records --lease 3600");
    let mut first = fleet.worker("same");
    let rehearsal = fleet.rehearsal("--chunks 8 --chunk-ms 400");
    first.wait_for_log("\"started\"");
    first.kill();
    let _second = fleet.worker("same");
    let report = rehearsal.join().unwrap();
    assert!((1..=4).contains(&number(&report, "attempts_lost")), "{report}");
}

#[test]
fn a_frozen_worker_loses_its_jobs_and_its_late_results_do_no_harm() {
    let fleet = Fleet::new();
    let _coordinator = fleet.coordinator();
    let frozen = fleet.worker("frozen");
    let rehearsal = fleet.rehearsal("--chunks 12 --chunk-ms 300");
    frozen.wait_for_log("\"started\"");
    frozen.signal("-STOP");
    let _other = fleet.worker("other");
    thread::sleep(Duration::from_secs(u64::from(LEASE_S) + 2));
    frozen.signal("-CONT");
    let report = rehearsal.join().unwrap();
    let lost = number(&report, "attempts_lost");
    assert!((1..=4).contains(&lost), "{lost} attempts lost: those of the frozen worker");
}

#[test]
fn a_killed_coordinator_goes_on_where_it_was() {
    let fleet = Fleet::new();
    let mut coordinator = fleet.coordinator();
    let _workers = [fleet.worker("a"), fleet.worker("b")];
    let rehearsal = fleet.rehearsal("--chunks 60 --chunk-ms 200 --recursion-ms 50");
    for done in [10, 40, 80] {
        fleet.wait_for_progress(done);
        coordinator.kill();
        coordinator = fleet.coordinator();
    }
    let report = rehearsal.join().unwrap();
    assert_eq!(number(&report, "jobs"), 179);
    let lost = number(&report, "attempts_lost");
    assert!(lost <= 6, "{lost} attempts lost: claims whose answers the coordinator took with it, two workers, thrice");
}

#[test]
fn a_killed_nats_comes_back_with_everything() {
    let fleet = Fleet::new();
    let _coordinator = fleet.coordinator();
    let workers = [fleet.worker("a"), fleet.worker("b")];
    let rehearsal = fleet.rehearsal("--chunks 60 --chunk-ms 200 --recursion-ms 50");
    for done in [10, 60] {
        fleet.wait_for_progress(done);
        fleet.server.kill();
        thread::sleep(Duration::from_secs(1));
        fleet.server.restart();
    }
    let report = rehearsal.join().unwrap();
    assert_eq!(number(&report, "jobs"), 179);
    let lost = number(&report, "attempts_lost");
    assert!(lost <= 4, "{lost} attempts lost: claims whose answers NATS took with it, two workers, twice");
    for worker in &workers {
        let log = worker.log();
        assert!(log.contains("NATS is away") && log.contains("connected to NATS"), "workers say what happened: {log}");
    }
}

#[test]
fn lies_are_refused_and_the_liar_ends() {
    let fleet = Fleet::new();
    let coordinator = fleet.coordinator();
    let mut liar = fleet.start("liar", "worker --rehearsal --jobs 1 --name liar --lie 1");
    let rehearsal = fleet.rehearsal("--chunks 10");
    assert_eq!(liar.wait().code(), Some(1));
    assert!(liar.log().contains("worker liar gets no more jobs"), "{}", liar.log());
    coordinator.wait_for_log("refused in a row: it gets no more jobs");
    let _honest = fleet.worker("honest");
    let report = rehearsal.join().unwrap();
    assert_eq!(number(&report, "attempts_lost"), 3);
    assert_eq!(report["workers"]["honest"]["jobs"], 29);
}

#[test]
fn a_worker_told_to_stop_finishes_or_gives_back() {
    let fleet = Fleet::new();
    let _coordinator = fleet.coordinator_by(&[], "--rehearsal --data-dir records --lease 3600");
    let rehearsal = fleet.rehearsal("--chunks 4 --chunk-ms 1500");
    let mut finishes = fleet.start("finishes", "worker --rehearsal --jobs 1 --name finishes --grace 60");
    finishes.wait_for_log("\"started\"");
    finishes.signal("-TERM");
    assert_eq!(finishes.wait().code(), Some(0));
    assert!(finishes.log().contains("1 job finished, 0 attempts failed"), "{}", finishes.log());

    let mut gives_back = fleet.start("gives-back", "worker --rehearsal --jobs 2 --name gives-back --grace 0");
    gives_back.wait_for_log("\"started\"");
    gives_back.signal("-TERM");
    assert_eq!(gives_back.wait().code(), Some(0));
    assert!(gives_back.log().contains("running jobs were given back"), "{}", gives_back.log());

    let mut once = fleet.start("once", "worker --rehearsal --once");
    assert_eq!(once.wait().code(), Some(0));
    let mut drains = fleet.start("drains", "worker --rehearsal --jobs 3 --drain");
    let report = rehearsal.join().unwrap();
    assert_eq!(number(&report, "attempts_lost"), 0, "nothing was lost, with leases of an hour");
    assert_eq!(drains.wait().code(), Some(0));
}

#[test]
fn a_full_disk_ends_the_coordinator_and_loses_nothing() {
    // A file system of its own that is small, in a name space that needs no rights.
    let probe = Command::new("unshare").args(["--user", "--map-root-user", "--mount", "true"]).status();
    if !probe.is_ok_and(|status| status.success()) {
        eprintln!("skipped: this machine does not let users make name spaces");
        return;
    }
    let fleet = Fleet::new();
    fs::create_dir(fleet.path("small")).unwrap();
    fs::create_dir(fleet.path("kept")).unwrap();
    // The records begin on a file system of 1 MiB, and what could be written is saved to where there is room.
    let script = fleet.path("small.sh");
    fs::write(&script, "mount -t tmpfs -o size=1m tmpfs small\n\"$@\"\ncode=$?\ncp -a small/. kept/\nexit $code\n")
        .unwrap();
    let unshare = ["unshare", "--user", "--map-root-user", "--mount", "sh", script.to_str().unwrap()];
    let arguments = format!("--rehearsal --data-dir small --lease {LEASE_S}");
    let mut starved = fleet.coordinator_by(&unshare, &arguments);
    let _worker = fleet.worker("a");
    let rehearsal = fleet.rehearsal("--chunks 1500");
    assert_eq!(starved.wait().code(), Some(2), "{}", starved.log());
    assert!(starved.log().contains("No space left on device"), "{}", starved.log());
    let _fed = fleet.coordinator_by(&[], &format!("--rehearsal --data-dir kept --lease {LEASE_S}"));
    let report = rehearsal.join().unwrap();
    assert_eq!(number(&report, "jobs"), 4499);
}

#[test]
fn clocks_that_jump_change_no_lease() {
    let library = faketime();
    let fleet = Fleet::new();
    let offset = fleet.path("offset");
    fs::write(&offset, "+0").unwrap();
    let environment = [
        "env".to_owned(),
        format!("LD_PRELOAD={}", library.display()),
        format!("FAKETIME_TIMESTAMP_FILE={}", offset.display()),
        "FAKETIME_NO_CACHE=1".to_owned(),
        "FAKETIME_DONT_FAKE_MONOTONIC=1".to_owned(),
    ];
    let environment: Vec<&str> = environment.iter().map(String::as_str).collect();
    let arguments = format!("--rehearsal --data-dir records --lease {LEASE_S}");
    let _coordinator = fleet.coordinator_by(&environment, &arguments);
    let _worker = fleet.start_by(&environment, "worker", "worker --rehearsal --jobs 4 --name a");
    let rehearsal = fleet.rehearsal("--chunks 24 --chunk-ms 700");
    for jump in ["+3600", "-7200", "+86400", "+0"] {
        fs::write(&offset, jump).unwrap();
        thread::sleep(Duration::from_millis(1200));
    }
    let report = rehearsal.join().unwrap();
    assert_eq!(number(&report, "attempts_lost"), 0);
}

fn faketime() -> PathBuf {
    let places = fs::read_dir(nats::tools().join("usr/lib")).expect("libfaketime is there: `make fleet-tools` gets it");
    let libraries = places.map(|place| place.unwrap().path().join("faketime/libfaketime.so.1"));
    libraries.into_iter().find(|path| path.exists()).expect("libfaketime is there: `make fleet-tools` gets it")
}

#[test]
fn a_fleet_proves_a_batch_through_kills_hunger_and_lies_and_leaves_other_versions_alone() {
    let fleet = Fleet::new();
    let session = with_bad_entries();
    let url = fleet.server.url();
    let _coordinator = fleet.coordinator_by(&[], "--security fast --data-dir records --lease 5 --attempts 8");
    let prove = format!("prove demo/bad.jsonl --security fast --data-dir data --out proof.bin --queue {url} --json");
    let mut proving = session.start(&prove);
    // Of the wrong version: it waits, and says why.
    let other = fleet.start("other", "worker --security proven --name other");
    // Killed in the middle of its first proof.
    let mut killed = fleet.start("killed", "worker --security fast --name killed");
    killed.wait_for_log("\"started\"");
    thread::sleep(Duration::from_millis(500));
    killed.kill();
    // Out of memory in the middle of its first job, with an allocator that keeps nothing in reserve.
    let frugal = ["env", "MIMALLOC_ARENA_RESERVE=0"];
    let mut starved = fleet.start_by(&frugal, "starved", "worker --security fast --jobs 1 --name starved");
    starved.wait_for_log("\"started\"");
    starved.starve();
    let ended = starved.wait();
    let log = starved.log();
    assert!(ended.code().is_none() && log.contains("memory allocation of"), "{ended}: {log}");
    assert!(!log.contains("\"finished\""), "{log}");
    other.wait_for_log("jobs for other circuits than this worker's");
    // Every second result is a proof with one bit changed.
    let liar = fleet.start("liar", "worker --security fast --capabilities chunk --jobs 1 --name liar --lie 1");
    liar.wait_for_log("its result was refused");
    drop(liar);
    let honest = fleet.start("honest", "worker --security fast --name honest --memory 6GiB");
    let ended = wait_until("the proof", || proving.try_wait().unwrap());
    assert_eq!(ended.code(), Some(0), "{}", honest.log());
    assert_eq!(session.quietly("verify proof.bin --security fast").exit_code, 0);
    assert!(!other.log().contains("\"started\""), "a worker of another version gets no job");

    // The same without a fleet comes to the same root.
    let here = session.quietly("prove demo/bad.jsonl --security fast --data-dir here --out here.bin --json");
    let post_root = |text: &str| serde_json::from_str::<Value>(text).unwrap()["post_root"].clone();
    let verified = session.quietly("verify proof.bin --security fast --json");
    assert_eq!(post_root(&here.stdout), post_root(&verified.stdout));

    let status = session.quietly(&format!("status --security fast --queue {url} --all --json"));
    let status: Value = serde_json::from_str(&status.stdout).unwrap();
    let jobs = status["graphs"][0]["jobs"].as_array().unwrap();
    assert!(jobs.iter().all(|job| job["state"] == "done" && job["worker"] == "honest"), "{status}");
    assert_eq!(status["graphs"][0]["transactions"], 2);

    // Settled, nothing of it is kept; what is kept is what may still be needed.
    let settle = session.quietly(&format!("settle --security fast --queue {url} --grace 0 proof.bin --json"));
    assert_eq!(settle.exit_code, 0, "{}", settle.stderr);
    let swept: Value = serde_json::from_str(&settle.stdout).unwrap();
    assert_eq!((number(&swept, "kept"), swept["settled"].as_array().unwrap().len()), (0, 1), "{swept}");
    assert_eq!(session.quietly(&format!("settle --security fast --queue {url} proof.bin")).exit_code, 1);
}

#[test]
fn what_an_interrupted_prove_left_is_finished_without_its_batch() {
    let session: Session = with_bad_entries();
    let mut proving = session.start("prove demo/bad.jsonl --security fast --data-dir data --out proof.bin");
    wait_until("the jobs", || {
        let status = session.quietly("status --data-dir data --json");
        (status.exit_code == 0 && status.stdout.contains("\"leased\": 1")).then_some(())
    });
    proving.kill().unwrap();
    proving.wait().unwrap();
    let drained = session.quietly("worker --data-dir data --security fast --capabilities chunk,lift,join --json");
    assert_eq!(drained.exit_code, 0, "{}", drained.stderr);
    let proven = session.quietly("prove demo/bad.jsonl --security fast --data-dir data --out proof.bin --json");
    let report: Value = serde_json::from_str(&proven.stdout).unwrap();
    assert!(report["stages"].get("chunk").is_none(), "nothing is proven again: {report}");
    let settled = session.quietly("settle --data-dir data proof.bin --json");
    let swept: Value = serde_json::from_str(&settled.stdout).unwrap();
    assert_eq!((number(&swept, "kept"), number(&swept, "kept_bytes")), (0, 0));
    assert!(number(&swept, "artifacts") >= 3, "{swept}");
}
