//! Secret keys: where they come from, how they sign.

use std::fmt;
use std::str::FromStr;

use plonky2::field::types::Field;
use plonky2::hash::hashing::hash_n_to_m_no_pad;
use plonky2::hash::poseidon::PoseidonPermutation;
use thiserror::Error;

use super::{bytes_from_hex, challenge, FromHexError, PublicKey, Signature};
use crate::curve::scalar::SCALAR_BYTES;
use crate::curve::{Point, Scalar, ScalarError};
use crate::hash::{tag, Digest, F};

/// The text that an Ethereum wallet signs (`personal_sign`, EIP-191) to derive a key from it
/// ([`SecretKey::from_wallet_signature`]). It never changes: another text is another key.
pub const WALLET_TEXT: &str = "Sheaf: derive my rollup key.\n\n\
    Sign this only in an application that you trust: whoever has this signature can spend your funds.";

/// Tag of a key made from a seed; eight words of 32 bits follow.
const SEED_TAG: u64 = tag("sf.seed");

/// Tag of a key made from a wallet's signature; 16 words of 32 bits follow.
const WALLET_TAG: u64 = tag("sf.wall");

/// Tag of a nonce; ten words of 32 bits of d and the message's four elements follow.
const NONCE_TAG: u64 = tag("sf.nonc");

/// Elements squeezed for a scalar: within 2^−193 of uniform ([`Scalar::from_elements`]).
const WIDE_LEN: usize = 8;

/// A secret key d with its public key. Not `Copy`, and not shown by `Debug`.
#[derive(Clone)]
pub struct SecretKey {
    d: Scalar,
    public: PublicKey,
}

/// Why bytes are not a secret key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SecretKeyError {
    /// The number is n or more.
    #[error(transparent)]
    Scalar(#[from] ScalarError),
    /// Zero, whose public key would be the neutral.
    #[error("a secret key is not zero")]
    Zero,
}

impl SecretKey {
    /// The key d.
    ///
    /// # Errors
    /// [`SecretKeyError::Zero`].
    pub fn from_scalar(d: Scalar) -> Result<Self, SecretKeyError> {
        let public = PublicKey::from_point(Point::mul_generator(d)).map_err(|_| SecretKeyError::Zero)?;
        Ok(Self { d, public })
    }

    /// The key of a seed of 32 uniform bytes: the wide hash of "sf.seed" and the seed, cut into eight words
    /// of four bytes, little-endian.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self::from_hash(SEED_TAG, &words(seed))
    }

    /// The key that belongs to an Ethereum wallet: the wide hash of "sf.wall" and r ‖ s of the wallet's
    /// signature over [`WALLET_TEXT`], cut into 16 words of four bytes, little-endian. The last byte, v, is
    /// ignored, because wallets disagree on it.
    ///
    /// Works with wallets that sign deterministically (RFC 6979), as ordinary ones do: ask for the signature
    /// twice when a key is first derived, and refuse if they differ. Contract wallets have no such signature.
    pub fn from_wallet_signature(signature: &[u8; 65]) -> Self {
        Self::from_hash(WALLET_TAG, &words(&signature[..64]))
    }

    fn from_hash(tag: u64, elements: &[F]) -> Self {
        let d = wide_hash(tag, elements);
        // Zero comes up with probability 1/n; any fixed key is as good as any other there.
        let d = if d.is_zero() { Scalar::ONE } else { d };
        let point = Point::mul_generator(d);
        let public = PublicKey { point, w: point.encode() };
        Self { d, public }
    }

    /// Reads d as 40 little-endian bytes.
    ///
    /// # Errors
    /// [`SecretKeyError`].
    pub fn from_bytes(bytes: &[u8; SCALAR_BYTES]) -> Result<Self, SecretKeyError> {
        Self::from_scalar(Scalar::from_bytes(bytes)?)
    }

    /// d as 40 little-endian bytes.
    pub fn to_bytes(&self) -> [u8; SCALAR_BYTES] {
        self.d.to_bytes()
    }

    /// [`Self::to_bytes`] as 80 hexadecimal digits; `parse` reads them.
    pub fn to_hex(&self) -> String {
        hex::encode(self.to_bytes())
    }

    /// Q = dG.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// This key's signature of `message`. The same message always gets the same signature: the nonce is the
    /// wide hash of "sf.nonc", d and the message, so no source of randomness can fail and repeat it.
    pub fn sign(&self, message: Digest) -> Signature {
        let mut input = words(&self.to_bytes());
        input.extend_from_slice(&message.0);
        let nonce = wide_hash(NONCE_TAG, &input);
        let r = Point::mul_generator(nonce).encode().0;
        let e = challenge(r, &self.public, message);
        Signature { r, s: nonce - Scalar::from(e) * self.d }
    }
}

/// Hides d.
impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {})", self.public)
    }
}

impl FromStr for SecretKey {
    type Err = FromHexError<SecretKeyError>;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::from_bytes(&bytes_from_hex(text)?)?)
    }
}

/// Bytes, a multiple of four, as elements below 2^32, little-endian.
fn words(bytes: &[u8]) -> Vec<F> {
    let word = |chunk: &[u8]| F::from_canonical_u64(chunk.iter().rev().fold(0, |x, &b| x << 8 | u64::from(b)));
    bytes.chunks_exact(4).map(word).collect()
}

/// Eight elements of Poseidon's output for `tag` and `elements`, as a scalar.
fn wide_hash(tag: u64, elements: &[F]) -> Scalar {
    let mut input = vec![F::from_canonical_u64(tag)];
    input.extend_from_slice(elements);
    Scalar::from_elements(&hash_n_to_m_no_pad::<F, PoseidonPermutation<F>>(&input, WIDE_LEN))
}
