//! The whole verifier, on proofs of a small circuit that has shrink's gates.

use std::fmt::Write;
use std::sync::LazyLock;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, BigInteger, Field as _, PrimeField};
use plonky2::field::types::{Field, PrimeField64};
use plonky2::fri::reduction_strategies::FriReductionStrategy;
use plonky2::fri::FriConfig;
use plonky2::gates::noop::NoopGate;
use plonky2::hash::poseidon::PoseidonHash;
use plonky2::iop::challenger::Challenger;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::{CircuitConfig, CircuitData, VerifierCircuitData};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest as _, Sha256};
use sheaf_circuits::availability::FExt;
use sheaf_circuits::hash::{D, F};

use super::circuit::{constrain, Verifier, Wrapped};
use super::extension::Extension;
use super::field::{Residue, Residues};
use super::hash::Hashes;
use super::r1cs::{Linear, R1cs};
use super::shape::{self, ShapeDiffers};
use super::vanishing::{Challenges, Openings};
use crate::bn254::hasher::hash_scalars;
use crate::bn254::{Bn254Config, Bn254Hash, Node};
use crate::pins::pin;
use crate::shrink::circuit::{expose_values, prove_values, Bn254Proof};
use crate::shrink::exit::tests as exit;
use crate::shrink::gate::with_values;
use crate::shrink::tests::{shrink, shrink_common, shrunk};
use crate::shrink::values::PUBLIC_VALUES_LEN;
use crate::shrink::{PublicValues, ShrinkProof};

struct Toy {
    data: CircuitData<F, Bn254Config, D>,
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
    let exposed = builder.add_virtual_target_arr();
    let public_inputs = expose_values(&mut builder, exposed);
    let inputs = exposed[..4].to_vec();
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
    let mut values: [F; PUBLIC_VALUES_LEN] = std::array::from_fn(|i| F::from_canonical_usize(i * 1000 + 5));
    values[12] = -F::TWO;
    let values = PublicValues(values);
    let mut witness = PartialWitness::new();
    witness.set_target_arr(&exposed, &values.0).unwrap();
    let proof = prove_values(&data, public_inputs, &values, witness).unwrap();
    let toy = Toy { data, proof: ShrinkProof { values, proof } };
    assert!(toy.verifies(&toy.proof.proof));
    toy
});

impl Toy {
    /// The first of each of plonk's challenges, and FRI's, as plonky2's challenger draws them.
    fn native_challenges(&self) -> (Vec<F>, [FExt; 3]) {
        let proof = &self.proof.proof.proof;
        let mut challenger = Challenger::<F, Bn254Hash>::new();
        self.data.common.fri_params.observe(&mut challenger);
        challenger.observe_hash::<Bn254Hash>(self.data.verifier_only.circuit_digest);
        challenger.observe_elements(&self.proof.proof.public_inputs);
        challenger.observe_cap::<Bn254Hash>(&proof.wires_cap);
        let (betas, gammas) = (challenger.get_n_challenges(3), challenger.get_n_challenges(3));
        challenger.observe_cap::<Bn254Hash>(&proof.plonk_zs_partial_products_cap);
        let alphas = challenger.get_n_challenges(3);
        challenger.observe_cap::<Bn254Hash>(&proof.quotient_polys_cap);
        let zeta = challenger.get_extension_challenge::<D>();
        let openings = &proof.openings;
        for values in [
            &openings.constants,
            &openings.plonk_sigmas,
            &openings.wires,
            &openings.plonk_zs,
            &openings.partial_products,
            &openings.quotient_polys,
            &openings.plonk_zs_next,
        ] {
            challenger.observe_extension_elements::<D>(values);
        }
        let alpha = challenger.get_extension_challenge::<D>();
        let [first, second] = [0, 1].map(|layer| {
            challenger.observe_cap::<Bn254Hash>(&proof.opening_proof.commit_phase_merkle_caps[layer]);
            challenger.get_extension_challenge::<D>()
        });
        (vec![betas[0], gammas[0], alphas[0], zeta.0[0]], [alpha, first, second])
    }

