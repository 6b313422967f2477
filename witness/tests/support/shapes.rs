//! Shapes for tests, like those that chunks are proven in.

use sheaf_circuits::chunk::{Shape, SlotClass};

pub fn full() -> Shape {
    Shape {
        name: "full",
        degree_bits: 16,
        runs: vec![(SlotClass::Any, 24), (SlotClass::Gas, 330)],
        header_cells: 520,
        slot_cells: 60,
    }
}

pub fn mixed() -> Shape {
    let runs =
        (0..50).flat_map(|_| [(SlotClass::Gas, 3), (SlotClass::Asset, 2)]).chain([(SlotClass::Any, 4)]).collect();
    Shape { name: "mixed", degree_bits: 16, runs, header_cells: 250, slot_cells: 230 }
}

pub fn small() -> Shape {
    Shape { name: "small", degree_bits: 12, runs: vec![(SlotClass::Any, 12)], header_cells: 8, slot_cells: 24 }
}
