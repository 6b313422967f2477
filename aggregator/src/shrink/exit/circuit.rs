//! The circuit twin of [`ExitOpening::exit`], and the layer over F that proves it.
//!
//! | from | what | checked |
//! | --- | --- | --- |
//! | witness | account, asset | split into 24 and 12 bits, which the paths follow |
//! | witness | header, siblings | with kind 1 and 0 at the end, the header is under the root that is said |
//! | witness | slot, siblings | unless the asset is 0, (balance, 0…) is under the slots root that the header stands beside |
//! | | amount | the header's balance for asset 0, else the slot's; below 2^62; not zero |
//! | witness | domain | nothing: see *Widths* in the module above |
//! | | all other values | 0, a constant |
//!
//! For asset 0 the slot and its siblings are free, and nothing reads them. The root is computed, not chosen: who says that of a
//! state has its cells, or a collision of H. Cells and nodes are hashed alike, but each stands at a depth that the
//! circuit fixes, so none can be taken for another.

use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::{BoolTarget, Target};
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_data::CircuitData;
use sheaf_circuits::account::{ACCOUNT_BITS, SLOT_BITS};
use sheaf_circuits::amount::BALANCE_BITS;
use sheaf_circuits::chunk::{HeaderTarget, SlotBalanceTarget};
use sheaf_circuits::context::{Context, Domain};
use sheaf_circuits::hash::circuit::{hash_node, Builder};
use sheaf_circuits::hash::{C, D, DIGEST_LEN, F};
use sheaf_circuits::security::Role;

use super::ExitOpening;
use crate::proof::ChunkProof;
use crate::shrink::frame::{self, Framed};
use crate::shrink::shelf::Shelf;
use crate::shrink::values::Parts;
use crate::shrink::BuildError;

/// The version of the statement, part of the circuit's domain separator.
const EXIT: &str = "exit 1";

/// The targets that take a witness.
pub(in crate::shrink) struct ExitTarget {
    pub domain: [Target; Domain::LEN],
    pub account: Target,
    pub asset: Target,
    header: HeaderTarget,
    slots_root: HashOutTarget,
    accounts: [HashOutTarget; ACCOUNT_BITS],
    slot: SlotBalanceTarget,
    slots: [HashOutTarget; SLOT_BITS],
}

impl ExitTarget {
    /// Adds the statement to `builder`, and what it says as public inputs.
    pub fn new(builder: &mut Builder) -> Self {
        let target = Self {
            domain: builder.add_virtual_target_arr(),
            account: builder.add_virtual_target(),
            asset: builder.add_virtual_target(),
            header: HeaderTarget::new(builder),
            slots_root: builder.add_virtual_hash(),
            accounts: std::array::from_fn(|_| builder.add_virtual_hash()),
            slot: SlotBalanceTarget::new(builder),
            slots: std::array::from_fn(|_| builder.add_virtual_hash()),
        };
        let zero = builder.zero();
        let is_gas = builder.is_equal(target.asset, zero);
        let amount = target.amount(builder, is_gas);
        let root = target.header_root(builder);
        target.open_slot(builder, is_gas);

        let mut context = [zero; Context::LEN];
        context[..Domain::LEN].copy_from_slice(&target.domain);
        context[Context::OPERATOR] = target.account;
        context[Context::TIMESTAMP] = target.asset;
        let parts = Parts {
            context,
            pre_root: root.elements,
            post_root: [zero; DIGEST_LEN],
            da_commit: [zero; DIGEST_LEN],
            z: [amount, zero],
            l1: [zero; D],
            l2: [zero; D],
        };
        builder.register_public_inputs(&parts.in_order());
        target
    }

    /// The balance in the place that the asset has.
    fn amount(&self, builder: &mut Builder, is_gas: BoolTarget) -> Target {
        let amount = builder.select(is_gas, self.header.balance, self.slot.balance);
        builder.range_check(amount, BALANCE_BITS);
        let zero = builder.zero();
        let is_nothing = builder.is_equal(amount, zero);
        builder.assert_zero(is_nothing.target);
        amount
    }

    /// The root over the header.
    fn header_root(&self, builder: &mut Builder) -> HashOutTarget {
        let header = self.header.digest(builder);
        let left = builder._false();
        let node = hash_node(builder, header, self.slots_root, left);
        let bits = builder.split_le(self.account, ACCOUNT_BITS);
        climb(builder, node, &bits, &self.accounts)
    }

    /// The slot is beside the header, unless there is none.
    fn open_slot(&self, builder: &mut Builder, is_gas: BoolTarget) {
        let slot = self.slot.digest(builder);
        let bits = builder.split_le(self.asset, SLOT_BITS);
        let slots_root = climb(builder, slot, &bits, &self.slots);
        for (got, expected) in slots_root.elements.into_iter().zip(self.slots_root.elements) {
            // (1 − is_gas) · (got − expected) = 0
            let difference = builder.sub(got, expected);
            let wrong = builder.mul_sub(is_gas.target, difference, difference);
            builder.assert_zero(wrong);
        }
    }

    /// What the prover picks. The slot's other elements and the header's kind are not among it.
    pub fn witness(&self, opening: &ExitOpening, domain: &Domain) -> Result<PartialWitness<F>, String> {
        let ExitOpening { account, asset, header, path, slot, slots } = opening;
        let set = |witness: &mut PartialWitness<F>| {
            witness.set_target_arr(&self.domain, &domain.elements())?;
            witness.set_target(self.account, F::from_canonical_u32(account.get()))?;
            witness.set_target(self.asset, F::from_canonical_u16(asset.get()))?;
            self.header.set(witness, header)?;
            self.slot.set(witness, slot.0[0])?;
            let siblings = self.accounts.iter().zip(&path.accounts).chain(self.slots.iter().zip(slots));
            siblings
                .chain([(&self.slots_root, &path.slots_root)])
                .try_for_each(|(target, &digest)| witness.set_hash_target(*target, digest.into()))
        };
        let mut witness = PartialWitness::new();
        set(&mut witness).map_err(|error| error.to_string())?;
        Ok(witness)
    }
}

/// The node that `bits`, from the leaf up, lead to.
fn climb(builder: &mut Builder, leaf: HashOutTarget, bits: &[BoolTarget], siblings: &[HashOutTarget]) -> HashOutTarget {
    bits.iter().zip(siblings).fold(leaf, |node, (&bit, &sibling)| hash_node(builder, node, sibling, bit))
}

/// *exit*, ready to prove.
pub(super) struct ExitLayer {
    pub data: CircuitData<F, C, D>,
    pub rows: usize,
    target: ExitTarget,
}

impl ExitLayer {
    /// Builds it in the frame of the last squeeze, which has the gates of a verifier.
    pub fn build() -> Result<Self, BuildError> {
        let Framed { data, rows, target } = frame::build(Role::Squeeze3, EXIT, &Shelf::default(), add_framed)?;
        Ok(Self { data, rows, target })
    }

    /// Proves the statement. What it says should be checked before: when it is not true, the error names a wire.
    pub fn prove(&self, opening: &ExitOpening, domain: &Domain) -> Result<ChunkProof, String> {
        let witness = self.target.witness(opening, domain)?;
        self.data.prove(witness).map_err(|error| error.to_string())
    }
}

/// The statement, with the gates that it lacks to look like the last squeeze.
pub(in crate::shrink) fn add_framed(builder: &mut Builder) -> ExitTarget {
    frame::add_verifier_gates(builder);
    ExitTarget::new(builder)
}
