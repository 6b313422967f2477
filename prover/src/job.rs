//! What a job is, and the name that its contents give it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::artifact::ArtifactRef;
use crate::digest::{CircuitDigest, JobId};

/// Opens the preimage of every [`JobId`], so that no other hash of this program can equal one.
const JOB_ID_DOMAIN: &[u8] = b"sheaf job v1";

/// The steps of the pipeline, in its order. New kinds go at the end: stored jobs name them by position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobKind {
    /// Executes a batch into witnesses.
    Execute,
    /// Proves one chunk of transactions.
    Chunk,
    /// Brings one chunk proof into the common shape.
    Lift,
    /// Folds two neighbouring proofs of the common shape into one.
    Join,
    /// Verifies the last proof with BN254 hashes.
    Shrink,
    /// Verifies the shrink proof in Groth16.
    Wrap,
}

impl JobKind {
    /// Every kind, in pipeline order.
    pub const ALL: [Self; 6] = [Self::Execute, Self::Chunk, Self::Lift, Self::Join, Self::Shrink, Self::Wrap];

    /// The name used in job ids, logs and options.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Execute => "execute",
            Self::Chunk => "chunk",
            Self::Lift => "lift",
            Self::Join => "join",
            Self::Shrink => "shrink",
            Self::Wrap => "wrap",
        }
    }

    /// [`JobSpec::priority`] of a batch's jobs: what is nearer to its end goes first, so that proofs do not pile up.
    pub const fn priority(self) -> u32 {
        match self {
            Self::Join | Self::Shrink | Self::Wrap => 0,
            Self::Lift => 1,
            Self::Execute | Self::Chunk => 2,
        }
    }
}

impl fmt::Display for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no [`JobKind`].
#[derive(Debug, thiserror::Error)]
#[error("there is no job kind {0:?}; the kinds are execute, chunk, lift, join, shrink, wrap")]
pub struct UnknownJobKind(pub String);

impl FromStr for JobKind {
    type Err = UnknownJobKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| UnknownJobKind(text.to_owned()))
    }
}

/// Where one input of a job comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Input {
    /// Bytes that are in the artifact store before the graph is submitted.
    Artifact(ArtifactRef),
    /// The result of another job of the same graph.
    Job(JobId),
}

/// A job as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSpec {
    /// Which step of the pipeline this is.
    pub kind: JobKind,
    /// The circuit it is done with.
    pub circuit: CircuitDigest,
    /// What it reads, in the order in which the work expects it.
    pub inputs: Vec<Input>,
    /// Parameters of the work, in an encoding of its own (postcard as a rule). Large data belongs into an
    /// input artifact instead, which is held once however many jobs read it.
    pub payload: Vec<u8>,
    /// Predicted peak memory while it runs, in bytes. Not part of the name.
    pub memory_bytes: u64,
    /// Of the ready jobs of one graph those with the lower number go first. Not part of the name.
    pub priority: u32,
    /// What people call it, for progress and logs ("chunk 3 of 8"). Not part of the name.
    pub label: String,
}

impl JobSpec {
    /// The job's name: sha256 over everything that decides its result. An input that is another job
    /// counts by that job's name, so the name of a graph's last job stands for the whole graph.
    ///
    /// Preimage: domain ‖ length of the kind's name (1 byte) ‖ name ‖ circuit (32) ‖ sha256(payload) (32) ‖
    /// for each input a tag (0 artifact, 1 job) and 32 bytes.
    pub fn id(&self) -> JobId {
        let name = self.kind.name();
        let mut hasher = Sha256::new();
        hasher.update(JOB_ID_DOMAIN);
        hasher.update([name.len() as u8]);
        hasher.update(name);
        hasher.update(self.circuit.0);
        hasher.update(Sha256::digest(&self.payload));
        for input in &self.inputs {
            let (tag, name) = match input {
                Input::Artifact(artifact) => (0u8, artifact.hash.0),
                Input::Job(job) => (1, job.0),
            };
            hasher.update([tag]);
            hasher.update(name);
        }
        JobId(hasher.finalize().into())
    }

    /// The jobs whose results this one reads.
    pub fn dependencies(&self) -> impl Iterator<Item = JobId> + '_ {
        self.inputs.iter().filter_map(|input| match input {
            Input::Job(job) => Some(*job),
            Input::Artifact(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> JobSpec {
        JobSpec {
            kind: JobKind::Lift,
            circuit: CircuitDigest([7; 32]),
            inputs: vec![Input::Job(JobId([1; 32])), Input::Artifact(ArtifactRef::of(b"a"))],
            payload: b"p".to_vec(),
            memory_bytes: 1,
            priority: 2,
            label: "lift 0".into(),
        }
    }

    #[test]
    fn name_depends_on_what_decides_the_result_only() {
        let id = spec().id();
        let changed: [fn(&mut JobSpec); 6] = [
            |s| s.kind = JobKind::Join,
            |s| s.circuit = CircuitDigest([8; 32]),
            |s| s.payload = b"q".to_vec(),
            |s| s.inputs.reverse(),
            |s| s.inputs[0] = Input::Job(JobId([2; 32])),
            |s| s.inputs.truncate(1),
        ];
        for change in changed {
            let mut other = spec();
            change(&mut other);
            assert_ne!(other.id(), id);
        }
        let other = JobSpec { memory_bytes: 9, priority: 9, label: "x".into(), ..spec() };
        assert_eq!(other.id(), id);
    }

    #[test]
    fn an_artifact_and_a_job_with_the_same_bytes_differ() {
        let artifact = ArtifactRef::of(b"a");
        let by_artifact = JobSpec { inputs: vec![Input::Artifact(artifact)], ..spec() };
        let by_job = JobSpec { inputs: vec![Input::Job(JobId(artifact.hash.0))], ..spec() };
        assert_ne!(by_artifact.id(), by_job.id());
    }

    #[test]
    fn kinds_have_names_that_parse() {
        for (position, kind) in JobKind::ALL.into_iter().enumerate() {
            assert_eq!(kind.to_string().parse::<JobKind>().unwrap(), kind);
            assert_eq!(kind as usize, position, "ALL lists every kind in order");
        }
        assert!("fold".parse::<JobKind>().is_err());
    }
}
