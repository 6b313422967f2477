//! When the jobs of a graph would run: as the queue gives them out, some at once, on cores that they share.
//!
//! A job is partly the work of one thread and partly of as many as there are, so alone it has a pace that more cores
//! raise less and less (Amdahl's law). Jobs that run at once each keep that pace while there are cores for all of them,
//! and else slow down in equal parts.

use super::Work;

/// A job, as far as this goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// What it takes.
    pub work: Work,
    /// Memory that it takes while it runs, besides circuits.
    pub memory_bytes: u64,
    /// Memory that is set aside for it: how many run at once depends on that.
    pub reserved_bytes: u64,
    /// Its place among those that are ready: the least goes first, and of equal ones the first of the graph.
    pub priority: u32,
    /// The tasks before it that it waits for.
    pub after: Vec<usize>,
}

/// How it went.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schedule {
    /// From the first job's begin to the last one's end.
    pub seconds: f64,
    /// The same of each task.
    pub task_seconds: Vec<f64>,
    /// The most memory that jobs took at once.
    pub peak_bytes: u64,
    /// The most jobs at once.
    pub jobs: usize,
}

/// A task that runs.
struct Running {
    task: usize,
    cpu_seconds_left: f64,
}

impl Schedule {
    /// Runs `tasks`, at most `jobs` at once and with what is set aside for them within `memory_bytes`, on `cores`.
    pub fn of(tasks: &[Task], jobs: usize, memory_bytes: u64, cores: f64) -> Self {
        let mut schedule = Self { task_seconds: vec![0.0; tasks.len()], ..Self::default() };
        let mut waiting: Vec<usize> = (0..tasks.len()).collect();
        let mut done = vec![false; tasks.len()];
        let mut running: Vec<Running> = Vec::new();
        loop {
            while let Some(task) = next(tasks, &waiting, &running, &done, jobs, memory_bytes) {
                waiting.retain(|&other| other != task);
                running.push(Running { task, cpu_seconds_left: tasks[task].work.cpu_seconds });
            }
            if running.is_empty() {
                return schedule;
            }
            let in_use = running.iter().map(|running| tasks[running.task].memory_bytes).sum();
            schedule.peak_bytes = schedule.peak_bytes.max(in_use);
            schedule.jobs = schedule.jobs.max(running.len());

            // Until the first of them ends.
            let paces = paces(tasks, &running, cores);
            let ends = running.iter().zip(&paces).map(|(running, pace)| running.cpu_seconds_left / pace);
            let seconds = ends.fold(f64::INFINITY, f64::min);
            schedule.seconds += seconds;
            for (running, pace) in running.iter_mut().zip(paces) {
                running.cpu_seconds_left -= pace * seconds;
                schedule.task_seconds[running.task] += seconds;
            }
            running.retain(|running| {
                done[running.task] = running.cpu_seconds_left <= f64::EPSILON * tasks[running.task].work.cpu_seconds;
                !done[running.task]
            });
        }
    }
}

/// The task that is begun next, if one is: as `Board::first_for` of the queue picks it.
fn next(
    tasks: &[Task],
    waiting: &[usize],
    running: &[Running],
    done: &[bool],
    jobs: usize,
    memory_bytes: u64,
) -> Option<usize> {
    if running.len() >= jobs.max(1) {
        return None;
    }
    let in_use: u64 = running.iter().map(|running| tasks[running.task].reserved_bytes).sum();
    let ready = waiting.iter().copied().filter(|&task| tasks[task].after.iter().all(|&before| done[before]));
    // A job that is too large for this machine is refused; here it runs alone, since what it takes is asked for.
    let fits = |&task: &usize| running.is_empty() || in_use + tasks[task].reserved_bytes <= memory_bytes;
    ready.filter(fits).min_by_key(|&task| (tasks[task].priority, task))
}

/// CPU seconds a second of each running task.
fn paces(tasks: &[Task], running: &[Running], cores: f64) -> Vec<f64> {
    let alone: Vec<f64> = running.iter().map(|running| tasks[running.task].work.pace(cores)).collect();
    let share = (cores / alone.iter().sum::<f64>()).min(1.0);
    alone.into_iter().map(|pace| pace * share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(cpu_seconds: f64, serial: f64, after: &[usize]) -> Task {
        let work = Work { cpu_seconds, serial };
        Task { work, memory_bytes: 10, reserved_bytes: 20, priority: 0, after: after.to_vec() }
    }

    fn seconds(tasks: &[Task], jobs: usize, cores: f64) -> f64 {
        Schedule::of(tasks, jobs, 1000, cores).seconds
    }

    fn close(got: f64, expected: f64) {
        assert!((got - expected).abs() < 1e-9, "{got}, expected {expected}");
    }

    #[test]
    fn one_after_another_or_at_once() {
        let two = [task(8.0, 0.0, &[]), task(4.0, 0.0, &[])];
        // What is parallel throughout takes all cores either way.
        close(seconds(&two, 1, 4.0), 3.0);
        close(seconds(&two, 2, 4.0), 3.0);
        // What is serial throughout takes one each.
        let two = [task(8.0, 1.0, &[]), task(4.0, 1.0, &[])];
        close(seconds(&two, 1, 4.0), 12.0);
        close(seconds(&two, 2, 4.0), 8.0);
        // A half serial: 4 + 1 s and 2 + 0.5 s alone; at once there are cores for both.
        let two = [task(8.0, 0.5, &[]), task(4.0, 0.5, &[])];
        close(seconds(&two, 1, 4.0), 7.5);
        close(seconds(&two, 2, 4.0), 5.0);
        // On less than a core nothing helps.
        close(seconds(&two, 2, 0.5), 24.0);
    }

    #[test]
    fn nothing_begins_before_what_it_waits_for() {
        let tasks = [task(2.0, 1.0, &[]), task(3.0, 1.0, &[]), task(1.0, 1.0, &[0]), task(1.0, 1.0, &[1, 2])];
        let schedule = Schedule::of(&tasks, 2, 1000, 2.0);
        close(schedule.seconds, 4.0);
        assert_eq!(schedule.task_seconds, [2.0, 3.0, 1.0, 1.0]);
        assert_eq!((schedule.jobs, schedule.peak_bytes), (2, 20));
    }

    #[test]
    fn memory_that_is_set_aside_limits_jobs() {
        let tasks = vec![task(1.0, 1.0, &[]); 6];
        let at_once = |memory_bytes| Schedule::of(&tasks, 4, memory_bytes, 8.0).jobs;
        assert_eq!([1000, 79, 40, 39, 0].map(at_once), [4, 3, 2, 1, 1]);
    }

    #[test]
    fn the_least_priority_goes_first() {
        let mut tasks = vec![task(1.0, 1.0, &[]), task(1.0, 1.0, &[]), task(5.0, 1.0, &[0])];
        tasks[1].priority = 1;
        // The long one that waits for task 0 begins before task 1 does.
        close(seconds(&tasks, 1, 2.0), 7.0);
        close(seconds(&tasks, 2, 2.0), 6.0);
        assert_eq!(Schedule::of(&[], 2, 0, 2.0), Schedule::default());
    }
}
