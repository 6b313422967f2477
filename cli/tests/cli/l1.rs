//! The L1 side from end to end, against a node of our own, with simulated proofs of batches that were really executed.

use std::path::Path;

use sheaf_aggregator::pipeline::Programs;
use sheaf_circuits::account::{AccountIndex, AssetId};
use sheaf_circuits::amount::Quanta;
use sheaf_circuits::availability::{to_bytes, Streams};
use sheaf_circuits::hash::Digest;
use sheaf_verifier_contract::{ExitProof, L1Batch};
use sheaf_witness::batch::{self, Limits};
use sheaf_witness::execute::{execute, Receipt, SignatureChecks};
use sheaf_witness::genesis::Genesis;
use sheaf_witness::state::{MemoryState, StateRead};

use crate::support::{Run, Session};

#[path = "../../../verifier-contract/rust/tests/client/anvil.rs"]
mod anvil;
#[path = "../../../verifier-contract/rust/tests/client/simulator.rs"]
mod simulator;

mod settlement;

use anvil::{Anvil, KEYS};

const PROGRAMS: [u8; 2] = [0x0b, 0x0e];
const OPERATOR: usize = 0;
const ALICE: usize = 1;
const BOB: usize = 2;
const ALICE_ADDRESS: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

/// A node, a folder, and the state that the batches lead to.
struct World {
    anvil: Anvil,
    session: Session,
    state: MemoryState,
}

impl World {
    /// A deployed rollup with a simulated key.
    fn new() -> Self {
        let world = Self::undeployed();
        let [batch, exit] = PROGRAMS.map(|program| hex::encode([program; 32]));
        let programs = format!("--batch-program {batch} --exit-program {exit} --deadline 3600 --notice 7200");
        let deploy = format!("deploy --genesis genesis.json --verifying-key vk.json {programs}");
        world.session.write("vk.json", simulator::key_json());
        let other = world.try_send(OPERATOR, &deploy);
        assert_eq!(other.exit_code, 1, "a key of another circuit: no proof would verify");
        assert!(other.stderr.contains("no proof would ever verify"), "{}", other.stderr);
        let circuit = Programs::load().unwrap().wrap().to_string();
        world.session.write("vk.json", simulator::key_json().replace(&"00".repeat(32), &circuit));
        world.send(OPERATOR, &deploy);
        world
    }

    /// Keys, and a genesis whose only account is the operator's, with nothing.
    fn undeployed() -> Self {
        let (anvil, session) = (Anvil::with(&[]), Session::new());
        for name in ["operator", "alice", "bob"] {
            assert_eq!(session.quietly(&format!("keys new --out {name}.key")).exit_code, 0);
        }
        let shown = session.quietly("keys show operator.key --json").stdout;
        let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
        let contract = format!("0x{}", "5b".repeat(20));
        let account = format!("5:{}:0", shown["key_hash"].as_str().unwrap());
        let make =
            format!("genesis make --chain-id 31337 --contract {contract} --account {account} --out genesis.json");
        assert_eq!(session.quietly(&make).exit_code, 0);
        let genesis = Genesis::from_json(session.read("genesis.json").as_bytes()).unwrap();
        Self { anvil, session, state: MemoryState::with_cells(genesis.cells()) }
    }

    /// Runs a verb that asks L1.
    fn ask(&self, arguments: &str) -> Run {
        self.session.quietly(&format!("{arguments} --rpc-url {}", self.anvil.url))
    }

    /// Runs a verb that sends for `who`, without expecting anything.
    fn try_send(&self, who: usize, arguments: &str) -> Run {
        self.session.quietly(&self.sending(who, arguments))
    }

    /// The arguments of a verb that sends for `who`.
    fn sending(&self, who: usize, arguments: &str) -> String {
        let key = KEYS[who];
        format!("{arguments} --rpc-url {} --insecure-private-key {key} --journal {who}.journal", self.anvil.url)
    }

