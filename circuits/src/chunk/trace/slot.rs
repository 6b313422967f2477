//! The values of one transaction slot.

use std::sync::LazyLock;

use plonky2::field::types::{Field, PrimeField64};

use super::memory::TraceMemory;
use super::{ChunkError, Executor, NO_ACCESS};
use crate::account::{AccountIndex, AssetId, Cell, Header};
use crate::hash::{Digest, F};
use crate::signature::SecretKey;
use crate::transaction::{message_of_head, Authorization, Published, Rejection, Transaction, KEY_WORDS};

/// What an access to a cell found.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    /// The cell.
    pub cell: Cell,
    /// When it was written.
    pub time: F,
}

/// Which kind the transaction is: 1 where it is, else 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flags {
    /// `Transfer`.
    pub transfer: F,
    /// `Withdraw`.
    pub withdraw: F,
    /// `Deposit`.
    pub deposit: F,
    /// `Rekey`.
    pub rekey: F,
    /// `ForcedExit`.
    pub forced_exit: F,
    /// A `Deposit` that opens the account.
    pub opens: F,
}

/// The values of one transaction slot.
#[derive(Clone, Debug)]
pub struct SlotTrace {
    /// Which kind.
    pub flags: Flags,
    /// The account.
    pub account: F,
    /// The recipient of a transfer.
    pub to: F,
    /// The asset.
    pub asset: F,
    /// The lower 56 bits of the amount.
    pub amount: F,
    /// What is above them, for a deposit.
    pub amount_upper: F,
    /// The fee's mantissa.
    pub fee_mantissa: u64,
    /// The fee's exponent.
    pub fee_exponent: u32,
    /// The words of the key hash that is set.
    pub key_words: [u64; KEY_WORDS],
    /// The account's header.
    pub sender: Access,
    /// The recipient's header.
    pub recipient: Access,
    /// The account's slot of the asset.
    pub sender_slot: Access,
    /// The recipient's slot of the asset.
    pub recipient_slot: Access,
    /// Key and signature. A slot that is not signed holds a signature of its words by a key that nobody uses: the
    /// circuit verifies some signature in every slot, and ties the key to the header only where one is due.
    pub authorization: Authorization,
}

/// Signs where no signature is due.
static FILLER_KEY: LazyLock<SecretKey> = LazyLock::new(|| SecretKey::from_seed(b"signs what needs no signature.  "));

pub(super) fn filler_signature(message: Digest) -> Authorization {
    Authorization { public_key: *FILLER_KEY.public(), signature: FILLER_KEY.sign(message) }
}

impl SlotTrace {
    /// Executes `transaction` in slot number `position`, counted from 0. Returns also what it publishes.
    pub fn new(
        memory: &mut TraceMemory,
        executor: &mut Executor<'_>,
        domain: Digest,
        transaction: &Transaction,
        position: usize,
    ) -> Result<(Self, Option<Published>), ChunkError> {
        let now = position as u64 + 1;
        let (account, to, asset) = parties(transaction);
        let mut access = |account: Option<_>, asset: Option<AssetId>| match (account, asset) {
            (Some(account), Some(asset)) => memory.access(AccountIndex::balance_key(account, asset), now),
            _ => Ok(NO_ACCESS),
        };
        if let (Some(account), true) = (account, account == to) {
            return Err(ChunkError::Rejected { slot: position, rejection: Rejection::SelfTransfer { account } });
        }
        let other = (!asset.is_gas()).then_some(asset);
        let sender = access(account, Some(AssetId::GAS))?;
        let recipient = access(to, Some(AssetId::GAS))?;
        let sender_slot = access(account, other)?;
        let recipient_slot = access(to, other)?;
        let outcome =
            executor(transaction, memory).map_err(|rejection| ChunkError::Rejected { slot: position, rejection })?;

        let record = match &outcome.record {
            Some(Published::Record(record)) => Some(*record),
            _ => None,
        };
        let head = record.map_or([0; 3], |record| record.head());
        let (fee_mantissa, fee_exponent) = outcome.fee.parts();
        let authorization = match transaction.authorization() {
            Some(authorization) => *authorization,
            None => {
                let nonce = sender.cell.0[Header::NONCE].to_canonical_u64();
                filler_signature(message_of_head(domain, head, nonce))
            }
        };
        let is_deposit = matches!(transaction, Transaction::Deposit(_));
        let amount_upper = match record {
            Some(record) if is_deposit => record.low,
            _ => 0,
        };
        let slot = Self {
            flags: flags(transaction),
            account: F::from_canonical_u32(account.map_or(0, |account| account.get())),
            to: F::from_canonical_u32(to.map_or(0, |to| to.get())),
            asset: F::from_canonical_u16(asset.get()),
            amount: F::from_canonical_u64(head[2]),
            amount_upper: F::from_canonical_u32(amount_upper),
            fee_mantissa,
            fee_exponent,
            key_words: record.map_or([0; KEY_WORDS], |record| record.key_words()),
            sender,
            recipient,
            sender_slot,
            recipient_slot,
            authorization,
        };
        Ok((slot, outcome.record))
    }
}

fn parties(transaction: &Transaction) -> (Option<AccountIndex>, Option<AccountIndex>, AssetId) {
    match transaction {
        Transaction::Noop | Transaction::Call(_) => (None, None, AssetId::GAS),
        Transaction::Deposit(t) => (Some(t.account), None, t.asset),
        Transaction::Rekey(t) => (Some(t.account), None, AssetId::GAS),
        Transaction::ForcedExit(t) => (Some(t.account), None, t.asset),
        Transaction::Transfer(t, _) => (Some(t.account), Some(t.to), t.asset),
        Transaction::Withdraw(t, _) => (Some(t.account), None, t.asset),
    }
}

fn flags(transaction: &Transaction) -> Flags {
    Flags {
        transfer: F::from_bool(matches!(transaction, Transaction::Transfer(..))),
        withdraw: F::from_bool(matches!(transaction, Transaction::Withdraw(..))),
        deposit: F::from_bool(matches!(transaction, Transaction::Deposit(_))),
        rekey: F::from_bool(matches!(transaction, Transaction::Rekey(_))),
        forced_exit: F::from_bool(matches!(transaction, Transaction::ForcedExit(_))),
        opens: F::from_bool(matches!(transaction, Transaction::Deposit(t) if t.opens.is_some())),
    }
}
