//! Import of a ceremony's `.zkey`.
//!
//! | section | what | bytes |
//! | --- | --- | --- |
//! | 1 | protocol: 1 is Groth16 | 4 |
//! | 2 | moduli, counts, α in G1, β in both, γ in G2, δ in both | 660 |
//! | 3 | ic | 64 a public value |
//! | 4 | matrices a and b | 4 + 44 a term |
//! | 5, 6 | a, b in G1 | 64 a variable |
//! | 7 | b in G2 | 128 a variable |
//! | 8 | l | 64 a variable that is not public |
//! | 9 | h | 64 a point of the domain |
//! | 10 | contributions | any |
//!
//! The file is untrusted bytes: lengths are compared with what the circuit needs before anything is read, every point is checked to be
//! on its curve and in the group, and section 4 has to be the circuit's matrices.
//!
//! **Not checked here**: that the points follow from the matrices and from a ceremony whose parties did what they should. That
//! takes the powers of tau: `snarkjs zkey verify circuit.r1cs pot.ptau final.zkey`.

use std::io::{self, Read, Seek};

use ark_bn254::{Bn254, Fq, Fr, G1Affine, G2Affine};
use ark_ec::pairing::Pairing;
use ark_ec::AffineRepr;
use ark_ff::{BigInt, BigInteger, Field, PrimeField};
use ark_poly::EvaluationDomain;
use thiserror::Error;

use super::binfile::{read_u32, Problem, Sections};
use crate::groth16::circuit::CircuitDigest;
use crate::groth16::key::{Key, Origin, Queries, VerifyingKey};
use crate::groth16::point::{self, Point, PointProblem};
use crate::groth16::reduction::{domain, Domain, Reduction, TooLarge};
use crate::groth16::PUBLIC_VALUES;
use crate::wrap::r1cs::R1cs;

const PROTOCOL: u32 = 1;
const HEADER: u32 = 2;
const IC: u32 = 3;
const COEFFICIENTS: u32 = 4;
const A: u32 = 5;
const B1: u32 = 6;
const B2: u32 = 7;
const L: u32 = 8;
const H: u32 = 9;

const GROTH16: u32 = 1;
const ELEMENT: usize = 32;
const G1: usize = <G1Affine as Point>::BYTES;
const G2: usize = <G2Affine as Point>::BYTES;
/// Two moduli with their lengths, three counts, three points of each group.
const HEADER_BYTES: usize = 2 * (4 + ELEMENT) + 3 * 4 + 3 * G1 + 3 * G2;
/// A coefficient with matrix, row and variable.
const COEFFICIENT_BYTES: usize = 3 * 4 + ELEMENT;

/// An entry of the matrices: a is 0, b is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// 0 for a, 1 for b.
    pub matrix: u32,
    /// The constraint, or after those the public value.
    pub row: u32,
    /// The variable.
    pub variable: u32,
    /// The value.
    pub coefficient: Fr,
}

