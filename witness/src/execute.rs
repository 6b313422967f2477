//! Execution: an ordered batch becomes receipts and new cells.
//!
//! A batch means what executing it in order means. Which cells a transaction touches is known before it runs, so
//! transactions that share none run at once, and those that do keep their order:
//!
//! ```text
//!   transactions ─┬─ signatures, in groups, on all cores ──────▶ refused ─┐
//!                 └─ conflict graph ─▶ distinct cells ─▶ read ────────────┴─▶ run ─▶ receipts, changed cells
//!                     (one sort)                         (one request)        (as the graph allows)
//! ```
//!
//! Receipts, cells and fees are the same, bit for bit, on any number of threads.
//!
//! - A transaction from L2 that does not apply is rejected, with the reason, and the others go on.
//! - One from L1 always applies if the L1 contract queued it, so one that does not makes the batch an error.
//! - Fees are the operator's when all have run, and not before: so what applies does not depend on where the batch is
//!   cut into chunks. The operator has to be an open user account before the batch, because the first chunk may pay.

mod fees;
mod graph;
mod schedule;
mod signatures;
mod statistics;

use std::time::{Duration, Instant};

use sheaf_circuits::account::{Cell, CellKey};
use sheaf_circuits::amount::Quanta;
use sheaf_circuits::context::{Context, ContextError};
use sheaf_circuits::transaction::{Kind, Published, Rejection, Transaction};
use thiserror::Error;

use crate::state::StateRead;

pub use self::fees::{credit, total, OperatorError};
pub use self::graph::{ConflictGraph, MAX_ACCESSES};
pub use self::statistics::{Conflicts, HOTTEST_CELLS};

/// Whether execution checks signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureChecks {
    /// Reject transactions whose signature does not verify.
    Verify,
    /// Take every signature for valid: to measure, or because they were verified before.
    Skip,
}

/// What became of one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// It applied. What it published; nothing for `Noop`.
    Applied(Option<Published>),
    /// It changed nothing.
    Rejected(Rejection),
}

/// A transaction that applied and is to be proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Where it stood in the batch.
    pub position: usize,
    /// The transaction.
    pub transaction: Transaction,
    /// What it publishes.
    pub record: Published,
}

/// What executing a batch gave.
#[derive(Clone, Debug)]
pub struct Execution {
    /// One for each transaction, in batch order.
    pub receipts: Vec<Receipt>,
    /// The cells that differ from before, by ascending key; the operator is paid.
    pub cells: Vec<(CellKey, Cell)>,
    /// What the operator was paid.
    pub fees: Quanta,
    /// How the transactions conflicted.
    pub conflicts: Conflicts,
    /// Where the time went.
    pub timings: Timings,
}

impl Execution {
    /// The transactions that applied, in batch order, without those that do nothing. `transactions` is the batch that
    /// was executed.
    pub fn applied(&self, transactions: &[Transaction]) -> Vec<Applied> {
        let records = self.receipts.iter().map(|receipt| match receipt {
            Receipt::Applied(record) => record.clone(),
            Receipt::Rejected(_) => None,
        });
        let pairs = transactions.iter().zip(records).enumerate();
        pairs
            .filter_map(|(position, (transaction, record))| {
                Some(Applied { position, transaction: transaction.clone(), record: record? })
            })
            .collect()
    }
}

/// How long the parts of an execution took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    /// Checking signatures; the conflict graph is built and cells are read meanwhile.
    pub signatures: Duration,
    /// Building the conflict graph.
    pub graph: Duration,
    /// Reading cells.
    pub read: Duration,
    /// Running the transactions.
    pub run: Duration,
}

