//! Tests of making assets and tokens: native against circuit, one broken rule each, words, rows.

use std::sync::LazyLock;

use plonky2::field::types::PrimeField64;
use proptest::prelude::*;

use super::*;
use crate::account::{AssetId, Header};
use crate::chunk::tests::verdict::Violation::{self, *};
use crate::chunk::tests::world::{account, World};
use crate::contract::testing::*;
use crate::contract::CallKind;
use crate::hash::Digest;
use crate::transaction::{Rejection, Transaction};

static BENCH: LazyLock<Bench> = LazyLock::new(|| Bench::new("assets.create"));

const SIGNER: u32 = 10;
const TOKEN_ACCOUNT: u32 = FIRST_CONTRACT + 77;

fn name_hash(seed: u64) -> Digest {
    Digest([F::from_noncanonical_u64(u64::MAX - seed), F::ZERO, F::NEG_ONE, F::from_canonical_u64(seed)])
}

fn values(asset: u64, token: u64, supply: u64, royalty_bps: u64, name_hash: Digest) -> Vec<u64> {
    [&[asset, token, supply, royalty_bps][..], &name_hash.halves()].concat()
}

fn create_asset(asset: u64, supply: u64) -> Transaction {
    signed(call("create_asset", SIGNER, 0, 1000, &values(asset, 0, supply, 0, name_hash(asset))))
}

fn mint_token(token: u32, royalty_bps: u64) -> Transaction {
    signed(call("mint_token", SIGNER, 0, 1000, &values(0, token.into(), 0, royalty_bps, name_hash(3))))
}

fn with_nonce(transaction: Transaction, nonce: u64) -> Transaction {
    let Transaction::Call(signed_call) = transaction else { panic!("a call") };
    signed(Call { nonce, ..signed_call.call })
}

fn world() -> World {
    World::with_users(2, 1 << 40)
}

/// What a prover would have who asks nothing.
fn careless(call: &Call, _: &[Cell]) -> Effects {
    created(call)
}

fn forged(world: &World, transaction: &Transaction) -> Vec<Violation> {
    BENCH.forged(world, transaction, careless)
}

#[test]
fn rows_of_a_creation() {
    assert_eq!(Bench::marginal_rows("assets.create"), 6357);
}

#[test]
fn an_asset_and_a_token_are_made() {
    let world = world();
    let transactions = [create_asset(2048, 1_000_000), with_nonce(mint_token(TOKEN_ACCOUNT, 250), 1)];
    transactions.iter().for_each(|transaction| assert_replays(&world, transaction));
    let (violations, after) = BENCH.honest(&world, &transactions);
    assert_eq!(violations, []);

    let asset = AssetId::new(2048).unwrap();
    assert_eq!(
        after.cell(registry_key(asset)),
        registered(Quanta::new(1_000_000).unwrap(), account(SIGNER), Origin::Created, name_hash(2048))
    );
    assert_eq!(balance(&after, SIGNER, 2048), 1_000_000);
    let token = Token::from_cell(&after.cell(account(TOKEN_ACCOUNT).header_key())).unwrap();
    let signer = account(SIGNER);
    assert_eq!(token, Token { name_hash: name_hash(3), owner: signer, creator: signer, royalty_bps: 250 });
}

#[test]
fn words_of_a_creation() {
    let Transaction::Call(signed) = create_asset(2049, 0x1234) else { panic!("a call") };
    let hash = |seed: u64| [0xffff_fffe - seed, 0, 0, 0, 0xffff_ffff, 0, 0, seed];
    // p = 2^64 − 2^32 + 1, so 2^64 − 1 − seed is 2^32 − 2 − seed.
    let [_, _, rest @ ..] = hash(2049);
    let first = [0, 0xffff_fffe - 2049];
    let head = [24 << 48 | 2049 << 32 | u64::from(SIGNER), 1000 << 5, 0x1234];
    assert_eq!(signed.call.published(), [&head[..], &first, &rest].concat());
    assert!(signed.call.only_signed().is_empty());

    let Transaction::Call(signed) = mint_token(TOKEN_ACCOUNT, 250) else { panic!("a call") };
    let [_, _, rest @ ..] = hash(3);
    let first = [250 << 32, 0xffff_fffe - 3];
    let head = [25 << 48 | u64::from(SIGNER), u64::from(TOKEN_ACCOUNT) << 24 | 1000 << 5, 0];
    assert_eq!(signed.call.published(), [&head[..], &first, &rest].concat());
}

#[test]
fn numbers_below_2048_are_not_given_out() {
    let transaction = create_asset(2047, 5);
    assert_eq!(broken_rule(&world(), &transaction), "number");
    assert_eq!(forged(&world(), &transaction), [Range(12)]);
}

#[test]
fn tokens_are_in_accounts_of_contracts() {
    for token in [0, FIRST_CONTRACT - 1] {
        let transaction = mint_token(token, 0);
        assert_eq!(broken_rule(&world(), &transaction), "account");
        assert_eq!(forged(&world(), &transaction), [Range(24)]);
    }
}

#[test]
fn what_is_taken_stays() {
    for (first, again) in
        [(create_asset(3000, 5), create_asset(3000, 6)), (mint_token(TOKEN_ACCOUNT, 5), mint_token(TOKEN_ACCOUNT, 6))]
    {
        let again = with_nonce(again, 1);
        let world = verdict(&world(), &first).unwrap();
        assert_eq!(broken_rule(&world, &again), "taken");
        assert_eq!(forged(&world, &again), [Equation]);
        // Who says that nothing is there contradicts the memory.
        let absent = BENCH.forged_and(&world, &again, careless, |trace| trace.calls[0].cells[0].cell = Cell::ABSENT);
        assert_eq!(absent, [Memory]);
    }
}

