//! The job graph of a batch.

use serde::{Deserialize, Serialize};
use sheaf_circuits::chunk::{ChunkInput, Shape};
use sheaf_circuits::context::Context;
use sheaf_prover::artifact::{ArtifactError, ArtifactRef};
use sheaf_prover::digest::JobId;
use sheaf_prover::graph::{Graph, GraphBuilder, GraphError};
use sheaf_prover::job::{Input, JobKind, JobSpec};
use thiserror::Error;

use super::batch::Until;
use super::circuits::{Circuits, CircuitsError};
use super::settlement::Settlement;

/// Bytes that proving takes for each row of a chunk circuit: measured 41 KiB a row at 2^16 rows, and rounded up.
const CHUNK_BYTES_PER_ROW: u64 = 48 << 10;
/// Bytes that a lift or join takes.
const RECURSION_BYTES: u64 = 1 << 30;
/// Bytes that the layers up to shrink take: measured 3.5 GiB, with the circuits.
const SHRINK_BYTES: u64 = 4 << 30;
/// Bytes that Groth16 takes: measured 2.8 GiB, with the key.
const WRAP_BYTES: u64 = 3 << 30;

/// The most memory that proving a chunk of `shape` takes, predicted, in bytes.
pub fn chunk_memory_bytes(shape: &Shape) -> u64 {
    CHUNK_BYTES_PER_ROW << shape.degree_bits
}

/// What a lift has to know besides its inputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiftPayload {
    /// The shape of the chunks.
    pub shape: String,
}

/// The jobs that make one proof of `chunks`, in order. `put` stores their inputs.
///
/// Neighbouring chunks of one shape are lifted together where a lift takes more than one. Proofs are then joined in
/// pairs, level by level, so that the tree is balanced and neighbours stay neighbours.
pub fn batch_graph(
    circuits: &Circuits,
    put: &dyn Fn(&[u8]) -> Result<ArtifactRef, ArtifactError>,
    chunks: &[ChunkInput],
    label: &str,
) -> Result<Graph, BatchGraphError> {
    let mut builder = GraphBuilder::new();
    let mut leaves: Vec<(usize, JobId)> = Vec::with_capacity(chunks.len());
    for (i, chunk) in chunks.iter().enumerate() {
        let shape = circuits.shape_index(&chunk.shape)?;
        let input = put(&postcard::to_stdvec(chunk)?)?;
        let spec = chunk_job(circuits, shape, input, format!("chunk {} of {}", i + 1, chunks.len()));
        leaves.push((shape, builder.add(spec)?));
    }
    let mut level = Vec::new();
    let mut rest = leaves.as_slice();
    while let [(shape, _), ..] = rest {
        let most = circuits.recursion().chunks_per_lift(*shape).map_err(CircuitsError::from)?;
        let count = rest.iter().take(most).take_while(|(other, _)| other == shape).count();
        let (lifted, after) = rest.split_at(count);
        let position = leaves.len() - rest.len() + 1;
        let label = match count {
            1 => format!("lift of chunk {position}"),
            _ => format!("lift of chunks {position} to {}", position + count - 1),
        };
        let inputs = lifted.iter().map(|&(_, job)| Input::Job(job)).collect();
        level.push(builder.add(JobSpec {
            kind: JobKind::Lift,
            circuit: circuits.recursion_digest(),
            inputs,
            payload: postcard::to_stdvec(&LiftPayload { shape: circuits.shapes()[*shape].name.to_owned() })?,
            memory_bytes: RECURSION_BYTES,
            priority: JobKind::Lift.priority(),
            label,
        })?);
        rest = after;
    }
    for height in 1.. {
        if level.len() <= 1 {
            break;
        }
        let mut next = Vec::with_capacity(level.len().div_ceil(2));
        for (i, pair) in level.chunks(2).enumerate() {
            next.push(match pair {
                [left, right] => builder.add(JobSpec {
                    kind: JobKind::Join,
                    circuit: circuits.recursion_digest(),
                    inputs: vec![Input::Job(*left), Input::Job(*right)],
                    payload: Vec::new(),
                    memory_bytes: RECURSION_BYTES,
                    priority: JobKind::Join.priority(),
                    label: format!("join {} at height {height}", i + 1),
                })?,
                rest => rest[0],
            });
        }
        level = next;
    }
    Ok(builder.finish(label)?)
}

/// What shrink has to know besides the proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShrinkPayload {
    /// The context, which the proof below has as a digest.
    pub context: Context,
}

