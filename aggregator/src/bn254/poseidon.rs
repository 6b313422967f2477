//! Poseidon over BN254's scalar field r: the permutations of circomlib, whose constants the reference implementation
//! draws. S-box x⁵, eight full rounds, and as many partial ones as below.
//!
//! | | width | partial rounds | for |
//! | --- | --- | --- | --- |
//! | [`NODE`] | 5 | 60 | nodes of Merkle trees, the transcript |
//! | [`LEAF`] | 9 | 63 | leaves |
//!
//! A round adds its constants, raises to the fifth power (all elements in the first and last four rounds, the first
//! element in those between), and multiplies by the matrix: new_i = Σ_j M\[i\]\[j\]·old_j. [`Poseidon::permute_textbook`]
//! does just that. [`Poseidon::permute`] comes to the same by way of a recurrence over the partial rounds and of sums that
//! are reduced once, in a third of the time at width 5 and a sixth at width 9.
//!
//! In a state the capacity comes first, as in circomlib.

mod dot;
mod grain;
mod recurrence;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};

use self::dot::{dot, element, fifth_power, limbs, Limbs};
use self::grain::Grain;
use self::recurrence::Recurrence;

/// Rounds with an S-box on every element: half of them first, half last.
pub const FULL_ROUNDS: usize = 8;
const HALF_FULL_ROUNDS: usize = FULL_ROUNDS / 2;
/// Partial rounds at width 5.
pub const NODE_PARTIAL_ROUNDS: usize = 60;
/// Partial rounds at width 9.
pub const LEAF_PARTIAL_ROUNDS: usize = 63;

/// A matrix, by rows.
pub type Matrix<const T: usize> = [[Fr; T]; T];

/// Width 5.
pub static NODE: LazyLock<Poseidon<5>> = LazyLock::new(|| Poseidon::new(NODE_PARTIAL_ROUNDS));
/// Width 9.
pub static LEAF: LazyLock<Poseidon<9>> = LazyLock::new(|| Poseidon::new(LEAF_PARTIAL_ROUNDS));

/// A permutation of T elements: its constants, and what follows from them.
pub struct Poseidon<const T: usize> {
    round_constants: Vec<[Fr; T]>,
    matrix: Matrix<T>,
    /// The matrix, in Montgomery form.
    rows: [[Limbs; T]; T],
    /// The constants that are added after the matrix in the first four rounds and in the last four.
    first_plus: [[Limbs; T]; HALF_FULL_ROUNDS],
    last_plus: [[Limbs; T]; HALF_FULL_ROUNDS],
    partial_rounds: Recurrence,
}

impl<const T: usize> Poseidon<T> {
    fn new(partial_rounds: usize) -> Self {
        let mut grain = Grain::new(T, partial_rounds);
        let round_constants = grain.round_constants(FULL_ROUNDS + partial_rounds);
        let matrix = grain.matrix();
        let recurrence = Recurrence::new(&matrix, &round_constants, partial_rounds);

        let mut first_plus: [_; HALF_FULL_ROUNDS] = std::array::from_fn(|round| round_constants[round + 1].map(limbs));
        // Constants of partial rounds are the recurrence's, and enter by the first element.
        first_plus[HALF_FULL_ROUNDS - 1] = [[0; 4]; T];
        first_plus[HALF_FULL_ROUNDS - 1][0] = limbs(recurrence.first_plus);
        let after = |round| round_constants.get(HALF_FULL_ROUNDS + partial_rounds + round + 1).copied();
        let last_plus = std::array::from_fn(|round| after(round).unwrap_or([Fr::ZERO; T]).map(limbs));
        Self {
            rows: matrix.map(|row| row.map(limbs)),
            matrix,
            round_constants,
            first_plus,
            last_plus,
            partial_rounds: recurrence,
        }
    }

    /// What each round adds, in order: four full rounds, the partial ones, four full ones.
    pub fn round_constants(&self) -> &[[Fr; T]] {
        &self.round_constants
    }

    /// The matrix that ends each round.
    pub fn matrix(&self) -> &Matrix<T> {
        &self.matrix
    }

    /// The permutation.
    pub fn permute(&self, state: &[Fr; T]) -> [Fr; T] {
        self.run(state)
    }

    /// The first element of the permuted state.
    pub fn permute_to_first(&self, state: &[Fr; T]) -> Fr {
        let [first] = self.run(state);
        first
    }

    /// The permutation as its definition has it.
    pub fn permute_textbook(&self, mut state: [Fr; T]) -> [Fr; T] {
        let rounds = self.round_constants.len();
        for (round, constants) in self.round_constants.iter().enumerate() {
            state = std::array::from_fn(|i| state[i] + constants[i]);
            let is_full = round < HALF_FULL_ROUNDS || round >= rounds - HALF_FULL_ROUNDS;
            for element in state.iter_mut().take(if is_full { T } else { 1 }) {
                *element *= element.square().square();
            }
            state = self.matrix.map(|row| row.iter().zip(&state).map(|(a, b)| *a * b).sum());
        }
        state
    }

    /// The first OUT elements of the permuted state.
    #[inline(always)]
    fn run<const OUT: usize>(&self, state: &[Fr; T]) -> [Fr; OUT] {
        let mut state: [Limbs; T] = std::array::from_fn(|i| limbs(state[i] + self.round_constants[0][i]));
        for plus in &self.first_plus {
            state = self.full_round(&state, plus);
        }
        self.partial_rounds.run(&mut state);
        for plus in &self.last_plus[..HALF_FULL_ROUNDS - 1] {
            state = self.full_round(&state, plus);
        }
        self.full_round::<OUT>(&state, &self.last_plus[HALF_FULL_ROUNDS - 1]).map(element)
    }

    /// S-boxes, matrix, and the constants that follow; the first OUT elements.
    #[inline(always)]
    fn full_round<const OUT: usize>(&self, state: &[Limbs; T], plus: &[Limbs; T]) -> [Limbs; OUT] {
        let powers = state.each_ref().map(fifth_power);
        std::array::from_fn(|i| dot(&self.rows[i], &powers, &[], &[], &plus[i]))
    }
}
