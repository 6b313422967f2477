//! SHA-256 in constraints, for a message of a fixed number of bytes (FIPS 180-4).
//!
//! A word is its 32 bits, the highest first as the standard writes them. Sums of words stay linear until a word's bits are
//! needed. Three-way xor and majority come together: x + y + z = xor + 2·majority, both bits, so what costs two
//! constraints is had by one variable.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField};

use super::field::pack;
use super::r1cs::{Linear, R1cs};

/// Bytes of a block.
const BLOCK: usize = 64;

/// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
const K: [u32; 64] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
    0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
    0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
    0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
    0xc67178f2,
];
/// The same of the square roots of the first eight.
const INITIAL: [u32; 8] =
    [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];

/// 32 bits, the lowest first.
type Word = Vec<Linear>;

/// The 256 bits of the hash of `message`, its first bit first. `message` is whole bytes, each with its highest bit first.
pub fn sha256(r1cs: &mut R1cs, message: &[Linear]) -> Vec<Linear> {
    assert!(message.len().is_multiple_of(8), "whole bytes");
    let constant = |bit: bool| Linear::constant(Fr::from(bit));
    let mut bits = message.to_vec();
    bits.push(constant(true));
    while !(bits.len() + 64).is_multiple_of(8 * BLOCK) {
        bits.push(constant(false));
    }
    bits.extend((0..64).rev().map(|i| constant(message.len() >> i & 1 == 1)));

    let mut state: Vec<Word> = INITIAL.iter().map(|&word| constant_word(word)).collect();
    for block in bits.chunks(8 * BLOCK) {
        let words = block.chunks(32).map(|word| word.iter().rev().cloned().collect()).collect();
        state = compress(r1cs, &state, words);
    }
    state.into_iter().flat_map(|word| word.into_iter().rev()).collect()
}

fn compress(r1cs: &mut R1cs, state: &[Word], mut schedule: Vec<Word>) -> Vec<Word> {
    for t in 16..64 {
        let small_0 =
            xor_of(r1cs, [rotate(&schedule[t - 15], 7), rotate(&schedule[t - 15], 18), shift(&schedule[t - 15], 3)]);
        let small_1 =
            xor_of(r1cs, [rotate(&schedule[t - 2], 17), rotate(&schedule[t - 2], 19), shift(&schedule[t - 2], 10)]);
        let sum = [&small_0, &schedule[t - 7], &small_1, &schedule[t - 16]].map(|word| pack(word));
        schedule.push(add(r1cs, 4, &sum));
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h]: [Word; 8] =
        state.to_vec().try_into().expect("eight words");
    for (word, constant) in schedule.iter().zip(K) {
        let big_1 = xor_of(r1cs, [rotate(&e, 6), rotate(&e, 11), rotate(&e, 25)]);
        let choice = choose(r1cs, &e, &f, &g);
        let big_0 = xor_of(r1cs, [rotate(&a, 2), rotate(&a, 13), rotate(&a, 22)]);
        let majority = majority(r1cs, &a, &b, &c);
        let constant = Linear::constant(Fr::from(constant));
        let first = [pack(&h), pack(&big_1), pack(&choice), constant, pack(word)];
        let first = first.iter().fold(Linear::zero(), |sum, part| &sum + part);
        h = g;
        g = f;
        f = e;
        e = add(r1cs, 6, &[pack(&d), first.clone()]);
        d = c;
        c = b;
        b = a;
        a = add(r1cs, 7, &[first, pack(&big_0), pack(&majority)]);
    }
    let after = [a, b, c, d, e, f, g, h];
    state.iter().zip(&after).map(|(before, after)| add(r1cs, 2, &[pack(before), pack(after)])).collect()
}

fn constant_word(word: u32) -> Word {
    (0..32).map(|i| Linear::constant(Fr::from(word >> i & 1))).collect()
}

/// To the right.
fn rotate(word: &Word, by: usize) -> Word {
    (0..32).map(|i| word[(i + by) % 32].clone()).collect()
}

fn shift(word: &Word, by: usize) -> Word {
    (0..32).map(|i| word.get(i + by).cloned().unwrap_or_default()).collect()
}

