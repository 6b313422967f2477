//! What goes to L1 in words, without verifying it: a batch with its Groth16 proof, or an exit.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Serialize;
use sheaf_circuits::account::{AccountIndex, AssetId};
use sheaf_circuits::context::{Context, Domain};
use sheaf_circuits::hash::Digest;
use sheaf_circuits::transaction::Stream;
use sheaf_verifier_contract::{ExitProof, L1Batch};

use super::stream;
use crate::failure::Advice;
use crate::files;
use crate::l1::show_word;

/// What a batch for L1 says besides its streams, wherever it is.
#[derive(Serialize)]
pub struct Said {
    context: Context,
    program_id: String,
    pre_root: Digest,
    post_root: Digest,
    da_commit: Digest,
}

impl Said {
    /// What `batch` says.
    pub fn by(batch: &L1Batch) -> Self {
        Self {
            context: batch.context,
            program_id: show_word(&batch.program_id),
            pre_root: batch.pre_root,
            post_root: batch.post_root,
            da_commit: batch.da_commit,
        }
    }

    /// The batch's number.
    pub fn number(&self) -> u32 {
        self.context.batch_number
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Context { domain, operator, timestamp_s, .. } = self.context;
        writeln!(f, "  domain     chain {}, contract {}", domain.chain_id, String::from(domain.contract))?;
        writeln!(f, "  sealed     at {timestamp_s} seconds since 1970, fees for account {operator}")?;
        writeln!(f, "  program    {}", self.program_id)?;
        writeln!(f, "  from root  {}", self.pre_root)?;
        writeln!(f, "  to root    {}", self.post_root)?;
        writeln!(f, "  daCommit   {}", self.da_commit)
    }
}

/// A batch for L1.
#[derive(Serialize)]
pub struct BatchSummary {
    file: PathBuf,
    verified: bool,
    #[serde(flatten)]
    said: Said,
    public_input: String,
    l1: stream::Summary,
    l2: stream::Summary,
}

impl BatchSummary {
    /// Decodes the file.
    pub fn read(file: &Path) -> Result<Self> {
        let no = || {
            let what = format!("{} is not a whole batch for L1", file.display());
            Advice::new(what, "ask for the file again, or prove the batch again").answer_no()
        };
        let batch = L1Batch::from_bytes(&files::read(file, files::WHOLE_FILE_BYTES)?).with_context(no)?;
        Ok(Self {
            file: file.into(),
            verified: false,
            said: Said::by(&batch),
            public_input: show_word(&batch.statement().with_context(no)?.public_input()),
            l1: stream::Summary::of(file, Stream::L1, &batch.l1)?,
            l2: stream::Summary::of(file, Stream::L2, &batch.l2)?,
        })
    }
}

impl fmt::Display for BatchSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, said, .. } = self;
        let number = said.number();
        writeln!(f, "{} is batch {number} for L1 (not verified here: see `sheaf verify`)", file.display())?;
        write!(f, "{said}")?;
        writeln!(f, "  input      {}", self.public_input)?;
        write!(f, "{}{}", self.l1, self.l2)
    }
}

/// An exit for L1.
#[derive(Serialize)]
pub struct ExitSummary {
    file: PathBuf,
    verified: bool,
    domain: Domain,
    account: AccountIndex,
    asset: AssetId,
    quanta: u64,
    program_id: String,
    root: Digest,
    public_input: String,
}

impl ExitSummary {
    /// Decodes the file.
    pub fn read(file: &Path) -> Result<Self> {
        let exit = ExitProof::from_bytes(&files::read(file, files::WHOLE_FILE_BYTES)?).with_context(|| {
            let what = format!("{} is not a whole exit", file.display());
            Advice::new(what, "make it again with `sheaf exit`").answer_no()
        })?;
        Ok(Self {
            file: file.into(),
            verified: false,
            domain: exit.domain,
            account: exit.account,
            asset: exit.asset,
            quanta: exit.amount.get(),
            program_id: show_word(&exit.program_id),
            root: exit.root,
            public_input: show_word(&exit.statement().public_input()),
        })
    }
}

impl fmt::Display for ExitSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, asset, quanta, domain, .. } = self;
        writeln!(f, "{} is an exit (not verified here: the contract does)", self.file.display())?;
        writeln!(f, "  domain     chain {}, contract {}", domain.chain_id, String::from(domain.contract))?;
        writeln!(f, "  takes      {quanta} quanta of asset {asset} out of account {account}")?;
        writeln!(f, "  root       {}", self.root)?;
        writeln!(f, "  program    {}", self.program_id)?;
        writeln!(f, "  input      {}", self.public_input)
    }
}
