//! The wrap: a Groth16 circuit over BN254 that verifies a shrink proof.

pub mod circuit;
pub mod extension;
pub mod field;
pub mod fri;
pub mod gates;
pub mod hash;
pub mod poseidon;
pub mod r1cs;
pub mod sha256;
pub mod statement;
#[cfg(test)]
mod tests;
pub mod transcript;
pub mod vanishing;
