//! `sheaf deploy`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use sheaf_aggregator::groth16::{EvmVerifyingKey, Origin};
use sheaf_aggregator::pipeline::{Program, Programs};
use sheaf_circuits::account::{AccountIndex, AssetId};
use sheaf_circuits::context::ContractAddress;
use sheaf_circuits::security::Profile;
use sheaf_verifier_contract::client::{
    rollup_call, verifier_call, Address, Call, Config, Mined, Node, ProgramIds, Rollup, Sender, VerifyingKey, B256,
    U256,
};
use sheaf_witness::genesis::{Asset, Genesis, GenesisAccount, Scale};
use sheaf_witness::state::{MemoryState, StateRead};

use crate::failure::Advice;
use crate::groth16::KeyChoice;
use crate::l1::{
    self, parse_address, show_word, AssetEntry, Deployment, NodeArguments, SendingArguments, DEPLOYMENT_FORMAT,
};
use crate::numbers::{Count, Counted};
use crate::printer::Printer;
use crate::{files, groth16, Answer};

/// Bytes of a verifying key's file, at most.
const KEY_BYTES: u64 = 1 << 20;
/// Owners that are listed in one transaction: 47 000 gas each.
const OWNERS_AT_ONCE: usize = 200;

/// Deploy a rollup on L1
///
/// Makes the verifier and the rollup, adds the genesis state's assets, lists the owners of its accounts, pays for what it
/// holds, and launches. Who deploys owns the rollup, and submits batches unless --operator names another. Then the
/// deployment's description and the genesis, with the rollup as its domain, are written.
///
/// After an interruption, the same command goes on: nothing is deployed twice.
#[derive(Args)]
#[command(after_long_help = "\
Example:
  sheaf deploy --genesis demo/genesis.json --out rollup.json --rpc-url http://127.0.0.1:8545 \\
    --keystore owner.json --password-file password

Exit codes:
  0  deployed and launched
  1  the genesis or the key is not valid, or a contract refuses
  2  wrong usage, or the node or the key cannot be used")]
pub struct Deploy {
    /// The genesis state; its domain is set to the rollup's
    #[arg(long, value_name = "FILE")]
    genesis: PathBuf,
    /// Where the genesis with the rollup's domain is written [default: over --genesis]
    #[arg(long, value_name = "FILE")]
    genesis_out: Option<PathBuf>,
    /// How sound the batches' proofs have to be; `fast` is for development and tests
    #[arg(long, value_name = "PROFILE", default_value_t = Profile::Proven)]
    security: Profile,
    #[command(flatten)]
    key: KeyChoice,
    /// Deploy a development key or the program of the `fast` profile on a chain that is not for development: WHOEVER WANTS
    /// CAN TAKE ALL FUNDS
    #[arg(long)]
    allow_insecure: bool,
    /// Deploy though accounts of the genesis that hold something have no owner on L1: what they withdraw can never be
    /// claimed
    #[arg(long)]
    allow_ownerless: bool,
    /// A verifying key as JSON, as `sheaf setup show --evm` writes it [default: that of the Groth16 key]
    #[arg(long, value_name = "FILE", conflicts_with = "groth16_key")]
    verifying_key: Option<PathBuf>,
    /// The program of batches, 64 hexadecimal digits [default: this version's]
    #[arg(long, value_name = "HEX", value_parser = l1::word)]
    batch_program: Option<[u8; 32]>,
    /// The program of exits, 64 hexadecimal digits [default: this version's]
    #[arg(long, value_name = "HEX", value_parser = l1::word)]
    exit_program: Option<[u8; 32]>,
    /// Where the deployment's description is written; must not exist
    #[arg(long, value_name = "FILE", default_value = "rollup.json")]
    out: PathBuf,
    /// Who submits batches [default: who deploys]
    #[arg(long, value_name = "ADDRESS", value_parser = l1::address)]
    operator: Option<Address>,
    /// The account on L2 that fees go to [default: the genesis state's]
    #[arg(long, value_name = "INDEX")]
    operator_index: Option<u32>,
    /// Wei that a request costs
    #[arg(long, value_name = "WEI", default_value_t = 1_000_000_000_000)]
    request_fee: u64,
    /// Seconds in which a request must be taken, an hour to 30 days
    #[arg(long, value_name = "SECONDS", default_value_t = 3 * 86_400)]
    deadline: u64,
    /// Seconds of notice before programs change, at least twice the deadline
    #[arg(long, value_name = "SECONDS", default_value_t = 7 * 86_400)]
    notice: u64,
    /// Wei in a quantum of asset 0 [default: the genesis state's]
    #[arg(long, value_name = "WEI")]
    coin_scale: Option<Scale>,
    /// An asset's contract and base units in a quantum; over what the genesis says
    #[arg(long = "asset", value_name = "N=TOKEN:SCALE")]
    assets: Vec<AssetArgument>,
    #[command(flatten)]
    node: NodeArguments,
    #[command(flatten)]
    sending: SendingArguments,
}

