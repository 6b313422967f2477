//! A call: a transaction of a contract, what it publishes, and what is signed.

use plonky2::field::types::Field;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{CallKind, FieldSpec, Place, Places, Width};
use crate::account::{AccountIndex, AssetId, CellKey};
use crate::amount::{Fee, FeeError, Quanta};
use crate::context::Domain;
use crate::hash::{canonical_element, hash_node, Digest, F};
use crate::signature::SecretKey;
use crate::transaction::{message_of_head, Authorization, Transaction, HEAD_WORDS};

/// Words of a digest's worth: what one permutation adds to a message.
const MESSAGE_STEP: usize = 4;

/// A transaction of a contract, without its signatures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Which kind.
    pub kind: CallKind,
    /// Who pays and signs.
    pub account: AccountIndex,
    /// The account's nonce.
    pub nonce: u64,
    /// Paid to the operator, in asset 0.
    pub fee: Fee,
    /// The values of the form's fields, in their order; a digest takes eight.
    pub values: Vec<u64>,
}

/// A call with its signatures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedCall {
    /// The call.
    pub call: Call,
    /// The account's.
    pub authorization: Authorization,
    /// The second signer's, where there is one.
    pub second: Option<Authorization>,
}

impl Call {
    /// A call with these fields, in any order; those that are not named are zero. Digests are not among them.
    pub fn new(
        kind: CallKind,
        account: AccountIndex,
        nonce: u64,
        fee: Fee,
        fields: &[(&str, u64)],
    ) -> Result<Self, CallError> {
        let spec = kind.form_id().spec();
        let mut values = vec![0; spec.value_count()];
        for &(name, value) in fields {
            let (position, _) = spec
                .fields()
                .find(|(_, field)| field.name == name && field.width != Width::Digest)
                .ok_or(CallError::NoField { kind: kind.name() })?;
            values[position] = value;
        }
        let call = Self { kind, account, nonce, fee, values };
        call.check().map(|()| call)
    }

    /// The value at `position`.
    pub fn value(&self, position: usize) -> u64 {
        self.values[position]
    }

    /// The account index at `position`.
    pub fn account_at(&self, position: usize) -> AccountIndex {
        u32::try_from(self.values[position]).ok().and_then(AccountIndex::new).expect("values have their fields' widths")
    }

    /// The asset at `position`.
    pub fn asset_at(&self, position: usize) -> AssetId {
        u16::try_from(self.values[position]).ok().and_then(AssetId::new).expect("values have their fields' widths")
    }

    /// The amount at `position`.
    pub fn amount_at(&self, position: usize) -> Quanta {
        Quanta::new(self.values[position]).expect("values have their fields' widths")
    }

    /// The digest whose first value is at `position`.
    pub fn digest_at(&self, position: usize) -> Digest {
        Digest(std::array::from_fn(|i| {
            let value = self.values[position + 2 * i] << 32 | self.values[position + 2 * i + 1];
            canonical_element(value).expect("digests are checked to be canonical")
        }))
    }

    /// Checks that there are as many values as the form has, each of its field's width, and zero where the kind does
    /// not use the field. A call that passes can be executed.
    pub fn check(&self) -> Result<(), CallError> {
        let spec = self.kind.form_id().spec();
        if self.values.len() != spec.value_count() {
            return Err(CallError::Count { expected: spec.value_count(), got: self.values.len() });
        }
        let kind = self.kind.spec();
        for (first, field) in spec.fields() {
            let unused = kind.unused.contains(&field.name);
            let values = &self.values[first..first + field.width.count()];
            for &value in values {
                if unused && value != 0 {
                    return Err(CallError::Unused { field: field.name, kind: kind.name, value });
                }
                if value >> field.width.bits() != 0 {
                    return Err(CallError::TooWide { field: field.name, value, bits: field.width.bits() });
                }
            }
            if field.width == Width::Digest {
                for pair in values.chunks_exact(2) {
                    let value = pair[0] << 32 | pair[1];
                    canonical_element(value).ok_or(CallError::NotCanonical { field: field.name, value })?;
                }
            }
        }
        Ok(())
    }

    /// What is published: the head's words, then the form's extra ones.
    pub fn published(&self) -> Vec<u64> {
        let spec = self.kind.form_id().spec();
        let mut words = vec![0; HEAD_WORDS + spec.extra_words()];
        words[0] = u64::from(self.kind.code()) << 48 | u64::from(self.account.get());
        words[1] = self.fee.encode().into();
        for (value, word, shift) in self.placed(true) {
            words[word] |= value << shift;
        }
        words
    }

    /// What is signed and not published.
    pub fn only_signed(&self) -> Vec<u64> {
        let mut words = vec![0; self.kind.form_id().spec().signed_words()];
        for (value, word, shift) in self.placed(false) {
            words[word] |= value << shift;
        }
        words
    }

