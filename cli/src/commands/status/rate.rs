//! How fast a queue gets on, from what was seen of it one time after another.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use sheaf_prover::digest::JobId;
use sheaf_prover::queue::Status;

/// Rates are over so long at most.
const WINDOW: Duration = Duration::from_secs(60);

/// Jobs and transactions a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PerSecond {
    /// Jobs that became done.
    pub jobs: f64,
    /// Transactions of batches that became done.
    pub transactions: f64,
}

/// Sums of what became done, at the times of the last looks.
#[derive(Default)]
pub struct Rate {
    looks: VecDeque<(Instant, usize, u64)>,
    /// Jobs done of each graph at the last look.
    done: BTreeMap<JobId, usize>,
}

impl Rate {
    /// Takes note of a look. What was done before the first is not counted, nor what is settled between two.
    pub fn note(&mut self, now: Instant, status: &Status) {
        let (mut jobs, mut transactions) = self.looks.back().map_or((0, 0), |(_, jobs, sum)| (*jobs, *sum));
        let before = std::mem::take(&mut self.done);
        for graph in &status.graphs {
            let done = graph.progress.done;
            let known = match before.get(&graph.root) {
                Some(known) => *known,
                None if self.looks.is_empty() => done,
                None => 0,
            };
            jobs += done.saturating_sub(known);
            if graph.progress.is_done() && known < done {
                transactions += graph.transactions;
            }
            self.done.insert(graph.root, done);
        }
        self.looks.push_back((now, jobs, transactions));
        // The first look that is kept is the last one before the window.
        while self.looks.get(1).is_some_and(|(time, ..)| now.duration_since(*time) >= WINDOW) {
            self.looks.pop_front();
        }
    }

    /// The rate over the last minute, or since the first look; none before the second.
    pub fn now(&self) -> Option<PerSecond> {
        let ((first, jobs_before, sum_before), (last, jobs, sum)) = (self.looks.front()?, self.looks.back()?);
        let seconds = last.duration_since(*first).as_secs_f64();
        (seconds > 0.0).then(|| PerSecond {
            jobs: (jobs - jobs_before) as f64 / seconds,
            transactions: (sum - sum_before) as f64 / seconds,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_graphs::graph;
    use super::*;

    #[test]
    fn rates_are_over_the_last_minute() {
        let mut rate = Rate::default();
        let start = Instant::now();
        let mut look = |seconds, graphs| {
            rate.note(start + Duration::from_secs(seconds), &Status { graphs });
            rate.now()
        };
        let per_second = |jobs, transactions| Some(PerSecond { jobs, transactions });
        assert_eq!(look(0, vec![graph(1, 2, 3)]), None, "what was done before is not counted");
        assert_eq!(look(10, vec![graph(1, 2, 4)]), per_second(0.1, 0.0));
        // The batch is done, and another one appears.
        assert_eq!(look(20, vec![graph(1, 2, 5), graph(2, 2, 1)]), per_second(0.15, 5.0));
        // Settled: what was counted stays.
        assert_eq!(look(40, vec![graph(2, 2, 1)]), per_second(0.075, 2.5));
        // The window begins at the look a minute ago.
        assert_eq!(look(80, vec![graph(2, 2, 4)]), per_second(0.05, 0.0));
    }
}
