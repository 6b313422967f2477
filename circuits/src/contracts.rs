//! The contracts there are. Adding one is a folder here and a line in [`CONTRACTS`].

pub mod assets;
pub mod channels;
pub mod exchange;
pub mod locks;
pub mod registry;
pub mod splits;

use crate::contract::Contract;

/// Every contract. Codes of kinds, not this order, are what is published.
pub static CONTRACTS: &[&Contract] =
    &[&exchange::CONTRACT, &assets::CONTRACT, &splits::CONTRACT, &channels::CONTRACT, &locks::CONTRACT];
