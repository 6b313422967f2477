// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// The contract's arithmetic once more, the plain way: what batches in these tests are made with.
library Reference {
    uint256 internal constant P = 0xffffffff00000001;

    /// Horner from (1, 0), one word after the other. Returns c0 · 2^64 + c1.
    function evaluate(uint128 z, bytes memory stream) internal pure returns (uint128) {
        (uint256 c0, uint256 c1) = (1, 0);
        (uint256 z0, uint256 z1) = (z >> 64, uint64(z));
        for (uint256 i = 0; i < stream.length; i += 7) {
            uint256 word;
            assembly {
                word := shr(200, mload(add(add(stream, 32), i)))
            }
            (c0, c1) = ((c0 * z0 + 7 * (c1 * z1) + word) % P, (c0 * z1 + c1 * z0) % P);
        }
        return uint128(c0 << 64 | c1);
    }

    function drawPoint(bytes32 daCommit, bytes memory l1, bytes memory l2) internal pure returns (uint128) {
        bytes32 drawn = keccak256(bytes.concat(daCommit, keccak256(l1), keccak256(l2)));
        uint256 first = uint64(bytes8(drawn));
        uint256 second = uint64(bytes8(drawn << 64));
        return uint128((first % P) << 64 | (second % P));
    }

    /// What a statement's proof must be of. `context` is number, operator and timestamp, 16 bytes.
    function publicInput(
        address rollup,
        bytes32 programId,
        bytes memory context,
        bytes32[3] memory digests,
        uint128[3] memory values
    ) internal view returns (uint256) {
        bytes memory statement = bytes.concat(programId, bytes8(uint64(block.chainid)), bytes20(rollup), context);
        for (uint256 i = 0; i < 3; ++i) {
            statement = bytes.concat(statement, digests[i]);
        }
        for (uint256 i = 0; i < 3; ++i) {
            statement = bytes.concat(statement, bytes16(values[i]));
        }
        require(statement.length == 220, "a statement has 220 bytes");
        return uint256(sha256(statement)) % (1 << 253);
    }
}
