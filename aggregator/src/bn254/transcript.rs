//! The permutation of the transcript.
//!
//! ```text
//!   absorb    capacity   rate: 12 elements of F, packed three to one of r
//!                │        │        │        │        │
//!             ┌──▼────────▼────────▼────────▼────────▼──┐
//!             │            Poseidon of width 5          │
//!             └──┬────────┬────────┬────────┬────────┬──┘
//!   squeeze   capacity  3 digits 3 digits   not used
//! ```
//!
//! 12 elements go in at a time, and 6 come out, which plonky2's challenger uses from the last to the first. The rate is
//! zero after each permutation, so what is not overwritten by the next block is zero.
//!
//! The three lower digits to base p of a uniform element of r are uniform, but for a factor of 1 ± p³/r = 1 ± 2^-61.

use ark_bn254::Fr;
use plonky2::field::types::Field;
use plonky2::hash::hashing::PlonkyPermutation;
use sheaf_circuits::hash::F;

use super::packing::{digits, pack, PACKED_ELEMENTS};
use super::poseidon::NODE;

/// Elements of F that a permutation absorbs.
pub const ABSORBED: usize = 4 * PACKED_ELEMENTS;
/// Digits that are taken of an element of r.
pub const DIGITS_TAKEN: usize = 3;
/// Elements of F that come out of a permutation.
pub const SQUEEZED: usize = 2 * DIGITS_TAKEN;

/// The state of the transcript's sponge. It begins as all zeros.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TranscriptPermutation {
    capacity: Fr,
    rate: [F; ABSORBED],
    output: [F; SQUEEZED],
}

impl AsRef<[F]> for TranscriptPermutation {
    fn as_ref(&self) -> &[F] {
        &self.rate
    }
}

/// The elements of F that can be set are those of the rate.
impl PlonkyPermutation<F> for TranscriptPermutation {
    const RATE: usize = ABSORBED;
    const WIDTH: usize = ABSORBED;

    fn new<I: IntoIterator<Item = F>>(elements: I) -> Self {
        let mut state = Self::default();
        state.set_from_iter(elements, 0);
        state
    }

    fn set_elt(&mut self, element: F, index: usize) {
        self.rate[index] = element;
    }

    fn set_from_iter<I: IntoIterator<Item = F>>(&mut self, elements: I, start: usize) {
        for (place, element) in self.rate[start..].iter_mut().zip(elements) {
            *place = element;
        }
    }

    fn set_from_slice(&mut self, elements: &[F], start: usize) {
        self.set_from_iter(elements.iter().copied(), start);
    }

    fn permute(&mut self) {
        let packed = |i: usize| pack(&self.rate[PACKED_ELEMENTS * i..PACKED_ELEMENTS * (i + 1)]);
        let state = NODE.permute(&[self.capacity, packed(0), packed(1), packed(2), packed(3)]);
        self.capacity = state[0];
        for (output, element) in self.output.chunks_exact_mut(DIGITS_TAKEN).zip(&state[1..]) {
            output.copy_from_slice(&digits(*element)[..DIGITS_TAKEN]);
        }
        self.rate = [F::ZERO; ABSORBED];
    }

    /// The 6 elements of the output, not as many as are absorbed. Zero before the first permutation.
    fn squeeze(&self) -> &[F] {
        &self.output
    }
}

#[cfg(test)]
mod tests {
    use plonky2::iop::challenger::Challenger;

    use super::super::hasher::Bn254Hash;
    use super::*;

    fn elements(count: u64) -> Vec<F> {
        (1..=count).map(F::from_canonical_u64).collect()
    }

    /// plonky2's challenger, told step by step with Poseidon alone.
    #[test]
    fn the_challenger_absorbs_twelve_and_squeezes_six() {
        let mut challenger = Challenger::<F, Bn254Hash>::new();
        challenger.observe_elements(&elements(14));
        let challenges = challenger.get_n_challenges(7);

        let packed = |from: u64| pack(&[0, 1, 2].map(|i| F::from_canonical_u64(from + i)));
        let zero = Fr::from(0u64);
        let first = NODE.permute(&[zero, packed(1), packed(4), packed(7), packed(10)]);
        let second = NODE.permute(&[first[0], pack(&[13, 14].map(F::from_canonical_u64)), zero, zero, zero]);
        let third = NODE.permute(&[second[0], zero, zero, zero, zero]);
        let [a, b] = [digits(second[1]), digits(second[2])];
        assert_eq!(challenges, [b[2], b[1], b[0], a[2], a[1], a[0], digits(third[2])[2]]);
    }

    #[test]
    fn whatever_is_not_absorbed_is_zero() {
        let mut once = TranscriptPermutation::new(elements(12));
        once.permute();
        let mut again = once;
        again.set_from_slice(&[F::ZERO; 3], 0);
        assert_eq!(once, again);
        assert_eq!(once.as_ref(), [F::ZERO; ABSORBED]);
    }
}
