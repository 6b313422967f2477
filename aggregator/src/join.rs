//! *join*: verifies two proofs in the common shape, lifts or joins, and comes out in the common shape.
//!
//! Statement: there are two circuits in the set of allowed circuits that accept proofs with these public inputs; they
//! are neighbours; the public inputs are what both say together.
//!
//! | from | what | checked |
//! | --- | --- | --- |
//! | witness | each child's verifier data (cap and digest) | in the set, by its Merkle path |
//! | witness | each child's proof and public inputs | by plonky2's verifier with that data |
//! | children | the set's root | both name the same, which is passed on |
//!
//! Not checked here: that the set is the right one. Whoever verifies the last proof compares its root with his own; from
//! there it holds for every proof below, because a join passes on the root that it checked its children against.

use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::{CommonCircuitData, VerifierCircuitTarget, VerifierOnlyCircuitData};
use plonky2::plonk::proof::ProofWithPublicInputsTarget;
use sheaf_circuits::hash::{C, D, F};
use sheaf_circuits::public_inputs::circuit::PublicInputsTarget;
use sheaf_circuits::security::Role;

use crate::allowed_set::circuit::MembershipTarget;
use crate::allowed_set::{AllowedSet, CircuitIndex};
use crate::proof::ChunkProof;
use crate::shape::{BuildError, Built, CommonShape};

/// The version of the statement, part of the circuit's domain separator.
const NAME: &str = "join 1";

/// One child's targets that take a witness.
#[derive(Clone, Debug)]
struct ChildTarget {
    proof: ProofWithPublicInputsTarget<D>,
    circuit: VerifierCircuitTarget,
    membership: MembershipTarget,
}

impl ChildTarget {
    /// Constrains the child's proof to verify, by a circuit of the set that the proof names.
    fn new(builder: &mut CircuitBuilder<F, D>, common: &CommonCircuitData<F, D>) -> (Self, PublicInputsTarget) {
        let proof = builder.add_virtual_proof_with_pis(common);
        let circuit = builder.add_virtual_verifier_data(common.config.fri_config.cap_height);
        builder.verify_proof::<C>(&proof, &circuit, common);
        let says = PublicInputsTarget::from_elements(&proof.public_inputs).expect("the common shape has these");
        let membership = MembershipTarget::new(builder, &circuit, says.allowed_set);
        (Self { proof, circuit, membership }, says)
    }
}

/// The circuit's targets that take a witness: left and right.
#[derive(Clone, Debug)]
pub(crate) struct JoinTarget {
    children: [ChildTarget; 2],
}

impl JoinTarget {
    /// Adds the statement to `builder`, for children with the common data `common`.
    pub fn new(builder: &mut CircuitBuilder<F, D>, common: &CommonCircuitData<F, D>) -> Self {
        let (left, left_says) = ChildTarget::new(builder, common);
        let (right, right_says) = ChildTarget::new(builder, common);
        left_says.join(builder, &right_says).register(builder);
        Self { children: [left, right] }
    }
}

/// One child of a join.
pub(crate) struct Child<'a> {
    pub proof: &'a ChunkProof,
    pub circuit: &'a VerifierOnlyCircuitData<C, D>,
    pub index: CircuitIndex,
}

/// The join, ready to prove.
pub struct JoinCircuit {
    built: Built,
    target: JoinTarget,
}

impl JoinCircuit {
    /// Builds the join of a profile. It does not depend on the chunk shapes.
    pub fn build(shape: &CommonShape) -> Result<Self, BuildError> {
        let mut builder = shape.builder();
        let target = JoinTarget::new(&mut builder, shape.common());
        Ok(Self { built: shape.build(builder, Role::Join, NAME)?, target })
    }

    /// The circuit's verifier data.
    pub fn verifier_only(&self) -> &VerifierOnlyCircuitData<C, D> {
        &self.built.data.verifier_only
    }

    /// Rows in use, without those that fill up the shape.
    pub fn rows(&self) -> usize {
        self.built.rows
    }

    /// Proves that the children verify, are neighbours, and are of circuits in `set`. They should be checked before:
    /// when they are not valid, the error names a wire.
    pub(crate) fn prove(&self, children: [Child; 2], set: &AllowedSet) -> Result<ChunkProof, String> {
        let mut witness = PartialWitness::new();
        for (target, child) in self.target.children.iter().zip(children) {
            witness.set_proof_with_pis_target(&target.proof, child.proof).map_err(|error| error.to_string())?;
            witness.set_verifier_data_target(&target.circuit, child.circuit).map_err(|error| error.to_string())?;
            target.membership.set(&mut witness, set, child.index);
        }
        self.built.data.prove(witness).map_err(|error| error.to_string())
    }
}
