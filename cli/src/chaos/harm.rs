//! Does one fault after another.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{bail, Context as _, Result};
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::Rng as _;
use serde::Serialize;
use sheaf_prover::artifact::ArtifactRef;
use sheaf_prover::fleet::{self, Link};
use sheaf_prover::graph::Graph;
use sheaf_prover::job::Input;
use sheaf_prover::queue::{JobState, Queue, QueueError};

use super::fault::{Fault, Schedule};
use super::ground::Ground;
use super::load::Load;

/// How often it is looked whether something is due.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// Longer than there is no result to be damaged.
const PATIENCE: Duration = Duration::from_secs(60);
/// Coordinator and NATS stay away for so long at most: shorter than a lease, as a restart is.
const LONGEST_RESTART_MS: u64 = 2500;
/// The wire is cut for so long at most.
const LONGEST_CUT_MS: u64 = 4000;

/// A fault that was done.
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    /// Since the beginning, when it had been done.
    pub seconds: f64,
    /// Its kind.
    pub fault: Fault,
    /// What was done.
    pub what: String,
}

/// All that was done.
#[derive(Clone, Debug, Default)]
pub struct Inflicted {
    /// In their order.
    pub events: Vec<Event>,
}

impl Inflicted {
    /// How often each of all kinds was.
    pub fn counts(&self) -> BTreeMap<Fault, u64> {
        let mut counts: BTreeMap<Fault, u64> = Fault::all().iter().map(|fault| (*fault, 0)).collect();
        for event in &self.events {
            *counts.entry(event.fault).or_default() += 1;
        }
        counts
    }
}

/// Who does it.
pub struct Harm<'a> {
    /// To whom.
    pub ground: &'a mut Ground,
    /// Whose results are damaged.
    pub load: &'a Load<'a>,
    /// The way to the store.
    pub link: &'a Arc<Link>,
    /// The queue that the load goes through.
    pub queue: &'a dyn Queue,
    /// What happens when, where and how long.
    pub random: StdRng,
    /// Between the end of a fault and the next.
    pub every: Duration,
    /// Since when seconds are counted.
    pub start: Instant,
}

impl Harm<'_> {
    /// Does harm until `is_over`, but each kind at least once; ends when every frozen worker is continued. What was done
    /// is in `inflicted` also when it fails.
    pub fn go(
        &mut self,
        mut schedule: Schedule,
        is_over: impl Fn() -> bool,
        is_stopped: impl Fn() -> bool,
        inflicted: &mut Inflicted,
        tell: impl Fn(&Event),
    ) -> Result<()> {
        let mut due = Instant::now() + self.every;
        while !(is_stopped() || is_over() && schedule.is_round_done()) {
            self.ground.thaw()?;
            self.ground.look()?;
            if Instant::now() < due {
                thread::sleep(LOOK_AGAIN);
                continue;
            }
            let fault = schedule.next(&mut self.random);
            let what = self.inflict(fault).with_context(|| format!("fault {}", fault.name()))?;
            let event = Event { seconds: self.start.elapsed().as_secs_f64(), fault, what };
            tell(&event);
            inflicted.events.push(event);
            due = Instant::now() + self.every;
        }
        while self.ground.next_thaw().is_some() {
            thread::sleep(LOOK_AGAIN);
            self.ground.thaw()?;
        }
        Ok(())
    }

    fn inflict(&mut self, fault: Fault) -> Result<String> {
        match fault {
            Fault::Kill => {
                let (victim, same_name) = (self.victim()?, self.random.gen());
                self.ground.kill_worker(victim, same_name)
            }
            Fault::Freeze => {
                let victim = self.victim()?;
                self.ground.freeze_worker(victim)
            }
            Fault::Memory => self.ground.starve_worker(),
            Fault::Coordinator => {
                let pause = self.pause(LONGEST_RESTART_MS);
                self.ground.kill_coordinator(pause)
            }
            Fault::Nats => {
                let pause = self.pause(LONGEST_RESTART_MS);
                self.ground.kill_nats(pause)
            }
            Fault::Cut => {
                let pause = self.pause(LONGEST_CUT_MS);
                Ok(self.ground.cut(pause))
            }
            Fault::Lose => {
                let (artifact, label) = self.result_to_be_read()?;
                self.load.persist(|| Ok(self.queue.artifacts().remove(artifact.hash)?))?;
                Ok(format!("the result of {label} removed"))
            }
            Fault::Damage => {
                let (artifact, label) = self.result_to_be_read()?;
                let bytes: [u8; 32] = self.random.gen();
                self.load.persist(|| Ok(fleet::damage(self.link, &Ground::lane(), artifact.hash, &bytes)?))?;
                Ok(format!("the result of {label} replaced by other bytes"))
            }
            Fault::Lie => self.ground.add_liar(),
        }
    }

    fn pause(&mut self, longest_ms: u64) -> Duration {
        Duration::from_millis(self.random.gen_range(0..=longest_ms))
    }

    /// A worker that is not frozen, as soon as there is one.
    fn victim(&mut self) -> Result<usize> {
        loop {
            if let Some(place) = self.ground.awake().choose(&mut self.random) {
                return Ok(*place);
            }
            thread::sleep(LOOK_AGAIN);
            self.ground.thaw()?;
        }
    }

    /// A result that a job will read which has to wait for others first: so it is not being read now.
    fn result_to_be_read(&mut self) -> Result<(ArtifactRef, String)> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            let mut found = Vec::new();
            for graph in self.load.open() {
                match self.queue.graph(graph.root()) {
                    Ok(status) => found.extend(to_be_read(&graph, &status.jobs)),
                    // Not yet, or not any more.
                    Err(QueueError::UnknownGraph(_)) => {}
                    Err(error) if error.is_outage() => {}
                    Err(error) => return Err(error.into()),
                }
            }
            if let Some(one) = found.choose(&mut self.random) {
                return Ok(one.clone());
            }
            thread::sleep(LOOK_AGAIN);
        }
        bail!("no batch had a result that is still to be read for {} s", PATIENCE.as_secs())
    }
}

/// Results of done jobs whose readers wait for other jobs.
fn to_be_read(graph: &Graph, jobs: &[sheaf_prover::queue::JobStatus]) -> Vec<(ArtifactRef, String)> {
    let by_id: HashMap<_, _> = jobs.iter().map(|job| (job.id, job)).collect();
    let mut found = Vec::new();
    for (id, spec) in graph.jobs() {
        if !by_id.get(id).is_some_and(|job| job.state == JobState::Waiting) {
            continue;
        }
        for input in &spec.inputs {
            let Input::Job(maker) = input else { continue };
            let Some(maker) = by_id.get(maker) else { continue };
            if let JobState::Done { artifact, .. } = &maker.state {
                found.push((*artifact, format!("{} of {}", maker.label, graph.label())));
            }
        }
    }
    found
}
