//! What a job does, as far as the queue and the runner need to know.

use std::collections::BTreeSet;

use crate::graph::Ability;
use crate::job::JobSpec;

/// Verifies results on receipt, before they count.
pub trait Check: Send + Sync {
    /// Says whether `output` is a right result of `job` on `inputs`: that a proof verifies, and that its
    /// public values are the ones that job and inputs call for. A panic counts as a no.
    ///
    /// # Errors
    /// Why it is not, in words.
    fn check(&self, job: &JobSpec, inputs: &[Vec<u8>], output: &[u8]) -> Result<(), String>;

    /// Whether it has what it takes to check such jobs; a graph with others is not taken in.
    ///
    /// # Errors
    /// What to do about it, in words.
    fn covers(&self, ability: Ability) -> Result<(), String>;
}

/// Does jobs.
pub trait Work: Check {
    /// What this worker can do: a job with another kind or circuit never reaches it.
    fn abilities(&self) -> BTreeSet<Ability>;

    /// Does a job and gives its result. Called from several threads at once. A panic is caught and counts
    /// as a failed attempt.
    ///
    /// # Errors
    /// [`WorkError`], which says whether another attempt may help.
    fn run(&self, job: &JobSpec, inputs: &[Vec<u8>]) -> Result<Vec<u8>, WorkError>;
}

/// Why a job could not be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkError {
    /// It may succeed another time (no memory, no space, no connection).
    #[error("{0}")]
    Transient(String),
    /// It cannot succeed (a payload that does not decode, a witness that breaks a constraint).
    #[error("{0}")]
    Permanent(String),
}
