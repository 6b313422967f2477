//! One kind a transaction, each with its fields and no others, and keys set as the words say.

use plonky2::field::types::Field;

use super::cheat::{f, key, minus};
use super::verdict::Violation::*;
use super::*;
use crate::amount::WORD_MASK;
use crate::chunk::trace::SlotTrace;
use crate::hash::F;

/// −1 of a forced exit and 2 of a deposit make one transaction, which pays in thrice.
#[test]
fn a_flag_is_0_or_1() {
    let mut cheat = cheat(&[deposit(10, 0, WORD_MASK)]);
    cheat.slots[0].flags.deposit = f(2);
    cheat.slots[0].flags.forced_exit = minus(1);
    assert_eq!(violations(&cheat.run()), [Equation; 2]);

    let mut cheat = super::cheat(&[withdraw(10, 0, 0, 0, 5)]);
    cheat.slots[0].flags.withdraw = f(2);
    cheat.slots[0].flags.deposit = minus(1);
    assert_eq!(violations(&cheat.run()), [Equation; 2]);

    let mut cheat = super::cheat(&[rekey(10, 11)]);
    cheat.slots[0].flags.rekey = f(2);
    cheat.slots[0].flags.deposit = minus(1);
    assert_eq!(violations(&cheat.run()), [Equation; 2]);

    for slot in [0, 7, 9] {
        let mut cheat = super::cheat(&at(slot, transfer(10, 0, 0, 0, 11, 0)));
        cheat.slots[slot].flags.transfer = f(2);
        let caught = violations(&cheat.run());
        assert!(caught.contains(&Equation), "{caught:?}");
    }
}

#[test]
fn a_transaction_is_of_one_kind() {
    let set: [fn(&mut SlotTrace); 4] = [
        |slot| slot.flags.deposit = F::ONE,
        |slot| slot.flags.rekey = F::ONE,
        |slot| slot.flags.forced_exit = F::ONE,
        |slot| slot.flags.withdraw = F::ONE,
    ];
    for (i, first) in set.iter().enumerate() {
        for second in &set[..i] {
            let mut cheat = cheat(&[Transaction::Noop]).signed_by(10);
            cheat.slots[0].account = f(10);
            first(&mut cheat.slots[0]);
            second(&mut cheat.slots[0]);
            // The flag of the access is then 2, which the memory does not count as one.
            let caught = violations(&cheat.run());
            assert!(caught.contains(&Equation) && caught.contains(&Memory), "{caught:?}");
        }
    }
}

#[test]
fn only_a_deposit_opens() {
    let mut cheat = cheat(&[forced_exit(30, 0)]);
    cheat.slots[0].flags.opens = F::ONE;
    cheat.slots[0].amount = F::ZERO;
    assert_eq!(violations(&cheat.run()), [Equation]);
    // Nor does nothing.
    let mut cheat = super::cheat(&[]);
    cheat.slots[0].flags.opens = F::ONE;
    assert_eq!(violations(&cheat.run()), [Equation]);
}

#[test]
fn fields_that_a_kind_does_not_use_are_zero() {
    let caught = |t, edit: fn(&mut SlotTrace)| {
        let mut cheat = cheat(&[t]);
        assert_eq!(violations(&cheat.run()), []);
        edit(&mut cheat.slots[0]);
        violations(&cheat.run())
    };
    for t in [withdraw(10, 0, 1, 0, 5), deposit(10, 0, 5), open(30, 5), rekey(10, 11), forced_exit(10, 1)] {
        assert_eq!(caught(t.clone(), |slot| slot.to = f(11)), [Equation], "the recipient of {t:?}");
    }
    assert_eq!(caught(rekey(10, 11), |slot| slot.asset = f(1)), [Equation]);
    assert_eq!(caught(rekey(10, 11), |slot| slot.amount = f(5)), [Equation]);
}

