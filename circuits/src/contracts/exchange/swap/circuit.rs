//! The parts of a swap in circuits that routes share.

use anyhow::Result;
use plonky2::field::types::{Field, PrimeField64};
use plonky2::iop::generator::{GeneratedValues, SimpleGenerator};
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::iop::witness::{PartitionWitness, Witness, WitnessWrite};
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::util::serialization::{Buffer, IoResult, Read, Write};

use super::{PoolTarget, KEPT_PARTS, PARTS};
use crate::account::SLOT_BITS;
use crate::amount::BALANCE_BITS;
use crate::contract::wide::{divide, Wide};
use crate::contract::FormEnvironment;
use crate::hash::{D, F};

/// If active, the pool holds these two assets; returns whether the second of its reserves takes what comes in.
///
/// Both sides are tried by a hint: a prover who says the wrong one finds that the packed assets differ, as a pool's
/// assets do. They hold the share asset too, which is whatever is left, in 12 bits: so all three are as in the pool.
pub fn side_target(
    env: &mut FormEnvironment<'_>,
    pool: &PoolTarget,
    asset_in: Target,
    asset_out: Target,
) -> BoolTarget {
    let reversed = env.builder.add_virtual_bool_target_safe();
    env.builder.add_simple_generator(SideGenerator { assets: pool.assets, asset_in, reversed: reversed.target });
    let share_asset = env.builder.add_virtual_target();
    env.builder.add_simple_generator(ShareGenerator { assets: pool.assets, share_asset });
    env.ranges.range_check(env.builder, share_asset, SLOT_BITS);

    let asset_0 = env.select(reversed, asset_out, asset_in);
    let both = env.builder.add(asset_in, asset_out);
    let asset_1 = env.builder.sub(both, asset_0);
    let packed = PoolTarget::pack_assets(env, asset_0, asset_1, share_asset);
    // In a slot without a call the cell is zero.
    let expected = env.builder.mul(env.active.target, packed);
    env.builder.connect(expected, pool.assets);
    reversed
}

/// What comes out for `amount_in`, and the pool afterwards. `reversed` says that the second reserve takes it.
///
/// `amount_in` is below 2^56 and the reserves below 2^62, by the ranges of the call's fields (or, for the second pool of
/// a route, of the amount between) and of what was written.
pub fn swap_target(
    env: &mut FormEnvironment<'_>,
    pool: &PoolTarget,
    reversed: BoolTarget,
    amount_in: Target,
) -> (Target, PoolTarget) {
    let [reserve_0, reserve_1] = pool.reserves;
    let reserve_in = env.select(reversed, reserve_1, reserve_0);
    // reserve 0 + reserve 1 does not wrap: both are below 2^62
    let both = env.builder.add(reserve_0, reserve_1);
    let reserve_out = env.builder.sub(both, reserve_in);

    let [wide_in, wide_reserve_in, wide_reserve_out] =
        [amount_in, reserve_in, reserve_out].map(|value| Wide::new(env.builder, env.ranges, value));
    let kept = wide_in.scale(env.builder, KEPT_PARTS);
    let numerator = kept.mul(env.builder, &wide_reserve_out);
    let denominator = wide_reserve_in.scale(env.builder, PARTS);
    let denominator = denominator.add(env.builder, &kept);
    let out = divide(env.builder, env.ranges, &numerator, &denominator, env.active).quotient;
    // out ≥ 1: as an element, 0 − 1 is out of range
    let above = env.builder.sub(out, env.active.target);
    env.ranges.range_check(env.builder, above, BALANCE_BITS);

    let after_in = env.builder.add(reserve_in, amount_in);
    let after_out = env.builder.sub(reserve_out, out);
    let after_0 = env.select(reversed, after_out, after_in);
    let both = env.builder.add(after_in, after_out);
    let after_1 = env.builder.sub(both, after_0);
    let after = PoolTarget { reserves: [after_0, after_1], ..*pool };
    after.assert_reserves(env);
    (out, after)
}

/// Finds which of the pool's assets comes in.
#[derive(Clone, Debug, Default)]
pub(crate) struct SideGenerator {
    assets: Target,
    asset_in: Target,
    reversed: Target,
}

impl SimpleGenerator<F, D> for SideGenerator {
    fn id(&self) -> String {
        "sheaf.SideGenerator".to_string()
    }

    fn dependencies(&self) -> Vec<Target> {
        vec![self.assets, self.asset_in]
    }

    fn run_once(&self, witness: &PartitionWitness<F>, out: &mut GeneratedValues<F>) -> Result<()> {
        let asset_0 = witness.get_target(self.assets).to_canonical_u64() & ((1 << SLOT_BITS) - 1);
        let asset_in = witness.get_target(self.asset_in).to_canonical_u64();
        out.set_target(self.reversed, F::from_bool(asset_0 != asset_in))
    }

    fn serialize(&self, dst: &mut Vec<u8>, _: &CommonCircuitData<F, D>) -> IoResult<()> {
        [self.assets, self.asset_in, self.reversed].into_iter().try_for_each(|target| dst.write_target(target))
    }

    fn deserialize(src: &mut Buffer, _: &CommonCircuitData<F, D>) -> IoResult<Self> {
        Ok(Self { assets: src.read_target()?, asset_in: src.read_target()?, reversed: src.read_target()? })
    }
}

/// Finds the share asset among the pool's packed assets.
#[derive(Clone, Debug, Default)]
pub(crate) struct ShareGenerator {
    assets: Target,
    share_asset: Target,
}

impl SimpleGenerator<F, D> for ShareGenerator {
    fn id(&self) -> String {
        "sheaf.ShareGenerator".to_string()
    }

    fn dependencies(&self) -> Vec<Target> {
        vec![self.assets]
    }

    fn run_once(&self, witness: &PartitionWitness<F>, out: &mut GeneratedValues<F>) -> Result<()> {
        let assets = witness.get_target(self.assets).to_canonical_u64();
        out.set_target(self.share_asset, F::from_canonical_u64(assets >> (2 * SLOT_BITS) & 0xfff))
    }

    fn serialize(&self, dst: &mut Vec<u8>, _: &CommonCircuitData<F, D>) -> IoResult<()> {
        dst.write_target(self.assets)?;
        dst.write_target(self.share_asset)
    }

    fn deserialize(src: &mut Buffer, _: &CommonCircuitData<F, D>) -> IoResult<Self> {
        Ok(Self { assets: src.read_target()?, share_asset: src.read_target()? })
    }
}
