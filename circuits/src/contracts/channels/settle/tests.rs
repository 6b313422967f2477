//! Tests of settlements: honest ones, and one broken rule each.

use std::sync::LazyLock;

use super::super::channel::Channel;
use super::super::deadline::Deadline;
use super::super::tests::*;
use super::*;
use crate::chunk::tests::verdict::Violation::*;
use crate::chunk::tests::world::{asset, quanta, World};
use crate::contract::testing::*;
use crate::transaction::Transaction;

static BENCH: LazyLock<Bench> = LazyLock::new(|| Bench::new("channels.settle"));

fn settle(signer: u32) -> Transaction {
    signed(settle_call(signer))
}

fn disputed(deadline: Option<Deadline>) -> Channel {
    Channel { version: 5, balance_a: quanta(250), deadline, ..channel() }
}

fn over() -> World {
    world(&disputed(Some(OVER)))
}

#[test]
fn rows_of_a_settlement() {
    assert_eq!(Bench::marginal_rows("channels.settle"), 7004);
}

#[test]
fn what_a_settlement_publishes() {
    let call = settle_call(BOB);
    let words = [43 << 48 | 11, u64::from(AT) << 24 | call.fee.encode() as u64, 0];
    assert_eq!(call.published(), words);
    assert_eq!(call.only_signed(), [10 | 11 << 24, 1 << 32]);
    assert_call_replays(&over(), &call);
}

#[test]
fn either_party_settles_and_both_are_paid() {
    let long_over = Deadline { batch_number: 1, timestamp_s: 1 };
    for (id, signer, deadline) in [(0, ALICE, long_over), (0, BOB, OVER), (1, ALICE, OVER), (1, BOB, OVER)] {
        let world = world(&Channel { asset: asset(id), ..disputed(Some(deadline)) });
        let mut call = settle_call(signer);
        call.values[ASSET] = id.into();
        let (violations, after) = BENCH.honest(&world, &[signed(call)]);
        assert_eq!(violations, []);
        let fee = |party| if id == 0 && party == signer { 1000 } else { 0 };
        assert_eq!(balance(&after, ALICE, id), FUNDS + 250 - fee(ALICE));
        assert_eq!(balance(&after, BOB, id), FUNDS + 750 - fee(BOB));
        assert_eq!(channel_in(&after), None);
    }
}

#[test]
fn there_is_a_channel() {
    let mut world = over();
    let mut cells = disputed(Some(OVER)).to_cells();
    cells[0].0[6] = plonky2::field::types::Field::TWO;
    set_channel(&mut world, &cells);
    assert_eq!(broken_rule(&world, &settle(ALICE)), "no_channel");
    assert_eq!(BENCH.forged(&world, &settle(ALICE), wanted), [Equation]);
}

#[test]
fn the_call_names_the_parties_and_the_asset() {
    for (position, value) in [(A, u64::from(STRANGER)), (B, u64::from(STRANGER)), (ASSET, 2)] {
        let mut call = settle_call(if position == A { BOB } else { ALICE });
        call.values[position] = value;
        assert_eq!(broken_rule(&over(), &signed(call.clone())), "parties");
        assert_eq!(BENCH.forged(&over(), &signed(call), wanted), [Equation]);
    }
}

#[test]
fn a_third_party_does_not_settle() {
    assert_eq!(broken_rule(&over(), &settle(STRANGER)), "not_a_party");
    assert_eq!(BENCH.forged(&over(), &settle(STRANGER), wanted), [Equation]);
}

#[test]
fn a_channel_that_nobody_disputed_stays() {
    assert_eq!(broken_rule(&world(&channel()), &settle(ALICE)), "not_closing");
    assert_eq!(BENCH.forged(&world(&channel()), &settle(ALICE), wanted), [Range(37)]);
}

#[test]
fn the_challenge_period_is_waited_for() {
    for deadline in RUNNING {
        let world = world(&disputed(Some(deadline)));
        assert_eq!(broken_rule(&world, &settle(BOB)), "early");
        let by_number = (deadline.batch_number >= BATCH).then_some(Range(37));
        let by_timestamp = (deadline.timestamp_s >= NOW_S).then_some(Range(56));
        let expected: Vec<_> = by_number.into_iter().chain(by_timestamp).collect();
        assert_eq!(BENCH.forged(&world, &settle(BOB), wanted), expected, "{deadline:?}");
    }
}

#[test]
fn the_channel_is_gone_and_pays_once() {
    let kept = |call: &Call, cells: &[Cell]| Effects { cells: cells.to_vec(), ..wanted(call, cells) };
    assert_eq!(BENCH.forged(&over(), &settle(ALICE), kept), [Memory]);
    for gains in [[250, 0], [0, 750], [750, 250], [600, 400], [1000, 0]] {
        let cheat = |call: &Call, cells: &[Cell]| Effects { gains: gains.to_vec(), ..wanted(call, cells) };
        assert_eq!(BENCH.forged(&over(), &settle(ALICE), cheat), [Memory], "{gains:?}");
    }
}
