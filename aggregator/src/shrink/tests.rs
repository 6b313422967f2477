//! The layers after the join, over toy chunks with the fast profile; what can be shown on a small circuit is shown there.

use std::fmt::Write;
use std::sync::OnceLock;

use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOut;
use plonky2::hash::merkle_tree::MerkleCap;
use plonky2::plonk::circuit_data::VerifierOnlyCircuitData;
use sheaf_circuits::account::AccountIndex;
use sheaf_circuits::context::{ContractAddress, Domain};
use sheaf_circuits::hash::circuit::Builder;
use sheaf_circuits::hash::{Digest, C};
use sheaf_circuits::public_inputs::PublicInputs;
use sheaf_circuits::security::SHRINK_BITS;
use sheaf_prover::machine::cpu_seconds;

use super::layer::{verify_below, OpenTarget};
use super::toy::ToyShrink;
use super::values::PUBLIC_VALUES_LEN;
use super::*;
use crate::bn254::config::PUBLIC_INPUTS;
use crate::bn254::{Bn254Config, Node};
use crate::pins::pin;
use crate::shape::CommonShape;
use crate::toy::{follow_rule, run_of_chunks, Fixture, SMALL};

pub(crate) fn context() -> Context {
    Context {
        domain: Domain { chain_id: 1, contract: ContractAddress([7; 20]) },
        batch_number: 3,
        operator: AccountIndex::new(5).unwrap(),
        timestamp_s: 1_700_000_000,
    }
}

/// What a chunk that is a whole batch says, after `change`.
fn batch(change: impl FnOnce(&mut PublicInputs)) -> PublicInputs {
    let set = Fixture::get().recursion.verifier().set().root();
    let mut inputs = run_of_chunks(set, 1)[0];
    inputs.context = context().digest();
    inputs.da_commit_in = Digest::ZERO;
    inputs.l1_in = F::ONE.into();
    inputs.l2_in = F::ONE.into();
    change(&mut inputs);
    follow_rule(&mut inputs);
    inputs
}

/// The layers over the toy chunks, built once: half a minute of one core.
pub(crate) fn shrink() -> &'static Shrink {
    static SHRINK: OnceLock<Shrink> = OnceLock::new();
    SHRINK.get_or_init(|| Shrink::build(Fixture::get().recursion.verifier().clone()).unwrap())
}

/// A proof of a whole batch, made once.
fn lifted() -> &'static Proof {
    static PROOF: OnceLock<Proof> = OnceLock::new();
    PROOF.get_or_init(|| Fixture::get().lift(&[batch(|_| ())]))
}

/// What shrink makes of it, once.
pub(crate) fn shrunk() -> &'static ShrinkProof {
    static PROOF: OnceLock<ShrinkProof> = OnceLock::new();
    PROOF.get_or_init(|| shrink().prove(lifted(), &context()).unwrap())
}

/// Verifier data of no circuit.
fn stand_in(seed: u64) -> VerifierOnlyCircuitData<C, D> {
    let hash = |i: u64| HashOut { elements: std::array::from_fn(|j| F::from_canonical_u64(seed + 4 * i + j as u64)) };
    VerifierOnlyCircuitData { constants_sigmas_cap: MerkleCap((0..16).map(hash).collect()), circuit_digest: hash(16) }
}

/// A layer that was not built.
struct Unbuilt {
    role: Role,
    common: CommonCircuitData<F, D>,
    rows: usize,
}

/// All layers over a profile's proofs.
fn unbuilt(profile: Profile) -> Vec<Unbuilt> {
    let (first, rest) = roles(profile);
    let shape = CommonShape::find(profile).unwrap();
    let open = |builder: &mut Builder| OpenTarget::new(builder, shape.common(), Digest::ZERO);
    let (common, rows) = frame::common::<C, _>(first, open).unwrap();
    let mut layers = vec![Unbuilt { role: first, common, rows }];
    for &role in rest {
        let below = &layers.last().unwrap().common;
        let squeeze = |builder: &mut Builder| {
            let (_, values) = verify_below(builder, (below, &stand_in(role as u64 * 1000)));
            builder.register_public_inputs(&values);
        };
        let (common, rows) = frame::common::<C, _>(role, squeeze).unwrap();
        layers.push(Unbuilt { role, common, rows });
    }
    layers.push(unbuilt_shrink(&layers.last().unwrap().common, profile as u64));
    layers
}

