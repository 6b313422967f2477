//! Swap: an exact amount in, as much as the pool gives out.
//!
//! Statement: the pool holds the two assets; out = ⌊997·x·R_out / (1000·R_in + 997·x)⌋, with R the reserves before; out is
//! at least what the trader asks for, and at least 1; the deadline is not over; the reserves become R_in + x, R_out − out.
//! That is `getAmountOut` and `swap` of Uniswap V2, in one step. As out is rounded down, R_in · R_out never falls.
//!
//! | field | where |
//! | --- | --- |
//! | asset in | bits of the head's asset |
//! | pool | bits of the head's counterparty |
//! | amount in | the head's amount |
//! | asset out, least amount out, deadline | only signed |
//!
//! Who rebuilds the state finds the asset out in the pool.

mod circuit;
#[cfg(test)]
mod tests;

pub(super) use self::circuit::{side_target, swap_target};
pub(crate) use self::circuit::{ShareGenerator, SideGenerator};
use super::pool::{Pool, PoolTarget};
use crate::account::{AssetId, Cell, CellKey};
use crate::amount::{Quanta, BALANCE_BITS};
use crate::context::Context;
use crate::contract::{
    Call, CellSpec, CellUpdate, Effects, FieldSpec, Form, FormEnvironment, FormSpec, FormTargets, KindSpec, MoveTarget,
    Party, Place, Places, Refusal, Rule, SecondSigner, Width,
};

/// Of 1000 parts of what comes in, those that count: the rest is the fee, 0.30 %.
pub const KEPT_PARTS: u64 = 997;
/// The parts of a whole.
pub const PARTS: u64 = 1000;

const ASSET_IN: usize = 0;
const POOL: usize = 1;
const AMOUNT_IN: usize = 2;
const ASSET_OUT: usize = 3;
const LEAST_OUT: usize = 4;
const DEADLINE: usize = 5;

pub(super) const NO_POOL: usize = 0;
pub(super) const ASSETS: usize = 1;
pub(super) const DEADLINE_OVER: usize = 2;
pub(super) const SLIPPAGE: usize = 3;
const NOTHING_OUT: usize = 4;
const RESERVE: usize = 5;
/// How many rules swaps have.
pub(super) const RULES: usize = 6;

/// The form of swaps.
pub struct Swap;

static SPEC: FormSpec = FormSpec {
    name: "exchange.swap",
    kinds: &[KindSpec { code: 16, name: "swap", about: "swap an exact amount on a pool", unused: &[] }],
    fields: &[
        FieldSpec {
            name: "asset_in",
            about: "what the trader pays with",
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
            name: "amount_in",
            about: "how much the trader pays",
            width: Width::Amount,
            place: Place::Published { word: 2, shift: 0 },
        },
        FieldSpec {
            name: "asset_out",
            about: "what the trader gets",
            width: Width::Asset,
            place: Place::Signed { word: 0, shift: 0, replayed: 0 },
        },
        FieldSpec {
            name: "least_out",
            about: "the least that the trader takes",
            width: Width::Amount,
            place: Place::Signed { word: 1, shift: 0, replayed: 0 },
        },
        FieldSpec {
            name: "deadline_s",
            about: "the last timestamp of a batch that the swap may be in",
            width: Width::Bits(56),
            place: Place::Signed { word: 2, shift: 0, replayed: (1 << 56) - 1 },
        },
    ],
    cells: &[CellSpec { name: "pool", may_be_absent: false }],
    users: &[],
    moves: &[Party::Signer, Party::Signer],
    second: SecondSigner::None,
    rules: &[
        Rule { name: "no_pool", broken: "there is no pool at that account" },
        Rule { name: "assets", broken: "the pool does not hold these two assets" },
        Rule { name: "deadline", broken: "the batch is after the deadline" },
        Rule { name: "slippage", broken: "the pool would pay less than the least amount asked for" },
        Rule { name: "nothing_out", broken: "the amount is too small: the pool would pay nothing" },
        Rule { name: "reserve", broken: "the pool would hold 2^62 or more of an asset" },
    ],
};

/// What a pool pays for `amount_in`, by the reserves before: Uniswap V2's `getAmountOut`. `None` if the pool holds
/// nothing and gets nothing, or for more than the 2^56 quanta that one transaction moves, where products may not fit.
pub fn amount_out(amount_in: Quanta, reserve_in: Quanta, reserve_out: Quanta) -> Option<Quanta> {
    // 997 · 2^56 · 2^62 < 2^128, for the amounts that one transaction moves.
    let kept = u128::from(KEPT_PARTS) * u128::from(amount_in.get());
    let numerator = kept.checked_mul(reserve_out.get().into())?;
    let denominator = u128::from(PARTS) * u128::from(reserve_in.get()) + kept;
    u64::try_from(numerator.checked_div(denominator)?).ok().and_then(Quanta::new)
}

