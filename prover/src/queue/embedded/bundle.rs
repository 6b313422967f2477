//! Replay bundles: what is needed to run a job that was set aside by hand, as plain files.
//!
//! ```text
//! set-aside/<job id>/job.json      kind, circuit, label, memory, failures
//!                    payload       as the work gets it
//!                    input-0 …     as the work gets them; one that is missing or damaged is left out
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use crate::artifact::{ArtifactRef, Artifacts};
use crate::digest::JobId;
use crate::job::JobSpec;
use crate::queue::{Failure, QueueError};

/// What `job.json` says.
#[derive(Serialize)]
struct Description<'a> {
    id: JobId,
    kind: crate::job::JobKind,
    circuit: crate::digest::CircuitDigest,
    label: &'a str,
    memory_bytes: u64,
    inputs: &'a [Option<ArtifactRef>],
    failures: &'a [Failure],
}

/// The folder of all bundles.
pub(super) struct Bundles {
    folder: PathBuf,
    /// Held while a bundle is written or removed; never waited for by who holds the board.
    changing: Mutex<()>,
}

impl Bundles {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, changing: Mutex::new(()) }
    }

    /// Where the bundle of a job is.
    pub(super) fn path(&self, id: JobId) -> PathBuf {
        self.folder.join(id.to_string())
    }

    /// Writes the bundle of a job, in place of an older one, if it is still wanted when its inputs are read.
    pub(super) fn write(
        &self,
        id: JobId,
        job: &JobSpec,
        inputs: &[Option<ArtifactRef>],
        failures: &[Failure],
        artifacts: &dyn Artifacts,
        is_wanted: impl FnOnce() -> bool,
    ) -> Result<(), QueueError> {
        let read: Vec<_> = inputs.iter().map(|input| input.map(|input| artifacts.get(&input))).collect();
        let _alone = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_wanted() {
            return Ok(());
        }
        let path = self.path(id);
        remove(&path)?;
        fs::create_dir_all(&path).map_err(failed("create", &path))?;
        let description = Description {
            id,
            kind: job.kind,
            circuit: job.circuit,
            label: &job.label,
            memory_bytes: job.memory_bytes,
            inputs,
            failures,
        };
        let json = serde_json::to_vec_pretty(&description).map_err(std::io::Error::from);
        let write = |name: &str, bytes: &[u8]| fs::write(path.join(name), bytes);
        json.and_then(|json| write("job.json", &json)).map_err(failed("write", &path))?;
        write("payload", &job.payload).map_err(failed("write", &path))?;
        for (index, input) in read.into_iter().enumerate() {
            let Some(Ok(bytes)) = input else { continue };
            write(&format!("input-{index}"), &bytes).map_err(failed("write", &path))?;
        }
        Ok(())
    }

    /// Removes the bundle of a job, if there is one.
    pub(super) fn remove(&self, id: JobId) -> Result<(), QueueError> {
        let _alone = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        remove(&self.path(id))
    }
}

fn remove(path: &Path) -> Result<(), QueueError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed("remove", path)(error)),
        _ => Ok(()),
    }
}

fn failed<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(std::io::Error) -> QueueError + 'a {
    move |source| QueueError::Bundle { doing, path: path.to_owned(), source }
}
