//! What tests of the exchange share.

mod history;

use num_bigint::BigUint;
use plonky2::plonk::circuit_data::CircuitData;

use super::*;
use crate::account::AssetId;
use crate::amount::Quanta;
use crate::chunk::tests::world::{account, World};
use crate::contract::testing::Bench;
use crate::contract::{Call, FIRST_CONTRACT};
use crate::gates::{SheafGateSerializer, SheafGeneratorSerializer};
use crate::hash::{C, D, F};

pub const POOL_ACCOUNT: u32 = FIRST_CONTRACT + 5;
pub const OTHER_POOL: u32 = FIRST_CONTRACT + 6;
pub const POOL_SHARES: u16 = 2050;
pub const NEVER: u64 = (1 << 56) - 1;
pub const MOST: u64 = (1 << 62) - 1;

pub fn pool(reserves: [u64; 2], assets: [u16; 2]) -> Pool {
    Pool {
        assets: assets.map(|asset| AssetId::new(asset).unwrap()),
        reserves: reserves.map(|reserve| Quanta::new(reserve).unwrap()),
        share_asset: AssetId::new(POOL_SHARES).unwrap(),
        shares: Quanta::new(1_000_000).unwrap(),
    }
}

/// Two users from 10 on, and a pool.
pub fn world(pool: Pool) -> World {
    let mut world = World::with_users(2, 1 << 60);
    world.set(account(POOL_ACCOUNT).header_key(), pool.to_cell());
    world
}

/// The pool at an account.
pub fn pool_at(world: &World, index: u32) -> Option<Pool> {
    Pool::from_cell(&world.cell(account(index).header_key()))
}

/// reserve 0 · reserve 1 / shares² is not below what it was.
pub fn k_per_share_did_not_fall(before: &Pool, after: &Pool) -> bool {
    let k = |pool: &Pool| BigUint::from(pool.reserves[0].get()) * pool.reserves[1].get();
    let shares = |pool: &Pool| BigUint::from(pool.shares.get());
    k(after) * shares(before).pow(2) >= k(before) * shares(after).pow(2)
}

/// Each generator of the exchange is among those that are read back.
#[test]
fn circuits_survive_their_bytes() {
    for form in ["exchange.swap", "exchange.liquidity", "exchange.route"] {
        let circuit = Bench::new(form).circuit;
        let bytes = circuit.data.to_bytes(&SheafGateSerializer, &SheafGeneratorSerializer).expect("listed");
        let read = CircuitData::<F, C, D>::from_bytes(&bytes, &SheafGateSerializer, &SheafGeneratorSerializer);
        assert!(read.expect("just written") == circuit.data, "{form}");
    }
}
