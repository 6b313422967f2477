//! The circuit twin of [`crate::transaction::Record`] and of the streams in [`crate::availability`].

use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::ext_target::ExtensionTarget;
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use crate::availability::{BlockLayout, BLOCK_LEN, HEAD_KEYED};
use crate::gates::range::RangeChecker;
use crate::hash::circuit::{absorb, Builder};
use crate::hash::{D, F};
use crate::transaction::{Stream, HEAD_WORDS, KEY_WORDS};

/// Bits of a word of a key hash.
pub const KEY_WORD_BITS: usize = 32;

/// The first three words of a record.
#[derive(Clone, Copy, Debug)]
pub struct RecordTarget {
    /// The words.
    pub words: [Target; HEAD_WORDS],
}

impl RecordTarget {
    /// kind 8 | asset 16 | account 32; counterparty 32 | low 24; amount 56. Each field's width is enforced by the slot.
    pub fn new(
        builder: &mut Builder,
        kind: Target,
        asset: Target,
        account: Target,
        counterparty: Target,
        low: Target,
        amount: Target,
    ) -> Self {
        let two_to = |bits: u32| F::from_canonical_u64(1 << bits);
        let word = builder.mul_const_add(two_to(16), kind, asset);
        let first = builder.mul_const_add(two_to(32), word, account);
        let second = builder.mul_const_add(two_to(24), counterparty, low);
        Self { words: [first, second, amount] }
    }
}

/// The words of a key hash: upper and lower half of each element.
#[derive(Clone, Copy, Debug)]
pub struct KeyWordsTarget {
    pub(super) words: [Target; KEY_WORDS],
}

impl KeyWordsTarget {
    /// Words that the prover picks: 32 bits each, and each pair below p.
    pub fn new(builder: &mut Builder, ranges: &mut RangeChecker) -> Self {
        let words: [Target; KEY_WORDS] = builder.add_virtual_target_arr();
        for pair in words.chunks_exact(2) {
            let (upper, lower) = (pair[0], pair[1]);
            ranges.range_check(builder, upper, KEY_WORD_BITS);
            ranges.range_check(builder, lower, KEY_WORD_BITS);
            // p = 2^64 − 2^32 + 1: an upper half of all ones leaves only zero for the lower half.
            let ones = builder.constant(F::from_canonical_u64((1 << KEY_WORD_BITS) - 1));
            let is_ones = builder.is_equal(upper, ones);
            let excess = builder.mul(is_ones.target, lower);
            builder.assert_zero(excess);
        }
        Self { words }
    }

    /// The elements that the words spell.
    pub fn key_hash(&self, builder: &mut Builder) -> [Target; 4] {
        let shift = F::from_canonical_u64(1 << KEY_WORD_BITS);
        std::array::from_fn(|i| builder.mul_const_add(shift, self.words[2 * i], self.words[2 * i + 1]))
    }

    /// Sets the words.
    pub fn set(&self, witness: &mut PartialWitness<F>, words: &[u64; KEY_WORDS]) -> anyhow::Result<()> {
        witness.set_target_arr(&self.words, &words.map(F::from_canonical_u64))
    }
}

/// What is published so far: the chain, and the evaluation of both streams at z.
#[derive(Clone, Debug)]
pub struct StreamsTarget {
    /// daCommit.
    pub commit: HashOutTarget,
    /// The evaluation of the L1 stream.
    pub l1: ExtensionTarget<D>,
    /// The evaluation of the L2 stream.
    pub l2: ExtensionTarget<D>,
    /// The point.
    pub z: ExtensionTarget<D>,
}

impl StreamsTarget {
    /// Publishes `record`: on L2 if `on_l2`, on L1 if `on_l1` (at most one is set), with the key hash if `keyed`. The
    /// slot is wide if it has `key_words`.
    pub fn publish(
        &mut self,
        builder: &mut Builder,
        record: &RecordTarget,
        key_words: Option<&KeyWordsTarget>,
        on_l2: Target,
        on_l1: Target,
        keyed: Target,
    ) {
        let zero = builder.zero();
        let mut head = builder.mul_const_add(F::from_canonical_u64(Stream::L2 as u64), on_l2, on_l1);
        if key_words.is_some() {
            head = builder.mul_const_add(F::from_canonical_u64(HEAD_KEYED), keyed, head);
            head = builder.add_const(head, F::from_canonical_u64(BlockLayout::WIDE.head()));
        }
        let mut block = [zero; BLOCK_LEN];
        block[0] = head;
        block[1..1 + HEAD_WORDS].copy_from_slice(&record.words);
        self.commit = absorb(builder, self.commit, block);

        let Some(key_words) = key_words else {
            let next = self.horner(builder, self.l2, &record.words);
            self.l2 = choose(builder, on_l2, next, self.l2);
            return;
        };
        self.commit = absorb(builder, self.commit, key_words.words);
        // One evaluation serves both streams: at most one of them goes on.
        let before = choose(builder, on_l1, self.l1, self.l2);
        let next = self.horner(builder, before, &record.words);
        self.l2 = choose(builder, on_l2, next, self.l2);
        let next_keyed = self.horner(builder, next, &key_words.words);
        // Only records of the L1 stream have a key hash.
        let next_l1 = choose(builder, keyed, next_keyed, next);
        self.l1 = choose(builder, on_l1, next_l1, self.l1);
    }

    /// Publishes the words of a call on L2, if `active`.
    pub fn publish_call(&mut self, builder: &mut Builder, words: &[Target], active: BoolTarget) {
        let layout = BlockLayout::calls(words.len() - HEAD_WORDS);
        let zero = builder.zero();
        let stream = builder.mul_const(F::from_canonical_u64(Stream::L2 as u64), active.target);
        let mut elements = vec![builder.add_const(stream, F::from_canonical_u64(layout.head()))];
        elements.extend(words);
        elements.resize(BLOCK_LEN * (1 + layout.more_blocks), zero);
        for block in elements.chunks_exact(BLOCK_LEN) {
            self.commit = absorb(builder, self.commit, block.try_into().expect("eight elements"));
        }
        let next = self.horner(builder, self.l2, words);
        self.l2 = choose(builder, active.target, next, self.l2);
    }

    /// `sum` continued over `words`.
    fn horner(&self, builder: &mut Builder, sum: ExtensionTarget<D>, words: &[Target]) -> ExtensionTarget<D> {
        words.iter().fold(sum, |sum, &word| {
            let word = builder.convert_to_ext(word);
            builder.mul_add_extension(sum, self.z, word)
        })
    }
}

/// `yes` if the boolean `flag` is 1, else `no`.
fn choose(builder: &mut Builder, flag: Target, yes: ExtensionTarget<D>, no: ExtensionTarget<D>) -> ExtensionTarget<D> {
    let flag = builder.convert_to_ext(flag);
    let difference = builder.sub_extension(yes, no);
    builder.mul_add_extension(flag, difference, no)
}
