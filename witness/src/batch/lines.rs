//! One line of JSON: a header or a transaction.

mod object;

use std::fmt::{self, Write};

use serde::Deserialize;
use sheaf_circuits::context::Context;
use sheaf_circuits::contract::{Call, CallKind, FieldSpec, SecondSigner, SignedCall, Width};
use sheaf_circuits::hash::Digest;
use sheaf_circuits::signature::{PublicKey, Signature};
use sheaf_circuits::transaction::{Authorization, Deposit, ForcedExit, Kind, Rekey, Transaction, Transfer, Withdraw};

use self::object::Fields;
use super::problem::{HeaderError, Problem};
use super::unsigned::Unsigned;

/// The field that only a header has.
const HEADER_FIELD: &str = "batch";

/// What a line holds.
pub(super) enum Line {
    Header(Context),
    Transaction(Transaction),
}

/// The header's line, without a line end.
pub fn header(context: &Context) -> String {
    let context = serde_json::to_string(context).expect("a context is numbers and a text");
    format!("{{\"{HEADER_FIELD}\":{context}}}")
}

/// A transaction's line, without a line end.
pub fn transaction(transaction: &Transaction) -> String {
    let mut line = Writer::new(transaction.kind());
    match transaction {
        Transaction::Noop => {}
        Transaction::Deposit(t) => {
            line.number("account", t.account.get());
            line.number("asset", t.asset);
            line.number("amount", t.amount);
            if let Some(key_hash) = t.opens {
                line.digest("opens", key_hash);
            }
        }
        Transaction::Rekey(t) => {
            line.number("account", t.account);
            line.digest("key_hash", t.key_hash);
        }
        Transaction::ForcedExit(t) => {
            line.number("account", t.account);
            line.number("asset", t.asset);
        }
        Transaction::Transfer(t, authorization) => {
            line.transfer(t);
            line.authorization(authorization);
        }
        Transaction::Withdraw(t, authorization) => {
            line.withdraw(t);
            line.authorization(authorization);
        }
        Transaction::Call(signed) => {
            line.call(&signed.call);
            line.authorization(&signed.authorization);
            if let Some(second) = &signed.second {
                line.hex("second_public_key", &second.public_key.to_bytes());
                line.hex("second_signature", &second.signature.to_bytes());
            }
        }
    }
    line.finish()
}

/// The line of a transaction that is yet to be signed, without a line end.
pub fn unsigned(unsigned: &Unsigned) -> String {
    match unsigned {
        Unsigned::Transfer(t) => {
            let mut line = Writer::new(Kind::Transfer);
            line.transfer(t);
            line.finish()
        }
        Unsigned::Withdraw(t) => {
            let mut line = Writer::new(Kind::Withdraw);
            line.withdraw(t);
            line.finish()
        }
        Unsigned::Call(call) => {
            let mut line = Writer::new(Kind::Call(call.kind));
            line.call(call);
            line.finish()
        }
    }
}

/// Reads the header from the first line of a file.
pub fn parse_header(line: &[u8]) -> Result<Context, HeaderError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Header {
        batch: Context,
    }
    let header: Header = serde_json::from_slice(line).map_err(|error| HeaderError::NotAHeader {
        reason: format!("{} (column {})", object::reason(&error), error.column()),
    })?;
    header.batch.check()?;
    Ok(header.batch)
}

