//! What close, dispute and settle share: the channel that a call names, and which party signs.
//!
//! Their fields begin alike. Parties and asset are only signed, as places must follow from the call; who rebuilds
//! the state finds them in the channel, and the salt too.

use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::{BoolTarget, Target};

use super::channel::{keys, pack_parties_target, Channel, ChannelTarget, SALT_BITS};
use super::state::State;
use crate::account::{AccountIndex, Cell, CellKey};
use crate::amount::Quanta;
use crate::contract::{Call, CellSpec, FieldSpec, FormEnvironment, Place, Rule, Width};
use crate::hash::Digest;

pub const CHANNEL: usize = 0;
pub const A: usize = 1;
pub const B: usize = 2;
pub const ASSET: usize = 3;
/// Of forms that bring a state.
pub const SALT: usize = 4;
/// Of forms that bring a state.
pub const BALANCE_A: usize = 5;

pub const CHANNEL_FIELD: FieldSpec = FieldSpec {
    name: "channel",
    about: "the channel's account",
    width: Width::Account,
    place: Place::Published { word: 1, shift: 24 },
};
pub const A_FIELD: FieldSpec = FieldSpec {
    name: "a",
    about: "the party that opened the channel",
    width: Width::Account,
    place: Place::Signed { word: 0, shift: 0, replayed: 0 },
};
pub const B_FIELD: FieldSpec = FieldSpec {
    name: "b",
    about: "the other party",
    width: Width::Account,
    place: Place::Signed { word: 0, shift: 24, replayed: 0 },
};
pub const ASSET_FIELD: FieldSpec = FieldSpec {
    name: "asset",
    about: "what the channel holds",
    width: Width::Asset,
    place: Place::Signed { word: 1, shift: 32, replayed: 0 },
};
pub const SALT_FIELD: FieldSpec = FieldSpec {
    name: "salt",
    about: "the channel's salt",
    width: Width::Bits(SALT_BITS),
    place: Place::Signed { word: 1, shift: 0, replayed: 0 },
};
pub const BALANCE_A_FIELD: FieldSpec = FieldSpec {
    name: "balance_a",
    about: "what of the channel is a's in the state",
    width: Width::Amount,
    place: Place::Published { word: 2, shift: 0 },
};

pub const CELLS: &[CellSpec] =
    &[CellSpec { name: "channel", may_be_absent: false }, CellSpec { name: "state", may_be_absent: false }];

/// The first rules of each form, in this order.
pub const NO_CHANNEL: usize = 0;
pub const PARTIES: usize = 1;
pub const NOT_A_PARTY: usize = 2;
/// Of forms that bring a state.
pub const WRONG_SALT: usize = 3;
/// Of forms that bring a state.
pub const BALANCE: usize = 4;

pub const NO_CHANNEL_RULE: Rule = Rule { name: "no_channel", broken: "there is no channel at that account" };
pub const PARTIES_RULE: Rule =
    Rule { name: "parties", broken: "the channel is between other parties, or holds another asset" };
pub const NOT_A_PARTY_RULE: Rule = Rule { name: "not_a_party", broken: "the signer is not a party of the channel" };
pub const SALT_RULE: Rule = Rule { name: "salt", broken: "the state is of another channel at this account" };
pub const BALANCE_RULE: Rule = Rule { name: "balance", broken: "the state gives a more than the channel holds" };

/// The keys of the cells.
pub fn cells(call: &Call) -> Vec<Option<CellKey>> {
    keys(call.account_at(CHANNEL)).map(Some).to_vec()
}

/// The party that does not sign.
pub fn other(call: &Call) -> AccountIndex {
    let [a, b] = [call.account_at(A), call.account_at(B)];
    if call.account == a {
        b
    } else {
        a
    }
}

/// The channel of a call, and which party signs; or the rule that the call breaks.
pub fn opened(call: &Call, cells: &[Cell]) -> Result<(Channel, usize), usize> {
    let channel = Channel::from_cells(&cells[0], &cells[1]).ok_or(NO_CHANNEL)?;
    if channel.parties != [call.account_at(A), call.account_at(B)] || channel.asset != call.asset_at(ASSET) {
        return Err(PARTIES);
    }
    if !channel.parties.contains(&call.account) {
        return Err(NOT_A_PARTY);
    }
    Ok((channel, channel.side(call.account)))
}

