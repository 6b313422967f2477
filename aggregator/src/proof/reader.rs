//! A reader for plonky2's encoding that refuses what plonky2's own lets pass: elements at or above p, and lengths that
//! the bytes left cannot hold.
//!
//! plonky2 reads field elements without a check (in a debug build it panics instead), and makes room for a length before
//! it looks whether there is as much.

use plonky2::field::extension::Extendable;
use plonky2::field::types::Field64;
use plonky2::gates::gate::GateRef;
use plonky2::hash::hash_types::{RichField, NUM_HASH_OUT_ELTS};
use plonky2::iop::generator::WitnessGeneratorRef;
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::plonk::config::{GenericHashOut, Hasher};
use plonky2::util::serialization::{GateSerializer, IoError, IoResult, Read, Remaining, WitnessGeneratorSerializer};
use sheaf_circuits::security::Profile;

use super::{profile_byte, DecodeError};

/// Bytes of an element.
const ELEMENT_BYTES: usize = 8;

/// Reads bytes, and remembers why it stopped.
pub(crate) struct CanonicalReader<'a> {
    bytes: &'a [u8],
    offset: usize,
    fault: Option<DecodeError>,
}

impl<'a> CanonicalReader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0, fault: None }
    }

    /// What one of plonky2's readers finds, or why it fails.
    pub fn checked<T>(&mut self, read: impl FnOnce(&mut Self) -> IoResult<T>) -> Result<T, DecodeError> {
        read(self).map_err(|_| self.fault.unwrap_or(DecodeError::Truncated { offset: self.offset }))
    }

    /// One byte.
    pub fn byte(&mut self) -> Result<u8, DecodeError> {
        self.checked(|reader| reader.read_u8())
    }

    /// The bytes that every file begins with.
    pub fn header(&mut self, magic: [u8; 4], version: u16, profile: Profile) -> Result<(), DecodeError> {
        let mut got = [0; 4];
        self.checked(|reader| reader.read_exact(&mut got))?;
        if got != magic {
            return Err(DecodeError::Magic { expected: magic, got });
        }
        let got = self.checked(|reader| reader.read_u16())?;
        if got != version {
            return Err(DecodeError::Version { expected: version, got });
        }
        let got = self.byte()?;
        if got != profile_byte(profile) {
            return Err(DecodeError::Profile { expected: profile, got });
        }
        Ok(())
    }

    /// Checks that nothing is left.
    pub fn end(&self) -> Result<(), DecodeError> {
        match self.remaining() {
            0 => Ok(()),
            bytes => Err(DecodeError::Trailing { offset: self.offset, bytes }),
        }
    }

    fn check_canonical(&mut self, offset: usize, bytes: &[u8], order: u64) -> IoResult<()> {
        for (i, chunk) in bytes.chunks_exact(ELEMENT_BYTES).enumerate() {
            let value = u64::from_le_bytes(chunk.try_into().expect("chunks of eight"));
            if value >= order {
                let fault = DecodeError::NotCanonical { offset: offset + ELEMENT_BYTES * i, value };
                self.fault.get_or_insert(fault);
                return Err(IoError);
            }
        }
        Ok(())
    }
}

impl Remaining for CanonicalReader<'_> {
    fn remaining(&self) -> usize {
        self.bytes.len() - self.offset
    }
}

impl Read for CanonicalReader<'_> {
    fn read_exact(&mut self, bytes: &mut [u8]) -> IoResult<()> {
        let found = self.bytes[self.offset..].get(..bytes.len()).ok_or(IoError)?;
        bytes.copy_from_slice(found);
        self.offset += bytes.len();
        Ok(())
    }

    fn read_field<E: Field64>(&mut self) -> IoResult<E> {
        let (offset, mut bytes) = (self.offset, [0; ELEMENT_BYTES]);
        self.read_exact(&mut bytes)?;
        self.check_canonical(offset, &bytes, E::ORDER)?;
        Ok(E::from_canonical_u64(u64::from_le_bytes(bytes)))
    }

    fn read_field_vec<E: Field64>(&mut self, length: usize) -> IoResult<Vec<E>> {
        if length > self.remaining() / ELEMENT_BYTES {
            return Err(IoError);
        }
        (0..length).map(|_| self.read_field()).collect()
    }

    /// Digests that are four field elements side by side, as Poseidon's are, or whose `from_bytes` takes any bytes.
    fn read_hash<E: RichField, H: Hasher<E>>(&mut self) -> IoResult<H::Hash> {
        let (offset, mut bytes) = (self.offset, vec![0; H::HASH_SIZE]);
        self.read_exact(&mut bytes)?;
        if H::HASH_SIZE == NUM_HASH_OUT_ELTS * ELEMENT_BYTES {
            self.check_canonical(offset, &bytes, E::ORDER)?;
        }
        let hash = H::Hash::from_bytes(&bytes);
        if hash.to_bytes() != bytes {
            self.fault.get_or_insert(DecodeError::DigestNotCanonical { offset });
            return Err(IoError);
        }
        Ok(hash)
    }

    /// Circuits are not read from files.
    fn read_gate<E: RichField + Extendable<N>, const N: usize>(
        &mut self,
        _: &dyn GateSerializer<E, N>,
        _: &CommonCircuitData<E, N>,
    ) -> IoResult<GateRef<E, N>> {
        Err(IoError)
    }

    /// Circuits are not read from files.
    fn read_generator<E: RichField + Extendable<N>, const N: usize>(
        &mut self,
        _: &dyn WitnessGeneratorSerializer<E, N>,
        _: &CommonCircuitData<E, N>,
    ) -> IoResult<WitnessGeneratorRef<E, N>> {
        Err(IoError)
    }
}
