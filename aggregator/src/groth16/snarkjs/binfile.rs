//! iden3's binary container: magic, version, number of sections, then each with its number and length.
//!
//! ```text
//!   4 magic | 4 version | 4 sections | (4 number | 8 length | length bytes)*         little-endian
//! ```

use std::io::{self, Read, Seek, SeekFrom, Write};

/// Sections that a file may have; snarkjs writes at most 10.
const MAX_SECTIONS: u32 = 64;
/// Bytes before a section.
const SECTION_HEADER: u64 = 12;

/// Writes what is before the first section.
pub(super) fn begin(out: &mut impl Write, magic: &[u8; 4], version: u32, sections: u32) -> io::Result<()> {
    out.write_all(magic)?;
    out.write_all(&version.to_le_bytes())?;
    out.write_all(&sections.to_le_bytes())
}

/// Writes what is before a section of `length` bytes.
pub(super) fn begin_section(out: &mut impl Write, number: u32, length: u64) -> io::Result<()> {
    out.write_all(&number.to_le_bytes())?;
    out.write_all(&length.to_le_bytes())
}

/// Why bytes are no such file.
#[derive(Debug)]
pub(super) enum Problem {
    Io(io::Error),
    Magic {
        got: [u8; 4],
    },
    Version {
        got: u32,
    },
    TooMany {
        got: u32,
    },
    /// A section ends after the file does.
    Truncated {
        section: u32,
        offset: u64,
        length: u64,
        file: u64,
    },
    Duplicate {
        section: u32,
    },
    Missing {
        section: u32,
    },
    Length {
        section: u32,
        expected: u64,
        got: u64,
    },
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A file whose sections are known to lie within it.
pub(super) struct Sections<R> {
    input: R,
    /// Number, offset and length of each.
    table: Vec<(u32, u64, u64)>,
}

impl<R: Read + Seek> Sections<R> {
    /// Finds the sections of a file of version 1.
    pub fn open(mut input: R, magic: &[u8; 4]) -> Result<Self, Problem> {
        let file = input.seek(SeekFrom::End(0))?;
        input.seek(SeekFrom::Start(0))?;
        let mut got = [0; 4];
        input.read_exact(&mut got)?;
        if got != *magic {
            return Err(Problem::Magic { got });
        }
        let version = read_u32(&mut input)?;
        if version != 1 {
            return Err(Problem::Version { got: version });
        }
        let count = read_u32(&mut input)?;
        if count > MAX_SECTIONS {
            return Err(Problem::TooMany { got: count });
        }
        let mut table: Vec<(u32, u64, u64)> = vec![];
        let mut offset = 12;
        for _ in 0..count {
            input.seek(SeekFrom::Start(offset))?;
            let section = read_u32(&mut input)?;
            let mut length = [0; 8];
            input.read_exact(&mut length)?;
            let length = u64::from_le_bytes(length);
            offset += SECTION_HEADER;
            if length > file.saturating_sub(offset) {
                return Err(Problem::Truncated { section, offset, length, file });
            }
            if table.iter().any(|known| known.0 == section) {
                return Err(Problem::Duplicate { section });
            }
            table.push((section, offset, length));
            offset += length;
        }
        Ok(Self { input, table })
    }

    /// The input at the beginning of a section that has to have `length` bytes.
    pub fn section(&mut self, section: u32, length: u64) -> Result<&mut R, Problem> {
        let found = self.table.iter().find(|known| known.0 == section);
        let &(_, offset, got) = found.ok_or(Problem::Missing { section })?;
        if got != length {
            return Err(Problem::Length { section, expected: length, got });
        }
        self.input.seek(SeekFrom::Start(offset))?;
        Ok(&mut self.input)
    }
}

pub(super) fn read_u32(input: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    input.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}
