//! Submitting a batch: what the contract would refuse is told before, with both values; a batch that is there already is
//! a success.

use std::time::{SystemTime, UNIX_EPOCH};

use alloy::primitives::B256;
use thiserror::Error;

use super::node::NodeError;
use super::reader::{ReadError, Reader};
use super::rollup::{Phase, Rollup};
use super::sender::{Mined, SendError, Sender};
use crate::L1Batch;

/// Seconds that a batch may be ahead of L1's clock: `Batches.MAX_AHEAD_S`.
const MAX_AHEAD_S: u64 = 5 * 60;
/// Seconds that it may be behind: `Batches.MAX_AGE_S`.
const MAX_AGE_S: u64 = 24 * 3600;

/// What became of a batch.
#[derive(Clone, Debug)]
pub enum Submitted {
    /// The contract took it now.
    Accepted(Mined),
    /// It had it already.
    Already {
        /// The transaction that it came in.
        transaction: B256,
        /// Its block.
        block: u64,
    },
}

/// Submits `batch`, unless it is there already. `reader` looks for it.
pub fn submit(
    sender: &mut Sender<'_>,
    rollup: &Rollup<'_>,
    reader: &Reader<'_>,
    batch: &L1Batch,
) -> Result<Submitted, SubmitError> {
    let call = rollup.submit_batch(batch);
    // What an earlier run began is waited for, whatever the contract says by now: it may have that very batch.
    if !sender.has_begun(&call) {
        if let Some(submitted) = preflight(rollup, reader, batch)? {
            return Ok(submitted);
        }
    }
    match sender.send(&call) {
        Ok(mined) => Ok(Submitted::Accepted(mined)),
        // Somebody was faster, or another machine of the operator's was.
        Err(error @ SendError::Reverted { .. }) => match already(rollup, reader, batch) {
            Ok(Some(submitted)) => Ok(submitted),
            _ => Err(error.into()),
        },
        Err(error) => Err(error.into()),
    }
}

/// Whether the contract would take `batch` now: an error if not, and where it is if it is there.
pub fn preflight(rollup: &Rollup<'_>, reader: &Reader<'_>, batch: &L1Batch) -> Result<Option<Submitted>, SubmitError> {
    let (domain, ours) = (batch.context.domain, rollup.domain());
    if domain.chain_id != ours.chain_id {
        return Err(Misfit::Chain { batch: domain.chain_id, node: ours.chain_id }.into());
    }
    if domain.contract != ours.contract {
        return Err(Misfit::Contract { batch: domain.contract.into(), rollup: ours.contract.into() }.into());
    }
    if !rollup.exists()? {
        return Err(Misfit::NoContract { rollup: ours.contract.into(), chain: ours.chain_id }.into());
    }
    if let Some(submitted) = already(rollup, reader, batch)? {
        return Ok(Some(submitted));
    }
    let progress = rollup.progress()?;
    if progress.phase != Phase::Live {
        return Err(Misfit::Phase { phase: progress.phase }.into());
    }
    let next = progress.batch_number.saturating_add(1);
    if batch.context.batch_number != next {
        return Err(Misfit::Number { batch: batch.context.batch_number, next }.into());
    }
    let root = rollup.state_root()?;
    if batch.pre_root.to_bytes() != root {
        return Err(Misfit::Root { batch: batch.pre_root.to_bytes().into(), contract: root.into() }.into());
    }
    let program = rollup.programs()?.batch;
    if batch.program_id != program {
        return Err(Misfit::Program { batch: batch.program_id.into(), contract: program.into() }.into());
    }
    let operator = rollup.operator_index()?;
    if batch.context.operator.get() != operator {
        return Err(Misfit::Operator { batch: batch.context.operator.get(), contract: operator }.into());
    }
    let now = rollup.node().head()?.timestamp_s;
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).map_or(now, |time| time.as_secs());
    let earliest = now.saturating_sub(MAX_AGE_S).max(progress.timestamp_s);
    // The block that will have it is later than the newest one.
    let latest = now.max(clock).saturating_add(MAX_AHEAD_S);
    let timestamp = batch.context.timestamp_s;
    if timestamp < earliest || timestamp > latest {
        return Err(Misfit::Timestamp { batch: timestamp, earliest, latest }.into());
    }
    Ok(None)
}

