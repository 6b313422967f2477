//! The set of circuits whose proofs a join accepts.
//!
//! A Merkle tree of H with a fixed number of levels. A leaf is H(tag, cap of constants and sigmas, circuit digest): both,
//! because plonky2's verifier takes the two independently. The digest goes into the transcript and the cap into the
//! Merkle checks, so whoever could pair an honest digest with a cap of his own would prove with constraints of his own.
//!
//! The join is in the set with the lifts, and takes the set's root from its public inputs: so no circuit contains its own
//! digest, and a new chunk shape, which is a new lift, changes neither the join nor the other lifts.
//!
//! ```text
//!   index   0      1            2            3            4            …
//!           join   shape 0, 1   shape 0, 2   shape 1, 1   shape 1, 2   …      (lift of a shape, of 1 or 2 chunks)
//! ```
//!
//! An unused leaf is zero, of which no preimage is known.

pub mod circuit;

use plonky2::plonk::circuit_data::VerifierOnlyCircuitData;
use serde::{Deserialize, Serialize};
use sheaf_circuits::hash::{hash_node, hash_tagged, tag, Digest, C, D, F};

/// Levels between a leaf and the root: room for 32 circuits. A level costs a join two rows.
pub const SET_DEPTH_LEVELS: usize = 5;
/// How many circuits fit.
pub const SET_CAPACITY: usize = 1 << SET_DEPTH_LEVELS;
/// The most chunk proofs that one lift takes.
pub const LIFT_CHUNKS_MAX: usize = 2;
/// How many chunk shapes fit.
pub const SHAPES_MAX: usize = (SET_CAPACITY - 1) / LIFT_CHUNKS_MAX;
/// Tag of a leaf.
pub const TAG_CIRCUIT: u64 = tag("sf.circ");

/// Which circuit of the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CircuitIndex(u8);

impl CircuitIndex {
    /// The join.
    pub const JOIN: Self = Self(0);

    /// The circuit at `index`, if the set is as large as that.
    pub fn new(index: usize) -> Option<Self> {
        (index < SET_CAPACITY).then_some(Self(index as u8))
    }

    /// The lift of `chunks` chunks of shape `shape`.
    ///
    /// # Panics
    ///
    /// When there is no such lift in any set: 1 or 2 chunks, and at most [`SHAPES_MAX`] shapes.
    pub fn lift(shape: usize, chunks: usize) -> Self {
        assert!(shape < SHAPES_MAX && (1..=LIFT_CHUNKS_MAX).contains(&chunks), "lift of {chunks} of shape {shape}");
        Self((LIFT_CHUNKS_MAX * shape + chunks) as u8)
    }

    /// The position in the set.
    pub fn get(self) -> usize {
        self.0.into()
    }
}

/// The leaf of a circuit.
pub fn leaf(verifier_only: &VerifierOnlyCircuitData<C, D>) -> Digest {
    hash_tagged(TAG_CIRCUIT, &leaf_elements(verifier_only))
}

/// The cap's digests in order, then the circuit digest.
fn leaf_elements(verifier_only: &VerifierOnlyCircuitData<C, D>) -> Vec<F> {
    let cap = verifier_only.constants_sigmas_cap.0.iter();
    cap.chain([&verifier_only.circuit_digest]).flat_map(|hash| hash.elements).collect()
}

/// The tree, levels from the leaves up to the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedSet {
    levels: Vec<Vec<Digest>>,
}

impl AllowedSet {
    /// The set of these circuits; `None` leaves an index unused.
    ///
    /// # Panics
    ///
    /// When there are more than [`SET_CAPACITY`].
    pub fn new<'a>(circuits: impl IntoIterator<Item = Option<&'a VerifierOnlyCircuitData<C, D>>>) -> Self {
        let mut leaves: Vec<_> = circuits.into_iter().map(|circuit| circuit.map_or(Digest::ZERO, leaf)).collect();
        assert!(leaves.len() <= SET_CAPACITY, "{} circuits, at most {SET_CAPACITY} fit", leaves.len());
        leaves.resize(SET_CAPACITY, Digest::ZERO);
        let mut levels = vec![leaves];
        while levels.len() <= SET_DEPTH_LEVELS {
            let below = &levels[levels.len() - 1];
            let level = below.chunks_exact(2).map(|pair| hash_node(pair[0], pair[1])).collect();
            levels.push(level);
        }
        Self { levels }
    }

    /// The root, which proofs carry.
    pub fn root(&self) -> Digest {
        self.levels[SET_DEPTH_LEVELS][0]
    }

    /// The digests beside the way from a leaf to the root, the leaf's first.
    pub fn path(&self, index: CircuitIndex) -> [Digest; SET_DEPTH_LEVELS] {
        std::array::from_fn(|level| self.levels[level][(index.get() >> level) ^ 1])
    }
}

#[cfg(test)]
mod tests {
    use plonky2::field::types::Field;
    use plonky2::hash::hash_types::HashOut;
    use plonky2::hash::merkle_tree::MerkleCap;

    use super::*;

    /// Verifier data made of counted numbers.
    pub(super) fn circuit(seed: u64) -> VerifierOnlyCircuitData<C, D> {
        let hash =
            |i: u64| HashOut { elements: std::array::from_fn(|j| F::from_canonical_u64(seed + 4 * i + j as u64)) };
        VerifierOnlyCircuitData {
            constants_sigmas_cap: MerkleCap((0..16).map(hash).collect()),
            circuit_digest: hash(99),
        }
    }

    #[test]
    fn paths_lead_to_the_root() {
        let circuits: Vec<_> = (0..7).map(|i| circuit(1000 * i)).collect();
        let set = AllowedSet::new(circuits.iter().map(Some));
        for (i, circuit) in circuits.iter().enumerate() {
            let index = CircuitIndex::new(i).unwrap();
            let root = set.path(index).into_iter().enumerate().fold(leaf(circuit), |node, (level, sibling)| {
                if i >> level & 1 == 0 {
                    hash_node(node, sibling)
                } else {
                    hash_node(sibling, node)
                }
            });
            assert_eq!(root, set.root());
        }
    }

    #[test]
    fn a_leaf_binds_cap_and_digest() {
        let honest = circuit(0);
        let mut other_cap = honest.clone();
        other_cap.constants_sigmas_cap.0[15].elements[3] += F::ONE;
        let mut other_digest = honest.clone();
        other_digest.circuit_digest.elements[0] += F::ONE;
        assert_ne!(leaf(&honest), leaf(&other_cap));
        assert_ne!(leaf(&honest), leaf(&other_digest));
    }

    #[test]
    fn indices_are_distinct_and_fit() {
        let lifts = (0..SHAPES_MAX).flat_map(|shape| (1..=LIFT_CHUNKS_MAX).map(move |n| CircuitIndex::lift(shape, n)));
        let indices: Vec<_> = [CircuitIndex::JOIN].into_iter().chain(lifts).map(CircuitIndex::get).collect();
        assert_eq!(indices, (0..indices.len()).collect::<Vec<_>>());
        assert!(indices.len() <= SET_CAPACITY);
        assert_eq!(CircuitIndex::new(SET_CAPACITY), None);
    }

    #[test]
    fn a_new_shape_changes_the_root_only() {
        let circuits: Vec<_> = (0..3).map(|i| circuit(1000 * i)).collect();
        let before = AllowedSet::new(circuits.iter().take(2).map(Some));
        let after = AllowedSet::new(circuits.iter().map(Some));
        assert_ne!(before.root(), after.root());
        assert_eq!(before.levels[0][..2], after.levels[0][..2]);
    }
}
