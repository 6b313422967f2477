//! The memory of a chunk: transactions read and write cells here, and the tree is touched once per cell.
//!
//! Statement: every access reads the digest that the access before it on the same key wrote, the first one reads the
//! cell's initial digest, and the cell's final digest is what the last one wrote.
//!
//! As in Blum et al., "Checking the correctness of memories" (1991): a read takes the tuple (key, digest, time) out
//! of a multiset, a write puts (key, new digest, now) in, and
//!
//! ```text
//!   { initial, at time 0 } ∪ { writes }  =  { reads } ∪ { final }
//! ```
//!
//! Each key has one initial tuple, a read's time is before now, and no two accesses to one key have the same now. So
//! at any moment one tuple of a key is in the multiset, and a read takes that one.
//!
//! *Equality of multisets.* A tuple is packed into five elements: key + 2^36·time, and the digest. With the challenges
//! γ and β of F_p², both sides are compared as products of γ − (packed + β·digest₀ + … + β⁴·digest₃). Packing is
//! injective: key < 2^36, and a time lies between −2^16 and 2^16.
//!
//! *One initial tuple a key.* All keys, and for each unused row a number above all keys, must be the same multiset as
//! a list that strictly increases.
//!
//! *Challenges.* γ and β are squeezed from H over every tuple of both sides, their flags and the sorted list. What is
//! unused counts as the factor 1; its flag is boolean and absorbed. The products have degree at most 5 in (γ, β) for
//! each factor, so a false equality of n tuples passes with probability below 5n / p², 2^−112 for n = 2^13.
//!
//! | rows for | one access, or the tuples of one cell |
//! | --- | --- |
//! | absorbing 9 elements | 1.125 |
//! | two factors (see [`crate::gates::multiset`]) | 0.17 |
//! | packing, flag and time | 0.2 |
//! | a cell's entry in the sorted list | 0.6 |
//!
//! Not here: keys are formed, and their widths enforced, by the slots and the cells; digests are opened there too.

use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::hash::poseidon::PoseidonHash;
use plonky2::iop::ext_target::ExtensionTarget;
use plonky2::iop::target::{BoolTarget, Target};

use crate::account::KEY_BITS;
use crate::gates::multiset::{product, Factor};
use crate::gates::range::RangeChecker;
use crate::hash::circuit::Builder;
use crate::hash::{tag, F};

/// Tag of the hash that the challenges come from.
pub const TAG_MEMORY: u64 = tag("sf.mem");

/// Bits of a time. A chunk has fewer transaction slots.
pub const TIME_BITS: usize = 16;

/// Flags that one absorbed element holds.
const FLAGS_PACKED: usize = 60;

/// Bits of the difference of neighbours in the sorted list: it holds keys, and padding from 2^36 on.
pub const SORTED_GAP_BITS: usize = KEY_BITS + 1;

/// Counts the transaction slots of a chunk, from 1.
///
/// Each moment is the last one plus a wire that is 1. It is not a constant of the circuit, because each distinct
/// constant costs half a row, and an addition a twentieth.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    step: Target,
    last: Target,
    now: Target,
}

impl Clock {
    /// The first slot.
    pub fn new(builder: &mut Builder) -> Self {
        let step = wire_of(builder, F::ONE);
        Self { step, last: builder.zero(), now: step }
    }

    /// The next slot.
    pub fn tick(self, builder: &mut Builder) -> Self {
        Self { last: self.now, now: builder.add(self.now, self.step), ..self }
    }
}

/// A wire with a constant's value, which the builder does not know to be constant.
fn wire_of(builder: &mut Builder, value: F) -> Target {
    let wire = builder.add_virtual_target();
    let constant = builder.constant(value);
    builder.connect(wire, constant);
    wire
}

/// Collects the tuples of a chunk, and in the end compares the multisets.
pub struct MemoryTarget {
    /// Initial tuples and writes.
    put: Vec<Factor>,
    /// Reads and final tuples.
    taken: Vec<Factor>,
    /// What is absorbed before the challenges, without the flags.
    transcript: Vec<Target>,
    /// Which accesses and cells count.
    flags: Vec<BoolTarget>,
    /// The keys of initial tuples, padding where the flag is not set.
    keys: Vec<Target>,
    padding: Target,
}

impl MemoryTarget {
    /// An empty memory.
    pub fn new(builder: &mut Builder) -> Self {
        let padding = wire_of(builder, F::from_canonical_u64(1 << KEY_BITS));
        Self {
            put: Vec::new(),
            taken: Vec::new(),
            transcript: Vec::new(),
            flags: Vec::new(),
            keys: Vec::new(),
            padding,
        }
    }

