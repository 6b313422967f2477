//! Keeps a data folder to one process at a time, and says which one has it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::Path;

use crate::queue::OpenError;

/// The name of the locked file, which holds its owner's process number.
const FILE: &str = "lock";

/// Held as long as the folder is in use. The system drops it with the process, however that ends.
pub(super) struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Locks `folder`, which exists.
    pub(super) fn take(folder: &Path) -> Result<Self, OpenError> {
        let path = folder.join(FILE);
        let io = |doing| {
            let path = path.clone();
            move |source| OpenError::Io { doing, path, source }
        };
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = open.map_err(io("open"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let pid = file.read_to_string(&mut pid).ok().and_then(|_| pid.trim().parse().ok());
                return Err(OpenError::Locked { path: folder.to_owned(), pid });
            }
            Err(TryLockError::Error(error)) => return Err(io("lock")(error)),
        }
        file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(io("write"))?;
        Ok(Self { _file: file })
    }
}
