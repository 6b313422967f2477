//! A proven batch in words, without verifying it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Serialize;
use sheaf_aggregator::pipeline::{PinnedCircuits, ProvenBatch};
use sheaf_circuits::availability::{decode, from_bytes};
use sheaf_circuits::context::Context;
use sheaf_circuits::public_inputs::PublicInputs;
use sheaf_circuits::security::Profile;
use sheaf_circuits::transaction::Stream;

use crate::failure::Advice;
use crate::files;
use crate::numbers::{Bytes, Count};

/// What a proven batch says.
#[derive(Serialize)]
pub struct Summary {
    file: PathBuf,
    verified: bool,
    security: Profile,
    context: Context,
    kinds: BTreeMap<&'static str, u64>,
    l1_bytes: usize,
    l2_bytes: usize,
    proof_bytes: usize,
    public_inputs: PublicInputs,
}

impl Summary {
    /// Decodes the file.
    pub fn read(file: &Path) -> Result<Self> {
        let no = || {
            let what = format!("{} is not a whole proven batch", file.display());
            Advice::new(what, "ask for the file again, or prove the batch again").answer_no()
        };
        let batch = ProvenBatch::from_bytes(&files::read(file, files::WHOLE_FILE_BYTES)?).with_context(no)?;
        let security = batch.profile().with_context(no)?;
        let pinned = PinnedCircuits::load(security)
            .context(Advice::new("this program's pinned circuits are damaged", "install sheaf anew"))?;
        let proof = pinned.verifier.decode(&batch.proof).with_context(no)?;
        let mut kinds = BTreeMap::new();
        for (stream, bytes) in [(Stream::L1, &batch.l1), (Stream::L2, &batch.l2)] {
            let records = from_bytes(bytes).and_then(|words| decode(stream, &words)).with_context(no)?;
            for record in records {
                *kinds.entry(record.kind().name()).or_default() += 1;
            }
        }
        Ok(Self {
            file: file.into(),
            verified: false,
            security,
            context: batch.context,
            kinds,
            l1_bytes: batch.l1.len(),
            l2_bytes: batch.l2.len(),
            proof_bytes: batch.proof.len(),
            public_inputs: proof.public_inputs().with_context(no)?,
        })
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Context { domain, batch_number, operator, timestamp_s } = self.context;
        let [l1, l2, proof] = [self.l1_bytes, self.l2_bytes, self.proof_bytes].map(|bytes| Bytes(bytes as u64));
        let kinds: Vec<_> = self.kinds.iter().map(|(kind, count)| format!("{} {kind}", Count(*count))).collect();
        let says = &self.public_inputs;
        writeln!(f, "{} is a proven batch (not verified here: see `sheaf verify`)", self.file.display())?;
        writeln!(f, "  number        {batch_number}, sealed at {timestamp_s} s by operator {operator}")?;
        writeln!(f, "  domain        chain {}, contract {}", domain.chain_id, String::from(domain.contract))?;
        writeln!(f, "  transactions  {}", kinds.join(", "))?;
        writeln!(f, "  published     {l1} for the L1 contract, {l2} of data")?;
        writeln!(f, "  proof         {proof}, profile {}", self.security)?;
        writeln!(f, "  says          from root {}", says.pre_root)?;
        writeln!(f, "                to root   {}", says.post_root)?;
        writeln!(f, "                daCommit  {}", says.da_commit_out)?;
        writeln!(f, "                context   {}", says.context)?;
        writeln!(f, "                circuits  {}", says.allowed_set)
    }
}
