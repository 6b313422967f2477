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
use plonky2::field::types::{Field, PrimeField64};
use plonky2::iop::target::Target;
use sheaf_circuits::account::AccountIndex;
use sheaf_circuits::availability::FExt;
use sheaf_circuits::context::{Context, ContextError, ContractAddress, Domain, CONTEXT_FIELD_BITS};
use sheaf_circuits::hash::{Digest, D, DIGEST_LEN, F};
use sheaf_circuits::public_inputs::circuit::PublicInputsTarget;
use sheaf_circuits::public_inputs::PublicInputs;
use sheaf_verifier_contract::Statement;
use thiserror::Error;

use super::verifier::ProgramId;
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

/// A statement part by part, of values or of targets.
#[derive(Clone, Copy)]
pub(super) struct Parts<T> {
    pub context: [T; Context::LEN],
    pub pre_root: [T; DIGEST_LEN],
    pub post_root: [T; DIGEST_LEN],
    pub da_commit: [T; DIGEST_LEN],
    pub z: [T; D],
    pub l1: [T; D],
    pub l2: [T; D],
}

impl<T: Copy> Parts<T> {
    /// The 27 elements.
    pub fn in_order(&self) -> [T; PUBLIC_VALUES_LEN] {
        // Every position is overwritten: the ranges cover 0..27.
        let mut values = [self.context[0]; PUBLIC_VALUES_LEN];
        let mut put = |range: Range<usize>, part: &[T]| values[range].copy_from_slice(part);
        put(CONTEXT, &self.context);
        put(PRE_ROOT, &self.pre_root);
        put(POST_ROOT, &self.post_root);
        put(DA_COMMIT, &self.da_commit);
        put(Z, &self.z);
        put(L1, &self.l1);
        put(L2, &self.l2);
        values
    }
}

impl Parts<F> {
    /// What the inputs of a whole batch say.
    fn of(inputs: &PublicInputs, context: &Context) -> Self {
        Self {
            context: context.elements(),
            pre_root: inputs.pre_root.0,
            post_root: inputs.post_root.0,
            da_commit: inputs.da_commit_out.0,
            z: inputs.z.0,
            l1: inputs.l1_out.0,
            l2: inputs.l2_out.0,
        }
    }
}

impl Parts<Target> {
    /// The circuit twin: what `inputs` say, with the context's elements.
    pub fn of_targets(inputs: &PublicInputsTarget, context: [Target; Context::LEN]) -> Self {
        Self {
            context,
            pre_root: inputs.pre_root.elements,
            post_root: inputs.post_root.elements,
            da_commit: inputs.da_commit_out.elements,
            z: inputs.z.0,
            l1: inputs.l1_out.0,
            l2: inputs.l2_out.0,
        }
    }
}

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
        Ok(Self(Parts::of(inputs, context).in_order()))
    }

    /// What L1 takes them for. Elements that are wider than their field are refused, as the wrap does.
    pub fn statement(&self, program: ProgramId) -> Result<Statement, NotAStatement> {
        let value = |position: usize| self.0[position].to_canonical_u64();
        let narrow = |position: usize| {
            u32::try_from(value(position)).map_err(|_| NotAStatement { position, value: value(position) })
        };
        let mut contract = [0; 20];
        for (i, bytes) in contract.chunks_exact_mut(4).enumerate() {
            bytes.copy_from_slice(&narrow(1 + i)?.to_be_bytes());
        }
        let operator = narrow(Context::OPERATOR)?;
        let outside = |position| move || NotAStatement { position, value: value(position) };
        let context = Context {
            domain: Domain { chain_id: value(0), contract: ContractAddress(contract) },
            batch_number: narrow(Context::BATCH_NUMBER)?,
            operator: AccountIndex::new(operator).ok_or_else(outside(Context::OPERATOR))?,
            timestamp_s: value(Context::TIMESTAMP),
        };
        for position in [0, Context::TIMESTAMP] {
            if value(position) >> CONTEXT_FIELD_BITS != 0 {
                return Err(NotAStatement { position, value: value(position) });
            }
        }
        let digest = |range: Range<usize>| Digest(self.0[range].try_into().expect("four elements"));
        let extension = |range: Range<usize>| QuadraticExtension(self.0[range].try_into().expect("two elements"));
        Ok(Statement {
            program_id: program.to_bytes(),
            context,
            pre_root: digest(PRE_ROOT),
            post_root: digest(POST_ROOT),
            da_commit: digest(DA_COMMIT),
            z: extension(Z),
            l1: extension(L1),
            l2: extension(L2),
        })
    }

    /// The public inputs of the shrink circuit: the digits of the values' hash.
    pub fn public_inputs(&self) -> [F; PUBLIC_INPUTS] {
        digits(hash_elements(&self.0))
    }
}

/// An element of the context does not fit its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("element {position} of the context is {value}, which is too wide: was the proof made for another circuit?")]
pub struct NotAStatement {
    /// Which element, counted from 0.
    pub position: usize,
    /// What it is.
    pub value: u64,
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

#[cfg(test)]
mod tests {
    use ark_bn254::Fr;

    use super::*;
    use crate::shrink::tests::context;

    #[test]
    fn values_become_a_statement_and_wide_ones_do_not() {
        let mut values = PublicValues(std::array::from_fn(|i| F::from_canonical_usize(100 + i)));
        values.0[CONTEXT].copy_from_slice(&context().elements());
        let program = ProgramId(Fr::from(7u64));
        let statement = values.statement(program).unwrap();
        assert_eq!(statement.context, context());
        assert_eq!(statement.program_id, program.to_bytes());
        assert_eq!(statement.l2.0[1], F::from_canonical_usize(100 + PUBLIC_VALUES_LEN - 1));

        let widths = [56, 32, 32, 32, 32, 32, 32, 24, 56];
        for (position, width) in widths.into_iter().enumerate() {
            for (value, fits) in [((1 << width) - 1, true), (1 << width, false)] {
                let mut values = values;
                values.0[position] = F::from_canonical_u64(value);
                let got = values.statement(program).map(|_| ());
                let expected = if fits { Ok(()) } else { Err(NotAStatement { position, value }) };
                assert_eq!(got, expected);
            }
        }
    }
}
