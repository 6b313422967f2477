//! How an honest prover fills a row of the signature gate.

use anyhow::Result;
use plonky2::field::extension::Extendable;
use plonky2::field::goldilocks_field::GoldilocksField as F;
use plonky2::iop::generator::{GeneratedValues, SimpleGenerator};
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartitionWitness, Witness, WitnessWrite};
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::util::serialization::{Buffer, IoResult, Read, Write};

use super::super::affine::Affine;
use super::super::algebra::Packed;
use super::super::quintic::{Point, DEGREE as COORDINATES};
use super::{challenge_digit, key_multiple, rise, tables};
use super::{SignatureGate, CHALLENGE_BITS, POINT_WIRES, WINDOWS, WINDOW_BITS};
use crate::curve::field::Fp5;

/// The wires sign and triple for two bits of e.
pub fn sign_and_triple(challenge_bits: u64) -> (bool, bool) {
    debug_assert!(challenge_bits < 1 << CHALLENGE_BITS);
    // The digits −3, −1, 1, 3.
    (challenge_bits >= 2, challenge_bits == 0 || challenge_bits == 3)
}

/// Fills the wires of a row that follow from the point before it, H, 3H and the bits.
pub(super) fn fill_row(get: impl Fn(usize) -> F, mut set: impl FnMut(usize, F) -> Result<()>) -> Result<()> {
    // The polynomials of the constraints, whatever the wires hold.
    let mut field = Packed::<F>::new();

    let half_key = Point::from_wires(&get, SignatureGate::wires_half_key());
    let triple_half_key = Point::from_wires(&get, SignatureGate::wires_triple_half_key());
    let rise_to_triple = rise(&mut field, half_key, triple_half_key);
    let mut accumulator = Affine::from(Point::from_wires(&get, SignatureGate::wires_accumulator(0)));
    let mut challenge = get(SignatureGate::wire_challenge_in());

    for window in 0..WINDOWS {
        let mut set_slope = |step: usize, slope: Fp5| -> Result<()> {
            let first = SignatureGate::wires_slope(window, step);
            (0..COORDINATES).try_for_each(|i| set(first + i, slope.0[i]))
        };
        let mut slope;
        for step in 0..2 {
            (slope, accumulator) = accumulator.double()?;
            set_slope(step, slope)?;
        }
        for table in 0..2 {
            let bits = core::array::from_fn(|block| get(SignatureGate::wire_scalar_bit(window, table, block)));
            let entry = tables::entry(&mut field, table, bits);
            (slope, accumulator) = accumulator.chord(&entry.into())?;
            set_slope(2 + table, slope)?;
        }
        let (sign, triple) = (get(SignatureGate::wire_sign(window)), get(SignatureGate::wire_triple(window)));
        let multiple = key_multiple(&mut field, half_key, rise_to_triple, sign, triple);
        (slope, accumulator) = accumulator.chord(&multiple.into())?;
        set_slope(4, slope)?;

        let first = SignatureGate::wires_accumulator(window + 1);
        for (i, coordinate) in accumulator.coordinates().into_iter().enumerate() {
            set(first + i, coordinate)?;
        }
        challenge = challenge * F(1 << CHALLENGE_BITS) + challenge_digit(&mut field, sign, triple);
    }
    set(SignatureGate::wire_challenge_out(), challenge)
}

/// Fills a row once its inputs and bits are known.
#[derive(Clone, Debug, Default)]
pub struct SignatureGenerator {
    row: usize,
}

impl SignatureGenerator {
    /// For `row`.
    pub fn new(row: usize) -> Self {
        Self { row }
    }
}

impl<const D: usize> SimpleGenerator<F, D> for SignatureGenerator
where
    F: Extendable<D>,
{
    fn id(&self) -> String {
        "sheaf.SignatureGenerator".to_string()
    }

    fn dependencies(&self) -> Vec<Target> {
        let points = [
            SignatureGate::wires_accumulator(0),
            SignatureGate::wires_half_key(),
            SignatureGate::wires_triple_half_key(),
        ];
        let points = points.into_iter().flat_map(|first| first..first + POINT_WIRES);
        let bits = (0..WINDOWS).flat_map(|window| {
            let first = SignatureGate::wire_scalar_bit(window, 0, 0);
            first..first + WINDOW_BITS
        });
        points
            .chain([SignatureGate::wire_challenge_in()])
            .chain(bits)
            .map(|wire| Target::wire(self.row, wire))
            .collect()
    }

    fn run_once(&self, witness: &PartitionWitness<F>, out: &mut GeneratedValues<F>) -> Result<()> {
        fill_row(
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
