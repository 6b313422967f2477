//! Files that are there as a whole or not at all.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Why a file was not written.
#[derive(Debug)]
pub(crate) struct NotWritten {
    /// What was done, to be followed by the file: "write", "rename".
    pub doing: &'static str,
    /// Why it failed.
    pub source: io::Error,
}

/// Writes a file, and the folders above it: whoever reads `path` sees what was there before, or all of it, also after a
/// crash.
pub(crate) fn write(path: &Path, content: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), NotWritten> {
    let failed = |doing| move |source| NotWritten { doing, source };
    let folder = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed("make the folder of"))?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed("write"))?;
    content(file.as_file_mut()).map_err(failed("write"))?;
    file.as_file().sync_all().map_err(failed("write"))?;
    file.persist(path).map_err(|error| failed("rename")(error.error))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed("sync the folder of"))
}
