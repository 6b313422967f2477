//! Reading what happened on L1: requests in queue order, and batches. All of it is checked, since a node can be wrong and
//! the chain's last blocks can be replaced.
//!
//! - Only blocks that are deep enough are read: [`ReaderSettings::confirmations`].
//! - A [`Cursor`] remembers how far it came, with that block's hash: if the block is gone later, that is an error.
//! - Requests must be numbered without gaps, and their bytes hash to what the contract has stored.
//! - A batch's calldata must be what its event says.

use alloy::eips::BlockId;
use alloy::primitives::{Address, B256, U256};
use alloy::rpc::types::{Filter, Log};
use alloy::sol_types::SolEvent;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::abi::Rollup as Abi;
use super::calldata::{decode_submission, SubmissionError};
use super::node::{Head, NodeError};
use super::request::{hash_of_word, next_hash, Request, RequestError};
use super::rollup::Rollup;
use crate::L1Batch;

/// Where the contract keeps the queue's words: `words` of `PriorityQueue`, after all that `Rollup`'s parts before it keep
/// (`forge inspect Rollup storageLayout`). The words are not in its interface; a test reads one.
const QUEUE_SLOT: u64 = 11;
/// Words in the queue's ring: `PriorityQueue.RING`.
const QUEUE_RING: u64 = 1 << 15;

/// How the chain is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReaderSettings {
    /// Blocks on top of the last one that is read.
    pub confirmations: u64,
    /// Blocks of which events are asked for at once; fewer when the node finds it too many.
    pub page_blocks: u64,
    /// The block that the rollup was deployed in.
    pub first_block: u64,
}

/// How far a chain was read, and what was open there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// The chain.
    chain_id: u64,
    /// The rollup.
    rollup: Address,
    /// The last block that was read, if any was: its number and hash.
    read: Option<(u64, B256)>,
    /// Number of the last request.
    requests: u64,
    /// The chain's hash up to it.
    hash: B256,
    /// Requests that no batch up to there took.
    open: Vec<OpenRequest>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenRequest {
    number: u64,
    account: u32,
    from: Address,
    record: alloy::primitives::Bytes,
}

impl Cursor {
    /// Nothing of the rollup was read.
    pub fn new(rollup: &Rollup<'_>) -> Self {
        Self {
            chain_id: rollup.node().chain_id(),
            rollup: rollup.address(),
            read: None,
            requests: 0,
            hash: B256::ZERO,
            open: Vec::new(),
        }
    }

    /// The last block that was read.
    pub fn block(&self) -> Option<u64> {
        self.read.map(|(number, _)| number)
    }

    /// The confirmed requests after number `taken`, in queue order.
    pub fn open_requests(&self, taken: u64) -> Result<Vec<Request>, ReadError> {
        let open = self.open.iter().filter(|request| request.number > taken);
        let requests = open.map(|OpenRequest { number, account, from, record }| {
            let request = Request::new(*number, *account, *from, record.to_vec());
            request.map_err(|source| ReadError::Request { number: *number, source })
        });
        requests.collect()
    }
}

/// A batch that L1 accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedBatch {
    /// The batch, as it was submitted.
    pub batch: L1Batch,
    /// The transaction.
    pub transaction: B256,
    /// The block that it is in.
    pub block: u64,
    /// Requests that batches have taken, this one included.
    pub requests_taken: u64,
}

/// Reads a rollup's events.
pub struct Reader<'a> {
    rollup: Rollup<'a>,
    settings: ReaderSettings,
}

impl<'a> Reader<'a> {
    /// Reads those of `rollup`.
    pub fn new(rollup: Rollup<'a>, settings: ReaderSettings) -> Self {
        Self { rollup, settings }
    }

    /// The last block that is deep enough; none if the rollup's own is not.
    pub fn last_block(&self) -> Result<Option<Head>, ReadError> {
        let head = self.rollup.node().head()?;
        let Some(number) = head.number.checked_sub(self.settings.confirmations) else { return Ok(None) };
        if number < self.settings.first_block {
            return Ok(None);
        }
        Ok(Some(self.block(number)?))
    }

    fn block(&self, number: u64) -> Result<Head, ReadError> {
        self.rollup.node().block_at(number)?.ok_or(ReadError::NoBlock { number })
    }