    /// Runs a verb that sends for `who`, and reads its report.
    fn send(&self, who: usize, arguments: &str) -> serde_json::Value {
        let run = self.try_send(who, &format!("{arguments} --json"));
        assert_eq!(run.exit_code, 0, "sheaf {arguments}: {}", run.stderr);
        serde_json::from_str(&run.stdout).unwrap()
    }

    /// Executes a sealed batch and writes it for L1, with a simulated proof.
    fn prove(&mut self, sealed: &str, out: &str) -> L1Batch {
        let decoded = batch::read(self.session.read(sealed).as_bytes(), Limits::default()).unwrap();
        assert!(decoded.refused.is_empty());
        let batch::Batch { context, transactions } = decoded.batch;
        let execution = execute(&context, &transactions, &self.state, SignatureChecks::Verify).unwrap();
        assert!(execution.receipts.iter().all(|receipt| matches!(receipt, Receipt::Applied(_))), "{execution:?}");
        let mut streams = Streams::default();
        execution.applied(&transactions).iter().for_each(|applied| streams.push(&applied.record));
        let pre_root = self.state.root();
        let update = self.state.prepare(execution.cells).unwrap();
        let post_root = self.state.commit(update).unwrap();
        let mut batch = L1Batch {
            context,
            program_id: [PROGRAMS[0]; 32],
            pre_root,
            post_root,
            da_commit: Digest::from_bytes(&[7; 32]).unwrap(),
            l1: to_bytes(&streams.l1),
            l2: to_bytes(&streams.l2),
            proof: [0; 256],
        };
        batch.proof = simulator::prove(batch.statement().unwrap().public_input());
        self.session.write(out, batch.to_bytes());
        batch
    }

    fn sign(&self, key: &str, line: &str) -> String {
        let run = self.session.with_input(&format!("sign - --key {key} --genesis genesis.json"), line);
        assert_eq!(run.exit_code, 0, "{}", run.stderr);
        run.stdout
    }
}

