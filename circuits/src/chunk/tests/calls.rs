//! What the slot for calls checks, whatever the form: tested with locks, which have two kinds and one cell.

use std::sync::LazyLock;

use plonky2::field::types::Field;

use super::verdict::Violation::{self, *};
use super::world::*;
use crate::account::{Cell, Header};
use crate::chunk::trace::ChunkTrace;
use crate::contract::testing::*;
use crate::contract::{Call, Effects, SignedCall, FIRST_CONTRACT};
use crate::hash::F;
use crate::transaction::{Rejection, Transaction};

static BENCH: LazyLock<Bench> = LazyLock::new(|| Bench::new("locks"));

const AT: u32 = FIRST_CONTRACT + 3;
const BALANCE: u64 = 1_000_000;

fn world() -> World {
    World::with_users(3, BALANCE)
}

fn lock(signer: u32, nonce: u64, asset: u64, amount: u64) -> Transaction {
    signed(call("lock", signer, nonce, 10, &[asset, AT.into(), amount, 5]))
}

/// What a lock does, whoever asks.
fn locks(call: &Call, _: &[Cell]) -> Effects {
    let values = [call.account.get().into(), call.value(0), call.value(2), call.value(3), 0, 0, 6, 0];
    Effects { cells: vec![Cell(values.map(F::from_canonical_u64))], gains: vec![-(call.value(2) as i64)] }
}

/// What the circuit has against an honest lock, changed in the end.
fn changed(transaction: &Transaction, change: impl Fn(&mut ChunkTrace)) -> Vec<Violation> {
    BENCH.forged_and(&world(), transaction, locks, change)
}

fn refused(transaction: &Transaction) -> Rejection {
    verdict(&world(), transaction).map(|_| ()).unwrap_err()
}

fn unsigned(transaction: &Transaction) -> Call {
    match transaction {
        Transaction::Call(signed) => signed.call.clone(),
        _ => panic!("a call"),
    }
}

#[test]
fn the_honest_one_passes() {
    for asset in [0, 1] {
        assert_eq!(changed(&lock(10, 0, asset, 7), |_| ()), []);
    }
    assert_eq!(BENCH.honest(&world(), &[]).0, []);
}

#[test]
fn the_account_signs_with_its_own_key() {
    let good = lock(10, 0, 1, 7);
    let message = unsigned(&good).message(&context().domain);
    // A signature that verifies, by another key: the four elements of its hash differ.
    assert_eq!(changed(&good, |trace| trace.calls[0].authorization = sign(11, message)), [Equation; 4]);
    // The right key, another message.
    let other = unsigned(&lock(10, 0, 1, 8)).message(&context().domain);
    let violations = changed(&good, |trace| trace.calls[0].authorization = sign(10, other));
    assert_eq!(violations, [Signature]);
    let Transaction::Call(mut stolen) = good else { panic!("a call") };
    stolen.authorization = sign(11, message);
    let account = account(10);
    assert_eq!(refused(&Transaction::Call(stolen)), Rejection::WrongKey { account });
}

#[test]
fn the_nonce_is_the_next_one() {
    // Signed for a nonce that is not the header's: the circuit forms another message.
    let early = lock(10, 1, 1, 7);
    assert!(matches!(refused(&early), Rejection::WrongNonce { expected: 0, got: 1, .. }));
    let message = unsigned(&early).message(&context().domain);
    assert_eq!(changed(&lock(10, 0, 1, 7), |trace| trace.calls[0].authorization = sign(10, message)), [Signature]);
}

#[test]
fn no_call_pays_no_fee() {
    let violations = changed(&lock(10, 0, 1, 7), |trace| {
        // The second slot is empty.
        trace.calls[1].fee_mantissa = 3;
    });
    assert!(violations.contains(&Equation), "{violations:?}");
}

#[test]
fn a_call_is_of_one_kind() {
    let violations = changed(&lock(10, 0, 1, 7), |trace| trace.calls[0].kinds = vec![F::ONE, F::ONE]);
    assert!(violations.contains(&Equation));
    let violations = changed(&lock(10, 0, 1, 7), |trace| trace.calls[0].kinds = vec![F::TWO, F::ZERO]);
    assert!(violations.contains(&Equation));
}

#[test]
fn fields_that_a_kind_does_not_use_are_zero() {
    let locked = verdict(&world(), &lock(10, 0, 1, 7)).unwrap();
    let unlock = call("unlock", 10, 1, 10, &[1, AT.into(), 7, 0]);
    let mut wrong = unlock.clone();
    wrong.values[3] = 9;
    assert!(wrong.check().is_err());
    let unlocks = |_: &Call, _: &[Cell]| Effects { cells: vec![Cell::ABSENT], gains: vec![7] };
    assert_eq!(BENCH.forged(&locked, &signed(unlock.clone()), unlocks), []);
    // Signed, and published, as it is: only the field is wrong.
    let message = wrong.message(&context().domain);
    let violations = BENCH.forged_and(&locked, &signed(unlock), unlocks, |trace| {
        trace.calls[0].values[3] = F::from_canonical_u64(9);
        trace.calls[0].authorization = sign(10, message);
    });
    assert!(violations.contains(&Equation) && !violations.contains(&Signature), "{violations:?}");
}

