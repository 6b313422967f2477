//! Genesis: the state that a rollup begins from, as a JSON file.
//!
//! ```json
//! {
//!   "format": "sheaf-genesis-1",
//!   "note": "test keys",
//!   "domain": { "chain_id": 1, "contract": "0x…" },
//!   "operator": 0,
//!   "assets": [
//!     { "id": 0, "symbol": "ETH", "scale": "1000000000" },
//!     { "id": 1, "symbol": "USDC", "token": "0x…", "scale": "1" }
//!   ],
//!   "accounts": [
//!     { "index": 0, "key_hash": "…" },
//!     { "index": 1, "owner": "0x…", "key_hash": "…", "nonce": 3, "balances": [[0, 5000], [1, 70]] }
//!   ]
//! }
//! ```
//!
//! | field | meaning |
//! | --- | --- |
//! | `format` | always `sheaf-genesis-1`; comes first |
//! | `note` | a remark for people, optional |
//! | `domain` | the L1 chain's id, below 2^56, and the rollup contract's address: what signatures are bound to |
//! | `operator` | the account that fees go to; one of `accounts` |
//! | `assets` | `id` below 2048, each once, 0 among them; `token` is the L1 contract, absent for the L1's own coin; quanta × `scale` = L1 base units, `scale` a decimal text |
//! | `accounts` | `index` below 2^23, each once; `key_hash` in 64 hexadecimal digits; `nonce` below 2^56, 0 unless given; `kind` 1 (user) unless given, and no other yet; `owner` is the L1 address that owns it, which the state does not hold |
//! | `balances` | pairs of asset and quanta, each asset once; all accounts together hold less than 2^62 of each asset |
//!
//! Unknown fields are refused. The order of assets, accounts and balances has no meaning. On a rollup with an L1, indices
//! from 2^16 on are the L1 contract's to give out: a genesis for it stays below ([`Genesis::first_l1_account`]).

mod check;
mod rollup;

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sheaf_circuits::account::{AccountIndex, AccountKind, AssetId, Cell, CellKey, Header, FIRST_L1_ACCOUNT};
use sheaf_circuits::amount::Quanta;
use sheaf_circuits::context::{ContractAddress, Domain};
use sheaf_circuits::hash::Digest;
use thiserror::Error;

pub use self::check::GenesisError;
pub use self::rollup::{Asset, Rollup, Scale};

/// What `format` says in every genesis file of this version.
pub const GENESIS_FORMAT: &str = "sheaf-genesis-1";

/// The state that a rollup begins from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    format: Format,
    /// A remark for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The L1 chain and contract.
    pub domain: Domain,
    /// The account that fees go to.
    pub operator: AccountIndex,
    /// What can be held.
    pub assets: Vec<Asset>,
    /// Who holds it.
    pub accounts: Vec<GenesisAccount>,
}

/// An account at genesis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisAccount {
    /// Its index.
    pub index: AccountIndex,
    /// The L1 address that owns it. Not part of the state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<ContractAddress>,
    /// H of the public key that signs for it.
    pub key_hash: Digest,
    /// What it is.
    #[serde(default = "user", skip_serializing_if = "is_user")]
    pub kind: AccountKind,
    /// The nonce of its first transaction.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub nonce: u64,
    /// What it holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub balances: Vec<(AssetId, Quanta)>,
}

impl GenesisAccount {
    /// A user account with nonce 0.
    pub fn user(index: AccountIndex, key_hash: Digest, balances: Vec<(AssetId, Quanta)>) -> Self {
        Self { index, owner: None, key_hash, kind: user(), nonce: 0, balances }
    }

    fn cells(&self) -> impl Iterator<Item = (CellKey, Cell)> + '_ {
        let gas = self.balances.iter().find(|(asset, _)| asset.is_gas()).map_or(Quanta::ZERO, |(_, amount)| *amount);
        let header = Header { key_hash: self.key_hash, nonce: self.nonce, balance: gas, kind: self.kind };
        let slots = self
            .balances
            .iter()
            .filter(|(asset, _)| !asset.is_gas())
            .map(|(asset, amount)| (self.index.balance_key(*asset), Cell::from_balance(*amount)));
        std::iter::once((self.index.header_key(), header.to_cell())).chain(slots)
    }
}

impl Genesis {
    /// A genesis with these parts; see [`Self::check`].
    pub fn new(rollup: Rollup, accounts: Vec<GenesisAccount>) -> Self {
        let Rollup { domain, operator, assets } = rollup;
        Self { format: Format, note: None, domain, operator, assets, accounts }
    }

    /// Reads and checks the file at `path`.
    pub fn read(path: &Path) -> Result<Self, ReadGenesisError> {
        let json = std::fs::read(path).map_err(|source| ReadGenesisError::Io { path: path.into(), source })?;
        Self::from_json(&json).map_err(|source| ReadGenesisError::Genesis { path: path.into(), source })
    }

    /// Reads and checks a genesis.
    pub fn from_json(json: &[u8]) -> Result<Self, GenesisError> {
        let genesis: Self = serde_json::from_slice(json).map_err(GenesisError::syntax)?;
        genesis.check()?;
        Ok(genesis)
    }

    /// The file's text: one line for each asset and each account.
    pub fn to_json(&self) -> String {
        let lines = |entries: Vec<String>| match entries.is_empty() {
            true => "[]".into(),
            false => format!("[\n    {}\n  ]", entries.join(",\n    ")),
        };
        let mut fields = vec![("format", json(&self.format))];
        fields.extend(self.note.as_ref().map(|note| ("note", json(note))));
        fields.push(("domain", json(&self.domain)));
        fields.push(("operator", json(&self.operator)));
        fields.push(("assets", lines(self.assets.iter().map(json).collect())));
        fields.push(("accounts", lines(self.accounts.par_iter().map(json).collect())));
        let fields: Vec<_> = fields.into_iter().map(|(name, value)| format!("  \"{name}\": {value}")).collect();
        format!("{{\n{}\n}}\n", fields.join(",\n"))
    }

    /// What stays the same as long as the rollup runs.
    pub fn rollup(&self) -> Rollup {
        Rollup { domain: self.domain, operator: self.operator, assets: self.assets.clone() }
    }

    /// The cells of the state, in no order. The genesis must have passed [`Self::check`].
    pub fn cells(&self) -> Vec<(CellKey, Cell)> {
        self.accounts.par_iter().flat_map_iter(GenesisAccount::cells).collect()
    }

    /// The first account, in the file's order, with an index that the L1 contract gives out.
    pub fn first_l1_account(&self) -> Option<AccountIndex> {
        self.accounts.iter().map(|account| account.index).find(|index| index.get() >= FIRST_L1_ACCOUNT)
    }
}

/// Why a genesis file is refused.
#[derive(Debug, Error)]
pub enum ReadGenesisError {
    /// The file cannot be read.
    #[error("cannot read the genesis file {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// What is in it is not a genesis.
    #[error("genesis file {path}: {source}")]
    Genesis {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: GenesisError,
    },
}

/// The first field: refuses files of another format before their other fields confuse anyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Format;

impl Serialize for Format {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(GENESIS_FORMAT)
    }
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)? {
            format if format == GENESIS_FORMAT => Ok(Self),
            format => Err(serde::de::Error::custom(format!("format is {format:?}, expected {GENESIS_FORMAT:?}"))),
        }
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("numbers, texts and lists have a JSON form")
}

const fn user() -> AccountKind {
    AccountKind::USER
}

fn is_user(kind: &AccountKind) -> bool {
    *kind == AccountKind::USER
}

fn is_zero(nonce: &u64) -> bool {
    *nonce == 0
}
