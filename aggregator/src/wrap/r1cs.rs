//! Rank-1 constraints over BN254's scalar field r, written down as they are made, with their witness.
//!
//! A constraint is ⟨a, w⟩ · ⟨b, w⟩ = ⟨c, w⟩ over the assignment w; w₀ = 1, w₁ is the public input. Sums cost nothing: they
//! stay linear combinations until they are multiplied. The recorder never refuses: a wrong witness gives constraints that
//! do not hold, which [`R1cs::unsatisfied`] finds.
//!
//! Gadgets decide on nothing but the circuit: which constraints there are must not depend on values.

use std::collections::HashMap;
use std::ops::{Add, Mul, Neg, Range, Sub};

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField};

/// A place in the assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Variable(pub(super) u32);

impl Variable {
    /// The constant 1.
    pub const ONE: Self = Self(0);
    /// The public input.
    pub const PUBLIC: Self = Self(1);

    /// The place.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A linear combination of variables, each at most once and in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Linear(Vec<(Variable, Fr)>);

impl Linear {
    /// 0.
    pub fn zero() -> Self {
        Self::default()
    }

    /// A constant.
    pub fn constant(value: Fr) -> Self {
        Self::term(Variable::ONE, value)
    }

    /// One variable, scaled.
    pub fn term(variable: Variable, coefficient: Fr) -> Self {
        Self(if coefficient == Fr::ZERO { vec![] } else { vec![(variable, coefficient)] })
    }

    /// A sum of any terms.
    pub fn sum(mut terms: Vec<(Variable, Fr)>) -> Self {
        terms.sort_unstable_by_key(|term| term.0);
        terms.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        terms.retain(|term| term.1 != Fr::ZERO);
        Self(terms)
    }

    /// The value, if it does not depend on the witness.
    pub fn as_constant(&self) -> Option<Fr> {
        match self.0[..] {
            [] => Some(Fr::ZERO),
            [(Variable::ONE, value)] => Some(value),
            _ => None,
        }
    }

    /// The terms, in order of variables.
    pub fn terms(&self) -> &[(Variable, Fr)] {
        &self.0
    }

    /// self + scale · other
    pub fn add_scaled(&self, other: &Self, scale: Fr) -> Self {
        let mut merged = Vec::with_capacity(self.0.len() + other.0.len());
        let (mut left, mut right) = (self.0.iter().peekable(), other.0.iter().peekable());
        loop {
            let (variable, coefficient) = match (left.peek(), right.peek()) {
                (None, None) => return Self(merged),
                (Some(&&term), None) => {
                    left.next();
                    term
                }
                (None, Some(&&(variable, coefficient))) => {
                    right.next();
                    (variable, coefficient * scale)
                }
                (Some(&&a), Some(&&b)) => {
                    if a.0 <= b.0 {
                        left.next();
                    }
                    if b.0 <= a.0 {
                        right.next();
                    }
                    match a.0.cmp(&b.0) {
                        std::cmp::Ordering::Less => a,
                        std::cmp::Ordering::Greater => (b.0, b.1 * scale),
                        std::cmp::Ordering::Equal => (a.0, a.1 + b.1 * scale),
                    }
                }
            };
            if coefficient != Fr::ZERO {
                merged.push((variable, coefficient));
            }
        }
    }
}

impl From<Variable> for Linear {
    fn from(variable: Variable) -> Self {
        Self::term(variable, Fr::ONE)
    }
}

impl Add for &Linear {
    type Output = Linear;

    fn add(self, other: Self) -> Linear {
        self.add_scaled(other, Fr::ONE)
    }
}

impl Sub for &Linear {
    type Output = Linear;

    fn sub(self, other: Self) -> Linear {
        self.add_scaled(other, -Fr::ONE)
    }
}

impl Mul<Fr> for &Linear {
    type Output = Linear;

    fn mul(self, scale: Fr) -> Linear {
        Linear::zero().add_scaled(self, scale)
    }
}

impl Neg for &Linear {
    type Output = Linear;

    fn neg(self) -> Linear {
        self * -Fr::ONE
    }
}

/// One of the three matrices, row after row; coefficients are few, so each is kept once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matrix {
    ends: Vec<u32>,
    terms: Vec<(Variable, u32)>,
}

