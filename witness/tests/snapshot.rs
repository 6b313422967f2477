//! Snapshots: they bring back the same state, and refuse to when a byte of them is wrong.

use plonky2::field::types::Field;
use proptest::prelude::*;
use sheaf_circuits::account::{AccountIndex, AssetId, Cell, CellKey};
use sheaf_circuits::amount::Quanta;
use sheaf_circuits::context::{ContractAddress, Domain};
use sheaf_circuits::hash::{Digest, F};
use sheaf_witness::genesis::{Asset, Genesis, GenesisAccount, Rollup, Scale};
use sheaf_witness::state::{SnapshotError, SnapshotHeader, State, StateError, StateRead};

fn genesis(accounts: u32) -> Genesis {
    let eth = Asset { id: AssetId::GAS, symbol: "ETH".into(), token: None, scale: Scale::new(1).unwrap() };
    let rollup = Rollup {
        domain: Domain { chain_id: 1, contract: ContractAddress([1; 20]) },
        operator: AccountIndex::new(0).unwrap(),
        assets: vec![eth],
    };
    let account = |i: u32| {
        let amount = Quanta::new(u64::from(i) * 1_000).unwrap();
        GenesisAccount::user(
            AccountIndex::new(i * 11).unwrap(),
            Digest([F::from_canonical_u32(i); 4]),
            vec![(AssetId::GAS, amount)],
        )
    };
    Genesis::new(rollup, (0..accounts).map(account).collect())
}

#[test]
fn a_snapshot_brings_back_the_state() {
    let dir = tempfile::tempdir().unwrap();
    let (path, copy, file) = (dir.path().join("state"), dir.path().join("copy"), dir.path().join("file"));
    let state = State::create(&path, &genesis(3_000)).unwrap();
    let key = CellKey::new(11 << 12 | 4_095).unwrap();
    let update = state.reader(state.root()).unwrap().prepare(vec![(key, Cell([F::NEG_ONE; 8]))]).unwrap();
    state.commit(&update).unwrap();

    let header = state.snapshot(&file).unwrap();
    assert_eq!((header.root, header.batches, header.cells), (state.root(), 1, 3_001));
    assert_eq!(SnapshotHeader::read(&file).unwrap(), header);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "nothing but the state and the file");

    let restored = State::restore(&file, &copy).unwrap();
    assert_eq!((restored.root(), restored.batches()), (state.root(), 1));
    assert_eq!(restored.rollup(), state.rollup());
    assert_eq!(restored.recompute_root().unwrap(), state.root());
    assert_eq!(restored.get(key).unwrap(), Cell([F::NEG_ONE; 8]));
    // The stored nodes are the same too: the next batch leads both to the same root.
    let next = vec![(CellKey::new(22 << 12).unwrap(), Cell::ABSENT)];
    let [a, b] = [&state, &restored].map(|state| state.reader(state.root()).unwrap().prepare(next.clone()).unwrap());
    assert_eq!(a.root(), b.root());

    assert!(matches!(State::restore(&file, &copy), Err(SnapshotError::State(StateError::Exists { .. }))));
    // Same state, same bytes.
    let again = dir.path().join("again");
    restored.snapshot(&again).unwrap();
    assert_eq!(std::fs::read(&again).unwrap(), std::fs::read(&file).unwrap());
}

#[test]
fn an_empty_directory_is_a_place_and_an_empty_state_a_state() {
    let dir = tempfile::tempdir().unwrap();
    let (path, copy, file) = (dir.path().join("state"), dir.path().join("copy"), dir.path().join("file"));
    let state = State::create(&path, &genesis(1)).unwrap();
    let header = CellKey::new(0).unwrap();
    let update = state.reader(state.root()).unwrap().prepare(vec![(header, Cell::ABSENT)]).unwrap();
    state.commit(&update).unwrap();
    assert_eq!(state.snapshot(&file).unwrap().cells, 0);
    std::fs::create_dir(&copy).unwrap();
    assert_eq!(State::restore(&file, &copy).unwrap().root(), state.root());
}

