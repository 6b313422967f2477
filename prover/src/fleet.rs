//! The queue of many machines: a coordinator that owns the truth, workers that come and go, NATS between them.
//!
//! ```text
//!   sheaf prove ──submit, progress──▶ ┌─────────────┐
//!                                     │ coordinator │── RocksDB: graphs, leases, attempts, results
//!   worker ──claim, renew, fail─────▶ │  (one lane) │◀─┐ results as they come, in order of arrival,
//!     │                               └─────────────┘  │ acknowledged when they are recorded
//!     └──results──▶ JetStream stream ──────────────────┘
//!         bytes ──▶ JetStream object store, by hash ◀── inputs
//! ```
//!
//! [`Coordinator`] serves an [`EmbeddedQueue`](crate::queue::EmbeddedQueue) whose artifacts are in the object store;
//! [`FleetQueue`] is a [`Queue`](crate::queue::Queue) that asks it. Both backends pass the same tests.
//!
//! A **lane** is the jobs of one set of circuits. Its coordinator and its workers have these circuits; a worker of
//! another version works in another lane and never sees the jobs. So two versions run side by side in one fleet while
//! one replaces the other.
//!
//! What is lost when something ends:
//!
//! | ends | what happens |
//! | --- | --- |
//! | a worker | its lease runs out, or its next life gives it back; that attempt is spent |
//! | the coordinator | workers go on; leases hold for their time after it is back; results wait in the stream |
//! | NATS | everybody waits; streams and objects are on its disk |
//! | a message | asked again under the same number, and answered the same |
//! | the answer that gave a lease | the next claim tells what its worker holds, and the lease is taken back at no cost |
//!
//! # What differs from the design, and why
//!
//! The design has ready jobs in a work-queue stream that workers pull from. Here a worker asks the coordinator. A pull
//! takes the oldest message that a filter lets through; a claim is for the earliest deadline, the batch that has
//! fewest workers, what fits the memory that is left, and nothing beside a job that has killed workers. As streams
//! that would be one for each of these combinations, and every attempt would be counted twice, as a delivery there and
//! as a record here. With the coordinator asked there is one truth, and one set of rules for both backends. The price
//! is that no job begins while the coordinator is away; it comes back in less than a job takes, and what runs goes on.
//! Results do go through a work-queue stream, since they are what must not be lost.

mod answers;
mod client;
mod coordinator;
mod lane;
mod link;
mod objects;
mod recent;
pub mod wire;

pub use client::{lanes, FleetQueue};
pub use coordinator::{Coordinator, CoordinatorError};
pub use lane::{Lane, LaneError};
pub use link::{Link, LinkError, LinkOptions};
pub use objects::damage;
pub use wire::LaneSummary;
