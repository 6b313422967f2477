//! Payment channels: two parties lock funds, sign states off chain, and close with one transaction. Thousands of
//! payments become one record.
//!
//! ```text
//!              open, both sign                    close, both agree
//!   (absent) ──────────────────▶ open ─────────────────────────────────────▶ (absent), both are paid
//!                                  │ dispute, one party                           ▲         ▲
//!                                  ▼                     close, both agree        │         │
//!                               closing ──────────────────────────────────────────┘         │
//!                           ┌────▶ │ settle, one party, after the deadline                  │
//!    dispute, until then,   │      └────────────────────────────────────────────────────────┘
//!    with a newer state     └──────┘
//! ```
//!
//! | kind | signed by | bytes | rows | form |
//! | --- | --- | --- | --- | --- |
//! | `open_channel` | both accounts | 140 | 121.1 | [`Open`] |
//! | `close_channel` | a party's account; the other's channel key signed a final state | 21 | 109.0 | [`Close`] |
//! | `dispute_channel` | the same, with a state that is not final, or with the opening's, unsigned | 28 | 96.8 | [`Dispute`] |
//! | `settle_channel` | a party's account | 21 | 70.0 | [`Settle`] |
//!
//! Rows are those of the slot; cells cost what they cost everywhere. Each kind is a form of its own: a settlement needs no
//! second signature, and many channels may have to be settled at once; a dispute pays nobody, and publishes a word
//! that a closing does not need.
//!
//! # Cells
//!
//! The channel is an account of kind 5, after 2^23: its opener chooses an index that is free. See [`Channel`].
//!
//! ```text
//!   header    (key hash of a[4], a + 2^24·b + 2^48·asset, total, 5, last timestamp)   both parts of the deadline
//!   slot 1    (key hash of b[4], balance of a, version, last batch, salt)             are 0 while not closing
//! ```
//!
//! Closing and settling delete both, so an index can be used again. Both key hashes are in the cells, and not a digest
//! of them, because who rebuilds the state needs no preimage then, and because two values of 256 bits in every closing
//! call would cost more rows than eight words more in one opening.
//!
//! # Keys
//!
//! States are signed by keys of the channel's own, chosen at its opening, which both parties sign. Keys of accounts would
//! not do: a `Rekey` on L1 would void the states that the other party holds, and a contract does not depend on what
//! L1 records change. A party may use its account's key, or one key for many channels.
//!
//! A signature is evidence against the owner of its key and nobody else (see [`crate::gates::signature`]). Here it is
//! used in this way only: a state that a party brings is signed by the *other* party's key, and what it can take from
//! that other party is at most the other's part of this channel. So a crafted key, for which more passes than its owner
//! signed, lets the owner's partner take what is the owner's. A hash that is no key's, or the partner's, does no more:
//! states for or against its owner can then be had by nobody, or by the partner also without the owner.
//!
//! # States
//!
//! See [`State`] for the message. It names the rollup, the channel's index, the parties, the asset and the *salt*: the
//! nonce that the opener's account has after the opening. An account signs one transaction with a nonce, so parties and
//! salt name one opening, and a state is worth nothing in a later channel at the same index, whoever opens it. The salt
//! is published at the opening, as who rebuilds the state does not know how nonces stood.
//!
//! A *final* state is another message than any other state, and is paid out at once, whatever was disputed. So who signs
//! one neither makes nor accepts a payment after it, and signs no second one. Any other state counts in a dispute only.
//!
//! What the parties' programs must do, since no contract can know it: accept only a state whose version is above every
//! version that one has *signed or accepted*, and sign no version twice. If a signs the odd versions and b the even ones,
//! two payments at the same time do not clash.
//!
//! # The challenge period
//!
//! The first dispute sets the deadline by two clocks, and nothing moves it: [`CHALLENGE_BATCHES`] later by number, and
//! [`CHALLENGE_SECONDS`] later by the batches' timestamps. While either runs, a state with a larger version replaces
//! the one that stands; when both are over, the channel can be settled. By timestamps alone, the period could end while
//! no batch is sealed, and an answer needs one. By numbers alone, an operator could run it down within hours, with
//! empty batches.
//!
//! One period is enough: the party that is challenged answers at once with the newest state that it holds. What the
//! other could then still bring is newer, so (by the rule above) it was signed by the party that answered, after the
//! state that it answered with: it is what that party agreed to last. If an answer moved the deadline, whoever holds
//! many states could put off the end with each of them.
//!
//! # Not checked here
//!
//! Accounts, nonces, fees, signatures and balances: the frame ([`crate::contract`]). That no other contract writes these
//! cells: an account after 2^23 is taken while its header is there, and kinds of headers differ. The registry of
//! assets is account 2^23 itself, which no call can take.
//!
//! That a call gets into a batch before a deadline. **An operator who leaves out a party's answers for the whole of
//! both periods, together with the other party, can take what is in the channel**: calls have no way in by L1. Who
//! opens a channel trusts the operator for that.
//!
//! That timestamps tell the time: no circuit compares one batch's with another's. How far a batch's may be from L1's is
//! for the L1 contract to bound. An operator who dates the batch of a dispute as early as it may be, and that of the
//! settlement as late, shortens the second period by both bounds, which it is longer for.

mod channel;
mod close;
mod closing;
mod deadline;
mod dispute;
mod open;
mod settle;
mod state;
#[cfg(test)]
mod tests;

pub use self::channel::{Channel, CHANNEL_KIND};
pub use self::close::Close;
pub(crate) use self::deadline::ClockGenerator;
pub use self::deadline::Deadline;
pub use self::dispute::Dispute;
pub use self::open::Open;
pub use self::settle::Settle;
pub use self::state::{State, TAG_STATE};
use crate::contract::Contract;

/// Batches from the first dispute to the last one that an answer may be in, by number: a week at a batch every ten
/// minutes, a day and a half at one every two. The clock of seconds is there for an operator that seals them faster.
///
/// An answer needs a batch: while none is sealed, this clock stands still.
pub const CHALLENGE_BATCHES: u32 = 1008;

/// Seconds from the timestamp of the first dispute to the last one that an answer may have: 60 hours and 5 minutes.
///
/// These are seconds of timestamps. The L1 contract lets a batch be dated a day back and five minutes ahead, which takes
/// off a day and five minutes at worst, so a day and a half of L1's own time is sure.
pub const CHALLENGE_SECONDS: u64 = SURE_SECONDS + DATED_SECONDS;

/// What a party has at least.
const SURE_SECONDS: u64 = 36 * 60 * 60;
/// By how much two batches' timestamps can be further apart than L1's: `MAX_AGE_S` and `MAX_AHEAD_S` of the contract.
const DATED_SECONDS: u64 = 24 * 60 * 60 + 5 * 60;

/// Payment channels.
pub static CONTRACT: Contract = Contract {
    name: "channels",
    about: "payments between two parties off chain, settled in one transaction",
    forms: &[&Open, &Close, &Dispute, &Settle],
};
