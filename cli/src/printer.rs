//! The one place that writes: reports to stdout, all else to stderr, past the progress bars.

use std::fmt::{Display, Write as _};
use std::io::{self, Write};
use std::time::Duration;

use anyhow::{Error, Result};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde::Serialize;
use tracing_subscriber::EnvFilter;

use crate::failure::Advice;

/// Warnings of one kind that are shown; the rest is counted.
const WARNINGS_SHOWN: usize = 20;

/// Writes what a verb has to say.
#[derive(Clone)]
pub struct Printer {
    json: bool,
    bars: MultiProgress,
}

impl Printer {
    /// A printer; with `json` reports are JSON.
    pub fn new(json: bool) -> Self {
        Self { json, bars: MultiProgress::new() }
    }

    /// Whether reports are JSON.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Sends log events to stderr, as text or JSON; those that SHEAF_LOG asks for, else `default`.
    pub fn log_to_stderr(&self, json: bool, default: &str) {
        let filter = EnvFilter::try_from_env("SHEAF_LOG").unwrap_or_else(|_| EnvFilter::new(default));
        let printer = self.clone();
        let subscriber =
            tracing_subscriber::fmt().with_env_filter(filter).with_writer(move || LogWriter(printer.clone()));
        if json {
            subscriber.json().init();
        } else {
            subscriber.with_ansi(false).init();
        }
    }

    /// Prints the result of a verb: its words, or with `--json` its fields.
    pub fn report(&self, report: &(impl Display + Serialize)) -> Result<()> {
        let mut text = if self.json { serde_json::to_string_pretty(report)? } else { readable(&report.to_string()) };
        if !text.ends_with('\n') {
            text.push('\n');
        }
        self.data(text.as_bytes())
    }

    /// Prints bytes as they are.
    pub fn data(&self, bytes: &[u8]) -> Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes)?;
        Ok(stdout.flush()?)
    }

    /// Tells something that may be wrong.
    pub fn warn(&self, text: impl Display) {
        self.to_stderr(&format!("warning: {text}\n"));
    }

    /// Tells what is going on.
    pub fn note(&self, text: impl Display) {
        self.to_stderr(&format!("{text}\n"));
    }

    /// Warns about the first few of `problems` and says how many more there are.
    pub fn warn_all<T: Display>(&self, problems: impl ExactSizeIterator<Item = T>) {
        let more = problems.len().saturating_sub(WARNINGS_SHOWN);
        for problem in problems.take(WARNINGS_SHOWN) {
            self.warn(problem);
        }
        if more > 0 {
            self.warn(format_args!("{more} more like these; --json lists them all"));
        }
    }

    /// Tells why a verb failed and what to do next.
    pub fn error(&self, error: &Error) {
        let mut text = format!("error: {error}\n");
        let mut said = error.to_string();
        for cause in error.chain().skip(1).map(ToString::to_string) {
            // A cause that its effect quotes already is not told twice.
            if !said.contains(&cause) {
                writeln!(text, "  because {cause}").expect("writing to memory");
                said = cause;
            }
        }
        if let Some(next) = Advice::of(error) {
            writeln!(text, "  next: {next}").expect("writing to memory");
        }
        self.to_stderr(&text);
    }

    /// A bar that counts to `length`, with rate and time left. Quiet when stderr is not a terminal.
    pub fn bar(&self, label: &'static str, length: u64) -> ProgressBar {
        let style = "{prefix:>10} [{bar:32}] {human_pos}/{human_len}  {per_sec}  {eta} left";
        let style = ProgressStyle::with_template(style).expect("the template is valid").progress_chars("=> ");
        self.bars.add(ProgressBar::new(length).with_style(style).with_prefix(label))
    }

    /// A sign of life for work whose length is not known.
    pub fn spinner(&self, label: &'static str) -> ProgressBar {
        let style = ProgressStyle::with_template("{prefix:>10} {spinner} {elapsed}").expect("the template is valid");
        let spinner = self.bars.add(ProgressBar::new_spinner().with_style(style).with_prefix(label));
        spinner.enable_steady_tick(Duration::from_millis(100));
        spinner
    }

    fn to_stderr(&self, text: &str) {
        let text = readable(text);
        // Nothing is left to do when stderr is gone.
        let _ = self.bars.suspend(|| io::stderr().lock().write_all(text.as_bytes()));
    }
}

/// Names and reasons come from others, and may hold what steers a terminal: that is not passed on.
fn readable(text: &str) -> String {
    text.replace(|c: char| c.is_control() && c != '\n' && c != '\t', " ")
}

/// Lets log events pass the bars.
struct LogWriter(Printer);

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.bars.suspend(|| io::stderr().lock().write_all(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether whoever reads stdout has enough (`sheaf … | head`).
pub fn is_broken_pipe(error: &Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_not_passed_on() {
        assert_eq!(readable("a\u{1b}[2J\tb\r\nc\u{9b}"), "a [2J\tb \nc ");
    }
}
