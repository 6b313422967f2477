//! Tests of claims: native against circuit, one broken rule each, exact shares over any order, words, rows.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::account::Header;
use crate::chunk::tests::verdict::Violation::{self, *};
use crate::chunk::tests::world::{account, asset, quanta, World};
use crate::contract::testing::*;
use crate::contracts::splits::split::share;
use crate::contracts::splits::testing::*;
use crate::transaction::Transaction;

static BENCH: LazyLock<Bench> = LazyLock::new(|| Bench::new("splits.claim"));

const HOLDING: u32 = 10;
/// Number 3 is a holder's of the first cell, and 9 of the second.
const SHARES: [(u32, u64); 10] = [
    (11, 1000),
    (11, 1000),
    (11, 1000),
    (HOLDING, 3333),
    (11, 667),
    (11, 500),
    (11, 500),
    (12, 500),
    (12, 500),
    (HOLDING, 1000),
];

fn claim(asset: u64, index: u64) -> Transaction {
    signed(call("claim_share", HOLDING, 0, 1000, &[asset, SPLIT_ACCOUNT.into(), index]))
}

fn world(asset: u16, total: u64) -> World {
    world_with_split(asset, total, &SHARES)
}

fn set_claimed(world: &mut World, index: usize, amount: u64) {
    let key = slot_key(account(SPLIT_ACCOUNT), CLAIMS_SLOT, index >= CELL_LEN);
    let mut cell = world.cell(key);
    cell.0[index % CELL_LEN] = F::from_canonical_u64(amount);
    world.set(key, cell);
}

/// What a prover would have who asks nothing: their weight of the total, less what they claimed.
fn careless(call: &Call, cells: &[Cell]) -> Effects {
    let element = position(call).1;
    let weight_bps = cells[1].0[element].to_canonical_u64() >> 24;
    let total = quanta(cells[0].0[1].to_canonical_u64());
    let before = cells[2].0[element].to_canonical_u64();
    let entitlement = Split { asset: asset(0), total }.entitlement(weight_bps);
    claimed(call, cells, entitlement.saturating_sub(before).min(WORD_MASK))
}

fn forged(world: &World, transaction: &Transaction) -> Vec<Violation> {
    BENCH.forged(world, transaction, careless)
}

#[test]
fn rows_of_a_claim() {
    assert_eq!(Bench::marginal_rows("splits.claim"), 6948);
}

#[test]
fn words_of_a_claim() {
    let Transaction::Call(signed) = claim(2, 9) else { panic!("a call") };
    let words = [34 << 48 | 2 << 32 | u64::from(HOLDING), u64::from(SPLIT_ACCOUNT) << 24 | 1000 << 5, 9];
    assert_eq!(signed.call.published(), words);
    assert!(signed.call.only_signed().is_empty());
}

#[test]
fn shares_are_paid_from_both_cells() {
    for (id, fee) in [(0, 1000), (2, 0)] {
        for (index, share) in [(3, 33_333), (9, 10_001)] {
            let mut world = world(id, 100_010);
            set_claimed(&mut world, 0, 5);
            let claim = claim(id.into(), index);
            assert_replays(&world, &claim);
            let (violations, after) = BENCH.honest(&world, &[claim]);
            assert_eq!(violations, []);
            assert_eq!(claimed_by(&after, index as usize), share);
            assert_eq!(balance(&after, HOLDING, id), ENOUGH + share - fee);
            assert_eq!(held(&after) + share, held(&world));
        }
    }
}

/// A share of more than one transaction moves takes several claims.
#[test]
fn large_shares_are_paid_in_parts() {
    let mut world = world(1, (1 << 62) - 1);
    let share = split(&world).entitlement(3333);
    set_claimed(&mut world, 3, share - 2 * WORD_MASK - 1);
    for (nonce, paid) in [WORD_MASK, WORD_MASK, 1].into_iter().enumerate() {
        let Transaction::Call(call) = claim(1, 3) else { panic!("a call") };
        let claim = signed(Call { nonce: nonce as u64, ..call.call });
        let (violations, after) = BENCH.honest(&world, &[claim]);
        assert_eq!(violations, []);
        assert_eq!(claimed_by(&after, 3) - claimed_by(&world, 3), paid);
        world = after;
    }
    assert_eq!(claimed_by(&world, 3), share);
}

