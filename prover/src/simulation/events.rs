//! What will happen, in the order of time, and what is told of it.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::board::JobRef;
use crate::job::JobKind;

/// Something that happened, for tests and curious people.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// When, in seconds from the beginning.
    pub seconds: f64,
    /// What.
    pub what: Happening,
}

/// What can happen. Batches and machines are numbered over all lanes, jobs in the order of their batch's graph.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Happening {
    /// A batch came.
    Came { batch: u32 },
    /// A machine was given a job.
    Claimed { batch: u32, job: u32, kind: JobKind, machine: u32, attempt: u32 },
    /// A job's result is with the coordinator, to be checked.
    HandedIn { batch: u32, job: u32, kind: JobKind, machine: u32 },
    /// A job's result was accepted.
    Done { batch: u32, job: u32, kind: JobKind, machine: u32 },
    /// A job was lost with its machine.
    Lost { batch: u32, job: u32, kind: JobKind, machine: u32 },
    /// A lost job went back.
    WentBack { batch: u32, job: u32, kind: JobKind },
    /// The last job of a batch was done.
    BatchDone { batch: u32 },
    /// A machine crashed, after what was lost with it was told.
    Crashed { machine: u32 },
    /// A machine came back.
    Returned { machine: u32 },
}

/// What will happen in a lane.
pub(super) enum What {
    /// The next batch comes.
    Come,
    /// The server is done with what it does.
    Served,
    /// A job arrives at the machine that claimed it.
    Begin(Held),
    /// A part of a job ends, if the machine's jobs are still those of this version.
    Work { machine: u32, version: u32 },
    /// A result arrives at the coordinator.
    Arrive(Held),
    /// A result is found right.
    Checked(Held),
    /// The lease of a lost job is over.
    GoBack(JobRef),
    /// A machine crashes.
    Crash { machine: u32 },
    /// A machine comes back.
    Return { machine: u32 },
}

/// A job in the hands of a machine, since its latest crash.
#[derive(Clone, Copy)]
pub(super) struct Held {
    pub job: JobRef,
    pub machine: u32,
    pub boot: u32,
}

/// What is foreseen.
#[derive(Default)]
pub(super) struct Events {
    heap: BinaryHeap<Reverse<Event>>,
    foreseen: u64,
}

impl Events {
    /// Foresees that something happens at a time. What is foreseen for one time happens in the order in which it was.
    pub fn foresee(&mut self, at: f64, what: What) {
        let number = self.foreseen;
        self.foreseen += 1;
        self.heap.push(Reverse(Event { at, number, what }));
    }

    /// What happens next, and when.
    pub fn next(&mut self) -> Option<(f64, What)> {
        self.heap.pop().map(|Reverse(event)| (event.at, event.what))
    }
}

struct Event {
    at: f64,
    number: u64,
    what: What,
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Event {}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Event {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.total_cmp(&other.at).then(self.number.cmp(&other.number))
    }
}
