//! Transactions: what they say, what they do to the state, and what of them is published.
//!
//! Six kinds of the protocol's own, and those of contracts. Three come from L1, in queue order, and apply in every state that the L1 contract can bring about:
//! [`Deposit`], [`Rekey`], [`ForcedExit`]. Two are signed on L2: [`Transfer`] and [`Withdraw`]. `Noop` pads.
//!
//! | kind | stream | reads and writes |
//! | --- | --- | --- |
//! | `Deposit` | L1 | header of the account, its slot for an asset other than 0 |
//! | `Rekey` | L1 | header |
//! | `ForcedExit` | L1 | header, slot for an asset other than 0 |
//! | `Transfer` | L2 | header of sender and recipient, their slots for an asset other than 0 |
//! | `Withdraw` | L1 | header, slot for an asset other than 0 |
//! | a contract's | L2 | header, and what its form says: see [`crate::contract`] |
//!
//! [`execute`] is the native form of the transaction slot of the chunk circuit.

mod execute;
mod record;

use serde::{Deserialize, Serialize};

pub(crate) use self::execute::read_user;
pub use self::execute::{execute, CellMemory, Outcome, Rejection};
pub use self::record::{Published, Record, RecordError, Stream, HEAD_WORDS, KEY_WORDS, WORD_BITS};
use crate::account::{AccountIndex, AssetId, CellKey};
use crate::amount::{Fee, Quanta};
use crate::context::Domain;
use crate::contract::{CallKind, SecondSigner, SignedCall};
use crate::hash::{hash_node, Digest, F};
use crate::signature::{PublicKey, Signature};

/// A kind of transaction. Its code is eight bits of the first word of its record; those of contracts begin at 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Nothing: pads a chunk.
    Noop,
    /// From L1: value comes in.
    Deposit,
    /// From L1: an account gets another key.
    Rekey,
    /// From L1: an account's balance of one asset goes out.
    ForcedExit,
    /// Signed: value moves between accounts.
    Transfer,
    /// Signed: value goes out, to the account's owner on L1.
    Withdraw,
    /// Signed: a contract's.
    Call(CallKind),
}

impl Kind {
    /// The protocol's own kinds, in the order of their codes, from 0.
    pub const PROTOCOL: [Self; 6] =
        [Self::Noop, Self::Deposit, Self::Rekey, Self::ForcedExit, Self::Transfer, Self::Withdraw];

    /// Every kind, in the order of the codes.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::PROTOCOL.into_iter().chain(CallKind::all().map(Self::Call))
    }

    /// The kind with this code.
    pub fn from_code(code: u8) -> Option<Self> {
        let own = Self::PROTOCOL.get(usize::from(code)).copied();
        own.or_else(|| CallKind::from_code(code).map(Self::Call))
    }

    /// The code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Noop => 0,
            Self::Deposit => 1,
            Self::Rekey => 2,
            Self::ForcedExit => 3,
            Self::Transfer => 4,
            Self::Withdraw => 5,
            Self::Call(kind) => kind.code(),
        }
    }

    /// Its name, as in batches.
    pub fn name(self) -> &'static str {
        match self {
            Self::Noop => "noop",
            Self::Deposit => "deposit",
            Self::Rekey => "rekey",
            Self::ForcedExit => "forced_exit",
            Self::Transfer => "transfer",
            Self::Withdraw => "withdraw",
            Self::Call(kind) => kind.name(),
        }
    }

    /// What it does, in a few words.
    pub fn about(self) -> &'static str {
        match self {
            Self::Noop => "nothing",
            Self::Deposit => "value comes in from L1",
            Self::Rekey => "an account's owner sets another key, on L1",
            Self::ForcedExit => "an account's owner takes a balance to L1 without the operator's consent",
            Self::Transfer => "value moves between accounts",
            Self::Withdraw => "value goes out to L1",
            Self::Call(kind) => kind.spec().about,
        }
    }

    /// The kind with this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::all().find(|kind| kind.name() == name)
    }

    /// Where its record is published.
    pub const fn stream(self) -> Option<Stream> {
        match self {
            Self::Noop => None,
            Self::Transfer | Self::Call(_) => Some(Stream::L2),
            Self::Deposit | Self::Rekey | Self::ForcedExit | Self::Withdraw => Some(Stream::L1),
        }
    }
}

