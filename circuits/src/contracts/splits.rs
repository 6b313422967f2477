//! Splits: accounts whose income belongs to up to sixteen holders, by fixed weights.
//!
//! ```text
//!   split = a header of kind 4   (asset, total received, 0, 0, 0, 0, 4, 0)
//!           slots 1, 2           holders 0 to 7, 8 to 15: each holder + 2^24 · weight in basis points
//!           slots 3, 4           what each of them has claimed
//! ```
//!
//! Of the total T that ever came in, ⌊T · weight / 10 000⌋ is a holder's. A claim pays what of that was not claimed yet.
//! So it does not matter when and in which parts payments and claims are made: whoever has claimed all has exactly that
//! much. Less than sixteen quanta, what rounding leaves, wait in the split for the next payment.
//!
//! A split holds one asset, its weights never change, and it is never closed. The slots of holders that there are none of
//! stay absent, as do those of claims until the first.
//!
//! T stays below 2^62, so after so much a split takes no more. An asset has no more than that, but one can come and go.

mod claim;
mod create;
mod pay;
mod split;
#[cfg(test)]
mod testing;

pub use self::claim::Claim;
pub use self::create::CreateSplit;
pub use self::pay::Pay;
pub use self::split::{Split, HOLDERS, SPLIT_KIND, WHOLE_BPS};
use crate::contract::Contract;

/// Splits.
pub static CONTRACT: Contract =
    Contract { name: "splits", about: "income shared by fixed weights", forms: &[&CreateSplit, &Pay, &Claim] };