#[test]
fn values_have_their_widths() {
    for (position, value, width) in [(0, 1 << 12, 12), (1, 1 << 24, 24), (2, 1 << 56, 56), (3, 1 << 56, 56)] {
        let violations = changed(&lock(10, 0, 1, 7), |trace| {
            trace.calls[0].values[position] = F::from_canonical_u64(value);
        });
        assert!(violations.contains(&Range(width)), "value {position}: {violations:?}");
    }
    let violations = changed(&lock(10, 0, 1, 7), |trace| trace.calls[0].account = F::from_canonical_u64(1 << 24));
    assert!(violations.contains(&Range(24)), "{violations:?}");
}

#[test]
fn nobody_pays_more_than_they_have() {
    let all = lock(10, 0, 1, BALANCE);
    assert_eq!(changed(&all, |_| ()), []);
    let more = lock(10, 0, 1, BALANCE + 1);
    assert!(matches!(refused(&more), Rejection::InsufficientBalance { balance, .. } if balance.get() == BALANCE));
    // The slot's balance, and the header's for asset 0, where the fee counts too.
    for (asset, amount) in [(1, BALANCE + 1), (0, BALANCE - 9)] {
        let violations = overdrawn(asset, amount);
        assert_eq!(violations, [Range(62)], "asset {asset}");
    }
}

/// What the circuit has against a lock of `amount` by somebody who seems to have more, in a trace that claims what is
/// there.
fn overdrawn(asset: u64, amount: u64) -> Vec<Violation> {
    // The trace of a richer world has the same rows; its openings are then taken from the true one.
    let lock = lock(10, 0, asset, amount);
    let mut rich = world();
    fund(&mut rich, 10, asset as u16, 2 * BALANCE);
    let poor_balance = F::from_canonical_u64(BALANCE);
    let violations = BENCH.forged_and(&rich, &lock, locks, |trace| {
        let call = &mut trace.calls[0];
        match asset {
            0 => call.signer.cell.0[Header::BALANCE] = poor_balance,
            _ => call.slots[0].cell.0[0] = poor_balance,
        }
    });
    // That the memory holds another balance is not the point here.
    violations.into_iter().filter(|violation| *violation != Memory).collect()
}

#[test]
fn an_absent_cell_is_empty() {
    let locked = verdict(&world(), &lock(10, 0, 1, 7)).unwrap();
    let again = lock(11, 0, 1, 7);
    assert_eq!(broken_rule(&locked, &again), "taken");
    // The prover says that nothing is there, against the memory.
    let violations = BENCH.forged_and(&locked, &again, locks, |trace| trace.calls[0].cells[0].cell = Cell::ABSENT);
    assert_eq!(violations, [Memory]);
}

#[test]
fn what_is_published_is_the_call() {
    let violations = changed(&lock(10, 0, 1, 7), |trace| trace.public_inputs.da_commit_out.0[0] += F::ONE);
    assert_eq!(violations, [Hash]);
    let violations = changed(&lock(10, 0, 1, 7), |trace| trace.public_inputs.l2_out.0[0] += F::ONE);
    assert_eq!(violations, [Evaluation]);
}

#[test]
fn only_a_users_account_signs() {
    // The account is a lock itself: its header is not a user's, whatever key somebody finds in it.
    let locked = verdict(&world(), &lock(10, 0, 1, 7)).unwrap();
    let call = call("lock", AT, 0, 0, &[1, u64::from(AT) + 1, 7, 5]);
    let account = account(AT);
    assert_eq!(verdict(&locked, &signed(call)).map(|_| ()), Err(Rejection::NotAUser { account }));
    let absent = lock(99, 0, 1, 7);
    assert!(matches!(refused(&absent), Rejection::UnknownAccount { .. }));
}

#[test]
fn no_cell_is_touched_twice() {
    // A lock at the signer's own account would be the same header twice.
    let own = signed(call("lock", 10, 0, 10, &[1, 10, 7, 5]));
    assert!(matches!(refused(&own), Rejection::SameCellTwice { slot: 0, .. }));
}

#[test]
fn a_signature_that_does_not_verify_is_no_authorization() {
    let Transaction::Call(good) = lock(10, 0, 1, 7) else { panic!("a call") };
    let other = unsigned(&lock(10, 0, 1, 8)).message(&context().domain);
    let forged = SignedCall { authorization: sign(10, other), ..*good };
    let message = forged.call.message(&context().domain);
    assert!(!forged.authorization.public_key.verify(message, &forged.authorization.signature));
}
