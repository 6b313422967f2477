//! What a proof says: the public inputs of chunk, lift and join, one layout for all three.
//!
//! ```text
//!   position   0          4           8              12              16
//!              pre root   post root   daCommit in    daCommit out
//!   position   16   18      20       22      24       26        30             34
//!              z    L1 in   L1 out   L2 in   L2 out   context   allowed set
//! ```
//!
//! The statement is: there are transactions, all of them valid in `context`, that take the state from the pre root to
//! the post root and the chain from daCommit in to daCommit out; their words take the evaluations of the two streams
//! at z from "in" to "out". The root of the set of allowed circuits is only carried: each layer of recursion checks
//! its children against it, and whoever verifies the last proof compares it with the set that he trusts.
//!
//! Two neighbours join into one: see [`PublicInputs::join`]. The circuit twin is in [`circuit`].

pub mod circuit;
#[cfg(test)]
mod tests;

use std::ops::Range;

use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::types::PrimeField64;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::availability::FExt;
use crate::chunk::ChunkStart;
use crate::hash::{canonical_element, Digest, NotCanonical, D, DIGEST_LEN, F};

/// Elements of the state root before.
pub const PRE_ROOT: Range<usize> = 0..DIGEST_LEN;
/// Elements of the state root after.
pub const POST_ROOT: Range<usize> = after(PRE_ROOT, DIGEST_LEN);
/// Elements of daCommit before.
pub const DA_COMMIT_IN: Range<usize> = after(POST_ROOT, DIGEST_LEN);
/// Elements of daCommit after.
pub const DA_COMMIT_OUT: Range<usize> = after(DA_COMMIT_IN, DIGEST_LEN);
/// Elements of the evaluation point.
pub const Z: Range<usize> = after(DA_COMMIT_OUT, D);
/// Elements of the L1 stream's evaluation before.
pub const L1_IN: Range<usize> = after(Z, D);
/// Elements of the L1 stream's evaluation after.
pub const L1_OUT: Range<usize> = after(L1_IN, D);
/// Elements of the L2 stream's evaluation before.
pub const L2_IN: Range<usize> = after(L1_OUT, D);
/// Elements of the L2 stream's evaluation after.
pub const L2_OUT: Range<usize> = after(L2_IN, D);
/// Elements of the batch context's digest.
pub const CONTEXT: Range<usize> = after(L2_OUT, DIGEST_LEN);
/// Elements of the root of the set of allowed circuits.
pub const ALLOWED_SET: Range<usize> = after(CONTEXT, DIGEST_LEN);
/// How many public inputs there are.
pub const PUBLIC_INPUTS_LEN: usize = ALLOWED_SET.end;

const _: () = assert!(PUBLIC_INPUTS_LEN == 34);

const fn after(range: Range<usize>, length: usize) -> Range<usize> {
    range.end..range.end + length
}

/// The public inputs of a chunk, lift or join proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicInputs {
    /// State root before.
    pub pre_root: Digest,
    /// State root after.
    pub post_root: Digest,
    /// daCommit before; zero at the start of a batch.
    pub da_commit_in: Digest,
    /// daCommit after.
    pub da_commit_out: Digest,
    /// The point at which both streams are evaluated.
    #[serde(with = "evaluation")]
    pub z: FExt,
    /// Evaluation of the L1 stream before; (1, 0) at the start of a batch.
    #[serde(with = "evaluation")]
    pub l1_in: FExt,
    /// Evaluation of the L1 stream after.
    #[serde(with = "evaluation")]
    pub l1_out: FExt,
    /// Evaluation of the L2 stream before; (1, 0) at the start of a batch.
    #[serde(with = "evaluation")]
    pub l2_in: FExt,
    /// Evaluation of the L2 stream after.
    #[serde(with = "evaluation")]
    pub l2_out: FExt,
    /// Digest of the batch's context.
    pub context: Digest,
    /// Root of the set of circuits that recursion accepts.
    pub allowed_set: Digest,
}

