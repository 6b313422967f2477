//! A split: its cells, native and in circuits.

use plonky2::field::types::{Field, PrimeField64};
use plonky2::iop::target::{BoolTarget, Target};

use crate::account::{AccountIndex, AssetId, Cell, CellKey, ACCOUNT_BITS, CELL_LEN};
use crate::amount::{Quanta, BALANCE_BITS};
use crate::contract::{CellTarget, FormEnvironment};
use crate::hash::F;

/// The kind of a split's account.
pub const SPLIT_KIND: u32 = 4;
/// How many holders a split can have.
pub const HOLDERS: usize = 16;
/// What the weights of a split come to.
pub const WHOLE_BPS: u64 = 10_000;
/// Bits of a weight.
pub const WEIGHT_BITS: usize = 16;
/// The first slot of holders; the next one is the other.
pub const HOLDERS_SLOT: u16 = 1;
/// The first slot of claims; the next one is the other.
pub const CLAIMS_SLOT: u16 = 3;

const ASSET: usize = 0;
const TOTAL: usize = 1;
const KIND: usize = 6;

const _: () = assert!(HOLDERS == 2 * CELL_LEN, "two cells of holders, and two of claims");
const _: () = assert!(WHOLE_BPS < 1 << WEIGHT_BITS);

/// What is in a split's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// The asset that it shares out.
    pub asset: AssetId,
    /// All that ever came in.
    pub total: Quanta,
}

impl Split {
    /// The split whose header a cell is, if it is one.
    pub fn from_cell(cell: &Cell) -> Option<Self> {
        let asset = u16::try_from(cell.0[ASSET].to_canonical_u64()).ok().and_then(AssetId::new)?;
        let split = Self { asset, total: Quanta::new(cell.0[TOTAL].to_canonical_u64())? };
        (split.to_cell() == *cell).then_some(split)
    }

    /// The header's cell.
    pub fn to_cell(&self) -> Cell {
        let mut cell = Cell::ABSENT;
        cell.0[ASSET] = F::from_canonical_u16(self.asset.get());
        cell.0[TOTAL] = F::from_canonical_u64(self.total.get());
        cell.0[KIND] = F::from_canonical_u32(SPLIT_KIND);
        cell
    }

    /// What of the total is the holder's of this weight.
    pub fn entitlement(&self, weight_bps: u64) -> u64 {
        let share = u128::from(self.total.get()) * u128::from(weight_bps) / u128::from(WHOLE_BPS);
        u64::try_from(share).expect("a weight is at most the whole")
    }
}

/// The key of one of the two cells from `first_slot` on.
pub fn slot_key(split: AccountIndex, first_slot: u16, second: bool) -> CellKey {
    split.balance_key(AssetId::new(first_slot + u16::from(second)).expect("below 2^12"))
}

/// A holder with a weight, as an element; zero for nobody.
pub fn share(holder: AccountIndex, weight_bps: u64) -> F {
    F::from_canonical_u64(u64::from(holder.get()) | weight_bps << ACCOUNT_BITS)
}

/// The weight in an element, if `holder` is its holder.
pub fn weight_of(share: F, holder: AccountIndex) -> Option<u64> {
    let share = share.to_canonical_u64();
    let weight_bps = share >> ACCOUNT_BITS;
    (share & ((1 << ACCOUNT_BITS) - 1) == u64::from(holder.get()) && weight_bps <= WHOLE_BPS).then_some(weight_bps)
}

/// The circuit twin of [`Split`].
#[derive(Clone, Copy, Debug)]
pub struct SplitTarget {
    /// The asset.
    pub asset: Target,
    /// All that ever came in.
    pub total: Target,
}

impl SplitTarget {
    /// The split whose header a cell is; if `enabled`, it is one. Elements are as wide as they were written.
    pub fn from_cell(env: &mut FormEnvironment<'_>, enabled: BoolTarget, cell: &CellTarget) -> Self {
        let kind = env.builder.constant(F::from_canonical_u32(SPLIT_KIND));
        env.assert_equal_if(enabled, cell.elements[KIND], kind);
        Self { asset: cell.elements[ASSET], total: cell.elements[TOTAL] }
    }

    /// The header's cell, with its total range-checked.
    pub fn to_cell(self, env: &mut FormEnvironment<'_>) -> [Target; CELL_LEN] {
        env.ranges.range_check(env.builder, self.total, BALANCE_BITS);
        let zero = env.builder.zero();
        let mut cell = [zero; CELL_LEN];
        cell[ASSET] = self.asset;
        cell[TOTAL] = self.total;
        cell[KIND] = env.builder.constant(F::from_canonical_u32(SPLIT_KIND));
        cell
    }
}

/// The circuit twin of [`share`]. The holder is below 2^24 by whoever calls.
pub fn share_target(env: &mut FormEnvironment<'_>, holder: Target, weight_bps: Target) -> Target {
    env.builder.mul_const_add(F::from_canonical_u64(1 << ACCOUNT_BITS), weight_bps, holder)
}

/// The circuit twin of [`weight_of`]: `holder`, who is below 2^24, is the element's.
///
/// It was written as h + 2^24 · w with h < 2^24 and w < 2^16. With `holder` taken off, what is left is 2^24 times a number
/// of 16 bits only if holder = h.
pub fn weight_target(env: &mut FormEnvironment<'_>, share: Target, holder: Target) -> Target {
    let rest = env.builder.sub(share, holder);
    let weight_bps = env.builder.mul_const(F::from_canonical_u64(1 << ACCOUNT_BITS).inverse(), rest);
    env.ranges.range_check(env.builder, weight_bps, WEIGHT_BITS);
    weight_bps
}
