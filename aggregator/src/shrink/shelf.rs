//! Built circuits of a program, kept in a file: building takes half a minute to a minute, reading them a second or two.
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | `sheafshf` |
//! | 2 | version |
//! | 32 | program id, big-endian |
//! | 1 | circuits |
//! | for each: 1, 8, … | length of its role's name, length of its data; name, data as plonky2 writes them |
//! | 32 | BLAKE3 of all above |
//!
//! Numbers are little-endian. A file is worth what the folder is that it lies in: the sum guards against accidents only. That
//! is enough, since whatever is proven with these circuits is verified with pinned verifier data before it leaves.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use plonky2::gates::arithmetic_base::ArithmeticGate;
use plonky2::gates::arithmetic_extension::ArithmeticExtensionGate;
use plonky2::gates::base_sum::BaseSumGate;
use plonky2::gates::constant::ConstantGate;
use plonky2::gates::coset_interpolation::CosetInterpolationGate;
use plonky2::gates::exponentiation::ExponentiationGate;
use plonky2::gates::multiplication_extension::MulExtensionGate;
use plonky2::gates::noop::NoopGate;
use plonky2::gates::poseidon::PoseidonGate;
use plonky2::gates::poseidon_mds::PoseidonMdsGate;
use plonky2::gates::public_input::PublicInputGate;
use plonky2::gates::random_access::RandomAccessGate;
use plonky2::gates::reducing::ReducingGate;
use plonky2::gates::reducing_extension::ReducingExtensionGate;
use plonky2::plonk::circuit_data::CircuitData;
use plonky2::plonk::config::GenericConfig;
use plonky2::util::serialization::GateSerializer;
use plonky2::{get_gate_tag_impl, impl_gate_serializer, read_gate_impl};
use sheaf_circuits::gates::custom::AsGate;
use sheaf_circuits::gates::SheafGeneratorSerializer;
use sheaf_circuits::hash::{D, F};
use sheaf_circuits::security::Role;

use super::gate::PublicValuesGate;
use super::verifier::ProgramId;
use crate::whole_file;

/// How files begin.
const MAGIC: [u8; 8] = *b"sheafshf";
/// The version of their encoding.
const VERSION: u16 = 1;
/// Bytes of the sum.
const SUM: usize = 32;

/// The gates of the layers after the join. An entry's place is its tag: new ones go at the end.
#[derive(Clone, Copy, Debug, Default)]
pub struct ShrinkGateSerializer;

impl GateSerializer<F, D> for ShrinkGateSerializer {
    impl_gate_serializer! {
        ShrinkGateSerializer,
        ArithmeticGate,
        ArithmeticExtensionGate<D>,
        BaseSumGate<2>,
        ConstantGate,
        CosetInterpolationGate<F, D>,
        MulExtensionGate<D>,
        NoopGate,
        PoseidonMdsGate<F, D>,
        PoseidonGate<F, D>,
        PublicInputGate,
        RandomAccessGate<F, D>,
        ReducingExtensionGate<D>,
        ReducingGate<D>,
        AsGate<PublicValuesGate>,
        ExponentiationGate<F, D>
    }
}

/// Circuits by the names of their roles, as bytes; none on an empty one.
#[derive(Clone, Debug, Default)]
pub struct Shelf {
    circuits: BTreeMap<String, Vec<u8>>,
}

