//! From an ordered batch to what each chunk's proof is made from.
//!
//! ```text
//!   genesis ─▶ state ──cells──▶ execute ──receipts, changed cells──▶ state      the next batch begins from there
//!              (tree in pages,     │
//!               RocksDB)           │ what applied
//!                │                 ▼
//!                │               plan       chunks that fill their shapes, accounts together
//!                │ paths           │
//!                └──────────────▶ chunks ──▶ ChunkInput, one a chunk            what the circuits prove
//!                                  │
//!                                  ▼
//!                            two streams of bytes ──▶ rebuild ──▶ the same changed cells, from L1 alone
//! ```

pub mod batch;
pub mod chunks;
pub mod execute;
pub mod genesis;
pub mod plan;
pub mod rebuild;
pub mod state;
