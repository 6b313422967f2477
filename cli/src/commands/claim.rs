//! `sheaf claim`.

use std::fmt;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use sheaf_circuits::account::{AccountIndex, AssetId};
use sheaf_verifier_contract::client::Address;

use crate::failure::Advice;
use crate::l1::{self, Done, PlaceArguments, SendingArguments};
use crate::printer::Printer;
use crate::Answer;

/// Take what L1 owes one's account
///
/// Withdrawals, forced exits, and after a freeze exits and reclaimed deposits are credited on L1; this pays them out.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  export SHEAF_RPC_URL=http://127.0.0.1:8545
  sheaf claim --asset 0 --keystore alice.json --password-file pw

Exit codes:
  0  paid
  1  the contract refuses, or there is no such asset
  2  wrong usage, or the node or the key cannot be used")]
pub struct Claim {
    /// The asset: its number, or its token's address
    #[arg(long, value_name = "N|TOKEN", default_value = "0")]
    asset: String,
    /// Who is paid [default: the account's owner]
    #[arg(long, value_name = "ADDRESS", value_parser = l1::address)]
    to: Option<Address>,
    #[command(flatten)]
    place: PlaceArguments,
    #[command(flatten)]
    sending: SendingArguments,
}

impl Claim {
    /// Claims.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        let place = self.place.connect()?;
        let rollup = place.rollup();
        let asset = place.asset(&self.asset)?;
        let mut sender = self.sending.sender(place.node(), printer)?;
        let to = self.to.unwrap_or(sender.address());
        let mined = l1::send(&mut sender, &rollup.claim(asset, to))?;
        let (account, quanta) = rollup.claimed(&mined).ok_or_else(|| {
            let what = format!("transaction {} paid nothing", mined.hash);
            Advice::new(what, "the node's receipts are wrong: use another node")
        })?;
        let report = Report { account, asset, quanta: quanta.to_string(), to };
        Done::report(report, &mined, &mut sender, printer)?;
        Ok(Answer::Yes)
    }
}

#[derive(Serialize)]
struct Report {
    account: AccountIndex,
    asset: AssetId,
    quanta: String,
    to: Address,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, asset, quanta, to } = self;
        write!(f, "{to} was paid {quanta} quanta of asset {asset}, owed to account {account}")
    }
}
