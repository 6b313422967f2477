//! The Goldilocks field F in constraints over r: integers that stand for their residues mod p = 2^64 − 2^32 + 1.
//!
//! A [`Residue`] is a linear combination of *atoms*: variables that are known to lie in an interval. Its coefficients are
//! elements of F, taken as integers in (−p/2, p/2], so sums and constants cost nothing, and an interval of the integer
//! that it stands for is known. A product is a new atom, one constraint, as long as its interval stays far below r. When
//! it would not, [`Residues::reduce`] makes an atom in [0, 2^64) of the same residue:
//!
//! ```text
//!   x + k·p = q·p + atom,   k so that the left side is not negative,   bits(q) + 64 constraints
//! ```
//!
//! An identity of integers follows from that mod r because no side reaches r. What has to be *canonical*, below p, says
//! so: things that are hashed, query indices, proof of work.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, BigInteger, Field as _, PrimeField};
use num_bigint::{BigInt, BigUint, Sign};
use plonky2::field::types::{Field, Field64, PrimeField64};
use sheaf_circuits::hash::F;

use super::r1cs::{Linear, R1cs, Variable};

/// Bits of the largest integer that a residue may stand for: r is above 2^253, and room is left for q·p and an atom.
const BITS_MAX: u64 = 251;

/// Integers from `min` to `max`, both included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The least.
    pub min: BigInt,
    /// The greatest.
    pub max: BigInt,
}

impl Interval {
    /// [0, 2^bits)
    pub fn bits(bits: usize) -> Self {
        Self { min: BigInt::ZERO, max: (BigInt::from(1) << bits) - 1 }
    }

    fn add_scaled(&mut self, other: &Self, scale: &BigInt) {
        let ends = [scale * &other.min, scale * &other.max];
        let [low, high] = if scale.sign() == Sign::Minus { [&ends[1], &ends[0]] } else { [&ends[0], &ends[1]] };
        self.min += low;
        self.max += high;
    }

    pub(super) fn product(&self, other: &Self) -> Self {
        let ends = [&self.min * &other.min, &self.min * &other.max, &self.max * &other.min, &self.max * &other.max];
        Self { min: ends.iter().min().expect("four").clone(), max: ends.iter().max().expect("four").clone() }
    }

    pub(super) fn magnitude_bits(&self) -> u64 {
        self.min.bits().max(self.max.bits())
    }
}

/// p as an integer.
pub fn modulus() -> BigInt {
    BigInt::from(F::ORDER)
}

/// An integer as an element of r.
pub fn to_fr(integer: &BigInt) -> Fr {
    let magnitude = Fr::from_le_bytes_mod_order(&integer.magnitude().to_bytes_le());
    if integer.sign() == Sign::Minus {
        -magnitude
    } else {
        magnitude
    }
}

/// The integer in (−r/2, r/2] that an element stands for.
fn to_integer(element: Fr) -> BigInt {
    let integer = |element: Fr| BigInt::from(BigUint::from_bytes_le(&element.into_bigint().to_bytes_le()));
    if element.into_bigint() > Fr::MODULUS_MINUS_ONE_DIV_TWO {
        -integer(-element)
    } else {
        integer(element)
    }
}

/// A coefficient as an integer in (−p/2, p/2].
fn centred(coefficient: F) -> i64 {
    let value = coefficient.to_canonical_u64();
    if value > F::ORDER / 2 {
        -((F::ORDER - value) as i64)
    } else {
        value as i64
    }
}

/// An element of F, as an integer that is known to lie in an interval.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Residue {
    /// Atoms and coefficients, in order of variables.
    terms: Vec<(Variable, F)>,
    constant: F,
}

impl Residue {
    /// A constant.
    pub fn constant(value: F) -> Self {
        Self { terms: vec![], constant: value }
    }

