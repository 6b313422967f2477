//! Pools that imported swaps go to. What people swapped on mainnet is in the table; what the pools held is not.
//!
//! Each pair of assets becomes a pool that a market maker opens at the head of the batch. Its reserves are made up: of
//! each asset [`DEPTH`] times the most that a swap on it names. So the amounts paid are mainnet's, and the prices are
//! not; where the pool pays less than what mainnet's trader asked for, the least asked for here is what it pays.

use std::collections::HashMap;

use sheaf_circuits::account::{AccountIndex, AssetId};
use sheaf_circuits::amount::{Fee, Quanta};
use sheaf_circuits::context::CONTEXT_FIELD_BITS;
use sheaf_circuits::contract::{Call, CallKind, FIRST_CONTRACT};
use sheaf_circuits::contracts::exchange::amount_out;
use sheaf_circuits::contracts::registry::FIRST_CREATED_ASSET;

/// The market maker's account: below those that the L1 contract gives out.
pub(super) const MARKET_MAKER: AccountIndex = match AccountIndex::new(2) {
    Some(index) => index,
    None => unreachable!(),
};
/// Pools there can be: each has a share asset of its own.
pub(super) const MAX_POOLS: usize = AssetId::COUNT - FIRST_CREATED_ASSET as usize;
/// A reserve is so many times the largest amount that a swap names.
const DEPTH: u64 = 1_000;
/// A reserve of an asset that is only ever in the middle of paths, so that no swap names an amount of it.
const UNNAMED: u64 = 1_000_000_000_000;
/// The most that a pool holds of one asset: all pools together hold less than half of what there can be.
const MAX_RESERVE: u64 = 1 << 50;
/// The gas that opening a pool takes on mainnet, about: its fee here, in gwei.
const CREATE_POOL_FEE: u64 = 2_500_000;

const _: () = assert!(MAX_POOLS as u64 * MAX_RESERVE <= Quanta::MAX.get() / 2 + 1);

/// The pools of an import.
#[derive(Default)]
pub(super) struct Pools {
    numbers: HashMap<[AssetId; 2], usize>,
    pools: Vec<Seeded>,
}

struct Seeded {
    assets: [AssetId; 2],
    reserves: [u64; 2],
}

impl Pools {
    /// Whether the pools of `path` are there or can be.
    pub fn have_room(&self, path: &[AssetId]) -> bool {
        let fresh = path.windows(2).filter(|pair| !self.numbers.contains_key(&sorted([pair[0], pair[1]]))).count();
        self.pools.len() + fresh <= MAX_POOLS
    }

    /// Makes sure that the pools of `path` are there and hold enough of what a swap names.
    pub fn seed(&mut self, path: &[AssetId], amount_in: Quanta, least_out: Quanta) {
        for (hop, pair) in path.windows(2).enumerate() {
            let assets = sorted([pair[0], pair[1]]);
            let number = *self.numbers.entry(assets).or_insert(self.pools.len());
            if number == self.pools.len() {
                self.pools.push(Seeded { assets, reserves: [0; 2] });
            }
            let pool = &mut self.pools[number];
            let side = usize::from(assets[0] != pair[0]);
            let wanted = |amount: Quanta| amount.get().saturating_mul(DEPTH).min(MAX_RESERVE);
            if hop == 0 {
                pool.reserves[side] = pool.reserves[side].max(wanted(amount_in));
            }
            if hop + 2 == path.len() {
                pool.reserves[1 - side] = pool.reserves[1 - side].max(wanted(least_out));
            }
        }
    }

    /// The calls that open the pools, all amounts named.
    pub fn open(&mut self) -> Vec<Call> {
        // What no swap names in one pool is as deep as in another, if one does there.
        let mut deepest = HashMap::<AssetId, u64>::new();
        for (asset, reserve) in self.pools.iter().flat_map(|pool| pool.assets.into_iter().zip(pool.reserves)) {
            let entry = deepest.entry(asset).or_default();
            *entry = reserve.max(*entry);
        }
        for pool in &mut self.pools {
            for (asset, reserve) in pool.assets.iter().zip(&mut pool.reserves) {
                let named = if *reserve == 0 { deepest[asset] } else { *reserve };
                // Enough that the locked shares are few.
                *reserve = if named == 0 { UNNAMED } else { named.max(DEPTH * DEPTH) };
            }
        }
        let kind = CallKind::by_name("create_pool").expect("the exchange has it");
        let call = |(number, pool): (usize, &Seeded)| {
            let [asset_0, asset_1] = pool.assets.map(|asset| asset.get().into());
            let fields = [
                ("pool", account(number).get().into()),
                ("asset_0", asset_0),
                ("asset_1", asset_1),
                ("share_asset", u64::from(FIRST_CREATED_ASSET) + number as u64),
                ("amount", pool.reserves[0]),
                ("amount_1", pool.reserves[1]),
                ("deadline_s", (1 << CONTEXT_FIELD_BITS) - 1),
            ];
            Call::new(kind, MARKET_MAKER, number as u64, fee(), &fields).expect("all in range")
        };
        self.pools.iter().enumerate().map(call).collect()
    }

    /// What the market maker has to hold: the reserves, and the fees.
    pub fn funds(&self) -> Vec<(AssetId, Quanta)> {
        let mut funds = std::collections::BTreeMap::from([(AssetId::GAS, fee().quanta() * self.pools.len() as u64)]);
        for (asset, reserve) in self.pools.iter().flat_map(|pool| pool.assets.into_iter().zip(pool.reserves)) {
            *funds.entry(asset).or_default() += reserve;
        }
        let quanta = |(asset, amount)| (asset, Quanta::new(amount).expect("reserves are bounded"));
        funds.into_iter().filter(|(_, amount)| *amount > 0).map(quanta).collect()
    }

    /// Swaps along `path`. Returns the pools' accounts and what comes out; nothing, and nothing happens, if that would
    /// be nothing.
    pub fn swap(&mut self, path: &[AssetId], amount_in: Quanta) -> Option<(Vec<AccountIndex>, Quanta)> {
        let mut amount = amount_in;
        let mut after = Vec::new();
        for pair in path.windows(2) {
            let number = self.numbers[&sorted([pair[0], pair[1]])];
            let pool = &self.pools[number];
            let side = usize::from(pool.assets[0] != pair[0]);
            let [reserve_in, reserve_out] =
                [side, 1 - side].map(|side| Quanta::new(pool.reserves[side]).expect("reserves are bounded"));
            let out = amount_out(amount, reserve_in, reserve_out).filter(|out| out.get() > 0)?;
            after.push((number, side, reserve_in.checked_add(amount)?, reserve_out.checked_sub(out)?));
            amount = out;
        }
        let accounts = after.iter().map(|&(number, ..)| account(number)).collect();
        for (number, side, reserve_in, reserve_out) in after {
            self.pools[number].reserves[side] = reserve_in.get();
            self.pools[number].reserves[1 - side] = reserve_out.get();
        }
        Some((accounts, amount))
    }
}

fn fee() -> Fee {
    Fee::new(CREATE_POOL_FEE).expect("a short number is a fee")
}

fn account(number: usize) -> AccountIndex {
    AccountIndex::new(FIRST_CONTRACT + number as u32).expect("no more pools than share assets")
}

fn sorted(mut assets: [AssetId; 2]) -> [AssetId; 2] {
    assets.sort_unstable();
    assets
}
