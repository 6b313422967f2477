//! The three kinds of check natively at hand (one at a time, many at once, each of many) give one verdict.

use proptest::prelude::*;

use super::*;
use crate::curve::scalar::{limbs_to_bytes, ORDER};
use crate::curve::GENERATOR;

mod vectors;

fn message(i: u64) -> Digest {
    Digest([i, 1, 2, 3].map(F::from_canonical_u64))
}

fn key(i: u8) -> SecretKey {
    SecretKey::from_seed(&[i; 32])
}

fn claim(key: &SecretKey, i: u64) -> Claim {
    Claim { key: *key.public(), message: message(i), signature: key.sign(message(i)) }
}

fn claims(count: usize, keys: u8) -> Vec<Claim> {
    let keys: Vec<_> = (0..keys).map(key).collect();
    (0..count).map(|i| claim(&keys[i % keys.len()], i as u64)).collect()
}

fn verify(claim: &Claim) -> bool {
    claim.key.verify(claim.message, &claim.signature)
}

/// The verdict on a claim alone, after checking that it is the same in any company.
fn verdict(bad: &Claim) -> bool {
    let alone = verify(bad);
    assert_eq!(verify_batch(&[*bad]), alone);
    // Above and below the size from which sums are used, first, in the middle and last.
    for (count, position) in [(2, 1), (40, 0), (40, 17), (40, 39)] {
        let mut claims = claims(count, 5);
        claims[position] = *bad;
        assert_eq!(verify_batch(&claims), alone);
        let verdicts = verify_each(&claims);
        assert!(verdicts.iter().enumerate().all(|(i, &verdict)| verdict == (alone || i != position)));
    }
    alone
}

#[test]
fn honest_signatures_pass() {
    assert!(verify_batch(&[]));
    assert!(verify_each(&[]).is_empty());
    for (count, keys) in [(1, 1), (50, 7), (300, 1), (600, 200)] {
        let claims = claims(count, keys);
        assert!(claims.iter().all(verify));
        assert!(verify_batch(&claims));
        assert_eq!(verify_each(&claims), vec![true; count]);
    }
}

#[test]
fn the_same_claim_may_come_twice() {
    let mut claims = claims(20, 3);
    claims.extend(claims.clone());
    assert!(verify_batch(&claims));
}

#[test]
fn each_part_is_bound() {
    let good = claim(&key(1), 1);
    assert!(verdict(&good));
    for i in 0..4 {
        let mut bad = good;
        bad.message.0[i] += F::ONE;
        assert!(!verdict(&bad));
    }
    let other = claim(&key(2), 2);
    assert!(!verdict(&Claim { key: other.key, ..good }));
    assert!(!verdict(&Claim { signature: other.signature, ..good }));
    assert!(!verdict(&Claim { signature: Signature { s: other.signature.s, ..good.signature }, ..good }));
    assert!(!verdict(&Claim { signature: Signature { r: other.signature.r, ..good.signature }, ..good }));
    assert!(!verdict(&Claim { signature: Signature { s: -good.signature.s, ..good.signature }, ..good }));
    assert!(!verdict(&Claim { signature: Signature { s: Scalar::ZERO, ..good.signature }, ..good }));
}

#[test]
fn flipped_bits_are_refused_everywhere() {
    let good = claim(&key(1), 1);
    let bytes = good.signature.to_bytes();
    let mut decoded = Vec::new();
    for bit in 0..8 * SIGNATURE_BYTES {
        let mut bytes = bytes;
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(signature) = Signature::from_bytes(&bytes) {
            decoded.push(Claim { signature, ..good });
        }
    }
    assert!(decoded.len() > 600);
    assert!(!decoded.iter().any(verify));
    assert_eq!(verify_each(&decoded), vec![false; decoded.len()]);
}

