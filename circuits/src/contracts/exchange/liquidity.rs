//! Liquidity: pools are made, and shares of them.
//!
//! | kind | statement |
//! | --- | --- |
//! | create_pool | the account is new, and so is the number of the share asset, which the registry gives to the pool; asset 0 < asset 1; there are ⌊√(amount 0 · amount 1)⌋ > 1000 shares, of which the creator gets all but 1000; the reserves are the amounts |
//! | add_liquidity | `amount` shares are made; of each asset the provider pays ⌈`amount` · reserve / shares⌉, at most its limit |
//! | remove_liquidity | `amount` shares are burnt; of each asset the provider gets ⌊`amount` · reserve / shares⌋, at least its limit and less than 2^56; 1000 shares remain |
//!
//! And in all three the deadline is not over. Creating and removing are `mint` into an empty pool and `burn` of Uniswap
//! V2; the 1000 shares that nobody holds keep a share from becoming dear, as there. Adding is not its `mint`, which makes
//! shares of the two amounts that are paid, as many as the smaller part gives, and keeps what is too much of the other.
//! Here the one number that the provider signs is exact, limits are for the two that follow, and nothing is left over.
//! All are rounded in the pool's favour: reserve 0 · reserve 1 / shares² never falls.
//!
//! | field | where |
//! | --- | --- |
//! | asset 0 | bits of the head's asset |
//! | pool | bits of the head's counterparty |
//! | amount: shares made or burnt, or of asset 0 of a new pool | the head's amount |
//! | amount 1: of asset 1 of a new pool | word 3 |
//! | asset 1, share asset | word 4 |
//! | limit 0, limit 1, deadline | only signed |
//!
//! Not refused, as it harms nobody but who signs it: a number of shares that is zero, or is worth nothing. Not checked
//! here: that the provider has what is paid, and that no asset is named twice where that touches a slot twice
//! ([`crate::chunk`]'s slot for calls).

use super::pool::{Pool, PoolTarget};
use crate::account::{Cell, CellKey};
use crate::amount::Quanta;
use crate::context::Context;
use crate::contract::{
    Call, CellSpec, CellUpdate, Effects, FieldSpec, Form, FormEnvironment, FormSpec, FormTargets, KindSpec, MoveTarget,
    Party, Place, Places, Refusal, Rule, SecondSigner, Width, FIRST_CONTRACT,
};
use crate::contracts::registry::{registered, registry_key, Origin, FIRST_CREATED_ASSET};
use crate::hash::Digest;

mod circuit;
#[cfg(test)]
mod tests;

/// Shares of every pool that nobody holds.
pub const MINIMUM_SHARES: u64 = 1000;

const ASSET_0: usize = 0;
const POOL: usize = 1;
const AMOUNT: usize = 2;
const AMOUNT_1: usize = 3;
const ASSET_1: usize = 4;
const SHARE_ASSET: usize = 5;
const LIMIT_0: usize = 6;
const LIMIT_1: usize = 7;
const DEADLINE: usize = 8;

const CREATE: usize = 0;
const ADD: usize = 1;
const REMOVE: usize = 2;

const DEADLINE_OVER: usize = 0;
const ACCOUNT: usize = 1;
const TAKEN: usize = 2;
const ORDER: usize = 3;
const SHARE_NUMBER: usize = 4;
const SHARE_TAKEN: usize = 5;
const MINIMUM: usize = 6;
const NO_POOL: usize = 7;
const ASSETS: usize = 8;
const SLIPPAGE: usize = 9;
const RESERVE: usize = 10;
const TOO_MUCH: usize = 11;

/// The form of pools' liquidity.
pub struct Liquidity;

