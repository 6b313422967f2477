// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Groth16Verifier} from "../src/Groth16Verifier.sol";
import {Simulator} from "./kit/Simulator.sol";
import {vm} from "./kit/Vm.sol";

contract Groth16VerifierTest {
    uint256 constant R = 21888242871839275222246405745257275088548364400416034343698204186575808495617;
    uint256 constant P = 21888242871839275222246405745257275088696311157297823662689037894645226208583;

    Groth16Verifier verifier = new Groth16Verifier(Simulator.key());

    function test_simulators_constants_are_the_multiples_they_say() public view {
        Groth16Verifier.VerifyingKey memory key = Simulator.key();
        requireMultiple(key.beta, Simulator.BETA);
        requireMultiple(key.gamma, Simulator.GAMMA);
        requireMultiple(key.delta, Simulator.DELTA);
        requireMultiple(Simulator.b(), Simulator.B);
    }

    /// e(k · G1, −G2) · e(G1, point) = 1.
    function requireMultiple(uint256[4] memory point, uint256 k) private view {
        uint256[4] memory g2 = [
            11559732032986387107991004021392285783925812861821192530917403151452391805634,
            10857046999023057135944570762232829481370756359578518086990519993285655852781,
            P - 4082367875863433681332203403145435568316851327593401208105741076214120093531,
            P - 8495653923123431417604973247489272438418190587263600148770280649306958101930
        ];
        (bool done, bytes memory one) = address(8).staticcall(abi.encode(Simulator.g1(k), g2, Simulator.g1(1), point));
        require(done && abi.decode(one, (uint256)) == 1, "another multiple");
    }

    function test_accepts_proofs_of_the_input_and_no_other() public view {
        bytes memory proof = Simulator.prove(5);
        vm.assertTrue(verifier.verify(proof, 5), "its own input");
        vm.assertTrue(!verifier.verify(proof, 6), "another input");
        vm.assertTrue(verifier.verify(Simulator.prove(0), 0), "zero");
        vm.assertTrue(verifier.verify(Simulator.prove(R - 1), R - 1), "the largest");
    }

    function test_accepts_any_honest_proof(uint256 input, uint256 a) public view {
        input %= R;
        vm.assertTrue(verifier.verify(Simulator.prove(input, a % R), input), "simulated");
    }

    function test_refuses_proofs_with_a_changed_byte(uint256 position, uint8 change) public view {
        vm.assume(change != 0);
        bytes memory proof = Simulator.prove(5);
        position %= proof.length;
        proof[position] = bytes1(uint8(proof[position]) ^ change);
        // Either the point is not one, which is an error, or the pairing does not hold.
        (bool done, bytes memory answer) =
            address(verifier).staticcall{gas: 1e6}(abi.encodeCall(verifier.verify, (proof, 5)));
        vm.assertTrue(!done || !abi.decode(answer, (bool)), "accepted");
    }

    function test_refuses_the_same_input_in_another_spelling() public {
        bytes memory proof = Simulator.prove(5);
        vm.expectRevert(abi.encodeWithSelector(Groth16Verifier.InputOutOfRange.selector, 5 + R, R));
        verifier.verify(proof, 5 + R);
    }

    function test_refuses_coordinates_in_another_spelling() public {
        for (uint256 i = 0; i < 8; ++i) {
            uint256[8] memory words = abi.decode(Simulator.prove(5), (uint256[8]));
            words[i] += P;
            vm.expectRevert(abi.encodeWithSelector(Groth16Verifier.CoordinateOutOfRange.selector, i, words[i], P));
            verifier.verify(abi.encode(words), 5);
        }
    }

    function test_refuses_other_lengths() public {
        bytes memory proof = Simulator.prove(5);
        vm.expectRevert(abi.encodeWithSelector(Groth16Verifier.ProofLength.selector, 256, 257));
        verifier.verify(abi.encodePacked(proof, uint8(0)), 5);
        vm.expectRevert(abi.encodeWithSelector(Groth16Verifier.ProofLength.selector, 256, 0));
        verifier.verify("", 5);
    }

    function test_a_point_off_its_curve_is_an_error() public {
        uint256[8] memory words = abi.decode(Simulator.prove(5), (uint256[8]));
        words[0] ^= 1;
        vm.expectRevert(abi.encodeWithSelector(Groth16Verifier.PrecompileFailed.selector, 8));
        verifier.verify{gas: 1e6}(abi.encode(words), 5);
    }

    function test_the_proof_of_nothing_is_refused() public view {
        vm.assertTrue(!verifier.verify(new bytes(256), 5), "all points at infinity");
    }

    function test_an_honest_proof_with_too_little_gas_is_an_error() public {
        bytes memory proof = Simulator.prove(5);
        vm.expectRevert(abi.encodeWithSelector(Groth16Verifier.PrecompileFailed.selector, 8));
        verifier.verify{gas: 180_000}(proof, 5);
    }

    function test_keys_are_told_apart_by_their_hash() public {
        Groth16Verifier.VerifyingKey memory key = Simulator.key();
        vm.assertEq(verifier.KEY_HASH(), keccak256(abi.encode(key)), "hash");
        key.ic1 = Simulator.g1(4);
        vm.assertTrue(new Groth16Verifier(key).KEY_HASH() != verifier.KEY_HASH(), "another key");
    }

    function test_refuses_keys_with_points_at_infinity() public {
        string[6] memory names = ["alpha", "beta", "gamma", "delta", "ic0", "ic1"];
        for (uint256 i = 0; i < 6; ++i) {
            Groth16Verifier.VerifyingKey memory key = keyWith(i, [uint256(0), 0, 0, 0]);
            vm.expectRevert(abi.encodeWithSelector(Groth16Verifier.KeyAtInfinity.selector, names[i]));
            new Groth16Verifier(key);
        }
    }

    function test_refuses_keys_with_points_off_their_curves() public {
        string[6] memory names = ["alpha", "beta", "gamma", "delta", "ic0", "ic1"];
        for (uint256 i = 0; i < 6; ++i) {
            Groth16Verifier.VerifyingKey memory key = keyWith(i, [uint256(1), 1, 1, 1]);
            vm.expectRevert(abi.encodeWithSelector(Groth16Verifier.KeyNotInGroup.selector, names[i]));
            new Groth16Verifier(key);
        }
    }

    function test_refuses_points_on_the_curve_of_g2_but_outside_the_group() public {
        uint256[4] memory outside = [
            0,
            1,
            5912654199736721486680175016176231956195085055698687135131307249486702594212,
            18278151005453108793778860132295291098363647455926340152056652516292830556603
        ];
        Groth16Verifier.VerifyingKey memory key = keyWith(3, outside);
        vm.expectRevert(abi.encodeWithSelector(Groth16Verifier.KeyNotInGroup.selector, "delta"));
        new Groth16Verifier(key);
    }

    function test_refuses_keys_without_second_phase() public {
        Groth16Verifier.VerifyingKey memory key = Simulator.key();
        key.delta = key.gamma;
        vm.expectRevert(Groth16Verifier.KeyWithoutSecondPhase.selector);
        new Groth16Verifier(key);
        (key.delta[2], key.delta[3]) = (P - key.gamma[2], P - key.gamma[3]);
        vm.expectRevert(Groth16Verifier.KeyWithoutSecondPhase.selector);
        new Groth16Verifier(key);
    }

    /// The simulator's key with another point, of which G1 takes the first two coordinates.
    function keyWith(uint256 position, uint256[4] memory point)
        private
        view
        returns (Groth16Verifier.VerifyingKey memory key)
    {
        key = Simulator.key();
        if (position == 0) key.alpha = [point[0], point[1]];
        if (position == 1) key.beta = point;
        if (position == 2) key.gamma = point;
        if (position == 3) key.delta = point;
        if (position == 4) key.ic0 = [point[0], point[1]];
        if (position == 5) key.ic1 = [point[0], point[1]];
    }

    function test_gas_of_a_verification() public {
        bytes memory proof = Simulator.prove(R - 1);
        uint256 before = gasleft();
        verifier.verify(proof, R - 1);
        uint256 used = before - gasleft();
        vm.snapshotValue("gas", "verification, call included", used);
        vm.assertLe(used, 215_000, "the budget");
    }
}
