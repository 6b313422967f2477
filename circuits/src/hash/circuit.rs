//! The circuit twin of [`crate::hash`]. Every permutation is one row.

use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::hash::hashing::PlonkyPermutation;
use plonky2::hash::poseidon::PoseidonHash;
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::config::AlgebraicHasher;

use super::{D, DIGEST_LEN, F};

/// The builder of every circuit here.
pub type Builder = CircuitBuilder<F, D>;

type Permutation = <PoseidonHash as AlgebraicHasher<F>>::AlgebraicPermutation;

/// H of the eight elements of a cell. One row.
pub fn hash_cell(builder: &mut Builder, elements: [Target; 8]) -> HashOutTarget {
    builder.hash_n_to_hash_no_pad::<PoseidonHash>(elements.to_vec())
}

/// H of `node` and `sibling`, with `node` on the right if `is_right`. One row: the gate itself swaps, and constrains
/// `is_right` to be boolean.
pub fn hash_node(
    builder: &mut Builder,
    node: HashOutTarget,
    sibling: HashOutTarget,
    is_right: BoolTarget,
) -> HashOutTarget {
    let zero = builder.zero();
    let mut state = Permutation::new(std::iter::repeat(zero));
    state.set_from_slice(&node.elements, 0);
    state.set_from_slice(&sibling.elements, DIGEST_LEN);
    let output = PoseidonHash::permute_swapped(state, is_right, builder);
    digest(&output.squeeze()[..DIGEST_LEN])
}

/// H of `tag` and `elements`. A row for each eight, the tag counted.
pub fn hash_tagged(builder: &mut Builder, tag: u64, elements: &[Target]) -> HashOutTarget {
    let tag = builder.constant(F::from_canonical_u64(tag));
    let input = std::iter::once(tag).chain(elements.iter().copied()).collect();
    builder.hash_n_to_hash_no_pad::<PoseidonHash>(input)
}

/// One step of the chain of published blocks, as [`crate::availability::absorb`]. One row.
pub fn absorb(builder: &mut Builder, commit: HashOutTarget, block: [Target; 8]) -> HashOutTarget {
    let state = Permutation::new(block.into_iter().chain(commit.elements));
    let output = builder.permute::<PoseidonHash>(state);
    digest(&output.as_ref()[8..])
}

fn digest(elements: &[Target]) -> HashOutTarget {
    HashOutTarget { elements: elements.try_into().expect("four elements") }
}
