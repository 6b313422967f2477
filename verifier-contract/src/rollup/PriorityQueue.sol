// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Phases} from "./Phases.sol";

/// Requests from L1, which batches must take in order and cannot skip: a chain of hashes, of which one word is stored
/// for each open request.
///
///     word of request n = (hash 216 bits | when it was made 40 bits)
///     hash of request n = keccak256(hash of request n − 1, padded to 32 bytes | bytes of the request), cut to 216 bits
///
/// Bytes of a request are those of its record in the L1 stream, as far as they are known when it is made: see Records.
/// The first bytes of a record tell its length, so one chain has one reading. Finding two readings for one hash takes
/// 2^108 hashes.
///
/// # Against flooding
///
/// Each request costs a fee, and at most 32 767 are open. The fees are burnt (they stay here, and nobody can take
/// them): an operator who earned them could keep the queue full of requests of its own for nothing, and so keep
/// everybody else's exits out without ever missing a deadline.
abstract contract PriorityQueue is Phases {
    /// Open requests there can be: one word of the ring stays with the last one that was taken.
    uint64 public constant MAX_OPEN_REQUESTS = RING - 1;
    /// A shorter deadline would freeze the rollup for a short outage.
    uint64 public constant MIN_DEADLINE_S = 1 hours;
    /// A longer one would keep people in.
    uint64 public constant MAX_DEADLINE_S = 30 days;
    /// A fee above this would keep people in.
    uint256 public constant MAX_REQUEST_FEE = 0.1 ether;

    uint64 private constant RING = 1 << 15;
    uint256 private constant TIME_BITS = 40;

    /// Coins that a request costs.
    uint256 public immutable REQUEST_FEE;
    /// Seconds in which a request must be taken. Past it, anyone can freeze the rollup.
    uint64 public immutable REQUEST_DEADLINE_S;

    uint256[RING] private words;

    /// When a batch last found the queue full, in seconds since 1970; zero if none did. Nothing but a batch makes room, so
    /// the queue was not full after it, unless it is now.
    uint64 internal lastFull;

    /// A request, and what its record says. The bytes are what the operator publishes, but for a forced exit's amount,
    /// and what `reclaim` takes.
    event Requested(uint64 indexed number, uint32 indexed account, address indexed from, bytes record);

    /// There are as many open requests as there can be. Likely cause: a flood; batches are making room.
    error QueueFull(uint64 limit);
    /// The deadline is too short or too long. Likely cause: another unit than seconds.
    error DeadlineOutOfRange(uint64 least, uint64 most, uint64 got);
    /// The fee is too high.
    error RequestFeeTooHigh(uint256 limit, uint256 got);
    /// The request is not open. Likely cause: a batch took it, or its number is wrong.
    error RequestNotOpen(uint64 number, uint64 taken, uint64 made);
    /// These are not the bytes of the request. Likely cause: the record of another number.
    error OtherRequest(uint64 number, uint256 expectedHash, uint256 gotHash);

    constructor(uint256 requestFee, uint64 deadline_s) {
        if (deadline_s < MIN_DEADLINE_S || deadline_s > MAX_DEADLINE_S) {
            revert DeadlineOutOfRange(MIN_DEADLINE_S, MAX_DEADLINE_S, deadline_s);
        }
        if (requestFee > MAX_REQUEST_FEE) revert RequestFeeTooHigh(MAX_REQUEST_FEE, requestFee);
        REQUEST_FEE = requestFee;
        REQUEST_DEADLINE_S = deadline_s;
    }

    /// When the oldest open request must be taken, in seconds since 1970; the largest number if none is open.
    function oldestDeadline() public view returns (uint64) {
        Progress memory current = progress;
        if (current.requestsTaken == current.requestsMade) return type(uint64).max;
        return uint64(uint40(words[(current.requestsTaken + 1) % RING])) + REQUEST_DEADLINE_S;
    }

    /// Whether a deadline was missed.
    function overdue() public view returns (bool) {
        return block.timestamp > oldestDeadline();
    }

    /// Whether no request can be made now.
    function full() internal view returns (bool) {
        return progress.requestsMade - progress.requestsTaken == MAX_OPEN_REQUESTS;
    }

    /// Coins that were burnt so far: they are in this contract's balance, and nobody's.
    function burntFees() public view returns (uint256) {
        return REQUEST_FEE * progress.requestsMade;
    }

    /// Adds a request.
    function push(uint32 account, bytes memory record) internal returns (uint64 number) {
        (uint64 taken, uint64 made) = (progress.requestsTaken, progress.requestsMade);
        if (made - taken >= MAX_OPEN_REQUESTS) revert QueueFull(MAX_OPEN_REQUESTS);
        number = made + 1;
        words[number % RING] = next(hashOf(made), record) | uint40(block.timestamp);
        progress.requestsMade = number;
        emit Requested(number, account, msg.sender, record);
    }

    /// Checks that `record` is that of the open request `number`.
    function requireOpen(uint64 number, bytes memory record) internal view {
        (uint64 taken, uint64 made) = (progress.requestsTaken, progress.requestsMade);
        if (number <= taken || number > made) revert RequestNotOpen(number, taken, made);
        uint256 got = next(hashOf(number - 1), record);
        uint256 expected = hashOf(number);
        if (got != expected) revert OtherRequest(number, expected, got);
    }

    /// The chain's hash up to request `number`: the last that was taken, or an open one.
    function hashOf(uint64 number) internal view returns (uint256) {
        return words[number % RING] >> TIME_BITS << TIME_BITS;
    }

    /// The chain's hash after `record`, in the upper 216 bits.
    function next(uint256 hash, bytes memory record) internal pure returns (uint256) {
        return uint256(keccak256(abi.encodePacked(hash, record))) >> TIME_BITS << TIME_BITS;
    }

    /// The same for a record of `length` ≤ 96 bytes at `offset` of the calldata.
    function nextInCalldata(uint256 hash, uint256 offset, uint256 length) internal pure returns (uint256 following) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, hash)
            calldatacopy(add(free, 32), offset, length)
            following := shl(TIME_BITS, shr(TIME_BITS, keccak256(free, add(32, length))))
        }
    }
}
