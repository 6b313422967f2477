//! Chunk inputs: from a plan and the state before the batch, all that each chunk's proof is made from.
//!
//! ```text
//!   plan ─▶ records in order ─▶ daCommit, both streams ─▶ z ─▶ evaluations          once for the batch
//!                                                         │
//!   state before ─▶ chunk 0 ──cells, root──▶ chunk 1 ─────┴──▶ …                     one after another
//!                   └ execute, pay the operator, open each touched cell
//! ```
//!
//! z is drawn from all that the batch publishes, so that comes first; the inputs are then made one by one, as they are
//! asked for. A full chunk takes some 20 ms, a thousandth of its proof, so nothing is gained by making them at once.

mod openings;
mod publication;

use std::collections::{BTreeSet, HashMap};

use sheaf_circuits::account::{Cell, CellKey};
use sheaf_circuits::chunk::{ChunkInput, ChunkStart, Shape};
use sheaf_circuits::context::Context;
use sheaf_circuits::hash::Digest;
use sheaf_circuits::transaction::{execute, CellMemory, Rejection, Transaction};
use thiserror::Error;

pub use self::publication::{Evaluations, Publication};
use crate::execute::{credit, total, Applied, OperatorError};
use crate::plan::{Plan, PlannedChunk};
use crate::state::{NotLoaded, PartialTree, StateRead};

/// Why a chunk's input cannot be made. Each means that plan, transactions and state do not belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ChunkError {
    /// A transaction does not apply in the plan's order.
    #[error("the transaction at position {position} applied in the batch but not in its chunk: {rejection}")]
    Rejected {
        /// Where it stood in the batch.
        position: usize,
        /// Why it does not apply.
        rejection: Rejection,
    },
    /// A transaction applied differently.
    #[error("the transaction at position {position} publishes in its chunk what it did not publish in the batch")]
    OtherRecord {
        /// Where it stood in the batch.
        position: usize,
    },
    /// The operator cannot be paid at the end of a chunk.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// A cell of the plan was not read beforehand.
    #[error(transparent)]
    NotLoaded(#[from] NotLoaded),
    /// The chunks do not lead to the root that execution found.
    #[error("the chunks end at root {got}, expected {expected}")]
    Root {
        /// The root that the state has after the batch.
        expected: Digest,
        /// The root that the chunks lead to.
        got: Digest,
    },
}

/// The inputs of a batch's chunks, in order.
pub struct ChunkInputs<'a> {
    context: Context,
    allowed_set: Digest,
    applied: &'a [Applied],
    plan: &'a Plan,
    shapes: &'a [Shape],
    publication: Publication,
    cells: Cells,
    tree: PartialTree,
    next: usize,
}

impl<'a> ChunkInputs<'a> {
    /// Reads what the chunks of `plan` need of `state`, which is the one before the batch. `plan` was made for
    /// `applied` and `shapes`; `allowed_set` is the root of the set of circuits that recursion accepts.
    pub fn new<S: StateRead>(
        context: &Context,
        applied: &'a [Applied],
        plan: &'a Plan,
        shapes: &'a [Shape],
        state: &S,
        allowed_set: Digest,
    ) -> Result<Self, S::Error> {
        let touched = plan.chunks.iter().map(|chunk| touched(context, applied, chunk));
        let keys: BTreeSet<CellKey> = touched.clone().flatten().collect();
        let keys: Vec<CellKey> = keys.into_iter().collect();
        let cells = Cells(keys.iter().copied().zip(state.cells(&keys)?).collect());
        let shapes_of = plan.chunks.iter().map(|chunk| &shapes[chunk.shape]);
        let beside = shapes_of.zip(touched).flat_map(|(shape, touched)| openings::keys_beside(shape, &touched));
        let opened: BTreeSet<CellKey> = beside.chain(keys.iter().copied()).collect();
        let tree = state.partial_tree(&opened.into_iter().collect::<Vec<_>>())?;
        let publication = Publication::new(applied, plan, shapes);
        Ok(Self { context: *context, allowed_set, applied, plan, shapes, publication, cells, tree, next: 0 })
    }

