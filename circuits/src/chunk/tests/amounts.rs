//! No value out of nothing: widths of amounts, and every balance in [0, 2^62).

use super::cheat::{f, minus, Cheat, Place};
use super::verdict::Violation::*;
use super::*;
use crate::account::{Cell, Header};
use crate::amount::{Quanta, WORD_MASK};

/// Account 10 has `balance` of assets 0 and 1, and the operator of asset 0.
fn rich(balance: u64) -> World {
    let mut world = world();
    for index in [10, OPERATOR] {
        let header = Header::open(key_hash(index), quanta(balance));
        world.set(account(index).header_key(), header.to_cell());
        world.set(account(index).balance_key(asset(1)), Cell::from_balance(quanta(balance)));
    }
    world
}

#[test]
fn nobody_spends_more_than_there_is() {
    let all_but_fee = BALANCE - 20;
    for slot in [0, 7, 9] {
        let caught = |t| violations(&cheat(&at(slot, t)).run());
        assert_eq!(caught(transfer(10, 0, 20, 0, 11, all_but_fee)), []);
        assert_eq!(caught(transfer(10, 0, 20, 0, 11, all_but_fee + 1)), [Range(62)]);
        assert_eq!(caught(transfer(10, 0, 2 * BALANCE, 0, 11, 0)), [Range(62)]);
    }
    for slot in [0, 9] {
        let caught = |t| violations(&cheat(&at(slot, t)).run());
        assert_eq!(caught(transfer(10, 0, BALANCE, 1, 11, BALANCE)), []);
        assert_eq!(caught(transfer(10, 0, BALANCE, 1, 11, BALANCE + 1)), [Range(62)]);
        assert_eq!(caught(transfer(10, 0, 2 * BALANCE, 1, 11, BALANCE)), [Range(62)]);
        assert_eq!(caught(transfer(10, 0, 0, 3, 11, 1)), [Range(62)]);
    }
    let caught = |t| violations(&cheat(&[t]).run());
    assert_eq!(caught(withdraw(10, 0, 20, 0, all_but_fee + 1)), [Range(62)]);
    assert_eq!(caught(withdraw(10, 0, 20, 1, BALANCE + 1)), [Range(62)]);
}

#[test]
fn an_amount_is_below_two_to_the_56() {
    for slot in [0, 7, 9] {
        let mut cheat = Cheat::new(&CIRCUIT.shape, &rich(1 << 61), &at(slot, transfer(10, 0, 0, 0, 11, WORD_MASK)));
        assert_eq!(violations(&cheat.run()), []);
        cheat.slots[slot].amount += f(1);
        assert_eq!(violations(&cheat.run()), [Range(56)]);
    }
}

/// The sender would gain, the recipient would lose, and both balances stay in range.
#[test]
fn an_amount_is_not_negative() {
    for (slot, id) in [(0, 0), (0, 1), (7, 0), (9, 0), (9, 1)] {
        let mut cheat = cheat(&at(slot, transfer(10, 0, 0, id, 11, 0)));
        cheat.slots[slot].amount = minus(5);
        assert_eq!(violations(&cheat.run()), [Range(56)], "asset {id} in slot {slot}");
    }
    for mut cheat in [cheat(&[withdraw(10, 0, 0, 1, 0)]), cheat(&[deposit(10, 1, 0)])] {
        cheat.slots[0].amount = minus(5);
        // There is no recipient, so it can have any balance.
        cheat.claims.insert((0, Place::RecipientSlot), Cell::from_balance(quanta(5)));
        assert_eq!(violations(&cheat.run()), [Range(56)]);
    }
}

#[test]
fn only_a_deposit_has_upper_bits() {
    for t in [withdraw(10, 0, 0, 0, 5), transfer(10, 0, 0, 0, 11, 5), rekey(10, 11), forced_exit(10, 0)] {
        let mut cheat = cheat(&[t]);
        cheat.slots[0].amount_upper = f(1);
        assert_eq!(violations(&cheat.run()), [Equation]);
    }
}

#[test]
fn upper_bits_are_six() {
    let mut cheat = cheat(&[deposit(10, 0, (1 << 62) - 1 - BALANCE)]);
    assert_eq!(violations(&cheat.run()), []);
    // 2^62 does not fit a balance, either.
    cheat.slots[0].amount_upper = f(1 << 6);
    assert_eq!(violations(&cheat.run()), [Range(12), Range(62)]);
    // −2^56 + (2^56 − 1): the account would lose a quantum.
    cheat.slots[0].amount_upper = minus(1);
    cheat.slots[0].amount = f(WORD_MASK);
    assert_eq!(violations(&cheat.run()), [Range(12); 2]);
}

#[test]
fn every_credit_fits() {
    let top = Quanta::MAX.get();
    let caught = |slot, t| violations(&Cheat::new(&CIRCUIT.shape, &rich(top), &at(slot, t)).run());
    for slot in [0, 7, 9] {
        assert_eq!(caught(slot, transfer(11, 0, 0, 0, 10, 0)), []);
        assert_eq!(caught(slot, transfer(11, 0, 0, 0, 10, 1)), [Range(62)]);
    }
    for slot in [0, 9] {
        assert_eq!(caught(slot, transfer(11, 0, 0, 1, 10, 1)), [Range(62)]);
    }
    assert_eq!(caught(0, deposit(10, 0, 1)), [Range(62)]);
    assert_eq!(caught(0, deposit(10, 1, 1)), [Range(62)]);
    assert_eq!(caught(0, withdraw(11, 0, 1, 0, 0)), [Range(62)], "the operator's balance");
}

#[test]
fn a_forced_exit_takes_all_that_one_transaction_can() {
    for id in [0, 1] {
        let mut cheat = cheat(&[forced_exit(10, id)]);
        assert_eq!(cheat.slots[0].amount, f(BALANCE));
        assert_eq!(violations(&cheat.run()), []);
        for less in [0, 1, BALANCE - 1] {
            cheat.slots[0].amount = f(less);
            assert_eq!(violations(&cheat.run()), [Equation]);
        }
        cheat.slots[0].amount = f(BALANCE + 1);
        assert_eq!(violations(&cheat.run()), [Equation, Range(62)]);
        cheat.slots[0].amount = f(WORD_MASK);
        assert_eq!(violations(&cheat.run()), [Range(62)]);

        let mut cheat = Cheat::new(&CIRCUIT.shape, &rich(1 << 60), &[forced_exit(10, id)]);
        assert_eq!(cheat.slots[0].amount, f(WORD_MASK));
        assert_eq!(violations(&cheat.run()), []);
        cheat.slots[0].amount = f(WORD_MASK - 1);
        assert_eq!(violations(&cheat.run()), [Equation]);
        cheat.slots[0].amount = f(1 << 60);
        assert_eq!(violations(&cheat.run()), [Range(56)]);
    }
}
