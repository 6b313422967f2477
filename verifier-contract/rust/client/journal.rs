//! What a sender has begun: written, and on disk, before anything is sent. After a crash at any moment the journal knows
//! each transaction that may be on its way.
//!
//! One JSON file for each chain and sender, replaced as a whole. An entry leaves it when whoever sent the transaction
//! has told its result.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy::primitives::{Address, Bytes, B256};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Bytes of a journal, at most: a transaction has less than 128 KiB, in hexadecimal twice as much, and is replaced a few
/// times.
const JOURNAL_BYTES: u64 = 64 << 20;

/// How often the journal's lock is tried, and the pause between.
const LOCK_LOOKS: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// What is in the file.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    /// Which format this is.
    format: String,
    /// The chain, by its first block: test chains share ids.
    genesis: B256,
    sender: Address,
    entries: Vec<Entry>,
}

const FORMAT: &str = "sheaf-l1-journal-1";

/// One transaction that was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// What is done: the hash of recipient, value and data.
    pub id: B256,
    /// The same for people.
    pub label: String,
    /// Its nonce: all attempts have the same, so only one of them can count.
    pub nonce: u64,
    /// The transaction as it was signed, with fees that rise. Never empty.
    pub attempts: Vec<Attempt>,
}

/// One signed form of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Attempt {
    pub hash: B256,
    pub raw: Bytes,
}

/// The journal of one sender on one chain. While it is open, no other process can open it.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    content: Content,
    _lock: File,
}

impl Journal {
    /// Opens the journal at `path`, or begins one: of `sender` on the chain whose first block is `genesis`.
    pub fn open(path: &Path, genesis: B256, sender: Address) -> Result<Self, JournalError> {
        let io = |source| JournalError::Io { path: path.into(), source };
        let lock = File::options().create(true).truncate(false).write(true).open(with_suffix(path, ".lock"));
        let lock = lock.map_err(io)?;
        // For a moment: the one that has it may be just ending, and a process that is just being started has a copy.
        for look in 1.. {
            match lock.try_lock() {
                Ok(()) => break,
                Err(_) if look < LOCK_LOOKS => std::thread::sleep(LOCK_PAUSE),
                Err(_) => return Err(JournalError::InUse { path: path.into() }),
            }
        }
        let content = match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Content { format: FORMAT.into(), genesis, sender, entries: Vec::new() }
            }
            Err(error) => return Err(io(error)),
            Ok(metadata) if metadata.len() > JOURNAL_BYTES => {
                return Err(JournalError::Damaged { path: path.into(), reason: "it is too long".into() })
            }
            Ok(_) => {
                let text = fs::read(path).map_err(io)?;
                parse(&text).map_err(|reason| JournalError::Damaged { path: path.into(), reason })?
            }
        };
        if (content.genesis, content.sender) != (genesis, sender) {
            let of = Box::new((content.genesis, content.sender));
            return Err(JournalError::Other { path: path.into(), of, expected: Box::new((genesis, sender)) });
        }
        Ok(Self { path: path.into(), content, _lock: lock })
    }

    /// What is not done, by nonce.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.content.entries
    }

    /// The entry for what has this id.
    pub(super) fn entry(&self, id: B256) -> Option<&Entry> {
        self.content.entries.iter().find(|entry| entry.id == id)
    }

    /// Adds an entry. It is on disk when this returns.
    pub(super) fn begin(&mut self, entry: Entry) -> Result<(), JournalError> {
        self.content.entries.push(entry);
        self.content.entries.sort_by_key(|entry| entry.nonce);
        self.write()
    }

    /// Adds a form of the transaction. It is on disk when this returns.
    pub(super) fn replace(&mut self, id: B256, attempt: Attempt) -> Result<(), JournalError> {
        if let Some(entry) = self.content.entries.iter_mut().find(|entry| entry.id == id) {
            entry.attempts.push(attempt);
        }
        self.write()
    }

    /// Forgets an entry.
    pub(super) fn end(&mut self, id: B256) -> Result<(), JournalError> {
        self.content.entries.retain(|entry| entry.id != id);
        self.write()
    }

    fn write(&self) -> Result<(), JournalError> {
        let write = || {
            let text = serde_json::to_vec_pretty(&self.content).map_err(io::Error::other)?;
            let partial = with_suffix(&self.path, ".partial");
            let mut file = File::create(&partial)?;
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&partial, &self.path)?;
            // The new name is on disk when the folder is.
            let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
        };
        write().map_err(|source| JournalError::Io { path: self.path.clone(), source })
    }
}

fn parse(text: &[u8]) -> Result<Content, String> {
    let content: Content = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    if content.format != FORMAT {
        return Err(format!("format is {:?}, expected {FORMAT:?}", content.format));
    }
    match content.entries.iter().find(|entry| entry.attempts.is_empty()) {
        Some(entry) => Err(format!("the entry with nonce {} has no transaction", entry.nonce)),
        None => Ok(content),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Why there is no journal.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The file cannot be read or written.
    #[error("the journal {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Another process sends for the same sender.
    #[error("the journal {} is in use: another process is sending for the same address", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file is not a journal.
    #[error("the journal {} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The journal of another sender or chain.
    #[error("the journal {} is that of {} on the chain that begins with block {}, expected {} and {}",
        path.display(), of.1, of.0, expected.1, expected.0)]
    Other {
        /// The file.
        path: PathBuf,
        /// Whose it is: first block, sender.
        of: Box<(B256, Address)>,
        /// Whose it has to be.
        expected: Box<(B256, Address)>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(nonce: u64) -> Entry {
        let attempt = Attempt { hash: B256::repeat_byte(nonce as u8), raw: Bytes::from(vec![1, 2, 3]) };
        Entry { id: B256::with_last_byte(nonce as u8), label: "test".into(), nonce, attempts: vec![attempt] }
    }

    #[test]
    fn what_was_begun_is_there_after_reopening() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.json");
        let open = || Journal::open(&path, B256::ZERO, Address::ZERO);
        let mut journal = open().unwrap();
        journal.begin(entry(2)).unwrap();
        journal.begin(entry(1)).unwrap();
        assert!(matches!(open(), Err(JournalError::InUse { .. })));
        drop(journal);

        let mut journal = open().unwrap();
        assert_eq!(journal.entries(), [entry(1), entry(2)]);
        journal.replace(entry(1).id, entry(3).attempts[0].clone()).unwrap();
        journal.end(entry(2).id).unwrap();
        drop(journal);
        let journal = open().unwrap();
        assert_eq!(journal.entries().len(), 1);
        assert_eq!(journal.entry(entry(1).id).unwrap().attempts.len(), 2);
    }

    #[test]
    fn other_journals_and_damaged_ones_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.json");
        Journal::open(&path, B256::ZERO, Address::ZERO).unwrap().begin(entry(1)).unwrap();
        let other = Journal::open(&path, B256::with_last_byte(1), Address::ZERO);
        assert!(matches!(other, Err(JournalError::Other { .. })), "{other:?}");
        let text = fs::read_to_string(&path).unwrap();
        for damaged in [&text[..text.len() / 2], "", &text.replace("journal-1", "journal-9")] {
            fs::write(&path, damaged).unwrap();
            let read = Journal::open(&path, B256::ZERO, Address::ZERO);
            assert!(matches!(read, Err(JournalError::Damaged { .. })), "{damaged:?}");
        }
    }
}
