//! Filling one chunk after another, greedily.
//!
//! The slots of a shape are executed in order, so they are filled in order, each with a transaction that is ready by
//! then: all that comes before it is in an earlier slot or chunk. What is taken is, in this order,
//!
//! 1. what has to be in the first chunk;
//! 2. of the most valuable class that the slot accepts ([`super::prices`]);
//! 3. what adds the fewest rows for cells, so what shares cells with the chunk;
//! 4. what has most transactions behind it on its cells, so that those can share them.

use sheaf_circuits::account::AccountIndex;
use sheaf_circuits::chunk::{Shape, SlotClass};

use super::opened::{CellRows, OpenedCells};
use super::order::Order;
use super::pool::{Bin, Pool, Ready};
use super::prices;
use super::{Grouping, PlannedChunk};
use crate::execute::Applied;

/// Fills chunks until nothing is left.
pub(super) struct Filler<'a> {
    shapes: &'a [Shape],
    grouping: Grouping,
    order: &'a Order,
    classes: Vec<SlotClass>,
    /// What has to be in the first chunk.
    urgent: Vec<bool>,
    opened: OpenedCells,
    /// For each transaction, how many links it still waits for.
    waits: Vec<u32>,
    /// For each cell, how many transactions on it are left.
    heat: Vec<u32>,
    /// What is ready, with its cost in a chunk that has opened nothing.
    ready: Pool,
    /// How many are left of each class.
    left: Vec<usize>,
    urgent_left: usize,
}

/// A chunk as it would be filled.
pub(super) struct Draft {
    shape: usize,
    slots: Vec<Option<u32>>,
    /// What was taken from [`Filler::ready`], and from where.
    taken: Vec<(Bin, Ready)>,
    /// What became ready and found no place.
    left_over: Vec<u32>,
    headers: usize,
    rows: CellRows,
}

impl<'a> Filler<'a> {
    pub fn new(
        applied: &[Applied],
        order: &'a Order,
        operator: AccountIndex,
        shapes: &'a [Shape],
        grouping: Grouping,
    ) -> Self {
        let classes: Vec<_> = applied.iter().map(|it| SlotClass::of(&it.transaction)).collect();
        let mut left = vec![0; SlotClass::count()];
        classes.iter().for_each(|&class| left[class.index()] += 1);
        let urgent = order.must_come_first(applied, operator);
        let mut heat = vec![0; order.graph.cells().len()];
        for transaction in 0..applied.len() {
            order.graph.touched(transaction).iter().for_each(|&cell| heat[cell as usize] += 1);
        }
        let mut filler = Self {
            shapes,
            grouping,
            order,
            urgent_left: urgent.iter().filter(|&&it| it).count(),
            urgent,
            opened: OpenedCells::new(&order.graph, operator),
            waits: (0..applied.len()).map(|it| order.waits(it)).collect(),
            heat,
            ready: Pool::new(),
            left,
            classes,
        };
        for transaction in 0..applied.len() {
            if filler.waits[transaction] == 0 {
                let (bin, ready) = filler.sort(transaction as u32);
                filler.ready.push(bin, ready);
            }
        }
        filler
    }

    /// Transactions that have no place yet.
    pub fn left(&self) -> usize {
        self.left.iter().sum()
    }

    /// Transactions that have to be in the first chunk and have no place yet.
    pub fn urgent_left(&self) -> usize {
        self.urgent_left
    }

    /// Fills the next chunk, of the shape that brings most for its rows. Nothing if no shape has room for anything
    /// that is left.
    pub fn next_chunk(&mut self) -> Option<PlannedChunk> {
        let prices = prices::prices(self.shapes, &self.left);
        let mut best: Option<(usize, (usize, f64))> = None;
        for shape in 0..self.shapes.len() {
            let draft = self.draft(shape, &prices);
            let placed = draft.slots.iter().flatten();
            let urgent = placed.clone().filter(|&&it| self.urgent[it as usize]).count();
            // What fits into slots that would be empty anyway is worth nothing; still it is better placed than not.
            let worth: f64 = placed.map(|&it| prices[self.classes[it as usize].index()].max(1.0)).sum();
            let merit = (urgent, worth / prices::cost(&self.shapes[shape]));
            if worth > 0.0 && best.is_none_or(|(_, other)| merit > other) {
                best = Some((shape, merit));
            }
            self.undo(draft);
        }
        let (shape, _) = best?;
        let draft = self.draft(shape, &prices);
        Some(self.commit(draft))
    }

