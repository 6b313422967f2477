//! From the last join to the proof that L1 verifies: the program, the key, and the work of both jobs.
//!
//! ```text
//!   proof of the common shape ──shrink──▶ shrink proof ──wrap──▶ 256 bytes
//!             context ────────────┘              key ────┘
//! ```

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::{fs, io};

use ark_bn254::Fr;
use ark_ff::PrimeField;
use sha2::{Digest as _, Sha256};
use sheaf_circuits::context::Context;
use sheaf_circuits::public_inputs::PublicInputs;
use sheaf_circuits::security::Profile;
use sheaf_prover::digest::CircuitDigest as JobCircuit;
use sheaf_verifier_contract::{L1Batch, L1BatchError, Statement};
use thiserror::Error;

use super::programs::{Program, Programs, ProgramsError};
use crate::groth16::key::file::{Header, KeyError};
use crate::groth16::{self, DecodeProofError, InvalidProof, Key, ProveError, VerifyingKey};
use crate::shrink::shelf::Shelf;
use crate::shrink::values::PublicValues;
use crate::shrink::{Shrink, ShrinkProof, ShrinkVerifier, ShrinkVerifyError};
use crate::verifier::Verifier;
use crate::wrap::shape::ShapeDiffers;
use crate::wrap::{constrain, Wrapped};

/// The way of one profile's batches to L1, with one key.
pub struct Settlement {
    program: ShrinkVerifier,
    wrapper: Wrapper,
    /// The folder that built circuits are kept in.
    kept_in: Option<PathBuf>,
    shrink: OnceLock<Result<Shrink, String>>,
}

impl Settlement {
    /// The pinned program of `profile`, and a key.
    pub fn new(profile: Profile, wrapper: Wrapper) -> Result<Self, ProgramsError> {
        let program = Programs::load()?.verifier(Program::Batch(profile));
        Ok(Self { program, wrapper, kept_in: None, shrink: OnceLock::new() })
    }

    /// Keeps built circuits in a folder, 0.4 GB for a fast program and 1.0 GB for a proven one, so that a machine builds
    /// them once: that saves half a minute of two cores.
    pub fn keep_in(self, folder: PathBuf) -> Self {
        Self { kept_in: Some(folder), ..self }
    }

    /// Verifies the shrink proofs of the program.
    pub fn program(&self) -> &ShrinkVerifier {
        &self.program
    }

    /// What wraps its proofs.
    pub fn wrapper(&self) -> &Wrapper {
        &self.wrapper
    }

    /// What names shrink in jobs: the program's id.
    pub fn shrink_digest(&self) -> JobCircuit {
        JobCircuit(self.program.program_id().to_bytes())
    }

    /// The file that built circuits are kept in, if they are kept.
    pub fn kept(&self) -> Option<PathBuf> {
        Some(self.kept_in.as_ref()?.join(format!("{}.circuits", self.program.program_id())))
    }

    /// The circuits up to shrink over what `below` verifies, read or built the first time; they must be the pinned program.
    /// `not_kept` is told when they cannot be kept, which costs time only.
    pub fn shrink(&self, below: &Verifier, not_kept: &dyn Fn(io::Error)) -> Result<&Shrink, String> {
        let expected = self.program.program_id();
        let file = self.kept();
        let build = |shelf: &Shelf| {
            let shrink = Shrink::build_with(below.clone(), shelf).map_err(|error| error.to_string())?;
            match shrink.verifier().program_id() {
                got if got == expected => Ok(shrink),
                got => Err(format!("shrink was built as program {got}, but {expected} is pinned")),
            }
        };
        let read_or_build = || {
            let kept = file.as_ref().and_then(|file| Shelf::read(file, expected));
            if let Some(Ok(shrink)) = kept.as_ref().map(build) {
                return Ok(shrink);
            }
            let shrink = build(&Shelf::default())?;
            if let Some(file) = &file {
                shrink.to_shelf().write(file, expected).unwrap_or_else(not_kept);
            }
            Ok(shrink)
        };
        self.shrink.get_or_init(read_or_build).as_ref().map_err(Clone::clone)
    }

    /// Checks what a shrink job gave: that it says what `says`, the proof below, does in that context.
    pub(super) fn check_shrink(&self, output: &[u8], says: &PublicInputs, context: &Context) -> Result<(), String> {
        let proof = self.shrink_proof(output)?;
        let expected = PublicValues::new(says, context).map_err(|error| error.to_string())?;
        if proof.values != expected {
            return Err(format!("the shrink proof says {:?}, expected {expected:?}", proof.values));
        }
        self.program.verify(&proof).map_err(|error| error.to_string())
    }

    fn shrink_proof(&self, bytes: &[u8]) -> Result<ShrinkProof, String> {
        self.program.decode(bytes).map_err(|error| format!("shrink proof: {error}"))
    }

    /// Does a wrap job.
    pub(super) fn prove_wrap(&self, shrink_proof: &[u8]) -> Result<Vec<u8>, String> {
        let proof = self.shrink_proof(shrink_proof)?;
        let wrapped = self.wrapper.prove(&self.program, &proof).map_err(|error| error.to_string())?;
        Ok(wrapped.to_bytes().to_vec())
    }

