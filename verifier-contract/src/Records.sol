// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// The first three words of a record, in the upper 21 bytes. A value and not a struct, since a batch has thousands, and
/// memory is never given back.
type Head is uint256;

/// The records of the L1 stream, as `transaction::Record` in the `circuits` crate writes them: words of seven bytes,
/// big-endian.
///
///     word 0   kind 8 | asset 16 | account 32
///     word 1   counterparty 32 | low 24
///     word 2   amount 56
///     word 3…  key hash: of each of four elements, its upper 32 bits, then its lower 32 bits
///
/// | kind | counterparty | low | amount | key hash | in the priority queue |
/// | --- | --- | --- | --- | --- | --- |
/// | Deposit | 1 if it opens the account | bits 56…61 of the amount | bits 0…55 of it | if it opens | all of it |
/// | Rekey | 0 | 0 | 0 | yes | all of it |
/// | ForcedExit | 0 | 0 | what was moved | | all but the amount |
/// | Withdraw | 0 | fee | what was moved | | not there |
///
/// The decoding half checks nothing: what it reads is bound by a proof, or by the queue.
library Records {
    uint8 internal constant DEPOSIT = 1;
    uint8 internal constant REKEY = 2;
    uint8 internal constant FORCED_EXIT = 3;
    uint8 internal constant WITHDRAW = 5;

    /// Bytes of the three words that every record has.
    uint256 internal constant HEAD_LENGTH = 21;
    /// Bytes of a record with a key hash.
    uint256 internal constant KEYED_LENGTH = 77;
    /// Bytes of a forced exit that are known when it is asked for: all before the amount.
    uint256 internal constant FORCED_EXIT_REQUEST_LENGTH = 14;

    /// p = 2^64 − 2^32 + 1: elements of a key hash are below it.
    uint64 private constant ORDER = 0xffffffff00000001;

    /// An element of a key hash is not below p. Likely cause: a hash of another kind, or its bytes in another order.
    error KeyHashElementOutOfRange(uint256 position, uint64 element, uint64 limit);

    function kind(Head head) internal pure returns (uint8) {
        return uint8(Head.unwrap(head) >> 248);
    }

    function asset(Head head) internal pure returns (uint16) {
        return uint16(Head.unwrap(head) >> 232);
    }

    function account(Head head) internal pure returns (uint32) {
        return uint32(Head.unwrap(head) >> 200);
    }

    function counterparty(Head head) internal pure returns (uint32) {
        return uint32(Head.unwrap(head) >> 168);
    }

    function low(Head head) internal pure returns (uint24) {
        return uint24(Head.unwrap(head) >> 144);
    }

    function amount(Head head) internal pure returns (uint56) {
        return uint56(Head.unwrap(head) >> 88);
    }

    /// A deposit's amount in quanta, put together from both words.
    function depositQuanta(Head head) internal pure returns (uint64) {
        return uint64(low(head)) << 56 | amount(head);
    }

    /// A deposit into an open account.
    function deposit(uint16 asset_, uint32 account_, uint64 quanta) internal pure returns (bytes memory) {
        return abi.encodePacked(DEPOSIT, asset_, account_, uint32(0), uint24(quanta >> 56), uint56(quanta));
    }

    /// A deposit that opens an account with a key.
    function open(uint16 asset_, uint32 account_, uint64 quanta, bytes32 keyHash) internal pure returns (bytes memory) {
        return
            abi.encodePacked(
                DEPOSIT, asset_, account_, uint32(1), uint24(quanta >> 56), uint56(quanta), keyWords(keyHash)
            );
    }

    /// Another key for an account.
    function rekey(uint32 account_, bytes32 keyHash) internal pure returns (bytes memory) {
        return abi.encodePacked(REKEY, uint16(0), account_, uint56(0), uint56(0), keyWords(keyHash));
    }

    /// A forced exit as it is asked for: the words before the amount.
    function forcedExitRequest(uint16 asset_, uint32 account_) internal pure returns (bytes memory) {
        return abi.encodePacked(FORCED_EXIT, asset_, account_, uint56(0));
    }

    /// The eight words of a key hash, which is four elements of eight bytes each, little-endian.
    function keyWords(bytes32 keyHash) internal pure returns (bytes memory words) {
        for (uint256 i = 0; i < 4; ++i) {
            uint64 element = reverseBytes(uint64(uint256(keyHash) >> 192 - 64 * i));
            if (element >= ORDER) revert KeyHashElementOutOfRange(i, element, ORDER);
            words = abi.encodePacked(words, uint56(element >> 32), uint56(uint32(element)));
        }
    }

    function reverseBytes(uint64 value) private pure returns (uint64) {
        value = (value & 0xff00ff00ff00ff00) >> 8 | (value & 0x00ff00ff00ff00ff) << 8;
        value = (value & 0xffff0000ffff0000) >> 16 | (value & 0x0000ffff0000ffff) << 16;
        return value >> 32 | value << 32;
    }
}
