//! Rebuilding a state from what its batches published: the state before, and both streams.
//!
//! Records of the L1 stream never touch cells that a contract reads, and everything else that they do adds up. So it
//! makes no difference how the two streams interleave, which is not published: balances are summed, nonces counted,
//! and the order of the L1 stream decides which key an account has in the end. Whether each step applied is not asked
//! again, since the batch's proof says so; what the sum comes to is checked.
//!
//! Calls of contracts are run again, in the order of the L2 stream: a contract sees only its own cells and the batch's
//! context, both known here, and says what balances gain. What is signed but not published is filled in first.

use std::collections::BTreeMap;

use sheaf_circuits::account::{AccountIndex, AccountKind, AssetId, Cell, CellKey, Header};
use sheaf_circuits::amount::{Fee, Quanta};
use sheaf_circuits::availability::{decode, from_bytes, StreamError};
use sheaf_circuits::context::{Context, ContextError};
use sheaf_circuits::contract::{Call, CallError, Refusal};
use sheaf_circuits::hash::Digest;
use sheaf_circuits::transaction::{Kind, Published, Record, Stream};
use thiserror::Error;

use crate::state::StateRead;

/// Why published bytes do not lead to a state.
#[derive(Debug, Error)]
pub enum RebuildError<E: std::error::Error> {
    /// The context is not one that a batch can have.
    #[error("the batch's context: {0}")]
    Context(ContextError),
    /// A stream cannot be read.
    #[error("{stream:?} stream: {source}")]
    Stream {
        /// Which stream.
        stream: Stream,
        /// What is wrong with it.
        source: StreamError,
    },
    /// An account that is not open, or not a user's, is named.
    #[error("account {account} is in the streams but is not an open user account")]
    NotOpen {
        /// The account.
        account: AccountIndex,
    },
    /// An account is opened that is open.
    #[error("account {account} is opened by a deposit but is open already")]
    AlreadyOpen {
        /// The account.
        account: AccountIndex,
    },
    /// The sum of what a balance gains and loses does not fit it.
    #[error("the balance of asset {asset} of account {account} would be {balance}, outside 0 to 2^62")]
    Balance {
        /// The account.
        account: AccountIndex,
        /// The asset.
        asset: AssetId,
        /// What it would be.
        balance: i128,
    },
    /// A call does not fit the state.
    #[error("call {number} of the L2 stream: {source}")]
    Call {
        /// Which call, counted from 0.
        number: usize,
        /// What is wrong with it.
        source: CallError,
    },
    /// A contract refuses a call, so the state is not the one that it was applied to.
    #[error("call {number} of the L2 stream does not apply to this state: {rule}")]
    Refused {
        /// Which call, counted from 0.
        number: usize,
        /// The rule that it breaks.
        rule: Refusal,
    },
    /// The state could not be read.
    #[error("reading the state: {0}")]
    Read(E),
}

/// The cells that a batch changed, from its bytes on L1 and the `state` before it, by ascending key.
pub fn rebuild<S: StateRead>(
    state: &S,
    context: &Context,
    l1: &[u8],
    l2: &[u8],
) -> Result<Vec<(CellKey, Cell)>, RebuildError<S::Error>> {
    let mut replay = Replay::default();
    for (stream, bytes) in [(Stream::L1, l1), (Stream::L2, l2)] {
        let records = from_bytes(bytes).and_then(|words| decode(stream, &words));
        let records = records.map_err(|source| RebuildError::Stream { stream, source })?;
        records.iter().for_each(|record| replay.add(record));
    }
    replay.finish(state, context)
}

/// What records add up to.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    /// What contracts were called for, in the order of the L2 stream.
    calls: Vec<Call>,
    accounts: BTreeMap<AccountIndex, AccountChange>,
    /// What balances gain, by the key of the cell that holds them.
    gains: BTreeMap<CellKey, i128>,
    fees: i128,
}

/// The cells of contracts while calls run again.
struct ContractCells<'a, S: StateRead> {
    state: &'a S,
    before: BTreeMap<CellKey, Cell>,
    now: BTreeMap<CellKey, Cell>,
    error: Option<S::Error>,
}

