//! What executing a batch gave, in words and JSON.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;
use sheaf_circuits::account::CellKey;
use sheaf_circuits::hash::Digest;
use sheaf_circuits::transaction::{Rejection, Stream};
use sheaf_witness::batch::{Decoded, Position, Refused};
use sheaf_witness::execute::{Conflicts, Execution, Receipt};

use super::Runs;
use crate::numbers::{Bytes, Count, Took};

/// Bytes of a published word.
const WORD_BYTES: usize = sheaf_circuits::availability::WORD_BYTES;

/// What executing a batch gave.
#[derive(Serialize)]
pub struct Report<'a> {
    batch: &'a Path,
    transactions: usize,
    pub applied: usize,
    pub rejected: Vec<Rejected>,
    pub refused: &'a [Refused],
    rejected_by_reason: BTreeMap<String, usize>,
    fees: u64,
    pre_root: Digest,
    post_root: Digest,
    changed_cells: usize,
    l1_bytes: usize,
    l2_bytes: usize,
    threads: usize,
    without_signatures: Rate,
    with_signatures: Rate,
    conflicts: &'a Conflicts,
}

/// A transaction that does not apply.
#[derive(Serialize)]
pub struct Rejected {
    position: Position,
    #[serde(flatten)]
    rejection: Rejection,
    message: String,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: rejected: {}", self.position, self.message)
    }
}

/// How fast it went, the new state root included.
#[derive(Serialize)]
struct Rate {
    seconds: f64,
    transactions_per_second: f64,
}

impl Rate {
    fn new(transactions: usize, took: Duration) -> Self {
        let seconds = took.as_secs_f64();
        let rate = if seconds > 0.0 { transactions as f64 / seconds } else { 0.0 };
        Self { seconds, transactions_per_second: rate }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let took = Took(Duration::from_secs_f64(self.seconds));
        write!(f, "{:>9} a second, {took}", Count(self.transactions_per_second as u64))
    }
}

impl<'a> Report<'a> {
    /// Counts.
    pub fn new(batch: &'a Path, decoded: &'a Decoded, runs: &'a Runs, threads: usize) -> Self {
        let Execution { receipts, cells, fees, conflicts, .. } = &runs.execution;
        let rejected: Vec<_> = receipts.iter().zip(&decoded.positions).filter_map(rejected).collect();
        let mut rejected_by_reason = BTreeMap::new();
        for rejected in &rejected {
            *rejected_by_reason.entry(reason(&rejected.rejection)).or_default() += 1;
        }
        let [l1_bytes, l2_bytes] = [Stream::L1, Stream::L2].map(|stream| published_bytes(receipts, stream));
        let transactions = receipts.len();
        Self {
            batch,
            transactions,
            applied: transactions - rejected.len(),
            rejected,
            refused: &decoded.refused,
            rejected_by_reason,
            fees: fees.get(),
            pre_root: runs.pre_root,
            post_root: runs.post_root,
            changed_cells: cells.len(),
            l1_bytes,
            l2_bytes,
            threads,
            without_signatures: Rate::new(transactions, runs.without_signatures),
            with_signatures: Rate::new(transactions, runs.with_signatures),
            conflicts,
        }
    }
}

impl Report<'_> {
    /// What did not go well, in the order of the file.
    pub fn warnings(&self) -> Vec<String> {
        let refused = self.refused.iter().map(|refused| (refused.position, refused.to_string()));
        let rejected = self.rejected.iter().map(|rejected| (rejected.position, rejected.to_string()));
        let mut warnings: Vec<_> = refused.chain(rejected).collect();
        warnings.sort_by_key(|(position, _)| *position);
        warnings.into_iter().map(|(_, warning)| warning).collect()
    }
}

fn rejected((receipt, &position): (&Receipt, &Position)) -> Option<Rejected> {
    match *receipt {
        Receipt::Applied(_) => None,
        Receipt::Rejected(rejection) => Some(Rejected { position, rejection, message: rejection.to_string() }),
    }
}

/// The reason's name, as JSON tells it.
fn reason(rejection: &Rejection) -> String {
    let json = serde_json::to_value(rejection).ok();
    let name = json.as_ref().and_then(|json| json.get("reason")?.as_str());
    name.unwrap_or("other").to_owned()
}

