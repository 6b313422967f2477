// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Evaluation} from "../Evaluation.sol";
import {Head, Records} from "../Records.sol";
import {Statement} from "../Statement.sol";
import {Accounts} from "./Accounts.sol";
import {Phase} from "./Phases.sol";
import {Programs} from "./Programs.sol";

/// Batches: the one way in which the state root moves.
///
///     L1 stream ──▶ requests = a prefix of the queue
///         │    └──▶ withdrawals become claimable
///         ├── daCommit, L2 stream ──▶ z ──▶ values of both streams at z ──▶ statement ──▶ proof ──▶ post root
///
/// Words of the L1 stream need no check of their widths: the proof is about exactly these words, and the circuits made
/// them from fields of the widths that Records tells.
///
/// # Who can read a batch
///
/// The state is rebuilt from calldata of transactions: after a freeze, proofs of exits need it. So a batch comes in a
/// transaction of the operator's account to this contract, whose calldata is then the batch's. Were a contract the
/// operator, the streams could be in the depths of a transaction, and an operator who hides them there could hold what
/// everybody has to ransom. An account that delegates to code (EIP-7702) could send transactions to itself, and call
/// from there.
///
/// What it costs: the operator is one key. It cannot be a multisig, nor a wallet that is a contract, and nobody can
/// pass batches on for it. The owner can be a contract, and names another operator when the key is lost.
abstract contract Batches is Accounts, Programs {
    using Records for Head;

    /// A batch as the operator sends it. Number, pre root, program and operator are known here: they are sent so that a
    /// mistake can be named.
    struct Batch {
        /// The last one's plus 1; the first is 1.
        uint32 number;
        /// The account that fees went to.
        uint32 operatorIndex;
        /// When it was sealed, in seconds since 1970.
        uint64 timestamp;
        /// The program that the proof is of.
        bytes32 programId;
        /// The state root before and after.
        bytes32 preRoot;
        bytes32 postRoot;
        /// The chain's hash over everything that is published.
        bytes32 daCommit;
        /// Deposits, keys, exits and withdrawals, in the batch's order.
        bytes l1Stream;
        /// All other records.
        bytes l2Stream;
        /// 256 bytes.
        bytes proof;
    }

    /// Seconds by which a batch may be ahead of L1's clock: the operator's may be, and L1's next block is some seconds
    /// off.
    uint64 public constant MAX_AHEAD_S = 5 minutes;
    /// Seconds by which it may be behind: proving takes time. Time locks on L2 go by this clock.
    uint64 public constant MAX_AGE_S = 1 days;

    /// The account on L2 that fees go to.
    uint32 public immutable OPERATOR_INDEX;

    /// The root of the state after the last batch.
    bytes32 public stateRoot;

    /// A batch was accepted. The transaction that this event is of has its streams: its calldata is the call's.
    event BatchAccepted(
        uint32 indexed number,
        bytes32 preRoot,
        bytes32 postRoot,
        bytes32 daCommit,
        uint64 timestamp,
        uint64 requestsTaken
    );

    /// A batch has to come from the operator's own transaction, so that anyone can read it from L1. Likely cause: a
    /// multisig or a delegated account as operator.
    error BatchThroughContract(address sender, address origin);
    /// Not the next batch. Likely cause: it was submitted already, or one before it was not.
    error WrongBatchNumber(uint32 expected, uint32 got);
    /// The batch begins from another state. Likely cause: it was proven before another batch was accepted.
    error StaleRoot(bytes32 expected, bytes32 got);
    /// Fees went to another account than this rollup's.
    error WrongOperatorIndex(uint32 expected, uint32 got);
    /// The batch was sealed at a wrong time. Likely cause: it waited for longer than a day, or a clock is wrong.
    error WrongTimestamp(uint256 earliest, uint256 latest, uint64 got);
    /// The L1 stream ends inside a record.
    error RecordCutOff(uint256 position, uint256 expected, uint256 got);
    /// No record of the L1 stream begins like this.
    error UnknownRecord(uint256 position, uint8 kind);
    /// The stream has more requests than are open. Likely cause: a batch that was made with requests of a block that
    /// did not stay.
    error TooManyRequests(uint64 open, uint64 got);
    /// The requests in the stream are not the oldest open ones, in order and as they were made. Likely cause: a batch that
    /// was made with requests of a block that did not stay, where they came in another order.
    error OtherRequests(uint64 first, uint64 last, uint256 expectedHash, uint256 gotHash);
    /// The calldata is not laid out as every encoder does: both streams and the proof in order, without gaps, filled up
    /// with zeros, and nothing after them. Other layouts would mean the same here, but might stop who reads them to
    /// rebuild the state. Likely cause: an encoder of one's own.
    error UnusualCalldata(uint256 expected, uint256 got);
    /// Fees go to an account of the genesis state.
    error OperatorIndexTooLarge(uint32 limit, uint32 got);

    constructor(bytes32 genesisRoot, uint32 operatorIndex) {
        if (operatorIndex >= FIRST_ACCOUNT) revert OperatorIndexTooLarge(FIRST_ACCOUNT, operatorIndex);
        stateRoot = genesisRoot;
        OPERATOR_INDEX = operatorIndex;
    }

    /// Moves the state on by a proven batch. Takes transactions of the operator's account only, and no calls by
    /// contracts.
    function submitBatch(Batch calldata batch) external onlyOperator only(Phase.Live) locked {
        requireOwnTransaction();
        requireUsualLayout(batch);
        Progress memory current = progress;
        requireNext(batch, current);
        uint64 taken = replay(batch.l1Stream, current);
        requireProof(statementOf(batch), batch.proof);

        stateRoot = batch.postRoot;
        current.batchNumber = batch.number;
        current.timestamp = batch.timestamp;
        current.requestsTaken += taken;
        progress = current;
        emit BatchAccepted(
            batch.number, batch.preRoot, batch.postRoot, batch.daCommit, batch.timestamp, current.requestsTaken
        );
    }

    /// The statement of a batch, with the point drawn and both streams evaluated.
    function statementOf(Batch calldata batch) internal pure returns (Statement.Parts memory parts) {
        parts.programId = batch.programId;
        parts.batchNumber = batch.number;
        parts.operatorIndex = batch.operatorIndex;
        parts.timestamp = batch.timestamp;
        parts.preRoot = batch.preRoot;
        parts.postRoot = batch.postRoot;
        parts.daCommit = batch.daCommit;
        (uint256 z0, uint256 z1) = Evaluation.drawPoint(batch.daCommit, batch.l1Stream, batch.l2Stream);
        parts.z = uint128(z0 << 64 | z1);
        (parts.l1Value, parts.l2Value) = Evaluation.evaluate(z0, z1, batch.l1Stream, batch.l2Stream);
    }

    /// The call is the transaction: who sent it makes this call, and has no code that could make it later.
    function requireOwnTransaction() private view {
        if (msg.sender != tx.origin || msg.sender.code.length != 0) {
            revert BatchThroughContract(msg.sender, tx.origin);
        }
    }

    /// One layout of the calldata: selector, offset of the batch, its ten words, and then length and bytes, filled up
    /// to whole words with zeros, of both streams and the proof. Their offsets, from the batch on, are its last three
    /// words. Who decodes strictly, by encoding again and comparing, then never meets anything else.
    function requireUsualLayout(Batch calldata batch) private pure {
        uint256 start;
        assembly ("memory-safe") {
            start := batch
        }
        if (start != 36) revert UnusualCalldata(36, start);
        uint256 expected = 10 * 32;
        for (uint256 word = 7; word < 10; ++word) {
            uint256 got;
            uint256 length;
            assembly ("memory-safe") {
                got := calldataload(add(start, shl(5, word)))
                length := calldataload(add(start, got))
            }
            if (got != expected) revert UnusualCalldata(expected, got);
            if (length > msg.data.length) revert UnusualCalldata(msg.data.length, length);
            // The length is no longer than the calldata, so nothing wraps.
            unchecked {
                expected += 32 + (length + 31) / 32 * 32;
            }
            if (length % 32 != 0) {
                uint256 filling;
                assembly ("memory-safe") {
                    filling := shl(shl(3, and(length, 31)), calldataload(sub(add(start, expected), 32)))
                }
                if (filling != 0) revert UnusualCalldata(0, filling);
            }
        }
        if (msg.data.length != start + expected) revert UnusualCalldata(start + expected, msg.data.length);
    }

    function requireNext(Batch calldata batch, Progress memory current) private view {
        if (batch.number != current.batchNumber + 1) revert WrongBatchNumber(current.batchNumber + 1, batch.number);
        if (batch.preRoot != stateRoot) revert StaleRoot(stateRoot, batch.preRoot);
        if (batch.programId != programs.batch) revert WrongProgram(programs.batch, batch.programId);
        if (batch.operatorIndex != OPERATOR_INDEX) revert WrongOperatorIndex(OPERATOR_INDEX, batch.operatorIndex);
        uint256 earliest = block.timestamp < MAX_AGE_S ? 0 : block.timestamp - MAX_AGE_S;
        if (earliest < current.timestamp) earliest = current.timestamp;
        uint256 latest = block.timestamp + MAX_AHEAD_S;
        if (batch.timestamp < earliest || batch.timestamp > latest) {
            revert WrongTimestamp(earliest, latest, batch.timestamp);
        }
    }

    /// Reads the L1 stream: checks that its requests are the oldest open ones and credits what goes out. Returns how
    /// many requests there are.
    function replay(bytes calldata stream, Progress memory current) private returns (uint64 taken) {
        uint256 hash = hashOf(current.requestsTaken);
        uint256 position = 0;
        while (position < stream.length) {
            uint256 start;
            Head record;
            assembly ("memory-safe") {
                start := add(stream.offset, position)
                record := calldataload(start)
            }
            uint8 kind = record.kind();
            (uint256 length, uint256 requested) = lengths(position, kind, record);
            if (stream.length - position < length) revert RecordCutOff(position, length, stream.length - position);
            if (requested > 0) {
                hash = nextInCalldata(hash, start, requested);
                ++taken;
            }
            if (kind == Records.FORCED_EXIT || kind == Records.WITHDRAW) {
                credit(record.account(), record.asset(), record.amount());
            }
            position += length;
        }
        uint64 open = current.requestsMade - current.requestsTaken;
        if (taken > open) revert TooManyRequests(open, taken);
        if (open == MAX_OPEN_REQUESTS) lastFull = uint64(block.timestamp);
        uint256 expected = hashOf(current.requestsTaken + taken);
        if (hash != expected) {
            revert OtherRequests(current.requestsTaken + 1, current.requestsTaken + taken, expected, hash);
        }
    }

    /// Bytes of a record, and how many of them were fixed when it was requested.
    function lengths(uint256 position, uint8 kind, Head record) private pure returns (uint256, uint256) {
        if (kind == Records.WITHDRAW) return (Records.HEAD_LENGTH, 0);
        if (kind == Records.DEPOSIT) {
            uint256 length = record.counterparty() == 0 ? Records.HEAD_LENGTH : Records.KEYED_LENGTH;
            return (length, length);
        }
        if (kind == Records.FORCED_EXIT) return (Records.HEAD_LENGTH, Records.FORCED_EXIT_REQUEST_LENGTH);
        if (kind == Records.REKEY) return (Records.KEYED_LENGTH, Records.KEYED_LENGTH);
        revert UnknownRecord(position, kind);
    }
}
