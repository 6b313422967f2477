//! The wrap: a circuit over BN254's scalar field r that verifies a shrink proof completely, for Groth16.
//!
//! ```text
//!   shrink proof ─▶ transcript ─▶ challenges ─▶ quotient identity at ζ: permutation, gates
//!                       │                   └─▶ queries: leaves, paths, folding
//!   public values ──────┴─▶ sha256 ─▶ the public input
//! ```
//!
//! Bottom up:
//!
//! | module | what it is |
//! | --- | --- |
//! | [`r1cs`] | rank-1 constraints and their witness, as they are written down |
//! | [`field`], [`extension`] | F and F_p² as integers with known intervals, reduced as late as can be |
//! | [`poseidon`], [`hash`], [`transcript`] | twins of [`crate::bn254`]: permutation, leaves and nodes, Fiat-Shamir |
//! | [`gates`] | each gate's constraints at a point |
//! | [`vanishing`], [`fri`] | the two halves of plonky2's verifier |
//! | [`sha256`], [`statement`] | the public values and the one number that L1 sees |
//! | [`circuit`], [`shape`] | all of it; the constraints without a proof |
//!
//! # What it rests on
//!
//! - *Integers.* A constraint is an identity mod r. It is used as an identity of integers only where both sides are known to be
//!   below r in size: an interval goes with each atom, and a product or reduction that could pass 2^251 stops the
//!   building of the circuit (`field`).
//! - *One way to draw.* Challenges, query indices and what is hashed for L1 have one form: canonical elements of F, digits
//!   below those of r (`transcript`, `statement`). Numbers that are only absorbed have 64 bits and may have two
//!   forms, and an element of r has five or so as four such numbers. None of them says anything else, and each is
//!   another query of the hash, as any other proof would be; it saves a prover who draws again the work on a tree.
//! - *Public values.* plonky2's four public inputs of shrink are the hash of the public values. They are bound to nothing
//!   else, so a program is sound only if nothing in its shrink circuit reads them, and its row of values is wired: what
//!   whoever registers a program id has to have looked at.
//! - *The public input* is in one constraint. That it cannot be chosen apart from the proof is seen to by the reduction to
//!   QAPs, which has a constraint of its own for each instance variable (arkworks and snarkjs do).
//! - *Refused though valid*: a shrink proof one of whose challenges comes of an element of r with the uppermost digit that
//!   r has (2^-61 each), or whose program id has the uppermost half of r's (2^-126). Such a proof is made again.
//! - *ζ on the domain*: quotients by ζ − x are multiplied out, so that a ζ on the domain (2^-110) satisfies more. It is
//!   among the cases that the soundness count has anyway.
//!
//! # What it costs
//!
//! 1 788 774 constraints for shrink (`pins/wrap.txt` has them by part), 85 % of 2^21. A query takes some 45 000, of which
//! 19 000 see to it that leaves are of numbers below 2^64: fewer wires in shrink would save most.
//!
//! # What the reference design has otherwise
//!
//! - *Public values of any number.* The design gives shrink few public inputs, because hashing eight of them by H takes
//!   54 600 constraints here. Shrink exposes its 27 values by a gate whose constraints the verifier completes, and binds
//!   the transcript to their hash over r: two permutations, 810 constraints.
//! - *Trees of arity four* ([`crate::bn254::node`]): 303 constraints for two levels, instead of 2 · 244.
//! - *SHA-256* by hand: 26 616 constraints a block, and four blocks for 220 bytes.

pub mod circuit;
pub mod extension;
pub mod field;
pub mod fri;
pub mod gates;
pub mod hash;
pub mod poseidon;
pub mod r1cs;
pub mod sha256;
pub mod shape;
pub mod statement;
#[cfg(test)]
pub(crate) mod tests;
pub mod transcript;
pub mod vanishing;

pub use self::circuit::{constrain, Wrapped};
pub use self::r1cs::R1cs;