#[test]
fn there_are_sixteen_holders() {
    for index in [16 + 3, 4095] {
        let claim = claim(1, index);
        assert_eq!(broken_rule(&world(1, 100), &claim), "index");
        let violations = forged(&world(1, 100), &claim);
        assert!(violations.contains(&Bits), "{violations:?}");
    }
    assert_eq!(forged(&world(1, 100), &claim(1, 16 + 3)), [Bits]);
}

#[test]
fn only_a_split_pays() {
    for kind in 1..4 {
        let mut world = world(1, 100);
        let mut cell = split(&world).to_cell();
        cell.0[Header::KIND] = F::from_canonical_u32(kind);
        world.set(account(SPLIT_ACCOUNT).header_key(), cell);
        assert_eq!(broken_rule(&world, &claim(1, 3)), "no_split");
        assert_eq!(forged(&world, &claim(1, 3)), [Equation]);
    }
    // Nothing is there, and the prover says that it was a split, or a holder.
    let truth = world(1, 100);
    let account = account(SPLIT_ACCOUNT);
    for (cell, key) in [account.header_key(), slot_key(account, HOLDERS_SLOT, false)].into_iter().enumerate() {
        let mut world = truth.clone();
        world.set(key, Cell::ABSENT);
        let found = truth.cell(key);
        assert!(verdict(&world, &claim(1, 3)).is_err());
        let forge = |call: &Call, cells: &[Cell]| {
            let mut cells = cells.to_vec();
            cells[cell] = found;
            careless(call, &cells)
        };
        let violations = BENCH.forged_and(&world, &claim(1, 3), forge, |trace| trace.calls[0].cells[cell].cell = found);
        assert_eq!(violations, [Memory]);
    }
}

#[test]
fn a_split_pays_in_its_asset() {
    for other in [0, 2] {
        assert_eq!(broken_rule(&world(1, 100), &claim(other, 3)), "asset");
        assert_eq!(forged(&world(1, 100), &claim(other, 3)), [Equation]);
    }
}

#[test]
fn only_the_holder_claims() {
    let world = world(1, 1 << 40);
    for index in [0, 4, 7, 8] {
        assert_eq!(broken_rule(&world, &claim(1, index)), "holder");
        // What is due for such a weight is out of range too.
        assert!(forged(&world, &claim(1, index)).contains(&Range(WEIGHT_BITS)));
    }
    // Nobody is number 10.
    assert_eq!(broken_rule(&world, &claim(1, 10)), "holder");
    assert!(forged(&world, &claim(1, 10)).contains(&Range(WEIGHT_BITS)));
    // There is no second cell.
    let small = world_with_split(1, 1 << 40, &[(HOLDING, WHOLE_BPS)]);
    assert_eq!(broken_rule(&small, &claim(1, 8)), "holder");
    assert!(forged(&small, &claim(1, 8)).contains(&Memory));
}

/// A share's weight is what is left of it without its holder, whoever that is: no account reads as another's weight.
#[test]
fn a_share_has_one_reading() {
    let world = world_with_split(1, 1 << 40, &[(HOLDING + 1, 1), (HOLDING, WHOLE_BPS - 1)]);
    assert_eq!(weight_of(share(account(HOLDING + 1), 1), account(HOLDING)), None);
    assert!(forged(&world, &claim(1, 0)).contains(&Range(WEIGHT_BITS)));
}

#[test]
fn nothing_due_is_refused() {
    let mut world = world(1, 100_010);
    set_claimed(&mut world, 3, 33_333);
    assert_eq!(broken_rule(&world, &claim(1, 3)), "nothing");
    assert_eq!(forged(&world, &claim(1, 3)), [Range(TRANSFER_BITS)]);
    // More was claimed than there is: no state that a split gets into.
    set_claimed(&mut world, 3, 33_334);
    assert_eq!(broken_rule(&world, &claim(1, 3)), "nothing");
    assert!(forged(&world, &claim(1, 3)).contains(&Bits));
}

#[test]
fn what_is_paid_is_what_is_due() {
    for total in [100_010, (1 << 62) - 1] {
        let mut world = world(1, total);
        set_claimed(&mut world, 3, 11);
        for (gain, more) in [(1, 0), (-1, 0), (0, 1), (1, 1), (-1, -1), (WORD_MASK as i64, WORD_MASK as i64)] {
            let forge = |call: &Call, cells: &[Cell]| {
                let mut effects = careless(call, cells);
                effects.gains[0] += gain;
                effects.cells[2].0[3] += F::from_noncanonical_i64(more);
                effects
            };
            assert_eq!(BENCH.forged(&world, &claim(1, 3), forge), [Memory]);
        }
        // Nor does anything else change.
        for (cell, element) in [(0, 0), (0, 1), (0, 6), (1, 3), (1, 0), (2, 0), (2, 7)] {
            let forge = |call: &Call, cells: &[Cell]| {
                let mut effects = careless(call, cells);
                effects.cells[cell].0[element] += F::ONE;
                effects
            };
            assert_eq!(BENCH.forged(&world, &claim(1, 3), forge), [Memory]);
        }
    }
}

