//! What each circuit takes, and each job with it: all figures that were measured, in one place.
//!
//! How: `sheaf prove --jobs 1 --log-json` with `SHEAF_LOG=info` on two cores of an AMD EPYC at 2.6 GHz, of batches of
//! the demo's table that come to one or two small chunks, one mixed one, or three mixed ones and a small one, and of
//! made-up ones of payments, swaps and calls; some 60 runs. *CPU seconds* are the differences of the process's between
//! events of the log, divided by the machine's speed just before and after ([`super::speed`]); means. *Memory* is what
//! the process had resident, looked at 20 times a second: before an event and at most between two. It hardly varies
//! between runs (1 %). *Serial parts* are CPU seconds during which at most one thread was running or waiting to. The
//! way to L1 was measured in five runs, of two small chunks.
//!
//! What the figures come to, beside what was measured with two jobs at once, in GiB:
//!
//! | | fast, predicted | measured | proven, predicted | measured |
//! | --- | --- | --- | --- | --- |
//! | two small chunks | 0.37 | 0.38 to 0.43 | 1.15 | 1.17 to 1.18 |
//! | one mixed chunk | 2.27 | 2.24 to 2.28 | 2.54 | 2.49 to 2.52 |
//! | three mixed chunks, a small one | 3.90 | 3.44 | 5.02 | 4.93 |
//!
//! Two jobs seldom reach their peaks in the same moment, so for many at once the sum is on the safe side.

use sheaf_circuits::chunk::Shape;
use sheaf_circuits::security::Profile;

use super::Work;
use crate::pipeline::circuits::CircuitName;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// What the program has resident before any circuit is built.
pub(super) const PROGRAM_BYTES: u64 = 40 * MIB;
/// What each transaction adds to that: 13 064 came to 140 MiB.
pub(super) const TRANSACTION_BYTES: u64 = 8 * KIB;

/// What a circuit takes, and a job with it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cost {
    /// Building it, or reading it where it is kept.
    pub build: Work,
    /// The most memory that this takes, what it leaves included.
    pub build_bytes: u64,
    /// Memory that it takes from then on.
    pub held_bytes: u64,
    /// A job.
    pub job: Work,
    /// Memory that a job takes while it runs.
    pub job_bytes: u64,
    /// Bytes of a job's result; of chunks, whose proofs differ with the shape, the most.
    pub result_bytes: u64,
}

/// Start, execution and planning of so many transactions.
pub(super) fn before_jobs(transactions: u64) -> Work {
    work(0.07 + transactions as f64 * 100e-6, 0.7)
}

/// Bytes of the file that the circuits up to shrink are kept in: exact, for these circuits.
pub(super) fn kept_bytes(profile: Profile) -> u64 {
    match profile {
        Profile::Proven => 994_320_575,
        Profile::Fast => 428_142_560,
    }
}

/// The cost of a circuit; `kept` says whether those up to shrink are read.
pub(super) fn of(circuit: CircuitName, profile: Profile, shapes: &[Shape], kept: bool) -> Cost {
    match circuit {
        CircuitName::Chunk(shape) => chunk(1 << shapes[shape].degree_bits, profile),
        CircuitName::Lift { .. } | CircuitName::Join => recursion(profile),
        CircuitName::Shrink => shrink(profile, kept),
        CircuitName::Wrap => wrap(),
    }
}

/// By rows, whatever the shape: small, contracts, mixed, payments and exchange chunks take 530 to 610 µs a row with the
/// fast profile. A proven proof has three challenges for two, and 2^20 tries for its proof of work, more or fewer by
/// chance.
fn chunk(rows: u64, profile: Profile) -> Cost {
    let (cpu_seconds_per_row, tries_cpu_seconds) = match profile {
        Profile::Fast => (555e-6, 0.0),
        Profile::Proven => (606e-6, 1.8),
    };
    Cost {
        build: work(rows as f64 * 218e-6, 0.25),
        build_bytes: rows * 18 * KIB,
        held_bytes: rows * 118 * KIB / 10,
        job: work(rows as f64 * cpu_seconds_per_row + tries_cpu_seconds, 0.04),
        job_bytes: rows * 225 * KIB / 10,
        result_bytes: match profile {
            Profile::Fast => 159_604,
            Profile::Proven => 553_630,
        },
    }
}

/// A lift, of one chunk or two, or the join: all have the rows of the common shape, 2^12 and 2^14.
fn recursion(profile: Profile) -> Cost {
    match profile {
        Profile::Fast => Cost {
            build: work(1.95, 0.25),
            build_bytes: 180 * MIB,
            held_bytes: 85 * MIB,
            job: work(3.95, 0.03),
            job_bytes: 205 * MIB,
            result_bytes: 133_104,
        },
        Profile::Proven => Cost {
            build: work(7.9, 0.28),
            build_bytes: 620 * MIB,
            held_bytes: 360 * MIB,
            job: work(18.0, 0.03),
            job_bytes: 720 * MIB,
            result_bytes: 552_098,
        },
    }
}

/// Three squeezes and shrink, or with the fast profile one and shrink.
fn shrink(profile: Profile, kept: bool) -> Cost {
    let (build, build_bytes) = match (profile, kept) {
        (Profile::Fast, false) => (work(48.0, 0.3), 1500 * MIB),
        (Profile::Fast, true) => (work(4.0, 1.0), 1100 * MIB),
        (Profile::Proven, false) => (work(72.0, 0.3), 3900 * MIB),
        (Profile::Proven, true) => (work(10.0, 1.0), 2300 * MIB),
    };
    let (held_bytes, job, job_bytes) = match profile {
        Profile::Fast => (570 * MIB, work(99.0, 0.03), 600 * MIB),
        Profile::Proven => (1200 * MIB, work(145.0, 0.03), 1500 * MIB),
    };
    Cost { build, build_bytes, held_bytes, job, job_bytes, result_bytes: 210_036 }
}

/// One circuit for both profiles. Its constraints and key are there only while it works.
fn wrap() -> Cost {
    Cost {
        build: work(0.0, 1.0),
        build_bytes: 0,
        held_bytes: 0,
        job: work(51.0, 0.2),
        job_bytes: 1700 * MIB,
        result_bytes: 256,
    }
}

fn work(cpu_seconds: f64, serial: f64) -> Work {
    Work { cpu_seconds, serial }
}
