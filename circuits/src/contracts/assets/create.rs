//! Create: a new asset, or a new token.
//!
//! Statement of `create_asset`: the number is one that L2 gives out, and nothing has it; from now on the registry says
//! that the signer created so much of it; the signer has all of it, at least 1.
//!
//! Statement of `mint_token`: the account is a contract's to take, and nothing is there; the royalty is at most
//! [`MAX_ROYALTY_BPS`]; from now on a token is there that the signer made and owns.
//!
//! Both write one cell that was absent, so they share a place. What there is of an asset never changes: nothing writes
//! the registry's cell again, and no other call adds to balances of it.
//!
//! | field | where | `create_asset` | `mint_token` |
//! | --- | --- | --- | --- |
//! | asset | bits of the head's asset | its number, from 2048 on | |
//! | token | bits of the head's counterparty | | its account, after 2^23 |
//! | supply | the head's amount | all there ever is | |
//! | name hash | bits 0 to 31 of words 3 to 10 | of the asset | of the token |
//! | royalty | bits 32 to 47 of word 3 | | of each sale |
//!
//! Eleven words, 77 bytes; nothing is only signed.
//!
//! Not here: that nobody holds an asset before it is created. The L1 contract gives out no number from 2048 on.

use plonky2::field::types::Field;
use plonky2::iop::target::Target;

use super::token::{Token, TokenTarget, MAX_ROYALTY_BPS, ROYALTY_BITS};
use crate::account::{Cell, CELL_LEN};
use crate::amount::{Quanta, TRANSFER_BITS};
use crate::context::Context;
use crate::contract::{
    Call, CellSpec, CellUpdate, Effects, FieldSpec, Form, FormEnvironment, FormSpec, FormTargets, KindSpec, MoveTarget,
    Party, Place, Places, Refusal, Rule, SecondSigner, Width, FIRST_CONTRACT,
};
use crate::contracts::registry::{
    registered, registered_target, registry_key, registry_key_target, Origin, FIRST_CREATED_ASSET,
};
use crate::hash::F;

/// Place of `create_asset` among the kinds.
const CREATE_ASSET: usize = 0;
/// Place of `mint_token` among the kinds.
const MINT_TOKEN: usize = 1;

const ASSET: usize = 0;
const TOKEN: usize = 1;
const SUPPLY: usize = 2;
const ROYALTY: usize = 3;
const NAME_HASH: usize = 4;

const NUMBER: usize = 0;
const ACCOUNT: usize = 1;
const TAKEN: usize = 2;
const NO_SUPPLY: usize = 3;
const HIGH_ROYALTY: usize = 4;

/// The form of what makes assets and tokens.
pub struct Create;

static SPEC: FormSpec = FormSpec {
    name: "assets.create",
    kinds: &[
        KindSpec {
            code: 24,
            name: "create_asset",
            about: "create an asset of a fixed supply",
            unused: &["token", "royalty_bps"],
        },
        KindSpec { code: 25, name: "mint_token", about: "make a token, one of its kind", unused: &["asset", "supply"] },
    ],
    fields: &[
        FieldSpec {
            name: "asset",
            about: "the new asset's number, from 2048 on",
            width: Width::Asset,
            place: Place::Published { word: 0, shift: 32 },
        },
        FieldSpec {
            name: "token",
            about: "the new token's account, after 2^23",
            width: Width::Account,
            place: Place::Published { word: 1, shift: 24 },
        },
        FieldSpec {
            name: "supply",
            about: "how much of the asset there is, for ever",
            width: Width::Amount,
            place: Place::Published { word: 2, shift: 0 },
        },
        FieldSpec {
            name: "royalty_bps",
            about: "what the token's creator gets of each sale, in 10 000th parts of the price",
            width: Width::Bits(ROYALTY_BITS),
            place: Place::Published { word: 3, shift: 32 },
        },
        FieldSpec {
            name: "name_hash",
            about: "the hash of what the asset or token is",
            width: Width::Digest,
            place: Place::Published { word: 3, shift: 0 },
        },
    ],
    cells: &[CellSpec { name: "created", may_be_absent: true }],
    users: &[],
    moves: &[Party::Signer],
    second: SecondSigner::None,
    rules: &[
        Rule { name: "number", broken: "assets made on L2 have numbers from 2048 on" },
        Rule { name: "account", broken: "accounts of tokens are after 2^23" },
        Rule { name: "taken", broken: "the asset or account is taken" },
        Rule { name: "no_supply", broken: "an asset has a supply of at least 1" },
        Rule { name: "royalty", broken: "a royalty is at most half of the price" },
    ],
};

