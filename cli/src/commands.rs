//! The verbs, a file each.

mod bench;
mod chaos;
mod circuits;
mod claim;
mod coordinator;
mod deploy;
mod deposit;
mod doctor;
mod execute;
mod exit;
mod freeze;
mod genesis;
mod import;
mod inspect;
mod keys;
mod prove;
mod rebuild;
mod reclaim;
mod rehearse;
mod request_exit;
mod retry;
mod seal;
mod settle;
mod setup;
mod sign;
mod simulate;
mod status;
mod submit;
mod verify;
mod worker;

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
    Simulate(simulate::Simulate),
    Keys(keys::Keys),
    Sign(sign::Sign),
    Genesis(genesis::Genesis),
    Setup(setup::Setup),
    Deploy(deploy::Deploy),
    Deposit(deposit::Deposit),
    RequestExit(request_exit::RequestExit),
    Seal(seal::Seal),
    Submit(submit::Submit),
    Claim(claim::Claim),
    Rebuild(rebuild::Rebuild),
    Freeze(freeze::Freeze),
    Exit(exit::Exit),
    Reclaim(reclaim::Reclaim),
    Worker(worker::Worker),
    Coordinator(coordinator::Coordinator),
    Rehearse(rehearse::Rehearse),
    Chaos(chaos::Chaos),
    Status(status::Status),
    Retry(retry::Retry),
    Settle(settle::Settle),
    Doctor(doctor::Doctor),
}

impl Verb {
    /// What is logged unless something else is asked for: of services, what they do.
    pub fn default_log(&self) -> &'static str {
        match self {
            // NATS tells of each reconnection itself, in more words.
            Self::Worker(_) | Self::Coordinator(_) => "info,async_nats=error",
            // Whoever does the harm knows that NATS is away.
            Self::Chaos(_) => "error,async_nats=off",
            _ => "warn,async_nats=error",
        }
    }

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
            Self::Simulate(verb) => verb.run(printer),
            Self::Keys(verb) => verb.run(printer),
            Self::Sign(verb) => verb.run(printer),
            Self::Genesis(verb) => verb.run(printer),
            Self::Setup(verb) => verb.run(printer),
            Self::Deploy(verb) => verb.run(printer),
            Self::Deposit(verb) => verb.run(printer),
            Self::RequestExit(verb) => verb.run(printer),
            Self::Seal(verb) => verb.run(printer),
            Self::Submit(verb) => verb.run(printer),
            Self::Claim(verb) => verb.run(printer),
            Self::Rebuild(verb) => verb.run(printer),
            Self::Freeze(verb) => verb.run(printer),
            Self::Exit(verb) => verb.run(printer),
            Self::Reclaim(verb) => verb.run(printer),
            Self::Worker(verb) => verb.run(printer),
            Self::Coordinator(verb) => verb.run(printer),
            Self::Rehearse(verb) => verb.run(printer),
            Self::Chaos(verb) => verb.run(printer),
            Self::Status(verb) => verb.run(printer),
            Self::Retry(verb) => verb.run(printer),
            Self::Settle(verb) => verb.run(printer),
            Self::Doctor(verb) => verb.run(printer),
        }
    }
}
