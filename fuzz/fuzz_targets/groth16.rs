//! Groth16's proofs and keys: decoding never panics, takes no more memory than the bytes warrant, and what is taken has one
//! encoding.

#![no_main]

use std::io::Cursor;
use std::sync::LazyLock;

use ark_bn254::Fr;
use libfuzzer_sys::fuzz_target;
use sheaf_aggregator::groth16::key::file::Header;
use sheaf_aggregator::groth16::snarkjs::{import, read_proof};
use sheaf_aggregator::groth16::{CircuitDigest, Key, Proof};
use sheaf_aggregator::wrap::r1cs::{Linear, R1cs, Variable};

/// The public input is a secret's square.
static CIRCUIT: LazyLock<R1cs> = LazyLock::new(|| {
    let mut r1cs = R1cs::new();
    r1cs.set_public(Fr::from(9));
    let secret = Linear::from(r1cs.allocate(Fr::from(3)));
    r1cs.constrain(&secret, &secret, &Variable::PUBLIC.into());
    r1cs
});

static DIGEST: LazyLock<CircuitDigest> = LazyLock::new(|| CircuitDigest::of(&CIRCUIT));

fuzz_target!(|bytes: &[u8]| {
    if let Ok(proof) = Proof::from_bytes(bytes) {
        assert_eq!(proof.to_bytes(), bytes, "a proof has one encoding");
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = read_proof(text);
    }
    let _ = Header::read(bytes);
    if let Ok(key) = Key::read(bytes, bytes.len() as u64, &DIGEST) {
        let mut again = vec![];
        key.write(&mut again).unwrap();
        assert_eq!(again, bytes, "a key has one encoding");
    }
    let _ = import(Cursor::new(bytes), &CIRCUIT);
});
