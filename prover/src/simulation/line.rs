//! Machines with a free place, in the order in which they asked for a job.

use std::collections::BTreeSet;

use super::board::Kinds;
use super::scenario::Scenario;
use crate::job::JobKind;

/// Machines are grouped by the kinds of jobs that they have memory for, so that the first one that can have any of the
/// ready jobs is found without looking at all. As a kind takes what it takes, there are few groups.
pub(super) struct Line {
    /// The kinds, by the memory that they take.
    kinds: Vec<(u64, JobKind)>,
    /// For each number of kinds that fit: which these are, and the machines.
    groups: Vec<(Kinds, BTreeSet<Place>)>,
    next_ticket: u64,
}

/// A place in the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    ticket: u64,
    machine: u32,
    group: usize,
}

impl Line {
    pub fn new(scenario: &Scenario) -> Self {
        let kinds = scenario.until.kinds().iter();
        let mut kinds: Vec<_> =
            kinds.map(|kind| (scenario.times.of(*kind).map_or(0, |times| times.memory_bytes), *kind)).collect();
        kinds.sort_unstable();
        let mut fitting = Kinds::default();
        let mut groups = vec![(fitting, BTreeSet::new())];
        for (_, kind) in &kinds {
            fitting = fitting.with(*kind);
            groups.push((fitting, BTreeSet::new()));
        }
        Self { kinds, groups, next_ticket: 0 }
    }

    /// Puts a machine at the end.
    pub fn join(&mut self, machine: u32, free_bytes: u64) -> Place {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.place(Place { ticket, machine, group: self.group(free_bytes) })
    }

    /// Leaves a machine where it is, with other memory.
    pub fn change(&mut self, place: Place, free_bytes: u64) -> Place {
        self.leave(place);
        self.place(Place { group: self.group(free_bytes), ..place })
    }

    /// Takes a machine out.
    pub fn leave(&mut self, place: Place) {
        self.groups[place.group].1.remove(&place);
    }

    /// The first machine that has memory for any of these kinds, with all the kinds it has memory for.
    pub fn first(&self, ready: Kinds) -> Option<(u32, Kinds)> {
        let groups = self.groups.iter().filter(|(fitting, _)| !fitting.and(ready).is_empty());
        let firsts = groups.filter_map(|(fitting, machines)| Some((*machines.first()?, *fitting)));
        firsts.min_by_key(|(place, _)| *place).map(|(place, fitting)| (place.machine, fitting))
    }

    fn place(&mut self, place: Place) -> Place {
        self.groups[place.group].1.insert(place);
        place
    }

    fn group(&self, free_bytes: u64) -> usize {
        self.kinds.partition_point(|(needs_bytes, _)| *needs_bytes <= free_bytes)
    }
}
