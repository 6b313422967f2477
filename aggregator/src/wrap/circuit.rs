//! The wrap circuit: a shrink proof verifies, and says what the public input hashes.
//!
//! All of shrink's common data is compiled in: gates, sizes, FRI's parameters. Its verifier data, the constants' cap and the
//! circuit digest, is a witness and hashed into the *program id*, so that one setup serves every program whose last
//! layer has this shape.
//!
//! ```text
//!   public input = sha256(program id | context | roots | daCommit | z | evaluations) without its top 3 bits
//! ```

use ark_bn254::Fr;
use plonky2::field::types::Field;
use plonky2::fri::FriParams;
use plonky2::hash::merkle_tree::MerkleCap;
use plonky2::plonk::circuit_data::{CommonCircuitData, VerifierOnlyCircuitData};
use plonky2::plonk::proof::{OpeningSet, ProofWithPublicInputs};
use sheaf_circuits::availability::FExt;
use sheaf_circuits::hash::{D, F};

use super::extension::Extension;
use super::field::{Residue, Residues};
use super::fri::{self, AlphaPowers, Opening, Query, Shared};
use super::hash::Hashes;
use super::r1cs::{Linear, R1cs};
use super::statement::Statement;
use super::transcript::Transcript;
use super::vanishing::{self, Challenges, Openings};
use crate::bn254::{Bn254Config, Bn254Hash, Node};

/// A proof of the shape that the wrap verifies.
pub type ShrinkProof = ProofWithPublicInputs<F, Bn254Config, D>;

/// What the wrap is about.
#[derive(Clone, Copy)]
pub struct Wrapped<'a> {
    /// Shrink's common data; its public values do not matter.
    pub common: &'a CommonCircuitData<F, D>,
    /// The program.
    pub verifier_only: &'a VerifierOnlyCircuitData<Bn254Config, D>,
    /// What the proof says: the public values.
    pub values: &'a [F],
    /// The proof.
    pub proof: &'a ShrinkProof,
}

/// Writes down the constraints and their witness. A proof that does not verify gives constraints that do not hold.
///
/// # Panics
///
/// If the proof is not of the shape of the common data: shapes are checked when proofs are read.
pub fn constrain(wrapped: &Wrapped) -> R1cs {
    let Wrapped { common, verifier_only, values, proof } = *wrapped;
    let field = &mut Residues::new();
    let hashes = Hashes::default();
    let params = &common.fri_params;

    field.r1cs.part("program id");
    let cap_levels = params.lde_bits() - params.config.cap_height;
    let program_cap = allocate_cap(field, &verifier_only.constants_sigmas_cap, cap_levels);
    let circuit_digest = allocate_node(field, &verifier_only.circuit_digest, 0);
    let program: Vec<Linear> = program_cap.iter().flatten().chain(&circuit_digest).cloned().collect();
    let program_id = hashes.elements(&mut field.r1cs, &program);

    field.r1cs.part("statement");
    let statement = Statement::allocate(field, values);
    let digest = hashes.leaf(&mut field.r1cs, &statement.elements());
    let public_inputs = statement.public_inputs(field, &digest);
    let public = statement.public_input(&mut field.r1cs, &program_id);

    let openings = allocate_openings(field, &proof.proof.openings);
    let mut transcript = Transcript::new(&hashes);
    field.r1cs.part("transcript");
    for element in observed_parameters(params) {
        transcript.observe(field, Residue::constant(element).linear());
    }
    transcript.observe_digest(field, &circuit_digest);
    for input in &public_inputs {
        transcript.observe(field, input.linear());
    }
    let wires_cap = allocate_cap(field, &proof.proof.wires_cap, cap_levels);
    observe_cap(field, &mut transcript, &wires_cap);
    let count = common.config.num_challenges;
    let betas = transcript.challenges(field, count);
    let gammas = transcript.challenges(field, count);
    let zs_cap = allocate_cap(field, &proof.proof.plonk_zs_partial_products_cap, cap_levels);
    observe_cap(field, &mut transcript, &zs_cap);
    let alphas = transcript.challenges(field, count);
    let quotient_cap = allocate_cap(field, &proof.proof.quotient_polys_cap, cap_levels);
    observe_cap(field, &mut transcript, &quotient_cap);
    let zeta = extension_challenge(field, &mut transcript);
    let opened: Vec<Extension> = openings.at_zeta();
    for value in opened.iter().chain(&openings.zs_next) {
        observe_extension(field, &mut transcript, value);
    }

    let alpha = extension_challenge(field, &mut transcript);
    let fri_proof = &proof.proof.opening_proof;
    let mut betas_fri = Vec::new();
    let mut layer_caps = Vec::new();
    let mut levels = cap_levels;
    for (cap, arity_bits) in fri_proof.commit_phase_merkle_caps.iter().zip(&params.reduction_arity_bits) {
        levels -= arity_bits;
        let cap = allocate_cap(field, cap, levels);
        observe_cap(field, &mut transcript, &cap);
        layer_caps.push(cap);
        betas_fri.push(extension_challenge(field, &mut transcript));
    }
    let final_polynomial: Vec<Extension> =
        fri_proof.final_poly.coeffs.iter().map(|&value| field.extension_witness(value)).collect();
    for coefficient in &final_polynomial {
        observe_extension(field, &mut transcript, coefficient);
    }
    let work = field.witness(fri_proof.pow_witness);
    transcript.observe(field, work.linear());

    field.r1cs.part("proof of work");
    let response = transcript.challenge(field);
    let zeros = params.config.proof_of_work_bits as usize;
    let highest = response.bits.iter().rev().take(zeros).fold(Linear::zero(), |sum, bit| &sum + bit);
    field.r1cs.assert_equal(&highest, &Linear::zero());
    field.r1cs.part("transcript");
    let indices: Vec<Vec<Linear>> = (0..params.config.num_query_rounds)
        .map(|_| transcript.challenge(field).bits[..params.lde_bits()].to_vec())
        .collect();

    field.r1cs.part("quotient");
    let challenges = Challenges { betas, gammas, alphas, zeta: zeta.clone() };
    vanishing::check(field, common, &openings, &challenges, &public_inputs, &statement.residues());

    field.r1cs.part("openings combined");
    let next = F::primitive_root_of_unity(common.degree_bits());
    let powers = AlphaPowers::new(field, &alpha, count, opened.len());
    let at_zeta = powers.combine_extension(field, &opened);
    let at_next = powers.combine_few(field, &openings.zs_next);
    let linear = zeta.scale(F::ONE + next);
    let square = field.extension_square(&zeta);
    let reduced = [at_zeta, at_next, linear, square.scale(next)].map(|value| field.extension_reduce(&value));
    let [at_zeta, at_next, linear, constant] = reduced;
    let shared = Shared {
        params,
        caps: [program_cap, wires_cap, zs_cap, quotient_cap],
        layer_caps,
        alpha: powers,
        opened: [at_zeta, at_next],
        zeta,
        denominator: [linear, constant],
        next,
        betas: betas_fri,
        final_polynomial,
        next_count: count,
    };
    for (index, round) in indices.iter().zip(&fri_proof.query_round_proofs) {
        field.r1cs.part("leaves");
        let initial = round.initial_trees_proof.evals_proofs.iter().map(|(leaf, path)| Opening {
            leaf: leaf.iter().map(|&value| field.witness(value)).collect(),
            siblings: allocate_path(field, &path.siblings),
        });
        let initial = initial.collect::<Vec<_>>().try_into().unwrap_or_else(|_| panic!("four trees"));
        let layers = round
            .steps
            .iter()
            .map(|step| Opening {
                leaf: step.evals.iter().map(|&value| field.extension_witness(value)).collect(),
                siblings: allocate_path(field, &step.merkle_proof.siblings),
            })
            .collect();
        fri::check_query(field, &hashes, &shared, index, &Query { initial, layers });
    }

    field.r1cs.part("statement");
    let value = field.r1cs.value(&public);
    field.r1cs.set_public(value);
    field.r1cs.assert_equal(&super::r1cs::Variable::PUBLIC.into(), &public);
    std::mem::take(&mut field.r1cs)
}

