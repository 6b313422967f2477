//! How a state lies in RocksDB.
//!
//! | column family | key | value |
//! | --- | --- | --- |
//! | `cells` | cell key, 5 bytes, big-endian | eight elements, 8 bytes each, little-endian; absent cells are not stored |
//! | `nodes` | band, 1 byte; index of the page in it, 4 bytes, big-endian | a page, see [`super::page`] |
//! | `meta` | `format` | [`FORMAT`], 4 bytes, little-endian |
//! | | `head` | number of batches, 8 bytes, little-endian; root, 32 bytes |
//! | | `rollup` | [`Rollup`] as JSON |
//!
//! A commit is one write batch: cells, pages and head change together or not at all, and are on disk when it returns.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DBCompressionType, DBPinnableSlice, DBRecoveryMode,
    Options, ReadOptions, Snapshot, WriteBatch, WriteOptions, DB,
};
use sheaf_circuits::account::{Cell, CellKey, ACCOUNT_BITS, CELL_LEN, EMPTY_ACCOUNTS};
use sheaf_circuits::hash::{canonical_element, Digest};

use super::band::Band;
use super::error::StateError;
use super::page::Page;
use super::read::StateUpdate;
use super::tree::PageSource;
use crate::genesis::Rollup;

/// The layout that this program reads and writes.
pub(super) const FORMAT: u32 = 1;
/// Bytes of a stored cell.
pub(super) const CELL_BYTES: usize = 8 * CELL_LEN;
/// Bytes of a stored cell key.
pub(super) const KEY_BYTES: usize = 5;

const CELLS: &str = "cells";
const NODES: &str = "nodes";
const META: &str = "meta";
const META_FORMAT: &[u8] = b"format";
const META_HEAD: &[u8] = b"head";
const META_ROLLUP: &[u8] = b"rollup";

/// Memory for blocks read from disk: the pages near the root and what a batch or two touch.
const CACHE_BYTES: usize = 256 << 20;
/// Bits of bloom filter for a key: one in a hundred look-ups of what is not there reads a block.
const BLOOM_BITS: f64 = 10.0;
/// Cells that are read together.
const CELLS_PER_READ: usize = 512;

/// What the state is at: how many batches were committed since genesis, and the root after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub batches: u64,
    pub root: Digest,
}

impl Head {
    /// The head of a state without cells.
    pub fn empty() -> Self {
        Self { batches: 0, root: EMPTY_ACCOUNTS[ACCOUNT_BITS] }
    }
}

/// An open database. Nobody else has it open.
pub(super) struct Database {
    db: DB,
    path: PathBuf,
}

