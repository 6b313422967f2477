//! Tests of sales: native against circuit, one broken rule each, who is paid what, words, rows.

use std::sync::LazyLock;

use plonky2::field::types::Field;
use proptest::prelude::*;

use super::*;
use crate::account::Header;
use crate::chunk::tests::verdict::Violation::{self, *};
use crate::chunk::tests::world::{account, context, World};
use crate::contract::testing::*;
use crate::contract::FIRST_CONTRACT;
use crate::contracts::assets::MAX_ROYALTY_BPS;
use crate::contracts::exchange::POOL_KIND;
use crate::hash::{Digest, F};
use crate::transaction::{Rejection, Transaction};

static BENCH: LazyLock<Bench> = LazyLock::new(|| Bench::new("assets.sell"));

const SELLER: u32 = 10;
const OTHER: u32 = 11;
const THIRD: u32 = 12;
const USERS: u32 = 4;
const TOKEN_ACCOUNT: u32 = FIRST_CONTRACT + 9;
const NEVER: u64 = (1 << 56) - 1;
const ENOUGH: u64 = 1 << 60;

fn token(owner: u32, creator: u32, royalty_bps: u64) -> Token {
    let name_hash = Digest([F::ONE, F::TWO, F::NEG_ONE, F::ZERO]);
    Token { name_hash, owner: account(owner), creator: account(creator), royalty_bps }
}

fn world(token: Token) -> World {
    let mut world = World::with_users(USERS, ENOUGH);
    world.set(account(TOKEN_ACCOUNT).header_key(), token.to_cell());
    world
}

fn sale(asset: u64, price: u64, buyer: u32, creator: u32, deadline_s: u64) -> Transaction {
    let values = [asset, TOKEN_ACCOUNT.into(), price, buyer.into(), creator.into(), deadline_s];
    signed_by(call("sell", SELLER, 0, 1000, &values), Some(buyer))
}

/// What a prover would have who asks nothing.
fn careless(call: &Call, cells: &[Cell]) -> Effects {
    let packed = plonky2::field::types::PrimeField64::to_canonical_u64(&cells[0].0[5]);
    let royalty_bps = packed >> 24;
    let name_hash = Digest([cells[0].0[0], cells[0].0[1], cells[0].0[2], cells[0].0[3]]);
    let creator = call.account_at(CREATOR);
    sold(call, &Token { name_hash, owner: call.account, creator, royalty_bps })
}

fn forged(world: &World, transaction: &Transaction) -> Vec<Violation> {
    BENCH.forged(world, transaction, careless)
}

fn owner(world: &World) -> u32 {
    Token::from_cell(&world.cell(account(TOKEN_ACCOUNT).header_key())).unwrap().owner.get()
}

#[test]
fn rows_of_a_sale() {
    assert_eq!(Bench::marginal_rows("assets.sell"), 11446);
}

#[test]
fn words_of_a_sale() {
    let Transaction::Call(signed) = sale(2, 0x1234, OTHER, THIRD, 99) else { panic!("a call") };
    let words =
        [26 << 48 | 2 << 32 | u64::from(SELLER), u64::from(TOKEN_ACCOUNT) << 24 | 1000 << 5, 0x1234, u64::from(OTHER)];
    assert_eq!(signed.call.published(), words);
    assert_eq!(signed.call.only_signed(), [u64::from(THIRD), 99]);
}

/// A price of 10 001 at 2.5 %: 250 for the creator.
#[test]
fn everybody_is_paid() {
    for asset in [0u16, 2] {
        let fee = |holder: u32| if asset == 0 && holder == SELLER { 1000 } else { 0 };
        for (creator, gains) in
            [(THIRD, [9751, -10_001, 250]), (SELLER, [10_001, -10_001, 0]), (OTHER, [9751, -9751, 0])]
        {
            let world = world(token(SELLER, creator, 250));
            let sale = sale(asset.into(), 10_001, OTHER, creator, NEVER);
            assert_replays(&world, &sale);
            let (violations, after) = BENCH.honest(&world, &[sale]);
            assert_eq!(violations, []);
            for (holder, gain) in [SELLER, OTHER, THIRD].into_iter().zip(gains) {
                let gained = balance(&after, holder, asset) as i64 - balance(&world, holder, asset) as i64;
                assert_eq!(gained, gain - fee(holder), "{holder} of asset {asset} with creator {creator}");
            }
            assert_eq!(owner(&after), OTHER);
        }
    }
}

