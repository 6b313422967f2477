//! Running a call natively: what all contracts have in common. The native form of [`crate::chunk`]'s slot for calls.

use std::collections::BTreeSet;

use super::{Effects, Form, Party, Places, Refusal, SecondSigner, SignedCall};
use crate::account::{AccountIndex, AssetId, Cell, CellKey};
use crate::amount::{Quanta, BALANCE_BITS};
use crate::context::Context;
use crate::transaction::{read_user, CellMemory, Outcome, Published, Rejection};

/// Applies a call to `memory`, all checks but the signatures' own. On a rejection nothing was written.
pub fn execute_call(
    signed: &SignedCall,
    context: &Context,
    memory: &mut impl CellMemory,
) -> Result<Outcome, Rejection> {
    let call = &signed.call;
    execute_call_by(signed, memory, |cells| call.kind.form().apply(call, context, cells))
}

/// [`execute_call`] with what makes the effects of the contract's cells: tests bring forged ones here.
pub(crate) fn execute_call_by(
    signed: &SignedCall,
    memory: &mut impl CellMemory,
    apply: impl FnOnce(&[Cell]) -> Result<Effects, Refusal>,
) -> Result<Outcome, Rejection> {
    let call = &signed.call;
    let form = call.kind.form();
    let spec = form.spec();
    let places = form.places(call);
    let slots = call.slots(&places);

    let mut signer = read_user(memory, call.account)?;
    if signed.authorization.public_key.hash() != signer.key_hash {
        return Err(Rejection::WrongKey { account: call.account });
    }
    if call.nonce != signer.nonce {
        return Err(Rejection::WrongNonce { account: call.account, expected: signer.nonce, got: call.nonce });
    }
    let mut users = Vec::with_capacity(places.users.len());
    for user in &places.users {
        users.push(match *user {
            Some(user) => Some((user, read_user(memory, user)?)),
            None => None,
        });
    }
    if let SecondSigner::User(user) = spec.second {
        if let Some((_, header)) = &users[user] {
            let signed_by = signed.second.map(|second| second.public_key.hash());
            if signed_by != Some(header.key_hash) {
                return Err(Rejection::WrongSecondKey);
            }
        }
    }
    check_distinct(call.account, &places, &slots)?;

    let before: Vec<Cell> = places.cells.iter().map(|key| key.map_or(Cell::ABSENT, |key| memory.read(key))).collect();
    let Effects { cells, gains } = apply(&before)?;
    check_second_key(form, signed, &before)?;

    signer.nonce += 1;
    let mut gas: Vec<i128> = vec![0; users.len()];
    let mut signer_gas = -i128::from(call.fee.quanta());
    let mut new_slots = Vec::new();
    for (((party, asset), slot), gain) in spec.moves.iter().zip(&places.moves).zip(slots).zip(gains) {
        let (Some(asset), Some(account)) = (*asset, places.account_of(*party, call.account)) else { continue };
        let gain = i128::from(gain);
        match (slot, *party) {
            (Some(key), _) => {
                let balance = memory.read(key).balance().map_err(|_| Rejection::NotAUser { account })?;
                new_slots.push((key, Cell::from_balance(gained(account, asset, balance, gain)?)));
            }
            (None, Party::Signer) => signer_gas += gain,
            (None, Party::User(user)) => gas[user] += gain,
        }
    }
    signer.balance = gained(call.account, AssetId::GAS, signer.balance, signer_gas)?;
    for (user, gain) in users.iter_mut().zip(gas) {
        if let Some((index, header)) = user {
            header.balance = gained(*index, AssetId::GAS, header.balance, gain)?;
        }
    }

    memory.write(call.account.header_key(), signer.to_cell());
    for (index, header) in users.into_iter().flatten() {
        memory.write(index.header_key(), header.to_cell());
    }
    for (key, cell) in places.cells.iter().zip(cells) {
        if let Some(key) = *key {
            memory.write(key, cell);
        }
    }
    for (key, cell) in new_slots {
        memory.write(key, cell);
    }
    Ok(Outcome { record: Some(Published::Call(Box::new(call.clone()))), fee: call.fee })
}

/// No cell is touched twice: in the circuit, all accesses of a slot are at one moment.
fn check_distinct(signer: AccountIndex, places: &Places, slots: &[Option<CellKey>]) -> Result<(), Rejection> {
    let users = places.users.iter().flatten().map(|user| user.header_key());
    let keys = std::iter::once(signer.header_key()).chain(users);
    let keys = keys.chain(places.cells.iter().flatten().copied()).chain(slots.iter().flatten().copied());
    let mut seen = BTreeSet::new();
    for key in keys {
        if !seen.insert(key) {
            return Err(Rejection::SameCellTwice { account: key.account(), slot: key.slot() });
        }
    }
    Ok(())
}

/// Of a form with [`SecondSigner::Contract`]: the second key is the one that the contract knows.
fn check_second_key(form: &dyn Form, signed: &SignedCall, before: &[Cell]) -> Result<(), Rejection> {
    if form.spec().second != SecondSigner::Contract {
        return Ok(());
    }
    let expected = form.second_key(&signed.call, before);
    let got = signed.second.map(|second| second.public_key.hash());
    match expected {
        Some(_) if got != expected => Err(Rejection::WrongSecondKey),
        _ => Ok(()),
    }
}

fn gained(account: AccountIndex, asset: AssetId, balance: Quanta, gain: i128) -> Result<Quanta, Rejection> {
    let after = i128::from(balance.get()) + gain;
    match u64::try_from(after) {
        Err(_) => {
            let needed = u64::try_from(-gain).unwrap_or(u64::MAX);
            Err(Rejection::InsufficientBalance { account, asset, balance, needed })
        }
        Ok(after) => Quanta::new(after).ok_or(Rejection::AmountOutOfRange { bits: BALANCE_BITS }),
    }
}
