//! Proofs made earlier, kept in `fixtures/proofs/`: they verify, say what they said, and every byte of them counts.
//!
//! With `SHEAF_REGENERATE=1` one that is missing or does not verify is made anew; one that verifies stays.

use std::fs;
use std::path::{Path, PathBuf};

use crate::imported;
use crate::prove::damaged_proofs_are_refused;
use crate::support::{Session, REGENERATE};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/proofs")
}

/// A batch of every kind, large enough for three small chunks: a lift of two, a lift of one, and a join.
fn every_kind() -> Session {
    let session = imported();
    let signed: String = (0..24)
        .map(|i| {
            let fields = format!("\"account\":65536,\"nonce\":{},\"fee\":21000", i + 2);
            match i % 5 {
                4 => format!("{{\"kind\":\"withdraw\",{fields},\"asset\":1,\"amount\":{i}}}\n"),
                3 => format!("{{\"kind\":\"transfer\",{fields},\"asset\":1,\"to\":65538,\"amount\":{i}}}\n"),
                _ => format!("{{\"kind\":\"transfer\",{fields},\"asset\":0,\"to\":65537,\"amount\":{i}}}\n"),
            }
        })
        .collect();
    let signed = session.with_input("sign - --key aa.key --genesis demo/genesis.json", &signed);
    assert_eq!(signed.exit_code, 0, "{}", signed.stderr);
    let key_hash = "11".repeat(32);
    let lines = [
        session.read("demo/batch.jsonl").trim_end().to_owned(),
        "{\"kind\":\"noop\"}".to_owned(),
        "{\"kind\":\"deposit\",\"account\":65536,\"asset\":0,\"amount\":1000000}".to_owned(),
        "{\"kind\":\"deposit\",\"account\":65536,\"asset\":1,\"amount\":1000000}".to_owned(),
        format!("{{\"kind\":\"deposit\",\"account\":70000,\"asset\":0,\"amount\":5,\"opens\":\"{key_hash}\"}}"),
        signed.stdout.trim_end().to_owned(),
        format!("{{\"kind\":\"rekey\",\"account\":65538,\"key_hash\":\"{key_hash}\"}}"),
        "{\"kind\":\"forced_exit\",\"account\":65537,\"asset\":1}".to_owned(),
    ];
    session.write("demo/batch.jsonl", lines.join("\n"));
    session
}

/// Proves the batch and writes the file.
fn make(security: &str, path: &Path) {
    let session = every_kind();
    let batch = "demo/batch.jsonl --data-dir data --out proof.bin --json";
    let run = session.quietly(&format!("prove --security {security} {batch}"));
    assert_eq!(run.exit_code, 0, "{}", run.stderr);
    for what in
        ["\"rejected\": 0,", "\"refused\": 0,", "\"lift\": {\n      \"count\": 2,", "\"join\": {\n      \"count\": 1,"]
    {
        assert!(run.stdout.contains(what), "{what} in {}", run.stdout);
    }
    fs::copy(session.path("proof.bin"), path).unwrap();
}

fn check(security: &str) {
    let name = format!("{security}.bin");
    let path = folder().join(&name);
    let verify = format!("verify {name} --security {security} --json");
    let mut session = Session::new();
    let is_valid = || {
        session.write(&name, fs::read(&path).unwrap_or_default());
        session.quietly(&verify).exit_code == 0
    };
    if !is_valid() && std::env::var_os(REGENERATE).is_some() {
        make(security, &path);
    }
    let proof = fs::read(&path).unwrap();
    session.write(&name, &proof);
    let run = session.run(&verify);
    assert_eq!(run.exit_code, 0, "see fixtures/proofs/README.md\n{}", run.stderr);

    damaged_proofs_are_refused(&session, &proof, security);
    // Which circuits made it is told beside it.
    let (_, circuits) = run.stdout.split_once("\"circuits\": \"").unwrap();
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    assert!(readme.contains(&circuits[..64]), "fixtures/proofs/README.md does not name circuits {}", &circuits[..64]);
    session.compare(&format!("old-proof-{security}"));
}

#[test]
fn an_old_fast_proof_verifies() {
    check("fast");
}

#[test]
fn an_old_proven_proof_verifies() {
    check("proven");
}
