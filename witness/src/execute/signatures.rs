//! Signature checks: independent of the state, so they come before the order matters, many at once on all cores.

use rayon::prelude::*;
use sheaf_circuits::context::Domain;
use sheaf_circuits::signature::{verify_each, Claim};
use sheaf_circuits::transaction::{Authorization, Transaction};

/// For each transaction, whether it carries a signature, or a second one, that does not verify.
pub(super) fn find_bad(transactions: &[Transaction], domain: &Domain) -> Vec<bool> {
    let domain = domain.digest();
    let claim = |authorization: &Authorization, message| Claim {
        key: authorization.public_key,
        message,
        signature: authorization.signature,
    };
    let claims = |(position, transaction): (usize, &Transaction)| {
        let own = transaction.authorization().and_then(|own| Some(claim(own, transaction.message_under(domain)?)));
        let second = transaction.second_claim(domain).map(|(second, message)| claim(second, message));
        own.into_iter().chain(second).map(move |claim| (position, claim))
    };
    let (positions, claims): (Vec<usize>, Vec<Claim>) =
        transactions.par_iter().enumerate().flat_map_iter(claims).unzip();
    let mut bad = vec![false; transactions.len()];
    for (position, valid) in positions.into_iter().zip(verify_each(&claims)) {
        bad[position] |= !valid;
    }
    bad
}
