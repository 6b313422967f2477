//! Executing in parallel means what executing in order means.

mod support;

use proptest::prelude::*;
use sheaf_circuits::account::{Cell, CellKey};
use sheaf_circuits::hash::Digest;
use sheaf_circuits::transaction::{Kind, Rejection, Transaction, Transfer};
use sheaf_witness::execute::{execute, ExecuteError, Execution, OperatorError, Receipt, SignatureChecks};

use self::support::naive::Naive;
use self::support::traffic::mainnet_like;
use self::support::*;

fn run(world: &World, transactions: &[Transaction], threads: usize) -> Execution {
    let state = state(world);
    let execute = || execute(&context(), transactions, &state, SignatureChecks::Skip);
    on_threads(threads, execute).expect("the batch is sound")
}

fn difference(before: &World, after: &World) -> Vec<(CellKey, Cell)> {
    let differs = |(key, cell): &(&CellKey, &Cell)| before.get(key).copied().unwrap_or_default() != **cell;
    after.iter().filter(differs).map(|(&key, &cell)| (key, cell)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    // Above the size from which threads are used at all.
    #[test]
    fn any_number_of_threads_gives_what_order_gives(
        wishes in (any_traffic(), any::<bool>()).prop_flat_map(|(traffic, l1)| wishes(traffic, l1, 256..700)),
    ) {
        let world = genesis();
        let transactions = build(&world, &wishes);
        let mut naive = Naive::new(world.clone());
        let receipts = naive.run(&transactions);
        let cells = difference(&world, &naive.cells);
        for threads in [1, 2, 8] {
            let execution = run(&world, &transactions, threads);
            prop_assert_eq!(&execution.receipts, &receipts, "receipts on {} threads", threads);
            prop_assert_eq!(&execution.cells, &cells, "cells on {} threads", threads);
        }
    }
}

#[test]
fn traffic_like_mainnets_is_the_same_on_any_number_of_threads() {
    let (world, transactions) = mainnet_like(3_000, false);
    let mut naive = Naive::new(world.clone());
    let receipts = naive.run(&transactions);
    let cells = difference(&world, &naive.cells);
    for threads in [1, 2, 8] {
        let execution = run(&world, &transactions, threads);
        assert!(execution.receipts == receipts && execution.cells == cells, "{threads} threads");
    }
}

#[test]
fn each_reason_to_reject_is_given_and_the_others_go_on() {
    let world = genesis();
    let [a, b, c] = [FIRST_USER, FIRST_USER + 1, FIRST_USER + 2];
    let stranger = FIRST_USER + USERS;
    let transactions = [
        transfer(a, 0, 1, 0, b, 5),
        transfer(a, 0, 1, 0, b, 5),
        transfer(a, 1, 1, 0, stranger, 5),
        transfer(stranger, 0, 1, 0, b, 5),
        transfer(b, 0, 1, 0, b, 5),
        transfer(b, 0, 0, 0, c, 10_006),
        transfer(b, 0, 0, 0, c, 10_005),
        transfer(c, 0, 0, 0, b, 1 << 56),
    ];
    let rejections = run(&world, &transactions, 2).receipts.into_iter().map(|receipt| match receipt {
        Receipt::Applied(_) => None,
        Receipt::Rejected(rejection) => Some(rejection),
    });
    let expected = [
        None,
        Some(Rejection::WrongNonce { account: account(a), expected: 1, got: 0 }),
        Some(Rejection::UnknownAccount { account: account(stranger) }),
        Some(Rejection::UnknownAccount { account: account(stranger) }),
        Some(Rejection::SelfTransfer { account: account(b) }),
        Some(Rejection::InsufficientBalance {
            account: account(b),
            asset: asset(0),
            balance: quanta(10_005),
            needed: 10_006,
        }),
        None,
        Some(Rejection::AmountOutOfRange { bits: 56 }),
    ];
    assert_eq!(rejections.collect::<Vec<_>>(), expected);
}

#[test]
fn bad_signatures_are_found_among_good_ones() {
    let world = genesis();
    let pay = |i: u32| Wish::Transfer { from: FIRST_USER + i % USERS, to: OPERATOR, slot: 0, amount: 1, fee: 1 };
    let mut transactions: Vec<_> =
        build(&world, &(0..600).map(pay).collect::<Vec<_>>()).into_iter().map(signed).collect();
    transactions.insert(0, forced_exit(OPERATOR, 0));
    // The last of their accounts, so that no nonce after them is missed.
    let bad = [578, 581, 600];
    for index in bad {
        if let Transaction::Transfer(transfer, authorization) = transactions[index] {
            let other_amount = Transfer { amount: quanta(2), ..transfer };
            transactions[index] = Transaction::Transfer(other_amount, authorization);
        }
    }
    let execution = execute(&context(), &transactions, &state(&world), SignatureChecks::Verify).unwrap();
    let refused = |it: &Receipt| *it == Receipt::Rejected(Rejection::BadSignature);
    let found: Vec<_> = (0..601).filter(|&i| refused(&execution.receipts[i])).collect();
    assert_eq!(found, bad);
    assert_eq!(execution.fees, quanta(597));
}

#[test]
fn an_l1_operation_that_does_not_apply_is_an_error_with_its_position() {
    let stranger = FIRST_USER + USERS;
    let transactions =
        [transfer(FIRST_USER, 0, 1, 0, FIRST_USER + 1, 5), forced_exit(stranger, 0), rekey(stranger, Digest::ZERO)];
    let error = execute(&context(), &transactions, &state(&genesis()), SignatureChecks::Skip).unwrap_err();
    let rejection = Rejection::UnknownAccount { account: account(stranger) };
    assert!(
        matches!(error, ExecuteError::L1Operation { position: 1, kind: Kind::ForcedExit, rejection: r } if r == rejection),
        "{error}"
    );
}

#[test]
fn fees_are_the_operators_at_the_end_and_not_before() {
    let world = genesis();
    let spend_all = |nonce, amount| transfer(OPERATOR, nonce, 0, 0, FIRST_USER, amount);
    let transactions = [transfer(FIRST_USER, 0, 7, 0, FIRST_USER + 1, 0), spend_all(0, 10_001), spend_all(0, 10_000)];
    let execution = run(&world, &transactions, 1);
    assert!(matches!(execution.receipts[1], Receipt::Rejected(Rejection::InsufficientBalance { needed: 10_001, .. })));
    assert!(matches!(execution.receipts[2], Receipt::Applied(_)));
    assert_eq!(execution.fees, quanta(7));
    let mut naive = Naive::new(world.clone());
    naive.run(&transactions);
    assert_eq!(execution.cells, difference(&world, &naive.cells));
}

#[test]
fn the_operator_has_to_be_open_before_the_batch() {
    let opens = deposit(OPERATOR, 0, 5, Some(Digest::ZERO));
    let error = execute(&context(), &[opens], &state(&World::new()), SignatureChecks::Skip).unwrap_err();
    let expected = OperatorError::NotOpen { operator: account(OPERATOR) };
    assert!(matches!(error, ExecuteError::Operator(found) if found == expected), "{error}");
}

#[test]
fn conflicts_are_counted() {
    let [a, b, c, d] = [0, 1, 2, 3].map(|i| FIRST_USER + i);
    let transactions = [
        transfer(a, 0, 0, 1, b, 1),
        transfer(a, 1, 0, 1, c, 1),
        transfer(c, 0, 0, 0, b, 1),
        transfer(d, 0, 0, 0, OPERATOR, 1),
        transfer(d, 9, 0, 0, d, 1),
    ];
    let conflicts = run(&genesis(), &transactions, 1).conflicts;
    assert_eq!((conflicts.transactions, conflicts.accesses, conflicts.distinct_cells), (5, 14, 8));
    // 0→1 by two cells, 1→2, 0→2, and the self-transfer waits for the transfer before it.
    assert_eq!((conflicts.edges, conflicts.conflicting, conflicts.longest_chain), (4, 5, 3));
    assert_eq!(conflicts.hottest[0], (account(d).header_key(), 3));
}

#[test]
fn an_empty_batch_changes_nothing() {
    let execution = run(&genesis(), &[], 2);
    assert_eq!((execution.receipts.len(), execution.cells.len(), execution.fees), (0, 0, quanta(0)));
}
