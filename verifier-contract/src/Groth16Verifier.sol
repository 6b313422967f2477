// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IVerifier} from "./IVerifier.sol";

/// Groth16 over BN254 with one public input: accepts (A, B, C) for `input` when
///
///     e(A, B) = e(alpha, beta) · e(ic0 + input · ic1, gamma) · e(C, delta).
///
/// The verifying key comes through the constructor and is kept in the code, so one artifact serves any key, and nothing
/// of it can change. beta, gamma and delta are kept negated: the equation is then one product of four pairings that has
/// to be 1, and no point of a proof needs to be negated.
///
/// A proof is malleable, as Groth16's are: who has one can make others for the same input. So nothing may be keyed by
/// the bytes of a proof.
contract Groth16Verifier is IVerifier {
    /// A verifying key. G1: (x, y). G2: (x imaginary, x real, y imaginary, y real), as EIP-197 has it.
    struct VerifyingKey {
        uint256[2] alpha;
        uint256[4] beta;
        uint256[4] gamma;
        uint256[4] delta;
        uint256[2] ic0;
        uint256[2] ic1;
    }

    /// The order r of the groups: inputs are below it.
    uint256 public constant GROUP_ORDER = 21888242871839275222246405745257275088548364400416034343698204186575808495617;
    /// The order p of the base field: coordinates are below it.
    uint256 public constant FIELD_ORDER = 21888242871839275222246405745257275088696311157297823662689037894645226208583;
    /// Bytes of a proof.
    uint256 public constant PROOF_LENGTH = 256;

    uint256 private constant EC_ADD = 6;
    uint256 private constant EC_MUL = 7;
    uint256 private constant PAIRING = 8;

    /// keccak256 of the key, ABI-encoded: for whoever compares a deployed verifier with a key file.
    bytes32 public immutable KEY_HASH;

    uint256 private immutable ALPHA_X;
    uint256 private immutable ALPHA_Y;
    uint256 private immutable BETA_X_IM;
    uint256 private immutable BETA_X_RE;
    uint256 private immutable NEGATED_BETA_Y_IM;
    uint256 private immutable NEGATED_BETA_Y_RE;
    uint256 private immutable GAMMA_X_IM;
    uint256 private immutable GAMMA_X_RE;
    uint256 private immutable NEGATED_GAMMA_Y_IM;
    uint256 private immutable NEGATED_GAMMA_Y_RE;
    uint256 private immutable DELTA_X_IM;
    uint256 private immutable DELTA_X_RE;
    uint256 private immutable NEGATED_DELTA_Y_IM;
    uint256 private immutable NEGATED_DELTA_Y_RE;
    uint256 private immutable IC0_X;
    uint256 private immutable IC0_Y;
    uint256 private immutable IC1_X;
    uint256 private immutable IC1_Y;

    /// The proof does not have 256 bytes. Likely cause: a proof in another encoding, such as snarkjs JSON.
    error ProofLength(uint256 expected, uint256 got);
    /// The input is not below r. Likely cause: the top bits of a hash were not cleared.
    error InputOutOfRange(uint256 input, uint256 limit);
    /// A coordinate of the proof is not below p. Likely cause: bytes in the wrong order.
    error CoordinateOutOfRange(uint256 position, uint256 coordinate, uint256 limit);
    /// A precompiled contract (6 adds, 7 multiplies, 8 pairs) refused its input. Likely cause: a point of the proof is
    /// not on its curve, or the parts of B are swapped; else too little gas, or a chain without BN254.
    error PrecompileFailed(uint256 precompile);
    /// A point of the key is at infinity, where its part of the equation would vanish. Likely cause: an empty key.
    error KeyAtInfinity(string point);
    /// A point of the key is not in its group. Likely cause: coordinates of G2 with the real part first.
    error KeyNotInGroup(string point);
    /// gamma is ±delta: anyone could make proofs of anything. Likely cause: the key's ceremony had no second phase.
    error KeyWithoutSecondPhase();

    constructor(VerifyingKey memory key) {
        requireG1("alpha", key.alpha);
        requireG2("beta", key.beta);
        requireG2("gamma", key.gamma);
        requireG2("delta", key.delta);
        requireG1("ic0", key.ic0);
        requireG1("ic1", key.ic1);
        // Points with the same x are the same or each other's negation.
        if (key.gamma[0] == key.delta[0] && key.gamma[1] == key.delta[1]) revert KeyWithoutSecondPhase();

        KEY_HASH = keccak256(abi.encode(key));
        (ALPHA_X, ALPHA_Y) = (key.alpha[0], key.alpha[1]);
        (BETA_X_IM, BETA_X_RE) = (key.beta[0], key.beta[1]);
        (NEGATED_BETA_Y_IM, NEGATED_BETA_Y_RE) = (negate(key.beta[2]), negate(key.beta[3]));
        (GAMMA_X_IM, GAMMA_X_RE) = (key.gamma[0], key.gamma[1]);
        (NEGATED_GAMMA_Y_IM, NEGATED_GAMMA_Y_RE) = (negate(key.gamma[2]), negate(key.gamma[3]));
        (DELTA_X_IM, DELTA_X_RE) = (key.delta[0], key.delta[1]);
        (NEGATED_DELTA_Y_IM, NEGATED_DELTA_Y_RE) = (negate(key.delta[2]), negate(key.delta[3]));
        (IC0_X, IC0_Y) = (key.ic0[0], key.ic0[1]);
        (IC1_X, IC1_Y) = (key.ic1[0], key.ic1[1]);
    }

    /// @inheritdoc IVerifier
    function verify(bytes calldata proof, uint256 input) external view returns (bool) {
        if (proof.length != PROOF_LENGTH) revert ProofLength(PROOF_LENGTH, proof.length);
        if (input >= GROUP_ORDER) revert InputOutOfRange(input, GROUP_ORDER);
        uint256[8] memory point = abi.decode(proof, (uint256[8]));
        for (uint256 i = 0; i < 8; ++i) {
            if (point[i] >= FIELD_ORDER) revert CoordinateOutOfRange(i, point[i], FIELD_ORDER);
        }
        (uint256 x, uint256 y) = publicPoint(input);
        // forgefmt: disable-next-item
        uint256[24] memory pairs = [
            // A, B
            point[0], point[1], point[2], point[3], point[4], point[5],
            // alpha, −beta
            ALPHA_X, ALPHA_Y, BETA_X_IM, BETA_X_RE, NEGATED_BETA_Y_IM, NEGATED_BETA_Y_RE,
            // ic0 + input · ic1, −gamma
            x, y, GAMMA_X_IM, GAMMA_X_RE, NEGATED_GAMMA_Y_IM, NEGATED_GAMMA_Y_RE,
            // C, −delta
            point[6], point[7], DELTA_X_IM, DELTA_X_RE, NEGATED_DELTA_Y_IM, NEGATED_DELTA_Y_RE
        ];
        uint256[1] memory product;
        bool done;
        assembly ("memory-safe") {
            done := staticcall(gas(), PAIRING, pairs, 768, product, 32)
            done := and(done, eq(returndatasize(), 32))
        }
        if (!done) revert PrecompileFailed(PAIRING);
        return product[0] == 1;
    }

    /// ic0 + input · ic1.
    function publicPoint(uint256 input) private view returns (uint256, uint256) {
        uint256[4] memory words = [IC1_X, IC1_Y, input, 0];
        bool done;
        assembly ("memory-safe") {
            done := staticcall(gas(), EC_MUL, words, 96, words, 64)
            done := and(done, eq(returndatasize(), 64))
        }
        if (!done) revert PrecompileFailed(EC_MUL);
        (words[2], words[3]) = (IC0_X, IC0_Y);
        assembly ("memory-safe") {
            done := staticcall(gas(), EC_ADD, words, 128, words, 64)
            done := and(done, eq(returndatasize(), 64))
        }
        if (!done) revert PrecompileFailed(EC_ADD);
        return (words[0], words[1]);
    }

    /// −y in the base field; also of each part of a y in F_p².
    function negate(uint256 y) private pure returns (uint256) {
        return y == 0 ? 0 : FIELD_ORDER - y;
    }

    /// The precompile that adds refuses what is not on the curve, and G1 is all of the curve.
    function requireG1(string memory name, uint256[2] memory point) private view {
        if (point[0] == 0 && point[1] == 0) revert KeyAtInfinity(name);
        uint256[4] memory words = [point[0], point[1], 0, 0];
        bool done;
        assembly ("memory-safe") {
            // Some of the gas only: a precompile that refuses takes all that it was given.
            done := staticcall(div(gas(), 2), EC_ADD, words, 128, words, 64)
            done := and(done, eq(returndatasize(), 64))
        }
        if (!done) revert KeyNotInGroup(name);
    }

    /// The precompile that pairs refuses what is not in the subgroup of order r (EIP-197).
    function requireG2(string memory name, uint256[4] memory point) private view {
        if (point[0] == 0 && point[1] == 0 && point[2] == 0 && point[3] == 0) revert KeyAtInfinity(name);
        uint256[6] memory words = [0, 0, point[0], point[1], point[2], point[3]];
        bool done;
        assembly ("memory-safe") {
            done := staticcall(div(gas(), 2), PAIRING, words, 192, words, 32)
            done := and(done, eq(returndatasize(), 32))
        }
        if (!done) revert KeyNotInGroup(name);
    }
}
