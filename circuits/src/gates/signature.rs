//! The gate that adds up a signature: two windows of the chain for sG + eQ to a row.
//!
//! # Statement
//!
//! Let H be a half of the public key (2H = Q), P = [`crate::curve::AUXILIARY`] a point whose logarithm nobody
//! knows, and for a window of bits s_{j,k} of s and a digit d ∈ {±1, ±3}
//!
//! ```text
//!   A ← 4A + T₀[s_{0,0}, s_{1,0}, s_{2,0}] + T₁[s_{0,1}, s_{1,1}, s_{2,1}] + dH
//!   T_k[b] = −3P + Σ_j b_j · 2^(128j + k) G
//! ```
//!
//! so each window takes two bits of each of three 128-bit blocks of s, and two bits u of e as the digit
//! d = 2u − 3. Over 64 windows the digits make Σ dᵢ4ⁱ = 2e − (2^128 − 1). A chain from A = 2P + H
//! therefore ends at
//!
//! ```text
//!   2P + sG + (2e − (2^128 − 1) + 2^128)H = 2P + sG + (2e + 1)H = (2P + H) + sG + eQ
//! ```
//!
//! The multiple of P is the chain's fixed point: 2 → 4 → 8 → 5 → 2 over the steps of a window. What is
//! left of the start, 2P + H, is subtracted at the end, in [`crate::gates::signature_ends`], which also
//! proves 2H = Q and makes 3H. s may be any integer below 2^384: R = sG + eQ says only that one exists.
//!
//! # Row
//!
//! ```text
//!   routed     acc in 10 | acc out 10 | H 10 | 3H 10 | e in, e out
//!   not        acc between the windows 10 | 2 × 5 slopes of 5 | 2 × (6 bits of s, sign, triple)
//!
//!   window     acc ──2·──▶ ──2·──▶ ──+T₀──▶ ──+T₁──▶ ──±H or ±3H──▶ acc
//! ```
//!
//! d = ±1 or ±3 by the bits sign (1: plus) and triple; u = 1 + sign − triple + 2 · sign · triple; and
//! e out = 16 · e in + 4u + u′. Only slopes and the point after each window are wires; the points in
//! between are substituted, which reaches degree 4 and not more: x has degree 2, 2, 3, 3, 3 after the five
//! steps, y has 3, 3, 4, 4, 4, a table's entry has 3.
//!
//! # Why incomplete formulas are safe
//!
//! A slope is bound by its condition unless a point is added to itself (see [`super::quintic::chord`]).
//! All accumulators but for signs are c·P + gG + hH with c ∈ {2, 4, 8, 5}, the table's entries −3P + g′G,
//! and dH has no P. So a step that adds equal points, adds opposite ones or doubles the neutral element
//! exhibits a relation c′·P + g″G + h″H = 0 with small c′ ≠ 0. For an honest key, whose logarithm to G
//! someone knows, that is the logarithm of P. Whoever publishes a key made from P to get such a relation
//! knows no logarithm of it, can sign nothing that the native verifier takes, and by forging endangers
//! that account alone. Hence no contract may use a signature as evidence against anyone but the
//! account's owner.
//!
//! That P never vanishes also makes the gate complete. A chain that ended at R itself would take its last
//! step without P, and a key's owner could make a signature that is natively valid but runs into an
//! exceptional case there (R = −Q, say): sealed into a batch, it would leave the batch without a proof. Here
//! every signature that the native verifier takes has a proof, unless its maker knows the logarithm of P.
//!
//! # Not checked here
//!
//! That the accumulator's start, H and 3H are what they should be, that both ends are joined to R, and
//! that the collected e is the canonical form of the hash: [`crate::gates::signature_ends`]. That rows
//! follow each other: [`crate::signature::circuit`], by copy constraints.

use plonky2::field::extension::Extendable;
use plonky2::field::goldilocks_field::GoldilocksField as F;
use plonky2::iop::generator::{SimpleGenerator, WitnessGeneratorRef};
use plonky2::util::serialization::{Buffer, IoResult};

use super::algebra::Algebra;
use super::custom::CustomGate;
use super::quintic::{self, Point, Quintic, DEGREE as COORDINATES};

pub mod tables;
pub mod witness;

#[cfg(test)]
mod tests;