/// What [`FriParams::observe`] absorbs.
fn observed_parameters(params: &FriParams) -> Vec<F> {
    let number = F::from_canonical_usize;
    let config = &params.config;
    let mut elements =
        vec![number(config.rate_bits), number(config.cap_height), F::from_canonical_u32(config.proof_of_work_bits)];
    elements.extend(config.reduction_strategy.serialize::<F>());
    elements.push(number(config.num_query_rounds));
    elements.push(F::from_bool(params.hiding));
    elements.push(number(params.degree_bits));
    elements.extend(params.reduction_arity_bits.iter().map(|&bits| number(bits)));
    elements
}

impl Openings {
    /// What is opened at ζ, in the order of the transcript and of FRI.
    fn at_zeta(&self) -> Vec<Extension> {
        let Self { constants, sigmas, wires, zs, partial_products, quotients, .. } = self;
        [constants, sigmas, wires, zs, partial_products, quotients].into_iter().flatten().cloned().collect()
    }
}

fn allocate_openings(field: &mut Residues, openings: &OpeningSet<F, D>) -> Openings {
    field.r1cs.part("openings");
    let mut allocate = |values: &[FExt]| values.iter().map(|&value| field.extension_witness(value)).collect();
    Openings {
        constants: allocate(&openings.constants),
        sigmas: allocate(&openings.plonk_sigmas),
        wires: allocate(&openings.wires),
        zs: allocate(&openings.plonk_zs),
        zs_next: allocate(&openings.plonk_zs_next),
        partial_products: allocate(&openings.partial_products),
        quotients: allocate(&openings.quotient_polys),
    }
}

/// The elements of a node `level` levels above the leaves.
fn allocate_node(field: &mut Residues, node: &Node, level: usize) -> Vec<Linear> {
    let elements: &[Fr] = match node {
        Node::Single(a) => &[*a],
        Node::Pair(a, b) => &[*a, *b],
    };
    assert_eq!(elements.len() == 2, Node::is_pair_at(level), "a node of the wrong kind at level {level}");
    elements.iter().map(|&element| field.r1cs.allocate(element).into()).collect()
}

fn allocate_cap(field: &mut Residues, cap: &MerkleCap<F, Bn254Hash>, level: usize) -> Vec<Vec<Linear>> {
    cap.0.iter().map(|node| allocate_node(field, node, level)).collect()
}

fn allocate_path(field: &mut Residues, siblings: &[Node]) -> Vec<Vec<Linear>> {
    siblings.iter().enumerate().map(|(level, node)| allocate_node(field, node, level)).collect()
}

fn observe_cap(field: &mut Residues, transcript: &mut Transcript, cap: &[Vec<Linear>]) {
    cap.iter().for_each(|node| transcript.observe_digest(field, node));
}

fn observe_extension(field: &mut Residues, transcript: &mut Transcript, value: &Extension) {
    value.0.iter().for_each(|coefficient| transcript.observe(field, coefficient.linear()));
}

fn extension_challenge(field: &mut Residues, transcript: &mut Transcript) -> Extension {
    let elements = transcript.challenges(field, D);
    Extension(elements.try_into().expect("as many as were asked for"))
}
