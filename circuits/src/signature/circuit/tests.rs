use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::LazyLock;

use plonky2::field::types::Sample;
use plonky2::iop::generator::generate_partial_witness;
use plonky2::iop::witness::PartialWitness;
use plonky2::plonk::circuit_data::{CircuitConfig, CircuitData};
use plonky2::plonk::prover::prove_with_partition_witness;
use plonky2::util::timing::TimingTree;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::curve::{Point, Scalar};
use crate::hash::{Digest, C};
use crate::signature::SecretKey;

/// A circuit of one signature, its key's hash public.
struct Single {
    data: CircuitData<F, C, D>,
    message: [Target; DIGEST_LEN],
    signature: SignatureTarget,
}

static SINGLE: LazyLock<Single> = LazyLock::new(|| {
    let mut builder = CircuitBuilder::new(CircuitConfig::standard_recursion_config());
    let message = builder.add_virtual_target_arr();
    let public_key = builder.add_virtual_target_arr();
    let signature = verify_signature(&mut builder, public_key, message);
    let hash = key_hash(&mut builder, public_key);
    builder.register_public_inputs(&hash.elements);
    Single { data: builder.build(), message, signature }
});

/// What a signature is checked against.
#[derive(Clone, Copy)]
struct Claim {
    key: PublicKey,
    message: Digest,
    signature: Signature,
}

impl Claim {
    fn random(seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut sample = || Scalar::from_elements(&[(); 6].map(|()| F::sample(&mut random)));
        let secret = SecretKey::from_scalar(sample()).expect("not zero");
        let message = Digest(core::array::from_fn(|_| F::sample(&mut random)));
        Self { key: *secret.public(), message, signature: secret.sign(message) }
    }

    /// The native verdict.
    fn holds(&self) -> bool {
        self.key.verify(self.message, &self.signature)
    }

    /// The circuit's verdict.
    fn proves(&self) -> bool {
        self.proves_with(&[])
    }

    /// The circuit's verdict when, past the honest generators, some targets are overwritten.
    fn proves_with(&self, overwritten: &[(Target, F)]) -> bool {
        let prove = || -> Result<()> {
            let Single { data, message, signature } = &*SINGLE;
            let mut witness = PartialWitness::new();
            witness.set_target_arr(message, &self.message.0)?;
            signature.set(&mut witness, &self.key, &self.signature)?;
            let mut witness = generate_partial_witness(witness, &data.prover_only, &data.common)?;
            for &(target, value) in overwritten {
                let index = target.index(witness.num_wires, witness.degree);
                let class = witness.representative_map[index];
                assert_ne!(witness.values[class], Some(value), "overwriting changes something");
                witness.values[class] = Some(value);
            }
            let mut timing = TimingTree::default();
            let proof = prove_with_partition_witness(&data.prover_only, &data.common, witness, &mut timing)?;
            let hash = self.key.hash();
            assert_eq!(proof.public_inputs, hash.0);
            data.verify(proof)
        };
        // The prover panics where it notices that there is no quotient.
        matches!(catch_unwind(AssertUnwindSafe(prove)), Ok(Ok(())))
    }
}

#[test]
fn rows() {
    let mut builder = CircuitBuilder::<F, D>::new(CircuitConfig::standard_recursion_config());
    let public_key = builder.add_virtual_target_arr();
    let message = builder.add_virtual_target_arr();
    verify_signature(&mut builder, public_key, message);
    assert_eq!((builder.num_gates(), ROWS), (35, 35));
    key_hash(&mut builder, public_key);
    assert_eq!((builder.num_gates(), ROWS + KEY_HASH_ROWS), (36, 36));
}

#[test]
fn valid_signatures_prove() {
    for seed in 0..10 {
        let claim = Claim::random(seed);
        assert!(claim.holds() && claim.proves(), "seed {seed}");
    }
}

/// Keys and scalars at the edges: the accumulator's multiple of the auxiliary point keeps every step regular.
#[test]
fn edge_cases_prove() {
    let message = Digest([F::ZERO; DIGEST_LEN]);
    for secret in [1u64, 2, 3].map(Scalar::from).into_iter().flat_map(|scalar| [scalar, -scalar]) {
        let secret = SecretKey::from_scalar(secret).expect("not zero");
        let signature = secret.sign(message);
        assert!(Claim { key: *secret.public(), message, signature }.proves());
    }
}

/// s = 0, and R = ±Q, ±2Q: valid signatures that only the key's owner can choose to make. They prove, so
/// that nobody can get a transaction sealed which then has no proof.
#[test]
fn odd_signatures_of_a_keys_owner_prove() {
    let secret = Scalar::from(12345u64);
    let key = PublicKey::from_point(Point::mul_generator(secret)).expect("not neutral");
    let message = Digest([F::ONE; DIGEST_LEN]);
    for multiple in [Scalar::ONE, Scalar::from(2u64)].into_iter().flat_map(|k| [k, -k]) {
        let r = key.point().mul(multiple).encode().0;
        let e = Scalar::from(super::super::challenge(r, &key, message));
        let claim = Claim { key, message, signature: Signature { r, s: (multiple - e) * secret } };
        assert!(claim.holds() && claim.proves());
    }
}

