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
use plonky2::field::types::{Field, PrimeField64};
use plonky2::fri::proof::{FriQueryRound, FriQueryStep};
use plonky2::fri::FriParams;
use plonky2::hash::merkle_tree::MerkleCap;
use plonky2::plonk::circuit_data::{CommonCircuitData, VerifierOnlyCircuitData};
use plonky2::plonk::proof::OpeningSet;
use sheaf_circuits::availability::FExt;
use sheaf_circuits::hash::{D, F};

use super::extension::Extension;
use super::field::{Residue, Residues};
use super::fri::{self, AlphaPowers, Opening, Query, Shared};
use super::hash::Hashes;
use super::r1cs::{Linear, R1cs, Variable};
use super::shape::{self, ShapeDiffers};
use super::statement::Statement;
use super::transcript::{Challenge, Transcript};
use super::vanishing::{self, Challenges, Openings};
use crate::bn254::{Bn254Config, Bn254Hash, Node};
use crate::shrink::{ShrinkProof, ShrinkVerifier};

/// What the wrap is about.
#[derive(Clone, Copy)]
pub struct Wrapped<'a> {
    /// Shrink's common data, with a gate of no values in particular.
    pub common: &'a CommonCircuitData<F, D>,
    /// The program.
    pub verifier_only: &'a VerifierOnlyCircuitData<Bn254Config, D>,
    /// The proof and what it says.
    pub proof: &'a ShrinkProof,
}

impl<'a> Wrapped<'a> {
    /// A proof of the program that `verifier` verifies.
    pub fn new(verifier: &'a ShrinkVerifier, proof: &'a ShrinkProof) -> Self {
        Self { common: verifier.common(), verifier_only: verifier.verifier_only(), proof }
    }
}

/// Writes down the constraints and their witness. A proof that does not verify gives constraints that do not hold; one
/// that is not of the shape which the common data say gives none.
///
/// # Panics
///
/// If the common data are not of shrink's kind, with lookups or blinding: a circuit is built or it is not.
pub fn constrain(wrapped: &Wrapped) -> Result<R1cs, ShapeDiffers> {
    shape::check(wrapped)?;
    let hashes = Hashes::default();
    let mut verifier = Verifier::new(wrapped, &hashes);
    verifier.check_work();
    verifier.check_quotient();
    verifier.check_queries();
    Ok(verifier.finish())
}

/// The verifier after it has seen the whole proof and drawn all challenges.
#[derive(Clone)]
pub(super) struct Verifier<'a> {
    pub(super) field: Residues,
    pub(super) hashes: &'a Hashes,
    pub(super) common: &'a CommonCircuitData<F, D>,
    pub(super) statement: Statement,
    /// plonky2's public inputs.
    pub(super) public_inputs: Vec<Residue>,
    /// What L1 sees.
    pub(super) public: Linear,
    pub(super) openings: Openings,
    pub(super) challenges: Challenges,
    /// FRI's α.
    pub(super) alpha: Extension,
    /// FRI's β.
    pub(super) betas: Vec<Extension>,
    pub(super) caps: [Vec<Vec<Linear>>; 4],
    pub(super) layer_caps: Vec<Vec<Vec<Linear>>>,
    pub(super) final_polynomial: Vec<Extension>,
    /// What work makes small.
    pub(super) response: Challenge,
    /// The bits of each query's index, the lowest first.
    pub(super) indices: Vec<Vec<Linear>>,
    pub(super) queries: Vec<Query>,
}

