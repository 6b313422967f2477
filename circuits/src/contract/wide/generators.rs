//! What fills in the limbs, carries, quotients and roots of [`super`]. Nothing here is trusted.

use anyhow::Result;
use num_bigint::BigUint;
use plonky2::field::types::{Field, PrimeField64};
use plonky2::iop::generator::{GeneratedValues, SimpleGenerator};
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartitionWitness, Witness, WitnessWrite};
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::util::serialization::{Buffer, IoResult, Read, Write};

use super::{LIMB_BITS, LIMB_MAX};
use crate::hash::{D, F};

/// The integer in these limbs.
fn read(witness: &PartitionWitness<'_, F>, limbs: &[Target]) -> BigUint {
    let value = |limb: &Target| BigUint::from(witness.get_target(*limb).to_canonical_u64());
    limbs.iter().rev().fold(BigUint::ZERO, |sum, limb| (sum << LIMB_BITS) + value(limb))
}

/// Sets limbs to an integer; what does not fit is left out, and then no constraint holds.
fn write(integer: &BigUint, limbs: &[Target], out: &mut GeneratedValues<F>) -> Result<()> {
    for (i, &limb) in limbs.iter().enumerate() {
        let part: BigUint = (integer >> (LIMB_BITS * i)) & BigUint::from(LIMB_MAX);
        out.set_target(limb, F::from_canonical_u64(part.iter_u64_digits().next().unwrap_or(0)))?;
    }
    Ok(())
}

/// Splits an element into limbs.
#[derive(Clone, Debug, Default)]
pub(crate) struct LimbsGenerator {
    pub(super) value: Target,
    pub(super) limbs: Vec<Target>,
}

/// Finds a carry.
#[derive(Clone, Debug, Default)]
pub(crate) struct CarryGenerator {
    pub(super) t: Target,
    pub(super) offset: u64,
    pub(super) limbs: Vec<Target>,
}

/// Finds quotient, remainder, and how far the remainder is from the denominator.
#[derive(Clone, Debug, Default)]
pub(crate) struct DivisionGenerator {
    pub(super) numerator: Vec<Target>,
    pub(super) denominator: Vec<Target>,
    pub(super) active: Target,
    pub(super) quotient: Vec<Target>,
    pub(super) remainder: Vec<Target>,
    pub(super) slack: Vec<Target>,
}

impl SimpleGenerator<F, D> for LimbsGenerator {
    fn id(&self) -> String {
        "sheaf.LimbsGenerator".to_string()
    }

    fn dependencies(&self) -> Vec<Target> {
        vec![self.value]
    }

    fn run_once(&self, witness: &PartitionWitness<F>, out: &mut GeneratedValues<F>) -> Result<()> {
        let value = witness.get_target(self.value).to_canonical_u64();
        write(&value.into(), &self.limbs, out)
    }

    fn serialize(&self, dst: &mut Vec<u8>, _: &CommonCircuitData<F, D>) -> IoResult<()> {
        dst.write_target(self.value)?;
        dst.write_target_vec(&self.limbs)
    }

    fn deserialize(src: &mut Buffer, _: &CommonCircuitData<F, D>) -> IoResult<Self> {
        Ok(Self { value: src.read_target()?, limbs: src.read_target_vec()? })
    }
}

impl SimpleGenerator<F, D> for CarryGenerator {
    fn id(&self) -> String {
        "sheaf.CarryGenerator".to_string()
    }

    fn dependencies(&self) -> Vec<Target> {
        vec![self.t]
    }

    fn run_once(&self, witness: &PartitionWitness<F>, out: &mut GeneratedValues<F>) -> Result<()> {
        // t + offset · 2^21 is the shifted carry · 2^21, and not negative.
        let shifted =
            witness.get_target(self.t) + F::from_canonical_u64(self.offset) * F::from_canonical_u64(1 << LIMB_BITS);
        write(&(shifted.to_canonical_u64() >> LIMB_BITS).into(), &self.limbs, out)
    }

