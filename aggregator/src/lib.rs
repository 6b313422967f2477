//! Recursion: many chunk proofs become one.
//!
//! ```text
//!   chunk   chunk   chunk   chunk   chunk      one circuit a shape
//!     └─┐   ┌─┘       │       └─┐   ┌─┘
//!       lift        lift        lift           one or two chunks of one shape → the common shape
//!         └───┐   ┌───┘           │
//!              join               │            two neighbours in the common shape → the same shape
//!                └──────┐   ┌─────┘
//!                        join                  any number of chunks, any worker
//! ```
//!
//! All proofs say the same kind of thing ([`PublicInputs`](sheaf_circuits::public_inputs::PublicInputs)). All lifts and
//! the join share their common data ([`CommonShape`]), so that one join takes the proofs of any of them; which circuits
//! those are is fixed by the [`AllowedSet`], whose root every proof carries.
//!
//! # What it costs
//!
//! A full chunk of 2^16 rows, and lifts of it (`pins/` and the tests beside it count and measure again; seconds are of
//! one processor, on a busy machine, for a chunk with the chunk circuit's gates but no witness to make):
//!
//! | | fast | proven |
//! | --- | --- | --- |
//! | rows of lift and join | 2^13 | 2^15 |
//! | rows used by a join | 7 950 | 31 054 |
//! | rows used by a lift of 1 or 2 chunks | 5 020 (2 do not fit) | 15 901 or 31 797 |
//! | bytes of a proof | 133 104 | 552 098 |
//! | seconds: chunk; lift; join | 25.8; 3.0; 3.0 | 29.3; 13.5 (of two: 13.6); 13.3 |
//! | lifts and joins for each chunk | 0.23 of its time | 0.46 of its time (0.92 if lifted one by one) |
//!
//! | module | what it is |
//! | --- | --- |
//! | [`allowed_set`] | the Merkle tree of the circuits that a join accepts |
//! | [`shape`] | the common data that lifts and join share, found as a fixed point |
//! | [`lift`], [`join`] | the two circuits |
//! | [`proof`] | a lift's or join's proof, and its bytes |
//! | [`verifier`] | checks such proofs; needs no prover's data |
//! | [`shrink`] | the last layers of a batch, ending in a proof that a Groth16 circuit can verify; the program of exits |
//! | [`bn254`] | the hashes of that proof |
//! | [`recursion`] | makes them |
//! | [`wrap`], [`groth16`] | the circuit that L1 verifies a proof of, and its proof system |
//! | [`pipeline`] | a batch as jobs: which circuits, in which order, and the work itself |

pub mod allowed_set;
pub mod bn254;
pub mod groth16;
pub mod join;
pub mod lift;
pub mod pipeline;
pub mod proof;
pub mod recursion;
pub mod shape;
pub mod shrink;
pub mod verifier;
pub mod wrap;

mod whole_file;

#[cfg(test)]
mod pins;
#[cfg(test)]
mod toy;

pub use crate::allowed_set::{AllowedSet, CircuitIndex};
pub use crate::lift::ChunkVerifier;
pub use crate::proof::{ChunkProof, DecodeError, Proof};
pub use crate::recursion::{ProveError, Recursion};
pub use crate::shape::{BuildError, CommonShape};
pub use crate::verifier::{Verifier, VerifyError};
