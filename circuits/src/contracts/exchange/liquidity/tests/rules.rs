//! One broken rule each, and outcomes that are not the formulas'.

use super::*;

fn create() -> Transaction {
    create_of([1, 2], [1 << 30, 1 << 32])
}

fn even() -> World {
    with_pool([1 << 40, 1 << 40], 1 << 40)
}

#[test]
fn deadline() {
    let now = context().timestamp_s;
    let calls = [
        (empty(), create()),
        (even(), change_of("add_liquidity", 1000, [1000, 1000])),
        (even(), change_of("remove_liquidity", 1000, [1000, 1000])),
    ];
    for (world, change) in calls {
        let late = with(&change, DEADLINE, now - 1);
        assert_eq!(broken_rule(&world, &late), "deadline");
        assert_eq!(against(&world, &late), [Range(56)]);
        assert_eq!(BENCH.honest(&world, &[with(&change, DEADLINE, now)]).0, []);
    }
}

#[test]
fn account_of_contracts() {
    for index in [77, u64::from(FIRST_CONTRACT) - 2, u64::from(FIRST_CONTRACT) - 1] {
        let create = with(&create(), POOL, index);
        assert_eq!(broken_rule(&empty(), &create), "account");
        assert_eq!(against(&empty(), &create), [Range(24)]);
    }
    let first = with(&create(), POOL, u64::from(FIRST_CONTRACT));
    assert_eq!(BENCH.honest(&empty(), &[first]).0, []);
}

#[test]
fn taken() {
    let other = pool([5000, 5000], [1, 2]).to_cell();
    let user = Header::open(key_hash(11), quanta(1 << 30)).to_cell();
    let mut unknown = Cell::ABSENT;
    unknown.0[5] = F::ONE;
    for cell in [other, user, unknown] {
        let mut world = empty();
        world.set(account(POOL_ACCOUNT).header_key(), cell);
        assert_eq!(broken_rule(&world, &create()), "taken");
        assert!(against(&world, &create()).contains(&Equation));
        // A prover who says that it is absent has no such cell in the memory.
        let found = BENCH.forged_and(&world, &create(), unchecked, |trace| trace.calls[0].cells[0].cell = Cell::ABSENT);
        assert_eq!(found, [Memory]);
    }
}

#[test]
fn order() {
    for assets in [[2, 1], [3, 0], [0, 0]] {
        let create = create_of(assets, [1 << 30, 1 << 32]);
        assert_eq!(broken_rule(&empty(), &create), "order");
        assert_eq!(against(&empty(), &create), [Range(12)]);
    }
    // Twice another asset than 0 would touch its slot twice.
    let twice = create_of([1, 1], [1 << 30, 1 << 32]);
    assert!(verdict(&empty(), &twice).is_err());
}

#[test]
fn share_number() {
    for number in [2047, 3] {
        let create = with(&create(), SHARE_ASSET, number);
        assert_eq!(broken_rule(&empty(), &create), "share_number");
        assert_eq!(against(&empty(), &create), [Range(12)]);
    }
    assert_eq!(BENCH.honest(&empty(), &[with(&create(), SHARE_ASSET, 2048)]).0, []);
}

#[test]
fn share_taken() {
    let created = registered(quanta(5), account(10), Origin::Created, key_hash(10));
    for cell in [entry(), created] {
        let mut world = empty();
        world.set(registry_key(asset(POOL_SHARES)), cell);
        assert_eq!(broken_rule(&world, &create()), "share_taken");
        assert_eq!(against(&world, &create()), [Equation]);
        let found = BENCH.forged_and(&world, &create(), unchecked, |trace| trace.calls[0].cells[1].cell = Cell::ABSENT);
        assert_eq!(found, [Memory]);
    }
}

#[test]
fn minimum() {
    let mut world = empty();
    fund(&mut world, 10, POOL_SHARES, HELD);
    for amounts in [[1000, 1000], [1001, 1000], [1, 1_002_000], [0, 1 << 40], [1, 1]] {
        let create = create_of([1, 2], amounts);
        assert_eq!(broken_rule(&world, &create), "minimum");
        assert_eq!(against(&world, &create), [Range(62)]);
    }
    assert_eq!(BENCH.honest(&world, &[create_of([1, 2], [1, 1_002_001])]).0, []);

    let world = with_pool([1 << 40, 1 << 40], 5000);
    let remove = |shares| change_of("remove_liquidity", shares, [0, 0]);
    assert_eq!(BENCH.honest(&world, &[remove(4000)]).0, []);
    for shares in [4001, 5000] {
        assert_eq!(broken_rule(&world, &remove(shares)), "minimum");
        assert_eq!(against(&world, &remove(shares)), [Range(62)]);
    }
    // More than there are, so more than the reserves.
    assert_eq!(broken_rule(&world, &remove(5001)), "minimum");
    assert_eq!(against(&world, &remove(5001)), [Range(62); 4]);
}

