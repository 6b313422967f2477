use plonky2::field::extension::quintic::QuinticExtension;
use plonky2::field::types::{Field, Field64, PrimeField64, Sample};
use plonky2::gates::gate_testing::{test_eval_fns, test_low_degree};
use plonky2::plonk::config::PoseidonGoldilocksConfig as C;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::super::affine::Affine;
use super::super::custom::testing::{accepts, constraints, recursive_rows};
use super::super::custom::AsGate;
use super::*;
use crate::curve::field::Fp5;
use crate::curve::{self, Scalar};

const D: usize = 2;
type Gate = SignatureEndsGate;

#[test]
fn low_degree() {
    test_low_degree::<F, _, D>(AsGate(SignatureEndsGate));
}

#[test]
fn evaluations_agree() -> anyhow::Result<()> {
    test_eval_fns::<F, C, _, D>(AsGate(SignatureEndsGate))
}

#[test]
fn size() {
    assert_eq!(Gate::END_OF_ROUTED, 54);
    assert_eq!(SignatureEndsGate.num_wires(), 76);
    assert_eq!(SignatureEndsGate.num_constraints(), 57);
    assert_eq!(constraints(&SignatureEndsGate, &Row::random(0).wires).len(), 57);
}

#[test]
fn recursive_verifier() {
    assert_eq!(recursive_rows(&SignatureEndsGate), 60);
}

/// A row and what it was made from.
struct Row {
    wires: Vec<F>,
    key: curve::Point,
    r: curve::Point,
}

impl Row {
    /// An honest row of a random key, R and challenge.
    fn random(seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut point = || {
            let scalar = Scalar::from_elements(&[(); 6].map(|()| F::sample(&mut random)));
            curve::Point::mul_generator(scalar)
        };
        let (key, r) = (point(), point());
        let mut row = Self { wires: vec![F::ZERO; Gate::WIRES], key, r };
        row.put_element(Gate::wires_key(), key.encode());
        row.fill_start();
        row.end_in(r);
        for i in 0..CHALLENGE_ELEMENTS {
            row.put_challenge(i, F::sample(&mut random));
        }
        row
    }

    fn put_element(&mut self, first: usize, element: Fp5) {
        self.wires[first..first + COORDINATES].copy_from_slice(&element.0);
    }

    fn put_point(&mut self, first: usize, point: Affine) {
        self.put_element(first, point.x);
        self.put_element(first + COORDINATES, point.y);
    }

    fn point(&self, first: usize) -> Affine {
        Point::from_wires(|wire| self.wires[wire], first).into()
    }

    fn fill_start(&mut self) {
        let inputs = self.wires.clone();
        let set = |wire: usize, value| {
            self.wires[wire] = value;
            Ok(())
        };
        witness::fill_start(|wire| inputs[wire], set).unwrap();
    }

    fn fill_end(&mut self) {
        let inputs = self.wires.clone();
        let set = |wire: usize, value| {
            self.wires[wire] = value;
            Ok(())
        };
        witness::fill_end(|wire| inputs[wire], set).unwrap();
    }

    /// Lets the chain end in `r`, whatever its start.
    fn end_in(&mut self, r: curve::Point) {
        let (_, end) = self.point(Gate::wires_start()).chord(&r.into()).unwrap();
        self.put_point(Gate::wires_end(), end);
        self.put_element(Gate::wires_r(), r.encode());
        self.fill_end();
    }

    fn put_challenge(&mut self, i: usize, challenge: F) {
        self.wires[Gate::wire_challenge(i)] = challenge;
        self.wires[Gate::wire_challenge_upper(i)] = F(challenge.to_canonical_u64() >> 32);
        self.fill_end();
    }

    /// What follows from a half key that may be anything, with slopes and points to match.
    fn forge_half_key(&mut self, half_key: Affine) {
        let (double_slope, double) = half_key.double().unwrap();
        let (triple_slope, triple) = half_key.chord(&double).unwrap();
        let (start_slope, start) = start_offset().chord(&half_key).unwrap();
        self.put_point(Gate::wires_half_key(), half_key);
        self.put_point(Gate::wires_triple_half_key(), triple);
        self.put_point(Gate::wires_start(), start);
        self.put_element(Gate::wires_slope(Line::Double), double_slope);
        self.put_element(Gate::wires_slope(Line::Triple), triple_slope);
        self.put_element(Gate::wires_slope(Line::Start), start_slope);
        self.end_in(self.r);
    }

