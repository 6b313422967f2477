//! Fees: one spelling, paid by who signs, credited to the operator.

use super::cheat::{f, key, Cheat, Place};
use super::verdict::Violation::*;
use super::*;
use crate::account::{Header, SLOT_BITS};
use crate::amount::Fee;
use crate::context::{Context, TAG_CONTEXT};
use crate::hash::hash_tagged;

#[test]
fn a_fee_has_one_spelling() {
    for slot in [0, 7, 9] {
        let mut world = world();
        let header = Header::open(key_hash(10), quanta(1 << 61));
        world.set(account(10).header_key(), header.to_cell());
        let caught = |mantissa, exponent| {
            let mut cheat = Cheat::new(&CIRCUIT.shape, &world, &at(slot, transfer(10, 0, 0, 0, 11, 5)));
            cheat.slots[slot].fee_mantissa = mantissa;
            cheat.slots[slot].fee_exponent = exponent;
            violations(&cheat.run())
        };
        for exponent in 1..=11 {
            assert_eq!(caught(Fee::NORMAL_MANTISSA, exponent), []);
            assert_eq!(caught((1 << 19) - 1, exponent), []);
            // There is a smaller exponent.
            assert_eq!(caught(Fee::NORMAL_MANTISSA - 1, exponent), [Range(19)]);
            assert_eq!(caught(0, exponent), [Range(19)]);
            // Only the mantissa itself is too wide, not what is above the smallest one.
            assert_eq!(caught(1 << 19, exponent), [Range(19)]);
        }
        assert_eq!(caught(1 << 19, 0), [Range(19); 2]);
        assert_eq!(caught((1 << 19) - 1, 0), []);
        // Larger exponents cost more than there is.
        for exponent in [12, 13] {
            assert_eq!(caught(2 * Fee::NORMAL_MANTISSA, exponent), [Equation]);
        }
    }
}

/// The operator would gain what nobody pays, or what somebody pays who did not sign.
#[test]
fn only_what_is_signed_pays_a_fee() {
    for t in [Transaction::Noop, deposit(10, 0, 9), open(30, 9), rekey(10, 11), forced_exit(10, 1)] {
        let mut cheat = cheat(std::slice::from_ref(&t));
        cheat.slots[0].fee_mantissa = 5;
        if t == Transaction::Noop {
            // It reads nothing, so it can claim any balance.
            cheat.claims.insert((0, Place::Sender), cheat.world.cell(account(10).header_key()));
        }
        assert_eq!(violations(&cheat.run()), [Equation], "{t:?}");
    }
    for slot in [7, 9] {
        let mut cheat = cheat(&[]);
        cheat.slots[slot].fee_mantissa = 5;
        cheat.claims.insert((slot, Place::Sender), cheat.world.cell(account(10).header_key()));
        assert_eq!(violations(&cheat.run()), [Equation]);
    }
}

#[test]
fn the_operator_gets_what_was_paid() {
    let cheat = cheat(&all_kinds());
    for change in [f(1), -f(1)] {
        let (trace, _) = cheat.run_with(|cells| {
            cells.get_mut(&key(OPERATOR, 0)).unwrap().last.0[Header::BALANCE] += change;
        });
        assert_eq!(violations(&trace), [Memory]);
    }
}

#[test]
fn the_operator_is_the_one_of_the_context() {
    let mut cheat = cheat(&all_kinds());
    cheat.context[Context::OPERATOR] = f(17);
    assert_eq!(violations(&cheat.run()), [Hash]);
}

/// Else some element times 2^12 is the key of a slot, and a contract's slot can look like a header.
#[test]
fn the_operators_account_has_24_bits() {
    let mut cheat = cheat(&[]);
    let lookalike = Header::open(key_hash(10), quanta(BALANCE));
    cheat.world.set(account(40).balance_key(asset(5)), lookalike.to_cell());
    let mut caught = |operator| {
        cheat.context[Context::OPERATOR] = operator;
        let mut trace = cheat.run();
        trace.public_inputs.context = hash_tagged(TAG_CONTEXT, &cheat.context);
        violations(&trace)
    };
    assert_eq!(caught(f(10)), []);
    assert_eq!(caught(f(key(40, 5)) / f(1 << SLOT_BITS)), [Range(24)]);
}
