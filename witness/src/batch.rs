//! Batch files: an ordered list of transactions with the context that they share.
//!
//! ```text
//!   file ──zstd?──▶ lines of JSON ─┐
//!                                  ├─▶ entries with their position ──▶ transactions, in order
//!                   binary ────────┘                              └──▶ what was refused, and why
//! ```
//!
//! Two forms of the same thing, each plain or zstd-compressed; [`Reader`] tells them apart by their first bytes.
//!
//! # JSON Lines
//!
//! The first line is the header, each further line one transaction. Numbers are plain integers in quanta, keys,
//! signatures and digests lower- or upper-case hexadecimal, fields in any order, none missing, none more:
//!
//! ```text
//! {"batch":{"domain":{"chain_id":1,"contract":"0x…"},"batch_number":1,"operator":1,"timestamp_s":1700000000}}
//! {"kind":"noop"}
//! {"kind":"deposit","account":65536,"asset":0,"amount":5,"opens":"…32 bytes…"}      (opens: only when it opens)
//! {"kind":"rekey","account":65536,"key_hash":"…32 bytes…"}
//! {"kind":"forced_exit","account":65536,"asset":0}
//! {"kind":"transfer","account":65536,"nonce":0,"fee":21000,"asset":0,"to":65537,"amount":31337,
//!  "public_key":"…40 bytes…","signature":"…80 bytes…"}                               (on one line)
//! {"kind":"withdraw","account":65536,"nonce":0,"fee":21000,"asset":0,"amount":1,"public_key":"…","signature":"…"}
//! {"kind":"swap","account":65536,"nonce":0,"fee":21000,"asset_in":0,"pool":8388613,…,"public_key":"…","signature":"…"}
//! ```
//!
//! A contract's transaction has its account, nonce and fee, then the fields of its form that its kind uses, then key and
//! signature, and for two signers `second_public_key` and `second_signature`: see [`sheaf_circuits::contracts`].
//!
//! JSON is a notation for people. What has one spelling are the values in it (fees, keys, signatures, digests) and the
//! binary form as a whole; see [`binary`] for its layout.
//!
//! # What is refused, and what becomes of the rest
//!
//! | what is wrong | then |
//! | --- | --- |
//! | the header (or the file is empty) | [`HeaderError`]: there is no batch |
//! | one entry: not JSON, a field missing, unknown or of a wrong type, a value out of range or with another spelling, a key or signature that does not decode, an exact repetition of an earlier entry, a second header | [`Refused`] with its position; the entries around it are still read |
//! | entries below a header with another context (mixed domains) | each is [`Refused`], until the batch's own header comes again |
//! | the file ends inside an entry, does not decompress, is longer than [`Limits`] allow, or (binary) has a kind that nobody knows | [`Refused`], and reading ends there; the entries before it stand |
//! | the signature does not verify, the nonce is not the next, the balance does not suffice, the account is unknown | nothing here: the transaction is executed, and its receipt says why it was rejected |
//!
//! "Exact repetition" means the same transaction with the same signature. The same transaction signed a second time is
//! left to execution, which rejects it by its nonce if the first one applied.

pub mod binary;
pub mod lines;
mod problem;
mod reader;
mod unsigned;

use std::fmt;
use std::io::{self, Read};

use serde::Serialize;
use sheaf_circuits::context::Context;
use sheaf_circuits::transaction::Transaction;

pub use self::problem::{HeaderError, Problem, Refused};
pub use self::reader::Reader;
pub use self::unsigned::Unsigned;

/// An ordered list of transactions with the context that they share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Where and when the batch is.
    pub context: Context,
    /// The transactions, in order.
    pub transactions: Vec<Transaction>,
}

/// A batch as read from a file, with all that was refused in it.
#[derive(Debug)]
pub struct Decoded {
    /// What was read.
    pub batch: Batch,
    /// Where each transaction of the batch stands in the file.
    pub positions: Vec<Position>,
    /// What was left out, in the order of the file.
    pub refused: Vec<Refused>,
    /// How the file was written.
    pub form: Form,
}

/// Reads a whole batch. One bad entry is reported in [`Decoded::refused`] and does not keep the others from being read.
pub fn read(source: impl Read, limits: Limits) -> Result<Decoded, HeaderError> {
    let mut reader = Reader::new(source, limits)?;
    let (mut transactions, mut positions, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for entry in &mut reader {
        match entry {
            Ok(entry) => {
                transactions.push(entry.transaction);
                positions.push(entry.position);
            }
            Err(problem) => refused.push(problem),
        }
    }
    let batch = Batch { context: *reader.context(), transactions };
    Ok(Decoded { batch, positions, refused, form: reader.form() })
}

impl Batch {
    /// Writes the batch as JSON Lines.
    pub fn write_lines(&self, mut to: impl io::Write) -> io::Result<()> {
        writeln!(to, "{}", lines::header(&self.context))?;
        for transaction in &self.transactions {
            writeln!(to, "{}", lines::transaction(transaction))?;
        }
        Ok(())
    }

    /// Writes the batch in its binary form.
    ///
    /// # Errors
    ///
    /// Those of `to`, and [`io::ErrorKind::InvalidInput`] for more than 2^32 − 1 transactions.
    pub fn write_binary(&self, mut to: impl io::Write) -> io::Result<()> {
        let count = u32::try_from(self.transactions.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        to.write_all(&binary::header(&self.context, count))?;
        for transaction in &self.transactions {
            to.write_all(&binary::transaction(transaction))?;
        }
        Ok(())
    }
}

/// One transaction of a batch file and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it begins.
    pub position: Position,
    /// The transaction.
    pub transaction: Transaction,
}

/// A place in a (decompressed) batch file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    /// A line, counted from 1. The header is line 1.
    Line(u64),
    /// A byte, counted from 0.
    Byte(u64),
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(number) => write!(f, "line {number}"),
            Self::Byte(offset) => write!(f, "byte {offset}"),
        }
    }
}

/// How a batch file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Form {
    /// Lines or binary.
    pub notation: Notation,
    /// Whether it is compressed with zstd.
    pub compressed: bool,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.notation {
            Notation::Lines => "JSON Lines",
            Notation::Binary => "binary",
        })?;
        f.write_str(if self.compressed { ", compressed" } else { "" })
    }
}

/// The two notations of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Notation {
    /// One JSON object a line.
    Lines,
    /// The compact canonical form.
    Binary,
}

/// What a reader takes at most, so that no file can fill the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a line, line end excluded. A signed transfer takes about 430.
    pub line_bytes: usize,
    /// Entries (lines after the header, or binary transactions), refused ones included.
    pub entries: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { line_bytes: 4096, entries: 1 << 20 }
    }
}

#[cfg(test)]
mod tests;
