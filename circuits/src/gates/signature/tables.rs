//! The fixed points of a signature's chain and their multilinear form.

use std::sync::LazyLock;

use plonky2::field::goldilocks_field::GoldilocksField as F;

use super::super::affine::Affine;
use super::super::algebra::Algebra;
use super::super::quintic::{Point, DEGREE as COORDINATES};
use super::{BLOCK_BITS, SCALAR_BLOCKS};
use crate::curve::{self, AUXILIARY, GENERATOR};

/// Entries of a table, one for each choice of bits.
const ENTRIES: usize = 1 << SCALAR_BLOCKS;

/// The coordinates of T_k[b], x then y, as polynomials in the bits: the coefficient at `[i][m]` belongs to
/// coordinate i and the product of the bits that m has.
type MultilinearTable = [[F; ENTRIES]; 2 * COORDINATES];

/// 2P, the chain's start but for the key's part, and its fixed point.
pub fn start_offset() -> Affine {
    static START_OFFSET: LazyLock<Affine> = LazyLock::new(|| AUXILIARY.double().into());
    *START_OFFSET
}

static TABLES: LazyLock<[MultilinearTable; 2]> = LazyLock::new(|| {
    points().map(|entries| {
        let entries = entries.map(|entry| Affine::from(entry).coordinates());
        core::array::from_fn(|i| multilinear_coefficients(entries.map(|entry| entry[i])))
    })
});

/// Both tables, indexed by the bits, the first block's lowest.
fn points() -> [[curve::Point; ENTRIES]; 2] {
    // 2^(128j + k) G for table k and block j.
    let mut multiples = [[GENERATOR; SCALAR_BLOCKS]; 2];
    let mut multiple = GENERATOR;
    for bit in 0..SCALAR_BLOCKS * BLOCK_BITS {
        if let table @ 0..2 = bit % BLOCK_BITS {
            multiples[table][bit / BLOCK_BITS] = multiple;
        }
        multiple = multiple.double();
    }
    let offset = -(AUXILIARY.double() + AUXILIARY);
    multiples.map(|multiples| {
        core::array::from_fn(|bits| {
            let chosen = (0..SCALAR_BLOCKS).filter(|block| bits >> block & 1 == 1);
            chosen.fold(offset, |entry, block| entry + multiples[block])
        })
    })
}

/// The polynomial with these values on {0, 1}^3, index bit j being the j-th variable.
fn multilinear_coefficients(mut values: [F; ENTRIES]) -> [F; ENTRIES] {
    for j in 0..SCALAR_BLOCKS {
        for index in (0..ENTRIES).filter(|index| index >> j & 1 == 1) {
            values[index] -= values[index ^ 1 << j];
        }
    }
    values
}

/// T_table[bits]: coordinates of degree 3.
#[inline(always)]
pub(super) fn entry<A: Algebra>(algebra: &mut A, table: usize, bits: [A::Value; SCALAR_BLOCKS]) -> Point<A::Value> {
    let [b0, b1, b2] = bits;
    let b01 = algebra.mul(b0, b1);
    let b02 = algebra.mul(b0, b2);
    let b12 = algebra.mul(b1, b2);
    let b012 = algebra.mul(b01, b2);
    let monomials = [b0, b1, b01, b2, b02, b12, b012];
    let mut coordinate = |i: usize| {
        let [constant, coefficients @ ..] = &TABLES[table][i];
        let mut sum = algebra.constant(*constant);
        for (&coefficient, monomial) in coefficients.iter().zip(monomials) {
            sum = algebra.constant_mul_add(coefficient, monomial, sum);
        }
        sum
    };
    Point { x: core::array::from_fn(&mut coordinate), y: core::array::from_fn(|i| coordinate(COORDINATES + i)) }
}

#[cfg(test)]
mod tests {
    use plonky2::field::types::Field;

    use super::super::super::algebra::Packed;
    use super::*;

    #[test]
    fn polynomials_give_the_points_of_the_tables() {
        for (table, points) in points().into_iter().enumerate() {
            for (index, point) in points.into_iter().enumerate() {
                let bits = core::array::from_fn(|j| F::from_bool(index >> j & 1 == 1));
                let entry = entry(&mut Packed::<F>::new(), table, bits);
                assert_eq!((entry.x, entry.y), (point.x().0, point.y().0));
            }
        }
    }

    #[test]
    fn entries_are_the_offset_and_multiples_of_the_generator() {
        let power = |exponent: usize| (0..exponent).fold(GENERATOR, |point, _| point.double());
        let [low, high] = points();
        let minus_three = -(AUXILIARY + AUXILIARY + AUXILIARY);
        assert_eq!(low[0], minus_three);
        assert_eq!(high[0], minus_three);
        assert_eq!(low[7], minus_three + GENERATOR + power(128) + power(256));
        assert_eq!(high[5], minus_three + power(1) + power(257));
    }
}
