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
//! A full chunk of 2^16 rows, and lifts of it, on two cores (`recursion::tests::pins` measures again):
//!
//! | | fast | proven |
//! | --- | --- | --- |
//! | rows of lift and join | 2^13 | 2^15 |
//! | rows used by a join; by a lift of 1 or 2 chunks | 7 950; 4 770 or none | 31 054; 15 649 or 31 293 |
//! | bytes of a proof | 133 104 | 552 098 |
//! | seconds of processor: chunk; lift; join | 24.0; 3.0; 3.0 | 27.0; 13.1 (of two: 13.7); 13.4 |
//! | a chunk's share of lifts and joins | 0.25 of its proof | 0.50 (0.98 if lifted one by one) |
//!
//! | module | what it is |
//! | --- | --- |
//! | [`allowed_set`] | the Merkle tree of the circuits that a join accepts |
//! | [`shape`] | the common data that lifts and join share, found as a fixed point |
//! | [`lift`], [`join`] | the two circuits |
//! | [`proof`] | a lift's or join's proof, and its bytes |
//! | [`verifier`] | checks such proofs; needs no prover's data |
//! | [`recursion`] | makes them |
//! | [`pipeline`] | a batch as jobs: which circuits, in which order, and the work itself |

pub mod allowed_set;
pub mod join;
pub mod lift;
pub mod pipeline;
pub mod proof;
pub mod recursion;
pub mod shape;
pub mod verifier;

#[cfg(test)]
mod toy;

pub use crate::allowed_set::{AllowedSet, CircuitIndex};
pub use crate::lift::ChunkVerifier;
pub use crate::proof::{ChunkProof, DecodeError, Proof};
pub use crate::recursion::{ProveError, Recursion};
pub use crate::shape::{BuildError, CommonShape};
pub use crate::verifier::{Verifier, VerifyError};
