//! plonky2's vanishing polynomial at ζ: permutation argument and gates, combined by powers of α, against the quotient.
//!
//! For each challenge c, with α, β, γ its own elements of F:
//!
//! ```text
//!   Σ α^i · term_i(ζ)  =  (ζ^n − 1) · Σ quotient_{c,j}(ζ) · ζ^{nj}
//!   terms:  L₀(ζ)·(Z_c(ζ) − 1) for all c,  the partial products of all c,  Σ_gates filter_g(ζ) · constraint_{g,i}(ζ)
//! ```
//!
//! The last sum is turned round: Σ_g filter_g · Σ_i α^i · constraint_{g,i}, so that a constraint meets small numbers only,
//! and a filter one number a challenge.

use std::ops::Range;

use plonky2::field::types::Field;
use plonky2::plonk::circuit_data::CommonCircuitData;
use serde::Serialize;
use sheaf_circuits::availability::FExt;
use sheaf_circuits::hash::{D, F};

use super::extension::Extension;
use super::field::{Residue, Residues};
use super::gates::{self, Point};

/// What a selector is on rows of gates of other groups (`plonky2::gates::selectors`).
const UNUSED_SELECTOR: u64 = u32::MAX as u64;
/// log2 of how many powers of α are made one by one; beyond, they are products.
const LOW_POWERS_BITS: usize = 5;
/// Bits below which a sum of [`LOW_POWERS`](LOW_POWERS_BITS) terms times a power stays far enough below r.
const TERM_BITS_MAX: u64 = 250 - 64 - LOW_POWERS_BITS as u64 - 1;
/// Bits of what may still be multiplied by two reduced elements.
const SMALL_BITS: u64 = 116;

/// The polynomials' values that a proof opens.
#[derive(Clone)]
pub struct Openings {
    /// Selectors, then the gates' constants.
    pub constants: Vec<Extension>,
    /// σ, one for each routed wire.
    pub sigmas: Vec<Extension>,
    /// Wires.
    pub wires: Vec<Extension>,
    /// Z, one for each challenge.
    pub zs: Vec<Extension>,
    /// Z at the next row.
    pub zs_next: Vec<Extension>,
    /// Partial products, of the first challenge first.
    pub partial_products: Vec<Extension>,
    /// The quotient in pieces, of the first challenge first.
    pub quotients: Vec<Extension>,
}

/// The challenges until ζ.
#[derive(Clone)]
pub struct Challenges {
    /// β of each.
    pub betas: Vec<Residue>,
    /// γ of each.
    pub gammas: Vec<Residue>,
    /// α of each.
    pub alphas: Vec<Residue>,
    /// The point.
    pub zeta: Extension,
}

/// Powers of an α: α^i = low\[i mod 2^LOW_POWERS_BITS\] · high\[i >> LOW_POWERS_BITS\].
struct Powers {
    low: Vec<Residue>,
    high: Vec<Residue>,
}

impl Powers {
    fn new(field: &mut Residues, alpha: &Residue, count: usize) -> Self {
        let block = 1 << LOW_POWERS_BITS;
        let low = field.powers(alpha, block + 1);
        let high = field.powers(&low[block], count.div_ceil(block));
        Self { low, high }
    }

    /// Σ α^i · term_i, of less than 2^215.
    fn combine(&self, field: &mut Residues, terms: &[Extension]) -> Extension {
        assert!(terms.len() <= self.high.len() << LOW_POWERS_BITS, "a power for each of {} terms", terms.len());
        let mut sum = Extension::default();
        for (block, high) in terms.chunks(1 << LOW_POWERS_BITS).zip(&self.high) {
            let mut part = Extension::default();
            for (term, power) in block.iter().zip(&self.low) {
                part = part.add(&field.extension_mul_base(term, power));
            }
            if block.len() < terms.len() {
                part = field.extension_keep_below(&part, SMALL_BITS);
                part = field.extension_mul_base(&part, high);
            }
            sum = sum.add(&part);
        }
        sum
    }

    /// α^i, reduced.
    fn power(&self, field: &mut Residues, i: usize) -> Residue {
        let product = field.mul(&self.low[i % (1 << LOW_POWERS_BITS)], &self.high[i >> LOW_POWERS_BITS]);
        field.reduce(&product)
    }
}

