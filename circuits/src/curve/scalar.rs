//! Integers modulo n, the order of the group.
//!
//! A scalar is five 64-bit limbs, least significant first, always below n; as bytes, 40, little-endian.

use std::fmt;

use plonky2::field::goldilocks_field::GoldilocksField;
use plonky2::field::types::PrimeField64;
use thiserror::Error;

use super::field::P;

/// Limbs in a scalar.
pub const LIMBS: usize = 5;

/// Bytes in an encoded scalar.
pub const SCALAR_BYTES: usize = 8 * LIMBS;

/// n = 1067993516717146951041484916571792702745057740581727230159139685185762082554198619328292418486241,
/// a prime of 319 bits, the order of the group (eprint 2022/274, section 3.2).
pub const ORDER: [u64; LIMBS] =
    [0xe80f_d996_948b_ffe1, 0xe888_5c39_d724_a09c, 0x7fff_ffe6_cfb8_0639, 0x7fff_fff1_0000_0016, 0x7fff_fffd_8000_0007];

/// Bits of n.
pub const SCALAR_BITS: usize = 319;

const _: () = assert!(ORDER[LIMBS - 1].leading_zeros() as usize == 64 * LIMBS - SCALAR_BITS);

/// −n^−1 mod 2^64, by Newton's iteration (each step doubles the correct bits; n·n = 1 mod 8 starts it).
const NEG_ORDER_INVERSE: u64 = {
    let mut inverse = ORDER[0];
    let mut step = 0;
    while step < 5 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(ORDER[0].wrapping_mul(inverse)));
        step += 1;
    }
    assert!(inverse.wrapping_mul(ORDER[0]) == 1);
    inverse.wrapping_neg()
};

/// R² mod n, R = 2^320: 1 doubled 640 times.
const MONTGOMERY_R2: Scalar = {
    let mut x = Scalar::ONE;
    let mut i = 0;
    while i < 2 * 64 * LIMBS {
        x = x.add_const(x);
        i += 1;
    }
    x
};

/// Why bytes are not a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ScalarError {
    /// The number is n or more, so that it is a second encoding of a smaller one.
    #[error("scalar is not below the group order")]
    NotCanonical,
}

/// An integer modulo n.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scalar([u64; LIMBS]);

impl Scalar {
    /// 0.
    pub const ZERO: Self = Self([0; LIMBS]);
    /// 1.
    pub const ONE: Self = Self([1, 0, 0, 0, 0]);

    /// The scalar with these limbs, least significant first.
    ///
    /// # Errors
    /// [`ScalarError::NotCanonical`] if the number is n or more.
    pub const fn from_limbs(limbs: [u64; LIMBS]) -> Result<Self, ScalarError> {
        if sub_limbs(limbs, ORDER).1 {
            Ok(Self(limbs))
        } else {
            Err(ScalarError::NotCanonical)
        }
    }

    /// The limbs, least significant first.
    pub const fn limbs(self) -> [u64; LIMBS] {
        self.0
    }

    /// Reads 40 little-endian bytes.
    ///
    /// # Errors
    /// [`ScalarError::NotCanonical`] if the number is n or more.
    pub fn from_bytes(bytes: &[u8; SCALAR_BYTES]) -> Result<Self, ScalarError> {
        Self::from_limbs(limbs_from_bytes(bytes))
    }

    /// 40 little-endian bytes.
    pub fn to_bytes(self) -> [u8; SCALAR_BYTES] {
        limbs_to_bytes(self.0)
    }

    /// Bit `i`, counted from the least significant; false past the end.
    pub const fn bit(self, i: usize) -> bool {
        i < 64 * LIMBS && (self.0[i / 64] >> (i % 64)) & 1 == 1
    }

    /// Whether this is 0.
    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }

    /// Σ hᵢ·pⁱ mod n over the canonical values of `elements`.
    ///
    /// Uniform elements of F give a scalar within n/p^len of uniform: for eight elements, 2^−193. (Radix p,
    /// not 2^64, because then the sum is exactly uniform below p^len before it is reduced.)
    pub fn from_elements(elements: &[GoldilocksField]) -> Self {
        const RADIX: Scalar = Scalar([P, 0, 0, 0, 0]);
        elements.iter().rev().fold(Self::ZERO, |sum, h| sum * RADIX + Self::from(h.to_canonical_u64()))
    }

    /// The value of up to ten limbs modulo n, least significant first.
    pub(crate) fn from_wide(limbs: [u64; 2 * LIMBS]) -> Self {
        let (mut low, mut high) = ([0; LIMBS], [0; LIMBS]);
        low.copy_from_slice(&limbs[..LIMBS]);
        high.copy_from_slice(&limbs[LIMBS..]);
        // Montgomery products accept any 320-bit factor: low·R·R^−1 + high·R.
        let low = montgomery(montgomery(low, MONTGOMERY_R2.0), Self::ONE.0);
        let high = montgomery(high, MONTGOMERY_R2.0);
        Self(low) + Self(high)
    }

    const fn add_const(self, other: Self) -> Self {
        // Both below 2^319, so the sum fits in 320 bits.
        Self(reduce_once(add_limbs(self.0, other.0)))
    }
}

