//! The least that accounts must hold so that every transfer applies in order, fees included.

use std::collections::BTreeMap;

use sheaf_circuits::account::{AccountIndex, AssetId, FIRST_L1_ACCOUNT};
use sheaf_circuits::amount::Quanta;
use sheaf_circuits::transaction::Transfer;

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
    pub fn of(accounts: usize, transfers: &[Transfer]) -> Self {
        let mut funding = Self { accounts: vec![BTreeMap::new(); accounts] };
        for transfer in transfers {
            funding.purse(transfer.account, AssetId::GAS).take(transfer.fee.quanta());
            funding.purse(transfer.account, transfer.asset).take(transfer.amount.get());
            funding.purse(transfer.to, transfer.asset).left += transfer.amount.get();
        }
        funding
    }

    /// What the account at `position` is given.
    pub fn balances(&self, position: usize) -> Vec<(AssetId, Quanta)> {
        let given = self.accounts[position].iter().filter(|(_, purse)| purse.given > 0);
        given.map(|(&asset, purse)| (asset, Quanta::new(purse.given).expect("scales keep totals below 2^62"))).collect()
    }

    fn purse(&mut self, account: AccountIndex, asset: AssetId) -> &mut Purse {
        self.accounts[(account.get() - FIRST_L1_ACCOUNT) as usize].entry(asset).or_default()
    }
}

impl Purse {
    fn take(&mut self, amount: u64) {
        let missing = amount.saturating_sub(self.left);
        self.given += missing;
        self.left = self.left + missing - amount;
    }
}