    /// Checks what a wrap job gave for a shrink proof.
    pub(super) fn check_wrap(&self, output: &[u8], shrink_proof: &[u8]) -> Result<(), String> {
        let values = self.shrink_proof(shrink_proof)?.values;
        let statement = values.statement(self.program.program_id()).map_err(|error| error.to_string())?;
        verify(&self.wrapper.verifying, &statement, output).map_err(|error| error.to_string())
    }

    /// Checks a batch as L1 will, all but what only L1 knows: the state's root, the queue, and the time.
    pub fn verify(&self, batch: &L1Batch) -> Result<(), L1VerifyError> {
        let (expected, got) = (self.program.program_id().to_bytes(), batch.program_id);
        if got != expected {
            return Err(L1VerifyError::Program { expected: hex::encode(expected), got: hex::encode(got) });
        }
        verify_batch(&self.wrapper.verifying, batch)
    }
}

/// Makes Groth16 proofs of any program's shrink proofs, with one key.
#[derive(Clone, Debug)]
pub struct Wrapper {
    verifying: VerifyingKey,
    key: PathBuf,
}

impl Wrapper {
    /// Reads the beginning of the key file `key`, which has to be of the pinned wrap.
    pub fn open(key: &Path) -> Result<Self, WrapperError> {
        let at = |source| WrapperError::Key { path: key.to_owned(), source };
        let header = Header::load(key).map_err(at)?;
        let (expected, got) = (Programs::load()?.wrap(), header.verifying.circuit);
        if got != expected {
            return Err(at(KeyError::Circuit { expected, got }));
        }
        let metadata = fs::metadata(key).map_err(|source| at(KeyError::Io { doing: "look at", source }))?;
        let (expected, got) = (header.file_bytes(), metadata.len());
        if got != expected {
            return Err(at(KeyError::Length { expected, got }));
        }
        Ok(Self { verifying: header.verifying, key: key.to_owned() })
    }

    /// The key's file.
    pub fn key(&self) -> &Path {
        &self.key
    }

    /// Verifies the proofs.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// What names the wrap in jobs: the circuit and the key, since a proof made with another key is worth nothing here.
    pub fn digest(&self) -> JobCircuit {
        let mut hasher = Sha256::new();
        hasher.update(b"sheaf wrap v1");
        hasher.update(self.verifying.to_bytes());
        JobCircuit(hasher.finalize().into())
    }

    /// Proves that `proof` verifies. The key, which is large, is read for it and let go after it.
    pub fn prove(&self, program: &ShrinkVerifier, proof: &ShrinkProof) -> Result<groth16::Proof, WrapperError> {
        program.verify(proof)?;
        let r1cs = constrain(&Wrapped::new(program, proof))?;
        let at = |source| WrapperError::Key { path: self.key.clone(), source };
        let key = Key::load(&self.key, &self.verifying.circuit).map_err(at)?;
        if *key.verifying() != self.verifying {
            return Err(WrapperError::Replaced { path: self.key.clone() });
        }
        Ok(groth16::prove(&key, &r1cs)?)
    }
}

/// Checks the Groth16 proof of a batch, whatever its program.
pub fn verify_batch(key: &VerifyingKey, batch: &L1Batch) -> Result<(), L1VerifyError> {
    verify(key, &batch.statement()?, &batch.proof)
}

/// Checks that `proof` is of `statement`.
pub fn verify(key: &VerifyingKey, statement: &Statement, proof: &[u8]) -> Result<(), L1VerifyError> {
    let proof = groth16::Proof::from_bytes(proof)?;
    Ok(key.verify(public_input(statement), &proof)?)
}

/// The one public input of a statement's proof.
pub fn public_input(statement: &Statement) -> Fr {
    // Below 2^253, so nothing is reduced.
    Fr::from_be_bytes_mod_order(&statement.public_input())
}

/// Why there is no Groth16 proof.
#[derive(Debug, Error)]
pub enum WrapperError {
    /// The pinned programs cannot be read.
    #[error(transparent)]
    Programs(#[from] ProgramsError),
    /// The key cannot be used.
    #[error("{path}: {source}", path = path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        source: KeyError,
    },
    /// The key's file is of another key than it was.
    #[error("{path} was replaced by another key: begin again", path = path.display())]
    Replaced {
        /// The file.
        path: PathBuf,
    },
    /// The shrink proof does not verify.
    #[error("the shrink proof: {0}")]
    Shrink(#[from] ShrinkVerifyError),
    /// The shrink proof is not of the shape that the wrap was made for.
    #[error("the shrink proof: {0}")]
    Shape(#[from] ShapeDiffers),
    /// Groth16 makes no proof.
    #[error(transparent)]
    Prove(#[from] ProveError),
}

/// Why a batch for L1 is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum L1VerifyError {
    /// It is of another program.
    #[error("the proof is of program {got}, expected {expected}: was it made with another profile or version?")]
    Program {
        /// The program asked for.
        expected: String,
        /// The batch's.
        got: String,
    },
    /// Its streams have no meaning.
    #[error(transparent)]
    Batch(#[from] L1BatchError),
    /// Its proof is none.
    #[error(transparent)]
    Decode(#[from] DecodeProofError),
    /// Its proof is of something else.
    #[error(transparent)]
    Invalid(#[from] InvalidProof),
}
