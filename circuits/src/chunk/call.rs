//! A slot for calls of one form: the circuit twin of [`crate::contract::execute_call`].
//!
//! Statement: there is no call, or one of the form's kinds that applies to the memory now; its account signed its words,
//! nonce and domain, and the second signer signed what is due; its record is absorbed and evaluated; its fee is counted.
//!
//! ```text
//!   kinds, values ─┬─ words ── message ── signature ── key hash = the header's
//!                  ├─ the form's circuit ─▶ new cells, users, gains of balances
//!                  │        ▲ the contract's cells, as the memory has them
//!                  └─ record: blocks ─▶ daCommit; words ─▶ evaluation of the L2 stream
//! ```
//!
//! | checked here | where |
//! | --- | --- |
//! | at most one kind | flags are boolean and so is their sum |
//! | each value has its field's width, digests are canonical, what a kind does not use is zero | ranges, products |
//! | account and users are open, and users' | their old digests are those of headers of kind 1 |
//! | the nonce is the next one | the message is over the header's own nonce |
//! | fee in its only spelling, zero without a call | [`FeeTarget`], a product |
//! | every balance stays in [0, 2^62) | range of every new balance |
//! | an absent cell is zero, and has digest 0000 | products |
//! | no cell is touched twice | all accesses are at the same `now`, and a read must be of the past |
//! | the second signature, where due | key hash = the header's, or the contract's |
//!
//! Checked by the form: everything else that [`super::super::contract::Form::apply`] refuses, and that its cells are in
//! accounts of the contract. In a slot without a call nothing is accessed, counted or published.

use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use super::account::{HeaderTarget, SlotBalanceTarget};
use super::record::KeyWordsTarget;
use super::slot::{zero_digest_if, zero_if, zero_unless, SlotEnvironment};
use super::trace::CallTrace;
use crate::account::{ACCOUNT_BITS, CELL_LEN, SLOT_BITS};
use crate::amount::circuit::FeeTarget;
use crate::amount::BALANCE_BITS;
use crate::contract::{
    CellTarget, FormEnvironment, FormId, FormTargets, MoveTarget, Party, Place, SecondSigner, SecondTarget, UserTarget,
    Width,
};
use crate::hash::circuit::{hash_cell, hash_node, Builder};
use crate::hash::F;
use crate::signature::circuit::{key_hash, verify_signature, SignatureTarget};
use crate::transaction::HEAD_WORDS;

/// The targets of one slot for calls that the prover sets.
#[derive(Debug)]
pub struct CallSlotTarget {
    kinds: Vec<BoolTarget>,
    account: Target,
    values: Vec<Target>,
    fee: FeeTarget,
    signer: HeaderTarget,
    signer_time: Target,
    cells: Vec<CellTarget>,
    may_be_absent: Vec<bool>,
    cell_times: Vec<Target>,
    users: Vec<(HeaderTarget, Target)>,
    slots: Vec<(SlotBalanceTarget, Target)>,
    signature: SignatureTarget,
    second: Option<SignatureTarget>,
}

