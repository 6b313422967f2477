//! Makes a genesis state and a signed batch from a table of mainnet transactions.
//!
//! ```text
//!   CSV ──table──▶ transfers, swaps ──scales──▶ amounts in quanta ──pools, funding──▶ balances ──▶ genesis
//!                     │ skipped:                   │ rounded                         │
//!                     ▼ self-transfers, …          ▼ down                            └──sign──▶ batch
//! ```
//!
//! Every address becomes an account, numbered from 65 536 by first appearance, and gets the key of
//! [`test_keys`]: **for test data only**, as anyone can derive it. Accounts are funded with the least that lets every
//! transaction apply in order, fees included. Swaps go to pools that a market maker opens first: see [`pools`].

mod funding;
mod pools;
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
use sheaf_circuits::context::{Context, ContractAddress, Domain, CONTEXT_FIELD_BITS};
use sheaf_circuits::contract::{Call, CallKind, REGISTRY};
use sheaf_circuits::contracts::registry::FIRST_CREATED_ASSET;
use sheaf_circuits::signature::SecretKey;
use sheaf_circuits::transaction::Transfer;
use sheaf_witness::batch::{Batch, Unsigned};
use sheaf_witness::genesis::{Asset, Genesis, GenesisAccount, Rollup};
use thiserror::Error;

use self::funding::Funding;
use self::pools::{Pools, MARKET_MAKER, MAX_POOLS};
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

/// How many assets there can be: those from here on are made on L2.
const ASSETS: usize = FIRST_CREATED_ASSET as usize;

/// The gas that a swap takes on mainnet, about: its fee here, in gwei.
const SWAP_FEE: u64 = 120_000;
/// The same for a swap over two pools.
const ROUTE_FEE: u64 = 200_000;
/// Pools that one transaction swaps on, at most.
const MAX_HOPS: usize = 2;

/// What an import is made for.
pub struct Options {
    /// Which blocks.
    pub blocks: Blocks,
    /// How many transfers and swaps, at most.
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
    /// The transactions, signed.
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
    /// Swaps in the batch.
    pub swaps: u64,
    /// Pools that the batch opens for them.
    pub pools: usize,
    /// Accounts, those of operator and market maker excluded.
    pub accounts: usize,
    /// The first and the last block of what is in the batch.
    pub blocks: Option<(u64, u64)>,
    /// The assets, by number.
    pub assets: Vec<AssetReport>,
    /// Lines that were left out, and why.
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
    #[error("asset {asset} would be number {}, and assets are numbered below {}; the line is skipped", ASSETS, ASSETS)]
    TooManyAssets { asset: String },
    #[error("a swap over {pools} pools; one transaction swaps on at most {MAX_HOPS}, the line is skipped")]
    TooManyHops { pools: usize },
    #[error("a swap there and back on one pool, which the protocol refuses; the line is skipped")]
    ThereAndBack,
    #[error("the swap would need a pool more than there can be, {MAX_POOLS}; the line is skipped")]
    TooManyPools,
    #[error("the pool would pay nothing for so little; the line is skipped")]
    NothingOut,
    #[error("address {address} would be account 2^23, and accounts are numbered below; the line is skipped")]
    TooManyAccounts { address: String },
}

/// Reads `csv` and makes genesis and batch of it. `bar` counts transactions while they are signed.
pub fn import(csv: impl std::io::Read, options: &Options, bar: &ProgressBar) -> Result<Imported> {
    let mut table = Table::open(csv)?;
    let mut selection = Selection::read(&mut table, options)?;
    let scaled = selection.scale();
    let funding = Funding::of(selection.accounts.len(), &scaled.moves);
    let keys: Vec<SecretKey> = selection.accounts.par_iter().map(test_keys::of_address).collect();
    let genesis = selection.genesis(&scaled, &funding, &keys, options.domain);
    genesis.check().context("the genesis that was made is not valid; this is a bug")?;

    bar.set_length(scaled.transactions.len() as u64);
    let domain = options.domain;
    let market_maker = test_keys::market_maker();
    let sign = |unsigned: &Unsigned| {
        let key = match unsigned.account() {
            MARKET_MAKER => &market_maker,
            account => &keys[(account.get() - FIRST_L1_ACCOUNT) as usize],
        };
        bar.inc(1);
        unsigned.clone().sign(key, &domain)
    };
    let transactions = scaled.transactions.par_iter().map(sign).collect();
    bar.finish_and_clear();
    let context = Context { domain, batch_number: 1, operator: OPERATOR, timestamp_s: options.timestamp_s };

    let mut summary = selection.summary;
    summary.assets = scaled.assets.iter().map(ScaledAsset::report).collect();
    let transfers = scaled.transactions.iter().filter_map(|unsigned| match unsigned {
        Unsigned::Transfer(transfer) => Some(transfer.amount),
        _ => None,
    });
    let nothing = transfers.filter(|amount| *amount == Quanta::ZERO).count() as u64;
    summary.rounded_to_zero = nothing - summary.zero_amounts;
    Ok(Imported { genesis, batch: Batch { context, transactions }, summary })
}

