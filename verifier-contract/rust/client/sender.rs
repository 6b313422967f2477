//! Sending a transaction once, whatever happens in between.
//!
//! ```text
//!   prepare    gas, fees, nonce, signature ──▶ journal, on disk
//!   broadcast  the signed bytes ──▶ node                         a crash from here on finds the entry, and
//!   wait       mined? confirmed? gone? stuck? ──▶ result         goes on with the same nonce
//!   forget     the result was told: the entry goes
//! ```
//!
//! All forms of one transaction have one nonce, so L1 takes at most one of them. A call is told from another by its
//! recipient, value and data: the same call again, while its entry is there, is the same transaction.

use std::time::{Duration, Instant};

use alloy::consensus::{Transaction as _, TxEip1559, TxEnvelope};
use alloy::eips::eip2718::{Decodable2718, Encodable2718};
use alloy::eips::BlockId;
use alloy::primitives::{keccak256, Address, Bytes, TxKind, B256, U256};
use alloy::rpc::types::{Log, TransactionReceipt, TransactionRequest};
use thiserror::Error;

use super::journal::{Attempt, Entry, Journal, JournalError};
use super::node::{Node, NodeError};
use super::reverts::Refusal;
use super::wallet::{Wallet, WalletError};

/// What is called, and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What it does, for people: "submit batch 3".
    pub label: String,
    /// The contract, or none to create one.
    pub to: Option<Address>,
    /// Coins that go with it, in wei.
    pub value: U256,
    /// Selector and arguments, or a contract's code.
    pub data: Bytes,
}

impl Call {
    /// What tells it from others: the hash of recipient, value and data.
    pub fn id(&self) -> B256 {
        let to = self.to.map_or(vec![0], |to| [&[1], to.as_slice()].concat());
        keccak256([&to, self.value.to_be_bytes::<32>().as_slice(), &self.data].concat())
    }
}

/// How transactions are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Blocks until a transaction counts, its own included: 1 is as soon as it is mined.
    pub confirmations: u64,
    /// Wei a unit of gas may cost, at most.
    pub max_fee_per_gas: u128,
    /// Gas that a transaction may have, at most. EIP-7825 allows 2^24.
    pub gas_limit: u64,
    /// When a transaction that is not mined is sent again with higher fees.
    pub replace_after: Duration,
    /// When waiting ends; the transaction stays in the journal.
    pub give_up_after: Duration,
    /// Between two looks, at most.
    pub poll: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            confirmations: 2,
            max_fee_per_gas: 200_000_000_000,
            gas_limit: 1 << 24,
            replace_after: Duration::from_secs(90),
            give_up_after: Duration::from_secs(3600),
            poll: Duration::from_secs(2),
        }
    }
}

/// Gas limits are the estimate and a quarter: what a call takes may grow until it is mined.
const GAS_MARGIN_PERCENT: u128 = 125;
/// Nodes take a replacement whose fees are at least a tenth higher; some, an eighth.
const REPLACEMENT_PERMILLE: u128 = 1125;

/// What happens to a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It is in the journal already: an earlier run began it.
    Resumed {
        /// Its nonce.
        nonce: u64,
    },
    /// It was handed to the node.
    Sent {
        /// Its hash.
        hash: B256,
        /// Its nonce.
        nonce: u64,
    },
    /// It was not mined in time, and was sent again with higher fees.
    Replaced {
        /// The new form's hash.
        hash: B256,
        /// What it pays at most, wei a unit of gas.
        max_fee_per_gas: u128,
    },
    /// It is stuck, and higher fees are not allowed.
    AtMaxFee {
        /// What is allowed, wei a unit of gas.
        max_fee_per_gas: u128,
    },
    /// It is in a block.
    Mined {
        /// Its hash.
        hash: B256,
        /// The block.
        block: u64,
        /// Blocks that it has.
        confirmations: u64,
    },
    /// The block that had it is gone.
    Reorganised {
        /// The block.
        block: u64,
    },
}

/// A transaction that is on L1, confirmed.
#[derive(Clone, Debug)]
pub struct Mined {
    /// The call that it is of, see [`Call::id`].
    pub id: B256,
    /// Its hash.
    pub hash: B256,
    /// The block's number.
    pub block: u64,
    /// Gas that it took.
    pub gas_used: u64,
    /// What it paid for that, in wei.
    pub fee: U256,
    /// The contract that it created.
    pub created: Option<Address>,
    /// Its events.
    pub logs: Vec<Log>,
}

/// Who is told the label of a call, and what happens to its transaction.
type Observer<'a> = Box<dyn Fn(&str, &Event) + 'a>;

