//! The fleet that harm is done to: NATS behind a proxy, a coordinator, workers.

use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use anyhow::{bail, Context as _, Result};
use rustix::process::Signal;
use sheaf_prover::fleet::Lane;
use sheaf_prover::rehearsal;

use super::fault::Size;
use super::process::Process;
use super::proxy::Proxy;
use crate::failure::Advice;

/// The fleet's name.
const FLEET: &str = "chaos";
/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Attempts at a job before it is set aside: with harm every few seconds the same job may well be hit often. As many
/// failures as a queue remembers of a job, so that all are counted.
const ATTEMPTS: u32 = 16;
/// How much longer than its lease a worker is frozen.
const FREEZE_BEYOND: Duration = Duration::from_secs(3);
/// Address space of a worker that is to run out of it. Without jobs it needs a tenth.
const STARVED_BYTES: u64 = 1 << 30;
/// What each job of such a worker takes.
const HOG: &str = "4GiB";

/// What is run.
pub struct Programs {
    /// NATS.
    pub nats_server: PathBuf,
    /// This one.
    pub sheaf: PathBuf,
}

/// The processes and what is between them.
pub struct Ground {
    folder: PathBuf,
    programs: Programs,
    size: Size,
    nats: Process,
    nats_port: u16,
    proxy: Proxy,
    coordinator: Option<Process>,
    workers: Vec<Worker>,
    /// Workers that were started.
    names: usize,
}

struct Worker {
    process: Process,
    /// Frozen until then.
    frozen_until: Option<Instant>,
}

impl Ground {
    /// Starts a fleet with its storage and logs in a folder.
    pub fn start(folder: &Path, programs: Programs, size: Size) -> Result<Self> {
        let no_nats = || {
            let what = format!("{} does not start", programs.nats_server.display());
            Advice::new(what, "install nats-server, or name it by --nats-server; `make fleet-tools` gets one")
        };
        let mut nats = start_nats(&programs.nats_server, folder, "-1").with_context(no_nats)?;
        let ports = folder.join(format!("nats-server_{}.ports", nats.id()));
        let port = |_: &Process| -> Option<u16> {
            let json: serde_json::Value = serde_json::from_slice(&fs::read(&ports).ok()?).ok()?;
            json["nats"][0].as_str()?.rsplit_once(':')?.1.parse().ok()
        };
        let nats_port = nats.wait_until("listening", PATIENCE, port).with_context(no_nats)?;
        let proxy =
            Proxy::start(nats_port).context(Advice::new("cannot listen on this machine", "mend its loopback"))?;
        let (folder, workers) = (folder.to_owned(), Vec::new());
        let mut ground = Self { folder, programs, size, nats, nats_port, proxy, coordinator: None, workers, names: 0 };
        let no_fleet = || Advice::new("the fleet does not start", "mend what is said above");
        ground.start_coordinator().with_context(no_fleet)?;
        for _ in 0..size.workers {
            ground.add_worker().with_context(no_fleet)?;
        }
        Ok(ground)
    }

