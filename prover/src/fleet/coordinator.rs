//! Owns the jobs of a lane and answers for them.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use async_nats::jetstream::consumer::{pull, AckPolicy};
use async_nats::jetstream::stream::{self, RetentionPolicy};
use async_nats::jetstream::{AckKind, Message as ResultMessage};
use async_nats::{Message, Subject};
use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::answers::{Answers, Seen};
use super::client::lanes;
use super::link::{Link, LinkError};
use super::objects::ObjectArtifacts;
use super::recent::Recent;
use super::wire::{self, Answer, Handed, LaneSummary, Leased, Question, QuestionId, Refusal, ResultVerdict};
use super::Lane;
use crate::artifact::{ArtifactError, ArtifactRef};
use crate::clock::since_epoch;
use crate::digest::JobId;
use crate::graph::{GraphBuilder, GraphError};
use crate::panic::caught;
use crate::queue::embedded::ToCheck;
use crate::queue::{
    Capability, Completion, EmbeddedQueue, GraphStatus, Hold, OpenError, Policy, Queue as _, QueueError, Status,
    Submitted, Verdict,
};
use crate::work::Check;

/// Questions that are worked on at once; the rest waits in NATS.
const QUESTIONS_AT_ONCE: usize = 64;
/// Results that are looked at or wait for a core here; the rest waits in the stream.
const RESULTS_AT_HAND: usize = 64;
/// After so long without an acknowledgement the stream brings a result again: longer than any check takes.
const RESULT_ACK_TIME: Duration = Duration::from_secs(60);
/// When a result cannot be looked at now, it comes again after this.
const RESULT_AGAIN: Duration = Duration::from_secs(1);
/// The stream's one consumer.
const CONSUMER: &str = "coordinator";
/// What reads or writes artifacts may take long; so many at once, so that renewals are always heard.
const SLOW_AT_ONCE: usize = 8;
/// The longest result, in bytes: many times a proof.
const LONGEST_RESULT_BYTES: u64 = 16 << 20;
/// A result that could not be looked at so often is dropped: its job is done again. That is hours of an outage.
const MOST_DELIVERIES: i64 = 5000;
/// Claims that wait at once: more workers than a lane has.
const MOST_PARKED: usize = 10_000;
/// Where answers go. Whoever asks may name any subject, and a coordinator may write to some where an answer would do
/// harm.
const INBOX: &str = "_INBOX.";
/// How often it is looked whether another coordinator serves the lane.
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

/// A claim that waits for a job.
struct Parked {
    id: QuestionId,
    capability: Capability,
    until: Instant,
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
        let mut due = Instant::now() + RESULT_AGAIN;
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

    /// Answers a question, or parks it. On a thread that may wait.
    fn hear(&self, message: Message) {
        let envelope = match wire::decode_question(&message.payload) {
            Ok(envelope) => envelope,
            Err(error) => {
                tracing::warn!(%error, "a question was not understood");
                let refusal = Refusal::Failed { reason: format!("the question was not understood: {error}") };
                if let Some(reply) = inbox(message.reply) {
                    self.link.wait(self.send(reply, wire::encode(&Answer::Refused(refusal)).into()));
                }
                return;
            }
        };
        let (id, reply) = (envelope.id, inbox(message.reply));
        let seen = lock(&self.answers).ask(id, reply.clone());
        match (seen, reply) {
            (Seen::Pending, _) | (Seen::Answered(_), None) => {}
            (Seen::Answered(answer), Some(reply)) => self.link.wait(self.send(reply, answer)),
            (Seen::New, _) => {
                let is_slow = envelope.question.is_slow();
                let Ok(_place) = (if is_slow { self.slow.try_acquire().map(Some) } else { Ok(None) }) else {
                    // It comes again.
                    lock(&self.answers).forget(id);
                    return;
                };
                let again = envelope.question.changes_nothing();
                if let Some(answer) = self.answer(id, envelope.question) {
                    self.tell(id, &answer, again);
                }
            }
        }
    }

    /// Sends an answer to all who asked.
    fn tell(&self, id: QuestionId, answer: &Answer, again: bool) {
        let message = Bytes::from(wire::encode(answer));
        let replies = lock(&self.answers).answer(id, &message, again);
        self.link.wait(async {
            for reply in replies {
                self.send(reply, message.clone()).await;
            }
        });
    }

    /// The answer to a question; none for a claim that was parked.
    fn answer(&self, id: QuestionId, question: Question) -> Option<Answer> {
        if let Question::Claim { capability, patience } = question {
            let queue = &self.queue;
            let leased = queue.expire().and_then(|()| queue.take_back_unknown(&capability));
            return match leased.and_then(|()| self.lease(&capability)) {
                Ok(None) if !patience.is_zero() => {
                    self.park(Parked { id, capability, until: Instant::now() + patience });
                    None
                }
                Ok(leased) => Some(Answer::Leased(leased)),
                Err(error) => Some(self.refused(error)),
            };
        }
        Some(self.decide(question).unwrap_or_else(|error| self.refused(error)))
    }