/// Reads a transaction from a line of a batch.
pub fn parse_transaction(line: &[u8]) -> Result<Transaction, Problem> {
    let mut fields = Fields::parse(line)?;
    let transaction = match take_kind(&mut fields)? {
        Kind::Noop => Transaction::Noop,
        Kind::Deposit => Transaction::Deposit(Deposit {
            account: fields.account("account")?,
            asset: fields.asset()?,
            amount: fields.balance()?,
            opens: if fields.has("opens") { Some(fields.digest("opens")?) } else { None },
        }),
        Kind::Rekey => {
            Transaction::Rekey(Rekey { account: fields.account("account")?, key_hash: fields.digest("key_hash")? })
        }
        Kind::ForcedExit => {
            Transaction::ForcedExit(ForcedExit { account: fields.account("account")?, asset: fields.asset()? })
        }
        Kind::Transfer => Transaction::Transfer(take_transfer(&mut fields)?, take_authorization(&mut fields)?),
        Kind::Withdraw => Transaction::Withdraw(take_withdraw(&mut fields)?, take_authorization(&mut fields)?),
        Kind::Call(kind) => {
            let call = take_call(&mut fields, kind)?;
            let authorization = take_authorization(&mut fields)?;
            let second = take_second(&mut fields, kind)?;
            Transaction::Call(Box::new(SignedCall { call, authorization, second }))
        }
    };
    fields.finish()?;
    Ok(transaction)
}

/// Reads a call that its account signed and a second signer is yet to sign: a line of a batch without
/// `second_public_key` and `second_signature`.
pub fn parse_signed_once(line: &[u8]) -> Result<SignedCall, Problem> {
    let mut fields = Fields::parse(line)?;
    let signed = match take_kind(&mut fields)? {
        Kind::Call(kind) if kind.form_id().spec().second != SecondSigner::None => {
            let call = take_call(&mut fields, kind)?;
            SignedCall { call, authorization: take_authorization(&mut fields)?, second: None }
        }
        kind => return Err(Problem::NotSignedTwice { kind: kind.name() }),
    };
    fields.finish()?;
    Ok(signed)
}

/// Reads a transaction that is yet to be signed: a line of a batch without `public_key` and `signature`.
pub fn parse_unsigned(line: &[u8]) -> Result<Unsigned, Problem> {
    let mut fields = Fields::parse(line)?;
    let unsigned = match take_kind(&mut fields)? {
        Kind::Transfer => Unsigned::Transfer(take_transfer(&mut fields)?),
        Kind::Withdraw => Unsigned::Withdraw(take_withdraw(&mut fields)?),
        Kind::Call(kind) => Unsigned::Call(take_call(&mut fields, kind)?),
        kind => return Err(Problem::NotSigned { kind: kind.name() }),
    };
    fields.finish()?;
    Ok(unsigned)
}

/// Reads a line after the first: a transaction, or another header.
pub(super) fn parse_line(line: &[u8]) -> Result<Line, Problem> {
    if line.iter().all(u8::is_ascii_whitespace) {
        return Err(Problem::Blank);
    }
    match parse_transaction(line) {
        Ok(transaction) => Ok(Line::Transaction(transaction)),
        Err(Problem::MissingField { field: "kind", .. }) if Fields::parse(line)?.has(HEADER_FIELD) => {
            parse_header(line).map(Line::Header).map_err(|error| Problem::BadHeader { reason: error.to_string() })
        }
        Err(problem) => Err(problem),
    }
}

fn take_kind(fields: &mut Fields<'_>) -> Result<Kind, Problem> {
    let name = fields.text("kind")?;
    let kind = Kind::by_name(&name);
    let kind = kind.ok_or_else(|| Problem::UnknownKind { got: name.chars().take(40).collect() })?;
    fields.set_kind(kind.name());
    Ok(kind)
}

fn take_transfer(fields: &mut Fields<'_>) -> Result<Transfer, Problem> {
    Ok(Transfer {
        account: fields.account("account")?,
        nonce: fields.nonce()?,
        fee: fields.fee()?,
        asset: fields.asset()?,
        to: fields.account("to")?,
        amount: fields.moved()?,
    })
}

fn take_withdraw(fields: &mut Fields<'_>) -> Result<Withdraw, Problem> {
    Ok(Withdraw {
        account: fields.account("account")?,
        nonce: fields.nonce()?,
        fee: fields.fee()?,
        asset: fields.asset()?,
        amount: fields.moved()?,
    })
}

fn take_authorization(fields: &mut Fields<'_>) -> Result<Authorization, Problem> {
    take_authorization_named(fields, "public_key", "signature")
}

