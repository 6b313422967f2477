//! The shape of what is wrapped: how many of everything there are, and of which kind nodes are.
//!
//! The common data fix it. A proof without meaning has that shape, and gives the constraints alone, which do not depend on
//! what a proof says ([`constraints`]): keys are made of these. A real proof is compared with it before anything else
//! ([`check`]): one that lacked queries would otherwise give constraints that lack them too.

use ark_bn254::Fr;
use ark_ff::AdditiveGroup;
use plonky2::field::polynomial::PolynomialCoeffs;
use plonky2::field::types::Field;
use plonky2::fri::proof::{FriInitialTreeProof, FriProof, FriQueryRound, FriQueryStep};
use plonky2::hash::merkle_proofs::MerkleProof;
use plonky2::hash::merkle_tree::MerkleCap;
use plonky2::plonk::circuit_data::{CommonCircuitData, VerifierOnlyCircuitData};
use plonky2::plonk::proof::{OpeningSet, Proof, ProofWithPublicInputs};
use sheaf_circuits::availability::FExt;
use sheaf_circuits::hash::{D, DIGEST_LEN, F};
use thiserror::Error;

use super::circuit::{constrain, Wrapped};
use super::r1cs::R1cs;
use crate::bn254::{Bn254Config, Bn254Hash, Node};
use crate::shrink::values::PUBLIC_VALUES_LEN;
use crate::shrink::{PublicValues, ShrinkProof};

/// The constraints of the wrap for shrink proofs with this common data. Their witness does not satisfy them.
pub fn constraints(common: &CommonCircuitData<F, D>) -> R1cs {
    with_empty(common, constrain).expect("it is of its own shape")
}

/// Checks that there is as much of everything as the common data say.
pub fn check(wrapped: &Wrapped) -> Result<(), ShapeDiffers> {
    let got = outline(wrapped);
    let expected = with_empty(wrapped.common, outline);
    // What one lacks is counted as zero of it.
    for i in 0..expected.len().max(got.len()) {
        let (what, expected) = expected.get(i).copied().unwrap_or_else(|| (got[i].0, 0));
        let got = got.get(i).map_or(0, |&(_, got)| got);
        if got != expected {
            return Err(ShapeDiffers { what, expected, got });
        }
    }
    Ok(())
}

/// A proof is not of the shape that its circuit's proofs have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the proof has {got} {what}, expected {expected}")]
pub struct ShapeDiffers {
    /// What there are too many or too few of.
    pub what: &'static str,
    /// How many the circuit's proofs have.
    pub expected: usize,
    /// How many were found.
    pub got: usize,
}

/// Uses a proof of the right shape, all zeros.
fn with_empty<T>(common: &CommonCircuitData<F, D>, function: impl FnOnce(&Wrapped) -> T) -> T {
    let verifier_only =
        VerifierOnlyCircuitData { constants_sigmas_cap: cap(common, cap_level(common)), circuit_digest: node(0) };
    function(&Wrapped { common, verifier_only: &verifier_only, proof: &proof(common) })
}

/// Every length and every node's kind, in a fixed order. A length comes before what it is the length of, so two
/// outlines differ at the first place where the proofs do.
fn outline(wrapped: &Wrapped) -> Vec<(&'static str, usize)> {
    let mut outline = vec![("public inputs", wrapped.proof.proof.public_inputs.len())];
    let mut add = |what, count: usize| outline.push((what, count));
    let proof = &wrapped.proof.proof.proof;
    let fri = &proof.opening_proof;
    add("elements in the circuit digest", elements(&wrapped.verifier_only.circuit_digest));
    add("layers' caps", fri.commit_phase_merkle_caps.len());
    let caps = [
        &wrapped.verifier_only.constants_sigmas_cap,
        &proof.wires_cap,
        &proof.plonk_zs_partial_products_cap,
        &proof.quotient_polys_cap,
    ];
    for cap in caps.into_iter().chain(&fri.commit_phase_merkle_caps) {
        add("nodes in a cap", cap.0.len());
        cap.0.iter().for_each(|node| add("elements in a cap's node", elements(node)));
    }
    let OpeningSet {
        constants,
        plonk_sigmas,
        wires,
        plonk_zs,
        plonk_zs_next,
        partial_products,
        quotient_polys,
        lookup_zs,
        lookup_zs_next,
    } = &proof.openings;
    for (what, values) in [
        ("constants", constants),
        ("sigmas", plonk_sigmas),
        ("wires", wires),
        ("Zs", plonk_zs),
        ("next Zs", plonk_zs_next),
        ("partial products", partial_products),
        ("quotients", quotient_polys),
        ("lookups", lookup_zs),
        ("next lookups", lookup_zs_next),
    ] {
        add(what, values.len());
    }
    add("coefficients of the final polynomial", fri.final_poly.coeffs.len());
    add("queries", fri.query_round_proofs.len());
    for round in &fri.query_round_proofs {
        let initial = &round.initial_trees_proof.evals_proofs;
        add("trees in a query", initial.len());
        add("layers in a query", round.steps.len());
        let leaves = initial.iter().map(|(leaf, path)| (leaf.len(), path));
        for (length, path) in leaves.chain(round.steps.iter().map(|step| (step.evals.len(), &step.merkle_proof))) {
            add("values in a leaf", length);
            add("levels in a path", path.siblings.len());
            path.siblings.iter().for_each(|node| add("elements in a path's node", elements(node)));
        }
    }
    outline
}