/// Both layers of the exit program.
fn unbuilt_exit() -> Vec<Unbuilt> {
    let (common, rows) = frame::common::<C, _>(Role::Squeeze3, exit::add_framed).unwrap();
    let shrink = unbuilt_shrink(&common, 77);
    vec![Unbuilt { role: Role::Squeeze3, common, rows }, shrink]
}

/// Shrink over proofs with this common data.
fn unbuilt_shrink(below: &CommonCircuitData<F, D>, seed: u64) -> Unbuilt {
    let shrink = |builder: &mut Builder| {
        let (_, values) = verify_below(builder, (below, &stand_in(seed)));
        circuit::expose_values(builder, values)
    };
    let (common, rows) = frame::common::<Bn254Config, _>(Role::Shrink, shrink).unwrap();
    Unbuilt { role: Role::Shrink, common, rows }
}

/// Shrink's common data, without building it.
pub(crate) fn shrink_common() -> CommonCircuitData<F, D> {
    unbuilt(Profile::Fast).pop().expect("shrink is the last layer").common
}

#[test]
fn all_programs_end_in_the_same_shape() {
    let [proven, fast] = Profile::ALL.map(unbuilt);
    let exit = unbuilt_exit();
    let ends =
        |layers: &[Unbuilt]| layers[layers.len() - 2..].iter().map(|layer| layer.common.clone()).collect::<Vec<_>>();
    assert_eq!(ends(&proven), ends(&fast));
    assert_eq!(ends(&exit), ends(&fast));

    let mut text = format!("over fast: squeeze 3 {} rows, shrink {}\n", fast[0].rows, fast[1].rows);
    writeln!(text, "exit {} rows, shrink {}", exit[0].rows, exit[1].rows).unwrap();
    for Unbuilt { role, common, rows } in &proven {
        assert_eq!(frame::counts_of(*role, common), layer_counts(*role));
        let report = layer_counts(*role).report();
        assert!(report.proven_bits >= SHRINK_BITS as f64);
        writeln!(text, "\n{role}: {rows} rows of 2^{}, {report}", common.degree_bits()).unwrap();
    }
    let shrink = &proven.last().unwrap().common;
    assert_eq!(shrink.num_public_inputs, PUBLIC_INPUTS);
    writeln!(text, "shrink's gates").unwrap();
    for gate in &shrink.gates {
        let (constraints, degree, id) = (gate.0.num_constraints(), gate.0.degree(), gate.0.id());
        writeln!(text, "  {constraints} constraints of degree {degree}: {id}").unwrap();
    }
    writeln!(text, "{:?}, {} constants", shrink.selectors_info, shrink.num_constants).unwrap();
    pin("shrink.txt", &text);
}

#[test]
fn only_a_batch_in_its_context_opens() {
    let fixture = Fixture::get();
    let verifier = fixture.recursion.verifier();
    let open = &shrink().open;
    let prove = |inputs: PublicInputs, context: &Context| {
        let proof = fixture.lift(&[inputs]);
        (PublicValues::new(&inputs, context), open.prove(&proof, verifier, context))
    };

    let refused: [(&str, PublicInputs); 3] = [
        ("daCommit in", batch(|inputs| inputs.da_commit_in.0[2] = F::ONE)),
        ("L1 in", batch(|inputs| inputs.l1_in.0[1] = F::ONE)),
        ("L2 in", batch(|inputs| inputs.l2_in.0[0] = F::ZERO)),
    ];
    for (what, inputs) in refused {
        let (values, proof) = prove(inputs, &context());
        assert!(values.is_err(), "{what}, natively");
        assert!(proof.is_err(), "{what}, in the circuit");
    }

    // That the honest one opens is shown where it is shrunk.
    let (inputs, proof) = (batch(|_| ()), lifted().clone());
    for position in 0..Context::LEN {
        let mut other = context();
        match position {
            0 => other.domain.chain_id += 1,
            Context::BATCH_NUMBER => other.batch_number += 1,
            Context::TIMESTAMP => other.timestamp_s += 1,
            Context::OPERATOR => other.operator = AccountIndex::new(6).unwrap(),
            word => other.domain.contract.0[4 * (word - 1)] = 0,
        }
        assert!(PublicValues::new(&inputs, &other).is_err(), "element {position}, natively");
        assert!(open.prove(&proof, verifier, &other).is_err(), "element {position} of the context");
    }

    let other = Proof { circuit: crate::CircuitIndex::JOIN, ..proof.clone() };
    assert!(open.prove(&other, verifier, &context()).is_err(), "another circuit of the set");
    let circuit = |index| verifier.circuit(crate::CircuitIndex::new(index).unwrap()).cloned();
    let set = Verifier::new(verifier.shape().clone(), (0..3).map(circuit).collect());
    assert_ne!(set.set().root(), verifier.set().root());
    assert!(open.prove(&proof, &set, &context()).is_err(), "a member of another set");
    let mut inputs = batch(|inputs| inputs.allowed_set = set.set().root());
    follow_rule(&mut inputs);
    let lift = fixture.recursion.lift_circuit(SMALL, 1).unwrap();
    let foreign = Proof { proof: lift.prove(&[&fixture.toys[SMALL].prove(&inputs)]).unwrap(), ..proof };
    assert!(set.verify(&foreign).is_ok());
    for set in [verifier, &set] {
        assert!(open.prove(&foreign, set, &context()).is_err(), "a proof that names another set");
    }
}

