//! Keys in a folder, named by circuit and origin: `DIGEST-dev.key`.

use std::io::ErrorKind;
use std::path::PathBuf;

use thiserror::Error;

use super::file::KeyError;
use super::{Key, Origin};
use crate::groth16::circuit::CircuitDigest;
use crate::groth16::reduction::{Reduction, TooLarge};
use crate::groth16::setup::{insecure_dev_key, DEV_SEED};
use crate::wrap::r1cs::R1cs;

/// Why the cache gives no key.
#[derive(Debug, Error)]
pub enum CacheError {
    /// Nothing says where the cache is.
    #[error("no cache folder: neither XDG_CACHE_HOME nor HOME is set")]
    NoFolder,
    /// The file is there and cannot be used, or cannot be written.
    #[error("{}: {source}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        source: KeyError,
    },
    /// See [`TooLarge`].
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

/// The user's folder for what can be made again: `$XDG_CACHE_HOME/sheaf`, or the same in `~/.cache`.
///
/// # Errors
/// [`CacheError::NoFolder`].
pub fn user_cache() -> Result<PathBuf, CacheError> {
    // By its specification the variable counts only if it is an absolute path.
    let told = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    let cache = told.or_else(|| home.map(|home| PathBuf::from(home).join(".cache")));
    Ok(cache.ok_or(CacheError::NoFolder)?.join("sheaf"))
}

/// A folder of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyCache {
    /// Where it is.
    pub folder: PathBuf,
}

impl KeyCache {
    /// The user's: `$XDG_CACHE_HOME/sheaf/keys`, or the same in `~/.cache`.
    ///
    /// # Errors
    /// [`CacheError::NoFolder`].
    pub fn of_user() -> Result<Self, CacheError> {
        Ok(Self { folder: user_cache()?.join("keys") })
    }

    /// Where a circuit's key of an origin is, or would be.
    pub fn path(&self, circuit: &CircuitDigest, origin: Origin) -> PathBuf {
        self.folder.join(format!("{circuit}-{origin}.key"))
    }

    /// The circuit's key of an origin, if it is there.
    ///
    /// # Errors
    /// [`CacheError::Key`].
    pub fn load(&self, circuit: &CircuitDigest, origin: Origin) -> Result<Option<Key>, CacheError> {
        let path = self.path(circuit, origin);
        match Key::load(&path, circuit) {
            Ok(key) => Ok(Some(key)),
            Err(KeyError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(CacheError::Key { path, source }),
        }
    }

    /// Puts a key where [`Self::load`] finds it, in the place of an older one.
    ///
    /// # Errors
    /// [`CacheError::Key`].
    pub fn store(&self, key: &Key) -> Result<PathBuf, CacheError> {
        let path = self.path(&key.verifying.circuit, key.origin());
        key.save(&path).map_err(|source| CacheError::Key { path: path.clone(), source })?;
        Ok(path)
    }

    /// The **insecure** development key of a circuit: from the cache, or made and put there. One that is damaged or of an
    /// older version is made anew, since it comes out the same.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn insecure_dev_key(&self, r1cs: &R1cs) -> Result<Key, CacheError> {
        match self.load(&CircuitDigest::of(r1cs), Origin::InsecureDev) {
            Ok(Some(key)) => return Ok(key),
            Err(error) if !error.is_damage() => return Err(error),
            _ => {}
        }
        let key = insecure_dev_key(r1cs, DEV_SEED, Reduction::Snarkjs)?;
        self.store(&key)?;
        Ok(key)
    }
}

impl CacheError {
    /// The file's own fault, which another file would cure; not the disk's or the folder's.
    fn is_damage(&self) -> bool {
        match self {
            Self::Key { source: KeyError::Io { source, .. }, .. } => source.kind() == ErrorKind::UnexpectedEof,
            Self::Key { .. } => true,
            _ => false,
        }
    }
}
