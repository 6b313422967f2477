//! The trace of a chunk: every value that its circuit's prover picks, from executing the chunk natively.
//!
//! The fields are plain values, not checked types, so that a test can write here what no honest prover would.

mod call;
mod error;
mod memory;
mod slot;

use plonky2::field::types::Field;

pub use self::call::CallTrace;
pub use self::error::ChunkError;
use self::memory::TraceMemory;
pub use self::slot::{Access, Flags, SlotTrace};
use super::{ChunkInput, ChunkStart, Shape, SlotClass};
use crate::account::{Cell, CellKey, Header, HeaderPath, SlotPath};
use crate::amount::Quanta;
use crate::availability::{absorb, blocks, evaluate, BlockLayout};
use crate::hash::{Digest, F};
use crate::public_inputs::PublicInputs;
use crate::transaction::{execute, Outcome, Published, Rejection, Stream, Transaction};

/// A cell over the time of a chunk.
#[derive(Clone, Copy, Debug)]
pub struct CellTrace {
    /// Its digest before.
    pub initial: Digest,
    /// Its digest after.
    pub last: Digest,
    /// When it was last written; 0 if it was not.
    pub time: F,
}

/// One row that opens a header.
#[derive(Clone, Debug)]
pub struct HeaderRow {
    /// Whether it opens one: 1 or 0.
    pub enabled: F,
    /// Whose.
    pub account: u32,
    /// The header.
    pub cell: CellTrace,
    /// Its siblings.
    pub path: HeaderPath,
}

/// One row that opens a slot, a header, or both.
#[derive(Clone, Debug)]
pub struct SlotRow {
    /// Whether it opens the slot: 1 or 0.
    pub slot_enabled: F,
    /// Whether it opens the header: 1 or 0.
    pub header_enabled: F,
    /// The slot's key.
    pub key: u64,
    /// The slot.
    pub slot: CellTrace,
    /// The header.
    pub header: CellTrace,
    /// The slot's siblings.
    pub path: SlotPath,
}

/// Every value that the prover of a chunk picks.
#[derive(Clone, Debug)]
pub struct ChunkTrace {
    /// What the proof says.
    pub public_inputs: PublicInputs,
    /// The preimage of the context's digest.
    pub context: Vec<F>,
    /// The transaction slots of the protocol's own kinds.
    pub slots: Vec<SlotTrace>,
    /// The transaction slots of calls.
    pub calls: Vec<CallTrace>,
    /// The operator's header when the fees are credited.
    pub operator: Access,
    /// The rows that open headers.
    pub header_rows: Vec<HeaderRow>,
    /// The rows that open slots.
    pub slot_rows: Vec<SlotRow>,
    /// The keys of all opened cells and the padding of those that are not, sorted.
    pub sorted_keys: Vec<u64>,
}

/// Applies a transaction to the memory.
pub(crate) type Executor<'a> = dyn FnMut(&Transaction, &mut TraceMemory) -> Result<Outcome, Rejection> + 'a;

impl ChunkTrace {
    /// Executes `input` in a chunk of `shape`.
    pub fn new(shape: &Shape, input: &ChunkInput) -> Result<Self, ChunkError> {
        Self::run(shape, input, &mut |transaction, memory| execute(transaction, &input.context, memory))
    }

