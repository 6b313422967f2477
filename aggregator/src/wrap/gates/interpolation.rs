//! The value of a polynomial at a point, from its values on a coset.
//!
//! Wires: shift, values, point, value at the point, intermediate sums, intermediate products, shifted point.

use plonky2::field::types::Field;
use plonky2::gates::coset_interpolation::CosetInterpolationGate;
use sheaf_circuits::hash::{D, F};

use super::super::extension::Extension;
use super::super::field::Residues;
use super::{algebra_mul, algebra_sub, Algebra, Point};

/// The gate's constraints.
pub fn constraints(field: &mut Residues, gate: &CosetInterpolationGate<F, D>, at: &Point) -> Vec<Extension> {
    let points = 1 << gate.subgroup_bits;
    let intermediates = (points - 2) / (gate.degree - 1);
    let values = at.algebras(1, points);
    let point = at.algebra(1 + D * points);
    let value = at.algebra(1 + D * (points + 1));
    let sums = at.algebras(1 + D * (points + 2), intermediates);
    let products = at.algebras(1 + D * (points + 2 + intermediates), intermediates);
    let shifted = at.algebra(1 + D * (points + 2 + 2 * intermediates));

    let shift = &at.wires[0];
    let unshifted = [0, 1].map(|i| field.extension_mul(&shifted[i], shift));
    let mut constraints: Vec<Extension> = algebra_sub(&point, &unshifted).into();

    let domain = F::two_adic_subgroup(gate.subgroup_bits);
    let mut sum: Algebra = Default::default();
    let mut product: Algebra = [Extension::constant(F::ONE.into()), Extension::default()];
    let mut start = 0;
    for i in 0..=intermediates {
        let end = if i == 0 { gate.degree } else { (start + gate.degree - 1).min(points) };
        for j in start..end {
            let term = [shifted[0].add_constant(-domain[j]), shifted[1].clone()];
            let weighted: Algebra = [0, 1].map(|k| values[j][k].scale(gate.barycentric_weights[j]));
            // The weighted value has 128 bits, so it is the other factor that is small.
            let [before, here] = [algebra_mul(field, &sum, &term), algebra_mul(field, &weighted, &product)];
            sum = [0, 1].map(|k| before[k].add(&here[k]));
            product = algebra_mul(field, &product, &term);
            if j + 1 < end {
                sum = sum.map(|x| field.extension_reduce(&x));
                product = product.map(|x| field.extension_reduce(&x));
            }
        }
        if i < intermediates {
            constraints.extend(algebra_sub(&sums[i], &sum));
            constraints.extend(algebra_sub(&products[i], &product));
            sum = sums[i].clone();
            product = products[i].clone();
        } else {
            constraints.extend(algebra_sub(&value, &sum));
        }
        start = end;
    }
    constraints
}
