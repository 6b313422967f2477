// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Batches} from "../src/rollup/Batches.sol";
import {RollupTest} from "./kit/RollupTest.sol";
import {vm} from "./kit/Vm.sol";

/// What things cost, pinned in snapshots/. All figures are of the call alone, with nothing warm: a transaction adds
/// 21 000 and its calldata, of which the figures that say "calldata" are.
contract GasTest is RollupTest {
    function cool() private {
        vm.cool(address(rollup));
        vm.cool(address(verifier));
        vm.cool(address(token));
    }

    /// Gas of a call by `sender`.
    function measure(address sender, uint256 value, bytes memory data) private returns (uint256 used) {
        cool();
        vm.prank(sender, sender);
        address called = address(rollup);
        bool done;
        // By hand, since the compiler would copy the data first, at this contract's expense.
        assembly {
            let before := gas()
            done := call(gas(), called, value, add(data, 32), mload(data), 0, 0)
            used := sub(before, gas())
        }
        vm.assertTrue(done, "a call failed");
    }

    function measureBatch(bytes memory l1, bytes memory l2) private returns (uint256, bytes memory data) {
        data = abi.encodeCall(rollup.submitBatch, (batchOf(l1, l2)));
        return (measure(OPERATOR, 0, data), data);
    }

    function test_gas_of_requests() public {
        // The first word of storage that each asset and owner touches is paid by others before.
        open(BOB, 0, 1000);
        open(EVE, TOKEN, 1000);
        uint256 used = measure(ALICE, 1e12 + FEE, abi.encodeCall(rollup.open, (0, 1e12, KEY_HASH)));
        vm.snapshotValue("gas", "open, coins", used);
        used = measure(BOB, 1e12 + FEE, abi.encodeCall(rollup.deposit, (65538, ALICE, 0, 1e12)));
        vm.snapshotValue("gas", "deposit, coins", used);
        used = measure(BOB, FEE, abi.encodeCall(rollup.deposit, (65538, ALICE, TOKEN, 1e12)));
        vm.snapshotValue("gas", "deposit, tokens", used);
        used = measure(ALICE, FEE, abi.encodeCall(rollup.rekey, (KEY_HASH)));
        vm.snapshotValue("gas", "rekey", used);
        used = measure(ALICE, FEE, abi.encodeCall(rollup.requestExit, (0)));
        vm.snapshotValue("gas", "requestExit", used);
    }

    function test_gas_of_claims() public {
        uint32 alice = open(ALICE, TOKEN, 1000);
        deposit(ALICE, alice, 0, 1000);
        submit(bytes.concat(takeAll(), withdrawal(alice, 0, 10), withdrawal(alice, TOKEN, 10)), "");
        vm.snapshotValue("gas", "claim, coins", measure(ALICE, 0, abi.encodeCall(rollup.claim, (0, ALICE))));
        vm.snapshotValue("gas", "claim, tokens", measure(ALICE, 0, abi.encodeCall(rollup.claim, (TOKEN, ALICE))));
    }

    function test_gas_of_an_exit() public {
        open(ALICE, 0, 1000);
        submit(takeAll(), "");
        requestExit(ALICE, 0);
        vm.warp(block.timestamp + DEADLINE + 1);
        rollup.freeze();
        bytes memory proof = proveExit(65536, 0, 1000);
        uint256 used = measure(ALICE, 0, abi.encodeCall(rollup.exit, (0, 1000, EXIT_PROGRAM, proof)));
        vm.snapshotValue("gas", "exit", used);
    }

    function test_gas_of_records_in_a_batch() public {
        uint32 alice = open(ALICE, 0, 1e9);
        submit(takeAll(), "");
        (uint256 none,) = measureBatch("", "");
        vm.snapshotValue("gas", "batch, empty", none);
        bytes memory l1;
        for (uint32 i = 0; i < 100; ++i) {
            l1 = bytes.concat(l1, withdrawal(i, 0, 1));
        }
        (uint256 used,) = measureBatch(l1, "");
        vm.snapshotValue("gas", "withdrawal in a batch, account paid for the first time", (used - none) / 100);
        (used,) = measureBatch(l1, "");
        vm.snapshotValue("gas", "withdrawal in a batch, account that is owed already", (used - none) / 100);
        for (uint32 i = 0; i < 100; ++i) {
            deposit(ALICE, alice, 0, 1);
        }
        (used,) = measureBatch(takeAll(), "");
        vm.snapshotValue("gas", "deposit in a batch", (used - none) / 100);
        for (uint32 i = 0; i < 100; ++i) {
            rekey(ALICE, KEY_HASH);
        }
        (used,) = measureBatch(takeAll(), "");
        vm.snapshotValue("gas", "record with a key in a batch", (used - none) / 100);
    }

    function test_gas_of_transfers_in_a_batch() public {
        submit("", "");
        (uint256 none, bytes memory empty) = measureBatch("", "");
        uint16[2] memory counts = [200, 5_000];
        for (uint256 i = 0; i < 2; ++i) {
            string memory name = string.concat(vm.toString(counts[i]), " transfers in a batch: ");
            (uint256 used, bytes memory data) = measureBatch("", transfers(counts[i]));
            vm.snapshotValue("gas", string.concat(name, "execution"), used);
            vm.snapshotValue("gas", string.concat(name, "calldata"), 4 * tokens(data));
            vm.snapshotValue("gas", string.concat(name, "floor of EIP-7623"), 21_000 + 10 * tokens(data));
            vm.snapshotValue("gas", string.concat(name, "execution a transfer"), (used - none) / counts[i]);
            uint256 more = 4 * (tokens(data) - tokens(empty));
            vm.snapshotValue("gas", string.concat(name, "calldata a transfer"), more / counts[i]);
        }
    }

    /// Records of three words, as payments between strangers have them.
    function transfers(uint256 count) private pure returns (bytes memory stream) {
        stream = new bytes(21 * count + 11);
        for (uint256 i = 0; i < count; ++i) {
            uint256 random = uint256(keccak256(abi.encode(i)));
            bytes memory record = abi.encodePacked(
                uint8(4),
                uint16(0),
                uint32(65536 + random % 100_000),
                uint32(65536 + (random >> 32) % 100_000),
                uint24(random >> 64),
                uint56((random >> 128) % 1e12),
                bytes11(0)
            );
            assembly {
                mstore(add(add(stream, 32), mul(i, 21)), mload(add(record, 32)))
            }
        }
        assembly {
            mstore(stream, mul(count, 21))
        }
    }

    /// Tokens of calldata (EIP-7623): one for a zero byte, four for another.
    function tokens(bytes memory data) private pure returns (uint256 sum) {
        for (uint256 i = 0; i < data.length; ++i) {
            sum += data[i] == 0 ? 1 : 4;
        }
    }
}
