//! The state store, the executor, the chunk planner and witness generation.

pub mod batch;
pub mod chunks;
pub mod execute;
pub mod genesis;
pub mod plan;
pub mod rebuild;
pub mod state;
