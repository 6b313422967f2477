//! Shapes: what a chunk circuit has room for. Shapes are data; each is a circuit with a digest of its own.

use std::fmt;

use crate::availability::BlockLayout;
use crate::contract::FormId;
use crate::transaction::{Kind, Transaction};

/// What a transaction slot accepts. `Noop` fits every class. A slot has rows for all that its class may need, so a
/// narrower class is cheaper.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SlotClass {
    /// Transfers of asset 0.
    Gas,
    /// Transfers of any asset.
    Asset,
    /// Every kind of the protocol's own.
    Any,
    /// The calls of one form.
    Calls(FormId),
}

impl SlotClass {
    /// The classes of the protocol's own kinds, narrowest first: each accepts what those before it do.
    pub const PROTOCOL: [Self; 3] = [Self::Gas, Self::Asset, Self::Any];

    /// Every class, by index.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::PROTOCOL.into_iter().chain(FormId::all().map(Self::Calls))
    }

    /// How many classes there are.
    pub fn count() -> usize {
        Self::PROTOCOL.len() + FormId::count()
    }

    /// Its place among all classes.
    pub const fn index(self) -> usize {
        match self {
            Self::Gas => 0,
            Self::Asset => 1,
            Self::Any => 2,
            Self::Calls(form) => Self::PROTOCOL.len() + form.index(),
        }
    }

    /// The narrowest class that accepts `transaction`. For `Noop`, which all do, `Gas`.
    pub fn of(transaction: &Transaction) -> Self {
        match transaction {
            Transaction::Noop => Self::Gas,
            Transaction::Transfer(t, _) if t.asset.is_gas() => Self::Gas,
            Transaction::Transfer(..) => Self::Asset,
            Transaction::Call(t) => Self::Calls(t.call.kind.form_id()),
            _ => Self::Any,
        }
    }

    /// Whether a slot of this class accepts what needs `class`.
    pub fn includes(self, class: Self) -> bool {
        match (self, class) {
            (Self::Calls(form), Self::Calls(other)) => form == other,
            (Self::Calls(_), _) | (_, Self::Calls(_)) => false,
            _ => class <= self,
        }
    }

    /// Whether a slot of this class accepts `transaction`.
    pub fn accepts(self, transaction: &Transaction) -> bool {
        transaction.kind() == Kind::Noop || self.includes(Self::of(transaction))
    }

    /// How many cells one of its slots accesses, at most.
    pub fn accesses(self) -> usize {
        match self {
            Self::Gas => 2,
            Self::Asset | Self::Any => 4,
            Self::Calls(form) => {
                let spec = form.spec();
                1 + spec.users.len() + spec.cells.len() + spec.moves.len()
            }
        }
    }

    /// How its slots absorb what they publish.
    pub fn layout(self) -> BlockLayout {
        match self {
            Self::Gas | Self::Asset => BlockLayout::NARROW,
            Self::Any => BlockLayout::WIDE,
            Self::Calls(form) => BlockLayout::calls(form.spec().extra_words()),
        }
    }

    /// Whether records with a key hash fit: such a slot absorbs two blocks (see [`crate::availability`]).
    pub const fn is_wide(self) -> bool {
        matches!(self, Self::Any)
    }

    /// Whether the slot can access slot cells, so assets other than 0.
    pub const fn has_assets(self) -> bool {
        matches!(self, Self::Asset | Self::Any)
    }
}

impl fmt::Debug for SlotClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gas => f.write_str("Gas"),
            Self::Asset => f.write_str("Asset"),
            Self::Any => f.write_str("Any"),
            Self::Calls(form) => f.write_str(form.spec().name),
        }
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
