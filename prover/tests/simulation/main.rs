//! What the simulation says, against what can be worked out by hand, and what must hold whatever it says.

mod failures;
mod find;
mod properties;

use std::collections::HashMap;

use sheaf_prover::job::JobKind;
use sheaf_prover::simulation::{
    simulate, simulate_with, Coordinator, Failures, Fleet, Happening, JobTimes, Load, Moment, Outcome, Scenario,
    ScenarioError, SimulationError, Times, Until,
};

/// Jobs that one core does in so many seconds.
fn job_times(cpu_seconds: &[f64]) -> JobTimes {
    JobTimes { cpu_seconds: cpu_seconds.to_vec(), serial_fraction: 1.0, memory_bytes: 1, check_seconds: 0.0 }
}

/// One machine with one core does one job at a time; chunks of one transaction take 10 s, lifts of one chunk 4 s,
/// joins 2 s; the coordinator takes no time; one batch.
fn simple(transactions: u64) -> Scenario {
    Scenario {
        times: Times {
            source: "made up".into(),
            transactions_per_chunk: 1,
            chunks_per_lift: 1,
            chunk: job_times(&[10.0]),
            lift: job_times(&[4.0]),
            join: job_times(&[2.0]),
            shrink: Some(job_times(&[20.0])),
            wrap: Some(job_times(&[5.0])),
        },
        until: Until::Join,
        fleet: Fleet {
            machines: 1,
            cores: 1,
            memory_bytes: 100,
            jobs_at_once: 1,
            stragglers: 0.0,
            slowdown: 1.0,
            failures: None,
        },
        coordinator: Coordinator {
            lanes: 1,
            service_seconds: 0.0,
            overhead_seconds: 0.0,
            cores: 1,
            lease_seconds: 60.0,
        },
        load: Load { batch_transactions: transactions, batches: 1, interval_seconds: 0.0, deadline_seconds: None },
        seed: 1,
    }
}

fn trace(scenario: &Scenario) -> (Outcome, Vec<Moment>) {
    let mut moments = Vec::new();
    let outcome = simulate_with(scenario, &mut |moment| moments.push(moment)).unwrap();
    (outcome, moments)
}

/// From coming to end, of each batch in turn.
fn latencies(scenario: &Scenario) -> Vec<f64> {
    let mut came = HashMap::new();
    let mut latencies = vec![0.0; scenario.load.batches as usize];
    for moment in trace(scenario).1 {
        match moment.what {
            Happening::Came { batch } => drop(came.insert(batch, moment.seconds)),
            Happening::BatchDone { batch } => latencies[batch as usize] = moment.seconds - came[&batch],
            _ => {}
        }
    }
    latencies.iter().map(|seconds| (seconds * 1e6).round() / 1e6).collect()
}

/// The batches and kinds of jobs in the order in which they were claimed.
fn claimed(moments: &[Moment]) -> Vec<String> {
    let claims = moments.iter().filter_map(|moment| match moment.what {
        Happening::Claimed { batch, kind, .. } => Some(format!("{batch}{kind}")),
        _ => None,
    });
    claims.collect()
}

#[test]
fn one_machine_does_one_job_after_another() {
    let mut scenario = simple(3);
    let (outcome, moments) = trace(&scenario);
    assert_eq!(outcome.seconds, 3.0 * 10.0 + 3.0 * 4.0 + 2.0 * 2.0);
    assert_eq!((outcome.jobs, outcome.cpu_seconds, outcome.utilisation), (8, 46.0, 1.0));
    assert_eq!(outcome.transactions_per_second, 3.0 / 46.0);
    assert_eq!(outcome.core_hours, 46.0 / 3600.0);
    assert!((outcome.cost_of_a_million(0.06) - 46.0 / 3600.0 * 0.06 / 3.0 * 1e6).abs() < 1e-9);
    // Joins before lifts before chunks. The machine asks when it has handed a result in, before that is accepted: so
    // what reads it comes one later.
    let claimed = claimed(&moments);
    assert_eq!(claimed.join(" "), "0chunk 0chunk 0lift 0lift 0chunk 0join 0lift 0join");

    scenario.until = Until::Wrap;
    assert_eq!(simulate(&scenario).unwrap().seconds, 46.0 + 20.0 + 5.0);
    scenario.times.chunks_per_lift = 2;
    assert_eq!(simulate(&scenario).unwrap().seconds, 3.0 * 10.0 + 2.0 * 4.0 + 2.0 + 20.0 + 5.0);
}

