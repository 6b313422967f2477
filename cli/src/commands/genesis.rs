//! `sheaf genesis`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use serde::Serialize;
use sheaf_circuits::account::{AccountIndex, AssetId};
use sheaf_circuits::amount::Quanta;
use sheaf_circuits::context::{ContractAddress, Domain};
use sheaf_circuits::hash::Digest;
use sheaf_witness::genesis::{Asset, Genesis as GenesisState, GenesisAccount, Rollup, Scale};
use sheaf_witness::state::{MemoryState, StateRead};

use crate::commands::import::contract;
use crate::failure::Advice;
use crate::numbers::{Count, Counted};
use crate::printer::Printer;
use crate::{files, Answer};

/// Base units in a quantum of ETH: a quantum is a gwei.
const ETH_SCALE: u128 = 1_000_000_000;

/// Make, check and hash genesis states
#[derive(Args)]
#[command(after_long_help = "\
Example:
  sheaf keys new --out operator.key
  sheaf genesis make --chain-id 31337 --contract 0x5bea000000000000000000000000000000000001 \\
    --account 1:KEYHASH:0 --account 2:KEYHASH:5000000000 --out genesis.json
  sheaf genesis check genesis.json
  sheaf genesis root genesis.json

Exit codes:
  0  done
  1  the file is not a valid genesis
  2  wrong usage, or a file cannot be read or written")]
pub struct Genesis {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Check a genesis file and say what is in it
    Check {
        /// The file
        file: PathBuf,
    },
    /// Print the state root of a genesis file
    Root {
        /// The file
        file: PathBuf,
    },
    /// Make a genesis file with accounts that hold ETH
    Make(Make),
}

#[derive(Args)]
struct Make {
    /// The L1's chain id
    #[arg(long, value_name = "ID")]
    chain_id: u64,
    /// The rollup contract
    #[arg(long, value_name = "ADDRESS", value_parser = contract)]
    contract: ContractAddress,
    /// An account: its index, the hash of its public key (`sheaf keys show`), its gwei; the first is the operator's
    #[arg(long = "account", value_name = "INDEX:KEYHASH:GWEI", required = true)]
    accounts: Vec<Account>,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// An account on the command line.
#[derive(Clone)]
struct Account {
    index: AccountIndex,
    key_hash: Digest,
    balance: Quanta,
}

impl FromStr for Account {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<_> = text.split(':').collect();
        let [index, key_hash, balance] = parts[..] else { return Err("expected INDEX:KEYHASH:GWEI".into()) };
        let number = |text: &str| text.parse::<u64>().map_err(|_| format!("{text:?} is not a whole number"));
        let index = u32::try_from(number(index)?).ok().and_then(AccountIndex::new);
        Ok(Self {
            index: index.ok_or("the index is not below 2^24")?,
            key_hash: key_hash.parse().map_err(|error| format!("{error}"))?,
            balance: Quanta::new(number(balance)?).ok_or("the balance is not below 2^62")?,
        })
    }
}

impl Genesis {
    /// Makes, checks or hashes.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        let (file, genesis) = match self.action {
            Action::Check { file } => {
                let genesis = read(&file)?;
                (file, genesis)
            }
            Action::Root { file } => {
                printer.report(&Root { root: root(&read(&file)?) })?;
                return Ok(Answer::Yes);
            }
            Action::Make(make) => {
                let genesis = make.genesis();
                genesis
                    .check()
                    .with_context(|| Advice::new("this is no valid genesis", "change the --account options"))?;
                files::write(&make.out, |file| file.write_all(genesis.to_json().as_bytes()))?;
                (make.out, genesis)
            }
        };
        printer.report(&Summary::of(&file, &genesis))?;
        Ok(Answer::Yes)
    }
}

/// Reads a genesis that the user asks about: if it is none, the answer is no.
fn read(path: &Path) -> Result<GenesisState> {
    GenesisState::from_json(&files::read(path, files::WHOLE_FILE_BYTES)?).with_context(|| {
        let next = "compare it with one that `sheaf genesis make` makes";
        Advice::new(format_args!("{} is not a valid genesis", path.display()), next).answer_no()
    })
}

fn root(genesis: &GenesisState) -> Digest {
    MemoryState::with_cells(genesis.cells()).root()
}

impl Make {
    fn genesis(&self) -> GenesisState {
        let domain = Domain { chain_id: self.chain_id, contract: self.contract };
        let scale = Scale::new(ETH_SCALE).expect("it is not zero");
        let assets = vec![Asset { id: AssetId::GAS, symbol: "ETH".into(), token: None, scale }];
        let accounts = self.accounts.iter().map(|account| {
            let balance = Some((AssetId::GAS, account.balance)).filter(|(_, balance)| *balance != Quanta::ZERO);
            GenesisAccount::user(account.index, account.key_hash, balance.into_iter().collect())
        });
        let accounts: Vec<_> = accounts.collect();
        GenesisState::new(Rollup { domain, operator: accounts[0].index, assets }, accounts)
    }
}

#[derive(Serialize)]
struct Root {
    root: Digest,
}

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.root)
    }
}

/// What a genesis says, in words.
#[derive(Serialize)]
pub struct Summary {
    file: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    domain: Domain,
    operator: AccountIndex,
    accounts: usize,
    assets: usize,
    balances: usize,
    root: Digest,
    /// An account with an index that the L1 contract gives out.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_l1_account: Option<AccountIndex>,
}

impl Summary {
    /// Of `genesis`, which was read from `file`.
    pub fn of(file: &Path, genesis: &GenesisState) -> Self {
        Self {
            file: file.into(),
            note: genesis.note.clone(),
            domain: genesis.domain,
            operator: genesis.operator,
            accounts: genesis.accounts.len(),
            assets: genesis.assets.len(),
            balances: genesis.accounts.iter().map(|account| account.balances.len()).sum(),
            root: root(genesis),
            first_l1_account: genesis.first_l1_account(),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (accounts, assets) = (Counted(self.accounts as u64, "account"), Counted(self.assets as u64, "asset"));
        writeln!(f, "{} is a valid genesis state", self.file.display())?;
        writeln!(f, "  root      {}", self.root)?;
        writeln!(f, "  domain    chain {}, contract {}", self.domain.chain_id, String::from(self.domain.contract))?;
        writeln!(f, "  holds     {accounts}, {assets}, {} balances above zero", Count(self.balances as u64))?;
        writeln!(f, "  operator  account {}", self.operator)?;
        if let Some(account) = self.first_l1_account {
            let why = "its contract gives out indices from 65536 on";
            writeln!(f, "  L1        not for a rollup with an L1: {why}, and account {account} is one of them")?;
        }
        match &self.note {
            Some(note) => writeln!(f, "  note      {note}"),
            None => Ok(()),
        }
    }
}
