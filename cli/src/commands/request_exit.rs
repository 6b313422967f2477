//! `sheaf request-exit`.

use std::fmt;

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use sheaf_circuits::account::{AccountIndex, AssetId};

use crate::failure::Advice;
use crate::l1::{self, cannot_ask, Done, PlaceArguments, SendingArguments};
use crate::printer::Printer;
use crate::Answer;

/// Ask for one's balance of an asset, without the operator's consent
///
/// The operator has to take the request before its deadline, or anyone can freeze the rollup. When a batch has taken it,
/// `sheaf claim` pays.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  export SHEAF_RPC_URL=http://127.0.0.1:8545
  sheaf request-exit --asset 0 --keystore alice.json --password-file pw

Exit codes:
  0  in the queue
  1  the contract refuses, or there is no such asset
  2  wrong usage, or the node or the key cannot be used")]
pub struct RequestExit {
    /// The asset: its number, or its token's address
    #[arg(long, value_name = "N|TOKEN", default_value = "0")]
    asset: String,
    #[command(flatten)]
    place: PlaceArguments,
    #[command(flatten)]
    sending: SendingArguments,
}

impl RequestExit {
    /// Asks.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        let place = self.place.connect()?;
        let rollup = place.rollup();
        let asset = place.asset(&self.asset)?;
        let fee = rollup.request_fee().with_context(cannot_ask)?;
        let mut sender = self.sending.sender(place.node(), printer)?;
        let mined = l1::send(&mut sender, &rollup.request_exit(asset, fee))?;
        let (request, account) = rollup.requested(&mined).ok_or_else(|| {
            let what = format!("transaction {} made no request", mined.hash);
            Advice::new(what, "the node's receipts are wrong: use another node")
        })?;
        Done::report(Report { account, asset, request }, &mined, &mut sender, printer)?;
        Ok(Answer::Yes)
    }
}

#[derive(Serialize)]
struct Report {
    account: AccountIndex,
    asset: AssetId,
    request: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, asset, request } = self;
        write!(f, "request {request}: account {account} leaves with all that it has of asset {asset}")
    }
}
