//! Proofs, public inputs and verifying keys as snarkjs' JSON: decimal strings, points with a third coordinate.

use ark_bn254::{Fq, Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::{AdditiveGroup, BigInt, PrimeField};
use num_bigint::BigUint;
use serde::{Deserialize, Serialize};
use serde_json::{json, Value};
use thiserror::Error;

use crate::groth16::key::VerifyingKey;
use crate::groth16::point::{Point, PointProblem};
use crate::groth16::proof::Proof;
use crate::groth16::PUBLIC_VALUES;

const PROTOCOL: &str = "groth16";
const CURVE: &str = "bn128";
/// Decimal digits of the largest number below 2^256.
const MAX_DIGITS: usize = 78;

/// Why JSON is no proof.
#[derive(Debug, Error)]
pub enum JsonError {
    /// Not JSON, or not of snarkjs' form.
    #[error("not a proof of snarkjs: {0}")]
    Form(#[from] serde_json::Error),
    /// A proof of another system.
    #[error("the proof's {what} is {got:?}, expected {expected:?}")]
    System {
        /// `protocol` or `curve`.
        what: &'static str,
        /// What it has to be.
        expected: &'static str,
        /// What it is.
        got: String,
    },
    /// Not a decimal number.
    #[error("{what} of the proof: {got:?} is not a decimal number below 2^256")]
    Number {
        /// Which point.
        what: &'static str,
        /// What is there.
        got: String,
    },
    /// A third coordinate that is neither 0 nor 1.
    #[error("{what} of the proof is not in affine form")]
    NotAffine {
        /// Which point.
        what: &'static str,
    },
    /// A point that is none.
    #[error("{what} of the proof: {problem}")]
    Point {
        /// Which point.
        what: &'static str,
        /// What is wrong.
        problem: PointProblem,
    },
}

#[derive(Serialize, Deserialize)]
struct JsonProof {
    pi_a: [String; 3],
    pi_b: [[String; 2]; 3],
    pi_c: [String; 3],
    protocol: String,
    curve: String,
}

fn g1(point: &G1Affine) -> [String; 3] {
    match point.xy() {
        Some((x, y)) => [x.to_string(), y.to_string(), "1".into()],
        None => ["0".into(), "1".into(), "0".into()],
    }
}

fn g2(point: &G2Affine) -> [[String; 2]; 3] {
    let [zero, one] = ["0", "1"].map(String::from);
    match point.xy() {
        Some((x, y)) => [x, y].map(|e| [e.c0.to_string(), e.c1.to_string()]).into_iter().chain([[one, zero]]),
        None => [[zero.clone(), zero.clone()], [one, zero.clone()]].into_iter().chain([[zero.clone(), zero]]),
    }
    .collect::<Vec<_>>()
    .try_into()
    .expect("three")
}

/// `proof.json`
pub fn proof_json(proof: &Proof) -> Value {
    json!({
        "pi_a": g1(&proof.a),
        "pi_b": g2(&proof.b),
        "pi_c": g1(&proof.c),
        "protocol": PROTOCOL,
        "curve": CURVE,
    })
}

/// `public.json`
pub fn public_json(public: Fr) -> Value {
    json!([public.to_string()])
}

/// `verification_key.json`, without the pairing of α and β, which snarkjs computes anew anyway.
pub fn verifying_key_json(key: &VerifyingKey) -> Value {
    json!({
        "protocol": PROTOCOL,
        "curve": CURVE,
        "nPublic": PUBLIC_VALUES - 1,
        "vk_alpha_1": g1(&key.alpha),
        "vk_beta_2": g2(&key.beta),
        "vk_gamma_2": g2(&key.gamma),
        "vk_delta_2": g2(&key.delta),
        "IC": key.ic.iter().map(g1).collect::<Vec<_>>(),
    })
}

/// Reads a `proof.json`, which may be any text.
///
/// # Errors
/// [`JsonError`].
pub fn read_proof(text: &str) -> Result<Proof, JsonError> {
    let proof: JsonProof = serde_json::from_str(text)?;
    for (what, expected, got) in [("protocol", PROTOCOL, proof.protocol), ("curve", CURVE, proof.curve)] {
        if got != expected {
            return Err(JsonError::System { what, expected, got });
        }
    }
    let [b_x, b_y, b_z] = &proof.pi_b;
    Ok(Proof {
        a: read_point("A", &proof.pi_a[..2], &proof.pi_a[2..])?,
        b: read_point("B", &[b_x, b_y].map(|e| e.clone()).concat(), b_z)?,
        c: read_point("C", &proof.pi_c[..2], &proof.pi_c[2..])?,
    })
}

/// A point of its affine coordinates and the third, which is 1, or 0 at infinity.
fn read_point<P: Point>(what: &'static str, affine: &[String], third: &[String]) -> Result<P, JsonError> {
    let coordinates =
        |texts: &[String]| texts.iter().map(|text| read_coordinate(what, text)).collect::<Result<Vec<_>, _>>();
    let affine = coordinates(affine)?;
    match coordinates(third)?.split_first() {
        Some((z, rest)) if rest.iter().all(|c| *c == Fq::ZERO) && *z == Fq::ZERO => {
            Ok(P::from_coordinates(&[Fq::ZERO; 4][..P::COORDINATES]))
        }
        Some((z, rest)) if rest.iter().all(|c| *c == Fq::ZERO) && *z == Fq::from(1) => {
            P::from_coordinates(&affine).check().map_err(|problem| JsonError::Point { what, problem })
        }
        _ => Err(JsonError::NotAffine { what }),
    }
}

fn read_coordinate(what: &'static str, text: &str) -> Result<Fq, JsonError> {
    let digits = (1..=MAX_DIGITS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse::<BigUint>().expect("decimal digits").to_u64_digits());
    let mut limbs = [0; 4];
    match number {
        Some(number) if number.len() <= limbs.len() => limbs[..number.len()].copy_from_slice(&number),
        _ => return Err(JsonError::Number { what, got: text.chars().take(MAX_DIGITS).collect() }),
    }
    Fq::from_bigint(BigInt(limbs)).ok_or(JsonError::Point { what, problem: PointProblem::NotCanonical })
}