    /// Has a claim wait. One of the same worker that came before is over: a worker asks one after another.
    fn park(&self, claim: Parked) {
        self.unpark(&claim.capability.worker);
        let mut parked = lock(&self.parked);
        parked.push_back(claim);
        let first = if parked.len() > MOST_PARKED { parked.pop_front() } else { None };
        drop(parked);
        if let Some(first) = first {
            self.tell(first.id, &Answer::Leased(None), true);
        }
    }

    /// Ends the wait of a worker's claims.
    fn unpark(&self, worker: &str) {
        let mut over = Vec::new();
        lock(&self.parked).retain(|claim| {
            let is_its = claim.capability.worker == worker;
            over.extend(is_its.then_some(claim.id));
            !is_its
        });
        over.into_iter().for_each(|id| self.tell(id, &Answer::Leased(None), true));
    }

    /// Tells an error, and ends the coordinator when it is one of its own records.
    fn refused(&self, error: QueueError) -> Answer {
        let refusal = Refusal::of(&error);
        self.note(error);
        Answer::Refused(refusal)
    }

    fn note(&self, error: QueueError) {
        if matches!(error, QueueError::Records { .. } | QueueError::Bundle { .. }) {
            tracing::error!(%error, "the records fail: the coordinator ends");
            lock(&self.failure).get_or_insert(error.into());
        }
    }

    fn lease(&self, capability: &Capability) -> Result<Option<Box<Leased>>, QueueError> {
        let leased = self.queue.lease(capability)?.map(|(lease, inputs)| {
            let (job, worker) = (&lease.job, &capability.worker);
            let (batch, attempt) = (&lease.batch, lease.attempt);
            tracing::info!(batch, job = %lease.id, label = job.label, worker, attempt, "leased");
            let (id, fence, alone) = (lease.id, lease.fence, lease.alone);
            Box::new(Leased { id, batch: lease.batch, job: lease.job, inputs, fence, attempt, alone })
        });
        Ok(leased)
    }

    fn decide(&self, question: Question) -> Result<Answer, QueueError> {
        let queue = &self.queue;
        Ok(match question {
            Question::Policy => Answer::Policy(queue.policy()),
            Question::Submit { graph } => Answer::Submitted(self.submit(&graph)?),
            Question::Claim { .. } => unreachable!("claims are answered or parked before"),
            Question::Renew { hold } => Answer::Holds(queue.renew_hold(hold)),
            Question::Fail { hold, failure } => Answer::Verdict(queue.fail_hold(hold, failure)?),
            Question::Release { hold } => done(queue.release_hold(hold))?,
            Question::Leave { worker } => done(queue.leave(&worker))?,
            Question::Enter { worker } => {
                // What its last life asked for would be given to nobody.
                self.unpark(&worker);
                done(queue.enter(&worker))?
            }
            Question::DamagedInput { hold, index, artifact } => done(self.damaged_input(hold, index, artifact))?,
            Question::Retry { job } => done(queue.retry(job))?,
            Question::Result { job } => Answer::Result(queue.result_of(job)?),
            Question::DamagedResult { job, artifact } => done(self.damaged_result(job, artifact))?,
            Question::Progress { root } => Answer::Progress(wire::named(queue.progress(root)?)),
            Question::Graphs => Answer::Graphs(without_jobs(queue.status()?)),
            Question::Jobs { root, from } => Answer::Jobs(Box::new(wire::page(queue.graph(root)?, from))),
            Question::Outlook => Answer::Outlook(queue.outlook()?),
            Question::Settle { root } => done(queue.settle(root))?,
            Question::Sweep { grace } => Answer::Swept(queue.sweep(grace)?),
        })
    }

    fn submit(&self, graph: &ArtifactRef) -> Result<Submitted, QueueError> {
        let place = || format!("{} at {}", self.lane, self.link.place());
        let strange = |reason: String| QueueError::Elsewhere { place: place(), reason };
        let bytes = self.queue.artifacts().get(graph)?;
        let submitted = wire::decode_graph(&bytes).map_err(|error| strange(error.to_string()))?;
        let mut builder = GraphBuilder::new();
        let built = (|| -> Result<_, GraphError> {
            for job in submitted.jobs {
                builder.add(job)?;
            }
            builder.finish(submitted.label)
        })();
        let graph = built.map_err(|error| strange(error.to_string()))?;
        let graph = graph.with_deadline_ms(submitted.deadline_ms).with_transactions(submitted.transactions);
        let answer = self.queue.submit(&graph)?;
        tracing::info!(graph = %graph.root(), label = graph.label(), jobs = answer.jobs, done = answer.done, "submitted");
        Ok(answer)
    }

