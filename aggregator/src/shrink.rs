//! *shrink*: the last proof of a program, hashed such that a Groth16 circuit verifies it cheaply.
//!
//! ```text
//!      a batch                                                  an exit
//!
//!   lift or join     the common shape of a profile
//!        │
//!      open          the set of circuits pinned, the
//!        │           beginning checked, the context opened
//!     squeeze …      the same said again, by circuits with       exit      what an account holds under a root
//!        │           fewer and fewer rows                          │
//!        │                                                         │       over F so far
//!     shrink         2^12 rows, 28 queries at rate 1/64          shrink    hashes over BN254's scalar field
//!        │                                                         │
//!     27 values      context, roots, daCommit, z,              27 values   in the same places
//!                    both evaluations: see `values`
//! ```
//!
//! Verifying a proof of the proven profile takes some 15 600 rows, shrink has 4 096. Three layers lie between, each with fewer
//! queries than the one before ([`Role::AFTER_JOIN`]); a fast proof needs the last one only. What a layer verifies is a
//! constant of it, so shrink's verifier data name the whole program: [`ProgramId`].
//!
//! There are two kinds of programs: of batches ([`Shrink`], one for each profile and set of circuits), and of exits
//! ([`ExitProgram`], one). The shrink circuits of all of them have the same common data: one circuit, with one trusted
//! setup, verifies their proofs, and takes the verifier data as a witness.
//!
//! What it costs, in CPU seconds of a busy machine (`measure_all_layers_of_the_proven_profile` and `measure_both_layers`
//! measure again), with a peak of 3.5 GiB for the proven profile and 1.7 GiB for fast:
//!
//! | | rows used | build | prove |
//! | --- | --- | --- | --- |
//! | squeeze 1 (open) | 15 541 | 8.2 | 14.7 |
//! | squeeze 2 | 7 381 | 7.8 | 26.1 |
//! | squeeze 3 | 3 933 (as open over fast: 3 987) | 5.2 | 13.0 |
//! | exit, in the frame of squeeze 3 | 45 | 5.8 | 13.6 |
//! | shrink | 3 951 | 32.4 | 73.8 |
//!
//! Of shrink's seconds, three quarters are 2^18 leaves of eight permutations each.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`values`] | what a proof says |
//! | [`gate`] | the row that exposes it, and why that is sound |
//! | `layer`, `circuit` | the circuits over F of a batch; the last one |
//! | [`exit`] | the other program |
//! | `frame` | what they share: rows, gates, domain separators |
//! | [`shelf`] | built circuits in a file |
//! | [`verifier`] | checks proofs, and reads their bytes |

pub(crate) mod circuit;
pub mod exit;
mod frame;
pub mod gate;
mod layer;
pub mod shelf;
#[cfg(test)]
pub(crate) mod tests;
#[cfg(test)]
pub(crate) mod toy;
pub mod values;
pub mod verifier;

use plonky2::plonk::circuit_data::CommonCircuitData;
use sheaf_circuits::context::Context;
use sheaf_circuits::hash::{D, F};
use sheaf_circuits::security::{Profile, Role};
use sheaf_circuits::separator::GatesDiffer;
use thiserror::Error;

use self::circuit::ShrinkLayer;
use self::layer::{OpenLayer, SqueezeLayer};
use self::shelf::Shelf;
use crate::proof::Proof;
use crate::verifier::{Verifier, VerifyError};

pub use self::circuit::Bn254Proof;
pub use self::exit::{Exit, ExitOpening, ExitProgram};
pub use self::frame::layer_counts;
pub use self::values::{NotABatch, PublicValues};
pub use self::verifier::{ProgramId, ShrinkProof, ShrinkVerifier, ShrinkVerifyError};

/// The circuits from the last join to shrink, of one profile and set of circuits.
pub struct Shrink {
    below: Verifier,
    open: OpenLayer,
    squeezes: Vec<SqueezeLayer>,
    shrink: ShrinkLayer,
    verifier: ShrinkVerifier,
}

impl Shrink {
    /// Builds all circuits above those that `below` verifies. Most of the time goes into the tree of shrink's constants.
    pub fn build(below: Verifier) -> Result<Self, BuildError> {
        Self::build_with(below, &Shelf::default())
    }

