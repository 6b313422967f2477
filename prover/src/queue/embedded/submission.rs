//! How graphs come into the queue.

use std::collections::HashSet;
use std::sync::PoisonError;

use super::records::{GraphRecord, Record};
use super::EmbeddedQueue;
use crate::artifact::ArtifactError;
use crate::digest::JobId;
use crate::graph::Graph;
use crate::job::{Input, JobSpec};
use crate::queue::{Queue, QueueError, Submitted};

impl EmbeddedQueue {
    /// Adds a graph, or finds out what is left of one that is there: see [`Queue::submit`].
    pub(super) fn add(&self, graph: &Graph) -> Result<Submitted, QueueError> {
        self.check_coverage(graph)?;
        let _nothing_is_removed = self.sweeping.read().unwrap_or_else(PoisonError::into_inner);
        self.check_inputs(graph)?;
        {
            let mut inner = self.lock();
            let board = &mut inner.board;
            let number = match board.graph(graph.root()) {
                Ok(known) => known.number,
                Err(_) => board.graphs().last().map_or(0, |(_, last)| last.number + 1),
            };
            let record = GraphRecord {
                label: graph.label().to_owned(),
                deadline_ms: graph.deadline_ms(),
                number,
                transactions: graph.transactions(),
                jobs: graph.jobs().iter().map(|(id, _)| *id).collect(),
            };
            let new_jobs: Vec<(JobId, &JobSpec, Record)> = graph
                .jobs()
                .iter()
                .filter(|(id, _)| !board.contains(*id))
                .map(|(id, spec)| (*id, spec, Record::new()))
                .collect();
            self.records.add_graph(graph.root(), &record, &new_jobs)?;
            for (id, spec, record) in new_jobs {
                board.insert(id, spec.clone(), record);
            }
            board.add_graph(graph.root(), record)?;
            inner.changes += 1;
            self.changed.notify_all();
        }
        let remade = self.remake_damaged(graph)?;
        self.records.sync()?;
        let progress = self.progress(graph.root())?;
        Ok(Submitted { jobs: progress.total, done: progress.done, remade })
    }

    /// Refuses a graph with jobs whose results could not be checked.
    fn check_coverage(&self, graph: &Graph) -> Result<(), QueueError> {
        for ability in graph.abilities() {
            self.check.covers(ability).map_err(|next| QueueError::Unchecked { ability, next })?;
        }
        Ok(())
    }

    /// Refuses a graph that reads artifacts which are not there.
    fn check_inputs(&self, graph: &Graph) -> Result<(), QueueError> {
        let mut seen = HashSet::new();
        for (_, job) in graph.jobs() {
            for input in &job.inputs {
                let Input::Artifact(artifact) = *input else { continue };
                if !seen.insert((artifact.hash, artifact.length)) {
                    continue;
                }
                match self.artifacts.get(&artifact) {
                    Ok(_) => {}
                    Err(ArtifactError::Damaged { .. }) => {
                        return Err(QueueError::MissingArtifact { label: job.label.clone(), artifact });
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }

    /// Sends back those of a graph's done jobs whose artifacts are not whole, with all their attempts.
    fn remake_damaged(&self, graph: &Graph) -> Result<Vec<JobId>, QueueError> {
        let done: Vec<_> = {
            let inner = self.lock();
            let artifact = |id| Some((id, inner.board.entry(id).ok()?.artifact()?));
            graph.jobs().iter().filter_map(|(id, _)| artifact(*id)).collect()
        };
        let mut remade = Vec::new();
        for (id, artifact) in done {
            let reason = match self.artifacts.get(&artifact) {
                Ok(_) => continue,
                Err(error @ ArtifactError::Damaged { .. }) => error.to_string(),
                Err(error) => return Err(error.into()),
            };
            let mut inner = self.lock();
            if inner.board.entry(id)?.artifact() == Some(artifact) {
                self.change(&mut inner, id, Record::new(), None)?;
                tracing::warn!(job = %id, reason, "result is damaged and will be made again");
                remade.push(id);
            }
        }
        Ok(remade)
    }
}
