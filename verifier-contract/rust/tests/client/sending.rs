//! A transaction is sent once: after crashes, when it is stuck, when its block is gone.

use std::cell::RefCell;
use std::time::Duration;

use alloy::eips::BlockId;
use sheaf_verifier_contract::client::{Call, Event, Node, Policy, SendError, U256};

use crate::world::*;

/// Coins for Bob.
fn payment() -> Call {
    Call { label: "pay Bob".into(), to: Some(address(BOB)), value: wei(7), data: Default::default() }
}

fn nonce(node: &Node) -> u64 {
    node.nonce(address(ALICE), BlockId::latest()).unwrap()
}

#[test]
fn a_crash_at_any_moment_sends_once() {
    let world = World::new();
    let node = world.node();
    let before = node.balance(address(BOB)).unwrap();
    // Each step in a sender of its own: what is not in the journal is lost between them.
    world.sender(&node, ALICE).prepare(&payment()).unwrap();
    assert_eq!(nonce(&node), 0, "nothing is sent before it is in the journal");
    world.sender(&node, ALICE).prepare(&payment()).unwrap();
    world.sender(&node, ALICE).broadcast(payment().id()).unwrap();
    // The node mines it in its own time.
    while nonce(&node) == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let first = world.sender(&node, ALICE).send(&payment()).unwrap();
    let again = world.sender(&node, ALICE).send(&payment()).unwrap();
    assert_eq!((first.hash, first.block), (again.hash, again.block));
    assert_eq!(nonce(&node), 1);
    assert_eq!(node.balance(address(BOB)).unwrap(), before + wei(7));

    // Once its result was told, the same call is another transaction.
    world.sender(&node, ALICE).forget(first.id).unwrap();
    let second = world.send(&node, ALICE, &payment());
    assert_ne!(second.hash, first.hash);
    assert_eq!(node.balance(address(BOB)).unwrap(), before + wei(14));
}

#[test]
fn what_was_begun_before_is_sent_before() {
    let world = World::new();
    let node = world.node();
    world.sender(&node, ALICE).prepare(&payment()).unwrap();
    let other = Call { value: wei(1), ..payment() };
    // The other one has the next nonce, and could not be mined without the first.
    let mined = world.sender(&node, ALICE).send(&other).unwrap();
    assert_eq!(nonce(&node), 2);
    let first = world.sender(&node, ALICE).send(&payment()).unwrap();
    assert!(first.block <= mined.block);
    assert_eq!(nonce(&node), 2);
}

#[test]
fn a_stuck_transaction_is_replaced_with_higher_fees() {
    let world = World::with(&["--no-mining"]);
    let node = world.node();
    let events = RefCell::new(Vec::new());
    let mut sender = world.sender(&node, ALICE).observed(|_, event| {
        let replaced = matches!(event, Event::Replaced { .. });
        events.borrow_mut().push(event.clone());
        if replaced {
            world.anvil.control("evm_mine", &[]);
        }
    });
    let mined = sender.send(&payment()).unwrap();
    drop(sender);
    let events = events.into_inner();
    let Some(Event::Sent { hash: first, nonce: 0 }) = events.first() else { panic!("{events:?}") };
    assert_ne!(mined.hash, *first);
    assert!(
        events.iter().any(|event| matches!(event, Event::Replaced { hash, .. } if *hash == mined.hash)),
        "{events:?}"
    );
    assert_eq!(nonce(&node), 1);
}

#[test]
fn fees_have_a_bound() {
    let world = World::with(&["--no-mining"]);
    let node = world.node();
    let events = RefCell::new(Vec::new());
    let bound = Policy { max_fee_per_gas: 2_000_000_000, give_up_after: Duration::from_millis(600), ..policy() };
    let mut sender =
        world.sender_with(&node, ALICE, bound).observed(|_, event| events.borrow_mut().push(event.clone()));
    let error = sender.send(&payment()).unwrap_err();
    assert!(matches!(error, SendError::NotConfirmed { .. }), "{error}");
    assert!(events.borrow().contains(&Event::AtMaxFee { max_fee_per_gas: 2_000_000_000 }), "{events:?}");
    drop(sender);
    let bound = Policy { max_fee_per_gas: 5, ..policy() };
    let other = Call { value: wei(1), ..payment() };
    let error = world.sender_with(&node, ALICE, bound).send(&other).unwrap_err();
    assert!(matches!(error, SendError::TooExpensive { max: 5, .. }), "{error}");
}

