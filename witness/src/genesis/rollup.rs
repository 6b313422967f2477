//! What stays the same as long as a rollup runs: its domain, its operator, its assets.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sheaf_circuits::account::{AccountIndex, AssetId};
use sheaf_circuits::context::{ContractAddress, Domain};
use thiserror::Error;

/// What stays the same as long as a rollup runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rollup {
    /// The L1 chain and contract: what signatures are bound to.
    pub domain: Domain,
    /// The account that fees go to.
    pub operator: AccountIndex,
    /// What can be held.
    pub assets: Vec<Asset>,
}

impl Rollup {
    /// The asset with this number.
    pub fn asset(&self, id: AssetId) -> Option<&Asset> {
        self.assets.iter().find(|asset| asset.id == id)
    }
}

/// An asset and what it is on L1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asset {
    /// Its number.
    pub id: AssetId,
    /// What people call it.
    pub symbol: String,
    /// Its contract on L1; none for the L1's own coin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<ContractAddress>,
    /// L1 base units in a quantum.
    pub scale: Scale,
}

/// How many L1 base units a quantum is; never zero. In JSON a decimal text, since it may pass 2^53.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scale(u128);

impl Scale {
    /// The scale `units`, unless that is zero.
    pub const fn new(units: u128) -> Option<Self> {
        if units > 0 {
            Some(Self(units))
        } else {
            None
        }
    }

    /// L1 base units in a quantum.
    pub const fn get(self) -> u128 {
        self.0
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Scale> for String {
    fn from(scale: Scale) -> String {
        scale.to_string()
    }
}

impl FromStr for Scale {
    type Err = NotAScale;

    fn from_str(text: &str) -> Result<Self, NotAScale> {
        // A leading plus or zero would be a second spelling.
        text.parse()
            .ok()
            .and_then(Self::new)
            .filter(|scale| scale.to_string() == text)
            .ok_or_else(|| NotAScale(text.into()))
    }
}

impl TryFrom<String> for Scale {
    type Error = NotAScale;

    fn try_from(text: String) -> Result<Self, NotAScale> {
        text.parse()
    }
}

/// A text that is not a scale.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("scale {0:?} is not a whole number from 1 to 2^128 - 1 in decimal digits")]
pub struct NotAScale(String);