impl Serialize for Kind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::by_name(&name).ok_or_else(|| serde::de::Error::custom(format!("there is no kind {name:?}")))
    }
}

/// Value comes in from L1. With a key hash it opens the account, which must not exist; without, the account must.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deposit {
    /// Who is paid.
    pub account: AccountIndex,
    /// In which asset.
    pub asset: AssetId,
    /// How much. The L1 contract keeps the total of an asset below 2^62.
    pub amount: Quanta,
    /// The key hash of the account that this opens. Never left out when written: job inputs have no names of fields, so
    /// what is left out could not be told from what follows.
    pub opens: Option<Digest>,
}

/// The owner of an account sets another key, on L1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rekey {
    /// Whose key.
    pub account: AccountIndex,
    /// H of the new public key.
    pub key_hash: Digest,
}

/// The owner of an account takes min(balance, 2^56 − 1) of one asset to L1, without the operator's consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForcedExit {
    /// From which account.
    pub account: AccountIndex,
    /// Which asset.
    pub asset: AssetId,
}

/// Value moves from one user account to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// Who pays and signs.
    pub account: AccountIndex,
    /// The account's nonce.
    pub nonce: u64,
    /// Paid to the operator, in asset 0.
    pub fee: Fee,
    /// What is moved.
    pub asset: AssetId,
    /// Who is paid; not the sender.
    pub to: AccountIndex,
    /// How much, below 2^56.
    pub amount: Quanta,
}

/// Value goes to the account's owner on L1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withdraw {
    /// Who pays and signs.
    pub account: AccountIndex,
    /// The account's nonce.
    pub nonce: u64,
    /// Paid to the operator, in asset 0.
    pub fee: Fee,
    /// What is moved.
    pub asset: AssetId,
    /// How much, below 2^56.
    pub amount: Quanta,
}

/// What makes a signed transaction the account's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorization {
    /// The key whose hash is in the account's header.
    pub public_key: PublicKey,
    /// Its signature of the transaction's message.
    pub signature: Signature,
}

/// One transaction of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Transaction {
    /// Nothing.
    Noop,
    /// See [`Deposit`].
    Deposit(Deposit),
    /// See [`Rekey`].
    Rekey(Rekey),
    /// See [`ForcedExit`].
    ForcedExit(ForcedExit),
    /// See [`Transfer`].
    Transfer(Transfer, Authorization),
    /// See [`Withdraw`].
    Withdraw(Withdraw, Authorization),
    /// A contract's.
    Call(Box<SignedCall>),
}

