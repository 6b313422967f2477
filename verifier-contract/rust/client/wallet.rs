//! Whose transactions they are: a key from a keystore file (Web3 Secret Storage, as geth and cast write it) or from its
//! hexadecimal digits.

use std::path::{Path, PathBuf};

use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy::primitives::{Address, B256};
use alloy::signers::local::PrivateKeySigner;
use alloy::signers::SignerSync;
use thiserror::Error;

/// A key that signs transactions on L1.
#[derive(Clone)]
pub struct Wallet(PrivateKeySigner);

impl Wallet {
    /// Decrypts a keystore file.
    pub fn from_keystore(path: &Path, password: &str) -> Result<Self, WalletError> {
        PrivateKeySigner::decrypt_keystore(path, password)
            .map(Self)
            .map_err(|error| WalletError::Keystore { path: path.into(), reason: error.to_string() })
    }

    /// Reads 64 hexadecimal digits, with or without 0x.
    pub fn from_hex(digits: &str) -> Result<Self, WalletError> {
        let digits = digits.trim();
        let mut key = B256::ZERO;
        hex::decode_to_slice(digits.strip_prefix("0x").unwrap_or(digits), key.as_mut_slice())
            .map_err(|_| WalletError::Key)?;
        PrivateKeySigner::from_bytes(&key).map(Self).map_err(|_| WalletError::Key)
    }

    /// The address that the key belongs to.
    pub fn address(&self) -> Address {
        self.0.address()
    }

    /// Signs a transaction.
    pub(super) fn sign(&self, transaction: TxEip1559) -> Result<TxEnvelope, WalletError> {
        let signature = self.0.sign_hash_sync(&transaction.signature_hash());
        let signature = signature.map_err(|error| WalletError::Signing { reason: error.to_string() })?;
        Ok(transaction.into_signed(signature).into())
    }
}

/// Never shows the key.
impl std::fmt::Debug for Wallet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Wallet({})", self.address())
    }
}

/// Why there is no key, or it did not sign.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WalletError {
    /// The keystore cannot be opened.
    #[error("cannot open the keystore {}: {reason}", path.display())]
    Keystore {
        /// The file.
        path: PathBuf,
        /// Why not: a wrong password, or not a keystore.
        reason: String,
    },
    /// Not a key. What was given is not repeated.
    #[error("this is no private key, expected 64 hexadecimal digits of a number below the curve's order and not 0")]
    Key,
    /// The key did not sign.
    #[error("signing failed: {reason}")]
    Signing {
        /// Why.
        reason: String,
    },
}
