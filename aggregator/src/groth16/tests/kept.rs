//! A Groth16 proof of a real shrink proof, kept in `fixtures/vectors/groth16.json`: the contract's tests verify it too.

use std::fs;
use std::path::PathBuf;

use serde_json::{json, Value};

use crate::groth16::key::{Origin, VerifyingKey};
use crate::groth16::proof::{from_words, EvmVerifyingKey, Proof};
use crate::groth16::prove::prove;
use crate::groth16::reduction::Reduction;
use crate::groth16::setup::{insecure_dev_key, DEV_SEED};
use crate::groth16::CircuitDigest;
use crate::shrink::tests::{shrink, shrink_common, shrunk};
use crate::wrap::{constrain, shape, Wrapped};
use ark_bn254::Fr;
use ark_ff::PrimeField;

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures/vectors/groth16.json")
}

/// Hexadecimal after `0x`, as JSON that Foundry reads has it.
fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap().strip_prefix("0x").unwrap()).unwrap()
}

fn words(value: &Value) -> Vec<u8> {
    value.as_array().unwrap().iter().flat_map(bytes).collect()
}

/// The key is of today's circuit, the proof verifies, and the public input is the hash of the statement.
#[test]
fn the_kept_proof_verifies() {
    let kept: Value = serde_json::from_str(&fs::read_to_string(path()).unwrap()).unwrap();
    let circuit = CircuitDigest::of(&shape::constraints(&shrink_common()));
    let key = &kept["key"];
    assert_eq!(key["circuit"], hex::encode(circuit.0), "made for another circuit: run the test below");
    let key = VerifyingKey {
        origin: Origin::InsecureDev,
        circuit,
        alpha: from_words(&words(&key["alpha"])).unwrap(),
        beta: from_words(&words(&key["beta"])).unwrap(),
        gamma: from_words(&words(&key["gamma"])).unwrap(),
        delta: from_words(&words(&key["delta"])).unwrap(),
        ic: ["ic0", "ic1"].map(|name| from_words(&words(&key[name])).unwrap()),
    };
    let proof = Proof::from_bytes(&bytes(&kept["proof"])).unwrap();
    let public = Fr::from_be_bytes_mod_order(&bytes(&kept["public_input"]));
    key.verify(public, &proof).unwrap();
    assert!(key.verify(public + Fr::from(1u64), &proof).is_err());

    use sha2::{Digest, Sha256};
    let mut hash = Sha256::digest(bytes(&kept["statement"]));
    hash[0] &= 0x1f;
    assert_eq!(hash[..], bytes(&kept["public_input"]));
}

/// Makes it again, from chunk to Groth16, with a development key.
#[test]
#[ignore = "takes four minutes; writes fixtures/vectors/groth16.json"]
fn keep_a_proof() {
    let (verifier, proof) = (shrink().verifier(), shrunk());
    let r1cs = constrain(&Wrapped::new(verifier, proof)).unwrap();
    let key = insecure_dev_key(&r1cs, DEV_SEED, Reduction::Snarkjs).unwrap();
    let statement = proof.values.statement(verifier.program_id()).unwrap();
    let hex = |bytes: &[u8]| format!("0x{}", hex::encode(bytes));
    let kept = json!({
        "about": "A proof of the wrap circuit for toy chunks, made with an insecure development key (keep_a_proof).",
        "key": EvmVerifyingKey::from(key.verifying()),
        "statement": hex(&statement.to_bytes()),
        "public_input": hex(&statement.public_input()),
        "proof": hex(&prove(&key, &r1cs).unwrap().to_bytes()),
    });
    fs::write(path(), serde_json::to_string_pretty(&kept).unwrap() + "\n").unwrap();
}
