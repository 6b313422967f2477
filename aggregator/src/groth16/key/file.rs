//! A key in a file.
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | `sheafkey` |
//! | 2 | version |
//! | 1 | origin: 1 insecure development key, 2 imported |
//! | 1 | reduction: 1 libsnark, 2 snarkjs |
//! | 4 | domain: k of its 2^k points |
//! | 4 | variables, public ones included |
//! | 32 | circuit digest |
//! | 3 · 64, 3 · 128, 2 · 64 | α, β, δ in G1; β, γ, δ in G2; ic |
//! | 32 | BLAKE3 of what is above |
//! | 64 · variables, twice; 128 · variables | a, b in G1; b in G2 |
//! | 64 · (variables − 2), 64 · 2^k (libsnark: one less) | l, h |
//! | 32 | BLAKE3 of all above |
//!
//! Numbers are little-endian; points as in `.zkey` files: coordinates in Montgomery form, little-endian, all 0 for infinity, so
//! that a load multiplies nothing. The length follows from the first 20 bytes, and is compared before memory is taken.
//!
//! Checked on load: sums, lengths, that coordinates are below q, and all about the verifying key, whose points decide what is
//! a proof. That the provers' points are on the curve was checked when the key was made or imported; since then the
//! sum guards them against accidents, and [`prove`](fn@crate::groth16::prove::prove) verifies what comes out. BLAKE3, not SHA-256,
//! because a core without SHA instructions would take seconds for it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use ark_bn254::{G1Affine, G2Affine};
use thiserror::Error;

use super::{Key, Origin, Queries, VerifyingKey};
use crate::groth16::circuit::CircuitDigest;
use crate::groth16::point::{self, Point, PointProblem};
use crate::groth16::reduction::{Reduction, MAX_DOMAIN_BITS};
use crate::groth16::PUBLIC_VALUES;
use crate::whole_file::{self, NotWritten};

/// How key files begin.
pub const MAGIC: [u8; 8] = *b"sheafkey";
/// The version of their encoding.
pub const VERSION: u16 = 1;

const G1: usize = <G1Affine as Point>::BYTES;
const G2: usize = <G2Affine as Point>::BYTES;
/// Bytes of a sum.
const SUM: usize = 32;
const ORIGIN_OFFSET: usize = 10;
const REDUCTION_OFFSET: usize = 11;
const DOMAIN_OFFSET: usize = 12;
const VARIABLES_OFFSET: usize = 16;
const CIRCUIT_OFFSET: usize = 20;
const POINTS_OFFSET: usize = 52;
/// Bytes before the first sum.
const HEADER: usize = POINTS_OFFSET + (3 + PUBLIC_VALUES) * G1 + 3 * G2;

/// Why there is no key.
#[derive(Debug, Error)]
pub enum KeyError {
    /// Reading or writing failed.
    #[error("cannot {doing} the key: {source}")]
    Io {
        /// What was done.
        doing: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// Another kind of file.
    #[error("not a key: it begins with {got:02x?}, not with {MAGIC:02x?}")]
    Magic {
        /// The first bytes.
        got: [u8; 8],
    },
    /// Another program's key.
    #[error("the key has version {got}, this program reads {VERSION}: make it again")]
    Version {
        /// The version.
        got: u16,
    },
    /// A value that stands for nothing.
    #[error("the key's {what}, at byte {offset}, is {got}, expected {expected}")]
    Field {
        /// Which value.
        what: &'static str,
        /// Where it is.
        offset: usize,
        /// What it can be.
        expected: &'static str,
        /// What it is.
        got: u32,
    },
    /// Longer or shorter than the header says.
    #[error("the key has {got} bytes, by its header it should have {expected}")]
    Length {
        /// By the header.
        expected: u64,
        /// The file's.
        got: u64,
    },
    /// A point that is none.
    #[error("point {index} of the key's {list}: {problem}")]
    Point {
        /// Which list of points.
        list: &'static str,
        /// Which of them.
        index: usize,
        /// What is wrong.
        problem: PointProblem,
    },
    /// The bytes are not those that were written.
    #[error("the key's {what} is damaged: its sum is {got}, {expected} was written; make or import the key again")]
    Damaged {
        /// `header` or `file`.
        what: &'static str,
        /// The sum in the file.
        expected: blake3::Hash,
        /// The sum of its bytes.
        got: blake3::Hash,
    },
    /// Somebody else's key.
    #[error("the key is for circuit {got}, not for {expected}")]
    Circuit {
        /// The circuit to be proven.
        expected: CircuitDigest,
        /// The key's.
        got: CircuitDigest,
    },
}

fn io_error(doing: &'static str) -> impl Fn(io::Error) -> KeyError {
    move |source| KeyError::Io { doing, source }
}

/// Hashes what passes, on all cores when much passes at once.
struct Hashing<T> {
    inner: T,
    hasher: blake3::Hasher,
}

impl<T> Hashing<T> {
    fn new(inner: T) -> Self {
        Self { inner, hasher: blake3::Hasher::new() }
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(bytes)?;
        self.hasher.update_rayon(&bytes[..count]);
        Ok(count)
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.hasher.update_rayon(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// What the first bytes say of a key, the verifying key included: enough to look at it without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The verifying key.
    pub verifying: VerifyingKey,
    /// How H is computed.
    pub reduction: Reduction,
    /// The domain has 2 to this many points.
    pub domain_bits: u32,
    /// Variables of the circuit, public ones included.
    pub variables: usize,
    beta_g1: G1Affine,
    delta_g1: G1Affine,
}

impl Header {
    /// Reads the beginning of a key file and checks its sum.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn read(mut input: impl Read) -> Result<Self, KeyError> {
        let mut bytes = [0; HEADER + SUM];
        input.read_exact(&mut bytes).map_err(io_error("read"))?;
        Self::decode(&bytes)
    }

    /// The header of a key file.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        Self::read(File::open(path).map_err(io_error("open"))?)
    }

