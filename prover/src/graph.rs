//! A set of jobs that ends in one result.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::digest::{CircuitDigest, JobId};
use crate::job::{JobKind, JobSpec};

/// A kind of job with a circuit: what a worker must be able to do to get a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ability {
    /// Which step of the pipeline.
    pub kind: JobKind,
    /// With which circuit.
    pub circuit: CircuitDigest,
}

/// Why a graph could not be built.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum GraphError {
    /// A job reads the result of one that was not added before it.
    #[error("job {label:?} reads the result of job {dependency}, which was not added to the graph before it")]
    UnknownDependency {
        /// The reading job.
        label: String,
        /// The job that it reads.
        dependency: JobId,
    },
    /// A job was added whose result nothing reads.
    #[error("nothing in the graph reads the result of job {label:?}; leave it out or make it an input")]
    Unused {
        /// The job.
        label: String,
    },
    /// There is no job.
    #[error("the graph has no jobs")]
    Empty,
}

/// Collects the jobs of a graph, each after those it depends on: what it builds has no cycles.
#[derive(Debug, Default)]
pub struct GraphBuilder {
    jobs: Vec<(JobId, JobSpec)>,
    index: HashMap<JobId, usize>,
}

impl GraphBuilder {
    /// An empty graph.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a job and gives its name. A job that is already there is not added again.
    ///
    /// # Errors
    /// [`GraphError::UnknownDependency`] when it reads the result of a job that is not there yet.
    pub fn add(&mut self, spec: JobSpec) -> Result<JobId, GraphError> {
        if let Some(dependency) = spec.dependencies().find(|job| !self.index.contains_key(job)) {
            return Err(GraphError::UnknownDependency { label: spec.label.clone(), dependency });
        }
        let id = spec.id();
        if !self.index.contains_key(&id) {
            self.index.insert(id, self.jobs.len());
            self.jobs.push((id, spec));
        }
        Ok(id)
    }

    /// Closes the graph. Its root is the job added last; its result is the graph's result.
    ///
    /// # Errors
    /// [`GraphError::Empty`] or [`GraphError::Unused`].
    pub fn finish(self, label: impl Into<String>) -> Result<Graph, GraphError> {
        let (root, _) = self.jobs.last().ok_or(GraphError::Empty)?;
        let root = *root;
        let read: HashSet<JobId> = self.jobs.iter().flat_map(|(_, spec)| spec.dependencies()).collect();
        if let Some((_, spec)) = self.jobs.iter().find(|(id, _)| *id != root && !read.contains(id)) {
            return Err(GraphError::Unused { label: spec.label.clone() });
        }
        Ok(Graph { label: label.into(), deadline_ms: u64::MAX, transactions: 0, root, jobs: self.jobs })
    }
}

/// Jobs with their dependencies, ending in one root. The root's name stands for the whole graph.
#[derive(Clone, Debug)]
pub struct Graph {
    label: String,
    deadline_ms: u64,
    transactions: u64,
    root: JobId,
    jobs: Vec<(JobId, JobSpec)>,
}

impl Graph {
    /// Sets when the result is wanted, in milliseconds since the Unix epoch. Of several graphs in a queue
    /// the one with the earliest deadline goes first, then the one submitted first.
    #[must_use]
    pub fn with_deadline_ms(mut self, deadline_ms: u64) -> Self {
        self.deadline_ms = deadline_ms;
        self
    }

    /// Says for how many transactions the graph is, for rates and costs.
    #[must_use]
    pub fn with_transactions(mut self, transactions: u64) -> Self {
        self.transactions = transactions;
        self
    }

    /// Transactions that it is for; zero if that was not said.
    pub fn transactions(&self) -> u64 {
        self.transactions
    }

    /// What people call the graph (the batch's name).
    pub fn label(&self) -> &str {
        &self.label
    }

    /// When the result is wanted, in milliseconds since the Unix epoch; `u64::MAX` for no deadline.
    pub fn deadline_ms(&self) -> u64 {
        self.deadline_ms
    }

    /// The job whose result is the graph's result.
    pub fn root(&self) -> JobId {
        self.root
    }

    /// The jobs, each after those it depends on.
    pub fn jobs(&self) -> &[(JobId, JobSpec)] {
        &self.jobs
    }

    /// Everything a worker must be able to do to finish this graph alone.
    pub fn abilities(&self) -> BTreeSet<Ability> {
        self.jobs.iter().map(|(_, job)| Ability { kind: job.kind, circuit: job.circuit }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Input;

    fn spec(kind: JobKind, payload: u8, inputs: Vec<Input>) -> JobSpec {
        JobSpec {
            kind,
            circuit: CircuitDigest([0; 32]),
            inputs,
            payload: vec![payload],
            memory_bytes: 0,
            priority: 0,
            label: format!("{kind} {payload}"),
        }
    }

    #[test]
    fn the_last_job_is_the_root_and_equal_jobs_are_one() {
        let mut graph = GraphBuilder::new();
        let a = graph.add(spec(JobKind::Chunk, 1, vec![])).unwrap();
        assert_eq!(graph.add(spec(JobKind::Chunk, 1, vec![])).unwrap(), a);
        let root = graph.add(spec(JobKind::Join, 0, vec![Input::Job(a), Input::Job(a)])).unwrap();
        let graph = graph.finish("batch").unwrap();
        assert_eq!((graph.root(), graph.jobs().len(), graph.abilities().len()), (root, 2, 2));
    }

    #[test]
    fn broken_graphs_are_refused() {
        assert_eq!(GraphBuilder::new().finish("").unwrap_err(), GraphError::Empty);

        let mut graph = GraphBuilder::new();
        let unknown = spec(JobKind::Join, 0, vec![Input::Job(JobId([9; 32]))]);
        assert!(matches!(graph.add(unknown), Err(GraphError::UnknownDependency { .. })));

        let mut graph = GraphBuilder::new();
        graph.add(spec(JobKind::Chunk, 1, vec![])).unwrap();
        graph.add(spec(JobKind::Chunk, 2, vec![])).unwrap();
        assert!(matches!(graph.finish(""), Err(GraphError::Unused { label }) if label == "chunk 1"));
    }
}
