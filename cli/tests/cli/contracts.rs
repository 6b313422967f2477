//! Calls of contracts through the command line: imported, signed by one and by two, explained, proven and verified.

use crate::support::Session;

/// Swaps over one pool and over two, and a transfer.
const TABLE: &str = "\
block,tx_index,kind,asset_in,from,to_or_asset_out,amount_in,min_amount_out,path
200,0,swap,ETH,0x00000000000000000000000000000000000000aa,0x00000000000000000000000000000000000000f1,5000000000000000,70000,0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2>0x00000000000000000000000000000000000000f1
200,1,swap,0x00000000000000000000000000000000000000f1,0x00000000000000000000000000000000000000bb,ETH,2000,1,0x00000000000000000000000000000000000000f1>0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2
200,2,swap,ETH,0x00000000000000000000000000000000000000aa,0x00000000000000000000000000000000000000f2,3000000000000000,90000,0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2>0x00000000000000000000000000000000000000f1>0x00000000000000000000000000000000000000f2
201,0,transfer,ETH,0x00000000000000000000000000000000000000cc,0x00000000000000000000000000000000000000bb,1000000000,,
";

fn imported() -> Session {
    let mut session = Session::new();
    session.write("table.csv", TABLE);
    session.run("import table.csv --out demo");
    for name in ["aa", "bb"] {
        let address = format!("0x{}{name}", "0".repeat(38));
        assert_eq!(session.quietly(&format!("keys test {address} --out {name}.key")).exit_code, 0);
    }
    session
}

#[test]
fn swaps_are_imported_and_explained() {
    let mut session = imported();
    session.run("inspect demo/batch.jsonl");
    session.compare("contracts");
}

#[test]
fn swaps_are_proven() {
    let session = imported();
    let proven = session.quietly("prove demo/batch.jsonl --security fast --data-dir data --out proof.bin --json");
    assert_eq!(proven.exit_code, 0, "{}", proven.stderr);
    assert!(proven.stdout.contains("\"applied\": 6,"), "{}", proven.stdout);
    let verified = session.quietly("verify proof.bin --security fast --json");
    assert_eq!(verified.exit_code, 0, "{}", verified.stderr);
    for count in ["\"create_pool\": 2", "\"swap\": 2", "\"swap_route\": 1", "\"transfer\": 1"] {
        assert!(verified.stdout.contains(count), "{count} in {}", verified.stdout);
    }
}

#[test]
fn what_two_sign_passes_through_sign_twice() {
    let session = imported();
    let hash = "ab".repeat(32);
    let mint = format!(
        "{{\"kind\":\"mint_token\",\"account\":65536,\"nonce\":2,\"fee\":0,\"token\":8388700,\"royalty_bps\":500,\
         \"name_hash\":\"{hash}\"}}"
    );
    let sell = "{\"kind\":\"sell\",\"account\":65536,\"nonce\":3,\"fee\":0,\"token\":8388700,\"asset\":0,\"price\":0,\
                \"buyer\":65537,\"creator\":65536,\"deadline_s\":4000000000}";
    let sign = |arguments: &str, line: &str| {
        session.with_input(&format!("sign - --genesis demo/genesis.json {arguments}"), line)
    };
    let minted = sign("--key aa.key", &mint);
    assert_eq!(minted.exit_code, 0, "{}", minted.stderr);
    let once = sign("--key aa.key", sell);
    let twice = sign("--key bb.key --second", &once.stdout);
    assert_eq!(twice.exit_code, 0, "{}", twice.stderr);
    assert!(twice.stdout.contains("second_signature"), "{}", twice.stdout);
    // A mint is signed once only, and a sale that lacks a signature is no transaction of a batch.
    assert_eq!(sign("--key bb.key --second", &minted.stdout).exit_code, 1);

    let batch = session.read("demo/batch.jsonl");
    let execute = |lines: &[&str]| {
        session.write("demo/more.jsonl", format!("{}{}", batch, lines.concat()));
        session.quietly("execute demo/more.jsonl --json").stdout
    };
    assert!(execute(&[&minted.stdout, &twice.stdout]).contains("\"applied\": 8,"));
    let unsigned = execute(&[&minted.stdout, &once.stdout]);
    assert!(unsigned.contains("\"applied\": 7,") && unsigned.contains("second_public_key"), "{unsigned}");
    // Somebody else's second signature.
    let other = sign("--key aa.key --second", &once.stdout);
    let stolen = execute(&[&minted.stdout, &other.stdout]);
    assert!(stolen.contains("\"applied\": 7,") && stolen.contains("wrong_second_key"), "{stolen}");
}