/// Sends the transactions of one wallet.
pub struct Sender<'a> {
    node: &'a Node,
    wallet: Wallet,
    journal: Journal,
    policy: Policy,
    observer: Observer<'a>,
}

impl<'a> Sender<'a> {
    /// Sends for `wallet`, with the journal at `journal`.
    pub fn new(node: &'a Node, wallet: Wallet, journal: &std::path::Path, policy: Policy) -> Result<Self, SendError> {
        let genesis = node.block_at(0)?.ok_or(SendError::NoFirstBlock)?.hash;
        let journal = Journal::open(journal, genesis, wallet.address())?;
        Ok(Self { node, wallet, journal, policy, observer: Box::new(|_, _| {}) })
    }

    /// Tells `observer` the label of a call and what happens to its transaction.
    pub fn observed(mut self, observer: impl Fn(&str, &Event) + 'a) -> Self {
        self.observer = Box::new(observer);
        self
    }

    /// Whose transactions.
    pub fn address(&self) -> Address {
        self.wallet.address()
    }

    /// The node.
    pub fn node(&self) -> &'a Node {
        self.node
    }

    /// Sends and waits. When an earlier run began the same call, its transaction is what is waited for.
    pub fn send(&mut self, call: &Call) -> Result<Mined, SendError> {
        self.prepare(call)?;
        self.broadcast(call.id())?;
        self.wait(call.id())
    }

    /// Whether an earlier run began this call and did not tell its result.
    pub fn has_begun(&self, call: &Call) -> bool {
        self.journal.entry(call.id()).is_some()
    }

    /// Forgets a transaction whose result was told: the same call is from now on another transaction.
    pub fn forget(&mut self, id: B256) -> Result<(), SendError> {
        Ok(self.journal.end(id)?)
    }

    /// Writes the transaction of `call` to the journal. Nothing is sent.
    pub fn prepare(&mut self, call: &Call) -> Result<(), SendError> {
        if let Some(entry) = self.journal.entry(call.id()) {
            (self.observer)(&call.label, &Event::Resumed { nonce: entry.nonce });
            return Ok(());
        }
        let from = self.wallet.address();
        let balance = self.node.balance(from)?;
        self.require_funds(balance, call.value)?;
        let gas_limit = self.gas(call)?;
        let (max_fee_per_gas, max_priority_fee_per_gas) = self.fees()?;
        self.require_funds(balance, call.value + U256::from(gas_limit) * U256::from(max_fee_per_gas))?;
        let transaction = TxEip1559 {
            chain_id: self.node.chain_id(),
            nonce: self.next_nonce()?,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas,
            to: call.to.map_or(TxKind::Create, TxKind::Call),
            value: call.value,
            access_list: Default::default(),
            input: call.data.clone(),
        };
        let nonce = transaction.nonce;
        let attempts = vec![self.sign(transaction)?];
        Ok(self.journal.begin(Entry { id: call.id(), label: call.label.clone(), nonce, attempts })?)
    }

    /// Hands what the journal has under `id` to the node, and before it all transactions with lower nonces that are not
    /// on their way: without those it could not be mined.
    pub fn broadcast(&mut self, id: B256) -> Result<(), SendError> {
        let nonce = self.entry(id)?.nonce;
        let mined = self.node.nonce(self.wallet.address(), BlockId::latest())?;
        for entry in self.journal.entries().iter().filter(|entry| entry.nonce <= nonce && entry.nonce >= mined) {
            self.hand_over(entry)?;
        }
        Ok(())
    }

    /// Waits until the transaction under `id` is confirmed. It is looked after meanwhile: sent again when it was lost or
    /// its block is gone, and with higher fees when it is stuck.
    pub fn wait(&mut self, id: B256) -> Result<Mined, SendError> {
        let start = Instant::now();
        let mut sent = start;
        let mut told: Option<(u64, u64)> = None;
        let mut taken: Option<Instant> = None;
        // Soon at first, since some chains make a block for each transaction.
        let mut pause = self.policy.poll / 64;
        loop {
            let entry = self.entry(id)?.clone();
            let head = self.node.head()?;
            match self.receipt(&entry)? {
                Some((hash, block, receipt)) => {
                    let confirmations = head.number.saturating_add(1).saturating_sub(block);
                    if told != Some((block, confirmations)) {
                        (self.observer)(&entry.label, &Event::Mined { hash, block, confirmations });
                    }
                    told = Some((block, confirmations));
                    if confirmations >= self.policy.confirmations {
                        return self.result(&entry, block, receipt);
                    }
                }
                None => {
                    if let Some((block, _)) = told.take() {
                        (self.observer)(&entry.label, &Event::Reorganised { block });
                    }
                    match (self.nonce_is_taken(&entry, head.number)?, taken) {
                        (false, _) => taken = None,
                        (true, None) => taken = Some(Instant::now()),
                        // Some nodes tell the nonce of a block before its receipts, so one look is not enough.
                        (true, Some(since)) if since.elapsed() >= self.policy.replace_after => {
                            return self.give_up_nonce(&entry);
                        }
                        (true, Some(_)) => {}
                    }
                    // A node that keeps dropping it finds it too cheap, so it is replaced in its time then, too.
                    if sent.elapsed() >= self.policy.replace_after {
                        self.raise(&entry)?;
                        sent = Instant::now();
                    } else if self.node.transaction(newest(&entry).hash)?.is_none() {
                        self.hand_over(&entry)?;
                    }
                }
            }
            if start.elapsed() >= self.policy.give_up_after {
                return Err(SendError::NotConfirmed {
                    label: entry.label.clone(),
                    hash: newest(&entry).hash,
                    waited_s: start.elapsed().as_secs(),
                });
            }
            pause = (pause * 2).min(self.policy.poll);
            std::thread::sleep(pause);
        }
    }

    /// Sends the transaction again with higher fees, or the first one before it that is stuck: it cannot be mined sooner.
    fn raise(&mut self, entry: &Entry) -> Result<(), SendError> {
        let mined = self.node.nonce(self.wallet.address(), BlockId::latest())?;
        let open = self.journal.entries().iter().filter(|other| (mined..entry.nonce).contains(&other.nonce));
        match open.min_by_key(|other| other.nonce).cloned() {
            Some(first) => self.replace(&first),
            None => self.replace(entry),
        }
    }

    fn entry(&self, id: B256) -> Result<&Entry, SendError> {
        self.journal.entry(id).ok_or(SendError::NotBegun { id })
    }

    /// The receipt of whichever form of the transaction is in a block that the chain still has.
    fn receipt(&self, entry: &Entry) -> Result<Option<(B256, u64, TransactionReceipt)>, SendError> {
        for attempt in entry.attempts.iter().rev() {
            let Some(receipt) = self.node.receipt(attempt.hash)? else { continue };
            let (Some(block), Some(hash)) = (receipt.block_number, receipt.block_hash) else { continue };
            // A node may know receipts of blocks that are gone.
            if self.node.block_at(block)?.is_some_and(|found| found.hash == hash) {
                return Ok(Some((attempt.hash, block, receipt)));
            }
        }
        Ok(None)
    }

    /// What a confirmed transaction came to.
    fn result(&mut self, entry: &Entry, block: u64, receipt: TransactionReceipt) -> Result<Mined, SendError> {
        let hash = receipt.transaction_hash;
        if !receipt.status() {
            let refusal = self.why_reverted(entry, block).into();
            // It changed nothing, so the same call may be tried again.
            self.journal.end(entry.id)?;
            return Err(SendError::Reverted { label: entry.label.clone(), hash: Some(hash), refusal });
        }
        // The chain's rule decides where a contract is, not what a node tells: whoever told another could have all that is
        // then sent there.
        let made = decode(newest(entry)).is_some_and(|transaction| transaction.kind().is_create());
        let created = made.then(|| self.wallet.address().create(entry.nonce));
        if receipt.contract_address != created {
            return Err(SendError::OtherContract { hash, expected: created, got: receipt.contract_address });
        }
        Ok(Mined {
            id: entry.id,
            hash,
            block,
            gas_used: receipt.gas_used,
            fee: U256::from(receipt.gas_used) * U256::from(receipt.effective_gas_price),
            created,
            logs: receipt.inner.logs().to_vec(),
        })
    }

    /// Runs a transaction that reverted again, in the state before its block, to learn why. Transactions before it in the
    /// block are left out, so this is a likely answer and not a sure one.
    fn why_reverted(&self, entry: &Entry, block: u64) -> Refusal {
        let request = decode(newest(entry))
            .map(|transaction| self.request(transaction.kind(), transaction.value(), transaction.input()));
        let answer = request.map(|request| self.node.simulate(request, BlockId::number(block.saturating_sub(1))));
        match answer {
            Some(Err(NodeError::Reverted { refusal })) => refusal,
            _ => Refusal::Text("it cannot be told: run again alone, the call works".into()),
        }
    }

    /// Whether some transaction took the nonce, and is as deep in the chain as is asked of ours.
    fn nonce_is_taken(&self, entry: &Entry, head: u64) -> Result<bool, SendError> {
        let depth = self.policy.confirmations.saturating_sub(1);
        let block = BlockId::number(head.saturating_sub(depth));
        Ok(self.node.nonce(self.wallet.address(), block)? > entry.nonce)
    }

    /// Another transaction has the nonce for good, so ours can never be mined: the next try begins anew.
    fn give_up_nonce(&mut self, entry: &Entry) -> Result<Mined, SendError> {
        self.journal.end(entry.id)?;
        let sender = self.wallet.address();
        Err(SendError::NonceTaken { label: entry.label.clone(), nonce: entry.nonce, sender })
    }

    /// Signs the transaction with higher fees, and sends that.
    fn replace(&mut self, entry: &Entry) -> Result<(), SendError> {
        let TxEnvelope::Eip1559(signed) = decode(newest(entry)).ok_or(SendError::Unreadable { id: entry.id })? else {
            return Err(SendError::Unreadable { id: entry.id });
        };
        let old = signed.tx();
        let raised = |fee: u128| fee.saturating_mul(REPLACEMENT_PERMILLE).div_ceil(1000).max(fee.saturating_add(1));
        let (now, now_priority) = self.fees()?;
        let max_fee_per_gas = raised(old.max_fee_per_gas).max(now);
        let max_priority_fee_per_gas = raised(old.max_priority_fee_per_gas).max(now_priority).min(max_fee_per_gas);
        if max_fee_per_gas > self.policy.max_fee_per_gas {
            let max_fee_per_gas = self.policy.max_fee_per_gas;
            (self.observer)(&entry.label, &Event::AtMaxFee { max_fee_per_gas });
            return Ok(());
        }
        let attempt = self.sign(TxEip1559 { max_fee_per_gas, max_priority_fee_per_gas, ..old.clone() })?;
        self.journal.replace(entry.id, attempt.clone())?;
        self.take(&attempt)?;
        (self.observer)(&entry.label, &Event::Replaced { hash: attempt.hash, max_fee_per_gas });
        Ok(())
    }

    /// Hands the newest form of an entry to the node.
    fn hand_over(&self, entry: &Entry) -> Result<(), SendError> {
        let attempt = newest(entry);
        (self.observer)(&entry.label, &Event::Sent { hash: attempt.hash, nonce: entry.nonce });
        self.take(attempt)
    }

    /// Hands a signed transaction to the node. What only says that the node has it, or another form of it, is no error.
    fn take(&self, attempt: &Attempt) -> Result<(), SendError> {
        let message = match self.node.broadcast(&attempt.raw) {
            Ok(()) => return Ok(()),
            Err(NodeError::Answer { message, .. }) => message,
            Err(error) => return Err(error.into()),
        };
        let said = message.to_lowercase();
        let harmless = ["already known", "already imported", "known transaction", "nonce too low", "underpriced"];
        if harmless.iter().any(|text| said.contains(text)) {
            return Ok(());
        }
        Err(SendError::NotTaken { hash: attempt.hash, message })
    }

    /// The gas limit of `call`: what it takes now and a margin, within the bound.
    fn gas(&self, call: &Call) -> Result<u64, SendError> {
        let request = self.request(call.to.map_or(TxKind::Create, TxKind::Call), call.value, &call.data);
        let estimate = match self.node.estimate(request) {
            Err(NodeError::Reverted { refusal }) => {
                return Err(SendError::Reverted { label: call.label.clone(), hash: None, refusal: refusal.into() })
            }
            estimate => estimate?,
        };
        let with_margin = u128::from(estimate) * GAS_MARGIN_PERCENT / 100;
        let limit = self.policy.gas_limit;
        match estimate <= limit {
            true => Ok(u64::try_from(with_margin).unwrap_or(limit).min(limit)),
            false => Err(SendError::TooMuchGas { label: call.label.clone(), estimate, limit }),
        }
    }

    fn request(&self, to: TxKind, value: U256, data: &Bytes) -> TransactionRequest {
        let request = TransactionRequest { to: Some(to), ..Default::default() };
        request.from(self.wallet.address()).value(value).input(data.clone().into())
    }

    /// Wei a unit of gas, at most and for the block's maker: room for the base fee to double, within the bound.
    fn fees(&self) -> Result<(u128, u128), SendError> {
        let base_fee = self.node.head()?.base_fee;
        let priority = self.node.priority_fee()?;
        let max = self.policy.max_fee_per_gas;
        if base_fee > max {
            return Err(SendError::TooExpensive { base_fee, max });
        }
        let fee = base_fee.saturating_mul(2).saturating_add(priority).min(max);
        Ok((fee, priority.min(fee)))
    }

    /// The first nonce that neither the chain, nor the node's pool, nor the journal has.
    fn next_nonce(&self) -> Result<u64, SendError> {
        let pending = self.node.nonce(self.wallet.address(), BlockId::pending())?;
        Ok(self.journal.entries().iter().map(|entry| entry.nonce.saturating_add(1)).fold(pending, u64::max))
    }

    fn require_funds(&self, have: U256, need: U256) -> Result<(), SendError> {
        let sender = self.wallet.address();
        if have < need {
            return Err(SendError::Funds { sender, need, have });
        }
        Ok(())
    }

    fn sign(&self, transaction: TxEip1559) -> Result<Attempt, SendError> {
        let signed = self.wallet.sign(transaction)?;
        Ok(Attempt { hash: *signed.tx_hash(), raw: signed.encoded_2718().into() })
    }
}

