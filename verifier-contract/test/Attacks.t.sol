// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Groth16Verifier} from "../src/Groth16Verifier.sol";
import {Records} from "../src/Records.sol";
import {Accounts} from "../src/rollup/Accounts.sol";
import {Assets} from "../src/rollup/Assets.sol";
import {Batches} from "../src/rollup/Batches.sol";
import {Escape} from "../src/rollup/Escape.sol";
import {Phase, Phases} from "../src/rollup/Phases.sol";
import {PriorityQueue} from "../src/rollup/PriorityQueue.sol";
import {Programs} from "../src/rollup/Programs.sol";
import {Requests} from "../src/rollup/Requests.sol";
import {Token} from "../src/rollup/Token.sol";
import {Reference} from "./kit/Reference.sol";
import {RollupTest} from "./kit/RollupTest.sol";
import {Simulator} from "./kit/Simulator.sol";
import {CallingToken, PlainToken} from "./kit/Tokens.sol";
import {vm} from "./kit/Vm.sol";

/// An attacker that is a contract: makes several calls in one transaction, and one more when coins arrive.
contract Hand {
    address private target;
    bytes private data;
    bool private refusing;

    bool public worked;
    bytes public answer;
    /// What it was owed, read in the middle of being paid.
    uint256 public owedWhenPaid;

    function arm(address target_, bytes calldata data_) external {
        (target, data) = (target_, data_);
    }

    function refuse(bool refuse_) external {
        refusing = refuse_;
    }

    function run(address called, bytes calldata data_, uint256 value) public returns (bool done, bytes memory got) {
        (done, got) = called.call{value: value}(data_);
    }

    /// All in one transaction; says which of them worked.
    function runAll(address called, bytes[] calldata calls, uint256 value) external returns (bool[] memory done) {
        done = new bool[](calls.length);
        for (uint256 i = 0; i < calls.length; ++i) {
            (done[i],) = run(called, calls[i], value);
        }
    }

    receive() external payable {
        require(!refusing, "no, thanks");
        if (target == address(0)) return;
        (bool read, bytes memory owed) = msg.sender.staticcall(abi.encodeWithSignature("owed(uint32,uint16)", 65536, 0));
        owedWhenPaid = read ? abi.decode(owed, (uint256)) : type(uint256).max;
        address called = target;
        target = address(0);
        (worked, answer) = called.call(data);
    }
}

/// Makes a call before it has code.
contract Newborn {
    bool public worked;
    bytes public answer;

    constructor(address called, bytes memory data) {
        (worked, answer) = called.call(data);
    }
}

/// Takes back what it moved, whenever its maker likes.
contract GreedyToken is PlainToken {
    function seize(address from) external {
        balanceOf[from] = 0;
    }
}

/// Answers whatever it is told to.
contract AnyVerifier {
    uint256 private said;

    function say(uint256 said_) external {
        said = said_;
    }

    function verify(bytes calldata, uint256) external view returns (uint256) {
        return said;
    }
}

