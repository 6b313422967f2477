//! Tests of locks: honest calls, each rule broken, and a history that conserves value.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::chunk::tests::verdict::Violation::*;
use crate::chunk::tests::world::{account, context, World};
use crate::contract::testing::*;
use crate::transaction::{Published, Stream, Transaction};

static BENCH: LazyLock<Bench> = LazyLock::new(|| Bench::new("locks"));

const AT: u32 = FIRST_CONTRACT + 7;
const BALANCE: u64 = 1_000_000;

fn world() -> World {
    World::with_users(3, BALANCE)
}

fn lock(signer: u32, nonce: u64, asset: u64, at: u32, amount: u64, until: u64) -> Transaction {
    signed(call("lock", signer, nonce, 10, &[asset, at.into(), amount, until]))
}

fn unlock(signer: u32, nonce: u64, asset: u64, at: u32, amount: u64) -> Transaction {
    signed(call("unlock", signer, nonce, 10, &[asset, at.into(), amount, 0]))
}

fn now() -> u64 {
    context().timestamp_s
}

/// A world in which account 10 has locked 500 of asset 1 until `until`.
fn locked(until: u64) -> World {
    verdict(&world(), &lock(10, 0, 1, AT, 500, until)).unwrap()
}

#[test]
fn rows() {
    assert_eq!(Bench::marginal_rows("locks"), 5823);
}

#[test]
fn locks_and_unlocks_any_asset() {
    for asset in [0, 1] {
        let both = [lock(10, 0, asset, AT, 500, now()), unlock(10, 1, asset, AT, 500)];
        let (violations, after) = BENCH.honest(&world(), &both[..1]);
        assert_eq!(violations, []);
        let fee = if asset == 0 { 10 } else { 0 };
        assert_eq!(balance(&after, 10, asset as u16), BALANCE - 500 - fee);
        let (violations, after) = BENCH.honest(&world(), &both);
        assert_eq!(violations, []);
        assert_eq!(balance(&after, 10, asset as u16), BALANCE - 2 * fee);
        assert!(after.cell(account(AT).header_key()).is_absent());
    }
}

#[test]
fn a_lock_needs_an_account_that_is_free_and_a_contracts() {
    let world = locked(now());
    let again = lock(11, 0, 1, AT, 5, now());
    assert_eq!(broken_rule(&world, &again), "taken");
    let forge = |call: &Call, _: &[Cell]| Effects {
        cells: vec![cell(call.account, call, call.value(UNTIL))],
        gains: vec![-(call.value(AMOUNT) as i64)],
    };
    assert_eq!(BENCH.forged(&world, &again, forge), [Equation]);

    let low = lock(10, 0, 1, FIRST_CONTRACT - 1, 5, now());
    assert_eq!(broken_rule(&super::tests::world(), &low), "not_a_contract");
    assert_eq!(BENCH.forged(&super::tests::world(), &low, forge), [Range(24)]);
}

#[test]
fn only_the_owner_unlocks_and_exactly_what_was_locked() {
    let world = locked(now());
    let forge = |call: &Call, _: &[Cell]| Effects { cells: vec![Cell::ABSENT], gains: vec![call.value(AMOUNT) as i64] };
    for wrong in [unlock(11, 0, 1, AT, 500), unlock(10, 1, 2, AT, 500), unlock(10, 1, 1, AT, 501)] {
        assert_eq!(broken_rule(&world, &wrong), "other_lock");
        assert_eq!(BENCH.forged(&world, &wrong, forge), [Equation]);
    }
    // Nothing is locked there: all elements differ, and the cell is absent.
    let nothing = unlock(10, 1, 1, AT + 1, 500);
    assert_eq!(broken_rule(&world, &nothing), "other_lock");
    assert!(BENCH.forged(&world, &nothing, forge).iter().all(|violation| *violation == Equation));
    // Somebody's header is no lock.
    let header = unlock(10, 1, 1, 11, 500);
    assert_eq!(broken_rule(&world, &header), "other_lock");
    assert!(!BENCH.forged(&world, &header, forge).is_empty());
}

#[test]
fn nobody_unlocks_before_the_time() {
    let world = locked(now() + 1);
    let early = unlock(10, 1, 1, AT, 500);
    assert_eq!(broken_rule(&world, &early), "early");
    let forge = |call: &Call, _: &[Cell]| Effects { cells: vec![Cell::ABSENT], gains: vec![call.value(AMOUNT) as i64] };
    assert_eq!(BENCH.forged(&world, &early, forge), [Range(56)]);
}

/// The circuit computes what is paid and what is left: a prover who says otherwise finds the memory against it.
#[test]
fn nothing_else_is_paid_or_kept() {
    let world = locked(now());
    let unlock = unlock(10, 1, 1, AT, 500);
    let keeps = |_: &Call, cells: &[Cell]| Effects { cells: cells.to_vec(), gains: vec![500] };
    assert_eq!(BENCH.forged(&world, &unlock, keeps), [Memory]);
    let takes_more = |_: &Call, _: &[Cell]| Effects { cells: vec![Cell::ABSENT], gains: vec![501] };
    assert_eq!(BENCH.forged(&world, &unlock, takes_more), [Memory]);
}

#[test]
fn a_published_lock_can_be_replayed() {
    let Transaction::Call(signed) = lock(10, 0, 1, AT, 500, 77) else { panic!("a call") };
    let words = Published::Call(Box::new(signed.call.clone())).words();
    assert_eq!(words, [48 << 48 | 1 << 32 | 10, u64::from(AT) << 24 | 320, 500, 77]);
    let (Published::Call(mut read), 4) = Published::decode(Stream::L2, &words).unwrap() else { panic!("four words") };
    Locks.complete(&mut read, &mut |_| Cell::ABSENT);
    assert_eq!(effects(&read, &[Cell::ABSENT]), effects(&signed.call, &[Cell::ABSENT]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever happens: native and circuit agree, and what is not with the users is in locks.
    #[test]
    fn histories_conserve_value(steps in prop::collection::vec((0u32..3, any::<bool>(), 0u32..3, 0u64..3, 1u64..900_000), 1..12)) {
        let mut world = world();
        let mut nonces = [0; 3];
        for (who, locking, at, asset, amount) in steps {
            let (signer, at) = (10 + who, AT + at);
            let nonce = nonces[who as usize];
            let transaction =
                if locking { lock(signer, nonce, asset, at, amount, now()) } else {
                    let held = world.cell(account(at).header_key()).0[2].to_canonical_u64();
                    unlock(signer, nonce, asset, at, held)
                };
            let Ok(after) = verdict(&world, &transaction) else { continue };
            let (violations, paid) = BENCH.honest(&world, &[transaction]);
            prop_assert_eq!(violations, vec![]);
            prop_assert_eq!(paid.cell(account(at).header_key()), after.cell(account(at).header_key()));
            world = paid;
            nonces[who as usize] += 1;
        }
        for asset in 0..3 {
            let users: u64 = [1, 10, 11, 12].map(|user| balance(&world, user, asset)).iter().sum();
            let locks = (0..3).map(|at| world.cell(account(AT + at).header_key()).0);
            let locks: u64 = locks.filter(|cell| cell[1] == F::from_canonical_u16(asset)).map(|cell| cell[2].to_canonical_u64()).sum();
            prop_assert_eq!(users + locks, 4 * BALANCE);
        }
    }
}
