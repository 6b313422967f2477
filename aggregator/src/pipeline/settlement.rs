//! From the last join to the proof that L1 verifies: the program, the key, and the work of both jobs.
//!
//! ```text
//!   proof of the common shape ──shrink──▶ shrink proof ──wrap──▶ 256 bytes
//!             context ────────────┘              key ────┘
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

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
use crate::groth16::{self, CircuitDigest, DecodeProofError, InvalidProof, Key, VerifyingKey};
use crate::proof::Proof;
use crate::shrink::values::PublicValues;
use crate::shrink::{Shrink, ShrinkProof, ShrinkVerifier};
use crate::verifier::Verifier;
use crate::wrap::{constrain, Wrapped};

/// The way of one profile's batches to L1, with one key.
pub struct Settlement {
    program: ShrinkVerifier,
    wrap: CircuitDigest,
    verifying: VerifyingKey,
    key: PathBuf,
    shrink: OnceLock<Result<Shrink, String>>,
}

impl Settlement {
    /// Reads the pinned program of `profile` and the beginning of the key file `key`, which has to be of this wrap.
    pub fn new(profile: Profile, key: &Path) -> Result<Self, SettlementError> {
        let programs = Programs::load()?;
        let at = |source| SettlementError::Key { path: key.to_owned(), source };
        let header = Header::load(key).map_err(at)?;
        let (expected, got) = (programs.wrap(), header.verifying.circuit);
        if got != expected {
            return Err(at(KeyError::Circuit { expected, got }));
        }
        let length = |source| at(KeyError::Io { doing: "look at", source });
        let (expected, got) = (header.file_bytes(), fs::metadata(key).map_err(length)?.len());
        if got != expected {
            return Err(at(KeyError::Length { expected, got }));
        }
        Ok(Self {
            program: programs.verifier(Program::Batch(profile)),
            wrap: programs.wrap(),
            verifying: header.verifying,
            key: key.to_owned(),
            shrink: OnceLock::new(),
        })
    }

    /// Verifies the shrink proofs of the program.
    pub fn program(&self) -> &ShrinkVerifier {
        &self.program
    }

    /// Verifies the last proofs.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// What names shrink in jobs: the program's id.
    pub fn shrink_digest(&self) -> JobCircuit {
        JobCircuit(self.program.program_id().to_bytes())
    }

    /// What names the wrap in jobs: the circuit and the key, since a proof made with another key is worth nothing here.
    pub fn wrap_digest(&self) -> JobCircuit {
        let mut hasher = Sha256::new();
        hasher.update(b"sheaf wrap v1");
        hasher.update(self.verifying.to_bytes());
        JobCircuit(hasher.finalize().into())
    }

    /// The circuits up to shrink over what `below` verifies, built the first time; they must be the pinned program.
    pub fn shrink(&self, below: &Verifier) -> Result<&Shrink, String> {
        let build = || {
            let shrink = Shrink::build(below.clone()).map_err(|error| error.to_string())?;
            let (expected, got) = (self.program.program_id(), shrink.verifier().program_id());
            if got != expected {
                return Err(format!("shrink was built as program {got}, but {expected} is pinned"));
            }
            Ok(shrink)
        };
        self.shrink.get_or_init(build).as_ref().map_err(Clone::clone)
    }

    /// Does a shrink job.
    pub(super) fn prove_shrink(&self, below: &Verifier, proof: &Proof, context: &Context) -> Result<Vec<u8>, String> {
        let proof = self.shrink(below)?.prove(proof, context).map_err(|error| error.to_string())?;
        Ok(proof.to_bytes(below.profile()))
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

    /// Does a wrap job. The key, which is large, is read for it and let go after it.
    pub(super) fn prove_wrap(&self, shrink_proof: &[u8]) -> Result<Vec<u8>, String> {
        let proof = self.shrink_proof(shrink_proof)?;
        self.program.verify(&proof).map_err(|error| error.to_string())?;
        let r1cs = constrain(&Wrapped::new(&self.program, &proof)).map_err(|error| error.to_string())?;
        let key = Key::load(&self.key, &self.wrap).map_err(|error| format!("{}: {error}", self.key.display()))?;
        if *key.verifying() != self.verifying {
            return Err(format!("{} was replaced by another key", self.key.display()));
        }
        Ok(groth16::prove(&key, &r1cs).map_err(|error| error.to_string())?.to_bytes().to_vec())
    }

    /// Checks what a wrap job gave for a shrink proof.
    pub(super) fn check_wrap(&self, output: &[u8], shrink_proof: &[u8]) -> Result<(), String> {
        let values = self.shrink_proof(shrink_proof)?.values;
        let statement = values.statement(self.program.program_id()).map_err(|error| error.to_string())?;
        verify(&self.verifying, &statement, output).map_err(|error| error.to_string())
    }

    /// Checks a batch as L1 will, all but what only L1 knows: the state's root, the queue, and the time.
    pub fn verify(&self, batch: &L1Batch) -> Result<(), L1VerifyError> {
        let (expected, got) = (self.program.program_id().to_bytes(), batch.program_id);
        if got != expected {
            return Err(L1VerifyError::Program { expected: hex::encode(expected), got: hex::encode(got) });
        }
        verify_batch(&self.verifying, batch)
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

/// Why there is no way to L1.
#[derive(Debug, Error)]
pub enum SettlementError {
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