    /// Fills a chunk. Ends with its cells closed, and its transactions gone from [`Self::ready`].
    fn draft(&mut self, shape: usize, prices: &[f64]) -> Draft {
        let mut taken = Vec::new();
        let mut fresh = Pool::new();
        let mut slots = Vec::with_capacity(self.shapes[shape].slot_count());
        for slot in self.shapes[shape].slots() {
            let pick = |pool: &Pool| {
                let fits =
                    |bin: &Bin| slot.includes(bin.class) && bin.cost.after(self.opened.rows()).fit(&self.shapes[shape]);
                let candidates = pool.firsts().filter(|(bin, _)| fits(bin));
                candidates.min_by(|a, b| self.compare(prices, a, b))
            };
            let chosen = match (pick(&fresh), pick(&self.ready)) {
                (Some(a), Some(b)) if self.compare(prices, &b, &a).is_lt() => Some((b, true)),
                (Some(a), _) => Some((a, false)),
                (None, b) => b.map(|b| (b, true)),
            };
            slots.push(chosen.map(|((_, ready), _)| ready.transaction));
            let Some(((bin, ready), was_ready)) = chosen else { continue };
            if was_ready {
                self.ready.pop(bin);
                taken.push((bin, ready));
            } else {
                fresh.pop(bin);
            }
            let transaction = ready.transaction as usize;
            self.opened.open(self.order.graph.touched(transaction), bin.cost);
            for next in self.order.successors(transaction) {
                self.waits[next] -= 1;
                if self.waits[next] == 0 {
                    let (bin, ready) = self.sort(next as u32);
                    fresh.push(bin, ready);
                }
            }
        }
        let (headers, rows) = (self.opened.headers(), self.opened.rows());
        self.opened.clear();
        let left_over = fresh.drain().into_iter().map(|it| it.transaction).collect();
        Draft { shape, slots, taken, left_over, headers, rows }
    }

    fn undo(&mut self, draft: Draft) {
        for transaction in draft.slots.into_iter().flatten() {
            self.order.successors(transaction as usize).for_each(|next| self.waits[next] += 1);
        }
        draft.taken.into_iter().for_each(|(bin, ready)| self.ready.push(bin, ready));
    }

    fn commit(&mut self, draft: Draft) -> PlannedChunk {
        for &transaction in draft.slots.iter().flatten() {
            let transaction = transaction as usize;
            self.left[self.classes[transaction].index()] -= 1;
            self.urgent_left -= usize::from(self.urgent[transaction]);
            self.order.graph.touched(transaction).iter().for_each(|&cell| self.heat[cell as usize] -= 1);
        }
        for transaction in draft.left_over {
            let (bin, ready) = self.sort(transaction);
            self.ready.push(bin, ready);
        }
        let slots = draft.slots.into_iter().map(|it| it.map(|it| it as usize)).collect();
        let CellRows { headers: header_rows, slots: slot_rows } = draft.rows;
        PlannedChunk { shape: draft.shape, slots, headers: draft.headers, header_rows, slot_rows }
    }

    /// Where a transaction that is ready belongs, with what the chunk has opened so far.
    fn sort(&self, transaction: u32) -> (Bin, Ready) {
        let index = transaction as usize;
        let touched = self.order.graph.touched(index);
        let bin = Bin { urgent: self.urgent[index], class: self.classes[index], cost: self.opened.cost(touched) };
        let rank = match self.grouping {
            Grouping::None => transaction,
            Grouping::BySharedCells => {
                u32::MAX - touched.iter().map(|&cell| self.heat[cell as usize]).max().unwrap_or(0)
            }
        };
        (bin, Ready { rank, transaction })
    }

    /// Which of two is taken first.
    fn compare(&self, prices: &[f64], a: &(Bin, Ready), b: &(Bin, Ready)) -> std::cmp::Ordering {
        let price = |bin: &Bin| prices[bin.class.index()];
        let urgent = b.0.urgent.cmp(&a.0.urgent);
        match self.grouping {
            Grouping::None => urgent.then(a.1.cmp(&b.1)),
            Grouping::BySharedCells => urgent
                .then(price(&b.0).total_cmp(&price(&a.0)))
                .then(a.0.cost.rows().cmp(&b.0.cost.rows()))
                .then(a.1.cmp(&b.1)),
        }
    }
}
