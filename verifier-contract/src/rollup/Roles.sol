// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// The two roles. The operator submits batches. The owner names the operator, adds assets, pauses new deposits, and
/// proposes programs, which take effect only after everybody has had time to leave. Neither can move users' funds.
abstract contract Roles {
    /// Who administers the rollup.
    address public owner;
    /// Who becomes the owner by accepting it.
    address public proposedOwner;
    /// Who submits batches: an account without code, see Batches.
    address public operator;

    event OwnerProposed(address indexed proposed);
    event OwnerChanged(address indexed owner);
    event OperatorChanged(address indexed operator);

    /// Only the owner may do this.
    error NotTheOwner(address expected, address got);
    /// Only who was proposed may accept. Likely cause: the proposal was replaced.
    error NotTheProposedOwner(address expected, address got);
    /// Only the operator submits batches. Likely cause: the wrong key, or the owner named another operator.
    error NotTheOperator(address expected, address got);
    /// A role cannot be nobody's.
    error NobodyNamed();

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotTheOwner(owner, msg.sender);
        _;
    }

    modifier onlyOperator() {
        if (msg.sender != operator) revert NotTheOperator(operator, msg.sender);
        _;
    }

    constructor(address owner_, address operator_) {
        if (owner_ == address(0) || operator_ == address(0)) revert NobodyNamed();
        owner = owner_;
        operator = operator_;
        emit OwnerChanged(owner_);
        emit OperatorChanged(operator_);
    }

    /// Proposes another owner; nothing changes until `proposed` accepts. Zero takes a proposal back.
    function proposeOwner(address proposed) external onlyOwner {
        proposedOwner = proposed;
        emit OwnerProposed(proposed);
    }

    /// Takes the ownership that was proposed to the caller.
    function acceptOwnership() external {
        if (msg.sender != proposedOwner) revert NotTheProposedOwner(proposedOwner, msg.sender);
        owner = msg.sender;
        proposedOwner = address(0);
        emit OwnerChanged(msg.sender);
    }

    /// Names another operator at once.
    function setOperator(address operator_) external onlyOwner {
        if (operator_ == address(0)) revert NobodyNamed();
        operator = operator_;
        emit OperatorChanged(operator_);
    }
}