/// What goes into the batch, with accounts and assets numbered by first appearance.
struct Selection {
    /// Addresses by account.
    accounts: Vec<ContractAddress>,
    /// Coins by asset number; the first is ETH.
    coins: Vec<Coin>,
    rows: Vec<Selected>,
    summary: Summary,
}

/// A row in base units. `from` and `to` are positions in [`Selection::accounts`].
struct Selected {
    line: u64,
    block: u64,
    from: u32,
    what: What,
}

enum What {
    Transfer { to: u32, asset: AssetId, amount: u128 },
    Swap { path: Vec<AssetId>, amount_in: u128, least_out: u128 },
}

impl Selection {
    fn read<R: std::io::Read>(table: &mut Table<R>, options: &Options) -> Result<Self, TableError> {
        let mut numbers = (Numbers::default(), Numbers::default());
        numbers.1.number(Coin::Eth, ASSETS);
        let mut selection =
            Self { accounts: Vec::new(), coins: Vec::new(), rows: Vec::new(), summary: Summary::empty() };
        let summary = &mut selection.summary;
        while let Some((line, row)) = table.next_row(options.blocks)? {
            summary.rows += 1;
            let past_limit = options.limit.is_some_and(|limit| selection.rows.len() >= limit);
            let selected = match row {
                Ok(Row::Elsewhere) => {
                    summary.not_selected += 1;
                    continue;
                }
                _ if past_limit => {
                    summary.not_selected += 1;
                    continue;
                }
                Ok(Row::Transfer(row)) => select_transfer(line, &row, &mut numbers.0, &mut numbers.1),
                Ok(Row::Swap(row)) => select_swap(line, &row, &mut numbers.0, &mut numbers.1),
                Err(error) => {
                    summary.problems.push(Problem { line, reason: error.to_string() });
                    continue;
                }
            };
            match selected {
                Ok(selected) => selection.rows.push(selected),
                Err(unfit) => summary.problems.push(Problem { line, reason: unfit.to_string() }),
            }
        }
        summary.accounts = numbers.0.order.len();
        (selection.accounts, selection.coins) = (numbers.0.order, numbers.1.order);
        Ok(selection)
    }

    /// The assets with scales under which all amounts fit.
    fn scaled_assets(&self) -> Vec<ScaledAsset> {
        let mut amounts = vec![Vec::new(); self.coins.len()];
        let mut add = |asset: AssetId, amount| amounts[usize::from(asset.get())].push(amount);
        for row in &self.rows {
            match &row.what {
                What::Transfer { asset, amount, .. } => add(*asset, *amount),
                What::Swap { path, amount_in, least_out } => {
                    add(path[0], *amount_in);
                    add(path[path.len() - 1], *least_out);
                }
            }
        }
        let fees: u64 = self.rows.iter().map(Selected::fee).sum();
        let fees = std::iter::once(fees).chain(std::iter::repeat(0));
        let assets = self.coins.iter().zip(&amounts).zip(fees).zip(0..);
        assets.map(|(((&coin, amounts), fees), number)| ScaledAsset::new(number, coin, amounts, fees)).collect()
    }

