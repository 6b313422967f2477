//! Plans keep what must be kept, and fill chunks well.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use sheaf_circuits::account::CellKey;
use sheaf_circuits::chunk::{Shape, SlotClass};
use sheaf_circuits::transaction::{Kind, Transaction};
use sheaf_witness::execute::{execute, Applied, SignatureChecks};
use sheaf_witness::plan::{plan, Grouping, Plan, PlanError};

use self::support::naive::Naive;
use self::support::shapes::{full, mixed, small};
use self::support::traffic::mainnet_like;
use self::support::*;

fn applied(world: &World, transactions: &[Transaction]) -> Vec<Applied> {
    let execution = execute(&context(), transactions, &state(world), SignatureChecks::Skip).unwrap();
    execution.applied(transactions)
}

fn plan_of(applied: &[Applied], shapes: &[Shape], grouping: Grouping) -> Plan {
    let plan = plan(applied, context().operator, shapes, grouping).unwrap();
    check(&plan, applied, shapes);
    plan
}

/// Every rule of a plan, spelled out.
fn check(plan: &Plan, applied: &[Applied], shapes: &[Shape]) {
    let order: Vec<usize> = plan.chunks.iter().flat_map(|chunk| chunk.transactions()).collect();
    let mut sorted = order.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..applied.len()).collect::<Vec<_>>(), "every transaction has one place");

    let mut last: BTreeMap<Option<CellKey>, usize> = BTreeMap::new();
    for &index in &order {
        let queued = matches!(applied[index].record.kind(), Kind::Deposit | Kind::Rekey | Kind::ForcedExit);
        let keys = applied[index].transaction.cells().map(Some).chain(queued.then_some(None));
        for key in keys.collect::<BTreeSet<_>>() {
            if let Some(before) = last.insert(key, index) {
                assert!(before < index, "{before} and {index} both touch {key:?} and were swapped");
            }
        }
    }

    for chunk in &plan.chunks {
        let shape = &shapes[chunk.shape];
        let classes: Vec<SlotClass> = shape.slots().collect();
        assert_eq!(chunk.slots.len(), classes.len());
        for (class, index) in classes.into_iter().zip(&chunk.slots) {
            assert!(index.is_none_or(|index| class.accepts(&applied[index].transaction)));
        }
        let keys = chunk.transactions().flat_map(|index| applied[index].transaction.cells());
        let keys: BTreeSet<CellKey> = keys.chain([context().operator.header_key()]).collect();
        let with_slots: BTreeSet<_> = keys.iter().filter(|key| !key.is_header()).map(|key| key.account()).collect();
        let slots = keys.iter().filter(|key| !key.is_header()).count();
        let headers = keys.iter().filter(|key| key.is_header() && !with_slots.contains(&key.account())).count();
        let accounts = keys.iter().map(|key| key.account()).collect::<BTreeSet<_>>().len();
        assert_eq!((accounts, headers, slots), (chunk.headers, chunk.header_rows, chunk.slot_rows));
        assert!(slots + headers.saturating_sub(shape.header_cells) <= shape.slot_cells, "cells fit the shape");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn plans_are_sound_and_mean_the_same(
        wishes in (any_traffic(), any::<bool>()).prop_flat_map(|(traffic, l1)| wishes(traffic, l1, 0..400)),
        given in any::<bool>(),
    ) {
        let world = genesis();
        let transactions = build(&world, &wishes);
        let applied = applied(&world, &transactions);
        let grouping = if given { Grouping::None } else { Grouping::BySharedCells };
        let shapes = [full(), mixed(), small()];
        let plan = match plan(&applied, context().operator, &shapes, grouping) {
            Err(PlanError::OperatorExit { .. }) => return Ok(()),
            plan => plan.unwrap(),
        };
        check(&plan, &applied, &shapes);

        let mut in_order = Naive::new(world.clone());
        in_order.run(&transactions);
        // Fees are paid at the end of each chunk, as the circuits do.
        let mut as_planned = Naive::new(world);
        for chunk in &plan.chunks {
            for index in chunk.transactions() {
                let outcome = as_planned.execute(&applied[index].transaction);
                prop_assert_eq!(outcome.map(|it| it.record), Ok(Some(applied[index].record.clone())));
            }
            as_planned.pay_operator();
        }
        prop_assert_eq!(as_planned.cells, in_order.cells);
    }
}

