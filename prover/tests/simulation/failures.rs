//! Machines that crash.

use sheaf_prover::job::JobKind;
use sheaf_prover::simulation::{simulate, Failures, Happening, Scenario, SimulationError};

use crate::{simple, trace};

/// The scenario with a seed by which exactly one machine crashes, between these times, and when that is.
fn crashing(mut scenario: Scenario, from: f64, to: f64) -> (Scenario, f64) {
    scenario.fleet.failures = Some(Failures { mean_up_seconds: 100.0, restart_seconds: 30.0 });
    for seed in 0..10_000 {
        scenario.seed = seed;
        let crashes = trace(&scenario).1;
        let crashes = crashes.iter().filter(|moment| matches!(moment.what, Happening::Crashed { .. }));
        match crashes.collect::<Vec<_>>().as_slice() {
            [crash] if (from..to).contains(&crash.seconds) => return (scenario, crash.seconds),
            _ => {}
        }
    }
    panic!("no seed gives one crash between {from} and {to}");
}

#[test]
fn a_lost_job_is_done_again_when_its_lease_is_over() {
    // One machine, which is back after 30 s, before the lease is over: chunk and lift from then on.
    let (scenario, crash) = crashing(simple(1), 1.0, 9.0);
    let outcome = simulate(&scenario).unwrap();
    assert!((outcome.seconds - (crash + 60.0 + 10.0 + 4.0)).abs() < 1e-9, "{outcome:?}");
    assert_eq!((outcome.crashes, outcome.attempts_lost, outcome.jobs_redone, outcome.jobs), (1, 1, 1, 2));
    assert!((outcome.cpu_seconds_lost - crash).abs() < 1e-9);
    assert!((outcome.busy_core_seconds - 14.0 - crash).abs() < 1e-9);

    // A short lease: the job waits for the machine.
    let (mut scenario, crash) = crashing(simple(1), 1.0, 9.0);
    scenario.coordinator.lease_seconds = 5.0;
    assert!((simulate(&scenario).unwrap().seconds - (crash + 30.0 + 10.0 + 4.0)).abs() < 1e-9);

    // With another machine, the job waits for the lease only.
    let mut two = simple(1);
    two.fleet.machines = 2;
    two.coordinator.lease_seconds = 5.0;
    let (scenario, crash) = crashing(two, 1.0, 9.0);
    let (outcome, moments) = trace(&scenario);
    let holder = moments.iter().find_map(|moment| match moment.what {
        Happening::Crashed { machine } => Some(machine),
        _ => None,
    });
    // Machine 0 asked first and has the job.
    let expected = if holder == Some(0) { crash + 5.0 + 10.0 + 4.0 } else { 14.0 };
    assert!((outcome.seconds - expected).abs() < 1e-9, "{outcome:?}");
}

#[test]
fn a_crash_takes_what_is_on_its_way_to_the_machine_and_not_what_comes_from_it() {
    let mut scenario = simple(1);
    scenario.coordinator.overhead_seconds = 5.0;
    // On its way to 5, at work to 15, on its way back to 20.
    let (to_it, crash) = crashing(scenario.clone(), 0.5, 4.5);
    let outcome = simulate(&to_it).unwrap();
    assert!((outcome.seconds - (crash + 60.0 + 20.0 + 14.0)).abs() < 1e-9, "{outcome:?}");
    assert_eq!((outcome.attempts_lost, outcome.cpu_seconds_lost), (1, 0.0));

    let (from_it, crash) = crashing(scenario, 15.5, 19.5);
    let outcome = simulate(&from_it).unwrap();
    assert!((outcome.seconds - (crash + 30.0 + 14.0)).abs() < 1e-9, "{outcome:?}");
    assert_eq!(outcome.attempts_lost, 0);
}

#[test]
fn machines_that_fail_faster_than_jobs_end_are_noticed() {
    let mut scenario = simple(1);
    scenario.times.chunk.cpu_seconds = vec![10_000.0];
    scenario.fleet.failures = Some(Failures { mean_up_seconds: 10.0, restart_seconds: 1.0 });
    assert_eq!(simulate(&scenario), Err(SimulationError::NeverDone { kind: JobKind::Chunk, attempts: 100 }));
}
