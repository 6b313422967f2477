//! Keys of openings: how wide they are, and that the path taken is the one that the key says.
//!
//! Every cell here is opened as it is and left as it is, or nearly: the memory balances, the roots follow, and only how
//! a key is split into the bits of a path is wrong.

use plonky2::field::types::Field;
use plonky2::iop::target::Target;

use super::cheat::{f, key, sort_keys, Place};
use super::verdict::Violation::*;
use super::verdict::{bits_of, hash_swapped, violations_with};
use super::*;
use crate::account::{Header, KEY_BITS, SLOT_BITS};
use crate::chunk::trace::{CellTrace, HeaderRow, SlotRow};
use crate::hash::{Digest, F};

/// Not open.
const ABSENT: u32 = 30;

fn unchanged(digest: Digest) -> CellTrace {
    CellTrace { initial: digest, last: digest, time: F::ZERO }
}

/// A row that opens a header and leaves it as it is.
fn header_row(tree: &World, index: u32) -> HeaderRow {
    HeaderRow {
        enabled: F::ONE,
        account: index,
        cell: unchanged(tree.cell(account(index).header_key()).digest()),
        path: tree.header_path(account(index)),
    }
}

/// A row that opens a slot, or the header of its account, and leaves both as they are.
fn slot_row(tree: &World, index: u32, id: u16, opens_header: bool) -> SlotRow {
    let cell_key = account(index).balance_key(asset(id));
    SlotRow {
        slot_enabled: F::from_bool(!opens_header),
        header_enabled: F::from_bool(opens_header),
        key: cell_key.get(),
        slot: unchanged(tree.cell(cell_key).digest()),
        header: unchanged(tree.cell(account(index).header_key()).digest()),
        path: tree.slot_path(cell_key),
    }
}

/// A chunk of nothing, the tree after it, and `row` in place of an unused one.
fn with_header_row(row: impl Fn(&World) -> HeaderRow) -> ChunkTrace {
    let (mut trace, tree) = cheat(&[]).run_with(|_| {});
    *trace.header_rows.last_mut().unwrap() = row(&tree);
    sort_keys(&mut trace);
    trace
}

fn with_slot_row(row: impl Fn(&World) -> SlotRow) -> ChunkTrace {
    let (mut trace, tree) = cheat(&[]).run_with(|_| {});
    *trace.slot_rows.last_mut().unwrap() = row(&tree);
    sort_keys(&mut trace);
    trace
}

/// The account of the last row that opens a header, and the key of the last one that opens a slot.
fn last_account() -> Target {
    CIRCUIT.targets.header_openings.last().unwrap().account
}

fn last_key() -> Target {
    CIRCUIT.targets.slot_openings.last().unwrap().key
}

/// `x` split into the bits of `value`.
fn split_as(x: Target, value: u64) -> Vec<(Target, F)> {
    bits_of(x).into_iter().enumerate().map(|(i, bit)| (bit, F::from_bool(value >> i & 1 == 1))).collect()
}

/// Puts in the sorted list what the circuit computes of a key where [`sort_keys`] computes something else.
fn replace_key(trace: &mut ChunkTrace, computed: u64, key: u64) {
    *trace.sorted_keys.iter_mut().find(|entry| **entry == computed).unwrap() = key;
    trace.sorted_keys.sort_unstable();
}

#[test]
fn what_is_opened_and_left_alone_is_in_order() {
    assert_eq!(violations(&with_header_row(|tree| header_row(tree, 10))), []);
    for opens_header in [false, true] {
        assert_eq!(violations(&with_slot_row(|tree| slot_row(tree, 10, 1, opens_header))), []);
    }
}

/// An account 2^24 higher has a key 2^36 higher, and key + 2^36 · time is one element: its initial tuple would be what
/// the account's own key has later.
#[test]
fn an_opened_account_has_24_bits() {
    for time in [1, 2] {
        let trace = with_header_row(|tree| {
            let row = header_row(tree, 10);
            HeaderRow { account: row.account + (time << 24), ..row }
        });
        assert_eq!(violations(&trace), [Bits]);
    }
}

/// account · 2^12 wraps in the field: a header would stand where a slot does.
#[test]
fn a_headers_row_does_not_open_a_slots_key() {
    let mut trace = with_header_row(|tree| header_row(tree, 11));
    replace_key(&mut trace, key(11, 0), key(10, 5));
    let mut forced = split_as(last_account(), 11);
    forced.push((last_account(), f(key(10, 5)) / f(1 << SLOT_BITS)));
    assert_eq!(violations_with(&trace, &forced), [Bits]);
}

