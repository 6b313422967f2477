// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Records} from "../src/Records.sol";
import {Rollup} from "../src/Rollup.sol";
import {Accounts} from "../src/rollup/Accounts.sol";
import {Assets} from "../src/rollup/Assets.sol";
import {Batches} from "../src/rollup/Batches.sol";
import {Escape} from "../src/rollup/Escape.sol";
import {PriorityQueue} from "../src/rollup/PriorityQueue.sol";
import {Programs} from "../src/rollup/Programs.sol";
import {Roles} from "../src/rollup/Roles.sol";
import {RollupTest} from "./kit/RollupTest.sol";
import {vm} from "./kit/Vm.sol";

/// The life of a rollup as an indexer sees it: whatever changes is in an event.
contract EventsTest is RollupTest {
    bytes32 constant NEXT_BATCH = bytes32(uint256(0xb2));
    bytes32 constant NEXT_EXIT = bytes32(uint256(0xe2));

    /// The next event of the rollup is the one that is emitted after this.
    function expect() private {
        vm.expectEmit(address(rollup));
    }

    function test_setup() public {
        rollup = new Rollup(config());
        expect();
        emit Assets.AssetAdded(TOKEN, address(token), TOKEN_SCALE);
        vm.prank(OWNER);
        rollup.addAsset(TOKEN, address(token), TOKEN_SCALE);
        (uint32[] memory accounts, address[] memory owners) = (new uint32[](1), new address[](1));
        (accounts[0], owners[0]) = (3, ALICE);
        expect();
        emit Accounts.AccountGiven(3, ALICE);
        vm.prank(OWNER);
        rollup.listGenesisAccounts(accounts, owners);
        expect();
        emit Accounts.GenesisFunded(0, 5);
        vm.prank(ALICE);
        rollup.fundGenesis{value: 5e9}(0, 5e9);
        expect();
        emit Accounts.Launched(1);
        vm.prank(OWNER);
        rollup.launch();
    }

    function test_roles() public {
        expect();
        emit Roles.OperatorChanged(EVE);
        vm.prank(OWNER);
        rollup.setOperator(EVE);
        expect();
        emit Roles.OwnerProposed(BOB);
        vm.prank(OWNER);
        rollup.proposeOwner(BOB);
        expect();
        emit Roles.OwnerChanged(BOB);
        vm.prank(BOB);
        rollup.acceptOwnership();
        expect();
        emit Assets.DepositsPaused(true);
        vm.prank(BOB);
        rollup.pauseDeposits(true);
    }

    function test_programs() public {
        uint64 due = uint64(block.timestamp) + NOTICE;
        expect();
        emit Programs.ProgramsProposed(NEXT_BATCH, NEXT_EXIT, due);
        vm.prank(OWNER);
        rollup.proposePrograms(NEXT_BATCH, NEXT_EXIT);
        expect();
        emit Programs.ProposedProgramsCancelled(NEXT_BATCH, NEXT_EXIT);
        vm.prank(OWNER);
        rollup.cancelPrograms();
        vm.prank(OWNER);
        rollup.proposePrograms(NEXT_BATCH, NEXT_EXIT);
        vm.warp(due);
        expect();
        emit Programs.ProgramsChanged(NEXT_BATCH, NEXT_EXIT);
        vm.prank(OWNER);
        rollup.changePrograms();
    }

    function test_requests_batches_and_the_way_out() public {
        uint32 alice = 65536;
        expect();
        emit PriorityQueue.Requested(1, alice, ALICE, Records.open(0, alice, 1000, KEY_HASH));
        open(ALICE, 0, 1000);
        Batches.Batch memory batch = batchOf(bytes.concat(take(0), withdrawal(alice, 0, 10)), "");
        expect();
        emit Assets.Credited(alice, 0, 10);
        expect();
        emit Batches.BatchAccepted(1, GENESIS_ROOT, batch.postRoot, batch.daCommit, batch.timestamp, 1);
        submit(batch);
        expect();
        emit Accounts.Claimed(alice, 0, 10, BOB);
        vm.prank(ALICE);
        rollup.claim(0, BOB);
        expect();
        emit PriorityQueue.Requested(2, alice, BOB, Records.deposit(TOKEN, alice, 7));
        deposit(BOB, alice, TOKEN, 7);
        expect();
        emit PriorityQueue.Requested(3, alice, ALICE, Records.rekey(alice, KEY_HASH));
        rekey(ALICE, KEY_HASH);
        expect();
        emit PriorityQueue.Requested(4, alice, ALICE, Records.forcedExitRequest(0, alice));
        requestExit(ALICE, 0);
        vm.prank(OWNER);
        rollup.proposePrograms(NEXT_BATCH, NEXT_EXIT);
        vm.warp(block.timestamp + DEADLINE + 1);
        expect();
        emit Programs.ProposedProgramsCancelled(NEXT_BATCH, NEXT_EXIT);
        expect();
        emit Escape.FrozenForGood(1, batch.postRoot);
        rollup.freeze();
        bytes memory proof = proveExit(alice, 0, 990);
        expect();
        emit Assets.Credited(alice, 0, 990);
        expect();
        emit Escape.Exited(alice, 0, 990);
        vm.prank(ALICE);
        rollup.exit(0, 990, EXIT_PROGRAM, proof);
        expect();
        emit Assets.Credited(alice, TOKEN, 7);
        expect();
        emit Escape.Reclaimed(2, alice, TOKEN, 7);
        rollup.reclaim(2, requests[1]);
    }
}
