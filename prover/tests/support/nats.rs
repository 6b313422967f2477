//! A NATS server for tests, with a folder and a port of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than a server takes to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server; it ends when this is dropped.
pub struct NatsServer {
    folder: tempfile::TempDir,
    arguments: &'static [&'static str],
    port: u16,
    process: Mutex<Child>,
}

impl NatsServer {
    /// Starts one on a free port.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one with further arguments.
    pub fn start_with(arguments: &'static [&'static str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut process = run(folder.path(), "-1", arguments);
        let ports = folder.path().join(format!("nats-server_{}.ports", process.id()));
        let port = wait_for("the server's port", &mut process, || {
            let json: serde_json::Value = serde_json::from_slice(&fs::read(&ports).ok()?).ok()?;
            json["nats"][0].as_str()?.rsplit_once(':')?.1.parse().ok()
        });
        Self { folder, arguments, port, process: Mutex::new(process) }
    }

    /// The one that the tests of this file share, as long as one of them runs.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<NatsServer>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Self::start());
            *shared = Arc::downgrade(&server);
            server
        })
    }

    /// Its port on this machine.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Its storage.
    pub fn storage(&self) -> PathBuf {
        self.folder.path().join("jetstream")
    }

    /// Ends it as a power cut would.
    pub fn kill(&self) {
        let mut process = self.process.lock().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// Starts it again, on the same port with the same storage.
    pub fn restart(&self) {
        let mut process = self.process.lock().unwrap();
        *process = run(self.folder.path(), &self.port.to_string(), self.arguments);
        wait_for("the server", &mut process, || std::net::TcpStream::connect(("127.0.0.1", self.port)).ok());
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        let process = self.process.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner());
        let _ = process.kill();
        let _ = process.wait();
    }
}

/// Where `make fleet-tools` puts what it gets.
pub fn tools() -> PathBuf {
    PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache/sheaf/fleet-tools")
}

fn run(folder: &Path, port: &str, arguments: &[&str]) -> Child {
    let log = fs::OpenOptions::new().create(true).append(true).open(folder.join("log")).unwrap();
    Command::new(tools().join("usr/sbin/nats-server"))
        .args(["--addr", "127.0.0.1", "--port", port, "--jetstream", "--store_dir"])
        .arg(folder)
        .arg("--ports_file_dir")
        .arg(folder)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("nats-server is there: `make fleet-tools` gets it")
}

fn wait_for<T>(what: &str, process: &mut Child, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(process.try_wait().unwrap().is_none(), "nats-server ended");
        assert!(start.elapsed() < PATIENCE, "no {what} after {PATIENCE:?}");
        thread::sleep(Duration::from_millis(20));
    }
}
