//! What signatures cost: evaluating their gates' constraints, filling their rows, proving a hundred.

use std::hint::black_box;

use criterion::{criterion_group, criterion_main, Criterion};
use plonky2::field::types::{Field, Sample};
use plonky2::gates::gate::Gate;
use plonky2::gates::poseidon::PoseidonGate;
use plonky2::hash::hash_types::HashOut;
use plonky2::hash::poseidon::PoseidonHash;
use plonky2::iop::generator::generate_partial_witness;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::{CircuitConfig, CircuitData};
use plonky2::plonk::vars::EvaluationVarsBaseBatch;
use sheaf_circuits::gates::custom::AsGate;
use sheaf_circuits::gates::signature::SignatureGate;
use sheaf_circuits::gates::signature_ends::SignatureEndsGate;
use sheaf_circuits::hash::{Digest, C, D, F};
use sheaf_circuits::signature::circuit::{verify_signature, SignatureTarget, ROWS};
use sheaf_circuits::signature::SecretKey;

const SIGNATURES: usize = 100;
/// The batch in which plonky2's prover evaluates gates.
const POINTS: usize = 32;

/// One gate at a batch of points; plonky2's Poseidon gate for comparison.
fn constraints(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group(format!("constraints at {POINTS} points"));
    let gates: [(&str, Box<dyn Gate<F, D>>); 3] = [
        ("signature", Box::new(AsGate(SignatureGate))),
        ("signature ends", Box::new(AsGate(SignatureEndsGate))),
        ("poseidon", Box::new(PoseidonGate::new())),
    ];
    for (name, gate) in gates {
        let wires = F::rand_vec(gate.num_wires() * POINTS);
        let vars = EvaluationVarsBaseBatch::new(POINTS, &[], &wires, &HashOut::ZERO);
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(gate.eval_unfiltered_base_batch(black_box(vars))));
        });
    }
}

type Slot = ([Target; 4], SignatureTarget);

fn circuit() -> (CircuitData<F, C, D>, Vec<Slot>) {
    let mut builder = CircuitBuilder::new(CircuitConfig::standard_recursion_config());
    let slots = (0..SIGNATURES)
        .map(|_| {
            let message = builder.add_virtual_target_arr();
            let public_key = builder.add_virtual_target_arr();
            (message, verify_signature(&mut builder, public_key, message))
        })
        .collect();
    (builder.build(), slots)
}

fn inputs(slots: &[Slot]) -> PartialWitness<F> {
    let mut witness = PartialWitness::new();
    for (i, (message, target)) in slots.iter().enumerate() {
        let secret = SecretKey::from_seed(&[i as u8; 32]);
        let digest = Digest([F::from_canonical_usize(i); 4]);
        witness.set_target_arr(message, &digest.0).expect("not set before");
        target.set(&mut witness, secret.public(), &secret.sign(digest)).expect("not set before");
    }
    witness
}

fn proofs(criterion: &mut Criterion) {
    let (data, slots) = circuit();
    let inputs = inputs(&slots);
    let mut group = criterion.benchmark_group(format!("{SIGNATURES} signatures"));
    group.sample_size(10);
    group.bench_function("witness", |bencher| {
        bencher.iter(|| generate_partial_witness(inputs.clone(), &data.prover_only, &data.common).expect("valid"));
    });
    group.bench_function("proof", |bencher| {
        bencher.iter(|| data.prove(inputs.clone()).expect("valid"));
    });
}

/// A circuit of as many rows without Sheaf's gates: what the rows cost whatever is in them.
fn baseline(criterion: &mut Criterion) {
    let mut builder = CircuitBuilder::<F, D>::new(CircuitConfig::standard_recursion_config());
    let mut hash = builder.constant_hash(HashOut::ZERO);
    for _ in 0..SIGNATURES * ROWS {
        hash = builder.hash_n_to_hash_no_pad::<PoseidonHash>(hash.elements.to_vec());
    }
    let data = builder.build::<C>();
    let mut group = criterion.benchmark_group("as many rows of Poseidon");
    group.sample_size(10);
    group.bench_function("proof", |bencher| {
        bencher.iter(|| data.prove(PartialWitness::new()).expect("no inputs"));
    });
}

criterion_group!(benches, constraints, proofs, baseline);
criterion_main!(benches);
