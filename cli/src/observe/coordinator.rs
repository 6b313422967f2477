//! What a coordinator tells of its queue. Counted when it is asked: nothing here can be stale.

use std::fmt;
use std::sync::{Arc, OnceLock};

use sheaf_prover::fleet::{Coordinator, Lane, Link};
use sheaf_prover::job::JobKind;
use sheaf_prover::queue::embedded::{Census, JobCounts, KindTally, Tally};
use sheaf_prover::queue::Cause;

use super::page::Page;
use super::{process, Observed};

const SECONDS_PER_HOUR: f64 = 3600.0;

/// A price that is a number, and none below zero.
pub fn parse_price(text: &str) -> Result<f64, String> {
    let price: f64 = text.parse().map_err(|_| format!("{text:?} is no price; expected one as 0.04"))?;
    if price.is_finite() && price >= 0.0 {
        Ok(price)
    } else {
        Err(format!("{text:?} is no price; expected zero or more"))
    }
}

/// A coordinator that is observed.
pub struct CoordinatorMetrics {
    lane: String,
    core_hour_price: Option<f64>,
    running: OnceLock<(Arc<Link>, Arc<Coordinator>)>,
}

impl CoordinatorMetrics {
    /// The one of a lane, before it runs.
    pub fn new(lane: &Lane, core_hour_price: Option<f64>) -> Self {
        Self { lane: lane.to_string(), core_hour_price, running: OnceLock::new() }
    }

    /// It runs.
    pub fn begin(&self, link: &Arc<Link>, coordinator: &Arc<Coordinator>) {
        self.running.get_or_init(|| (link.clone(), coordinator.clone()));
    }
}

impl Observed for CoordinatorMetrics {
    fn write(&self, page: &mut Page<'_>) -> fmt::Result {
        let running = self.running.get();
        process::write(page, &self.lane, running.map(|(link, _)| &**link))?;
        let Some((_, coordinator)) = running else { return Ok(()) };
        let queue = coordinator.queue();
        if let Ok(census) = queue.census() {
            write_census(page, &census)?;
        }
        write_tally(page, &queue.tally(), self.core_hour_price)
    }

    fn hindrance(&self) -> Option<String> {
        let Some((link, coordinator)) = self.running.get() else { return Some("it is starting".to_owned()) };
        let idle = || (!coordinator.is_serving()).then(|| "it does not take questions".to_owned());
        process::away(link).or_else(idle)
    }
}

fn write_census(page: &mut Page<'_>, census: &Census) -> fmt::Result {
    let jobs = JobKind::ALL.into_iter().flat_map(|kind| {
        let JobCounts { waiting, ready, leased, done, set_aside } = census.jobs.get(&kind).copied().unwrap_or_default();
        let states =
            [("waiting", waiting), ("ready", ready), ("leased", leased), ("done", done), ("set_aside", set_aside)];
        states.map(|(state, count)| ([("kind", kind.name()), ("state", state)], count))
    });
    page.gauges("sheaf_jobs", "Jobs of all batches that are kept", jobs)?;
    let oldest = census.oldest_ready.as_secs_f64();
    page.gauge("sheaf_oldest_ready_seconds", "For how long the oldest ready job could have been claimed", oldest)?;
    let batches = [("open", census.open), ("done", census.done), ("stuck", census.stuck)];
    let batches = batches.map(|(state, count)| ([("state", state)], count));
    page.gauges("sheaf_batches", "Batches that are kept; stuck are those of which a job was set aside", batches)?;
    let oldest = census.oldest_graph.as_secs_f64();
    page.gauge("sheaf_oldest_batch_seconds", "Age of the oldest batch that is not done", oldest)?;
    page.gauge("sheaf_workers", "Workers that hold leases", census.workers)
}

fn write_tally(page: &mut Page<'_>, tally: &Tally, core_hour_price: Option<f64>) -> fmt::Result {
    // Every kind from the start, so that the first event of one is a rise too.
    let none = KindTally::default();
    let of = |kind| tally.kinds.get(&kind).unwrap_or(&none);
    let label = |kind: JobKind| [("kind", kind.name())];
    let kinds = || JobKind::ALL.into_iter();
    let done = kinds().map(|kind| (label(kind), of(kind).done));
    page.counters("sheaf_jobs_done", "Results that count", done)?;
    let late = kinds().map(|kind| (label(kind), of(kind).late));
    page.counters("sheaf_jobs_late", "Results that count, though their lease had run out", late)?;
    let failed = kinds().flat_map(|kind| {
        let count = move |cause| of(kind).failures.get(&cause).copied().unwrap_or(0);
        Cause::ALL.map(|cause| ([("kind", kind.name()), ("cause", cause.name())], count(cause)))
    });
    page.counters("sheaf_attempts_failed", "Attempts that failed", failed)?;
    let seconds = kinds().map(|kind| (label(kind), of(kind).seconds));
    page.counters("sheaf_job_seconds", "Seconds that making results took", seconds)?;
    let cpu_seconds = kinds().map(|kind| (label(kind), of(kind).cpu_seconds));
    page.counters("sheaf_job_cpu_seconds", "CPU seconds that making results took", cpu_seconds)?;

    page.counter("sheaf_transactions_done", "Transactions of batches that became done", tally.transactions)?;
    // Before the first batch is done there is no such number, and none is told.
    let Some(each) = tally.cpu_seconds_per_transaction() else { return Ok(()) };
    let help = "CPU seconds of a transaction, over the batches that became done";
    page.gauge("sheaf_cpu_seconds_per_transaction", help, each)?;
    let Some(price) = core_hour_price else { return Ok(()) };
    let help = "Price of these CPU seconds, in the currency of --core-hour-price";
    page.gauge("sheaf_cost_per_transaction", help, each / SECONDS_PER_HOUR * price)
}