    /// Length of the whole file.
    pub fn file_bytes(&self) -> u64 {
        let (variables, h) = (self.variables as u64, self.reduction.h_points(1 << self.domain_bits) as u64);
        let points = 2 * variables + (variables - PUBLIC_VALUES as u64) + h;
        (HEADER + 2 * SUM) as u64 + points * G1 as u64 + variables * G2 as u64
    }

    fn decode(bytes: &[u8; HEADER + SUM]) -> Result<Self, KeyError> {
        let (header, sum) = bytes.split_at(HEADER);
        let magic: [u8; 8] = header[..8].try_into().expect("eight bytes");
        if magic != MAGIC {
            return Err(KeyError::Magic { got: magic });
        }
        let version = u16::from_le_bytes([header[8], header[9]]);
        if version != VERSION {
            return Err(KeyError::Version { got: version });
        }
        check_sum("header", sum, blake3::hash(header))?;
        let field = |what, offset, expected, got| KeyError::Field { what, offset, expected, got };
        let number = |offset: usize| u32::from_le_bytes(header[offset..offset + 4].try_into().expect("four bytes"));
        let origin = match header[ORIGIN_OFFSET] {
            1 => Origin::InsecureDev,
            2 => Origin::Imported,
            other => return Err(field("origin", ORIGIN_OFFSET, "1 or 2", other.into())),
        };
        let reduction = match header[REDUCTION_OFFSET] {
            1 => Reduction::Libsnark,
            2 => Reduction::Snarkjs,
            other => return Err(field("reduction", REDUCTION_OFFSET, "1 or 2", other.into())),
        };
        let domain_bits = number(DOMAIN_OFFSET);
        if !(1..=MAX_DOMAIN_BITS).contains(&domain_bits) {
            return Err(field("domain", DOMAIN_OFFSET, "1 to 27", domain_bits));
        }
        let variables = number(VARIABLES_OFFSET);
        if (variables as usize) < PUBLIC_VALUES {
            return Err(field("number of variables", VARIABLES_OFFSET, "2 or more", variables));
        }
        let circuit = CircuitDigest(header[CIRCUIT_OFFSET..POINTS_OFFSET].try_into().expect("32 bytes"));
        let mut points = &header[POINTS_OFFSET..];
        let [alpha, beta_g1, delta_g1] = read_checked("points in G1", &mut points)?;
        let [beta, gamma, delta] = read_checked("points in G2", &mut points)?;
        let ic = read_checked("ic", &mut points)?;
        let verifying = VerifyingKey { origin, circuit, alpha, beta, gamma, delta, ic };
        Ok(Self { verifying, reduction, domain_bits, variables: variables as usize, beta_g1, delta_g1 })
    }

