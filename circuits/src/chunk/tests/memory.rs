//! A read finds what the last write left: times, multisets, one timeline a key.

use plonky2::field::types::Field;

use super::cheat::{f, key, sort_keys, Place};
use super::verdict::Violation::*;
use super::*;
use crate::account::{Header, KEY_BITS};
use crate::hash::F;

#[test]
fn an_account_does_not_pay_itself() {
    for (slot, id, caught) in [(0, 0, 1), (7, 0, 1), (9, 0, 1), (0, 1, 2), (9, 1, 2)] {
        let cheat = cheat(&at(slot, transfer(10, 0, 0, id, 10, 5)));
        assert_eq!(violations(&cheat.run()), vec![Range(16); caught], "asset {id} in slot {slot}");
    }
}

/// The second slot comes first: all adds up, but the first one reads what is written after it.
#[test]
fn a_read_is_not_of_the_future() {
    let mut cheat = cheat(&[deposit(10, 0, 5), deposit(10, 0, 7)]);
    assert_eq!(violations(&cheat.run()), []);
    cheat.order.swap(0, 1);
    assert_eq!(violations(&cheat.run()), [Range(16)]);
}

/// A transfer of nothing leaves the recipient's header as it is, so what it writes is what it would have to read.
#[test]
fn a_read_is_not_of_what_it_writes_itself() {
    for slot in [0, 7, 9] {
        let mut cheat = cheat(&at(slot, transfer(10, 0, 0, 0, 30, 0)));
        let nowhere = Header::open(key_hash(30), quanta(5)).to_cell();
        cheat.claims.insert((slot, Place::Recipient), nowhere);
        let (mut trace, _) = cheat.run_with(|cells| assert!(cells.remove(&key(30, 0)).is_some()));
        trace.slots[slot].recipient.time = f(slot as u64 + 1);
        assert_eq!(violations(&trace), [Range(16)]);
    }
}

/// Both deposits would start from the same balance; or the account spends twice what it has.
#[test]
fn a_read_is_of_the_last_write() {
    let transactions = [transfer(10, 0, 0, 0, 11, BALANCE), transfer(10, 0, 0, 0, 12, BALANCE)];
    let mut cheat = cheat(&transactions);
    cheat.claims.insert((1, Place::Sender), cheat.world.cell(account(10).header_key()));
    for time in [0, 1] {
        let mut trace = cheat.run();
        trace.slots[1].sender.time = f(time);
        assert_eq!(violations(&trace), [Memory]);
    }
}

#[test]
fn a_time_is_of_a_write() {
    let honest = cheat(&[deposit(10, 0, 5), Transaction::Noop, deposit(10, 0, 7)]).run();
    assert_eq!(honest.slots[2].sender.time, f(1));
    for time in [f(0), f(2), -f(1), -f(60_000)] {
        let mut trace = honest.clone();
        trace.slots[2].sender.time = time;
        assert_eq!(violations(&trace), [Memory]);
    }
    for time in [f(3), f(4), -f(70_000)] {
        let mut trace = honest.clone();
        trace.slots[2].sender.time = time;
        assert_eq!(violations(&trace), [Memory, Range(16)]);
    }
}

#[test]
fn the_final_cell_is_the_last_write() {
    let cheat = cheat(&[deposit(10, 0, 5), deposit(10, 0, 7), deposit(11, 0, 5)]);
    let balance = |index: u32, balance| {
        let mut header = cheat.world.cell(account(index).header_key());
        header.0[Header::BALANCE] = f(balance);
        header
    };
    // Never written; written first; what another account has.
    for cell in [balance(10, BALANCE + 1), balance(10, BALANCE + 5), balance(11, BALANCE + 5)] {
        for time in [0, 1, 2, 3] {
            let (trace, _) = cheat.run_with(|cells| {
                let story = cells.get_mut(&key(10, 0)).unwrap();
                (story.last, story.time) = (cell, f(time));
            });
            assert_eq!(violations(&trace), [Memory]);
        }
    }
}

