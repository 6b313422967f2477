//! Closing a channel by agreement.
//!
//! Statement: the signer is a party of the channel that the call names, and the other party's key of the channel signed
//! the final state that gives a the call's balance, at most the total, in this channel, of this salt, under this domain.
//! Then a is paid that balance and b the rest, and both cells are deleted. At any time, also while it is closing.
//!
//! | field | where |
//! | --- | --- |
//! | channel | bits of the head's counterparty |
//! | balance of a | the head's amount |
//! | a, b; asset and salt | only signed |
//!
//! 3 words, 21 bytes. A second final state of the same channel would be as good as the first, if someone signs two.

use super::channel::keys_target;
use super::closing::{self, *};
use super::state::StateTarget;
use crate::account::{Cell, CellKey, CELL_LEN};
use crate::context::Context;
use crate::contract::{
    Call, CellUpdate, Effects, Form, FormEnvironment, FormSpec, FormTargets, KindSpec, MoveTarget, Party, Places,
    Refusal, SecondSigner, SecondTarget, UserTarget,
};
use crate::hash::Digest;

/// The form of closings by agreement.
pub struct Close;

static SPEC: FormSpec = FormSpec {
    name: "channels.close",
    kinds: &[KindSpec {
        code: 41,
        name: "close_channel",
        about: "close a channel with a final state that the other party signed",
        unused: &[],
    }],
    fields: &[CHANNEL_FIELD, A_FIELD, B_FIELD, ASSET_FIELD, SALT_FIELD, BALANCE_A_FIELD],
    cells: CELLS,
    users: &["other party"],
    moves: &[Party::Signer, Party::User(0)],
    second: SecondSigner::Contract,
    rules: &[NO_CHANNEL_RULE, PARTIES_RULE, NOT_A_PARTY_RULE, SALT_RULE, BALANCE_RULE],
};

impl Form for Close {
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

    fn apply(&self, call: &Call, _: &Context, cells: &[Cell]) -> Result<Effects, Refusal> {
        let (_, _, payouts) = opened_with_state(call, cells).or_else(|rule| SPEC.refuse(rule))?;
        Ok(Effects { cells: vec![Cell::ABSENT; 2], gains: payouts.map(|payout| payout.get() as i64).to_vec() })
    }

    fn constrain(&self, env: &mut FormEnvironment<'_>) -> FormTargets {
        let (values, active) = (env.values, env.active);
        let (opened, payouts) = opened_with_state_target(env);
        let state = StateTarget {
            channel: values[CHANNEL],
            parties: opened.channel.parties,
            salt: opened.channel.salt,
            is_final: true,
            version: env.builder.zero(),
            balance_a: values[BALANCE_A],
        };
        let message = state.message(env);
        let key_hash = opened.key_of_other(env);
        FormTargets {
            cells: deleted(env),
            users: vec![UserTarget { enabled: active, account: opened.other }],
            moves: payouts.map(|gain| MoveTarget { enabled: active, asset: values[ASSET], gain }).to_vec(),
            second: Some(SecondTarget { due: active, message, key_hash }),
        }
    }

    fn second_message(&self, call: &Call, domain: Digest) -> Option<Digest> {
        Some(state(call, true, 0).message(domain))
    }

    fn second_key(&self, call: &Call, cells: &[Cell]) -> Option<Digest> {
        key_of_other(call, cells)
    }

    fn complete(&self, call: &mut Call, read: &mut dyn FnMut(CellKey) -> Cell) {
        closing::complete(call, read);
    }

    fn explain(&self, call: &Call) -> String {
        let (channel, balance_a) = (call.value(CHANNEL), call.value(BALANCE_A));
        format!("account {} closes channel {channel}, which pays its opener {balance_a}", call.account)
    }
}

/// The channel's cells, deleted if the call is active.
pub(super) fn deleted(env: &mut FormEnvironment<'_>) -> Vec<CellUpdate> {
    let (active, channel) = (env.active, env.values[CHANNEL]);
    // What a deleted cell holds is not looked at.
    let elements = [env.builder.zero(); CELL_LEN];
    let keys = keys_target(env, channel);
    keys.map(|key| CellUpdate { enabled: active, key, elements, deleted: active }).to_vec()
}

#[cfg(test)]
mod tests;
