//! The rows that open cells: they are in the tree, nothing else changes, one root leads to the next.

use plonky2::field::types::Field;

use super::cheat::{f, key, sort_keys};
use super::verdict::Violation::*;
use super::*;
use crate::account::{CellKey, Header, KEY_BITS};
use crate::chunk::trace::{CellTrace, SlotRow};
use crate::hash::Digest;
use crate::hash::F;

/// The root over the new digests of a row.
fn root(row: &SlotRow) -> Digest {
    row.path.root(CellKey::new(row.key).unwrap(), row.header.last, row.slot.last)
}

#[test]
fn an_unused_row_changes_nothing() {
    let honest = cheat(&all_kinds()).run();
    for element in 0..4 {
        let mut trace = honest.clone();
        let row = trace.slot_rows.last_mut().unwrap();
        assert!(row.slot_enabled.is_zero() && row.header_enabled.is_zero());
        row.slot.last.0[element] += F::ONE;
        trace.public_inputs.post_root = root(row);
        assert_eq!(violations(&trace), [Equation]);

        let mut trace = honest.clone();
        let row = trace.slot_rows.last_mut().unwrap();
        row.header.last.0[element] += F::ONE;
        trace.public_inputs.post_root = root(row);
        assert_eq!(violations(&trace), [Equation]);
    }
}

/// An account's header that stays closed in the row of its slot.
#[test]
fn a_closed_header_does_not_change() {
    let mut trace = cheat(&[]).run();
    let row = &mut trace.slot_rows[0];
    assert!(row.slot_enabled.is_one() && row.header_enabled.is_zero());
    row.header.last.0[0] += F::ONE;
    let caught = violations(&trace);
    assert!(caught.contains(&Equation), "{caught:?}");
}

/// The same for a header's row; the rows after it then start from another root.
#[test]
fn an_unused_header_row_changes_nothing() {
    let mut trace = cheat(&all_kinds()).run();
    let row = trace.header_rows.last_mut().unwrap();
    assert!(row.enabled.is_zero());
    row.cell.last.0[0] += F::ONE;
    assert_eq!(violations(&trace), [Equation, Hash]);
}

#[test]
fn the_cells_before_are_those_of_the_tree() {
    let honest = cheat(&all_kinds()).run();
    let tampered: [fn(&mut SlotRow); 5] = [
        |row| row.slot.initial.0[0] += F::ONE,
        |row| row.header.initial.0[0] += F::ONE,
        |row| row.path.slots[3] = Digest([F::ONE; 4]),
        |row| row.path.accounts[20] = Digest([F::ONE; 4]),
        |row| row.key ^= 1,
    ];
    for tamper in tampered {
        let mut trace = honest.clone();
        let row = trace.slot_rows.last_mut().unwrap();
        tamper(row);
        (row.slot.last, row.header.last) = (row.slot.initial, row.header.initial);
        trace.public_inputs.post_root = root(row);
        assert_eq!(violations(&trace), [Hash]);
    }
}

#[test]
fn a_header_rows_path_is_of_the_tree() {
    let honest = cheat(&all_kinds()).run();
    let tampered: [fn(&mut ChunkTrace); 4] = [
        |trace| trace.header_rows[11].cell.initial.0[0] += F::ONE,
        |trace| trace.header_rows[11].path.slots_root = Digest([F::ONE; 4]),
        |trace| trace.header_rows[11].path.accounts[0] = Digest([F::ONE; 4]),
        |trace| trace.header_rows[11].account ^= 1,
    ];
    for tamper in tampered {
        let mut trace = honest.clone();
        tamper(&mut trace);
        let cell = &mut trace.header_rows[11].cell;
        cell.last = cell.initial;
        // Neither does the row begin at the root before it, nor the next one where it ends.
        assert_eq!(violations(&trace), [Hash; 2]);
    }
}

/// Slot 0 of every account is empty. Opened, it would have the key of the header: a second account in its place.
#[test]
fn slot_0_is_not_opened() {
    let cheat = cheat(&[open(10, 7)]);
    let (mut trace, after) = cheat.run_with(|cells| assert!(cells.remove(&key(10, 0)).is_some()));
    let header = after.cell(account(10).header_key()).digest();
    let opened = Header::open(key_hash(10), quanta(7)).to_cell();
    let row = trace.slot_rows.last_mut().unwrap();
    *row = SlotRow {
        slot_enabled: F::ONE,
        header_enabled: F::ZERO,
        key: key(10, 0),
        slot: CellTrace { initial: Digest::ZERO, last: opened.digest(), time: f(1) },
        header: CellTrace { initial: header, last: header, time: F::ZERO },
        path: after.slot_path(account(10).header_key()),
    };
    trace.public_inputs.post_root = root(row);
    sort_keys(&mut trace);
    assert_eq!(violations(&trace), [Equation]);
}

/// A flag of −1 on an untouched cell: its factors are the same on both sides, so only that it is no flag is wrong.
#[test]
fn an_openings_flag_is_0_or_1() {
    let honest = cheat(&[]).run();
    let headers = honest.header_rows.len();
    let slots = honest.slot_rows.len();
    let header = |trace: &mut ChunkTrace| trace.header_rows.last_mut().unwrap().enabled = F::NEG_ONE;
    let header_of_slot = |trace: &mut ChunkTrace| trace.slot_rows.last_mut().unwrap().header_enabled = F::NEG_ONE;
    let slot = |trace: &mut ChunkTrace| trace.slot_rows.last_mut().unwrap().slot_enabled = F::NEG_ONE;
    type Set = fn(&mut ChunkTrace);
    let cases: [(Set, u64, usize); 3] = [
        (header, key(OPERATOR, 0), headers - 1),
        (header_of_slot, key(OPERATOR, 0), headers + 2 * slots - 2),
        (slot, key(OPERATOR, 1), headers + 2 * slots - 1),
    ];
    for (set, key, position) in cases {
        let mut trace = honest.clone();
        set(&mut trace);
        // What the circuit chooses between key and padding.
        let padding = (1 << KEY_BITS) + position as u64;
        let entry = trace.sorted_keys.iter_mut().find(|entry| **entry == padding).unwrap();
        *entry = 2 * padding - key;
        trace.sorted_keys.sort_unstable();
        assert_eq!(violations(&trace), [Equation]);
    }
}
