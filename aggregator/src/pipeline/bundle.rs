//! A proven batch as a file: the proof, the context, and what the batch published.
//!
//! Whoever verifies trusts nothing in it: z is drawn again from the published bytes, both streams are evaluated at it,
//! the context is hashed, and all are compared with what the proof says. This is what the L1 contract will do.
//!
//! ```text
//!   bytes   0       4         6          14         34             38         42
//!           magic   version   chain id   contract   batch number   operator   timestamp
//!   bytes   50                            …                            …
//!           length of L1 (4), L1 stream   length of L2 (4), L2 stream  proof, to the end
//! ```
//!
//! Numbers are little-endian; the proof is that of [`crate::proof`].

use sheaf_circuits::account::AccountIndex;
use sheaf_circuits::availability::{self, evaluate, FExt, StreamError, Streams, EVALUATION_START};
use sheaf_circuits::context::{Context, ContextError, ContractAddress, Domain};
use sheaf_circuits::hash::Digest;
use sheaf_circuits::public_inputs::PublicInputs;
use sheaf_circuits::security::Profile;
use sheaf_circuits::transaction::{Published, Stream};
use thiserror::Error;

use crate::proof::{self, profile_byte, DecodeError};
use crate::verifier::{Verifier, VerifyError};

/// The first bytes of a proven batch.
pub const MAGIC: [u8; 4] = *b"shfb";
/// The version of the encoding.
pub const VERSION: u16 = 1;

/// A proven batch, not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenBatch {
    /// What its transactions share.
    pub context: Context,
    /// The L1 stream's bytes.
    pub l1: Vec<u8>,
    /// The L2 stream's bytes.
    pub l2: Vec<u8>,
    /// The proof's bytes.
    pub proof: Vec<u8>,
}

/// A proven batch that verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedBatch {
    /// What the proof says.
    pub public_inputs: PublicInputs,
    /// The records of the L1 stream.
    pub l1: Vec<Published>,
    /// The records of the L2 stream.
    pub l2: Vec<Published>,
}

impl ProvenBatch {
    /// The one encoding.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64 + self.l1.len() + self.l2.len() + self.proof.len());
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(self.context.domain.chain_id.to_le_bytes());
        bytes.extend(self.context.domain.contract.0);
        bytes.extend(self.context.batch_number.to_le_bytes());
        bytes.extend(self.context.operator.get().to_le_bytes());
        bytes.extend(self.context.timestamp_s.to_le_bytes());
        for stream in [&self.l1, &self.l2] {
            let length = u32::try_from(stream.len()).expect("a batch publishes less than 4 GiB");
            bytes.extend(length.to_le_bytes());
            bytes.extend(stream);
        }
        bytes.extend(&self.proof);
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote. Neither streams nor proof are looked into yet.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BundleError> {
        let mut reader = Reader { bytes, position: 0 };
        let magic: [u8; 4] = reader.array()?;
        if magic != MAGIC {
            return Err(DecodeError::Magic { expected: MAGIC, got: magic }.into());
        }
        let version = u16::from_le_bytes(reader.array()?);
        if version != VERSION {
            return Err(DecodeError::Version { expected: VERSION, got: version }.into());
        }
        let chain_id = u64::from_le_bytes(reader.array()?);
        let contract = ContractAddress(reader.array()?);
        let batch_number = u32::from_le_bytes(reader.array()?);
        let operator = u32::from_le_bytes(reader.array()?);
        let operator = AccountIndex::new(operator).ok_or(BundleError::Operator { operator })?;
        let timestamp_s = u64::from_le_bytes(reader.array()?);
        let context = Context { domain: Domain { chain_id, contract }, batch_number, operator, timestamp_s };
        context.check()?;
        let l1 = reader.stream()?;
        let l2 = reader.stream()?;
        Ok(Self { context, l1, l2, proof: reader.rest().to_vec() })
    }

