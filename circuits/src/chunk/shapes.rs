//! The shapes that chunks are proven in.
//!
//! A transaction costs its slot and the cells it opens. In rows, which `marginal_rows` in the tests pins; those of calls
//! are pinned beside each form:
//!
//! | | rows |
//! | --- | --- |
//! | `Gas` slot | 48.9 |
//! | `Asset` slot | 59.1 |
//! | `Any` slot | 66.6 |
//! | slot for a swap | 69.9 |
//! | header opening | 53.7 |
//! | slot opening, header included | 81.2 |
//!
//! so a transfer of asset 0 between fresh accounts takes 156 rows, one of another asset 222, and one between accounts
//! that the chunk has open already 49 or 59. A swap of asset 0 for another by a fresh trader takes 151.

use super::{Shape, SlotClass};
use crate::contract::FormId;

/// All shapes, smallest first.
pub fn all() -> Vec<Shape> {
    vec![small(), contracts(), mixed(), payments(), exchange()]
}

/// The shape with this name.
pub fn by_name(name: &str) -> Option<Shape> {
    all().into_iter().find(|shape| shape.name == name)
}

/// Slots for calls of the form with this name.
fn calls(form: &str, count: usize) -> (SlotClass, usize) {
    (SlotClass::Calls(FormId::by_name(form).expect("the form is registered")), count)
}

/// 2^12 rows, every kind of the protocol's own, two fresh cells a transaction: for tests and what is left over.
pub fn small() -> Shape {
    Shape { name: "small", degree_bits: 12, runs: vec![(SlotClass::Any, 12)], header_cells: 25, slot_cells: 22 }
}

/// 2^13 rows, a few calls of every form: for what is rare.
pub fn contracts() -> Shape {
    let runs = vec![
        (SlotClass::Any, 2),
        calls("exchange.liquidity", 5),
        calls("exchange.swap", 6),
        calls("exchange.route", 3),
        calls("assets.create", 4),
        calls("assets.sell", 3),
        calls("splits.create", 1),
        calls("splits.pay", 4),
        calls("splits.claim", 4),
        calls("channels.open", 2),
        calls("channels.close", 2),
        calls("channels.dispute", 1),
        calls("channels.settle", 2),
        calls("locks", 3),
        // For what leaves to L1 after a call.
        (SlotClass::Any, 2),
    ];
    Shape { name: "contracts", degree_bits: 13, runs, header_cells: 24, slot_cells: 41 }
}

/// 2^16 rows for the traffic of a main net: seven of ten transfers are of asset 0, a third of the accounts appear more
/// than once, and one transaction in a hundred is a swap.
pub fn mixed() -> Shape {
    let mut runs = vec![(SlotClass::Any, 4), calls("exchange.liquidity", 4)];
    for _ in 0..4 {
        runs.push(calls("exchange.swap", 2));
        runs.extend([(SlotClass::Gas, 7), (SlotClass::Asset, 3)].repeat(9));
    }
    runs.extend([calls("exchange.route", 2), (SlotClass::Any, 2)]);
    Shape { name: "mixed", degree_bits: 16, runs, header_cells: 545, slot_cells: 194 }
}

/// 2^16 rows, transfers of asset 0 only, two fresh accounts each.
pub fn payments() -> Shape {
    Shape {
        name: "payments",
        degree_bits: 16,
        runs: vec![(SlotClass::Gas, 417)],
        header_cells: 2 * 417 + 1,
        slot_cells: 0,
    }
}

/// 2^16 rows for pools that many trade on: most traders are fresh, and most pools are hot.
pub fn exchange() -> Shape {
    let mut runs = vec![(SlotClass::Any, 2), calls("exchange.liquidity", 12)];
    for _ in 0..10 {
        runs.extend([calls("exchange.swap", 29), calls("exchange.route", 3)]);
        runs.extend([(SlotClass::Gas, 6), (SlotClass::Asset, 3)]);
    }
    runs.push((SlotClass::Any, 2));
    Shape { name: "exchange", degree_bits: 16, runs, header_cells: 120, slot_cells: 370 }
}
