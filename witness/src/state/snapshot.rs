//! A state in one file.
//!
//! | bytes | content |
//! | --- | --- |
//! | 8 | `SHEAFSNP` |
//! | 4 | [`FORMAT`] |
//! | 4 | length r of the rollup's JSON |
//! | 8 | number of batches committed since genesis |
//! | 8 | number of cells |
//! | 32 | root |
//! | r | the rollup, as JSON |
//! | … | zstd: for each cell, by ascending key, its key in 5 bytes, big-endian, and its eight elements |
//! | 32 | SHA-256 of all before |
//!
//! Numbers are little-endian unless said otherwise. The digest tells a damaged file before anything is made from it; the
//! root, which restoring computes anew from the cells, is what the content is trusted by.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use sheaf_circuits::account::{Cell, CellKey};
use sheaf_circuits::hash::Digest;
use thiserror::Error;

use super::build::{Builder, CELLS_PER_STEP};
use super::database::{cell_bytes, cell_from_bytes, key_bytes, key_from_bytes, CELL_BYTES, KEY_BYTES};
use super::error::StateError;
use super::store::State;
use crate::genesis::Rollup;

/// The format that this program reads and writes.
const FORMAT: u32 = 1;
const MAGIC: &[u8; 8] = b"SHEAFSNP";
/// Bytes before the rollup.
const HEAD_BYTES: usize = 64;
const DIGEST_BYTES: usize = 32;
/// Bytes of the rollup's JSON, at most: 4096 assets take less than one.
const ROLLUP_BYTES_MAX: u32 = 4 << 20;
/// zstd's own default: higher levels gain little on keys and balances, and nothing on key hashes.
const ZSTD_LEVEL: i32 = 3;

/// What a snapshot says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotHeader {
    /// The root of the state.
    pub root: Digest,
    /// How many batches were committed since genesis.
    pub batches: u64,
    /// How many cells it holds.
    pub cells: u64,
    /// The rollup that it belongs to.
    pub rollup: Rollup,
}

/// Why a snapshot cannot be written or read.
#[derive(Debug, Error)]
pub enum SnapshotError {
    /// The file system refused.
    #[error("cannot {action} the snapshot {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file does not begin like a snapshot.
    #[error("{path} is not a snapshot of a state")]
    NotASnapshot {
        /// The file.
        path: PathBuf,
    },
    /// The snapshot was written in another format.
    #[error("snapshot {path} has format {got}, this program reads {FORMAT}")]
    Format {
        /// The file.
        path: PathBuf,
        /// The format found.
        got: u32,
    },
    /// The file was changed or cut off since it was written.
    #[error("snapshot {path} is damaged: {what}; get another copy")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The state cannot be read or made.
    #[error(transparent)]
    State(#[from] StateError),
}

impl SnapshotHeader {
    /// Reads what the snapshot at `path` says about itself, and nothing else: damage further on is not noticed.
    pub fn read(path: &Path) -> Result<Self, SnapshotError> {
        Self::read_from(&mut open(path)?, path)
    }

    fn to_bytes(&self) -> Vec<u8> {
        let rollup = serde_json::to_vec(&self.rollup).expect("a rollup has a JSON form");
        let rollup_len = u32::try_from(rollup.len()).expect("4096 assets take less than 4 MiB");
        let mut bytes = Vec::with_capacity(HEAD_BYTES + rollup.len());
        bytes.extend(MAGIC);
        bytes.extend(FORMAT.to_le_bytes());
        bytes.extend(rollup_len.to_le_bytes());
        bytes.extend(self.batches.to_le_bytes());
        bytes.extend(self.cells.to_le_bytes());
        bytes.extend(self.root.to_bytes());
        bytes.extend(rollup);
        bytes
    }

    fn read_from(file: &mut impl Read, path: &Path) -> Result<Self, SnapshotError> {
        let damaged = |what: &str| SnapshotError::Damaged { path: path.into(), what: what.into() };
        let magic: [u8; 8] = take(file, path)?;
        if magic != *MAGIC {
            return Err(SnapshotError::NotASnapshot { path: path.into() });
        }
        match u32::from_le_bytes(take(file, path)?) {
            FORMAT => {}
            got => return Err(SnapshotError::Format { path: path.into(), got }),
        }
        let rollup_len = u32::from_le_bytes(take(file, path)?);
        let batches = u64::from_le_bytes(take(file, path)?);
        let cells = u64::from_le_bytes(take(file, path)?);
        let root = Digest::from_bytes(&take(file, path)?).map_err(|_| damaged("its root is not a digest"))?;
        if rollup_len > ROLLUP_BYTES_MAX {
            return Err(damaged("its header has an impossible length"));
        }
        let mut json = vec![0; rollup_len as usize];
        file.read_exact(&mut json).map_err(|error| read_error(error, path))?;
        let rollup = serde_json::from_slice(&json).map_err(|_| damaged("its rollup does not parse"))?;
        Ok(Self { root, batches, cells, rollup })
    }
}

impl State {
    /// Writes the state at its latest root to `file`, replacing what is there once all is written. Commits can go on
    /// meanwhile.
    pub fn snapshot(&self, file: &Path) -> Result<SnapshotHeader, SnapshotError> {
        let (head, view) = self.latest();
        // Counted first, because the header is written first: it is the same view both times.
        let mut cells = 0;
        for cell in view.iter() {
            cell?;
            cells += 1;
        }
        let header = SnapshotHeader { root: head.root, batches: head.batches, cells, rollup: self.rollup().clone() };
        let mut name = file.file_name().unwrap_or_default().to_owned();
        name.push(".partial");
        let partial = file.with_file_name(name);
        let io = |action, path: &Path, source| SnapshotError::Io { action, path: path.into(), source };
        let target = File::create(&partial).map_err(|source| io("create", &partial, source))?;
        write(target, &header, view.iter(), &partial)?;
        std::fs::rename(&partial, file).map_err(|source| io("create", file, source))?;
        Ok(header)
    }

