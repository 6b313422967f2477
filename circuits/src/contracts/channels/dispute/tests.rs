//! Tests of disputes: honest ones, and one broken rule each.

use std::sync::LazyLock;

use super::super::state::State;
use super::super::tests::*;
use super::*;
use crate::chunk::tests::verdict::Violation::*;
use crate::chunk::tests::world::{account, context, quanta, sign, World};
use crate::contract::testing::*;
use crate::transaction::{Rejection, Transaction};

static BENCH: LazyLock<Bench> = LazyLock::new(|| Bench::new("channels.dispute"));

const END: u64 = BATCH + CHALLENGE_BATCHES as u64;

fn dispute(signer: u32, version: u32, balance_a: u64) -> Transaction {
    let state = State { is_final: false, ..agreed(version, balance_a) };
    let second = state_by(ALICE + BOB - signer, &state).filter(|_| version > 0);
    with_second(dispute_call(signer, version.into(), balance_a), second)
}

fn closing(version: u32, deadline: u64) -> World {
    world(&Channel { version, deadline: Some(deadline), ..channel() })
}

#[test]
fn rows_of_a_dispute() {
    assert_eq!(Bench::marginal_rows("channels.dispute"), 9699);
}

#[test]
fn what_a_dispute_publishes() {
    let call = dispute_call(BOB, 5, 250);
    let words = [42 << 48 | 11, u64::from(AT) << 24 | call.fee.encode() as u64, 250, 5];
    assert_eq!(call.published(), words);
    assert_eq!(call.only_signed(), [10 | 11 << 24, 7 | 1 << 32]);
    assert_call_replays(&world(&channel()), &call);
    assert_call_replays(&closing(4, BATCH), &call);
}

#[test]
fn a_newer_state_wins_until_the_deadline() {
    for signer in [ALICE, BOB] {
        let (violations, after) = BENCH.honest(&world(&channel()), &[dispute(signer, 5, 250)]);
        assert_eq!(violations, []);
        let expected = Channel { version: 5, balance_a: quanta(250), deadline: Some(END), ..channel() };
        assert_eq!(channel_in(&after), Some(expected));
        assert_eq!([ALICE, BOB].map(|party| balance(&after, party, 1)), [FUNDS; 2]);
    }
    // The answer in the same batch, and in the last one that it may be in.
    let (violations, after) = BENCH.honest(&world(&channel()), &[dispute(ALICE, 5, 250), dispute(BOB, 6, 0)]);
    assert_eq!(violations, []);
    let expected = Channel { version: 6, balance_a: quanta(0), deadline: Some(END), ..channel() };
    assert_eq!(channel_in(&after), Some(expected));
    let (violations, after) = BENCH.honest(&closing(4, BATCH), &[dispute(BOB, u32::MAX, 1000)]);
    assert_eq!(violations, []);
    let expected = Channel { version: u32::MAX, balance_a: quanta(1000), deadline: Some(BATCH), ..channel() };
    assert_eq!(channel_in(&after), Some(expected));
}

#[test]
fn the_opening_is_disputed_without_a_signature() {
    let (violations, after) = BENCH.honest(&world(&channel()), &[dispute(BOB, 0, 600), dispute(ALICE, 1, 0)]);
    assert_eq!(violations, []);
    assert_eq!(channel_in(&after).unwrap().version, 1);
}

#[test]
fn there_is_a_channel() {
    let mut world = world(&channel());
    let mut cells = channel().to_cells();
    cells[0].0[6] = F::ONE;
    set_channel(&mut world, &cells);
    assert_eq!(broken_rule(&world, &dispute(ALICE, 5, 250)), "no_channel");
    // The header stays what it is, or becomes a channel's.
    assert_eq!(BENCH.forged(&world, &dispute(ALICE, 5, 250), wanted), [Equation, Memory]);
    let made = |call: &Call, cells: &[Cell]| {
        let [header, _] = channel().to_cells();
        Effects { cells: vec![header, wanted(call, cells).cells[1]], gains: vec![] }
    };
    assert_eq!(BENCH.forged(&world, &dispute(ALICE, 5, 250), made), [Equation]);
}

#[test]
fn the_call_names_the_parties_and_the_asset() {
    for (position, value) in [(A, u64::from(STRANGER)), (B, u64::from(STRANGER)), (ASSET, 2)] {
        let mut call = dispute_call(if position == A { BOB } else { ALICE }, 5, 250);
        call.values[position] = value;
        let other = ALICE + BOB - call.account.get();
        let state = State { is_final: false, ..agreed(5, 250) };
        let transaction = with_second(call, state_by(other, &state));
        assert_eq!(broken_rule(&world(&channel()), &transaction), "parties");
        assert_eq!(BENCH.forged(&world(&channel()), &transaction, wanted), [Equation]);
    }
}

#[test]
fn a_third_party_does_not_dispute() {
    for version in [0, 5] {
        let state = State { is_final: false, ..agreed(version, 600) };
        let call = dispute_call(STRANGER, version.into(), 600);
        let transaction = with_second(call, state_by(ALICE, &state));
        assert_eq!(broken_rule(&world(&channel()), &transaction), "not_a_party");
        assert_eq!(BENCH.forged(&world(&channel()), &transaction, wanted), [Equation]);
    }
}

