//! Which job is next: the queue's rule.
//!
//! Of all ready jobs that a machine has memory for: those of the graph with the earliest deadline; of graphs with equal
//! deadlines, of that with the fewest jobs in hand, then of that submitted first; in a graph those with the lowest
//! priority number, then the first in its order.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};

use super::batch::{Job, NO_READER};
use crate::job::JobKind;

/// Every kind of job has a place in arrays.
const KINDS: usize = JobKind::ALL.len();

/// A job: its batch, and its place in that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct JobRef {
    pub batch: u32,
    pub index: u32,
}

/// Kinds of jobs, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kinds(u8);

impl Kinds {
    pub fn with(self, kind: JobKind) -> Self {
        Self(self.0 | 1 << kind as u8)
    }

    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    fn iter(self) -> impl Iterator<Item = JobKind> {
        JobKind::ALL.into_iter().filter(move |kind| self.0 & 1 << *kind as u8 != 0)
    }
}

/// A graph's place among those with ready jobs, the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    deadline_ns: u64,
    in_hand: u32,
    batch: u32,
}

struct Graph {
    place: Place,
    jobs: Vec<Job>,
    /// Ready jobs of each kind, in the order of the graph.
    ready: [BinaryHeap<Reverse<u32>>; KINDS],
    not_done: u32,
}

/// What became of a batch when a job was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BatchState {
    Going,
    Done,
}

/// The batches that are not done.
#[derive(Default)]
pub(super) struct Board {
    graphs: HashMap<u32, Graph>,
    /// For each kind the graphs that have ready jobs of it.
    order: [BTreeSet<Place>; KINDS],
    ready: usize,
}

impl Board {
    /// Adds a batch that came. `deadline_ns` is `u64::MAX` for none.
    pub fn add(&mut self, batch: u32, jobs: Vec<Job>, deadline_ns: u64) {
        let place = Place { deadline_ns, in_hand: 0, batch };
        let not_done = jobs.len() as u32;
        let first: Vec<u32> = (0..not_done).filter(|index| jobs[*index as usize].missing == 0).collect();
        self.graphs.insert(batch, Graph { place, jobs, ready: Default::default(), not_done });
        for index in first {
            self.make_ready(JobRef { batch, index });
        }
    }

    /// Jobs that are ready.
    pub fn ready(&self) -> usize {
        self.ready
    }

    /// Kinds of which there are ready jobs.
    pub fn ready_kinds(&self) -> Kinds {
        let has_ready = |kind: &JobKind| !self.order[*kind as usize].is_empty();
        JobKind::ALL.into_iter().filter(has_ready).fold(Kinds::default(), Kinds::with)
    }

    pub fn job(&self, job: JobRef) -> &Job {
        &self.graphs[&job.batch].jobs[job.index as usize]
    }

    /// Gives out the first ready job of these kinds.
    pub fn claim(&mut self, kinds: Kinds) -> Option<JobRef> {
        let places = kinds.iter().filter_map(|kind| self.order[kind as usize].first());
        let batch = places.min()?.batch;
        let graph = self.graph(batch);
        let firsts = kinds.iter().filter_map(|kind| {
            let Reverse(index) = graph.ready[kind as usize].peek()?;
            Some((kind.priority(), *index, kind))
        });
        let (_, index, kind) = firsts.min()?;
        graph.ready[kind as usize].pop();
        graph.jobs[index as usize].attempts += 1;
        let (before, emptied) = (graph.place, graph.ready[kind as usize].is_empty());
        self.ready -= 1;
        if emptied {
            self.order[kind as usize].remove(&before);
        }
        self.take_in_hand(batch, |in_hand| in_hand + 1);
        Some(JobRef { batch, index })
    }

    /// Takes back a job that was lost.
    pub fn put_back(&mut self, job: JobRef) {
        self.take_in_hand(job.batch, |in_hand| in_hand - 1);
        self.make_ready(job);
    }

    /// Takes note that a job in hand is done. Forgets the batch with its last job.
    pub fn done(&mut self, job: JobRef) -> BatchState {
        self.take_in_hand(job.batch, |in_hand| in_hand - 1);
        let graph = self.graph(job.batch);
        graph.not_done -= 1;
        if graph.not_done == 0 {
            self.graphs.remove(&job.batch);
            return BatchState::Done;
        }
        let reader = graph.jobs[job.index as usize].reader;
        // Only a batch's last job has no reader.
        debug_assert_ne!(reader, NO_READER);
        let waiting = &mut graph.jobs[reader as usize];
        waiting.missing -= 1;
        if waiting.missing == 0 {
            self.make_ready(JobRef { batch: job.batch, index: reader });
        }
        BatchState::Going
    }

    fn graph(&mut self, batch: u32) -> &mut Graph {
        self.graphs.get_mut(&batch).expect("jobs in hand are of batches that are not done")
    }

