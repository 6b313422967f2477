//! One test for each thing that a prover might try. Each breaks one statement, past the native checks where there are
//! any, and sees proving or verifying fail.

use plonky2::field::types::Field;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_data::CircuitData;
use sheaf_circuits::hash::{C, D, F};
use sheaf_circuits::public_inputs::circuit::PublicInputsTarget;

use super::*;
use crate::allowed_set::{leaf, AllowedSet};
use crate::toy::follow_rule;

/// A change to what the right neighbour says that breaks one rule of joining, and its error.
type Breakage = (&'static str, fn(&mut PublicInputs), fn(&JoinError) -> bool);

const BREAKAGES: [Breakage; 7] = [
    ("root", |says| says.pre_root.0[3] += F::ONE, |error| matches!(error, JoinError::Root { .. })),
    ("daCommit", |says| says.da_commit_in.0[0] += F::ONE, |error| matches!(error, JoinError::DaCommit { .. })),
    ("L1 evaluation", |says| says.l1_in.0[1] += F::ONE, |error| matches!(error, JoinError::L1 { .. })),
    ("L2 evaluation", |says| says.l2_in.0[0] += F::ONE, |error| matches!(error, JoinError::L2 { .. })),
    ("z", |says| says.z.0[1] += F::ONE, |error| matches!(error, JoinError::Z { .. })),
    ("context", |says| says.context.0[2] += F::ONE, |error| matches!(error, JoinError::Context { .. })),
    ("set", |says| says.allowed_set.0[1] += F::ONE, |error| matches!(error, JoinError::AllowedSet { .. })),
];

/// The proof of a join, past the native checks, if the circuit makes one that verifies.
fn join_unchecked(children: [Child; 2], set: &AllowedSet) -> Option<ChunkProof> {
    let recursion = &Fixture::get().recursion;
    let join = recursion.join_circuit().unwrap();
    let proof = join.prove(children, set).ok()?;
    let (verifier_only, common) = (join.verifier_only().clone(), recursion.verifier().shape().common().clone());
    VerifierCircuitData { verifier_only, common }.verify(proof.clone()).is_ok().then_some(proof)
}

/// A proof of the honest lift, as a child.
fn honest(proof: &Proof) -> Child<'_> {
    let circuit = Fixture::get().recursion.verifier().circuit(proof.circuit).unwrap();
    Child { proof: &proof.proof, circuit, index: proof.circuit }
}

#[test]
fn the_honest_case_passes_the_unchecked_way() {
    let (left, right) = Fixture::get().neighbours();
    assert!(join_unchecked([honest(left), honest(right)], Fixture::get().recursion.verifier().set()).is_some());
}

#[test]
fn lifting_or_joining_what_are_no_neighbours_is_refused() {
    let fixture = Fixture::get();
    let Fixture { recursion, toys } = fixture;
    let run = fixture.run(2);
    let (left, _) = fixture.neighbours();
    let left_chunk = toys[SMALL].prove(&run[0]);
    let (one, two) = (recursion.lift_circuit(SMALL, 1).unwrap(), recursion.lift_circuit(SMALL, 2).unwrap());
    for (rule, break_it, is_its_error) in BREAKAGES {
        let mut says = run[1];
        break_it(&mut says);
        follow_rule(&mut says);
        assert!(is_its_error(&run[0].join(&says).unwrap_err()), "{rule}: native");

        let chunk = toys[SMALL].prove(&says);
        assert!(two.prove(&[&left_chunk, &chunk]).is_err(), "{rule}: lift of two");

        let index = CircuitIndex::lift(SMALL, 1);
        let right = Proof { profile: Profile::Fast, circuit: index, proof: one.prove(&[&chunk]).unwrap() };
        assert!(join_unchecked([honest(left), honest(&right)], recursion.verifier().set()).is_none(), "{rule}: join");
        if rule != "set" {
            assert!(matches!(recursion.join(left, &right), Err(ProveError::NotNeighbours(e)) if is_its_error(&e)));
            assert!(
                matches!(recursion.lift(SMALL, &[&left_chunk, &chunk]), Err(ProveError::NotNeighbours(e)) if is_its_error(&e))
            );
        } else {
            assert!(matches!(recursion.join(left, &right), Err(ProveError::Child { side: "right", .. })));
        }
    }
}

#[test]
fn neighbours_in_the_wrong_order_are_refused() {
    let (left, right) = Fixture::get().neighbours();
    assert!(matches!(Fixture::get().recursion.join(right, left), Err(ProveError::NotNeighbours(_))));
}

/// A circuit in the common shape that says whatever it is told.
struct Liar {
    data: CircuitData<F, C, D>,
    inputs: PublicInputsTarget,
}

impl Liar {
    fn build() -> Self {
        let shape = Fixture::get().recursion.verifier().shape();
        let mut builder = shape.builder();
        let inputs = PublicInputsTarget::new_registered(&mut builder);
        let data = shape.build(builder, Role::Lift, "liar").unwrap().data;
        assert_eq!(&data.common, shape.common(), "nothing but its constants and wiring gives it away");
        Self { data, inputs }
    }

    fn prove(&self, says: &PublicInputs) -> ChunkProof {
        let mut witness = PartialWitness::new();
        witness.set_target_arr(&self.inputs.to_elements(), &says.to_elements()).unwrap();
        self.data.prove(witness).unwrap()
    }
}

#[test]
fn a_circuit_that_is_not_in_the_set_is_refused() {
    let fixture = Fixture::get();
    let verifier = fixture.recursion.verifier();
    let (_, right) = fixture.neighbours();
    let liar = Liar::build();
    let proof = liar.prove(&fixture.run(1)[0]);
    for index in [CircuitIndex::lift(SMALL, 1), CircuitIndex::JOIN, CircuitIndex::new(31).unwrap()] {
        let child = Child { proof: &proof, circuit: &liar.data.verifier_only, index };
        assert!(join_unchecked([child, honest(right)], verifier.set()).is_none());
        let claimed = Proof { profile: Profile::Fast, circuit: index, proof: proof.clone() };
        assert!(verifier.verify(&claimed).is_err());
    }
}