/// Why a `.zkey` is not the circuit's key.
#[derive(Debug, Error)]
pub enum ZkeyError {
    /// Reading failed, or the file ends too early.
    #[error("cannot read the zkey: {0}")]
    Io(#[from] io::Error),
    /// Another kind of file.
    #[error("not a zkey: it begins with {got:02x?}, not with `zkey`")]
    Magic {
        /// The first bytes.
        got: [u8; 4],
    },
    /// A number that has to be another.
    #[error("the zkey's {what} is {got}, expected {expected}")]
    Number {
        /// Which.
        what: &'static str,
        /// What it has to be.
        expected: u64,
        /// What it is.
        got: u64,
    },
    /// More sections than any zkey has.
    #[error("the zkey says that it has {got} sections")]
    Sections {
        /// How many.
        got: u32,
    },
    /// A section that ends after the file.
    #[error("section {section} of the zkey, at byte {offset}, has {length} bytes, but the file ends at {file}: it was cut off")]
    Truncated {
        /// Its number.
        section: u32,
        /// Where it begins.
        offset: u64,
        /// Its length.
        length: u64,
        /// The file's length.
        file: u64,
    },
    /// A section that is there twice.
    #[error("the zkey has section {section} twice")]
    Duplicate {
        /// Its number.
        section: u32,
    },
    /// A section that is not there.
    #[error("the zkey has no section {section}")]
    Missing {
        /// Its number.
        section: u32,
    },
    /// A section of another length than the circuit needs.
    #[error(
        "section {section} of the zkey has {got} bytes, the circuit needs {expected}: it is the key of another circuit"
    )]
    SectionLength {
        /// Its number.
        section: u32,
        /// What the circuit needs.
        expected: u64,
        /// What it has.
        got: u64,
    },
    /// Another curve.
    #[error("the zkey is not over BN254 (bn128): another {what}")]
    Curve {
        /// `base field` or `scalar field`.
        what: &'static str,
    },
    /// Another count than the circuit's.
    #[error("the zkey is for {got} {what}, the circuit has {expected}: it is the key of another circuit")]
    Count {
        /// What is counted.
        what: &'static str,
        /// The circuit's.
        expected: u64,
        /// The zkey's.
        got: u64,
    },
    /// Other constraints than the circuit's.
    #[error("entry {index} of the zkey's matrices is {got:?}, the circuit has {expected:?}: it is the key of another circuit")]
    Matrix {
        /// Which entry.
        index: usize,
        /// The circuit's.
        expected: Entry,
        /// The zkey's.
        got: Entry,
    },
    /// A matrix entry that is not below r.
    #[error("the coefficient of entry {index} of the zkey's matrices is not below r")]
    Coefficient {
        /// Which entry.
        index: usize,
    },
    /// A point that is none.
    #[error("point {index} of section {section} of the zkey: {problem}")]
    Point {
        /// The section.
        section: u32,
        /// Which of its points.
        index: usize,
        /// What is wrong.
        problem: PointProblem,
    },
    /// A verifying key that would accept false proofs, or whose points contradict each other.
    #[error("the zkey is not safe to use: {0}")]
    Unsafe(#[from] UnsafeKey),
    /// See [`TooLarge`].
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

/// What makes a verifying key worthless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum UnsafeKey {
    /// One of α, β, γ, δ is 0.
    #[error("{0} is the point at infinity")]
    Infinity(&'static str),
    /// α = 1 or β = 1, as powers of tau begin: who knows both and τ makes false proofs.
    #[error(
        "nobody has contributed to its first phase (alpha or beta is the generator): take a ceremony's powers of tau"
    )]
    NoPowersOfTau,
    /// As `snarkjs groth16 setup` leaves it: δ = 1, for which anyone makes false proofs.
    #[error("nobody has contributed to its second phase (delta is the generator): run `snarkjs zkey contribute`")]
    NoContribution,
    /// δ = γ
    #[error("delta is gamma, so that anyone can make false proofs")]
    DeltaIsGamma,
    /// β or δ is another number in G1 than in G2.
    #[error("{0} differs between G1 and G2")]
    Groups(&'static str),
}

impl From<Problem> for ZkeyError {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Io(error) => Self::Io(error),
            Problem::Magic { got } => Self::Magic { got },
            Problem::Version { got } => Self::Number { what: "version", expected: 1, got: got.into() },
            Problem::TooMany { got } => Self::Sections { got },
            Problem::Truncated { section, offset, length, file } => Self::Truncated { section, offset, length, file },
            Problem::Duplicate { section } => Self::Duplicate { section },
            Problem::Missing { section } => Self::Missing { section },
            Problem::Length { section, expected, got } => Self::SectionLength { section, expected, got },
        }
    }
}

