//! Which cells a transaction may touch: keys of one meaning, accounts that exist and are users'.

use plonky2::field::types::Field;

use super::cheat::{f, key, Cheat, Place};
use super::verdict::Violation::*;
use super::verdict::{equality_with_zero, violations_with};
use super::*;
use crate::account::{AccountKind, Cell, Header, SLOT_BITS};
use crate::hash::F;

/// Not open.
const ABSENT: u32 = 30;
/// Of another kind, with a header that is otherwise a user's.
const CONTRACT: u32 = 40;

fn world_with_contract() -> World {
    let mut world = world();
    let header = Header { kind: AccountKind(2), ..Header::open(key_hash(CONTRACT), quanta(BALANCE)) };
    world.set(account(CONTRACT).header_key(), header.to_cell());
    world.set(account(CONTRACT).balance_key(asset(1)), Cell::from_balance(quanta(BALANCE)));
    // A slot that happens to look like a user's header.
    let lookalike = Header::open(key_hash(10), quanta(BALANCE));
    world.set(account(CONTRACT).balance_key(asset(5)), lookalike.to_cell());
    world
}

#[test]
fn the_recipient_exists_and_is_a_user() {
    for (slot, id) in [(0, 0), (0, 1), (7, 0), (9, 0), (9, 1)] {
        for to in [ABSENT, CONTRACT] {
            let transactions = at(slot, transfer(10, 0, 0, id, to, 5));
            let cheat = Cheat::new(&CIRCUIT.shape, &world_with_contract(), &transactions);
            assert_eq!(violations(&cheat.run()), [Memory]);
        }
    }
}

#[test]
fn the_account_exists_and_is_a_user() {
    let of = |from| {
        [transfer(from, 0, 0, 0, 10, 0), withdraw(from, 0, 0, 0, 0), rekey(from, 11), forced_exit(from, 0)]
            .into_iter()
            .chain([deposit(from, 0, 7), deposit(from, 1, 7), forced_exit(from, 1)])
    };
    for from in [ABSENT, CONTRACT] {
        for t in of(from) {
            let mut cheat = Cheat::new(&CIRCUIT.shape, &world_with_contract(), std::slice::from_ref(&t));
            // The account that is not there has the key of whoever signs.
            let mut header = world_with_contract().cell(account(from).header_key());
            header.0[..4].copy_from_slice(&key_hash(from).0);
            cheat.claims.insert((0, Place::Sender), header);
            assert_eq!(violations(&cheat.run()), [Memory], "{t:?}");
        }
    }
}

#[test]
fn a_deposit_opens_only_what_is_absent() {
    assert_eq!(violations(&cheat(&[open(ABSENT, 7)]).run()), []);
    for index in [10, CONTRACT] {
        let cheat = Cheat::new(&CIRCUIT.shape, &world_with_contract(), &[open(index, 7)]);
        assert_eq!(violations(&cheat.run()), [Memory]);
    }
    assert_eq!(violations(&cheat(&[open(ABSENT, 7), open(ABSENT, 7)]).run()), [Memory]);
}

/// The digest of what is absent says nothing of the cell, so its elements need checks of their own.
#[test]
fn a_new_account_starts_with_nothing() {
    for element in [Header::BALANCE, Header::NONCE, 0, 1, 2, 3] {
        let mut cheat = cheat(&[open(ABSENT, 7)]);
        let mut cell = Cell::ABSENT;
        cell.0[element] = f(1000);
        cheat.claims.insert((0, Place::Sender), cell);
        assert_eq!(violations(&cheat.run()), [Equation], "element {element}");
    }
}

/// account · 2^12 wraps in the field: some element times 2^12 is the key of a slot.
#[test]
fn an_account_has_24_bits() {
    let account_with_key = |key| f(key) / f(1 << SLOT_BITS);
    // A header is written to a slot.
    let mut cheat = cheat(&[open(ABSENT, 7)]);
    cheat.slots[0].account = account_with_key(key(10, 5));
    assert_eq!(violations(&cheat.run()), [Range(24)]);

    // A slot that looks like a header spends, or is paid.
    let lookalike = account_with_key(key(CONTRACT, 5));
    for slot in [0, 7, 9] {
        let mut cheat = Cheat::new(&CIRCUIT.shape, &world_with_contract(), &at(slot, transfer(10, 0, 0, 0, 11, 5)));
        cheat.slots[slot].to = lookalike;
        assert_eq!(violations(&cheat.run()), [Range(24)]);
        let mut cheat = Cheat::new(&CIRCUIT.shape, &world_with_contract(), &at(slot, transfer(10, 0, 0, 0, 11, 5)));
        cheat.slots[slot].account = lookalike;
        assert_eq!(violations(&cheat.run()), [Range(24)]);
    }
}

