//! Artifacts as files: `DIR/ab/cdef…`, the hash in hexadecimal after its first byte.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::{ArtifactError, ArtifactRef, Artifacts, Damage};
use crate::digest::ArtifactHash;

/// Unfinished files are written here, on the same file system, and renamed when they are whole.
const UNFINISHED: &str = "unfinished";

/// A folder of artifacts. Any number of processes may use it at once: a name has only one content.
#[derive(Debug)]
pub struct FileArtifacts {
    folder: PathBuf,
}

impl FileArtifacts {
    /// Opens a folder, which is made when it is not there.
    ///
    /// # Errors
    /// [`ArtifactError::Io`].
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, ArtifactError> {
        let folder = folder.into();
        let unfinished = folder.join(UNFINISHED);
        fs::create_dir_all(&unfinished).map_err(io("create", &unfinished))?;
        Ok(Self { folder })
    }

    /// Removes what killed processes left half written. Only for the one who owns the folder: another
    /// process's file in the making would go too.
    ///
    /// # Errors
    /// [`ArtifactError::Io`].
    pub fn sweep(&self) -> Result<(), ArtifactError> {
        let unfinished = self.folder.join(UNFINISHED);
        for entry in fs::read_dir(&unfinished).map_err(io("list", &unfinished))? {
            let path = entry.map_err(io("list", &unfinished))?.path();
            fs::remove_file(&path).map_err(io("remove", &path))?;
        }
        Ok(())
    }

    /// Where an artifact is stored.
    pub fn path(&self, hash: ArtifactHash) -> PathBuf {
        let name = hash.to_string();
        self.folder.join(&name[..2]).join(&name[2..])
    }

    /// Writes whole and synced under another name, then renames: a reader never sees a part, and after a
    /// crash the name either stands for all the bytes or for nothing.
    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), ArtifactError> {
        let shard = path.parent().unwrap_or(&self.folder);
        let new_shard = !shard.is_dir();
        fs::create_dir_all(shard).map_err(io("create", shard))?;

        let unfinished = self.folder.join(UNFINISHED);
        let mut file = tempfile::NamedTempFile::new_in(&unfinished).map_err(io("write in", &unfinished))?;
        file.write_all(bytes).map_err(io("write", file.path()))?;
        file.as_file().sync_all().map_err(io("write", file.path()))?;
        file.persist(path).map_err(|error| io("write", path)(error.error))?;

        sync_folder(shard)?;
        if new_shard {
            sync_folder(&self.folder)?;
        }
        Ok(())
    }
}

impl Artifacts for FileArtifacts {
    fn put(&self, bytes: &[u8]) -> Result<ArtifactRef, ArtifactError> {
        let artifact = ArtifactRef::of(bytes);
        match self.get(&artifact) {
            Ok(_) => Ok(artifact),
            Err(ArtifactError::Damaged { .. }) => {
                self.write(&self.path(artifact.hash), bytes)?;
                Ok(artifact)
            }
            Err(error) => Err(error),
        }
    }

    fn get(&self, artifact: &ArtifactRef) -> Result<Vec<u8>, ArtifactError> {
        let path = self.path(artifact.hash);
        let damaged = |damage| ArtifactError::Damaged { hash: artifact.hash, path: path.clone(), damage };
        let length = match fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(damaged(Damage::Missing)),
            Err(error) => return Err(io("read", &path)(error)),
        };
        // Looked at first, so that a file that has grown without bound is not read into memory.
        if length != artifact.length {
            return Err(damaged(Damage::Length { expected: artifact.length, got: length }));
        }
        let bytes = fs::read(&path).map_err(io("read", &path))?;
        artifact.check(&bytes).map_err(damaged)?;
        Ok(bytes)
    }

    fn list(&self) -> Result<Vec<(ArtifactHash, u64)>, ArtifactError> {
        let mut found = Vec::new();
        for shard in entries(&self.folder)? {
            let Some(head) = shard.file_name().and_then(|name| name.to_str()).filter(|name| name.len() == 2) else {
                continue;
            };
            for path in entries(&shard)? {
                // What has no artifact's name was put there by others and is not ours to remove.
                let tail = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                let Ok(hash) = format!("{head}{tail}").parse() else { continue };
                found.push((hash, fs::metadata(&path).map_err(io("look at", &path))?.len()));
            }
        }
        Ok(found)
    }

    fn remove(&self, hash: ArtifactHash) -> Result<(), ArtifactError> {
        let path = self.path(hash);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(io("remove", &path)(error)),
            _ => Ok(()),
        }
    }
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, ArtifactError> {
    let entries = fs::read_dir(folder).map_err(io("list", folder))?;
    entries.map(|entry| Ok(entry.map_err(io("list", folder))?.path())).collect()
}

