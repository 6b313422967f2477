//! Asking an L1 node. Every question goes through one place, which tries again when the node cannot be reached.

use std::future::Future;
use std::time::Duration;

use alloy::eips::BlockId;
use alloy::primitives::{Address, Bytes, B256, U256};
use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::rpc::types::{Filter, Log, Transaction, TransactionReceipt, TransactionRequest};
use alloy::sol_types::SolCall;
use alloy::transports::http::reqwest;
use alloy::transports::{RpcError, TransportError, TransportErrorKind, TransportResult};
use thiserror::Error;

use super::reverts::Refusal;

/// How long one question may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The HTTP status of a node that is asked too often: asking later helps.
const TOO_MANY_REQUESTS: u16 = 429;

/// How often a question is asked again, when the node cannot be reached or says that it is busy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Questions, the first one included.
    pub attempts: u32,
    /// The pause after the first; each later one is twice as long.
    pub pause: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        // 15 seconds in all: a node that restarts is back by then.
        Self { attempts: 6, pause: Duration::from_millis(500) }
    }
}

/// A block, as far as it is needed here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// Its time, in seconds since 1970.
    pub timestamp_s: u64,
    /// Wei that a unit of gas costs at least.
    pub base_fee: u128,
}

/// An L1 node, asked over JSON-RPC.
pub struct Node {
    runtime: tokio::runtime::Runtime,
    provider: DynProvider,
    retry: Retry,
    /// Where it is, without what may be secret: path and query.
    place: String,
    chain_id: u64,
}

impl Node {
    /// Connects to the node at `url` (http or https) and asks for its chain.
    pub fn connect(url: &str, retry: Retry) -> Result<Self, NodeError> {
        let bad = |reason: String| NodeError::Url { url: url.into(), reason };
        let parsed: reqwest::Url = url.parse().map_err(|error| bad(format!("{error}")))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(bad(format!("it begins with {}:, expected http: or https:", parsed.scheme())));
        }
        let place = parsed.origin().ascii_serialization();
        let broken = |reason: String| NodeError::Client { reason };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| broken(error.to_string()))?;
        let client = reqwest::Client::builder().timeout(TIMEOUT).build().map_err(|error| broken(error.to_string()))?;
        let provider = ProviderBuilder::new().disable_recommended_fillers().connect_reqwest(client, parsed).erased();
        let mut node = Self { runtime, provider, retry, place, chain_id: 0 };
        node.chain_id = node.ask("the chain's id", |provider| async move { provider.get_chain_id().await })?;
        Ok(node)
    }

    /// The chain's id.
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// The newest block.
    pub fn head(&self) -> Result<Head, NodeError> {
        self.block(BlockId::latest())?.ok_or_else(|| self.strange("the newest block", "there is none"))
    }

    /// The block of this number, unless the chain does not have it.
    pub fn block_at(&self, number: u64) -> Result<Option<Head>, NodeError> {
        let found = self.block(BlockId::number(number))?;
        match found {
            Some(head) if head.number != number => {
                Err(self.strange("a block", format_args!("asked for block {number}, got {}", head.number)))
            }
            found => Ok(found),
        }
    }

    fn block(&self, id: BlockId) -> Result<Option<Head>, NodeError> {
        let block = self.ask("a block", |provider| async move { provider.get_block(id).await })?;
        Ok(block.map(|block| Head {
            number: block.header.number,
            hash: block.header.hash,
            timestamp_s: block.header.timestamp,
            base_fee: block.header.base_fee_per_gas.unwrap_or_default().into(),
        }))
    }

    /// How many transactions of `address` the chain has at `block`: the nonce of its next one.
    pub fn nonce(&self, address: Address, block: BlockId) -> Result<u64, NodeError> {
        self.ask("a nonce", |provider| async move { provider.get_transaction_count(address).block_id(block).await })
    }

    /// The coins of `address`, in wei.
    pub fn balance(&self, address: Address) -> Result<U256, NodeError> {
        self.ask("a balance", |provider| async move { provider.get_balance(address).await })
    }

    /// The code at `address` at a block; empty if there is none.
    pub fn code(&self, address: Address, block: BlockId) -> Result<Bytes, NodeError> {
        self.ask("a contract's code", |provider| async move { provider.get_code_at(address).block_id(block).await })
    }

    /// A word of a contract's storage at a block.
    pub fn storage(&self, address: Address, slot: U256, block: u64) -> Result<U256, NodeError> {
        self.ask("a contract's storage", |provider| async move {
            provider.get_storage_at(address, slot).block_id(BlockId::number(block)).await
        })
    }

    /// What a call of `to` returns at `block`.
    pub fn view<C: SolCall>(&self, to: Address, call: &C, block: BlockId) -> Result<C::Return, NodeError> {
        let request = TransactionRequest::default().to(to).input(call.abi_encode().into());
        let answer = self.simulate(request, block)?;
        C::abi_decode_returns_validate(&answer)
            .map_err(|error| self.strange(C::SIGNATURE, format_args!("{error} (is {to} the rollup?)")))
    }

    /// What a transaction would return at `block`.
    pub fn simulate(&self, request: TransactionRequest, block: BlockId) -> Result<Bytes, NodeError> {
        self.ask("what a call returns", |provider| {
            let request = request.clone();
            async move { provider.call(request).block(block).await }
        })
    }

    /// The gas that a transaction takes.
    pub fn estimate(&self, request: TransactionRequest) -> Result<u64, NodeError> {
        self.ask("the gas of a transaction", |provider| {
            let request = request.clone();
            async move { provider.estimate_gas(request).await }
        })
    }

    /// Wei a unit of gas that transactions give the block's maker these days.
    pub fn priority_fee(&self) -> Result<u128, NodeError> {
        self.ask("the priority fee", |provider| async move { provider.get_max_priority_fee_per_gas().await })
    }

    /// Events.
    pub fn logs(&self, filter: &Filter) -> Result<Vec<Log>, NodeError> {
        self.ask("events", |provider| {
            let filter = filter.clone();
            async move { provider.get_logs(&filter).await }
        })
    }

    /// What became of a transaction, if it is in a block.
    pub fn receipt(&self, hash: B256) -> Result<Option<TransactionReceipt>, NodeError> {
        self.ask("a receipt", |provider| async move { provider.get_transaction_receipt(hash).await })
    }

    /// A transaction, if the node knows it.
    pub fn transaction(&self, hash: B256) -> Result<Option<Transaction>, NodeError> {
        self.ask("a transaction", |provider| async move { provider.get_transaction_by_hash(hash).await })
    }

    /// Hands a signed transaction to the network.
    pub fn broadcast(&self, raw: &Bytes) -> Result<(), NodeError> {
        self.ask("taking a transaction", |provider| {
            let raw = raw.clone();
            async move { provider.raw_request::<_, B256>("eth_sendRawTransaction".into(), (raw,)).await }
        })
        .map(|_| ())
    }

    /// Asks; when the node cannot be reached or is busy, again after a pause.
    fn ask<T, F>(&self, what: &'static str, question: impl Fn(DynProvider) -> F) -> Result<T, NodeError>
    where
        F: Future<Output = TransportResult<T>>,
    {
        let mut pause = self.retry.pause;
        for attempt in 1.. {
            let error = match self.runtime.block_on(question(self.provider.clone())) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let (error, again) = self.explain(what, error, attempt);
            if !again || attempt >= self.retry.attempts {
                return Err(error);
            }
            std::thread::sleep(pause);
            pause *= 2;
        }
        unreachable!("the loop has no end")
    }

    /// The error in our words, and whether asking again may help.
    fn explain(&self, what: &'static str, error: TransportError, attempts: u32) -> (NodeError, bool) {
        let node = self.place.clone();
        match error {
            RpcError::ErrorResp(answer) => {
                let busy = answer.is_retry_err() && !asks_for_less(&answer.message);
                let error = match answer.as_revert_data() {
                    Some(data) => NodeError::Reverted { refusal: Refusal::decode(&data) },
                    None => NodeError::Answer { node, what, code: answer.code, message: answer.message.into_owned() },
                };
                (error, busy)
            }
            // Some nodes refuse a question, or an answer that would be too long, before JSON-RPC.
            RpcError::Transport(TransportErrorKind::HttpError(answer))
                if (400..500).contains(&answer.status) && answer.status != TOO_MANY_REQUESTS =>
            {
                let message = format!("HTTP {}: {}", answer.status, answer.body.chars().take(300).collect::<String>());
                (NodeError::Answer { node, what, code: answer.status.into(), message }, false)
            }
            RpcError::Transport(kind) => {
                let reason = without_url(&kind.to_string());
                (NodeError::Unreachable { node, what, attempts, reason }, true)
            }
            RpcError::DeserError { err, .. } => (self.strange(what, err), false),
            other => (self.strange(what, without_url(&other.to_string())), false),
        }
    }

    fn strange(&self, what: &'static str, reason: impl std::fmt::Display) -> NodeError {
        NodeError::Strange { node: self.place.clone(), what, reason: reason.to_string() }
    }
}

