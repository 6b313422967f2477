//! Makes proofs of lifts and joins.
//!
//! Building a circuit takes as long as a proof or longer, and a worker may need one circuit only. So circuits are built
//! when they are first needed: at once by [`Recursion::build`], which has to know them all, or later, when the verifier
//! data is known from an earlier build ([`Recursion::with_verifier`]).

use std::sync::OnceLock;

use plonky2::plonk::circuit_data::{VerifierCircuitData, VerifierOnlyCircuitData};
use sheaf_circuits::hash::{Digest, C, D};
use sheaf_circuits::public_inputs::{JoinError, PublicInputs, WrongLength};
use sheaf_circuits::security::Profile;
use thiserror::Error;

use crate::allowed_set::{CircuitIndex, LIFT_CHUNKS_MAX, SHAPES_MAX};
use crate::join::{Child, JoinCircuit};
use crate::lift::{ChunkVerifier, LiftCircuit};
use crate::proof::{ChunkProof, Proof};
use crate::shape::{BuildError, CommonShape};
use crate::verifier::{Verifier, VerifyError};

#[cfg(test)]
mod tests;

/// The lifts of one shape, by the number of chunks less one.
type Lifts = [OnceLock<Result<LiftCircuit, BuildError>>; LIFT_CHUNKS_MAX];

/// The circuits of recursion for a list of chunk shapes.
pub struct Recursion {
    verifier: Verifier,
    chunks: Vec<ChunkVerifier>,
    lifts: Vec<Lifts>,
    join: OnceLock<Result<JoinCircuit, BuildError>>,
}

impl Recursion {
    /// Builds all circuits.
    pub fn build(profile: Profile, chunks: Vec<ChunkVerifier>) -> Result<Self, BuildError> {
        check_count(&chunks)?;
        let shape = CommonShape::find(profile)?;
        let join = JoinCircuit::build(&shape)?;
        let mut circuits = vec![Some(join.verifier_only().clone())];
        let mut lifts = Vec::new();
        for chunk in &chunks {
            let one = LiftCircuit::build(&shape, chunk, 1)?;
            let two = match LiftCircuit::build(&shape, chunk, 2) {
                // Not an error: two chunks of this shape do not fit, so its chunks are lifted one by one.
                Err(BuildError::TooManyRows { .. }) => None,
                two => Some(two?),
            };
            circuits.push(Some(one.verifier_only().clone()));
            circuits.push(two.as_ref().map(|two| two.verifier_only().clone()));
            lifts.push([OnceLock::from(Ok(one)), two.map_or_else(OnceLock::new, |two| OnceLock::from(Ok(two)))]);
        }
        Ok(Self { verifier: Verifier::new(shape, circuits), chunks, lifts, join: OnceLock::from(Ok(join)) })
    }

    /// Circuits that are built when they are first needed, and must then be those that `verifier` knows. `chunks` are
    /// the same, in the same order, as when the verifier data was made.
    pub fn with_verifier(verifier: Verifier, chunks: Vec<ChunkVerifier>) -> Result<Self, BuildError> {
        check_count(&chunks)?;
        let lifts = chunks.iter().map(|_| Lifts::default()).collect();
        Ok(Self { verifier, chunks, lifts, join: OnceLock::new() })
    }

    /// The verifier of these circuits' proofs.
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The chunk shapes.
    pub fn chunks(&self) -> &[ChunkVerifier] {
        &self.chunks
    }

    /// How many chunks of a shape one lift takes, at most: 1 or 2.
    pub fn chunks_per_lift(&self, shape: usize) -> Result<usize, ProveError> {
        self.chunk(shape)?;
        let takes = |chunks: &usize| self.verifier.circuit(CircuitIndex::lift(shape, *chunks)).is_some();
        Ok((1..=LIFT_CHUNKS_MAX).rev().find(takes).unwrap_or(1))
    }

    /// The lift of `chunks` chunks of a shape. Builds it the first time, which takes seconds.
    pub fn lift_circuit(&self, shape: usize, chunks: usize) -> Result<&LiftCircuit, ProveError> {
        let chunk = self.chunk(shape)?;
        let max = self.chunks_per_lift(shape)?;
        if !(1..=max).contains(&chunks) {
            return Err(ProveError::LiftOf { got: chunks, max });
        }
        let index = CircuitIndex::lift(shape, chunks);
        let build = || {
            let lift = LiftCircuit::build(self.verifier.shape(), chunk, chunks)?;
            self.check_built(index, lift.verifier_only(), || format!("lift of {chunks} of {}", chunk.name))?;
            Ok(lift)
        };
        self.lifts[shape][chunks - 1].get_or_init(build).as_ref().map_err(|error| error.clone().into())
    }

    /// The join. Builds it the first time, which takes seconds.
    pub fn join_circuit(&self) -> Result<&JoinCircuit, ProveError> {
        let build = || {
            let join = JoinCircuit::build(self.verifier.shape())?;
            self.check_built(CircuitIndex::JOIN, join.verifier_only(), || "join".to_owned())?;
            Ok(join)
        };
        self.join.get_or_init(build).as_ref().map_err(|error| error.clone().into())
    }

