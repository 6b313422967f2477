//! A channel: its two cells, native and in circuits.
//!
//! | element | header | slot 1 |
//! | --- | --- | --- |
//! | 0 to 3 | key hash of a | key hash of b |
//! | 4 | a + 2^24 · b + 2^48 · asset | balance of a, at most the total |
//! | 5 | total, below 2^56 | version, below 2^32; 0 for the opening |
//! | 6 | 5, the kind | last batch of the challenge period, below 2^33 |
//! | 7 | last timestamp of the challenge period, below 2^57 | salt, from 1 to 2^32 − 1 |
//!
//! The two parts of the deadline are both 0 while the channel is not closing, and neither is 0 while it is. Neither
//! cell is ever all zeros: one has the kind, the other the salt. Widths hold because [`super::open`] and
//! [`super::dispute`], which alone write these cells, write no others.

use plonky2::field::types::{Field, PrimeField64};
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::{BoolTarget, Target};

use super::deadline::{Deadline, DeadlineTarget};
use crate::account::{AccountIndex, AssetId, Cell, CellKey, ACCOUNT_BITS, CELL_LEN};
use crate::amount::{Quanta, TRANSFER_BITS};
use crate::contract::{CellTarget, FormEnvironment};
use crate::hash::{Digest, F};

/// The kind of a channel's account.
pub const CHANNEL_KIND: u32 = 5;
/// Bits of what a channel holds: a party can be paid all of it in one transaction.
pub const TOTAL_BITS: usize = TRANSFER_BITS;
/// Bits of a state's version.
pub const VERSION_BITS: usize = 32;
/// Bits of a salt.
pub const SALT_BITS: usize = 32;

/// The slot that the channel's state is in.
pub const STATE_SLOT: u16 = 1;

const KEY_HASH: usize = 0;
const PARTIES: usize = 4;
const TOTAL: usize = 5;
const KIND: usize = 6;
const LAST_TIMESTAMP: usize = 7;

const BALANCE_A: usize = 4;
const VERSION: usize = 5;
const LAST_BATCH: usize = 6;
const SALT: usize = 7;

/// A channel that is open or closing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channel {
    /// The parties: a, who opened it, and b.
    pub parties: [AccountIndex; 2],
    /// The hash of the key that each signs states with.
    pub key_hashes: [Digest; 2],
    /// What it holds.
    pub asset: AssetId,
    /// How much, below 2^56.
    pub total: Quanta,
    /// What of it is a's in the newest state that was brought.
    pub balance_a: Quanta,
    /// The number of that state, 0 for the opening.
    pub version: u32,
    /// While it is closing, until when a newer state can be brought.
    pub deadline: Option<Deadline>,
    /// The nonce that a's account had after the opening.
    pub salt: u32,
}

/// The keys of a channel's cells: header and state.
pub fn keys(account: AccountIndex) -> [CellKey; 2] {
    let state = AssetId::new(STATE_SLOT).expect("12 bits");
    [account.header_key(), account.balance_key(state)]
}

/// a + 2^24 · b + 2^48 · asset.
pub fn pack_parties([a, b]: [AccountIndex; 2], asset: AssetId) -> F {
    let [a, b] = [a, b].map(|party| u64::from(party.get()));
    F::from_canonical_u64(a | b << ACCOUNT_BITS | u64::from(asset.get()) << (2 * ACCOUNT_BITS))
}

impl Channel {
    /// The channel in its two cells, if they hold one.
    pub fn from_cells(header: &Cell, state: &Cell) -> Option<Self> {
        let [header_at, state_at] = [header, state].map(|cell| move |i: usize| cell.0[i].to_canonical_u64());
        let parties = header_at(PARTIES);
        let account = |i: usize| AccountIndex::new((parties >> (i * ACCOUNT_BITS)) as u32 & ((1 << ACCOUNT_BITS) - 1));
        let key_hash = |cell: &Cell| Digest(std::array::from_fn(|i| cell.0[KEY_HASH + i]));
        let deadline = match (state_at(LAST_BATCH), header_at(LAST_TIMESTAMP)) {
            (0, 0) => None,
            (0, _) | (_, 0) => return None,
            (batch_number, timestamp_s) => Some(Deadline { batch_number, timestamp_s }),
        };
        let channel = Self {
            parties: [account(0)?, account(1)?],
            key_hashes: [key_hash(header), key_hash(state)],
            asset: AssetId::new(u16::try_from(parties >> (2 * ACCOUNT_BITS)).ok()?)?,
            total: Quanta::new(header_at(TOTAL))?,
            balance_a: Quanta::new(state_at(BALANCE_A))?,
            version: u32::try_from(state_at(VERSION)).ok()?,
            deadline,
            salt: u32::try_from(state_at(SALT)).ok()?,
        };
        (channel.balance_a <= channel.total && channel.to_cells() == [*header, *state]).then_some(channel)
    }

