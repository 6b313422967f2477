//! A proof and a verifying key as the EVM takes them.
//!
//! ```text
//!   A.x | A.y | B.x.c1 | B.x.c0 | B.y.c1 | B.y.c0 | C.x | C.y        32 bytes each, big-endian
//! ```
//!
//! The order of [EIP-197](https://eips.ethereum.org/EIPS/eip-197), the pairing precompile 0x08: an element of F_q² has its
//! imaginary part first, and (0, 0) is the point at infinity.

use ark_bn254::{Fq, G1Affine, G2Affine};
use ark_ff::{AdditiveGroup, BigInt, BigInteger, PrimeField};
use serde::Serialize;
pub use sheaf_verifier_contract::PROOF_BYTES;
use thiserror::Error;

use super::circuit::CircuitDigest;
use super::key::VerifyingKey;
use super::point::{Point, PointProblem, COORDINATE_BYTES};

/// Where B and C begin.
const B_OFFSET: usize = 64;
const C_OFFSET: usize = 192;

/// A Groth16 proof. Points are on their curves and in the groups of order r.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// A
    pub a: G1Affine,
    /// B
    pub b: G2Affine,
    /// C
    pub c: G1Affine,
}

/// Why bytes are no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeProofError {
    /// Another number of bytes.
    #[error("a proof has {PROOF_BYTES} bytes, got {got}")]
    Length {
        /// How many.
        got: usize,
    },
    /// A point that is none.
    #[error("point {point} at byte {offset}: {problem}")]
    Point {
        /// A, B or C.
        point: char,
        /// Where it begins.
        offset: usize,
        /// What is wrong.
        problem: PointProblem,
    },
}

impl Proof {
    /// In the EVM's form.
    pub fn to_bytes(&self) -> [u8; PROOF_BYTES] {
        let words = words(&self.a).into_iter().chain(words(&self.b)).chain(words(&self.c));
        words.flatten().collect::<Vec<_>>().try_into().expect("eight words")
    }

    /// Reads the EVM's form. A proof has one encoding.
    ///
    /// # Errors
    /// [`DecodeProofError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeProofError> {
        let bytes: &[u8; PROOF_BYTES] = bytes.try_into().map_err(|_| DecodeProofError::Length { got: bytes.len() })?;
        let at = |point, offset| move |problem| DecodeProofError::Point { point, offset, problem };
        Ok(Self {
            a: from_words(&bytes[..B_OFFSET]).map_err(at('A', 0))?,
            b: from_words(&bytes[B_OFFSET..C_OFFSET]).map_err(at('B', B_OFFSET))?,
            c: from_words(&bytes[C_OFFSET..]).map_err(at('C', C_OFFSET))?,
        })
    }
}

/// The place of each coordinate among the EVM's words, its own inverse: both parts of elements of F_q² change places.
fn evm_order<P: Point>(coordinate: usize) -> usize {
    if P::COORDINATES == 4 {
        coordinate ^ 1
    } else {
        coordinate
    }
}

/// A point's words.
fn words<P: Point>(point: &P) -> Vec<[u8; COORDINATE_BYTES]> {
    let coordinates = point.coordinates();
    let word = |i| coordinates[evm_order::<P>(i)].into_bigint().to_bytes_be().try_into().expect("32 bytes");
    (0..P::COORDINATES).map(word).collect()
}

/// A point of [`words`].
pub(super) fn from_words<P: Point>(bytes: &[u8]) -> Result<P, PointProblem> {
    let mut coordinates = [Fq::ZERO; 4];
    for (i, word) in bytes.chunks_exact(COORDINATE_BYTES).enumerate() {
        let mut limbs = [0; 4];
        for (limb, bytes) in limbs.iter_mut().rev().zip(word.chunks_exact(8)) {
            *limb = u64::from_be_bytes(bytes.try_into().expect("eight bytes"));
        }
        coordinates[evm_order::<P>(i)] = Fq::from_bigint(BigInt(limbs)).ok_or(PointProblem::NotCanonical)?;
    }
    P::from_coordinates(&coordinates[..P::COORDINATES]).check()
}

impl VerifyingKey {
    /// Circuit digest, then α, β, γ, δ and both of ic as the EVM's words: what the key says, apart from who made it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { circuit, alpha, beta, gamma, delta, ic, .. } = self;
        let points = [words(alpha), words(beta), words(gamma), words(delta), words(&ic[0]), words(&ic[1])];
        circuit.0.into_iter().chain(points.into_iter().flatten().flatten()).collect()
    }
}

/// A verifying key as the numbers that a Solidity constructor takes, in hexadecimal after `0x`, in the order of [`Proof`].
/// As JSON, its names are these fields' names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EvmVerifyingKey {
    /// The circuit, in hexadecimal.
    pub circuit: String,
    /// `dev` or `imported`: one that says `dev` must not guard money.
    pub origin: String,
    /// α: x, y
    pub alpha: Vec<String>,
    /// β: x.c1, x.c0, y.c1, y.c0
    pub beta: Vec<String>,
    /// γ, likewise
    pub gamma: Vec<String>,
    /// δ, likewise
    pub delta: Vec<String>,
    /// What the constant 1 scales: x, y
    pub ic0: Vec<String>,
    /// What the public input scales: x, y
    pub ic1: Vec<String>,
}

impl From<&VerifyingKey> for EvmVerifyingKey {
    fn from(key: &VerifyingKey) -> Self {
        fn hex_words<P: Point>(point: &P) -> Vec<String> {
            words(point).into_iter().map(|word| format!("0x{}", hex::encode(word))).collect()
        }
        let CircuitDigest(circuit) = key.circuit;
        Self {
            circuit: hex::encode(circuit),
            origin: key.origin.to_string(),
            alpha: hex_words(&key.alpha),
            beta: hex_words(&key.beta),
            gamma: hex_words(&key.gamma),
            delta: hex_words(&key.delta),
            ic0: hex_words(&key.ic[0]),
            ic1: hex_words(&key.ic[1]),
        }
    }
}