#[test]
fn two_machines_share_a_batch() {
    let mut scenario = simple(3);
    scenario.fleet.machines = 2;
    // To 10 two chunks. One machine has the last chunk to 20, the other one lifts to 14 and 18 and their join to 20;
    // lift 24, join 26.
    let outcome = simulate(&scenario).unwrap();
    assert_eq!(outcome.seconds, 26.0);
    assert_eq!(outcome.utilisation, 46.0 / 52.0);
    // A third one takes the last chunk at once: chunks 10, lifts 14, joins 16 and 18.
    scenario.fleet.machines = 3;
    assert_eq!(simulate(&scenario).unwrap().seconds, 18.0);
}

#[test]
fn jobs_spread_over_cores_as_amdahl_says() {
    let mut scenario = simple(3);
    scenario.fleet.cores = 4;
    for (serial_fraction, seconds) in [(1.0, 46.0), (0.5, 0.5 * 46.0 + 0.5 * 46.0 / 4.0), (0.0, 46.0 / 4.0)] {
        for times in [&mut scenario.times.chunk, &mut scenario.times.lift, &mut scenario.times.join] {
            times.serial_fraction = serial_fraction;
        }
        let outcome = simulate(&scenario).unwrap();
        assert!((outcome.seconds - seconds).abs() < 1e-6, "{outcome:?}");
        assert!((outcome.busy_core_seconds - 46.0).abs() < 1e-6);
    }
}

#[test]
fn the_coordinator_takes_its_time_for_each_job() {
    let mut scenario = simple(3);
    scenario.coordinator.service_seconds = 2.0;
    scenario.coordinator.overhead_seconds = 0.5;
    scenario.times.lift.check_seconds = 1.0;
    // Each job is claimed for 1 s, sent for 0.5 s, and its result sent for 0.5 s; then the machine asks again, while
    // the result is checked and accepted. Handed in are chunks at 12 and 24, lifts at 30 and 36, a chunk at 48, their
    // join at 52, a lift at 58. The machine waits for that: checked to 59, accepted to 60, then the last join is
    // claimed to 61, there at 61.5, done at 63.5, handed in at 64, accepted at 65.
    let (outcome, moments) = trace(&scenario);
    let handed_in = moments.iter().filter(|moment| matches!(moment.what, Happening::HandedIn { .. }));
    let handed_in: Vec<_> = handed_in.map(|moment| moment.seconds).collect();
    assert_eq!(handed_in, [12.0, 24.0, 30.0, 36.0, 48.0, 52.0, 58.0, 64.0]);
    assert_eq!(outcome.seconds, 65.0);
    assert_eq!(outcome.coordinator_utilisation, 16.0 / 65.0);
    assert_eq!(outcome.check_utilisation, 3.0 / 65.0);
}

#[test]
fn however_many_machines_a_coordinator_does_no_more_than_it_can() {
    let mut scenario = simple(500);
    scenario.fleet.machines = 1000;
    scenario.coordinator.service_seconds = 1.0;
    let outcome = simulate(&scenario).unwrap();
    assert_eq!(outcome.jobs, 1499);
    assert!(outcome.seconds >= 1499.0 && outcome.coordinator_utilisation > 0.97, "{outcome:?}");

    // Checks likewise: 500 chunks of 2 s on two cores, and little after the last of them.
    scenario.coordinator = Coordinator { cores: 2, ..simple(1).coordinator };
    scenario.times.chunk.check_seconds = 2.0;
    let outcome = simulate(&scenario).unwrap();
    assert!((510.0..530.0).contains(&outcome.seconds), "{outcome:?}");

    // Two coordinators with half of the machines and batches each do twice as much.
    let mut scenario =
        Scenario { coordinator: Coordinator { service_seconds: 1.0, ..simple(1).coordinator }, ..scenario };
    scenario.load.batches = 2;
    let one = simulate(&scenario).unwrap();
    scenario.coordinator.lanes = 2;
    let two = simulate(&scenario).unwrap();
    assert!((two.transactions_per_second / one.transactions_per_second - 2.0).abs() < 0.1, "{one:?} {two:?}");
}

