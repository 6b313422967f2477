//! Tests of swaps: against a reference with big integers, native against circuit, and one broken rule each.

use std::sync::LazyLock;

use num_bigint::BigUint;
use plonky2::field::types::{Field, PrimeField64};
use proptest::prelude::*;

use super::*;
use crate::account::Header;
use crate::chunk::tests::verdict::Violation::{self, *};
use crate::chunk::tests::world::{account, asset, context, key_hash, quanta, World};
use crate::contract::testing::*;
use crate::contracts::exchange::tests::*;
use crate::hash::F;
use crate::transaction::{Rejection, Transaction};

static BENCH: LazyLock<Bench> = LazyLock::new(|| Bench::new("exchange.swap"));

fn swap_of(asset_in: u64, amount_in: u64, asset_out: u64, least_out: u64, deadline_s: u64) -> Transaction {
    signed(call("swap", 10, 0, 1000, &[asset_in, POOL_ACCOUNT.into(), amount_in, asset_out, least_out, deadline_s]))
}

/// Uniswap V2's `getAmountOut`, as Solidity has it.
fn get_amount_out(amount_in: u64, reserve_in: u64, reserve_out: u64) -> BigUint {
    let amount_in_with_fee = BigUint::from(amount_in) * 997u32;
    let numerator = &amount_in_with_fee * reserve_out;
    let denominator = BigUint::from(reserve_in) * 1000u32 + amount_in_with_fee;
    numerator / denominator
}

/// What a prover says of a swap who keeps no rule: the formula, in whatever elements come out.
fn unchecked(call: &Call, cells: &[Cell]) -> Effects {
    let mut cell = cells[0];
    let side = usize::from((cell.0[3].to_canonical_u64() & 0xfff) != call.value(ASSET_IN));
    paid(&mut cell, side, call.value(AMOUNT_IN))
}

fn paid(cell: &mut Cell, side: usize, amount_in: u64) -> Effects {
    let [reserve_in, reserve_out] = [cell.0[side], cell.0[1 - side]].map(|it| it.to_canonical_u64());
    let out = u64::try_from(get_amount_out(amount_in, reserve_in, reserve_out)).unwrap();
    cell.0[side] += F::from_canonical_u64(amount_in);
    cell.0[1 - side] -= F::from_canonical_u64(out);
    Effects { cells: vec![*cell], gains: vec![-(amount_in as i64), out as i64] }
}

/// What the circuit has against that prover.
fn against(world: &World, transaction: &Transaction) -> Vec<Violation> {
    BENCH.forged(world, transaction, unchecked)
}

#[test]
fn rows_of_a_swap() {
    assert_eq!(Bench::marginal_rows("exchange.swap"), 6983);
}

#[test]
fn a_swap_publishes_three_words() {
    let Transaction::Call(swap) = swap_of(0x123, 0xabcd, 5, 6, 7) else { unreachable!() };
    let [word_0, word_1, word_2] = swap.call.published()[..] else { panic!("three words") };
    assert_eq!((word_0, word_1 >> 24, word_2), (16 << 48 | 0x123 << 32 | 10, POOL_ACCOUNT.into(), 0xabcd));
    assert_eq!(swap.call.only_signed(), [5, 6, 7]);
}

#[test]
fn swaps_both_ways_and_with_asset_0() {
    for (assets, asset_in, asset_out) in [([1, 2], 1, 2), ([1, 2], 2, 1), ([0, 1], 0, 1), ([0, 1], 1, 0)] {
        let world = world(pool([1 << 40, 1 << 50], assets));
        let swap = swap_of(asset_in, 1_000_000_000_000, asset_out, 1, NEVER);
        assert_replays(&world, &swap);
        let (violations, after) = BENCH.honest(&world, &[swap]);
        assert_eq!(violations, []);
        assert!(balance(&after, 10, asset_out as u16) > balance(&world, 10, asset_out as u16));
    }
}

#[test]
fn two_swaps_of_a_chunk_see_each_other() {
    let world = world(pool([1 << 40, 1 << 40], [1, 2]));
    let there = swap_of(1, 1 << 30, 2, 1, NEVER);
    let back = signed(call("swap", 11, 0, 0, &[2, POOL_ACCOUNT.into(), 1 << 30, 1, 1, NEVER]));
    let (violations, after) = BENCH.honest(&world, &[there, back]);
    assert_eq!(violations, []);
    for id in [1, 2] {
        let held = |world: &World| -> u64 { (10..12).map(|user| balance(world, user, id)).sum() };
        let reserve = |world: &World| pool_at(world, POOL_ACCOUNT).unwrap().reserves[usize::from(id) - 1].get();
        assert_eq!(held(&world) + reserve(&world), held(&after) + reserve(&after));
    }
}

