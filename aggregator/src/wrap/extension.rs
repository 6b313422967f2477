//! F_p² = F\[x\]/(x² − 7) in constraints.

use num_bigint::BigInt;
use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::types::Field;
use sheaf_circuits::availability::FExt;
use sheaf_circuits::hash::F;

use super::field::{Interval, Residue, Residues};
use super::r1cs::Linear;

/// x² in F_p².
const W: u64 = 7;

/// An element of F_p²: both coefficients, the constant one first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extension(pub [Residue; 2]);

impl Extension {
    /// A constant.
    pub fn constant(value: FExt) -> Self {
        Self(value.0.map(Residue::constant))
    }

    /// An element of F.
    pub fn from_base(base: Residue) -> Self {
        Self([base, Residue::default()])
    }

    /// self + scale · other
    pub fn add_scaled(&self, other: &Self, scale: F) -> Self {
        Self([0, 1].map(|i| self.0[i].add_scaled(&other.0[i], scale)))
    }

    /// self + other
    pub fn add(&self, other: &Self) -> Self {
        self.add_scaled(other, F::ONE)
    }

    /// self − other
    pub fn sub(&self, other: &Self) -> Self {
        self.add_scaled(other, F::NEG_ONE)
    }

    /// scale · self
    pub fn scale(&self, scale: F) -> Self {
        Self([0, 1].map(|i| self.0[i].scale(scale)))
    }

    /// constant · self
    pub fn scale_extension(&self, constant: FExt) -> Self {
        let [c0, c1] = constant.0;
        let [a0, a1] = &self.0;
        Self([a0.scale(c0).add_scaled(a1, c1 * F::from_canonical_u64(W)), a1.scale(c0).add_scaled(a0, c1)])
    }

    /// self + a constant
    pub fn add_constant(&self, constant: F) -> Self {
        Self([self.0[0].add_constant(constant), self.0[1].clone()])
    }

    /// A product with a coefficient that is a constant is reduced mod p, and so is not the product of integers that the
    /// cross term's interval is for. Zero is: its products are zero.
    fn assert_integer_products(&self) {
        let is_constant = |x: &Residue| x.as_constant().is_some_and(|constant| constant != F::ZERO);
        assert!(!self.0.iter().any(is_constant), "one coefficient is a constant, the other is not");
    }

    /// constant − self
    pub fn sub_from_constant(&self, constant: F) -> Self {
        self.scale(F::NEG_ONE).add_constant(constant)
    }
}

impl Residues {
    /// The element under the witness.
    pub fn extension_value(&self, x: &Extension) -> FExt {
        QuadraticExtension([self.value(&x.0[0]), self.value(&x.0[1])])
    }

    /// An element that the prover chooses, both coefficients in [0, 2^64).
    pub fn extension_witness(&mut self, value: FExt) -> Extension {
        Extension(value.0.map(|coefficient| self.witness(coefficient)))
    }

    /// a · b: three constraints.
    pub fn extension_mul(&mut self, a: &Extension, b: &Extension) -> Extension {
        if let Some(constant) = self.extension_constant(a) {
            return b.scale_extension(constant);
        }
        if let Some(constant) = self.extension_constant(b) {
            return a.scale_extension(constant);
        }
        let [a0, a1] = &a.0;
        let [b0, b1] = &b.0;
        a.assert_integer_products();
        b.assert_integer_products();
        let low = self.mul(a0, b0);
        let high = self.mul(a1, b1);
        let constant = low.add_scaled(&high, F::from_canonical_u64(W));
        if *a1 == Residue::default() || *b1 == Residue::default() {
            let (base, [c0, c1]) = if *a1 == Residue::default() { (a0, &b.0) } else { (b0, &a.0) };
            debug_assert!(self.value(&constant) == self.value(base) * self.value(c0));
            let other = self.mul(base, c1);
            return Extension([constant, other]);
        }
        // (a0 + a1)·(b0 + b1) − a0·b0 − a1·b1 as integers, so its interval is that of a0·b1 + a1·b0.
        let interval = self.sum_of_products(a0, b1, a1, b0);
        let known = &low.linear() + &high.linear();
        let sum = |x: &[Residue; 2]| &x[0].linear() + &x[1].linear();
        let cross = self.product(&sum(&a.0), &sum(&b.0), &known, interval);
        Extension([constant, cross])
    }