#[test]
fn a_dropped_transaction_is_sent_again_with_its_nonce() {
    let world = World::with(&["--no-mining"]);
    let node = world.node();
    let mut sender = world.sender(&node, ALICE);
    sender.prepare(&payment()).unwrap();
    sender.broadcast(payment().id()).unwrap();
    world.anvil.control("anvil_dropAllTransactions", &[]);
    drop(sender);
    world.anvil.control("evm_setAutomine", &["true"]);
    world.sender(&node, ALICE).send(&payment()).unwrap();
    assert_eq!(nonce(&node), 1);
}

#[test]
fn a_block_that_is_gone_is_noticed_and_the_transaction_sent_again() {
    let world = World::new();
    let node = world.node();
    world.anvil.control("anvil_mine", &["0x3"]);
    let events = RefCell::new(Vec::new());
    let deep = Policy { confirmations: 3, replace_after: Duration::from_secs(10), ..policy() };
    let mut gone = false;
    let state = RefCell::new(&mut gone);
    let mut sender = world.sender_with(&node, ALICE, deep).observed(|_, event| {
        events.borrow_mut().push(event.clone());
        match event {
            // Its block and one before are replaced by empty ones.
            Event::Mined { .. } if !**state.borrow() => {
                **state.borrow_mut() = true;
                world.anvil.control("anvil_reorg", &["2", "[]"]);
            }
            Event::Mined { .. } => drop(world.anvil.control("evm_mine", &[])),
            _ => {}
        }
    });
    let mined = sender.send(&payment()).unwrap();
    drop(sender);
    let events = events.into_inner();
    assert!(events.iter().any(|event| matches!(event, Event::Reorganised { .. })), "{events:?}");
    assert!(node.head().unwrap().number + 1 - mined.block >= 3);
    assert_eq!(nonce(&node), 1);
}

#[test]
fn a_nonce_that_another_transaction_took_is_told() {
    let world = World::new();
    let node = world.node();
    world.sender(&node, ALICE).prepare(&payment()).unwrap();
    // The same key, without our journal.
    let other = world.folder.path().join("other.json");
    let call = Call { value: wei(1), ..payment() };
    sheaf_verifier_contract::client::Sender::new(&node, wallet(ALICE), &other, policy()).unwrap().send(&call).unwrap();
    let error = world.sender(&node, ALICE).send(&payment()).unwrap_err();
    assert!(matches!(error, SendError::NonceTaken { nonce: 0, .. }), "{error}");
    // The next try begins anew.
    world.sender(&node, ALICE).send(&payment()).unwrap();
    assert_eq!(nonce(&node), 2);
}

#[test]
fn what_cannot_be_paid_or_is_too_large_is_not_sent() {
    let world = World::new();
    let node = world.node();
    let all = Call { value: U256::MAX, ..payment() };
    let error = world.sender(&node, ALICE).send(&all).unwrap_err();
    assert!(matches!(error, SendError::Funds { .. }), "{error}");
    let nearly = Call { value: node.balance(address(ALICE)).unwrap() - U256::from(1), ..payment() };
    let error = world.sender(&node, ALICE).send(&nearly).unwrap_err();
    assert!(matches!(error, SendError::Funds { .. } | SendError::Node(_)), "{error}");
    let small = Policy { gas_limit: 20_000, ..policy() };
    let error = world.sender_with(&node, ALICE, small).send(&payment()).unwrap_err();
    assert!(matches!(error, SendError::TooMuchGas { estimate: 21_000, limit: 20_000, .. }), "{error}");
    assert_eq!(nonce(&node), 0);
}