    /// The places of the constraints that do not hold, in groups of five.
    fn broken(&self) -> Vec<usize> {
        let values = constraints(&SignatureEndsGate, &self.wires);
        let mut places: Vec<_> = (0..values.len()).filter(|&i| values[i].is_nonzero()).collect();
        places.iter_mut().for_each(|place| *place /= COORDINATES);
        places.dedup();
        places
    }
}

/// Groups of constraints, in their order.
const CURVE: usize = 0;
const DOUBLE: usize = 1;
const KEY: usize = 2;
const TRIPLE: [usize; 3] = [3, 4, 5];
const START: [usize; 3] = [6, 7, 8];
const END: usize = 9;
const R: usize = 10;
const CHALLENGE: usize = 11;

/// The point of order two.
const TWO_TORSION: Affine =
    Affine { x: QuinticExtension([F(0); COORDINATES]), y: QuinticExtension([F(0); COORDINATES]) };

/// P + (0, 0): on the curve, outside the group.
fn outside(point: curve::Point) -> Affine {
    let (x, y) = point.outside_twin().unwrap();
    Affine { x, y }
}

#[test]
fn honest_rows_are_accepted_and_mean_what_the_gate_says() {
    for seed in 0..20 {
        let row = Row::random(seed);
        assert!(accepts(&SignatureEndsGate, &row.wires));
        let half = row.point(Gate::wires_half_key());
        let half_key = curve::Point::new(half.x, half.y).unwrap();
        assert_eq!(half_key.double(), row.key);
        assert_eq!(row.point(Gate::wires_triple_half_key()), (half_key + row.key).into());
        let start = half_key + curve::AUXILIARY.double();
        assert_eq!(row.point(Gate::wires_start()), start.into());
        assert_eq!(row.point(Gate::wires_end()), (start + row.r).into());
    }
}

#[test]
fn every_wire_is_bound() {
    let honest = Row::random(1).wires;
    // The row takes any canonical challenge: the chain and the hash bind it.
    let challenges = [0, 1].map(Gate::wire_challenge);
    for wire in (0..honest.len()).filter(|wire| !challenges.contains(wire)) {
        for change in [F::ONE, F::NEG_ONE, F(0x1234_5678_9abc)] {
            let mut wires = honest.clone();
            wires[wire] += change;
            assert!(!accepts(&SignatureEndsGate, &wires), "wire {wire} changed by {change}");
        }
    }
}

/// One wire of each kind, and the constraint that must catch it.
#[test]
fn what_catches_what() {
    for (wire, places) in [
        (Gate::wires_key(), vec![KEY]),
        (Gate::wires_triple_half_key(), vec![TRIPLE[1]]),
        (Gate::wires_triple_half_key() + COORDINATES, vec![TRIPLE[2]]),
        (Gate::wires_start() + COORDINATES, vec![START[2], END]),
        (Gate::wires_r(), vec![R]),
        (Gate::wires_slope(Line::Start), vec![START[0], START[1], START[2]]),
        (Gate::wires_slope(Line::End), vec![END, R]),
        (Gate::wire_challenge_upper(0), vec![CHALLENGE]),
    ] {
        let mut row = Row::random(2);
        row.wires[wire] += F::ONE;
        assert_eq!(row.broken(), places, "wire {wire}");
    }
}

#[test]
fn another_key_is_rejected() {
    let mut row = Row::random(3);
    row.forge_half_key(Row::random(4).point(Gate::wires_half_key()));
    assert_eq!(row.broken(), [KEY]);
}

/// The key's encoding w also belongs to −Q + (0, 0), which the line y = wx meets too. A half of it does
/// not exist on the curve; off the curve, where it does, the curve equation catches it.
#[test]
fn half_keys_off_the_curve_are_rejected() {
    let mut row = Row::random(5);
    let mut half_key = row.point(Gate::wires_half_key());
    half_key.y += Fp5::ONE;
    row.forge_half_key(half_key);
    assert_eq!(row.broken(), [CURVE, KEY]);
    // With an encoding to match it is only the curve.
    let (_, double) = half_key.double().unwrap();
    row.put_element(Gate::wires_key(), double.y / double.x);
    assert_eq!(row.broken(), [CURVE]);
}