impl CallSlotTarget {
    /// Adds a slot for calls of `form`.
    pub fn new(env: &mut SlotEnvironment<'_>, form: FormId) -> Self {
        let spec = form.spec();
        let builder = &mut *env.builder;
        let kinds: Vec<BoolTarget> = spec.kinds.iter().map(|_| builder.add_virtual_bool_target_safe()).collect();
        let active = match kinds[..] {
            [only] => only,
            _ => {
                let sum = builder.add_many(kinds.iter().map(|kind| kind.target));
                let active = BoolTarget::new_unsafe(sum); // asserted
                builder.assert_bool(active);
                active
            }
        };

        // What the call says.
        let account = builder.add_virtual_target();
        env.ranges.range_check(builder, account, ACCOUNT_BITS);
        let values = new_values(env, form);
        let builder = &mut *env.builder;
        for (kind, flag) in spec.kinds.iter().zip(&kinds) {
            for unused in spec.unused_values(kind) {
                zero_if(builder, flag.target, values[unused]);
            }
        }
        let fee = FeeTarget::new(builder, env.ranges);
        zero_unless(builder, active.target, fee.quanta);
        let (published, only_signed) = words(builder, form, &kinds, account, fee.encoded, &values);

        // The account, and the cells of the contract as they are found.
        let signer = HeaderTarget::new(builder);
        let cells: Vec<CellTarget> = spec.cells.iter().map(|cell| new_cell(builder, cell.may_be_absent)).collect();
        let message = message(builder, env.domain, &published, &only_signed, signer.nonce);

        let targets = form.form().constrain(&mut FormEnvironment {
            builder,
            ranges: env.ranges,
            kinds: &kinds,
            active,
            account,
            nonce: signer.nonce,
            values: &values,
            cells: &cells,
            batch_number: env.batch_number,
            timestamp_s: env.timestamp_s,
            domain: env.domain,
        });
        assert_eq!(targets.cells.len(), spec.cells.len(), "{}: cells", spec.name);
        assert_eq!(targets.users.len(), spec.users.len(), "{}: users", spec.name);
        assert_eq!(targets.moves.len(), spec.moves.len(), "{}: moves", spec.name);

        let cell_times = access_cells(env, &cells, &targets);
        let balances = Balances::new(env, spec.moves, &targets.users, &targets.moves);
        let slots = balances.access_slots(env, account, &targets.users);

        // The account's header.
        let builder = &mut *env.builder;
        let gained = balances.gas_of(builder, Party::Signer);
        let gained = builder.sub(gained, fee.quanta);
        let signer_time = access_header(env, active, account, &signer, gained, active.target);
        let users: Vec<(HeaderTarget, Target)> = targets
            .users
            .iter()
            .enumerate()
            .map(|(index, user)| {
                let header = HeaderTarget::new(env.builder);
                let gained = balances.gas_of(env.builder, Party::User(index));
                let zero = env.builder.zero();
                (header, access_header(env, user.enabled, user.account, &header, gained, zero))
            })
            .collect();

        // Signatures.
        let builder = &mut *env.builder;
        let own = SecondTarget { due: active, message, key_hash: HashOutTarget { elements: signer.key_hash } };
        let signature = signed(builder, &own);
        let second = match spec.second {
            SecondSigner::None => None,
            SecondSigner::User(user) => {
                let key_hash = HashOutTarget { elements: users[user].0.key_hash };
                Some(SecondTarget { due: targets.users[user].enabled, message, key_hash })
            }
            SecondSigner::Contract => {
                let second = targets.second.expect("a form whose contract says what is signed");
                // Where nothing is due, any signature of the call's own message will do.
                let elements = std::array::from_fn(|i| {
                    builder.select(second.due, second.message.elements[i], message.elements[i])
                });
                Some(SecondTarget { message: HashOutTarget { elements }, ..second })
            }
        };
        let second = second.map(|second| signed(builder, &second));

        env.streams.publish_call(builder, &published, active);
        *env.fees = builder.add(*env.fees, fee.quanta);
        Self {
            kinds,
            account,
            values,
            fee,
            signer,
            signer_time,
            cells,
            may_be_absent: spec.cells.iter().map(|cell| cell.may_be_absent).collect(),
            cell_times,
            users,
            slots,
            signature,
            second,
        }
    }

    /// Sets what the prover picks.
    pub fn set(&self, witness: &mut PartialWitness<F>, slot: &CallTrace) -> anyhow::Result<()> {
        for (target, &flag) in self.kinds.iter().zip(&slot.kinds) {
            witness.set_target(target.target, flag)?;
        }
        witness.set_target(self.account, slot.account)?;
        witness.set_target_arr(&self.values, &slot.values)?;
        self.fee.set_parts(witness, slot.fee_mantissa, slot.fee_exponent)?;
        self.signer.set(witness, &slot.signer.cell)?;
        witness.set_target(self.signer_time, slot.signer.time)?;
        for (i, (target, access)) in self.cells.iter().zip(&slot.cells).enumerate() {
            witness.set_target_arr(&target.elements, &access.cell.0)?;
            if self.may_be_absent[i] {
                witness.set_bool_target(target.absent, access.cell.is_absent())?;
            }
            witness.set_target(self.cell_times[i], access.time)?;
        }
        for ((header, time), access) in self.users.iter().zip(&slot.users) {
            header.set(witness, &access.cell)?;
            witness.set_target(*time, access.time)?;
        }
        for ((balance, time), access) in self.slots.iter().zip(&slot.slots) {
            balance.set(witness, access.cell.0[0])?;
            witness.set_target(*time, access.time)?;
        }
        self.signature.set(witness, &slot.authorization.public_key, &slot.authorization.signature)?;
        match (&self.second, &slot.second) {
            (Some(target), Some(second)) => target.set(witness, &second.public_key, &second.signature),
            _ => Ok(()),
        }
    }
}

