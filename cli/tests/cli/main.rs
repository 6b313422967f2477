//! Whole outputs of the command line, compared with `../snapshots/`. `SHEAF_REGENERATE=1` writes them anew.

mod chaos;
mod contracts;
mod fleet;
mod forecast;
mod jobs;
mod l1;
mod observe;
mod old_proofs;
mod prove;
mod simulate;
mod support;

use std::path::Path;

use support::Session;

/// Six transfers of three addresses, a swap, and a line for each mistake that a table can have.
const TABLE: &str = "\
block,tx_index,kind,asset_in,from,to_or_asset_out,amount_in,min_amount_out,path
100,0,transfer,ETH,0x00000000000000000000000000000000000000aa,0x00000000000000000000000000000000000000bb,5000000000,,
100,1,transfer,0x00000000000000000000000000000000000000f1,0x00000000000000000000000000000000000000bb,0x00000000000000000000000000000000000000cc,70,,
100,2,swap,ETH,0x00000000000000000000000000000000000000aa,0x00000000000000000000000000000000000000f1,1,1,a>b
101,0,transfer,ETH,0x00000000000000000000000000000000000000aa,0x00000000000000000000000000000000000000aa,5,,
101,1,transfer,ETH,0x00000000000000000000000000000000000000aa,0x00000000000000000000000000000000000000cc,1999999999,,
102,0,transfer,ETH,0x00000000000000000000000000000000000000cc,0x00000000000000000000000000000000000000bb,0,,
102,1,transfer,ETH,0x00000000000000000000000000000000000000cc,0x00000000000000000000000000000000000000bb,-1,,
102,2,transfer,ETH,0xcc,0x00000000000000000000000000000000000000bb,1,,
103,0,transfer,0x00000000000000000000000000000000000000f1,0x00000000000000000000000000000000000000cc,0x00000000000000000000000000000000000000bb,70,,
104,0,transfer,ETH,0x00000000000000000000000000000000000000bb,0x00000000000000000000000000000000000000aa,1000000000,,
";

/// The table imported into `demo`, and a key for its first address.
fn imported() -> Session {
    let session = Session::new();
    session.write("table.csv", TABLE);
    assert_eq!(session.quietly("import table.csv --out demo").exit_code, 0);
    let address = format!("0x{}aa", "0".repeat(38));
    assert_eq!(session.quietly(&format!("keys test {address} --out aa.key")).exit_code, 0);
    session
}

/// A batch with two good transfers around every kind of bad one.
fn with_bad_entries() -> Session {
    let session = imported();
    let sign = |line: &str| {
        let run = session.with_input("sign - --key aa.key --genesis demo/genesis.json", line);
        assert_eq!(run.exit_code, 0, "{}", run.stderr);
        run.stdout
    };
    let transfer = |nonce: u64, to: u32, amount: u64| {
        let fields = format!("\"nonce\":{nonce},\"fee\":21000,\"asset\":0,\"to\":{to},\"amount\":{amount}");
        format!("{{\"kind\":\"transfer\",\"account\":65536,{fields}}}")
    };
    let batch = session.read("demo/batch.jsonl");
    let [header, first] = [0, 1].map(|line| batch.lines().nth(line).unwrap());
    let other_header = header.replace("31337", "1");
    let lines = [
        header.to_owned(),
        first.to_owned(),
        sign(&transfer(7, 65537, 1)),
        sign(&transfer(1, 65537, 1)).replace("\"amount\":1,", "\"amount\":2,"),
        sign(&transfer(1, 99999, 1)),
        sign(&transfer(1, 65537, 999)),
        sign(&transfer(1, 65537, 1)).replace("\"account\":65536", "\"account\":65537"),
        sign(&transfer(1, 65536, 1)),
        first.to_owned(),
        "not JSON".to_owned(),
        first.replace("\"nonce\":0", "\"nonce\":\"0\""),
        first.replace("\"amount\":5", "\"amount\":4611686018427387904"),
        first.replace("\"fee\":21000", "\"fee\":1234567"),
        first.replace("\"fee\"", "\"tip\""),
        other_header,
        first.to_owned(),
        header.to_owned(),
        sign(&transfer(1, 65538, 1)),
        "{\"kind\":\"transfer\",\"acc".to_owned(),
    ];
    session.write("demo/bad.jsonl", lines.map(|line| line.trim_end().to_owned()).join("\n"));
    session
}

