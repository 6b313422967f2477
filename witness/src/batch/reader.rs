//! Reads batch files of any form as a stream of entries. Entries are split off one after the other and decoded in
//! parallel, a block at a time.

use std::collections::{HashMap, VecDeque};
use std::io::{self, BufRead, BufReader, Cursor, ErrorKind, Read};

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};
use sheaf_circuits::context::Context;
use sheaf_circuits::transaction::{Kind, Transaction};

use super::lines::Line;
use super::problem::{HeaderError, Problem, Refused};
use super::{binary, lines, Entry, Form, Limits, Notation, Position};

/// Entries that are split off and decoded at a time.
const BLOCK_ENTRIES: usize = 1024;
/// How a zstd frame begins.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Bytes of a fingerprint: too many for two different transactions to share one.
const FINGERPRINT_BYTES: usize = 16;

type Fingerprint = [u8; FINGERPRINT_BYTES];

/// A batch file while it is read. Yields each transaction with its position, or what is wrong with it; see the
/// [module's page](super) for what ends the reading and what does not.
pub struct Reader<'a> {
    input: Box<dyn BufRead + 'a>,
    form: Form,
    limits: Limits,
    context: Context,
    /// The next entry's position as a number: its line, or its byte.
    next: u64,
    /// Entries split off so far.
    entries: u64,
    /// Transactions that a binary header announced.
    announced: u32,
    ended: bool,
    decoded: VecDeque<Piece<Decoded>>,
    /// The header of another batch that we are below of.
    below: Option<Position>,
    seen: HashMap<Fingerprint, Position>,
}

/// Something at a place in the file, or what is wrong there.
type Piece<T> = (Position, Result<T, Problem>);

#[expect(clippy::large_enum_variant, reason = "nearly all are transactions, and none is kept long")]
enum Decoded {
    Header(Context),
    Transaction(Transaction, Option<Fingerprint>),
}

/// An entry's bytes, and whether the file goes on behind them.
struct Raw {
    bytes: Vec<u8>,
    ended: bool,
}

impl<'a> Reader<'a> {
    /// Reads the header of a batch file. Its form is told by the first bytes.
    pub fn new(source: impl Read + 'a, limits: Limits) -> Result<Self, HeaderError> {
        let (first, source) = peek(source, ZSTD_MAGIC.len())?;
        if first.is_empty() {
            return Err(HeaderError::Empty);
        }
        let compressed = first == ZSTD_MAGIC;
        let source: Box<dyn Read + 'a> =
            if compressed { Box::new(zstd::Decoder::new(source)?) } else { Box::new(source) };
        let (first, source) = peek(source, binary::MAGIC.len())?;
        let notation = if first == binary::MAGIC { Notation::Binary } else { Notation::Lines };
        let mut input = Box::new(BufReader::with_capacity(1 << 16, source));
        let (context, announced, next) = match notation {
            Notation::Lines => (read_header_line(&mut input, limits)?, 0, 2),
            Notation::Binary => {
                let mut header = [0; binary::HEADER_BYTES];
                let got = read_full(&mut input, &mut header)?;
                if got < header.len() {
                    return Err(HeaderError::CutOff { expected: header.len(), got });
                }
                let (context, count) = binary::parse_header(&header)?;
                (context, count, header.len() as u64)
            }
        };
        Ok(Self {
            input,
            form: Form { notation, compressed },
            limits,
            context,
            next,
            entries: 0,
            announced,
            ended: false,
            decoded: VecDeque::new(),
            below: None,
            seen: HashMap::new(),
        })
    }

    /// The context of the batch.
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// How the file is written.
    pub const fn form(&self) -> Form {
        self.form
    }

    fn decode_block(&mut self) {
        let block: Vec<Piece<Raw>> = std::iter::from_fn(|| self.split_off()).take(BLOCK_ENTRIES).collect();
        let notation = self.form.notation;
        let decoded =
            block.into_par_iter().map(|(position, raw)| (position, raw.and_then(|raw| decode(notation, &raw))));
        self.decoded = decoded.collect::<Vec<_>>().into();
    }

    /// The bytes of the next entry.
    fn split_off(&mut self) -> Option<Piece<Raw>> {
        if self.ended {
            return None;
        }
        let (position, piece) = match self.form.notation {
            Notation::Lines => (Position::Line(self.next), self.split_off_line()),
            Notation::Binary => (Position::Byte(self.next), self.split_off_binary()),
        };
        let raw = match piece {
            Ok(None) => {
                self.ended = true;
                return None;
            }
            Ok(Some(_)) if self.entries == self.limits.entries => {
                self.ended = true;
                Err(Problem::TooMany { limit: self.limits.entries })
            }
            Ok(Some(raw)) => {
                self.entries += 1;
                raw
            }
            Err(problem) => {
                self.ended = true;
                Err(problem)
            }
        };
        Some((position, raw))
    }

    /// The next line. The outer error ends the reading, the inner one is about this line alone.
    fn split_off_line(&mut self) -> Result<Option<Result<Raw, Problem>>, Problem> {
        let line = read_line(&mut self.input, self.limits.line_bytes).map_err(unreadable)?;
        self.next += 1;
        Ok(match line {
            RawLine::None => None,
            RawLine::Line { bytes, ended } => Some(Ok(Raw { bytes, ended })),
            RawLine::TooLong => Some(Err(Problem::TooLong { limit: self.limits.line_bytes })),
        })
    }

