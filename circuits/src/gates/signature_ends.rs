//! The gate at both ends of a signature's chain: one row, from the encoded key to the chain's start, and
//! from the chain's end to the encoded R.
//!
//! # Statement
//!
//! With P = [`crate::curve::AUXILIARY`], for w_Q, w_R the encodings y/x of points:
//!
//! 1. Q, the point of w_Q, is in the group: Q = 2H with H on the curve.
//! 2. 3H and start = 2P + H are what they say.
//! 3. w_R encodes end − start, which is thus neither the neutral element nor the point of order two.
//! 4. Two elements h of the challenge's hash are the 64-bit integers whose upper and lower 32 bits the
//!    chain collected, below p.
//!
//! # Row
//!
//! ```text
//!   routed     w_Q 5 | H 10 | 3H 10 | start 10 | end 10 | w_R 5 | 2 × (h, upper 32 bits of h)
//!   not        4 slopes of 5: of 2H, 2H + H, 2P + H, end − start | 2 inverses
//! ```
//!
//! # Why this suffices
//!
//! The curve has 2n points, n an odd prime, so its doubles are the group of order n: no other membership
//! check is needed. Every Q of the group has two halves on the curve, one of them with the point of order
//! two, N = (0, 0), added. Either serves: all multiples of H that the chain adds are odd, its doubles
//! cancel N, so its end has N exactly if its start has, and the difference has none.
//!
//! w encodes one point of the group: y = wx with x ≠ 0, as x = 0 is N, which has order two. So w_Q = 0 (N
//! or the neutral element) and the encoding of no point fail here; Q + N has the encoding of −Q.
//!
//! Slopes are bound unless equal points are added. 2H ≠ H, since 3 does not divide 2n; y_H ≠ 0, since for
//! N the tangent's condition reads 0 = 263z. The other two sums involve 2P and 4P: see the argument in
//! [`crate::gates::signature`]. If end = start, then R would be neutral, the condition reads 0 = 2y,
//! which no point of the chain meets: such a signature is refused, natively too.
//!
//! # Challenge
//!
//! A chain's row collects bits as an element of F, from zero at the start of each half of e. After 8 rows
//! that is an integer u < 2^32; after 16, h = 2^32·u + l mod p with l < 2^32. The integer is below p
//! unless u = 2^32 − 1 and l ≠ 0. So l(1 − (u − (2^32 − 1))v) = 0, with a free v, says it is canonical.
//!
//! # Not checked here
//!
//! The additions between start and end ([`crate::gates::signature`]), what h is the hash of, and that the
//! wires are joined ([`crate::signature::circuit`]).

use plonky2::field::extension::Extendable;
use plonky2::field::goldilocks_field::GoldilocksField as F;
use plonky2::iop::generator::{SimpleGenerator, WitnessGeneratorRef};
use plonky2::util::serialization::{Buffer, IoResult};

use super::algebra::Algebra;
use super::custom::CustomGate;
use super::quintic::{self, Point, Quintic, DEGREE as COORDINATES};
use super::signature::tables::start_offset;

pub mod witness;

#[cfg(test)]
mod tests;

/// Elements of the hash that make e, each of 64 bits.
pub const CHALLENGE_ELEMENTS: usize = 2;
/// 2^32 − 1: the only upper half that a canonical element shares with one that is not.
const UPPER_MAX: F = F(0xffff_ffff);

const POINT_WIRES: usize = 2 * COORDINATES;

/// The slopes of the row, in the order of their wires.
#[derive(Clone, Copy, Debug)]
enum Line {
    /// H + H = Q
    Double,
    /// H + Q = 3H
    Triple,
    /// 2P + H = start
    Start,
    /// end − start = R
    End,
}
const LINES: usize = 4;

/// Both ends of a chain. The wires are named by its associated functions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignatureEndsGate;

impl SignatureEndsGate {
    /// The first of the wires of the key's encoding.
    pub const fn wires_key() -> usize {
        0
    }
    /// The first of the wires of the half key H.
    pub const fn wires_half_key() -> usize {
        COORDINATES
    }
    /// The first of the wires of 3H.
    pub const fn wires_triple_half_key() -> usize {
        Self::wires_half_key() + POINT_WIRES
    }
    /// The first of the wires of the chain's start.
    pub const fn wires_start() -> usize {
        Self::wires_triple_half_key() + POINT_WIRES
    }
    /// The first of the wires of the chain's end.
    pub const fn wires_end() -> usize {
        Self::wires_start() + POINT_WIRES
    }
    /// The first of the wires of the encoding of R.
    pub const fn wires_r() -> usize {
        Self::wires_end() + POINT_WIRES
    }
    /// An element of the challenge's hash.
    pub const fn wire_challenge(element: usize) -> usize {
        Self::wires_r() + COORDINATES + 2 * element
    }
    /// Its upper 32 bits.
    pub const fn wire_challenge_upper(element: usize) -> usize {
        Self::wire_challenge(element) + 1
    }

