//! Harm that is done to a fleet of real processes, and what has to hold all the same.
//!
//! ```text
//!   load ──batches──▶ proxy ──▶ nats-server
//!                      ▲  ▲
//!        coordinator ──┘  └── workers          all of them processes of this machine, in a folder of their own
//!
//!   harm ──kills, freezes, cuts, damages──▶ ground (processes, proxy), one fault after another
//!   report ◀── what was done (harm), what it cost (load), what it may cost at most (fault)
//! ```

mod fault;
mod ground;
mod harm;
mod load;
mod process;
mod proxy;
mod report;

pub use fault::{Fault, Schedule, Size};
pub use ground::{Ground, Programs};
pub use harm::{Event, Harm, Inflicted};
pub use load::Load;
pub use report::{Outcome, Report};
