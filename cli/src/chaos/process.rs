//! A process that harm is done to.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{bail, Context as _, Result};
use rustix::process::{kill_process, prlimit, Pid, Resource, Rlimit, Signal};

/// How often it is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Lines at the end of a log that are shown.
const TAIL_LINES: usize = 5;

/// A process with its log. It is killed when this is dropped.
pub struct Process {
    name: String,
    log: PathBuf,
    /// Where this life's log begins.
    log_start: usize,
    child: Child,
}

impl Process {
    /// Starts a program in a folder; what it says goes to `NAME.log` there, behind what is there already.
    pub fn start(program: &Path, arguments: Vec<OsString>, name: &str, folder: &Path) -> Result<Self> {
        let log = folder.join(format!("{name}.log"));
        let cannot = || format!("cannot start {}", program.display());
        let file = File::options().create(true).append(true).open(&log).with_context(cannot)?;
        let log_start = file.metadata().with_context(cannot)?.len() as usize;
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder).env_remove("SHEAF_LOG").stdin(Stdio::null());
        // Of its own group: Ctrl-C is for us.
        command.stdout(file.try_clone().with_context(cannot)?).stderr(file).process_group(0);
        let child = command.spawn().with_context(cannot)?;
        Ok(Self { name: name.to_owned(), log, log_start, child })
    }

    /// Its name, which is that of its log.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        kill_process(Pid::from_child(&self.child), signal).with_context(|| format!("{} gets no signals", self.name))
    }

    /// Sets how much address space it may have.
    pub fn limit_memory(&self, bytes: u64) -> Result<()> {
        let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
        let limited = prlimit(Some(Pid::from_child(&self.child)), Resource::As, limit);
        limited.map(drop).with_context(|| format!("{} gets no limit", self.name))
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill().and_then(|()| self.child.wait()).map(drop).with_context(|| format!("{} lives on", self.name))
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().with_context(|| format!("{} is not ours", self.name))
    }

    /// Waits until `look` finds something, as long as it lives.
    pub fn wait_until<T>(&mut self, what: &str, patience: Duration, look: impl Fn(&Self) -> Option<T>) -> Result<T> {
        let start = Instant::now();
        loop {
            if let Some(found) = look(self) {
                return Ok(found);
            }
            if let Some(status) = self.ended()? {
                bail!("{} ended with {status}, before {what}:\n{}", self.name, self.tail());
            }
            if start.elapsed() > patience {
                bail!("{}: not {what} after {patience:?}:\n{}", self.name, self.tail());
            }
            thread::sleep(LOOK_AGAIN);
        }
    }

    /// Waits until its log has some text.
    pub fn wait_for_log(&mut self, text: &str, patience: Duration) -> Result<()> {
        self.wait_until(text, patience, |this| this.says(text).then_some(()))
    }

    /// Waits until it ends.
    pub fn wait(&mut self, patience: Duration) -> Result<ExitStatus> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            if start.elapsed() > patience {
                bail!("{} has not ended after {patience:?}:\n{}", self.name, self.tail());
            }
            thread::sleep(LOOK_AGAIN);
        }
    }

    /// The end of its log.
    pub fn tail(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }

    /// Whether this life's log has some text.
    pub fn says(&self, text: &str) -> bool {
        let log = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(log.get(self.log_start..).unwrap_or_default()).contains(text)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
