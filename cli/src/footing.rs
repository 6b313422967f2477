//! What a batch stands on: the rollup that it is for, and the state before it.

use std::path::Path;

use anyhow::{Context as _, Result};
use sheaf_circuits::context::Context;
use sheaf_witness::genesis::{Genesis, Rollup};
use sheaf_witness::state::State;
use thiserror::Error;

use crate::data_dir::DataDir;
use crate::failure::Advice;
use crate::files;

/// Why a batch does not go on from a state.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Misplaced {
    /// Another rollup.
    #[error("the batch is for chain {batch_chain}, contract {batch_contract}, but the state is that of chain {state_chain}, contract {state_contract}")]
    Domain {
        /// The batch's chain.
        batch_chain: u64,
        /// The batch's contract.
        batch_contract: String,
        /// The state's chain.
        state_chain: u64,
        /// The state's contract.
        state_contract: String,
    },
    /// Another operator.
    #[error("the batch pays its fees to account {batch}, but the rollup's operator is account {state}")]
    Operator {
        /// The account that the batch names.
        batch: u32,
        /// The rollup's.
        state: u32,
    },
    /// Not the next batch.
    #[error("the batch has number {batch}, but the state is that after batch {state}, so the next one is {}", state + 1)]
    Number {
        /// The batch's number.
        batch: u32,
        /// The number of the last batch.
        state: u64,
    },
}

/// Checks that a batch of `context` is for `rollup`.
fn check_rollup(context: &Context, rollup: &Rollup) -> Result<(), Misplaced> {
    if context.domain != rollup.domain {
        return Err(Misplaced::Domain {
            batch_chain: context.domain.chain_id,
            batch_contract: context.domain.contract.into(),
            state_chain: rollup.domain.chain_id,
            state_contract: rollup.domain.contract.into(),
        });
    }
    if context.operator != rollup.operator {
        return Err(Misplaced::Operator { batch: context.operator.get(), state: rollup.operator.get() });
    }
    Ok(())
}

/// Checks that a batch of `context` goes on from the state of `rollup` after `batches` batches.
fn check_next(context: &Context, rollup: &Rollup, batches: u64) -> Result<(), Misplaced> {
    check_rollup(context, rollup)?;
    match u64::from(context.batch_number) == batches + 1 {
        true => Ok(()),
        false => Err(Misplaced::Number { batch: context.batch_number, state: batches }),
    }
}

/// Checks that `batch` is for `rollup`: its domain and its operator.
pub fn check_is_for(batch: &Path, context: &Context, rollup: &Rollup) -> Result<()> {
    check_rollup(context, rollup).with_context(|| misplaced(batch))
}

/// Checks that `batch` is the next one for `rollup` after `batches` batches.
pub fn check_is_next(batch: &Path, context: &Context, rollup: &Rollup, batches: u64) -> Result<()> {
    check_next(context, rollup, batches).with_context(|| misplaced(batch))
}

fn misplaced(batch: &Path) -> Advice {
    let next = "see the batch with `sheaf inspect`; take the batch or the state that belongs to the other";
    Advice::new(format_args!("{} does not go on from this state", batch.display()), next).answer_no()
}

/// The genesis for a batch: as told, or the file beside the batch.
pub fn genesis(batch: &Path, told: Option<&Path>) -> Result<Genesis> {
    files::read_genesis(&files::genesis_of(batch, told))
}

/// Opens the state of a data folder.
pub fn open_state(data: &DataDir) -> Result<State> {
    State::open(&data.state()).with_context(|| {
        let next = "`sheaf prove` makes one from a genesis; another process may have it open";
        Advice::new(format_args!("cannot open the state in {}", data.path().display()), next)
    })
}
