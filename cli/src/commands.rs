//! The verbs, a file each.

mod bench;
mod circuits;
mod doctor;
mod execute;
mod genesis;
mod import;
mod inspect;
mod keys;
mod prove;
mod retry;
mod setup;
mod sign;
mod status;
mod verify;

use anyhow::Result;
use clap::Subcommand;

use crate::printer::Printer;
use crate::Answer;

/// What `sheaf` does.
#[derive(Subcommand)]
pub enum Verb {
    Import(import::Import),
    Execute(execute::Execute),
    Prove(prove::Prove),
    Verify(verify::Verify),
    Inspect(inspect::Inspect),
    Circuits(circuits::Circuits),
    Bench(bench::Bench),
    Keys(keys::Keys),
    Sign(sign::Sign),
    Genesis(genesis::Genesis),
    Setup(setup::Setup),
    Status(status::Status),
    Retry(retry::Retry),
    Doctor(doctor::Doctor),
}

impl Verb {
    /// Does it.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        match self {
            Self::Import(verb) => verb.run(printer),
            Self::Execute(verb) => verb.run(printer),
            Self::Prove(verb) => verb.run(printer),
            Self::Verify(verb) => verb.run(printer),
            Self::Inspect(verb) => verb.run(printer),
            Self::Circuits(verb) => verb.run(printer),
            Self::Bench(verb) => verb.run(printer),
            Self::Keys(verb) => verb.run(printer),
            Self::Sign(verb) => verb.run(printer),
            Self::Genesis(verb) => verb.run(printer),
            Self::Setup(verb) => verb.run(printer),
            Self::Status(verb) => verb.run(printer),
            Self::Retry(verb) => verb.run(printer),
            Self::Doctor(verb) => verb.run(printer),
        }
    }
}