    fn split_off_binary(&mut self) -> Result<Option<Result<Raw, Problem>>, Problem> {
        let mut code = [0];
        let got = read_full(&mut self.input, &mut code).map_err(unreadable)?;
        if self.entries == u64::from(self.announced) {
            return if got == 0 { Ok(None) } else { Err(Problem::TrailingBytes { count: self.announced }) };
        }
        if got == 0 {
            return Err(Problem::CutOff);
        }
        let [code] = code;
        let kind = Kind::from_code(code).ok_or(Problem::UnknownCode { code })?;
        let mut bytes = vec![code; binary::length(kind)];
        if read_full(&mut self.input, &mut bytes[1..]).map_err(unreadable)? < bytes.len() - 1 {
            return Err(Problem::CutOff);
        }
        self.next += bytes.len() as u64;
        Ok(Some(Ok(Raw { bytes, ended: true })))
    }

    /// Checks what needs to know the entries before: headers and repetitions.
    fn admit(&mut self, position: Position, decoded: Decoded) -> Result<Entry, Problem> {
        let (transaction, fingerprint) = match decoded {
            Decoded::Header(other) => {
                let problem = Problem::header(&self.context, &other);
                self.below = problem.begins_other_batch().then_some(position);
                return Err(problem);
            }
            Decoded::Transaction(transaction, fingerprint) => (transaction, fingerprint),
        };
        if let Some(header) = self.below {
            return Err(Problem::OtherBatch { header });
        }
        if let Some(fingerprint) = fingerprint {
            if let Some(&first) = self.seen.get(&fingerprint) {
                return Err(Problem::Repeated { first });
            }
            self.seen.insert(fingerprint, position);
        }
        Ok(Entry { position, transaction })
    }
}

impl Iterator for Reader<'_> {
    type Item = Result<Entry, Refused>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.decoded.is_empty() {
            self.decode_block();
        }
        let (position, decoded) = self.decoded.pop_front()?;
        let entry = decoded.and_then(|decoded| self.admit(position, decoded));
        if matches!(entry, Err(Problem::BadHeader { .. })) {
            self.below = Some(position);
        }
        Some(entry.map_err(|problem| Refused { position, problem }))
    }
}

fn decode(notation: Notation, raw: &Raw) -> Result<Decoded, Problem> {
    let transaction = match notation {
        Notation::Binary => binary::parse_transaction(&raw.bytes)?,
        Notation::Lines => match lines::parse_line(&raw.bytes) {
            Ok(Line::Header(context)) => return Ok(Decoded::Header(context)),
            Ok(Line::Transaction(transaction)) => transaction,
            Err(Problem::CutOff) if raw.ended => {
                let column = raw.bytes.len() + 1;
                return Err(Problem::NotJson { column, reason: "the line ends inside the object".into() });
            }
            Err(problem) => return Err(problem),
        },
    };
    let fingerprint = transaction.authorization().map(|_| {
        let hash = Sha256::digest(binary::transaction(&transaction));
        std::array::from_fn(|i| hash[i])
    });
    Ok(Decoded::Transaction(transaction, fingerprint))
}

fn unreadable(error: io::Error) -> Problem {
    match error.kind() {
        ErrorKind::UnexpectedEof => Problem::CutOff,
        _ => Problem::Unreadable { reason: error.to_string() },
    }
}

fn read_header_line(input: &mut impl BufRead, limits: Limits) -> Result<Context, HeaderError> {
    match read_line(input, limits.line_bytes)? {
        RawLine::None => Err(HeaderError::Empty),
        RawLine::TooLong => Err(HeaderError::TooLong { limit: limits.line_bytes }),
        RawLine::Line { bytes, .. } => lines::parse_header(&bytes),
    }
}

enum RawLine {
    None,
    Line { bytes: Vec<u8>, ended: bool },
    TooLong,
}

/// The next line without its end. Of a line that is too long only `limit` bytes are ever held.
fn read_line(input: &mut impl BufRead, limit: usize) -> io::Result<RawLine> {
    let mut bytes = Vec::with_capacity(512.min(limit + 1));
    let got = input.by_ref().take(limit as u64 + 1).read_until(b'\n', &mut bytes)?;
    if got == 0 {
        return Ok(RawLine::None);
    }
    let ended = bytes.last() == Some(&b'\n');
    if ended {
        bytes.pop();
    } else if bytes.len() > limit {
        input.skip_until(b'\n')?;
        return Ok(RawLine::TooLong);
    }
    Ok(RawLine::Line { bytes, ended })
}

/// Fills `buffer` as far as the input goes.
fn read_full(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The first `count` bytes, or all there are, and the input as if they had not been read.
fn peek<R: Read>(mut input: R, count: usize) -> io::Result<(Vec<u8>, impl Read)> {
    let mut first = vec![0; count];
    let got = read_full(&mut input, &mut first)?;
    first.truncate(got);
    Ok((first.clone(), Cursor::new(first).chain(input)))
}
