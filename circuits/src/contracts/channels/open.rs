//! Opening a channel.
//!
//! Statement: the index is a contract's to take, and both of its cells are absent; the salt is the nonce that a's account
//! has afterwards; the deadline is not over; both amounts together are below 2^56. Then they are taken from a, who signs, and b, who signs the
//! same message, and the cells hold the channel: all of it as the amounts say, version 0, not closing.
//!
//! | field | where |
//! | --- | --- |
//! | asset | bits of the head's asset |
//! | salt | bits of the head's counterparty |
//! | amount of a | the head's amount |
//! | amount of b | word 3 |
//! | key hash of a, of b | 32 bits of each of words 4 to 11, 12 to 19 |
//! | channel, b | the upper 24 bits of words 4, 5 |
//! | deadline | only signed |
//!
//! 20 words, 140 bytes. The deadline is for b, whose signature a could else keep, and use for as long as a signs nothing
//! else. The salt is a field although it follows from the nonce, because nonces
//! are not published and records of L1 count them up too.
//!
//! Not checked here: that a and b are two open accounts, that they have what they pay, and both signatures: the frame.
//! That the hashes are those of keys: see [`super`].

use plonky2::field::types::Field;

use super::channel::{keys, keys_target, pack_parties_target, Channel, ChannelTarget, SALT_BITS, TOTAL_BITS};
use super::deadline::DeadlineTarget;
use crate::account::{Cell, CellKey};
use crate::context::{Context, CONTEXT_FIELD_BITS};
use crate::contract::{
    Call, CellSpec, CellUpdate, Effects, FieldSpec, Form, FormEnvironment, FormSpec, FormTargets, KindSpec, MoveTarget,
    Party, Place, Places, Refusal, Rule, SecondSigner, UserTarget, Width, FIRST_CONTRACT,
};
use crate::hash::F;

const ASSET: usize = 0;
const SALT: usize = 1;
const AMOUNT_A: usize = 2;
const AMOUNT_B: usize = 3;
const CHANNEL: usize = 4;
const B: usize = 5;
const KEY_A: usize = 6;
const KEY_B: usize = 14;
const DEADLINE: usize = 22;

const INDEX: usize = 0;
const TAKEN: usize = 1;
const WRONG_SALT: usize = 2;
const DEADLINE_OVER: usize = 3;
const TOTAL: usize = 4;

/// The form of openings.
pub struct Open;

static SPEC: FormSpec = FormSpec {
    name: "channels.open",
    kinds: &[KindSpec { code: 40, name: "open_channel", about: "lock funds of two parties in a channel", unused: &[] }],
    fields: &[
        FieldSpec {
            name: "asset",
            about: "what the channel holds",
            width: Width::Asset,
            place: Place::Published { word: 0, shift: 32 },
        },
        FieldSpec {
            name: "salt",
            about: "the signer's nonce after this transaction, which states are bound to",
            width: Width::Bits(SALT_BITS),
            place: Place::Published { word: 1, shift: 24 },
        },
        FieldSpec {
            name: "amount_a",
            about: "what the signer, party a, locks",
            width: Width::Amount,
            place: Place::Published { word: 2, shift: 0 },
        },
        FieldSpec {
            name: "amount_b",
            about: "what party b locks",
            width: Width::Amount,
            place: Place::Published { word: 3, shift: 0 },
        },
        FieldSpec {
            name: "channel",
            about: "the account that becomes the channel",
            width: Width::Account,
            place: Place::Published { word: 4, shift: 32 },
        },
        FieldSpec {
            name: "b",
            about: "party b, who signs too",
            width: Width::Account,
            place: Place::Published { word: 5, shift: 32 },
        },
        FieldSpec {
            name: "key_a",
            about: "the hash of the key that a signs states with",
            width: Width::Digest,
            place: Place::Published { word: 4, shift: 0 },
        },
        FieldSpec {
            name: "key_b",
            about: "the hash of the key that b signs states with",
            width: Width::Digest,
            place: Place::Published { word: 12, shift: 0 },
        },
        FieldSpec {
            name: "deadline_s",
            about: "the last timestamp of a batch that the opening may be in",
            width: Width::Bits(CONTEXT_FIELD_BITS),
            place: Place::Signed { word: 0, shift: 0, replayed: (1 << CONTEXT_FIELD_BITS) - 1 },
        },
    ],
    cells: &[CellSpec { name: "channel", may_be_absent: true }, CellSpec { name: "state", may_be_absent: true }],
    users: &["b"],
    moves: &[Party::Signer, Party::User(0)],
    second: SecondSigner::User(0),
    rules: &[
        Rule { name: "index", broken: "the channel's account is not after 2^23, so it is no contract's" },
        Rule { name: "taken", broken: "the channel's account is in use" },
        Rule { name: "salt", broken: "the salt is not the signer's nonce after this transaction" },
        Rule { name: "deadline", broken: "the batch is after the deadline" },
        Rule { name: "total", broken: "both amounts together are 2^56 or more" },
    ],
};