#[test]
fn no_pool() {
    let user = Header::open(key_hash(11), quanta(1 << 30)).to_cell();
    let honest = pool([1 << 40, 1 << 40], [1, 2]).to_cell();
    for kind in ["add_liquidity", "remove_liquidity"] {
        let limit = if kind == "add_liquidity" { NEVER } else { 0 };
        let change = change_of(kind, 1000, [limit, limit]);
        for cell in [user, Cell::ABSENT] {
            let mut world = even();
            world.set(account(POOL_ACCOUNT).header_key(), cell);
            assert_eq!(broken_rule(&world, &change), "no_pool");
            let found = BENCH.forged(&world, &change, |call, _| unchecked(call, &[honest]));
            assert!(found.contains(&Equation), "{found:?}");
            // Who says that a pool is there has no such cell in the memory.
            let found = BENCH.forged_and(
                &world,
                &change,
                |call, _| unchecked(call, &[honest]),
                |trace| trace.calls[0].cells[0].cell = honest,
            );
            assert_eq!(found, [Memory]);
        }
        for (element, value) in [(4, 1), (5, 1), (7, 1), (6, 1), (6, 3)] {
            let mut world = even();
            let mut cell = honest;
            cell.0[element] = F::from_canonical_u64(value);
            world.set(account(POOL_ACCOUNT).header_key(), cell);
            assert_eq!(broken_rule(&world, &change), "no_pool");
            assert_ne!(BENCH.forged(&world, &change, |call, _| unchecked(call, &[honest])), []);
        }
    }
}

#[test]
fn assets() {
    for (position, value) in [(ASSET_0, 0), (ASSET_0, 3), (ASSET_1, 3), (SHARE_ASSET, SHARES + 1)] {
        for (kind, limit) in [("add_liquidity", NEVER), ("remove_liquidity", 0)] {
            let mut world = even();
            fund(&mut world, 10, POOL_SHARES + 1, HELD);
            let change = with(&change_of(kind, 1000, [limit, limit]), position, value);
            assert_eq!(broken_rule(&world, &change), "assets");
            // The prover leaves the pool's assets as they are, or not.
            assert!(against(&world, &change).contains(&Equation));
            let forge = |call: &Call, cells: &[Cell]| {
                let mut effects = unchecked(call, cells);
                effects.cells[0].0[3] = cells[0].0[3];
                effects
            };
            assert!(BENCH.forged(&world, &change, forge).contains(&Equation));
        }
    }
}

#[test]
fn slippage() {
    let world = with_pool([10_000, 20_001], 3000);
    for (kind, right, wrong) in [
        ("add_liquidity", [334, 667], [[333, 667], [334, 666]]),
        ("remove_liquidity", [333, 666], [[334, 666], [333, 667]]),
    ] {
        assert_eq!(BENCH.honest(&world, &[change_of(kind, 100, right)]).0, []);
        for limits in wrong {
            let change = change_of(kind, 100, limits);
            assert_eq!(broken_rule(&world, &change), "slippage");
            assert_eq!(against(&world, &change), [Range(56)]);
        }
    }
}

#[test]
fn reserve() {
    // Of an asset; and of shares, which are too many without those that nobody holds, too.
    let asset = (with_pool([MOST, 1 << 40], 1 << 40), vec![Range(62)]);
    let shares = (with_pool([1 << 40, 1 << 40], MOST), vec![Range(62); 2]);
    for (world, expected) in [asset, shares] {
        let add = change_of("add_liquidity", 1 << 30, [NEVER, NEVER]);
        assert_eq!(broken_rule(&world, &add), "reserve");
        assert_eq!(against(&world, &add), expected);
    }
}

#[test]
fn too_much() {
    let world = with_pool([1 << 59, 1 << 40], 1 << 20);
    let remove = |shares| change_of("remove_liquidity", shares, [0, 0]);
    assert_eq!(broken_rule(&world, &remove(1 << 17)), "too_much");
    // Neither the amount nor what it is above the limit.
    assert_eq!(against(&world, &remove(1 << 17)), [Range(56), Range(56)]);
    assert_eq!(BENCH.honest(&world, &[remove((1 << 17) - 1)]).0, []);
}

