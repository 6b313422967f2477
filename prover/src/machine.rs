//! What this machine has and what this process has used of it. Linux only, from `/proc`.

use std::fs;
use std::path::{Path, PathBuf};

use procfs::process::Process;
use procfs::{Current, Meminfo};

/// Why `/proc` cannot be read.
pub use procfs::ProcError;

/// Memory of the machine, or of the container it pretends to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// What processes here may use altogether, in bytes.
    pub total_bytes: u64,
    /// What is left of it without swapping, in bytes.
    pub available_bytes: u64,
}

/// CPU seconds that this process has used so far, user and system, all threads, ended ones included.
/// In steps of a clock tick (10 ms). Per-thread times would say little: a job's work is spread over the
/// threads of a pool that jobs share.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn cpu_seconds() -> Result<f64, ProcError> {
    let stat = Process::myself()?.stat()?;
    Ok((stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64)
}

/// The most memory that this process has had resident at once, in bytes.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn peak_resident_bytes() -> Result<u64, ProcError> {
    let kibibytes = Process::myself()?.status()?.vmhwm;
    Ok(kibibytes.unwrap_or(0) << 10)
}

/// Memory that this process has resident now, in bytes.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn resident_bytes() -> Result<u64, ProcError> {
    let kibibytes = Process::myself()?.status()?.vmrss;
    Ok(kibibytes.unwrap_or(0) << 10)
}

/// Memory that there is: the machine's, or less where a cgroup (container, systemd unit) says so.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn memory() -> Result<Memory, ProcError> {
    let machine = Meminfo::current()?;
    // MemAvailable is there since Linux 3.14.
    let available_bytes = machine.mem_available.unwrap_or(machine.mem_free);
    let mut memory = Memory { total_bytes: machine.mem_total, available_bytes };
    for folder in memory_cgroups()? {
        if let Some((limit, used)) = cgroup_limit(&folder) {
            memory.total_bytes = memory.total_bytes.min(limit);
            memory.available_bytes = memory.available_bytes.min(limit.saturating_sub(used));
        }
    }
    Ok(memory)
}

/// The cgroups that account this process's memory, from its own up to the root: each may set a limit.
fn memory_cgroups() -> Result<Vec<PathBuf>, ProcError> {
    let mut folders = Vec::new();
    for group in Process::myself()?.cgroups()?.0 {
        let mount = match group.controllers.as_slice() {
            // Version 2 has one tree, entered without a controller's name.
            [] => Path::new("/sys/fs/cgroup"),
            [none] if none.is_empty() => Path::new("/sys/fs/cgroup"),
            names if names.iter().any(|name| name == "memory") => Path::new("/sys/fs/cgroup/memory"),
            _ => continue,
        };
        let inside = Path::new(group.pathname.trim_start_matches('/'));
        folders.extend(inside.ancestors().map(|folder| mount.join(folder)));
    }
    Ok(folders)
}

/// Limit and use of a cgroup in bytes; none where it sets no limit, or where this container does not show it.
fn cgroup_limit(folder: &Path) -> Option<(u64, u64)> {
    let read = |name: &str| fs::read_to_string(folder.join(name)).ok()?.trim().parse::<u64>().ok();
    let version_2 = || Some((read("memory.max")?, read("memory.current")?));
    let version_1 = || Some((read("memory.limit_in_bytes")?, read("memory.usage_in_bytes")?));
    // "max" does not parse and counts as no limit; version 1 says a number near 2^63 instead, which the
    // caller's minimum passes over.
    version_2().or_else(version_1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_cpu_time() {
        let before = cpu_seconds().unwrap();
        let start = std::time::Instant::now();
        while cpu_seconds().unwrap() < before + 0.05 {
            assert!(start.elapsed().as_secs() < 30, "no CPU time in 30 s of work");
        }
    }

    #[test]
    fn peak_memory_includes_what_was_touched() {
        let block = std::hint::black_box(vec![1u8; 64 << 20]);
        assert!(resident_bytes().unwrap() >= block.len() as u64);
        assert!(peak_resident_bytes().unwrap() >= block.len() as u64);
    }

    #[test]
    fn memory_is_plausible() {
        let memory = memory().unwrap();
        assert!(memory.total_bytes > 64 << 20);
        assert!(memory.available_bytes > 0 && memory.available_bytes <= memory.total_bytes);
    }

    #[test]
    fn limits_of_both_cgroup_versions_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        assert_eq!(cgroup_limit(folder.path()), None);
        write("memory.limit_in_bytes", "1000\n");
        write("memory.usage_in_bytes", "400\n");
        assert_eq!(cgroup_limit(folder.path()), Some((1000, 400)));
        write("memory.max", "800\n");
        write("memory.current", "300\n");
        assert_eq!(cgroup_limit(folder.path()), Some((800, 300)));
        write("memory.max", "max\n");
        assert_eq!(cgroup_limit(folder.path()), Some((1000, 400)));
    }
}
