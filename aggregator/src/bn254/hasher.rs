//! The hash of Merkle trees and the transcript, as plonky2 asks for it.

use ark_bn254::Fr;
use ark_ff::AdditiveGroup;
use plonky2::plonk::config::Hasher;
use sheaf_circuits::hash::F;

use super::node::{two_to_one, Node, NODE_BYTES};
use super::packing::{pack, PACKED_ELEMENTS};
use super::poseidon::LEAF;
use super::transcript::TranscriptPermutation;

/// Elements of r that a permutation of [`hash_elements`] absorbs.
pub const LEAF_RATE: usize = 8;
/// Elements of F that it absorbs.
pub const LEAF_RATE_ELEMENTS: usize = LEAF_RATE * PACKED_ELEMENTS;

/// The hash of any number of elements of F.
///
/// A sponge of width 9. The capacity begins as the number of elements, the rate as zero. Elements are packed three to
/// one, the last group filled up with zeros; a permutation overwrites the rate's first places with up to eight of these,
/// and leaves the others as the permutation before left them. The hash is the capacity in the end. With no elements there
/// is still one permutation.
pub fn hash_elements(elements: &[F]) -> Fr {
    let mut state = [Fr::ZERO; 1 + LEAF_RATE];
    state[0] = Fr::from(elements.len() as u64);
    let mut blocks = elements.chunks(LEAF_RATE_ELEMENTS).peekable();
    loop {
        for (place, group) in state[1..].iter_mut().zip(blocks.next().unwrap_or_default().chunks(PACKED_ELEMENTS)) {
            *place = pack(group);
        }
        if blocks.peek().is_none() {
            return LEAF.permute_to_first(&state);
        }
        state = LEAF.permute(&state);
    }
}

/// The hash of any number of elements of r: the same sponge, which begins with 2^64 + the number of elements in its
/// capacity, so that it is not a hash of elements of F.
pub fn hash_scalars(elements: &[Fr]) -> Fr {
    let mut state = [Fr::ZERO; 1 + LEAF_RATE];
    state[0] = Fr::from((1u128 << 64) + elements.len() as u128);
    for block in elements.chunks(LEAF_RATE) {
        state[1..=block.len()].copy_from_slice(block);
        state = LEAF.permute(&state);
    }
    state[0]
}

/// Poseidon over r.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bn254Hash;

impl Hasher<F> for Bn254Hash {
    const HASH_SIZE: usize = NODE_BYTES;
    type Hash = Node;
    type Permutation = TranscriptPermutation;

    fn hash_no_pad(input: &[F]) -> Node {
        Node::Single(hash_elements(input))
    }

    /// Always a hash: bytes of elements would not be a node.
    fn hash_or_noop(input: &[F]) -> Node {
        Self::hash_no_pad(input)
    }

    fn two_to_one(left: Node, right: Node) -> Node {
        two_to_one(left, right)
    }
}

#[cfg(test)]
mod tests {
    use plonky2::field::types::Field;
    use plonky2::hash::merkle_proofs::verify_merkle_proof_to_cap;
    use plonky2::hash::merkle_tree::MerkleTree;

    use super::*;

    fn elements(count: u64) -> Vec<F> {
        (0..count).map(F::from_canonical_u64).collect()
    }

    #[test]
    fn a_hash_is_told_step_by_step() {
        // 25 elements: a full block, and one element of r more.
        let input = elements(25);
        let mut state: [Fr; 9] = std::array::from_fn(|i| match i {
            0 => Fr::from(25u64),
            _ => pack(&input[3 * i - 3..3 * i]),
        });
        state = LEAF.permute_textbook(state);
        state[1] = pack(&input[24..]);
        assert_eq!(hash_elements(&input), LEAF.permute_textbook(state)[0]);
    }

    #[test]
    fn lengths_and_zeros_matter() {
        let zeros = vec![F::ZERO; 60];
        let hashes: Vec<_> = (0..=zeros.len()).map(|count| hash_elements(&zeros[..count])).collect();
        for (i, one) in hashes.iter().enumerate() {
            assert!(hashes[..i].iter().all(|other| other != one));
        }
    }

    #[test]
    fn trees_of_arity_four_open_at_every_leaf() {
        let leaves: Vec<_> = (0..64).map(|i| elements(i + 1)).collect();
        for cap_height in [0, 1, 2] {
            let tree = MerkleTree::<F, Bn254Hash>::new(leaves.clone(), cap_height);
            assert!(tree.cap.0.iter().all(|node| node.is_pair() == Node::is_pair_at(6 - cap_height)));
            for (i, leaf) in leaves.iter().enumerate() {
                let path = tree.prove(i);
                verify_merkle_proof_to_cap(leaf.clone(), i, &tree.cap, &path).unwrap();
                for (level, node) in path.siblings.iter().enumerate() {
                    assert_eq!(node.is_pair(), Node::is_pair_at(level));
                }
                verify_merkle_proof_to_cap(leaf.clone(), i ^ 1, &tree.cap, &path).unwrap_err();
            }
        }
    }

    #[test]
    fn a_path_with_a_node_of_another_kind_does_not_verify() {
        let leaves: Vec<_> = (0..16).map(|i| elements(i + 1)).collect();
        let tree = MerkleTree::<F, Bn254Hash>::new(leaves.clone(), 0);
        for level in 0..4 {
            let mut path = tree.prove(5);
            path.siblings[level] = match path.siblings[level] {
                Node::Single(a) => Node::Pair(a, a),
                Node::Pair(a, _) => Node::Single(a),
            };
            verify_merkle_proof_to_cap(leaves[5].clone(), 5, &tree.cap, &path).unwrap_err();
        }
    }
}