fn newest(entry: &Entry) -> &Attempt {
    entry.attempts.last().expect("the journal refuses entries without a transaction")
}

fn decode(attempt: &Attempt) -> Option<TxEnvelope> {
    TxEnvelope::decode_2718(&mut attempt.raw.as_ref()).ok()
}

/// Why a transaction was not sent, or did not do what it was for.
#[derive(Debug, Error)]
pub enum SendError {
    /// The node.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The key.
    #[error(transparent)]
    Wallet(#[from] WalletError),
    /// The node tells of another contract than the transaction made.
    #[error(
        "the node tells that transaction {hash} made {got:?}, by the chain's rule it is {expected:?}: use another node"
    )]
    OtherContract {
        /// The transaction.
        hash: B256,
        /// What its sender and nonce give.
        expected: Option<Address>,
        /// What the node tells.
        got: Option<Address>,
    },
    /// The chain cannot be told from others.
    #[error("the L1 node does not have the chain's first block")]
    NoFirstBlock,
    /// The journal does not have it.
    #[error("transaction {id} was not begun")]
    NotBegun {
        /// What was asked for.
        id: B256,
    },
    /// The journal's transaction cannot be read.
    #[error("the journal's transaction {id} cannot be read")]
    Unreadable {
        /// What was asked for.
        id: B256,
    },
    /// Not enough coins.
    #[error("{sender} has {have} wei, and this takes up to {need}")]
    Funds {
        /// Who pays.
        sender: Address,
        /// Wei that it takes, at most.
        need: U256,
        /// Wei that there are.
        have: U256,
    },
    /// It takes more gas than allowed.
    #[error("to {label} takes {estimate} gas, more than the bound of {limit}")]
    TooMuchGas {
        /// The call.
        label: String,
        /// What it takes.
        estimate: u64,
        /// What is allowed.
        limit: u64,
    },
    /// Gas costs more than allowed.
    #[error("gas costs {base_fee} wei now, more than the bound of {max}")]
    TooExpensive {
        /// Wei a unit of gas.
        base_fee: u128,
        /// What is allowed.
        max: u128,
    },
    /// The contract refuses.
    #[error("the contract refuses to {label}: {refusal}")]
    Reverted {
        /// The call.
        label: String,
        /// The transaction, if it was sent.
        hash: Option<B256>,
        /// Why.
        refusal: Box<Refusal>,
    },
    /// The node does not take it.
    #[error("the L1 node does not take transaction {hash}: {message}")]
    NotTaken {
        /// The transaction.
        hash: B256,
        /// What the node said.
        message: String,
    },
    /// Another transaction has its nonce.
    #[error("to {label}: nonce {nonce} of {sender} was used by a transaction that is not in the journal")]
    NonceTaken {
        /// The call.
        label: String,
        /// The nonce.
        nonce: u64,
        /// Whose.
        sender: Address,
    },
    /// It took too long.
    #[error("to {label}: transaction {hash} is not confirmed after {waited_s} seconds; it is still on its way")]
    NotConfirmed {
        /// The call.
        label: String,
        /// The transaction.
        hash: B256,
        /// Seconds.
        waited_s: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_by_recipient_value_and_data() {
        let call = |to, value: u64, data: &'static [u8]| Call {
            label: "test".into(),
            to,
            value: U256::from(value),
            data: Bytes::from_static(data),
        };
        let calls = [
            call(None, 0, b""),
            call(Some(Address::ZERO), 0, b""),
            call(Some(Address::repeat_byte(1)), 0, b""),
            call(Some(Address::ZERO), 1, b""),
            call(Some(Address::ZERO), 0, b"a"),
        ];
        let ids: std::collections::BTreeSet<B256> = calls.iter().map(Call::id).collect();
        assert_eq!(ids.len(), calls.len());
        let renamed = Call { label: "other".into(), ..calls[0].clone() };
        assert_eq!(renamed.id(), calls[0].id());
    }
}