#[test]
fn a_toy_proves_its_values_and_no_others() {
    let toy = ToyShrink::get();
    let values = ToyShrink::values(1);
    let proof = ToyShrink::proof().clone();
    toy.verify(&proof).unwrap();

    for i in 0..PUBLIC_VALUES_LEN {
        let mut other = proof.clone();
        other.values.0[i] += F::ONE;
        assert_eq!(toy.verify(&other), Err(ShrinkVerifyError::Values), "value {i}, the public inputs kept");
        other.proof.public_inputs = other.values.public_inputs().to_vec();
        assert!(matches!(toy.verify(&other), Err(ShrinkVerifyError::Plonky2(_))), "value {i}");
    }
    // The row of the gate is wired: what the circuit computed differently cannot be claimed.
    let mut wrong = values;
    wrong.0[PUBLIC_VALUES_LEN - 1] += F::ONE;
    assert!(toy.prove(&wrong).is_err());
    // Another proof's values are another transcript.
    let mut swapped = toy.prove(&ToyShrink::values(2)).unwrap();
    swapped.proof = proof.proof;
    assert_eq!(toy.verify(&swapped), Err(ShrinkVerifyError::Values));
}

/// The gate alone: values that differ from the row's wires break the quotient, and the proof does not verify.
#[test]
fn the_prover_cannot_claim_values_other_than_the_wires() {
    let toy = ToyShrink::get();
    let values = ToyShrink::values(1);
    let claimed = ToyShrink::values(2);
    // plonky2's prover does not notice: the quotient has as many coefficients as points.
    let proof = toy.prove_claiming(&values, &claimed).unwrap();
    assert!(matches!(toy.verify(&proof), Err(ShrinkVerifyError::Plonky2(_))));
    // Nor does it help to claim them only afterwards.
    let afterwards = ShrinkProof { values, ..proof };
    assert_eq!(toy.verify(&afterwards), Err(ShrinkVerifyError::Values));
}

#[test]
fn nodes_of_other_kinds_are_refused() {
    let toy = ToyShrink::get();
    let proof = ToyShrink::proof();
    let flip = |node: &mut Node| {
        *node = match *node {
            Node::Single(a) => Node::Pair(a, a),
            Node::Pair(a, _) => Node::Single(a),
        }
    };
    type Place = fn(&mut Bn254Proof) -> &mut Node;
    let changes: [(&str, Place); 4] = [
        ("cap", |proof| &mut proof.proof.wires_cap.0[3]),
        ("folding's cap", |proof| &mut proof.proof.opening_proof.commit_phase_merkle_caps[0].0[3]),
        ("path", |proof| {
            &mut proof.proof.opening_proof.query_round_proofs[2].initial_trees_proof.evals_proofs[1].1.siblings[4]
        }),
        ("folding's path", |proof| {
            &mut proof.proof.opening_proof.query_round_proofs[2].steps[0].merkle_proof.siblings[1]
        }),
    ];
    for (what, place) in changes {
        let mut other = proof.clone();
        flip(place(&mut other.proof));
        assert!(matches!(toy.verify(&other), Err(ShrinkVerifyError::Kinds(_))), "{what}");
    }
}