#[test]
fn slow_machines_take_longer() {
    let mut scenario = simple(3);
    (scenario.fleet.stragglers, scenario.fleet.slowdown) = (1.0, 3.0);
    let outcome = simulate(&scenario).unwrap();
    assert!((outcome.seconds - 138.0).abs() < 1e-6);
    assert!((outcome.busy_core_seconds - 138.0).abs() < 1e-6 && outcome.cpu_seconds == 46.0);

    // Of many machines about the part that was asked for is slow.
    let mut scenario = simple(1000);
    (scenario.fleet.machines, scenario.fleet.stragglers, scenario.fleet.slowdown) = (1000, 0.2, 3.0);
    let chunks = trace(&scenario)
        .1
        .into_iter()
        .filter(|moment| matches!(moment.what, Happening::Done { kind: JobKind::Chunk, .. }) && moment.seconds > 29.0);
    assert!((150..250).contains(&chunks.count()));
}

#[test]
fn memory_limits_what_runs_at_once() {
    let mut scenario = simple(2);
    (scenario.fleet.cores, scenario.fleet.jobs_at_once) = (4, 4);
    assert_eq!(simulate(&scenario).unwrap().seconds, 16.0);
    // One chunk at a time, and a lift beside it: chunk 10, lift and chunk 20, lift 24, join 26.
    scenario.fleet.memory_bytes = 10;
    (scenario.times.chunk.memory_bytes, scenario.times.lift.memory_bytes) = (6, 3);
    assert_eq!(simulate(&scenario).unwrap().seconds, 26.0);
    // No lift beside a chunk, and two lifts beside each other.
    scenario.times.lift.memory_bytes = 5;
    assert_eq!(simulate(&scenario).unwrap().seconds, 10.0 + 10.0 + 4.0 + 2.0);
    scenario.times.lift.memory_bytes = 6;
    assert_eq!(simulate(&scenario).unwrap().seconds, 10.0 + 10.0 + 4.0 + 4.0 + 2.0);
    scenario.times.lift.memory_bytes = 11;
    let error = simulate(&scenario).unwrap_err();
    let expected = ScenarioError::TooLarge { kind: JobKind::Lift, needs_bytes: 11, has_bytes: 10 };
    assert_eq!(error, SimulationError::Scenario(expected));
}

#[test]
fn batches_with_deadlines_go_one_after_another_and_others_share() {
    // Two machines. To 10 both have chunks of the first batch, and the second one comes at 1. With deadlines the first
    // goes on: chunk (to 20); lift (14), lift (18), chunk (28); join (22); lift.
    let mut scenario = simple(6);
    scenario.fleet.machines = 2;
    (scenario.load.batches, scenario.load.interval_seconds) = (2, 1.0);
    scenario.load.deadline_seconds = Some(1000.0);
    let first_claims = |scenario: &Scenario| claimed(&trace(scenario).1)[..8].join(" ");
    assert_eq!(first_claims(&scenario), "0chunk 0chunk 0chunk 0lift 0lift 0chunk 0join 0lift");
    // Without, the second has none in hand at 10 and gets a machine to 20; then both have one, and the first batch
    // comes first, until at 22 it has a chunk and a join in hand and the other none.
    scenario.load.deadline_seconds = None;
    assert_eq!(first_claims(&scenario), "0chunk 0chunk 1chunk 0lift 0lift 0chunk 0join 1lift");
}

#[test]
fn late_batches_are_counted() {
    // One machine does two jobs at once. The first batch's chunks end at 10, its lifts at 14 and 18; the second batch
    // has the other core to 20 for a chunk, and both from 18 on for its other one, to 28. So the join is done at 22,
    // the second batch's lifts at 26 and 32, and its join at 34.
    let mut scenario = simple(2);
    (scenario.fleet.cores, scenario.fleet.jobs_at_once) = (2, 2);
    (scenario.load.batches, scenario.load.interval_seconds) = (2, 1.0);
    assert_eq!(latencies(&scenario), [22.0, 33.0]);
    for (deadline_seconds, late) in [(21.0, 2), (22.0, 1), (32.0, 1), (33.0, 0)] {
        scenario.load.deadline_seconds = Some(deadline_seconds);
        assert_eq!(simulate(&scenario).unwrap().batches_late, late);
    }
}

