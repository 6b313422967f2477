//! Claim: what a holder has not claimed yet of their share.
//!
//! Statement: there is a split of this asset; the signer is its holder number `index`, of some weight; with the total T,
//!
//! ```text
//!   due = ⌊T · weight / 10 000⌋ − claimed,   at least 1,        paid = min(due, 2^56 − 1)
//! ```
//!
//! the signer gets what is paid, and it counts as claimed. One transaction moves less than 2^56, so a larger share takes
//! more claims.
//!
//! | field | where |
//! | --- | --- |
//! | asset | bits of the head's asset |
//! | split | bits of the head's counterparty |
//! | index | bits 0 to 11 of the head's amount |
//!
//! Three words, 21 bytes; nothing is only signed. What is paid is not published: it follows from the cells.
//!
//! ```text
//!   index = b₀ + 2·b₁ + 4·b₂ + 8·b₃      b₃: which cell of holders, and of claims      b₀ b₁ b₂: which of its elements
//! ```

use plonky2::field::types::{Field, PrimeField64};
use plonky2::iop::target::{BoolTarget, Target};

use super::split::{
    slot_key, weight_of, weight_target, Split, SplitTarget, CLAIMS_SLOT, HOLDERS, HOLDERS_SLOT, WEIGHT_BITS, WHOLE_BPS,
};
use crate::account::{Cell, CELL_LEN};
use crate::amount::{BALANCE_BITS, TRANSFER_BITS, WORD_MASK};
use crate::context::Context;
use crate::contract::wide::{divide, Wide};
use crate::contract::{
    Call, CellSpec, CellUpdate, Effects, FieldSpec, Form, FormEnvironment, FormSpec, FormTargets, KindSpec, MoveTarget,
    Party, Place, Places, Refusal, Rule, SecondSigner, Width,
};
use crate::hash::F;

const ASSET: usize = 0;
const SPLIT: usize = 1;
const INDEX: usize = 2;

/// Bits of an index.
const INDEX_BITS: usize = 4;
const _: () = assert!(HOLDERS == 1 << INDEX_BITS);
/// Bits of the field for it: the narrowest that there is.
const INDEX_FIELD_BITS: usize = 12;

const INDEX_RANGE: usize = 0;
const NO_SPLIT: usize = 1;
const OTHER_ASSET: usize = 2;
const HOLDER: usize = 3;
const NOTHING: usize = 4;

/// The form of claims.
pub struct Claim;

static SPEC: FormSpec = FormSpec {
    name: "splits.claim",
    kinds: &[KindSpec { code: 34, name: "claim_share", about: "get what a share of a split has accrued", unused: &[] }],
    fields: &[
        FieldSpec {
            name: "asset",
            about: "the split's asset",
            width: Width::Asset,
            place: Place::Published { word: 0, shift: 32 },
        },
        FieldSpec {
            name: "split",
            about: "the split's account",
            width: Width::Account,
            place: Place::Published { word: 1, shift: 24 },
        },
        FieldSpec {
            name: "index",
            about: "which holder the signer is, from 0",
            width: Width::Bits(INDEX_FIELD_BITS),
            place: Place::Published { word: 2, shift: 0 },
        },
    ],
    cells: &[
        CellSpec { name: "split", may_be_absent: false },
        CellSpec { name: "holders", may_be_absent: false },
        CellSpec { name: "claims", may_be_absent: true },
    ],
    users: &[],
    moves: &[Party::Signer],
    second: SecondSigner::None,
    rules: &[
        Rule { name: "index", broken: "a split has at most 16 holders" },
        Rule { name: "no_split", broken: "there is no split at that account" },
        Rule { name: "asset", broken: "the split is of another asset" },
        Rule { name: "holder", broken: "the signer is not that holder" },
        Rule { name: "nothing", broken: "nothing is due" },
    ],
};

/// Which of two cells, and which of its elements. An index out of range, which is refused, counts as its lowest bits.
fn position(call: &Call) -> (bool, usize) {
    let index = call.value(INDEX) as usize % HOLDERS;
    (index >= CELL_LEN, index % CELL_LEN)
}

/// What a claim of `paid` does.
fn claimed(call: &Call, cells: &[Cell], paid: u64) -> Effects {
    let mut claims = cells[2];
    claims.0[position(call).1] += F::from_canonical_u64(paid);
    Effects { cells: vec![cells[0], cells[1], claims], gains: vec![paid as i64] }
}

