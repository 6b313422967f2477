//! Stand-ins for the chunk circuit, for tests: the same public inputs and parameters, any number of rows, and one rule.

use std::sync::OnceLock;

use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::types::Field;
use plonky2::gates::gate::GateRef;
use plonky2::gates::noop::NoopGate;
use plonky2::hash::poseidon::PoseidonHash;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::CircuitData;
use sheaf_circuits::hash::{hash_node, Digest, C, D, F};
use sheaf_circuits::public_inputs::circuit::PublicInputsTarget;
use sheaf_circuits::public_inputs::PublicInputs;
use sheaf_circuits::security::{Profile, Role};
use sheaf_circuits::separator;

use crate::lift::ChunkVerifier;
use crate::proof::{ChunkProof, Proof};
use crate::recursion::Recursion;

/// A circuit whose rule is: the post root is H of the pre root and the context.
pub struct ToyChunk {
    name: String,
    data: CircuitData<F, C, D>,
    inputs: PublicInputsTarget,
}

impl ToyChunk {
    /// A toy with only the gates that it uses.
    pub fn build(profile: Profile, degree_bits: usize) -> Self {
        Self::with_gates(profile, degree_bits, &[])
    }

    /// A toy whose rows may be these gates too, as a real chunk's may: each gate costs time on every row, and rows in
    /// the lift.
    pub fn with_gates(profile: Profile, degree_bits: usize, gates: &[GateRef<F, D>]) -> Self {
        let config = profile.circuit_config(Role::Chunk);
        let mut builder = CircuitBuilder::new(config.clone());
        gates.iter().for_each(|gate| builder.add_gate_to_gate_set(gate.clone()));
        let inputs = PublicInputsTarget::new_registered(&mut builder);
        let node = [inputs.pre_root, inputs.context].iter().flat_map(|hash| hash.elements).collect();
        let post_root = builder.hash_n_to_hash_no_pad::<PoseidonHash>(node);
        builder.connect_hashes(post_root, inputs.post_root);
        while builder.num_gates() <= 1 << (degree_bits - 1) {
            builder.add_gate(NoopGate, vec![]);
        }
        let name = format!("toy of 2^{degree_bits}");
        builder.set_domain_separator(separator::separator(Role::Chunk, &name, &config, &[]));
        let data = builder.build();
        assert_eq!(data.common.degree_bits(), degree_bits);
        Self { name, data, inputs }
    }

    pub fn verifier(&self) -> ChunkVerifier {
        ChunkVerifier {
            name: self.name.clone(),
            common: self.data.common.clone(),
            verifier_only: self.data.verifier_only.clone(),
        }
    }

    pub fn prove(&self, inputs: &PublicInputs) -> ChunkProof {
        let mut witness = PartialWitness::new();
        witness.set_target_arr(&self.inputs.to_elements(), &inputs.to_elements()).unwrap();
        self.data.prove(witness).unwrap()
    }
}

/// Sets the post root as the rule wants it.
pub fn follow_rule(inputs: &mut PublicInputs) {
    inputs.post_root = hash_node(inputs.pre_root, inputs.context);
}

/// What `count` chunks in a row say, each of which some [`ToyChunk`] can prove.
pub fn run_of_chunks(allowed_set: Digest, count: u64) -> Vec<PublicInputs> {
    let digest = |seed: u64| Digest([1, 2, 3, 4].map(|i| F::from_canonical_u64(1000 * seed + i)));
    let evaluation = |seed: u64| QuadraticExtension([2 * seed + 1, 2 * seed].map(F::from_canonical_u64));
    let context = digest(77);
    let mut pre_root = digest(1);
    (0..count)
        .map(|i| {
            let mut inputs = PublicInputs {
                pre_root,
                post_root: Digest::ZERO,
                da_commit_in: digest(i + 2),
                da_commit_out: digest(i + 3),
                z: evaluation(500),
                l1_in: evaluation(i),
                l1_out: evaluation(i + 1),
                l2_in: evaluation(100 + i),
                l2_out: evaluation(101 + i),
                context,
                allowed_set,
            };
            follow_rule(&mut inputs);
            pre_root = inputs.post_root;
            inputs
        })
        .collect()
}

/// Recursion over two toy shapes with the fast profile, built once.
pub struct Fixture {
    pub recursion: Recursion,
    pub toys: Vec<ToyChunk>,
}

/// The shape whose lifts take two chunks.
pub const SMALL: usize = 0;
/// The shape of which two chunks do not fit a lift.
pub const LARGE: usize = 1;

impl Fixture {
    pub fn get() -> &'static Self {
        static FIXTURE: OnceLock<Fixture> = OnceLock::new();
        FIXTURE.get_or_init(|| Self::build(Profile::Fast, &[10, 14]))
    }

    pub fn build(profile: Profile, degree_bits: &[usize]) -> Self {
        Self::of(profile, degree_bits.iter().map(|&bits| ToyChunk::build(profile, bits)).collect())
    }

    pub fn of(profile: Profile, toys: Vec<ToyChunk>) -> Self {
        let recursion = Recursion::build(profile, toys.iter().map(ToyChunk::verifier).collect()).unwrap();
        Self { recursion, toys }
    }

    /// What `count` chunks in a row say.
    pub fn run(&self, count: u64) -> Vec<PublicInputs> {
        run_of_chunks(self.recursion.verifier().set().root(), count)
    }

    /// A lift of chunks of the small shape.
    pub fn lift(&self, inputs: &[PublicInputs]) -> Proof {
        let proofs: Vec<_> = inputs.iter().map(|inputs| self.toys[SMALL].prove(inputs)).collect();
        self.recursion.lift(SMALL, &proofs.iter().collect::<Vec<_>>()).unwrap()
    }

    /// Proofs of two neighbours, made once: a lift and a join.
    pub fn neighbours(&self) -> &'static (Proof, Proof) {
        static PROOFS: OnceLock<(Proof, Proof)> = OnceLock::new();
        PROOFS.get_or_init(|| {
            let fixture = Self::get();
            let run = fixture.run(3);
            let right = fixture.recursion.join(&fixture.lift(&run[1..2]), &fixture.lift(&run[2..])).unwrap();
            (fixture.lift(&run[..1]), right)
        })
    }
}
