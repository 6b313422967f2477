// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Head, Records} from "../Records.sol";
import {Statement} from "../Statement.sol";
import {Batches} from "./Batches.sol";
import {Phase} from "./Phases.sol";

/// The way out when the operator does not serve a request in time: anyone freezes the rollup, for good, and everybody
/// takes what is theirs in the last state, with a proof of it, and deposits that no batch took.
///
/// Both are credited to accounts, like withdrawals, and paid by `claim`.
abstract contract Escape is Batches {
    using Records for Head;

    /// What left by `exit`.
    mapping(uint32 account => mapping(uint16 asset => bool)) public exited;
    /// Requests whose deposit left by `reclaim`.
    mapping(uint64 request => bool) public reclaimed;

    event FrozenForGood(uint32 lastBatch, bytes32 stateRoot);
    event Exited(uint32 indexed account, uint16 indexed asset, uint64 quanta);
    event Reclaimed(uint64 indexed request, uint32 indexed account, uint16 indexed asset, uint64 quanta);

    /// No request is overdue.
    error NotOverdue(uint64 deadline, uint256 now_);
    /// The account's balance of the asset has left.
    error AlreadyExited(uint32 account, uint16 asset);
    /// The deposit has left.
    error AlreadyReclaimed(uint64 request);
    /// The request is not a deposit.
    error NotADeposit(uint64 request, uint8 kind);

    /// Freezes the rollup if the oldest open request is past its deadline. Programs that are proposed are cancelled.
    function freeze() external only(Phase.Live) locked {
        if (!overdue()) revert NotOverdue(oldestDeadline(), block.timestamp);
        progress.phase = Phase.Frozen;
        cancelProposal();
        emit FrozenForGood(progress.batchNumber, stateRoot);
    }

    /// Credits the caller's account with what the last state says it can take out of an asset, once.
    /// @param quanta What the proof is of.
    /// @param programId The program that the proof is of.
    function exit(uint16 asset, uint64 quanta, bytes32 programId, bytes calldata proof)
        external
        only(Phase.Frozen)
        locked
    {
        uint32 account = accountOf(msg.sender);
        known(asset);
        if (programId != programs.exit) revert WrongProgram(programs.exit, programId);
        if (exited[account][asset]) revert AlreadyExited(account, asset);
        exited[account][asset] = true;
        requireProof(Statement.exit(programId, account, asset, quanta, stateRoot), proof);
        credit(account, asset, quanta);
        emit Exited(account, asset, quanta);
    }

    /// Credits a deposit that no batch took to the account that it was for, for whoever calls.
    ///
    /// It goes to the account's owner, not to who paid: a deposit is the account's from when it is made, as it is when
    /// a batch takes it. An exchange may have credited it, or a payment been settled with it, and who paid must not be
    /// able to take it back by causing, or waiting for, a freeze.
    /// @param record The bytes that the request's event has.
    function reclaim(uint64 request, bytes calldata record) external only(Phase.Frozen) locked {
        requireOpen(request, record);
        if (reclaimed[request]) revert AlreadyReclaimed(request);
        // The bytes are the request's, and every request has at least a head's first two words.
        Head head = Head.wrap(uint256(bytes32(record)));
        if (head.kind() != Records.DEPOSIT) revert NotADeposit(request, head.kind());
        reclaimed[request] = true;
        uint64 quanta = head.depositQuanta();
        credit(head.account(), head.asset(), quanta);
        emit Reclaimed(request, head.account(), head.asset(), quanta);
    }
}
