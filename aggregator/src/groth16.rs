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
//! Two cores shared with two or three other programs, which doubles the seconds and adds to the CPU seconds
//! (`tests/measure.rs` measures again): the wrap of a small proof, 560 945 constraints with 4.7 million terms, and a
//! made-up circuit of 2 097 149 constraints with 11.5 million. Memory is the process', with circuit and key in it.
//!
//! | | 2^20 points: s | CPU s | GiB | 2^21 points: s | CPU s | GiB |
//! | --- | --- | --- | --- | --- | --- | --- |
//! | digest | 0.23 | 0.18 | 0.09 | 0.66 | 0.44 | 0.18 |
//! | setup | 65 | 43 | 0.57 | 223 | 149 | 1.59 |
//! | write | 1.04 | 0.60 | 0.41 | 3.32 | 2.89 | 0.94 |
//! | load | 0.25 | 0.25 | 0.38 | 1.58 | 1.20 | 0.94 |
//! | prove | 20.9 | 13.8 | 0.73 | 58.8 | 67.5 | 1.54 |
//! | verify | 0.004 | 0.004 | | 0.004 | 0.004 | |
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
