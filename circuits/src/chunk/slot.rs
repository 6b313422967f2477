//! A transaction slot: the circuit twin of [`crate::transaction::execute`], one transaction each.
//!
//! Statement: the transaction applies to the memory now; if it is signed, by the key in the account's
//! header over its words, its nonce and the domain; its record is absorbed and evaluated; its fee is counted.
//!
//! ```text
//!   flags ─┬─ words ── message ── signature ── key hash = the header's
//!          ├─ account: header, slot of the asset      old digest ◀─ opened    new digest ◀─ made     (memory access)
//!          ├─ recipient: header, slot of the asset    the same
//!          └─ record: block ─▶ daCommit; words ─▶ evaluation of the L1 or L2 stream
//! ```
//!
//! | checked | where |
//! | --- | --- |
//! | at most one kind | flags are boolean and so is their sum |
//! | account, recipient < 2^24, asset < 2^12 | ranges; a slot is accessed only for an asset other than 0 |
//! | the account is open, and a user's | its old digest is that of a header of kind 1 |
//! | a deposit that opens finds no account | its old digest is 0000 |
//! | the nonce is the next one | the message is over the header's own nonce |
//! | amount < 2^56, fee in its only spelling | ranges, [`FeeTarget`] |
//! | every balance stays in [0, 2^62) | range of every new balance, in headers and slots |
//! | a forced exit takes min(balance, 2^56 − 1) | amount = 2^56 − 1, or nothing is left |
//! | fields that a kind does not use are zero | products with the flag |
//! | what is withdrawn is an asset of L1's | range of twice its number |
//! | sender ≠ recipient | both headers are accessed at the same `now`, and a read must be of the past |
//!
//! In a slot without a transaction nothing is accessed, counted or published. Its other values are free, and harmless:
//! they reach only daCommit, under a head that says that no word is published.
//!
//! Not here: the memory compares reads and writes ([`super::memory`]); widths of words need no check of their own, as
//! each field has one; the total of an asset is kept below 2^62 by the L1 contract and genesis, so that a credit
//! always fits (here it is checked nevertheless).

use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use super::account::{HeaderTarget, SlotBalanceTarget};
use super::memory::{Clock, MemoryTarget};
use super::record::{KeyWordsTarget, RecordTarget, StreamsTarget};
use super::trace::{Flags, SlotTrace};
use super::SlotClass;
use crate::account::{ACCOUNT_BITS, SLOT_BITS};
use crate::amount::circuit::FeeTarget;
use crate::amount::{BALANCE_BITS, TRANSFER_BITS, WORD_MASK};
use crate::gates::range::RangeChecker;
use crate::hash::circuit::Builder;
use crate::hash::F;
use crate::signature::circuit::{key_hash, verify_signature, SignatureTarget};
use crate::transaction::Kind;

/// What all slots of a chunk share while the circuit is built.
pub struct SlotEnvironment<'a> {
    /// The circuit.
    pub builder: &'a mut Builder,
    /// Its range checks.
    pub ranges: &'a mut RangeChecker,
    /// Its memory.
    pub memory: &'a mut MemoryTarget,
    /// What is published so far.
    pub streams: &'a mut StreamsTarget,
    /// Digest of the domain that messages begin with.
    pub domain: HashOutTarget,
    /// The batch's number, below 2^32 by whoever opens the context.
    pub batch_number: Target,
    /// The batch's timestamp in seconds, below 2^56 by whoever opens the context.
    pub timestamp_s: Target,
    /// Fees counted so far.
    pub fees: &'a mut Target,
    /// The slot's number.
    pub clock: Clock,
}

/// Which kind the transaction is; none for `Noop`. Kinds that the class does not accept are constant zero.
#[derive(Clone, Copy, Debug)]
struct FlagTargets {
    transfer: BoolTarget,
    withdraw: BoolTarget,
    deposit: BoolTarget,
    rekey: BoolTarget,
    forced_exit: BoolTarget,
    opens: BoolTarget,
}

