//! Answers questions; claims that find no job wait here for one.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use async_nats::Message;
use bytes::Bytes;

use super::super::answers::Seen;
use super::super::wire::{self, Answer, Leased, Question, QuestionId, Refusal};
use super::{inbox, lock, Shared, TICK};
use crate::artifact::{ArtifactError, ArtifactRef};
use crate::digest::JobId;
use crate::graph::{GraphBuilder, GraphError};
use crate::queue::embedded::ToCheck;
use crate::queue::{Capability, GraphStatus, Hold, Queue as _, QueueError, Status, Submitted};

/// Claims that wait at once: more workers than a lane has.
const MOST_PARKED: usize = 10_000;

/// A claim that waits for a job.
pub(super) struct Parked {
    id: QuestionId,
    capability: Capability,
    until: Instant,
}

impl Shared {
    /// Answers a question, or parks it. On a thread that may wait.
    pub(super) fn hear(&self, message: Message) {
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

    /// Gives jobs to the claims that wait, as they become ready, and lets leases run out. A thread of its own.
    pub(super) fn give_to_waiting(&self, over: &AtomicBool) {
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

    /// Tells an error, and ends the coordinator when it is one of its own records.
    fn refused(&self, error: QueueError) -> Answer {
        let refusal = Refusal::of(&error);
        self.note(error);
        Answer::Refused(refusal)
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