static SPEC: FormSpec = FormSpec {
    name: "exchange.liquidity",
    kinds: &[
        KindSpec { code: 17, name: "create_pool", about: "make a pool of two assets", unused: &["limit_0", "limit_1"] },
        KindSpec {
            code: 18,
            name: "add_liquidity",
            about: "pay into a pool for an exact number of new shares",
            unused: &["amount_1"],
        },
        KindSpec {
            code: 19,
            name: "remove_liquidity",
            about: "give back shares of a pool for their part of it",
            unused: &["amount_1"],
        },
    ],
    fields: &[
        FieldSpec {
            name: "asset_0",
            about: "the smaller of the pool's assets",
            width: Width::Asset,
            place: Place::Published { word: 0, shift: 32 },
        },
        FieldSpec {
            name: "pool",
            about: "the pool's account",
            width: Width::Account,
            place: Place::Published { word: 1, shift: 24 },
        },
        FieldSpec {
            name: "amount",
            about: "how many shares are made or burnt; of a new pool, how much of asset 0 is paid",
            width: Width::Amount,
            place: Place::Published { word: 2, shift: 0 },
        },
        FieldSpec {
            name: "amount_1",
            about: "of a new pool, how much of asset 1 is paid",
            width: Width::Amount,
            place: Place::Published { word: 3, shift: 0 },
        },
        FieldSpec {
            name: "asset_1",
            about: "the larger of the pool's assets",
            width: Width::Asset,
            place: Place::Published { word: 4, shift: 0 },
        },
        FieldSpec {
            name: "share_asset",
            about: "the asset that shares of the pool are",
            width: Width::Asset,
            place: Place::Published { word: 4, shift: 12 },
        },
        FieldSpec {
            name: "limit_0",
            about: "the most of asset 0 that is paid for shares, or the least that is taken for them",
            width: Width::Amount,
            place: Place::Signed { word: 0, shift: 0, replayed: 0 },
        },
        FieldSpec {
            name: "limit_1",
            about: "the same of asset 1",
            width: Width::Amount,
            place: Place::Signed { word: 1, shift: 0, replayed: 0 },
        },
        FieldSpec {
            name: "deadline_s",
            about: "the last timestamp of a batch that the call may be in",
            width: Width::Bits(56),
            place: Place::Signed { word: 2, shift: 0, replayed: (1 << 56) - 1 },
        },
    ],
    cells: &[
        CellSpec { name: "pool", may_be_absent: true },
        CellSpec { name: "registry's entry of the share asset", may_be_absent: true },
    ],
    users: &[],
    moves: &[Party::Signer, Party::Signer, Party::Signer],
    second: SecondSigner::None,
    rules: &[
        Rule { name: "deadline", broken: "the batch is after the deadline" },
        Rule { name: "account", broken: "the pool's account is not one that contracts can take" },
        Rule { name: "taken", broken: "there is something at the account already" },
        Rule { name: "order", broken: "the pool's assets are not two, the smaller one first" },
        Rule { name: "share_number", broken: "the share asset has a number of the L1 contract's" },
        Rule { name: "share_taken", broken: "the share asset's number is taken" },
        Rule { name: "minimum", broken: "the pool would have fewer shares than nobody holds, or no others" },
        Rule { name: "no_pool", broken: "there is no pool at that account" },
        Rule { name: "assets", broken: "the pool does not hold these two assets, or its shares are another" },
        Rule { name: "slippage", broken: "more would be paid, or less taken, than the limits allow" },
        Rule { name: "reserve", broken: "the pool would have 2^62 or more of an asset or of shares" },
        Rule { name: "too_much", broken: "more of an asset would be taken at once than 2^56 - 1" },
    ],
};

/// What of a reserve `shares` of `total` are worth; nothing if there are none.
fn part(shares: Quanta, reserve: Quanta, total: Quanta, rounded_up: bool) -> Option<Quanta> {
    // 2^56 · 2^62 + 2^62 < 2^128, for the shares that one transaction moves.
    let product = u128::from(shares.get()).checked_mul(reserve.get().into())?;
    let rounding = if rounded_up { u128::from(total.get()).checked_sub(1)? } else { 0 };
    let part = (product + rounding).checked_div(total.get().into())?;
    u64::try_from(part).ok().and_then(Quanta::new)
}

/// The pool that `call` makes, and what its creator gets of its shares.
fn created(call: &Call) -> Result<(Pool, Quanta), usize> {
    let assets = [call.asset_at(ASSET_0), call.asset_at(ASSET_1)];
    let share_asset = call.asset_at(SHARE_ASSET);
    if call.account_at(POOL).get() < FIRST_CONTRACT {
        return Err(ACCOUNT);
    }
    if assets[0] >= assets[1] {
        return Err(ORDER);
    }
    if share_asset.get() < FIRST_CREATED_ASSET {
        return Err(SHARE_NUMBER);
    }
    let reserves = [call.amount_at(AMOUNT), call.amount_at(AMOUNT_1)];
    // Both are below 2^56, so the root is too.
    let root = (u128::from(reserves[0].get()) * u128::from(reserves[1].get())).isqrt();
    let shares = u64::try_from(root).ok().and_then(Quanta::new).ok_or(RESERVE)?;
    match shares.get().checked_sub(MINIMUM_SHARES).and_then(Quanta::new) {
        None | Some(Quanta::ZERO) => Err(MINIMUM),
        Some(gained) => Ok((Pool { assets, reserves, share_asset, shares }, gained)),
    }
}

