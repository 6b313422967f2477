//! What comes before the jobs: a batch is executed and cut into chunks, whose inputs are made. Nothing is written.

use std::error::Error;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use sheaf_circuits::availability;
use sheaf_circuits::chunk::ChunkInput;
use sheaf_circuits::context::Context;
use sheaf_circuits::hash::Digest;
use sheaf_circuits::transaction::Transaction;
use sheaf_witness::chunks::{ChunkError, ChunkInputs};
use sheaf_witness::execute::{execute, ExecuteError, Receipt, SignatureChecks};
use sheaf_witness::plan::{plan, Filling, Grouping, PlanError};
use sheaf_witness::state::{StateRead, StateUpdate};
use thiserror::Error;

use super::batch::BatchEvent;
use super::circuits::Circuits;

/// A batch to prove.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// What its transactions share.
    pub context: &'a Context,
    /// Its transactions, in order.
    pub transactions: &'a [Transaction],
}

/// What execution and planning found, as it is kept with the jobs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// The state root before.
    pub pre_root: Digest,
    /// The state root after.
    pub post_root: Digest,
    /// Transactions that apply, in the order of the batch: their positions.
    pub applied: usize,
    /// Transactions that do not.
    pub rejected: usize,
    /// The fees of all, in quanta of asset 0.
    pub fees: u64,
    /// Shape of each chunk, in order.
    pub chunks: Vec<String>,
    /// Transaction slots of all chunks.
    pub slots: usize,
    /// Rows of all chunk circuits.
    pub rows: u64,
    /// What the chunks absorb of both streams.
    pub da_commit: Digest,
    /// Bytes of the L1 stream.
    pub l1_bytes: Vec<u8>,
    /// Bytes of the L2 stream.
    pub l2_bytes: Vec<u8>,
}

/// A batch that is ready for its jobs.
#[derive(Debug)]
pub struct Prepared {
    /// What was found.
    pub planned: Planned,
    /// The inputs of its chunks, in order.
    pub inputs: Vec<ChunkInput>,
    /// What it makes of the state.
    pub update: StateUpdate,
}

/// Executes and plans `batch` on `state`.
pub fn prepare<S: StateRead>(
    batch: Batch<'_>,
    circuits: &Circuits,
    state: &S,
    on_event: &(dyn Fn(BatchEvent<'_>) + Sync),
) -> Result<Prepared, PrepareError<S::Error>> {
    let executing = Stage::begin("execute", on_event);
    let execution = execute(batch.context, batch.transactions, state, SignatureChecks::Verify)?;
    let update = state.prepare(execution.cells.clone()).map_err(PrepareError::State)?;
    executing.end();
    on_event(BatchEvent::Executed(&execution));
    let applied = execution.applied(batch.transactions);
    if applied.is_empty() {
        return Err(PrepareError::NothingApplies { transactions: batch.transactions.len() });
    }

    let planning = Stage::begin("plan", on_event);
    let shapes = circuits.shapes();
    let plan = plan(&applied, batch.context.operator, shapes, Grouping::BySharedCells)?;
    let inputs = ChunkInputs::new(batch.context, &applied, &plan, shapes, state, circuits.allowed_set())
        .map_err(PrepareError::State)?;
    let publication = inputs.publication().clone();
    let inputs = inputs.finish(update.root())?;
    planning.end();

    let Filling { slots, rows, .. } = plan.filling(shapes);
    let rejected = execution.receipts.iter().filter(|receipt| matches!(receipt, Receipt::Rejected(_))).count();
    let planned = Planned {
        pre_root: update.pre_root(),
        post_root: update.root(),
        applied: applied.len(),
        rejected,
        fees: execution.fees.get(),
        chunks: inputs.iter().map(|input| input.shape.clone()).collect(),
        slots,
        rows,
        da_commit: publication.starts.last().expect("one more than there are chunks").da_commit,
        l1_bytes: availability::to_bytes(&publication.streams.l1),
        l2_bytes: availability::to_bytes(&publication.streams.l2),
    };
    Ok(Prepared { planned, inputs, update })
}

/// Tells how long a stage took.
pub(super) struct Stage<'a> {
    name: &'static str,
    start: Instant,
    on_event: &'a (dyn Fn(BatchEvent<'_>) + Sync),
}

impl<'a> Stage<'a> {
    pub fn begin(name: &'static str, on_event: &'a (dyn Fn(BatchEvent<'_>) + Sync)) -> Self {
        on_event(BatchEvent::Stage(name));
        Self { name, start: Instant::now(), on_event }
    }

    pub fn end(self) {
        (self.on_event)(BatchEvent::StageDone { stage: self.name, seconds: self.start.elapsed().as_secs_f64() });
    }
}

/// Why a batch is not ready for its jobs.
#[derive(Debug, Error)]
pub enum PrepareError<E: Error> {
    /// No transaction applies.
    #[error("none of the {transactions} transactions applies, so there is nothing to prove")]
    NothingApplies {
        /// Transactions of the batch.
        transactions: usize,
    },
    /// The batch cannot be executed.
    #[error(transparent)]
    Execute(#[from] ExecuteError<E>),
    /// The batch cannot be cut into chunks.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The chunks' inputs cannot be made.
    #[error(transparent)]
    Chunk(#[from] ChunkError),
    /// The state could not be read.
    #[error(transparent)]
    State(E),
}
