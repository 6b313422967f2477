//! What a slot writes and publishes, as the circuit computes it.

use plonky2::field::types::Field;

use super::super::world::z;
use super::f;
use crate::account::{AccountKind, Cell, Header};
use crate::availability::{absorb, FExt, EVALUATION_START, HEAD_BLOCK, HEAD_KEYED};
use crate::chunk::trace::{Flags, SlotTrace};
use crate::chunk::SlotClass;
use crate::hash::{Digest, F};
use crate::transaction::Kind;

/// The cell as a header of a user account, which is all that a slot can write.
pub fn user(cell: &Cell) -> Cell {
    let mut user = *cell;
    user.0[Header::KIND] = F::from_canonical_u32(AccountKind::USER.0);
    user.0[7] = F::ZERO;
    user
}

pub fn new_key(slot: &SlotTrace) -> [F; 4] {
    std::array::from_fn(|i| f(slot.key_words[2 * i]) * f(1 << 32) + f(slot.key_words[2 * i + 1]))
}

pub fn fee(slot: &SlotTrace) -> F {
    f(slot.fee_mantissa) * F::from_canonical_u64(10).exp_u64(slot.fee_exponent.into())
}

pub fn words(slot: &SlotTrace) -> [F; 3] {
    let Flags { transfer: t, withdraw: w, deposit: d, rekey: r, forced_exit: x, opens: o } = slot.flags;
    let kinds = [(t, Kind::Transfer), (w, Kind::Withdraw), (d, Kind::Deposit), (r, Kind::Rekey), (x, Kind::ForcedExit)];
    let kind: F = kinds.into_iter().map(|(flag, kind)| flag * F::from_canonical_u8(kind.code())).sum();
    let low = f(slot.fee_mantissa) * f(1 << 5) + F::from_canonical_u32(slot.fee_exponent) + slot.amount_upper;
    [(kind * f(1 << 16) + slot.asset) * f(1 << 32) + slot.account, (slot.to + o) * f(1 << 24) + low, slot.amount]
}

/// What is published so far.
pub struct Streams {
    pub commit: Digest,
    pub l1: FExt,
    pub l2: FExt,
}

impl Streams {
    pub fn start() -> Self {
        Self { commit: Digest::ZERO, l1: EVALUATION_START, l2: EVALUATION_START }
    }

    pub fn publish(&mut self, slot: &SlotTrace, class: SlotClass) {
        let Flags { transfer: t, withdraw: w, deposit: d, rekey: r, forced_exit: x, opens: o } = slot.flags;
        self.publish_as(slot, class, t, w + d + r + x, r + o);
    }

    /// [`Self::publish`] on the streams and with the key hash that the caller says.
    pub fn publish_as(&mut self, slot: &SlotTrace, class: SlotClass, on_l2: F, on_l1: F, keyed: F) {
        let words = words(slot);
        let key_words = slot.key_words.map(f);
        let mut block = [F::ZERO; 8];
        block[0] = on_l2.double() + on_l1;
        block[1..4].copy_from_slice(&words);
        if !class.is_wide() {
            self.commit = absorb(self.commit, block);
            self.l2 = choose(on_l2, horner(self.l2, &words), self.l2);
            return;
        }
        block[0] += keyed * f(HEAD_KEYED) + f(HEAD_BLOCK);
        self.commit = absorb(absorb(self.commit, block), key_words);
        let next = horner(choose(on_l1, self.l1, self.l2), &words);
        self.l2 = choose(on_l2, next, self.l2);
        self.l1 = choose(on_l1, choose(keyed, horner(next, &key_words), next), self.l1);
    }
}

fn choose(flag: F, yes: FExt, no: FExt) -> FExt {
    no + FExt::from(flag) * (yes - no)
}

fn horner(sum: FExt, words: &[F]) -> FExt {
    words.iter().fold(sum, |sum, &word| sum * z() + FExt::from(word))
}
