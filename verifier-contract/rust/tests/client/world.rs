//! A node, a rollup on it, and batches with simulated proofs.

use std::path::PathBuf;
use std::time::Duration;

use sheaf_circuits::account::{AccountIndex, AssetId};
use sheaf_circuits::context::Context;
use sheaf_circuits::hash::{hash_tagged, tag, Digest};
use sheaf_verifier_contract::client::{
    rollup_call, verifier_call, Address, Call, Config, Cursor, Mined, Node, Policy, ProgramIds, Reader, ReaderSettings,
    Retry, Rollup, Sender, VerifyingKey, Wallet, U256,
};
use sheaf_verifier_contract::L1Batch;
use tempfile::TempDir;

use crate::anvil::{Anvil, KEYS};
use crate::simulator;

pub const PROGRAMS: ProgramIds = ProgramIds { batch: [0x0b; 32], exit: [0x0e; 32] };
pub const OPERATOR_INDEX: u32 = 5;
pub const DEADLINE_S: u64 = 3600;
/// Wei in a quantum of coins.
pub const SCALE: u64 = 1_000_000_000;
/// Who deploys and operates.
pub const OPERATOR: usize = 0;
pub const ALICE: usize = 1;
pub const BOB: usize = 2;

pub struct World {
    pub anvil: Anvil,
    pub folder: TempDir,
}

pub fn fee() -> U256 {
    U256::from(1_000_000_000_000_u64)
}

pub fn gas() -> AssetId {
    AssetId::GAS
}

pub fn digest(n: u64) -> Digest {
    use plonky2::field::types::Field;
    hash_tagged(tag("test"), &[sheaf_circuits::hash::F::from_canonical_u64(n)])
}

pub fn policy() -> Policy {
    Policy {
        confirmations: 1,
        poll: Duration::from_millis(20),
        replace_after: Duration::from_millis(200),
        give_up_after: Duration::from_secs(20),
        ..Policy::default()
    }
}

impl World {
    pub fn new() -> Self {
        Self::with(&[])
    }

    pub fn with(options: &[&str]) -> Self {
        Self { anvil: Anvil::with(options), folder: TempDir::new().unwrap() }
    }

    pub fn node(&self) -> Node {
        Node::connect(&self.anvil.url, Retry { attempts: 2, pause: Duration::from_millis(10) }).unwrap()
    }

    pub fn journal(&self, who: usize) -> PathBuf {
        self.folder.path().join(format!("{who}.json"))
    }

    pub fn sender<'a>(&self, node: &'a Node, who: usize) -> Sender<'a> {
        self.sender_with(node, who, policy())
    }

    pub fn sender_with<'a>(&self, node: &'a Node, who: usize, policy: Policy) -> Sender<'a> {
        Sender::new(node, wallet(who), &self.journal(who), policy).unwrap()
    }

    /// Sends, and forgets.
    pub fn send(&self, node: &Node, who: usize, call: &Call) -> Mined {
        let mut sender = self.sender(node, who);
        let mined = sender.send(call).unwrap();
        sender.forget(mined.id).unwrap();
        mined
    }

    /// A launched rollup, with the first asset only.
    pub fn rollup<'a>(&self, node: &'a Node) -> Rollup<'a> {
        let rollup = self.deployed(node);
        self.send(node, OPERATOR, &rollup.launch());
        rollup
    }

    /// A rollup in its setup.
    pub fn deployed<'a>(&self, node: &'a Node) -> Rollup<'a> {
        let key = VerifyingKey::from_json(simulator::key_json().as_bytes()).unwrap();
        let verifier = self.send(node, OPERATOR, &verifier_call(&key)).created.unwrap();
        let operator = wallet(OPERATOR).address();
        let config = Config {
            verifier,
            owner: operator,
            operator,
            operator_index: AccountIndex::new(OPERATOR_INDEX).unwrap(),
            genesis_root: digest(0),
            programs: PROGRAMS,
            coin_scale: SCALE.into(),
            request_fee: fee(),
            request_deadline_s: DEADLINE_S,
            program_notice_s: 2 * DEADLINE_S,
        };
        Rollup::at(node, self.send(node, OPERATOR, &rollup_call(&config)).created.unwrap())
    }

    /// `who` opens an account with so many quanta of coins; returns it.
    pub fn open(&self, rollup: &Rollup<'_>, who: usize, quanta: u64) -> AccountIndex {
        let call = rollup.open(gas(), wei(quanta), digest(100 + who as u64), fee());
        rollup.requested(&self.send(rollup.node(), who, &call)).unwrap().1
    }
}

pub fn wallet(who: usize) -> Wallet {
    Wallet::from_hex(KEYS[who]).unwrap()
}

pub fn address(who: usize) -> Address {
    wallet(who).address()
}

pub fn wei(quanta: u64) -> U256 {
    U256::from(quanta) * U256::from(SCALE)
}

pub fn reader<'a>(rollup: Rollup<'a>, confirmations: u64) -> Reader<'a> {
    Reader::new(rollup, ReaderSettings { confirmations, page_blocks: 3, first_block: 0 })
}

/// The L1 stream that takes all open requests; a forced exit moves nothing.
pub fn all_requests(rollup: &Rollup<'_>) -> Vec<u8> {
    let cursor = reader(*rollup, 0).follow(&Cursor::new(rollup)).unwrap();
    let mut stream = Vec::new();
    for request in cursor.open_requests(0).unwrap() {
        stream.extend(&request.record);
        if request.record.len() == 14 {
            stream.extend([0; 7]);
        }
    }
    stream
}

/// A withdrawal's record.
pub fn withdrawal(account: AccountIndex, asset: AssetId, quanta: u64) -> Vec<u8> {
    let mut record = vec![5];
    record.extend(asset.get().to_be_bytes());
    record.extend(account.get().to_be_bytes());
    record.extend([0; 7]);
    record.extend(&quanta.to_be_bytes()[1..]);
    record
}

/// The next batch, with a proof.
pub fn batch(rollup: &Rollup<'_>, l1: Vec<u8>, l2: Vec<u8>) -> L1Batch {
    let number = rollup.progress().unwrap().batch_number + 1;
    let batch = L1Batch {
        context: Context {
            domain: rollup.domain(),
            batch_number: number,
            operator: AccountIndex::new(OPERATOR_INDEX).unwrap(),
            timestamp_s: rollup.node().head().unwrap().timestamp_s,
        },
        program_id: PROGRAMS.batch,
        pre_root: Digest::from_bytes(&rollup.state_root().unwrap()).unwrap(),
        post_root: digest(number.into()),
        da_commit: digest(1000),
        l1,
        l2,
        proof: [0; 256],
    };
    proven(batch)
}

/// The batch with a proof of what it says.
pub fn proven(batch: L1Batch) -> L1Batch {
    let proof = simulator::prove(batch.statement().unwrap().public_input());
    L1Batch { proof, ..batch }
}
