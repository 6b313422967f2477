//! All circuits of a profile, each built when it is first needed.

use std::io;
use std::sync::OnceLock;
use std::time::Instant;

use sheaf_circuits::chunk::circuit::ChunkCircuit;
use sheaf_circuits::chunk::{shapes, Shape};
use sheaf_circuits::hash::Digest;
use sheaf_circuits::security::Profile;
use sheaf_prover::digest::CircuitDigest;
use sheaf_prover::job::{JobKind, JobSpec};
use thiserror::Error;

use super::jobs::LiftPayload;
use super::pinned::{PinnedCircuits, PinnedError};
use super::settlement::Settlement;
use crate::allowed_set::leaf;
use crate::lift::ChunkVerifier;
use crate::recursion::{ProveError, Recursion};
use crate::shrink::Shrink;
use crate::verifier::Verifier;

/// What is told while circuits are built.
#[derive(Clone, Copy, Debug)]
pub enum CircuitStatus<'a> {
    /// A circuit is being built.
    Building {
        /// Its name.
        name: &'a str,
    },
    /// A circuit was built, but cannot be kept for the next time.
    NotKept {
        /// Its name.
        name: &'a str,
        /// Why.
        error: &'a io::Error,
    },
    /// A circuit was built.
    Built {
        /// Its name.
        name: &'a str,
        /// How long that took.
        seconds: f64,
    },
}

/// A circuit of a profile: what one kind of job is done with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CircuitName {
    /// Of the chunks of the shape at this position.
    Chunk(usize),
    /// Lifts so many chunks of the shape at this position.
    Lift {
        /// The shape.
        shape: usize,
        /// How many.
        chunks: usize,
    },
    /// The join.
    Join,
    /// All from the last join to shrink.
    Shrink,
    /// The wrap. It is made anew for each proof, so there is nothing to build.
    Wrap,
}

