//! *shrink* itself: verifies the last layer over F, and is hashed over BN254's scalar field.
//!
//! Statement: the circuit below, a constant, accepts a proof whose public inputs are these 27 values.
//!
//! | from | what | checked |
//! | --- | --- | --- |
//! | witness | the proof below | by plonky2's verifier, with verifier data that are constants |
//! | the proof below | the 27 values | equal to the row of [`PublicValuesGate`](super::gate::PublicValuesGate) |
//! | verifier | four public inputs | nothing here: the verifier computes them from the values |

use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_data::CircuitData;
use plonky2::plonk::proof::{ProofWithPublicInputs, ProofWithPublicInputsTarget};
use plonky2::plonk::prover::prove;
use plonky2::util::timing::TimingTree;
use sheaf_circuits::hash::circuit::Builder;
use sheaf_circuits::hash::{C, D, F};
use sheaf_circuits::security::{Profile, Role};

use super::frame::{self, Framed};
use super::gate::{expose, with_values};
use super::layer::verify_below;
use super::shelf::Shelf;
use super::values::{PublicValues, PUBLIC_VALUES_LEN};
use super::verifier::{ShrinkProof, ShrinkVerifier};
use super::BuildError;
use crate::bn254::config::PUBLIC_INPUTS;
use crate::bn254::Bn254Config;
use crate::proof::ChunkProof;

/// The version of the statement, part of the circuit's domain separator.
pub(super) const NAME: &str = "shrink 1";

/// A plonky2 proof hashed over BN254's scalar field.
pub type Bn254Proof = ProofWithPublicInputs<F, Bn254Config, D>;

/// The four public inputs, which nothing in the circuit constrains, and the row of values.
pub(crate) fn expose_values(builder: &mut Builder, values: [Target; PUBLIC_VALUES_LEN]) -> [Target; PUBLIC_INPUTS] {
    assert_eq!(builder.num_public_inputs(), 0, "shrink has exactly four public inputs");
    expose(builder, values);
    let inputs = builder.add_virtual_target_arr();
    builder.register_public_inputs(&inputs);
    inputs
}

/// Proves a circuit of [`expose_values`] for these values. `witness` has everything but its public inputs.
pub(crate) fn prove_values(
    data: &CircuitData<F, Bn254Config, D>,
    inputs: [Target; PUBLIC_INPUTS],
    values: &PublicValues,
    mut witness: PartialWitness<F>,
) -> Result<Bn254Proof, String> {
    witness.set_target_arr(&inputs, &values.public_inputs()).map_err(|error| error.to_string())?;
    let common = with_values(&data.common, values);
    prove(&data.prover_only, &common, witness, &mut TimingTree::default()).map_err(|error| error.to_string())
}

/// The targets that take a witness.
pub(super) struct ShrinkTarget {
    below: ProofWithPublicInputsTarget<D>,
    inputs: [Target; PUBLIC_INPUTS],
}

/// *shrink*, ready to prove.
pub(super) struct ShrinkLayer {
    pub data: CircuitData<F, Bn254Config, D>,
    pub rows: usize,
    target: ShrinkTarget,
}

impl ShrinkLayer {
    /// Builds it over the last squeeze, or a circuit with its common data, unless it is on the shelf: half a minute of one core
    /// for the tree of its constants.
    pub fn build(below: &CircuitData<F, C, D>, shelf: &Shelf) -> Result<Self, BuildError> {
        let Framed { data, rows, target } = frame::build(Role::Shrink, NAME, shelf, |builder| {
            let (below, values) = verify_below(builder, (&below.common, &below.verifier_only));
            ShrinkTarget { below, inputs: expose_values(builder, values) }
        })?;
        Ok(Self { data, rows, target })
    }

    /// The verifier of its proofs, as those of a program of `profile`.
    pub fn verifier(&self, profile: Profile) -> ShrinkVerifier {
        let (common, verifier_only) = (self.data.common.clone(), self.data.verifier_only.clone());
        ShrinkVerifier::from_parts(profile, common, verifier_only)
    }

    /// Proves what a proof of the circuit below says: these values.
    pub fn prove(&self, below: &ChunkProof, values: &PublicValues) -> Result<ShrinkProof, String> {
        let mut witness = PartialWitness::new();
        witness.set_proof_with_pis_target(&self.target.below, below).map_err(|error| error.to_string())?;
        let proof = prove_values(&self.data, self.target.inputs, values, witness)?;
        Ok(ShrinkProof { values: *values, proof })
    }
}