/// The values of the form's fields: each of its width, digests canonical.
fn new_values(env: &mut SlotEnvironment<'_>, form: FormId) -> Vec<Target> {
    let mut values = Vec::new();
    for field in form.spec().fields {
        if field.width == Width::Digest {
            values.extend(KeyWordsTarget::new(env.builder, env.ranges).words);
        } else {
            let value = env.builder.add_virtual_target();
            env.ranges.range_check(env.builder, value, field.width.bits());
            values.push(value);
        }
    }
    values
}

/// What is published, and what is only signed: sums of fields at different bits, none of which reaches the next.
fn words(
    builder: &mut Builder,
    form: FormId,
    kinds: &[BoolTarget],
    account: Target,
    fee: Target,
    values: &[Target],
) -> (Vec<Target>, Vec<Target>) {
    let spec = form.spec();
    let zero = builder.zero();
    let two_to = |bits: u32| F::from_canonical_u64(1 << bits);
    let mut published = vec![zero; HEAD_WORDS + spec.extra_words()];
    published[0] = spec.kinds.iter().zip(kinds).fold(account, |sum, (kind, flag)| {
        let code = F::from_canonical_u64(u64::from(kind.code) << 48);
        builder.mul_const_add(code, flag.target, sum)
    });
    published[1] = fee;
    let mut only_signed = vec![zero; spec.signed_words()];
    for (first, field) in spec.fields() {
        let (words, word, shift) = match field.place {
            Place::Published { word, shift } => (&mut published, word, shift),
            Place::Signed { word, shift, .. } => (&mut only_signed, word, shift),
        };
        for i in 0..field.width.count() {
            let sum = &mut words[word + i];
            *sum = if *sum == zero && shift == 0 {
                values[first + i]
            } else {
                builder.mul_const_add(two_to(shift), values[first + i], *sum)
            };
        }
    }
    (published, only_signed)
}

/// As [`crate::contract::Call::message_under`].
fn message(
    builder: &mut Builder,
    domain: HashOutTarget,
    published: &[Target],
    only_signed: &[Target],
    nonce: Target,
) -> HashOutTarget {
    let (zero, left) = (builder.zero(), builder._false());
    let (head, extra) = published.split_at(HEAD_WORDS);
    let mut first = domain.elements.to_vec();
    first.extend(head);
    first.push(nonce);
    let first = hash_cell(builder, first.try_into().expect("eight elements"));
    [extra, only_signed].concat().chunks(4).fold(first, |message, words| {
        let mut elements = [zero; 4];
        elements[..words.len()].copy_from_slice(words);
        hash_node(builder, message, HashOutTarget { elements }, left)
    })
}

fn new_cell(builder: &mut Builder, may_be_absent: bool) -> CellTarget {
    let elements: [Target; CELL_LEN] = builder.add_virtual_target_arr();
    if !may_be_absent {
        return CellTarget { elements, absent: builder._false() };
    }
    let absent = builder.add_virtual_bool_target_safe();
    for element in elements {
        zero_if(builder, absent.target, element);
    }
    CellTarget { elements, absent }
}

/// Opens the contract's cells and makes the new ones.
fn access_cells(env: &mut SlotEnvironment<'_>, cells: &[CellTarget], targets: &FormTargets) -> Vec<Target> {
    let mut times = Vec::with_capacity(cells.len());
    for (cell, update) in cells.iter().zip(&targets.cells) {
        let builder = &mut *env.builder;
        let old = hash_cell(builder, cell.elements);
        let old = zero_digest_if(builder, cell.absent, old);
        let new = hash_cell(builder, update.elements);
        let new = zero_digest_if(builder, update.deleted, new);
        times.push(env.memory.access(builder, env.ranges, update.enabled, update.key, old, new, env.clock));
    }
    times
}