    /// Reads on from `cursor` to the last block that is deep enough; returns where that leaves it.
    pub fn follow(&self, cursor: &Cursor) -> Result<Cursor, ReadError> {
        let of = (self.rollup.node().chain_id(), self.rollup.address());
        if (cursor.chain_id, cursor.rollup) != of {
            return Err(ReadError::OtherCursor { got: (cursor.chain_id, cursor.rollup), expected: of });
        }
        if let Some((number, hash)) = cursor.read {
            self.require_block(number, hash)?;
        }
        let from = cursor.read.map_or(self.settings.first_block, |(number, _)| number.saturating_add(1));
        let last = match self.last_block()? {
            Some(last) if last.number >= from => last,
            _ => return Ok(cursor.clone()),
        };
        let mut next = cursor.clone();
        let topics = vec![Abi::Requested::SIGNATURE_HASH, Abi::BatchAccepted::SIGNATURE_HASH];
        for log in self.events(Filter::new().event_signature(topics), from, last.number)? {
            if log.topic0() == Some(&Abi::BatchAccepted::SIGNATURE_HASH) {
                let taken = decode::<Abi::BatchAccepted>(&log)?.requestsTaken;
                next.open.retain(|request| request.number > taken);
            } else {
                next.add(decode::<Abi::Requested>(&log)?)?;
            }
        }
        // What was read is of one chain if its last block still is what it was.
        self.require_block(last.number, last.hash)?;
        next.read = Some((last.number, last.hash));
        self.compare_with_contract(&next, last.number)?;
        Ok(next)
    }

    fn require_block(&self, number: u64, expected: B256) -> Result<(), ReadError> {
        let got = self.rollup.node().block_at(number)?.map(|block| block.hash);
        match got == Some(expected) {
            true => Ok(()),
            false => Err(ReadError::Reorganised { number, expected, got }),
        }
    }

    /// Compares the number of requests, and the hash over all of them, with what the contract has at `block`.
    fn compare_with_contract(&self, cursor: &Cursor, block: u64) -> Result<(), ReadError> {
        let id = BlockId::number(block);
        // The rollup may be younger than the block, if it is not known when it was deployed.
        let made = match self.rollup.exists_at(id)? {
            true => self.rollup.progress_at(id)?.requests_made,
            false => 0,
        };
        if made != cursor.requests {
            return Err(ReadError::Missing { block, events: cursor.requests, contract: made });
        }
        if made == 0 {
            return Ok(());
        }
        let slot = U256::from(QUEUE_SLOT + made % QUEUE_RING);
        let stored = hash_of_word(self.rollup.node().storage(self.rollup.address(), slot, block)?);
        match stored == cursor.hash {
            true => Ok(()),
            false => Err(ReadError::OtherRequests { number: made, events: cursor.hash, contract: stored }),
        }
    }

    /// Gives all batches with numbers from `first` on to `take`, in order, up to the last block that is deep enough.
    /// Numbers must be without gaps, and each batch must begin from the root that the one before it left.
    pub fn batches<E: From<ReadError>>(
        &self,
        first: u32,
        mut take: impl FnMut(AcceptedBatch) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(last) = self.last_block()? else { return Ok(()) };
        let filter = Filter::new().event_signature(Abi::BatchAccepted::SIGNATURE_HASH);
        let mut root = None;
        for (expected, log) in (1..).zip(self.events(filter, self.settings.first_block, last.number)?) {
            let event = decode::<Abi::BatchAccepted>(&log)?;
            let number = event.number;
            if number != expected {
                return Err(ReadError::BatchNumber { expected, got: number }.into());
            }
            if root.is_some_and(|root| root != event.preRoot) {
                return Err(ReadError::BatchRoot { number }.into());
            }
            root = Some(event.postRoot);
            if number >= first {
                take(self.batch(&log, &event)?)?;
            }
        }
        Ok(self.require_block(last.number, last.hash)?)
    }

    /// The event of the batch of this number, if L1 has accepted it, confirmed or not: its transaction and block, and
    /// roots and daCommit.
    pub(super) fn accepted(&self, number: u32) -> Result<Option<(B256, u64, [B256; 3])>, ReadError> {
        let topic = B256::from(U256::from(number));
        let filter = Filter::new().event_signature(Abi::BatchAccepted::SIGNATURE_HASH).topic1(topic);
        let head = self.rollup.node().head()?.number;
        let Some(log) = self.events(filter, self.settings.first_block, head)?.pop() else { return Ok(None) };
        let event = decode::<Abi::BatchAccepted>(&log)?;
        let place = (place(&log)?.0, log.transaction_hash.unwrap_or_default());
        Ok(Some((place.1, place.0, [event.preRoot, event.postRoot, event.daCommit])))
    }

