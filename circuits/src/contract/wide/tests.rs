//! Tests of wide integers: divisions and roots against big integers, and provers who say otherwise.

use std::sync::LazyLock;

use num_bigint::BigUint;
use plonky2::field::types::{Field64, PrimeField64};
use plonky2::iop::witness::{PartialWitness, Witness, WitnessWrite};
use plonky2::plonk::circuit_data::{CircuitConfig, CircuitData};
use proptest::prelude::*;

use super::*;
use crate::chunk::tests::verdict::{Rows, Violation};
use crate::contract::testing::amounts;
use crate::hash::C;

/// ⌊997 · a · b / (1000 · c + 997 · a)⌋ as a swap has it, ⌊√(a · b)⌋ as a new pool has it.
struct Sample {
    data: CircuitData<F, C, { crate::hash::D }>,
    active: Target,
    inputs: [Target; 3],
    quotient: Target,
    root: Target,
}

static SAMPLE: LazyLock<Sample> = LazyLock::new(|| {
    let mut builder = Builder::new(CircuitConfig::standard_recursion_config());
    let mut ranges = RangeChecker::new(&[vec![LIMB_BITS; 11], vec![BALANCE_BITS; 4]]);
    let inputs: [Target; 3] = builder.add_virtual_target_arr();
    let active = builder.add_virtual_bool_target_safe();
    let [a, b, c] = inputs.map(|value| Wide::new(&mut builder, &mut ranges, value));
    let kept = a.scale(&mut builder, 997);
    let numerator = kept.mul(&mut builder, &b);
    let denominator = c.scale(&mut builder, 1000).add(&mut builder, &kept);
    let quotient = divide(&mut builder, &mut ranges, &numerator, &denominator, active).quotient;
    let square = a.mul(&mut builder, &b);
    let root = square_root(&mut builder, &mut ranges, &square);
    let _ = ranges.finish(&mut builder);
    Sample { data: builder.build::<C>(), active: active.target, inputs, quotient, root }
});

static ROWS: LazyLock<Rows<'static>> = LazyLock::new(|| Rows::new(&SAMPLE.data));

fn violations(inputs: [u64; 3], forced: &[(Target, F)]) -> Vec<Violation> {
    violations_if(true, inputs, forced)
}

fn violations_if(active: bool, inputs: [u64; 3], forced: &[(Target, F)]) -> Vec<Violation> {
    let mut witness = PartialWitness::new();
    witness.set_target(SAMPLE.active, F::from_bool(active)).unwrap();
    witness.set_target_arr(&SAMPLE.inputs, &inputs.map(F::from_canonical_u64)).unwrap();
    ROWS.violations(witness, forced)
}

/// Numerator and denominator.
fn fraction([a, b, c]: [u64; 3]) -> (BigUint, BigUint) {
    let kept = BigUint::from(a) * 997u32;
    (&kept * b, BigUint::from(c) * 1000u32 + kept)
}

/// Targets with the limbs of `integer`; what does not fit the last is in it nevertheless.
fn limbs(targets: &[Target], integer: &BigUint) -> Vec<(Target, F)> {
    let last = targets.len() - 1;
    let part = |i: usize| match i == last {
        true => integer >> (LIMB_BITS * i),
        false => (integer >> (LIMB_BITS * i)) & BigUint::from(LIMB_MAX),
    };
    let element = |part: BigUint| F::from_noncanonical_u64(part.iter_u64_digits().next().unwrap_or(0));
    targets.iter().enumerate().map(|(i, &target)| (target, element(part(i)))).collect()
}

/// The hints of the division: quotient, remainder, slack.
fn division_hints() -> (Vec<Target>, Vec<Target>, Vec<Target>) {
    let hints = ROWS.hints("sheaf.DivisionGenerator").remove(0);
    let rest = hints.len() - AMOUNT_LIMBS;
    let (quotient, rest) = (hints[..AMOUNT_LIMBS].to_vec(), hints[AMOUNT_LIMBS..][..rest].to_vec());
    let (remainder, slack) = rest.split_at(rest.len() / 2);
    (quotient, remainder.to_vec(), slack.to_vec())
}