/// Constraints and their witness.
#[derive(Clone, Debug)]
pub struct R1cs {
    assignment: Vec<Fr>,
    matrices: [Matrix; 3],
    coefficients: Vec<Fr>,
    coefficient_indices: HashMap<Fr, u32>,
    /// Beginning of each part, by name.
    parts: Vec<(String, usize)>,
}

impl Default for R1cs {
    fn default() -> Self {
        Self::new()
    }
}

impl R1cs {
    /// No constraints; the public input is 0 until [`Self::set_public`].
    pub fn new() -> Self {
        Self {
            assignment: vec![Fr::ONE, Fr::ZERO],
            matrices: Default::default(),
            coefficients: vec![],
            coefficient_indices: HashMap::new(),
            parts: vec![],
        }
    }

    /// What comes now belongs to the part of this name, which may have been begun before.
    pub fn part(&mut self, name: &str) {
        self.parts.push((name.to_owned(), self.constraints()));
    }

    /// How many constraints there are.
    pub fn constraints(&self) -> usize {
        self.matrices[0].ends.len()
    }

    /// How many variables there are, the constant and the public input included.
    pub fn variables(&self) -> usize {
        self.assignment.len()
    }

    /// How many coefficients the matrices a, b, c have that are not 0.
    pub fn terms(&self) -> [usize; 3] {
        [0, 1, 2].map(|matrix| self.matrices[matrix].terms.len())
    }

    /// The values of all variables.
    pub fn assignment(&self) -> &[Fr] {
        &self.assignment
    }

    /// The public input's value.
    pub fn public(&self) -> Fr {
        self.assignment[Variable::PUBLIC.index()]
    }

    /// Gives the public input its value.
    pub fn set_public(&mut self, value: Fr) {
        self.assignment[Variable::PUBLIC.index()] = value;
    }

    /// A new variable. Its value says nothing: constrain it.
    pub fn allocate(&mut self, value: Fr) -> Variable {
        let index = u32::try_from(self.assignment.len()).expect("fewer than 2^32 variables");
        self.assignment.push(value);
        Variable(index)
    }

    /// What a linear combination is under the witness.
    pub fn value(&self, linear: &Linear) -> Fr {
        linear.0.iter().map(|&(variable, coefficient)| self.assignment[variable.index()] * coefficient).sum()
    }

    /// a · b = c
    pub fn constrain(&mut self, a: &Linear, b: &Linear, c: &Linear) {
        for (matrix, linear) in [a, b, c].into_iter().enumerate() {
            for &(variable, coefficient) in &linear.0 {
                let coefficients = &mut self.coefficients;
                let index = *self.coefficient_indices.entry(coefficient).or_insert_with(|| {
                    coefficients.push(coefficient);
                    coefficients.len() as u32 - 1
                });
                self.matrices[matrix].terms.push((variable, index));
            }
            let end = u32::try_from(self.matrices[matrix].terms.len()).expect("fewer than 2^32 terms");
            self.matrices[matrix].ends.push(end);
        }
    }

    /// a = b. A constraint; where one of them is a new variable, use the other in its place instead.
    pub fn assert_equal(&mut self, a: &Linear, b: &Linear) {
        self.constrain(&(a - b), &Linear::constant(Fr::ONE), &Linear::zero());
    }

    /// A new variable that is a · b.
    pub fn product(&mut self, a: &Linear, b: &Linear) -> Linear {
        let product = Linear::from(self.allocate(self.value(a) * self.value(b)));
        self.constrain(a, b, &product);
        product
    }

    /// A new variable that is 0 or 1.
    pub fn boolean(&mut self, value: bool) -> Linear {
        let bit = Linear::from(self.allocate(Fr::from(value)));
        self.assert_boolean(&bit);
        bit
    }

    /// 0 or 1.
    pub fn assert_boolean(&mut self, bit: &Linear) {
        self.constrain(bit, &(bit - &Linear::constant(Fr::ONE)), &Linear::zero());
    }