#[test]
fn a_rollup_lives_and_is_rebuilt_from_l1_alone() {
    let mut world = World::new();
    let refused = world.try_send(ALICE, "deposit 5000000000000");
    assert_eq!(refused.exit_code, 1, "{}", refused.stderr);
    assert!(refused.stderr.contains("name the key of the account to open with --key"), "{}", refused.stderr);
    assert_eq!(world.ask("seal --out batch-1.jsonl").exit_code, 1, "there is nothing to seal");

    // Deposits come in.
    let opened = world.send(ALICE, "deposit 5000000000000 --key alice.key");
    assert_eq!(
        (&opened["account"], &opened["request"], &opened["quanta"]),
        (&65_536.into(), &1.into(), &"5000".into())
    );
    let opened = world.send(BOB, "deposit 1000000000 --key bob.key");
    assert_eq!(opened["account"], 65_537);
    world.send(ALICE, "deposit 2000000000 --to 65537");
    let sealed = world.ask("seal --out batch-1.jsonl --json");
    assert_eq!(sealed.exit_code, 0, "{}", sealed.stderr);
    let first = world.prove("batch-1.jsonl", "batch-1.l1");
    let stranger = world.try_send(ALICE, "submit batch-1.l1");
    assert_eq!(stranger.exit_code, 1);
    assert!(stranger.stderr.contains("NotTheOperator"), "{}", stranger.stderr);
    let submitted = world.send(OPERATOR, "submit batch-1.l1");
    assert_eq!(submitted["already"], false);
    let again = world.send(OPERATOR, "submit batch-1.l1");
    assert_eq!((&again["already"], &again["transaction"]), (&true.into(), &submitted["transaction"]));

    // They are spent, and leave.
    let transfer = r#"{"kind":"transfer","account":65536,"nonce":0,"fee":7,"asset":0,"to":65537,"amount":100}"#;
    let withdraw = r#"{"kind":"withdraw","account":65537,"nonce":0,"fee":0,"asset":0,"amount":53}"#;
    let signed = [world.sign("alice.key", transfer), world.sign("bob.key", withdraw)].concat();
    world.session.write("signed.jsonl", signed);
    world.send(BOB, "request-exit");
    let sealed = world.ask("seal --transactions signed.jsonl --out batch-2.jsonl");
    assert_eq!(sealed.exit_code, 0, "{}", sealed.stderr);
    assert!(sealed.stdout.contains("1 request, 4 to 4"), "{}", sealed.stdout);
    // The exit comes first and takes all of Bob's, so his withdrawal is of what Alice sends: more than that cannot be.
    let second = world.prove("batch-2.jsonl", "batch-2.l1");
    let submitted = world.send(OPERATOR, "submit batch-2.l1");
    let claimed = world.send(BOB, "claim");
    assert_eq!(claimed["quanta"], (3 + 53).to_string());
    assert_eq!(world.try_send(BOB, "claim").exit_code, 1, "nothing more is owed");

    // Both batches are on L1, and that is enough.
    let inspected = world.ask(&format!("inspect {} --json", submitted["transaction"].as_str().unwrap()));
    assert_eq!(inspected.exit_code, 0, "{}", inspected.stderr);
    let inspected: serde_json::Value = serde_json::from_str(&inspected.stdout).unwrap();
    assert_eq!(inspected["post_root"], second.post_root.to_string());
    assert_eq!(inspected["l1"]["kinds"]["forced_exit"], 1);
    let rebuilt = world.ask("rebuild --data-dir data --json");
    assert_eq!(rebuilt.exit_code, 0, "{}{}", rebuilt.stdout, rebuilt.stderr);
    let rebuilt: serde_json::Value = serde_json::from_str(&rebuilt.stdout).unwrap();
    assert_eq!((&rebuilt["batches"], &rebuilt["root"]), (&2.into(), &second.post_root.to_string().into()));
    let again = world.ask("rebuild --data-dir data");
    assert!(again.stdout.contains("applied  0 now") && again.stdout.contains("at the same root"), "{}", again.stdout);
    assert_ne!(first.post_root, second.post_root);
}

#[test]
fn a_rollup_whose_operator_stops_is_left_with_proofs() {
    let mut world = World::new();
    world.send(ALICE, "deposit 5000000000000 --key alice.key");
    world.ask("seal --out batch.jsonl");
    let last = world.prove("batch.jsonl", "batch.l1");
    world.send(OPERATOR, "submit batch.l1");
    let late = world.send(BOB, "deposit 1000000000 --key bob.key");
    let early = world.try_send(BOB, "freeze");
    assert_eq!(early.exit_code, 1);
    assert!(early.stderr.contains("NotOverdue"), "{}", early.stderr);
    world.anvil.control("evm_increaseTime", &["3700"]);
    world.anvil.control("evm_mine", &[]);
    let frozen = world.send(BOB, "freeze");
    assert_eq!(frozen["last_batch"], 1);
    assert_eq!(world.ask("seal --out late.jsonl").exit_code, 1);

    world.send(ALICE, &format!("reclaim {}", late["request"]));
    assert_eq!(world.send(BOB, "claim")["quanta"], "1");
    let mut exit = ExitProof {
        domain: last.context.domain,
        account: AccountIndex::new(65_536).unwrap(),
        asset: AssetId::GAS,
        amount: Quanta::new(5000).unwrap(),
        program_id: [PROGRAMS[1]; 32],
        root: last.post_root,
        proof: [0; 256],
    };
    exit.proof = simulator::prove(exit.statement().public_input());
    let other = ExitProof { root: last.pre_root, ..exit.clone() };
    world.session.write("other.bin", other.to_bytes());
    let refused = world.try_send(ALICE, "exit --proof other.bin");
    assert_eq!(refused.exit_code, 1);
    assert!(refused.stderr.contains("the contract is at"), "{}", refused.stderr);
    world.session.write("exit.bin", exit.to_bytes());
    assert_eq!(world.send(ALICE, "exit --proof exit.bin")["quanta"], 5000);
    assert_eq!(world.send(ALICE, "claim")["quanta"], "5000");
}

