//! How long jobs take: what was measured, as a file.

use serde::{Deserialize, Serialize};
use sheaf_circuits::security::Profile;
use thiserror::Error;

use crate::job::JobKind;

/// Measured job times, and the shape of the graph that they were measured in. As JSON:
///
/// ```json
/// {
///   "source": "where and when it was measured",
///   "transactions_per_chunk": 328,
///   "chunks_per_lift": 2,
///   "chunk": { "cpu_seconds": [34.1, 33.8], "serial_fraction": 0.1, "memory_bytes": 3221225472, "check_seconds": 0.1 },
///   "lift": { … }, "join": { … },
///   "shrink": { … }, "wrap": { … }
/// }
/// ```
///
/// `shrink` and `wrap` may be missing where batches are proven to the last join only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Times {
    /// Where they were measured, for people.
    pub source: String,
    /// Transactions that one chunk proves.
    pub transactions_per_chunk: u32,
    /// Chunks that one lift takes.
    pub chunks_per_lift: u32,
    /// Proving a chunk.
    pub chunk: JobTimes,
    /// Lifting chunks.
    pub lift: JobTimes,
    /// Joining two proofs.
    pub join: JobTimes,
    /// From the last join to what Groth16 can verify.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shrink: Option<JobTimes>,
    /// Groth16.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wrap: Option<JobTimes>,
}

/// Measured times of one kind of job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobTimes {
    /// CPU seconds of each job measured; a simulated job takes one of them.
    pub cpu_seconds: Vec<f64>,
    /// The part of these during which one core works: 0 for a job that uses any number of cores, 1 for one that uses
    /// one. From a job alone on c cores that took t seconds and C CPU seconds it is (t·c/C - 1) / (c - 1).
    pub serial_fraction: f64,
    /// Memory that a machine sets aside for the job, in bytes.
    pub memory_bytes: u64,
    /// Seconds of one core that it takes to check the result on receipt.
    pub check_seconds: f64,
}

/// Measured times that make no sense.
#[derive(Debug, Error)]
pub enum TimesError {
    /// They are not in the form of [`Times`].
    #[error("they are not in the form of job times: {0}")]
    Json(#[from] serde_json::Error),
    /// A kind of job has no times.
    #[error("{0}: no cpu_seconds")]
    Empty(JobKind),
    /// A number is out of range.
    #[error("{kind}: {field} is {got}, expected {expected}")]
    Range {
        /// The kind of job.
        kind: JobKind,
        /// Which number.
        field: &'static str,
        /// What it is.
        got: f64,
        /// What it may be.
        expected: &'static str,
    },
    /// A chunk proves nothing, or a lift takes nothing.
    #[error("{0} is 0")]
    Zero(&'static str),
}

impl Times {
    /// Reads times from JSON.
    ///
    /// # Errors
    /// [`TimesError`].
    pub fn from_json(bytes: &[u8]) -> Result<Self, TimesError> {
        let times: Self = serde_json::from_slice(bytes)?;
        times.check()?;
        Ok(times)
    }

    /// The times that were measured for this version; `fixtures/times/README.md` says how.
    pub fn measured(profile: Profile) -> Self {
        let json: &[u8] = match profile {
            Profile::Proven => include_bytes!("../../../fixtures/times/proven.json"),
            Profile::Fast => include_bytes!("../../../fixtures/times/fast.json"),
        };
        Self::from_json(json).expect("a test reads both files")
    }

    /// The times of a kind, if it has any.
    pub fn of(&self, kind: JobKind) -> Option<&JobTimes> {
        match kind {
            JobKind::Execute => None,
            JobKind::Chunk => Some(&self.chunk),
            JobKind::Lift => Some(&self.lift),
            JobKind::Join => Some(&self.join),
            JobKind::Shrink => self.shrink.as_ref(),
            JobKind::Wrap => self.wrap.as_ref(),
        }
    }

    /// Looks for numbers that make no sense.
    pub(super) fn check(&self) -> Result<(), TimesError> {
        for (field, count) in
            [("transactions_per_chunk", self.transactions_per_chunk), ("chunks_per_lift", self.chunks_per_lift)]
        {
            if count == 0 {
                return Err(TimesError::Zero(field));
            }
        }
        JobKind::ALL.into_iter().try_for_each(|kind| self.of(kind).map_or(Ok(()), |times| times.check(kind)))
    }
}

impl JobTimes {
    /// The mean of the CPU seconds.
    pub fn mean_cpu_seconds(&self) -> f64 {
        self.cpu_seconds.iter().sum::<f64>() / self.cpu_seconds.len() as f64
    }

    fn check(&self, kind: JobKind) -> Result<(), TimesError> {
        let range = |field, got, expected| Err(TimesError::Range { kind, field, got, expected });
        if self.cpu_seconds.is_empty() {
            return Err(TimesError::Empty(kind));
        }
        if let Some(&got) = self.cpu_seconds.iter().find(|seconds| !(**seconds > 0.0 && seconds.is_finite())) {
            return range("cpu_seconds", got, "more than 0");
        }
        if !(0.0..=1.0).contains(&self.serial_fraction) {
            return range("serial_fraction", self.serial_fraction, "0 to 1");
        }
        if !(self.check_seconds >= 0.0 && self.check_seconds.is_finite()) {
            return range("check_seconds", self.check_seconds, "0 or more");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_measured_is_read_and_written_alike() {
        for profile in Profile::ALL {
            let times = Times::measured(profile);
            let json = serde_json::to_vec(&times).unwrap();
            assert_eq!(Times::from_json(&json).unwrap(), times);
            for kind in &JobKind::ALL[1..] {
                assert!(times.of(*kind).is_some(), "{profile} has no times of {kind}");
            }
        }
    }

    #[test]
    fn times_that_make_no_sense_are_refused() {
        let refused = |change: fn(&mut Times)| {
            let mut times = Times::measured(Profile::Fast);
            change(&mut times);
            Times::from_json(&serde_json::to_vec(&times).unwrap()).unwrap_err().to_string()
        };
        assert_eq!(refused(|times| times.lift.cpu_seconds.clear()), "lift: no cpu_seconds");
        assert_eq!(refused(|times| times.join.cpu_seconds[0] = 0.0), "join: cpu_seconds is 0, expected more than 0");
        assert_eq!(
            refused(|times| times.chunk.serial_fraction = 1.5),
            "chunk: serial_fraction is 1.5, expected 0 to 1"
        );
        assert_eq!(
            refused(|times| times.wrap.as_mut().unwrap().check_seconds = -1.0),
            "wrap: check_seconds is -1, expected 0 or more"
        );
        assert_eq!(refused(|times| times.chunks_per_lift = 0), "chunks_per_lift is 0");
        assert!(Times::from_json(b"{\"source\": \"\"}").unwrap_err().to_string().contains("missing field"));
    }
}
