//! Results that were looked at lately, so that the checks of the jobs that read them need not fetch them again.

use std::collections::{HashMap, VecDeque};

use crate::digest::ArtifactHash;

/// Bytes that are kept: hundreds of proofs, which is more than there are between a job and those that read it.
const KEPT_BYTES: usize = 128 << 20;

/// The last results, by hash.
#[derive(Default)]
pub(super) struct Recent {
    results: HashMap<ArtifactHash, Vec<u8>>,
    order: VecDeque<ArtifactHash>,
    bytes: usize,
}

impl Recent {
    /// Keeps bytes whose hash was checked, and forgets the oldest where there are too many.
    pub(super) fn keep(&mut self, hash: ArtifactHash, bytes: Vec<u8>) {
        let length = bytes.len();
        if self.results.insert(hash, bytes).is_some() {
            return;
        }
        self.order.push_back(hash);
        self.bytes += length;
        while self.bytes > KEPT_BYTES {
            let Some(oldest) = self.order.pop_front() else { return };
            self.bytes -= self.results.remove(&oldest).map_or(0, |bytes| bytes.len());
        }
    }

    /// What is kept under a hash.
    pub(super) fn get(&self, hash: ArtifactHash) -> Option<Vec<u8>> {
        self.results.get(&hash).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::ArtifactRef;

    #[test]
    fn the_last_ones_are_kept_within_a_bound() {
        let mut recent = Recent::default();
        let result = |n: u8| vec![n; KEPT_BYTES / 4];
        let hash = |n: u8| ArtifactRef::of(&[n]).hash;
        for n in 0..4 {
            recent.keep(hash(n), result(n));
            recent.keep(hash(n), result(n));
        }
        assert_eq!((recent.get(hash(0)), recent.bytes), (Some(result(0)), KEPT_BYTES));
        recent.keep(hash(4), result(4));
        assert_eq!((recent.get(hash(0)), recent.get(hash(4))), (None, Some(result(4))));
        recent.keep(hash(5), vec![5; KEPT_BYTES + 1]);
        assert_eq!(
            (recent.results.len(), recent.order.len(), recent.bytes),
            (0, 0, 0),
            "what is too large is not kept"
        );
    }
}
