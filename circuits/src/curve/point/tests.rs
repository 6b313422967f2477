use plonky2::field::types::Sample;
use plonky2::hash::hashing::hash_n_to_m_no_pad;
use plonky2::hash::poseidon::PoseidonPermutation;
use proptest::prelude::*;

use super::super::field::P;
use super::super::scalar::ORDER;
use super::*;
use crate::hash::tag;

/// Any point but the neutral.
fn point() -> impl Strategy<Value = Point> {
    any::<[u64; 10]>()
        .prop_map(|limbs| Point::mul_generator(Scalar::from_wide(limbs)))
        .prop_filter("neutral", |p| !p.is_neutral())
}

#[test]
fn generator_is_the_point_with_w_4() {
    assert_eq!(Point::decode(Fp5::from_canonical_u64(4)), Ok(GENERATOR));
    assert_eq!(Point::new(GENERATOR.x, GENERATOR.y), Ok(GENERATOR));
}

#[test]
fn generator_has_order_n() {
    // n is prime, so it is enough that n·G is neutral and G is not; (n − 1)·G + G by affine formulas.
    assert_eq!(GENERATOR.mul(-Scalar::ONE) + GENERATOR, Point::NEUTRAL);
    assert!(Coset::from(GENERATOR).mul(&ORDER).is_neutral());
}

#[test]
fn auxiliary_point_is_hashed_from_its_tag() {
    let candidate = |i: u64| {
        let input = [GoldilocksField(tag("sf.aux")), GoldilocksField(i)];
        let w = hash_n_to_m_no_pad::<_, PoseidonPermutation<GoldilocksField>>(&input, 5);
        Point::decode(QuinticExtension(w.try_into().unwrap()))
    };
    let first = (0..).find_map(|i| candidate(i).ok()).unwrap();
    assert_eq!(first, AUXILIARY, "{:?} {:?}", to_canonical(first.x), to_canonical(first.y));
}

/// A product that the author of the curve published with his reference implementation (github.com/pornin/ecgfp5),
/// which works in the other coset: encodings agree.
#[test]
fn encodings_agree_with_the_reference_implementation() {
    let point =
        [7534507442095725921, 16658460051907528927, 12417574136563175256, 2750788641759288856, 620002843272906439];
    let k = "1b1851c81d22d40d6d36ecce5427416608142f8fff64b47628cd3ff8aa2516d4bad0cc021a447c03";
    let product =
        [9486104512504676657, 14312981644741144668, 5159846406177847664, 15978863787033795628, 3249948839313771192];
    let k = Scalar::from_bytes(&hex::decode(k).unwrap().try_into().unwrap()).unwrap();
    let [point, product] = [point, product].map(|w| Point::decode(element(w)).unwrap());
    assert_eq!(point.mul(k), product);
}

#[test]
fn half_of_the_field_decodes() {
    let decoded = (0..1000).filter(|_| Point::decode(Fp5::rand()).is_ok()).count();
    assert!((400..600).contains(&decoded));
}

#[test]
fn neutral_does_not_decode() {
    assert_eq!(Point::NEUTRAL.encode(), Fp5::ZERO);
    assert_eq!(Point::decode(Fp5::ZERO), Err(PointError::NotAPoint));
    assert_eq!(Point::from_bytes(&[0; 40]), Err(PointError::NotAPoint));
    // (0, 1) is how it is held, not a point.
    assert_eq!(Point::new(Fp5::ZERO, Fp5::ONE), Err(PointError::NotOnCurve));
}

#[test]
fn point_of_order_two_is_refused() {
    assert_eq!(Point::new(Fp5::ZERO, Fp5::ZERO), Err(PointError::NotInGroup));
}

#[test]
fn coefficients_from_p_up_are_refused() {
    for position in 0..5 {
        for bad in [P, P + 4, u64::MAX] {
            let mut limbs = to_canonical(GENERATOR.encode());
            limbs[position] = bad;
            assert_eq!(Point::from_bytes(&limbs_to_bytes(limbs)), Err(PointError::NotCanonical { position }));
        }
    }
}

proptest! {
    #[test]
    fn encoding_round_trips(p in point()) {
        prop_assert_eq!(Point::decode(p.encode()), Ok(p));
        prop_assert_eq!(Point::from_bytes(&p.to_bytes()), Ok(p));
        prop_assert_eq!(Point::new(p.x, p.y), Ok(p));
    }

    #[test]
    fn points_outside_the_group_are_refused(p in point()) {
        let (x, y) = p.outside_twin().unwrap();
        prop_assert_eq!(Point::new(x, y), Err(PointError::NotInGroup));
        // Its y/x is −w, which decodes to −p: an encoding cannot name a point outside the group.
        prop_assert_eq!(y * x.inverse(), -p.encode());
        prop_assert_eq!(Point::decode(-p.encode()), Ok(-p));
        prop_assert_eq!(Point::new(p.x, p.y + Fp5::ONE), Err(PointError::NotOnCurve));
    }

    #[test]
    fn group_laws(p in point(), q in point(), r in point()) {
        prop_assert_eq!((p + q) + r, p + (q + r));
        prop_assert_eq!(p + q, q + p);
        prop_assert_eq!(p + Point::NEUTRAL, p);
        prop_assert_eq!(Point::NEUTRAL + p, p);
        prop_assert_eq!(p - p, Point::NEUTRAL);
        prop_assert_eq!(Point::new((p + q).x, (p + q).y), Ok(p + q));
        prop_assert_eq!(-Point::NEUTRAL, Point::NEUTRAL);
    }

    #[test]
    fn multiplication_is_linear(p in point(), a in any::<[u64; 10]>(), b in any::<[u64; 10]>()) {
        let [a, b] = [a, b].map(Scalar::from_wide);
        prop_assert_eq!(p.mul(a) + p.mul(b), p.mul(a + b));
        prop_assert_eq!(p.mul(a).mul(b), p.mul(a * b));
        prop_assert_eq!(p.mul(Scalar::from(3u64)), p.double() + p);
        prop_assert_eq!(p.mul(Scalar::ZERO), Point::NEUTRAL);
        prop_assert_eq!(Point::NEUTRAL.mul(a), Point::NEUTRAL);
    }
}
