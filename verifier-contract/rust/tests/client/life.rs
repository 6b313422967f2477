//! From deployment to claim, to the wei.

use std::path::Path;

use alloy::sol;
use alloy::sol_types::SolCall;
use sheaf_circuits::account::AssetId;
use sheaf_circuits::transaction::Transaction;
use sheaf_verifier_contract::client::{submit, Call, Cursor, Phase, Submitted, U256};

use crate::anvil::token_code;
use crate::world::*;

sol! {
    function mint(address to, uint256 amount) external;
}

#[test]
fn money_comes_in_and_goes_out() {
    let world = World::new();
    let node = world.node();
    let rollup = world.deployed(&node);
    let token_id = AssetId::new(1).unwrap();
    let code = token_code(Path::new(env!("CARGO_TARGET_TMPDIR")));
    let create = Call { label: "make a token".into(), to: None, value: U256::ZERO, data: code.into() };
    let token = world.send(&node, OPERATOR, &create).created.unwrap();
    let mint = mintCall { to: address(BOB), amount: U256::from(5000) };
    let mint = Call { label: "mint".into(), to: Some(token), value: U256::ZERO, data: mint.abi_encode().into() };
    world.send(&node, OPERATOR, &mint);

    // Setup: an asset, an owner of a genesis account, funds for it.
    world.send(&node, OPERATOR, &rollup.add_asset(token_id, token, 10));
    let operator_account = sheaf_circuits::account::AccountIndex::new(OPERATOR_INDEX).unwrap();
    world.send(&node, OPERATOR, &rollup.list_genesis_accounts(&[(operator_account, address(OPERATOR))]));
    world.send(&node, OPERATOR, &rollup.fund_genesis(gas(), wei(7)));
    assert_eq!(rollup.progress().unwrap().phase, Phase::Setup);
    world.send(&node, OPERATOR, &rollup.launch());
    assert_eq!(rollup.account_of(address(OPERATOR)).unwrap(), Some(operator_account));
    assert_eq!(rollup.account_of(address(ALICE)).unwrap(), None);

    // Alice opens with coins, Bob with tokens, and Alice deposits for Bob.
    let before = node.balance(address(ALICE)).unwrap();
    let opening = rollup.open(gas(), wei(1000), digest(101), fee());
    let opened = world.send(&node, ALICE, &opening);
    let (request, alice) = rollup.requested(&opened).unwrap();
    assert_eq!((request, alice.get()), (1, 65_536));
    assert_eq!(node.balance(address(ALICE)).unwrap(), before - wei(1000) - fee() - opened.fee);
    let approval = rollup.approval(token, address(BOB), U256::from(300)).unwrap().unwrap();
    world.send(&node, BOB, &approval);
    assert_eq!(rollup.approval(token, address(BOB), U256::from(300)).unwrap(), None);
    let opening = rollup.open(token_id, U256::from(300), digest(102), fee());
    let bob = rollup.requested(&world.send(&node, BOB, &opening)).unwrap().1;
    assert_eq!(rollup.token_balance(token, address(BOB)).unwrap(), U256::from(4700));
    world.send(&node, ALICE, &rollup.deposit(bob, address(BOB), gas(), wei(50), fee()));
    world.send(&node, BOB, &rollup.rekey(digest(103), fee()));
    world.send(&node, BOB, &rollup.request_exit(token_id, fee()));
    assert_eq!(rollup.asset(gas()).unwrap().unwrap().held, 1057);
    assert_eq!(rollup.asset(token_id).unwrap().unwrap().token, Some(token));

    // The requests come back from L1 as what they ask for.
    let cursor = reader(rollup, 0).follow(&Cursor::new(&rollup)).unwrap();
    let requests = cursor.open_requests(0).unwrap();
    let kinds: Vec<&str> = requests.iter().map(|request| request.transaction.kind().name()).collect();
    assert_eq!(kinds, ["deposit", "deposit", "deposit", "rekey", "forced_exit"]);
    let Transaction::Deposit(first) = &requests[0].transaction else { panic!("{:?}", requests[0]) };
    assert_eq!((first.account, first.amount.get(), first.opens), (alice, 1000, Some(digest(101))));

    // A batch takes all of them, and Alice withdraws.
    let mut l1 = all_requests(&rollup);
    l1.extend(withdrawal(alice, gas(), 400));
    let sealed = batch(&rollup, l1, vec![9; 21]);
    let mut operator = world.sender(&node, OPERATOR);
    let submitted = submit(&mut operator, &rollup, &reader(rollup, 0), &sealed).unwrap();
    assert!(matches!(submitted, Submitted::Accepted(_)));
    let progress = rollup.progress().unwrap();
    assert_eq!((progress.batch_number, progress.requests_taken, progress.requests_made), (1, 5, 5));
    assert_eq!(rollup.state_root().unwrap(), sealed.post_root.to_bytes());
    let next = reader(rollup, 0).follow(&cursor).unwrap();
    assert!(next.open_requests(0).unwrap().is_empty());

    // What was owed is paid.
    assert_eq!(rollup.owed(alice, gas()).unwrap(), U256::from(400));
    let before = node.balance(address(ALICE)).unwrap();
    let claimed = world.send(&node, ALICE, &rollup.claim(gas(), address(ALICE)));
    assert_eq!(rollup.claimed(&claimed), Some((alice, U256::from(400))));
    assert_eq!(node.balance(address(ALICE)).unwrap(), before + wei(400) - claimed.fee);
    let held = node.balance(rollup.address()).unwrap();
    assert_eq!(held, wei(1057 - 400) + fee() * U256::from(5));

    // The batch comes back from L1 as it was sent.
    let mut batches = Vec::new();
    let found = reader(rollup, 0).batches(1, |batch| {
        batches.push(batch);
        Ok::<_, sheaf_verifier_contract::client::ReadError>(())
    });
    found.unwrap();
    assert_eq!(batches.len(), 1);
    assert_eq!(batches[0].batch, sealed);
    assert_eq!(reader(rollup, 0).batch_of(batches[0].transaction).unwrap(), batches[0]);
}