/// An asset on the command line.
#[derive(Clone)]
struct AssetArgument {
    id: AssetId,
    token: Address,
    scale: Scale,
}

impl FromStr for AssetArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('=').and_then(|(id, rest)| Some((id, rest.split_once(':')?)));
        let (id, (token, scale)) = parts.ok_or("expected N=TOKEN:SCALE")?;
        let id = id.parse().ok().and_then(AssetId::new).filter(|id| !id.is_gas());
        Ok(Self {
            id: id.ok_or("the number is not one of 1 to 2047")?,
            token: parse_address(token).ok_or("the token is not 0x and 40 hexadecimal digits")?,
            scale: scale.parse().map_err(|error| format!("{error}"))?,
        })
    }
}

impl Deploy {
    /// Deploys.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        l1::require_new(&self.out)?;
        let mut genesis = self.read_genesis()?;
        let pinned = groth16::programs()?;
        let key = self.verifying_key(&pinned, printer)?;
        let programs = self.programs(&pinned);
        let node = self.node.connect()?;
        if !l1::is_development(&node) && !self.allow_insecure {
            require_secure(&pinned, &key, programs)?;
        }
        let mut sender = self.sending.sender(&node, printer)?;
        self.find_owners(&mut genesis, sender.address())?;
        let mut done = Vec::new();

        let verifier = step(&mut sender, &mut done, &verifier_call(&key))?;
        let config = self.config(&genesis, programs, created(&verifier)?, sender.address());
        let made = step(&mut sender, &mut done, &rollup_call(&config))?;
        let rollup = Rollup::at(&node, created(&made)?);
        let scaled = genesis.assets.iter().filter_map(|asset| asset.token.map(|token| (asset, token)));
        for (asset, token) in scaled {
            let call = rollup.add_asset(asset.id, Address::from(token.0), asset.scale.get());
            step(&mut sender, &mut done, &call)?;
        }
        list_owners(&genesis, &rollup, &mut sender, &mut done)?;
        fund(&genesis, &rollup, &mut sender, &mut done)?;
        step(&mut sender, &mut done, &rollup.launch())?;

