//! The exchange: pools of two assets at a constant product, as in Uniswap V2.
//!
//! ```text
//!   pool = a header of kind 2      (reserve 0, reserve 1, shares, asset 0 + 2^12 · asset 1 + 2^24 · share asset, 0, 0, 2, 0)
//!   liquidity                      a pool with √(x·y) shares of its own; shares for their part of both reserves, and back
//!   swap                           x of one asset in, ⌊997·x·out reserve / (1000·in reserve + 997·x)⌋ of the other out
//!   route                          two swaps, of which the trader sees the ends
//! ```
//!
//! A pool is one cell, its header, so a swap on a pool that the chunk has open costs one access for it. Its reserves are
//! numbers in that cell, not balances. Shares are an asset like others, with a number that the registry keeps.
//!
//! What holds after every call: of each asset, balances and reserves together are as before; of shares, balances and the
//! 1000 that nobody holds are the pool's number; reserve 0 · reserve 1 / shares² never falls.

mod liquidity;
mod pool;
mod route;
mod swap;
#[cfg(test)]
mod tests;

pub use self::liquidity::{Liquidity, MINIMUM_SHARES};
pub use self::pool::{Pool, POOL_KIND};
pub use self::route::Route;
pub use self::swap::{amount_out, Swap};
pub(crate) use self::swap::{ShareGenerator, SideGenerator};
use crate::contract::Contract;

/// The exchange.
pub static CONTRACT: Contract = Contract {
    name: "exchange",
    about: "pools of two assets at a constant product",
    forms: &[&Swap, &Liquidity, &Route],
};
