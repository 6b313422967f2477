//! Does the jobs of a batch, and checks what was done.

use std::collections::BTreeSet;
use std::sync::Arc;

use sheaf_circuits::chunk::trace::ChunkTrace;
use sheaf_circuits::chunk::ChunkInput;
use sheaf_circuits::context::Context;
use sheaf_circuits::public_inputs::PublicInputs;
use sheaf_prover::graph::Ability;
use sheaf_prover::job::{JobKind, JobSpec};
use sheaf_prover::work::{Check, Work, WorkError};

use super::circuits::{Circuits, CircuitsError};
use super::jobs::ShrinkPayload;
use super::settlement::Settlement;
use crate::proof::{ChunkProof, Proof};

/// Chunk, lift and join, with the circuits of one profile; and shrink and wrap, if these have the way to L1.
#[derive(Clone)]
pub struct BatchWork {
    circuits: Arc<Circuits>,
}

impl BatchWork {
    /// Work with these circuits.
    pub fn new(circuits: Arc<Circuits>) -> Self {
        Self { circuits }
    }

    fn shape_of(&self, job: &JobSpec) -> Result<usize, String> {
        self.circuits.lifted_shape(job).map_err(|error| error.to_string())
    }

    fn chunk_proof(&self, shape: usize, bytes: &[u8]) -> Result<ChunkProof, String> {
        self.circuits.chunk_verifier(shape).decode(bytes).map_err(|error| format!("chunk proof: {error}"))
    }

    fn proof(&self, bytes: &[u8]) -> Result<Proof, String> {
        self.circuits.verifier().decode(bytes).map_err(|error| format!("proof: {error}"))
    }

    fn chunk_inputs(&self, job: &JobSpec, inputs: &[Vec<u8>]) -> Result<(usize, ChunkInput), String> {
        let input: ChunkInput =
            postcard::from_bytes(only(job, inputs)?).map_err(|error| format!("chunk input: {error}"))?;
        let shape = self.circuits.shape_index(&input.shape).map_err(|error| error.to_string())?;
        Ok((shape, input))
    }

    /// Builds the circuit that a job needs, unless it is built.
    pub fn prepare(&self, job: &JobSpec) -> Result<(), String> {
        let prepared = self.circuits.of_job(job).and_then(|circuit| self.circuits.prepare(circuit));
        prepared.map_err(|error| error.to_string())
    }

    fn do_chunk(&self, job: &JobSpec, inputs: &[Vec<u8>]) -> Result<Vec<u8>, String> {
        let (shape, input) = self.chunk_inputs(job, inputs)?;
        let circuit = self.circuits.chunk(shape).map_err(|error| error.to_string())?;
        Ok(circuit.prove(&input).map_err(|error| error.to_string())?.to_bytes())
    }

    fn do_lift(&self, job: &JobSpec, inputs: &[Vec<u8>]) -> Result<Vec<u8>, String> {
        let shape = self.shape_of(job)?;
        let proofs = inputs.iter().map(|bytes| self.chunk_proof(shape, bytes)).collect::<Result<Vec<_>, _>>()?;
        let proofs: Vec<&ChunkProof> = proofs.iter().collect();
        self.circuits.prepare_lift(shape, proofs.len()).map_err(|error| error.to_string())?;
        Ok(self.circuits.recursion().lift(shape, &proofs).map_err(|error| error.to_string())?.to_bytes())
    }

    fn do_join(&self, job: &JobSpec, inputs: &[Vec<u8>]) -> Result<Vec<u8>, String> {
        let [left, right] = inputs else {
            return Err(format!("{} inputs for {}, expected 2", inputs.len(), job.label));
        };
        let (left, right) = (self.proof(left)?, self.proof(right)?);
        self.circuits.prepare_join().map_err(|error| error.to_string())?;
        Ok(self.circuits.recursion().join(&left, &right).map_err(|error| error.to_string())?.to_bytes())
    }

    fn settlement(&self) -> Result<&Settlement, String> {
        self.circuits.settlement().ok_or_else(|| CircuitsError::NoKey.to_string())
    }

    fn do_shrink(&self, job: &JobSpec, inputs: &[Vec<u8>]) -> Result<Vec<u8>, String> {
        let (proof, context) = (self.proof(only(job, inputs)?)?, shrink_context(job)?);
        let shrink = self.circuits.shrink().map_err(|error| error.to_string())?;
        let proof = shrink.prove(&proof, &context).map_err(|error| error.to_string())?;
        Ok(proof.to_bytes(self.circuits.profile()))
    }

    fn do_wrap(&self, job: &JobSpec, inputs: &[Vec<u8>]) -> Result<Vec<u8>, String> {
        self.settlement()?.prove_wrap(only(job, inputs)?)
    }

    fn check_shrink(&self, job: &JobSpec, inputs: &[Vec<u8>], output: &[u8]) -> Result<(), String> {
        let says = self.proof(only(job, inputs)?)?.public_inputs().map_err(|error| error.to_string())?;
        self.settlement()?.check_shrink(output, &says, &shrink_context(job)?)
    }

