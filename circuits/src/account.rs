//! The state: cells, their keys, and the shape of the tree over them.
//!
//! ```text
//!   state root ── account tree, 24 levels ──▶ account node = H(header digest, slots root)
//!                                                                │            └─ slots tree, 12 levels ─▶ slot digest
//!                                                                └─ header digest
//! ```
//!
//! A header lies 25 levels under the root, a slot 37. Bit i of an index (from the least significant) picks the side at
//! level i counted from the leaf: 0 is left. The subtree over nothing at height h is Z_h = H(Z_{h−1}, Z_{h−1}), with
//! Z_0 = 0000; an absent account's node is H(0000, Z_12).

use std::sync::LazyLock;

use plonky2::field::types::{Field, PrimeField64};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::amount::Quanta;
use crate::hash::{hash_cell, hash_node, Digest, F};

/// Depth of the account tree.
pub const ACCOUNT_BITS: usize = 24;
/// Depth of the slots tree of one account.
pub const SLOT_BITS: usize = 12;
/// Bits of a cell key.
pub const KEY_BITS: usize = ACCOUNT_BITS + SLOT_BITS;
/// Levels from a header to the root: one to the account node, then the account tree.
pub const HEADER_LEVELS: usize = 1 + ACCOUNT_BITS;
/// Levels from a slot to the root: the slots tree, one to the account node, then the account tree.
pub const SLOT_LEVELS: usize = SLOT_BITS + 1 + ACCOUNT_BITS;
/// Elements of a cell.
pub const CELL_LEN: usize = 8;

/// The first account index that the L1 contract gives out. Below it are the operator, contracts and genesis accounts.
pub const FIRST_L1_ACCOUNT: u32 = 1 << 16;

/// The index of an account, below 2^24.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct AccountIndex(u32);

impl AccountIndex {
    /// The index `value`, if it is below 2^24.
    pub const fn new(value: u32) -> Option<Self> {
        if value >> ACCOUNT_BITS == 0 {
            Some(Self(value))
        } else {
            None
        }
    }

    /// The index.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The key of the account's header.
    pub const fn header_key(self) -> CellKey {
        CellKey((self.0 as u64) << SLOT_BITS)
    }

    /// The key of slot `asset`, or of the header for asset 0, which keeps that balance.
    pub const fn balance_key(self, asset: AssetId) -> CellKey {
        CellKey((self.0 as u64) << SLOT_BITS | asset.0 as u64)
    }
}

impl std::fmt::Display for AccountIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl From<AccountIndex> for u32 {
    fn from(index: AccountIndex) -> u32 {
        index.0
    }
}

impl TryFrom<u32> for AccountIndex {
    type Error = IndexOutOfRange;

    fn try_from(value: u32) -> Result<Self, IndexOutOfRange> {
        Self::new(value).ok_or(IndexOutOfRange { what: "account", value, bits: ACCOUNT_BITS })
    }
}

/// An asset's number, below 2^12: the slot of a user account that holds its balance. 0 is the gas asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct AssetId(u16);

impl AssetId {
    /// The gas asset: fees are paid in it, and headers hold its balance.
    pub const GAS: Self = Self(0);
    /// How many assets there can be, the gas asset included.
    pub const COUNT: usize = 1 << SLOT_BITS;

    /// Asset `value`, if it is below 2^12.
    pub const fn new(value: u16) -> Option<Self> {
        if value >> SLOT_BITS == 0 {
            Some(Self(value))
        } else {
            None
        }
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Whether this is asset 0.
    pub const fn is_gas(self) -> bool {
        self.0 == 0
    }
}

impl std::fmt::Display for AssetId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl From<AssetId> for u32 {
    fn from(asset: AssetId) -> u32 {
        asset.0.into()
    }
}

impl TryFrom<u32> for AssetId {
    type Error = IndexOutOfRange;

    fn try_from(value: u32) -> Result<Self, IndexOutOfRange> {
        u16::try_from(value).ok().and_then(Self::new).ok_or(IndexOutOfRange { what: "asset", value, bits: SLOT_BITS })
    }
}

/// An account or asset index with too many bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{what} index {value} is out of range, expected less than 2^{bits}")]
pub struct IndexOutOfRange {
    /// What is counted: accounts or assets.
    pub what: &'static str,
    /// The value found.
    pub value: u32,
    /// The width it has to fit.
    pub bits: usize,
}

/// The key of a cell: account · 2^12 + slot, where slot 0 is the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct CellKey(u64);

impl CellKey {
    /// The key `value`, if it is below 2^36.
    pub const fn new(value: u64) -> Option<Self> {
        if value >> KEY_BITS == 0 {
            Some(Self(value))
        } else {
            None
        }
    }

