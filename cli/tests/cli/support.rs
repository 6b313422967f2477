//! Runs the binary in a folder of its own and compares all that it says with a snapshot.

use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// Set to write snapshots anew.
pub const REGENERATE: &str = "SHEAF_REGENERATE";

/// JSON fields that differ between runs, and what lines of words begin with that do.
const VOLATILE_FIELDS: [&str; 3] = ["\"seconds\":", "\"milliseconds\":", "\"transactions_per_second\":"];
const VOLATILE_WORDS: &str = " a second, ";

/// A folder to work in, and the record of what was run there.
pub struct Session {
    folder: TempDir,
    record: String,
}

/// What one run gave.
pub struct Run {
    pub stdout: String,
    pub stderr: String,
    pub exit_code: i32,
}

impl Session {
    pub fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), record: String::new() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs `sheaf` with arguments separated by spaces, without recording it.
    pub fn quietly(&self, arguments: &str) -> Run {
        self.with_input(arguments, "")
    }

    /// Runs `sheaf`, which has to succeed, and gives its report, numbers included.
    pub fn json(&self, arguments: &str) -> serde_json::Value {
        let output = self.output(arguments, "");
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub fn with_input(&self, arguments: &str, input: &str) -> Run {
        let output = self.output(arguments, input);
        Run {
            stdout: self.normalized(&output.stdout),
            stderr: self.normalized(&output.stderr),
            exit_code: output.status.code().expect("it was not killed"),
        }
    }

    fn output(&self, arguments: &str, input: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sheaf"))
            .args(arguments.split_whitespace())
            .current_dir(self.folder.path())
            .env_remove("SHEAF_LOG")
            .env_remove("SHEAF_QUEUE")
            .env_remove("SHEAF_FLEET")
            .env_remove("SHEAF_RPC_URL")
            .env_remove("SHEAF_PRIVATE_KEY")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A run that fails early does not read its input.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// Starts `sheaf`, to be killed.
    pub fn start(&self, arguments: &str) -> Child {
        Command::new(env!("CARGO_BIN_EXE_sheaf"))
            .args(arguments.split_whitespace())
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Runs `sheaf` and records all that it says.
    pub fn run(&mut self, arguments: &str) -> Run {
        self.run_with(arguments, "")
    }

    pub fn run_with(&mut self, arguments: &str, input: &str) -> Run {
        let run = self.with_input(arguments, input);
        writeln!(self.record, "$ sheaf {arguments}").unwrap();
        self.record.push_str(&run.stdout);
        for line in run.stderr.lines() {
            writeln!(self.record, "| {line}").unwrap();
        }
        writeln!(self.record, "exit code {}\n", run.exit_code).unwrap();
        run
    }

    /// Records a file that a run made.
    pub fn show(&mut self, name: &str) {
        let content = self.read(name);
        writeln!(self.record, "$ cat {name}\n{content}").unwrap();
    }

    /// Compares the record with `snapshots/NAME.txt`.
    pub fn compare(self, name: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(format!("{name}.txt"));
        if std::env::var_os(REGENERATE).is_some() {
            fs::write(&path, &self.record).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        if let Some((line, (got, expected))) = first_difference(&self.record, &expected) {
            panic!(
                "{} differs at line {line}:\n  expected {expected:?}\n  got      {got:?}\n\
                 if the new output is right, set {REGENERATE}=1 and see it in the diff\n\n{}",
                path.display(),
                self.record
            );
        }
    }

    fn normalized(&self, bytes: &[u8]) -> String {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let text = text.replace(self.folder.path().to_str().unwrap(), "DIR");
        let mut normalized = String::with_capacity(text.len());
        for line in text.lines() {
            normalized.push_str(&steady(line));
            normalized.push('\n');
        }
        normalized
    }
}

/// `line` without what differs from run to run.
fn steady(line: &str) -> String {
    if let Some(field) = VOLATILE_FIELDS.iter().find(|field| line.trim_start().starts_with(**field)) {
        let indentation = &line[..line.len() - line.trim_start().len()];
        let comma = if line.ends_with(',') { "," } else { "" };
        return format!("{indentation}{field} 0.0{comma}");
    }
    if let Some(end) = line.find(VOLATILE_WORDS) {
        let label: String = line.chars().take_while(|character| !character.is_ascii_digit()).collect();
        let rest = line[end + VOLATILE_WORDS.len()..].split_once(" with").map_or("", |(_, rest)| rest);
        return format!("{}… a second, … with{rest}", label.trim_end().to_owned() + " ");
    }
    line.trim_end().to_owned()
}

fn first_difference<'a>(got: &'a str, expected: &'a str) -> Option<(usize, (&'a str, &'a str))> {
    let count = got.lines().count().max(expected.lines().count());
    let line = |text: &'a str, number| text.lines().nth(number).unwrap_or("(nothing)");
    (0..count).map(|number| (number + 1, (line(got, number), line(expected, number)))).find(|(_, (a, b))| a != b)
}
