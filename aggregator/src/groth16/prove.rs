//! Proving: [Groth16](https://eprint.iacr.org/2016/260), the prover of its section 3.2.
//!
//! A = α + Σ wᵢ·aᵢ(τ) + r·δ, B likewise with β, b, s, and C = (Σ wᵢ·lᵢ + H·Z) / δ + s·A + r·B − r·s·δ, for r and s
//! fresh. Done over the recorder's own matrices: a copy in another form would cost more memory than all transforms.

use ark_bn254::{Fr, G1Affine, G1Projective, G2Projective};
use ark_ec::{CurveGroup, VariableBaseMSM};
use ark_ff::{AdditiveGroup, PrimeField, UniformRand};
use ark_poly::EvaluationDomain;
use rand::rngs::OsRng;
use rayon::prelude::*;
use thiserror::Error;

use super::circuit::CircuitDigest;
use super::key::Key;
use super::proof::Proof;
use super::reduction::{domain, Domain, TooLarge};
use super::PUBLIC_VALUES;
use crate::wrap::r1cs::{R1cs, Variable};

/// Why there is no proof.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProveError {
    /// The witness is wrong.
    #[error("the witness does not satisfy {constraints} of the {of} constraints: {}", list(parts))]
    Unsatisfied {
        /// How many constraints do not hold.
        constraints: usize,
        /// How many there are.
        of: usize,
        /// The parts of the circuit that they are in, and how many in each.
        parts: Vec<(String, usize)>,
    },
    /// The key is of a circuit of another size.
    #[error("the key is for {key} {what}, but the circuit has {circuit}: it is the key of another circuit")]
    Shape {
        /// What is counted.
        what: &'static str,
        /// The key's count.
        key: usize,
        /// The circuit's.
        circuit: usize,
    },
    /// The proof that came out does not verify, because the key is not the circuit's.
    #[error("the key is for circuit {key}, not for {circuit}")]
    Circuit {
        /// The key's circuit.
        key: CircuitDigest,
        /// The one to be proven.
        circuit: CircuitDigest,
    },
    /// The proof that came out does not verify, though the key is said to be the circuit's.
    #[error("the key of circuit {circuit} gives proofs that do not verify: it is damaged, make or import it anew")]
    BadKey {
        /// The circuit.
        circuit: CircuitDigest,
    },
    /// See [`TooLarge`].
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

fn list(parts: &[(String, usize)]) -> String {
    let parts: Vec<_> = parts.iter().map(|(name, count)| format!("{name} ({count})")).collect();
    parts.join(", ")
}

/// Proves that the assignment satisfies the constraints, with fresh randomness, and verifies the proof.
///
/// # Errors
/// [`ProveError`].
pub fn prove(key: &Key, r1cs: &R1cs) -> Result<Proof, ProveError> {
    let [r, s] = [(); 2].map(|()| Fr::rand(&mut OsRng));
    let proof = prove_with(key, r1cs, r, s)?;
    if key.verifying.verify(r1cs.public(), &proof).is_err() {
        let (key, circuit) = (key.verifying.circuit, CircuitDigest::of(r1cs));
        return Err(if key == circuit { ProveError::BadKey { circuit } } else { ProveError::Circuit { key, circuit } });
    }
    Ok(proof)
}

/// [`prove`] for given r and s, without verifying.
pub(super) fn prove_with(key: &Key, r1cs: &R1cs, r: Fr, s: Fr) -> Result<Proof, ProveError> {
    let domain = domain(r1cs)?;
    check_shape(key, r1cs, &domain)?;
    let evaluations = evaluate(r1cs, &domain)?;
    let h = key.reduction.h_scalars(&domain, evaluations);
    let h: Vec<_> = h.into_par_iter().map(Fr::into_bigint).collect();
    let queries = &key.queries;
    let mut c = G1Projective::msm_bigint(&queries.h, &h);
    drop(h);

    let witness: Vec<_> = r1cs.assignment().par_iter().map(|value| value.into_bigint()).collect();
    c += G1Projective::msm_bigint(&queries.l, &witness[PUBLIC_VALUES..]);
    let with = |query: &[G1Affine], first: G1Affine, blind: Fr| {
        G1Projective::msm_bigint(query, &witness) + first + key.delta_g1 * blind
    };
    let a = with(&queries.a, key.verifying.alpha, r);
    let b_g1 = with(&queries.b_g1, key.beta_g1, s);
    let b = G2Projective::msm_bigint(&queries.b_g2, &witness) + key.verifying.beta + key.verifying.delta * s;
    c += a * s + b_g1 * r - key.delta_g1 * (r * s);
    Ok(Proof { a: a.into_affine(), b: b.into_affine(), c: c.into_affine() })
}

fn check_shape(key: &Key, r1cs: &R1cs, domain: &Domain) -> Result<(), ProveError> {
    let counts = [
        ("variables", key.queries.a.len(), r1cs.variables()),
        ("points of its domain", 1 << key.domain_bits, domain.size()),
    ];
    match counts.into_iter().find(|(_, key, circuit)| key != circuit) {
        Some((what, key, circuit)) => Err(ProveError::Shape { what, key, circuit }),
        None => Ok(()),
    }
}

/// The values of A, B, C at the domain's points, if all constraints hold.
fn evaluate(r1cs: &R1cs, domain: &Domain) -> Result<[Vec<Fr>; 3], ProveError> {
    let rows = r1cs.constraints();
    let mut values = [0, 1, 2].map(|matrix| {
        let mut values = vec![Fr::ZERO; domain.size()];
        values[..rows].par_iter_mut().enumerate().with_min_len(1 << 10).for_each(|(row, value)| {
            let term = |(variable, coefficient): (Variable, Fr)| r1cs.assignment()[variable.index()] * coefficient;
            *value = r1cs.row(matrix, row).map(term).sum();
        });
        values
    });
    let [a, b, c] = &mut values;
    let failing = (0..rows).into_par_iter().filter(|&row| a[row] * b[row] != c[row]).count();
    if failing > 0 {
        return Err(ProveError::Unsatisfied { constraints: failing, of: rows, parts: r1cs.unsatisfied() });
    }
    a[rows..rows + PUBLIC_VALUES].copy_from_slice(&r1cs.assignment()[..PUBLIC_VALUES]);
    Ok(values)
}