    /// The key as a number below 2^36.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The account that the cell belongs to.
    pub const fn account(self) -> AccountIndex {
        AccountIndex((self.0 >> SLOT_BITS) as u32)
    }

    /// The slot, 0 for a header.
    pub const fn slot(self) -> u16 {
        (self.0 & ((1 << SLOT_BITS) - 1)) as u16
    }

    /// Whether the cell is an account's header.
    pub const fn is_header(self) -> bool {
        self.slot() == 0
    }
}

impl From<CellKey> for u64 {
    fn from(key: CellKey) -> u64 {
        key.0
    }
}

impl TryFrom<u64> for CellKey {
    type Error = KeyOutOfRange;

    fn try_from(value: u64) -> Result<Self, KeyOutOfRange> {
        Self::new(value).ok_or(KeyOutOfRange { value })
    }
}

/// A cell key with too many bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("cell key {value} is out of range, expected less than 2^36")]
pub struct KeyOutOfRange {
    /// The value found.
    pub value: u64,
}

/// A cell: eight elements. Eight zeros are the absent cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cell(pub [F; CELL_LEN]);

impl Cell {
    /// The absent cell.
    pub const ABSENT: Self = Self([F::ZERO; CELL_LEN]);

    /// Whether the cell is absent.
    pub fn is_absent(&self) -> bool {
        *self == Self::ABSENT
    }

    /// H of the elements, or 0000 for the absent cell. So one content has one digest.
    pub fn digest(&self) -> Digest {
        if self.is_absent() {
            Digest::ZERO
        } else {
            hash_cell(&self.0)
        }
    }

    /// The slot cell of a user account that holds `balance`: (balance, 0…). Absent for a balance of zero.
    pub fn from_balance(balance: Quanta) -> Self {
        let mut cell = Self::ABSENT;
        cell.0[0] = F::from_canonical_u64(balance.get());
        cell
    }

    /// The balance in a user account's slot cell.
    pub fn balance(&self) -> Result<Quanta, NotABalance> {
        let balance = Quanta::new(self.0[0].to_canonical_u64()).ok_or(NotABalance)?;
        (Self::from_balance(balance) == *self).then_some(balance).ok_or(NotABalance)
    }
}

/// A cell that is not of the form (balance, 0…).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the cell does not hold a balance")]
pub struct NotABalance;

/// What an account is. The code is element 6 of its header, and zero for no account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountKind(pub u32);

impl AccountKind {
    /// An account that a key controls and that transfers may pay into.
    pub const USER: Self = Self(1);
}

/// The header of an account: who controls it, how many transactions it signed, and what it holds of asset 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// H of the public key that signs for the account.
    pub key_hash: Digest,
    /// The nonce that its next transaction must carry.
    pub nonce: u64,
    /// Its balance of asset 0.
    pub balance: Quanta,
    /// What it is.
    pub kind: AccountKind,
}

impl Header {
    /// Position of the key hash in the cell, four elements.
    pub const KEY_HASH: usize = 0;
    /// Position of the nonce in the cell.
    pub const NONCE: usize = 4;
    /// Position of the balance of asset 0 in the cell.
    pub const BALANCE: usize = 5;
    /// Position of the kind in the cell.
    pub const KIND: usize = 6;

    /// A new user account.
    pub const fn open(key_hash: Digest, balance: Quanta) -> Self {
        Self { key_hash, nonce: 0, balance, kind: AccountKind::USER }
    }

    /// The header's cell: (key hash\[4\], nonce, balance, kind, 0).
    pub fn to_cell(&self) -> Cell {
        let [k0, k1, k2, k3] = self.key_hash.0;
        let [nonce, balance, kind] = [self.nonce, self.balance.get(), self.kind.0.into()].map(F::from_canonical_u64);
        Cell([k0, k1, k2, k3, nonce, balance, kind, F::ZERO])
    }

    /// Reads a header from its cell: nothing for the absent cell, an error for a cell that is no header.
    pub fn from_cell(cell: &Cell) -> Result<Option<Self>, NotAHeader> {
        if cell.is_absent() {
            return Ok(None);
        }
        let element = |i: usize| cell.0[i].to_canonical_u64();
        let header = Self {
            key_hash: Digest([cell.0[0], cell.0[1], cell.0[2], cell.0[3]]),
            nonce: element(Self::NONCE),
            balance: Quanta::new(element(Self::BALANCE)).ok_or(NotAHeader)?,
            kind: AccountKind(u32::try_from(element(Self::KIND)).map_err(|_| NotAHeader)?),
        };
        (header.kind.0 != 0 && cell.0[7] == F::ZERO).then_some(Some(header)).ok_or(NotAHeader)
    }
}

