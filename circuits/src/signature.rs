//! Schnorr signatures over [`crate::curve`].
//!
//! A secret key is a scalar d ≠ 0, its public key Q = dG. A signature of a message (four elements of F) is
//! (R, s), valid exactly if
//!
//! - R and Q are encodings of points of the group, canonical, neither the neutral, and s < n;
//! - R = sG + eQ, where e = [`challenge`] is 128 bits of H("sf.sig", R, Q, message).
//!
//! Three verifiers give this verdict: [`PublicKey::verify`] one at a time, [`batch`] many at once, and the
//! circuit. They agree only because all three insist on the group: on the whole curve, a batch would accept
//! pairs of forgeries whose points outside the group cancel. For Q the type [`PublicKey`] is the check. For
//! R the single verifier compares encodings, and an encoding of a point of the group names no other point;
//! a batch decodes R, which finds points of the group only.
//!
//! (R, s) and not the shorter (e, s), because the latter cannot be verified in batches. e has 128 bits
//! because forging against a shorter challenge than the group's security costs no less than 2^128 guesses
//! of it, and multiplying by it costs less.
//!
//! | bytes of a signature | content |
//! | --- | --- |
//! | 0..40 | R: five elements of F, the coefficients of w = y/x, constant term first, little-endian |
//! | 40..80 | s: 40 bytes, little-endian |
//!
//! A signature is malleable by nobody: R and s have one encoding each, and s is fixed by R, Q and the message.
//! Still, a key's owner can sign the same message in many ways, so nothing is named by its signature.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use plonky2::field::extension::quintic::QuinticExtension;
use plonky2::field::types::{Field, PrimeField64};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::curve::field::{to_canonical, Fp5};
use crate::curve::point::{encoding_from_bytes, encoding_to_bytes, POINT_BYTES};
use crate::curve::scalar::SCALAR_BYTES;
use crate::curve::{self, Point, PointError, Scalar, ScalarError};
use crate::hash::{hash_tagged, tag, Digest, F};

pub mod batch;
pub mod circuit;
mod secret;
#[cfg(test)]
mod tests;

pub use batch::{verify_batch, verify_each, Claim};
pub use secret::{SecretKey, SecretKeyError, WALLET_TEXT};

/// Bytes in a signature.
pub const SIGNATURE_BYTES: usize = POINT_BYTES + SCALAR_BYTES;

/// Tag of a key's hash; five elements follow.
pub const KEY_TAG: u64 = tag("sf.key");

/// Tag of a challenge; 14 elements follow.
pub const CHALLENGE_TAG: u64 = tag("sf.sig");

/// A point of the group other than the neutral, with its encoding.
#[derive(Clone, Copy)]
pub struct PublicKey {
    point: Point,
    w: Fp5,
}

impl PublicKey {
    /// The key with this point.
    ///
    /// # Errors
    /// [`PointError::NotAPoint`] for the neutral.
    pub fn from_point(point: Point) -> Result<Self, PointError> {
        if point.is_neutral() {
            return Err(PointError::NotAPoint);
        }
        Ok(Self { point, w: point.encode() })
    }

    /// The key with this w, as elements of F.
    ///
    /// # Errors
    /// [`PointError::NotAPoint`].
    pub fn from_elements(w: [F; 5]) -> Result<Self, PointError> {
        let w = QuinticExtension(w);
        Ok(Self { point: Point::decode(w)?, w })
    }

    /// Reads what [`Self::to_bytes`] writes.
    ///
    /// # Errors
    /// [`PointError::NotCanonical`] and [`PointError::NotAPoint`].
    pub fn from_bytes(bytes: &[u8; POINT_BYTES]) -> Result<Self, PointError> {
        Self::from_elements(encoding_from_bytes(bytes)?.0)
    }

    /// The encoding of the point ([`Point::to_bytes`]).
    pub fn to_bytes(&self) -> [u8; POINT_BYTES] {
        encoding_to_bytes(self.w)
    }

    /// w = y/x, five elements.
    pub fn elements(&self) -> [F; 5] {
        self.w.0
    }

    /// Q.
    pub fn point(&self) -> Point {
        self.point
    }

    /// H("sf.key", w): what an account's header holds. One permutation.
    pub fn hash(&self) -> Digest {
        hash_tagged(KEY_TAG, &self.w.0)
    }

    /// Whether `signature` is this key's signature of `message`.
    pub fn verify(&self, message: Digest, signature: &Signature) -> bool {
        // R is not decoded: the right side is a point of the group, so it has R's encoding only if R is that
        // point. The neutral has no encoding, so it is refused.
        let e = challenge(signature.r, self, message);
        curve::combination_has_encoding(signature.s, e, self.point, QuinticExtension(signature.r))
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.w == other.w
    }
}

impl Eq for PublicKey {}

impl Hash for PublicKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        to_canonical(self.w).hash(state);
    }
}

