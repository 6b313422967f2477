//! A batch as L1 takes it: what `Rollup.submitBatch` is called with, and nothing else.
//!
//! ```text
//!   bytes   0       4         6          14         34             38         42          50
//!           magic   version   chain id   contract   batch number   operator   timestamp   program id 32
//!   bytes   82         114         146        178                            …
//!           pre root   post root   daCommit   length of L1 (4), L1 stream   length of L2 (4), L2 stream   proof 256
//! ```
//!
//! Numbers are little-endian; program id and proof are in the EVM's form.

use sheaf_circuits::account::AccountIndex;
use sheaf_circuits::availability::{from_bytes, StreamError, Streams};
use sheaf_circuits::context::{Context, ContextError, ContractAddress, Domain};
use sheaf_circuits::hash::{Digest, NotCanonical};
use sheaf_circuits::transaction::Stream;
use thiserror::Error;

use crate::Statement;

/// The version of the encoding.
pub const VERSION: u16 = 1;
/// Bytes of a Groth16 proof, as the contract takes it.
pub const PROOF_BYTES: usize = 256;

/// A batch with its Groth16 proof, not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct L1Batch {
    /// What its transactions share.
    pub context: Context,
    /// The program that the proof is of: a number below the order of BN254's groups, big-endian.
    pub program_id: [u8; 32],
    /// The state root before.
    pub pre_root: Digest,
    /// The state root after.
    pub post_root: Digest,
    /// What the chunks absorbed of both streams.
    pub da_commit: Digest,
    /// The L1 stream's bytes.
    pub l1: Vec<u8>,
    /// The L2 stream's bytes.
    pub l2: Vec<u8>,
    /// The Groth16 proof: A, B, C.
    pub proof: [u8; PROOF_BYTES],
}

impl L1Batch {
    /// The first bytes of the encoding.
    pub const MAGIC: [u8; 4] = *b"shfw";

    /// What the proof is of, if it is of this batch.
    pub fn statement(&self) -> Result<Statement, L1BatchError> {
        let words = |stream, bytes| from_bytes(bytes).map_err(|source| L1BatchError::Stream { stream, source });
        let streams = Streams { l1: words(Stream::L1, &self.l1)?, l2: words(Stream::L2, &self.l2)? };
        let Self { program_id, context, pre_root, post_root, da_commit, .. } = *self;
        Ok(Statement::batch(program_id, context, pre_root, post_root, da_commit, &streams))
    }

    /// The one encoding.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(186 + self.l1.len() + self.l2.len() + PROOF_BYTES);
        bytes.extend(Self::MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(self.context.domain.chain_id.to_le_bytes());
        bytes.extend(self.context.domain.contract.0);
        bytes.extend(self.context.batch_number.to_le_bytes());
        bytes.extend(self.context.operator.get().to_le_bytes());
        bytes.extend(self.context.timestamp_s.to_le_bytes());
        bytes.extend(self.program_id);
        for digest in [self.pre_root, self.post_root, self.da_commit] {
            bytes.extend(digest.to_bytes());
        }
        for stream in [&self.l1, &self.l2] {
            let length = u32::try_from(stream.len()).expect("a batch publishes less than 4 GiB");
            bytes.extend(length.to_le_bytes());
            bytes.extend(stream);
        }
        bytes.extend(self.proof);
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote. Says nothing of the proof.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, L1BatchError> {
        let mut reader = Reader { bytes, position: 0 };
        let magic: [u8; 4] = reader.array()?;
        if magic != Self::MAGIC {
            return Err(L1BatchError::Magic { got: magic });
        }
        let version = u16::from_le_bytes(reader.array()?);
        if version != VERSION {
            return Err(L1BatchError::Version { got: version });
        }
        let domain =
            Domain { chain_id: u64::from_le_bytes(reader.array()?), contract: ContractAddress(reader.array()?) };
        let batch_number = u32::from_le_bytes(reader.array()?);
        let operator = u32::from_le_bytes(reader.array()?);
        let operator = AccountIndex::new(operator).ok_or(L1BatchError::Operator { operator })?;
        let context = Context { domain, batch_number, operator, timestamp_s: u64::from_le_bytes(reader.array()?) };
        context.check()?;
        let batch = Self {
            context,
            program_id: reader.array()?,
            pre_root: reader.digest("the root before")?,
            post_root: reader.digest("the root after")?,
            da_commit: reader.digest("daCommit")?,
            l1: reader.stream()?,
            l2: reader.stream()?,
            proof: reader.array()?,
        };
        match bytes.len() - reader.position {
            0 => {}
            count => return Err(L1BatchError::Trailing { count }),
        }
        // What is no stream has no statement, so it is told now.
        batch.statement()?;
        Ok(batch)
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], L1BatchError> {
        let rest = &self.bytes[self.position..];
        let taken = rest.get(..length).ok_or(L1BatchError::CutOff { length: self.bytes.len() })?;
        self.position += length;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], L1BatchError> {
        Ok(self.take(N)?.try_into().expect("as many were taken"))
    }

    fn digest(&mut self, what: &'static str) -> Result<Digest, L1BatchError> {
        Digest::from_bytes(&self.array()?).map_err(|source| L1BatchError::Digest { what, source })
    }

    fn stream(&mut self) -> Result<Vec<u8>, L1BatchError> {
        let length = u32::from_le_bytes(self.array()?);
        Ok(self.take(length as usize)?.to_vec())
    }
}

/// Why bytes are not a batch for L1.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum L1BatchError {
    /// Another kind of file.
    #[error(
        "not a batch for L1: it begins with {got:02x?}, expected {:02x?} (`sheaf prove --until wrap` makes one)",
        L1Batch::MAGIC
    )]
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
    /// The file ends too early.
    #[error("cut off at byte {length}")]
    CutOff {
        /// How long it is.
        length: usize,
    },
    /// Bytes follow the proof.
    #[error("{count} bytes after the end")]
    Trailing {
        /// How many.
        count: usize,
    },
    /// The operator's index is too large.
    #[error("operator {operator} is out of range, expected less than 2^24")]
    Operator {
        /// The index found.
        operator: u32,
    },
    /// The context is out of range.
    #[error(transparent)]
    Context(#[from] ContextError),
    /// A digest has an element that is not below p.
    #[error("{what}: {source}")]
    Digest {
        /// Which.
        what: &'static str,
        /// What is wrong.
        source: NotCanonical,
    },
    /// A stream is not one.
    #[error("the {stream:?} stream: {source}")]
    Stream {
        /// Which.
        stream: Stream,
        /// What is wrong.
        source: StreamError,
    },
}

