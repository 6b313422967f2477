//! `sheaf verify`.

mod l1;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use sheaf_aggregator::pipeline::{PinnedCircuits, ProvenBatch};
use sheaf_circuits::context::Context;
use sheaf_circuits::hash::Digest;
use sheaf_circuits::security::Profile;
use sheaf_circuits::transaction::Kind;
use sheaf_verifier_contract::L1Batch;

use crate::failure::Advice;
use crate::groth16::KeyChoice;
use crate::numbers::Count;
use crate::printer::Printer;
use crate::{files, Answer};

/// A proven batch with all that a gigabyte of streams holds is far larger than any that is made.
const FILE_BYTES: u64 = 1 << 30;

/// Verify a proven batch
///
/// Takes nothing on trust but this program: the circuits are the ones pinned in it, the evaluation point is drawn again
/// from the published bytes, the context is hashed again, and all of it is compared with what the proof says. A batch
/// for L1 is verified with the Groth16 key of this machine, as the contract will.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  sheaf verify demo/proof.bin
  sheaf verify demo/batch.l1 --snarkjs demo/snarkjs    # then: snarkjs groth16 verify

Exit codes:
  0  the proof is valid
  1  it is not
  2  wrong usage, or the file cannot be read")]
pub struct Verify {
    /// The proven batch, as `sheaf prove` writes it; - for stdin
    file: PathBuf,
    /// How sound it has to be; `fast` is for development and tests
    #[arg(long, value_name = "PROFILE", default_value_t = Profile::Proven)]
    security: Profile,
    #[command(flatten)]
    key: KeyChoice,
    /// For a batch for L1: write verification_key.json, public.json and proof.json, which snarkjs takes
    #[arg(long, value_name = "DIR")]
    snarkjs: Option<PathBuf>,
}

impl Verify {
    /// Verifies the file.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        let bytes = files::read(&self.file, FILE_BYTES)?;
        if bytes.starts_with(&L1Batch::MAGIC) {
            let export = self.snarkjs.as_deref();
            printer.report(&l1::verify(&self.file, &bytes, self.security, &self.key, export, printer)?)?;
            return Ok(Answer::Yes);
        }
        let no = |next: &str| Advice::new(format_args!("{} is not valid", self.file.display()), next).answer_no();
        let made_anew = "ask for the file again, or prove the batch again";
        let batch = ProvenBatch::from_bytes(&bytes).with_context(|| no("check that it is what `sheaf prove` wrote"))?;
        let profile = batch.profile().with_context(|| no(made_anew))?;
        if profile != self.security {
            let what = format!("the proof has profile {profile}, expected {}", self.security);
            let next = format!("accept it with --security {profile}, if that is sound enough for you");
            return Err(Advice::new(what, next).answer_no().into());
        }
        let pinned = PinnedCircuits::load(profile)
            .context(Advice::new("this program's pinned circuits are damaged", "install sheaf anew"))?;
        let start = Instant::now();
        let verified = batch.verify(&pinned.verifier).with_context(|| no(made_anew))?;
        let mut transactions = BTreeMap::new();
        for record in verified.l1.iter().chain(&verified.l2) {
            *transactions.entry(record.kind()).or_insert(0) += 1;
        }
        printer.report(&Report {
            file: &self.file,
            valid: true,
            security: profile,
            context: batch.context,
            transactions,
            pre_root: verified.public_inputs.pre_root,
            post_root: verified.public_inputs.post_root,
            da_commit: verified.public_inputs.da_commit_out,
            circuits: verified.public_inputs.allowed_set,
            published_bytes: batch.l1.len() + batch.l2.len(),
            proof_bytes: batch.proof.len(),
            milliseconds: start.elapsed().as_secs_f64() * 1000.0,
        })?;
        Ok(Answer::Yes)
    }
}

#[derive(Serialize)]
struct Report<'a> {
    file: &'a Path,
    valid: bool,
    security: Profile,
    context: Context,
    transactions: BTreeMap<Kind, u64>,
    pre_root: Digest,
    post_root: Digest,
    da_commit: Digest,
    circuits: Digest,
    published_bytes: usize,
    proof_bytes: usize,
    milliseconds: f64,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "valid: {} ({:.0} ms)", self.file.display(), self.milliseconds)?;
        writeln!(f, "Somebody knows transactions, all valid, that take the state")?;
        writeln!(f, "  from root      {}", self.pre_root)?;
        writeln!(f, "  to root        {}", self.post_root)?;
        let domain = &self.context.domain;
        writeln!(
            f,
            "in batch {} of the rollup at {} on chain {}, for operator {}, sealed at {}",
            self.context.batch_number,
            String::from(domain.contract),
            domain.chain_id,
            self.context.operator,
            self.context.timestamp_s
        )?;
        let total: u64 = self.transactions.values().sum();
        let kinds: Vec<String> =
            self.transactions.iter().map(|(kind, count)| format!("{} {}", Count(*count), kind.name())).collect();
        writeln!(f, "  transactions   {} ({})", Count(total), kinds.join(", "))?;
        writeln!(
            f,
            "  published      {} bytes, bound by daCommit {}",
            Count(self.published_bytes as u64),
            self.da_commit
        )?;
        writeln!(f, "  program        circuits {}", self.circuits)?;
        writeln!(f, "  security       {}", self.security)?;
        writeln!(f, "  proof          {} bytes", Count(self.proof_bytes as u64))
    }
}
