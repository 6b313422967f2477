//! Histories of channels: nothing is created or lost, and old states are worth nothing.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::account::{AccountIndex, Header};
use crate::context::Context;
use crate::transaction::execute;

const USERS: [u32; 3] = [ALICE, BOB, STRANGER];
const INDICES: [u32; 2] = [AT, AT + 1];

fn channels(world: &World) -> impl Iterator<Item = (AccountIndex, Channel)> + '_ {
    INDICES.into_iter().filter_map(|index| {
        let [header, state] = keys(account(index)).map(|key| world.cell(key));
        Some((account(index), Channel::from_cells(&header, &state)?))
    })
}

/// All that there is of an asset.
fn supply(world: &World, asset: u16) -> u64 {
    let users: u64 = USERS.iter().map(|&user| balance(world, user, asset)).sum();
    let locked = channels(world).filter(|(_, channel)| channel.asset.get() == asset);
    users + locked.map(|(_, channel)| channel.total.get()).sum::<u64>()
}

/// A call that makes some sense in `world`.
fn random_call(rng: &mut ChaCha8Rng, world: &World) -> Transaction {
    let index = INDICES[rng.gen_range(0..2)];
    let signer = USERS[rng.gen_range(0..3)];
    let header = Header::from_cell(&world.cell(account(signer).header_key())).unwrap().unwrap();
    let found = channels(world).find(|(account, _)| account.get() == index);
    let Some((_, channel)) = found else {
        let partner = USERS[rng.gen_range(0..3)];
        let amounts = [0, 1].map(|_| rng.gen::<u64>() >> rng.gen_range(9..63));
        let mut values = open_values(rng.gen_range(0..3), header.nonce + 1, amounts);
        values[4] = index.into();
        values[5] = partner.into();
        for (party, at) in [(signer, 6), (partner, 14)] {
            values[at..at + 8].copy_from_slice(&key_hash(state_key(party)).halves());
        }
        return signed_by(call("open_channel", signer, header.nonce, rng.gen_range(0..9), &values), Some(partner));
    };
    let signer = if rng.gen_range(0..10) == 0 { signer } else { channel.parties[rng.gen_range(0..2)].get() };
    let nonce = Header::from_cell(&world.cell(account(signer).header_key())).unwrap().unwrap().nonce;
    let [a, b] = channel.parties.map(|party| u64::from(party.get()));
    let mut values = vec![u64::from(index), a, b, channel.asset.get().into()];
    let total = channel.total.get();
    let balance_a =
        if rng.gen_range(0..4) == 0 { channel.balance_a.get() } else { rng.gen_range(0..=total + total / 9) };
    let kind = ["close_channel", "dispute_channel", "dispute_channel", "settle_channel"][rng.gen_range(0..4)];
    match kind {
        "close_channel" => values.extend([channel.salt.into(), balance_a]),
        "dispute_channel" => values.extend([channel.salt.into(), balance_a, rng.gen_range(0..9)]),
        _ => {}
    }
    let call = call(kind, signer, nonce, rng.gen_range(0..9), &values);
    let other = if u64::from(signer) == a { b } else { a };
    // Whether it signs the right thing makes no difference to execution.
    with_second(call, state_by(other as u32, &agreed(1, 0)))
}

/// A channel's deadline is set once, for the batch that it is set in, and a channel is settled only after it.
fn assert_deadlines_stand(
    before: &[(AccountIndex, Option<Deadline>)],
    world: &World,
    transaction: &Transaction,
    context: &Context,
) {
    for (at, deadline) in before {
        let after = channels(world).find(|(account, _)| account == at);
        match (deadline, after) {
            (Some(deadline), Some((_, channel))) => assert_eq!(channel.deadline, Some(*deadline)),
            (None, Some((_, channel))) => {
                assert!(channel.deadline.is_none_or(|deadline| deadline == Deadline::after(context)));
            }
            (_, None) if transaction.kind().name() == "settle_channel" => {
                assert!(deadline.is_some_and(|deadline| deadline.is_over(context)));
            }
            (_, None) => assert_eq!(transaction.kind().name(), "close_channel"),
        }
    }
}

