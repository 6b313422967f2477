//! Follows a graph that others do, until its result is there.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use super::shift::{is_stopped, Listener};
use super::{Event, JobEvent, RunError};
use crate::digest::JobId;
use crate::graph::Graph;
use crate::job::JobSpec;
use crate::queue::{Fence, GraphStatus, JobState, JobStatus, Progress, Queue, QueueError};

/// How often the queue is asked how far it is.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Submits a graph to a queue that others work on, tells what happens to its jobs, and gives its root's result.
///
/// Several jobs may end between two looks; then their events come together. An outage is waited for. A queue that has
/// forgotten the graph, since it was restored from a backup, gets it again.
///
/// # Errors
/// [`RunError`], but neither for a job that is too large nor for one that cannot be done: another worker may come.
pub fn follow(
    queue: &dyn Queue,
    graph: &Graph,
    stop: &AtomicBool,
    on_event: &(dyn Fn(Event<'_>) + Sync),
) -> Result<Vec<u8>, RunError> {
    let specs = graph.jobs().iter().map(|(id, job)| (*id, job)).collect();
    let (listener, batch) = (Listener::new(on_event), graph.label());
    let mut follower = Follower { queue, batch, specs, listener, seen: HashMap::new(), outage: false };
    let mut last = Progress::default();
    let mut is_submitted = false;
    while !is_stopped(Some(stop)) {
        match follower.step(graph, &mut is_submitted, &mut last) {
            Ok(Some(result)) => return result,
            Ok(None) => follower.set_outage(None),
            Err(QueueError::UnknownGraph(_)) => is_submitted = false,
            Err(error) if error.is_outage() => follower.set_outage(Some(&error)),
            Err(error) => return Err(error.into()),
        }
        thread::sleep(LOOK_AGAIN);
    }
    Err(RunError::Stopped { progress: last })
}

struct Follower<'a> {
    queue: &'a dyn Queue,
    batch: &'a str,
    specs: HashMap<JobId, &'a JobSpec>,
    listener: Listener<'a>,
    /// What was told of each job.
    seen: HashMap<JobId, Seen>,
    outage: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Seen {
    fence: Option<Fence>,
    failures: usize,
    attempts: u32,
    done: bool,
    set_aside: bool,
}

impl Follower<'_> {
    fn set_outage(&mut self, error: Option<&QueueError>) {
        match (self.outage, error) {
            (false, Some(error)) => self.listener.tell(Event::Outage { reason: &error.to_string() }),
            (true, None) => self.listener.tell(Event::Back),
            _ => {}
        }
        self.outage = error.is_some();
    }

    /// One look; gives the end of it all when it is there.
    #[allow(clippy::type_complexity, reason = "the two ways to fail are told apart by the caller")]
    fn step(
        &mut self,
        graph: &Graph,
        is_submitted: &mut bool,
        last: &mut Progress,
    ) -> Result<Option<Result<Vec<u8>, RunError>>, QueueError> {
        if !*is_submitted {
            let submitted = self.queue.submit(graph)?;
            *is_submitted = true;
            self.listener.tell(Event::Submitted(&submitted));
            // What was done before is not news.
            let status = self.queue.graph(graph.root())?;
            self.seen.extend(status.jobs.iter().map(|job| (job.id, Seen::of(job))));
        }
        let progress = self.queue.progress(graph.root())?;
        if progress != *last {
            let status = self.queue.graph(graph.root())?;
            status.jobs.iter().for_each(|job| self.tell(job));
            if is_stuck(&status) {
                let jobs = super::set_aside(&status);
                return Ok(Some(Err(RunError::SetAside { jobs, progress: status.progress })));
            }
            *last = status.progress;
        }
        if last.is_done() {
            // None when the result was just found damaged: then it is made again.
            return Ok(self.queue.result(graph.root())?.map(Ok));
        }
        Ok(None)
    }

    /// Tells what is new about a job.
    fn tell(&mut self, job: &JobStatus) {
        let (Some(spec), now) = (self.specs.get(&job.id), Seen::of(job)) else { return };
        let before = self.seen.insert(job.id, now).unwrap_or_default();
        let tell = |what| {
            self.listener.tell(Event::Job { id: job.id, batch: self.batch, job: spec, attempt: job.attempts, what })
        };
        let reason = job.failures.last().map_or("", |failure| failure.reason.as_str());
        match &job.state {
            JobState::Done { artifact, effort } if !before.done => tell(JobEvent::Finished {
                seconds: effort.seconds,
                cpu_seconds: effort.cpu_seconds,
                length_bytes: usize::try_from(artifact.length).unwrap_or(usize::MAX),
            }),
            JobState::SetAside { bundle } if !before.set_aside => tell(JobEvent::SetAside { reason, bundle }),
            _ if now.failures > before.failures => {
                let attempts_left = self.queue.policy().max_attempts.saturating_sub(now.attempts);
                tell(JobEvent::Failed { reason, attempts_left });
            }
            JobState::Leased { .. } if now.fence != before.fence => tell(JobEvent::Started),
            _ => {}
        }
    }
}

impl Seen {
    fn of(job: &JobStatus) -> Self {
        let (mut fence, mut done, mut set_aside) = (None, false, false);
        match job.state {
            JobState::Leased { fence: held, .. } => fence = Some(held),
            JobState::Done { .. } => done = true,
            JobState::SetAside { .. } => set_aside = true,
            JobState::Waiting | JobState::Ready => {}
        }
        Self { fence, failures: job.failures.len(), attempts: job.attempts, done, set_aside }
    }
}

/// Jobs were set aside, and nothing else is left to be done.
fn is_stuck(graph: &GraphStatus) -> bool {
    let Progress { ready, leased, set_aside, .. } = &graph.progress;
    !set_aside.is_empty() && *ready == 0 && *leased == 0
}
