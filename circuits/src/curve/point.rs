//! Points of the group in affine coordinates, and their encoding.

use std::ops::{Add, Neg, Sub};

use plonky2::field::extension::quintic::QuinticExtension;
use plonky2::field::goldilocks_field::GoldilocksField;
use plonky2::field::types::Field;
use thiserror::Error;

use super::coset::Coset;
use super::field::{
    double, from_canonical, half, is_square, mul, mul_minus, mul_z, sqrt, square, square_minus, to_canonical, Fp5, B,
    B1,
};
use super::scalar::{limbs_from_bytes, limbs_to_bytes, Scalar};
use super::table;
use crate::hash::F;

/// Bytes in an encoded point.
pub const POINT_BYTES: usize = 40;

/// Why something is not a point of the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PointError {
    /// A coefficient is p or more.
    #[error("coefficient {position} of the point's encoding is not below p")]
    NotCanonical {
        /// Which of the five, constant term first.
        position: usize,
    },
    /// No point of the curve has this w: among others w = 0, where the neutral would be.
    #[error("no point of the group has this encoding")]
    NotAPoint,
    /// The coordinates do not satisfy the curve equation.
    #[error("coordinates are not on the curve")]
    NotOnCurve,
    /// On the curve, but x is not a nonzero square.
    #[error("point is on the curve but not in the group of prime order")]
    NotInGroup,
}

/// A point of the group of order n: by construction, never another point of the curve.
///
/// The neutral is held as (0, 1), which is not on the curve; no other point of the group has x = 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Point {
    pub(super) x: Fp5,
    pub(super) y: Fp5,
}

/// A constant of GF(p⁵).
const fn element(c: [u64; 5]) -> Fp5 {
    QuinticExtension([
        GoldilocksField(c[0]),
        GoldilocksField(c[1]),
        GoldilocksField(c[2]),
        GoldilocksField(c[3]),
        GoldilocksField(c[4]),
    ])
}

/// The generator G: the point with w = 4, the paper's conventional generator in its encoding.
pub const GENERATOR: Point = Point {
    x: element([
        5563608483237702766,
        14090224426659529053,
        13197813503519687414,
        16280770174934269299,
        15998333998318935536,
    ]),
    y: element([
        3807689863536226743,
        1020665498394363249,
        15897765875249581014,
        9782848491493324233,
        8653103785031989181,
    ]),
};

/// The auxiliary point C, whose logarithm to the base G nobody knows: the first of w₀, w₁, … that decodes,
/// wᵢ the first five outputs of Poseidon (`hash_n_to_m_no_pad`) on the tag `sf.aux` and i.
pub const AUXILIARY: Point = Point {
    x: element([
        9913111641089577611,
        9188999234191189931,
        12976321527289426131,
        2826280089222822299,
        6085207619505791009,
    ]),
    y: element([
        1245665231009604853,
        10688096541786935732,
        18425578718417643180,
        3982721603201877249,
        5129893824429186387,
    ]),
};

impl Point {
    /// The neutral element.
    pub const NEUTRAL: Self = Self { x: element([0; 5]), y: element([1, 0, 0, 0, 0]) };

    /// The point with these coordinates.
    ///
    /// # Errors
    /// [`PointError::NotOnCurve`] and [`PointError::NotInGroup`].
    pub fn new(x: Fp5, y: Fp5) -> Result<Self, PointError> {
        if square(y) != x * (square(x) + double(x) + B) {
            Err(PointError::NotOnCurve)
        } else if x.is_zero() || !is_square(x) {
            Err(PointError::NotInGroup)
        } else {
            Ok(Self { x, y })
        }
    }

    /// Whether this is the neutral element.
    pub fn is_neutral(self) -> bool {
        self.x.is_zero()
    }

    /// x, a nonzero square; 0 for the neutral.
    pub fn x(self) -> Fp5 {
        self.x
    }

    /// y, never 0; 1 for the neutral.
    pub fn y(self) -> Fp5 {
        self.y
    }

    /// w = y/x, from which [`Point::decode`] finds the point; 0 for the neutral, which it refuses.
    pub fn encode(self) -> Fp5 {
        if self.is_neutral() {
            Fp5::ZERO
        } else {
            self.y * self.x.inverse()
        }
    }

