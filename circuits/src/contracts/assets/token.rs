//! A token: its cell, native and in circuits.

use plonky2::field::types::{Field, PrimeField64};
use plonky2::iop::target::{BoolTarget, Target};

use crate::account::{AccountIndex, Cell, ACCOUNT_BITS, CELL_LEN};
use crate::contract::{CellTarget, FormEnvironment};
use crate::hash::{Digest, F};

/// The kind of a token's account.
pub const TOKEN_KIND: u32 = 3;
/// The parts of a whole that a royalty is counted in.
pub const BASIS_POINTS: u64 = 10_000;
/// The largest royalty: half of the price. A seller gets at least the other half, so no token is made that nobody would
/// ever sell, and 100 taken for percent is refused.
pub const MAX_ROYALTY_BPS: u64 = 5_000;
/// Bits of a royalty.
pub const ROYALTY_BITS: usize = 16;

const NAME_HASH: usize = 0;
const OWNER: usize = 4;
const CREATOR: usize = 5;
const KIND: usize = 6;

const _: () = assert!(MAX_ROYALTY_BPS < 1 << ROYALTY_BITS && MAX_ROYALTY_BPS <= BASIS_POINTS);

/// One thing, and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub name_hash: Digest,
    /// Whose it is.
    pub owner: AccountIndex,
    /// Who made it, and is paid a royalty of every sale.
    pub creator: AccountIndex,
    /// The royalty, in 10 000th parts of the price.
    pub royalty_bps: u64,
}

impl Token {
    /// The token in a cell, if it holds one.
    pub fn from_cell(cell: &Cell) -> Option<Self> {
        let account = |element: u64| u32::try_from(element).ok().and_then(AccountIndex::new);
        let packed = cell.0[CREATOR].to_canonical_u64();
        let token = Self {
            name_hash: Digest([cell.0[0], cell.0[1], cell.0[2], cell.0[3]]),
            owner: account(cell.0[OWNER].to_canonical_u64())?,
            creator: account(packed & ((1 << ACCOUNT_BITS) - 1))?,
            royalty_bps: packed >> ACCOUNT_BITS,
        };
        (token.royalty_bps <= MAX_ROYALTY_BPS && token.to_cell() == *cell).then_some(token)
    }

    /// The token's cell.
    pub fn to_cell(&self) -> Cell {
        let creator = u64::from(self.creator.get()) | self.royalty_bps << ACCOUNT_BITS;
        let mut cell = Cell::ABSENT;
        cell.0[NAME_HASH..OWNER].copy_from_slice(&self.name_hash.0);
        cell.0[OWNER] = F::from_canonical_u32(self.owner.get());
        cell.0[CREATOR] = F::from_canonical_u64(creator);
        cell.0[KIND] = F::from_canonical_u32(TOKEN_KIND);
        cell
    }
}

/// The circuit twin of [`Token`].
#[derive(Clone, Copy, Debug)]
pub struct TokenTarget {
    /// What it is.
    pub name_hash: [Target; 4],
    /// Whose it is.
    pub owner: Target,
    /// Who made it.
    pub creator: Target,
    /// The royalty.
    pub royalty_bps: Target,
}

impl TokenTarget {
    /// The token in a cell, made by `creator`, who is below 2^24; if `enabled`, the cell holds one.
    ///
    /// The cell has c + 2^24 · r with c < 2^24 and r < 2^16, as it was written. With `creator` taken off, what is left is
    /// 2^24 times a number of 16 bits only if creator = c. If the cell is not accessed, it is whatever the prover says.
    pub fn from_cell(env: &mut FormEnvironment<'_>, enabled: BoolTarget, cell: &CellTarget, creator: Target) -> Self {
        let kind = env.builder.constant(F::from_canonical_u32(TOKEN_KIND));
        env.assert_equal_if(enabled, cell.elements[KIND], kind);
        let royalty = env.builder.sub(cell.elements[CREATOR], creator);
        let royalty_bps = env.builder.mul_const(F::from_canonical_u64(1 << ACCOUNT_BITS).inverse(), royalty);
        env.ranges.range_check(env.builder, royalty_bps, ROYALTY_BITS);
        let [h0, h1, h2, h3, ..] = cell.elements;
        Self { name_hash: [h0, h1, h2, h3], owner: cell.elements[OWNER], creator, royalty_bps }
    }

    /// The token's cell. Owner and creator are below 2^24 and the royalty below 2^16 by whoever calls.
    pub fn to_cell(self, env: &mut FormEnvironment<'_>) -> [Target; CELL_LEN] {
        let zero = env.builder.zero();
        let kind = env.builder.constant(F::from_canonical_u32(TOKEN_KIND));
        let shift = F::from_canonical_u64(1 << ACCOUNT_BITS);
        let creator = env.builder.mul_const_add(shift, self.royalty_bps, self.creator);
        let [h0, h1, h2, h3] = self.name_hash;
        [h0, h1, h2, h3, self.owner, creator, kind, zero]
    }
}
