// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Records} from "../Records.sol";
import {Accounts} from "./Accounts.sol";
import {Phase} from "./Phases.sol";
import {PriorityQueue} from "./PriorityQueue.sol";

/// What users ask of the rollup from L1. Every request that is accepted here applies in every state that batches can
/// bring about, so nobody can put a request in the queue that no batch can take:
///
/// - an account is opened once, and a deposit, another key or an exit comes after its opening;
/// - what L2 holds of an asset stays below 2^62, so no balance overflows;
/// - key hashes are elements of the field; assets are known here.
abstract contract Requests is Accounts, PriorityQueue {
    /// New deposits are paused. Exits and keys are not.
    error DepositsArePaused();
    /// Somebody else owns the account, or nobody does. Likely cause: a wrong index, or another address was faster to
    /// open.
    error OtherOwner(uint32 account, address expected, address got);

    modifier unpaused() {
        if (progress.depositsPaused) revert DepositsArePaused();
        _;
    }

    /// Opens the caller's account with a first deposit.
    /// @param asset What is deposited; for asset 0 the coins come with the call.
    /// @param amount How much, in base units: a positive multiple of the asset's scale.
    /// @param keyHash The hash of the key that will sign for the account on L2: four elements of the field, eight bytes
    /// each, little-endian.
    function open(uint16 asset, uint256 amount, bytes32 keyHash)
        external
        payable
        only(Phase.Live)
        unpaused
        locked
        returns (uint32 account, uint64 request)
    {
        uint64 quanta = take(asset, amount, REQUEST_FEE);
        account = giveNext();
        request = push(account, Records.open(asset, account, quanta, keyHash));
    }

    /// Deposits to an account that has an owner, from anyone. It never touches the account's key.
    /// @param owner_ Who must own the account. An index alone is not enough: if L1's last blocks are replaced, or
    /// somebody is faster, another address can have opened the account that was meant.
    /// @param amount In base units, a positive multiple of the asset's scale.
    function deposit(uint32 account, address owner_, uint16 asset, uint256 amount)
        external
        payable
        only(Phase.Live)
        unpaused
        locked
        returns (uint64 request)
    {
        if (owner_ == address(0) || ownerOf[account] != owner_) {
            revert OtherOwner(account, owner_, ownerOf[account]);
        }
        uint64 quanta = take(asset, amount, REQUEST_FEE);
        request = push(account, Records.deposit(asset, account, quanta));
    }

    /// Sets another key for the caller's account.
    /// @param keyHash As for `open`.
    function rekey(bytes32 keyHash) external payable only(Phase.Live) locked returns (uint64 request) {
        uint32 account = accountOf(msg.sender);
        requireFee();
        request = push(account, Records.rekey(account, keyHash));
    }

    /// Asks for the caller's balance of an asset, without the operator's consent: min(balance, 2^56 − 1) quanta, as it
    /// is when a batch takes the request. `claim` pays it out then.
    function requestExit(uint16 asset) external payable only(Phase.Live) locked returns (uint64 request) {
        uint32 account = accountOf(msg.sender);
        known(asset);
        requireFee();
        request = push(account, Records.forcedExitRequest(asset, account));
    }

    function requireFee() private view {
        if (msg.value != REQUEST_FEE) revert WrongValue(REQUEST_FEE, msg.value);
    }
}
