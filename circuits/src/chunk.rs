//! A chunk: a run of transactions that one circuit proves.
//!
//! A [`Shape`] says which transaction slots the circuit has and how many cells it can open; a [`ChunkInput`] is all
//! that a proof of one chunk is made from.

mod input;
mod shape;

pub use self::input::{ChunkInput, ChunkStart, HeaderOpening, SlotOpening};
pub use self::shape::{Shape, SlotClass};
