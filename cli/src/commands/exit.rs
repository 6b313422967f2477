//! `sheaf exit`.

use std::fmt;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use sheaf_circuits::account::{AccountIndex, AssetId};
use sheaf_verifier_contract::ExitProof;

use crate::failure::Advice;
use crate::l1::{self, cannot_ask, show_word, Done, PlaceArguments, SendingArguments};
use crate::printer::Printer;
use crate::{files, Answer};

/// Bytes of an exit's file that are read, at most.
const EXIT_BYTES: u64 = 1 << 16;

/// Leave a frozen rollup with a proof of what the last state lets one's account take
///
/// Once for each account and asset; `sheaf claim` pays.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  export SHEAF_RPC_URL=http://127.0.0.1:8545
  sheaf exit --proof exit.bin --keystore alice.json --password-file pw

Exit codes:
  0  credited
  1  the file is no exit of this rollup's last state, or the contract refuses
  2  wrong usage, or the node or the key cannot be used")]
pub struct Exit {
    /// The exit with its proof
    #[arg(long, value_name = "FILE")]
    proof: PathBuf,
    #[command(flatten)]
    place: PlaceArguments,
    #[command(flatten)]
    sending: SendingArguments,
}

impl Exit {
    /// Leaves.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        let exit = ExitProof::from_bytes(&files::read(&self.proof, EXIT_BYTES)?).with_context(|| {
            let what = format!("{} is not an exit", self.proof.display());
            Advice::new(what, "name the file with the exit's proof").answer_no()
        })?;
        let place = self.place.connect()?;
        let rollup = place.rollup();
        let mut sender = self.sending.sender(place.node(), printer)?;
        let call = rollup.exit(&exit);
        if !sender.has_begun(&call) {
            let misfit =
                |what: String| Err(Advice::new(what, "make an exit of this rollup's last state").answer_no().into());
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
        }
        let mined = l1::send(&mut sender, &call)?;
        let report = Report { account: exit.account, asset: exit.asset, quanta: exit.amount.get() };
        Done::report(report, &mined, &mut sender, printer)?;
        Ok(Answer::Yes)
    }
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
