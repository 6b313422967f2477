//! A state made by a genesis and a batch: users who got, paid and withdrew, a lock and a split.

use std::sync::OnceLock;

use sheaf_circuits::account::{AccountIndex, AssetId, FIRST_L1_ACCOUNT};
use sheaf_circuits::amount::{Fee, Quanta};
use sheaf_circuits::context::{Context, ContractAddress, Domain};
use sheaf_circuits::contract::{Call, CallKind, SignedCall, FIRST_CONTRACT};
use sheaf_circuits::signature::SecretKey;
use sheaf_circuits::transaction::{Authorization, Deposit, Transaction, Transfer, Withdraw};
use sheaf_witness::execute::{execute, SignatureChecks};
use sheaf_witness::genesis::{Asset, Genesis, GenesisAccount, Rollup, Scale};
use sheaf_witness::state::{MemoryState, StateRead};

pub const OPERATOR: u32 = 1;
/// Has something of assets 0, 1 and 2.
pub const ALICE: u32 = 10;
/// Has of all four; paid Alice.
pub const BOB: u32 = 11;
/// Opened by a deposit of asset 1: has nothing of asset 0.
pub const CAROL: u32 = FIRST_L1_ACCOUNT + 7;
/// The last account that a genesis can open. Withdrew all of asset 1.
pub const LAST: u32 = (1 << 23) - 1;
/// Holds 300 of asset 1 that are Bob's.
pub const LOCK: u32 = FIRST_CONTRACT + 3;
/// Has one holder, so that its slot 1 looks like a balance.
pub const SPLIT: u32 = FIRST_CONTRACT + 4;
/// The last asset of L1.
pub const LAST_ASSET: u16 = 2047;

pub fn account(index: u32) -> AccountIndex {
    AccountIndex::new(index).unwrap()
}

pub fn asset(id: u16) -> AssetId {
    AssetId::new(id).unwrap()
}

pub fn quanta(amount: u64) -> Quanta {
    Quanta::new(amount).unwrap()
}

pub fn domain() -> Domain {
    Domain { chain_id: 11_155_111, contract: ContractAddress(std::array::from_fn(|i| 0x80 + i as u8)) }
}

fn key(index: u32) -> SecretKey {
    let mut seed = [0; 32];
    seed[..4].copy_from_slice(&index.to_be_bytes());
    SecretKey::from_seed(&seed)
}

fn fee() -> Fee {
    Fee::new(2).unwrap()
}

/// The transaction with a signature in place of the one that it has.
fn signed(mut transaction: Transaction) -> Transaction {
    let message = transaction.message(&domain()).unwrap();
    let by = authorize(transaction.account().unwrap().get(), message);
    match &mut transaction {
        Transaction::Transfer(_, authorization) | Transaction::Withdraw(_, authorization) => *authorization = by,
        Transaction::Call(call) => call.authorization = by,
        _ => {}
    }
    transaction
}

fn authorize(index: u32, message: sheaf_circuits::hash::Digest) -> Authorization {
    let key = key(index);
    Authorization { public_key: *key.public(), signature: key.sign(message) }
}

fn unsigned() -> Authorization {
    authorize(OPERATOR, sheaf_circuits::hash::Digest::ZERO)
}

fn transfer(from: u32, nonce: u64, id: u16, to: u32, amount: u64) -> Transaction {
    let (asset, amount) = (asset(id), quanta(amount));
    let transfer = Transfer { account: account(from), nonce, fee: fee(), asset, to: account(to), amount };
    signed(Transaction::Transfer(transfer, unsigned()))
}

fn withdraw(from: u32, nonce: u64, id: u16, amount: u64) -> Transaction {
    let withdraw = Withdraw { account: account(from), nonce, fee: fee(), asset: asset(id), amount: quanta(amount) };
    signed(Transaction::Withdraw(withdraw, unsigned()))
}

fn call(kind: &str, from: u32, nonce: u64, fields: &[(&str, u64)]) -> Transaction {
    let call = Call::new(CallKind::by_name(kind).unwrap(), account(from), nonce, fee(), fields).unwrap();
    signed(Transaction::Call(Box::new(SignedCall { call, authorization: unsigned(), second: None })))
}

fn transactions() -> Vec<Transaction> {
    let (opened, key) = (account(CAROL), key(CAROL).public().hash());
    vec![
        Transaction::Deposit(Deposit { account: opened, asset: asset(1), amount: quanta(900), opens: Some(key) }),
        transfer(BOB, 0, 0, ALICE, 1000),
        transfer(BOB, 1, 1, ALICE, 50),
        withdraw(LAST, 0, 1, 70),
        call("lock", BOB, 2, &[("asset", 1), ("lock", LOCK.into()), ("amount", 300), ("until_s", 1_800_000_000)]),
        call(
            "create_split",
            BOB,
            3,
            &[("asset", 1), ("split", SPLIT.into()), ("holder_0", BOB.into()), ("weight_0_bps", 10_000)],
        ),
    ]
}

/// The genesis of the state.
pub fn genesis() -> Genesis {
    let assets = [0, 1, 2, LAST_ASSET].map(|id| Asset {
        id: asset(id),
        symbol: format!("A{id}"),
        token: (id > 0).then_some(ContractAddress([id as u8; 20])),
        scale: Scale::new(1).unwrap(),
    });
    let user = |index: u32, balances: &[(u16, u64)]| {
        let balances = balances.iter().map(|&(id, amount)| (asset(id), quanta(amount))).collect();
        GenesisAccount::user(account(index), key(index).public().hash(), balances)
    };
    let rollup = Rollup { domain: domain(), operator: account(OPERATOR), assets: assets.to_vec() };
    let most = (1 << 62) - 1;
    let accounts = vec![
        user(OPERATOR, &[]),
        user(ALICE, &[(0, 5000), (1, 20), (2, 20)]),
        user(BOB, &[(0, 9000), (1, 4000), (2, 33), (LAST_ASSET, most)]),
        user(LAST, &[(0, 12), (1, 70)]),
    ];
    Genesis::new(rollup, accounts)
}

/// The state after the batch.
pub fn state() -> &'static MemoryState {
    static STATE: OnceLock<MemoryState> = OnceLock::new();
    STATE.get_or_init(|| {
        let genesis = genesis();
        genesis.check().unwrap();
        let mut state = MemoryState::with_cells(genesis.cells());
        let (operator, timestamp_s) = (account(OPERATOR), 1_700_000_000);
        let context = Context { domain: domain(), batch_number: 1, operator, timestamp_s };
        let transactions = transactions();
        let execution = execute(&context, &transactions, &state, SignatureChecks::Verify).unwrap();
        assert_eq!(execution.applied(&transactions).len(), transactions.len());
        let update = state.prepare(execution.cells).unwrap();
        state.commit(update).unwrap();
        state
    })
}