fn published_bytes(receipts: &[Receipt], stream: Stream) -> usize {
    let words = receipts.iter().map(|receipt| match receipt {
        Receipt::Applied(Some(record)) if record.kind().stream() == Some(stream) => record.words().len(),
        _ => 0,
    });
    words.sum::<usize>() * WORD_BYTES
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [transactions, applied] = [self.transactions, self.applied].map(|count| Count(count as u64));
        writeln!(f, "Executed {}: {applied} of {transactions} transactions apply", self.batch.display())?;
        if !self.rejected.is_empty() {
            let reasons = self.rejected_by_reason.iter();
            let reasons: Vec<_> =
                reasons.map(|(reason, count)| format!("{count} {}", reason.replace('_', " "))).collect();
            writeln!(f, "  rejected   {}: {}", Count(self.rejected.len() as u64), reasons.join(", "))?;
        }
        if !self.refused.is_empty() {
            writeln!(f, "  refused    {} that cannot be read", Count(self.refused.len() as u64))?;
        }
        writeln!(f, "  roots      {} before\n             {} after", self.pre_root, self.post_root)?;
        writeln!(f, "  fees       {} quanta of asset 0", Count(self.fees))?;
        let (l1, l2) = (Bytes(self.l1_bytes as u64), Bytes(self.l2_bytes as u64));
        writeln!(f, "  published  {l1} for the L1 contract, {l2} of data")?;
        let Conflicts { distinct_cells, conflicting, longest_chain, edges, hottest, .. } = self.conflicts;
        let [cells, conflicting, edges] = [*distinct_cells, *conflicting, *edges].map(|count| Count(count as u64));
        writeln!(f, "  conflicts  {conflicting} transactions share one of {cells} cells with another ({edges} waits)")?;
        writeln!(f, "             longest chain {} transactions", Count(*longest_chain as u64))?;
        let hottest: Vec<_> = hottest.iter().map(|(key, count)| format!("{} {count}×", cell_name(*key))).collect();
        if !hottest.is_empty() {
            writeln!(f, "             busiest: {}", hottest.join(", "))?;
        }
        writeln!(f, "  speed      {} without signature checks", self.without_signatures)?;
        writeln!(f, "             {} with them ({} threads, state root included)", self.with_signatures, self.threads)
    }
}

fn cell_name(key: CellKey) -> String {
    match key.slot() {
        0 => format!("account {}", key.account()),
        asset => format!("account {} asset {asset}", key.account()),
    }
}

/// A receipt for each entry, in the order of the file, one JSON object a line.
pub fn receipts(decoded: &Decoded, execution: &Execution) -> Result<String> {
    let domain = decoded.batch.context.domain.digest();
    let executed = decoded.batch.transactions.iter().zip(&execution.receipts).zip(&decoded.positions);
    let executed = executed.map(|((transaction, receipt), &position)| {
        let rejection = match *receipt {
            Receipt::Applied(_) => None,
            Receipt::Rejected(rejection) => Some(rejection),
        };
        let line = ReceiptLine::Executed {
            position,
            kind: transaction.kind().name(),
            id: transaction.message_under(domain),
            result: if rejection.is_some() { "rejected" } else { "applied" },
            rejection,
            message: rejection.map(|rejection| rejection.to_string()),
        };
        (position, line)
    });
    let refused = decoded.refused.iter().map(|refused| {
        let line = ReceiptLine::Refused { result: "refused", refused };
        (refused.position, line)
    });
    let mut lines: Vec<_> = executed.chain(refused).collect();
    lines.sort_by_key(|(position, _)| *position);
    let mut text = String::new();
    for (_, line) in lines {
        writeln!(text, "{}", serde_json::to_string(&line)?)?;
    }
    Ok(text)
}

/// A receipt as it is written.
#[derive(Serialize)]
#[serde(untagged)]
enum ReceiptLine<'a> {
    Executed {
        position: Position,
        kind: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<Digest>,
        result: &'static str,
        #[serde(flatten)]
        rejection: Option<Rejection>,
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    Refused {
        result: &'static str,
        #[serde(flatten)]
        refused: &'a Refused,
    },
}
