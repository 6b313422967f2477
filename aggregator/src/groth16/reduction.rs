//! From rank-1 constraints to one polynomial identity A(x)·B(x) − C(x) = H(x)·Z(x) over a domain of 2^k points, in the two
//! ways in which keys are made.
//!
//! Both put row i of the matrices at the domain's i-th point, and after the rows one point for each public value with a = the
//! value, b = c = 0, which keeps public values linearly independent. They differ in how H(τ)·Z(τ) comes out of points of the key:
//!
//! | | points of the key, over δ | scalars |
//! | --- | --- | --- |
//! | libsnark, as arkworks | τⁱ·Z(τ), i < 2^k − 1 | coefficients of H |
//! | snarkjs | Lagrange polynomials at τ of the domain of twice the size, at its odd points | A·B − C at these points |
//!
//! With snarkjs' no division and one transform less is needed: A·B − C has a degree below 2^(k+1) and is 0 at the even points.
//!
//! Sources: libsnark `r1cs_to_qap.tcc` and ark-groth16 0.6.0 `r1cs_to_qap.rs`; snarkjs 0.7.6 `zkey_new.js`, `groth16_prove.js`.

use std::fmt;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, FftField, Field};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use rayon::prelude::*;
use thiserror::Error;

use super::PUBLIC_VALUES;
use crate::wrap::r1cs::R1cs;

/// Points of the domain.
pub(super) type Domain = Radix2EvaluationDomain<Fr>;

/// The largest domain has 2^27 points: one of twice the size is needed, and r − 1 is divisible by 2^28.
pub const MAX_DOMAIN_BITS: u32 = Fr::TWO_ADICITY - 1;

/// How H(τ)·Z(τ) comes out of a key's points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// libsnark's and arkworks' own.
    Libsnark,
    /// snarkjs', of keys from a ceremony.
    Snarkjs,
}

impl fmt::Display for Reduction {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Libsnark => "libsnark",
            Self::Snarkjs => "snarkjs",
        })
    }
}

/// More constraints than a domain has points.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{constraints} constraints are more than fit a domain of 2^{MAX_DOMAIN_BITS} points")]
pub struct TooLarge {
    /// How many.
    pub constraints: usize,
}

/// The smallest domain that has a point for each row and each public value.
pub(super) fn domain(r1cs: &R1cs) -> Result<Domain, TooLarge> {
    let constraints = r1cs.constraints();
    let points = constraints + PUBLIC_VALUES;
    if points > 1 << MAX_DOMAIN_BITS {
        return Err(TooLarge { constraints });
    }
    Domain::new(points).ok_or(TooLarge { constraints })
}

impl Reduction {
    /// How many points for H a key has.
    pub(super) fn h_points(self, domain_size: usize) -> usize {
        match self {
            Self::Libsnark => domain_size - 1,
            Self::Snarkjs => domain_size,
        }
    }

    /// What the points for H are multiples by, for a setup that knows τ.
    pub(super) fn h_multiples(self, domain: &Domain, tau: Fr, delta_inverse: Fr) -> Vec<Fr> {
        match self {
            Self::Libsnark => {
                let first = domain.evaluate_vanishing_polynomial(tau) * delta_inverse;
                std::iter::successors(Some(first), |multiple| Some(*multiple * tau)).take(domain.size() - 1).collect()
            }
            Self::Snarkjs => {
                let double = Domain::new(2 * domain.size()).expect("at most 2^28 points");
                let all = double.evaluate_all_lagrange_coefficients(tau);
                all.into_iter().skip(1).step_by(2).map(|value| value * delta_inverse).collect()
            }
        }
    }

    /// The scalars of the points for H, from the values of A, B, C at the domain's points.
    pub(super) fn h_scalars(self, domain: &Domain, [a, b, c]: [Vec<Fr>; 3]) -> Vec<Fr> {
        let offset = match self {
            Self::Libsnark => Fr::GENERATOR,
            Self::Snarkjs => Fr::get_root_of_unity(2 * domain.size() as u64).expect("at most 2^28 points"),
        };
        let coset = domain.get_coset(offset).expect("the offset is not 0");
        let on_coset = |mut values: Vec<Fr>| {
            domain.ifft_in_place(&mut values);
            coset.fft_in_place(&mut values);
            values
        };
        let mut h = on_coset(a);
        let b = on_coset(b);
        h.par_iter_mut().zip(b).for_each(|(h, b)| *h *= b);
        let c = on_coset(c);
        h.par_iter_mut().zip(c).for_each(|(h, c)| *h -= c);
        if self == Self::Libsnark {
            let z_inverse =
                domain.evaluate_vanishing_polynomial(offset).inverse().expect("the coset is not the domain");
            h.par_iter_mut().for_each(|h| *h *= z_inverse);
            coset.ifft_in_place(&mut h);
            debug_assert!(h.last() == Some(&Fr::ZERO), "H has a degree below 2^k - 1");
        }
        h.truncate(self.h_points(domain.size()));
        h
    }
}
