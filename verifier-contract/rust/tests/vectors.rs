//! `fixtures/vectors/l1.json`: what Rust and Solidity must agree on, byte for byte. Made here, read by
//! `test/Vectors.t.sol`. `SHEAF_REGENERATE=1` writes the file anew.

use std::path::Path;

use plonky2::field::types::Field;
use serde_json::{json, Value};
use sheaf_circuits::account::{AccountIndex, AssetId, FIRST_L1_ACCOUNT};
use sheaf_circuits::amount::{Fee, Quanta, TRANSFER_BITS, WORD_MASK};
use sheaf_circuits::availability::{to_bytes, FExt, Streams};
use sheaf_circuits::context::{Context, ContractAddress, Domain};
use sheaf_circuits::contract::REGISTRY;
use sheaf_circuits::contracts::registry::FIRST_CREATED_ASSET;
use sheaf_circuits::hash::{hash_tagged, tag, Digest, F};
use sheaf_circuits::transaction::{Kind, Published, Record};
use sheaf_verifier_contract::Statement;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/vectors/l1.json");

#[test]
fn vectors_are_as_committed() {
    let text = format!("{:#}\n", vectors());
    let path = Path::new(PATH);
    if std::env::var_os("SHEAF_REGENERATE").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(path).expect("SHEAF_REGENERATE=1 makes the file");
    assert!(committed == text, "{PATH} differs: if a format changed on purpose, run with SHEAF_REGENERATE=1");
}

fn vectors() -> Value {
    json!({
        "chain_id": domain().chain_id,
        "contract": hex(domain().contract.0),
        "constants": {
            "first_account": FIRST_L1_ACCOUNT,
            "account_limit": REGISTRY,
            "asset_limit": FIRST_CREATED_ASSET,
            "held_limit": Quanta::MAX.get() + 1,
        },
        "key_hashes": key_hashes(),
        "records": records().iter().map(record).collect::<Vec<_>>(),
        "batches": batches().iter().map(batch).collect::<Vec<_>>(),
        "exits": exits().iter().map(exit).collect::<Vec<_>>(),
    })
}

fn domain() -> Domain {
    Domain { chain_id: 31337, contract: ContractAddress(std::array::from_fn(|i| 0xa0 + i as u8)) }
}

/// Some digest for each `n`.
fn digest(n: u64) -> Digest {
    hash_tagged(tag("sf.vec"), &[F::from_canonical_u64(n)])
}

fn program(n: u8) -> [u8; 32] {
    std::array::from_fn(|i| if i == 0 { 0x2f } else { n.wrapping_mul(i as u8) })
}

fn account(index: u32) -> AccountIndex {
    AccountIndex::new(index).unwrap()
}

fn asset(id: u16) -> AssetId {
    AssetId::new(id).unwrap()
}

/// A digest with the largest elements there are, and some that differ in every byte.
fn digests() -> [Digest; 4] {
    let top = F::NEG_ONE;
    let mixed = [0x0102_0304_0506_0708, 0x1112_1314_1516_1718, 0xf1f2_f3f4_f5f6_f7f8, 0xfffe_fdfc_fbfa_f9f8];
    [Digest::ZERO, Digest([top; 4]), Digest(mixed.map(F::from_canonical_u64)), digest(0)]
}

fn key_hashes() -> Vec<Value> {
    let entry = |hash: &Digest| json!({ "hash": hex(hash.to_bytes()), "words": hex(to_bytes(&hash.halves())) });
    digests().iter().map(entry).collect()
}

fn deposit(to: u32, id: u16, amount: u64, opens: Option<Digest>) -> Record {
    Record {
        kind: Kind::Deposit,
        asset: asset(id),
        account: account(to),
        counterparty: opens.is_some().into(),
        low: (amount >> TRANSFER_BITS) as u32,
        amount: amount & WORD_MASK,
        key_hash: opens,
    }
}

fn plain(kind: Kind, from: u32, id: u16, low: u32, amount: u64) -> Record {
    Record { kind, asset: asset(id), account: account(from), counterparty: 0, low, amount, key_hash: None }
}

fn rekey(of: u32, key_hash: Digest) -> Record {
    Record { key_hash: Some(key_hash), ..plain(Kind::Rekey, of, 0, 0, 0) }
}

fn withdraw(from: u32, id: u16, fee: u64, amount: u64) -> Record {
    plain(Kind::Withdraw, from, id, Fee::new(fee).unwrap().encode(), amount)
}

fn transfer(from: u32, to: u32, id: u16, fee: u64, amount: u64) -> Record {
    Record { counterparty: to, ..plain(Kind::Transfer, from, id, Fee::new(fee).unwrap().encode(), amount) }
}

