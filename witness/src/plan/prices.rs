//! What a placed transaction is worth: the rows that one more of its class would add to the cheapest set of chunks.
//!
//! A chunk is good if what it holds is worth more than its rows. Counting transactions alone would fill the shape with
//! most slots first and leave the rarer kinds to chunks of their own, mostly empty. So the transactions left are
//! priced by the linear program that covers them with shapes:
//!
//! ```text
//!   for each class, classes being nested:   slots that accept it or wider  ≥  transactions that need it or wider
//!   minimize the rows of all chunks
//! ```
//!
//! The prices are the solution of its dual. There are as many unknowns as classes, so trying all corners is enough.

use sheaf_circuits::chunk::{Shape, SlotClass};

const CLASSES: usize = SlotClass::ALL.len();
// Corners are where three planes meet.
const _: () = assert!(CLASSES == 3);

/// For each class, narrowest first, slots or transactions that are of it or wider.
type AtLeast = [f64; CLASSES];

/// Rows of folding one more chunk into the batch's proof: a lift and a join of 2^13 rows each.
const FOLDING_ROWS: f64 = (2 << 13) as f64;

/// What a chunk of this shape costs, in rows.
pub(super) fn cost(shape: &Shape) -> f64 {
    (1u64 << shape.degree_bits) as f64 + FOLDING_ROWS
}

/// What a transaction of each class is worth when `left` of each are left, in rows. Never less for a wider class.
pub(super) fn prices(shapes: &[Shape], left: [usize; CLASSES]) -> [f64; CLASSES] {
    let demand = at_least(left);
    let mut planes: Vec<(AtLeast, f64)> = shapes.iter().map(|shape| (at_least(slots(shape)), cost(shape))).collect();
    for class in 0..CLASSES {
        let mut axis = [0.0; CLASSES];
        axis[class] = -1.0;
        planes.push((axis, 0.0));
    }
    let mut best = ([0.0; CLASSES], 0.0);
    for a in 0..planes.len() {
        for b in a + 1..planes.len() {
            for c in b + 1..planes.len() {
                let Some(corner) = corner([planes[a], planes[b], planes[c]]) else { continue };
                let feasible =
                    planes.iter().all(|(plane, limit)| dot(plane, &corner) <= limit + 1e-6 * limit.abs().max(1.0));
                let value = dot(&demand, &corner);
                if feasible && value > best.1 {
                    best = (corner, value);
                }
            }
        }
    }
    // A slot that accepts a class accepts the narrower ones too: the wider one's price has theirs in it.
    let mut price = 0.0;
    best.0.map(|step| {
        price += step.max(0.0);
        price
    })
}

fn slots(shape: &Shape) -> [usize; CLASSES] {
    let mut count = [0; CLASSES];
    for &(class, slots) in &shape.runs {
        count[class as usize] += slots;
    }
    count
}

fn at_least(count: [usize; CLASSES]) -> AtLeast {
    std::array::from_fn(|class| count[class..].iter().sum::<usize>() as f64)
}

fn dot(a: &AtLeast, b: &AtLeast) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Where three planes meet, by Cramer's rule.
fn corner(planes: [(AtLeast, f64); 3]) -> Option<AtLeast> {
    let rows = planes.map(|(plane, _)| plane);
    let whole = determinant(&rows);
    if whole.abs() < 1e-9 {
        return None;
    }
    Some(std::array::from_fn(|column| {
        let mut replaced = rows;
        for (row, (_, limit)) in replaced.iter_mut().zip(planes) {
            row[column] = limit;
        }
        determinant(&replaced) / whole
    }))
}

fn determinant(m: &[AtLeast; 3]) -> f64 {
    m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
        + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(gas: usize, asset: usize, any: usize) -> Shape {
        let runs = vec![(SlotClass::Gas, gas), (SlotClass::Asset, asset), (SlotClass::Any, any)];
        Shape { name: "test", degree_bits: 16, runs, header_cells: 0, slot_cells: 0 }
    }

    #[test]
    fn a_class_that_is_scarce_is_worth_more() {
        let shapes = [shape(300, 0, 20), shape(150, 100, 0)];
        let rows = cost(&shapes[0]);
        let [gas, asset, any] = prices(&shapes, [3000, 1000, 50]);
        assert!(0.0 < gas && gas < asset && asset <= any);
        // Both shapes are used, so a full chunk of either is worth its rows exactly.
        assert!((300.0 * gas + 20.0 * any - rows).abs() < 1.0);
        assert!((150.0 * gas + 100.0 * asset - rows).abs() < 1.0);
    }

    #[test]
    fn where_one_slot_serves_all_all_are_worth_the_same() {
        let prices = prices(&[shape(0, 0, 20)], [10, 10, 10]);
        assert_eq!(prices, [cost(&shape(0, 0, 20)) / 20.0; 3]);
    }
}