/// key + 2^36 · time is one element: with any time, the final tuple of one key would be that of another.
#[test]
fn a_final_time_has_16_bits() {
    let cheat = cheat(&[deposit(10, 0, 5), deposit(11, 0, 7)]);
    let (trace, _) = cheat.run_with(|cells| {
        let [(a, mut of_a), (b, mut of_b)] = [10, 11].map(|index| (key(index, 0), cells[&key(index, 0)]));
        let apart = (f(b) - f(a)) / f(1 << KEY_BITS);
        (of_a.last, of_b.last) = (of_b.last, of_a.last);
        (of_a.time, of_b.time) = (of_b.time + apart, of_a.time - apart);
        cells.insert(a, of_a);
        cells.insert(b, of_b);
    });
    assert_eq!(violations(&trace), [Range(16); 2]);
}

#[test]
fn what_is_not_accessed_does_not_change() {
    for cell in [key(12, 0), key(12, 1)] {
        let mut cheat = cheat(&[]);
        cheat.opened.insert(cell);
        assert_eq!(violations(&cheat.run()), []);
        let (trace, _) = cheat.run_with(|cells| cells.get_mut(&cell).unwrap().last.0[0] += F::ONE);
        assert_eq!(violations(&trace), [Memory]);
    }
}

#[test]
fn what_is_accessed_is_opened() {
    // The recipient of nothing is left as it is: only that it exists is at stake.
    let cheat = cheat(&[transfer(10, 0, 0, 1, 11, 0)]);
    for cell in [key(11, 0), key(11, 1)] {
        let (trace, _) = cheat.run_with(|cells| assert!(cells.remove(&cell).is_some()));
        assert_eq!(violations(&trace), [Memory]);
    }
}

#[test]
fn a_cell_is_opened_once() {
    let honest = cheat(&[transfer(10, 0, 0, 1, 11, 5), transfer(10, 1, 0, 2, 11, 5)]).run();
    // An unused row repeats the last opening: as a header's again, a slot's again, a header's in a slot's row.
    let header = |trace: &mut ChunkTrace| trace.header_rows.last_mut().unwrap().enabled = F::ONE;
    let slot = |trace: &mut ChunkTrace| trace.slot_rows.last_mut().unwrap().slot_enabled = F::ONE;
    let header_of_slot = |trace: &mut ChunkTrace| trace.slot_rows.last_mut().unwrap().header_enabled = F::ONE;
    for open in [header, slot, header_of_slot] as [fn(&mut ChunkTrace); 3] {
        let mut trace = honest.clone();
        open(&mut trace);
        // A list that lacks the second opening is another multiset; one that has it does not increase.
        assert_eq!(violations(&trace), [Memory]);
        sort_keys(&mut trace);
        assert_eq!(violations(&trace), [Range(37)]);
    }
}

/// A header that has a row of its own and one with its slot.
#[test]
fn a_header_is_opened_once_in_both_kinds_of_rows() {
    let mut trace = cheat(&[]).run();
    let row = &mut trace.slot_rows[0];
    assert_eq!((row.key, row.header_enabled), (key(OPERATOR, 1), F::ZERO));
    row.header_enabled = F::ONE;
    sort_keys(&mut trace);
    assert_eq!(violations(&trace), [Range(37)]);
}

#[test]
fn the_sorted_list_increases_and_has_every_key() {
    let honest = cheat(&all_kinds()).run();
    let last = honest.sorted_keys.len() - 1;
    let caught = |edit: &dyn Fn(&mut Vec<u64>)| {
        let mut trace = honest.clone();
        edit(&mut trace.sorted_keys);
        violations(&trace)
    };
    // The last gap is not negative for a swap of the last two.
    assert_eq!(caught(&|keys| keys.swap(last - 1, last)), [Range(37)]);
    assert_eq!(caught(&|keys| keys.swap(1, 2)), [Range(37)]);
    assert_eq!(caught(&|keys| keys.rotate_left(1)), [Range(37)]);
    for i in [0, 1, last] {
        assert_eq!(caught(&|keys| keys[i..].iter_mut().for_each(|key| *key += 1)), [Memory]);
    }
    assert_eq!(caught(&|keys| keys[last] = 1 << (KEY_BITS + 2)), [Memory, Range(37)]);
}