#[test]
fn an_asset_has_a_supply() {
    let transaction = create_asset(2048, 0);
    assert_eq!(broken_rule(&world(), &transaction), "no_supply");
    assert_eq!(forged(&world(), &transaction), [Range(56)]);
}

#[test]
fn royalties_have_a_limit() {
    for royalty_bps in [MAX_ROYALTY_BPS + 1, (1 << 16) - 1] {
        let transaction = mint_token(TOKEN_ACCOUNT, royalty_bps);
        assert_eq!(broken_rule(&world(), &transaction), "royalty");
        assert_eq!(forged(&world(), &transaction), [Range(16)]);
    }
    assert_eq!(BENCH.honest(&world(), &[mint_token(TOKEN_ACCOUNT, MAX_ROYALTY_BPS)]).0, []);
}

#[test]
fn the_creator_gets_the_supply_and_no_more() {
    let transaction = create_asset(2048, 5);
    let more = |call: &Call, cells: &[Cell]| Effects { gains: vec![6], ..careless(call, cells) };
    assert_eq!(BENCH.forged(&world(), &transaction, more), [Memory]);
    // A mint moves nothing, so there is no balance that could be given more.
    let other_supply = |call: &Call, _: &[Cell]| {
        let mut effects = careless(call, &[]);
        effects.cells[0].0[0] += F::ONE;
        effects
    };
    assert_eq!(BENCH.forged(&world(), &transaction, other_supply), [Memory]);
}

#[test]
fn tokens_are_made_for_the_signer() {
    for element in 4..7 {
        let forge = |call: &Call, _: &[Cell]| {
            let mut effects = careless(call, &[]);
            effects.cells[0].0[element] += F::ONE;
            effects
        };
        assert_eq!(BENCH.forged(&world(), &mint_token(TOKEN_ACCOUNT, 100), forge), [Memory]);
    }
}

#[test]
fn what_a_kind_does_not_use_is_zero() {
    let broken = |kind: &str, values: Vec<u64>| {
        let kind = CallKind::all().find(|known| known.name() == kind).unwrap();
        let fee = crate::amount::Fee::ZERO;
        Call { kind, account: account(SIGNER), nonce: 0, fee, values }.check().is_err()
    };
    assert!(broken("create_asset", values(2048, 1, 1, 0, Digest::ZERO)));
    assert!(broken("create_asset", values(2048, 0, 1, 1, Digest::ZERO)));
    assert!(broken("mint_token", values(1, TOKEN_ACCOUNT.into(), 0, 0, Digest::ZERO)));
    assert!(broken("mint_token", values(0, TOKEN_ACCOUNT.into(), 1, 0, Digest::ZERO)));
}

/// Calls of both kinds, most of them right.
fn calls() -> impl Strategy<Value = Call> {
    let near = |limit: u64| prop_oneof![4 => limit..limit + 3, 1 => limit - 2..limit];
    let royalty = prop_oneof![4 => 0..=MAX_ROYALTY_BPS, 1 => MAX_ROYALTY_BPS..1 << 16];
    (any::<bool>(), near(2048), near(FIRST_CONTRACT.into()), amounts(56), royalty, any::<u64>()).prop_map(
        |(asset, number, token, supply, royalty, seed)| match asset {
            true => call("create_asset", SIGNER, 0, 10, &values(number, 0, supply, 0, name_hash(seed))),
            false => call("mint_token", SIGNER, 0, 10, &values(0, token, 0, royalty, name_hash(seed))),
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn native_and_circuit_agree(call in calls(), taken in calls(), took in any::<bool>()) {
        let world = match (took, verdict(&world(), &signed(taken))) {
            (true, Ok(world)) => world,
            _ => world(),
        };
        let nonce = Header::from_cell(&world.cell(account(SIGNER).header_key())).unwrap().unwrap().nonce;
        let transaction = signed(Call { nonce, ..call });
        let native = verdict(&world, &transaction);
        let circuit = forged(&world, &transaction);
        prop_assert_eq!(native.is_ok(), circuit.is_empty(), "{:?} {:?}", native.err(), circuit);
        match native {
            Ok(_) => assert_replays(&world, &transaction),
            Err(rejection) => {
                let by_rule = matches!(rejection, Rejection::Refused { .. });
                prop_assert!(by_rule);
            }
        }
    }

    /// Of each asset there is what was created.
    #[test]
    fn supplies_are_fixed(calls in prop::collection::vec((10..12u32, calls()), 1..12)) {
        let mut world = world();
        let mut fees = 0;
        let gas = |world: &World| balance(world, 10, 0) + balance(world, 11, 0);
        let before = gas(&world);
        for (signer, call) in calls {
            let nonce = Header::from_cell(&world.cell(account(signer).header_key())).unwrap().unwrap().nonce;
            let fee = call.fee.quanta();
            if let Ok(after) = verdict(&world, &signed(Call { account: account(signer), nonce, ..call })) {
                fees += fee;
                world = after;
            }
            prop_assert_eq!(gas(&world) + fees, before);
            for asset in 2048..2051 {
                let supply = world.cell(registry_key(AssetId::new(asset).unwrap())).0[0].to_canonical_u64();
                prop_assert_eq!(balance(&world, 10, asset) + balance(&world, 11, asset), supply);
            }
        }
    }
}