#[test]
fn a_gift_opens_no_balances() {
    let mut world = world(token(SELLER, THIRD, 5000));
    fund(&mut world, OTHER, 2, 0);
    let gift = sale(2, 0, OTHER, THIRD, NEVER);
    assert_replays(&world, &gift);
    let headers = [SELLER, TOKEN_ACCOUNT, OTHER].map(|index| account(index).header_key());
    assert_eq!(gift.cells().collect::<Vec<_>>(), headers);
    let (violations, after) = BENCH.honest(&world, &[gift]);
    assert_eq!(violations, []);
    assert_eq!(owner(&after), OTHER);
}

#[test]
fn the_largest_price_and_royalty() {
    let world = world(token(SELLER, THIRD, MAX_ROYALTY_BPS));
    let price = (1 << 56) - 1;
    let (violations, after) = BENCH.honest(&world, &[sale(1, price, OTHER, THIRD, NEVER)]);
    assert_eq!(violations, []);
    assert_eq!(balance(&after, THIRD, 1), ENOUGH + price / 2);
}

#[test]
fn only_a_token_is_sold() {
    let sale = sale(1, 5, OTHER, THIRD, NEVER);
    // A pool, and a user's header, whose elements would say the right things.
    for kind in [POOL_KIND, 1] {
        let mut world = world(token(SELLER, THIRD, 0));
        let mut cell = token(SELLER, THIRD, 0).to_cell();
        cell.0[Header::KIND] = F::from_canonical_u32(kind);
        world.set(account(TOKEN_ACCOUNT).header_key(), cell);
        assert_eq!(broken_rule(&world, &sale), "no_token");
        assert_eq!(forged(&world, &sale), [Equation]);
    }
    // Nothing is there, and the prover says that it was this token.
    let world = World::with_users(USERS, ENOUGH);
    assert_eq!(broken_rule(&world, &sale), "no_token");
    let found = token(SELLER, THIRD, 0).to_cell();
    let forge = |call: &Call, _: &[Cell]| careless(call, &[found]);
    let violations = BENCH.forged_and(&world, &sale, forge, |trace| trace.calls[0].cells[0].cell = found);
    assert_eq!(violations, [Memory]);
}

#[test]
fn only_the_owner_sells() {
    let world = world(token(OTHER, THIRD, 100));
    let sale = sale(1, 5, OTHER, THIRD, NEVER);
    assert_eq!(broken_rule(&world, &sale), "owner");
    assert_eq!(forged(&world, &sale), [Equation]);
}

#[test]
fn the_creator_is_the_tokens() {
    let world = world(token(SELLER, THIRD, 100));
    for creator in [SELLER, OTHER, THIRD + 1] {
        let sale = sale(1, 50_000, OTHER, creator, NEVER);
        assert_eq!(broken_rule(&world, &sale), "creator");
        // The royalty is not what the cell says for this creator, and neither is what the cell becomes.
        let violations = forged(&world, &sale);
        assert!(violations.contains(&Range(ROYALTY_BITS)), "{violations:?}");
    }
}

#[test]
fn deadlines_end_offers() {
    let world = world(token(SELLER, THIRD, 100));
    let now = context().timestamp_s;
    let late = sale(1, 50, OTHER, THIRD, now - 1);
    assert_eq!(broken_rule(&world, &late), "deadline");
    assert_eq!(forged(&world, &late), [Range(DEADLINE_BITS)]);
    assert_eq!(BENCH.honest(&world, &[sale(1, 50, OTHER, THIRD, now)]).0, []);
}

#[test]
fn nobody_sells_to_themselves() {
    let world = world(token(SELLER, THIRD, 100));
    let got = verdict(&world, &sale(1, 50, SELLER, THIRD, NEVER)).err();
    assert_eq!(got, Some(Rejection::SameCellTwice { account: account(SELLER), slot: 0 }));
}

#[test]
fn the_buyer_signs_and_can_pay() {
    let world = world(token(SELLER, THIRD, 100));
    let Transaction::Call(alone) = sale(1, 50, OTHER, THIRD, NEVER) else { panic!("a call") };
    for second in [None, Some(SELLER), Some(THIRD)] {
        let sale = signed_by(alone.call.clone(), second);
        assert_eq!(verdict(&world, &sale).err(), Some(Rejection::WrongSecondKey));
    }
    let mut poor = world.clone();
    fund(&mut poor, OTHER, 1, 49);
    let got = verdict(&poor, &sale(1, 50, OTHER, THIRD, NEVER)).err();
    assert!(matches!(got, Some(Rejection::InsufficientBalance { balance, needed: 50, .. }) if balance.get() == 49));
}