#[cfg(test)]
mod tests {
    use sheaf_circuits::hash::{hash_tagged, tag};

    use super::*;

    fn batch() -> L1Batch {
        let domain = Domain { chain_id: 31337, contract: ContractAddress([7; 20]) };
        let context =
            Context { domain, batch_number: 3, operator: AccountIndex::new(4).unwrap(), timestamp_s: 1_700_000_000 };
        let digest = |name| hash_tagged(tag(name), &[]);
        L1Batch {
            context,
            program_id: std::array::from_fn(|i| i as u8),
            pre_root: digest("pre"),
            post_root: digest("post"),
            da_commit: digest("da"),
            l1: (0..21).collect(),
            l2: (0..42).collect(),
            proof: std::array::from_fn(|i| i as u8),
        }
    }

    #[test]
    fn the_encoding_is_one_to_one() {
        let bytes = batch().to_bytes();
        assert_eq!(bytes.len(), 178 + 4 + 21 + 4 + 42 + PROOF_BYTES);
        assert_eq!(L1Batch::from_bytes(&bytes), Ok(batch()));
        for length in 0..bytes.len() {
            assert!(L1Batch::from_bytes(&bytes[..length]).is_err(), "{length} bytes");
        }
        assert_eq!(L1Batch::from_bytes(&[&bytes[..], &[0]].concat()), Err(L1BatchError::Trailing { count: 1 }));
        for position in 0..bytes.len() {
            let mut other = bytes.clone();
            other[position] ^= 0x81;
            if let Ok(read) = L1Batch::from_bytes(&other) {
                assert_ne!(read, batch(), "byte {position}");
                assert_eq!(read.to_bytes(), other, "byte {position}");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let with = |position: usize, value: &[u8]| {
            let mut bytes = batch().to_bytes();
            bytes[position..position + value.len()].copy_from_slice(value);
            L1Batch::from_bytes(&bytes)
        };
        assert_eq!(with(0, b"shfb"), Err(L1BatchError::Magic { got: *b"shfb" }));
        assert_eq!(with(4, &[9, 0]), Err(L1BatchError::Version { got: 9 }));
        assert_eq!(with(38, &[0, 0, 0, 1]), Err(L1BatchError::Operator { operator: 1 << 24 }));
        assert!(matches!(with(6, &[0xff; 8]), Err(L1BatchError::Context(_))));
        assert!(matches!(with(114, &[0xff; 8]), Err(L1BatchError::Digest { what: "the root after", .. })));
        let cut = L1Batch { l1: vec![0; 20], ..batch() };
        let error = L1BatchError::Stream { stream: Stream::L1, source: StreamError::Length { got: 20 } };
        assert_eq!(L1Batch::from_bytes(&cut.to_bytes()), Err(error));
    }

    #[test]
    fn the_statement_is_of_everything_but_the_proof() {
        let public = |change: fn(&mut L1Batch)| {
            let mut batch = batch();
            change(&mut batch);
            batch.statement().unwrap().public_input()
        };
        let expected = public(|_| ());
        assert_eq!(public(|batch| batch.proof[0] ^= 1), expected);
        let changes: [fn(&mut L1Batch); 7] = [
            |batch| batch.context.timestamp_s += 1,
            |batch| batch.program_id[31] ^= 1,
            |batch| batch.pre_root = Digest::ZERO,
            |batch| batch.post_root = Digest::ZERO,
            |batch| batch.da_commit = Digest::ZERO,
            |batch| batch.l1[20] ^= 1,
            |batch| batch.l2[0] ^= 1,
        ];
        for (i, change) in changes.into_iter().enumerate() {
            assert_ne!(public(change), expected, "change {i}");
        }
    }
}
