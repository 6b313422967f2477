//! Create: a new split.
//!
//! Statement: the account is a contract's to take, and nothing is there; the holders come first and each has a weight,
//! after them there is nobody; the weights come to 10 000; from now on the account is a split between them, with nothing
//! in it.
//!
//! | field | where |
//! | --- | --- |
//! | asset | bits of the head's asset |
//! | split | bits of the head's counterparty |
//! | holder i, of 0 to 15 | bits 0 to 23 of word 2 + i |
//! | weight i | bits 24 to 39 of word 2 + i |
//!
//! Eighteen words, 126 bytes; nothing is only signed. The second cell of holders is touched only if there are more than
//! eight.
//!
//! A holder who appears twice has two shares. One that is not a user yet can claim once it is.
//!
//! Not here: that the slots of claims are absent. They are where there is no header, as a split is never closed and
//! other contracts leave no slots behind without a header.

use plonky2::field::types::Field;
use plonky2::iop::target::{BoolTarget, Target};

use super::split::{share, share_target, slot_key, Split, SplitTarget, HOLDERS, HOLDERS_SLOT, WEIGHT_BITS, WHOLE_BPS};
use crate::account::{Cell, CELL_LEN};
use crate::amount::Quanta;
use crate::context::Context;
use crate::contract::{
    Call, CellSpec, CellUpdate, Effects, FieldSpec, Form, FormEnvironment, FormSpec, FormTargets, KindSpec, Place,
    Places, Refusal, Rule, SecondSigner, Width, FIRST_CONTRACT,
};
use crate::hash::F;

const ASSET: usize = 0;
const SPLIT: usize = 1;
/// The first holder; each is followed by its weight.
const FIRST_HOLDER: usize = 2;

const ACCOUNT: usize = 0;
const TAKEN: usize = 1;
const NO_WEIGHT: usize = 2;
const GAP: usize = 3;
const WEIGHTS: usize = 4;

/// The form of what makes splits.
pub struct CreateSplit;

const fn holder(index: usize, name: &'static str) -> FieldSpec {
    FieldSpec {
        name,
        about: "a holder's account; 0 where there is nobody",
        width: Width::Account,
        place: Place::Published { word: FIRST_HOLDER + index, shift: 0 },
    }
}

const fn weight(index: usize, name: &'static str) -> FieldSpec {
    FieldSpec {
        name,
        about: "the holder's weight, in 10 000th parts; 0 where there is nobody",
        width: Width::Bits(WEIGHT_BITS),
        place: Place::Published { word: FIRST_HOLDER + index, shift: 24 },
    }
}

static SPEC: FormSpec = FormSpec {
    name: "splits.create",
    kinds: &[KindSpec { code: 32, name: "create_split", about: "open a split between holders", unused: &[] }],
    fields: &[
        FieldSpec {
            name: "asset",
            about: "the asset that is shared out",
            width: Width::Asset,
            place: Place::Published { word: 0, shift: 32 },
        },
        FieldSpec {
            name: "split",
            about: "the new split's account, after 2^23",
            width: Width::Account,
            place: Place::Published { word: 1, shift: 24 },
        },
        holder(0, "holder_0"),
        weight(0, "weight_0_bps"),
        holder(1, "holder_1"),
        weight(1, "weight_1_bps"),
        holder(2, "holder_2"),
        weight(2, "weight_2_bps"),
        holder(3, "holder_3"),
        weight(3, "weight_3_bps"),
        holder(4, "holder_4"),
        weight(4, "weight_4_bps"),
        holder(5, "holder_5"),
        weight(5, "weight_5_bps"),
        holder(6, "holder_6"),
        weight(6, "weight_6_bps"),
        holder(7, "holder_7"),
        weight(7, "weight_7_bps"),
        holder(8, "holder_8"),
        weight(8, "weight_8_bps"),
        holder(9, "holder_9"),
        weight(9, "weight_9_bps"),
        holder(10, "holder_10"),
        weight(10, "weight_10_bps"),
        holder(11, "holder_11"),
        weight(11, "weight_11_bps"),
        holder(12, "holder_12"),
        weight(12, "weight_12_bps"),
        holder(13, "holder_13"),
        weight(13, "weight_13_bps"),
        holder(14, "holder_14"),
        weight(14, "weight_14_bps"),
        holder(15, "holder_15"),
        weight(15, "weight_15_bps"),
    ],
    cells: &[
        CellSpec { name: "split", may_be_absent: true },
        CellSpec { name: "holders 0 to 7", may_be_absent: true },
        CellSpec { name: "holders 8 to 15", may_be_absent: true },
    ],
    users: &[],
    moves: &[],
    second: SecondSigner::None,
    rules: &[
        Rule { name: "account", broken: "accounts of splits are after 2^23" },
        Rule { name: "taken", broken: "the account is taken" },
        Rule { name: "no_weight", broken: "a holder has no weight" },
        Rule { name: "gap", broken: "holders come one after another, from the first" },
        Rule { name: "weights", broken: "the weights do not come to 10 000" },
    ],
};

