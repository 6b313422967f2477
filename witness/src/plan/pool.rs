//! Transactions that are ready: all that must come before them has its place.
//!
//! They are sorted into bins by what they need (the class of slot) and what they cost (the rows for cells that the
//! chunk has not opened yet). The cost of a ready transaction does not change while a chunk is filled: a cell that it
//! touches can be opened by another only if that one comes before it, and nothing that is not placed does.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use sheaf_circuits::chunk::SlotClass;

use super::opened::Cost;

/// A ready transaction. Of those in one bin, the smallest is taken first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ready {
    /// Smaller is better.
    pub rank: u32,
    /// Which one, and of equal ranks the earlier one first.
    pub transaction: u32,
}

/// Where a ready transaction belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bin {
    /// Whether it has to be in the first chunk.
    pub urgent: bool,
    /// What slot it needs.
    pub class: SlotClass,
    /// What it costs in the chunk at hand.
    pub cost: Cost,
}

impl Bin {
    fn index(self) -> usize {
        (usize::from(self.urgent) * SlotClass::count() + self.class.index()) * Cost::COUNT + self.cost.index()
    }
}

/// Ready transactions in bins.
pub(super) struct Pool {
    /// A bin for each cost of each class, twice: for what has to be in the first chunk, and for the rest.
    bins: Vec<BinaryHeap<Reverse<Ready>>>,
    /// The bins that were ever used, of few that could be.
    used: Vec<Bin>,
}

impl Pool {
    pub fn new() -> Self {
        let count = 2 * SlotClass::count() * Cost::COUNT;
        Self { bins: vec![BinaryHeap::new(); count], used: Vec::new() }
    }

    pub fn push(&mut self, bin: Bin, ready: Ready) {
        let heap = &mut self.bins[bin.index()];
        if heap.is_empty() && !self.used.contains(&bin) {
            self.used.push(bin);
        }
        heap.push(Reverse(ready));
    }

    /// The first of each bin that has any.
    pub fn firsts(&self) -> impl Iterator<Item = (Bin, Ready)> + '_ {
        self.used.iter().filter_map(|&bin| Some((bin, self.bins[bin.index()].peek()?.0)))
    }

    pub fn pop(&mut self, bin: Bin) -> Option<Ready> {
        self.bins[bin.index()].pop().map(|Reverse(ready)| ready)
    }

    /// Takes everything out.
    pub fn drain(&mut self) -> Vec<Ready> {
        let bins = std::mem::take(&mut self.used);
        bins.into_iter()
            .flat_map(|bin| std::mem::take(&mut self.bins[bin.index()]).into_iter().map(|Reverse(it)| it))
            .collect()
    }
}
