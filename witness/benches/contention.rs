//! Execution under contention: payments between strangers, payments to one account, swaps on one pool, and a mix.
//!
//! `cargo bench -p sheaf-witness --bench contention`. Each traffic is executed in order on one thread and on all, in
//! turns in the same run; the best of [`ROUNDS`] counts. The state root is included. Without signature checks what is
//! left to win is small, since a transaction takes a microsecond; with them, the cores have work that never conflicts.

use std::time::{Duration, Instant};

use sheaf_circuits::account::{AccountIndex, AssetId, Cell, CellKey, Header};
use sheaf_circuits::amount::{Fee, Quanta};
use sheaf_circuits::context::{Context, ContractAddress, Domain};
use sheaf_circuits::contract::{Call, CallKind, FIRST_CONTRACT};
use sheaf_circuits::contracts::exchange::Pool;
use sheaf_circuits::signature::SecretKey;
use sheaf_circuits::transaction::{Transaction, Transfer};
use sheaf_witness::batch::Unsigned;
use sheaf_witness::execute::{execute, ConflictGraph, Conflicts, Receipt, SignatureChecks};
use sheaf_witness::state::{MemoryState, StateRead};

const TRANSACTIONS: u32 = 20_000;
const ROUNDS: usize = 5;
const OPERATOR: u32 = 1;
const FIRST_USER: u32 = 1 << 16;
const HOT: u32 = 2;
const POOL: u32 = FIRST_CONTRACT + 1;
const BALANCE: u64 = 1 << 40;

fn account(index: u32) -> AccountIndex {
    AccountIndex::new(index).expect("24 bits")
}

fn quanta(value: u64) -> Quanta {
    Quanta::new(value).expect("62 bits")
}

fn key(index: u32) -> SecretKey {
    let mut seed = [7; 32];
    seed[..4].copy_from_slice(&index.to_le_bytes());
    SecretKey::from_seed(&seed)
}

fn context() -> Context {
    let domain = Domain { chain_id: 31337, contract: ContractAddress([9; 20]) };
    Context { domain, batch_number: 1, operator: account(OPERATOR), timestamp_s: 1_700_000_000 }
}

fn state() -> MemoryState {
    let token = AssetId::new(1).expect("an asset");
    let users = (FIRST_USER..FIRST_USER + 2 * TRANSACTIONS).chain([OPERATOR, HOT]);
    let cells = users.flat_map(|index| {
        let header = Header::open(key(index).public().hash(), quanta(BALANCE));
        [
            (account(index).header_key(), header.to_cell()),
            (account(index).balance_key(token), Cell::from_balance(quanta(BALANCE))),
        ]
    });
    let pool = Pool {
        assets: [AssetId::GAS, token],
        reserves: [quanta(1 << 50), quanta(1 << 52)],
        share_asset: AssetId::new(2048).expect("an asset"),
        shares: quanta(1 << 51),
    };
    let cells: Vec<(CellKey, Cell)> = cells.chain([(account(POOL).header_key(), pool.to_cell())]).collect();
    MemoryState::with_cells(cells)
}

fn payment(from: u32, to: u32) -> Unsigned {
    Unsigned::Transfer(Transfer {
        account: account(from),
        nonce: 0,
        fee: Fee::new(21_000).expect("a fee"),
        asset: AssetId::GAS,
        to: account(to),
        amount: quanta(5),
    })
}

fn swap(from: u32) -> Unsigned {
    let kind = CallKind::all().find(|kind| kind.name() == "swap").expect("the exchange is registered");
    let values = vec![0, POOL.into(), 1_000_000, 1, 1, (1 << 56) - 1];
    Unsigned::Call(Call { kind, account: account(from), nonce: 0, fee: Fee::new(65_000).expect("a fee"), values })
}

fn traffic(name: &str, i: u32) -> Unsigned {
    let (from, to) = (FIRST_USER + 2 * i, FIRST_USER + 2 * i + 1);
    match name {
        "disjoint payments" => payment(from, to),
        "payments to one account" => payment(from, HOT),
        "swaps on one pool" => swap(from),
        _ => match i % 4 {
            0 => swap(from),
            1 => payment(from, HOT),
            _ => payment(from, to),
        },
    }
}

fn main() {
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let pools =
        [1, cores].map(|threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads"));
    let state = state();
    println!("{TRANSACTIONS} transactions, state root included; transactions per second on 1 thread and on {cores}");
    println!("{:<26} {:>13} {:>30} {:>30}", "", "longest chain", "without signature checks", "with them");
    for name in ["disjoint payments", "payments to one account", "swaps on one pool", "a mix of these"] {
        let transactions: Vec<Transaction> = (0..TRANSACTIONS)
            .map(|i| {
                let unsigned = traffic(name, i);
                unsigned.sign(&key(FIRST_USER + 2 * i), &context().domain)
            })
            .collect();
        let graph = ConflictGraph::new(transactions.iter()).expect("not too large");
        let rate = |checks| {
            let mut best = [Duration::MAX; 2];
            for _ in 0..ROUNDS {
                for (pool, best) in pools.iter().zip(&mut best) {
                    let start = Instant::now();
                    pool.install(|| {
                        let execution = execute(&context(), &transactions, &state, checks).expect("the batch is sound");
                        assert!(execution.receipts.iter().all(|receipt| matches!(receipt, Receipt::Applied(_))));
                        state.prepare(execution.cells)
                    })
                    .expect("in memory");
                    *best = start.elapsed().min(*best);
                }
            }
            let [one, all] = best.map(|time| f64::from(TRANSACTIONS) / time.as_secs_f64());
            format!("{one:>10.0} {all:>10.0} ({:.2}×)", all / one)
        };
        let chain = Conflicts::of(&graph).longest_chain;
        println!("{name:<26} {chain:>13} {:>30} {:>30}", rate(SignatureChecks::Skip), rate(SignatureChecks::Verify));
    }
}
