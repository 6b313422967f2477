//! `sheaf simulate` on made-up job times, so that what it says changes only when the simulation does.

use crate::support::Session;

/// Chunks of 100 transactions take 20 to 22 s, lifts of two 4 s, joins 3 s, of one core each.
const TIMES: &str = r#"{
  "source": "made up",
  "transactions_per_chunk": 100,
  "chunks_per_lift": 2,
  "chunk": { "cpu_seconds": [20, 21, 22], "serial_fraction": 1, "memory_bytes": 3000000000, "check_seconds": 0.01 },
  "lift": { "cpu_seconds": [4], "serial_fraction": 1, "memory_bytes": 1000000000, "check_seconds": 0.01 },
  "join": { "cpu_seconds": [3], "serial_fraction": 1, "memory_bytes": 1000000000, "check_seconds": 0.01 }
}"#;

/// What `sheaf prove --json` prints, as far as it is read.
const REPORT: &str = r#"{
  "applied": 997, "chunks": { "mixed": 3, "small": 1 }, "security": "fast", "resumed": false, "jobs_at_once": 1,
  "stages": {
    "execute": { "count": 1, "seconds": 0.1 },
    "chunk": { "count": 4, "seconds": 55.0, "cpu_seconds": 100.0 },
    "lift": { "count": 4, "seconds": 9.0, "cpu_seconds": 16.0 },
    "join": { "count": 3, "seconds": 7.0, "cpu_seconds": 12.0 }
  }
}"#;

fn session() -> Session {
    let session = Session::new();
    session.write("times.json", TIMES);
    session.write("report.json", REPORT);
    session
}

#[test]
fn simulate() {
    let mut session = session();
    session.run("simulate --times times.json --machines 2 --cores 4 --batch 1000 --price 0.1");
    let enough = session.run(
        "simulate --times times.json --machines 60 --cores 8 --jobs 8 --rate 1000 --batch 4000 --deadline 60 --json",
    );
    assert_eq!(enough.exit_code, 0);
    let too_few = session
        .run("simulate --times times.json --machines 20 --cores 8 --jobs 8 --rate 1000 --batch 4000 --deadline 60");
    assert_eq!(too_few.exit_code, 1);
    session.run(
        "simulate --times times.json --machines 60 --cores 8 --jobs 8 --rate 1000 --batch 4000 --mtbf 2 --stragglers 0.1",
    );
    session.run("simulate --times times.json --cores 8 --jobs 8 --find 1000 --batch 4000 --deadline 60 --service 25");
    session.run("simulate --from report.json --machines 1 --cores 2 --jobs 1 --serial 0.1 --batch 997");
    session.compare("simulate");
}

#[test]
fn what_cannot_be_simulated_is_said() {
    let mut session = session();
    session.run("simulate --times times.json --until wrap");
    session.run("simulate --from report.json --until wrap");
    session.write("resumed.json", REPORT.replace("\"resumed\": false", "\"resumed\": true"));
    session.run("simulate --from resumed.json");
    session.write("one.json", REPORT.replace("\"join\"", "\"shrink\""));
    session.run("simulate --from one.json");
    session.run("simulate --from times.json");
    session.run("simulate --times report.json");
    session.run("simulate --times missing.json");
    session.run("simulate --times times.json --memory 4");
    session.run("simulate --rate 0");
    session.run("simulate --find 1000");
    session.run("simulate --times times.json --find 1000 --batch 1000 --deadline 20");
    session.run("simulate --times times.json --find 1000 --batch 1000 --deadline 60 --minutes 0.01");
    session.compare("simulate-refused");
}

#[test]
fn what_was_measured_can_be_simulated() {
    for security in ["proven", "fast"] {
        let run = Session::new().quietly(&format!("simulate --security {security} --batch 10000 --until wrap --json"));
        assert_eq!((run.exit_code, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    }
}
