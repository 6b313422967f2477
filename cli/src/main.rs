//! The `sheaf` command line.
//!
//! ```text
//!   main ──▶ commands/*  one file a verb: arguments, what is done, the report
//!                │
//!                ├─ import     a table of mainnet transactions becomes genesis and batch
//!                ├─ groth16    which key of Groth16 is used
//!                ├─ fleet      where the queue of many machines is
//!                ├─ chaos      harm done to a fleet of processes, and what has to hold
//!                ├─ observe    metrics, health and readiness of services, over HTTP
//!                ├─ l1         the L1 node, the rollup on it, whose key, how to send
//!                ├─ outlook    what a batch needs against what this machine has
//!                ├─ files      batches, genesis states and data folders, with errors that say what to do
//!                └─ printer    reports to stdout, in words or JSON; progress and warnings to stderr
//! ```

mod chaos;
mod commands;
mod data_dir;
mod failure;
mod files;
mod fleet;
mod footing;
mod groth16;
mod import;
mod l1;
mod numbers;
mod observe;
mod outlook;
mod printer;
mod signals;

use std::process::ExitCode;

use clap::Parser;

use crate::commands::Verb;
use crate::failure::Advice;
use crate::printer::Printer;

/// On two cores as fast as the system's allocator: proving takes 1 to 2 % more CPU time, execution as much less. Kept
/// for machines with many cores, where threads of one pool allocate large vectors at once.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Proves batches of rollup transactions.
#[derive(Parser)]
#[command(name = "sheaf", version, disable_help_subcommand = true, max_term_width = 110)]
#[command(after_help = "\
Exit codes:
  0  done
  1  the answer is no: a proof does not verify, a batch holds nothing that applies
  2  wrong usage, or something in the environment is missing or broken

Data goes to stdout (with --json as JSON), progress and warnings to stderr.
SHEAF_LOG sets what is logged: error, warn, info, debug or trace; warn unless set, info for services.

Example: from real transactions to a verified proof
  sheaf import transactions.csv --out demo
  sheaf prove demo/batch.jsonl --data-dir demo/data --out demo/proof.bin
  sheaf verify demo/proof.bin")]
struct Cli {
    /// Print the result as JSON
    #[arg(long, global = true, help_heading = "Global options")]
    json: bool,
    /// Write logs as JSON, one event a line
    #[arg(long, global = true, help_heading = "Global options")]
    log_json: bool,
    #[command(subcommand)]
    verb: Verb,
}

/// What a verb that ran to its end says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Yes,
    No,
}

impl From<Answer> for ExitCode {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Yes => Self::from(0),
            Answer::No => Self::from(1),
        }
    }
}

/// The exit code for wrong usage (clap's own too) and a broken environment.
const EXIT_ENVIRONMENT: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let printer = Printer::new(cli.json);
    printer.log_to_stderr(cli.log_json, cli.verb.default_log());
    match cli.verb.run(&printer) {
        Ok(answer) => answer.into(),
        Err(error) if printer::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            printer.error(&error);
            ExitCode::from(Advice::exit_code(&error).unwrap_or(EXIT_ENVIRONMENT))
        }
    }
}
