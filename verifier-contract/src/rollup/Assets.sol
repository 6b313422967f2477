// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Phases} from "./Phases.sol";
import {Roles} from "./Roles.sol";
import {Token} from "./Token.sol";

/// What can be held, how much of it L2 holds, and what L1 owes.
///
/// An amount on L2 is a number of quanta; quanta × scale = base units of the token. For each asset
///
///     balance of this contract = (held + what is owed to all accounts) × scale      (+ burnt fees, for asset 0)
///
/// where *held* is what is in the state or on its way there, in the queue. held stays below 2^62, so no balance on L2
/// can overflow, and every deposit that was taken applies.
abstract contract Assets is Roles, Phases {
    /// An asset.
    struct Asset {
        /// Its contract; zero for asset 0, the chain's own coin.
        address token;
        /// Base units in a quantum; zero if there is no such asset.
        uint96 scale;
        /// Quanta in the state or in the queue, below 2^62.
        uint64 held;
    }

    /// Asset numbers from here on are for what is made on L2.
    uint16 public constant ASSET_LIMIT = 2048;
    /// held stays below.
    uint64 public constant HELD_LIMIT = 1 << 62;
    /// The chain's own coin, in which fees on L2 are paid.
    uint16 internal constant GAS_ASSET = 0;

    /// By number.
    mapping(uint16 asset => Asset) public assets;
    /// The number of a token; zero if it has none.
    mapping(address token => uint16 asset) public assetOf;
    /// Quanta that an account can claim on L1. Accounts without an owner can be owed, too, so that no withdrawal that a
    /// batch proves can stand in the batch's way.
    mapping(uint32 account => mapping(uint16 asset => uint256)) public owed;

    event AssetAdded(uint16 indexed asset, address indexed token, uint96 scale);
    event Credited(uint32 indexed account, uint16 indexed asset, uint64 quanta);
    event DepositsPaused(bool paused);

    /// There is no such asset on L1. Likely cause: it was made on L2, or was not added yet.
    error UnknownAsset(uint16 asset);
    /// The number is taken, or not one of 1 … 2047.
    error AssetNumberUnavailable(uint16 asset);
    /// The token has a number already.
    error TokenHasNumber(address token, uint16 asset);
    /// There is no contract at the address. Likely cause: a token of another chain.
    error NoCodeAt(address where);
    /// A scale is at least 1.
    error ScaleIsZero();
    /// The amount is not a positive number of quanta. Likely cause: more digits than the asset has on L2; round to a
    /// multiple of its scale.
    error NotWholeQuanta(uint16 asset, uint256 amount, uint96 scale);
    /// L2 cannot hold so much of the asset.
    error TooMuchHeld(uint16 asset, uint256 quanta, uint64 held, uint64 limit);
    /// More would leave than L2 holds. Likely cause: a genesis that was not funded in full.
    error TooLittleHeld(uint16 asset, uint64 quanta, uint64 held);
    /// The coins sent with the call are not what it takes. Likely cause: the fee for a request was forgotten.
    error WrongValue(uint256 expected, uint256 got);

    constructor(uint96 coinScale) {
        if (coinScale == 0) revert ScaleIsZero();
        assets[GAS_ASSET].scale = coinScale;
        emit AssetAdded(GAS_ASSET, address(0), coinScale);
    }

    /// Adds an asset. Its token and scale never change.
    /// @param asset Its number, 1 … 2047.
    /// @param token Its contract: an ERC-20 that moves what it says, and whose balances change by transfers only.
    /// @param scale Base units in a quantum.
    function addAsset(uint16 asset, address token, uint96 scale) external onlyOwner notFrozen {
        if (asset == GAS_ASSET || asset >= ASSET_LIMIT || assets[asset].scale != 0) {
            revert AssetNumberUnavailable(asset);
        }
        if (token.code.length == 0) revert NoCodeAt(token);
        if (assetOf[token] != 0) revert TokenHasNumber(token, assetOf[token]);
        if (scale == 0) revert ScaleIsZero();
        assets[asset] = Asset(token, scale, 0);
        assetOf[token] = asset;
        emit AssetAdded(asset, token, scale);
    }

    /// Pauses new deposits, or takes them again. Nothing else can be paused.
    function pauseDeposits(bool paused) external onlyOwner {
        progress.depositsPaused = paused;
        emit DepositsPaused(paused);
    }

    /// Takes `amount` base units from the caller, and with them `fee` coins; returns the quanta that are held for it.
    function take(uint16 asset, uint256 amount, uint256 fee) internal returns (uint64) {
        Asset memory kept = known(asset);
        if (amount == 0 || amount % kept.scale != 0) revert NotWholeQuanta(asset, amount, kept.scale);
        uint256 quanta = amount / kept.scale;
        // Neither side of the sum is large enough to wrap.
        if (quanta >= HELD_LIMIT || kept.held + quanta >= HELD_LIMIT) {
            revert TooMuchHeld(asset, quanta, kept.held, HELD_LIMIT);
        }
        uint256 value = asset == GAS_ASSET ? amount + fee : fee;
        if (msg.value != value) revert WrongValue(value, msg.value);
        assets[asset].held = kept.held + uint64(quanta);
        if (asset != GAS_ASSET) Token.pull(kept.token, msg.sender, amount);
        return uint64(quanta);
    }

    /// Moves quanta from what L2 holds to what L1 owes.
    function credit(uint32 account, uint16 asset, uint64 quanta) internal {
        if (quanta == 0) return;
        uint64 held = assets[asset].held;
        if (quanta > held) revert TooLittleHeld(asset, quanta, held);
        assets[asset].held = held - quanta;
        owed[account][asset] += quanta;
        emit Credited(account, asset, quanta);
    }

    /// The asset, if there is one of this number.
    function known(uint16 asset) internal view returns (Asset memory kept) {
        kept = assets[asset];
        if (kept.scale == 0) revert UnknownAsset(asset);
    }
}
