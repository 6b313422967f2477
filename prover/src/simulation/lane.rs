//! One lane: a coordinator, its machines and its batches, event by event.

use std::collections::VecDeque;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::batch::{self, Job};
use super::board::{BatchState, Board, JobRef};
use super::events::{Events, Happening, Held, Moment, What};
use super::line::Line;
use super::machine::Machine;
use super::outcome::Tally;
use super::scenario::Scenario;
use super::SimulationError;

/// A job that is lost so often will never be done.
const ATTEMPTS_MAX: u32 = 100;

/// Plays one lane of a scenario to the end of its last batch.
pub(super) fn play(scenario: &Scenario, lane: u32, listener: &mut dyn FnMut(Moment)) -> Result<Tally, SimulationError> {
    let mut lane = Lane::new(scenario, lane, listener);
    while lane.tally.batches() < lane.batches {
        let (now, what) = lane.events.next().expect("something happens until all batches are done");
        lane.now = now;
        lane.happen(what)?;
    }
    Ok(lane.finish())
}

/// What the server does.
enum Serving {
    Claim(Held),
    Completion(Held),
}

struct Lane<'a> {
    scenario: &'a Scenario,
    lane: u32,
    listener: &'a mut dyn FnMut(Moment),
    now: f64,
    events: Events,
    /// The batches that this lane gets, and how many of them came.
    batches: u32,
    came: u32,
    template: Vec<Job>,
    board: Board,
    line: Line,
    machines: Vec<Machine>,
    /// For each machine, when it fails.
    fortunes: Vec<ChaCha8Rng>,
    serving: Option<Serving>,
    /// Checked results that wait for the server.
    completions: VecDeque<Held>,
    free_checkers: u32,
    unchecked: VecDeque<Held>,
    /// CPU seconds of jobs that are not done.
    cpu_seconds_left: f64,
    tally: Tally,
}

impl<'a> Lane<'a> {
    fn new(scenario: &'a Scenario, lane: u32, listener: &'a mut dyn FnMut(Moment)) -> Self {
        let lanes = scenario.coordinator.lanes;
        let share = |all: u32| (all + lanes - 1 - lane) / lanes;
        let fleet = &scenario.fleet;
        let mut this = Self {
            scenario,
            lane,
            listener,
            now: 0.0,
            events: Events::default(),
            batches: share(scenario.load.batches),
            came: 0,
            template: batch::jobs(scenario.chunks(), scenario.times.chunks_per_lift.into(), scenario.until),
            board: Board::default(),
            line: Line::new(scenario),
            machines: Vec::new(),
            fortunes: Vec::new(),
            serving: None,
            completions: VecDeque::new(),
            free_checkers: scenario.coordinator.cores,
            unchecked: VecDeque::new(),
            cpu_seconds_left: 0.0,
            tally: Tally::default(),
        };
        for machine in 0..share(fleet.machines) {
            let mut fortune = this.draws(Drawing::Machine(this.global(machine)));
            let slowdown = if fortune.gen_bool(fleet.stragglers) { fleet.slowdown } else { 1.0 };
            this.machines.push(Machine::new(fleet.cores, slowdown, fleet.jobs_at_once, fleet.memory_bytes));
            this.fortunes.push(fortune);
            this.foresee_crash(machine);
            this.stand_in_line(machine);
        }
        this.events.foresee(this.comes_at(0), What::Come);
        this
    }

    fn happen(&mut self, what: What) -> Result<(), SimulationError> {
        match what {
            What::Come => self.come(),
            What::Served => self.served()?,
            What::Begin(held) => self.begin(held),
            What::Work { machine, version } if self.machines[machine as usize].version == version => self.work(machine),
            What::Work { .. } => {}
            What::Arrive(held) => self.arrive(held),
            What::Checked(held) => self.checked(held),
            What::GoBack(job) => self.go_back(job),
            What::Crash { machine } => self.crash(machine),
            What::Return { machine } => self.restart(machine),
        }
        self.serve();
        Ok(())
    }

    // Batches

    fn come(&mut self) {
        let load = &self.scenario.load;
        self.watch_load();
        let batch = self.global(self.came);
        let mut draws = self.draws(Drawing::Batch(batch));
        let mut jobs = self.template.clone();
        for job in &mut jobs {
            let times = &self.scenario.times.of(job.kind).expect("the scenario was checked").cpu_seconds;
            job.cpu_seconds = times[draws.gen_range(0..times.len())];
            self.cpu_seconds_left += job.cpu_seconds;
        }
        let deadline = load.deadline_seconds.map(|seconds| self.comes_at(self.came) + seconds);
        self.board.add(batch, jobs, deadline.map_or(u64::MAX, |seconds| (seconds * 1e9) as u64));
        self.tell(Happening::Came { batch });
        self.came += 1;
        if self.came < self.batches {
            self.events.foresee(self.comes_at(self.came), What::Come);
        }
        self.note_ready();
    }

