//! Keeps a panic from ending more than the job it happened in.

use std::panic::{catch_unwind, AssertUnwindSafe};

/// Runs `work` and gives the message of a panic as an error.
///
/// Unwind safety is asserted: what a job was changing when it panicked is dropped with it, and everything
/// that outlives a job (circuits, queue) is shared read-only or behind its own lock.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        text.unwrap_or_else(|| "panic without a message".to_owned())
    })
}
