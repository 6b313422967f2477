//! The state tree: bulk updates in memory and over RocksDB, reading and committing cells, and single openings.
//!
//! 200 000 headers stand for the accounts of 100 000 transfers. `dense` are neighbours, as the accounts of a young
//! rollup are; `random` are spread over all 2^24, the worst case, where hardly a node is shared.

use std::hint::black_box;

use criterion::{criterion_group, criterion_main, BatchSize, Criterion, Throughput};
use plonky2::field::types::Field;
use sheaf_circuits::account::{AccountIndex, AssetId, Cell, CellKey, ACCOUNT_BITS};
use sheaf_circuits::amount::Quanta;
use sheaf_circuits::context::{ContractAddress, Domain};
use sheaf_circuits::hash::{hash_node, Digest, F};
use sheaf_witness::genesis::{Asset, Genesis, GenesisAccount, Rollup, Scale};
use sheaf_witness::state::{MemoryState, State, StateRead};

const ACCOUNTS: u64 = 200_000;

fn dense() -> Vec<AccountIndex> {
    (0..ACCOUNTS).map(|i| AccountIndex::new(i as u32).unwrap()).collect()
}

fn random() -> Vec<AccountIndex> {
    // The golden ratio spreads indices evenly and repeats none.
    let index = |i: u64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS as usize - ACCOUNT_BITS);
    let mut accounts: Vec<_> = (0..ACCOUNTS).map(|i| AccountIndex::new(index(i) as u32).unwrap()).collect();
    accounts.sort();
    accounts
}

/// New header cells, different each round.
fn cells(accounts: &[AccountIndex], round: u64) -> Vec<(CellKey, Cell)> {
    let cell = |account: &AccountIndex| Cell([F::from_canonical_u64((round << 32) + u64::from(account.get()) + 1); 8]);
    accounts.iter().map(|account| (account.header_key(), cell(account))).collect()
}

fn hashing(c: &mut Criterion) {
    c.bench_function("hash/node", |b| {
        let mut node = Digest::ZERO;
        b.iter(|| {
            node = hash_node(node, node);
            node
        });
    });
}

fn updates(c: &mut Criterion) {
    let mut group = c.benchmark_group("update in memory");
    group.sample_size(10).throughput(Throughput::Elements(ACCOUNTS));
    for (name, accounts) in [("dense", dense()), ("random", random())] {
        let state = MemoryState::with_cells(cells(&accounts, 0));
        let next = cells(&accounts, 1);
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            group.bench_function(format!("{name}, {threads} threads"), |b| {
                b.iter_batched(
                    || next.clone(),
                    |next| pool.install(|| state.prepare(next).unwrap().root()),
                    BatchSize::LargeInput,
                );
            });
        }
    }
    group.finish();
}

fn store(c: &mut Criterion) {
    let mut group = c.benchmark_group("store");
    group.sample_size(10).throughput(Throughput::Elements(ACCOUNTS));
    for (name, accounts) in [("dense", dense()), ("random", random())] {
        let dir = tempfile::tempdir().unwrap();
        let state = State::create(&dir.path().join("state"), &genesis(&accounts)).unwrap();
        let keys: Vec<_> = accounts.iter().map(|account| account.header_key()).collect();
        group.bench_function(format!("read cells, {name}"), |b| {
            b.iter(|| state.reader(state.root()).unwrap().cells(&keys).unwrap());
        });
        let mut round = 0;
        group.bench_function(format!("prepare, {name}"), |b| {
            b.iter_batched(
                || cells(&accounts, 1),
                |next| state.reader(state.root()).unwrap().prepare(next).unwrap().root(),
                BatchSize::LargeInput,
            );
        });
        group.bench_function(format!("commit, {name}"), |b| {
            b.iter_batched(
                || {
                    round += 1;
                    state.reader(state.root()).unwrap().prepare(cells(&accounts, round)).unwrap()
                },
                |update| state.commit(&update).unwrap(),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn openings(c: &mut Criterion) {
    let accounts = dense();
    let state = MemoryState::with_cells(cells(&accounts, 0));
    let touched: Vec<_> = accounts.iter().step_by(331).copied().collect();
    let keys: Vec<_> = touched.iter().map(|account| account.header_key()).collect();
    let mut group = c.benchmark_group("openings of one chunk");
    group.throughput(Throughput::Elements(keys.len() as u64));
    group.bench_function("load", |b| b.iter(|| state.partial_tree(&keys).unwrap()));
    let mut tree = state.partial_tree(&keys).unwrap();
    group.bench_function("path and set", |b| {
        b.iter(|| {
            for account in &touched {
                black_box(tree.header_path(*account).unwrap());
                tree.set_header(*account, Digest([F::ONE; 4])).unwrap();
            }
            tree.root()
        });
    });
    group.finish();
}

fn genesis(accounts: &[AccountIndex]) -> Genesis {
    let eth = Asset { id: AssetId::GAS, symbol: "ETH".into(), token: None, scale: Scale::new(1).unwrap() };
    let domain = Domain { chain_id: 1, contract: ContractAddress::default() };
    let rollup = Rollup { domain, operator: accounts[0], assets: vec![eth] };
    let balances = vec![(AssetId::GAS, Quanta::new(1 << 40).unwrap())];
    let account = |index: &AccountIndex| {
        let key_hash = Digest([F::from_canonical_u32(index.get()); 4]);
        GenesisAccount::user(*index, hash_node(key_hash, key_hash), balances.clone())
    };
    Genesis::new(rollup, accounts.iter().map(account).collect())
}

criterion_group!(benches, hashing, updates, openings, store);
criterion_main!(benches);
