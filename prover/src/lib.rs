//! Job graph, durable queue and workers of Sheaf.
//!
//! A batch is a [graph] of jobs. A [queue] keeps it safe: what is ready, who works on what, how often
//! it was tried, what came out. A [runner] takes jobs from a queue and has them done by [work] that this
//! part knows nothing about.
//!
//! ```text
//!   Graph ──submit──▶ Queue ──claim──▶ Runner ──run──▶ Work
//!                      │ ▲               │              │
//!     Artifacts ◀──────┘ └── complete ◀──┴── result ◀───┘
//!   (bytes by hash)      checked before it counts
//! ```
//!
//! | to know | see |
//! | --- | --- |
//! | what names a job, so that work done is never done again | [`job::JobSpec::id`] |
//! | leases, fences, attempts, setting aside | [`queue`] |
//! | what is where on disk, what survives what | [`queue::embedded`] |
//! | many machines | [`fleet`] |
//! | how much runs at once | [`runner::Limits`], [`machine`] |
//! | what a fleet of machines would do | [`simulation`] |

pub mod artifact;
mod clock;
pub mod digest;
pub mod fleet;
pub mod graph;
pub mod job;
pub mod machine;
mod panic;
pub mod queue;
pub mod rehearsal;
pub mod runner;
pub mod simulation;
pub mod work;
