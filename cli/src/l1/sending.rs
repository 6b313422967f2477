//! Sending: how patiently and how dearly, what is told meanwhile, and what is told in the end.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use sheaf_verifier_contract::client::{
    Address, Call, Event, JournalError, Mined, Node, Policy, Rollup, SendError, Sender, U256,
};

use super::{is_development, KeyArguments};
use crate::failure::Advice;
use crate::files;
use crate::numbers::Count;
use crate::printer::Printer;

/// Wei in a gwei.
const GWEI: u128 = 1_000_000_000;

/// Whose transactions, how patiently and how dearly.
#[derive(Args)]
pub struct SendingArguments {
    #[command(flatten)]
    key: KeyArguments,
    /// Blocks until a transaction counts, its own included [default: 2; 1 on chain 31337]
    #[arg(long, value_name = "N", help_heading = "L1 options")]
    confirmations: Option<u64>,
    /// Gwei a unit of gas may cost, at most
    #[arg(long, value_name = "GWEI", default_value_t = 200, help_heading = "L1 options")]
    max_fee: u64,
    /// Gas that a transaction may take, at most
    #[arg(long, value_name = "GAS", default_value_t = Policy::default().gas_limit, help_heading = "L1 options")]
    gas_limit: u64,
    /// Seconds until a transaction that is not mined is sent again with higher fees
    #[arg(long, value_name = "SECONDS", default_value_t = 90, help_heading = "L1 options")]
    replace_after: u64,
    /// Seconds until waiting ends; the same command goes on waiting
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, help_heading = "L1 options")]
    give_up_after: u64,
    /// Where transactions are noted before they are sent [default: in ~/.local/state/sheaf, by chain and sender]
    #[arg(long, value_name = "FILE", help_heading = "L1 options")]
    journal: Option<PathBuf>,
}

impl SendingArguments {
    /// What sends.
    pub fn sender<'a>(&self, node: &'a Node, printer: &Printer) -> Result<Sender<'a>> {
        let wallet = self.key.wallet()?;
        let policy = Policy {
            confirmations: self.confirmations.unwrap_or(if is_development(node) { 1 } else { 2 }),
            max_fee_per_gas: u128::from(self.max_fee) * GWEI,
            gas_limit: self.gas_limit,
            replace_after: Duration::from_secs(self.replace_after),
            give_up_after: Duration::from_secs(self.give_up_after),
            ..Policy::default()
        };
        let journal = match &self.journal {
            Some(journal) => journal.clone(),
            None => usual_journal(node, wallet.address())?,
        };
        let printer = printer.clone();
        let sender = Sender::new(node, wallet, &journal, policy).map_err(explain)?;
        Ok(sender.observed(move |label, event| tell(&printer, label, event)))
    }
}

/// `~/.local/state/sheaf/l1-CHAIN-BLOCK-SENDER.json`, as the XDG specification has it. The chain's first block is in the
/// name because all development chains have one id.
fn usual_journal(node: &Node, sender: Address) -> Result<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(".local/state")));
    let folder =
        folder.ok_or_else(|| Advice::new("there is no folder for the journal", "name a file with --journal"))?;
    let folder = folder.join("sheaf");
    files::make_folder(&folder)?;
    let first = node.block_at(0).with_context(super::cannot_ask)?.map(|block| block.hash).unwrap_or_default();
    let first = hex::encode(&first[..4]);
    Ok(folder.join(format!("l1-{}-{first}-{sender}.json", node.chain_id())))
}