impl<S: StateRead> ContractCells<'_, S> {
    /// A cell as it is now. When the state cannot be read, absent, and the error is kept.
    fn read(&mut self, key: CellKey) -> Cell {
        if let Some(cell) = self.now.get(&key).or_else(|| self.before.get(&key)) {
            return *cell;
        }
        match self.state.cells(&[key]) {
            Ok(cells) => {
                self.before.insert(key, cells[0]);
                cells[0]
            }
            Err(error) => {
                self.error = Some(error);
                Cell::ABSENT
            }
        }
    }

    fn changed(self) -> Vec<(CellKey, Cell)> {
        let before = self.before;
        self.now.into_iter().filter(|(key, cell)| before.get(key).copied().unwrap_or_default() != *cell).collect()
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct AccountChange {
    opened: bool,
    key_hash: Option<Digest>,
    signed: u64,
}

impl Replay {
    /// Adds a record. Records of one stream come in its order; the streams may interleave in any way.
    pub fn add(&mut self, published: &Published) {
        match published {
            Published::Record(record) => self.add_record(record),
            Published::Call(call) => {
                self.spend_fee(call.account, call.fee);
                self.calls.push((**call).clone());
            }
        }
    }

    /// What every signed transaction does to its account.
    fn spend_fee(&mut self, account: AccountIndex, fee: Fee) {
        self.accounts.entry(account).or_default().signed += 1;
        let fee = i128::from(fee.quanta());
        self.fees += fee;
        self.gain(account, AssetId::GAS, -fee);
    }

    fn add_record(&mut self, record: &Record) {
        let (account, asset, amount) = (record.account, record.asset, i128::from(record.quanta().get()));
        let change = self.accounts.entry(account).or_default();
        change.key_hash = record.key_hash.or(change.key_hash);
        match record.kind {
            Kind::Noop | Kind::Rekey | Kind::Call(_) => {}
            Kind::Deposit => {
                change.opened |= record.key_hash.is_some();
                self.gain(account, asset, amount);
            }
            Kind::ForcedExit => self.gain(account, asset, -amount),
            Kind::Withdraw | Kind::Transfer => {
                self.spend_fee(account, Fee::decode(record.low).expect("records are decoded, or made from a fee"));
                self.gain(account, asset, -amount);
            }
        }
        if record.kind == Kind::Transfer {
            let to = AccountIndex::new(record.counterparty).expect("records are decoded, or made from an index");
            self.accounts.entry(to).or_default();
            self.gain(to, asset, amount);
        }
    }

    fn gain(&mut self, account: AccountIndex, asset: AssetId, amount: i128) {
        *self.gains.entry(account.balance_key(asset)).or_default() += amount;
    }

    /// The cells that differ from `state`, by ascending key, with the operator paid.
    pub fn finish<S: StateRead>(
        mut self,
        state: &S,
        context: &Context,
    ) -> Result<Vec<(CellKey, Cell)>, RebuildError<S::Error>> {
        context.check().map_err(RebuildError::Context)?;
        let operator = context.operator;
        let contracts = self.run_calls(state, context)?;
        self.accounts.entry(operator).or_default();
        self.gain(operator, AssetId::GAS, self.fees);
        let mut keys: Vec<CellKey> = self.accounts.keys().map(|account| account.header_key()).collect();
        keys.extend(self.gains.keys().filter(|key| !key.is_header()));
        keys.sort_unstable();
        let cells = state.cells(&keys).map_err(RebuildError::Read)?;
        let mut changed = Vec::with_capacity(keys.len());
        for (key, before) in keys.into_iter().zip(cells) {
            let after = if key.is_header() { self.header(key, &before)? } else { self.slot(key, &before)? };
            if after != before {
                changed.push((key, after));
            }
        }
        changed.extend(contracts);
        changed.sort_unstable_by_key(|&(key, _)| key);
        Ok(changed)
    }

    /// Runs the calls, in their order, on the contracts' own cells; adds what balances gain. Returns the contracts'
    /// cells that changed.
    fn run_calls<S: StateRead>(
        &mut self,
        state: &S,
        context: &Context,
    ) -> Result<Vec<(CellKey, Cell)>, RebuildError<S::Error>> {
        let mut cells = ContractCells { state, before: BTreeMap::new(), now: BTreeMap::new(), error: None };
        for (number, mut call) in std::mem::take(&mut self.calls).into_iter().enumerate() {
            let form = call.kind.form();
            form.complete(&mut call, &mut |key| cells.read(key));
            // A call that was completed from a state that it does not belong to could be out of range.
            call.check().map_err(|source| RebuildError::Call { number, source })?;
            let places = form.places(&call);
            let before: Vec<Cell> =
                places.cells.iter().map(|key| key.map_or(Cell::ABSENT, |key| cells.read(key))).collect();
            if let Some(error) = cells.error.take() {
                return Err(RebuildError::Read(error));
            }
            let effects = form.apply(&call, context, &before).map_err(|rule| RebuildError::Refused { number, rule })?;
            for (key, cell) in places.cells.iter().zip(effects.cells) {
                key.and_then(|key| cells.now.insert(key, cell));
            }
            for user in places.users.iter().flatten() {
                self.accounts.entry(*user).or_default();
            }
            let parties = form.spec().moves.iter().zip(&places.moves).zip(effects.gains);
            for ((party, asset), gain) in parties {
                if let (Some(account), Some(asset)) = (places.account_of(*party, call.account), *asset) {
                    self.gain(account, asset, gain.into());
                }
            }
        }
        Ok(cells.changed())
    }

    fn header<E: std::error::Error>(&self, key: CellKey, before: &Cell) -> Result<Cell, RebuildError<E>> {
        let account = key.account();
        let change = self.accounts[&account];
        let mut header = match (Header::from_cell(before), change.opened) {
            (Ok(Some(header)), false) if header.kind == AccountKind::USER => header,
            (Ok(None), true) => Header::open(change.key_hash.unwrap_or_default(), Quanta::ZERO),
            (_, true) => return Err(RebuildError::AlreadyOpen { account }),
            (_, false) => return Err(RebuildError::NotOpen { account }),
        };
        header.key_hash = change.key_hash.unwrap_or(header.key_hash);
        header.nonce += change.signed;
        header.balance = self.balance(key, header.balance)?;
        Ok(header.to_cell())
    }

    fn slot<E: std::error::Error>(&self, key: CellKey, before: &Cell) -> Result<Cell, RebuildError<E>> {
        let before = before.balance().map_err(|_| RebuildError::NotOpen { account: key.account() })?;
        Ok(Cell::from_balance(self.balance(key, before)?))
    }

    fn balance<E: std::error::Error>(&self, key: CellKey, before: Quanta) -> Result<Quanta, RebuildError<E>> {
        let gain = self.gains.get(&key).copied().unwrap_or_default();
        let balance = i128::from(before.get()) + gain;
        let asset = AssetId::new(key.slot()).expect("a slot is below 2^12");
        u64::try_from(balance).ok().and_then(Quanta::new).ok_or(RebuildError::Balance {
            account: key.account(),
            asset,
            balance,
        })
    }
}
