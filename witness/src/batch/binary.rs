//! The compact canonical form of a batch.
//!
//! Integers are little-endian and of full width; what does not fit the protocol's ranges is refused, so a batch has one
//! encoding and encoding what was decoded gives the same bytes. Each kind has one length.
//!
//! ```text
//!   header, 61 bytes
//!     magic 8 "sheafbat" | version 1 | chain id 8 | contract 20 | batch number 4 | operator 4 | timestamp 8 |
//!     number of transactions 4 | reserved 4, zero
//! ```
//!
//! | kind, 1 byte | what follows | bytes in all |
//! | --- | --- | --- |
//! | 0 noop | | 1 |
//! | 1 deposit | account 4, asset 2, amount 8, opens 1 (0 or 1), key hash 32 (zeros unless it opens) | 48 |
//! | 2 rekey | account 4, key hash 32 | 37 |
//! | 3 forced exit | account 4, asset 2 | 7 |
//! | 4 transfer | account 4, nonce 8, fee 4, asset 2, to 4, amount 8, public key 40, signature 80 | 151 |
//! | 5 withdraw | account 4, nonce 8, fee 4, asset 2, amount 8, public key 40, signature 80 | 147 |
//! | a contract's | account 4, nonce 8, fee 4, its fields, public key 40, signature 80, and for two signers: 0 or 1, public key 40, signature 80 (zeros for 0) | |
//!
//! The fields of a call stand in their order, with 2 bytes for up to 16 bits, 4 for up to 32, 8 for more, and 32 for a
//! digest. Fields that the kind does not use are there, and zero.
//!
//! The fee is its 24-bit code ([`Fee::encode`]), digests, keys and signatures are in their own encodings.

use std::fmt::Display;

use sheaf_circuits::account::{AccountIndex, AssetId, ACCOUNT_BITS};
use sheaf_circuits::amount::{Fee, Quanta};
use sheaf_circuits::context::{Context, ContractAddress, Domain};
use sheaf_circuits::contract::{Call, CallKind, SecondSigner, SignedCall, Width};
use sheaf_circuits::hash::{canonical_element, Digest};
use sheaf_circuits::signature::{PublicKey, Signature};
use sheaf_circuits::transaction::{Authorization, Deposit, ForcedExit, Kind, Rekey, Transaction, Transfer, Withdraw};

use super::problem::{HeaderError, Problem};

/// The first bytes of every binary batch.
pub const MAGIC: [u8; 8] = *b"sheafbat";
/// The version that this program reads and writes.
pub const VERSION: u8 = 1;
/// Bytes of the header.
pub const HEADER_BYTES: usize = 61;

const DIGEST_BYTES: usize = 32;
const PUBLIC_KEY_BYTES: usize = 40;
const SIGNATURE_BYTES: usize = 80;
const AUTHORIZATION_BYTES: usize = PUBLIC_KEY_BYTES + SIGNATURE_BYTES;

/// Bytes of a transaction, its kind included.
pub fn length(kind: Kind) -> usize {
    1 + match kind {
        Kind::Noop => 0,
        Kind::Deposit => 4 + 2 + 8 + 1 + DIGEST_BYTES,
        Kind::Rekey => 4 + DIGEST_BYTES,
        Kind::ForcedExit => 4 + 2,
        Kind::Transfer => 4 + 8 + 4 + 2 + 4 + 8 + AUTHORIZATION_BYTES,
        Kind::Withdraw => 4 + 8 + 4 + 2 + 8 + AUTHORIZATION_BYTES,
        Kind::Call(kind) => {
            let spec = kind.form_id().spec();
            let fields: usize = spec.fields.iter().map(|field| field.width.count() * value_bytes(field.width)).sum();
            let second = if spec.second == SecondSigner::None { 0 } else { 1 + AUTHORIZATION_BYTES };
            4 + 8 + 4 + fields + AUTHORIZATION_BYTES + second
        }
    }
}

/// Bytes of one value of a field. A digest has eight of four bytes: but it is written as a digest.
const fn value_bytes(width: Width) -> usize {
    match width.bits() {
        0..=16 => 2,
        17..=32 => 4,
        _ => 8,
    }
}

/// The header's bytes.
pub fn header(context: &Context, count: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES);
    bytes.extend(MAGIC);
    bytes.push(VERSION);
    bytes.extend(context.domain.chain_id.to_le_bytes());
    bytes.extend(context.domain.contract.0);
    bytes.extend(context.batch_number.to_le_bytes());
    bytes.extend(context.operator.get().to_le_bytes());
    bytes.extend(context.timestamp_s.to_le_bytes());
    bytes.extend(count.to_le_bytes());
    bytes.extend([0; 4]);
    debug_assert_eq!(bytes.len(), HEADER_BYTES);
    bytes
}

