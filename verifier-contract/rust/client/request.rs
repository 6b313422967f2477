//! Requests from L1: the bytes that the contract fixes when one is made, and the transaction that they ask for.

use alloy::primitives::{keccak256, Address, B256, U256};
use sheaf_circuits::account::AccountIndex;
use sheaf_circuits::availability::{from_bytes, StreamError, WORD_BYTES};
use sheaf_circuits::transaction::{
    Deposit, ForcedExit, Kind, Record, RecordError, Rekey, Stream, Transaction, HEAD_WORDS,
};
use thiserror::Error;

/// Bytes of a forced exit that are fixed when it is asked for: all before the amount.
const FORCED_EXIT_BYTES: usize = (HEAD_WORDS - 1) * WORD_BYTES;
/// Bits of a stored word that tell when a request was made; the others are the chain's hash.
const TIME_BITS: usize = 40;

/// A request that the contract took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its number, counted from 1: its place in the queue.
    pub number: u64,
    /// The account that it is for.
    pub account: AccountIndex,
    /// Who made it.
    pub from: Address,
    /// Its bytes, as `reclaim` takes them.
    pub record: Vec<u8>,
    /// What a batch does about it.
    pub transaction: Transaction,
}

impl Request {
    /// A request with the fields of its event.
    pub fn new(number: u64, account: u32, from: Address, record: Vec<u8>) -> Result<Self, RequestError> {
        let transaction = transaction_of(&record)?;
        let of_record = transaction.account().ok_or(RequestError::Kind { kind: transaction.kind() })?;
        if of_record.get() != account {
            return Err(RequestError::Account { event: account, record: of_record });
        }
        Ok(Self { number, account: of_record, from, record, transaction })
    }
}

/// The transaction that the bytes of a request ask for.
pub fn transaction_of(record: &[u8]) -> Result<Transaction, RequestError> {
    let mut bytes = record.to_vec();
    if bytes.first() == Some(&Kind::ForcedExit.code()) && bytes.len() == FORCED_EXIT_BYTES {
        bytes.resize(HEAD_WORDS * WORD_BYTES, 0);
    }
    let words = from_bytes(&bytes)?;
    let (decoded, length) = Record::decode(Stream::L1, &words)?;
    if length != words.len() {
        return Err(RequestError::Trailing { words: words.len() - length });
    }
    // A forced exit's amount is not a request's to tell.
    if decoded.kind == Kind::ForcedExit && record.len() != FORCED_EXIT_BYTES {
        return Err(RequestError::ForcedExitLength { got: record.len() });
    }
    let Record { kind, asset, account, key_hash, .. } = decoded;
    match (kind, key_hash) {
        (Kind::Deposit, opens) => Ok(Transaction::Deposit(Deposit { account, asset, amount: decoded.quanta(), opens })),
        (Kind::Rekey, Some(key_hash)) => Ok(Transaction::Rekey(Rekey { account, key_hash })),
        (Kind::ForcedExit, _) => Ok(Transaction::ForcedExit(ForcedExit { account, asset })),
        (kind, _) => Err(RequestError::Kind { kind }),
    }
}

/// The chain's hash after a request, from that before it.
pub(super) fn next_hash(hash: B256, record: &[u8]) -> B256 {
    hash_of_word(keccak256([hash.as_slice(), record].concat()).into())
}

/// The chain's hash that a stored word has: its upper 216 bits.
pub(super) fn hash_of_word(word: U256) -> B256 {
    ((word >> TIME_BITS) << TIME_BITS).into()
}

/// Why bytes are not a request.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RequestError {
    /// Not words.
    #[error(transparent)]
    Words(#[from] StreamError),
    /// Not a record.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Words follow the record.
    #[error("{words} words follow the record")]
    Trailing {
        /// How many.
        words: usize,
    },
    /// A forced exit with an amount, or cut off.
    #[error("a request for an exit has {FORCED_EXIT_BYTES} bytes, got {got}")]
    ForcedExitLength {
        /// How many.
        got: usize,
    },
    /// A record that nobody can request.
    #[error("a {} cannot be requested from L1", kind.name())]
    Kind {
        /// Its kind.
        kind: Kind,
    },
    /// The event is about another account.
    #[error("the event names account {event}, its record {record}")]
    Account {
        /// The event's.
        event: u32,
        /// The record's.
        record: AccountIndex,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sheaf_circuits::account::AssetId;
    use sheaf_circuits::amount::Quanta;
    use sheaf_circuits::availability::to_bytes;
    use sheaf_circuits::hash::Digest;

    use super::*;

    fn requests() -> Vec<(Transaction, Vec<u8>)> {
        let account = AccountIndex::new(65_536).unwrap();
        let (asset, amount) = (AssetId::new(3).unwrap(), Quanta::new(1 << 60).unwrap());
        let key_hash = Digest::from_bytes(&[5; 32]).unwrap();
        let plain = Deposit { account, asset, amount, opens: None };
        let opening = Deposit { opens: Some(key_hash), ..plain };
        let record = |kind, key_hash: Option<Digest>, amount: u64, low| Record {
            kind,
            asset: if kind == Kind::Rekey { AssetId::GAS } else { asset },
            account,
            counterparty: (kind == Kind::Deposit && key_hash.is_some()).into(),
            low,
            amount,
            key_hash,
        };
        let bytes = |record: Record| to_bytes(&record.words());
        vec![
            (Transaction::Deposit(plain), bytes(record(Kind::Deposit, None, 0, 1 << 4))),
            (Transaction::Deposit(opening), bytes(record(Kind::Deposit, Some(key_hash), 0, 1 << 4))),
            (Transaction::Rekey(Rekey { account, key_hash }), bytes(record(Kind::Rekey, Some(key_hash), 0, 0))),
            (
                Transaction::ForcedExit(ForcedExit { account, asset }),
                bytes(record(Kind::ForcedExit, None, 0, 0))[..FORCED_EXIT_BYTES].to_vec(),
            ),
        ]
    }

    #[test]
    fn requests_become_the_transactions_that_they_ask_for() {
        for (transaction, record) in requests() {
            assert_eq!(transaction_of(&record), Ok(transaction));
            let longer = [&record[..], &[0; 7]].concat();
            assert!(transaction_of(&longer).is_err(), "{longer:02x?}");
            assert!(transaction_of(&record[..record.len() - 7]).is_err());
            let other = Request::new(1, 65_537, Address::ZERO, record);
            assert!(matches!(other, Err(RequestError::Account { .. })), "{other:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_request_or_an_error(bytes: Vec<u8>, which in 0_usize..4, at in 0_usize..77, byte: u8) {
            let _ = transaction_of(&bytes);
            let mut record = requests()[which].1.clone();
            let last = record.len() - 1;
            record[at.min(last)] = byte;
            let _ = transaction_of(&record);
        }
    }
}
