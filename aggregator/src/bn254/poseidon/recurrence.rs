//! The partial rounds as a recurrence.
//!
//! In a partial round only the first element x goes through the S-box; the others, u, see linear maps only. With
//! M = (m, row; column, A) and y = x⁵, and all constants moved to x:
//!
//! ```text
//!   x(k+1) = m·y(k) + row·u(k)          u(k+1) = column·y(k) + A·u(k)
//! ```
//!
//! u has n = T − 1 elements, so n values of x in a row and the y beside them determine it: u(k) = G·(x(k−n+1) … x(k)) +
//! H·(y(k−n) … y(k−1)). Put in above, the next x is a combination of the last n values of x and the last T of y, with the
//! same 2n + 1 coefficients in every round. A round is one sum of 17 products for T = 9, reduced once; the usual sparse
//! matrices need as many products, but reduce nine times. u itself is needed once, after the last round.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};

use super::dot::{dot, fifth_power, limbs, Limbs, FIFTH_POWER_MAX, PRODUCTS_MAX};
use super::{Matrix, HALF_FULL_ROUNDS};

/// Coefficients in Montgomery form; windows of x and y in the order of rounds.
pub(super) struct Recurrence {
    /// Of the first n rounds: x(k+1) from u(0).
    first_u: Vec<Vec<Limbs>>,
    /// Of the first n rounds: x(k+1) from y(0) … y(k), the last k + 1 of these.
    first_y: Vec<Limbs>,
    /// Of the other rounds: from the last n values of x.
    x: Vec<Limbs>,
    /// Of the other rounds: from the last n + 1 values of y.
    y: Vec<Limbs>,
    /// What is added to x(k+1), for each round.
    plus: Vec<Limbs>,
    /// What is added to x(0).
    pub first_plus: Fr,
    /// G and H after the last round, by rows.
    last_x: Vec<Vec<Limbs>>,
    last_y: Vec<Vec<Limbs>>,
    /// What is added to u after the last round, with the next round's constants.
    last_plus: Vec<Limbs>,
}

impl Recurrence {
    /// The recurrence of an instance.
    ///
    /// # Panics
    ///
    /// When n values of x do not determine u, or sums could overflow. Both are facts about the constants, and tested.
    pub fn new<const T: usize>(matrix: &Matrix<T>, round_constants: &[[Fr; T]], rounds: usize) -> Self {
        let n = T - 1;
        let row = matrix[0][1..].to_vec();
        let column: Vec<Fr> = matrix[1..].iter().map(|line| line[0]).collect();
        let rest: Vec<Vec<Fr>> = matrix[1..].iter().map(|line| line[1..].to_vec()).collect();

        // row·A^k and A^k·column.
        let row_powers = powers(row.clone(), n, |v| times_matrix(v, &rest));
        let column_powers = powers(column, n, |v| matrix_times(&rest, v));
        // y(k − j) in x(k+1), for j from 0.
        let response: Vec<Fr> =
            [matrix[0][0]].into_iter().chain(column_powers.iter().map(|v| inner(&row, v))).take(n).collect();

        let power = (0..n).fold(identity(n), |product, _| product_of(&rest, &product));
        let g = product_of(&power, &inverse(&row_powers));
        let h: Vec<Vec<Fr>> = (0..n)
            .map(|i| {
                let of_x = |l: usize| (l..n).map(|k| g[i][k] * response[k - l]).sum::<Fr>();
                (0..n).map(|l| column_powers[n - 1 - l][i] - of_x(l)).collect()
            })
            .collect();
        let x = times_matrix(&row, &g);
        let mut y = times_matrix(&row, &h);
        y.push(matrix[0][0]);

        // Constants of u, carried along; those of x.
        let mut carried = vec![Fr::ZERO; n];
        let mut constants = vec![round_constants[HALF_FULL_ROUNDS][0]];
        for k in 0..rounds {
            let added: Vec<Fr> =
                carried.iter().zip(&round_constants[HALF_FULL_ROUNDS + k][1..]).map(|(a, b)| *a + b).collect();
            constants.push(inner(&row, &added) + round_constants[HALF_FULL_ROUNDS + k + 1][0]);
            carried = matrix_times(&rest, &added);
        }
        let plus = (0..rounds).map(|k| {
            let seen = if k < n { Fr::ZERO } else { inner(&x, &constants[k + 1 - n..=k]) };
            limbs(constants[k + 1] - seen)
        });
        let seen = matrix_times(&g, &constants[rounds + 1 - n..=rounds]);
        let next = &round_constants[HALF_FULL_ROUNDS + rounds][1..];
        let last_plus = carried.iter().zip(next).zip(&seen).map(|((a, b), seen)| limbs(*a + b - seen));

        let recurrence = Self {
            first_u: all_limbs(&row_powers),
            first_y: response.iter().rev().map(|&q| limbs(q)).collect(),
            plus: plus.collect(),
            first_plus: constants[0],
            last_plus: last_plus.collect(),
            last_x: all_limbs(&g),
            last_y: all_limbs(&h),
            x: x.into_iter().map(limbs).collect(),
            y: y.into_iter().map(limbs).collect(),
        };
        recurrence.check_sums();
        recurrence
    }