/// One full proof: the dearest test here.
#[test]
fn a_batch_is_shrunk_and_verifies() {
    let shrink = shrink();
    let roles: Vec<_> = shrink.layers().iter().map(|(role, _, rows)| (*role, *rows)).collect();
    assert_eq!(roles, [(Role::Squeeze3, 3987), (Role::Shrink, 3951)]);

    let error = shrink.prove(lifted(), &Context { batch_number: 4, ..context() }).unwrap_err();
    assert!(matches!(error, ShrinkError::NotABatch(NotABatch::Context { .. })));

    let inputs = batch(|_| ());
    let proof = shrunk();
    let verifier = shrink.verifier();
    verifier.verify(proof).unwrap();
    assert_eq!(proof.values, PublicValues::new(&inputs, &context()).unwrap());
    let program = "03fe03734bbf9465786cccc632fa860e8cda57d95cfdb013250402a2b3c75dee";
    assert_eq!(verifier.program_id().to_string(), program, "the program of the toy chunks, pinned");

    let bytes = proof.to_bytes(Profile::Fast);
    assert_eq!(bytes.len(), 210_036);
    assert_eq!(verifier.decode(&bytes).as_ref(), Ok(proof));
    damage(verifier, &bytes);
}

#[test]
#[ignore = "a measurement"]
fn measure_all_layers_of_the_proven_profile() {
    let mut last = cpu_seconds().unwrap();
    let mut lap = |what: &str| {
        let now = cpu_seconds().unwrap();
        println!("{what}: {:.1} CPU s", now - last);
        last = now;
    };
    let fixture = Fixture::build(Profile::Proven, &[10]);
    lap("recursion built");
    let verifier = fixture.recursion.verifier();
    let proof = fixture.lift(&[batch(|inputs| inputs.allowed_set = verifier.set().root())]);
    lap("lifted");
    let none = Shelf::default();
    let open = OpenLayer::build(Role::Squeeze1, verifier, &none).unwrap();
    lap(&format!("squeeze 1, {} rows, built", open.rows));
    let squeeze_2 = SqueezeLayer::build(Role::Squeeze2, &open.data, &none).unwrap();
    lap(&format!("squeeze 2, {} rows, built", squeeze_2.rows));
    let squeeze_3 = SqueezeLayer::build(Role::Squeeze3, &squeeze_2.data, &none).unwrap();
    lap(&format!("squeeze 3, {} rows, built", squeeze_3.rows));
    let proof = open.prove(&proof, verifier, &context()).unwrap();
    lap("squeeze 1 proven");
    let proof = squeeze_2.prove(&proof).unwrap();
    lap("squeeze 2 proven");
    let proof = squeeze_3.prove(&proof).unwrap();
    lap("squeeze 3 proven");
    let shrink = ShrinkLayer::build(&squeeze_3.data, &none).unwrap();
    lap(&format!("shrink, {} rows, built", shrink.rows));
    let values = PublicValues(proof.public_inputs.clone().try_into().unwrap());
    let proof = shrink.prove(&proof, &values).unwrap();
    lap("shrink proven");
    verifier::verify_values(&shrink.data.common, &shrink.data.verifier_only, &proof).unwrap();
    lap("verified");
}

/// Any byte changed, and the proof is refused: when it is read, or when it is verified.
fn damage(verifier: &ShrinkVerifier, bytes: &[u8]) {
    use rand::{Rng, SeedableRng};
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let (mut unread, mut invalid) = (0, 0);
    for i in 0..60 {
        let mut other = bytes.to_vec();
        let position = rng.gen_range(0..bytes.len());
        other[position] ^= if i % 2 == 0 { 1 << rng.gen_range(0..8) } else { rng.gen_range(1..=255) };
        match verifier.decode(&other) {
            Err(_) => unread += 1,
            Ok(proof) => {
                assert!(verifier.verify(&proof).is_err(), "byte {position} changed");
                invalid += 1;
            }
        }
    }
    assert!(unread > 0 && invalid > 0, "{unread} not read, {invalid} invalid");
    assert!(verifier.decode(&bytes[..bytes.len() - 1]).is_err());
    assert!(verifier.decode(&[bytes, &[0]].concat()).is_err());
}
