//! One line of JSON: a header or a transaction.

mod object;

use std::fmt::{self, Write};

use serde::Deserialize;
use sheaf_circuits::context::Context;
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

/// The name of a kind in files.
pub const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Noop => "noop",
        Kind::Deposit => "deposit",
        Kind::Rekey => "rekey",
        Kind::ForcedExit => "forced_exit",
        Kind::Transfer => "transfer",
        Kind::Withdraw => "withdraw",
    }
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
    };
    fields.finish()?;
    Ok(transaction)
}

/// Reads a transaction that is yet to be signed: a line of a batch without `public_key` and `signature`.
pub fn parse_unsigned(line: &[u8]) -> Result<Unsigned, Problem> {
    let mut fields = Fields::parse(line)?;
    let unsigned = match take_kind(&mut fields)? {
        Kind::Transfer => Unsigned::Transfer(take_transfer(&mut fields)?),
        Kind::Withdraw => Unsigned::Withdraw(take_withdraw(&mut fields)?),
        kind => return Err(Problem::NotSigned { kind: kind_name(kind) }),
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
    let kind = Kind::ALL.into_iter().find(|&kind| kind_name(kind) == name);
    let kind = kind.ok_or_else(|| Problem::UnknownKind { got: name.chars().take(40).collect() })?;
    fields.set_kind(kind_name(kind));
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
    let not_canonical = |field, reason: &dyn fmt::Display| Problem::NotCanonical { field, reason: reason.to_string() };
    let public_key = PublicKey::from_bytes(&fields.bytes("public_key")?);
    let signature = Signature::from_bytes(&fields.bytes("signature")?);
    Ok(Authorization {
        public_key: public_key.map_err(|error| not_canonical("public_key", &error))?,
        signature: signature.map_err(|error| not_canonical("signature", &error))?,
    })
}

/// Writes the fields of one transaction in their order.
struct Writer(String);

impl Writer {
    fn new(kind: Kind) -> Self {
        let mut line = String::with_capacity(448);
        line.push_str("{\"kind\":\"");
        line.push_str(kind_name(kind));
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

    fn authorization(&mut self, authorization: &Authorization) {
        self.hex("public_key", &authorization.public_key.to_bytes());
        self.hex("signature", &authorization.signature.to_bytes());
    }

    fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}
