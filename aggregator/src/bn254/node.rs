//! The digests of Merkle trees: trees of arity 4 inside plonky2's binary ones.
//!
//! ```text
//!   level 0        a      b      c      d        Single: hashes of leaves
//!                   \    /        \    /
//!   level 1        (a, b)        (c, d)          Pair: nothing is hashed
//!                        \      /
//!   level 2        compress(a, b, c, d)          Single
//! ```
//!
//! A node over two singles is the pair of them, and one over two pairs is their compression: half of the levels cost
//! nothing. In a tree over leaves of equal depth, which plonky2's are, the kind of a node follows from its level.
//!
//! *A node over two kinds* is in no tree that is made of leaves, so only a malformed proof has one. It is compressed with
//! another capacity, Poseidon(1, a, b, c, 0)\[0\] over a and (b, c) and Poseidon(2, a, b, c, 0)\[0\] over (a, b) and c, so
//! that a digest still binds what is below it, whatever kinds a proof's siblings and caps are of: no kind opens a way
//! round the hash. Besides, such proofs are refused ([`check_kinds`](super::kinds::check_kinds)), because a circuit that
//! verifies these trees knows the kinds by their level.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field, PrimeField};
use plonky2::plonk::config::GenericHashOut;
use serde::{de, Deserialize, Deserializer, Serialize, Serializer};
use sheaf_circuits::hash::F;

use super::packing::{digits, from_canonical_bytes, to_bytes};
use super::poseidon::NODE;

/// Bytes of a node: its kind, and two elements of r, the second zero in a single.
pub const NODE_BYTES: usize = 1 + 2 * ELEMENT_BYTES;
const ELEMENT_BYTES: usize = 32;

/// A digest in a tree, or a cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    /// One element: a leaf's hash, or the compression of four.
    Single(Fr),
    /// Two digests side by side, left and right.
    Pair(Fr, Fr),
}

impl Node {
    /// Whether it is a pair.
    pub fn is_pair(&self) -> bool {
        matches!(self, Self::Pair(..))
    }

    /// Whether nodes that many levels above the leaves are pairs.
    pub const fn is_pair_at(level: usize) -> bool {
        level % 2 == 1
    }

    /// Reads what [`GenericHashOut::to_bytes`] wrote; nothing if it did not write these bytes.
    pub fn from_canonical_bytes(bytes: &[u8; NODE_BYTES]) -> Option<Self> {
        let element = |bytes: &[u8]| from_canonical_bytes(bytes.try_into().expect("32 bytes"));
        let (kind, elements) = bytes.split_first().expect("not empty");
        let (first, second) = elements.split_at(ELEMENT_BYTES);
        match (kind, element(first)?, element(second)?) {
            (0, first, second) if second == Fr::ZERO => Some(Self::Single(first)),
            (1, first, second) => Some(Self::Pair(first, second)),
            _ => None,
        }
    }
}

/// The node over two.
pub(super) fn two_to_one(left: Node, right: Node) -> Node {
    use Node::{Pair, Single};
    let compress = |capacity: Fr, [a, b, c, d]: [Fr; 4]| Single(NODE.permute_to_first(&[capacity, a, b, c, d]));
    match (left, right) {
        (Single(a), Single(b)) => Pair(a, b),
        (Pair(a, b), Pair(c, d)) => compress(Fr::ZERO, [a, b, c, d]),
        // In no tree: see the module's documentation.
        (Single(a), Pair(b, c)) => compress(Fr::ONE, [a, b, c, Fr::ZERO]),
        (Pair(a, b), Single(c)) => compress(Fr::ONE.double(), [a, b, c, Fr::ZERO]),
    }
}

impl Default for Node {
    fn default() -> Self {
        Self::Single(Fr::ZERO)
    }
}

impl GenericHashOut<F> for Node {
    /// Kind (0 single, 1 pair), then two elements, little-endian.
    fn to_bytes(&self) -> Vec<u8> {
        let (kind, first, second) = match *self {
            Self::Single(a) => (0, a, Fr::ZERO),
            Self::Pair(a, b) => (1, a, b),
        };
        [&[kind][..], &to_bytes(first), &to_bytes(second)].concat()
    }

