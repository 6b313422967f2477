//! The records in memory, indexed: which jobs are ready, in which order, and who waits for whom.
//!
//! Nothing here is truth: the board is built from the records and changed after them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant};

use super::records::{GraphRecord, Loaded, Record, State};
use crate::artifact::ArtifactRef;
use crate::digest::{ArtifactHash, JobId};
use crate::graph::Ability;
use crate::job::{Input, JobSpec};
use crate::queue::{Capability, Fence, Outlook, Policy, Progress, QueueError};

/// A job's place among the ready ones of its graph, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    priority: u32,
    /// The job's place in the graph.
    index: usize,
}

/// A graph on the board.
struct GraphEntry {
    /// As stored.
    record: GraphRecord,
    /// Its ready jobs by what they ask of a worker, so that a worker is not kept from what it can do by thousands of
    /// jobs that it cannot.
    ready: BTreeMap<Ability, BTreeSet<(Rank, JobId)>>,
    /// Its leased jobs.
    running: usize,
    /// When it was submitted, or the queue opened if that was later.
    since: Instant,
    /// It was done, now or before: it is not to be counted again when its last job is made again.
    was_done: bool,
}

/// A job on the board.
pub(super) struct Entry {
    /// The job without its payload, which is read when it is claimed.
    pub(super) spec: JobSpec,
    /// As stored.
    pub(super) record: Record,
    /// When its lease runs out.
    pub(super) expires: Option<Instant>,
    /// When it was leased, or the queue opened if that was later.
    pub(super) leased_since: Option<Instant>,
    /// Jobs that read its result.
    dependents: Vec<JobId>,
    /// Dependencies that are not done.
    missing: usize,
    /// Since when it is ready.
    pub(super) ready_since: Option<Instant>,
    /// Its rank in each graph that has it, by root.
    ranks: BTreeMap<JobId, Rank>,
}

impl Entry {
    /// Who has it, if the lease is this one.
    pub(super) fn holder(&self, lease: Fence) -> Option<&str> {
        match &self.record.state {
            State::Leased { worker, fence } if *fence == lease => Some(worker),
            _ => None,
        }
    }

    /// The fence under which it is leased.
    pub(super) fn fence(&self) -> Option<Fence> {
        match self.record.state {
            State::Leased { fence, .. } => Some(fence),
            _ => None,
        }
    }

    /// Its result.
    pub(super) fn artifact(&self) -> Option<ArtifactRef> {
        match self.record.state {
            State::Done { artifact, .. } => Some(artifact),
            _ => None,
        }
    }

    /// Open, and everything it reads is done.
    pub(super) fn is_ready(&self) -> bool {
        self.record.state == State::Open && self.missing == 0
    }

    fn is_done(&self) -> bool {
        self.artifact().is_some()
    }

    /// What it asks of a worker.
    pub(super) fn ability(&self) -> Ability {
        Ability { kind: self.spec.kind, circuit: self.spec.circuit }
    }
}

#[derive(Default)]
pub(super) struct Board {
    jobs: HashMap<JobId, Entry>,
    graphs: BTreeMap<JobId, GraphEntry>,
    leased: BTreeSet<JobId>,
}

impl Board {
    /// The board of everything stored.
    pub(super) fn new(loaded: Loaded) -> Result<Self, QueueError> {
        let mut jobs: HashMap<_, _> = loaded.jobs.into_iter().map(|(id, spec, record)| (id, (spec, record))).collect();
        let mut board = Self::default();
        for (root, graph) in loaded.graphs {
            for id in &graph.jobs {
                if let Some((spec, record)) = jobs.remove(id) {
                    board.insert(*id, spec, record);
                }
            }
            board.add_graph(root, graph)?;
        }
        Ok(board)
    }

    pub(super) fn contains(&self, id: JobId) -> bool {
        self.jobs.contains_key(&id)
    }