impl PublicInputs {
    /// The elements, in the layout above.
    pub fn to_elements(&self) -> [F; PUBLIC_INPUTS_LEN] {
        let mut elements = [F::default(); PUBLIC_INPUTS_LEN];
        let mut put = |range: Range<usize>, part: &[F]| elements[range].copy_from_slice(part);
        put(PRE_ROOT, &self.pre_root.0);
        put(POST_ROOT, &self.post_root.0);
        put(DA_COMMIT_IN, &self.da_commit_in.0);
        put(DA_COMMIT_OUT, &self.da_commit_out.0);
        put(Z, &self.z.0);
        put(L1_IN, &self.l1_in.0);
        put(L1_OUT, &self.l1_out.0);
        put(L2_IN, &self.l2_in.0);
        put(L2_OUT, &self.l2_out.0);
        put(CONTEXT, &self.context.0);
        put(ALLOWED_SET, &self.allowed_set.0);
        elements
    }

    /// Reads what [`Self::to_elements`] wrote.
    pub fn from_elements(elements: &[F]) -> Result<Self, WrongLength> {
        if elements.len() != PUBLIC_INPUTS_LEN {
            return Err(WrongLength { got: elements.len() });
        }
        let digest = |range: Range<usize>| Digest(elements[range].try_into().expect("four elements"));
        let extension = |range: Range<usize>| QuadraticExtension(elements[range].try_into().expect("two elements"));
        Ok(Self {
            pre_root: digest(PRE_ROOT),
            post_root: digest(POST_ROOT),
            da_commit_in: digest(DA_COMMIT_IN),
            da_commit_out: digest(DA_COMMIT_OUT),
            z: extension(Z),
            l1_in: extension(L1_IN),
            l1_out: extension(L1_OUT),
            l2_in: extension(L2_IN),
            l2_out: extension(L2_OUT),
            context: digest(CONTEXT),
            allowed_set: digest(ALLOWED_SET),
        })
    }

    /// Where the proven run of transactions begins.
    pub fn start(&self) -> ChunkStart {
        ChunkStart { root: self.pre_root, da_commit: self.da_commit_in, l1: self.l1_in, l2: self.l2_in }
    }

    /// Where it ends, which is where its right neighbour begins.
    pub fn end(&self) -> ChunkStart {
        ChunkStart { root: self.post_root, da_commit: self.da_commit_out, l1: self.l1_out, l2: self.l2_out }
    }

    /// What the proofs of `self` and of its right neighbour say together.
    pub fn join(&self, right: &Self) -> Result<Self, JoinError> {
        let left = self;
        check(left.post_root, right.pre_root, JoinError::root)?;
        check(left.da_commit_out, right.da_commit_in, JoinError::da_commit)?;
        check(left.l1_out, right.l1_in, JoinError::l1)?;
        check(left.l2_out, right.l2_in, JoinError::l2)?;
        check(left.z, right.z, JoinError::z)?;
        check(left.context, right.context, JoinError::context)?;
        check(left.allowed_set, right.allowed_set, JoinError::allowed_set)?;
        Ok(Self {
            post_root: right.post_root,
            da_commit_out: right.da_commit_out,
            l1_out: right.l1_out,
            l2_out: right.l2_out,
            ..*left
        })
    }
}

fn check<T: PartialEq>(expected: T, got: T, error: fn(T, T) -> JoinError) -> Result<(), JoinError> {
    if expected == got {
        Ok(())
    } else {
        Err(error(expected, got))
    }
}

/// A slice that is not as long as the public inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{got} public inputs, expected {PUBLIC_INPUTS_LEN}")]
pub struct WrongLength {
    /// Elements found.
    pub got: usize,
}

