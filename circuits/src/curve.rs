//! The elliptic curve group of Sheaf's signatures: ecGFp5 (Pornin, eprint 2022/274).
//!
//! The curve is y² = x(x² + 2x + 263z) over GF(p⁵) = F\[z\]/(z⁵ − 3), F the Goldilocks field. It has 2n
//! points, n an odd prime of 319 bits ([`scalar`]). *The group* here is the subgroup of order n: the
//! neutral, and the points whose x is a nonzero square. In short Weierstrass form (x shifted by 2/3) that
//! is "x − 2/3 is a square", as the paper puts it. Being on the curve is not being in the group: adding
//! the point of order two, (0, 0), to a point of the group leaves the group and stays on the curve.
//!
//! Encoding: a point other than the neutral is the field element w = y/x, five elements of F. Dividing the
//! curve equation by x gives x² + (2 − w²)x + 263z = 0; the product of its roots, 263z, is not a square,
//! so exactly one root is, and w names exactly one point of the group. The paper keeps the other root and
//! works in the other coset of (0, 0); P ↦ −(P + (0, 0)) maps one group onto the other and keeps w, so
//! encodings, and sums of encodings, are the same bytes as in other ecGFp5 libraries.
//!
//! ```text
//!   field    GF(p⁵): squares, square roots, batch inversion
//!   scalar   integers mod n
//!   point    affine points, encoding            ◀── what the rest of the crate uses
//!   coset    complete projective formulas       ◀── one multiplication
//!   table    multiples of the generator
//!   msm      sums of many multiplications       ◀── batches
//! ```
//!
//! Timing depends on values throughout: verification has no secrets, and signing belongs on a machine
//! that its user trusts. [`Point::mul_generator`] still does the same operations for every scalar.

mod coset;
pub mod field;
mod msm;
pub mod point;
pub mod scalar;
mod table;

pub use msm::multi_scalar;
pub(crate) use msm::{sum_of_multiples, Term};
pub use point::{Point, PointError, AUXILIARY, GENERATOR};
pub use scalar::{Scalar, ScalarError};
pub(crate) use table::combination_has_encoding;
