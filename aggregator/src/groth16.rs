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
