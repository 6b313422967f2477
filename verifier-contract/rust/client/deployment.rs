//! Making a rollup: the two contracts, from the committed artifacts.

use alloy::primitives::{Address, Bytes, B256, U256};
use alloy::sol_types::SolValue;
use serde::Deserialize;
use sheaf_circuits::account::AccountIndex;
use sheaf_circuits::hash::Digest;
use thiserror::Error;

use super::abi;
use super::sender::Call;
use crate::artifacts;

/// A Groth16 verifying key, as the verifier's constructor takes it. The constructor checks that its points are points.
#[derive(Clone, Debug)]
pub struct VerifyingKey {
    origin: String,
    circuit: String,
    words: abi::VerifyingKey,
}

impl VerifyingKey {
    /// Reads the JSON form of `sheaf_aggregator::groth16::EvmVerifyingKey`.
    pub fn from_json(json: &[u8]) -> Result<Self, KeyError> {
        #[derive(Deserialize)]
        struct Fields {
            origin: String,
            circuit: String,
            alpha: Vec<String>,
            beta: Vec<String>,
            gamma: Vec<String>,
            delta: Vec<String>,
            ic0: Vec<String>,
            ic1: Vec<String>,
        }
        let fields: Fields = serde_json::from_slice(json).map_err(|error| KeyError::Json(error.to_string()))?;
        Ok(Self {
            words: abi::VerifyingKey {
                alpha: words("alpha", &fields.alpha)?,
                beta: words("beta", &fields.beta)?,
                gamma: words("gamma", &fields.gamma)?,
                delta: words("delta", &fields.delta)?,
                ic0: words("ic0", &fields.ic0)?,
                ic1: words("ic1", &fields.ic1)?,
            },
            origin: fields.origin,
            circuit: fields.circuit,
        })
    }

    /// The circuit that it is for, in hexadecimal.
    pub fn circuit(&self) -> &str {
        &self.circuit
    }

    /// Where it is from: one that says `dev` must not guard money.
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

fn words<const N: usize>(point: &'static str, texts: &[String]) -> Result<[U256; N], KeyError> {
    let numbers: Option<Vec<U256>> = texts.iter().map(|text| word(text)).collect();
    let numbers = numbers.and_then(|numbers| numbers.try_into().ok());
    numbers.ok_or(KeyError::Point { point, expected: N })
}

fn word(text: &str) -> Option<U256> {
    let mut bytes = B256::ZERO;
    hex::decode_to_slice(text.strip_prefix("0x")?, bytes.as_mut_slice()).ok()?;
    Some(bytes.into())
}

/// Why a file is no verifying key.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Not the JSON of a key.
    #[error("not the JSON of a verifying key: {0}")]
    Json(String),
    /// A point has other coordinates.
    #[error("{point} of the verifying key is not {expected} numbers of 0x and 64 hexadecimal digits")]
    Point {
        /// Which point.
        point: &'static str,
        /// How many numbers it has.
        expected: usize,
    },
}

/// Which programs proofs must be of, by program id: numbers below the order of BN254's groups, big-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgramIds {
    /// The program of batches.
    pub batch: [u8; 32],
    /// The program of exits after a freeze.
    pub exit: [u8; 32],
}

/// What a rollup is made of: `Rollup.Config`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The verifier.
    pub verifier: Address,
    /// Who administers it.
    pub owner: Address,
    /// Who submits batches.
    pub operator: Address,
    /// The account on L2 that fees go to, below 2^16.
    pub operator_index: AccountIndex,
    /// The state root to begin from.
    pub genesis_root: Digest,
    /// The programs.
    pub programs: ProgramIds,
    /// Wei in a quantum of asset 0, below 2^96.
    pub coin_scale: u128,
    /// Wei that a request costs.
    pub request_fee: U256,
    /// Seconds in which a request must be taken.
    pub request_deadline_s: u64,
    /// Seconds of notice before programs change, at least twice the deadline.
    pub program_notice_s: u64,
}

/// Creates the verifier.
pub fn verifier_call(key: &VerifyingKey) -> Call {
    create("deploy the verifier", artifacts::GROTH16_VERIFIER, key.words.abi_encode())
}

/// Creates the rollup. A scale of 2^96 or more becomes 0, which the contract refuses.
pub fn rollup_call(config: &Config) -> Call {
    let arguments = abi::Config {
        verifier: config.verifier,
        owner: config.owner,
        operator: config.operator,
        operatorIndex: config.operator_index.get(),
        genesisRoot: config.genesis_root.to_bytes().into(),
        programs: abi::ProgramIds { batch: config.programs.batch.into(), exit: config.programs.exit.into() },
        coinScale: config.coin_scale.try_into().unwrap_or_default(),
        requestFee: config.request_fee,
        requestDeadline_s: config.request_deadline_s,
        programNotice_s: config.program_notice_s,
    };
    create("deploy the rollup", artifacts::ROLLUP, arguments.abi_encode())
}

fn create(label: &str, artifact: &str, arguments: Vec<u8>) -> Call {
    #[derive(Deserialize)]
    struct Artifact {
        bytecode: Bytes,
    }
    let artifact: Artifact = serde_json::from_str(artifact).expect("a test reads the committed artifacts");
    let data = [artifact.bytecode.to_vec(), arguments].concat().into();
    Call { label: label.into(), to: None, value: U256::ZERO, data }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn artifacts_have_code() {
        for artifact in [artifacts::GROTH16_VERIFIER, artifacts::ROLLUP] {
            assert!(create("test", artifact, vec![1]).data.len() > 1000);
        }
    }

    #[test]
    fn keys_are_read_from_their_json() {
        let point = |n: usize| vec![format!("0x{}", "11".repeat(32)); n];
        let json = |beta: usize| {
            let (g1, g2, beta) = (point(2), point(4), point(beta));
            serde_json::json!({
                "circuit": "00", "origin": "dev", "alpha": g1, "beta": beta, "gamma": g2, "delta": g2, "ic0": g1, "ic1": g1,
            })
        };
        let key = VerifyingKey::from_json(json(4).to_string().as_bytes()).unwrap();
        assert_eq!(key.origin(), "dev");
        let short = VerifyingKey::from_json(json(3).to_string().as_bytes()).unwrap_err();
        assert_eq!(short, KeyError::Point { point: "beta", expected: 4 });
        assert!(matches!(VerifyingKey::from_json(b"{}"), Err(KeyError::Json(_))));
    }
}
