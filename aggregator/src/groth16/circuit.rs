//! Which circuit a key is for.

use std::fmt;
use std::io::{self, BufWriter, Write};

use sha2::{Digest, Sha256};

use super::snarkjs;
use crate::wrap::r1cs::R1cs;

/// SHA-256 of a circuit's `.r1cs` file ([`snarkjs::write_r1cs`]): its three matrices and its counts, and nothing of a witness.
/// Whoever takes part in a ceremony sees the same with `sha256sum`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CircuitDigest(pub [u8; 32]);

impl CircuitDigest {
    /// Of the constraints: under two seconds for two million.
    pub fn of(r1cs: &R1cs) -> Self {
        let mut out = BufWriter::with_capacity(1 << 16, Hasher(Sha256::new()));
        snarkjs::write_r1cs(r1cs, &mut out).expect("hashing does not fail");
        let hasher = out.into_inner().unwrap_or_else(|_| unreachable!("hashing does not fail"));
        Self(hasher.0.finalize().into())
    }
}

impl fmt::Display for CircuitDigest {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for CircuitDigest {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

struct Hasher(Sha256);

impl Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