/// Reads a `.zkey` as the key of `r1cs`, of which only the matrices matter. Minutes for two million constraints: the points of
/// G2 are checked one by one.
///
/// # Errors
/// [`ZkeyError`].
pub fn import(input: impl Read + Seek, r1cs: &R1cs) -> Result<Key, ZkeyError> {
    let domain = domain(r1cs)?;
    let mut file = Sections::open(input, b"zkey")?;
    let protocol = read_u32(file.section(PROTOCOL, 4)?)?;
    expect("protocol", GROTH16.into(), protocol.into())?;
    let header = Header::read(&mut file, r1cs, &domain)?;
    header.check()?;
    let ic = read_section(&mut file, IC, PUBLIC_VALUES)?;
    check_matrices(&mut file, r1cs)?;

    let variables = r1cs.variables();
    let queries = Queries {
        a: read_section(&mut file, A, variables)?,
        b_g1: read_section(&mut file, B1, variables)?,
        b_g2: read_section(&mut file, B2, variables)?,
        l: read_section(&mut file, L, variables - PUBLIC_VALUES)?,
        h: read_section(&mut file, H, domain.size())?,
    };
    let Header { alpha, beta_g1, beta, gamma, delta_g1, delta } = header;
    let ic = ic.try_into().unwrap_or_else(|_| unreachable!("as many as were asked for"));
    let circuit = CircuitDigest::of(r1cs);
    let verifying = VerifyingKey { origin: Origin::Imported, circuit, alpha, beta, gamma, delta, ic };
    let domain_bits = domain.log_size_of_group;
    Ok(Key { verifying, reduction: Reduction::Snarkjs, domain_bits, beta_g1, delta_g1, queries })
}

fn expect(what: &'static str, expected: u64, got: u64) -> Result<(), ZkeyError> {
    if expected != got {
        return Err(ZkeyError::Number { what, expected, got });
    }
    Ok(())
}

/// Points of section 2.
struct Header {
    alpha: G1Affine,
    beta_g1: G1Affine,
    beta: G2Affine,
    gamma: G2Affine,
    delta_g1: G1Affine,
    delta: G2Affine,
}

impl Header {
    fn read(file: &mut Sections<impl Read + Seek>, r1cs: &R1cs, domain: &Domain) -> Result<Self, ZkeyError> {
        let input = file.section(HEADER, HEADER_BYTES as u64)?;
        for (what, modulus) in [("base field", Fq::MODULUS.to_bytes_le()), ("scalar field", Fr::MODULUS.to_bytes_le())]
        {
            expect("length of a field element", ELEMENT as u64, read_u32(input)?.into())?;
            let mut bytes = [0; ELEMENT];
            input.read_exact(&mut bytes)?;
            if bytes[..] != modulus {
                return Err(ZkeyError::Curve { what });
            }
        }
        let counts = [
            ("variables", r1cs.variables()),
            ("public inputs", PUBLIC_VALUES - 1),
            ("points of its domain", domain.size()),
        ];
        for (what, count) in counts {
            let (expected, got) = (count as u64, read_u32(input)?.into());
            if expected != got {
                return Err(ZkeyError::Count { what, expected, got });
            }
        }
        Ok(Self {
            alpha: read_point(input, 0)?,
            beta_g1: read_point(input, 1)?,
            beta: read_point(input, 2)?,
            gamma: read_point(input, 3)?,
            delta_g1: read_point(input, 4)?,
            delta: read_point(input, 5)?,
        })
    }

