//! `sheaf freeze`.

use std::fmt;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use crate::failure::Advice;
use crate::l1::{self, Done, PlaceArguments, SendingArguments};
use crate::printer::Printer;
use crate::Answer;

/// Freeze a rollup whose operator missed a deadline, for good
///
/// Anyone can, once the oldest request is overdue. Then owners leave with `sheaf exit`, deposits that no batch took come
/// back with `sheaf reclaim`, and `sheaf claim` pays.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  export SHEAF_RPC_URL=http://127.0.0.1:8545
  sheaf freeze --keystore alice.json --password-file pw

Exit codes:
  0  frozen
  1  the contract refuses: no request is overdue, or it is frozen already
  2  wrong usage, or the node or the key cannot be used")]
pub struct Freeze {
    #[command(flatten)]
    place: PlaceArguments,
    #[command(flatten)]
    sending: SendingArguments,
}

impl Freeze {
    /// Freezes.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        let place = self.place.connect()?;
        let rollup = place.rollup();
        let mut sender = self.sending.sender(place.node(), printer)?;
        let mined = l1::send(&mut sender, &rollup.freeze())?;
        let (last_batch, root) = rollup.frozen(&mined).ok_or_else(|| {
            let what = format!("transaction {} froze nothing", mined.hash);
            Advice::new(what, "the node's receipts are wrong: use another node")
        })?;
        Done::report(Report { last_batch, root: root.to_string() }, &mined, &mut sender, printer)?;
        Ok(Answer::Yes)
    }
}

#[derive(Serialize)]
struct Report {
    last_batch: u32,
    root: String,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "frozen after batch {}, at root {}", self.last_batch, self.root)
    }
}
