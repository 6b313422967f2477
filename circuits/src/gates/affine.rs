//! Affine points with the slopes that reach them: what an honest prover puts into wires.
//!
//! Unlike [`Point`], these may lie outside the group, and are never neutral.

use anyhow::{Context, Result};
use plonky2::field::extension::quintic::QuinticExtension;
use plonky2::field::goldilocks_field::GoldilocksField as F;
use plonky2::field::ops::Square;
use plonky2::field::types::Field;

use super::quintic::{self, DEGREE as COORDINATES};
use crate::curve::field::{Fp5, B};
use crate::curve::Point;

/// A point that is neither the neutral element nor, where it is doubled, of order two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Affine {
    /// x
    pub x: Fp5,
    /// y
    pub y: Fp5,
}

impl From<Point> for Affine {
    /// # Panics
    ///
    /// If `point` is the neutral element.
    fn from(point: Point) -> Self {
        assert!(!point.is_neutral(), "the neutral element has no affine coordinates");
        Self { x: point.x(), y: point.y() }
    }
}

impl From<quintic::Point<F>> for Affine {
    fn from(point: quintic::Point<F>) -> Self {
        Self { x: QuinticExtension(point.x), y: QuinticExtension(point.y) }
    }
}

impl Affine {
    /// Its coordinates, x then y.
    pub fn coordinates(&self) -> [F; 2 * COORDINATES] {
        core::array::from_fn(|i| self.x.0.iter().chain(&self.y.0).copied().nth(i).expect("ten"))
    }

    /// −P
    pub fn negate(&self) -> Self {
        Self { x: self.x, y: -self.y }
    }

    /// The slope of the tangent, and 2P. An error for the point of order two.
    pub fn double(&self) -> Result<(Fp5, Self)> {
        let squared = self.x.square();
        let derivative = squared.triple() + self.x.double().double() + B;
        let inverse = self.y.double().try_inverse().context("double of a point with y = 0")?;
        let slope = derivative * inverse;
        Ok((slope, self.third_point(self.x, slope)))
    }

    /// The slope of the chord, and P + `other`. An error if the points are equal or opposite.
    pub fn chord(&self, other: &Self) -> Result<(Fp5, Self)> {
        let run = other.x - self.x;
        let inverse = run.try_inverse().context("chord through points of one x")?;
        let slope = (other.y - self.y) * inverse;
        Ok((slope, self.third_point(other.x, slope)))
    }

    fn third_point(&self, other_x: Fp5, slope: Fp5) -> Self {
        let x = slope.square() - Fp5::TWO - self.x - other_x;
        let y = slope * (self.x - x) - self.y;
        Self { x, y }
    }
}
