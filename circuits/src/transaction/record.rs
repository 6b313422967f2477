//! What a transaction publishes: words of 56 bits, in one of two streams.
//!
//! A record has three words, and eight more when it carries a key hash:
//!
//! ```text
//!   word 0   kind 8 | asset 16 | account 32          (most significant first)
//!   word 1   counterparty 32 | low 24
//!   word 2   amount 56
//!   word 3…  key hash: for each of four elements, its upper 32 bits, then its lower 32 bits
//! ```
//!
//! | kind | counterparty | low | amount | key hash |
//! | --- | --- | --- | --- | --- |
//! | `Transfer` | recipient | fee | amount | |
//! | `Withdraw` | 0 | fee | amount | |
//! | `Deposit` | 1 if it opens the account, else 0 | bits 56…61 of the amount | bits 0…55 of the amount | if it opens |
//! | `Rekey` | 0 | 0 | 0 | yes |
//! | `ForcedExit` | 0 | 0 | what was moved | |
//!
//! A call of a contract has the same head, with fields of its own in the bits of asset, counterparty and amount, and as
//! many words after it as its form says: see [`crate::contract`].

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Kind;
use crate::account::{AccountIndex, AssetId};
use crate::amount::{Fee, FeeError, Quanta, BALANCE_BITS, TRANSFER_BITS};
use crate::contract::{Call, CallError};
use crate::hash::{canonical_element, Digest, F};

/// Bits of a word.
pub const WORD_BITS: usize = 56;
/// Words at the head of each record.
pub const HEAD_WORDS: usize = 3;
/// Words of a key hash.
pub const KEY_WORDS: usize = 8;

const ACCOUNT_FIELD_BITS: usize = 32;
const ASSET_FIELD_BITS: usize = 16;
const LOW_FIELD_BITS: usize = 24;
const KEY_WORD_BITS: usize = 32;

const _: () = assert!(8 + ASSET_FIELD_BITS + ACCOUNT_FIELD_BITS == WORD_BITS);
const _: () = assert!(ACCOUNT_FIELD_BITS + LOW_FIELD_BITS == WORD_BITS);
const _: () = assert!(TRANSFER_BITS == WORD_BITS);
const _: () = assert!(BALANCE_BITS - WORD_BITS <= LOW_FIELD_BITS);

/// Where a record is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Stream {
    /// The records that the L1 contract reads.
    L1 = 1,
    /// All else.
    L2 = 2,
}

/// What a transaction publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published {
    /// One of the protocol's own kinds.
    Record(Record),
    /// A contract's: what was called. When read from a stream, what is not published is as it is replayed.
    Call(Box<Call>),
}

impl From<Record> for Published {
    fn from(record: Record) -> Self {
        Self::Record(record)
    }
}

impl Published {
    /// What it records.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Record(record) => record.kind,
            Self::Call(call) => Kind::Call(call.kind),
        }
    }

    /// The account.
    pub fn account(&self) -> AccountIndex {
        match self {
            Self::Record(record) => record.account,
            Self::Call(call) => call.account,
        }
    }

    /// All words: three, and what follows them.
    pub fn words(&self) -> Vec<u64> {
        match self {
            Self::Record(record) => record.words(),
            Self::Call(call) => call.published(),
        }
    }

    /// Reads the record at the front of `words` and returns it with the number of words it took. Refuses whatever
    /// [`Self::words`] does not write in `stream`.
    pub fn decode(stream: Stream, words: &[u64]) -> Result<(Self, usize), RecordError> {
        let head = words.first().map_or(0, |word| word >> (ASSET_FIELD_BITS + ACCOUNT_FIELD_BITS));
        match u8::try_from(head).ok().and_then(Kind::from_code) {
            Some(Kind::Call(kind)) if stream == Stream::L2 => {
                let length = HEAD_WORDS + kind.form_id().spec().extra_words();
                let cut_off = RecordError::CutOff { expected: length, got: words.len() };
                let words = words.get(..length).ok_or(cut_off)?;
                if let Some(position) = words.iter().position(|word| word >> WORD_BITS != 0) {
                    return Err(RecordError::WordTooWide { position, word: words[position] });
                }
                Ok((Self::Call(Box::new(Call::decode(kind, words)?)), length))
            }
            _ => Record::decode(stream, words).map(|(record, length)| (Self::Record(record), length)),
        }
    }
}

