//! The public values of a shrink proof, and the one number that L1 sees of them.
//!
//! | bytes | what |
//! | --- | --- |
//! | 32 | program id, big-endian |
//! | 8, 20, 4, 4, 8 | chain id, contract, batch number, operator, timestamp, big-endian |
//! | 32, 32, 32 | root before, root after, daCommit: four elements of F, each little-endian |
//! | 16, 16, 16 | z, the L1 stream's evaluation, the L2 stream's: two elements of F, each big-endian |
//!
//! 220 bytes, of which the public input is SHA-256 without its top 3 bits, so that it is below r. Every element of F is
//! canonical here, and the context's have their widths, so that a statement has one encoding.

use ark_bn254::Fr;
use ark_ff::PrimeField;
use sheaf_circuits::context::CONTEXT_FIELD_BITS;
use sheaf_circuits::hash::{DIGEST_LEN, F};
pub use sheaf_verifier_contract::STATEMENT_BYTES;

use super::field::{pack, Interval, Residue, Residues};
use super::r1cs::{Linear, R1cs};
use super::sha256::sha256;
use super::transcript::loose_digits;
use crate::shrink::values::{PublicValues, PUBLIC_VALUES_LEN};

/// Bits of the public input.
pub const PUBLIC_INPUT_BITS: usize = 253;

/// Widths of the context's elements, and the bytes that each takes.
const CONTEXT: [(usize, usize); 9] =
    [(CONTEXT_FIELD_BITS, 8), (32, 4), (32, 4), (32, 4), (32, 4), (32, 4), (32, 4), (32, 4), (CONTEXT_FIELD_BITS, 8)];
/// Digests after the context: both roots and daCommit.
const DIGESTS: usize = 3;
/// Elements after the digests: z and two evaluations, of two each.
const EVALUATIONS: usize = 6;
const _: () = assert!(PUBLIC_VALUES_LEN == CONTEXT.len() + DIGESTS * DIGEST_LEN + EVALUATIONS);

/// One value with its bits, the lowest first.
#[derive(Clone)]
struct Value {
    element: Residue,
    bits: Vec<Linear>,
}

/// The public values.
#[derive(Clone)]
pub struct Statement {
    values: Vec<Value>,
}

impl Statement {
    /// Values that the prover chooses, each of its width.
    pub fn allocate(field: &mut Residues, values: &PublicValues) -> Self {
        use plonky2::field::types::PrimeField64;
        let widths = CONTEXT.iter().map(|width| Some(width.0)).chain(std::iter::repeat(None));
        let value = |(value, width): (&F, Option<usize>)| {
            let variable = field.r1cs.allocate(Fr::from(value.to_canonical_u64()));
            let bits = match width {
                Some(width) => field.r1cs.bits(&variable.into(), width),
                None => field.canonical_bits(&variable.into()),
            };
            Value { element: field.atom(variable, Interval::bits(width.unwrap_or(64))), bits }
        };
        Self { values: values.0.iter().zip(widths).map(value).collect() }
    }

    /// The values, as what is hashed.
    pub fn elements(&self) -> Vec<Linear> {
        self.values.iter().map(|value| value.element.linear()).collect()
    }

    /// The values.
    pub fn residues(&self) -> Vec<Residue> {
        self.values.iter().map(|value| value.element.clone()).collect()
    }

    /// Puts another value in place of one.
    #[cfg(test)]
    pub(super) fn change(&mut self, field: &mut Residues, position: usize) {
        use plonky2::field::types::Field;
        let value = &mut self.values[position].element;
        *value = field.witness(field.value(value) + F::ONE);
    }

    /// plonky2's public inputs: the digits of the values' hash.
    pub fn public_inputs(&self, field: &mut Residues, hash: &Linear) -> Vec<Residue> {
        let digits = loose_digits(field, hash);
        digits
            .into_iter()
            .map(|digit| {
                let variable = field.r1cs.allocate(field.r1cs.value(&digit));
                field.r1cs.assert_equal(&variable.into(), &digit);
                field.atom(variable, Interval::bits(64))
            })
            .collect()
    }