        genesis.domain = rollup.domain();
        let deployment = self.describe(&genesis, &config, &node, &rollup, made.block, key.origin());
        let genesis_out = self.genesis_out.as_ref().unwrap_or(&self.genesis);
        files::write(genesis_out, |file| file.write_all(genesis.to_json().as_bytes()))?;
        deployment.write(&self.out)?;
        let gas = done.iter().map(|mined| mined.gas_used).sum();
        let report = Report { file: &self.out, genesis: genesis_out, transactions: done.len(), gas, deployment };
        printer.report(&report)?;
        // Only now: a crash before finds all transactions again.
        done.iter().try_for_each(|mined| sender.forget(mined.id)).map_err(l1::explain)?;
        Ok(Answer::Yes)
    }

    /// The genesis as the options change it, with nothing that L1 cannot have.
    fn read_genesis(&self) -> Result<Genesis> {
        let mut genesis = files::read_genesis(&self.genesis)?;
        let no = |what: String, next: &str| Err(Advice::new(what, next).answer_no().into());
        if let Some(account) = genesis.first_l1_account() {
            let what = format!("account {account} of the genesis is one that the L1 contract gives out");
            return no(what, "give the genesis accounts indices below 65536");
        }
        if let Some(index) = self.operator_index {
            let operator = AccountIndex::new(index);
            genesis.operator =
                operator.ok_or_else(|| Advice::new("--operator-index is out of range", "name one below 65536"))?;
        }
        for asset in &mut genesis.assets {
            if let Some(scale) = self.coin_scale.filter(|_| asset.id.is_gas()) {
                asset.scale = scale;
            }
        }
        for AssetArgument { id, token, scale } in &self.assets {
            genesis.assets.retain(|asset| asset.id != *id);
            let token = Some(ContractAddress((*token).into()));
            genesis.assets.push(Asset { id: *id, symbol: format!("ASSET{id}"), token, scale: *scale });
        }
        genesis.check().with_context(|| {
            Advice::new("the genesis is not valid with these options", "change the options").answer_no()
        })?;
        Ok(genesis)
    }

    /// Whoever submits batches owns the account that their fees go to, unless somebody does. All accounts that hold
    /// something need an owner: nobody else can claim what they withdraw, nor leave with it after a freeze.
    fn find_owners(&self, genesis: &mut Genesis, deployer: Address) -> Result<()> {
        let operator = Some(ContractAddress(self.operator.unwrap_or(deployer).into()));
        let has_account = genesis.accounts.iter().any(|account| account.owner == operator);
        let fees = genesis.operator;
        for account in genesis.accounts.iter_mut().filter(|account| account.index == fees) {
            if account.owner.is_none() && !has_account {
                account.owner = operator;
            }
        }
        let holds = |account: &&GenesisAccount| account.balances.iter().any(|(_, held)| held.get() != 0);
        let ownerless = genesis.accounts.iter().filter(holds).find(|account| account.owner.is_none());
        match ownerless.filter(|_| !self.allow_ownerless) {
            None => Ok(()),
            Some(account) => {
                let what = format!("account {} of the genesis holds something and has no owner on L1", account.index);
                let next =
                    "give each its `owner` in the genesis file, or allow what can never be claimed: --allow-ownerless";
                Err(Advice::new(what, next).answer_no().into())
            }
        }
    }

    /// The key that the contract will verify with.
    fn verifying_key(&self, pinned: &Programs, printer: &Printer) -> Result<VerifyingKey> {
        let (json, from) = match &self.verifying_key {
            Some(file) => (files::read(file, KEY_BYTES)?, file.clone()),
            None => {
                let wrapper = self.key.wrapper(printer)?;
                let json = serde_json::to_vec(&EvmVerifyingKey::from(wrapper.verifying_key()))?;
                (json, wrapper.key().to_owned())
            }
        };
        let key = VerifyingKey::from_json(&json).with_context(|| {
            Advice::new(format_args!("{} is not a verifying key", from.display()), "name the JSON of one").answer_no()
        })?;
        let expected = pinned.wrap().to_string();
        if key.circuit() != expected {
            let what =
                format!("the key is for circuit {}, expected {expected}: no proof would ever verify", key.circuit());
            return Err(Advice::new(what, "make or import a key for this version: `sheaf setup`").answer_no().into());
        }
        if key.origin() == "dev" && self.verifying_key.is_some() {
            printer.warn(Origin::InsecureDev.warning().expect("it has one"));
        }
        Ok(key)
    }

    /// The programs that the contract will take proofs of.
    fn programs(&self, pinned: &Programs) -> ProgramIds {
        let id =
            |told: Option<[u8; 32]>, program| told.unwrap_or_else(|| pinned.verifier(program).program_id().to_bytes());
        ProgramIds {
            batch: id(self.batch_program, Program::Batch(self.security)),
            exit: id(self.exit_program, Program::Exit),
        }
    }

    fn config(&self, genesis: &Genesis, programs: ProgramIds, verifier: Address, owner: Address) -> Config {
        let coin = genesis.assets.iter().find(|asset| asset.id.is_gas());
        Config {
            verifier,
            owner,
            operator: self.operator.unwrap_or(owner),
            operator_index: genesis.operator,
            genesis_root: MemoryState::with_cells(genesis.cells()).root(),
            programs,
            coin_scale: coin.map_or(0, |coin| coin.scale.get()),
            request_fee: U256::from(self.request_fee),
            request_deadline_s: self.deadline,
            program_notice_s: self.notice,
        }
    }

    fn describe(
        &self,
        genesis: &Genesis,
        config: &Config,
        node: &Node,
        rollup: &Rollup<'_>,
        block: u64,
        key_origin: &str,
    ) -> Deployment {
        let asset = |asset: &Asset| AssetEntry {
            id: asset.id.get(),
            token: asset.token.map(|token| Address::from(token.0)),
            scale: asset.scale.to_string(),
        };
        Deployment {
            format: DEPLOYMENT_FORMAT.into(),
            chain_id: node.chain_id(),
            rollup: rollup.address(),
            verifier: config.verifier,
            block,
            key_origin: key_origin.into(),
            batch_program: show_word(&config.programs.batch),
            exit_program: show_word(&config.programs.exit),
            owner: config.owner,
            operator: config.operator,
            operator_index: config.operator_index.get(),
            genesis_root: config.genesis_root,
            request_fee_wei: config.request_fee.to_string(),
            request_deadline_s: self.deadline,
            program_notice_s: self.notice,
            assets: genesis.assets.iter().map(asset).collect(),
        }
    }
}

