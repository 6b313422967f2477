//! A verifying key whose secrets are known, and proofs made with them, for any input: the Rust twin of
//! `test/kit/Simulator.sol`.

use ark_bn254::{Fq, Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{BigInteger, Field, PrimeField};

const ALPHA: u64 = 3001;
const BETA: u64 = 3002;
const GAMMA: u64 = 3003;
const DELTA: u64 = 3004;
const B: u64 = 3005;
const IC0: u64 = 3006;
const IC1: u64 = 3007;
const A: u64 = 77;

/// The key, as the JSON that `sheaf deploy` takes.
pub fn key_json() -> String {
    let hex =
        |words: Vec<[u8; 32]>| -> Vec<String> { words.iter().map(|word| format!("0x{}", hex::encode(word))).collect() };
    serde_json::json!({
        "circuit": "00".repeat(32),
        "origin": "dev",
        "alpha": hex(g1(ALPHA.into())),
        "beta": hex(g2(BETA)),
        "gamma": hex(g2(GAMMA)),
        "delta": hex(g2(DELTA)),
        "ic0": hex(g1(IC0.into())),
        "ic1": hex(g1(IC1.into())),
    })
    .to_string()
}

/// A proof that `input`, a big-endian number, holds.
pub fn prove(input: [u8; 32]) -> [u8; 256] {
    let number = Fr::from;
    let input = Fr::from_be_bytes_mod_order(&input);
    let public = number(IC0) + input * number(IC1);
    let taken = number(ALPHA) * number(BETA) + public * number(GAMMA);
    let c = (number(A) * number(B) - taken) * number(DELTA).inverse().unwrap();
    let words = [g1(A.into()), g2(B), g1(c)].concat();
    words.concat().try_into().unwrap()
}

fn g1(k: Fr) -> Vec<[u8; 32]> {
    let point = (G1Affine::generator() * k).into_affine();
    [point.x, point.y].map(word).to_vec()
}

fn g2(k: u64) -> Vec<[u8; 32]> {
    let point = (G2Affine::generator() * Fr::from(k)).into_affine();
    [point.x.c1, point.x.c0, point.y.c1, point.y.c0].map(word).to_vec()
}

fn word(coordinate: Fq) -> [u8; 32] {
    coordinate.into_bigint().to_bytes_be().try_into().unwrap()
}
