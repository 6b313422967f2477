use plonky2::field::types::{Field, Sample};
use plonky2::gates::gate_testing::{test_eval_fns, test_low_degree};
use plonky2::plonk::config::PoseidonGoldilocksConfig as C;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::affine::Affine;
use super::super::algebra::Packed;
use super::super::custom::testing::{accepts, constraints, recursive_rows};
use super::super::custom::AsGate;
use super::*;
use crate::curve::{self, Scalar, AUXILIARY, GENERATOR};

const D: usize = 2;
type Gate = SignatureGate;

#[test]
fn low_degree() {
    test_low_degree::<F, _, D>(AsGate(SignatureGate));
}

#[test]
fn evaluations_agree() -> anyhow::Result<()> {
    test_eval_fns::<F, C, _, D>(AsGate(SignatureGate))
}

#[test]
fn size() {
    assert_eq!(Gate::END_OF_ROUTED, 42);
    assert_eq!(SignatureGate.num_wires(), 118);
    assert_eq!(SignatureGate.num_constraints(), 87);
    assert_eq!(constraints(&SignatureGate, &Row::random(0).wires).len(), 87);
}

/// Rows of arithmetic; the tables' 160 constants come on top, two to a row.
#[test]
fn recursive_verifier() {
    assert_eq!(recursive_rows(&SignatureGate), 156);
}

/// A row in the middle of a chain and the points it was made from.
struct Row {
    wires: Vec<F>,
    accumulator: curve::Point,
    half_key: curve::Point,
}

impl Row {
    /// An honest row of random points and bits.
    fn random(seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut point = || {
            let scalar = Scalar::from_elements(&[(); 6].map(|()| F::sample(&mut random)));
            curve::Point::mul_generator(scalar)
        };
        let (accumulator, half_key) = (point(), point());
        let mut row = Self { wires: vec![F::ZERO; Gate::WIRES], accumulator, half_key };
        row.put(Gate::wires_accumulator(0), accumulator.into());
        row.put(Gate::wires_half_key(), half_key.into());
        row.put(Gate::wires_triple_half_key(), (half_key.double() + half_key).into());
        row.wires[Gate::wire_challenge_in()] = F(random.gen::<u32>().into());
        for bit in &mut row.wires[Gate::BITS..] {
            *bit = F::from_bool(random.gen());
        }
        row.refill();
        row
    }

    fn put(&mut self, first: usize, point: Affine) {
        self.wires[first..first + POINT_WIRES].copy_from_slice(&point.coordinates());
    }

    fn bit(&self, wire: usize) -> bool {
        assert!(self.wires[wire].is_zero() || self.wires[wire].is_one());
        self.wires[wire].is_one()
    }

    /// Fills what follows from the inputs and bits, whatever these are.
    fn refill(&mut self) {
        let inputs = self.wires.clone();
        let set = |wire: usize, value| {
            self.wires[wire] = value;
            Ok(())
        };
        witness::fill_row(|wire| inputs[wire], set).unwrap();
    }

    /// Puts `forged` as the slope of one step of the last window, and makes everything after it consistent.
    fn forge_slope(&mut self, step: usize, forged: Quintic<F>) {
        let window = WINDOWS - 1;
        let mut field = Packed::<F>::new();
        let mut point = Point::from_wires(|wire| self.wires[wire], Gate::wires_accumulator(window));
        for i in 0..STEPS {
            let other = self.addend(window, i);
            let first = Gate::wires_slope(window, i);
            let slope = match other {
                _ if i < step => core::array::from_fn(|j| self.wires[first + j]),
                _ if i == step => forged,
                None => Affine::from(point).double().unwrap().0 .0,
                Some(other) => Affine::from(point).chord(&other.into()).unwrap().0 .0,
            };
            self.wires[first..first + COORDINATES].copy_from_slice(&slope);
            (_, point) = match other {
                None => quintic::double(&mut field, point, slope),
                Some(other) => quintic::chord(&mut field, point, other, slope),
            };
        }
        self.put(Gate::wires_accumulator(WINDOWS), point.into());
    }