fn inputs() -> impl Strategy<Value = [u64; 3]> {
    let top = (1u64 << 62) - 1;
    let amount = || prop_oneof![8 => amounts(62), 1 => Just(top), 1 => Just(1u64)];
    // The root's square is below 2^122.
    (prop_oneof![8 => amounts(56), 1 => Just((1u64 << 56) - 1), 1 => Just(1)], amount(), amount())
        .prop_map(|(a, b, c)| [a, b, c])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn quotients_and_roots_are_those_of_big_integers(inputs in inputs()) {
        let [a, b, _] = inputs;
        let (numerator, denominator) = fraction(inputs);
        prop_assume!(denominator != BigUint::ZERO);
        let quotient = u64::try_from(numerator / denominator).unwrap();
        let root = u64::try_from((BigUint::from(a) * b).sqrt()).unwrap();
        // A forced value that is the right one changes nothing; any other is seen.
        let forced = [(SAMPLE.quotient, F::from_canonical_u64(quotient)), (SAMPLE.root, F::from_canonical_u64(root))];
        prop_assert_eq!(violations(inputs, &forced), []);
        let off = [(SAMPLE.quotient, F::from_canonical_u64(quotient + 1))];
        prop_assert_ne!(violations(inputs, &off), []);
        let off = [(SAMPLE.root, F::from_canonical_u64(root + 1))];
        prop_assert_ne!(violations(inputs, &off), []);
    }

    /// The best that a prover can do for a quotient that is too small: all equations hold, and one limb is out of range.
    #[test]
    fn a_quotient_that_is_too_small_has_a_negative_slack(inputs in inputs(), less in 1u64..1000) {
        let (numerator, denominator) = fraction(inputs);
        prop_assume!(denominator != BigUint::ZERO);
        let quotient = &numerator / &denominator;
        prop_assume!(quotient >= BigUint::from(less));
        let quotient = quotient - less;
        let remainder = numerator - &quotient * &denominator;
        let (q, r, s) = division_hints();
        // slack = denominator − 1 − remainder < 0, in its lowest limb.
        let below = &remainder + 1u32 - &denominator;
        let mut slack = limbs(&s, &BigUint::ZERO);
        prop_assume!(below.bits() < 63);
        slack[0].1 = -F::from_canonical_u64(u64::try_from(below).unwrap());
        let forced = [limbs(&q, &quotient), limbs(&r, &remainder), slack].concat();
        let found = violations(inputs, &forced);
        prop_assert!(found.contains(&Violation::Range(LIMB_BITS)), "{:?}", found);
    }

    #[test]
    fn a_quotient_that_is_too_large_has_a_negative_remainder(inputs in inputs(), more in 1u64..1000) {
        let (numerator, denominator) = fraction(inputs);
        prop_assume!(denominator != BigUint::ZERO);
        let quotient = &numerator / &denominator + more;
        let below = &quotient * &denominator - numerator;
        prop_assume!(below.bits() < 63);
        let (q, r, s) = division_hints();
        let slack = &denominator - 1u32 + &below;
        let mut remainder = limbs(&r, &BigUint::ZERO);
        remainder[0].1 = -F::from_canonical_u64(u64::try_from(below).unwrap());
        let forced = [limbs(&q, &quotient), remainder, limbs(&s, &slack)].concat();
        let found = violations(inputs, &forced);
        prop_assert!(found.contains(&Violation::Range(LIMB_BITS)), "{:?}", found);
    }

    /// One limb of any hint, off by anything that still fits its range: an equation of integers does not hold.
    #[test]
    fn each_limb_of_each_hint_is_bound(inputs in inputs(), which in 0usize..100, value in 0u64..1 << LIMB_BITS) {
        prop_assume!(fraction(inputs).1 != BigUint::ZERO);
        let generators = ["LimbsGenerator", "CarryGenerator", "DivisionGenerator", "RootGenerator"];
        let hints = generators.iter().flat_map(|id| ROWS.hints(&format!("sheaf.{id}"))).flatten().collect::<Vec<_>>();
        let target = hints[which % hints.len()];
        let honest = honest_value(inputs, target);
        prop_assume!(honest != F::from_canonical_u64(value));
        prop_assert_ne!(violations(inputs, &[(target, F::from_canonical_u64(value))]), []);
    }
}

