//! Sums of products over BN254's scalar field r, reduced once.
//!
//! Products of 256-bit numbers are added up in 512 bits, and the sum is reduced as a whole: of the work of a product two
//! fifths are its reduction. Numbers are in Montgomery form, and not always below r; each function says how far above.
//!
//! In multiples of r, with 2^256 > 5.28·r: a sum of products S·r², and one more number below r, comes out below
//! (S / 5.28 + 2)·r before it is brought down, which has to be below 2^256.

use ark_bn254::Fr;
use ark_ff::{BigInt, Fp, PrimeField};

/// 256 bits, least significant limb first.
pub(super) type Limbs = [u64; 4];

/// r.
const R: Limbs = Fr::MODULUS.0;
/// −1/r mod 2^64.
const NEG_INVERSE: u64 = {
    // Newton: each step doubles the number of right bits; r is its own inverse mod 8.
    let mut inverse = R[0];
    let mut step = 0;
    while step < 5 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(R[0].wrapping_mul(inverse)));
        step += 1;
    }
    assert!(R[0].wrapping_mul(inverse) == 1);
    inverse.wrapping_neg()
};
/// 0, r, …, 5·r: all multiples below 2^256.
const MULTIPLES: [Limbs; 6] = {
    let mut multiples = [[0; 4]; 6];
    let mut i = 1;
    while i < 6 {
        let mut carry = 0;
        let mut limb = 0;
        while limb < 4 {
            let sum = multiples[i - 1][limb] as u128 + R[limb] as u128 + carry;
            multiples[i][limb] = sum as u64;
            carry = sum >> 64;
            limb += 1;
        }
        assert!(carry == 0);
        i += 1;
    }
    multiples
};
/// A sum of products, in multiples of r², has to be below this: (5.28 − 2)·5.28.
pub(super) const PRODUCTS_MAX: f64 = 17.3;
/// A fifth power, in multiples of r, is below this.
pub(super) const FIFTH_POWER_MAX: f64 = 1.24;

/// 2^125 / (the top limb of r, plus one), to find how often r goes into a number from its top limb.
const TOP_RECIPROCAL: u64 = ((1 << 125) / (R[3] as u128 + 1)) as u64;

/// The Montgomery form of `x`.
#[inline(always)]
pub(super) fn limbs(x: Fr) -> Limbs {
    x.0 .0
}

/// The element with a Montgomery form that may be r or more.
#[inline(always)]
pub(super) fn element(mut x: Limbs) -> Fr {
    while !is_below_r(&x) {
        x = subtract(x, &R);
    }
    Fp::new_unchecked(BigInt(x))
}

fn is_below_r(x: &Limbs) -> bool {
    x.iter().rev().lt(R.iter().rev())
}

/// Σ a·b + Σ c·d + plus, below (1 + 2^-58)·r; the slices' lengths agree in pairs.
///
/// The sum of the products, in multiples of r², has to be below [`PRODUCTS_MAX`], and `plus` below r.
#[inline(always)]
pub(super) fn dot(a: &[Limbs], b: &[Limbs], c: &[Limbs], d: &[Limbs], plus: &Limbs) -> Limbs {
    bring_down(reduce(sum_of_products(a, b, c, d, plus)))
}

/// x⁵, below 1.24·r for x below (1 + 2^-58)·r.
#[inline(always)]
pub(super) fn fifth_power(x: &Limbs) -> Limbs {
    // x² < 1.19·r, x⁴ < 1.27·r
    let square = multiply(x, x);
    let fourth = multiply(&square, &square);
    multiply(&fourth, x)
}

/// a·b, not brought down.
#[inline(always)]
fn multiply(a: &Limbs, b: &Limbs) -> Limbs {
    reduce(product(a, b))
}

/// Σ a·b + Σ c·d + plus·2^256.
#[inline(always)]
fn sum_of_products(a: &[Limbs], b: &[Limbs], c: &[Limbs], d: &[Limbs], plus: &Limbs) -> [u64; 8] {
    let mut sum = [0, 0, 0, 0, plus[0], plus[1], plus[2], plus[3]];
    for (x, y) in a.iter().zip(b) {
        add(&mut sum, &product(x, y));
    }
    for (x, y) in c.iter().zip(d) {
        add(&mut sum, &product(x, y));
    }
    sum
}

/// Adds `x` at the lower end of `sum`, and returns the carry.
#[inline(always)]
fn add<const N: usize>(sum: &mut [u64], x: &[u64; N]) -> bool {
    let mut carry = false;
    for (sum, x) in sum.iter_mut().zip(x) {
        *sum = add_carry(*sum, *x, &mut carry);
    }
    carry
}

/// x·y. Each row is added up by itself first: the compiler makes one chain of carries of it, which a sum over columns does
/// not become.
#[inline(always)]
fn product(x: &Limbs, y: &Limbs) -> [u64; 8] {
    let mut product = [0; 8];
    for i in 0..4 {
        let (low, top) = row(x[i], y);
        let carry = add(&mut product[i..i + 4], &low);
        product[i + 4] = top + u64::from(carry);
    }
    product
}

/// x·y, the lower four limbs and the top one, which is below 2^64 − 1.
#[inline(always)]
fn row(x: u64, y: &Limbs) -> (Limbs, u64) {
    let wide = y.map(|limb| u128::from(x) * u128::from(limb));
    let low = wide.map(|product| product as u64);
    let high = wide.map(|product| (product >> 64) as u64);
    let mut sum = low;
    let carry = add(&mut sum[1..], &[high[0], high[1], high[2]]);
    (sum, high[3] + u64::from(carry))
}

/// Montgomery's reduction: x / 2^256 mod r, below x / 2^256 + r, which has to be below 2^256.
#[inline(always)]
fn reduce(mut x: [u64; 8]) -> Limbs {
    let mut carry = false;
    for i in 0..4 {
        // Makes limb i zero.
        let (low, top) = row(x[i].wrapping_mul(NEG_INVERSE), &R);
        let inner = add(&mut x[i..i + 4], &low);
        x[i + 4] = add_carry(x[i + 4], top + u64::from(inner), &mut carry);
    }
    [x[4], x[5], x[6], x[7]]
}

#[inline(always)]
fn add_carry(x: u64, y: u64, carry: &mut bool) -> u64 {
    let (sum, first) = x.overflowing_add(y);
    let (sum, second) = sum.overflowing_add(u64::from(*carry));
    *carry = first | second;
    sum
}

/// x mod r, but for numbers just above a multiple of r: below (1 + 2^-58)·r.
#[inline(always)]
fn bring_down(x: Limbs) -> Limbs {
    let times = ((u128::from(x[3]) * u128::from(TOP_RECIPROCAL)) >> 125) as usize;
    subtract(x, &MULTIPLES[times.min(5)])
}

#[inline(always)]
fn subtract(x: Limbs, y: &Limbs) -> Limbs {
    let mut borrow = false;
    std::array::from_fn(|i| {
        let (difference, first) = x[i].overflowing_sub(y[i]);
        let (difference, second) = difference.overflowing_sub(borrow.into());
        borrow = first | second;
        difference
    })
}
