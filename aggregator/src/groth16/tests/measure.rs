//! What each step costs. `cargo test --release -p sheaf-aggregator groth16::tests::measure -- --ignored --nocapture --test-threads 1`

use std::fs;
use std::time::Instant;

use ark_bn254::Fr;
use sheaf_prover::machine::{cpu_seconds, peak_resident_bytes};

use crate::groth16::circuit::CircuitDigest;
use crate::groth16::key::Key;
use crate::groth16::prove::prove;
use crate::groth16::reduction::Reduction;
use crate::groth16::setup::{insecure_dev_key, DEV_SEED};
use crate::shrink::tests::{shrink, shrunk};
use crate::wrap::r1cs::{Linear, R1cs, Variable};
use crate::wrap::{constrain, Wrapped};

/// Prints seconds, CPU seconds and peak memory of a step.
fn step<T>(name: &str, work: impl FnOnce() -> T) -> T {
    // Begins a new peak.
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let (start, cpu) = (Instant::now(), cpu_seconds().unwrap());
    let result = work();
    let (seconds, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds().unwrap() - cpu);
    let gib = peak_resident_bytes().unwrap() as f64 / (1u64 << 30) as f64;
    println!("{name:24} {seconds:8.3} s {cpu:8.2} CPU s {gib:6.2} GiB");
    result
}

fn measure(r1cs: &R1cs) {
    println!("{} constraints, {} variables, terms {:?}", r1cs.constraints(), r1cs.variables(), r1cs.terms());
    let digest = step("digest", || CircuitDigest::of(r1cs));
    let key = step("setup", || insecure_dev_key(r1cs, DEV_SEED, Reduction::Snarkjs).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    step("write", || key.save(&path).unwrap());
    drop(key);
    println!("{} bytes", fs::metadata(&path).unwrap().len());
    let key = step("load", || Key::load(&path, &digest).unwrap());
    let proof = step("prove", || prove(&key, r1cs).unwrap());
    step("verify", || key.verifying().verify(r1cs.public(), &proof).unwrap());
}

/// Half the constraints are bits and half are products of sums, so that it has about as many terms for each as the wrap.
fn synthetic(constraints: usize) -> R1cs {
    let mut r1cs = R1cs::new();
    r1cs.part("synthetic");
    let mut last: Vec<Linear> = (1..=4).map(|i| r1cs.allocate(Fr::from(i)).into()).collect();
    for i in 0..(constraints - 1) / 2 {
        let bit = r1cs.boolean(i % 3 == 0);
        let a = last.iter().fold(bit, |sum, linear| &sum + linear);
        let b = &last[0] + &last[1];
        last.rotate_left(1);
        last[3] = r1cs.product(&a, &b);
    }
    r1cs.set_public(r1cs.value(&last[3]));
    r1cs.assert_equal(&Variable::PUBLIC.into(), &last[3]);
    r1cs
}

#[test]
#[ignore = "measures for minutes"]
fn the_wrap_of_a_toy_proof() {
    measure(&crate::wrap::tests::toy());
}

/// From the last plonky2 proof to one that L1 takes.
#[test]
#[ignore = "measures for minutes"]
fn the_wrap_of_a_shrink_proof() {
    let shrink = step("building shrink", shrink);
    let proof = step("lift and shrink", shrunk);
    measure(&step("constraints", || constrain(&Wrapped::new(shrink.verifier(), proof)).unwrap()));
}

#[test]
#[ignore = "measures for minutes"]
fn a_domain_of_2_to_the_21() {
    measure(&step("synthesis", || synthetic((1 << 21) - 2)));
}
