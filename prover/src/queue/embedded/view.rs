//! The board as the queue shows it.

use super::board::{Board, Entry};
use super::bundle::Bundles;
use super::records::{GraphRecord, State};
use crate::digest::JobId;
use crate::queue::{GraphStatus, JobState, JobStatus, QueueError, Status};

/// What the queue tells about itself.
pub(super) fn status(board: &Board, bundles: &Bundles) -> Result<Status, QueueError> {
    let graphs = board.graphs().into_iter();
    let graphs = graphs.map(|(root, graph)| graph_status(board, bundles, root, graph)).collect::<Result<_, _>>()?;
    Ok(Status { graphs })
}

/// What it tells about one graph.
pub(super) fn graph_status(
    board: &Board,
    bundles: &Bundles,
    root: JobId,
    graph: &GraphRecord,
) -> Result<GraphStatus, QueueError> {
    let job_status = |id: &JobId| {
        let entry = board.entry(*id)?;
        Ok(JobStatus {
            id: *id,
            kind: entry.spec.kind,
            circuit: entry.spec.circuit,
            label: entry.spec.label.clone(),
            memory_bytes: entry.spec.memory_bytes,
            state: state(*id, entry, bundles),
            attempts: entry.record.attempts,
            failures: entry.record.failures.clone(),
        })
    };
    Ok(GraphStatus {
        root,
        label: graph.label.clone(),
        deadline_ms: graph.deadline_ms,
        transactions: graph.transactions,
        progress: board.progress(root)?,
        jobs: graph.jobs.iter().map(job_status).collect::<Result<_, QueueError>>()?,
    })
}

/// Where a job stands.
pub(super) fn state(id: JobId, entry: &Entry, bundles: &Bundles) -> JobState {
    match &entry.record.state {
        State::Open if entry.is_ready() => JobState::Ready,
        State::Open => JobState::Waiting,
        State::Leased { worker, fence } => JobState::Leased { worker: worker.clone(), fence: *fence },
        State::Done { artifact, effort } => JobState::Done { artifact: *artifact, effort: effort.clone() },
        State::SetAside => JobState::SetAside { bundle: bundles.path(id) },
    }
}
