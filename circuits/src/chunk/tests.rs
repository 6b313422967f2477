//! Tests of the chunk circuit: honest chunks, and one broken statement each.

mod accounts;
mod agreement;
mod amounts;
mod calls;
mod cheat;
mod fees;
mod key_bits;
mod kinds;
mod memory;
mod openings;
mod proofs;
mod published;
mod signatures;
pub(crate) mod verdict;
pub(crate) mod world;

use std::sync::LazyLock;

use self::cheat::Cheat;
use self::verdict::violations;
use self::world::*;
use super::circuit::{ChunkCircuit, Proof};
use super::trace::ChunkTrace;
use super::{shapes, Shape, SlotClass};
use crate::security::Profile;
use crate::transaction::{Deposit, ForcedExit, Rekey, Transaction};

fn test_shape() -> Shape {
    Shape {
        name: "test",
        degree_bits: 12,
        runs: vec![(SlotClass::Any, 7), (SlotClass::Gas, 2), (SlotClass::Asset, 2)],
        header_cells: 12,
        slot_cells: 10,
    }
}

static CIRCUIT: LazyLock<ChunkCircuit> = LazyLock::new(|| ChunkCircuit::build(test_shape(), Profile::Fast));

/// One transaction of each kind, transfers in slots of every class, and a hot account.
fn all_kinds() -> Vec<Transaction> {
    vec![
        Transaction::Deposit(Deposit {
            account: account(90),
            asset: asset(0),
            amount: quanta(1 << 61),
            opens: Some(key_hash(90)),
        }),
        Transaction::Deposit(Deposit { account: account(10), asset: asset(2), amount: quanta(5), opens: None }),
        Transaction::Rekey(Rekey { account: account(11), key_hash: key_hash(77) }),
        Transaction::ForcedExit(ForcedExit { account: account(12), asset: asset(1) }),
        Transaction::ForcedExit(ForcedExit { account: account(90), asset: asset(0) }),
        withdraw(10, 0, 40, 1, 1000),
        transfer(13, 0, 21_000, 2, 14, 77),
        transfer(13, 1, 1_000_000_000, 0, 14, 1_000),
        transfer(14, 0, 0, 0, 10, 3),
        transfer(10, 1, 12, 1, 13, 999_999_999_000),
        Transaction::Noop,
    ]
}

fn world() -> World {
    World::with_users(8, BALANCE)
}

/// What each user of [`world`] has of assets 0, 1 and 2.
const BALANCE: u64 = 1_000_000_000_000;

/// A prover who does what these say, in [`world`].
fn cheat(transactions: &[Transaction]) -> Cheat {
    Cheat::new(&CIRCUIT.shape, &world(), transactions)
}

/// `transaction` alone, in this slot: 0 to 6 are of class `Any`, 7 and 8 `Gas`, 9 and 10 `Asset`.
fn at(slot: usize, transaction: Transaction) -> Vec<Transaction> {
    let mut transactions = vec![Transaction::Noop; slot];
    transactions.push(transaction);
    transactions
}

fn deposit(to: u32, id: u16, amount: u64) -> Transaction {
    Transaction::Deposit(Deposit { account: account(to), asset: asset(id), amount: quanta(amount), opens: None })
}

fn open(index: u32, amount: u64) -> Transaction {
    let opens = Some(key_hash(index));
    Transaction::Deposit(Deposit { account: account(index), asset: asset(0), amount: quanta(amount), opens })
}

fn rekey(index: u32, key: u32) -> Transaction {
    Transaction::Rekey(Rekey { account: account(index), key_hash: key_hash(key) })
}

fn forced_exit(from: u32, id: u16) -> Transaction {
    Transaction::ForcedExit(ForcedExit { account: account(from), asset: asset(id) })
}

fn verifies(proof: Proof) -> bool {
    CIRCUIT.data.verify(proof).is_ok()
}

#[test]
fn proves_every_kind() {
    let (input, after) = world().chunk(&CIRCUIT.shape, &all_kinds());
    let trace = ChunkTrace::new(&CIRCUIT.shape, &input).unwrap();
    assert_eq!(trace.public_inputs.post_root, after.root());
    let proof = CIRCUIT.prove(&input).unwrap();
    assert_eq!(proof.public_inputs, trace.public_inputs.to_elements());
    assert!(verifies(proof));
}

/// So what the cheating prover computes is what the circuit wants, and a violation is of the test's making.
#[test]
fn a_cheat_who_does_not_cheat_is_the_honest_prover() {
    for transactions in [all_kinds(), vec![]] {
        let (input, _) = world().chunk(&CIRCUIT.shape, &transactions);
        let honest = ChunkTrace::new(&CIRCUIT.shape, &input).unwrap();
        let trace = cheat(&transactions).run();
        assert_eq!(trace.public_inputs, honest.public_inputs);
        assert_eq!(violations(&honest), []);
        assert_eq!(violations(&trace), []);
    }
}

#[test]
fn proves_a_chunk_of_nothing() {
    let (input, after) = world().chunk(&CIRCUIT.shape, &[]);
    assert_eq!(after.root(), world().root());
    assert!(verifies(CIRCUIT.prove(&input).unwrap()));
}

/// Rows that one more of each part takes, in hundredths of a row; and what the shapes take before padding.
#[test]
fn marginal_rows() {
    let rows = |gas, asset, any, header_cells, slot_cells| {
        let runs = vec![(SlotClass::Gas, gas), (SlotClass::Asset, asset), (SlotClass::Any, any)];
        ChunkCircuit::rows(&Shape { name: "test", degree_bits: 12, runs, header_cells, slot_cells })
    };
    let base = rows(100, 100, 100, 100, 100);
    let marginal = [
        rows(200, 100, 100, 100, 100) - base,
        rows(100, 200, 100, 100, 100) - base,
        rows(100, 100, 200, 100, 100) - base,
        rows(100, 100, 100, 200, 100) - base,
        rows(100, 100, 100, 100, 200) - base,
    ];
    assert_eq!(marginal, [4895, 5907, 6666, 5373, 8120]);
    let shapes = shapes::all().iter().map(|shape| (shape.name, ChunkCircuit::rows(shape))).collect::<Vec<_>>();
    assert_eq!(
        shapes,
        [("small", 3943), ("contracts", 8079), ("mixed", 65_256), ("payments", 65_272), ("exchange", 65_254)]
    );
}
