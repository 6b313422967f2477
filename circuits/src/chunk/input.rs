//! What one chunk's proof is made from. All else (final cells, times, records, roots) follows by execution.

use serde::{Deserialize, Serialize};

use crate::account::{AccountIndex, Cell, CellKey, HeaderPath, SlotPath};
use crate::availability::FExt;
use crate::context::Context;
use crate::hash::Digest;
use crate::transaction::Transaction;

/// Where a chunk begins: what the chunk before it ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkStart {
    /// The state root.
    pub root: Digest,
    /// daCommit, zero at the start of a batch.
    pub da_commit: Digest,
    /// The evaluation of the L1 stream so far.
    pub l1: FExt,
    /// The evaluation of the L2 stream so far.
    pub l2: FExt,
}

/// All that a proof of one chunk is made from.
///
/// The openings are applied to the tree in the order given here: all of `headers`, then all of `slots`. The path of
/// each is the one in the tree after those before it were set to their final cells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChunkInput {
    /// The name of the shape.
    pub shape: String,
    /// The batch's context.
    pub context: Context,
    /// Where the chunk begins.
    pub start: ChunkStart,
    /// The point at which the streams are evaluated.
    pub z: FExt,
    /// Root of the set of circuits that recursion accepts.
    pub allowed_set: Digest,
    /// One transaction for each slot of the shape, `Noop` where there is none. All of them apply.
    pub transactions: Vec<Transaction>,
    /// Accounts of which only the header is opened, by strictly increasing index.
    pub headers: Vec<HeaderOpening>,
    /// Slots, by strictly increasing key. The first slot of an account opens its header too, unless `headers` did. In
    /// both lists there is at least one row if the shape has any: the last is repeated to fill those unused.
    pub slots: Vec<SlotOpening>,
}

/// A header that is opened by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeaderOpening {
    /// The account.
    pub account: AccountIndex,
    /// The header's cell before the chunk.
    pub cell: Cell,
    /// Its path.
    pub path: HeaderPath,
}

/// A slot that is opened, and with it the header of its account unless a slot before it did that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlotOpening {
    /// The slot's key, or a header's key if no slot is opened here.
    pub key: CellKey,
    /// The slot's cell before the chunk.
    pub cell: Cell,
    /// The header's cell before the chunk, if this row opens it.
    pub header: Option<Cell>,
    /// The digest of the account's header when this opening is applied.
    pub header_digest: Digest,
    /// The slot's path.
    pub path: SlotPath,
}
