//! Poseidon over r in constraints: three for each S-box whose input is not a constant.
//!
//! Between S-boxes all is linear, so an S-box's input is a linear combination of S-box outputs before it. In partial
//! rounds, where one element of the state is raised to the fifth power, that combination gets one term longer each round;
//! its coefficients do not depend on what is hashed and are found once, in [`Gadget::new`].

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};

use super::r1cs::{Linear, R1cs, Variable};
use crate::bn254::poseidon::{Poseidon, FULL_ROUNDS};

/// A permutation of a width.
pub struct Gadget<const T: usize> {
    parameters: &'static Poseidon<T>,
    /// For each partial round, what goes into the S-box; then what the state is after the last. Coefficients of the
    /// constant 1, of the state before the first partial round, and of the outputs of the partial rounds before.
    partial_inputs: Vec<Vec<Fr>>,
    partial_state: [Vec<Fr>; T],
}

impl<const T: usize> Gadget<T> {
    /// The gadget of these parameters.
    pub fn new(parameters: &'static Poseidon<T>) -> Self {
        let partial_rounds = parameters.round_constants().len() - FULL_ROUNDS;
        let length = 1 + T + partial_rounds;
        // The state as combinations of 1, the state before, and the outputs.
        let mut state: [Vec<Fr>; T] = std::array::from_fn(|i| unit(length, 1 + i));
        let mut partial_inputs = Vec::with_capacity(partial_rounds);
        let first = FULL_ROUNDS / 2;
        for round in 0..partial_rounds {
            for (element, constant) in state.iter_mut().zip(&parameters.round_constants()[first + round]) {
                element[0] += constant;
            }
            partial_inputs.push(std::mem::replace(&mut state[0], unit(length, 1 + T + round)));
            state = std::array::from_fn(|i| {
                let mut mixed = vec![Fr::ZERO; length];
                for (element, coefficient) in state.iter().zip(&parameters.matrix()[i]) {
                    for (sum, value) in mixed.iter_mut().zip(element) {
                        *sum += *value * coefficient;
                    }
                }
                mixed
            });
        }
        Self { parameters, partial_inputs, partial_state: state }
    }

    /// The state after a permutation.
    pub fn permute(&self, r1cs: &mut R1cs, mut state: [Linear; T]) -> [Linear; T] {
        let half = FULL_ROUNDS / 2;
        for round in 0..half {
            state = self.full_round(r1cs, state, round);
        }
        let mut basis = vec![Linear::constant(Fr::ONE)];
        basis.extend(state);
        for input in &self.partial_inputs {
            let input = combine(&basis, input);
            basis.push(fifth_power(r1cs, &input));
        }
        state = std::array::from_fn(|i| combine(&basis, &self.partial_state[i]));
        for round in half + self.partial_inputs.len()..2 * half + self.partial_inputs.len() {
            state = self.full_round(r1cs, state, round);
        }
        state
    }

    fn full_round(&self, r1cs: &mut R1cs, state: [Linear; T], round: usize) -> [Linear; T] {
        let constants = &self.parameters.round_constants()[round];
        let powers: Vec<Linear> = state
            .iter()
            .zip(constants)
            .map(|(element, &constant)| fifth_power(r1cs, &(element + &Linear::constant(constant))))
            .collect();
        std::array::from_fn(|i| combine(&powers, &self.parameters.matrix()[i]))
    }
}

fn unit(length: usize, position: usize) -> Vec<Fr> {
    let mut coefficients = vec![Fr::ZERO; length];
    coefficients[position] = Fr::ONE;
    coefficients
}

/// Σ coefficient · basis
fn combine(basis: &[Linear], coefficients: &[Fr]) -> Linear {
    let mut terms: Vec<(Variable, Fr)> = Vec::with_capacity(basis.len());
    for (linear, &coefficient) in basis.iter().zip(coefficients) {
        terms.extend(linear.terms().iter().map(|&(variable, scale)| (variable, scale * coefficient)));
    }
    Linear::sum(terms)
}

fn fifth_power(r1cs: &mut R1cs, x: &Linear) -> Linear {
    if let Some(constant) = x.as_constant() {
        return Linear::constant(constant.pow([5]));
    }
    let square = r1cs.product(x, x);
    let fourth = r1cs.product(&square, &square);
    r1cs.product(&fourth, x)
}