/// One record of each form that the L1 stream has, with the widest fields there are, and with small ones.
fn records() -> Vec<Record> {
    let [_, top, mixed, _] = digests();
    vec![
        deposit(65_536, 0, 1, Some(mixed)),
        deposit((1 << 23) - 1, 2047, Quanta::MAX.get(), Some(top)),
        deposit(65_537, 7, Quanta::MAX.get(), None),
        deposit(3, 1, 0x0102_0304_0506_0708, None),
        rekey(65_536, mixed),
        rekey((1 << 23) - 1, top),
        plain(Kind::ForcedExit, 65_536, 2047, 0, Quanta::MAX_TRANSFER.get()),
        plain(Kind::ForcedExit, 1, 0, 0, 0),
        withdraw(65_536, 2047, 524_287 * 100_000_000_000, Quanta::MAX_TRANSFER.get()),
        withdraw((1 << 23) - 1, 1, 0, 0x0001_0203_0405_0607),
    ]
}

/// A record, its bytes, and those of them that the queue fixes.
fn record(record: &Record) -> Value {
    let bytes = to_bytes(&record.words());
    let queued = match record.kind {
        Kind::Withdraw => 0,
        Kind::ForcedExit => 14,
        _ => bytes.len(),
    };
    json!({
        "kind": record.kind.code(),
        "asset": record.asset.get(),
        "account": record.account.get(),
        "counterparty": record.counterparty,
        "low": record.low,
        "amount": record.amount,
        "quanta": record.quanta().get(),
        "key_hash": hex(record.key_hash.unwrap_or_default().to_bytes()),
        "bytes": hex(&bytes),
        "queued": hex(&bytes[..queued]),
    })
}

/// A batch's statement with its streams.
struct Batch {
    statement: Statement,
    streams: Streams,
}

fn batches() -> Vec<Batch> {
    let all_l1 = records();
    let transfers =
        |n: u32| (0..n).map(|i| transfer(65_536 + i, 70_000, (i % 2_048) as u16, 1_000, u64::from(i) << 20));
    let streams = [
        vec![],
        all_l1.clone(),
        transfers(1).collect(),
        // A block of the contract's evaluation is 32 words: all lengths around one and two blocks.
        transfers(10).chain([all_l1[4]]).collect(),
        transfers(11).chain(all_l1.iter().copied().take(3)).collect(),
        transfers(32).chain(all_l1.iter().copied().rev()).collect(),
        transfers(200).chain(all_l1).collect(),
    ];
    let batch = |(i, records): (usize, Vec<Record>)| {
        let mut streams = Streams::default();
        records.into_iter().for_each(|record| streams.push(&Published::from(record)));
        let n = i as u64;
        let context = Context {
            domain: domain(),
            batch_number: [1, 2, 0x0102_0304, u32::MAX][i % 4],
            operator: account([0, 1, 65_535][i % 3]),
            timestamp_s: [0, 1_700_000_000, (1 << 56) - 1][i % 3],
        };
        let roots = [digest(10 + n), digest(20 + n)];
        let da_commit = if i == 1 { Digest([F::NEG_ONE; 4]) } else { digest(30 + n) };
        let statement = Statement::batch(program(i as u8), context, roots[0], roots[1], da_commit, &streams);
        Batch { statement, streams }
    };
    streams.into_iter().enumerate().map(batch).collect()
}

fn batch(batch: &Batch) -> Value {
    let Batch { statement, streams } = batch;
    json!({
        "program_id": hex(statement.program_id),
        "batch_number": statement.context.batch_number,
        "operator_index": statement.context.operator.get(),
        "timestamp": statement.context.timestamp_s,
        "pre_root": hex(statement.pre_root.to_bytes()),
        "post_root": hex(statement.post_root.to_bytes()),
        "da_commit": hex(statement.da_commit.to_bytes()),
        "l1_stream": hex(to_bytes(&streams.l1)),
        "l2_stream": hex(to_bytes(&streams.l2)),
        "z": element(statement.z),
        "l1_value": element(statement.l1),
        "l2_value": element(statement.l2),
        "statement": hex(statement.to_bytes()),
        "public_input": hex(statement.public_input()),
    })
}

fn exits() -> Vec<Statement> {
    let exit = |from, id, amount: Quanta| {
        Statement::exit(program(9), domain(), account(from), asset(id), amount, digest(u64::from(from)))
    };
    vec![exit(65_536, 0, Quanta::MAX), exit((1 << 23) - 1, 2047, Quanta::new(1).unwrap()), exit(0, 1, Quanta::ZERO)]
}

fn exit(statement: &Statement) -> Value {
    json!({
        "program_id": hex(statement.program_id),
        "account": statement.context.operator.get(),
        "asset": statement.context.timestamp_s,
        "quanta": element(statement.z),
        "root": hex(statement.pre_root.to_bytes()),
        "statement": hex(statement.to_bytes()),
        "public_input": hex(statement.public_input()),
    })
}

/// The 16 bytes of an element of F_p², as in a statement.
fn element(value: FExt) -> String {
    use plonky2::field::types::PrimeField64;
    let [c0, c1] = value.0.map(|element| element.to_canonical_u64());
    hex([c0.to_be_bytes(), c1.to_be_bytes()].concat())
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    format!("0x{}", hex::encode(bytes))
}
