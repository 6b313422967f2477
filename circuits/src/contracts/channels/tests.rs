//! What tests of channels share, and tests of cells and states.

mod agreement;
mod histories;

use plonky2::field::types::{Field, PrimeField64};

use super::channel::{keys, pack_parties, Channel};
use super::state::State;
use super::{Deadline, CHALLENGE_BATCHES, CHALLENGE_SECONDS};
use crate::account::{AssetId, Cell};
use crate::amount::Quanta;
use crate::chunk::tests::world::*;
use crate::context::Context;
use crate::contract::testing::*;
use crate::contract::{Call, Effects, SignedCall, FIRST_CONTRACT};
use crate::hash::F;
use crate::transaction::{Authorization, Transaction};

pub const AT: u32 = FIRST_CONTRACT + 5;
pub const ALICE: u32 = 10;
pub const BOB: u32 = 11;
pub const STRANGER: u32 = 12;
/// What each user has of each asset.
pub const FUNDS: u64 = 1 << 60;
/// The number of the batch that tests run in.
pub const BATCH: u64 = 3;
/// Its timestamp.
pub const NOW_S: u64 = 1_700_000_000;
/// The deadline of a channel that is disputed in it.
pub const END: Deadline =
    Deadline { batch_number: BATCH + CHALLENGE_BATCHES as u64, timestamp_s: NOW_S + CHALLENGE_SECONDS };
/// The latest deadline that is over in it.
pub const OVER: Deadline = Deadline { batch_number: BATCH - 1, timestamp_s: NOW_S - 1 };
/// Deadlines of which one clock or both still run: the last moment of each, and more.
pub const RUNNING: [Deadline; 8] = [
    Deadline { batch_number: BATCH, ..OVER },
    Deadline { timestamp_s: NOW_S, ..OVER },
    Deadline { batch_number: BATCH, timestamp_s: NOW_S },
    Deadline { batch_number: (1 << 32) + 1007, timestamp_s: 1 },
    Deadline { batch_number: 1, timestamp_s: (1 << 56) - 1 + CHALLENGE_SECONDS },
    Deadline { batch_number: END.batch_number, ..OVER },
    Deadline { timestamp_s: END.timestamp_s, ..OVER },
    END,
];

/// The key that a party signs states with: not its account's.
pub fn state_key(party: u32) -> u32 {
    party + 1000
}

/// 600 and 400 of asset 1, opened with a's seventh transaction.
pub fn channel() -> Channel {
    Channel {
        parties: [ALICE, BOB].map(account),
        key_hashes: [ALICE, BOB].map(|party| key_hash(state_key(party))),
        asset: asset(1),
        total: quanta(1000),
        balance_a: quanta(600),
        version: 0,
        deadline: None,
        salt: 7,
    }
}

pub fn world(channel: &Channel) -> World {
    let mut world = World::with_users(3, FUNDS);
    set_channel(&mut world, &channel.to_cells());
    world
}

pub fn set_channel(world: &mut World, cells: &[Cell]) {
    for (key, cell) in keys(account(AT)).into_iter().zip(cells) {
        world.set(key, *cell);
    }
}

pub fn channel_in(world: &World) -> Option<Channel> {
    let [header, state] = keys(account(AT)).map(|key| world.cell(key));
    Channel::from_cells(&header, &state)
}

/// A state of [`channel`]; final if it has no version.
pub fn agreed(version: u32, balance_a: u64) -> State {
    let Channel { parties, asset, salt, .. } = channel();
    let balance_a = quanta(balance_a);
    State { channel: account(AT), parties, asset, salt, is_final: version == 0, version, balance_a }
}

/// The state, signed by the channel key of `party`.
pub fn state_by(party: u32, state: &State) -> Option<Authorization> {
    Some(sign(state_key(party), state.message(context().domain.digest())))
}

/// A call signed by its account, with the second signature as given.
pub fn with_second(call: Call, second: Option<Authorization>) -> Transaction {
    let authorization = sign(call.account.get(), call.message(&context().domain));
    Transaction::Call(Box::new(SignedCall { call, authorization, second }))
}

