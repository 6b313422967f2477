//! Reading on from where it stopped, and noticing what is gone.

use sheaf_verifier_contract::client::{Cursor, ReadError};

use crate::world::*;

#[test]
fn requests_are_read_on_from_a_saved_cursor() {
    let world = World::new();
    let node = world.node();
    let rollup = world.rollup(&node);
    let reader = reader(rollup, 2);
    let mut cursor = reader.follow(&Cursor::new(&rollup)).unwrap();
    let alice = world.open(&rollup, ALICE, 10);
    world.send(&node, BOB, &rollup.deposit(alice, address(ALICE), gas(), wei(5), fee()));
    // The first is under one block, which is not deep enough.
    cursor = reader.follow(&cursor).unwrap();
    assert_eq!(cursor.open_requests(0).unwrap(), []);
    world.anvil.control("anvil_mine", &["0x1"]);
    cursor = reader.follow(&cursor).unwrap();
    assert_eq!(cursor.open_requests(0).unwrap().len(), 1);
    let saved = serde_json::to_string(&cursor).unwrap();
    world.anvil.control("anvil_mine", &["0xa"]);
    cursor = reader.follow(&serde_json::from_str(&saved).unwrap()).unwrap();
    let open = cursor.open_requests(0).unwrap();
    assert_eq!(open.iter().map(|request| request.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(open[1].from, address(BOB));
    assert_eq!(cursor.open_requests(1).unwrap().len(), 1);
    assert_eq!(reader.follow(&cursor).unwrap(), cursor);

    // A cursor that was tampered with, or is another rollup's.
    let tampered: Cursor = serde_json::from_str(&saved.replace("\"requests\":1", "\"requests\":0")).unwrap();
    assert!(matches!(reader.follow(&tampered), Err(ReadError::RequestNumber { expected: 1, got: 2 })));
    let mut value: serde_json::Value = serde_json::from_str(&saved).unwrap();
    value["hash"] = format!("0x{}", "11".repeat(32)).into();
    let tampered: Cursor = serde_json::from_value(value.clone()).unwrap();
    assert!(matches!(reader.follow(&tampered), Err(ReadError::OtherRequests { number: 2, .. })));
    value["chain_id"] = 1.into();
    let tampered: Cursor = serde_json::from_value(value).unwrap();
    assert!(matches!(reader.follow(&tampered), Err(ReadError::OtherCursor { .. })));
}

#[test]
fn a_reorganisation_below_what_was_read_is_noticed() {
    let world = World::new();
    let node = world.node();
    let rollup = world.rollup(&node);
    world.open(&rollup, ALICE, 10);
    let shallow = reader(rollup, 0);
    let cursor = shallow.follow(&Cursor::new(&rollup)).unwrap();
    assert_eq!(cursor.open_requests(0).unwrap().len(), 1);
    let block = cursor.block().unwrap();
    // The block with the deposit is replaced by one without.
    world.anvil.control("anvil_reorg", &["1", "[]"]);
    let error = shallow.follow(&cursor).unwrap_err();
    assert!(matches!(error, ReadError::Reorganised { number, .. } if number == block), "{error}");
    // Read anew, the deposit is not there.
    assert_eq!(shallow.follow(&Cursor::new(&rollup)).unwrap().open_requests(0).unwrap(), []);
}
