//! What tests of splits share: a state with one split, and its numbers.

use plonky2::field::types::PrimeField64;

use super::split::*;
use crate::account::{Cell, Header, CELL_LEN};
use crate::chunk::tests::world::{account, asset, quanta, World};
use crate::contract::FIRST_CONTRACT;

pub const SPLIT_ACCOUNT: u32 = FIRST_CONTRACT + 33;
pub const USERS: u32 = 4;
/// What each user has of each asset.
pub const ENOUGH: u64 = 1 << 59;

/// Users from 10 on, and a split of `asset_id` that received `total`, between `holders` with their weights.
pub fn world_with_split(asset_id: u16, total: u64, holders: &[(u32, u64)]) -> World {
    let mut world = World::with_users(USERS, ENOUGH);
    let split = Split { asset: asset(asset_id), total: quanta(total) };
    world.set(account(SPLIT_ACCOUNT).header_key(), split.to_cell());
    for (second, holders) in holders.chunks(CELL_LEN).enumerate() {
        let mut cell = Cell::ABSENT;
        for (element, &(holder, weight_bps)) in cell.0.iter_mut().zip(holders) {
            *element = share(account(holder), weight_bps);
        }
        world.set(slot_key(account(SPLIT_ACCOUNT), HOLDERS_SLOT, second == 1), cell);
    }
    world
}

/// The split's header.
pub fn split(world: &World) -> Split {
    Split::from_cell(&world.cell(account(SPLIT_ACCOUNT).header_key())).unwrap()
}

/// What holder number `index` has claimed.
pub fn claimed_by(world: &World, index: usize) -> u64 {
    let cell = world.cell(slot_key(account(SPLIT_ACCOUNT), CLAIMS_SLOT, index >= CELL_LEN));
    cell.0[index % CELL_LEN].to_canonical_u64()
}

/// What is in the split.
pub fn held(world: &World) -> u64 {
    split(world).total.get() - (0..HOLDERS).map(|index| claimed_by(world, index)).sum::<u64>()
}

/// The nonce that an account's next call carries.
pub fn next_nonce(world: &World, holder: u32) -> u64 {
    Header::from_cell(&world.cell(account(holder).header_key())).unwrap().unwrap().nonce
}
