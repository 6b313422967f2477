//! The L1 side. The contracts are Solidity, in `src/`, with their tests in `test/`; this crate is what of them Rust has
//! to know: the statement that a proof on L1 is of, the formats of what is sent there, and what they compile to. With
//! the feature `client` it also sends, follows and reads: see `client`.
//!
//! ```text
//!   batch ── proof of its Statement ──▶ Rollup.submitBatch
//!                    │                       │ the same 220 bytes, from the calldata and the contract's storage
//!                    └──── sha256 ───────────┘
//! ```

pub mod artifacts;
mod batch;
#[cfg(feature = "client")]
pub mod client;
mod exit;
mod statement;

pub use self::batch::{L1Batch, L1BatchError, PROOF_BYTES};
pub use self::exit::{ExitProof, ExitProofError};
pub use self::statement::{Statement, STATEMENT_BYTES};
