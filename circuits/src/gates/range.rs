//! Range checks, several to a row.
//!
//! Statement of a lane of width w: its value v, a routed wire, is the canonical form of an integer
//! 0 ≤ v < 2^w, for 1 ≤ w ≤ [`MAX_WIDTH_BITS`].
//!
//! ```text
//!   wire   0 … L−1        L …                                          (L lanes, at most 80)
//!          v₀ … v_{L−1}   limbs of v₀ | limbs of v₁ | …                (at most 135 in all)
//! ```
//!
//! v = Σ limb_j · 4^j with ⌈w/2⌉ limbs. Each limb is one of 0, 1, 2, 3 by a constraint of degree 4; the
//! top limb of an odd width is 0 or 1. As the sum is below 2^62 < p it does not wrap, so v has one
//! representation and no other value has any.
//!
//! [`RangeChecker`] finds lanes. It fills the unused ones with zero.

use std::collections::BTreeMap;

use anyhow::{ensure, Result};
use plonky2::field::extension::Extendable;
use plonky2::field::goldilocks_field::GoldilocksField as F;
use plonky2::field::types::PrimeField64;
use plonky2::iop::generator::{GeneratedValues, SimpleGenerator, WitnessGeneratorRef};
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartitionWitness, Witness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::util::serialization::{Buffer, IoResult, Read, Write};

use super::algebra::Algebra;
use super::custom::{AsGate, CustomGate};

/// The widest lane. A sum of 31 limbs is below 2^62, which leaves room to p = 2^64 − 2^32 + 1; amounts
/// are no wider. 64 bits would need a check of canonical form, which is not this gate's.
pub const MAX_WIDTH_BITS: usize = 62;

/// A row of range checks, one lane for each width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeGate {
    widths_bits: Vec<usize>,
}

impl RangeGate {
    /// A gate with one lane for each of `widths_bits`, in that order.
    ///
    /// # Panics
    ///
    /// If a width is 0 or above [`MAX_WIDTH_BITS`].
    pub fn new(widths_bits: &[usize]) -> Self {
        for &width in widths_bits {
            assert!(
                (1..=MAX_WIDTH_BITS).contains(&width),
                "a range check of {width} bits; 1 to {MAX_WIDTH_BITS} are possible"
            );
        }
        Self { widths_bits: widths_bits.to_vec() }
    }

    /// The widths of the lanes.
    pub fn widths_bits(&self) -> &[usize] {
        &self.widths_bits
    }

    /// The wire of a lane's value, which is routed.
    pub fn wire_value(lane: usize) -> usize {
        lane
    }

    /// The wire of a lane's `limb`, the least significant being 0.
    pub fn wire_limb(&self, lane: usize, limb: usize) -> usize {
        debug_assert!(limb < Self::num_limbs(self.widths_bits[lane]));
        let before: usize = self.widths_bits[..lane].iter().copied().map(Self::num_limbs).sum();
        self.widths_bits.len() + before + limb
    }

    fn num_limbs(width_bits: usize) -> usize {
        width_bits.div_ceil(2)
    }
}

/// x(x − 1)
#[inline(always)]
fn zero_for_bit<A: Algebra>(algebra: &mut A, x: A::Value) -> A::Value {
    let square = algebra.mul(x, x);
    algebra.sub(square, x)
}

/// x(x − 1)(x − 2)(x − 3) = u(u + 2) with u = x(x − 3)
#[inline(always)]
fn zero_for_two_bits<A: Algebra>(algebra: &mut A, x: A::Value) -> A::Value {
    let three = algebra.constant(F(3));
    let x_minus_three = algebra.sub(x, three);
    let u = algebra.mul(x, x_minus_three);
    algebra.mul_add(u, u, 2, u)
}

impl CustomGate for RangeGate {
    const NAME: &'static str = "RangeGate";
    const VERSION: u32 = 1;
    const DEGREE: usize = 4;

    fn parameters(&self) -> String {
        format!("{:?}", self.widths_bits)
    }

    fn num_wires(&self) -> usize {
        self.widths_bits.iter().map(|&width| 1 + Self::num_limbs(width)).sum()
    }

    fn num_constraints(&self) -> usize {
        self.widths_bits.iter().map(|&width| 1 + Self::num_limbs(width)).sum()
    }

    /// Of each lane the sum, then its limbs.
    #[inline(always)]
    fn constrain<A: Algebra>(
        &self,
        algebra: &mut A,
        wire: impl Fn(usize) -> A::Value,
        mut yield_constraint: impl FnMut(A::Value),
    ) {
        let mut next_limb = self.widths_bits.len();
        for (lane, &width) in self.widths_bits.iter().enumerate() {
            let limbs = next_limb..next_limb + Self::num_limbs(width);
            next_limb = limbs.end;

            let top = wire(limbs.end - 1);
            let sum = limbs.clone().rev().skip(1).fold(top, |sum, limb| algebra.scale_add(4, sum, wire(limb)));
            let value = wire(Self::wire_value(lane));
            yield_constraint(algebra.sub(sum, value));

            for limb in limbs.clone() {
                let boolean = width % 2 == 1 && limb + 1 == limbs.end;
                yield_constraint(if boolean {
                    zero_for_bit(algebra, wire(limb))
                } else {
                    zero_for_two_bits(algebra, wire(limb))
                });
            }
        }
    }

    fn generators<const D: usize>(&self, row: usize) -> Vec<WitnessGeneratorRef<F, D>>
    where
        F: Extendable<D>,
    {
        (0..self.widths_bits.len())
            .map(|lane| {
                WitnessGeneratorRef::new(SimpleGenerator::<F, D>::adapter(RangeGenerator {
                    row,
                    value_wire: Self::wire_value(lane),
                    first_limb_wire: self.wire_limb(lane, 0),
                    width_bits: self.widths_bits[lane],
                }))
            })
            .collect()
    }

