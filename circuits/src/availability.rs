//! Data availability: what a batch publishes on L1, and how the proof is bound to it without an in-circuit keccak.
//!
//! The records of a batch go into two streams of 56-bit words, in batch order. The chunk circuits
//!
//! 1. absorb the record of each transaction slot into a chain, *daCommit*, and
//! 2. evaluate each stream as a polynomial at a point z of F_p², by Horner from (1, 0), so that its length is bound.
//!
//! z is drawn from keccak256(daCommit, keccak256(L1 bytes), keccak256(L2 bytes)). daCommit is fixed before z, so words
//! that differ from the bytes pass with probability about words / 2^128 per try.
//!
//! # The chain
//!
//! A slot absorbs blocks of eight elements: the state of the permutation is (block\[8\], daCommit\[4\]), and the new
//! daCommit is the last four elements of the output. That is the sponge that `hash_no_pad` is, with the capacity shown
//! between blocks: one permutation a block.
//!
//! ```text
//!   first block    head, word 0, word 1, word 2, then four words of a call, or zeros
//!   second block   the eight words of the key hash, or zeros      (only in wide slots)
//!   more blocks    further words of a call, eight a block
//!   head           stream (0 none, 1 L1, 2 L2) + 4 if a key hash follows + 8 · blocks after the first
//!                  + 256 · words after word 2 that a slot for calls publishes
//! ```
//!
//! The head says how many blocks the slot takes and which words go where, so the chain determines both streams.

use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::types::Field;
use plonky2::hash::hashing::PlonkyPermutation;
use plonky2::hash::poseidon::PoseidonPermutation;
use sha3::{Digest as _, Keccak256};
use thiserror::Error;

use crate::hash::{Digest, F};
use crate::transaction::{Published, RecordError, Stream, HEAD_WORDS, WORD_BITS};

/// F_p² = F\[x\]/(x² − 7), the field of the evaluation point.
pub type FExt = QuadraticExtension<F>;

/// Elements of a block of the chain.
pub const BLOCK_LEN: usize = 8;
/// Bytes of a word.
pub const WORD_BYTES: usize = WORD_BITS / 8;
/// Added to the head of a block when a key hash follows.
pub const HEAD_KEYED: u64 = 4;
/// Added to the head of the first block for each block after it.
pub const HEAD_BLOCK: u64 = 8;
/// Added to the head for each word after the third that a slot for calls publishes.
pub const HEAD_EXTRA_WORD: u64 = 256;
/// Words of a call that the first block has room for after the head's three.
pub const FIRST_BLOCK_EXTRA_WORDS: usize = BLOCK_LEN - 1 - HEAD_WORDS;

/// How a slot's blocks are laid out, whatever is in the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockLayout {
    /// Words after the head's that a call in the slot publishes.
    pub extra_words: usize,
    /// Blocks after the first.
    pub more_blocks: usize,
}

impl BlockLayout {
    /// A slot for records without a key hash.
    pub const NARROW: Self = Self { extra_words: 0, more_blocks: 0 };
    /// A slot for every record.
    pub const WIDE: Self = Self { extra_words: 0, more_blocks: 1 };

    /// A slot for calls that publish so many words after the head.
    pub const fn calls(extra_words: usize) -> Self {
        Self { extra_words, more_blocks: extra_words.saturating_sub(FIRST_BLOCK_EXTRA_WORDS).div_ceil(BLOCK_LEN) }
    }

    /// What the head of its first block has in it always.
    pub const fn head(self) -> u64 {
        HEAD_BLOCK * self.more_blocks as u64 + HEAD_EXTRA_WORD * self.extra_words as u64
    }
}

// The parts of a head do not reach into each other: at most 31 blocks after the first.
const _: () = assert!(HEAD_BLOCK * 31 < HEAD_EXTRA_WORD && HEAD_KEYED + 3 < HEAD_BLOCK);

/// One step of the chain.
pub fn absorb(commit: Digest, block: [F; BLOCK_LEN]) -> Digest {
    let input = block.into_iter().chain(commit.0);
    let mut state = PoseidonPermutation::new(input);
    state.permute();
    let output = state.as_ref();
    Digest([output[8], output[9], output[10], output[11]])
}

