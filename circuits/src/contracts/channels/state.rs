//! What a party signs off chain, native and in circuits.
//!
//! ```text
//!   H(tag, domain digest[4], index, a + 2^24·b + 2^48·asset, salt,  final, version, balance of a)
//!   ───────────── first permutation ─────────────────────────────   ──── second ────────────────
//! ```
//!
//! No other message is the same. Of states, because every element is a field of known width. Of a transaction, because
//! its message is one permutation of eight elements on an empty sponge, a chain of such at most: a common value would be
//! a collision of H, with capacities that differ. With eight elements here it would be enough to find a chained
//! message whose first digest begins with the tag, 2^64 tries. Of other messages with a tag, because the tags differ.

use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::Target;

use super::channel::pack_parties;
use crate::account::{AccountIndex, AssetId};
use crate::amount::Quanta;
use crate::contract::FormEnvironment;
use crate::hash::circuit::hash_tagged as hash_tagged_target;
use crate::hash::{hash_tagged, tag, Digest, F};

/// Tag of a state's message; ten elements follow.
pub const TAG_STATE: u64 = tag("sf.chan");

/// A state of a channel, as the parties sign it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// The channel's account.
    pub channel: AccountIndex,
    /// The parties, a first.
    pub parties: [AccountIndex; 2],
    /// What the channel holds.
    pub asset: AssetId,
    /// The channel's salt.
    pub salt: u32,
    /// Whether its signer makes no payment after it. Then it has no version: 0.
    pub is_final: bool,
    /// Its number, from 1.
    pub version: u32,
    /// What is a's; the rest is b's.
    pub balance_a: Quanta,
}

impl State {
    /// The message to sign with the channel's key, under the domain's digest.
    pub fn message(&self, domain: Digest) -> Digest {
        let mut elements = domain.0.to_vec();
        elements.extend([
            F::from_canonical_u32(self.channel.get()),
            pack_parties(self.parties, self.asset),
            F::from_canonical_u32(self.salt),
            F::from_bool(self.is_final),
            F::from_canonical_u32(self.version),
            F::from_canonical_u64(self.balance_a.get()),
        ]);
        hash_tagged(TAG_STATE, &elements)
    }
}

/// The circuit twin of [`State`].
#[derive(Clone, Copy, Debug)]
pub struct StateTarget {
    /// The channel's account.
    pub channel: Target,
    /// The parties and the asset, packed.
    pub parties: Target,
    /// The channel's salt.
    pub salt: Target,
    /// Whether it is final, a constant of the form.
    pub is_final: bool,
    /// Its number.
    pub version: Target,
    /// What is a's.
    pub balance_a: Target,
}

impl StateTarget {
    /// As [`State::message`], under the batch's domain. Two rows.
    pub fn message(&self, env: &mut FormEnvironment<'_>) -> HashOutTarget {
        let is_final = env.builder.constant(F::from_bool(self.is_final));
        let mut elements = env.domain.elements.to_vec();
        elements.extend([self.channel, self.parties, self.salt, is_final, self.version, self.balance_a]);
        hash_tagged_target(env.builder, TAG_STATE, &elements)
    }
}