/// Windows of a row.
pub const WINDOWS: usize = 2;
/// Bits of e that a window takes.
pub const CHALLENGE_BITS: usize = 2;
/// Blocks of s that a window takes bits from.
pub const SCALAR_BLOCKS: usize = 3;
/// Bits of a block of s, and of e.
pub const BLOCK_BITS: usize = 128;

/// Wires of a point, x then y.
const POINT_WIRES: usize = 2 * COORDINATES;
/// The steps of a window: two doubles, two additions from tables, one of the key.
const STEPS: usize = 5;
/// Bits of a window: those of s for both tables, sign, triple.
const WINDOW_BITS: usize = 2 * SCALAR_BLOCKS + 2;
/// Constraints of a window: its bits are bits, the slopes' conditions, the point after it.
const WINDOW_CONSTRAINTS: usize = WINDOW_BITS + STEPS * COORDINATES + POINT_WIRES;

/// Two windows of the chain. The wires are named by its associated functions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignatureGate;

impl SignatureGate {
    /// The first of the wires of the accumulator before `window`; with `window` = [`WINDOWS`], after the row.
    pub const fn wires_accumulator(window: usize) -> usize {
        match window {
            0 => 0,
            WINDOWS => POINT_WIRES,
            _ => Self::END_OF_ROUTED + (window - 1) * POINT_WIRES,
        }
    }

    /// The first of the wires of the half key H.
    pub const fn wires_half_key() -> usize {
        2 * POINT_WIRES
    }

    /// The first of the wires of 3H.
    pub const fn wires_triple_half_key() -> usize {
        3 * POINT_WIRES
    }

    /// The bits of e collected before the row.
    pub const fn wire_challenge_in() -> usize {
        4 * POINT_WIRES
    }

    /// The bits of e collected after it: those before, shifted by four, and its own.
    pub const fn wire_challenge_out() -> usize {
        4 * POINT_WIRES + 1
    }

    const END_OF_ROUTED: usize = 4 * POINT_WIRES + 2;
    const SLOPES: usize = Self::END_OF_ROUTED + (WINDOWS - 1) * POINT_WIRES;
    const BITS: usize = Self::SLOPES + WINDOWS * STEPS * COORDINATES;
    const WIRES: usize = Self::BITS + WINDOWS * WINDOW_BITS;

    /// The first of the wires of the slope of `step` in `window`.
    pub const fn wires_slope(window: usize, step: usize) -> usize {
        Self::SLOPES + (window * STEPS + step) * COORDINATES
    }

    /// The bit of s that `window` adds from `table` (0: the lower of its two) for `block`.
    pub const fn wire_scalar_bit(window: usize, table: usize, block: usize) -> usize {
        Self::BITS + window * WINDOW_BITS + table * SCALAR_BLOCKS + block
    }

    /// Whether `window` adds (1) or subtracts (0) a multiple of H.
    pub const fn wire_sign(window: usize) -> usize {
        Self::BITS + window * WINDOW_BITS + 2 * SCALAR_BLOCKS
    }

    /// Whether `window` adds 3H (1) or H (0), up to sign.
    pub const fn wire_triple(window: usize) -> usize {
        Self::wire_sign(window) + 1
    }
}

// What a standard configuration has.
const _: () = assert!(SignatureGate::END_OF_ROUTED <= 80 && SignatureGate::WIRES <= 135);

impl CustomGate for SignatureGate {
    const NAME: &'static str = "SignatureGate";
    const VERSION: u32 = 1;
    const DEGREE: usize = 4;

    fn parameters(&self) -> String {
        format!("{WINDOWS} windows")
    }

    fn num_wires(&self) -> usize {
        Self::WIRES
    }

    fn num_constraints(&self) -> usize {
        WINDOWS * WINDOW_CONSTRAINTS + 1
    }