#[test]
fn lanes_have_their_own_machines_and_batches() {
    let mut scenario = simple(1);
    (scenario.fleet.machines, scenario.load.batches) = (2, 4);
    // Chunks to 10; the third to 20 and lifts to 14 and 18; the fourth to 28, lifts to 24 and 32.
    assert_eq!(latencies(&scenario), [14.0, 18.0, 24.0, 32.0]);
    // Batches 0 and 2 go to one machine, 1 and 3 to the other: chunks to 10 and 20, lifts to 24 and 28.
    scenario.coordinator.lanes = 2;
    scenario.load.interval_seconds = 1.0;
    assert_eq!(latencies(&scenario), [24.0, 24.0, 26.0, 26.0]);
    // Of three machines the first lane has two.
    scenario.fleet.machines = 3;
    assert_eq!(latencies(&scenario), [14.0, 24.0, 14.0, 26.0]);
}

#[test]
fn throughput_is_what_comes_less_what_is_left_over() {
    // A batch is 14 s of one core. One comes every 14 s, 7 s, 3.5 s.
    let mut scenario = simple(1);
    scenario.load.batches = 101;
    for (interval, falls_behind) in [(28.0, 0.0), (14.0, 0.0), (7.0, 0.5), (3.5, 0.75)] {
        scenario.load.interval_seconds = interval;
        let outcome = simulate(&scenario).unwrap();
        let measured = outcome.falls_behind.unwrap();
        assert!((measured - falls_behind).abs() < 0.02, "{measured}, expected {falls_behind}");
        assert_eq!(outcome.keeps_up, falls_behind == 0.0);
        let expected = (1.0 / interval).min(1.0 / 14.0);
        assert!((outcome.transactions_per_second / expected - 1.0).abs() < 0.02, "{outcome:?}");
        assert!((outcome.utilisation - 14.0 * expected).abs() < 0.02, "{outcome:?}");
    }
}

#[test]
fn the_seed_decides_and_nothing_else() {
    let mut scenario = simple(40);
    scenario.times.chunk.cpu_seconds = vec![8.0, 9.0, 11.0, 12.0];
    scenario.fleet.machines = 5;
    scenario.fleet.stragglers = 0.3;
    scenario.fleet.slowdown = 2.0;
    scenario.fleet.failures = Some(Failures { mean_up_seconds: 200.0, restart_seconds: 20.0 });
    assert_eq!(trace(&scenario), trace(&scenario));
    let other = Scenario { seed: 2, ..scenario.clone() };
    assert_ne!(trace(&scenario).1, trace(&other).1);

    // Whatever the fleet, a batch's jobs take the same.
    let larger = Scenario { fleet: Fleet { machines: 50, ..scenario.fleet.clone() }, ..scenario.clone() };
    let [all, of_larger] = [&scenario, &larger].map(|scenario| simulate(scenario).unwrap().cpu_seconds);
    assert!((all - of_larger).abs() < 1e-6);
}

#[test]
fn scenarios_that_make_no_sense_are_refused() {
    let refused = |change: fn(&mut Scenario)| {
        let mut scenario = simple(3);
        change(&mut scenario);
        simulate(&scenario).unwrap_err().to_string()
    };
    assert_eq!(refused(|s| s.fleet.machines = 0), "the number of machines is 0, expected 1 to 1000000");
    assert_eq!(refused(|s| s.coordinator.lanes = 2), "the number of lanes is 2, expected 1 to 1");
    assert_eq!(refused(|s| s.fleet.stragglers = f64::NAN), "the part of slow machines is NaN, expected 0 to 1");
    assert_eq!(
        refused(|s| s.load.batch_transactions = 0),
        "the number of transactions of a batch is 0, expected 1 to 1000000000000"
    );
    assert_eq!(
        refused(|s| s.load.batch_transactions = 1 << 30),
        "3221225471 jobs are too many to simulate, at most 50000000: take larger or fewer batches"
    );
    let no_wrap = |s: &mut Scenario| (s.until, s.times.wrap) = (Until::Wrap, None);
    assert_eq!(refused(no_wrap), "there are no times of wrap jobs");
    assert_eq!(refused(|s| s.times.chunk.cpu_seconds.clear()), "job times: chunk: no cpu_seconds");
}