/// A signature. R may still be no point of the group, which verification finds out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    /// R, encoded: the five coefficients of w = y/x.
    pub r: [F; 5],
    /// s.
    pub s: Scalar,
}

/// Why bytes are not a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SignatureError {
    /// R has an element that is not below p.
    #[error("R of the signature: {0}")]
    R(#[source] PointError),
    /// s is not below n.
    #[error("s of the signature: {0}")]
    S(#[source] ScalarError),
}

impl Signature {
    /// R as a point.
    ///
    /// # Errors
    /// [`PointError::NotAPoint`].
    pub fn r_point(&self) -> Result<Point, PointError> {
        Point::decode(QuinticExtension(self.r))
    }

    /// 80 bytes, laid out as above.
    pub fn to_bytes(&self) -> [u8; SIGNATURE_BYTES] {
        let mut bytes = [0; SIGNATURE_BYTES];
        bytes[..POINT_BYTES].copy_from_slice(&encoding_to_bytes(QuinticExtension(self.r)));
        bytes[POINT_BYTES..].copy_from_slice(&self.s.to_bytes());
        bytes
    }

    /// Reads what [`Self::to_bytes`] writes.
    ///
    /// # Errors
    /// [`SignatureError`] if a number is not canonical. Whether R is a point is not checked here.
    pub fn from_bytes(bytes: &[u8; SIGNATURE_BYTES]) -> Result<Self, SignatureError> {
        let (mut r, mut s) = ([0; POINT_BYTES], [0; SCALAR_BYTES]);
        r.copy_from_slice(&bytes[..POINT_BYTES]);
        s.copy_from_slice(&bytes[POINT_BYTES..]);
        Ok(Self {
            r: encoding_from_bytes(&r).map_err(SignatureError::R)?.0,
            s: Scalar::from_bytes(&s).map_err(SignatureError::S)?,
        })
    }
}

/// H("sf.sig", R, Q, message): 15 elements, two permutations.
pub fn challenge_digest(r: [F; 5], key: &PublicKey, message: Digest) -> Digest {
    let mut input = [F::ZERO; 14];
    input[..5].copy_from_slice(&r);
    input[5..10].copy_from_slice(&key.w.0);
    input[10..].copy_from_slice(&message.0);
    hash_tagged(CHALLENGE_TAG, &input)
}

/// e: the canonical values of the challenge digest's first two elements, h₀ + 2^64·h₁.
pub fn challenge(r: [F; 5], key: &PublicKey, message: Digest) -> u128 {
    challenge_from_digest(challenge_digest(r, key, message))
}

fn challenge_from_digest(digest: Digest) -> u128 {
    let [h0, h1] = [0, 1].map(|i| u128::from(digest.0[i].to_canonical_u64()));
    h0 | h1 << 64
}

/// Why a text is not a key or a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FromHexError<E: std::error::Error + 'static> {
    /// Not the right number of hexadecimal digits.
    #[error("expected {expected} hexadecimal digits")]
    NotHex {
        /// How many it should be.
        expected: usize,
    },
    /// The bytes are refused.
    #[error(transparent)]
    Invalid(#[from] E),
}

/// N bytes from hexadecimal digits.
fn bytes_from_hex<const N: usize, E: std::error::Error>(text: &str) -> Result<[u8; N], FromHexError<E>> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| FromHexError::NotHex { expected: 2 * N })?;
    Ok(bytes)
}

/// Bytes in groups of eight: serde knows arrays of up to 32 items, and writes nothing around or between them.
fn group_bytes<const N: usize, const GROUPS: usize>(bytes: [u8; N]) -> [[u8; 8]; GROUPS] {
    let mut groups = [[0; 8]; GROUPS];
    groups.as_flattened_mut().copy_from_slice(&bytes);
    groups
}

/// The inverse of [`group_bytes`].
fn ungroup_bytes<const N: usize, const GROUPS: usize>(groups: [[u8; 8]; GROUPS]) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(groups.as_flattened());
    bytes
}

/// Text (lower-case hexadecimal) and serde forms of a type with `to_bytes` and `from_bytes`: hexadecimal
/// where humans read, else the bytes.
macro_rules! hex_and_serde {
    ($type:ident, $bytes:ident, $error:ty) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.to_bytes()))
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($type), "({})"), self)
            }
        }

        impl FromStr for $type {
            type Err = FromHexError<$error>;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Ok(Self::from_bytes(&bytes_from_hex(text)?)?)
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    group_bytes::<{ $bytes }, { $bytes / 8 }>(self.to_bytes()).serialize(serializer)
                }
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                    text.parse().map_err(serde::de::Error::custom)
                } else {
                    let groups = <[[u8; 8]; $bytes / 8]>::deserialize(deserializer)?;
                    Self::from_bytes(&ungroup_bytes(groups)).map_err(serde::de::Error::custom)
                }
            }
        }
    };
}

hex_and_serde!(PublicKey, POINT_BYTES, PointError);
hex_and_serde!(Signature, SIGNATURE_BYTES, SignatureError);
