// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IVerifier} from "../IVerifier.sol";
import {Statement} from "../Statement.sol";
import {PriorityQueue} from "./PriorityQueue.sol";
import {Roles} from "./Roles.sol";

/// Which programs proofs must be of: the one of batches, and the one of exits after a freeze. The owner can propose
/// others. They take effect after a notice of at least twice the deadline of requests: whoever does not like them asks
/// for an exit within the first half, and it is taken before they come, or the rollup can be frozen with the programs
/// as they are. They do not come if the queue was full meanwhile: an owner and an operator who filled it with requests of
/// their own, served them and asked again in one block, would let nobody else ask.
abstract contract Programs is Roles, PriorityQueue {
    /// Both programs, by program id: the hash of what the last plonky2 proof's circuit is, a number below r.
    struct ProgramIds {
        bytes32 batch;
        bytes32 exit;
    }

    /// What checks all proofs. One setup serves every program, so this never changes.
    IVerifier public immutable VERIFIER;
    /// Seconds between proposing programs and using them.
    uint64 public immutable PROGRAM_NOTICE_S;

    /// A longer notice would leave a mistake in a program for too long.
    uint64 public constant MAX_NOTICE_S = 365 days;

    /// Proposed programs come within so many seconds after their notice, or have to be proposed again: nobody who joins
    /// later should meet a change that was announced long ago.
    uint64 public constant PROPOSAL_LIFE_S = 7 days;

    /// The order r of BN254's groups: program ids are below it.
    uint256 private constant PROGRAM_ID_LIMIT =
        21888242871839275222246405745257275088548364400416034343698204186575808495617;

    /// In force.
    ProgramIds public programs;
    /// Proposed.
    ProgramIds public proposedPrograms;
    /// When the proposed ones can be put in force, in seconds since 1970; zero if none are proposed.
    uint64 public programsDue;

    event ProgramsProposed(bytes32 batch, bytes32 exit, uint64 due);
    event ProposedProgramsCancelled(bytes32 batch, bytes32 exit);
    event ProgramsChanged(bytes32 batch, bytes32 exit);

    /// The proof is of another program. Likely cause: a prover of an older or newer version; the program in force is
    /// `expected`.
    error WrongProgram(bytes32 expected, bytes32 got);
    /// The proof does not hold for the statement that the contract computed. Likely cause: a proof of another batch,
    /// rollup or chain, streams that differ from those that were proven, or a key of another setup. `publicInput` is
    /// what it was checked against.
    error ProofRejected(bytes32 program, uint256 publicInput);
    /// Not a program id, or one id for both programs.
    error BadProgramIds(bytes32 batch, bytes32 exit);
    /// The notice is too short for requests to be served within half of it, or too long for a mistake to be mended.
    error NoticeOutOfRange(uint64 least, uint64 most, uint64 got);
    /// No programs are proposed.
    error NothingProposed();
    /// The notice has not passed.
    error NoticeRunning(uint64 due, uint256 now_);
    /// The programs were proposed too long ago. Propose them again.
    error ProposalLapsed(uint64 last, uint256 now_);
    /// The queue was full since the programs were proposed, so somebody may not have been able to ask for an exit. Propose
    /// them again. Likely cause: a flood of requests.
    error QueueWasFull(uint64 proposed, uint64 lastFull);
    /// A request is overdue, so the rollup can be frozen, and programs stay as they are.
    error RequestOverdue(uint64 deadline, uint256 now_);

    constructor(IVerifier verifier, ProgramIds memory ids, uint64 notice_s) {
        if (notice_s < 2 * REQUEST_DEADLINE_S || notice_s > MAX_NOTICE_S) {
            revert NoticeOutOfRange(2 * REQUEST_DEADLINE_S, MAX_NOTICE_S, notice_s);
        }
        requireIds(ids);
        VERIFIER = verifier;
        PROGRAM_NOTICE_S = notice_s;
        programs = ids;
        emit ProgramsChanged(ids.batch, ids.exit);
    }

    /// Proposes programs; replaces what was proposed, and the notice begins anew.
    function proposePrograms(bytes32 batch, bytes32 exit_) external onlyOwner notFrozen {
        ProgramIds memory ids = ProgramIds(batch, exit_);
        requireIds(ids);
        proposedPrograms = ids;
        programsDue = uint64(block.timestamp) + PROGRAM_NOTICE_S;
        emit ProgramsProposed(batch, exit_, programsDue);
    }

    /// Takes a proposal back.
    function cancelPrograms() external onlyOwner {
        if (programsDue == 0) revert NothingProposed();
        cancelProposal();
    }

    /// Puts the proposed programs in force, within a week after the notice has passed.
    function changePrograms() external onlyOwner notFrozen {
        if (programsDue == 0) revert NothingProposed();
        if (block.timestamp < programsDue) revert NoticeRunning(programsDue, block.timestamp);
        uint64 last = programsDue + PROPOSAL_LIFE_S;
        if (block.timestamp > last) revert ProposalLapsed(last, block.timestamp);
        if (full()) revert QueueFull(MAX_OPEN_REQUESTS);
        uint64 proposed = programsDue - PROGRAM_NOTICE_S;
        if (lastFull >= proposed) revert QueueWasFull(proposed, lastFull);
        // Otherwise an owner could put an exit program in force just before the freeze that it is for.
        if (overdue()) revert RequestOverdue(oldestDeadline(), block.timestamp);
        programs = proposedPrograms;
        delete proposedPrograms;
        programsDue = 0;
        emit ProgramsChanged(programs.batch, programs.exit);
    }

    function cancelProposal() internal {
        if (programsDue == 0) return;
        emit ProposedProgramsCancelled(proposedPrograms.batch, proposedPrograms.exit);
        delete proposedPrograms;
        programsDue = 0;
    }

    /// Checks that `proof` is one of the statement.
    function requireProof(Statement.Parts memory statement, bytes calldata proof) internal view {
        uint256 input = Statement.publicInput(statement);
        if (!VERIFIER.verify(proof, input)) revert ProofRejected(statement.programId, input);
    }

    function requireIds(ProgramIds memory ids) private pure {
        bool good = ids.batch != ids.exit && ids.batch != 0 && ids.exit != 0 && uint256(ids.batch) < PROGRAM_ID_LIMIT
            && uint256(ids.exit) < PROGRAM_ID_LIMIT;
        if (!good) revert BadProgramIds(ids.batch, ids.exit);
    }
}
