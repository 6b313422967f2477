//! A page: a subtree of a few levels, the unit of storage and of work.
//!
//! Stored form: a mask of the leaves that are not empty (8 bytes, little-endian, bit i for leaf i), then the digests of
//! all nodes that have such a leaf under them, level by level from the leaves, left to right, the page's root excluded
//! (it is a leaf of the page above). A page without such a leaf is not stored.

use sheaf_circuits::hash::{hash_node, Digest};
use thiserror::Error;

use super::band::Band;

/// Bytes of the mask in front of a stored page.
const MASK_LEN: usize = 8;
/// Bytes of a digest.
const DIGEST_LEN: usize = 32;

/// All nodes of a page but its root, empty ones too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    band: Band,
    /// Level by level from the leaves: 2^levels leaves, …, 2 children of the root.
    nodes: Vec<Digest>,
}

/// A stored page that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a stored page of the tree does not have its form")]
pub(crate) struct DamagedPage;

impl Page {
    /// The page over nothing.
    pub fn empty(band: Band) -> Self {
        let nodes = (0..band.levels())
            .flat_map(|level| {
                let pair = [band.empty(level, false), band.empty(level, true)];
                (0..width(band, level)).map(move |i| pair[i & 1])
            })
            .collect();
        Self { band, nodes }
    }

    /// Reads what [`Self::encode`] wrote.
    pub fn decode(band: Band, bytes: &[u8]) -> Result<Self, DamagedPage> {
        let (mask, mut digests) = bytes.split_at_checked(MASK_LEN).ok_or(DamagedPage)?;
        let mut mask = u64::from_le_bytes(mask.try_into().expect("split at eight"));
        if mask == 0 || (band.levels() < 6 && mask >> width(band, 0) != 0) {
            return Err(DamagedPage);
        }
        let mut page = Self::empty(band);
        for level in 0..band.levels() {
            for i in bits(mask) {
                let digest;
                (digest, digests) = digests.split_at_checked(DIGEST_LEN).ok_or(DamagedPage)?;
                let digest = digest.try_into().expect("split at its length");
                page.nodes[offset(band, level) + i] = Digest::from_bytes(digest).map_err(|_| DamagedPage)?;
            }
            mask = parents(mask);
        }
        digests.is_empty().then_some(page).ok_or(DamagedPage)
    }

    /// The stored form, or nothing for the page over nothing.
    pub fn encode(&self) -> Option<Box<[u8]>> {
        let band = self.band;
        let leaves = &self.nodes[..width(band, 0)];
        let empty = [band.empty(0, false), band.empty(0, true)];
        let mut mask =
            leaves.iter().enumerate().fold(0u64, |mask, (i, leaf)| mask | u64::from(*leaf != empty[i & 1]) << i);
        if mask == 0 {
            return None;
        }
        let mut bytes = Vec::with_capacity(MASK_LEN + DIGEST_LEN * self.nodes.len());
        bytes.extend(mask.to_le_bytes());
        for level in 0..band.levels() {
            for i in bits(mask) {
                bytes.extend(self.nodes[offset(band, level) + i].to_bytes());
            }
            mask = parents(mask);
        }
        Some(bytes.into())
    }

    /// The leaf at `position`.
    pub fn leaf(&self, position: usize) -> Digest {
        self.nodes[position]
    }

    /// The siblings on the way from the leaf at `position` to the page's root, leaf first.
    pub fn siblings(&self, position: usize) -> impl Iterator<Item = Digest> + '_ {
        (0..self.band.levels()).map(move |level| self.nodes[offset(self.band, level) + (position >> level ^ 1)])
    }

    /// Sets leaves, given by position, and returns the page's new root. Each node above them is hashed once.
    pub fn set(&mut self, leaves: impl IntoIterator<Item = (usize, Digest)>) -> Digest {
        let mut touched = 0u64;
        for (position, digest) in leaves {
            self.nodes[position] = digest;
            touched |= 1 << position;
        }
        for level in 1..self.band.levels() {
            touched = parents(touched);
            for i in bits(touched) {
                self.nodes[offset(self.band, level) + i] = self.parent(level, i);
            }
        }
        self.root()
    }

    /// The page's root, from its children.
    pub fn root(&self) -> Digest {
        self.parent(self.band.levels(), 0)
    }

    /// Node `i` of `level`, from its children.
    fn parent(&self, level: usize, i: usize) -> Digest {
        let children = offset(self.band, level - 1) + 2 * i;
        hash_node(self.nodes[children], self.nodes[children + 1])
    }
}

/// Nodes of a page at `level`.
const fn width(band: Band, level: usize) -> usize {
    1 << (band.levels() - level)
}

/// Nodes of a page below `level`.
const fn offset(band: Band, level: usize) -> usize {
    2 * (width(band, 0) - width(band, level))
}

/// The positions of the bits of `mask`, ascending.
fn bits(mut mask: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let position = (mask != 0).then_some(mask.trailing_zeros() as usize)?;
        mask &= mask - 1;
        Some(position)
    })
}

/// The mask of the parents of the nodes in `mask`.
fn parents(mask: u64) -> u64 {
    // Bit 2i becomes the "or" of the pair, then the even bits move together.
    let mut m = (mask | mask >> 1) & 0x5555_5555_5555_5555;
    m = (m | m >> 1) & 0x3333_3333_3333_3333;
    m = (m | m >> 2) & 0x0f0f_0f0f_0f0f_0f0f;
    m = (m | m >> 4) & 0x00ff_00ff_00ff_00ff;
    m = (m | m >> 8) & 0x0000_ffff_0000_ffff;
    (m | m >> 16) & 0x0000_0000_ffff_ffff
}

#[cfg(test)]
mod tests {
    use plonky2::field::types::Field;
    use sheaf_circuits::hash::F;

    use super::*;

    #[test]
    fn parents_of_a_mask() {
        for mask in [0, 1, 2, 0x8000_0000_0000_0000, 0xdead_beef_0123_4567, u64::MAX] {
            let expected = (0..32).fold(0u64, |m, i| m | u64::from(mask >> (2 * i) & 3 != 0) << i);
            assert_eq!(parents(mask), expected);
        }
    }

    #[test]
    fn stored_form_round_trips_and_refuses_others() {
        for band in [Band::TOP, Band::ACCOUNTS, Band::SLOT_TOPS, Band::SLOTS] {
            let mut page = Page::empty(band);
            assert_eq!(page.encode(), None);
            page.set([(1, Digest([F::ONE; 4])), (30, Digest([F::TWO; 4]))]);
            let bytes = page.encode().unwrap();
            assert_eq!(bytes.len(), 8 + 32 * (2 * (band.levels() - 1) + if band.levels() == 6 { 1 } else { 2 }));
            assert_eq!(Page::decode(band, &bytes).as_ref(), Ok(&page));
            assert_eq!(Page::decode(band, &bytes[..bytes.len() - 1]), Err(DamagedPage));
            assert_eq!(Page::decode(band, &[&bytes[..], &[0]].concat()), Err(DamagedPage));
            assert_eq!(Page::decode(band, &[0; 8]), Err(DamagedPage));
            page.set([(1, band.empty(0, true)), (30, band.empty(0, false))]);
            assert_eq!(page, Page::empty(band));
        }
    }
}
