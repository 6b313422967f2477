//! Openings: the rows that bind the memory's initial and final digests to the state tree.
//!
//! Statement of one opening: under the root so far, the header (and slot) at this key have the initial digests; with
//! the final digests instead, and all else unchanged, the root is the next one. An opening whose flag is not set
//! leaves its digest as it is, so the root does not change.
//!
//! ```text
//!   header opening      24 bits of the account ─▶ 25 levels, old and new side by side, the same siblings
//!   slot opening        36 bits of the key ─▶ 12 levels ─▶ slots root ─┐
//!                                             header digests ──────────┴▶ 25 levels
//! ```
//!
//! A slot's path passes by the header of its account, so one path opens both: a transfer of another asset pays one
//! path of 37 levels for header and slot, not one of 25 and one of 37. Either can stay closed.
//!
//! | rows | header | slot, with or without its header |
//! | --- | --- | --- |
//! | hashes | 50 | 74 |
//! | key bits | 1 | 1 |
//! | tuples (see [`super::memory`]) | 3.5 | 7 |
//!
//! Widths: an account has 24 bits and a slot 12 because that many bits are split off; a slot that is opened is not 0,
//! so it is never a header's key.

use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use super::memory::MemoryTarget;
use super::trace::{HeaderRow, SlotRow};
use crate::account::{ACCOUNT_BITS, SLOT_BITS};
use crate::gates::range::RangeChecker;
use crate::hash::circuit::{hash_node, Builder};
use crate::hash::{Digest, F};

/// Old and new digest of a node on the way up.
#[derive(Clone, Copy, Debug)]
struct Update {
    old: HashOutTarget,
    new: HashOutTarget,
}

impl Update {
    fn new(builder: &mut Builder) -> Self {
        Self { old: builder.add_virtual_hash(), new: builder.add_virtual_hash() }
    }

    /// A digest whose flag is not set does not change.
    fn keep_unless(&self, builder: &mut Builder, enabled: BoolTarget) {
        for (old, new) in self.old.elements.into_iter().zip(self.new.elements) {
            // (1 − enabled) · (new − old) = 0
            let change = builder.sub(new, old);
            let kept = builder.mul_sub(enabled.target, change, change);
            builder.assert_zero(kept);
        }
    }

    fn step(self, builder: &mut Builder, sibling: HashOutTarget, is_right: BoolTarget) -> Self {
        Self {
            old: hash_node(builder, self.old, sibling, is_right),
            new: hash_node(builder, self.new, sibling, is_right),
        }
    }

    fn climb(self, builder: &mut Builder, bits: &[BoolTarget], siblings: &[HashOutTarget]) -> Self {
        bits.iter().zip(siblings).fold(self, |node, (&bit, &sibling)| node.step(builder, sibling, bit))
    }

    fn set(&self, witness: &mut PartialWitness<F>, old: Digest, new: Digest) -> anyhow::Result<()> {
        witness.set_hash_target(self.old, old.into())?;
        witness.set_hash_target(self.new, new.into())
    }
}

/// The row that opens one header.
#[derive(Debug)]
pub struct HeaderOpeningTarget {
    enabled: BoolTarget,
    pub(super) account: Target,
    header: Update,
    time: Target,
    slots_root: HashOutTarget,
    siblings: [HashOutTarget; ACCOUNT_BITS],
}

impl HeaderOpeningTarget {
    /// Opens a header under `root`, and moves `root` on.
    pub fn new(
        builder: &mut Builder,
        ranges: &mut RangeChecker,
        memory: &mut MemoryTarget,
        root: &mut HashOutTarget,
    ) -> Self {
        let enabled = builder.add_virtual_bool_target_safe();
        let account = builder.add_virtual_target();
        let bits = builder.split_le(account, ACCOUNT_BITS);
        let header = Update::new(builder);
        header.keep_unless(builder, enabled);
        let slots_root = builder.add_virtual_hash();
        let siblings = std::array::from_fn(|_| builder.add_virtual_hash());

        let left = builder._false();
        let top = header.step(builder, slots_root, left).climb(builder, &bits, &siblings);
        builder.connect_hashes(top.old, *root);
        *root = top.new;

        let key = builder.mul_const(F::from_canonical_u64(1 << SLOT_BITS), account);
        let time = memory.cell(builder, ranges, enabled, key, header.old, header.new);
        Self { enabled, account, header, time, slots_root, siblings }
    }

