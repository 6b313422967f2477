//! *lift*: verifies one or two chunk proofs of one shape, and comes out in the common shape.
//!
//! Statement: the chunk circuit, a constant here, accepts proofs with these public inputs; with two, they are neighbours,
//! and the public inputs are what both say together. The set of allowed circuits is passed on as the chunks name it; it
//! is not opened here, because the one circuit accepted is a constant.
//!
//! Why two: with the proven profile a lift of one full chunk fills less than half of the rows that a join needs, and all
//! lifts have as many rows as the join. A second chunk is free there, and saves a join. Where two do not fit (full chunks
//! with the fast profile) there is only the lift of one.

use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::{CommonCircuitData, VerifierOnlyCircuitData};
use plonky2::plonk::proof::ProofWithPublicInputsTarget;
use plonky2::util::serialization::Read;
use sheaf_circuits::chunk::circuit::ChunkCircuit;
use sheaf_circuits::hash::{C, D, F};
use sheaf_circuits::public_inputs::circuit::PublicInputsTarget;
use sheaf_circuits::public_inputs::PUBLIC_INPUTS_LEN;
use sheaf_circuits::security::{Profile, Role};

use crate::proof::{CanonicalReader, ChunkProof, DecodeError};
use crate::shape::{check_soundness, BuildError, Built, CommonShape};

/// The version of the statement, part of the circuit's domain separator.
const NAME: &str = "lift 1";

/// What it takes to verify the proofs of a chunk circuit.
#[derive(Clone, Debug)]
pub struct ChunkVerifier {
    /// The shape's name.
    pub name: String,
    /// The circuit's common data.
    pub common: CommonCircuitData<F, D>,
    /// The circuit's verifier data.
    pub verifier_only: VerifierOnlyCircuitData<C, D>,
}

impl From<&ChunkCircuit> for ChunkVerifier {
    fn from(circuit: &ChunkCircuit) -> Self {
        Self {
            name: circuit.shape.name.to_owned(),
            common: circuit.data.common.clone(),
            verifier_only: circuit.data.verifier_only.clone(),
        }
    }
}

impl ChunkVerifier {
    /// Reads the bytes of a chunk proof; refuses what is not canonical. Does not verify it.
    pub fn decode(&self, bytes: &[u8]) -> Result<ChunkProof, DecodeError> {
        let mut reader = CanonicalReader::new(bytes);
        let proof = reader.checked(|reader| reader.read_proof_with_public_inputs::<F, C, D>(&self.common))?;
        reader.end()?;
        Ok(proof)
    }

    /// Checks that the lifts of a profile can take this circuit's proofs.
    pub(crate) fn check(&self, profile: Profile) -> Result<(), BuildError> {
        let circuit = self.name.clone();
        if self.common.config != profile.circuit_config(Role::Chunk) {
            return Err(BuildError::OtherProfile { circuit, profile });
        }
        if self.common.num_public_inputs != PUBLIC_INPUTS_LEN {
            return Err(BuildError::PublicInputs { circuit, got: self.common.num_public_inputs });
        }
        check_soundness(profile, &circuit, &self.common)
    }
}

/// The circuit's targets that take a witness: the chunk proofs, left to right.
#[derive(Clone, Debug)]
pub(crate) struct LiftTarget {
    proofs: Vec<ProofWithPublicInputsTarget<D>>,
}

impl LiftTarget {
    /// Adds the statement to `builder`.
    pub fn new(
        builder: &mut CircuitBuilder<F, D>,
        common: &CommonCircuitData<F, D>,
        verifier_only: &VerifierOnlyCircuitData<C, D>,
        chunks: usize,
    ) -> Self {
        let verifier_data = builder.constant_verifier_data(verifier_only);
        let proofs: Vec<_> = (0..chunks).map(|_| builder.add_virtual_proof_with_pis(common)).collect();
        let mut says = Vec::with_capacity(chunks);
        for proof in &proofs {
            builder.verify_proof::<C>(proof, &verifier_data, common);
            says.push(PublicInputsTarget::from_elements(&proof.public_inputs).expect("checked when built"));
        }
        let all = says.into_iter().reduce(|left, right| left.join(builder, &right)).expect("at least one chunk");
        all.register(builder);
        Self { proofs }
    }
}

/// A lift, ready to prove.
pub struct LiftCircuit {
    built: Built,
    target: LiftTarget,
}

impl LiftCircuit {
    /// Builds the lift of `chunks` chunks (1 or 2) of the circuit `chunk`.
    pub fn build(shape: &CommonShape, chunk: &ChunkVerifier, chunks: usize) -> Result<Self, BuildError> {
        chunk.check(shape.profile())?;
        let mut builder = shape.builder();
        let target = LiftTarget::new(&mut builder, &chunk.common, &chunk.verifier_only, chunks);
        let name = format!("{NAME} of {chunks} of {}", chunk.name);
        Ok(Self { built: shape.build(builder, Role::Lift, &name)?, target })
    }

    /// The circuit's verifier data.
    pub fn verifier_only(&self) -> &VerifierOnlyCircuitData<C, D> {
        &self.built.data.verifier_only
    }

    /// Rows in use, without those that fill up the shape.
    pub fn rows(&self) -> usize {
        self.built.rows
    }

    /// How many chunk proofs it takes.
    pub fn chunks(&self) -> usize {
        self.target.proofs.len()
    }

    /// Proves that the chunk proofs verify and are neighbours. They should be checked before: when they are not valid,
    /// the error names a wire.
    pub(crate) fn prove(&self, proofs: &[&ChunkProof]) -> Result<ChunkProof, String> {
        let mut witness = PartialWitness::new();
        for (target, proof) in self.target.proofs.iter().zip(proofs) {
            witness.set_proof_with_pis_target(target, proof).map_err(|error| error.to_string())?;
        }
        self.built.data.prove(witness).map_err(|error| error.to_string())
    }
}
