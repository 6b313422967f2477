//! `sheaf inspect`.

mod batch;
mod l1;
mod proven;
mod stream;
mod submission;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use serde::Serialize;
use sheaf_aggregator::pipeline::bundle;
use sheaf_circuits::hash::Digest;
use sheaf_circuits::transaction::Stream;
use sheaf_verifier_contract::{ExitProof, L1Batch};
use sheaf_witness::genesis::Genesis;
use sheaf_witness::state::SnapshotHeader;

use crate::commands::genesis;
use crate::failure::Advice;
use crate::l1::PlaceArguments;
use crate::numbers::{Bytes, Count};
use crate::printer::Printer;
use crate::{files, Answer};

/// Explain a file in words
///
/// Files are told apart by their first bytes: batches (JSON Lines or binary, plain or zstd-compressed), genesis states,
/// snapshots, proven batches, for L1 too, and exits (which are explained, not verified). Published streams have no first bytes of their own, so --as says which of the two it is.
///
/// 0x and 64 hexadecimal digits name a transaction on L1 that submitted a batch, which is read with --rpc-url and --rollup.
///
/// A batch in JSON Lines begins with a header line, {"batch": {"domain": {"chain_id", "contract"}, "batch_number",
/// "operator", "timestamp_s"}}; then each line is one transaction. What is refused in it is listed with its line.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  sheaf inspect demo/batch.jsonl
  sheaf inspect demo/genesis.json --json
  sheaf inspect l2.bin --as l2-stream
  sheaf inspect 0x5e1f… --rpc-url http://127.0.0.1:8545 --rollup rollup.json

Exit codes:
  0  done
  1  the file is of no known kind, or damaged
  2  wrong usage, or the file cannot be read")]
pub struct Inspect {
    /// The file, or the transaction's hash
    file: PathBuf,
    /// What it is, when its first bytes do not say so
    #[arg(long = "as", value_name = "KIND")]
    kind: Option<Kind>,
    #[command(flatten)]
    place: PlaceArguments,
}

/// What a file is.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Batch,
    Genesis,
    Snapshot,
    /// What `sheaf prove` writes
    Proof,
    /// What `sheaf prove --until wrap` writes
    L1Batch,
    /// What `sheaf exit` keeps
    Exit,
    /// The records that the L1 contract reads
    L1Stream,
    /// All other records
    L2Stream,
}

impl Kind {
    /// Tells by the first bytes.
    fn of(file: &Path) -> Result<Self> {
        use std::io::Read;
        let mut first = Vec::new();
        files::open(file)?
            .take(4096)
            .read_to_end(&mut first)
            .with_context(|| Advice::new(format_args!("cannot read {}", file.display()), "check the disk"))?;
        let text = first.trim_ascii_start();
        Ok(match () {
            () if first.starts_with(b"SHEAFSNP") => Self::Snapshot,
            () if first.starts_with(&bundle::MAGIC) => Self::Proof,
            () if first.starts_with(&L1Batch::MAGIC) => Self::L1Batch,
            () if first.starts_with(&ExitProof::MAGIC) => Self::Exit,
            () if first.starts_with(&sheaf_witness::batch::binary::MAGIC) => Self::Batch,
            () if first.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) => Self::Batch,
            () if text.starts_with(b"{") && first.windows(8).any(|window| window == b"\"format\"") => Self::Genesis,
            () if text.starts_with(b"{") => Self::Batch,
            () => {
                let next = "name its kind with --as; see `sheaf inspect --help` for the kinds";
                let what = format!("{} is of no kind that its first bytes tell", file.display());
                return Err(Advice::new(what, next).answer_no().into());
            }
        })
    }
}

impl Inspect {
    /// Explains.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        let file = &self.file;
        if let Some(transaction) = submission::hash(file) {
            printer.report(&submission::Summary::read(&self.place.connect()?, transaction)?)?;
            return Ok(Answer::Yes);
        }
        let kind = self.kind.map_or_else(|| Kind::of(file), Ok)?;
        match kind {
            Kind::Batch => {
                let decoded = files::read_batch(file)?;
                printer.report(&batch::Summary::of(file, &decoded))?;
            }
            Kind::Genesis => {
                let genesis = Genesis::read(file).with_context(|| not(file, "a valid genesis"))?;
                printer.report(&genesis::Summary::of(file, &genesis))?;
            }
            Kind::Snapshot => {
                let header = SnapshotHeader::read(file).with_context(|| not(file, "a snapshot"))?;
                printer.report(&Snapshot::of(file, &header))?;
            }
            Kind::L1Batch => printer.report(&l1::BatchSummary::read(file)?)?,
            Kind::Exit => printer.report(&l1::ExitSummary::read(file)?)?,
            Kind::Proof => printer.report(&proven::Summary::read(file)?)?,
            Kind::L1Stream => printer.report(&stream::Summary::read(file, Stream::L1)?)?,
            Kind::L2Stream => printer.report(&stream::Summary::read(file, Stream::L2)?)?,
        }
        Ok(Answer::Yes)
    }
}

fn not(file: &Path, what: &str) -> Advice {
    Advice::new(format_args!("{} is not {what}", file.display()), "name another kind with --as, or get the file again")
        .answer_no()
}

#[derive(Serialize)]
struct Snapshot<'a> {
    file: &'a Path,
    root: Digest,
    batches: u64,
    cells: u64,
    bytes: u64,
    assets: usize,
}

impl<'a> Snapshot<'a> {
    fn of(file: &'a Path, header: &SnapshotHeader) -> Self {
        let bytes = std::fs::metadata(file).map_or(0, |metadata| metadata.len());
        let assets = header.rollup.assets.len();
        Self { file, root: header.root, batches: header.batches, cells: header.cells, bytes, assets }
    }
}

impl fmt::Display for Snapshot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} is a snapshot of a state, {}", self.file.display(), Bytes(self.bytes))?;
        writeln!(f, "  root     {} (as its header says; restoring checks it)", self.root)?;
        writeln!(f, "  batches  {} since genesis", Count(self.batches))?;
        writeln!(f, "  holds    {} cells, {} assets", Count(self.cells), self.assets)
    }
}