    /// Of each window: its bits, its slopes in order, its last point; then the collected challenge.
    #[inline(always)]
    fn constrain<A: Algebra>(
        &self,
        algebra: &mut A,
        wire: impl Fn(usize) -> A::Value,
        mut yield_constraint: impl FnMut(A::Value),
    ) {
        let half_key = Point::from_wires(&wire, Self::wires_half_key());
        let triple_half_key = Point::from_wires(&wire, Self::wires_triple_half_key());
        let rise_to_triple = rise(algebra, half_key, triple_half_key);
        let mut challenge = wire(Self::wire_challenge_in());

        for window in 0..WINDOWS {
            for bit in 0..WINDOW_BITS {
                let bit = wire(Self::wire_scalar_bit(window, 0, 0) + bit);
                let square = algebra.mul(bit, bit);
                yield_constraint(algebra.sub(square, bit));
            }
            let sign = wire(Self::wire_sign(window));
            let triple = wire(Self::wire_triple(window));
            let slope = |step: usize| -> Quintic<A::Value> {
                core::array::from_fn(|i| wire(Self::wires_slope(window, step) + i))
            };
            let mut yield_all = |condition: Quintic<A::Value>| {
                condition.into_iter().for_each(&mut yield_constraint);
            };

            let mut point = Point::from_wires(&wire, Self::wires_accumulator(window));
            let mut condition;
            for step in 0..2 {
                (condition, point) = quintic::double(algebra, point, slope(step));
                yield_all(condition);
            }
            for table in 0..2 {
                let bits = core::array::from_fn(|block| wire(Self::wire_scalar_bit(window, table, block)));
                let entry = tables::entry(algebra, table, bits);
                (condition, point) = quintic::chord(algebra, point, entry, slope(2 + table));
                yield_all(condition);
            }
            let multiple = key_multiple(algebra, half_key, rise_to_triple, sign, triple);
            (condition, point) = quintic::chord(algebra, point, multiple, slope(4));
            yield_all(condition);

            let after = Point::from_wires(&wire, Self::wires_accumulator(window + 1));
            yield_all(quintic::sub(algebra, point.x, after.x));
            yield_all(quintic::sub(algebra, point.y, after.y));

            let digit = challenge_digit(algebra, sign, triple);
            challenge = algebra.scale_add(1 << CHALLENGE_BITS, challenge, digit);
        }
        yield_constraint(algebra.sub(challenge, wire(Self::wire_challenge_out())));
    }

    fn generators<const D: usize>(&self, row: usize) -> Vec<WitnessGeneratorRef<F, D>>
    where
        F: Extendable<D>,
    {
        let generator = witness::SignatureGenerator::new(row);
        vec![WitnessGeneratorRef::new(SimpleGenerator::<F, D>::adapter(generator))]
    }

    fn serialize(&self, _: &mut Vec<u8>) -> IoResult<()> {
        Ok(())
    }

    fn deserialize(_: &mut Buffer) -> IoResult<Self> {
        Ok(Self)
    }
}

/// 3H − H by coordinates.
#[inline(always)]
fn rise<A: Algebra>(algebra: &mut A, half_key: Point<A::Value>, triple_half_key: Point<A::Value>) -> Point<A::Value> {
    Point {
        x: quintic::sub(algebra, triple_half_key.x, half_key.x),
        y: quintic::sub(algebra, triple_half_key.y, half_key.y),
    }
}

/// ±H or ±3H; x of degree 2, y of degree 3.
#[inline(always)]
fn key_multiple<A: Algebra>(
    algebra: &mut A,
    half_key: Point<A::Value>,
    rise_to_triple: Point<A::Value>,
    sign: A::Value,
    triple: A::Value,
) -> Point<A::Value> {
    let x = quintic::scalar_mul_add(algebra, triple, rise_to_triple.x, half_key.x);
    let y = quintic::scalar_mul_add(algebra, triple, rise_to_triple.y, half_key.y);
    let one = algebra.constant(F(1));
    let twice_sign = algebra.add(sign, sign);
    let factor = algebra.sub(twice_sign, one);
    Point { x, y: core::array::from_fn(|i| algebra.mul(factor, y[i])) }
}

/// The two bits u of e for which d = 2u − 3 is the digit: 1 + sign − triple + 2 · sign · triple.
#[inline(always)]
fn challenge_digit<A: Algebra>(algebra: &mut A, sign: A::Value, triple: A::Value) -> A::Value {
    let one = algebra.constant(F(1));
    let linear = algebra.add(one, sign);
    let linear = algebra.sub(linear, triple);
    let product = algebra.mul(sign, triple);
    algebra.scale_add(2, product, linear)
}
