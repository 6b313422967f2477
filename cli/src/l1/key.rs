//! Whose transactions they are.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use sheaf_verifier_contract::client::Wallet;

use crate::failure::Advice;
use crate::files;

/// The variable with a private key.
const KEY_VARIABLE: &str = "SHEAF_PRIVATE_KEY";
/// Bytes of a password file, at most.
const PASSWORD_BYTES: u64 = 4096;

/// The key that signs on L1: a keystore, or SHEAF_PRIVATE_KEY.
#[derive(Args)]
pub struct KeyArguments {
    /// The keystore file with the key that signs on L1 [default: the key in SHEAF_PRIVATE_KEY]
    #[arg(long, value_name = "FILE", help_heading = "L1 options")]
    keystore: Option<PathBuf>,
    /// The file with the keystore's password, - for stdin
    #[arg(long, value_name = "FILE", requires = "keystore", help_heading = "L1 options")]
    password_file: Option<PathBuf>,
    /// For tests: other users of the machine can see it
    #[arg(long, value_name = "HEX", hide = true, conflicts_with = "keystore")]
    insecure_private_key: Option<String>,
}

impl KeyArguments {
    /// The key.
    pub fn wallet(&self) -> Result<Wallet> {
        if let Some(keystore) = &self.keystore {
            let password = match &self.password_file {
                Some(file) => String::from_utf8(files::read(file, PASSWORD_BYTES)?)
                    .context(Advice::new("the password is not text", "check --password-file"))?,
                None => String::new(),
            };
            return Wallet::from_keystore(keystore, password.trim_end_matches(['\r', '\n']))
                .with_context(|| Advice::new("the keystore gives no key", "check --keystore and --password-file"));
        }
        let digits = self.insecure_private_key.clone().or_else(|| std::env::var(KEY_VARIABLE).ok());
        let next = format!("name --keystore and --password-file, or set {KEY_VARIABLE}");
        let digits = digits.ok_or_else(|| Advice::new("no key to sign with on L1", &next))?;
        Wallet::from_hex(&digits).with_context(|| Advice::new("the key cannot be used", next))
    }
}