    fn make_ready(&mut self, job: JobRef) {
        let graph = self.graph(job.batch);
        let kind = graph.jobs[job.index as usize].kind as usize;
        graph.ready[kind].push(Reverse(job.index));
        let place = graph.place;
        self.order[kind].insert(place);
        self.ready += 1;
    }

    /// Changes how many jobs of a graph are in hand, and so its place.
    fn take_in_hand(&mut self, batch: u32, change: impl Fn(u32) -> u32) {
        let graph = self.graphs.get_mut(&batch).expect("jobs in hand are of batches that are not done");
        let before = graph.place;
        graph.place.in_hand = change(before.in_hand);
        for (order, ready) in self.order.iter_mut().zip(&graph.ready) {
            if !ready.is_empty() {
                order.remove(&before);
                order.insert(graph.place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::{batch, Until};

    const NONE: u64 = u64::MAX;

    fn all() -> Kinds {
        JobKind::ALL.into_iter().fold(Kinds::default(), Kinds::with)
    }

    /// A board with batches of so many chunks, with these deadlines.
    fn board(batches: &[(u64, u64)]) -> Board {
        let mut board = Board::default();
        for (number, (chunks, deadline_ns)) in batches.iter().enumerate() {
            board.add(number as u32, batch::jobs(*chunks, 1, Until::Join), *deadline_ns);
        }
        board
    }

    fn claim(board: &mut Board) -> (u32, u32) {
        let job = board.claim(all()).unwrap();
        (job.batch, job.index)
    }

    #[test]
    fn the_earliest_deadline_goes_first_whatever_is_in_hand() {
        let mut board = board(&[(2, 30), (2, 10), (2, 20)]);
        let claimed: Vec<_> = (0..6).map(|_| claim(&mut board)).collect();
        assert_eq!(claimed, [(1, 0), (1, 1), (2, 0), (2, 1), (0, 0), (0, 1)]);
        assert!(board.claim(all()).is_none() && board.ready() == 0);
    }

    #[test]
    fn of_equal_deadlines_the_fewest_in_hand_go_first_then_the_order_of_submission() {
        let mut board = board(&[(4, NONE), (2, NONE), (3, NONE)]);
        let claimed: Vec<_> = (0..5).map(|_| claim(&mut board)).collect();
        assert_eq!(claimed, [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1)]);
        // Batch 2 has one in hand, 0 and 1 have two; then a job of 0 is done, and one of it is lost.
        board.done(JobRef { batch: 0, index: 0 });
        board.put_back(JobRef { batch: 0, index: 1 });
        // Its lift goes before its chunks, and the chunk that was lost before those after it.
        let claimed: Vec<_> = (0..4).map(|_| claim(&mut board)).collect();
        assert_eq!(claimed, [(0, 4), (0, 1), (2, 1), (0, 2)]);
        assert_eq!(board.job(JobRef { batch: 0, index: 1 }).attempts, 2);
    }

    #[test]
    fn in_a_batch_joins_go_before_lifts_before_chunks() {
        let mut board = board(&[(4, NONE)]);
        // Chunks 0 to 3, lifts 4 to 7, joins 8 to 10.
        for indices in [&[0, 1, 2][..], &[4, 5]] {
            for &index in indices {
                assert_eq!(claim(&mut board), (0, index));
            }
            for &index in indices {
                board.done(JobRef { batch: 0, index });
            }
        }
        let claimed: Vec<_> = (0..3).map(|_| claim(&mut board)).collect();
        assert_eq!(claimed, [(0, 8), (0, 6), (0, 3)]);
    }

    #[test]
    fn jobs_of_other_kinds_are_passed_over() {
        let mut board = board(&[(2, 10), (2, 20)]);
        assert_eq!(claim(&mut board), (0, 0));
        assert_eq!(board.done(JobRef { batch: 0, index: 0 }), BatchState::Going);
        let lifts = Kinds::default().with(JobKind::Lift);
        let chunks = Kinds::default().with(JobKind::Chunk);
        assert_eq!(board.ready_kinds(), lifts.with(JobKind::Chunk));
        assert_eq!(board.claim(chunks), Some(JobRef { batch: 0, index: 1 }));
        assert_eq!(board.claim(chunks), Some(JobRef { batch: 1, index: 0 }));
        assert_eq!(board.claim(lifts), Some(JobRef { batch: 0, index: 2 }));
        assert_eq!(board.claim(lifts), None);
        assert!(board.ready_kinds().and(lifts).is_empty());
    }

    #[test]
    fn a_batch_is_done_with_its_last_job() {
        let mut board = board(&[(3, NONE)]);
        let mut states = Vec::new();
        while let Some(job) = board.claim(all()) {
            states.push(board.done(job));
        }
        assert_eq!(states.len(), 8);
        assert_eq!(states.iter().filter(|state| **state == BatchState::Done).count(), 1);
        assert_eq!(states.last(), Some(&BatchState::Done));
    }
}
