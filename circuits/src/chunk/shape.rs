//! Shapes: what a chunk circuit has room for. Shapes are data; each is a circuit with a digest of its own.

use crate::transaction::Transaction;

/// What a transaction slot accepts. `Noop` fits every class. A slot has rows for all that its class may need, so a
/// narrower class is cheaper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SlotClass {
    /// Transfers of asset 0.
    Gas,
    /// Transfers of any asset.
    Asset,
    /// Every kind.
    Any,
}

impl SlotClass {
    /// Every class, narrowest first.
    pub const ALL: [Self; 3] = [Self::Gas, Self::Asset, Self::Any];

    /// The narrowest class that accepts `transaction`.
    pub const fn of(transaction: &Transaction) -> Self {
        match transaction {
            Transaction::Noop => Self::Gas,
            Transaction::Transfer(t, _) if t.asset.is_gas() => Self::Gas,
            Transaction::Transfer(..) => Self::Asset,
            _ => Self::Any,
        }
    }

    /// Whether a slot of this class accepts `transaction`. Classes are nested.
    pub fn accepts(self, transaction: &Transaction) -> bool {
        Self::of(transaction) <= self
    }

    /// Whether records with a key hash fit: such a slot absorbs two blocks (see [`crate::availability`]).
    pub const fn is_wide(self) -> bool {
        matches!(self, Self::Any)
    }

    /// Whether the slot can access slot cells, so assets other than 0.
    pub const fn has_assets(self) -> bool {
        !matches!(self, Self::Gas)
    }
}

/// What a chunk circuit has room for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Its name, part of the circuit's domain separator.
    pub name: &'static str,
    /// log₂ of the circuit's rows.
    pub degree_bits: usize,
    /// The transaction slots, in the order of execution, as runs of one class.
    pub runs: Vec<(SlotClass, usize)>,
    /// Rows that open a header alone.
    pub header_cells: usize,
    /// Rows that open a slot, and with it (at wish) the header of its account. A header alone fits too.
    pub slot_cells: usize,
}

impl Shape {
    /// The class of each transaction slot, in order.
    pub fn slots(&self) -> impl Iterator<Item = SlotClass> + '_ {
        self.runs.iter().flat_map(|&(class, count)| std::iter::repeat_n(class, count))
    }

    /// Number of transaction slots.
    pub fn slot_count(&self) -> usize {
        self.runs.iter().map(|&(_, count)| count).sum()
    }
}
