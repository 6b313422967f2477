//! Genesis files: what they make, and what is refused where.

use std::path::PathBuf;

use serde_json::{json, Value};
use sheaf_circuits::account::{AccountIndex, AssetId, CellKey, Header};
use sheaf_circuits::amount::Quanta;
use sheaf_circuits::hash::Digest;
use sheaf_witness::genesis::{Genesis, GenesisError, Scale};
use sheaf_witness::state::{MemoryState, State, StateRead};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/genesis")).join(name)
}

fn small() -> Value {
    serde_json::from_slice(&std::fs::read(fixture("small.json")).unwrap()).unwrap()
}

/// The error after changing the example.
fn refused(change: impl FnOnce(&mut Value)) -> GenesisError {
    let mut genesis = small();
    change(&mut genesis);
    Genesis::from_json(&serde_json::to_vec(&genesis).unwrap()).unwrap_err()
}

/// The example's root is pinned; `SHEAF_REGENERATE=1` writes it anew.
#[test]
fn the_example_has_its_root() {
    let genesis = Genesis::read(&fixture("small.json")).unwrap();
    let state = MemoryState::with_cells(genesis.cells());
    if std::env::var_os("SHEAF_REGENERATE").is_some() {
        std::fs::write(fixture("small.root"), format!("{}\n", state.root())).unwrap();
    }
    let pinned: Digest = std::fs::read_to_string(fixture("small.root")).unwrap().trim().parse().unwrap();
    assert_eq!(state.root(), pinned);
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(State::create(dir.path(), &genesis).unwrap().root(), pinned);

    let read = |key| state.cell(CellKey::new(key).unwrap()).unwrap();
    let header = Header::from_cell(&read(1 << 12)).unwrap().unwrap();
    assert_eq!((header.balance, header.nonce), (Quanta::new(5_000_000_000).unwrap(), 0));
    assert_eq!(read(1 << 12 | 2047).balance(), Ok(Quanta::MAX));
    assert_eq!(Header::from_cell(&read(65535 << 12)).unwrap().unwrap().nonce, 3);
    assert!(read(65535 << 12 | 1).is_absent());
}

#[test]
fn json_round_trips() {
    let genesis = Genesis::read(&fixture("small.json")).unwrap();
    let json = genesis.to_json();
    assert_eq!(Genesis::from_json(json.as_bytes()), Ok(genesis.clone()));
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), serde_json::to_value(&genesis).unwrap());
    assert_eq!(json.lines().count(), 2 + 4 + (3 + 2) + (3 + 2), "one line for each asset and account");
    assert_eq!(genesis.rollup().asset(AssetId::new(2047).unwrap()).unwrap().symbol, "SHIB");
    assert_eq!(genesis.first_l1_account(), None);
    let mut genesis = genesis;
    genesis.accounts[2].index = AccountIndex::new(1 << 16).unwrap();
    assert_eq!(genesis.first_l1_account(), AccountIndex::new(1 << 16));
}

#[test]
fn what_has_not_the_form_is_refused_with_its_place() {
    let cases: [(&str, Value, &str); 15] = [
        ("/format", json!("sheaf-genesis-2"), "format is \"sheaf-genesis-2\", expected \"sheaf-genesis-1\""),
        ("/colour", json!("red"), "unknown field `colour`"),
        ("/accounts/0/colour", json!("red"), "unknown field `colour`"),
        ("/assets/0/colour", json!("red"), "unknown field `colour`"),
        ("/domain/colour", json!("red"), "unknown field `colour`"),
        ("/accounts/0/index", json!(1 << 24), "account index 16777216 is out of range"),
        ("/accounts/0/key_hash", json!("00"), "a digest is 64 hexadecimal digits"),
        ("/accounts/0/key_hash", json!("f".repeat(64)), "element 0 is 18446744073709551615"),
        ("/accounts/0/owner", json!("0x1"), "is not a contract address"),
        ("/accounts/1/balances/0/1", json!(1u64 << 62), "amount 4611686018427387904 is out of range"),
        ("/accounts/1/balances/0/1", json!(-1), "invalid value"),
        ("/accounts/1/balances/0/0", json!(4096), "asset index 4096 is out of range"),
        ("/assets/0/scale", json!("0"), "scale \"0\" is not a whole number"),
        ("/assets/0/scale", json!("+1"), "scale \"+1\" is not a whole number"),
        ("/operator", json!(null), "invalid type: null"),
    ];
    for (pointer, value, expected) in cases {
        let error = refused(|genesis| {
            let (parent, field) = pointer.rsplit_once('/').unwrap();
            let parent = genesis.pointer_mut(parent).unwrap();
            match parent.as_array_mut() {
                Some(array) => array[field.parse::<usize>().unwrap()] = value,
                None => parent[field] = value,
            }
        });
        let text = error.to_string();
        assert!(matches!(&error, GenesisError::Syntax { line: 1, column, .. } if *column > 0), "{text}");
        assert!(text.contains(expected), "{text}");
    }
    assert!(matches!(Genesis::from_json(b""), Err(GenesisError::Syntax { .. })));
    let json = std::fs::read(fixture("small.json")).unwrap();
    let cut = Genesis::from_json(&json[..json.len() - 3]).unwrap_err();
    assert!(matches!(cut, GenesisError::Syntax { line: 26, .. }), "{cut}");
}