    /// The point of the group with y/x = w.
    ///
    /// # Errors
    /// [`PointError::NotAPoint`] if there is none. So w = 0 is refused: x² + 2x + b has no root, b's
    /// curve having a single point of order two.
    pub fn decode(w: Fp5) -> Result<Self, PointError> {
        // x² − ex + b = 0 with e = w² − 2.
        let e = square(w) - Fp5::TWO;
        let four_b = mul_z(Fp5::ONE, 4 * B1);
        let root = sqrt(square(e) - four_b).ok_or(PointError::NotAPoint)?;
        let x = half(e + root);
        // The roots' product is b, not a square, so one is a square and neither is 0; their sum is e.
        let x = if is_square(x) { x } else { e - x };
        Ok(Self { x, y: mul(w, x) })
    }

    /// The encoding as bytes: the five coefficients of w, constant term first, eight bytes each,
    /// little-endian, below p.
    pub fn to_bytes(self) -> [u8; POINT_BYTES] {
        encoding_to_bytes(self.encode())
    }

    /// Reads what [`Point::to_bytes`] writes.
    ///
    /// # Errors
    /// [`PointError::NotCanonical`] and [`PointError::NotAPoint`].
    pub fn from_bytes(bytes: &[u8; POINT_BYTES]) -> Result<Self, PointError> {
        Self::decode(encoding_from_bytes(bytes)?)
    }

    /// 2·self, by affine formulas (one inversion).
    pub fn double(self) -> Self {
        self + self
    }

    /// k·self.
    #[allow(clippy::should_implement_trait)] // next to `mul_generator` and `multi_scalar`, a name reads better
    pub fn mul(self, k: Scalar) -> Self {
        Coset::from(self).mul(&k.limbs()).to_point()
    }

    /// k·G. The sequence of operations does not depend on k (the memory addresses do).
    pub fn mul_generator(k: Scalar) -> Self {
        table::mul_generator(k).to_point()
    }

    /// The coordinates of self + (0, 0): on the curve, not in the group. For tests that such points are
    /// refused. `None` for the neutral.
    pub fn outside_twin(self) -> Option<(Fp5, Fp5)> {
        // (x, y) + (0, 0) = (b/x, −by/x²).
        let x_inverse = self.x.try_inverse()?;
        let x = B * x_inverse;
        Some((x, -(x * self.y * x_inverse)))
    }

    /// The slope's numerator and denominator for self + other, or `Err(sum)` where there is no slope.
    #[inline]
    pub(super) fn slope(&self, other: &Self) -> Result<(Fp5, Fp5), Self> {
        if self.is_neutral() {
            return Err(*other);
        }
        if other.is_neutral() {
            return Err(*self);
        }
        let dx = other.x - self.x;
        if !dx.is_zero() {
            Ok((other.y - self.y, dx))
        } else if self.y == other.y {
            // y ≠ 0 in the group.
            let xx = square(self.x);
            Ok((double(xx + double(self.x)) + xx + B, double(self.y)))
        } else {
            Err(Self::NEUTRAL)
        }
    }

    /// The sum, given the slope of the line through both.
    #[inline]
    pub(super) fn add_with_slope(&self, other: &Self, slope: Fp5) -> Self {
        let mut x = square_minus(slope, self.x, other.x);
        x.0[0] -= F::TWO;
        Self { x, y: mul_minus(slope, self.x - x, self.y) }
    }
}

/// 40 bytes from w, as in [`Point::to_bytes`].
pub(crate) fn encoding_to_bytes(w: Fp5) -> [u8; POINT_BYTES] {
    limbs_to_bytes(to_canonical(w))
}

/// The five coefficients of w from 40 bytes, canonical but not yet known to be a point's.
///
/// # Errors
/// [`PointError::NotCanonical`].
pub(crate) fn encoding_from_bytes(bytes: &[u8; POINT_BYTES]) -> Result<Fp5, PointError> {
    let limbs = limbs_from_bytes(bytes);
    from_canonical(limbs).ok_or_else(|| PointError::NotCanonical {
        position: limbs.iter().take_while(|&&c| c < super::field::P).count(),
    })
}

impl Add for Point {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        match self.slope(&other) {
            Ok((numerator, denominator)) => self.add_with_slope(&other, mul(numerator, denominator.inverse())),
            Err(sum) => sum,
        }
    }
}

impl Neg for Point {
    type Output = Self;

    #[inline]
    fn neg(self) -> Self {
        if self.is_neutral() {
            self
        } else {
            Self { x: self.x, y: -self.y }
        }
    }
}

impl Sub for Point {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

#[cfg(test)]
mod tests;