/// Constrains the quotient identity.
pub fn check(
    field: &mut Residues,
    common: &CommonCircuitData<F, D>,
    openings: &Openings,
    challenges: &Challenges,
    public_inputs: &[Residue],
    values: &[Residue],
) {
    let zeta = &challenges.zeta;
    let zeta_n = (0..common.degree_bits()).fold(zeta.clone(), |power, _| {
        let square = field.extension_square(&power);
        field.extension_reduce(&square)
    });
    let vanishing = zeta_n.add_constant(F::NEG_ONE);

    field.r1cs.part("permutation");
    let first = lagrange_first(field, common, zeta, &vanishing);
    let count = common.config.num_challenges;
    let mut permutation = Vec::with_capacity(count * (2 + common.num_partial_products));
    for z in &openings.zs {
        let term = field.extension_mul(&first, &z.add_constant(F::NEG_ONE));
        permutation.push(term);
    }
    for challenge in 0..count {
        permutation.extend(partial_products(field, common, openings, challenges, challenge));
    }

    let terms = permutation.len() + common.num_gate_constraints;
    field.r1cs.part("constraints combined");
    let powers: Vec<Powers> = challenges.alphas.iter().map(|alpha| Powers::new(field, alpha, terms)).collect();
    let mut sums: Vec<Extension> = powers.iter().map(|powers| powers.combine(field, &permutation)).collect();
    let mut gate_sums = vec![Extension::default(); count];
    let filters = filters(field, common, &openings.constants);
    for (gate, filter) in common.gates.iter().zip(&filters) {
        let at = Point {
            constants: &openings.constants[common.selectors_info.num_selectors()..],
            wires: &openings.wires,
            public_inputs,
            values,
        };
        field.r1cs.part(gate_part(&gate.0.id()));
        let mut constraints = gates::constraints(field, gate, &at);
        for constraint in &mut constraints {
            *constraint = field.extension_keep_below(constraint, TERM_BITS_MAX);
        }
        field.r1cs.part("constraints combined");
        for (sum, powers) in gate_sums.iter_mut().zip(&powers) {
            let combined = powers.combine(field, &constraints);
            let combined = field.extension_keep_below(&combined, 250 - 64 - 8);
            *sum = sum.add(&field.extension_mul(filter, &combined));
        }
    }

    field.r1cs.part("quotient");
    let powers_of_zeta_n = field.extension_powers(&zeta_n, common.quotient_degree_factor);
    for (challenge, pieces) in openings.quotients.chunks(common.quotient_degree_factor).enumerate() {
        let mut quotient = Extension::default();
        for (piece, power) in pieces.iter().zip(&powers_of_zeta_n) {
            quotient = quotient.add(&field.extension_mul(piece, power));
        }
        let expected = field.extension_mul(&quotient, &vanishing);
        let shift = powers[challenge].power(field, permutation.len());
        let gate_sum = field.extension_reduce(&gate_sums[challenge]);
        let shifted = field.extension_mul_base(&gate_sum, &shift);
        sums[challenge] = sums[challenge].add(&shifted);
        field.extension_assert_zero(&sums[challenge].sub(&expected));
    }
}

/// The part of the constraints that a gate's evaluation belongs to: its name without parameters.
fn gate_part(id: &str) -> &str {
    let name = id.strip_prefix("sheaf.").unwrap_or(id);
    name.split(|c: char| !c.is_alphanumeric()).next().unwrap_or(name)
}

/// L₀(ζ) = (ζ^n − 1) / (n·(ζ − 1)). A ζ of 1 leaves it free, and is one of p² values (the soundness count has ζ in the domain among its cases).
fn lagrange_first(
    field: &mut Residues,
    common: &CommonCircuitData<F, D>,
    zeta: &Extension,
    vanishing: &Extension,
) -> Extension {
    let denominator = zeta.add_constant(F::NEG_ONE).scale(F::from_canonical_usize(common.degree()));
    let inverse = field.extension_value(&denominator).try_inverse().unwrap_or(FExt::ZERO);
    let first = field.extension_witness(field.extension_value(vanishing) * inverse);
    let product = field.extension_mul(&first, &denominator);
    field.extension_assert_zero(&product.sub(vanishing));
    first
}

