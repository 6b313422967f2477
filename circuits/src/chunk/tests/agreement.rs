//! Native and circuit give the same verdict, on random batches with a broken transaction in most.
//!
//! What the native side refuses has no honest trace; the cheating prover makes the one that comes closest.

use std::collections::BTreeSet;

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::world::*;
use super::*;
use crate::account::{AccountIndex, AccountKind, AssetId, Cell, CellKey, Header};
use crate::amount::{Fee, Quanta};
use crate::hash::Digest;
use crate::transaction::{execute, Transfer, Withdraw};

const BATCHES: u64 = 90;
const CONTRACT: u32 = 40;
/// Users, the operator, accounts that are not open, a contract.
const ACCOUNTS: [u32; 10] = [10, 11, 12, 13, 14, OPERATOR, 30, 31, CONTRACT, 15];
/// The first of them that transactions are mostly between.
const USUAL: usize = 5;

fn uneven_world() -> World {
    let mut world = World::with_users(6, BALANCE);
    for (index, balance) in [(11, 0), (12, 1 << 60), (13, Quanta::MAX.get() - 20_000)] {
        world.set(account(index).header_key(), Header::open(key_hash(index), quanta(balance)).to_cell());
        world.set(account(index).balance_key(asset(1)), Cell::from_balance(quanta(balance)));
    }
    let header = Header { kind: AccountKind(2), ..Header::open(key_hash(CONTRACT), quanta(BALANCE)) };
    world.set(account(CONTRACT).header_key(), header.to_cell());
    world.set(account(CONTRACT).balance_key(asset(2)), header.to_cell());
    world
}

struct Random {
    rng: ChaCha8Rng,
    /// How many of a hundred choices are bad.
    bad_percent: u32,
}

impl Random {
    fn is_bad(&mut self) -> bool {
        self.rng.gen_range(0..100) < self.bad_percent
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        *of.choose(&mut self.rng).unwrap()
    }

    fn account(&mut self) -> AccountIndex {
        let bad = self.is_bad();
        account(self.pick(if bad { &ACCOUNTS } else { &ACCOUNTS[..USUAL] }))
    }

    /// A fee that is paid from `balance`.
    fn fee(&mut self, balance: u64) -> Fee {
        let usual = [0, 1, 20, 524_287, 524_290, 1_000_000];
        let fee = if self.is_bad() { self.rng.gen_range(0..1 << 56) } else { self.pick(&usual).min(balance) };
        Fee::floor(fee)
    }

    /// What a transaction moves that has `balance` to move.
    fn amount(&mut self, balance: u64) -> Quanta {
        let top = Quanta::MAX_TRANSFER.get();
        let edges = [balance, balance + 1, balance.saturating_sub(20), top, top + 1, Quanta::MAX.get()];
        let amount = if self.is_bad() { self.pick(&edges) } else { self.rng.gen_range(0..=balance.min(1000)) };
        quanta(amount.min(Quanta::MAX.get()))
    }

    fn transaction(&mut self, class: SlotClass, state: &World) -> Transaction {
        let from = self.account();
        let id = match class {
            SlotClass::Gas => AssetId::GAS,
            _ => self.pick(&[0, 1, 2, 7].map(asset)),
        };
        let kind = if class == SlotClass::Any { self.rng.gen_range(0..8) } else { self.rng.gen_range(0..3) };
        match kind {
            0 => Transaction::Noop,
            1 | 2 => {
                let Withdraw { account, nonce, fee, asset, amount } = self.withdraw(from, id, state);
                let itself = self.is_bad();
                let to = loop {
                    let to = if itself { from } else { self.account() };
                    if itself || to != from {
                        break to;
                    }
                };
                let t = Transfer { account, nonce, fee, asset, to, amount };
                let message = self.message(t.message(&context().domain));
                Transaction::Transfer(t, sign(self.signer(from), message))
            }
            3 => {
                let t = self.withdraw(from, id, state);
                let message = self.message(t.message(&context().domain));
                Transaction::Withdraw(t, sign(self.signer(from), message))
            }
            4 => Transaction::Rekey(Rekey { account: from, key_hash: key_hash(from.get()) }),
            5 => Transaction::ForcedExit(ForcedExit { account: from, asset: id }),
            6 => {
                let amount = self.amount(1 << 61);
                Transaction::Deposit(Deposit { account: from, asset: id, amount, opens: None })
            }
            _ => {
                let index = if self.is_bad() { from } else { account(self.pick(&[30, 31])) };
                if !state.cell(index.header_key()).is_absent() && !self.is_bad() {
                    return Transaction::Noop;
                }
                let opens = Some(key_hash(index.get()));
                Transaction::Deposit(Deposit { account: index, asset: id, amount: self.amount(1 << 61), opens })
            }
        }
    }

