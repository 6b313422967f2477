use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::types::Sample;
use plonky2::gates::gate_testing::{test_eval_fns, test_low_degree};
use plonky2::plonk::config::PoseidonGoldilocksConfig as C;

use super::*;
use crate::gates::custom::testing::accepts;

/// A row of random tuples, the even lanes counting.
fn honest() -> Vec<F> {
    let mut wires = F::rand_vec(MultisetGate::WIRES);
    for lane in 0..LANES {
        wires[MultisetGate::wire_enabled(lane)] = F::from_bool(lane % 2 == 0);
    }
    MultisetGenerator::fill(&mut wires);
    wires
}

#[test]
fn low_degree() {
    test_low_degree::<F, _, 2>(AsGate(MultisetGate));
}

#[test]
fn evaluations_agree() -> Result<()> {
    test_eval_fns::<F, C, _, 2>(AsGate(MultisetGate))
}

#[test]
fn size() {
    assert_eq!((MultisetGate.num_wires(), MultisetGate.num_constraints()), (108, 30));
}

#[test]
fn the_product_is_that_of_the_extension_field() {
    let wires = honest();
    let ext = |first: usize| QuadraticExtension::<F>([wires[first], wires[first + 1]]);
    let (gamma, beta) = (ext(MultisetGate::GAMMA), ext(MultisetGate::BETA));
    let expected = (0..LANES).step_by(2).fold(ext(MultisetGate::PRODUCT_IN), |product, lane| {
        let mut sum = QuadraticExtension::<F>::ZERO;
        for element in (0..TUPLE_LEN).rev() {
            sum = sum * beta + wires[MultisetGate::wire_element(lane, element)].into();
        }
        product * (gamma - sum)
    });
    assert_eq!(ext(MultisetGate::PRODUCT_OUT), expected);
    assert!(accepts(&MultisetGate, &wires));
}

/// Each wire but the elements of lanes that do not count is bound by some constraint.
#[test]
fn every_wire_that_counts_is_bound() {
    let honest = honest();
    for wire in 0..MultisetGate::WIRES {
        let lane = wire.wrapping_sub(MultisetGate::FIRST_LANE) / LANE_WIRES;
        let is_element = (MultisetGate::FIRST_LANE..MultisetGate::FIRST_POWER).contains(&wire)
            && wire != MultisetGate::wire_enabled(lane);
        let mut wires = honest.clone();
        wires[wire] += F::ONE;
        assert_eq!(accepts(&MultisetGate, &wires), is_element && lane % 2 == 1, "wire {wire}");
    }
}
