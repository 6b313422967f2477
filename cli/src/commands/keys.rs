//! `sheaf keys`.

use std::fmt;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use rand::RngCore;
use serde::Serialize;
use sheaf_circuits::context::ContractAddress;
use sheaf_circuits::hash::Digest;
use sheaf_circuits::signature::{PublicKey, SecretKey, WALLET_TEXT};

use crate::commands::import::contract;
use crate::failure::Advice;
use crate::import::test_keys;
use crate::printer::Printer;
use crate::{files, Answer};

/// Bytes of a key file that are read, at most.
const KEY_FILE_BYTES: u64 = 4096;

/// Make and show keys
///
/// A key file holds a secret key, 80 hexadecimal digits on a line. Whoever has it can spend what its account holds.
/// Secrets are read from files or stdin, never from the command line, where other users of the machine could see them.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  sheaf keys new --out alice.key
  sheaf keys show alice.key
  sheaf keys wallet-text           # sign this text with a wallet, then
  echo 0x… | sheaf keys from-wallet - --out wallet.key

Exit codes:
  0  done
  1  what was given is no key
  2  wrong usage, or a file cannot be read or written")]
pub struct Keys {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make a new key from the system's randomness
    New(Out),
    /// Derive a key from a seed of 32 random bytes (64 hexadecimal digits)
    FromSeed {
        /// File with the seed, - for stdin
        seed: PathBuf,
        #[command(flatten)]
        out: Out,
    },
    /// Derive the key that belongs to an Ethereum wallet, from its signature over the text of `wallet-text`
    FromWallet {
        /// File with the signature (65 bytes, hexadecimal), - for stdin
        signature: PathBuf,
        #[command(flatten)]
        out: Out,
    },
    /// Print the text that a wallet signs (personal_sign) for `from-wallet`
    WalletText,
    /// Show the public key of a key file, and its hash, which an account's header holds
    Show {
        /// The key file, - for stdin
        file: PathBuf,
    },
    /// Write the key that `sheaf import` gives to an address: FOR TEST DATA ONLY
    Test {
        /// The address, or `operator`
        address: String,
        #[command(flatten)]
        out: Out,
    },
}

#[derive(Args)]
struct Out {
    /// The key file to write; must not exist
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Keys {
    /// Makes or shows a key.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        match self.action {
            Action::New(out) => {
                let mut seed = [0; 32];
                rand::rngs::OsRng.try_fill_bytes(&mut seed).with_context(|| {
                    Advice::new("the system gives no random bytes", "see whether the getrandom call works here")
                })?;
                out.write(printer, &SecretKey::from_seed(&seed), None)
            }
            Action::FromSeed { seed, out } => {
                out.write(printer, &SecretKey::from_seed(&read_hex(&seed, "a seed")?), None)
            }
            Action::FromWallet { signature, out } => {
                let key = SecretKey::from_wallet_signature(&read_hex(&signature, "a wallet's signature")?);
                let note = "ask the wallet to sign twice: if the signatures differ, the key cannot be derived again";
                out.write(printer, &key, Some(note))
            }
            Action::WalletText => {
                printer.report(&WalletText { text: WALLET_TEXT })?;
                Ok(Answer::Yes)
            }
            Action::Show { file } => {
                printer.report(&Shown::of(read(&file)?.public(), None, None))?;
                Ok(Answer::Yes)
            }
            Action::Test { address, out } => {
                let key = match address.as_str() {
                    "operator" => test_keys::operator(),
                    _ => test_keys::of_address(&test_address(&address)?),
                };
                out.write(printer, &key, Some(test_keys::WARNING))
            }
        }
    }
}

impl Out {
    fn write(&self, printer: &Printer, key: &SecretKey, note: Option<&'static str>) -> Result<Answer> {
        let write = || {
            // Only for its owner to read, and never over another key: a lost key is a lost account.
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.out)?;
            file.write_all(format!("{}\n", key.to_hex()).as_bytes())
        };
        write().with_context(|| {
            let what = format!("cannot write the key file {}", self.out.display());
            Advice::new(what, "choose a file that does not exist yet")
        })?;
        printer.report(&Shown::of(key.public(), Some(&self.out), note))?;
        Ok(Answer::Yes)
    }
}

/// Reads a key file.
pub fn read(path: &Path) -> Result<SecretKey> {
    let text = read_text(path)?;
    text.trim().parse().with_context(|| {
        let next = "a key file holds 80 hexadecimal digits; make one with `sheaf keys new`";
        Advice::new(format_args!("{} holds no secret key", path.display()), next).answer_no()
    })
}

fn test_address(text: &str) -> Result<ContractAddress> {
    contract(text).map_err(anyhow::Error::msg).with_context(|| {
        let next = "name 0x and 40 hexadecimal digits, or operator";
        Advice::new(format_args!("{text:?} is no address"), next).answer_no()
    })
}

fn read_text(path: &Path) -> Result<String> {
    String::from_utf8(files::read(path, KEY_FILE_BYTES)?)
        .with_context(|| Advice::new(format_args!("{} is not text", path.display()), "check the file").answer_no())
}

fn read_hex<const N: usize>(path: &Path, what: &str) -> Result<[u8; N]> {
    let text = read_text(path)?;
    let digits = text.trim();
    let mut bytes = [0; N];
    hex::decode_to_slice(digits.strip_prefix("0x").unwrap_or(digits), &mut bytes).with_context(|| {
        let next = format!("{what} is {} hexadecimal digits", 2 * N);
        Advice::new(format_args!("{} does not hold {what}", path.display()), next).answer_no()
    })?;
    Ok(bytes)
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a Path>,
    public_key: PublicKey,
    key_hash: Digest,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'static str>,
}

impl<'a> Shown<'a> {
    fn of(key: &PublicKey, file: Option<&'a Path>, note: Option<&'static str>) -> Self {
        Self { file, public_key: *key, key_hash: key.hash(), note }
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = self.file {
            writeln!(f, "secret key  {}", file.display())?;
        }
        writeln!(f, "public key  {}", self.public_key)?;
        writeln!(f, "key hash    {}", self.key_hash)?;
        match self.note {
            Some(note) => writeln!(f, "note        {note}"),
            None => Ok(()),
        }
    }
}

#[derive(Serialize)]
struct WalletText {
    text: &'static str,
}

impl fmt::Display for WalletText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}
