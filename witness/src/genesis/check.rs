//! What a genesis must satisfy beyond its form.

use std::collections::{HashMap, HashSet};

use sheaf_circuits::account::{AccountIndex, AccountKind, AssetId};
use sheaf_circuits::amount::Quanta;
use sheaf_circuits::context::{ContractAddress, CONTEXT_FIELD_BITS};
use sheaf_circuits::contract::REGISTRY;
use sheaf_circuits::contracts::registry::FIRST_CREATED_ASSET;
use thiserror::Error;

use super::{Genesis, GenesisAccount};

/// Characters of a symbol, at most: it is for tables.
const SYMBOL_LEN_MAX: usize = 32;

/// Bits of a nonce at genesis: more than an account can sign, and far from p, where counting would wrap.
const NONCE_BITS: usize = 56;

/// Why something is not a genesis. Entries are counted from 1, in the file's order.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GenesisError {
    /// Not JSON, a field missing, unknown or given twice, or a value out of its type's range.
    #[error("line {line}, column {column}: {message}")]
    Syntax {
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
        /// What is wrong there.
        message: String,
    },
    /// The chain id has too many bits.
    #[error("chain id {chain_id} is out of range, expected less than 2^{CONTEXT_FIELD_BITS}")]
    ChainId {
        /// The value found.
        chain_id: u64,
    },
    /// An asset's number is used twice.
    #[error("asset entry {entry}: asset {asset} is there already")]
    DuplicateAsset {
        /// Which entry.
        entry: usize,
        /// The asset.
        asset: AssetId,
    },
    /// Two assets are the same on L1.
    #[error("asset entry {entry}: another asset is the same on L1, by its token or by having none")]
    DuplicateToken {
        /// Which entry.
        entry: usize,
        /// The L1 contract, none for the L1's own coin.
        token: Option<ContractAddress>,
    },
    /// A symbol is empty, long, or has characters that do not print.
    #[error("asset entry {entry}: symbol {symbol:?} is not 1 to {SYMBOL_LEN_MAX} printable characters")]
    Symbol {
        /// Which entry.
        entry: usize,
        /// The symbol.
        symbol: String,
    },
    /// Asset 0 is missing.
    #[error("asset 0 is missing: fees are paid in it")]
    NoGasAsset,
    /// An account's index is used twice.
    #[error("account entry {entry}: account {account} is there already")]
    DuplicateAccount {
        /// Which entry.
        entry: usize,
        /// The account.
        account: AccountIndex,
    },
    /// The kind of an account is not known.
    #[error("account entry {entry} (account {account}): kind {} is unknown, expected {}", kind.0, AccountKind::USER.0)]
    UnknownKind {
        /// Which entry.
        entry: usize,
        /// The account.
        account: AccountIndex,
        /// The kind found.
        kind: AccountKind,
    },
    /// The account is one of those that contracts take.
    #[error("account entry {entry}: account {account} is out of range, accounts from {REGISTRY} on are contracts'")]
    ContractAccount {
        /// Which entry.
        entry: usize,
        /// The account.
        account: AccountIndex,
    },
    /// The asset is one of those that are made on L2.
    #[error("asset entry {entry}: asset {asset} is out of range, assets from {FIRST_CREATED_ASSET} on are made on L2")]
    CreatedAsset {
        /// Which entry.
        entry: usize,
        /// The asset.
        asset: AssetId,
    },
    /// The nonce has too many bits.
    #[error(
        "account entry {entry} (account {account}): nonce {nonce} is out of range, expected less than 2^{NONCE_BITS}"
    )]
    Nonce {
        /// Which entry.
        entry: usize,
        /// The account.
        account: AccountIndex,
        /// The nonce found.
        nonce: u64,
    },
    /// An account holds an asset that is not in the table.
    #[error("account entry {entry} (account {account}): asset {asset} is not among the assets")]
    UnknownAsset {
        /// Which entry.
        entry: usize,
        /// The account.
        account: AccountIndex,
        /// The asset.
        asset: AssetId,
    },
    /// An account has two balances of one asset.
    #[error("account entry {entry} (account {account}): asset {asset} has a balance already")]
    DuplicateBalance {
        /// Which entry.
        entry: usize,
        /// The account.
        account: AccountIndex,
        /// The asset.
        asset: AssetId,
    },
    /// All accounts together hold too much of an asset.
    #[error("account entry {entry} (account {account}): brings the total of asset {asset} to 2^62 or more")]
    Total {
        /// The entry that brings the total past its limit.
        entry: usize,
        /// Its account.
        account: AccountIndex,
        /// The asset.
        asset: AssetId,
    },
    /// The operator has no account.
    #[error("the operator's account {operator} is not among the accounts")]
    NoOperator {
        /// The operator.
        operator: AccountIndex,
    },
}

