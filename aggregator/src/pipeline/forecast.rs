//! What a batch will take on this machine, told before work starts.
//!
//! ```text
//!   job graph ──▶ Workload ──▶ Needs       memory, disk
//!      costs ────────┘ │
//!                      └─speed─▶ Forecast  seconds, CPU seconds
//! ```
//!
//! Which jobs and circuits there are is exact: they are read off the graph that is proven. What each takes was measured
//! (`costs`), on a machine that this one is compared with (`speed`). How they share cores and memory is played
//! through (`schedule`).

mod costs;
pub mod schedule;
pub mod speed;

use std::collections::HashMap;
use std::path::PathBuf;

use serde::Serialize;
use sheaf_circuits::context::Context;
use sheaf_prover::artifact::ArtifactRef;
use sheaf_prover::digest::JobId;
use sheaf_prover::graph::Graph;
use sheaf_prover::job::{Input, JobKind, JobSpec};

use self::costs::Cost;
use self::schedule::{Schedule, Task};
pub use self::speed::{Speed, SpeedError};
use super::batch::{Room, Until};
use super::circuits::{CircuitName, Circuits, CircuitsError};
use super::jobs::{batch_graph, graph_until, BatchGraphError};
use super::prepare::Prepared;

/// CPU seconds, and how they spread over cores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Work {
    /// CPU seconds.
    pub cpu_seconds: f64,
    /// The part of them that one thread works alone.
    pub serial: f64,
}

impl Work {
    /// CPU seconds a second, with `cores` for this work only.
    fn pace(self, cores: f64) -> f64 {
        let threads = cores.max(1.0);
        cores.min(1.0) / (self.serial + (1.0 - self.serial) / threads)
    }

    /// Seconds, with `cores` for this work only.
    fn seconds(self, cores: f64) -> f64 {
        self.cpu_seconds / self.pace(cores)
    }

    /// The same work on a machine of that speed.
    fn on(self, speed: &Speed) -> Self {
        let (serial, parallel) = (self.serial * speed.alone, (1.0 - self.serial) * speed.together);
        Self { cpu_seconds: self.cpu_seconds * (serial + parallel), serial: serial / (serial + parallel) }
    }
}

/// The work that is left of a batch.
#[derive(Clone, Debug)]
pub struct Workload {
    transactions: u64,
    /// In the order of the graph, which is that of dependence.
    jobs: Vec<Job>,
    /// Circuits that the jobs need, in the order in which they are built.
    circuits: Vec<Cost>,
    /// Bytes of the inputs of chunks.
    input_bytes: u64,
    /// The file that the circuits up to shrink will be kept in, and its length, unless it is there.
    kept: Option<(PathBuf, u64)>,
}

#[derive(Clone, Debug)]
struct Job {
    kind: JobKind,
    cost: Cost,
    task: Task,
}

/// Memory and disk that a batch needs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Needs {
    /// The most memory that the process will have resident.
    pub peak_memory_bytes: u64,
    /// The most jobs at once: fewer than there might be, where they wait for one another or memory is short.
    pub jobs_at_once: usize,
    /// What the data folder grows by.
    pub disk_bytes: u64,
    /// What built circuits take where they are kept, if they are not there yet.
    pub kept_bytes: u64,
}

/// What a batch will take.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Forecast {
    /// The stages, in order.
    pub stages: Vec<StageForecast>,
    /// Seconds from start to end.
    pub seconds: f64,
    /// CPU seconds of all.
    pub cpu_seconds: f64,
}

/// What one stage will take.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageForecast {
    /// Its name, as in the report of `sheaf prove`.
    pub stage: &'static str,
    /// How many jobs, or circuits.
    pub count: usize,
    /// Seconds of all of them, those at once added up.
    pub seconds: f64,
    /// CPU seconds.
    pub cpu_seconds: f64,
}

