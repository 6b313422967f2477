//! From the inputs of a batch's chunks to one proof: the circuits, the jobs, and the work that does them.
//!
//! ```text
//!   ChunkInput ──chunk──▶ chunk proof ─┐
//!   ChunkInput ──chunk──▶ chunk proof ─┴─lift──▶ proof ─┐
//!   ChunkInput ──chunk──▶ chunk proof ───lift──▶ proof ─┴─join──▶ one proof ─┬─▶ anyone
//!                                                        Context ────────────┴─shrink──▶ ─wrap──▶ 256 bytes ─▶ L1
//! ```
//!
//! | module | what it is |
//! | --- | --- |
//! | [`pinned`] | verifier data of all circuits, kept with the code, so that verifying needs no building |
//! | [`programs`] | the same of what L1 knows by its program ids, and of the wrap |
//! | [`circuits`] | all circuits of a profile, each built when it is first needed |
//! | [`settlement`] | shrink, wrap and key: the way to L1 |
//! | [`exit`] | the way out of a frozen rollup, as far |
//! | [`prepare()`] | executes a batch and cuts it into chunks |
//! | [`jobs`] | the job graph of a batch |
//! | [`work`] | does a job, and checks what another worker did |
//! | [`batch`] | all of it, from transactions to the verified proof, resumable |
//! | [`forecast`] | what all that will take, told before it begins |
//! | [`bundle`] | a proven batch as a file, and its verification |

pub mod batch;
pub mod bundle;
pub mod circuits;
pub mod exit;
pub mod forecast;
pub mod jobs;
pub mod pinned;
pub mod prepare;
pub mod programs;
pub mod settlement;
pub mod work;

pub use self::batch::{
    BatchError, BatchEvent, BatchSession, JobCount, JobCounts, OpenSessionError, Proven, ProvenFile, Room, Until,
    Workplace,
};
pub use self::bundle::{BundleError, ProvenBatch, VerifiedBatch};
pub use self::circuits::{CircuitName, CircuitStatus, Circuits, CircuitsError};
pub use self::exit::{prove_exit, ProveExitError};
pub use self::forecast::{Forecast, Needs, Speed, SpeedError, StageForecast, Workload};
pub use self::jobs::{batch_graph, chunk_memory_bytes, BatchGraphError};
pub use self::pinned::PinnedCircuits;
pub use self::prepare::{prepare, Batch, Planned, PrepareError, Prepared};
pub use self::programs::{Program, Programs};
pub use self::settlement::{L1VerifyError, Settlement, Wrapper, WrapperError};
pub use self::work::BatchWork;