/// For each run of routed wires: before · Π (wire + β·k·ζ + γ) − after · Π (wire + β·σ + γ).
fn partial_products(
    field: &mut Residues,
    common: &CommonCircuitData<F, D>,
    openings: &Openings,
    challenges: &Challenges,
    challenge: usize,
) -> Vec<Extension> {
    let (beta, gamma) = (&challenges.betas[challenge], &challenges.gammas[challenge]);
    let gamma = Extension::from_base(gamma.clone());
    let beta_zeta = field.extension_mul_base(&challenges.zeta, beta);
    let beta_zeta = field.extension_reduce(&beta_zeta);
    let products = &openings.partial_products[challenge * common.num_partial_products..][..common.num_partial_products];
    let mut accumulators = vec![openings.zs[challenge].clone()];
    accumulators.extend_from_slice(products);
    accumulators.push(openings.zs_next[challenge].clone());

    let run = common.quotient_degree_factor;
    let routed = common.config.num_routed_wires;
    let mut terms = Vec::with_capacity(accumulators.len() - 1);
    for (i, ends) in accumulators.windows(2).enumerate() {
        let wires = run * i..(run * (i + 1)).min(routed);
        let [mut before, mut after] = [ends[0].clone(), ends[1].clone()];
        for wire in wires.clone() {
            let value = openings.wires[wire].add(&gamma);
            let numerator = value.add(&beta_zeta.scale(common.k_is[wire]));
            let sigma = field.extension_mul_base(&openings.sigmas[wire], beta);
            let denominator = value.add(&sigma);
            before = field.extension_mul(&before, &numerator);
            after = field.extension_mul(&after, &denominator);
            if wire + 1 < wires.end {
                before = field.extension_reduce(&before);
                after = field.extension_reduce(&after);
            }
        }
        let term = before.sub(&after);
        terms.push(field.extension_keep_below(&term, TERM_BITS_MAX));
    }
    terms
}

/// For each gate, Π (i − selector) over the other gates i of its group: 0 on all rows but the gate's.
fn filters(field: &mut Residues, common: &CommonCircuitData<F, D>, constants: &[Extension]) -> Vec<Extension> {
    let info = &common.selectors_info;
    let many = info.num_selectors() > 1;
    let mut filters = Vec::with_capacity(common.gates.len());
    for (selector, group) in constants.iter().zip(selector_groups(common)) {
        let indices = group.clone().map(|gate| gate as u64).chain(many.then_some(UNUSED_SELECTOR));
        let factors: Vec<Extension> =
            indices.map(|index| selector.sub_from_constant(F::from_canonical_u64(index))).collect();
        filters.extend(products_without_one(field, &factors).into_iter().take(group.len()));
    }
    filters
}

/// What plonky2's struct of this name has.
#[derive(Serialize)]
struct SelectorsInfo {
    selector_indices: Vec<usize>,
    groups: Vec<Range<usize>>,
}

/// Which gates share a selector, as `plonky2::gates::selectors` decides it: all if degrees admit it, else as many as do,
/// from the first.
fn selector_groups(common: &CommonCircuitData<F, D>) -> Vec<Range<usize>> {
    let degrees: Vec<usize> = common.gates.iter().map(|gate| gate.0.degree()).collect();
    let degree_max = common.quotient_degree_factor + 1;
    let highest = degrees.last().copied().unwrap_or_default();
    let mut groups = vec![];
    if highest + degrees.len() - 1 <= degree_max {
        groups.push(0..degrees.len());
    } else {
        let mut start = 0;
        while start < degrees.len() {
            let size = degrees[start..].iter().enumerate().take_while(|(i, degree)| i + *degree < degree_max).count();
            groups.push(start..start + size);
            start += size;
        }
    }
    // plonky2 does not give its own, but writes them.
    let indices = groups.iter().enumerate().flat_map(|(group, gates)| gates.clone().map(move |_| group));
    let own = SelectorsInfo { selector_indices: indices.collect(), groups: groups.clone() };
    let [made, written] = [postcard::to_stdvec(&own), postcard::to_stdvec(&common.selectors_info)];
    assert_eq!(made, written, "groups are made in another way");
    groups
}

/// For each factor, the product of all others.
fn products_without_one(field: &mut Residues, factors: &[Extension]) -> Vec<Extension> {
    let mut running = |factors: &mut dyn Iterator<Item = &Extension>| -> Vec<Extension> {
        let mut products = vec![Extension::constant(FExt::ONE)];
        for factor in factors {
            let last = products.last().expect("the empty product");
            let next = field.extension_mul(last, factor);
            products.push(field.extension_keep_below(&next, 66));
        }
        products
    };
    let before = running(&mut factors[..factors.len() - 1].iter());
    let after = running(&mut factors[1..].iter().rev());
    let pairs = before.iter().zip(after.iter().rev());
    pairs.map(|(before, after)| field.extension_mul_reduced(before, after)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_leave_one_out() {
        let mut field = Residues::new();
        let values: Vec<FExt> = (2..7).map(|i| FExt::from_canonical_u64(i).exp_u64(9)).collect();
        let factors: Vec<Extension> = values.iter().map(|&value| field.extension_witness(value)).collect();
        let products = products_without_one(&mut field, &factors);
        for (i, product) in products.iter().enumerate() {
            let others = values.iter().enumerate().filter(|(j, _)| *j != i);
            assert_eq!(field.extension_value(product), others.map(|(_, &value)| value).product());
        }
        assert_eq!(field.r1cs.unsatisfied(), []);
    }
}
