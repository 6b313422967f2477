//! One machine: how its cores are shared, and when a job on it ends.
//!
//! A job of C CPU seconds with the serial fraction s is s·C core-seconds that one core works off, then (1-s)·C that
//! any number of cores do. n working jobs share c cores: each has c/n of them, but a serial one has no use for more
//! than one, and what it leaves goes to the others in equal parts. So a job alone takes C·(s + (1-s)/c) seconds, which
//! is Amdahl's law, and the cores idle only while there are fewer serial jobs than cores and no other.

use super::board::JobRef;
use super::line::Place;

/// What is left of a part that would take less than this is done: it is rounding. A nanosecond.
const NOTHING_SECONDS: f64 = 1e-9;

/// A machine.
pub(super) struct Machine {
    cores: f64,
    slowdown: f64,
    pub free_places: u32,
    pub free_bytes: u64,
    tasks: Vec<Task>,
    /// When `tasks` were last brought up to date.
    updated: f64,
    busy_core_seconds: f64,
    /// Counts changes of what works: an end that was foreseen before the last one is void.
    pub version: u32,
    /// Counts crashes: what was on its way to the machine before the last one does not arrive.
    pub boot: u32,
    pub place_in_line: Option<Place>,
    /// It was given a job that is on its way, and asks for another one when it has it.
    pub receiving: bool,
}

/// A job that the machine has claimed.
struct Task {
    job: JobRef,
    memory_bytes: u64,
    state: State,
    done: f64,
}

/// What a machine does about a job. Core-seconds are those of a machine that is not slow.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// It is on its way here.
    Claimed,
    /// One core works, and this is left; then comes the parallel part.
    Serial { left: f64, parallel: f64 },
    /// All cores may work.
    Parallel { left: f64 },
    /// The result is on its way.
    Done,
}

/// A job that a crash took, with the CPU seconds spent on it.
pub(super) struct LostJob {
    pub job: JobRef,
    pub cpu_seconds: f64,
}

impl Machine {
    pub fn new(cores: u32, slowdown: f64, places: u32, bytes: u64) -> Self {
        Self {
            cores: cores.into(),
            slowdown,
            free_places: places,
            free_bytes: bytes,
            tasks: Vec::new(),
            updated: 0.0,
            busy_core_seconds: 0.0,
            version: 0,
            boot: 0,
            place_in_line: None,
            receiving: false,
        }
    }

    /// Core-seconds worked so far, on whatever.
    pub fn busy_core_seconds(&self) -> f64 {
        self.busy_core_seconds
    }

    /// Takes a place for a job.
    pub fn claim(&mut self, job: JobRef, memory_bytes: u64) {
        self.free_places -= 1;
        self.free_bytes -= memory_bytes;
        self.tasks.push(Task { job, memory_bytes, state: State::Claimed, done: 0.0 });
        self.receiving = true;
    }

    /// Begins a job that was claimed. [`Self::work`] has to follow.
    pub fn begin(&mut self, job: JobRef, cpu_seconds: f64, serial_fraction: f64, now: f64) {
        self.update(now);
        self.receiving = false;
        let left = cpu_seconds * serial_fraction;
        let parallel = cpu_seconds - left;
        if let Some(task) = self.tasks.iter_mut().find(|task| task.job == job) {
            task.state = State::Serial { left, parallel };
        }
    }

    /// When the next part of a job ends, if nothing changes before.
    pub fn next_end(&self) -> Option<f64> {
        let speeds = self.speeds();
        let seconds = self.tasks.iter().filter_map(|task| Some(task.left()? / speeds.of(task.state)));
        seconds.min_by(f64::total_cmp).map(|seconds| self.updated + seconds)
    }

    /// Works until now, and gives the jobs that are done. They keep their places until [`Self::release`].
    pub fn work(&mut self, now: f64) -> Vec<JobRef> {
        self.update(now);
        self.advance_parts()
    }

    /// Frees the place of a job whose result was handed in.
    pub fn release(&mut self, job: JobRef) {
        if let Some(position) = self.tasks.iter().position(|task| task.job == job) {
            let task = self.tasks.swap_remove(position);
            self.free_places += 1;
            self.free_bytes += task.memory_bytes;
        }
    }

    /// Loses everything but results that are on their way. No place is free until [`Self::restart`].
    pub fn crash(&mut self, now: f64) -> Vec<LostJob> {
        self.update(now);
        self.boot += 1;
        self.version += 1;
        self.free_places = 0;
        self.receiving = false;
        let lost = self.tasks.drain(..).filter(|task| task.state != State::Done);
        lost.map(|task| LostJob { job: task.job, cpu_seconds: task.done }).collect()
    }

    /// Comes back with nothing to do.
    pub fn restart(&mut self, places: u32, bytes: u64) {
        self.free_places = places;
        self.free_bytes = bytes;
    }

    /// Brings what is left of each job up to date.
    fn update(&mut self, now: f64) {
        let seconds = now - self.updated;
        self.updated = now;
        if seconds <= 0.0 {
            return;
        }
        let speeds = self.speeds();
        for task in &mut self.tasks {
            let work = speeds.of(task.state) * seconds;
            if let State::Serial { left, .. } | State::Parallel { left } = &mut task.state {
                *left -= work;
                task.done += work;
                self.busy_core_seconds += work * self.slowdown;
            }
        }
    }

