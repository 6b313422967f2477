//! How fast this machine is now, against the one that the costs were measured on.
//!
//! Most of proving is one operation: polynomials are evaluated on a larger domain (FFTs over Goldilocks), and the rows
//! of that table are hashed into a Merkle tree (Poseidon). So that is done for a while, by plonky2's own functions,
//! first by one thread and then by one for each core. What it takes is kept nowhere: other guests of a machine make it
//! faster or slower from minute to minute.

use std::thread;
use std::time::{Duration, Instant};

use plonky2::field::polynomial::PolynomialValues;
use plonky2::field::types::Field;
use plonky2::fri::oracle::PolynomialBatch;
use plonky2::util::timing::TimingTree;
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde::Serialize;
use sheaf_circuits::hash::{C, D, F};
use sheaf_prover::machine;
use thiserror::Error;

/// Polynomials of the operation: as many as a circuit has wires.
const POLYNOMIALS: usize = 135;
/// Rows of the operation (log2): a sixteenth of a CPU second.
const DEGREE_BITS: usize = 8;
/// Rate and height of the cap, as in all circuits below shrink.
const RATE_BITS: usize = 3;
const CAP_HEIGHT: usize = 4;
/// How long one thread works, and how long all do, which is what most of proving is.
const ALONE: Duration = Duration::from_millis(500);
const TOGETHER: Duration = Duration::from_millis(1500);

/// CPU seconds of one operation on the machine that the costs were measured on: two cores of an AMD EPYC at 2.6 GHz,
/// shared with other guests and other work. The mean of some hundred runs, which came to between 0.050 and 0.083.
const REFERENCE_CPU_SECONDS: f64 = 0.064;

/// How fast this machine is, now.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Speed {
    /// CPU seconds that work of one thread takes, for each CPU second of the reference machine.
    pub alone: f64,
    /// The same while every core works.
    pub together: f64,
    /// Cores' worth of time that this process gets while it asks for all of them.
    pub cores: f64,
}

impl Speed {
    /// Finds out, in some two seconds.
    pub fn measure(cores: usize) -> Result<Self, SpeedError> {
        let (alone, together) = (Sample::take(1, ALONE)?, Sample::take(cores, TOGETHER)?);
        Ok(Self {
            alone: alone.cpu_seconds / REFERENCE_CPU_SECONDS,
            together: together.cpu_seconds / REFERENCE_CPU_SECONDS,
            cores: together.cores.min(cores as f64),
        })
    }
}

/// What the operation took on some threads, each by itself.
struct Sample {
    /// CPU seconds of one operation.
    cpu_seconds: f64,
    /// CPU seconds a second.
    cores: f64,
}

impl Sample {
    fn take(threads: usize, time: Duration) -> Result<Self, SpeedError> {
        let single = |_| ThreadPoolBuilder::new().num_threads(1).build();
        let pools: Vec<ThreadPool> = (0..threads.max(1)).map(single).collect::<Result<_, _>>()?;
        let (start, cpu_start) = (Instant::now(), machine::cpu_seconds()?);
        let operations: usize = thread::scope(|scope| {
            let threads: Vec<_> = pools.iter().map(|pool| scope.spawn(|| pool.install(|| operate_for(time)))).collect();
            threads.into_iter().map(|thread| thread.join().expect("the operation does not panic")).sum()
        });
        let cpu_seconds = machine::cpu_seconds()? - cpu_start;
        Ok(Self { cpu_seconds: cpu_seconds / operations as f64, cores: cpu_seconds / start.elapsed().as_secs_f64() })
    }
}

/// Does the operation over and over; how often.
fn operate_for(time: Duration) -> usize {
    let start = Instant::now();
    let mut operations = 0;
    while start.elapsed() < time {
        operate();
        operations += 1;
    }
    operations
}

fn operate() {
    let column =
        |column: usize| (0..1 << DEGREE_BITS).map(move |row| F::from_canonical_usize(row * POLYNOMIALS + column));
    let columns = (0..POLYNOMIALS).map(|i| PolynomialValues::new(column(i).collect())).collect();
    let timing = &mut TimingTree::default();
    let committed = PolynomialBatch::<F, C, D>::from_values(columns, RATE_BITS, false, CAP_HEIGHT, timing, None);
    std::hint::black_box(committed);
}

/// Why the speed is not known.
#[derive(Debug, Error)]
pub enum SpeedError {
    /// No threads.
    #[error("cannot start threads: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// Nothing says how much CPU time was used.
    #[error("cannot tell CPU time: {0}")]
    CpuTime(#[from] machine::ProcError),
}