fn reserves() -> impl Strategy<Value = u64> {
    prop_oneof![6 => amounts(62), 1 => Just(1), 1 => Just(MOST), 1 => (0u64..1 << 20).prop_map(|less| MOST - less)]
}

fn amounts_in() -> impl Strategy<Value = u64> {
    prop_oneof![6 => amounts(56), 1 => Just(1), 1 => Just((1 << 56) - 1)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn pays_what_uniswap_pays_and_k_never_falls(
        amount_in in amounts_in(), reserve_in in reserves(), reserve_out in reserves(), side in 0usize..2,
    ) {
        let expected = match (amount_in, reserve_in) {
            (0, 0) => None,
            _ => Some(get_amount_out(amount_in, reserve_in, reserve_out)),
        };
        let got = amount_out(quanta(amount_in), quanta(reserve_in), quanta(reserve_out));
        prop_assert_eq!(got.map(|out| BigUint::from(out.get())), expected);

        let mut reserves = [reserve_in, reserve_out];
        if side == 1 {
            reserves.reverse();
        }
        let before = pool(reserves, [1, 2]);
        if let Ok((out, after)) = swap(&before, before.assets[side], quanta(amount_in)) {
            prop_assert!(out.get() > 0);
            let k = |pool: &Pool| BigUint::from(pool.reserves[0].get()) * pool.reserves[1].get();
            prop_assert!(k(&after) >= k(&before));
            prop_assert_eq!((after.assets, after.share_asset, after.shares), (before.assets, before.share_asset, before.shares));
        }
    }
}

#[derive(Clone, Debug)]
struct Case {
    amount_in: u64,
    reserves: [u64; 2],
    assets: (u64, u64),
    least: Least,
    deadline_s: u64,
}

#[derive(Clone, Debug)]
enum Least {
    Exactly,
    OneMore,
    Any(u64),
}

fn cases() -> impl Strategy<Value = Case> {
    let assets =
        prop_oneof![4 => Just((1, 2)), 4 => Just((2, 1)), 1 => Just((1, 3)), 1 => Just((3, 2)), 1 => Just((3, 4))];
    let least =
        prop_oneof![3 => Just(Least::Exactly), 1 => Just(Least::OneMore), 2 => amounts(56).prop_map(Least::Any)];
    let now = context().timestamp_s;
    let deadline_s = prop_oneof![8 => Just(NEVER), 2 => Just(now), 1 => Just(now - 1), 1 => Just(0)];
    (amounts_in(), [reserves(), reserves()], assets, least, deadline_s).prop_map(
        |(amount_in, reserves, assets, least, deadline_s)| Case { amount_in, reserves, assets, least, deadline_s },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// What native refuses, the circuit refuses to a prover who goes on; what native takes, it takes.
    #[test]
    fn native_and_circuit_agree(case in cases()) {
        let Case { amount_in, reserves, assets: (asset_in, asset_out), least, deadline_s } = case;
        let mut world = world(pool(reserves, [1, 2]));
        fund(&mut world, 10, asset_in as u16, (1 << 56) - 1);
        fund(&mut world, 10, asset_out as u16, 0);
        let side = usize::from(asset_in != 1);
        let out = match (amount_in, reserves[side]) {
            (0, 0) => 0,
            _ => u64::try_from(get_amount_out(amount_in, reserves[side], reserves[1 - side])).unwrap(),
        };
        let least = match least {
            Least::Exactly => out,
            Least::OneMore => out + 1,
            Least::Any(least) => least,
        }.min((1 << 56) - 1);
        let swap = swap_of(asset_in, amount_in, asset_out, least, deadline_s);
        match verdict(&world, &swap) {
            Ok(_) => {
                assert_replays(&world, &swap);
                let (violations, after) = BENCH.honest(&world, &[swap]);
                prop_assert_eq!(violations, []);
                prop_assert_eq!(balance(&after, 10, asset_out as u16), out);
            }
            Err(Rejection::Refused { .. }) if (amount_in, reserves[side]) != (0, 0) => {
                prop_assert_ne!(against(&world, &swap), []);
            }
            Err(Rejection::Refused { .. }) => {}
            Err(other) => prop_assert!(false, "{:?}", other),
        }
    }
}

#[test]
fn rule_no_pool() {
    let swap = swap_of(1, 1000, 2, 0, NEVER);
    let at = account(POOL_ACCOUNT).header_key();
    let honest = pool([1 << 40, 1 << 40], [1, 2]).to_cell();

    // A cell that differs from a pool's in one element.
    // The kind is a multiple of the flag that the published stream's number is one of, hence the hash.
    for (element, value, expected) in [
        (6, 1, vec![Equation, Hash]),
        (6, 3, vec![Equation, Hash]),
        (4, 1, vec![Memory]),
        (5, 1, vec![Memory]),
        (7, 1, vec![Memory]),
    ] {
        let mut world = world(pool([1, 1], [1, 2]));
        let mut cell = honest;
        cell.0[element] = F::from_canonical_u64(value);
        world.set(at, cell);
        assert_eq!(broken_rule(&world, &swap), "no_pool");
        let forged = BENCH.forged(&world, &swap, |call, _| unchecked(call, &[honest]));
        assert_eq!(forged, expected, "element {element}");
    }

    // The header of a user, and nothing.
    let user = Header::open(key_hash(11), quanta(1 << 30)).to_cell();
    for cell in [user, Cell::ABSENT] {
        let mut world = world(pool([1, 1], [1, 2]));
        world.set(at, cell);
        assert_eq!(broken_rule(&world, &swap), "no_pool");
        assert!(BENCH.forged(&world, &swap, |call, _| unchecked(call, &[honest])).contains(&Equation));
    }
}

#[test]
fn rule_assets() {
    for (asset_in, asset_out) in [(1, 3), (3, 2), (3, 4), (2, 3), (3, 1)] {
        let mut world = world(pool([1 << 40, 1 << 40], [1, 2]));
        fund(&mut world, 10, asset_in, 1 << 40);
        let swap = swap_of(asset_in.into(), 1000, asset_out, 0, NEVER);
        assert_eq!(broken_rule(&world, &swap), "assets");
        assert_eq!(against(&world, &swap), [Equation]);
    }
}

#[test]
fn rule_assets_even_if_both_are_asset_0() {
    let world = world(pool([1 << 40, 1 << 40], [0, 2]));
    let swap = swap_of(0, 1000, 0, 0, NEVER);
    assert_eq!(broken_rule(&world, &swap), "assets");
    assert_eq!(against(&world, &swap), [Equation]);
}

#[test]
fn rule_deadline() {
    let world = world(pool([1 << 40, 1 << 40], [1, 2]));
    let now = context().timestamp_s;
    let swap = swap_of(1, 1000, 2, 0, now - 1);
    assert_eq!(broken_rule(&world, &swap), "deadline");
    assert_eq!(against(&world, &swap), [Range(56)]);
    assert_eq!(BENCH.honest(&world, &[swap_of(1, 1000, 2, 0, now)]).0, []);
}

#[test]
fn rule_slippage() {
    let world = world(pool([1 << 40, 1 << 40], [1, 2]));
    let swap = |least| swap_of(1, 1000, 2, least, NEVER);
    assert_eq!(broken_rule(&world, &swap(997)), "slippage");
    assert_eq!(against(&world, &swap(997)), [Range(62)]);
    assert_eq!(BENCH.honest(&world, &[swap(996)]).0, []);
}

#[test]
fn rule_nothing_out() {
    for (amount_in, reserves) in
        [(1, [1 << 40, 1 << 40]), (0, [1 << 40, 1 << 40]), (1000, [1, 0]), (500, [MOST - 500, 1])]
    {
        let world = world(pool(reserves, [1, 2]));
        let swap = swap_of(1, amount_in, 2, 0, NEVER);
        assert_eq!(broken_rule(&world, &swap), "nothing_out");
        assert_eq!(against(&world, &swap), [Range(62)], "{amount_in} {reserves:?}");
    }
}

/// 0 / 0 has no quotient, whatever the prover says.
#[test]
fn rule_nothing_out_of_an_empty_pool() {
    let world = world(pool([0, 1 << 40], [1, 2]));
    let swap = swap_of(1, 0, 2, 0, NEVER);
    assert_eq!(broken_rule(&world, &swap), "nothing_out");
    let forge = |_: &Call, cells: &[Cell]| Effects { cells: cells.to_vec(), gains: vec![0, 0] };
    assert!(BENCH.forged(&world, &swap, forge).contains(&Equation));
    let quotient = BENCH.examiner.hints("sheaf.DivisionGenerator")[0][0];
    let forge = |_: &Call, cells: &[Cell]| {
        let mut cell = cells[0];
        cell.0[1] -= F::ONE;
        Effects { cells: vec![cell], gains: vec![0, 1] }
    };
    assert_eq!(BENCH.forged_with(&world, &swap, forge, |_| (), &[(quotient, F::ONE)]), [Equation]);
}

#[test]
fn rule_reserve() {
    let mut world = world(pool([MOST, MOST], [1, 2]));
    fund(&mut world, 10, 2, 0);
    let swap = swap_of(1, 1 << 40, 2, 0, NEVER);
    assert_eq!(broken_rule(&world, &swap), "reserve");
    assert_eq!(against(&world, &swap), [Range(62)]);
}

/// Effects that are not what the formula says: the memory's final cells are not those that the circuit makes.
#[test]
fn forged_outcomes() {
    let world = world(pool([1 << 40, 1 << 41], [1, 2]));
    let swap = swap_of(1, 1 << 20, 2, 0, NEVER);
    type Change = fn(&mut Effects);
    let changes: [(&str, Change); 7] = [
        ("one more", |it| (it.cells[0].0[1], it.gains[1]) = (it.cells[0].0[1] - F::ONE, it.gains[1] + 1)),
        ("one less", |it| (it.cells[0].0[1], it.gains[1]) = (it.cells[0].0[1] + F::ONE, it.gains[1] - 1)),
        ("one from nowhere", |it| it.gains[1] += 1),
        ("one paid less", |it| it.gains[0] += 1),
        ("the pool keeps what it pays", |it| it.cells[0].0[1] = F::from_canonical_u64(1 << 41)),
        ("another share asset", |it| it.cells[0].0[3] += F::from_canonical_u64(1 << 24)),
        ("more shares", |it| it.cells[0].0[2] += F::ONE),
    ];
    for (name, change) in changes {
        let forge = |call: &Call, cells: &[Cell]| {
            let mut effects = effects(call, cells);
            change(&mut effects);
            effects
        };
        assert_eq!(BENCH.forged(&world, &swap, forge), [Memory], "{name}");
    }
}

/// A prover who also says so in the circuit.
#[test]
fn forged_quotient() {
    let world = world(pool([1 << 40, 1 << 41], [1, 2]));
    let swap = swap_of(1, 1 << 20, 2, 0, NEVER);
    let out = u64::try_from(get_amount_out(1 << 20, 1 << 40, 1 << 41)).unwrap();
    let lowest = BENCH.examiner.hints("sheaf.DivisionGenerator")[0][0];
    for said in [out - 1, out + 1] {
        let forge = |call: &Call, cells: &[Cell]| {
            let mut effects = effects(call, cells);
            effects.gains[1] = said as i64;
            effects.cells[0].0[1] = F::from_canonical_u64((1 << 41) - said);
            effects
        };
        // Of 2^20 · 997 · 2^41 / (…), the quotient has two limbs.
        let limb = F::from_canonical_u64(said & ((1 << 21) - 1));
        let found = BENCH.forged_with(&world, &swap, forge, |_| (), &[(lowest, limb)]);
        assert!(!found.is_empty() && found.iter().all(|it| matches!(it, Equation | Range(21))), "{found:?}");
    }
}

/// A prover who swaps on the wrong side of the pool, where the rate is better.
#[test]
fn forged_side() {
    let world = world(pool([1 << 40, 1 << 50], [1, 2]));
    let swap = swap_of(2, 1 << 30, 1, 0, NEVER);
    let forge = |call: &Call, cells: &[Cell]| paid(&mut cells[0].clone(), 0, call.value(AMOUNT_IN));
    let reversed = BENCH.examiner.hints("sheaf.SideGenerator")[0][0];
    let share_asset = BENCH.examiner.hints("sheaf.ShareGenerator")[0][0];
    let forced = [(reversed, F::ZERO)];
    assert_eq!(BENCH.forged_with(&world, &swap, forge, |_| (), &forced), [Equation]);

    // The share asset that would make up for it is not one: 2^24 · s = packed − 2 − 2^12 · 1
    let packed = F::from_canonical_u64(1 | 2 << 12 | u64::from(POOL_SHARES) << 24);
    let rest = packed - F::from_canonical_u64(2 + (1 << 12));
    let said = rest * F::from_canonical_u64(1 << 24).inverse();
    let forced = [(reversed, F::ZERO), (share_asset, said)];
    assert_eq!(BENCH.forged_with(&world, &swap, forge, |_| (), &forced), [Range(12)]);

    // Half of both.
    let forced = [(reversed, F::TWO.inverse())];
    assert!(BENCH.forged_with(&world, &swap, forge, |_| (), &forced).contains(&Equation));
}

#[test]
fn a_balance_that_is_too_small() {
    let mut world = world(pool([1 << 40, 1 << 40], [1, 2]));
    fund(&mut world, 10, 1, 999);
    let swap = swap_of(1, 1000, 2, 0, NEVER);
    assert!(matches!(verdict(&world, &swap), Err(Rejection::InsufficientBalance { asset: id, .. }) if id == asset(1)));
}
