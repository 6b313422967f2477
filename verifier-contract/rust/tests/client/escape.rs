//! After a freeze: deposits come back, and the last state's balances leave with a proof.

use sheaf_circuits::amount::Quanta;
use sheaf_circuits::hash::Digest;
use sheaf_verifier_contract::client::{submit, Cursor, Phase, SendError, U256};
use sheaf_verifier_contract::ExitProof;

use crate::world::*;

#[test]
fn everybody_leaves_after_a_freeze() {
    let world = World::new();
    let node = world.node();
    let rollup = world.rollup(&node);
    let alice = world.open(&rollup, ALICE, 1000);
    let sealed = batch(&rollup, all_requests(&rollup), vec![]);
    let mut operator = world.sender(&node, OPERATOR);
    submit(&mut operator, &rollup, &reader(rollup, 0), &sealed).unwrap();
    drop(operator);
    let bob = world.open(&rollup, BOB, 30);

    let early = world.sender(&node, ALICE).send(&rollup.freeze()).unwrap_err();
    assert!(early.to_string().contains("NotOverdue"), "{early}");
    let deadline = rollup.oldest_deadline().unwrap().unwrap();
    world.anvil.control("evm_setNextBlockTimestamp", &[&(deadline + 1).to_string()]);
    world.anvil.control("evm_mine", &[]);
    let frozen = world.send(&node, ALICE, &rollup.freeze());
    assert_eq!(rollup.frozen(&frozen).unwrap(), (1, sealed.post_root.to_bytes().into()));
    assert_eq!(rollup.progress().unwrap().phase, Phase::Frozen);

    // Bob's deposit was in no batch.
    let cursor = reader(rollup, 0).follow(&Cursor::new(&rollup)).unwrap();
    let requests = cursor.open_requests(0).unwrap();
    assert_eq!(requests.len(), 1);
    let credited = world.send(&node, ALICE, &rollup.reclaim(requests[0].number, &requests[0].record));
    assert_eq!(rollup.credited(&credited), Some((bob, gas(), 30)));
    let before = node.balance(address(BOB)).unwrap();
    let claimed = world.send(&node, BOB, &rollup.claim(gas(), address(BOB)));
    assert_eq!(node.balance(address(BOB)).unwrap(), before + wei(30) - claimed.fee);

    // Alice's balance is in the last state.
    let mut exit = ExitProof {
        domain: rollup.domain(),
        account: alice,
        asset: gas(),
        amount: Quanta::new(1000).unwrap(),
        program_id: PROGRAMS.exit,
        root: Digest::from_bytes(&rollup.state_root().unwrap()).unwrap(),
        proof: [0; 256],
    };
    exit.proof = crate::simulator::prove(exit.statement().public_input());
    let other = ExitProof { amount: Quanta::new(999).unwrap(), ..exit.clone() };
    let refused = world.sender(&node, ALICE).send(&rollup.exit(&other)).unwrap_err();
    assert!(matches!(&refused, SendError::Reverted { refusal, .. } if refusal.name() == Some("ProofRejected")));
    let left = world.send(&node, ALICE, &rollup.exit(&exit));
    assert_eq!(rollup.credited(&left), Some((alice, gas(), 1000)));
    assert_eq!(rollup.owed(alice, gas()).unwrap(), U256::from(1000));
    world.send(&node, ALICE, &rollup.claim(gas(), address(ALICE)));
    // Only burnt fees are left.
    assert_eq!(node.balance(rollup.address()).unwrap(), fee() * U256::from(2));
}