impl<'a> Verifier<'a> {
    pub(super) fn new(wrapped: &Wrapped<'a>, hashes: &'a Hashes) -> Self {
        let Wrapped { common, verifier_only, proof: ShrinkProof { values, proof } } = *wrapped;
        let mut field = Residues::new();
        let params = &common.fri_params;
        let count = common.config.num_challenges;
        assert!(common.num_lookup_polys == 0 && common.num_lookup_selectors == 0, "lookups are not verified here");
        assert!(!params.hiding, "blinded leaves are not verified here");
        assert!(params.lde_bits() < 64, "an index is part of an element");

        field.r1cs.part("program id");
        let cap_levels = params.lde_bits() - params.config.cap_height;
        let program_cap = allocate_cap(&mut field, &verifier_only.constants_sigmas_cap, cap_levels);
        let circuit_digest = allocate_node(&mut field, &verifier_only.circuit_digest, 0);
        let program: Vec<Linear> = program_cap.iter().flatten().chain(&circuit_digest).cloned().collect();
        let program_id = hashes.elements(&mut field.r1cs, &program);

        field.r1cs.part("statement");
        let statement = Statement::allocate(&mut field, values);
        let hash = hashes.leaf(&mut field.r1cs, &statement.elements());
        let public_inputs = statement.public_inputs(&mut field, &hash);
        let public = statement.public_input(&mut field.r1cs, &program_id);

        let openings = allocate_openings(&mut field, &proof.proof.openings);
        let fri_proof = &proof.proof.opening_proof;
        field.r1cs.part("transcript");
        let mut transcript = Recorder { transcript: Transcript::new(hashes), field: &mut field };
        transcript.constants(&observed_parameters(params));
        transcript.nodes(std::slice::from_ref(&circuit_digest));
        public_inputs.iter().for_each(|input| transcript.element(input));

        let wires_cap = transcript.cap(&proof.proof.wires_cap, cap_levels);
        let betas = transcript.challenges(count);
        let gammas = transcript.challenges(count);
        let zs_cap = transcript.cap(&proof.proof.plonk_zs_partial_products_cap, cap_levels);
        let alphas = transcript.challenges(count);
        let quotient_cap = transcript.cap(&proof.proof.quotient_polys_cap, cap_levels);
        let zeta = transcript.extension_challenge();
        openings.at_zeta().iter().chain(&openings.zs_next).for_each(|value| transcript.extension(value));

        let alpha = transcript.extension_challenge();
        let mut layer_caps = Vec::new();
        let mut layer_betas = Vec::new();
        let mut levels = cap_levels;
        for (cap, arity_bits) in fri_proof.commit_phase_merkle_caps.iter().zip(&params.reduction_arity_bits) {
            levels -= arity_bits;
            layer_caps.push(transcript.cap(cap, levels));
            layer_betas.push(transcript.extension_challenge());
        }
        let final_polynomial = transcript.polynomial(&fri_proof.final_poly.coeffs);
        let work = transcript.field.witness(fri_proof.pow_witness);
        transcript.element(&work);
        let response = transcript.challenge();
        let index = |_| transcript.challenge().bits[..params.lde_bits()].to_vec();
        let indices = (0..params.config.num_query_rounds).map(index).collect();

        field.r1cs.part("leaves");
        let queries = fri_proof.query_round_proofs.iter().map(|round| allocate_query(&mut field, round)).collect();
        Self {
            field,
            hashes,
            common,
            statement,
            public_inputs,
            public,
            openings,
            challenges: Challenges { betas, gammas, alphas, zeta },
            alpha,
            betas: layer_betas,
            caps: [program_cap, wires_cap, zs_cap, quotient_cap],
            layer_caps,
            final_polynomial,
            response,
            indices,
            queries,
        }
    }

    /// The response has as many leading zeros as the work has bits.
    pub(super) fn check_work(&mut self) {
        self.field.r1cs.part("proof of work");
        let zeros = self.common.fri_params.config.proof_of_work_bits as usize;
        let highest = self.response.bits.iter().rev().take(zeros).fold(Linear::zero(), |sum, bit| &sum + bit);
        self.field.r1cs.assert_equal(&highest, &Linear::zero());
    }

    pub(super) fn check_quotient(&mut self) {
        self.field.r1cs.part("quotient");
        let values = self.statement.residues();
        let Self { field, common, openings, challenges, public_inputs, .. } = self;
        vanishing::check(field, common, openings, challenges, public_inputs, &values);
    }