/// What a transaction of the protocol's own kinds publishes. See the module's page for the meaning of the fields by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// What it records; never `Noop`.
    pub kind: Kind,
    /// The asset, 0 for `Rekey`.
    pub asset: AssetId,
    /// The account.
    pub account: AccountIndex,
    /// Recipient, or whether a deposit opens the account.
    pub counterparty: u32,
    /// The fee's 24 bits, or the upper bits of a deposit.
    pub low: u32,
    /// 56 bits of the amount.
    pub amount: u64,
    /// The key hash that is set.
    pub key_hash: Option<Digest>,
}

impl Record {
    /// The first three words.
    pub fn head(&self) -> [u64; HEAD_WORDS] {
        let kind = u64::from(self.kind.code());
        let asset = u64::from(self.asset.get());
        [
            (kind << ASSET_FIELD_BITS | asset) << ACCOUNT_FIELD_BITS | u64::from(self.account.get()),
            u64::from(self.counterparty) << LOW_FIELD_BITS | u64::from(self.low),
            self.amount,
        ]
    }

    /// The key hash as words: zeros where there is none.
    pub fn key_words(&self) -> [u64; KEY_WORDS] {
        self.key_hash.unwrap_or_default().halves()
    }

    /// All words of the record: 3, or 11 with a key hash.
    pub fn words(&self) -> Vec<u64> {
        let mut words = self.head().to_vec();
        if self.key_hash.is_some() {
            words.extend(self.key_words());
        }
        words
    }

    /// Reads the record at the front of `words` and returns it with the number of words it took. Refuses whatever
    /// [`Self::words`] does not write in `stream`.
    pub fn decode(stream: Stream, words: &[u64]) -> Result<(Self, usize), RecordError> {
        let head: [u64; HEAD_WORDS] = words
            .get(..HEAD_WORDS)
            .and_then(|head| head.try_into().ok())
            .ok_or(RecordError::CutOff { expected: HEAD_WORDS, got: words.len() })?;
        if let Some(position) = head.iter().position(|word| word >> WORD_BITS != 0) {
            return Err(RecordError::WordTooWide { position, word: head[position] });
        }
        let code = (head[0] >> (ASSET_FIELD_BITS + ACCOUNT_FIELD_BITS)) as u8;
        let kind = Kind::from_code(code)
            .filter(|kind| kind.stream() == Some(stream) && !matches!(kind, Kind::Call(_)))
            .ok_or(RecordError::Kind { code, stream })?;
        let asset = (head[0] >> ACCOUNT_FIELD_BITS) as u16;
        let account = head[0] as u32;
        let (counterparty, low) = ((head[1] >> LOW_FIELD_BITS) as u32, head[1] as u32 & ((1 << LOW_FIELD_BITS) - 1));
        let mut record = Self {
            kind,
            asset: AssetId::new(asset).ok_or(RecordError::Asset { asset })?,
            account: AccountIndex::new(account).ok_or(RecordError::Account { account })?,
            counterparty,
            low,
            amount: head[2],
            key_hash: None,
        };
        let has_key = record.check_fields()?;
        if !has_key {
            return Ok((record, HEAD_WORDS));
        }
        let end = HEAD_WORDS + KEY_WORDS;
        let key = words.get(HEAD_WORDS..end).ok_or(RecordError::CutOff { expected: end, got: words.len() })?;
        record.key_hash = Some(decode_key(key)?);
        Ok((record, end))
    }