impl From<u64> for Scalar {
    fn from(x: u64) -> Self {
        Self([x, 0, 0, 0, 0])
    }
}

impl From<u128> for Scalar {
    fn from(x: u128) -> Self {
        Self([x as u64, (x >> 64) as u64, 0, 0, 0])
    }
}

impl std::ops::Add for Scalar {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.add_const(other)
    }
}

impl std::ops::Neg for Scalar {
    type Output = Self;

    fn neg(self) -> Self {
        Self(reduce_once(sub_limbs(ORDER, self.0).0))
    }
}

impl std::ops::Sub for Scalar {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl std::ops::Mul for Scalar {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self(montgomery(montgomery(self.0, MONTGOMERY_R2.0), other.0))
    }
}

/// Most significant digit first, as numbers are written; 80 hexadecimal digits.
impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().rev().try_for_each(|limb| write!(f, "{limb:016x}"))
    }
}

/// Reads limbs from little-endian bytes.
pub(crate) fn limbs_from_bytes(bytes: &[u8; SCALAR_BYTES]) -> [u64; LIMBS] {
    let mut limbs = [0; LIMBS];
    for (limb, chunk) in limbs.iter_mut().zip(bytes.chunks_exact(8)) {
        *limb = chunk.iter().rev().fold(0, |limb, &byte| limb << 8 | byte as u64);
    }
    limbs
}

/// Writes limbs as little-endian bytes.
pub(crate) fn limbs_to_bytes(limbs: [u64; LIMBS]) -> [u8; SCALAR_BYTES] {
    let mut bytes = [0; SCALAR_BYTES];
    for (chunk, limb) in bytes.chunks_exact_mut(8).zip(limbs) {
        chunk.copy_from_slice(&limb.to_le_bytes());
    }
    bytes
}

/// sum += a·b over little-endian limbs. The caller knows that the sum fits.
pub(crate) fn add_product(sum: &mut [u64], a: &[u64], b: &[u64]) {
    for (i, &a_limb) in a.iter().enumerate() {
        let mut carry = 0u128;
        for (sum_limb, b_limb) in sum[i..].iter_mut().zip(b.iter().copied().chain(std::iter::repeat(0))) {
            carry += *sum_limb as u128 + a_limb as u128 * b_limb as u128;
            *sum_limb = carry as u64;
            carry >>= 64;
        }
        debug_assert_eq!(carry, 0, "the sum has too few limbs");
    }
}

/// a + b, which the caller knows to be below 2^320.
const fn add_limbs(a: [u64; LIMBS], b: [u64; LIMBS]) -> [u64; LIMBS] {
    let mut sum = [0; LIMBS];
    let mut carry = 0u128;
    let mut i = 0;
    while i < LIMBS {
        carry += a[i] as u128 + b[i] as u128;
        sum[i] = carry as u64;
        carry >>= 64;
        i += 1;
    }
    sum
}

/// a − b mod 2^320, and whether it borrowed (a < b).
const fn sub_limbs(a: [u64; LIMBS], b: [u64; LIMBS]) -> ([u64; LIMBS], bool) {
    let mut difference = [0; LIMBS];
    let mut borrow = false;
    let mut i = 0;
    while i < LIMBS {
        let (d, under1) = a[i].overflowing_sub(b[i]);
        let (d, under2) = d.overflowing_sub(borrow as u64);
        difference[i] = d;
        borrow = under1 || under2;
        i += 1;
    }
    (difference, borrow)
}

/// x mod n for x < 2n.
const fn reduce_once(x: [u64; LIMBS]) -> [u64; LIMBS] {
    let (difference, borrow) = sub_limbs(x, ORDER);
    if borrow {
        x
    } else {
        difference
    }
}