    fn serialize(&self, dst: &mut Vec<u8>, _: &CommonCircuitData<F, D>) -> IoResult<()> {
        dst.write_target(self.t)?;
        dst.write_field(F::from_canonical_u64(self.offset))?;
        dst.write_target_vec(&self.limbs)
    }

    fn deserialize(src: &mut Buffer, _: &CommonCircuitData<F, D>) -> IoResult<Self> {
        let t = src.read_target()?;
        let offset: F = src.read_field()?;
        Ok(Self { t, offset: offset.to_canonical_u64(), limbs: src.read_target_vec()? })
    }
}

impl SimpleGenerator<F, D> for DivisionGenerator {
    fn id(&self) -> String {
        "sheaf.DivisionGenerator".to_string()
    }

    fn dependencies(&self) -> Vec<Target> {
        [&self.numerator[..], &self.denominator, &[self.active]].concat()
    }

    fn run_once(&self, witness: &PartitionWitness<F>, out: &mut GeneratedValues<F>) -> Result<()> {
        let numerator = read(witness, &self.numerator);
        let denominator = read(witness, &self.denominator);
        let (quotient, remainder) = match denominator == BigUint::ZERO {
            true => (BigUint::ZERO, numerator),
            false => (&numerator / &denominator, &numerator % &denominator),
        };
        let taken = &remainder + witness.get_target(self.active).to_canonical_u64();
        let slack = if taken > denominator { BigUint::ZERO } else { denominator - taken };
        write(&quotient, &self.quotient, out)?;
        write(&remainder, &self.remainder, out)?;
        write(&slack, &self.slack, out)
    }

    fn serialize(&self, dst: &mut Vec<u8>, _: &CommonCircuitData<F, D>) -> IoResult<()> {
        dst.write_target_vec(&self.numerator)?;
        dst.write_target_vec(&self.denominator)?;
        dst.write_target(self.active)?;
        dst.write_target_vec(&self.quotient)?;
        dst.write_target_vec(&self.remainder)?;
        dst.write_target_vec(&self.slack)
    }

    fn deserialize(src: &mut Buffer, _: &CommonCircuitData<F, D>) -> IoResult<Self> {
        Ok(Self {
            numerator: src.read_target_vec()?,
            denominator: src.read_target_vec()?,
            active: src.read_target()?,
            quotient: src.read_target_vec()?,
            remainder: src.read_target_vec()?,
            slack: src.read_target_vec()?,
        })
    }
}

/// Finds a square root, and what is left over.
#[derive(Clone, Debug, Default)]
pub(crate) struct RootGenerator {
    pub(super) square: Vec<Target>,
    pub(super) root: Vec<Target>,
    pub(super) rest: Vec<Target>,
}

impl SimpleGenerator<F, D> for RootGenerator {
    fn id(&self) -> String {
        "sheaf.RootGenerator".to_string()
    }

    fn dependencies(&self) -> Vec<Target> {
        self.square.clone()
    }

    fn run_once(&self, witness: &PartitionWitness<F>, out: &mut GeneratedValues<F>) -> Result<()> {
        let square = read(witness, &self.square);
        let root = square.sqrt();
        write(&root, &self.root, out)?;
        write(&(square - &root * &root), &self.rest, out)
    }

    fn serialize(&self, dst: &mut Vec<u8>, _: &CommonCircuitData<F, D>) -> IoResult<()> {
        dst.write_target_vec(&self.square)?;
        dst.write_target_vec(&self.root)?;
        dst.write_target_vec(&self.rest)
    }

    fn deserialize(src: &mut Buffer, _: &CommonCircuitData<F, D>) -> IoResult<Self> {
        Ok(Self { square: src.read_target_vec()?, root: src.read_target_vec()?, rest: src.read_target_vec()? })
    }
}
