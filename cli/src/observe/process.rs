//! What every process of a fleet tells: which build it is, its link to NATS, what it takes of the machine.

use std::fmt;

use sheaf_prover::fleet::Link;
use sheaf_prover::machine;

use super::page::Page;

/// Writes it. Before the process is linked to NATS there is no link.
pub fn write(page: &mut Page<'_>, lane: &str, link: Option<&Link>) -> fmt::Result {
    let labels = [("version", env!("CARGO_PKG_VERSION")), ("lane", lane)];
    page.info("sheaf_build", "Version of the program, and the lane it serves", &labels)?;
    let connected = link.is_some_and(Link::is_connected);
    page.gauge("sheaf_nats_connected", "1 while the connection to NATS stands, else 0", u32::from(connected))?;
    // Left out, not zero, where /proc cannot be read.
    if let Ok(bytes) = machine::resident_bytes() {
        page.gauge("process_resident_memory_bytes", "Memory that the process has resident, in bytes", bytes)?;
    }
    if let Ok(seconds) = machine::cpu_seconds() {
        page.counter("process_cpu_seconds", "CPU seconds that the process has used, user and system", seconds)?;
    }
    Ok(())
}

/// Why a process that is linked to NATS cannot work.
pub fn away(link: &Link) -> Option<String> {
    (!link.is_connected()).then(|| format!("NATS at {} is away; connecting again until it is back", link.place()))
}
