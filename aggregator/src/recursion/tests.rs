//! Behaviour of the whole, over toy chunks with the fast profile.

mod forgery;
mod pins;

use plonky2::field::types::Field;
use plonky2::plonk::circuit_builder::CircuitBuilder;
use sheaf_circuits::hash::{C, D, F};
use sheaf_circuits::security::Role;

use super::*;
use crate::proof::DecodeError;
use crate::toy::{run_of_chunks, Fixture, ToyChunk, LARGE, SMALL};

/// Folds proofs in a balanced tree.
fn fold(recursion: &Recursion, proofs: &[Proof]) -> Proof {
    match proofs {
        [proof] => proof.clone(),
        _ => {
            let (left, right) = proofs.split_at(proofs.len().div_ceil(2));
            recursion.join(&fold(recursion, left), &fold(recursion, right)).unwrap()
        }
    }
}

/// Lifts a run of chunks of the small shape two by two, folds, and compares with the native join.
fn check_tree(fixture: &Fixture, count: u64) -> Proof {
    let run = fixture.run(count);
    let lifts: Vec<_> = run.chunks(2).map(|inputs| fixture.lift(inputs)).collect();
    let proof = fold(&fixture.recursion, &lifts);
    let expected = run.iter().copied().reduce(|left, right| left.join(&right).unwrap()).unwrap();
    assert_eq!(fixture.recursion.verifier().verify(&proof), Ok(expected));
    proof
}

#[test]
fn one_two_three_and_five_chunks_become_one_proof() {
    let fixture = Fixture::get();
    assert_eq!(fixture.recursion.chunks_per_lift(SMALL), Ok(2));
    for count in [1, 2, 3, 5] {
        check_tree(fixture, count);
    }
}

#[test]
fn shapes_mix() {
    let fixture = Fixture::get();
    let Fixture { recursion, toys } = fixture;
    assert_eq!(recursion.chunks_per_lift(LARGE), Ok(1));
    let run = fixture.run(3);
    let left = fixture.lift(&run[..2]);
    let right = recursion.lift(LARGE, &[&toys[LARGE].prove(&run[2])]).unwrap();
    let proof = recursion.join(&left, &right).unwrap();
    let says = recursion.verifier().verify(&proof).unwrap();
    assert_eq!((says.start(), says.end()), (run[0].start(), run[2].end()));
}

#[test]
fn what_is_not_there_is_refused() {
    let Fixture { recursion, toys } = Fixture::get();
    let chunk = toys[SMALL].prove(&Fixture::get().run(1)[0]);
    assert_eq!(recursion.lift(2, &[&chunk]).err(), Some(ProveError::Shape { got: 2, shapes: 2 }));
    assert_eq!(recursion.lift(LARGE, &[&chunk, &chunk]).err(), Some(ProveError::LiftOf { got: 2, max: 1 }));
    assert_eq!(recursion.lift(SMALL, &[]).err(), Some(ProveError::LiftOf { got: 0, max: 2 }));
    assert!(matches!(recursion.lift(LARGE, &[&chunk]), Err(ProveError::Chunk(_))), "a chunk of another shape");
}

#[test]
fn a_chunk_that_names_another_set_is_refused() {
    let Fixture { recursion, toys } = Fixture::get();
    let expected = recursion.verifier().set().root();
    let got = Digest([F::ONE; 4]);
    let chunk = toys[SMALL].prove(&run_of_chunks(got, 1)[0]);
    assert_eq!(recursion.lift(SMALL, &[&chunk]).err(), Some(ProveError::AllowedSet { expected, got }));
}

#[test]
fn circuits_of_another_kind_are_refused() {
    let toy = ToyChunk::build(Profile::Proven, 10).verifier();
    let circuit = toy.name.clone();
    let refused = Recursion::build(Profile::Fast, vec![toy]).err();
    assert_eq!(refused, Some(BuildError::OtherProfile { circuit, profile: Profile::Fast }));

    let mut builder = CircuitBuilder::<F, D>::new(Profile::Fast.circuit_config(Role::Chunk));
    builder.add_virtual_public_input();
    let data = builder.build::<C>();
    let (name, common, verifier_only) = ("one input".to_owned(), data.common, data.verifier_only);
    let refused = Recursion::build(Profile::Fast, vec![ChunkVerifier { name, common, verifier_only }]).err();
    assert_eq!(refused, Some(BuildError::PublicInputs { circuit: "one input".into(), got: 1 }));

    let too_many = vec![Fixture::get().toys[SMALL].verifier(); SHAPES_MAX + 1];
    let refused = Recursion::build(Profile::Fast, too_many).err();
    assert_eq!(refused, Some(BuildError::TooManyShapes { got: SHAPES_MAX + 1, max: SHAPES_MAX }));
}

#[test]
fn a_chunk_too_large_to_prove_100_bits_is_refused() {
    let mut chunk = ToyChunk::build(Profile::Proven, 10).verifier();
    chunk.common.fri_params = chunk.common.config.fri_config.fri_params(17, false);
    let refused = chunk.check(Profile::Proven);
    assert!(matches!(refused, Err(BuildError::TooWeak { .. })), "{refused:?}");
}

#[test]
fn verifying_needs_no_circuits_and_proving_builds_what_it_needs() {
    let Fixture { recursion, toys } = Fixture::get();
    let (left, right) = Fixture::get().neighbours();
    let verifier = recursion.verifier();
    let shape = verifier.shape().clone();
    let again = Verifier::from_bytes(shape.clone(), &verifier.to_bytes()).unwrap();
    assert_eq!(again.set(), verifier.set());
    assert_eq!(again.verify(left), verifier.verify(left));

    let chunks: Vec<_> = toys.iter().map(ToyChunk::verifier).collect();
    let later = Recursion::with_verifier(again, chunks.clone()).unwrap();
    let proof = later.join(left, right).unwrap();
    assert!(verifier.verify(&proof).is_ok());

    // Shapes in another order: the cached data is of another list.
    let swapped = Recursion::with_verifier(verifier.clone(), chunks.into_iter().rev().collect()).unwrap();
    assert!(matches!(swapped.lift_circuit(SMALL, 1), Err(ProveError::Build(BuildError::OtherCircuit { .. }))));
}