/// A hundred and fifty calls in some batches, with the supply of each asset counted after each. How many of each kind
/// applied.
fn history(seed: u64) -> BTreeMap<&'static str, usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut world = World::with_users(3, FUNDS);
    let before = [0, 1, 2].map(|asset| supply(&world, asset));
    let (mut fees, mut done) = (0, BTreeMap::new());
    let (mut batch_number, mut timestamp_s) = (1, NOW_S);
    for _ in 0..150 {
        // Some batches are sealed fast, some slowly.
        let steps = [(0, 0), (0, 0), (1, 120), (CHALLENGE_BATCHES / 2, 600), (1, CHALLENGE_SECONDS / 2)];
        let (batches, seconds) = steps[rng.gen_range(0..5)];
        (batch_number, timestamp_s) = (batch_number + batches, timestamp_s + seconds);
        let context = Context { batch_number, timestamp_s, ..context() };
        let deadlines: Vec<_> = channels(&world).map(|(at, channel)| (at, channel.deadline)).collect();
        let transaction = random_call(&mut rng, &world);
        let root = world.root();
        match execute(&transaction, &context, &mut world) {
            Ok(outcome) => {
                fees += outcome.fee.quanta();
                *done.entry(transaction.kind().name()).or_insert(0) += 1;
            }
            Err(_) => assert_eq!(world.root(), root),
        }
        for asset in [0, 1, 2] {
            let paid = if asset == 0 { fees } else { 0 };
            assert_eq!(supply(&world, asset) + paid, before[usize::from(asset)]);
        }
        assert!(channels(&world).all(|(_, channel)| channel.salt != 0));
        assert_deadlines_stand(&deadlines, &world, &transaction, &context);
    }
    done
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn nothing_is_created_or_lost(seed: u64) {
        history(seed);
    }
}

#[test]
fn histories_have_calls_of_every_kind() {
    let histories = [1, 2, 3, 4].map(history);
    for kind in ["open_channel", "close_channel", "dispute_channel", "settle_channel"] {
        let count: usize = histories.iter().filter_map(|done| done.get(kind)).sum();
        assert!(count > 4, "{kind}: {histories:?}");
    }
}

/// A state of the first channel is worth nothing in a second one at the same index, between the same parties, with the
/// same keys; not even if b opens it, and b's nonce is then what a's was.
#[test]
fn an_index_is_used_again_and_old_states_are_not() {
    for opener in [ALICE, BOB] {
        let mut world = World::with_users(3, FUNDS);
        let mut run = |transaction: Transaction| {
            assert!(signatures_hold(&transaction));
            world = verdict(&world, &transaction).unwrap();
        };
        run(signed_by(call("open_channel", ALICE, 0, 0, &open_values(1, 1, [600, 400])), Some(BOB)));
        let first = State { salt: 1, ..agreed(0, 250) };
        let mut close = call("close_channel", BOB, 0, 0, &[AT.into(), ALICE.into(), BOB.into(), 1, 1, 250]);
        if opener == BOB {
            // So that b has signed nothing yet.
            close = Call { account: account(ALICE), nonce: 1, ..close };
        }
        let by = ALICE + BOB - close.account.get();
        run(with_second(close, state_by(by, &first)));

        let (salt, partner) = if opener == ALICE { (2, BOB) } else { (1, ALICE) };
        let mut values = open_values(1, salt, [600, 400]);
        values[5] = partner.into();
        values[6..22].rotate_left(if opener == ALICE { 0 } else { 8 });
        run(signed_by(call("open_channel", opener, salt - 1, 0, &values), Some(partner)));

        // As if it were of the new channel, and as what it is.
        let [a, b] = [opener, partner].map(u64::from);
        let nonce = if opener == ALICE { 2 } else { 1 };
        let old = state_by(partner, &first);
        let as_new = call("close_channel", opener, nonce, 0, &[AT.into(), a, b, 1, salt, 250]);
        assert!(!signatures_hold(&with_second(as_new, old)));
        let as_old = call("close_channel", opener, nonce, 0, &[AT.into(), ALICE.into(), BOB.into(), 1, 1, 250]);
        let rule = broken_rule(&world, &with_second(as_old, old));
        assert_eq!(rule, if opener == ALICE { "salt" } else { "parties" });
    }
}
