//! The meaning of a batch, spelled out: one transaction after another on one map.

use sheaf_circuits::account::{AccountIndex, Cell, CellKey, Header};
use sheaf_circuits::amount::Quanta;
use sheaf_circuits::transaction::{execute, CellMemory, Outcome, Rejection, Transaction};
use sheaf_witness::execute::Receipt;

use super::{account, asset, context, deposit, forced_exit, keys, rekey, transfer, withdraw, Wish, World, FIRST_USER};

/// A state that transactions are executed on in order.
pub struct Naive {
    pub cells: World,
    pub fees: u64,
}

impl CellMemory for Naive {
    fn read(&mut self, key: CellKey) -> Cell {
        self.cells.get(&key).copied().unwrap_or_default()
    }

    fn write(&mut self, key: CellKey, cell: Cell) {
        self.cells.insert(key, cell);
    }
}

impl Naive {
    pub fn new(cells: World) -> Self {
        Self { cells, fees: 0 }
    }

    pub fn execute(&mut self, transaction: &Transaction) -> Result<Outcome, Rejection> {
        let outcome = execute(transaction, &super::context(), self)?;
        self.fees += outcome.fee.quanta();
        Ok(outcome)
    }

    /// Executes all, pays the operator, and returns the receipts.
    pub fn run(&mut self, transactions: &[Transaction]) -> Vec<Receipt> {
        let receipt = |transaction| match self.execute(transaction) {
            Ok(outcome) => Receipt::Applied(outcome.record),
            Err(rejection) => Receipt::Rejected(rejection),
        };
        let receipts = transactions.iter().map(receipt).collect();
        self.pay_operator();
        receipts
    }

    pub fn pay_operator(&mut self) {
        let operator = context().operator;
        let mut header = self.header(operator).unwrap();
        header.balance = header.balance.checked_add(Quanta::new(std::mem::take(&mut self.fees)).unwrap()).unwrap();
        self.cells.insert(operator.header_key(), header.to_cell());
    }

    fn header(&mut self, index: AccountIndex) -> Option<Header> {
        Header::from_cell(&self.read(index.header_key())).unwrap()
    }

    /// The transaction that grants `wish` in this state, if an operation from L1 can apply; else a valid or invalid
    /// transaction from L2, as wished.
    pub fn fit(&mut self, wish: Wish) -> Transaction {
        let nonce = |naive: &mut Self, from| naive.header(account(from)).map_or(0, |header| header.nonce);
        match wish {
            Wish::Noop => Transaction::Noop,
            Wish::Transfer { from, to, slot, amount, fee } => transfer(from, nonce(self, from), fee, slot, to, amount),
            Wish::Withdraw { from, slot, amount, fee } => withdraw(from, nonce(self, from), fee, slot, amount),
            Wish::WrongNonce { from, to, off_by } => transfer(from, nonce(self, from) + off_by, 1, 0, to, 1),
            Wish::Overspend { from, to, slot } => {
                let balance = match slot {
                    0 => self.header(account(from)).map_or(0, |header| header.balance.get()),
                    _ => self.read(account(from).balance_key(asset(slot))).balance().unwrap().get(),
                };
                transfer(from, nonce(self, from), 0, slot, to, balance + 1)
            }
            Wish::SelfTransfer { from } => transfer(from, nonce(self, from), 1, 0, from, 1),
            Wish::WrongKey { from, to } => match transfer(from, nonce(self, from), 1, 0, to, 1) {
                Transaction::Transfer(transfer, _) => Transaction::Transfer(transfer, keys::authorize(from + 1)),
                other => other,
            },
            Wish::Deposit { to, slot, amount } => {
                let opens = self.header(account(to)).is_none().then(|| keys::key_hash(to));
                deposit(to, slot, amount, opens)
            }
            Wish::Rekey { account: index } => match self.header(account(index)) {
                Some(header) => rekey(index, header.key_hash),
                None => rekey(FIRST_USER, keys::key_hash(FIRST_USER)),
            },
            Wish::ForcedExit { account: index, slot } => match self.header(account(index)) {
                Some(_) => forced_exit(index, slot),
                None => forced_exit(FIRST_USER, slot),
            },
        }
    }
}
