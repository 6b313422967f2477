//! `kill -9` at any moment, then the same command: nothing that was finished is done again, and the proof is right.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Kills, at least.
const KILLS: usize = 20;

fn sheaf() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sheaf"));
    command.env("SHEAF_LOG", "info").stdout(Stdio::null());
    command
}

/// The jobs that a log says were done with `what`, by label.
fn jobs(log: &Path, what: &str) -> Vec<String> {
    let log = fs::read_to_string(log).unwrap();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    lines
        .filter(|line| line["fields"]["message"] == what)
        .map(|line| line["fields"]["job"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn kill_at_random_moments_loses_only_what_is_in_flight() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let table = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/demo/transactions.csv");
    let import =
        sheaf().args(["import", table, "--limit", "40", "--out"]).arg(path("in")).stderr(Stdio::null()).status();
    assert!(import.unwrap().success());

    let prove = |log: &Path| {
        let mut command = sheaf();
        command
            .args(["prove", "--log-json", "--security", "fast", "--attempts", "1000"])
            .arg(path("in/batch.jsonl"))
            .arg("--data-dir")
            .arg(path("data"))
            .arg("--out")
            .arg(path("proof.bin"))
            .stderr(fs::File::create(log).unwrap());
        command
    };
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut finished = BTreeSet::new();
    let mut kills = 0;
    loop {
        let log = path(&format!("log-{kills}"));
        let mut child = prove(&log).spawn().unwrap();
        // While kills are due: moments from the very start to somewhere in the middle of a run. Longer and longer, so
        // that jobs that take long get done between them.
        let patience = Duration::from_millis(random.gen_range(0..2500) + 100 * kills as u64);
        let ended = if kills < KILLS { wait(&mut child, patience) } else { Some(child.wait().unwrap().success()) };
        for job in jobs(&log, "started") {
            assert!(!finished.contains(&job), "{job} was finished and is done again after {kills} kills");
        }
        finished.extend(jobs(&log, "finished"));
        match ended {
            Some(success) => {
                assert!(success, "{}", fs::read_to_string(&log).unwrap());
                if kills >= KILLS {
                    break;
                }
                // All done before there were enough kills: begin anew.
                fs::remove_dir_all(path("data")).unwrap();
                finished.clear();
            }
            None => kills += 1,
        }
    }
    let verified = sheaf().args(["verify", "--security", "fast"]).arg(path("proof.bin")).status().unwrap();
    assert!(verified.success());
}

/// Waits so long, then kills. Whether it succeeded, if it ended by itself.
fn wait(child: &mut std::process::Child, patience: Duration) -> Option<bool> {
    let start = std::time::Instant::now();
    while start.elapsed() < patience {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status.success());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    None
}