fn creates_asset(call: &Call) -> bool {
    call.kind.index() == CREATE_ASSET
}

/// What comes to be, and how much of it the signer gets.
fn created(call: &Call) -> Effects {
    let name_hash = call.digest_at(NAME_HASH);
    if creates_asset(call) {
        let supply = call.amount_at(SUPPLY);
        let cell = registered(supply, call.account, Origin::Created, name_hash);
        return Effects { cells: vec![cell], gains: vec![supply.get() as i64] };
    }
    let royalty_bps = call.value(ROYALTY);
    let token = Token { name_hash, owner: call.account, creator: call.account, royalty_bps };
    Effects { cells: vec![token.to_cell()], gains: vec![0] }
}

impl Form for Create {
    fn spec(&self) -> &'static FormSpec {
        &SPEC
    }

    fn places(&self, call: &Call) -> Places {
        let (key, moved) = if creates_asset(call) {
            let asset = call.asset_at(ASSET);
            (registry_key(asset), Some(asset))
        } else {
            (call.account_at(TOKEN).header_key(), None)
        };
        Places { cells: vec![Some(key)], users: vec![], moves: vec![moved] }
    }

    fn apply(&self, call: &Call, _: &Context, cells: &[Cell]) -> Result<Effects, Refusal> {
        let asset = creates_asset(call);
        if asset && call.value(ASSET) < u64::from(FIRST_CREATED_ASSET) {
            return SPEC.refuse(NUMBER);
        }
        if !asset && call.value(TOKEN) < u64::from(FIRST_CONTRACT) {
            return SPEC.refuse(ACCOUNT);
        }
        if !cells[0].is_absent() {
            return SPEC.refuse(TAKEN);
        }
        if asset && call.amount_at(SUPPLY) == Quanta::ZERO {
            return SPEC.refuse(NO_SUPPLY);
        }
        if call.value(ROYALTY) > MAX_ROYALTY_BPS {
            return SPEC.refuse(HIGH_ROYALTY);
        }
        Ok(created(call))
    }

    fn constrain(&self, env: &mut FormEnvironment<'_>) -> FormTargets {
        let values = env.values;
        let (active, found) = (env.active, env.cells[0]);
        let (create, mint) = (env.kinds[CREATE_ASSET], env.kinds[MINT_TOKEN]);

        let registry_key = registry_key_target(env, create, values[ASSET]);
        env.assert_contract_account(mint, values[TOKEN]);
        let token_key = env.key(values[TOKEN], 0);
        let key = env.select(mint, token_key, registry_key);

        // Absent is what the memory says: a cell that is not has a digest other than 0000.
        let one = env.builder.one();
        env.assert_equal_if(active, found.absent.target, one);

        // supply ≥ 1 for an asset, and 0 for a token as it is unused there
        let above = env.builder.sub(values[SUPPLY], create.target);
        env.ranges.range_check(env.builder, above, TRANSFER_BITS);
        // royalty ≤ max: both are below 2^16
        let max = env.builder.constant(F::from_canonical_u64(MAX_ROYALTY_BPS));
        let below = env.builder.sub(max, values[ROYALTY]);
        env.ranges.range_check(env.builder, below, ROYALTY_BITS);

        let name_hash = env.digest(NAME_HASH).elements;
        let account = env.account;
        let asset = registered_target(env, values[SUPPLY], account, Origin::Created, name_hash);
        let token = TokenTarget { name_hash, owner: account, creator: account, royalty_bps: values[ROYALTY] };
        let token = token.to_cell(env);
        let elements: [Target; CELL_LEN] = std::array::from_fn(|i| env.select(mint, token[i], asset[i]));

        let no = env.builder._false();
        FormTargets {
            cells: vec![CellUpdate { enabled: active, key, elements, deleted: no }],
            users: vec![],
            moves: vec![MoveTarget { enabled: create, asset: values[ASSET], gain: values[SUPPLY] }],
            second: None,
        }
    }

    fn explain(&self, call: &Call) -> String {
        if creates_asset(call) {
            let (supply, asset) = (call.value(SUPPLY), call.value(ASSET));
            format!("account {} creates asset {asset} with a supply of {supply}", call.account)
        } else {
            let (token, royalty_bps) = (call.value(TOKEN), call.value(ROYALTY));
            format!("account {} makes token {token} with a royalty of {royalty_bps} basis points", call.account)
        }
    }
}

#[cfg(test)]
mod tests;