#[test]
fn neutral_r_is_refused() {
    // s = −e·d makes sG + eQ the neutral: the equation would hold for R neutral, whose w would be 0.
    let key = key(1);
    let r = [F::ZERO; 5];
    let e = challenge(r, key.public(), message(1));
    let d = Scalar::from_bytes(&key.to_bytes()).unwrap();
    let signature = Signature { r, s: -(Scalar::from(e) * d) };
    assert_eq!(signature.r_point(), Err(PointError::NotAPoint));
    assert!(!verdict(&Claim { key: *key.public(), message: message(1), signature }));
}

#[test]
fn neutral_key_is_refused() {
    assert!(PublicKey::from_point(Point::NEUTRAL).is_err());
    assert!(PublicKey::from_elements([F::ZERO; 5]).is_err());
    assert!(PublicKey::from_bytes(&[0; 40]).is_err());
    assert_eq!(SecretKey::from_scalar(Scalar::ZERO).unwrap_err(), SecretKeyError::Zero);
}

#[test]
fn r_outside_the_group_is_refused() {
    // R' = R + (0, 0) is on the curve, and 2R' = 2R: checks that clear the cofactor, or batches whose weights
    // are even, would take it. Its y/x is −w, which names −R instead; and −R is a wrong R, even when the
    // signer makes the challenge for it.
    let key = key(1);
    let nonce = Scalar::from(77u64);
    let r_point = Point::mul_generator(nonce);
    let (x, y) = r_point.outside_twin().unwrap();
    assert_eq!(Point::new(x, y), Err(PointError::NotInGroup));
    let r = (y * x.inverse()).0;
    let d = Scalar::from_bytes(&key.to_bytes()).unwrap();
    let e = challenge(r, key.public(), message(1));
    let signature = Signature { r, s: nonce - Scalar::from(e) * d };
    assert_eq!(signature.r_point(), Ok(-r_point));
    assert!(!verdict(&Claim { key: *key.public(), message: message(1), signature }));
}

#[test]
fn key_outside_the_group_is_refused() {
    // Q' = Q + (0, 0): its owner can sign for R, or R + (0, 0), whenever e is even. No encoding names Q': its
    // y/x is that of −Q, for which the signature is wrong.
    let key = key(1);
    let (x, y) = key.public().point().outside_twin().unwrap();
    assert_eq!(Point::new(x, y), Err(PointError::NotInGroup));
    let twin = PublicKey::from_elements((y * x.inverse()).0).unwrap();
    assert_eq!(twin.point(), -key.public().point());
    let nonce = Scalar::from(77u64);
    let r = Point::mul_generator(nonce).encode().0;
    let d = Scalar::from_bytes(&key.to_bytes()).unwrap();
    let e = challenge(r, &twin, message(1));
    let signature = Signature { r, s: nonce - Scalar::from(e) * d };
    assert!(!verdict(&Claim { key: twin, message: message(1), signature }));
}

#[test]
fn r_without_a_point_is_refused() {
    let good = claim(&key(1), 1);
    let no_point = (1u64..)
        .map(|c| [c, 0, 0, 0, 0].map(F::from_canonical_u64))
        .find(|&w| PublicKey::from_elements(w).is_err())
        .unwrap();
    assert!(!verdict(&Claim { signature: Signature { r: no_point, ..good.signature }, ..good }));
}

#[test]
fn errors_that_cancel_without_weights_are_found() {
    // Two signatures whose s are off by +1 and −1: their plain sum is right, of one key and of two.
    for other in [1, 2] {
        let mut claims = claims(40, 5);
        claims[3] = claim(&key(1), 100);
        claims[9] = claim(&key(other), 101);
        claims[3].signature.s = claims[3].signature.s + Scalar::ONE;
        claims[9].signature.s = claims[9].signature.s - Scalar::ONE;
        assert!(!verify_batch(&claims));
        let verdicts = verify_each(&claims);
        assert!(verdicts.iter().enumerate().all(|(i, &verdict)| verdict == (i != 3 && i != 9)));
    }
}