/// Whatever the prover would rather have: less royalty, more for the seller, less for the buyer to pay, another owner.
#[test]
fn nothing_else_is_moved() {
    for creator in [THIRD, SELLER, OTHER] {
        let world = world(token(SELLER, creator, 250));
        let sale = sale(1, 10_001, OTHER, creator, NEVER);
        let third = usize::from(creator == THIRD);
        for change in [[1, 0, 0], [0, 1, 0], [1, -1, 0], [250, 0, -250], [1, 0, -1], [-1, 0, 1], [0, -1, 1]] {
            if third == 0 && change[..2] == [0, 0] {
                continue;
            }
            let forge = |call: &Call, cells: &[Cell]| {
                let mut effects = careless(call, cells);
                effects.gains.iter_mut().zip(change).for_each(|(gain, more)| *gain += more);
                effects
            };
            assert_eq!(BENCH.forged(&world, &sale, forge), [Memory], "{creator} {change:?}");
        }
        for element in 0..8 {
            let forge = |call: &Call, cells: &[Cell]| {
                let mut effects = careless(call, cells);
                effects.cells[0].0[element] += F::ONE;
                effects
            };
            assert_eq!(BENCH.forged(&world, &sale, forge), [Memory]);
        }
    }
}

/// A sale, and the token that is there.
fn sales() -> impl Strategy<Value = (Token, Transaction)> {
    let users = || 10..10 + USERS;
    let mostly = move |value: u32| prop_oneof![6 => Just(value), 1 => users()];
    let royalty = prop_oneof![0..=MAX_ROYALTY_BPS, Just(0), Just(MAX_ROYALTY_BPS)];
    let price = prop_oneof![5 => amounts(56), 1 => Just(0)];
    let deadline = prop_oneof![5 => Just(NEVER), 1 => Just(0), 1 => Just(context().timestamp_s)];
    (users(), royalty, 11..10 + USERS, mostly(SELLER), 0u64..3, price, deadline).prop_flat_map(
        move |(creator, royalty_bps, buyer, owner, asset, price, deadline)| {
            mostly(creator)
                .prop_map(move |named| (token(owner, creator, royalty_bps), sale(asset, price, buyer, named, deadline)))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn native_and_circuit_agree((token, sale) in sales()) {
        let world = world(token);
        let native = verdict(&world, &sale);
        let circuit = forged(&world, &sale);
        prop_assert_eq!(native.is_ok(), circuit.is_empty(), "{:?} {:?}", native.err(), circuit);
        if native.is_ok() {
            assert_replays(&world, &sale);
        }
    }

    /// Over any sales there is as much of each asset as before, and one owner.
    #[test]
    fn sales_conserve(
        start in sales(),
        sales in prop::collection::vec((10..10 + USERS, 10..10 + USERS, 0u64..3, amounts(56)), 1..20),
    ) {
        let mut world = world(start.0);
        let creator = start.0.creator.get();
        let all = |world: &World, asset| (10..10 + USERS).map(|user| u128::from(balance(world, user, asset))).sum::<u128>();
        let before = [0, 1, 2].map(|asset| all(&world, asset));
        let mut fees = 0;
        for (seller, buyer, asset, price) in sales {
            let nonce = Header::from_cell(&world.cell(account(seller).header_key())).unwrap().unwrap().nonce;
            let values = [asset, TOKEN_ACCOUNT.into(), price, buyer.into(), creator.into(), NEVER];
            let was = owner(&world);
            match verdict(&world, &signed_by(call("sell", seller, nonce, 7, &values), Some(buyer))) {
                Ok(after) => {
                    prop_assert_eq!((was, owner(&after)), (seller, buyer));
                    fees += 7;
                    world = after;
                }
                Err(_) => prop_assert!(seller != was || seller == buyer),
            }
            prop_assert_eq!(all(&world, 0) + fees, before[0]);
            prop_assert_eq!([1, 2].map(|asset| all(&world, asset)), [before[1], before[2]]);
        }
    }

    /// The royalty is the largest number that is not above its share.
    #[test]
    fn royalties_are_rounded_down(price in amounts(56), royalty_bps in 0..=MAX_ROYALTY_BPS) {
        let got = u128::from(royalty(Quanta::new(price).unwrap(), royalty_bps));
        let share = u128::from(price) * u128::from(royalty_bps);
        prop_assert!(got * 10_000 <= share && share < (got + 1) * 10_000);
    }
}