#[test]
fn what_contradicts_itself_is_refused() {
    let account = |index| AccountIndex::new(index).unwrap();
    let asset = |id| AssetId::new(id).unwrap();
    use GenesisError::*;
    let error = refused(|g| g["domain"]["chain_id"] = json!(1u64 << 56));
    assert_eq!(error, ChainId { chain_id: 1 << 56 });
    let error = refused(|g| g["assets"][2]["id"] = json!(1));
    assert_eq!(error, DuplicateAsset { entry: 3, asset: asset(1) });
    let error = refused(|g| g["assets"][1]["token"] = json!(null));
    assert_eq!(error, DuplicateToken { entry: 2, token: None });
    let error = refused(|g| g["assets"][1]["symbol"] = json!("U\u{1b}[31m"));
    assert_eq!(error, Symbol { entry: 2, symbol: "U\u{1b}[31m".into() });
    let error = refused(|g| g["assets"][0]["id"] = json!(2));
    assert_eq!(error, NoGasAsset);
    let error = refused(|g| g["accounts"][2]["index"] = json!(1));
    assert_eq!(error, DuplicateAccount { entry: 3, account: account(1) });
    let error = refused(|g| g["accounts"][2]["kind"] = json!(2)).to_string();
    assert_eq!(error, "account entry 3 (account 65535): kind 2 is unknown, expected 1");
    let error = refused(|g| g["accounts"][2]["nonce"] = json!(1u64 << 56));
    assert_eq!(error, Nonce { entry: 3, account: account(65535), nonce: 1 << 56 });
    let error = refused(|g| g["accounts"][1]["balances"][1][0] = json!(2));
    assert_eq!(error, UnknownAsset { entry: 2, account: account(1), asset: asset(2) });
    let error = refused(|g| g["accounts"][1]["balances"][1][0] = json!(0));
    assert_eq!(error, DuplicateBalance { entry: 2, account: account(1), asset: AssetId::GAS });
    let error = refused(|g| g["accounts"][2]["balances"][0] = json!([2047, 1]));
    assert_eq!(error, Total { entry: 3, account: account(65535), asset: asset(2047) });
    let error = refused(|g| g["assets"][2]["id"] = json!(2048));
    assert_eq!(error, CreatedAsset { entry: 3, asset: asset(2048) });
    let error = refused(|g| g["accounts"][2]["index"] = json!(1 << 23));
    assert_eq!(error, ContractAccount { entry: 3, account: account(1 << 23) });
    let error = refused(|g| g["operator"] = json!(2));
    assert_eq!(error, NoOperator { operator: account(2) });
}

#[test]
fn scales_have_one_spelling() {
    assert_eq!("1000000000".parse(), Ok(Scale::new(1_000_000_000).unwrap()));
    assert_eq!(u128::MAX.to_string().parse(), Ok(Scale::new(u128::MAX).unwrap()));
    for text in ["", "0", "01", "+1", "-1", "1.0", "1e9", " 1", "340282366920938463463374607431768211456"] {
        assert!(text.parse::<Scale>().is_err(), "{text:?}");
    }
}
