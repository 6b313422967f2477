//! Transactions that an account is yet to sign.

use sheaf_circuits::account::AccountIndex;
use sheaf_circuits::context::Domain;
use sheaf_circuits::contract::{Call, SignedCall};
use sheaf_circuits::hash::Digest;
use sheaf_circuits::signature::SecretKey;
use sheaf_circuits::transaction::{Authorization, Kind, Transaction, Transfer, Withdraw};

/// A transaction that an account signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unsigned {
    /// See [`Transfer`].
    Transfer(Transfer),
    /// See [`Withdraw`].
    Withdraw(Withdraw),
    /// A contract's.
    Call(Call),
}

impl Unsigned {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Transfer(_) => Kind::Transfer,
            Self::Withdraw(_) => Kind::Withdraw,
            Self::Call(call) => Kind::Call(call.kind),
        }
    }

    /// Who pays and signs.
    pub fn account(&self) -> AccountIndex {
        match self {
            Self::Transfer(t) => t.account,
            Self::Withdraw(t) => t.account,
            Self::Call(call) => call.account,
        }
    }

    /// The message to sign; also the transaction's id.
    pub fn message(&self, domain: &Domain) -> Digest {
        match self {
            Self::Transfer(t) => t.message(domain),
            Self::Withdraw(t) => t.message(domain),
            Self::Call(call) => call.message(domain),
        }
    }

    /// The transaction, signed with `key` for `domain`.
    pub fn sign(self, key: &SecretKey, domain: &Domain) -> Transaction {
        let signature = key.sign(self.message(domain));
        self.authorize(Authorization { public_key: *key.public(), signature })
    }

    /// The transaction with this key and signature. A call that needs a second signature is yet without it.
    pub fn authorize(self, authorization: Authorization) -> Transaction {
        match self {
            Self::Transfer(t) => Transaction::Transfer(t, authorization),
            Self::Withdraw(t) => Transaction::Withdraw(t, authorization),
            Self::Call(call) => Transaction::Call(Box::new(SignedCall { call, authorization, second: None })),
        }
    }
}