#[test]
fn a_set_of_ones_own_is_carried_to_the_top_and_refused_there() {
    let fixture = Fixture::get();
    let verifier = fixture.recursion.verifier();
    let liar = Liar::build();
    let join = fixture.recursion.join_circuit().unwrap();
    // The forger's set: the honest join, and the liar where the lift is.
    let set = AllowedSet::new([Some(join.verifier_only()), Some(&liar.data.verifier_only)]);
    let run = run_of_chunks(set.root(), 2);
    let index = CircuitIndex::lift(SMALL, 1);
    let proofs = [&run[0], &run[1]].map(|says| liar.prove(says));
    let child = |proof| Child { proof, circuit: &liar.data.verifier_only, index };
    let proof = join_unchecked([child(&proofs[0]), child(&proofs[1])], &set).expect("by its own set it is right");
    let forged = Proof { profile: Profile::Fast, circuit: CircuitIndex::JOIN, proof };
    let (expected, got) = (verifier.set().root(), set.root());
    assert_eq!(verifier.verify(&forged), Err(VerifyError::AllowedSet { expected, got }));
}

#[test]
fn a_cap_of_ones_own_under_an_honest_digest_is_refused() {
    let fixture = Fixture::get();
    let verifier = fixture.recursion.verifier();
    let (_, right) = fixture.neighbours();
    let mut liar = Liar::build();
    let index = CircuitIndex::lift(SMALL, 1);
    let honest_lift = verifier.circuit(index).unwrap();
    liar.data.prover_only.circuit_digest = honest_lift.circuit_digest;
    liar.data.verifier_only.circuit_digest = honest_lift.circuit_digest;
    let proof = liar.prove(&fixture.run(1)[0]);
    // This is why a leaf has both: plonky2 takes the pair.
    assert!(liar.data.verify(proof.clone()).is_ok());
    assert_ne!(leaf(&liar.data.verifier_only), leaf(honest_lift));
    let child = Child { proof: &proof, circuit: &liar.data.verifier_only, index };
    assert!(join_unchecked([child, honest(right)], verifier.set()).is_none());
    assert!(verifier.verify(&Proof { profile: Profile::Fast, circuit: index, proof }).is_err());
}

#[test]
fn a_proof_under_another_circuit_of_the_set_is_refused() {
    let verifier = Fixture::get().recursion.verifier();
    let (left, right) = Fixture::get().neighbours();
    let relabelled = Proof { circuit: CircuitIndex::JOIN, ..left.clone() };
    assert!(matches!(verifier.verify(&relabelled), Err(VerifyError::Plonky2(_))));
    assert!(join_unchecked([honest(&relabelled), honest(right)], verifier.set()).is_none());
    let unused = Proof { circuit: CircuitIndex::lift(LARGE, 2), ..left.clone() };
    assert_eq!(verifier.verify(&unused), Err(VerifyError::Circuit { index: unused.circuit.get() }));
}

#[test]
fn a_changed_public_input_is_refused() {
    let fixture = Fixture::get();
    let verifier = fixture.recursion.verifier();
    let (left, right) = fixture.neighbours();
    for position in 0..left.proof.public_inputs.len() {
        for proof in [left, right] {
            let mut changed = proof.clone();
            changed.proof.public_inputs[position] += F::ONE;
            assert!(verifier.verify(&changed).is_err(), "position {position}");
        }
    }
    // In the circuit: only positions that neighbours do not share, so that nothing else is broken.
    for position in sheaf_circuits::public_inputs::PRE_ROOT {
        let mut changed = left.clone();
        changed.proof.public_inputs[position] += F::ONE;
        assert!(join_unchecked([honest(&changed), honest(right)], verifier.set()).is_none(), "position {position}");
    }
    let mut chunk = fixture.toys[SMALL].prove(&fixture.run(1)[0]);
    chunk.public_inputs[0] += F::ONE;
    assert!(matches!(fixture.recursion.lift(SMALL, &[&chunk]), Err(ProveError::Chunk(_))));
    assert!(fixture.recursion.lift_circuit(SMALL, 1).unwrap().prove(&[&chunk]).is_err());
}

#[test]
fn a_changed_opening_is_refused() {
    let verifier = Fixture::get().recursion.verifier();
    let (left, right) = Fixture::get().neighbours();
    let mut changed = left.clone();
    changed.proof.proof.openings.wires[0].0[0] += F::ONE;
    assert!(matches!(verifier.verify(&changed), Err(VerifyError::Plonky2(_))));
    assert!(join_unchecked([honest(&changed), honest(right)], verifier.set()).is_none());
}

#[test]
fn a_proof_with_a_folding_too_few_is_refused() {
    let verifier = Fixture::get().recursion.verifier();
    let mut changed = Fixture::get().neighbours().0.clone();
    changed.proof.proof.opening_proof.commit_phase_merkle_caps.pop();
    assert!(matches!(verifier.verify(&changed), Err(VerifyError::Plonky2(_))));
}

#[test]
fn a_proof_of_another_profile_is_refused() {
    let verifier = Fixture::get().recursion.verifier();
    let changed = Proof { profile: Profile::Proven, ..Fixture::get().neighbours().0.clone() };
    let refused = VerifyError::Profile { expected: Profile::Fast, got: Profile::Proven };
    assert_eq!(verifier.verify(&changed), Err(refused));
    let _ = Digest::ZERO;
}