impl Workload {
    /// What `graph` leaves to do besides what `is_done` says.
    pub fn new(circuits: &Circuits, graph: &Graph, is_done: impl Fn(JobId) -> bool) -> Result<Self, CircuitsError> {
        let kept = circuits.settlement().and_then(|settlement| settlement.kept());
        let is_kept = kept.as_ref().is_some_and(|file| file.exists());
        let transactions = graph.transactions();
        let mut workload = Self { transactions, jobs: vec![], circuits: vec![], input_bytes: 0, kept: None };
        let (mut places, mut known) = (HashMap::new(), Vec::new());
        for (id, spec) in graph.jobs().iter().filter(|(id, _)| !is_done(*id)) {
            let circuit = circuits.of_job(spec)?;
            let cost = costs::of(circuit, circuits.profile(), circuits.shapes(), is_kept);
            if !known.contains(&circuit) {
                known.push(circuit);
                workload.circuits.push(cost);
            }
            places.insert(*id, workload.jobs.len());
            workload.jobs.push(Job { kind: spec.kind, cost, task: task(spec, &cost, &places) });
            workload.input_bytes += input_bytes(spec);
        }
        if known.contains(&CircuitName::Shrink) && !is_kept {
            workload.kept = kept.map(|file| (file, costs::kept_bytes(circuits.profile())));
        }
        Ok(workload)
    }

    /// The same of a batch that has no jobs yet.
    pub fn of_batch(
        circuits: &Circuits,
        context: &Context,
        prepared: &Prepared,
        until: Until,
        is_done: impl Fn(JobId) -> bool,
    ) -> Result<Self, BatchGraphError> {
        // As in a session, so that jobs have the same names; but nothing is stored.
        let jobs = batch_graph(circuits, &|bytes| Ok(ArtifactRef::of(bytes)), &prepared.inputs, "")?;
        let jobs = jobs.jobs().iter().map(|(_, job)| job.clone());
        let graph = graph_until(circuits, jobs, until, context, "")?.with_transactions(prepared.planned.applied as u64);
        Ok(Self::new(circuits, &graph, is_done)?)
    }

    /// Memory and disk that it needs.
    pub fn needs(&self, room: Room, cores: usize) -> Needs {
        let schedule = Schedule::of(&self.tasks(), room.jobs, room.memory_bytes, cores as f64);
        let circuits_bytes: u64 = self.circuits.iter().map(|cost| cost.held_bytes).sum();
        let mut held_bytes = costs::PROGRAM_BYTES + self.transactions * costs::TRANSACTION_BYTES;
        let mut peak_bytes = held_bytes + circuits_bytes + schedule.peak_bytes;
        for cost in &self.circuits {
            peak_bytes = peak_bytes.max(held_bytes + cost.build_bytes);
            held_bytes += cost.held_bytes;
        }
        let results: u64 = self.jobs.iter().map(|job| job.cost.result_bytes).sum();
        Needs {
            peak_memory_bytes: peak_bytes,
            jobs_at_once: schedule.jobs,
            disk_bytes: self.input_bytes + results,
            kept_bytes: self.kept.as_ref().map_or(0, |(_, bytes)| *bytes),
        }
    }

    /// The most jobs at once, up to `room`'s, that it can be done with in so much memory; none if one is too many.
    pub fn jobs_within(&self, memory_bytes: u64, room: Room, cores: usize) -> Option<usize> {
        let fits = |&jobs: &usize| self.needs(Room { jobs, ..room }, cores).peak_memory_bytes <= memory_bytes;
        (1..=room.jobs).rev().find(fits)
    }

    /// The largest job that is refused, since it asks for more than there is.
    pub fn refused(&self, room: Room) -> Option<u64> {
        let asked = self.jobs.iter().map(|job| job.task.reserved_bytes);
        asked.max().filter(|&bytes| bytes > room.memory_bytes)
    }

    /// Where the circuits up to shrink will be kept.
    pub fn kept(&self) -> Option<&PathBuf> {
        self.kept.as_ref().map(|(file, _)| file)
    }

