//! A batch as L1 takes it, verified as the contract will.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};
use serde::Serialize;
use sheaf_aggregator::groth16::{snarkjs, Proof, VerifyingKey};
use sheaf_aggregator::pipeline::settlement::{public_input, verify_batch};
use sheaf_aggregator::pipeline::Program;
use sheaf_circuits::context::Context;
use sheaf_circuits::hash::Digest;
use sheaf_circuits::security::Profile;
use sheaf_verifier_contract::L1Batch;

use crate::failure::Advice;
use crate::files;
use crate::groth16::{programs, KeyChoice};
use crate::numbers::Count;
use crate::printer::Printer;

/// Verifies a batch for L1 of `security`, and writes what snarkjs verifies to the folder `export`.
pub fn verify<'a>(
    file: &'a Path,
    bytes: &[u8],
    security: Profile,
    key: &KeyChoice,
    export: Option<&Path>,
    printer: &Printer,
) -> Result<Report<'a>> {
    let no = |next: &str| Advice::new(format_args!("{} is not valid", file.display()), next).answer_no();
    let batch = L1Batch::from_bytes(bytes).with_context(|| no("ask for the file again, or prove the batch again"))?;
    check_program(&batch, security)?;

    let wrapper = key.wrapper(printer)?;
    let verifying = wrapper.verifying_key();
    let start = Instant::now();
    verify_batch(verifying, &batch).with_context(|| no("was it proven with another key?"))?;
    let milliseconds = start.elapsed().as_secs_f64() * 1000.0;
    if let Some(folder) = export {
        write_snarkjs(folder, verifying, &batch)?;
    }
    Ok(Report {
        file,
        valid: true,
        security,
        key: wrapper.key().to_owned(),
        origin: verifying.origin.to_string(),
        program: hex::encode(batch.program_id),
        context: batch.context,
        pre_root: batch.pre_root,
        post_root: batch.post_root,
        da_commit: batch.da_commit,
        public_input: hex::encode(batch.statement()?.public_input()),
        published_bytes: batch.l1.len() + batch.l2.len(),
        proof_bytes: batch.proof.len(),
        milliseconds,
    })
}

/// The batch is of the program of this profile.
fn check_program(batch: &L1Batch, security: Profile) -> Result<()> {
    let programs = programs()?;
    let id = |profile| programs.verifier(Program::Batch(profile)).program_id().to_bytes();
    if batch.program_id == id(security) {
        return Ok(());
    }
    let got = hex::encode(batch.program_id);
    let advice = match Profile::ALL.into_iter().find(|profile| id(*profile) == batch.program_id) {
        Some(profile) => Advice::new(
            format_args!("the proof is of program {got}, profile {profile}, expected {security}"),
            format_args!("accept it with --security {profile}, if that is sound enough for you"),
        ),
        None => Advice::new(
            format_args!("the proof is of program {got}, which this version does not know"),
            "verify it with the version that made it",
        ),
    };
    Err(advice.answer_no().into())
}

/// `verification_key.json`, `public.json`, `proof.json`: what `snarkjs groth16 verify` takes.
fn write_snarkjs(folder: &Path, key: &VerifyingKey, batch: &L1Batch) -> Result<()> {
    std::fs::create_dir_all(folder)
        .with_context(|| Advice::new(format_args!("cannot make {}", folder.display()), "name another folder"))?;
    let values = [
        ("verification_key.json", snarkjs::verifying_key_json(key)),
        ("public.json", snarkjs::public_json(public_input(&batch.statement()?))),
        ("proof.json", snarkjs::proof_json(&Proof::from_bytes(&batch.proof)?)),
    ];
    for (name, value) in values {
        files::write(&folder.join(name), |out| writeln!(out, "{value:#}"))?;
    }
    Ok(())
}

/// What is told of a valid batch.
#[derive(Serialize)]
pub struct Report<'a> {
    file: &'a Path,
    valid: bool,
    security: Profile,
    key: PathBuf,
    origin: String,
    program: String,
    context: Context,
    pre_root: Digest,
    post_root: Digest,
    da_commit: Digest,
    public_input: String,
    published_bytes: usize,
    proof_bytes: usize,
    milliseconds: f64,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Context { domain, batch_number, operator, timestamp_s } = self.context;
        writeln!(f, "valid: {} ({:.0} ms)", self.file.display(), self.milliseconds)?;
        writeln!(f, "Somebody knows transactions, all valid, that take the state")?;
        writeln!(f, "  from root      {}", self.pre_root)?;
        writeln!(f, "  to root        {}", self.post_root)?;
        writeln!(
            f,
            "in batch {batch_number} of the rollup at {} on chain {}, for operator {operator}, sealed at {timestamp_s}",
            String::from(domain.contract),
            domain.chain_id,
        )?;
        writeln!(
            f,
            "  published      {} bytes, bound by daCommit {}",
            Count(self.published_bytes as u64),
            self.da_commit
        )?;
        writeln!(f, "  program        {}", self.program)?;
        writeln!(f, "  security       {}", self.security)?;
        writeln!(f, "  key            {} ({})", self.key.display(), self.origin)?;
        writeln!(f, "  public input   {}", self.public_input)?;
        writeln!(f, "  proof          {} bytes", Count(self.proof_bytes as u64))
    }
}
