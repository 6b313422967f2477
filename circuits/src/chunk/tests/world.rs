//! A small state for tests: a naive sparse tree, keys for a few accounts, and chunk inputs made from transactions.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::types::Field;

use crate::account::*;
use crate::amount::{Fee, Quanta};
use crate::availability::{FExt, EVALUATION_START};
use crate::chunk::*;
use crate::context::{Context, ContractAddress, Domain};
use crate::hash::{hash_node, Digest, F};
use crate::signature::SecretKey;
use crate::transaction::*;

/// The operator's account in tests.
pub const OPERATOR: u32 = 1;

pub fn account(index: u32) -> AccountIndex {
    AccountIndex::new(index).unwrap()
}

pub fn asset(id: u16) -> AssetId {
    AssetId::new(id).unwrap()
}

pub fn quanta(value: u64) -> Quanta {
    Quanta::new(value).unwrap()
}

pub fn secret_key(index: u32) -> SecretKey {
    let mut seed = [0; 32];
    seed[..4].copy_from_slice(&index.to_le_bytes());
    SecretKey::from_seed(&seed)
}

pub fn key_hash(index: u32) -> Digest {
    secret_key(index).public().hash()
}

pub fn context() -> Context {
    Context {
        domain: Domain { chain_id: 31337, contract: ContractAddress([7; 20]) },
        batch_number: 3,
        operator: account(OPERATOR),
        timestamp_s: 1_700_000_000,
    }
}

/// The point of evaluation.
pub fn z() -> FExt {
    QuadraticExtension([F::from_canonical_u64(1234567), F::from_canonical_u64(7654321)])
}

pub fn allowed_set() -> Digest {
    Digest([F::TWO; 4])
}

pub fn transfer(from: u32, nonce: u64, fee: u64, id: u16, to: u32, amount: u64) -> Transaction {
    let transfer = Transfer {
        account: account(from),
        nonce,
        fee: Fee::new(fee).unwrap(),
        asset: asset(id),
        to: account(to),
        amount: quanta(amount),
    };
    Transaction::Transfer(transfer, sign(from, transfer.message(&context().domain)))
}

pub fn withdraw(from: u32, nonce: u64, fee: u64, id: u16, amount: u64) -> Transaction {
    let withdraw = Withdraw {
        account: account(from),
        nonce,
        fee: Fee::new(fee).unwrap(),
        asset: asset(id),
        amount: quanta(amount),
    };
    Transaction::Withdraw(withdraw, sign(from, withdraw.message(&context().domain)))
}

pub fn sign(signer: u32, message: Digest) -> Authorization {
    let key = secret_key(signer);
    Authorization { public_key: *key.public(), signature: key.sign(message) }
}

/// Cells and nodes, recomputed along one path at each change.
#[derive(Clone, Default)]
pub struct World {
    cells: BTreeMap<CellKey, Cell>,
    /// (account, level, index) in slots trees.
    slot_nodes: HashMap<(u32, usize, u32), Digest>,
    /// (level, index) in the account tree.
    account_nodes: HashMap<(usize, u32), Digest>,
}

impl World {
    /// The operator, and user accounts from 10 on: each with `balance` of assets 0, 1 and 2.
    pub fn with_users(users: u32, balance: u64) -> Self {
        let mut world = Self::default();
        for index in std::iter::once(OPERATOR).chain(10..10 + users) {
            let header = Header::open(key_hash(index), quanta(balance));
            world.set(account(index).header_key(), header.to_cell());
            for id in [1, 2] {
                world.set(account(index).balance_key(asset(id)), Cell::from_balance(quanta(balance)));
            }
        }
        world
    }

    pub fn cell(&self, key: CellKey) -> Cell {
        self.cells.get(&key).copied().unwrap_or_default()
    }

    pub fn set(&mut self, key: CellKey, cell: Cell) {
        self.cells.insert(key, cell);
        let index = key.account().get();
        if !key.is_header() {
            self.slot_nodes.insert((index, 0, key.slot().into()), cell.digest());
            for level in 0..SLOT_BITS {
                let parent = u32::from(key.slot()) >> (level + 1);
                let node =
                    hash_node(self.slot_node(index, level, 2 * parent), self.slot_node(index, level, 2 * parent + 1));
                self.slot_nodes.insert((index, level + 1, parent), node);
            }
        }
        let header = self.cell(key.account().header_key()).digest();
        let node = hash_node(header, self.slot_node(index, SLOT_BITS, 0));
        self.account_nodes.insert((0, index), node);
        for level in 0..ACCOUNT_BITS {
            let parent = index >> (level + 1);
            let node = hash_node(self.account_node(level, 2 * parent), self.account_node(level, 2 * parent + 1));
            self.account_nodes.insert((level + 1, parent), node);
        }
    }

    fn slot_node(&self, account: u32, level: usize, index: u32) -> Digest {
        self.slot_nodes.get(&(account, level, index)).copied().unwrap_or(EMPTY_SLOTS[level])
    }

