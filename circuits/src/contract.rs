//! Contracts: kinds of transactions beyond payments, each in a folder of its own under [`crate::contracts`].
//! `docs/write-a-contract.md` walks through a small one.
//!
//! A contract keeps what it knows in cells of its own accounts, moves balances of user accounts, and says how in two
//! neighbouring forms, native and circuit. Everything else is done here, once for all contracts: keys, nonces, fees,
//! signatures, balances, the memory, what is published, and the way back from what was published.
//!
//! ```text
//!                  fields of the call ──▶ places: which cells, which accounts, which assets
//!                        │                   │
//!    its own cells ──────┴──────▶ apply ◀────┘            native: `Form::apply`
//!                                   │                     circuit: `Form::constrain`
//!                  new cells ◀──────┴──────▶ gains of balances
//! ```
//!
//! | word | meaning |
//! | --- | --- |
//! | contract | what is registered in [`crate::contracts::CONTRACTS`]: a name and its forms |
//! | [`Form`] | kinds that share fields and a slot circuit, such as "add" and "remove liquidity" |
//! | [`Call`] | a transaction of such a kind |
//! | place | which cells, users and balances a call touches: a function of the call alone, so conflicts are known |
//! | effects | what [`Form::apply`] makes of them |
//!
//! # What holds for every contract
//!
//! - Its cells are in accounts from [`FIRST_CONTRACT`] on. It reads and writes no others. Balances of users it never
//!   reads: it says what each gains or loses, and a call whose balances would leave [0, 2^62) is refused. So records
//!   of L1 (deposits, exits, withdrawals) and contracts never depend on each other's order, and the state can be
//!   rebuilt from the two published streams however they interleave.
//! - An account without a header has no slots below 2048: a contract that deletes a header has deleted them. (The
//!   registry has cells from 2048 on, and no header.)
//! - A call touches each cell once. One that names the same account twice is refused where that would touch a header
//!   twice.
//! - What is published is a function of what is signed, so nothing about an outcome is: who rebuilds runs
//!   [`Form::apply`] again.
//! - A call is one slot of a chunk and one moment of its memory.

mod call;
pub mod circuit;
mod execute;
mod spec;
#[cfg(test)]
pub(crate) mod testing;
pub mod wide;

use crate::account::{AccountIndex, AssetId, Cell, CellKey};
use crate::context::Context;
use crate::hash::Digest;

pub(crate) use self::call::message_of_words;
pub use self::call::{Call, CallError, NoSecondSignature, SignedCall};
pub use self::circuit::{CellTarget, CellUpdate, FormEnvironment, FormTargets, MoveTarget, SecondTarget, UserTarget};
pub use self::execute::execute_call;
#[cfg(test)]
pub(crate) use self::execute::execute_call_by;
pub use self::spec::{
    CallKind, CellSpec, Contract, FieldSpec, FormId, FormSpec, KindSpec, Party, Place, Refusal, Rule, SecondSigner,
    Width,
};

/// The account of the registry of assets, see [`crate::contracts::registry`]. The L1 contract gives out no account from
/// here on.
pub const REGISTRY: u32 = 1 << 23;
/// The first account that calls can take for a contract.
pub const FIRST_CONTRACT: u32 = REGISTRY + 1;

/// Kinds that share fields and a slot circuit. See [`crate::contracts`] for those there are.
pub trait Form: Send + Sync {
    /// Its declaration.
    fn spec(&self) -> &'static FormSpec;

    /// What a call touches. Called for calls whose values have their widths.
    fn places(&self, call: &Call) -> Places;

    /// What a call does. `cells` are the contract's own cells before it, in the order of [`Places::cells`]; absent
    /// where the place has none.
    fn apply(&self, call: &Call, context: &Context, cells: &[Cell]) -> Result<Effects, Refusal>;

    /// The circuit twin of [`Self::places`] and [`Self::apply`]: the same checks, in the same order.
    fn constrain(&self, env: &mut FormEnvironment<'_>) -> FormTargets;

    /// Of a form with [`SecondSigner::Contract`], what the second signature says, if this call needs one.
    fn second_message(&self, _call: &Call, _domain: Digest) -> Option<Digest> {
        None
    }

    /// Of a form with [`SecondSigner::Contract`], the hash of the key that the second signature is due under, if this
    /// call needs one: whenever [`Self::second_message`] says so.
    fn second_key(&self, _call: &Call, _cells: &[Cell]) -> Option<Digest> {
        None
    }

    /// Fills in what is signed but not published, where the constant in the field's declaration does not do: for
    /// whoever rebuilds the state. `read` gives the contract's own cells.
    fn complete(&self, _call: &mut Call, _read: &mut dyn FnMut(CellKey) -> Cell) {}

    /// The call in words, for people.
    fn explain(&self, call: &Call) -> String;
}

/// What a call touches besides its account's header, position by position as its form declares them. Nothing where the
/// call does not use the position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// The contract's own cells.
    pub cells: Vec<Option<CellKey>>,
    /// Accounts of users other than the signer.
    pub users: Vec<Option<AccountIndex>>,
    /// The assets of the balances that are moved.
    pub moves: Vec<Option<AssetId>>,
}

impl Places {
    /// Whose account a party is, if the call uses the position.
    pub fn account_of(&self, party: Party, signer: AccountIndex) -> Option<AccountIndex> {
        match party {
            Party::Signer => Some(signer),
            Party::User(user) => self.users[user],
        }
    }
}

/// What a call does to the places it touches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// The contract's cells after the call; what stands where the call does not use the position is ignored.
    pub cells: Vec<Cell>,
    /// What each moved balance gains; negative for what it loses.
    pub gains: Vec<i64>,
}