    fn serialize(&self, dst: &mut Vec<u8>) -> IoResult<()> {
        dst.write_usize_vec(&self.widths_bits)
    }

    fn deserialize(src: &mut Buffer) -> IoResult<Self> {
        Ok(Self { widths_bits: src.read_usize_vec()? })
    }
}

/// Fills the limbs of one lane.
#[derive(Clone, Debug, Default)]
pub struct RangeGenerator {
    row: usize,
    value_wire: usize,
    first_limb_wire: usize,
    width_bits: usize,
}

impl<const D: usize> SimpleGenerator<F, D> for RangeGenerator
where
    F: Extendable<D>,
{
    fn id(&self) -> String {
        "sheaf.RangeGenerator".to_string()
    }

    fn dependencies(&self) -> Vec<Target> {
        vec![Target::wire(self.row, self.value_wire)]
    }

    fn run_once(&self, witness: &PartitionWitness<F>, out: &mut GeneratedValues<F>) -> Result<()> {
        let value = witness.get_target(Target::wire(self.row, self.value_wire)).to_canonical_u64();
        ensure!(
            value >> self.width_bits == 0,
            "range check in row {}: {value} is not below 2^{}",
            self.row,
            self.width_bits
        );
        for limb in 0..RangeGate::num_limbs(self.width_bits) {
            let target = Target::wire(self.row, self.first_limb_wire + limb);
            out.set_target(target, F((value >> (2 * limb)) & 3))?;
        }
        Ok(())
    }

    fn serialize(&self, dst: &mut Vec<u8>, _: &CommonCircuitData<F, D>) -> IoResult<()> {
        dst.write_usize(self.row)?;
        dst.write_usize(self.value_wire)?;
        dst.write_usize(self.first_limb_wire)?;
        dst.write_usize(self.width_bits)
    }

    fn deserialize(src: &mut Buffer, _: &CommonCircuitData<F, D>) -> IoResult<Self> {
        Ok(Self {
            row: src.read_usize()?,
            value_wire: src.read_usize()?,
            first_limb_wire: src.read_usize()?,
            width_bits: src.read_usize()?,
        })
    }
}

/// Collects range checks while a circuit is built, and in the end finds rows for them.
///
/// A lane has exactly the width asked for. [`Self::finish`] adds, one after another, a row of the layout that serves most
/// of what is left, counted in wires.
#[derive(Debug)]
#[must_use = "a checker that is not finished checks nothing"]
pub struct RangeChecker {
    layouts: Vec<RangeGate>,
    /// What is to be checked, by width.
    requests: BTreeMap<usize, Vec<Target>>,
}

impl RangeChecker {
    /// A checker that adds rows of these layouts, each a list of widths in bits.
    pub fn new(layouts: &[Vec<usize>]) -> Self {
        Self { layouts: layouts.iter().map(|widths| RangeGate::new(widths)).collect(), requests: BTreeMap::new() }
    }

    /// Constrains `value` < 2^`width_bits`.
    ///
    /// # Panics
    ///
    /// If no layout has a lane of that width.
    pub fn range_check<const D: usize>(&mut self, _: &mut CircuitBuilder<F, D>, value: Target, width_bits: usize)
    where
        F: Extendable<D>,
    {
        let has_lane = self.layouts.iter().any(|gate| gate.widths_bits.contains(&width_bits));
        assert!(has_lane, "no layout has a lane of {width_bits} bits");
        self.requests.entry(width_bits).or_default().push(value);
    }

    /// Adds the rows, and fills the lanes left over. Returns how many rows there are. A circuit whose checker is not
    /// finished checks no ranges.
    #[must_use = "a checker that is dropped unfinished checks nothing"]
    pub fn finish<const D: usize>(mut self, builder: &mut CircuitBuilder<F, D>) -> usize
    where
        F: Extendable<D>,
    {
        let mut rows = 0;
        while let Some(layout) = self.best_layout() {
            self.add_row(builder, layout);
            rows += 1;
        }
        rows
    }

    /// The layout whose lanes serve most wires of what is left; nothing if nothing is left.
    fn best_layout(&self) -> Option<usize> {
        let served = |layout: &RangeGate| {
            let mut lanes = BTreeMap::new();
            for &width in &layout.widths_bits {
                *lanes.entry(width).or_insert(0) += 1;
            }
            let wires = |(width, lanes): (usize, usize)| {
                let left = self.requests.get(&width).map_or(0, Vec::len);
                left.min(lanes) * (1 + RangeGate::num_limbs(width))
            };
            lanes.into_iter().map(wires).sum::<usize>()
        };
        let served: Vec<usize> = self.layouts.iter().map(served).collect();
        // The first of equals.
        (0..served.len()).rev().max_by_key(|&layout| served[layout]).filter(|&layout| served[layout] > 0)
    }

    fn add_row<const D: usize>(&mut self, builder: &mut CircuitBuilder<F, D>, layout: usize)
    where
        F: Extendable<D>,
    {
        let gate = self.layouts[layout].clone();
        assert!(gate.widths_bits.len() <= builder.config.num_routed_wires, "more lanes than routed wires");
        let zero = builder.zero();
        let row = builder.add_gate(AsGate(gate.clone()), vec![]);
        for (lane, width_bits) in gate.widths_bits.iter().enumerate() {
            let value = self.requests.get_mut(width_bits).and_then(Vec::pop).unwrap_or(zero);
            builder.connect(Target::wire(row, RangeGate::wire_value(lane)), value);
        }
    }
}

#[cfg(test)]
mod tests;
