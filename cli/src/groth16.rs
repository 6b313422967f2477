//! Which Groth16 key a verb uses.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use sheaf_aggregator::groth16::key::cache::{user_cache, KeyCache};
use sheaf_aggregator::groth16::key::file::Header;
use sheaf_aggregator::groth16::{CircuitDigest, Origin};
use sheaf_aggregator::pipeline::{Programs, Settlement, Wrapper};
use sheaf_circuits::security::Profile;

use crate::failure::Advice;
use crate::printer::Printer;

/// The option that names a key.
#[derive(Args, Clone, Debug, Default)]
pub struct KeyChoice {
    /// The Groth16 key's file [default: the imported one in the user's cache folder, else the development key there]
    #[arg(long, value_name = "FILE")]
    groth16_key: Option<PathBuf>,
}

impl KeyChoice {
    /// The key's file. Warns if it is a development key.
    pub fn path(&self, printer: &Printer) -> Result<PathBuf> {
        let path = match &self.groth16_key {
            Some(path) => path.clone(),
            None => cached()?,
        };
        let header = Header::load(&path).with_context(|| {
            Advice::new(format_args!("cannot use the key {}", path.display()), "make or import it again: `sheaf setup`")
        })?;
        if let Some(warning) = header.verifying.origin.warning() {
            printer.warn(warning);
        }
        Ok(path)
    }

    /// What wraps with the key, if one is named or in the cache.
    pub fn wrapper_if_any(&self, printer: &Printer) -> Result<Option<Wrapper>> {
        if self.groth16_key.is_none() && cached().is_err() {
            return Ok(None);
        }
        self.wrapper(printer).map(Some)
    }

    /// What wraps with the key.
    pub fn wrapper(&self, printer: &Printer) -> Result<Wrapper> {
        let path = self.path(printer)?;
        let unusable = || {
            let next = "make or import a key for this version: `sheaf setup`";
            Advice::new(format_args!("cannot use the key {}", path.display()), next)
        };
        Wrapper::open(&path).with_context(unusable)
    }

    /// The way of a profile's batches to L1 with the key.
    pub fn settlement(&self, security: Profile, printer: &Printer) -> Result<Settlement> {
        let settlement = Settlement::new(security, self.wrapper(printer)?)
            .context(Advice::new("this program's pinned circuits are damaged", "install sheaf anew"))?;
        Ok(settlement.keep_in(circuits_folder()?))
    }
}

/// The pinned programs and the wrap's digest.
pub fn programs() -> Result<Programs> {
    Programs::load().context(Advice::new("this program's pinned circuits are damaged", "install sheaf anew"))
}

/// The user's folder of keys.
pub fn cache() -> Result<KeyCache> {
    KeyCache::of_user().with_context(no_place)
}

fn no_place() -> Advice {
    Advice::new("there is no place for keys", "set HOME")
}

/// The user's folder of built circuits, beside that of keys.
pub fn circuits_folder() -> Result<PathBuf> {
    Ok(user_cache().with_context(no_place)?.join("circuits"))
}

/// The key in the cache, an imported one rather than a development key.
fn cached() -> Result<PathBuf> {
    let (cache, circuit) = (cache()?, programs()?.wrap());
    let paths = [Origin::Imported, Origin::InsecureDev].map(|origin| cache.path(&circuit, origin));
    paths.into_iter().find(|path| path.exists()).ok_or_else(|| missing(&circuit).into())
}

fn missing(circuit: &CircuitDigest) -> Advice {
    Advice::new(
        format_args!("there is no Groth16 key for circuit {circuit} on this machine"),
        "`sheaf setup import` takes a ceremony's; `sheaf setup dev` makes an insecure one for development, once",
    )
}
