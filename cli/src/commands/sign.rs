//! `sheaf sign`.

use std::fmt;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use sheaf_circuits::context::{ContractAddress, Domain};
use sheaf_circuits::hash::Digest;
use sheaf_circuits::signature::PublicKey;
use sheaf_witness::batch::lines;

use crate::commands::import::contract;
use crate::commands::keys;
use crate::failure::Advice;
use crate::printer::Printer;
use crate::{files, Answer};

/// Bytes of input, at most.
const INPUT_BYTES: u64 = 64 << 20;

/// Sign transactions
///
/// Reads transfers, withdrawals and calls of contracts, one JSON object a line, without public_key and signature, and
/// prints the same lines signed, ready to be appended to a batch. The signature is bound to the domain: the L1's chain id
/// and the rollup contract, from a genesis file or given one by one. What two accounts sign passes through here twice,
/// the second time with --second.
#[derive(Args)]
#[command(after_long_help = r#"Example:
  sheaf keys test 0xa1e4380a3b1f749673e270229993ee55f35663b4 --out test.key
  echo '{"kind":"transfer","account":65536,"nonce":1,"fee":21000,"asset":0,"to":65537,"amount":5}' \
    | sheaf sign - --key test.key --genesis demo/genesis.json >> demo/batch.jsonl

Exit codes:
  0  done
  1  a line is no transaction to sign; nothing is printed then
  2  wrong usage, or a file cannot be read"#)]
pub struct Sign {
    /// The unsigned transactions, one a line; - for stdin
    #[arg(default_value = "-")]
    transactions: PathBuf,
    /// The key file
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Sign as the second signer what the account has signed already
    #[arg(long)]
    second: bool,
    #[command(flatten)]
    domain: DomainArguments,
}

#[derive(Args)]
struct DomainArguments {
    /// Take the domain from this genesis file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["chain_id", "contract"])]
    genesis: Option<PathBuf>,
    /// The L1's chain id
    #[arg(long, value_name = "ID", requires = "contract", required_unless_present = "genesis")]
    chain_id: Option<u64>,
    /// The rollup contract
    #[arg(long, value_name = "ADDRESS", requires = "chain_id", required_unless_present = "genesis")]
    #[arg(value_parser = contract)]
    contract: Option<ContractAddress>,
}

impl DomainArguments {
    fn domain(&self) -> Result<Domain> {
        match (&self.genesis, self.chain_id, self.contract) {
            (Some(genesis), ..) => Ok(files::read_genesis(genesis)?.domain),
            (None, Some(chain_id), Some(contract)) => Ok(Domain { chain_id, contract }),
            _ => Err(Advice::new("no domain to sign for", "name --genesis, or --chain-id and --contract").into()),
        }
    }
}

impl Sign {
    /// Signs.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        let key = keys::read(&self.key)?;
        let domain = self.domain.domain()?;
        let input = files::read(&self.transactions, INPUT_BYTES)?;
        let mut signed = Vec::new();
        for (line, number) in input.split(|&byte| byte == b'\n').zip(1..) {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let no = || {
                let what = format!("line {number} of {} is no transaction to sign", self.transactions.display());
                Advice::new(what, "see `sheaf sign --help` for an example").answer_no()
            };
            let (id, transaction) = if self.second {
                let call = lines::parse_signed_once(line).with_context(no)?;
                (call.call.message(&domain), call.sign_second(&key, &domain).with_context(no)?)
            } else {
                let unsigned = lines::parse_unsigned(line).with_context(no)?;
                (unsigned.message(&domain), unsigned.sign(&key, &domain))
            };
            signed.push(Signed { id, line: lines::transaction(&transaction) });
        }
        if signed.is_empty() {
            let what = format!("{} holds no transaction", self.transactions.display());
            return Err(Advice::new(what, "see `sheaf sign --help` for an example").answer_no().into());
        }
        printer.report(&Report { public_key: *key.public(), signed })?;
        Ok(Answer::Yes)
    }
}

#[derive(Serialize)]
struct Report {
    public_key: PublicKey,
    signed: Vec<Signed>,
}

#[derive(Serialize)]
struct Signed {
    id: Digest,
    line: String,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.signed.iter().try_for_each(|signed| writeln!(f, "{}", signed.line))
    }
}