/// Reads what [`header`] wrote: the context and the number of transactions.
pub fn parse_header(bytes: &[u8; HEADER_BYTES]) -> Result<(Context, u32), HeaderError> {
    let mut bytes = Bytes(&bytes[MAGIC.len()..]);
    let [version] = bytes.array();
    if version != VERSION {
        return Err(HeaderError::Version { expected: VERSION, got: version });
    }
    let chain_id = bytes.u64();
    let contract = ContractAddress(bytes.array());
    let batch_number = bytes.u32();
    let operator = bytes.u32();
    let timestamp_s = bytes.u64();
    let (count, reserved) = (bytes.u32(), bytes.u32());
    let operator = AccountIndex::new(operator).ok_or(HeaderError::OutOfRange {
        field: "operator",
        value: operator.into(),
        bits: ACCOUNT_BITS,
    })?;
    if reserved != 0 {
        return Err(HeaderError::OutOfRange { field: "reserved", value: reserved.into(), bits: 0 });
    }
    let context = Context { domain: Domain { chain_id, contract }, batch_number, operator, timestamp_s };
    context.check()?;
    Ok((context, count))
}

/// A transaction's bytes.
pub fn transaction(transaction: &Transaction) -> Vec<u8> {
    let kind = transaction.kind();
    let mut bytes = Vec::with_capacity(length(kind));
    bytes.push(kind.code());
    if let Some(account) = transaction.account() {
        bytes.extend(account.get().to_le_bytes());
    }
    match transaction {
        Transaction::Noop => {}
        Transaction::Deposit(t) => {
            bytes.extend(t.asset.get().to_le_bytes());
            bytes.extend(t.amount.get().to_le_bytes());
            bytes.push(t.opens.is_some().into());
            bytes.extend(t.opens.unwrap_or(Digest::ZERO).to_bytes());
        }
        Transaction::Rekey(t) => bytes.extend(t.key_hash.to_bytes()),
        Transaction::ForcedExit(t) => bytes.extend(t.asset.get().to_le_bytes()),
        Transaction::Transfer(t, authorization) => {
            bytes.extend(t.nonce.to_le_bytes());
            bytes.extend(t.fee.encode().to_le_bytes());
            bytes.extend(t.asset.get().to_le_bytes());
            bytes.extend(t.to.get().to_le_bytes());
            bytes.extend(t.amount.get().to_le_bytes());
            bytes.extend(authorization.public_key.to_bytes());
            bytes.extend(authorization.signature.to_bytes());
        }
        Transaction::Withdraw(t, authorization) => {
            bytes.extend(t.nonce.to_le_bytes());
            bytes.extend(t.fee.encode().to_le_bytes());
            bytes.extend(t.asset.get().to_le_bytes());
            bytes.extend(t.amount.get().to_le_bytes());
            bytes.extend(authorization.public_key.to_bytes());
            bytes.extend(authorization.signature.to_bytes());
        }
        Transaction::Call(signed) => call(signed, &mut bytes),
    }
    debug_assert_eq!(bytes.len(), length(kind));
    bytes
}

/// What follows kind and account of a call.
fn call(signed: &SignedCall, bytes: &mut Vec<u8>) {
    let call = &signed.call;
    let spec = call.kind.form_id().spec();
    bytes.extend(call.nonce.to_le_bytes());
    bytes.extend(call.fee.encode().to_le_bytes());
    for (first, field) in spec.fields() {
        match field.width {
            Width::Digest => bytes.extend(call.digest_at(first).to_bytes()),
            width => bytes.extend(&call.value(first).to_le_bytes()[..value_bytes(width)]),
        }
    }
    let mut authorization = |authorization: &Authorization| {
        bytes.extend(authorization.public_key.to_bytes());
        bytes.extend(authorization.signature.to_bytes());
    };
    authorization(&signed.authorization);
    if spec.second != SecondSigner::None {
        match &signed.second {
            Some(second) => {
                bytes.push(1);
                bytes.extend(second.public_key.to_bytes());
                bytes.extend(second.signature.to_bytes());
            }
            None => bytes.extend([0; 1 + AUTHORIZATION_BYTES]),
        }
    }
}

/// Reads what [`transaction`] wrote.
pub fn parse_transaction(bytes: &[u8]) -> Result<Transaction, Problem> {
    let &code = bytes.first().ok_or(Problem::CutOff)?;
    let kind = Kind::from_code(code).ok_or(Problem::UnknownCode { code })?;
    if bytes.len() < length(kind) {
        return Err(Problem::CutOff);
    }
    if bytes.len() > length(kind) {
        return Err(Problem::TrailingBytes { count: 1 });
    }
    let mut bytes = Bytes(&bytes[1..]);
    Ok(match kind {
        Kind::Noop => Transaction::Noop,
        Kind::Deposit => Transaction::Deposit(bytes.deposit()?),
        Kind::Rekey => {
            Transaction::Rekey(Rekey { account: bytes.account("account")?, key_hash: bytes.digest("key_hash")? })
        }
        Kind::ForcedExit => {
            Transaction::ForcedExit(ForcedExit { account: bytes.account("account")?, asset: bytes.asset()? })
        }
        Kind::Transfer => Transaction::Transfer(
            Transfer {
                account: bytes.account("account")?,
                nonce: bytes.nonce()?,
                fee: Fee::decode(bytes.u32())?,
                asset: bytes.asset()?,
                to: bytes.account("to")?,
                amount: bytes.moved()?,
            },
            bytes.authorization()?,
        ),
        Kind::Withdraw => Transaction::Withdraw(
            Withdraw {
                account: bytes.account("account")?,
                nonce: bytes.nonce()?,
                fee: Fee::decode(bytes.u32())?,
                asset: bytes.asset()?,
                amount: bytes.moved()?,
            },
            bytes.authorization()?,
        ),
        Kind::Call(kind) => Transaction::Call(Box::new(bytes.call(kind)?)),
    })
}

