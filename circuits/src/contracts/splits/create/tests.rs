//! Tests of opening splits: native against circuit, one broken rule each, words, rows.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::account::Header;
use crate::chunk::tests::verdict::Violation::{self, *};
use crate::chunk::tests::world::{account, World};
use crate::contract::testing::*;
use crate::contracts::splits::split::CLAIMS_SLOT;
use crate::contracts::splits::testing::*;
use crate::transaction::Transaction;

static BENCH: LazyLock<Bench> = LazyLock::new(|| Bench::new("splits.create"));

const SIGNER: u32 = 10;

fn create(split: u32, holders: &[(u32, u64)]) -> Transaction {
    let mut values = vec![2, u64::from(split)];
    values.extend(holders.iter().flat_map(|&(holder, weight)| [holder.into(), weight]));
    values.resize(SPEC.value_count(), 0);
    signed(call("create_split", SIGNER, 0, 1000, &values))
}

/// As many holders, all weights but the last 100.
fn holders(count: u32) -> Vec<(u32, u64)> {
    let weight = |i| if i + 1 == count { WHOLE_BPS - 100 * u64::from(count - 1) } else { 100 };
    (0..count).map(|i| (10 + i, weight(i))).collect()
}

fn world() -> World {
    World::with_users(USERS, ENOUGH)
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
    assert_eq!(Bench::marginal_rows("splits.create"), 8481);
}

#[test]
fn words_of_a_creation() {
    let Transaction::Call(signed) = create(SPLIT_ACCOUNT, &[(10, 4000), (0xabcdef, 6000)]) else { panic!("a call") };
    let mut words = vec![
        32 << 48 | 2 << 32 | u64::from(SIGNER),
        u64::from(SPLIT_ACCOUNT) << 24 | 1000 << 5,
        4000 << 24 | 10,
        6000 << 24 | 0xabcdef,
    ];
    words.resize(18, 0);
    assert_eq!(signed.call.published(), words);
    assert!(signed.call.only_signed().is_empty());
}

#[test]
fn splits_are_opened() {
    for count in [1, 2, 7, 8, 9, 16] {
        let holders = holders(count);
        let create = create(SPLIT_ACCOUNT, &holders);
        assert_replays(&world(), &create);
        assert_eq!(create.cells().count(), if count > 8 { 4 } else { 3 });
        let (violations, after) = BENCH.honest(&world(), &[create]);
        assert_eq!(violations, []);
        let expected = world_with_split(2, 0, &holders);
        let account = account(SPLIT_ACCOUNT);
        for slot in
            [account.header_key(), slot_key(account, HOLDERS_SLOT, false), slot_key(account, HOLDERS_SLOT, true)]
        {
            assert_eq!(after.cell(slot), expected.cell(slot));
        }
        assert!(after.cell(slot_key(account, CLAIMS_SLOT, false)).is_absent());
    }
}

#[test]
fn splits_are_in_accounts_of_contracts() {
    let create = create(FIRST_CONTRACT - 1, &holders(2));
    assert_eq!(broken_rule(&world(), &create), "account");
    assert_eq!(forged(&world(), &create), [Range(24)]);
}

#[test]
fn what_is_taken_stays() {
    let taken = |keys: &[crate::account::CellKey]| {
        let mut world = world();
        keys.iter().for_each(|&key| world.set(key, Cell([F::ONE; CELL_LEN])));
        world
    };
    let account = account(SPLIT_ACCOUNT);
    let create = create(SPLIT_ACCOUNT, &holders(9));
    for (cell, key) in
        [account.header_key(), slot_key(account, HOLDERS_SLOT, false), slot_key(account, HOLDERS_SLOT, true)]
            .into_iter()
            .enumerate()
    {
        let world = taken(&[key]);
        assert_eq!(broken_rule(&world, &create), "taken");
        assert_eq!(forged(&world, &create), [Equation]);
        // Who says that nothing is there contradicts the memory.
        let absent =
            BENCH.forged_and(&world, &create, careless, |trace| trace.calls[0].cells[cell].cell = Cell::ABSENT);
        assert_eq!(absent, [Memory]);
    }
}

