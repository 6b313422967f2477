//! Locks: an amount that its owner cannot touch before a time. The contract that `docs/write-a-contract.md` explains.
//!
//! Statement of `lock`: nothing is at the lock's account, which is one of contracts; the signer pays the amount; the
//! lock's cell says whose it is, of what, how much, and until when. Of `unlock`: the cell says exactly what the call
//! says, its owner signs, the batch is not before the time; the signer gets the amount back and the cell is deleted.
//!
//! ```text
//!   lock = a header of kind 6      (owner, asset, amount, until, 0, 0, 6, 0)
//! ```
//!
//! | field | where | in `unlock` |
//! | --- | --- | --- |
//! | asset | bits of the head's asset | must be the lock's |
//! | lock | bits of the head's counterparty | |
//! | amount | the head's amount | must be the lock's |
//! | until | word 3 | not used |
//!
//! Not checked here: the signer's key, nonce, fee and balance (the slot for calls), and that no other contract writes
//! the cell (each writes only cells of its own kind, or where nothing is).

use plonky2::field::types::{Field, PrimeField64};

use crate::account::{AccountIndex, Cell};
use crate::context::{Context, CONTEXT_FIELD_BITS};
use crate::contract::{
    Call, CellSpec, CellUpdate, Contract, Effects, FieldSpec, Form, FormEnvironment, FormSpec, FormTargets, KindSpec,
    MoveTarget, Party, Place, Places, Refusal, Rule, SecondSigner, Width, FIRST_CONTRACT,
};
use crate::hash::F;

/// The contract.
pub static CONTRACT: Contract =
    Contract { name: "locks", about: "amounts that cannot be touched before a time", forms: &[&Locks] };

/// The kind of a lock's account.
pub const LOCK_KIND: u32 = 6;

/// The form of both kinds.
pub struct Locks;

// Positions of the fields among a call's values.
const ASSET: usize = 0;
const LOCK: usize = 1;
const AMOUNT: usize = 2;
const UNTIL: usize = 3;

// Numbers of the rules.
const TAKEN: usize = 0;
const NOT_A_CONTRACT: usize = 1;
const OTHER_LOCK: usize = 2;
const EARLY: usize = 3;

static SPEC: FormSpec = FormSpec {
    name: "locks",
    kinds: &[
        KindSpec { code: 48, name: "lock", about: "lock an amount until a time", unused: &[] },
        KindSpec { code: 49, name: "unlock", about: "take a locked amount back", unused: &["until_s"] },
    ],
    fields: &[
        FieldSpec {
            name: "asset",
            about: "what is locked",
            width: Width::Asset,
            place: Place::Published { word: 0, shift: 32 },
        },
        FieldSpec {
            name: "lock",
            about: "the lock's account",
            width: Width::Account,
            place: Place::Published { word: 1, shift: 24 },
        },
        FieldSpec {
            name: "amount",
            about: "how much is locked",
            width: Width::Amount,
            place: Place::Published { word: 2, shift: 0 },
        },
        FieldSpec {
            name: "until_s",
            about: "the first timestamp of a batch that can unlock it",
            width: Width::Bits(CONTEXT_FIELD_BITS),
            place: Place::Published { word: 3, shift: 0 },
        },
    ],
    cells: &[CellSpec { name: "lock", may_be_absent: true }],
    users: &[],
    moves: &[Party::Signer],
    second: SecondSigner::None,
    rules: &[
        Rule { name: "taken", broken: "there is something at that account" },
        Rule { name: "not_a_contract", broken: "the account is not among those of contracts, which begin after 2^23" },
        Rule { name: "other_lock", broken: "there is no lock of this account, asset and amount" },
        Rule { name: "early", broken: "the batch is before the time that was agreed" },
    ],
};

/// The cell of a lock.
fn cell(owner: AccountIndex, call: &Call, until: u64) -> Cell {
    let values = [owner.get().into(), call.value(ASSET), call.value(AMOUNT), until, 0, 0, LOCK_KIND.into(), 0];
    Cell(values.map(F::from_canonical_u64))
}

impl Form for Locks {
    fn spec(&self) -> &'static FormSpec {
        &SPEC
    }

    fn places(&self, call: &Call) -> Places {
        Places {
            cells: vec![Some(call.account_at(LOCK).header_key())],
            users: vec![],
            moves: vec![Some(call.asset_at(ASSET))],
        }
    }

    fn apply(&self, call: &Call, context: &Context, cells: &[Cell]) -> Result<Effects, Refusal> {
        let amount = call.value(AMOUNT) as i64; // below 2^56
        if call.kind.index() == 0 {
            if !cells[0].is_absent() {
                return SPEC.refuse(TAKEN);
            }
            if call.account_at(LOCK).get() < FIRST_CONTRACT {
                return SPEC.refuse(NOT_A_CONTRACT);
            }
            return Ok(Effects { cells: vec![cell(call.account, call, call.value(UNTIL))], gains: vec![-amount] });
        }
        let until = cells[0].0[3].to_canonical_u64();
        if cells[0] != cell(call.account, call, until) {
            return SPEC.refuse(OTHER_LOCK);
        }
        if context.timestamp_s < until {
            return SPEC.refuse(EARLY);
        }
        Ok(Effects { cells: vec![Cell::ABSENT], gains: vec![amount] })
    }

    fn constrain(&self, env: &mut FormEnvironment<'_>) -> FormTargets {
        let (lock, unlock, active) = (env.kinds[0], env.kinds[1], env.active);
        let (asset, account, amount) = (env.values[ASSET], env.values[LOCK], env.values[AMOUNT]);
        let found = env.cells[0];

        // A lock begins where nothing is, among the accounts of contracts.
        env.assert_equal_if(active, found.absent.target, lock.target);
        env.assert_contract_account(lock, account);

        // The time is the call's, or the one that was locked. The other elements are the call's, now and then.
        let until = env.select(unlock, found.elements[3], env.values[UNTIL]);
        let zero = env.builder.zero();
        let kind = env.builder.constant(F::from_canonical_u32(LOCK_KIND));
        let elements = [env.account, asset, amount, until, zero, zero, kind, zero];
        for (found, expected) in found.elements.into_iter().zip(elements) {
            env.assert_equal_if(unlock, found, expected);
        }

        // timestamp ≥ until: both are below 2^56, the time because the call that made the lock said so.
        let passed = env.builder.sub(env.timestamp_s, until);
        let passed = env.builder.mul(unlock.target, passed);
        env.ranges.range_check(env.builder, passed, CONTEXT_FIELD_BITS);

        // −amount for a lock, amount for an unlock.
        let sign = env.builder.sub(unlock.target, lock.target);
        let gain = env.builder.mul(sign, amount);
        let key = env.key(account, 0);
        FormTargets {
            cells: vec![CellUpdate { enabled: active, key, elements, deleted: unlock }],
            moves: vec![MoveTarget { enabled: active, asset, gain }],
            ..FormTargets::default()
        }
    }

    fn explain(&self, call: &Call) -> String {
        let (what, of) = match call.kind.index() {
            0 => ("locks", format!(" until {}", call.value(UNTIL))),
            _ => ("unlocks", String::new()),
        };
        let (amount, asset, lock) = (call.value(AMOUNT), call.value(ASSET), call.value(LOCK));
        format!("account {} {what} {amount} of asset {asset} at {lock}{of}", call.account)
    }
}

#[cfg(test)]
mod tests;
