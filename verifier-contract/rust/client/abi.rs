//! The contracts as they are called: what this client uses of their interface, compared with the artifacts by a test.

use alloy::sol;

sol! {
    /// `src/Groth16Verifier.sol`, what it is deployed with.
    #[derive(Debug)]
    struct VerifyingKey {
        uint256[2] alpha;
        uint256[4] beta;
        uint256[4] gamma;
        uint256[4] delta;
        uint256[2] ic0;
        uint256[2] ic1;
    }

    #[derive(Debug)]
    struct ProgramIds {
        bytes32 batch;
        bytes32 exit;
    }

    /// `Rollup.Config`.
    #[derive(Debug)]
    struct Config {
        address verifier;
        address owner;
        address operator;
        uint32 operatorIndex;
        bytes32 genesisRoot;
        ProgramIds programs;
        uint96 coinScale;
        uint256 requestFee;
        uint64 requestDeadline_s;
        uint64 programNotice_s;
    }

    /// `Batches.Batch`.
    #[derive(Debug)]
    struct Batch {
        uint32 number;
        uint32 operatorIndex;
        uint64 timestamp;
        bytes32 programId;
        bytes32 preRoot;
        bytes32 postRoot;
        bytes32 daCommit;
        bytes l1Stream;
        bytes l2Stream;
        bytes proof;
    }

    /// `src/Rollup.sol`.
    #[derive(Debug)]
    interface Rollup {
        function listGenesisAccounts(uint32[] accounts, address[] owners) external;
        function fundGenesis(uint16 asset, uint256 amount) external payable;
        function addAsset(uint16 asset, address token, uint96 scale) external;
        function launch() external;

        function open(uint16 asset, uint256 amount, bytes32 keyHash) external payable
            returns (uint32 account, uint64 request);
        function deposit(uint32 account, address owner_, uint16 asset, uint256 amount) external payable
            returns (uint64 request);
        function rekey(bytes32 keyHash) external payable returns (uint64 request);
        function requestExit(uint16 asset) external payable returns (uint64 request);
        function submitBatch(Batch batch) external;
        function claim(uint16 asset, address to) external;
        function freeze() external;
        function exit(uint16 asset, uint64 quanta, bytes32 programId, bytes proof) external;
        function reclaim(uint64 request, bytes record) external;

        function progress() external view returns (
            uint8 phase,
            bool depositsPaused,
            uint32 batchNumber,
            uint64 timestamp,
            uint64 requestsTaken,
            uint64 requestsMade
        );
        function stateRoot() external view returns (bytes32);
        function programs() external view returns (bytes32 batch, bytes32 exit);
        function assets(uint16 asset) external view returns (address token, uint96 scale, uint64 held);
        function assetOf(address token) external view returns (uint16 asset);
        function owed(uint32 account, uint16 asset) external view returns (uint256);
        function ownerOf(uint32 account) external view returns (address);
        function accountOf(address owner_) external view returns (uint32 account);
        function oldestDeadline() external view returns (uint64);
        function OPERATOR_INDEX() external view returns (uint32);
        function REQUEST_FEE() external view returns (uint256);

        event Requested(uint64 indexed number, uint32 indexed account, address indexed from, bytes record);
        event BatchAccepted(
            uint32 indexed number,
            bytes32 preRoot,
            bytes32 postRoot,
            bytes32 daCommit,
            uint64 timestamp,
            uint64 requestsTaken
        );
        event AssetAdded(uint16 indexed asset, address indexed token, uint96 scale);
        event Claimed(uint32 indexed account, uint16 indexed asset, uint256 quanta, address to);
        event Credited(uint32 indexed account, uint16 indexed asset, uint64 quanta);
        event FrozenForGood(uint32 lastBatch, bytes32 stateRoot);
        event Exited(uint32 indexed account, uint16 indexed asset, uint64 quanta);
        event Reclaimed(uint64 indexed request, uint32 indexed account, uint16 indexed asset, uint64 quanta);
        event Launched(uint32 genesisAccounts);
    }

    /// EIP-20, as far as a deposit needs it.
    interface Token {
        function allowance(address owner, address spender) external view returns (uint256);
        function approve(address spender, uint256 amount) external returns (bool);
        function balanceOf(address owner) external view returns (uint256);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use alloy::json_abi::JsonAbi;
    use alloy::sol_types::{SolEvent, SolInterface, SolStruct};

    use super::*;

    fn abi(artifact: &str) -> JsonAbi {
        let artifact: serde_json::Value = serde_json::from_str(artifact).unwrap();
        serde_json::from_value(artifact["abi"].clone()).unwrap()
    }

    #[test]
    fn functions_and_events_are_those_of_the_artifact() {
        let abi = abi(crate::artifacts::ROLLUP);
        let functions: BTreeSet<[u8; 4]> = abi.functions().map(|function| function.selector().0).collect();
        for selector in Rollup::RollupCalls::selectors() {
            let name = Rollup::RollupCalls::name_by_selector(selector);
            assert!(functions.contains(&selector), "{name:?} is not in the artifact");
        }
        let events: BTreeSet<_> = abi.events().map(|event| event.selector()).collect();
        for (name, selector) in [
            ("Requested", Rollup::Requested::SIGNATURE_HASH),
            ("BatchAccepted", Rollup::BatchAccepted::SIGNATURE_HASH),
            ("AssetAdded", Rollup::AssetAdded::SIGNATURE_HASH),
            ("Claimed", Rollup::Claimed::SIGNATURE_HASH),
            ("Credited", Rollup::Credited::SIGNATURE_HASH),
            ("FrozenForGood", Rollup::FrozenForGood::SIGNATURE_HASH),
            ("Exited", Rollup::Exited::SIGNATURE_HASH),
            ("Reclaimed", Rollup::Reclaimed::SIGNATURE_HASH),
            ("Launched", Rollup::Launched::SIGNATURE_HASH),
        ] {
            assert!(events.contains(&selector), "{name} is not in the artifact");
        }
    }

    #[test]
    fn what_is_returned_and_what_constructors_take_is_that_of_the_artifact() {
        let rollup = abi(crate::artifacts::ROLLUP);
        let outputs = |name: &str| -> Vec<String> {
            rollup.functions.get(name).unwrap()[0].outputs.iter().map(|output| output.ty.clone()).collect()
        };
        assert_eq!(outputs("progress"), ["uint8", "bool", "uint32", "uint64", "uint64", "uint64"]);
        assert_eq!(outputs("assets"), ["address", "uint96", "uint64"]);
        assert_eq!(outputs("programs"), ["bytes32", "bytes32"]);
        assert_eq!(outputs("open"), ["uint32", "uint64"]);
        // A struct's own name is not in an artifact, the names and types of its fields are.
        let fields = |abi: &JsonAbi, name: &str| {
            let inputs = &abi.constructor.as_ref().unwrap().inputs;
            assert_eq!(inputs.len(), 1);
            let fields = inputs[0].components.iter().map(|field| match field.ty.as_str() {
                "tuple" => format!("ProgramIds {}", field.name),
                ty => format!("{ty} {}", field.name),
            });
            format!("{name}({})", fields.collect::<Vec<_>>().join(","))
        };
        assert_eq!(Config::eip712_root_type(), fields(&rollup, "Config"));
        let verifier = abi(crate::artifacts::GROTH16_VERIFIER);
        assert_eq!(VerifyingKey::eip712_root_type(), fields(&verifier, "VerifyingKey"));
    }
}
