//! GF(p⁵) = F\[z\]/(z⁵ − 3): what plonky2's [`QuinticExtension`] lacks or does slowly.
//!
//! Elements are five elements of F, constant term first. Arithmetic may leave non-canonical `u64`s inside
//! (comparison ignores that); [`to_canonical`] and [`from_canonical`] are the only ways over a boundary.

use plonky2::field::extension::quintic::QuinticExtension;
use plonky2::field::goldilocks_field::GoldilocksField;
use plonky2::field::types::{Field, PrimeField64};

use crate::hash::F;

mod root;

pub use root::{is_square, sqrt};

/// GF(p⁵).
pub type Fp5 = QuinticExtension<F>;

/// Order of F.
pub const P: u64 = 0xffff_ffff_0000_0001;

/// z⁵.
pub const W: u64 = 3;

/// Coefficient of z in the curve's constant b = 263z.
pub const B1: u64 = 263;

/// b = 263z, not a square.
pub const B: Fp5 = QuinticExtension([
    GoldilocksField(0),
    GoldilocksField(B1),
    GoldilocksField(0),
    GoldilocksField(0),
    GoldilocksField(0),
]);

/// 2^−1 in F.
const HALF: F = GoldilocksField(P.div_ceil(2));

/// The canonical `u64`s of an element, constant term first.
pub fn to_canonical(x: Fp5) -> [u64; 5] {
    x.0.map(|c| c.to_canonical_u64())
}

/// The element with these coefficients; `None` if one is not below p.
pub fn from_canonical(x: [u64; 5]) -> Option<Fp5> {
    x.iter().all(|&c| c < P).then(|| QuinticExtension(x.map(GoldilocksField)))
}

/// a · b mod p, for constants.
pub(crate) const fn mul_mod(a: u64, b: u64) -> u64 {
    ((a as u128 * b as u128) % P as u128) as u64
}

/// a^e mod p, for constants.
pub(crate) const fn pow_mod(mut a: u64, mut e: u64) -> u64 {
    let mut r = 1;
    while e != 0 {
        if e & 1 == 1 {
            r = mul_mod(r, a);
        }
        a = mul_mod(a, a);
        e >>= 1;
    }
    r
}

/// start + Σ aᵢbᵢ mod p, reduced once; start < 2^67. The low and high halves of the products are summed apart:
/// each sum has under 70 bits, and additions need no chain of carries.
#[inline(always)]
fn dot<const N: usize>(start: u128, a: [u64; N], b: [u64; N]) -> u64 {
    const { assert!(N <= 5) };
    let (mut low, mut high) = (start, 0u128);
    for i in 0..N {
        let product = a[i] as u128 * b[i] as u128;
        low = low.wrapping_add(product as u64 as u128);
        high = high.wrapping_add(product >> 64);
    }
    let high = high.wrapping_add(low >> 64);
    reduce(low as u64, high as u64, (high >> 64) as u64)
}

/// low + 2^64·middle + 2^128·high mod p in 64 bits (not canonical), by 2^64 = 2^32 − 1 and 2^96 = −1.
/// high < 8.
#[inline(always)]
fn reduce(low: u64, middle: u64, high: u64) -> u64 {
    let (mut low, borrow) = low.overflowing_sub(middle >> 32 | high << 32);
    if borrow {
        // Rare, as what is subtracted is below 2^35: a branch is cheaper than arithmetic. And so low is now
        // above 2^64 − 2^35, and cannot borrow again.
        unlikely();
        low = low.wrapping_sub(EPSILON);
    }
    add_wrapped(low, (middle & EPSILON).wrapping_mul(EPSILON))
}

/// 2^64 mod p.
const EPSILON: u64 = 0xffff_ffff;

/// a + b mod p in 64 bits, for b ≤ (2^32 − 1)², so that adding 2^64 mod p for the carry cannot carry again.
#[inline(always)]
fn add_wrapped(a: u64, b: u64) -> u64 {
    let (sum, carry) = a.overflowing_add(b);
    sum.wrapping_add(EPSILON & (carry as u64).wrapping_neg())
}