/// Slot 4096 is the next account's header, which is absent: a balance of zero.
#[test]
fn an_asset_has_12_bits() {
    let mut cheat = cheat(&[deposit(ABSENT - 1, 1, 7)]);
    cheat.world.set(account(ABSENT - 1).header_key(), Header::open(key_hash(29), quanta(0)).to_cell());
    assert_eq!(violations(&cheat.run()), []);
    cheat.slots[0].asset = f(1 << SLOT_BITS);
    assert_eq!(violations(&cheat.run()), [Range(12)]);
    // Any header is within reach of any account.
    cheat.slots[0].asset = f(key(ABSENT, 0)) - f(key(ABSENT - 1, 0)) + f(1 << SLOT_BITS);
    assert_eq!(violations(&cheat.run()), [Range(12)]);
}

/// Both polarities of "the asset is another than 0", past the generator that decides it.
#[test]
fn asset_0_is_in_the_header_and_no_other() {
    for slot in [0, 9] {
        let [equal, inverse] = equality_with_zero(CIRCUIT.targets.slots[slot].asset);
        // The record says asset 2, and what moves is asset 0.
        let mut cheat = cheat(&at(slot, transfer(10, 0, 0, 2, 11, 5)));
        cheat.is_other.insert(slot, false);
        let forced = [(equal, F::ONE), (inverse, F::ZERO)];
        assert_eq!(violations_with(&cheat.run(), &forced), [Equation]);
        // The other way round, "slot 0" is the header, which was accessed at the same time already.
        let mut cheat = super::cheat(&at(slot, transfer(10, 0, 0, 0, 11, 5)));
        cheat.is_other.insert(slot, true);
        let forced = [(equal, F::ZERO), (inverse, F::ZERO)];
        assert_eq!(violations_with(&cheat.run(), &forced), [Equation, Memory, Range(16), Range(16)]);
    }
}

/// Both polarities of "a balance of zero is an absent cell".
#[test]
fn only_a_balance_of_zero_is_absent() {
    for slot in [0, 9] {
        let (balance, _) = CIRCUIT.targets.slots[slot].recipient_slot.unwrap();
        let [equal, inverse] = equality_with_zero(balance.balance);
        let mut cheat = cheat(&at(slot, transfer(10, 0, 0, 1, ABSENT, 5)));
        cheat.world.set(account(ABSENT).header_key(), Header::open(key_hash(ABSENT), quanta(0)).to_cell());
        assert_eq!(violations(&cheat.run()), []);
        // H(0, 0, …) is the digest of no cell.
        let forced = [(equal, F::ZERO), (inverse, F::ZERO)];
        assert_eq!(violations_with(&cheat.run(), &forced), [Equation, Memory]);
        // What is absent counts as a balance of 1000.
        let mut cell = Cell::ABSENT;
        cell.0[0] = f(1000);
        cheat.claims.insert((slot, Place::RecipientSlot), cell);
        assert_eq!(violations(&cheat.run()), [Memory]);
        let forced = [(equal, F::ONE), (inverse, F::ZERO)];
        assert_eq!(violations_with(&cheat.run(), &forced), [Equation]);
    }
}

#[test]
fn a_slot_holds_what_it_held() {
    for (place, t) in [
        (Place::Sender, transfer(10, 0, 0, 0, 11, 5)),
        (Place::Recipient, transfer(10, 0, 0, 0, 11, 5)),
        (Place::SenderSlot, transfer(10, 0, 0, 1, 11, 5)),
        (Place::RecipientSlot, transfer(10, 0, 0, 1, 11, 5)),
    ] {
        let mut cheat = cheat(&[t]);
        let header_of = |index| cheat.world.cell(account(index).header_key());
        let mut cell = match place {
            Place::Sender => header_of(10),
            Place::Recipient => header_of(11),
            _ => cheat.world.cell(account(11).balance_key(asset(1))),
        };
        let balance = if cell.0[1].is_zero() { 0 } else { Header::BALANCE };
        cell.0[balance] += f(1);
        cheat.claims.insert((0, place), cell);
        assert_eq!(violations(&cheat.run()), [Memory]);
    }
}