/// L1 could not pay it, and a batch that asks for it would be stuck there.
#[test]
fn what_is_withdrawn_is_known_to_l1() {
    for (id, violated) in [(2047, vec![]), (2048, vec![Range(12)]), (4095, vec![Range(12)])] {
        let nothing = withdraw(10, 0, 0, id, 0);
        assert_eq!(violations(&cheat(std::slice::from_ref(&nothing)).run()), violated, "asset {id}");
        let native = crate::transaction::execute(&nothing, &context(), &mut world());
        assert_eq!(native.is_ok(), violated.is_empty(), "asset {id}");
    }
}

#[test]
fn a_rekey_sets_the_published_key() {
    for t in [rekey(10, 77), open(30, 0)] {
        let index = t.account().unwrap().get();
        let cheat = cheat(std::slice::from_ref(&t));
        let set = |hash: crate::hash::Digest| {
            let (trace, _) =
                cheat.run_with(|cells| cells.get_mut(&key(index, 0)).unwrap().last.0[..4].copy_from_slice(&hash.0));
            violations(&trace)
        };
        assert_eq!(set(key_hash(t.account().map_or(0, |_| if index == 10 { 77 } else { 30 }))), []);
        assert_eq!(set(key_hash(78)), [Memory]);
        assert_eq!(set(key_hash(10)), [Memory]);
    }
}

/// What is not keyed leaves the key as it is, whatever its key words are.
#[test]
fn only_a_rekey_sets_a_key() {
    for t in [deposit(10, 0, 5), forced_exit(10, 0), withdraw(10, 0, 0, 0, 5), transfer(10, 0, 0, 0, 11, 5)] {
        let mut cheat = cheat(&[t]);
        cheat.slots[0].key_words = [1, 2, 3, 4, 5, 6, 7, 8];
        let (trace, after) = cheat.run_with(|_| {});
        assert_eq!(violations(&trace), []);
        assert_eq!(after.cell(account(10).header_key()).0[..4], key_hash(10).0);
        let (trace, _) = cheat.run_with(|cells| cells.get_mut(&key(10, 0)).unwrap().last.0[0] = f(1 << 32 | 2));
        assert_eq!(violations(&trace), [Memory]);
    }
}

/// A second spelling of an element would be another word, which L1 refuses or reads differently.
#[test]
fn key_words_are_canonical() {
    const ONES: u64 = (1 << 32) - 1;
    for element in 0..4 {
        let caught = |upper, lower| {
            let mut cheat = cheat(&[rekey(10, 77)]);
            cheat.slots[0].key_words[2 * element] = upper;
            cheat.slots[0].key_words[2 * element + 1] = lower;
            violations(&cheat.run())
        };
        assert_eq!(caught(ONES, 0), [], "p − 1");
        assert_eq!(caught(ONES - 1, ONES), []);
        assert_eq!(caught(ONES, 1), [Equation], "p");
        assert_eq!(caught(ONES, ONES), [Equation]);
        assert_eq!(caught(0, 1 << 32), [Range(32)]);
        assert_eq!(caught(1 << 32, 0), [Range(32)]);
    }
}

/// A slot without a transaction moves nothing and publishes nothing, whatever else is in it.
#[test]
fn nothing_is_nothing() {
    for slot in [0, 7, 9] {
        let honest = cheat(&[]).run().public_inputs;
        let mut cheat = cheat(&[]);
        let picks = &mut cheat.slots[slot];
        (picks.account, picks.amount) = (f(10), f(1000));
        if slot != 7 {
            picks.asset = f(1);
        }
        if slot != 0 {
            picks.to = f(11);
        }
        let trace = cheat.run();
        assert_eq!(violations(&trace), []);
        assert_ne!(trace.public_inputs.da_commit_out, honest.da_commit_out);
        let same = crate::public_inputs::PublicInputs { da_commit_out: honest.da_commit_out, ..trace.public_inputs };
        assert_eq!(same, honest);
    }
}
