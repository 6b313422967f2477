//! GF(p^5) = F[z]/(z⁵ − 3) and the curve's chords and tangents, over any [`Algebra`].
//!
//! The curve is ecGFp5, y² = x(x² + 2x + 263z) (Pornin, eprint 2022/274). Points here are affine. The
//! formulas are incomplete: a slope λ is a witness with one linear condition, which does not bind it when
//! both sides vanish. Each user says why that cannot happen.

use plonky2::field::goldilocks_field::GoldilocksField as F;

use super::affine::Affine;
use super::algebra::Algebra;

/// How many coordinates over F an element of GF(p^5) has.
pub const DEGREE: usize = 5;

/// z⁵
const NON_RESIDUE: u32 = 3;
/// The curve's b = 263z, as its coordinate at [`B_COORDINATE`].
const B: F = F(263);
const B_COORDINATE: usize = 1;

/// An element of GF(p^5), coordinates from 1 to z⁴.
pub type Quintic<V> = [V; DEGREE];

/// An affine point.
#[derive(Clone, Copy, Debug)]
pub struct Point<V> {
    /// x
    pub x: Quintic<V>,
    /// y
    pub y: Quintic<V>,
}

impl<V> Point<V> {
    /// The point on a row's wires from `first`: x, then y.
    #[inline(always)]
    pub fn from_wires(wire: impl Fn(usize) -> V, first: usize) -> Self {
        Self { x: core::array::from_fn(|i| wire(first + i)), y: core::array::from_fn(|i| wire(first + DEGREE + i)) }
    }
}

/// a + b
#[inline(always)]
pub fn add<A: Algebra>(algebra: &mut A, a: Quintic<A::Value>, b: Quintic<A::Value>) -> Quintic<A::Value> {
    core::array::from_fn(|i| algebra.add(a[i], b[i]))
}

/// a − b
#[inline(always)]
pub fn sub<A: Algebra>(algebra: &mut A, a: Quintic<A::Value>, b: Quintic<A::Value>) -> Quintic<A::Value> {
    core::array::from_fn(|i| algebra.sub(a[i], b[i]))
}

/// c · a + b, with c in the base field
#[inline(always)]
pub fn scalar_mul_add<A: Algebra>(
    algebra: &mut A,
    c: A::Value,
    a: Quintic<A::Value>,
    b: Quintic<A::Value>,
) -> Quintic<A::Value> {
    core::array::from_fn(|i| algebra.mul_add(c, a[i], 1, b[i]))
}

/// a · b
#[inline(always)]
pub fn mul<A: Algebra>(algebra: &mut A, a: Quintic<A::Value>, b: Quintic<A::Value>) -> Quintic<A::Value> {
    core::array::from_fn(|k| {
        // The coefficient of z^(k+5), which folds onto z^k.
        let mut folded = None;
        for i in k + 1..DEGREE {
            let j = k + DEGREE - i;
            folded = Some(match folded {
                None => algebra.mul(a[i], b[j]),
                Some(sum) => algebra.mul_add(a[i], b[j], 1, sum),
            });
        }
        let first = match folded {
            None => algebra.mul(a[0], b[k]),
            Some(sum) => algebra.mul_add(a[0], b[k], NON_RESIDUE, sum),
        };
        (1..=k).fold(first, |sum, i| algebra.mul_add(a[i], b[k - i], 1, sum))
    })
}

/// a², in 15 products of coordinates instead of 25
#[inline(always)]
pub fn square<A: Algebra>(algebra: &mut A, a: Quintic<A::Value>) -> Quintic<A::Value> {
    let twice: [A::Value; DEGREE - 1] = core::array::from_fn(|i| algebra.add(a[i], a[i]));
    // Each unordered pair of coordinates once.
    let factor = |i: usize, j: usize| if i < j { twice[i] } else { a[i] };
    core::array::from_fn(|k| {
        let mut folded = None;
        for i in k + 1..DEGREE {
            let j = k + DEGREE - i;
            if i > j {
                break;
            }
            folded = Some(match folded {
                None => algebra.mul(factor(i, j), a[j]),
                Some(sum) => algebra.mul_add(factor(i, j), a[j], 1, sum),
            });
        }
        let first = match folded {
            None => algebra.mul(factor(0, k), a[k]),
            Some(sum) => algebra.mul_add(factor(0, k), a[k], NON_RESIDUE, sum),
        };
        (1..=k / 2).fold(first, |sum, i| algebra.mul_add(factor(i, k - i), a[k - i], 1, sum))
    })
}

