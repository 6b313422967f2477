//! The state tree in bulk: many leaves set at once, each node above them hashed once, in parallel.
//!
//! Bands are done from the leaves to the root. In a band, updates are sorted, so the leaves of one page stand together;
//! pages do not depend on each other and are done in parallel. The new roots of the pages are the updates of the band
//! above.
//!
//! ```text
//!   slots ──S1──▶ ──S0──▶ slots roots ─┐
//!                            headers ──┴─A4──▶ ──A3──▶ ──A2──▶ ──A1──▶ ──A0──▶ root
//! ```

use std::collections::HashMap;
use std::convert::Infallible;

use rayon::prelude::*;
use sheaf_circuits::account::{CellKey, ACCOUNT_BITS, EMPTY_ACCOUNTS};
use sheaf_circuits::hash::Digest;

use super::band::{header_leaf, slot_leaf, slots_root_leaf, Band};
use super::page::Page;
use super::partial::PartialTree;

/// Where pages come from.
pub(crate) trait PageSource: Sync {
    /// Why a page cannot be read.
    type Error: Send;

    /// The pages of `band` at `indices`, which are strictly increasing; empty pages where nothing is stored.
    fn load(&self, band: Band, indices: &[u64]) -> Result<Vec<Page>, Self::Error>;
}

/// A page that an update wrote: its band, its index, and its stored form, or nothing where it became empty.
pub(crate) type WrittenPage = (Band, u64, Option<Box<[u8]>>);

/// What a bulk update of the tree comes to. Nothing is changed until it is applied.
#[derive(Clone, Debug)]
pub struct TreeUpdate {
    pub(crate) root: Digest,
    pub(crate) pages: Vec<WrittenPage>,
}

impl TreeUpdate {
    /// The root after the update.
    pub fn root(&self) -> Digest {
        self.root
    }
}

/// The update of the tree with `root` in `source` that sets `leaves`, which are strictly increasing by key.
pub(crate) fn update<S: PageSource>(
    source: &S,
    root: Digest,
    leaves: &[(CellKey, Digest)],
) -> Result<TreeUpdate, S::Error> {
    assert!(leaves.is_sorted_by(|(a, _), (b, _)| a < b), "leaves are by strictly increasing key");
    let mut pages = Vec::new();
    let slots = leaves.iter().filter(|(key, _)| !key.is_header()).map(|(key, digest)| (slot_leaf(*key), *digest));
    let tops = update_band(source, Band::SLOTS, slots.collect(), &mut pages)?;
    let slots_roots = update_band(source, Band::SLOT_TOPS, tops, &mut pages)?
        .into_iter()
        .map(|(account, digest)| (slots_root_leaf(account), digest));
    let headers =
        leaves.iter().filter(|(key, _)| key.is_header()).map(|(k, digest)| (header_leaf(k.account()), *digest));
    // Both are sorted; the sort is for merging them, and finds the two runs.
    let mut nodes: Vec<_> = headers.chain(slots_roots).collect();
    nodes.sort_by_key(|(leaf, _)| *leaf);
    for band in Band::accounts_upwards() {
        nodes = update_band(source, band, nodes, &mut pages)?;
    }
    Ok(TreeUpdate { root: nodes.first().map_or(root, |(_, digest)| *digest), pages })
}

/// Sets sorted leaves of one band. Returns the new roots of their pages, by page: sorted leaves of the band above.
fn update_band<S: PageSource>(
    source: &S,
    band: Band,
    leaves: Vec<(u64, Digest)>,
    written: &mut Vec<WrittenPage>,
) -> Result<Vec<(u64, Digest)>, S::Error> {
    let by_page: Vec<_> = leaves.chunk_by(|(a, _), (b, _)| band.page_of(*a) == band.page_of(*b)).collect();
    // Enough pages to a task that reading them together pays, few enough that all threads have work near the root.
    let pages_per_task = (by_page.len() / (4 * rayon::current_num_threads())).clamp(1, 64);
    let tasks: Vec<_> = by_page
        .par_chunks(pages_per_task)
        .map(|groups| update_pages(source, band, groups))
        .collect::<Result<_, _>>()?;
    let mut roots = Vec::with_capacity(by_page.len());
    written.reserve(by_page.len());
    for (index, root, bytes) in tasks.into_iter().flatten() {
        roots.push((index, root));
        written.push((band, index, bytes));
    }
    Ok(roots)
}

type UpdatedPage = (u64, Digest, Option<Box<[u8]>>);

/// Loads and updates a few pages; each group holds the new leaves of one.
fn update_pages<S: PageSource>(
    source: &S,
    band: Band,
    groups: &[&[(u64, Digest)]],
) -> Result<Vec<UpdatedPage>, S::Error> {
    let indices: Vec<u64> = groups.iter().map(|group| band.page_of(group[0].0)).collect();
    let pages = source.load(band, &indices)?;
    Ok(pages
        .into_iter()
        .zip(indices)
        .zip(groups)
        .map(|((mut page, index), group)| {
            let root = page.set(group.iter().map(|(leaf, digest)| (band.position_of(*leaf), *digest)));
            (index, root, page.encode())
        })
        .collect())
}

/// The state tree in memory.
#[derive(Clone, Debug)]
pub struct MemoryTree {
    root: Digest,
    pages: HashMap<(Band, u64), Box<[u8]>>,
}

impl Default for MemoryTree {
    fn default() -> Self {
        Self { root: EMPTY_ACCOUNTS[ACCOUNT_BITS], pages: HashMap::new() }
    }
}

impl MemoryTree {
    /// The tree over nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Its root.
    pub fn root(&self) -> Digest {
        self.root
    }

    /// What setting `leaves` comes to: (key, digest of its new cell), by strictly increasing key.
    ///
    /// # Panics
    ///
    /// If the keys are not strictly increasing.
    pub fn prepare(&self, leaves: &[(CellKey, Digest)]) -> TreeUpdate {
        let Ok(update) = update(self, self.root, leaves);
        update
    }

    /// Applies what [`Self::prepare`] returned for the tree as it is.
    pub fn apply(&mut self, update: TreeUpdate) {
        self.root = update.root;
        for (band, index, bytes) in update.pages {
            match bytes {
                Some(bytes) => self.pages.insert((band, index), bytes),
                None => self.pages.remove(&(band, index)),
            };
        }
    }

    /// Sets `leaves`, as [`Self::prepare`] takes them, and returns the new root.
    pub fn update(&mut self, leaves: &[(CellKey, Digest)]) -> Digest {
        let update = self.prepare(leaves);
        self.apply(update);
        self.root
    }

    /// The part of the tree that openings of `keys` need.
    pub fn partial(&self, keys: impl IntoIterator<Item = CellKey>) -> PartialTree {
        let Ok(partial) = PartialTree::load(self, self.root, keys);
        partial
    }
}

impl PageSource for MemoryTree {
    type Error = Infallible;

    fn load(&self, band: Band, indices: &[u64]) -> Result<Vec<Page>, Infallible> {
        let load = |index: &u64| match self.pages.get(&(band, *index)) {
            Some(bytes) => Page::decode(band, bytes).expect("the tree encoded the page itself"),
            None => Page::empty(band),
        };
        Ok(indices.iter().map(load).collect())
    }
}
