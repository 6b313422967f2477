//! Which cells a chunk has opened, and how many rows of its shape that takes.

use sheaf_circuits::account::{AccountIndex, CellKey};
use sheaf_circuits::chunk::Shape;

use crate::execute::ConflictGraph;

/// The rows that open cells. An account with a slot in the chunk needs no row for its header: its first slot opens it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct CellRows {
    /// Accounts of which only the header is opened.
    pub headers: usize,
    /// Slots.
    pub slots: usize,
}

impl CellRows {
    /// Whether a shape has as many. A header alone fits a slot's row too.
    pub fn fit(self, shape: &Shape) -> bool {
        self.slots + self.headers.saturating_sub(shape.header_cells) <= shape.slot_cells
    }
}

/// What one more transaction adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    /// Headers alone; negative when slots of accounts are added whose header was alone.
    pub headers: i8,
    /// Slots.
    pub slots: i8,
}

impl Cost {
    /// The most accounts of one transaction: a sale touches seller, buyer, creator and thing.
    pub const MAX_ACCOUNTS: i8 = 6;
    /// The most slots of one transaction.
    pub const MAX_SLOTS: i8 = 6;
    /// How many different costs there are.
    pub const COUNT: usize = (2 * Self::MAX_ACCOUNTS as usize + 1) * (Self::MAX_SLOTS as usize + 1);

    /// A number below [`Self::COUNT`] for each cost.
    pub fn index(self) -> usize {
        (self.headers + Self::MAX_ACCOUNTS) as usize * (Self::MAX_SLOTS as usize + 1) + self.slots as usize
    }

    /// Rows of the circuit, about: see [`sheaf_circuits::chunk::shapes`].
    pub fn rows(self) -> i32 {
        54 * i32::from(self.headers) + 81 * i32::from(self.slots)
    }

    /// The rows in use after paying this.
    pub fn after(self, rows: CellRows) -> CellRows {
        CellRows {
            headers: rows.headers.checked_add_signed(self.headers.into()).expect("only counted headers are taken away"),
            slots: rows.slots + self.slots as usize,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum AccountState {
    Untouched,
    HeaderAlone,
    WithSlots,
}

/// The cells that the chunk at hand has opened. [`Self::clear`] begins the next chunk.
pub(super) struct OpenedCells {
    /// For each cell of the graph, the chunk that opened it last.
    cells: Vec<u32>,
    /// For each account, the chunk that opened it last, and how.
    accounts: Vec<(u32, AccountState)>,
    /// For each cell of the graph, which account it is of.
    account_of: Vec<u32>,
    /// For each cell of the graph, whether it is a header.
    is_header: Vec<bool>,
    chunk: u32,
    operator: Option<usize>,
    rows: CellRows,
    headers: usize,
}

impl OpenedCells {
    pub fn new(graph: &ConflictGraph, operator: AccountIndex) -> Self {
        let keys = graph.cells();
        let mut accounts = 0;
        let mut account_of = Vec::with_capacity(keys.len());
        for (cell, key) in keys.iter().enumerate() {
            accounts += u32::from(cell == 0 || keys[cell - 1].account() != key.account());
            account_of.push(accounts - 1);
        }
        let mut opened = Self {
            cells: vec![0; keys.len()],
            accounts: vec![(0, AccountState::Untouched); accounts as usize],
            account_of,
            is_header: keys.iter().map(|key: &CellKey| key.is_header()).collect(),
            chunk: 0,
            operator: keys.binary_search(&operator.header_key()).ok(),
            rows: CellRows::default(),
            headers: 0,
        };
        opened.clear();
        opened
    }

    /// Closes all cells, then opens the operator's header, which every chunk pays.
    pub fn clear(&mut self) {
        self.chunk += 1;
        self.rows = CellRows { headers: 1, slots: 0 };
        self.headers = 1;
        if let Some(header) = self.operator {
            self.cells[header] = self.chunk;
            self.accounts[self.account_of[header] as usize] = (self.chunk, AccountState::HeaderAlone);
        }
    }

    /// The rows in use.
    pub fn rows(&self) -> CellRows {
        self.rows
    }

    /// Accounts touched.
    pub fn headers(&self) -> usize {
        self.headers
    }

    /// What opening the cells `touched` would add.
    pub fn cost(&self, touched: &[u32]) -> Cost {
        let mut cost = Cost { headers: 0, slots: 0 };
        for (i, &cell) in touched.iter().enumerate() {
            if touched[..i].contains(&cell) || self.cells[cell as usize] == self.chunk {
                continue;
            }
            let account = self.account_of[cell as usize];
            let slot_of_account =
                |&&other: &&u32| self.account_of[other as usize] == account && !self.is_header[other as usize];
            if self.is_header[cell as usize] {
                // A slot of the same account, if there is one, opens this header.
                let by_slot = self.state(account) == AccountState::WithSlots
                    || touched.iter().any(|other| slot_of_account(&other));
                cost.headers += i8::from(!by_slot);
            } else {
                cost.slots += 1;
                let first_slot = !touched[..i].iter().any(|other| slot_of_account(&other));
                cost.headers -= i8::from(first_slot && self.state(account) == AccountState::HeaderAlone);
            }
        }
        cost
    }

    /// Opens the cells `touched` at `cost`, which [`Self::cost`] gave.
    pub fn open(&mut self, touched: &[u32], cost: Cost) {
        self.rows = cost.after(self.rows);
        for &cell in touched {
            self.cells[cell as usize] = self.chunk;
            let account = self.account_of[cell as usize];
            self.headers += usize::from(self.state(account) == AccountState::Untouched);
            if !self.is_header[cell as usize] {
                self.accounts[account as usize] = (self.chunk, AccountState::WithSlots);
            } else if self.state(account) == AccountState::Untouched {
                self.accounts[account as usize] = (self.chunk, AccountState::HeaderAlone);
            }
        }
    }

    fn state(&self, account: u32) -> AccountState {
        match self.accounts[account as usize] {
            (chunk, state) if chunk == self.chunk => state,
            _ => AccountState::Untouched,
        }
    }
}