/// The pool after `call` makes or burns shares of it, and what of each asset is paid or taken.
fn changed(call: &Call, pool: &Pool, adds: bool) -> Result<(Pool, [Quanta; 2]), usize> {
    if pool.assets != [call.asset_at(ASSET_0), call.asset_at(ASSET_1)] || pool.share_asset != call.asset_at(SHARE_ASSET)
    {
        return Err(ASSETS);
    }
    let shares = call.amount_at(AMOUNT);
    let mut after = *pool;
    after.shares = match adds {
        true => pool.shares.checked_add(shares).ok_or(RESERVE)?,
        false => pool.shares.checked_sub(shares).ok_or(MINIMUM)?,
    };
    if after.shares.get() < MINIMUM_SHARES {
        return Err(MINIMUM);
    }
    let mut moved = [Quanta::ZERO; 2];
    for (i, limit) in [call.amount_at(LIMIT_0), call.amount_at(LIMIT_1)].into_iter().enumerate() {
        let reserve = pool.reserves[i];
        // What does not fit an amount is above any limit, and more than any reserve.
        let amount = part(shares, reserve, pool.shares, adds).ok_or(if adds { SLIPPAGE } else { TOO_MUCH })?;
        if adds && amount > limit || !adds && amount < limit {
            return Err(SLIPPAGE);
        }
        if amount > Quanta::MAX_TRANSFER {
            return Err(TOO_MUCH);
        }
        moved[i] = amount;
        after.reserves[i] = match adds {
            true => reserve.checked_add(amount).ok_or(RESERVE)?,
            false => reserve.checked_sub(amount).ok_or(TOO_MUCH)?,
        };
    }
    Ok((after, moved))
}

impl Form for Liquidity {
    fn spec(&self) -> &'static FormSpec {
        &SPEC
    }

    fn places(&self, call: &Call) -> Places {
        let creates = call.kind.index() == CREATE;
        Places {
            cells: vec![
                Some(call.account_at(POOL).header_key()),
                creates.then(|| registry_key(call.asset_at(SHARE_ASSET))),
            ],
            users: vec![],
            moves: [ASSET_0, ASSET_1, SHARE_ASSET].map(|position| Some(call.asset_at(position))).to_vec(),
        }
    }

    fn apply(&self, call: &Call, context: &Context, cells: &[Cell]) -> Result<Effects, Refusal> {
        if context.timestamp_s > call.value(DEADLINE) {
            return SPEC.refuse(DEADLINE_OVER);
        }
        if call.kind.index() == CREATE {
            let (pool, gained) = created(call).or_else(|rule| SPEC.refuse(rule))?;
            if !cells[0].is_absent() {
                return SPEC.refuse(TAKEN);
            }
            if !cells[1].is_absent() {
                return SPEC.refuse(SHARE_TAKEN);
            }
            let entry = registered(Quanta::ZERO, call.account_at(POOL), Origin::Shares, Digest::ZERO);
            let [paid_0, paid_1] = pool.reserves.map(|reserve| -(reserve.get() as i64));
            let gains = vec![paid_0, paid_1, gained.get() as i64];
            return Ok(Effects { cells: vec![pool.to_cell(), entry], gains });
        }
        let Some(pool) = Pool::from_cell(&cells[0]) else { return SPEC.refuse(NO_POOL) };
        let adds = call.kind.index() == ADD;
        let (after, moved) = changed(call, &pool, adds).or_else(|rule| SPEC.refuse(rule))?;
        let sign = if adds { -1 } else { 1 };
        let [gained_0, gained_1] = moved.map(|amount| sign * amount.get() as i64);
        let gains = vec![gained_0, gained_1, -sign * call.value(AMOUNT) as i64];
        Ok(Effects { cells: vec![after.to_cell(), Cell::ABSENT], gains })
    }

    fn constrain(&self, env: &mut FormEnvironment<'_>) -> FormTargets {
        circuit::constrain(env)
    }

    fn complete(&self, call: &mut Call, _: &mut dyn FnMut(CellKey) -> Cell) {
        if call.kind.index() == ADD {
            // More than this was not paid.
            (call.values[LIMIT_0], call.values[LIMIT_1]) = (Quanta::MAX_TRANSFER.get(), Quanta::MAX_TRANSFER.get());
        }
    }

    fn explain(&self, call: &Call) -> String {
        let (account, pool, amount) = (call.account, call.value(POOL), call.value(AMOUNT));
        match call.kind.index() {
            CREATE => format!(
                "account {account} makes pool {pool} of {amount} of asset {} and {} of asset {}",
                call.value(ASSET_0),
                call.value(AMOUNT_1),
                call.value(ASSET_1)
            ),
            ADD => format!("account {account} pays into pool {pool} for {amount} shares"),
            _ => format!("account {account} gives back {amount} shares of pool {pool}"),
        }
    }
}
