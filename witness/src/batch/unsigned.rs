//! Transactions that an account is yet to sign.

use sheaf_circuits::context::Domain;
use sheaf_circuits::hash::Digest;
use sheaf_circuits::signature::SecretKey;
use sheaf_circuits::transaction::{Authorization, Kind, Transaction, Transfer, Withdraw};

/// A transaction that an account signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsigned {
    /// See [`Transfer`].
    Transfer(Transfer),
    /// See [`Withdraw`].
    Withdraw(Withdraw),
}

impl Unsigned {
    /// Its kind.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Transfer(_) => Kind::Transfer,
            Self::Withdraw(_) => Kind::Withdraw,
        }
    }

    /// The message to sign; also the transaction's id.
    pub fn message(&self, domain: &Domain) -> Digest {
        match self {
            Self::Transfer(t) => t.message(domain),
            Self::Withdraw(t) => t.message(domain),
        }
    }

    /// The transaction, signed with `key` for `domain`.
    pub fn sign(self, key: &SecretKey, domain: &Domain) -> Transaction {
        let signature = key.sign(self.message(domain));
        self.authorize(Authorization { public_key: *key.public(), signature })
    }

    /// The transaction with this key and signature.
    pub fn authorize(self, authorization: Authorization) -> Transaction {
        match self {
            Self::Transfer(t) => Transaction::Transfer(t, authorization),
            Self::Withdraw(t) => Transaction::Withdraw(t, authorization),
        }
    }
}
