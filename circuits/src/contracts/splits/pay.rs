//! Pay: an amount into a split.
//!
//! Statement: there is a split of this asset; its total grows by the amount, and stays below 2^62; the signer pays it.
//!
//! | field | where |
//! | --- | --- |
//! | asset | bits of the head's asset |
//! | split | bits of the head's counterparty |
//! | amount | the head's amount |
//!
//! Three words, 21 bytes; nothing is only signed. Only the split's header is touched, so this is a form of its own: in
//! one with claims it would pay for two more accesses and a division, a quarter more rows.

use plonky2::iop::target::Target;

use super::split::{Split, SplitTarget};
use crate::account::Cell;
use crate::context::Context;
use crate::contract::{
    Call, CellSpec, CellUpdate, Effects, FieldSpec, Form, FormEnvironment, FormSpec, FormTargets, KindSpec, MoveTarget,
    Party, Place, Places, Refusal, Rule, SecondSigner, Width,
};

const ASSET: usize = 0;
const SPLIT: usize = 1;
const AMOUNT: usize = 2;

const NO_SPLIT: usize = 0;
const OTHER_ASSET: usize = 1;
const FULL: usize = 2;

/// The form of payments.
pub struct Pay;

static SPEC: FormSpec = FormSpec {
    name: "splits.pay",
    kinds: &[KindSpec { code: 33, name: "pay_split", about: "pay into a split", unused: &[] }],
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
            name: "amount",
            about: "how much is paid",
            width: Width::Amount,
            place: Place::Published { word: 2, shift: 0 },
        },
    ],
    cells: &[CellSpec { name: "split", may_be_absent: false }],
    users: &[],
    moves: &[Party::Signer],
    second: SecondSigner::None,
    rules: &[
        Rule { name: "no_split", broken: "there is no split at that account" },
        Rule { name: "asset", broken: "the split is of another asset" },
        Rule { name: "full", broken: "the split would have received 2^62 or more" },
    ],
};

impl Form for Pay {
    fn spec(&self) -> &'static FormSpec {
        &SPEC
    }

    fn places(&self, call: &Call) -> Places {
        Places {
            cells: vec![Some(call.account_at(SPLIT).header_key())],
            users: vec![],
            moves: vec![Some(call.asset_at(ASSET))],
        }
    }

    fn apply(&self, call: &Call, _: &Context, cells: &[Cell]) -> Result<Effects, Refusal> {
        let Some(split) = Split::from_cell(&cells[0]) else { return SPEC.refuse(NO_SPLIT) };
        if split.asset != call.asset_at(ASSET) {
            return SPEC.refuse(OTHER_ASSET);
        }
        let amount = call.amount_at(AMOUNT);
        let Some(total) = split.total.checked_add(amount) else { return SPEC.refuse(FULL) };
        Ok(Effects { cells: vec![Split { total, ..split }.to_cell()], gains: vec![-(amount.get() as i64)] })
    }

    fn constrain(&self, env: &mut FormEnvironment<'_>) -> FormTargets {
        let (values, active) = (env.values, env.active);
        let split = SplitTarget::from_cell(env, active, &env.cells[0]);
        env.assert_equal_if(active, split.asset, values[ASSET]);
        // total + amount does not wrap: they are below 2^62 and 2^56. That it stays below 2^62 is checked with the cell.
        let total = env.builder.add(split.total, values[AMOUNT]);
        let key = env.key(values[SPLIT], 0);
        let elements = SplitTarget { total, ..split }.to_cell(env);
        let no = env.builder._false();
        let paid: Target = env.builder.neg(values[AMOUNT]);
        FormTargets {
            cells: vec![CellUpdate { enabled: active, key, elements, deleted: no }],
            users: vec![],
            moves: vec![MoveTarget { enabled: active, asset: values[ASSET], gain: paid }],
            second: None,
        }
    }

    fn explain(&self, call: &Call) -> String {
        let (amount, asset, split) = (call.value(AMOUNT), call.value(ASSET), call.value(SPLIT));
        format!("account {} pays {amount} of asset {asset} into split {split}", call.account)
    }
}

#[cfg(test)]
mod tests;