/// Takes values from the front of bytes whose length was checked before.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn array<const N: usize>(&mut self) -> [u8; N] {
        let (front, rest) = self.0.split_at(N);
        self.0 = rest;
        front.try_into().expect("split at N")
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.array())
    }

    fn account(&mut self, field: &'static str) -> Result<AccountIndex, Problem> {
        let value = self.u32();
        AccountIndex::new(value).ok_or_else(|| Problem::account(field, value.into()))
    }

    fn asset(&mut self) -> Result<AssetId, Problem> {
        let value = u16::from_le_bytes(self.array());
        AssetId::new(value).ok_or_else(|| Problem::asset(value.into()))
    }

    fn moved(&mut self) -> Result<Quanta, Problem> {
        let value = self.u64();
        Quanta::new(value).filter(|&amount| amount <= Quanta::MAX_TRANSFER).ok_or_else(|| Problem::moved(value))
    }

    fn nonce(&mut self) -> Result<u64, Problem> {
        let value = self.u64();
        canonical_element(value).map(|_| value).ok_or(Problem::Nonce { value })
    }

    fn digest(&mut self, field: &'static str) -> Result<Digest, Problem> {
        Digest::from_bytes(&self.array()).map_err(|error| not_canonical(field, error))
    }

    fn deposit(&mut self) -> Result<Deposit, Problem> {
        let (account, asset) = (self.account("account")?, self.asset()?);
        let amount = self.u64();
        let amount = Quanta::new(amount).ok_or_else(|| Problem::balance(amount))?;
        let [flag] = self.array();
        let key_hash = self.digest("opens")?;
        let opens = match flag {
            1 => Some(key_hash),
            0 if key_hash == Digest::ZERO => None,
            0 => return Err(not_canonical("opens", "a key hash stands where there should be zeros")),
            value => return Err(Problem::NotAFlag { field: "opens", value }),
        };
        Ok(Deposit { account, asset, amount, opens })
    }

    fn call(&mut self, kind: CallKind) -> Result<SignedCall, Problem> {
        let spec = kind.form_id().spec();
        let account = self.account("account")?;
        let nonce = self.nonce()?;
        let fee = Fee::decode(self.u32())?;
        let mut values = Vec::with_capacity(spec.value_count());
        for (_, field) in spec.fields() {
            match (field.width, value_bytes(field.width)) {
                (Width::Digest, _) => values.extend(self.digest(field.name)?.halves()),
                (_, 2) => values.push(u16::from_le_bytes(self.array()).into()),
                (_, 4) => values.push(self.u32().into()),
                _ => values.push(self.u64()),
            }
        }
        let call = Call { kind, account, nonce, fee, values };
        call.check()?;
        let authorization = self.authorization()?;
        let second = match spec.second {
            SecondSigner::None => None,
            SecondSigner::Contract => self.second()?,
            // Another account always signs too.
            SecondSigner::User(_) => {
                Some(self.second()?.ok_or(Problem::NotAFlag { field: "second_signature", value: 0 })?)
            }
        };
        Ok(SignedCall { call, authorization, second })
    }

    fn second(&mut self) -> Result<Option<Authorization>, Problem> {
        let [flag] = self.array();
        match flag {
            1 => self.authorization().map(Some),
            0 if self.array::<AUTHORIZATION_BYTES>() == [0; AUTHORIZATION_BYTES] => Ok(None),
            0 => Err(not_canonical("second_signature", "bytes stand where there should be zeros")),
            value => Err(Problem::NotAFlag { field: "second_signature", value }),
        }
    }

    fn authorization(&mut self) -> Result<Authorization, Problem> {
        Ok(Authorization {
            public_key: PublicKey::from_bytes(&self.array()).map_err(|error| not_canonical("public_key", error))?,
            signature: Signature::from_bytes(&self.array()).map_err(|error| not_canonical("signature", error))?,
        })
    }
}

fn not_canonical(field: &'static str, reason: impl Display) -> Problem {
    Problem::NotCanonical { field, reason: reason.to_string() }
}