    /// What plonky2 says of a proof of the toy's values.
    fn verifies(&self, proof: &Bn254Proof) -> bool {
        let common = with_values(&self.data.common, &self.proof.values);
        VerifierCircuitData { verifier_only: self.data.verifier_only.clone(), common }.verify(proof.clone()).is_ok()
    }

    fn wrapped<'a>(&'a self, proof: &'a ShrinkProof) -> Wrapped<'a> {
        Wrapped { common: &self.data.common, verifier_only: &self.data.verifier_only, proof }
    }
}

/// The parts of the constraints that do not hold, each once.
fn failing(r1cs: &R1cs) -> Vec<String> {
    parts_once(r1cs.unsatisfied())
}

static HASHES: LazyLock<Hashes> = LazyLock::new(Hashes::default);
/// The verifier of the honest proof, before it checks anything.
static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| Verifier::new(&TOY.wrapped(&TOY.proof), &HASHES));

/// What fails of the checks that `tamper` sees to after it changed something.
fn failing_after(tamper: &dyn Fn(&mut Verifier)) -> Vec<String> {
    let mut verifier = VERIFIER.clone();
    let first = verifier.field.r1cs.constraints();
    tamper(&mut verifier);
    parts_once(verifier.finish().unsatisfied_since(first))
}

fn parts_once(parts: Vec<(String, usize)>) -> Vec<String> {
    let mut parts: Vec<String> = parts.into_iter().map(|(part, _)| part).collect();
    parts.sort();
    parts.dedup();
    parts
}

/// The same residue plus one, as the prover's own choice.
fn changed(field: &mut Residues, residue: &Residue) -> Residue {
    let value = field.value(residue) + F::ONE;
    field.witness(value)
}

fn change(field: &mut Residues, extension: &mut Extension) {
    extension.0[0] = changed(field, &extension.0[0]);
}

/// The constraints of an honest proof, satisfied.
pub(crate) fn toy() -> R1cs {
    constrain(&TOY.wrapped(&TOY.proof)).unwrap()
}

#[test]
fn an_honest_proof_satisfies_the_wrap() {
    let r1cs = constrain(&TOY.wrapped(&TOY.proof)).unwrap();
    assert_eq!(failing(&r1cs), [""; 0]);
    assert_eq!(public_input(&TOY), r1cs.public());
    // No variable is free: with any of them changed, a constraint it is in fails.
    let mut rows: Vec<Vec<u32>> = vec![vec![]; r1cs.variables()];
    for row in 0..r1cs.constraints() {
        for matrix in 0..3 {
            for (variable, _) in r1cs.row(matrix, row) {
                rows[variable.index()].push(row as u32);
            }
        }
    }
    let mut assignment = r1cs.assignment().to_vec();
    for variable in 1..r1cs.variables() {
        assignment[variable] += Fr::ONE;
        let fails = |row: &u32| !r1cs.holds(*row as usize, &assignment);
        assert!(rows[variable].iter().any(fails), "variable {variable} is free");
        assignment[variable] -= Fr::ONE;
    }
}

/// Constraints of the wrap, part by part.
#[test]
fn the_wrap_of_shrink_is_as_pinned() {
    let r1cs = shape::constraints(&shrink_common());
    let mut parts = r1cs.parts();
    parts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut text = String::new();
    for (part, count) in &parts {
        writeln!(text, "{count:>9}  {part}").unwrap();
    }
    writeln!(text, "{:>9}  constraints in all, {} variables", r1cs.constraints(), r1cs.variables()).unwrap();
    writeln!(text, "terms of the matrices: {:?}", r1cs.terms()).unwrap();
    pin("wrap.txt", &text);
    assert!(r1cs.constraints() < 1 << 21);
}

/// A real one, and the public input is what the contract computes of it.
#[test]
fn a_shrink_proof_satisfies_the_wrap() {
    let (verifier, proof) = (shrink().verifier(), shrunk());
    let r1cs = constrain(&Wrapped::new(verifier, proof)).unwrap();
    assert_eq!(failing(&r1cs), [""; 0]);
    assert!(r1cs.same_constraints(&shape::constraints(verifier.common())));

    let statement = proof.values.statement(verifier.program_id()).unwrap();
    assert_eq!(r1cs.public(), Fr::from_be_bytes_mod_order(&statement.public_input()));
}

