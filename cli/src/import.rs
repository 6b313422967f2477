//! Makes a genesis state and a signed batch from a table of mainnet transactions.
//!
//! ```text
//!   CSV ──table──▶ transfers ──scales──▶ amounts in quanta ──funding──▶ balances ──▶ genesis
//!                     │ skipped: swaps,        │ rounded                    │
//!                     ▼ self-transfers, …      ▼ down                       └──sign──▶ batch
//! ```
//!
//! Every address becomes an account, numbered from 65 536 by first appearance, and gets the key of
//! [`test_keys`]: **for test data only**, as anyone can derive it. Accounts are funded with the least that lets every
//! transfer apply in order, fees included.

mod funding;
mod scales;
mod table;
pub mod test_keys;

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use indicatif::ProgressBar;
use rayon::prelude::*;
use serde::Serialize;
use sheaf_circuits::account::{AccountIndex, AssetId, FIRST_L1_ACCOUNT};
use sheaf_circuits::amount::{Fee, Quanta};
use sheaf_circuits::context::{Context, ContractAddress, Domain};
use sheaf_circuits::signature::SecretKey;
use sheaf_circuits::transaction::Transfer;
use sheaf_witness::batch::{Batch, Unsigned};
use sheaf_witness::genesis::{Asset, Genesis, GenesisAccount, Rollup};
use thiserror::Error;

use self::funding::Funding;
pub use self::scales::AssetReport;
use self::scales::ScaledAsset;
pub use self::table::Blocks;
use self::table::TableError;
use self::table::{Coin, Row, Table};

/// The operator's account: below those that the L1 contract gives out.
pub const OPERATOR: AccountIndex = match AccountIndex::new(1) {
    Some(index) => index,
    None => unreachable!(),
};

/// The gas that a plain transfer takes on mainnet: its fee here, in gwei.
const GAS_TRANSFER_FEE: u64 = 21_000;
/// The gas that an ERC-20 transfer takes on mainnet, about: its fee here, in gwei.
const TOKEN_TRANSFER_FEE: u64 = 65_000;

/// What an import is made for.
pub struct Options {
    /// Which blocks.
    pub blocks: Blocks,
    /// How many transfers, at most.
    pub limit: Option<usize>,
    /// What signatures are bound to.
    pub domain: Domain,
    /// The batch's time.
    pub timestamp_s: u64,
}

/// What an import made.
pub struct Imported {
    /// The state before the batch.
    pub genesis: Genesis,
    /// The transfers, signed.
    pub batch: Batch,
    /// What was done with each line.
    pub summary: Summary,
}

/// What became of the lines of a table.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// Rows read, the heading excluded.
    pub rows: u64,
    /// Rows of blocks that were not asked for, or past the limit.
    pub not_selected: u64,
    /// Transfers of asset 0 in the batch.
    pub gas_transfers: u64,
    /// Transfers of other assets in the batch.
    pub token_transfers: u64,
    /// Transfers in the batch whose line says zero.
    pub zero_amounts: u64,
    /// Transfers in the batch that rounding left nothing of.
    pub rounded_to_zero: u64,
    /// Swaps, which are not imported yet.
    pub swaps_skipped: u64,
    /// Accounts, the operator excluded.
    pub accounts: usize,
    /// The first and the last block of the transfers in the batch.
    pub blocks: Option<(u64, u64)>,
    /// The assets, by number.
    pub assets: Vec<AssetReport>,
    /// Lines that were left out, and why; swaps are only counted.
    pub problems: Vec<Problem>,
}

/// A line that was left out.
#[derive(Debug, Serialize)]
pub struct Problem {
    /// The line, counted from 1; the heading is line 1.
    pub line: u64,
    /// Why, in words.
    pub reason: String,
}

/// Why a row that can be read has no place in a batch.
#[derive(Debug, Error)]
enum Unfit {
    #[error("{address} pays itself, which the protocol refuses; the line is skipped")]
    SelfTransfer { address: String },
    #[error(
        "asset {asset} would be number {}, and assets are numbered below {}; the line is skipped",
        AssetId::COUNT,
        AssetId::COUNT
    )]
    TooManyAssets { asset: String },
    #[error("address {address} would be account 2^24, and accounts are numbered below; the line is skipped")]
    TooManyAccounts { address: String },
}

