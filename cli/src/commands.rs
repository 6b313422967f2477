//! The verbs, a file each.

mod genesis;
mod import;
mod inspect;
mod keys;
mod sign;

use anyhow::Result;
use clap::Subcommand;

use crate::printer::Printer;
use crate::Answer;

/// What `sheaf` does.
#[derive(Subcommand)]
pub enum Verb {
    Import(import::Import),
    Inspect(inspect::Inspect),
    Keys(keys::Keys),
    Sign(sign::Sign),
    Genesis(genesis::Genesis),
}

impl Verb {
    /// Does it.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        match self {
            Self::Import(verb) => verb.run(printer),
            Self::Inspect(verb) => verb.run(printer),
            Self::Keys(verb) => verb.run(printer),
            Self::Sign(verb) => verb.run(printer),
            Self::Genesis(verb) => verb.run(printer),
        }
    }
}
