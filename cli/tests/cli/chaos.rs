//! `sheaf chaos`: harm at random, and faults one by one that need a wire to be cut or a store to be spoilt.

use serde_json::Value;

use crate::fleet::processes::{nats, number};
use crate::support::Session;

fn chaos(options: &str) -> Value {
    let nats = nats::tools().join("usr/sbin/nats-server");
    let run = Session::new().quietly(&format!("chaos --json --nats-server {} {options}", nats.display()));
    assert_eq!(run.exit_code, 0, "{}{}", run.stdout, run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert!(number(&report, "batches") > 0, "{report}");
    let checks = report["checks"].as_array().unwrap();
    assert_eq!(checks.len(), 9, "all was settled and looked at: {report}");
    assert!(checks.iter().all(|check| check["holds"] == true), "{report}");
    report
}

#[test]
fn every_kind_of_harm_at_random_is_survived() {
    let report = chaos("--seconds 20 --every 1 --seed 7");
    let faults = report["faults"].as_object().unwrap();
    assert_eq!(faults.len(), 9);
    assert!(faults.values().all(|count| count.as_u64() > Some(0)), "{report}");
    let lies = number(&report["faults"], "lie");
    assert_eq!(number(&report["attempts_lost"], "refused"), 3 * lies, "each liar was refused thrice");
    let lost = number(&report["attempts_lost"], "expired");
    assert!(lost >= number(&report["faults"], "memory"), "what ran out of memory had a job: {report}");
}

#[test]
fn cut_connections_lose_no_work() {
    let report = chaos("--only cut --seconds 12 --every 2");
    let cuts = number(&report["faults"], "cut");
    assert!(cuts >= 2, "{report}");
    let lost = report["attempts_lost"].as_object().unwrap();
    assert!(lost.keys().all(|cause| cause == "expired"), "nothing but answers on their way was lost: {report}");
}

#[test]
fn lost_and_damaged_results_are_made_again_and_only_those() {
    let report = chaos("--only lose,damage --seconds 8 --every 0.5");
    let spoilt = number(&report["faults"], "lose") + number(&report["faults"], "damage");
    let lost = report["attempts_lost"].as_object().unwrap();
    assert!(lost.keys().eq(["damaged"]), "{report}");
    assert!((1..=spoilt).contains(&number(&report["attempts_lost"], "damaged")), "{report}");
}

#[test]
fn chaos_that_cannot_begin() {
    let mut session = Session::new();
    session.run("chaos --nats-server no-such-server");
    session.run("chaos --only earthquake");
    session.run("chaos --every=-1");
    session.write("full", "");
    session.run("chaos --keep .");
    session.compare("chaos-refused");
}