/// Reads `csv` and makes genesis and batch of it. `bar` counts transfers while they are signed.
pub fn import(csv: impl std::io::Read, options: &Options, bar: &ProgressBar) -> Result<Imported> {
    let mut table = Table::open(csv)?;
    let selection = Selection::read(&mut table, options)?;
    let scaled = selection.scale();
    let funding = Funding::of(selection.accounts.len(), &scaled.transfers);
    let keys: Vec<SecretKey> = selection.accounts.par_iter().map(test_keys::of_address).collect();
    let genesis = selection.genesis(&scaled.assets, &funding, &keys, options.domain);
    genesis.check().context("the genesis that was made is not valid; this is a bug")?;

    bar.set_length(scaled.transfers.len() as u64);
    let domain = options.domain;
    let sign = |transfer: &Transfer| {
        let key = &keys[(transfer.account.get() - FIRST_L1_ACCOUNT) as usize];
        bar.inc(1);
        Unsigned::Transfer(*transfer).sign(key, &domain)
    };
    let transactions = scaled.transfers.par_iter().map(sign).collect();
    bar.finish_and_clear();
    let context = Context { domain, batch_number: 1, operator: OPERATOR, timestamp_s: options.timestamp_s };

    let mut summary = selection.summary;
    summary.assets = scaled.assets.iter().map(ScaledAsset::report).collect();
    summary.zero_amounts = selection.transfers.iter().filter(|transfer| transfer.amount == 0).count() as u64;
    let nothing = scaled.transfers.iter().filter(|transfer| transfer.amount == Quanta::ZERO).count() as u64;
    summary.rounded_to_zero = nothing - summary.zero_amounts;
    Ok(Imported { genesis, batch: Batch { context, transactions }, summary })
}

/// The transfers that go into the batch, with accounts and assets numbered by first appearance.
struct Selection {
    /// Addresses by account.
    accounts: Vec<ContractAddress>,
    /// Coins by asset number; the first is ETH.
    coins: Vec<Coin>,
    transfers: Vec<SelectedTransfer>,
    summary: Summary,
}

/// A transfer in base units. `from` and `to` are positions in [`Selection::accounts`].
struct SelectedTransfer {
    line: u64,
    from: u32,
    to: u32,
    asset: AssetId,
    amount: u128,
}

impl Selection {
    fn read<R: std::io::Read>(table: &mut Table<R>, options: &Options) -> Result<Self, TableError> {
        let (mut accounts, mut coins) = (Numbers::default(), Numbers::default());
        coins.number(Coin::Eth, AssetId::COUNT);
        let mut selection =
            Self { accounts: Vec::new(), coins: Vec::new(), transfers: Vec::new(), summary: Summary::empty() };
        let summary = &mut selection.summary;
        while let Some((line, row)) = table.next_row(options.blocks)? {
            summary.rows += 1;
            let past_limit = options.limit.is_some_and(|limit| selection.transfers.len() >= limit);
            let row = match row {
                _ if past_limit => {
                    summary.not_selected += 1;
                    continue;
                }
                Ok(Row::Transfer(row)) => row,
                Ok(Row::Elsewhere) => {
                    summary.not_selected += 1;
                    continue;
                }
                Ok(Row::Swap) => {
                    summary.swaps_skipped += 1;
                    continue;
                }
                Err(error) => {
                    summary.problems.push(Problem { line, reason: error.to_string() });
                    continue;
                }
            };
            match select(&row, &mut accounts, &mut coins) {
                Ok((from, to, asset)) => {
                    selection.transfers.push(SelectedTransfer { line, from, to, asset, amount: row.amount });
                    summary.count(asset, row.block);
                }
                Err(unfit) => summary.problems.push(Problem { line, reason: unfit.to_string() }),
            }
        }
        summary.accounts = accounts.order.len();
        (selection.accounts, selection.coins) = (accounts.order, coins.order);
        Ok(selection)
    }

    /// The transfers in quanta, with nonces and fees.
    fn scale(&self) -> Scaled {
        let mut amounts = vec![Vec::new(); self.coins.len()];
        for transfer in &self.transfers {
            amounts[usize::from(transfer.asset.get())].push(transfer.amount);
        }
        let fees: u64 = self.transfers.iter().map(SelectedTransfer::fee).sum();
        let fees = std::iter::once(fees).chain(std::iter::repeat(0));
        let assets = self.coins.iter().zip(&amounts).zip(fees).zip(0..);
        let mut assets: Vec<_> =
            assets.map(|(((&coin, amounts), fees), number)| ScaledAsset::new(number, coin, amounts, fees)).collect();
        let mut nonces = vec![0u64; self.accounts.len()];
        let transfers = self.transfers.iter().map(|selected| {
            let nonce = nonces[selected.from as usize];
            nonces[selected.from as usize] += 1;
            Transfer {
                account: account(selected.from),
                nonce,
                fee: Fee::new(selected.fee()).expect("both fees fit a mantissa"),
                asset: selected.asset,
                to: account(selected.to),
                amount: assets[usize::from(selected.asset.get())].quanta(selected.line, selected.amount),
            }
        });
        let transfers = transfers.collect();
        Scaled { assets, transfers }
    }