    /// Takes any bytes, because plonky2 expects no failure: elements are reduced mod r, and what is written back then
    /// differs. Whoever reads bytes from others uses [`Node::from_canonical_bytes`].
    fn from_bytes(bytes: &[u8]) -> Self {
        let element = |i: usize| {
            let from = 1 + ELEMENT_BYTES * i;
            Fr::from_le_bytes_mod_order(bytes.get(from..from + ELEMENT_BYTES).unwrap_or_default())
        };
        match bytes.first() {
            Some(1) => Self::Pair(element(0), element(1)),
            _ => Self::Single(element(0)),
        }
    }

    /// What the transcript absorbs: the digits of each element, 4 elements of F or 8.
    fn to_vec(&self) -> Vec<F> {
        match *self {
            Self::Single(a) => digits(a).to_vec(),
            Self::Pair(a, b) => [digits(a), digits(b)].concat(),
        }
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.to_bytes())
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<De: Deserializer<'de>>(deserializer: De) -> Result<Self, De::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Node;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                write!(f, "the {NODE_BYTES} bytes of a node")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Node, E> {
                let node = bytes.try_into().ok().and_then(Node::from_canonical_bytes);
                node.ok_or_else(|| E::invalid_value(de::Unexpected::Bytes(bytes), &self))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
                let mut bytes = Vec::with_capacity(NODE_BYTES);
                while let Some(byte) = seq.next_element()? {
                    if bytes.len() == NODE_BYTES {
                        return Err(de::Error::invalid_length(NODE_BYTES + 1, &self));
                    }
                    bytes.push(byte);
                }
                self.visit_bytes(&bytes)
            }
        }
        deserializer.deserialize_bytes(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use ark_ff::BigInteger;

    use super::*;

    fn nodes() -> [Node; 3] {
        let [a, b] = [Fr::from(5u64), -Fr::ONE];
        [Node::Single(a), Node::Single(b), Node::Pair(a, b)]
    }

    #[test]
    fn bytes_round_trip() {
        for node in nodes() {
            let bytes = node.to_bytes();
            assert_eq!(Node::from_bytes(&bytes), node);
            assert_eq!(Node::from_canonical_bytes(&bytes.try_into().unwrap()), Some(node));
            let json = serde_json::to_string(&node).unwrap();
            assert_eq!(serde_json::from_str::<Node>(&json).unwrap(), node);
            let bytes = postcard::to_stdvec(&node).unwrap();
            assert_eq!(postcard::from_bytes::<Node>(&bytes).unwrap(), node);
        }
    }

    #[test]
    fn other_bytes_are_refused_and_never_panic() {
        let valid: [u8; NODE_BYTES] = Node::Single(Fr::ONE).to_bytes().try_into().unwrap();
        let mut kind = valid;
        kind[0] = 2;
        let mut second = valid;
        second[1 + ELEMENT_BYTES] = 1;
        let mut above = valid;
        above[1..1 + ELEMENT_BYTES].copy_from_slice(&Fr::MODULUS.to_bytes_le());
        for bytes in [kind, second, above, [0xff; NODE_BYTES]] {
            assert_eq!(Node::from_canonical_bytes(&bytes), None);
            assert_ne!(Node::from_bytes(&bytes).to_bytes(), bytes);
            assert!(postcard::from_bytes::<Node>(&postcard::to_stdvec(&bytes[..]).unwrap()).is_err());
        }
        assert!(postcard::from_bytes::<Node>(&postcard::to_stdvec(&valid[1..]).unwrap()).is_err());
        Node::from_bytes(&[1, 2, 3]);
    }

    #[test]
    fn nodes_over_all_kinds_differ() {
        let [a, b, pair] = nodes();
        let over: Vec<_> =
            [(a, b), (pair, pair), (a, pair), (pair, a)].iter().map(|(l, r)| two_to_one(*l, *r)).collect();
        assert_eq!(over[0], Node::Pair(Fr::from(5u64), -Fr::ONE));
        for (i, one) in over.iter().enumerate() {
            assert!(over[..i].iter().all(|other| other != one));
        }
    }
}
