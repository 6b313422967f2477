//! Squares and square roots in GF(p⁵).
//!
//! With r = 1 + p + p² + p³ + p⁴ (odd), xʳ, the norm, is in F, and x is a square exactly if its norm is.
//! Powers of p are Frobenius maps, five products each, so both tasks come down to F: a root of x is
//! xʳ's root over x^((r−1)/2), and (r − 1)/2 = (p + p³)(p + 1)/2 (eprint 2022/274, section 2.3).
//!
//! In F, p − 1 = 2^32·q with q = 2^32 − 1: the Tonelli–Shanks step, a discrete logarithm in the group of
//! order 2^32, is done by table, eight bits at a time.

use plonky2::field::goldilocks_field::GoldilocksField;
use plonky2::field::ops::Square;
use plonky2::field::types::{Field, PrimeField64};

use super::{mul, mul_mod, pow_mod, scale, square, Fp5, P, W};
use crate::hash::F;

/// (zᵖ)ⁱ = (3^((p−1)/5))ⁱ·zⁱ: the factors of the Frobenius map x ↦ xᵖ.
const FROBENIUS_1: [F; 5] = frobenius_factors(1);
/// The same for x ↦ x^(p²).
const FROBENIUS_2: [F; 5] = frobenius_factors(2);

const fn frobenius_factors(times: u64) -> [F; 5] {
    let root = pow_mod(pow_mod(W, (P - 1) / 5), times);
    let mut factors = [GoldilocksField(1); 5];
    let mut i = 1;
    while i < 5 {
        factors[i] = GoldilocksField(mul_mod(factors[i - 1].0, root));
        i += 1;
    }
    factors
}

#[inline]
fn frobenius(x: Fp5, factors: &[F; 5]) -> Fp5 {
    let mut y = x;
    for (c, f) in y.0.iter_mut().zip(factors).skip(1) {
        *c *= *f;
    }
    y
}

/// The constant term of a·b, for products known to lie in F.
#[inline]
fn product_in_base(a: Fp5, b: Fp5) -> F {
    let (a, b) = (a.0, b.0);
    a[0] * b[0] + F::from_canonical_u64(W) * (a[1] * b[4] + a[2] * b[3] + a[3] * b[2] + a[4] * b[1])
}

/// xʳ, in F.
fn norm(x: Fp5) -> F {
    let x1 = frobenius(x, &FROBENIUS_1);
    let x12 = mul(x1, frobenius(x1, &FROBENIUS_1));
    let x1234 = mul(x12, frobenius(x12, &FROBENIUS_2));
    product_in_base(x, x1234)
}

/// x^(2^31 − 1) in F.
fn pow_2_31_minus_1(x: F) -> F {
    let run = |x: F, n: usize, tail: F| x.exp_power_of_2(n) * tail;
    let x2 = run(x, 1, x);
    let x3 = run(x2, 1, x);
    let x6 = run(x3, 3, x3);
    let x12 = run(x6, 6, x6);
    let x24 = run(x12, 12, x12);
    let x30 = run(x24, 6, x6);
    run(x30, 1, x)
}

/// Whether x is a square; zero is.
pub fn is_square(x: Fp5) -> bool {
    let n = norm(x);
    // (p − 1)/2 = 2^31·(2^32 − 1) and 2^32 − 1 = 2·(2^31 − 1) + 1.
    let symbol = (pow_2_31_minus_1(n).square() * n).exp_power_of_2(31);
    symbol.is_one() || symbol.is_zero()
}

/// One of the two square roots of x, or `None` if x is not a square. Which one is fixed, but not canonical.
pub fn sqrt(x: Fp5) -> Option<Fp5> {
    if x.is_zero() {
        return Some(x);
    }
    // half_power = x^((r−1)/2): raise to (p + 1)/2 = 2^63 − 2^31 + 1, then to p + p³.
    let power = frobenius(pow_half_p(x), &FROBENIUS_1);
    let half_power = mul(power, frobenius(power, &FROBENIUS_2));
    // x·half_power² = xʳ = norm, so x·half_power·norm^(−1/2) squares to x.
    let x_half_power = mul(x, half_power);
    let norm = product_in_base(x_half_power, half_power);
    Some(scale(x_half_power, inverse_sqrt_base(norm)?))
}

/// x^((p+1)/2).
fn pow_half_p(x: Fp5) -> Fp5 {
    let run = |x: Fp5, n: usize, tail: Fp5| mul((0..n).fold(x, |y, _| square(y)), tail);
    let x2 = run(x, 1, x);
    let x4 = run(x2, 2, x2);
    let x8 = run(x4, 4, x4);
    let x16 = run(x8, 8, x8);
    let x32 = run(x16, 16, x16);
    run(x32, 31, x)
}

/// Bits of the discrete logarithm found at a time.
const CHUNK: usize = 8;
const CHUNKS: usize = 32 / CHUNK;
const CHUNK_SIZE: usize = 1 << CHUNK;

/// A generator ζ of the group of order 2^32, plonky2's.
const ZETA: u64 = F::POWER_OF_TWO_GENERATOR.0;

/// `ZETA_POWERS[j][k]` = ζ^(−k·2^(8j)).
static ZETA_POWERS: [[F; CHUNK_SIZE]; CHUNKS] = zeta_powers();