#[cold]
fn unlikely() {}

/// k·a in 64 bits (not canonical), k < 2^32.
#[inline(always)]
fn small_mul(a: u64, k: u64) -> u64 {
    let product = a as u128 * k as u128;
    add_wrapped(product as u64, ((product >> 64) as u64).wrapping_mul(EPSILON))
}

/// x·y. A fifth faster than plonky2's `*`, which is as correct: hot formulas use this one.
#[inline]
pub fn mul(x: Fp5, y: Fp5) -> Fp5 {
    mul_from([0; 5], x, y)
}

/// x·y − c.
#[inline]
pub(crate) fn mul_minus(x: Fp5, y: Fp5, c: Fp5) -> Fp5 {
    // 2p > 2^64, so nothing is negative.
    mul_from(c.0.map(|c| (2 * P as u128).wrapping_sub(c.0 as u128)), x, y)
}

/// x², with 15 products where a multiplication has 25.
#[inline]
pub fn square(x: Fp5) -> Fp5 {
    square_from([0; 5], x)
}

/// x² − c − d.
#[inline]
pub(crate) fn square_minus(x: Fp5, c: Fp5, d: Fp5) -> Fp5 {
    // 3p > 2·2^64, so nothing is negative.
    let start = |i: usize| (3 * P as u128).wrapping_sub(c.0[i].0 as u128).wrapping_sub(d.0[i].0 as u128);
    square_from([start(0), start(1), start(2), start(3), start(4)], x)
}

/// start + x·y, each coefficient of start below 2^67.
#[inline(always)]
fn mul_from(start: [u128; 5], x: Fp5, y: Fp5) -> Fp5 {
    let a = x.0.map(|c| c.0);
    let [b0, b1, b2, b3, b4] = y.0.map(|c| c.0);
    let [w1, w2, w3, w4] = [b1, b2, b3, b4].map(|b| small_mul(b, W));
    from_raw([
        dot(start[0], a, [b0, w4, w3, w2, w1]),
        dot(start[1], a, [b1, b0, w4, w3, w2]),
        dot(start[2], a, [b2, b1, b0, w4, w3]),
        dot(start[3], a, [b3, b2, b1, b0, w4]),
        dot(start[4], a, [b4, b3, b2, b1, b0]),
    ])
}

/// start + x², each coefficient of start below 2^67.
#[inline(always)]
fn square_from(start: [u128; 5], x: Fp5) -> Fp5 {
    let [a0, a1, a2, a3, a4] = x.0.map(|c| c.0);
    let (d0, d1) = (small_mul(a0, 2), small_mul(a1, 2));
    let (w3, w4) = (small_mul(a3, W), small_mul(a4, W));
    let (e3, e4) = (small_mul(a3, 2 * W), small_mul(a4, 2 * W));
    from_raw([
        dot(start[0], [a0, a1, a2], [a0, e4, e3]),
        dot(start[1], [d0, a2, a3], [a1, e4, w3]),
        dot(start[2], [d0, a1, a3], [a2, a1, e4]),
        dot(start[3], [d0, d1, a4], [a3, a2, w4]),
        dot(start[4], [d0, d1, a2], [a4, a3, a2]),
    ])
}

/// The element with these coefficients, canonical or not.
#[inline(always)]
fn from_raw(c: [u64; 5]) -> Fp5 {
    QuinticExtension(c.map(GoldilocksField))
}

/// b·x, b = 263z: a rotation and five small products.
#[inline]
pub fn mul_b(x: Fp5) -> Fp5 {
    mul_z(x, B1)
}