#[test]
fn numbers_that_are_not_canonical_are_refused() {
    let bytes = claim(&key(1), 1).signature.to_bytes();
    let mut big_s = bytes;
    big_s[40..].copy_from_slice(&limbs_to_bytes(ORDER));
    assert_eq!(Signature::from_bytes(&big_s), Err(SignatureError::S(ScalarError::NotCanonical)));
    for position in 0..5 {
        let mut big_r = bytes;
        big_r[8 * position..8 * position + 8].fill(0xff);
        assert_eq!(Signature::from_bytes(&big_r), Err(SignatureError::R(PointError::NotCanonical { position })));
        let mut key_bytes = key(1).public().to_bytes();
        key_bytes[8 * position..8 * position + 8].fill(0xff);
        assert_eq!(PublicKey::from_bytes(&key_bytes), Err(PointError::NotCanonical { position }));
    }
    assert_eq!(
        SecretKey::from_bytes(&limbs_to_bytes(ORDER)).unwrap_err(),
        SecretKeyError::Scalar(ScalarError::NotCanonical)
    );
}

#[test]
fn text_and_serde_forms_round_trip() {
    let key = key(1);
    let claim = claim(&key, 1);
    assert_eq!(claim.key.to_string().parse(), Ok(claim.key));
    assert_eq!(claim.signature.to_string().parse(), Ok(claim.signature));
    assert_eq!(key.to_hex().parse::<SecretKey>().unwrap().public(), key.public());
    assert_eq!("00".parse::<PublicKey>(), Err(FromHexError::NotHex { expected: 80 }));
    assert!("é".parse::<Signature>().is_err());
    let json = serde_json::to_string(&(claim.key, claim.signature)).unwrap();
    assert_eq!(json, format!("[\"{}\",\"{}\"]", claim.key, claim.signature));
    assert_eq!(serde_json::from_str::<(PublicKey, Signature)>(&json).unwrap(), (claim.key, claim.signature));
    assert!(!format!("{key:?}").contains(&key.to_hex()));
}

#[test]
fn challenge_is_the_low_elements_of_its_digest() {
    let claim = claim(&key(1), 1);
    let digest = challenge_digest(claim.signature.r, &claim.key, claim.message);
    let e = challenge(claim.signature.r, &claim.key, claim.message);
    assert_eq!(e as u64, digest.0[0].to_canonical_u64());
    assert_eq!((e >> 64) as u64, digest.0[1].to_canonical_u64());
    let s_g_plus_e_q = GENERATOR.mul(claim.signature.s) + claim.key.point().mul(Scalar::from(e));
    assert_eq!(Ok(s_g_plus_e_q), claim.signature.r_point());
}

#[test]
fn v_of_a_wallet_signature_does_not_matter() {
    let mut wallet = [7; 65];
    let key = SecretKey::from_wallet_signature(&wallet);
    wallet[64] = 28;
    assert_eq!(SecretKey::from_wallet_signature(&wallet).public(), key.public());
    wallet[63] ^= 1;
    assert_ne!(SecretKey::from_wallet_signature(&wallet).public(), key.public());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn each_of_many_gets_the_verdict_it_gets_alone(
        count in 1usize..80,
        keys in 1u8..8,
        broken in prop::collection::vec((any::<prop::sample::Index>(), 0..640usize), 0..20),
    ) {
        let mut claims = claims(count, keys);
        for (index, bit) in broken {
            let claim = &mut claims[index.index(count)];
            let mut bytes = claim.signature.to_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            if let Ok(signature) = Signature::from_bytes(&bytes) {
                claim.signature = signature;
            }
        }
        let expected: Vec<bool> = claims.iter().map(verify).collect();
        prop_assert_eq!(verify_batch(&claims), expected.iter().all(|&verdict| verdict));
        prop_assert_eq!(verify_each(&claims), expected);
    }
}