impl Form for Open {
    fn spec(&self) -> &'static FormSpec {
        &SPEC
    }

    fn places(&self, call: &Call) -> Places {
        let asset = call.asset_at(ASSET);
        Places {
            cells: keys(call.account_at(CHANNEL)).map(Some).to_vec(),
            users: vec![Some(call.account_at(B))],
            moves: vec![Some(asset); 2],
        }
    }

    fn apply(&self, call: &Call, context: &Context, cells: &[Cell]) -> Result<Effects, Refusal> {
        if call.account_at(CHANNEL).get() < FIRST_CONTRACT {
            return SPEC.refuse(INDEX);
        }
        if cells.iter().any(|cell| !cell.is_absent()) {
            return SPEC.refuse(TAKEN);
        }
        let salt = u32::try_from(call.value(SALT)).expect("values have their fields' widths");
        if call.nonce.checked_add(1) != Some(salt.into()) {
            return SPEC.refuse(WRONG_SALT);
        }
        if context.timestamp_s > call.value(DEADLINE) {
            return SPEC.refuse(DEADLINE_OVER);
        }
        let amounts = [AMOUNT_A, AMOUNT_B].map(|position| call.amount_at(position));
        // Two amounts below 2^56 are below 2^62 together.
        let total = amounts[0].checked_add(amounts[1]).filter(|total| total.get() >> TOTAL_BITS == 0);
        let Some(total) = total else { return SPEC.refuse(TOTAL) };
        let channel = Channel {
            parties: [call.account, call.account_at(B)],
            key_hashes: [call.digest_at(KEY_A), call.digest_at(KEY_B)],
            asset: call.asset_at(ASSET),
            total,
            balance_a: amounts[0],
            version: 0,
            deadline: None,
            salt,
        };
        Ok(Effects { cells: channel.to_cells().to_vec(), gains: amounts.map(|amount| -(amount.get() as i64)).to_vec() })
    }

    fn constrain(&self, env: &mut FormEnvironment<'_>) -> FormTargets {
        let (values, active) = (env.values, env.active);
        env.assert_contract_account(active, values[CHANNEL]);
        // active ⇒ both cells are absent
        let [header, state] = [env.cells[0].absent.target, env.cells[1].absent.target];
        let absent = env.builder.add(header, state);
        let two = env.builder.two();
        env.assert_equal_if(active, absent, two);
        // A nonce counts up from 0, so this does not wrap, and the salt is not 0.
        let salt = env.builder.add_const(env.nonce, F::ONE);
        env.assert_equal_if(active, values[SALT], salt);
        env.assert_not_over(values[DEADLINE]);
        // Both amounts are below 2^56 by their fields.
        let total = env.builder.add(values[AMOUNT_A], values[AMOUNT_B]);
        env.ranges.range_check(env.builder, total, TOTAL_BITS);

        let zero = env.builder.zero();
        let parties = pack_parties_target(env, [env.account, values[B]], values[ASSET]);
        let channel = ChannelTarget {
            parties,
            key_hashes: [env.digest(KEY_A), env.digest(KEY_B)],
            total,
            balance_a: values[AMOUNT_A],
            version: zero,
            deadline: DeadlineTarget::none(env),
            salt: values[SALT],
        };
        let keys = keys_target(env, values[CHANNEL]);
        let cells = channel.to_cells(env);
        let deleted = env.builder._false();
        let paid = [AMOUNT_A, AMOUNT_B].map(|position| env.builder.neg(values[position]));
        FormTargets {
            cells: keys
                .into_iter()
                .zip(cells)
                .map(|(key, elements)| CellUpdate { enabled: active, key, elements, deleted })
                .collect(),
            users: vec![UserTarget { enabled: active, account: values[B] }],
            moves: paid.map(|gain| MoveTarget { enabled: active, asset: values[ASSET], gain }).to_vec(),
            second: None,
        }
    }

    fn complete(&self, call: &mut Call, _: &mut dyn FnMut(CellKey) -> Cell) {
        call.nonce = call.value(SALT).saturating_sub(1);
    }

    fn explain(&self, call: &Call) -> String {
        format!(
            "accounts {} and {} open channel {} with {} and {} of asset {}",
            call.account,
            call.value(B),
            call.value(CHANNEL),
            call.value(AMOUNT_A),
            call.value(AMOUNT_B),
            call.value(ASSET)
        )
    }
}

#[cfg(test)]
mod tests;