    /// Where everybody finds NATS.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.proxy.port())
    }

    /// The lane of its jobs.
    pub fn lane() -> Lane {
        Lane::new(FLEET, rehearsal::LANE).expect("both are names")
    }

    /// Places of workers that are not frozen.
    pub fn awake(&self) -> Vec<usize> {
        (0..self.workers.len()).filter(|&place| self.workers[place].frozen_until.is_none()).collect()
    }

    /// When the next frozen worker goes on.
    pub fn next_thaw(&self) -> Option<Instant> {
        self.workers.iter().filter_map(|worker| worker.frozen_until).min()
    }

    /// Fails when a process has ended by itself, with the end of its log.
    pub fn look(&mut self) -> Result<()> {
        let workers = self.workers.iter_mut().map(|worker| &mut worker.process);
        for process in workers.chain(&mut self.coordinator).chain([&mut self.nats]) {
            if let Some(status) = process.ended()? {
                bail!("{} ended by itself with {status}:\n{}", process.name(), process.tail());
            }
        }
        Ok(())
    }

    /// Kills a worker and starts it again under its name, or another in its place.
    pub fn kill_worker(&mut self, place: usize, same_name: bool) -> Result<String> {
        let worker = &mut self.workers[place];
        let name = worker.process.name().to_owned();
        worker.process.kill()?;
        if same_name {
            let process = self.start_worker(&name, self.size.jobs, &[])?;
            self.workers[place] = Worker { process, frozen_until: None };
            return Ok(format!("worker {name} killed, and started again"));
        }
        self.workers.remove(place);
        let other = self.add_worker()?;
        Ok(format!("worker {name} killed, and {other} started"))
    }

    /// Freezes a worker past its lease.
    pub fn freeze_worker(&mut self, place: usize) -> Result<String> {
        let time = self.size.lease() + FREEZE_BEYOND;
        let worker = &mut self.workers[place];
        worker.process.signal(Signal::STOP)?;
        worker.frozen_until = Some(Instant::now() + time);
        Ok(format!("worker {} frozen for {} s", worker.process.name(), time.as_secs()))
    }

    /// Continues workers that were frozen long enough.
    pub fn thaw(&mut self) -> Result<()> {
        let now = Instant::now();
        for worker in &mut self.workers {
            if worker.frozen_until.is_some_and(|until| until <= now) {
                worker.process.signal(Signal::CONT)?;
                worker.frozen_until = None;
            }
        }
        Ok(())
    }

    /// Starts a worker that runs out of memory, and sees it die of that.
    pub fn starve_worker(&mut self) -> Result<String> {
        let name = self.new_name("starved");
        let mut process = self.spawn_worker(&name, 1, &["--hog", HOG])?;
        process.limit_memory(STARVED_BYTES)?;
        process.wait_for_log("worker ready", PATIENCE)?;
        let status = process.wait(PATIENCE)?;
        if status.code().is_some() || !process.says("memory allocation of") {
            bail!("{name} was to die of lack of memory, and ended with {status}:\n{}", process.tail());
        }
        Ok(format!("worker {name} ran out of memory in a job: {status}"))
    }

    /// Starts a worker whose results are wrong, and sees it end because of that.
    pub fn add_liar(&mut self) -> Result<String> {
        let name = self.new_name("liar");
        let mut process = self.start_worker(&name, 1, &["--lie", "1"])?;
        let status = process.wait(PATIENCE)?;
        if status.code() != Some(1) {
            bail!("{name} was to end with exit code 1, and ended with {status}:\n{}", process.tail());
        }
        Ok(format!("worker {name} lied, and got no more jobs"))
    }

    /// Kills the coordinator and starts it again after a while.
    pub fn kill_coordinator(&mut self, pause: Duration) -> Result<String> {
        if let Some(mut process) = self.coordinator.take() {
            process.kill()?;
        }
        std::thread::sleep(pause);
        self.start_coordinator()?;
        Ok(format!("coordinator killed, and started again after {} ms", pause.as_millis()))
    }

    /// Kills NATS and starts it again after a while, with its storage.
    pub fn kill_nats(&mut self, pause: Duration) -> Result<String> {
        self.nats.kill()?;
        std::thread::sleep(pause);
        self.nats = start_nats(&self.programs.nats_server, &self.folder, &self.nats_port.to_string())?;
        let port = self.nats_port;
        self.nats.wait_until("listening", PATIENCE, |_| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok())?;
        Ok(format!("NATS killed, and started again after {} ms", pause.as_millis()))
    }

    /// Cuts all connections for a while.
    pub fn cut(&self, pause: Duration) -> String {
        self.proxy.cut();
        std::thread::sleep(pause);
        self.proxy.mend();
        format!("all connections cut for {} ms", pause.as_millis())
    }

    /// Tells all workers to stop, and waits until they have. Gives what went wrong.
    pub fn stop_workers(&mut self) -> Vec<String> {
        let workers = std::mem::take(&mut self.workers).into_iter().map(|worker| worker.process);
        stop(workers.collect())
    }

    /// Tells the coordinator to stop, and waits until it has. Gives what went wrong.
    pub fn stop_coordinator(&mut self) -> Vec<String> {
        stop(self.coordinator.take().into_iter().collect())
    }

    /// Lines in the logs of all the coordinator's lives that tell of an attempt that failed.
    pub fn failures_told(&self) -> u64 {
        let log = fs::read(self.folder.join("coordinator.log")).unwrap_or_default();
        let tells = |line: &&str| line.contains("\"attempt failed\"") || line.contains("\"job set aside\"");
        String::from_utf8_lossy(&log).lines().filter(tells).count() as u64
    }

    fn start_coordinator(&mut self) -> Result<()> {
        let (lease, attempts) = (self.size.lease_s.to_string(), ATTEMPTS.to_string());
        let options = ["--data-dir", "records", "--lease", &lease, "--attempts", &attempts];
        let mut process = self.spawn("coordinator", &[&["coordinator"], &options[..]].concat())?;
        process.wait_for_log("coordinator ready", PATIENCE)?;
        self.coordinator = Some(process);
        Ok(())
    }

    fn new_name(&mut self, what: &str) -> String {
        self.names += 1;
        format!("{what}-{}", self.names)
    }

    fn add_worker(&mut self) -> Result<String> {
        let name = self.new_name("worker");
        let process = self.start_worker(&name, self.size.jobs, &[])?;
        self.workers.push(Worker { process, frozen_until: None });
        Ok(name)
    }

    fn start_worker(&self, name: &str, jobs: usize, options: &[&str]) -> Result<Process> {
        let mut process = self.spawn_worker(name, jobs, options)?;
        process.wait_for_log("worker ready", PATIENCE)?;
        Ok(process)
    }

    fn spawn_worker(&self, name: &str, jobs: usize, options: &[&str]) -> Result<Process> {
        let jobs = jobs.to_string();
        self.spawn(name, &[&["worker", "--name", name, "--jobs", &jobs], options].concat())
    }

    fn spawn(&self, name: &str, arguments: &[&str]) -> Result<Process> {
        let url = self.url();
        let all = [arguments, &["--rehearsal", "--fleet", FLEET, "--queue", &url, "--log-json"]].concat();
        Process::start(&self.programs.sheaf, all.iter().map(OsString::from).collect(), name, &self.folder)
    }
}

fn start_nats(program: &Path, folder: &Path, port: &str) -> Result<Process> {
    let mut arguments: Vec<OsString> =
        ["--addr", "127.0.0.1", "--port", port, "--jetstream", "--store_dir"].iter().map(OsString::from).collect();
    arguments.extend([folder.into(), "--ports_file_dir".into(), folder.into()]);
    Process::start(program, arguments, "nats", folder)
}

fn stop(mut processes: Vec<Process>) -> Vec<String> {
    // All are told before any is waited for.
    let told: Vec<Result<()>> = processes.iter().map(|process| process.signal(Signal::TERM)).collect();
    let stop_one = |(process, told): (&mut Process, Result<()>)| -> Result<()> {
        told?;
        let status: ExitStatus = process.wait(PATIENCE)?;
        if status.code() != Some(0) {
            bail!("{} was told to stop, and ended with {status}:\n{}", process.name(), process.tail());
        }
        Ok(())
    };
    let ended = processes.iter_mut().zip(told).map(stop_one);
    ended.filter_map(Result::err).map(|error| format!("{error:#}")).collect()
}