/// The graph of `jobs`, which are those of [`batch_graph`], and of those on the way to L1, which follow from them.
pub fn graph_until(
    circuits: &Circuits,
    jobs: impl IntoIterator<Item = JobSpec>,
    until: Until,
    context: &Context,
    label: &str,
) -> Result<Graph, BatchGraphError> {
    let mut builder = GraphBuilder::new();
    let mut last = None;
    for job in jobs {
        last = Some(builder.add(job)?);
    }
    if let (Until::Wrap, Some(last)) = (until, last) {
        add_settlement(&mut builder, circuits.settlement().ok_or(CircuitsError::NoKey)?, last, context)?;
    }
    Ok(builder.finish(label)?)
}

/// Adds the two jobs from `last`, the proof of a whole batch, to what L1 verifies; gives the second.
fn add_settlement(
    builder: &mut GraphBuilder,
    settlement: &Settlement,
    last: JobId,
    context: &Context,
) -> Result<JobId, BatchGraphError> {
    let shrunk = builder.add(JobSpec {
        kind: JobKind::Shrink,
        circuit: settlement.shrink_digest(),
        inputs: vec![Input::Job(last)],
        payload: postcard::to_stdvec(&ShrinkPayload { context: *context })?,
        memory_bytes: SHRINK_BYTES,
        priority: JobKind::Shrink.priority(),
        label: "shrink".to_owned(),
    })?;
    Ok(builder.add(JobSpec {
        kind: JobKind::Wrap,
        circuit: settlement.wrapper().digest(),
        inputs: vec![Input::Job(shrunk)],
        payload: Vec::new(),
        memory_bytes: WRAP_BYTES,
        priority: JobKind::Wrap.priority(),
        label: "wrap".to_owned(),
    })?)
}

fn chunk_job(circuits: &Circuits, shape: usize, input: ArtifactRef, label: String) -> JobSpec {
    JobSpec {
        kind: JobKind::Chunk,
        circuit: circuits.chunk_digest(shape),
        inputs: vec![Input::Artifact(input)],
        payload: Vec::new(),
        memory_bytes: chunk_memory_bytes(&circuits.shapes()[shape]),
        priority: JobKind::Chunk.priority(),
        label,
    }
}

/// Why a batch's graph could not be made.
#[derive(Debug, Error)]
pub enum BatchGraphError {
    /// A circuit is missing.
    #[error(transparent)]
    Circuits(#[from] CircuitsError),
    /// An input could not be stored.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// An input could not be encoded.
    #[error("cannot encode a chunk's input: {0}")]
    Encode(#[from] postcard::Error),
    /// The graph is not one, as for a batch without chunks.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

#[cfg(test)]
mod tests {
    use sheaf_circuits::account::{AccountIndex, AssetId};
    use sheaf_circuits::amount::{Fee, Quanta};
    use sheaf_circuits::hash::Digest;
    use sheaf_circuits::signature::SecretKey;
    use sheaf_circuits::transaction::{
        Authorization, Deposit, ForcedExit, Kind, Rekey, Transaction, Transfer, Withdraw,
    };

    /// One of each kind, a deposit with and without a key hash.
    fn transactions() -> Vec<Transaction> {
        let account = AccountIndex::new(10).unwrap();
        let (asset, amount, fee) = (AssetId::new(4095).unwrap(), Quanta::MAX_TRANSFER, Fee::new(21_000).unwrap());
        let key = SecretKey::from_seed(&[7; 32]);
        let authorization = Authorization { public_key: *key.public(), signature: key.sign(Digest::ZERO) };
        let key_hash = key.public().hash();
        let transfer = Transfer { account, nonce: 1, fee, asset, to: AccountIndex::new(11).unwrap(), amount };
        vec![
            Transaction::Noop,
            Transaction::Deposit(Deposit { account, asset, amount, opens: None }),
            Transaction::Deposit(Deposit { account, asset, amount, opens: Some(key_hash) }),
            Transaction::Rekey(Rekey { account, key_hash }),
            Transaction::ForcedExit(ForcedExit { account, asset }),
            Transaction::Transfer(transfer, authorization),
            Transaction::Withdraw(Withdraw { account, nonce: 1, fee, asset, amount }, authorization),
        ]
    }

    #[test]
    fn every_transaction_survives_the_encoding_of_inputs() {
        let all = transactions();
        assert!(Kind::PROTOCOL.into_iter().all(|kind| all.iter().any(|transaction| transaction.kind() == kind)));
        // Each before each, so that nothing of one can be taken for the next.
        for first in &all {
            for second in &all {
                let bytes = postcard::to_stdvec(&(first, second)).unwrap();
                assert_eq!(postcard::from_bytes(&bytes), Ok((first.clone(), second.clone())));
            }
        }
    }
}
