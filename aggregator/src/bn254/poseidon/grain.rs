//! Poseidon's constants, drawn as its paper says (eprint 2019/458, appendix F): from a self-shrinking shift register of
//! 80 bits that begins with the instance's parameters. So nothing is committed to, and nobody chose them.
//!
//! The register's recurrence, the order of drawing (round constants, then the matrix) and the treatment of numbers at or
//! above r (round constants are drawn again, the matrix's are reduced) are those of the reference implementation, whose
//! constants circomlib uses.

use ark_bn254::Fr;
use ark_ff::{Field, PrimeField};

use super::{Matrix, FULL_ROUNDS};

/// Bits of the register.
const STATE_BITS: usize = 80;
/// Bits thrown away at the start.
const WARM_UP_BITS: usize = 160;
/// Bits of r.
const FIELD_BITS: usize = Fr::MODULUS_BIT_SIZE as usize;

/// The register.
pub(super) struct Grain {
    state: [bool; STATE_BITS],
    first: usize,
}

impl Grain {
    /// The register of an instance over r with S-box x⁵.
    pub fn new(width: usize, partial_rounds: usize) -> Self {
        // A prime field, and the S-box x^alpha; both have number 1 and 0 in the reference.
        let fields = [(1, 2), (0, 4), (FIELD_BITS, 12), (width, 12), (FULL_ROUNDS, 10), (partial_rounds, 10)];
        let bits = fields.into_iter().flat_map(|(value, bits)| (0..bits).rev().map(move |bit| value >> bit & 1 == 1));
        let mut bits = bits.chain(std::iter::repeat(true));
        let state = std::array::from_fn(|_| bits.next().expect("endless"));
        let mut grain = Self { state, first: 0 };
        (0..WARM_UP_BITS).for_each(|_| _ = grain.clock());
        grain
    }

    /// All round constants, by round.
    pub fn round_constants<const T: usize>(&mut self, rounds: usize) -> Vec<[Fr; T]> {
        (0..rounds).map(|_| std::array::from_fn(|_| self.below_r())).collect()
    }

    /// The Cauchy matrix 1 / (x_i + y_j). To be drawn after the round constants.
    pub fn matrix<const T: usize>(&mut self) -> Matrix<T> {
        let x: [Fr; T] = std::array::from_fn(|_| self.reduced());
        let y: [Fr; T] = std::array::from_fn(|_| self.reduced());
        x.map(|x| y.map(|y| (x + y).inverse().expect("the reference has no such case for these widths")))
    }

    fn clock(&mut self) -> bool {
        let bit = [62, 51, 38, 23, 13, 0].iter().fold(false, |bit, tap| bit ^ self.state[self.at(*tap)]);
        self.state[self.first] = bit;
        self.first = self.at(1);
        bit
    }

    fn at(&self, position: usize) -> usize {
        (self.first + position) % STATE_BITS
    }

    /// Of two bits the second, if the first is set; else of the next two.
    fn bit(&mut self) -> bool {
        loop {
            let (keep, bit) = (self.clock(), self.clock());
            if keep {
                return bit;
            }
        }
    }

    /// A number of as many bits as r, highest first, as little-endian bytes.
    fn number(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for bit in (0..FIELD_BITS).rev() {
            bytes[bit / 8] |= u8::from(self.bit()) << (bit % 8);
        }
        bytes
    }

    fn reduced(&mut self) -> Fr {
        Fr::from_le_bytes_mod_order(&self.number())
    }

    fn below_r(&mut self) -> Fr {
        loop {
            let bytes = self.number();
            if let Some(value) = super::super::packing::from_canonical_bytes(&bytes) {
                return value;
            }
        }
    }
}
