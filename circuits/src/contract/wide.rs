//! Integers wider than a field element, for exact products, divisions and square roots of amounts.
//!
//! An integer is Σ limbᵢ · 2^(21·i). Its limbs begin below 2^21; sums and products leave them unreduced, and every limb
//! carries the largest value that it can have, so that what could wrap is refused while the circuit is built. An
//! equality is the one place where carries are taken:
//!
//! ```text
//!   tᵢ = aᵢ − bᵢ + carryᵢ₋₁ = carryᵢ · 2^21,   the last tᵢ = 0,    carryᵢ + 2^20 in 21 bits, or + 2^41 in 42
//! ```
//!
//! Bounds keep |tᵢ| below 2^62, and |carryᵢ · 2^21| is at most 2^62, so each equation of field elements is one of
//! integers. 21 bits, because three limbs hold an amount of 62 bits below 2^63 < p, so in one way only, and because a
//! product of three by three limbs, times a factor of a thousand, stays below 2^62.
//!
//! | rows for | |
//! | --- | --- |
//! | splitting an amount | 0.4 |
//! | a product of two amounts | 0.5 |
//! | a division of such a product | 4 to 5 |
//! | a square root of such a product | 3 |

pub(crate) mod generators;
#[cfg(test)]
mod tests;

use std::cmp::max;

use plonky2::field::types::Field;
use plonky2::iop::target::{BoolTarget, Target};

use self::generators::{CarryGenerator, DivisionGenerator, LimbsGenerator, RootGenerator};
use crate::amount::BALANCE_BITS;
use crate::gates::range::RangeChecker;
use crate::hash::circuit::Builder;
use crate::hash::F;

/// Bits of a fresh limb.
pub const LIMB_BITS: usize = 21;
/// Limbs of an amount.
pub const AMOUNT_LIMBS: usize = 3;
/// What a limb, or a difference of limbs with its carry, stays below.
const LIMIT: u64 = 1 << 62;
const LIMB_MAX: u64 = (1 << LIMB_BITS) - 1;

const _: () = assert!(AMOUNT_LIMBS * LIMB_BITS == 63, "an amount of 62 bits fits, and no multiple of p does");

/// An integer ≥ 0 in limbs that are not reduced.
#[derive(Clone, Debug)]
pub struct Wide {
    limbs: Vec<Target>,
    /// The largest value of each limb.
    bounds: Vec<u64>,
}

impl Wide {
    /// An element as an integer. It is constrained to be below 2^63.
    pub fn new(builder: &mut Builder, ranges: &mut RangeChecker, value: Target) -> Self {
        let wide = Self::fresh(builder, ranges, AMOUNT_LIMBS);
        builder.add_simple_generator(LimbsGenerator { value, limbs: wide.limbs.clone() });
        let sum = wide.element(builder);
        builder.connect(sum, value);
        wide
    }

    /// A known integer below 2^62.
    pub fn constant(builder: &mut Builder, value: u64) -> Self {
        assert!(value < LIMIT);
        let bits = (u64::BITS - value.leading_zeros()) as usize;
        let count = max(1, bits.div_ceil(LIMB_BITS));
        let parts: Vec<u64> = (0..count).map(|i| value >> (LIMB_BITS * i) & LIMB_MAX).collect();
        let limbs = parts.iter().map(|&part| builder.constant(F::from_canonical_u64(part))).collect();
        Self { limbs, bounds: parts }
    }

    /// An element as one limb. Whoever calls has constrained it to be at most `max`.
    pub fn limb(value: Target, max: u64) -> Self {
        assert!(max <= LIMB_MAX);
        Self { limbs: vec![value], bounds: vec![max] }
    }

    /// A boolean as an integer.
    pub fn from_bool(value: BoolTarget) -> Self {
        Self { limbs: vec![value.target], bounds: vec![1] }
    }

