//! A chunk: a run of transactions that one circuit proves.
//!
//! A [`Shape`] says which transaction slots the circuit has and how many cells it can open; a [`ChunkInput`] is all
//! that a proof of one chunk is made from.

mod account;
pub mod call;
mod cells;
pub mod circuit;
mod input;
pub mod memory;
mod record;
mod shape;
pub mod shapes;
pub mod slot;
#[cfg(test)]
pub(crate) mod tests;
pub mod trace;

pub use self::account::{HeaderTarget, SlotBalanceTarget};
pub use self::input::{ChunkInput, ChunkStart, HeaderOpening, SlotOpening};
pub use self::shape::{Shape, SlotClass};
