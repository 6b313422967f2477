//! A setup made by one party from a seed, for development: **insecure**.
//!
//! Who knows the seed knows τ, α, β, γ, δ and can prove anything, so the keys say that they are insecure wherever they go
//! ([`Origin::InsecureDev`]). The same seed gives the same key on every machine, and the seed that everyone uses is no
//! secret, so that one developer's proof verifies with another's key.

use ark_bn254::{Fr, G1Projective, G2Projective};
use ark_ec::scalar_mul::BatchMulPreprocessing;
use ark_ec::{CurveGroup, PrimeGroup};
use ark_ff::{AdditiveGroup, Field, UniformRand};
use ark_poly::EvaluationDomain;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use rayon::prelude::*;

use super::circuit::CircuitDigest;
use super::key::{Key, Origin, Queries, VerifyingKey};
use super::reduction::{domain, Domain, Reduction, TooLarge};
use super::PUBLIC_VALUES;
use crate::wrap::r1cs::R1cs;

/// The seed of everyone's development keys.
pub const DEV_SEED: [u8; 32] = *b"sheaf: insecure development keys";

/// What a ceremony's parties forget, and a development setup does not.
#[derive(Clone, Debug)]
pub(super) struct Toxic {
    pub tau: Fr,
    pub alpha: Fr,
    pub beta: Fr,
    pub gamma: Fr,
    pub delta: Fr,
}

impl Toxic {
    fn from_seed(seed: [u8; 32]) -> Self {
        let mut rng = ChaCha20Rng::from_seed(seed);
        let [tau, alpha, beta, gamma, delta] = [(); 5].map(|()| Fr::rand(&mut rng));
        Self { tau, alpha, beta, gamma, delta }
    }
}

/// The **insecure** key of a circuit and a seed: about a minute for 2^20 constraints on two cores. Only the matrices of `r1cs`
/// matter, not its witness.
///
/// # Errors
/// [`TooLarge`].
pub fn insecure_dev_key(r1cs: &R1cs, seed: [u8; 32], reduction: Reduction) -> Result<Key, TooLarge> {
    generate(r1cs, reduction, &Toxic::from_seed(seed))
}

/// The columns of the three matrices as polynomials at τ: a value for each variable.
fn columns(r1cs: &R1cs, domain: &Domain, tau: Fr) -> [Vec<Fr>; 3] {
    let lagrange = domain.evaluate_all_lagrange_coefficients(tau);
    let mut columns = [0, 1, 2].map(|matrix| {
        let mut column = vec![Fr::ZERO; r1cs.variables()];
        for (row, value) in lagrange[..r1cs.constraints()].iter().enumerate() {
            for (variable, coefficient) in r1cs.row(matrix, row) {
                column[variable.index()] += coefficient * value;
            }
        }
        column
    });
    for public in 0..PUBLIC_VALUES {
        columns[0][public] += lagrange[r1cs.constraints() + public];
    }
    columns
}

pub(super) fn generate(r1cs: &R1cs, reduction: Reduction, toxic: &Toxic) -> Result<Key, TooLarge> {
    let Toxic { tau, alpha, beta, gamma, delta } = *toxic;
    let domain = domain(r1cs)?;
    let [a, b, c] = columns(r1cs, &domain, tau);
    let [gamma_inverse, delta_inverse] =
        [gamma, delta].map(|value| value.inverse().expect("0 is as likely as a guess"));
    let mut combined: Vec<Fr> =
        a.par_iter().zip(&b).zip(&c).map(|((a, b), c)| (beta * a + alpha * b + c) * delta_inverse).collect();
    let delta_over_gamma = delta * gamma_inverse;
    combined[..PUBLIC_VALUES].iter_mut().for_each(|value| *value *= delta_over_gamma);

    let g1_generator = G1Projective::generator();
    let g1 = BatchMulPreprocessing::new(g1_generator, r1cs.variables());
    let mut l = g1.batch_mul(&combined);
    drop(combined);
    let ic = l.drain(..PUBLIC_VALUES).collect::<Vec<_>>().try_into().expect("as many as there are public values");
    let g2_generator = G2Projective::generator();
    let queries = Queries {
        a: g1.batch_mul(&a),
        b_g1: g1.batch_mul(&b),
        b_g2: BatchMulPreprocessing::new(g2_generator, r1cs.variables()).batch_mul(&b),
        l,
        h: g1.batch_mul(&reduction.h_multiples(&domain, tau, delta_inverse)),
    };
    let verifying = VerifyingKey {
        origin: Origin::InsecureDev,
        circuit: CircuitDigest::of(r1cs),
        alpha: (g1_generator * alpha).into_affine(),
        beta: (g2_generator * beta).into_affine(),
        gamma: (g2_generator * gamma).into_affine(),
        delta: (g2_generator * delta).into_affine(),
        ic,
    };
    Ok(Key {
        verifying,
        reduction,
        domain_bits: domain.log_size_of_group,
        beta_g1: (g1_generator * beta).into_affine(),
        delta_g1: (g1_generator * delta).into_affine(),
        queries,
    })
}
