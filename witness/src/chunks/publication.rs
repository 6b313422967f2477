//! What a batch publishes, in the order of its plan, and how the chunks are bound to it.

use sheaf_circuits::availability::{absorb, blocks, evaluate, to_bytes, FExt, Streams, EVALUATION_START};
use sheaf_circuits::chunk::Shape;
use sheaf_circuits::hash::Digest;
use sheaf_circuits::transaction::Stream;

use crate::execute::Applied;
use crate::plan::Plan;

/// How far the commitment and the evaluations have come between two chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evaluations {
    /// daCommit.
    pub da_commit: Digest,
    /// The evaluation of the L1 stream.
    pub l1: FExt,
    /// The evaluation of the L2 stream.
    pub l2: FExt,
}

/// What a batch publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// The words of both streams.
    pub streams: Streams,
    /// The point at which the streams are evaluated.
    pub z: FExt,
    /// Before the first chunk, between chunks, and after the last: one more than there are chunks.
    pub starts: Vec<Evaluations>,
}

impl Publication {
    pub(super) fn new(applied: &[Applied], plan: &Plan, shapes: &[Shape]) -> Self {
        let mut streams = Streams::default();
        let mut da_commit = Digest::ZERO;
        let mut commits = vec![da_commit];
        let mut lengths = vec![(0, 0)];
        for chunk in &plan.chunks {
            for (class, slot) in shapes[chunk.shape].slots().zip(&chunk.slots) {
                let record = slot.map(|it| &applied[it].record);
                record.into_iter().for_each(|record| streams.push(record));
                da_commit = blocks(record, class.layout()).into_iter().fold(da_commit, absorb);
            }
            commits.push(da_commit);
            lengths.push((streams.l1.len(), streams.l2.len()));
        }

        let z = streams.point(da_commit);
        let mut at = Evaluations { da_commit: Digest::ZERO, l1: EVALUATION_START, l2: EVALUATION_START };
        let mut done = (0, 0);
        let mut starts = Vec::with_capacity(commits.len());
        for (da_commit, (l1, l2)) in commits.into_iter().zip(lengths) {
            at = Evaluations {
                da_commit,
                l1: evaluate(at.l1, z, &streams.l1[done.0..l1]),
                l2: evaluate(at.l2, z, &streams.l2[done.1..l2]),
            };
            done = (l1, l2);
            starts.push(at);
        }
        Self { streams, z, starts }
    }

    /// The bytes of a stream, as they go to L1.
    pub fn bytes(&self, stream: Stream) -> Vec<u8> {
        match stream {
            Stream::L1 => to_bytes(&self.streams.l1),
            Stream::L2 => to_bytes(&self.streams.l2),
        }
    }

    /// Where the last chunk ends.
    pub fn end(&self) -> Evaluations {
        *self.starts.last().expect("there is one more than chunks")
    }
}
