//! The calldata of `submitBatch`: a batch as L1 keeps it.

use alloy::primitives::{Address, Bytes};
use alloy::sol_types::SolCall;
use sheaf_circuits::account::AccountIndex;
use sheaf_circuits::context::{Context, ContractAddress, Domain};
use sheaf_circuits::hash::{Digest, NotCanonical};
use thiserror::Error;

use super::abi::{Batch, Rollup as Abi};
use crate::batch::PROOF_BYTES;
use crate::{L1Batch, L1BatchError};

/// What `submitBatch` is called with.
pub fn encode_submission(batch: &L1Batch) -> Bytes {
    let call = Abi::submitBatchCall {
        batch: Batch {
            number: batch.context.batch_number,
            operatorIndex: batch.context.operator.get(),
            timestamp: batch.context.timestamp_s,
            programId: batch.program_id.into(),
            preRoot: batch.pre_root.to_bytes().into(),
            postRoot: batch.post_root.to_bytes().into(),
            daCommit: batch.da_commit.to_bytes().into(),
            l1Stream: batch.l1.clone().into(),
            l2Stream: batch.l2.clone().into(),
            proof: batch.proof.to_vec().into(),
        },
    };
    call.abi_encode().into()
}

/// Reads what `submitBatch` of `rollup` was called with. Says nothing of the proof. Like the contract, it takes the one
/// layout that [`encode_submission`] writes.
pub fn decode_submission(chain_id: u64, rollup: Address, input: &[u8]) -> Result<L1Batch, SubmissionError> {
    if !input.starts_with(&Abi::submitBatchCall::SELECTOR) {
        return Err(SubmissionError::OtherFunction { got: input.iter().take(4).copied().collect() });
    }
    let call = Abi::submitBatchCall::abi_decode_validate(input);
    let Batch { number, operatorIndex, timestamp, programId, preRoot, postRoot, daCommit, l1Stream, l2Stream, proof } =
        call.map_err(|error| SubmissionError::Layout { reason: error.to_string() })?.batch;
    let digest = |what, bytes: alloy::primitives::B256| {
        Digest::from_bytes(&bytes.0).map_err(|source| SubmissionError::Digest { what, source })
    };
    let domain = Domain { chain_id, contract: ContractAddress(rollup.into()) };
    let operator = AccountIndex::new(operatorIndex).ok_or(SubmissionError::Operator { got: operatorIndex })?;
    let context = Context { domain, batch_number: number, operator, timestamp_s: timestamp };
    context.check().map_err(L1BatchError::from)?;
    let proof: [u8; PROOF_BYTES] =
        proof.as_ref().try_into().map_err(|_| SubmissionError::Proof { got: proof.len() })?;
    let batch = L1Batch {
        context,
        program_id: programId.into(),
        pre_root: digest("the root before", preRoot)?,
        post_root: digest("the root after", postRoot)?,
        da_commit: digest("daCommit", daCommit)?,
        l1: l1Stream.into(),
        l2: l2Stream.into(),
        proof,
    };
    batch.statement()?;
    if *encode_submission(&batch) != *input {
        return Err(SubmissionError::Layout { reason: "written again, it differs".into() });
    }
    Ok(batch)
}

