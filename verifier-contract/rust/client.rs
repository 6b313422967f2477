//! The Rust side of L1: what deploys the contracts, calls them, and reads what happened.
//!
//! ```text
//!   Rollup ── Call ──▶ Sender ── signed, in the Journal first ──▶ Node ──▶ L1
//!     ▲                  └──────── confirmed, with its logs ◀──────┤
//!     └── views ◀──────────────────────────────────────────────────┤
//!   Reader ◀── requests and batches, checked ◀─────────────────────┘
//! ```
//!
//! | file | story |
//! | --- | --- |
//! | `node` | asking an L1 node: retries, errors, one answer at a time |
//! | `wallet` | whose transactions: a keystore file or a key |
//! | `journal`, `sender` | a transaction is sent once, whatever happens in between |
//! | `abi`, `reverts`, `causes` | the contracts' interface, and what their errors mean |
//! | `deployment`, `rollup` | making a rollup, and what can be asked of it and called |
//! | `submission` | the operator's batch: looked over, sent, or there already |
//! | `calldata`, `request`, `reader` | what is on L1, which is checked: nothing read there is trusted |
//!
//! Calls block. All that comes from L1 is untrusted: whatever a node answers, the result is a value or a typed error.

mod abi;
mod calldata;
mod causes;
mod deployment;
mod journal;
mod node;
mod reader;
mod request;
mod reverts;
mod rollup;
mod sender;
mod submission;
mod wallet;

pub use alloy::primitives::{Address, Bytes, B256, U256};

pub use self::calldata::{decode_submission, encode_submission, SubmissionError};
pub use self::deployment::{rollup_call, verifier_call, Config, KeyError, ProgramIds, VerifyingKey};
pub use self::journal::{Journal, JournalError};
pub use self::node::{Head, Node, NodeError, Retry};
pub use self::reader::{AcceptedBatch, Cursor, ReadError, Reader, ReaderSettings};
pub use self::request::{Request, RequestError};
pub use self::reverts::Refusal;
pub use self::rollup::{Asset, Phase, Progress, Rollup};
pub use self::sender::{Call, Event, Mined, Policy, SendError, Sender};
pub use self::submission::{preflight, submit, Misfit, SubmitError, Submitted};
pub use self::wallet::{Wallet, WalletError};
