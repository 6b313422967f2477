//! Tests of openings: honest ones, and one broken rule each.

use std::sync::LazyLock;

use super::super::channel::Channel;
use super::super::tests::*;
use super::*;
use crate::chunk::tests::verdict::Violation::*;
use crate::chunk::tests::world::{account, asset, context, key_hash, quanta, World};
use crate::contract::testing::*;
use crate::hash::Digest;
use crate::transaction::{Rejection, Transaction};

static BENCH: LazyLock<Bench> = LazyLock::new(|| Bench::new("channels.open"));

fn users() -> World {
    World::with_users(3, FUNDS)
}

fn open(values: &[u64]) -> Transaction {
    signed_by(call("open_channel", ALICE, 0, 1000, values), Some(BOB))
}

#[test]
fn rows_of_an_opening() {
    assert_eq!(Bench::marginal_rows("channels.open"), 12113);
}

#[test]
fn what_an_opening_publishes() {
    let call = call("open_channel", ALICE, 0, 0, &open_values(1, 1, [600, 400]));
    let words = call.published();
    assert_eq!((words.len(), call.only_signed()), (20, vec![(1 << 56) - 1]));
    assert_eq!(words[..4], [40 << 48 | 1 << 32 | 10, 1 << 24, 600, 400]);
    let [key_a, key_b] = [ALICE, BOB].map(|party| key_hash(state_key(party)).halves());
    assert_eq!(words[4..6], [key_a[0] | u64::from(AT) << 32, key_a[1] | u64::from(BOB) << 32]);
    assert_eq!(words[6..12], key_a[2..]);
    assert_eq!(words[12..], key_b);
    assert_call_replays(&users(), &call);
    assert_eq!(replayed(&call, &users()).nonce, 0);
}

#[test]
fn both_parties_fund_a_channel() {
    for id in [0, 1] {
        let (violations, after) = BENCH.honest(&users(), &[open(&open_values(id, 1, [600, 400]))]);
        assert_eq!(violations, []);
        let expected = Channel { asset: asset(id as u16), salt: 1, ..channel() };
        assert_eq!(channel_in(&after), Some(expected));
        let fee = if id == 0 { 1000 } else { 0 };
        assert_eq!(balance(&after, ALICE, id as u16), FUNDS - 600 - fee);
        assert_eq!(balance(&after, BOB, id as u16), FUNDS - 400);
    }
    // One alone, with nothing of the other's; keys that are none.
    let mut values = open_values(1, 1, [600, 0]);
    values[6..22].fill(0);
    assert_eq!(BENCH.honest(&users(), &[open(&values)]).0, []);
}

#[test]
fn the_account_is_a_contracts() {
    let at = |channel: u32| {
        let mut values = open_values(1, 1, [600, 400]);
        values[CHANNEL] = channel.into();
        open(&values)
    };
    for channel in [FIRST_CONTRACT, (1 << 24) - 1] {
        assert_eq!(BENCH.honest(&users(), &[at(channel)]).0, []);
    }
    // The last one that L1 gives out, and one that is a user's.
    for channel in [FIRST_CONTRACT - 1, STRANGER] {
        assert_eq!(broken_rule(&users(), &at(channel)), "index");
    }
    assert_eq!(BENCH.forged(&users(), &at(FIRST_CONTRACT - 1), wanted), [Range(24)]);
}

#[test]
fn a_channel_that_is_there_is_not_overwritten() {
    let open = open(&open_values(1, 1, [600, 400]));
    for cell in [0, 1] {
        let mut world = users();
        world.set(keys(account(AT))[cell], channel().to_cells()[cell]);
        assert_eq!(broken_rule(&world, &open), "taken");
        assert_eq!(BENCH.forged(&world, &open, wanted), [Equation]);
        // Who says that it is absent finds another digest in the memory.
        let absent = |trace: &mut crate::chunk::trace::ChunkTrace| trace.calls[0].cells[cell].cell = Cell::ABSENT;
        assert_eq!(BENCH.forged_and(&world, &open, wanted, absent), [Memory]);
    }
}

#[test]
fn the_salt_is_the_nonce() {
    for salt in [0, 2, u64::from(u32::MAX)] {
        let open = open(&open_values(1, salt, [600, 400]));
        assert_eq!(broken_rule(&users(), &open), "salt");
        assert_eq!(BENCH.forged(&users(), &open, wanted), [Equation]);
    }
}

#[test]
fn an_opening_is_in_time() {
    let until = |deadline_s: u64| {
        let mut values = open_values(1, 1, [600, 400]);
        values[DEADLINE] = deadline_s;
        open(&values)
    };
    let now = context().timestamp_s;
    assert_eq!(BENCH.honest(&users(), &[until(now)]).0, []);
    for deadline_s in [0, now - 1] {
        assert_eq!(broken_rule(&users(), &until(deadline_s)), "deadline");
        assert_eq!(BENCH.forged(&users(), &until(deadline_s), wanted), [Range(56)]);
    }
}

#[test]
fn a_channel_holds_less_than_one_transaction_moves() {
    let half = 1 << 55;
    let (violations, _) = BENCH.honest(&users(), &[open(&open_values(1, 1, [half, half - 1]))]);
    assert_eq!(violations, []);
    let open = open(&open_values(1, 1, [half, half]));
    assert_eq!(broken_rule(&users(), &open), "total");
    assert_eq!(BENCH.forged(&users(), &open, wanted), [Range(56)]);
}

#[test]
fn a_party_does_not_open_a_channel_with_itself() {
    let mut values = open_values(1, 1, [600, 400]);
    values[B] = ALICE.into();
    let itself = signed_by(call("open_channel", ALICE, 0, 1000, &values), Some(ALICE));
    assert!(matches!(verdict(&users(), &itself), Err(Rejection::SameCellTwice { .. })));
}

#[test]
fn b_signs_too() {
    let values = open_values(1, 1, [600, 400]);
    for second in [None, Some(ALICE), Some(STRANGER)] {
        let open = signed_by(call("open_channel", ALICE, 0, 1000, &values), second);
        assert!(matches!(verdict(&users(), &open), Err(Rejection::WrongSecondKey)));
    }
}

#[test]
fn the_cells_hold_what_was_opened() {
    let open = open(&open_values(1, 1, [600, 400]));
    let honest = Channel { salt: 1, ..channel() };
    let others = [
        Channel { parties: [BOB, ALICE].map(account), ..honest },
        Channel { key_hashes: [key_hash(state_key(ALICE)); 2], ..honest },
        Channel { key_hashes: [Digest::ZERO, honest.key_hashes[1]], ..honest },
        Channel { asset: asset(2), ..honest },
        Channel { total: quanta(1001), ..honest },
        Channel { balance_a: quanta(601), ..honest },
        Channel { version: 1, ..honest },
        Channel { deadline: Some(END), ..honest },
        Channel { salt: 2, ..honest },
    ];
    for other in others {
        let cheat = |call: &Call, cells: &[Cell]| Effects { cells: other.to_cells().to_vec(), ..wanted(call, cells) };
        assert_eq!(BENCH.forged(&users(), &open, cheat), [Memory], "{other:?}");
    }
    for gains in [[-600, 0], [0, -400], [-599, -400], [0, -1000]] {
        let cheat = |call: &Call, cells: &[Cell]| Effects { gains: gains.to_vec(), ..wanted(call, cells) };
        assert_eq!(BENCH.forged(&users(), &open, cheat), [Memory], "{gains:?}");
    }
}