/// y² − x(x² + 2x + 263z), zero on the curve. Degree 3 in the coordinates.
#[inline(always)]
pub fn curve_equation<A: Algebra>(algebra: &mut A, point: Point<A::Value>) -> Quintic<A::Value> {
    let Point { x, y } = point;
    let mut quadratic = square(algebra, x);
    quadratic = core::array::from_fn(|i| algebra.scale_add(2, x[i], quadratic[i]));
    quadratic[B_COORDINATE] = add_constant(algebra, quadratic[B_COORDINATE], B);
    let right = mul(algebra, x, quadratic);
    let left = square(algebra, y);
    sub(algebra, left, right)
}

/// The line's condition and the sum, for a double by the tangent of slope λ.
///
/// Condition: 2λy − (3x² + 4x + 263z) = 0. Degrees, with x and y of degree d and e ≥ d: the condition
/// max(1 + e, 2d), the sum's x max(2, d), its y max(3, 1 + d, e).
#[inline(always)]
pub fn double<A: Algebra>(
    algebra: &mut A,
    point: Point<A::Value>,
    slope: Quintic<A::Value>,
) -> (Quintic<A::Value>, Point<A::Value>) {
    let Point { x, y } = point;
    let slope_y = mul(algebra, slope, y);
    let mut derivative = square(algebra, x);
    derivative = core::array::from_fn(|i| {
        let three_squares = algebra.add(derivative[i], derivative[i]);
        let three_squares = algebra.add(three_squares, derivative[i]);
        algebra.scale_add(4, x[i], three_squares)
    });
    derivative[B_COORDINATE] = add_constant(algebra, derivative[B_COORDINATE], B);
    let condition = core::array::from_fn(|i| {
        let twice = algebra.add(slope_y[i], slope_y[i]);
        algebra.sub(twice, derivative[i])
    });
    (condition, third_point(algebra, point, x, slope))
}

/// The line's condition and the sum, for `base` + `other` by the chord of slope λ.
///
/// Condition: λ(x₂ − x₁) − (y₂ − y₁) = 0. It binds λ if x₁ ≠ x₂; if the points are opposite it cannot
/// hold; if they are equal it does not bind λ, and the sum is then any point on a line through them.
/// Degrees, with `base` of degrees d and e, and `other` of d′ and e′: the condition
/// max(1 + d, 1 + d′, e, e′), the sum's x max(2, d, d′), its y max(3, 1 + d, 1 + d′, e).
#[inline(always)]
pub fn chord<A: Algebra>(
    algebra: &mut A,
    base: Point<A::Value>,
    other: Point<A::Value>,
    slope: Quintic<A::Value>,
) -> (Quintic<A::Value>, Point<A::Value>) {
    let run = sub(algebra, other.x, base.x);
    let rise = sub(algebra, other.y, base.y);
    let slope_run = mul(algebra, slope, run);
    let condition = sub(algebra, slope_run, rise);
    (condition, third_point(algebra, base, other.x, slope))
}

/// x₃ = λ² − 2 − x₁ − x₂, y₃ = λ(x₁ − x₃) − y₁
#[inline(always)]
fn third_point<A: Algebra>(
    algebra: &mut A,
    base: Point<A::Value>,
    other_x: Quintic<A::Value>,
    slope: Quintic<A::Value>,
) -> Point<A::Value> {
    let x_sum = add(algebra, base.x, other_x);
    let slope_squared = square(algebra, slope);
    let mut x = sub(algebra, slope_squared, x_sum);
    x[0] = add_constant(algebra, x[0], -F(2));
    let run = sub(algebra, base.x, x);
    let slope_run = mul(algebra, slope, run);
    let y = sub(algebra, slope_run, base.y);
    Point { x, y }
}

/// A fixed point.
#[inline(always)]
pub fn constant<A: Algebra>(algebra: &mut A, point: &Affine) -> Point<A::Value> {
    Point {
        x: core::array::from_fn(|i| algebra.constant(point.x.0[i])),
        y: core::array::from_fn(|i| algebra.constant(point.y.0[i])),
    }
}

/// −P
#[inline(always)]
pub fn negate<A: Algebra>(algebra: &mut A, point: Point<A::Value>) -> Point<A::Value> {
    let zero = algebra.constant(F(0));
    Point { x: point.x, y: core::array::from_fn(|i| algebra.sub(zero, point.y[i])) }
}

#[inline(always)]
fn add_constant<A: Algebra>(algebra: &mut A, a: A::Value, constant: F) -> A::Value {
    let constant = algebra.constant(constant);
    algebra.add(a, constant)
}
