//! Being told to stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::failure::Advice;

/// What a process says that was ended by Ctrl-C before it was done.
const EXIT_INTERRUPTED: i32 = 130;

/// A flag that SIGTERM or SIGINT sets. The second SIGINT ends the process at once.
pub fn stop_flag() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let register = || -> std::io::Result<()> {
        // In this order: the first SIGINT finds the flag unset, and then sets it.
        flag::register_conditional_shutdown(SIGINT, EXIT_INTERRUPTED, stop.clone())?;
        flag::register(SIGINT, stop.clone())?;
        flag::register(SIGTERM, stop.clone())?;
        Ok(())
    };
    register().context(Advice::new("signals cannot be handled", "report this"))?;
    Ok(stop)
}

/// Whether the flag is set.
pub fn is_set(stop: &AtomicBool) -> bool {
    stop.load(Ordering::Relaxed)
}