#[test]
fn an_opened_key_has_36_bits() {
    for opens_header in [false, true] {
        for time in [1, 2] {
            let trace = with_slot_row(|tree| {
                let row = slot_row(tree, 10, 1, opens_header);
                SlotRow { key: row.key + (time << KEY_BITS), ..row }
            });
            assert_eq!(violations(&trace), [Bits]);
        }
    }
}

/// Slot 4096 of account 11 is the header of account 12. Split as slot 4095 of account 11, that would be opened as
/// account 12's header, or account 11's header as its slot 1.
#[test]
fn an_opened_slot_has_12_bits() {
    for opens_header in [false, true] {
        let mut trace = with_slot_row(|tree| {
            let row = slot_row(tree, 11, 4095, opens_header);
            SlotRow { key: key(11, 4096), ..row }
        });
        if opens_header {
            replace_key(&mut trace, key(12, 0), key(11, 1));
        }
        assert_eq!(violations_with(&trace, &split_as(last_key(), key(11, 4095))), [Bits]);
    }
}

/// Account 30 is not there. With the path of account 10 it would be one more account 10.
#[test]
fn a_headers_path_is_that_of_its_account() {
    let mut cheat = cheat(&[transfer(11, 0, 0, 0, ABSENT, 0)]);
    let header = Header::open(key_hash(10), quanta(BALANCE)).to_cell();
    cheat.claims.insert((0, Place::Recipient), header);
    let (mut trace, tree) = cheat.run_with(|cells| assert!(cells.remove(&key(ABSENT, 0)).is_some()));
    let row = trace.header_rows.last_mut().unwrap();
    *row = HeaderRow { account: ABSENT, ..header_row(&tree, 10) };
    row.cell.time = f(1);
    sort_keys(&mut trace);
    assert_eq!(violations_with(&trace, &split_as(last_account(), 10)), [Bits]);
}

/// Nor is a slot's path, or its account's.
#[test]
fn a_slots_path_is_that_of_its_key() {
    for opens_header in [false, true] {
        for claimed in [key(ABSENT, 1), key(10, 1) + (1 << 23 << SLOT_BITS)] {
            let trace = with_slot_row(|tree| SlotRow { key: claimed, ..slot_row(tree, 10, 1, opens_header) });
            assert_eq!(violations_with(&trace, &split_as(last_key(), key(10, 1))), [Bits]);
        }
    }
    // Another slot of the same account.
    let trace = with_slot_row(|tree| SlotRow { key: key(10, 3), ..slot_row(tree, 10, 1, false) });
    assert_eq!(violations_with(&trace, &split_as(last_key(), key(10, 1))), [Bits]);
}

/// A bit that is neither 0 nor 1 mixes a node and its sibling, so that some leaf that is not in the tree leads to its
/// root: at slots 0 and 1 of account 10, for the key of slot `bit`. The rows that hash see it too.
#[test]
fn a_bit_of_a_path_is_0_or_1() {
    let [absent, present] = [Digest::ZERO, world().cell(account(10).balance_key(asset(1))).digest()];
    for bit in [1, 2, 3, 4095] {
        // Such that mixing leaf and sibling gives what is in the tree, left and right.
        let mix = |i: usize| {
            let sum = absent.0[i] + present.0[i];
            let leaf = (absent.0[i] - f(bit) * sum) / (F::ONE - f(2 * bit));
            (leaf, sum - leaf)
        };
        let leaf = Digest(std::array::from_fn(|i| mix(i).0));
        let sibling = Digest(std::array::from_fn(|i| mix(i).1));
        let trace = with_slot_row(|tree| {
            let mut row = slot_row(tree, 10, 1, false);
            (row.key, row.slot, row.path.slots[0]) = (key(10, bit), unchanged(leaf), sibling);
            row
        });
        let mut forced = split_as(last_key(), key(10, 0));
        let lowest = forced[0].0;
        forced[0].1 = f(bit);
        forced.extend(hash_swapped(lowest, f(bit), leaf, sibling));
        let caught = if bit == 1 { vec![] } else { vec![Hash, Hash, Bits] };
        assert_eq!(violations_with(&trace, &forced), caught, "bit {bit}");
    }
}
