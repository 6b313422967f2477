//! The smallest fleet for a rate.

use sheaf_prover::simulation::{find_fleet, simulate, Coordinator, Failures, FindError, Fleet, JobTimes, Load};

use crate::{job_times, simple};

#[test]
fn the_fewest_machines_are_found() {
    // A batch a second, 14 core-seconds each: 14 machines are busy all the time, 13 fall behind by one of 14.
    let mut scenario = simple(1);
    scenario.load = Load { batch_transactions: 1, batches: 200, interval_seconds: 1.0, deadline_seconds: Some(15.0) };
    let found = find_fleet(&scenario, &mut |_| {}).unwrap();
    assert_eq!((found.scenario.fleet.machines, found.scenario.coordinator.lanes), (14, 1));
    assert_eq!(found.outcome, simulate(&found.scenario).unwrap());
    assert_eq!(found.one_server, 0.0);

    // Batches of ten chunks need more machines than their work takes to be done in time: 158 core-seconds every 100 s,
    // but one after another they would take 79 s on two, and 22 s are allowed: chunks 10, lifts 14, joins 16, 18, 20,
    // 22.
    let mut scenario = simple(10);
    scenario.load = Load { batch_transactions: 10, batches: 20, interval_seconds: 100.0, deadline_seconds: Some(22.0) };
    let mut told = Vec::new();
    let found = find_fleet(&scenario, &mut |tried| told.push(*tried)).unwrap();
    assert_eq!(found.tried, told);
    let machines = found.scenario.fleet.machines;
    assert_eq!(found.outcome.latency.p95_seconds, 22.0);
    assert!((6..=10).contains(&machines), "{machines}");
    assert!(told.iter().any(|tried| tried.machines == machines - 1 && !tried.enough));

    // A coordinator that takes 0.8 s a job cannot take two jobs a second, and two can.
    let mut scenario = simple(1);
    scenario.load = Load { batch_transactions: 1, batches: 200, interval_seconds: 1.0, deadline_seconds: Some(60.0) };
    scenario.coordinator.service_seconds = 0.8;
    let found = find_fleet(&scenario, &mut |_| {}).unwrap();
    assert_eq!((found.one_server, found.scenario.coordinator.lanes), (1.6, 2));
    assert!(found.outcome.coordinator_utilisation < 0.85);
}

/// A twelfth of the coordinator's time to spare is too little: it is busy with short lifts and joins while machines
/// wait, then all machines get chunks together and it waits for them.
#[test]
fn another_coordinator_can_save_machines() {
    let mut scenario = simple(1);
    let times = |cpu_seconds| JobTimes { serial_fraction: 0.1, ..job_times(&[cpu_seconds]) };
    (scenario.times.chunk, scenario.times.lift, scenario.times.join) = (times(34.4), times(4.0), times(4.3));
    scenario.times.transactions_per_chunk = 328;
    scenario.fleet = Fleet { cores: 16, jobs_at_once: 4, ..scenario.fleet };
    scenario.coordinator = Coordinator { service_seconds: 0.02, cores: 2, ..scenario.coordinator };
    let deadline_seconds = Some(180.0);
    scenario.load = Load { batch_transactions: 10_000, batches: 600, interval_seconds: 1.0, deadline_seconds };
    let found = find_fleet(&scenario, &mut |_| {}).unwrap();
    assert!((1.8..1.9).contains(&found.one_server), "{}", found.one_server);
    let fewest = |lanes| {
        found.tried.iter().filter(|tried| tried.enough && tried.lanes == lanes).map(|tried| tried.machines).min()
    };
    let (two, three) = (fewest(2).unwrap(), fewest(3).unwrap());
    assert!(three * 3 < two * 2, "{two} machines with two coordinators, {three} with three");
    assert_eq!((found.scenario.coordinator.lanes, found.scenario.fleet.machines), (3, three));
}

#[test]
fn what_no_fleet_can_do_is_said() {
    let mut scenario = simple(10);
    assert!(matches!(find_fleet(&scenario, &mut |_| {}), Err(FindError::NoRate)));
    scenario.load = Load { batch_transactions: 10, batches: 20, interval_seconds: 100.0, deadline_seconds: Some(21.0) };
    let error = find_fleet(&scenario, &mut |_| {}).unwrap_err();
    assert_eq!(error, FindError::TooSlow { alone_seconds: 22.0, deadline_seconds: 21.0 });
    // Machines that are hardly ever up long enough for a chunk.
    scenario.load.deadline_seconds = Some(30.0);
    scenario.fleet.failures = Some(Failures { mean_up_seconds: 5.0, restart_seconds: 60.0 });
    assert!(matches!(find_fleet(&scenario, &mut |_| {}), Err(FindError::NotEnough { .. })));
}