    /// The transactions in quanta, with nonces and fees; those that open pools come first.
    fn scale(&mut self) -> Scaled {
        let mut assets = self.scaled_assets();
        let (mut pools, mut without_pool) = (Pools::default(), Vec::new());
        for row in &self.rows {
            if let What::Swap { path, amount_in, least_out } = &row.what {
                let room = pools.have_room(path);
                without_pool.push(!room);
                if room {
                    let amount_in = assets[usize::from(path[0].get())].floor(*amount_in);
                    let least_out = assets[usize::from(path[path.len() - 1].get())].floor(*least_out);
                    pools.seed(path, amount_in, least_out);
                }
            }
        }
        let mut without_pool = without_pool.into_iter();
        let mut transactions: Vec<Unsigned> = pools.open().into_iter().map(Unsigned::Call).collect();
        self.summary.pools = transactions.len();
        let market_maker = pools.funds();
        let mut moves = Vec::new();
        let mut nonces = vec![0u64; self.accounts.len()];
        for row in &self.rows {
            let nonce = nonces[row.from as usize];
            let unsigned = match &row.what {
                What::Transfer { to, asset, amount } => {
                    let asset_scale = &mut assets[usize::from(asset.get())];
                    self.summary.zero_amounts += u64::from(*amount == 0);
                    let amount = asset_scale.quanta(row.line, *amount);
                    moves.push(Move::Paid(row.from, *asset, amount.get()));
                    moves.push(Move::Got(*to, *asset, amount.get()));
                    Unsigned::Transfer(Transfer {
                        account: account(row.from),
                        nonce,
                        fee: fee(row.fee()),
                        asset: *asset,
                        to: account(*to),
                        amount,
                    })
                }
                What::Swap { path, amount_in, least_out } => {
                    let refused = match without_pool.next() {
                        Some(true) => Some(Unfit::TooManyPools),
                        _ => None,
                    };
                    let paid = assets[usize::from(path[0].get())].floor(*amount_in);
                    let swapped = match refused {
                        Some(unfit) => Err(unfit),
                        None => pools.swap(path, paid).ok_or(Unfit::NothingOut),
                    };
                    let (accounts, out) = match swapped {
                        Ok(swapped) => swapped,
                        Err(unfit) => {
                            let reason = unfit.to_string();
                            self.summary.problems.push(Problem { line: row.line, reason });
                            continue;
                        }
                    };
                    assets[usize::from(path[0].get())].quanta(row.line, *amount_in);
                    let least = assets[usize::from(path[path.len() - 1].get())].floor(*least_out);
                    moves.push(Move::Paid(row.from, path[0], paid.get()));
                    moves.push(Move::Got(row.from, path[path.len() - 1], out.get()));
                    Unsigned::Call(swap(row, nonce, path, &accounts, paid, least.min(out)))
                }
            };
            moves.push(Move::Paid(row.from, AssetId::GAS, row.fee()));
            nonces[row.from as usize] += 1;
            self.summary.count(&unsigned, row.block);
            transactions.push(unsigned);
        }
        self.summary.problems.sort_by_key(|problem| problem.line);
        Scaled { assets, transactions, moves, market_maker }
    }

    fn genesis(&self, scaled: &Scaled, funding: &Funding, keys: &[SecretKey], domain: Domain) -> Genesis {
        let operator = GenesisAccount::user(OPERATOR, test_keys::operator().public().hash(), vec![]);
        let makes_market = (self.summary.pools > 0).then(|| {
            let key_hash = test_keys::market_maker().public().hash();
            GenesisAccount::user(MARKET_MAKER, key_hash, scaled.market_maker.clone())
        });
        let users = keys.iter().enumerate().map(|(position, key)| {
            let user = GenesisAccount::user(account(position as u32), key.public().hash(), funding.balances(position));
            GenesisAccount { owner: Some(self.accounts[position]), ..user }
        });
        let accounts = std::iter::once(operator).chain(makes_market).chain(users).collect();
        let assets: Vec<Asset> = scaled.assets.iter().map(ScaledAsset::genesis).collect();
        let mut genesis = Genesis::new(Rollup { domain, operator: OPERATOR, assets }, accounts);
        genesis.note = Some(test_keys::WARNING.into());
        genesis
    }
}

/// The call of a swap on one pool, or on two.
fn swap(
    row: &Selected,
    nonce: u64,
    path: &[AssetId],
    pools: &[AccountIndex],
    amount_in: Quanta,
    least_out: Quanta,
) -> Call {
    let kind = |name| CallKind::by_name(name).expect("the exchange has it");
    let (asset_in, asset_out) = (path[0], path[path.len() - 1]);
    let mut fields = vec![
        ("asset_in", asset_in.get().into()),
        ("asset_out", asset_out.get().into()),
        ("amount_in", amount_in.get()),
        ("least_out", least_out.get()),
        ("deadline_s", (1 << CONTEXT_FIELD_BITS) - 1),
    ];
    let kind = match *pools {
        [pool] => {
            fields.push(("pool", pool.get().into()));
            kind("swap")
        }
        _ => {
            fields.extend([("pool_1", pools[0].get().into()), ("pool_2", pools[1].get().into())]);
            fields.push(("middle", path[1].get().into()));
            kind("swap_route")
        }
    };
    Call::new(kind, account(row.from), nonce, fee(row.fee()), &fields).expect("all in range")
}

fn fee(quanta: u64) -> Fee {
    Fee::new(quanta).expect("all fees here fit a mantissa")
}

