//! Proving and verifying through the command line, with the smallest shape and the fast profile.

use std::path::Path;

use crate::support::Session;
use crate::with_bad_entries;

const PROVE: &str = "prove --security fast --data-dir data --out proof.bin";

#[test]
fn valid_transactions_around_bad_ones_are_proven() {
    let session = with_bad_entries();
    let proven = session.quietly(&format!("{PROVE} demo/bad.jsonl --json"));
    assert_eq!(proven.exit_code, 0, "{}", proven.stderr);
    for count in ["\"applied\": 2,", "\"rejected\": 6,", "\"refused\": 10,"] {
        assert!(proven.stdout.contains(count), "{count} in {}", proven.stdout);
    }
    for warning in ["line 3: rejected: nonce 7", "line 10: not JSON", "line 19: the file ends inside this entry"] {
        assert!(proven.stderr.contains(warning), "{warning} in {}", proven.stderr);
    }
    // Execution alone comes to the same root.
    let root = |text: &str| {
        let (_, root) = text.split_once("\"post_root\": \"").unwrap();
        root[..64].to_owned()
    };
    let executed = session.quietly("execute demo/bad.jsonl --json");
    assert_eq!(root(&proven.stdout), root(&executed.stdout));

    let verified = session.quietly("verify proof.bin --security fast --json");
    assert_eq!(verified.exit_code, 0, "{}", verified.stderr);
    assert_eq!(root(&verified.stdout), root(&proven.stdout));
    assert_eq!(session.quietly("verify proof.bin").exit_code, 1, "a fast proof is no proven one");
    assert_eq!(session.quietly("inspect proof.bin").exit_code, 0);

    // Again: nothing is left to do. Another batch is not taken for this one.
    let again = session.quietly(&format!("{PROVE} demo/bad.jsonl --json"));
    assert!(again.stdout.contains("\"resumed\": true"), "{}", again.stdout);
    assert!(!again.stdout.contains("\"chunk\": {\n      \"count\""), "{}", again.stdout);
    let other = session.quietly(&format!("{PROVE} demo/batch.jsonl"));
    assert_eq!(other.exit_code, 1, "{}", other.stderr);
    assert!(other.stderr.contains("batch 2"), "{}", other.stderr);

    damaged_proofs_are_refused(&session, &std::fs::read(session.path("proof.bin")).unwrap(), "fast");
}

pub fn damaged_proofs_are_refused(session: &Session, proof: &[u8], security: &str) {
    let verify = |bytes: &[u8]| {
        session.write("damaged.bin", bytes);
        let run = session.quietly(&format!("verify damaged.bin --security {security}"));
        assert_eq!(run.stdout, "", "nothing is said of a proof that is not valid");
        assert!(run.stderr.starts_with("error: damaged.bin is not valid"), "{}", run.stderr);
        run.exit_code
    };
    // Each part of the file: magic, context, streams, the proof from its header to its end.
    for at in [0, 5, 6, 20, 34, 38, 42, 50, 60, 100, 108, 200, proof.len() / 2, proof.len() - 1] {
        let mut damaged = proof.to_vec();
        damaged[at] ^= 1;
        assert_eq!(verify(&damaged), 1, "byte {at} is not bound");
    }
    for length in [0, 3, 50, 100, proof.len() - 1] {
        assert_eq!(verify(&proof[..length]), 1);
    }
    assert_eq!(verify(&[proof, &[0]].concat()), 1);
}

#[test]
fn batches_that_cannot_be_proven_are_refused() {
    let session = with_bad_entries();
    let fails = |arguments: &str, exit_code: i32, reason: &str| {
        let run = session.quietly(&format!("prove --security fast --data-dir new --out proof.bin {arguments}"));
        assert_eq!(run.exit_code, exit_code, "{}", run.stderr);
        assert!(run.stderr.contains(reason) && run.stderr.contains("next: "), "{reason} in {}", run.stderr);
        assert!(!Path::new(&session.path("proof.bin")).exists());
    };
    session.write("demo/empty.jsonl", "");
    fails("demo/empty.jsonl", 1, "the file is empty");
    fails("missing.jsonl", 2, "cannot open missing.jsonl");
    session.write("lonely.jsonl", session.read("demo/batch.jsonl"));
    fails("lonely.jsonl", 2, "no genesis state");
    session.write("demo/other.jsonl", session.read("demo/batch.jsonl").replace("31337", "1"));
    fails("demo/other.jsonl", 1, "but the state is that of chain 31337");
    session.write("demo/nothing.jsonl", session.read("demo/batch.jsonl").lines().next().unwrap());
    fails("demo/nothing.jsonl", 1, "none of the 0 transactions applies");
}
