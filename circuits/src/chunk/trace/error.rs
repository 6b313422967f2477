//! Why a chunk cannot be proven.

use thiserror::Error;

use crate::account::AccountIndex;
use crate::chunk::SlotClass;
use crate::context::ContextError;
use crate::contract::CallError;
use crate::hash::Digest;
use crate::transaction::{Kind, Rejection};

/// Why a chunk cannot be proven: its input is not what the executor and planner make.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ChunkError {
    /// Not as many transactions as the shape has slots.
    #[error("{got} transactions for a shape of {expected} slots")]
    SlotCount {
        /// Slots of the shape.
        expected: usize,
        /// Transactions given, with padding.
        got: usize,
    },
    /// The slot's class does not accept the kind.
    #[error("slot {slot} of class {class:?} does not accept this {kind:?}")]
    Class {
        /// Which slot, counted from 0.
        slot: usize,
        /// Its class.
        class: SlotClass,
        /// The transaction's kind.
        kind: Kind,
    },
    /// A call's values are not those of its form.
    #[error("the call in slot {slot}: {source}")]
    Call {
        /// Which slot, counted from 0.
        slot: usize,
        /// What is wrong.
        source: CallError,
    },
    /// A transaction does not apply.
    #[error("the transaction in slot {slot} does not apply: {rejection}")]
    Rejected {
        /// Which slot, counted from 0.
        slot: usize,
        /// Why.
        rejection: Rejection,
    },
    /// A transaction needs a cell that the input does not open.
    #[error("cell {key} is accessed at time {now} but not opened")]
    NotOpened {
        /// The cell's key.
        key: u64,
        /// The time of the access: slots count from 1, and fees are credited after the last.
        now: u64,
    },
    /// A cell is opened twice.
    #[error("cell {key} is opened twice")]
    OpenedTwice {
        /// The cell's key.
        key: u64,
    },
    /// More openings than rows.
    #[error("{got} {what} opened, the shape has room for {room}")]
    TooManyCells {
        /// Headers or slots.
        what: &'static str,
        /// Openings given.
        got: usize,
        /// Rows of the shape.
        room: usize,
    },
    /// Unused rows repeat the last opening, so there must be one.
    #[error("no {what} opened; at least one must be, to fill unused rows with")]
    NothingOpened {
        /// Headers or slots.
        what: &'static str,
    },
    /// A path does not lead to the root.
    #[error("the path of cell {key} leads to root {got}, expected {expected}")]
    Path {
        /// The cell's key.
        key: u64,
        /// The root so far.
        expected: Digest,
        /// Where the path leads.
        got: Digest,
    },
    /// The operator is no open user account.
    #[error("the operator's account {operator} is not an open user account")]
    Operator {
        /// The account.
        operator: AccountIndex,
    },
    /// The fees would bring the operator's balance past 2^62.
    #[error("fees of {fees} do not fit the balance of the operator's account {operator}")]
    FeesTooLarge {
        /// The account.
        operator: AccountIndex,
        /// The fees of the chunk.
        fees: u64,
    },
    /// The context does not fit its fields.
    #[error(transparent)]
    Context(#[from] ContextError),
}
