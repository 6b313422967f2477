// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IVerifier} from "../src/IVerifier.sol";
import {Rollup} from "../src/Rollup.sol";
import {Accounts} from "../src/rollup/Accounts.sol";
import {Assets} from "../src/rollup/Assets.sol";
import {Batches} from "../src/rollup/Batches.sol";
import {Phase, Phases} from "../src/rollup/Phases.sol";
import {PriorityQueue} from "../src/rollup/PriorityQueue.sol";
import {Programs} from "../src/rollup/Programs.sol";
import {Roles} from "../src/rollup/Roles.sol";
import {CallingToken, PlainToken} from "./kit/Tokens.sol";
import {RollupTest} from "./kit/RollupTest.sol";
import {vm} from "./kit/Vm.sol";

/// Setup, roles, assets and programs.
contract AdministrationTest is RollupTest {
    uint256 constant R = 21888242871839275222246405745257275088548364400416034343698204186575808495617;
    bytes32 constant NEXT_BATCH = bytes32(uint256(0xb2));
    bytes32 constant NEXT_EXIT = bytes32(uint256(0xe2));

    // Construction

    function test_nonsense_is_not_deployed() public {
        Rollup.Config memory c = config();
        c.owner = address(0);
        vm.expectRevert(Roles.NobodyNamed.selector);
        new Rollup(c);
        c = config();
        c.operator = address(0);
        vm.expectRevert(Roles.NobodyNamed.selector);
        new Rollup(c);
        c = config();
        c.verifier = IVerifier(address(1234));
        refuse(abi.encodeWithSelector(Assets.NoCodeAt.selector, address(1234)));
        new Rollup(c);
        c = config();
        c.coinScale = 0;
        vm.expectRevert(Assets.ScaleIsZero.selector);
        new Rollup(c);
        c = config();
        c.operatorIndex = 65536;
        refuse(abi.encodeWithSelector(Batches.OperatorIndexTooLarge.selector, 65536, 65536));
        new Rollup(c);
        c = config();
        c.requestFee = 0.1 ether + 1;
        refuse(abi.encodeWithSelector(PriorityQueue.RequestFeeTooHigh.selector, 0.1 ether, 0.1 ether + 1));
        new Rollup(c);
        c = config();
        c.requestDeadline_s = 1 hours - 1;
        refuse(abi.encodeWithSelector(PriorityQueue.DeadlineOutOfRange.selector, 1 hours, 30 days, 1 hours - 1));
        new Rollup(c);
        c = config();
        c.requestDeadline_s = type(uint64).max;
        refuse(abi.encodeWithSelector(PriorityQueue.DeadlineOutOfRange.selector, 1 hours, 30 days, type(uint64).max));
        new Rollup(c);
        c = config();
        c.programNotice_s = 2 * DEADLINE - 1;
        refuse(abi.encodeWithSelector(Programs.NoticeOutOfRange.selector, 2 * DEADLINE, 365 days, 2 * DEADLINE - 1));
        new Rollup(c);
        c = config();
        c.programNotice_s = type(uint64).max;
        refuse(abi.encodeWithSelector(Programs.NoticeOutOfRange.selector, 2 * DEADLINE, 365 days, type(uint64).max));
        new Rollup(c);
        c = config();
        vm.chainId(1 << 56);
        refuse(abi.encodeWithSelector(Rollup.ChainIdTooLarge.selector, 1 << 56, 1 << 56));
        new Rollup(c);
    }

    function test_program_ids_are_two_different_numbers_below_r() public {
        bytes32[2][4] memory bad = [
            [bytes32(0), bytes32(uint256(1))],
            [bytes32(uint256(1)), bytes32(0)],
            [bytes32(uint256(1)), bytes32(uint256(1))],
            [bytes32(uint256(1)), bytes32(R)]
        ];
        for (uint256 i = 0; i < 4; ++i) {
            bytes memory reason = abi.encodeWithSelector(Programs.BadProgramIds.selector, bad[i][0], bad[i][1]);
            Rollup.Config memory c = config();
            c.programs = Programs.ProgramIds(bad[i][0], bad[i][1]);
            refuse(reason);
            new Rollup(c);
            vm.prank(OWNER);
            refuse(reason);
            rollup.proposePrograms(bad[i][0], bad[i][1]);
        }
    }

    // Setup

    function inSetup() private returns (Rollup fresh) {
        fresh = new Rollup(config());
    }

    function lists(uint32 account, address owner) private pure returns (uint32[] memory a, address[] memory o) {
        (a, o) = (new uint32[](1), new address[](1));
        (a[0], o[0]) = (account, owner);
    }

    function test_nothing_but_setting_up_before_the_launch() public {
        Rollup fresh = inSetup();
        bytes memory reason = abi.encodeWithSelector(Phases.WrongPhase.selector, Phase.Live, Phase.Setup);
        Batches.Batch memory batch = batchOf("", "");
        vm.prank(OPERATOR, OPERATOR);
        refuse(reason);
        fresh.submitBatch(batch);
        vm.prank(ALICE);
        refuse(reason);
        fresh.open{value: 1e9 + FEE}(0, 1e9, KEY_HASH);
        refuse(reason);
        fresh.freeze();
    }

    function test_genesis_accounts_are_listed_by_the_owner_before_the_launch() public {
        Rollup fresh = inSetup();
        (uint32[] memory a, address[] memory o) = lists(0, ALICE);
        refuse(abi.encodeWithSelector(Roles.NotTheOwner.selector, OWNER, address(this)));
        fresh.listGenesisAccounts(a, o);
        vm.prank(OWNER);
        fresh.listGenesisAccounts(a, o);
        vm.assertEq(fresh.accountOf(ALICE), 0, "account 0 is an account");
        vm.assertEq(fresh.ownerOf(0), ALICE, "owner");

        vm.prank(OWNER);
        refuse(abi.encodeWithSelector(Accounts.NotAGenesisAccount.selector, 0));
        fresh.listGenesisAccounts(a, o);
        (a, o) = lists(1, ALICE);
        vm.prank(OWNER);
        refuse(abi.encodeWithSelector(Accounts.HasAccount.selector, ALICE, 0));
        fresh.listGenesisAccounts(a, o);
        (a, o) = lists(65536, BOB);
        vm.prank(OWNER);
        refuse(abi.encodeWithSelector(Accounts.NotAGenesisAccount.selector, 65536));
        fresh.listGenesisAccounts(a, o);
        (a, o) = lists(1, address(0));
        vm.prank(OWNER);
        refuse(abi.encodeWithSelector(Accounts.NoAccount.selector, address(0)));
        fresh.listGenesisAccounts(a, o);
        vm.prank(OWNER);
        refuse(abi.encodeWithSelector(Accounts.ListsDiffer.selector, 1, 0));
        fresh.listGenesisAccounts(a, new address[](0));

        refuse(abi.encodeWithSelector(Roles.NotTheOwner.selector, OWNER, address(this)));
        fresh.launch();
        vm.prank(OWNER);
        fresh.launch();
        (a, o) = lists(1, BOB);
        vm.prank(OWNER);
        refuse(abi.encodeWithSelector(Phases.WrongPhase.selector, Phase.Setup, Phase.Live));
        fresh.listGenesisAccounts(a, o);
        vm.prank(OWNER);
        refuse(abi.encodeWithSelector(Phases.WrongPhase.selector, Phase.Setup, Phase.Live));
        fresh.launch();
    }

    function test_the_genesis_state_is_paid_for() public {
        Rollup fresh = inSetup();
        vm.prank(OWNER);
        fresh.addAsset(TOKEN, address(token), TOKEN_SCALE);
        vm.prank(ALICE);
        fresh.fundGenesis{value: 5e9}(0, 5e9);
        vm.prank(ALICE);
        token.approve(address(fresh), 7e6);
        vm.prank(ALICE);
        fresh.fundGenesis(TOKEN, 7e6);
        (,, uint64 coins) = fresh.assets(0);
        (,, uint64 tokens) = fresh.assets(TOKEN);
        vm.assertEq(coins, 5, "coins");
        vm.assertEq(tokens, 7, "tokens");
        vm.prank(ALICE);
        refuse(abi.encodeWithSelector(Assets.WrongValue.selector, 5e9, 4e9));
        fresh.fundGenesis{value: 4e9}(0, 5e9);
        vm.prank(ALICE);
        refuse(abi.encodeWithSelector(Phases.WrongPhase.selector, Phase.Setup, Phase.Live));
        rollup.fundGenesis{value: 5e9}(0, 5e9);
    }

    function test_a_token_that_calls_back_cannot_fund_twice_at_once() public {
        Rollup fresh = inSetup();
        CallingToken calling = new CallingToken();
        vm.prank(OWNER);
        fresh.addAsset(2, address(calling), 1);
        calling.mint(ALICE, 1000);
        vm.prank(ALICE);
        calling.approve(address(fresh), 1000);
        calling.arm(address(fresh), abi.encodeCall(fresh.fundGenesis, (2, 10)));
        vm.prank(ALICE);
        fresh.fundGenesis(2, 10);
        vm.assertTrue(bytes4(calling.answer()) == Phases.Reentered.selector, "another reason");
    }

    // Roles

    function test_ownership_moves_in_two_steps() public {
        refuse(abi.encodeWithSelector(Roles.NotTheOwner.selector, OWNER, address(this)));
        rollup.proposeOwner(ALICE);
        vm.prank(OWNER);
        rollup.proposeOwner(ALICE);
        vm.assertEq(rollup.owner(), OWNER, "not yet");
        refuse(abi.encodeWithSelector(Roles.NotTheProposedOwner.selector, ALICE, address(this)));
        rollup.acceptOwnership();
        vm.prank(ALICE);
        rollup.acceptOwnership();
        vm.assertEq(rollup.owner(), ALICE, "now");
        vm.prank(ALICE);
        refuse(abi.encodeWithSelector(Roles.NotTheProposedOwner.selector, address(0), ALICE));
        rollup.acceptOwnership();
        vm.prank(OWNER);
        refuse(abi.encodeWithSelector(Roles.NotTheOwner.selector, ALICE, OWNER));
        rollup.proposeOwner(OWNER);
    }

    function test_a_proposal_can_be_taken_back() public {
        vm.prank(OWNER);
        rollup.proposeOwner(ALICE);
        vm.prank(OWNER);
        rollup.proposeOwner(address(0));
        vm.prank(ALICE);
        refuse(abi.encodeWithSelector(Roles.NotTheProposedOwner.selector, address(0), ALICE));
        rollup.acceptOwnership();
    }

    function test_the_owner_names_the_operator() public {
        refuse(abi.encodeWithSelector(Roles.NotTheOwner.selector, OWNER, address(this)));
        rollup.setOperator(ALICE);
        vm.prank(OWNER);
        vm.expectRevert(Roles.NobodyNamed.selector);
        rollup.setOperator(address(0));
        vm.prank(OWNER);
        rollup.setOperator(ALICE);
        Batches.Batch memory batch = batchOf("", "");
        vm.prank(OPERATOR, OPERATOR);
        refuse(abi.encodeWithSelector(Roles.NotTheOperator.selector, ALICE, OPERATOR));
        rollup.submitBatch(batch);
        vm.prank(ALICE, ALICE);
        rollup.submitBatch(batch);
    }

    function test_only_the_owner_pauses() public {
        vm.prank(OPERATOR);
        refuse(abi.encodeWithSelector(Roles.NotTheOwner.selector, OWNER, OPERATOR));
        rollup.pauseDeposits(true);
    }

    // Assets

    function test_assets_are_added_once_and_never_changed() public {
        PlainToken other = new PlainToken();
        refuse(abi.encodeWithSelector(Roles.NotTheOwner.selector, OWNER, address(this)));
        rollup.addAsset(2, address(other), 1);
        uint16[4] memory numbers = [uint16(0), TOKEN, 2048, type(uint16).max];
        for (uint256 i = 0; i < 4; ++i) {
            vm.prank(OWNER);
            refuse(abi.encodeWithSelector(Assets.AssetNumberUnavailable.selector, numbers[i]));
            rollup.addAsset(numbers[i], address(other), 1);
        }
        vm.prank(OWNER);
        refuse(abi.encodeWithSelector(Assets.TokenHasNumber.selector, address(token), TOKEN));
        rollup.addAsset(2, address(token), 1);
        vm.prank(OWNER);
        refuse(abi.encodeWithSelector(Assets.NoCodeAt.selector, address(0)));
        rollup.addAsset(2, address(0), 1);
        vm.prank(OWNER);
        vm.expectRevert(Assets.ScaleIsZero.selector);
        rollup.addAsset(2, address(other), 0);
        vm.prank(OWNER);
        vm.expectEmit(address(rollup));
        emit Assets.AssetAdded(2047, address(other), type(uint96).max);
        rollup.addAsset(2047, address(other), type(uint96).max);
        vm.assertEq(rollup.assetOf(address(other)), 2047, "number");
    }

    // Programs

    function propose() private returns (uint64 due) {
        vm.prank(OWNER);
        rollup.proposePrograms(NEXT_BATCH, NEXT_EXIT);
        return uint64(block.timestamp) + NOTICE;
    }

    function test_programs_change_after_the_notice() public {
        uint64 due = propose();
        vm.assertEq(rollup.programsDue(), due, "due");
        vm.warp(due - 1);
        vm.prank(OWNER);
        refuse(abi.encodeWithSelector(Programs.NoticeRunning.selector, due, due - 1));
        rollup.changePrograms();
        vm.warp(due);
        submit("", "");
        vm.prank(OWNER);
        rollup.changePrograms();
        (bytes32 batchProgram, bytes32 exitProgram) = rollup.programs();
        vm.assertEq(batchProgram, NEXT_BATCH, "batches");
        vm.assertEq(exitProgram, NEXT_EXIT, "exits");
        Batches.Batch memory batch = batchOf("", "");
        vm.prank(OPERATOR, OPERATOR);
        refuse(abi.encodeWithSelector(Programs.WrongProgram.selector, NEXT_BATCH, BATCH_PROGRAM));
        rollup.submitBatch(batch);
        batch.programId = NEXT_BATCH;
        batch.proof = prove(batch, address(rollup));
        submit(batch);
        vm.prank(OWNER);
        vm.expectRevert(Programs.NothingProposed.selector);
        rollup.changePrograms();
    }

    function test_a_proposal_lapses() public {
        uint64 due = propose();
        vm.warp(due + 7 days + 1);
        vm.prank(OWNER);
        refuse(abi.encodeWithSelector(Programs.ProposalLapsed.selector, due + 7 days, due + 7 days + 1));
        rollup.changePrograms();
        due = propose();
        vm.warp(due + 7 days);
        vm.prank(OWNER);
        rollup.changePrograms();
    }

    function test_a_new_proposal_begins_a_new_notice() public {
        propose();
        vm.warp(block.timestamp + NOTICE - 1);
        uint64 due = propose();
        vm.warp(block.timestamp + 1);
        vm.prank(OWNER);
        refuse(abi.encodeWithSelector(Programs.NoticeRunning.selector, due, block.timestamp));
        rollup.changePrograms();
    }

    function test_only_the_owner_changes_programs() public {
        bytes memory reason = abi.encodeWithSelector(Roles.NotTheOwner.selector, OWNER, OPERATOR);
        vm.prank(OPERATOR);
        refuse(reason);
        rollup.proposePrograms(NEXT_BATCH, NEXT_EXIT);
        propose();
        vm.prank(OPERATOR);
        refuse(reason);
        rollup.cancelPrograms();
        vm.warp(block.timestamp + NOTICE);
        vm.prank(OPERATOR);
        refuse(reason);
        rollup.changePrograms();
    }

    function test_cancelled_programs_do_not_come() public {
        vm.prank(OWNER);
        vm.expectRevert(Programs.NothingProposed.selector);
        rollup.cancelPrograms();
        propose();
        vm.prank(OWNER);
        rollup.cancelPrograms();
        vm.warp(block.timestamp + NOTICE);
        vm.prank(OWNER);
        vm.expectRevert(Programs.NothingProposed.selector);
        rollup.changePrograms();
    }

    /// An owner and an operator who want an exit program of their own in force, and then a freeze.
    function test_programs_do_not_change_while_a_request_is_overdue() public {
        uint64 due = propose();
        open(ALICE, 0, 1000);
        submit(takeAll(), "");
        // Alice asks for an exit within the first half of the notice, and is not served.
        vm.warp(due - DEADLINE - 1);
        requestExit(ALICE, 0);
        vm.warp(due);
        vm.prank(OWNER);
        refuse(abi.encodeWithSelector(Programs.RequestOverdue.selector, due - 1, due));
        rollup.changePrograms();
        rollup.freeze();
        (, bytes32 exitProgram) = rollup.programs();
        vm.assertEq(exitProgram, EXIT_PROGRAM, "as it was");
        vm.assertEq(rollup.programsDue(), 0, "cancelled");
        bytes memory proof = proveExit(65536, 0, 1000);
        vm.prank(ALICE);
        rollup.exit(0, 1000, EXIT_PROGRAM, proof);
    }
}
