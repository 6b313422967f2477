//! What a form's circuit is given, and what it gives back. The slot around it is [`crate::chunk`]'s.

use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::{BoolTarget, Target};

use crate::account::{CELL_LEN, SLOT_BITS};
use crate::context::CONTEXT_FIELD_BITS;
use crate::gates::range::RangeChecker;
use crate::hash::circuit::Builder;
use crate::hash::F;

/// What a form's circuit is given.
pub struct FormEnvironment<'a> {
    /// The circuit.
    pub builder: &'a mut Builder,
    /// Its range checks: lanes of 12, 16, 19, 21, 24, 32, 37, 56 and 62 bits.
    pub ranges: &'a mut RangeChecker,
    /// For each kind of the form, whether the call is of it. Boolean, and at most one is 1.
    pub kinds: &'a [BoolTarget],
    /// The sum of `kinds`: 0 where the slot holds nothing. All other values can then be zero, which must satisfy the
    /// form's constraints.
    pub active: BoolTarget,
    /// The account that signs, below 2^24.
    pub account: Target,
    /// The nonce that the call was signed with: the account's before it.
    pub nonce: Target,
    /// The values of the fields. Each has its width, a digest is canonical, and what a kind does not use is zero.
    pub values: &'a [Target],
    /// The contract's cells before the call.
    pub cells: &'a [CellTarget],
    /// The batch's number, below 2^32.
    pub batch_number: Target,
    /// The batch's timestamp in seconds, below 2^56.
    pub timestamp_s: Target,
    /// The domain's digest.
    pub domain: HashOutTarget,
}

/// A cell that a call finds.
#[derive(Clone, Copy, Debug)]
pub struct CellTarget {
    /// Its elements. What they can be follows from what the contract writes: a cell that is read has a digest that some
    /// write made. All zero if absent.
    pub elements: [Target; CELL_LEN],
    /// Whether it is absent; constant 0 unless the form declares that it can be.
    pub absent: BoolTarget,
}

/// What becomes of a cell.
#[derive(Clone, Copy, Debug)]
pub struct CellUpdate {
    /// Whether the call touches it. Boolean.
    pub enabled: BoolTarget,
    /// Its key, below 2^36 whether or not it is touched, in an account of the contract.
    pub key: Target,
    /// Its elements afterwards: not all zero, unless `deleted`. Amounts among them are range-checked by the form.
    pub elements: [Target; CELL_LEN],
    /// Whether it is absent afterwards. Boolean.
    pub deleted: BoolTarget,
}

/// A user other than the signer.
#[derive(Clone, Copy, Debug)]
pub struct UserTarget {
    /// Whether the call touches it. Boolean.
    pub enabled: BoolTarget,
    /// Its account, below 2^24 whether or not it is touched.
    pub account: Target,
}

/// A balance that is moved.
#[derive(Clone, Copy, Debug)]
pub struct MoveTarget {
    /// Whether it is. Boolean; a user's is moved only if the call touches the user.
    pub enabled: BoolTarget,
    /// The asset, below 2^12 whether or not it is moved.
    pub asset: Target,
    /// What the balance gains; −x for what it loses. The balance afterwards is range-checked, so |gain| < 2^62 makes it
    /// right.
    pub gain: Target,
}

/// The second signature, of a form with [`super::SecondSigner::Contract`].
#[derive(Clone, Copy, Debug)]
pub struct SecondTarget {
    /// Whether it is due. Boolean.
    pub due: BoolTarget,
    /// What it signs.
    pub message: HashOutTarget,
    /// The hash of its key.
    pub key_hash: HashOutTarget,
}

/// What a form's circuit gives back: its places and effects, position by position as its declaration has them.
#[derive(Clone, Debug, Default)]
pub struct FormTargets {
    /// The contract's cells.
    pub cells: Vec<CellUpdate>,
    /// Other users.
    pub users: Vec<UserTarget>,
    /// The balances that are moved.
    pub moves: Vec<MoveTarget>,
    /// The second signature, if the contract says what it signs.
    pub second: Option<SecondTarget>,
}

impl FormEnvironment<'_> {
    /// account · 2^12 + slot
    pub fn key(&mut self, account: Target, slot: u64) -> Target {
        let header = self.builder.mul_const(F::from_canonical_u64(1 << SLOT_BITS), account);
        match slot {
            0 => header,
            _ => self.builder.add_const(header, F::from_canonical_u64(slot)),
        }
    }

    /// If `flag`, then `account` > 2^23: it is a contract's to take. `account` is below 2^24 by its range.
    pub fn assert_contract_account(&mut self, flag: BoolTarget, account: Target) {
        // account − flag · first in [0, 2^24)
        let first = -F::from_canonical_u32(super::FIRST_CONTRACT);
        let rest = self.builder.mul_const_add(first, flag.target, account);
        self.ranges.range_check(self.builder, rest, crate::account::ACCOUNT_BITS);
    }

    /// If there is a call, the batch is not after `deadline_s`, which is below 2^56 as the timestamp is.
    pub fn assert_not_over(&mut self, deadline_s: Target) {
        let time_left = self.builder.sub(deadline_s, self.timestamp_s);
        let time_left = self.builder.mul(self.active.target, time_left);
        self.ranges.range_check(self.builder, time_left, CONTEXT_FIELD_BITS);
    }

    /// flag ⇒ a = b
    pub fn assert_equal_if(&mut self, flag: BoolTarget, a: Target, b: Target) {
        let difference = self.builder.sub(a, b);
        let product = self.builder.mul(flag.target, difference);
        self.builder.assert_zero(product);
    }

    /// `yes` if `flag`, else `no`.
    pub fn select(&mut self, flag: BoolTarget, yes: Target, no: Target) -> Target {
        self.builder.select(flag, yes, no)
    }

    /// A digest from the eight values at `position`.
    pub fn digest(&mut self, position: usize) -> HashOutTarget {
        let shift = F::from_canonical_u64(1 << 32);
        let values = self.values;
        let elements = std::array::from_fn(|i| {
            self.builder.mul_const_add(shift, values[position + 2 * i], values[position + 2 * i + 1])
        });
        HashOutTarget { elements }
    }
}
