//! `sheaf import`.

use std::cmp::Reverse;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use sheaf_circuits::context::{ContractAddress, Domain};
use sheaf_circuits::hash::Digest;
use sheaf_witness::state::{MemoryState, StateRead};

use crate::failure::Advice;
use crate::import::{self, test_keys, Blocks, Options, Summary};
use crate::numbers::{Count, Counted};
use crate::printer::Printer;
use crate::{files, Answer};

/// Assets that rounding is told of in words.
const ROUNDED_SHOWN: usize = 5;

/// Make a genesis state and a signed batch from a table of mainnet transactions
///
/// The table is CSV with a heading and the columns block, kind (transfer or swap), asset_in (ETH or the token's
/// address), from, to_or_asset_out and amount_in (base units). Every address becomes an account, numbered from 65536,
/// with a key derived from the address: FOR TEST DATA ONLY, since anyone can derive it. Accounts are funded with the
/// least that lets every transaction apply in order, fees included.
///
/// An asset's scale is the smallest power of ten under which its amounts fit (ETH: 10^9 at least); amounts that it does
/// not divide are rounded down and reported. Swaps over one or two pools go to pools that a market maker opens at the
/// head of the batch, with made-up reserves. Lines that are malformed, pay the sender itself, swap over more pools or need
/// asset number 2048 are reported with their number and skipped.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  sheaf import transactions.csv --blocks 14000000..14100000 --limit 5000 --out demo
  writes demo/genesis.json and demo/batch.jsonl

Exit codes:
  0  done
  1  no line gave a transfer
  2  wrong usage, or a file cannot be read or written")]
pub struct Import {
    /// The table, - for stdin
    csv: PathBuf,
    /// Only these blocks: FIRST..LAST, both included; FIRST.., ..LAST or one block
    #[arg(long, value_name = "A..B")]
    blocks: Option<Blocks>,
    /// At most this many transfers and swaps, the first ones
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// The folder for genesis.json and batch.jsonl; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The chain id of the L1 that signatures are bound to
    #[arg(long, value_name = "ID", default_value_t = 31337)]
    chain_id: u64,
    /// The rollup contract that signatures are bound to
    #[arg(long, value_name = "ADDRESS", default_value = "0x5bea000000000000000000000000000000000001")]
    #[arg(value_parser = contract)]
    contract: ContractAddress,
    /// The time of the batch, in seconds since 1970
    #[arg(long, value_name = "SECONDS", default_value_t = 1_700_000_000)]
    timestamp: u64,
}

/// Reads a contract's address.
pub fn contract(text: &str) -> Result<ContractAddress, String> {
    ContractAddress::try_from(text.to_owned()).map_err(|error| error.to_string())
}

impl Import {
    /// Imports.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        let domain = Domain { chain_id: self.chain_id, contract: self.contract };
        let blocks = self.blocks.unwrap_or(Blocks::ALL);
        let options = Options { blocks, limit: self.limit, domain, timestamp_s: self.timestamp };
        let bar = printer.bar("signing", 0);
        let imported = import::import(files::open(&self.csv)?, &options, &bar).with_context(|| {
            let next = "see `sheaf import --help` for the columns";
            Advice::new(format_args!("cannot import {}", self.csv.display()), next)
        })?;
        let problems = &imported.summary.problems;
        printer.warn_all(problems.iter().map(|problem| format!("line {}: {}", problem.line, problem.reason)));
        if imported.batch.transactions.is_empty() {
            let what = format!("{} gave no transfer: {}", self.csv.display(), Counts(&imported.summary));
            return Err(Advice::new(what, "choose other --blocks, or another table").answer_no().into());
        }

        files::make_folder(&self.out)?;
        let [genesis, batch] = [files::GENESIS, files::BATCH].map(|name| self.out.join(name));
        files::write(&genesis, |file| file.write_all(imported.genesis.to_json().as_bytes()))?;
        files::write(&batch, |file| imported.batch.write_lines(file))?;
        let root = MemoryState::with_cells(imported.genesis.cells()).root();
        let keys = test_keys::WARNING;
        printer.report(&Report { genesis: &genesis, batch: &batch, root, keys, summary: imported.summary })?;
        Ok(Answer::Yes)
    }
}

#[derive(Serialize)]
struct Report<'a> {
    genesis: &'a Path,
    batch: &'a Path,
    root: Digest,
    keys: &'static str,
    #[serde(flatten)]
    summary: Summary,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { accounts, assets, .. } = &self.summary;
        let (accounts, count) = (Counted(*accounts as u64, "account"), Counted(assets.len() as u64, "asset"));
        writeln!(f, "Imported {}", Transfers(&self.summary))?;
        writeln!(f, "  batch     {}", self.batch.display())?;
        writeln!(f, "  genesis   {}: {accounts}, {count}", self.genesis.display())?;
        writeln!(f, "  root      {}", self.root)?;
        writeln!(f, "  keys      {}", self.keys)?;
        writeln!(f, "  rows      {}", Counts(&self.summary))?;
        let rounded: u64 = assets.iter().map(|asset| asset.rounded.len() as u64).sum();
        if rounded > 0 {
            writeln!(f, "  rounding  {} rounded down to a whole quantum:", Counted(rounded, "amount"))?;
        }
        let mut rounded: Vec<_> = assets.iter().filter(|asset| !asset.rounded.is_empty()).collect();
        rounded.sort_by_key(|asset| Reverse(asset.rounded.len()));
        for asset in rounded.iter().take(ROUNDED_SHOWN) {
            let largest = asset.rounded.iter().max_by_key(|rounded| (rounded.lost.len(), &rounded.lost));
            let Some(largest) = largest else { continue };
            writeln!(
                f,
                "            {} of {} of asset {} ({}), scale {}; at most {} base units each (line {})",
                Count(asset.rounded.len() as u64),
                Count(asset.transfers),
                asset.id,
                asset.coin,
                asset.scale,
                largest.lost,
                largest.line
            )?;
        }
        match rounded.len().saturating_sub(ROUNDED_SHOWN) {
            0 => Ok(()),
            more => writeln!(f, "            and of {}; --json lists all lines", Counted(more as u64, "more asset")),
        }
    }
}

/// "980 transfers (660 of ETH, 320 of tokens) of blocks 1 to 2".
struct Transfers<'a>(&'a Summary);

impl fmt::Display for Transfers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { gas_transfers, token_transfers, swaps, pools, .. } = *self.0;
        let all = Counted(gas_transfers + token_transfers, "transfer");
        write!(f, "{all} ({} of ETH, {} of tokens)", Count(gas_transfers), Count(token_transfers))?;
        if swaps > 0 {
            write!(f, " and {} on {}", Counted(swaps, "swap"), Counted(pools as u64, "pool"))?;
        }
        match self.0.blocks {
            Some((first, last)) => write!(f, " of blocks {first} to {last}"),
            None => Ok(()),
        }
    }
}

/// What became of the rows.
struct Counts<'a>(&'a Summary);

impl fmt::Display for Counts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { rows, not_selected, zero_amounts, rounded_to_zero, problems, .. } = self.0;
        let (rows, not_selected, refused) = (Count(*rows), Count(*not_selected), Count(problems.len() as u64));
        write!(f, "{rows} read; {not_selected} not asked for, {refused} refused")?;
        match zero_amounts + rounded_to_zero {
            0 => Ok(()),
            zero => write!(f, "; {} of nothing kept ({rounded_to_zero} by rounding)", Counted(zero, "transfer")),
        }
    }
}
