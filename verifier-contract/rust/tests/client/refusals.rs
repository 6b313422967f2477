//! What the contract or the node refuses is told in words, before anything is sent where that is possible.

use std::time::Duration;

use sheaf_circuits::account::{AccountIndex, AssetId};
use sheaf_verifier_contract::client::{
    submit, Misfit, Node, NodeError, Retry, Rollup, SendError, SubmitError, Submitted, U256,
};
use sheaf_verifier_contract::L1Batch;

use crate::world::*;

fn misfit(world: &World, rollup: &Rollup<'_>, batch: &L1Batch) -> Misfit {
    let mut sender = world.sender(rollup.node(), OPERATOR);
    match submit(&mut sender, rollup, &reader(*rollup, 0), batch) {
        Err(SubmitError::Misfit(misfit)) => misfit,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_batch_that_does_not_fit_is_told_with_both_values() {
    let world = World::new();
    let node = world.node();
    let setup = world.deployed(&node);
    assert!(matches!(misfit(&world, &setup, &batch(&setup, vec![], vec![])), Misfit::Phase { .. }));
    world.send(&node, OPERATOR, &setup.launch());
    let rollup = setup;
    let good = batch(&rollup, vec![], vec![1; 21]);
    let with = |change: fn(&mut L1Batch)| {
        let mut changed = good.clone();
        change(&mut changed);
        misfit(&world, &rollup, &proven(changed))
    };
    assert!(matches!(with(|b| b.context.domain.chain_id = 1), Misfit::Chain { batch: 1, node: 31337 }));
    assert!(matches!(with(|b| b.context.domain.contract.0[0] ^= 1), Misfit::Contract { .. }));
    assert!(matches!(with(|b| b.context.batch_number = 2), Misfit::Number { batch: 2, next: 1 }));
    assert!(matches!(with(|b| b.pre_root = digest(77)), Misfit::Root { .. }));
    assert!(matches!(with(|b| b.program_id[31] ^= 1), Misfit::Program { .. }));
    let other = with(|b| b.context.operator = AccountIndex::new(6).unwrap());
    assert!(matches!(other, Misfit::Operator { batch: 6, contract: OPERATOR_INDEX }));
    assert!(matches!(with(|b| b.context.timestamp_s -= 100_000), Misfit::Timestamp { .. }));
    assert!(matches!(with(|b| b.context.timestamp_s += 1000), Misfit::Timestamp { .. }));

    // What only the contract can tell.
    let mut forged = good.clone();
    forged.post_root = digest(78);
    let mut sender = world.sender(&node, OPERATOR);
    let error = submit(&mut sender, &rollup, &reader(rollup, 0), &forged).unwrap_err();
    let SubmitError::Send(SendError::Reverted { refusal, hash: None, .. }) = &error else { panic!("{error}") };
    assert_eq!(refusal.name(), Some("ProofRejected"));
    drop(sender);
    let mut stranger = world.sender(&node, ALICE);
    let error = submit(&mut stranger, &rollup, &reader(rollup, 0), &good).unwrap_err();
    assert!(error.to_string().contains("NotTheOperator(expected 0x"), "{error}");
    assert_eq!(rollup.progress().unwrap().batch_number, 0);
}

#[test]
fn a_batch_that_is_there_already_is_a_success_and_another_is_not() {
    let world = World::new();
    let node = world.node();
    let rollup = world.rollup(&node);
    let good = batch(&rollup, vec![], vec![1; 21]);
    let submitted = |batch: &L1Batch| {
        let mut sender = world.sender(&node, OPERATOR);
        let submitted = submit(&mut sender, &rollup, &reader(rollup, 0), batch);
        if let Ok(Submitted::Accepted(mined)) = &submitted {
            sender.forget(mined.id).unwrap();
        }
        submitted
    };
    let Submitted::Accepted(mined) = submitted(&good).unwrap() else { panic!("it was not there") };
    for _ in 0..2 {
        let Submitted::Already { transaction, block } = submitted(&good).unwrap() else { panic!("it is there") };
        assert_eq!((transaction, block), (mined.hash, mined.block));
    }
    let other = proven(L1Batch { post_root: digest(5), ..good.clone() });
    assert!(matches!(misfit(&world, &rollup, &other), Misfit::OtherBatch { number: 1, .. }));
    // The first is found below later ones, too.
    submitted(&batch(&rollup, vec![], vec![])).unwrap();
    assert!(matches!(submitted(&good).unwrap(), Submitted::Already { .. }));
}

#[test]
fn what_a_contract_refuses_is_told_by_name() {
    let world = World::new();
    let node = world.node();
    let rollup = world.rollup(&node);
    let told = |who: usize, call| {
        let error = world.sender(&node, who).send(&call).unwrap_err();
        match &error {
            SendError::Reverted { refusal, .. } => refusal.name().unwrap().to_owned(),
            _ => panic!("{error}"),
        }
    };
    let unknown = AssetId::new(9).unwrap();
    assert_eq!(told(ALICE, rollup.open(gas(), wei(1), digest(1), U256::ZERO)), "WrongValue");
    assert_eq!(told(ALICE, rollup.open(gas(), U256::from(1), digest(1), fee())), "NotWholeQuanta");
    assert_eq!(told(ALICE, rollup.request_exit(gas(), fee())), "NoAccount");
    assert_eq!(told(ALICE, rollup.claim(gas(), address(ALICE))), "NoAccount");
    assert_eq!(told(ALICE, rollup.freeze()), "NotOverdue");
    assert_eq!(told(ALICE, rollup.launch()), "NotTheOwner");
    let alice = world.open(&rollup, ALICE, 10);
    assert_eq!(told(ALICE, rollup.open(gas(), wei(1), digest(1), fee())), "HasAccount");
    assert_eq!(told(BOB, rollup.deposit(alice, address(BOB), gas(), wei(1), fee())), "OtherOwner");
    assert_eq!(told(ALICE, rollup.request_exit(unknown, fee())), "UnknownAsset");
    assert_eq!(told(ALICE, rollup.reclaim(1, &[1; 21])), "WrongPhase");
}

#[test]
fn a_node_that_is_not_there_or_of_another_kind_is_told() {
    let retry = Retry { attempts: 3, pause: Duration::from_millis(1) };
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("http://{}/secret", socket.local_addr().unwrap());
    drop(socket);
    let error = Node::connect(&closed, retry).err().unwrap();
    assert!(matches!(error, NodeError::Unreachable { attempts: 3, .. }), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
    assert!(matches!(Node::connect("ws://localhost", retry), Err(NodeError::Url { .. })));
    assert!(matches!(Node::connect("nowhere", retry), Err(NodeError::Url { .. })));

    let world = World::new();
    let node = world.node();
    let nothing = Rollup::at(&node, address(BOB));
    assert!(!nothing.exists().unwrap());
    assert!(matches!(nothing.progress(), Err(NodeError::Strange { .. })));
}
