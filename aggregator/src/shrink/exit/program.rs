//! The exit program's circuits, built: *exit*, then shrink.

use plonky2::plonk::circuit_data::CommonCircuitData;
use sheaf_circuits::context::{ContextError, Domain};
use sheaf_circuits::hash::{D, F};
use sheaf_circuits::security::{Profile, Role};
use thiserror::Error;

use super::circuit::ExitLayer;
use super::{ExitOpening, NotAnExit};
use crate::shrink::circuit::ShrinkLayer;
use crate::shrink::shelf::Shelf;
use crate::shrink::{BuildError, ShrinkProof, ShrinkVerifier};

/// The exit program, ready to prove. There is one, for every rollup.
pub struct ExitProgram {
    exit: ExitLayer,
    shrink: ShrinkLayer,
    verifier: ShrinkVerifier,
}

impl ExitProgram {
    /// Builds both circuits: most of a minute, nearly all of it for the tree of shrink's constants.
    pub fn build() -> Result<Self, BuildError> {
        let exit = ExitLayer::build()?;
        let shrink = ShrinkLayer::build(&exit.data, &Shelf::default())?;
        // Both layers have the parameters of those after the join, which are as good as the proven profile's.
        let verifier = shrink.verifier(Profile::Proven);
        Ok(Self { exit, shrink, verifier })
    }

    /// The verifier of its proofs. As bytes they count as of [`Profile::Proven`].
    pub fn verifier(&self) -> &ShrinkVerifier {
        &self.verifier
    }

    /// The layers in order: role, common data, rows in use.
    pub fn layers(&self) -> Vec<(Role, &CommonCircuitData<F, D>, usize)> {
        let Self { exit, shrink, .. } = self;
        vec![(Role::Squeeze3, &exit.data.common, exit.rows), (Role::Shrink, &shrink.data.common, shrink.rows)]
    }

    /// Proves what `opening` shows, for the rollup of `domain`.
    pub fn prove(&self, opening: &ExitOpening, domain: &Domain) -> Result<ShrinkProof, ExitError> {
        let values = opening.exit()?.values(domain)?;
        let proof = self.exit.prove(opening, domain).map_err(ExitError::Plonky2)?;
        self.shrink.prove(&proof, &values).map_err(ExitError::Plonky2)
    }
}

/// Why there is no proof of an exit.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ExitError {
    /// The opening shows nothing that can leave.
    #[error(transparent)]
    NotAnExit(#[from] NotAnExit),
    /// The domain has a field that is too wide.
    #[error(transparent)]
    Domain(#[from] ContextError),
    /// plonky2 makes no proof, though everything was checked.
    #[error("no proof: {0}")]
    Plonky2(String),
}