impl Database {
    /// Opens the state at `path`.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        check_is_state(path)?;
        let database = Self::open_with(path, &options())?;
        let got = database.meta(META_FORMAT)?.and_then(|bytes| <[u8; 4]>::try_from(&bytes[..]).ok());
        match got.map(u32::from_le_bytes) {
            Some(FORMAT) => Ok(database),
            Some(got) => Err(StateError::Format { path: path.into(), expected: FORMAT, got }),
            None => Err(StateError::Foreign { path: path.into(), found: "a database that names no format".into() }),
        }
    }

    /// Creates an empty database at `path`, which must not exist. It has no head until one is written.
    pub fn create(path: &Path) -> Result<Self, StateError> {
        let mut options = options();
        options.create_if_missing(true);
        options.create_missing_column_families(true);
        options.set_error_if_exists(true);
        let database = Self::open_with(path, &options)?;
        let mut batch = WriteBatch::default();
        batch.put_cf(database.family(META), META_FORMAT, FORMAT.to_le_bytes());
        database.write(batch, false)?;
        Ok(database)
    }

    /// Removes a database that was not finished, unless somebody is at work on it.
    pub fn remove_unfinished(path: &Path) -> Result<(), StateError> {
        if path.join("CURRENT").exists() {
            DB::destroy(&options(), path).map_err(|source| Self::error_at(path, source))?;
        }
        match std::fs::remove_dir_all(path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(StateError::Io { action: "remove", path: path.into(), source })
            }
            _ => Ok(()),
        }
    }

    fn open_with(path: &Path, options: &Options) -> Result<Self, StateError> {
        let cache = Cache::new_lru_cache(CACHE_BYTES);
        let families = [
            // Cells are mostly zeros; digests are not compressible.
            ColumnFamilyDescriptor::new(CELLS, family_options(&cache, DBCompressionType::Lz4)),
            ColumnFamilyDescriptor::new(NODES, family_options(&cache, DBCompressionType::None)),
            ColumnFamilyDescriptor::new(META, Options::default()),
        ];
        DB::open_cf_descriptors(options, path, families)
            .map(|db| Self { db, path: path.into() })
            .map_err(|source| Self::error_at(path, source))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The head as stored, checked against the tree.
    pub fn head(&self) -> Result<Head, StateError> {
        let bytes = self.meta(META_HEAD)?.ok_or_else(|| self.damaged("it has no head"))?;
        let (batches, root) = bytes.split_first_chunk().ok_or_else(|| self.damaged("its head is cut off"))?;
        let root = root.try_into().ok().and_then(|root| Digest::from_bytes(root).ok());
        let root = root.ok_or_else(|| self.damaged("its root is not a digest"))?;
        if self.view().load(Band::TOP, &[0])?[0].root() != root {
            return Err(self.damaged("its root is not the tree's"));
        }
        Ok(Head { batches: u64::from_le_bytes(*batches), root })
    }

    /// The rollup that the state belongs to.
    pub fn rollup(&self) -> Result<Rollup, StateError> {
        let json = self.meta(META_ROLLUP)?.ok_or_else(|| self.damaged("it names no rollup"))?;
        serde_json::from_slice(&json).map_err(|error| self.damaged(format!("its rollup does not parse: {error}")))
    }

    /// Writes `update` and, if given, the head after it. With a head, all is on disk when this returns.
    pub fn apply(&self, update: &StateUpdate, head: Option<Head>) -> Result<(), StateError> {
        let mut batch = WriteBatch::default();
        let (cells, nodes) = (self.family(CELLS), self.family(NODES));
        for (key, cell) in &update.cells {
            match cell.is_absent() {
                true => batch.delete_cf(cells, key_bytes(*key)),
                false => batch.put_cf(cells, key_bytes(*key), cell_bytes(cell)),
            }
        }
        for (band, index, page) in &update.tree.pages {
            match page {
                Some(page) => batch.put_cf(nodes, page_key(*band, *index), page),
                None => batch.delete_cf(nodes, page_key(*band, *index)),
            }
        }
        if let Some(head) = head {
            put_head(&mut batch, self.family(META), head);
        }
        self.write(batch, head.is_some())
    }

    /// Writes the head and the rollup of a new state, and sees that all of it is on disk.
    pub fn finish(&self, head: Head, rollup: &Rollup) -> Result<(), StateError> {
        let mut batch = WriteBatch::default();
        put_head(&mut batch, self.family(META), head);
        batch.put_cf(self.family(META), META_ROLLUP, serde_json::to_vec(rollup).expect("a rollup has a JSON form"));
        self.write(batch, true)
    }

    /// What is stored now; later writes do not change it.
    pub fn view(&self) -> View<'_> {
        View { database: self, snapshot: self.db.snapshot() }
    }

    fn write(&self, batch: WriteBatch, sync: bool) -> Result<(), StateError> {
        let mut options = WriteOptions::default();
        options.set_sync(sync);
        self.db.write_opt(batch, &options).map_err(|source| self.error(source))
    }

    fn meta(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        self.db.get_cf(self.family(META), key).map_err(|source| self.error(source))
    }

    fn family(&self, name: &str) -> &ColumnFamily {
        self.db.cf_handle(name).expect("opened with all column families")
    }

    fn damaged(&self, what: impl Into<String>) -> StateError {
        StateError::Damaged { path: self.path.clone(), what: what.into() }
    }

    fn error(&self, source: rocksdb::Error) -> StateError {
        Self::error_at(&self.path, source)
    }

    fn error_at(path: &Path, source: rocksdb::Error) -> StateError {
        // RocksDB has no kind for this: it names the lock file, and it fails on that for no other reason.
        match source.to_string().contains("/LOCK:") {
            true => StateError::InUse { path: path.into() },
            false => StateError::Database { path: path.into(), source },
        }
    }
}

/// What was stored at one moment.
pub(super) struct View<'a> {
    database: &'a Database,
    snapshot: Snapshot<'a>,
}

impl View<'_> {
    /// The cells at `keys`, in their order.
    pub fn cells(&self, keys: &[CellKey]) -> Result<Vec<Cell>, StateError> {
        let runs: Vec<_> = keys.par_chunks(CELLS_PER_READ).map(|run| self.read_cells(run)).collect::<Result<_, _>>()?;
        Ok(runs.concat())
    }

    /// All cells, by ascending key.
    pub fn iter(&self) -> impl Iterator<Item = Result<(CellKey, Cell), StateError>> + '_ {
        let cells = self.database.family(CELLS);
        self.snapshot.iterator_cf(cells, rocksdb::IteratorMode::Start).map(|entry| {
            let (key, bytes) = entry.map_err(|source| self.database.error(source))?;
            let key = key_from_bytes(&key).ok_or_else(|| self.database.damaged("a cell's key is out of range"))?;
            Ok((key, self.decode_cell(key, &bytes)?))
        })
    }

    fn read_cells(&self, keys: &[CellKey]) -> Result<Vec<Cell>, StateError> {
        let bytes: Vec<_> = keys.iter().map(|key| key_bytes(*key)).collect();
        self.get(CELLS, &bytes, keys.is_sorted())?
            .into_iter()
            .zip(keys)
            .map(|(bytes, key)| bytes.map_or(Ok(Cell::ABSENT), |bytes| self.decode_cell(*key, &bytes)))
            .collect()
    }

    fn decode_cell(&self, key: CellKey, bytes: &[u8]) -> Result<Cell, StateError> {
        cell_from_bytes(bytes)
            .ok_or_else(|| self.database.damaged(format!("cell {} does not have its form", key.get())))
    }

    fn get<K: AsRef<[u8]>>(
        &self,
        family: &str,
        keys: &[K],
        ascending: bool,
    ) -> Result<Vec<Option<DBPinnableSlice<'_>>>, StateError> {
        let mut options = ReadOptions::default();
        options.set_snapshot(&self.snapshot);
        self.database
            .db
            .batched_multi_get_cf_opt(self.database.family(family), keys, ascending, &options)
            .into_iter()
            .map(|value| value.map_err(|source| self.database.error(source)))
            .collect()
    }
}

