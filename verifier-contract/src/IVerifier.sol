// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// What checks proofs of statements that are one number.
interface IVerifier {
    /// Whether `proof` proves the statement `input`. Reverts on what is not a proof at all: a wrong length, a number
    /// out of range, a point off its curve.
    /// @param proof 256 bytes: A (x, y), B (x, y), C (x, y), each coordinate 32 bytes, big-endian; those of B are in
    /// F_p² with the imaginary part first, as EIP-197 has it.
    /// @param input The public input, below the order r of the groups.
    function verify(bytes calldata proof, uint256 input) external view returns (bool);
}