/// One swap on a pool: what comes out, and the pool afterwards.
pub(super) fn swap(pool: &Pool, asset_in: AssetId, amount_in: Quanta) -> Result<(Quanta, Pool), usize> {
    let side = pool.assets.iter().position(|&asset| asset == asset_in).ok_or(ASSETS)?;
    let [reserve_in, reserve_out] = [pool.reserves[side], pool.reserves[1 - side]];
    let out = amount_out(amount_in, reserve_in, reserve_out).ok_or(NOTHING_OUT)?;
    if out == Quanta::ZERO {
        return Err(NOTHING_OUT);
    }
    let mut after = *pool;
    after.reserves[side] = reserve_in.checked_add(amount_in).ok_or(RESERVE)?;
    after.reserves[1 - side] = reserve_out.checked_sub(out).ok_or(NOTHING_OUT)?;
    Ok((out, after))
}

impl Form for Swap {
    fn spec(&self) -> &'static FormSpec {
        &SPEC
    }

    fn places(&self, call: &Call) -> Places {
        Places {
            cells: vec![Some(call.account_at(POOL).header_key())],
            users: vec![],
            moves: vec![Some(call.asset_at(ASSET_IN)), Some(call.asset_at(ASSET_OUT))],
        }
    }

    fn apply(&self, call: &Call, context: &Context, cells: &[Cell]) -> Result<Effects, Refusal> {
        let Some(pool) = Pool::from_cell(&cells[0]) else { return SPEC.refuse(NO_POOL) };
        let (asset_in, asset_out) = (call.asset_at(ASSET_IN), call.asset_at(ASSET_OUT));
        if !pool.holds(asset_in, asset_out) {
            return SPEC.refuse(ASSETS);
        }
        if context.timestamp_s > call.value(DEADLINE) {
            return SPEC.refuse(DEADLINE_OVER);
        }
        let amount_in = call.amount_at(AMOUNT_IN);
        let (out, after) = swap(&pool, asset_in, amount_in).or_else(|rule| SPEC.refuse(rule))?;
        if out < call.amount_at(LEAST_OUT) {
            return SPEC.refuse(SLIPPAGE);
        }
        Ok(Effects { cells: vec![after.to_cell()], gains: vec![-(amount_in.get() as i64), out.get() as i64] })
    }

    fn constrain(&self, env: &mut FormEnvironment<'_>) -> FormTargets {
        let values = env.values;
        let (asset_in, asset_out, amount_in) = (values[ASSET_IN], values[ASSET_OUT], values[AMOUNT_IN]);
        let active = env.active;
        let pool = PoolTarget::from_cell(env, active, &env.cells[0]);

        let reversed = side_target(env, &pool, asset_in, asset_out);

        env.assert_not_over(values[DEADLINE]);
        let (out, after) = swap_target(env, &pool, reversed, amount_in);
        // out ≥ least: out is below 2^62, as the reserve that it is taken from, and least below 2^56.
        let spare = env.builder.sub(out, values[LEAST_OUT]);
        env.ranges.range_check(env.builder, spare, BALANCE_BITS);

        let key = env.key(values[POOL], 0);
        let elements = after.to_cell(env);
        let no = env.builder._false();
        let paid = env.builder.neg(amount_in);
        FormTargets {
            cells: vec![CellUpdate { enabled: active, key, elements, deleted: no }],
            users: vec![],
            moves: vec![
                MoveTarget { enabled: active, asset: asset_in, gain: paid },
                MoveTarget { enabled: active, asset: asset_out, gain: out },
            ],
            second: None,
        }
    }

    fn complete(&self, call: &mut Call, read: &mut dyn FnMut(CellKey) -> Cell) {
        let Some(pool) = Pool::from_cell(&read(call.account_at(POOL).header_key())) else { return };
        let asset_in = call.asset_at(ASSET_IN);
        let [asset_0, asset_1] = pool.assets;
        let asset_out = if asset_0 == asset_in { asset_1 } else { asset_0 };
        call.values[ASSET_OUT] = asset_out.get().into();
    }

    fn explain(&self, call: &Call) -> String {
        format!(
            "account {} swaps {} of asset {} on pool {}",
            call.account,
            call.value(AMOUNT_IN),
            call.value(ASSET_IN),
            call.value(POOL)
        )
    }
}
