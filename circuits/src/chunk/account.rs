//! The circuit twins of a user's [`Header`](crate::account::Header) and of a slot with a balance.

use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::iop::witness::{PartialWitness, WitnessWrite};

use crate::account::{AccountKind, Cell, Header, CELL_LEN};
use crate::hash::circuit::{hash_cell, Builder};
use crate::hash::F;

/// The header of a user account: kind 1 and the zero at the end are constants, so only such a header has its digest.
#[derive(Clone, Copy, Debug)]
pub struct HeaderTarget {
    /// Hash of the public key.
    pub key_hash: [Target; 4],
    /// The next nonce.
    pub nonce: Target,
    /// The balance of asset 0.
    pub balance: Target,
}

impl HeaderTarget {
    /// A header that the prover picks.
    pub fn new(builder: &mut Builder) -> Self {
        Self {
            key_hash: builder.add_virtual_target_arr(),
            nonce: builder.add_virtual_target(),
            balance: builder.add_virtual_target(),
        }
    }

    /// H of the cell. One row.
    pub fn digest(&self, builder: &mut Builder) -> HashOutTarget {
        let [k0, k1, k2, k3] = self.key_hash;
        let kind = builder.constant(F::from_canonical_u32(AccountKind::USER.0));
        let zero = builder.zero();
        hash_cell(builder, [k0, k1, k2, k3, self.nonce, self.balance, kind, zero])
    }

    /// If `flag`, every element that is not a constant is zero: what is read of an account that does not exist.
    pub fn absent_if(&self, builder: &mut Builder, flag: BoolTarget) {
        for element in self.key_hash.into_iter().chain([self.nonce, self.balance]) {
            let product = builder.mul(flag.target, element);
            builder.assert_zero(product);
        }
    }

    /// Sets what the prover picks from the header's cell.
    pub fn set(&self, witness: &mut PartialWitness<F>, cell: &Cell) -> anyhow::Result<()> {
        witness.set_target_arr(&self.key_hash, &cell.0[Header::KEY_HASH..Header::NONCE])?;
        witness.set_target(self.nonce, cell.0[Header::NONCE])?;
        witness.set_target(self.balance, cell.0[Header::BALANCE])
    }
}

/// The balance in a user account's slot.
#[derive(Clone, Copy, Debug)]
pub struct SlotBalanceTarget {
    /// The balance.
    pub balance: Target,
}

impl SlotBalanceTarget {
    /// A balance that the prover picks. Any element: what is read has a digest that some write made, and what is
    /// written is range-checked where it is computed.
    pub fn new(builder: &mut Builder) -> Self {
        Self { balance: builder.add_virtual_target() }
    }

    /// The balance after `gained`, which can be negative.
    pub fn add(&self, builder: &mut Builder, gained: Target) -> Self {
        Self { balance: builder.add(self.balance, gained) }
    }

    /// H of (balance, 0…), or 0000 for a balance of zero: one content, one digest. `is_equal` has both polarities.
    pub fn digest(&self, builder: &mut Builder) -> HashOutTarget {
        let zero = builder.zero();
        let mut cell = [zero; CELL_LEN];
        cell[0] = self.balance;
        let digest = hash_cell(builder, cell);
        let is_absent = builder.is_equal(self.balance, zero);
        let elements = digest.elements.map(|e| builder.arithmetic(F::NEG_ONE, F::ONE, is_absent.target, e, e));
        HashOutTarget { elements }
    }

    /// Sets what the prover picks.
    pub fn set(&self, witness: &mut PartialWitness<F>, balance: F) -> anyhow::Result<()> {
        witness.set_target(self.balance, balance)
    }
}
