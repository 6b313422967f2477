//! Key files and the cache.

use std::fs;
use std::io::Cursor;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::{circuit, CIRCUIT, KEY, SECRET};
use crate::groth16::circuit::CircuitDigest;
use crate::groth16::key::cache::{CacheError, KeyCache};
use crate::groth16::key::file::{Header, KeyError, MAGIC};
use crate::groth16::key::{Key, Origin};
use crate::groth16::prove::prove;
use crate::groth16::reduction::Reduction;
use crate::groth16::setup::{insecure_dev_key, DEV_SEED};
use crate::wrap::r1cs::Linear;

/// Where the first list of points begins.
const POINTS: usize = 788;

static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut bytes = vec![];
    KEY.write(&mut bytes).unwrap();
    bytes
});

fn read(bytes: &[u8]) -> Result<Key, KeyError> {
    Key::read(Cursor::new(bytes), bytes.len() as u64, &KEY.verifying.circuit)
}

/// With the header's sum made right again.
fn change_header(offset: usize, byte: u8) -> Vec<u8> {
    let mut bytes = BYTES.clone();
    bytes[offset] = byte;
    let sum = blake3::hash(&bytes[..POINTS - 32]);
    bytes[POINTS - 32..POINTS].copy_from_slice(sum.as_bytes());
    bytes
}

#[test]
fn bytes_round_trip() {
    assert!(read(&BYTES).unwrap() == *KEY);
    let libsnark = insecure_dev_key(&CIRCUIT, DEV_SEED, Reduction::Libsnark).unwrap();
    let mut bytes = vec![];
    libsnark.write(&mut bytes).unwrap();
    assert!(read(&bytes).unwrap() == libsnark);
    let header = Header::read(&BYTES[..]).unwrap();
    assert_eq!((&header.verifying, header.variables), (KEY.verifying(), CIRCUIT.variables()));
    assert_eq!(header.file_bytes(), BYTES.len() as u64);
}

#[test]
fn another_header_is_refused() {
    let error = |offset, byte| read(&change_header(offset, byte)).unwrap_err();
    assert!(matches!(error(0, b'x'), KeyError::Magic { got } if got[1..] == MAGIC[1..]));
    assert!(matches!(error(8, 2), KeyError::Version { got: 2 }));
    assert!(matches!(error(10, 3), KeyError::Field { what: "origin", got: 3, .. }));
    assert!(matches!(error(11, 0), KeyError::Field { what: "reduction", got: 0, .. }));
    assert!(matches!(error(12, 28), KeyError::Field { what: "domain", got: 28, .. }));
    assert!(matches!(error(19, 255), KeyError::Length { .. }), "four billion variables");
    assert!(matches!(error(20, !KEY.verifying.circuit.0[0]), KeyError::Circuit { .. }));
    assert!(matches!(error(52, !BYTES[52]), KeyError::Point { list: "points in G1", index: 0, .. }));
}

#[test]
fn a_key_of_another_circuit_is_refused_with_both_digests() {
    let mut other = CIRCUIT.clone();
    other.constrain(&Linear::zero(), &Linear::zero(), &Linear::zero());
    let other = CircuitDigest::of(&other);
    let error = Key::read(Cursor::new(&*BYTES), BYTES.len() as u64, &other).unwrap_err();
    let text = error.to_string();
    assert!(text.contains(&other.to_string()) && text.contains(&KEY.verifying.circuit.to_string()), "{text}");
}

#[test]
fn a_file_of_another_length_is_refused() {
    for length in [0, 8, POINTS - 1] {
        assert!(matches!(read(&BYTES[..length]), Err(KeyError::Io { .. })));
    }
    for length in [POINTS, POINTS + 1, BYTES.len() - 1] {
        assert!(matches!(read(&BYTES[..length]), Err(KeyError::Length { .. })));
    }
    let longer = [&BYTES[..], &[0]].concat();
    assert!(matches!(read(&longer), Err(KeyError::Length { .. })));
}

proptest! {
    #[test]
    fn no_changed_byte_passes(place: prop::sample::Index, change in 1u8..) {
        let mut bytes = BYTES.clone();
        let place = place.index(bytes.len());
        bytes[place] ^= change;
        prop_assert!(read(&bytes).is_err());
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000), keep in 0usize..POINTS) {
        let bytes = [&BYTES[..keep], &bytes].concat();
        prop_assert!(read(&bytes).is_err());
    }
}

#[test]
fn the_cache_makes_a_key_once_and_a_damaged_one_anew() {
    let folder = tempfile::tempdir().unwrap();
    let cache = KeyCache { folder: folder.path().join("keys") };
    let digest = CircuitDigest::of(&CIRCUIT);
    assert!(cache.load(&digest, Origin::InsecureDev).unwrap().is_none());
    let key = cache.insecure_dev_key(&CIRCUIT).unwrap();
    assert!(key == *KEY);

    let path = cache.path(&digest, Origin::InsecureDev);
    assert_eq!(path.file_name().unwrap().to_str().unwrap(), format!("{digest}-dev.key"));
    assert_eq!(fs::read_dir(&cache.folder).unwrap().count(), 1, "nothing else is left there");
    let made = fs::metadata(&path).unwrap().modified().unwrap();
    let loaded = cache.insecure_dev_key(&circuit(SECRET + 1)).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), made);
    prove(&loaded, &CIRCUIT).unwrap();

    for damaged in [&BYTES[..BYTES.len() / 2], &BYTES[..3], b"", &change_header(8, 9)] {
        fs::write(&path, damaged).unwrap();
        assert!(matches!(cache.load(&digest, Origin::InsecureDev), Err(CacheError::Key { .. })));
        assert!(cache.insecure_dev_key(&CIRCUIT).unwrap() == *KEY);
        assert_eq!(fs::read(&path).unwrap(), *BYTES);
    }
    assert!(cache.load(&digest, Origin::Imported).unwrap().is_none());
}
