//! The folder that a rollup's prover works in.
//!
//! ```text
//!   DIR/state   the state after the last batch              (sheaf_witness::state)
//!   DIR/jobs    jobs, their results, what was set aside      (sheaf_prover::queue::embedded)
//! ```

use std::path::{Path, PathBuf};

/// A data folder; nothing says that it is there.
pub struct DataDir(PathBuf);

impl DataDir {
    /// The folder at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The state.
    pub fn state(&self) -> PathBuf {
        self.0.join("state")
    }

    /// The jobs.
    pub fn jobs(&self) -> PathBuf {
        self.0.join("jobs")
    }
}
