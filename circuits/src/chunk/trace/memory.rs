//! The cells of a chunk while it is executed, with the times that the circuit's memory needs.

use std::collections::HashMap;

use plonky2::field::types::Field;

use super::{Access, CellTrace, ChunkError};
use crate::account::{Cell, CellKey};
use crate::chunk::ChunkInput;
use crate::hash::{Digest, F};
use crate::transaction::CellMemory;

struct Entry {
    initial: Digest,
    cell: Cell,
    time: u64,
}

/// The opened cells of a chunk.
pub struct TraceMemory {
    entries: HashMap<CellKey, Entry>,
}

impl TraceMemory {
    /// The cells that `input` opens, each once.
    pub fn open(input: &ChunkInput) -> Result<Self, ChunkError> {
        let headers = input.headers.iter().map(|opening| (opening.account.header_key(), opening.cell));
        let slots = input.slots.iter().flat_map(|opening| {
            let header = opening.header.map(|cell| (opening.key.account().header_key(), cell));
            let slot = (!opening.key.is_header()).then_some((opening.key, opening.cell));
            header.into_iter().chain(slot)
        });
        let mut entries = HashMap::new();
        for (key, cell) in headers.chain(slots) {
            if entries.insert(key, Entry { initial: cell.digest(), cell, time: 0 }).is_some() {
                return Err(ChunkError::OpenedTwice { key: key.get() });
            }
        }
        Ok(Self { entries })
    }

    /// What an access at `now` finds; the cell then counts as written at `now`.
    pub fn access(&mut self, key: CellKey, now: u64) -> Result<Access, ChunkError> {
        let entry = self.entries.get_mut(&key).ok_or(ChunkError::NotOpened { key: key.get(), now })?;
        let time = std::mem::replace(&mut entry.time, now);
        Ok(Access { cell: entry.cell, time: F::from_canonical_u64(time) })
    }

    /// Sets a cell that was accessed.
    pub fn set(&mut self, key: CellKey, cell: Cell) {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.cell = cell;
        }
    }

    /// A cell from the start of the chunk to its end.
    ///
    /// # Panics
    ///
    /// For a cell that is not opened.
    pub fn trace(&self, key: CellKey) -> CellTrace {
        let entry = &self.entries[&key];
        CellTrace { initial: entry.initial, last: entry.cell.digest(), time: F::from_canonical_u64(entry.time) }
    }
}

impl CellMemory for TraceMemory {
    fn read(&mut self, key: CellKey) -> Cell {
        // Every cell of the transaction was accessed before it is executed, so it is here.
        self.entries.get(&key).map_or(Cell::ABSENT, |entry| entry.cell)
    }

    fn write(&mut self, key: CellKey, cell: Cell) {
        self.set(key, cell);
    }
}
