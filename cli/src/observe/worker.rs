//! What a worker tells of its own jobs.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use sheaf_prover::fleet::{Lane, Link};
use sheaf_prover::job::JobKind;
use sheaf_prover::runner::{Event, JobEvent, Limits};

use super::page::Page;
use super::{process, Observed};

/// A worker that is observed.
pub struct WorkerMetrics {
    lane: String,
    state: Mutex<State>,
}

struct State {
    link: Option<Arc<Link>>,
    memory_limit_bytes: u64,
    memory_claimed_bytes: u64,
    kinds: BTreeMap<JobKind, OfKind>,
    outages: u64,
    /// Why the queue cannot be reached, or was not yet.
    unreachable: Option<String>,
}

/// What it did of one kind of job.
#[derive(Clone, Copy, Default)]
struct OfKind {
    running: u64,
    finished: u64,
    failed: u64,
    seconds: f64,
    cpu_seconds: f64,
}

impl WorkerMetrics {
    /// The one of a lane, before it works.
    pub fn new(lane: &Lane) -> Self {
        let state = State {
            link: None,
            memory_limit_bytes: 0,
            memory_claimed_bytes: 0,
            // Every kind from the start, so that the first event of one is a rise too.
            kinds: JobKind::ALL.into_iter().map(|kind| (kind, OfKind::default())).collect(),
            outages: 0,
            unreachable: Some("it is starting".to_owned()),
        };
        Self { lane: lane.to_string(), state: Mutex::new(state) }
    }

    /// It is linked to NATS, and looks for its coordinator.
    pub fn begin(&self, link: &Arc<Link>, limits: &Limits) {
        let mut state = self.lock();
        state.link = Some(link.clone());
        state.memory_limit_bytes = limits.memory_bytes;
        state.unreachable = Some(format!("it waits for a coordinator of lane {}", self.lane));
    }

    /// The coordinator answered.
    pub fn answered(&self) {
        self.lock().unreachable = None;
    }

    /// Takes note of what happened.
    pub fn note(&self, event: &Event<'_>) {
        let mut state = self.lock();
        match event {
            Event::Submitted(_) => {}
            Event::Outage { reason } => {
                state.outages += 1;
                state.unreachable = Some((*reason).to_owned());
            }
            Event::Back => state.unreachable = None,
            Event::Job { job, what, .. } => state.note(job.kind, job.memory_bytes, what),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no one panics while counting")
    }
}

impl State {
    fn note(&mut self, kind: JobKind, memory_bytes: u64, what: &JobEvent<'_>) {
        let of = self.kinds.entry(kind).or_default();
        if let JobEvent::Started = what {
            of.running += 1;
            self.memory_claimed_bytes += memory_bytes;
            return;
        }
        of.running = of.running.saturating_sub(1);
        self.memory_claimed_bytes = self.memory_claimed_bytes.saturating_sub(memory_bytes);
        match what {
            JobEvent::Started | JobEvent::Overtaken => {}
            JobEvent::Finished { seconds, cpu_seconds, .. } | JobEvent::HandedIn { seconds, cpu_seconds, .. } => {
                of.finished += 1;
                of.seconds += seconds;
                of.cpu_seconds += cpu_seconds;
            }
            JobEvent::Failed { .. } | JobEvent::Lost { .. } | JobEvent::SetAside { .. } => of.failed += 1,
        }
    }
}

impl Observed for WorkerMetrics {
    fn write(&self, page: &mut Page<'_>) -> fmt::Result {
        let state = self.lock();
        process::write(page, &self.lane, state.link.as_deref())?;
        let kinds = || state.kinds.iter().map(|(kind, of)| ([("kind", kind.name())], of));
        let running = kinds().map(|(kind, of)| (kind, of.running));
        page.gauges("sheaf_worker_jobs_running", "Jobs that it works on", running)?;
        let claimed = state.memory_claimed_bytes;
        page.gauge("sheaf_worker_memory_claimed_bytes", "Predicted peak memory of these jobs, in bytes", claimed)?;
        let limit = state.memory_limit_bytes;
        page.gauge("sheaf_worker_memory_limit_bytes", "Memory that it has for jobs, in bytes", limit)?;
        let finished = kinds().map(|(kind, of)| (kind, of.finished));
        page.counters("sheaf_worker_jobs_finished", "Results that it handed in", finished)?;
        let failed = kinds().map(|(kind, of)| (kind, of.failed));
        page.counters("sheaf_worker_attempts_failed", "Its attempts that failed", failed)?;
        let seconds = kinds().map(|(kind, of)| (kind, of.seconds));
        page.counters("sheaf_worker_job_seconds", "Seconds that making its results took", seconds)?;
        let cpu_seconds = kinds().map(|(kind, of)| (kind, of.cpu_seconds));
        page.counters("sheaf_worker_job_cpu_seconds", "CPU seconds that making its results took", cpu_seconds)?;
        page.counter("sheaf_worker_outages", "How often the queue could not be reached any more", state.outages)
    }