    /// self + scale · other
    pub fn add_scaled(&self, other: &Self, scale: F) -> Self {
        let mut terms = Vec::with_capacity(self.terms.len() + other.terms.len());
        let (mut left, mut right) = (self.terms.as_slice(), other.terms.as_slice());
        while let ([a, ..], [b, ..]) = (left, right) {
            let term = match a.0.cmp(&b.0) {
                std::cmp::Ordering::Less => *a,
                std::cmp::Ordering::Greater => (b.0, b.1 * scale),
                std::cmp::Ordering::Equal => (a.0, a.1 + b.1 * scale),
            };
            left = &left[usize::from(a.0 <= b.0)..];
            right = &right[usize::from(b.0 <= term.0)..];
            terms.push(term);
        }
        terms.extend_from_slice(left);
        terms.extend(right.iter().map(|&(variable, coefficient)| (variable, coefficient * scale)));
        terms.retain(|term| term.1 != F::ZERO);
        Self { terms, constant: self.constant + other.constant * scale }
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
        Self::default().add_scaled(self, scale)
    }

    /// self + a constant
    pub fn add_constant(&self, constant: F) -> Self {
        Self { terms: self.terms.clone(), constant: self.constant + constant }
    }

    /// The integer as a linear combination over r.
    pub fn linear(&self) -> Linear {
        let term = |&(variable, coefficient): &(Variable, F)| (variable, Fr::from(centred(coefficient)));
        Linear::sum(self.terms.iter().map(term).chain([(Variable::ONE, Fr::from(centred(self.constant)))]).collect())
    }

    pub(super) fn as_constant(&self) -> Option<F> {
        self.terms.is_empty().then_some(self.constant)
    }

    fn as_atom(&self) -> Option<Variable> {
        match self.terms[..] {
            [(variable, one)] if one == F::ONE && self.constant == F::ZERO => Some(variable),
            _ => None,
        }
    }
}

/// Constraints, with what is known of the atoms.
#[derive(Clone, Debug, Default)]
pub struct Residues {
    /// The constraints.
    pub r1cs: R1cs,
    /// The interval of each variable that is an atom.
    atoms: std::collections::HashMap<Variable, Interval>,
}

impl Residues {
    /// No constraints.
    pub fn new() -> Self {
        Self::default()
    }

    /// A variable that other constraints keep in `interval`, as a residue.
    pub fn atom(&mut self, variable: Variable, interval: Interval) -> Residue {
        let before = self.atoms.entry(variable).or_insert_with(|| interval.clone());
        assert_eq!(*before, interval, "an atom with two intervals");
        Residue { terms: vec![(variable, F::ONE)], constant: F::ZERO }
    }

    /// Where the integer lies.
    pub fn interval(&self, residue: &Residue) -> Interval {
        let constant = BigInt::from(centred(residue.constant));
        let mut interval = Interval { min: constant.clone(), max: constant };
        for (variable, coefficient) in &residue.terms {
            interval.add_scaled(&self.atoms[variable], &BigInt::from(centred(*coefficient)));
        }
        interval
    }

    /// The integer under the witness.
    pub fn integer(&self, residue: &Residue) -> BigInt {
        to_integer(self.r1cs.value(&residue.linear()))
    }

    /// The element of F under the witness.
    pub fn value(&self, residue: &Residue) -> F {
        let integer = self.integer(residue);
        let residue = ((integer % modulus()) + modulus()) % modulus();
        F::from_canonical_u64(u64::try_from(residue).expect("below p"))
    }

    /// An atom in [0, 2^64) that the prover chooses: 64 constraints.
    pub fn witness(&mut self, value: F) -> Residue {
        let variable = self.r1cs.allocate(Fr::from(value.to_canonical_u64()));
        self.r1cs.bits(&variable.into(), 64);
        self.atom(variable, Interval::bits(64))
    }

    /// An atom in [0, p) that the prover chooses, with its bits: 65 constraints.
    pub fn canonical_witness(&mut self, value: F) -> (Residue, Vec<Linear>) {
        let variable = self.r1cs.allocate(Fr::from(value.to_canonical_u64()));
        let bits = self.canonical_bits(&variable.into());
        (self.atom(variable, Interval::bits(64)), bits)
    }