    /// A worker says that an input is damaged. It is looked at here before anything is made again.
    fn damaged_input(&self, hold: Hold, index: usize, artifact: ArtifactRef) -> Result<(), QueueError> {
        let Some(ToCheck { job, inputs }) = self.queue.to_check(hold)? else { return Ok(()) };
        let (Some(input), true) =
            (job.inputs.get(index), inputs.is_some_and(|inputs| inputs.get(index) == Some(&artifact)))
        else {
            return self.queue.release_hold(hold);
        };
        match self.queue.artifacts().get(&artifact) {
            Ok(_) => self.queue.release_hold(hold),
            Err(error @ ArtifactError::Damaged { .. }) => self.queue.mend(hold, *input, artifact, &error.to_string()),
            Err(error) => Err(error.into()),
        }
    }

    fn damaged_result(&self, job: JobId, artifact: ArtifactRef) -> Result<(), QueueError> {
        if self.queue.result_of(job)? != Some(artifact) {
            return Ok(());
        }
        match self.queue.artifacts().get(&artifact) {
            Ok(_) => Ok(()),
            Err(error @ ArtifactError::Damaged { .. }) => self.queue.remake_result(job, artifact, &error.to_string()),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives jobs to the claims that wait, as they become ready, and lets leases run out. A thread of its own.
    fn give_to_waiting(&self, over: &AtomicBool) {
        let mut seen = 0;
        while !over.load(Ordering::Relaxed) {
            seen = self.queue.wait_for_change(seen, TICK);
            if let Err(error) = self.queue.expire() {
                self.note(error);
            }
            let parked = std::mem::take(&mut *lock(&self.parked));
            let now = Instant::now();
            let mut waiting = VecDeque::new();
            for claim in parked {
                match self.lease(&claim.capability) {
                    Ok(None) if now < claim.until => waiting.push_back(claim),
                    Ok(leased) => self.tell(claim.id, &Answer::Leased(leased), false),
                    Err(error) => {
                        let answer = self.refused(error);
                        self.tell(claim.id, &answer, true);
                    }
                }
            }
            // Those that came meanwhile stand behind.
            let mut parked = lock(&self.parked);
            waiting.append(&mut parked);
            *parked = waiting;
        }
    }

    /// Takes results from the stream until it is aborted.
    async fn take_results(self: Arc<Self>) {
        // What a coordinator before this one was brought and did not acknowledge would wait for its time to run out. A
        // new consumer is brought everything that the stream has; what was recorded is recognized.
        let stream = self.link.jetstream().get_stream(self.lane.result_stream()).await;
        if let Ok(stream) = stream {
            let _ = stream.delete_consumer(CONSUMER).await;
        }
        loop {
            if let Err(error) = self.clone().take_results_once().await {
                tracing::warn!(%error, "results cannot be taken now; they are kept in the stream");
            }
            tokio::time::sleep(RESULT_AGAIN).await;
        }
    }

    async fn take_results_once(self: Arc<Self>) -> Result<(), LinkError> {
        let name = self.lane.result_stream();
        let failed = |error: &dyn std::error::Error| self.link.failed(format!("the stream {name}"))(error);
        let config = stream::Config {
            name: name.clone(),
            subjects: vec![self.lane.result_subject()],
            retention: RetentionPolicy::WorkQueue,
            // Only acknowledging a result removes it.
            deny_delete: true,
            deny_purge: true,
            description: Some(format!("results of lane {} on their way to its coordinator", self.lane)),
            ..stream::Config::default()
        };
        let stream = self.link.jetstream().get_or_create_stream(config).await.map_err(|error| failed(&error))?;
        let config = pull::Config {
            durable_name: Some(CONSUMER.to_owned()),
            ack_policy: AckPolicy::Explicit,
            ack_wait: RESULT_ACK_TIME,
            max_ack_pending: RESULTS_AT_HAND as i64,
            ..pull::Config::default()
        };
        let consumer = stream.get_or_create_consumer(CONSUMER, config).await.map_err(|error| failed(&error))?;
        let messages = consumer.stream().max_messages_per_batch(RESULTS_AT_HAND).messages().await;
        let mut messages = messages.map_err(|error| failed(&error))?;
        let places = Arc::new(Semaphore::new(RESULTS_AT_HAND));
        while let Some(message) = messages.next().await {
            let message = message.map_err(|error| failed(&error))?;
            let shared = self.clone();
            let place = places.clone().acquire_owned().await.expect("never closed");
            tokio::task::spawn_blocking(move || {
                shared.guarded(|| shared.receive(&message));
                drop(place);
            });
        }
        Ok(())
    }

    /// Looks at one result, and lets the stream forget it once it is recorded. On a thread that may wait.
    fn receive(&self, message: &ResultMessage) {
        let verdict_to = message.headers.as_ref().and_then(|headers| headers.get(wire::VERDICT_HEADER));
        let verdict_to = inbox(verdict_to.map(|inbox| Subject::from(inbox.as_str())));
        let handed = match wire::decode_handed(&message.payload) {
            Ok(handed) => handed,
            Err(error) => {
                tracing::warn!(%error, "a result was not understood and is dropped; its job will be done again");
                self.acknowledge(message, AckKind::Term);
                return;
            }
        };
        let verdict = match self.judge(&handed) {
            Ok(completion) => {
                let Handed { hold, effort, .. } = &handed;
                let (worker, seconds) = (&effort.worker, effort.seconds);
                tracing::info!(job = %hold.job, fence = %hold.fence, worker, seconds, ?completion, "result");
                ResultVerdict::Completion(completion)
            }
            Err(error) => {
                let deliveries = message.info().map_or(1, |info| info.delivered);
                tracing::warn!(job = %handed.hold.job, %error, deliveries, "a result cannot be looked at now");
                self.note(error);
                let again = deliveries < MOST_DELIVERIES;
                self.acknowledge(message, if again { AckKind::Nak(Some(RESULT_AGAIN)) } else { AckKind::Term });
                return;
            }
        };
        self.acknowledge(message, AckKind::Ack);
        if let Some(inbox) = verdict_to {
            self.link.wait(self.send(inbox, wire::encode(&verdict).into()));
        }
    }

    fn acknowledge(&self, message: &ResultMessage, kind: AckKind) {
        if let Err(error) = self.link.wait(message.ack_with(kind)) {
            // It comes again, and is then known.
            tracing::warn!(%error, "a result was not acknowledged");
        }
    }

    /// An input of a job, for the check of its result.
    fn input(&self, input: &ArtifactRef) -> Result<Vec<u8>, ArtifactError> {
        let recent = lock(&self.recent).get(input.hash);
        recent.map_or_else(|| self.queue.artifacts().get(input), Ok)
    }

    fn judge(&self, handed: &Handed) -> Result<Completion, QueueError> {
        let Handed { hold, artifact, effort, .. } = handed;
        let Some(to_check) = self.queue.to_check(*hold)? else { return Ok(Completion::AlreadyDone) };
        let ToCheck { job, inputs } = to_check;
        let being_remade = |reason: String| Completion::Refused { reason, verdict: Verdict::Stale };
        let Some(inputs) = inputs else {
            self.queue.release_hold(*hold)?;
            return Ok(being_remade("one of its inputs is being made again".into()));
        };
        let mut bytes = Vec::with_capacity(inputs.len());
        for (input, spec) in inputs.iter().zip(&job.inputs) {
            match self.input(input) {
                Ok(input) => bytes.push(input),
                Err(error @ ArtifactError::Damaged { .. }) => {
                    self.queue.mend(*hold, *spec, *input, &error.to_string())?;
                    return Ok(being_remade(error.to_string()));
                }
                Err(error) => return Err(error.into()),
            }
        }
        if artifact.length > LONGEST_RESULT_BYTES {
            let reason =
                format!("it has {} bytes, and no result has more than {LONGEST_RESULT_BYTES}", artifact.length);
            return self.queue.refuse(*hold, reason, true);
        }
        let output = match self.queue.artifacts().get(artifact) {
            Ok(output) => output,
            // Whoever made it may have stored it well.
            Err(error @ ArtifactError::Damaged { .. }) => {
                return self.queue.refuse(*hold, error.to_string(), false);
            }
            Err(error) => return Err(error.into()),
        };
        let core = self.link.wait(self.cores.acquire()).expect("never closed");
        let checked = self.queue.checked(&job, &bytes, &output);
        drop(core);
        match checked {
            Ok(()) => {
                lock(&self.recent).keep(artifact.hash, output);
                self.queue.accept(*hold, *artifact, effort.clone())
            }
            Err(mut reason) => {
                wire::cut(&mut reason);
                self.queue.refuse(*hold, reason, true)
            }
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

fn done(result: Result<(), QueueError>) -> Result<Answer, QueueError> {
    result.map(|()| Answer::Done)
}

fn without_jobs(status: Status) -> Vec<GraphStatus> {
    let bare = |mut graph: GraphStatus| {
        graph.progress.set_aside.clear();
        GraphStatus { jobs: Vec::new(), ..graph }
    };
    status.graphs.into_iter().map(bare).collect()
}

/// Locks also after a panic: what is behind these locks is whole between any two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