/// Position of a holder's value; the weight's is the next.
const fn holder_at(index: usize) -> usize {
    FIRST_HOLDER + 2 * index
}

fn weight_at(call: &Call, index: usize) -> u64 {
    call.value(holder_at(index) + 1)
}

/// A split between the call's holders.
fn created(call: &Call) -> Effects {
    let split = Split { asset: call.asset_at(ASSET), total: Quanta::ZERO };
    let holders = |first: usize| {
        Cell(std::array::from_fn(|i| share(call.account_at(holder_at(first + i)), weight_at(call, first + i))))
    };
    Effects { cells: vec![split.to_cell(), holders(0), holders(CELL_LEN)], gains: vec![] }
}

impl Form for CreateSplit {
    fn spec(&self) -> &'static FormSpec {
        &SPEC
    }

    fn places(&self, call: &Call) -> Places {
        let split = call.account_at(SPLIT);
        let more = weight_at(call, CELL_LEN) != 0;
        let second = more.then(|| slot_key(split, HOLDERS_SLOT, true));
        Places {
            cells: vec![Some(split.header_key()), Some(slot_key(split, HOLDERS_SLOT, false)), second],
            users: vec![],
            moves: vec![],
        }
    }

    fn apply(&self, call: &Call, _: &Context, cells: &[Cell]) -> Result<Effects, Refusal> {
        if call.value(SPLIT) < u64::from(FIRST_CONTRACT) {
            return SPEC.refuse(ACCOUNT);
        }
        if cells.iter().any(|cell| !cell.is_absent()) {
            return SPEC.refuse(TAKEN);
        }
        if (0..HOLDERS).any(|i| call.value(holder_at(i)) != 0 && weight_at(call, i) == 0) {
            return SPEC.refuse(NO_WEIGHT);
        }
        if (1..HOLDERS).any(|i| weight_at(call, i) != 0 && weight_at(call, i - 1) == 0) {
            return SPEC.refuse(GAP);
        }
        if (0..HOLDERS).map(|i| weight_at(call, i)).sum::<u64>() != WHOLE_BPS {
            return SPEC.refuse(WEIGHTS);
        }
        Ok(created(call))
    }

    fn constrain(&self, env: &mut FormEnvironment<'_>) -> FormTargets {
        let (values, active) = (env.values, env.active);
        let zero = env.builder.zero();
        env.assert_contract_account(active, values[SPLIT]);

        let holders: [Target; HOLDERS] = std::array::from_fn(|i| values[holder_at(i)]);
        let weights: [Target; HOLDERS] = std::array::from_fn(|i| values[holder_at(i) + 1]);
        // `is_equal` has both polarities.
        let used: [BoolTarget; HOLDERS] = std::array::from_fn(|i| {
            let unused = env.builder.is_equal(weights[i], zero);
            env.builder.not(unused)
        });
        for i in 0..HOLDERS {
            // used, or holder = 0
            let excess = env.builder.mul_sub(used[i].target, holders[i], holders[i]);
            env.builder.assert_zero(excess);
            if i > 0 {
                // used ⇒ the one before is
                let gap = env.builder.mul_sub(used[i].target, used[i - 1].target, used[i].target);
                env.builder.assert_zero(gap);
            }
        }
        // Sixteen numbers of 16 bits: the sum does not wrap, so none is above the whole.
        let sum = env.builder.add_many(weights);
        let whole = env.builder.mul_const(F::from_canonical_u64(WHOLE_BPS), active.target);
        env.builder.connect(sum, whole);

        // Of a call, the ninth weight says whether there is a second cell; of none, all weights are zero by their sum.
        let enabled = [active, active, used[CELL_LEN]];
        for (i, &enabled) in enabled.iter().enumerate() {
            // Absent is what the memory says: a cell that is not has a digest other than 0000.
            let one = env.builder.one();
            let absent = env.cells[i].absent.target;
            env.assert_equal_if(enabled, absent, one);
        }

        let header = SplitTarget { asset: values[ASSET], total: zero }.to_cell(env);
        let shares: [Target; HOLDERS] = std::array::from_fn(|i| share_target(env, holders[i], weights[i]));
        let (first, second) = shares.split_at(CELL_LEN);
        let elements = [header, first.try_into().expect("eight"), second.try_into().expect("eight")];
        let slots = [0, HOLDERS_SLOT, HOLDERS_SLOT + 1];
        let no = env.builder._false();
        let cells = (0..3).map(|i| {
            let key = env.key(values[SPLIT], slots[i].into());
            CellUpdate { enabled: enabled[i], key, elements: elements[i], deleted: no }
        });
        FormTargets { cells: cells.collect(), users: vec![], moves: vec![], second: None }
    }

    fn explain(&self, call: &Call) -> String {
        let holders = (0..HOLDERS).filter(|&i| weight_at(call, i) != 0).count();
        let (split, asset) = (call.value(SPLIT), call.value(ASSET));
        format!("account {} opens split {split} of asset {asset} between {holders} holders", call.account)
    }
}

#[cfg(test)]
mod tests;
