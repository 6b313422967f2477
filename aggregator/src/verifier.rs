//! Checks proofs of lifts and joins. Needs the common shape and a few kilobytes for each circuit, no prover's data.
//!
//! The verifier data (cap and digest of each circuit) can be kept in a file, so that verifying does not build circuits:
//!
//! ```text
//!   bytes   0       4         6         7          8
//!           magic   version   profile   circuits   for each: 0, or 1 and cap and digest …
//! ```
//!
//! A file can be trusted as far as the root of its set: compare [`Verifier::set`]'s with the one you know, or build.

use plonky2::hash::poseidon::PoseidonHash;
use plonky2::plonk::circuit_data::{CommonCircuitData, VerifierCircuitData, VerifierOnlyCircuitData};
use plonky2::util::serialization::{Read, Write};
use sheaf_circuits::hash::{Digest, C, D, F};
use sheaf_circuits::public_inputs::{PublicInputs, WrongLength};
use sheaf_circuits::security::Profile;
use thiserror::Error;

use crate::allowed_set::{AllowedSet, CircuitIndex, SET_CAPACITY};
use crate::proof::{profile_byte, CanonicalReader, DecodeError, Proof};
use crate::shape::CommonShape;

/// The first bytes of verifier data.
pub const MAGIC: [u8; 4] = *b"shfv";
/// The version of the encoding.
pub const VERSION: u16 = 1;

/// Verifies proofs of the circuits of one set.
#[derive(Clone, Debug)]
pub struct Verifier {
    shape: CommonShape,
    /// By [`CircuitIndex`]; `None` is an unused index.
    circuits: Vec<Option<VerifierOnlyCircuitData<C, D>>>,
    set: AllowedSet,
}

impl Verifier {
    /// The verifier of these circuits, by their index in the set.
    ///
    /// # Panics
    ///
    /// When there are more than [`SET_CAPACITY`].
    pub fn new(shape: CommonShape, circuits: Vec<Option<VerifierOnlyCircuitData<C, D>>>) -> Self {
        let set = AllowedSet::new(circuits.iter().map(Option::as_ref));
        Self { shape, circuits, set }
    }

    /// The profile.
    pub fn profile(&self) -> Profile {
        self.shape.profile()
    }

    /// The common shape.
    pub fn shape(&self) -> &CommonShape {
        &self.shape
    }

    /// The set of allowed circuits. Its root identifies them all.
    pub fn set(&self) -> &AllowedSet {
        &self.set
    }

    /// A circuit's verifier data, if the set has it.
    pub fn circuit(&self, index: CircuitIndex) -> Option<&VerifierOnlyCircuitData<C, D>> {
        self.circuits.get(index.get())?.as_ref()
    }

    /// What `proof` says, if it is a proof of a circuit of this set and all below it were.
    pub fn verify(&self, proof: &Proof) -> Result<PublicInputs, VerifyError> {
        if proof.profile != self.profile() {
            return Err(VerifyError::Profile { expected: self.profile(), got: proof.profile });
        }
        let circuit = self.circuit(proof.circuit).ok_or(VerifyError::Circuit { index: proof.circuit.get() })?;
        let inputs = proof.public_inputs()?;
        let (expected, got) = (self.set.root(), inputs.allowed_set);
        if got != expected {
            return Err(VerifyError::AllowedSet { expected, got });
        }
        // plonky2 looks at the lengths in a proof, all but this one.
        let (expected, got) = (
            self.common().fri_params.reduction_arity_bits.len(),
            proof.proof.proof.opening_proof.commit_phase_merkle_caps.len(),
        );
        if got != expected {
            return Err(VerifyError::Plonky2(format!("{got} foldings, expected {expected}")));
        }
        let data = VerifierCircuitData { verifier_only: circuit.clone(), common: self.common().clone() };
        data.verify(proof.proof.clone()).map_err(|error| VerifyError::Plonky2(error.to_string()))?;
        Ok(inputs)
    }

    /// Reads the bytes of a proof; see [`Proof::to_bytes`]. Does not verify it.
    pub fn decode(&self, bytes: &[u8]) -> Result<Proof, DecodeError> {
        Proof::from_bytes(bytes, self.profile(), self.common())
    }

    /// The verifier data of all circuits.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.push(profile_byte(self.profile()));
        bytes.push(self.circuits.len() as u8);
        for circuit in &self.circuits {
            bytes.push(circuit.is_some().into());
            if let Some(circuit) = circuit {
                let written = bytes
                    .write_merkle_cap(&circuit.constants_sigmas_cap)
                    .and_then(|()| bytes.write_hash::<F, PoseidonHash>(circuit.circuit_digest));
                written.expect("writing to a vector does not fail");
            }
        }
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote, for a common shape.
    pub fn from_bytes(shape: CommonShape, bytes: &[u8]) -> Result<Self, DecodeError> {
        let cap_height = shape.common().config.fri_config.cap_height;
        let mut reader = CanonicalReader::new(bytes);
        reader.header(MAGIC, VERSION, shape.profile())?;
        let count = reader.byte()?;
        if usize::from(count) > SET_CAPACITY {
            return Err(DecodeError::Circuit { index: count });
        }
        let mut circuits = Vec::new();
        for _ in 0..count {
            let used = reader.checked(|reader| reader.read_bool())?;
            let read = |reader: &mut CanonicalReader| {
                Ok(VerifierOnlyCircuitData {
                    constants_sigmas_cap: reader.read_merkle_cap(cap_height)?,
                    circuit_digest: reader.read_hash::<F, PoseidonHash>()?,
                })
            };
            circuits.push(if used { Some(reader.checked(read)?) } else { None });
        }
        reader.end()?;
        Ok(Self::new(shape, circuits))
    }

    fn common(&self) -> &CommonCircuitData<F, D> {
        self.shape.common()
    }
}

/// Why a proof is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum VerifyError {
    /// The proof is of another profile.
    #[error("the proof is of profile {got}, expected {expected}")]
    Profile {
        /// The verifier's profile.
        expected: Profile,
        /// The proof's.
        got: Profile,
    },
    /// The set has no circuit at that index.
    #[error("the set has no circuit {index}: was the proof made for other chunk shapes?")]
    Circuit {
        /// The index that the proof names.
        index: usize,
    },
    /// The proof has another number of public inputs.
    #[error(transparent)]
    PublicInputs(#[from] WrongLength),
    /// The proof names another set of allowed circuits.
    #[error("the proof names the circuit set {got}, expected {expected}: was it made by another version?")]
    AllowedSet {
        /// The root of the verifier's set.
        expected: Digest,
        /// The root that the proof names.
        got: Digest,
    },
    /// The proof is not valid, says plonky2.
    #[error("the proof does not verify: {0}")]
    Plonky2(String),
}
