//! `sheaf exit`.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use sheaf_aggregator::pipeline::{prove_exit, settlement};
use sheaf_aggregator::shrink::exit::OpenError;
use sheaf_aggregator::shrink::ExitOpening;
use sheaf_circuits::account::{AccountIndex, AssetId};
use sheaf_verifier_contract::client::{Rollup, Sender};
use sheaf_verifier_contract::ExitProof;

use crate::data_dir::DataDir;
use crate::failure::Advice;
use crate::groth16::KeyChoice;
use crate::l1::{self, cannot_ask, show_word, Done, Place, PlaceArguments, SendingArguments};
use crate::printer::Printer;
use crate::{files, footing, Answer};

/// Bytes of an exit's file that are read, at most.
const EXIT_BYTES: u64 = 1 << 16;

/// Leave a frozen rollup with a proof of what one's account holds of an asset
///
/// The contract credits it, once for each account and asset, and `sheaf claim` pays. The proof is made from a data folder that `sheaf rebuild` brought
/// to the contract's root, in two to three minutes on two cores, and kept in that folder, so that it is made once.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  sheaf rebuild --genesis genesis.json --data-dir rebuilt --rpc-url http://127.0.0.1:8545
  sheaf exit --data-dir rebuilt --asset 0 --rpc-url http://127.0.0.1:8545 --keystore alice.json

Exit codes:
  0  credited
  1  there is nothing to take, the state is not the contract's last, or the contract refuses
  2  wrong usage, or the node, the key or the folder cannot be used")]
pub struct Exit {
    /// The folder with the last state
    #[arg(long, value_name = "DIR", required_unless_present = "proof")]
    data_dir: Option<PathBuf>,
    /// The asset: its number, or its token's address
    #[arg(long, value_name = "N|TOKEN", default_value = "0")]
    asset: String,
    /// An exit that was proven before, for the sender's account
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data_dir", "asset"])]
    proof: Option<PathBuf>,
    #[command(flatten)]
    key: KeyChoice,
    #[command(flatten)]
    place: PlaceArguments,
    #[command(flatten)]
    sending: SendingArguments,
}

impl Exit {
    /// Leaves.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        let place = self.place.connect()?;
        let rollup = place.rollup();
        let mut sender = self.sending.sender(place.node(), printer)?;
        let exit = match (&self.proof, &self.data_dir) {
            (Some(file), _) => read(file)?,
            (None, Some(folder)) => self.prove(&place, &sender, &DataDir::new(folder), printer)?,
            (None, None) => unreachable!("one of both is required"),
        };
        let call = rollup.exit(&exit);
        if !sender.has_begun(&call) {
            check_fits(&exit, &rollup)?;
        }
        let mined = l1::send(&mut sender, &call)?;
        let report = Report { account: exit.account, asset: exit.asset, quanta: exit.amount.get() };
        Done::report(report, &mined, &mut sender, printer)?;
        Ok(Answer::Yes)
    }

    /// The exit of the sender's account: the one that is kept in the folder, or made and kept there.
    fn prove(&self, place: &Place, sender: &Sender<'_>, folder: &DataDir, printer: &Printer) -> Result<ExitProof> {
        let rollup = place.rollup();
        let asset = place.asset(&self.asset)?;
        let account = rollup.account_of(sender.address()).with_context(cannot_ask)?;
        let account = account.ok_or_else(|| {
            let what = format!("{} has no account", sender.address());
            Advice::new(what, "sign with the key of the account's owner").answer_no()
        })?;
        let file = folder.path().join(format!("exit-{account}-{asset}.proof"));
        let wrapper = self.key.wrapper(printer)?;
        let root = rollup.state_root().with_context(cannot_ask)?;
        if let Some(kept) = file.exists().then(|| read(&file)).transpose()? {
            let is_whole = settlement::verify(wrapper.verifying_key(), &kept.statement(), &kept.proof).is_ok();
            let is_asked = (kept.account, kept.asset) == (account, asset);
            if is_whole && is_asked && kept.root.to_bytes() == root && kept.domain == rollup.domain() {
                return Ok(kept);
            }
        }

        let state = footing::open_state(folder)?;
        if state.root().to_bytes() != root {
            let what = format!(
                "the state in {} is at root {}, the contract at another",
                folder.path().display(),
                state.root()
            );
            return Err(Advice::new(what, "bring it there with `sheaf rebuild`").answer_no().into());
        }
        let reader = state.reader(state.root())?;
        let opening = ExitOpening::new(&reader, account, asset).map_err(|error| {
            let advice = Advice::new("there is no exit", "name another asset, or rebuild the state in a new folder");
            let advice = if matches!(error, OpenError::NotAnExit(_)) { advice.answer_no() } else { advice };
            anyhow::Error::new(error).context(advice)
        })?;
        let stage = std::cell::RefCell::new(None);
        let on_stage = |name| {
            // The old one ends before the new one begins.
            drop(stage.take());
            stage.replace(Some(Spinner(printer.spinner(name))));
        };
        let exit = prove_exit(&opening, &rollup.domain(), &wrapper, &on_stage);
        drop(stage);
        let exit = exit.context(Advice::new("the exit was not proven", "mend the cause and run the same command"))?;
        files::write(&file, |out| out.write_all(&exit.to_bytes()))?;
        Ok(exit)
    }
}

/// A spinner that goes away with its stage.
struct Spinner(indicatif::ProgressBar);

impl Drop for Spinner {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn read(file: &Path) -> Result<ExitProof> {
    ExitProof::from_bytes(&files::read(file, EXIT_BYTES)?).with_context(|| {
        let what = format!("{} is not an exit", file.display());
        Advice::new(what, "name the file with the exit's proof, or remove it").answer_no()
    })
}

/// The contract would refuse another rollup's, state's or program's exit: told here, with both values.
fn check_fits(exit: &ExitProof, rollup: &Rollup<'_>) -> Result<()> {
    let misfit = |what: String| Err(Advice::new(what, "make an exit of this rollup's last state").answer_no().into());
    if exit.domain != rollup.domain() {
        let of = String::from(exit.domain.contract);
        return misfit(format!("the exit is from {of} on chain {}", exit.domain.chain_id));
    }
    let root = rollup.state_root().with_context(cannot_ask)?;
    if exit.root.to_bytes() != root {
        let (of, at) = (show_word(&exit.root.to_bytes()), show_word(&root));
        return misfit(format!("the exit is from root {of}, the contract is at {at}"));
    }
    let program = rollup.programs().with_context(cannot_ask)?.exit;
    if exit.program_id != program {
        let (of, expected) = (show_word(&exit.program_id), show_word(&program));
        return misfit(format!("the proof is of program {of}, the contract takes {expected}"));
    }
    Ok(())
}

#[derive(Serialize)]
struct Report {
    account: AccountIndex,
    asset: AssetId,
    quanta: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, asset, quanta } = self;
        write!(f, "account {account} is owed {quanta} more quanta of asset {asset}; `sheaf claim` pays")
    }
}
