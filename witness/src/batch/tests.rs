//! What batch files promise: round trips, one encoding, every mistake named with its place, and no panic on any bytes.

mod damaged;
mod mistakes;
mod round_trip;
mod vectors;

use proptest::prelude::*;
use sheaf_circuits::account::{AccountIndex, AssetId};
use sheaf_circuits::amount::{Fee, Quanta};
use sheaf_circuits::context::{Context, ContractAddress, Domain};
use sheaf_circuits::hash::{hash_tagged, Digest, F};
use sheaf_circuits::signature::SecretKey;
use sheaf_circuits::transaction::{Deposit, ForcedExit, Rekey, Transaction, Transfer, Withdraw};

use super::*;

fn context() -> Context {
    let domain = Domain { chain_id: 31337, contract: ContractAddress([0x5a; 20]) };
    Context { domain, batch_number: 1, operator: AccountIndex::new(1).unwrap(), timestamp_s: 1_700_000_000 }
}

fn account(index: u32) -> AccountIndex {
    AccountIndex::new(index).unwrap()
}

fn transfer(nonce: u64) -> Transaction {
    let transfer = Transfer {
        account: account(65536),
        nonce,
        fee: Fee::new(21_000).unwrap(),
        asset: AssetId::GAS,
        to: account(65537),
        amount: Quanta::new(31_337).unwrap(),
    };
    Unsigned::Transfer(transfer).sign(&key(7), &context().domain)
}

fn key(number: u8) -> SecretKey {
    SecretKey::from_seed(&[number; 32])
}

fn lines_of(batch: &Batch) -> Vec<u8> {
    let mut bytes = Vec::new();
    batch.write_lines(&mut bytes).unwrap();
    bytes
}

fn binary_of(batch: &Batch) -> Vec<u8> {
    let mut bytes = Vec::new();
    batch.write_binary(&mut bytes).unwrap();
    bytes
}

fn any_digest() -> impl Strategy<Value = Digest> {
    any::<u64>().prop_map(|seed| hash_tagged(seed >> 8, &[F::default()]))
}

fn any_account() -> impl Strategy<Value = AccountIndex> {
    (0u32..1 << 24).prop_map(account)
}

fn any_asset() -> impl Strategy<Value = AssetId> {
    (0u16..1 << 12).prop_map(|asset| AssetId::new(asset).unwrap())
}

fn any_amount(bits: u32) -> impl Strategy<Value = Quanta> {
    // All magnitudes, not just the largest.
    (any::<u64>(), 0..bits).prop_map(move |(value, shift)| Quanta::new((value >> (64 - bits)) >> shift).unwrap())
}

fn any_unsigned() -> impl Strategy<Value = Unsigned> {
    let fields =
        (any_account(), 0u64..1 << 60, any::<u64>(), any_asset(), any_account(), any_amount(56), any::<bool>());
    fields.prop_map(|(account, nonce, fee, asset, to, amount, out)| {
        let fee = Fee::floor(fee);
        match out {
            true => Unsigned::Withdraw(Withdraw { account, nonce, fee, asset, amount }),
            false => Unsigned::Transfer(Transfer { account, nonce, fee, asset, to, amount }),
        }
    })
}

fn any_transaction() -> impl Strategy<Value = Transaction> {
    let deposit = (any_account(), any_asset(), any_amount(62), proptest::option::of(any_digest()));
    prop_oneof![
        1 => Just(Transaction::Noop),
        2 => deposit.prop_map(|(account, asset, amount, opens)| {
            Transaction::Deposit(Deposit { account, asset, amount, opens })
        }),
        1 => (any_account(), any_digest())
            .prop_map(|(account, key_hash)| Transaction::Rekey(Rekey { account, key_hash })),
        1 => (any_account(), any_asset())
            .prop_map(|(account, asset)| Transaction::ForcedExit(ForcedExit { account, asset })),
        4 => (any_unsigned(), any::<u8>())
            .prop_map(|(unsigned, number)| unsigned.sign(&key(number), &context().domain)),
    ]
}

fn any_batch() -> impl Strategy<Value = Batch> {
    let transactions = proptest::collection::vec(any_transaction(), 0..12);
    (any::<u32>(), any_account(), 0u64..1 << 56, transactions).prop_map(
        |(number, operator, timestamp_s, transactions)| {
            let context = Context { batch_number: number, operator, timestamp_s, ..context() };
            Batch { context, transactions }
        },
    )
}
