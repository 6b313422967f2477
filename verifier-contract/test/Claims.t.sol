// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Accounts} from "../src/rollup/Accounts.sol";
import {Phases} from "../src/rollup/Phases.sol";
import {Token} from "../src/rollup/Token.sol";
import {CallingToken, FalseToken, FeeToken, LyingToken, MuteToken, SilentToken} from "./kit/Tokens.sol";
import {RollupTest} from "./kit/RollupTest.sol";
import {vm} from "./kit/Vm.sol";

/// An account's owner that is a contract, and does something when coins arrive.
contract Wallet {
    address private target;
    bytes private data;
    uint256 private value;
    bool public refusing;

    bool public worked;
    bytes public answer;

    function arm(address target_, bytes calldata data_, uint256 value_) external {
        (target, data, value) = (target_, data_, value_);
    }

    function refuse(bool refuse_) external {
        refusing = refuse_;
    }

    function run(address called, bytes calldata data_, uint256 value_) external returns (bytes memory) {
        (bool done, bytes memory answer_) = called.call{value: value_}(data_);
        require(done, "run");
        return answer_;
    }

    receive() external payable {
        require(!refusing, "no, thanks");
        if (target == address(0)) return;
        address called = target;
        target = address(0);
        (worked, answer) = called.call{value: value}(data);
    }
}

