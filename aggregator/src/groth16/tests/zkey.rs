//! Import of `.zkey` files, made here of development keys; `tests/snarkjs` imports real ones.

use std::io::Cursor;
use std::sync::LazyLock;

use ark_bn254::{Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::{BigInteger, Field, PrimeField};
use proptest::prelude::*;

use super::{circuit, CIRCUIT, KEY, SECRET};
use crate::groth16::key::{Key, Origin};
use crate::groth16::point::{self, Point, PointProblem};
use crate::groth16::prove::prove;
use crate::groth16::snarkjs::zkey::{import, UnsafeKey, ZkeyError};
use crate::wrap::r1cs::{Linear, R1cs, Variable};

fn points<P: Point>(points: &[P]) -> Vec<u8> {
    let mut bytes = vec![];
    point::write(&mut bytes, points).unwrap();
    bytes
}

/// Sections 1 to 10 as snarkjs writes them.
fn sections(key: &Key, r1cs: &R1cs) -> Vec<(u32, Vec<u8>)> {
    let mut header = vec![];
    for modulus in [Fq::MODULUS.to_bytes_le(), Fr::MODULUS.to_bytes_le()] {
        header.extend(32u32.to_le_bytes());
        header.extend(modulus);
    }
    for count in [r1cs.variables() as u32, 1, 1 << key.domain_bits] {
        header.extend(count.to_le_bytes());
    }
    let verifying = &key.verifying;
    header.extend(points(&[verifying.alpha, key.beta_g1]));
    header.extend(points(&[verifying.beta, verifying.gamma]));
    header.extend(points(&[key.delta_g1]));
    header.extend(points(&[verifying.delta]));

    let mut entries = vec![];
    for row in 0..r1cs.constraints() {
        for matrix in 0..2 {
            entries.extend(r1cs.row(matrix, row).map(|(variable, value)| (matrix, row, variable.index(), value)));
        }
    }
    entries.extend((0..2).map(|public| (0, r1cs.constraints() + public, public, Fr::ONE)));
    let mut coefficients = (entries.len() as u32).to_le_bytes().to_vec();
    let shift = Fr::from(2u64).pow([512]);
    for (matrix, row, variable, value) in entries {
        for number in [matrix, row, variable] {
            coefficients.extend((number as u32).to_le_bytes());
        }
        coefficients.extend((value * shift).into_bigint().to_bytes_le());
    }

    let queries = &key.queries;
    let lists = [
        1u32.to_le_bytes().to_vec(),
        header,
        points(&verifying.ic),
        coefficients,
        points(&queries.a),
        points(&queries.b_g1),
        points(&queries.b_g2),
        points(&queries.l),
        points(&queries.h),
        vec![0; 68],
    ];
    (1..).zip(lists).collect()
}

fn file(sections: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = b"zkey".to_vec();
    bytes.extend(1u32.to_le_bytes());
    bytes.extend((sections.len() as u32).to_le_bytes());
    for (number, content) in sections {
        bytes.extend(number.to_le_bytes());
        bytes.extend((content.len() as u64).to_le_bytes());
        bytes.extend(content);
    }
    bytes
}

static SECTIONS: LazyLock<Vec<(u32, Vec<u8>)>> = LazyLock::new(|| sections(&KEY, &CIRCUIT));
static FILE: LazyLock<Vec<u8>> = LazyLock::new(|| file(&SECTIONS));

fn read(bytes: &[u8]) -> Result<Key, ZkeyError> {
    import(Cursor::new(bytes), &CIRCUIT)
}

/// A file with a change in a section.
fn changed(section: usize, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut sections = SECTIONS.clone();
    change(&mut sections[section - 1].1);
    file(&sections)
}

#[test]
fn a_zkey_becomes_a_key_that_proves() {
    let key = read(&FILE).unwrap();
    assert_eq!(key.origin(), Origin::Imported);
    assert!(key.queries == KEY.queries);
    let proof = prove(&key, &circuit(SECRET + 2)).unwrap();
    assert_eq!(KEY.verifying.verify(circuit(SECRET + 2).public(), &proof), Ok(()));
    let mut reordered = SECTIONS.clone();
    reordered.reverse();
    assert!(read(&file(&reordered)).unwrap() == key, "sections come in any order");
}

#[test]
fn a_zkey_of_another_circuit_is_refused() {
    let error = |r1cs: &R1cs| import(Cursor::new(&*FILE), r1cs).unwrap_err();
    let mut variables = CIRCUIT.clone();
    variables.allocate(Fr::ONE);
    assert!(matches!(error(&variables), ZkeyError::Count { what: "variables", .. }));
    let mut rows = CIRCUIT.clone();
    for _ in 0..512 {
        rows.constrain(&Linear::zero(), &Linear::zero(), &Linear::zero());
    }
    assert!(matches!(error(&rows), ZkeyError::Count { what: "points of its domain", .. }));
    let mut terms = CIRCUIT.clone();
    terms.constrain(&Variable::ONE.into(), &Linear::zero(), &Linear::zero());
    assert!(matches!(error(&terms), ZkeyError::SectionLength { section: 4, .. }));

    // As many of everything, one coefficient changed.
    let mut one = CIRCUIT.clone();
    one.constrain(&Linear::constant(Fr::from(3)), &Linear::zero(), &Linear::zero());
    let mut other = CIRCUIT.clone();
    other.constrain(&Linear::constant(Fr::from(4)), &Linear::zero(), &Linear::zero());
    let entries = one.terms()[0] + one.terms()[1];
    match import(Cursor::new(file(&sections(&KEY, &one))), &other) {
        Err(ZkeyError::Matrix { index, expected, got }) => {
            assert_eq!(index, entries - 1);
            assert_eq!((expected.coefficient, got.coefficient), (Fr::from(4), Fr::from(3)));
        }
        Ok(_) | Err(_) => panic!("the key of another circuit"),
    }
}

#[test]
fn points_are_checked() {
    let point = |section, at: usize, with: Vec<u8>| match read(&changed(section, |bytes| {
        bytes[at..at + with.len()].copy_from_slice(&with)
    })) {
        Err(ZkeyError::Point { section, index, problem }) => (section, index, problem),
        Ok(_) | Err(_) => panic!("section {section}"),
    };
    for section in [3, 5, 6, 8, 9] {
        let one = [1u8; 32].to_vec();
        assert_eq!(point(section, 64, one), (section as u32, 1, PointProblem::NotOnCurve));
        assert_eq!(point(section, 96, vec![0xff; 32]), (section as u32, 1, PointProblem::NotCanonical));
    }
    let outside = (1u64..)
        .filter_map(|x| G2Affine::get_point_from_x_unchecked(Fq2::from(x), true))
        .find(|point| !point.is_in_correct_subgroup_assuming_on_curve())
        .unwrap();
    assert_eq!(point(7, 256, points(&[outside])), (7, 2, PointProblem::NotInGroup));
    assert_eq!(point(2, 84 + 128, points(&[outside])), (2, 2, PointProblem::NotInGroup));
}

/// Places of the header's points.
const ALPHA: usize = 84;
const BETA: usize = ALPHA + 2 * 64;
const GAMMA: usize = BETA + 128;
const DELTA_G1: usize = GAMMA + 128;
const DELTA: usize = DELTA_G1 + 64;

#[test]
fn keys_that_accept_anything_are_refused() {
    let refused = |at: usize, with: Vec<u8>| match read(&changed(2, |b| b[at..at + with.len()].copy_from_slice(&with)))
    {
        Err(ZkeyError::Unsafe(reason)) => reason,
        Ok(_) | Err(_) => panic!("at {at}"),
    };
    assert_eq!(refused(ALPHA, vec![0; 64]), UnsafeKey::Infinity("alpha"));
    assert_eq!(refused(DELTA, vec![0; 128]), UnsafeKey::Infinity("delta"));
    let [g1, g2] = [points(&[G1Affine::generator()]), points(&[G2Affine::generator()])];
    assert_eq!(refused(ALPHA, g1.clone()), UnsafeKey::NoPowersOfTau);
    assert_eq!(refused(BETA, g2.clone()), UnsafeKey::NoPowersOfTau);
    assert_eq!(refused(DELTA, g2), UnsafeKey::NoContribution);
    assert_eq!(refused(DELTA, points(&[KEY.verifying.gamma])), UnsafeKey::DeltaIsGamma);
    assert_eq!(refused(DELTA_G1, g1.clone()), UnsafeKey::Groups("delta"));
    assert_eq!(refused(ALPHA + 64, g1), UnsafeKey::Groups("beta"));
}

#[test]
fn damaged_containers_are_refused() {
    let change = |at: usize, byte: u8| {
        let mut bytes = FILE.clone();
        bytes[at] = byte;
        read(&bytes).unwrap_err()
    };
    assert!(matches!(change(0, b'x'), ZkeyError::Magic { got } if got == *b"xkey"));
    assert!(matches!(change(4, 2), ZkeyError::Number { what: "version", got: 2, .. }));
    assert!(matches!(change(11, 255), ZkeyError::Sections { .. }));
    assert!(matches!(change(12, 2), ZkeyError::Duplicate { section: 2 }));
    assert!(matches!(change(12, 77), ZkeyError::Missing { section: 1 }));
    assert!(matches!(change(23, 255), ZkeyError::Truncated { section: 1, .. }), "a length of 2^63");
    assert!(matches!(change(24, 2), ZkeyError::Number { what: "protocol", expected: 1, got: 2 }));
    let other_curve = read(&changed(2, |bytes| bytes[4] ^= 1));
    assert!(matches!(other_curve, Err(ZkeyError::Curve { what: "base field" })));
    let public = read(&changed(2, |bytes| bytes[76] = 2));
    assert!(matches!(public, Err(ZkeyError::Count { what: "public inputs", expected: 1, got: 2 })));
    let coefficient = read(&changed(4, |bytes| bytes[16..48].fill(0xff)));
    assert!(matches!(coefficient, Err(ZkeyError::Coefficient { index: 0 })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// All but what section 10 says, which is not read.
    #[test]
    fn no_changed_byte_passes(place: prop::sample::Index, change in 1u8..) {
        let mut bytes = FILE.clone();
        let place = place.index(bytes.len() - 68);
        bytes[place] ^= change;
        prop_assert!(read(&bytes).is_err(), "at {}", place);
    }

    #[test]
    fn no_file_cut_short_passes(length: prop::sample::Index) {
        prop_assert!(read(&FILE[..length.index(FILE.len())]).is_err());
    }
}