    /// Moves jobs whose part is over to their next part, and gives those that are done.
    fn advance_parts(&mut self) -> Vec<JobRef> {
        let speeds = self.speeds();
        let mut done = Vec::new();
        for task in &mut self.tasks {
            let over = |left: f64| left <= NOTHING_SECONDS * speeds.of(task.state);
            task.state = match task.state {
                State::Serial { left, parallel } if over(left) && parallel > 0.0 => State::Parallel { left: parallel },
                State::Serial { left, .. } | State::Parallel { left } if over(left) => {
                    done.push(task.job);
                    State::Done
                }
                state => state,
            };
        }
        self.version += 1;
        done
    }

    /// Core-seconds a second that jobs get now, in either part.
    fn speeds(&self) -> Speeds {
        let count = |which: fn(&State) -> bool| self.tasks.iter().filter(|task| which(&task.state)).count() as f64;
        let serial = count(|state| matches!(state, State::Serial { .. }));
        let parallel = count(|state| matches!(state, State::Parallel { .. }));
        let share = self.cores / (serial + parallel);
        let cores = match share > 1.0 {
            true => Speeds { serial: 1.0, parallel: (self.cores - serial) / parallel },
            false => Speeds { serial: share, parallel: share },
        };
        Speeds { serial: cores.serial / self.slowdown, parallel: cores.parallel / self.slowdown }
    }
}

impl Task {
    fn left(&self) -> Option<f64> {
        match self.state {
            State::Serial { left, .. } | State::Parallel { left } => Some(left),
            State::Claimed | State::Done => None,
        }
    }
}

/// Core-seconds a second of a job in its serial and in its parallel part.
struct Speeds {
    serial: f64,
    parallel: f64,
}

impl Speeds {
    fn of(&self, state: State) -> f64 {
        match state {
            State::Serial { .. } => self.serial,
            State::Parallel { .. } => self.parallel,
            State::Claimed | State::Done => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(index: u32) -> JobRef {
        JobRef { batch: 0, index }
    }

    /// A machine with four places.
    fn machine(cores: u32, slowdown: f64) -> Machine {
        Machine::new(cores, slowdown, 4, 100)
    }

    /// Begins a job of 8 CPU seconds, half of it serial.
    fn begin(machine: &mut Machine, index: u32, now: f64) {
        machine.claim(job(index), 10);
        machine.begin(job(index), 8.0, 0.5, now);
        assert_eq!(machine.work(now), []);
    }

    /// Works until all is done; gives when each job was.
    fn ends(machine: &mut Machine) -> Vec<(u32, f64)> {
        let mut ends = Vec::new();
        while let Some(now) = machine.next_end() {
            ends.extend(machine.work(now).into_iter().map(|job| (job.index, (now * 1e6).round() / 1e6)));
        }
        ends
    }

    #[test]
    fn alone_a_job_takes_what_amdahl_says() {
        for (cores, seconds) in [(1, 8.0), (2, 6.0), (4, 5.0), (16, 4.25)] {
            let mut machine = machine(cores, 1.0);
            begin(&mut machine, 0, 0.0);
            assert_eq!(ends(&mut machine), [(0, seconds)]);
            assert!((machine.busy_core_seconds() - 8.0).abs() < 1e-6);
        }
    }

    #[test]
    fn jobs_fill_each_others_gaps() {
        // Serial to 4 and 6. From 4 the first has the three cores that the second leaves, from 6 that has all.
        let mut four = machine(4, 1.0);
        begin(&mut four, 0, 0.0);
        begin(&mut four, 1, 2.0);
        assert_eq!(ends(&mut four), [(0, 5.333_333), (1, 7.0)]);
        // Together: serial to 4, then two cores each.
        let mut four = machine(4, 1.0);
        begin(&mut four, 0, 0.0);
        begin(&mut four, 1, 0.0);
        assert_eq!(ends(&mut four), [(0, 6.0), (1, 6.0)]);
        // Three on two cores: never idle, so 24 core-seconds are 12 seconds.
        let mut two = machine(2, 1.0);
        (0..3).for_each(|index| begin(&mut two, index, 0.0));
        assert_eq!(ends(&mut two), [(0, 12.0), (1, 12.0), (2, 12.0)]);
    }

    #[test]
    fn a_slow_machine_takes_longer_for_everything() {
        let mut machine = machine(4, 3.0);
        begin(&mut machine, 0, 1.0);
        assert_eq!(ends(&mut machine), [(0, 16.0)]);
        assert!((machine.busy_core_seconds() - 24.0).abs() < 1e-6);
    }

    #[test]
    fn a_crash_loses_what_is_not_done_with_what_was_spent_on_it() {
        let mut machine = machine(4, 1.0);
        begin(&mut machine, 0, 0.0);
        begin(&mut machine, 1, 4.0);
        machine.claim(job(2), 10);
        assert_eq!((machine.free_places, machine.free_bytes), (1, 70));
        // The first is parallel from 4 on, on three cores, and done at 5 1/3.
        let done = machine.next_end().unwrap();
        assert_eq!(machine.work(done), [job(0)]);
        let lost = machine.crash(6.0);
        let lost: Vec<_> = lost.iter().map(|lost| (lost.job.index, lost.cpu_seconds.round())).collect();
        assert_eq!(lost, [(1, 2.0), (2, 0.0)]);
        assert_eq!((machine.free_places, machine.next_end()), (0, None));
        machine.restart(4, 100);
        begin(&mut machine, 1, 20.0);
        assert_eq!(ends(&mut machine), [(1, 25.0)]);
    }
}