    pub(super) fn entry(&self, id: JobId) -> Result<&Entry, QueueError> {
        self.jobs.get(&id).ok_or(QueueError::UnknownJob(id))
    }

    pub(super) fn graph(&self, root: JobId) -> Result<&GraphRecord, QueueError> {
        Ok(&self.graphs.get(&root).ok_or(QueueError::UnknownGraph(root))?.record)
    }

    /// What people call the first graph that has a job.
    pub(super) fn batch(&self, id: JobId) -> &str {
        let graphs = self.jobs.get(&id).into_iter().flat_map(|entry| entry.ranks.keys());
        let first = graphs.filter_map(|root| self.graphs.get(root)).min_by_key(|graph| graph.record.number);
        first.map_or("", |graph| &graph.record.label)
    }

    /// Graphs in the order of submission.
    pub(super) fn graphs(&self) -> Vec<(JobId, &GraphRecord)> {
        let mut graphs: Vec<_> = self.graphs.iter().map(|(root, graph)| (*root, &graph.record)).collect();
        graphs.sort_by_key(|(_, graph)| graph.number);
        graphs
    }

    /// Every job, once.
    pub(super) fn jobs(&self) -> impl Iterator<Item = &Entry> {
        self.jobs.values()
    }

    /// When each graph was submitted, or the queue opened if that was later.
    pub(super) fn since(&self) -> impl Iterator<Item = (JobId, Instant)> + '_ {
        self.graphs.iter().map(|(root, graph)| (*root, graph.since))
    }

    /// Transactions and CPU seconds of the graph that ends in a job, if it is done and was not before.
    pub(super) fn newly_done(&mut self, root: JobId) -> Option<(u64, f64)> {
        let is_done = self.jobs.get(&root)?.is_done();
        let graph = self.graphs.get_mut(&root)?;
        if !is_done || std::mem::replace(&mut graph.was_done, true) {
            return None;
        }
        let cpu_seconds = |id: &JobId| match &self.jobs.get(id)?.record.state {
            State::Done { effort, .. } => Some(effort.cpu_seconds),
            _ => None,
        };
        Some((graph.record.transactions, graph.record.jobs.iter().filter_map(cpu_seconds).sum()))
    }

    /// Adds a job after those it depends on.
    pub(super) fn insert(&mut self, id: JobId, mut spec: JobSpec, record: Record) {
        spec.payload = Vec::new();
        let mut missing = 0;
        for dependency in spec.dependencies().collect::<BTreeSet<_>>() {
            if let Some(entry) = self.jobs.get_mut(&dependency) {
                entry.dependents.push(id);
                missing += usize::from(!entry.is_done());
            }
        }
        let (expires, leased_since, ready_since) = (None, None, None);
        let (dependents, ranks) = (Vec::new(), BTreeMap::new());
        let entry = Entry { spec, record, expires, leased_since, dependents, missing, ready_since, ranks };
        self.jobs.insert(id, entry);
    }

    /// Adds a graph whose jobs are on the board, or renews its label and deadline.
    pub(super) fn add_graph(&mut self, root: JobId, record: GraphRecord) -> Result<(), QueueError> {
        let jobs = record.jobs.clone();
        for (index, id) in jobs.iter().enumerate() {
            let entry = self.jobs.get_mut(id).ok_or(QueueError::UnknownJob(*id))?;
            entry.ranks.insert(root, Rank { priority: entry.spec.priority, index });
        }
        let running = jobs.iter().filter(|id| self.leased.contains(id)).count();
        let known = self.graphs.get(&root);
        let since = known.map_or_else(Instant::now, |graph| graph.since);
        let was_done = known.is_some_and(|graph| graph.was_done) || self.entry(root)?.is_done();
        self.graphs.insert(root, GraphEntry { record, ready: BTreeMap::new(), running, since, was_done });
        jobs.into_iter().for_each(|id| self.index(id));
        Ok(())
    }

    /// The jobs of a graph that no other graph has.
    pub(super) fn only_in(&self, root: JobId) -> Result<Vec<JobId>, QueueError> {
        let only = |id: &JobId| self.jobs.get(id).is_some_and(|entry| entry.ranks.keys().eq([&root]));
        Ok(self.graph(root)?.jobs.iter().copied().filter(only).collect())
    }

    /// Takes a graph off the board, and those of its jobs that no other graph has.
    pub(super) fn remove_graph(&mut self, root: JobId) {
        let Some(graph) = self.graphs.remove(&root) else { return };
        let mut gone = HashSet::new();
        for id in &graph.record.jobs {
            let Some(entry) = self.jobs.get_mut(id) else { continue };
            entry.ranks.remove(&root);
            if entry.ranks.is_empty() {
                self.jobs.remove(id);
                self.leased.remove(id);
                gone.insert(*id);
            }
        }
        for id in graph.record.jobs {
            if let Some(entry) = self.jobs.get_mut(&id) {
                entry.dependents.retain(|dependent| !gone.contains(dependent));
            }
        }
    }

    /// Every artifact that a job on the board reads or has made.
    pub(super) fn artifacts(&self) -> HashSet<ArtifactHash> {
        let read = |input: &Input| match input {
            Input::Artifact(artifact) => Some(artifact.hash),
            Input::Job(_) => None,
        };
        let of_job = |entry: &Entry| {
            let made = entry.artifact().map(|artifact| artifact.hash);
            entry.spec.inputs.iter().filter_map(read).chain(made).collect::<Vec<_>>()
        };
        self.jobs.values().flat_map(of_job).collect()
    }

    /// Whether one of them is this.
    pub(super) fn needs(&self, hash: ArtifactHash) -> bool {
        let reads = |input: &Input| matches!(input, Input::Artifact(artifact) if artifact.hash == hash);
        let made = |entry: &Entry| entry.artifact().is_some_and(|artifact| artifact.hash == hash);
        self.jobs.values().any(|entry| made(entry) || entry.spec.inputs.iter().any(reads))
    }

    /// Puts a changed record on the board.
    pub(super) fn set(&mut self, id: JobId, record: Record, expires: Option<Instant>) {
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        let was_done = entry.is_done();
        entry.record = record;
        entry.expires = expires;
        entry.leased_since = expires.map(|_| Instant::now());
        let is_done = entry.is_done();
        self.index(id);
        if was_done == is_done {
            return;
        }
        for dependent in self.jobs[&id].dependents.clone() {
            if let Some(entry) = self.jobs.get_mut(&dependent) {
                entry.missing = if is_done { entry.missing - 1 } else { entry.missing + 1 };
            }
            self.index(dependent);
        }
    }

    /// Extends a lease.
    pub(super) fn extend(&mut self, id: JobId, expires: Instant) {
        if let Some(entry) = self.jobs.get_mut(&id) {
            entry.expires = Some(expires);
            entry.leased_since.get_or_insert_with(Instant::now);
        }
    }

    /// The first ready job for a worker: of the graph with the earliest deadline; of those the one with the fewest
    /// running jobs, so that batches share the workers; then the one submitted first. Jobs that it may not have are
    /// passed over.
    pub(super) fn first_for(
        &self,
        capability: &Capability,
        policy: &Policy,
        may_have: &dyn Fn(JobId) -> bool,
    ) -> Option<JobId> {
        let fits = |id: &JobId| {
            let entry = &self.jobs[id];
            entry.spec.memory_bytes <= capability.memory_bytes
                && (capability.idle || entry.record.lost_workers < policy.alone_after)
                && may_have(*id)
        };
        let first_of = |graph: &GraphEntry| {
            let able = graph.ready.iter().filter(|(ability, _)| capability.abilities.contains(ability));
            let firsts = able.filter_map(|(_, jobs)| jobs.iter().find(|(_, id)| fits(id)));
            firsts.min().map(|(_, id)| *id)
        };
        if let Some(root) = capability.graph {
            return first_of(self.graphs.get(&root)?);
        }
        let mut graphs: Vec<&GraphEntry> = self.graphs.values().filter(|graph| !graph.ready.is_empty()).collect();
        graphs.sort_by_key(|graph| (graph.record.deadline_ms, graph.running, graph.record.number));
        graphs.into_iter().find_map(first_of)
    }

    /// What there is to do, and for whom.
    pub(super) fn outlook(&self) -> Outlook {
        let mut outlook = Outlook { leased: self.leased.len(), ..Outlook::default() };
        let mut ready = BTreeMap::<Ability, usize>::new();
        let now = Instant::now();
        for entry in self.jobs.values() {
            match entry.record.state {
                State::Open if entry.missing == 0 => {
                    *ready.entry(entry.ability()).or_default() += 1;
                    let age = entry.ready_since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
                    outlook.oldest_ready = outlook.oldest_ready.max(age);
                }
                State::Open => outlook.waiting += 1,
                State::SetAside => outlook.set_aside += 1,
                State::Leased { .. } | State::Done { .. } => {}
            }
        }
        outlook.ready = ready.into_iter().collect();
        outlook
    }

    /// Jobs that were set aside.
    pub(super) fn set_aside(&self) -> impl Iterator<Item = JobId> + '_ {
        self.jobs.iter().filter(|(_, entry)| entry.record.state == State::SetAside).map(|(id, _)| *id)
    }

    /// Leased jobs that `which` picks.
    pub(super) fn leased(&self, which: impl Fn(&Entry) -> bool) -> Vec<JobId> {
        self.leased.iter().copied().filter(|id| which(&self.jobs[id])).collect()
    }

    /// The artifacts that a job reads, in order. None where the job that makes it is not done.
    pub(super) fn inputs(&self, id: JobId) -> Result<Vec<Option<ArtifactRef>>, QueueError> {
        let artifact = |input: &Input| match input {
            Input::Artifact(artifact) => Ok(Some(*artifact)),
            Input::Job(job) => Ok(self.entry(*job)?.artifact()),
        };
        self.entry(id)?.spec.inputs.iter().map(artifact).collect()
    }

    pub(super) fn progress(&self, root: JobId) -> Result<Progress, QueueError> {
        let mut progress = Progress::default();
        for id in &self.graph(root)?.jobs {
            let entry = self.entry(*id)?;
            progress.total += 1;
            match &entry.record.state {
                State::Open if entry.missing == 0 => progress.ready += 1,
                State::Open => progress.waiting += 1,
                State::Leased { .. } => progress.leased += 1,
                State::Done { .. } => progress.done += 1,
                State::SetAside => progress.set_aside.push(*id),
            }
        }
        Ok(progress)
    }

    /// Puts a job among the ready or leased ones or takes it out, as its state says.
    fn index(&mut self, id: JobId) {
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        let (is_ready, is_leased, ability) = (entry.is_ready(), entry.fence().is_some(), entry.ability());
        entry.ready_since = if is_ready { entry.ready_since.or_else(|| Some(Instant::now())) } else { None };
        let was_leased = if is_leased { !self.leased.insert(id) } else { self.leased.remove(&id) };
        for (root, rank) in &entry.ranks {
            let Some(graph) = self.graphs.get_mut(root) else { continue };
            match (was_leased, is_leased) {
                (false, true) => graph.running += 1,
                (true, false) => graph.running -= 1,
                _ => {}
            }
            if is_ready {
                graph.ready.entry(ability).or_default().insert((*rank, id));
            } else if let Some(jobs) = graph.ready.get_mut(&ability) {
                jobs.remove(&(*rank, id));
                if jobs.is_empty() {
                    graph.ready.remove(&ability);
                }
            }
        }
    }
}
