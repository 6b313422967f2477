//! How what is settled leaves the queue, and what nothing needs is removed.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::{EmbeddedQueue, Holders};
use crate::digest::JobId;
use crate::queue::{Progress, QueueError, Swept};

/// Artifacts that are removed before it is looked again what is needed.
const SWEPT_TOGETHER: usize = 64;

impl EmbeddedQueue {
    /// Forgets a graph: see [`Queue::settle`](crate::queue::Queue::settle).
    pub(super) fn forget(&self, root: JobId) -> Result<(), QueueError> {
        let mut inner = self.lock();
        let label = inner.board.graph(root)?.label.clone();
        let Progress { total, done, .. } = inner.board.progress(root)?;
        if done < total {
            return Err(QueueError::Unsettled { label, done, total });
        }
        self.records.remove_graph(root, &inner.board.only_in(root)?)?;
        inner.board.remove_graph(root);
        self.records.sync()?;
        tracing::info!(graph = %root, label, "settled");
        Ok(())
    }

    /// Removes what nothing needs: see [`Queue::sweep`](crate::queue::Queue::sweep).
    pub(super) fn remove_unneeded(&self, grace: Duration) -> Result<Swept, QueueError> {
        // Listed before it is asked what is needed: what is put and named between the two is not in the list.
        let stored = self.artifacts.list()?;
        let (mut swept, mut unneeded) = (Swept::default(), Vec::new());
        let _nothing_is_submitted = self.sweeping.write().unwrap_or_else(PoisonError::into_inner);
        {
            let mut inner = self.lock();
            let needed = inner.board.artifacts();
            let now = Instant::now();
            let known = std::mem::take(&mut inner.unneeded);
            for (hash, bytes) in stored {
                let since = known.get(&hash).copied().unwrap_or(now);
                let is_needed = needed.contains(&hash);
                if !is_needed {
                    inner.unneeded.insert(hash, since);
                }
                if is_needed || now.duration_since(since) < grace {
                    swept.kept += 1;
                    swept.kept_bytes = swept.kept_bytes.saturating_add(bytes);
                } else {
                    unneeded.push((hash, bytes));
                }
            }
        }
        let (start, mut left) = (Instant::now(), unneeded.len());
        for some in unneeded.chunks(SWEPT_TOGETHER) {
            // Some are removed each time, or it would never end.
            let is_first = left == unneeded.len();
            if self.holders == Holders::Elsewhere && !is_first && start.elapsed() > self.policy.sweep {
                break;
            }
            left -= some.len();
            // A result may have been accepted meanwhile that is one of them.
            let inner = self.lock();
            let some: Vec<_> = some.iter().filter(|(hash, _)| !inner.board.needs(*hash)).collect();
            drop(inner);
            self.artifacts.remove_each(&some.iter().map(|(hash, _)| *hash).collect::<Vec<_>>())?;
            // Who puts one there again has the whole grace.
            let mut inner = self.lock();
            for (hash, _) in &some {
                inner.unneeded.remove(hash);
            }
            drop(inner);
            swept.artifacts += some.len();
            swept.bytes = some.iter().fold(swept.bytes, |sum, (_, bytes)| sum.saturating_add(*bytes));
        }
        swept.left = left;
        Ok(swept)
    }
}
