//! What happened since a queue was opened, in numbers that only rise.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::job::JobKind;
use crate::queue::{Cause, Effort};

/// Sums over all jobs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// By kind of job.
    pub kinds: BTreeMap<JobKind, KindTally>,
    /// Transactions of the graphs that became done, each counted once.
    pub transactions: u64,
    /// CPU seconds of all jobs of these graphs, as recorded with their results: those of failed attempts are not in it,
    /// those spent before the queue was opened are. Graphs without transactions are left out.
    pub transaction_cpu_seconds: f64,
}

/// Sums over the jobs of one kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KindTally {
    /// Results that count.
    pub done: u64,
    /// Of these, those whose lease had run out.
    pub late: u64,
    /// Seconds that making them took.
    pub seconds: f64,
    /// CPU seconds that making them took.
    pub cpu_seconds: f64,
    /// Attempts that failed, by how.
    pub failures: BTreeMap<Cause, u64>,
}

impl Tally {
    /// CPU seconds that one transaction took, over the graphs that became done; none before the first.
    pub fn cpu_seconds_per_transaction(&self) -> Option<f64> {
        (self.transactions > 0).then(|| self.transaction_cpu_seconds / self.transactions as f64)
    }

    pub(super) fn done(&mut self, kind: JobKind, effort: &Effort, late: bool) {
        let tally = self.kinds.entry(kind).or_default();
        tally.done += 1;
        tally.late += u64::from(late);
        tally.seconds += effort.seconds;
        tally.cpu_seconds += effort.cpu_seconds;
    }

    /// A graph became done.
    pub(super) fn graph_done(&mut self, transactions: u64, cpu_seconds: f64) {
        self.transactions = self.transactions.saturating_add(transactions);
        if transactions > 0 {
            self.transaction_cpu_seconds += cpu_seconds;
        }
    }

    pub(super) fn failed(&mut self, kind: JobKind, cause: Cause) {
        *self.kinds.entry(kind).or_default().failures.entry(cause).or_default() += 1;
    }
}
