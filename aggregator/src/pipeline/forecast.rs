//! What a batch will take on this machine, told before work starts.
//!
//! How jobs share cores and memory is played through ([`schedule`]). This machine is compared ([`speed`]) with the one
//! that figures are from.

pub mod schedule;
pub mod speed;

pub use self::speed::{Speed, SpeedError};

/// CPU seconds, and how they spread over cores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Work {
    /// CPU seconds.
    pub cpu_seconds: f64,
    /// The part of them that one thread works alone.
    pub serial: f64,
}

impl Work {
    /// CPU seconds a second, with `cores` for this work only.
    fn pace(self, cores: f64) -> f64 {
        let threads = cores.max(1.0);
        cores.min(1.0) / (self.serial + (1.0 - self.serial) / threads)
    }
}
