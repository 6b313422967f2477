//! What a batch needs against what this machine has: told by `sheaf doctor`, and by `sheaf prove` before it works.

use std::path::{Path, PathBuf};

use rustix::fs::statvfs;
use rustix::io;
use sheaf_aggregator::pipeline::{Needs, Room, Workload};
use sheaf_prover::machine;

use crate::numbers::{Bytes, Counted};

/// Room for the state's log and the queue's records, besides what the jobs make.
pub const RECORDS_BYTES: u64 = 256 << 20;

/// Free bytes where `place` is, or where it will be made.
pub fn free_bytes(place: &Path) -> io::Result<(PathBuf, u64)> {
    let existing = place.ancestors().find(|path| path.exists()).unwrap_or(Path::new("."));
    let existing = if existing.as_os_str().is_empty() { Path::new(".") } else { existing };
    let disk = statvfs(existing)?;
    Ok((existing.to_owned(), disk.f_bavail * disk.f_frsize))
}

/// The threads that plonky2 works with.
pub fn cores() -> usize {
    rayon::current_num_threads()
}

/// What stands in the way of `workload` in that room and folder: memory, then disk.
pub fn shortfalls(workload: &Workload, room: Room, data_dir: &Path) -> Vec<String> {
    let needs = workload.needs(room, cores());
    // Where nothing can be told, nothing is.
    let available_bytes = machine::memory().map_or(u64::MAX, |memory| memory.available_bytes);
    let fewer = || workload.jobs_within(available_bytes, room, cores());
    memory(&needs, available_bytes, fewer).into_iter().chain(disk(workload, &needs, data_dir)).collect()
}

/// Says so if the peak is more than there is; `fewer` gives how many jobs at once would fit.
pub fn memory(needs: &Needs, available_bytes: u64, fewer: impl FnOnce() -> Option<usize>) -> Option<String> {
    if needs.peak_memory_bytes <= available_bytes {
        return None;
    }
    let next = match fewer() {
        Some(jobs) => format!("--jobs {jobs} would fit"),
        None => "one job at a time would not fit either".to_owned(),
    };
    Some(format!(
        "memory may run out: {} at once will take up to {} of the {} available; {next}",
        Counted(needs.jobs_at_once as u64, "job"),
        Bytes(needs.peak_memory_bytes),
        Bytes(available_bytes)
    ))
}

/// Says so if what will be written is more than there is room for.
pub fn disk(workload: &Workload, needs: &Needs, data_dir: &Path) -> Option<String> {
    let data = (data_dir, needs.disk_bytes + RECORDS_BYTES);
    let kept = workload.kept().map(|file| (file.as_path(), needs.kept_bytes));
    // What cannot be looked at will say so when it is used.
    let short = |(place, bytes)| room_for(bytes, place, free_bytes(place).ok()?.1);
    std::iter::once(data).chain(kept).find_map(short)
}

fn room_for(bytes: u64, place: &Path, free_bytes: u64) -> Option<String> {
    let (needed, free) = (Bytes(bytes), Bytes(free_bytes));
    (free_bytes < bytes)
        .then(|| format!("the disk may fill up: {} will take {needed}, and {free} are free", place.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_told() {
        let needs = Needs { peak_memory_bytes: 5 << 30, jobs_at_once: 3, disk_bytes: 0, kept_bytes: 0 };
        assert_eq!(memory(&needs, 5 << 30, || unreachable!()), None);
        let two = memory(&needs, 4 << 30, || Some(2)).unwrap();
        assert!(two.contains("3 jobs at once will take up to 5.0 GiB of the 4.0 GiB available"), "{two}");
        assert!(two.ends_with("--jobs 2 would fit"), "{two}");
        assert!(memory(&needs, 1, || None).unwrap().ends_with("one job at a time would not fit either"));

        assert_eq!(room_for(1024, Path::new("data"), 1024), None);
        let full = room_for(1025, Path::new("data"), 1024).unwrap();
        assert_eq!(full, "the disk may fill up: data will take 1.0 KiB, and 1.0 KiB are free");
    }
}
