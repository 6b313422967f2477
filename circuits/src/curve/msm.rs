//! Sums of many multiplications: Pippenger's buckets, with affine additions that share inversions.
//!
//! Each factor is cut into signed digits of `bits` bits. For each digit position, points with digit ±k fall
//! into bucket k, and a bucket's points are added pairwise, all pairs of all buckets at once: with the
//! inversion shared, an affine addition costs six products, against ten or more for projective ones. Then
//! every position's Σ k·bucket(k) is found by running sums, all positions in step, again sharing inversions.

use plonky2::field::types::Field;

use super::coset::Coset;
use super::field::{batch_invert, mul, Fp5};
use super::point::Point;
use super::scalar::{Scalar, LIMBS};

/// A term k·P of a sum, k a non-negative integer below 2^320 (not necessarily below n).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Term {
    pub(crate) point: Point,
    pub(crate) factor: [u64; LIMBS],
}

/// Σ kᵢPᵢ.
pub fn multi_scalar(terms: &[(Point, Scalar)]) -> Point {
    let terms: Vec<_> = terms.iter().map(|&(point, k)| Term { point, factor: k.limbs() }).collect();
    sum_of_multiples(&terms)
}

/// Σ factor·point.
pub(crate) fn sum_of_multiples(terms: &[Term]) -> Point {
    let lengths: Vec<usize> = terms.iter().map(|t| bit_length(&t.factor)).collect();
    let Some(&longest) = lengths.iter().max().filter(|&&length| length > 0) else {
        return Point::NEUTRAL;
    };
    let bits = window_bits(&lengths, longest);
    // One bit more for the carry out of the top digit.
    let windows = (longest + 1).div_ceil(bits);
    let digits = signed_digits(terms, bits, windows);

    let mut adder = Adder::default();
    let half = 1 << (bits - 1);
    let mut buckets = Vec::with_capacity(windows * half);
    for window in digits.chunks_exact(terms.len()) {
        adder.fill_buckets(terms, window, half, &mut buckets);
    }
    let sums = adder.weigh_buckets(&buckets, windows, half);
    let horner = |sum: Coset, &window: &Point| sum.double_times(bits).add(&Coset::from(window));
    sums.iter().rev().fold(Coset::NEUTRAL, horner).to_point()
}

fn bit_length(k: &[u64; LIMBS]) -> usize {
    (0..LIMBS).rev().find(|&i| k[i] != 0).map_or(0, |i| 64 * i + 64 - k[i].leading_zeros() as usize)
}

/// The digit size with the fewest additions: one for each nonzero digit, two for each bucket.
fn window_bits(lengths: &[usize], longest: usize) -> usize {
    let additions = |bits: &usize| {
        let digits: usize = lengths.iter().map(|length| (length + 1).div_ceil(*bits)).sum();
        digits + (longest + 1).div_ceil(*bits) * (2 << (bits - 1))
    };
    (2..=14).min_by_key(additions).unwrap_or(2)
}

/// Digits between −2^(bits−1) and 2^(bits−1), all terms' lowest digits first.
fn signed_digits(terms: &[Term], bits: usize, windows: usize) -> Vec<i16> {
    let mut digits = vec![0; windows * terms.len()];
    let size = 1u64 << bits;
    for (i, term) in terms.iter().enumerate().filter(|(_, t)| !t.point.is_neutral()) {
        let mut carry = 0;
        for window in 0..windows {
            let (limb, shift) = (window * bits / 64, window * bits % 64);
            let low = term.factor.get(limb).map_or(0, |l| l >> shift);
            let high = match shift {
                0 => 0,
                _ => term.factor.get(limb + 1).map_or(0, |l| l << (64 - shift)),
            };
            let digit = (low | high) % size + carry;
            carry = u64::from(digit > size / 2);
            digits[window * terms.len() + i] = (digit as i64 - (carry * size) as i64) as i16;
        }
    }
    digits
}

/// Pairs that share an inversion. It costs about 15 products, so more would gain little, and would leave the
/// first-level cache sooner.
const SHARE: usize = 256;

/// Adds many pairs at once; keeps its buffers.
#[derive(Default)]
struct Adder {
    pairs: Vec<(Point, Point)>,
    numerators: Vec<Fp5>,
    denominators: Vec<Fp5>,
    scratch: Vec<Fp5>,
    sums: Vec<Point>,
    sorted: Vec<Point>,
}

impl Adder {
    /// Fills `sums` with the sum of each of `pairs`, for about six products each.
    fn add_pairs(&mut self) {
        self.sums.clear();
        for pairs in self.pairs.chunks(SHARE) {
            let first = self.sums.len();
            self.numerators.clear();
            self.denominators.clear();
            for (p, q) in pairs {
                // A pair without a slope (equal x, a neutral) has its sum at once; denominator zero marks it.
                let (sum, (numerator, denominator)) = match p.slope(q) {
                    Ok(slope) => (Point::NEUTRAL, slope),
                    Err(sum) => (sum, Default::default()),
                };
                self.sums.push(sum);
                self.numerators.push(numerator);
                self.denominators.push(denominator);
            }
            batch_invert(&mut self.denominators, &mut self.scratch);
            let slopes = self.numerators.iter().zip(&self.denominators);
            for ((sum, (p, q)), (&numerator, &inverse)) in self.sums[first..].iter_mut().zip(pairs).zip(slopes) {
                if !inverse.is_zero() {
                    *sum = p.add_with_slope(q, mul(numerator, inverse));
                }
            }
        }
    }