    /// The number that L1 sees.
    pub fn public_input(&self, r1cs: &mut R1cs, program_id: &Linear) -> Linear {
        let mut message: Vec<Linear> = Vec::with_capacity(8 * STATEMENT_BYTES);
        message.extend(canonical_bits(r1cs, program_id).into_iter().rev());
        let (context, rest) = self.values.split_at(CONTEXT.len());
        let (digests, evaluations) = rest.split_at(DIGESTS * DIGEST_LEN);
        for (value, (width, bytes)) in context.iter().zip(CONTEXT) {
            message.extend(std::iter::repeat_n(Linear::zero(), 8 * bytes - width));
            message.extend(value.bits.iter().rev().cloned());
        }
        for value in digests {
            message.extend(value.bits.chunks(8).flat_map(|byte| byte.iter().rev().cloned()));
        }
        for value in evaluations {
            message.extend(value.bits.iter().rev().cloned());
        }
        assert_eq!(message.len(), 8 * STATEMENT_BYTES);
        r1cs.part("sha256");
        let mut hash = sha256(r1cs, &message);
        r1cs.part("statement");
        hash.reverse();
        pack(&hash[..PUBLIC_INPUT_BITS])
    }
}

/// The 256 bits of an element of r, the lowest first, of the integer below r.
///
/// With halves of 127 bits, the upper half has to be below that of r − 1: an element whose upper half equals it is
/// refused, though it is below r. One in 2^126.
fn canonical_bits(r1cs: &mut R1cs, element: &Linear) -> Vec<Linear> {
    use ark_ff::BigInteger;
    const HALF: usize = 127;
    let bits: Vec<bool> = (0..HALF).map(|i| r1cs.value(element).into_bigint().get_bit(i)).collect();
    let low: Vec<Linear> = bits.into_iter().map(|bit| r1cs.boolean(bit)).collect();
    let shift = pack_shift(HALF);
    let high = &(element - &pack(&low)) * shift;
    let high_bits = r1cs.bits(&high, HALF);
    let most = (0..HALF).filter(|&i| Fr::MODULUS.get_bit(HALF + i)).map(|i| Fr::from(1u128 << i)).sum::<Fr>();
    r1cs.bits(&(&Linear::constant(most - Fr::from(1u64)) - &high), HALF);
    let mut bits = low;
    bits.extend(high_bits);
    bits.resize(256, Linear::zero());
    bits
}

/// 1 / 2^bits
fn pack_shift(bits: usize) -> Fr {
    use ark_ff::Field;
    Fr::from(2u64).pow([bits as u64]).inverse().expect("2 is not 0 mod r")
}

#[cfg(test)]
mod tests {
    use ark_ff::{BigInteger, UniformRand};
    use num_bigint::BigUint;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn integer(element: Fr) -> BigUint {
        BigUint::from_bytes_le(&element.into_bigint().to_bytes_le())
    }

    #[test]
    fn bits_are_those_of_the_integer_below_r() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for value in [Fr::from(0u64), Fr::from(5u64), Fr::rand(&mut rng), Fr::rand(&mut rng)] {
            let mut r1cs = R1cs::new();
            let element = Linear::from(r1cs.allocate(value));
            let first = r1cs.variables();
            let bits = canonical_bits(&mut r1cs, &element);
            assert_eq!(r1cs.unsatisfied_by(r1cs.assignment()).count(), 0);
            let sum = bits.iter().rev().fold(BigUint::ZERO, |sum, bit| 2u8 * sum + integer(r1cs.value(bit)));
            assert_eq!(sum, integer(value));

            // The bits of value + r, where that has 254, and any bits for the comparison.
            let second = sum + BigUint::from_bytes_le(&Fr::MODULUS.to_bytes_le());
            if second.bits() <= 254 {
                let mut assignment = r1cs.assignment().to_vec();
                for i in 0..253u64 {
                    assignment[first + i as usize] = Fr::from(second.bit(i));
                }
                assert_ne!(r1cs.unsatisfied_by(&assignment).count(), 0);
            }
        }
    }

    /// A value that is wider than its field is refused.
    #[test]
    fn contexts_have_their_widths() {
        for (position, (width, _)) in CONTEXT.into_iter().enumerate() {
            for (value, refused) in [((1u64 << width) - 1, false), (1 << width, true)] {
                let mut field = Residues::new();
                let mut values = PublicValues([F::default(); PUBLIC_VALUES_LEN]);
                values.0[position] = plonky2::field::types::Field::from_canonical_u64(value);
                Statement::allocate(&mut field, &values);
                let failing = field.r1cs.unsatisfied_by(field.r1cs.assignment()).count();
                assert_eq!(failing > 0, refused, "value {position}");
            }
        }
    }
}