    /// Without its signature.
    fn withdraw(&mut self, from: AccountIndex, id: AssetId, state: &World) -> Withdraw {
        let header = Header::from_cell(&state.cell(from.header_key())).unwrap();
        let nonce = header.map_or(0, |header| header.nonce) + u64::from(self.is_bad());
        let gas = header.map_or(0, |header| header.balance.get());
        let fee = self.fee(gas);
        let balance = if id.is_gas() {
            gas.saturating_sub(fee.quanta())
        } else {
            state.cell(from.balance_key(id)).balance().map_or(0, Quanta::get)
        };
        Withdraw { account: from, nonce, fee, asset: id, amount: self.amount(balance) }
    }

    fn signer(&mut self, from: AccountIndex) -> u32 {
        if self.is_bad() {
            14
        } else {
            from.get()
        }
    }

    fn message(&mut self, message: Digest) -> Digest {
        if self.is_bad() {
            Digest::ZERO
        } else {
            message
        }
    }
}

fn is_signed(transaction: &Transaction) -> bool {
    match (transaction.message(&context().domain), transaction.authorization()) {
        (Some(message), Some(a)) => a.public_key.verify(message, &a.signature),
        _ => true,
    }
}

/// Transactions for every slot of the shape, with no more cells than it has rows.
fn random_batch(random: &mut Random, world: &World) -> Vec<Transaction> {
    let mut state = world.clone();
    let mut slots = BTreeSet::<CellKey>::new();
    let mut batch = Vec::new();
    for class in CIRCUIT.shape.slots() {
        let transaction = random.transaction(class, &state);
        let touched: BTreeSet<CellKey> =
            slots.iter().copied().chain(transaction.cells().filter(|key| !key.is_header())).collect();
        // One row is the filler's.
        if touched.len() >= CIRCUIT.shape.slot_cells {
            batch.push(Transaction::Noop);
            continue;
        }
        slots = touched;
        if is_signed(&transaction) {
            let _ = execute(&transaction, &context(), &mut state);
        }
        batch.push(transaction);
    }
    batch
}

#[test]
fn native_and_circuit_agree() {
    let world = uneven_world();
    let (mut accepted, mut refused) = (0, BTreeSet::new());
    for seed in 0..BATCHES {
        let bad_percent = [0, 2, 4][seed as usize % 3];
        let mut random = Random { rng: ChaCha8Rng::seed_from_u64(seed), bad_percent };
        let batch = random_batch(&mut random, &world);
        let (input, after) = world.chunk(&CIRCUIT.shape, &batch);
        let native = ChunkTrace::new(&CIRCUIT.shape, &input);
        let is_signed = batch.iter().all(is_signed);
        let trace = Cheat::new(&CIRCUIT.shape, &world, &batch).signed_before(&batch).run();
        let caught = violations(&trace);
        assert_eq!(native.is_ok() && is_signed, caught.is_empty(), "seed {seed}: {native:?}, {caught:?}, {batch:?}");
        match native {
            Ok(_) if !is_signed => drop(refused.insert("a bad signature".to_string())),
            Ok(native) => {
                accepted += 1;
                assert_eq!(trace.public_inputs, native.public_inputs, "seed {seed}");
                assert_eq!(trace.public_inputs.post_root, after.root(), "seed {seed}");
                assert_eq!(violations(&native), [], "seed {seed}");
            }
            Err(super::super::trace::ChunkError::Rejected { rejection, .. }) => {
                let name = format!("{rejection:?}");
                refused.insert(name.split(' ').next().unwrap().to_string());
            }
            Err(error) => panic!("seed {seed}: {error}"),
        }
    }
    assert!(accepted >= 25, "only {accepted} accepted");
    assert!(refused.len() >= 8, "{refused:?}");
}
