//! Tests of disputes: honest ones, and one broken rule each.

use std::sync::LazyLock;

use plonky2::iop::target::Target;

use super::super::state::State;
use super::super::tests::*;
use super::super::{CHALLENGE_BATCHES, CHALLENGE_SECONDS};
use super::*;
use crate::chunk::tests::verdict::Violation::*;
use crate::chunk::tests::world::{account, context, quanta, sign, World};
use crate::contract::testing::*;
use crate::transaction::{Rejection, Transaction};

static BENCH: LazyLock<Bench> = LazyLock::new(|| Bench::new("channels.dispute"));

fn dispute(signer: u32, version: u32, balance_a: u64) -> Transaction {
    let state = State { is_final: false, ..agreed(version, balance_a) };
    let second = state_by(ALICE + BOB - signer, &state).filter(|_| version > 0);
    with_second(dispute_call(signer, version.into(), balance_a), second)
}

fn closing(version: u32, deadline: Deadline) -> World {
    world(&Channel { version, deadline: Some(deadline), ..channel() })
}

#[test]
fn rows_of_a_dispute() {
    assert_eq!(Bench::marginal_rows("channels.dispute"), 9679);
}

#[test]
fn what_a_dispute_publishes() {
    let call = dispute_call(BOB, 5, 250);
    let words = [42 << 48 | 11, u64::from(AT) << 24 | call.fee.encode() as u64, 250, 5];
    assert_eq!(call.published(), words);
    assert_eq!(call.only_signed(), [10 | 11 << 24, 7 | 1 << 32]);
    assert_call_replays(&world(&channel()), &call);
    assert_call_replays(&closing(4, RUNNING[0]), &call);
    assert_call_replays(&closing(4, RUNNING[1]), &call);
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
    for deadline in RUNNING {
        let (violations, after) = BENCH.honest(&closing(4, deadline), &[dispute(BOB, u32::MAX, 1000)]);
        assert_eq!(violations, [], "{deadline:?}");
        let expected = Channel { version: u32::MAX, balance_a: quanta(1000), deadline: Some(deadline), ..channel() };
        assert_eq!(channel_in(&after), Some(expected));
    }
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
    let made = |_: &Call, _: &[Cell]| {
        let made = Channel { version: 5, balance_a: quanta(250), deadline: Some(END), ..channel() };
        Effects { cells: made.to_cells().to_vec(), gains: vec![] }
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
    let long_over = Deadline { batch_number: 1, timestamp_s: 1 };
    for (signer, deadline) in [(ALICE, OVER), (BOB, OVER), (ALICE, long_over)] {
        assert_eq!(broken_rule(&closing(4, deadline), &dispute(signer, 5, 250)), "late");
        assert_eq!(BENCH.forged(&closing(4, deadline), &dispute(signer, 5, 250), wanted), [Range(62)]);
    }
}

/// What the prover says of the clocks in the first slot.
fn says_by_number(said: F) -> [(Target, F); 1] {
    [(BENCH.examiner.hints("sheaf.ClockGenerator")[0][0], said)]
}

#[test]
fn no_clock_that_is_over_is_said_to_run() {
    let violations = |deadline: Deadline, said: F| {
        let dispute = dispute(ALICE, 5, 250);
        BENCH.forged_with(&closing(4, deadline), &dispute, wanted, |_| (), &says_by_number(said))
    };
    let long_over = Deadline { batch_number: 1, timestamp_s: 1 };
    for deadline in [OVER, long_over].into_iter().chain(RUNNING) {
        let by_number = deadline.batch_number >= BATCH;
        let by_timestamp = deadline.timestamp_s >= NOW_S;
        for (said, runs) in [(F::ONE, by_number), (F::ZERO, by_timestamp)] {
            let expected: &[_] = if runs { &[] } else { &[Range(62)] };
            assert_eq!(violations(deadline, said), expected, "{deadline:?}, {said}");
        }
    }
    // As much of both as makes the difference 0: b · (−1) + (1 − b) · (−5) = 0.
    let deadline = Deadline { batch_number: BATCH - 1, timestamp_s: NOW_S - 5 };
    let mixed = F::from_canonical_u32(5) * F::from_canonical_u32(4).inverse();
    assert_eq!(violations(deadline, mixed), [Equation]);
}

/// A prover who says that a closing channel is not, so that the period begins anew; or that an open one is closing,
/// without a deadline.
#[test]
fn only_the_first_dispute_sets_the_deadline() {
    let dispute = dispute(ALICE, 5, 250);
    let after = |deadline: Option<Deadline>| {
        let channel = Channel { version: 5, balance_a: quanta(250), deadline, ..channel() };
        move |_: &Call, _: &[Cell]| Effects { cells: channel.to_cells().to_vec(), gains: vec![] }
    };
    let cases = [
        (closing(4, OVER), Some(END), F::ONE),
        (closing(4, RUNNING[0]), Some(END), F::ONE),
        (closing(7, END), Some(END), F::ONE),
        (world(&channel()), None, F::ZERO),
        (world(&channel()), Some(OVER), F::ZERO),
    ];
    let equalities = BENCH.examiner.hints("EqualityGenerator");
    for (i, (world, deadline, equal)) in cases.into_iter().enumerate() {
        let mut got_past_memory = false;
        assert_ne!(BENCH.forged(&world, &dispute, after(deadline)), [], "case {i}");
        for hint in &equalities {
            let &[said, inverse] = &hint[..] else { panic!("a flag and an inverse") };
            for by in [F::ZERO, F::ONE] {
                let forced = [(said, equal), (inverse, by)];
                let violations = BENCH.forged_with(&world, &dispute, after(deadline), |_| (), &forced);
                assert_ne!(violations, [], "case {i}");
                got_past_memory |= !violations.contains(&Memory);
            }
        }
        // One of them is that of the deadline: then it is not the memory that finds out.
        assert_eq!(got_past_memory, i < 4, "case {i}");
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
    let standing = Deadline { batch_number: 10, timestamp_s: NOW_S + 100 };
    let answered = Channel { deadline: Some(standing), ..began };
    for (world, after) in [(world(&channel()), began), (closing(4, standing), answered)] {
        let moved = |batches: u64, seconds: u64| {
            let Deadline { batch_number, timestamp_s } = after.deadline.unwrap();
            // Minus one is u64::MAX.
            let [batch_number, timestamp_s] =
                [(batch_number, batches), (timestamp_s, seconds)].map(|(last, more)| last.wrapping_add(more));
            Channel { deadline: Some(Deadline { batch_number, timestamp_s }), ..after }
        };
        let others = [
            Channel { version: 6, ..after },
            Channel { balance_a: quanta(251), ..after },
            Channel { deadline: None, ..after },
            Channel { deadline: Some(OVER), ..after },
            // Neither put off nor brought near, by one clock or both.
            moved(1, 0),
            moved(0, 1),
            moved(u64::MAX, 0),
            moved(0, u64::MAX),
            moved(CHALLENGE_BATCHES.into(), 0),
            moved(0, CHALLENGE_SECONDS),
            moved(CHALLENGE_BATCHES.into(), CHALLENGE_SECONDS),
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
