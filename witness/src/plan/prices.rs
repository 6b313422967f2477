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
//! The prices are the solution of its dual: the corner of "no shape is worth more than it costs" at which what is left
//! is worth most. Only classes that are left count, and there are few, so all corners are tried.

use sheaf_circuits::chunk::{Shape, SlotClass};

/// For each class that is left, slots or transactions that are of it or wider.
type AtLeast = Vec<f64>;

/// Rows of folding one more chunk into the batch's proof: a lift and a join of 2^13 rows each.
const FOLDING_ROWS: f64 = (2 << 13) as f64;
/// Corners that are tried at most; beyond that all classes are worth what the cheapest shape asks for a slot.
const MAX_CORNERS: usize = 20_000;

/// What a chunk of this shape costs, in rows.
pub(super) fn cost(shape: &Shape) -> f64 {
    (1u64 << shape.degree_bits) as f64 + FOLDING_ROWS
}

/// What a transaction of each class (by its index) is worth when `left` of each are left, in rows. Never less for a
/// wider class.
pub(super) fn prices(shapes: &[Shape], left: &[usize]) -> Vec<f64> {
    let classes: Vec<SlotClass> = SlotClass::all().filter(|class| left[class.index()] > 0).collect();
    let demand = at_least(&classes, left);
    let mut planes: Vec<(AtLeast, f64)> =
        shapes.iter().map(|shape| (at_least(&classes, &slots(shape)), cost(shape))).collect();
    // Shapes that serve nothing of what is left bound nothing.
    planes.retain(|(plane, _)| plane.iter().any(|&slots| slots > 0.0));
    for class in 0..classes.len() {
        let mut axis = vec![0.0; classes.len()];
        axis[class] = -1.0;
        planes.push((axis, 0.0));
    }
    let steps = best_corner(&planes, &demand);
    // A slot that accepts a class accepts the narrower ones too: the wider one's price has theirs in it.
    let mut prices = vec![0.0; left.len()];
    for (i, class) in classes.iter().enumerate() {
        let narrower = classes[..=i].iter().enumerate().filter(|(_, other)| class.includes(**other));
        prices[class.index()] = narrower.map(|(other, _)| f64::max(steps[other], 0.0)).sum();
    }
    prices
}

fn slots(shape: &Shape) -> Vec<usize> {
    let mut count = vec![0; SlotClass::count()];
    for &(class, slots) in &shape.runs {
        count[class.index()] += slots;
    }
    count
}

/// For each of `classes`, how many of `count` (by index) are of a class that includes it.
fn at_least(classes: &[SlotClass], count: &[usize]) -> AtLeast {
    let wider = |class: &SlotClass| {
        SlotClass::all().filter(|other| other.includes(*class)).map(|other| count[other.index()]).sum::<usize>() as f64
    };
    classes.iter().map(wider).collect()
}

/// The corner of all half-spaces at which `demand` is worth most.
fn best_corner(planes: &[(AtLeast, f64)], demand: &AtLeast) -> Vec<f64> {
    let dimensions = demand.len();
    let mut best = (vec![0.0; dimensions], 0.0);
    let mut chosen: Vec<usize> = (0..dimensions).collect();
    for _ in 0..MAX_CORNERS {
        if let Some(corner) = corner(chosen.iter().map(|&plane| &planes[plane])) {
            let feasible =
                planes.iter().all(|(plane, limit)| dot(plane, &corner) <= limit + 1e-6 * limit.abs().max(1.0));
            let value = dot(demand, &corner);
            if feasible && value > best.1 {
                best = (corner, value);
            }
        }
        // The next combination, in lexicographic order.
        let last = |i: usize| planes.len() - dimensions + i;
        let Some(i) = (0..dimensions).rev().find(|&i| chosen[i] < last(i)) else { break };
        chosen[i] += 1;
        (i + 1..dimensions).for_each(|j| chosen[j] = chosen[j - 1] + 1);
    }
    best.0
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Where planes meet, by elimination.
fn corner<'a>(planes: impl Iterator<Item = &'a (AtLeast, f64)>) -> Option<Vec<f64>> {
    let mut rows: Vec<Vec<f64>> = planes.map(|(plane, limit)| [&plane[..], &[*limit]].concat()).collect();
    let dimensions = rows.len();
    for column in 0..dimensions {
        let pivot = (column..dimensions).max_by(|&a, &b| rows[a][column].abs().total_cmp(&rows[b][column].abs()))?;
        if rows[pivot][column].abs() < 1e-9 {
            return None;
        }
        rows.swap(column, pivot);
        let pivot = rows[column].clone();
        for (other, row) in rows.iter_mut().enumerate() {
            if other != column {
                let factor = row[column] / pivot[column];
                row.iter_mut().zip(&pivot).for_each(|(value, pivot)| *value -= factor * pivot);
            }
        }
    }
    Some((0..dimensions).map(|i| rows[i][dimensions] / rows[i][i]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(gas: usize, asset: usize, any: usize) -> Shape {
        let runs = vec![(SlotClass::Gas, gas), (SlotClass::Asset, asset), (SlotClass::Any, any)];
        Shape { name: "test", degree_bits: 16, runs, header_cells: 0, slot_cells: 0 }
    }

    fn left(protocol: [usize; 3]) -> Vec<usize> {
        let mut left = vec![0; SlotClass::count()];
        left[..3].copy_from_slice(&protocol);
        left
    }

    #[test]
    fn a_class_that_is_scarce_is_worth_more() {
        let shapes = [shape(300, 0, 20), shape(150, 100, 0)];
        let rows = cost(&shapes[0]);
        let prices = prices(&shapes, &left([3000, 1000, 50]));
        let [gas, asset, any] = prices[..3] else { panic!("three classes") };
        assert!(0.0 < gas && gas < asset && asset <= any);
        // Both shapes are used, so a full chunk of either is worth its rows exactly.
        assert!((300.0 * gas + 20.0 * any - rows).abs() < 1.0);
        assert!((150.0 * gas + 100.0 * asset - rows).abs() < 1.0);
    }

    #[test]
    fn where_one_slot_serves_all_all_are_worth_the_same() {
        let prices = prices(&[shape(0, 0, 20)], &left([10, 10, 10]));
        assert_eq!(prices[..3], [cost(&shape(0, 0, 20)) / 20.0; 3]);
    }
}
