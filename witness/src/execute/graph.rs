//! Which transactions conflict: two that touch the same cell, where every access reads and writes.
//!
//! One sort answers it. Each access is a number, cell key above position in the batch. Sorted, the accesses of a cell
//! lie side by side in batch order, and each is followed by the next transaction that has to wait for it:
//!
//! ```text
//!   key   7   7   7 | 9 | 12  12        the distinct keys, ascending, are the cells to read
//!   tx    0 ─▶ 3 ─▶ 4 | 1 |  2 ─▶ 4        transaction 4 waits twice, for 3 and for 2
//! ```

use rayon::prelude::*;
use sheaf_circuits::account::{CellKey, KEY_BITS};
use sheaf_circuits::transaction::Transaction;

/// Bits that say where in a batch an access is, what a 64-bit number leaves beside a key.
const POSITION_BITS: usize = 64 - KEY_BITS;
/// The most accesses of cells that one batch may have: 2^28.
pub const MAX_ACCESSES: usize = 1 << POSITION_BITS;
/// No transaction.
const NONE: u32 = u32::MAX;

// Positions are stored in 32 bits, with one value to spare for `NONE`.
const _: () = assert!(POSITION_BITS < 32);

/// The conflict graph of an ordered list of transactions.
#[derive(Clone, Debug)]
pub struct ConflictGraph {
    /// The distinct cells, ascending.
    cells: Vec<CellKey>,
    /// Where the accesses of each transaction begin, and at the end how many there are.
    first: Vec<u32>,
    /// For each access, which of `cells` it is to.
    cell: Vec<u32>,
    /// For each access, the next transaction that touches its cell.
    next: Vec<u32>,
    /// For each transaction, for how many links it waits.
    waits: Vec<u32>,
}

impl ConflictGraph {
    /// The graph of `transactions`, or nothing if they have more than [`MAX_ACCESSES`] accesses.
    pub fn new<'a>(transactions: impl ExactSizeIterator<Item = &'a Transaction>) -> Option<Self> {
        let count = transactions.len();
        let mut first = Vec::with_capacity(count + 1);
        let mut accesses = Vec::with_capacity(2 * count);
        let mut owner = Vec::with_capacity(2 * count);
        for (index, transaction) in transactions.enumerate() {
            first.push(accesses.len() as u32);
            for key in transaction.cells() {
                accesses.push(key.get() << POSITION_BITS | accesses.len() as u64);
                owner.push(index as u32);
            }
            if accesses.len() > MAX_ACCESSES {
                return None;
            }
        }
        first.push(accesses.len() as u32);
        accesses.par_sort_unstable();

        let mut graph = Self {
            cells: Vec::new(),
            first,
            cell: vec![0; accesses.len()],
            next: vec![NONE; accesses.len()],
            waits: vec![0; count],
        };
        let mut previous: Option<(CellKey, usize)> = None;
        for access in accesses {
            let key = CellKey::new(access >> POSITION_BITS).expect("a key was shifted up");
            let position = (access & (MAX_ACCESSES as u64 - 1)) as usize;
            match previous {
                // A transaction that names a cell twice does not wait for itself.
                Some((same, before)) if same == key && owner[before] != owner[position] => {
                    graph.next[before] = owner[position];
                    graph.waits[owner[position] as usize] += 1;
                }
                Some((same, _)) if same == key => {}
                _ => graph.cells.push(key),
            }
            graph.cell[position] = graph.cells.len() as u32 - 1;
            previous = Some((key, position));
        }
        Some(graph)
    }

    /// The distinct cells, by ascending key.
    pub fn cells(&self) -> &[CellKey] {
        &self.cells
    }

    /// How many transactions there are.
    pub fn len(&self) -> usize {
        self.waits.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.waits.is_empty()
    }

    /// How many accesses all transactions have together.
    pub fn access_count(&self) -> usize {
        self.cell.len()
    }

    /// Which cells `transaction` touches, as indices into [`Self::cells`].
    pub fn touched(&self, transaction: usize) -> &[u32] {
        &self.cell[self.accesses_of(transaction)]
    }

    /// The transactions that wait for `transaction`, once for each cell that they are next on.
    pub fn successors(&self, transaction: usize) -> impl Iterator<Item = usize> + '_ {
        self.next[self.accesses_of(transaction)].iter().filter(|&&next| next != NONE).map(|&next| next as usize)
    }

    /// For how many links `transaction` waits: how often [`Self::successors`] names it.
    pub fn waits(&self, transaction: usize) -> u32 {
        self.waits[transaction]
    }

    fn accesses_of(&self, transaction: usize) -> std::ops::Range<usize> {
        self.first[transaction] as usize..self.first[transaction + 1] as usize
    }
}
