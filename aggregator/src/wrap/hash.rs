//! Leaves and nodes of shrink's Merkle trees: the twin of [`crate::bn254`]'s.
//!
//! Trees are of four children a node, inside binary ones: on the way up, every second level only puts two digests side by
//! side. So a digest on a path is one element of r or two, by its level, and the circuit knows which.

use ark_bn254::Fr;
use ark_ff::Field;

use super::poseidon::Gadget;
use super::r1cs::{Linear, R1cs};
use crate::bn254::hasher::LEAF_RATE;
use crate::bn254::packing::PACKED_ELEMENTS;
use crate::bn254::poseidon::{LEAF, NODE};

/// The two permutations.
pub struct Hashes {
    /// Nodes and transcript.
    pub narrow: Gadget<5>,
    /// Leaves.
    pub wide: Gadget<9>,
}

impl Default for Hashes {
    fn default() -> Self {
        Self { narrow: Gadget::new(&NODE), wide: Gadget::new(&LEAF) }
    }
}

/// Up to three numbers below 2^64 in one element: v₀ + v₁·2^64 + v₂·2^128.
pub fn pack_triple(elements: &[Linear]) -> Linear {
    let shift = Fr::from(1u128 << 64);
    elements.iter().zip(0u64..).fold(Linear::zero(), |sum, (element, i)| sum.add_scaled(element, shift.pow([i])))
}

impl Hashes {
    /// The hash of a leaf of numbers below 2^64.
    pub fn leaf(&self, r1cs: &mut R1cs, elements: &[Linear]) -> Linear {
        let packed: Vec<Linear> = elements.chunks(PACKED_ELEMENTS).map(pack_triple).collect();
        self.sponge(r1cs, Fr::from(elements.len() as u64), &packed)
    }

    fn sponge(&self, r1cs: &mut R1cs, capacity: Fr, elements: &[Linear]) -> Linear {
        let mut state: [Linear; LEAF_RATE + 1] = Default::default();
        state[0] = Linear::constant(capacity);
        for block in elements.chunks(LEAF_RATE) {
            state[1..1 + block.len()].clone_from_slice(block);
            state = self.wide.permute(r1cs, state);
        }
        let [digest, ..] = state;
        digest
    }

    /// The hash of elements of r: the same sponge, its capacity begins as 2^64 plus their number.
    pub fn elements(&self, r1cs: &mut R1cs, elements: &[Linear]) -> Linear {
        self.sponge(r1cs, Fr::from((1u128 << 64) + elements.len() as u128), elements)
    }

    /// The hash of four children.
    pub fn node(&self, r1cs: &mut R1cs, children: [Linear; 4]) -> Linear {
        let [a, b, c, d] = children;
        let [digest, ..] = self.narrow.permute(r1cs, [Linear::zero(), a, b, c, d]);
        digest
    }

    /// Follows a path from `leaf` up: for each bit of the index, the lowest first, a sibling of as many elements as the
    /// level has. What comes out has one element after an even number of levels, else two.
    pub fn climb(&self, r1cs: &mut R1cs, leaf: Linear, index: &[Linear], siblings: &[Vec<Linear>]) -> Vec<Linear> {
        assert_eq!(index.len(), siblings.len(), "a sibling for each level");
        let mut digest = vec![leaf];
        for (bit, sibling) in index.iter().zip(siblings) {
            assert_eq!(digest.len(), sibling.len(), "siblings are of one kind");
            let mut left = Vec::with_capacity(digest.len());
            let mut right = Vec::with_capacity(digest.len());
            for (own, other) in digest.iter().zip(sibling) {
                let moved = r1cs.product(bit, &(other - own));
                left.push(own + &moved);
                right.push(other - &moved);
            }
            left.extend(right);
            digest = match left.try_into() {
                Ok(children) => vec![self.node(r1cs, children)],
                Err(pair) => pair,
            };
        }
        digest
    }
}