    /// The 64 bits of something in [0, p): 65 constraints.
    pub fn canonical_bits(&mut self, linear: &Linear) -> Vec<Linear> {
        let bits = self.r1cs.bits(linear, 64);
        // p − 1 = 2^64 − 2^32: if all upper bits are set, the lower half is 0. With `short` how many upper bits are
        // not set, lower = short · cofactor has a solution just then.
        let (lower, upper) = bits.split_at(32);
        let lower = pack(lower);
        let set = upper.iter().fold(Linear::zero(), |sum, bit| &sum + bit);
        let short = &Linear::constant(Fr::from(32u64)) - &set;
        let cofactor = self.r1cs.value(&short).inverse().unwrap_or_default() * self.r1cs.value(&lower);
        let cofactor = self.r1cs.allocate(cofactor);
        self.r1cs.constrain(&short, &cofactor.into(), &lower);
        bits
    }

    /// The product, as a new atom: one constraint, none if one of them is a constant.
    pub fn mul(&mut self, a: &Residue, b: &Residue) -> Residue {
        match (a.as_constant(), b.as_constant()) {
            (Some(constant), _) => b.scale(constant),
            (_, Some(constant)) => a.scale(constant),
            _ => {
                let interval = self.interval(a).product(&self.interval(b));
                self.product(&a.linear(), &b.linear(), &Linear::zero(), interval)
            }
        }
    }

    /// a · b − `known`, which must be an integer in `interval`, as a new atom: one constraint.
    pub fn product(&mut self, a: &Linear, b: &Linear, known: &Linear, interval: Interval) -> Residue {
        assert!(interval.magnitude_bits() <= BITS_MAX, "a product of {} bits", interval.magnitude_bits());
        let value = self.r1cs.value(a) * self.r1cs.value(b) - self.r1cs.value(known);
        let variable = self.r1cs.allocate(value);
        self.r1cs.constrain(a, b, &(known + &variable.into()));
        self.atom(variable, interval)
    }

    /// x·p is not negative for the least x with which the interval is not.
    fn lift(interval: &Interval) -> BigInt {
        if interval.min.sign() == Sign::Minus {
            (-&interval.min + modulus() - 1) / modulus()
        } else {
            BigInt::ZERO
        }
    }

    /// Constrains (x − rest) to be a multiple of p, with `rest` in [0, 2^64) and x in `interval`.
    fn constrain_multiple(&mut self, x: &Linear, interval: &Interval, rest: &Linear) {
        let lift = Self::lift(interval);
        let most = &interval.max + &lift * modulus();
        let bits = ((&most / modulus()).bits() as usize).max(1);
        // q·p and x + k·p − rest are both in (−2^64, r − 2^64), so equal mod r is equal.
        assert!(bits as u64 + 64 <= BITS_MAX + 1 && most.bits() <= BITS_MAX, "{} bits are too many", most.bits());
        let inverse = to_fr(&modulus()).inverse().expect("p is not 0 mod r");
        let quotient = &(x - rest) * inverse;
        self.r1cs.bits(&(&quotient + &Linear::constant(to_fr(&lift))), bits);
    }

    /// The same residue as an atom in [0, 2^64), which it is already or at the cost of 64 constraints and one for each
    /// bit of the quotient.
    pub fn reduce(&mut self, residue: &Residue) -> Residue {
        if self.is_reduced(residue) {
            return residue.clone();
        }
        let reduced = self.witness(self.value(residue));
        self.constrain_multiple(&residue.linear(), &self.interval(residue), &reduced.linear());
        reduced
    }

    /// `powers[i]` = base^i for i < `count`, reduced, of a reduced base: one multiplication each from the second on.
    pub fn powers(&mut self, base: &Residue, count: usize) -> Vec<Residue> {
        let mut powers = vec![Residue::constant(F::ONE), base.clone()];
        while powers.len() < count {
            let next = self.mul(&powers[powers.len() - 1], base);
            powers.push(self.reduce(&next));
        }
        powers
    }