    /// All partial rounds: from x(0), its constant added, and u(0) to the state before the next S-boxes, whose constants
    /// are added.
    #[inline(always)]
    pub fn run<const T: usize>(&self, state: &mut [Limbs; T]) {
        let (n, rounds) = (T - 1, self.plus.len());
        let mut xs = [[0; 4]; ROUNDS_MAX + 1];
        let mut ys = [[0; 4]; ROUNDS_MAX];
        xs[0] = state[0];
        for k in 0..n {
            ys[k] = fifth_power(&xs[k]);
            xs[k + 1] = dot(&self.first_u[k], &state[1..], &self.first_y[n - 1 - k..], &ys[..=k], &self.plus[k]);
        }
        for k in n..rounds {
            ys[k] = fifth_power(&xs[k]);
            xs[k + 1] = dot(&self.x, &xs[k + 1 - n..=k], &self.y, &ys[k - n..=k], &self.plus[k]);
        }
        let (xs, ys) = (&xs[rounds + 1 - n..=rounds], &ys[rounds - n..rounds]);
        for i in 0..n {
            state[i + 1] = dot(&self.last_x[i], xs, &self.last_y[i], ys, &self.last_plus[i]);
        }
        state[0] = xs[n - 1];
    }

    /// Checks that no sum can reach [`PRODUCTS_MAX`].
    fn check_sums(&self) {
        let size = |coefficients: &[Limbs]| coefficients.iter().map(|c| c[3] as f64 + 1.0).sum::<f64>() / TOP;
        let check = |of_x: &[Limbs], of_y: &[Limbs]| {
            assert!(size(of_x) * 1.0001 + size(of_y) * FIFTH_POWER_MAX < PRODUCTS_MAX, "sums may overflow");
        };
        check(&self.x, &self.y);
        self.first_u.iter().for_each(|u| check(u, &self.first_y));
        self.last_x.iter().zip(&self.last_y).for_each(|(x, y)| check(x, y));
    }
}

/// The most partial rounds of an instance.
const ROUNDS_MAX: usize = 63;
/// The top limb of r.
const TOP: f64 = <Fr as ark_ff::PrimeField>::MODULUS.0[3] as f64;

type Rows = Vec<Vec<Fr>>;

fn powers(first: Vec<Fr>, count: usize, next: impl Fn(&[Fr]) -> Vec<Fr>) -> Rows {
    std::iter::successors(Some(first), |v| Some(next(v))).take(count).collect()
}

fn inner(a: &[Fr], b: &[Fr]) -> Fr {
    a.iter().zip(b).map(|(a, b)| *a * b).sum()
}

fn matrix_times(matrix: &[Vec<Fr>], v: &[Fr]) -> Vec<Fr> {
    matrix.iter().map(|row| inner(row, v)).collect()
}

fn times_matrix(v: &[Fr], matrix: &[Vec<Fr>]) -> Vec<Fr> {
    (0..matrix[0].len()).map(|j| v.iter().zip(matrix).map(|(a, row)| *a * row[j]).sum()).collect()
}

fn product_of(a: &[Vec<Fr>], b: &[Vec<Fr>]) -> Rows {
    a.iter().map(|row| times_matrix(row, b)).collect()
}

fn identity(n: usize) -> Rows {
    (0..n).map(|i| (0..n).map(|j| if i == j { Fr::ONE } else { Fr::ZERO }).collect()).collect()
}

fn all_limbs(matrix: &[Vec<Fr>]) -> Vec<Vec<Limbs>> {
    matrix.iter().map(|row| row.iter().map(|&x| limbs(x)).collect()).collect()
}

/// By Gauss and Jordan.
fn inverse(matrix: &[Vec<Fr>]) -> Rows {
    let n = matrix.len();
    let (mut left, mut right) = (matrix.to_vec(), identity(n));
    for i in 0..n {
        let pivot = (i..n).find(|&k| left[k][i] != Fr::ZERO).expect("n values of x determine u");
        left.swap(i, pivot);
        right.swap(i, pivot);
        let scale = left[i][i].inverse().expect("a pivot");
        left[i].iter_mut().chain(&mut right[i]).for_each(|x| *x *= scale);
        for k in (0..n).filter(|&k| k != i) {
            let factor = left[k][i];
            for j in 0..n {
                let (l, r) = (left[i][j] * factor, right[i][j] * factor);
                left[k][j] -= l;
                right[k][j] -= r;
            }
        }
    }
    right
}
