//! Tests of liquidity: against a reference with big integers, native against circuit, and one broken rule each.

use std::sync::LazyLock;

use num_bigint::BigUint;
use plonky2::field::types::{Field, PrimeField64};
use proptest::prelude::*;

use super::*;
use crate::account::Header;
use crate::chunk::tests::verdict::Violation::{self, *};
use crate::chunk::tests::world::{account, asset, context, key_hash, quanta, World};
use crate::contract::testing::*;
use crate::contract::FIRST_CONTRACT;
use crate::contracts::exchange::tests::*;
use crate::hash::F;
use crate::transaction::{Rejection, Transaction};

mod rules;

static BENCH: LazyLock<Bench> = LazyLock::new(|| Bench::new("exchange.liquidity"));

const POOL_INDEX: u64 = POOL_ACCOUNT as u64;
const SHARES: u64 = POOL_SHARES as u64;

/// What is held of each asset: room for 2^61 more.
const HELD: u64 = 1 << 61;

fn create_of(assets: [u64; 2], amounts: [u64; 2]) -> Transaction {
    let values = [assets[0], POOL_INDEX, amounts[0], amounts[1], assets[1], SHARES, 0, 0, NEVER];
    signed(call("create_pool", 10, 0, 1000, &values))
}

fn change_of(kind: &str, shares: u64, limits: [u64; 2]) -> Transaction {
    let values = [1, POOL_INDEX, shares, 0, 2, SHARES, limits[0], limits[1], NEVER];
    signed(call(kind, 10, 0, 1000, &values))
}

/// The same call with another value.
fn with(transaction: &Transaction, position: usize, value: u64) -> Transaction {
    let Transaction::Call(other) = transaction else { panic!("a call") };
    let mut call = other.call.clone();
    call.values[position] = value;
    call.check().unwrap();
    signed(call)
}

/// No pool, and a user with much of assets 0 to 3.
fn empty() -> World {
    let mut world = World::with_users(2, 1 << 60);
    (1..4).for_each(|id| fund(&mut world, 10, id, HELD));
    world
}

/// A pool of assets 1 and 2, and a user with much of both and of its shares.
fn with_pool(reserves: [u64; 2], shares: u64) -> World {
    let mut world = empty();
    let pool = Pool { shares: quanta(shares), ..pool(reserves, [1, 2]) };
    world.set(account(POOL_ACCOUNT).header_key(), pool.to_cell());
    world.set(registry_key(asset(POOL_SHARES)), entry());
    fund(&mut world, 10, POOL_SHARES, HELD);
    world
}

fn entry() -> Cell {
    registered(Quanta::ZERO, account(POOL_ACCOUNT), Origin::Shares, Digest::ZERO)
}

/// What `shares` of a reserve are worth, as Uniswap V2 has it, or rounded up.
fn worth(shares: u64, reserve: u64, total: u64, up: bool) -> u64 {
    let rounding = if up { total - 1 } else { 0 };
    u64::try_from((BigUint::from(shares) * reserve + rounding) / total).unwrap_or(u64::MAX)
}

/// What a prover says who keeps no rule but the formulas, in whatever elements come out.
fn unchecked(call: &Call, cells: &[Cell]) -> Effects {
    let element = F::from_canonical_u64;
    let [asset_0, asset_1, share_asset] = [ASSET_0, ASSET_1, SHARE_ASSET].map(|at| call.value(at));
    let assets = element(asset_0 + (asset_1 << 12) + (share_asset << 24));
    let kind = element(2);
    if call.kind.index() == CREATE {
        let [paid_0, paid_1] = [call.value(AMOUNT), call.value(AMOUNT_1)];
        let shares = (u128::from(paid_0) * u128::from(paid_1)).isqrt() as u64;
        let pool = Cell([element(paid_0), element(paid_1), element(shares), assets, F::ZERO, F::ZERO, kind, F::ZERO]);
        let entry = registered(Quanta::ZERO, call.account_at(POOL), Origin::Shares, Digest::ZERO);
        let gains = vec![-(paid_0 as i64), -(paid_1 as i64), shares as i64 - MINIMUM_SHARES as i64];
        return Effects { cells: vec![pool, entry], gains };
    }
    let adds = call.kind.index() == ADD;
    let [reserve_0, reserve_1, total] = [0, 1, 2].map(|i| cells[0].0[i].to_canonical_u64());
    let moved = [reserve_0, reserve_1].map(|reserve| worth(call.value(AMOUNT), reserve, total, adds));
    let [more_0, more_1, more] = [moved[0], moved[1], call.value(AMOUNT)].map(|amount| match adds {
        true => element(amount),
        false => -element(amount),
    });
    let [_, _, _, _, e4, e5, _, e7] = cells[0].0;
    let pool = Cell([
        element(reserve_0) + more_0,
        element(reserve_1) + more_1,
        element(total) + more,
        assets,
        e4,
        e5,
        kind,
        e7,
    ]);
    let sign = if adds { -1 } else { 1 };
    let gains = vec![sign * moved[0] as i64, sign * moved[1] as i64, -sign * call.value(AMOUNT) as i64];
    Effects { cells: vec![pool, Cell::ABSENT], gains }
}