/// One setup serves both programs, and what L1 forms of an exit is what is proven.
#[test]
fn an_exit_satisfies_the_wrap() {
    let (verifier, proof) = (exit::program().verifier(), exit::exited());
    let r1cs = constrain(&Wrapped::new(verifier, proof)).unwrap();
    assert_eq!(failing(&r1cs), [""; 0]);
    assert!(r1cs.same_constraints(&shape::constraints(&shrink_common())));
    assert_eq!(r1cs.public(), Fr::from_be_bytes_mod_order(&exit::statement().public_input()));
}

#[test]
fn constraints_do_not_depend_on_the_proof() {
    let honest = constrain(&TOY.wrapped(&TOY.proof)).unwrap();
    let empty = shape::constraints(&TOY.data.common);
    assert!(honest.same_constraints(&empty));
    assert!(!empty.unsatisfied().is_empty());
}

/// What L1 computes, with a SHA-256 of its own.
fn public_input(toy: &Toy) -> Fr {
    let mut bytes = Vec::new();
    let cap = toy.data.verifier_only.constants_sigmas_cap.0.iter().chain([&toy.data.verifier_only.circuit_digest]);
    let program: Vec<Fr> = cap
        .flat_map(|node| match *node {
            Node::Single(a) => vec![a],
            Node::Pair(a, b) => vec![a, b],
        })
        .collect();
    bytes.extend(hash_scalars(&program).into_bigint().to_bytes_be());
    let be = |value: F, bytes: usize| value.to_canonical_u64().to_be_bytes()[8 - bytes..].to_vec();
    for (value, width) in toy.proof.values.0.iter().zip([8, 4, 4, 4, 4, 4, 4, 4, 8]) {
        bytes.extend(be(*value, width));
    }
    for value in &toy.proof.values.0[9..21] {
        bytes.extend(value.to_canonical_u64().to_le_bytes());
    }
    for value in &toy.proof.values.0[21..] {
        bytes.extend(be(*value, 8));
    }
    assert_eq!(bytes.len(), 220);
    let mut hash = Sha256::digest(&bytes).to_vec();
    hash[0] &= 0x1f;
    Fr::from_be_bytes_mod_order(&hash)
}

/// Each challenge of plonk matters, and each kind of opening: with another one the quotient identity alone fails.
#[test]
fn another_challenge_or_opening_breaks_the_quotient() {
    let after = |tamper: &dyn Fn(&mut Verifier)| {
        failing_after(&|verifier| {
            tamper(verifier);
            verifier.check_quotient();
        })
    };
    assert_eq!(after(&|_| ()), [""; 0]);
    for i in 0..3 {
        type Elements = fn(&mut Challenges) -> &mut Vec<Residue>;
        let kinds: [(&str, Elements); 3] =
            [("beta", |c| &mut c.betas), ("gamma", |c| &mut c.gammas), ("alpha", |c| &mut c.alphas)];
        for (name, elements) in kinds {
            let tamper = |v: &mut Verifier| {
                let element = &mut elements(&mut v.challenges)[i];
                *element = changed(&mut v.field, element);
            };
            assert_eq!(after(&tamper), ["quotient"], "{name} {i}");
        }
    }
    assert_eq!(after(&|v| change(&mut v.field, &mut v.challenges.zeta)), ["quotient"], "zeta");
    type Values = fn(&mut Openings) -> &mut Vec<Extension>;
    let kinds: [(&str, Values); 7] = [
        ("constants", |o| &mut o.constants),
        ("sigmas", |o| &mut o.sigmas),
        ("wires", |o| &mut o.wires),
        ("zs", |o| &mut o.zs),
        ("zs next", |o| &mut o.zs_next),
        ("partial products", |o| &mut o.partial_products),
        ("quotients", |o| &mut o.quotients),
    ];
    for (name, values) in kinds {
        let count = values(&mut VERIFIER.openings.clone()).len();
        for i in [0, count / 2, count - 1] {
            let tamper = |v: &mut Verifier| change(&mut v.field, &mut values(&mut v.openings)[i]);
            assert_eq!(after(&tamper), ["quotient"], "{name} {i}");
        }
    }
    // The values are the gate's: one that is not the wire's is seen where the constraints meet.
    for i in [0, 8, 9, PUBLIC_VALUES_LEN - 1] {
        let tamper = |v: &mut Verifier| v.statement.change(&mut v.field, i);
        assert_eq!(after(&tamper), ["quotient"], "value {i}");
    }
    for i in 0..4 {
        let tamper = |v: &mut Verifier| v.public_inputs[i] = changed(&mut v.field, &v.public_inputs[i].clone());
        assert_eq!(after(&tamper), ["quotient"], "public input {i}");
    }
}

