//! The part of the state tree that the openings of one chunk, or of one batch, need.
//!
//! Openings apply one after another: each path is taken in the tree as the openings before it left it. This tree holds
//! whole pages around the keys it was loaded for, in memory, and sets one leaf at a time.

use std::collections::{BTreeSet, HashMap};

use rayon::prelude::*;
use sheaf_circuits::account::{AccountIndex, CellKey, HeaderPath, SlotPath, ACCOUNT_BITS, SLOT_BITS};
use sheaf_circuits::hash::Digest;
use thiserror::Error;

use super::band::{header_leaf, slot_leaf, slots_root_leaf, Band};
use super::page::Page;
use super::tree::PageSource;

/// Pages that are read together.
const PAGES_PER_READ: usize = 64;

/// A part of the state tree, for opening and setting one cell after another.
#[derive(Clone, Debug)]
pub struct PartialTree {
    root: Digest,
    pages: HashMap<(Band, u64), Page>,
}

/// The key was not among those that the partial tree was loaded for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("cell {} of account {} was not loaded into the partial tree", key.slot(), key.account())]
pub struct NotLoaded {
    /// The key asked for.
    pub key: CellKey,
}

impl PartialTree {
    /// Reads the pages around `keys` from the tree with `root`.
    pub(crate) fn load<S: PageSource>(
        source: &S,
        root: Digest,
        keys: impl IntoIterator<Item = CellKey>,
    ) -> Result<Self, S::Error> {
        let mut ids = BTreeSet::new();
        for key in keys {
            steps(key).for_each(|(band, leaf)| {
                ids.insert((band, band.page_of(leaf)));
            });
        }
        let ids: Vec<_> = ids.into_iter().collect();
        let reads: Vec<_> = ids.chunk_by(|(a, _), (b, _)| a == b).flat_map(|run| run.chunks(PAGES_PER_READ)).collect();
        let pages: Vec<_> = reads
            .into_par_iter()
            .map(|run| source.load(run[0].0, &run.iter().map(|(_, index)| *index).collect::<Vec<_>>()))
            .collect::<Result<_, _>>()?;
        Ok(Self { root, pages: ids.into_iter().zip(pages.into_iter().flatten()).collect() })
    }

    /// The root, as set so far.
    pub fn root(&self) -> Digest {
        self.root
    }

    /// The digest of the header of `account`.
    pub fn header_digest(&self, account: AccountIndex) -> Result<Digest, NotLoaded> {
        self.leaf(account.header_key(), Band::ACCOUNTS, header_leaf(account))
    }

    /// The digest of the slot at `key`, which is not a header's.
    pub fn slot_digest(&self, key: CellKey) -> Result<Digest, NotLoaded> {
        debug_assert!(!key.is_header());
        self.leaf(key, Band::SLOTS, slot_leaf(key))
    }

    /// The digest of the cell at `key`, header or slot.
    pub fn digest(&self, key: CellKey) -> Result<Digest, NotLoaded> {
        if key.is_header() {
            self.header_digest(key.account())
        } else {
            self.slot_digest(key)
        }
    }

    /// The path of the header of `account`.
    pub fn header_path(&self, account: AccountIndex) -> Result<HeaderPath, NotLoaded> {
        let mut siblings = self.siblings(account.header_key())?.into_iter();
        Ok(HeaderPath { slots_root: next(&mut siblings), accounts: std::array::from_fn(|_| next(&mut siblings)) })
    }

    /// The path of the slot at `key`, which is not a header's.
    pub fn slot_path(&self, key: CellKey) -> Result<SlotPath, NotLoaded> {
        debug_assert!(!key.is_header());
        let siblings = self.siblings(key)?;
        // Between the two parts stands the header: the path leaves it out, whoever opens it gives it.
        Ok(SlotPath {
            slots: std::array::from_fn(|level| siblings[level]),
            accounts: std::array::from_fn(|level| siblings[SLOT_BITS + 1 + level]),
        })
    }

    /// Sets the digest of the header of `account`: 25 hashes.
    pub fn set_header(&mut self, account: AccountIndex, digest: Digest) -> Result<(), NotLoaded> {
        self.set(account.header_key(), digest)
    }

    /// Sets the digest of the slot at `key`, which is not a header's: 37 hashes.
    pub fn set_slot(&mut self, key: CellKey, digest: Digest) -> Result<(), NotLoaded> {
        debug_assert!(!key.is_header());
        self.set(key, digest)
    }

    /// Sets the digest of the cell at `key`, header or slot.
    pub fn set(&mut self, key: CellKey, mut digest: Digest) -> Result<(), NotLoaded> {
        // Keys are loaded with all their pages or not at all, so only the first step can fail: nothing is half set.
        for (band, leaf) in steps(key) {
            let page = self.pages.get_mut(&(band, band.page_of(leaf))).ok_or(NotLoaded { key })?;
            digest = page.set([(band.position_of(leaf), digest)]);
        }
        self.root = digest;
        Ok(())
    }

    fn page(&self, key: CellKey, band: Band, leaf: u64) -> Result<&Page, NotLoaded> {
        self.pages.get(&(band, band.page_of(leaf))).ok_or(NotLoaded { key })
    }

    fn leaf(&self, key: CellKey, band: Band, leaf: u64) -> Result<Digest, NotLoaded> {
        Ok(self.page(key, band, leaf)?.leaf(band.position_of(leaf)))
    }

    /// All siblings on the way from the cell at `key` to the root, leaf first.
    fn siblings(&self, key: CellKey) -> Result<Vec<Digest>, NotLoaded> {
        let mut siblings = Vec::with_capacity(SLOT_BITS + 1 + ACCOUNT_BITS);
        for (band, leaf) in steps(key) {
            siblings.extend(self.page(key, band, leaf)?.siblings(band.position_of(leaf)));
        }
        Ok(siblings)
    }
}

/// The way from the cell at `key` to the root: in each band that it passes, the leaf it begins from.
fn steps(key: CellKey) -> impl Iterator<Item = (Band, u64)> {
    let slots = (!key.is_header()).then(|| {
        let leaf = slot_leaf(key);
        [(Band::SLOTS, leaf), (Band::SLOT_TOPS, Band::SLOTS.page_of(leaf))]
    });
    let account = key.account();
    let mut leaf = if key.is_header() { header_leaf(account) } else { slots_root_leaf(account.get().into()) };
    let accounts = Band::accounts_upwards().map(move |band| {
        let step = (band, leaf);
        leaf = band.page_of(leaf);
        step
    });
    slots.into_iter().flatten().chain(accounts)
}

fn next(siblings: &mut impl Iterator<Item = Digest>) -> Digest {
    siblings.next().expect("a header has 25 siblings")
}
