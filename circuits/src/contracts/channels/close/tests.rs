//! Tests of closings by agreement: honest ones, and one broken rule each.

use std::sync::LazyLock;

use super::super::channel::Channel;
use super::super::state::State;
use super::super::tests::*;
use super::*;
use crate::chunk::tests::verdict::Violation::*;
use crate::chunk::tests::world::{account, asset, context, quanta, sign, World};
use crate::context::Domain;
use crate::contract::testing::*;
use crate::transaction::{Rejection, Transaction};

static BENCH: LazyLock<Bench> = LazyLock::new(|| Bench::new("channels.close"));

fn close(signer: u32, balance_a: u64) -> Transaction {
    with_second(close_call(signer, balance_a), state_by(ALICE + BOB - signer, &agreed(0, balance_a)))
}

#[test]
fn rows_of_a_closing() {
    assert_eq!(Bench::marginal_rows("channels.close"), 10904);
}

#[test]
fn what_a_closing_publishes() {
    let call = close_call(ALICE, 250);
    let words = [41 << 48 | 10, u64::from(AT) << 24 | call.fee.encode() as u64, 250];
    assert_eq!(call.published(), words);
    assert_eq!(call.only_signed(), [10 | 11 << 24, 7 | 1 << 32]);
    assert_call_replays(&world(&channel()), &call);
}

#[test]
fn either_party_closes_and_both_are_paid() {
    for id in [0, 1] {
        let closing = Channel { deadline: Some(OVER), version: 9, ..channel() };
        let running = Channel { deadline: Some(END), ..closing };
        for (signer, channel) in [(ALICE, channel()), (BOB, channel()), (ALICE, closing), (BOB, running)] {
            let world = world(&Channel { asset: asset(id), ..channel });
            let mut call = close_call(signer, 250);
            call.values[ASSET] = id.into();
            let state = State { asset: asset(id), ..agreed(0, 250) };
            let (violations, after) =
                BENCH.honest(&world, &[with_second(call, state_by(ALICE + BOB - signer, &state))]);
            assert_eq!(violations, []);
            let fee = |party| if id == 0 && party == signer { 1000 } else { 0 };
            assert_eq!(balance(&after, ALICE, id), FUNDS + 250 - fee(ALICE));
            assert_eq!(balance(&after, BOB, id), FUNDS + 750 - fee(BOB));
            assert!(keys_of(&after).iter().all(Cell::is_absent));
        }
    }
    for balance_a in [0, 1000] {
        assert_eq!(BENCH.honest(&world(&channel()), &[close(BOB, balance_a)]).0, []);
    }
}

fn keys_of(world: &World) -> [Cell; 2] {
    super::super::channel::keys(account(AT)).map(|key| world.cell(key))
}

#[test]
fn there_is_a_channel() {
    let mut world = world(&channel());
    let mut cells = channel().to_cells();
    cells[0].0[6] = plonky2::field::types::Field::from_canonical_u32(2);
    set_channel(&mut world, &cells);
    assert_eq!(broken_rule(&world, &close(ALICE, 250)), "no_channel");
    assert_eq!(BENCH.forged(&world, &close(ALICE, 250), wanted), [Equation]);
    set_channel(&mut world, &[Cell::ABSENT; 2]);
    assert_eq!(broken_rule(&world, &close(ALICE, 0)), "no_channel");
    assert!(BENCH.forged(&world, &close(ALICE, 0), wanted).contains(&Memory));
}

#[test]
fn the_call_names_the_parties_and_the_asset() {
    let changes = [(A, u64::from(STRANGER)), (B, u64::from(STRANGER)), (ASSET, 2), (ASSET, 0)];
    for (position, value) in changes {
        let mut call = close_call(if position == A { BOB } else { ALICE }, 250);
        call.values[position] = value;
        let other = ALICE + BOB - call.account.get();
        let transaction = with_second(call, state_by(other, &agreed(0, 250)));
        assert_eq!(broken_rule(&world(&channel()), &transaction), "parties");
        assert_eq!(BENCH.forged(&world(&channel()), &transaction, wanted), [Equation]);
    }
}

