//! How many L1 base units a quantum of an asset is.

use serde::Serialize;
use sheaf_circuits::account::AssetId;
use sheaf_circuits::amount::Quanta;
use sheaf_witness::genesis::{Asset, Scale};

use super::table::Coin;

/// A quantum of ETH is a gwei.
const ETH_SCALE_EXPONENT: u32 = 9;
/// 10^38 < 2^128: an amount divided by it is at most three.
const SCALE_EXPONENT_MAX: u32 = 38;

/// An asset with its scale, and what rounding took.
pub(super) struct ScaledAsset {
    id: AssetId,
    coin: Coin,
    scale: u128,
    transfers: u64,
    rounded: Vec<Rounded>,
}

/// An amount that the scale does not divide: it was rounded down.
#[derive(Clone, Debug, Serialize)]
pub struct Rounded {
    /// The line of the transfer.
    pub line: u64,
    /// Base units on the line.
    pub amount: String,
    /// Base units that rounding took.
    pub lost: String,
}

/// An asset as an import reports it.
#[derive(Clone, Debug, Serialize)]
pub struct AssetReport {
    /// Its number.
    pub id: AssetId,
    /// `ETH`, or the token's address.
    pub coin: String,
    /// Base units in a quantum, a power of ten.
    pub scale: String,
    /// Payments of it in the batch, by transfers and swaps.
    pub transfers: u64,
    /// Payments that were rounded down.
    pub rounded: Vec<Rounded>,
}

impl ScaledAsset {
    /// Chooses the smallest power of ten (for ETH from a gwei on) under which each amount is below 2^56, and all
    /// together with `fees` below 2^61: what accounts are funded with is never more than that, and as much is left for
    /// pools.
    pub fn new(number: u16, coin: Coin, amounts: &[u128], fees: u64) -> Self {
        let largest = amounts.iter().copied().max().unwrap_or(0);
        let fits = |exponent: u32| {
            let scale = 10u128.pow(exponent);
            largest / scale <= Quanta::MAX_TRANSFER.get().into()
                && amounts.iter().map(|amount| amount / scale).sum::<u128>() + u128::from(fees)
                    <= u128::from(Quanta::MAX.get() / 2)
        };
        let first = if coin == Coin::Eth { ETH_SCALE_EXPONENT } else { 0 };
        let exponent = (first..SCALE_EXPONENT_MAX).find(|&exponent| fits(exponent)).unwrap_or(SCALE_EXPONENT_MAX);
        Self {
            id: AssetId::new(number).expect("no more assets are numbered than there are"),
            coin,
            scale: 10u128.pow(exponent),
            transfers: 0,
            rounded: Vec::new(),
        }
    }

    /// `amount` base units in quanta, rounded down.
    pub fn floor(&self, amount: u128) -> Quanta {
        let quanta = u64::try_from(amount / self.scale).ok().and_then(Quanta::new);
        quanta.expect("the scale was chosen so that every amount fits")
    }

    /// [`Self::floor`] for what a transaction pays; notes what rounding took.
    pub fn quanta(&mut self, line: u64, amount: u128) -> Quanta {
        self.transfers += 1;
        let lost = amount % self.scale;
        if lost > 0 {
            self.rounded.push(Rounded { line, amount: amount.to_string(), lost: lost.to_string() });
        }
        self.floor(amount)
    }

    pub fn genesis(&self) -> Asset {
        let (symbol, token) = match self.coin {
            Coin::Eth => ("ETH".into(), None),
            // The table does not name tokens: the beginning of the address does.
            Coin::Token(address) => (format!("0x{}", hex::encode(&address.0[..4])), Some(address)),
        };
        Asset { id: self.id, symbol, token, scale: Scale::new(self.scale).expect("a power of ten is not zero") }
    }

    pub fn report(&self) -> AssetReport {
        AssetReport {
            id: self.id,
            coin: self.coin.to_string(),
            scale: self.scale.to_string(),
            transfers: self.transfers,
            rounded: self.rounded.clone(),
        }
    }
}
