// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Evaluation} from "../../src/Evaluation.sol";
import {Head, Records} from "../../src/Records.sol";
import {Statement} from "../../src/Statement.sol";

/// The libraries' functions from outside, with streams in calldata. It has no state, so its code can stand at any
/// address.
contract LibraryHarness {
    function drawPoint(bytes32 daCommit, bytes calldata l1, bytes calldata l2) external pure returns (uint128) {
        (uint256 z0, uint256 z1) = Evaluation.drawPoint(daCommit, l1, l2);
        return uint128(z0 << 64 | z1);
    }

    function evaluate(uint128 z, bytes calldata stream) external pure returns (uint128) {
        (uint128 l1, uint128 l2) = Evaluation.evaluate(z >> 64, uint64(z), stream, stream);
        require(l1 == l2, "the same stream has one value");
        return l2;
    }

    /// As if the caller had allocated memory where the powers lie.
    function evaluateAfter(uint256 allocated) external pure {
        bytes memory taken = new bytes(allocated);
        taken[0] = 0x01;
        Evaluation.evaluate(1, 2, msg.data[0:0], msg.data[0:0]);
    }

    /// Gas of evaluating both streams at a point that is drawn, as a batch does it.
    function gasOfEvaluation(bytes32 daCommit, bytes calldata l1, bytes calldata l2) external view returns (uint256) {
        uint256 before = gasleft();
        (uint256 z0, uint256 z1) = Evaluation.drawPoint(daCommit, l1, l2);
        Evaluation.evaluate(z0, z1, l1, l2);
        return before - gasleft();
    }

    function statement(Statement.Parts memory parts) external view returns (bytes memory, uint256) {
        return (Statement.encode(parts), Statement.publicInput(parts));
    }

    function exitStatement(bytes32 programId, uint32 account, uint16 asset, uint64 quanta, bytes32 root)
        external
        view
        returns (bytes memory, uint256)
    {
        Statement.Parts memory parts = Statement.exit(programId, account, asset, quanta, root);
        return (Statement.encode(parts), Statement.publicInput(parts));
    }

    function keyWords(bytes32 keyHash) external pure returns (bytes memory) {
        return Records.keyWords(keyHash);
    }

    function head(bytes calldata record) external pure returns (uint8, uint16, uint32, uint32, uint24, uint56, uint64) {
        Head h = Head.wrap(uint256(bytes32(record)));
        return (
            Records.kind(h),
            Records.asset(h),
            Records.account(h),
            Records.counterparty(h),
            Records.low(h),
            Records.amount(h),
            Records.depositQuanta(h)
        );
    }
}
