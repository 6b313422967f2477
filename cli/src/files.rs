//! Reading and writing the files that verbs work on, with errors that say what to do next.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use sheaf_witness::batch::{self, Decoded, Limits};
use sheaf_witness::genesis::Genesis;

use crate::failure::Advice;

/// What stands for stdin where a file is asked for.
pub const STDIN: &str = "-";

/// What a file that is read as a whole may have, at most: a genesis of all 2^24 accounts takes about four times less.
pub const WHOLE_FILE_BYTES: u64 = 16 << 30;

/// The name of the genesis file beside a batch.
pub const GENESIS: &str = "genesis.json";
/// The name of an imported batch.
pub const BATCH: &str = "batch.jsonl";

/// Opens a file, or stdin for `-`.
pub fn open(path: &Path) -> Result<Box<dyn Read>> {
    if path == Path::new(STDIN) {
        return Ok(Box::new(io::stdin()));
    }
    let file = File::open(path)
        .with_context(|| Advice::new(format_args!("cannot open {}", path.display()), "check the path"))?;
    let is_folder = file.metadata().is_ok_and(|metadata| metadata.is_dir());
    if is_folder {
        let what = format!("{} is a folder, expected a file", path.display());
        return Err(Advice::new(what, "name a file in it").into());
    }
    Ok(Box::new(file))
}

/// Reads a whole file of at most `limit` bytes, or stdin for `-`.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?
        .take(limit + 1)
        .read_to_end(&mut bytes)
        .with_context(|| Advice::new(format_args!("cannot read {}", path.display()), "check the disk"))?;
    if bytes.len() as u64 > limit {
        let what = format!("{} has more than {limit} bytes", path.display());
        return Err(Advice::new(what, "check that it is the right file").answer_no().into());
    }
    Ok(bytes)
}

/// Reads a batch in any form.
pub fn read_batch(path: &Path) -> Result<Decoded> {
    batch::read(open(path)?, Limits::default()).with_context(|| {
        let next = "make one with `sheaf import`, or see `sheaf inspect --help` for the forms of a batch";
        Advice::new(format_args!("{} is not a batch", path.display()), next).answer_no()
    })
}

/// Reads and checks a genesis state.
pub fn read_genesis(path: &Path) -> Result<Genesis> {
    Genesis::read(path).with_context(|| {
        let next = "make one with `sheaf import` or `sheaf genesis make`, or name another with --genesis";
        Advice::new(format_args!("no genesis state in {}", path.display()), next)
    })
}

/// Where the genesis of a batch is: as told, or beside the batch.
pub fn genesis_of(batch: &Path, told: Option<&Path>) -> PathBuf {
    match told {
        Some(path) => path.into(),
        None => batch.with_file_name(GENESIS),
    }
}

/// Writes a file as a whole: whoever reads `path` sees what was there before, or all of the new content.
pub fn write(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let advice =
        || Advice::new(format_args!("cannot write {}", path.display()), "check that the folder exists and has room");
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let written = (|| {
        let mut file = BufWriter::new(File::create(&partial)?);
        content(&mut file)?;
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(&partial, path)
    })();
    if written.is_err() {
        // Nothing is lost with it, and a second failure says nothing new.
        let _ = fs::remove_file(&partial);
    }
    written.with_context(advice)
}

/// Makes a folder and those above it.
pub fn make_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path)
        .with_context(|| Advice::new(format_args!("cannot make the folder {}", path.display()), "choose another place"))
}