impl Shelf {
    /// Puts a built circuit there. One with a gate that is not listed is left out, and will be built again.
    pub(super) fn put<K: GenericConfig<D, F = F> + 'static>(&mut self, role: Role, data: &CircuitData<F, K, D>) {
        if let Ok(bytes) = data.to_bytes(&ShrinkGateSerializer, &SheafGeneratorSerializer) {
            self.circuits.insert(role.name().to_owned(), bytes);
        }
    }

    /// The circuit of a role, if it is there and whole.
    pub(super) fn circuit<K: GenericConfig<D, F = F> + 'static>(&self, role: Role) -> Option<CircuitData<F, K, D>> {
        let bytes = self.circuits.get(role.name())?;
        CircuitData::from_bytes(bytes, &ShrinkGateSerializer, &SheafGeneratorSerializer).ok()
    }

    /// What is in the file of `program`; nothing if there is none, or it is damaged or of another version.
    pub fn read(path: &Path, program: ProgramId) -> Option<Self> {
        let bytes = fs::read(path).ok()?;
        let (content, sum) = bytes.split_at_checked(bytes.len().checked_sub(SUM)?)?;
        let mut hasher = blake3::Hasher::new();
        hasher.update_rayon(content);
        if hasher.finalize() != blake3::Hash::from_slice(sum).ok()? {
            return None;
        }
        let rest = content.strip_prefix(&header(program)[..])?;
        let (&count, mut rest) = rest.split_first()?;
        let mut circuits = BTreeMap::new();
        for _ in 0..count {
            let (&name, after) = rest.split_first()?;
            let (length, after) = after.split_first_chunk()?;
            let (name, after) = after.split_at_checked(name.into())?;
            let (data, after) = after.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
            circuits.insert(String::from_utf8(name.to_owned()).ok()?, data.to_owned());
            rest = after;
        }
        rest.is_empty().then_some(Self { circuits })
    }

    /// Writes the file of `program`, and the folders above it: whoever reads `path` sees what was there before, or all of it.
    pub fn write(&self, path: &Path, program: ProgramId) -> io::Result<()> {
        let mut bytes = header(program).to_vec();
        bytes.push(u8::try_from(self.circuits.len()).expect("a program has a handful of circuits"));
        for (name, data) in &self.circuits {
            bytes.push(u8::try_from(name.len()).expect("names of roles are short"));
            bytes.extend((data.len() as u64).to_le_bytes());
            bytes.extend(name.as_bytes());
            bytes.extend(data);
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update_rayon(&bytes);
        bytes.extend(hasher.finalize().as_bytes());

        whole_file::write(path, |file| file.write_all(&bytes)).map_err(|failed| failed.source)
    }
}

fn header(program: ProgramId) -> [u8; 42] {
    let mut header = [0; 42];
    header[..8].copy_from_slice(&MAGIC);
    header[8..10].copy_from_slice(&VERSION.to_le_bytes());
    header[10..].copy_from_slice(&program.to_bytes());
    header
}

#[cfg(test)]
mod tests {
    use ark_bn254::Fr;

    use super::*;
    use crate::bn254::Bn254Config;
    use crate::shrink::toy::ToyShrink;

    #[test]
    fn a_circuit_comes_back_as_it_was() {
        let toy = ToyShrink::get();
        let mut shelf = Shelf::default();
        assert!(shelf.circuit::<Bn254Config>(Role::Shrink).is_none());
        shelf.put(Role::Shrink, &toy.data);
        assert_eq!(shelf.circuit::<Bn254Config>(Role::Shrink).as_ref(), Some(&toy.data));
        assert!(shelf.circuit::<Bn254Config>(Role::Squeeze3).is_none());
    }

    #[test]
    fn files_are_taken_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/program");
        let program = ProgramId(Fr::from(7u64));
        assert!(Shelf::read(&path, program).is_none(), "no file");
        let mut shelf = Shelf::default();
        shelf.circuits.insert("a".into(), vec![1, 2, 3]);
        shelf.circuits.insert("b".into(), vec![]);
        shelf.write(&path, program).unwrap();
        assert_eq!(Shelf::read(&path, program).unwrap().circuits, shelf.circuits);
        assert!(Shelf::read(&path, ProgramId(Fr::from(8u64))).is_none(), "another program");
        let bytes = fs::read(&path).unwrap();
        for position in 0..bytes.len() {
            let mut other = bytes.clone();
            other[position] ^= 1;
            fs::write(&path, other).unwrap();
            assert!(Shelf::read(&path, program).is_none(), "byte {position}");
            fs::write(&path, &bytes[..position]).unwrap();
            assert!(Shelf::read(&path, program).is_none(), "{position} bytes");
        }
    }
}