    /// The batch that a transaction submitted.
    pub fn batch_of(&self, transaction: B256) -> Result<AcceptedBatch, ReadError> {
        let receipt = self.rollup.node().receipt(transaction)?.ok_or(ReadError::NoTransaction { transaction })?;
        let logs = receipt.inner.logs().iter().filter(|log| log.inner.address == self.rollup.address());
        let mut accepted = logs.filter(|log| log.topic0() == Some(&Abi::BatchAccepted::SIGNATURE_HASH));
        let log = accepted.next().ok_or(ReadError::NoBatch { transaction })?;
        self.batch(log, &decode::<Abi::BatchAccepted>(log)?)
    }

    /// The batch that an event is of, from its transaction's calldata.
    fn batch(&self, log: &Log, event: &Abi::BatchAccepted) -> Result<AcceptedBatch, ReadError> {
        let number = event.number;
        let hash = log.transaction_hash.ok_or(ReadError::Unplaced)?;
        let node = self.rollup.node();
        let transaction = node.transaction(hash)?.ok_or(ReadError::NoTransaction { transaction: hash })?;
        use alloy::consensus::Transaction as _;
        if transaction.to() != Some(self.rollup.address()) {
            return Err(ReadError::Indirect { number, transaction: hash });
        }
        let batch = decode_submission(node.chain_id(), self.rollup.address(), transaction.input())
            .map_err(|source| ReadError::Batch { number, transaction: hash, source })?;
        let same = batch.context.batch_number == number
            && batch.context.timestamp_s == event.timestamp
            && [batch.pre_root, batch.post_root, batch.da_commit].map(|digest| B256::from(digest.to_bytes()))
                == [event.preRoot, event.postRoot, event.daCommit];
        match same {
            true => Ok(AcceptedBatch {
                batch,
                transaction: hash,
                block: place(log)?.0,
                requests_taken: event.requestsTaken,
            }),
            false => Err(ReadError::BatchDiffers { number, transaction: hash }),
        }
    }

    /// The rollup's events from block `from` to block `to`, in order.
    fn events(&self, filter: Filter, from: u64, to: u64) -> Result<Vec<Log>, ReadError> {
        let filter = filter.address(self.rollup.address());
        let (mut page, mut next) = (self.settings.page_blocks.max(1), from);
        let mut found = Vec::new();
        while next <= to {
            let end = next.saturating_add(page - 1).min(to);
            match self.rollup.node().logs(&filter.clone().from_block(next).to_block(end)) {
                // Nodes say in many ways that it is too much. With fewer blocks it may not be.
                Err(NodeError::Answer { .. }) if end > next => page = ((end - next) / 2).max(1),
                logs => {
                    let mut logs = logs?;
                    for log in &logs {
                        let block = place(log)?.0;
                        if log.inner.address != self.rollup.address() || block < next || block > end {
                            return Err(ReadError::Unasked { block });
                        }
                    }
                    logs.sort_by_key(|log| (log.block_number, log.log_index));
                    found.append(&mut logs);
                    next = end + 1;
                }
            }
        }
        Ok(found)
    }
}

impl Cursor {
    fn add(&mut self, event: Abi::Requested) -> Result<(), ReadError> {
        let expected = self.requests + 1;
        if event.number != expected {
            return Err(ReadError::RequestNumber { expected, got: event.number });
        }
        // Read now, so that what cannot be read is told before it is in a file.
        Request::new(event.number, event.account, event.from, event.record.to_vec())
            .map_err(|source| ReadError::Request { number: event.number, source })?;
        self.hash = next_hash(self.hash, &event.record);
        self.requests = event.number;
        let Abi::Requested { number, account, from, record } = event;
        self.open.push(OpenRequest { number, account, from, record });
        Ok(())
    }
}

/// Block and position of an event.
fn place(log: &Log) -> Result<(u64, u64), ReadError> {
    match (log.block_number, log.log_index, log.removed) {
        (Some(block), Some(index), false) => Ok((block, index)),
        _ => Err(ReadError::Unplaced),
    }
}