#[test]
fn what_is_no_snapshot_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let (file, place) = (dir.path().join("file"), dir.path().join("state"));
    assert!(matches!(State::restore(&file, &place), Err(SnapshotError::Io { action: "open", .. })));
    std::fs::write(&file, "{\"format\": \"sheaf-genesis-1\"}").unwrap();
    assert!(matches!(State::restore(&file, &place), Err(SnapshotError::NotASnapshot { .. })));
    std::fs::write(&file, "").unwrap();
    assert!(matches!(State::restore(&file, &place), Err(SnapshotError::Damaged { .. })));
    std::fs::write(&file, b"SHEAFSNP\x02\0\0\0").unwrap();
    assert!(matches!(State::restore(&file, &place), Err(SnapshotError::Format { got: 2, .. })));
    assert!(!place.exists());
}

/// A snapshot whose SHA-256 was made to fit: only the cells, their order, their number and their root are left to tell.
#[test]
fn a_forged_snapshot_is_refused_by_its_root() {
    use sha2::{Digest as _, Sha256};
    let dir = tempfile::tempdir().unwrap();
    let (file, place) = (dir.path().join("file"), dir.path().join("place"));
    State::create(&dir.path().join("state"), &genesis(50)).unwrap().snapshot(&file).unwrap();
    let bytes = std::fs::read(&file).unwrap();
    let rollup_len = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    let (head, rest) = bytes.split_at(64 + rollup_len);
    let cells = zstd::decode_all(&rest[..rest.len() - 32]).unwrap();
    let refused = |head: &[u8], cells: &[u8], expected: &str| {
        let mut forged = head.to_vec();
        forged.extend(zstd::encode_all(cells, 3).unwrap());
        let digest = Sha256::digest(&forged);
        forged.extend(&digest[..]);
        std::fs::write(&file, forged).unwrap();
        let error = State::restore(&file, &place).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "nothing is left behind");
    };
    let with = |position: usize, byte: u8| {
        let mut cells = cells.clone();
        cells[position] = byte;
        cells
    };
    refused(head, &with(69 * 7 + 5, 99), "its cells have root");
    refused(head, &with(69 * 7 + 4, 1), "its cells have root");
    refused(head, &with(69 * 7 + 2, 0), "cell 7 is out of order");
    refused(head, &with(69 * 7, 255), "cell 7 is out of order");
    refused(head, &[&cells[..69], &[0, 0, 0, 0x80, 0], &[0; 64], &cells[2 * 69..]].concat(), "cell 1 is out of order");
    refused(head, &[&cells[..69 + 5], &[255; 64], &cells[2 * 69..]].concat(), "cell 1 is out of order");
    refused(head, &cells[..69 * 49], "cut off");
    refused(head, &[&cells[..], &[0]].concat(), "there is more after its 50 cells");
    let mut fewer = head.to_vec();
    fewer[24] = 49;
    refused(&fewer, &cells[..69 * 49], "its cells have root");
    fewer[24..32].copy_from_slice(&u64::MAX.to_le_bytes());
    refused(&fewer, &cells, "cut off");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_damaged_snapshot_is_refused(position in any::<prop::sample::Index>(), flip in 1..=255u8, cut in any::<bool>()) {
        let dir = tempfile::tempdir().unwrap();
        let (file, place) = (dir.path().join("file"), dir.path().join("place"));
        let mut bytes = SNAPSHOT.clone();
        let position = position.index(bytes.len());
        if cut {
            bytes.truncate(position);
        } else {
            bytes[position] ^= flip;
        }
        std::fs::write(&file, bytes).unwrap();
        prop_assert!(State::restore(&file, &place).is_err());
        prop_assert!(!place.exists());
    }
}

static SNAPSHOT: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    State::create(&dir.path().join("state"), &genesis(20)).unwrap().snapshot(&file).unwrap();
    std::fs::read(&file).unwrap()
});
