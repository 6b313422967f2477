//! How well a plan fills its chunks.

use std::collections::BTreeMap;

use serde::Serialize;
use sheaf_circuits::chunk::Shape;

use super::Plan;

/// Counts over all chunks of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Filling {
    /// Chunks by the name of their shape.
    pub chunks: BTreeMap<&'static str, usize>,
    /// Transactions placed.
    pub transactions: usize,
    /// Transaction slots that the chunks have.
    pub slots: usize,
    /// Headers and slots that the chunks touch, counted once for each chunk.
    pub cells: usize,
    /// Rows for cells that are in use. A header beside a slot of its account needs none.
    pub cell_rows_used: usize,
    /// Rows for cells that the chunks have.
    pub cell_rows: usize,
    /// Rows of all chunk circuits.
    pub rows: u64,
}

impl Filling {
    pub(super) fn of(plan: &Plan, shapes: &[Shape]) -> Self {
        let mut filling = Self::default();
        for chunk in &plan.chunks {
            let shape = &shapes[chunk.shape];
            *filling.chunks.entry(shape.name).or_default() += 1;
            filling.transactions += chunk.transactions().count();
            filling.slots += shape.slot_count();
            filling.cells += chunk.headers + chunk.slot_rows;
            filling.cell_rows_used += chunk.header_rows + chunk.slot_rows;
            filling.cell_rows += shape.header_cells + shape.slot_cells;
            filling.rows += 1 << shape.degree_bits;
        }
        filling
    }

    /// The part of the transaction slots that is used.
    pub fn slots_used(&self) -> f64 {
        ratio(self.transactions as f64, self.slots as f64)
    }

    /// The part of the rows for cells that is used.
    pub fn cells_used(&self) -> f64 {
        ratio(self.cell_rows_used as f64, self.cell_rows as f64)
    }

    /// Distinct cells that a transaction brings into its chunk on average.
    pub fn cells_per_transaction(&self) -> f64 {
        ratio(self.cells as f64, self.transactions as f64)
    }

    /// Rows of chunk circuits that a transaction takes on average.
    pub fn rows_per_transaction(&self) -> f64 {
        ratio(self.rows as f64, self.transactions as f64)
    }
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole == 0.0 {
        0.0
    } else {
        part / whole
    }
}
