//! Keys of one circuit: the proving key, and the verifying key inside it.

use std::fmt;

use ark_bn254::{Bn254, Fr, G1Affine, G1Projective, G2Affine};
use ark_ec::pairing::Pairing;
use ark_ec::CurveGroup;
use ark_ff::Field;
use thiserror::Error;

use super::circuit::CircuitDigest;
use super::proof::Proof;
use super::reduction::Reduction;
use super::PUBLIC_VALUES;

pub mod cache;
pub mod file;

/// Who made a key, which is what its proofs are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Made here from a seed that everyone knows: anyone can prove anything.
    InsecureDev,
    /// Imported from a ceremony's `.zkey`: secure if one party of the ceremony was honest.
    Imported,
}

impl Origin {
    /// What users are to be told wherever the key is used, if anything.
    pub fn warning(self) -> Option<&'static str> {
        match self {
            Self::InsecureDev => Some(
                "INSECURE development key: anyone can make false proofs for it; import a ceremony's key for real use",
            ),
            Self::Imported => None,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::InsecureDev => "dev",
            Self::Imported => "imported",
        })
    }
}

/// What verifying takes. Points are on their curves and in the groups of order r.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyingKey {
    /// Who made it: see [`Origin::warning`].
    pub origin: Origin,
    /// The circuit.
    pub circuit: CircuitDigest,
    /// α
    pub alpha: G1Affine,
    /// β
    pub beta: G2Affine,
    /// γ
    pub gamma: G2Affine,
    /// δ
    pub delta: G2Affine,
    /// The points that the constant 1 and the public input scale.
    pub ic: [G1Affine; PUBLIC_VALUES],
}

/// The proof does not verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the proof does not verify for this public input and key")]
pub struct InvalidProof;

impl VerifyingKey {
    /// e(A, B) = e(α, β) · e(ic₀ + public·ic₁, γ) · e(C, δ): a few milliseconds.
    ///
    /// A valid proof can be made into another valid one of the same statement by anyone: proofs are no identifiers.
    ///
    /// # Errors
    /// [`InvalidProof`].
    pub fn verify(&self, public: Fr, proof: &Proof) -> Result<(), InvalidProof> {
        let statement: G1Projective = self.ic[1] * public + self.ic[0];
        let left = [-proof.a, self.alpha, statement.into_affine(), proof.c];
        let product = Bn254::multi_pairing(left, [proof.b, self.beta, self.gamma, self.delta]);
        (product.0 == <Bn254 as Pairing>::TargetField::ONE).then_some(()).ok_or(InvalidProof)
    }
}

/// Points of the proving key, a list for each of the prover's sums.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Queries {
    /// aᵢ(τ) for each variable.
    pub a: Vec<G1Affine>,
    /// bᵢ(τ) for each variable.
    pub b_g1: Vec<G1Affine>,
    /// bᵢ(τ) for each variable.
    pub b_g2: Vec<G2Affine>,
    /// (β·aᵢ(τ) + α·bᵢ(τ) + cᵢ(τ)) / δ for each variable that is not public.
    pub l: Vec<G1Affine>,
    /// See [`Reduction`].
    pub h: Vec<G1Affine>,
}

/// What proving takes: 320 bytes a variable and 64 a point of the domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub(super) verifying: VerifyingKey,
    pub(super) reduction: Reduction,
    pub(super) domain_bits: u32,
    pub(super) beta_g1: G1Affine,
    pub(super) delta_g1: G1Affine,
    pub(super) queries: Queries,
}

impl Key {
    /// The verifying key.
    pub fn verifying(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// How H is computed for it.
    pub fn reduction(&self) -> Reduction {
        self.reduction
    }

    /// Who made it: see [`Origin::warning`].
    pub fn origin(&self) -> Origin {
        self.verifying.origin
    }
}
