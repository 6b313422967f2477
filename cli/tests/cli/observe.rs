//! What operators see of a fleet of real processes: metrics that count exactly, readiness, a watch.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;

use crate::fleet::processes::{number, wait_until, Fleet, Process};

/// The kinds of jobs that a rehearsal of twelve chunks has, and how many.
const JOBS: [(&str, f64); 3] = [("chunk", 12.0), ("lift", 12.0), ("join", 11.0)];

/// Where a process serves its metrics, as it says in its log.
fn address(process: &Process) -> String {
    wait_until("the address of metrics", || {
        let log = process.log();
        let events = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut fields = events.map(|event| event["fields"].clone());
        let found = fields.find(|fields| fields["message"] == "metrics")?;
        Some(found["address"].as_str().expect("it is said as text").to_owned())
    })
}

/// Asks over HTTP; gives the status and what it says.
fn get(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// A page of metrics: values by series.
struct Page(BTreeMap<String, f64>);

impl Page {
    fn of(address: &str) -> Self {
        let (status, text) = get(address, "/metrics");
        assert_eq!((status, text.lines().last()), (200, Some("# EOF")));
        let series = text.lines().filter(|line| !line.starts_with('#')).map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            (series.to_owned(), value.parse().unwrap())
        });
        Self(series.collect())
    }

    fn value(&self, series: &str) -> f64 {
        *self.0.get(series).unwrap_or_else(|| panic!("{series} in {:#?}", self.0))
    }

    /// The sum over all series of a metric with a label.
    fn sum(&self, name: &str, label: &str) -> f64 {
        let of_name = self.0.iter().filter(|(series, _)| series.split('{').next() == Some(name));
        of_name.filter(|(series, _)| series.contains(label)).map(|(_, value)| value).sum()
    }
}

/// What dashboard and alerts are checked against, and what operators read, is what a process tells: no more, no less.
fn are_listed(who: &str, address: &str) {
    let place = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let list = fs::read_to_string(format!("{place}/deploy/metrics.txt")).unwrap();
    let manual = fs::read_to_string(format!("{place}/docs/metrics.md")).unwrap();
    let listed: BTreeMap<&str, &str> = list
        .lines()
        .filter_map(|line| line.strip_prefix(who)?.strip_prefix(' '))
        .map(|line| line.split_once(' ').unwrap_or((line, "")))
        .collect();
    let (_, text) = get(address, "/metrics");
    let mut told: BTreeSet<&str> = BTreeSet::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let series = line.rsplit_once(' ').unwrap().0;
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let labels: Vec<&str> = labels.split(',').filter_map(|label| Some(label.split_once('=')?.0)).collect();
        assert_eq!(listed.get(name), Some(&labels.join(",").as_str()), "{series} of {who}");
        told.insert(name);
    }
    for name in listed.keys() {
        let family = format!("# TYPE {} ", name.trim_end_matches("_total"));
        // A rehearsal is for no transactions, so these two have nothing to tell.
        let untold = name.ends_with("_per_transaction");
        assert!(told.contains(name) || text.contains(&family) || untold, "{who} does not tell {name}: {text}");
        assert!(manual.contains(&format!("`{name}`")), "{name} is not in docs/metrics.md");
    }
}

fn wait_for_readiness(address: &str, status: u16) -> String {
    wait_until(&format!("readiness {status} at {address}"), || {
        let (found, reason) = get(address, "/readyz");
        (found == status).then_some(reason)
    })
}

