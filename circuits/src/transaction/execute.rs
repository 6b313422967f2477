//! What a transaction does to the cells. This is the native form of the slot circuit: same checks, same order.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Authorization, Kind, Published, Record, Transaction};
use crate::account::{AccountIndex, AccountKind, AssetId, Cell, CellKey, Header};
use crate::amount::{Fee, Quanta, TRANSFER_BITS, WORD_MASK};
use crate::context::Context;
use crate::contract::{execute_call, Refusal};
use crate::contracts::registry::FIRST_CREATED_ASSET;

/// The cells as a transaction sees them.
pub trait CellMemory {
    /// The cell at `key`, absent if nothing was ever written there.
    fn read(&mut self, key: CellKey) -> Cell;
    /// Replaces the cell at `key`.
    fn write(&mut self, key: CellKey, cell: Cell);
}

/// What an applied transaction did besides writing cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What is published; nothing for `Noop`.
    pub record: Option<Published>,
    /// What the operator is owed.
    pub fee: Fee,
}

/// Why a transaction does not apply. The state is then unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Rejection {
    /// The account is not open.
    #[error("account {account} does not exist")]
    UnknownAccount {
        /// The account.
        account: AccountIndex,
    },
    /// A deposit would open an account that is open.
    #[error("account {account} is already open")]
    AlreadyOpen {
        /// The account.
        account: AccountIndex,
    },
    /// The account is a contract's; only its own transactions touch it.
    #[error("account {account} belongs to a contract")]
    NotAUser {
        /// The account.
        account: AccountIndex,
    },
    /// The public key's hash is not the account's.
    #[error("the public key is not the one of account {account}")]
    WrongKey {
        /// The account.
        account: AccountIndex,
    },
    /// The signature does not verify.
    #[error("the signature does not verify under the given key for this domain")]
    BadSignature,
    /// The nonce is not the next one.
    #[error("nonce {got} of account {account}, expected {expected}")]
    WrongNonce {
        /// The account.
        account: AccountIndex,
        /// The next nonce.
        expected: u64,
        /// The nonce found.
        got: u64,
    },
    /// The balance does not cover amount and fee.
    #[error("account {account} has {balance} of asset {asset}, needs {needed}")]
    InsufficientBalance {
        /// The account.
        account: AccountIndex,
        /// The asset.
        asset: AssetId,
        /// What it has.
        balance: Quanta,
        /// What amount and fee come to.
        needed: u64,
    },
    /// More than one transaction may move, or a balance would pass 2^62.
    #[error("an amount or balance would reach 2^{bits}")]
    AmountOutOfRange {
        /// The width that is exceeded.
        bits: usize,
    },
    /// Sender and recipient are the same account.
    #[error("account {account} pays itself")]
    SelfTransfer {
        /// The account.
        account: AccountIndex,
    },
    /// The asset was made on L2, so L1 cannot pay it out.
    #[error("asset {asset} was made on L2, and L1 does not know it")]
    MadeOnL2 {
        /// The asset.
        asset: AssetId,
    },
    /// A call touches a cell in two of its roles.
    #[error("slot {slot} of account {account} would be touched twice: two of the accounts or assets are the same")]
    SameCellTwice {
        /// The account.
        account: AccountIndex,
        /// The slot, 0 for the header.
        slot: u16,
    },
    /// The second signature is missing, or by another key.
    #[error("the second signature is missing, or its key is not the one expected")]
    WrongSecondKey,
    /// A contract's rule is broken.
    #[error("{rule}")]
    Refused {
        /// Which.
        rule: Refusal,
    },
}

impl From<Refusal> for Rejection {
    fn from(rule: Refusal) -> Self {
        Self::Refused { rule }
    }
}

/// Applies `transaction` to `memory`, all checks but the signature's own: see [`crate::signature`], many are verified
/// at once. On a rejection nothing was written.
pub fn execute(
    transaction: &Transaction,
    context: &Context,
    memory: &mut impl CellMemory,
) -> Result<Outcome, Rejection> {
    match transaction {
        Transaction::Noop => Ok(Outcome { record: None, fee: Fee::ZERO }),
        Transaction::Deposit(t) => {
            let record = Record {
                kind: Kind::Deposit,
                asset: t.asset,
                account: t.account,
                counterparty: t.opens.is_some().into(),
                low: (t.amount.get() >> TRANSFER_BITS) as u32,
                amount: t.amount.get() & WORD_MASK,
                key_hash: t.opens,
            };
            let mut account = match t.opens {
                Some(key_hash) if memory.read(t.account.header_key()).is_absent() => {
                    let slot = read_slot(memory, t.account, t.asset)?;
                    OpenAccount { index: t.account, header: Header::open(key_hash, Quanta::ZERO), slot }
                }
                Some(_) => return Err(Rejection::AlreadyOpen { account: t.account }),
                None => OpenAccount::read(memory, t.account, t.asset)?,
            };
            account.credit(t.asset, t.amount)?;
            account.write(memory);
            Ok(Outcome { record: Some(record.into()), fee: Fee::ZERO })
        }
        Transaction::Rekey(t) => {
            let mut account = OpenAccount::read(memory, t.account, AssetId::GAS)?;
            account.header.key_hash = t.key_hash;
            account.write(memory);
            let record = Record {
                kind: Kind::Rekey,
                asset: AssetId::GAS,
                account: t.account,
                counterparty: 0,
                low: 0,
                amount: 0,
                key_hash: Some(t.key_hash),
            };
            Ok(Outcome { record: Some(record.into()), fee: Fee::ZERO })
        }
        Transaction::ForcedExit(t) => {
            let mut account = OpenAccount::read(memory, t.account, t.asset)?;
            let amount = account.balance(t.asset).min(Quanta::MAX_TRANSFER);
            account.debit(t.asset, amount.get())?;
            account.write(memory);
            let record = Record {
                kind: Kind::ForcedExit,
                asset: t.asset,
                account: t.account,
                counterparty: 0,
                low: 0,
                amount: amount.get(),
                key_hash: None,
            };
            Ok(Outcome { record: Some(record.into()), fee: Fee::ZERO })
        }
        Transaction::Transfer(t, authorization) => {
            if t.account == t.to {
                return Err(Rejection::SelfTransfer { account: t.account });
            }
            let mut sender = OpenAccount::read(memory, t.account, t.asset)?;
            sender.spend(authorization, t.nonce, t.fee, t.asset, t.amount)?;
            let mut recipient = OpenAccount::read(memory, t.to, t.asset)?;
            recipient.credit(t.asset, t.amount)?;
            sender.write(memory);
            recipient.write(memory);
            Ok(Outcome { record: Some(t.record().into()), fee: t.fee })
        }
        Transaction::Withdraw(t, authorization) => {
            if t.asset.get() >= FIRST_CREATED_ASSET {
                return Err(Rejection::MadeOnL2 { asset: t.asset });
            }
            let mut account = OpenAccount::read(memory, t.account, t.asset)?;
            account.spend(authorization, t.nonce, t.fee, t.asset, t.amount)?;
            account.write(memory);
            Ok(Outcome { record: Some(t.record().into()), fee: t.fee })
        }
        Transaction::Call(t) => execute_call(t, context, memory),
    }
}

