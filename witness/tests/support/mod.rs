//! Small worlds for tests: accounts with known keys, and batches with heavy contention, some of it invalid.

// Each test file is a crate of its own and uses a part of this.
#![allow(dead_code)]

pub mod keys;
pub mod naive;
pub mod shapes;
pub mod traffic;

use std::collections::BTreeMap;

use proptest::prelude::*;
use sheaf_circuits::account::{AccountIndex, AssetId, Cell, CellKey, Header};
use sheaf_circuits::amount::{Fee, Quanta};
use sheaf_circuits::context::{Context, ContractAddress, Domain};
use sheaf_circuits::hash::Digest;
use sheaf_circuits::transaction::{Deposit, ForcedExit, Rekey, Transaction, Transfer, Withdraw};

use sheaf_witness::state::MemoryState;

use self::naive::Naive;

/// The operator's account.
pub const OPERATOR: u32 = 1;
/// The first of the users' accounts.
pub const FIRST_USER: u32 = 10;
/// User accounts that genesis opens.
pub const USERS: u32 = 24;
/// Accounts after them are opened by deposits, or never.
pub const STRANGERS: u32 = 4;
/// Assets in use, the gas asset included.
pub const ASSETS: u16 = 4;

/// A state as a plain map.
pub type World = BTreeMap<CellKey, Cell>;

pub fn state(world: &World) -> MemoryState {
    MemoryState::with_cells(world.iter().map(|(&key, &cell)| (key, cell)).collect())
}

pub fn account(index: u32) -> AccountIndex {
    AccountIndex::new(index).unwrap()
}

pub fn asset(index: u16) -> AssetId {
    AssetId::new(index).unwrap()
}

pub fn quanta(amount: u64) -> Quanta {
    Quanta::new(amount).unwrap()
}

pub fn context() -> Context {
    Context {
        domain: Domain { chain_id: 1, contract: ContractAddress([7; 20]) },
        batch_number: 1,
        operator: account(OPERATOR),
        timestamp_s: 1_700_000_000,
    }
}

/// The operator and users, each with something of every asset.
pub fn genesis() -> World {
    genesis_of((FIRST_USER..FIRST_USER + USERS).chain([OPERATOR]))
}

pub fn genesis_of(accounts: impl IntoIterator<Item = u32>) -> World {
    let mut world = World::new();
    for index in accounts {
        let header = Header::open(keys::key_hash(index), quanta(10_000));
        world.insert(account(index).header_key(), header.to_cell());
        for slot in 1..ASSETS {
            world.insert(account(index).balance_key(asset(slot)), Cell::from_balance(quanta(1_000)));
        }
    }
    world
}

pub fn transfer(from: u32, nonce: u64, fee: u64, slot: u16, to: u32, amount: u64) -> Transaction {
    let transfer = Transfer {
        account: account(from),
        nonce,
        fee: Fee::new(fee).unwrap(),
        asset: asset(slot),
        to: account(to),
        amount: quanta(amount),
    };
    Transaction::Transfer(transfer, keys::authorize(from))
}

pub fn withdraw(from: u32, nonce: u64, fee: u64, slot: u16, amount: u64) -> Transaction {
    let withdraw = Withdraw {
        account: account(from),
        nonce,
        fee: Fee::new(fee).unwrap(),
        asset: asset(slot),
        amount: quanta(amount),
    };
    Transaction::Withdraw(withdraw, keys::authorize(from))
}

/// The same transaction with its account's signature.
pub fn signed(transaction: Transaction) -> Transaction {
    let message = |it: &Transaction| it.message(&context().domain).unwrap();
    match transaction {
        Transaction::Transfer(t, _) => Transaction::Transfer(t, keys::sign(t.account.get(), message(&transaction))),
        Transaction::Withdraw(t, _) => Transaction::Withdraw(t, keys::sign(t.account.get(), message(&transaction))),
        other => other,
    }
}

pub fn deposit(to: u32, slot: u16, amount: u64, opens: Option<Digest>) -> Transaction {
    Transaction::Deposit(Deposit { account: account(to), asset: asset(slot), amount: quanta(amount), opens })
}

pub fn rekey(index: u32, key_hash: Digest) -> Transaction {
    Transaction::Rekey(Rekey { account: account(index), key_hash })
}

pub fn forced_exit(index: u32, slot: u16) -> Transaction {
    Transaction::ForcedExit(ForcedExit { account: account(index), asset: asset(slot) })
}