/// k·z·x, k < 2^30.
#[inline]
pub(crate) fn mul_z(x: Fp5, k: u64) -> Fp5 {
    let [a0, a1, a2, a3, a4] = x.0.map(|c| c.0);
    from_raw([small_mul(a4, W * k), small_mul(a0, k), small_mul(a1, k), small_mul(a2, k), small_mul(a3, k)])
}

/// 2x.
#[inline]
pub fn double(x: Fp5) -> Fp5 {
    x + x
}

/// x/2.
#[inline]
pub fn half(x: Fp5) -> Fp5 {
    scale(x, HALF)
}

/// k·x, k in F.
#[inline]
pub(crate) fn scale(x: Fp5, k: F) -> Fp5 {
    QuinticExtension(x.0.map(|c| c * k))
}

/// Inverts every element in place at the cost of one inversion and three products each (Montgomery's
/// trick). Zero stays zero. `scratch` is cleared and reused.
pub fn batch_invert(elements: &mut [Fp5], scratch: &mut Vec<Fp5>) {
    scratch.clear();
    let mut product = Fp5::ONE;
    for &x in elements.iter() {
        scratch.push(product);
        if !x.is_zero() {
            product = mul(product, x);
        }
    }
    let mut inverse = product.inverse();
    for (x, before) in elements.iter_mut().zip(scratch.iter()).rev() {
        if !x.is_zero() {
            let this = mul(inverse, *before);
            inverse = mul(inverse, *x);
            *x = this;
        }
    }
}

#[cfg(test)]
mod tests {
    use plonky2::field::extension::OEF;
    use plonky2::field::types::Sample;

    use super::*;

    #[test]
    fn constants_agree_with_plonky2() {
        assert_eq!(<Fp5 as OEF<5>>::W, F::from_canonical_u64(W));
        assert_eq!(HALF.double(), F::ONE);
        assert_eq!(P, <F as plonky2::field::types::Field64>::ORDER);
        assert!(!is_square(B));
    }

    /// Values at the edges of the representation, canonical and not.
    fn edges() -> impl Iterator<Item = Fp5> {
        let raw = [0, 1, P - 1, P, u64::MAX, 0xffff_ffff, 1 << 63];
        (0..raw.len().pow(5)).step_by(7).map(move |mut i| {
            QuinticExtension(std::array::from_fn(|_| {
                let limb = GoldilocksField(raw[i % raw.len()]);
                i /= raw.len();
                limb
            }))
        })
    }

    #[test]
    fn own_arithmetic_agrees_with_plonky2() {
        for x in edges().chain((0..1000).map(|_| Fp5::rand())) {
            let y = x + from_raw([P - 1; 5]) + Fp5::rand();
            assert_eq!(mul(x, y), x * y);
            assert_eq!(mul(x, x), x * x);
            assert_eq!(mul_minus(x, y, x), x * y - x);
            assert_eq!(square_minus(y, x, x), y * y - x - x);
            assert_eq!(square_minus(x, y, x), x * x - y - x);
            assert_eq!(square(x), x * x);
            assert_eq!(mul_b(x), x * B);
            assert_eq!(double(half(x)), x);
        }
    }

    #[test]
    fn batch_inversion_keeps_zeros() {
        let mut elements: Vec<Fp5> = (0..20).map(|_| Fp5::rand()).collect();
        elements[3] = Fp5::ZERO;
        elements[19] = Fp5::ZERO;
        let before = elements.clone();
        batch_invert(&mut elements, &mut Vec::new());
        for (x, inverse) in before.into_iter().zip(elements) {
            assert_eq!(inverse, x.try_inverse().unwrap_or(Fp5::ZERO));
        }
        batch_invert(&mut [], &mut Vec::new());
    }

    #[test]
    fn non_canonical_elements_are_refused() {
        assert_eq!(from_canonical([P, 0, 0, 0, 0]), None);
        assert_eq!(from_canonical([0, 0, 0, 0, u64::MAX]), None);
        let edge = [P - 1; 5];
        assert_eq!(from_canonical(edge).map(to_canonical), Some(edge));
    }
}