impl Form for Claim {
    fn spec(&self) -> &'static FormSpec {
        &SPEC
    }

    fn places(&self, call: &Call) -> Places {
        let split = call.account_at(SPLIT);
        let (second, _) = position(call);
        Places {
            cells: vec![
                Some(split.header_key()),
                Some(slot_key(split, HOLDERS_SLOT, second)),
                Some(slot_key(split, CLAIMS_SLOT, second)),
            ],
            users: vec![],
            moves: vec![Some(call.asset_at(ASSET))],
        }
    }

    fn apply(&self, call: &Call, _: &Context, cells: &[Cell]) -> Result<Effects, Refusal> {
        if call.value(INDEX) >= HOLDERS as u64 {
            return SPEC.refuse(INDEX_RANGE);
        }
        let Some(split) = Split::from_cell(&cells[0]) else { return SPEC.refuse(NO_SPLIT) };
        if split.asset != call.asset_at(ASSET) {
            return SPEC.refuse(OTHER_ASSET);
        }
        let (_, element) = position(call);
        let weight_bps = weight_of(cells[1].0[element], call.account).unwrap_or(0);
        if weight_bps == 0 {
            return SPEC.refuse(HOLDER);
        }
        let before = cells[2].0[element].to_canonical_u64();
        match split.entitlement(weight_bps).checked_sub(before) {
            None | Some(0) => SPEC.refuse(NOTHING),
            Some(due) => Ok(claimed(call, cells, due.min(WORD_MASK))),
        }
    }

    fn constrain(&self, env: &mut FormEnvironment<'_>) -> FormTargets {
        let (values, active) = (env.values, env.active);
        let split = SplitTarget::from_cell(env, active, &env.cells[0]);
        env.assert_equal_if(active, split.asset, values[ASSET]);

        let bits = env.builder.split_le(values[INDEX], INDEX_BITS);
        let second = bits[INDEX_BITS - 1].target;
        let is_element = one_hot(env, &bits[..INDEX_BITS - 1]);
        let [share, before] = [1, 2].map(|cell| {
            let elements = env.cells[cell].elements;
            let terms = is_element.iter().zip(elements);
            let zero = env.builder.zero();
            terms.fold(zero, |sum, (&is, element)| env.builder.mul_add(is, element, sum))
        });

        // The signer holds the share. A weight of zero is refused with what is due.
        let weight_bps = weight_target(env, share, env.account);
        let entitlement = entitlement_target(env, split.total, weight_bps);
        let paid = paid_target(env, entitlement, before);

        let claims: [Target; CELL_LEN] =
            std::array::from_fn(|i| env.builder.mul_add(is_element[i], paid, env.cells[2].elements[i]));
        let key = env.key(values[SPLIT], 0);
        let mut slot_key = |first: u16| {
            let key = env.builder.add(key, second);
            env.builder.add_const(key, F::from_canonical_u16(first))
        };
        let keys = [key, slot_key(HOLDERS_SLOT), slot_key(CLAIMS_SLOT)];
        let elements = [env.cells[0].elements, env.cells[1].elements, claims];
        let no = env.builder._false();
        let update = |i: usize| CellUpdate { enabled: active, key: keys[i], elements: elements[i], deleted: no };
        FormTargets {
            cells: (0..3).map(update).collect(),
            users: vec![],
            moves: vec![MoveTarget { enabled: active, asset: values[ASSET], gain: paid }],
            second: None,
        }
    }

    fn explain(&self, call: &Call) -> String {
        let (index, split) = (call.value(INDEX), call.value(SPLIT));
        format!("account {} claims share {index} of split {split}", call.account)
    }
}

/// For each number of as many bits, whether it is theirs.
fn one_hot(env: &mut FormEnvironment<'_>, bits: &[BoolTarget]) -> Vec<Target> {
    bits.iter().fold(vec![env.builder.one()], |lower, bit| {
        let set: Vec<Target> = lower.iter().map(|&is| env.builder.mul(is, bit.target)).collect();
        let clear = lower.iter().zip(&set).map(|(&is, &set)| env.builder.sub(is, set)).collect::<Vec<_>>();
        [clear, set].concat()
    })
}

/// ⌊total · weight / 10 000⌋: at most the total, as a weight that was written is at most 10 000. It is below 2^16 by
/// [`weight_target`].
fn entitlement_target(env: &mut FormEnvironment<'_>, total: Target, weight_bps: Target) -> Target {
    let total = Wide::new(env.builder, env.ranges, total);
    let weight_bps = Wide::limb(weight_bps, (1 << WEIGHT_BITS) - 1);
    let numerator = total.mul(env.builder, &weight_bps);
    let denominator = Wide::constant(env.builder, WHOLE_BPS);
    divide(env.builder, env.ranges, &numerator, &denominator, env.active).quotient
}

/// min(entitlement − claimed, 2^56 − 1); if active, it is at least 1. So what is claimed then is at most the entitlement,
/// and below 2^62.
fn paid_target(env: &mut FormEnvironment<'_>, entitlement: Target, before: Target) -> Target {
    // due in [0, 2^62), by its bits: whether one of the upper six is set says which is the smaller one, in both polarities
    let due = env.builder.sub(entitlement, before);
    let bits = env.builder.split_le(due, BALANCE_BITS);
    let upper = env.builder.add_many(bits[TRANSFER_BITS..].iter().map(|bit| bit.target));
    let zero = env.builder.zero();
    let fits = env.builder.is_equal(upper, zero);
    let most = env.builder.constant(F::from_canonical_u64(WORD_MASK));
    let paid = env.select(fits, due, most);
    // paid ≥ 1
    let above = env.builder.sub(paid, env.active.target);
    env.ranges.range_check(env.builder, above, TRANSFER_BITS);
    paid
}

#[cfg(test)]
mod tests;
