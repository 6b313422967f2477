//! Complete projective formulas, on the group's other coset.
//!
//! Adding N = (0, 0) moves the group to the points of the curve outside it. There, with the law
//! P ∗ Q = P + Q + N and in coordinates (x, u = x/y), written as fractions x = X/Z and u = U/T, the paper
//! has addition formulas without special cases (eprint 2022/274, section 4): 10 products, 8 if one side has
//! Z = T = 1, and 2 products with 5 squares for each of many doublings. N, (0, 0), is neutral.
//!
//! P = (x, y) of the group becomes P + N = (b/x, −by/x²): as fractions, X/Z = b/x and U/T = −x/y.

use plonky2::field::types::Field;

use super::field::{batch_invert, double, mul, mul_b, mul_z, square, Fp5, B, B1};
use super::point::Point;
use super::scalar::LIMBS;

/// An element of the group, as a point of the coset with fractional coordinates.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coset {
    x: Fp5,
    z: Fp5,
    u: Fp5,
    t: Fp5,
}

/// The same with both denominators 1: (x, u).
#[derive(Clone, Copy, Debug)]
pub(super) struct CosetAffine {
    x: Fp5,
    u: Fp5,
}

impl CosetAffine {
    /// The neutral element.
    pub(super) const NEUTRAL: Self = Self { x: Fp5::ZERO, u: Fp5::ZERO };

    /// The inverse element.
    #[inline]
    pub(super) fn neg(self) -> Self {
        Self { x: self.x, u: -self.u }
    }
}

/// Four times z's coefficient in b, and so on, where formulas scale b.
const B_2: u64 = 2 * B1;
const B_4: u64 = 4 * B1;
const B_16: u64 = 16 * B1;

impl Coset {
    /// The neutral element.
    pub(super) const NEUTRAL: Self = Self { x: Fp5::ZERO, z: Fp5::ONE, u: Fp5::ZERO, t: Fp5::ONE };

    /// self + other.
    #[inline]
    pub(super) fn add(&self, other: &Self) -> Self {
        let xx = mul(self.x, other.x);
        let zz = mul(self.z, other.z);
        let uu = mul(self.u, other.u);
        let tt = mul(self.t, other.t);
        let xz = mul(self.x + self.z, other.x + other.z) - xx - zz;
        let ut = mul(self.u + self.t, other.u + other.t) - uu - tt;
        Self::from_products(xx, zz, uu, tt, xz, ut)
    }

    /// self + other.
    #[inline]
    pub(super) fn add_affine(&self, other: &CosetAffine) -> Self {
        let xx = mul(self.x, other.x);
        let uu = mul(self.u, other.u);
        let xz = self.x + mul(other.x, self.z);
        let ut = self.u + mul(other.u, self.t);
        Self::from_products(xx, self.z, uu, self.t, xz, ut)
    }

    /// The sum from X₁X₂, Z₁Z₂, U₁U₂, T₁T₂, X₁Z₂ + X₂Z₁ and U₁T₂ + U₂T₁.
    #[inline(always)]
    fn from_products(xx: Fp5, zz: Fp5, uu: Fp5, tt: Fp5, xz: Fp5, ut: Fp5) -> Self {
        let b_zz = mul_b(zz);
        let t7 = xx + b_zz;
        let t8 = mul(tt, t7);
        let t9 = mul(uu, mul_z(xz, B_2) + double(t7));
        let t10 = mul(tt + double(uu), xz + t7);
        Self { x: mul_b(t10 - t8), z: t8 - t9, u: mul(ut, b_zz - xx), t: t8 + t9 }
    }

    /// The inverse element.
    #[inline]
    pub(super) fn neg(&self) -> Self {
        Self { u: -self.u, ..*self }
    }

    /// 2^n·self, n ≥ 1. The first doubling lands in the Jacobian coordinates of an isogenous curve,
    /// where doublings are cheaper, and the last comes back (eprint 2022/274, section 4.4).
    pub(super) fn double_times(&self, n: usize) -> Self {
        let t1 = mul(self.z, self.t);
        let t2 = mul(t1, self.t);
        let z1 = mul(t1, self.u);
        let w1 = t2 - mul(double(self.x + self.z), square(self.u));
        let ww = square(w1);
        let zz = square(z1);
        if n < 2 {
            let u = square(w1 + z1) - zz - ww;
            let t = double(square(t2)) - double(double(zz)) - ww;
            return Self { x: mul_z(zz, B_4), z: ww, u, t };
        }
        let mut x = mul_z(square(zz), B_16);
        let mut w = double(square(t2)) - double(double(zz)) - ww;
        let mut z = square(w1 + z1) - ww - zz;
        for _ in 2..n {
            let z2 = square(z);
            let z4 = square(z2);
            let w2 = square(w);
            let w4 = square(w2);
            let wz = square(w + z) - z2 - w2;
            z = mul(wz, double(x + z2) - w2);
            x = mul_z(mul(z4, w4), B_16);
            w = double(double(z4 - mul_b(z4))) - w4;
        }
        let w2 = square(w);
        let z2 = square(z);
        let wz = square(w + z) - w2 - z2;
        let w1 = w2 - double(x + z2);
        let z_out = square(w1);
        Self { x: mul_b(square(wz)), z: z_out, u: mul(wz, w1), t: mul(double(w2), w2 - double(z2)) - z_out }
    }

