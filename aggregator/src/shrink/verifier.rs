//! Checks shrink proofs, as the circuit that wraps them does.

use std::fmt;

use ark_bn254::Fr;
use plonky2::plonk::circuit_data::{CommonCircuitData, VerifierCircuitData, VerifierOnlyCircuitData};
use plonky2::util::serialization::{Read, Write};
use sheaf_circuits::hash::{D, F};
use sheaf_circuits::security::Profile;
use thiserror::Error;

use super::circuit::Bn254Proof;
use super::gate::with_values;
use super::values::{PublicValues, PUBLIC_VALUES_LEN};
use crate::bn254::hasher::hash_scalars;
use crate::bn254::kinds::{check_kinds, KindsDiffer};
use crate::bn254::packing::to_bytes;
use crate::bn254::{Bn254Config, Node};
use crate::proof::{profile_byte, CanonicalReader, DecodeError};

/// The first bytes of a shrink proof.
pub const MAGIC: [u8; 4] = *b"shfs";
/// The version of the encoding.
pub const VERSION: u16 = 1;

/// Names a program: which circuits may have made the proofs below, and what they prove.
///
/// H over r ([`hash_scalars`]) of the elements of the cap of shrink's constants, in order, and its circuit digest: 17 elements.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ProgramId(pub Fr);

impl ProgramId {
    /// Big-endian, as L1 has it.
    pub fn to_bytes(self) -> [u8; 32] {
        let mut bytes = to_bytes(self.0);
        bytes.reverse();
        bytes
    }
}

impl fmt::Display for ProgramId {
    /// 64 hexadecimal digits, big-endian.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.to_bytes()))
    }
}

impl fmt::Debug for ProgramId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProgramId({self})")
    }
}

/// A shrink proof and what it says. Having one says nothing: see [`ShrinkVerifier::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShrinkProof {
    /// What it says.
    pub values: PublicValues,
    /// The proof; its four public inputs follow from the values.
    pub proof: Bn254Proof,
}

impl ShrinkProof {
    /// The one encoding: magic, version, profile, a zero byte, the values, plonky2's bytes. Numbers are little-endian.
    pub fn to_bytes(&self, profile: Profile) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.push(profile_byte(profile));
        bytes.push(0);
        bytes.write_field_vec(&self.values.0).expect("writing to a vector does not fail");
        bytes.extend(self.proof.to_bytes());
        bytes
    }
}

/// Verifies the shrink proofs of one program.
#[derive(Clone, Debug)]
pub struct ShrinkVerifier {
    profile: Profile,
    common: CommonCircuitData<F, D>,
    verifier_only: VerifierOnlyCircuitData<Bn254Config, D>,
}

impl ShrinkVerifier {
    /// A verifier from its parts; `profile` is the one that its proofs' bytes name.
    pub(crate) fn from_parts(
        profile: Profile,
        common: CommonCircuitData<F, D>,
        verifier_only: VerifierOnlyCircuitData<Bn254Config, D>,
    ) -> Self {
        Self { profile, common, verifier_only }
    }

    /// The circuit's common data, the same for every program.
    pub fn common(&self) -> &CommonCircuitData<F, D> {
        &self.common
    }

    /// The circuit's verifier data.
    pub fn verifier_only(&self) -> &VerifierOnlyCircuitData<Bn254Config, D> {
        &self.verifier_only
    }

    /// The program.
    pub fn program_id(&self) -> ProgramId {
        program_id(&self.verifier_only)
    }

    /// Checks a proof.
    pub fn verify(&self, proof: &ShrinkProof) -> Result<(), ShrinkVerifyError> {
        verify_values(&self.common, &self.verifier_only, proof)
    }

    /// Reads the bytes of a proof; see [`ShrinkProof::to_bytes`]. Does not verify it.
    pub fn decode(&self, bytes: &[u8]) -> Result<ShrinkProof, DecodeError> {
        let mut reader = CanonicalReader::new(bytes);
        reader.header(MAGIC, VERSION, self.profile)?;
        match reader.byte()? {
            0 => {}
            index => return Err(DecodeError::Circuit { index }),
        }
        let values = reader.checked(|reader| reader.read_field_vec(PUBLIC_VALUES_LEN))?;
        let values = PublicValues(values.try_into().expect("as many as were read"));
        let proof = reader.checked(|reader| reader.read_proof_with_public_inputs(&self.common))?;
        reader.end()?;
        Ok(ShrinkProof { values, proof })
    }
}

/// The program that verifier data are of.
pub(super) fn program_id(verifier_only: &VerifierOnlyCircuitData<Bn254Config, D>) -> ProgramId {
    let nodes = verifier_only.constants_sigmas_cap.0.iter().chain([&verifier_only.circuit_digest]);
    let elements: Vec<Fr> = nodes
        .flat_map(|node| match *node {
            Node::Single(a) => vec![a],
            Node::Pair(a, b) => vec![a, b],
        })
        .collect();
    ProgramId(hash_scalars(&elements))
}

/// Checks a proof of a circuit that exposes its values.
pub(super) fn verify_values(
    common: &CommonCircuitData<F, D>,
    verifier_only: &VerifierOnlyCircuitData<Bn254Config, D>,
    proof: &ShrinkProof,
) -> Result<(), ShrinkVerifyError> {
    // What binds the values: the transcript absorbs these.
    if proof.proof.public_inputs != proof.values.public_inputs() {
        return Err(ShrinkVerifyError::Values);
    }
    // plonky2 looks at the lengths in a proof, all but this one.
    let (expected, got) =
        (common.fri_params.reduction_arity_bits.len(), proof.proof.proof.opening_proof.commit_phase_merkle_caps.len());
    if got != expected {
        return Err(ShrinkVerifyError::Plonky2(format!("{got} foldings, expected {expected}")));
    }
    check_kinds(&proof.proof, common)?;
    let data = VerifierCircuitData { verifier_only: verifier_only.clone(), common: with_values(common, &proof.values) };
    data.verify(proof.proof.clone()).map_err(|error| ShrinkVerifyError::Plonky2(error.to_string()))
}

/// Why a shrink proof is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ShrinkVerifyError {
    /// The public inputs are not the digits of the values' hash.
    #[error("the proof's public inputs are not those of the values: were the values altered?")]
    Values,
    /// A node is of the wrong kind.
    #[error(transparent)]
    Kinds(#[from] KindsDiffer),
    /// The proof is not valid, says plonky2.
    #[error("the proof does not verify: {0}")]
    Plonky2(String),
}