#[test]
fn a_deposit_that_was_killed_is_made_once() {
    let world = World::new();
    world.anvil.control("evm_setAutomine", &["false"]);
    let deposit = "deposit 5000000000000 --key alice.key";
    let mut child = world.session.start(&world.sending(ALICE, deposit));
    // It is sent, and waits for a block that does not come.
    while world.anvil.control("eth_getTransactionCount", &[ALICE_ADDRESS, "pending"]) != "\"0x1\"" {
        assert!(child.try_wait().unwrap().is_none(), "it ended early");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    world.anvil.control("evm_setAutomine", &["true"]);
    let run = world.try_send(ALICE, deposit);
    assert_eq!(run.exit_code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("begun before, with nonce 0"), "{}", run.stderr);
    assert!(run.stdout.contains("request 1: 5000 quanta"), "{}", run.stdout);
    assert_eq!(world.anvil.control("eth_getTransactionCount", &[ALICE_ADDRESS, "pending"]), "\"0x1\"");
    // Its result was told: now the same command is another deposit.
    assert_eq!(world.send(ALICE, deposit)["request"], 2);
}

#[test]
fn nothing_is_sealed_when_l1_was_reorganised() {
    let world = World::new();
    world.send(ALICE, "deposit 5000000000000 --key alice.key");
    assert_eq!(world.ask("seal --out early.jsonl --depth 1").exit_code, 1, "the deposit is not deep enough");
    assert_eq!(world.ask("seal --out batch.jsonl").exit_code, 0);
    world.anvil.control("anvil_reorg", &["1", "[]"]);
    let refused = world.ask("seal --out late.jsonl");
    assert_eq!(refused.exit_code, 2);
    assert!(refused.stderr.contains("L1 was reorganised: block"), "{}", refused.stderr);
    assert!(!world.session.path("late.jsonl").exists());
}

#[test]
fn a_keystore_signs() {
    let world = World::new();
    let folder = world.session.path("");
    let status = std::process::Command::new(anvil::tool())
        .args(["cast", "wallet", "import", "alice", "--private-key", KEYS[ALICE], "--unsafe-password", "secret"])
        .arg("--keystore-dir")
        .arg(&folder)
        .stdout(std::process::Stdio::null())
        .status();
    assert!(status.unwrap().success());
    world.session.write("password", "secret\n");
    let keystore = "--keystore alice --password-file password --journal alice.journal";
    let opened = world.ask(&format!("deposit 5000000000000 --key alice.key {keystore}"));
    assert_eq!(opened.exit_code, 0, "{}", opened.stderr);
    world.session.write("password", "other");
    let refused = world.ask(&format!("claim {keystore}"));
    assert_eq!(refused.exit_code, 2);
    assert!(refused.stderr.contains("the keystore gives no key"), "{}", refused.stderr);
}

#[test]
fn what_l1_verbs_need_is_told() {
    let session = Session::new();
    let told = |arguments: &str, expected: &str| {
        let run = session.quietly(arguments);
        assert_eq!(run.exit_code, 2, "{}", run.stderr);
        assert!(run.stderr.contains(expected), "{}", run.stderr);
    };
    told("claim", "cannot open rollup.json");
    let address = format!("0x{}", "11".repeat(20));
    told(&format!("claim --rollup {address}"), "name one with --rpc-url, or in SHEAF_RPC_URL");
    told(&format!("claim --rollup {address} --rpc-url ws://localhost"), "it begins with ws:");
    session.write("rollup.json", "{}");
    told("claim --rpc-url http://localhost:1", "rollup.json does not describe a rollup");
    assert!(Path::new(&session.path("rollup.json")).exists());
}
