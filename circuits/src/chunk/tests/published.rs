//! What a proof says: every public input is bound, and daCommit and the evaluations are of the records.

use plonky2::field::types::Field;

use super::cheat::{f, Streams};
use super::verdict::Violation::*;
use super::*;
use crate::chunk::trace::{Flags, SlotTrace};
use crate::context::Context;
use crate::hash::F;
use crate::public_inputs::{PublicInputs, ALLOWED_SET, PUBLIC_INPUTS_LEN, Z};

#[test]
fn every_public_input_is_bound() {
    let honest = cheat(&all_kinds()).run();
    for position in 0..PUBLIC_INPUTS_LEN {
        let mut elements = honest.public_inputs.to_elements();
        elements[position] += F::ONE;
        let mut trace = honest.clone();
        trace.public_inputs = PublicInputs::from_elements(&elements).unwrap();
        let caught = violations(&trace);
        if ALLOWED_SET.contains(&position) {
            assert_eq!(caught, [], "the allowed set is only carried");
        } else if Z.contains(&position) {
            assert!(!caught.is_empty());
        } else {
            assert!(caught == [Hash] || caught == [Evaluation], "position {position}: {caught:?}");
        }
    }
}

/// What would be published if the slots did so as `publish` says.
fn published(trace: &ChunkTrace, publish: impl Fn(&mut Streams, &SlotTrace, SlotClass)) -> Streams {
    let mut streams = Streams::start();
    for (class, slot) in CIRCUIT.shape.slots().zip(&trace.slots) {
        publish(&mut streams, slot, class);
    }
    streams
}

/// What a slot says of itself: in the L2 stream, in the L1 stream, with a key hash.
fn places(slot: &SlotTrace) -> [F; 3] {
    let Flags { transfer, withdraw, deposit, rekey, forced_exit, opens } = slot.flags;
    [transfer, withdraw + deposit + rekey + forced_exit, rekey + opens]
}

#[test]
fn what_is_published_is_what_was_executed() {
    let honest = cheat(&all_kinds()).run();
    let same = published(&honest, |streams, slot, class| {
        let [on_l2, on_l1, keyed] = places(slot);
        streams.publish_as(slot, class, on_l2, on_l1, keyed);
    });
    assert_eq!(same.commit, honest.public_inputs.da_commit_out);

    let edited = |edit: fn(&mut SlotTrace)| {
        published(&honest, |streams, slot, class| {
            let mut slot = slot.clone();
            if slot.flags.transfer.is_one() || slot.flags.withdraw.is_one() {
                edit(&mut slot);
            }
            streams.publish(&slot, class);
        })
    };
    let placed = |place: fn([F; 3]) -> [F; 3]| {
        published(&honest, |streams, slot, class| {
            let [on_l2, on_l1, keyed] = place(places(slot));
            streams.publish_as(slot, class, on_l2, on_l1, keyed);
        })
    };
    let cases = [
        ("another amount", edited(|slot| slot.amount += F::ONE)),
        ("another account", edited(|slot| slot.account += F::ONE)),
        ("another recipient", edited(|slot| slot.to += F::ONE)),
        ("another asset", edited(|slot| slot.asset += F::ONE)),
        ("another fee", edited(|slot| slot.fee_mantissa += 1)),
        ("the streams swapped", placed(|[on_l2, on_l1, keyed]| [on_l1, on_l2, keyed])),
        ("all in L1", placed(|[on_l2, on_l1, keyed]| [F::ZERO, on_l1 + on_l2, keyed])),
        ("no key hash", placed(|[on_l2, on_l1, _]| [on_l2, on_l1, F::ZERO])),
        ("nothing", placed(|_| [F::ZERO; 3])),
    ];
    for (name, streams) in cases {
        let mut trace = honest.clone();
        trace.public_inputs.da_commit_out = streams.commit;
        assert_eq!(violations(&trace), [Hash], "{name}");
        let mut trace = honest.clone();
        let swapped = (streams.l1, streams.l2) != (trace.public_inputs.l1_out, trace.public_inputs.l2_out);
        (trace.public_inputs.l1_out, trace.public_inputs.l2_out) = (streams.l1, streams.l2);
        let caught = violations(&trace);
        assert!(swapped && !caught.is_empty() && caught.iter().all(|&v| v == Evaluation), "{name}: {caught:?}");
    }
}

#[test]
fn blocks_say_whether_a_slot_is_wide() {
    let honest = cheat(&[]).run();
    let narrow = published(&honest, |streams, slot, _| streams.publish(slot, SlotClass::Gas));
    let wide = published(&honest, |streams, slot, _| streams.publish(slot, SlotClass::Any));
    for streams in [narrow, wide] {
        let mut trace = honest.clone();
        trace.public_inputs.da_commit_out = streams.commit;
        assert_eq!(violations(&trace), [Hash]);
    }
}

/// Key words that are published but not those that were set.
#[test]
fn the_published_key_is_the_one_that_was_set() {
    for t in [rekey(10, 77), open(30, 7)] {
        let honest = cheat(&[t]).run();
        for word in 0..8 {
            let streams = published(&honest, |streams, slot, class| {
                let mut slot = slot.clone();
                slot.key_words[word] ^= 1;
                streams.publish(&slot, class);
            });
            let mut trace = honest.clone();
            trace.public_inputs.da_commit_out = streams.commit;
            assert_eq!(violations(&trace), [Hash]);
            let mut trace = honest.clone();
            trace.public_inputs.l1_out = streams.l1;
            assert_eq!(violations(&trace), [Evaluation]);
        }
    }
}

#[test]
fn the_context_is_the_public_one() {
    for element in 0..Context::LEN {
        // Messages are signed under whatever domain the circuit gets, so only the digest is wrong.
        let mut cheat = cheat(&all_kinds());
        cheat.context[element] += if element == Context::OPERATOR { f(10) } else { F::ONE };
        assert_eq!(violations(&cheat.run()), [Hash], "element {element}");
    }
}