/// A pool without shares, which nothing makes: 0 / 0 is no amount.
#[test]
fn no_division_by_zero() {
    let world = with_pool([0, 0], 0);
    for (kind, shares) in [("add_liquidity", 5000), ("add_liquidity", 0), ("remove_liquidity", 0)] {
        let change = change_of(kind, shares, [0, 0]);
        assert!(matches!(verdict(&world, &change), Err(Rejection::Refused { .. })));
        let forge = |call: &Call, cells: &[Cell]| {
            let mut cell = cells[0];
            cell.0[2] += F::from_canonical_u64(call.value(AMOUNT));
            Effects { cells: vec![cell, Cell::ABSENT], gains: vec![0, 0, call.value(AMOUNT) as i64] }
        };
        assert_ne!(BENCH.forged(&world, &change, forge), []);
    }
}

/// Effects that are not what the formulas say: the memory's final cells are not those that the circuit makes.
#[test]
fn forged_outcomes() {
    type Change = fn(&mut Effects);
    let changes: [(&str, Change); 7] = [
        ("a share more", |it| it.gains[2] += 1),
        ("a share more, counted", |it| (it.cells[0].0[2], it.gains[2]) = (it.cells[0].0[2] + F::ONE, it.gains[2] + 1)),
        ("one from nowhere", |it| it.gains[0] += 1),
        ("one from the pool", |it| (it.cells[0].0[1], it.gains[1]) = (it.cells[0].0[1] - F::ONE, it.gains[1] + 1)),
        ("another share asset", |it| it.cells[0].0[3] += F::from_canonical_u64(1 << 24)),
        ("the other way", |it| it.gains.iter_mut().for_each(|gain| *gain = -*gain)),
        ("something at the end", |it| it.cells[0].0[7] = F::ONE),
    ];
    let calls = [
        (empty(), create()),
        (even(), change_of("add_liquidity", 1000, [1000, 1000])),
        (even(), change_of("remove_liquidity", 1000, [1000, 1000])),
    ];
    for (mut world, transaction) in calls {
        fund(&mut world, 10, POOL_SHARES, HELD);
        for (name, change) in changes {
            let forge = |call: &Call, cells: &[Cell]| {
                let mut effects = effects(call, cells);
                change(&mut effects);
                effects
            };
            assert_eq!(BENCH.forged(&world, &transaction, forge), [Memory], "{name}");
        }
    }
    // The registry's entry says another pool, or that a user made it.
    let others = [
        registered(Quanta::ZERO, account(OTHER_POOL), Origin::Shares, Digest::ZERO),
        registered(Quanta::ZERO, account(POOL_ACCOUNT), Origin::Created, Digest::ZERO),
        registered(quanta(1), account(POOL_ACCOUNT), Origin::Shares, Digest::ZERO),
    ];
    for entry in others {
        let forge = |call: &Call, cells: &[Cell]| Effects {
            cells: vec![effects(call, cells).cells[0], entry],
            ..effects(call, cells)
        };
        assert_eq!(BENCH.forged(&empty(), &create(), forge), [Memory]);
    }
}

/// A prover who says a root or a quotient that is off by one, in the circuit too.
#[test]
fn forged_hints() {
    let root = BENCH.examiner.hints("sheaf.RootGenerator")[0][0];
    let shares = ((1u64 << 30) + 5).isqrt();
    assert_eq!(BENCH.honest(&empty(), &[create_of([1, 2], [(1 << 30) + 5, 1])]).0, []);
    for said in [shares - 1, shares + 1] {
        let forge = |call: &Call, cells: &[Cell]| {
            let mut effects = effects(call, cells);
            effects.cells[0].0[2] = F::from_canonical_u64(said);
            effects.gains[2] = said as i64 - MINIMUM_SHARES as i64;
            effects
        };
        let forced = [(root, F::from_canonical_u64(said))];
        let create = create_of([1, 2], [(1 << 30) + 5, 1]);
        let found = BENCH.forged_with(&empty(), &create, forge, |_| (), &forced);
        assert!(!found.is_empty() && found.iter().all(|it| matches!(it, Equation | Range(_))), "{found:?}");
    }

    let divisions = BENCH.examiner.hints("sheaf.DivisionGenerator");
    for (kind, sign) in [("add_liquidity", -1i64), ("remove_liquidity", 1)] {
        for (i, by) in [(0, 1), (0, -1), (1, 1), (1, -1)] {
            let limit = if sign < 0 { 5000 } else { 0 };
            let forge = |call: &Call, cells: &[Cell]| {
                let mut effects = effects(call, cells);
                effects.gains[i] += sign * by;
                effects.cells[0].0[i] = F::from_canonical_u64(((1i64 << 40) - effects.gains[i]) as u64);
                effects
            };
            let forced = [(divisions[i][0], F::from_canonical_u64((1000 + by) as u64))];
            let change = change_of(kind, 1000, [limit, limit]);
            let found = BENCH.forged_with(&even(), &change, forge, |_| (), &forced);
            assert!(!found.is_empty() && found.iter().all(|it| matches!(it, Equation | Range(21))), "{found:?}");
        }
    }
}