    /// Sets what the prover picks.
    pub fn set(&self, witness: &mut PartialWitness<F>, row: &HeaderRow) -> anyhow::Result<()> {
        witness.set_target(self.enabled.target, row.enabled)?;
        witness.set_target(self.account, F::from_canonical_u32(row.account))?;
        self.header.set(witness, row.cell.initial, row.cell.last)?;
        witness.set_target(self.time, row.cell.time)?;
        witness.set_hash_target(self.slots_root, row.path.slots_root.into())?;
        set_siblings(witness, &self.siblings, &row.path.accounts)
    }
}

/// The row that opens one slot, and at wish the header of its account.
#[derive(Debug)]
pub struct SlotOpeningTarget {
    slot_enabled: BoolTarget,
    header_enabled: BoolTarget,
    pub(super) key: Target,
    slot: Update,
    header: Update,
    slot_time: Target,
    header_time: Target,
    slot_siblings: [HashOutTarget; SLOT_BITS],
    account_siblings: [HashOutTarget; ACCOUNT_BITS],
}

impl SlotOpeningTarget {
    /// Opens a slot under `root`, and moves `root` on.
    pub fn new(
        builder: &mut Builder,
        ranges: &mut RangeChecker,
        memory: &mut MemoryTarget,
        root: &mut HashOutTarget,
    ) -> Self {
        let slot_enabled = builder.add_virtual_bool_target_safe();
        let header_enabled = builder.add_virtual_bool_target_safe();
        let key = builder.add_virtual_target();
        let bits = builder.split_le(key, SLOT_BITS + ACCOUNT_BITS);
        let (slot_bits, account_bits) = bits.split_at(SLOT_BITS);
        let slot = Update::new(builder);
        slot.keep_unless(builder, slot_enabled);
        let header = Update::new(builder);
        header.keep_unless(builder, header_enabled);
        let slot_siblings = std::array::from_fn(|_| builder.add_virtual_hash());
        let account_siblings = std::array::from_fn(|_| builder.add_virtual_hash());

        let slots_root = slot.climb(builder, slot_bits, &slot_siblings);
        let left = builder._false();
        let node = Update {
            old: hash_node(builder, header.old, slots_root.old, left),
            new: hash_node(builder, header.new, slots_root.new, left),
        };
        let top = node.climb(builder, account_bits, &account_siblings);
        builder.connect_hashes(top.old, *root);
        *root = top.new;

        // An opened slot is not slot 0, whose key is the header's. Four sums: a slot index is at most 4095.
        let slot_index = builder.le_sum(slot_bits.iter());
        let zero = builder.zero();
        let is_zero = builder.is_equal(slot_index, zero);
        let header_as_slot = builder.mul(slot_enabled.target, is_zero.target);
        builder.assert_zero(header_as_slot);

        // key − slot is the header's key.
        let header_key = builder.sub(key, slot_index);
        let header_time = memory.cell(builder, ranges, header_enabled, header_key, header.old, header.new);
        let slot_time = memory.cell(builder, ranges, slot_enabled, key, slot.old, slot.new);
        Self {
            slot_enabled,
            header_enabled,
            key,
            slot,
            header,
            slot_time,
            header_time,
            slot_siblings,
            account_siblings,
        }
    }

    /// Sets what the prover picks.
    pub fn set(&self, witness: &mut PartialWitness<F>, row: &SlotRow) -> anyhow::Result<()> {
        witness.set_target(self.slot_enabled.target, row.slot_enabled)?;
        witness.set_target(self.header_enabled.target, row.header_enabled)?;
        witness.set_target(self.key, F::from_canonical_u64(row.key))?;
        self.slot.set(witness, row.slot.initial, row.slot.last)?;
        self.header.set(witness, row.header.initial, row.header.last)?;
        witness.set_target(self.slot_time, row.slot.time)?;
        witness.set_target(self.header_time, row.header.time)?;
        set_siblings(witness, &self.slot_siblings, &row.path.slots)?;
        set_siblings(witness, &self.account_siblings, &row.path.accounts)
    }
}

fn set_siblings(witness: &mut PartialWitness<F>, targets: &[HashOutTarget], siblings: &[Digest]) -> anyhow::Result<()> {
    targets.iter().zip(siblings).try_for_each(|(target, sibling)| witness.set_hash_target(*target, (*sibling).into()))
}
