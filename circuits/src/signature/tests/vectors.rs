//! `fixtures/vectors/signature.json`: keys, hashes, challenges and signatures that must not change, and
//! signatures that must be refused. `SHEAF_REGENERATE=1` writes it anew.

use super::*;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/vectors/signature.json");

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Vectors {
    about: String,
    generator: String,
    auxiliary: String,
    valid: Vec<Valid>,
    wallet: Wallet,
    invalid: Vec<Invalid>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Valid {
    seed: String,
    secret_key: String,
    public_key: PublicKey,
    key_hash: Digest,
    message: Digest,
    /// Hexadecimal, most significant digit first.
    challenge: String,
    signature: Signature,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Wallet {
    text: String,
    wallet_signature: String,
    public_key: PublicKey,
}

/// Hexadecimal, as some do not decode.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Invalid {
    rule: String,
    public_key: String,
    message: Digest,
    signature: String,
}

fn valid(i: u8) -> Valid {
    let seed = [i; 32];
    let key = SecretKey::from_seed(&seed);
    let message = hash_tagged(tag("test"), &[F::from_canonical_u8(i)]);
    let signature = key.sign(message);
    Valid {
        seed: hex::encode(seed),
        secret_key: key.to_hex(),
        public_key: *key.public(),
        key_hash: key.public().hash(),
        message,
        challenge: format!("{:032x}", challenge(signature.r, key.public(), message)),
        signature,
    }
}

fn invalid() -> Vec<Invalid> {
    let good = valid(0);
    let key = good.public_key.to_bytes();
    let signature = good.signature.to_bytes();
    let case = |rule: &str, key: &[u8], signature: &[u8]| Invalid {
        rule: rule.into(),
        public_key: hex::encode(key),
        message: good.message,
        signature: hex::encode(signature),
    };
    let with = |range: std::ops::Range<usize>, bytes: &[u8]| {
        let mut signature = signature;
        signature[range].copy_from_slice(bytes);
        signature
    };
    let minus_r = encoding_to_bytes(-QuinticExtension(good.signature.r));
    let minus_q = encoding_to_bytes(-good.public_key.w);
    let no_point = encoding_to_bytes(Fp5::ONE);
    assert!(Point::decode(Fp5::ONE).is_err());
    vec![
        case("s + 1", &key, &with(40..80, &(good.signature.s + Scalar::ONE).to_bytes())),
        case("s is n", &key, &with(40..80, &limbs_to_bytes(ORDER))),
        case("R is the neutral", &key, &with(0..40, &[0; 40])),
        case("R has no point", &key, &with(0..40, &no_point)),
        case("R has an element that is p", &key, &with(8..16, &0xffff_ffff_0000_0001u64.to_le_bytes())),
        case("R is negated, as R + (0, 0) would be encoded", &key, &with(0..40, &minus_r)),
        case("the key is the neutral", &[0; 40], &signature),
        case("the key has no point", &no_point, &signature),
        case("the key is negated, as Q + (0, 0) would be encoded", &minus_q, &signature),
    ]
}

fn vectors() -> Vectors {
    let wallet = std::array::from_fn(|i| i as u8);
    Vectors {
        about: "Schnorr over ecGFp5 (circuits/src/signature.rs). Points, scalars, digests: elements and limbs of \
                eight bytes, little-endian, lowest first. signature = R, s."
            .into(),
        generator: hex::encode(GENERATOR.to_bytes()),
        auxiliary: hex::encode(crate::curve::AUXILIARY.to_bytes()),
        valid: (0..4).map(valid).collect(),
        wallet: Wallet {
            text: WALLET_TEXT.into(),
            wallet_signature: hex::encode(wallet),
            public_key: *SecretKey::from_wallet_signature(&wallet).public(),
        },
        invalid: invalid(),
    }
}

#[test]
fn vectors_are_as_pinned() {
    let expected = vectors();
    if std::env::var_os("SHEAF_REGENERATE").is_some() {
        let text = serde_json::to_string_pretty(&expected).unwrap() + "\n";
        std::fs::create_dir_all(std::path::Path::new(PATH).parent().unwrap()).unwrap();
        std::fs::write(PATH, text).unwrap();
    }
    let pinned: Vectors = serde_json::from_str(&std::fs::read_to_string(PATH).unwrap()).unwrap();
    assert_eq!(pinned, expected);
    for case in pinned.valid {
        assert!(case.public_key.verify(case.message, &case.signature));
    }
    for case in pinned.invalid {
        let decoded = case.public_key.parse::<PublicKey>().ok().zip(case.signature.parse().ok());
        let valid = decoded.is_some_and(|(key, signature)| verdict(&Claim { key, message: case.message, signature }));
        assert!(!valid, "{}", case.rule);
    }
}
