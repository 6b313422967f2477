//! What must come before what.

use sheaf_circuits::account::AccountIndex;
use sheaf_circuits::transaction::{Kind, Transaction};

use crate::execute::{Applied, ConflictGraph};

/// The order that a plan keeps: of transactions that share a cell, and of the operations from L1, which the L1
/// contract replays in the order of its queue. `Withdraw` is in the L1 stream too, but in no queue.
pub(super) struct Order {
    pub graph: ConflictGraph,
    next_in_queue: Vec<Option<u32>>,
    follows_in_queue: Vec<bool>,
}

impl Order {
    /// Nothing if there are too many transactions.
    pub fn new(applied: &[Applied]) -> Option<Self> {
        let graph = ConflictGraph::new(applied.iter().map(|it| &it.transaction))?;
        let mut next_in_queue = vec![None; applied.len()];
        let mut follows_in_queue = vec![false; applied.len()];
        let queued = |it: &Applied| matches!(it.record.kind(), Kind::Deposit | Kind::Rekey | Kind::ForcedExit);
        let queue: Vec<usize> = (0..applied.len()).filter(|&it| queued(&applied[it])).collect();
        for pair in queue.windows(2) {
            next_in_queue[pair[0]] = Some(pair[1] as u32);
            follows_in_queue[pair[1]] = true;
        }
        Some(Self { graph, next_in_queue, follows_in_queue })
    }

    /// The transactions that wait for this one, some more than once.
    pub fn successors(&self, transaction: usize) -> impl Iterator<Item = usize> + '_ {
        self.graph.successors(transaction).chain(self.next_in_queue[transaction].map(|next| next as usize))
    }

    /// How often [`Self::successors`] names this one.
    pub fn waits(&self, transaction: usize) -> u32 {
        self.graph.waits(transaction) + u32::from(self.follows_in_queue[transaction])
    }

    /// Which transactions have to be in the first chunk: a forced exit of what the operator has of asset 0, and all
    /// that comes before one. Fees are paid at the end of each chunk, so the same exit in a later chunk would move
    /// fees of this batch too, and not what execution said.
    pub fn must_come_first(&self, applied: &[Applied], operator: AccountIndex) -> Vec<bool> {
        let mut first: Vec<bool> = applied.iter().map(|it| takes_fees(&it.transaction, operator)).collect();
        for transaction in (0..first.len()).rev() {
            first[transaction] |= self.successors(transaction).any(|next| first[next]);
        }
        first
    }
}

fn takes_fees(transaction: &Transaction, operator: AccountIndex) -> bool {
    matches!(transaction, Transaction::ForcedExit(exit) if exit.account == operator && exit.asset.is_gas())
}