#[cfg(test)]
mod tests {
    use super::super::rendered;
    use super::*;

    /// A coordinator's page without the coordinator.
    struct Counted(Census, Tally, Option<f64>);

    impl Observed for Counted {
        fn write(&self, page: &mut Page<'_>) -> fmt::Result {
            write_census(page, &self.0)?;
            write_tally(page, &self.1, self.2)
        }

        fn hindrance(&self) -> Option<String> {
            None
        }
    }

    #[test]
    fn every_number_has_its_place() {
        let chunks = JobCounts { waiting: 1, ready: 2, leased: 3, done: 4, set_aside: 5 };
        let census = Census {
            jobs: [(JobKind::Chunk, chunks)].into(),
            open: 6,
            done: 7,
            stuck: 8,
            workers: 9,
            oldest_ready: std::time::Duration::from_millis(1500),
            oldest_graph: std::time::Duration::from_secs(90),
        };
        let failures = [(Cause::Expired, 12)].into();
        let kind = KindTally { done: 10, late: 11, seconds: 2.5, cpu_seconds: 5.5, failures };
        let tally = Tally { kinds: [(JobKind::Join, kind)].into(), transactions: 100, transaction_cpu_seconds: 7200.0 };
        let page = rendered(Arc::new(Counted(census, tally, Some(0.05))));
        for line in [
            "sheaf_jobs{kind=\"chunk\",state=\"waiting\"} 1",
            "sheaf_jobs{kind=\"chunk\",state=\"ready\"} 2",
            "sheaf_jobs{kind=\"chunk\",state=\"leased\"} 3",
            "sheaf_jobs{kind=\"chunk\",state=\"done\"} 4",
            "sheaf_jobs{kind=\"chunk\",state=\"set_aside\"} 5",
            "sheaf_jobs{kind=\"wrap\",state=\"ready\"} 0",
            "sheaf_oldest_ready_seconds 1.5",
            "sheaf_batches{state=\"open\"} 6",
            "sheaf_batches{state=\"done\"} 7",
            "sheaf_batches{state=\"stuck\"} 8",
            "sheaf_oldest_batch_seconds 90.0",
            "sheaf_workers 9",
            "sheaf_jobs_done_total{kind=\"join\"} 10",
            "sheaf_jobs_done_total{kind=\"chunk\"} 0",
            "sheaf_jobs_late_total{kind=\"join\"} 11",
            "sheaf_attempts_failed_total{kind=\"join\",cause=\"expired\"} 12",
            "sheaf_attempts_failed_total{kind=\"join\",cause=\"crash\"} 0",
            "sheaf_job_seconds_total{kind=\"join\"} 2.5",
            "sheaf_job_cpu_seconds_total{kind=\"join\"} 5.5",
            "sheaf_transactions_done_total 100",
            "sheaf_cpu_seconds_per_transaction 72.0",
            "sheaf_cost_per_transaction 0.001",
        ] {
            assert!(page.lines().any(|found| found == line), "{line} in\n{page}");
        }
    }

    #[test]
    fn what_is_not_known_is_not_told() {
        let page = rendered(Arc::new(Counted(Census::default(), Tally::default(), Some(1.0))));
        assert!(!page.contains("per_transaction"), "{page}");
        let tally = Tally { transactions: 1, transaction_cpu_seconds: 1.0, ..Tally::default() };
        let page = rendered(Arc::new(Counted(Census::default(), tally, None)));
        assert!(page.contains("\nsheaf_cpu_seconds_per_transaction 1.0\n") && !page.contains("cost"), "{page}");
    }

    #[test]
    fn prices_are_numbers() {
        assert_eq!(["0", "0.04"].map(parse_price), [Ok(0.0), Ok(0.04)]);
        for text in ["", "-1", "inf", "NaN", "4 cents"] {
            assert!(parse_price(text).is_err(), "{text}");
        }
    }
}