    /// a²: two constraints.
    pub fn extension_square(&mut self, a: &Extension) -> Extension {
        let [a0, a1] = &a.0;
        a.assert_integer_products();
        let half_cross = self.mul(a0, a1);
        // (a0 + a1)·(a0 + 7·a1) − 8·a0·a1 = a0² + 7·a1² as integers.
        let (square_0, square_1) = (self.square_interval(a0), self.square_interval(a1));
        let seven = BigInt::from(W);
        let interval = Interval { min: square_0.min + &seven * square_1.min, max: square_0.max + seven * square_1.max };
        let known = &half_cross.linear() * 8u64.into();
        let left = &a0.linear() + &a1.linear();
        let right = &a0.linear() + &(&a1.linear() * W.into());
        let constant = self.product(&left, &right, &known, interval);
        Extension([constant, half_cross.scale(F::TWO)])
    }

    /// base · a: two constraints.
    pub fn extension_mul_base(&mut self, a: &Extension, base: &Residue) -> Extension {
        Extension([0, 1].map(|i| self.mul(&a.0[i], base)))
    }

    /// The same with coefficients in [0, 2^64).
    pub fn extension_reduce(&mut self, a: &Extension) -> Extension {
        Extension([0, 1].map(|i| self.reduce(&a.0[i])))
    }

    /// The same, with coefficients reduced if they may have more than `bits` bits.
    pub fn extension_keep_below(&mut self, a: &Extension, bits: u64) -> Extension {
        Extension([0, 1].map(|i| match self.interval(&a.0[i]).magnitude_bits() > bits {
            true => self.reduce(&a.0[i]),
            false => a.0[i].clone(),
        }))
    }

    /// a · b, reduced.
    pub fn extension_mul_reduced(&mut self, a: &Extension, b: &Extension) -> Extension {
        let product = self.extension_mul(a, b);
        self.extension_reduce(&product)
    }

    /// Constrains a to be 0.
    pub fn extension_assert_zero(&mut self, a: &Extension) {
        a.0.iter().for_each(|coefficient| self.assert_zero(coefficient));
    }

    /// The entry whose index the bits say.
    pub fn extension_select_many(&mut self, bits: &[Linear], entries: &[Extension]) -> Extension {
        Extension([0, 1].map(|i| {
            let entries: Vec<Residue> = entries.iter().map(|entry| entry.0[i].clone()).collect();
            self.select_many(bits, &entries)
        }))
    }

    /// `powers[i]` = a^i for i < `count`, reduced: one multiplication each.
    pub fn extension_powers(&mut self, a: &Extension, count: usize) -> Vec<Extension> {
        let mut powers = vec![Extension::constant(FExt::ONE)];
        while powers.len() < count {
            let next = match powers.len() {
                1 => self.extension_reduce(a),
                even if even % 2 == 0 => {
                    let square = self.extension_square(&powers[even / 2].clone());
                    self.extension_reduce(&square)
                }
                odd => self.extension_mul_reduced(&powers[odd - 1].clone(), &powers[1].clone()),
            };
            powers.push(next);
        }
        powers.truncate(count);
        powers
    }

    fn extension_constant(&self, a: &Extension) -> Option<FExt> {
        let [a0, a1] = &a.0;
        Some(QuadraticExtension([a0.as_constant()?, a1.as_constant()?]))
    }

    fn sum_of_products(&self, a: &Residue, b: &Residue, c: &Residue, d: &Residue) -> Interval {
        let first = self.interval(a).product(&self.interval(b));
        let second = self.interval(c).product(&self.interval(d));
        Interval { min: first.min + second.min, max: first.max + second.max }
    }

    fn square_interval(&self, a: &Residue) -> Interval {
        let interval = self.interval(a);
        let product = interval.product(&interval);
        // A square is not negative.
        Interval { min: product.min.max(BigInt::ZERO), max: product.max }
    }
}
