//! The state: cells under one tree, in memory, on disk, and in one file.
//!
//! ```text
//!                   ┌────────── cells ──────────▶ execution
//!   State ─▶ Reader ┼────── partial tree ───────▶ openings of a chunk, one after another
//!     ▲  (one root) └─ prepare(new cells) ──▶ StateUpdate (new root) ─┐
//!     └──────────────────────────── commit ──────────────────────────┘
//! ```
//!
//! Hashing is all in `prepare` and runs in parallel; a commit only writes. [`StateRead`] is what a reader of the state on
//! disk and a [`MemoryState`] have in common.
//!
//! | file | story |
//! | --- | --- |
//! | `band`, `page` | how the tree is cut into pages, the unit of storage and of work |
//! | `tree` | bulk updates, in parallel |
//! | `partial` | the part of the tree that openings one after another need |
//! | `read` | what execution needs of a state, and a state in memory |
//! | `database` | how a state lies in RocksDB |
//! | `store` | the state on disk: read at its latest root, commit |
//! | `build` | making a new state from cells |
//! | `snapshot` | a state in one file |

mod band;
mod build;
mod database;
mod error;
mod page;
mod partial;
mod read;
mod snapshot;
mod store;
mod tree;

pub use self::error::StateError;
pub use self::partial::{NotLoaded, PartialTree};
pub use self::read::{MemoryState, StaleUpdate, StateRead, StateUpdate};
pub use self::snapshot::{SnapshotError, SnapshotHeader};
pub use self::store::{Reader, State};
pub use self::tree::{MemoryTree, TreeUpdate};
