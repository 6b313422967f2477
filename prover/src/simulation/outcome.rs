//! What came of a scenario, in figures.

use serde::Serialize;

use super::scenario::Scenario;

/// Half a batch more to do at the end than at half of the time is taken for chance.
const GROWN_BATCHES: f64 = 0.5;

/// What one lane counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// For each batch, when it was done and when it came.
    done: Vec<(f64, f64)>,
    /// To the end of the last batch.
    pub seconds: f64,
    pub jobs: u64,
    pub jobs_redone: u64,
    pub attempts_lost: u64,
    pub crashes: u64,
    pub cpu_seconds: f64,
    pub cpu_seconds_lost: f64,
    pub busy_core_seconds: f64,
    pub served_seconds: f64,
    pub checked_seconds: f64,
    pub ready_max: usize,
    /// CPU seconds left to do when half of the batches had come, and before the last one.
    pub backlog_at_half: f64,
    pub backlog_at_end: f64,
    /// Batches that came between these; none where that says nothing.
    pub batches_watched: u32,
}

impl Tally {
    pub fn batch_done(&mut self, now: f64, came_at: f64) {
        self.done.push((now, came_at));
    }

    pub fn batches(&self) -> u32 {
        self.done.len() as u32
    }
}

/// The figures of a scenario.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// Batches, all of them done.
    pub batches: u64,
    /// Their transactions.
    pub transactions: u64,
    /// From the first batch's coming to the last one's end, in seconds.
    pub seconds: f64,
    /// From a batch's coming to its end.
    pub latency: Latency,
    /// Batches that were done after their deadlines.
    pub batches_late: u64,
    /// Transactions a second that the fleet does. Where batches come one after another, of the second half of them: as
    /// many as come, less what it falls behind by. Otherwise all, over the time to the end.
    pub transactions_per_second: f64,
    /// The part of the work that comes which is not done meanwhile, so that a queue grows; about 0 when the fleet
    /// keeps up, and below 0 when it happened to do more in the second half. None where batches do not come one after
    /// another.
    pub falls_behind: Option<f64>,
    /// Whether no queue grows, as far as can be told: what is left to do grew by less than half a batch in the second
    /// half. The longer batches come, the less falling behind is seen.
    pub keeps_up: bool,
    /// Jobs done.
    pub jobs: u64,
    /// Of these, done again after they were lost.
    pub jobs_redone: u64,
    /// Attempts at jobs that were lost.
    pub attempts_lost: u64,
    /// Crashes of machines.
    pub crashes: u64,
    /// CPU seconds of the jobs done.
    pub cpu_seconds: f64,
    /// CPU seconds of attempts lost.
    pub cpu_seconds_lost: f64,
    /// Core-seconds that cores worked, also slow ones and for nothing.
    pub busy_core_seconds: f64,
    /// The part of all cores that work, at the throughput above.
    pub utilisation: f64,
    /// The most jobs that were ready and waited for a machine, in any lane.
    pub ready_max: usize,
    /// The part of the time that a coordinator's server is busy, at the throughput above.
    pub coordinator_utilisation: f64,
    /// The part of a coordinator's cores that check results, at the throughput above.
    pub check_utilisation: f64,
    /// Core-hours that the machines are there for these transactions, at the throughput above.
    pub core_hours: f64,
}

/// How long batches took.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Latency {
    /// Half of the batches took no longer.
    pub p50_seconds: f64,
    /// 95 of 100 batches took no longer.
    pub p95_seconds: f64,
    /// None took longer.
    pub max_seconds: f64,
}

impl Outcome {
    pub(super) fn new(scenario: &Scenario, lanes: &[Tally]) -> Self {
        let sum = |of: fn(&Tally) -> f64| lanes.iter().map(of).sum::<f64>();
        let count = |of: fn(&Tally) -> u64| lanes.iter().map(of).sum::<u64>();
        let batches = count(|lane| lane.batches().into());
        let transactions = batches * scenario.load.batch_transactions;
        let seconds = lanes.iter().map(|lane| lane.seconds).fold(0.0, f64::max);
        let watched = sum(|lane| f64::from(lane.batches_watched));
        let grown_batches = sum(|lane| lane.backlog_at_end - lane.backlog_at_half) / scenario.cpu_seconds_per_batch();
        let falls_behind = (watched > 0.0).then(|| grown_batches / watched);
        let transactions_per_second = match (falls_behind, scenario.load.rate()) {
            (Some(part), Some(rate)) => rate * (1.0 - part),
            _ => transactions as f64 / seconds,
        };
        // How long the fleet is there for all transactions, and for one lane's server and checkers.
        let paid_seconds = transactions as f64 / transactions_per_second;
        let cores = f64::from(scenario.fleet.machines) * f64::from(scenario.fleet.cores);
        let lane_seconds = paid_seconds * f64::from(scenario.coordinator.lanes);
        let done = || lanes.iter().flat_map(|lane| lane.done.iter().map(|(done, came)| done - came));
        let deadline_seconds = scenario.load.deadline_seconds.unwrap_or(f64::INFINITY);
        Self {
            batches,
            transactions,
            seconds,
            latency: Latency::of(done().collect()),
            batches_late: done().filter(|seconds| *seconds > deadline_seconds).count() as u64,
            transactions_per_second,
            falls_behind,
            keeps_up: grown_batches < GROWN_BATCHES,
            jobs: count(|lane| lane.jobs),
            jobs_redone: count(|lane| lane.jobs_redone),
            attempts_lost: count(|lane| lane.attempts_lost),
            crashes: count(|lane| lane.crashes),
            cpu_seconds: sum(|lane| lane.cpu_seconds),
            cpu_seconds_lost: sum(|lane| lane.cpu_seconds_lost),
            busy_core_seconds: sum(|lane| lane.busy_core_seconds),
            utilisation: sum(|lane| lane.busy_core_seconds) / (cores * paid_seconds),
            ready_max: lanes.iter().map(|lane| lane.ready_max).max().unwrap_or(0),
            coordinator_utilisation: sum(|lane| lane.served_seconds) / lane_seconds,
            check_utilisation: sum(|lane| lane.checked_seconds)
                / (lane_seconds * f64::from(scenario.coordinator.cores)),
            core_hours: cores * paid_seconds / 3600.0,
        }
    }

    /// What a million transactions cost when a core costs `price` an hour.
    pub fn cost_of_a_million(&self, price: f64) -> f64 {
        self.core_hours * price * 1e6 / self.transactions as f64
    }
}

impl Latency {
    /// By nearest rank.
    fn of(mut seconds: Vec<f64>) -> Self {
        seconds.sort_unstable_by(f64::total_cmp);
        let rank = |part: f64| seconds[((part * seconds.len() as f64).ceil() as usize).max(1) - 1];
        Self { p50_seconds: rank(0.5), p95_seconds: rank(0.95), max_seconds: rank(1.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let latency = Latency::of((1..=40).rev().map(f64::from).collect());
        assert_eq!((latency.p50_seconds, latency.p95_seconds, latency.max_seconds), (20.0, 38.0, 40.0));
        let latency = Latency::of(vec![7.0]);
        assert_eq!((latency.p50_seconds, latency.p95_seconds, latency.max_seconds), (7.0, 7.0, 7.0));
    }
}
