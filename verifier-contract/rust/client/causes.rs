//! What the contracts' errors mean, in the words of their sources. A test compares both.

/// The cause of each error, by name.
pub(super) const CAUSES: &[(&str, &str)] = &[
    ("AlreadyExited", "The account's balance of the asset has left."),
    ("AlreadyReclaimed", "The deposit has left."),
    ("AssetNumberUnavailable", "The number is taken, or not one of 1 … 2047."),
    ("BadProgramIds", "Not a program id, or one id for both programs."),
    (
        "BatchThroughContract",
        "A batch has to come from the operator's own transaction, so that anyone can read it from L1. Likely cause: a \
         multisig or a delegated account as operator.",
    ),
    ("ChainIdTooLarge", "The chain's id does not fit statements."),
    ("CoordinateOutOfRange", "A coordinate of the proof is not below p. Likely cause: bytes in the wrong order."),
    ("DeadlineOutOfRange", "The deadline is too short or too long. Likely cause: another unit than seconds."),
    ("DepositsArePaused", "New deposits are paused. Exits and keys are not."),
    ("HasAccount", "An owner has one account."),
    ("InputOutOfRange", "The input is not below r. Likely cause: the top bits of a hash were not cleared."),
    (
        "KeyAtInfinity",
        "A point of the key is at infinity, where its part of the equation would vanish. Likely cause: an empty \
         key.",
    ),
    (
        "KeyHashElementOutOfRange",
        "An element of a key hash is not below p. Likely cause: a hash of another kind, or its bytes in another \
         order.",
    ),
    (
        "KeyNotInGroup",
        "A point of the key is not in its group. Likely cause: coordinates of G2 with the real part first.",
    ),
    (
        "KeyWithoutSecondPhase",
        "gamma is ±delta: anyone could make proofs of anything. Likely cause: the key's ceremony had no second \
         phase.",
    ),
    ("ListsDiffer", "Each account needs an owner, and each owner an account."),
    ("MemoryTaken", "Something large was allocated before. Likely cause: a change of the code that calls this."),
    ("NoAccount", "The address has no account. Likely cause: `open` was not called yet, or by another address."),
    ("NoAccountsLeft", "All accounts are given out."),
    ("NoBalance", "The token does not tell balances. Likely cause: the address is not a token's."),
    ("NoCodeAt", "There is no contract at the address. Likely cause: a token of another chain."),
    ("NobodyNamed", "A role cannot be nobody's."),
    ("NotADeposit", "The request is not a deposit."),
    ("NotAGenesisAccount", "Genesis accounts are below 2^16, and each is listed once."),
    ("NotOverdue", "No request is overdue."),
    (
        "NotTheOperator",
        "Only the operator submits batches. Likely cause: the wrong key, or the owner named another operator.",
    ),
    ("NotTheOwner", "Only the owner may do this."),
    ("NotTheProposedOwner", "Only who was proposed may accept. Likely cause: the proposal was replaced."),
    (
        "NotWholeQuanta",
        "The amount is not a positive number of quanta. Likely cause: more digits than the asset has on L2; round \
         to a multiple of its scale.",
    ),
    ("NothingOwed", "Nothing is owed. Likely cause: it was claimed, or the batch with the withdrawal is not here yet."),
    ("NothingProposed", "No programs are proposed."),
    (
        "NoticeOutOfRange",
        "The notice is too short for requests to be served within half of it, or too long for a mistake to be \
         mended.",
    ),
    ("NoticeRunning", "The notice has not passed."),
    ("OperatorIndexTooLarge", "Fees go to an account of the genesis state."),
    (
        "OtherOwner",
        "Somebody else owns the account, or nobody does. Likely cause: a wrong index, or another address was \
         faster to open.",
    ),
    ("OtherRequest", "These are not the bytes of the request. Likely cause: the record of another number."),
    (
        "OtherRequests",
        "The requests in the stream are not the oldest open ones, in order and as they were made. Likely cause: a batch that \
         was made with requests of a block that did not stay, where they came in another order.",
    ),
    (
        "PrecompileFailed",
        "A precompiled contract (6 adds, 7 multiplies, 8 pairs) refused its input. Likely cause: a point of the \
         proof is not on its curve, or the parts of B are swapped; else too little gas, or a chain without BN254.",
    ),
    (
        "ProofLength",
        "The proof does not have 256 bytes. Likely cause: a proof in another encoding, such as snarkjs JSON.",
    ),
    (
        "ProofRejected",
        "The proof does not hold for the statement that the contract computed. Likely cause: a proof of another \
         batch, rollup or chain, streams that differ from those that were proven, or a key of another setup. \
         `publicInput` is what it was checked against.",
    ),
    ("ProposalLapsed", "The programs were proposed too long ago. Propose them again."),
    ("QueueFull", "There are as many open requests as there can be. Likely cause: a flood; batches are making room."),
    (
        "QueueWasFull",
        "The queue was full since the programs were proposed, so somebody may not have been able to ask for an exit. Propose \
         them again. Likely cause: a flood of requests.",
    ),
    (
        "ReceivedOtherAmount",
        "What arrived is not what was sent. Likely cause: the token takes a fee on transfers; such tokens cannot \
         be used.",
    ),
    (
        "RecipientRefused",
        "The recipient did not take the coins. Likely cause: a contract without a way to receive them; name \
         another.",
    ),
    ("RecordCutOff", "The L1 stream ends inside a record."),
    ("Reentered", "A token or a recipient called back in the middle of a call. Likely cause: a hostile token."),
    ("RequestFeeTooHigh", "The fee is too high."),
    ("RequestNotOpen", "The request is not open. Likely cause: a batch took it, or its number is wrong."),
    ("RequestOverdue", "A request is overdue, so the rollup can be frozen, and programs stay as they are."),
    ("ScaleIsZero", "A scale is at least 1."),
    (
        "StaleRoot",
        "The batch begins from another state. Likely cause: it was proven before another batch was accepted.",
    ),
    ("StreamLength", "A stream is not a whole number of words. Likely cause: it was cut off, or is not a stream."),
    ("TokenHasNumber", "The token has a number already."),
    ("TooLittleHeld", "More would leave than L2 holds. Likely cause: a genesis that was not funded in full."),
    (
        "TooManyRequests",
        "The stream has more requests than are open. Likely cause: a batch that was made with requests of a block \
         that did not stay.",
    ),
    ("TooMuchHeld", "L2 cannot hold so much of the asset."),
    (
        "TransferFailed",
        "The token refused a transfer. Likely cause: no allowance, too little balance, or a blocked address.",
    ),
    ("UnknownAsset", "There is no such asset on L1. Likely cause: it was made on L2, or was not added yet."),
    ("UnknownRecord", "No record of the L1 stream begins like this."),
    (
        "UnusualCalldata",
        "The calldata is not laid out as every encoder does: both streams and the proof in order, without gaps, \
         filled up with zeros, and nothing after them. Other layouts would mean the same here, but might stop who \
         reads them to rebuild the state. Likely cause: an encoder of one's own.",
    ),
    ("WrongBatchNumber", "Not the next batch. Likely cause: it was submitted already, or one before it was not."),
    ("WrongOperatorIndex", "Fees went to another account than this rollup's."),
    (
        "WrongPhase",
        "The rollup is in another phase. Likely cause: it is not launched yet, or it is frozen, and funds leave \
         by `exit`, `reclaim` and `claim`.",
    ),
    (
        "WrongProgram",
        "The proof is of another program. Likely cause: a prover of an older or newer version; the program in \
         force is `expected`.",
    ),
    (
        "WrongTimestamp",
        "The batch was sealed at a wrong time. Likely cause: it waited for longer than a day, or a clock is \
         wrong.",
    ),
    (
        "WrongValue",
        "The coins sent with the call are not what it takes. Likely cause: the fee for a request was forgotten.",
    ),
];