    /// k·self, k below 2^320, little-endian limbs: a sliding window over signed odd digits below 2^4.
    pub(super) fn mul(&self, k: &[u64]) -> Self {
        let twice = self.double_times(1);
        let mut odd = [*self; 1 << (WINDOW - 2)];
        for i in 1..odd.len() {
            odd[i] = odd[i - 1].add(&twice);
        }
        let digits = odd_digits(k);
        let mut sum = Self::NEUTRAL;
        let mut pending = 0;
        for &digit in digits.iter().rev().skip_while(|&&d| d == 0) {
            pending += 1;
            if digit != 0 {
                let multiple = odd[usize::from(digit.unsigned_abs() / 2)];
                sum = sum.double_times(pending);
                sum = sum.add(&if digit < 0 { multiple.neg() } else { multiple });
                pending = 0;
            }
        }
        if pending > 0 {
            sum = sum.double_times(pending);
        }
        sum
    }

    /// Whether this is the neutral element.
    pub(super) fn is_neutral(&self) -> bool {
        self.u.is_zero()
    }

    /// Whether this is a point other than the neutral with encoding w, without an inversion.
    pub(super) fn has_encoding(&self, w: Fp5) -> bool {
        // w = y/x = −T/U.
        !self.is_neutral() && mul(w, self.u) == -self.t
    }

    /// Back to the group's own affine coordinates, at the cost of an inversion.
    pub(super) fn to_point(self) -> Point {
        let Some(inverse) = (self.x * self.u).try_inverse() else {
            return Point::NEUTRAL;
        };
        let x = mul_b(self.z * self.u) * inverse;
        Point { x, y: -(x * self.t * self.x * inverse) }
    }

    /// Makes all denominators 1 with one inversion.
    pub(super) fn normalize(points: &[Self]) -> Vec<CosetAffine> {
        let mut inverses: Vec<Fp5> = points.iter().map(|p| p.z * p.t).collect();
        batch_invert(&mut inverses, &mut Vec::new());
        let scale = |(p, zt): (&Self, Fp5)| CosetAffine { x: p.x * p.t * zt, u: p.u * p.z * zt };
        points.iter().zip(inverses).map(scale).collect()
    }
}

impl From<Point> for Coset {
    fn from(p: Point) -> Self {
        if p.is_neutral() {
            Self::NEUTRAL
        } else {
            Self { x: B, z: p.x, u: -p.x, t: p.y }
        }
    }
}

/// Width of the window in [`Coset::mul`], in bits, the sign included.
const WINDOW: u32 = 5;

/// k as Σ dᵢ2ⁱ with each dᵢ zero or odd and below 2^(WINDOW−1) in magnitude (non-adjacent form).
fn odd_digits(k: &[u64]) -> [i8; 64 * LIMBS + 1] {
    const SIZE: u64 = 1 << WINDOW;
    let mut digits = [0; 64 * LIMBS + 1];
    let bits = 64 * k.len();
    let window_at = |i: usize| {
        let (limb, shift) = (i / 64, i % 64);
        let low = k.get(limb).map_or(0, |l| l >> shift);
        let high = if shift == 0 { 0 } else { k.get(limb + 1).map_or(0, |l| l << (64 - shift)) };
        (low | high) % SIZE
    };
    let (mut i, mut carry) = (0, 0);
    while i <= bits {
        let window = window_at(i) + carry;
        if window % 2 == 0 {
            i += 1;
            continue;
        }
        carry = u64::from(window > SIZE / 2);
        digits[i] = (window as i64 - (carry * SIZE) as i64) as i8;
        i += WINDOW as usize;
    }
    digits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::point::GENERATOR;
    use super::super::scalar::Scalar;
    use super::*;

    #[test]
    fn formulas_have_no_special_cases() {
        let g = Coset::from(GENERATOR);
        let n = Coset::NEUTRAL;
        assert!(n.add(&n).is_neutral());
        assert!(n.add_affine(&CosetAffine::NEUTRAL).is_neutral());
        assert!(g.add(&g.neg()).is_neutral());
        assert_eq!(g.add(&n).to_point(), GENERATOR);
        assert_eq!(g.add_affine(&CosetAffine::NEUTRAL).to_point(), GENERATOR);
        assert_eq!(g.add(&g).to_point(), GENERATOR.double());
        for times in 1..5 {
            assert!(n.double_times(times).is_neutral());
        }
    }

    #[test]
    fn repeated_doubling_is_doubling_repeated() {
        let mut expected = GENERATOR;
        for times in 1..40 {
            expected = expected.double();
            assert_eq!(Coset::from(GENERATOR).double_times(times).to_point(), expected);
        }
    }

    proptest! {
        #[test]
        fn affine_and_projective_sums_agree(a in any::<u64>(), b in any::<u64>()) {
            let [p, q] = [a, b].map(|k| GENERATOR.mul(Scalar::from(k)));
            let affine = Coset::normalize(&[Coset::from(q).add(&Coset::NEUTRAL)])[0];
            prop_assert_eq!(Coset::from(p).add(&Coset::from(q)).to_point(), p + q);
            prop_assert_eq!(Coset::from(p).add_affine(&affine).to_point(), p + q);
            prop_assert_eq!(Coset::from(p).add_affine(&affine.neg()).to_point(), p - q);
        }

        #[test]
        fn digits_add_up(k in any::<u128>()) {
            let digits = odd_digits(&[k as u64, (k >> 64) as u64]);
            let sum = digits.iter().rev().fold(0u128, |sum, &d| sum.wrapping_mul(2).wrapping_add(d as u128));
            prop_assert_eq!(sum, k);
            prop_assert!(digits.iter().all(|d| *d == 0 || d % 2 != 0 && d.abs() < 16));
        }
    }
}