#[test]
fn help() {
    let verbs = Session::new().quietly("--help").stdout;
    let verbs = verbs.lines().skip_while(|line| *line != "Commands:").skip(1);
    let verbs: Vec<String> =
        verbs.map_while(|line| Some(line.strip_prefix("  ")?.split_whitespace().next()?.to_owned())).collect();
    assert!(verbs.len() > 8, "{verbs:?}");
    for verb in [""].into_iter().chain(verbs.iter().map(String::as_str)) {
        let mut session = Session::new();
        let text = session.run(&format!("{verb} --help")).stdout;
        assert!(text.contains("Example:") || text.contains("Example: "), "the help of {verb:?} has no example");
        assert!(text.contains("Exit codes:"), "the help of {verb:?} does not tell the exit codes");
        session.compare(&format!("help-{}", if verb.is_empty() { "sheaf" } else { verb }));
    }
}

#[test]
fn import() {
    let mut session = Session::new();
    session.write("table.csv", TABLE);
    session.run("import table.csv --out demo");
    session.show("demo/genesis.json");
    session.run("import table.csv --blocks 100..101 --limit 2 --out few --json");
    session.run("import table.csv --blocks 900.. --out none");
    session.run("import table.csv --blocks 9..1 --out none");
    session.write("other.csv", "a,b\n1,2\n");
    session.run("import other.csv --out none");
    session.run("import missing.csv --out none");
    session.compare("import");
}

#[test]
fn execute() {
    let mut session = with_bad_entries();
    session.run("execute demo/batch.jsonl --threads 2");
    let bad = session.run("execute demo/bad.jsonl --threads 2 --receipts receipts.jsonl");
    assert_eq!(bad.exit_code, 0, "valid transactions around bad ones still count");
    session.show("receipts.jsonl");
    assert_eq!(session.run("execute demo/bad.jsonl --threads 2 --strict --json").exit_code, 1);
    session.write("lonely.jsonl", session.read("demo/batch.jsonl"));
    session.run("execute lonely.jsonl");
    session.run("execute demo/genesis.json");
    session.write("demo/empty.jsonl", "");
    session.run("execute demo/empty.jsonl");
    session.write(
        "demo/second.jsonl",
        session.read("demo/batch.jsonl").replace("\"batch_number\":1", "\"batch_number\":2"),
    );
    session.run("execute demo/second.jsonl");
    session.write("demo/other.jsonl", session.read("demo/batch.jsonl").replace("31337", "1"));
    session.run("execute demo/other.jsonl");
    session.run("execute demo");
    session.run("execute demo/batch.jsonl --data-dir nowhere");
    session.compare("execute");
}

#[test]
fn inspect() {
    let mut session = with_bad_entries();
    session.run("inspect demo/batch.jsonl");
    session.run("inspect demo/bad.jsonl");
    session.run("inspect demo/batch.jsonl --json");
    session.run("inspect demo/genesis.json");
    // A transfer of 5 quanta of asset 0 from account 65536 to 65537 with fee 21 000 (mantissa 21 000, exponent 0).
    let word = |value: u64| value.to_be_bytes()[1..].to_vec();
    let stream = [word(4 << 48 | 65536), word(65537 << 24 | 21_000 << 5), word(5)].concat();
    session.write("l2.bin", &stream);
    session.run("inspect l2.bin");
    session.run("inspect l2.bin --as l2-stream");
    session.run("inspect l2.bin --as l1-stream --json");
    session.write("cut.bin", &stream[..20]);
    session.run("inspect cut.bin --as l2-stream");
    session.compare("inspect");
}

