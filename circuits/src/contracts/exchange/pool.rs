//! A pool: its cell, native and in circuits.

use plonky2::field::types::{Field, PrimeField64};
use plonky2::iop::target::{BoolTarget, Target};

use crate::account::{AssetId, Cell, CELL_LEN};
use crate::amount::{Quanta, BALANCE_BITS};
use crate::contract::{CellTarget, FormEnvironment};
use crate::hash::F;

/// The kind of a pool's account.
pub const POOL_KIND: u32 = 2;

const RESERVE_0: usize = 0;
const RESERVE_1: usize = 1;
const SHARES: usize = 2;
const ASSETS: usize = 3;
const KIND: usize = 6;
const UNUSED: [usize; 3] = [4, 5, 7];
const ASSET_BITS: usize = 12;

/// What a pool holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// The two assets, the smaller one first.
    pub assets: [AssetId; 2],
    /// How much of each.
    pub reserves: [Quanta; 2],
    /// The asset that shares of the pool are.
    pub share_asset: AssetId,
    /// How many shares there are, the locked ones included.
    pub shares: Quanta,
}

impl Pool {
    /// The pool in a cell, if it holds one.
    pub fn from_cell(cell: &Cell) -> Option<Self> {
        let element = |i: usize| cell.0[i].to_canonical_u64();
        let asset = |i: usize| AssetId::new((element(ASSETS) >> (ASSET_BITS * i)) as u16 & 0xfff);
        let pool = Self {
            assets: [asset(0)?, asset(1)?],
            reserves: [Quanta::new(element(RESERVE_0))?, Quanta::new(element(RESERVE_1))?],
            share_asset: asset(2)?,
            shares: Quanta::new(element(SHARES))?,
        };
        (pool.to_cell() == *cell).then_some(pool)
    }

    /// Whether these are its assets, in either order.
    pub fn holds(&self, one: AssetId, other: AssetId) -> bool {
        self.assets == [one, other] || self.assets == [other, one]
    }

    /// The pool's cell.
    pub fn to_cell(&self) -> Cell {
        let [asset_0, asset_1] = self.assets.map(|asset| u64::from(asset.get()));
        let share_asset = u64::from(self.share_asset.get());
        let mut cell = Cell::ABSENT;
        cell.0[RESERVE_0] = F::from_canonical_u64(self.reserves[0].get());
        cell.0[RESERVE_1] = F::from_canonical_u64(self.reserves[1].get());
        cell.0[SHARES] = F::from_canonical_u64(self.shares.get());
        cell.0[ASSETS] = F::from_canonical_u64(asset_0 | asset_1 << ASSET_BITS | share_asset << (2 * ASSET_BITS));
        cell.0[KIND] = F::from_canonical_u32(POOL_KIND);
        cell
    }
}

/// The circuit twin of [`Pool`].
#[derive(Clone, Copy, Debug)]
pub struct PoolTarget {
    /// How much of each asset.
    pub reserves: [Target; 2],
    /// How many shares.
    pub shares: Target,
    /// The three assets, packed.
    pub assets: Target,
}

impl PoolTarget {
    /// The pool in a cell: if `enabled`, the cell holds one. If not, what [`Pool::to_cell`] writes as a constant is
    /// zero in it, as in an absent cell and in a slot without a call. Amounts are as wide, and assets are three of 12
    /// bits, as they were written: a header of this kind is a pool's, as users' have another.
    pub fn from_cell(env: &mut FormEnvironment<'_>, enabled: BoolTarget, cell: &CellTarget) -> Self {
        let zero = env.builder.zero();
        let kind = env.builder.mul_const(F::from_canonical_u32(POOL_KIND), enabled.target);
        env.builder.connect(cell.elements[KIND], kind);
        for unused in UNUSED {
            env.builder.connect(cell.elements[unused], zero);
        }
        Self {
            reserves: [cell.elements[RESERVE_0], cell.elements[RESERVE_1]],
            shares: cell.elements[SHARES],
            assets: cell.elements[ASSETS],
        }
    }

    /// The three assets as one element.
    pub fn pack_assets(env: &mut FormEnvironment<'_>, asset_0: Target, asset_1: Target, share_asset: Target) -> Target {
        let shift = F::from_canonical_u64(1 << ASSET_BITS);
        let upper = env.builder.mul_const_add(shift, share_asset, asset_1);
        env.builder.mul_const_add(shift, upper, asset_0)
    }

    /// Constrains both reserves to be amounts.
    pub fn assert_reserves(&self, env: &mut FormEnvironment<'_>) {
        for reserve in self.reserves {
            env.ranges.range_check(env.builder, reserve, BALANCE_BITS);
        }
    }

    /// Constrains the number of shares to be an amount.
    pub fn assert_shares(&self, env: &mut FormEnvironment<'_>) {
        env.ranges.range_check(env.builder, self.shares, BALANCE_BITS);
    }

    /// The pool's cell. Whoever changed an amount has constrained it.
    pub fn to_cell(self, env: &mut FormEnvironment<'_>) -> [Target; CELL_LEN] {
        let zero = env.builder.zero();
        let kind = env.builder.constant(F::from_canonical_u32(POOL_KIND));
        let mut cell = [zero; CELL_LEN];
        cell[RESERVE_0] = self.reserves[0];
        cell[RESERVE_1] = self.reserves[1];
        cell[SHARES] = self.shares;
        cell[ASSETS] = self.assets;
        cell[KIND] = kind;
        cell
    }
}
