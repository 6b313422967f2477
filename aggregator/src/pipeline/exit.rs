//! The way out of a frozen rollup, from what a state shows to the proof that L1 takes.

use sheaf_circuits::context::Domain;
use sheaf_verifier_contract::ExitProof;
use thiserror::Error;

use super::programs::{Program, Programs, ProgramsError};
use super::settlement::{self, L1VerifyError, Wrapper, WrapperError};
use crate::shrink::exit::{ExitError, NotAnExit};
use crate::shrink::{BuildError, ExitOpening, ExitProgram, ProgramId};

/// Proves what `opening` shows, for the rollup of `domain`: a minute to build the program, another to prove, half of one to
/// wrap, on two cores. `on_stage` is told the name of each as it begins.
pub fn prove_exit(
    opening: &ExitOpening,
    domain: &Domain,
    wrapper: &Wrapper,
    on_stage: &dyn Fn(&'static str),
) -> Result<ExitProof, ProveExitError> {
    let exit = opening.exit()?;
    on_stage("build circuits");
    let program = ExitProgram::build()?;
    let (expected, got) = (Programs::load()?.verifier(Program::Exit).program_id(), program.verifier().program_id());
    if got != expected {
        return Err(ProveExitError::NotPinned { expected, got });
    }
    on_stage("shrink");
    let shrunk = program.prove(opening, domain)?;
    on_stage("wrap");
    let proof = wrapper.prove(program.verifier(), &shrunk)?;
    let proven = ExitProof {
        domain: *domain,
        account: exit.account,
        asset: exit.asset,
        amount: exit.amount,
        program_id: got.to_bytes(),
        root: exit.root,
        proof: proof.to_bytes(),
    };
    settlement::verify(wrapper.verifying_key(), &proven.statement(), &proven.proof)?;
    Ok(proven)
}

/// Why there is no proof of an exit.
#[derive(Debug, Error)]
pub enum ProveExitError {
    /// There is nothing to take.
    #[error(transparent)]
    NotAnExit(#[from] NotAnExit),
    /// The circuits cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The pinned programs cannot be read.
    #[error(transparent)]
    Programs(#[from] ProgramsError),
    /// This program's code and its pinned data differ.
    #[error("the exit program was built as {got}, but {expected} is pinned")]
    NotPinned {
        /// The pinned one.
        expected: ProgramId,
        /// The one built.
        got: ProgramId,
    },
    /// plonky2 makes no proof.
    #[error(transparent)]
    Exit(#[from] ExitError),
    /// Groth16 makes no proof.
    #[error(transparent)]
    Wrap(#[from] WrapperError),
    /// The proof is not of the exit.
    #[error("the proof that was made does not verify: {0}")]
    Verify(#[from] L1VerifyError),
}
