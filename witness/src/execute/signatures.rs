//! Signature checks: independent of the state, so they come before the order matters, many at once on all cores.

use rayon::prelude::*;
use sheaf_circuits::context::Domain;
use sheaf_circuits::signature::{verify_each, Claim};
use sheaf_circuits::transaction::Transaction;

/// For each transaction, whether it carries a signature that does not verify.
pub(super) fn find_bad(transactions: &[Transaction], domain: &Domain) -> Vec<bool> {
    let domain = domain.digest();
    let claim = |(position, transaction): (usize, &Transaction)| {
        let message = transaction.message_under(domain)?;
        let authorization = transaction.authorization()?;
        let claim = Claim { key: authorization.public_key, message, signature: authorization.signature };
        Some((position, claim))
    };
    let (positions, claims): (Vec<usize>, Vec<Claim>) = transactions.par_iter().enumerate().filter_map(claim).unzip();
    let mut bad = vec![false; transactions.len()];
    for (position, valid) in positions.into_iter().zip(verify_each(&claims)) {
        bad[position] = !valid;
    }
    bad
}
