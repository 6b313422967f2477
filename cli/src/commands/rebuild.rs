//! `sheaf rebuild`.

use std::fmt;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use sheaf_circuits::hash::Digest;
use sheaf_verifier_contract::client::{AcceptedBatch, ReadError};
use sheaf_witness::rebuild::rebuild;
use sheaf_witness::state::{State, StateRead};

use crate::data_dir::DataDir;
use crate::failure::Advice;
use crate::l1::{cannot_ask, PlaceArguments};
use crate::numbers::Count;
use crate::printer::Printer;
use crate::{files, footing, Answer};

/// Rebuild the state from L1 alone: the genesis and what batches published
///
/// Reads each batch's calldata, applies it, and compares the root with the contract's. A data folder that has a state is
/// brought up to date; an empty one begins from the genesis. Needs no operator: this is what an exit after a freeze
/// stands on.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  export SHEAF_RPC_URL=http://127.0.0.1:8545
  sheaf rebuild --genesis genesis.json --data-dir data

Exit codes:
  0  the state is at the contract's root, or at that of the last batch that is deep enough
  1  what was published leads to another root: it says where
  2  wrong usage, or the node or the folder cannot be used")]
pub struct Rebuild {
    /// The folder for the state; made if it does not exist
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// The genesis state, for a new folder
    #[arg(long, value_name = "FILE", default_value = files::GENESIS)]
    genesis: PathBuf,
    /// Blocks that a batch must have on top of its own [default: 12; 0 on chain 31337]
    #[arg(long, value_name = "BLOCKS", help_heading = "L1 options")]
    depth: Option<u64>,
    #[command(flatten)]
    place: PlaceArguments,
}

impl Rebuild {
    /// Rebuilds.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        let place = self.place.connect()?;
        let rollup = place.rollup();
        let state = self.open_state()?;
        if state.rollup().domain != rollup.domain() {
            let what = format!("the state is of the rollup {}", String::from(state.rollup().domain.contract));
            return Err(Advice::new(what, "name the genesis that `sheaf deploy` wrote, or another folder").into());
        }
        let from = state.batches();
        let first = u32::try_from(from + 1).context("more batches than there can be")?;
        let spinner = printer.spinner("rebuild");
        let followed = place.reader(self.depth).batches(first, |accepted| follow(&state, &accepted));
        spinner.finish_and_clear();
        let differs = match followed {
            Ok(()) => None,
            Err(Stop::Differs(differs)) => Some(differs),
            Err(Stop::Error(error)) => return Err(error),
        };
        let progress = rollup.progress().with_context(cannot_ask)?;
        let contract_root = rollup.state_root().with_context(cannot_ask)?;
        let at_contract = u64::from(progress.batch_number) == state.batches();
        let differs = differs.or_else(|| {
            // Batches that were proven here and not submitted, or were on blocks that are gone.
            let ahead = state.batches() > u64::from(progress.batch_number);
            let reason = format!("the state has {} batches, the contract fewer", state.batches());
            ahead.then_some(Differs { batch: progress.batch_number, transaction: None, reason })
        });
        let differs = differs.or_else(|| {
            let other = at_contract && state.root().to_bytes() != contract_root;
            let reason = "the contract is at another root".to_owned();
            other.then_some(Differs { batch: progress.batch_number, transaction: None, reason })
        });
        let report = Report {
            data_dir: self.data_dir,
            batches: state.batches(),
            applied: state.batches() - from,
            root: state.root(),
            contract_batches: progress.batch_number,
            contract_root: format!("0x{}", hex::encode(contract_root)),
            differs,
        };
        printer.report(&report)?;
        Ok(if report.differs.is_none() { Answer::Yes } else { Answer::No })
    }

    fn open_state(&self) -> Result<State> {
        let folder = DataDir::new(&self.data_dir);
        if folder.state().exists() {
            return footing::open_state(&folder);
        }
        let genesis = files::read_genesis(&self.genesis)?;
        files::make_folder(folder.path())?;
        State::create(&folder.state(), &genesis).with_context(|| {
            let what = format!("cannot make a state in {}", folder.path().display());
            Advice::new(what, "choose another folder, or make room")
        })
    }
}

/// Why following the batches ended early.
enum Stop {
    Differs(Differs),
    Error(anyhow::Error),
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Self {
        Self::Error(anyhow::Error::new(error).context(cannot_ask()))
    }
}

/// Applies a batch to the state before it.
fn follow(state: &State, accepted: &AcceptedBatch) -> Result<(), Stop> {
    let AcceptedBatch { batch, transaction, .. } = accepted;
    let number = batch.context.batch_number;
    let differs =
        |reason: String| Stop::Differs(Differs { batch: number, transaction: Some(transaction.to_string()), reason });
    let broken = |error: anyhow::Error| {
        Stop::Error(
            error.context(Advice::new("the state cannot be used", "check the disk, or rebuild in another folder")),
        )
    };
    if batch.pre_root != state.root() {
        return Err(differs(format!("it begins from root {}, the state is at {}", batch.pre_root, state.root())));
    }
    let reader = state.reader(state.root()).map_err(|error| broken(error.into()))?;
    let cells = rebuild(&reader, &batch.context, &batch.l1, &batch.l2)
        .map_err(|error| differs(format!("what it published does not apply: {error}")))?;
    let update = reader.prepare(cells).map_err(|error| broken(error.into()))?;
    if update.root() != batch.post_root {
        return Err(differs(format!("it ends at root {}, what it published at {}", batch.post_root, update.root())));
    }
    state.commit(&update).map_err(|error| broken(error.into()))?;
    Ok(())
}

/// Where what was published and the contract part.
#[derive(Serialize)]
struct Differs {
    batch: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction: Option<String>,
    reason: String,
}

#[derive(Serialize)]
struct Report {
    data_dir: PathBuf,
    batches: u64,
    applied: u64,
    root: Digest,
    contract_batches: u32,
    contract_root: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    differs: Option<Differs>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the state after batch {} is in {}", self.batches, self.data_dir.display())?;
        writeln!(f, "  root     {}", self.root)?;
        writeln!(f, "  applied  {} now", Count(self.applied))?;
        if let Some(Differs { batch, reason, .. }) = &self.differs {
            return writeln!(f, "  differs  at batch {batch}: {reason}");
        }
        match u64::from(self.contract_batches).saturating_sub(self.batches) {
            0 => writeln!(f, "  L1       at the same root"),
            more => writeln!(f, "  L1       is {} ahead, with batches that are not deep enough yet", Count(more)),
        }
    }
}
