//! What the verbs of the L1 side have in common: where the node and the rollup are, whose key signs, how patiently.

mod deployment;
mod key;
mod sending;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use sheaf_circuits::account::AssetId;
use sheaf_verifier_contract::client::{Address, Node, Reader, ReaderSettings, Retry, Rollup};

pub use self::deployment::{AssetEntry, Deployment, FORMAT as DEPLOYMENT_FORMAT};
use self::key::KeyArguments;
pub use self::sending::{approve, explain, send, Done, SendingArguments};

use crate::failure::Advice;

/// The chain id of development nodes: their blocks are not replaced, and none is made without a transaction.
const DEVELOPMENT_CHAIN: u64 = 31337;
/// Blocks on top of what is read, on any other chain: two of Ethereum's epochs would be final, a third of one is deep.
const DEPTH_BLOCKS: u64 = 12;
/// Blocks of which events are asked for at once.
const PAGE_BLOCKS: u64 = 5000;
/// The variable with the node's address.
const URL_VARIABLE: &str = "SHEAF_RPC_URL";

/// The L1 node.
#[derive(Args)]
pub struct NodeArguments {
    /// The L1 node's JSON-RPC address, http or https [default: SHEAF_RPC_URL]
    #[arg(long, value_name = "URL", help_heading = "L1 options")]
    rpc_url: Option<String>,
}

impl NodeArguments {
    /// Connects.
    pub fn connect(&self) -> Result<Node> {
        let url = self.rpc_url.clone().or_else(|| std::env::var(URL_VARIABLE).ok()).ok_or_else(|| {
            Advice::new("no L1 node is named", format_args!("name one with --rpc-url, or in {URL_VARIABLE}"))
        })?;
        Node::connect(&url, Retry::default())
            .with_context(|| Advice::new("cannot use the L1 node", "check the address, and whether the node runs"))
    }
}

/// The L1 node and the rollup.
#[derive(Args)]
pub struct PlaceArguments {
    #[command(flatten)]
    node: NodeArguments,
    /// The rollup: the file that `sheaf deploy` wrote, or its address
    #[arg(long, value_name = "FILE|ADDRESS", default_value = "rollup.json", help_heading = "L1 options")]
    rollup: PathBuf,
}

/// A rollup on L1.
pub struct Place {
    node: Node,
    address: Address,
    first_block: u64,
}

impl PlaceArguments {
    /// Connects, and sees that there is a rollup.
    pub fn connect(&self) -> Result<Place> {
        let (expected, address, first_block) = match self.rollup.to_str().and_then(parse_address) {
            Some(address) => (None, address, 0),
            None => {
                let deployment = Deployment::read(&self.rollup)?;
                (Some(deployment.chain_id), deployment.rollup, deployment.block)
            }
        };
        let node = self.node.connect()?;
        if let Some(expected) = expected.filter(|&expected| expected != node.chain_id()) {
            let what = format!("the rollup is on chain {expected}, but the node is of chain {}", node.chain_id());
            return Err(Advice::new(what, "name another node with --rpc-url").into());
        }
        let place = Place { node, address, first_block };
        if !place.rollup().exists().with_context(cannot_ask)? {
            let what = format!("there is no contract at {address} on chain {}", place.node.chain_id());
            return Err(Advice::new(what, "name another rollup with --rollup, or another node with --rpc-url").into());
        }
        Ok(place)
    }

    /// A file beside the rollup's, for what belongs to it: `rollup.json` and `cursor` make `rollup.cursor.json`.
    pub fn beside(&self, what: &str) -> PathBuf {
        let stem = self.rollup.file_stem().unwrap_or_default().to_string_lossy();
        self.rollup.with_file_name(format!("{stem}.{what}.json"))
    }
}

impl Place {
    /// The node.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// The rollup.
    pub fn rollup(&self) -> Rollup<'_> {
        Rollup::at(&self.node, self.address)
    }

    /// Reads the rollup's events under so many blocks, or as many as usual.
    pub fn reader(&self, confirmations: Option<u64>) -> Reader<'_> {
        let usual = if is_development(&self.node) { 0 } else { DEPTH_BLOCKS };
        let confirmations = confirmations.unwrap_or(usual);
        let settings = ReaderSettings { confirmations, page_blocks: PAGE_BLOCKS, first_block: self.first_block };
        Reader::new(self.rollup(), settings)
    }

    /// The asset that a number or a token's address names.
    pub fn asset(&self, named: &str) -> Result<AssetId> {
        let unknown = || {
            let next = "name a number that the rollup has, or a token's address";
            Advice::new(format_args!("the rollup has no asset {named}"), next).answer_no()
        };
        let found = match parse_address(named) {
            Some(token) => self.rollup().asset_of(token).with_context(cannot_ask)?,
            None => {
                let id = named.parse().ok().and_then(AssetId::new).ok_or_else(unknown)?;
                self.rollup().asset(id).with_context(cannot_ask)?.map(|_| id)
            }
        };
        found.ok_or_else(|| unknown().into())
    }
}

/// Whether the chain is one for development.
pub fn is_development(node: &Node) -> bool {
    node.chain_id() == DEVELOPMENT_CHAIN
}

/// The advice for a question that L1 did not answer.
pub fn cannot_ask() -> Advice {
    Advice::new("L1 cannot be asked", "check --rpc-url and --rollup")
}

/// An address, 0x and 40 hexadecimal digits.
pub fn parse_address(text: &str) -> Option<Address> {
    text.starts_with("0x").then(|| text.parse().ok()).flatten()
}

/// An address on the command line that something is given to. With large and small letters mixed it has a checksum
/// (ERC-55), which has to be right; nothing is given to address 0.
pub fn address(text: &str) -> Result<Address, String> {
    let address = parse_address(text).ok_or_else(|| format!("{text:?} is not 0x and 40 hexadecimal digits"))?;
    let letters = || text[2..].chars().filter(char::is_ascii_alphabetic);
    let is_mixed =
        letters().any(|letter| letter.is_ascii_lowercase()) && letters().any(|letter| letter.is_ascii_uppercase());
    match () {
        () if is_mixed && Address::parse_checksummed(text, None).is_err() => {
            Err(format!("the checksum of {text} is wrong: expected {}, if no letter is", address.to_checksum(None)))
        }
        () if address.is_zero() => Err("address 0 is nobody's".to_owned()),
        () => Ok(address),
    }
}

/// 32 bytes on the command line.
pub fn word(text: &str) -> Result<[u8; 32], String> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(text), &mut bytes)
        .map(|()| bytes)
        .map_err(|_| format!("{text:?} is not 64 hexadecimal digits"))
}

/// 32 bytes for people.
pub fn show_word(bytes: &[u8; 32]) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// Refuses to write over a file.
pub fn require_new(path: &Path) -> Result<()> {
    match path.exists() {
        false => Ok(()),
        true => {
            Err(Advice::new(format_args!("{} exists", path.display()), "name another file, or move this one").into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_get_something_are_checked() {
        let good = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
        assert_eq!(address(good).unwrap().to_checksum(None), good);
        assert_eq!(address(&good.to_lowercase()), address(good));
        let mistyped = address("0x70997970C51812dc3A010C7d01b50e0d17dc79c8").unwrap_err();
        assert!(mistyped.contains("checksum"), "{mistyped}");
        assert!(address(&format!("0x{}", "0".repeat(40))).is_err());
        assert!(address("0x7099").is_err());
    }
}
