//! A proof of a lift or a join, and its bytes.
//!
//! ```text
//!   bytes   0       4         6         7         8
//!           magic   version   profile   circuit   plonky2's bytes …
//! ```
//!
//! Numbers are little-endian. The decoder takes what [`Proof::to_bytes`] wrote and nothing else: elements at or above p,
//! lengths other than the common shape's, and bytes left over are refused, so that a proof has one encoding.

mod reader;
#[cfg(test)]
mod tests;

use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::plonk::proof::ProofWithPublicInputs;
use plonky2::util::serialization::Read;
use sheaf_circuits::hash::{C, D, F};
use sheaf_circuits::public_inputs::{PublicInputs, WrongLength};
use sheaf_circuits::security::Profile;
use thiserror::Error;

pub(crate) use self::reader::CanonicalReader;
use crate::allowed_set::CircuitIndex;

/// A plonky2 proof with its public inputs: what a chunk circuit makes.
pub type ChunkProof = ProofWithPublicInputs<F, C, D>;

/// The first bytes of a proof.
pub const MAGIC: [u8; 4] = *b"shfp";
/// The version of the encoding.
pub const VERSION: u16 = 1;

/// The byte that stands for a profile in files.
pub(crate) const fn profile_byte(profile: Profile) -> u8 {
    match profile {
        Profile::Proven => 1,
        Profile::Fast => 2,
    }
}

/// A proof of a lift or a join. Having one says nothing: see [`Verifier::verify`](crate::Verifier::verify).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The profile of the circuit that made it.
    pub profile: Profile,
    /// The circuit that made it.
    pub circuit: CircuitIndex,
    /// What it made.
    pub proof: ChunkProof,
}

impl Proof {
    /// What the proof says, if it verifies.
    pub fn public_inputs(&self) -> Result<PublicInputs, WrongLength> {
        PublicInputs::from_elements(&self.proof.public_inputs)
    }

    /// The one encoding.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.push(profile_byte(self.profile));
        bytes.push(self.circuit.get() as u8);
        bytes.extend(self.proof.to_bytes());
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote, for a profile and its common data.
    pub(crate) fn from_bytes(
        bytes: &[u8],
        profile: Profile,
        common: &CommonCircuitData<F, D>,
    ) -> Result<Self, DecodeError> {
        let mut reader = CanonicalReader::new(bytes);
        reader.header(MAGIC, VERSION, profile)?;
        let index = reader.byte()?;
        let circuit = CircuitIndex::new(index.into()).ok_or(DecodeError::Circuit { index })?;
        let proof = reader.checked(|reader| reader.read_proof_with_public_inputs::<F, C, D>(common))?;
        reader.end()?;
        Ok(Self { profile, circuit, proof })
    }
}

/// Why bytes are not a proof, or not verifier data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The bytes are of something else.
    #[error("begins with {got:02x?}, expected {expected:02x?}: is it another kind of file?")]
    Magic {
        /// The magic of what was expected.
        expected: [u8; 4],
        /// The first bytes.
        got: [u8; 4],
    },
    /// The bytes are of another version of the encoding.
    #[error("encoding version {got}, expected {expected}")]
    Version {
        /// The version that is read.
        expected: u16,
        /// The version found.
        got: u16,
    },
    /// The proof is of another profile.
    #[error("profile byte {got}, expected {} ({expected})", profile_byte(*.expected))]
    Profile {
        /// The profile that is read.
        expected: Profile,
        /// The byte found.
        got: u8,
    },
    /// No set has such a circuit.
    #[error("circuit index {index} is not below {}", crate::allowed_set::SET_CAPACITY)]
    Circuit {
        /// The index found.
        index: u8,
    },
    /// An element has a second encoding.
    #[error("the element at byte {offset} is {value}, not below p")]
    NotCanonical {
        /// Where it begins.
        offset: usize,
        /// Its value.
        value: u64,
    },
    /// A digest has a second encoding.
    #[error("the digest at byte {offset} is not as it is written")]
    DigestNotCanonical {
        /// Where it begins.
        offset: usize,
    },
    /// The bytes end too early, or a length inside is not the one expected.
    #[error("ends or has a wrong length at byte {offset}")]
    Truncated {
        /// Where reading stopped.
        offset: usize,
    },
    /// There are bytes left over.
    #[error("{bytes} bytes after the end, at byte {offset}")]
    Trailing {
        /// Where they begin.
        offset: usize,
        /// How many there are.
        bytes: usize,
    },
}
