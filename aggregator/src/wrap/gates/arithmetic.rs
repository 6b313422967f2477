//! Gates of one or two products a constraint.

use plonky2::field::types::Field;
use plonky2::gates::random_access::RandomAccessGate;
use sheaf_circuits::hash::{D, F};

use super::super::extension::Extension;
use super::super::field::Residues;
use super::{algebra_mul, Algebra, Point};

/// Wires (x, y, z, output): output = c₀·x·y + c₁·z.
pub fn base(field: &mut Residues, count: usize, at: &Point) -> Vec<Extension> {
    at.wires
        .chunks(4)
        .take(count)
        .map(|wires| {
            let product = field.extension_mul_reduced(&wires[0], &wires[1]);
            let product = field.extension_mul(&product, &at.constants[0]);
            let addend = field.extension_mul(&wires[2], &at.constants[1]);
            wires[3].sub(&product.add(&addend))
        })
        .collect()
}

/// The same over the algebra, with constants of the point's field.
pub fn extension(field: &mut Residues, count: usize, at: &Point) -> Vec<Extension> {
    let constraint = |i: usize| {
        let [x, y, addend, output] = [0, 1, 2, 3].map(|j| at.algebra(D * (4 * i + j)));
        let product = scaled_product(field, &x, &y, &at.constants[0]);
        [0, 1].map(|j| {
            let addend = field.extension_mul(&addend[j], &at.constants[1]);
            output[j].sub(&product[j].add(&addend))
        })
    };
    (0..count).flat_map(constraint).collect()
}

/// Wires (x, y, output): output = c₀·x·y.
pub fn multiplication(field: &mut Residues, count: usize, at: &Point) -> Vec<Extension> {
    let constraint = |i: usize| {
        let [x, y, output] = [0, 1, 2].map(|j| at.algebra(D * (3 * i + j)));
        let product = scaled_product(field, &x, &y, &at.constants[0]);
        [0, 1].map(|j| output[j].sub(&product[j]))
    };
    (0..count).flat_map(constraint).collect()
}

/// scale · x · y
fn scaled_product(field: &mut Residues, x: &Algebra, y: &Algebra, scale: &Extension) -> Algebra {
    let product = algebra_mul(field, x, y);
    product.map(|coefficient| {
        let coefficient = field.extension_reduce(&coefficient);
        field.extension_mul(&coefficient, scale)
    })
}

/// Wires (sum, bits…).
pub fn bits(field: &mut Residues, count: usize, at: &Point) -> Vec<Extension> {
    let bits = &at.wires[1..1 + count];
    let sum = bits.iter().rev().fold(Extension::default(), |sum, bit| sum.scale(F::TWO).add(bit));
    let mut constraints = vec![sum.sub(&at.wires[0])];
    constraints.extend(bits.iter().map(|bit| boolean(field, bit)));
    constraints
}

/// bit · (bit − 1)
fn boolean(field: &mut Residues, bit: &Extension) -> Extension {
    let square = field.extension_square(bit);
    square.sub(bit)
}

/// Copies of (index, element, list…), then extra constants, then the bits of each copy's index.
pub fn random_access(field: &mut Residues, gate: &RandomAccessGate<F, D>, at: &Point) -> Vec<Extension> {
    let RandomAccessGate { bits, num_copies, num_extra_constants, .. } = *gate;
    let length = 1 << bits;
    let extra_constants = (2 + length) * num_copies;
    let first_bit = extra_constants + num_extra_constants;
    let mut constraints = Vec::new();
    for copy in 0..num_copies {
        let wires = &at.wires[(2 + length) * copy..][..2 + length];
        let bits = &at.wires[first_bit + bits * copy..][..bits];
        constraints.extend(bits.iter().map(|bit| boolean(field, bit)));
        let index = bits.iter().rev().fold(Extension::default(), |sum, bit| sum.scale(F::TWO).add(bit));
        constraints.push(index.sub(&wires[0]));
        let mut list = wires[2..].to_vec();
        for (i, bit) in bits.iter().enumerate() {
            list = list
                .chunks(2)
                .map(|pair| {
                    let chosen = field.extension_mul(bit, &pair[1].sub(&pair[0])).add(&pair[0]);
                    // The last one is only compared.
                    if i + 1 < bits.len() {
                        field.extension_reduce(&chosen)
                    } else {
                        chosen
                    }
                })
                .collect();
        }
        constraints.push(list[0].sub(&wires[1]));
    }
    let extra = at.constants.iter().zip(&at.wires[extra_constants..]).take(num_extra_constants);
    constraints.extend(extra.map(|(constant, wire)| constant.sub(wire)));
    constraints
}