/// The sum of at most `words` words, mod 2^32: 32 constraints and one for each bit of the carry; none if it is a constant.
fn add(r1cs: &mut R1cs, words: u64, parts: &[Linear]) -> Word {
    let sum = parts.iter().fold(Linear::zero(), |sum, part| &sum + part);
    if let Some(constant) = sum.as_constant() {
        return constant_word(constant.into_bigint().as_ref()[0] as u32);
    }
    let carry_bits = (u64::BITS - (words - 1).leading_zeros()) as usize;
    let mut bits = r1cs.bits(&sum, 32 + carry_bits);
    bits.truncate(32);
    bits
}

/// Bit by bit, x + y + z = xor + 2·majority; gives (xor, majority).
fn sum_bits(r1cs: &mut R1cs, [x, y, z]: [&Linear; 3]) -> (Linear, Linear) {
    let sum = &(x + y) + z;
    if let Some(constant) = sum.as_constant() {
        let count = constant.into_bigint().as_ref()[0];
        return (Linear::constant(Fr::from(count & 1)), Linear::constant(Fr::from(count >> 1)));
    }
    let majority = r1cs.boolean(r1cs.value(&sum).into_bigint().get_bit(1));
    let xor = &sum - &(&majority * Fr::ONE.double());
    r1cs.assert_boolean(&xor);
    (xor, majority)
}

fn xor_of(r1cs: &mut R1cs, [x, y, z]: [Word; 3]) -> Word {
    (0..32).map(|i| sum_bits(r1cs, [&x[i], &y[i], &z[i]]).0).collect()
}

fn majority(r1cs: &mut R1cs, x: &Word, y: &Word, z: &Word) -> Word {
    (0..32).map(|i| sum_bits(r1cs, [&x[i], &y[i], &z[i]]).1).collect()
}

/// x ? y : z
fn choose(r1cs: &mut R1cs, x: &Word, y: &Word, z: &Word) -> Word {
    (0..32)
        .map(|i| match (x[i].as_constant(), (&y[i] - &z[i]).as_constant()) {
            (Some(flag), _) => {
                if flag == Fr::ZERO {
                    z[i].clone()
                } else {
                    y[i].clone()
                }
            }
            (None, Some(difference)) => &z[i] + &(&x[i] * difference),
            (None, None) => r1cs.select(&x[i], &y[i], &z[i]),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    fn hash(message: &[u8]) -> (R1cs, Vec<u8>) {
        let mut r1cs = R1cs::new();
        let bits = message.iter().flat_map(|byte| (0..8).rev().map(move |i| byte >> i & 1 == 1));
        let bits: Vec<Linear> = bits.map(|bit| r1cs.boolean(bit)).collect();
        let hash = sha256(&mut r1cs, &bits);
        let bit = |bit: &Linear| u8::from(r1cs.value(bit) == Fr::ONE);
        let bytes = hash.chunks(8).map(|byte| byte.iter().fold(0, |sum, b| 2 * sum + bit(b))).collect();
        (r1cs, bytes)
    }

    #[test]
    fn is_the_standard_hash() {
        for length in [0, 1, 55, 56, 64, 220] {
            let message: Vec<u8> = (0..length).map(|i| (i * 7 + 3) as u8).collect();
            let (r1cs, bytes) = hash(&message);
            assert_eq!(bytes, Sha256::digest(&message).as_slice(), "{length} bytes");
            assert_eq!(r1cs.unsatisfied_by(r1cs.assignment()).count(), 0);
        }
    }

    #[test]
    fn no_bit_is_free() {
        let (r1cs, _) = hash(&[0x5a; 10]);
        let mut assignment = r1cs.assignment().to_vec();
        for i in (2..assignment.len()).step_by(97) {
            let before = assignment[i];
            assignment[i] = Fr::ONE - before;
            assert_ne!(r1cs.unsatisfied_by(&assignment).count(), 0, "variable {i}");
            assignment[i] = before;
        }
    }

    #[test]
    fn four_blocks() {
        let (r1cs, _) = hash(&[0xa7; 220]);
        assert_eq!(r1cs.constraints() - 8 * 220, FOUR_BLOCKS);
    }

    /// Constraints of a hash of 220 bytes.
    const FOUR_BLOCKS: usize = 106_464;
}
