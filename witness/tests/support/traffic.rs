//! Traffic like that of mainnet blocks, in size and shape: a few hot wallets that pay many or are paid by many, and a
//! long tail of accounts that appear once or twice; a quarter of the payments in other assets.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sheaf_circuits::account::{Cell, Header};
use sheaf_circuits::transaction::Transaction;

use super::{account, asset, keys, quanta, signed, transfer, World, OPERATOR};

/// Accounts begin here. Index n is n-th to appear.
const FIRST: u32 = 1 << 16;
const HOT_WALLETS: u32 = 10;
const OTHER_ASSETS: u16 = 20;

/// `count` payments that all apply, and the state before them.
pub fn mainnet_like(count: usize, sign: bool) -> (World, Vec<Transaction>) {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut world = World::new();
    let mut nonces = std::collections::HashMap::new();
    let mut accounts = HOT_WALLETS;
    let mut pick = |rng: &mut ChaCha8Rng| {
        if rng.gen_bool(0.55) {
            accounts += 1;
            return FIRST + accounts;
        }
        if rng.gen_bool(0.8) {
            // The hotter, the lower.
            return FIRST + (HOT_WALLETS as f64 * rng.gen::<f64>().powi(2)) as u32;
        }
        FIRST + rng.gen_range(accounts.saturating_sub(200)..=accounts)
    };
    let mut transactions = Vec::with_capacity(count);
    while transactions.len() < count {
        let (from, to) = (pick(&mut rng), pick(&mut rng));
        if from == to {
            continue;
        }
        let slot = if rng.gen_bool(0.23) { rng.gen_range(1..=OTHER_ASSETS) } else { 0 };
        for index in [from, to, OPERATOR] {
            let header = || Header::open(keys::key_hash(index), quanta(1 << 40)).to_cell();
            world.entry(account(index).header_key()).or_insert_with(header);
            if slot != 0 {
                world.insert(account(index).balance_key(asset(slot)), Cell::from_balance(quanta(1 << 40)));
            }
        }
        let nonce: &mut u64 = nonces.entry(from).or_default();
        let transaction = transfer(from, *nonce, 1, slot, to, 1);
        *nonce += 1;
        transactions.push(if sign { signed(transaction) } else { transaction });
    }
    (world, transactions)
}
