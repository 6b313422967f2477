// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Groth16Verifier} from "../../src/Groth16Verifier.sol";
import {Records} from "../../src/Records.sol";
import {Rollup} from "../../src/Rollup.sol";
import {Batches} from "../../src/rollup/Batches.sol";
import {Programs} from "../../src/rollup/Programs.sol";
import {Reference} from "./Reference.sol";
import {Simulator} from "./Simulator.sol";
import {PlainToken} from "./Tokens.sol";
import {vm} from "./Vm.sol";

/// A launched rollup with a token, users, and an operator whose proofs are simulated.
///
///     asset 0   coins, 10^9 base units a quantum
///     asset 1   a plain token, 10^6 base units a quantum
abstract contract RollupTest {
    uint96 constant COIN_SCALE = 1e9;
    uint96 constant TOKEN_SCALE = 1e6;
    uint16 constant TOKEN = 1;
    uint256 constant FEE = 0.001 ether;
    uint64 constant DEADLINE = 3 days;
    uint64 constant NOTICE = 7 days;
    uint32 constant OPERATOR_INDEX = 5;
    bytes32 constant GENESIS_ROOT = bytes32(uint256(0x1234));
    bytes32 constant BATCH_PROGRAM = bytes32(uint256(0xbbbb));
    bytes32 constant EXIT_PROGRAM = bytes32(uint256(0xeeee));
    /// Four elements, each below p.
    bytes32 constant KEY_HASH = 0x0101010101010101020202020202020203030303030303030404040404040404;

    address constant OWNER = address(0xA11);
    address constant OPERATOR = address(0x0FE);
    address constant OPERATOR_OWNER = address(0x0F0);
    address constant ALICE = address(0xA11CE);
    address constant BOB = address(0xB0B);
    address constant EVE = address(0xE4E);

    Groth16Verifier verifier;
    Rollup rollup;
    PlainToken token;
    /// Open requests as the operator knows them: their records, a forced exit's without the amount.
    bytes[] requests;
    uint256 requestsTaken;

    function setUp() public virtual {
        vm.warp(1_800_000_000);
        verifier = new Groth16Verifier(Simulator.key());
        rollup = new Rollup(config());
        token = new PlainToken();
        vm.prank(OWNER);
        rollup.addAsset(TOKEN, address(token), TOKEN_SCALE);
        address[4] memory users = [ALICE, BOB, EVE, OPERATOR_OWNER];
        for (uint256 i = 0; i < 4; ++i) {
            vm.deal(users[i], 1e6 ether);
            mint(token, users[i], 1e30);
        }
        (uint32[] memory accounts, address[] memory owners) = (new uint32[](1), new address[](1));
        (accounts[0], owners[0]) = (OPERATOR_INDEX, OPERATOR_OWNER);
        vm.prank(OWNER);
        rollup.listGenesisAccounts(accounts, owners);
        vm.prank(OWNER);
        rollup.launch();
    }

    function config() internal view returns (Rollup.Config memory) {
        return Rollup.Config({
            verifier: verifier,
            owner: OWNER,
            operator: OPERATOR,
            operatorIndex: OPERATOR_INDEX,
            genesisRoot: GENESIS_ROOT,
            programs: Programs.ProgramIds(BATCH_PROGRAM, EXIT_PROGRAM),
            coinScale: COIN_SCALE,
            requestFee: FEE,
            requestDeadline_s: DEADLINE,
            programNotice_s: NOTICE
        });
    }

    function mint(PlainToken token_, address to, uint256 amount) internal {
        token_.mint(to, amount);
        vm.prank(to);
        token_.approve(address(rollup), type(uint256).max);
    }

    function progress() internal view returns (uint32 batchNumber, uint64 timestamp, uint64 taken, uint64 made) {
        (,, batchNumber, timestamp, taken, made) = rollup.progress();
    }

    function held(uint16 asset) internal view returns (uint64 quanta) {
        (,, quanta) = rollup.assets(asset);
    }

    // Users

    function open(address user, uint16 asset, uint64 quanta) internal returns (uint32 account) {
        (uint256 amount, uint256 value) = costs(asset, quanta);
        vm.prank(user);
        (account,) = rollup.open{value: value}(asset, amount, KEY_HASH);
        requests.push(Records.open(asset, account, quanta, KEY_HASH));
    }

    function deposit(address user, uint32 account, uint16 asset, uint64 quanta) internal {
        (uint256 amount, uint256 value) = costs(asset, quanta);
        address owner = rollup.ownerOf(account);
        vm.prank(user);
        rollup.deposit{value: value}(account, owner, asset, amount);
        requests.push(Records.deposit(asset, account, quanta));
    }

    function rekey(address user, bytes32 keyHash) internal {
        vm.prank(user);
        rollup.rekey{value: FEE}(keyHash);
        requests.push(Records.rekey(rollup.accountOf(user), keyHash));
    }

    function requestExit(address user, uint16 asset) internal {
        vm.prank(user);
        rollup.requestExit{value: FEE}(asset);
        requests.push(Records.forcedExitRequest(asset, rollup.accountOf(user)));
    }

    /// Base units of a deposit, and the coins that come with it.
    function costs(uint16 asset, uint64 quanta) internal pure returns (uint256 amount, uint256 value) {
        amount = quanta * uint256(asset == 0 ? COIN_SCALE : TOKEN_SCALE);
        value = FEE + (asset == 0 ? amount : 0);
    }

    // Operator

    /// The record of the next request, a forced exit's with the amount that was moved.
    function take(uint64 moved) internal returns (bytes memory record) {
        record = requests[requestsTaken++];
        if (uint8(record[0]) == Records.FORCED_EXIT) record = abi.encodePacked(record, uint56(moved));
    }

    function takeAll() internal returns (bytes memory stream) {
        while (requestsTaken < requests.length) stream = bytes.concat(stream, take(0));
    }

    function withdrawal(uint32 account, uint16 asset, uint64 quanta) internal pure returns (bytes memory) {
        return abi.encodePacked(Records.WITHDRAW, asset, account, uint32(0), uint24(7), uint56(quanta));
    }

    /// The next batch, with a proof.
    function batchOf(bytes memory l1, bytes memory l2) internal view returns (Batches.Batch memory batch) {
        (uint32 last,,,) = progress();
        batch = Batches.Batch({
            number: last + 1,
            operatorIndex: OPERATOR_INDEX,
            timestamp: uint64(block.timestamp),
            programId: BATCH_PROGRAM,
            preRoot: rollup.stateRoot(),
            postRoot: keccak256(abi.encode(rollup.stateRoot(), l1, l2)),
            daCommit: keccak256(bytes.concat(l1, l2)),
            l1Stream: l1,
            l2Stream: l2,
            proof: ""
        });
        batch.proof = prove(batch, address(rollup));
    }

    /// A proof of what `batch` says, for the rollup at `where`.
    function prove(Batches.Batch memory batch, address where) internal view returns (bytes memory) {
        uint128 z = Reference.drawPoint(batch.daCommit, batch.l1Stream, batch.l2Stream);
        return Simulator.prove(
            Reference.publicInput(
                where,
                batch.programId,
                abi.encodePacked(batch.number, batch.operatorIndex, batch.timestamp),
                [batch.preRoot, batch.postRoot, batch.daCommit],
                [z, Reference.evaluate(z, batch.l1Stream), Reference.evaluate(z, batch.l2Stream)]
            )
        );
    }

    function submit(Batches.Batch memory batch) internal {
        vm.prank(OPERATOR, OPERATOR);
        rollup.submitBatch(batch);
    }

    function submit(bytes memory l1, bytes memory l2) internal {
        submit(batchOf(l1, l2));
    }

    /// A proof that the last state lets `account` take `quanta` of `asset` out.
    function proveExit(uint32 account, uint16 asset, uint64 quanta) internal view returns (bytes memory) {
        return Simulator.prove(
            Reference.publicInput(
                address(rollup),
                EXIT_PROGRAM,
                abi.encodePacked(uint32(0), account, uint64(asset)),
                [rollup.stateRoot(), bytes32(0), bytes32(0)],
                [uint128(quanta) << 64, uint128(0), uint128(0)]
            )
        );
    }

    /// Refuses the next call with `reason`.
    function refuse(bytes memory reason) internal {
        vm.expectRevert(reason);
    }
}
