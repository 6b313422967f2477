//! Assets and tokens that users make.
//!
//! ```text
//!   asset = a cell of the registry   (supply, creator, 1, 0, name hash[4])
//!   token = a header of kind 3       (name hash[4], owner, creator + 2^24 · royalty in basis points, 3, 0)
//! ```
//!
//! An asset is divisible: a thing that many own together, or a currency. Its supply is fixed when it is created, and then
//! it is an asset like others, in slots of user accounts. A token is one thing with one owner. It is one cell, the header
//! of an account of its own, so there is room for eight million, and a sale rewrites one header.
//!
//! The name hash says what the thing is. Nothing here looks into it.

mod create;
mod sell;
mod token;

pub use self::create::Create;
pub use self::sell::Sell;
pub use self::token::{Token, MAX_ROYALTY_BPS, TOKEN_KIND};
use crate::contract::Contract;

/// Assets and tokens.
pub static CONTRACT: Contract =
    Contract { name: "assets", about: "assets and tokens that users make", forms: &[&Create, &Sell] };