/// Each thing that FRI's queries depend on matters, and is caught where it should be.
#[test]
fn another_leaf_path_or_challenge_breaks_a_query() {
    let after = |tamper: &dyn Fn(&mut Verifier)| {
        failing_after(&|verifier| {
            tamper(verifier);
            verifier.check_queries();
        })
    };
    let path = ["leaves and paths"];
    let fold = ["folding"];
    assert_eq!(after(&|_| ()), [""; 0]);
    assert_eq!(after(&|v| change(&mut v.field, &mut v.alpha)), fold, "alpha");
    assert_eq!(after(&|v| change(&mut v.field, &mut v.challenges.zeta)), fold, "zeta");
    for i in 0..2 {
        assert_eq!(after(&|v| change(&mut v.field, &mut v.betas[i])), fold, "beta {i}");
    }
    assert_eq!(after(&|v| change(&mut v.field, &mut v.openings.wires[7])), fold, "opening at zeta");
    assert_eq!(after(&|v| change(&mut v.field, &mut v.openings.zs_next[2])), fold, "opening at the next row");
    for i in [0, 1] {
        assert_eq!(after(&|v| change(&mut v.field, &mut v.final_polynomial[i])), fold, "final polynomial {i}");
    }
    let both = ["folding", "leaves and paths"];
    for tree in 0..4 {
        let tamper = |v: &mut Verifier| {
            let value = &mut v.queries[1].initial[tree].leaf[0];
            *value = changed(&mut v.field, value);
        };
        assert_eq!(after(&tamper), both, "leaf of tree {tree}");
        let levels = VERIFIER.queries[1].initial[tree].siblings.len();
        for level in [0, 1, levels - 1] {
            let tamper = |v: &mut Verifier| {
                let sibling = &mut v.queries[1].initial[tree].siblings[level][0];
                *sibling = v.field.r1cs.allocate(Fr::from(7u64)).into();
            };
            assert_eq!(after(&tamper), path, "tree {tree}, level {level}");
        }
        let tamper = |v: &mut Verifier| {
            for node in &mut v.caps[tree] {
                node[0] = v.field.r1cs.allocate(Fr::from(7u64)).into();
            }
        };
        assert_eq!(after(&tamper), path, "cap of tree {tree}");
    }
    for layer in 0..2 {
        let tamper = |v: &mut Verifier| {
            for value in &mut v.queries[0].layers[layer].leaf {
                change(&mut v.field, value);
            }
        };
        assert_eq!(after(&tamper), both, "leaf of layer {layer}");
        let tamper = |v: &mut Verifier| {
            let sibling = &mut v.queries[0].layers[layer].siblings[0][0];
            *sibling = v.field.r1cs.allocate(Fr::from(7u64)).into();
        };
        assert_eq!(after(&tamper), path, "path of layer {layer}");
    }
    for bit in [0, 3, 4, 6, 7, 9, 10, 13] {
        let tamper = |v: &mut Verifier| {
            let flipped = &Linear::constant(Fr::ONE) - &v.indices[2][bit];
            v.indices[2][bit] = flipped;
        };
        assert!(!after(&tamper).is_empty(), "bit {bit} of an index");
    }
}

