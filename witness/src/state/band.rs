//! How the tree is cut into pages.
//!
//! The 37 levels of the tree are cut into seven bands, and each band into pages: subtrees of five or six levels. A
//! page is what is read, written and updated at once, and whatever is not touched is not read.
//!
//! ```text
//!                    leaves of a band                          page height
//!   A0               2^5  subtrees of accounts                 5      one page, over the whole state
//!   A1               2^10                                      5
//!   A2               2^15                                      5
//!   A3               2^20                                      5
//!   A4               2^25 headers (even), slots roots (odd)    5      16 accounts
//!   S0               2^6  subtrees of slots, per account       6      one page an account
//!   S1               2^12 slots, per account                   6      64 slots
//! ```
//!
//! A header and its slots root are the two children of the account node, so the account tree and the account node
//! together are one tree of 25 levels, cut evenly. Pages of this size cost a random update little to read and a dense
//! one little to find.

use sheaf_circuits::account::{AccountIndex, CellKey, EMPTY_ACCOUNTS, EMPTY_SLOTS, HEADER_LEVELS, SLOT_BITS};
use sheaf_circuits::hash::Digest;

/// Levels of a page of accounts.
const ACCOUNT_PAGE_LEVELS: usize = 5;
/// Levels of a page of slots.
const SLOT_PAGE_LEVELS: usize = 6;
/// Bands of accounts.
const ACCOUNT_BANDS: usize = HEADER_LEVELS / ACCOUNT_PAGE_LEVELS;

const _: () = assert!(ACCOUNT_BANDS * ACCOUNT_PAGE_LEVELS == HEADER_LEVELS);
const _: () = assert!(2 * SLOT_PAGE_LEVELS == SLOT_BITS);
/// An occupancy mask of a page's leaves is a `u64`.
const _: () = assert!(1 << SLOT_PAGE_LEVELS <= u64::BITS);

/// One of the seven bands, counted from the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Band(u8);

impl Band {
    /// The band that holds the root.
    pub const TOP: Self = Self(0);
    /// The band whose leaves are headers and slots roots.
    pub const ACCOUNTS: Self = Self(ACCOUNT_BANDS as u8 - 1);
    /// The band whose pages are the upper halves of the slots trees.
    pub const SLOT_TOPS: Self = Self(ACCOUNT_BANDS as u8);
    /// The band whose leaves are slots.
    pub const SLOTS: Self = Self(ACCOUNT_BANDS as u8 + 1);

    /// The number in a page's key, counted from the root.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The bands of accounts, from the leaves to the root.
    pub fn accounts_upwards() -> impl Iterator<Item = Self> {
        (0..ACCOUNT_BANDS as u8).rev().map(Self)
    }

    /// Levels of its pages.
    pub const fn levels(self) -> usize {
        if self.0 <= Self::ACCOUNTS.0 {
            ACCOUNT_PAGE_LEVELS
        } else {
            SLOT_PAGE_LEVELS
        }
    }

    /// The page that holds leaf `leaf`.
    pub const fn page_of(self, leaf: u64) -> u64 {
        leaf >> self.levels()
    }

    /// The position of leaf `leaf` in its page.
    pub const fn position_of(self, leaf: u64) -> usize {
        leaf as usize & ((1 << self.levels()) - 1)
    }

    /// The digest of an empty subtree `level` levels above the leaves of this band, at an even or odd place.
    pub fn empty(self, level: usize, odd: bool) -> Digest {
        match self {
            Self::SLOTS => EMPTY_SLOTS[level],
            Self::SLOT_TOPS => EMPTY_SLOTS[SLOT_PAGE_LEVELS + level],
            Self::ACCOUNTS if level == 0 && odd => EMPTY_SLOTS[SLOT_BITS],
            Self::ACCOUNTS if level == 0 => Digest::ZERO,
            // Level 0 of the band of accounts is below the account node, hence one less.
            Self(number) => EMPTY_ACCOUNTS[ACCOUNT_PAGE_LEVELS * (ACCOUNT_BANDS - 1 - usize::from(number)) + level - 1],
        }
    }
}

/// The leaf of [`Band::ACCOUNTS`] that is the header of `account`.
pub(crate) const fn header_leaf(account: AccountIndex) -> u64 {
    (account.get() as u64) << 1
}

/// The leaf of [`Band::ACCOUNTS`] that is the slots root of the account with index `account`.
pub(crate) const fn slots_root_leaf(account: u64) -> u64 {
    account << 1 | 1
}

/// The leaf of [`Band::SLOTS`] that is the slot at `key`.
pub(crate) const fn slot_leaf(key: CellKey) -> u64 {
    key.get()
}
