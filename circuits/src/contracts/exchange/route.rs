//! Route: two swaps in one, of which the trader sees the ends.
//!
//! Statement: the first pool holds the asset in and the one in the middle, the second the one in the middle and the asset
//! out; what the first pays, as [`super::swap`] has it, is less than 2^56, and is what the second gets; what the second
//! pays is at least what the trader asks for; the deadline is not over. Both pools keep their product. The amount in the
//! middle goes from pool to pool and touches no balance.
//!
//! | field | where |
//! | --- | --- |
//! | asset in | bits of the head's asset |
//! | first pool | bits of the head's counterparty |
//! | amount in | the head's amount |
//! | second pool, asset in the middle, asset out | word 3 |
//! | least amount out, deadline | only signed |
//!
//! All that a replay needs is published. Not checked here: that the pools differ. If not, a cell is touched twice, which
//! [`crate::chunk`]'s slot for calls refuses, as it does where asset in and asset out are one, unless it is asset 0: its
//! balance is in the header, and takes both.

use super::pool::{Pool, PoolTarget};
use super::swap::{self, side_target, swap, swap_target};
use crate::account::Cell;
use crate::amount::{Quanta, BALANCE_BITS, TRANSFER_BITS};
use crate::context::Context;
use crate::contract::{
    Call, CellSpec, CellUpdate, Effects, FieldSpec, Form, FormEnvironment, FormSpec, FormTargets, KindSpec, MoveTarget,
    Party, Place, Places, Refusal, Rule, SecondSigner, Width,
};

#[cfg(test)]
mod tests;

const ASSET_IN: usize = 0;
const POOL_1: usize = 1;
const AMOUNT_IN: usize = 2;
const POOL_2: usize = 3;
const MIDDLE: usize = 4;
const ASSET_OUT: usize = 5;
const LEAST_OUT: usize = 6;
const DEADLINE: usize = 7;

// The rules of a swap have their numbers there.
const TOO_MUCH: usize = swap::RULES;

/// The form of routes.
pub struct Route;

static SPEC: FormSpec = FormSpec {
    name: "exchange.route",
    kinds: &[KindSpec { code: 20, name: "swap_route", about: "swap an exact amount over two pools", unused: &[] }],
    fields: &[
        FieldSpec {
            name: "asset_in",
            about: "what the trader pays with",
            width: Width::Asset,
            place: Place::Published { word: 0, shift: 32 },
        },
        FieldSpec {
            name: "pool_1",
            about: "the first pool's account",
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
            name: "pool_2",
            about: "the second pool's account",
            width: Width::Account,
            place: Place::Published { word: 3, shift: 0 },
        },
        FieldSpec {
            name: "middle",
            about: "what the first pool pays to the second",
            width: Width::Asset,
            place: Place::Published { word: 3, shift: 24 },
        },
        FieldSpec {
            name: "asset_out",
            about: "what the trader gets",
            width: Width::Asset,
            place: Place::Published { word: 3, shift: 36 },
        },
        FieldSpec {
            name: "least_out",
            about: "the least that the trader takes",
            width: Width::Amount,
            place: Place::Signed { word: 0, shift: 0, replayed: 0 },
        },
        FieldSpec {
            name: "deadline_s",
            about: "the last timestamp of a batch that the route may be in",
            width: Width::Bits(56),
            place: Place::Signed { word: 1, shift: 0, replayed: (1 << 56) - 1 },
        },
    ],
    cells: &[
        CellSpec { name: "first pool", may_be_absent: false },
        CellSpec { name: "second pool", may_be_absent: false },
    ],
    users: &[],
    moves: &[Party::Signer, Party::Signer],
    second: SecondSigner::None,
    rules: &[
        Rule { name: "no_pool", broken: "there is no pool at one of the accounts" },
        Rule { name: "assets", broken: "a pool does not hold the two assets that it should swap" },
        Rule { name: "deadline", broken: "the batch is after the deadline" },
        Rule { name: "slippage", broken: "the second pool would pay less than the least amount asked for" },
        Rule { name: "nothing_out", broken: "the amount is too small: a pool would pay nothing" },
        Rule { name: "reserve", broken: "a pool would hold 2^62 or more of an asset" },
        Rule { name: "too_much", broken: "the first pool would pay more than 2^56 - 1 at once" },
    ],
};