#[test]
fn too_little_work_is_refused() {
    let bits = &VERIFIER.response.bits;
    let zeros = bits.iter().rev().take_while(|bit| VERIFIER.field.r1cs.value(bit) == Fr::ZERO).count();
    assert!(zeros >= 5);
    let after = |zeros: usize| {
        failing_after(&|verifier| {
            verifier.response.bits.drain(64 - zeros..);
            verifier.check_work();
        })
    };
    assert_eq!(after(zeros), ["proof of work"]);
    assert_eq!(after(0), [""; 0]);
}

/// What is absorbed changes what is drawn, also where nothing else looks at it.
#[test]
fn the_transcript_sees_everything() {
    let drawn = |proof: &ShrinkProof| {
        let verifier = Verifier::new(&TOY.wrapped(proof), &HASHES);
        let Challenges { betas, gammas, alphas, zeta } = &verifier.challenges;
        let plonk: Vec<F> = [betas, gammas, alphas, &zeta.0.to_vec()]
            .into_iter()
            .map(|elements| verifier.field.value(&elements[0]))
            .collect();
        let fri = [&verifier.alpha, &verifier.betas[0], &verifier.betas[1]];
        let fri = fri.map(|challenge| verifier.field.extension_value(challenge));
        let indices: Vec<Fr> = verifier.indices.iter().flatten().map(|bit| verifier.field.r1cs.value(bit)).collect();
        (plonk, fri, indices)
    };
    let honest = drawn(&TOY.proof);
    let native = TOY.native_challenges();
    assert_eq!((&honest.0, &honest.1), (&native.0, &native.1));

    // For each place, the first challenge that it changes: of plonk's four, then FRI's three, then the indices.
    type Damage = fn(&mut Bn254Proof);
    let places: [(&str, usize, Damage); 9] = [
        ("wires cap", 0, |p| p.proof.wires_cap.0[15] = bumped(p.proof.wires_cap.0[15])),
        ("zs cap", 2, |p| {
            p.proof.plonk_zs_partial_products_cap.0[3] = bumped(p.proof.plonk_zs_partial_products_cap.0[3])
        }),
        ("quotient cap", 3, |p| p.proof.quotient_polys_cap.0[0] = bumped(p.proof.quotient_polys_cap.0[0])),
        ("opening", 4, |p| p.proof.openings.wires[100] += FExt::ONE),
        ("next opening", 4, |p| p.proof.openings.plonk_zs_next[2] += FExt::ONE),
        ("layer cap", 5, |p| {
            let node = &mut p.proof.opening_proof.commit_phase_merkle_caps[0].0[1];
            *node = bumped(*node);
        }),
        ("second layer's cap", 6, |p| {
            let node = &mut p.proof.opening_proof.commit_phase_merkle_caps[1].0[15];
            *node = bumped(*node);
        }),
        ("final polynomial", 7, |p| p.proof.opening_proof.final_poly.coeffs[0] += FExt::ONE),
        ("work", 7, |p| p.proof.opening_proof.pow_witness += F::ONE),
    ];
    let same = |other: &(Vec<F>, [FExt; 3], Vec<Fr>)| -> Vec<bool> {
        let plonk = honest.0.iter().zip(&other.0).map(|(a, b)| a == b);
        let fri = honest.1.iter().zip(&other.1).map(|(a, b)| a == b);
        plonk.chain(fri).chain([honest.2 == other.2]).collect()
    };
    for (name, first, damage) in places {
        let mut proof = TOY.proof.clone();
        damage(&mut proof.proof);
        let expected: Vec<bool> = (0..8).map(|i| i < first).collect();
        assert_eq!(same(&drawn(&proof)), expected, "{name}");
    }
    for i in [0, 1, 8, 9, 20, 21, PUBLIC_VALUES_LEN - 1] {
        let mut proof = TOY.proof.clone();
        proof.values.0[i] += F::ONE;
        assert_eq!(same(&drawn(&proof)), [false; 8], "value {i}");
    }
}

fn bumped(node: Node) -> Node {
    match node {
        Node::Single(a) => Node::Single(a + Fr::ONE),
        Node::Pair(a, b) => Node::Pair(a, b + Fr::ONE),
    }
}

fn shorten<T>(values: &mut Vec<T>) {
    values.pop();
}

