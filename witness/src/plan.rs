//! Planning: the transactions of a batch are laid into the slots of chunks.
//!
//! A chunk opens each cell once, however many of its transactions touch it, and opening cells is over half of what a
//! transfer costs. So transactions that share accounts belong into one chunk. Transactions may swap places only if
//! they share no cell (then the order makes no difference), and operations that the L1 contract queued not even then:
//!
//! ```text
//!   batch     a→x  b→c  d→x  c→a  e→x        what applied, in order
//!                │
//!   plan      a→x d→x e→x │ b→c c→a           x is opened once; c→a still comes after a→x and b→c
//!             chunk 0     │ chunk 1           receipts and final state are the same
//! ```
//!
//! The plan's order is the order of the proof: chunk after chunk, slot after slot.

mod fill;
mod opened;
mod order;
mod pool;
mod prices;
mod report;

use serde::{Deserialize, Serialize};
use sheaf_circuits::account::AccountIndex;
use sheaf_circuits::chunk::Shape;
use thiserror::Error;

pub use self::report::Filling;
use crate::execute::Applied;

/// How transactions are picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// Those that share cells go together.
    BySharedCells,
    /// First come, first served: only for comparison.
    None,
}

/// Which transaction is proven where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The chunks, in order.
    pub chunks: Vec<PlannedChunk>,
}

/// The content of one chunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedChunk {
    /// Which of the shapes it has.
    pub shape: usize,
    /// For each transaction slot of the shape, which of the applied transactions is in it.
    pub slots: Vec<Option<usize>>,
    /// How many accounts it touches, the operator's included.
    pub headers: usize,
    /// Of those, how many it opens only the header of.
    pub header_rows: usize,
    /// How many slots of accounts it opens.
    pub slot_rows: usize,
}

impl PlannedChunk {
    /// The applied transactions in it, in the order in which they are executed.
    pub fn transactions(&self) -> impl Iterator<Item = usize> + '_ {
        self.slots.iter().flatten().copied()
    }
}

impl Plan {
    /// How well the chunks are filled. `shapes` are those that it was made for.
    pub fn filling(&self, shapes: &[Shape]) -> Filling {
        Filling::of(self, shapes)
    }
}

/// Why there is no plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PlanError {
    /// Too many transactions.
    #[error("{transactions} transactions are too many for one plan")]
    TooLarge {
        /// Transactions found.
        transactions: usize,
    },
    /// No shape has room for what is left.
    #[error("none of the {shapes} shapes has a slot, or rows for the cells, of any of the {left} transactions left")]
    NoShapeFits {
        /// How many shapes there are.
        shapes: usize,
        /// How many transactions are left.
        left: usize,
    },
    /// A forced exit of the operator's own asset 0 would come after the end of a chunk, where fees are paid, and so
    /// move more than execution said.
    #[error(
        "the operator's forced exit of asset 0 has to be in the first chunk, before any fees are paid, but {left} \
         transactions that must not come after it do not fit; put it earlier in the batch, or into a batch of its own"
    )]
    OperatorExit {
        /// How many of the transactions up to the exit are left.
        left: usize,
    },
}

/// Plans the chunks for `applied`, which an execution gave, over `shapes`.
pub fn plan(
    applied: &[Applied],
    operator: AccountIndex,
    shapes: &[Shape],
    grouping: Grouping,
) -> Result<Plan, PlanError> {
    let order = order::Order::new(applied).ok_or(PlanError::TooLarge { transactions: applied.len() })?;
    let mut filler = fill::Filler::new(applied, &order, operator, shapes, grouping);
    let mut chunks = Vec::new();
    while filler.left() > 0 {
        let left = filler.left();
        chunks.push(filler.next_chunk().ok_or(PlanError::NoShapeFits { shapes: shapes.len(), left })?);
        if filler.urgent_left() > 0 {
            return Err(PlanError::OperatorExit { left: filler.urgent_left() });
        }
    }
    Ok(Plan { chunks })
}
