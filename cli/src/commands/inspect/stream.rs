//! A published stream in words.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Serialize;
use sheaf_circuits::amount::Fee;
use sheaf_circuits::availability::{decode, from_bytes};
use sheaf_circuits::transaction::{Kind, Published, Stream};

use crate::failure::Advice;
use crate::files;
use crate::numbers::{Bytes, Count};

/// Records that are shown in words.
const RECORDS_SHOWN: usize = 20;

/// What a stream holds.
#[derive(Serialize)]
pub struct Summary {
    file: PathBuf,
    stream: Stream,
    bytes: usize,
    words: usize,
    kinds: BTreeMap<&'static str, u64>,
    records: Vec<Shown>,
}

/// One record.
#[derive(Serialize)]
struct Shown {
    kind: &'static str,
    account: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    asset: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fee: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_hash: Option<String>,
    /// What a contract was called for, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<String>,
}

impl Summary {
    /// Decodes the file.
    pub fn read(file: &Path, stream: Stream) -> Result<Self> {
        Self::of(file, stream, &files::read(file, files::WHOLE_FILE_BYTES)?)
    }

    /// Decodes bytes that are from `file`.
    pub fn of(file: &Path, stream: Stream, bytes: &[u8]) -> Result<Self> {
        let words = from_bytes(bytes);
        let records = words.and_then(|words| Ok((words.len(), decode(stream, &words)?)));
        let (words, records) = records.with_context(|| {
            let what = format!("{} is not a whole {stream:?} stream", file.display());
            Advice::new(what, "check that it is that stream, and complete").answer_no()
        })?;
        let mut kinds = BTreeMap::new();
        for record in &records {
            *kinds.entry(record.kind().name()).or_default() += 1;
        }
        let records = records.iter().map(Shown::of).collect();
        Ok(Self { file: file.into(), stream, bytes: bytes.len(), words, kinds, records })
    }
}

impl Shown {
    fn of(published: &Published) -> Self {
        let (kind, account) = (published.kind().name(), published.account().get());
        match published {
            Published::Record(record) => {
                let signed = matches!(record.kind, Kind::Transfer | Kind::Withdraw);
                let moves = record.kind != Kind::Rekey;
                Self {
                    kind,
                    account,
                    asset: moves.then_some(record.asset.get()),
                    amount: moves.then_some(record.quanta().get()),
                    to: (record.kind == Kind::Transfer).then_some(record.counterparty),
                    fee: Fee::decode(record.low).ok().filter(|_| signed).map(Fee::quanta),
                    key_hash: record.key_hash.map(|key_hash| key_hash.to_string()),
                    call: None,
                }
            }
            Published::Call(call) => Self {
                kind,
                account,
                asset: None,
                amount: None,
                to: None,
                fee: Some(call.fee.quanta()),
                key_hash: None,
                call: Some(call.kind.form().explain(call)),
            },
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.call {
            Some(call) => write!(f, "{:<12} {call}", self.kind)?,
            None => write!(f, "{:<12} account {}", self.kind, self.account)?,
        }
        if let Some(to) = self.to {
            write!(f, " to {to}")?;
        }
        if let (Some(amount), Some(asset)) = (self.amount, self.asset) {
            write!(f, ", {} of asset {asset}", Count(amount))?;
        }
        if let Some(fee) = self.fee {
            write!(f, ", fee {}", Count(fee))?;
        }
        match &self.key_hash {
            Some(key_hash) => write!(f, ", key hash {key_hash}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<_> = self.kinds.iter().map(|(kind, count)| format!("{} {kind}", Count(*count))).collect();
        let (bytes, words) = (Bytes(self.bytes as u64), Count(self.words as u64));
        writeln!(f, "{} is an {:?} stream: {bytes}, {words} words", self.file.display(), self.stream)?;
        let records = Count(self.records.len() as u64);
        writeln!(f, "  records  {records}{}{}", if kinds.is_empty() { "" } else { ": " }, kinds.join(", "))?;
        for record in self.records.iter().take(RECORDS_SHOWN) {
            writeln!(f, "    {record}")?;
        }
        match self.records.len().saturating_sub(RECORDS_SHOWN) {
            0 => Ok(()),
            more => writeln!(f, "    and {} more; --json lists them all", Count(more as u64)),
        }
    }
}
