//! Fiat-Shamir as shrink has it: the twin of [`crate::bn254`]'s transcript permutation under plonky2's `Challenger`.
//!
//! What is absorbed is a number of 64 bits that stands for its residue. It need not be canonical: another
//! representative is another transcript of the same values, and trying transcripts is what a prover can do anyway. What
//! is drawn is canonical, and so are query indices: there a choice would be a choice of challenges.

use ark_bn254::Fr;
use ark_ff::Field;
use plonky2::field::types::{Field64, PrimeField64};
use sheaf_circuits::hash::F;

use super::field::{Residue, Residues};
use super::hash::{pack_triple, Hashes};
use super::r1cs::Linear;
use crate::bn254::packing::{digits, DIGITS, PACKED_ELEMENTS};
use crate::bn254::transcript::{ABSORBED, DIGITS_TAKEN, SQUEEZED};

/// A challenge and its 64 bits, the lowest first.
#[derive(Clone, Debug)]
pub struct Challenge {
    /// The element.
    pub element: Residue,
    /// Its bits.
    pub bits: Vec<Linear>,
}

/// The sponge.
pub struct Transcript<'a> {
    hashes: &'a Hashes,
    capacity: Linear,
    absorbed: Vec<Linear>,
    /// Rate elements of the last permutation that are not drawn from yet, the next one last.
    squeezed: Vec<Linear>,
    /// Challenges made from the last such element, the next one last.
    drawn: Vec<Challenge>,
}

impl<'a> Transcript<'a> {
    /// The empty transcript.
    pub fn new(hashes: &'a Hashes) -> Self {
        Self { hashes, capacity: Linear::zero(), absorbed: vec![], squeezed: vec![], drawn: vec![] }
    }

    /// Absorbs a number below 2^64.
    pub fn observe(&mut self, field: &mut Residues, element: Linear) {
        self.squeezed.clear();
        self.drawn.clear();
        self.absorbed.push(element);
        if self.absorbed.len() == ABSORBED {
            self.permute(field);
        }
    }

    /// Absorbs a digest: its digits mod p, which determine it.
    pub fn observe_digest(&mut self, field: &mut Residues, digest: &[Linear]) {
        for element in digest {
            for digit in loose_digits(field, element) {
                self.observe(field, digit);
            }
        }
    }

    /// Draws an element of F.
    pub fn challenge(&mut self, field: &mut Residues) -> Challenge {
        if let Some(challenge) = self.drawn.pop() {
            return challenge;
        }
        if !self.absorbed.is_empty() || self.squeezed.is_empty() {
            self.permute(field);
        }
        let element = self.squeezed.pop().expect("a permutation has two");
        self.drawn = canonical_digits(field, &element);
        self.drawn.pop().expect("three digits")
    }

    fn permute(&mut self, field: &mut Residues) {
        self.absorbed.resize(ABSORBED, Linear::zero());
        let mut state = vec![self.capacity.clone()];
        state.extend(self.absorbed.chunks(PACKED_ELEMENTS).map(pack_triple));
        let state = state.try_into().expect("the width");
        let [capacity, first, second, _, _] = self.hashes.narrow.permute(&mut field.r1cs, state);
        self.capacity = capacity;
        self.absorbed.clear();
        self.drawn.clear();
        self.squeezed = vec![first, second];
        debug_assert_eq!(self.squeezed.len() * DIGITS_TAKEN, SQUEEZED);
    }
}

/// p^i as an element of r.
fn modulus_power(i: u64) -> Fr {
    Fr::from(F::ORDER).pow([i])
}

/// What is left of `element` when p-adic digits are taken off: (element − Σ digit_i·p^i) / p³.
fn last_digit(element: &Linear, digits: &[Linear]) -> Linear {
    let rest =
        digits.iter().zip(0..).fold(element.clone(), |rest, (digit, i)| rest.add_scaled(digit, -modulus_power(i)));
    &rest * modulus_power(DIGITS_TAKEN as u64).inverse().expect("p is not 0 mod r")
}