/// Where `batch` is on L1, if it is there. Another batch in its place is an error.
fn already(rollup: &Rollup<'_>, reader: &Reader<'_>, batch: &L1Batch) -> Result<Option<Submitted>, SubmitError> {
    let number = batch.context.batch_number;
    if rollup.progress()?.batch_number < number {
        return Ok(None);
    }
    let Some((transaction, block, there)) = reader.accepted(number)? else {
        return Err(SubmitError::NoEvent { number });
    };
    let ours = [batch.pre_root, batch.post_root, batch.da_commit].map(|digest| B256::from(digest.to_bytes()));
    match there == ours {
        true => Ok(Some(Submitted::Already { transaction, block })),
        false => Err(Misfit::OtherBatch { number, transaction, batch: ours[1], contract: there[1] }.into()),
    }
}

/// Why a batch does not fit what the contract expects.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Misfit {
    /// Another chain.
    #[error("the batch is for chain {batch}, the node is of chain {node}")]
    Chain {
        /// The batch's.
        batch: u64,
        /// The node's.
        node: u64,
    },
    /// Another rollup.
    #[error("the batch is for the rollup {batch}, not for {rollup}")]
    Contract {
        /// The batch's.
        batch: String,
        /// The one asked.
        rollup: String,
    },
    /// Nothing is there.
    #[error("there is no contract at {rollup} on chain {chain}")]
    NoContract {
        /// Where.
        rollup: String,
        /// On which chain.
        chain: u64,
    },
    /// The rollup takes no batches.
    #[error("the rollup takes no batches: it is in phase {phase:?}, expected Live")]
    Phase {
        /// What it is in.
        phase: Phase,
    },
    /// Not the next batch.
    #[error("the batch has number {batch}, the contract expects {next}")]
    Number {
        /// The batch's.
        batch: u32,
        /// The next one's.
        next: u32,
    },
    /// Another batch has its number.
    #[error(
        "the contract has another batch {number}, from transaction {transaction}: this one ends at root {batch}, that \
         one at {contract}"
    )]
    OtherBatch {
        /// The number.
        number: u32,
        /// The other one's transaction.
        transaction: B256,
        /// The root that this one ends at.
        batch: B256,
        /// The root that the other one ends at.
        contract: B256,
    },
    /// It begins from another state.
    #[error("the batch begins from root {batch}, the contract is at {contract}")]
    Root {
        /// The batch's.
        batch: B256,
        /// The contract's.
        contract: B256,
    },
    /// Its proof is of another program.
    #[error("the proof is of program {batch}, the contract takes {contract}")]
    Program {
        /// The batch's.
        batch: B256,
        /// The contract's.
        contract: B256,
    },
    /// Its fees go elsewhere.
    #[error("the batch pays its fees to account {batch}, the contract expects account {contract}")]
    Operator {
        /// The batch's.
        batch: u32,
        /// The contract's.
        contract: u32,
    },
    /// It was sealed too early or too late.
    #[error("the batch was sealed at {batch}, the contract takes {earliest} to {latest} (seconds since 1970)")]
    Timestamp {
        /// The batch's.
        batch: u64,
        /// The earliest.
        earliest: u64,
        /// The latest.
        latest: u64,
    },
}

/// Why a batch was not submitted.
#[derive(Debug, Error)]
pub enum SubmitError {
    /// The contract would refuse it.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// The contract has a batch of this number, but its event is not found.
    #[error("the contract has a batch {number}, but no event of it is found from the deployment's block on")]
    NoEvent {
        /// The number.
        number: u32,
    },
    /// The node.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// L1 cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It was not sent.
    #[error(transparent)]
    Send(#[from] SendError),
}
