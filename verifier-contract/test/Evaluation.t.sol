// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Evaluation} from "../src/Evaluation.sol";
import {LibraryHarness} from "./kit/LibraryHarness.sol";
import {Reference} from "./kit/Reference.sol";
import {vm} from "./kit/Vm.sol";

contract EvaluationTest {
    LibraryHarness harness = new LibraryHarness();

    /// A stream of pseudorandom words.
    function stream(uint256 words, uint256 seed) private pure returns (bytes memory bytes_) {
        bytes_ = new bytes(7 * words);
        for (uint256 i = 0; i < bytes_.length; i += 7) {
            bytes32 random = keccak256(abi.encode(seed, i));
            for (uint256 j = 0; j < 7; ++j) {
                bytes_[i + j] = random[j];
            }
        }
    }

    function test_is_horner_for_every_length_around_a_block() public view {
        uint128 z = uint128(uint256(0xfedcba9876543210) << 64 | 0x123456789abcdef);
        for (uint256 words = 0; words < 100; ++words) {
            bytes memory bytes_ = stream(words, words);
            vm.assertEq(harness.evaluate(z, bytes_), Reference.evaluate(z, bytes_), "another value");
        }
    }

    function test_is_horner_at_any_point(uint64 z0, uint64 z1, uint8 words, uint256 seed) public view {
        uint128 z = uint128((z0 % Reference.P) << 64 | z1 % Reference.P);
        bytes memory bytes_ = stream(words, seed);
        vm.assertEq(harness.evaluate(z, bytes_), Reference.evaluate(z, bytes_), "another value");
    }

    /// The largest sums there can be: every word and every part of every power as large as they get.
    function test_sums_do_not_overflow() public view {
        bytes memory bytes_ = new bytes(7 * 95);
        for (uint256 i = 0; i < bytes_.length; ++i) {
            bytes_[i] = 0xff;
        }
        uint64[4] memory parts = [uint64(Reference.P) - 1, 0, 1, uint64(Reference.P) / 2];
        for (uint256 i = 0; i < 16; ++i) {
            uint128 z = uint128(parts[i / 4]) << 64 | parts[i % 4];
            vm.assertEq(harness.evaluate(z, bytes_), Reference.evaluate(z, bytes_), "another value");
        }
    }

    function test_points_are_drawn_below_p(bytes32 daCommit, bytes memory l1, bytes memory l2) public view {
        uint128 z = harness.drawPoint(daCommit, l1, l2);
        vm.assertEq(z, Reference.drawPoint(daCommit, l1, l2), "another point");
        vm.assertTrue(z >> 64 < Reference.P && uint64(z) < Reference.P, "not canonical");
    }

    function test_leading_zeros_count() public view {
        bytes memory none;
        uint128 z = 5 << 64 | 3;
        vm.assertEq(harness.evaluate(z, none), 1 << 64, "nothing is (1, 0)");
        vm.assertEq(harness.evaluate(z, new bytes(7)), z, "a zero word is z");
    }

    function test_refuses_parts_of_words() public {
        vm.expectRevert(abi.encodeWithSelector(Evaluation.StreamLength.selector, 8, 7));
        harness.evaluate(1, new bytes(8));
    }

    function test_refuses_memory_that_is_taken() public {
        harness.evaluateAfter(0x600 - 0x80 - 0x20);
        vm.expectRevert(abi.encodeWithSelector(Evaluation.MemoryTaken.selector, 0x600, 0x620));
        harness.evaluateAfter(0x600 - 0x80 - 0x20 + 1);
    }

    function test_gas_a_word() public {
        uint16[2] memory transactions = [200, 5_000];
        for (uint256 i = 0; i < 2; ++i) {
            uint256 words = 3 * uint256(transactions[i]);
            bytes memory l2 = stream(words, i);
            uint256 used = harness.gasOfEvaluation(bytes32(0), "", l2);
            string memory name =
                string.concat("hashing and evaluating ", vm.toString(words), " words, hundredths a word");
            vm.snapshotValue("gas", name, 100 * used / words);
            vm.assertLe(used, 50 * words, "the budget");
        }
    }
}
