//! A batch in words.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::Path;

use serde::Serialize;
use sheaf_circuits::account::AssetId;
use sheaf_circuits::context::Context;
use sheaf_circuits::hash::Digest;
use sheaf_circuits::transaction::{Kind, Transaction};
use sheaf_witness::batch::{Decoded, Form, Refused};

use crate::numbers::{Count, Counted};

/// Refused entries that are shown in words.
const REFUSED_SHOWN: usize = 10;

/// What a batch holds.
#[derive(Serialize)]
pub struct Summary<'a> {
    file: &'a Path,
    form: Form,
    context: Context,
    context_digest: Digest,
    transactions: usize,
    kinds: BTreeMap<Kind, u64>,
    accounts: usize,
    assets: usize,
    signed_by: usize,
    fees: u64,
    refused: &'a [Refused],
}

impl<'a> Summary<'a> {
    /// Counts.
    pub fn of(file: &'a Path, decoded: &'a Decoded) -> Self {
        let transactions = &decoded.batch.transactions;
        let (mut accounts, mut assets, mut signers) = (HashSet::new(), HashSet::new(), HashSet::new());
        let mut kinds = BTreeMap::new();
        for transaction in transactions {
            *kinds.entry(transaction.kind()).or_default() += 1;
            for key in transaction.cells() {
                accounts.insert(key.account());
            }
            if transaction.authorization().is_some() {
                signers.extend(transaction.account());
            }
            assets.extend(assets_of(transaction));
        }
        Self {
            file,
            form: decoded.form,
            context: decoded.batch.context,
            context_digest: decoded.batch.context.digest(),
            transactions: transactions.len(),
            kinds,
            accounts: accounts.len(),
            assets: assets.len(),
            signed_by: signers.len(),
            fees: transactions.iter().map(|transaction| transaction.fee().quanta()).sum(),
            refused: &decoded.refused,
        }
    }
}

/// The assets that a transaction moves.
fn assets_of(transaction: &Transaction) -> Vec<AssetId> {
    match transaction {
        Transaction::Deposit(t) => vec![t.asset],
        Transaction::ForcedExit(t) => vec![t.asset],
        Transaction::Transfer(t, _) => vec![t.asset],
        Transaction::Withdraw(t, _) => vec![t.asset],
        Transaction::Call(t) => t.call.kind.form().places(&t.call).moves.into_iter().flatten().collect(),
        Transaction::Noop | Transaction::Rekey(_) => vec![],
    }
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Context { domain, batch_number, operator, timestamp_s } = self.context;
        writeln!(f, "{} is a batch ({})", self.file.display(), self.form)?;
        writeln!(f, "  number        {batch_number}, sealed at {timestamp_s} s by operator {operator}")?;
        writeln!(f, "  domain        chain {}, contract {}", domain.chain_id, String::from(domain.contract))?;
        writeln!(f, "  context       {}", self.context_digest)?;
        writeln!(f, "  transactions  {}", Count(self.transactions as u64))?;
        for (kind, count) in &self.kinds {
            writeln!(f, "    {:>8} {:<18} {}", Count(*count).to_string(), kind.name(), kind.about())?;
        }
        let (accounts, assets) = (Counted(self.accounts as u64, "account"), Counted(self.assets as u64, "asset"));
        writeln!(f, "  touches       {accounts}, {assets}; signed by {}", Counted(self.signed_by as u64, "account"))?;
        writeln!(f, "  fees offered  {} quanta of asset 0", Count(self.fees))?;
        if !self.refused.is_empty() {
            writeln!(f, "  refused       {}, left out:", Counted(self.refused.len() as u64, "bad line"))?;
        }
        for refused in self.refused.iter().take(REFUSED_SHOWN) {
            writeln!(f, "    {refused}")?;
        }
        match self.refused.len().saturating_sub(REFUSED_SHOWN) {
            0 => Ok(()),
            more => writeln!(f, "    and {more} more; --json lists them all"),
        }
    }
}