    const END_OF_ROUTED: usize = Self::wire_challenge(CHALLENGE_ELEMENTS);
    const INVERSES: usize = Self::END_OF_ROUTED + LINES * COORDINATES;
    const WIRES: usize = Self::INVERSES + CHALLENGE_ELEMENTS;

    const fn wires_slope(line: Line) -> usize {
        Self::END_OF_ROUTED + line as usize * COORDINATES
    }
    const fn wire_inverse(element: usize) -> usize {
        Self::INVERSES + element
    }
}

// What a standard configuration has.
const _: () = assert!(SignatureEndsGate::END_OF_ROUTED <= 80 && SignatureEndsGate::WIRES <= 135);

impl CustomGate for SignatureEndsGate {
    const NAME: &'static str = "SignatureEndsGate";
    const VERSION: u32 = 1;
    const DEGREE: usize = 3;

    fn parameters(&self) -> String {
        String::new()
    }

    fn num_wires(&self) -> usize {
        Self::WIRES
    }

    fn num_constraints(&self) -> usize {
        // H on the curve; four lines; two encodings; 3H and the start.
        let quintic = 1 + LINES + 2 + 2 * 2;
        quintic * COORDINATES + CHALLENGE_ELEMENTS
    }

    /// The key, the start, R, the challenge.
    #[inline(always)]
    fn constrain<A: Algebra>(
        &self,
        algebra: &mut A,
        wire: impl Fn(usize) -> A::Value,
        mut yield_constraint: impl FnMut(A::Value),
    ) {
        let element = |first: usize| -> Quintic<A::Value> { core::array::from_fn(|i| wire(first + i)) };
        let point = |first: usize| Point::from_wires(&wire, first);
        let slope = |line: Line| element(Self::wires_slope(line));
        let mut yield_all = |condition: Quintic<A::Value>| {
            condition.into_iter().for_each(&mut yield_constraint);
        };

        let half_key = point(Self::wires_half_key());
        yield_all(quintic::curve_equation(algebra, half_key));
        let (condition, key) = quintic::double(algebra, half_key, slope(Line::Double));
        yield_all(condition);
        yield_all(encoding(algebra, element(Self::wires_key()), key));

        let (condition, triple) = quintic::chord(algebra, half_key, key, slope(Line::Triple));
        yield_all(condition);
        let wired = point(Self::wires_triple_half_key());
        yield_all(quintic::sub(algebra, triple.x, wired.x));
        yield_all(quintic::sub(algebra, triple.y, wired.y));

        let offset = quintic::constant(algebra, &start_offset());
        let (condition, sum) = quintic::chord(algebra, offset, half_key, slope(Line::Start));
        yield_all(condition);
        let start = point(Self::wires_start());
        yield_all(quintic::sub(algebra, sum.x, start.x));
        yield_all(quintic::sub(algebra, sum.y, start.y));

        let end = point(Self::wires_end());
        let minus_start = quintic::negate(algebra, start);
        let (condition, r) = quintic::chord(algebra, end, minus_start, slope(Line::End));
        yield_all(condition);
        yield_all(encoding(algebra, element(Self::wires_r()), r));

        for i in 0..CHALLENGE_ELEMENTS {
            let challenge = wire(Self::wire_challenge(i));
            let upper = wire(Self::wire_challenge_upper(i));
            let inverse = wire(Self::wire_inverse(i));
            yield_constraint(beyond_modulus(algebra, challenge, upper, inverse));
        }
    }

    fn generators<const D: usize>(&self, row: usize) -> Vec<WitnessGeneratorRef<F, D>>
    where
        F: Extendable<D>,
    {
        vec![
            WitnessGeneratorRef::new(SimpleGenerator::<F, D>::adapter(witness::SignatureStartGenerator::new(row))),
            WitnessGeneratorRef::new(SimpleGenerator::<F, D>::adapter(witness::SignatureEndGenerator::new(row))),
        ]
    }

    fn serialize(&self, _: &mut Vec<u8>) -> IoResult<()> {
        Ok(())
    }

    fn deserialize(_: &mut Buffer) -> IoResult<Self> {
        Ok(Self)
    }
}

/// wx − y
#[inline(always)]
fn encoding<A: Algebra>(algebra: &mut A, w: Quintic<A::Value>, point: Point<A::Value>) -> Quintic<A::Value> {
    let product = quintic::mul(algebra, w, point.x);
    quintic::sub(algebra, product, point.y)
}

/// l(1 − (u − (2^32 − 1))v) with l = h − 2^32·u
#[inline(always)]
fn beyond_modulus<A: Algebra>(algebra: &mut A, challenge: A::Value, upper: A::Value, inverse: A::Value) -> A::Value {
    let lower = algebra.constant_mul_add(-F(1 << 32), upper, challenge);
    let max = algebra.constant(UPPER_MAX);
    let distance = algebra.sub(upper, max);
    let product = algebra.mul(distance, inverse);
    let one = algebra.constant(F(1));
    let is_max = algebra.sub(one, product);
    algebra.mul(lower, is_max)
}