    /// Checks counterparty, low and amount by kind; says whether a key hash follows.
    fn check_fields(&self) -> Result<bool, RecordError> {
        let zero = |field: &'static str, value: u64| match value {
            0 => Ok(()),
            _ => Err(RecordError::NotZero { kind: self.kind, field, value }),
        };
        match self.kind {
            Kind::Transfer => {
                AccountIndex::new(self.counterparty).ok_or(RecordError::Account { account: self.counterparty })?;
                Fee::decode(self.low)?;
                Ok(false)
            }
            Kind::Withdraw => {
                zero("counterparty", self.counterparty.into())?;
                Fee::decode(self.low)?;
                Ok(false)
            }
            Kind::Deposit => {
                zero("counterparty above 1", (self.counterparty >> 1).into())?;
                zero("amount from bit 62", (self.low >> (BALANCE_BITS - WORD_BITS)).into())?;
                Ok(self.counterparty == 1)
            }
            Kind::Rekey => {
                zero("asset", self.asset.get().into())?;
                zero("counterparty", self.counterparty.into())?;
                zero("low", self.low.into())?;
                zero("amount", self.amount)?;
                Ok(true)
            }
            Kind::ForcedExit => {
                zero("counterparty", self.counterparty.into())?;
                zero("low", self.low.into())?;
                Ok(false)
            }
            Kind::Noop | Kind::Call(_) => Err(RecordError::Kind { code: self.kind.code(), stream: Stream::L2 }),
        }
    }

    /// The amount, put together from both words for a deposit.
    pub fn quanta(&self) -> Quanta {
        let upper = match self.kind {
            Kind::Deposit => u64::from(self.low) << WORD_BITS,
            _ => 0,
        };
        Quanta::new(upper | self.amount).expect("decoding and the kinds' own types bound both parts")
    }
}

fn decode_key(words: &[u64]) -> Result<Digest, RecordError> {
    let mut elements = [F::default(); 4];
    for (i, (pair, element)) in words.chunks_exact(2).zip(&mut elements).enumerate() {
        let position = HEAD_WORDS + 2 * i;
        for (offset, &word) in pair.iter().enumerate() {
            if word >> KEY_WORD_BITS != 0 {
                return Err(RecordError::WordTooWide { position: position + offset, word });
            }
        }
        let value = pair[0] << KEY_WORD_BITS | pair[1];
        *element = canonical_element(value).ok_or(RecordError::KeyNotCanonical { position, value })?;
    }
    Ok(Digest(elements))
}

/// Why words are not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RecordError {
    /// The stream ends inside the record.
    #[error("the stream ends inside a record: expected {expected} words, got {got}")]
    CutOff {
        /// Words that the record needs.
        expected: usize,
        /// Words that are left.
        got: usize,
    },
    /// A word has more bits than its place allows.
    #[error("word {position} of the record is {word:#x}, which is too wide")]
    WordTooWide {
        /// Which word of the record.
        position: usize,
        /// The word.
        word: u64,
    },
    /// No kind of this code belongs into the stream.
    #[error("kind {code} does not belong into the {stream:?} stream")]
    Kind {
        /// The code found.
        code: u8,
        /// The stream read.
        stream: Stream,
    },
    /// Not an asset.
    #[error("asset {asset} is out of range, expected less than 2^12")]
    Asset {
        /// The number found.
        asset: u16,
    },
    /// Not an account.
    #[error("account {account} is out of range, expected less than 2^24")]
    Account {
        /// The number found.
        account: u32,
    },
    /// A field that the kind does not use is not zero.
    #[error("a {kind:?} record has {field} = {value}, expected 0")]
    NotZero {
        /// The kind.
        kind: Kind,
        /// The field.
        field: &'static str,
        /// The value found.
        value: u64,
    },
    /// The fee bits are not canonical.
    #[error(transparent)]
    Fee(#[from] FeeError),
    /// Not a call.
    #[error(transparent)]
    Call(#[from] CallError),
    /// An element of the key hash is not below p.
    #[error("the key hash element at word {position} is {value}, expected a value below p")]
    KeyNotCanonical {
        /// Its first word.
        position: usize,
        /// The value found.
        value: u64,
    },
}