/// a·b·R^−1 mod n, for b < n and any a below R = 2^320 (coarsely integrated operand scanning).
///
/// The sum before the last step is below (a·b + R·n)/R < 2n, as b < n and a < R.
fn montgomery(a: [u64; LIMBS], b: [u64; LIMBS]) -> [u64; LIMBS] {
    let mut t = [0u64; LIMBS + 1];
    for a_limb in a {
        let mut carry = 0u128;
        for (t_limb, b_limb) in t.iter_mut().zip(b) {
            carry += *t_limb as u128 + a_limb as u128 * b_limb as u128;
            *t_limb = carry as u64;
            carry >>= 64;
        }
        let top = t[LIMBS] as u128 + carry;
        let factor = t[0].wrapping_mul(NEG_ORDER_INVERSE);
        let mut carry = (t[0] as u128 + factor as u128 * ORDER[0] as u128) >> 64;
        for i in 1..LIMBS {
            carry += t[i] as u128 + factor as u128 * ORDER[i] as u128;
            t[i - 1] = carry as u64;
            carry >>= 64;
        }
        let top = top + carry;
        t[LIMBS - 1] = top as u64;
        t[LIMBS] = (top >> 64) as u64;
    }
    let mut x = [0; LIMBS];
    x.copy_from_slice(&t[..LIMBS]);
    // 2n < 2^320, so t has no sixth limb here.
    reduce_once(x)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scalar() -> impl Strategy<Value = Scalar> {
        prop_oneof![
            4 => any::<[u64; 10]>().prop_map(Scalar::from_wide),
            1 => (0u64..4).prop_map(Scalar::from),
            1 => (0u64..4).prop_map(|x| -Scalar::from(x)),
        ]
    }

    proptest! {
        #[test]
        fn ring_laws(a in scalar(), b in scalar(), c in scalar()) {
            prop_assert_eq!((a + b) * c, a * c + b * c);
            prop_assert_eq!(a * b, b * a);
            prop_assert_eq!((a * b) * c, a * (b * c));
            prop_assert_eq!(a - b + b, a);
            prop_assert_eq!(a * Scalar::ONE, a);
            prop_assert_eq!(a + -a, Scalar::ZERO);
        }

        #[test]
        fn multiplication_is_repeated_addition(a in scalar(), k in any::<u64>()) {
            let mut sum = Scalar::ZERO;
            for i in (0..64).rev() {
                sum = sum + sum;
                if k >> i & 1 == 1 {
                    sum = sum + a;
                }
            }
            prop_assert_eq!(a * Scalar::from(k), sum);
        }

        #[test]
        fn bytes_round_trip(a in scalar()) {
            prop_assert_eq!(Scalar::from_bytes(&a.to_bytes()), Ok(a));
        }

        #[test]
        fn wide_values_are_low_plus_high_times_2_320(a in scalar(), b in scalar()) {
            let mut wide = [0; 10];
            wide[..5].copy_from_slice(&a.limbs());
            wide[5..].copy_from_slice(&b.limbs());
            let two_320 = (0..320).fold(Scalar::ONE, |x, _| x + x);
            prop_assert_eq!(Scalar::from_wide(wide), a + b * two_320);
        }
    }

    #[test]
    fn numbers_from_the_order_up_are_refused() {
        let mut below = ORDER;
        below[0] -= 1;
        assert_eq!(Scalar::from_limbs(below), Ok(-Scalar::ONE));
        assert_eq!(Scalar::from_limbs(ORDER), Err(ScalarError::NotCanonical));
        assert_eq!(Scalar::from_limbs([u64::MAX; 5]), Err(ScalarError::NotCanonical));
        assert_eq!(Scalar::from_bytes(&limbs_to_bytes(ORDER)), Err(ScalarError::NotCanonical));
    }

    proptest! {
        #[test]
        fn products_add_up(a in scalar(), k in any::<u128>(), times in 1..20usize) {
            let mut sum = [0; 10];
            for _ in 0..times {
                add_product(&mut sum, &a.limbs(), &[k as u64, (k >> 64) as u64]);
            }
            prop_assert_eq!(Scalar::from_wide(sum), a * Scalar::from(k) * Scalar::from(times as u64));
        }
    }

    #[test]
    fn largest_wide_value_reduces() {
        // 2^640 − 1 = R·R − 1.
        assert_eq!(Scalar::from_wide([u64::MAX; 10]), MONTGOMERY_R2 - Scalar::ONE);
    }

    #[test]
    fn elements_are_digits_in_radix_p() {
        let digits = [3, 1, P - 1].map(GoldilocksField);
        let p = Scalar::from(P);
        assert_eq!(Scalar::from_elements(&digits), Scalar::from(3u64) + p + (p - Scalar::ONE) * p * p);
    }
}
