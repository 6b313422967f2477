//! Files with arbitrary damage: never a panic, and the binary form never takes two spellings of one thing.

use super::*;

/// One damage: overwrite, insert or remove a byte, cut the file, or repeat a piece of it.
#[derive(Clone, Debug)]
enum Damage {
    Overwrite(usize, u8),
    Insert(usize, u8),
    Remove(usize),
    Cut(usize),
    Repeat(usize, usize),
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let length = bytes.len().max(1);
        match *self {
            _ if bytes.is_empty() => {}
            Self::Overwrite(at, byte) => bytes[at % length] = byte,
            Self::Insert(at, byte) => bytes.insert(at % length, byte),
            Self::Remove(at) => drop(bytes.remove(at % length)),
            Self::Cut(at) => bytes.truncate(at % length),
            Self::Repeat(from, to) => {
                let (from, to) = (from % length, to % length);
                let piece = bytes[from.min(to)..from.max(to)].to_vec();
                bytes.extend(piece);
            }
        }
    }
}

fn any_damage() -> impl Strategy<Value = Vec<Damage>> {
    let at = || any::<usize>();
    let byte = || prop_oneof![any::<u8>(), prop_oneof![Just(b'"'), Just(b'{'), Just(b'\n'), Just(b'9'), Just(0)]];
    let damage = prop_oneof![
        4 => (at(), byte()).prop_map(|(at, byte)| Damage::Overwrite(at, byte)),
        2 => (at(), byte()).prop_map(|(at, byte)| Damage::Insert(at, byte)),
        2 => at().prop_map(Damage::Remove),
        1 => at().prop_map(Damage::Cut),
        1 => (at(), at()).prop_map(|(from, to)| Damage::Repeat(from, to)),
    ];
    proptest::collection::vec(damage, 0..6)
}

/// Reads, and checks what holds for every file: positions rise, and a binary file without mistakes is the encoding.
fn check(file: &[u8]) {
    let Ok(decoded) = read(file, Limits::default()) else { return };
    assert!(decoded.positions.windows(2).all(|pair| pair[0] < pair[1]));
    assert_eq!(decoded.positions.len(), decoded.batch.transactions.len());
    if decoded.refused.is_empty() && decoded.form == (Form { notation: Notation::Binary, compressed: false }) {
        assert_eq!(binary_of(&decoded.batch), file);
    }
    // What was taken is a batch.
    let again = read(&lines_of(&decoded.batch)[..], Limits::default()).unwrap();
    assert_eq!((again.batch, again.refused), (decoded.batch, vec![]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn damaged_files_do_no_harm(batch in any_batch(), damage in any_damage()) {
        for mut file in [lines_of(&batch), binary_of(&batch)] {
            let mut compressed = zstd::encode_all(&file[..], 1).unwrap();
            for file in [&mut file, &mut compressed] {
                damage.iter().for_each(|damage| damage.apply(file));
                check(file);
            }
        }
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        check(&bytes);
        let mut with_header = lines_of(&Batch { context: context(), transactions: vec![] });
        with_header.extend(&bytes);
        check(&with_header);
        let mut with_header = binary_of(&Batch { context: context(), transactions: vec![] });
        with_header.extend(&bytes);
        check(&with_header);
    }

    #[test]
    fn arbitrary_binary_transactions_have_one_spelling(mut bytes in proptest::collection::vec(any::<u8>(), 151), kind in 0u8..7) {
        bytes[0] = kind;
        // Small values, so that ranges are met.
        for position in (3..40).filter(|p| p % 2 == 0) {
            bytes[position] = 0;
        }
        for end in [1, 7, 37, 48, 147, 151] {
            if let Ok(transaction) = binary::parse_transaction(&bytes[..end]) {
                prop_assert_eq!(binary::transaction(&transaction), &bytes[..end]);
            }
        }
    }
}
