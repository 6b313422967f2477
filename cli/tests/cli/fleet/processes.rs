//! Real processes of a fleet, with NATS, in a folder of their own.

#[allow(dead_code, reason = "the tests of prover use the rest")]
#[path = "../../../../prover/tests/support/nats.rs"]
pub mod nats;

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nats::NatsServer;
use rustix::process::{prlimit, Pid, Resource, Rlimit};
use serde_json::Value;
use tempfile::TempDir;

/// Longer than any of this takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(150);
/// Seconds of a lease in these tests.
pub const LEASE_S: u32 = 5;

/// NATS, and a folder for coordinators and logs.
pub struct Fleet {
    pub server: NatsServer,
    folder: TempDir,
}

/// A process of the fleet. It is killed when this is dropped.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Fleet {
    pub fn new() -> Self {
        Self { server: NatsServer::start(), folder: TempDir::new().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts `sheaf`, or something that starts it, with its log in a file.
    pub fn start_by(&self, program: &[&str], name: &str, arguments: &str) -> Process {
        let log = self.path(&format!("{name}.log"));
        let open = || File::options().create(true).append(true).open(&log).unwrap();
        let words: Vec<&str> = program.iter().copied().chain([env!("CARGO_BIN_EXE_sheaf")]).collect();
        let child = Command::new(words[0])
            .args(&words[1..])
            .args(arguments.split_whitespace())
            .args(["--queue", &self.server.url(), "--log-json"])
            .current_dir(self.folder.path())
            .env_remove("SHEAF_LOG")
            .stdin(Stdio::null())
            .stdout(open())
            .stderr(open())
            .spawn()
            .unwrap();
        Process { child, log }
    }

    pub fn start(&self, name: &str, arguments: &str) -> Process {
        self.start_by(&[], name, arguments)
    }

    /// Starts a coordinator of rehearsals, and waits until it answers.
    pub fn coordinator(&self) -> Process {
        self.coordinator_by(&[], &format!("--rehearsal --data-dir records --lease {LEASE_S}"))
    }

    pub fn coordinator_by(&self, program: &[&str], options: &str) -> Process {
        let mut process = self.start_by(program, "coordinator", &format!("coordinator {options}"));
        let lane = if options.contains("--rehearsal") { "--rehearsal" } else { "--security=fast" };
        wait_until("the coordinator's answer", || {
            let ended = process.child.try_wait().unwrap();
            assert!(ended.is_none(), "the coordinator ended: {}", process.log());
            self.status(lane)
        });
        process
    }

    pub fn worker(&self, name: &str) -> Process {
        self.start(name, &format!("worker --rehearsal --jobs 4 --name {name}"))
    }

    /// Starts a rehearsal and gives what waits for its report.
    pub fn rehearsal(&self, options: &str) -> thread::JoinHandle<Value> {
        let (url, log) = (self.server.url(), self.path("rehearse.log"));
        let arguments = format!("rehearse {options} --json");
        thread::spawn(move || {
            let output = Command::new(env!("CARGO_BIN_EXE_sheaf"))
                .args(arguments.split_whitespace())
                .args(["--queue", &url])
                .stdin(Stdio::null())
                .stderr(File::create(log).unwrap())
                .output()
                .unwrap();
            assert!(output.status.success(), "the rehearsal ended with {}", output.status);
            serde_json::from_slice(&output.stdout).unwrap()
        })
    }

    /// What is in the fleet's lane now, by `sheaf status`.
    pub fn status(&self, lane: &str) -> Option<Value> {
        let output = Command::new(env!("CARGO_BIN_EXE_sheaf"))
            .args(["status", "--json", "--all", lane, "--queue", &self.server.url()])
            .output()
            .unwrap();
        serde_json::from_slice(&output.stdout).ok()
    }

    pub fn wait_for_progress(&self, done: u64) {
        wait_until("progress", || {
            let status = self.status("--rehearsal")?;
            let graph = status["graphs"].as_array()?.last()?.clone();
            (graph["progress"]["done"].as_u64()? >= done).then_some(())
        });
    }
}

impl Process {
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// From now on it gets no more address space than it has.
    pub fn starve(&self) {
        let pid = Pid::from_child(&self.child);
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let has_kb = status.lines().find_map(|line| line.strip_prefix("VmSize:")?.trim().strip_suffix(" kB"));
        let bytes = has_kb.unwrap().parse::<u64>().unwrap() << 10;
        let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
        prlimit(Some(pid), Resource::As, limit).unwrap();
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub fn wait_for_log(&self, text: &str) {
        wait_until(text, || self.log().contains(text).then_some(()));
    }

    pub fn wait(&mut self) -> ExitStatus {
        wait_until("the end", || self.child.try_wait().unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(15).collect();
            let tail: Vec<&str> = tail.into_iter().rev().collect();
            eprintln!("--- the end of {}\n{}", self.log.display(), tail.join("\n"));
        }
    }
}

pub fn wait_until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "{what}: not after {PATIENCE:?}");
        thread::sleep(Duration::from_millis(50));
    }
}

pub fn number(report: &Value, field: &str) -> u64 {
    report[field].as_u64().unwrap_or_else(|| panic!("{field} in {report}"))
}