    /// Takes from the shelf what is there, and builds the rest. What is there must be of the same program, or no proof
    /// will verify.
    pub fn build_with(below: Verifier, shelf: &Shelf) -> Result<Self, BuildError> {
        let (first, rest) = roles(below.profile());
        let open = OpenLayer::build(first, &below, shelf)?;
        let mut squeezes: Vec<SqueezeLayer> = Vec::new();
        for &role in rest {
            let last = squeezes.last().map_or(&open.data, |layer| &layer.data);
            squeezes.push(SqueezeLayer::build(role, last, shelf)?);
        }
        let shrink = ShrinkLayer::build(squeezes.last().map_or(&open.data, |layer| &layer.data), shelf)?;
        let verifier = shrink.verifier(below.profile());
        Ok(Self { below, open, squeezes, shrink, verifier })
    }

    /// All circuits, to be kept: 0.4 to 1.0 GB.
    pub fn to_shelf(&self) -> Shelf {
        let (first, rest) = roles(self.below.profile());
        let mut shelf = Shelf::default();
        shelf.put(first, &self.open.data);
        rest.iter().zip(&self.squeezes).for_each(|(&role, layer)| shelf.put(role, &layer.data));
        shelf.put(Role::Shrink, &self.shrink.data);
        shelf
    }

    /// The verifier of these circuits' proofs.
    pub fn verifier(&self) -> &ShrinkVerifier {
        &self.verifier
    }

    /// The layers in order: role, common data, rows in use.
    pub fn layers(&self) -> Vec<(Role, &CommonCircuitData<F, D>, usize)> {
        let (first, rest) = roles(self.below.profile());
        let squeezes = rest.iter().zip(&self.squeezes).map(|(&role, layer)| (role, &layer.data.common, layer.rows));
        std::iter::once((first, &self.open.data.common, self.open.rows))
            .chain(squeezes)
            .chain([(Role::Shrink, &self.shrink.data.common, self.shrink.rows)])
            .collect()
    }

    /// Proves what `proof`, a lift or join over a whole batch, says, with its context opened.
    pub fn prove(&self, proof: &Proof, context: &Context) -> Result<ShrinkProof, ShrinkError> {
        let says = self.below.verify(proof)?;
        let values = PublicValues::new(&says, context)?;
        let mut last = self.open.prove(proof, &self.below, context).map_err(ShrinkError::Plonky2)?;
        for layer in &self.squeezes {
            last = layer.prove(&last).map_err(ShrinkError::Plonky2)?;
        }
        self.shrink.prove(&last, &values).map_err(ShrinkError::Plonky2)
    }
}

/// The roles of *open* and of the squeezes above it.
fn roles(profile: Profile) -> (Role, &'static [Role]) {
    match profile {
        Profile::Proven => (Role::Squeeze1, &[Role::Squeeze2, Role::Squeeze3]),
        Profile::Fast => (Role::Squeeze3, &[]),
    }
}

/// Why a shrink proof is not made.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ShrinkError {
    /// The proof below does not verify.
    #[error("the proof below: {0}")]
    Below(#[from] VerifyError),
    /// The proof below is not that of a whole batch in that context.
    #[error(transparent)]
    NotABatch(#[from] NotABatch),
    /// plonky2 makes no proof, though everything was checked.
    #[error("no proof: {0}")]
    Plonky2(String),
}

/// Why the circuits cannot be built.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum BuildError {
    /// A layer takes more rows than its role has.
    #[error("{role} takes {rows} rows and some for constants, {max} fit")]
    TooManyRows {
        /// The layer.
        role: Role,
        /// The rows it takes.
        rows: usize,
        /// The rows there are.
        max: usize,
    },
    /// A layer has too few proven bits.
    #[error("{role} has {bits:.1} proven bits, expected {}", sheaf_circuits::security::SHRINK_BITS)]
    TooWeak {
        /// The layer.
        role: Role,
        /// Its proven bits.
        bits: f64,
    },
    /// A layer's separator does not name its gates.
    #[error("{role}: {source}")]
    Gates {
        /// The layer.
        role: Role,
        /// The gates.
        source: GatesDiffer,
    },
}
