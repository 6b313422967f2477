//! An exit as L1 takes it after a freeze: what `Rollup.exit` is called with, and what the proof is bound to.
//!
//! ```text
//!   bytes   0       4         6          14         34        38      40       48           80     112
//!           magic   version   chain id   contract   account   asset   amount   program id   root   proof 256
//! ```
//!
//! Numbers are little-endian; program id and proof are in the EVM's form.

use sheaf_circuits::account::{AccountIndex, AssetId};
use sheaf_circuits::amount::Quanta;
use sheaf_circuits::context::{ContextError, ContractAddress, Domain, CONTEXT_FIELD_BITS};
use sheaf_circuits::hash::{Digest, NotCanonical};
use thiserror::Error;

use crate::batch::PROOF_BYTES;
use crate::Statement;

/// The version of the encoding.
pub const VERSION: u16 = 1;
/// Bytes of an exit.
pub const EXIT_BYTES: usize = 112 + PROOF_BYTES;

/// An exit with its Groth16 proof, not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExitProof {
    /// The rollup.
    pub domain: Domain,
    /// Whose funds.
    pub account: AccountIndex,
    /// In which asset.
    pub asset: AssetId,
    /// What may be taken.
    pub amount: Quanta,
    /// The program that the proof is of: a number below the order of BN254's groups, big-endian.
    pub program_id: [u8; 32],
    /// The last state root.
    pub root: Digest,
    /// The Groth16 proof: A, B, C.
    pub proof: [u8; PROOF_BYTES],
}

impl ExitProof {
    /// The first bytes of the encoding.
    pub const MAGIC: [u8; 4] = *b"shfe";

    /// What the proof is of, if it is of this exit.
    pub fn statement(&self) -> Statement {
        Statement::exit(self.program_id, self.domain, self.account, self.asset, self.amount, self.root)
    }

