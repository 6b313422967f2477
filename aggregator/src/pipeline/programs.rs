//! The programs that L1 knows by their ids, and the circuit that wraps their proofs: pinned in `verifier-data/l1.bin`.
//!
//! Building a program takes half a minute or more, nearly all of it for the tree of shrink's constants. Its verifier data
//! are two kilobytes, and all programs share their common data. The file is made anew as [`super::pinned`]'s are; whoever
//! has registered a program id on L1 has to register the new one then, with notice.

use std::fmt;

use plonky2::plonk::circuit_data::{CommonCircuitData, VerifierOnlyCircuitData};
use serde::{Deserialize, Serialize};
use sheaf_circuits::hash::{D, F};
use sheaf_circuits::security::Profile;
use thiserror::Error;

use crate::bn254::Bn254Config;
use crate::groth16::CircuitDigest;
use crate::shrink::shelf::ShrinkGateSerializer;
use crate::shrink::ShrinkVerifier;

/// The version of the file's encoding.
const VERSION: u16 = 1;

/// What a program proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Program {
    /// That batches proven with a profile take the state from one root to another.
    Batch(Profile),
    /// What an account holds in a state: the way out of a frozen rollup.
    Exit,
}

impl Program {
    /// All of them, in the file's order.
    pub const ALL: [Self; 3] = [Self::Batch(Profile::Proven), Self::Batch(Profile::Fast), Self::Exit];

    fn profile(self) -> Profile {
        match self {
            Self::Batch(profile) => profile,
            // Its layers are those after the join, which every profile has.
            Self::Exit => Profile::Proven,
        }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Batch(profile) => write!(f, "batch, {profile}"),
            Self::Exit => f.write_str("exit"),
        }
    }
}

/// What is pinned.
#[derive(Clone, Debug)]
pub struct Programs {
    common: CommonCircuitData<F, D>,
    verifier_only: Vec<VerifierOnlyCircuitData<Bn254Config, D>>,
    wrap: CircuitDigest,
}

/// What the file holds.
#[derive(Serialize, Deserialize)]
struct File {
    version: u16,
    /// Common data of every shrink.
    common: Vec<u8>,
    /// Verifier data, in the order of [`Program::ALL`].
    programs: Vec<Vec<u8>>,
    /// The wrap's digest.
    wrap: [u8; 32],
}

impl Programs {
    /// The pinned data.
    pub fn load() -> Result<Self, ProgramsError> {
        Self::decode(include_bytes!("../../verifier-data/l1.bin"))
    }

    /// The verifier of a program's shrink proofs.
    pub fn verifier(&self, program: Program) -> ShrinkVerifier {
        let position = Program::ALL.iter().position(|&other| other == program).expect("ALL lists every program");
        ShrinkVerifier::from_parts(program.profile(), self.common.clone(), self.verifier_only[position].clone())
    }

    /// What names the circuit that verifies all of them: keys are made for it.
    pub fn wrap(&self) -> CircuitDigest {
        self.wrap
    }

    /// Common data of every shrink: what the wrap's constraints are made from.
    pub fn common(&self) -> &CommonCircuitData<F, D> {
        &self.common
    }

    fn decode(bytes: &[u8]) -> Result<Self, ProgramsError> {
        let malformed = |what: &str| ProgramsError { what: what.to_owned() };
        let file: File = postcard::from_bytes(bytes).map_err(|error| malformed(&error.to_string()))?;
        if file.version != VERSION {
            return Err(malformed("another version"));
        }
        if file.programs.len() != Program::ALL.len() {
            return Err(malformed("another number of programs"));
        }
        let common = CommonCircuitData::from_bytes(file.common, &ShrinkGateSerializer);
        let verifier_only = file.programs.into_iter().map(VerifierOnlyCircuitData::from_bytes);
        Ok(Self {
            common: common.map_err(|_| malformed("common data"))?,
            verifier_only: verifier_only.collect::<Result<_, _>>().map_err(|_| malformed("verifier data"))?,
            wrap: CircuitDigest(file.wrap),
        })
    }

    #[cfg(test)]
    fn encode(&self) -> Vec<u8> {
        let listed = "every gate is listed";
        let file = File {
            version: VERSION,
            common: self.common.to_bytes(&ShrinkGateSerializer).expect(listed),
            programs: self.verifier_only.iter().map(|data| data.to_bytes().expect(listed)).collect(),
            wrap: self.wrap.0,
        };
        postcard::to_stdvec(&file).expect("writing to a vector does not fail")
    }
}

/// The pinned file does not fit this program.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the pinned data of L1's programs do not fit this binary ({what}); make them anew, see docs")]
pub struct ProgramsError {
    /// What is wrong.
    pub what: String,
}

#[cfg(test)]
mod tests {
    use super::super::pinned::PinnedCircuits;
    use super::*;
    use crate::shrink::exit::ExitProgram;
    use crate::shrink::Shrink;
    use crate::wrap::shape;

    /// Builds all of them: more than two minutes of one core.
    #[test]
    fn pinned_programs_are_those_of_the_circuits() {
        let build = |program| match program {
            Program::Batch(profile) => {
                let shrink = Shrink::build(PinnedCircuits::load(profile).unwrap().verifier).unwrap();
                shrink.verifier().clone()
            }
            Program::Exit => ExitProgram::build().unwrap().verifier().clone(),
        };
        let verifiers = Program::ALL.map(build);
        let common = verifiers[0].common().clone();
        assert!(verifiers.iter().all(|verifier| *verifier.common() == common));
        let built = Programs {
            wrap: CircuitDigest::of(&shape::constraints(&common)),
            verifier_only: verifiers.iter().map(|verifier| verifier.verifier_only().clone()).collect(),
            common,
        };
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/verifier-data/l1.bin");
        if std::env::var_os("SHEAF_REGENERATE").is_some() {
            std::fs::write(path, built.encode()).unwrap();
        } else {
            assert!(built.encode() == std::fs::read(path).unwrap(), "shrink or the wrap changed");
        }
        let read = Programs::decode(&built.encode()).unwrap();
        for (program, verifier) in Program::ALL.into_iter().zip(&verifiers) {
            assert_eq!(read.verifier(program).program_id(), verifier.program_id());
            assert_eq!(read.verifier(program).common(), verifier.common());
        }
    }

    #[test]
    fn programs_differ() {
        let programs = Programs::load().unwrap();
        let mut ids = Program::ALL.map(|program| programs.verifier(program).program_id().0).to_vec();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), Program::ALL.len());
    }
}