/// Opens a user's header, pays it `gained` and adds `signed` to its nonce.
fn access_header(
    env: &mut SlotEnvironment<'_>,
    enabled: BoolTarget,
    account: Target,
    header: &HeaderTarget,
    gained: Target,
    signed: Target,
) -> Target {
    let builder = &mut *env.builder;
    let old = header.digest(builder);
    let mut after = *header;
    after.nonce = builder.add(header.nonce, signed);
    after.balance = builder.add(header.balance, gained);
    env.ranges.range_check(builder, after.balance, BALANCE_BITS);
    let new = after.digest(builder);
    let key = builder.mul_const(F::from_canonical_u64(1 << SLOT_BITS), account);
    env.memory.access(builder, env.ranges, enabled, key, old, new, env.clock)
}

/// The moves of balances: in a header for asset 0, else in a slot.
struct Balances {
    moves: Vec<Balance>,
}

struct Balance {
    party: Party,
    asset: Target,
    /// Whether a slot is accessed.
    in_slot: BoolTarget,
    gained_gas: Target,
    gained_other: Target,
}

impl Balances {
    fn new(env: &mut SlotEnvironment<'_>, parties: &[Party], users: &[UserTarget], moves: &[MoveTarget]) -> Self {
        let builder = &mut *env.builder;
        let zero = builder.zero();
        let balance = |(&party, one): (&Party, &MoveTarget)| {
            if let Party::User(user) = party {
                // Who is paid is looked at: a balance moves only with its user.
                zero_unless(builder, users[user].enabled.target, one.enabled.target);
            }
            let is_gas = builder.is_equal(one.asset, zero);
            let is_other = builder.not(is_gas);
            let in_slot = builder.and(one.enabled, is_other);
            let gained = builder.mul(one.enabled.target, one.gain);
            let gained_other = builder.mul(is_other.target, gained);
            let gained_gas = builder.sub(gained, gained_other);
            Balance { party, asset: one.asset, in_slot, gained_gas, gained_other }
        };
        Self { moves: parties.iter().zip(moves).map(balance).collect() }
    }

    /// What a party gains of asset 0.
    fn gas_of(&self, builder: &mut Builder, party: Party) -> Target {
        let gains: Vec<Target> =
            self.moves.iter().filter(|balance| balance.party == party).map(|balance| balance.gained_gas).collect();
        builder.add_many(gains)
    }

    /// Opens the slots, and pays them.
    fn access_slots(
        &self,
        env: &mut SlotEnvironment<'_>,
        signer: Target,
        users: &[UserTarget],
    ) -> Vec<(SlotBalanceTarget, Target)> {
        let access = |balance: &Balance| {
            let account = match balance.party {
                Party::Signer => signer,
                Party::User(user) => users[user].account,
            };
            let builder = &mut *env.builder;
            let key = builder.mul_const_add(F::from_canonical_u64(1 << SLOT_BITS), account, balance.asset);
            let old = SlotBalanceTarget::new(builder);
            let new = old.add(builder, balance.gained_other);
            env.ranges.range_check(builder, new.balance, BALANCE_BITS);
            let (old_digest, new_digest) = (old.digest(builder), new.digest(builder));
            (old, env.memory.access(builder, env.ranges, balance.in_slot, key, old_digest, new_digest, env.clock))
        };
        self.moves.iter().map(access).collect()
    }
}

/// A signature of the message, by the key with this hash if one is due.
fn signed(builder: &mut Builder, what: &SecondTarget) -> SignatureTarget {
    let public_key = builder.add_virtual_target_arr();
    let signature = verify_signature(builder, public_key, what.message.elements);
    let signer = key_hash(builder, public_key);
    for (got, expected) in signer.elements.into_iter().zip(what.key_hash.elements) {
        let difference = builder.sub(got, expected);
        zero_if(builder, what.due.target, difference);
    }
    signature
}
