//! Tests of routes: native against circuit, and one broken rule each.

use std::sync::LazyLock;

use plonky2::field::types::{Field, PrimeField64};
use proptest::prelude::*;

use super::*;
use crate::chunk::tests::verdict::Violation::{self, *};
use crate::chunk::tests::world::{account, asset, context, quanta, sign, World};
use crate::contract::testing::*;
use crate::contracts::exchange::tests::*;
use crate::hash::F;
use crate::transaction::{Rejection, Transaction};

static BENCH: LazyLock<Bench> = LazyLock::new(|| Bench::new("exchange.route"));

#[derive(Clone, Copy)]
struct Order {
    assets: [u64; 3],
    pools: [u32; 2],
    amount_in: u64,
    least_out: u64,
    deadline_s: u64,
}

const ORDER: Order = Order {
    assets: [1, 3, 2],
    pools: [POOL_ACCOUNT, OTHER_POOL],
    amount_in: 1_000_000,
    least_out: 0,
    deadline_s: NEVER,
};

impl Order {
    fn signed(self) -> Transaction {
        let [asset_in, middle, asset_out] = self.assets;
        let [pool_1, pool_2] = self.pools.map(u64::from);
        let values = [asset_in, pool_1, self.amount_in, pool_2, middle, asset_out, self.least_out, self.deadline_s];
        signed(call("swap_route", 10, 0, 1000, &values))
    }
}

/// A pool of assets 1 and 3, and one of 2 and 3.
fn pools(reserves_1: [u64; 2], reserves_2: [u64; 2]) -> World {
    let mut world = world(pool(reserves_1, [1, 3]));
    world.set(account(OTHER_POOL).header_key(), pool(reserves_2, [2, 3]).to_cell());
    world
}

fn even() -> World {
    pools([1 << 40; 2], [1 << 40; 2])
}

/// What a prover says who keeps no rule but the formula.
fn unchecked(call: &Call, cells: &[Cell]) -> Effects {
    let mut amount = call.value(AMOUNT_IN);
    let mut after = cells.to_vec();
    for (cell, asset_in) in after.iter_mut().zip([ASSET_IN, MIDDLE]) {
        let side = usize::from((cell.0[3].to_canonical_u64() & 0xfff) != call.value(asset_in));
        let [reserve_in, reserve_out] = [cell.0[side], cell.0[1 - side]].map(|it| it.to_canonical_u64());
        let kept = u128::from(amount) * 997;
        let out = num_bigint::BigUint::from(kept) * reserve_out / (u128::from(reserve_in) * 1000 + kept);
        cell.0[side] += F::from_canonical_u64(amount);
        amount = u64::try_from(out).unwrap();
        cell.0[1 - side] -= F::from_canonical_u64(amount);
    }
    Effects { cells: after, gains: vec![-(call.value(AMOUNT_IN) as i64), amount as i64] }
}

fn against(world: &World, transaction: &Transaction) -> Vec<Violation> {
    BENCH.forged(world, transaction, unchecked)
}

#[test]
fn rows_of_a_route() {
    assert_eq!(Bench::marginal_rows("exchange.route"), 8310);
}

#[test]
fn a_route_publishes_four_words() {
    let Transaction::Call(route) = ORDER.signed() else { unreachable!() };
    let words = route.call.published();
    assert_eq!((words.len(), words[0]), (4, 20 << 48 | 1 << 32 | 10));
    assert_eq!((words[1] >> 24, words[2]), (POOL_ACCOUNT.into(), 1_000_000));
    assert_eq!(words[3], 2 << 36 | 3 << 24 | u64::from(OTHER_POOL));
    assert_eq!(route.call.only_signed(), [0, NEVER]);
}

#[test]
fn a_route_is_two_swaps() {
    let world = pools([1 << 40, 1 << 42], [1 << 41, 1 << 39]);
    let (violations, after) = BENCH.honest(&world, &[ORDER.signed()]);
    assert_eq!(violations, []);
    assert_replays(&world, &ORDER.signed());

    let before = [POOL_ACCOUNT, OTHER_POOL].map(|at| pool_at(&world, at).unwrap());
    let (between, pool_1) = swap(&before[0], asset(1), quanta(1_000_000)).unwrap();
    let (out, pool_2) = swap(&before[1], asset(3), between).unwrap();
    assert_eq!([POOL_ACCOUNT, OTHER_POOL].map(|at| pool_at(&after, at).unwrap()), [pool_1, pool_2]);
    assert_eq!(balance(&after, 10, 1), balance(&world, 10, 1) - 1_000_000);
    assert_eq!(balance(&after, 10, 2), balance(&world, 10, 2) + out.get());
    assert_eq!(balance(&after, 10, 3), 0);
}

