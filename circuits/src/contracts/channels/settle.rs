//! Settling: after the challenge period, the state that stands is paid out.
//!
//! Statement: the signer is a party of the channel that the call names; the channel is closing, and its deadline
//! is over: the batch is after it by number and by timestamp.
//! Then a is paid the balance that stands and b the rest, and both cells are deleted.
//!
//! | field | where |
//! | --- | --- |
//! | channel | bits of the head's counterparty |
//! | a, b; asset | only signed |
//!
//! 3 words, 21 bytes. The call does not say what is paid: when it can be applied, nothing changes that any more.

use super::close::deleted;
use super::closing::{self, *};
use crate::account::{Cell, CellKey};
use crate::context::Context;
use crate::contract::{
    Call, Effects, Form, FormEnvironment, FormSpec, FormTargets, KindSpec, MoveTarget, Party, Places, Refusal, Rule,
    SecondSigner, UserTarget,
};

const NOT_CLOSING: usize = 3;
const EARLY: usize = 4;

/// The form of settlements.
pub struct Settle;

static SPEC: FormSpec = FormSpec {
    name: "channels.settle",
    kinds: &[KindSpec {
        code: 43,
        name: "settle_channel",
        about: "pay out a disputed channel after its challenge period",
        unused: &[],
    }],
    fields: &[CHANNEL_FIELD, A_FIELD, B_FIELD, ASSET_FIELD],
    cells: CELLS,
    users: &["other party"],
    moves: &[Party::Signer, Party::User(0)],
    second: SecondSigner::None,
    rules: &[
        NO_CHANNEL_RULE,
        PARTIES_RULE,
        NOT_A_PARTY_RULE,
        Rule { name: "not_closing", broken: "nobody has disputed the channel" },
        Rule { name: "early", broken: "the challenge period is not over" },
    ],
};

impl Form for Settle {
    fn spec(&self) -> &'static FormSpec {
        &SPEC
    }

    fn places(&self, call: &Call) -> Places {
        Places {
            cells: closing::cells(call),
            users: vec![Some(other(call))],
            moves: vec![Some(call.asset_at(ASSET)); 2],
        }
    }

    fn apply(&self, call: &Call, context: &Context, cells: &[Cell]) -> Result<Effects, Refusal> {
        let (channel, side) = opened(call, cells).or_else(|rule| SPEC.refuse(rule))?;
        let Some(deadline) = channel.deadline else { return SPEC.refuse(NOT_CLOSING) };
        if !deadline.is_over(context) {
            return SPEC.refuse(EARLY);
        }
        let payouts = channel.payouts(channel.balance_a, side).expect("a channel's balance is at most its total");
        Ok(Effects { cells: vec![Cell::ABSENT; 2], gains: payouts.map(|payout| payout.get() as i64).to_vec() })
    }

    fn constrain(&self, env: &mut FormEnvironment<'_>) -> FormTargets {
        let (values, active) = (env.values, env.active);
        let opened = opened_target(env);
        opened.channel.deadline.assert_over(env);

        let payouts = opened.payouts(env, opened.channel.balance_a);
        FormTargets {
            cells: deleted(env),
            users: vec![UserTarget { enabled: active, account: opened.other }],
            moves: payouts.map(|gain| MoveTarget { enabled: active, asset: values[ASSET], gain }).to_vec(),
            second: None,
        }
    }

    fn complete(&self, call: &mut Call, read: &mut dyn FnMut(CellKey) -> Cell) {
        closing::complete(call, read);
    }

    fn explain(&self, call: &Call) -> String {
        format!("account {} settles channel {}", call.account, call.value(CHANNEL))
    }
}

#[cfg(test)]
mod tests;
