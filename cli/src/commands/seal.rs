//! `sheaf seal`.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use sheaf_circuits::account::AccountIndex;
use sheaf_circuits::context::Context;
use sheaf_circuits::transaction::Transaction;
use sheaf_verifier_contract::client::{Cursor, Phase, ReadError, Request};
use sheaf_witness::batch::{lines, Batch};

use crate::failure::Advice;
use crate::l1::{cannot_ask, Place, PlaceArguments};
use crate::numbers::{Count, Counted};
use crate::printer::Printer;
use crate::{files, Answer};

/// Bytes of a cursor file, at most: 32 767 open requests take less.
const CURSOR_BYTES: u64 = 64 << 20;
/// Bytes of signed transactions, at most.
const TRANSACTION_BYTES: u64 = 1 << 30;

/// Seal the next batch: open requests from L1, then signed transactions
///
/// Reads the contract for number, operator and time, and L1's events for the requests that are deep enough to stay: they
/// come first, in the order of the queue. How far L1 was read is kept in a cursor file; when L1 is reorganised below
/// that, nothing is sealed.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  export SHEAF_RPC_URL=http://127.0.0.1:8545
  sheaf seal --transactions signed.jsonl --out batch.jsonl

Exit codes:
  0  sealed
  1  there is nothing to seal, a line is no transaction, or the rollup takes no batches
  2  wrong usage, the node cannot be used, or L1 was reorganised")]
pub struct Seal {
    /// Signed transactions, one a line, as `sheaf sign` prints them; - for stdin
    #[arg(long, value_name = "FILE")]
    transactions: Option<PathBuf>,
    /// The batch to write, in JSON Lines
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Requests that are taken, at most [default: all that are open and deep enough]
    #[arg(long, value_name = "N")]
    requests: Option<usize>,
    /// Blocks that a request must have on top of its own [default: 12; 0 on chain 31337]
    #[arg(long, value_name = "BLOCKS", help_heading = "L1 options")]
    depth: Option<u64>,
    /// How far L1 was read [default: beside --rollup, rollup.cursor.json]
    #[arg(long, value_name = "FILE", help_heading = "L1 options")]
    cursor: Option<PathBuf>,
    #[command(flatten)]
    place: PlaceArguments,
}

impl Seal {
    /// Seals.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        let place = self.place.connect()?;
        let signed = self.transactions.as_deref().map(read_signed).transpose()?.unwrap_or_default();
        let file = self.cursor.clone().unwrap_or_else(|| self.place.beside("cursor"));
        let requests = follow(&place, &file, self.depth)?;
        let (context, taken) = context(&place)?;
        let mut open: Vec<Request> = requests.open_requests(taken).with_context(cannot_ask)?;
        open.truncate(self.requests.unwrap_or(usize::MAX));
        if open.is_empty() && signed.is_empty() {
            let next = "wait until requests are deep enough, or give transactions with --transactions";
            return Err(Advice::new("there is nothing to seal", next).answer_no().into());
        }
        let report = Report {
            file: &self.out,
            number: context.batch_number,
            operator: context.operator,
            timestamp_s: context.timestamp_s,
            requests: open.len(),
            first_request: open.first().map(|request| request.number),
            last_request: open.last().map(|request| request.number),
            signed: signed.len(),
            read_to_block: requests.block(),
        };
        let transactions = open.iter().map(|request| request.transaction.clone()).chain(signed).collect();
        let batch = Batch { context, transactions };
        files::write(&self.out, |file| batch.write_lines(file))?;
        printer.report(&report)?;
        Ok(Answer::Yes)
    }
}

