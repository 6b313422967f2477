//! The verifier data of all circuits, kept in files of this crate.
//!
//! Building a full chunk circuit takes ten seconds and more; verifying a proof needs only its verifier data, which is a
//! few kilobytes. So the data are pinned in `verifier-data/`, one file a profile, and a test builds every circuit and
//! compares. A file is made anew with `SHEAF_REGENERATE=1 cargo test --release -p sheaf-aggregator pinned`, which
//! is what to do, and to say in the changelog, when a circuit changes on purpose: proofs made before no longer verify.

use plonky2::plonk::circuit_data::{CommonCircuitData, VerifierCircuitData};
use serde::{Deserialize, Serialize};
use sheaf_circuits::chunk::circuit::ChunkCircuit;
use sheaf_circuits::chunk::shapes;
use sheaf_circuits::gates::SheafGateSerializer;
use sheaf_circuits::hash::{C, D, F};
use sheaf_circuits::security::Profile;
use thiserror::Error;

use crate::lift::ChunkVerifier;
use crate::recursion::Recursion;
use crate::shape::{BuildError, CommonShape};
use crate::verifier::Verifier;

/// The version of the files' encoding.
const VERSION: u16 = 1;

/// The verifier data of all circuits of a profile.
#[derive(Clone, Debug)]
pub struct PinnedCircuits {
    /// Of lifts and joins.
    pub verifier: Verifier,
    /// Of chunks, in the order of [`shapes::all`].
    pub chunks: Vec<ChunkVerifier>,
}

/// What a file holds.
#[derive(Serialize, Deserialize)]
struct File {
    version: u16,
    profile: Profile,
    /// Common data of lifts and joins.
    common: Vec<u8>,
    /// Name and verifier data of each chunk circuit.
    chunks: Vec<(String, Vec<u8>)>,
    /// Lifts and joins.
    verifier: Vec<u8>,
}

impl PinnedCircuits {
    /// The pinned data of a profile.
    pub fn load(profile: Profile) -> Result<Self, PinnedError> {
        let bytes: &[u8] = match profile {
            Profile::Proven => include_bytes!("../../verifier-data/proven.bin"),
            Profile::Fast => include_bytes!("../../verifier-data/fast.bin"),
        };
        Self::decode(profile, bytes)
    }

    /// Builds every circuit of a profile: a minute or more on two cores.
    pub fn build(profile: Profile) -> Result<Self, BuildError> {
        let chunks: Vec<_> =
            shapes::all().into_iter().map(|shape| ChunkVerifier::from(&ChunkCircuit::build(shape, profile))).collect();
        let recursion = Recursion::build(profile, chunks.clone())?;
        Ok(Self { verifier: recursion.verifier().clone(), chunks })
    }

    fn decode(profile: Profile, bytes: &[u8]) -> Result<Self, PinnedError> {
        let malformed = |what: &str| PinnedError { profile, what: what.to_owned() };
        let file: File = postcard::from_bytes(bytes).map_err(|error| malformed(&error.to_string()))?;
        if file.version != VERSION || file.profile != profile {
            return Err(malformed("another version or profile"));
        }
        let common = CommonCircuitData::<F, D>::from_bytes(file.common, &SheafGateSerializer)
            .map_err(|_| malformed("common data"))?;
        let shape = CommonShape::from_common(profile, common);
        let verifier = Verifier::from_bytes(shape, &file.verifier).map_err(|error| malformed(&error.to_string()))?;
        let chunk = |(name, bytes)| {
            let data = VerifierCircuitData::<F, C, D>::from_bytes(bytes, &SheafGateSerializer)
                .map_err(|_| malformed(&format!("chunk {name}")))?;
            Ok(ChunkVerifier { name, common: data.common, verifier_only: data.verifier_only })
        };
        let chunks = file.chunks.into_iter().map(chunk).collect::<Result<_, _>>()?;
        Ok(Self { verifier, chunks })
    }

    #[cfg(test)]
    fn encode(&self) -> Vec<u8> {
        let chunk = |chunk: &ChunkVerifier| {
            let data = VerifierCircuitData::<F, C, D> {
                verifier_only: chunk.verifier_only.clone(),
                common: chunk.common.clone(),
            };
            (chunk.name.clone(), data.to_bytes(&SheafGateSerializer).expect("every gate is listed"))
        };
        let file = File {
            version: VERSION,
            profile: self.verifier.profile(),
            common: self.verifier.shape().common().to_bytes(&SheafGateSerializer).expect("every gate is listed"),
            chunks: self.chunks.iter().map(chunk).collect(),
            verifier: self.verifier.to_bytes(),
        };
        postcard::to_stdvec(&file).expect("writing to a vector does not fail")
    }
}

/// The pinned file does not fit this program.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the pinned verifier data of profile {profile} do not fit this program ({what}); make them anew, see docs")]
pub struct PinnedError {
    /// The profile.
    pub profile: Profile,
    /// What is wrong.
    pub what: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(profile: Profile, name: &str) {
        let built = PinnedCircuits::build(profile).unwrap().encode();
        let path = format!("{}/verifier-data/{name}.bin", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("SHEAF_REGENERATE").is_some() {
            std::fs::write(path, built).unwrap();
        } else {
            assert!(built == std::fs::read(path).unwrap(), "the circuits of profile {name} changed");
        }
    }

    #[test]
    fn pinned_data_are_those_of_the_circuits_fast() {
        check(Profile::Fast, "fast");
    }

    #[test]
    fn pinned_data_are_those_of_the_circuits_proven() {
        check(Profile::Proven, "proven");
    }
}