#[test]
fn wrong_message_is_rejected() {
    let mut claim = Claim::random(20);
    claim.message.0[3] += F::ONE;
    assert!(!claim.holds() && !claim.proves());
}

#[test]
fn wrong_key_is_rejected() {
    let mut claim = Claim::random(21);
    claim.key = Claim::random(22).key;
    assert!(!claim.holds() && !claim.proves());
}

#[test]
fn negated_key_is_rejected() {
    let mut claim = Claim::random(21);
    claim.key = PublicKey::from_point(-claim.key.point()).expect("not neutral");
    assert!(!claim.holds() && !claim.proves());
}

#[test]
fn wrong_r_is_rejected() {
    let honest = Claim::random(23);
    let r = honest.signature.r_point().expect("valid");
    for wrong in [-r, r.double(), honest.key.point()] {
        let signature = Signature { r: wrong.encode().0, ..honest.signature };
        let claim = Claim { signature, ..honest };
        assert!(!claim.holds() && !claim.proves());
    }
}

#[test]
fn r_that_is_no_point_is_rejected() {
    let honest = Claim::random(24);
    for r in [[F::ZERO; COORDINATES], [F::ONE; COORDINATES], [F::TWO; COORDINATES]] {
        let claim = Claim { signature: Signature { r, ..honest.signature }, ..honest };
        assert!(!claim.holds() && !claim.proves());
    }
}

#[test]
fn wrong_s_is_rejected() {
    let honest = Claim::random(25);
    for s in [honest.signature.s + Scalar::ONE, -honest.signature.s, Scalar::ZERO] {
        let claim = Claim { signature: Signature { s, ..honest.signature }, ..honest };
        assert!(!claim.holds() && !claim.proves());
    }
}

/// R neutral, by s = −eq: refused natively, where the neutral has no encoding, and here.
#[test]
fn neutral_r_is_rejected() {
    let secret = Scalar::from(12345u64);
    let key = PublicKey::from_point(Point::mul_generator(secret)).expect("not neutral");
    let message = Digest([F::ONE; DIGEST_LEN]);
    let r = [F::ZERO; COORDINATES];
    let e = Scalar::from(super::super::challenge(r, &key, message));
    let claim = Claim { key, message, signature: Signature { r, s: -e * secret } };
    assert!(!claim.holds() && !claim.proves());
}

/// Native and circuit on random signatures, one part of each changed or none.
#[test]
fn native_and_circuit_agree() {
    for seed in 30..46 {
        let mut claim = Claim::random(seed);
        let other = Claim::random(seed + 100);
        match seed % 8 {
            0 => claim.key = other.key,
            1 => claim.message = other.message,
            2 => claim.signature.r = other.signature.r,
            3 => claim.signature.s = other.signature.s,
            4 => claim.signature = other.signature,
            _ => {}
        }
        assert_eq!(claim.holds(), seed % 8 > 4);
        assert_eq!(claim.proves(), claim.holds(), "seed {seed}");
    }
}

/// A wire of each kind, in the first, a middle and the last row, written over past the generators.
#[test]
fn overwritten_wires_are_rejected() {
    let claim = Claim::random(50);
    assert!(claim.proves());
    let SignatureTarget { public_key, r, chain_row } = SINGLE.signature;
    let mut targets = vec![public_key[0], r[4], SINGLE.message[2]];
    for row in [chain_row, chain_row + 17, chain_row + CHAIN_ROWS - 1] {
        let wires = [
            SignatureGate::wires_accumulator(0),
            SignatureGate::wires_accumulator(1),
            SignatureGate::wires_accumulator(WINDOWS),
            SignatureGate::wires_half_key() + 7,
            SignatureGate::wires_triple_half_key() + 3,
            SignatureGate::wire_challenge_in(),
            SignatureGate::wire_challenge_out(),
            SignatureGate::wires_slope(1, 3),
            SignatureGate::wire_scalar_bit(0, 1, 2),
            SignatureGate::wire_sign(1),
            SignatureGate::wire_triple(0),
        ];
        targets.extend(wires.map(|wire| Target::wire(row, wire)));
    }
    for target in targets {
        assert!(!claim.proves_with(&[(target, F::from_canonical_u64(7))]), "{target:?}");
    }
}

/// Another challenge for the same chain: the collected halves and the hash's element agree with each other,
/// but the hash is not that of this message.
#[test]
fn challenge_of_another_message_is_rejected() {
    let claim = Claim::random(51);
    let mut other = claim;
    other.message.0[0] += F::ONE;
    let overwritten: Vec<_> = SINGLE.message.into_iter().zip(other.message.0).take(1).collect();
    assert!(!claim.proves_with(&overwritten));
}