impl PageSource for View<'_> {
    type Error = StateError;

    fn load(&self, band: Band, indices: &[u64]) -> Result<Vec<Page>, StateError> {
        let keys: Vec<_> = indices.iter().map(|index| page_key(band, *index)).collect();
        let decode = |(bytes, index): (Option<DBPinnableSlice<'_>>, &u64)| match bytes {
            None => Ok(Page::empty(band)),
            Some(bytes) => Page::decode(band, &bytes)
                .map_err(|error| self.database.damaged(format!("page {index} of band {}: {error}", band.number()))),
        };
        self.get(NODES, &keys, true)?.into_iter().zip(indices).map(decode).collect()
    }
}

/// Tells what else may be at `path` apart from a state, before RocksDB makes a directory there or complains in its words.
fn check_is_state(path: &Path) -> Result<(), StateError> {
    let foreign = |found: &str| StateError::Foreign { path: path.into(), found: found.into() };
    let mut entries = match std::fs::read_dir(path) {
        Err(source) => {
            return Err(match source.kind() {
                std::io::ErrorKind::NotFound => StateError::Missing { path: path.into() },
                std::io::ErrorKind::NotADirectory => foreign("a file"),
                _ => StateError::Io { action: "read", path: path.into(), source },
            })
        }
        Ok(entries) => entries,
    };
    if entries.next().is_none() {
        return Err(StateError::Missing { path: path.into() });
    }
    if !path.join("CURRENT").exists() {
        return Err(foreign("a directory that holds no database"));
    }
    let mut families = DB::list_cf(&Options::default(), path)
        .map_err(|error| foreign(&format!("a database that does not open: {error}")))?;
    families.sort();
    match families == [CELLS, "default", META, NODES] {
        true => Ok(()),
        false => Err(foreign(&format!("a database with column families {}", families.join(", ")))),
    }
}

fn options() -> Options {
    let mut options = Options::default();
    options.set_keep_log_file_num(2);
    // A crash leaves at most the last record half written. Anything else is damage, and not a reason to go back in time.
    options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    options
}

fn family_options(cache: &Cache, compression: DBCompressionType) -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_bloom_filter(BLOOM_BITS, false);
    let mut options = Options::default();
    options.set_block_based_table_factory(&table);
    options.set_compression_type(compression);
    options
}

fn put_head(batch: &mut WriteBatch, meta: &ColumnFamily, head: Head) {
    batch.put_cf(meta, META_HEAD, [&head.batches.to_le_bytes()[..], &head.root.to_bytes()].concat());
}

fn page_key(band: Band, index: u64) -> [u8; 5] {
    let index = u32::try_from(index).expect("a band has at most 2^30 pages");
    let [a, b, c, d] = index.to_be_bytes();
    [band.number(), a, b, c, d]
}

/// A cell's key as it is stored: big-endian, so that the order of bytes is the order of keys.
pub(super) fn key_bytes(key: CellKey) -> [u8; KEY_BYTES] {
    let bytes = key.get().to_be_bytes();
    bytes[8 - KEY_BYTES..].try_into().expect("the last five of eight")
}

/// Reads what [`key_bytes`] wrote.
pub(super) fn key_from_bytes(bytes: &[u8]) -> Option<CellKey> {
    let bytes: [u8; KEY_BYTES] = bytes.try_into().ok()?;
    CellKey::new(bytes.iter().fold(0, |key, byte| key << 8 | u64::from(*byte)))
}

/// A cell as it is stored.
pub(super) fn cell_bytes(cell: &Cell) -> [u8; CELL_BYTES] {
    use plonky2::field::types::PrimeField64;
    let mut bytes = [0; CELL_BYTES];
    for (chunk, element) in bytes.chunks_exact_mut(8).zip(cell.0) {
        chunk.copy_from_slice(&element.to_canonical_u64().to_le_bytes());
    }
    bytes
}

/// Reads what [`cell_bytes`] wrote. Refuses elements that are not canonical, and the absent cell, which is not stored.
pub(super) fn cell_from_bytes(bytes: &[u8]) -> Option<Cell> {
    let bytes: &[u8; CELL_BYTES] = bytes.try_into().ok()?;
    let mut cell = Cell::ABSENT;
    for (chunk, element) in bytes.chunks_exact(8).zip(&mut cell.0) {
        *element = canonical_element(u64::from_le_bytes(chunk.try_into().expect("chunks of eight")))?;
    }
    (!cell.is_absent()).then_some(cell)
}
