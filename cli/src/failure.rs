//! Errors that say what to do next.

use std::fmt;

use anyhow::Error;

/// What went wrong at one step, and what to do about it. The cause is in the error's chain.
#[derive(Debug)]
pub struct Advice {
    what: String,
    next: String,
    exit_code: Option<u8>,
}

impl Advice {
    /// `what` could not be done; `next` may help.
    pub fn new(what: impl fmt::Display, next: impl fmt::Display) -> Self {
        Self { what: what.to_string(), next: next.to_string(), exit_code: None }
    }

    /// The input is at fault, not the environment: the answer is no.
    pub fn answer_no(mut self) -> Self {
        self.exit_code = Some(1);
        self
    }

    /// The exit code that the outermost advice asks for.
    pub fn exit_code(error: &Error) -> Option<u8> {
        error.downcast_ref::<Self>().and_then(|advice| advice.exit_code)
    }

    /// What the outermost advice tells to do next.
    pub fn of(error: &Error) -> Option<&str> {
        error.downcast_ref::<Self>().map(|advice| advice.next.as_str())
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Advice {}