/// The targets of one transaction slot that the prover sets.
#[derive(Debug)]
pub struct SlotTarget {
    class: SlotClass,
    flags: FlagTargets,
    account: Target,
    to: Target,
    pub(super) asset: Target,
    amount: Target,
    amount_upper: Target,
    fee: FeeTarget,
    key_words: Option<KeyWordsTarget>,
    sender: HeaderTarget,
    sender_time: Target,
    recipient: HeaderTarget,
    recipient_time: Target,
    pub(super) sender_slot: Option<(SlotBalanceTarget, Target)>,
    pub(super) recipient_slot: Option<(SlotBalanceTarget, Target)>,
    signature: SignatureTarget,
}

impl SlotTarget {
    /// Adds a slot of `class`.
    pub fn new(env: &mut SlotEnvironment<'_>, class: SlotClass) -> Self {
        let builder = &mut *env.builder;
        let (zero, no) = (builder.zero(), builder._false());
        let wide = class.is_wide();
        let mut flag = |accepted: bool| if accepted { builder.add_virtual_bool_target_safe() } else { no };
        let flags = FlagTargets {
            transfer: flag(true),
            withdraw: flag(wide),
            deposit: flag(wide),
            rekey: flag(wide),
            forced_exit: flag(wide),
            opens: flag(wide),
        };
        let [t, w, d, r, x, o] =
            [flags.transfer, flags.withdraw, flags.deposit, flags.rekey, flags.forced_exit, flags.opens]
                .map(|flag| flag.target);
        let signed = builder.add(t, w);
        let from_l1 = builder.add_many([d, r, x]);
        let active = BoolTarget::new_unsafe(builder.add(signed, from_l1));
        if wide {
            // At most one kind. (A narrow slot has one flag.)
            builder.assert_bool(active);
            // Only a deposit opens.
            zero_unless(builder, d, o);
        }

        // Fields, and what is zero unless a kind uses it.
        let account = builder.add_virtual_target();
        let to = builder.add_virtual_target();
        let amount = builder.add_virtual_target();
        env.ranges.range_check(builder, account, ACCOUNT_BITS);
        env.ranges.range_check(builder, to, ACCOUNT_BITS);
        env.ranges.range_check(builder, amount, TRANSFER_BITS);
        let fee = FeeTarget::new(builder, env.ranges);
        zero_unless(builder, signed, fee.quanta);
        let (asset, is_other) = if class.has_assets() {
            let asset = builder.add_virtual_target();
            env.ranges.range_check(builder, asset, SLOT_BITS);
            let is_gas = builder.is_equal(asset, zero);
            (asset, builder.not(is_gas))
        } else {
            (zero, no)
        };
        let (amount_upper, key_words) = if wide {
            let amount_upper = builder.add_virtual_target();
            check_upper(builder, env.ranges, amount_upper);
            zero_unless(builder, d, amount_upper);
            zero_unless(builder, t, to);
            zero_if(builder, r, asset);
            zero_if(builder, r, amount);
            // What goes out is an asset that L1 knows: below 2^11, as twice the asset is below 2^12.
            let withdrawn = builder.arithmetic(F::TWO, F::ZERO, w, asset, zero);
            env.ranges.range_check(builder, withdrawn, SLOT_BITS);
            (amount_upper, Some(KeyWordsTarget::new(builder, env.ranges)))
        } else {
            (zero, None)
        };
        let keyed = builder.add(r, o);

        // What moves: in for a deposit, out for all others. Zero for `Rekey` by its amount, for `Noop` by its flags.
        let full_amount = builder.mul_const_add(F::from_canonical_u64(1 << TRANSFER_BITS), amount_upper, amount);
        let out = builder.add(signed, x);
        let moved_out = builder.mul(out, amount);
        let gained = builder.mul_sub(d, full_amount, moved_out);
        let gained_other = builder.mul(is_other.target, gained);
        let gained_gas = builder.sub(gained, gained_other);
        let paid_other = builder.mul(is_other.target, amount);
        let paid_gas = builder.sub(amount, paid_other);

        // The account's header.
        let sender = HeaderTarget::new(builder);
        let sender_old = sender.digest(builder);
        let sender_old = if wide {
            sender.absent_if(builder, flags.opens);
            zero_digest_if(builder, flags.opens, sender_old)
        } else {
            sender_old
        };
        let mut sender_new = sender;
        sender_new.nonce = builder.add(sender.nonce, signed);
        sender_new.balance = builder.add(sender.balance, gained_gas);
        // The fee is zero for what is not signed.
        sender_new.balance = builder.sub(sender_new.balance, fee.quanta);
        env.ranges.range_check(builder, sender_new.balance, BALANCE_BITS);
        if let Some(words) = &key_words {
            let new_key = words.key_hash(builder);
            let keyed = BoolTarget::new_unsafe(keyed); // r + o: a rekey is no deposit, so they exclude each other
            sender_new.key_hash = std::array::from_fn(|i| builder.select(keyed, new_key[i], sender.key_hash[i]));
        }
        let sender_new_digest = sender_new.digest(builder);
        let sender_key = builder.mul_const(F::from_canonical_u64(1 << SLOT_BITS), account);
        let sender_time =
            env.memory.access(builder, env.ranges, active, sender_key, sender_old, sender_new_digest, env.clock);

        // The recipient's header.
        let recipient = HeaderTarget::new(builder);
        let recipient_old = recipient.digest(builder);
        let mut recipient_new = recipient;
        recipient_new.balance = builder.add(recipient.balance, paid_gas);
        env.ranges.range_check(builder, recipient_new.balance, BALANCE_BITS);
        let recipient_new_digest = recipient_new.digest(builder);
        let recipient_key = builder.mul_const(F::from_canonical_u64(1 << SLOT_BITS), to);
        let recipient_time = env.memory.access(
            builder,
            env.ranges,
            flags.transfer,
            recipient_key,
            recipient_old,
            recipient_new_digest,
            env.clock,
        );

        // Their slots of the asset.
        let slot_access = |env: &mut SlotEnvironment<'_>, flag: Target, header_key: Target, gained: Target| {
            let builder = &mut *env.builder;
            // The flag is `active` or `transfer`, both boolean.
            let enabled = builder.and(BoolTarget::new_unsafe(flag), is_other);
            let key = builder.add(header_key, asset);
            let old = SlotBalanceTarget::new(builder);
            let new = old.add(builder, gained);
            env.ranges.range_check(builder, new.balance, BALANCE_BITS);
            let (old_digest, new_digest) = (old.digest(builder), new.digest(builder));
            let time = env.memory.access(builder, env.ranges, enabled, key, old_digest, new_digest, env.clock);
            (old, new, time)
        };
        let slots = class.has_assets().then(|| {
            let sender = slot_access(env, active.target, sender_key, gained_other);
            let recipient = slot_access(env, t, recipient_key, paid_other);
            (sender, recipient)
        });

