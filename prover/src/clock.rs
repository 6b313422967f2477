//! The time of day, for numbers that are to rise from one process to the next.

use std::time::{Duration, SystemTime};

/// Since 1970 by this machine's clock; nothing when it says that it is earlier.
pub fn since_epoch() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}