    /// Reads `old` at `key` and writes `new`, now. Returns the time of the read, which the prover picks.
    ///
    /// `key` is below 2^36 by whoever formed it; the clock counts slots, so it is below 2^16 by the shape.
    #[allow(clippy::too_many_arguments)]
    pub fn access(
        &mut self,
        builder: &mut Builder,
        ranges: &mut RangeChecker,
        enabled: BoolTarget,
        key: Target,
        old: HashOutTarget,
        new: HashOutTarget,
        clock: Clock,
    ) -> Target {
        let time = builder.add_virtual_target();
        // now − 1 − time in [0, 2^16): the read is of the past.
        let age = builder.sub(clock.last, time);
        ranges.range_check(builder, age, TIME_BITS);

        let read = pack(builder, key, time);
        let written = pack(builder, key, clock.now);
        self.absorb(enabled, read, old, new);
        self.taken.push(tuple(enabled, read, old));
        self.put.push(tuple(enabled, written, new));
        time
    }

    /// The initial and the final tuple of a cell. Returns the final time, which the prover picks.
    pub fn cell(
        &mut self,
        builder: &mut Builder,
        ranges: &mut RangeChecker,
        enabled: BoolTarget,
        key: Target,
        initial: HashOutTarget,
        last: HashOutTarget,
    ) -> Target {
        let time = builder.add_virtual_target();
        // Without this, a time could make the final tuple of one key equal to that of another.
        ranges.range_check(builder, time, TIME_BITS);

        let final_packed = pack(builder, key, time);
        self.absorb(enabled, final_packed, initial, last);
        self.put.push(tuple(enabled, key, initial));
        self.taken.push(tuple(enabled, final_packed, last));

        let entry = builder.select(enabled, key, self.padding);
        self.keys.push(entry);
        let one = builder.one();
        self.padding = builder.add(self.padding, one);
        time
    }

    fn absorb(&mut self, enabled: BoolTarget, packed: Target, old: HashOutTarget, new: HashOutTarget) {
        self.flags.push(enabled);
        self.transcript.push(packed);
        self.transcript.extend(old.elements);
        self.transcript.extend(new.elements);
    }

    /// Compares the multisets. Returns the sorted list, which the prover fills with all keys and paddings.
    pub fn finish(mut self, builder: &mut Builder, ranges: &mut RangeChecker) -> Vec<Target> {
        let sorted = builder.add_virtual_targets(self.keys.len());
        for pair in sorted.windows(2) {
            // next − entry − 1 in [0, 2^37). The list has far fewer than 2^26 entries, so the sum of the gaps does not
            // wrap, and entries are distinct.
            let gap = builder.sub(pair[1], pair[0]);
            let minus_one = builder.add_const(gap, F::NEG_ONE);
            ranges.range_check(builder, minus_one, SORTED_GAP_BITS);
        }
        self.transcript.extend(&sorted);
        // Flags by themselves, not beside the keys: the key of an access that does not count can be anything.
        for flags in self.flags.chunks(FLAGS_PACKED) {
            let packed =
                flags.iter().rev().fold(builder.zero(), |sum, flag| builder.mul_const_add(F::TWO, sum, flag.target));
            self.transcript.push(packed);
        }

        let tag = builder.constant(F::from_canonical_u64(TAG_MEMORY));
        let transcript = std::iter::once(tag).chain(self.transcript).collect();
        let challenge = builder.hash_n_to_hash_no_pad::<PoseidonHash>(transcript).elements;
        let gamma = ExtensionTarget([challenge[0], challenge[1]]);
        let beta = ExtensionTarget([challenge[2], challenge[3]]);

        let put = product(builder, &self.put, gamma, beta);
        let taken = product(builder, &self.taken, gamma, beta);
        builder.connect_extension(put, taken);

        // The same fingerprint, of the key alone.
        let (always, zero) = (builder._true(), builder.zero());
        let plain =
            |keys: &[Target]| keys.iter().map(|&key| (always, [key, zero, zero, zero, zero])).collect::<Vec<_>>();
        let keys = product(builder, &plain(&self.keys), gamma, beta);
        let sorted_product = product(builder, &plain(&sorted), gamma, beta);
        builder.connect_extension(keys, sorted_product);
        sorted
    }
}

/// The elements of a tuple, which counts if `enabled`. Its flag is boolean: slots and cells see to that.
fn tuple(enabled: BoolTarget, packed: Target, digest: HashOutTarget) -> Factor {
    let [d0, d1, d2, d3] = digest.elements;
    (enabled, [packed, d0, d1, d2, d3])
}

/// key + 2^36 · time
fn pack(builder: &mut Builder, key: Target, time: Target) -> Target {
    builder.mul_const_add(F::from_canonical_u64(1 << KEY_BITS), time, key)
}
