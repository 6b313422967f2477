// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// What proofs are of: 220 bytes, hashed to one number that is below the order of the groups.
///
///     program id 32 | chain id 8 | contract 20 | batch number 4 | operator's account 4 | timestamp 8
///     | pre root 32 | post root 32 | daCommit 32 | z 16 | value of the L1 stream 16 | value of the L2 stream 16
///
/// All numbers are big-endian. Roots and daCommit are digests of the state's hash, which the contract never looks into.
/// The wrap circuit hashes the same bytes, and the Rust twin is `Statement` in this project's crate.
///
/// The program id names what the proof verifies in the end: the program of batches or that of exits. It is inside the
/// hash, so a proof of one is none of the other.
library Statement {
    /// A statement. Chain id and contract are not in it: they are always this chain's and the caller's.
    struct Parts {
        bytes32 programId;
        uint32 batchNumber;
        uint32 operatorIndex;
        uint64 timestamp;
        bytes32 preRoot;
        bytes32 postRoot;
        bytes32 daCommit;
        /// An element of F_p², c0 · 2^64 + c1, as the two values are.
        uint128 z;
        uint128 l1Value;
        uint128 l2Value;
    }

    /// The public input: sha256 of the statement, its top three bits cleared so that it is below 2^253 < r.
    function publicInput(Parts memory parts) internal view returns (uint256) {
        return uint256(sha256(encode(parts))) & (1 << 253) - 1;
    }

    /// The statement of the exit program: that `account` may take `quanta` of `asset` out of the state `root`. The
    /// fields of a batch carry it; no batch has the number 0.
    function exit(bytes32 programId, uint32 account, uint16 asset, uint64 quanta, bytes32 root)
        internal
        pure
        returns (Parts memory parts)
    {
        parts.programId = programId;
        parts.operatorIndex = account;
        parts.timestamp = asset;
        parts.preRoot = root;
        parts.z = uint128(quanta) << 64;
    }

    /// The 220 bytes.
    function encode(Parts memory parts) internal view returns (bytes memory) {
        bytes memory context = abi.encodePacked(
            uint64(block.chainid), address(this), parts.batchNumber, parts.operatorIndex, parts.timestamp
        );
        return abi.encodePacked(
            parts.programId,
            context,
            parts.preRoot,
            parts.postRoot,
            parts.daCommit,
            parts.z,
            parts.l1Value,
            parts.l2Value
        );
    }
}