type Listener = Box<dyn Fn(CircuitStatus<'_>) + Send + Sync>;

/// All circuits of a profile. Verifier data are pinned; what is built must be what they say.
pub struct Circuits {
    profile: Profile,
    shapes: Vec<Shape>,
    chunks: Vec<OnceLock<Result<ChunkCircuit, CircuitsError>>>,
    recursion: Recursion,
    settlement: Option<Settlement>,
    listener: Listener,
}

impl Circuits {
    /// The circuits of `profile`; `listener` is told what is built, from any thread.
    pub fn new(
        profile: Profile,
        listener: impl Fn(CircuitStatus<'_>) + Send + Sync + 'static,
    ) -> Result<Self, CircuitsError> {
        let pinned = PinnedCircuits::load(profile)?;
        let shapes = shapes::all();
        let chunks = shapes.iter().map(|_| OnceLock::new()).collect();
        let recursion = Recursion::with_verifier(pinned.verifier, pinned.chunks)
            .map_err(|error| CircuitsError::Recursion(error.to_string()))?;
        Ok(Self { profile, shapes, chunks, recursion, settlement: None, listener: Box::new(listener) })
    }

    /// With the way to L1.
    pub fn with_settlement(self, settlement: Settlement) -> Self {
        Self { settlement: Some(settlement), ..self }
    }

    /// The way to L1, if there is a key for it.
    pub fn settlement(&self) -> Option<&Settlement> {
        self.settlement.as_ref()
    }

    /// The profile.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// The chunk shapes, smallest first.
    pub fn shapes(&self) -> &[Shape] {
        &self.shapes
    }

    /// The position of the shape with this name.
    pub fn shape_index(&self, name: &str) -> Result<usize, CircuitsError> {
        let position = self.shapes.iter().position(|shape| shape.name == name);
        position.ok_or_else(|| CircuitsError::UnknownShape { name: name.to_owned() })
    }

    /// Lifts and joins.
    pub fn recursion(&self) -> &Recursion {
        &self.recursion
    }

    /// Verifies lifts and joins.
    pub fn verifier(&self) -> &Verifier {
        self.recursion.verifier()
    }

    /// The root of the set of allowed circuits: it names all circuits of this profile.
    pub fn allowed_set(&self) -> Digest {
        self.verifier().set().root()
    }

    /// The verifier data of a shape's chunks.
    pub fn chunk_verifier(&self, shape: usize) -> &ChunkVerifier {
        &self.recursion.chunks()[shape]
    }

    /// The chunk circuit of a shape, built the first time.
    pub fn chunk(&self, shape: usize) -> Result<&ChunkCircuit, CircuitsError> {
        let build = || {
            let shape_data = self.shapes[shape].clone();
            let circuit = self.timed(shape_data.name, || ChunkCircuit::build(shape_data.clone(), self.profile));
            let (expected, got) = (leaf(&self.chunk_verifier(shape).verifier_only), leaf(&circuit.data.verifier_only));
            if got != expected {
                return Err(CircuitsError::NotPinned { name: shape_data.name.to_owned(), expected, got });
            }
            Ok(circuit)
        };
        self.chunks[shape].get_or_init(build).as_ref().map_err(Clone::clone)
    }

    /// Builds a circuit, if it is not built yet.
    pub fn prepare(&self, circuit: CircuitName) -> Result<(), CircuitsError> {
        match circuit {
            CircuitName::Chunk(shape) => self.chunk(shape).map(|_| ()),
            CircuitName::Lift { shape, chunks } => self.prepare_lift(shape, chunks),
            CircuitName::Join => self.prepare_join(),
            CircuitName::Shrink => self.shrink().map(|_| ()),
            CircuitName::Wrap => Ok(()),
        }
    }

    /// Builds the lift of `chunks` chunks of a shape, if it is not built yet.
    pub fn prepare_lift(&self, shape: usize, chunks: usize) -> Result<(), CircuitsError> {
        let name = format!("lift of {chunks} {}", self.shapes[shape].name);
        self.timed(&name, || self.recursion.lift_circuit(shape, chunks).map(|_| ()))?;
        Ok(())
    }

    /// Builds the join, if it is not built yet.
    pub fn prepare_join(&self) -> Result<(), CircuitsError> {
        self.timed("join", || self.recursion.join_circuit().map(|_| ()))?;
        Ok(())
    }

    /// The circuits up to shrink, built the first time.
    pub fn shrink(&self) -> Result<&Shrink, CircuitsError> {
        let settlement = self.settlement.as_ref().ok_or(CircuitsError::NoKey)?;
        let not_kept = |error: io::Error| (self.listener)(CircuitStatus::NotKept { name: "shrink", error: &error });
        let shrink = self.timed("shrink", || settlement.shrink(self.verifier(), &not_kept));
        shrink.map_err(CircuitsError::Recursion)
    }

    /// What names a shape's chunk circuit in jobs.
    pub fn chunk_digest(&self, shape: usize) -> CircuitDigest {
        CircuitDigest(leaf(&self.chunk_verifier(shape).verifier_only).to_bytes())
    }

    /// What names a circuit of recursion in jobs. All of them carry the set of circuits on, so it is the set's root;
    /// the kind of job and its inputs say which circuit of the set.
    pub fn recursion_digest(&self) -> CircuitDigest {
        CircuitDigest(self.allowed_set().to_bytes())
    }

    /// The circuit that a job is done with.
    pub fn of_job(&self, job: &JobSpec) -> Result<CircuitName, CircuitsError> {
        match job.kind {
            JobKind::Chunk => {
                let shape = (0..self.shapes.len()).find(|&shape| self.chunk_digest(shape) == job.circuit);
                shape.map(CircuitName::Chunk).ok_or_else(|| CircuitsError::NoCircuit { label: job.label.clone() })
            }
            JobKind::Lift => Ok(CircuitName::Lift { shape: self.lifted_shape(job)?, chunks: job.inputs.len() }),
            JobKind::Join => Ok(CircuitName::Join),
            JobKind::Shrink => Ok(CircuitName::Shrink),
            JobKind::Wrap => Ok(CircuitName::Wrap),
            JobKind::Execute => Err(CircuitsError::NoCircuit { label: job.label.clone() }),
        }
    }

    /// The shape of the chunks that a lift takes.
    pub fn lifted_shape(&self, job: &JobSpec) -> Result<usize, CircuitsError> {
        let payload: LiftPayload = postcard::from_bytes(&job.payload)
            .map_err(|error| CircuitsError::Payload { label: job.label.clone(), error: error.to_string() })?;
        self.shape_index(&payload.shape)
    }

    fn timed<T>(&self, name: &str, build: impl FnOnce() -> T) -> T {
        (self.listener)(CircuitStatus::Building { name });
        let start = Instant::now();
        let built = build();
        (self.listener)(CircuitStatus::Built { name, seconds: start.elapsed().as_secs_f64() });
        built
    }
}

/// Why circuits cannot be had.
#[derive(Clone, Debug, Error)]
pub enum CircuitsError {
    /// The pinned data are not of this program.
    #[error(transparent)]
    Pinned(#[from] PinnedError),
    /// The circuit that was built is not the pinned one: this program's code and its pinned data differ.
    #[error("chunk circuit {name:?} was built as {got}, but {expected} is pinned; pin anew if the change is meant")]
    NotPinned {
        /// The shape.
        name: String,
        /// The pinned leaf.
        expected: Digest,
        /// The built leaf.
        got: Digest,
    },
    /// No shape has this name.
    #[error("there is no chunk shape {name:?}")]
    UnknownShape {
        /// The name.
        name: String,
    },
    /// A job is for a circuit that this program has not.
    #[error("{label} is for a circuit that is not here")]
    NoCircuit {
        /// The job.
        label: String,
    },
    /// A job does not say what it is for.
    #[error("the payload of {label}: {error}")]
    Payload {
        /// The job.
        label: String,
        /// What is wrong with it.
        error: String,
    },
    /// The way to L1 was not opened.
    #[error("there is no key for Groth16 here: make or import one with `sheaf setup`")]
    NoKey,
    /// Lift, join or shrink cannot be built.
    #[error("{0}")]
    Recursion(String),
}

impl From<ProveError> for CircuitsError {
    fn from(error: ProveError) -> Self {
        Self::Recursion(error.to_string())
    }
}