/// A proof that lacks something, or has a node of the wrong kind, gives no constraints at all.
#[test]
fn proofs_of_another_shape_are_refused() {
    type Damage = fn(&mut Bn254Proof);
    let cases: [(Damage, &str, usize, usize); 11] = [
        (|p| p.public_inputs.truncate(3), "public inputs", 4, 3),
        (|p| shorten(&mut p.proof.wires_cap.0), "nodes in a cap", 16, 15),
        (|p| p.proof.wires_cap.0[3] = Node::Pair(Fr::ZERO, Fr::ZERO), "elements in a cap's node", 1, 2),
        (|p| p.proof.openings.quotient_polys.clear(), "quotients", 24, 0),
        (|p| shorten(&mut p.proof.openings.wires), "wires", 135, 134),
        (|p| shorten(&mut p.proof.opening_proof.commit_phase_merkle_caps), "layers' caps", 2, 1),
        (|p| p.proof.opening_proof.query_round_proofs.clear(), "queries", 3, 0),
        (|p| shorten(&mut p.proof.opening_proof.query_round_proofs[1].steps), "layers in a query", 2, 1),
        (|p| shorten(&mut p.proof.opening_proof.final_poly.coeffs), "coefficients of the final polynomial", 2, 1),
        (
            |p| shorten(&mut p.proof.opening_proof.query_round_proofs[0].initial_trees_proof.evals_proofs[2].0),
            "values in a leaf",
            15,
            14,
        ),
        (
            |p| shorten(&mut p.proof.opening_proof.query_round_proofs[2].steps[0].merkle_proof.siblings),
            "levels in a path",
            6,
            5,
        ),
    ];
    for (damage, what, expected, got) in cases {
        let mut proof = TOY.proof.clone();
        damage(&mut proof.proof);
        let refused = constrain(&TOY.wrapped(&proof)).err();
        assert_eq!(refused, Some(ShapeDiffers { what, expected, got }));
    }
}

/// Damaged at random, a proof is refused by plonky2 and by the wrap alike.
#[test]
fn the_wrap_agrees_with_plonky2_on_damaged_proofs() {
    let mut rng = ChaCha8Rng::seed_from_u64(254);
    for round in 0..12 {
        let mut proof = TOY.proof.clone();
        let name = damage(&mut proof.proof, &mut rng, round);
        let native = TOY.verifies(&proof.proof);
        let wrap = failing(&constrain(&TOY.wrapped(&proof)).unwrap()).is_empty();
        assert_eq!((native, wrap), (false, false), "{name}");
    }
}

fn damage(proof: &mut Bn254Proof, rng: &mut ChaCha8Rng, round: usize) -> &'static str {
    let fri = &mut proof.proof.opening_proof;
    let query = rng.gen_range(0..fri.query_round_proofs.len());
    let initial = &mut fri.query_round_proofs[query].initial_trees_proof.evals_proofs[rng.gen_range(0..4)];
    match round % 6 {
        0 => {
            let leaf = rng.gen_range(0..initial.0.len());
            initial.0[leaf] += F::from_canonical_u64(rng.gen_range(1..1 << 40));
            "a leaf"
        }
        1 => {
            let level = rng.gen_range(0..initial.1.siblings.len());
            initial.1.siblings[level] = bumped(initial.1.siblings[level]);
            "a path"
        }
        2 => {
            let step = &mut fri.query_round_proofs[query].steps[rng.gen_range(0..2)];
            let value = rng.gen_range(0..step.evals.len());
            step.evals[value] += FExt::ONE;
            "a layer's leaf"
        }
        3 => {
            fri.pow_witness += F::from_canonical_u64(rng.gen_range(1..1 << 40));
            "the work"
        }
        4 => {
            let wires = &mut proof.proof.openings.wires;
            let wire = rng.gen_range(0..wires.len());
            wires[wire] += FExt::ONE;
            "an opening"
        }
        _ => {
            let coefficient = rng.gen_range(0..fri.final_poly.coeffs.len());
            fri.final_poly.coeffs[coefficient] += FExt::ONE;
            "the final polynomial"
        }
    }
}