struct Scaled {
    assets: Vec<ScaledAsset>,
    transactions: Vec<Unsigned>,
    moves: Vec<Move>,
    market_maker: Vec<(AssetId, Quanta)>,
}

/// What a balance pays or gets, in order. Accounts are positions in [`Selection::accounts`].
enum Move {
    Paid(u32, AssetId, u64),
    Got(u32, AssetId, u64),
}

impl Selected {
    fn fee(&self) -> u64 {
        match &self.what {
            What::Transfer { asset, .. } if asset.is_gas() => GAS_TRANSFER_FEE,
            What::Transfer { .. } => TOKEN_TRANSFER_FEE,
            What::Swap { path, .. } if path.len() == 2 => SWAP_FEE,
            What::Swap { .. } => ROUTE_FEE,
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
            swaps: 0,
            pools: 0,
            accounts: 0,
            blocks: None,
            assets: Vec::new(),
            problems: Vec::new(),
        }
    }

    fn count(&mut self, unsigned: &Unsigned, block: u64) {
        match unsigned {
            Unsigned::Transfer(transfer) if transfer.asset.is_gas() => self.gas_transfers += 1,
            Unsigned::Transfer(_) | Unsigned::Withdraw(_) => self.token_transfers += 1,
            Unsigned::Call(_) => self.swaps += 1,
        }
        let (first, last) = self.blocks.unwrap_or((block, block));
        self.blocks = Some((first.min(block), last.max(block)));
    }
}

/// Accounts there are room for.
const ACCOUNTS: usize = (REGISTRY - FIRST_L1_ACCOUNT) as usize;

/// Numbers the accounts and the asset of a transfer. Numbers are given only when the whole row fits.
fn select_transfer(
    line: u64,
    row: &table::TransferRow,
    accounts: &mut Numbers<ContractAddress>,
    coins: &mut Numbers<Coin>,
) -> Result<Selected, Unfit> {
    if row.from == row.to {
        return Err(Unfit::SelfTransfer { address: row.from.into() });
    }
    check_assets(&[row.coin], coins)?;
    check_accounts(&[row.from, row.to], accounts)?;
    let [asset] = [row.coin].map(|coin| asset(coin, coins));
    let [from, to] = [row.from, row.to].map(|address| accounts.number(address, ACCOUNTS).expect("there is room"));
    Ok(Selected { line, block: row.block, from, what: What::Transfer { to, asset, amount: row.amount } })
}

/// The same for a swap.
fn select_swap(
    line: u64,
    row: &table::SwapRow,
    accounts: &mut Numbers<ContractAddress>,
    coins: &mut Numbers<Coin>,
) -> Result<Selected, Unfit> {
    let pools = row.path.len() - 1;
    if pools > MAX_HOPS {
        return Err(Unfit::TooManyHops { pools });
    }
    if row.path[0] == row.path[pools] {
        // There and back on one pool: the pool's cell would be touched twice.
        return Err(Unfit::ThereAndBack);
    }
    check_assets(&row.path, coins)?;
    check_accounts(&[row.from], accounts)?;
    let path = row.path.iter().map(|&coin| asset(coin, coins)).collect();
    let from = accounts.number(row.from, ACCOUNTS).expect("there is room");
    let what = What::Swap { path, amount_in: row.amount_in, least_out: row.least_out };
    Ok(Selected { line, block: row.block, from, what })
}

fn check_assets(wanted: &[Coin], coins: &Numbers<Coin>) -> Result<(), Unfit> {
    let fresh = wanted.iter().filter(|coin| !coins.numbers.contains_key(coin)).count();
    match wanted.iter().find(|coin| !coins.numbers.contains_key(coin)) {
        Some(coin) if coins.order.len() + fresh > ASSETS => Err(Unfit::TooManyAssets { asset: coin.to_string() }),
        _ => Ok(()),
    }
}

fn check_accounts(wanted: &[ContractAddress], accounts: &Numbers<ContractAddress>) -> Result<(), Unfit> {
    let fresh = wanted.iter().filter(|address| !accounts.numbers.contains_key(address)).count();
    match wanted.last() {
        Some(&address) if accounts.order.len() + fresh > ACCOUNTS => {
            Err(Unfit::TooManyAccounts { address: address.into() })
        }
        _ => Ok(()),
    }
}

fn asset(coin: Coin, coins: &mut Numbers<Coin>) -> AssetId {
    let number = coins.number(coin, ASSETS).and_then(|number| AssetId::new(number as u16));
    number.expect("there is room")
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
