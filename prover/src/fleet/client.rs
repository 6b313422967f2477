//! The queue as workers and submitters see it: asks the coordinator, reads and writes artifacts itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::client::RequestErrorKind;
use async_nats::jetstream::context::PublishErrorKind;
use async_nats::{HeaderMap, Request, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt as _;

use super::link::{reason, Link, LinkError};
use super::objects::ObjectArtifacts;
use super::wire::{
    self, Answer, Envelope, Handed, LaneSummary, Leased, Question, QuestionId, ResultVerdict, SubmittedGraph,
};
use super::Lane;
use crate::artifact::{ArtifactError, Artifacts};
use crate::digest::JobId;
use crate::graph::Graph;
use crate::job::JobSpec;
use crate::queue::{
    Capability, Completion, Effort, Failure, GraphStatus, Hold, Lease, Outlook, Policy, Progress, Queue, QueueError,
    Status, Submitted, Swept, Verdict,
};

/// How long one answer is waited for, besides what the question itself allows.
const ANSWER_TIME: Duration = Duration::from_secs(5);
/// A question is sent so often before its asker is told that nobody answers.
const TRIES: usize = 3;
/// The same for a graph, whose inputs and results the coordinator reads first: minutes, where there are thousands.
const SUBMIT_TRIES: usize = 60;
/// How long a claim waits at the coordinator. With a thousand idle workers that makes 500 questions a second.
const PATIENCE: Duration = Duration::from_secs(2);
/// After so long a verdict on a result is not asked for any more; the result is safe before that.
const VERDICT_TIME: Duration = Duration::from_secs(30);
/// When it has not come by now, it may have been lost on its way: the coordinator is asked what it was.
const VERDICT_LOST: Duration = Duration::from_secs(5);
/// How long coordinators are listened for.
const HELLO_TIME: Duration = Duration::from_millis(500);

/// A queue that a coordinator of a fleet keeps.
pub struct FleetQueue {
    link: Arc<Link>,
    lane: Lane,
    artifacts: ObjectArtifacts,
    policy: Policy,
}

impl FleetQueue {
    /// Connects to the coordinator of a lane, which has to be there.
    ///
    /// # Errors
    /// [`QueueError::Unreachable`] when it does not answer.
    pub fn open(link: &Arc<Link>, lane: &Lane) -> Result<Self, QueueError> {
        let unreachable = |error: LinkError| QueueError::Unreachable {
            place: format!("{lane} at {}", link.place()),
            reason: error.to_string(),
        };
        let policy = match ask(link, lane, Question::Policy, Duration::ZERO, TRIES)? {
            Answer::Policy(policy) => policy,
            other => return Err(strange(link, lane, &other)),
        };
        let artifacts = ObjectArtifacts::open(link, lane).map_err(unreachable)?;
        Ok(Self { link: link.clone(), lane: lane.clone(), artifacts, policy })
    }

    fn ask(&self, question: Question) -> Result<Answer, QueueError> {
        ask(&self.link, &self.lane, question, Duration::ZERO, TRIES)
    }

    fn strange(&self, answer: &Answer) -> QueueError {
        strange(&self.link, &self.lane, answer)
    }

    fn ask_done(&self, question: Question) -> Result<(), QueueError> {
        match self.ask(question)? {
            Answer::Done => Ok(()),
            other => Err(self.strange(&other)),
        }
    }

    /// Reads the inputs of a lease; none when one is damaged, which the coordinator is told.
    fn with_inputs(&self, leased: Leased) -> Result<Option<Lease>, QueueError> {
        let Leased { id, batch, job, inputs: names, fence, attempt, alone } = leased;
        let hold = Hold { job: id, fence };
        let mut inputs = Vec::with_capacity(names.len());
        for (index, (artifact, bytes)) in names.iter().zip(self.artifacts.get_each(&names)).enumerate() {
            match bytes {
                Ok(bytes) => inputs.push(bytes),
                Err(ArtifactError::Damaged { .. }) => {
                    self.ask_done(Question::DamagedInput { hold, index, artifact: *artifact })?;
                    return Ok(None);
                }
                Err(error) => {
                    // Given back if that can be said; else the lease runs out.
                    let _ = self.ask_done(Question::Release { hold });
                    return Err(error.into());
                }
            }
        }
        Ok(Some(Lease { id, batch, job, inputs, fence, attempt, alone }))
    }

    /// Puts a result's name into the stream, where it is safe; what it gives hears the verdict.
    async fn hand_in(&self, handed: &Handed) -> Result<Subscriber, QueueError> {
        let client = self.link.client();
        let away =
            |error: &dyn std::error::Error| QueueError::Unreachable { place: self.place(), reason: reason(error) };
        let inbox = client.new_inbox();
        let verdicts = client.subscribe(inbox.clone()).await.map_err(|error| away(&error))?;
        let mut headers = HeaderMap::new();
        headers.insert(wire::VERDICT_HEADER, inbox.as_str());
        let (subject, message) = (self.lane.result_subject(), Bytes::from(wire::encode(handed)));
        let published = self.link.jetstream().publish_with_headers(subject, headers, message).await;
        let stored = match published {
            Ok(stored) => stored.await,
            Err(error) => Err(error),
        };
        match stored {
            Ok(_) => Ok(verdicts),
            Err(error) if error.kind() == PublishErrorKind::StreamNotFound => {
                let reason = "the stream of results is gone; start the coordinator, which makes it".to_owned();
                Err(QueueError::Unreachable { place: self.place(), reason })
            }
            Err(error) => Err(away(&error)),
        }
    }

    /// Waits for the verdict on a result that was handed in.
    fn verdict(&self, handed: &Handed, mut verdicts: Subscriber) -> Result<Completion, QueueError> {
        let until = Instant::now() + VERDICT_TIME;
        loop {
            match self.link.wait(async { tokio::time::timeout(VERDICT_LOST, verdicts.next()).await }) {
                Ok(Some(message)) => {
                    return match wire::decode(&message.payload) {
                        Ok(ResultVerdict::Completion(completion)) => Ok(completion),
                        Ok(ResultVerdict::Refused(refusal)) => Err(refusal.error(&self.place())),
                        Err(error) => Err(QueueError::Elsewhere { place: self.place(), reason: error.to_string() }),
                    };
                }
                Ok(None) => return Ok(Completion::HandedIn),
                Err(_) if Instant::now() >= until => return Ok(Completion::HandedIn),
                Err(_) => {}
            }
            let artifact = handed.artifact;
            match self.ask(Question::Result { job: handed.hold.job }) {
                Ok(Answer::Result(Some(theirs))) if theirs == artifact => {
                    return Ok(Completion::Accepted { artifact, late: false });
                }
                Ok(Answer::Result(Some(_))) | Err(QueueError::UnknownJob(_)) => return Ok(Completion::AlreadyDone),
                // It is not judged, or was refused; or nobody answers.
                Ok(_) | Err(_) => {}
            }
        }
    }

    /// Where it is, in words.
    pub fn place(&self) -> String {
        format!("{} at {}", self.lane, self.link.place())
    }

    /// A graph with the jobs that pages bring, one after another.
    fn paged(&self, root: JobId) -> Result<GraphStatus, QueueError> {
        let page = |from| match self.ask(Question::Jobs { root, from })? {
            Answer::Jobs(graph) => Ok(*graph),
            other => Err(self.strange(&other)),
        };
        let mut graph = page(0)?;
        while graph.jobs.len() < graph.progress.total {
            let more = page(graph.jobs.len())?.jobs;
            if more.is_empty() {
                break;
            }
            graph.jobs.extend(more);
        }
        Ok(graph)
    }
}

impl Queue for FleetQueue {
    fn submit(&self, graph: &Graph) -> Result<Submitted, QueueError> {
        let jobs: Vec<JobSpec> = graph.jobs().iter().map(|(_, job)| job.clone()).collect();
        let submitted = SubmittedGraph {
            label: graph.label().to_owned(),
            deadline_ms: graph.deadline_ms(),
            transactions: graph.transactions(),
            jobs,
        };
        // A batch of a million transactions has thousands of jobs, which no message holds.
        let graph = self.artifacts.put(&wire::encode(&submitted))?;
        match ask(&self.link, &self.lane, Question::Submit { graph }, Duration::ZERO, SUBMIT_TRIES)? {
            Answer::Submitted(submitted) => Ok(submitted),
            other => Err(self.strange(&other)),
        }
    }

    fn claim(&self, capability: &Capability) -> Result<Option<Lease>, QueueError> {
        self.claim_within(capability, Duration::ZERO)
    }

    fn claim_within(&self, capability: &Capability, patience: Duration) -> Result<Option<Lease>, QueueError> {
        loop {
            let question = Question::Claim { capability: capability.clone(), patience };
            let leased = match ask(&self.link, &self.lane, question, patience, TRIES)? {
                Answer::Leased(leased) => leased,
                other => return Err(self.strange(&other)),
            };
            let Some(leased) = leased else { return Ok(None) };
            if let Some(lease) = self.with_inputs(*leased)? {
                return Ok(Some(lease));
            }
        }
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }

    fn renew(&self, lease: &Lease) -> Result<bool, QueueError> {
        match self.ask(Question::Renew { hold: lease.hold() })? {
            Answer::Holds(holds) => Ok(holds),
            other => Err(self.strange(&other)),
        }
    }

    fn complete(&self, lease: &Lease, output: &[u8], effort: Effort) -> Result<Completion, QueueError> {
        let artifact = self.artifacts.put(output)?;
        let handed = Handed { version: wire::VERSION, hold: lease.hold(), artifact, effort };
        let verdicts = self.link.wait(self.hand_in(&handed))?;
        self.verdict(&handed, verdicts)
    }

    fn fail(&self, lease: &Lease, failure: Failure) -> Result<Verdict, QueueError> {
        match self.ask(Question::Fail { hold: lease.hold(), failure })? {
            Answer::Verdict(verdict) => Ok(verdict),
            other => Err(self.strange(&other)),
        }
    }

    fn release(&self, lease: &Lease) -> Result<(), QueueError> {
        self.ask_done(Question::Release { hold: lease.hold() })
    }

    fn leave(&self, worker: &str) -> Result<(), QueueError> {
        self.ask_done(Question::Leave { worker: worker.to_owned() })
    }

    fn enter(&self, worker: &str) -> Result<(), QueueError> {
        self.ask_done(Question::Enter { worker: worker.to_owned() })
    }

    fn retry(&self, job: JobId) -> Result<(), QueueError> {
        self.ask_done(Question::Retry { job })
    }

    fn result(&self, job: JobId) -> Result<Option<Vec<u8>>, QueueError> {
        let artifact = match self.ask(Question::Result { job })? {
            Answer::Result(Some(artifact)) => artifact,
            Answer::Result(None) => return Ok(None),
            other => return Err(self.strange(&other)),
        };
        match self.artifacts.get(&artifact) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(ArtifactError::Damaged { .. }) => {
                self.ask_done(Question::DamagedResult { job, artifact })?;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn progress(&self, root: JobId) -> Result<Progress, QueueError> {
        match self.ask(Question::Progress { root })? {
            Answer::Progress(progress) => Ok(progress),
            other => Err(self.strange(&other)),
        }
    }

    fn graph(&self, root: JobId) -> Result<GraphStatus, QueueError> {
        self.paged(root)
    }

    fn status(&self) -> Result<Status, QueueError> {
        let graphs = match self.ask(Question::Graphs)? {
            Answer::Graphs(graphs) => graphs,
            other => return Err(self.strange(&other)),
        };
        let mut full = Vec::with_capacity(graphs.len());
        for graph in graphs {
            match self.paged(graph.root) {
                Ok(graph) => full.push(graph),
                // Settled in between.
                Err(QueueError::UnknownGraph(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Status { graphs: full })
    }

    fn outlook(&self) -> Result<Outlook, QueueError> {
        match self.ask(Question::Outlook)? {
            Answer::Outlook(outlook) => Ok(outlook),
            other => Err(self.strange(&other)),
        }
    }

    fn settle(&self, root: JobId) -> Result<(), QueueError> {
        self.ask_done(Question::Settle { root })
    }

    fn sweep(&self, grace: Duration) -> Result<Swept, QueueError> {
        let mut all = Swept::default();
        loop {
            let swept = match self.ask(Question::Sweep { grace })? {
                Answer::Swept(swept) => swept,
                other => return Err(self.strange(&other)),
            };
            let bytes = all.bytes.saturating_add(swept.bytes);
            all = Swept { artifacts: all.artifacts + swept.artifacts, bytes, ..swept };
            if swept.left == 0 {
                return Ok(all);
            }
        }
    }

    fn artifacts(&self) -> &dyn Artifacts {
        &self.artifacts
    }

    fn policy(&self) -> Policy {
        self.policy
    }
}

/// Asks until there is an answer, a few times, always under one name so that it is acted on once.
fn ask(link: &Link, lane: &Lane, question: Question, patience: Duration, tries: usize) -> Result<Answer, QueueError> {
    let envelope = Envelope { version: wire::VERSION, id: QuestionId(rand::random()), question };
    let message = Bytes::from(wire::encode(&envelope));
    let place = || format!("{lane} at {}", link.place());
    let mut failure = String::new();
    for _ in 0..tries {
        let request = Request::new().payload(message.clone()).timeout(Some(ANSWER_TIME + patience));
        match link.wait(link.client().send_request(lane.ask_subject(), request)) {
            Ok(answer) => {
                return match wire::decode(&answer.payload) {
                    Ok(Answer::Refused(refusal)) => Err(refusal.error(&place())),
                    Ok(answer) => Ok(answer),
                    Err(error) => Err(QueueError::Elsewhere { place: place(), reason: error.to_string() }),
                };
            }
            Err(error) if error.kind() == RequestErrorKind::NoResponders => {
                failure = "no coordinator answers there; start one with `sheaf coordinator`".to_owned();
                break;
            }
            Err(error) => failure = reason(&error),
        }
    }
    Err(QueueError::Unreachable { place: place(), reason: failure })
}

fn strange(link: &Link, lane: &Lane, answer: &Answer) -> QueueError {
    let reason = format!("something else than was asked: {answer:?}");
    QueueError::Elsewhere { place: format!("{lane} at {}", link.place()), reason }
}

/// The lanes of a fleet that have a coordinator now.
///
/// # Errors
/// When NATS cannot be reached.
pub fn lanes(link: &Link, fleet: &str) -> Result<Vec<LaneSummary>, QueueError> {
    let place = || format!("fleet {fleet} at {}", link.place());
    let subject = Lane::hello_subject(fleet)
        .map_err(|error| QueueError::Elsewhere { place: place(), reason: error.to_string() })?;
    let away = |error: &dyn std::error::Error| QueueError::Unreachable { place: place(), reason: reason(error) };
    link.wait(async {
        let client = link.client();
        let inbox = client.new_inbox();
        let mut answers = client.subscribe(inbox.clone()).await.map_err(|error| away(&error))?;
        client.publish_with_reply(subject, inbox, Bytes::new()).await.map_err(|error| away(&error))?;
        let (until, mut found) = (Instant::now() + HELLO_TIME, Vec::new());
        while let Ok(Some(message)) = tokio::time::timeout_at(until.into(), answers.next()).await {
            // An empty message says that nobody listens.
            if message.status.is_some() {
                break;
            }
            match wire::decode::<LaneSummary>(&message.payload) {
                Ok(summary) => found.push(summary),
                Err(error) => tracing::warn!(%error, "a coordinator's greeting was not understood"),
            }
        }
        Ok(found)
    })
}
