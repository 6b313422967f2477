//! Native and circuit give the same verdict, on random calls with something wrong in most.
//!
//! What the native side refuses has no honest trace; the cheat makes the one that comes closest.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::closing::state;
use super::*;
use crate::chunk::tests::verdict::Violation;
use crate::transaction::Rejection;

/// A random call on a random channel, most of them with something wrong.
fn random_case(rng: &mut ChaCha8Rng, kind: &str) -> (World, Transaction) {
    fn pick<T: Copy>(rng: &mut ChaCha8Rng, usual: T, odd: &[T]) -> T {
        if rng.gen_range(0..100) < 8 {
            odd[rng.gen_range(0..odd.len())]
        } else {
            usual
        }
    }
    if kind == "open_channel" {
        let mut world = World::with_users(3, FUNDS);
        let spoiled = rng.gen_range(0..40);
        if spoiled < 2 {
            world.set(keys(account(AT))[spoiled], channel().to_cells()[spoiled]);
        }
        let amounts = [0, 1].map(|_| {
            let usual = 1 << rng.gen_range(0..40);
            pick(rng, usual, &[0, (1 << 55) - 1, 1 << 55, (1 << 56) - 1])
        });
        let mut values = open_values(rng.gen_range(0..3), pick(rng, 1, &[0, 2, u32::MAX.into()]), amounts);
        values[4] = pick(rng, AT, &[FIRST_CONTRACT, FIRST_CONTRACT - 1, (1 << 24) - 1, 0]).into();
        values[22] = pick(rng, values[22], &[context().timestamp_s, context().timestamp_s - 1, 0]);
        return (world, signed_by(call(kind, ALICE, 0, 1000, &values), Some(BOB)));
    }
    let version = rng.gen_range(0..4);
    let version = pick(rng, version, &[u32::MAX, 100]);
    let channel = Channel {
        asset: pick(rng, asset(1), &[AssetId::GAS, asset(2)]),
        balance_a: quanta(rng.gen_range(0..=1000)),
        version,
        deadline: if version > 0 || kind == "settle_channel" || rng.gen() {
            let [usual, odd] = if kind == "settle_channel" { [OVER, END] } else { [END, OVER] };
            let batch_number = pick(rng, usual.batch_number, &[1, 2, 3, odd.batch_number, (1 << 32) + 1000]);
            let odd = [1, NOW_S - 1, NOW_S, odd.timestamp_s, (1 << 56) + 1000];
            let deadline = Deadline { batch_number, timestamp_s: pick(rng, usual.timestamp_s, &odd) };
            // Both over, or both not, comes from one draw.
            Some(pick(rng, deadline, &[OVER, RUNNING[0], RUNNING[1], END]))
        } else {
            None
        },
        ..channel()
    };
    let channel = if channel.deadline.is_none() { Channel { version: 0, ..channel } } else { channel };
    let world = world(&channel);
    let [a, b] = [ALICE, BOB].map(u64::from);
    let signer = if rng.gen() { ALICE } else { BOB };
    let signer = pick(rng, signer, &[STRANGER]);
    let [a, b] = pick(rng, [a, b], &[[b, a], [a, STRANGER.into()]]);
    let mut values = vec![pick(rng, AT, &[AT + 1]).into(), a, b, channel.asset.get().into()];
    values[3] = pick(rng, values[3], &[0, 1, 2]);
    if kind == "settle_channel" {
        return (world, signed(call(kind, signer, 0, 1000, &values)));
    }
    let balance_a = rng.gen_range(0..=1000);
    let balance_a = pick(rng, balance_a, &[1001, (1 << 56) - 1, channel.balance_a.get()]);
    values.extend([pick(rng, 7, &[8]), balance_a]);
    let version = rng.gen_range(0..8);
    let version = pick(rng, version, &[u32::MAX.into()]);
    values.extend((kind == "dispute_channel").then_some(version));
    let call = call(kind, signer, 0, 1000, &values);
    // Of what the call says, or of something else.
    let mut said = state(&call, kind == "close_channel", version * u64::from(kind != "close_channel"));
    said.salt = pick(rng, said.salt, &[8]);
    said.is_final = pick(rng, said.is_final, &[!said.is_final]);
    said.balance_a = pick(rng, said.balance_a, &[quanta(0)]);
    (world, with_second(call, state_by(if signer == ALICE { BOB } else { ALICE }, &said)))
}

fn assert_agreement(form: &str, kind: &str, cases: u64) {
    let bench = Bench::new(form);
    let [mut applied, mut refused, mut unsigned] = [0; 3];
    for seed in 0..cases {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (world, transaction) = random_case(&mut rng, kind);
        match (verdict(&world, &transaction), signatures_hold(&transaction)) {
            (Ok(after), true) => {
                let (violations, proven) = bench.honest(&world, std::slice::from_ref(&transaction));
                assert_eq!(violations, [], "seed {seed}");
                let channels = keys(account(AT)).map(|key| (after.cell(key), proven.cell(key)));
                assert!(channels.iter().all(|(native, proven)| native == proven), "seed {seed}");
                let Transaction::Call(signed) = &transaction else { unreachable!() };
                assert_call_replays(&world, &signed.call);
                applied += 1;
            }
            (Ok(_), false) => {
                let (violations, _) = bench.honest(&world, std::slice::from_ref(&transaction));
                assert_eq!(violations, [Violation::Signature], "seed {seed}");
                unsigned += 1;
            }
            (Err(Rejection::Refused { .. }), _) => {
                assert_ne!(bench.forged(&world, &transaction, wanted), [], "seed {seed}");
                refused += 1;
            }
            (Err(_), _) => {}
        }
    }
    assert!(applied > cases / 8 && refused > cases / 8, "{applied} applied, {refused} refused");
    assert!(unsigned > 0 || !kind.starts_with(['c', 'd']));
}

#[test]
fn native_and_circuit_agree_on_openings() {
    assert_agreement("channels.open", "open_channel", 60);
}

#[test]
fn native_and_circuit_agree_on_closings() {
    assert_agreement("channels.close", "close_channel", 60);
}

#[test]
fn native_and_circuit_agree_on_disputes() {
    assert_agreement("channels.dispute", "dispute_channel", 80);
}

#[test]
fn native_and_circuit_agree_on_settlements() {
    assert_agreement("channels.settle", "settle_channel", 60);
}