    /// When the `number`th batch of this lane comes.
    fn comes_at(&self, number: u32) -> f64 {
        f64::from(self.global(number)) * self.scenario.load.interval_seconds
    }

    /// Measures how much is left to do when half of the batches are here and before the last one: what the second half
    /// brought and was not done is what the lane falls behind by.
    fn watch_load(&mut self) {
        if self.scenario.load.interval_seconds == 0.0 || self.batches < 3 {
            return;
        }
        if self.came == self.batches / 2 {
            self.tally.backlog_at_half = self.cpu_seconds_left;
        }
        if self.came + 1 == self.batches {
            self.tally.backlog_at_end = self.cpu_seconds_left;
            self.tally.batches_watched = self.came - self.batches / 2;
        }
    }

    // The coordinator

    /// Lets the server take up the next thing: a completion, or else a claim that can be served.
    fn serve(&mut self) {
        if self.serving.is_some() {
            return;
        }
        let next = match self.completions.pop_front() {
            Some(held) => Some(Serving::Completion(held)),
            None => self.claim().map(Serving::Claim),
        };
        if next.is_some() {
            self.serving = next;
            let seconds = self.scenario.coordinator.service_seconds / 2.0;
            self.tally.served_seconds += seconds;
            self.events.foresee(self.now + seconds, What::Served);
        }
    }

    /// Gives the first machine in the line the first job for it.
    fn claim(&mut self) -> Option<Held> {
        let (number, kinds) = self.line.first(self.board.ready_kinds())?;
        let job = self.board.claim(kinds)?;
        let kind = self.board.job(job).kind;
        let machine = &mut self.machines[number as usize];
        machine.claim(job, self.scenario.times.of(kind).map_or(0, |times| times.memory_bytes));
        let held = Held { job, machine: number, boot: machine.boot };
        if let Some(place) = machine.place_in_line.take() {
            self.line.leave(place);
        }
        let attempt = self.board.job(job).attempts;
        let JobRef { batch, index } = job;
        let machine = self.global(number);
        self.tell(Happening::Claimed { batch, job: index, kind, machine, attempt });
        Some(held)
    }

    fn served(&mut self) -> Result<(), SimulationError> {
        match self.serving.take() {
            Some(Serving::Claim(held)) => {
                let job = self.board.job(held.job);
                if job.attempts > ATTEMPTS_MAX {
                    return Err(SimulationError::NeverDone { kind: job.kind, attempts: ATTEMPTS_MAX });
                }
                self.events.foresee(self.now + self.scenario.coordinator.overhead_seconds, What::Begin(held));
            }
            Some(Serving::Completion(held)) => self.complete(held),
            None => {}
        }
        Ok(())
    }

    /// A result is handed in: its machine asks for another job while it is checked.
    fn arrive(&mut self, held: Held) {
        let Held { job: JobRef { batch, index }, machine: number, boot } = held;
        let (kind, machine) = (self.board.job(held.job).kind, self.global(number));
        self.tell(Happening::HandedIn { batch, job: index, kind, machine });
        if self.machines[number as usize].boot == boot {
            self.machines[number as usize].release(held.job);
            self.stand_in_line(number);
        }
        self.unchecked.push_back(held);
        self.check_next();
    }

    fn checked(&mut self, held: Held) {
        self.free_checkers += 1;
        self.completions.push_back(held);
        self.check_next();
    }

    fn check_next(&mut self) {
        while self.free_checkers > 0 {
            let Some(held) = self.unchecked.pop_front() else { return };
            let kind = self.board.job(held.job).kind;
            let seconds = self.scenario.times.of(kind).map_or(0.0, |times| times.check_seconds);
            self.free_checkers -= 1;
            self.tally.checked_seconds += seconds;
            self.events.foresee(self.now + seconds, What::Checked(held));
        }
    }

    fn complete(&mut self, held: Held) {
        let JobRef { batch, index } = held.job;
        let job = self.board.job(held.job);
        let (kind, cpu_seconds, attempts) = (job.kind, job.cpu_seconds, job.attempts);
        self.tally.jobs += 1;
        self.tally.jobs_redone += u64::from(attempts > 1);
        self.tally.cpu_seconds += cpu_seconds;
        self.cpu_seconds_left -= cpu_seconds;
        let machine = self.global(held.machine);
        self.tell(Happening::Done { batch, job: index, kind, machine });
        if self.board.done(held.job) == BatchState::Done {
            let came_at = f64::from(batch) * self.scenario.load.interval_seconds;
            self.tally.batch_done(self.now, came_at);
            self.tell(Happening::BatchDone { batch });
        }
        self.note_ready();
    }

