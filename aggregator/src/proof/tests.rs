use plonky2::field::types::Field64;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::toy::Fixture;

/// Bytes before plonky2's.
const HEADER: usize = 8;

fn decode(bytes: &[u8]) -> Result<Proof, DecodeError> {
    Fixture::get().recursion.verifier().decode(bytes)
}

fn bytes() -> Vec<u8> {
    Fixture::get().neighbours().0.to_bytes()
}

#[test]
fn bytes_round_trip() {
    for proof in [&Fixture::get().neighbours().0, &Fixture::get().neighbours().1] {
        assert_eq!(decode(&proof.to_bytes()).as_ref(), Ok(proof));
    }
}

#[test]
fn another_header_is_refused() {
    let change = |position: usize, byte: u8| {
        let mut bytes = bytes();
        bytes[position] = byte;
        decode(&bytes).unwrap_err()
    };
    assert_eq!(change(0, b'x'), DecodeError::Magic { expected: MAGIC, got: *b"xhfp" });
    assert_eq!(change(4, 2), DecodeError::Version { expected: VERSION, got: 2 });
    assert_eq!(change(6, 1), DecodeError::Profile { expected: Profile::Fast, got: 1 });
    assert_eq!(change(6, 0), DecodeError::Profile { expected: Profile::Fast, got: 0 });
    assert_eq!(change(7, 32), DecodeError::Circuit { index: 32 });
}

#[test]
fn an_element_that_is_not_below_p_is_refused() {
    let mut bytes = bytes();
    let last = bytes.len() - 8;
    for offset in [HEADER, HEADER + 8, last] {
        let kept = bytes[offset..offset + 8].to_vec();
        for value in [F::ORDER, u64::MAX] {
            bytes[offset..offset + 8].copy_from_slice(&value.to_le_bytes());
            assert_eq!(decode(&bytes), Err(DecodeError::NotCanonical { offset, value }));
        }
        bytes[offset..offset + 8].copy_from_slice(&kept);
    }
}

#[test]
fn bytes_left_over_are_refused() {
    let mut bytes = bytes();
    let offset = bytes.len();
    bytes.push(0);
    assert_eq!(decode(&bytes), Err(DecodeError::Trailing { offset, bytes: 1 }));
}

#[test]
fn a_proof_cut_short_is_refused() {
    let bytes = bytes();
    let lengths = (0..HEADER).chain((HEADER..bytes.len()).step_by(997)).chain([bytes.len() - 1]);
    for length in lengths {
        assert!(matches!(decode(&bytes[..length]), Err(DecodeError::Truncated { .. })), "{length} bytes");
    }
}

#[test]
fn a_number_of_public_inputs_beyond_the_bytes_is_refused() {
    let mut bytes = bytes();
    let offset = bytes.len() - 8 * (Fixture::get().neighbours().0.proof.public_inputs.len() + 1);
    bytes[offset..offset + 8].copy_from_slice(&u64::MAX.to_le_bytes());
    assert_eq!(decode(&bytes), Err(DecodeError::Truncated { offset: offset + 8 }));
}

#[test]
fn no_change_of_a_byte_panics_or_passes() {
    let verifier = Fixture::get().recursion.verifier();
    let honest = bytes();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..300 {
        let mut bytes = honest.clone();
        bytes[rng.gen_range(0..honest.len())] ^= 1 << rng.gen_range(0..8);
        if let Ok(proof) = decode(&bytes) {
            assert_eq!(proof.to_bytes(), bytes, "one encoding");
            assert!(verifier.verify(&proof).is_err());
        }
    }
}