    fn check_wrap(&self, job: &JobSpec, inputs: &[Vec<u8>], output: &[u8]) -> Result<(), String> {
        self.settlement()?.check_wrap(output, only(job, inputs)?)
    }

    /// What the job's result must say, from its inputs.
    fn expected(&self, job: &JobSpec, inputs: &[Vec<u8>]) -> Result<PublicInputs, String> {
        match job.kind {
            JobKind::Chunk => {
                let (shape, input) = self.chunk_inputs(job, inputs)?;
                let trace = ChunkTrace::new(&self.circuits.shapes()[shape], &input);
                Ok(trace.map_err(|error| error.to_string())?.public_inputs)
            }
            JobKind::Lift => {
                let shape = self.shape_of(job)?;
                let says = inputs.iter().map(|bytes| {
                    let proof = self.chunk_proof(shape, bytes)?;
                    PublicInputs::from_elements(&proof.public_inputs).map_err(|error| error.to_string())
                });
                let says = says.collect::<Result<Vec<_>, String>>()?;
                join_all(&says)
            }
            JobKind::Join => {
                let says = inputs.iter().map(|bytes| self.proof(bytes)?.public_inputs().map_err(|e| e.to_string()));
                join_all(&says.collect::<Result<Vec<_>, String>>()?)
            }
            kind => Err(format!("no {kind} jobs here")),
        }
    }
}

/// The input of a job that has one.
fn only<'a>(job: &JobSpec, inputs: &'a [Vec<u8>]) -> Result<&'a [u8], String> {
    match inputs {
        [input] => Ok(input),
        _ => Err(format!("{} inputs for {}, expected 1", inputs.len(), job.label)),
    }
}

fn shrink_context(job: &JobSpec) -> Result<Context, String> {
    let payload: ShrinkPayload = postcard::from_bytes(&job.payload).map_err(|error| format!("payload: {error}"))?;
    Ok(payload.context)
}

fn join_all(says: &[PublicInputs]) -> Result<PublicInputs, String> {
    let (first, rest) = says.split_first().ok_or("no inputs")?;
    rest.iter().try_fold(*first, |left, right| left.join(right)).map_err(|error| error.to_string())
}

impl Check for BatchWork {
    fn check(&self, job: &JobSpec, inputs: &[Vec<u8>], output: &[u8]) -> Result<(), String> {
        let got = match job.kind {
            JobKind::Shrink => return self.check_shrink(job, inputs, output),
            JobKind::Wrap => return self.check_wrap(job, inputs, output),
            JobKind::Chunk => {
                let (shape, _) = self.chunk_inputs(job, inputs)?;
                let proof = self.chunk_proof(shape, output)?;
                self.circuits.recursion().verify_chunk(shape, &proof).map_err(|error| error.to_string())?
            }
            _ => self.circuits.verifier().verify(&self.proof(output)?).map_err(|error| error.to_string())?,
        };
        let expected = self.expected(job, inputs)?;
        if got != expected {
            return Err(format!("the proof says {got:?}, expected {expected:?}"));
        }
        Ok(())
    }

    fn covers(&self, ability: Ability) -> Result<(), String> {
        if self.abilities().contains(&ability) {
            return Ok(());
        }
        Err(match ability.kind {
            JobKind::Shrink | JobKind::Wrap => "it needs the key of the same version: `sheaf setup`".to_owned(),
            _ => "it has the circuits of another version or security profile".to_owned(),
        })
    }
}

impl Work for BatchWork {
    fn abilities(&self) -> BTreeSet<Ability> {
        let chunks = (0..self.circuits.shapes().len())
            .map(|shape| Ability { kind: JobKind::Chunk, circuit: self.circuits.chunk_digest(shape) });
        let recursion =
            [JobKind::Lift, JobKind::Join].map(|kind| Ability { kind, circuit: self.circuits.recursion_digest() });
        let settlement = self.circuits.settlement().into_iter().flat_map(|settlement| {
            [(JobKind::Shrink, settlement.shrink_digest()), (JobKind::Wrap, settlement.wrapper().digest())]
                .map(|(kind, circuit)| Ability { kind, circuit })
        });
        chunks.chain(recursion).chain(settlement).collect()
    }

    fn run(&self, job: &JobSpec, inputs: &[Vec<u8>]) -> Result<Vec<u8>, WorkError> {
        // The same inputs give the same failure, so none of these is worth another attempt.
        match job.kind {
            JobKind::Chunk => self.do_chunk(job, inputs),
            JobKind::Lift => self.do_lift(job, inputs),
            JobKind::Join => self.do_join(job, inputs),
            JobKind::Shrink => self.do_shrink(job, inputs),
            JobKind::Wrap => self.do_wrap(job, inputs),
            kind => Err(format!("no {kind} jobs here")),
        }
        .map_err(WorkError::Permanent)
    }
}
