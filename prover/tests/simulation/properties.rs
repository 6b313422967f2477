//! What must hold in any scenario.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use sheaf_prover::job::JobKind;
use sheaf_prover::simulation::{
    simulate, Coordinator, Failures, Fleet, Happening, JobTimes, Load, Moment, Scenario, Until,
};

use crate::{simple, trace};

prop_compose! {
    /// Any small scenario, with several machines, crashes, slow machines and a coordinator that takes its time.
    fn scenarios()(
        transactions in 1u64..12,
        batches in 1u32..6,
        interval_seconds in prop_oneof![Just(0.0), 0.1f64..30.0],
        deadline_seconds in proptest::option::of(1.0f64..100.0),
        machines in 1u32..6,
        cores in 1u32..5,
        jobs_at_once in 1u32..4,
        memory_bytes in 6u64..20,
        serial_fraction in 0.0f64..=1.0,
        chunk in proptest::collection::vec(0.5f64..20.0, 1..4),
        failures in proptest::option::of((60.0f64..1000.0, 0.0f64..60.0)),
        stragglers in 0.0f64..0.5,
        lanes in 1u32..3,
        service_seconds in 0.0f64..0.5,
        check_seconds in 0.0f64..0.5,
        wrap in any::<bool>(),
        seed in any::<u64>(),
    ) -> Scenario {
        let mut scenario = simple(transactions);
        scenario.until = if wrap { Until::Wrap } else { Until::Join };
        scenario.times.chunk = JobTimes { cpu_seconds: chunk, serial_fraction, memory_bytes: 6, check_seconds };
        scenario.times.lift.memory_bytes = 3;
        scenario.times.chunks_per_lift = 1 + (seed % 2) as u32;
        scenario.load = Load { batches, interval_seconds, deadline_seconds, ..scenario.load };
        scenario.fleet = Fleet {
            machines, cores, memory_bytes, jobs_at_once, stragglers, slowdown: 2.0,
            failures: failures.map(|(mean_up_seconds, restart_seconds)| Failures { mean_up_seconds, restart_seconds }),
        };
        scenario.coordinator = Coordinator {
            lanes: lanes.min(machines).min(batches), service_seconds, overhead_seconds: 0.01, cores: 1,
            lease_seconds: 20.0,
        };
        scenario.seed = seed;
        scenario
    }
}