impl GenesisError {
    pub(super) fn syntax(error: serde_json::Error) -> Self {
        let text = error.to_string();
        // serde_json ends its messages with the position, which is shown in front here.
        let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message).into();
        Self::Syntax { line: error.line(), column: error.column(), message }
    }
}

impl Genesis {
    /// Checks all that the form of the file does not: duplicates, unknown assets and kinds, totals, the operator.
    pub fn check(&self) -> Result<(), GenesisError> {
        let chain_id = self.domain.chain_id;
        if chain_id >> CONTEXT_FIELD_BITS != 0 {
            return Err(GenesisError::ChainId { chain_id });
        }
        self.check_assets()?;
        let mut totals: HashMap<_, _> = self.assets.iter().map(|asset| (asset.id, Quanta::ZERO)).collect();
        let mut seen = HashSet::with_capacity(self.accounts.len());
        for (account, entry) in self.accounts.iter().zip(1..) {
            if !seen.insert(account.index) {
                return Err(GenesisError::DuplicateAccount { entry, account: account.index });
            }
            account.check(entry, &mut totals)?;
        }
        if !seen.contains(&self.operator) {
            return Err(GenesisError::NoOperator { operator: self.operator });
        }
        Ok(())
    }

    fn check_assets(&self) -> Result<(), GenesisError> {
        let (mut ids, mut tokens) = (HashSet::new(), HashSet::new());
        for (asset, entry) in self.assets.iter().zip(1..) {
            if !ids.insert(asset.id) {
                return Err(GenesisError::DuplicateAsset { entry, asset: asset.id });
            }
            if asset.id.get() >= FIRST_CREATED_ASSET {
                return Err(GenesisError::CreatedAsset { entry, asset: asset.id });
            }
            if !tokens.insert(asset.token) {
                return Err(GenesisError::DuplicateToken { entry, token: asset.token });
            }
            let symbol = &asset.symbol;
            if !(1..=SYMBOL_LEN_MAX).contains(&symbol.chars().count()) || symbol.chars().any(char::is_control) {
                return Err(GenesisError::Symbol { entry, symbol: symbol.clone() });
            }
        }
        ids.contains(&AssetId::GAS).then_some(()).ok_or(GenesisError::NoGasAsset)
    }
}

impl GenesisAccount {
    /// Checks the account by itself, and adds its balances to `totals`, which holds every known asset.
    fn check(&self, entry: usize, totals: &mut HashMap<AssetId, Quanta>) -> Result<(), GenesisError> {
        let account = self.index;
        if self.kind != AccountKind::USER {
            return Err(GenesisError::UnknownKind { entry, account, kind: self.kind });
        }
        if account.get() >= REGISTRY {
            return Err(GenesisError::ContractAccount { entry, account });
        }
        if self.nonce >> NONCE_BITS != 0 {
            return Err(GenesisError::Nonce { entry, account, nonce: self.nonce });
        }
        let mut seen = HashSet::new();
        for &(asset, amount) in &self.balances {
            if !seen.insert(asset) {
                return Err(GenesisError::DuplicateBalance { entry, account, asset });
            }
            let total = totals.get_mut(&asset).ok_or(GenesisError::UnknownAsset { entry, account, asset })?;
            *total = total.checked_add(amount).ok_or(GenesisError::Total { entry, account, asset })?;
        }
        Ok(())
    }
}