/// Makes a rename or a new entry in `folder` survive a power cut.
fn sync_folder(folder: &Path) -> Result<(), ArtifactError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io("sync", folder))
}

fn io<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(std::io::Error) -> ArtifactError + 'a {
    move |source| ArtifactError::Io { doing, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, FileArtifacts) {
        let folder = tempfile::tempdir().unwrap();
        let store = FileArtifacts::open(folder.path()).unwrap();
        (folder, store)
    }

    fn damage(store: &FileArtifacts, artifact: &ArtifactRef) -> Damage {
        match store.get(artifact) {
            Err(ArtifactError::Damaged { damage, .. }) => damage,
            other => panic!("expected damage, got {other:?}"),
        }
    }

    #[test]
    fn what_was_put_is_got() {
        let (_folder, store) = store();
        for bytes in [&b""[..], b"a", &[3; 100_000]] {
            let artifact = store.put(bytes).unwrap();
            assert_eq!(store.get(&artifact).unwrap(), bytes);
            assert_eq!(store.put(bytes).unwrap(), artifact);
        }
    }

    #[test]
    fn every_kind_of_damage_is_noticed_and_mended_by_put() {
        let (_folder, store) = store();
        let bytes = b"a proof".as_slice();
        let artifact = store.put(bytes).unwrap();
        let path = store.path(artifact.hash);

        let cases: [(&[u8], Damage); 4] = [
            (b"", Damage::Length { expected: 7, got: 0 }),
            (b"a pro", Damage::Length { expected: 7, got: 5 }),
            (b"a proof and more", Damage::Length { expected: 7, got: 16 }),
            (b"a prooF", Damage::Content { got: ArtifactRef::of(b"a prooF").hash }),
        ];
        for (content, expected) in cases {
            fs::write(&path, content).unwrap();
            assert_eq!(damage(&store, &artifact), expected);
            store.put(bytes).unwrap();
            assert_eq!(store.get(&artifact).unwrap(), bytes);
        }
        fs::remove_file(&path).unwrap();
        assert_eq!(damage(&store, &artifact), Damage::Missing);
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let (_folder, store) = store();
        let bytes = b"a proof".as_slice();
        let artifact = store.put(bytes).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            fs::write(store.path(artifact.hash), &flipped).unwrap();
            assert!(matches!(damage(&store, &artifact), Damage::Content { .. }));
        }
    }

    #[test]
    fn what_is_stored_is_listed_and_removed() {
        let (folder, store) = store();
        let (a, b) = (store.put(b"a").unwrap(), store.put(b"bc").unwrap());
        fs::write(folder.path().join("note"), b"not ours").unwrap();
        fs::write(store.path(a.hash).with_file_name("not a hash"), b"not ours").unwrap();
        let mut listed = store.list().unwrap();
        listed.sort();
        let mut expected = vec![(a.hash, 1), (b.hash, 2)];
        expected.sort();
        assert_eq!(listed, expected);
        store.remove(a.hash).unwrap();
        store.remove(a.hash).unwrap();
        assert_eq!(damage(&store, &a), Damage::Missing);
        assert_eq!(store.list().unwrap(), [(b.hash, 2)]);
    }

    #[test]
    fn half_written_files_are_swept_away() {
        let (folder, store) = store();
        let left = folder.path().join(UNFINISHED).join("left");
        fs::write(&left, b"half").unwrap();
        let artifact = store.put(b"whole").unwrap();
        store.sweep().unwrap();
        assert!(!left.exists());
        assert_eq!(store.get(&artifact).unwrap(), b"whole");
    }
}
