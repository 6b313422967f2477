//! Tests of payments into splits: native against circuit, one broken rule each, words, rows.

use std::sync::LazyLock;

use plonky2::field::types::Field;
use proptest::prelude::*;

use super::*;
use crate::account::Header;
use crate::chunk::tests::verdict::Violation::{self, *};
use crate::chunk::tests::world::{account, asset, quanta, World};
use crate::contract::testing::*;
use crate::contracts::splits::testing::*;
use crate::hash::F;
use crate::transaction::{Rejection, Transaction};

static BENCH: LazyLock<Bench> = LazyLock::new(|| Bench::new("splits.pay"));

const PAYER: u32 = 10;
const LIMIT: u64 = 1 << 62;

fn pay(asset: u64, amount: u64) -> Transaction {
    signed(call("pay_split", PAYER, 0, 1000, &[asset, SPLIT_ACCOUNT.into(), amount]))
}

fn world(asset: u16, total: u64) -> World {
    world_with_split(asset, total, &[(11, 5000), (12, 5000)])
}

/// What a prover would have who asks nothing.
fn careless(call: &Call, cells: &[Cell]) -> Effects {
    let mut cell = cells[0];
    cell.0[1] += F::from_canonical_u64(call.value(AMOUNT));
    Effects { cells: vec![cell], gains: vec![-(call.value(AMOUNT) as i64)] }
}

fn forged(world: &World, transaction: &Transaction) -> Vec<Violation> {
    BENCH.forged(world, transaction, careless)
}

#[test]
fn rows_of_a_payment() {
    assert_eq!(Bench::marginal_rows("splits.pay"), 5428);
}

#[test]
fn words_of_a_payment() {
    let Transaction::Call(signed) = pay(2, 0x1234) else { panic!("a call") };
    let words = [33 << 48 | 2 << 32 | u64::from(PAYER), u64::from(SPLIT_ACCOUNT) << 24 | 1000 << 5, 0x1234];
    assert_eq!(signed.call.published(), words);
    assert!(signed.call.only_signed().is_empty());
}

#[test]
fn payments_add_up() {
    for (id, fee) in [(0, 1000), (2, 0)] {
        let world = world(id, 7);
        let pay = pay(id.into(), (1 << 56) - 1);
        assert_replays(&world, &pay);
        let (violations, after) = BENCH.honest(&world, &[pay]);
        assert_eq!(violations, []);
        assert_eq!(split(&after).total.get(), (1 << 56) + 6);
        assert_eq!(balance(&after, PAYER, id), ENOUGH - (1 << 56) + 1 - fee);
    }
}

#[test]
fn only_a_split_is_paid() {
    let pay = pay(1, 5);
    // A pool, a token, and a user.
    for kind in 1..4 {
        let mut world = world(1, 0);
        let mut cell = split(&world).to_cell();
        cell.0[Header::KIND] = F::from_canonical_u32(kind);
        world.set(account(SPLIT_ACCOUNT).header_key(), cell);
        assert_eq!(broken_rule(&world, &pay), "no_split");
        let violations = BENCH.forged(&world, &pay, |call, _| {
            let split = Split { asset: asset(1), total: call.amount_at(AMOUNT) };
            Effects { cells: vec![split.to_cell()], gains: vec![-5] }
        });
        assert_eq!(violations, [Equation]);
    }
    // Nothing is there, and the prover says that it was a split.
    let world = World::with_users(USERS, ENOUGH);
    assert_eq!(broken_rule(&world, &pay), "no_split");
    let found = Split { asset: asset(1), total: quanta(0) }.to_cell();
    let forge = |call: &Call, _: &[Cell]| careless(call, &[found]);
    let violations = BENCH.forged_and(&world, &pay, forge, |trace| trace.calls[0].cells[0].cell = found);
    assert_eq!(violations, [Memory]);
}

#[test]
fn a_split_is_of_one_asset() {
    let world = world(1, 0);
    for other in [0, 2] {
        assert_eq!(broken_rule(&world, &pay(other, 5)), "asset");
        assert_eq!(forged(&world, &pay(other, 5)), [Equation]);
    }
}

#[test]
fn a_split_gets_full() {
    let world = world(1, LIMIT - 5);
    assert_eq!(broken_rule(&world, &pay(1, 5)), "full");
    assert_eq!(forged(&world, &pay(1, 5)), [Range(62)]);
    assert_eq!(BENCH.honest(&world, &[pay(1, 4)]).0, []);
}

#[test]
fn what_is_paid_is_what_comes_in() {
    let world = world(1, 100);
    for (gain, more) in [(1, 0), (-1, 0), (0, 1), (1, 1)] {
        let forge = |call: &Call, cells: &[Cell]| {
            let mut effects = careless(call, cells);
            effects.gains[0] += gain;
            effects.cells[0].0[1] += F::from_canonical_u64(more);
            effects
        };
        assert_eq!(BENCH.forged(&world, &pay(1, 50), forge), [Memory]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn native_and_circuit_agree(
        id in 0u16..3,
        other in 0u64..12,
        total in prop_oneof![amounts(62), LIMIT - (1 << 56)..LIMIT],
        amount in amounts(56),
    ) {
        let world = world(id, total);
        let pay = pay(if other < 3 { other } else { id.into() }, amount);
        let native = verdict(&world, &pay);
        let circuit = forged(&world, &pay);
        prop_assert_eq!(native.is_ok(), circuit.is_empty(), "{:?} {:?}", native.err(), circuit);
        match native {
            Ok(_) => assert_replays(&world, &pay),
            Err(rejection) => {
                let by_rule = matches!(rejection, Rejection::Refused { .. });
                prop_assert!(by_rule);
            }
        }
    }
}
