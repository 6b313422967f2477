//! `sheaf doctor`.

mod forecast;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use sheaf_aggregator::pipeline::{chunk_memory_bytes, PinnedCircuits};
use sheaf_circuits::chunk::shapes;
use sheaf_circuits::security::Profile;
use sheaf_prover::machine;

use self::forecast::{BatchForecast, ForecastOptions};
use crate::commands::prove::RESERVED_BYTES;
use crate::data_dir::DataDir;
use crate::numbers::Bytes;
use crate::printer::Printer;
use crate::{footing, outlook, Answer};

/// Room for a batch's artifacts and a state's log, at least.
const DISK_BYTES: u64 = 2 << 30;

/// Check that this machine can prove, and foretell what a batch will take
///
/// Looks at cores, memory against the predicted peak of a chunk, disk, CPU features, the circuits that this program
/// carries, and the state of a data folder.
///
/// With a batch, that is executed and planned as `sheaf prove` would, on the state of --data-dir or on the genesis
/// beside the batch; nothing is written. Peak memory, disk, seconds and CPU seconds are then predicted from what each
/// job was measured to take, and from how fast this machine is just now, which takes two seconds. Jobs that are done in
/// --data-dir are left out. The forecast is for this machine alone, not for a fleet.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  sheaf doctor
  sheaf doctor --data-dir demo/data --json
  sheaf doctor demo/batch.jsonl
  sheaf doctor batch.jsonl --data-dir demo/data --until wrap --jobs 1

Exit codes:
  0  nothing stands in the way; there may be warnings, such as that memory or disk may not suffice
  1  proving cannot work here, or the file is no batch, not for this state, or none of it applies
  2  wrong usage, or a file cannot be read")]
pub struct Doctor {
    /// Foretell what this batch will take
    batch: Option<PathBuf>,
    /// Look at this data folder too; it may not be there yet
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    plan: ForecastOptions,
}

impl Doctor {
    /// Looks.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        let place = self.data_dir.as_deref().unwrap_or(Path::new("."));
        let mut findings = vec![cores(), memory(), cpu_features(), disk(place), circuits()];
        findings.extend(self.data_dir.as_ref().and_then(|path| state(&DataDir::new(path))));
        let forecast = match &self.batch {
            Some(batch) => Some(self.plan.forecast(batch, self.data_dir.as_deref(), printer)?),
            None => None,
        };
        findings.extend(forecast.iter().flat_map(BatchForecast::findings));
        let report = Report { fit: findings.iter().all(|finding| finding.verdict != Verdict::Bad), findings, forecast };
        printer.report(&report)?;
        Ok(if report.fit { Answer::Yes } else { Answer::No })
    }
}

#[derive(Serialize)]
struct Report {
    fit: bool,
    findings: Vec<Finding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    forecast: Option<BatchForecast>,
}

/// One thing that was looked at.
#[derive(Serialize)]
struct Finding {
    what: &'static str,
    verdict: Verdict,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Good,
    Warning,
    Bad,
}

impl Finding {
    fn good(what: &'static str, found: String) -> Self {
        Self { what, verdict: Verdict::Good, found, next: None }
    }

    fn of(what: &'static str, verdict: Verdict, found: String, next: impl Into<String>) -> Self {
        Self { what, verdict, found, next: Some(next.into()) }
    }
}

fn cores() -> Finding {
    match std::thread::available_parallelism() {
        Ok(cores) if cores.get() == 1 => {
            Finding::of("cores", Verdict::Warning, "1".into(), "proving works, but one core is slow")
        }
        Ok(cores) => Finding::good("cores", cores.to_string()),
        Err(error) => Finding::of("cores", Verdict::Warning, error.to_string(), "set --jobs yourself"),
    }
}

