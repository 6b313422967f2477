//! Signatures in circuits.
//!
//! # Statement
//!
//! For a public key Q and R, both encoded as w = y/x, and a message m: Q is in the group, and there is an
//! s with R = sG + eQ, where h = H("sf.sig", R, Q, m) and e = h₀ + 2^64·h₁ in canonical integers.
//!
//! # Where inputs come from
//!
//! Q and m are the caller's targets. R is a witness, and so are the bits of s, which are wires of the rows
//! below; [`SignatureTarget::set`] gives both. All else is computed.
//!
//! # Layout
//!
//! ```text
//!   rows        holds                                                      gate
//!   2           h = H(tag, R, Q, m), 15 elements                           PoseidonGate
//!   1           Q ─▶ H, 3H, start; end ─▶ R; h₀, h₁ canonical              SignatureEndsGate
//!   16          windows of h₁'s bits, upper first   0 ─▶ u₁ ─▶ h₁          SignatureGate
//!   16          windows of h₀'s bits                0 ─▶ u₀ ─▶ h₀          SignatureGate
//!   1           key hash H("sf.key", Q), in `key_hash`                     PoseidonGate
//! ```
//!
//! The accumulator of a row is wired to the next row's; H and 3H to all rows.
//!
//! # Row budget
//!
//! 35 rows for a signature ([`ROWS`]) and 1 for the key's hash ([`KEY_HASH_ROWS`]), of at most 45 in all.
//! Constants (the tags, zero) are shared by the whole circuit.
//!
//! # Not checked here
//!
//! That Q is the account's key: the caller compares [`key_hash`] with the header. What m holds: the
//! transaction. A slot without a transaction needs a signature like any other: of any key, as its
//! comparison is then off.
//!
//! A signature is evidence against the owner of its key and nobody else: see
//! [`crate::gates::signature`].

use anyhow::Result;
use plonky2::field::types::{Field, PrimeField64};
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::hash::poseidon::PoseidonHash;
use plonky2::iop::generator::{GeneratedValues, SimpleGenerator};
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartitionWitness, Witness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::util::serialization::gate_serialization::log;
use plonky2::util::serialization::{Buffer, IoResult, Read, Write};
use plonky2::with_context;

use crate::gates::custom::AsGate;
use crate::gates::quintic::DEGREE as COORDINATES;
use crate::gates::signature::witness::sign_and_triple;
use crate::gates::signature::{SignatureGate, BLOCK_BITS, CHALLENGE_BITS, SCALAR_BLOCKS, WINDOWS};
use crate::gates::signature_ends::{SignatureEndsGate, CHALLENGE_ELEMENTS};
use crate::hash::{D, DIGEST_LEN, F};

use super::{PublicKey, Signature, CHALLENGE_TAG, KEY_TAG};

#[cfg(test)]
mod tests;

/// Bits of e, and of s in each of its blocks, that a row takes.
const ROW_BITS: usize = WINDOWS * CHALLENGE_BITS;
/// Rows of the chain.
const CHAIN_ROWS: usize = BLOCK_BITS / ROW_BITS;
/// Rows that collect one element of the challenge.
const ELEMENT_ROWS: usize = CHAIN_ROWS / CHALLENGE_ELEMENTS;

/// Rows of [`verify_signature`]: the chain, its ends, two permutations for the challenge.
pub const ROWS: usize = CHAIN_ROWS + 1 + 2;
/// Rows of [`key_hash`].
pub const KEY_HASH_ROWS: usize = 1;

/// A coordinate pair's targets: x, then y.
type PointTarget = [Target; 2 * COORDINATES];

/// The witness of a signature in a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignatureTarget {
    /// The key's encoding: the caller's targets.
    public_key: [Target; COORDINATES],
    /// R, encoded.
    r: [Target; COORDINATES],
    /// The first row of the chain, which holds the most significant bits.
    chain_row: usize,
}