    /// [`Self::new`] with what executes a transaction: tests bring a prover here who does not follow the rules.
    pub(crate) fn run(shape: &Shape, input: &ChunkInput, executor: &mut Executor<'_>) -> Result<Self, ChunkError> {
        if input.transactions.len() != shape.slot_count() {
            return Err(ChunkError::SlotCount { expected: shape.slot_count(), got: input.transactions.len() });
        }
        input.context.check()?;
        let mut memory = TraceMemory::open(input)?;
        let mut end = input.start;
        let mut fees = 0;
        let (mut slots, mut calls) = (Vec::new(), Vec::new());
        let domain = input.context.domain.digest();
        for (i, (class, transaction)) in shape.slots().zip(&input.transactions).enumerate() {
            if let Transaction::Call(signed) = transaction {
                signed.call.check().map_err(|source| ChunkError::Call { slot: i, source })?;
            }
            if !class.accepts(transaction) {
                return Err(ChunkError::Class { slot: i, class, kind: transaction.kind() });
            }
            let record = match class {
                SlotClass::Calls(form) => {
                    let (slot, record) = CallTrace::new(&mut memory, executor, domain, form, transaction, i)?;
                    calls.push(slot);
                    record
                }
                _ => {
                    let (slot, record) = SlotTrace::new(&mut memory, executor, domain, transaction, i)?;
                    slots.push(slot);
                    record
                }
            };
            publish(&mut end, input, record.as_ref(), class.layout());
            // More than 2^64 does not fit a balance either.
            fees = u64::saturating_add(fees, transaction.fee().quanta());
        }
        let operator = credit_fees(&mut memory, input, fees, shape.slot_count() as u64 + 1)?;
        let (header_rows, slot_rows) = open_cells(&memory, shape, input, &mut end)?;
        Ok(Self {
            public_inputs: PublicInputs {
                pre_root: input.start.root,
                post_root: end.root,
                da_commit_in: input.start.da_commit,
                da_commit_out: end.da_commit,
                z: input.z,
                l1_in: input.start.l1,
                l1_out: end.l1,
                l2_in: input.start.l2,
                l2_out: end.l2,
                context: input.context.digest(),
                allowed_set: input.allowed_set,
            },
            context: input.context.elements().to_vec(),
            sorted_keys: sorted_keys(&header_rows, &slot_rows),
            slots,
            calls,
            operator,
            header_rows,
            slot_rows,
        })
    }
}

fn publish(end: &mut ChunkStart, input: &ChunkInput, record: Option<&Published>, layout: BlockLayout) {
    end.da_commit = blocks(record, layout).into_iter().fold(end.da_commit, absorb);
    if let Some(record) = record {
        match record.kind().stream() {
            Some(Stream::L1) => end.l1 = evaluate(end.l1, input.z, &record.words()),
            Some(Stream::L2) => end.l2 = evaluate(end.l2, input.z, &record.words()),
            None => {}
        }
    }
}

fn credit_fees(memory: &mut TraceMemory, input: &ChunkInput, fees: u64, now: u64) -> Result<Access, ChunkError> {
    let operator = input.context.operator;
    let key = operator.header_key();
    let access = memory.access(key, now)?;
    let mut header = match Header::from_cell(&access.cell) {
        Ok(Some(header)) if header.kind == crate::account::AccountKind::USER => header,
        _ => return Err(ChunkError::Operator { operator }),
    };
    header.balance = Quanta::new(fees)
        .and_then(|fees| header.balance.checked_add(fees))
        .ok_or(ChunkError::FeesTooLarge { operator, fees })?;
    memory.set(key, header.to_cell());
    Ok(access)
}