/// Weights that come to the whole, of up to sixteen holders out of four users.
fn weights() -> impl Strategy<Value = Vec<(u32, u64)>> {
    prop::collection::vec(1..WHOLE_BPS, 0..HOLDERS).prop_map(|mut cuts| {
        cuts.extend([0, WHOLE_BPS]);
        cuts.sort_unstable();
        cuts.dedup();
        let holder = |i: usize| 10 + i as u32 % USERS;
        cuts.windows(2).enumerate().map(|(i, cut)| (holder(i), cut[1] - cut[0])).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn native_and_circuit_agree(
        holders in weights(),
        index in prop_oneof![12 => 0..HOLDERS as u64, 1 => 16u64..4096],
        signer in prop_oneof![4 => Just(None), 1 => (10..10 + USERS).prop_map(Some)],
        total in amounts(62),
        before in prop_oneof![Just(0), 0..100u64, Just(100u64)],
        other in 0u64..20,
    ) {
        let mut world = world_with_split(1, total, &holders);
        let index_held = index as usize % HOLDERS;
        let (holder, weight) = holders.get(index_held).copied().unwrap_or((10, 0));
        // Claimed before: any part of what is due, in hundredths.
        let claimed_before = (u128::from(split(&world).entitlement(weight)) * u128::from(before) / 100) as u64;
        set_claimed(&mut world, index_held, claimed_before);
        let asset = if other < 3 { other } else { 1 };
        let values = [asset, SPLIT_ACCOUNT.into(), index];
        let claim = signed(call("claim_share", signer.unwrap_or(holder), 0, 1000, &values));
        let native = verdict(&world, &claim);
        let circuit = forged(&world, &claim);
        prop_assert_eq!(native.is_ok(), circuit.is_empty(), "{:?} {:?}", native.err(), circuit);
        if native.is_ok() {
            assert_replays(&world, &claim);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the order of payments and claims: nothing is made or lost on the way, and in the end each holder has
    /// exactly their share of all that was paid.
    #[test]
    fn shares_are_exact(
        holders in weights(),
        steps in prop::collection::vec(
            (any::<bool>(), 10..10 + USERS, 0..HOLDERS, prop_oneof![4 => amounts(56), 1 => Just(WORD_MASK)]),
            1..30,
        ),
    ) {
        let mut world = world_with_split(1, 0, &holders);
        // Thirty of the largest payments.
        (10..10 + USERS).for_each(|user| fund(&mut world, user, 1, 1 << 61));
        let all = |world: &World| (10..10 + USERS).map(|user| balance(world, user, 1)).sum::<u64>() + held(world);
        let before = all(&world);
        let mut paid = 0;
        let claim_of = |world: &World, index: usize| {
            let holder = holders[index].0;
            let values = [1, SPLIT_ACCOUNT.into(), index as u64];
            signed(call("claim_share", holder, next_nonce(world, holder), 0, &values))
        };
        for (pays, payer, index, amount) in steps {
            let amount = amount.max(1);
            if pays {
                let values = [1, SPLIT_ACCOUNT.into(), amount];
                let pay = signed(call("pay_split", payer, next_nonce(&world, payer), 0, &values));
                world = verdict(&world, &pay).unwrap();
                paid += amount;
            } else {
                let claim = claim_of(&world, index % holders.len());
                world = verdict(&world, &claim).unwrap_or(world);
            }
            prop_assert_eq!(all(&world), before);
        }
        prop_assert_eq!(split(&world).total.get(), paid);
        for (index, &(_, weight)) in holders.iter().enumerate() {
            while let Ok(after) = verdict(&world, &claim_of(&world, index)) {
                world = after;
            }
            let share = u128::from(paid) * u128::from(weight) / 10_000;
            prop_assert_eq!(u128::from(claimed_by(&world, index)), share);
        }
        prop_assert_eq!(all(&world), before);
        prop_assert!(held(&world) < holders.len() as u64);
    }
}