/// H("sf.key", Q): what an account's header holds of its public key.
pub fn key_hash(builder: &mut CircuitBuilder<F, D>, public_key: [Target; COORDINATES]) -> HashOutTarget {
    with_context!(builder, "key hash", {
        let tag = builder.constant(F::from_canonical_u64(KEY_TAG));
        let input = [tag].into_iter().chain(public_key).collect();
        builder.hash_n_to_hash_no_pad::<PoseidonHash>(input)
    })
}

/// Proves that there is a signature of `message` under `public_key`; returns the targets of its witness.
pub fn verify_signature(
    builder: &mut CircuitBuilder<F, D>,
    public_key: [Target; COORDINATES],
    message: [Target; DIGEST_LEN],
) -> SignatureTarget {
    with_context!(builder, "signature", {
        let r = builder.add_virtual_target_arr();
        let challenge = challenge(builder, r, public_key, message);
        let ends_row = builder.add_gate(AsGate(SignatureEndsGate), vec![]);
        let chain_row = add_chain(builder, ends_row);
        let target = SignatureTarget { public_key, r, chain_row };

        let ends = |wire| Target::wire(ends_row, wire);
        for i in 0..COORDINATES {
            builder.connect(public_key[i], ends(SignatureEndsGate::wires_key() + i));
            builder.connect(r[i], ends(SignatureEndsGate::wires_r() + i));
        }
        for (element, hash) in challenge.into_iter().enumerate() {
            builder.connect(hash, ends(SignatureEndsGate::wire_challenge(element)));
        }
        builder.add_simple_generator(ChallengeGenerator { chain_row, challenge });
        target
    })
}

/// h₀ and h₁.
fn challenge(
    builder: &mut CircuitBuilder<F, D>,
    r: [Target; COORDINATES],
    public_key: [Target; COORDINATES],
    message: [Target; DIGEST_LEN],
) -> [Target; CHALLENGE_ELEMENTS] {
    let tag = builder.constant(F::from_canonical_u64(CHALLENGE_TAG));
    let input = [tag].into_iter().chain(r).chain(public_key).chain(message).collect();
    let hash = builder.hash_n_to_hash_no_pad::<PoseidonHash>(input);
    core::array::from_fn(|element| hash.elements[element])
}

/// Adds the chain's rows and joins them to each other and to the ends. Returns the first.
fn add_chain(builder: &mut CircuitBuilder<F, D>, ends_row: usize) -> usize {
    let rows: [usize; CHAIN_ROWS] = core::array::from_fn(|_| builder.add_gate(AsGate(SignatureGate), vec![]));
    let zero = builder.zero();
    let half_key = point(ends_row, SignatureEndsGate::wires_half_key());
    let triple_half_key = point(ends_row, SignatureEndsGate::wires_triple_half_key());
    let mut accumulator = point(ends_row, SignatureEndsGate::wires_start());
    let mut collected = zero;

    for (i, row) in rows.into_iter().enumerate() {
        if i % ELEMENT_ROWS == 0 {
            collected = zero;
        }
        builder.connect_array(accumulator, point(row, SignatureGate::wires_accumulator(0)));
        builder.connect_array(half_key, point(row, SignatureGate::wires_half_key()));
        builder.connect_array(triple_half_key, point(row, SignatureGate::wires_triple_half_key()));
        builder.connect(collected, Target::wire(row, SignatureGate::wire_challenge_in()));

        accumulator = point(row, SignatureGate::wires_accumulator(WINDOWS));
        collected = Target::wire(row, SignatureGate::wire_challenge_out());
        // The upper element's bits come first.
        let element = CHALLENGE_ELEMENTS - 1 - i / ELEMENT_ROWS;
        let wire = match i % ELEMENT_ROWS + 1 {
            HALF_ELEMENT_ROWS => SignatureEndsGate::wire_challenge_upper(element),
            ELEMENT_ROWS => SignatureEndsGate::wire_challenge(element),
            _ => continue,
        };
        builder.connect(collected, Target::wire(ends_row, wire));
    }
    builder.connect_array(accumulator, point(ends_row, SignatureEndsGate::wires_end()));
    rows[0]
}

