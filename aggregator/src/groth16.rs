//! Groth16 over BN254: setup, keys, proving and verifying for circuits of [`R1cs`](crate::wrap::r1cs::R1cs), with one public input.
//!
//! ```text
//!                ┌─ insecure_dev_key ─────────────────────────┐
//!   R1cs matrices┤                                            ├─▶ Key ─┬─▶ VerifyingKey ─▶ L1, snarkjs
//!                └─ write_r1cs ─▶ ceremony (snarkjs) ─▶ import┘        │         │
//!   R1cs witness ──────────────────────────────────────────────────────┴─ prove ─┴─▶ Proof, 256 bytes, verified
//! ```
//!
//! | module | what it is |
//! | --- | --- |
//! | [`circuit`] | the digest that names a circuit |
//! | [`reduction`] | constraints as a polynomial identity, in libsnark's and in snarkjs' way |
//! | [`setup`] | insecure keys for development |
//! | [`key`] | keys, verifying; [`key::file`] their files, [`key::cache`] where these are |
//! | [`prove`](mod@prove) | the prover |
//! | [`proof`] | proofs and verifying keys as the EVM takes them |
//! | [`snarkjs`] | `.r1cs`, `.wtns`, `.zkey` and JSON |
//!
//! # What it costs
//!
//! Two cores of which another program took one, so that two idle ones need about half of the seconds (`tests/measure.rs`
//! measures again): the wrap of a small proof, 560 945 constraints with 4.7 million terms, many of them bits; and a made-up
//! circuit of 2 097 149 constraints with 11.5 million terms and a witness half of whose values are any numbers below r, which is
//! more work than a wrap of that size. Memory is the process' peak, with circuit and key in it.
//!
//! | | 2^20 points: s | CPU s | GiB | 2^21 points: s | CPU s | GiB |
//! | --- | --- | --- | --- | --- | --- | --- |
//! | digest | 0.23 | 0.20 | 0.18 | 0.45 | 0.45 | 0.18 |
//! | setup | 41.8 | 41.2 | 0.60 | 136 | 135 | 1.60 |
//! | write | 0.86 | 0.63 | 0.46 | 2.84 | 2.27 | 0.95 |
//! | load | 0.23 | 0.20 | 0.40 | 0.77 | 0.77 | 0.94 |
//! | prove | 12.9 | 12.7 | 0.73 | 62.5 | 61.9 | 1.52 |
//! | verify | 0.002 | 0.002 | | 0.002 | 0.002 | |
//! | bytes of the key | 234 279 156 | | | 805 307 700 | | |

pub mod circuit;
pub mod key;
mod point;
pub mod proof;
pub mod prove;
pub mod reduction;
pub mod setup;
pub mod snarkjs;
#[cfg(test)]
mod tests;

pub use self::circuit::CircuitDigest;
pub use self::key::{InvalidProof, Key, Origin, VerifyingKey};
pub use self::point::PointProblem;
pub use self::proof::{DecodeProofError, EvmVerifyingKey, Proof};
pub use self::prove::{prove, ProveError};
pub use self::reduction::Reduction;

/// Public values: the constant 1 and the public input.
pub const PUBLIC_VALUES: usize = 2;
