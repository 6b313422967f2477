//! Which kinds of nodes a proof has to have, and a check.

use plonky2::fri::FriParams;
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::plonk::proof::ProofWithPublicInputs;
use sheaf_circuits::hash::{D, F};
use thiserror::Error;

use super::{Bn254Config, Node};

/// Checks that every node of a proof is of the kind that its level has: see [`Node::is_pair_at`]. Looks at no
/// lengths.
pub fn check_kinds(
    proof: &ProofWithPublicInputs<F, Bn254Config, D>,
    common: &CommonCircuitData<F, D>,
) -> Result<(), KindsDiffer> {
    let params = &common.fri_params;
    let proof = &proof.proof;
    let fri = &proof.opening_proof;
    let tree_levels = levels_under_caps(params);

    let first_caps = [&proof.wires_cap, &proof.plonk_zs_partial_products_cap, &proof.quotient_polys_cap];
    for cap in first_caps {
        check(&cap.0, |_| tree_levels[0], "cap")?;
    }
    for (cap, &levels) in fri.commit_phase_merkle_caps.iter().zip(&tree_levels[1..]) {
        check(&cap.0, |_| levels, "cap of a folding")?;
    }
    for round in &fri.query_round_proofs {
        let first = round.initial_trees_proof.evals_proofs.iter().map(|(_, path)| path);
        for path in first.chain(round.steps.iter().map(|step| &step.merkle_proof)) {
            check(&path.siblings, |level| level, "path")?;
        }
    }
    Ok(())
}

/// Levels from the leaves to the cap, of the first trees and then of each folding's.
pub fn levels_under_caps(params: &FriParams) -> Vec<usize> {
    let first = params.lde_bits() - params.config.cap_height;
    let foldings = params.reduction_arity_bits.iter();
    std::iter::once(first)
        .chain(foldings.scan(first, |levels, arity_bits| {
            *levels = levels.saturating_sub(*arity_bits);
            Some(*levels)
        }))
        .collect()
}

fn check(nodes: &[Node], level: impl Fn(usize) -> usize, place: &'static str) -> Result<(), KindsDiffer> {
    for (i, node) in nodes.iter().enumerate() {
        if node.is_pair() != Node::is_pair_at(level(i)) {
            return Err(KindsDiffer { place, position: i });
        }
    }
    Ok(())
}

/// A node is not of the kind that its level has.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("node {position} of a {place} is a single where pairs are, or a pair where singles are")]
pub struct KindsDiffer {
    /// Where it is.
    pub place: &'static str,
    /// Which node of that.
    pub position: usize,
}
