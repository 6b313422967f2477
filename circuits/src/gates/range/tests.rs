use plonky2::field::types::{Field, Field64};
use plonky2::gates::gate::Gate;
use plonky2::gates::gate_testing::{test_eval_fns, test_low_degree};
use plonky2::iop::witness::PartialWitness;
use plonky2::plonk::circuit_data::CircuitConfig;
use plonky2::plonk::config::PoseidonGoldilocksConfig as C;

use super::*;
use crate::gates::custom::testing::accepts;

const D: usize = 2;

/// Widths of every kind: one bit, even, odd, the widest.
const WIDTHS_BITS: [usize; 7] = [62, 56, 19, 5, 3, 2, 1];

/// Wires as an honest generator fills them, limbs by the same rule but without its check.
fn fill(gate: &RangeGate, values: &[u64]) -> Vec<F> {
    let mut wires = vec![F::ZERO; gate.num_wires()];
    for (lane, &value) in values.iter().enumerate() {
        wires[RangeGate::wire_value(lane)] = F::from_canonical_u64(value);
        for limb in 0..RangeGate::num_limbs(gate.widths_bits[lane]) {
            wires[gate.wire_limb(lane, limb)] = F((value >> (2 * limb)) & 3);
        }
    }
    wires
}

#[test]
fn low_degree() {
    test_low_degree::<F, _, D>(AsGate(RangeGate::new(&WIDTHS_BITS)));
}

#[test]
fn evaluations_agree() -> Result<()> {
    test_eval_fns::<F, C, _, D>(AsGate(RangeGate::new(&WIDTHS_BITS)))
}

#[test]
fn size_is_one_wire_and_one_constraint_for_each_value_and_limb() {
    let gate = RangeGate::new(&WIDTHS_BITS);
    assert_eq!(gate.num_wires(), 7 + 31 + 28 + 10 + 3 + 2 + 1 + 1);
    assert_eq!(gate.num_constraints(), gate.num_wires());
    assert_eq!(gate.wire_limb(6, 0), gate.num_wires() - 1);
}

#[test]
fn id_names_version_and_widths() {
    let id = Gate::<F, D>::id(&AsGate(RangeGate::new(&[56, 8])));
    assert_eq!(id, "sheaf.RangeGate v1 [56, 8]");
}

#[test]
fn largest_values_are_accepted() {
    let gate = RangeGate::new(&WIDTHS_BITS);
    let largest = WIDTHS_BITS.map(|width| (1 << width) - 1);
    assert!(accepts(&gate, &fill(&gate, &largest)));
}

/// For each lane: 2^w with the limbs that the value has, the carry left out, and the carry put into the
/// top limb.
#[test]
fn value_of_two_to_the_width_is_rejected() {
    let gate = RangeGate::new(&WIDTHS_BITS);
    for (lane, &width) in WIDTHS_BITS.iter().enumerate() {
        let mut values = [0; WIDTHS_BITS.len()];
        values[lane] = 1 << width;
        let mut wires = fill(&gate, &values);
        let top = gate.wire_limb(lane, RangeGate::num_limbs(width) - 1);
        if width % 2 == 0 {
            assert!(!accepts(&gate, &wires), "carry left out, {width} bits");
        }
        wires[top] = F(if width % 2 == 0 { 4 } else { 2 });
        assert!(!accepts(&gate, &wires), "carry in the top limb, {width} bits");
    }
}

#[test]
fn every_wire_is_bound() {
    let gate = RangeGate::new(&WIDTHS_BITS);
    let honest = fill(&gate, &[1 << 40, 77, 1234, 17, 5, 2, 1]);
    assert!(accepts(&gate, &honest));
    for wire in 0..honest.len() {
        for change in [F::ONE, F::NEG_ONE, F(4)] {
            let mut wires = honest.clone();
            wires[wire] += change;
            assert!(!accepts(&gate, &wires), "wire {wire} changed by {change}");
        }
    }
}

/// A limb of p − 1 (that is, −1) balanced by its neighbour keeps the sum: only the limb's own range
/// catches it.
#[test]
fn limbs_out_of_range_that_keep_the_sum_are_rejected() {
    let gate = RangeGate::new(&[8]);
    for low in [F(4), F::NEG_ONE, F(5)] {
        let mut wires = fill(&gate, &[0]);
        wires[gate.wire_limb(0, 0)] = low;
        wires[RangeGate::wire_value(0)] = low;
        assert!(!accepts(&gate, &wires));
        wires[gate.wire_limb(0, 1)] = -low / F(4);
        wires[RangeGate::wire_value(0)] = F::ZERO;
        assert!(!accepts(&gate, &wires));
    }
}

/// Every assignment of limbs 0 … 4 to small lanes: those accepted are the values below 2^w, each once.
#[test]
fn small_widths_exhaustively() {
    for width in 1..=5usize {
        let gate = RangeGate::new(&[width]);
        let limbs = RangeGate::num_limbs(width);
        let mut accepted = Vec::new();
        for code in 0..5usize.pow(limbs as u32) {
            let mut wires = vec![F::ZERO; 1 + limbs];
            let mut value = 0;
            for limb in 0..limbs {
                let digit = (code / 5usize.pow(limb as u32)) % 5;
                wires[gate.wire_limb(0, limb)] = F(digit as u64);
                value += digit << (2 * limb);
            }
            wires[RangeGate::wire_value(0)] = F(value as u64);
            if accepts(&gate, &wires) {
                accepted.push(value);
            }
        }
        accepted.sort_unstable();
        assert_eq!(accepted, (0..1 << width).collect::<Vec<_>>(), "{width} bits");
    }
}

/// Proves that `values` have the given widths, in a circuit with two layouts.
fn prove(checks: &[(u64, usize)]) -> Result<usize> {
    let mut builder = CircuitBuilder::<F, D>::new(CircuitConfig::standard_recursion_config());
    let mut checker = RangeChecker::new(&[vec![62, 62, 24], vec![56, 24, 12, 3]]);
    let mut witness = PartialWitness::new();
    for &(value, width) in checks {
        let target = builder.add_virtual_target();
        checker.range_check(&mut builder, target, width);
        witness.set_target(target, F::from_canonical_u64(value))?;
    }
    let rows = checker.finish(&mut builder);
    let circuit = builder.build::<C>();
    circuit.verify(circuit.prove(witness)?)?;
    Ok(rows)
}

#[test]
fn checker_shares_rows_and_fills_the_rest() -> Result<()> {
    assert_eq!(prove(&[(1 << 61, 62), (5, 62), (0xff_ffff, 24)])?, 1);
    assert_eq!(prove(&[(1, 62), (2, 24), (3, 24), (7, 3), (4095, 12)])?, 2);
    assert_eq!(prove(&[(1, 62), (2, 24), (3, 24), (4, 24)])?, 3);
    Ok(())
}

#[test]
fn checker_refuses_values_too_wide() {
    for (value, width) in [(1 << 62, 62), (1 << 24, 24), (8, 3), (F::ORDER - 1, 62)] {
        assert!(prove(&[(value, width)]).is_err(), "{value} in {width} bits");
    }
}

#[test]
#[should_panic(expected = "no layout has a lane of 7 bits")]
fn checker_needs_a_layout_for_each_width() {
    let mut builder = CircuitBuilder::<F, D>::new(CircuitConfig::standard_recursion_config());
    let value = builder.zero();
    RangeChecker::new(&[vec![8]]).range_check(&mut builder, value, 7);
}

#[test]
#[should_panic(expected = "a range check of 63 bits")]
fn widths_that_could_wrap_are_refused() {
    RangeGate::new(&[63]);
}
