// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IVerifier} from "../src/IVerifier.sol";
import {Records} from "../src/Records.sol";
import {Rollup} from "../src/Rollup.sol";
import {Statement} from "../src/Statement.sol";
import {Programs} from "../src/rollup/Programs.sol";
import {LibraryHarness} from "./kit/LibraryHarness.sol";
import {Reference} from "./kit/Reference.sol";
import {vm} from "./kit/Vm.sol";

/// What Rust wrote to fixtures/vectors/l1.json, computed in Solidity.
contract VectorsTest {
    string json = vm.readFile("../fixtures/vectors/l1.json");
    LibraryHarness harness;

    /// The harness stands where the vectors' rollup is: statements name chain and contract.
    function setUp() public {
        harness = LibraryHarness(vm.parseJsonAddress(json, ".contract"));
        vm.etch(address(harness), type(LibraryHarness).runtimeCode);
        vm.chainId(vm.parseJsonUint(json, ".chain_id"));
    }

    function path(string memory list, uint256 i, string memory field) private pure returns (string memory) {
        return string.concat(".", list, "[", vm.toString(i), "].", field);
    }

    function number(string memory list, uint256 i, string memory field) private view returns (uint256) {
        return vm.parseJsonUint(json, path(list, i, field));
    }

    function word(string memory list, uint256 i, string memory field) private view returns (bytes32) {
        return vm.parseJsonBytes32(json, path(list, i, field));
    }

    function blob(string memory list, uint256 i, string memory field) private view returns (bytes memory) {
        return vm.parseJsonBytes(json, path(list, i, field));
    }

    /// An element of F_p²: 16 bytes.
    function element(string memory list, uint256 i, string memory field) private view returns (uint128) {
        return uint128(bytes16(blob(list, i, field)));
    }

    function test_constants() public {
        Rollup.Config memory config;
        (config.verifier, config.owner, config.operator) = (IVerifier(address(harness)), address(1), address(1));
        config.programs = Programs.ProgramIds(bytes32(uint256(1)), bytes32(uint256(2)));
        (config.coinScale, config.requestDeadline_s, config.programNotice_s) = (1, 1 days, 2 days);
        Rollup rollup = new Rollup(config);
        vm.assertEq(rollup.FIRST_ACCOUNT(), vm.parseJsonUint(json, ".constants.first_account"), "first account");
        vm.assertEq(rollup.ACCOUNT_LIMIT(), vm.parseJsonUint(json, ".constants.account_limit"), "account limit");
        vm.assertEq(rollup.ASSET_LIMIT(), vm.parseJsonUint(json, ".constants.asset_limit"), "asset limit");
        vm.assertEq(rollup.HELD_LIMIT(), vm.parseJsonUint(json, ".constants.held_limit"), "held limit");
    }

    function test_points_and_values() public view {
        for (uint256 i = 0; i < 7; ++i) {
            bytes memory l1 = blob("batches", i, "l1_stream");
            bytes memory l2 = blob("batches", i, "l2_stream");
            bytes32 daCommit = word("batches", i, "da_commit");
            uint128 z = element("batches", i, "z");
            vm.assertEq(harness.drawPoint(daCommit, l1, l2), z, "z");
            vm.assertEq(Reference.drawPoint(daCommit, l1, l2), z, "z, the plain way");
            vm.assertEq(harness.evaluate(z, l1), element("batches", i, "l1_value"), "L1");
            vm.assertEq(harness.evaluate(z, l2), element("batches", i, "l2_value"), "L2");
            vm.assertEq(Reference.evaluate(z, l2), element("batches", i, "l2_value"), "L2, the plain way");
        }
    }

    function test_statements_of_batches() public view {
        for (uint256 i = 0; i < 7; ++i) {
            Statement.Parts memory parts = Statement.Parts({
                programId: word("batches", i, "program_id"),
                batchNumber: uint32(number("batches", i, "batch_number")),
                operatorIndex: uint32(number("batches", i, "operator_index")),
                timestamp: uint64(number("batches", i, "timestamp")),
                preRoot: word("batches", i, "pre_root"),
                postRoot: word("batches", i, "post_root"),
                daCommit: word("batches", i, "da_commit"),
                z: element("batches", i, "z"),
                l1Value: element("batches", i, "l1_value"),
                l2Value: element("batches", i, "l2_value")
            });
            (bytes memory statement, uint256 input) = harness.statement(parts);
            vm.assertEq(statement, blob("batches", i, "statement"), "bytes");
            vm.assertEq(bytes32(input), word("batches", i, "public_input"), "public input");
        }
    }

    function test_statements_of_exits() public view {
        for (uint256 i = 0; i < 3; ++i) {
            (bytes memory statement, uint256 input) = harness.exitStatement(
                word("exits", i, "program_id"),
                uint32(number("exits", i, "account")),
                uint16(number("exits", i, "asset")),
                uint64(element("exits", i, "quanta") >> 64),
                word("exits", i, "root")
            );
            vm.assertEq(statement, blob("exits", i, "statement"), "bytes");
            vm.assertEq(bytes32(input), word("exits", i, "public_input"), "public input");
        }
    }

    function test_key_hashes() public view {
        for (uint256 i = 0; i < 4; ++i) {
            vm.assertEq(harness.keyWords(word("key_hashes", i, "hash")), blob("key_hashes", i, "words"), "words");
        }
    }

    function test_key_hashes_with_an_element_of_p_are_refused() public {
        // p, little-endian, in each of the four places; the largest element below it is among the vectors.
        bytes32 p = bytes32(bytes8(0x01000000ffffffff));
        for (uint256 i = 0; i < 4; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    Records.KeyHashElementOutOfRange.selector, i, 0xffffffff00000001, 0xffffffff00000001
                )
            );
            harness.keyWords(p >> 64 * i);
        }
    }

    function test_records_are_read() public view {
        for (uint256 i = 0; i < 10; ++i) {
            (uint8 kind, uint16 asset, uint32 account, uint32 counterparty, uint24 low, uint56 amount, uint64 quanta) =
                harness.head(blob("records", i, "bytes"));
            vm.assertEq(kind, number("records", i, "kind"), "kind");
            vm.assertEq(asset, number("records", i, "asset"), "asset");
            vm.assertEq(account, number("records", i, "account"), "account");
            vm.assertEq(counterparty, number("records", i, "counterparty"), "counterparty");
            vm.assertEq(low, number("records", i, "low"), "low");
            vm.assertEq(amount, number("records", i, "amount"), "amount");
            if (kind == Records.DEPOSIT) vm.assertEq(quanta, number("records", i, "quanta"), "quanta");
        }
    }

    function test_requests_are_written() public view {
        for (uint256 i = 0; i < 10; ++i) {
            uint256 kind = number("records", i, "kind");
            uint16 asset = uint16(number("records", i, "asset"));
            uint32 account = uint32(number("records", i, "account"));
            uint64 quanta = uint64(number("records", i, "quanta"));
            bytes32 key = word("records", i, "key_hash");
            bytes memory written;
            if (kind == Records.DEPOSIT && number("records", i, "counterparty") == 1) {
                written = Records.open(asset, account, quanta, key);
            }
            if (kind == Records.DEPOSIT && number("records", i, "counterparty") == 0) {
                written = Records.deposit(asset, account, quanta);
            }
            if (kind == Records.REKEY) written = Records.rekey(account, key);
            if (kind == Records.FORCED_EXIT) written = Records.forcedExitRequest(asset, account);
            vm.assertEq(written, blob("records", i, "queued"), "what the queue fixes");
        }
    }
}