fn honest_value(inputs: [u64; 3], target: Target) -> F {
    let mut witness = PartialWitness::new();
    witness.set_target(SAMPLE.active, F::ONE).unwrap();
    witness.set_target_arr(&SAMPLE.inputs, &inputs.map(F::from_canonical_u64)).unwrap();
    let (prover, common) = (&SAMPLE.data.prover_only, &SAMPLE.data.common);
    plonky2::iop::generator::generate_partial_witness(witness, prover, common).unwrap().get_target(target)
}

/// What a carry could be if it were not as short: t is a multiple of 2^21 in the field, whatever it is.
#[test]
fn a_carry_modulo_p_is_out_of_range() {
    let inputs = [12345, 67890, 1 << 40];
    let (q, r, s) = division_hints();
    // A quotient off by one, and all carries as the field has them: t / 2^21 mod p.
    let (numerator, denominator) = fraction(inputs);
    let quotient = &numerator / &denominator + 1u32;
    let mut forced = [limbs(&q, &quotient), limbs(&r, &BigUint::ZERO), limbs(&s, &(&denominator - 1u32))].concat();
    let inverse = F::from_canonical_u64(1 << LIMB_BITS).try_inverse().unwrap();
    // numerator and product, limb by limb
    let limb = |integer: u64, i: usize| integer >> (LIMB_BITS * i) & LIMB_MAX;
    let [a, b, c] = inputs;
    let quotient = u64::try_from(quotient).unwrap();
    let element = F::from_canonical_u64;
    let product = |x: &dyn Fn(usize) -> u64, y: &dyn Fn(usize) -> u64, k: usize| -> F {
        (0..=k).filter(|&i| i < 3 && k - i < 3).map(|i| element(x(i)) * element(y(k - i))).sum()
    };
    let denominator_limb = |i: usize| 1000 * limb(c, i) + 997 * limb(a, i);
    let mut carry = F::ZERO;
    // Carries of the first equality of the division come right after the limbs of the inputs.
    for (k, hint) in ROWS.hints("sheaf.CarryGenerator").into_iter().take(4).enumerate() {
        let t = product(&|i| 997 * limb(a, i), &|i| limb(b, i), k)
            - product(&|i| limb(quotient, i), &denominator_limb, k)
            + carry;
        carry = t * inverse;
        let shifted = carry + element(1 << (hint.len() * LIMB_BITS - 1));
        let whole = BigUint::from(shifted.to_canonical_u64());
        forced.extend(limbs(&hint, &whole));
    }
    let found = violations(inputs, &forced);
    assert!(found.contains(&Violation::Range(LIMB_BITS)), "{found:?}");
}

#[test]
fn nothing_is_divided_by_zero() {
    for quotient in [0, 1, 77] {
        let forced = [(SAMPLE.quotient, F::from_canonical_u64(quotient))];
        // With a = c = 0: 0 = quotient · 0 + remainder, but no remainder is below 0.
        assert_ne!(violations([0, 5, 0], &forced), []);
    }
    assert_eq!(violations([0, 5, 1], &[]), []);
}

#[test]
fn zeros_do_where_nothing_is_divided() {
    assert_eq!(violations_if(false, [0, 0, 0], &[]), []);
}

#[test]
fn numbers_of_more_than_63_bits_have_no_limbs() {
    for value in [1 << 63, F::ORDER - 1] {
        assert_ne!(violations([1, 1, value], &[]), []);
    }
}