#[test]
fn a_third_party_does_not_close() {
    let transaction = with_second(close_call(STRANGER, 250), state_by(ALICE, &agreed(0, 250)));
    assert_eq!(broken_rule(&world(&channel()), &transaction), "not_a_party");
    assert_eq!(BENCH.forged(&world(&channel()), &transaction, wanted), [Equation]);
}

#[test]
fn a_state_is_of_this_channel_and_no_earlier_one() {
    // Of another salt, and the call says so.
    let mut call = close_call(ALICE, 250);
    call.values[SALT] = 6;
    let transaction = with_second(call, state_by(BOB, &State { salt: 6, ..agreed(0, 250) }));
    assert_eq!(broken_rule(&world(&channel()), &transaction), "salt");
    assert_eq!(BENCH.forged(&world(&channel()), &transaction, wanted), [Equation, Signature]);

    // The call says what the channel is, and the state is another's.
    let mut other_domain = context().domain;
    other_domain.contract.0[0] ^= 1;
    let elsewhere = Domain { chain_id: 1, ..context().domain };
    let of = |state: State| state.message(context().domain.digest());
    let messages = [
        of(State { salt: 6, ..agreed(0, 250) }),
        of(State { channel: account(AT + 1), ..agreed(0, 250) }),
        of(State { parties: [BOB, ALICE].map(account), ..agreed(0, 250) }),
        of(State { asset: asset(2), ..agreed(0, 250) }),
        of(State { balance_a: quanta(251), ..agreed(0, 250) }),
        of(State { is_final: false, ..agreed(0, 250) }),
        of(agreed(3, 250)),
        of(State { is_final: true, ..agreed(3, 250) }),
        agreed(0, 250).message(other_domain.digest()),
        agreed(0, 250).message(elsewhere.digest()),
        close_call(ALICE, 250).message(&context().domain),
    ];
    for (i, message) in messages.into_iter().enumerate() {
        let transaction = with_second(close_call(ALICE, 250), Some(sign(state_key(BOB), message)));
        assert!(!signatures_hold(&transaction), "message {i}");
        assert_eq!(BENCH.honest(&world(&channel()), &[transaction]).0, [Signature], "message {i}");
    }
}

#[test]
fn a_state_gives_no_more_than_there_is() {
    for signer in [ALICE, BOB] {
        let transaction = close(signer, 1001);
        assert_eq!(broken_rule(&world(&channel()), &transaction), "balance");
        assert_eq!(BENCH.forged(&world(&channel()), &transaction, wanted), [Range(56)]);
    }
}

#[test]
fn the_other_partys_channel_key_signs() {
    let message = agreed(0, 250).message(context().domain.digest());
    // The signer's own, nobody's, the key of the other's account, a third party's.
    for key in [state_key(ALICE), 77, BOB, state_key(STRANGER)] {
        let transaction = with_second(close_call(ALICE, 250), Some(sign(key, message)));
        assert!(matches!(verdict(&world(&channel()), &transaction), Err(Rejection::WrongSecondKey)));
        let violations = BENCH.forged_and(&world(&channel()), &close(ALICE, 250), wanted, |trace| {
            trace.calls[0].second = Some(sign(key, message));
        });
        assert_eq!(violations, [Equation; 4]);
    }
    let transaction = with_second(close_call(ALICE, 250), None);
    assert!(matches!(verdict(&world(&channel()), &transaction), Err(Rejection::WrongSecondKey)));
}

#[test]
fn the_channel_is_gone_and_pays_once() {
    let kept = |call: &Call, cells: &[Cell]| Effects { cells: cells.to_vec(), ..wanted(call, cells) };
    assert_eq!(BENCH.forged(&world(&channel()), &close(ALICE, 250), kept), [Memory]);
    for gains in [[250, 0], [0, 750], [750, 250], [250, 751], [1000, 0], [250, -250]] {
        let cheat = |call: &Call, cells: &[Cell]| Effects { gains: gains.to_vec(), ..wanted(call, cells) };
        assert_eq!(BENCH.forged(&world(&channel()), &close(ALICE, 250), cheat), [Memory], "{gains:?}");
    }
}
