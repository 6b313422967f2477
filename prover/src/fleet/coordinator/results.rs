//! Takes results from the lane's stream, verifies them, and lets the stream forget them once they are recorded.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::{pull, AckPolicy};
use async_nats::jetstream::stream::{self, RetentionPolicy};
use async_nats::jetstream::{AckKind, Message};
use async_nats::Subject;
use futures_util::StreamExt as _;
use tokio::sync::Semaphore;

use super::super::link::LinkError;
use super::super::wire::{self, Handed, ResultVerdict};
use super::{inbox, lock, Shared};
use crate::artifact::{ArtifactError, ArtifactRef};
use crate::queue::embedded::ToCheck;
use crate::queue::{Completion, Queue as _, QueueError, Verdict};

/// Results that are looked at or wait for a core here; the rest waits in the stream.
const RESULTS_AT_HAND: usize = 64;
/// After so long without an acknowledgement the stream brings a result again: longer than any check takes.
const RESULT_ACK_TIME: Duration = Duration::from_secs(60);
/// When a result cannot be looked at now, it comes again after this.
const RESULT_AGAIN: Duration = Duration::from_secs(1);
/// The stream's one consumer.
const CONSUMER: &str = "coordinator";
/// The longest result, in bytes: many times a proof.
const LONGEST_RESULT_BYTES: u64 = 16 << 20;
/// A result that could not be looked at so often is dropped: its job is done again. That is hours of an outage.
const MOST_DELIVERIES: i64 = 5000;

impl Shared {
    /// Takes results from the stream until it is aborted.
    pub(super) async fn take_results(self: Arc<Self>) {
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
    fn receive(&self, message: &Message) {
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

    fn acknowledge(&self, message: &Message, kind: AckKind) {
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
