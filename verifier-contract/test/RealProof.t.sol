// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Groth16Verifier} from "../src/Groth16Verifier.sol";
import {vm} from "./kit/Vm.sol";

/// A proof that the wrap circuit made, not a simulated one: fixtures/vectors/groth16.json.
contract RealProofTest {
    string json = vm.readFile("../fixtures/vectors/groth16.json");
    Groth16Verifier verifier;
    bytes proof;
    uint256 input;

    function setUp() public {
        Groth16Verifier.VerifyingKey memory key;
        (key.alpha, key.ic0, key.ic1) = (g1("alpha"), g1("ic0"), g1("ic1"));
        (key.beta, key.gamma, key.delta) = (g2("beta"), g2("gamma"), g2("delta"));
        verifier = new Groth16Verifier(key);
        proof = vm.parseJsonBytes(json, ".proof");
        input = uint256(vm.parseJsonBytes32(json, ".public_input"));
    }

    function coordinate(string memory point, uint256 i) private view returns (uint256) {
        return uint256(vm.parseJsonBytes32(json, string.concat(".key.", point, "[", vm.toString(i), "]")));
    }

    function g1(string memory point) private view returns (uint256[2] memory) {
        return [coordinate(point, 0), coordinate(point, 1)];
    }

    function g2(string memory point) private view returns (uint256[4] memory) {
        return [coordinate(point, 0), coordinate(point, 1), coordinate(point, 2), coordinate(point, 3)];
    }

    function test_verifies() public view {
        vm.assertTrue(verifier.verify(proof, input), "refused");
    }

    function test_another_input_does_not() public view {
        vm.assertTrue(!verifier.verify(proof, input ^ 1), "accepted");
    }

    /// A point that is on no curve makes a precompile fail; one that is does not verify.
    function test_damaged_it_does_not(uint8 position, uint8 change) public view {
        if (change == 0) change = 1;
        bytes memory damaged = proof;
        damaged[position] ^= bytes1(change);
        (bool success, bytes memory answer) =
            address(verifier).staticcall(abi.encodeCall(verifier.verify, (damaged, input)));
        vm.assertTrue(!success || !abi.decode(answer, (bool)), "accepted");
    }

    /// The input is what Statement hashes: sha256 of 220 bytes without the top three bits.
    function test_input_is_the_hash_of_the_statement() public view {
        bytes memory statement = vm.parseJsonBytes(json, ".statement");
        vm.assertEq(statement.length, 220, "length");
        vm.assertEq(uint256(sha256(statement)) & type(uint256).max >> 3, input, "another hash");
    }
}