fn against(world: &World, transaction: &Transaction) -> Vec<Violation> {
    BENCH.forged(world, transaction, unchecked)
}

#[test]
fn rows_of_liquidity() {
    assert_eq!(Bench::marginal_rows("exchange.liquidity"), 9336);
}

#[test]
fn calls_publish_five_words() {
    let words = |transaction: &Transaction| match transaction {
        Transaction::Call(signed) => (signed.call.published(), signed.call.only_signed()),
        _ => unreachable!(),
    };
    let (published, only_signed) = words(&create_of([1, 2], [5000, 7000]));
    assert_eq!(published.len(), 5);
    assert_eq!((published[0], published[1] >> 24), (17 << 48 | 1 << 32 | 10, POOL_INDEX));
    assert_eq!(published[2..], [5000, 7000, SHARES << 12 | 2]);
    assert_eq!(only_signed, [0, 0, NEVER]);
    let (published, only_signed) = words(&change_of("remove_liquidity", 77, [8, 9]));
    assert_eq!((published[0], published[1] >> 24), (19 << 48 | 1 << 32 | 10, POOL_INDEX));
    assert_eq!(published[2..], [77, 0, SHARES << 12 | 2]);
    assert_eq!(only_signed, [8, 9, NEVER]);
}

#[test]
fn makes_a_pool() {
    for (assets, amounts, shares) in [
        ([1, 2], [4_000_000, 9_000_000], 6_000_000),
        ([0, 3], [1001, 1002], 1001),
        ([1, 2], [(1 << 56) - 1, (1 << 56) - 1], (1 << 56) - 1),
        ([1, 3], [1, (1 << 56) - 1], (1 << 28) - 1),
    ] {
        let world = empty();
        let create = create_of(assets, amounts);
        assert_replays(&world, &create);
        let (violations, after) = BENCH.honest(&world, &[create]);
        assert_eq!(violations, []);
        let expected = Pool { shares: quanta(shares), ..pool(amounts, assets.map(|id| id as u16)) };
        assert_eq!(pool_at(&after, POOL_ACCOUNT), Some(expected));
        assert_eq!(balance(&after, 10, POOL_SHARES), shares - MINIMUM_SHARES);
        assert_eq!(after.cell(registry_key(asset(POOL_SHARES))), entry());
        let fee = 1000;
        for (id, amount) in assets.into_iter().zip(amounts) {
            let paid = balance(&world, 10, id as u16) - balance(&after, 10, id as u16);
            assert_eq!(paid, amount + if id == 0 { fee } else { 0 });
        }
    }
}

#[test]
fn a_pool_is_made_and_used_in_one_chunk() {
    let world = empty();
    let create = create_of([1, 2], [1 << 40, 1 << 42]);
    let Transaction::Call(remove) = change_of("remove_liquidity", 1 << 20, [1 << 19, 1 << 21]) else { unreachable!() };
    let remove = signed(Call { nonce: 1, ..remove.call });
    let (violations, after) = BENCH.honest(&world, &[create, remove]);
    assert_eq!(violations, []);
    assert_eq!(
        pool_at(&after, POOL_ACCOUNT).unwrap().reserves.map(Quanta::get),
        [(1 << 40) - (1 << 19), (1 << 42) - (1 << 21)]
    );
}

/// A proof, by the honest generators: of a call beside an idle slot, and of idle slots alone.
#[test]
fn proves_a_pool_and_nothing() {
    let circuit = BENCH.circuit;
    for transactions in [vec![create_of([1, 2], [1 << 40, 1 << 42])], vec![]] {
        let (input, _) = empty().chunk(&circuit.shape, &transactions);
        circuit.data.verify(circuit.prove(&input).unwrap()).unwrap();
    }
}

#[test]
fn rounds_in_the_pools_favour() {
    let world = with_pool([10_000, 20_001], 3000);
    let (violations, after) = BENCH.honest(&world, &[change_of("add_liquidity", 100, [334, 667])]);
    assert_eq!(violations, []);
    assert_eq!(pool_at(&after, POOL_ACCOUNT).unwrap().reserves.map(Quanta::get), [10_334, 20_668]);
    let (violations, after) = BENCH.honest(&world, &[change_of("remove_liquidity", 100, [333, 666])]);
    assert_eq!(violations, []);
    assert_eq!(pool_at(&after, POOL_ACCOUNT).unwrap().reserves.map(Quanta::get), [9667, 19_335]);
}

#[test]
fn no_shares_are_worth_nothing() {
    let world = with_pool([10_000, 20_000], 3000);
    for kind in ["add_liquidity", "remove_liquidity"] {
        let (violations, after) = BENCH.honest(&world, &[change_of(kind, 0, [0, 0])]);
        assert_eq!(violations, []);
        assert_eq!(pool_at(&after, POOL_ACCOUNT), pool_at(&world, POOL_ACCOUNT));
    }
}