fn tell(printer: &Printer, label: &str, event: &Event) {
    match event {
        Event::Resumed { nonce } => printer.note(format_args!("{label}: begun before, with nonce {nonce}")),
        Event::Sent { hash, nonce } => printer.note(format_args!("{label}: sent as {hash}, nonce {nonce}")),
        Event::Replaced { hash, max_fee_per_gas } => {
            let gwei = *max_fee_per_gas as f64 / GWEI as f64;
            printer.note(format_args!("{label}: not mined, sent again as {hash} at up to {gwei:.3} gwei"));
        }
        Event::AtMaxFee { max_fee_per_gas } => {
            let gwei = max_fee_per_gas / GWEI;
            printer.warn(format_args!("{label}: not mined, and --max-fee {gwei} keeps it from paying more"));
        }
        Event::Mined { block, confirmations, .. } => {
            printer.note(format_args!("{label}: in block {block}, confirmations: {confirmations}"));
        }
        Event::Reorganised { block } => {
            printer.warn(format_args!("{label}: block {block} is gone, L1 was reorganised; waiting again"));
        }
    }
}

/// Why it was not sent, and what to do.
pub fn explain(error: SendError) -> anyhow::Error {
    let advice = match &error {
        SendError::Reverted { .. } => {
            Advice::new("the contract refuses", "see the likely cause above; nothing was changed").answer_no()
        }
        SendError::Funds { .. } => Advice::new("too few coins", "send coins to that address, or use another key"),
        SendError::TooMuchGas { .. } => Advice::new("too much gas", "raise --gas-limit, if the call is right"),
        SendError::TooExpensive { .. } => Advice::new("gas is too dear now", "wait, or raise --max-fee"),
        SendError::NotConfirmed { .. } => Advice::new(
            "not confirmed in time",
            "run the same command again: it goes on waiting, and sends nothing twice",
        ),
        SendError::NonceTaken { .. } => {
            Advice::new("another transaction was faster", "see what it was; the same command begins anew")
        }
        SendError::Journal(JournalError::InUse { .. }) => {
            Advice::new("another sheaf sends for the same address", "wait until it is done")
        }
        SendError::Journal(_) => Advice::new("the journal cannot be used", "mend it, or name another with --journal"),
        _ => Advice::new("the transaction was not sent", "run the same command again: nothing is sent twice"),
    };
    anyhow::Error::new(error).context(advice)
}

/// Sends one call and waits for it.
pub fn send(sender: &mut Sender<'_>, call: &Call) -> Result<Mined> {
    sender.send(call).map_err(explain)
}

/// Lets the rollup take what `call` needs of a token, unless it may already, or `call` was begun before.
pub fn approve(rollup: &Rollup<'_>, sender: &mut Sender<'_>, token: Address, amount: U256, call: &Call) -> Result<()> {
    if sender.has_begun(call) {
        return Ok(());
    }
    let approval = rollup.approval(token, sender.address(), amount).with_context(super::cannot_ask)?;
    let Some(approval) = approval else { return Ok(()) };
    let mined = send(sender, &approval)?;
    // Doing it again does no harm, so nothing has to be told first.
    sender.forget(mined.id).map_err(explain)
}

/// What one transaction did.
#[derive(Serialize)]
pub struct Done<T> {
    /// What the contract says that it did.
    #[serde(flatten)]
    pub what: T,
    /// The transaction.
    pub transaction: String,
    /// The block that it is in.
    pub block: u64,
    /// Gas that it took.
    pub gas: u64,
    /// What that cost.
    pub fee_wei: String,
}

impl<T: fmt::Display + Serialize> Done<T> {
    /// Reports what `mined` did, and only then forgets it: a crash before would tell it again.
    pub fn report(what: T, mined: &Mined, sender: &mut Sender<'_>, printer: &Printer) -> Result<()> {
        printer.report(&Self {
            what,
            transaction: mined.hash.to_string(),
            block: mined.block,
            gas: mined.gas_used,
            fee_wei: mined.fee.to_string(),
        })?;
        sender.forget(mined.id).map_err(explain)
    }
}

impl<T: fmt::Display> fmt::Display for Done<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.what)?;
        writeln!(f, "  transaction  {}", self.transaction)?;
        writeln!(f, "  block        {}", Count(self.block))?;
        writeln!(f, "  gas          {} for {} wei", Count(self.gas), self.fee_wei)
    }
}