    /// The one encoding.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(EXIT_BYTES);
        bytes.extend(Self::MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(self.domain.chain_id.to_le_bytes());
        bytes.extend(self.domain.contract.0);
        bytes.extend(self.account.get().to_le_bytes());
        bytes.extend(self.asset.get().to_le_bytes());
        bytes.extend(self.amount.get().to_le_bytes());
        bytes.extend(self.program_id);
        bytes.extend(self.root.to_bytes());
        bytes.extend(self.proof);
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote. Says nothing of the proof.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ExitProofError> {
        let got = bytes.len();
        let mut rest = bytes;
        let magic: [u8; 4] = take(&mut rest, got)?;
        if magic != Self::MAGIC {
            return Err(ExitProofError::Magic { got: magic });
        }
        let version = u16::from_le_bytes(take(&mut rest, got)?);
        if version != VERSION {
            return Err(ExitProofError::Version { got: version });
        }
        if got != EXIT_BYTES {
            return Err(ExitProofError::Length { got });
        }
        let chain_id = u64::from_le_bytes(take(&mut rest, got)?);
        if chain_id >> CONTEXT_FIELD_BITS != 0 {
            return Err(ContextError::TooWide { field: "chain_id", value: chain_id }.into());
        }
        let contract = ContractAddress(take(&mut rest, got)?);
        let account = u32::from_le_bytes(take(&mut rest, got)?);
        let asset = u16::from_le_bytes(take(&mut rest, got)?);
        let amount = u64::from_le_bytes(take(&mut rest, got)?);
        let out_of_range = |field, value| ExitProofError::OutOfRange { field, value };
        Ok(Self {
            domain: Domain { chain_id, contract },
            account: AccountIndex::new(account).ok_or(out_of_range("account", account.into()))?,
            asset: AssetId::new(asset).ok_or(out_of_range("asset", asset.into()))?,
            amount: Quanta::new(amount).ok_or(out_of_range("amount", amount))?,
            program_id: take(&mut rest, got)?,
            root: Digest::from_bytes(&take(&mut rest, got)?)?,
            proof: take(&mut rest, got)?,
        })
    }
}

/// The next bytes of `rest`.
fn take<const N: usize>(rest: &mut &[u8], got: usize) -> Result<[u8; N], ExitProofError> {
    let (taken, after) = rest.split_first_chunk().ok_or(ExitProofError::Length { got })?;
    *rest = after;
    Ok(*taken)
}

/// Why bytes are not an exit.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ExitProofError {
    /// Another kind of file.
    #[error("not an exit: it begins with {got:02x?}, expected {:02x?}", ExitProof::MAGIC)]
    Magic {
        /// The first bytes.
        got: [u8; 4],
    },
    /// Another version's file.
    #[error("version {got} of the encoding, expected {VERSION}")]
    Version {
        /// The version found.
        got: u16,
    },
    /// Another length.
    #[error("an exit has {EXIT_BYTES} bytes, got {got}")]
    Length {
        /// How many.
        got: usize,
    },
    /// The chain's id is too large.
    #[error(transparent)]
    Context(#[from] ContextError),
    /// A number is too large.
    #[error("{field} {value} is out of range")]
    OutOfRange {
        /// Which one.
        field: &'static str,
        /// The number found.
        value: u64,
    },
    /// The root is none.
    #[error("the root is no digest: {0}")]
    Root(#[from] NotCanonical),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit() -> ExitProof {
        ExitProof {
            domain: Domain { chain_id: 31337, contract: ContractAddress([7; 20]) },
            account: AccountIndex::new(65_536).unwrap(),
            asset: AssetId::new(3).unwrap(),
            amount: Quanta::new(0x0102_0304_0506).unwrap(),
            program_id: [8; 32],
            root: Digest::from_bytes(&[9; 32]).unwrap(),
            proof: std::array::from_fn(|i| i as u8),
        }
    }

    #[test]
    fn an_exit_is_read_as_it_was_written_and_from_nothing_else() {
        let bytes = exit().to_bytes();
        assert_eq!(bytes.len(), EXIT_BYTES);
        assert_eq!(ExitProof::from_bytes(&bytes), Ok(exit()));
        for length in 0..bytes.len() {
            assert_eq!(ExitProof::from_bytes(&bytes[..length]), Err(ExitProofError::Length { got: length }));
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(ExitProof::from_bytes(&longer), Err(ExitProofError::Length { got: EXIT_BYTES + 1 }));
        let with = |position: usize, patch: &[u8]| {
            let mut bytes = bytes.clone();
            bytes[position..position + patch.len()].copy_from_slice(patch);
            ExitProof::from_bytes(&bytes)
        };
        assert!(matches!(with(0, b"shfw"), Err(ExitProofError::Magic { .. })));
        assert_eq!(with(4, &[2]), Err(ExitProofError::Version { got: 2 }));
        assert!(matches!(with(13, &[1]), Err(ExitProofError::Context(_))));
        assert!(matches!(with(37, &[1]), Err(ExitProofError::OutOfRange { field: "account", .. })));
        assert!(matches!(with(39, &[0x10]), Err(ExitProofError::OutOfRange { field: "asset", .. })));
        assert!(matches!(with(47, &[0x40]), Err(ExitProofError::OutOfRange { field: "amount", .. })));
        assert!(matches!(with(80, &[0xff; 8]), Err(ExitProofError::Root(_))));
    }

    #[test]
    fn the_statement_is_of_everything_but_the_proof() {
        let public = |change: fn(&mut ExitProof)| {
            let mut exit = exit();
            change(&mut exit);
            exit.statement().public_input()
        };
        let expected = public(|_| ());
        assert_eq!(public(|exit| exit.proof[0] ^= 1), expected);
        let changes: [fn(&mut ExitProof); 6] = [
            |exit| exit.domain.chain_id += 1,
            |exit| exit.account = AccountIndex::new(1).unwrap(),
            |exit| exit.asset = AssetId::new(1).unwrap(),
            |exit| exit.amount = Quanta::ZERO,
            |exit| exit.program_id[31] ^= 1,
            |exit| exit.root = Digest::ZERO,
        ];
        for (i, change) in changes.into_iter().enumerate() {
            assert_ne!(public(change), expected, "change {i}");
        }
    }
}