    /// What the batch publishes.
    pub fn publication(&self) -> &Publication {
        &self.publication
    }

    /// The state root after the chunks whose inputs were made so far.
    pub fn root(&self) -> Digest {
        self.tree.root()
    }

    /// Makes the inputs that are left and checks that they lead to `expected`, the root that the state has after the
    /// batch.
    pub fn finish(mut self, expected: Digest) -> Result<Vec<ChunkInput>, ChunkError> {
        let inputs = self.by_ref().collect::<Result<Vec<_>, _>>()?;
        match self.root() {
            got if got == expected => Ok(inputs),
            got => Err(ChunkError::Root { expected, got }),
        }
    }

    fn input(&mut self, chunk: usize) -> Result<ChunkInput, ChunkError> {
        let planned = &self.plan.chunks[chunk];
        let shape = &self.shapes[planned.shape];
        let Evaluations { da_commit, l1, l2 } = self.publication.starts[chunk];
        let start = ChunkStart { root: self.tree.root(), da_commit, l1, l2 };
        let touched = touched(&self.context, self.applied, planned);
        let before: Vec<Cell> = touched.iter().map(|&key| self.cells.read(key)).collect();
        self.execute(planned)?;
        let change = |(&key, before)| openings::Change { key, before, after: self.cells.read(key) };
        let changes: Vec<_> = touched.iter().zip(before).map(change).collect();
        let (headers, slots) = openings::open(shape, &changes, &mut self.tree)?;
        let transaction =
            |slot: &Option<usize>| slot.map_or(Transaction::Noop, |it| self.applied[it].transaction.clone());
        Ok(ChunkInput {
            shape: shape.name.to_owned(),
            context: self.context,
            start,
            z: self.publication.z,
            allowed_set: self.allowed_set,
            transactions: planned.slots.iter().map(transaction).collect(),
            headers,
            slots,
        })
    }

    /// Executes the transactions of a chunk and pays the operator.
    fn execute(&mut self, chunk: &PlannedChunk) -> Result<(), ChunkError> {
        let mut fees = Vec::with_capacity(chunk.slots.len());
        for applied in chunk.transactions().map(|it| &self.applied[it]) {
            let position = applied.position;
            let outcome = execute(&applied.transaction, &self.context, &mut self.cells)
                .map_err(|rejection| ChunkError::Rejected { position, rejection })?;
            if outcome.record.as_ref() != Some(&applied.record) {
                return Err(ChunkError::OtherRecord { position });
            }
            fees.push(outcome.fee.quanta());
        }
        let operator = self.context.operator;
        let key = operator.header_key();
        let paid = credit(operator, &self.cells.read(key), total(operator, fees)?)?;
        self.cells.write(key, paid);
        Ok(())
    }
}

impl Iterator for ChunkInputs<'_> {
    type Item = Result<ChunkInput, ChunkError>;

    /// The input of the next chunk. After an error, nothing.
    fn next(&mut self) -> Option<Self::Item> {
        let chunk = self.next;
        self.plan.chunks.get(chunk)?;
        let input = self.input(chunk);
        self.next = if input.is_ok() { chunk + 1 } else { self.plan.chunks.len() };
        Some(input)
    }
}

/// The cells that a chunk opens, by ascending key: those of its transactions and the operator's header.
fn touched(context: &Context, applied: &[Applied], chunk: &PlannedChunk) -> Vec<CellKey> {
    let cells = chunk.transactions().flat_map(|it| applied[it].transaction.cells());
    let mut keys: Vec<CellKey> = cells.chain([context.operator.header_key()]).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The cells of the batch, as the chunks so far left them.
struct Cells(HashMap<CellKey, Cell>);

impl CellMemory for Cells {
    fn read(&mut self, key: CellKey) -> Cell {
        self.0[&key]
    }

    fn write(&mut self, key: CellKey, cell: Cell) {
        self.0.insert(key, cell);
    }
}
