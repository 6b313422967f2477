//! GF(p^5) = F\[z\]/(z⁵ − 3) and the curve's chords and tangents, over any [`Algebra`].
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
        let low = (0..=k).map(|i| (a[i], b[k - i]));
        let folded = (k + 1..DEGREE).map(|i| (a[i], b[k + DEGREE - i]));
        coefficient(algebra, low, folded)
    })
}

/// a², in 15 products of coordinates instead of 25
#[inline(always)]
pub fn square<A: Algebra>(algebra: &mut A, a: Quintic<A::Value>) -> Quintic<A::Value> {
    let twice = a.map(|a| algebra.add(a, a));
    // Each unordered pair of coordinates once.
    let factor = |i: usize, j: usize| if i < j { twice[i] } else { a[i] };
    core::array::from_fn(|k| {
        let low = (0..=k / 2).map(|i| (factor(i, k - i), a[k - i]));
        let folded = (k + 1..=(k + DEGREE) / 2).map(|i| (factor(i, k + DEGREE - i), a[k + DEGREE - i]));
        coefficient(algebra, low, folded)
    })
}

/// The coefficient of z^k, from the pairs whose products belong to z^k and those of z^(k + 5) = 3z^k.
#[inline(always)]
fn coefficient<A: Algebra>(
    algebra: &mut A,
    mut low: impl Iterator<Item = (A::Value, A::Value)>,
    mut folded: impl Iterator<Item = (A::Value, A::Value)>,
) -> A::Value {
    let (a, b) = low.next().expect("there is always a product of z^k");
    let first = match folded.next() {
        None => algebra.mul(a, b),
        Some((c, d)) => {
            let start = algebra.mul(c, d);
            let folded = folded.fold(start, |sum, (c, d)| algebra.mul_add(c, d, 1, sum));
            algebra.mul_add(a, b, NON_RESIDUE, folded)
        }
    };
    low.fold(first, |sum, (a, b)| algebra.mul_add(a, b, 1, sum))
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

#[cfg(test)]
mod tests {
    use plonky2::field::types::{Field, Sample};

    use super::super::algebra::Packed;
    use super::*;
    use crate::curve::field::Fp5;
    use crate::curve::{AUXILIARY, GENERATOR};

    #[test]
    fn products_and_squares_are_those_of_the_field() {
        let mut field = Packed::<F>::new();
        for _ in 0..100 {
            let (a, b) = (Fp5::rand(), Fp5::rand());
            assert_eq!(mul(&mut field, a.0, b.0), (a * b).0);
            assert_eq!(square(&mut field, a.0), (a * a).0);
        }
    }

    #[test]
    fn chords_and_tangents_are_those_of_the_curve() {
        let mut field = Packed::<F>::new();
        let (p, q) = (Affine::from(GENERATOR), Affine::from(AUXILIARY));
        let (base, other) = (constant(&mut field, &p), constant(&mut field, &q));
        assert!(curve_equation(&mut field, base).iter().all(Field::is_zero));

        let (condition, sum) = chord(&mut field, base, other, p.chord(&q).unwrap().0 .0);
        assert!(condition.iter().all(Field::is_zero));
        assert_eq!(Affine::from(sum), (GENERATOR + AUXILIARY).into());
        let (condition, twice) = double(&mut field, base, p.double().unwrap().0 .0);
        assert!(condition.iter().all(Field::is_zero));
        assert_eq!(Affine::from(twice), GENERATOR.double().into());
    }
}
