//! Reading on from where it stopped, and noticing what is gone.

use std::time::Duration;

use serde_json::Value;
use sheaf_verifier_contract::client::{Cursor, Node, NodeError, ReadError, Reader, ReaderSettings, Retry, Rollup};

use crate::proxy;
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

/// The requests of a rollup with two, as a node tells them whose answers are changed.
fn told_by(change: fn(&str, &Value, Value) -> Value) -> Result<usize, ReadError> {
    let world = World::new();
    let node = world.node();
    let rollup = world.rollup(&node);
    world.open(&rollup, ALICE, 10);
    world.open(&rollup, BOB, 20);
    let retry = Retry { attempts: 2, pause: Duration::from_millis(1) };
    let node = Node::connect(&proxy::start(&world.anvil.url, change), retry).unwrap();
    let rollup = Rollup::at(&node, rollup.address());
    let settings = ReaderSettings { confirmations: 0, page_blocks: 1000, first_block: 0 };
    let cursor = Reader::new(rollup, settings).follow(&Cursor::new(&rollup))?;
    Ok(cursor.open_requests(0)?.len())
}

#[test]
fn a_node_that_gives_few_blocks_at_once_is_asked_for_fewer() {
    let few = told_by(|method, parameters, answer| {
        let number = |text: &Value| u64::from_str_radix(text.as_str().unwrap().trim_start_matches("0x"), 16).unwrap();
        let filter = &parameters[0];
        match method == "eth_getLogs" && number(&filter["toBlock"]) > number(&filter["fromBlock"]) + 1 {
            true => proxy::error(&answer, -32005, "query returned more than 10000 results"),
            false => answer,
        }
    });
    assert_eq!(few, Ok(2));
}

#[test]
fn a_node_that_tells_other_requests_is_not_believed() {
    let missing = told_by(|method, _, mut answer| {
        if method == "eth_getLogs" {
            answer["result"].as_array_mut().unwrap().pop();
        }
        answer
    });
    assert!(matches!(missing, Err(ReadError::Missing { events: 1, contract: 2, .. })), "{missing:?}");
    let first_missing = told_by(|method, _, mut answer| {
        if method == "eth_getLogs" {
            answer["result"].as_array_mut().unwrap().remove(0);
        }
        answer
    });
    assert!(matches!(first_missing, Err(ReadError::RequestNumber { expected: 1, got: 2 })), "{first_missing:?}");
    // The amount of the first: the words' last byte before the key.
    let changed = told_by(|method, _, mut answer| {
        if method == "eth_getLogs" {
            let data = answer["result"][0]["data"].as_str().unwrap().to_owned();
            let at = 2 + 2 * (64 + 20);
            answer["result"][0]["data"] = format!("{}ff{}", &data[..at], &data[at + 2..]).into();
        }
        answer
    });
    assert!(matches!(changed, Err(ReadError::OtherRequests { number: 2, .. })), "{changed:?}");
    let garbage = told_by(|method, _, mut answer| {
        if method == "eth_getLogs" {
            answer["result"][0]["data"] = "0x1234".into();
        }
        answer
    });
    assert!(matches!(garbage, Err(ReadError::Event { .. })), "{garbage:?}");
    let nonsense = told_by(|method, _, mut answer| {
        if method == "eth_getLogs" {
            answer["result"] = "nonsense".into();
        }
        answer
    });
    assert!(matches!(nonsense, Err(ReadError::Node(NodeError::Strange { .. }))), "{nonsense:?}");
}