    /// The bits of `linear`, the lowest first, which must lie in [0, 2^`count`): `count` constraints, for the highest
    /// bit is what the others leave. `count` ≤ 253, so that below r there is one way.
    pub fn bits(&mut self, linear: &Linear, count: usize) -> Vec<Linear> {
        assert!((1..=253).contains(&count), "{count} bits do not determine an element");
        let value = self.value(linear).into_bigint();
        let mut rest = linear.clone();
        let mut scale = Fr::ONE;
        let mut bits = Vec::with_capacity(count);
        let mut lower = Vec::with_capacity(count);
        for i in 0..count - 1 {
            let bit = self.boolean(value.get_bit(i));
            lower.push((bit.0[0].0, scale));
            scale.double_in_place();
            bits.push(bit);
        }
        rest = &rest - &Linear(lower);
        let highest = &rest * scale.inverse().expect("a power of two");
        self.assert_boolean(&highest);
        bits.push(highest);
        bits
    }

    /// `flag` ? a : b. One constraint.
    pub fn select(&mut self, flag: &Linear, a: &Linear, b: &Linear) -> Linear {
        let difference = self.product(flag, &(a - b));
        b + &difference
    }

    /// The entry whose index the bits say, the lowest first: 2^bits entries, one constraint less.
    pub fn select_many(&mut self, bits: &[Linear], entries: &[Linear]) -> Linear {
        assert_eq!(entries.len(), 1 << bits.len(), "an entry for each index");
        let mut entries = entries.to_vec();
        for bit in bits {
            entries = entries.chunks(2).map(|pair| self.select(bit, &pair[1], &pair[0])).collect();
        }
        entries.remove(0)
    }

    /// Constraints of each part, in order of first mention.
    pub fn parts(&self) -> Vec<(String, usize)> {
        let mut counts: Vec<(String, usize)> = vec![];
        for (name, range) in self.part_ranges() {
            match counts.iter_mut().find(|(known, _)| *known == name) {
                Some((_, count)) => *count += range.len(),
                None => counts.push((name, range.len())),
            }
        }
        counts
    }

    fn part_ranges(&self) -> impl Iterator<Item = (String, Range<usize>)> + '_ {
        let ends = self.parts.iter().skip(1).map(|part| part.1).chain([self.constraints()]);
        self.parts.iter().zip(ends).map(|((name, start), end)| (name.clone(), *start..end))
    }

    /// The terms of a row of a matrix (0: a, 1: b, 2: c).
    pub fn row(&self, matrix: usize, row: usize) -> impl ExactSizeIterator<Item = (Variable, Fr)> + '_ {
        let Matrix { ends, terms } = &self.matrices[matrix];
        let start = if row == 0 { 0 } else { ends[row - 1] } as usize;
        terms[start..ends[row] as usize].iter().map(|&(variable, index)| (variable, self.coefficients[index as usize]))
    }

    /// Whether the constraints are the same, whatever the witness.
    pub fn same_constraints(&self, other: &Self) -> bool {
        (self.variables(), &self.matrices, &self.coefficients)
            == (other.variables(), &other.matrices, &other.coefficients)
    }

    /// Whether a constraint holds under `assignment`.
    pub fn holds(&self, row: usize, assignment: &[Fr]) -> bool {
        let [a, b, c] = [0, 1, 2].map(|matrix| -> Fr {
            self.row(matrix, row).map(|(variable, coefficient)| assignment[variable.index()] * coefficient).sum()
        });
        a * b == c
    }

    /// The constraints that do not hold under `assignment`.
    pub fn unsatisfied_by<'a>(&'a self, assignment: &'a [Fr]) -> impl Iterator<Item = usize> + 'a {
        (0..self.constraints()).filter(|&row| !self.holds(row, assignment))
    }

    /// The names of the parts with constraints that do not hold, and how many those are.
    pub fn unsatisfied(&self) -> Vec<(String, usize)> {
        self.unsatisfied_since(0)
    }

    /// The same of the constraints from the `first` on.
    pub fn unsatisfied_since(&self, first: usize) -> Vec<(String, usize)> {
        let rows = first..self.constraints();
        let mut failing = rows.filter(|&row| !self.holds(row, &self.assignment)).peekable();
        let mut parts: Vec<(String, usize)> = vec![];
        for (name, range) in self.part_ranges() {
            let mut count = 0;
            while failing.next_if(|&row| row < range.end).is_some() {
                count += 1;
            }
            if count > 0 {
                parts.push((name, count));
            }
        }
        parts
    }
}