/// Nothing that lets others make false proofs.
fn require_secure(pinned: &Programs, key: &VerifyingKey, programs: ProgramIds) -> Result<()> {
    let next = "on a testnet, where nothing is at stake: --allow-insecure";
    if key.origin() == "dev" {
        let what = "the key is for development, and this chain is not";
        return Err(Advice::new(what, format_args!("import a ceremony's with `sheaf setup import`; {next}")).into());
    }
    let fast = pinned.verifier(Program::Batch(Profile::Fast)).program_id();
    if programs.batch == fast.to_bytes() {
        let what = "the program takes proofs of the `fast` profile, which is for development, and this chain is not";
        return Err(Advice::new(what, format_args!("deploy with --security proven; {next}")).into());
    }
    Ok(())
}

fn step(sender: &mut Sender<'_>, done: &mut Vec<Mined>, call: &Call) -> Result<Mined> {
    let mined = l1::send(sender, call)?;
    done.push(mined.clone());
    Ok(mined)
}

fn created(mined: &Mined) -> Result<Address> {
    mined.created.ok_or_else(|| {
        let what = format!("transaction {} made no contract", mined.hash);
        Advice::new(what, "the node's receipts are wrong: use another node").into()
    })
}

fn list_owners(genesis: &Genesis, rollup: &Rollup<'_>, sender: &mut Sender<'_>, done: &mut Vec<Mined>) -> Result<()> {
    let owned = genesis.accounts.iter().filter_map(|account| Some((account.index, Address::from(account.owner?.0))));
    let owned: Vec<_> = owned.collect();
    for part in owned.chunks(OWNERS_AT_ONCE) {
        step(sender, done, &rollup.list_genesis_accounts(part))?;
    }
    Ok(())
}

/// Pays for what the genesis state holds of each asset that is on L1.
fn fund(genesis: &Genesis, rollup: &Rollup<'_>, sender: &mut Sender<'_>, done: &mut Vec<Mined>) -> Result<()> {
    for asset in genesis.assets.iter().filter(|asset| asset.id.is_gas() || asset.token.is_some()) {
        let balances = genesis.accounts.iter().flat_map(|account| &account.balances);
        let quanta: U256 = balances.filter(|(id, _)| *id == asset.id).map(|(_, held)| U256::from(held.get())).sum();
        let amount = quanta * U256::from(asset.scale.get());
        if amount.is_zero() {
            continue;
        }
        let call = rollup.fund_genesis(asset.id, amount);
        if let Some(token) = asset.token {
            l1::approve(rollup, sender, Address::from(token.0), amount, &call)?;
        }
        step(sender, done, &call)?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Report<'a> {
    file: &'a Path,
    genesis: &'a Path,
    transactions: usize,
    gas: u64,
    deployment: Deployment,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Deployment { rollup, verifier, chain_id, block, operator, operator_index, .. } = &self.deployment;
        writeln!(f, "the rollup is {rollup} on chain {chain_id}, from block {} on", Count(*block))?;
        writeln!(f, "  verifier     {verifier}, with a key of origin {}", self.deployment.key_origin)?;
        writeln!(f, "  root         {}", B256::from(self.deployment.genesis_root.to_bytes()))?;
        writeln!(f, "  operator     {operator}, fees go to account {operator_index}")?;
        writeln!(f, "  assets       {}", self.deployment.assets.len())?;
        let transactions = Counted(self.transactions as u64, "transaction");
        writeln!(f, "  cost         {} gas in {transactions}", Count(self.gas))?;
        writeln!(f, "  written      {} and {}", self.file.display(), self.genesis.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assets_on_the_command_line() {
        let token = format!("0x{}", "11".repeat(20));
        let asset: AssetArgument = format!("3={token}:1000").parse().unwrap();
        assert_eq!((asset.id.get(), asset.scale.get()), (3, 1000));
        for wrong in ["3", "0=0x11:1", "3=0x11:1", &format!("3={token}:0"), &format!("x={token}:1")] {
            assert!(wrong.parse::<AssetArgument>().is_err(), "{wrong}");
        }
    }
}
