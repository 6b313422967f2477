//! What a shrink proof says: the statement's 27 elements.
//!
//! ```text
//!   position   0         9          13          17         21   23              25              27
//!              context   pre root   post root   daCommit   z    L1 evaluation   L2 evaluation
//! ```
//!
//! The context is opened: chain id, contract\[5\], batch number, operator, timestamp, as
//! [`Context::elements`] has them.

use std::ops::Range;

use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::types::Field;
use plonky2::iop::target::Target;
use sheaf_circuits::availability::FExt;
use sheaf_circuits::context::{Context, ContextError};
use sheaf_circuits::hash::{Digest, D, DIGEST_LEN, F};
use sheaf_circuits::public_inputs::circuit::PublicInputsTarget;
use sheaf_circuits::public_inputs::PublicInputs;
use thiserror::Error;

use crate::bn254::config::PUBLIC_INPUTS;
use crate::bn254::hasher::hash_elements;
use crate::bn254::packing::digits;

/// Elements of the context.
pub const CONTEXT: Range<usize> = 0..Context::LEN;
/// Elements of the state root before the batch.
pub const PRE_ROOT: Range<usize> = after(CONTEXT, DIGEST_LEN);
/// Elements of the state root after the batch.
pub const POST_ROOT: Range<usize> = after(PRE_ROOT, DIGEST_LEN);
/// Elements of the commitment to the published words.
pub const DA_COMMIT: Range<usize> = after(POST_ROOT, DIGEST_LEN);
/// Elements of the evaluation point.
pub const Z: Range<usize> = after(DA_COMMIT, D);
/// Elements of the L1 stream's evaluation.
pub const L1: Range<usize> = after(Z, D);
/// Elements of the L2 stream's evaluation.
pub const L2: Range<usize> = after(L1, D);
/// How many elements there are.
pub const PUBLIC_VALUES_LEN: usize = L2.end;

const _: () = assert!(PUBLIC_VALUES_LEN == 27);

const fn after(range: Range<usize>, length: usize) -> Range<usize> {
    range.end..range.end + length
}

/// The evaluation of an empty stream: (1, 0).
const EMPTY_STREAM: FExt = QuadraticExtension([F::ONE, F::ZERO]);

/// The elements of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicValues(pub [F; PUBLIC_VALUES_LEN]);

impl PublicValues {
    /// What `inputs`, of a whole batch, say in `context`.
    pub fn new(inputs: &PublicInputs, context: &Context) -> Result<Self, NotABatch> {
        context.check()?;
        let (expected, got) = (inputs.context, context.digest());
        if got != expected {
            return Err(NotABatch::Context { expected, got });
        }
        if inputs.da_commit_in != Digest::ZERO {
            return Err(NotABatch::Start { what: "daCommit" });
        }
        for (what, stream) in [("L1 evaluation", inputs.l1_in), ("L2 evaluation", inputs.l2_in)] {
            if stream != EMPTY_STREAM {
                return Err(NotABatch::Start { what });
            }
        }
        let mut values = [F::ZERO; PUBLIC_VALUES_LEN];
        let mut put = |range: Range<usize>, part: &[F]| values[range].copy_from_slice(part);
        put(CONTEXT, &context.elements());
        put(PRE_ROOT, &inputs.pre_root.0);
        put(POST_ROOT, &inputs.post_root.0);
        put(DA_COMMIT, &inputs.da_commit_out.0);
        put(Z, &inputs.z.0);
        put(L1, &inputs.l1_out.0);
        put(L2, &inputs.l2_out.0);
        Ok(Self(values))
    }

    /// The circuit twin of [`Self::new`]'s layout: the values that `inputs` say, with the context's elements.
    pub(super) fn targets(inputs: &PublicInputsTarget, context: [Target; Context::LEN]) -> [Target; PUBLIC_VALUES_LEN] {
        // Every position is overwritten: the ranges cover 0..27.
        let mut values = [context[0]; PUBLIC_VALUES_LEN];
        let mut put = |range: Range<usize>, part: &[Target]| values[range].copy_from_slice(part);
        put(CONTEXT, &context);
        put(PRE_ROOT, &inputs.pre_root.elements);
        put(POST_ROOT, &inputs.post_root.elements);
        put(DA_COMMIT, &inputs.da_commit_out.elements);
        put(Z, &inputs.z.0);
        put(L1, &inputs.l1_out.0);
        put(L2, &inputs.l2_out.0);
        values
    }

    /// The public inputs of the shrink circuit: the digits of the values' hash.
    pub fn public_inputs(&self) -> [F; PUBLIC_INPUTS] {
        digits(hash_elements(&self.0))
    }
}

/// Why a proof is not that of a whole batch in a context.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotABatch {
    /// The proof does not begin where a batch begins.
    #[error("the proof begins with another {what} than a batch: is a part of the batch missing?")]
    Start {
        /// What is not as at the beginning of a batch.
        what: &'static str,
    },
    /// The context is not the proof's.
    #[error("the context's digest is {got}, the proof's is {expected}")]
    Context {
        /// The digest in the proof.
        expected: Digest,
        /// The digest of the context given.
        got: Digest,
    },
    /// The context has a field that is too wide.
    #[error(transparent)]
    ContextTooWide(#[from] ContextError),
}
