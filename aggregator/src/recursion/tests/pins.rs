//! Sizes and digests, pinned.

use std::fmt::Write;
use std::time::Instant;

use plonky2::plonk::circuit_data::CommonCircuitData;
use sheaf_circuits::chunk::circuit::ChunkCircuit;
use sheaf_circuits::chunk::shapes;
use sheaf_circuits::security::soundness::soundness;
use sheaf_circuits::security::{CHUNK_DEGREE_BITS_MAX, PROVEN_BITS};
use sheaf_prover::machine::cpu_seconds;

use super::*;
use crate::lift::LiftTarget;
use crate::pins::pin;

/// The smallest chunk circuit that has all gates that any shape has.
fn small_chunk(profile: Profile) -> ChunkVerifier {
    ChunkVerifier::from(&ChunkCircuit::build(shapes::contracts(), profile))
}

/// The common data of a chunk of 2^`degree_bits` rows, without building one as large.
fn chunk_common(small: &ChunkVerifier, degree_bits: usize) -> CommonCircuitData<F, D> {
    let mut common = small.common.clone();
    common.fri_params = common.config.fri_config.fri_params(degree_bits, false);
    common
}

/// Rows that a lift of `chunks` chunks of 2^`degree_bits` rows takes. The constants do not matter.
fn lift_rows(profile: Profile, small: &ChunkVerifier, degree_bits: usize, chunks: usize) -> usize {
    let mut builder = CircuitBuilder::new(profile.circuit_config(Role::Lift));
    LiftTarget::new(&mut builder, &chunk_common(small, degree_bits), &small.verifier_only, chunks);
    builder.num_gates()
}

/// All that is pinned of a profile.
fn pins(profile: Profile, chunk: &ChunkVerifier, shape: &CommonShape, join: &JoinCircuit) -> String {
    let mut text = String::new();
    let common = shape.common();
    let (rows, constants, gates) = (common.degree(), common.num_constants, common.gates.len());
    writeln!(text, "common shape: {rows} rows, {constants} constants, {gates} gates").unwrap();
    let digest = Digest::from(join.verifier_only().circuit_digest);
    writeln!(text, "join: {} rows used, digest {digest}", join.rows()).unwrap();
    for degree_bits in [12, 14, CHUNK_DEGREE_BITS_MAX] {
        let rows = [1, 2].map(|chunks| lift_rows(profile, chunk, degree_bits, chunks));
        writeln!(text, "lift of 1 or 2 chunks of 2^{degree_bits}: {} or {} rows used", rows[0], rows[1]).unwrap();
    }
    writeln!(text, "lift or join: {}", soundness(common)).unwrap();
    writeln!(text, "chunk of 2^{CHUNK_DEGREE_BITS_MAX}: {}", soundness(&chunk_common(chunk, CHUNK_DEGREE_BITS_MAX)))
        .unwrap();
    text
}

#[test]
fn fast_is_as_pinned() {
    let recursion = &Fixture::get().recursion;
    let shape = recursion.verifier().shape();
    let chunk = small_chunk(Profile::Fast);
    pin("fast.txt", &pins(Profile::Fast, &chunk, shape, recursion.join_circuit().unwrap()));
    assert_eq!(shape.common().degree_bits(), 13);
    let (lift, join) = Fixture::get().neighbours();
    assert_eq!(lift.to_bytes().len(), 133_104);
    assert_eq!(join.to_bytes().len(), 133_104);
}

#[test]
fn proven_is_as_pinned() {
    let shape = CommonShape::find(Profile::Proven).unwrap();
    let chunk = small_chunk(Profile::Proven);
    let join = JoinCircuit::build(&shape).unwrap();
    pin("proven.txt", &pins(Profile::Proven, &chunk, &shape, &join));
    assert_eq!(shape.common().degree_bits(), 15);
    assert!(soundness(shape.common()).proven_bits >= PROVEN_BITS as f64);
    assert!(soundness(&chunk_common(&chunk, CHUNK_DEGREE_BITS_MAX)).proven_bits >= PROVEN_BITS as f64);
    // Two full chunks in a lift halve what recursion costs. Some ten rows come on top.
    assert!(lift_rows(Profile::Proven, &chunk, CHUNK_DEGREE_BITS_MAX, 2) + 100 < shape.common().degree());
}

/// Prints how long lift and join take beside a toy with the chunk circuit's gates. Processor time, because other work may share
/// the machine.
fn measure(profile: Profile) {
    let time = |label: &str, work: &dyn Fn()| {
        let (wall, processor) = (Instant::now(), cpu_seconds().unwrap());
        work();
        let (wall, processor) = (wall.elapsed().as_secs_f64(), cpu_seconds().unwrap() - processor);
        println!("{profile} {label}: {wall:.2} s, {processor:.2} s of processor");
        processor
    };
    time("finding the shape", &|| drop(CommonShape::find(profile).unwrap()));
    let gates = small_chunk(profile).common.gates;
    let fixture = Fixture::of(profile, vec![ToyChunk::with_gates(profile, CHUNK_DEGREE_BITS_MAX, &gates)]);
    let Fixture { recursion, toys } = &fixture;
    let chunks_per_lift = recursion.chunks_per_lift(0).unwrap();
    let run = fixture.run(2);
    let proofs: Vec<_> = run.iter().map(|says| toys[0].prove(says)).collect();
    let [left, right] = [0, 1].map(|i| recursion.lift(0, &[&proofs[i]]).unwrap());
    println!("{profile} bytes: chunk {}, lift {}", proofs[0].to_bytes().len(), left.to_bytes().len());

    let chunk = time("chunk of 2^16", &|| drop(toys[0].prove(&run[0])));
    let one = time("lift of 1", &|| drop(recursion.lift(0, &[&proofs[0]]).unwrap()));
    let join = time("join", &|| drop(recursion.join(&left, &right).unwrap()));
    println!("{profile} one lift and one join: {:.2} of a chunk", (one + join) / chunk);
    if chunks_per_lift == 2 {
        let two = time("lift of 2", &|| drop(recursion.lift(0, &[&proofs[0], &proofs[1]]).unwrap()));
        println!("{profile} half a lift of two and half a join: {:.2} of a chunk", (two + join) / (2.0 * chunk));
    }
}

#[test]
#[ignore = "a minute, and prints times only"]
fn fast_times_beside_a_full_chunk() {
    measure(Profile::Fast);
}

#[test]
#[ignore = "two minutes, and prints times only"]
fn proven_times_beside_a_full_chunk() {
    measure(Profile::Proven);
}

#[test]
#[ignore = "over a minute: large circuits"]
fn proven_proofs_of_three_chunks_join() {
    let fixture = Fixture::build(Profile::Proven, &[10]);
    let proof = check_tree(&fixture, 3);
    assert_eq!(proof.to_bytes().len(), 552_098);
    let (expected, got) = (Profile::Fast, 1);
    let refused = Fixture::get().recursion.verifier().decode(&proof.to_bytes());
    assert_eq!(refused.err(), Some(DecodeError::Profile { expected, got }));
    let refused = Fixture::get().recursion.verifier().verify(&proof);
    assert_eq!(refused, Err(VerifyError::Profile { expected, got: Profile::Proven }));
}