/// Q + (0, 0) is named by no encoding: its w is that of −Q, so with it the row speaks about −Q.
#[test]
fn keys_outside_the_group_are_read_as_keys_of_the_group() {
    let mut row = Row::random(6);
    let twin = outside(row.key);
    assert_eq!(twin.y / twin.x, (-row.key).encode());
    row.put_element(Gate::wires_key(), twin.y / twin.x);
    assert_eq!(row.broken(), [KEY]);
    row.fill_start();
    row.end_in(row.r);
    assert!(row.broken().is_empty());
    let half = row.point(Gate::wires_half_key());
    assert_eq!(curve::Point::new(half.x, half.y).unwrap().double(), -row.key);
}

/// The other half of Q, H + (0, 0), serves as well: the chain's end then has (0, 0) as its start has.
#[test]
fn either_half_of_the_key_is_accepted() {
    let mut row = Row::random(7);
    let half = row.point(Gate::wires_half_key());
    let half_key = curve::Point::new(half.x, half.y).unwrap();
    row.forge_half_key(outside(half_key));
    assert!(row.broken().is_empty());
    let (_, double) = row.point(Gate::wires_half_key()).double().unwrap();
    assert_eq!(double, row.key.into());
}

/// With H = (0, 0) the tangent's condition is 0 = 263z, for any slope; and w = 0 is no key's encoding.
#[test]
fn the_point_of_order_two_is_rejected() {
    for slope in [Fp5::ZERO, Fp5::ONE, QuinticExtension([F(5), F(4), F(3), F(2), F(1)])] {
        let mut row = Row::random(8);
        row.put_point(Gate::wires_half_key(), TWO_TORSION);
        row.put_element(Gate::wires_slope(Line::Double), slope);
        assert!(row.broken().contains(&DOUBLE));
    }
    let mut row = Row::random(8);
    row.put_element(Gate::wires_key(), Fp5::ZERO);
    assert_eq!(row.broken(), [KEY]);
    assert!(curve::Point::decode(Fp5::ZERO).is_err());
}

#[test]
fn another_r_is_rejected() {
    let mut row = Row::random(9);
    let other = Row::random(10).r;
    for encoding in [other.encode(), -row.r.encode(), Fp5::ZERO] {
        row.put_element(Gate::wires_r(), encoding);
        assert_eq!(row.broken(), [R]);
    }
}

/// R neutral: the end is the start, and the line's condition is 0 = 2y, for any slope.
#[test]
fn the_neutral_r_is_rejected() {
    let mut row = Row::random(11);
    let start = row.point(Gate::wires_start());
    row.put_point(Gate::wires_end(), start);
    for slope in [Fp5::ZERO, Fp5::ONE, QuinticExtension([F(5), F(4), F(3), F(2), F(1)])] {
        row.put_element(Gate::wires_slope(Line::End), slope);
        assert!(row.broken().contains(&END));
    }
}

#[test]
fn canonical_challenges_are_accepted() {
    // The largest element has all ones above and zeros below.
    for value in [0, 1, 0xffff_fffe, 0xffff_ffff, 0x1_0000_0000, 0xffff_fffe_ffff_ffff, F::ORDER - 1] {
        for i in 0..CHALLENGE_ELEMENTS {
            let mut row = Row::random(12);
            row.put_challenge(i, F(value));
            assert!(row.broken().is_empty(), "{value}");
        }
    }
}

/// value + p, where it is below 2^64, as the chain would collect it: 2^32 − 1 above, value + 1 below.
#[test]
fn challenges_that_are_not_canonical_are_rejected() {
    for value in [0, 1, 77, 0xffff_fffe_u64] {
        let twin = value.checked_add(F::ORDER).unwrap();
        for i in 0..CHALLENGE_ELEMENTS {
            for inverse in [F::ZERO, F::ONE, F(twin)] {
                let mut row = Row::random(13);
                row.wires[Gate::wire_challenge(i)] = F(value);
                row.wires[Gate::wire_challenge_upper(i)] = F(twin >> 32);
                row.wires[Gate::wire_inverse(i)] = inverse;
                assert_eq!(row.broken(), [CHALLENGE], "{value}");
            }
        }
    }
}