/// From asset 0 to asset 0, which is in the header: both amounts are its balance's.
#[test]
fn a_round_trip_of_asset_0() {
    let mut world = world(pool([1 << 40, 1 << 42], [0, 3]));
    world.set(account(OTHER_POOL).header_key(), pool([1 << 41, 1 << 39], [0, 3]).to_cell());
    let route = Order { assets: [0, 3, 0], ..ORDER }.signed();
    let (violations, after) = BENCH.honest(&world, &[route]);
    assert_eq!(violations, []);
    let reserves = |world: &World| -> u64 {
        [POOL_ACCOUNT, OTHER_POOL].iter().map(|&at| pool_at(world, at).unwrap().reserves[0].get()).sum()
    };
    let fee = 1000;
    assert_eq!(balance(&world, 10, 0) + reserves(&world), balance(&after, 10, 0) + reserves(&after) + fee);
}

#[test]
fn assets_in_and_out_are_not_one() {
    let mut world = even();
    world.set(account(OTHER_POOL).header_key(), pool([1 << 40; 2], [1, 3]).to_cell());
    let route = Order { assets: [1, 3, 1], ..ORDER }.signed();
    assert!(matches!(verdict(&world, &route), Err(Rejection::SameCellTwice { slot: 1, .. })));
}

/// Back through the pool that it came from.
#[test]
fn the_pools_differ() {
    let world = even();
    let twice = Order { assets: [1, 3, 1], pools: [POOL_ACCOUNT; 2], ..ORDER };
    assert!(matches!(verdict(&world, &twice.signed()), Err(Rejection::SameCellTwice { slot: 0, .. })));

    // A prover who takes the honest route over two pools alike, and says that both are the first.
    let alike = world_of_two_alike();
    let honest = Order { assets: [0, 3, 0], ..ORDER };
    let said = Order { pools: [POOL_ACCOUNT; 2], ..honest };
    let Transaction::Call(said) = said.signed() else { unreachable!() };
    let found = BENCH.forged_and(&alike, &honest.signed(), unchecked, |trace| {
        let slot = &mut trace.calls[0];
        slot.values[POOL_2] = F::from_canonical_u32(POOL_ACCOUNT);
        slot.authorization = sign(10, said.call.message(&context().domain));
    });
    assert!(found.contains(&Memory), "{found:?}");
    // And finds there what the first swap left, now.
    let found = BENCH.forged_and(&alike, &honest.signed(), unchecked, |trace| {
        let slot = &mut trace.calls[0];
        slot.values[POOL_2] = F::from_canonical_u32(POOL_ACCOUNT);
        slot.authorization = sign(10, said.call.message(&context().domain));
        slot.cells[1].time = F::ONE;
    });
    assert!(found.contains(&Range(16)), "{found:?}");
}

fn world_of_two_alike() -> World {
    let mut world = world(pool([1 << 40; 2], [0, 3]));
    world.set(account(OTHER_POOL).header_key(), pool([1 << 40; 2], [0, 3]).to_cell());
    world
}

#[test]
fn rule_no_pool() {
    let honest = even();
    let cells = [POOL_ACCOUNT, OTHER_POOL].map(|at| honest.cell(account(at).header_key()));
    for at in [POOL_ACCOUNT, OTHER_POOL] {
        let mut world = even();
        let mut cell = pool([1 << 40; 2], if at == POOL_ACCOUNT { [1, 3] } else { [2, 3] }).to_cell();
        cell.0[6] = F::ONE;
        world.set(account(at).header_key(), cell);
        assert_eq!(broken_rule(&world, &ORDER.signed()), "no_pool");
        let found = BENCH.forged(&world, &ORDER.signed(), |call, _| unchecked(call, &cells));
        // The kinds of both are one wire: it contradicts the memory, or the constant.
        assert!(found.contains(&Equation) || found == [Memory], "{found:?}");
    }
}

#[test]
fn rule_assets() {
    let mut world = even();
    fund(&mut world, 10, 4, 1 << 40);
    for assets in [[1, 4, 2], [4, 3, 2], [1, 3, 4], [2, 3, 1], [1, 2, 3]] {
        let route = Order { assets, ..ORDER }.signed();
        assert_eq!(broken_rule(&world, &route), "assets");
        let found = against(&world, &route);
        assert!(found.contains(&Equation), "{assets:?} {found:?}");
    }
    // The second pool swaps another asset than it got.
    world.set(account(OTHER_POOL).header_key(), pool([1 << 40; 2], [2, 4]).to_cell());
    for middle in [3, 4] {
        let route = Order { assets: [1, middle, 2], ..ORDER }.signed();
        assert_eq!(broken_rule(&world, &route), "assets");
        assert_eq!(against(&world, &route), [Equation]);
    }
}

