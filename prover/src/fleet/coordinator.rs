//! Owns the jobs of a lane and answers for them.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use async_nats::{Message, Subject};
use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::answers::Answers;
use super::client::lanes;
use super::link::{Link, LinkError};
use super::objects::ObjectArtifacts;
use super::recent::Recent;
use super::wire::{self, LaneSummary};
use super::Lane;
use crate::clock::since_epoch;
use crate::panic::caught;
use crate::queue::{EmbeddedQueue, OpenError, Policy, Queue as _, QueueError};
use crate::work::Check;

mod questions;
mod results;

use questions::Parked;

/// Questions that are worked on at once; the rest waits in NATS.
const QUESTIONS_AT_ONCE: usize = 64;
/// What reads or writes artifacts may take long; so many at once, so that renewals are always heard.
const SLOW_AT_ONCE: usize = 8;
/// Where answers go. Whoever asks may name any subject, and a coordinator may write to some where an answer would do
/// harm.
const INBOX: &str = "_INBOX.";
/// After so long it is first looked whether another coordinator serves the lane.
const FIRST_LOOK: Duration = Duration::from_secs(1);
/// How often it is looked again.
const LOOK_AROUND: Duration = Duration::from_secs(10);
/// How often leases and the stop flag are looked at.
const TICK: Duration = Duration::from_millis(100);

/// Why a coordinator did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum CoordinatorError {
    /// NATS.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The folder of records.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Another one serves the lane.
    #[error("lane {lane} has a coordinator already (sheaf {version}); two would give the same jobs away twice")]
    Taken {
        /// The lane.
        lane: String,
        /// The other one's program.
        version: String,
    },
    /// The records fail. Results that were not recorded are still in the stream.
    #[error("{0}; nothing that was handed in is lost: mend it and start again")]
    Queue(#[from] QueueError),
    /// A fault of this program. What was handed in is in the stream, and what was recorded is on the disk.
    #[error("a thread of the coordinator panicked: {panic}; report this")]
    Panicked {
        /// What it said.
        panic: String,
    },
    /// A subscription ended.
    #[error("NATS at {place} ended the subscription")]
    Ended {
        /// Where.
        place: String,
    },
}

/// The coordinator of a lane.
pub struct Coordinator {
    shared: Arc<Shared>,
}

struct Shared {
    link: Arc<Link>,
    lane: Lane,
    queue: EmbeddedQueue,
    instance: u128,
    answers: Mutex<Answers>,
    parked: Mutex<VecDeque<Parked>>,
    recent: Mutex<Recent>,
    /// Checks take a core each; what comes before and after them waits for NATS.
    cores: Semaphore,
    /// Questions that may take long.
    slow: Semaphore,
    /// Questions are heard now.
    serving: AtomicBool,
    /// There is no going on.
    failure: Mutex<Option<CoordinatorError>>,
}

impl Coordinator {
    /// Opens the records in `folder` for a lane that no other coordinator serves. `check` verifies its results.
    ///
    /// # Errors
    /// [`CoordinatorError`].
    pub fn open(
        folder: &Path,
        policy: Policy,
        check: Arc<dyn Check>,
        link: &Arc<Link>,
        lane: &Lane,
    ) -> Result<Self, CoordinatorError> {
        let others = lanes(link, lane.fleet())?;
        if let Some(other) = others.into_iter().find(|other| other.lane == lane.name()) {
            return Err(CoordinatorError::Taken { lane: lane.to_string(), version: other.version });
        }
        let artifacts = ObjectArtifacts::open(link, lane)?;
        let queue = EmbeddedQueue::open_for_others(folder, policy, check, Box::new(artifacts))?;
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let shared = Shared {
            link: link.clone(),
            lane: lane.clone(),
            queue,
            instance: instance(),
            answers: Mutex::default(),
            parked: Mutex::default(),
            recent: Mutex::default(),
            cores: Semaphore::new(cores),
            slow: Semaphore::new(SLOW_AT_ONCE),
            serving: AtomicBool::new(false),
            failure: Mutex::new(None),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The queue that it serves.
    pub fn queue(&self) -> &EmbeddedQueue {
        &self.shared.queue
    }

    /// Whether it listens to questions now; while NATS is away, none come.
    pub fn is_serving(&self) -> bool {
        self.shared.serving.load(Ordering::Relaxed)
    }

    /// Answers until `stop` is set, or until the records fail.
    ///
    /// # Errors
    /// [`CoordinatorError`].
    pub fn serve(&self, stop: &AtomicBool) -> Result<(), CoordinatorError> {
        let shared = &self.shared;
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            // Also when what follows panics: the scope waits for its threads.
            let _ends = SetWhenDropped(&over);
            scope.spawn(|| shared.guarded(|| shared.give_to_waiting(&over)));
            scope.spawn(|| shared.guarded(|| shared.look_around(&over)));
            shared.link.wait(shared.clone().serve(stop))
        })
    }
}

