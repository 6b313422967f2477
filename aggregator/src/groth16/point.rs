//! Points of BN254's two groups as coordinates: 2 elements of the base field q for G1, 4 for G2 (x.c0, x.c1, y.c0, y.c1).
//! All 0 is the point at infinity, which lies on neither curve's equation.

use std::io::{self, Read, Write};

use ark_bn254::{g1, g2, Fq, Fq2};
use ark_ec::short_weierstrass::Affine;
use ark_ec::AffineRepr;
use ark_ff::{AdditiveGroup, BigInt, PrimeField};
use rayon::prelude::*;
use thiserror::Error;

/// Bytes of a coordinate.
pub(super) const COORDINATE_BYTES: usize = 32;
/// Points that are read or written at once: some megabytes.
const BLOCK: usize = 1 << 16;

/// Why bytes are no point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PointProblem {
    /// Such a number has another encoding below q.
    #[error("a coordinate is not below the base field's modulus")]
    NotCanonical,
    /// The equation does not hold.
    #[error("not on the curve")]
    NotOnCurve,
    /// G2's curve has other points too.
    #[error("on the curve, but not in the group of order r")]
    NotInGroup,
}

/// A point of G1 or G2.
pub(super) trait Point: Copy + Send + Sync + PartialEq {
    /// How many coordinates.
    const COORDINATES: usize;
    /// How many bytes.
    const BYTES: usize = Self::COORDINATES * COORDINATE_BYTES;

    /// No check.
    fn from_coordinates(coordinates: &[Fq]) -> Self;

    /// Those beyond [`Self::COORDINATES`] are 0.
    fn coordinates(&self) -> [Fq; 4];

    /// On the curve and in the group of order r, or infinity.
    fn check(self) -> Result<Self, PointProblem>;
}

impl Point for Affine<g1::Config> {
    const COORDINATES: usize = 2;

    fn from_coordinates(coordinates: &[Fq]) -> Self {
        if coordinates.iter().all(|c| *c == Fq::ZERO) {
            return Self::zero();
        }
        Self::new_unchecked(coordinates[0], coordinates[1])
    }

    fn coordinates(&self) -> [Fq; 4] {
        let (x, y) = self.xy().unwrap_or_default();
        [x, y, Fq::ZERO, Fq::ZERO]
    }

    /// The curve has r points, so all of them are in the group.
    fn check(self) -> Result<Self, PointProblem> {
        self.is_on_curve().then_some(self).ok_or(PointProblem::NotOnCurve)
    }
}

impl Point for Affine<g2::Config> {
    const COORDINATES: usize = 4;

    fn from_coordinates(coordinates: &[Fq]) -> Self {
        if coordinates.iter().all(|c| *c == Fq::ZERO) {
            return Self::zero();
        }
        let element = |at: usize| Fq2::new(coordinates[at], coordinates[at + 1]);
        Self::new_unchecked(element(0), element(2))
    }

    fn coordinates(&self) -> [Fq; 4] {
        let (x, y) = self.xy().unwrap_or_default();
        [x.c0, x.c1, y.c0, y.c1]
    }

    fn check(self) -> Result<Self, PointProblem> {
        match self {
            _ if !self.is_on_curve() => Err(PointProblem::NotOnCurve),
            _ if !self.is_in_correct_subgroup_assuming_on_curve() => Err(PointProblem::NotInGroup),
            point => Ok(point),
        }
    }
}

/// An element below the modulus from its Montgomery form, little-endian: what snarkjs writes, and what memory holds, so that
/// reading costs a comparison.
fn from_montgomery(bytes: &[u8]) -> Result<Fq, PointProblem> {
    let mut limbs = [0; 4];
    for (limb, bytes) in limbs.iter_mut().zip(bytes.chunks_exact(8)) {
        *limb = u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
    }
    let number = BigInt(limbs);
    (number < Fq::MODULUS).then(|| Fq::new_unchecked(number)).ok_or(PointProblem::NotCanonical)
}

/// A point of [`Point::BYTES`] bytes: coordinates in Montgomery form, little-endian. Not checked to be on the curve.
pub(super) fn decode<P: Point>(bytes: &[u8]) -> Result<P, PointProblem> {
    let mut coordinates = [Fq::ZERO; 4];
    for (coordinate, bytes) in coordinates.iter_mut().zip(bytes.chunks_exact(COORDINATE_BYTES)) {
        *coordinate = from_montgomery(bytes)?;
    }
    Ok(P::from_coordinates(&coordinates[..P::COORDINATES]))
}

/// What [`decode`] reads.
pub(super) fn encode<P: Point>(point: &P, bytes: &mut [u8]) {
    let limbs = point.coordinates().into_iter().flat_map(|coordinate| coordinate.0 .0);
    for (limb, bytes) in limbs.zip(bytes.chunks_exact_mut(8)) {
        bytes.copy_from_slice(&limb.to_le_bytes());
    }
}

/// A failure at a point of a list.
#[derive(Debug)]
pub(super) enum ReadError {
    Io(io::Error),
    Point { index: usize, problem: PointProblem },
}

/// Reads `count` points, in blocks and on all cores. The caller knows that the input has that many bytes.
pub(super) fn read<P: Point>(input: &mut impl Read, count: usize, check: bool) -> Result<Vec<P>, ReadError> {
    let mut points = Vec::with_capacity(count);
    let mut bytes = vec![0; BLOCK.min(count) * P::BYTES];
    while points.len() < count {
        let bytes = &mut bytes[..BLOCK.min(count - points.len()) * P::BYTES];
        input.read_exact(bytes).map_err(ReadError::Io)?;
        let start = points.len();
        points.resize(start + bytes.len() / P::BYTES, P::from_coordinates(&[Fq::ZERO; 4]));
        let block = points[start..].par_iter_mut().zip(bytes.par_chunks_exact(P::BYTES)).enumerate();
        block.with_min_len(1 << 8).try_for_each(|(index, (point, bytes))| {
            *point = decode(bytes)
                .and_then(|point: P| if check { point.check() } else { Ok(point) })
                .map_err(|problem| ReadError::Point { index: start + index, problem })?;
            Ok(())
        })?;
    }
    Ok(points)
}

/// Writes what [`read`] reads.
pub(super) fn write<P: Point>(out: &mut impl Write, points: &[P]) -> io::Result<()> {
    let mut bytes = vec![0; BLOCK.min(points.len()) * P::BYTES];
    for block in points.chunks(BLOCK) {
        let bytes = &mut bytes[..block.len() * P::BYTES];
        bytes.par_chunks_exact_mut(P::BYTES).zip(block).with_min_len(1 << 8).for_each(|(bytes, p)| encode(p, bytes));
        out.write_all(bytes)?;
    }
    Ok(())
}