/// The values that all closing calls begin with.
fn closing_values(salted: bool) -> Vec<u64> {
    let mut values = vec![AT.into(), ALICE.into(), BOB.into(), 1];
    values.extend(salted.then_some(7));
    values
}

pub fn close_call(signer: u32, balance_a: u64) -> Call {
    let mut values = closing_values(true);
    values.push(balance_a);
    call("close_channel", signer, 0, 1000, &values)
}

pub fn dispute_call(signer: u32, version: u64, balance_a: u64) -> Call {
    let mut values = closing_values(true);
    values.extend([balance_a, version]);
    call("dispute_channel", signer, 0, 1000, &values)
}

pub fn settle_call(signer: u32) -> Call {
    call("settle_channel", signer, 0, 1000, &closing_values(false))
}

pub fn open_values(asset: u64, salt: u64, amounts: [u64; 2]) -> Vec<u64> {
    let mut values = vec![asset, salt, amounts[0], amounts[1], AT.into(), BOB.into()];
    values.extend([ALICE, BOB].into_iter().flat_map(|party| key_hash(state_key(party)).halves()));
    values.push((1 << 56) - 1);
    values
}

/// Whether the signatures of a transaction are good; one that is not there is not looked for.
pub fn signatures_hold(transaction: &Transaction) -> bool {
    let domain = context().domain.digest();
    let own = transaction.authorization().zip(transaction.message_under(domain));
    own.into_iter()
        .chain(transaction.second_claim(domain))
        .all(|(authorization, message)| authorization.public_key.verify(message, &authorization.signature))
}

/// What a cheat wants of a call: what it does if nothing is checked.
pub fn wanted(call: &Call, cells: &[Cell]) -> Effects {
    let value = |i: usize| call.value(i);
    let element = |cell: usize, i: usize| cells[cell].0[i].to_canonical_u64();
    let payouts = |balance_a: u64| {
        let [own, other] = [balance_a as i64, element(0, 5) as i64 - balance_a as i64];
        let gains = if u64::from(call.account.get()) == value(1) { vec![own, other] } else { vec![other, own] };
        Effects { cells: vec![Cell::ABSENT; 2], gains }
    };
    match call.kind.name() {
        "open_channel" => {
            let amounts = [value(2), value(3)];
            let channel = Channel {
                parties: [call.account, call.account_at(5)],
                key_hashes: [call.digest_at(6), call.digest_at(14)],
                asset: call.asset_at(0),
                total: quanta(amounts[0] + amounts[1]),
                balance_a: quanta(amounts[0]),
                version: 0,
                deadline: None,
                salt: value(1) as u32,
            };
            Effects { cells: channel.to_cells().to_vec(), gains: amounts.map(|amount| -(amount as i64)).to_vec() }
        }
        "close_channel" => payouts(value(5)),
        "settle_channel" => payouts(element(1, 4)),
        _ => {
            let [last_batch, last_timestamp] = match element(1, 6) {
                0 => [END.batch_number, END.timestamp_s],
                last_batch => [last_batch, element(0, 7)],
            };
            let [mut header, mut state] = [cells[0], cells[1]];
            header.0[7] = F::from_canonical_u64(last_timestamp);
            for (i, value) in [(4, value(5)), (5, value(6)), (6, last_batch)] {
                state.0[i] = F::from_canonical_u64(value);
            }
            Effects { cells: vec![header, state], gains: vec![] }
        }
    }
}