/// Why a batch cannot be executed.
#[derive(Debug, Error)]
pub enum ExecuteError<E: std::error::Error> {
    /// The context is out of range.
    #[error(transparent)]
    Context(#[from] ContextError),
    /// Too many transactions.
    #[error("{transactions} transactions are too many for one batch, which can access cells {MAX_ACCESSES} times")]
    TooLarge {
        /// Transactions found.
        transactions: usize,
    },
    /// The operator cannot be paid.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// An operation from L1 does not apply: it is not what the L1 contract queued, or the state is not the one that the
    /// contract knows.
    #[error("{kind:?} at position {position} comes from L1 and must apply, but {rejection}")]
    L1Operation {
        /// Where it stands in the batch, counted from 0.
        position: usize,
        /// Its kind.
        kind: Kind,
        /// Why it does not apply.
        rejection: Rejection,
    },
    /// The state could not be read.
    #[error("reading the state: {0}")]
    Read(E),
}

/// Executes `transactions` on `state`, on the threads of the current rayon pool.
pub fn execute<S: StateRead>(
    context: &Context,
    transactions: &[Transaction],
    state: &S,
    checks: SignatureChecks,
) -> Result<Execution, ExecuteError<S::Error>> {
    context.check()?;
    let ((refused, signatures), prepared) =
        rayon::join(|| timed(|| check_signatures(context, transactions, checks)), || prepare(transactions, state));
    let Prepared { graph, before, mut timings } = prepared?;
    timings.signatures = signatures;

    let ((verdicts, after), run) = timed(|| schedule::run(context, transactions, &graph, &refused, before.clone()));
    timings.run = run;
    for (position, (transaction, verdict)) in transactions.iter().zip(&verdicts).enumerate() {
        if let (Err(rejection), None) = (verdict, transaction.authorization()) {
            let (kind, rejection) = (transaction.kind(), *rejection);
            return Err(ExecuteError::L1Operation { position, kind, rejection });
        }
    }

    let fees = total(context.operator, verdicts.iter().flatten().map(|outcome| outcome.fee.quanta()))?;
    let mut cells = changed(graph.cells(), &before, &after);
    pay_operator(context, state, &graph, [&before, &after], fees, &mut cells)?;
    let receipt = |verdict: schedule::Verdict| match verdict {
        Ok(outcome) => Receipt::Applied(outcome.record),
        Err(rejection) => Receipt::Rejected(rejection),
    };
    Ok(Execution {
        receipts: verdicts.into_iter().map(receipt).collect(),
        cells,
        fees,
        conflicts: Conflicts::of(&graph),
        timings,
    })
}

/// What is known before anything runs.
struct Prepared {
    graph: ConflictGraph,
    before: Vec<Cell>,
    timings: Timings,
}

fn prepare<S: StateRead>(transactions: &[Transaction], state: &S) -> Result<Prepared, ExecuteError<S::Error>> {
    let (graph, building) = timed(|| ConflictGraph::new(transactions.iter()));
    let graph = graph.ok_or(ExecuteError::TooLarge { transactions: transactions.len() })?;
    let (before, read) = timed(|| state.cells(graph.cells()));
    let timings = Timings { graph: building, read, ..Timings::default() };
    Ok(Prepared { graph, before: before.map_err(ExecuteError::Read)?, timings })
}

fn check_signatures(context: &Context, transactions: &[Transaction], checks: SignatureChecks) -> Vec<bool> {
    match checks {
        SignatureChecks::Verify => signatures::find_bad(transactions, &context.domain),
        SignatureChecks::Skip => vec![false; transactions.len()],
    }
}

fn changed(keys: &[CellKey], before: &[Cell], after: &[Cell]) -> Vec<(CellKey, Cell)> {
    let cells = keys.iter().zip(before).zip(after);
    cells.filter(|((_, before), after)| before != after).map(|((&key, _), &cell)| (key, cell)).collect()
}

/// Credits the operator's header in `cells`. It may be one that transactions touched, or not.
fn pay_operator<S: StateRead>(
    context: &Context,
    state: &S,
    graph: &ConflictGraph,
    [before, after]: [&[Cell]; 2],
    fees: Quanta,
    cells: &mut Vec<(CellKey, Cell)>,
) -> Result<(), ExecuteError<S::Error>> {
    let operator = context.operator;
    let key = operator.header_key();
    let (before, after) = match graph.cells().binary_search(&key) {
        Ok(cell) => (before[cell], after[cell]),
        Err(_) => {
            let cell = state.cells(&[key]).map_err(ExecuteError::Read)?[0];
            (cell, cell)
        }
    };
    // Open before the batch, and able to take the fees after it.
    credit(operator, &before, Quanta::ZERO)?;
    let paid = credit(operator, &after, fees)?;
    let place = cells.binary_search_by_key(&key, |&(key, _)| key);
    match (place, paid == before) {
        (Ok(place), false) => cells[place].1 = paid,
        (Ok(place), true) => drop(cells.remove(place)),
        (Err(place), false) => cells.insert(place, (key, paid)),
        (Err(_), true) => {}
    }
    Ok(())
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}
