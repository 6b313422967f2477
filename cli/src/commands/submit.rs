//! `sheaf submit`.

use std::fmt;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use sheaf_circuits::hash::Digest;
use sheaf_verifier_contract::client::{submit, SubmitError, Submitted};
use sheaf_verifier_contract::L1Batch;

use crate::failure::Advice;
use crate::l1::{self, PlaceArguments, SendingArguments};
use crate::numbers::Count;
use crate::printer::Printer;
use crate::{files, Answer};

/// Bytes of a batch for L1, at most: nodes take far less in one transaction.
const BATCH_BYTES: u64 = 16 << 20;

/// Submit a proven batch to L1
///
/// Looks first: chain, rollup, number, root, program, operator and time must be what the contract expects. When the
/// contract has this batch already, that is a success.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  export SHEAF_RPC_URL=http://127.0.0.1:8545
  sheaf submit batch.l1 --keystore operator.json --password-file pw

Exit codes:
  0  the contract has the batch
  1  the batch does not fit, or the contract refuses it
  2  wrong usage, or the node or the key cannot be used")]
pub struct Submit {
    /// The batch with its proof
    batch: PathBuf,
    #[command(flatten)]
    place: PlaceArguments,
    #[command(flatten)]
    sending: SendingArguments,
}

impl Submit {
    /// Submits.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        let batch = L1Batch::from_bytes(&files::read(&self.batch, BATCH_BYTES)?).with_context(|| {
            let what = format!("{} is not a batch for L1", self.batch.display());
            Advice::new(what, "name the file that proving up to the wrap made").answer_no()
        })?;
        let place = self.place.connect()?;
        let rollup = place.rollup();
        let mut sender = self.sending.sender(place.node(), printer)?;
        let submitted = submit(&mut sender, &rollup, &place.reader(Some(0)), &batch).map_err(explain)?;
        let (number, root) = (batch.context.batch_number, batch.post_root);
        let report = match &submitted {
            Submitted::Accepted(mined) => Report {
                number,
                root,
                already: false,
                transaction: mined.hash.to_string(),
                block: mined.block,
                gas: Some(mined.gas_used),
                fee_wei: Some(mined.fee.to_string()),
            },
            Submitted::Already { transaction, block } => Report {
                number,
                root,
                already: true,
                transaction: transaction.to_string(),
                block: *block,
                gas: None,
                fee_wei: None,
            },
        };
        printer.report(&report)?;
        if let Submitted::Accepted(mined) = submitted {
            sender.forget(mined.id).map_err(l1::explain)?;
        }
        Ok(Answer::Yes)
    }
}

fn explain(error: SubmitError) -> anyhow::Error {
    let advice = match error {
        SubmitError::Send(error) => return l1::explain(error),
        SubmitError::Misfit(_) => {
            Advice::new("the batch does not fit the contract", "seal and prove a batch for what the contract expects")
                .answer_no()
        }
        _ => l1::cannot_ask(),
    };
    anyhow::Error::new(error).context(advice)
}

#[derive(Serialize)]
struct Report {
    number: u32,
    root: Digest,
    /// Whether it was there before.
    already: bool,
    transaction: String,
    block: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    gas: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fee_wei: Option<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.already { "was accepted before" } else { "is accepted" };
        writeln!(f, "batch {} {how}: it ends at root {}", self.number, self.root)?;
        writeln!(f, "  transaction  {}", self.transaction)?;
        writeln!(f, "  block        {}", Count(self.block))?;
        match (&self.gas, &self.fee_wei) {
            (Some(gas), Some(fee)) => writeln!(f, "  gas          {} for {fee} wei", Count(*gas)),
            _ => Ok(()),
        }
    }
}