fn take_authorization_named(
    fields: &mut Fields<'_>,
    key_field: &'static str,
    signature_field: &'static str,
) -> Result<Authorization, Problem> {
    let not_canonical = |field, reason: &dyn fmt::Display| Problem::NotCanonical { field, reason: reason.to_string() };
    let public_key = PublicKey::from_bytes(&fields.bytes(key_field)?);
    let signature = Signature::from_bytes(&fields.bytes(signature_field)?);
    Ok(Authorization {
        public_key: public_key.map_err(|error| not_canonical(key_field, &error))?,
        signature: signature.map_err(|error| not_canonical(signature_field, &error))?,
    })
}

/// The second signature: always there if another account signs too, at wish if the contract says when it is due.
fn take_second(fields: &mut Fields<'_>, kind: CallKind) -> Result<Option<Authorization>, Problem> {
    let due = match kind.form_id().spec().second {
        SecondSigner::None => false,
        SecondSigner::User(_) => true,
        SecondSigner::Contract => fields.has("second_public_key") || fields.has("second_signature"),
    };
    due.then(|| take_authorization_named(fields, "second_public_key", "second_signature")).transpose()
}

/// A call's own fields. Those that its kind does not use are left out.
fn take_call(fields: &mut Fields<'_>, kind: CallKind) -> Result<Call, Problem> {
    let spec = kind.form_id().spec();
    let (account, nonce, fee) = (fields.account("account")?, fields.nonce()?, fields.fee()?);
    let mut values = Vec::with_capacity(spec.value_count());
    for (_, field) in spec.fields() {
        match field.width {
            _ if !is_used(kind, field) => values.extend(std::iter::repeat_n(0, field.width.count())),
            Width::Digest => values.extend(fields.digest(field.name)?.halves()),
            _ => values.push(fields.number(field.name)?),
        }
    }
    let call = Call { kind, account, nonce, fee, values };
    call.check()?;
    Ok(call)
}

fn is_used(kind: CallKind, field: &FieldSpec) -> bool {
    !kind.spec().unused.contains(&field.name)
}

/// Writes the fields of one transaction in their order.
struct Writer(String);

impl Writer {
    fn new(kind: Kind) -> Self {
        let mut line = String::with_capacity(448);
        line.push_str("{\"kind\":\"");
        line.push_str(kind.name());
        line.push('"');
        Self(line)
    }

    fn number(&mut self, field: &str, value: impl fmt::Display) {
        write!(self.0, ",\"{field}\":{value}").expect("writing to memory");
    }

    fn hex(&mut self, field: &str, bytes: &[u8]) {
        write!(self.0, ",\"{field}\":\"{}\"", hex::encode(bytes)).expect("writing to memory");
    }

    fn digest(&mut self, field: &str, digest: Digest) {
        self.hex(field, &digest.to_bytes());
    }

    fn transfer(&mut self, t: &Transfer) {
        self.number("account", t.account);
        self.number("nonce", t.nonce);
        self.number("fee", t.fee);
        self.number("asset", t.asset);
        self.number("to", t.to);
        self.number("amount", t.amount);
    }

    fn withdraw(&mut self, t: &Withdraw) {
        self.number("account", t.account);
        self.number("nonce", t.nonce);
        self.number("fee", t.fee);
        self.number("asset", t.asset);
        self.number("amount", t.amount);
    }

    fn call(&mut self, call: &Call) {
        self.number("account", call.account);
        self.number("nonce", call.nonce);
        self.number("fee", call.fee);
        for (first, field) in call.kind.form_id().spec().fields() {
            match field.width {
                _ if !is_used(call.kind, field) => {}
                Width::Digest => self.digest(field.name, call.digest_at(first)),
                _ => self.number(field.name, call.value(first)),
            }
        }
    }

    fn authorization(&mut self, authorization: &Authorization) {
        self.hex("public_key", &authorization.public_key.to_bytes());
        self.hex("signature", &authorization.signature.to_bytes());
    }

    fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}
