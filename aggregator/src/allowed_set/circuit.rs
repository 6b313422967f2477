//! The circuit twin: a witness that a circuit is in the set.

use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::hash::merkle_proofs::MerkleProofTarget;
use plonky2::hash::poseidon::PoseidonHash;
use plonky2::iop::target::BoolTarget;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::VerifierCircuitTarget;

use super::*;

/// Where in the set a circuit is: its index in bits, lowest first, and its path.
#[derive(Clone, Debug)]
pub struct MembershipTarget {
    index_bits: Vec<BoolTarget>,
    siblings: Vec<HashOutTarget>,
}

impl MembershipTarget {
    /// Constrains `circuit` to be in the set with this root. The index is the prover's choice: any member will do.
    pub fn new(builder: &mut CircuitBuilder<F, D>, circuit: &VerifierCircuitTarget, root: HashOutTarget) -> Self {
        let index_bits = (0..SET_DEPTH_LEVELS).map(|_| builder.add_virtual_bool_target_safe()).collect();
        let siblings = builder.add_virtual_hashes(SET_DEPTH_LEVELS);
        let membership = Self { index_bits, siblings };

        let tag = builder.constant(F::from_canonical_u64(TAG_CIRCUIT));
        let digests = circuit.constants_sigmas_cap.0.iter().chain([&circuit.circuit_digest]);
        let leaf = [tag].into_iter().chain(digests.flat_map(|hash| hash.elements)).collect();
        // More than four elements, and always as many: `hash_or_noop` inside hashes them.
        builder.verify_merkle_proof::<PoseidonHash>(
            leaf,
            &membership.index_bits,
            root,
            &MerkleProofTarget { siblings: membership.siblings.clone() },
        );
        membership
    }

    /// Says that the circuit is at `index` of `set`.
    pub fn set(&self, witness: &mut PartialWitness<F>, set: &AllowedSet, index: CircuitIndex) {
        for (level, &bit) in self.index_bits.iter().enumerate() {
            witness.set_bool_target(bit, index.get() >> level & 1 == 1).expect("set once");
        }
        for (&target, sibling) in self.siblings.iter().zip(set.path(index)) {
            witness.set_hash_target(target, sibling.into()).expect("set once");
        }
    }
}
