//! Elements of F in elements of BN254's scalar field r, and the other way.
//!
//! - *Packing*: three elements of F, canonical, make one: v₀ + v₁·2^64 + v₂·2^128, below 2^192 < r. Injective.
//! - *Digits*: x = d₀ + d₁·p + d₂·p² + d₃·p³ with d₀, d₁, d₂ < p. As r < p⁴, d₃ < p too, and each x has one such form.

use ark_bn254::Fr;
use ark_ff::{BigInt, BigInteger, PrimeField};
use plonky2::field::types::{Field, Field64, PrimeField64};
use sheaf_circuits::hash::F;

/// Elements of F that are packed into one of r.
pub const PACKED_ELEMENTS: usize = 3;
/// Digits of an element of r.
pub const DIGITS: usize = 4;

/// Packs up to three elements; missing ones are zero.
pub fn pack(elements: &[F]) -> Fr {
    debug_assert!(elements.len() <= PACKED_ELEMENTS);
    let mut limbs = [0; 4];
    for (limb, element) in limbs.iter_mut().zip(elements) {
        *limb = element.to_canonical_u64();
    }
    Fr::from_bigint(BigInt(limbs)).expect("below 2^192")
}

/// The digits of `x` to base p, least significant first.
pub fn digits(x: Fr) -> [F; DIGITS] {
    let mut rest = x.into_bigint().0;
    std::array::from_fn(|_| {
        let mut remainder = 0u64;
        for limb in rest.iter_mut().rev() {
            let value = u128::from(remainder) << 64 | u128::from(*limb);
            *limb = (value / u128::from(F::ORDER)) as u64;
            remainder = (value % u128::from(F::ORDER)) as u64;
        }
        F::from_canonical_u64(remainder)
    })
}

/// 32 bytes, little-endian.
pub fn to_bytes(x: Fr) -> [u8; 32] {
    x.into_bigint().to_bytes_le().try_into().expect("four limbs")
}

/// Reads what [`to_bytes`] wrote; nothing if the number is not below r.
pub fn from_canonical_bytes(bytes: &[u8; 32]) -> Option<Fr> {
    let limb = |i: usize| u64::from_le_bytes(bytes[8 * i..8 * i + 8].try_into().expect("eight bytes"));
    Fr::from_bigint(BigInt(std::array::from_fn(limb)))
}

#[cfg(test)]
mod tests {
    use ark_ff::{AdditiveGroup, Field as _, UniformRand};
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn digits_add_up() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let p = Fr::from(F::ORDER);
        let random = (0..100).map(|_| Fr::rand(&mut rng));
        for x in [Fr::ZERO, Fr::ONE, -Fr::ONE, p, p - Fr::ONE, p * p * p].into_iter().chain(random) {
            let digits = digits(x);
            assert!(digits.iter().all(|digit| digit.0 < F::ORDER));
            let sum = digits.iter().rev().fold(Fr::ZERO, |sum, digit| sum * p + Fr::from(digit.0));
            assert_eq!(sum, x);
        }
    }

    #[test]
    fn packing_is_by_limbs_of_canonical_values() {
        let two_64 = Fr::from(1u128 << 64);
        let expected = Fr::from(1u64) + two_64 * Fr::from(2u64) + two_64 * two_64 * Fr::from(3u64);
        // The same elements, two of them in their second form.
        let elements = |values: [u64; 3]| values.map(F::from_noncanonical_u64);
        assert_eq!(pack(&elements([1, 2, 3])), expected);
        assert_eq!(pack(&elements([1 + F::ORDER, 2 + F::ORDER, 3])), expected);
        assert_eq!(pack(&elements([5, 0, 0])[..1]), Fr::from(5u64));
    }

    #[test]
    fn bytes_round_trip_and_refuse_r() {
        for x in [Fr::ZERO, -Fr::ONE] {
            assert_eq!(from_canonical_bytes(&to_bytes(x)), Some(x));
        }
        let r: Vec<u8> = Fr::MODULUS.to_bytes_le();
        assert_eq!(from_canonical_bytes(&r.try_into().unwrap()), None);
    }
}
