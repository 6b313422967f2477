//! Sell: a token for an amount, in one transaction that seller and buyer sign.
//!
//! Statement: there is a token, the signer owns it, and it was made by the creator that the call names; the deadline is
//! not over; both parties signed; the buyer pays the price, of which the creator gets ⌊price · royalty / 10 000⌋ and the
//! seller the rest; the buyer owns the token. A price of 0 is a gift, and moves nothing.
//!
//! | field | where |
//! | --- | --- |
//! | asset of the price | bits of the head's asset |
//! | token | bits of the head's counterparty |
//! | price | the head's amount |
//! | buyer | bits 0 to 23 of word 3 |
//! | creator, deadline | only signed |
//!
//! Four words, 28 bytes. Who rebuilds the state finds the creator in the token.
//!
//! # Who gains what
//!
//! A call touches a cell once, so a creator who is a party has no place of their own: what they would get is netted.
//!
//! | creator is | seller gains | buyer gains | creator gains |
//! | --- | --- | --- | --- |
//! | neither | price − royalty | −price | royalty |
//! | the seller | price | −price | no place |
//! | the buyer | price − royalty | royalty − price | no place |
//!
//! Which of them holds is decided by equality of account numbers, in both polarities, so a creator can not be left out.
//!
//! # Signatures
//!
//! The message holds the seller's nonce, so a sale happens once, and what is offered ends when the seller signs anything
//! else, or with the deadline. The buyer's nonce is not in it: a buyer who regrets waits for the deadline.
//!
//! Not here: that seller and buyer differ (their headers would be one cell, touched twice), that they and the creator are
//! open accounts, that the balances suffice, and the buyer's signature. The slot checks them.

use plonky2::iop::target::{BoolTarget, Target};

use super::token::{Token, TokenTarget, BASIS_POINTS, ROYALTY_BITS};
use crate::account::{AccountIndex, Cell, CellKey};
use crate::amount::Quanta;
use crate::context::Context;
use crate::contract::wide::{divide, Wide};
use crate::contract::{
    Call, CellSpec, CellUpdate, Effects, FieldSpec, Form, FormEnvironment, FormSpec, FormTargets, KindSpec, MoveTarget,
    Party, Place, Places, Refusal, Rule, SecondSigner, UserTarget, Width,
};

const ASSET: usize = 0;
const TOKEN: usize = 1;
const PRICE: usize = 2;
const BUYER: usize = 3;
const CREATOR: usize = 4;
const DEADLINE: usize = 5;

/// Position of the buyer among the users.
const BUYING: usize = 0;
/// Position of the creator among the users.
const CREATING: usize = 1;

const DEADLINE_BITS: usize = 56;

const NO_TOKEN: usize = 0;
const OWNER: usize = 1;
const OTHER_CREATOR: usize = 2;
const DEADLINE_OVER: usize = 3;

/// The form of sales.
pub struct Sell;

static SPEC: FormSpec = FormSpec {
    name: "assets.sell",
    kinds: &[KindSpec { code: 26, name: "sell", about: "sell a token to a buyer who signs too", unused: &[] }],
    fields: &[
        FieldSpec {
            name: "asset",
            about: "what the buyer pays with",
            width: Width::Asset,
            place: Place::Published { word: 0, shift: 32 },
        },
        FieldSpec {
            name: "token",
            about: "the token's account",
            width: Width::Account,
            place: Place::Published { word: 1, shift: 24 },
        },
        FieldSpec {
            name: "price",
            about: "how much the buyer pays",
            width: Width::Amount,
            place: Place::Published { word: 2, shift: 0 },
        },
        FieldSpec {
            name: "buyer",
            about: "who buys, and signs too",
            width: Width::Account,
            place: Place::Published { word: 3, shift: 0 },
        },
        FieldSpec {
            name: "creator",
            about: "who made the token, and gets the royalty",
            width: Width::Account,
            place: Place::Signed { word: 0, shift: 0, replayed: 0 },
        },
        FieldSpec {
            name: "deadline_s",
            about: "the last timestamp of a batch that the sale may be in",
            width: Width::Bits(DEADLINE_BITS),
            place: Place::Signed { word: 1, shift: 0, replayed: (1 << DEADLINE_BITS) - 1 },
        },
    ],
    cells: &[CellSpec { name: "token", may_be_absent: false }],
    users: &["buyer", "creator"],
    moves: &[Party::Signer, Party::User(BUYING), Party::User(CREATING)],
    second: SecondSigner::User(BUYING),
    rules: &[
        Rule { name: "no_token", broken: "there is no token at that account" },
        Rule { name: "owner", broken: "the token is not the seller's" },
        Rule { name: "creator", broken: "the token was made by somebody else" },
        Rule { name: "deadline", broken: "the batch is after the deadline" },
    ],
};

/// What the creator gets of `price`.
pub fn royalty(price: Quanta, royalty_bps: u64) -> u64 {
    let parts = u128::from(price.get()) * u128::from(royalty_bps) / u128::from(BASIS_POINTS);
    u64::try_from(parts).expect("a royalty is at most the price")
}

/// The creator, if they are neither of the parties.
fn third_party(call: &Call) -> Option<AccountIndex> {
    let creator = call.account_at(CREATOR);
    (creator != call.account && creator != call.account_at(BUYER)).then_some(creator)
}

