//! Multiples of the generator, made on first use.

use std::sync::OnceLock;

use super::coset::{Coset, CosetAffine};
use super::field::Fp5;
use super::point::{Point, GENERATOR};
use super::scalar::{Scalar, SCALAR_BITS};

/// Bits of the scalar taken at a time. Six: 138 KB of tables, 54 additions; eight would save 14 additions
/// and no longer fit beside the rest in a core's second-level cache.
const WINDOW: usize = 6;

/// Digits of a scalar, the carry out of its top bit included.
const WINDOWS: usize = (SCALAR_BITS + 1).div_ceil(WINDOW);

/// Digits are signed, so that each table has half of the multiples: digit·2^(WINDOW·i)·G, 1 ≤ digit ≤ 32.
const MULTIPLES: usize = 1 << (WINDOW - 1);

type Table = [CosetAffine; MULTIPLES + 1];

/// `tables()[i][d]` = d·2^(WINDOW·i)·G, with the neutral at d = 0.
fn tables() -> &'static [Table] {
    static TABLES: OnceLock<Vec<Table>> = OnceLock::new();
    TABLES.get_or_init(|| {
        let mut points = Vec::with_capacity(WINDOWS * MULTIPLES);
        let mut base = Coset::from(GENERATOR);
        for _ in 0..WINDOWS {
            let mut multiple = base;
            for _ in 0..MULTIPLES {
                points.push(multiple);
                multiple = multiple.add(&base);
            }
            base = base.double_times(WINDOW);
        }
        let fill = |chunk: &[CosetAffine]| {
            let mut table = [CosetAffine::NEUTRAL; MULTIPLES + 1];
            table[1..].copy_from_slice(chunk);
            table
        };
        Coset::normalize(&points).chunks_exact(MULTIPLES).map(fill).collect()
    })
}

/// k·G: one addition a window whatever the digit, as the formulas take the neutral like any other point.
pub(super) fn mul_generator(k: Scalar) -> Coset {
    let limbs = k.limbs();
    let mut carry = 0;
    let mut sum = Coset::NEUTRAL;
    for (i, table) in tables().iter().enumerate() {
        let (limb, shift) = (i * WINDOW / 64, i * WINDOW % 64);
        let low = limbs.get(limb).map_or(0, |l| l >> shift);
        let high = if shift == 0 { 0 } else { limbs.get(limb + 1).map_or(0, |l| l << (64 - shift)) };
        let window = ((low | high) % (1 << WINDOW)) as usize + carry;
        // A window above 32 stands for window − 64, with a carry into the next.
        carry = usize::from(window > MULTIPLES);
        let magnitude = if carry == 1 { (1 << WINDOW) - window } else { window };
        let multiple = table[magnitude];
        sum = sum.add_affine(&if carry == 1 { multiple.neg() } else { multiple });
    }
    sum
}

/// Whether s·G + e·Q is a point other than the neutral, with encoding w. Takes no inversion and no root.
pub(crate) fn combination_has_encoding(s: Scalar, e: u128, q: Point, w: Fp5) -> bool {
    let e_q = Coset::from(q).mul(&[e as u64, (e >> 64) as u64]);
    mul_generator(s).add(&e_q).has_encoding(w)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn agrees_with_the_general_multiplication(limbs in any::<[u64; 10]>()) {
            let k = Scalar::from_wide(limbs);
            prop_assert_eq!(mul_generator(k).to_point(), GENERATOR.mul(k));
        }
    }

    #[test]
    fn edge_scalars() {
        assert!(mul_generator(Scalar::ZERO).is_neutral());
        assert_eq!(mul_generator(Scalar::ONE).to_point(), GENERATOR);
        assert_eq!(mul_generator(-Scalar::ONE).to_point(), -GENERATOR);
        for k in 30u64..70 {
            assert_eq!(mul_generator(Scalar::from(k)).to_point(), GENERATOR.mul(Scalar::from(k)));
        }
    }
}