#[test]
fn a_channel_is_read_from_its_cells_and_no_others() {
    let [header, state] = channel().to_cells();
    assert_eq!(Channel::from_cells(&header, &state), Some(channel()));
    let latest = Context { batch_number: u32::MAX, timestamp_s: (1 << 56) - 1, ..context() };
    for deadline in [END, Deadline { batch_number: 1, timestamp_s: 1 }, Deadline::after(&latest)] {
        let closing = Channel { deadline: Some(deadline), version: u32::MAX, balance_a: quanta(1000), ..channel() };
        let [header_of_closing, other] = closing.to_cells();
        assert_eq!(Channel::from_cells(&header_of_closing, &other), Some(closing));
        // Half a deadline is none.
        assert_eq!(Channel::from_cells(&header, &other), None);
        assert_eq!(Channel::from_cells(&header_of_closing, &state), None);
    }
    assert_eq!(Channel::from_cells(&header, &Cell::ABSENT).map(|channel| channel.salt), Some(0));
    for (i, value) in [(4, 1 << 60), (6, 2), (6, 0), (7, 1), (5, 599)] {
        let mut header = header;
        header.0[i] = F::from_canonical_u64(value);
        assert_eq!(Channel::from_cells(&header, &state), None, "header, element {i}");
    }
    for (i, value) in [(4, 1001), (5, 1 << 32), (7, 1 << 32)] {
        let mut state = state;
        state.0[i] = F::from_canonical_u64(value);
        assert_eq!(Channel::from_cells(&header, &state), None, "state, element {i}");
    }
}

#[test]
fn a_deadline_is_over_when_both_clocks_are() {
    assert_eq!((u64::from(context().batch_number), context().timestamp_s), (BATCH, NOW_S));
    assert_eq!(Deadline::after(&context()), END);
    assert!(OVER.is_over(&context()));
    assert!(RUNNING.iter().all(|deadline| !deadline.is_over(&context())));
    let [batches, seconds] = [CHALLENGE_BATCHES, CHALLENGE_SECONDS as u32];
    for (more_batches, more_seconds, over) in
        [(batches, seconds, false), (batches + 1, seconds, false), (batches, seconds + 1, false), (1, 1, false)]
            .into_iter()
            .chain([(batches + 1, seconds + 1, true), (u32::MAX - 3, seconds, false), (batches, u32::MAX, false)])
    {
        let later = Context {
            batch_number: context().batch_number + more_batches,
            timestamp_s: context().timestamp_s + u64::from(more_seconds),
            ..context()
        };
        assert_eq!(END.is_over(&later), over, "{more_batches} batches and {more_seconds} s later");
    }
}

#[test]
fn a_state_binds_everything_it_says() {
    let domain = context().domain;
    let one = agreed(5, 600);
    let others = [
        State { channel: account(AT + 1), ..one },
        State { parties: [BOB, ALICE].map(account), ..one },
        State { asset: asset(2), ..one },
        State { salt: 8, ..one },
        State { is_final: true, ..one },
        State { version: 6, ..one },
        State { balance_a: quanta(601), ..one },
    ];
    let message = one.message(domain.digest());
    assert!(others.iter().all(|other| other.message(domain.digest()) != message));
    let elsewhere = crate::context::Domain { chain_id: domain.chain_id + 1, ..domain };
    assert_ne!(one.message(elsewhere.digest()), message);
    assert_eq!(pack_parties([ALICE, BOB].map(account), asset(1)).to_canonical_u64(), 10 | 11 << 24 | 1 << 48);
}

#[test]
fn a_call_on_no_channel_is_not_completed() {
    let empty = World::with_users(3, FUNDS);
    for call in [close_call(ALICE, 250), dispute_call(ALICE, 5, 250), settle_call(ALICE)] {
        let again = replayed(&call, &empty);
        assert_eq!(again.check(), Ok(()));
        assert!(again.kind.form().apply(&again, &context(), &[Cell::ABSENT; 2]).is_err());
    }
}

#[test]
fn cells_are_never_absent() {
    // Even where everything that one can choose is zero.
    let cells = Channel {
        key_hashes: [crate::hash::Digest::ZERO; 2],
        total: Quanta::ZERO,
        balance_a: Quanta::ZERO,
        salt: 1,
        ..channel()
    };
    assert!(cells.to_cells().iter().all(|cell| !cell.is_absent()));
}