    fn account_node(&self, level: usize, index: u32) -> Digest {
        self.account_nodes.get(&(level, index)).copied().unwrap_or(EMPTY_ACCOUNTS[level])
    }

    pub fn root(&self) -> Digest {
        self.account_node(ACCOUNT_BITS, 0)
    }

    fn account_siblings(&self, account: AccountIndex) -> [Digest; ACCOUNT_BITS] {
        std::array::from_fn(|level| self.account_node(level, account.get() >> level ^ 1))
    }

    pub fn header_path(&self, account: AccountIndex) -> HeaderPath {
        HeaderPath { slots_root: self.slot_node(account.get(), SLOT_BITS, 0), accounts: self.account_siblings(account) }
    }

    pub fn slot_path(&self, key: CellKey) -> SlotPath {
        let slot = u32::from(key.slot());
        SlotPath {
            slots: std::array::from_fn(|level| self.slot_node(key.account().get(), level, slot >> level ^ 1)),
            accounts: self.account_siblings(key.account()),
        }
    }

    /// The input of a chunk of `shape` with these transactions in its slots, and the state after it.
    pub fn chunk(&self, shape: &Shape, transactions: &[Transaction]) -> (ChunkInput, World) {
        self.chunk_by(shape, transactions, &mut |transaction, world| execute(transaction, &context(), world))
    }

    /// [`Self::chunk`] with what executes a transaction.
    pub fn chunk_by(
        &self,
        shape: &Shape,
        transactions: &[Transaction],
        executor: &mut dyn FnMut(&Transaction, &mut World) -> Result<Outcome, Rejection>,
    ) -> (ChunkInput, World) {
        let (after, keys) = self.execute(transactions, executor);
        let (headers, slots): (Vec<CellKey>, Vec<CellKey>) = keys.into_iter().partition(|key| key.is_header());
        // In a shape with room for slots, one is opened in any case, if only to fill rows with.
        let slots = if slots.is_empty() { vec![account(OPERATOR).balance_key(asset(1))] } else { slots };
        let with_slots: BTreeSet<AccountIndex> = slots.iter().map(|key| key.account()).collect();

        let mut tree = self.clone();
        let mut header_openings = Vec::new();
        for key in &headers {
            let account = key.account();
            if account.get() != OPERATOR && with_slots.contains(&account) {
                continue;
            }
            header_openings.push(HeaderOpening { account, cell: self.cell(*key), path: tree.header_path(account) });
            tree.set(*key, after.cell(*key));
        }
        let mut opened: BTreeSet<AccountIndex> = header_openings.iter().map(|opening| opening.account).collect();
        let mut slot_openings = Vec::new();
        for key in &slots {
            let header_key = key.account().header_key();
            slot_openings.push(SlotOpening {
                key: *key,
                cell: self.cell(*key),
                header: opened.insert(key.account()).then(|| self.cell(header_key)),
                header_digest: tree.cell(header_key).digest(),
                path: tree.slot_path(*key),
            });
            tree.set(*key, after.cell(*key));
            tree.set(header_key, after.cell(header_key));
        }
        assert_eq!(tree.root(), after.root());

        let mut padded = transactions.to_vec();
        padded.resize(shape.slot_count(), Transaction::Noop);
        let input = ChunkInput {
            shape: shape.name.into(),
            context: context(),
            start: ChunkStart {
                root: self.root(),
                da_commit: Digest::ZERO,
                l1: EVALUATION_START,
                l2: EVALUATION_START,
            },
            z: z(),
            allowed_set: allowed_set(),
            transactions: padded,
            headers: header_openings,
            slots: slot_openings,
        };
        (input, after)
    }

    /// The state after `transactions` and the credit of their fees, and the keys that were touched.
    fn execute(
        &self,
        transactions: &[Transaction],
        executor: &mut dyn FnMut(&Transaction, &mut World) -> Result<Outcome, Rejection>,
    ) -> (World, BTreeSet<CellKey>) {
        let mut after = self.clone();
        let operator = account(OPERATOR).header_key();
        let mut keys = BTreeSet::from([operator]);
        let mut fees = 0;
        for transaction in transactions {
            keys.extend(transaction.cells());
            // What does not apply is left to the trace to refuse.
            if let Ok(outcome) = executor(transaction, &mut after) {
                fees += outcome.fee.quanta();
            }
        }
        let mut header = Header::from_cell(&after.cell(operator)).unwrap().unwrap();
        header.balance = header.balance.checked_add(quanta(fees)).unwrap();
        after.set(operator, header.to_cell());
        (after, keys)
    }
}

impl CellMemory for World {
    fn read(&mut self, key: CellKey) -> Cell {
        self.cell(key)
    }

    fn write(&mut self, key: CellKey, cell: Cell) {
        self.set(key, cell);
    }
}