fn reserves() -> impl Strategy<Value = u64> {
    prop_oneof![6 => amounts(62), 1 => Just(1), 1 => Just(MOST), 1 => Just(0)]
}

fn totals() -> impl Strategy<Value = u64> {
    prop_oneof![6 => amounts(62).prop_map(|it| it.max(1000)), 1 => Just(1000), 1 => Just(MOST), 1 => 1000u64..2000]
}

#[derive(Clone, Debug)]
enum Limit {
    Exactly,
    Missed,
    Any(u64),
}

fn limits() -> impl Strategy<Value = Limit> {
    prop_oneof![8 => Just(Limit::Exactly), 1 => Just(Limit::Missed), 2 => amounts(56).prop_map(Limit::Any)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// What native refuses, the circuit refuses to a prover who goes on; what native takes, it takes.
    #[test]
    fn native_and_circuit_agree_on_changes(
        adds in any::<bool>(),
        reserves in [reserves(), reserves()],
        total in totals(),
        shares in prop_oneof![3 => amounts(56), 3 => (0u64..1000).prop_map(|it| it), 1 => Just((1u64 << 56) - 1)],
        of_total in prop::option::of(0u64..=1000),
        limits in [limits(), limits()],
        late in prop::bool::weighted(0.05),
    ) {
        // A share of all shares, so that not all amounts are of different sizes.
        let part = |parts: u64| u64::try_from(u128::from(total) * u128::from(parts) / 1000).unwrap();
        let shares = of_total.map_or(shares, part).min((1 << 56) - 1);
        let world = with_pool(reserves, total);
        let kind = if adds { "add_liquidity" } else { "remove_liquidity" };
        let moved = reserves.map(|reserve| worth(shares, reserve, total, adds));
        let limits = [0, 1].map(|i| match limits[i] {
            Limit::Exactly => moved[i],
            Limit::Missed if adds => moved[i].saturating_sub(1),
            Limit::Missed => moved[i].saturating_add(1),
            Limit::Any(limit) => limit,
        }.min((1 << 56) - 1));
        let change = change_of(kind, shares, limits);
        let change = if late { with(&change, DEADLINE, 1) } else { change };
        match verdict(&world, &change) {
            Ok(_) => {
                assert_replays(&world, &change);
                let before = pool_at(&world, POOL_ACCOUNT).unwrap();
                let (violations, after) = BENCH.honest(&world, &[change]);
                prop_assert_eq!(violations, []);
                let after_pool = pool_at(&after, POOL_ACCOUNT).unwrap();
                prop_assert!(k_per_share_did_not_fall(&before, &after_pool));
                for (i, id) in [1, 2].into_iter().enumerate() {
                    let difference = balance(&after, 10, id).abs_diff(HELD);
                    prop_assert_eq!(difference, moved[i]);
                    prop_assert_eq!(
                        balance(&after, 10, id) + after_pool.reserves[i].get(), HELD + before.reserves[i].get()
                    );
                }
                prop_assert_eq!(
                    balance(&after, 10, POOL_SHARES) + before.shares.get(), HELD + after_pool.shares.get()
                );
            }
            Err(Rejection::Refused { .. }) if moved.iter().all(|&it| it < HELD) => {
                prop_assert_ne!(against(&world, &change), []);
            }
            Err(Rejection::Refused { .. }) => {}
            Err(other) => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn native_and_circuit_agree_on_new_pools(
        assets in prop_oneof![6 => Just([1, 2]), 2 => Just([0, 3]), 1 => Just([2, 1]), 1 => Just([0, 0])],
        amounts in [
            prop_oneof![5 => amounts(56), 1 => Just((1 << 56) - 1), 2 => 0u64..2000],
            prop_oneof![5 => amounts(56), 1 => Just((1 << 56) - 1), 2 => 0u64..2000],
        ],
        share_asset in prop_oneof![6 => Just(SHARES), 1 => Just(2047u64), 1 => Just(4095)],
        pool in prop_oneof![6 => Just(POOL_INDEX), 1 => Just(1 << 23), 1 => Just((1 << 24) - 1), 1 => Just(77)],
        taken in prop_oneof![8 => Just(0), 1 => Just(1), 1 => Just(2)],
    ) {
        let mut world = empty();
        fund(&mut world, 10, 0, HELD);
        fund(&mut world, 10, share_asset as u16, HELD);
        let at = account(pool as u32);
        match taken {
            1 => world.set(at.header_key(), Header::open(key_hash(11), Quanta::ZERO).to_cell()),
            2 => world.set(registry_key(asset(share_asset as u16)), entry()),
            _ => {}
        }
        let create = with(&with(&create_of(assets, amounts), SHARE_ASSET, share_asset), POOL, pool);
        match verdict(&world, &create) {
            Ok(_) => {
                assert_replays(&world, &create);
                prop_assert_eq!(BENCH.honest(&world, &[create]).0, []);
            }
            Err(Rejection::Refused { .. }) => prop_assert_ne!(against(&world, &create), []),
            Err(other) => prop_assert!(false, "{:?}", other),
        }
    }
}
