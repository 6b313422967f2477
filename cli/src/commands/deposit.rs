//! `sheaf deposit`.

use std::fmt;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use sheaf_circuits::account::{AccountIndex, AssetId};
use sheaf_verifier_contract::client::{Address, Asset, Call, Rollup, Sender, U256};

use crate::commands::keys;
use crate::failure::Advice;
use crate::l1::{self, cannot_ask, Done, PlaceArguments, SendingArguments};
use crate::printer::Printer;
use crate::Answer;

/// Deposit from L1
///
/// The first deposit opens the sender's account, with the key that will sign for it on L2; later ones go to that account,
/// or to another with --to. A token is approved first, if it has to be. The operator's next batches take the deposit, in
/// the order of the queue.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  export SHEAF_RPC_URL=http://127.0.0.1:8545
  sheaf keys new --out alice.key
  sheaf deposit 1000000000000000000 --key alice.key --keystore alice.json
  sheaf deposit 5000000 --asset 0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48 --to 65537

Exit codes:
  0  in the queue
  1  the contract refuses, or there is no such account or asset
  2  wrong usage, or the node or the key cannot be used")]
pub struct Deposit {
    /// How much, in base units (wei for the chain's coin): a multiple of the asset's scale
    #[arg(value_parser = amount)]
    amount: U256,
    /// The asset: its number, or its token's address
    #[arg(long, value_name = "N|TOKEN", default_value = "0")]
    asset: String,
    /// The key file of the account that this opens, see `sheaf keys`
    #[arg(long, value_name = "FILE", conflicts_with = "to")]
    key: Option<PathBuf>,
    /// The account to deposit to [default: the sender's]
    #[arg(long, value_name = "ACCOUNT")]
    to: Option<u32>,
    #[command(flatten)]
    place: PlaceArguments,
    #[command(flatten)]
    sending: SendingArguments,
}

fn amount(text: &str) -> Result<U256, String> {
    U256::from_str_radix(text, 10).map_err(|_| "expected a whole number of base units".into())
}

impl Deposit {
    /// Deposits.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        let place = self.place.connect()?;
        let rollup = place.rollup();
        let id = place.asset(&self.asset)?;
        let asset = rollup.asset(id).with_context(cannot_ask)?;
        let asset = asset.ok_or_else(|| Advice::new(format_args!("the rollup has no asset {id}"), "name another"))?;
        let mut sender = self.sending.sender(place.node(), printer)?;
        let call = self.call(&rollup, &sender, id, printer)?;
        if let Some(token) = asset.token {
            l1::approve(&rollup, &mut sender, token, self.amount, &call)?;
        }
        let mined = l1::send(&mut sender, &call)?;
        let (request, account) = rollup.requested(&mined).ok_or_else(|| {
            let what = format!("transaction {} made no request", mined.hash);
            Advice::new(what, "the node's receipts are wrong: use another node")
        })?;
        let Asset { scale, .. } = asset;
        let quanta = self.amount.checked_div(U256::from(scale)).unwrap_or_default().to_string();
        let report = Report { account, asset: id, quanta, request };
        Done::report(report, &mined, &mut sender, printer)?;
        Ok(Answer::Yes)
    }

    fn call(&self, rollup: &Rollup<'_>, sender: &Sender<'_>, asset: AssetId, printer: &Printer) -> Result<Call> {
        let fee = rollup.request_fee().with_context(cannot_ask)?;
        if let Some(key) = &self.key {
            let opening = rollup.open(asset, self.amount, keys::read(key)?.public().hash(), fee);
            // An earlier run may have opened the account with this very call: then this is not a second deposit.
            if sender.has_begun(&opening) {
                return Ok(opening);
            }
            match rollup.account_of(sender.address()).with_context(cannot_ask)? {
                None => return Ok(opening),
                Some(account) => {
                    printer.warn(format_args!("the sender owns account {account}: the key is not used, see `rekey`"));
                    return Ok(rollup.deposit(account, sender.address(), asset, self.amount, fee));
                }
            }
        }
        let (account, owner) = self.recipient(rollup, sender.address())?;
        Ok(rollup.deposit(account, owner, asset, self.amount, fee))
    }

    fn recipient(&self, rollup: &Rollup<'_>, sender: Address) -> Result<(AccountIndex, Address)> {
        let Some(index) = self.to else {
            let account = rollup.account_of(sender).with_context(cannot_ask)?;
            let account = account.ok_or_else(|| {
                let next = "name the key of the account to open with --key, or another account with --to";
                Advice::new(format_args!("{sender} has no account"), next).answer_no()
            })?;
            return Ok((account, sender));
        };
        let nobody = || {
            let what = format!("account {index} has no owner on L1");
            Advice::new(what, "name an account that was opened, or is listed in the genesis").answer_no()
        };
        let account = AccountIndex::new(index).ok_or_else(nobody)?;
        let owner = rollup.owner_of(account).with_context(cannot_ask)?;
        Ok((account, owner.ok_or_else(nobody)?))
    }
}

#[derive(Serialize)]
struct Report {
    account: AccountIndex,
    asset: AssetId,
    quanta: String,
    request: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, asset, quanta, request } = self;
        write!(f, "request {request}: {quanta} quanta of asset {asset} for account {account}")
    }
}