    /// The same residue, reduced if it may have more than `bits` bits.
    pub fn keep_below(&mut self, residue: &Residue, bits: u64) -> Residue {
        match self.interval(residue).magnitude_bits() > bits {
            true => self.reduce(residue),
            false => residue.clone(),
        }
    }

    /// A bit as a residue. Other constraints keep it 0 or 1. One that is not a variable by itself costs a constraint.
    pub fn boolean_residue(&mut self, bit: &Linear) -> Residue {
        let variable = match bit.terms() {
            [(variable, one)] if *one == Fr::ONE => *variable,
            _ => {
                let variable = self.r1cs.allocate(self.r1cs.value(bit));
                self.r1cs.assert_equal(&variable.into(), bit);
                variable
            }
        };
        self.atom(variable, Interval::bits(1))
    }

    fn is_reduced(&self, residue: &Residue) -> bool {
        residue.as_constant().is_some()
            || residue.as_atom().is_some_and(|atom| self.atoms[&atom].magnitude_bits() <= 64)
    }

    /// Constrains the residue to be 0: one constraint for each bit of the quotient.
    pub fn assert_zero(&mut self, residue: &Residue) {
        self.constrain_multiple(&residue.linear(), &self.interval(residue), &Linear::zero());
    }

    /// `flag` ? a : b of two residues in [0, 2^64): one constraint.
    pub fn select(&mut self, flag: &Linear, a: &Residue, b: &Residue) -> Residue {
        let selected = {
            let (a, b) = (a.linear(), b.linear());
            let value = self.r1cs.value(&b) + self.r1cs.value(flag) * (self.r1cs.value(&a) - self.r1cs.value(&b));
            let variable = self.r1cs.allocate(value);
            self.r1cs.constrain(flag, &(&a - &b), &(&Linear::from(variable) - &b));
            variable
        };
        let (a, b) = (self.interval(a), self.interval(b));
        self.atom(selected, Interval { min: a.min.min(b.min), max: a.max.max(b.max) })
    }

    /// The entry whose index the bits say, the lowest first: 2^bits entries, one constraint less.
    pub fn select_many(&mut self, bits: &[Linear], entries: &[Residue]) -> Residue {
        assert_eq!(entries.len(), 1 << bits.len(), "an entry for each index");
        let mut entries = entries.to_vec();
        for bit in bits {
            entries = entries.chunks(2).map(|pair| self.select(bit, &pair[1], &pair[0])).collect();
        }
        entries.remove(0)
    }
}

