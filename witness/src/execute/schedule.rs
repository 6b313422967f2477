//! Running transactions: in order, or as many at once as do not conflict.
//!
//! In parallel, every transaction counts down the links that it waits for. Whoever runs the last of them runs the
//! transaction next: so nothing is queued, and no one waits. A worker that has more to run than it can do soon gives
//! half away. Each cell sees its accesses in batch order, whatever the threads do, so the result is that of running
//! in order, bit for bit.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use rayon::Scope;
use sheaf_circuits::account::{Cell, CellKey};
use sheaf_circuits::context::Context;
use sheaf_circuits::transaction::{execute, CellMemory, Outcome, Rejection, Transaction};

use super::graph::ConflictGraph;

/// What became of a transaction.
pub(super) type Verdict = Result<Outcome, Rejection>;

/// Below this many transactions threads cost more than they save.
const MIN_PARALLEL: usize = 256;
/// Transactions that make a task of their own: about 50 µs of work, against about 1 µs to hand it over.
const GRAIN: usize = 32;

/// Runs what `refused` does not name, on the threads of the current rayon pool. `cells` are those of `graph`, before
/// and after.
pub(super) fn run(
    context: &Context,
    transactions: &[Transaction],
    graph: &ConflictGraph,
    refused: &[bool],
    cells: Vec<Cell>,
) -> (Vec<Verdict>, Vec<Cell>) {
    if rayon::current_num_threads() == 1 || transactions.len() < MIN_PARALLEL {
        run_in_order(context, transactions, graph, refused, cells)
    } else {
        run_in_parallel(context, transactions, graph, refused, cells)
    }
}

fn run_in_order(
    context: &Context,
    transactions: &[Transaction],
    graph: &ConflictGraph,
    refused: &[bool],
    mut cells: Vec<Cell>,
) -> (Vec<Verdict>, Vec<Cell>) {
    let run = |(index, transaction)| {
        if refused[index] {
            return Err(Rejection::BadSignature);
        }
        execute(transaction, context, &mut Owned { view: View { graph, transaction: index }, cells: &mut cells })
    };
    let verdicts = transactions.iter().enumerate().map(run).collect();
    (verdicts, cells)
}

fn run_in_parallel(
    context: &Context,
    transactions: &[Transaction],
    graph: &ConflictGraph,
    refused: &[bool],
    cells: Vec<Cell>,
) -> (Vec<Verdict>, Vec<Cell>) {
    let parallel = Parallel {
        context,
        transactions,
        graph,
        refused,
        waits: (0..graph.len()).map(|it| AtomicU32::new(graph.waits(it))).collect(),
        cells: cells.into_iter().map(Mutex::new).collect(),
        verdicts: transactions.iter().map(|_| OnceLock::new()).collect(),
    };
    let ready: Vec<usize> = (0..graph.len()).filter(|&it| graph.waits(it) == 0).collect();
    rayon::scope(|scope| {
        for task in ready.chunks(GRAIN) {
            let parallel = &parallel;
            scope.spawn(move |scope| parallel.work(task.to_vec(), scope));
        }
    });
    let verdict = |it: OnceLock<Verdict>| it.into_inner().expect("the graph has no cycles, so everything ran");
    let cell = |it: Mutex<Cell>| it.into_inner().unwrap_or_else(PoisonError::into_inner);
    (parallel.verdicts.into_iter().map(verdict).collect(), parallel.cells.into_iter().map(cell).collect())
}

/// What the threads share. No lock is ever contended: the graph lets one transaction at a time to a cell.
struct Parallel<'a> {
    context: &'a Context,
    transactions: &'a [Transaction],
    graph: &'a ConflictGraph,
    refused: &'a [bool],
    waits: Vec<AtomicU32>,
    cells: Vec<Mutex<Cell>>,
    verdicts: Vec<OnceLock<Verdict>>,
}

impl<'a> Parallel<'a> {
    /// Runs the `ready` transactions and whatever becomes ready through them.
    fn work<'s>(&'s self, mut ready: Vec<usize>, scope: &Scope<'s>) {
        while let Some(index) = ready.pop() {
            let verdict = match self.refused[index] {
                true => Err(Rejection::BadSignature),
                false => {
                    let mut cells = Shared { view: self.view(index), cells: &self.cells };
                    execute(&self.transactions[index], self.context, &mut cells)
                }
            };
            self.verdicts[index].set(verdict).expect("a transaction becomes ready once");
            for next in self.graph.successors(index) {
                // Release what this transaction wrote; the last to count down acquires what all others wrote.
                if self.waits[next].fetch_sub(1, Ordering::AcqRel) == 1 {
                    ready.push(next);
                }
            }
            if ready.len() >= 2 * GRAIN {
                let given = ready.split_off(GRAIN);
                scope.spawn(move |scope| self.work(given, scope));
            }
        }
    }

    fn view(&self, transaction: usize) -> View<'a> {
        View { graph: self.graph, transaction }
    }
}

/// Finds the cells of one transaction.
struct View<'a> {
    graph: &'a ConflictGraph,
    transaction: usize,
}

impl View<'_> {
    fn cell(&self, key: CellKey) -> usize {
        let touched = self.graph.touched(self.transaction).iter().map(|&cell| cell as usize);
        touched.into_iter().find(|&cell| self.graph.cells()[cell] == key).expect("`cells` names all that are accessed")
    }
}

struct Owned<'a> {
    view: View<'a>,
    cells: &'a mut [Cell],
}

impl CellMemory for Owned<'_> {
    fn read(&mut self, key: CellKey) -> Cell {
        self.cells[self.view.cell(key)]
    }

    fn write(&mut self, key: CellKey, cell: Cell) {
        self.cells[self.view.cell(key)] = cell;
    }
}

struct Shared<'a> {
    view: View<'a>,
    cells: &'a [Mutex<Cell>],
}

impl Shared<'_> {
    fn lock(&self, key: CellKey) -> std::sync::MutexGuard<'_, Cell> {
        // A cell is replaced as a whole, so a panic elsewhere cannot leave it half written.
        self.cells[self.view.cell(key)].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CellMemory for Shared<'_> {
    fn read(&mut self, key: CellKey) -> Cell {
        *self.lock(key)
    }

    fn write(&mut self, key: CellKey, cell: Cell) {
        *self.lock(key) = cell;
    }
}