impl Shared {
    async fn serve(self: Arc<Self>, stop: &AtomicBool) -> Result<(), CoordinatorError> {
        let client = self.link.client();
        let asked = client.subscribe(self.lane.ask_subject()).await;
        let mut questions = asked.map_err(|error| self.link.failed("a subscription")(&error))?;
        let hello = Lane::hello_subject(self.lane.fleet()).expect("a lane's fleet has a name");
        let greeted = client.subscribe(hello).await;
        let mut greetings = greeted.map_err(|error| self.link.failed("a subscription")(&error))?;
        let results = tokio::spawn(self.clone().take_results());
        self.serving.store(true, Ordering::Relaxed);
        let mut tasks = JoinSet::new();
        let mut tick = tokio::time::interval(TICK);
        let served = loop {
            tokio::select! {
                question = questions.next(), if tasks.len() < QUESTIONS_AT_ONCE => match question {
                    Some(message) => {
                        let shared = self.clone();
                        tasks.spawn_blocking(move || shared.guarded(|| shared.hear(message)));
                    }
                    None => break Err(CoordinatorError::Ended { place: self.link.place().to_owned() }),
                },
                Some(_) = tasks.join_next() => {}
                greeting = greetings.next() => if let Some(message) = greeting {
                    self.greet(&message).await;
                },
                _ = tick.tick() => {}
            }
            if stop.load(Ordering::Relaxed) {
                break Ok(());
            }
            if let Some(error) = lock(&self.failure).take() {
                break Err(error);
            }
        };
        self.serving.store(false, Ordering::Relaxed);
        results.abort();
        while tasks.join_next().await.is_some() {}
        served
    }

    /// Runs what belongs to the coordinator; a panic ends all of it, since what it left half done is not known.
    fn guarded(&self, work: impl FnOnce()) {
        if let Err(panic) = caught(work) {
            tracing::error!(panic, "a thread panicked: the coordinator ends");
            lock(&self.failure).get_or_insert(CoordinatorError::Panicked { panic });
        }
    }

    /// Two coordinators that began in the same moment, or were cut off from one another, have not seen each other when
    /// they began. The later one ends as soon as they do. A thread of its own.
    fn look_around(&self, over: &AtomicBool) {
        let mut due = Instant::now() + FIRST_LOOK;
        while !over.load(Ordering::Relaxed) {
            thread::sleep(TICK);
            if Instant::now() < due {
                continue;
            }
            due = Instant::now() + LOOK_AROUND;
            let Ok(others) = lanes(&self.link, self.lane.fleet()) else { continue };
            let is_other = |other: &LaneSummary| other.lane == self.lane.name() && other.instance < self.instance;
            if let Some(other) = others.into_iter().find(is_other) {
                tracing::error!(lane = %self.lane, "there are two coordinators of this lane: this one ends");
                let taken = CoordinatorError::Taken { lane: self.lane.to_string(), version: other.version };
                lock(&self.failure).get_or_insert(taken);
            }
        }
    }

    async fn greet(&self, message: &Message) {
        let Some(reply) = inbox(message.reply.clone()) else { return };
        let summary = LaneSummary {
            lane: self.lane.name().to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            instance: self.instance,
            outlook: self.queue.outlook().unwrap_or_default(),
        };
        self.send(reply, wire::encode(&summary).into()).await;
    }

    async fn send(&self, to: Subject, message: Bytes) {
        if let Err(error) = self.link.client().publish(to, message).await {
            tracing::warn!(%error, "an answer was not sent; it will be asked for again");
        }
    }

    fn note(&self, error: QueueError) {
        if matches!(error, QueueError::Records { .. } | QueueError::Bundle { .. }) {
            tracing::error!(%error, "the records fail: the coordinator ends");
            lock(&self.failure).get_or_insert(error.into());
        }
    }
}

/// A number for a coordinator that is higher than those of all that began before it.
fn instance() -> u128 {
    (since_epoch().as_micros() << 64) | u128::from(rand::random::<u64>())
}

struct SetWhenDropped<'a>(&'a AtomicBool);

impl Drop for SetWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Where an answer may go.
fn inbox(reply: Option<Subject>) -> Option<Subject> {
    reply.filter(|reply| reply.starts_with(INBOX))
}

/// Locks also after a panic: what is behind these locks is whole between any two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
