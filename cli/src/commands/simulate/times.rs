//! Job times from files.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{bail, Context as _, Result};
use serde::Deserialize;
use sheaf_circuits::security::Profile;
use sheaf_prover::job::JobKind;
use sheaf_prover::simulation::{JobTimes, Times};

use crate::failure::Advice;
use crate::files;

/// The most that a file of job times may have.
const FILE_BYTES: u64 = 64 << 20;

/// Reads job times in their own form.
pub fn read(path: &Path) -> Result<Times> {
    Times::from_json(&files::read(path, FILE_BYTES)?).with_context(|| {
        let what = format!("cannot use the job times in {}", path.display());
        Advice::new(what, "docs/simulation.md shows the form")
    })
}

/// What is read from the report of `sheaf prove`.
#[derive(Deserialize)]
struct Proven {
    security: Profile,
    applied: u64,
    chunks: BTreeMap<String, u64>,
    stages: BTreeMap<String, Stage>,
    resumed: bool,
}

#[derive(Deserialize)]
struct Stage {
    count: u64,
    cpu_seconds: Option<f64>,
}

/// Takes the mean times of each kind of job from a report of `sheaf prove --json`. What a report does not say (how
/// much of a job is serial, its memory, how long a check takes) is as it was measured for its profile.
pub fn of_report(path: &Path) -> Result<Times> {
    let at = |next: &'static str| {
        let what = format!("cannot take job times from {}", path.display());
        Advice::new(what, next)
    };
    let proven: Proven = serde_json::from_slice(&files::read(path, FILE_BYTES)?)
        .with_context(|| at("give what `sheaf prove --json` printed"))?;
    if proven.resumed {
        bail!(at(
            "it is of a run that was resumed, whose counts are not of the whole batch: prove into a new data folder"
        ));
    }
    let measured = Times::measured(proven.security);
    let mean = |kind: JobKind, measured: JobTimes| {
        let stage = proven.stages.get(kind.name()).filter(|stage| stage.count > 0)?;
        Some(JobTimes { cpu_seconds: vec![stage.cpu_seconds? / stage.count as f64], ..measured })
    };
    let needed = |kind, measured| mean(kind, measured).ok_or_else(|| at("prove a batch of several chunks with --json"));
    let chunks: u64 = proven.chunks.values().sum();
    let lifts = proven.stages.get(JobKind::Lift.name()).map_or(1, |stage| stage.count.max(1));
    Ok(Times {
        source: format!("means of {}", path.display()),
        transactions_per_chunk: (proven.applied / chunks.max(1)).max(1) as u32,
        chunks_per_lift: chunks.div_ceil(lifts).max(1) as u32,
        chunk: needed(JobKind::Chunk, measured.chunk)?,
        lift: needed(JobKind::Lift, measured.lift)?,
        join: needed(JobKind::Join, measured.join)?,
        shrink: measured.shrink.and_then(|measured| mean(JobKind::Shrink, measured)),
        wrap: measured.wrap.and_then(|measured| mean(JobKind::Wrap, measured)),
    })
}
