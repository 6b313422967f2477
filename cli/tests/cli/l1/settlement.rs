//! The whole life of users' money with real proofs, on a real node: in, spent, out; and out without the operator. Every
//! amount is followed to the wei. Some minutes, nearly all of them for two shrink and two Groth16 proofs.

use std::path::Path;

use serde_json::Value;

use super::anvil::{token_code, KEYS};
use super::{World, ALICE, ALICE_ADDRESS, BOB, OPERATOR};

const BOB_ADDRESS: &str = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";
const ETHER: u128 = 1_000_000_000_000_000_000;
/// Wei in a quantum of asset 0.
const SCALE: u128 = 1_000_000_000;
/// Base units in a quantum of the token.
const TOKEN_SCALE: u128 = 1000;
/// What a request costs, as deployed.
const REQUEST_FEE: u128 = 1_000_000_000_000;

impl World {
    fn coins(&self, address: &str) -> u128 {
        self.anvil.cast("balance", &[address]).parse().unwrap()
    }

    fn tokens(&self, token: &str, address: &str) -> u128 {
        let told = self.anvil.cast("call", &[token, "balanceOf(address)(uint256)", address]);
        told.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// Makes a token and gives Bob some.
    fn token(&self, for_bob: u128) -> String {
        let code = format!("0x{}", hex::encode(token_code(Path::new(env!("CARGO_TARGET_TMPDIR")))));
        let key = ["--private-key", KEYS[OPERATOR], "--json"];
        let made: Value =
            serde_json::from_str(&self.anvil.cast("send", &[&key[..], &["--create", &code]].concat())).unwrap();
        let token = made["contractAddress"].as_str().unwrap().to_owned();
        let mint = [&token, "mint(address,uint256)", BOB_ADDRESS, &for_bob.to_string()];
        self.anvil.cast("send", &[&key[..], &mint].concat());
        token
    }

    /// Runs a verb that asks L1 or nothing, and reads its report.
    fn told(&self, arguments: &str) -> Value {
        let run = self.session.quietly(&format!("{arguments} --json"));
        assert_eq!(run.exit_code, 0, "sheaf {arguments}: {}", run.stderr);
        serde_json::from_str(&run.stdout).unwrap()
    }

    /// Asks in vain.
    fn refused(&self, who: usize, arguments: &str, reason: &str) {
        let run = self.try_send(who, arguments);
        assert_eq!(run.exit_code, 1, "sheaf {arguments}: {}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains(reason), "{reason} in {}", run.stderr);
    }
}

/// What a transaction cost its sender.
fn fee(report: &Value) -> u128 {
    report["fee_wei"].as_str().unwrap().parse().unwrap()
}

#[test]
fn money_comes_in_is_spent_and_leaves_with_real_proofs() {
    let world = World::undeployed();
    world.told("setup dev");
    let token = world.token(1_000_000);
    let programs = "--security fast --deadline 3600 --notice 7200";
    let deployed =
        world.send(OPERATOR, &format!("deploy --genesis genesis.json {programs} --asset 1={token}:{TOKEN_SCALE}"));
    let rollup = deployed["deployment"]["rollup"].as_str().unwrap();

    // In: coins of Alice, coins and tokens of Bob.
    let before = [ALICE_ADDRESS, BOB_ADDRESS].map(|address| world.coins(address));
    let alice = world.send(ALICE, &format!("deposit {} --key alice.key", 3 * ETHER));
    let bob = world.send(BOB, &format!("deposit {ETHER} --key bob.key"));
    assert_eq!((&alice["account"], &bob["account"]), (&65_536.into(), &65_537.into()));
    world.send(BOB, "deposit 700000 --asset 1");
    world.refused(BOB, "deposit 1 --asset 1", "NotWholeQuanta");
    assert_eq!(world.coins(ALICE_ADDRESS), before[0] - 3 * ETHER - REQUEST_FEE - fee(&alice));
    assert_eq!(world.coins(rollup), 4 * ETHER + 3 * REQUEST_FEE);
    assert_eq!(world.tokens(&token, rollup), 700_000);

    // Spent: transfers, a lock, withdrawals of both.
    let fee_quanta: u128 = 21_000;
    let lines = [
        (
            "alice",
            r#"{"kind":"transfer","account":65536,"nonce":0,"fee":21000,"asset":0,"to":65537,"amount":500000000}"#,
        ),
        (
            "alice",
            r#"{"kind":"lock","account":65536,"nonce":1,"fee":21000,"asset":0,"lock":8388700,"amount":7,"until_s":9000000000}"#,
        ),
        ("bob", r#"{"kind":"transfer","account":65537,"nonce":0,"fee":21000,"asset":1,"to":65536,"amount":300}"#),
        ("bob", r#"{"kind":"withdraw","account":65537,"nonce":1,"fee":21000,"asset":0,"amount":250000000}"#),
        ("bob", r#"{"kind":"withdraw","account":65537,"nonce":2,"fee":21000,"asset":1,"amount":100}"#),
    ];
    let signed: String = lines.iter().map(|(who, line)| world.sign(&format!("{who}.key"), line)).collect();
    world.session.write("signed.jsonl", signed);
    assert_eq!(world.ask("seal --transactions signed.jsonl --out batch.jsonl").exit_code, 0);
    let prove = "prove batch.jsonl --security fast --data-dir data --until wrap --out batch.l1";
    let proven = world.told(prove);
    assert_eq!((&proven["applied"], &proven["proof_bytes"]), (&8.into(), &256.into()));
    let again = world.told(prove);
    assert_eq!((&again["resumed"], again["stages"]["wrap"].as_object()), (&true.into(), None), "nothing is done twice");
    world.told("verify batch.l1 --security fast");
    let good = std::fs::read(world.session.path("batch.l1")).unwrap();
    a_batch_that_was_altered_is_refused(&world, &good);

    let submitted = world.send(OPERATOR, "submit batch.l1");
    assert_eq!(world.send(OPERATOR, "submit batch.l1")["already"], true);
    let gas = submitted["gas"].as_u64().unwrap();
    assert!((300_000..450_000).contains(&gas), "{gas}: verification, calldata, three requests, two withdrawals");

    // Out, as Bob asked.
    let before = world.coins(BOB_ADDRESS);
    let claimed = world.send(BOB, "claim");
    assert_eq!(world.coins(BOB_ADDRESS), before + ETHER / 4 - fee(&claimed));
    world.send(BOB, "claim --asset 1");
    assert_eq!(world.tokens(&token, BOB_ADDRESS), 1_000_000 - 700_000 + 100 * TOKEN_SCALE);
    world.refused(BOB, "claim", "NothingOwed");

    left_without_the_operator(&world, rollup, 3 * ETHER / SCALE - 500_000_000 - 7 - 2 * fee_quanta);
}

/// A changed file is refused by `verify`, and what the contract sees of it by the contract.
fn a_batch_that_was_altered_is_refused(world: &World, good: &[u8]) {
    let change = |position: usize| {
        let mut bytes = good.to_vec();
        bytes[position] ^= 1;
        world.session.write("altered.l1", bytes);
        let run = world.session.quietly("verify altered.l1 --security fast");
        assert_eq!(run.exit_code, 1, "byte {position}: {}", run.stdout);
    };
    let last = good.len() - 1;
    // Magic, number, program, both roots, daCommit, both streams, A, B, C.
    for position in [0, 34, 60, 82, 114, 146, 190, last - 300, last - 200, last - 100, last] {
        change(position);
    }
    change(114);
    world.refused(OPERATOR, "submit altered.l1", "ProofRejected");
    change(82);
    world.refused(OPERATOR, "submit altered.l1", "the batch begins from root");
}

/// Nobody serves Alice any more. What she has left on L2 comes back, and a deposit that nobody took.
fn left_without_the_operator(world: &World, rollup: &str, quanta: u128) {
    let asked = world.send(ALICE, "request-exit");
    let late = world.send(BOB, &format!("deposit {ETHER}"));
    world.refused(BOB, "freeze", "NotOverdue");
    world.anvil.control("evm_increaseTime", &["3700"]);
    world.anvil.control("evm_mine", &[]);
    assert_eq!(world.send(BOB, "freeze")["last_batch"], 1);

    // From L1 alone.
    let rebuilt = world.ask("rebuild --data-dir rebuilt --json");
    assert_eq!(rebuilt.exit_code, 0, "{}{}", rebuilt.stdout, rebuilt.stderr);
    let rebuilt: Value = serde_json::from_str(&rebuilt.stdout).unwrap();
    assert_eq!(rebuilt["contract_root"], format!("0x{}", rebuilt["root"].as_str().unwrap()));

    let before = world.coins(ALICE_ADDRESS);
    let left = world.send(ALICE, "exit --data-dir rebuilt");
    assert_eq!((&left["account"], &left["quanta"]), (&65_536.into(), &(quanta as u64).into()));
    world.refused(ALICE, "exit --data-dir rebuilt", "AlreadyExited");
    world.refused(BOB, "exit --proof rebuilt/exit-65536-0.proof", "ProofRejected");
    let claimed = world.send(ALICE, "claim");
    assert_eq!(claimed["quanta"], quanta.to_string());
    assert_eq!(world.coins(ALICE_ADDRESS), before + quanta * SCALE - fee(&left) - fee(&claimed));
    world.refused(ALICE, &format!("reclaim {}", asked["request"]), "is not a deposit that no batch took");

    world.send(ALICE, &format!("reclaim {}", late["request"]));
    let before = world.coins(BOB_ADDRESS);
    let claimed = world.send(BOB, "claim");
    assert_eq!(world.coins(BOB_ADDRESS), before + ETHER - fee(&claimed));

    // What is still there is what has not left: fees and the lock of L2, Bob's balance, and the fees of requests.
    let bob = ETHER / SCALE + 500_000_000 - 250_000_000 - 3 * 21_000;
    let operator = 5 * 21_000;
    assert_eq!(world.coins(rollup), (bob + operator + 7) * SCALE + 5 * REQUEST_FEE);
}