#[test]
fn transactions_that_share_accounts_go_together() {
    // Twenty groups of 30 payments among five accounts each, dealt out like cards.
    let groups: u32 = 20;
    let member = |group: u32, i: u32| 100 + group * 5 + i % 5;
    let world = genesis_of((0..groups * 5).map(|i| 100 + i).chain([OPERATOR]));
    let wishes: Vec<_> = (0..30)
        .flat_map(|i| (0..groups).map(move |group| (group, i)))
        .map(|(group, i)| Wish::Transfer {
            from: member(group, i),
            to: member(group, i + 1),
            slot: 0,
            amount: 1,
            fee: 1,
        })
        .collect();
    let applied = applied(&world, &build(&world, &wishes));
    let shapes =
        [Shape { name: "tight", degree_bits: 10, runs: vec![(SlotClass::Gas, 60)], header_cells: 12, slot_cells: 0 }];
    let grouped = plan_of(&applied, &shapes, Grouping::BySharedCells).filling(&shapes);
    let given = plan_of(&applied, &shapes, Grouping::None).filling(&shapes);
    assert_eq!(grouped.chunks["tight"], 10);
    assert!(given.chunks["tight"] >= 50, "{given:?}");
}

#[test]
fn traffic_like_mainnets_fills_chunks() {
    let (world, transactions) = mainnet_like(6_000, false);
    let applied = applied(&world, &transactions);
    let shapes = [full(), mixed(), small()];
    let grouped = plan_of(&applied, &shapes, Grouping::BySharedCells).filling(&shapes);
    let given = plan_of(&applied, &shapes, Grouping::None).filling(&shapes);
    assert_eq!(grouped.transactions, 6_000);
    assert!(grouped.slots_used() > 0.9, "{grouped:?}");
    assert!(grouped.cells < given.cells && grouped.rows <= given.rows, "{grouped:?} {given:?}");
}

#[test]
fn a_remainder_goes_into_small_chunks() {
    let world = genesis();
    let pay = |i| Wish::Transfer { from: FIRST_USER + i % USERS, to: OPERATOR, slot: 0, amount: 1, fee: 0 };
    let shapes = [full(), small()];
    let count = |transactions: u32| {
        let applied = applied(&world, &build(&world, &(0..transactions).map(pay).collect::<Vec<_>>()));
        plan_of(&applied, &shapes, Grouping::BySharedCells).filling(&shapes).chunks
    };
    let full = full().slot_count() as u32;
    assert_eq!(count(full + 10), BTreeMap::from([("full", 1), ("small", 1)]));
    assert_eq!(count(full - 10), BTreeMap::from([("full", 1)]));
    assert_eq!(count(5), BTreeMap::from([("small", 1)]));
    assert_eq!(count(0), BTreeMap::new());
}

#[test]
fn what_fits_no_shape_is_an_error() {
    let applied =
        applied(&genesis(), &[transfer(FIRST_USER, 0, 0, 0, FIRST_USER + 1, 1), rekey(FIRST_USER, keys::key_hash(1))]);
    let shapes =
        [Shape { name: "gas", degree_bits: 10, runs: vec![(SlotClass::Gas, 4)], header_cells: 9, slot_cells: 0 }];
    let error = plan(&applied, context().operator, &shapes, Grouping::BySharedCells).unwrap_err();
    assert_eq!(error, PlanError::NoShapeFits { shapes: 1, left: 1 });
    let error = plan(&applied, context().operator, &[], Grouping::BySharedCells).unwrap_err();
    assert_eq!(error, PlanError::NoShapeFits { shapes: 0, left: 2 });
}

#[test]
fn the_operators_own_exit_is_in_the_first_chunk_or_an_error() {
    let world = genesis();
    let pay =
        |i: u32| Wish::Transfer { from: FIRST_USER + i % 12, to: FIRST_USER + 12 + i % 12, slot: 0, amount: 1, fee: 1 };
    let shapes = [small()];
    let exit = Wish::ForcedExit { account: OPERATOR, slot: 0 };
    let wishes: Vec<_> = (0..60).map(pay).chain([exit]).collect();
    let sound = applied(&world, &build(&world, &wishes));
    let plan_of_sound = plan_of(&sound, &shapes, Grouping::BySharedCells);
    assert!(plan_of_sound.chunks.len() > 1);
    assert!(plan_of_sound.chunks[0].transactions().any(|index| index == 60));

    // The operator is paid sixty times before: all that has to be in the first chunk too.
    let pay = |i: u32| Wish::Transfer { from: FIRST_USER + i % 12, to: OPERATOR, slot: 0, amount: 1, fee: 1 };
    let wishes: Vec<_> = (0..60).map(pay).chain([exit]).collect();
    let late = applied(&world, &build(&world, &wishes));
    let error = plan(&late, context().operator, &shapes, Grouping::BySharedCells).unwrap_err();
    assert_eq!(error, PlanError::OperatorExit { left: 61 - small().slot_count() });
}