    fn hindrance(&self) -> Option<String> {
        let state = self.lock();
        state.link.as_deref().and_then(process::away).or_else(|| state.unreachable.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sheaf_prover::digest::CircuitDigest;
    use sheaf_prover::job::JobSpec;

    use super::super::rendered;
    use super::*;

    fn job(kind: JobKind, memory_bytes: u64) -> JobSpec {
        let (circuit, inputs, payload) = (CircuitDigest([1; 32]), vec![], vec![]);
        JobSpec { kind, circuit, inputs, payload, memory_bytes, priority: 0, label: String::new() }
    }

    fn tell(metrics: &WorkerMetrics, job: &JobSpec, what: JobEvent<'_>) {
        metrics.note(&Event::Job { id: job.id(), batch: "b", job, attempt: 1, what });
    }

    fn value(metrics: &Arc<WorkerMetrics>, series: &str) -> f64 {
        let page = rendered(metrics.clone());
        let line = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{series} in\n{page}")).parse().unwrap()
    }

    #[test]
    fn what_begins_and_ends_is_counted() {
        let metrics = Arc::new(WorkerMetrics::new(&Lane::new("main", "lane").unwrap()));
        let (chunk, join) = (job(JobKind::Chunk, 100), job(JobKind::Join, 10));
        for job in [&chunk, &chunk, &join, &join, &join, &join] {
            tell(&metrics, job, JobEvent::Started);
        }
        assert_eq!(value(&metrics, "sheaf_worker_jobs_running{kind=\"join\"}"), 4.0);
        assert_eq!(value(&metrics, "sheaf_worker_memory_claimed_bytes"), 240.0);

        tell(&metrics, &chunk, JobEvent::Finished { seconds: 2.0, cpu_seconds: 3.5, length_bytes: 1 });
        tell(&metrics, &chunk, JobEvent::HandedIn { seconds: 1.0, cpu_seconds: 0.5, length_bytes: 1 });
        tell(&metrics, &join, JobEvent::Overtaken);
        tell(&metrics, &join, JobEvent::Lost { reason: "late" });
        tell(&metrics, &join, JobEvent::Failed { reason: "no", attempts_left: 1 });
        assert_eq!(value(&metrics, "sheaf_worker_jobs_running{kind=\"chunk\"}"), 0.0);
        assert_eq!(value(&metrics, "sheaf_worker_memory_claimed_bytes"), 10.0);
        tell(&metrics, &join, JobEvent::SetAside { reason: "no", bundle: Path::new("bundle") });
        assert_eq!(value(&metrics, "sheaf_worker_jobs_running{kind=\"join\"}"), 0.0);
        assert_eq!(value(&metrics, "sheaf_worker_memory_claimed_bytes"), 0.0);
        assert_eq!(value(&metrics, "sheaf_worker_jobs_finished_total{kind=\"chunk\"}"), 2.0);
        assert_eq!(value(&metrics, "sheaf_worker_job_seconds_total{kind=\"chunk\"}"), 3.0);
        assert_eq!(value(&metrics, "sheaf_worker_job_cpu_seconds_total{kind=\"chunk\"}"), 4.0);
        assert_eq!(value(&metrics, "sheaf_worker_jobs_finished_total{kind=\"join\"}"), 0.0);
        assert_eq!(value(&metrics, "sheaf_worker_attempts_failed_total{kind=\"join\"}"), 3.0);
        let build = format!("sheaf_build_info{{version=\"{}\",lane=\"main/lane\"}}", env!("CARGO_PKG_VERSION"));
        assert_eq!(value(&metrics, &build), 1.0);
    }

    #[test]
    fn it_is_ready_while_the_coordinator_answers() {
        let metrics = Arc::new(WorkerMetrics::new(&Lane::new("main", "lane").unwrap()));
        assert_eq!(metrics.hindrance().as_deref(), Some("it is starting"));
        metrics.answered();
        assert_eq!(metrics.hindrance(), None);
        metrics.note(&Event::Outage { reason: "nobody answers" });
        assert_eq!(metrics.hindrance().as_deref(), Some("nobody answers"));
        assert_eq!(value(&metrics, "sheaf_worker_outages_total"), 1.0);
        metrics.note(&Event::Back);
        assert_eq!(metrics.hindrance(), None);
        assert_eq!(value(&metrics, "sheaf_nats_connected"), 0.0);
    }
}
