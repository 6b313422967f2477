// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IVerifier} from "./IVerifier.sol";
import {Assets} from "./rollup/Assets.sol";
import {Batches} from "./rollup/Batches.sol";
import {Escape} from "./rollup/Escape.sol";
import {PriorityQueue} from "./rollup/PriorityQueue.sol";
import {Programs} from "./rollup/Programs.sol";
import {Requests} from "./rollup/Requests.sol";
import {Roles} from "./rollup/Roles.sol";

/// The L1 side of a rollup. Each part tells one story:
///
/// | part | what it does |
/// | --- | --- |
/// | Phases | setup, live, frozen; the lock against re-entry |
/// | Roles | owner and operator |
/// | Assets | tokens, scales, what L2 holds and L1 owes |
/// | Accounts | who owns which account; claiming |
/// | PriorityQueue | the chain of requests that batches must take |
/// | Requests | opening, depositing, new keys, exits |
/// | Programs | which proofs count |
/// | Batches | the state root moves |
/// | Escape | the way out when the operator stops |
contract Rollup is Requests, Escape {
    /// What a rollup is made of. Of these, only the roles and programs can change later.
    struct Config {
        /// Checks all proofs.
        IVerifier verifier;
        address owner;
        address operator;
        /// The account on L2 that fees go to, below 2^16.
        uint32 operatorIndex;
        bytes32 genesisRoot;
        Programs.ProgramIds programs;
        /// Base units of the chain's coin in a quantum.
        uint96 coinScale;
        /// Coins that a request costs.
        uint256 requestFee;
        /// Seconds in which a request must be taken.
        uint64 requestDeadline_s;
        /// Seconds of notice before programs change, at least twice the deadline.
        uint64 programNotice_s;
    }

    /// The chain's id does not fit statements.
    error ChainIdTooLarge(uint256 limit, uint256 got);

    constructor(Config memory config)
        Roles(config.owner, config.operator)
        Assets(config.coinScale)
        PriorityQueue(config.requestFee, config.requestDeadline_s)
        Programs(config.verifier, config.programs, config.programNotice_s)
        Batches(config.genesisRoot, config.operatorIndex)
    {
        if (block.chainid >= 1 << 56) revert ChainIdTooLarge(1 << 56, block.chainid);
        if (address(config.verifier).code.length == 0) revert NoCodeAt(address(config.verifier));
    }
}
