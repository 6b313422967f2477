// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Evaluation} from "../src/Evaluation.sol";
import {Records} from "../src/Records.sol";
import {Rollup} from "../src/Rollup.sol";
import {Assets} from "../src/rollup/Assets.sol";
import {Batches} from "../src/rollup/Batches.sol";
import {Programs} from "../src/rollup/Programs.sol";
import {Roles} from "../src/rollup/Roles.sol";
import {RollupTest} from "./kit/RollupTest.sol";
import {vm} from "./kit/Vm.sol";

contract BatchesTest is RollupTest {
    function refuseBatch(Batches.Batch memory batch, bytes memory reason) private {
        vm.prank(OPERATOR, OPERATOR);
        refuse(reason);
        rollup.submitBatch(batch);
    }

    /// 21 bytes of an L2 stream.
    function l2() private pure returns (bytes memory) {
        return abi.encodePacked(uint8(4), uint16(0), uint32(65536), uint32(65537), uint24(1), uint56(1000));
    }

    function test_an_empty_batch_moves_the_root() public {
        Batches.Batch memory batch = batchOf("", "");
        vm.expectEmit(address(rollup));
        emit Batches.BatchAccepted(1, GENESIS_ROOT, batch.postRoot, batch.daCommit, uint64(block.timestamp), 0);
        submit(batch);
        vm.assertEq(rollup.stateRoot(), batch.postRoot, "root");
        (uint32 number, uint64 timestamp,,) = progress();
        vm.assertEq(number, 1, "number");
        vm.assertEq(timestamp, block.timestamp, "timestamp");
    }

    function test_a_batch_takes_requests_and_credits_what_leaves() public {
        uint32 alice = open(ALICE, 0, 1000);
        uint32 bob = open(BOB, TOKEN, 500);
        deposit(BOB, alice, TOKEN, 30);
        requestExit(BOB, TOKEN);
        rekey(ALICE, bytes32(uint256(1) << 248));
        bytes memory l1 = bytes.concat(take(0), take(0), withdrawal(alice, 0, 10));
        submit(bytes.concat(l1, take(0), take(490), withdrawal(alice, TOKEN, 1), take(0)), l2());
        vm.assertEq(rollup.owed(alice, 0), 10, "coins");
        vm.assertEq(rollup.owed(alice, TOKEN), 1, "token");
        vm.assertEq(rollup.owed(bob, TOKEN), 490, "forced exit");
        vm.assertEq(held(0), 990, "held coins");
        vm.assertEq(held(TOKEN), 39, "held token");
        (,, uint64 taken, uint64 made) = progress();
        vm.assertEq(taken, 5, "taken");
        vm.assertEq(made, 5, "made");
    }

    function test_batches_take_prefixes_of_the_queue() public {
        open(ALICE, 0, 1000);
        open(BOB, 0, 1000);
        submit(take(0), "");
        rekey(BOB, KEY_HASH);
        submit(take(0), "");
        submit("", l2());
        submit(take(0), "");
        (uint32 number,, uint64 taken,) = progress();
        vm.assertEq(number, 4, "batches");
        vm.assertEq(taken, 3, "taken");
    }

    function test_new_requests_do_not_invalidate_a_batch() public {
        open(ALICE, 0, 1000);
        Batches.Batch memory batch = batchOf(take(0), "");
        open(BOB, 0, 1000);
        submit(batch);
    }

    // Each field mangled in turn. Where the contract knows the value, it names both; else the proof does not hold.

    function test_only_the_operator_submits() public {
        Batches.Batch memory batch = batchOf("", "");
        refuse(abi.encodeWithSelector(Roles.NotTheOperator.selector, OPERATOR, address(this)));
        rollup.submitBatch(batch);
        vm.prank(OWNER);
        refuse(abi.encodeWithSelector(Roles.NotTheOperator.selector, OPERATOR, OWNER));
        rollup.submitBatch(batch);
    }

    function test_another_number_is_refused_even_with_its_proof() public {
        submit("", "");
        uint32[4] memory numbers = [uint32(0), 1, 3, type(uint32).max];
        for (uint256 i = 0; i < 4; ++i) {
            Batches.Batch memory batch = batchOf("", "");
            batch.number = numbers[i];
            batch.proof = prove(batch, address(rollup));
            refuseBatch(batch, abi.encodeWithSelector(Batches.WrongBatchNumber.selector, 2, numbers[i]));
        }
    }

    function test_a_stale_root_is_refused_even_with_its_proof() public {
        Batches.Batch memory batch = batchOf("", "");
        submit("", l2());
        batch.number = 2;
        batch.proof = prove(batch, address(rollup));
        refuseBatch(batch, abi.encodeWithSelector(Batches.StaleRoot.selector, rollup.stateRoot(), GENESIS_ROOT));
    }

    function test_another_program_is_refused_even_with_its_proof() public {
        bytes32[3] memory ids = [EXIT_PROGRAM, bytes32(0), bytes32(uint256(BATCH_PROGRAM) + 1)];
        for (uint256 i = 0; i < 3; ++i) {
            Batches.Batch memory batch = batchOf("", "");
            batch.programId = ids[i];
            batch.proof = prove(batch, address(rollup));
            refuseBatch(batch, abi.encodeWithSelector(Programs.WrongProgram.selector, BATCH_PROGRAM, ids[i]));
        }
    }

    function test_another_operators_account_is_refused_even_with_its_proof() public {
        Batches.Batch memory batch = batchOf("", "");
        batch.operatorIndex = 6;
        batch.proof = prove(batch, address(rollup));
        refuseBatch(batch, abi.encodeWithSelector(Batches.WrongOperatorIndex.selector, OPERATOR_INDEX, 6));
    }

    function test_timestamps_are_bounded() public {
        uint64 now_ = uint64(block.timestamp);
        requireTime(now_ - 1 days - 1, now_ - 1 days);
        requireTime(now_ + 5 minutes + 1, now_ - 1 days);
        requireTime(type(uint64).max, now_ - 1 days);
        Batches.Batch memory batch = batchOf("", "");
        batch.timestamp = now_ - 1 days;
        batch.proof = prove(batch, address(rollup));
        submit(batch);
        batch = batchOf("", "");
        batch.timestamp = now_ + 5 minutes;
        batch.proof = prove(batch, address(rollup));
        submit(batch);
        requireTime(now_ + 5 minutes - 1, now_ + 5 minutes);
    }

    /// The timestamp is refused, whatever the proof.
    function requireTime(uint64 timestamp, uint64 earliest) private {
        Batches.Batch memory batch = batchOf("", "");
        batch.timestamp = timestamp;
        batch.proof = prove(batch, address(rollup));
        refuseBatch(
            batch,
            abi.encodeWithSelector(Batches.WrongTimestamp.selector, earliest, block.timestamp + 5 minutes, timestamp)
        );
    }

    function test_a_timestamp_within_the_bounds_but_not_proven_is_refused() public {
        Batches.Batch memory batch = batchOf("", "");
        batch.timestamp -= 1;
        requireRejected(batch);
    }

    function test_another_post_root_is_refused() public {
        Batches.Batch memory batch = batchOf("", l2());
        batch.postRoot ^= bytes32(uint256(1));
        requireRejected(batch);
    }

    function test_another_commitment_is_refused() public {
        Batches.Batch memory batch = batchOf("", l2());
        batch.daCommit ^= bytes32(uint256(1) << 255);
        requireRejected(batch);
    }

    function test_every_changed_bit_of_the_l2_stream_is_refused(uint256 bit) public {
        Batches.Batch memory batch = batchOf("", bytes.concat(l2(), l2()));
        bit %= 42 * 8;
        batch.l2Stream[bit / 8] ^= bytes1(uint8(1 << bit % 8));
        requireRejected(batch);
    }

    function test_other_lengths_of_the_l2_stream_are_refused() public {
        Batches.Batch memory batch = batchOf("", l2());
        batch.l2Stream = bytes.concat(hex"00000000000000", l2());
        requireRejected(batch);
        batch.l2Stream = "";
        requireRejected(batch);
        batch.l2Stream = bytes.concat(l2(), hex"00");
        refuseBatch(batch, abi.encodeWithSelector(Evaluation.StreamLength.selector, 22, 7));
    }

    function test_streams_cannot_be_exchanged() public {
        uint32 alice = open(ALICE, 0, 1000);
        submit(take(0), "");
        Batches.Batch memory batch = batchOf(withdrawal(alice, 0, 1), "");
        (batch.l1Stream, batch.l2Stream) = (batch.l2Stream, batch.l1Stream);
        requireRejected(batch);
    }

    function test_every_changed_bit_of_a_withdrawal_is_refused(uint256 bit) public {
        uint32 alice = open(ALICE, 0, 1000);
        submit(take(0), "");
        Batches.Batch memory batch = batchOf(withdrawal(alice, 0, 513), "");
        bit %= 21 * 8;
        batch.l1Stream[bit / 8] ^= bytes1(uint8(1 << bit % 8));
        vm.prank(OPERATOR, OPERATOR);
        (bool done,) = address(rollup).call(abi.encodeCall(rollup.submitBatch, (batch)));
        vm.assertTrue(!done, "accepted");
    }

    function test_every_changed_byte_of_the_proof_is_refused(uint256 position, uint8 change) public {
        vm.assume(change != 0);
        Batches.Batch memory batch = batchOf("", l2());
        position %= 256;
        batch.proof[position] ^= bytes1(change);
        vm.prank(OPERATOR, OPERATOR);
        (bool done,) = address(rollup).call{gas: 3e6}(abi.encodeCall(rollup.submitBatch, (batch)));
        vm.assertTrue(!done, "accepted");
    }

    function test_the_proof_of_another_batch_is_refused() public {
        Batches.Batch memory batch = batchOf("", l2());
        batch.proof = batchOf("", "").proof;
        requireRejected(batch);
    }

    function test_a_proof_for_another_contract_or_chain_is_refused() public {
        Batches.Batch memory batch = batchOf("", l2());
        batch.proof = prove(batch, address(0x1234));
        requireRejected(batch);
        uint256 here = block.chainid;
        vm.chainId(here + 1);
        batch.proof = prove(batch, address(rollup));
        vm.chainId(here);
        requireRejected(batch);
    }

    function test_a_batch_counts_once() public {
        Batches.Batch memory batch = batchOf("", l2());
        submit(batch);
        refuseBatch(batch, abi.encodeWithSelector(Batches.WrongBatchNumber.selector, 2, 1));
    }

    /// The same batch, spelled in other ways that the ABI allows: a rebuilder should meet one only.
    function test_unusual_layouts_of_the_calldata_are_refused() public {
        Batches.Batch memory batch = batchOf("", l2());
        bytes memory usual = abi.encodeCall(rollup.submitBatch, (batch));
        requireUnusual(bytes.concat(usual, hex"00"));
        requireUnusual(bytes.concat(usual, bytes32(0)));
        // All bytes after the offset, moved up by a word: the offset says 64.
        bytes memory moved = bytes.concat(usual, bytes32(0));
        for (uint256 i = moved.length - 1; i >= 68; --i) {
            moved[i] = moved[i - 32];
        }
        moved[35] = 0x40;
        requireUnusual(moved);
        // An L1 stream that begins where the batch does: its number is then the length.
        bytes memory elsewhere = bytes.concat(usual);
        uint256 offset = 36 + 7 * 32;
        vm.assertEq(uint8(elsewhere[offset + 30]) * 256 + uint8(elsewhere[offset + 31]), 320, "the L1 stream's offset");
        (elsewhere[offset + 30], elsewhere[offset + 31]) = (0x00, 0x00);
        requireUnusual(elsewhere);
        // The streams in the other order: 64 bytes of the L2 stream, then 32 of the empty L1 stream.
        bytes memory exchanged = bytes.concat(usual);
        for (uint256 i = 0; i < 64; ++i) {
            exchanged[36 + 320 + i] = usual[36 + 352 + i];
        }
        for (uint256 i = 0; i < 32; ++i) {
            exchanged[36 + 384 + i] = 0;
        }
        (exchanged[offset + 30], exchanged[offset + 31]) = (0x01, 0x80);
        (exchanged[offset + 62], exchanged[offset + 63]) = (0x01, 0x40);
        requireUnusual(exchanged);
        vm.prank(OPERATOR, OPERATOR);
        (bool done,) = address(rollup).call(usual);
        vm.assertTrue(done, "the usual one");
    }

    function requireUnusual(bytes memory data) private {
        vm.prank(OPERATOR, OPERATOR);
        (bool done, bytes memory answer) = address(rollup).call(data);
        vm.assertTrue(!done, "accepted");
        bytes4 reason = bytes4(answer);
        // An offset that leads to something that is no length at all is refused by the decoder, without a reason.
        vm.assertTrue(answer.length == 0 || reason == Batches.UnusualCalldata.selector, "another reason");
    }

    function requireRejected(Batches.Batch memory batch) private {
        vm.prank(OPERATOR, OPERATOR);
        vm.expectPartialRevert(Programs.ProofRejected.selector);
        rollup.submitBatch(batch);
    }

    // Requests: the circuit does not know the queue, so all of these come with valid proofs.

    function twoRequests() private returns (bytes memory first, bytes memory second) {
        open(ALICE, 0, 1000);
        open(BOB, 0, 2000);
        return (take(0), take(0));
    }

    function requireOtherRequests(bytes memory l1) private {
        Batches.Batch memory batch = batchOf(l1, "");
        vm.prank(OPERATOR, OPERATOR);
        vm.expectPartialRevert(Batches.OtherRequests.selector);
        rollup.submitBatch(batch);
    }

    function test_a_skipped_request_is_refused() public {
        (, bytes memory second) = twoRequests();
        requireOtherRequests(second);
    }

    function test_reordered_requests_are_refused() public {
        (bytes memory first, bytes memory second) = twoRequests();
        requireOtherRequests(bytes.concat(second, first));
    }

    function test_a_repeated_request_is_refused() public {
        (bytes memory first,) = twoRequests();
        requireOtherRequests(bytes.concat(first, first));
        submit(first, "");
        requireOtherRequests(first);
    }

    function test_every_changed_bit_of_a_request_is_refused(uint256 bit) public {
        (bytes memory first, bytes memory second) = twoRequests();
        bytes memory l1 = bytes.concat(first, second);
        bit %= l1.length * 8;
        l1[bit / 8] ^= bytes1(uint8(1 << bit % 8));
        Batches.Batch memory batch = batchOf(l1, "");
        vm.prank(OPERATOR, OPERATOR);
        (bool done,) = address(rollup).call(abi.encodeCall(rollup.submitBatch, (batch)));
        vm.assertTrue(!done, "accepted");
    }

    function test_an_invented_request_is_refused() public {
        bytes memory invented = Records.deposit(0, OPERATOR_INDEX, 1e15);
        refuseBatch(batchOf(invented, ""), abi.encodeWithSelector(Batches.TooManyRequests.selector, 0, 1));
        (bytes memory first, bytes memory second) = twoRequests();
        requireOtherRequests(bytes.concat(first, invented));
        refuseBatch(
            batchOf(bytes.concat(first, second, invented), ""),
            abi.encodeWithSelector(Batches.TooManyRequests.selector, 2, 3)
        );
    }

    function test_a_deposit_cannot_pose_as_two() public {
        // 77 bytes with a key, or 21 bytes and then what the key's words would spell.
        (bytes memory first,) = twoRequests();
        first[10] = 0;
        Batches.Batch memory batch = batchOf(first, "");
        refuseBatch(batch, abi.encodeWithSelector(Batches.UnknownRecord.selector, 21, 0));
    }

    function test_a_forced_exits_account_and_asset_are_bound_but_not_its_amount() public {
        uint32 alice = open(ALICE, 0, 1000);
        uint32 bob = open(BOB, 0, 1000);
        submit(takeAll(), "");
        requestExit(ALICE, 0);
        requireOtherRequests(abi.encodePacked(Records.FORCED_EXIT, uint16(0), bob, uint56(0), uint56(1000)));
        requireOtherRequests(abi.encodePacked(Records.FORCED_EXIT, TOKEN, alice, uint56(0), uint56(0)));
        requireOtherRequests(abi.encodePacked(Records.FORCED_EXIT, uint16(0), alice, uint56(1), uint56(1000)));
        // A withdrawal is none either.
        submit(withdrawal(alice, 0, 1), "");
        (,, uint64 taken, uint64 made) = progress();
        vm.assertEq(made - taken, 1, "still open");
        submit(take(999), "");
        vm.assertEq(rollup.owed(alice, 0), 1000, "all of it");
    }

    function test_streams_with_other_records_are_refused() public {
        uint8[5] memory kinds = [0, 4, 6, 16, 255];
        for (uint256 i = 0; i < 5; ++i) {
            bytes memory l1 = abi.encodePacked(kinds[i], new bytes(20));
            refuseBatch(batchOf(l1, ""), abi.encodeWithSelector(Batches.UnknownRecord.selector, 0, kinds[i]));
        }
    }

    function test_a_record_that_is_cut_off_is_refused() public {
        open(ALICE, 0, 1000);
        bytes memory l1 = new bytes(70);
        bytes memory record = take(0);
        for (uint256 i = 0; i < 70; ++i) {
            l1[i] = record[i];
        }
        refuseBatch(batchOf(l1, ""), abi.encodeWithSelector(Batches.RecordCutOff.selector, 0, 77, 70));
        l1 = abi.encodePacked(withdrawal(OPERATOR_INDEX, 0, 0), bytes14(hex"05"));
        refuseBatch(batchOf(l1, ""), abi.encodeWithSelector(Batches.RecordCutOff.selector, 21, 21, 14));
    }

    // Withdrawals, with valid proofs of what no honest circuit proves.

    function test_no_more_leaves_than_is_held() public {
        uint32 alice = open(ALICE, 0, 1000);
        bytes memory l1 = bytes.concat(take(0), withdrawal(alice, 0, 1001));
        refuseBatch(batchOf(l1, ""), abi.encodeWithSelector(Assets.TooLittleHeld.selector, 0, 1001, 1000));
        l1 = withdrawal(alice, TOKEN, 1);
        refuseBatch(batchOf(l1, ""), abi.encodeWithSelector(Assets.TooLittleHeld.selector, TOKEN, 1, 0));
        l1 = withdrawal(alice, 2048, 1);
        refuseBatch(batchOf(l1, ""), abi.encodeWithSelector(Assets.TooLittleHeld.selector, 2048, 1, 0));
    }

    function test_withdrawals_that_pay_nobody_do_not_stop_a_batch() public {
        open(ALICE, 0, 1000);
        // Nothing of an asset that L1 does not know; something for an account without an owner.
        submit(bytes.concat(take(0), withdrawal(9, 77, 0), withdrawal(9, 0, 5)), "");
        vm.assertEq(rollup.owed(9, 0), 5, "kept");
    }
}
