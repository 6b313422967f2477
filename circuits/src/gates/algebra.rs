//! The arithmetic in which a custom gate writes its constraints: once, evaluated three ways.
//!
//! plonky2 evaluates a gate's constraints over packed base field elements (the prover, at every point of
//! the quotient's domain), over the extension field (the native verifier, at one point) and over targets
//! of the extension field (the recursive verifier). The three must agree. Here they are one generic
//! function over [`Algebra`], so that they cannot drift apart; the compiler specialises it for each, so
//! the prover pays nothing for it.

use core::marker::PhantomData;

use plonky2::field::extension::{Extendable, FieldExtension};
use plonky2::field::goldilocks_field::GoldilocksField as F;
use plonky2::field::packed::PackedField;
use plonky2::iop::ext_target::ExtensionTarget;
use plonky2::plonk::circuit_builder::CircuitBuilder;

/// Ring operations on the values a gate's constraints are evaluated over.
///
/// `&mut self` is for the recursive verifier, where each operation adds to a circuit.
pub trait Algebra {
    /// A value of a wire, or anything computed from wires.
    type Value: Copy;

    /// A constant of the base field.
    fn constant(&mut self, constant: F) -> Self::Value;
    /// `a + b`
    fn add(&mut self, a: Self::Value, b: Self::Value) -> Self::Value;
    /// `a − b`
    fn sub(&mut self, a: Self::Value, b: Self::Value) -> Self::Value;
    /// `a · b`
    fn mul(&mut self, a: Self::Value, b: Self::Value) -> Self::Value;
    /// `a · b + k · c`, for a small constant `k`.
    fn mul_add(&mut self, a: Self::Value, b: Self::Value, k: u32, c: Self::Value) -> Self::Value;
    /// `k · a + b`, for a small constant `k`.
    fn scale_add(&mut self, k: u32, a: Self::Value, b: Self::Value) -> Self::Value;
    /// `c · a + b`, for a constant `c` of the base field that many gates of a circuit would share.
    fn constant_mul_add(&mut self, c: F, a: Self::Value, b: Self::Value) -> Self::Value;
}

/// `k · a` by additions, which are cheaper than a multiplication when packed.
#[inline(always)]
fn small_multiple<V: Copy + core::ops::Add<Output = V>>(k: u32, a: V) -> Option<V> {
    match k {
        1 => Some(a),
        2 => Some(a + a),
        3 => Some(a + a + a),
        4 => {
            let double = a + a;
            Some(double + double)
        }
        _ => None,
    }
}

/// Packed base field values: the prover.
pub struct Packed<P>(PhantomData<P>);

impl<P> Packed<P> {
    /// The algebra; it has no state.
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<P> Default for Packed<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: PackedField<Scalar = F>> Algebra for Packed<P> {
    type Value = P;

    #[inline(always)]
    fn constant(&mut self, constant: F) -> P {
        constant.into()
    }
    #[inline(always)]
    fn add(&mut self, a: P, b: P) -> P {
        a + b
    }
    #[inline(always)]
    fn sub(&mut self, a: P, b: P) -> P {
        a - b
    }
    #[inline(always)]
    fn mul(&mut self, a: P, b: P) -> P {
        a * b
    }
    #[inline(always)]
    fn mul_add(&mut self, a: P, b: P, k: u32, c: P) -> P {
        self.scale_add(k, c, a * b)
    }
    #[inline(always)]
    fn scale_add(&mut self, k: u32, a: P, b: P) -> P {
        small_multiple(k, a).unwrap_or_else(|| a * F(u64::from(k))) + b
    }
    #[inline(always)]
    fn constant_mul_add(&mut self, c: F, a: P, b: P) -> P {
        a * c + b
    }
}

/// Extension field values: the native verifier.
pub struct Extension<const D: usize>;

impl<const D: usize> Algebra for Extension<D>
where
    F: Extendable<D>,
{
    type Value = <F as Extendable<D>>::Extension;

    fn constant(&mut self, constant: F) -> Self::Value {
        constant.into()
    }
    fn add(&mut self, a: Self::Value, b: Self::Value) -> Self::Value {
        a + b
    }
    fn sub(&mut self, a: Self::Value, b: Self::Value) -> Self::Value {
        a - b
    }
    fn mul(&mut self, a: Self::Value, b: Self::Value) -> Self::Value {
        a * b
    }
    fn mul_add(&mut self, a: Self::Value, b: Self::Value, k: u32, c: Self::Value) -> Self::Value {
        a * b + c.scalar_mul(F(u64::from(k)))
    }
    fn scale_add(&mut self, k: u32, a: Self::Value, b: Self::Value) -> Self::Value {
        a.scalar_mul(F(u64::from(k))) + b
    }
    fn constant_mul_add(&mut self, c: F, a: Self::Value, b: Self::Value) -> Self::Value {
        a.scalar_mul(c) + b
    }
}

/// Targets of the extension field: the recursive verifier.
pub struct Recursive<'a, const D: usize>(
    /// The verifying circuit.
    pub &'a mut CircuitBuilder<F, D>,
)
where
    F: Extendable<D>;

impl<const D: usize> Algebra for Recursive<'_, D>
where
    F: Extendable<D>,
{
    type Value = ExtensionTarget<D>;

    fn constant(&mut self, constant: F) -> Self::Value {
        self.0.constant_extension(constant.into())
    }
    fn add(&mut self, a: Self::Value, b: Self::Value) -> Self::Value {
        self.0.add_extension(a, b)
    }
    fn sub(&mut self, a: Self::Value, b: Self::Value) -> Self::Value {
        self.0.sub_extension(a, b)
    }
    fn mul(&mut self, a: Self::Value, b: Self::Value) -> Self::Value {
        self.0.mul_extension(a, b)
    }
    fn mul_add(&mut self, a: Self::Value, b: Self::Value, k: u32, c: Self::Value) -> Self::Value {
        self.0.arithmetic_extension(F(1), F(u64::from(k)), a, b, c)
    }
    fn scale_add(&mut self, k: u32, a: Self::Value, b: Self::Value) -> Self::Value {
        let one = self.0.one_extension();
        self.0.arithmetic_extension(F(u64::from(k)), F(1), a, one, b)
    }
    fn constant_mul_add(&mut self, c: F, a: Self::Value, b: Self::Value) -> Self::Value {
        // As a wire: an arithmetic gate's operations share their constants, so each distinct constant
        // there would cost a row.
        let c = self.constant(c);
        self.0.mul_add_extension(c, a, b)
    }
}
