//! What can be wrong with a batch file.

use serde::{Serialize, Serializer};
use sheaf_circuits::account::{ACCOUNT_BITS, SLOT_BITS};
use sheaf_circuits::amount::{FeeError, BALANCE_BITS, TRANSFER_BITS};
use sheaf_circuits::context::{Context, ContextError};
use sheaf_circuits::contract::CallError;
use sheaf_circuits::transaction::Kind;
use thiserror::Error;

use super::Position;

/// Why a file is not a batch at all: its header cannot be read.
#[derive(Debug, Error)]
pub enum HeaderError {
    /// There is nothing in it.
    #[error("the file is empty, expected a batch: a header line {{\"batch\": …}}, then one transaction a line")]
    Empty,
    /// It could not be read or decompressed.
    #[error("the file cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    /// The first line has no end within the limit.
    #[error("the first line is longer than {limit} bytes, expected a header line {{\"batch\": …}}")]
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// The first line is no header.
    #[error("line 1 is no batch header: {reason}; expected {{\"batch\": {{\"domain\": {{\"chain_id\": …, \"contract\": \"0x…\"}}, \"batch_number\": …, \"operator\": …, \"timestamp_s\": …}}}}")]
    NotAHeader {
        /// What the JSON reader says.
        reason: String,
    },
    /// The file ends inside the binary header.
    #[error("the file ends at byte {got} inside the binary header of {expected} bytes")]
    CutOff {
        /// Bytes of a header.
        expected: usize,
        /// Bytes found.
        got: usize,
    },
    /// Another version of the binary form.
    #[error("binary batch of version {got}, this program reads version {expected}")]
    Version {
        /// The version read here.
        expected: u8,
        /// The version found.
        got: u8,
    },
    /// A field of the binary header is out of range.
    #[error("the header's {field} is {value}, expected less than 2^{bits}")]
    OutOfRange {
        /// The field.
        field: &'static str,
        /// The value found.
        value: u64,
        /// The width it has to fit.
        bits: usize,
    },
    /// A field of the context is too wide.
    #[error("the header is not a context: {0}")]
    Context(#[from] ContextError),
}

/// An entry of a batch file that was left out.
///
/// In JSON: its position, the fields of the problem, and all of it in words as `message`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{position}: {problem}")]
pub struct Refused {
    /// Where the entry begins.
    pub position: Position,
    /// What is wrong with it.
    pub problem: Problem,
}

impl Serialize for Refused {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown<'a> {
            position: Position,
            #[serde(flatten)]
            problem: &'a Problem,
            message: String,
        }
        let Self { position, problem } = self;
        Shown { position: *position, problem, message: problem.to_string() }.serialize(serializer)
    }
}

