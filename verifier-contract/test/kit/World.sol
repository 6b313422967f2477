// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Records} from "../../src/Records.sol";
import {Phase} from "../../src/rollup/Phases.sol";
import {RollupTest} from "./RollupTest.sol";
import {vm} from "./Vm.sol";

/// A rollup with users, an operator and a model of L2, to be driven at random. Each public function is a move; one that
/// makes no sense at the moment does nothing, and none ever reverts.
contract World is RollupTest {
    /// A request as the model knows it.
    struct Asked {
        uint8 kind;
        uint32 account;
        uint16 asset;
        uint64 quanta;
    }

    address[3] users = [ALICE, BOB, EVE];
    Asked[] asked;

    /// Balances on L2, and what L1 owes.
    mapping(uint32 account => mapping(uint16 asset => uint64)) public balance;
    mapping(uint32 account => mapping(uint16 asset => uint256)) public owed;
    /// Sums over all accounts.
    mapping(uint16 asset => uint256) public inState;
    mapping(uint16 asset => uint256) public queued;
    mapping(uint16 asset => uint256) public claimable;
    /// Base units that users ever paid in and took out, fees apart.
    mapping(uint16 asset => uint256) public paidIn;
    mapping(uint16 asset => uint256) public paidOut;
    /// The post root of the last batch that was accepted.
    bytes32 public lastRoot = GENESIS_ROOT;
    /// How often each move did something.
    mapping(bytes4 move => uint256) public moves;

    function live() private view returns (bool) {
        (Phase phase,,,,,) = rollup.progress();
        return phase == Phase.Live;
    }

    function user(uint256 seed) private view returns (address) {
        return users[seed % 3];
    }

    /// The user's account, or 0: no user here has that.
    function accountOf(address who) private view returns (uint32) {
        try rollup.accountOf(who) returns (uint32 account) {
            return account;
        } catch {
            return 0;
        }
    }

    function open(uint256 who, uint16 asset, uint64 quanta) external {
        (asset, quanta) = (asset % 2, quanta % 1e12 + 1);
        if (!live() || accountOf(user(who)) != 0) return;
        uint32 account = open(user(who), asset, quanta);
        noteDeposit(account, asset, quanta);
    }

    function deposit(uint256 who, uint256 to, uint16 asset, uint64 quanta) external {
        (asset, quanta) = (asset % 2, quanta % 1e12 + 1);
        uint32 account = accountOf(user(to));
        if (!live() || account == 0) return;
        deposit(user(who), account, asset, quanta);
        noteDeposit(account, asset, quanta);
    }

    function noteDeposit(uint32 account, uint16 asset, uint64 quanta) private {
        asked.push(Asked(Records.DEPOSIT, account, asset, quanta));
        queued[asset] += quanta;
        (uint256 amount,) = costs(asset, quanta);
        paidIn[asset] += amount;
        ++moves[msg.sig];
    }

    function rekey(uint256 who) external {
        uint32 account = accountOf(user(who));
        if (!live() || account == 0) return;
        rekey(user(who), KEY_HASH);
        asked.push(Asked(Records.REKEY, account, 0, 0));
        ++moves[msg.sig];
    }

    function requestExit(uint256 who, uint16 asset) external {
        asset %= 2;
        uint32 account = accountOf(user(who));
        if (!live() || account == 0) return;
        requestExit(user(who), asset);
        asked.push(Asked(Records.FORCED_EXIT, account, asset, 0));
        ++moves[msg.sig];
    }

    /// A transfer on L2: nothing of it is seen on L1.
    function pay(uint256 from, uint256 to, uint16 asset, uint64 quanta) external {
        (uint32 a, uint32 b) = (accountOf(user(from)), accountOf(user(to)));
        asset %= 2;
        if (a == b || !live() || balance[a][asset] == 0) return;
        // Only open accounts are paid: in this model those that ever held something.
        if (balance[b][0] + balance[b][1] == 0) return;
        quanta %= balance[a][asset] + 1;
        balance[a][asset] -= quanta;
        balance[b][asset] += quanta;
        ++moves[msg.sig];
    }

    /// A batch that takes up to `count` requests and a withdrawal before and after.
    function batch(uint8 count, uint256 who, uint16 asset, uint64 quanta, uint16 wait) external {
        if (!live()) return;
        vm.warp(block.timestamp + wait);
        bytes memory l1 = withdraw(who, asset, quanta);
        for (uint256 i = 0; i < count % 8 && requestsTaken < asked.length; ++i) {
            l1 = bytes.concat(l1, serve(asked[requestsTaken]));
        }
        l1 = bytes.concat(l1, withdraw(who >> 8, asset >> 1, quanta));
        lastRoot = batchOf(l1, "").postRoot;
        submit(l1, "");
        ++moves[msg.sig];
    }

    function serve(Asked memory request) private returns (bytes memory) {
        uint64 moved = 0;
        if (request.kind == Records.DEPOSIT) {
            queued[request.asset] -= request.quanta;
            inState[request.asset] += request.quanta;
            balance[request.account][request.asset] += request.quanta;
        }
        if (request.kind == Records.FORCED_EXIT) {
            moved = balance[request.account][request.asset];
            goOut(request.account, request.asset, moved);
        }
        return take(moved);
    }

    function withdraw(uint256 who, uint16 asset, uint64 quanta) private returns (bytes memory) {
        uint32 account = accountOf(user(who));
        asset %= 2;
        if (account == 0 || balance[account][asset] == 0) return "";
        quanta %= balance[account][asset] + 1;
        goOut(account, asset, quanta);
        return withdrawal(account, asset, quanta);
    }

    function goOut(uint32 account, uint16 asset, uint64 quanta) private {
        balance[account][asset] -= quanta;
        inState[asset] -= quanta;
        owed[account][asset] += quanta;
        claimable[asset] += quanta;
    }

    function claim(uint256 who, uint16 asset) external {
        uint32 account = accountOf(user(who));
        asset %= 2;
        uint256 quanta = owed[account][asset];
        if (quanta == 0) return;
        vm.prank(user(who));
        rollup.claim(asset, address(0xF2E5));
        owed[account][asset] = 0;
        claimable[asset] -= quanta;
        paidOut[asset] += quanta * (asset == 0 ? COIN_SCALE : TOKEN_SCALE);
        ++moves[msg.sig];
    }

    /// Rarely, so that there is a life before it.
    function freeze(uint8 chance) external {
        if (!live() || !(rollup.overdue() || chance < 40)) return;
        vm.warp(block.timestamp + DEADLINE + 1);
        if (!rollup.overdue()) return;
        rollup.freeze();
        ++moves[msg.sig];
    }

    function exit(uint256 who, uint16 asset) external {
        uint32 account = accountOf(user(who));
        asset %= 2;
        if (live() || account == 0 || rollup.exited(account, asset)) return;
        uint64 quanta = balance[account][asset];
        bytes memory proof = proveExit(account, asset, quanta);
        vm.prank(user(who));
        rollup.exit(asset, quanta, EXIT_PROGRAM, proof);
        goOut(account, asset, quanta);
        ++moves[msg.sig];
    }

    function reclaim(uint256 which) external {
        uint256 open_ = asked.length - requestsTaken;
        if (live() || open_ == 0) return;
        which = requestsTaken + which % open_;
        Asked memory request = asked[which];
        if (request.kind != Records.DEPOSIT || rollup.reclaimed(uint64(which + 1))) return;
        rollup.reclaim(uint64(which + 1), requests[which]);
        queued[request.asset] -= request.quanta;
        owed[request.account][request.asset] += request.quanta;
        claimable[request.asset] += request.quanta;
        ++moves[msg.sig];
    }

    /// Everything that an outsider can try without a proof, in the state that the rollup is in.
    function attack(uint256 what, uint16 asset, uint256 number) external {
        bytes[9] memory calls = [
            abi.encodeCall(rollup.claim, (asset, EVE)),
            abi.encodeCall(rollup.submitBatch, (batchOf(withdrawal(65536, asset % 2, 1), ""))),
            abi.encodeCall(rollup.exit, (asset, 1000, EXIT_PROGRAM, new bytes(256))),
            abi.encodeCall(rollup.reclaim, (uint64(number), Records.deposit(asset, 65536, 1000))),
            abi.encodeCall(rollup.fundGenesis, (asset, number)),
            abi.encodeCall(rollup.launch, ()),
            abi.encodeCall(rollup.acceptOwnership, ()),
            abi.encodeCall(rollup.changePrograms, ()),
            abi.encodeCall(rollup.setOperator, (EVE))
        ];
        address stranger = address(0xBAD);
        vm.prank(stranger);
        (bool done,) = address(rollup).call{gas: 3e6}(calls[what % 9]);
        require(!done, "an attack worked");
    }

    // What the invariants compare

    function contractCoins() external view returns (uint256) {
        return address(rollup).balance - rollup.burntFees();
    }

    function contractTokens() external view returns (uint256) {
        return token.balanceOf(address(rollup));
    }

    function heldOf(uint16 asset) external view returns (uint256) {
        return held(asset);
    }

    function owedByContract(uint16 asset) external view returns (uint256 sum) {
        for (uint256 i = 0; i < 3; ++i) {
            uint32 account = accountOf(users[i]);
            if (account != 0) sum += rollup.owed(account, asset);
        }
    }

    function root() external view returns (bytes32) {
        return rollup.stateRoot();
    }

    function scaleOf(uint16 asset) external pure returns (uint256) {
        return asset == 0 ? COIN_SCALE : TOKEN_SCALE;
    }
}
