//! Random histories of the whole exchange: nothing is created or lost, and no share is worth less.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::contract::testing::*;

static BENCHES: LazyLock<[Bench; 3]> =
    LazyLock::new(|| ["exchange.swap", "exchange.liquidity", "exchange.route"].map(Bench::new));

const USERS: [u32; 3] = [10, 11, 12];
/// Of users; the operator is paid fees in asset 0.
const HOLDERS: [u32; 4] = [1, 10, 11, 12];
const ASSETS: [u16; 4] = [0, 1, 2, 3];
const POOLS: [(u32, u16); 3] = [(POOL_ACCOUNT, POOL_SHARES), (OTHER_POOL, 2051), (OTHER_POOL + 1, 2052)];
/// What there is of each asset.
const SUPPLY: u64 = 1 << 52;

#[derive(Clone, Debug)]
struct Step {
    kind: usize,
    user: usize,
    pools: [usize; 2],
    assets: [usize; 3],
    amounts: [u64; 2],
    part: u64,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let amount = || prop_oneof![amounts(40), Just(1u64)];
    let step = (
        prop_oneof![1 => Just(0usize), 2 => Just(1), 2 => Just(2), 4 => Just(3), 3 => Just(4)],
        0..USERS.len(),
        [0..POOLS.len(), 0..POOLS.len()],
        [0..ASSETS.len(), 0..ASSETS.len(), 0..ASSETS.len()],
        [amount(), amount()],
        0u64..=1000,
    );
    let step =
        step.prop_map(|(kind, user, pools, assets, amounts, part)| Step { kind, user, pools, assets, amounts, part });
    // Three pools to begin with, so that most steps find one.
    prop::collection::vec(step, 40).prop_map(|mut steps| {
        for (i, assets) in [[0, 1, 0], [1, 2, 0], [0, 2, 0]].into_iter().enumerate() {
            let amounts = steps[i].amounts.map(|amount| amount + (1 << 30));
            steps[i] = Step { kind: 0, pools: [i, i], assets, amounts, ..steps[i].clone() };
        }
        steps
    })
}

impl Step {
    /// The call in `world`: parties are such that it is often right, amounts need not be.
    fn call(&self, world: &World) -> Call {
        let user = USERS[self.user];
        let header = crate::account::Header::from_cell(&world.cell(account(user).header_key())).unwrap().unwrap();
        let [(at, share_asset), (other, _)] = self.pools.map(|pool| POOLS[pool]);
        let pools = [at, other].map(|at| pool_at(world, at));
        let pair = pools[0].map_or([0, 1], |pool| pool.assets.map(|asset| u64::from(asset.get())));
        let [x, y, z] = self.assets.map(|asset| u64::from(ASSETS[asset]));
        let [amount_0, amount_1] = self.amounts;
        let (pool, other) = (u64::from(at), u64::from(other));
        let call = |kind: &str, values: &[u64]| call(kind, user, header.nonce, 10 * amount_0 % 1000 / 10, values);
        match self.kind {
            0 => call("create_pool", &[x.min(y), pool, amount_0, amount_1, x.max(y), share_asset.into(), 0, 0, NEVER]),
            1 => {
                let shares = pools[0].map_or(amount_0, |pool| pool.shares.get() / 1000 * self.part + amount_1 % 1000);
                call("add_liquidity", &[pair[0], pool, shares, 0, pair[1], share_asset.into(), NEVER, NEVER, NEVER])
            }
            2 => {
                let shares = balance(world, user, share_asset) / 1000 * self.part + amount_1 % 2;
                call("remove_liquidity", &[pair[0], pool, shares, 0, pair[1], share_asset.into(), 0, 0, NEVER])
            }
            3 => {
                let [asset_in, asset_out] = if self.part.is_multiple_of(2) { pair } else { [pair[1], pair[0]] };
                call("swap", &[asset_in, pool, amount_0, asset_out, 0, NEVER])
            }
            _ => {
                // Some way through both pools, if there is one; else any.
                let routes = pools[0].zip(pools[1]).into_iter().flat_map(|(first, second)| {
                    let sides = [(0, 0), (0, 1), (1, 0), (1, 1)];
                    sides.into_iter().filter_map(move |(i, j)| {
                        let way = [first.assets[i], first.assets[1 - i], second.assets[j], second.assets[1 - j]];
                        (way[1] == way[2]).then(|| [way[0], way[1], way[3]].map(|asset| u64::from(asset.get())))
                    })
                });
                let routes: Vec<_> = routes.collect();
                let pick = usize::try_from(self.part).unwrap();
                let way = routes.get(pick % routes.len().max(1)).copied().unwrap_or([x, y, z]);
                call("swap_route", &[way[0], pool, amount_0, other, way[1], way[2], 0, NEVER])
            }
        }
    }
}

/// All there is of an asset: balances and reserves.
fn total(world: &World, asset: u16) -> u64 {
    let held: u64 = HOLDERS.iter().map(|&holder| balance(world, holder, asset)).sum();
    let pools = POOLS.iter().filter_map(|&(at, _)| pool_at(world, at));
    let in_pool = |pool: Pool| -> u64 {
        pool.assets
            .iter()
            .zip(pool.reserves)
            .filter(|(it, _)| it.get() == asset)
            .map(|(_, reserve)| reserve.get())
            .sum()
    };
    held + pools.map(in_pool).sum::<u64>()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn nothing_is_created_or_lost(steps in steps()) {
        let mut world = World::with_users(3, 0);
        for (user, asset) in USERS.iter().flat_map(|&user| ASSETS.map(|asset| (user, asset))) {
            fund(&mut world, user, asset, SUPPLY / 3);
        }
        let totals = ASSETS.map(|asset| total(&world, asset));
        let mut applied = [0; 5];
        for step in &steps {
            let transaction = signed(step.call(&world));
            if verdict(&world, &transaction).is_err() {
                continue;
            }
            applied[step.kind] += 1;
            assert_replays(&world, &transaction);
            let bench = &BENCHES[[1, 1, 1, 0, 2][step.kind]];
            let (violations, after) = bench.honest(&world, &[transaction]);
            prop_assert_eq!(violations, []);
            prop_assert_eq!(ASSETS.map(|asset| total(&after, asset)), totals);
            for (at, share_asset) in POOLS {
                let held: u64 = HOLDERS.iter().map(|&holder| balance(&after, holder, share_asset)).sum();
                let Some(pool) = pool_at(&after, at) else {
                    prop_assert_eq!(held, 0);
                    continue;
                };
                prop_assert_eq!(held + MINIMUM_SHARES, pool.shares.get());
                if let Some(before) = pool_at(&world, at) {
                    prop_assert!(k_per_share_did_not_fall(&before, &pool));
                }
            }
            world = after;
        }
        prop_assert!(applied.iter().sum::<usize>() >= 10, "{:?}", applied);
    }
}
