use std::sync::LazyLock;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};

use super::circuit::CircuitDigest;
use super::key::{InvalidProof, Key, Origin};
use super::prove::{prove, prove_with, ProveError};
use super::reduction::Reduction;
use super::setup::{generate, insecure_dev_key, Toxic, DEV_SEED};
use crate::wrap::r1cs::{Linear, R1cs, Variable};

mod kept;
mod key;
mod measure;
mod proof;
mod zkey;

/// A few hundred constraints: the public input is the end of a chain that begins with a secret of 64 bits.
pub(super) fn circuit(secret: u64) -> R1cs {
    let mut r1cs = R1cs::new();
    r1cs.part("bits");
    // A variable without constraints, whose points in a key are 0.
    r1cs.allocate(Fr::from(7));
    let secret = Linear::from(r1cs.allocate(Fr::from(secret)));
    let bits = r1cs.bits(&secret, 64);
    r1cs.part("chain");
    let mut link = secret.clone();
    for _ in 0..100 {
        link = &r1cs.product(&link, &link) + &secret;
    }
    r1cs.part("choice");
    let entries: Vec<Linear> = (0..8).map(|i| link.add_scaled(&secret, Fr::from(i * i))).collect();
    let chosen = r1cs.select_many(&bits[..3], &entries);
    r1cs.part("output");
    let value = r1cs.value(&chosen);
    r1cs.set_public(value);
    r1cs.assert_equal(&Variable::PUBLIC.into(), &chosen);
    r1cs
}

pub(super) const SECRET: u64 = 0x0123_4567_89ab_cdef;

pub(super) static CIRCUIT: LazyLock<R1cs> = LazyLock::new(|| circuit(SECRET));

pub(super) static KEY: LazyLock<Key> =
    LazyLock::new(|| insecure_dev_key(&CIRCUIT, DEV_SEED, Reduction::Snarkjs).unwrap());

#[test]
fn proofs_verify_with_both_reductions() {
    for reduction in [Reduction::Libsnark, Reduction::Snarkjs] {
        let key = insecure_dev_key(&CIRCUIT, DEV_SEED, reduction).unwrap();
        let proof = prove(&key, &CIRCUIT).unwrap();
        assert_eq!(key.verifying().verify(CIRCUIT.public(), &proof), Ok(()));
        let other = circuit(SECRET + 1);
        assert_eq!(key.verifying().verify(other.public(), &proof), Err(InvalidProof));
        assert_eq!(key.verifying().verify(Fr::ZERO, &proof), Err(InvalidProof));
        let again = prove(&key, &CIRCUIT).unwrap();
        assert_ne!(again, proof, "the randomness is fresh");
        let proof = prove(&key, &other).expect("the key is for any witness");
        assert_eq!(key.verifying().verify(other.public(), &proof), Ok(()));
    }
}

/// What ark-groth16 0.6.0 makes of the same circuit: `generate_parameters_with_qap` with these numbers and the usual generators,
/// then `create_proof_with_reduction_and_matrices` with its `LibsnarkReduction`, r = 7, s = 8.
#[test]
fn a_proof_is_that_of_ark_groth16() {
    let [tau, alpha, beta, gamma, delta] = [TAU, 3, 4, 5, 6].map(Fr::from);
    let key = generate(&CIRCUIT, Reduction::Libsnark, &Toxic { tau, alpha, beta, gamma, delta }).unwrap();
    let proof = prove_with(&key, &CIRCUIT, Fr::from(7), Fr::from(8)).unwrap();
    assert_eq!(key.verifying().verify(CIRCUIT.public(), &proof), Ok(()));
    assert_eq!(hex::encode(proof.to_bytes()), include_str!("tests/ark-groth16.hex").trim());
}

const TAU: u64 = 1_234_567_890_123;

#[test]
fn a_wrong_witness_is_refused_by_name() {
    let mut r1cs = CIRCUIT.clone();
    r1cs.set_public(Fr::ONE);
    let constraints = r1cs.constraints();
    let error = prove(&KEY, &r1cs).unwrap_err();
    let parts = vec![("output".to_owned(), 1)];
    assert_eq!(error, ProveError::Unsatisfied { constraints: 1, of: constraints, parts });
    assert_eq!(
        error.to_string(),
        format!("the witness does not satisfy 1 of the {constraints} constraints: output (1)")
    );
}

#[test]
fn a_key_of_another_circuit_proves_nothing() {
    let mut larger = CIRCUIT.clone();
    larger.allocate(Fr::ONE);
    let variables = CIRCUIT.variables();
    let shape = ProveError::Shape { what: "variables", key: variables, circuit: variables + 1 };
    assert_eq!(prove(&KEY, &larger), Err(shape));

    // As many constraints and variables, and a witness that satisfies both.
    let mut other = CIRCUIT.clone();
    other.constrain(&Linear::zero(), &Linear::zero(), &Linear::zero());
    let digests = (CircuitDigest::of(&CIRCUIT), CircuitDigest::of(&other));
    match prove(&KEY, &other) {
        Err(ProveError::Circuit { key, circuit }) => assert_eq!((key, circuit), digests),
        Ok(_) | Err(_) => panic!("a proof of another circuit"),
    }
}

#[test]
fn a_digest_is_of_matrices_and_counts_only() {
    let digest = CircuitDigest::of(&CIRCUIT);
    assert_eq!(CircuitDigest::of(&circuit(5)), digest, "the witness does not matter");
    let changes: [fn(&mut R1cs); 3] = [
        |r1cs| _ = r1cs.allocate(Fr::ZERO),
        |r1cs| r1cs.constrain(&Linear::zero(), &Linear::zero(), &Linear::zero()),
        |r1cs| r1cs.assert_equal(&Linear::constant(Fr::ONE), &Linear::constant(Fr::ONE)),
    ];
    for change in changes {
        let mut other = CIRCUIT.clone();
        change(&mut other);
        assert_ne!(CircuitDigest::of(&other), digest);
    }
    let pinned = "33665e8a9a4bd6afca75626891bea6a835e583b0fb37ae9f9158c504d9e3e889";
    assert_eq!(digest.to_string(), pinned, "keys in caches are named by it");
}

#[test]
fn a_development_key_follows_from_its_seed_and_says_what_it_is() {
    assert!(*KEY == insecure_dev_key(&circuit(1), DEV_SEED, Reduction::Snarkjs).unwrap());
    assert!(*KEY != insecure_dev_key(&CIRCUIT, [0; 32], Reduction::Snarkjs).unwrap());
    assert_eq!(KEY.origin(), Origin::InsecureDev);
    assert!(KEY.origin().warning().unwrap().starts_with("INSECURE"));
    assert_eq!(Origin::Imported.warning(), None);
}
