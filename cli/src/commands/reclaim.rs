//! `sheaf reclaim`.

use std::fmt;

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use sheaf_circuits::account::{AccountIndex, AssetId};
use sheaf_circuits::transaction::Kind;
use sheaf_verifier_contract::client::Cursor;

use crate::failure::Advice;
use crate::l1::{self, cannot_ask, Done, PlaceArguments, SendingArguments};
use crate::printer::Printer;
use crate::Answer;

/// Credit a deposit that no batch took to the account that it was for, after a freeze
///
/// Anyone can do it for anyone. The request's bytes are read from L1.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  export SHEAF_RPC_URL=http://127.0.0.1:8545
  sheaf reclaim 17 --keystore alice.json --password-file pw

Exit codes:
  0  credited
  1  the request is not an open deposit, or the contract refuses
  2  wrong usage, or the node or the key cannot be used")]
pub struct Reclaim {
    /// The request's number
    request: u64,
    #[command(flatten)]
    place: PlaceArguments,
    #[command(flatten)]
    sending: SendingArguments,
}

impl Reclaim {
    /// Reclaims.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        let place = self.place.connect()?;
        let rollup = place.rollup();
        // Nothing comes after a freeze, so there is nothing to wait for.
        let cursor = place.reader(Some(0)).follow(&Cursor::new(&rollup)).with_context(cannot_ask)?;
        let open = cursor.open_requests(0).with_context(cannot_ask)?;
        let found = open.iter().find(|request| request.number == self.request);
        let found = found.filter(|request| request.transaction.kind() == Kind::Deposit).ok_or_else(|| {
            let what = format!("request {} is not a deposit that no batch took", self.request);
            Advice::new(what, "see the number that `sheaf deposit` told").answer_no()
        })?;
        let mut sender = self.sending.sender(place.node(), printer)?;
        let mined = l1::send(&mut sender, &rollup.reclaim(found.number, &found.record))?;
        let (account, asset, quanta) = rollup.credited(&mined).ok_or_else(|| {
            let what = format!("transaction {} credited nothing", mined.hash);
            Advice::new(what, "the node's receipts are wrong: use another node")
        })?;
        Done::report(Report { request: self.request, account, asset, quanta }, &mined, &mut sender, printer)?;
        Ok(Answer::Yes)
    }
}

#[derive(Serialize)]
struct Report {
    request: u64,
    account: AccountIndex,
    asset: AssetId,
    quanta: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { request, account, asset, quanta } = self;
        write!(
            f,
            "request {request}: account {account} is owed {quanta} more quanta of asset {asset}; `sheaf claim` pays"
        )
    }
}