    /// The time that it takes at this speed.
    pub fn forecast(&self, room: Room, speed: &Speed) -> Forecast {
        let mut tasks = self.tasks();
        tasks.iter_mut().for_each(|task| task.work = task.work.on(speed));
        let schedule = Schedule::of(&tasks, room.jobs, room.memory_bytes, speed.cores);
        let before = costs::before_jobs(self.transactions).on(speed);
        let build: Vec<Work> = self.circuits.iter().map(|cost| cost.build.on(speed)).collect();
        let sequence = |stage, work: &[Work]| StageForecast {
            stage,
            count: work.len(),
            seconds: work.iter().map(|work| work.seconds(speed.cores)).sum(),
            cpu_seconds: work.iter().map(|work| work.cpu_seconds).sum(),
        };
        let mut stages = vec![sequence("execute, plan", &[before]), sequence("build circuits", &build)];
        let seconds = stages.iter().map(|stage| stage.seconds).sum::<f64>() + schedule.seconds;
        for kind in JobKind::ALL {
            let jobs: Vec<usize> = (0..tasks.len()).filter(|&job| self.jobs[job].kind == kind).collect();
            if !jobs.is_empty() {
                stages.push(StageForecast {
                    stage: kind.name(),
                    count: jobs.len(),
                    seconds: jobs.iter().map(|&job| schedule.task_seconds[job]).sum(),
                    cpu_seconds: jobs.iter().map(|&job| tasks[job].work.cpu_seconds).sum(),
                });
            }
        }
        let cpu_seconds = stages.iter().map(|stage| stage.cpu_seconds).sum();
        Forecast { stages, seconds, cpu_seconds }
    }

    fn tasks(&self) -> Vec<Task> {
        self.jobs.iter().map(|job| job.task.clone()).collect()
    }
}

fn task(spec: &JobSpec, cost: &Cost, places: &HashMap<JobId, usize>) -> Task {
    Task {
        work: cost.job,
        memory_bytes: cost.job_bytes,
        reserved_bytes: spec.memory_bytes,
        priority: spec.priority,
        after: spec.dependencies().filter_map(|job| places.get(&job).copied()).collect(),
    }
}

fn input_bytes(spec: &JobSpec) -> u64 {
    let bytes = |input: &Input| match input {
        Input::Artifact(artifact) => artifact.length,
        Input::Job(_) => 0,
    };
    spec.inputs.iter().map(bytes).sum()
}

#[cfg(test)]
mod tests {
    use sheaf_circuits::chunk::shapes;
    use sheaf_circuits::security::Profile;

    use super::*;

    const GIB: u64 = 1 << 30;

    /// Chunks of a shape, a lift for each, and joins one after another.
    fn workload(profile: Profile, shape: &str, chunks: usize) -> Workload {
        let shapes = shapes::all();
        let shape = shapes.iter().position(|known| known.name == shape).unwrap();
        let cost = |circuit| costs::of(circuit, profile, &shapes, false);
        let [chunk, lift, join] =
            [CircuitName::Chunk(shape), CircuitName::Lift { shape, chunks: 1 }, CircuitName::Join].map(cost);
        let job = |kind, cost: Cost, after| {
            let task =
                Task { work: cost.job, memory_bytes: cost.job_bytes, reserved_bytes: 3 * GIB, priority: 0, after };
            Job { kind, cost, task }
        };
        let mut jobs: Vec<Job> = (0..chunks).map(|_| job(JobKind::Chunk, chunk, vec![])).collect();
        jobs.extend((0..chunks).map(|i| job(JobKind::Lift, lift, vec![i])));
        for i in 1..chunks {
            let last = jobs.len() - 1;
            jobs.push(job(JobKind::Join, join, vec![if i == 1 { chunks } else { last }, chunks + i]));
        }
        Workload { transactions: 0, jobs, circuits: vec![chunk, lift, join], input_bytes: 0, kept: None }
    }