    /// What a step adds, or none for a double.
    fn addend(&self, window: usize, step: usize) -> Option<Point<F>> {
        let wire = |wire: usize| self.wires[wire];
        let mut field = Packed::<F>::new();
        match step {
            0 | 1 => None,
            2 | 3 => {
                let bits = core::array::from_fn(|block| wire(Gate::wire_scalar_bit(window, step - 2, block)));
                Some(tables::entry(&mut field, step - 2, bits))
            }
            _ => {
                let half_key = Point::from_wires(wire, Gate::wires_half_key());
                let triple = Point::from_wires(wire, Gate::wires_triple_half_key());
                let rise = rise(&mut field, half_key, triple);
                let (sign, is_triple) = (wire(Gate::wire_sign(window)), wire(Gate::wire_triple(window)));
                Some(key_multiple(&mut field, half_key, rise, sign, is_triple))
            }
        }
    }

    /// The places of the constraints that do not hold.
    fn broken(&self) -> Vec<usize> {
        let values = constraints(&SignatureGate, &self.wires);
        (0..values.len()).filter(|&i| values[i].is_nonzero()).collect()
    }
}

/// Where the constraints of a window's part begin.
fn bits_constraints(window: usize) -> usize {
    window * WINDOW_CONSTRAINTS
}
fn slope_constraints(window: usize, step: usize) -> usize {
    bits_constraints(window) + WINDOW_BITS + step * COORDINATES
}
fn point_constraints(window: usize) -> usize {
    slope_constraints(window, STEPS)
}
const CHALLENGE_CONSTRAINT: usize = WINDOWS * WINDOW_CONSTRAINTS;

/// The row's statement, by the curve's own arithmetic.
#[test]
fn honest_rows_are_accepted_and_mean_what_the_gate_says() {
    let power = |exponent: usize| (0..exponent).fold(GENERATOR, |point, _| point.double());
    for seed in 0..20 {
        let row = Row::random(seed);
        assert!(accepts(&SignatureGate, &row.wires));

        let mut point = row.accumulator;
        let mut collected = row.wires[Gate::wire_challenge_in()];
        for window in 0..WINDOWS {
            point = point.double().double();
            for table in 0..2 {
                point = point - (AUXILIARY + AUXILIARY + AUXILIARY);
                for block in 0..SCALAR_BLOCKS {
                    if row.bit(Gate::wire_scalar_bit(window, table, block)) {
                        point = point + power(128 * block + table);
                    }
                }
            }
            let bits = (0..4)
                .find(|&bits| {
                    witness::sign_and_triple(bits)
                        == (row.bit(Gate::wire_sign(window)), row.bit(Gate::wire_triple(window)))
                })
                .expect("sign and triple take every value");
            let digit = [-Scalar::from(3u64), -Scalar::ONE, Scalar::ONE, Scalar::from(3u64)][bits as usize];
            point = point + row.half_key.mul(digit);
            collected = collected * F(4) + F(bits);
            let wired = Point::from_wires(|wire| row.wires[wire], Gate::wires_accumulator(window + 1));
            assert_eq!((wired.x, wired.y), (point.x().0, point.y().0), "window {window}");
        }
        assert_eq!(row.wires[Gate::wire_challenge_out()], collected);
    }
}

#[test]
fn every_wire_is_bound() {
    // Both H and 3H are used.
    let mut row = Row::random(1);
    row.wires[Gate::wire_triple(0)] = F::ONE;
    row.wires[Gate::wire_triple(1)] = F::ZERO;
    row.refill();
    let honest = row.wires;
    for wire in 0..honest.len() {
        for change in [F::ONE, F::NEG_ONE, F(0x1234_5678_9abc)] {
            let mut wires = honest.clone();
            wires[wire] += change;
            assert!(!accepts(&SignatureGate, &wires), "wire {wire} changed by {change}");
        }
    }
}

/// A bit of 2 with points and slopes to match: only that it must be a bit catches it.
#[test]
fn bits_that_are_none_are_rejected() {
    for bit in 0..WINDOWS * WINDOW_BITS {
        let mut row = Row::random(2);
        row.wires[Gate::BITS + bit] = F::TWO;
        row.refill();
        let (window, bit) = (bit / WINDOW_BITS, bit % WINDOW_BITS);
        assert_eq!(row.broken(), [bits_constraints(window) + bit]);
    }
}

