//! The shapes that chunks are proven in.
//!
//! A transaction costs its slot and the cells it opens. In rows, which `marginal_rows` in the tests pins:
//!
//! | | rows |
//! | --- | --- |
//! | `Gas` slot | 48.7 |
//! | `Asset` slot | 60.0 |
//! | `Any` slot | 67.5 |
//! | header opening | 54.6 |
//! | slot opening, header included | 83.0 |
//!
//! so a transfer of asset 0 between fresh accounts takes 158 rows, one of another asset 226, and one between accounts
//! that the chunk has open already 49 or 60.

use super::{Shape, SlotClass};

/// All shapes, smallest first.
pub fn all() -> Vec<Shape> {
    vec![small(), mixed(), payments()]
}

/// The shape with this name.
pub fn by_name(name: &str) -> Option<Shape> {
    all().into_iter().find(|shape| shape.name == name)
}

/// 2^12 rows, every kind, two fresh cells a transaction: for tests and what is left over.
pub fn small() -> Shape {
    Shape { name: "small", degree_bits: 12, runs: vec![(SlotClass::Any, 12)], header_cells: 25, slot_cells: 22 }
}

/// 2^16 rows for the traffic of a main net: three of four transfers are of asset 0, and a third of the accounts appear
/// more than once.
pub fn mixed() -> Shape {
    let mut runs = vec![(SlotClass::Any, 8)];
    runs.extend([(SlotClass::Gas, 10), (SlotClass::Asset, 3)].repeat(36));
    Shape { name: "mixed", degree_bits: 16, runs, header_cells: 490, slot_cells: 166 }
}

/// 2^16 rows, transfers of asset 0 only, two fresh accounts each.
pub fn payments() -> Shape {
    Shape {
        name: "payments",
        degree_bits: 16,
        runs: vec![(SlotClass::Gas, 413)],
        header_cells: 2 * 413 + 1,
        slot_cells: 0,
    }
}