/// Reads L1 on from the cursor in `file`, and saves how far it came.
fn follow(place: &Place, file: &Path, depth: Option<u64>) -> Result<Cursor> {
    let cursor = match file.exists() {
        true => serde_json::from_slice(&files::read(file, CURSOR_BYTES)?).with_context(|| {
            let next = "remove it: L1 is read from the deployment on then";
            Advice::new(format_args!("{} is not a cursor", file.display()), next)
        })?,
        false => Cursor::new(&place.rollup()),
    };
    let next = place.reader(depth).follow(&cursor).map_err(|error| {
        let advice = match &error {
            ReadError::Reorganised { .. } => Advice::new(
                "L1 was reorganised below what was read, so nothing is sealed",
                format_args!(
                    "see which batches have requests of blocks that are gone; then remove {} and seal with more --depth",
                    file.display()
                ),
            ),
            ReadError::OtherCursor { .. } => {
                Advice::new("the cursor is another rollup's", "name another file with --cursor")
            }
            ReadError::Node(_) => cannot_ask(),
            _ => Advice::new("what the L1 node tells does not fit together", "ask another node with --rpc-url"),
        };
        anyhow::Error::new(error).context(advice)
    })?;
    if next != cursor {
        let text = serde_json::to_vec(&next)?;
        files::write(file, |file| file.write_all(&text))?;
    }
    Ok(next)
}

/// What the next batch's transactions share, and how many requests batches have taken before it.
fn context(place: &Place) -> Result<(Context, u64)> {
    let rollup = place.rollup();
    let progress = rollup.progress().with_context(cannot_ask)?;
    if progress.phase != Phase::Live {
        let what = format!("the rollup takes no batches: it is in phase {:?}", progress.phase);
        return Err(Advice::new(what, "launch it, or if it is frozen leave with `sheaf exit`").answer_no().into());
    }
    let operator = rollup.operator_index().with_context(cannot_ask)?;
    let operator = AccountIndex::new(operator)
        .ok_or_else(|| Advice::new("the operator's account is out of range", "is this contract a rollup?"))?;
    let head = rollup.node().head().with_context(cannot_ask)?;
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let context = Context {
        domain: rollup.domain(),
        batch_number: progress.batch_number.saturating_add(1),
        operator,
        // Never before the last batch, and never behind L1's clock, which may run ahead on a test chain.
        timestamp_s: clock.max(head.timestamp_s).max(progress.timestamp_s),
    };
    context.check().context("the contract's numbers do not fit a batch")?;
    Ok((context, progress.requests_taken))
}

fn read_signed(path: &Path) -> Result<Vec<Transaction>> {
    let mut text = Vec::new();
    files::open(path)?
        .take(TRANSACTION_BYTES)
        .read_to_end(&mut text)
        .with_context(|| Advice::new(format_args!("cannot read {}", path.display()), "check the disk"))?;
    let lines = text.split(|&byte| byte == b'\n').zip(1..);
    let lines = lines.filter(|(line, _)| !line.iter().all(u8::is_ascii_whitespace));
    let signed = lines.map(|(line, number)| {
        let no = |reason: &str| {
            let what = format!("line {number} of {} is {reason}", path.display());
            Advice::new(what, "give lines that `sheaf sign` printed").answer_no()
        };
        let transaction = lines::parse_transaction(line).with_context(|| no("no transaction"))?;
        match transaction.authorization() {
            Some(_) => Ok(transaction),
            // Requests come from L1 and from nowhere else.
            None => Err(no(&format!("a {}, which nobody signs", transaction.kind().name())).into()),
        }
    });
    signed.collect()
}

#[derive(Serialize)]
struct Report<'a> {
    file: &'a Path,
    number: u32,
    operator: AccountIndex,
    timestamp_s: u64,
    requests: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_request: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_request: Option<u64>,
    signed: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_to_block: Option<u64>,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "batch {} is sealed in {}", self.number, self.file.display())?;
        match (self.first_request, self.last_request) {
            (Some(first), Some(last)) => {
                writeln!(f, "  from L1   {}, {first} to {last}", Counted(self.requests as u64, "request"))?;
            }
            _ => writeln!(f, "  from L1   no requests")?,
        }
        writeln!(f, "  signed    {}", Counted(self.signed as u64, "transaction"))?;
        writeln!(f, "  sealed    at {} seconds since 1970, fees for account {}", self.timestamp_s, self.operator)?;
        match self.read_to_block {
            Some(block) => writeln!(f, "  L1        read to block {}", Count(block)),
            None => Ok(()),
        }
    }
}
