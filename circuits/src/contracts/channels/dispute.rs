//! Disputing: a party brings a state that the other signed, and the challenge period begins, or goes on with a newer state.
//!
//! Statement: the signer is a party of the channel that the call names; the state gives a at most the total; if its
//! version is 0, it is the one that stands, else the other party's key of the channel signed it, not as final, in this
//! channel, of this salt, under this domain. If the channel is not closing, its deadline becomes the batch's number and
//! [`super::CHALLENGE_BATCHES`], the batch's timestamp and [`super::CHALLENGE_SECONDS`]; if it is, the deadline is not
//! over (the batch is not after it by number, or not by timestamp), both parts of it stay, and the version is larger
//! than the one that stands. Then the state's version and balance stand.
//!
//! | field | where |
//! | --- | --- |
//! | channel | bits of the head's counterparty |
//! | balance of a | the head's amount |
//! | version | 32 bits of word 3 |
//! | a, b; asset and salt | only signed |
//!
//! 4 words, 28 bytes. Version 0 is the opening, which needs no second signature: the party that nobody signed anything
//! for can get its money back. It names the balance all the same, so that a call says what it does.

use plonky2::field::types::Field;

use super::channel::{keys_target, Channel, ChannelTarget, VERSION_BITS};
use super::closing::{self, *};
use super::deadline::{Deadline, DeadlineTarget};
use super::state::StateTarget;
use crate::account::{Cell, CellKey};
use crate::context::Context;
use crate::contract::{
    Call, CellUpdate, Effects, FieldSpec, Form, FormEnvironment, FormSpec, FormTargets, KindSpec, Place, Places,
    Refusal, Rule, SecondSigner, SecondTarget, Width,
};
use crate::hash::{Digest, F};

const VERSION: usize = 6;

const UNSIGNED: usize = 5;
const LATE: usize = 6;
const OLD: usize = 7;

/// The form of disputes.
pub struct Dispute;

static SPEC: FormSpec = FormSpec {
    name: "channels.dispute",
    kinds: &[KindSpec {
        code: 42,
        name: "dispute_channel",
        about: "begin to close a channel alone, or answer with a newer state",
        unused: &[],
    }],
    fields: &[
        CHANNEL_FIELD,
        A_FIELD,
        B_FIELD,
        ASSET_FIELD,
        SALT_FIELD,
        BALANCE_A_FIELD,
        FieldSpec {
            name: "version",
            about: "the state's number, 0 for the opening",
            width: Width::Bits(VERSION_BITS),
            place: Place::Published { word: 3, shift: 0 },
        },
    ],
    cells: CELLS,
    users: &[],
    moves: &[],
    second: SecondSigner::Contract,
    rules: &[
        NO_CHANNEL_RULE,
        PARTIES_RULE,
        NOT_A_PARTY_RULE,
        SALT_RULE,
        BALANCE_RULE,
        Rule { name: "unsigned", broken: "version 0 is the opening, which has another balance" },
        Rule { name: "late", broken: "the challenge period is over" },
        Rule { name: "old", broken: "the channel is closing with this version or a newer one" },
    ],
};

impl Form for Dispute {
    fn spec(&self) -> &'static FormSpec {
        &SPEC
    }

    fn places(&self, call: &Call) -> Places {
        Places { cells: closing::cells(call), users: vec![], moves: vec![] }
    }

    fn apply(&self, call: &Call, context: &Context, cells: &[Cell]) -> Result<Effects, Refusal> {
        let (channel, ..) = opened_with_state(call, cells).or_else(|rule| SPEC.refuse(rule))?;
        let (version, balance_a) = (call.value(VERSION), call.amount_at(BALANCE_A));
        if version == 0 && balance_a != channel.balance_a {
            return SPEC.refuse(UNSIGNED);
        }
        let deadline = match channel.deadline {
            Some(deadline) if deadline.is_over(context) => return SPEC.refuse(LATE),
            Some(_) if version <= channel.version.into() => return SPEC.refuse(OLD),
            Some(deadline) => deadline,
            None => Deadline::after(context),
        };
        let version = u32::try_from(version).expect("values have their fields' widths");
        let after = Channel { balance_a, version, deadline: Some(deadline), ..channel };
        Ok(Effects { cells: after.to_cells().to_vec(), gains: vec![] })
    }

    fn constrain(&self, env: &mut FormEnvironment<'_>) -> FormTargets {
        let (values, active) = (env.values, env.active);
        let (version, balance_a) = (values[VERSION], values[BALANCE_A]);
        // What the state pays is checked to be there, and paid later.
        let (opened, _) = opened_with_state_target(env);
        let channel = opened.channel;

        // Version 0: the balance that stands. `is_equal` has both polarities.
        let zero = env.builder.zero();
        let is_opening = env.builder.is_equal(version, zero);
        let unsigned = env.builder.and(active, is_opening);
        env.assert_equal_if(unsigned, balance_a, channel.balance_a);
        let signed = env.builder.not(is_opening);
        let due = env.builder.and(active, signed);

        // The two parts of a deadline are zero together, so one tells whether there is one.
        let not_closing = env.builder.is_equal(channel.deadline.batch_number, zero);
        let closing = env.builder.not(not_closing);
        let closing = env.builder.and(active, closing);
        channel.deadline.assert_runs_if(env, closing);
        // closing ⇒ version ≥ 1 + the version that stands, both below 2^32
        let newer = env.builder.sub(version, channel.version);
        let newer = env.builder.add_const(newer, F::NEG_ONE);
        let newer = env.builder.mul(closing.target, newer);
        env.ranges.range_check(env.builder, newer, VERSION_BITS);

        let fresh = DeadlineTarget::after(env);
        let deadline = DeadlineTarget::select(env, not_closing, fresh, channel.deadline);

        let state = StateTarget {
            channel: values[CHANNEL],
            parties: channel.parties,
            salt: channel.salt,
            is_final: false,
            version,
            balance_a,
        };
        let message = state.message(env);
        let key_hash = opened.key_of_other(env);

        let keys = keys_target(env, values[CHANNEL]);
        let cells = ChannelTarget { balance_a, version, deadline, ..channel }.to_cells(env);
        let deleted = env.builder._false();
        let update = |(key, elements)| CellUpdate { enabled: active, key, elements, deleted };
        FormTargets {
            cells: keys.into_iter().zip(cells).map(update).collect(),
            users: vec![],
            moves: vec![],
            second: Some(SecondTarget { due, message, key_hash }),
        }
    }

    fn second_message(&self, call: &Call, domain: Digest) -> Option<Digest> {
        let version = call.value(VERSION);
        (version != 0).then(|| state(call, false, version).message(domain))
    }

    fn second_key(&self, call: &Call, cells: &[Cell]) -> Option<Digest> {
        (call.value(VERSION) != 0).then(|| key_of_other(call, cells))?
    }

    fn complete(&self, call: &mut Call, read: &mut dyn FnMut(CellKey) -> Cell) {
        closing::complete(call, read);
    }

    fn explain(&self, call: &Call) -> String {
        format!(
            "account {} disputes channel {} with version {}, which pays its opener {}",
            call.account,
            call.value(CHANNEL),
            call.value(VERSION),
            call.value(BALANCE_A)
        )
    }
}

#[cfg(test)]
mod tests;
