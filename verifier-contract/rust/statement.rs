//! What proofs on L1 are of. The Solidity twin is `src/Statement.sol`.

use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::types::{Field, PrimeField64};
use sha2::{Digest as _, Sha256};
use sheaf_circuits::account::{AccountIndex, AssetId};
use sheaf_circuits::amount::Quanta;
use sheaf_circuits::availability::{evaluate, FExt, Streams, EVALUATION_START};
use sheaf_circuits::context::{Context, Domain};
use sheaf_circuits::hash::{Digest, F};

/// Bytes of a statement.
pub const STATEMENT_BYTES: usize = 220;

/// The statement of one proof on L1. Its bytes, numbers big-endian, digests as [`Digest::to_bytes`] has them:
///
/// ```text
///   program id 32 | chain id 8 | contract 20 | batch number 4 | operator's account 4 | timestamp 8
///   | pre root 32 | post root 32 | daCommit 32 | z 16 | value of the L1 stream 16 | value of the L2 stream 16
/// ```
///
/// An element of F_p² is its two coefficients, constant first, eight bytes each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The program that the last plonky2 proof is of: a number below the order of BN254's groups, big-endian.
    pub program_id: [u8; 32],
    /// Where and when.
    pub context: Context,
    /// The state root before.
    pub pre_root: Digest,
    /// The state root after.
    pub post_root: Digest,
    /// What the chunks absorbed of both streams.
    pub da_commit: Digest,
    /// Where the streams are evaluated.
    pub z: FExt,
    /// The L1 stream's value there.
    pub l1: FExt,
    /// The L2 stream's value there.
    pub l2: FExt,
}

impl Statement {
    /// A batch takes the state from `pre_root` to `post_root` and publishes `streams`.
    pub fn batch(
        program_id: [u8; 32],
        context: Context,
        pre_root: Digest,
        post_root: Digest,
        da_commit: Digest,
        streams: &Streams,
    ) -> Self {
        let z = streams.point(da_commit);
        let [l1, l2] = [&streams.l1, &streams.l2].map(|words| evaluate(EVALUATION_START, z, words));
        Self { program_id, context, pre_root, post_root, da_commit, z, l1, l2 }
    }

    /// Of the state `root`, `account` may take `amount` of `asset` to L1. The fields of a batch carry it: batch number 0,
    /// which no batch has; the account as operator; the asset as timestamp; the amount as z.
    pub fn exit(
        program_id: [u8; 32],
        domain: Domain,
        account: AccountIndex,
        asset: AssetId,
        amount: Quanta,
        root: Digest,
    ) -> Self {
        Self {
            program_id,
            context: Context { domain, batch_number: 0, operator: account, timestamp_s: asset.get().into() },
            pre_root: root,
            post_root: Digest::ZERO,
            da_commit: Digest::ZERO,
            z: FExt::from(F::from_canonical_u64(amount.get())),
            l1: FExt::ZERO,
            l2: FExt::ZERO,
        }
    }

    /// The bytes that are hashed.
    pub fn to_bytes(&self) -> [u8; STATEMENT_BYTES] {
        let mut bytes = Vec::with_capacity(STATEMENT_BYTES);
        bytes.extend(self.program_id);
        bytes.extend(self.context.domain.chain_id.to_be_bytes());
        bytes.extend(self.context.domain.contract.0);
        bytes.extend(self.context.batch_number.to_be_bytes());
        bytes.extend(self.context.operator.get().to_be_bytes());
        bytes.extend(self.context.timestamp_s.to_be_bytes());
        for digest in [self.pre_root, self.post_root, self.da_commit] {
            bytes.extend(digest.to_bytes());
        }
        for QuadraticExtension(coefficients) in [self.z, self.l1, self.l2] {
            bytes.extend(coefficients.iter().flat_map(|element| element.to_canonical_u64().to_be_bytes()));
        }
        bytes.try_into().expect("the parts above have 220 bytes")
    }

    /// The public input of the proof, big-endian: sha256 of the bytes with the top three bits cleared, so that it is below
    /// 2^253 and so below the order of BN254's groups.
    pub fn public_input(&self) -> [u8; 32] {
        let mut hash: [u8; 32] = Sha256::digest(self.to_bytes()).into();
        hash[0] &= 0x1f;
        hash
    }
}

#[cfg(test)]
mod tests {
    use sheaf_circuits::context::ContractAddress;

    use super::*;

    fn digest(n: u64) -> Digest {
        Digest([n, n + 1, n + 2, n + 3].map(F::from_canonical_u64))
    }

    fn statement() -> Statement {
        let domain = Domain { chain_id: 1, contract: ContractAddress([2; 20]) };
        let operator = AccountIndex::new(4).unwrap();
        let context = Context { domain, batch_number: 3, operator, timestamp_s: 5 };
        let streams = Streams { l1: vec![6], l2: vec![7, 8] };
        Statement::batch([9; 32], context, digest(10), digest(20), digest(30), &streams)
    }

    #[test]
    fn every_field_is_in_the_bytes() {
        type Change = fn(&mut Statement);
        let changes: [Change; 12] = [
            |s| s.program_id[0] ^= 1,
            |s| s.context.domain.chain_id += 1,
            |s| s.context.domain.contract.0[19] ^= 1,
            |s| s.context.batch_number += 1,
            |s| s.context.operator = AccountIndex::new(5).unwrap(),
            |s| s.context.timestamp_s += 1,
            |s| s.pre_root = digest(11),
            |s| s.post_root = digest(21),
            |s| s.da_commit = digest(31),
            |s| s.z.0[0] += F::ONE,
            |s| s.l1.0[1] += F::ONE,
            |s| s.l2.0[1] += F::ONE,
        ];
        for (i, change) in changes.iter().enumerate() {
            let mut changed = statement();
            change(&mut changed);
            assert_ne!(changed.to_bytes(), statement().to_bytes(), "change {i}");
            assert_ne!(changed.public_input(), statement().public_input(), "change {i}");
        }
    }

    #[test]
    fn public_inputs_are_below_2_to_the_253() {
        let mut seen = 0;
        for n in 0..64 {
            let input = Statement { program_id: [n; 32], ..statement() }.public_input();
            seen |= input[0];
        }
        assert_eq!(seen, 0x1f);
    }

    #[test]
    fn no_exit_is_a_batch() {
        let domain = statement().context.domain;
        let (account, asset) = (AccountIndex::new(4).unwrap(), AssetId::new(5).unwrap());
        let exit = Statement::exit([9; 32], domain, account, asset, Quanta::MAX, digest(10));
        assert_eq!(exit.context.batch_number, 0);
        assert_eq!(exit.z, FExt::from(F::from_canonical_u64(Quanta::MAX.get())));
        // A batch's values begin from 1, so neither is zero but by chance; its number is never.
        assert_eq!((exit.l1, exit.l2), (FExt::ZERO, FExt::ZERO));
    }
}