    fn genesis(&self, assets: &[ScaledAsset], funding: &Funding, keys: &[SecretKey], domain: Domain) -> Genesis {
        let operator = GenesisAccount::user(OPERATOR, test_keys::operator().public().hash(), vec![]);
        let users = keys.iter().enumerate().map(|(position, key)| {
            let user = GenesisAccount::user(account(position as u32), key.public().hash(), funding.balances(position));
            GenesisAccount { owner: Some(self.accounts[position]), ..user }
        });
        let accounts = std::iter::once(operator).chain(users).collect();
        let assets: Vec<Asset> = assets.iter().map(ScaledAsset::genesis).collect();
        let mut genesis = Genesis::new(Rollup { domain, operator: OPERATOR, assets }, accounts);
        genesis.note = Some(test_keys::WARNING.into());
        genesis
    }
}

struct Scaled {
    assets: Vec<ScaledAsset>,
    transfers: Vec<Transfer>,
}

impl SelectedTransfer {
    fn fee(&self) -> u64 {
        if self.asset.is_gas() {
            GAS_TRANSFER_FEE
        } else {
            TOKEN_TRANSFER_FEE
        }
    }
}

impl Summary {
    fn empty() -> Self {
        Self {
            rows: 0,
            not_selected: 0,
            gas_transfers: 0,
            token_transfers: 0,
            zero_amounts: 0,
            rounded_to_zero: 0,
            swaps_skipped: 0,
            accounts: 0,
            blocks: None,
            assets: Vec::new(),
            problems: Vec::new(),
        }
    }

    fn count(&mut self, asset: AssetId, block: u64) {
        if asset.is_gas() {
            self.gas_transfers += 1;
        } else {
            self.token_transfers += 1;
        }
        let (first, last) = self.blocks.unwrap_or((block, block));
        self.blocks = Some((first.min(block), last.max(block)));
    }
}

/// Accounts and asset of a transfer. Numbers are given only when the whole row fits.
fn select(
    row: &table::TransferRow,
    accounts: &mut Numbers<ContractAddress>,
    coins: &mut Numbers<Coin>,
) -> Result<(u32, u32, AssetId), Unfit> {
    const ACCOUNTS: usize = (1 << sheaf_circuits::account::ACCOUNT_BITS) - FIRST_L1_ACCOUNT as usize;
    if row.from == row.to {
        return Err(Unfit::SelfTransfer { address: row.from.into() });
    }
    if !coins.has_room(&row.coin, AssetId::COUNT) {
        return Err(Unfit::TooManyAssets { asset: row.coin.to_string() });
    }
    let fresh = [row.from, row.to].into_iter().filter(|address| !accounts.numbers.contains_key(address));
    if accounts.order.len() + fresh.count() > ACCOUNTS {
        return Err(Unfit::TooManyAccounts { address: row.to.into() });
    }
    let asset = coins.number(row.coin, AssetId::COUNT).and_then(|number| AssetId::new(number as u16));
    let from = accounts.number(row.from, ACCOUNTS);
    let to = accounts.number(row.to, ACCOUNTS);
    Ok((from.expect("there is room"), to.expect("there is room"), asset.expect("there is room")))
}

fn account(position: u32) -> AccountIndex {
    AccountIndex::new(FIRST_L1_ACCOUNT + position).expect("no more accounts are numbered than there are")
}

/// Gives out numbers from 0 by first appearance.
struct Numbers<T> {
    numbers: HashMap<T, u32>,
    order: Vec<T>,
}

impl<T> Default for Numbers<T> {
    fn default() -> Self {
        Self { numbers: HashMap::new(), order: Vec::new() }
    }
}

impl<T: Copy + Eq + std::hash::Hash> Numbers<T> {
    fn has_room(&self, value: &T, limit: usize) -> bool {
        self.order.len() < limit || self.numbers.contains_key(value)
    }

    fn number(&mut self, value: T, limit: usize) -> Option<u32> {
        if !self.has_room(&value, limit) {
            return None;
        }
        let next = self.order.len() as u32;
        let number = *self.numbers.entry(value).or_insert(next);
        if number == next {
            self.order.push(value);
        }
        Some(number)
    }
}

#[cfg(test)]
mod tests;
