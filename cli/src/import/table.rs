//! Rows of a table of mainnet transactions: CSV with a heading that names at least the columns `block`, `kind`,
//! `asset_in`, `from`, `to_or_asset_out` and `amount_in`, in any order; for swaps also `min_amount_out` and `path`.
//!
//! Swaps on mainnet's router go through WETH, which stands for ETH one to one. Here it is ETH.

use std::fmt;
use std::io::Read;
use std::str::FromStr;

use csv::ByteRecord;
use sheaf_circuits::context::ContractAddress;
use thiserror::Error;

/// A range of blocks, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks {
    first: u64,
    last: u64,
}

impl Blocks {
    /// Every block.
    pub const ALL: Self = Self { first: 0, last: u64::MAX };

    /// Whether `block` is in the range.
    pub const fn contains(self, block: u64) -> bool {
        self.first <= block && block <= self.last
    }
}

impl FromStr for Blocks {
    type Err = NotBlocks;

    fn from_str(text: &str) -> Result<Self, NotBlocks> {
        let number = |text: &str, open: u64| match text {
            "" => Ok(open),
            digits => digits.parse().map_err(|_| NotBlocks(text.into())),
        };
        let blocks = match text.split_once("..") {
            Some((first, last)) => Self { first: number(first, 0)?, last: number(last, u64::MAX)? },
            None if text.is_empty() => return Err(NotBlocks(text.into())),
            None => Self { first: number(text, 0)?, last: number(text, 0)? },
        };
        (blocks.first <= blocks.last).then_some(blocks).ok_or_else(|| NotBlocks(text.into()))
    }
}

/// A text that is no range of blocks.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is no range of blocks, expected FIRST..LAST (both included), FIRST.., ..LAST or one block")]
pub struct NotBlocks(String);

/// What a transfer moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coin {
    /// The L1's own coin.
    Eth,
    /// An ERC-20 token.
    Token(ContractAddress),
}

impl fmt::Display for Coin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Eth => f.write_str("ETH"),
            Self::Token(address) => f.write_str(&String::from(*address)),
        }
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// A payment.
    Transfer(TransferRow),
    /// A swap.
    Swap(SwapRow),
    /// A row of a block that was not asked for; nothing more of it is read.
    Elsewhere,
}

/// A row, or what is wrong with it, with its line.
pub type Line = (u64, Result<Row, RowError>);

/// A payment in L1 base units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferRow {
    /// The block it stood in.
    pub block: u64,
    /// What was paid.
    pub coin: Coin,
    /// Who paid.
    pub from: ContractAddress,
    /// Who was paid.
    pub to: ContractAddress,
    /// How much, in base units.
    pub amount: u128,
}

/// A swap of an exact amount in L1 base units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwapRow {
    /// The block it stood in.
    pub block: u64,
    /// Who swapped.
    pub from: ContractAddress,
    /// What was paid, what came between, and what was got: at least two.
    pub path: Vec<Coin>,
    /// How much was paid, in base units.
    pub amount_in: u128,
    /// The least that was asked for, in base units.
    pub least_out: u128,
}

/// The contract that wraps ETH on mainnet.
const WRAPPED_ETH: &str = "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2";

/// Why a file is not such a table.
#[derive(Debug, Error)]
pub enum TableError {
    /// There is no heading.
    #[error("the file is empty, expected a heading with the columns {}", COLUMNS.join(", "))]
    Empty,
    /// A column is missing.
    #[error("the heading has no column {column:?}; it has {}", got.join(", "))]
    MissingColumn {
        /// The column.
        column: &'static str,
        /// The columns that are there.
        got: Vec<String>,
    },
    /// The file could not be read.
    #[error("cannot read the table: {0}")]
    Unreadable(#[from] csv::Error),
}

/// Why a row was left out.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RowError {
    /// Too few or too many fields.
    #[error("{got} fields, the heading has {expected}")]
    Fields {
        /// Fields of the heading.
        expected: usize,
        /// Fields of the row.
        got: usize,
    },
    /// A field is not text.
    #[error("{column} is not UTF-8 text")]
    NotText {
        /// The column.
        column: &'static str,
    },
    /// Not a decimal number in its range.
    #[error("{column} is {got:?}, expected a decimal number below 2^{bits}")]
    NotANumber {
        /// The column.
        column: &'static str,
        /// What is there.
        got: String,
        /// The width that it must fit.
        bits: u32,
    },
    /// Not an address.
    #[error("{column} is {got:?}, expected {expected}")]
    NotAnAddress {
        /// The column.
        column: &'static str,
        /// What is there.
        got: String,
        /// What should be there.
        expected: &'static str,
    },
    /// A swap in a table without the columns for it.
    #[error("a swap, but the heading has no column {column}")]
    NoColumn {
        /// The column.
        column: &'static str,
    },
    /// A swap's path does not lead from what is paid to what is got.
    #[error("path {path:?} does not lead from {from} to {to} over different assets")]
    Path {
        /// The path.
        path: String,
        /// What is paid.
        from: String,
        /// What is got.
        to: String,
    },
    /// Neither transfer nor swap.
    #[error("kind is {got:?}, expected transfer or swap")]
    UnknownKind {
        /// What is there.
        got: String,
    },
}

const COLUMNS: [&str; 6] = ["block", "kind", "asset_in", "from", "to_or_asset_out", "amount_in"];
const BLOCK: usize = 0;
const KIND: usize = 1;
const ASSET: usize = 2;
const FROM: usize = 3;
const TO: usize = 4;
const AMOUNT: usize = 5;
/// The columns that only swaps need.
const SWAP_COLUMNS: [&str; 2] = ["min_amount_out", "path"];
const LEAST_OUT: usize = 0;
const PATH: usize = 1;

