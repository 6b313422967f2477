//! The EVM's encoding.

use ark_bn254::{g2, Fq, Fq2, G1Affine};
use ark_ec::short_weierstrass::Affine;
use ark_ec::AffineRepr;
use ark_ff::{BigInteger, Field, PrimeField};
use proptest::prelude::*;

use super::{CIRCUIT, KEY};
use crate::groth16::point::PointProblem;
use crate::groth16::proof::{DecodeProofError, EvmVerifyingKey, Proof, PROOF_BYTES};
use crate::groth16::prove::prove;

fn bytes() -> [u8; PROOF_BYTES] {
    prove(&KEY, &CIRCUIT).unwrap().to_bytes()
}

#[test]
fn bytes_are_words_in_the_order_of_the_precompile() {
    let proof = prove(&KEY, &CIRCUIT).unwrap();
    let bytes = proof.to_bytes();
    let (a, b, c) = (proof.a, proof.b, proof.c);
    let words = [a.x, a.y, b.x.c1, b.x.c0, b.y.c1, b.y.c0, c.x, c.y];
    for (word, bytes) in words.into_iter().zip(bytes.chunks(32)) {
        assert_eq!(word.into_bigint().to_bytes_be(), bytes);
    }
    assert_eq!(Proof::from_bytes(&bytes), Ok(proof));
}

#[test]
fn infinity_is_all_zero_as_for_the_precompile() {
    let proof = Proof { a: G1Affine::zero(), ..prove(&KEY, &CIRCUIT).unwrap() };
    let bytes = proof.to_bytes();
    assert_eq!(bytes[..64], [0; 64]);
    assert_eq!(Proof::from_bytes(&bytes), Ok(proof));
    assert!(KEY.verifying().verify(CIRCUIT.public(), &proof).is_err());
}

#[test]
fn another_length_is_refused() {
    let bytes = bytes();
    for length in [0, 1, 255] {
        assert_eq!(Proof::from_bytes(&bytes[..length]), Err(DecodeProofError::Length { got: length }));
    }
    assert_eq!(Proof::from_bytes(&[0; 257]), Err(DecodeProofError::Length { got: 257 }));
}

#[test]
fn a_coordinate_that_is_not_below_the_modulus_is_refused() {
    let places = [(0, 'A', 0), (32, 'A', 0), (64, 'B', 64), (160, 'B', 64), (192, 'C', 192), (224, 'C', 192)];
    for (at, point, offset) in places {
        let mut bytes = bytes();
        for word in [Fq::MODULUS.to_bytes_be(), vec![0xff; 32]] {
            bytes[at..at + 32].copy_from_slice(&word);
            let problem = PointProblem::NotCanonical;
            assert_eq!(Proof::from_bytes(&bytes), Err(DecodeProofError::Point { point, offset, problem }));
        }
    }
}

#[test]
fn a_point_of_the_twist_outside_the_group_is_refused() {
    let point = (1u64..)
        .filter_map(|x| Affine::<g2::Config>::get_point_from_x_unchecked(Fq2::from(x), true))
        .find(|point| !point.is_in_correct_subgroup_assuming_on_curve())
        .unwrap();
    let bytes = Proof { b: point, ..prove(&KEY, &CIRCUIT).unwrap() }.to_bytes();
    let problem = PointProblem::NotInGroup;
    assert_eq!(Proof::from_bytes(&bytes), Err(DecodeProofError::Point { point: 'B', offset: 64, problem }));
}

#[test]
fn a_negated_point_decodes_and_does_not_verify() {
    let proof = prove(&KEY, &CIRCUIT).unwrap();
    let negated = [Proof { a: -proof.a, ..proof }, Proof { b: -proof.b, ..proof }, Proof { c: -proof.c, ..proof }];
    for proof in negated {
        assert_eq!(Proof::from_bytes(&proof.to_bytes()), Ok(proof));
        assert!(KEY.verifying().verify(CIRCUIT.public(), &proof).is_err());
    }
    let swapped = Proof { a: proof.c, c: proof.a, ..proof };
    assert!(KEY.verifying().verify(CIRCUIT.public(), &swapped).is_err());
}

#[test]
fn no_changed_bit_passes() {
    let honest = bytes();
    for byte in 0..PROOF_BYTES {
        let mut bytes = honest;
        bytes[byte] ^= 1 << (byte % 8);
        // On the curve by chance only, for one in 2^254.
        assert!(Proof::from_bytes(&bytes).is_err(), "byte {byte}");
    }
}

proptest! {
    #[test]
    fn any_bytes_decode_to_one_encoding_or_not_at_all(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(proof) = Proof::from_bytes(&bytes) {
            prop_assert_eq!(&proof.to_bytes()[..], &bytes[..]);
        }
    }
}

#[test]
fn a_verifying_key_is_written_as_the_constructors_numbers() {
    let key = KEY.verifying();
    let evm = EvmVerifyingKey::from(key);
    let word = |element: Fq| format!("0x{}", hex::encode(element.into_bigint().to_bytes_be()));
    assert_eq!(evm.alpha, [word(key.alpha.x), word(key.alpha.y)]);
    let delta = key.delta;
    assert_eq!(evm.delta, [delta.x.c1, delta.x.c0, delta.y.c1, delta.y.c0].map(word));
    assert_eq!(evm.ic1, [word(key.ic[1].x), word(key.ic[1].y)]);
    assert_eq!((evm.origin.as_str(), evm.circuit), ("dev", key.circuit.to_string()));
    let json = serde_json::to_value(EvmVerifyingKey::from(key)).unwrap();
    assert_eq!(json["beta"].as_array().unwrap().len(), 4);
    assert_ne!(Fq::ONE, key.alpha.x);
}
