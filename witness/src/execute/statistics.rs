//! How much the transactions of a batch stand in each other's way.

use std::cmp::Reverse;

use serde::Serialize;
use sheaf_circuits::account::CellKey;

use super::graph::ConflictGraph;

/// How many of the hottest cells are listed.
pub const HOTTEST_CELLS: usize = 5;

/// Conflict statistics of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Conflicts {
    /// Transactions in the batch.
    pub transactions: usize,
    /// Cells that at least one of them touches.
    pub distinct_cells: usize,
    /// Accesses of cells, all transactions together.
    pub accesses: usize,
    /// Pairs of transactions of which one directly waits for the other.
    pub edges: usize,
    /// Transactions that share a cell with another.
    pub conflicting: usize,
    /// Transactions on the longest chain in which each waits for the one before.
    pub longest_chain: usize,
    /// The cells with most accesses, and how many; hottest first.
    pub hottest: Vec<(CellKey, usize)>,
}

impl Conflicts {
    /// Counts them in a graph.
    pub fn of(graph: &ConflictGraph) -> Self {
        let mut depth = vec![1u32; graph.len()];
        let mut conflicting = vec![false; graph.len()];
        let mut heat = vec![0usize; graph.cells().len()];
        let mut edges = 0;
        for transaction in 0..graph.len() {
            for &cell in graph.touched(transaction) {
                heat[cell as usize] += 1;
            }
            for (i, next) in graph.successors(transaction).enumerate() {
                edges += usize::from(!graph.successors(transaction).take(i).any(|earlier| earlier == next));
                depth[next] = depth[next].max(depth[transaction] + 1);
                conflicting[transaction] = true;
                conflicting[next] = true;
            }
        }
        Self {
            transactions: graph.len(),
            distinct_cells: graph.cells().len(),
            accesses: graph.access_count(),
            edges,
            conflicting: conflicting.into_iter().filter(|&it| it).count(),
            longest_chain: depth.into_iter().max().unwrap_or(0) as usize,
            hottest: hottest(graph.cells(), &heat),
        }
    }
}

fn hottest(cells: &[CellKey], heat: &[usize]) -> Vec<(CellKey, usize)> {
    let mut order: Vec<usize> = (0..cells.len()).collect();
    let rank = |&cell: &usize| (Reverse(heat[cell]), cell);
    if order.len() > HOTTEST_CELLS {
        order.select_nth_unstable_by_key(HOTTEST_CELLS, rank);
        order.truncate(HOTTEST_CELLS);
    }
    order.sort_unstable_by_key(rank);
    order.into_iter().map(|cell| (cells[cell], heat[cell])).collect()
}
