//! Many signatures at once.
//!
//! With weights zᵢ of 128 bits, all signatures are valid if every R is a point of the group and
//!
//! ```text
//!   (Σ zᵢsᵢ)·G + Σ (zᵢeᵢ)·Qᵢ − Σ zᵢ·Rᵢ = 0
//! ```
//!
//! Soundness: let Dᵢ = sᵢG + eᵢQᵢ − Rᵢ, which lies in the group because all of its parts do. If some Dᵢ ≠ 0,
//! then whatever the other weights are, at most one value of zᵢ below n satisfies Σ zᵢDᵢ = 0 (n is prime), so
//! random weights do with probability at most 2^−128. With points outside the group this fails: there is one
//! of order two, and half of the weights let it vanish.
//!
//! The weights are SHA-256 of a seed and i, and the seed SHA-256 over all that the signers chose: for each
//! claim its challenge digest, which binds R, Q and the message, and s. So they are fixed only after
//! everything in the batch is, and to find a batch that passes wrongly takes about 2^128 trials of the hash,
//! as many as breaking the group takes. In return a verdict depends on nothing but the batch: every node, on
//! every run and any number of threads, sees the same.
//!
//! The sum is one multi-scalar sum ([`crate::curve`]); equal keys are one term of it.

use std::collections::hash_map::{Entry, HashMap};

use plonky2::field::extension::quintic::QuinticExtension;
use plonky2::field::types::PrimeField64;
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use super::{challenge_digest, challenge_from_digest, PublicKey, Signature};
use crate::curve::scalar::{add_product, LIMBS};
use crate::curve::{combination_has_encoding, sum_of_multiples, Point, Scalar, Term};
use crate::hash::Digest;

/// That a key signed a message.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// The key.
    pub key: PublicKey,
    /// The message.
    pub message: Digest,
    /// The signature said to be the key's for the message.
    pub signature: Signature,
}

/// Claims checked by one sum, at least: below, a sum is much dearer for each, as its buckets are shared by few.
const PIECE_MIN: usize = 256;

/// Claims checked by one sum, at most: above, little is gained, memory leaves the cache, and a bad one costs
/// more to find.
const PIECE_MAX: usize = 2048;

/// Claims so few that checking each alone is cheaper.
const SINGLES: usize = 4;

/// Failed sums in a piece after which the rest is checked one by one. Bounds the work that a batch full of
/// bad signatures can cause to a few times its checking one by one.
const FAILURES_MAX: usize = 16;

/// Whether all claims are true: the verdict is that of [`PublicKey::verify`] on each. Uses rayon's threads.
pub fn verify_batch(claims: &[Claim]) -> bool {
    claims.par_chunks(piece_len(claims.len())).all(|piece| {
        let prepared: Option<Vec<_>> = piece.iter().map(Prepared::new).collect();
        prepared.is_some_and(|prepared| sum_vanishes(&prepared))
    })
}

/// Which claims are true: [`PublicKey::verify`] of each, found with as few checks as a few sums. Uses rayon's
/// threads.
pub fn verify_each(claims: &[Claim]) -> Vec<bool> {
    claims.par_chunks(piece_len(claims.len())).flat_map_iter(verify_piece).collect()
}

fn piece_len(claims: usize) -> usize {
    claims.div_ceil(rayon::current_num_threads()).clamp(PIECE_MIN, PIECE_MAX)
}

fn verify_piece(piece: &[Claim]) -> Vec<bool> {
    let mut verdicts = vec![false; piece.len()];
    let (positions, prepared): (Vec<_>, Vec<_>) =
        piece.iter().enumerate().filter_map(|(i, claim)| Some((i, Prepared::new(claim)?))).unzip();
    let mut found = Vec::with_capacity(prepared.len());
    bisect(&prepared, &mut 0, &mut found);
    for (position, verdict) in positions.into_iter().zip(found) {
        verdicts[position] = verdict;
    }
    verdicts
}

/// Appends a verdict for each claim, in order.
fn bisect(claims: &[Prepared], failures: &mut usize, verdicts: &mut Vec<bool>) {
    if claims.len() <= SINGLES || *failures >= FAILURES_MAX {
        verdicts.extend(claims.iter().map(Prepared::verify));
    } else if sum_vanishes(claims) {
        verdicts.resize(verdicts.len() + claims.len(), true);
    } else {
        *failures += 1;
        let (left, right) = claims.split_at(claims.len() / 2);
        bisect(left, failures, verdicts);
        bisect(right, failures, verdicts);
    }
}

/// A claim with R decoded and the challenge computed.
struct Prepared<'a> {
    claim: &'a Claim,
    r: Point,
    challenge: Digest,
}

impl<'a> Prepared<'a> {
    /// `None` if R is not a point of the group.
    fn new(claim: &'a Claim) -> Option<Self> {
        let r = claim.signature.r_point().ok()?;
        let challenge = challenge_digest(claim.signature.r, &claim.key, claim.message);
        Some(Self { claim, r, challenge })
    }

    fn e(&self) -> u128 {
        challenge_from_digest(self.challenge)
    }

    fn verify(&self) -> bool {
        let Signature { r, s } = self.claim.signature;
        combination_has_encoding(s, self.e(), self.claim.key.point, QuinticExtension(r))
    }
}

/// Whether the weighted sum is neutral.
fn sum_vanishes(claims: &[Prepared]) -> bool {
    let mut terms = Vec::with_capacity(2 * claims.len());
    let mut term_of_key = HashMap::with_capacity(claims.len());
    // Σ zᵢsᵢ as an integer: below 2^(128 + 319) times the number of claims.
    let mut generator_factor = [0; 2 * LIMBS];
    for (claim, weight) in claims.iter().zip(weights(claims)) {
        let z = limbs(weight);
        add_product(&mut generator_factor, &claim.claim.signature.s.limbs(), &z);
        terms.push(Term { point: -claim.r, factor: [z[0], z[1], 0, 0, 0] });
        let key = &claim.claim.key;
        let index = match term_of_key.entry(key) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                terms.push(Term { point: key.point, factor: [0; LIMBS] });
                *entry.insert(terms.len() - 1)
            }
        };
        // Σ zᵢeᵢ of a key as an integer: below 2^256 times the number of claims, so five limbs are plenty.
        add_product(&mut terms[index].factor, &limbs(claim.e()), &z);
    }
    sum_of_multiples(&terms) == -Point::mul_generator(Scalar::from_wide(generator_factor))
}

fn limbs(x: u128) -> [u64; 2] {
    [x as u64, (x >> 64) as u64]
}

/// One weight for each claim, drawn after all of them are fixed.
fn weights(claims: &[Prepared]) -> Vec<u128> {
    // Each claim takes 72 bytes, so their number is bound by the hash's own padding.
    let mut transcript = Sha256::new_with_prefix(b"sheaf signature batch");
    for claim in claims {
        for element in claim.challenge.0 {
            transcript.update(element.to_canonical_u64().to_le_bytes());
        }
        transcript.update(claim.claim.signature.s.to_bytes());
    }
    let seed = transcript.finalize();
    let pair = |i: usize| {
        let hash = Sha256::new_with_prefix(seed).chain_update((i as u64).to_le_bytes()).finalize();
        let half = |range: std::ops::Range<usize>| hash[range].iter().fold(0, |x, &b| x << 8 | u128::from(b));
        [half(0..16), half(16..32)]
    };
    (0..claims.len().div_ceil(2)).flat_map(pair).collect()
}
