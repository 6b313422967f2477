//! The graph of a batch: the same tree that proving makes, without the proofs.

use super::scenario::Until;
use crate::job::JobKind;

/// Stands for no reader: the last job of a batch.
pub(super) const NO_READER: u32 = u32::MAX;

/// A job of a batch. Jobs are in the order of the batch's graph, each after those it reads.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub kind: JobKind,
    /// Drawn when the batch comes.
    pub cpu_seconds: f64,
    /// Jobs that it reads and that are not done.
    pub missing: u32,
    /// The one job that reads its result.
    pub reader: u32,
    /// How often it was claimed.
    pub attempts: u32,
}

/// Jobs of each of [`Until::kinds`] that a batch of `chunks` chunks has.
pub(super) fn count(chunks: u64, chunks_per_lift: u64, until: Until) -> Vec<u64> {
    let lifts = chunks.div_ceil(chunks_per_lift);
    match until {
        Until::Join => vec![chunks, lifts, lifts - 1],
        Until::Wrap => vec![chunks, lifts, lifts - 1, 1, 1],
    }
}

/// The jobs of a batch, without times: chunks, lifts of neighbours, joins level by level, where one that is left over
/// goes up a level as it is, and what `until` asks for.
pub(super) fn jobs(chunks: u64, chunks_per_lift: u64, until: Until) -> Vec<Job> {
    let mut jobs: Vec<Job> = Vec::new();
    let leaves: Vec<u32> = (0..chunks).map(|_| add(&mut jobs, JobKind::Chunk, &[])).collect();
    let lifted = leaves.chunks(chunks_per_lift as usize);
    let mut level: Vec<u32> = lifted.map(|chunks| add(&mut jobs, JobKind::Lift, chunks)).collect();
    while level.len() > 1 {
        let pairs = level.chunks(2).map(|pair| match pair {
            [one] => *one,
            both => add(&mut jobs, JobKind::Join, both),
        });
        level = pairs.collect();
    }
    let mut last = level[0];
    for &kind in &until.kinds()[3..] {
        last = add(&mut jobs, kind, &[last]);
    }
    jobs
}

fn add(jobs: &mut Vec<Job>, kind: JobKind, reads: &[u32]) -> u32 {
    let index = jobs.len() as u32;
    for &read in reads {
        jobs[read as usize].reader = index;
    }
    jobs.push(Job { kind, cpu_seconds: 0.0, missing: reads.len() as u32, reader: NO_READER, attempts: 0 });
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kinds and readers, as a word a job.
    fn words(chunks: u64, chunks_per_lift: u64, until: Until) -> String {
        let word = |job: &Job| match job.reader {
            NO_READER => job.kind.to_string(),
            reader => format!("{}>{reader}", job.kind),
        };
        jobs(chunks, chunks_per_lift, until).iter().map(word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn trees_are_those_of_proving() {
        assert_eq!(words(1, 2, Until::Join), "chunk>1 lift");
        assert_eq!(words(1, 1, Until::Wrap), "chunk>1 lift>2 shrink>3 wrap");
        assert_eq!(
            words(5, 2, Until::Join),
            "chunk>5 chunk>5 chunk>6 chunk>6 chunk>7 lift>8 lift>8 lift>9 join>9 join"
        );
        assert_eq!(
            words(3, 1, Until::Wrap),
            "chunk>3 chunk>4 chunk>5 lift>6 lift>6 lift>7 join>7 join>8 shrink>9 wrap"
        );
    }

    #[test]
    fn jobs_are_as_many_as_counted_and_wait_for_what_they_read() {
        for chunks in 1..40 {
            for per_lift in 1..4 {
                for until in [Until::Join, Until::Wrap] {
                    let jobs = jobs(chunks, per_lift, until);
                    let kinds = until.kinds().iter();
                    let counted: Vec<u64> =
                        kinds.map(|kind| jobs.iter().filter(|job| job.kind == *kind).count() as u64).collect();
                    assert_eq!(counted, count(chunks, per_lift, until));
                    for (index, job) in jobs.iter().enumerate() {
                        let read_by_it = jobs.iter().filter(|other| other.reader == index as u32).count();
                        assert_eq!(job.missing as usize, read_by_it);
                    }
                    assert_eq!(jobs.iter().filter(|job| job.reader == NO_READER).count(), 1);
                }
            }
        }
    }
}