/// The jobs that each job of a batch reads, as the batch's tree says.
fn reads(scenario: &Scenario) -> Vec<Vec<u32>> {
    let mut reads = vec![vec![]; scenario.load.batch_transactions as usize];
    let mut add = |of: &[u32]| {
        reads.push(of.to_vec());
        reads.len() as u32 - 1
    };
    let chunks: Vec<u32> = (0..scenario.load.batch_transactions as u32).collect();
    let mut level: Vec<u32> = chunks.chunks(scenario.times.chunks_per_lift as usize).map(&mut add).collect();
    while level.len() > 1 {
        level = level.chunks(2).map(|pair| if pair.len() == 2 { add(pair) } else { pair[0] }).collect();
    }
    if scenario.until == Until::Wrap {
        let shrink = add(&level);
        add(&[shrink]);
    }
    reads
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_or_done_twice(scenario in scenarios()) {
        let (outcome, moments) = trace(&scenario);
        let reads = reads(&scenario);
        let memory = |kind| scenario.times.of(kind).unwrap().memory_bytes;
        let mut done: HashMap<(u32, u32), f64> = HashMap::new();
        let mut in_hand: HashMap<(u32, u32), (u32, JobKind)> = HashMap::new();
        let mut handed_in = HashSet::new();
        let (mut claims, mut lost, mut batches_done) = (0, 0, 0);
        for Moment { seconds, what } in moments {
            match what {
                Happening::Claimed { batch, job, kind, machine, .. } => {
                    claims += 1;
                    for read in &reads[job as usize] {
                        prop_assert!(done[&(batch, *read)] <= seconds, "{kind} {job} begins before {read} is done");
                    }
                    prop_assert!(in_hand.insert((batch, job), (machine, kind)).is_none());
                    let there = || in_hand.values().filter(|(on, _)| *on == machine);
                    prop_assert!(there().count() <= scenario.fleet.jobs_at_once as usize);
                    prop_assert!(there().map(|(_, kind)| memory(*kind)).sum::<u64>() <= scenario.fleet.memory_bytes);
                    // Lanes share nothing.
                    prop_assert_eq!(batch % scenario.coordinator.lanes, machine % scenario.coordinator.lanes);
                }
                Happening::HandedIn { batch, job, kind, machine } => {
                    let on = in_hand.remove(&(batch, job)).unwrap();
                    prop_assert!(on == (machine, kind) || on == (u32::MAX - machine, kind));
                    handed_in.insert((batch, job));
                }
                Happening::Done { batch, job, .. } => {
                    prop_assert!(handed_in.remove(&(batch, job)));
                    prop_assert!(done.insert((batch, job), seconds).is_none(), "job {job} of {batch} done twice");
                }
                Happening::Lost { batch, job, machine, kind } => {
                    lost += 1;
                    prop_assert_eq!(in_hand.remove(&(batch, job)), Some((machine, kind)));
                }
                Happening::Crashed { machine } => {
                    // What stays in hand is on its way back, and no longer on the machine.
                    for (on, _) in in_hand.values_mut().filter(|(on, _)| *on == machine) {
                        *on = u32::MAX - machine;
                    }
                    prop_assert!(machine < scenario.fleet.machines);
                }
                Happening::BatchDone { .. } => batches_done += 1,
                Happening::Came { .. } | Happening::WentBack { .. } | Happening::Returned { .. } => {}
            }
        }
        let jobs = scenario.jobs_per_batch() * u64::from(scenario.load.batches);
        prop_assert_eq!(reads.len() as u64, scenario.jobs_per_batch());
        prop_assert_eq!((done.len() as u64, outcome.jobs, batches_done), (jobs, jobs, scenario.load.batches));
        prop_assert_eq!((claims, lost), (jobs + outcome.attempts_lost, outcome.attempts_lost));
        if scenario.fleet.stragglers == 0.0 {
            let worked = outcome.cpu_seconds + outcome.cpu_seconds_lost;
            prop_assert!((outcome.busy_core_seconds - worked).abs() < 1e-6 * worked);
        }

    }

    /// Graham's bound. With one core and one job at a time on each of m machines, a batch of W seconds of work takes at
    /// least W/m and the longest path P, and at most W/m + (1 - 1/m) P. More machines may so make a batch slower (his
    /// anomalies: another order of jobs), but never by more than 2 - 1/m.
    #[test]
    fn more_machines_are_as_good_as_graham_says(
        transactions in 1u64..30,
        chunk in proptest::collection::vec(0.5f64..20.0, 1..5),
        lift in proptest::collection::vec(0.5f64..20.0, 1..5),
        machines in 1u32..10,
        more in 1u32..10,
        seed in any::<u64>(),
    ) {
        let mut scenario = simple(transactions);
        (scenario.times.chunk.cpu_seconds, scenario.times.lift.cpu_seconds) = (chunk, lift);
        scenario.seed = seed;
        let mut seconds_with = |machines: u32| {
            scenario.fleet.machines = machines;
            simulate(&scenario).unwrap()
        };
        // With a machine for each job nothing waits: this is the longest path.
        let path = seconds_with(100).seconds;
        let fewer = seconds_with(machines);
        let rounding = 1e-6;
        for (machines, outcome) in [(machines, &fewer), (machines + more, &seconds_with(machines + more))] {
            let (work, m) = (outcome.cpu_seconds, f64::from(machines));
            prop_assert!(outcome.seconds >= path.max(work / m) - rounding);
            prop_assert!(outcome.seconds <= work / m + (1.0 - 1.0 / m) * path + rounding);
        }
        let m = f64::from(machines + more);
        prop_assert!(seconds_with(machines + more).seconds <= (2.0 - 1.0 / m) * fewer.seconds + rounding);
    }
}
