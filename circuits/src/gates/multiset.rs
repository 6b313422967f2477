//! Factors of a multiset's product, twelve to a row.
//!
//! Statement: product out = product in · ∏ over lanes of (1 + enabled · (fingerprint − 1)), where the fingerprint of a
//! lane's elements is γ − (e₀ + β·e₁ + … + β⁴·e₄), all in `F_p² = F[x]/(x² − 7)`.
//!
//! ```text
//!   wire   0   2   4             6              8                            80        86
//!          γ   β   product in    product out    e₀ … e₄, enabled | …         β² … β⁴   products between lanes
//!                                               (12 lanes, all routed)
//! ```
//!
//! The powers of β and the products between lanes are wires, so a lane's constraint has degree 4: a product of degree
//! 1, the flag, and a power of β times an element. 12 · 2 + 6 constraints.
//!
//! Not here: that a flag is boolean (whoever hands it in does that), and that γ and β were drawn after all elements
//! were fixed. A lane whose flag is 0 is a factor 1, whatever its elements.

use anyhow::Result;
use plonky2::field::extension::Extendable;
use plonky2::field::goldilocks_field::GoldilocksField as F;
use plonky2::field::types::Field;
use plonky2::iop::ext_target::ExtensionTarget;
use plonky2::iop::generator::{GeneratedValues, SimpleGenerator, WitnessGeneratorRef};
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::iop::witness::{PartitionWitness, Witness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::util::serialization::{Buffer, IoResult, Read, Write};

use super::algebra::{Algebra, Packed};
use super::custom::{AsGate, CustomGate};

/// Lanes of a row: what 80 routed wires hold.
pub const LANES: usize = 12;
/// Elements of a tuple.
pub const TUPLE_LEN: usize = 5;

/// Coordinates of an element of F_p².
const EXT: usize = 2;
/// x² in F_p² = F[x]/(x² − 7).
const NON_RESIDUE: u64 = 7;
const LANE_WIRES: usize = TUPLE_LEN + 1;
/// β², β³, β⁴.
const POWERS: usize = TUPLE_LEN - 2;

/// A row of factors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MultisetGate;

impl MultisetGate {
    const GAMMA: usize = 0;
    const BETA: usize = EXT;
    const PRODUCT_IN: usize = 2 * EXT;
    const PRODUCT_OUT: usize = 3 * EXT;
    const FIRST_LANE: usize = 4 * EXT;
    const FIRST_POWER: usize = Self::FIRST_LANE + LANES * LANE_WIRES;
    const FIRST_PRODUCT: usize = Self::FIRST_POWER + POWERS * EXT;
    const WIRES: usize = Self::FIRST_PRODUCT + (LANES - 1) * EXT;

    const fn wire_element(lane: usize, element: usize) -> usize {
        Self::FIRST_LANE + lane * LANE_WIRES + element
    }

    const fn wire_enabled(lane: usize) -> usize {
        Self::wire_element(lane, TUPLE_LEN)
    }

    /// β^`power`, for powers from 1 to 4.
    const fn wires_power(power: usize) -> usize {
        match power {
            1 => Self::BETA,
            _ => Self::FIRST_POWER + (power - 2) * EXT,
        }
    }

    /// The product after `lanes` lanes.
    const fn wires_product(lanes: usize) -> usize {
        match lanes {
            0 => Self::PRODUCT_IN,
            LANES => Self::PRODUCT_OUT,
            _ => Self::FIRST_PRODUCT + (lanes - 1) * EXT,
        }
    }
}

const _: () = assert!(MultisetGate::FIRST_POWER == 80, "what is routed fills the routed wires");

type Pair<V> = [V; EXT];

/// a · b in F_p².
#[inline(always)]
fn multiply<A: Algebra>(algebra: &mut A, a: Pair<A::Value>, b: Pair<A::Value>) -> Pair<A::Value> {
    let high = algebra.mul(a[1], b[1]);
    let low = algebra.mul(a[0], b[0]);
    let cross = algebra.mul(a[0], b[1]);
    [algebra.constant_mul_add(F(NON_RESIDUE), high, low), algebra.mul_add(a[1], b[0], 1, cross)]
}

/// The factor of a lane: 1 + enabled · (γ − e₀ − β·e₁ − … − β⁴·e₄ − 1).
#[inline(always)]
fn factor<A: Algebra>(algebra: &mut A, wire: &impl Fn(usize) -> A::Value, lane: usize) -> Pair<A::Value> {
    let one = algebra.constant(F::ONE);
    let zero = algebra.constant(F::ZERO);
    let sum: Pair<A::Value> = core::array::from_fn(|i| {
        let first = if i == 0 { wire(MultisetGate::wire_element(lane, 0)) } else { zero };
        (1..TUPLE_LEN).fold(first, |sum, element| {
            let power = wire(MultisetGate::wires_power(element) + i);
            let product = algebra.mul(power, wire(MultisetGate::wire_element(lane, element)));
            algebra.add(sum, product)
        })
    });
    let enabled = wire(MultisetGate::wire_enabled(lane));
    core::array::from_fn(|i| {
        let gamma = wire(MultisetGate::GAMMA + i);
        let fingerprint = algebra.sub(gamma, sum[i]);
        if i == 0 {
            let less_one = algebra.sub(fingerprint, one);
            let scaled = algebra.mul(enabled, less_one);
            algebra.add(scaled, one)
        } else {
            algebra.mul(enabled, fingerprint)
        }
    })
}

fn pair<V>(wire: &impl Fn(usize) -> V, first: usize) -> Pair<V> {
    core::array::from_fn(|i| wire(first + i))
}

impl CustomGate for MultisetGate {
    const NAME: &'static str = "MultisetGate";
    const VERSION: u32 = 1;
    const DEGREE: usize = 4;

    fn parameters(&self) -> String {
        format!("{LANES}x{TUPLE_LEN}")
    }

    fn num_wires(&self) -> usize {
        Self::WIRES
    }

    fn num_constraints(&self) -> usize {
        EXT * (POWERS + LANES)
    }

    /// The powers of β, then each lane's product.
    #[inline(always)]
    fn constrain<A: Algebra>(
        &self,
        algebra: &mut A,
        wire: impl Fn(usize) -> A::Value,
        mut yield_constraint: impl FnMut(A::Value),
    ) {
        let beta = pair(&wire, Self::BETA);
        for power in 2..TUPLE_LEN {
            let expected = multiply(algebra, pair(&wire, Self::wires_power(power - 1)), beta);
            for (i, expected) in expected.into_iter().enumerate() {
                yield_constraint(algebra.sub(expected, wire(Self::wires_power(power) + i)));
            }
        }
        for lane in 0..LANES {
            let factor = factor(algebra, &wire, lane);
            let expected = multiply(algebra, pair(&wire, Self::wires_product(lane)), factor);
            for (i, expected) in expected.into_iter().enumerate() {
                yield_constraint(algebra.sub(expected, wire(Self::wires_product(lane + 1) + i)));
            }
        }
    }

    fn generators<const D: usize>(&self, row: usize) -> Vec<WitnessGeneratorRef<F, D>>
    where
        F: Extendable<D>,
    {
        vec![WitnessGeneratorRef::new(SimpleGenerator::<F, D>::adapter(MultisetGenerator { row }))]
    }

    fn serialize(&self, _: &mut Vec<u8>) -> IoResult<()> {
        Ok(())
    }

    fn deserialize(_: &mut Buffer) -> IoResult<Self> {
        Ok(Self)
    }
}

/// Fills the powers of β and the products of a row.
#[derive(Clone, Debug, Default)]
pub struct MultisetGenerator {
    row: usize,
}

impl MultisetGenerator {
    /// Overwrites the wires that follow from the given ones.
    fn fill(wires: &mut [F]) {
        for power in 2..TUPLE_LEN {
            let get = |wire: usize| wires[wire];
            let product = multiply(
                &mut Packed::<F>::new(),
                pair(&get, MultisetGate::wires_power(power - 1)),
                pair(&get, MultisetGate::BETA),
            );
            wires[MultisetGate::wires_power(power)..][..EXT].copy_from_slice(&product);
        }
        for lane in 0..LANES {
            let get = |wire: usize| wires[wire];
            let factor = factor(&mut Packed::<F>::new(), &get, lane);
            let product = multiply(&mut Packed::<F>::new(), pair(&get, MultisetGate::wires_product(lane)), factor);
            wires[MultisetGate::wires_product(lane + 1)..][..EXT].copy_from_slice(&product);
        }
    }

    fn is_given(wire: usize) -> bool {
        wire < MultisetGate::FIRST_POWER && !(MultisetGate::PRODUCT_OUT..MultisetGate::FIRST_LANE).contains(&wire)
    }
}

impl<const D: usize> SimpleGenerator<F, D> for MultisetGenerator
where
    F: Extendable<D>,
{
    fn id(&self) -> String {
        "sheaf.MultisetGenerator".to_string()
    }

    fn dependencies(&self) -> Vec<Target> {
        (0..MultisetGate::WIRES).filter(|&wire| Self::is_given(wire)).map(|wire| Target::wire(self.row, wire)).collect()
    }

    fn run_once(&self, witness: &PartitionWitness<F>, out: &mut GeneratedValues<F>) -> Result<()> {
        let mut wires = [F::ZERO; MultisetGate::WIRES];
        for (wire, value) in wires.iter_mut().enumerate() {
            if Self::is_given(wire) {
                *value = witness.get_target(Target::wire(self.row, wire));
            }
        }
        Self::fill(&mut wires);
        for (wire, value) in wires.into_iter().enumerate() {
            if !Self::is_given(wire) {
                out.set_target(Target::wire(self.row, wire), value)?;
            }
        }
        Ok(())
    }

    fn serialize(&self, dst: &mut Vec<u8>, _: &CommonCircuitData<F, D>) -> IoResult<()> {
        dst.write_usize(self.row)
    }

    fn deserialize(src: &mut Buffer, _: &CommonCircuitData<F, D>) -> IoResult<Self> {
        Ok(Self { row: src.read_usize()? })
    }
}

/// A tuple and whether it counts; the flag is boolean by whoever made it.
pub type Factor = (BoolTarget, [Target; TUPLE_LEN]);

/// The product of the fingerprints of `factors` that count, under γ and β. A row for each [`LANES`].
pub fn product(
    builder: &mut CircuitBuilder<F, 2>,
    factors: &[Factor],
    gamma: ExtensionTarget<2>,
    beta: ExtensionTarget<2>,
) -> ExtensionTarget<2> {
    let zero = builder.zero();
    let no = builder._false();
    factors.chunks(LANES).fold(builder.one_extension(), |before, lanes| {
        let row = builder.add_gate(AsGate(MultisetGate), vec![]);
        let ext = |first| ExtensionTarget([Target::wire(row, first), Target::wire(row, first + 1)]);
        builder.connect_extension(gamma, ext(MultisetGate::GAMMA));
        builder.connect_extension(beta, ext(MultisetGate::BETA));
        builder.connect_extension(before, ext(MultisetGate::PRODUCT_IN));
        for lane in 0..LANES {
            let (enabled, elements) = lanes.get(lane).copied().unwrap_or((no, [zero; TUPLE_LEN]));
            builder.connect(enabled.target, Target::wire(row, MultisetGate::wire_enabled(lane)));
            for (i, element) in elements.into_iter().enumerate() {
                builder.connect(element, Target::wire(row, MultisetGate::wire_element(lane, i)));
            }
        }
        ext(MultisetGate::PRODUCT_OUT)
    })
}

#[cfg(test)]
mod tests;