    /// Makes a state at `place` from the snapshot `file`. Every node is computed anew, and the root must be the one
    /// that the snapshot names. Nothing may be at `place`, or an empty directory. On an error nothing is left there.
    pub fn restore(file: &Path, place: &Path) -> Result<Self, SnapshotError> {
        let length = check_digest(file)?;
        let mut content = open(file)?.take(length);
        let header = SnapshotHeader::read_from(&mut content, file)?;
        let mut builder = Builder::new(place)?;
        match add_cells(&mut builder, content, &header, file) {
            Ok(()) => Ok(Self::with(builder.finish(header.batches, &header.rollup)?)?),
            Err(error) => {
                builder.abandon()?;
                Err(error)
            }
        }
    }
}

/// Writes header, cells and digest, and sees that they are on disk.
fn write(
    file: File,
    header: &SnapshotHeader,
    cells: impl Iterator<Item = Result<(CellKey, Cell), StateError>>,
    path: &Path,
) -> Result<(), SnapshotError> {
    let io = |source| SnapshotError::Io { action: "write", path: path.into(), source };
    let mut hashing = Hashing { inner: BufWriter::new(file), sha256: Sha256::new() };
    hashing.write_all(&header.to_bytes()).map_err(io)?;
    let mut encoder = zstd::Encoder::new(hashing, ZSTD_LEVEL).map_err(io)?;
    for cell in cells {
        let (key, cell) = cell?;
        encoder.write_all(&key_bytes(key)).and_then(|()| encoder.write_all(&cell_bytes(&cell))).map_err(io)?;
    }
    let Hashing { mut inner, sha256 } = encoder.finish().map_err(io)?;
    inner.write_all(&sha256.finalize()).map_err(io)?;
    inner.into_inner().map_err(|error| io(error.into_error()))?.sync_all().map_err(io)
}

/// Compares the digest at the end of the file; returns the length of what is before it.
fn check_digest(path: &Path) -> Result<u64, SnapshotError> {
    let io = |source| SnapshotError::Io { action: "read", path: path.into(), source };
    let mut file = open(path)?;
    // What is no snapshot at all, or of another format, is told so before its digest is missed.
    SnapshotHeader::read_from(&mut file, path)?;
    let end = file.seek(SeekFrom::End(0)).map_err(io)?;
    let length = end.saturating_sub(DIGEST_BYTES as u64);
    file.rewind().map_err(io)?;
    let mut hashing = Hashing { inner: io::sink(), sha256: Sha256::new() };
    io::copy(&mut Read::by_ref(&mut file).take(length), &mut hashing).map_err(io)?;
    let digest: [u8; DIGEST_BYTES] = take(&mut file, path)?;
    match hashing.sha256.finalize()[..] == digest {
        true => Ok(length),
        false => {
            Err(SnapshotError::Damaged { path: path.into(), what: "its content does not have its SHA-256".into() })
        }
    }
}

/// Adds the cells that follow the header, and compares their number, their order and their root.
fn add_cells(
    builder: &mut Builder,
    content: impl io::BufRead,
    header: &SnapshotHeader,
    path: &Path,
) -> Result<(), SnapshotError> {
    let damaged = |what: String| SnapshotError::Damaged { path: path.into(), what };
    let mut decoder = zstd::Decoder::with_buffer(content).map_err(|source| SnapshotError::Io {
        action: "decompress",
        path: path.into(),
        source,
    })?;
    let (mut step, mut last) = (Vec::new(), None);
    for position in 0..header.cells {
        let key: [u8; KEY_BYTES] = take(&mut decoder, path)?;
        let cell: [u8; CELL_BYTES] = take(&mut decoder, path)?;
        let entry = key_from_bytes(&key).filter(|key| last < Some(*key)).zip(cell_from_bytes(&cell));
        let (key, cell) =
            entry.ok_or_else(|| damaged(format!("cell {position} is out of order or has not its form")))?;
        last = Some(key);
        step.push((key, cell));
        if step.len() == CELLS_PER_STEP {
            builder.add(std::mem::take(&mut step))?;
        }
    }
    builder.add(step)?;
    if !matches!(decoder.read(&mut [0]), Ok(0)) {
        return Err(damaged(format!("there is more after its {} cells", header.cells)));
    }
    match builder.root() {
        root if root == header.root => Ok(()),
        root => Err(damaged(format!("its cells have root {root}, its header names {}", header.root))),
    }
}

fn open(path: &Path) -> Result<BufReader<File>, SnapshotError> {
    File::open(path).map(BufReader::new).map_err(|source| SnapshotError::Io {
        action: "open",
        path: path.into(),
        source,
    })
}

fn take<const N: usize>(file: &mut impl Read, path: &Path) -> Result<[u8; N], SnapshotError> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes).map(|()| bytes).map_err(|error| read_error(error, path))
}

fn read_error(source: io::Error, path: &Path) -> SnapshotError {
    let path = path.into();
    match source.kind() {
        io::ErrorKind::UnexpectedEof => SnapshotError::Damaged { path, what: "it is cut off".into() },
        // What zstd does not understand.
        io::ErrorKind::Other | io::ErrorKind::InvalidData => SnapshotError::Damaged { path, what: source.to_string() },
        _ => SnapshotError::Io { action: "read", path, source },
    }
}

/// Passes bytes on and hashes them.
struct Hashing<W> {
    inner: W,
    sha256: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.sha256.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