/// Whether an error is about the size of an answer. Some nodes give it the number that others give to being busy.
fn asks_for_less(message: &str) -> bool {
    let message = message.to_lowercase();
    ["results", "range", "response size"].iter().any(|text| message.contains(text))
}

/// A transport's message without the address that it quotes, which may hold an API key.
fn without_url(message: &str) -> String {
    match (message.find(" for url ("), message.rfind(')')) {
        (Some(start), Some(end)) if start < end => format!("{}{}", &message[..start], &message[end + 1..]),
        _ => message.to_owned(),
    }
}

/// Why a node did not answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NodeError {
    /// Not a node's address.
    #[error("{url:?} is not the address of a node: {reason}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nothing can be asked from this machine.
    #[error("cannot ask any node: {reason}")]
    Client {
        /// Why not.
        reason: String,
    },
    /// It cannot be reached.
    #[error("the L1 node at {node} cannot be reached, tried {attempts} times: {reason} (asked for {what})")]
    Unreachable {
        /// Where it is.
        node: String,
        /// What it was asked.
        what: &'static str,
        /// How often.
        attempts: u32,
        /// Why not.
        reason: String,
    },
    /// It answered with an error.
    #[error("the L1 node at {node}, asked for {what}, says: {message} (code {code})")]
    Answer {
        /// Where it is.
        node: String,
        /// What it was asked.
        what: &'static str,
        /// The error's number.
        code: i64,
        /// What it said.
        message: String,
    },
    /// A contract refused the call.
    #[error("the contract refuses: {refusal}")]
    Reverted {
        /// Why.
        refusal: Refusal,
    },
    /// The answer makes no sense.
    #[error("the L1 node at {node}, asked for {what}, gave an answer that cannot be read: {reason}")]
    Strange {
        /// Where it is.
        node: String,
        /// What it was asked.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}