#[test]
fn a_state_is_of_this_channel_and_no_earlier_one() {
    let mut call = dispute_call(ALICE, 5, 250);
    call.values[SALT] = 6;
    let old = State { salt: 6, is_final: false, ..agreed(5, 250) };
    let transaction = with_second(call, state_by(BOB, &old));
    assert_eq!(broken_rule(&world(&channel()), &transaction), "salt");
    assert_eq!(BENCH.forged(&world(&channel()), &transaction, wanted), [Equation, Signature]);

    let right = State { is_final: false, ..agreed(5, 250) };
    let mut other_domain = context().domain;
    other_domain.chain_id += 1;
    let of = |state: State| state.message(context().domain.digest());
    let messages = [
        of(old),
        of(State { channel: account(AT + 1), ..right }),
        of(State { parties: [BOB, ALICE].map(account), ..right }),
        of(State { balance_a: quanta(600), ..right }),
        of(State { version: 4, ..right }),
        of(State { is_final: true, ..right }),
        of(agreed(0, 250)),
        right.message(other_domain.digest()),
        dispute_call(ALICE, 5, 250).message(&context().domain),
    ];
    for (i, message) in messages.into_iter().enumerate() {
        let transaction = with_second(dispute_call(ALICE, 5, 250), Some(sign(state_key(BOB), message)));
        assert!(!signatures_hold(&transaction), "message {i}");
        assert_eq!(BENCH.honest(&world(&channel()), &[transaction]).0, [Signature], "message {i}");
    }
}

#[test]
fn a_state_gives_no_more_than_there_is() {
    assert_eq!(broken_rule(&world(&channel()), &dispute(ALICE, 5, 1001)), "balance");
    assert_eq!(BENCH.forged(&world(&channel()), &dispute(ALICE, 5, 1001), wanted), [Range(56)]);
}

#[test]
fn the_opening_is_as_it_was() {
    for balance_a in [0, 601, 1000] {
        assert_eq!(broken_rule(&world(&channel()), &dispute(ALICE, 0, balance_a)), "unsigned");
        assert_eq!(BENCH.forged(&world(&channel()), &dispute(ALICE, 0, balance_a), wanted), [Equation]);
    }
}

#[test]
fn nothing_is_brought_after_the_deadline() {
    for signer in [ALICE, BOB] {
        assert_eq!(broken_rule(&closing(4, BATCH - 1), &dispute(signer, 5, 250)), "late");
        assert_eq!(BENCH.forged(&closing(4, BATCH - 1), &dispute(signer, 5, 250), wanted), [Range(37)]);
    }
}

#[test]
fn an_older_state_does_not_win() {
    // The same one again, one before it, the opening.
    for version in [4, 3, 1] {
        assert_eq!(broken_rule(&closing(4, END), &dispute(ALICE, version, 600)), "old");
        assert_eq!(BENCH.forged(&closing(4, END), &dispute(ALICE, version, 600), wanted), [Range(32)]);
    }
    for version in [0, 4] {
        assert_eq!(broken_rule(&closing(version, END), &dispute(ALICE, 0, 600)), "old");
        assert_eq!(BENCH.forged(&closing(version, END), &dispute(ALICE, 0, 600), wanted), [Range(32)]);
    }
}

#[test]
fn the_other_partys_channel_key_signs() {
    let message = State { is_final: false, ..agreed(5, 250) }.message(context().domain.digest());
    // The signer's own, nobody's, the key of the other's account.
    for key in [state_key(ALICE), 77, BOB] {
        let transaction = with_second(dispute_call(ALICE, 5, 250), Some(sign(key, message)));
        assert!(matches!(verdict(&world(&channel()), &transaction), Err(Rejection::WrongSecondKey)));
        let violations = BENCH.forged_and(&world(&channel()), &dispute(ALICE, 5, 250), wanted, |trace| {
            trace.calls[0].second = Some(sign(key, message));
        });
        assert_eq!(violations, [Equation; 4]);
    }
    let transaction = with_second(dispute_call(ALICE, 5, 250), None);
    assert!(matches!(verdict(&world(&channel()), &transaction), Err(Rejection::WrongSecondKey)));
    // A signature of the call itself is no signature of a state.
    let violations = BENCH.forged_and(&world(&channel()), &dispute(ALICE, 5, 250), wanted, |trace| {
        trace.calls[0].second = Some(sign(state_key(BOB), dispute_call(ALICE, 5, 250).message(&context().domain)));
    });
    assert_eq!(violations, [Signature]);
}

#[test]
fn the_cells_hold_what_was_brought() {
    let began = Channel { version: 5, balance_a: quanta(250), deadline: Some(END), ..channel() };
    let answered = Channel { deadline: Some(10), ..began };
    for (world, after) in [(world(&channel()), began), (closing(4, 10), answered)] {
        let others = [
            Channel { version: 6, ..after },
            Channel { balance_a: quanta(251), ..after },
            Channel { deadline: None, ..after },
            Channel { deadline: Some(BATCH), ..after },
            // Neither put off nor brought near.
            Channel { deadline: after.deadline.map(|deadline| deadline + 1), ..after },
            Channel { deadline: Some(END + 10), ..after },
            Channel { total: quanta(1001), ..after },
            Channel { salt: 8, ..after },
            Channel { parties: [BOB, ALICE].map(account), ..after },
            Channel { key_hashes: [after.key_hashes[1]; 2], ..after },
        ];
        for other in others {
            let cheat = |_: &Call, _: &[Cell]| Effects { cells: other.to_cells().to_vec(), gains: vec![] };
            assert_eq!(BENCH.forged(&world, &dispute(ALICE, 5, 250), cheat), [Memory], "{other:?}");
        }
    }
}