/// What a generated transaction is to be; [`build`] makes it fit the state that it meets.
#[derive(Clone, Copy, Debug)]
pub enum Wish {
    Transfer {
        from: u32,
        to: u32,
        slot: u16,
        amount: u64,
        fee: u64,
    },
    Withdraw {
        from: u32,
        slot: u16,
        amount: u64,
        fee: u64,
    },
    Deposit {
        to: u32,
        slot: u16,
        amount: u64,
    },
    /// To the key that the account has: others would end its signed transactions.
    Rekey {
        account: u32,
    },
    ForcedExit {
        account: u32,
        slot: u16,
    },
    WrongNonce {
        from: u32,
        to: u32,
        off_by: u64,
    },
    Overspend {
        from: u32,
        to: u32,
        slot: u16,
    },
    SelfTransfer {
        from: u32,
    },
    WrongKey {
        from: u32,
        to: u32,
    },
    Noop,
}

/// Turns wishes into transactions, with the nonces that apply at each one's turn.
pub fn build(genesis: &World, wishes: &[Wish]) -> Vec<Transaction> {
    let mut naive = Naive::new(genesis.clone());
    let build = |wish: &Wish| {
        let transaction = naive.fit(*wish);
        naive.execute(&transaction).ok();
        transaction
    };
    wishes.iter().map(build).collect()
}

/// How accounts are picked.
#[derive(Clone, Copy, Debug)]
pub enum Traffic {
    /// Everyone pays one account, which sometimes pays back.
    Hot,
    /// Each account pays the next one: a→b→c in one batch.
    Chains,
    /// Anyone pays anyone.
    Wide,
}

/// Wishes of one kind of traffic, a few of them invalid, some with operations from L1.
pub fn wishes(
    traffic: Traffic,
    from_l1: bool,
    size: impl Into<prop::collection::SizeRange>,
) -> BoxedStrategy<Vec<Wish>> {
    let user = FIRST_USER..FIRST_USER + USERS;
    let anyone = prop_oneof![9 => FIRST_USER..FIRST_USER + USERS + STRANGERS, 1 => Just(OPERATOR)];
    let pair = match traffic {
        Traffic::Hot => prop_oneof![
            6 => user.prop_map(|from| (from, FIRST_USER)),
            1 => anyone.clone().prop_map(|to| (FIRST_USER, to)),
        ]
        .boxed(),
        Traffic::Chains => user.prop_map(|from| (from, FIRST_USER + (from + 1 - FIRST_USER) % USERS)).boxed(),
        Traffic::Wide => (anyone.clone(), anyone.clone()).boxed(),
    };
    let slot = prop_oneof![3 => Just(0), 1 => 0..ASSETS];
    let amount = prop_oneof![4 => 0u64..100, 1 => 0u64..20_000];
    let fee = 0u64..10;
    let transfer = (pair.clone(), slot.clone(), amount.clone(), fee.clone())
        .prop_map(|((from, to), slot, amount, fee)| Wish::Transfer { from, to, slot, amount, fee });
    let invalid = (pair, slot.clone(), 0..4, 1u64..4).prop_map(|((from, to), slot, which, off_by)| match which {
        0 => Wish::WrongNonce { from, to, off_by },
        1 => Wish::Overspend { from, to, slot },
        2 => Wish::SelfTransfer { from },
        _ => Wish::WrongKey { from, to },
    });
    let withdraw = (anyone.clone(), slot.clone(), amount.clone(), fee)
        .prop_map(|(from, slot, amount, fee)| Wish::Withdraw { from, slot, amount, fee });
    let l1 = (anyone, slot, amount, 0..4).prop_map(|(account, slot, amount, which)| match which {
        0 | 1 => Wish::Deposit { to: account, slot, amount },
        2 => Wish::Rekey { account },
        _ => Wish::ForcedExit { account, slot },
    });
    let wish = prop_oneof![16 => transfer, 2 => invalid, 2 => withdraw, if from_l1 { 3 } else { 0 } => l1, 1 => Just(Wish::Noop)];
    prop::collection::vec(wish, size).boxed()
}

pub fn any_traffic() -> impl Strategy<Value = Traffic> {
    prop_oneof![Just(Traffic::Hot), Just(Traffic::Chains), Just(Traffic::Wide)]
}

/// `work` on a pool of `threads` threads.
pub fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}