/// Another bit of s with points and slopes to match is another s; with those of the first it is nothing.
#[test]
fn a_bit_of_s_is_free_but_binds_the_row() {
    for wire in [Gate::wire_scalar_bit(0, 0, 1), Gate::wire_scalar_bit(1, 1, 2)] {
        let mut row = Row::random(3);
        row.wires[wire] = F::ONE - row.wires[wire];
        assert!(!row.broken().is_empty());
        row.refill();
        assert!(row.broken().is_empty());
    }
}

/// A digit of e other than what is collected, with points and slopes to match.
#[test]
fn digits_that_are_not_collected_are_rejected() {
    for window in 0..WINDOWS {
        for wire in [Gate::wire_sign(window), Gate::wire_triple(window)] {
            let mut row = Row::random(4);
            let collected = row.wires[Gate::wire_challenge_out()];
            row.wires[wire] = F::ONE - row.wires[wire];
            row.refill();
            assert!(row.broken().is_empty(), "another challenge is a row of its own");
            row.wires[Gate::wire_challenge_out()] = collected;
            assert_eq!(row.broken(), [CHALLENGE_CONSTRAINT]);
        }
    }
}

/// A slope of the forger's choice, everything after it to match: only the line's condition catches it.
#[test]
fn tampered_slopes_are_rejected() {
    for step in 0..STEPS {
        let mut row = Row::random(5);
        row.forge_slope(step, [F(1), F(2), F(3), F(4), F(5)]);
        let first = slope_constraints(WINDOWS - 1, step);
        assert_eq!(row.broken(), (first..first + COORDINATES).collect::<Vec<_>>(), "step {step}");
    }
}

/// The forger above, given the honest slope, forges nothing: it is the slope that is rejected.
#[test]
fn the_honest_slope_is_accepted() {
    let mut row = Row::random(5);
    let honest = row.wires.clone();
    let first = Gate::wires_slope(WINDOWS - 1, 2);
    row.forge_slope(2, core::array::from_fn(|i| honest[first + i]));
    assert_eq!(row.wires, honest);
}

/// Another point between the windows, or after them, with all that follows from it to match.
#[test]
fn tampered_accumulators_are_rejected() {
    for window in 0..WINDOWS {
        let mut row = Row::random(6);
        let first = Gate::wires_accumulator(window + 1);
        let honest: Vec<F> = row.wires.clone();
        row.put(first, GENERATOR.into());
        if window + 1 < WINDOWS {
            // The next window, honestly from the wrong point.
            let mut next = Row { wires: row.wires.clone(), ..row };
            let slope = Affine::from(GENERATOR).double().unwrap().0;
            next.forge_slope(0, slope.0);
            row = next;
        }
        assert_ne!(row.wires, honest);
        let first = point_constraints(window);
        assert_eq!(row.broken(), (first..first + POINT_WIRES).collect::<Vec<_>>(), "window {window}");
    }
}

/// The exceptional case that the argument in the gate's header excludes: doubling frees no slope, but adding
/// a point to itself does. Here H is made such that it happens.
#[test]
fn adding_a_point_to_itself_frees_the_slope() {
    let mut row = Row::random(7);
    let last = WINDOWS - 1;
    row.wires[Gate::wire_sign(last)] = F::ONE;
    row.wires[Gate::wire_triple(last)] = F::ZERO;
    row.refill();
    // The accumulator before the last step, as H of that window only: the first window would need H too.
    let mut field = Packed::<F>::new();
    let mut point = Point::from_wires(|wire| row.wires[wire], Gate::wires_accumulator(last));
    for step in 0..STEPS - 1 {
        let slope = core::array::from_fn(|i| row.wires[Gate::wires_slope(last, step) + i]);
        (_, point) = match row.addend(last, step) {
            None => quintic::double(&mut field, point, slope),
            Some(other) => quintic::chord(&mut field, point, other, slope),
        };
    }
    row.put(Gate::wires_half_key(), point.into());
    row.forge_slope(STEPS - 1, [F(9); COORDINATES]);
    let last_window = bits_constraints(last)..CHALLENGE_CONSTRAINT;
    assert!(row.broken().iter().all(|place| !last_window.contains(place)));
}
