//! The records in memory, indexed: which jobs are ready, in which order, and who waits for whom.
//!
//! Nothing here is truth: the board is built from the records and changed after them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Instant;

use super::records::{GraphRecord, Loaded, Record, State};
use crate::artifact::ArtifactRef;
use crate::digest::JobId;
use crate::graph::Ability;
use crate::job::{Input, JobSpec};
use crate::queue::{Capability, Fence, Policy, Progress, QueueError};

/// A job's place among the ready ones, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    deadline_ms: u64,
    priority: u32,
    /// The graph's place in the order of submission.
    graph: u64,
    /// The job's place in the graph.
    index: usize,
}

/// A job on the board.
pub(super) struct Entry {
    /// The job without its payload, which is read when it is claimed.
    pub(super) spec: JobSpec,
    /// As stored.
    pub(super) record: Record,
    /// When its lease runs out.
    pub(super) expires: Option<Instant>,
    /// Jobs that read its result.
    dependents: Vec<JobId>,
    /// Dependencies that are not done.
    missing: usize,
    /// Its rank in each graph that has it, by root.
    ranks: BTreeMap<JobId, Rank>,
}

impl Entry {
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

    fn rank(&self) -> Option<Rank> {
        self.ranks.values().min().copied()
    }
}

#[derive(Default)]
pub(super) struct Board {
    jobs: HashMap<JobId, Entry>,
    graphs: BTreeMap<JobId, GraphRecord>,
    ready: BTreeSet<(Rank, JobId)>,
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
        self.graphs.get(&root).ok_or(QueueError::UnknownGraph(root))
    }

    /// Graphs in the order of submission.
    pub(super) fn graphs(&self) -> Vec<(JobId, &GraphRecord)> {
        let mut graphs: Vec<_> = self.graphs.iter().map(|(root, graph)| (*root, graph)).collect();
        graphs.sort_by_key(|(_, graph)| graph.number);
        graphs
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
        let (expires, dependents, ranks) = (None, Vec::new(), BTreeMap::new());
        self.jobs.insert(id, Entry { spec, record, expires, dependents, missing, ranks });
    }

    /// Adds a graph whose jobs are on the board, or renews its label and deadline.
    pub(super) fn add_graph(&mut self, root: JobId, graph: GraphRecord) -> Result<(), QueueError> {
        for (index, id) in graph.jobs.iter().enumerate() {
            let entry = self.jobs.get_mut(id).ok_or(QueueError::UnknownJob(*id))?;
            if let Some(rank) = entry.rank() {
                self.ready.remove(&(rank, *id));
            }
            let priority = entry.spec.priority;
            let rank = Rank { deadline_ms: graph.deadline_ms, priority, graph: graph.number, index };
            entry.ranks.insert(root, rank);
            self.index(*id);
        }
        self.graphs.insert(root, graph);
        Ok(())
    }

    /// Puts a changed record on the board.
    pub(super) fn set(&mut self, id: JobId, record: Record, expires: Option<Instant>) {
        let Some(entry) = self.jobs.get_mut(&id) else { return };
        let was_done = entry.is_done();
        entry.record = record;
        entry.expires = expires;
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
        }
    }

    /// The first ready job for a worker.
    pub(super) fn first_for(&self, capability: &Capability, policy: &Policy) -> Option<JobId> {
        let fits = |entry: &Entry| {
            let ability = Ability { kind: entry.spec.kind, circuit: entry.spec.circuit };
            entry.spec.memory_bytes <= capability.memory_bytes
                && capability.abilities.contains(&ability)
                && capability.graph.is_none_or(|root| entry.ranks.contains_key(&root))
                && (capability.idle || entry.record.lost_workers < policy.alone_after)
        };
        self.ready.iter().map(|(_, id)| *id).find(|id| fits(&self.jobs[id]))
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
        let Some(entry) = self.jobs.get(&id) else { return };
        if entry.fence().is_some() {
            self.leased.insert(id);
        } else {
            self.leased.remove(&id);
        }
        let Some(rank) = entry.rank() else { return };
        if entry.is_ready() {
            self.ready.insert((rank, id));
        } else {
            self.ready.remove(&(rank, id));
        }
    }
}