/// Rows after which the upper 32 bits of an element are collected.
const HALF_ELEMENT_ROWS: usize = ELEMENT_ROWS / 2;
const _: () = assert!(HALF_ELEMENT_ROWS * ROW_BITS == 32);

fn point(row: usize, first_wire: usize) -> PointTarget {
    core::array::from_fn(|i| Target::wire(row, first_wire + i))
}

impl SignatureTarget {
    /// Gives the circuit the key and the signature. Nothing is verified here: a signature that is not valid
    /// has no proof.
    ///
    /// # Errors
    ///
    /// If a target has another value already.
    pub fn set(&self, witness: &mut impl WitnessWrite<F>, public_key: &PublicKey, signature: &Signature) -> Result<()> {
        witness.set_target_arr(&self.public_key, &public_key.elements())?;
        witness.set_target_arr(&self.r, &signature.r)?;
        // s as an integer; the chain has room for more bits than n, which stay zero.
        let s = signature.s.limbs();
        for bit in 0..BLOCK_BITS {
            let (row, window, shift) = self.place(bit);
            for block in 0..SCALAR_BLOCKS {
                let index = block * BLOCK_BITS + bit;
                let value = s.get(index / 64).map_or(0, |limb| limb >> (index % 64) & 1);
                let wire = SignatureGate::wire_scalar_bit(window, shift, block);
                witness.set_target(Target::wire(row, wire), F::from_canonical_u64(value))?;
            }
        }
        Ok(())
    }

    /// The row and window that take a bit of e or of a block of s, and which bit of the window's it is.
    fn place(&self, bit: usize) -> (usize, usize, usize) {
        let from_top = (BLOCK_BITS - 1 - bit) / CHALLENGE_BITS;
        (self.chain_row + from_top / WINDOWS, from_top % WINDOWS, bit % CHALLENGE_BITS)
    }
}

/// Gives the chain the bits of the challenge.
#[derive(Clone, Debug)]
pub struct ChallengeGenerator {
    chain_row: usize,
    challenge: [Target; CHALLENGE_ELEMENTS],
}

impl Default for ChallengeGenerator {
    fn default() -> Self {
        Self { chain_row: 0, challenge: [Target::wire(0, 0); CHALLENGE_ELEMENTS] }
    }
}

impl SimpleGenerator<F, D> for ChallengeGenerator {
    fn id(&self) -> String {
        "sheaf.ChallengeGenerator".to_string()
    }

    fn dependencies(&self) -> Vec<Target> {
        self.challenge.to_vec()
    }

    fn run_once(&self, witness: &PartitionWitness<F>, out: &mut GeneratedValues<F>) -> Result<()> {
        let elements = self.challenge.map(|target| witness.get_target(target).to_canonical_u64());
        for i in 0..CHAIN_ROWS * WINDOWS {
            let low_bit = BLOCK_BITS - CHALLENGE_BITS * (i + 1);
            let bits = elements[low_bit / 64] >> (low_bit % 64) & ((1 << CHALLENGE_BITS) - 1);
            let (sign, triple) = sign_and_triple(bits);
            let (row, window) = (self.chain_row + i / WINDOWS, i % WINDOWS);
            let wire = |wire| Target::wire(row, wire);
            out.set_target(wire(SignatureGate::wire_sign(window)), F::from_bool(sign))?;
            out.set_target(wire(SignatureGate::wire_triple(window)), F::from_bool(triple))?;
        }
        Ok(())
    }

    fn serialize(&self, dst: &mut Vec<u8>, _: &CommonCircuitData<F, D>) -> IoResult<()> {
        dst.write_usize(self.chain_row)?;
        dst.write_target_array(&self.challenge)
    }

    fn deserialize(src: &mut Buffer, _: &CommonCircuitData<F, D>) -> IoResult<Self> {
        Ok(Self { chain_row: src.read_usize()?, challenge: src.read_target_array()? })
    }
}