/// A table while it is read.
pub struct Table<R> {
    csv: csv::Reader<R>,
    record: ByteRecord,
    /// Where the heading has each of [`COLUMNS`].
    positions: [usize; COLUMNS.len()],
    /// Where it has each of [`SWAP_COLUMNS`].
    swap_positions: [Option<usize>; SWAP_COLUMNS.len()],
    width: usize,
}

impl<R: Read> Table<R> {
    /// Reads the heading.
    pub fn open(input: R) -> Result<Self, TableError> {
        let mut csv = csv::ReaderBuilder::new().flexible(true).from_reader(input);
        let heading = csv.byte_headers()?.clone();
        let names: Vec<String> = heading.iter().map(|name| String::from_utf8_lossy(name).trim().into()).collect();
        if names.is_empty() {
            return Err(TableError::Empty);
        }
        let mut positions = [0; COLUMNS.len()];
        for (position, column) in positions.iter_mut().zip(COLUMNS) {
            let found = names.iter().position(|name| name == column);
            *position = found.ok_or_else(|| TableError::MissingColumn { column, got: names.clone() })?;
        }
        let swap_positions = SWAP_COLUMNS.map(|column| names.iter().position(|name| name == column));
        Ok(Self { csv, record: ByteRecord::new(), positions, swap_positions, width: names.len() })
    }

    /// The next row with its line, or nothing at the end. `blocks` are those asked for.
    pub fn next_row(&mut self, blocks: Blocks) -> Result<Option<Line>, TableError> {
        if !self.csv.read_byte_record(&mut self.record)? {
            return Ok(None);
        }
        let line = self.record.position().map_or(0, csv::Position::line);
        Ok(Some((line, self.row(blocks))))
    }

    fn row(&self, blocks: Blocks) -> Result<Row, RowError> {
        if self.record.len() != self.width {
            return Err(RowError::Fields { expected: self.width, got: self.record.len() });
        }
        let block = self.number::<u64>(BLOCK, u64::BITS)?;
        match self.text(KIND)? {
            _ if !blocks.contains(block) => Ok(Row::Elsewhere),
            "swap" => self.swap(block).map(Row::Swap),
            "transfer" => Ok(Row::Transfer(TransferRow {
                block,
                coin: match self.text(ASSET)? {
                    "ETH" => Coin::Eth,
                    _ => Coin::Token(self.address(ASSET, "ETH or 0x and 40 hexadecimal digits")?),
                },
                from: self.address(FROM, "0x and 40 hexadecimal digits")?,
                to: self.address(TO, "0x and 40 hexadecimal digits")?,
                amount: self.number(AMOUNT, u128::BITS)?,
            })),
            other => Err(RowError::UnknownKind { got: shorten(other) }),
        }
    }

    fn swap(&self, block: u64) -> Result<SwapRow, RowError> {
        let coin = |column: &'static str, text: &str| match text {
            "ETH" | WRAPPED_ETH => Ok(Coin::Eth),
            _ => address(column, text, "ETH or 0x and 40 hexadecimal digits").map(Coin::Token),
        };
        let text = self.swap_text(PATH)?;
        let path = text.split('>').map(|step| coin("path", step.trim())).collect::<Result<Vec<_>, _>>()?;
        let (paid, got) = (self.text(ASSET)?, self.text(TO)?);
        let ends = [coin(COLUMNS[ASSET], paid)?, coin(COLUMNS[TO], got)?];
        let leads = path.len() >= 2 && path[0] == ends[0] && path[path.len() - 1] == ends[1];
        if !leads || path.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(RowError::Path { path: shorten(text), from: shorten(paid), to: shorten(got) });
        }
        Ok(SwapRow {
            block,
            from: self.address(FROM, "0x and 40 hexadecimal digits")?,
            path,
            amount_in: self.number(AMOUNT, u128::BITS)?,
            least_out: number(SWAP_COLUMNS[LEAST_OUT], self.swap_text(LEAST_OUT)?, u128::BITS)?,
        })
    }

    fn text(&self, column: usize) -> Result<&str, RowError> {
        self.text_at(self.positions[column], COLUMNS[column])
    }

    fn swap_text(&self, column: usize) -> Result<&str, RowError> {
        let name = SWAP_COLUMNS[column];
        self.text_at(self.swap_positions[column].ok_or(RowError::NoColumn { column: name })?, name)
    }

    fn text_at(&self, position: usize, column: &'static str) -> Result<&str, RowError> {
        let bytes = self.record.get(position).unwrap_or_default();
        Ok(std::str::from_utf8(bytes).map_err(|_| RowError::NotText { column })?.trim())
    }

    fn number<N: FromStr>(&self, column: usize, bits: u32) -> Result<N, RowError> {
        number(COLUMNS[column], self.text(column)?, bits)
    }

    fn address(&self, column: usize, expected: &'static str) -> Result<ContractAddress, RowError> {
        address(COLUMNS[column], self.text(column)?, expected)
    }
}

fn number<N: FromStr>(column: &'static str, text: &str, bits: u32) -> Result<N, RowError> {
    let number = text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    number.ok_or_else(|| RowError::NotANumber { column, got: shorten(text), bits })
}

fn address(column: &'static str, text: &str, expected: &'static str) -> Result<ContractAddress, RowError> {
    ContractAddress::try_from(text.to_owned()).map_err(|_| RowError::NotAnAddress {
        column,
        got: shorten(text),
        expected,
    })
}

/// `text`, but not so long that it hides the message around it.
fn shorten(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into(),
    }
}
