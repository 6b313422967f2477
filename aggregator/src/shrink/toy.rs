//! A small circuit with shrink's parameters, gates and way of exposing values, whose proofs take a second: for tests of
//! whatever verifies shrink proofs.

use std::sync::OnceLock;

use plonky2::field::types::Field;
use plonky2::fri::reduction_strategies::FriReductionStrategy;
use plonky2::gates::gate::GateRef;
use plonky2::gates::noop::NoopGate;
use plonky2::hash::poseidon::PoseidonHash;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::CircuitData;
use sheaf_circuits::hash::{D, F};
use sheaf_circuits::security::{Profile, Role};

use super::circuit::{expose_values, prove_values};
use super::values::{PublicValues, PUBLIC_VALUES_LEN};
use super::verifier::{verify_values, ShrinkProof, ShrinkVerifyError};
use crate::bn254::config::PUBLIC_INPUTS;
use crate::bn254::Bn254Config;

/// A circuit whose rule is: the last 4 of its 27 values are H of the 23 before.
pub(crate) struct ToyShrink {
    pub data: CircuitData<F, Bn254Config, D>,
    values: [Target; PUBLIC_VALUES_LEN],
    inputs: [Target; PUBLIC_INPUTS],
}

/// Values that are hashed.
const FREE: usize = PUBLIC_VALUES_LEN - 4;

impl ToyShrink {
    /// A toy of 2^`degree_bits` rows, at least 5, whose proofs are folded by 2^`arity_bits`, with `gates` in its list
    /// besides those that it uses: shrink's, to have all that shrink has.
    pub fn build(degree_bits: usize, arity_bits: &[usize], gates: &[GateRef<F, D>]) -> Self {
        let mut config = Profile::Fast.circuit_config(Role::Shrink);
        config.fri_config.reduction_strategy = FriReductionStrategy::Fixed(arity_bits.to_vec());
        let mut builder = CircuitBuilder::new(config);
        gates.iter().for_each(|gate| builder.add_gate_to_gate_set(gate.clone()));
        let values: [Target; PUBLIC_VALUES_LEN] = builder.add_virtual_target_arr();
        let hash = builder.hash_n_to_hash_no_pad::<PoseidonHash>(values[..FREE].to_vec());
        for (value, element) in values[FREE..].iter().zip(hash.elements) {
            builder.connect(*value, element);
        }
        let inputs = expose_values(&mut builder, values);
        while builder.num_gates() <= 1 << (degree_bits - 1) {
            builder.add_gate(NoopGate, vec![]);
        }
        let data = builder.build();
        assert_eq!(data.common.degree_bits(), degree_bits);
        Self { data, values, inputs }
    }

    /// The toy of 2^6 rows, folded by 4 and 2, built once. The caps of its first trees are singles, and of the second
    /// folding pairs, as shrink's are.
    pub fn get() -> &'static Self {
        static TOY: OnceLock<ToyShrink> = OnceLock::new();
        TOY.get_or_init(|| Self::build(6, &[2, 1], &[]))
    }

    /// A proof of `Self::values(1)`, made once.
    pub fn proof() -> &'static ShrinkProof {
        static PROOF: OnceLock<ShrinkProof> = OnceLock::new();
        PROOF.get_or_init(|| Self::get().prove(&Self::values(1)).unwrap())
    }

    /// Values that follow the rule.
    pub fn values(seed: u64) -> PublicValues {
        use plonky2::plonk::config::Hasher;
        let mut values = std::array::from_fn(|i| F::from_canonical_u64(seed * 1000 + i as u64));
        let hash = PoseidonHash::hash_no_pad(&values[..FREE]);
        values[FREE..].copy_from_slice(&hash.elements);
        PublicValues(values)
    }

    pub fn prove(&self, values: &PublicValues) -> Result<ShrinkProof, String> {
        self.prove_claiming(values, values)
    }

    /// A proof for the wires of `values` that claims others.
    pub fn prove_claiming(&self, values: &PublicValues, claimed: &PublicValues) -> Result<ShrinkProof, String> {
        let mut witness = PartialWitness::new();
        witness.set_target_arr(&self.values, &values.0).map_err(|error| error.to_string())?;
        let proof = prove_values(&self.data, self.inputs, claimed, witness)?;
        Ok(ShrinkProof { values: *claimed, proof })
    }

    pub fn verify(&self, proof: &ShrinkProof) -> Result<(), ShrinkVerifyError> {
        verify_values(&self.data.common, &self.data.verifier_only, proof)
    }
}
