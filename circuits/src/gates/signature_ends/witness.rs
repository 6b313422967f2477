//! How an honest prover fills the row at a chain's ends.

use anyhow::Result;
use plonky2::field::extension::quintic::QuinticExtension;
use plonky2::field::extension::Extendable;
use plonky2::field::goldilocks_field::GoldilocksField as F;
use plonky2::field::types::Field;
use plonky2::iop::generator::{GeneratedValues, SimpleGenerator};
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartitionWitness, Witness, WitnessWrite};
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::util::serialization::{Buffer, IoResult, Read, Write};

use super::super::affine::Affine;
use super::super::quintic::{Point, DEGREE as COORDINATES};
use super::super::signature::tables::start_offset;
use super::{Line, SignatureEndsGate, CHALLENGE_ELEMENTS, POINT_WIRES, UPPER_MAX};
use crate::curve;
use crate::curve::field::Fp5;
use crate::curve::scalar::{Scalar, LIMBS, ORDER};

/// 1/2 mod n, that is (n + 1)/2.
const HALF: Scalar = {
    let mut limbs = [0; LIMBS];
    let mut i = 0;
    while i < LIMBS {
        let above = if i + 1 < LIMBS { ORDER[i + 1] << 63 } else { 0 };
        limbs[i] = ORDER[i] >> 1 | above;
        i += 1;
    }
    limbs[0] += 1;
    match Scalar::from_limbs(limbs) {
        Ok(half) => half,
        Err(_) => panic!("half of n is below n"),
    }
};

type Gate = SignatureEndsGate;

/// From the encoded key to the chain's start.
pub(super) fn fill_start(get: impl Fn(usize) -> F, mut set: impl FnMut(usize, F) -> Result<()>) -> Result<()> {
    let encoding = QuinticExtension(core::array::from_fn(|i| get(Gate::wires_key() + i)));
    let half_key = Affine::from(curve::Point::decode(encoding)?.mul(HALF));
    let (double_slope, key) = half_key.double()?;
    let (triple_slope, triple) = half_key.chord(&key)?;
    let (start_slope, start) = start_offset().chord(&half_key)?;

    set_point(&mut set, Gate::wires_half_key(), &half_key)?;
    set_point(&mut set, Gate::wires_triple_half_key(), &triple)?;
    set_point(&mut set, Gate::wires_start(), &start)?;
    set_slope(&mut set, Line::Double, double_slope)?;
    set_slope(&mut set, Line::Triple, triple_slope)?;
    set_slope(&mut set, Line::Start, start_slope)
}

/// From the chain's end to R, and the challenge.
pub(super) fn fill_end(get: impl Fn(usize) -> F, mut set: impl FnMut(usize, F) -> Result<()>) -> Result<()> {
    let point = |first: usize| Affine::from(Point::from_wires(&get, first));
    let minus_start = point(Gate::wires_start()).negate();
    let (slope, _) = point(Gate::wires_end()).chord(&minus_start)?;
    set_slope(&mut set, Line::End, slope)?;
    for i in 0..CHALLENGE_ELEMENTS {
        let distance = get(Gate::wire_challenge_upper(i)) - UPPER_MAX;
        // Where there is no inverse, the other factor is zero.
        let inverse = distance.try_inverse().unwrap_or(F::ZERO);
        set(Gate::wire_inverse(i), inverse)?;
    }
    Ok(())
}

fn set_point(set: &mut impl FnMut(usize, F) -> Result<()>, first: usize, point: &Affine) -> Result<()> {
    let mut coordinates = point.coordinates().into_iter().enumerate();
    coordinates.try_for_each(|(i, coordinate)| set(first + i, coordinate))
}

fn set_slope(set: &mut impl FnMut(usize, F) -> Result<()>, line: Line, slope: Fp5) -> Result<()> {
    let first = Gate::wires_slope(line);
    (0..COORDINATES).try_for_each(|i| set(first + i, slope.0[i]))
}

/// Fills what follows from the key.
#[derive(Clone, Debug, Default)]
pub struct SignatureStartGenerator {
    row: usize,
}

impl SignatureStartGenerator {
    /// For `row`.
    pub fn new(row: usize) -> Self {
        Self { row }
    }
}

impl<const D: usize> SimpleGenerator<F, D> for SignatureStartGenerator
where
    F: Extendable<D>,
{
    fn id(&self) -> String {
        "sheaf.SignatureStartGenerator".to_string()
    }

    fn dependencies(&self) -> Vec<Target> {
        let key = Gate::wires_key()..Gate::wires_key() + COORDINATES;
        key.map(|wire| Target::wire(self.row, wire)).collect()
    }

    fn run_once(&self, witness: &PartitionWitness<F>, out: &mut GeneratedValues<F>) -> Result<()> {
        fill_start(
            |wire| witness.get_target(Target::wire(self.row, wire)),
            |wire, value| out.set_target(Target::wire(self.row, wire), value),
        )
    }

    fn serialize(&self, dst: &mut Vec<u8>, _: &CommonCircuitData<F, D>) -> IoResult<()> {
        dst.write_usize(self.row)
    }

    fn deserialize(src: &mut Buffer, _: &CommonCircuitData<F, D>) -> IoResult<Self> {
        Ok(Self { row: src.read_usize()? })
    }
}

/// Fills what follows from the chain's end and the challenge.
#[derive(Clone, Debug, Default)]
pub struct SignatureEndGenerator {
    row: usize,
}

impl SignatureEndGenerator {
    /// For `row`.
    pub fn new(row: usize) -> Self {
        Self { row }
    }
}

impl<const D: usize> SimpleGenerator<F, D> for SignatureEndGenerator
where
    F: Extendable<D>,
{
    fn id(&self) -> String {
        "sheaf.SignatureEndGenerator".to_string()
    }

    fn dependencies(&self) -> Vec<Target> {
        let start = Gate::wires_start()..Gate::wires_start() + POINT_WIRES;
        let end = Gate::wires_end()..Gate::wires_end() + POINT_WIRES;
        let upper = (0..CHALLENGE_ELEMENTS).map(Gate::wire_challenge_upper);
        start.chain(end).chain(upper).map(|wire| Target::wire(self.row, wire)).collect()
    }

    fn run_once(&self, witness: &PartitionWitness<F>, out: &mut GeneratedValues<F>) -> Result<()> {
        fill_end(
            |wire| witness.get_target(Target::wire(self.row, wire)),
            |wire, value| out.set_target(Target::wire(self.row, wire), value),
        )
    }

    fn serialize(&self, dst: &mut Vec<u8>, _: &CommonCircuitData<F, D>) -> IoResult<()> {
        dst.write_usize(self.row)
    }

    fn deserialize(src: &mut Buffer, _: &CommonCircuitData<F, D>) -> IoResult<Self> {
        Ok(Self { row: src.read_usize()? })
    }
}