#[test]
fn holders_have_weights() {
    for index in [1, 2, 15] {
        let mut holders = holders(1);
        holders.resize(index, (0, 0));
        holders.push((11, 0));
        let create = create(SPLIT_ACCOUNT, &holders);
        assert_eq!(broken_rule(&world(), &create), "no_weight");
        assert_eq!(forged(&world(), &create), [Equation]);
    }
}

#[test]
fn holders_leave_no_gap() {
    for gap in [0, 1, 7, 8, 14] {
        let mut holders = holders(16);
        holders[15].1 += holders[gap].1;
        holders[gap] = (0, 0);
        let create = create(SPLIT_ACCOUNT, &holders);
        assert_eq!(broken_rule(&world(), &create), "gap");
        assert_eq!(forged(&world(), &create), [Equation]);
    }
}

#[test]
fn weights_come_to_the_whole() {
    let wrong: [&[(u32, u64)]; 5] =
        [&[(10, 9_999)], &[(10, 10_001)], &[(10, 5_000), (11, 5_001)], &[(10, 65_535)], &[(10, 1), (11, 9_998)]];
    for holders in wrong {
        let create = create(SPLIT_ACCOUNT, holders);
        assert_eq!(broken_rule(&world(), &create), "weights");
        assert_eq!(forged(&world(), &create), [Equation]);
    }
    // A cell of nobody would be one of eight zeros that is not absent: the memory has no such cell.
    let nobody = create(SPLIT_ACCOUNT, &[]);
    assert_eq!(broken_rule(&world(), &nobody), "weights");
    assert_eq!(forged(&world(), &nobody), [Equation, Memory]);
}

#[test]
fn cells_are_as_called() {
    let create = create(SPLIT_ACCOUNT, &holders(9));
    for cell in 0..3 {
        for element in 0..CELL_LEN {
            let forge = |call: &Call, _: &[Cell]| {
                let mut effects = created(call);
                effects.cells[cell].0[element] += F::ONE;
                effects
            };
            assert_eq!(BENCH.forged(&world(), &create, forge), [Memory]);
        }
    }
}

/// Holders whose weights come to the whole mostly.
fn any_holders() -> impl Strategy<Value = Vec<(u32, u64)>> {
    let cuts = prop::collection::vec(1..WHOLE_BPS, 0..HOLDERS);
    let change = prop_oneof![5 => Just(None), 1 => (0..HOLDERS, 0u32..3, 0u64..3).prop_map(Some)];
    (cuts, change).prop_map(|(mut cuts, change)| {
        cuts.extend([0, WHOLE_BPS]);
        cuts.sort_unstable();
        cuts.dedup();
        let mut holders: Vec<(u32, u64)> = cuts.windows(2).zip(10..).map(|(cut, i)| (i, cut[1] - cut[0])).collect();
        if let Some((index, holder, weight)) = change {
            holders.resize(HOLDERS, (0, 0));
            holders[index] = (holder, weight);
        }
        holders
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn native_and_circuit_agree(holders in any_holders(), below in 0u32..8, taken in any::<bool>()) {
        let account_of_split = if below == 0 { FIRST_CONTRACT - 5 } else { SPLIT_ACCOUNT };
        let create = create(account_of_split, &holders);
        let mut world = world();
        if taken && below == 1 {
            world.set(account(SPLIT_ACCOUNT).header_key(), Header::open(Default::default(), Quanta::ZERO).to_cell());
        }
        let native = verdict(&world, &create);
        let circuit = forged(&world, &create);
        prop_assert_eq!(native.is_ok(), circuit.is_empty(), "{:?} {:?}", native.err(), circuit);
        if native.is_ok() {
            assert_replays(&world, &create);
        }
    }
}