    fn room(jobs: usize) -> Room {
        Room { jobs, memory_bytes: 64 * GIB, deadline_ms: u64::MAX }
    }

    #[test]
    fn more_jobs_at_once_take_more_memory_and_less_time() {
        let speed = Speed { alone: 1.0, together: 1.0, cores: 16.0 };
        let workload = workload(Profile::Proven, "mixed", 6);
        let needs: Vec<Needs> = (1..=8).map(|jobs| workload.needs(room(jobs), 16)).collect();
        let seconds: Vec<f64> = (1..=8).map(|jobs| workload.forecast(room(jobs), &speed).seconds).collect();
        for (few, more) in needs.iter().zip(&needs[1..6]) {
            assert_eq!(more.jobs_at_once, few.jobs_at_once + 1);
            assert!(more.peak_memory_bytes > few.peak_memory_bytes + GIB);
        }
        assert_eq!((needs[5].jobs_at_once, &needs[5]), (6, &needs[7]), "there are six chunks");
        // Not each time: with one more, jobs may be picked in an order that takes a little longer.
        assert!(seconds[1..].iter().all(|&more| more < 0.8 * seconds[0]), "{seconds:?}");
        assert!(seconds[6..].iter().all(|&more| more == seconds[5]), "{seconds:?}");
    }

    #[test]
    fn as_many_jobs_as_fit_are_found() {
        let workload = workload(Profile::Fast, "mixed", 6);
        for jobs in 1..=6 {
            let bytes = workload.needs(room(jobs), 2).peak_memory_bytes;
            assert_eq!(workload.jobs_within(bytes, room(6), 2), Some(jobs));
            assert_eq!(workload.jobs_within(bytes - 1, room(6), 2), (jobs > 1).then(|| jobs - 1));
            assert_eq!(workload.jobs_within(bytes, room(1), 2), Some(1), "no more than asked for");
        }
        // What is set aside limits them too, and so the memory they take.
        let narrow = Room { memory_bytes: 7 * GIB, ..room(6) };
        assert_eq!(workload.needs(narrow, 2).jobs_at_once, 2);
        assert_eq!(
            (workload.refused(narrow), workload.refused(Room { memory_bytes: GIB, ..narrow })),
            (None, Some(3 * GIB))
        );
    }

    #[test]
    fn time_follows_speed_and_cores() {
        let workload = workload(Profile::Fast, "small", 3);
        let at = |cost, cores| workload.forecast(room(2), &Speed { alone: cost, together: cost, cores });
        let (reference, slow, narrow) = (at(1.0, 2.0), at(1.5, 2.0), at(1.0, 0.5));
        let close =
            |got: f64, expected: f64| assert!((got / expected - 1.0).abs() < 1e-9, "{got}, expected {expected}");
        close(slow.cpu_seconds, 1.5 * reference.cpu_seconds);
        close(slow.seconds, 1.5 * reference.seconds);
        close(narrow.cpu_seconds, reference.cpu_seconds);
        close(narrow.seconds, 2.0 * reference.cpu_seconds);
        let stages: Vec<_> = reference.stages.iter().map(|stage| (stage.stage, stage.count)).collect();
        assert_eq!(stages, [("execute, plan", 1), ("build circuits", 3), ("chunk", 3), ("lift", 3), ("join", 2)]);
        // Two cores: between half of the CPU seconds and all of them.
        assert!(reference.seconds > reference.cpu_seconds / 2.0 && reference.seconds < reference.cpu_seconds);
    }

    #[test]
    fn building_may_be_the_peak() {
        let mut workload = workload(Profile::Fast, "small", 1);
        workload.circuits[1].build_bytes = 9 * GIB;
        let peak = workload.needs(room(1), 2).peak_memory_bytes;
        assert_eq!(peak, 9 * GIB + costs::PROGRAM_BYTES + workload.circuits[0].held_bytes);
    }
}
