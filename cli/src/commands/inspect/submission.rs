//! A batch on L1 in words, from the transaction that submitted it.

use std::fmt;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Serialize;
use sheaf_circuits::transaction::Stream;
use sheaf_verifier_contract::client::{AcceptedBatch, ReadError, B256, U256};

use super::l1::Said;
use super::stream;
use crate::failure::Advice;
use crate::l1::{cannot_ask, Place};
use crate::numbers::Count;

/// The transaction that `argument` names, if it is no file's name.
pub fn hash(argument: &Path) -> Option<B256> {
    let text = argument.to_str()?;
    (text.starts_with("0x") && !argument.exists()).then(|| text.parse().ok()).flatten()
}

/// A batch that L1 accepted.
#[derive(Serialize)]
pub struct Summary {
    transaction: String,
    block: u64,
    #[serde(flatten)]
    said: Said,
    requests_taken: u64,
    gas: u64,
    fee_wei: String,
    calldata_bytes: usize,
    l1: stream::Summary,
    l2: stream::Summary,
}

impl Summary {
    /// Reads the batch that `transaction` submitted.
    pub fn read(place: &Place, transaction: B256) -> Result<Self> {
        let accepted = place.reader(Some(0)).batch_of(transaction).map_err(|error| {
            let advice = match &error {
                ReadError::Node(_) => cannot_ask(),
                _ => Advice::new(
                    format_args!("{transaction} is no batch of this rollup"),
                    "name a transaction that `sheaf submit` told, and its rollup with --rollup",
                )
                .answer_no(),
            };
            anyhow::Error::new(error).context(advice)
        })?;
        let receipt = place.node().receipt(transaction).with_context(cannot_ask)?;
        let (gas, price) = receipt.map_or((0, 0), |receipt| (receipt.gas_used, receipt.effective_gas_price));
        let AcceptedBatch { batch, block, requests_taken, .. } = accepted;
        let name = transaction.to_string();
        Ok(Self {
            block,
            said: Said::by(&batch),
            requests_taken,
            gas,
            fee_wei: (U256::from(gas) * U256::from(price)).to_string(),
            calldata_bytes: sheaf_verifier_contract::client::encode_submission(&batch).len(),
            l1: stream::Summary::of(Path::new(&name), Stream::L1, &batch.l1)?,
            l2: stream::Summary::of(Path::new(&name), Stream::L2, &batch.l2)?,
            transaction: name,
        })
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { transaction, said, .. } = self;
        writeln!(f, "{transaction} submitted batch {}, in block {}", said.number(), Count(self.block))?;
        write!(f, "{said}")?;
        writeln!(f, "  requests   {} taken up to it", Count(self.requests_taken))?;
        let calldata = Count(self.calldata_bytes as u64);
        writeln!(f, "  cost       {} gas for {} wei, {calldata} bytes of calldata", Count(self.gas), self.fee_wei)?;
        write!(f, "{}{}", self.l1, self.l2)
    }
}