/// [`opened`] of a call that brings a state; with what the state pays, the signer first.
pub fn opened_with_state(call: &Call, cells: &[Cell]) -> Result<(Channel, usize, [Quanta; 2]), usize> {
    let (channel, side) = opened(call, cells)?;
    if u64::from(channel.salt) != call.value(SALT) {
        return Err(WRONG_SALT);
    }
    let payouts = channel.payouts(call.amount_at(BALANCE_A), side).ok_or(BALANCE)?;
    Ok((channel, side, payouts))
}

/// The state that a call brings.
pub fn state(call: &Call, is_final: bool, version: u64) -> State {
    State {
        channel: call.account_at(CHANNEL),
        parties: [call.account_at(A), call.account_at(B)],
        asset: call.asset_at(ASSET),
        salt: u32::try_from(call.value(SALT)).expect("values have their fields' widths"),
        is_final,
        version: u32::try_from(version).expect("values have their fields' widths"),
        balance_a: call.amount_at(BALANCE_A),
    }
}

/// The hash of the key that a state is signed with: of the party that does not sign the call.
pub fn key_of_other(call: &Call, cells: &[Cell]) -> Option<Digest> {
    let channel = Channel::from_cells(&cells[0], &cells[1])?;
    Some(channel.key_hashes[1 - channel.side(call.account)])
}

/// Fills in what the channel knows. A call on no channel stays as it is, and is refused.
pub fn complete(call: &mut Call, read: &mut dyn FnMut(CellKey) -> Cell) {
    let [header, state] = keys(call.account_at(CHANNEL)).map(read);
    let Some(channel) = Channel::from_cells(&header, &state) else { return };
    call.values[A] = channel.parties[0].get().into();
    call.values[B] = channel.parties[1].get().into();
    call.values[ASSET] = channel.asset.get().into();
    if let Some(salt) = call.values.get_mut(SALT) {
        *salt = channel.salt.into();
    }
}

/// The circuit twin of what [`opened`] gives.
#[derive(Clone, Copy, Debug)]
pub struct OpenedTarget {
    /// The channel.
    pub channel: ChannelTarget,
    /// Whether a signs.
    pub is_a: BoolTarget,
    /// The party that does not sign. Below 2^24 in any case.
    pub other: Target,
}

/// The circuit twin of [`opened`].
pub fn opened_target(env: &mut FormEnvironment<'_>) -> OpenedTarget {
    let (values, active) = (env.values, env.active);
    let channel = ChannelTarget::from_cells(env, active, &env.cells[0], &env.cells[1]);
    let parties = pack_parties_target(env, [values[A], values[B]], values[ASSET]);
    env.assert_equal_if(active, parties, channel.parties);
    // Who signs is a, or else b. `is_equal` has both polarities.
    let is_a = env.builder.is_equal(env.account, values[A]);
    let own = env.select(is_a, values[A], values[B]);
    env.assert_equal_if(active, env.account, own);
    let other = env.select(is_a, values[B], values[A]);
    OpenedTarget { channel, is_a, other }
}

/// The circuit twin of [`opened_with_state`]: the channel, and what the state pays, the signer first.
pub fn opened_with_state_target(env: &mut FormEnvironment<'_>) -> (OpenedTarget, [Target; 2]) {
    let opened = opened_target(env);
    env.assert_equal_if(env.active, env.values[SALT], opened.channel.salt);
    let payouts = opened.payouts(env, env.values[BALANCE_A]);
    (opened, payouts)
}

impl OpenedTarget {
    /// What the parties get if `balance_a` is a's, the signer first. `balance_a` is at most the total.
    pub fn payouts(&self, env: &mut FormEnvironment<'_>, balance_a: Target) -> [Target; 2] {
        // If the call is active, the total is below 2^56, as it was opened with.
        let balance_b = env.builder.sub(self.channel.total, balance_a);
        env.ranges.range_check(env.builder, balance_b, super::channel::TOTAL_BITS);
        let own = env.select(self.is_a, balance_a, balance_b);
        let other = env.builder.sub(self.channel.total, own);
        [own, other]
    }

    /// The hash of the key that a state is signed with: of the party that does not sign the call.
    pub fn key_of_other(&self, env: &mut FormEnvironment<'_>) -> HashOutTarget {
        let [a, b] = self.channel.key_hashes.map(|key_hash| key_hash.elements);
        HashOutTarget { elements: std::array::from_fn(|i| env.select(self.is_a, b[i], a[i])) }
    }
}
