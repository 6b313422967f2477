//! Σ alpha^i · coefficient_i by Horner's rule, each accumulator a wire.
//!
//! Wires: output, alpha, accumulator before, coefficients, accumulators but the last, which is the output.

use sheaf_circuits::hash::D;

use super::super::extension::Extension;
use super::super::field::Residues;
use super::{algebra_mul, algebra_sub, Algebra, Point};

const OUTPUT: usize = 0;
const ALPHA: usize = D;
const BEFORE: usize = 2 * D;
const COEFFICIENTS: usize = 3 * D;

/// Coefficients of the base field: one wire each.
pub fn base(field: &mut Residues, count: usize, at: &Point) -> Vec<Extension> {
    let coefficient = |i: usize| [at.wires[COEFFICIENTS + i].clone(), Extension::default()];
    constraints(field, (0..count).map(coefficient).collect(), COEFFICIENTS + count, at)
}

/// Coefficients of the extension: two wires each.
pub fn extension(field: &mut Residues, count: usize, at: &Point) -> Vec<Extension> {
    constraints(field, at.algebras(COEFFICIENTS, count), COEFFICIENTS + D * count, at)
}

fn constraints(field: &mut Residues, coefficients: Vec<Algebra>, accumulators: usize, at: &Point) -> Vec<Extension> {
    let alpha = at.algebra(ALPHA);
    let mut after = at.algebras(accumulators, coefficients.len() - 1);
    after.push(at.algebra(OUTPUT));
    let mut before = at.algebra(BEFORE);
    let mut constraints = Vec::with_capacity(D * coefficients.len());
    for (coefficient, after) in coefficients.iter().zip(after) {
        let product = algebra_mul(field, &before, &alpha);
        let sum = [0, 1].map(|i| product[i].add(&coefficient[i]));
        constraints.extend(algebra_sub(&sum, &after));
        before = after;
    }
    constraints
}
