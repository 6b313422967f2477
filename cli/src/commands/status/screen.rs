//! One screen of a queue: batches with bars, what runs where, what was set aside, how fast it gets on.

use std::collections::{BTreeMap, BTreeSet};

use console::truncate_str;
use sheaf_prover::job::JobKind;
use sheaf_prover::queue::{GraphStatus, JobState, JobStatus, Status};

use super::rate::PerSecond;
use crate::numbers::{Count, Counted};

const BAR_CELLS: usize = 32;
/// Running jobs, and jobs set aside, that are listed of one batch.
const JOBS_SHOWN: usize = 8;

/// What a terminal holds.
#[derive(Clone, Copy)]
pub struct Size {
    pub rows: usize,
    pub columns: usize,
}

/// The lines of a screen. They fit it, with a row to spare for the cursor.
pub fn screen(place: &str, status: &Status, away: Option<&str>, rate: Option<PerSecond>, size: Size) -> Vec<String> {
    let mut lines = vec![format!("{place}: {}", in_all(status, rate))];
    if let Some(reason) = away {
        lines.push(format!("the queue cannot be reached, this is what was seen last: {reason}"));
    }
    for graph in &status.graphs {
        write_graph(&mut lines, graph);
    }
    if status.graphs.is_empty() {
        lines.push("no jobs".to_owned());
    }
    let room = size.rows.saturating_sub(1).max(1);
    if lines.len() > room {
        let hidden = lines.len() - (room - 1);
        lines.truncate(room - 1);
        lines.push(format!("… {} more; `sheaf status` lists all", Counted(hidden as u64, "line")));
    }
    lines.iter().map(|line| truncate_str(&one_line(line), size.columns, "…").into_owned()).collect()
}

/// Text that others wrote, without what would break a line or steer the terminal.
pub fn one_line(text: &str) -> String {
    text.trim_end().replace(char::is_control, " ")
}

/// All batches and workers in a few words.
fn in_all(status: &Status, rate: Option<PerSecond>) -> String {
    let jobs = || status.graphs.iter().flat_map(|graph| &graph.jobs);
    let workers: BTreeSet<&str> = jobs().filter_map(worker).collect();
    let running: BTreeSet<_> = jobs().filter(|job| worker(job).is_some()).map(|job| job.id).collect();
    let mut text = Counted(workers.len() as u64, "worker").to_string();
    text.push_str(&match running.len() {
        1 => ", 1 job runs".to_owned(),
        count => format!(", {} jobs run", Count(count as u64)),
    });
    if let Some(PerSecond { jobs, transactions }) = rate {
        text.push_str(&format!("; in the last minute {jobs:.1} jobs/s, {transactions:.1} tx/s"));
    }
    text
}

fn worker(job: &JobStatus) -> Option<&str> {
    match &job.state {
        JobState::Leased { worker, .. } => Some(worker),
        _ => None,
    }
}

fn write_graph(lines: &mut Vec<String>, graph: &GraphStatus) {
    let (done, total) = (graph.progress.done, graph.progress.total);
    let (bar, counts) = (bar(done, total), format!("{}/{} jobs", Count(done as u64), Count(total as u64)));
    lines.push(format!("{bar} {counts}  {}", graph.label));
    if graph.progress.is_done() {
        return;
    }
    lines.push(format!("    {}", by_kind(graph)));
    let running = graph.jobs.iter().filter_map(|job| {
        let worker = worker(job)?;
        Some(format!("    running    {}, attempt {} by {worker}", job.label, job.attempts))
    });
    write_some(lines, running.collect());
    let set_aside = graph.jobs.iter().filter(|job| matches!(job.state, JobState::SetAside { .. })).map(|job| {
        let reason = job.failures.last().map_or("", |failure| &failure.reason);
        format!("    set aside  {} after {}: {reason}", job.label, Counted(job.attempts.into(), "attempt"))
    });
    write_some(lines, set_aside.collect());
}

fn write_some(lines: &mut Vec<String>, mut jobs: Vec<String>) {
    let more = jobs.len().saturating_sub(JOBS_SHOWN);
    jobs.truncate(JOBS_SHOWN);
    lines.append(&mut jobs);
    if more > 0 {
        lines.push(format!("               and {} more", Count(more as u64)));
    }
}

fn bar(done: usize, total: usize) -> String {
    let filled = BAR_CELLS * done / total.max(1);
    let tip = if done < total { ">" } else { "" };
    format!("[{:BAR_CELLS$}]", "=".repeat(filled) + tip)
}

/// Jobs done of those of each kind, in pipeline order.
fn by_kind(graph: &GraphStatus) -> String {
    let mut kinds = BTreeMap::<JobKind, (u64, u64)>::new();
    for job in &graph.jobs {
        let (done, total) = kinds.entry(job.kind).or_default();
        *done += u64::from(matches!(job.state, JobState::Done { .. }));
        *total += 1;
    }
    let kinds = kinds.into_iter().map(|(kind, (done, total))| format!("{kind} {}/{}", Count(done), Count(total)));
    kinds.collect::<Vec<_>>().join("   ")
}

#[cfg(test)]
mod tests {
    use super::super::test_graphs::{graph, with_set_aside};
    use super::*;

    const SIZE: Size = Size { rows: 24, columns: 100 };

    #[test]
    fn a_screen_tells_what_runs_and_what_was_set_aside() {
        let status = Status { graphs: vec![graph(1, 2, 5), with_set_aside(graph(2, 2, 1))] };
        let rate = Some(PerSecond { jobs: 1.25, transactions: 40.0 });
        let lines = screen("main/lane at nats://n", &status, None, rate, SIZE);
        let expected = [
            "main/lane at nats://n: 1 worker, 1 job runs; in the last minute 1.2 jobs/s, 40.0 tx/s",
            "[================================] 5/5 jobs  batch 1",
            "[======>                         ] 1/5 jobs  batch 2",
            "    chunk 1/2   lift 0/2   join 0/1",
            "    running    job 1, attempt 1 by a",
            "    set aside  job 2 after 5 attempts: it panicked: at line 1  in the circuit",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_screen_fits_its_terminal() {
        let status = Status { graphs: (1..=9).map(|number| graph(number, 2, 1)).collect() };
        let lines = screen("here", &status, Some("nobody answers"), None, Size { rows: 6, columns: 40 });
        assert_eq!(lines.len(), 5);
        assert_eq!(lines[1], "the queue cannot be reached, this is wh…");
        assert_eq!(lines[4], "… 25 lines more; `sheaf status` lists a…");
        assert!(lines.iter().all(|line| console::measure_text_width(line) <= 40), "{lines:?}");
        assert_eq!(screen("here", &Status::default(), None, None, SIZE), ["here: 0 workers, 0 jobs run", "no jobs"]);
    }

    #[test]
    fn of_many_running_jobs_some_are_shown() {
        let lines = screen("here", &Status { graphs: vec![graph(1, 30, 10)] }, None, None, SIZE);
        let running = lines.iter().filter(|line| line.starts_with("    running")).count();
        assert_eq!((running, lines.last().unwrap().as_str()), (8, "               and 2 more"));
    }

    #[test]
    fn what_others_wrote_cannot_steer_the_terminal() {
        assert_eq!(one_line("a\u{1b}[2Jb\nc\n"), "a [2Jb c");
    }
}