#[test]
fn keys_and_signatures() {
    let mut session = imported();
    session.write("seed", format!("0x{}\n", "07".repeat(32)));
    session.run("keys from-seed seed --out seed.key");
    session.run("keys from-seed seed --out seed.key");
    session.run("keys show seed.key --json");
    session.run_with("keys from-wallet - --out wallet.key", &"1b".repeat(65));
    session.run_with("keys from-wallet - --out short.key", "1b1b");
    session.run("keys wallet-text");
    session.run("keys test operator --out operator.key");
    session.run("keys test 0xabc --out x.key");
    session.run("keys show table.csv");

    let unsigned = r#"{"kind":"withdraw","account":65536,"nonce":2,"fee":21000,"asset":0,"amount":1}"#;
    session.run_with("sign - --key aa.key --genesis demo/genesis.json", unsigned);
    let domain = "--chain-id 31337 --contract 0x5bea000000000000000000000000000000000001";
    session.run_with(&format!("sign --key aa.key {domain} --json"), unsigned);
    session.run_with(&format!("sign --key aa.key {domain}"), &format!("{unsigned}\n{{\"kind\":\"noop\"}}\n"));
    session.run_with(&format!("sign --key aa.key {domain}"), "\n");
    session.run_with("sign --key aa.key --chain-id 31337", unsigned);
    session.compare("keys");
}

#[test]
fn new_keys_are_fresh_and_only_for_their_owner() {
    use std::os::unix::fs::PermissionsExt;
    let session = Session::new();
    for name in ["a.key", "b.key"] {
        assert_eq!(session.quietly(&format!("keys new --out {name}")).exit_code, 0);
        assert_eq!(session.path(name).metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_ne!(session.read("a.key"), session.read("b.key"));
}

#[test]
fn genesis() {
    let mut session = Session::new();
    let domain = "--chain-id 31337 --contract 0x5bea000000000000000000000000000000000001";
    let [a, b] = ["11", "22"].map(|byte| byte.repeat(32));
    session.run(&format!("genesis make {domain} --account 1:{a}:0 --account 2:{b}:5000000000 --out genesis.json"));
    session.show("genesis.json");
    session.run("genesis check genesis.json --json");
    session.run("genesis root genesis.json");
    session.run(&format!("genesis make {domain} --account 1:{a}:0 --account 1:{b}:0 --out twice.json"));
    session.run(&format!("genesis make {domain} --account 1:{a} --out short.json"));
    session.write("damaged.json", session.read("genesis.json").replace("\"accounts\"", "\"acounts\""));
    session.run("genesis check damaged.json");
    session.run("genesis root missing.json");
    session.compare("genesis");
}

#[test]
fn jobs_of_nowhere() {
    let mut session = Session::new();
    session.run("status --data-dir nowhere");
    session.run("retry --data-dir nowhere");
    session.run("retry 12ab --data-dir nowhere");
    assert!(!session.path("nowhere").exists(), "asking makes nothing");
    session.compare("jobs");
}

#[test]
fn doctor() {
    let run = Session::new().quietly("doctor --data-dir fresh --json");
    assert_eq!(run.stderr, "");
    for what in ["cores", "memory", "CPU", "disk", "circuits"] {
        assert!(run.stdout.contains(&format!("\"what\": \"{what}\"")), "{}", run.stdout);
    }
}

#[test]
fn usage_errors() {
    let mut session = Session::new();
    session.run("");
    session.run("prof");
    session.run("inspect");
    session.run("inspect missing.bin");
    session.write("strange.bin", [0u8; 9]);
    session.run("inspect strange.bin");
    session.compare("usage");
}

#[test]
fn every_transfer_of_the_demo_applies() {
    let session = Session::new();
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/demo/transactions.csv");
    assert_eq!(session.quietly(&format!("import {} --out demo", table.display())).exit_code, 0);
    let run = session.quietly("execute demo/batch.jsonl --strict");
    assert_eq!(run.exit_code, 0, "{}{}", run.stdout, run.stderr);
}