contract ClaimsTest is RollupTest {
    function owedCoins(address user, uint56 quanta) private returns (uint32 account) {
        account = open(user, 0, 1000);
        submit(bytes.concat(takeAll(), withdrawal(account, 0, quanta)), "");
    }

    function test_owners_claim_to_whom_they_like() public {
        uint32 alice = open(ALICE, TOKEN, 1000);
        deposit(BOB, alice, 0, 1000);
        submit(bytes.concat(takeAll(), withdrawal(alice, TOKEN, 400), withdrawal(alice, 0, 300)), "");
        address fresh = address(0xF2E5);
        vm.expectEmit(address(rollup));
        emit Accounts.Claimed(alice, TOKEN, 400, fresh);
        vm.prank(ALICE);
        rollup.claim(TOKEN, fresh);
        vm.prank(ALICE);
        rollup.claim(0, fresh);
        vm.assertEq(token.balanceOf(fresh), 400 * uint256(TOKEN_SCALE), "tokens");
        vm.assertEq(fresh.balance, 300 * uint256(COIN_SCALE), "coins");
        vm.assertEq(rollup.owed(alice, 0), 0, "nothing left");
    }

    function test_withdrawals_add_up_until_they_are_claimed() public {
        uint32 alice = owedCoins(ALICE, 300);
        submit(withdrawal(alice, 0, 200), "");
        uint256 before = BOB.balance;
        vm.prank(ALICE);
        rollup.claim(0, BOB);
        vm.assertEq(BOB.balance - before, 500 * uint256(COIN_SCALE), "both");
    }

    function test_nobody_else_claims() public {
        owedCoins(ALICE, 300);
        vm.prank(EVE);
        refuse(abi.encodeWithSelector(Accounts.NoAccount.selector, EVE));
        rollup.claim(0, EVE);
        open(EVE, 0, 1);
        vm.prank(EVE);
        refuse(abi.encodeWithSelector(Accounts.NothingOwed.selector, 65537, 0));
        rollup.claim(0, EVE);
    }

    function test_what_is_owed_is_claimed_once() public {
        owedCoins(ALICE, 300);
        vm.prank(ALICE);
        rollup.claim(0, ALICE);
        vm.prank(ALICE);
        refuse(abi.encodeWithSelector(Accounts.NothingOwed.selector, 65536, 0));
        rollup.claim(0, ALICE);
    }

    function test_a_recipient_that_refuses_leaves_everything_as_it_was() public {
        Wallet wallet = new Wallet();
        wallet.refuse(true);
        uint32 alice = owedCoins(ALICE, 300);
        vm.prank(ALICE);
        refuse(abi.encodeWithSelector(Accounts.RecipientRefused.selector, address(wallet), 300 * uint256(COIN_SCALE)));
        rollup.claim(0, address(wallet));
        vm.assertEq(rollup.owed(alice, 0), 300, "still owed");
        vm.prank(ALICE);
        rollup.claim(0, ALICE);
    }

    // Calling back

    function test_a_recipient_cannot_claim_again_while_it_is_paid() public {
        Wallet wallet = new Wallet();
        vm.deal(address(wallet), 10 ether);
        wallet.run(address(rollup), abi.encodeCall(rollup.open, (0, 1e12, KEY_HASH)), 1e12 + FEE);
        submit(bytes.concat(opened(65536, 1000), withdrawal(65536, 0, 300)), "");
        bytes[4] memory attempts = [
            abi.encodeCall(rollup.claim, (0, address(wallet))),
            abi.encodeCall(rollup.deposit, (65536, address(wallet), 0, 1e9)),
            abi.encodeCall(rollup.requestExit, (0)),
            abi.encodeCall(rollup.freeze, ())
        ];
        for (uint256 i = 0; i < 4; ++i) {
            submit(withdrawal(65536, 0, 1), "");
            wallet.arm(address(rollup), attempts[i], 0);
            uint256 before = address(wallet).balance;
            uint256 owed = rollup.owed(65536, 0);
            wallet.run(address(rollup), abi.encodeCall(rollup.claim, (0, address(wallet))), 0);
            vm.assertTrue(!wallet.worked(), "called back");
            vm.assertTrue(bytes4(wallet.answer()) == Phases.Reentered.selector, "another reason");
            vm.assertEq(address(wallet).balance - before, owed * COIN_SCALE, "paid once");
        }
    }

    function opened(uint32 account, uint56 quanta) private pure returns (bytes memory) {
        bytes memory key;
        for (uint8 i = 1; i < 5; ++i) {
            uint32 half = uint32(i) * 0x01010101;
            key = abi.encodePacked(key, uint56(half), uint56(half));
        }
        return abi.encodePacked(uint8(1), uint16(0), account, uint32(1), uint24(0), quanta, key);
    }

    // Hostile tokens

    function add(uint16 asset, address token_) private {
        vm.prank(OWNER);
        rollup.addAsset(asset, token_, 1);
    }

    function test_tokens_with_a_fee_on_transfers_are_refused() public {
        FeeToken fee = new FeeToken();
        mint(fee, ALICE, 1e6);
        add(2, address(fee));
        vm.prank(ALICE);
        refuse(abi.encodeWithSelector(Token.ReceivedOtherAmount.selector, address(fee), 1000, 990));
        rollup.open{value: FEE}(2, 1000, KEY_HASH);
    }

    function test_tokens_that_only_say_that_they_moved_are_refused() public {
        LyingToken lying = new LyingToken();
        mint(lying, ALICE, 1e6);
        add(2, address(lying));
        vm.prank(ALICE);
        refuse(abi.encodeWithSelector(Token.ReceivedOtherAmount.selector, address(lying), 1000, 0));
        rollup.open{value: FEE}(2, 1000, KEY_HASH);
    }

    function test_tokens_that_do_not_tell_balances_are_refused() public {
        MuteToken mute = new MuteToken();
        add(2, address(mute));
        vm.prank(ALICE);
        refuse(abi.encodeWithSelector(Token.NoBalance.selector, address(mute)));
        rollup.open{value: FEE}(2, 1000, KEY_HASH);
    }

    function test_tokens_that_return_nothing_work() public {
        SilentToken silent = new SilentToken();
        silent.mint(ALICE, 1e6);
        add(2, address(silent));
        vm.prank(ALICE);
        rollup.open{value: FEE}(2, 1000, KEY_HASH);
        bytes memory l1 = opened(65536, 1000);
        l1[2] = 0x02;
        submit(bytes.concat(l1, withdrawal(65536, 2, 600)), "");
        vm.prank(ALICE);
        rollup.claim(2, BOB);
        vm.assertEq(silent.balanceOf(BOB), 600, "paid");
    }

    function test_tokens_that_return_false_are_refused_both_ways() public {
        FalseToken false_ = new FalseToken();
        mint(false_, ALICE, 1e6);
        add(2, address(false_));
        false_.refuse(true);
        vm.prank(ALICE);
        vm.expectPartialRevert(Token.TransferFailed.selector);
        rollup.open{value: FEE}(2, 1000, KEY_HASH);
        false_.refuse(false);
        vm.prank(ALICE);
        rollup.open{value: FEE}(2, 1000, KEY_HASH);
        bytes memory l1 = opened(65536, 1000);
        l1[2] = 0x02;
        submit(bytes.concat(l1, withdrawal(65536, 2, 600)), "");
        false_.refuse(true);
        vm.prank(ALICE);
        vm.expectPartialRevert(Token.TransferFailed.selector);
        rollup.claim(2, ALICE);
        vm.assertEq(rollup.owed(65536, 2), 600, "still owed");
        false_.refuse(false);
        vm.prank(ALICE);
        rollup.claim(2, ALICE);
    }

    /// A token that calls its sender back could have an exit queued before the deposit that opens the account: no batch
    /// could ever take it. Or a deposit be counted twice.
    function test_a_token_that_calls_back_finds_everything_locked() public {
        CallingToken calling = new CallingToken();
        mint(calling, ALICE, 1e6);
        add(2, address(calling));
        uint32 bob = open(BOB, 0, 1000);
        bytes[8] memory attempts = [
            abi.encodeCall(rollup.open, (2, 1000, KEY_HASH)),
            abi.encodeCall(rollup.deposit, (bob, BOB, 2, 1000)),
            abi.encodeCall(rollup.requestExit, (0)),
            abi.encodeCall(rollup.rekey, (KEY_HASH)),
            abi.encodeCall(rollup.claim, (2, ALICE)),
            abi.encodeCall(rollup.freeze, ()),
            abi.encodeCall(rollup.deposit, (bob, BOB, 0, 1e9)),
            abi.encodeCall(rollup.requestExit, (2))
        ];
        for (uint256 i = 0; i < 8; ++i) {
            calling.arm(address(rollup), attempts[i]);
            vm.prank(ALICE);
            rollup.deposit{value: FEE}(bob, BOB, 2, 1000);
            vm.assertTrue(!calling.worked(), "called back");
            vm.assertTrue(bytes4(calling.answer()) == Phases.Reentered.selector, "another reason");
            vm.assertEq(held(2), 1000 * (i + 1), "counted once");
        }
    }
}
