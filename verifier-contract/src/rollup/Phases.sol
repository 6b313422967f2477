// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// What the rollup is in: each phase is entered once, in this order.
enum Phase {
    /// The owner lists the accounts of the genesis state and funds it. No user's money is here yet.
    Setup,
    /// Batches move the state.
    Live,
    /// The operator missed a deadline. The state stands, and everybody takes out what is theirs.
    Frozen
}

/// Where the rollup stands, and the lock that keeps its functions from being entered again.
abstract contract Phases {
    /// What changes with batches and requests, in one word of storage.
    struct Progress {
        Phase phase;
        bool depositsPaused;
        /// Number of the last batch, counted from 1.
        uint32 batchNumber;
        /// When the last batch was sealed, in seconds since 1970.
        uint64 timestamp;
        /// Requests that batches have taken.
        uint64 requestsTaken;
        /// Requests that were made.
        uint64 requestsMade;
    }

    /// Where the rollup stands.
    Progress public progress;

    bool private transient entered;

    /// The rollup is in another phase. Likely cause: it is not launched yet, or it is frozen, and funds leave by
    /// `exit`, `reclaim` and `claim`.
    error WrongPhase(Phase expected, Phase got);
    /// A token or a recipient called back in the middle of a call. Likely cause: a hostile token.
    error Reentered();

    modifier only(Phase expected) {
        if (progress.phase != expected) revert WrongPhase(expected, progress.phase);
        _;
    }

    modifier notFrozen() {
        if (progress.phase == Phase.Frozen) revert WrongPhase(Phase.Live, Phase.Frozen);
        _;
    }

    /// For whatever moves value or adds to the queue: a token that calls back in the middle of a deposit finds every
    /// such function locked.
    modifier locked() {
        if (entered) revert Reentered();
        entered = true;
        _;
        entered = false;
    }
}