const fn zeta_powers() -> [[F; CHUNK_SIZE]; CHUNKS] {
    let mut table = [[GoldilocksField(1); CHUNK_SIZE]; CHUNKS];
    let mut step = pow_mod(ZETA, P - 2);
    let mut j = 0;
    while j < CHUNKS {
        let mut k = 1;
        while k < CHUNK_SIZE {
            table[j][k] = GoldilocksField(mul_mod(table[j][k - 1].0, step));
            k += 1;
        }
        step = pow_mod(step, CHUNK_SIZE as u64);
        j += 1;
    }
    table
}

/// A multiplier found by search: the top bits of its product with each of the 256 roots of unity of order
/// 256 are distinct, so that those bits index [`LOGARITHMS`]. `logarithms` fails to compile otherwise.
const LOGARITHM_HASH: u64 = 0x0c2f_590e_5eac_c7db;
const LOGARITHM_HASH_BITS: u32 = 12;

const fn logarithm_index(root: u64) -> usize {
    (root.wrapping_mul(LOGARITHM_HASH) >> (64 - LOGARITHM_HASH_BITS)) as usize
}

/// k at the hash of (ζ^(2^24))^k.
static LOGARITHMS: [u8; 1 << LOGARITHM_HASH_BITS] = logarithms();

const fn logarithms() -> [u8; 1 << LOGARITHM_HASH_BITS] {
    let mut table = [0; 1 << LOGARITHM_HASH_BITS];
    let mut taken = [false; 1 << LOGARITHM_HASH_BITS];
    let generator = pow_mod(ZETA, 1 << 24);
    let mut root = 1;
    let mut k = 0;
    while k < CHUNK_SIZE {
        let index = logarithm_index(root);
        assert!(!taken[index], "LOGARITHM_HASH is not injective on the roots of unity");
        taken[index] = true;
        table[index] = k as u8;
        root = mul_mod(root, generator);
        k += 1;
    }
    table
}

/// a^(−1/2), or `None` if a is not a square. a is not zero.
fn inverse_sqrt_base(a: F) -> Option<F> {
    // w = a^((q−1)/2), q = 2^32 − 1. Then a·w² = a^q = ζ^K, and a^(−1/2) = w·ζ^(−K/2).
    let w = pow_2_31_minus_1(a);
    let h0 = a * w.square();
    let h1 = h0.exp_power_of_2(CHUNK);
    let h2 = h1.exp_power_of_2(CHUNK);
    let h3 = h2.exp_power_of_2(CHUNK);
    let mut log = 0u64;
    for (position, mut h) in [h3, h2, h1, h0].into_iter().enumerate() {
        // h is ζ^(K·2^(8(3 − position))); strike out the chunks of K that are known.
        for known in 0..position {
            let k = (log >> (CHUNK * known)) as usize % CHUNK_SIZE;
            h *= ZETA_POWERS[CHUNKS - 1 - position + known][k];
        }
        let chunk = LOGARITHMS[logarithm_index(h.to_canonical_u64())];
        log |= (chunk as u64) << (CHUNK * position);
    }
    if log & 1 == 1 {
        return None;
    }
    let half = log >> 1;
    Some((0..CHUNKS).fold(w, |w, j| w * ZETA_POWERS[j][(half >> (CHUNK * j)) as usize % CHUNK_SIZE]))
}

#[cfg(test)]
mod tests {
    use plonky2::field::extension::quintic::QuinticExtension;
    use plonky2::field::extension::Frobenius;
    use plonky2::field::types::Sample;

    use super::*;

    #[test]
    fn frobenius_agrees_with_plonky2() {
        let x = Fp5::rand();
        assert_eq!(frobenius(x, &FROBENIUS_1), x.frobenius());
        assert_eq!(frobenius(x, &FROBENIUS_2), x.repeated_frobenius(2));
        assert_eq!(QuinticExtension([norm(x), F::ZERO, F::ZERO, F::ZERO, F::ZERO]), {
            (1..5).fold(x, |product, i| product * x.repeated_frobenius(i))
        });
    }

    #[test]
    fn roots_square_back_and_exist_for_half_of_the_field() {
        let mut squares = 0;
        for _ in 0..1000 {
            let x = Fp5::rand();
            let root = sqrt(square(x)).expect("a square has a root");
            assert!(root == x || root == -x);
            assert!(is_square(square(x)));
            assert_eq!(sqrt(x).is_some(), is_square(x));
            squares += is_square(x) as u32;
        }
        assert!((400..600).contains(&squares));
        assert_eq!(sqrt(Fp5::ZERO), Some(Fp5::ZERO));
        assert_eq!(sqrt(Fp5::ONE).map(square), Some(Fp5::ONE));
    }

    #[test]
    fn roots_of_base_field_elements_of_every_two_power_order() {
        for k in 0..32 {
            let a = GoldilocksField(pow_mod(ZETA, 1 << k));
            let root = inverse_sqrt_base(a);
            assert_eq!(root.is_some(), k > 0);
            if let Some(root) = root {
                assert_eq!(root.square() * a, F::ONE);
            }
        }
    }
}
