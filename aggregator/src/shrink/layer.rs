//! The layers over F between the last join and shrink: *open*, which checks the batch's statement, and *squeeze*, which
//! proves again what the layer below proved, with fewer rows to verify it.
//!
//! | | statement |
//! | --- | --- |
//! | open | a circuit of the set with this root, a constant, accepts a proof of the common shape; it begins where a batch begins; H(tag, context) is its context; the 27 public inputs are what it says, the context opened |
//! | squeeze | the circuit below, a constant, accepts a proof with these 27 public inputs |
//!
//! Not checked here: the widths of the context's fields, which whoever forms the context checks.

use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_data::{CircuitData, CommonCircuitData, VerifierCircuitTarget, VerifierOnlyCircuitData};
use plonky2::plonk::proof::ProofWithPublicInputsTarget;
use sheaf_circuits::context::{Context, TAG_CONTEXT};
use sheaf_circuits::hash::circuit::{hash_tagged, Builder};
use sheaf_circuits::hash::{Digest, C, D, F};
use sheaf_circuits::public_inputs::circuit::PublicInputsTarget;
use sheaf_circuits::security::Role;

use super::frame::{self, Framed};
use super::shelf::Shelf;
use super::values::{Parts, PUBLIC_VALUES_LEN};
use super::BuildError;
use crate::allowed_set::circuit::MembershipTarget;
use crate::proof::{ChunkProof, Proof};
use crate::verifier::Verifier;

/// The versions of the statements, part of the circuits' domain separators.
const OPEN: &str = "open 1";
const SQUEEZE: &str = "squeeze 1";

/// The targets of *open* that take a witness.
pub(super) struct OpenTarget {
    proof: ProofWithPublicInputsTarget<D>,
    circuit: VerifierCircuitTarget,
    membership: MembershipTarget,
    context: [Target; Context::LEN],
}

impl OpenTarget {
    /// Adds the statement to `builder`, for proofs with the common data `common` and the set with this root.
    pub fn new(builder: &mut Builder, common: &CommonCircuitData<F, D>, set_root: Digest) -> Self {
        let proof = builder.add_virtual_proof_with_pis(common);
        let circuit = builder.add_virtual_verifier_data(common.config.fri_config.cap_height);
        builder.verify_proof::<C>(&proof, &circuit, common);
        let says = PublicInputsTarget::from_elements(&proof.public_inputs).expect("the common shape has these");

        // The program: which circuits may have made the proof, and all below it.
        let root = constant_digest(builder, set_root);
        builder.connect_hashes(says.allowed_set, root);
        let membership = MembershipTarget::new(builder, &circuit, root);

        // The beginning of a batch.
        let nothing = constant_digest(builder, Digest::ZERO);
        builder.connect_hashes(says.da_commit_in, nothing);
        let empty_stream = builder.one_extension();
        builder.connect_extension(says.l1_in, empty_stream);
        builder.connect_extension(says.l2_in, empty_stream);

        let context = builder.add_virtual_target_arr();
        let digest = hash_tagged(builder, TAG_CONTEXT, &context);
        builder.connect_hashes(says.context, digest);

        builder.register_public_inputs(&Parts::of_targets(&says, context).in_order());
        Self { proof, circuit, membership, context }
    }

    fn set(&self, proof: &Proof, verifier: &Verifier, context: &Context) -> Result<PartialWitness<F>, String> {
        let circuit = verifier.circuit(proof.circuit).ok_or("the set has no such circuit")?;
        let mut witness = PartialWitness::new();
        let set = |witness: &mut PartialWitness<F>| {
            witness.set_proof_with_pis_target(&self.proof, &proof.proof)?;
            witness.set_verifier_data_target(&self.circuit, circuit)?;
            witness.set_target_arr(&self.context, &context.elements())
        };
        set(&mut witness).map_err(|error| error.to_string())?;
        self.membership.set(&mut witness, verifier.set(), proof.circuit);
        Ok(witness)
    }
}

fn constant_digest(builder: &mut Builder, digest: Digest) -> HashOutTarget {
    HashOutTarget { elements: digest.0.map(|element| builder.constant(element)) }
}

/// Verifies a proof of the circuit below, a constant, and gives its public values.
pub(super) fn verify_below(
    builder: &mut Builder,
    below: (&CommonCircuitData<F, D>, &VerifierOnlyCircuitData<C, D>),
) -> (ProofWithPublicInputsTarget<D>, [Target; PUBLIC_VALUES_LEN]) {
    let (common, verifier_only) = below;
    let circuit = builder.constant_verifier_data(verifier_only);
    let proof = builder.add_virtual_proof_with_pis(common);
    builder.verify_proof::<C>(&proof, &circuit, common);
    let values = proof.public_inputs.as_slice().try_into().expect("layers have 27 public inputs");
    (proof, values)
}

/// *open*, ready to prove.
pub(super) struct OpenLayer {
    pub data: CircuitData<F, C, D>,
    pub rows: usize,
    target: OpenTarget,
}

impl OpenLayer {
    /// Builds it with a role's parameters, unless it is on the shelf.
    pub fn build(role: Role, verifier: &Verifier, shelf: &Shelf) -> Result<Self, BuildError> {
        let (common, root) = (verifier.shape().common(), verifier.set().root());
        let Framed { data, rows, target } =
            frame::build(role, OPEN, shelf, |builder| OpenTarget::new(builder, common, root))?;
        Ok(Self { data, rows, target })
    }

    /// Proves the statement. What it says should be checked before: when it is not true, the error names a wire.
    pub fn prove(&self, proof: &Proof, verifier: &Verifier, context: &Context) -> Result<ChunkProof, String> {
        let witness = self.target.set(proof, verifier, context)?;
        self.data.prove(witness).map_err(|error| error.to_string())
    }
}

/// *squeeze*, ready to prove.
pub(super) struct SqueezeLayer {
    pub data: CircuitData<F, C, D>,
    pub rows: usize,
    target: ProofWithPublicInputsTarget<D>,
}

impl SqueezeLayer {
    /// Builds it with a role's parameters over the circuit below, unless it is on the shelf.
    pub fn build(role: Role, below: &CircuitData<F, C, D>, shelf: &Shelf) -> Result<Self, BuildError> {
        let Framed { data, rows, target } = frame::build(role, SQUEEZE, shelf, |builder| {
            let (proof, values) = verify_below(builder, (&below.common, &below.verifier_only));
            builder.register_public_inputs(&values);
            proof
        })?;
        Ok(Self { data, rows, target })
    }

    /// Proves again what a proof of the circuit below says.
    pub fn prove(&self, below: &ChunkProof) -> Result<ChunkProof, String> {
        let mut witness = PartialWitness::new();
        witness.set_proof_with_pis_target(&self.target, below).map_err(|error| error.to_string())?;
        self.data.prove(witness).map_err(|error| error.to_string())
    }
}