/// Memory against what the dearest chunk is predicted to take.
fn memory() -> Finding {
    let memory = match machine::memory() {
        Ok(memory) => memory,
        Err(error) => return Finding::of("memory", Verdict::Warning, error.to_string(), "mount /proc"),
    };
    let chunk_bytes = shapes::all().iter().map(chunk_memory_bytes).max().unwrap_or(0);
    let needed_bytes = chunk_bytes + RESERVED_BYTES;
    let needs = format!("a full chunk takes up to {}, all else {}", Bytes(chunk_bytes), Bytes(RESERVED_BYTES));
    let found = format!("{} of {} available", Bytes(memory.available_bytes), Bytes(memory.total_bytes));
    match () {
        () if memory.total_bytes < needed_bytes => {
            Finding::of("memory", Verdict::Bad, found, format!("{needs}: use a larger machine"))
        }
        () if memory.available_bytes < needed_bytes => {
            Finding::of("memory", Verdict::Warning, found, format!("{needs}: end other programs first"))
        }
        () => {
            let chunks = (memory.available_bytes - RESERVED_BYTES) / chunk_bytes;
            Finding::good("memory", format!("{found}, enough for {chunks} full chunks at once ({needs})"))
        }
    }
}

/// The verifier data that this program carries: what every proof is checked against.
fn circuits() -> Finding {
    let loaded = Profile::ALL.map(|profile| PinnedCircuits::load(profile).map(|pinned| (profile, pinned)));
    let mut sets = Vec::new();
    for result in loaded {
        match result {
            Ok((profile, pinned)) => sets.push(format!("{profile} {}", pinned.verifier.set().root())),
            Err(error) => return Finding::of("circuits", Verdict::Bad, error.to_string(), "install sheaf anew"),
        }
    }
    Finding::good("circuits", sets.join("\n               "))
}

fn cpu_features() -> Finding {
    // The program is compiled for these, so without them it would not get this far on most paths.
    #[cfg(target_arch = "x86_64")]
    {
        let missing: Vec<&str> = [
            ("avx2", std::arch::is_x86_feature_detected!("avx2")),
            ("bmi2", std::arch::is_x86_feature_detected!("bmi2")),
            ("pclmulqdq", std::arch::is_x86_feature_detected!("pclmulqdq")),
        ]
        .into_iter()
        .filter_map(|(name, there)| (!there).then_some(name))
        .collect();
        if !missing.is_empty() {
            let found = format!("no {}", missing.join(", "));
            return Finding::of("CPU", Verdict::Bad, found, "this build needs an AVX2 machine (x86-64-v3)");
        }
        Finding::good("CPU", "AVX2, BMI2 and carry-less multiplication".into())
    }
    #[cfg(not(target_arch = "x86_64"))]
    Finding::of("CPU", Verdict::Warning, std::env::consts::ARCH.into(), "only x86-64 was measured")
}

/// Free space where `place` is, or where it will be made.
fn disk(place: &Path) -> Finding {
    match outlook::free_bytes(place) {
        Ok((existing, free)) => {
            let found = format!("{} free at {}", Bytes(free), existing.display());
            if free < DISK_BYTES {
                let next = format!("make room: proving wants {} at least", Bytes(DISK_BYTES));
                return Finding::of("disk", Verdict::Bad, found, next);
            }
            Finding::good("disk", found)
        }
        Err(error) => Finding::of("disk", Verdict::Warning, error.to_string(), "check that the folder can be used"),
    }
}

/// The state of a data folder, when there is one.
fn state(data: &DataDir) -> Option<Finding> {
    if !data.state().exists() {
        return None;
    }
    Some(match footing::open_state(data) {
        Ok(state) => Finding::good("state", format!("root {} after batch {}", state.root(), state.batches())),
        Err(error) => {
            let cause = error.chain().last().map_or_else(String::new, ToString::to_string);
            Finding::of("state", Verdict::Warning, cause, "see whether another process works in the folder")
        }
    })
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            let mark = match finding.verdict {
                Verdict::Good => "ok",
                Verdict::Warning => "warn",
                Verdict::Bad => "BAD",
            };
            writeln!(f, "{mark:<5} {:<8} {}", finding.what, finding.found)?;
            if let Some(next) = &finding.next {
                writeln!(f, "               {next}")?;
            }
        }
        if let Some(forecast) = &self.forecast {
            write!(f, "{forecast}")?;
        }
        let verdict = if self.fit { "This machine can prove." } else { "This machine cannot prove." };
        writeln!(f, "{verdict}")
    }
}
