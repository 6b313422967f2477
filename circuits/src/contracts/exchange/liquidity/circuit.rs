//! The circuit twin of [`super::Liquidity`]'s `apply`.
//!
//! ```text
//!   amount ─┬─ · amount 1 ─▶ ⌊√⌋ ─▶ shares of a new pool                          (zero where amount 1 is)
//!           └─ · reserve + (shares − 1 if added) ─▶ ⌊/ shares⌋ ─▶ what is moved     (of each asset; not of a new pool)
//! ```
//!
//! Three flags, at most one of them set, choose: a pool that is made has reserves and shares of zero before, as its cell
//! is absent.

use plonky2::field::types::Field;
use plonky2::iop::target::{BoolTarget, Target};

use super::*;
use crate::account::SLOT_BITS;
use crate::amount::{BALANCE_BITS, TRANSFER_BITS};
use crate::contract::wide::{divide, square_root, Wide};
use crate::contracts::registry::{registered_target, registry_key_target};
use crate::hash::F;

pub(super) fn constrain(env: &mut FormEnvironment<'_>) -> FormTargets {
    let values = env.values;
    let (active, creates, adds, removes) = (env.active, env.kinds[CREATE], env.kinds[ADD], env.kinds[REMOVE]);
    let zero = env.builder.zero();
    env.assert_not_over(values[DEADLINE]);

    // A new pool finds nothing, neither at its account nor at its shares' number; another pool is what it says.
    let exists = BoolTarget::new_unsafe(env.builder.add(adds.target, removes.target)); // at most one of them is set
    for cell in env.cells {
        // creates · (1 − absent) = 0
        let present = env.builder.mul_sub(creates.target, cell.absent.target, creates.target);
        env.builder.assert_zero(present);
    }
    let pool = PoolTarget::from_cell(env, exists, &env.cells[0]);
    let packed = PoolTarget::pack_assets(env, values[ASSET_0], values[ASSET_1], values[SHARE_ASSET]);
    let expected = env.builder.mul(exists.target, packed);
    env.builder.connect(expected, pool.assets);

    // asset 0 < asset 1, both below 2^12
    let gap = env.builder.sub(values[ASSET_1], values[ASSET_0]);
    let gap = env.builder.mul_sub(creates.target, gap, creates.target);
    env.ranges.range_check(env.builder, gap, SLOT_BITS);
    env.assert_contract_account(creates, values[POOL]);
    let registry_key = registry_key_target(env, creates, values[SHARE_ASSET]);

    // What is moved of each asset. Amounts are below 2^56 by their fields, reserves and shares below 2^62 as they were
    // written.
    let amount = Wide::new(env.builder, env.ranges, values[AMOUNT]);
    let total = Wide::new(env.builder, env.ranges, pool.shares);
    // shares − 1 where shares are made: a pool without any would have no limbs for that.
    let rounding = env.builder.mul_sub(adds.target, pool.shares, adds.target);
    let rounding = Wide::new(env.builder, env.ranges, rounding);
    let paid_in = [values[AMOUNT], values[AMOUNT_1]];
    let moved: [Target; 2] = std::array::from_fn(|i| {
        let reserve = Wide::new(env.builder, env.ranges, pool.reserves[i]);
        let numerator = amount.mul(env.builder, &reserve);
        let numerator = numerator.add(env.builder, &rounding);
        let part = divide(env.builder, env.ranges, &numerator, &total, exists).quotient;
        // For a new pool the quotient of 0 / 0 is anything, and not used.
        let moved = env.select(creates, paid_in[i], part);
        env.ranges.range_check(env.builder, moved, TRANSFER_BITS);
        moved
    });

    // most − moved, or moved − least, in [0, 2^56): both are below 2^56.
    let direction = env.builder.sub(removes.target, adds.target);
    for (moved, limit) in [(moved[0], values[LIMIT_0]), (moved[1], values[LIMIT_1])] {
        let spare = env.builder.sub(moved, limit);
        let spare = env.builder.mul(direction, spare);
        env.ranges.range_check(env.builder, spare, TRANSFER_BITS);
    }

    // Shares made, or −shares burnt.
    let amount_1 = Wide::new(env.builder, env.ranges, values[AMOUNT_1]);
    let square = amount.mul(env.builder, &amount_1);
    let first_shares = square_root(env.builder, env.ranges, &square);
    let more = env.builder.mul(direction, values[AMOUNT]);
    let more = env.builder.sub(first_shares, more); // amount 1 is zero, and so the root, unless the pool is new

    // A gain of the signer's is a loss of the pool's.
    let sign = env.builder.sub(direction, creates.target);
    let gains = moved.map(|moved| env.builder.mul(sign, moved));
    let after = PoolTarget {
        reserves: [0, 1].map(|i| env.builder.sub(pool.reserves[i], gains[i])),
        shares: env.builder.add(pool.shares, more),
        assets: packed,
    };
    after.assert_reserves(env);
    after.assert_shares(env);
    // At least 1000 shares, and 1001 of a new pool; after.shares is below 2^62.
    let minimum = -F::from_canonical_u64(MINIMUM_SHARES);
    let others = env.builder.mul_const_add(minimum, active.target, after.shares);
    let others = env.builder.sub(others, creates.target);
    env.ranges.range_check(env.builder, others, BALANCE_BITS);
    let gained_shares = env.builder.mul_const_add(minimum, creates.target, more);

    let no = env.builder._false();
    let key = env.key(values[POOL], 0);
    let elements = after.to_cell(env);
    let entry = registered_target(env, zero, values[POOL], Origin::Shares, [zero; 4]);
    FormTargets {
        cells: vec![
            CellUpdate { enabled: active, key, elements, deleted: no },
            CellUpdate { enabled: creates, key: registry_key, elements: entry, deleted: no },
        ],
        users: vec![],
        moves: vec![
            MoveTarget { enabled: active, asset: values[ASSET_0], gain: gains[0] },
            MoveTarget { enabled: active, asset: values[ASSET_1], gain: gains[1] },
            MoveTarget { enabled: active, asset: values[SHARE_ASSET], gain: gained_shares },
        ],
        second: None,
    }
}
