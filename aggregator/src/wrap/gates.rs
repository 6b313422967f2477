//! The constraints of shrink's gates at one point of F_p², as plonky2's `eval_unfiltered` has them, in its order.
//!
//! Wires and constants come with coefficients in [0, 2^64). What comes out is not reduced: an S-box's seventh power would
//! pass r, so it is reduced where it is made; all else is a sum of few products.

mod arithmetic;
mod interpolation;
mod poseidon;
mod reducing;
#[cfg(test)]
mod tests;

use plonky2::field::types::Field;
use plonky2::gates::arithmetic_base::ArithmeticGate;
use plonky2::gates::arithmetic_extension::ArithmeticExtensionGate;
use plonky2::gates::base_sum::BaseSumGate;
use plonky2::gates::constant::ConstantGate;
use plonky2::gates::coset_interpolation::CosetInterpolationGate;
use plonky2::gates::gate::GateRef;
use plonky2::gates::multiplication_extension::MulExtensionGate;
use plonky2::gates::noop::NoopGate;
use plonky2::gates::poseidon::PoseidonGate;
use plonky2::gates::poseidon_mds::PoseidonMdsGate;
use plonky2::gates::public_input::PublicInputGate;
use plonky2::gates::random_access::RandomAccessGate;
use plonky2::gates::reducing::ReducingGate;
use plonky2::gates::reducing_extension::ReducingExtensionGate;
use sheaf_circuits::gates::custom::AsGate;
use sheaf_circuits::hash::{D, F};

use super::extension::Extension;
use super::field::{Residue, Residues};
use crate::shrink::gate::PublicValuesGate;

/// What a gate's constraints are about.
pub struct Point<'a> {
    /// The constants of the gate, without selectors.
    pub constants: &'a [Extension],
    /// The wires.
    pub wires: &'a [Extension],
    /// The four public inputs of plonky2.
    pub public_inputs: &'a [Residue],
    /// The public values.
    pub values: &'a [Residue],
}

/// An element of F_p² over the point's F_p²: two wires.
pub(super) type Algebra = [Extension; D];

impl Point<'_> {
    fn algebra(&self, start: usize) -> Algebra {
        [self.wires[start].clone(), self.wires[start + 1].clone()]
    }

    fn algebras(&self, start: usize, count: usize) -> Vec<Algebra> {
        (0..count).map(|i| self.algebra(start + D * i)).collect()
    }
}

/// The constraints of a gate.
///
/// # Panics
///
/// For a gate that shrink does not have: a circuit is built or it is not, and no input changes that.
pub fn constraints(field: &mut Residues, gate: &GateRef<F, D>, at: &Point) -> Vec<Extension> {
    let constraints = unchecked(field, gate, at);
    assert_eq!(constraints.len(), gate.0.num_constraints(), "constraints of {}", gate.0.id());
    constraints
}

fn unchecked(field: &mut Residues, gate: &GateRef<F, D>, at: &Point) -> Vec<Extension> {
    let gate = gate.0.as_any();
    if gate.is::<NoopGate>() {
        vec![]
    } else if gate.is::<PublicInputGate>() {
        exposed(at, at.public_inputs)
    } else if gate.is::<AsGate<PublicValuesGate>>() {
        // Not the values that this gate has: the common data that are compiled in have it with no values in particular.
        exposed(at, at.values)
    } else if let Some(constants) = gate.downcast_ref::<ConstantGate>() {
        // The field is not public.
        let count = plonky2::gates::gate::Gate::<F, D>::num_constraints(constants);
        (0..count).map(|i| at.constants[i].sub(&at.wires[i])).collect()
    } else if let Some(gate) = gate.downcast_ref::<ArithmeticGate>() {
        arithmetic::base(field, gate.num_ops, at)
    } else if let Some(gate) = gate.downcast_ref::<ArithmeticExtensionGate<D>>() {
        arithmetic::extension(field, gate.num_ops, at)
    } else if let Some(gate) = gate.downcast_ref::<MulExtensionGate<D>>() {
        arithmetic::multiplication(field, gate.num_ops, at)
    } else if let Some(gate) = gate.downcast_ref::<BaseSumGate<2>>() {
        arithmetic::bits(field, gate.num_limbs, at)
    } else if let Some(gate) = gate.downcast_ref::<RandomAccessGate<F, D>>() {
        arithmetic::random_access(field, gate, at)
    } else if let Some(gate) = gate.downcast_ref::<ReducingGate<D>>() {
        reducing::base(field, gate.num_coeffs, at)
    } else if let Some(gate) = gate.downcast_ref::<ReducingExtensionGate<D>>() {
        reducing::extension(field, gate.num_coeffs, at)
    } else if let Some(gate) = gate.downcast_ref::<CosetInterpolationGate<F, D>>() {
        interpolation::constraints(field, gate, at)
    } else if gate.is::<PoseidonGate<F, D>>() {
        poseidon::permutation(field, at)
    } else if gate.is::<PoseidonMdsGate<F, D>>() {
        poseidon::linear_layer(at)
    } else {
        panic!("a gate that shrink does not have")
    }
}

/// The first wires are these values.
fn exposed(at: &Point, values: &[Residue]) -> Vec<Extension> {
    at.wires.iter().zip(values).map(|(wire, value)| wire.sub(&Extension::from_base(value.clone()))).collect()
}

fn algebra_mul(field: &mut Residues, a: &Algebra, b: &Algebra) -> Algebra {
    let [low, high, left, right] = [(0, 0), (1, 1), (0, 1), (1, 0)].map(|(i, j)| field.extension_mul(&a[i], &b[j]));
    // x² = 7 here too.
    [low.add_scaled(&high, F::from_canonical_u64(7)), left.add(&right)]
}

fn algebra_sub(a: &Algebra, b: &Algebra) -> Algebra {
    [0, 1].map(|i| a[i].sub(&b[i]))
}