    /// The channel's cells: header and state.
    pub fn to_cells(&self) -> [Cell; 2] {
        let [mut header, mut state] = [Cell::ABSENT; 2];
        let [last_batch, last_timestamp] = self.deadline.map_or([0; 2], |it| [it.batch_number, it.timestamp_s]);
        header.0[KEY_HASH..PARTIES].copy_from_slice(&self.key_hashes[0].0);
        header.0[PARTIES] = pack_parties(self.parties, self.asset);
        header.0[TOTAL] = F::from_canonical_u64(self.total.get());
        header.0[KIND] = F::from_canonical_u32(CHANNEL_KIND);
        header.0[LAST_TIMESTAMP] = F::from_canonical_u64(last_timestamp);
        state.0[KEY_HASH..BALANCE_A].copy_from_slice(&self.key_hashes[1].0);
        state.0[BALANCE_A] = F::from_canonical_u64(self.balance_a.get());
        state.0[VERSION] = F::from_canonical_u32(self.version);
        state.0[LAST_BATCH] = F::from_canonical_u64(last_batch);
        state.0[SALT] = F::from_canonical_u32(self.salt);
        [header, state]
    }

    /// Where among the parties an account is; 1 for any other than a.
    pub fn side(&self, account: AccountIndex) -> usize {
        usize::from(account != self.parties[0])
    }

    /// What the parties get if `balance_a` is a's, the one at `side` first; nothing if that is more than there is.
    pub fn payouts(&self, balance_a: Quanta, side: usize) -> Option<[Quanta; 2]> {
        let balance_b = self.total.checked_sub(balance_a)?;
        Some(if side == 0 { [balance_a, balance_b] } else { [balance_b, balance_a] })
    }
}

/// The circuit twin of [`Channel`].
#[derive(Clone, Copy, Debug)]
pub struct ChannelTarget {
    /// The parties and the asset, packed.
    pub parties: Target,
    /// The hash of each party's key.
    pub key_hashes: [HashOutTarget; 2],
    /// How much it holds.
    pub total: Target,
    /// What of it is a's.
    pub balance_a: Target,
    /// The state's number.
    pub version: Target,
    /// The deadline, zeros while the channel is not closing.
    pub deadline: DeadlineTarget,
    /// The salt.
    pub salt: Target,
}

/// The circuit twin of [`keys`]. `account` is below 2^24.
pub fn keys_target(env: &mut FormEnvironment<'_>, account: Target) -> [Target; 2] {
    [env.key(account, 0), env.key(account, STATE_SLOT.into())]
}

/// The circuit twin of [`pack_parties`]. Below 2^60, so injective: accounts are below 2^24 and the asset below 2^12 by
/// their fields.
pub fn pack_parties_target(env: &mut FormEnvironment<'_>, [a, b]: [Target; 2], asset: Target) -> Target {
    let shift = F::from_canonical_u64(1 << ACCOUNT_BITS);
    let upper = env.builder.mul_const_add(shift, asset, b);
    env.builder.mul_const_add(shift, upper, a)
}

impl ChannelTarget {
    /// The channel in its two cells; if `enabled`, they hold one: the kind says so of the header, and while a header of
    /// this kind is there, only channels write slot 1. Elements are as wide as they were written.
    pub fn from_cells(
        env: &mut FormEnvironment<'_>,
        enabled: BoolTarget,
        header: &CellTarget,
        state: &CellTarget,
    ) -> Self {
        let kind = env.builder.constant(F::from_canonical_u32(CHANNEL_KIND));
        env.assert_equal_if(enabled, header.elements[KIND], kind);
        let key_hash =
            |cell: &CellTarget| HashOutTarget { elements: std::array::from_fn(|i| cell.elements[KEY_HASH + i]) };
        Self {
            parties: header.elements[PARTIES],
            key_hashes: [key_hash(header), key_hash(state)],
            total: header.elements[TOTAL],
            balance_a: state.elements[BALANCE_A],
            version: state.elements[VERSION],
            deadline: DeadlineTarget {
                batch_number: state.elements[LAST_BATCH],
                timestamp_s: header.elements[LAST_TIMESTAMP],
            },
            salt: state.elements[SALT],
        }
    }

    /// The channel's cells. What is new in them is range-checked by the form.
    pub fn to_cells(self, env: &mut FormEnvironment<'_>) -> [[Target; CELL_LEN]; 2] {
        let kind = env.builder.constant(F::from_canonical_u32(CHANNEL_KIND));
        let [[a0, a1, a2, a3], [b0, b1, b2, b3]] = self.key_hashes.map(|key_hash| key_hash.elements);
        [
            [a0, a1, a2, a3, self.parties, self.total, kind, self.deadline.timestamp_s],
            [b0, b1, b2, b3, self.balance_a, self.version, self.deadline.batch_number, self.salt],
        ]
    }
}
