//! The whole verifier, on proofs of a small circuit that has shrink's gates.

use std::sync::LazyLock;

use plonky2::field::types::Field;
use plonky2::fri::reduction_strategies::FriReductionStrategy;
use plonky2::fri::FriConfig;
use plonky2::gates::noop::NoopGate;
use plonky2::hash::poseidon::PoseidonHash;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::{CircuitConfig, CircuitData};
use sheaf_circuits::hash::{D, F};

use super::circuit::{constrain, ShrinkProof, Wrapped};
use super::r1cs::R1cs;
use super::statement::VALUES;
use crate::bn254::hasher::hash_elements;
use crate::bn254::packing::digits;
use crate::bn254::Bn254Config;

struct Toy {
    data: CircuitData<F, Bn254Config, D>,
    values: Vec<F>,
    proof: ShrinkProof,
}

fn config() -> CircuitConfig {
    CircuitConfig {
        num_routed_wires: 40,
        num_challenges: 3,
        security_bits: 1,
        fri_config: FriConfig {
            rate_bits: 6,
            cap_height: 4,
            proof_of_work_bits: 5,
            reduction_strategy: FriReductionStrategy::Fixed(vec![4, 3]),
            num_query_rounds: 3,
        },
        ..CircuitConfig::standard_recursion_config()
    }
}

static TOY: LazyLock<Toy> = LazyLock::new(|| {
    let mut builder = CircuitBuilder::<F, D>::new(config());
    let inputs = builder.add_virtual_targets(4);
    builder.register_public_inputs(&inputs);
    let hash = builder.hash_n_to_hash_no_pad::<PoseidonHash>(inputs.clone());
    let bits = builder.split_le(hash.elements[0], 64);
    let index = builder.le_sum(bits[..4].iter());
    let list = (0..16).map(|i| builder.constant(F::from_canonical_u64(i * i))).collect();
    let entry = builder.random_access(index, list);
    let mut extension = builder.convert_to_ext(entry);
    for _ in 0..5 {
        let square = builder.mul_extension(extension, extension);
        extension = builder.add_extension(square, extension);
    }
    let mut reducing = plonky2::util::reducing::ReducingFactorTarget::new(extension);
    let base = reducing.reduce_base(&hash.elements.repeat(6), &mut builder);
    let extensions = vec![base; 9];
    let point = reducing.reduce(&extensions, &mut builder);
    builder.mul_extension(point, point);
    while builder.num_gates() < 200 {
        builder.add_gate(NoopGate, vec![]);
    }
    let data = builder.build::<Bn254Config>();
    let mut values: Vec<F> = (0..VALUES as u64).map(|i| F::from_canonical_u64(i * 1000 + 5)).collect();
    values[12] = F::NEG_ONE;
    let mut witness = PartialWitness::new();
    for (target, value) in inputs.iter().zip(digits(hash_elements(&values))) {
        witness.set_target(*target, value).unwrap();
    }
    let proof = data.prove(witness).unwrap();
    data.verify(proof.clone()).unwrap();
    Toy { data, values, proof }
});

impl Toy {
    fn wrap(&self, proof: &ShrinkProof) -> R1cs {
        constrain(&Wrapped {
            common: &self.data.common,
            verifier_only: &self.data.verifier_only,
            values: &self.values,
            proof,
        })
    }
}

#[test]
fn an_honest_proof_satisfies_the_wrap() {
    for gate in &TOY.data.common.gates {
        println!("{} {} {}", gate.0.id(), gate.0.degree(), gate.0.num_constraints());
    }
    let start = std::time::Instant::now();
    let r1cs = TOY.wrap(&TOY.proof);
    println!("{:?}", start.elapsed());
    for (part, count) in r1cs.parts() {
        println!("{part}: {count}");
    }
    println!("{} constraints, {} variables, terms {:?}", r1cs.constraints(), r1cs.variables(), r1cs.terms());
    assert_eq!(r1cs.unsatisfied(), []);
}