/// The rows of both kinds, in the order in which they change the root; checks every path on the way.
fn open_cells(
    memory: &TraceMemory,
    shape: &Shape,
    input: &ChunkInput,
    end: &mut ChunkStart,
) -> Result<(Vec<HeaderRow>, Vec<SlotRow>), ChunkError> {
    let too_many =
        |what, got, room| if got > room { Err(ChunkError::TooManyCells { what, got, room }) } else { Ok(()) };
    too_many("headers", input.headers.len(), shape.header_cells)?;
    too_many("slots", input.slots.len(), shape.slot_cells)?;

    let mut header_rows = Vec::with_capacity(shape.header_cells);
    for opening in &input.headers {
        let key = opening.account.header_key();
        let cell = memory.trace(key);
        move_root(&mut end.root, key, |digest| opening.path.root(opening.account, digest(&cell)))?;
        let path = opening.path.clone();
        header_rows.push(HeaderRow { enabled: F::ONE, account: opening.account.get(), cell, path });
    }
    let mut slot_rows = Vec::with_capacity(shape.slot_cells);
    for opening in &input.slots {
        let slot_enabled = !opening.key.is_header();
        let unchanged = |digest| CellTrace { initial: digest, last: digest, time: F::ZERO };
        let slot = if slot_enabled { memory.trace(opening.key) } else { unchanged(opening.cell.digest()) };
        let header = match opening.header {
            Some(_) => memory.trace(opening.key.account().header_key()),
            None => unchanged(opening.header_digest),
        };
        move_root(&mut end.root, opening.key, |digest| opening.path.root(opening.key, digest(&header), digest(&slot)))?;
        slot_rows.push(SlotRow {
            slot_enabled: F::from_bool(slot_enabled),
            header_enabled: F::from_bool(opening.header.is_some()),
            key: opening.key.get(),
            slot,
            header,
            path: opening.path.clone(),
        });
    }
    pad(&mut header_rows, shape.header_cells, "headers", HeaderRow::unused)?;
    pad(&mut slot_rows, shape.slot_cells, "slots", SlotRow::unused)?;
    Ok((header_rows, slot_rows))
}

/// Checks that the old digests give `root`, and moves it to what the new ones give.
fn move_root(
    root: &mut Digest,
    key: CellKey,
    over: impl Fn(fn(&CellTrace) -> Digest) -> Digest,
) -> Result<(), ChunkError> {
    let got = over(|cell| cell.initial);
    if got != *root {
        return Err(ChunkError::Path { key: key.get(), expected: *root, got });
    }
    *root = over(|cell| cell.last);
    Ok(())
}

/// Fills up with rows that open again, and leave as it is, what the last row opened.
pub(super) fn pad<Row>(
    rows: &mut Vec<Row>,
    room: usize,
    what: &'static str,
    unused: fn(&Row) -> Row,
) -> Result<(), ChunkError> {
    if rows.len() < room {
        let filler = unused(rows.last().ok_or(ChunkError::NothingOpened { what })?);
        let missing = room - rows.len();
        let fillers: Vec<Row> = (0..missing).map(|_| unused(&filler)).collect();
        rows.extend(fillers);
    }
    Ok(())
}

impl CellTrace {
    fn settled(&self) -> Self {
        Self { initial: self.last, last: self.last, time: F::ZERO }
    }
}

impl HeaderRow {
    pub(super) fn unused(&self) -> Self {
        Self { enabled: F::ZERO, cell: self.cell.settled(), ..self.clone() }
    }
}

impl SlotRow {
    pub(super) fn unused(&self) -> Self {
        Self {
            slot_enabled: F::ZERO,
            header_enabled: F::ZERO,
            slot: self.slot.settled(),
            header: self.header.settled(),
            ..self.clone()
        }
    }
}

/// The list that [`super::memory`] asks for: padding counts the cells in the order in which the circuit adds them.
pub(super) fn sorted_keys(header_rows: &[HeaderRow], slot_rows: &[SlotRow]) -> Vec<u64> {
    let headers = header_rows.iter().map(|row| (row.enabled, u64::from(row.account) << crate::account::SLOT_BITS));
    let slots = slot_rows.iter().flat_map(|row| {
        let header_key = row.key >> crate::account::SLOT_BITS << crate::account::SLOT_BITS;
        [(row.header_enabled, header_key), (row.slot_enabled, row.key)]
    });
    let padding = 1u64 << crate::account::KEY_BITS;
    let mut keys: Vec<u64> = headers
        .chain(slots)
        .zip(padding..)
        .map(|((enabled, key), padding)| if enabled.is_one() { key } else { padding })
        .collect();
    keys.sort_unstable();
    keys
}

/// A cell that nothing is known of, for slots that access nothing.
pub(crate) const NO_ACCESS: Access = Access { cell: Cell::ABSENT, time: F::ZERO };
