//! The least that accounts must hold so that every transaction applies in order, fees included.

use std::collections::BTreeMap;

use sheaf_circuits::account::AssetId;
use sheaf_circuits::amount::Quanta;

use super::Move;

/// What each account is given of each asset.
pub(super) struct Funding {
    accounts: Vec<BTreeMap<AssetId, Purse>>,
}

/// One account's holding of one asset: what it was given, and what of that and of its income is left.
#[derive(Clone, Copy, Default)]
struct Purse {
    given: u64,
    left: u64,
}

impl Funding {
    pub fn of(accounts: usize, moves: &[Move]) -> Self {
        let mut funding = Self { accounts: vec![BTreeMap::new(); accounts] };
        for one in moves {
            match *one {
                Move::Paid(position, asset, amount) => funding.purse(position, asset).take(amount),
                Move::Got(position, asset, amount) => funding.purse(position, asset).left += amount,
            }
        }
        funding
    }

    /// What the account at `position` is given.
    pub fn balances(&self, position: usize) -> Vec<(AssetId, Quanta)> {
        let given = self.accounts[position].iter().filter(|(_, purse)| purse.given > 0);
        given.map(|(&asset, purse)| (asset, Quanta::new(purse.given).expect("scales keep totals below 2^62"))).collect()
    }

    fn purse(&mut self, position: u32, asset: AssetId) -> &mut Purse {
        self.accounts[position as usize].entry(asset).or_default()
    }
}

impl Purse {
    fn take(&mut self, amount: u64) {
        let missing = amount.saturating_sub(self.left);
        self.given += missing;
        self.left = self.left + missing - amount;
    }
}