    /// Lifts chunk proofs of one shape, left to right: one, or two where [`Self::chunks_per_lift`] says so.
    pub fn lift(&self, shape: usize, proofs: &[&ChunkProof]) -> Result<Proof, ProveError> {
        let circuit = self.lift_circuit(shape, proofs.len())?;
        let says: Vec<_> = proofs.iter().map(|proof| self.verify_chunk(shape, proof)).collect::<Result<_, _>>()?;
        for pair in says.windows(2) {
            pair[0].join(&pair[1])?;
        }
        let proof = circuit.prove(proofs).map_err(ProveError::Plonky2)?;
        Ok(self.proof(CircuitIndex::lift(shape, proofs.len()), proof))
    }

    /// Joins two neighbours, each a lift or a join.
    pub fn join(&self, left: &Proof, right: &Proof) -> Result<Proof, ProveError> {
        let verify = |side, proof| self.verifier.verify(proof).map_err(|source| ProveError::Child { side, source });
        verify("left", left)?.join(&verify("right", right)?)?;
        let children = [left, right].map(|proof| Child {
            proof: &proof.proof,
            circuit: self.verifier.circuit(proof.circuit).expect("it was just verified with it"),
            index: proof.circuit,
        });
        let proof = self.join_circuit()?.prove(children, self.verifier.set()).map_err(ProveError::Plonky2)?;
        Ok(self.proof(CircuitIndex::JOIN, proof))
    }

    /// What a chunk proof says, if it verifies and names this set of circuits.
    pub fn verify_chunk(&self, shape: usize, proof: &ChunkProof) -> Result<PublicInputs, ProveError> {
        let chunk = self.chunk(shape)?;
        let says = PublicInputs::from_elements(&proof.public_inputs)?;
        let (expected, got) = (self.verifier.set().root(), says.allowed_set);
        if got != expected {
            return Err(ProveError::AllowedSet { expected, got });
        }
        let data = VerifierCircuitData { verifier_only: chunk.verifier_only.clone(), common: chunk.common.clone() };
        data.verify(proof.clone()).map_err(|error| ProveError::Chunk(error.to_string()))?;
        Ok(says)
    }

    fn chunk(&self, shape: usize) -> Result<&ChunkVerifier, ProveError> {
        self.chunks.get(shape).ok_or(ProveError::Shape { got: shape, shapes: self.chunks.len() })
    }

    fn proof(&self, circuit: CircuitIndex, proof: ChunkProof) -> Proof {
        Proof { profile: self.verifier.profile(), circuit, proof }
    }

    fn check_built(
        &self,
        index: CircuitIndex,
        built: &VerifierOnlyCircuitData<C, D>,
        name: impl Fn() -> String,
    ) -> Result<(), BuildError> {
        if self.verifier.circuit(index) == Some(built) {
            Ok(())
        } else {
            Err(BuildError::OtherCircuit { circuit: name() })
        }
    }
}

fn check_count(chunks: &[ChunkVerifier]) -> Result<(), BuildError> {
    match chunks.len() {
        got if got > SHAPES_MAX => Err(BuildError::TooManyShapes { got, max: SHAPES_MAX }),
        _ => Ok(()),
    }
}

/// Why a lift or join is not made.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ProveError {
    /// There is no such chunk shape.
    #[error("there is no chunk shape {got}; there are {shapes}, counted from 0")]
    Shape {
        /// The shape asked for.
        got: usize,
        /// How many there are.
        shapes: usize,
    },
    /// There is no lift of that many chunks of the shape.
    #[error("a lift of {got} chunks; the shape's lifts take 1 to {max}")]
    LiftOf {
        /// How many were given.
        got: usize,
        /// The most that one lift takes.
        max: usize,
    },
    /// A chunk proof has another number of public inputs.
    #[error("chunk proof: {0}")]
    PublicInputs(#[from] WrongLength),
    /// A chunk proof does not verify.
    #[error("the chunk proof does not verify: {0}")]
    Chunk(String),
    /// A chunk proof names another set of circuits, so no join would take its lift.
    #[error("the chunk proof names the circuit set {got}, expected {expected}: was it made by another version?")]
    AllowedSet {
        /// The root of this set.
        expected: Digest,
        /// The root that the proof names.
        got: Digest,
    },
    /// A proof to be joined does not verify.
    #[error("the {side} proof: {source}")]
    Child {
        /// Left or right.
        side: &'static str,
        /// What is wrong with it.
        source: VerifyError,
    },
    /// The proofs are not neighbours of one batch.
    #[error(transparent)]
    NotNeighbours(#[from] JoinError),
    /// The circuit cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// plonky2 makes no proof, though everything was checked.
    #[error("no proof: {0}")]
    Plonky2(String),
}