    pub(super) fn check_queries(&mut self) {
        let field = &mut self.field;
        field.r1cs.part("openings combined");
        let opened = self.openings.at_zeta();
        let next_count = self.common.config.num_challenges;
        let next = F::primitive_root_of_unity(self.common.degree_bits());
        let zeta = &self.challenges.zeta;
        let powers = AlphaPowers::new(field, &self.alpha, next_count, opened.len());
        let at_zeta = powers.combine_extension(field, &opened);
        let at_next = powers.combine_few(field, &self.openings.zs_next);
        let linear = zeta.scale(F::ONE + next);
        let constant = field.extension_square(zeta).scale(next);
        let [at_zeta, at_next, linear, constant] =
            [at_zeta, at_next, linear, constant].map(|value| field.extension_reduce(&value));
        let shared = Shared {
            params: &self.common.fri_params,
            caps: &self.caps,
            layer_caps: &self.layer_caps,
            alpha: powers,
            opened: [at_zeta, at_next],
            zeta,
            denominator: [linear, constant],
            next,
            betas: &self.betas,
            final_polynomial: &self.final_polynomial,
            next_count,
        };
        for (index, query) in self.indices.iter().zip(&self.queries) {
            fri::check_query(field, self.hashes, &shared, index, query);
        }
    }

    /// The public input is what the statement hashes to.
    pub(super) fn finish(mut self) -> R1cs {
        let r1cs = &mut self.field.r1cs;
        r1cs.part("statement");
        r1cs.set_public(r1cs.value(&self.public));
        r1cs.assert_equal(&Variable::PUBLIC.into(), &self.public);
        self.field.r1cs
    }
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

fn allocate_query(field: &mut Residues, round: &FriQueryRound<F, Bn254Hash, D>) -> Query {
    let initial = round.initial_trees_proof.evals_proofs.iter().map(|(leaf, path)| Opening {
        leaf: leaf.iter().map(|&value| field.witness(value)).collect(),
        siblings: allocate_path(field, &path.siblings),
    });
    let initial = initial.collect::<Vec<_>>().try_into().unwrap_or_else(|_| panic!("four trees"));
    let layer = |step: &FriQueryStep<F, Bn254Hash, D>| Opening {
        leaf: step.evals.iter().map(|&value| field.extension_witness(value)).collect(),
        siblings: allocate_path(field, &step.merkle_proof.siblings),
    };
    Query { initial, layers: round.steps.iter().map(layer).collect() }
}

/// The transcript with what it is recorded in.
struct Recorder<'a, 'b> {
    transcript: Transcript<'a>,
    field: &'b mut Residues,
}

impl Recorder<'_, '_> {
    fn constants(&mut self, elements: &[F]) {
        for element in elements {
            let constant = Linear::constant(Fr::from(element.to_canonical_u64()));
            self.transcript.observe(self.field, constant);
        }
    }

    fn element(&mut self, element: &Residue) {
        self.transcript.observe(self.field, element.linear());
    }

    fn extension(&mut self, value: &Extension) {
        value.0.iter().for_each(|coefficient| self.element(coefficient));
    }

    fn nodes(&mut self, nodes: &[Vec<Linear>]) {
        nodes.iter().for_each(|node| self.transcript.observe_digest(self.field, node));
    }

    fn cap(&mut self, cap: &MerkleCap<F, Bn254Hash>, level: usize) -> Vec<Vec<Linear>> {
        let cap = allocate_cap(self.field, cap, level);
        self.nodes(&cap);
        cap
    }

    fn polynomial(&mut self, coefficients: &[FExt]) -> Vec<Extension> {
        let coefficients: Vec<Extension> =
            coefficients.iter().map(|&value| self.field.extension_witness(value)).collect();
        coefficients.iter().for_each(|coefficient| self.extension(coefficient));
        coefficients
    }

    fn challenge(&mut self) -> Challenge {
        self.transcript.challenge(self.field)
    }

    fn challenges(&mut self, count: usize) -> Vec<Residue> {
        (0..count).map(|_| self.challenge().element).collect()
    }

    fn extension_challenge(&mut self) -> Extension {
        Extension([self.challenge().element, self.challenge().element])
    }
}
