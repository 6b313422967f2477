// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Groth16Verifier} from "../../src/Groth16Verifier.sol";

/// A verifying key whose secrets are known, and proofs made with them: for any input at all, with no circuit. What a
/// ceremony is there to make impossible, and what tests of everything but the circuit need.
///
///     alpha = 3001 · G1    beta = 3002 · G2    gamma = 3003 · G2    delta = 3004 · G2
///     ic0 = 3006 · G1    ic1 = 3007 · G1
///
/// A proof has A = a · G1 and B = 3005 · G2, and the C that solves the equation:
///
///     c = (a · 3005 − 3001 · 3002 − (3006 + input · 3007) · 3003) / 3004
///
/// The multiples of G2 are constants, since no precompile multiplies there; a test compares them by pairings.
library Simulator {
    uint256 internal constant ORDER = 21888242871839275222246405745257275088548364400416034343698204186575808495617;

    uint256 internal constant ALPHA = 3001;
    uint256 internal constant BETA = 3002;
    uint256 internal constant GAMMA = 3003;
    uint256 internal constant DELTA = 3004;
    uint256 internal constant B = 3005;
    uint256 internal constant IC0 = 3006;
    uint256 internal constant IC1 = 3007;

    function key() internal view returns (Groth16Verifier.VerifyingKey memory) {
        return Groth16Verifier.VerifyingKey({
            alpha: g1(ALPHA),
            beta: [
                16037645321193719692197061369921145177351902729271358835067475420400004677178,
                746190918053445483793196856125338820298097059349968081698643646040082671549,
                19590393588844282479673491208481943951797384428200957532794379818714256326270,
                13833710122430245091460185194600819956381261234803634205057917095019816686000
            ],
            gamma: [
                7879149243955989763409591924288543763779708744866126005016754673111541438807,
                16003298509474416370695850999094465716670023512855021616238972414167683507813,
                3981523018546939998056547629289069409922799734562222229166557745974324871213,
                20839270580112747654333291434740326853881030678922874961666433738997438863122
            ],
            delta: [
                11741235514681169523946218531877138215581710129943881314511685024626816431642,
                543241189216496062106846063660830749447686397983035322030207020349267740933,
                7102742570726390565091372458596640415249395068758596111609119999231337438841,
                10468839038875141724811364672932994857196499712749844283252384867961925922538
            ],
            ic0: g1(IC0),
            ic1: g1(IC1)
        });
    }

    /// 3005 · G2.
    function b() internal pure returns (uint256[4] memory) {
        return [
            20951531456723728452539690235051016372160355820948095047620180677968972165508,
            3689976036708111065415214485246845987439518547802240530936679299143513520969,
            18332040693523754182707217749968195475433821117205284596673938631342954984922,
            3398942798070273382538441753538670480874007133494813259978040469466046720248
        ];
    }

    /// A proof that `input` holds.
    function prove(uint256 input) internal view returns (bytes memory) {
        return prove(input, 77);
    }

    /// Another proof for each `a`.
    function prove(uint256 input, uint256 a) internal view returns (bytes memory) {
        uint256 public_ = addmod(IC0, mulmod(input, IC1, ORDER), ORDER);
        uint256 taken = addmod(mulmod(ALPHA, BETA, ORDER), mulmod(public_, GAMMA, ORDER), ORDER);
        uint256 c = mulmod(addmod(mulmod(a, B, ORDER), ORDER - taken, ORDER), inverse(DELTA), ORDER);
        return abi.encodePacked(g1(a), b(), g1(c));
    }

    /// k · G1, G1 = (1, 2).
    function g1(uint256 k) internal view returns (uint256[2] memory) {
        (bool done, bytes memory point) = address(7).staticcall(abi.encode(1, 2, k));
        require(done, "ecMul");
        return abi.decode(point, (uint256[2]));
    }

    /// 1 / k mod r, as k^(r − 2).
    function inverse(uint256 k) internal view returns (uint256) {
        (bool done, bytes memory power) = address(5).staticcall(abi.encode(32, 32, 32, k, ORDER - 2, ORDER));
        require(done, "modexp");
        return abi.decode(power, (uint256));
    }
}
