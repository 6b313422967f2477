//! Looks at a queue again and again: a screen that is drawn in place, or lines of what changed.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use console::Term;
use sheaf_prover::digest::JobId;
use sheaf_prover::queue::{GraphStatus, Status};

use super::rate::Rate;
use super::screen::{one_line, screen, Size};
use super::Summary;
use crate::failure::Advice;
use crate::printer::Printer;
use crate::signals;

/// How often a watch that is told to stop notices; it looks at the queue no more often.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What a look found; a queue that cannot be reached now may be there at the next look.
pub enum Look {
    Seen(Status),
    Away { reason: String },
}

/// Shows what `look` finds each `pause` until told to stop; gives what was seen last.
pub fn watch(
    place: &str,
    pause: Duration,
    stop: &AtomicBool,
    printer: &Printer,
    mut look: impl FnMut() -> Result<Look>,
) -> Result<Status> {
    let term = Term::buffered_stdout();
    let mut shown: Box<dyn View> = match term.features().is_attended() {
        true => Box::new(Screen { place: place.to_owned(), term, rate: Rate::default(), lines: 0 }),
        false => Box::new(Lines { printer: printer.clone(), changes: Changes::default() }),
    };
    let mut last = Status::default();
    while !signals::is_set(stop) {
        let looked = Instant::now();
        match look()? {
            Look::Seen(status) => {
                shown.show(&status, None)?;
                last = status;
            }
            Look::Away { reason } => shown.show(&last, Some(&reason))?,
        }
        while !signals::is_set(stop) && looked.elapsed() < pause.max(LOOK_AGAIN) {
            thread::sleep(LOOK_AGAIN);
        }
    }
    Ok(last)
}

trait View {
    /// Shows what was seen now, or last when the queue is away.
    fn show(&mut self, status: &Status, away: Option<&str>) -> Result<()>;
}

/// On a terminal.
struct Screen {
    place: String,
    term: Term,
    rate: Rate,
    /// Lines on it now.
    lines: usize,
}

impl View for Screen {
    fn show(&mut self, status: &Status, away: Option<&str>) -> Result<()> {
        if away.is_none() {
            self.rate.note(Instant::now(), status);
        }
        let (rows, columns) = self.term.size();
        let size = Size { rows: rows.into(), columns: columns.into() };
        let lines = screen(&self.place, status, away, self.rate.now(), size);
        self.draw(&lines).context(Advice::new("the terminal cannot be written to", "try without --watch"))
    }
}

impl Screen {
    /// Writes over what is there, all in one go, so that nothing flickers.
    fn draw(&mut self, lines: &[String]) -> std::io::Result<()> {
        self.term.move_cursor_up(self.lines)?;
        for line in lines {
            self.term.clear_line()?;
            self.term.write_line(line)?;
        }
        self.term.clear_to_end_of_screen()?;
        self.lines = lines.len();
        self.term.flush()
    }
}

/// Into a pipe or file.
struct Lines {
    printer: Printer,
    changes: Changes,
}

impl View for Lines {
    fn show(&mut self, status: &Status, away: Option<&str>) -> Result<()> {
        let lines = self.changes.since_last(&status.graphs, away);
        lines.iter().try_for_each(|line| self.printer.data(format!("{line}\n").as_bytes()))
    }
}

/// What was told, to tell only what is new.
#[derive(Default)]
struct Changes {
    /// Label and line of each graph.
    graphs: BTreeMap<JobId, [String; 2]>,
    away: bool,
}

impl Changes {
    fn since_last(&mut self, graphs: &[GraphStatus], away: Option<&str>) -> Vec<String> {
        let mut lines = Vec::new();
        match (self.away, away) {
            (false, Some(reason)) => lines.push(format!("the queue cannot be reached: {}", one_line(reason))),
            (true, None) => lines.push("the queue can be reached again".to_owned()),
            _ => {}
        }
        self.away = away.is_some();
        if self.away {
            return lines;
        }
        let mut before = std::mem::take(&mut self.graphs);
        for graph in graphs {
            let told = [one_line(&graph.label), one_line(&Summary(graph).to_string())];
            if before.remove(&graph.root).as_ref() != Some(&told) {
                lines.push(told[1].clone());
            }
            self.graphs.insert(graph.root, told);
        }
        lines.extend(before.into_values().map(|[label, _]| format!("{label}: settled, no longer kept")));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_graphs::graph;
    use super::*;

    #[test]
    fn each_change_is_a_line() {
        let mut changes = Changes::default();
        let first = graph(1, 2, 1);
        let line = "batch 1: 1 of 5 jobs done, 1 running, 1 ready, 2 waiting, 0 set aside";
        assert_eq!(changes.since_last(std::slice::from_ref(&first), None), [line]);
        assert!(changes.since_last(std::slice::from_ref(&first), None).is_empty());
        assert_eq!(
            changes.since_last(std::slice::from_ref(&first), Some("gone\nfor now")),
            ["the queue cannot be reached: gone for now"]
        );
        assert!(changes.since_last(std::slice::from_ref(&first), Some("gone")).is_empty());
        assert_eq!(changes.since_last(&[first], None), ["the queue can be reached again"]);
        let later = graph(1, 2, 5);
        assert_eq!(changes.since_last(&[later], None), ["batch 1: 5 of 5 jobs done"]);
        assert_eq!(changes.since_last(&[], None), ["batch 1: settled, no longer kept"]);
    }
}
