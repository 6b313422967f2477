//! The protocol of Sheaf: types with their circuit twins, gates, gadgets, and the chunk circuit.
//!
//! ```text
//!   transaction ──message──▶ signature            what a user says
//!        │ execute
//!        ▼
//!   cells of accounts ──paths──▶ state root       what is true after it
//!        │ record
//!        ▼
//!   two streams of words ──▶ daCommit, z          what is published
//! ```

pub mod account;
pub mod amount;
pub mod availability;
pub mod chunk;
pub mod context;
pub mod contract;
pub mod contracts;
pub mod curve;
pub mod gates;
pub mod hash;
pub mod public_inputs;
pub mod security;
pub mod separator;
pub mod signature;
pub mod transaction;