fn decode<E: SolEvent>(log: &Log) -> Result<E, ReadError> {
    let event = E::decode_log_validate(&log.inner);
    event.map(|event| event.data).map_err(|error| ReadError::Event { name: E::SIGNATURE, reason: error.to_string() })
}

/// Why L1 cannot be read, or not be believed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReadError {
    /// The node.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// A block that was read is gone.
    #[error("L1 was reorganised: block {number} was {expected} and is {} now", or_none(got))]
    Reorganised {
        /// The block.
        number: u64,
        /// Its hash when it was read.
        expected: B256,
        /// The hash that the block of this number has now, if there is one.
        got: Option<B256>,
    },
    /// The cursor is of another rollup.
    #[error("the cursor is that of {} on chain {}, expected {} on chain {}", got.1, got.0, expected.1, expected.0)]
    OtherCursor {
        /// Its chain and rollup.
        got: (u64, Address),
        /// What is read.
        expected: (u64, Address),
    },
    /// A block is missing.
    #[error("the L1 node does not have block {number}")]
    NoBlock {
        /// Its number.
        number: u64,
    },
    /// An event is in no block, or in one that is gone.
    #[error("the L1 node gave an event that is in no block")]
    Unplaced,
    /// An event was not asked for.
    #[error("the L1 node gave an event of block {block} that was not asked for")]
    Unasked {
        /// Its block.
        block: u64,
    },
    /// An event cannot be read.
    #[error("an event {name} cannot be read: {reason}")]
    Event {
        /// What it should be.
        name: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A request's bytes cannot be read.
    #[error("request {number}: {source}")]
    Request {
        /// Its number.
        number: u64,
        /// What is wrong.
        source: RequestError,
    },
    /// A request is missing, or there twice.
    #[error("the next request has number {got}, expected {expected}")]
    RequestNumber {
        /// The number after the last one's.
        expected: u64,
        /// The number found.
        got: u64,
    },
    /// There are fewer or more events than requests.
    #[error("at block {block} there are events of {events} requests, but the contract has {contract}")]
    Missing {
        /// The block.
        block: u64,
        /// By events.
        events: u64,
        /// By the contract.
        contract: u64,
    },
    /// The events are not what the contract has.
    #[error("the requests up to {number} hash to {events}, but the contract has {contract}")]
    OtherRequests {
        /// The last one's number.
        number: u64,
        /// By events.
        events: B256,
        /// By the contract.
        contract: B256,
    },
    /// A batch is missing, or there twice.
    #[error("the next batch has number {got}, expected {expected}")]
    BatchNumber {
        /// The number after the last one's.
        expected: u32,
        /// The number found.
        got: u32,
    },
    /// A batch begins from another root.
    #[error("batch {number} does not begin from the root that the one before it left")]
    BatchRoot {
        /// Its number.
        number: u32,
    },
    /// A batch's calldata cannot be read.
    #[error("batch {number} in transaction {transaction}: {source}")]
    Batch {
        /// Its number.
        number: u32,
        /// The transaction.
        transaction: B256,
        /// What is wrong.
        source: SubmissionError,
    },
    /// A batch's calldata is not what its event says.
    #[error("the calldata of transaction {transaction} is not that of batch {number} as its event has it")]
    BatchDiffers {
        /// Its number.
        number: u32,
        /// The transaction.
        transaction: B256,
    },
    /// A batch's transaction goes elsewhere, which the rollup does not allow.
    #[error(
        "the transaction {transaction} of batch {number} does not go to the rollup, which takes no batches through \
         other contracts: the L1 node is wrong, or another contract is at the rollup's address"
    )]
    Indirect {
        /// Its number.
        number: u32,
        /// The transaction.
        transaction: B256,
    },
    /// There is no such transaction.
    #[error("the L1 node does not have transaction {transaction}, or it is in no block yet")]
    NoTransaction {
        /// Its hash.
        transaction: B256,
    },
    /// The transaction is of another kind.
    #[error("transaction {transaction} did not submit a batch that this rollup accepted")]
    NoBatch {
        /// Its hash.
        transaction: B256,
    },
}

fn or_none(hash: &Option<B256>) -> String {
    hash.map_or_else(|| "not there".into(), |hash| hash.to_string())
}
