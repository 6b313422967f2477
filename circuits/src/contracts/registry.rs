//! The registry of assets that are made on L2: which number is taken, and by what.
//!
//! ```text
//!   account 2^23, slot a      asset a, from 2048 on       (supply, account, origin, 0, name hash[4])
//! ```
//!
//! Numbers below 2048 are the L1 contract's to give out. The registry has no header, and no call or transfer forms keys
//! in its account but those of the contracts that register: so its cells need no further check of whose they are.

use plonky2::field::types::Field;
use plonky2::iop::target::{BoolTarget, Target};

use crate::account::{AccountIndex, AssetId, Cell, CellKey, CELL_LEN, SLOT_BITS};
use crate::amount::Quanta;
use crate::contract::{FormEnvironment, REGISTRY};
use crate::hash::{Digest, F};

/// The first number of assets made on L2.
pub const FIRST_CREATED_ASSET: u16 = 1 << 11;

/// What made an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Origin {
    /// A user, with a fixed supply.
    Created = 1,
    /// A pool, whose shares it is; the supply is in the pool.
    Shares = 2,
}

/// The registry's cell for `asset`.
pub fn registry_key(asset: AssetId) -> CellKey {
    AccountIndex::new(REGISTRY).expect("24 bits").balance_key(asset)
}

/// The content of the registry's cell: `by` is who created the asset, or the pool.
pub fn registered(supply: Quanta, by: AccountIndex, origin: Origin, name_hash: Digest) -> Cell {
    let mut cell = Cell::ABSENT;
    cell.0[0] = F::from_canonical_u64(supply.get());
    cell.0[1] = F::from_canonical_u32(by.get());
    cell.0[2] = F::from_canonical_u32(origin as u32);
    cell.0[4..].copy_from_slice(&name_hash.0);
    cell
}

/// The circuit twin of [`registry_key`]; if `enabled`, the asset is one that L2 can make. `asset` is below 2^12.
pub fn registry_key_target(env: &mut FormEnvironment<'_>, enabled: BoolTarget, asset: Target) -> Target {
    // asset − enabled · 2^11 in [0, 2^12)
    let first = -F::from_canonical_u16(FIRST_CREATED_ASSET);
    let rest = env.builder.mul_const_add(first, enabled.target, asset);
    env.ranges.range_check(env.builder, rest, SLOT_BITS);
    env.builder.add_const(asset, F::from_canonical_u64(u64::from(REGISTRY) << SLOT_BITS))
}

/// The circuit twin of [`registered`].
pub fn registered_target(
    env: &mut FormEnvironment<'_>,
    supply: Target,
    by: Target,
    origin: Origin,
    name_hash: [Target; 4],
) -> [Target; CELL_LEN] {
    let zero = env.builder.zero();
    let origin = env.builder.constant(F::from_canonical_u32(origin as u32));
    let [h0, h1, h2, h3] = name_hash;
    [supply, by, origin, zero, h0, h1, h2, h3]
}
