//! Until when a dispute can be answered, native and in circuits.
//!
//! ```text
//!                first dispute                 number over              clock over
//!   batches   ────────┼───────────────────────────┼────────────────────────┼──────────▶
//!                     └── answers ─────────────────────────────────────────┘ settlement
//! ```
//!
//! Two clocks start with the first dispute, the batches' numbers and their timestamps, and a deadline is over when both
//! are. So in every batch either an answer can be made or a settlement.

use anyhow::Result;
use plonky2::field::types::{Field, PrimeField64};
use plonky2::iop::generator::{GeneratedValues, SimpleGenerator};
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::iop::witness::{PartitionWitness, Witness, WitnessWrite};
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::util::serialization::{Buffer, IoResult, Read, Write};

use super::{CHALLENGE_BATCHES, CHALLENGE_SECONDS};
use crate::context::{Context, CONTEXT_FIELD_BITS};
use crate::contract::FormEnvironment;
use crate::hash::{D, F};

/// Bits of a range check that holds each difference of two numbers of batches.
const NUMBER_BITS: usize = 37;
/// Bits of a range check that holds each difference of two numbers of batches, and of two timestamps.
const EITHER_BITS: usize = 62;
// Deadlines are at most these, and a range check takes no negative difference: p − 2^57 and more are out of all ranges.
const _: () = assert!((u32::MAX as u64 + CHALLENGE_BATCHES as u64) >> 33 == 0 && 33 < NUMBER_BITS);
const _: () = assert!(((1 << CONTEXT_FIELD_BITS) - 1 + CHALLENGE_SECONDS) >> 57 == 0 && 57 < EITHER_BITS);

/// When the challenge period of a channel ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// The number of the last batch of the period, from 1 to below 2^33.
    pub batch_number: u64,
    /// The last timestamp of the period, in seconds since 1970, from 1 to below 2^57.
    pub timestamp_s: u64,
}

impl Deadline {
    /// Of a channel that is first disputed in a batch with this context.
    pub fn after(context: &Context) -> Self {
        Self {
            batch_number: u64::from(context.batch_number) + u64::from(CHALLENGE_BATCHES),
            timestamp_s: context.timestamp_s + CHALLENGE_SECONDS,
        }
    }

    /// Whether a batch with this context is after the period: by number and by timestamp.
    pub fn is_over(&self, context: &Context) -> bool {
        u64::from(context.batch_number) > self.batch_number && context.timestamp_s > self.timestamp_s
    }
}

/// The circuit twin of [`Deadline`]; both zero while the channel is not closing.
#[derive(Clone, Copy, Debug)]
pub struct DeadlineTarget {
    /// The number of the last batch.
    pub batch_number: Target,
    /// The last timestamp.
    pub timestamp_s: Target,
}

impl DeadlineTarget {
    /// Of a channel that is not closing.
    pub fn none(env: &mut FormEnvironment<'_>) -> Self {
        let zero = env.builder.zero();
        Self { batch_number: zero, timestamp_s: zero }
    }

    /// As [`Deadline::after`]. Neither sum wraps, or is 0: the context's elements have their widths.
    pub fn after(env: &mut FormEnvironment<'_>) -> Self {
        let (batches, seconds) = (F::from_canonical_u32(CHALLENGE_BATCHES), F::from_canonical_u64(CHALLENGE_SECONDS));
        Self {
            batch_number: env.builder.add_const(env.batch_number, batches),
            timestamp_s: env.builder.add_const(env.timestamp_s, seconds),
        }
    }

    /// `yes` if `flag`, else `no`.
    pub fn select(env: &mut FormEnvironment<'_>, flag: BoolTarget, yes: Self, no: Self) -> Self {
        Self {
            batch_number: env.select(flag, yes.batch_number, no.batch_number),
            timestamp_s: env.select(flag, yes.timestamp_s, no.timestamp_s),
        }
    }

    /// flag ⇒ not [`Deadline::is_over`]
    ///
    /// The prover says which clock still runs, and that one is checked. Who says the wrong one proves nothing; where both
    /// run, either will do; where neither does, none.
    pub fn assert_runs_if(self, env: &mut FormEnvironment<'_>, flag: BoolTarget) {
        let by_number = env.builder.add_virtual_bool_target_safe();
        env.builder.add_simple_generator(ClockGenerator {
            deadline: self.batch_number,
            batch_number: env.batch_number,
            by_number: by_number.target,
        });
        let batches_left = env.builder.sub(self.batch_number, env.batch_number);
        let seconds_left = env.builder.sub(self.timestamp_s, env.timestamp_s);
        let left = env.select(by_number, batches_left, seconds_left);
        let left = env.builder.mul(flag.target, left);
        env.ranges.range_check(env.builder, left, EITHER_BITS);
    }

    /// If the call is active, the channel is closing and [`Deadline::is_over`].
    pub fn assert_over(self, env: &mut FormEnvironment<'_>) {
        let active = env.active;
        // active ⇒ deadline ≥ 1. The two parts are zero together, so one tells.
        let closing = env.builder.sub(self.batch_number, active.target);
        env.ranges.range_check(env.builder, closing, NUMBER_BITS);
        // active ⇒ batch number ≥ deadline + 1, and the timestamp likewise, which is below 2^56.
        let clocks = [
            (env.batch_number, self.batch_number, NUMBER_BITS),
            (env.timestamp_s, self.timestamp_s, CONTEXT_FIELD_BITS),
        ];
        for (now, last, bits) in clocks {
            let over = env.builder.sub(now, last);
            let over = env.builder.add_const(over, F::NEG_ONE);
            let over = env.builder.mul(active.target, over);
            env.ranges.range_check(env.builder, over, bits);
        }
    }
}

/// Finds a clock that runs, if one does. Not trusted.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClockGenerator {
    deadline: Target,
    batch_number: Target,
    by_number: Target,
}

impl SimpleGenerator<F, D> for ClockGenerator {
    fn id(&self) -> String {
        "sheaf.ClockGenerator".to_string()
    }

    fn dependencies(&self) -> Vec<Target> {
        vec![self.deadline, self.batch_number]
    }

    fn run_once(&self, witness: &PartitionWitness<F>, out: &mut GeneratedValues<F>) -> Result<()> {
        let [deadline, now] = [self.deadline, self.batch_number].map(|it| witness.get_target(it).to_canonical_u64());
        out.set_target(self.by_number, F::from_bool(now <= deadline))
    }

    fn serialize(&self, dst: &mut Vec<u8>, _: &CommonCircuitData<F, D>) -> IoResult<()> {
        [self.deadline, self.batch_number, self.by_number].into_iter().try_for_each(|target| dst.write_target(target))
    }

    fn deserialize(src: &mut Buffer, _: &CommonCircuitData<F, D>) -> IoResult<Self> {
        Ok(Self { deadline: src.read_target()?, batch_number: src.read_target()?, by_number: src.read_target()? })
    }
}
