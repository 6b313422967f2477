//! H, the one hash of the protocol: plonky2's Poseidon over Goldilocks (width 12, rate 8).
//!
//! Three forms are used, and no other:
//!
//! | form | input | permutations |
//! | --- | --- | --- |
//! | [`hash_cell`] | the eight elements of a cell | 1 |
//! | [`hash_node`] | two digests | 1 |
//! | [`hash_tagged`] | a tag, then a number of elements that the tag fixes | ⌈n/8⌉ |
//!
//! Cells and nodes have the same form. They cannot be confused: every tree has a fixed depth, and what a level holds
//! is fixed by its depth. `hash_or_noop` is not used, because it lets four elements pose as their own digest.

pub mod circuit;

use std::fmt;

use plonky2::field::goldilocks_field::GoldilocksField;
use plonky2::field::types::{Field, Field64, PrimeField64};
use plonky2::hash::hash_types::HashOut;
use plonky2::hash::poseidon::PoseidonHash;
use plonky2::plonk::config::{Hasher, PoseidonGoldilocksConfig};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// The Goldilocks field, p = 2^64 − 2^32 + 1.
pub type F = GoldilocksField;
/// Degree of the extension that challenges live in: `F_p² = F[x]/(x² − 7)`.
pub const D: usize = 2;
/// The plonky2 configuration of every circuit here: Poseidon for Merkle trees and Fiat-Shamir.
pub type C = PoseidonGoldilocksConfig;

/// Elements of F in a digest.
pub const DIGEST_LEN: usize = 4;

/// A digest: four elements of F.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Digest(pub [F; DIGEST_LEN]);

impl Digest {
    /// The digest of an absent cell. No preimage of it under H is known.
    pub const ZERO: Self = Self([F::ZERO; DIGEST_LEN]);

    /// Eight numbers of 32 bits: of each element, its upper half, then its lower half.
    pub fn halves(self) -> [u64; 2 * DIGEST_LEN] {
        let elements = self.0.map(|element| element.to_canonical_u64());
        std::array::from_fn(|i| match i % 2 {
            0 => elements[i / 2] >> 32,
            _ => elements[i / 2] & u64::from(u32::MAX),
        })
    }

    /// 32 bytes: the four elements in order, each canonical and little-endian.
    pub fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (chunk, element) in bytes.chunks_exact_mut(8).zip(self.0) {
            chunk.copy_from_slice(&element.to_canonical_u64().to_le_bytes());
        }
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote; refuses elements that are not below p.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, NotCanonical> {
        let mut elements = [F::ZERO; DIGEST_LEN];
        for (position, (chunk, element)) in bytes.chunks_exact(8).zip(&mut elements).enumerate() {
            let value = u64::from_le_bytes(chunk.try_into().expect("chunks of eight"));
            *element = canonical_element(value).ok_or(NotCanonical { position, value })?;
        }
        Ok(Self(elements))
    }
}

/// `value` as an element of F, or nothing when it is p or more.
pub fn canonical_element(value: u64) -> Option<F> {
    (value < F::ORDER).then(|| F::from_canonical_u64(value))
}

/// An element that is not below p: it has a second encoding, so it is refused everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("element {position} is {value}, expected a value below p = 2^64 - 2^32 + 1")]
pub struct NotCanonical {
    /// Which element, counted from 0.
    pub position: usize,
    /// The value found.
    pub value: u64,
}

impl From<HashOut<F>> for Digest {
    fn from(hash: HashOut<F>) -> Self {
        Self(hash.elements)
    }
}

impl From<Digest> for HashOut<F> {
    fn from(digest: Digest) -> Self {
        HashOut { elements: digest.0 }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", hex::encode(self.to_bytes()))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl std::str::FromStr for Digest {
    type Err = DigestFromStrError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| DigestFromStrError::NotHex(text.len()))?;
        Ok(Self::from_bytes(&bytes)?)
    }
}

/// Why a text is not a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DigestFromStrError {
    /// Not 64 hexadecimal digits.
    #[error("a digest is 64 hexadecimal digits, got {0} characters or a character that is none")]
    NotHex(usize),
    /// An element is not below p.
    #[error(transparent)]
    NotCanonical(#[from] NotCanonical),
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.to_bytes().serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<De: Deserializer<'de>>(deserializer: De) -> Result<Self, De::Error> {
        use serde::de::Error;
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse().map_err(De::Error::custom)
        } else {
            Self::from_bytes(&<[u8; 32]>::deserialize(deserializer)?).map_err(De::Error::custom)
        }
    }
}

/// A domain tag as an element of F: the ASCII bytes of `name`, big-endian. At most seven bytes, so it is below p.
pub const fn tag(name: &str) -> u64 {
    let bytes = name.as_bytes();
    assert!(bytes.len() <= 7, "a tag has at most seven bytes");
    let mut value = 0;
    let mut i = 0;
    while i < bytes.len() {
        value = value << 8 | bytes[i] as u64;
        i += 1;
    }
    value
}

/// H of the eight elements of a cell, whatever they are (see [`crate::account::Cell::digest`] for absence).
pub fn hash_cell(elements: &[F; 8]) -> Digest {
    PoseidonHash::hash_no_pad(elements).into()
}

/// H of two digests: an inner node.
pub fn hash_node(left: Digest, right: Digest) -> Digest {
    PoseidonHash::two_to_one(left.into(), right.into()).into()
}

/// H of `tag` and `elements`. How many elements there are must follow from the tag: nothing is padded.
pub fn hash_tagged(tag: u64, elements: &[F]) -> Digest {
    let mut input = Vec::with_capacity(1 + elements.len());
    input.push(F::from_canonical_u64(tag));
    input.extend_from_slice(elements);
    PoseidonHash::hash_no_pad(&input).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_hashes_like_a_cell_of_its_children() {
        let left = Digest([1, 2, 3, 4].map(F::from_canonical_u64));
        let right = Digest([5, 6, 7, 8].map(F::from_canonical_u64));
        let cell = [1, 2, 3, 4, 5, 6, 7, 8].map(F::from_canonical_u64);
        assert_eq!(hash_node(left, right), hash_cell(&cell));
    }

    #[test]
    fn bytes_round_trip_and_refuse_p() {
        let digest = hash_tagged(tag("test"), &[F::ONE]);
        assert_eq!(Digest::from_bytes(&digest.to_bytes()), Ok(digest));
        let mut bytes = [0; 32];
        bytes[8..16].copy_from_slice(&F::ORDER.to_le_bytes());
        assert_eq!(Digest::from_bytes(&bytes), Err(NotCanonical { position: 1, value: F::ORDER }));
        assert_eq!(digest.to_string().parse(), Ok(digest));
    }
}