    /// The values that are published, or those that are only signed, with word and shift.
    fn placed(&self, published: bool) -> impl Iterator<Item = (u64, usize, u32)> + '_ {
        let spec = self.kind.form_id().spec();
        spec.fields().flat_map(move |(first, field)| {
            let place = match field.place {
                Place::Published { word, shift } => (true, word, shift),
                Place::Signed { word, shift, .. } => (false, word, shift),
            };
            let wanted = place.0 == published;
            (0..field.width.count())
                .filter(move |_| wanted)
                .map(move |i| (self.values[first + i], place.1 + i, place.2))
        })
    }

    /// The message to sign; also the transaction's id. The message of a transfer with the head's words, and then one
    /// permutation for each four words more: H(H(H(domain), head, nonce), four words), …, the last filled up with
    /// zeros. How many there are follows from the kind.
    pub fn message(&self, domain: &Domain) -> Digest {
        self.message_under(domain.digest())
    }

    /// [`Self::message`] with the domain's digest.
    pub fn message_under(&self, domain: Digest) -> Digest {
        message_of_words(domain, &self.published(), &self.only_signed(), self.nonce)
    }

    /// Reads the published words of a call of `kind`, all of them. What is not published is as it is replayed, and
    /// the nonce is 0.
    pub fn decode(kind: CallKind, words: &[u64]) -> Result<Self, CallError> {
        let spec = kind.form_id().spec();
        let account = words[0] as u32;
        let account = AccountIndex::new(account).ok_or(CallError::Account { account })?;
        let fee = Fee::decode((words[1] & 0xff_ffff) as u32)?;
        let mut values = Vec::with_capacity(spec.value_count());
        for (_, field) in spec.fields() {
            match field.place {
                Place::Published { word, shift } => {
                    values.extend((0..field.width.count()).map(|i| words[word + i] >> shift & mask(field)));
                }
                Place::Signed { replayed, .. } => values.extend(std::iter::repeat_n(replayed, field.width.count())),
            }
        }
        let call = Self { kind, account, nonce: 0, fee, values };
        call.check()?;
        // Bits that belong to no field.
        let encoded = call.published();
        match encoded.iter().zip(words).position(|(encoded, word)| encoded != word) {
            Some(position) => {
                Err(CallError::NotEncoded { position, expected: encoded[position], got: words[position] })
            }
            None => Ok(call),
        }
    }

    /// Every cell that it touches: its account's header, the contract's cells, other users' headers, and the slots of
    /// moved balances.
    pub fn cells(&self) -> Vec<CellKey> {
        let places = self.kind.form().places(self);
        let mut keys = vec![self.account.header_key()];
        keys.extend(places.cells.iter().flatten());
        keys.extend(places.users.iter().flatten().map(|user| user.header_key()));
        keys.extend(self.slots(&places).into_iter().flatten());
        keys
    }

    /// The key of the slot that each moved balance is in; nothing for asset 0, which headers hold.
    pub fn slots(&self, places: &Places) -> Vec<Option<CellKey>> {
        let spec = self.kind.form_id().spec();
        let slot = |(party, asset): (&super::Party, &Option<AssetId>)| {
            let asset = asset.filter(|asset| !asset.is_gas())?;
            Some(places.account_of(*party, self.account)?.balance_key(asset))
        };
        spec.moves.iter().zip(&places.moves).map(slot).collect()
    }
}

/// The message over these words.
pub(crate) fn message_of_words(domain: Digest, published: &[u64], only_signed: &[u64], nonce: u64) -> Digest {
    let (head, extra) = published.split_at(HEAD_WORDS);
    let head = [head[0], head[1], head[2]];
    let rest = [extra, only_signed].concat();
    rest.chunks(MESSAGE_STEP).fold(message_of_head(domain, head, nonce), |message, words| {
        let mut step = [F::ZERO; MESSAGE_STEP];
        for (element, &word) in step.iter_mut().zip(words) {
            *element = F::from_canonical_u64(word);
        }
        hash_node(message, Digest(step))
    })
}

impl SignedCall {
    /// The call with the second signature that it needs, by `key`.
    pub fn sign_second(mut self, key: &SecretKey, domain: &Domain) -> Result<Transaction, NoSecondSignature> {
        let unsigned = Authorization { public_key: *key.public(), signature: self.authorization.signature };
        self.second = Some(unsigned);
        let kind = self.call.kind.name();
        let transaction = Transaction::Call(Box::new(self));
        let claim = transaction.second_claim(domain.digest());
        let message = claim.map(|(_, message)| message).ok_or(NoSecondSignature { kind })?;
        let Transaction::Call(mut signed) = transaction else { unreachable!("made above") };
        signed.second = Some(Authorization { public_key: *key.public(), signature: key.sign(message) });
        Ok(Transaction::Call(signed))
    }
}

/// A call that needs no second signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("this {kind} needs no second signature")]
pub struct NoSecondSignature {
    /// The kind.
    pub kind: &'static str,
}

fn mask(field: &FieldSpec) -> u64 {
    (1 << field.width.bits()) - 1
}

/// Why values or words are not a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CallError {
    /// Too few values, or too many.
    #[error("{got} values, expected {expected}")]
    Count {
        /// How many the form has.
        expected: usize,
        /// Values found.
        got: usize,
    },
    /// There is no field of such a name.
    #[error("a {kind} has no such field")]
    NoField {
        /// The kind.
        kind: &'static str,
    },
    /// A value has too many bits.
    #[error("{field} is {value}, expected less than 2^{bits}")]
    TooWide {
        /// The field.
        field: &'static str,
        /// The value found.
        value: u64,
        /// The width that it has to fit.
        bits: usize,
    },
    /// A field that the kind does not use is not zero.
    #[error("{kind} does not use {field}, which is {value}, expected 0")]
    Unused {
        /// The field.
        field: &'static str,
        /// The kind.
        kind: &'static str,
        /// The value found.
        value: u64,
    },
    /// An element of a digest is not below p.
    #[error("{field} holds {value}, expected a value below p")]
    NotCanonical {
        /// The field.
        field: &'static str,
        /// The value found.
        value: u64,
    },
    /// Not an account.
    #[error("account {account} is out of range, expected less than 2^24")]
    Account {
        /// The number found.
        account: u32,
    },
    /// The fee bits are not canonical.
    #[error(transparent)]
    Fee(#[from] FeeError),
    /// A word has bits that belong to no field.
    #[error("word {position} is {got:#x}, expected {expected:#x}")]
    NotEncoded {
        /// Which word.
        position: usize,
        /// The word of the call that was read.
        expected: u64,
        /// The word found.
        got: u64,
    },
}