/// What is wrong with one entry of a batch file.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize)]
#[serde(tag = "problem", rename_all = "snake_case")]
pub enum Problem {
    /// The line is not JSON.
    #[error("not JSON (column {column}): {reason}")]
    NotJson {
        /// Where in the line, counted from 1.
        column: usize,
        /// What the JSON reader says.
        reason: String,
    },
    /// The line is JSON, but not an object.
    #[error("expected a JSON object, got {got}")]
    NotAnObject {
        /// What it is.
        got: &'static str,
    },
    /// There is nothing on the line.
    #[error("the line is blank, expected a transaction")]
    Blank,
    /// The line does not end within the limit.
    #[error("the line is longer than {limit} bytes")]
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// The file ends inside the entry.
    #[error("the file ends inside this entry; it may have been cut off")]
    CutOff,
    /// A field is missing.
    #[error("field {field:?} is missing, a {kind} has it")]
    MissingField {
        /// The field.
        field: &'static str,
        /// The kind of the transaction.
        kind: &'static str,
    },
    /// A field that the kind does not have.
    #[error("field {field:?} is unknown, a {kind} has no such field")]
    UnknownField {
        /// The field.
        field: String,
        /// The kind of the transaction.
        kind: &'static str,
    },
    /// A field stands there twice.
    #[error("field {field:?} is there twice")]
    RepeatedField {
        /// The field.
        field: String,
    },
    /// A field is of another type.
    #[error("field {field:?} is {got}, expected {expected}")]
    WrongType {
        /// The field.
        field: &'static str,
        /// What should be there.
        expected: &'static str,
        /// What is there.
        got: String,
    },
    /// Not a kind of transaction.
    #[error("kind {got:?} is unknown, expected one of {}", known_kinds())]
    UnknownKind {
        /// What is there.
        got: String,
    },
    /// A kind that nobody signs, where one to sign is expected.
    #[error("a {kind} is not signed, expected a transfer, a withdraw or a call of a contract")]
    NotSigned {
        /// The kind found.
        kind: &'static str,
    },
    /// A kind that one account signs, where one for two is expected.
    #[error("a {kind} has no second signature")]
    NotSignedTwice {
        /// The kind found.
        kind: &'static str,
    },
    /// The values of a call do not fit its form.
    #[error(transparent)]
    Call {
        /// What is wrong.
        #[serde(skip)]
        source: CallError,
    },
    /// A number is too large for its field.
    #[error("field {field:?} is {value}, expected less than 2^{bits}")]
    OutOfRange {
        /// The field.
        field: &'static str,
        /// The value found.
        value: u64,
        /// The width it has to fit.
        bits: usize,
    },
    /// A nonce that is no element of F: it would be a second spelling of a smaller one.
    #[error("field \"nonce\" is {value}, expected a value below p = 2^64 - 2^32 + 1")]
    Nonce {
        /// The value found.
        value: u64,
    },
    /// A fee that has no mantissa and exponent, or bits that are not its one spelling.
    #[error("field \"fee\": {reason}")]
    Fee {
        /// What is wrong with it.
        reason: String,
        /// The next lower fee that can be represented.
        #[serde(skip_serializing_if = "Option::is_none")]
        nearest: Option<u64>,
    },
    /// Not hexadecimal of the right length.
    #[error("field {field:?} is not {expected_bytes} bytes of hexadecimal: got {got_characters} characters, expected {} hexadecimal digits", 2 * expected_bytes)]
    NotHex {
        /// The field.
        field: &'static str,
        /// Bytes that it should have.
        expected_bytes: usize,
        /// Characters that are there.
        got_characters: usize,
    },
    /// Bytes that are no key, signature or digest, or not the one spelling of it.
    #[error("field {field:?} does not decode: {reason}")]
    NotCanonical {
        /// The field.
        field: &'static str,
        /// What the decoder says.
        reason: String,
    },
    /// The same transaction with the same signature stands further up.
    #[error("the same transaction, with the same signature, is at {first}")]
    Repeated {
        /// Where it stands first.
        first: Position,
    },
    /// The batch's own header again.
    #[error("the batch's header is repeated, expected a transaction")]
    RepeatedHeader,
    /// Another header: what follows is signed for another rollup or belongs to another batch.
    #[error("a second header with another {differs}; entries below it are not of this batch")]
    OtherHeader {
        /// What is not the same: domain, batch number, operator or timestamp.
        differs: &'static str,
    },
    /// A transaction below another header.
    #[error("stands below another batch's header ({header}), so it is not of this batch")]
    OtherBatch {
        /// Where that header is.
        header: Position,
    },
    /// A header that cannot be read: what follows is not known to be of this batch.
    #[error("a second header that cannot be read: {reason}; entries below it are not of this batch")]
    BadHeader {
        /// What is wrong with it.
        reason: String,
    },
    /// A byte that should be 0 or 1.
    #[error("field {field:?} is {value}, expected 0 or 1")]
    NotAFlag {
        /// The field.
        field: &'static str,
        /// The value found.
        value: u8,
    },
    /// A kind byte that nobody knows, so nobody knows where the next transaction begins. Ends the reading.
    #[error("kind {code} is unknown; what follows cannot be read")]
    UnknownCode {
        /// The byte found.
        code: u8,
    },
    /// Bytes after the last transaction. Ends the reading.
    #[error("there are bytes after the last of {count} transactions")]
    TrailingBytes {
        /// Transactions that the header announced.
        count: u32,
    },
    /// More entries than the limit. Ends the reading.
    #[error("more than {limit} entries; split the batch, what follows is not read")]
    TooMany {
        /// The limit.
        limit: u64,
    },
    /// The file could not be read or decompressed any further. Ends the reading.
    #[error("the file cannot be read from here on: {reason}")]
    Unreadable {
        /// What the system or the decompressor says.
        reason: String,
    },
}

impl Problem {
    /// An account index that is too large.
    pub(super) fn account(field: &'static str, value: u64) -> Self {
        Self::OutOfRange { field, value, bits: ACCOUNT_BITS }
    }

    /// An asset number that is too large.
    pub(super) fn asset(value: u64) -> Self {
        Self::OutOfRange { field: "asset", value, bits: SLOT_BITS }
    }

    /// A deposit that is too large.
    pub(super) fn balance(value: u64) -> Self {
        Self::OutOfRange { field: "amount", value, bits: BALANCE_BITS }
    }

    /// More than one transaction may move.
    pub(super) fn moved(value: u64) -> Self {
        Self::OutOfRange { field: "amount", value, bits: TRANSFER_BITS }
    }

    /// A header other than the batch's.
    pub(super) fn header(own: &Context, other: &Context) -> Self {
        let differs = match () {
            () if own.domain != other.domain => "domain",
            () if own.batch_number != other.batch_number => "batch number",
            () if own.operator != other.operator => "operator",
            () if own.timestamp_s != other.timestamp_s => "timestamp",
            () => return Self::RepeatedHeader,
        };
        Self::OtherHeader { differs }
    }

    /// Whether what follows in the file belongs to another batch.
    pub(super) const fn begins_other_batch(&self) -> bool {
        matches!(self, Self::OtherHeader { .. } | Self::BadHeader { .. })
    }
}

/// The names of all kinds.
fn known_kinds() -> String {
    let names: Vec<_> = Kind::all().map(Kind::name).collect();
    names.join(", ")
}

impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        match error {
            CallError::TooWide { field, value, bits } => Self::OutOfRange { field, value, bits },
            source => Self::Call { source },
        }
    }
}

impl From<FeeError> for Problem {
    fn from(error: FeeError) -> Self {
        let nearest = match error {
            FeeError::NotRepresentable { nearest, .. } => Some(nearest),
            _ => None,
        };
        Self::Fee { reason: error.to_string(), nearest }
    }
}