/// The blocks that a slot absorbs for `record` (nothing for `Noop`).
///
/// # Panics
///
/// When the record does not fit the layout: shapes accept each kind in slots that it fits.
pub fn blocks(record: Option<&Published>, layout: BlockLayout) -> Vec<[F; BLOCK_LEN]> {
    let mut elements = vec![F::ZERO; BLOCK_LEN * (1 + layout.more_blocks)];
    let mut head = layout.head();
    if let Some(published) = record {
        head += published.kind().stream().map_or(0, |stream| stream as u64);
        let words = published.words();
        // A key hash has a block of its own.
        let rest = match published {
            Published::Record(record) if record.key_hash.is_some() => {
                assert!(layout == BlockLayout::WIDE, "a record with a key hash is in a wide slot");
                head += HEAD_KEYED;
                BLOCK_LEN
            }
            Published::Record(_) => 1 + HEAD_WORDS,
            Published::Call(_) => {
                assert!(words.len() == HEAD_WORDS + layout.extra_words, "a call is in a slot of its form");
                1 + HEAD_WORDS
            }
        };
        let places = (1..1 + HEAD_WORDS).chain(rest..);
        for (place, word) in places.zip(words) {
            elements[place] = F::from_canonical_u64(word);
        }
    }
    elements[0] = F::from_canonical_u64(head);
    elements.chunks_exact(BLOCK_LEN).map(|block| block.try_into().expect("eight elements")).collect()
}

/// The words of both streams of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Streams {
    /// The records that the L1 contract reads.
    pub l1: Vec<u64>,
    /// All others.
    pub l2: Vec<u64>,
}

impl Streams {
    /// Appends a record to its stream.
    pub fn push(&mut self, record: &Published) {
        match record.kind().stream() {
            Some(Stream::L1) => self.l1.extend(record.words()),
            Some(Stream::L2) => self.l2.extend(record.words()),
            None => {}
        }
    }

    /// The point z for these streams under `commit`: keccak256 over daCommit (as [`Digest::to_bytes`], the one encoding
    /// of a digest), keccak256 of the L1 bytes and keccak256 of the L2 bytes; its first two big-endian 64-bit numbers,
    /// mod p.
    pub fn point(&self, commit: Digest) -> FExt {
        let mut hasher = Keccak256::new();
        hasher.update(commit.to_bytes());
        hasher.update(Keccak256::digest(to_bytes(&self.l1)));
        hasher.update(Keccak256::digest(to_bytes(&self.l2)));
        let digest = hasher.finalize();
        let half = |i: usize| u64::from_be_bytes(digest[8 * i..8 * i + 8].try_into().expect("eight bytes"));
        QuadraticExtension([half(0), half(1)].map(F::from_noncanonical_u64))
    }
}

/// The evaluation of an empty stream: 1, so that leading zero words count.
pub const EVALUATION_START: FExt = QuadraticExtension([F::ONE, F::ZERO]);

/// Continues the evaluation `so_far` at `z` over `words`: for each word, multiply by z and add it.
pub fn evaluate(so_far: FExt, z: FExt, words: &[u64]) -> FExt {
    words.iter().fold(so_far, |sum, &word| sum * z + FExt::from(F::from_canonical_u64(word)))
}

/// The bytes of a stream: seven a word, big-endian.
pub fn to_bytes(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes().into_iter().skip(8 - WORD_BYTES)).collect()
}

/// The words of a stream's bytes.
pub fn from_bytes(bytes: &[u8]) -> Result<Vec<u64>, StreamError> {
    if !bytes.len().is_multiple_of(WORD_BYTES) {
        return Err(StreamError::Length { got: bytes.len() });
    }
    let word = |bytes: &[u8]| bytes.iter().fold(0, |word, &byte| word << 8 | u64::from(byte));
    Ok(bytes.chunks_exact(WORD_BYTES).map(word).collect())
}

/// The records of a stream. Encoding them again gives the same words.
pub fn decode(stream: Stream, words: &[u64]) -> Result<Vec<Published>, StreamError> {
    let mut records = Vec::with_capacity(words.len() / HEAD_WORDS);
    let mut position = 0;
    while position < words.len() {
        let (record, length) = Published::decode(stream, &words[position..]).map_err(|source| StreamError::Record {
            record: records.len(),
            word: position,
            source,
        })?;
        records.push(record);
        position += length;
    }
    Ok(records)
}

/// Why bytes are not a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum StreamError {
    /// Not a whole number of words.
    #[error("a stream of {got} bytes is not a whole number of words of 7 bytes")]
    Length {
        /// Bytes found.
        got: usize,
    },
    /// A record is wrong.
    #[error("record {record} (at word {word}): {source}")]
    Record {
        /// Which record, counted from 0.
        record: usize,
        /// Where it begins.
        word: usize,
        /// What is wrong with it.
        source: RecordError,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed apart from this crate, as the L1 contract will: keccak256(daCommit ‖ keccak256(l1) ‖ keccak256(l2)).
    #[test]
    fn the_point_is_drawn_from_the_commitment_and_both_streams() {
        let commit = [1, 1 << 32, 0xffff_ffff_0000_0000, 0x0123_4567_89ab_cdef].map(F::from_canonical_u64);
        let streams = Streams { l1: vec![1, 2, 3], l2: vec![(1 << 56) - 1] };
        let z = [0xda4d_29ba_d70c_dd9b, 0x5905_5ba7_a0a7_7c59].map(F::from_canonical_u64);
        assert_eq!(streams.point(Digest(commit)), QuadraticExtension(z));
    }
}
