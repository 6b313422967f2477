//! The description of a rollup on L1: what `sheaf deploy` writes and the other verbs read.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use sheaf_circuits::hash::Digest;
use sheaf_verifier_contract::client::Address;

use crate::failure::Advice;
use crate::files;

/// What `format` says.
pub const FORMAT: &str = "sheaf-rollup-1";
/// Bytes of a description, at most.
const BYTES: u64 = 1 << 20;

/// A rollup on L1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// Always [`FORMAT`].
    pub format: String,
    /// The chain.
    pub chain_id: u64,
    /// The rollup contract.
    pub rollup: Address,
    /// The verifier contract.
    pub verifier: Address,
    /// The block that the rollup was made in: there are no events before.
    pub block: u64,
    /// The verifying key's origin: one that says `dev` must not guard money.
    pub key_origin: String,
    /// The program of batches.
    pub batch_program: String,
    /// The program of exits.
    pub exit_program: String,
    /// Who administers it.
    pub owner: Address,
    /// Who submits batches.
    pub operator: Address,
    /// The account that fees go to.
    pub operator_index: u32,
    /// The state root that it begins from.
    pub genesis_root: Digest,
    /// Wei that a request costs.
    pub request_fee_wei: String,
    /// Seconds in which a request must be taken.
    pub request_deadline_s: u64,
    /// Seconds of notice before programs change.
    pub program_notice_s: u64,
    /// Assets, asset 0 included.
    pub assets: Vec<AssetEntry>,
}

/// An asset of a rollup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssetEntry {
    /// Its number.
    pub id: u16,
    /// Its contract; none for the chain's coin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Address>,
    /// Base units in a quantum.
    pub scale: String,
}

impl Deployment {
    /// Reads a description.
    pub fn read(path: &Path) -> Result<Self> {
        let no = || {
            let what = format!("{} does not describe a rollup", path.display());
            Advice::new(what, "name the file that `sheaf deploy` wrote, or an address, with --rollup")
        };
        let deployment: Self = serde_json::from_slice(&files::read(path, BYTES)?).with_context(no)?;
        if deployment.format != FORMAT {
            let got = anyhow::anyhow!("format is {:?}, expected {FORMAT:?}", deployment.format);
            return Err(got.context(no()));
        }
        Ok(deployment)
    }

    /// Writes it.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        files::write(path, |file| writeln!(file, "{text}"))
    }
}