/// Why calldata is not that of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SubmissionError {
    /// Another function is called.
    #[error("the calldata begins with {got:02x?}, which is not submitBatch")]
    OtherFunction {
        /// The first bytes.
        got: Vec<u8>,
    },
    /// It is laid out in another way.
    #[error("the calldata is not laid out as that of submitBatch: {reason}")]
    Layout {
        /// In what way.
        reason: String,
    },
    /// The operator's index is too large.
    #[error("operator {got} is out of range, expected less than 2^24")]
    Operator {
        /// The index found.
        got: u32,
    },
    /// The proof has another length.
    #[error("the proof has {got} bytes, expected {PROOF_BYTES}")]
    Proof {
        /// How many.
        got: usize,
    },
    /// A root or commitment is none.
    #[error("{what} is no digest: {source}")]
    Digest {
        /// Which one.
        what: &'static str,
        /// What is wrong with it.
        source: NotCanonical,
    },
    /// The context or a stream.
    #[error(transparent)]
    Batch(#[from] L1BatchError),
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    fn batch(l1: Vec<u8>, l2: Vec<u8>) -> L1Batch {
        let domain = Domain { chain_id: 31337, contract: ContractAddress([7; 20]) };
        let operator = AccountIndex::new(5).unwrap();
        let context = Context { domain, batch_number: 3, operator, timestamp_s: 1_800_000_000 };
        let digest = |n: u8| Digest::from_bytes(&[n; 32]).unwrap();
        let (pre_root, post_root, da_commit) = (digest(1), digest(2), digest(3));
        L1Batch { context, program_id: [9; 32], pre_root, post_root, da_commit, l1, l2, proof: [4; PROOF_BYTES] }
    }

    fn decode(input: &[u8]) -> Result<L1Batch, SubmissionError> {
        decode_submission(31337, Address::repeat_byte(7), input)
    }

    /// What the fuzzer starts from.
    #[test]
    fn seeds_of_the_fuzzer_are_a_submission_and_its_batch() {
        let batch = batch(vec![1; 21], vec![2; 7]);
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds");
        let seeds = [
            ("l1_calldata/submission.bin", encode_submission(&batch).to_vec()),
            ("l1_batch/batch.l1", batch.to_bytes()),
        ];
        for (name, bytes) in seeds {
            let seed = folder.join(name);
            if std::env::var_os("SHEAF_REGENERATE").is_some() {
                fs::write(&seed, &bytes).unwrap();
            }
            assert_eq!(fs::read(&seed).unwrap_or_default(), bytes, "{}", seed.display());
        }
    }

    #[test]
    fn other_calls_and_layouts_are_refused() {
        let input = encode_submission(&batch(vec![1; 21], vec![2; 7])).to_vec();
        assert_eq!(decode(&input).unwrap(), batch(vec![1; 21], vec![2; 7]));
        assert!(matches!(decode(&[]), Err(SubmissionError::OtherFunction { .. })));
        assert!(matches!(decode(&input[..100]), Err(SubmissionError::Layout { .. })));
        let longer = [&input[..], &[0; 32]].concat();
        assert!(matches!(decode(&longer), Err(SubmissionError::Layout { .. })));
        let stream = encode_submission(&batch(vec![1; 20], vec![]));
        assert!(matches!(decode(&stream), Err(SubmissionError::Batch(L1BatchError::Stream { .. }))));
        let with = |position: usize, bytes: &[u8]| {
            let mut changed = input.clone();
            changed[4 + 32 + position..][..bytes.len()].copy_from_slice(bytes);
            decode(&changed)
        };
        assert!(matches!(with(60, &[1, 0, 0, 0]), Err(SubmissionError::Operator { .. })));
        assert!(matches!(with(88, &[1, 0, 0, 0]), Err(SubmissionError::Batch(L1BatchError::Context(_)))));
        assert!(matches!(with(5 * 32, &[0xff; 8]), Err(SubmissionError::Digest { what: "the root after", .. })));
        // Dirty padding: bits above a field's width, and bytes after a stream's end.
        assert!(matches!(with(0, &[1]), Err(SubmissionError::Layout { .. })));
        assert!(matches!(with(11 * 32 + 31, &[1]), Err(SubmissionError::Layout { .. })));
    }

    proptest! {
        #[test]
        fn batches_survive(l1 in prop::collection::vec(any::<[u8; 7]>(), 0..20), l2 in prop::collection::vec(any::<[u8; 7]>(), 0..20)) {
            let batch = batch(l1.concat(), l2.concat());
            prop_assert_eq!(decode(&encode_submission(&batch)).unwrap(), batch);
        }

        #[test]
        fn any_bytes_are_a_batch_or_an_error(tail: Vec<u8>, at in 0_usize..800, byte: u8, cut in 0_usize..800) {
            let _ = decode(&tail);
            let _ = decode(&[&Abi::submitBatchCall::SELECTOR[..], &tail].concat());
            let mut input = encode_submission(&batch(vec![1; 21], vec![2; 7])).to_vec();
            let last = input.len() - 1;
            input[at.min(last)] = byte;
            if let Ok(batch) = decode(&input) {
                prop_assert_eq!(encode_submission(&batch).to_vec(), input.clone());
            }
            input.truncate(cut);
            let _ = decode(&input);
        }
    }
}