/// Four numbers below 2^64 that determine `element`; an honest prover's are its digits.
pub fn loose_digits(field: &mut Residues, element: &Linear) -> Vec<Linear> {
    let values = digits(field.r1cs.value(element));
    let mut digits: Vec<Linear> = Vec::with_capacity(DIGITS);
    for &value in &values[..DIGITS_TAKEN] {
        digits.push(field.witness(value).linear());
    }
    let last = last_digit(element, &digits);
    field.r1cs.bits(&last, 64);
    digits.push(last);
    digits
}

/// The first three digits of `element`, canonical, with bits.
///
/// The fourth has to be below that of r, so that the integer Σ digit_i·p^i is below r and thus `element`. An element
/// whose fourth digit equals r's is refused, though its integer may be below r: one in 2^61.
fn canonical_digits(field: &mut Residues, element: &Linear) -> Vec<Challenge> {
    let values = digits(field.r1cs.value(element));
    let draw = |&value: &F| {
        let (element, bits) = field.canonical_witness(value);
        Challenge { element, bits }
    };
    let challenges: Vec<Challenge> = values[..DIGITS_TAKEN].iter().map(draw).collect();
    let taken: Vec<Linear> = challenges.iter().map(|challenge| challenge.element.linear()).collect();
    let last = last_digit(element, &taken);
    let [.., most] = digits(-Fr::ONE).map(|digit| digit.to_canonical_u64());
    let bits = (u64::BITS - most.leading_zeros()) as usize;
    field.r1cs.bits(&last, bits);
    field.r1cs.bits(&(&Linear::constant(Fr::from(most - 1)) - &last), bits);
    challenges
}

#[cfg(test)]
mod tests {
    use ark_ff::{BigInteger, PrimeField};
    use num_bigint::BigUint;

    use super::*;

    #[test]
    fn digits_of_r_are_below_p_to_the_fourth() {
        let digits = digits(-Fr::ONE).map(|digit| digit.to_canonical_u64());
        let sum = digits.iter().rev().fold(BigUint::ZERO, |sum, &digit| sum * F::ORDER + digit);
        let modulus = BigUint::from_bytes_le(&Fr::MODULUS.to_bytes_le());
        assert_eq!(sum + 1u8, modulus);
        assert!(digits[3] < 1 << 62 && digits[3] > 1 << 61);
    }

    /// Digits of x + r say the same mod r. As challenges they are refused; what is absorbed may be either.
    #[test]
    fn challenges_have_one_form() {
        let element = Fr::from(5u64);
        let mut second: BigUint = BigUint::from_bytes_le(&Fr::MODULUS.to_bytes_le()) + 5u8;
        let digits: [u64; 4] = std::array::from_fn(|_| {
            let digit = &second % F::ORDER;
            second /= F::ORDER;
            u64::try_from(digit).unwrap()
        });
        for is_challenge in [true, false] {
            let mut field = Residues::new();
            let variable = Linear::from(field.r1cs.allocate(element));
            let mut place = field.r1cs.variables();
            match is_challenge {
                true => drop(canonical_digits(&mut field, &variable)),
                false => drop(loose_digits(&mut field, &variable)),
            }
            assert_eq!(field.r1cs.unsatisfied_by(field.r1cs.assignment()).count(), 0);
            let mut assignment = field.r1cs.assignment().to_vec();
            let mut set = |value: Fr| {
                assignment[place] = value;
                place += 1;
            };
            for digit in &digits[..3] {
                set(Fr::from(*digit));
                (0..63).for_each(|i| set(Fr::from(digit >> i & 1)));
                if is_challenge {
                    let short = 32 - (digit >> 32).count_ones();
                    set(Fr::from(*digit as u32) / Fr::from(short));
                }
            }
            let bits = if is_challenge { 61 } else { 63 };
            (0..bits).for_each(|i| set(Fr::from(digits[3] >> i & 1)));
            let failing = field.r1cs.unsatisfied_by(&assignment).count();
            assert_eq!(failing > 0, is_challenge);
        }
    }
}
