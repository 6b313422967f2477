// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Records} from "../src/Records.sol";
import {Accounts} from "../src/rollup/Accounts.sol";
import {Assets} from "../src/rollup/Assets.sol";
import {Batches} from "../src/rollup/Batches.sol";
import {Escape} from "../src/rollup/Escape.sol";
import {Phase, Phases} from "../src/rollup/Phases.sol";
import {PriorityQueue} from "../src/rollup/PriorityQueue.sol";
import {Programs} from "../src/rollup/Programs.sol";
import {RollupTest} from "./kit/RollupTest.sol";
import {vm} from "./kit/Vm.sol";

contract EscapeTest is RollupTest {
    uint32 alice;
    uint32 bob;

    /// Alice has 1000 quanta of coins and 50 of tokens in the state, Bob 2000 of coins. In the queue are, from request
    /// 4: a deposit of 70 tokens for Bob, by Eve; a key for Alice; an exit of Alice; an account for Eve, with 5.
    function setUp() public override {
        super.setUp();
        alice = open(ALICE, 0, 1000);
        bob = open(BOB, 0, 2000);
        deposit(BOB, alice, TOKEN, 50);
        submit(takeAll(), "");
        deposit(EVE, bob, TOKEN, 70);
        rekey(ALICE, KEY_HASH);
        requestExit(ALICE, 0);
        open(EVE, 0, 5);
    }

    function freeze() private {
        vm.warp(block.timestamp + DEADLINE + 1);
        vm.prank(EVE);
        rollup.freeze();
    }

    function wrongPhase() private pure returns (bytes memory) {
        return abi.encodeWithSelector(Phases.WrongPhase.selector, Phase.Live, Phase.Frozen);
    }

    // freeze

    function test_anyone_freezes_past_a_deadline_and_not_before() public {
        uint256 deadline = block.timestamp + DEADLINE;
        vm.warp(deadline);
        refuse(abi.encodeWithSelector(Escape.NotOverdue.selector, deadline, deadline));
        rollup.freeze();
        vm.warp(deadline + 1);
        vm.expectEmit(address(rollup));
        emit Escape.FrozenForGood(1, rollup.stateRoot());
        vm.prank(EVE);
        rollup.freeze();
    }

    function test_an_operator_that_serves_requests_is_not_frozen() public {
        vm.warp(block.timestamp + DEADLINE + 1);
        // Late, but before anyone froze.
        submit(takeAll(), "");
        refuse(abi.encodeWithSelector(Escape.NotOverdue.selector, type(uint64).max, block.timestamp));
        rollup.freeze();
    }

    function test_batches_that_leave_requests_out_do_not_help_the_operator() public {
        vm.warp(block.timestamp + DEADLINE + 1);
        submit("", "");
        rollup.freeze();
    }

    function test_a_frozen_rollup_takes_nothing_more() public {
        Batches.Batch memory batch = batchOf("", "");
        freeze();
        vm.prank(OPERATOR, OPERATOR);
        refuse(wrongPhase());
        rollup.submitBatch(batch);
        vm.prank(address(0xF2E5));
        refuse(wrongPhase());
        rollup.open(0, 1e9, KEY_HASH);
        vm.prank(EVE);
        refuse(wrongPhase());
        rollup.deposit{value: 1e9 + FEE}(alice, ALICE, 0, 1e9);
        vm.prank(ALICE);
        refuse(wrongPhase());
        rollup.rekey{value: FEE}(KEY_HASH);
        vm.prank(ALICE);
        refuse(wrongPhase());
        rollup.requestExit{value: FEE}(0);
        refuse(wrongPhase());
        rollup.freeze();
    }

    function test_the_owner_can_do_nothing_to_a_frozen_rollup() public {
        freeze();
        vm.prank(OWNER);
        refuse(wrongPhase());
        rollup.proposePrograms(bytes32(uint256(1)), bytes32(uint256(2)));
        vm.prank(OWNER);
        refuse(wrongPhase());
        rollup.changePrograms();
        vm.prank(OWNER);
        refuse(wrongPhase());
        rollup.addAsset(2, address(rollup), 1);
        vm.prank(OWNER);
        refuse(abi.encodeWithSelector(Phases.WrongPhase.selector, Phase.Setup, Phase.Frozen));
        rollup.launch();
        vm.prank(OWNER);
        refuse(abi.encodeWithSelector(Phases.WrongPhase.selector, Phase.Setup, Phase.Frozen));
        rollup.listGenesisAccounts(new uint32[](0), new address[](0));
    }

    function test_what_was_owed_before_is_claimed_after() public {
        submit(bytes.concat(take(0), withdrawal(alice, 0, 10)), "");
        freeze();
        uint256 before = ALICE.balance;
        vm.prank(ALICE);
        rollup.claim(0, ALICE);
        vm.assertEq(ALICE.balance - before, 10 * uint256(COIN_SCALE), "paid");
    }

    // exit

    function exit(address user, uint16 asset, uint64 quanta) private {
        bytes memory proof = proveExit(rollup.accountOf(user), asset, quanta);
        vm.prank(user);
        rollup.exit(asset, quanta, EXIT_PROGRAM, proof);
    }

    function test_everybody_takes_out_what_the_last_state_gives_them() public {
        freeze();
        exit(ALICE, 0, 1000);
        exit(ALICE, TOKEN, 50);
        exit(BOB, 0, 2000);
        uint256 before = BOB.balance;
        vm.prank(BOB);
        rollup.claim(0, BOB);
        vm.assertEq(BOB.balance - before, 2000 * uint256(COIN_SCALE), "paid");
        vm.assertEq(rollup.owed(alice, TOKEN), 50, "tokens");
        vm.assertEq(held(0), 5, "the deposit that no batch took");
    }

    function test_no_exit_before_the_freeze() public {
        bytes memory proof = proveExit(alice, 0, 1000);
        vm.prank(ALICE);
        refuse(abi.encodeWithSelector(Phases.WrongPhase.selector, Phase.Frozen, Phase.Live));
        rollup.exit(0, 1000, EXIT_PROGRAM, proof);
    }

    function test_an_exit_counts_once_however_it_is_proven() public {
        freeze();
        exit(ALICE, 0, 400);
        bytes memory proof = proveExit(alice, 0, 600);
        vm.prank(ALICE);
        refuse(abi.encodeWithSelector(Escape.AlreadyExited.selector, alice, 0));
        rollup.exit(0, 600, EXIT_PROGRAM, proof);
    }

    function test_an_exit_of_nothing_counts_too() public {
        freeze();
        exit(ALICE, 0, 0);
        vm.assertTrue(rollup.exited(alice, 0), "exited");
    }

    function test_exits_that_were_not_proven_are_refused() public {
        freeze();
        bytes memory proof = proveExit(alice, 0, 1000);
        requireRejected(ALICE, 0, 1001, proof);
        requireRejected(ALICE, TOKEN, 1000, proof);
        requireRejected(BOB, 0, 1000, proof);
        proof[255] ^= 0x01;
        vm.prank(ALICE);
        (bool done,) = address(rollup).call{gas: 3e6}(abi.encodeCall(rollup.exit, (0, 1000, EXIT_PROGRAM, proof)));
        vm.assertTrue(!done, "accepted");
    }

    function requireRejected(address user, uint16 asset, uint64 quanta, bytes memory proof) private {
        vm.prank(user);
        vm.expectPartialRevert(Programs.ProofRejected.selector);
        rollup.exit(asset, quanta, EXIT_PROGRAM, proof);
    }

    function test_a_proof_of_another_state_is_refused() public {
        bytes memory proof = proveExit(alice, 0, 1000);
        submit(take(0), "");
        freeze();
        requireRejected(ALICE, 0, 1000, proof);
    }

    function test_a_proof_of_the_program_of_batches_is_refused() public {
        freeze();
        bytes memory proof = proveExit(alice, 0, 1000);
        vm.prank(ALICE);
        refuse(abi.encodeWithSelector(Programs.WrongProgram.selector, EXIT_PROGRAM, BATCH_PROGRAM));
        rollup.exit(0, 1000, BATCH_PROGRAM, proof);
    }

    function test_who_has_no_account_cannot_exit() public {
        freeze();
        bytes memory proof = proveExit(0, 0, 1000);
        address stranger = address(0xF2E5);
        vm.prank(stranger);
        refuse(abi.encodeWithSelector(Accounts.NoAccount.selector, stranger));
        rollup.exit(0, 1000, EXIT_PROGRAM, proof);
    }

    function test_assets_that_l1_does_not_know_have_no_exit() public {
        freeze();
        bytes memory proof = proveExit(alice, 2048, 1);
        vm.prank(ALICE);
        refuse(abi.encodeWithSelector(Assets.UnknownAsset.selector, 2048));
        rollup.exit(2048, 1, EXIT_PROGRAM, proof);
    }

    function test_exits_take_no_more_than_is_held() public {
        freeze();
        bytes memory proof = proveExit(alice, 0, 3006);
        vm.prank(ALICE);
        refuse(abi.encodeWithSelector(Assets.TooLittleHeld.selector, 0, 3006, 3005));
        rollup.exit(0, 3006, EXIT_PROGRAM, proof);
    }

    // reclaim

    function test_deposits_that_no_batch_took_go_to_the_accounts_they_were_for() public {
        freeze();
        vm.prank(EVE);
        rollup.reclaim(4, requests[3]);
        rollup.reclaim(7, requests[6]);
        vm.assertEq(rollup.owed(bob, TOKEN), 70, "Bob's, though Eve paid");
        vm.assertEq(rollup.owed(65538, 0), 5, "of the account that was never opened");
        vm.prank(BOB);
        rollup.claim(TOKEN, BOB);
        vm.prank(EVE);
        rollup.claim(0, EVE);
        vm.assertEq(held(TOKEN), 50, "Alice's");
    }

    function test_a_deposit_is_reclaimed_once() public {
        freeze();
        rollup.reclaim(4, requests[3]);
        refuse(abi.encodeWithSelector(Escape.AlreadyReclaimed.selector, 4));
        rollup.reclaim(4, requests[3]);
    }

    function test_no_reclaim_before_the_freeze() public {
        refuse(abi.encodeWithSelector(Phases.WrongPhase.selector, Phase.Frozen, Phase.Live));
        rollup.reclaim(4, requests[3]);
    }

    function test_deposits_that_batches_took_are_not_reclaimed() public {
        submit(take(0), "");
        freeze();
        for (uint64 number = 0; number <= 4; ++number) {
            refuse(abi.encodeWithSelector(PriorityQueue.RequestNotOpen.selector, number, 4, 7));
            rollup.reclaim(number, requests[number == 0 ? 0 : number - 1]);
        }
        refuse(abi.encodeWithSelector(PriorityQueue.RequestNotOpen.selector, 8, 4, 7));
        rollup.reclaim(8, requests[6]);
        refuse(abi.encodeWithSelector(PriorityQueue.RequestNotOpen.selector, type(uint64).max, 4, 7));
        rollup.reclaim(type(uint64).max, requests[6]);
    }

    function test_only_deposits_are_reclaimed() public {
        freeze();
        refuse(abi.encodeWithSelector(Escape.NotADeposit.selector, 5, Records.REKEY));
        rollup.reclaim(5, requests[4]);
        refuse(abi.encodeWithSelector(Escape.NotADeposit.selector, 6, Records.FORCED_EXIT));
        rollup.reclaim(6, requests[5]);
    }

    function test_every_changed_bit_of_a_reclaimed_record_is_refused(uint256 bit) public {
        freeze();
        bytes memory record = requests[6];
        bit %= record.length * 8;
        record[bit / 8] ^= bytes1(uint8(1 << bit % 8));
        vm.expectPartialRevert(PriorityQueue.OtherRequest.selector);
        rollup.reclaim(7, record);
    }

    function test_records_of_other_lengths_are_refused() public {
        freeze();
        vm.expectPartialRevert(PriorityQueue.OtherRequest.selector);
        rollup.reclaim(4, "");
        vm.expectPartialRevert(PriorityQueue.OtherRequest.selector);
        rollup.reclaim(4, bytes.concat(requests[3], hex"00"));
        vm.expectPartialRevert(PriorityQueue.OtherRequest.selector);
        rollup.reclaim(4, bytes.concat(requests[3], requests[4]));
    }

    function test_a_record_of_another_request_is_refused() public {
        freeze();
        vm.expectPartialRevert(PriorityQueue.OtherRequest.selector);
        rollup.reclaim(4, requests[6]);
    }

    /// Everybody gets out, and nothing stays but the fees that were burnt.
    function test_after_all_exits_only_burnt_fees_are_left() public {
        freeze();
        exit(ALICE, 0, 1000);
        exit(ALICE, TOKEN, 50);
        exit(BOB, 0, 2000);
        rollup.reclaim(4, requests[3]);
        rollup.reclaim(7, requests[6]);
        address[3] memory users = [ALICE, BOB, EVE];
        for (uint256 i = 0; i < 3; ++i) {
            for (uint16 asset = 0; asset < 2; ++asset) {
                if (rollup.owed(rollup.accountOf(users[i]), asset) == 0) continue;
                vm.prank(users[i]);
                rollup.claim(asset, users[i]);
            }
        }
        vm.assertEq(token.balanceOf(address(rollup)), 0, "tokens");
        vm.assertEq(address(rollup).balance, rollup.burntFees(), "coins");
    }
}
