//! Who may move what: signatures, keys, nonces, domains.

use super::cheat::{f, Place, Signer};
use super::verdict::Violation::*;
use super::*;
use crate::context::Domain;

#[test]
fn a_signature_is_of_every_word() {
    for slot in [0, 9] {
        let honest = cheat(&at(slot, transfer(10, 0, 20, 1, 11, 30)));
        let tampered = |edit: fn(&mut crate::chunk::trace::SlotTrace)| {
            let mut cheat = honest.clone().signed_before(&at(slot, transfer(10, 0, 20, 1, 11, 30)));
            edit(&mut cheat.slots[slot]);
            violations(&cheat.run())
        };
        assert_eq!(tampered(|_| {}), []);
        assert_eq!(tampered(|slot| slot.amount += f(1)), [Signature]);
        assert_eq!(tampered(|slot| slot.to = f(12)), [Signature]);
        assert_eq!(tampered(|slot| slot.asset = f(2)), [Signature]);
        assert_eq!(tampered(|slot| slot.fee_mantissa = 21), [Signature]);
        assert_eq!(tampered(|slot| slot.authorization.signature = sign(10, key_hash(0)).signature), [Signature]);
    }
}

#[test]
fn a_transfer_is_not_a_withdrawal() {
    let Transaction::Transfer(mut t, _) = transfer(10, 0, 0, 0, 11, 5) else { unreachable!() };
    t.to = account(0);
    let authorization = sign(10, t.message(&context().domain));
    let transactions = at(0, withdraw(10, 0, 0, 0, 5));
    let mut cheat = cheat(&transactions).signed_before(&transactions);
    cheat.slots[0].authorization = authorization;
    assert_eq!(violations(&cheat.run()), [Signature]);
}

#[test]
fn a_signature_is_for_one_domain() {
    let Transaction::Transfer(t, _) = transfer(10, 0, 0, 0, 11, 5) else { unreachable!() };
    let domain = context().domain;
    let other_chain = Domain { chain_id: domain.chain_id + 1, ..domain };
    let mut other_contract = domain;
    other_contract.contract.0[19] += 1;
    for (domain, expected) in [(domain, vec![]), (other_chain, vec![Signature]), (other_contract, vec![Signature])] {
        let transactions = at(7, Transaction::Transfer(t, sign(10, t.message(&domain))));
        assert_eq!(violations(&cheat(&transactions).signed_before(&transactions).run()), expected);
    }
}

#[test]
fn a_transfer_is_not_replayed_or_ahead_of_its_turn() {
    for nonces in [[0, 0], [0, 2], [1, 1]] {
        let transactions = nonces.map(|nonce| transfer(10, nonce, 0, 0, 11, 5));
        assert_eq!(violations(&cheat(&transactions).signed_before(&transactions).run()), [Signature], "{nonces:?}");
    }
}

#[test]
fn the_key_is_the_one_in_the_header() {
    for transaction in [transfer(10, 0, 0, 0, 11, 5), withdraw(10, 0, 0, 0, 5)] {
        let mut cheat = cheat(&[transaction]);
        cheat.signers[0] = Signer::Key(secret_key(11));
        // One for each element of the hash.
        assert_eq!(violations(&cheat.run()), [Equation; 4]);

        // A header with the signer's key would be another cell.
        let mut header = cheat.world.cell(account(10).header_key());
        header.0[..4].copy_from_slice(&key_hash(11).0);
        cheat.claims.insert((0, Place::Sender), header);
        assert_eq!(violations(&cheat.run()), [Memory]);
    }
}

#[test]
fn a_key_is_no_longer_good_after_a_rekey() {
    let mut cheat = cheat(&[rekey(10, 77), transfer(10, 0, 0, 0, 11, 5)]);
    assert_eq!(violations(&cheat.run()), [Equation; 4]);
    cheat.signers[1] = Signer::Key(secret_key(77));
    assert_eq!(violations(&cheat.run()), []);
}