    /// Appends to `buckets` the sums of the points with digit ±1, ±2, …, ±half, signs applied.
    fn fill_buckets(&mut self, terms: &[Term], digits: &[i16], half: usize, buckets: &mut Vec<Point>) {
        // Counting sort by magnitude; magnitude zero comes first and is ignored.
        let mut lengths = vec![0usize; half + 1];
        for digit in digits {
            lengths[usize::from(digit.unsigned_abs())] += 1;
        }
        lengths[0] = 0;
        let mut next: Vec<usize> =
            lengths.iter().scan(0, |end, length| Some(std::mem::replace(end, *end + length))).collect();
        self.sorted.clear();
        self.sorted.resize(lengths.iter().sum(), Point::NEUTRAL);
        for (term, &digit) in terms.iter().zip(digits).filter(|(_, &digit)| digit != 0) {
            let place = &mut next[usize::from(digit.unsigned_abs())];
            self.sorted[*place] = if digit < 0 { -term.point } else { term.point };
            *place += 1;
        }
        while lengths.iter().any(|&length| length > 1) {
            self.halve_buckets(&mut lengths);
        }
        let mut points = self.sorted.iter();
        let one_or_none = |&length: &usize| match length {
            0 => Point::NEUTRAL,
            _ => points.next().copied().unwrap_or(Point::NEUTRAL),
        };
        buckets.extend(lengths[1..].iter().map(one_or_none));
    }

    /// Adds neighbours within each bucket of `sorted`.
    fn halve_buckets(&mut self, lengths: &mut [usize]) {
        self.pairs.clear();
        let mut rest = &self.sorted[..];
        for &length in lengths.iter() {
            let (bucket, after) = rest.split_at(length);
            self.pairs.extend(bucket.chunks_exact(2).map(|pair| (pair[0], pair[1])));
            rest = after;
        }
        self.add_pairs();
        let (mut read, mut write, mut sum) = (0, 0, 0);
        for length in lengths {
            let pairs = *length / 2;
            self.sorted[write..write + pairs].copy_from_slice(&self.sums[sum..sum + pairs]);
            write += pairs;
            sum += pairs;
            read += *length;
            if *length % 2 == 1 {
                self.sorted[write] = self.sorted[read - 1];
                write += 1;
            }
            *length = length.div_ceil(2);
        }
        self.sorted.truncate(write);
    }

    /// For each window, Σ k·bucket(k), k from 1.
    fn weigh_buckets(&mut self, buckets: &[Point], windows: usize, half: usize) -> Vec<Point> {
        // total = Σ over k of (the buckets from k up), and running is the inner sum. Both step together:
        // total takes the running sum of the step before.
        let mut totals = vec![Point::NEUTRAL; windows];
        let mut running = vec![Point::NEUTRAL; windows];
        for k in (0..=half).rev() {
            self.pairs.clear();
            for window in 0..windows {
                self.pairs.push((totals[window], running[window]));
                if k > 0 {
                    self.pairs.push((running[window], buckets[window * half + k - 1]));
                }
            }
            self.add_pairs();
            for (window, sums) in self.sums.chunks_exact(if k > 0 { 2 } else { 1 }).enumerate() {
                totals[window] = sums[0];
                if let Some(&sum) = sums.get(1) {
                    running[window] = sum;
                }
            }
        }
        totals
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::point::GENERATOR;
    use super::*;

    fn term() -> impl Strategy<Value = (Point, Scalar)> {
        // Few distinct points and factors, so that equal points, opposite points and neutrals meet.
        let point = prop_oneof![
            (0u64..4).prop_map(|k| GENERATOR.mul(Scalar::from(k))),
            (1u64..4).prop_map(|k| -GENERATOR.mul(Scalar::from(k))),
            any::<u64>().prop_map(|k| GENERATOR.mul(Scalar::from(k))),
        ];
        let scalar = prop_oneof![
            (0u64..4).prop_map(Scalar::from),
            (0u64..4).prop_map(|k| -Scalar::from(k)),
            any::<u128>().prop_map(Scalar::from),
            any::<[u64; 10]>().prop_map(Scalar::from_wide),
        ];
        (point, scalar)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn agrees_with_single_multiplications(terms in prop::collection::vec(term(), 0..60)) {
            let expected = terms.iter().fold(Point::NEUTRAL, |sum, (p, k)| sum + p.mul(*k));
            prop_assert_eq!(multi_scalar(&terms), expected);
        }
    }

    #[test]
    fn factors_may_exceed_the_order() {
        let term = |factor| Term { point: GENERATOR, factor };
        let sum = sum_of_multiples(&[term([u64::MAX; 5]), term([u64::MAX; 5])]);
        let mut wide = [0; 10];
        wide[..5].fill(u64::MAX);
        let once = Scalar::from_wide(wide);
        assert_eq!(sum, GENERATOR.mul(once + once));
    }

    #[test]
    fn many_equal_and_cancelling_terms() {
        let mut terms = vec![(GENERATOR, Scalar::from(7u64)); 300];
        assert_eq!(multi_scalar(&terms), GENERATOR.mul(Scalar::from(2100u64)));
        terms.extend(vec![(-GENERATOR, Scalar::from(7u64)); 300]);
        assert_eq!(multi_scalar(&terms), Point::NEUTRAL);
    }
}