    fn encode(&self) -> Vec<u8> {
        let VerifyingKey { origin, circuit, alpha, beta, gamma, delta, ic } = &self.verifying;
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.push(match origin {
            Origin::InsecureDev => 1,
            Origin::Imported => 2,
        });
        bytes.push(match self.reduction {
            Reduction::Libsnark => 1,
            Reduction::Snarkjs => 2,
        });
        bytes.extend(self.domain_bits.to_le_bytes());
        bytes.extend(u32::try_from(self.variables).expect("the recorder has fewer than 2^32").to_le_bytes());
        bytes.extend(circuit.0);
        let in_memory = "writing to memory does not fail";
        point::write(&mut bytes, &[*alpha, self.beta_g1, self.delta_g1]).expect(in_memory);
        point::write(&mut bytes, &[*beta, *gamma, *delta]).expect(in_memory);
        point::write(&mut bytes, ic).expect(in_memory);
        assert_eq!(bytes.len(), HEADER);
        let sum = blake3::hash(&bytes);
        bytes.extend(sum.as_bytes());
        bytes
    }
}

fn check_sum(what: &'static str, expected: &[u8], got: blake3::Hash) -> Result<(), KeyError> {
    let expected = blake3::Hash::from_slice(expected).expect("32 bytes");
    if expected != got {
        return Err(KeyError::Damaged { what, expected, got });
    }
    Ok(())
}

fn read_list<P: Point>(
    list: &'static str,
    input: &mut impl Read,
    count: usize,
    check: bool,
) -> Result<Vec<P>, KeyError> {
    point::read(input, count, check).map_err(|error| match error {
        point::ReadError::Io(source) => KeyError::Io { doing: "read", source },
        point::ReadError::Point { index, problem } => KeyError::Point { list, index, problem },
    })
}

fn read_checked<P: Point, const N: usize>(list: &'static str, input: &mut impl Read) -> Result<[P; N], KeyError> {
    let points = read_list(list, input, N, true)?;
    Ok(points.try_into().unwrap_or_else(|_| unreachable!("as many as were asked for")))
}

impl Key {
    fn header(&self) -> Header {
        Header {
            verifying: self.verifying.clone(),
            reduction: self.reduction,
            domain_bits: self.domain_bits,
            variables: self.queries.a.len(),
            beta_g1: self.beta_g1,
            delta_g1: self.delta_g1,
        }
    }

    /// Writes the file's bytes.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: impl Write) -> io::Result<()> {
        let mut out = Hashing::new(out);
        out.write_all(&self.header().encode())?;
        let Queries { a, b_g1, b_g2, l, h } = &self.queries;
        point::write(&mut out, a)?;
        point::write(&mut out, b_g1)?;
        point::write(&mut out, b_g2)?;
        point::write(&mut out, l)?;
        point::write(&mut out, h)?;
        let sum = out.hasher.finalize();
        out.inner.write_all(sum.as_bytes())?;
        out.flush()
    }

    /// Reads the bytes of a file of `length` bytes, which may be anything. `circuit` is the one to be proven; a key of
    /// another is refused before it is read.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn read(input: impl Read, length: u64, circuit: &CircuitDigest) -> Result<Self, KeyError> {
        let mut input = Hashing::new(input);
        let header = Header::read(&mut input)?;
        if header.verifying.circuit != *circuit {
            return Err(KeyError::Circuit { expected: *circuit, got: header.verifying.circuit });
        }
        if length != header.file_bytes() {
            return Err(KeyError::Length { expected: header.file_bytes(), got: length });
        }
        let variables = header.variables;
        let queries = Queries {
            a: read_list("a", &mut input, variables, false)?,
            b_g1: read_list("b in G1", &mut input, variables, false)?,
            b_g2: read_list("b in G2", &mut input, variables, false)?,
            l: read_list("l", &mut input, variables - PUBLIC_VALUES, false)?,
            h: read_list("h", &mut input, header.reduction.h_points(1 << header.domain_bits), false)?,
        };
        let got = input.hasher.finalize();
        let mut expected = [0; SUM];
        input.inner.read_exact(&mut expected).map_err(io_error("read"))?;
        check_sum("file", &expected, got)?;
        let Header { verifying, reduction, domain_bits, beta_g1, delta_g1, .. } = header;
        Ok(Self { verifying, reduction, domain_bits, beta_g1, delta_g1, queries })
    }

    /// Reads a key file: some seconds for a domain of 2^21.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn load(path: &Path, circuit: &CircuitDigest) -> Result<Self, KeyError> {
        let file = File::open(path).map_err(io_error("open"))?;
        let length = file.metadata().map_err(io_error("look at"))?.len();
        Self::read(file, length, circuit)
    }

    /// Writes a key file, and the folders above it: whoever reads `path` sees what was there before, or the whole key.
    ///
    /// # Errors
    /// [`KeyError::Io`].
    pub fn save(&self, path: &Path) -> Result<(), KeyError> {
        whole_file::write(path, |file| self.write(file))
            .map_err(|NotWritten { doing, source }| KeyError::Io { doing, source })
    }
}