/// Why two proofs do not join. `expected` is what the left one says, `got` what the right one says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum JoinError {
    /// The right proof does not begin at the state root where the left one ends.
    #[error("not neighbours: the left proof ends at state root {expected}, the right one begins at {got}")]
    Root {
        /// Where the left one ends.
        expected: Digest,
        /// Where the right one begins.
        got: Digest,
    },
    /// The right proof does not continue the chain of published blocks.
    #[error("not neighbours: the left proof ends at daCommit {expected}, the right one begins at {got}")]
    DaCommit {
        /// Where the left one ends.
        expected: Digest,
        /// Where the right one begins.
        got: Digest,
    },
    /// The right proof does not continue the evaluation of the L1 stream.
    #[error("not neighbours: the left proof ends at L1 evaluation {expected}, the right one begins at {got}")]
    L1 {
        /// Where the left one ends.
        expected: FExt,
        /// Where the right one begins.
        got: FExt,
    },
    /// The right proof does not continue the evaluation of the L2 stream.
    #[error("not neighbours: the left proof ends at L2 evaluation {expected}, the right one begins at {got}")]
    L2 {
        /// Where the left one ends.
        expected: FExt,
        /// Where the right one begins.
        got: FExt,
    },
    /// The streams are evaluated at different points.
    #[error("the left proof evaluates at z = {expected}, the right one at {got}: are they of one batch?")]
    Z {
        /// The left point.
        expected: FExt,
        /// The right point.
        got: FExt,
    },
    /// The proofs are of different batches, or of one batch sealed twice.
    #[error("the left proof has context {expected}, the right one {got}: are they of one batch?")]
    Context {
        /// The left context.
        expected: Digest,
        /// The right context.
        got: Digest,
    },
    /// The proofs are of different programs: another version, profile or list of shapes.
    #[error("the left proof names the circuit set {expected}, the right one {got}: are they of one program?")]
    AllowedSet {
        /// The left set.
        expected: Digest,
        /// The right set.
        got: Digest,
    },
}

impl JoinError {
    fn root(expected: Digest, got: Digest) -> Self {
        Self::Root { expected, got }
    }

    fn da_commit(expected: Digest, got: Digest) -> Self {
        Self::DaCommit { expected, got }
    }

    fn l1(expected: FExt, got: FExt) -> Self {
        Self::L1 { expected, got }
    }

    fn l2(expected: FExt, got: FExt) -> Self {
        Self::L2 { expected, got }
    }

    fn z(expected: FExt, got: FExt) -> Self {
        Self::Z { expected, got }
    }

    fn context(expected: Digest, got: Digest) -> Self {
        Self::Context { expected, got }
    }

    fn allowed_set(expected: Digest, got: Digest) -> Self {
        Self::AllowedSet { expected, got }
    }
}

/// An element of F_p² in a file: 16 bytes, both coefficients canonical and little-endian; in hexadecimal where people
/// read it.
mod evaluation {
    use serde::de::Error;
    use serde::{Deserializer, Serializer};

    use super::*;

    const BYTES: usize = 8 * D;

    pub fn serialize<S: Serializer>(value: &FExt, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = [0; BYTES];
        for (chunk, element) in bytes.chunks_exact_mut(8).zip(value.0) {
            chunk.copy_from_slice(&element.to_canonical_u64().to_le_bytes());
        }
        if serializer.is_human_readable() {
            serializer.serialize_str(&hex::encode(bytes))
        } else {
            bytes.serialize(serializer)
        }
    }

    pub fn deserialize<'de, De: Deserializer<'de>>(deserializer: De) -> Result<FExt, De::Error> {
        let bytes = if deserializer.is_human_readable() {
            let mut bytes = [0; BYTES];
            hex::decode_to_slice(String::deserialize(deserializer)?, &mut bytes).map_err(De::Error::custom)?;
            bytes
        } else {
            <[u8; BYTES]>::deserialize(deserializer)?
        };
        let mut elements = [F::default(); D];
        for (position, (chunk, element)) in bytes.chunks_exact(8).zip(&mut elements).enumerate() {
            let value = u64::from_le_bytes(chunk.try_into().expect("chunks of eight"));
            *element = canonical_element(value).ok_or_else(|| De::Error::custom(NotCanonical { position, value }))?;
        }
        Ok(QuadraticExtension(elements))
    }
}
