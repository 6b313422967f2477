//! The circuit twin of [`Fee`].

use plonky2::field::types::Field;
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use super::{Fee, FEE_EXPONENT_BITS, FEE_EXPONENT_MAX, FEE_MANTISSA_BITS};
use crate::gates::range::RangeChecker;
use crate::hash::circuit::Builder;
use crate::hash::F;

/// Bits that an exponent up to 11 needs.
const EXPONENT_BITS: usize = 4;

// With bits 2 and 3 not both set, the exponents that four bits can say are exactly 0 to 11.
const _: () = assert!(FEE_EXPONENT_MAX == 11);

/// A fee: mantissa · 10^exponent, in its only spelling.
#[derive(Clone, Debug)]
pub struct FeeTarget {
    mantissa: Target,
    exponent_bits: [BoolTarget; EXPONENT_BITS],
    /// The fee in quanta. Below 2^56, as mantissa < 2^19 and exponent ≤ 11.
    pub quanta: Target,
    /// The 24 bits of its encoding.
    pub encoded: Target,
}

impl FeeTarget {
    /// A fee that the prover picks.
    pub fn new(builder: &mut Builder, ranges: &mut RangeChecker) -> Self {
        let one = builder.one();
        let mantissa = builder.add_virtual_target();
        let exponent_bits = std::array::from_fn(|_| builder.add_virtual_bool_target_safe());
        let [b0, b1, b2, b3] = exponent_bits.map(|bit: BoolTarget| bit.target);

        // exponent ≤ 11
        let both = builder.mul(b2, b3);
        builder.assert_zero(both);

        let mut power = one;
        let mut exponent = builder.zero();
        for (i, bit) in exponent_bits.iter().enumerate() {
            // power · (1 + bit · (10^(2^i) − 1))
            let factor = F::from_canonical_u64(10u64.pow(1 << i) - 1);
            power = builder.arithmetic(factor, F::ONE, bit.target, power, power);
            exponent = builder.mul_const_add(F::from_canonical_u64(1 << i), bit.target, exponent);
        }
        let quanta = builder.mul(mantissa, power);

        // An exponent above zero implies mantissa ≥ NORMAL_MANTISSA; b2 + b3 is their "or", as not both are set. The
        // unsafe ones are bits, sums of bits that exclude each other, or an "or" of bits: all boolean already.
        let low = builder.or(BoolTarget::new_unsafe(b0), BoolTarget::new_unsafe(b1)).target;
        let high = builder.add(b2, b3);
        let not_zero = builder.or(BoolTarget::new_unsafe(low), BoolTarget::new_unsafe(high)).target;
        let above = builder.mul_const_add(-F::from_canonical_u64(Fee::NORMAL_MANTISSA), not_zero, mantissa);
        ranges.range_check(builder, mantissa, FEE_MANTISSA_BITS);
        ranges.range_check(builder, above, FEE_MANTISSA_BITS);

        let encoded = builder.mul_const_add(F::from_canonical_u64(1 << FEE_EXPONENT_BITS), mantissa, exponent);
        Self { mantissa, exponent_bits, quanta, encoded }
    }

    /// Sets what the prover picks.
    pub fn set(&self, witness: &mut PartialWitness<F>, fee: Fee) -> anyhow::Result<()> {
        let (mantissa, exponent) = fee.parts();
        self.set_parts(witness, mantissa, exponent)
    }

    /// [`Self::set`] with any mantissa and four-bit exponent: what a prover who does not follow the rules would set.
    pub fn set_parts(&self, witness: &mut PartialWitness<F>, mantissa: u64, exponent: u32) -> anyhow::Result<()> {
        witness.set_target(self.mantissa, F::from_canonical_u64(mantissa))?;
        for (i, bit) in self.exponent_bits.iter().enumerate() {
            witness.set_bool_target(*bit, exponent >> i & 1 == 1)?;
        }
        Ok(())
    }
}