#[test]
fn metrics_count_exactly_what_a_fleet_did() {
    let fleet = Fleet::new();
    let options = "--rehearsal --data-dir records --core-hour-price 0.04 --metrics 127.0.0.1:0";
    let coordinator = fleet.start("coordinator", &format!("coordinator {options}"));
    let at_coordinator = address(&coordinator);
    wait_for_readiness(&at_coordinator, 200);
    let worker = "worker --rehearsal --jobs 4 --memory 1GiB --name a --metrics 127.0.0.1:0";
    let worker = fleet.start("a", worker);
    let at_worker = address(&worker);
    wait_for_readiness(&at_worker, 200);
    let watch = fleet.start("watch", "status --rehearsal --watch 0.2");

    let before = Page::of(&at_coordinator);
    let build = format!("sheaf_build_info{{version=\"{}\",lane=\"main/rehearsal\"}}", env!("CARGO_PKG_VERSION"));
    assert_eq!((before.value(&build), before.value("sheaf_nats_connected")), (1.0, 1.0));
    assert_eq!((before.sum("sheaf_jobs", ""), before.sum("sheaf_jobs_done_total", "")), (0.0, 0.0));
    assert_eq!(before.value("sheaf_workers"), 0.0);
    assert!(before.value("process_resident_memory_bytes") > f64::from(1 << 20));

    let rehearsal = fleet.rehearsal("--chunks 12 --chunk-ms 1500 --recursion-ms 20");
    let during = wait_until("running jobs", || {
        let page = Page::of(&at_coordinator);
        (page.sum("sheaf_jobs", "state=\"leased\"") > 0.0).then_some(page)
    });
    assert_eq!(during.sum("sheaf_jobs", ""), 35.0, "every job is in one state");
    for (kind, count) in JOBS {
        assert_eq!(during.sum("sheaf_jobs", &format!("kind=\"{kind}\"")), count);
    }
    assert_eq!((during.value("sheaf_workers"), during.value("sheaf_batches{state=\"open\"}")), (1.0, 1.0));
    assert!(during.value("sheaf_oldest_batch_seconds") > 0.0);
    wait_until("running jobs of the worker", || {
        let running = Page::of(&at_worker).sum("sheaf_worker_jobs_running", "");
        assert!(running <= 4.0);
        (running > 0.0).then_some(())
    });

    assert_eq!(number(&rehearsal.join().unwrap(), "attempts_lost"), 0);
    let after = Page::of(&at_coordinator);
    // The last verdict may be on its way to the worker still.
    let of_worker = wait_until("an idle worker", || {
        let page = Page::of(&at_worker);
        (page.sum("sheaf_worker_jobs_running", "") == 0.0).then_some(page)
    });
    for (kind, count) in JOBS {
        let kind = format!("{{kind=\"{kind}\"}}");
        assert_eq!(after.value(&format!("sheaf_jobs_done_total{kind}")), count);
        assert_eq!(of_worker.value(&format!("sheaf_worker_jobs_finished_total{kind}")), count);
    }
    assert_eq!((after.sum("sheaf_jobs", "state=\"done\""), after.sum("sheaf_jobs", "")), (35.0, 35.0));
    assert_eq!(after.sum("sheaf_attempts_failed_total", ""), 0.0);
    let seconds = after.value("sheaf_job_seconds_total{kind=\"chunk\"}");
    assert!(seconds >= 12.0 * 1.5, "{seconds} s: a chunk takes 1.5 s");
    let by_worker = of_worker.value("sheaf_worker_job_seconds_total{kind=\"chunk\"}");
    assert!((by_worker - seconds).abs() < 1e-6, "{by_worker} s and {seconds} s: added in another order");
    assert_eq!((after.value("sheaf_workers"), after.value("sheaf_oldest_batch_seconds")), (0.0, 0.0));
    assert_eq!(after.value("sheaf_batches{state=\"done\"}"), 1.0);
    assert_eq!(after.value("sheaf_transactions_done_total"), 0.0, "a rehearsal is for no transactions");
    assert!(!after.0.contains_key("sheaf_cost_per_transaction"), "nothing is divided by none");
    assert_eq!(of_worker.value("sheaf_worker_memory_limit_bytes"), f64::from(1 << 30));
    are_listed("coordinator", &at_coordinator);
    are_listed("worker", &at_worker);
    watch.wait_for_log(": 35 of 35 jobs done");
    assert!(watch.log().lines().any(|line| line.contains("35 jobs done, ")), "it told of jobs under way");
}

#[test]
fn readiness_follows_nats_and_the_coordinator() {
    let fleet = Fleet::new();
    let worker = fleet.start("a", "worker --rehearsal --name a --metrics 127.0.0.1:0");
    let at_worker = address(&worker);
    let reason = wait_for_readiness(&at_worker, 503);
    assert!(reason.starts_with("it "), "it is starting, or waits for a coordinator: {reason}");
    let start = || fleet.start("coordinator", "coordinator --rehearsal --data-dir records --metrics 127.0.0.1:0");
    let mut coordinator = start();
    let at_coordinator = address(&coordinator);
    let both = [&at_coordinator, &at_worker];
    for address in both {
        wait_for_readiness(address, 200);
    }

    fleet.server.kill();
    for address in both {
        let reason = wait_for_readiness(address, 503);
        assert!(reason.starts_with("NATS at nats://127.0.0.1:"), "{reason}");
        assert_eq!(get(address, "/healthz").0, 200, "the process itself is well");
        assert_eq!(Page::of(address).value("sheaf_nats_connected"), 0.0);
    }
    fleet.server.restart();
    for address in both {
        wait_for_readiness(address, 200);
    }

    coordinator.kill();
    let reason = wait_for_readiness(&at_worker, 503);
    assert!(reason.contains("main/rehearsal"), "{reason}");
    let _coordinator = start();
    wait_for_readiness(&at_worker, 200);
    assert!(Page::of(&at_worker).value("sheaf_worker_outages_total") >= 1.0);
}

#[test]
fn metrics_at_an_address_that_is_taken_end_the_start() {
    let fleet = Fleet::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let mut worker = fleet.start("a", &format!("worker --rehearsal --metrics {address}"));
    assert_eq!(worker.wait().code(), Some(2));
    assert!(worker.log().contains(&format!("error: metrics cannot be served at {address}")), "{}", worker.log());
}