    fn go_back(&mut self, job: JobRef) {
        self.board.put_back(job);
        let kind = self.board.job(job).kind;
        self.tell(Happening::WentBack { batch: job.batch, job: job.index, kind });
        self.note_ready();
    }

    fn note_ready(&mut self) {
        self.tally.ready_max = self.tally.ready_max.max(self.board.ready());
    }

    // Machines

    /// Puts a machine with a free place into the line, or says what memory it has now if it is there.
    fn stand_in_line(&mut self, number: u32) {
        let machine = &mut self.machines[number as usize];
        machine.place_in_line = match machine.place_in_line {
            Some(place) => Some(self.line.change(place, machine.free_bytes)),
            None if machine.free_places > 0 && !machine.receiving => Some(self.line.join(number, machine.free_bytes)),
            None => None,
        };
    }

    fn begin(&mut self, held: Held) {
        let machine = &mut self.machines[held.machine as usize];
        if machine.boot != held.boot {
            return;
        }
        let job = self.board.job(held.job);
        let serial_fraction = self.scenario.times.of(job.kind).map_or(0.0, |times| times.serial_fraction);
        machine.begin(held.job, job.cpu_seconds, serial_fraction, self.now);
        self.work(held.machine);
        // Behind all that asked meanwhile.
        self.stand_in_line(held.machine);
    }

    /// Sends back what a machine has done, and foresees when the next part of a job ends.
    fn work(&mut self, number: u32) {
        let machine = &mut self.machines[number as usize];
        let done = machine.work(self.now);
        let (boot, version, next_end) = (machine.boot, machine.version, machine.next_end());
        let back = self.now + self.scenario.coordinator.overhead_seconds;
        for job in done {
            self.events.foresee(back, What::Arrive(Held { job, machine: number, boot }));
        }
        if let Some(at) = next_end {
            self.events.foresee(at, What::Work { machine: number, version });
        }
    }

    fn foresee_crash(&mut self, number: u32) {
        if let Some(failures) = self.scenario.fleet.failures {
            // The time to the next of events that come at any time with the same chance.
            let chance: f64 = self.fortunes[number as usize].gen();
            let up_seconds = -failures.mean_up_seconds * (1.0 - chance).ln();
            self.events.foresee(self.now + up_seconds, What::Crash { machine: number });
        }
    }

    fn crash(&mut self, number: u32) {
        let machine = &mut self.machines[number as usize];
        if let Some(place) = machine.place_in_line.take() {
            self.line.leave(place);
        }
        let lost = machine.crash(self.now);
        self.tally.crashes += 1;
        let machine = self.global(number);
        for lost in lost {
            let JobRef { batch, index } = lost.job;
            let kind = self.board.job(lost.job).kind;
            self.tally.attempts_lost += 1;
            self.tally.cpu_seconds_lost += lost.cpu_seconds;
            self.tell(Happening::Lost { batch, job: index, kind, machine });
            self.events.foresee(self.now + self.scenario.coordinator.lease_seconds, What::GoBack(lost.job));
        }
        self.tell(Happening::Crashed { machine });
        let restart_seconds = self.scenario.fleet.failures.map_or(0.0, |failures| failures.restart_seconds);
        self.events.foresee(self.now + restart_seconds, What::Return { machine: number });
    }

    fn restart(&mut self, number: u32) {
        let fleet = &self.scenario.fleet;
        self.machines[number as usize].restart(fleet.jobs_at_once, fleet.memory_bytes);
        self.foresee_crash(number);
        self.stand_in_line(number);
        let machine = self.global(number);
        self.tell(Happening::Returned { machine });
    }

    // All

    /// The number over all lanes of this lane's `number`th batch or machine.
    fn global(&self, number: u32) -> u32 {
        number * self.scenario.coordinator.lanes + self.lane
    }

    /// Draws of a batch or machine, the same whatever else there is.
    fn draws(&self, drawing: Drawing) -> ChaCha8Rng {
        let mut draws = ChaCha8Rng::seed_from_u64(self.scenario.seed);
        draws.set_stream(match drawing {
            Drawing::Batch(number) => u64::from(number),
            Drawing::Machine(number) => 1 << 32 | u64::from(number),
        });
        draws
    }

    fn tell(&mut self, what: Happening) {
        (self.listener)(Moment { seconds: self.now, what });
    }

    fn finish(mut self) -> Tally {
        self.tally.seconds = self.now;
        self.tally.busy_core_seconds = self.machines.iter().map(Machine::busy_core_seconds).sum();
        self.tally
    }
}

/// Whose draws.
enum Drawing {
    Batch(u32),
    Machine(u32),
}