#[test]
fn rule_deadline() {
    let now = context().timestamp_s;
    let late = Order { deadline_s: now - 1, ..ORDER }.signed();
    assert_eq!(broken_rule(&even(), &late), "deadline");
    assert_eq!(against(&even(), &late), [Range(56)]);
    assert_eq!(BENCH.honest(&even(), &[Order { deadline_s: now, ..ORDER }.signed()]).0, []);
}

#[test]
fn rule_slippage() {
    let least = 994_007;
    assert_eq!(BENCH.honest(&even(), &[Order { least_out: least, ..ORDER }.signed()]).0, []);
    let more = Order { least_out: least + 1, ..ORDER }.signed();
    assert_eq!(broken_rule(&even(), &more), "slippage");
    assert_eq!(against(&even(), &more), [Range(62)]);
}

#[test]
fn rule_nothing_out() {
    // Of the first pool, and of the second.
    let first = (pools([1 << 40, 1 << 20], [1 << 40; 2]), vec![Range(62), Range(62)]);
    let second = (pools([1 << 40; 2], [1 << 10, 1 << 40]), vec![Range(62)]);
    for (world, expected) in [first, second] {
        let route = ORDER.signed();
        assert_eq!(broken_rule(&world, &route), "nothing_out");
        assert_eq!(against(&world, &route), expected);
    }
}

#[test]
fn rule_reserve() {
    for (reserves_1, reserves_2) in [([MOST, MOST], [1 << 40; 2]), ([1 << 40; 2], [MOST, MOST])] {
        let mut world = pools(reserves_1, reserves_2);
        fund(&mut world, 10, 2, 0);
        let route = Order { amount_in: 1 << 40, ..ORDER }.signed();
        assert_eq!(broken_rule(&world, &route), "reserve");
        assert_eq!(against(&world, &route), [Range(62)]);
    }
}

#[test]
fn rule_too_much() {
    let world = pools([1, 1 << 57], [1 << 40; 2]);
    let route = ORDER.signed();
    assert_eq!(broken_rule(&world, &route), "too_much");
    assert_eq!(against(&world, &route), [Range(56)]);
}

/// What the first pool pays and what the second gets are one number; and other outcomes that are not.
#[test]
fn forged_outcomes() {
    type Change = fn(&mut Effects);
    let changes: [(&str, Change); 4] = [
        ("more arrives than left", |it| it.cells[1].0[1] += F::ONE),
        ("less leaves", |it| it.cells[0].0[1] += F::ONE),
        ("more is paid out", |it| (it.cells[1].0[0], it.gains[1]) = (it.cells[1].0[0] - F::ONE, it.gains[1] + 1)),
        ("less is paid in", |it| (it.cells[0].0[0], it.gains[0]) = (it.cells[0].0[0] - F::ONE, it.gains[0] + 1)),
    ];
    for (name, change) in changes {
        let forge = |call: &Call, cells: &[Cell]| {
            let mut effects = effects(call, cells);
            change(&mut effects);
            effects
        };
        assert_eq!(BENCH.forged(&even(), &ORDER.signed(), forge), [Memory], "{name}");
    }
}

fn reserves() -> impl Strategy<Value = u64> {
    prop_oneof![6 => amounts(62), 1 => Just(1), 1 => Just(MOST), 2 => (1u64 << 30)..1 << 50]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn native_and_circuit_agree(
        amount_in in amounts(56),
        reserves in [[reserves(), reserves()], [reserves(), reserves()]],
        forwards in any::<bool>(),
        assets in prop_oneof![8 => Just([1, 3, 2]), 1 => Just([1, 4, 2]), 1 => Just([1, 3, 4])],
        least_out in prop_oneof![3 => Just(0), 1 => amounts(56)],
        late in prop::bool::weighted(0.1),
    ) {
        let mut world = pools(reserves[0], reserves[1]);
        let [mut asset_in, middle, mut asset_out] = assets;
        let mut pools = [POOL_ACCOUNT, OTHER_POOL];
        if !forwards {
            (asset_in, asset_out) = (asset_out, asset_in);
            pools.reverse();
        }
        fund(&mut world, 10, asset_in as u16, (1 << 56) - 1);
        fund(&mut world, 10, asset_out as u16, 0);
        let deadline_s = if late { 1 } else { NEVER };
        let route = Order { assets: [asset_in, middle, asset_out], pools, amount_in, least_out, deadline_s }.signed();
        match verdict(&world, &route) {
            Ok(_) => {
                assert_replays(&world, &route);
                prop_assert_eq!(BENCH.honest(&world, &[route]).0, []);
            }
            Err(Rejection::Refused { .. }) if amount_in > 0 && reserves.iter().flatten().all(|&it| it > 0) => {
                prop_assert_ne!(against(&world, &route), []);
            }
            Err(Rejection::Refused { .. }) => {}
            Err(other) => prop_assert!(false, "{:?}", other),
        }
    }
}
