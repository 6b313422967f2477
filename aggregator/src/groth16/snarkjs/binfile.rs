//! iden3's binary container: magic, version, number of sections, then each with its number and length.
//!
//! ```text
//!   4 magic | 4 version | 4 sections | (4 number | 8 length | length bytes)*         little-endian
//! ```

use std::io::{self, Write};

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