    /// Limbs that the prover picks.
    fn fresh(builder: &mut Builder, ranges: &mut RangeChecker, count: usize) -> Self {
        let limbs = builder.add_virtual_targets(count);
        for &limb in &limbs {
            ranges.range_check(builder, limb, LIMB_BITS);
        }
        Self { limbs, bounds: vec![LIMB_MAX; count] }
    }

    /// The element that the limbs come to. For integers below p only.
    fn element(&self, builder: &mut Builder) -> Target {
        let shift = F::from_canonical_u64(1 << LIMB_BITS);
        let (&top, rest) = self.limbs.split_last().expect("an integer has limbs");
        rest.iter().rev().fold(top, |sum, &limb| builder.mul_const_add(shift, sum, limb))
    }

    /// self + other
    pub fn add(&self, builder: &mut Builder, other: &Self) -> Self {
        let (long, short) = if self.limbs.len() < other.limbs.len() { (other, self) } else { (self, other) };
        let mut sum = long.clone();
        for (i, (&limb, &bound)) in short.limbs.iter().zip(&short.bounds).enumerate() {
            sum.limbs[i] = builder.add(sum.limbs[i], limb);
            sum.bounds[i] = checked(sum.bounds[i].checked_add(bound));
        }
        sum
    }

    /// factor · self
    pub fn scale(&self, builder: &mut Builder, factor: u64) -> Self {
        let constant = F::from_canonical_u64(factor);
        Self {
            limbs: self.limbs.iter().map(|&limb| builder.mul_const(constant, limb)).collect(),
            bounds: self.bounds.iter().map(|bound| checked(bound.checked_mul(factor))).collect(),
        }
    }

    /// self · other
    pub fn mul(&self, builder: &mut Builder, other: &Self) -> Self {
        let count = self.limbs.len() + other.limbs.len() - 1;
        let zero = builder.zero();
        let mut product = Self { limbs: vec![zero; count], bounds: vec![0; count] };
        for (i, (&a, &a_bound)) in self.limbs.iter().zip(&self.bounds).enumerate() {
            for (j, (&b, &b_bound)) in other.limbs.iter().zip(&other.bounds).enumerate() {
                product.limbs[i + j] = builder.mul_add(a, b, product.limbs[i + j]);
                let term = a_bound.checked_mul(b_bound);
                product.bounds[i + j] = checked(term.and_then(|term| term.checked_add(product.bounds[i + j])));
            }
        }
        product
    }

    /// Limbs of 21 bits that hold the largest value that this can have.
    fn reduced_len(&self) -> usize {
        let mut carry: u128 = 0;
        let mut count = 0;
        let mut bounds = self.bounds.iter();
        loop {
            let bound = bounds.next();
            if bound.is_none() && carry == 0 {
                return max(count, 1);
            }
            carry = (carry + u128::from(bound.copied().unwrap_or(0))) >> LIMB_BITS;
            count += 1;
        }
    }
}

/// Constrains a = b, as integers.
pub fn assert_equal(builder: &mut Builder, ranges: &mut RangeChecker, a: &Wide, b: &Wide) {
    let count = max(a.limbs.len(), b.limbs.len());
    let zero = builder.zero();
    let limb =
        |wide: &Wide, i: usize| (wide.limbs.get(i).copied().unwrap_or(zero), wide.bounds.get(i).copied().unwrap_or(0));
    let mut carry: Option<(Target, u64)> = None;
    for i in 0..count {
        let ((a_limb, a_bound), (b_limb, b_bound)) = (limb(a, i), limb(b, i));
        let mut difference = builder.sub(a_limb, b_limb);
        let mut bound = max(a_bound, b_bound);
        if let Some((carried, carried_bound)) = carry {
            difference = builder.add(difference, carried);
            bound = checked(bound.checked_add(carried_bound));
        }
        if i + 1 == count {
            builder.assert_zero(difference);
        } else {
            carry = Some(carry_of(builder, ranges, difference, bound));
        }
    }
}