impl Form for Route {
    fn spec(&self) -> &'static FormSpec {
        &SPEC
    }

    fn places(&self, call: &Call) -> Places {
        Places {
            cells: [POOL_1, POOL_2].map(|pool| Some(call.account_at(pool).header_key())).to_vec(),
            users: vec![],
            moves: vec![Some(call.asset_at(ASSET_IN)), Some(call.asset_at(ASSET_OUT))],
        }
    }

    fn apply(&self, call: &Call, context: &Context, cells: &[Cell]) -> Result<Effects, Refusal> {
        let pools = (Pool::from_cell(&cells[0]), Pool::from_cell(&cells[1]));
        let (Some(pool_1), Some(pool_2)) = pools else { return SPEC.refuse(swap::NO_POOL) };
        let [asset_in, middle, asset_out] = [ASSET_IN, MIDDLE, ASSET_OUT].map(|position| call.asset_at(position));
        if !pool_1.holds(asset_in, middle) || !pool_2.holds(middle, asset_out) {
            return SPEC.refuse(swap::ASSETS);
        }
        if context.timestamp_s > call.value(DEADLINE) {
            return SPEC.refuse(swap::DEADLINE_OVER);
        }
        let amount_in = call.amount_at(AMOUNT_IN);
        let (between, after_1) = swap(&pool_1, asset_in, amount_in).or_else(|rule| SPEC.refuse(rule))?;
        if between > Quanta::MAX_TRANSFER {
            return SPEC.refuse(TOO_MUCH);
        }
        let (out, after_2) = swap(&pool_2, middle, between).or_else(|rule| SPEC.refuse(rule))?;
        if out < call.amount_at(LEAST_OUT) {
            return SPEC.refuse(swap::SLIPPAGE);
        }
        let gains = vec![-(amount_in.get() as i64), out.get() as i64];
        Ok(Effects { cells: vec![after_1.to_cell(), after_2.to_cell()], gains })
    }

    fn constrain(&self, env: &mut FormEnvironment<'_>) -> FormTargets {
        let (values, active) = (env.values, env.active);
        let (asset_in, middle, asset_out) = (values[ASSET_IN], values[MIDDLE], values[ASSET_OUT]);
        let pool_1 = PoolTarget::from_cell(env, active, &env.cells[0]);
        let pool_2 = PoolTarget::from_cell(env, active, &env.cells[1]);
        let reversed_1 = side_target(env, &pool_1, asset_in, middle);
        let reversed_2 = side_target(env, &pool_2, middle, asset_out);
        env.assert_not_over(values[DEADLINE]);

        let (between, after_1) = swap_target(env, &pool_1, reversed_1, values[AMOUNT_IN]);
        env.ranges.range_check(env.builder, between, TRANSFER_BITS);
        let (out, after_2) = swap_target(env, &pool_2, reversed_2, between);
        // out ≥ least: out is below 2^62, as the reserve that it is taken from, and least below 2^56.
        let spare = env.builder.sub(out, values[LEAST_OUT]);
        env.ranges.range_check(env.builder, spare, BALANCE_BITS);

        let no = env.builder._false();
        let cells = [(POOL_1, after_1), (POOL_2, after_2)].map(|(pool, after)| CellUpdate {
            enabled: active,
            key: env.key(values[pool], 0),
            elements: after.to_cell(env),
            deleted: no,
        });
        let paid = env.builder.neg(values[AMOUNT_IN]);
        FormTargets {
            cells: cells.to_vec(),
            users: vec![],
            moves: vec![
                MoveTarget { enabled: active, asset: asset_in, gain: paid },
                MoveTarget { enabled: active, asset: asset_out, gain: out },
            ],
            second: None,
        }
    }

    fn explain(&self, call: &Call) -> String {
        format!(
            "account {} swaps {} of asset {} for asset {} on pools {} and {}",
            call.account,
            call.value(AMOUNT_IN),
            call.value(ASSET_IN),
            call.value(ASSET_OUT),
            call.value(POOL_1),
            call.value(POOL_2)
        )
    }
}