    /// What a verifier relies on and that can be seen without the powers of tau.
    fn check(&self) -> Result<(), UnsafeKey> {
        let Self { alpha, beta_g1, beta, gamma, delta_g1, delta } = self;
        let named = [
            ("alpha", alpha.is_zero()),
            ("beta", beta.is_zero()),
            ("gamma", gamma.is_zero()),
            ("delta", delta.is_zero()),
        ];
        if let Some((name, _)) = named.into_iter().find(|(_, zero)| *zero) {
            return Err(UnsafeKey::Infinity(name));
        }
        if *alpha == G1Affine::generator() || *beta == G2Affine::generator() {
            return Err(UnsafeKey::NoPowersOfTau);
        }
        if *delta == G2Affine::generator() {
            return Err(UnsafeKey::NoContribution);
        }
        if delta == gamma {
            return Err(UnsafeKey::DeltaIsGamma);
        }
        for (name, g1, g2) in [("beta", beta_g1, beta), ("delta", delta_g1, delta)] {
            let ratio = Bn254::multi_pairing([*g1, -G1Affine::generator()], [G2Affine::generator(), *g2]);
            if ratio.0 != <Bn254 as Pairing>::TargetField::ONE {
                return Err(UnsafeKey::Groups(name));
            }
        }
        Ok(())
    }
}

fn read_points<P: Point>(input: &mut impl Read, section: u32, first: usize, count: usize) -> Result<Vec<P>, ZkeyError> {
    point::read(input, count, true).map_err(|error| match error {
        point::ReadError::Io(error) => ZkeyError::Io(error),
        point::ReadError::Point { index, problem } => ZkeyError::Point { section, index: first + index, problem },
    })
}

fn read_point<P: Point>(input: &mut impl Read, index: usize) -> Result<P, ZkeyError> {
    Ok(read_points(input, HEADER, index, 1)?[0])
}

fn read_section<P: Point>(
    file: &mut Sections<impl Read + Seek>,
    section: u32,
    count: usize,
) -> Result<Vec<P>, ZkeyError> {
    let input = file.section(section, (count * P::BYTES) as u64)?;
    read_points(input, section, 0, count)
}

/// The entries in snarkjs' order: of each row those of a, then those of b; then a 1 for each public value.
fn entries(r1cs: &R1cs) -> impl Iterator<Item = Entry> + '_ {
    let rows = (0..r1cs.constraints()).flat_map(move |row| {
        (0..2).flat_map(move |matrix| {
            r1cs.row(matrix, row).map(move |(variable, coefficient)| Entry {
                matrix: matrix as u32,
                row: row as u32,
                variable: variable.index() as u32,
                coefficient,
            })
        })
    });
    let public = (0..PUBLIC_VALUES).map(|public| Entry {
        matrix: 0,
        row: (r1cs.constraints() + public) as u32,
        variable: public as u32,
        coefficient: Fr::ONE,
    });
    rows.chain(public)
}

/// Section 4 holds the entries of the circuit.
fn check_matrices(file: &mut Sections<impl Read + Seek>, r1cs: &R1cs) -> Result<(), ZkeyError> {
    let [a, b, _] = r1cs.terms();
    let count = a + b + PUBLIC_VALUES;
    let input = file.section(COEFFICIENTS, (4 + count * COEFFICIENT_BYTES) as u64)?;
    let got = read_u32(input)?.into();
    if got != count as u64 {
        return Err(ZkeyError::Count { what: "matrix entries", expected: count as u64, got });
    }
    // A coefficient is stored times 2^512, which is the Montgomery form of itself times 2^256.
    let shift_inverse = Fr::from(BigInt::new(Fr::R.0)).inverse().expect("a power of 2 is not 0");
    let mut input = io::BufReader::with_capacity(1 << 20, input);
    let mut bytes = [0; COEFFICIENT_BYTES];
    for (index, expected) in entries(r1cs).enumerate() {
        input.read_exact(&mut bytes)?;
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        let mut limbs = [0; 4];
        for (limb, bytes) in limbs.iter_mut().zip(bytes[12..].chunks_exact(8)) {
            *limb = u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
        }
        if BigInt(limbs) >= Fr::MODULUS {
            return Err(ZkeyError::Coefficient { index });
        }
        let coefficient = Fr::new_unchecked(BigInt(limbs)) * shift_inverse;
        let got = Entry { matrix: number(0), row: number(4), variable: number(8), coefficient };
        if got != expected {
            return Err(ZkeyError::Matrix { index, expected, got });
        }
    }
    Ok(())
}
