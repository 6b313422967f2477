//! `sheaf settle`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use sheaf_aggregator::pipeline::{BundleError, ProvenBatch};
use sheaf_prover::artifact::ArtifactRef;
use sheaf_prover::digest::JobId;
use sheaf_prover::queue::{JobState, Queue, Status, Swept};
use sheaf_verifier_contract::L1Batch;

use crate::commands::retry::open;
use crate::failure::Advice;
use crate::fleet::LaneArguments;
use crate::numbers::{Bytes, Count, Counted};
use crate::printer::Printer;
use crate::{files, Answer};

/// The longest proven batch.
const FILE_BYTES: u64 = 1 << 30;

/// Forget the work behind batches that are settled, and free the room that it takes
///
/// Inputs, proofs and all between are kept until this is said: until then a batch can be made again without proving
/// anew. What other batches need stays. Without a batch it only removes what nothing needs.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  sheaf submit batch.l1 && sheaf settle --data-dir data batch.l1
  sheaf settle --queue nats://10.0.0.5:4222 batch-1.l1 batch-2.l1

Exit codes:
  0  done
  1  no such batch is known there
  2  wrong usage, or the folder or the queue cannot be used")]
pub struct Settle {
    /// Proven batches, as `sheaf prove` wrote them
    batches: Vec<PathBuf>,
    /// The data folder
    #[arg(long, value_name = "DIR", required_unless_present = "queue")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    fleet: LaneArguments,
    /// Seconds for which what nobody needs is kept, since somebody may be about to; 0 in a data folder
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    grace: u64,
}

impl Settle {
    /// Settles.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        let (queue, grace): (Box<dyn Queue>, _) = match &self.data_dir {
            Some(folder) => (Box::new(open(folder)?), Duration::ZERO),
            None => (Box::new(self.fleet.queue("sheaf settle")?), Duration::from_secs(self.grace)),
        };
        let failed = || Advice::new("the work cannot be forgotten", "see `sheaf status`");
        let status = queue.status().with_context(failed)?;
        let mut settled = Vec::new();
        for file in &self.batches {
            let (root, label) = find(&status, file)?;
            queue.settle(root).with_context(|| failed().answer_no())?;
            settled.push(label);
        }
        let swept = queue.sweep(grace).with_context(failed)?;
        printer.report(&Report { settled, swept })?;
        Ok(Answer::Yes)
    }
}

/// The graph whose result is the proof in a file.
fn find(status: &Status, file: &Path) -> Result<(JobId, String)> {
    let bytes = files::read(file, FILE_BYTES)?;
    let proof = match L1Batch::from_bytes(&bytes) {
        Ok(batch) => batch.proof.to_vec(),
        Err(_) => {
            let batch: Result<ProvenBatch, BundleError> = ProvenBatch::from_bytes(&bytes);
            let no = || Advice::new(format_args!("{} is no proven batch", file.display()), "name one").answer_no();
            batch.with_context(no)?.proof
        }
    };
    // Which batch it was is told by its proof: the last job's result.
    let artifact = ArtifactRef::of(&proof);
    let is_result = |state: &JobState| matches!(state, JobState::Done { artifact: made, .. } if *made == artifact);
    let graphs = status.graphs.iter();
    let found = graphs.filter(|graph| graph.jobs.iter().any(|job| job.id == graph.root && is_result(&job.state)));
    found.map(|graph| (graph.root, graph.label.clone())).next().with_context(|| {
        let what = format!("no batch known there has the proof in {}", file.display());
        Advice::new(what, "name the place where it was proven; or it was settled before").answer_no()
    })
}

#[derive(Serialize)]
struct Report {
    settled: Vec<String>,
    #[serde(flatten)]
    swept: Swept,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for label in &self.settled {
            writeln!(f, "settled: {label}")?;
        }
        let Swept { artifacts, bytes, kept, kept_bytes, .. } = self.swept;
        let removed = Counted(artifacts as u64, "artifact");
        writeln!(f, "removed {removed}, {}; kept {}, {}", Bytes(bytes), Count(kept as u64), Bytes(kept_bytes))
    }
}