/// The carry c of t = c · 2^21, with |t| ≤ `bound`; and the bound of |c|.
fn carry_of(builder: &mut Builder, ranges: &mut RangeChecker, t: Target, bound: u64) -> (Target, u64) {
    // One limb takes carries in [−2^20, 2^20), two those in [−2^41, 2^41).
    let limbs = if bound >> LIMB_BITS < 1 << (LIMB_BITS - 1) { 1 } else { 2 };
    let offset = 1u64 << (limbs * LIMB_BITS - 1);
    assert!(bound >> LIMB_BITS < offset, "a carry of t ≤ {bound} does not fit two limbs");
    let shifted = Wide::fresh(builder, ranges, limbs);
    builder.add_simple_generator(CarryGenerator { t, offset, limbs: shifted.limbs.clone() });
    let sum = shifted.element(builder);
    let carry = builder.add_const(sum, -F::from_canonical_u64(offset));
    let expected = builder.mul_const(F::from_canonical_u64(1 << LIMB_BITS), carry);
    builder.connect(expected, t);
    (carry, offset)
}

/// The largest integer whose square is not above `square`, which is below 2^122 (some larger ones have no
/// witness; none has another root). Zero for zero.
pub fn square_root(builder: &mut Builder, ranges: &mut RangeChecker, square: &Wide) -> Target {
    let root = Wide::fresh(builder, ranges, AMOUNT_LIMBS);
    let rest = Wide::fresh(builder, ranges, AMOUNT_LIMBS);
    builder.add_simple_generator(RootGenerator {
        square: square.limbs.clone(),
        root: root.limbs.clone(),
        rest: rest.limbs.clone(),
    });
    let product = root.mul(builder, &root);
    let product = product.add(builder, &rest);
    assert_equal(builder, ranges, square, &product);
    // square < (root + 1)², so rest ≤ 2·root. Both are below 2^63 by their limbs: were 2·root − rest negative, its
    // element would be above p − 2^63, far from 2^62.
    let [root, rest] = [root, rest].map(|wide| wide.element(builder));
    let spare = builder.mul_const(F::TWO, root);
    let spare = builder.sub(spare, rest);
    ranges.range_check(builder, spare, BALANCE_BITS);
    root
}

/// What a division gives.
#[derive(Clone, Debug)]
pub struct Division {
    /// ⌊numerator / denominator⌋. As an element it is below 2^63.
    pub quotient: Target,
    /// numerator − quotient · denominator.
    pub remainder: Wide,
}

/// Divides. If `active`, the denominator is not zero, and the quotient is the largest integer that is not above the
/// fraction. If not, numerator = quotient · denominator + remainder still holds, with a remainder that is at most the
/// denominator: zeros everywhere satisfy it.
pub fn divide(
    builder: &mut Builder,
    ranges: &mut RangeChecker,
    numerator: &Wide,
    denominator: &Wide,
    active: BoolTarget,
) -> Division {
    let quotient = Wide::fresh(builder, ranges, AMOUNT_LIMBS);
    let remainder = Wide::fresh(builder, ranges, denominator.reduced_len());
    let slack = Wide::fresh(builder, ranges, denominator.reduced_len());
    builder.add_simple_generator(DivisionGenerator {
        numerator: numerator.limbs.clone(),
        denominator: denominator.limbs.clone(),
        active: active.target,
        quotient: quotient.limbs.clone(),
        remainder: remainder.limbs.clone(),
        slack: slack.limbs.clone(),
    });
    let product = quotient.mul(builder, denominator);
    let product = product.add(builder, &remainder);
    assert_equal(builder, ranges, numerator, &product);
    // remainder + slack + active = denominator, so remainder < denominator if active.
    let sum = remainder.add(builder, &slack);
    let sum = sum.add(builder, &Wide::from_bool(active));
    assert_equal(builder, ranges, &sum, denominator);
    Division { quotient: quotient.element(builder), remainder }
}

fn checked(bound: Option<u64>) -> u64 {
    bound.filter(|&bound| bound < LIMIT).expect("a limb stays below 2^62: reduce or use smaller factors")
}
