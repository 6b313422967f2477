//! Divides the process's CPU time among the jobs that run at once.

use std::collections::HashMap;

use crate::machine::cpu_seconds;
use crate::queue::Fence;

/// At every begin and end of a job, the CPU time used since the last one goes in equal parts to the jobs
/// that were running. Exact for one job at a time; the sum over jobs is exact always.
#[derive(Default)]
pub(super) struct CpuShares {
    last: f64,
    running: HashMap<Fence, f64>,
}

impl CpuShares {
    /// A job begins.
    pub(super) fn begin(&mut self, fence: Fence) {
        self.divide();
        self.running.insert(fence, 0.0);
    }

    /// A job ends; gives its CPU seconds.
    pub(super) fn end(&mut self, fence: Fence) -> f64 {
        self.divide();
        self.running.remove(&fence).unwrap_or(0.0)
    }

    fn divide(&mut self) {
        // Figures for people only: where there is no /proc they are zero.
        let now = cpu_seconds().unwrap_or(self.last);
        let part = (now - self.last) / self.running.len().max(1) as f64;
        self.running.values_mut().for_each(|seconds| *seconds += part);
        self.last = now;
    }
}
