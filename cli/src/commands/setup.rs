//! `sheaf setup`.

use std::fmt;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use serde::Serialize;
use sheaf_aggregator::groth16::key::file::Header;
use sheaf_aggregator::groth16::snarkjs;
use sheaf_aggregator::groth16::{CircuitDigest, EvmVerifyingKey, Key, Origin};
use sheaf_aggregator::wrap::r1cs::R1cs;
use sheaf_aggregator::wrap::shape;

use crate::failure::Advice;
use crate::groth16::{cache, programs, KeyChoice};
use crate::numbers::{Bytes, Count};
use crate::printer::Printer;
use crate::{files, Answer};

/// Make, import and show the Groth16 keys of the circuit that L1 verifies
///
/// One key serves all programs: batches of every profile, and exits. For real use its setup is a ceremony of several
/// parties, of whom one has to be honest: export the circuit, run the ceremony with snarkjs, import its last .zkey.
#[derive(Args)]
#[command(after_long_help = "\
Example: a ceremony
  sheaf setup export sheaf.r1cs
  snarkjs groth16 setup sheaf.r1cs pot21.ptau first.zkey    # and every party contributes
  sheaf setup import last.zkey

Exit codes:
  0  done
  1  the file is not a key for this circuit
  2  wrong usage, or something in the environment is missing or broken")]
pub struct Setup {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make the INSECURE development key, if it is not there: anyone can make false proofs for it
    Dev,
    /// Write the circuit as .r1cs, for a ceremony
    Export {
        /// The file to write
        file: PathBuf,
    },
    /// Import the .zkey that a ceremony ended with
    Import {
        /// The .zkey file
        zkey: PathBuf,
    },
    /// Show the key that proofs are made with, and write its verifying key for others
    Show {
        #[command(flatten)]
        key: KeyChoice,
        /// Write the verifying key as the contract's constructor takes it, as JSON
        #[arg(long, value_name = "FILE")]
        evm: Option<PathBuf>,
        /// Write the verifying key as snarkjs takes it, as JSON
        #[arg(long, value_name = "FILE")]
        snarkjs: Option<PathBuf>,
    },
}

impl Setup {
    /// Does it.
    pub fn run(self, printer: &Printer) -> Result<Answer> {
        let start = Instant::now();
        match self.action {
            Action::Dev => {
                printer.warn(Origin::InsecureDev.warning().expect("it has one"));
                let (r1cs, _) = circuit(printer)?;
                let making = printer.spinner("development key");
                let (cache, advice) = (cache()?, || {
                    Advice::new(
                        "no key was made",
                        "free some of the disk, or name another cache folder with XDG_CACHE_HOME",
                    )
                });
                let key = cache.insecure_dev_key(&r1cs).with_context(advice)?;
                making.finish_and_clear();
                let path = cache.path(&key.verifying().circuit, Origin::InsecureDev);
                report(printer, &path, Some(start))
            }
            Action::Export { file } => {
                let (r1cs, digest) = circuit(printer)?;
                files::write(&file, |mut out| snarkjs::write_r1cs(&r1cs, &mut out))?;
                printer.report(&Exported {
                    bytes: std::fs::metadata(&file)?.len(),
                    file: &file,
                    circuit: digest.to_string(),
                    constraints: r1cs.constraints(),
                    variables: r1cs.variables(),
                })?;
                Ok(Answer::Yes)
            }
            Action::Import { zkey } => {
                let (r1cs, digest) = circuit(printer)?;
                let open = || Advice::new(format_args!("cannot open {}", zkey.display()), "check the path");
                let file = File::open(&zkey).with_context(open)?;
                let importing = printer.spinner("import");
                let key = snarkjs::import(BufReader::with_capacity(1 << 20, file), &r1cs).with_context(|| {
                    let next = format!("it must come of a ceremony over the circuit of `sheaf setup export`, {digest}");
                    Advice::new(format_args!("{} is not a key for this circuit", zkey.display()), next).answer_no()
                })?;
                let path = store(&key)?;
                importing.finish_and_clear();
                report(printer, &path, Some(start))
            }
            Action::Show { key, evm, snarkjs } => {
                let path = key.path(printer)?;
                let verifying = Header::load(&path)?.verifying;
                let json = |value: &serde_json::Value| format!("{value:#}\n");
                if let Some(file) = evm {
                    let text = json(&serde_json::to_value(EvmVerifyingKey::from(&verifying))?);
                    files::write(&file, |out| out.write_all(text.as_bytes()))?;
                }
                if let Some(file) = snarkjs {
                    let text = json(&snarkjs::verifying_key_json(&verifying));
                    files::write(&file, |out| out.write_all(text.as_bytes()))?;
                }
                report(printer, &path, None)
            }
        }
    }
}

/// The wrap's constraints, and their digest, which must be the pinned one.
fn circuit(printer: &Printer) -> Result<(R1cs, CircuitDigest)> {
    let programs = programs()?;
    let building = printer.spinner("constraints");
    let r1cs = shape::constraints(programs.common());
    let digest = CircuitDigest::of(&r1cs);
    building.finish_and_clear();
    if digest != programs.wrap() {
        let what = format!("the circuit was built as {digest}, but {} is pinned", programs.wrap());
        return Err(Advice::new(what, "this is a fault of sheaf: please report it").into());
    }
    Ok((r1cs, digest))
}

fn store(key: &Key) -> Result<PathBuf> {
    cache()?.store(key).context(Advice::new("the key cannot be kept", "free some of the disk"))
}

fn report(printer: &Printer, path: &Path, start: Option<Instant>) -> Result<Answer> {
    let unreadable = || Advice::new(format_args!("cannot read {}", path.display()), "make or import the key again");
    let header = Header::load(path).with_context(unreadable)?;
    printer.report(&Shown {
        key: path,
        circuit: header.verifying.circuit.to_string(),
        origin: header.verifying.origin.to_string(),
        insecure: header.verifying.origin.warning().is_some(),
        bytes: header.file_bytes(),
        variables: header.variables,
        seconds: start.map(|start| start.elapsed().as_secs_f64()),
    })?;
    Ok(Answer::Yes)
}

#[derive(Serialize)]
struct Exported<'a> {
    file: &'a Path,
    circuit: String,
    constraints: usize,
    variables: usize,
    bytes: u64,
}

impl fmt::Display for Exported<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({})", self.file.display(), Bytes(self.bytes))?;
        writeln!(f, "  circuit        {} (sha256sum of the file)", self.circuit)?;
        writeln!(f, "  constraints    {}", Count(self.constraints as u64))?;
        writeln!(f, "  variables      {}", Count(self.variables as u64))
    }
}

#[derive(Serialize)]
struct Shown<'a> {
    key: &'a Path,
    circuit: String,
    origin: String,
    insecure: bool,
    bytes: u64,
    variables: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({})", self.key.display(), Bytes(self.bytes))?;
        writeln!(f, "  circuit        {}, {} variables", self.circuit, Count(self.variables as u64))?;
        let note = if self.insecure { ": INSECURE, for development only" } else { "" };
        writeln!(f, "  origin         {}{note}", self.origin)?;
        if let Some(seconds) = self.seconds {
            writeln!(f, "  took           {seconds:.1} s")?;
        }
        Ok(())
    }
}
