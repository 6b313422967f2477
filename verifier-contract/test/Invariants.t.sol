// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {World} from "./kit/World.sol";
import {vm} from "./kit/Vm.sol";

/// What holds after any number of moves of users, operator and attackers, before and after a freeze.
contract InvariantsTest {
    /// How the test runner is told what to call.
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    World world;

    function setUp() public {
        world = new World();
        world.setUp();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(world);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(world), moves());
    }

    function moves() private pure returns (bytes4[] memory list) {
        list = new bytes4[](11);
        list[0] = bytes4(keccak256("open(uint256,uint16,uint64)"));
        list[1] = bytes4(keccak256("deposit(uint256,uint256,uint16,uint64)"));
        list[2] = bytes4(keccak256("rekey(uint256)"));
        list[3] = bytes4(keccak256("requestExit(uint256,uint16)"));
        list[4] = World.pay.selector;
        list[5] = World.batch.selector;
        list[6] = World.claim.selector;
        list[7] = World.exit.selector;
        list[8] = World.reclaim.selector;
        list[9] = World.freeze.selector;
        list[10] = World.attack.selector;
    }

    /// Moves at random, to see that each is really made: some, a freeze, and more.
    function test_every_move_is_made() public {
        for (uint256 i = 0; i < 300; ++i) {
            bytes32 seed = keccak256(abi.encode(i));
            bytes4 move = moves()[i == 200 ? 9 : uint256(seed) % 9];
            uint256[5] memory arguments;
            for (uint256 j = 0; j < 5; ++j) {
                arguments[j] = i == 200 ? 0 : uint8(seed[j]);
            }
            (bool done,) = address(world).call(abi.encodePacked(move, arguments));
            vm.assertTrue(done, "a move reverted");
        }
        for (uint256 i = 0; i < 10; ++i) {
            vm.assertTrue(world.moves(moves()[i]) > 0, vm.toString(i));
        }
        invariant_the_contract_has_what_it_owes();
        invariant_the_contract_counts_as_the_model_does();
        invariant_nothing_is_lost_or_made();
        invariant_roots_move_by_verified_batches_only();
    }

    function invariant_the_contract_has_what_it_owes() public view {
        vm.assertEq(world.contractCoins(), owes(0), "coins");
        vm.assertEq(world.contractTokens(), owes(1), "tokens");
    }

    /// In the state, in the queue, or claimable.
    function owes(uint16 asset) private view returns (uint256) {
        return (world.inState(asset) + world.queued(asset) + world.claimable(asset)) * world.scaleOf(asset);
    }

    function invariant_the_contract_counts_as_the_model_does() public view {
        for (uint16 asset = 0; asset < 2; ++asset) {
            vm.assertEq(world.heldOf(asset), world.inState(asset) + world.queued(asset), "held");
            vm.assertEq(world.owedByContract(asset), world.claimable(asset), "owed");
        }
    }

    function invariant_nothing_is_lost_or_made() public view {
        for (uint16 asset = 0; asset < 2; ++asset) {
            vm.assertEq(world.paidIn(asset), world.paidOut(asset) + owes(asset), "in = out + here");
        }
    }

    function invariant_roots_move_by_verified_batches_only() public view {
        vm.assertEq(world.root(), world.lastRoot(), "root");
    }
}