fn elements(node: &Node) -> usize {
    1 + usize::from(node.is_pair())
}

/// Levels between leaves and cap of the four trees.
fn cap_level(common: &CommonCircuitData<F, D>) -> usize {
    common.fri_params.lde_bits() - common.config.fri_config.cap_height
}

fn node(level: usize) -> Node {
    match Node::is_pair_at(level) {
        true => Node::Pair(Fr::ZERO, Fr::ZERO),
        false => Node::Single(Fr::ZERO),
    }
}

fn cap(common: &CommonCircuitData<F, D>, level: usize) -> MerkleCap<F, Bn254Hash> {
    MerkleCap(vec![node(level); common.config.fri_config.num_cap_elements()])
}

fn path(levels: usize) -> MerkleProof<F, Bn254Hash> {
    MerkleProof { siblings: (0..levels).map(node).collect() }
}

fn proof(common: &CommonCircuitData<F, D>) -> ShrinkProof {
    let config = &common.config;
    let params = &common.fri_params;
    let level = cap_level(common);
    let (constants, sigmas) = (common.num_constants, config.num_routed_wires);
    let zs = config.num_challenges;
    let partial_products = zs * common.num_partial_products;
    let quotients = zs * common.quotient_degree_factor;
    let layers: Vec<(usize, usize)> = params
        .reduction_arity_bits
        .iter()
        .scan(level, |level, &arity_bits| {
            *level -= arity_bits;
            Some((arity_bits, *level))
        })
        .collect();

    let leaves = [constants + sigmas, config.num_wires, zs + partial_products, quotients];
    let round = FriQueryRound {
        initial_trees_proof: FriInitialTreeProof {
            evals_proofs: leaves.map(|length| (vec![F::ZERO; length], path(level))).into(),
        },
        steps: layers
            .iter()
            .map(|&(arity_bits, level)| FriQueryStep {
                evals: vec![FExt::ZERO; 1 << arity_bits],
                merkle_proof: path(level),
            })
            .collect(),
    };
    let values = |length: usize| vec![FExt::ZERO; length];
    let openings: OpeningSet<F, D> = OpeningSet {
        constants: values(constants),
        plonk_sigmas: values(sigmas),
        wires: values(config.num_wires),
        plonk_zs: values(zs),
        plonk_zs_next: values(zs),
        partial_products: values(partial_products),
        quotient_polys: values(quotients),
        lookup_zs: vec![],
        lookup_zs_next: vec![],
    };
    let proof: Proof<F, Bn254Config, D> = Proof {
        wires_cap: cap(common, level),
        plonk_zs_partial_products_cap: cap(common, level),
        quotient_polys_cap: cap(common, level),
        openings,
        opening_proof: FriProof {
            commit_phase_merkle_caps: layers.iter().map(|&(_, level)| cap(common, level)).collect(),
            query_round_proofs: vec![round; config.fri_config.num_query_rounds],
            final_poly: PolynomialCoeffs::new(values(params.final_poly_len())),
            pow_witness: F::ZERO,
        },
    };
    ShrinkProof {
        values: PublicValues([F::ZERO; PUBLIC_VALUES_LEN]),
        proof: ProofWithPublicInputs { proof, public_inputs: vec![F::ZERO; DIGEST_LEN] },
    }
}