/// Σ bit · 2^i
pub fn pack(bits: &[Linear]) -> Linear {
    let mut scale = Fr::ONE;
    let mut terms = Vec::with_capacity(bits.len());
    for bit in bits {
        terms.extend(bit.terms().iter().map(|&(variable, coefficient)| (variable, coefficient * scale)));
        scale.double_in_place();
    }
    Linear::sum(terms)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn element() -> impl Strategy<Value = F> {
        prop_oneof![
            any::<u64>().prop_map(F::from_noncanonical_u64),
            (0u64..3).prop_map(F::from_canonical_u64),
            (1u64..3).prop_map(|i| -F::from_canonical_u64(i)),
        ]
    }

    proptest! {
        #[test]
        fn arithmetic_is_that_of_the_field(a in element(), b in element(), c in element(), constant in element()) {
            let mut field = Residues::new();
            let [x, y, z] = [a, b, c].map(|value| field.witness(value));
            let sum = x.add_scaled(&y, constant).sub(&z).add_constant(constant);
            let product = field.mul(&x, &y);
            let mixed = field.mul(&product, &z).add(&sum);
            let value = a * b * c + a + b * constant - c + constant;
            prop_assert_eq!(field.value(&mixed), value);
            let interval = field.interval(&mixed);
            let integer = field.integer(&mixed);
            prop_assert!(interval.min <= integer && integer <= interval.max);
            let reduced = field.reduce(&mixed);
            prop_assert_eq!(field.value(&reduced), value);
            prop_assert_eq!(field.interval(&reduced), Interval::bits(64));
            field.assert_zero(&mixed.add_constant(-value));
            prop_assert_eq!(field.r1cs.unsatisfied_by(field.r1cs.assignment()).count(), 0);
            field.assert_zero(&mixed.add_constant(F::ONE - value));
            prop_assert_ne!(field.r1cs.unsatisfied_by(field.r1cs.assignment()).count(), 0);
        }
    }

    /// Rewrites the witness of the 64 bits that were allocated after `first`, the highest being derived.
    fn set_bits(assignment: &mut [Fr], first: usize, value: u128, count: usize) {
        for i in 0..count {
            assignment[first + i] = Fr::from((value >> i & 1) as u64);
        }
    }

    #[test]
    fn a_second_form_is_not_canonical() {
        for (value, refused) in [(5, true), (u64::from(u32::MAX) - 1, true)] {
            let mut field = Residues::new();
            let first = field.r1cs.variables();
            field.canonical_witness(F::from_canonical_u64(value));
            let mut assignment = field.r1cs.assignment().to_vec();
            let second = value as u128 + F::ORDER as u128;
            assignment[first] = Fr::from(second);
            set_bits(&mut assignment, first + 1, second, 63);
            // Whatever the cofactor is.
            for cofactor in [Fr::ZERO, Fr::ONE, -Fr::ONE] {
                *assignment.last_mut().unwrap() = cofactor;
                assert_eq!(field.r1cs.unsatisfied_by(&assignment).count() > 0, refused, "{value}");
            }
        }
        let mut field = Residues::new();
        field.canonical_witness(F::NEG_ONE);
        assert_eq!(field.r1cs.unsatisfied_by(field.r1cs.assignment()).count(), 0);
    }

    /// A quotient that is off by r/p gives another residue mod p, if it is let through.
    #[test]
    fn a_quotient_that_wraps_is_refused() {
        let mut field = Residues::new();
        let [x, y] = [u64::MAX / 3, u64::MAX / 5].map(|value| field.witness(F::from_canonical_u64(value)));
        let product = field.mul(&x, &y);
        let first = field.r1cs.variables();
        field.reduce(&product);
        let mut assignment = field.r1cs.assignment().to_vec();
        // Another rest, its bits right: the quotient then is some element of r, whose bits cannot be.
        let rest = assignment[first].into_bigint().as_ref()[0] ^ 4;
        assignment[first] = Fr::from(rest);
        set_bits(&mut assignment, first + 1, rest.into(), 63);
        let inverse = to_fr(&modulus()).inverse().unwrap();
        let quotient = ((assignment[first - 1] - Fr::from(rest)) * inverse).into_bigint();
        for i in 0..field.r1cs.variables() - (first + 64) {
            assignment[first + 64 + i] = Fr::from(quotient.get_bit(i));
        }
        assert_ne!(field.r1cs.unsatisfied_by(&assignment).count(), 0);
    }

    #[test]
    #[should_panic(expected = "a product of")]
    fn a_product_that_may_reach_r_is_refused() {
        let mut field = Residues::new();
        let x = field.witness(F::NEG_ONE);
        let square = field.mul(&x, &x);
        field.mul(&square, &square);
    }

    #[test]
    fn a_lookup_by_bits_finds_its_entry() {
        let entries: Vec<F> = (10..18).map(F::from_canonical_u64).collect();
        for index in 0..8usize {
            let mut field = Residues::new();
            let bits: Vec<Linear> = (0..3).map(|i| field.r1cs.boolean(index >> i & 1 == 1)).collect();
            let residues: Vec<Residue> = entries.iter().map(|&entry| field.witness(entry)).collect();
            let selected = field.select_many(&bits, &residues);
            assert_eq!(field.value(&selected), entries[index]);
        }
    }
}