        let builder = &mut *env.builder;
        if let (true, Some(((_, new_slot, _), _))) = (wide, &slots) {
            // A forced exit leaves nothing, or took all that one transaction may move.
            let difference = builder.sub(new_slot.balance, sender_new.balance);
            let left = builder.mul_add(is_other.target, difference, sender_new.balance);
            let short = builder.add_const(amount, -F::from_canonical_u64(WORD_MASK));
            let both = builder.mul(short, left);
            zero_if(builder, x, both);
        }

        // The record, and the signature of its words.
        let codes =
            [(t, Kind::Transfer), (w, Kind::Withdraw), (d, Kind::Deposit), (r, Kind::Rekey), (x, Kind::ForcedExit)];
        let kind = codes
            .into_iter()
            .fold(zero, |sum, (flag, kind)| builder.mul_const_add(F::from_canonical_u8(kind.code()), flag, sum));
        let counterparty = builder.add(to, o);
        let low = builder.add(fee.encoded, amount_upper);
        let record = RecordTarget::new(builder, kind, asset, account, counterparty, low, amount);

        let mut message = env.domain.elements.to_vec();
        message.extend(record.words);
        message.push(sender.nonce);
        let message = crate::hash::circuit::hash_cell(builder, message.try_into().expect("eight elements"));
        let public_key = builder.add_virtual_target_arr();
        let signature = verify_signature(builder, public_key, message.elements);
        let signer = key_hash(builder, public_key);
        for (got, expected) in signer.elements.into_iter().zip(sender.key_hash) {
            let difference = builder.sub(got, expected);
            zero_if(builder, signed, difference);
        }