/// A cell at a header's key that is neither absent nor a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the cell is not an account header")]
pub struct NotAHeader;

/// Z_h for h from 0 to 12: the root of an empty slots subtree of height h.
pub static EMPTY_SLOTS: LazyLock<[Digest; SLOT_BITS + 1]> = LazyLock::new(|| empty_subtrees(Digest::ZERO));

/// The root of an empty account subtree of height h, for h from 0 (an absent account's node) to 24.
pub static EMPTY_ACCOUNTS: LazyLock<[Digest; ACCOUNT_BITS + 1]> =
    LazyLock::new(|| empty_subtrees(hash_node(Digest::ZERO, EMPTY_SLOTS[SLOT_BITS])));

fn empty_subtrees<const N: usize>(leaf: Digest) -> [Digest; N] {
    let mut node = leaf;
    std::array::from_fn(|height| {
        if height > 0 {
            node = hash_node(node, node);
        }
        node
    })
}

/// The siblings on the way from a header to the root, leaf first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderPath {
    /// The slots root of the account: the header's sibling.
    pub slots_root: Digest,
    /// The siblings in the account tree.
    pub accounts: [Digest; ACCOUNT_BITS],
}

impl HeaderPath {
    /// The state root over a header with digest `header` at `account`.
    pub fn root(&self, account: AccountIndex, header: Digest) -> Digest {
        climb(hash_node(header, self.slots_root), account.get(), &self.accounts)
    }
}

/// The siblings on the way from a slot to the root, leaf first. The header is one of them, so one path opens both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotPath {
    /// The siblings in the slots tree.
    pub slots: [Digest; SLOT_BITS],
    /// The siblings in the account tree.
    pub accounts: [Digest; ACCOUNT_BITS],
}

impl SlotPath {
    /// The state root over the header with digest `header` and the slot with digest `slot`, at `key`.
    pub fn root(&self, key: CellKey, header: Digest, slot: Digest) -> Digest {
        let slots_root = climb(slot, key.slot().into(), &self.slots);
        climb(hash_node(header, slots_root), key.account().get(), &self.accounts)
    }
}

fn climb(leaf: Digest, index: u32, siblings: &[Digest]) -> Digest {
    siblings.iter().enumerate().fold(leaf, |node, (level, sibling)| match index >> level & 1 {
        0 => hash_node(node, *sibling),
        _ => hash_node(*sibling, node),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_one_meaning() {
        let account = AccountIndex::new(0xabcdef).unwrap();
        let asset = AssetId::new(0x123).unwrap();
        let key = account.balance_key(asset);
        assert_eq!((key.get(), key.account(), key.slot()), (0xabcdef123, account, 0x123));
        assert_eq!(account.balance_key(AssetId::GAS), account.header_key());
        assert!(account.header_key().is_header());
        assert_eq!(AccountIndex::new(1 << 24), None);
        assert_eq!(AssetId::new(1 << 12), None);
        assert_eq!(CellKey::new(1 << 36), None);
    }

    #[test]
    fn headers_round_trip_and_other_cells_are_refused() {
        let header = Header::open(Digest([F::ONE; 4]), Quanta::MAX);
        assert_eq!(Header::from_cell(&header.to_cell()), Ok(Some(header)));
        assert_eq!(Header::from_cell(&Cell::ABSENT), Ok(None));
        let mut cell = header.to_cell();
        cell.0[7] = F::ONE;
        assert_eq!(Header::from_cell(&cell), Err(NotAHeader));
        assert_eq!(Header::from_cell(&Cell([F::ONE; 8])), Err(NotAHeader));
    }

    #[test]
    fn empty_trees_have_the_roots_of_absent_paths() {
        let path = HeaderPath {
            slots_root: EMPTY_SLOTS[SLOT_BITS],
            accounts: std::array::from_fn(|level| EMPTY_ACCOUNTS[level]),
        };
        let account = AccountIndex::new(77).unwrap();
        assert_eq!(path.root(account, Digest::ZERO), EMPTY_ACCOUNTS[ACCOUNT_BITS]);
        let path = SlotPath {
            slots: std::array::from_fn(|level| EMPTY_SLOTS[level]),
            accounts: std::array::from_fn(|level| EMPTY_ACCOUNTS[level]),
        };
        let key = account.balance_key(AssetId::new(5).unwrap());
        assert_eq!(path.root(key, Digest::ZERO, Digest::ZERO), EMPTY_ACCOUNTS[ACCOUNT_BITS]);
    }
}