/// A user account while a transaction works on it: its header, and the balance of one other asset.
struct OpenAccount {
    index: AccountIndex,
    header: Header,
    slot: Option<(CellKey, Quanta)>,
}

impl OpenAccount {
    fn read(memory: &mut impl CellMemory, index: AccountIndex, asset: AssetId) -> Result<Self, Rejection> {
        let header = read_user(memory, index)?;
        Ok(Self { index, header, slot: read_slot(memory, index, asset)? })
    }

    fn write(self, memory: &mut impl CellMemory) {
        memory.write(self.index.header_key(), self.header.to_cell());
        if let Some((key, balance)) = self.slot {
            memory.write(key, Cell::from_balance(balance));
        }
    }

    fn balance(&self, asset: AssetId) -> Quanta {
        match self.slot {
            Some((_, balance)) if !asset.is_gas() => balance,
            _ => self.header.balance,
        }
    }

    fn balance_mut(&mut self, asset: AssetId) -> &mut Quanta {
        match &mut self.slot {
            Some((_, balance)) if !asset.is_gas() => balance,
            _ => &mut self.header.balance,
        }
    }

    fn credit(&mut self, asset: AssetId, amount: Quanta) -> Result<(), Rejection> {
        let balance = self.balance_mut(asset);
        let bits = crate::amount::BALANCE_BITS;
        *balance = balance.checked_add(amount).ok_or(Rejection::AmountOutOfRange { bits })?;
        Ok(())
    }

    fn debit(&mut self, asset: AssetId, needed: u64) -> Result<(), Rejection> {
        let account = self.index;
        let balance = self.balance_mut(asset);
        *balance = Quanta::new(needed)
            .and_then(|needed| balance.checked_sub(needed))
            .ok_or(Rejection::InsufficientBalance { account, asset, balance: *balance, needed })?;
        Ok(())
    }

    /// What every signed transaction does to its account: key, nonce, fee, amount.
    fn spend(
        &mut self,
        authorization: &Authorization,
        nonce: u64,
        fee: Fee,
        asset: AssetId,
        amount: Quanta,
    ) -> Result<(), Rejection> {
        if authorization.public_key.hash() != self.header.key_hash {
            return Err(Rejection::WrongKey { account: self.index });
        }
        if nonce != self.header.nonce {
            return Err(Rejection::WrongNonce { account: self.index, expected: self.header.nonce, got: nonce });
        }
        if amount > Quanta::MAX_TRANSFER {
            return Err(Rejection::AmountOutOfRange { bits: TRANSFER_BITS });
        }
        if asset.is_gas() {
            self.debit(asset, amount.get() + fee.quanta())?;
        } else {
            self.debit(AssetId::GAS, fee.quanta())?;
            self.debit(asset, amount.get())?;
        }
        self.header.nonce += 1;
        Ok(())
    }
}

/// The header of an open user account.
pub(crate) fn read_user(memory: &mut impl CellMemory, index: AccountIndex) -> Result<Header, Rejection> {
    match Header::from_cell(&memory.read(index.header_key())) {
        Ok(Some(header)) if header.kind == AccountKind::USER => Ok(header),
        Ok(None) => Err(Rejection::UnknownAccount { account: index }),
        _ => Err(Rejection::NotAUser { account: index }),
    }
}

/// The slot of `asset` in a user account; nothing for asset 0, which the header holds.
fn read_slot(
    memory: &mut impl CellMemory,
    index: AccountIndex,
    asset: AssetId,
) -> Result<Option<(CellKey, Quanta)>, Rejection> {
    if asset.is_gas() {
        return Ok(None);
    }
    let key = index.balance_key(asset);
    let balance = memory.read(key).balance().map_err(|_| Rejection::NotAUser { account: index })?;
    Ok(Some((key, balance)))
}