/// What a sale of `token` does.
fn sold(call: &Call, token: &Token) -> Effects {
    let price = call.value(PRICE) as i64;
    let royalty = royalty(call.amount_at(PRICE), token.royalty_bps) as i64;
    let creator = call.account_at(CREATOR);
    let to_seller = if creator == call.account { price } else { price - royalty };
    let from_buyer = if creator == call.account_at(BUYER) { price - royalty } else { price };
    let after = Token { owner: call.account_at(BUYER), ..*token };
    Effects { cells: vec![after.to_cell()], gains: vec![to_seller, -from_buyer, royalty] }
}

impl Form for Sell {
    fn spec(&self) -> &'static FormSpec {
        &SPEC
    }

    fn places(&self, call: &Call) -> Places {
        let paid = (call.amount_at(PRICE) != Quanta::ZERO).then(|| call.asset_at(ASSET));
        let creator = third_party(call).filter(|_| paid.is_some());
        Places {
            cells: vec![Some(call.account_at(TOKEN).header_key())],
            users: vec![Some(call.account_at(BUYER)), creator],
            moves: vec![paid, paid, creator.and(paid)],
        }
    }

    fn apply(&self, call: &Call, context: &Context, cells: &[Cell]) -> Result<Effects, Refusal> {
        let Some(token) = Token::from_cell(&cells[0]) else { return SPEC.refuse(NO_TOKEN) };
        if token.owner != call.account {
            return SPEC.refuse(OWNER);
        }
        if token.creator != call.account_at(CREATOR) {
            return SPEC.refuse(OTHER_CREATOR);
        }
        if context.timestamp_s > call.value(DEADLINE) {
            return SPEC.refuse(DEADLINE_OVER);
        }
        Ok(sold(call, &token))
    }

    fn constrain(&self, env: &mut FormEnvironment<'_>) -> FormTargets {
        let values = env.values;
        let (active, seller, buyer, price) = (env.active, env.account, values[BUYER], values[PRICE]);
        let token = TokenTarget::from_cell(env, active, &env.cells[0], values[CREATOR]);
        env.assert_equal_if(active, token.owner, seller);

        env.assert_not_over(values[DEADLINE]);

        // Both are decided by `is_equal`, which has both polarities; so is whether anything is paid.
        let is_seller = env.builder.is_equal(values[CREATOR], seller);
        let is_buyer = env.builder.is_equal(values[CREATOR], buyer);
        let zero = env.builder.zero();
        let is_gift = env.builder.is_equal(price, zero);
        let not_seller = env.builder.not(is_seller);
        let not_buyer = env.builder.not(is_buyer);
        let is_third = env.builder.and(not_seller, not_buyer);
        let not_gift = env.builder.not(is_gift);
        let paid = env.builder.and(active, not_gift);
        let third_paid = env.builder.and(paid, is_third);

        let royalty = royalty_target(env, price, token.royalty_bps, active);
        // Each is at most the price, so below 2^56 either way.
        let from_price = env.builder.mul(not_seller.target, royalty);
        let to_seller = env.builder.sub(price, from_price);
        let to_buyer = env.builder.mul_sub(is_buyer.target, royalty, price);

        let key = env.key(values[TOKEN], 0);
        let elements = TokenTarget { owner: buyer, ..token }.to_cell(env);
        let no = env.builder._false();
        FormTargets {
            cells: vec![CellUpdate { enabled: active, key, elements, deleted: no }],
            users: vec![
                UserTarget { enabled: active, account: buyer },
                UserTarget { enabled: third_paid, account: values[CREATOR] },
            ],
            moves: vec![
                MoveTarget { enabled: paid, asset: values[ASSET], gain: to_seller },
                MoveTarget { enabled: paid, asset: values[ASSET], gain: to_buyer },
                MoveTarget { enabled: third_paid, asset: values[ASSET], gain: royalty },
            ],
            second: None,
        }
    }

    fn complete(&self, call: &mut Call, read: &mut dyn FnMut(CellKey) -> Cell) {
        let Some(token) = Token::from_cell(&read(call.account_at(TOKEN).header_key())) else { return };
        call.values[CREATOR] = token.creator.get().into();
    }

    fn explain(&self, call: &Call) -> String {
        format!(
            "account {} sells token {} to account {} for {} of asset {}",
            call.account,
            call.value(TOKEN),
            call.value(BUYER),
            call.value(PRICE),
            call.value(ASSET)
        )
    }
}

/// ⌊price · royalty / 10 000⌋, for a royalty below 2^16 by [`TokenTarget::from_cell`]. If `active` the royalty is that of
/// a token, at most 10 000, so this is at most the price.
fn royalty_target(env: &mut FormEnvironment<'_>, price: Target, royalty_bps: Target, active: BoolTarget) -> Target {
    let price = Wide::new(env.builder, env.ranges, price);
    let royalty_bps = Wide::limb(royalty_bps, (1 << ROYALTY_BITS) - 1);
    let numerator = price.mul(env.builder, &royalty_bps);
    let denominator = Wide::constant(env.builder, BASIS_POINTS);
    divide(env.builder, env.ranges, &numerator, &denominator, active).quotient
}

#[cfg(test)]
mod tests;
