//! Poseidon over F: the gate of a whole permutation, and the gate of its linear layer.
//!
//! Inputs of S-boxes are wires, so each constraint is linear in seventh powers of wires. Partial rounds are in the fast
//! form that plonky2's gate has; coefficients are reduced mod p as they come, so the state stays a combination of atoms
//! however many rounds it goes through.

use plonky2::field::types::Field;
use plonky2::hash::poseidon::{Poseidon, ALL_ROUND_CONSTANTS, HALF_N_FULL_ROUNDS, N_PARTIAL_ROUNDS, SPONGE_WIDTH};
use sheaf_circuits::hash::{D, F};

use super::super::extension::Extension;
use super::super::field::Residues;
use super::Point;

type State = [Extension; SPONGE_WIDTH];

const SWAP: usize = 2 * SPONGE_WIDTH;
const DELTAS: usize = SWAP + 1;
const FIRST_FULL: usize = DELTAS + 4;
const PARTIAL: usize = FIRST_FULL + SPONGE_WIDTH * (HALF_N_FULL_ROUNDS - 1);
const SECOND_FULL: usize = PARTIAL + N_PARTIAL_ROUNDS;

/// Wires: inputs, outputs, swap, deltas, inputs of S-boxes.
pub fn permutation(field: &mut Residues, at: &Point) -> Vec<Extension> {
    let wires = at.wires;
    let swap = &wires[SWAP];
    let mut constraints = vec![field.extension_square(swap).sub(swap)];
    let mut state: State = std::array::from_fn(|i| wires[i].clone());
    for i in 0..4 {
        let delta = &wires[DELTAS + i];
        constraints.push(field.extension_mul(swap, &wires[i + 4].sub(&wires[i])).sub(delta));
        state[i] = state[i].add(delta);
        state[i + 4] = state[i + 4].sub(delta);
    }

    for round in 0..HALF_N_FULL_ROUNDS {
        add_constants(&mut state, round);
        if round > 0 {
            let inputs = &wires[FIRST_FULL + SPONGE_WIDTH * (round - 1)..];
            take_wires(&mut state, inputs, &mut constraints);
        }
        state = full_layer(field, &state);
    }

    for (element, constant) in state.iter_mut().zip(<F as Poseidon>::FAST_PARTIAL_FIRST_ROUND_CONSTANT) {
        *element = element.add_constant(F::from_canonical_u64(constant));
    }
    state = partial_initial_layer(&state);
    for round in 0..N_PARTIAL_ROUNDS {
        let input = &wires[PARTIAL + round];
        constraints.push(state[0].sub(input));
        state[0] = seventh_power(field, input);
        if round + 1 < N_PARTIAL_ROUNDS {
            let constant = <F as Poseidon>::FAST_PARTIAL_ROUND_CONSTANTS[round];
            state[0] = state[0].add_constant(F::from_canonical_u64(constant));
        }
        state = partial_layer(&state, round);
    }

    for round in 0..HALF_N_FULL_ROUNDS {
        add_constants(&mut state, HALF_N_FULL_ROUNDS + N_PARTIAL_ROUNDS + round);
        take_wires(&mut state, &wires[SECOND_FULL + SPONGE_WIDTH * round..], &mut constraints);
        state = full_layer(field, &state);
    }
    constraints.extend(state.iter().zip(&wires[SPONGE_WIDTH..]).map(|(element, output)| element.sub(output)));
    constraints
}

/// Wires: inputs, outputs, both of the algebra.
pub fn linear_layer(at: &Point) -> Vec<Extension> {
    let outputs: [State; D] = [0, 1].map(|part| mix(&std::array::from_fn(|i| at.wires[D * i + part].clone())));
    let computed = (0..SPONGE_WIDTH).flat_map(|i| [outputs[0][i].clone(), outputs[1][i].clone()]);
    computed.zip(&at.wires[D * SPONGE_WIDTH..]).map(|(computed, wire)| wire.sub(&computed)).collect()
}

fn add_constants(state: &mut State, round: usize) {
    for (element, &constant) in state.iter_mut().zip(&ALL_ROUND_CONSTANTS[SPONGE_WIDTH * round..]) {
        *element = element.add_constant(F::from_canonical_u64(constant));
    }
}

fn take_wires(state: &mut State, wires: &[Extension], constraints: &mut Vec<Extension>) {
    for (element, wire) in state.iter_mut().zip(wires) {
        constraints.push(element.sub(wire));
        *element = wire.clone();
    }
}

fn full_layer(field: &mut Residues, state: &State) -> State {
    mix(&std::array::from_fn(|i| seventh_power(field, &state[i])))
}

/// x⁷, reduced, of an x of at most 66 bits: x³ has some 200 bits and is reduced on the way, and so has (x³)²·x.
fn seventh_power(field: &mut Residues, x: &Extension) -> Extension {
    let square = field.extension_square(x);
    let cube = field.extension_mul_reduced(&square, x);
    let sixth = field.extension_square(&cube);
    field.extension_mul_reduced(&sixth, x)
}

fn mix(state: &State) -> State {
    std::array::from_fn(|row| {
        let circulant = (0..SPONGE_WIDTH).fold(Extension::default(), |sum, i| {
            let coefficient = F::from_canonical_u64(<F as Poseidon>::MDS_MATRIX_CIRC[i]);
            sum.add_scaled(&state[(i + row) % SPONGE_WIDTH], coefficient)
        });
        circulant.add_scaled(&state[row], F::from_canonical_u64(<F as Poseidon>::MDS_MATRIX_DIAG[row]))
    })
}

fn partial_initial_layer(state: &State) -> State {
    std::array::from_fn(|column| match column {
        0 => state[0].clone(),
        _ => (1..SPONGE_WIDTH).fold(Extension::default(), |sum, row| {
            let coefficient = <F as Poseidon>::FAST_PARTIAL_ROUND_INITIAL_MATRIX[row - 1][column - 1];
            sum.add_scaled(&state[row], F::from_canonical_u64(coefficient))
        }),
    })
}

fn partial_layer(state: &State, round: usize) -> State {
    let corner = <F as Poseidon>::MDS_MATRIX_CIRC[0] + <F as Poseidon>::MDS_MATRIX_DIAG[0];
    let row = <F as Poseidon>::FAST_PARTIAL_ROUND_W_HATS[round];
    let column = <F as Poseidon>::FAST_PARTIAL_ROUND_VS[round];
    std::array::from_fn(|i| match i {
        0 => (1..SPONGE_WIDTH).fold(state[0].scale(F::from_canonical_u64(corner)), |sum, j| {
            sum.add_scaled(&state[j], F::from_canonical_u64(row[j - 1]))
        }),
        _ => state[i].add_scaled(&state[0], F::from_canonical_u64(column[i - 1])),
    })
}
