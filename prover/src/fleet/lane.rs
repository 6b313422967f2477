//! The names that a lane has in NATS.

use std::fmt;

/// Longest name of a fleet or lane; NATS allows more, people do not.
const MAX_LENGTH: usize = 64;

/// The jobs of one set of circuits in one fleet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lane {
    fleet: String,
    name: String,
}

/// Why something is no name of a fleet or lane.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{name:?} cannot name a {what}: expected 1 to {MAX_LENGTH} letters, digits, hyphens or underscores")]
pub struct LaneError {
    /// What it was to name.
    pub what: &'static str,
    /// The name.
    pub name: String,
}

impl Lane {
    /// The lane `name` of `fleet`.
    ///
    /// # Errors
    /// When one of the names could not be part of a subject or of a stream's name.
    pub fn new(fleet: &str, name: &str) -> Result<Self, LaneError> {
        Ok(Self { fleet: checked("fleet", fleet)?, name: checked("lane", name)? })
    }

    /// Its name in the fleet.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The fleet.
    pub fn fleet(&self) -> &str {
        &self.fleet
    }

    /// Where its coordinator is asked.
    pub(super) fn ask_subject(&self) -> String {
        format!("sheaf.{}.{}.ask", self.fleet, self.name)
    }

    /// Where results are published.
    pub(super) fn result_subject(&self) -> String {
        format!("sheaf.{}.{}.result", self.fleet, self.name)
    }

    /// The stream that keeps them.
    pub(super) fn result_stream(&self) -> String {
        format!("sheaf-{}-{}-results", self.fleet, self.name)
    }

    /// The bucket of its artifacts.
    pub(super) fn bucket(&self) -> String {
        format!("sheaf-{}-{}", self.fleet, self.name)
    }

    /// Where all coordinators of the fleet are asked who they are.
    pub(super) fn hello_subject(fleet: &str) -> Result<String, LaneError> {
        Ok(format!("sheaf.{}.hello", checked("fleet", fleet)?))
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.fleet, self.name)
    }
}

fn checked(what: &'static str, name: &str) -> Result<String, LaneError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > MAX_LENGTH || !name.chars().all(allowed) {
        return Err(LaneError { what, name: name.to_owned() });
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_mean_something_else_in_a_subject_are_refused() {
        for name in ["", "a.b", "a b", "*", ">", "a/b", "ä", &"a".repeat(65)] {
            assert_eq!(Lane::new(name, "lane").unwrap_err().what, "fleet", "{name}");
            assert_eq!(Lane::new("fleet", name).unwrap_err().what, "lane", "{name}");
        }
        let lane = Lane::new("main", "0a1b").unwrap();
        assert_eq!(lane.ask_subject(), "sheaf.main.0a1b.ask");
        assert_eq!(lane.to_string(), "main/0a1b");
    }
}