impl Transaction {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Noop => Kind::Noop,
            Self::Deposit(_) => Kind::Deposit,
            Self::Rekey(_) => Kind::Rekey,
            Self::ForcedExit(_) => Kind::ForcedExit,
            Self::Transfer(..) => Kind::Transfer,
            Self::Withdraw(..) => Kind::Withdraw,
            Self::Call(t) => Kind::Call(t.call.kind),
        }
    }

    /// The account that it is from, or that a deposit is for. `Noop` has none.
    pub fn account(&self) -> Option<AccountIndex> {
        match self {
            Self::Noop => None,
            Self::Deposit(t) => Some(t.account),
            Self::Rekey(t) => Some(t.account),
            Self::ForcedExit(t) => Some(t.account),
            Self::Transfer(t, _) => Some(t.account),
            Self::Withdraw(t, _) => Some(t.account),
            Self::Call(t) => Some(t.call.account),
        }
    }

    /// The key and signature of a signed transaction.
    pub fn authorization(&self) -> Option<&Authorization> {
        match self {
            Self::Transfer(_, a) | Self::Withdraw(_, a) => Some(a),
            Self::Call(t) => Some(&t.authorization),
            _ => None,
        }
    }

    /// The fee of a signed transaction.
    pub fn fee(&self) -> Fee {
        match self {
            Self::Transfer(t, _) => t.fee,
            Self::Withdraw(t, _) => t.fee,
            Self::Call(t) => t.call.fee,
            _ => Fee::ZERO,
        }
    }

    /// The cells that executing it may read and write, known before execution.
    pub fn cells(&self) -> impl Iterator<Item = CellKey> + use<> {
        let asset = match self {
            Self::Deposit(t) => t.asset,
            Self::ForcedExit(t) => t.asset,
            Self::Transfer(t, _) => t.asset,
            Self::Withdraw(t, _) => t.asset,
            Self::Rekey(_) | Self::Noop | Self::Call(_) => AssetId::GAS,
        };
        let (account, to, call) = match self {
            Self::Call(t) => (None, None, t.call.cells()),
            Self::Transfer(t, _) => (Some(t.account), Some(t.to), Vec::new()),
            _ => (self.account(), None, Vec::new()),
        };
        let own = [account, to].into_iter().flatten().flat_map(move |account| {
            let slot = (!asset.is_gas()).then(|| account.balance_key(asset));
            std::iter::once(account.header_key()).chain(slot)
        });
        own.chain(call)
    }

    /// The message that a signed transaction's account signs; nothing for other kinds.
    ///
    /// H(H(tag, domain), first word, second word, third word, nonce): eight elements, one permutation. The words are
    /// those of its [`Record`], so they hold every field but the nonce. The tag is inside the domain digest.
    pub fn message(&self, domain: &Domain) -> Option<Digest> {
        self.message_under(domain.digest())
    }

    /// [`Self::message`] with the domain's digest, for when there are many.
    pub fn message_under(&self, domain: Digest) -> Option<Digest> {
        let (record, nonce) = match self {
            Self::Transfer(t, _) => (t.record(), t.nonce),
            Self::Withdraw(t, _) => (t.record(), t.nonce),
            Self::Call(t) => return Some(t.call.message_under(domain)),
            _ => return None,
        };
        Some(message_of_head(domain, record.head(), nonce))
    }
}

impl Transfer {
    /// What is published.
    pub fn record(&self) -> Record {
        Record {
            kind: Kind::Transfer,
            asset: self.asset,
            account: self.account,
            counterparty: self.to.get(),
            low: self.fee.encode(),
            amount: self.amount.get(),
            key_hash: None,
        }
    }

    /// The message to sign; also the transaction's id.
    pub fn message(&self, domain: &Domain) -> Digest {
        message_of_head(domain.digest(), self.record().head(), self.nonce)
    }
}

impl Withdraw {
    /// What is published.
    pub fn record(&self) -> Record {
        Record {
            kind: Kind::Withdraw,
            asset: self.asset,
            account: self.account,
            counterparty: 0,
            low: self.fee.encode(),
            amount: self.amount.get(),
            key_hash: None,
        }
    }

    /// The message to sign; also the transaction's id.
    pub fn message(&self, domain: &Domain) -> Digest {
        message_of_head(domain.digest(), self.record().head(), self.nonce)
    }
}

/// H(domain, first word, second word, third word, nonce): what a transfer signs, and what other messages begin with.
pub fn message_of_head(domain: Digest, head: [u64; HEAD_WORDS], nonce: u64) -> Digest {
    use plonky2::field::types::Field;
    let [w0, w1, w2] = head.map(F::from_canonical_u64);
    hash_node(domain, Digest([w0, w1, w2, F::from_noncanonical_u64(nonce)]))
}

impl Transaction {
    /// The second signature that a call carries and needs, with its message.
    pub fn second_claim(&self, domain: Digest) -> Option<(&Authorization, Digest)> {
        let Self::Call(signed) = self else { return None };
        let message = match signed.call.kind.form_id().spec().second {
            SecondSigner::None => return None,
            SecondSigner::User(user) => {
                // A position that the call does not use needs no signature.
                signed.call.kind.form().places(&signed.call).users[user]?;
                signed.call.message_under(domain)
            }
            SecondSigner::Contract => signed.call.kind.form().second_message(&signed.call, domain)?,
        };
        Some((signed.second.as_ref()?, message))
    }
}