    /// The profile that the proof names.
    pub fn profile(&self) -> Result<Profile, BundleError> {
        let header = self.proof.get(..7).ok_or(BundleError::CutOff { position: self.proof.len() })?;
        let magic = [header[0], header[1], header[2], header[3]];
        if magic != proof::MAGIC {
            return Err(DecodeError::Magic { expected: proof::MAGIC, got: magic }.into());
        }
        let profile = Profile::ALL.into_iter().find(|profile| profile_byte(*profile) == header[6]);
        profile.ok_or(BundleError::Profile { got: header[6] })
    }

    /// Verifies all of it.
    pub fn verify(&self, verifier: &Verifier) -> Result<VerifiedBatch, BundleError> {
        let says = verifier.verify(&verifier.decode(&self.proof)?)?;
        self.check_says(&says)?;
        let (l1, l2) = (self.words(Stream::L1, &self.l1)?, self.words(Stream::L2, &self.l2)?);
        let streams = Streams { l1, l2 };
        let z = streams.point(says.da_commit_out);
        same("the point z", z, says.z)?;
        same("the evaluation of the L1 stream", evaluate(EVALUATION_START, z, &streams.l1), says.l1_out)?;
        same("the evaluation of the L2 stream", evaluate(EVALUATION_START, z, &streams.l2), says.l2_out)?;
        let records = |stream, words: &[u64]| {
            availability::decode(stream, words).map_err(|source| BundleError::Stream { stream, source })
        };
        Ok(VerifiedBatch {
            l1: records(Stream::L1, &streams.l1)?,
            l2: records(Stream::L2, &streams.l2)?,
            public_inputs: says,
        })
    }

    /// That the proof is of a whole batch, in this context.
    fn check_says(&self, says: &PublicInputs) -> Result<(), BundleError> {
        same("daCommit at the start", Digest::ZERO, says.da_commit_in)?;
        same("the L1 evaluation at the start", EVALUATION_START, says.l1_in)?;
        same("the L2 evaluation at the start", EVALUATION_START, says.l2_in)?;
        same("the context's digest", self.context.digest(), says.context)
    }

    fn words(&self, stream: Stream, bytes: &[u8]) -> Result<Vec<u64>, BundleError> {
        availability::from_bytes(bytes).map_err(|source| BundleError::Stream { stream, source })
    }
}

/// What is compared: digests and points of F_p².
trait Said: PartialEq {
    fn show(&self) -> String;
}

impl Said for Digest {
    fn show(&self) -> String {
        self.to_string()
    }
}

impl Said for FExt {
    fn show(&self) -> String {
        format!("({}, {})", self.0[0], self.0[1])
    }
}

fn same<T: Said>(what: &'static str, expected: T, got: T) -> Result<(), BundleError> {
    if expected == got {
        return Ok(());
    }
    Err(BundleError::OtherBatch { what, expected: expected.show(), got: got.show() })
}

struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], BundleError> {
        let end = self.position.checked_add(length).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or(BundleError::CutOff { position: self.bytes.len() })?;
        let taken = &self.bytes[self.position..end];
        self.position = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], BundleError> {
        Ok(self.take(N)?.try_into().expect("as many were taken"))
    }

    fn stream(&mut self) -> Result<Vec<u8>, BundleError> {
        let length = u32::from_le_bytes(self.array()?);
        Ok(self.take(length as usize)?.to_vec())
    }

    fn rest(&self) -> &'a [u8] {
        &self.bytes[self.position..]
    }
}

/// Why a file is not a proven batch, or does not verify.
#[derive(Debug, Error)]
pub enum BundleError {
    /// The file ends too early.
    #[error("the file ends at byte {position}, before the proof")]
    CutOff {
        /// Its length.
        position: usize,
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
    /// No profile has this byte.
    #[error("the proof names profile {got}, which does not exist")]
    Profile {
        /// The byte found.
        got: u8,
    },
    /// Not a proof.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The proof does not verify.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// A stream is not one.
    #[error("the {stream:?} stream: {source}")]
    Stream {
        /// Which.
        stream: Stream,
        /// What is wrong.
        source: StreamError,
    },
    /// The proof is valid but says something else.
    #[error("the proof is of another batch, or of a part of one: {what} is {got} in the proof, expected {expected}")]
    OtherBatch {
        /// What differs.
        what: &'static str,
        /// What the file calls for.
        expected: String,
        /// What the proof says.
        got: String,
    },
}
