// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Assets} from "./Assets.sol";
import {Phase} from "./Phases.sol";
import {Token} from "./Token.sol";

/// Whose accounts are whose, and paying out what their owners are owed. The state on L2 knows keys only.
///
/// Accounts of the genesis state are below 2^16. Their owners are listed before the launch; an account that is not
/// listed has no owner on L1: it can be used on L2, but nothing of it can be claimed.
abstract contract Accounts is Assets {
    /// The first account that is given out here. Those below are the genesis state's.
    uint32 public constant FIRST_ACCOUNT = 1 << 16;
    /// Accounts from here on belong to contracts on L2.
    uint32 public constant ACCOUNT_LIMIT = 1 << 23;

    /// The account that `open` gives out next.
    uint32 public nextAccount = FIRST_ACCOUNT;
    /// The owner of an account; zero if it has none.
    mapping(uint32 account => address) public ownerOf;
    /// The account of an owner, if `ownerOf` says so too.
    mapping(address owner => uint32) internal accountOfOwner;

    event AccountGiven(uint32 indexed account, address indexed owner);
    event GenesisFunded(uint16 indexed asset, uint64 quanta);
    event Launched(uint32 genesisAccounts);
    event Claimed(uint32 indexed account, uint16 indexed asset, uint256 quanta, address to);

    /// The address has no account. Likely cause: `open` was not called yet, or by another address.
    error NoAccount(address owner);
    /// An owner has one account.
    error HasAccount(address owner, uint32 account);
    /// All accounts are given out.
    error NoAccountsLeft(uint32 limit);
    /// Genesis accounts are below 2^16, and each is listed once.
    error NotAGenesisAccount(uint32 account);
    /// Each account needs an owner, and each owner an account.
    error ListsDiffer(uint256 accounts, uint256 owners);
    /// Nothing is owed. Likely cause: it was claimed, or the batch with the withdrawal is not here yet.
    error NothingOwed(uint32 account, uint16 asset);
    /// The recipient did not take the coins. Likely cause: a contract without a way to receive them; name another.
    error RecipientRefused(address to, uint256 amount);

    uint32 private genesisAccounts;

    /// Lists owners of accounts of the genesis state; may be called several times before the launch.
    function listGenesisAccounts(uint32[] calldata accounts, address[] calldata owners)
        external
        onlyOwner
        only(Phase.Setup)
    {
        if (accounts.length != owners.length) revert ListsDiffer(accounts.length, owners.length);
        for (uint256 i = 0; i < accounts.length; ++i) {
            if (accounts[i] >= FIRST_ACCOUNT || ownerOf[accounts[i]] != address(0)) {
                revert NotAGenesisAccount(accounts[i]);
            }
            give(accounts[i], owners[i]);
        }
        genesisAccounts += uint32(accounts.length);
    }

    /// Pays for what the genesis state holds of an asset, in base units; may be called several times before the launch,
    /// by anyone.
    function fundGenesis(uint16 asset, uint256 amount) external payable only(Phase.Setup) locked {
        emit GenesisFunded(asset, take(asset, amount, 0));
    }

    /// Ends the setup. Whoever joins compares the genesis state with its root, its owners and its funds.
    function launch() external onlyOwner only(Phase.Setup) {
        progress.phase = Phase.Live;
        emit Launched(genesisAccounts);
    }

    /// Pays what the caller's account is owed of an asset to `to`. Works in every phase.
    ///
    /// Only the owner can do it. If anyone could have it paid to the owner, they could do so just before an owner that
    /// is a contract without a way to move the asset names another recipient.
    function claim(uint16 asset, address to) external locked {
        uint32 account = accountOf(msg.sender);
        uint256 quanta = owed[account][asset];
        if (quanta == 0) revert NothingOwed(account, asset);
        owed[account][asset] = 0;
        emit Claimed(account, asset, quanta, to);

        Asset memory paid = assets[asset];
        uint256 amount = quanta * paid.scale;
        if (asset != GAS_ASSET) {
            Token.push(paid.token, to, amount);
        } else {
            (bool taken,) = to.call{value: amount}("");
            if (!taken) revert RecipientRefused(to, amount);
        }
    }

    /// The account of `owner_`; reverts if it has none.
    function accountOf(address owner_) public view returns (uint32 account) {
        account = accountOfOwner[owner_];
        // 0 is an account too, and what an owner without one finds.
        if (owner_ == address(0) || ownerOf[account] != owner_) revert NoAccount(owner_);
    }

    /// Gives the next account to the caller.
    function giveNext() internal returns (uint32 account) {
        account = nextAccount;
        if (account >= ACCOUNT_LIMIT) revert NoAccountsLeft(ACCOUNT_LIMIT);
        nextAccount = account + 1;
        give(account, msg.sender);
    }

    function give(uint32 account, address owner_) private {
        if (owner_ == address(0)) revert NoAccount(owner_);
        uint32 other = accountOfOwner[owner_];
        if (ownerOf[other] == owner_) revert HasAccount(owner_, other);
        ownerOf[account] = owner_;
        accountOfOwner[owner_] = account;
        emit AccountGiven(account, owner_);
    }
}
