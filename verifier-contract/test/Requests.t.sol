// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Records} from "../src/Records.sol";
import {Accounts} from "../src/rollup/Accounts.sol";
import {Assets} from "../src/rollup/Assets.sol";
import {Phase} from "../src/rollup/Phases.sol";
import {PriorityQueue} from "../src/rollup/PriorityQueue.sol";
import {Requests} from "../src/rollup/Requests.sol";
import {RollupTest} from "./kit/RollupTest.sol";
import {vm} from "./kit/Vm.sol";

contract RequestsTest is RollupTest {
    // open

    function test_open_gives_accounts_in_order_and_takes_the_deposit() public {
        vm.expectEmit(address(rollup));
        emit Accounts.AccountGiven(65536, ALICE);
        vm.expectEmit(address(rollup));
        emit PriorityQueue.Requested(1, 65536, ALICE, Records.open(0, 65536, 1000, KEY_HASH));
        uint32 alice = open(ALICE, 0, 1000);
        uint32 bob = open(BOB, TOKEN, 7);
        vm.assertEq(alice, 65536, "first");
        vm.assertEq(bob, 65537, "second");
        vm.assertEq(rollup.accountOf(ALICE), alice, "account of");
        vm.assertEq(rollup.ownerOf(alice), ALICE, "owner of");
        vm.assertEq(held(0), 1000, "held coins");
        vm.assertEq(held(TOKEN), 7, "held tokens");
        vm.assertEq(address(rollup).balance, 1000 * uint256(COIN_SCALE) + 2 * FEE, "coins");
        vm.assertEq(token.balanceOf(address(rollup)), 7 * uint256(TOKEN_SCALE), "tokens");
        vm.assertEq(rollup.burntFees(), 2 * FEE, "burnt");
    }

    function test_an_owner_has_one_account() public {
        open(ALICE, 0, 1000);
        vm.prank(ALICE);
        refuse(abi.encodeWithSelector(Accounts.HasAccount.selector, ALICE, 65536));
        rollup.open{value: 1e9 + FEE}(0, 1e9, KEY_HASH);
        // An owner of a genesis account, too.
        vm.prank(OPERATOR_OWNER);
        refuse(abi.encodeWithSelector(Accounts.HasAccount.selector, OPERATOR_OWNER, OPERATOR_INDEX));
        rollup.open{value: 1e9 + FEE}(0, 1e9, KEY_HASH);
    }

    function test_open_refuses_keys_that_are_no_digests() public {
        vm.prank(ALICE);
        vm.expectPartialRevert(Records.KeyHashElementOutOfRange.selector);
        rollup.open{value: 1e9 + FEE}(0, 1e9, bytes32(type(uint256).max));
    }

    function test_accounts_end_below_those_of_contracts_on_l2() public {
        // nextAccount shares a word with nothing that matters here: find it by its value.
        bool found;
        for (uint256 slot = 0; slot < 20 && !found; ++slot) {
            if (uint32(uint256(vm.load(address(rollup), bytes32(slot)))) != 65536) continue;
            vm.store(address(rollup), bytes32(slot), bytes32(uint256((1 << 23) - 1)));
            found = rollup.nextAccount() == (1 << 23) - 1;
        }
        vm.assertTrue(found, "no such word");
        vm.assertEq(open(ALICE, 0, 1000), (1 << 23) - 1, "the last");
        vm.prank(BOB);
        refuse(abi.encodeWithSelector(Accounts.NoAccountsLeft.selector, 1 << 23));
        rollup.open{value: 1e9 + FEE}(0, 1e9, KEY_HASH);
    }

    // deposit

    function test_anyone_deposits_to_an_account() public {
        uint32 alice = open(ALICE, 0, 1000);
        deposit(EVE, alice, 0, 5);
        deposit(EVE, alice, TOKEN, 6);
        deposit(EVE, OPERATOR_INDEX, 0, 7);
        submit(takeAll(), "");
        vm.assertEq(held(0), 1012, "coins");
        vm.assertEq(held(TOKEN), 6, "tokens");
    }

    function test_a_deposit_names_the_owner_it_is_for() public {
        uint32 alice = open(ALICE, 0, 1000);
        vm.prank(BOB);
        refuse(abi.encodeWithSelector(Requests.OtherOwner.selector, alice, EVE, ALICE));
        rollup.deposit{value: 1e9 + FEE}(alice, EVE, 0, 1e9);
    }

    function test_deposits_to_accounts_that_were_not_given_out_are_refused() public {
        uint32[5] memory accounts = [uint32(0), OPERATOR_INDEX + 1, 65536, 1 << 23, type(uint32).max];
        for (uint256 i = 0; i < 5; ++i) {
            vm.prank(BOB);
            refuse(abi.encodeWithSelector(Requests.OtherOwner.selector, accounts[i], address(0), address(0)));
            rollup.deposit{value: 1e9 + FEE}(accounts[i], address(0), 0, 1e9);
        }
    }

    // amounts

    function test_amounts_are_positive_numbers_of_quanta(uint256 amount) public {
        amount %= 1e18;
        if (amount % COIN_SCALE == 0) amount = 0;
        vm.prank(ALICE);
        refuse(abi.encodeWithSelector(Assets.NotWholeQuanta.selector, 0, amount, COIN_SCALE));
        rollup.open{value: amount + FEE}(0, amount, KEY_HASH);
    }

    function test_what_is_held_stays_below_2_to_the_62() public {
        uint64 most = (1 << 62) - 1;
        uint32 alice = open(ALICE, TOKEN, most - 1);
        vm.prank(BOB);
        refuse(abi.encodeWithSelector(Assets.TooMuchHeld.selector, TOKEN, 2, most - 1, most + 1));
        rollup.deposit{value: FEE}(alice, ALICE, TOKEN, 2 * uint256(TOKEN_SCALE));
        deposit(BOB, alice, TOKEN, 1);
        vm.assertEq(held(TOKEN), most, "held");
        // What left makes room.
        submit(bytes.concat(takeAll(), withdrawal(alice, TOKEN, 2)), "");
        deposit(BOB, alice, TOKEN, 2);
        uint256 amount = uint256(TOKEN_SCALE) << 64;
        vm.prank(BOB);
        refuse(abi.encodeWithSelector(Assets.TooMuchHeld.selector, TOKEN, 1 << 64, most, most + 1));
        rollup.deposit{value: FEE}(alice, ALICE, TOKEN, amount);
    }

    function test_large_deposits_keep_all_their_bits(uint64 quanta) public {
        quanta = quanta % ((1 << 62) - 1) + 1;
        open(ALICE, TOKEN, quanta);
        submit(takeAll(), "");
        vm.assertEq(held(TOKEN), quanta, "held");
    }

    function test_the_fee_comes_with_each_request_and_nothing_else() public {
        uint32 alice = open(ALICE, 0, 1000);
        uint256[3] memory values = [uint256(0), FEE - 1, FEE + 1];
        for (uint256 i = 0; i < 3; ++i) {
            uint256 value = values[i];
            bytes memory reason = abi.encodeWithSelector(Assets.WrongValue.selector, FEE, value);
            vm.prank(ALICE);
            refuse(reason);
            rollup.requestExit{value: value}(0);
            vm.prank(ALICE);
            refuse(reason);
            rollup.rekey{value: value}(KEY_HASH);
            vm.prank(BOB);
            refuse(reason);
            rollup.deposit{value: value}(alice, ALICE, TOKEN, TOKEN_SCALE);
            vm.prank(BOB);
            refuse(abi.encodeWithSelector(Assets.WrongValue.selector, FEE + 1e9, value + 1e9));
            rollup.deposit{value: value + 1e9}(alice, ALICE, 0, 1e9);
            vm.prank(BOB);
            refuse(abi.encodeWithSelector(Assets.WrongValue.selector, FEE + 1e9, value + 1e9));
            rollup.open{value: value + 1e9}(0, 1e9, KEY_HASH);
        }
    }

    function test_unknown_assets_are_refused() public {
        open(ALICE, 0, 1000);
        uint16[4] memory unknown = [uint16(2), 2047, 2048, type(uint16).max];
        for (uint256 i = 0; i < 4; ++i) {
            bytes memory reason = abi.encodeWithSelector(Assets.UnknownAsset.selector, unknown[i]);
            vm.prank(BOB);
            refuse(reason);
            rollup.open{value: FEE}(unknown[i], 1e9, KEY_HASH);
            vm.prank(BOB);
            refuse(reason);
            rollup.deposit{value: FEE}(65536, ALICE, unknown[i], 1e9);
            vm.prank(ALICE);
            refuse(reason);
            rollup.requestExit{value: FEE}(unknown[i]);
        }
    }

    // rekey and requestExit

    function test_only_owners_of_accounts_set_keys_and_ask_for_exits() public {
        open(ALICE, 0, 1000);
        address[2] memory others = [EVE, address(0)];
        for (uint256 i = 0; i < 2; ++i) {
            vm.deal(others[i], 1 ether);
            vm.prank(others[i]);
            refuse(abi.encodeWithSelector(Accounts.NoAccount.selector, others[i]));
            rollup.rekey{value: FEE}(KEY_HASH);
            vm.prank(others[i]);
            refuse(abi.encodeWithSelector(Accounts.NoAccount.selector, others[i]));
            rollup.requestExit{value: FEE}(0);
        }
    }

    function test_owners_of_genesis_accounts_ask_for_exits() public {
        requestExit(OPERATOR_OWNER, 0);
        rekey(OPERATOR_OWNER, KEY_HASH);
        submit(takeAll(), "");
    }

    function test_rekey_refuses_keys_that_are_no_digests() public {
        open(ALICE, 0, 1000);
        vm.prank(ALICE);
        vm.expectPartialRevert(Records.KeyHashElementOutOfRange.selector);
        rollup.rekey{value: FEE}(bytes32(type(uint256).max));
    }

    // pause and phases

    function test_pausing_stops_new_deposits_only() public {
        uint32 alice = open(ALICE, 0, 1000);
        vm.prank(OWNER);
        rollup.pauseDeposits(true);
        vm.prank(BOB);
        vm.expectRevert(Requests.DepositsArePaused.selector);
        rollup.open{value: 1e9 + FEE}(0, 1e9, KEY_HASH);
        vm.prank(BOB);
        vm.expectRevert(Requests.DepositsArePaused.selector);
        rollup.deposit{value: 1e9 + FEE}(alice, ALICE, 0, 1e9);
        rekey(ALICE, KEY_HASH);
        requestExit(ALICE, 0);
        submit(bytes.concat(take(0), take(0), take(1000)), "");
        vm.prank(ALICE);
        rollup.claim(0, ALICE);
        vm.prank(OWNER);
        rollup.pauseDeposits(false);
        deposit(BOB, alice, 0, 1);
    }

    // the queue

    function test_the_queue_has_an_end_and_batches_make_room() public {
        open(ALICE, 0, 1000);
        // As if 32 766 more requests were open.
        bytes32 word = vm.load(address(rollup), progressSlot());
        setMade(32767);
        vm.prank(ALICE);
        refuse(abi.encodeWithSelector(PriorityQueue.QueueFull.selector, 32767));
        rollup.requestExit{value: FEE}(0);
        vm.prank(BOB);
        refuse(abi.encodeWithSelector(PriorityQueue.QueueFull.selector, 32767));
        rollup.open{value: 1e9 + FEE}(0, 1e9, KEY_HASH);
        vm.store(address(rollup), progressSlot(), word);
        requestExit(ALICE, 0);
    }

    /// The ring of words turns several times: what is stored where must not depend on it.
    function test_the_queue_goes_round() public {
        open(ALICE, 0, 1000);
        submit(take(0), "");
        setCounts(32766);
        for (uint256 i = 0; i < 3; ++i) {
            requestExit(ALICE, 0);
            rekey(ALICE, KEY_HASH);
            submit(bytes.concat(take(0), take(0)), "");
        }
        (,, uint64 taken,) = progress();
        vm.assertEq(taken, 32772, "taken");
    }

    function test_the_oldest_request_has_the_deadline() public {
        vm.assertEq(rollup.oldestDeadline(), type(uint64).max, "none");
        open(ALICE, 0, 1000);
        uint256 first = block.timestamp + DEADLINE;
        vm.assertEq(rollup.oldestDeadline(), first, "first");
        vm.warp(block.timestamp + 100);
        requestExit(ALICE, 0);
        vm.assertEq(rollup.oldestDeadline(), first, "still the first");
        submit(take(0), "");
        vm.assertEq(rollup.oldestDeadline(), first + 100, "second");
        vm.warp(first + 100);
        vm.assertTrue(!rollup.overdue(), "in time");
        vm.warp(first + 101);
        vm.assertTrue(rollup.overdue(), "late");
    }

    /// The word with phase, batch number and counters.
    function progressSlot() private view returns (bytes32) {
        for (uint256 slot = 0; slot < 20; ++slot) {
            uint256 word = uint256(vm.load(address(rollup), bytes32(slot)));
            (,,,, uint64 taken, uint64 made) = rollup.progress();
            if (uint8(word) == uint8(Phase.Live) && uint64(word >> 112) == taken && uint64(word >> 176) == made) {
                if (word >> 176 != 0) return bytes32(slot);
            }
        }
        revert("no such word");
    }

    function setMade(uint64 made) private {
        bytes32 slot = progressSlot();
        uint256 word = uint256(vm.load(address(rollup), slot));
        word = word & ~(uint256(type(uint64).max) << 176) | uint256(made) << 176;
        vm.store(address(rollup), slot, bytes32(word));
    }

    /// As if `count` requests had been made and taken, with the words that they would have left.
    function setCounts(uint64 count) private {
        bytes32 slot = progressSlot();
        uint256 word = uint256(vm.load(address(rollup), slot));
        word = word & ~(uint256(type(uint128).max) << 112) | uint256(count) << 112 | uint256(count) << 176;
        vm.store(address(rollup), slot, bytes32(word));
    }
}