/// Attacks that do not work, by who makes them.
contract AttacksTest is RollupTest {
    uint256 constant P = 21888242871839275222246405745257275088696311157297823662689037894645226208583;
    uint64 constant MOST_OPEN = 32767;

    function l2() private pure returns (bytes memory) {
        return abi.encodePacked(uint8(4), uint16(0), uint32(65536), uint32(65537), uint24(1), uint56(1000));
    }

    function freeze() private {
        vm.warp(block.timestamp + DEADLINE + 1);
        rollup.freeze();
    }

    // The operator: calldata that is read in two ways

    /// A batch with a withdrawal, a transfer, and what fills up both streams to whole words.
    function usual() private returns (bytes memory) {
        uint32 alice = open(ALICE, 0, 1000);
        submit(takeAll(), "");
        return abi.encodeCall(rollup.submitBatch, (batchOf(withdrawal(alice, 0, 513), l2())));
    }

    function accepts(bytes memory data) private returns (bool done) {
        vm.prank(OPERATOR, OPERATOR);
        // Enough for a batch, and what an off-curve point takes of it is not much.
        (done,) = address(rollup).call{gas: 500_000}(data);
    }

    /// A batch has one spelling: offsets, lengths, upper bits of short numbers, and what fills up to whole words.
    function test_every_changed_byte_of_the_calldata_is_refused() public {
        bytes memory data = usual();
        for (uint256 i = 0; i < data.length; ++i) {
            for (uint256 j = 0; j < 2; ++j) {
                bytes1 before = data[i];
                data[i] ^= j == 0 ? bytes1(0x01) : bytes1(0x80);
                vm.assertTrue(!accepts(data), vm.toString(i));
                data[i] = before;
            }
        }
        vm.assertTrue(accepts(data), "the usual one");
    }

    function test_calldata_that_is_cut_off_is_refused() public {
        bytes memory data = usual();
        for (uint256 less = 1; less < 100; ++less) {
            bytes memory shorter = new bytes(data.length - less);
            for (uint256 i = 0; i < shorter.length; ++i) {
                shorter[i] = data[i];
            }
            vm.assertTrue(!accepts(shorter), vm.toString(less));
        }
    }

    /// Sums that wrap, and what is the usual number in its lower bits.
    function test_offsets_and_lengths_beyond_64_bits_are_refused() public {
        bytes memory data = usual();
        // The batch's offset; offsets of both streams and the proof; their lengths.
        uint256[7] memory places = [uint256(4), 260, 292, 324, 356, 420, 484];
        uint256[5] memory multiples = [uint256(1) << 32, 1 << 64, 1 << 128, 1 << 250, 1 << 255];
        for (uint256 i = 0; i < places.length; ++i) {
            uint256 word = wordAt(data, places[i]);
            for (uint256 j = 0; j < multiples.length; ++j) {
                vm.assertTrue(!accepts(withWord(data, places[i], word + multiples[j])), "the number in its lower bits");
            }
            for (uint256 back = 1; back < 1000; back += 31) {
                unchecked {
                    vm.assertTrue(!accepts(withWord(data, places[i], 0 - back)), "back from the beginning");
                }
            }
        }
        vm.assertTrue(accepts(data), "the usual one");
    }

    function wordAt(bytes memory data, uint256 place) private pure returns (uint256 word) {
        assembly {
            word := mload(add(add(data, 32), place))
        }
    }

    function withWord(bytes memory data, uint256 place, uint256 word) private pure returns (bytes memory changed) {
        changed = bytes.concat(data);
        assembly {
            mstore(add(add(changed, 32), place), word)
        }
    }

    // The operator: batches that no transaction's calldata has

    /// The streams would be in the calldata of a call, or nowhere but in a contract's memory.
    function test_batches_through_a_contract_are_refused() public {
        Hand attacker = new Hand();
        vm.prank(OWNER);
        rollup.setOperator(address(attacker));
        bytes memory data = abi.encodeCall(rollup.submitBatch, (batchOf("", l2())));
        vm.prank(EVE, EVE);
        (bool done, bytes memory answer) = attacker.run(address(rollup), data, 0);
        vm.assertTrue(!done, "accepted");
        vm.assertEq(answer, throughContract(address(attacker), EVE), "another reason");
        // Named operator again, an account without code submits it.
        vm.prank(OWNER);
        rollup.setOperator(OPERATOR);
        vm.assertTrue(accepts(data), "the operator's own transaction");
    }

    /// A contract has no code while it is made.
    function test_batches_from_a_constructor_are_refused() public {
        bytes memory data = abi.encodeCall(rollup.submitBatch, (batchOf("", l2())));
        address newborn = vm.computeCreateAddress(EVE, vm.getNonce(EVE));
        vm.prank(OWNER);
        rollup.setOperator(newborn);
        vm.prank(EVE, EVE);
        Newborn made = new Newborn(address(rollup), data);
        vm.assertEq(address(made), newborn, "made elsewhere");
        vm.assertTrue(!made.worked(), "accepted");
        vm.assertEq(made.answer(), throughContract(newborn, EVE), "another reason");
    }

    /// As an account that delegates is called in somebody else's transaction.
    function test_batches_in_the_transaction_of_another_are_refused() public {
        Batches.Batch memory batch = batchOf("", l2());
        address[2] memory origins = [EVE, OWNER];
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(OPERATOR, origins[i]);
            refuse(throughContract(OPERATOR, origins[i]));
            rollup.submitBatch(batch);
        }
        submit(batch);
    }

    /// EIP-7702: the account's code is 0xef0100 and the address of what it delegates to. Its transaction can go to
    /// itself, whose code makes the batch then.
    function test_batches_of_an_operator_that_delegates_are_refused() public {
        Hand attacker = new Hand();
        Batches.Batch memory batch = batchOf("", l2());
        vm.etch(OPERATOR, abi.encodePacked(hex"ef0100", address(attacker)));
        vm.prank(OPERATOR, OPERATOR);
        refuse(throughContract(OPERATOR, OPERATOR));
        rollup.submitBatch(batch);

        // What the delegation does, whether or not the test runner's EVM knows it.
        vm.etch(OPERATOR, address(attacker).code);
        bytes memory data = abi.encodeCall(rollup.submitBatch, (batch));
        vm.prank(OPERATOR, OPERATOR);
        (bool done, bytes memory answer) = Hand(payable(OPERATOR)).run(address(rollup), data, 0);
        vm.assertTrue(!done, "accepted");
        vm.assertEq(answer, throughContract(OPERATOR, OPERATOR), "another reason");

        vm.etch(OPERATOR, "");
        vm.assertTrue(accepts(data), "without the delegation");
    }

    function throughContract(address sender, address origin) private pure returns (bytes memory) {
        return abi.encodeWithSelector(Batches.BatchThroughContract.selector, sender, origin);
    }

    // The operator: many records

    /// Memory must not grow with the records, or evaluating would find its place taken.
    function test_a_batch_of_many_records_of_all_kinds_is_accepted() public {
        uint32 alice = open(ALICE, 0, 1e9);
        deposit(BOB, alice, TOKEN, 1e9);
        for (uint256 i = 0; i < 50; ++i) {
            deposit(BOB, alice, 0, 1);
            rekey(ALICE, KEY_HASH);
            requestExit(ALICE, TOKEN);
        }
        bytes memory l1;
        for (uint32 i = 0; i < 152; ++i) {
            l1 = bytes.concat(l1, take(3), withdrawal(i, 0, 2));
        }
        submit(l1, "");
        vm.assertEq(rollup.owed(alice, TOKEN), 150, "forced exits");
        vm.assertEq(held(0), 1e9 + 50 - 304, "held");
    }

    // The operator: proofs

    /// Groth16 proofs can be changed without their maker, and nothing is keyed by their bytes.
    function test_another_spelling_of_a_proof_counts_no_second_time() public {
        uint32 alice = open(ALICE, 0, 1000);
        Batches.Batch memory batch = batchOf(takeAll(), "");
        bytes memory proof = batch.proof;
        batch.proof = negated(proof);
        submit(batch);
        batch.proof = proof;
        vm.prank(OPERATOR, OPERATOR);
        refuse(abi.encodeWithSelector(Batches.WrongBatchNumber.selector, 2, 1));
        rollup.submitBatch(batch);

        requestExit(ALICE, 0);
        freeze();
        proof = proveExit(alice, 0, 1000);
        vm.prank(ALICE);
        rollup.exit(0, 1000, EXIT_PROGRAM, negated(proof));
        vm.prank(ALICE);
        refuse(abi.encodeWithSelector(Escape.AlreadyExited.selector, alice, 0));
        rollup.exit(0, 1000, EXIT_PROGRAM, proof);
    }

    /// (−A, −B, C) for (A, B, C).
    function negated(bytes memory proof) private pure returns (bytes memory) {
        uint256[8] memory words = abi.decode(proof, (uint256[8]));
        words[1] = P - words[1];
        (words[4], words[5]) = (P - words[4], P - words[5]);
        return abi.encode(words);
    }

    /// A call that runs out of gas anywhere, in a precompile too, changes nothing.
    function test_too_little_gas_never_makes_half_a_batch() public {
        uint32 alice = open(ALICE, 0, 1000);
        bytes memory data =
            abi.encodeCall(rollup.submitBatch, (batchOf(bytes.concat(take(0), withdrawal(alice, 0, 1)), l2())));
        bool done;
        uint256 gas_ = 20_000;
        for (; !done; gas_ += 5000) {
            vm.assertEq(rollup.stateRoot(), GENESIS_ROOT, "root");
            vm.assertEq(rollup.owed(alice, 0), 0, "owed");
            vm.assertEq(held(0), 1000, "held");
            vm.prank(OPERATOR, OPERATOR);
            (done,) = address(rollup).call{gas: gas_}(data);
        }
        vm.assertTrue(gas_ > 200_000, "needs a verification");
        vm.assertEq(rollup.owed(alice, 0), 1, "all of it");
    }

    function test_a_verifier_that_is_gone_or_says_neither_yes_nor_no_accepts_nothing() public {
        Batches.Batch memory batch = batchOf("", "");
        bytes memory data = abi.encodeCall(rollup.submitBatch, (batch));
        bytes memory real = address(verifier).code;
        vm.etch(address(verifier), "");
        vm.assertTrue(!accepts(data), "no code");
        AnyVerifier any = new AnyVerifier();
        vm.etch(address(verifier), address(any).code);
        AnyVerifier(address(verifier)).say(0);
        vm.assertTrue(!accepts(data), "no");
        AnyVerifier(address(verifier)).say(2);
        vm.assertTrue(!accepts(data), "neither");
        vm.etch(address(verifier), real);
        vm.assertTrue(accepts(data), "the real one");
    }

    // Reorganisations of L1

    /// The chain of requests is over what they say and not when: the batch still fits, and the deadline moves.
    function test_requests_that_a_reorganisation_made_later_fit_the_same_batch() public {
        uint256 before = vm.snapshotState();
        open(ALICE, 0, 1000);
        requestExit(ALICE, 0);
        Batches.Batch memory batch = batchOf(bytes.concat(take(0), take(900)), "");
        uint64 deadline = rollup.oldestDeadline();
        vm.revertToState(before);

        vm.warp(block.timestamp + 12);
        open(ALICE, 0, 1000);
        requestExit(ALICE, 0);
        vm.assertEq(rollup.oldestDeadline(), deadline + 12, "the later time counts");
        submit(batch);
        vm.assertEq(rollup.owed(65536, 0), 900, "served");
    }

    /// Bob's account comes first now: Carol's deposit for Alice, and the batch, must not become Bob's.
    function test_a_reorganisation_does_not_send_deposits_to_others() public {
        uint256 before = vm.snapshotState();
        uint32 alice = open(ALICE, 0, 1000);
        open(BOB, 0, 1000);
        Batches.Batch memory batch = batchOf(bytes.concat(take(0), withdrawal(alice, 0, 10)), "");
        vm.revertToState(before);

        vm.prank(BOB);
        rollup.open{value: 2000e9 + FEE}(0, 2000e9, KEY_HASH);
        vm.prank(ALICE);
        rollup.open{value: 1000e9 + FEE}(0, 1000e9, KEY_HASH);
        vm.prank(EVE);
        refuse(abi.encodeWithSelector(Requests.OtherOwner.selector, alice, ALICE, BOB));
        rollup.deposit{value: 1e9 + FEE}(alice, ALICE, 0, 1e9);
        vm.prank(OPERATOR, OPERATOR);
        vm.expectPartialRevert(Batches.OtherRequests.selector);
        rollup.submitBatch(batch);
    }

    /// After a split of the chain, proofs of the other side are worth nothing here.
    function test_exits_of_the_other_side_of_a_split_are_refused() public {
        uint32 alice = open(ALICE, 0, 1000);
        submit(takeAll(), "");
        requestExit(ALICE, 0);
        freeze();
        bytes memory proof = proveExit(alice, 0, 1000);
        vm.chainId(block.chainid + 1);
        vm.prank(ALICE);
        vm.expectPartialRevert(Programs.ProofRejected.selector);
        rollup.exit(0, 1000, EXIT_PROGRAM, proof);
        proof = proveExit(alice, 0, 1000);
        vm.prank(ALICE);
        rollup.exit(0, 1000, EXIT_PROGRAM, proof);
    }

    /// In the block of the deadline and in the one after, whoever is first.
    function test_a_freeze_and_a_batch_in_one_block() public {
        uint32 alice = open(ALICE, 0, 1000);
        Batches.Batch memory batch = batchOf(take(0), "");
        vm.warp(block.timestamp + DEADLINE + 1);
        batch.timestamp = uint64(block.timestamp);
        batch.proof = prove(batch, address(rollup));
        uint256 before = vm.snapshotState();
        submit(batch);
        refuse(abi.encodeWithSelector(Escape.NotOverdue.selector, type(uint64).max, block.timestamp));
        rollup.freeze();
        vm.revertToState(before);
        rollup.freeze();
        vm.prank(OPERATOR, OPERATOR);
        refuse(abi.encodeWithSelector(Phases.WrongPhase.selector, Phase.Live, Phase.Frozen));
        rollup.submitBatch(batch);
        rollup.reclaim(1, requests[0]);
        vm.assertEq(rollup.owed(alice, 0), 1000, "one way or the other, not both");
    }

    // Who floods the queue

    /// Every place of the ring in use, across its end. What one request costs a batch does not depend on it.
    function test_a_full_queue_is_served_from_its_front() public {
        uint32 alice = open(ALICE, 0, 1e9);
        submit(take(0), "");
        setCounts(20_000, 20_000);
        vm.pauseGasMetering();
        vm.deal(ALICE, 1e6 ether);
        for (uint256 i = 0; i < MOST_OPEN; ++i) {
            vm.prank(ALICE);
            rollup.requestExit{value: FEE}(0);
        }
        vm.resumeGasMetering();
        vm.prank(ALICE);
        refuse(abi.encodeWithSelector(PriorityQueue.QueueFull.selector, MOST_OPEN));
        rollup.requestExit{value: FEE}(0);
        vm.assertEq(rollup.oldestDeadline(), block.timestamp + DEADLINE, "the oldest is not written over");

        bytes memory one = abi.encodePacked(Records.forcedExitRequest(0, alice), uint56(1));
        Batches.Batch memory batch = batchOf(one, "");
        vm.prank(OPERATOR, OPERATOR);
        uint256 before = gasleft();
        rollup.submitBatch(batch);
        vm.assertLe(before - gasleft(), 350_000, "one request fits any block");

        vm.prank(ALICE);
        rollup.requestExit{value: FEE}(0);
        bytes memory many;
        for (uint256 i = 0; i < 100; ++i) {
            many = bytes.concat(many, one);
        }
        submit(many, "");
        (,, uint64 taken, uint64 made) = progress();
        vm.assertEq(made - taken, MOST_OPEN - 100, "still open");

        // After a freeze every open request still has its words: the first one needs the last one's that was taken.
        freeze();
        uint64[2] memory numbers = [taken + 1, made];
        for (uint256 i = 0; i < 2; ++i) {
            refuse(abi.encodeWithSelector(Escape.NotADeposit.selector, numbers[i], Records.FORCED_EXIT));
            rollup.reclaim(numbers[i], Records.forcedExitRequest(0, alice));
        }
    }

    function setCounts(uint64 taken, uint64 made) private {
        bytes32 slot = bytes32(uint256(3));
        uint256 word = uint256(vm.load(address(rollup), slot));
        word = word & ~(uint256(type(uint128).max) << 112) | uint256(taken) << 112 | uint256(made) << 176;
        vm.store(address(rollup), slot, bytes32(word));
        (,, uint64 nowTaken, uint64 nowMade) = progress();
        vm.assertTrue(nowTaken == taken && nowMade == made, "progress is in another slot");
    }

    // Users

    /// Two requests of the same bytes are two requests.
    function test_equal_deposits_are_reclaimed_each_once() public {
        uint32 alice = open(ALICE, 0, 1000);
        submit(takeAll(), "");
        deposit(EVE, alice, 0, 5);
        deposit(EVE, alice, 0, 5);
        freeze();
        vm.assertEq(requests[1], requests[2], "the same bytes");
        for (uint64 i = 2; i < 4; ++i) {
            rollup.reclaim(i, requests[1]);
            refuse(abi.encodeWithSelector(Escape.AlreadyReclaimed.selector, i));
            rollup.reclaim(i, requests[1]);
        }
        vm.assertEq(rollup.owed(alice, 0), 10, "both");
    }

    /// A forced exit that was served, one that was not, an exit after the freeze: never more than was there.
    function test_every_way_out_together_pays_once() public {
        uint64 whole = (1 << 57) + 5;
        uint64 most = (1 << 56) - 1;
        uint32 alice = open(ALICE, TOKEN, whole);
        submit(takeAll(), "");
        requestExit(ALICE, TOKEN);
        requestExit(ALICE, TOKEN);
        submit(take(most), "");
        freeze();
        vm.prank(ALICE);
        refuse(abi.encodeWithSelector(Phases.WrongPhase.selector, Phase.Live, Phase.Frozen));
        rollup.requestExit{value: FEE}(TOKEN);
        bytes memory proof = proveExit(alice, TOKEN, whole - most);
        vm.prank(ALICE);
        rollup.exit(TOKEN, whole - most, EXIT_PROGRAM, proof);
        refuse(abi.encodeWithSelector(Escape.NotADeposit.selector, 3, Records.FORCED_EXIT));
        rollup.reclaim(3, requests[2]);
        vm.assertEq(rollup.owed(alice, TOKEN), whole, "all of it");
        vm.assertEq(held(TOKEN), 0, "nothing left");
        vm.prank(ALICE);
        rollup.claim(TOKEN, BOB);
        vm.assertEq(token.balanceOf(address(rollup)), 0, "paid");
    }

    function test_owners_of_genesis_accounts_exit_too() public {
        deposit(BOB, OPERATOR_INDEX, 0, 70);
        submit(takeAll(), "");
        requestExit(OPERATOR_OWNER, 0);
        freeze();
        bytes memory proof = proveExit(OPERATOR_INDEX, 0, 70);
        vm.prank(OPERATOR_OWNER);
        rollup.exit(0, 70, EXIT_PROGRAM, proof);
        vm.prank(OPERATOR_OWNER);
        rollup.claim(0, EVE);
    }

    // Calling back

    /// A contract with an account, 1000 quanta in it, and `owed` to it.
    function hand(uint56 owed) private returns (Hand attacker) {
        attacker = new Hand();
        vm.deal(address(attacker), 10 ether);
        attacker.run(address(rollup), abi.encodeCall(rollup.open, (0, 1000e9, KEY_HASH)), 1000e9 + FEE);
        requests.push(Records.open(0, 65536, 1000, KEY_HASH));
        submit(bytes.concat(take(0), withdrawal(65536, 0, owed)), "");
    }

    function test_nothing_is_entered_again_after_a_freeze() public {
        Hand attacker = hand(1);
        deposit(EVE, 65536, 0, 5);
        freeze();
        bytes memory proof = proveExit(65536, 0, 999);
        bytes[3] memory attempts = [
            abi.encodeCall(rollup.exit, (0, 999, EXIT_PROGRAM, proof)),
            abi.encodeCall(rollup.reclaim, (2, requests[1])),
            abi.encodeCall(rollup.claim, (0, address(attacker)))
        ];
        uint256 before = vm.snapshotState();
        for (uint256 i = 0; i < 3; ++i) {
            attacker.arm(address(rollup), attempts[i]);
            attacker.run(address(rollup), abi.encodeCall(rollup.claim, (0, address(attacker))), 0);
            vm.assertTrue(!attacker.worked(), "called back");
            vm.assertTrue(bytes4(attacker.answer()) == Phases.Reentered.selector, "another reason");
            vm.assertEq(attacker.owedWhenPaid(), 0, "who reads in the middle sees what is left");
            (bool done,) = attacker.run(address(rollup), attempts[i], 0);
            vm.assertTrue(done == (i < 2), "afterwards: what was paid is not paid again");
            vm.revertToState(before);
        }
    }

    /// The lock refuses it before anything looks at who calls; afterwards it is refused for being a contract.
    function test_an_operator_that_is_paid_submits_no_batch_meanwhile() public {
        Hand attacker = hand(1);
        vm.prank(OWNER);
        rollup.setOperator(address(attacker));
        Batches.Batch memory batch = batchOf(withdrawal(65536, 0, 1), "");
        attacker.arm(address(rollup), abi.encodeCall(rollup.submitBatch, (batch)));
        attacker.run(address(rollup), abi.encodeCall(rollup.claim, (0, address(attacker))), 0);
        vm.assertTrue(bytes4(attacker.answer()) == Phases.Reentered.selector, "another reason");
        (bool done, bytes memory answer) = attacker.run(address(rollup), abi.encodeCall(rollup.submitBatch, (batch)), 0);
        vm.assertTrue(!done, "afterwards");
        vm.assertTrue(bytes4(answer) == Batches.BatchThroughContract.selector, "another reason afterwards");
    }

    /// The lock lives as long as the transaction: neither a call that failed nor one that worked must leave it closed.
    function test_the_lock_opens_again_within_a_transaction() public {
        Hand attacker = hand(7);
        Hand other = new Hand();
        other.refuse(true);
        bytes[] memory calls = new bytes[](5);
        calls[0] = abi.encodeCall(rollup.claim, (0, address(other)));
        calls[1] = abi.encodeCall(rollup.claim, (0, ALICE));
        calls[2] = abi.encodeCall(rollup.claim, (0, ALICE));
        calls[3] = abi.encodeCall(rollup.freeze, ());
        calls[4] = abi.encodeCall(rollup.claim, (TOKEN, ALICE));
        bool[] memory done = attacker.runAll(address(rollup), calls, 0);
        bool[5] memory expected = [false, true, false, false, false];
        for (uint256 i = 0; i < 5; ++i) {
            vm.assertTrue(done[i] == expected[i], vm.toString(i));
        }
        calls = new bytes[](2);
        calls[0] = abi.encodeCall(rollup.rekey, (KEY_HASH));
        calls[1] = abi.encodeCall(rollup.requestExit, (0));
        done = attacker.runAll(address(rollup), calls, FEE);
        vm.assertTrue(done[0] && done[1], "two requests in one transaction");
    }

    // Tokens

    function add(uint16 asset, address token_) private {
        vm.prank(OWNER);
        rollup.addAsset(asset, token_, 1);
    }

    /// As by a hook of ERC-777 while the balance is measured.
    function test_tokens_that_come_in_the_middle_of_a_deposit_do_not_count() public {
        CallingToken calling = new CallingToken();
        mint(calling, ALICE, 1e6);
        add(2, address(calling));
        calling.arm(address(calling), abi.encodeCall(calling.mint, (address(rollup), 5)));
        vm.prank(ALICE);
        refuse(abi.encodeWithSelector(Token.ReceivedOtherAmount.selector, address(calling), 1000, 1005));
        rollup.open{value: FEE}(2, 1000, KEY_HASH);
    }

    /// Tokens and coins that were sent without a call are nobody's: no deposit counts them, nothing is owed.
    function test_gifts_change_no_account() public {
        uint32 alice = open(ALICE, 0, 1000);
        mint(token, address(rollup), 1e12);
        // As a contract that destroys itself, or the one who makes a block, can send them.
        vm.deal(address(rollup), address(rollup).balance + 1 ether);
        vm.deal(address(this), 1 ether);
        (bool taken,) = address(rollup).call{value: 1 ether}("");
        vm.assertTrue(!taken, "coins without a call");
        vm.assertEq(held(0), 1000, "held coins");
        vm.assertEq(held(TOKEN), 0, "held tokens");
        vm.assertEq(rollup.burntFees(), FEE, "burnt");
        deposit(BOB, alice, TOKEN, 5);
        submit(bytes.concat(takeAll(), withdrawal(alice, TOKEN, 5), withdrawal(alice, 0, 1000)), "");
        vm.prank(ALICE);
        rollup.claim(TOKEN, BOB);
        vm.prank(ALICE);
        rollup.claim(0, BOB);
        vm.assertEq(address(rollup).balance, 1 ether + 2 * FEE, "the gift and the fees");
        vm.assertEq(token.balanceOf(address(rollup)), 1e12, "the gift");
    }

    /// Whoever put money in a token that takes it back has lost it; nobody else has, and no batch stops.
    function test_a_token_that_takes_everything_back_harms_its_own_holders_only() public {
        GreedyToken greedy = new GreedyToken();
        mint(greedy, EVE, 1e6);
        add(2, address(greedy));
        uint32 alice = open(ALICE, 0, 1000);
        deposit(BOB, alice, TOKEN, 500);
        vm.prank(EVE);
        rollup.open{value: FEE}(2, 1000, KEY_HASH);
        requests.push(Records.open(2, 65537, 1000, KEY_HASH));
        greedy.seize(address(rollup));
        bytes memory l1 = bytes.concat(takeAll(), withdrawal(65537, 2, 900), withdrawal(alice, 0, 1000));
        submit(bytes.concat(l1, withdrawal(alice, TOKEN, 500)), "");
        vm.prank(EVE);
        vm.expectPartialRevert(Token.TransferFailed.selector);
        rollup.claim(2, EVE);
        vm.prank(ALICE);
        rollup.claim(0, ALICE);
        vm.prank(ALICE);
        rollup.claim(TOKEN, ALICE);
        // It cannot make more of another asset leave either.
        Batches.Batch memory batch = batchOf(withdrawal(65537, TOKEN, 1), "");
        vm.prank(OPERATOR, OPERATOR);
        refuse(abi.encodeWithSelector(Assets.TooLittleHeld.selector, TOKEN, 1, 0));
        rollup.submitBatch(batch);
    }

    // Owner and operator together

    /// They propose programs that are theirs alone, and keep the queue full, so that nobody can ask for an exit in the
    /// notice. Serving and asking again takes two transactions, but if both are next to each other in a block, no place
    /// is left to others.
    function test_programs_do_not_come_if_the_queue_was_full_in_their_notice() public {
        uint32 account = open(ALICE, 0, 1000);
        submit(takeAll(), "");
        uint64 proposed = propose();
        fill();
        vm.prank(ALICE);
        refuse(abi.encodeWithSelector(PriorityQueue.QueueFull.selector, MOST_OPEN));
        rollup.requestExit{value: FEE}(0);
        vm.warp(proposed + DEADLINE);
        serve(account);
        vm.prank(ALICE);
        rollup.requestExit{value: FEE}(0);
        vm.prank(ALICE);
        refuse(abi.encodeWithSelector(PriorityQueue.QueueFull.selector, MOST_OPEN));
        rollup.requestExit{value: FEE}(0);
        setCounts(3, 3);
        vm.warp(proposed + NOTICE);
        requireNoChange(abi.encodeWithSelector(Programs.QueueWasFull.selector, proposed, proposed + DEADLINE));

        // Proposed again, with a queue that takes requests, they come.
        proposed = propose();
        vm.prank(ALICE);
        rollup.requestExit{value: FEE}(0);
        setCounts(4, 4);
        vm.warp(proposed + NOTICE);
        vm.prank(OWNER);
        rollup.changePrograms();
    }

    /// A contract as operator could do both in one transaction, whoever makes the block.
    function test_no_contract_serves_and_asks_again_in_one_transaction() public {
        Hand attacker = hand(0);
        attacker.run(address(rollup), abi.encodeCall(rollup.requestExit, (0)), FEE);
        (,, uint64 taken,) = progress();
        setCounts(taken, taken + MOST_OPEN);
        bytes[] memory calls = new bytes[](2);
        bytes memory served = abi.encodePacked(Records.forcedExitRequest(0, 65536), uint56(1));
        calls[0] = abi.encodeCall(rollup.submitBatch, (batchOf(served, "")));
        calls[1] = abi.encodeCall(rollup.requestExit, (0));
        vm.prank(OWNER);
        rollup.setOperator(address(attacker));
        vm.prank(EVE, EVE);
        (bool done, bytes memory answer) = attacker.run(address(rollup), calls[0], 0);
        vm.assertTrue(!done, "a contract serves");
        vm.assertEq(answer, throughContract(address(attacker), EVE), "another reason");
        vm.prank(OWNER);
        rollup.setOperator(OPERATOR);
        vm.assertTrue(accepts(calls[0]), "an account without code serves");
        (done,) = attacker.run(address(rollup), calls[1], FEE);
        vm.assertTrue(done, "in a transaction of its own");
    }

    /// The queue was full before, so nothing fills it in the notice.
    function test_programs_do_not_come_if_the_queue_was_full_when_they_were_proposed() public {
        uint32 account = open(ALICE, 0, 1000);
        submit(takeAll(), "");
        fill();
        vm.warp(block.timestamp + 1);
        uint64 proposed = propose();
        serve(account);
        setCounts(3, 3);
        vm.warp(proposed + NOTICE);
        requireNoChange(abi.encodeWithSelector(Programs.QueueWasFull.selector, proposed, proposed));
    }

    /// Nor while it still is: with a notice of twice the deadline, requests of the first half can be open in time.
    function test_programs_do_not_come_while_the_queue_is_full() public {
        open(ALICE, 0, 1000);
        submit(takeAll(), "");
        uint64 proposed = propose();
        vm.warp(proposed + NOTICE);
        fill();
        requireNoChange(abi.encodeWithSelector(PriorityQueue.QueueFull.selector, MOST_OPEN));
    }

    function propose() private returns (uint64) {
        vm.prank(OWNER);
        rollup.proposePrograms(bytes32(uint256(0xb2)), bytes32(uint256(0xe2)));
        return uint64(block.timestamp);
    }

    function requireNoChange(bytes memory reason) private {
        vm.prank(OWNER);
        refuse(reason);
        rollup.changePrograms();
    }

    /// An exit of Alice, and as if all other places were taken, too.
    function fill() private {
        (,, uint64 taken,) = progress();
        vm.prank(ALICE);
        rollup.requestExit{value: FEE}(0);
        setCounts(taken, taken + MOST_OPEN);
    }

    /// A batch with the oldest request, an exit of Alice.
    function serve(uint32 account) private {
        submit(abi.encodePacked(Records.forcedExitRequest(0, account), uint56(1)), "");
    }
}