        let on_l1 = builder.add(w, from_l1);
        env.streams.publish(builder, &record, key_words.as_ref(), t, on_l1, keyed);
        *env.fees = builder.add(*env.fees, fee.quanta);

        let (sender_slot, recipient_slot) = match slots {
            Some(((a, _, a_time), (b, _, b_time))) => (Some((a, a_time)), Some((b, b_time))),
            None => (None, None),
        };
        Self {
            class,
            flags,
            account,
            to,
            asset,
            amount,
            amount_upper,
            fee,
            key_words,
            sender,
            sender_time,
            recipient,
            recipient_time,
            sender_slot,
            recipient_slot,
            signature,
        }
    }

    /// Sets what the prover picks.
    pub fn set(&self, witness: &mut PartialWitness<F>, slot: &SlotTrace) -> anyhow::Result<()> {
        self.set_flags(witness, &slot.flags)?;
        witness.set_target(self.account, slot.account)?;
        witness.set_target(self.to, slot.to)?;
        witness.set_target(self.amount, slot.amount)?;
        self.fee.set_parts(witness, slot.fee_mantissa, slot.fee_exponent)?;
        if self.class.has_assets() {
            witness.set_target(self.asset, slot.asset)?;
        }
        if let Some(words) = &self.key_words {
            witness.set_target(self.amount_upper, slot.amount_upper)?;
            words.set(witness, &slot.key_words)?;
        }
        self.sender.set(witness, &slot.sender.cell)?;
        witness.set_target(self.sender_time, slot.sender.time)?;
        self.recipient.set(witness, &slot.recipient.cell)?;
        witness.set_target(self.recipient_time, slot.recipient.time)?;
        for (target, access) in [(&self.sender_slot, &slot.sender_slot), (&self.recipient_slot, &slot.recipient_slot)] {
            if let Some((balance, time)) = target {
                balance.set(witness, access.cell.0[0])?;
                witness.set_target(*time, access.time)?;
            }
        }
        let authorization = &slot.authorization;
        self.signature.set(witness, &authorization.public_key, &authorization.signature)
    }

    fn set_flags(&self, witness: &mut PartialWitness<F>, flags: &Flags) -> anyhow::Result<()> {
        witness.set_target(self.flags.transfer.target, flags.transfer)?;
        if self.class.is_wide() {
            witness.set_target(self.flags.withdraw.target, flags.withdraw)?;
            witness.set_target(self.flags.deposit.target, flags.deposit)?;
            witness.set_target(self.flags.rekey.target, flags.rekey)?;
            witness.set_target(self.flags.forced_exit.target, flags.forced_exit)?;
            witness.set_target(self.flags.opens.target, flags.opens)?;
        }
        Ok(())
    }
}

/// flag = 0 ⇒ value = 0
pub(super) fn zero_unless(builder: &mut Builder, flag: Target, value: Target) {
    let rest = builder.mul_sub(flag, value, value);
    builder.assert_zero(rest);
}

/// flag ≠ 0 ⇒ value = 0
pub(super) fn zero_if(builder: &mut Builder, flag: Target, value: Target) {
    let product = builder.mul(flag, value);
    builder.assert_zero(product);
}

/// 0000 if `flag`, else `digest`.
pub(super) fn zero_digest_if(builder: &mut Builder, flag: BoolTarget, digest: HashOutTarget) -> HashOutTarget {
    // digest − flag · digest
    let elements = digest.elements.map(|e| builder.arithmetic(F::NEG_ONE, F::ONE, flag.target, e, e));
    HashOutTarget { elements }
}

/// The upper part of a deposit's amount, 62 − 56 bits: value and value · 2^6 are both below 2^12.
fn check_upper(builder: &mut Builder, ranges: &mut RangeChecker, value: Target) {
    const UPPER_BITS: usize = BALANCE_BITS - TRANSFER_BITS;
    const _: () = assert!(2 * UPPER_BITS == SLOT_BITS, "the lanes that slots need serve here too");
    let shifted = builder.mul_const(F::from_canonical_u64(1 << UPPER_BITS), value);
    ranges.range_check(builder, value, SLOT_BITS);
    ranges.range_check(builder, shifted, SLOT_BITS);
}
