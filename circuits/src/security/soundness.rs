//! How many bits a circuit's proofs are worth.
//!
//! # The count
//!
//! plonky2 made non-interactive: each verifier message is a hash of all before it, so what counts is the error of each
//! round, and by the union bound their sum (Block et al., eprint 2023/1071, which treats FRI and plonky2 by name).
//! A prover who tries T hashes succeeds with probability at most T times the sum. The rounds are, in plonky2's order
//! (`plonk/get_challenges.rs`), with n rows, R routed wires, p = |F| and c = `num_challenges`:
//!
//! | round | drawn from | error |
//! | --- | --- | --- |
//! | β, γ: the permutation argument | F², c times | (R·n / p)^c |
//! | α: constraints into one, c times | F, c times | (terms / p)^c |
//! | ζ: the point of the openings | F_p² | (q + 1)·n / p², q the quotient's degree factor |
//! | FRI's α: polynomials into one | F_p² | (polynomials − 1)·ε |
//! | FRI's β, one a folding by a | F_p² | (a − 1)·ε, on the folded domain |
//! | query indices, after the work | domain, s times | (1 − δ)^s / 2^work |
//!
//! - *Permutation.* For a copy constraint that does not hold, Π(w + β·id + γ) − Π(w + β·σ + γ) is a polynomial in β and
//!   γ of degree below R·n, not zero. An accumulator Z exists only if it vanishes: if no factor is zero because Z
//!   telescopes; if only a numerator is zero Z cannot return to 1; if only a denominator is, Z would have to be zero
//!   before; if both are, the difference is zero too. Each of the c pairs has its own Z, all of which must exist.
//! - *Constraints.* A constraint that fails on some row makes the sum of α^i·constraint_i on that row a nonzero
//!   polynomial in α. All c sums must vanish. A lookup argument (Sheaf has none) counts like the permutation.
//! - *ζ.* Both sides of the quotient identity have degree at most (q + 1)·n. ζ in the domain or on the rows is among
//!   the cases counted.
//! - *Work* (grinding) is done after FRI's last commitment and before the indices: it divides the error of the query
//!   phase and of nothing else.
//! - *Indices.* A recursive verifier splits an index's 64 bits without making them canonical, and elements below
//!   2^32 − 1 have two splits: 2^-32 is added to each query's error (`assert_noncanonical_indices_ok`).
//!
//! # The two regimes of ε and δ
//!
//! ε is the chance that a random point of a curve of words is δ-close to the code while the words are not together:
//! correlated agreement, |D| the domain, ρ the rate, per degree of the curve.
//!
//! - *Unique decoding*, δ = (1 − ρ)/2 − 1/|D|: ε = |D| / p² (eprint 2020/654, theorem 1.5 with 1.2). One word on the
//!   way from committed polynomials to proof: no list. The 1/|D| is there because an opening quotient of degree below
//!   n only shows a polynomial of degree at most n, whose code has one point less of distance. The folding rounds need
//!   the same for words weighted by how often their coset was consistent, and there weights cost nothing: decoding is
//!   unique, so outside the set of agreement each point spoils at most (a − 1) challenges, fewer than are counted.
//! - *Johnson*, δ = 1 − √ρ·(1 + 1/2m) for an m ≥ 3 of choice, lists of up to (m + 1/2)/√ρ words, so that the first three
//!   rounds count that often. ε = (m + 1/2)^7/(3ρ^1.5)·|D|²/p² (2020/654, theorems 6.2 and 7.2), or after 2025/2055,
//!   theorem 4.2, ((2(m + 1/2)^5 + 3(m + 1/2)·δρ)/(3ρ^1.5)·|D| + (m + 1/2)/√ρ)/p² with δ = 1 − √ρ·(1 + 1/m). The second
//!   is stated for lines; for curves it is multiplied by their degree, as `ethereum/soundcalc` does.
//!
//! The proven count is the best of the three. [`Profile::Proven`](super::Profile::Proven) rests on unique decoding
//! alone. The heuristic count, bits of rate × queries + work, is what plonky2 itself checks; it rests on a conjecture
//! that was disproved in late 2025 (eprint 2025/2010, 2025/2046), and is only given for comparison with others.

#[cfg(test)]
mod tests;

use std::fmt;

use plonky2::plonk::circuit_data::CommonCircuitData;

use crate::hash::{D, F};

/// log2 of p, the order of F, to within 2^-32.
const FIELD_BITS: f64 = 64.0;
/// log2 of the order of F_p², where FRI's challenges and ζ come from.
const EXTENSION_BITS: f64 = FIELD_BITS * D as f64;
/// The chance that a query's index has two 64-bit splits.
const AMBIGUOUS_INDEX: f64 = 1.0 / (1u64 << 32) as f64;
/// The largest m tried for the Johnson regime. More brings less than 0.01 bit a query.
const JOHNSON_M_MAX: usize = 100;

const UNIQUE_DECODING: &str = "eprint 2020/654, theorems 1.2 and 1.5";
const FIAT_SHAMIR: &str = "eprint 2023/1071";

/// What Merkle trees and the transcript are hashed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofHash {
    /// Poseidon over F: digests and the sponge's capacity are four elements.
    Goldilocks,
    /// Poseidon over BN254's scalar field: digests and the capacity are one element, of 253.6 bits.
    Bn254,
}

impl ProofHash {
    /// Bits of a digest.
    fn digest_bits(self) -> f64 {
        match self {
            Self::Goldilocks => 4.0 * FIELD_BITS,
            Self::Bn254 => 253.6,
        }
    }
}

/// What the soundness of a circuit depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// log2 of the number of rows.
    pub degree_bits: usize,
    /// log2 of 1/ρ.
    pub rate_bits: usize,
    /// Queries of FRI.
    pub queries: usize,
    /// Bits of work before the queries are drawn.
    pub work_bits: usize,
    /// log2 of the factor of each folding.
    pub arity_bits: Vec<usize>,
    /// How often each challenge of the base field is drawn.
    pub num_challenges: usize,
    /// Wires in the permutation argument.
    pub routed_wires: usize,
    /// The quotient's degree, in multiples of the number of rows.
    pub quotient_degree_factor: usize,
    /// Polynomials that FRI combines, those opened twice counted twice.
    pub batched_polynomials: usize,
    /// Constraints that α combines.
    pub vanishing_terms: usize,
    /// Whether there are lookup tables.
    pub has_lookups: bool,
    /// The hash.
    pub hash: ProofHash,
}

impl Counts {
    /// The counts of a circuit.
    pub fn of(common: &CommonCircuitData<F, D>) -> Self {
        let config = &common.config;
        let lookups = common.num_lookup_polys;
        let each_challenge = 1 + common.num_partial_products + lookups;
        let at_zeta = common.sigmas_range().end
            + config.num_wires
            + config.num_challenges * (each_challenge + common.quotient_degree_factor);
        let at_next = config.num_challenges * (1 + lookups);
        // Z(1) = 1 and one check a product; a lookup has at most four checks, one a table, and two a polynomial.
        let permutation_terms = 1 + (common.num_partial_products + 1);
        let lookup_terms = if lookups == 0 { 0 } else { 4 + common.luts.len() + 2 * lookups };
        Self {
            degree_bits: common.degree_bits(),
            rate_bits: config.fri_config.rate_bits,
            queries: config.fri_config.num_query_rounds,
            work_bits: config.fri_config.proof_of_work_bits as usize,
            arity_bits: common.fri_params.reduction_arity_bits.clone(),
            num_challenges: config.num_challenges,
            routed_wires: config.num_routed_wires,
            quotient_degree_factor: common.quotient_degree_factor,
            batched_polynomials: at_zeta + at_next,
            vanishing_terms: common.num_gate_constraints + config.num_challenges * (permutation_terms + lookup_terms),
            has_lookups: lookups != 0,
            hash: ProofHash::Goldilocks,
        }
    }

    /// The same, for proofs with another hash.
    pub fn hashed_with(self, hash: ProofHash) -> Self {
        Self { hash, ..self }
    }

    /// The soundness of a circuit with these counts.
    pub fn report(&self) -> SecurityReport {
        let mut regimes = vec![self.unique_decoding()];
        for johnson in [Self::johnson_2020, Self::johnson_2025] {
            let best = (3..=JOHNSON_M_MAX).map(|m| johnson(self, m)).max_by(|a, b| a.bits.total_cmp(&b.bits));
            regimes.extend(best);
        }
        regimes.sort_by(|a, b| b.bits.total_cmp(&a.bits));
        let best = regimes.remove(0);
        SecurityReport {
            heuristic_bits: self.heuristic_bits(),
            proven_bits: best.bits,
            regime: best.regime,
            terms: best.terms,
            others: regimes.into_iter().map(|other| (other.regime, other.bits)).collect(),
        }
    }

    /// plonky2's own count (`CircuitBuilder::check_config`), which rests on a disproved conjecture.
    fn heuristic_bits(&self) -> f64 {
        ((self.rate_bits * self.queries + self.work_bits) as f64).min(EXTENSION_BITS)
    }

    fn domain_bits(&self) -> f64 {
        (self.degree_bits + self.rate_bits) as f64
    }

    fn rate(&self) -> f64 {
        (-(self.rate_bits as f64)).exp2()
    }

    fn unique_decoding(&self) -> RegimeCount {
        let delta = (1.0 - self.rate()) / 2.0 - (-self.domain_bits()).exp2();
        self.count(Regime::UniqueDecoding, delta, 1.0, UNIQUE_DECODING, |domain_bits| domain_bits - EXTENSION_BITS)
    }

    fn johnson_2020(&self, m: usize) -> RegimeCount {
        let (half, root) = (m as f64 + 0.5, self.rate().sqrt());
        let delta = 1.0 - root * (1.0 + 0.5 / m as f64);
        let constant = half.powi(7) / (3.0 * root.powi(3));
        // The second branch is that of weighted words (theorem 7.2), over the first domain whatever the folding.
        let weighted = 2.0 * half / root;
        self.count(
            Regime::Johnson2020 { m },
            delta,
            half / root,
            "eprint 2020/654, theorems 6.2 and 7.2",
            |domain_bits| {
                (constant.log2() + 2.0 * domain_bits).max(weighted.log2() + self.domain_bits()) - EXTENSION_BITS
            },
        )
    }

    fn johnson_2025(&self, m: usize) -> RegimeCount {
        let (half, root) = (m as f64 + 0.5, self.rate().sqrt());
        let delta = 1.0 - root * (1.0 + 1.0 / m as f64);
        let constant = (2.0 * half.powi(5) + 3.0 * half * delta * self.rate()) / (3.0 * root.powi(3));
        let weighted = 2.0 * half / root;
        self.count(Regime::Johnson2025 { m }, delta, half / root, "eprint 2025/2055, theorem 4.2", |domain_bits| {
            let lines = constant * domain_bits.exp2() + half / root;
            lines.log2().max(weighted.log2() + self.domain_bits()) - EXTENSION_BITS
        })
    }

    /// All terms, for words that are `delta`-close to at most `list` codewords. `agreement` gives log2 of ε on a domain
    /// of 2^x points.
    fn count(
        &self,
        regime: Regime,
        delta: f64,
        list: f64,
        source: &'static str,
        agreement: impl Fn(f64) -> f64,
    ) -> RegimeCount {
        let c = self.num_challenges;
        let (n, list_bits) = (self.degree_bits, list.log2());
        let each_of = |error_bits: f64| c as f64 * (FIELD_BITS - error_bits) - list_bits;
        let log2 = |count: usize| (count as f64).log2();
        let mut terms = Vec::new();
        let mut term = |name, bits, formula, source| terms.push(Term { name, bits, formula, source });

        let permutation = each_of(log2(self.routed_wires) + n as f64);
        let formula = format!("({}·2^{n} / p)^{c}", self.routed_wires);
        term("permutation", permutation, formula.clone(), FIAT_SHAMIR);
        if self.has_lookups {
            term("lookups", permutation, formula, FIAT_SHAMIR);
        }
        let formula = format!("({} / p)^{c}", self.vanishing_terms);
        term("constraints", each_of(log2(self.vanishing_terms)), formula, FIAT_SHAMIR);
        let identity = self.quotient_degree_factor + 1;
        let bits = EXTENSION_BITS - log2(identity) - n as f64 - list_bits;
        term("out of domain", bits, format!("{identity}·2^{n} / p²"), FIAT_SHAMIR);

        let degree = self.batched_polynomials - 1;
        let bits = -log2(degree) - agreement(self.domain_bits());
        term("combination", bits, format!("{degree}·ε(2^{})", self.domain_bits()), source);
        let mut folded_bits = self.domain_bits();
        let mut folding = 0.0;
        for &arity_bits in &self.arity_bits {
            folded_bits -= arity_bits as f64;
            folding += (log2((1 << arity_bits) - 1) + agreement(folded_bits)).exp2();
        }
        term("folding", -folding.log2(), format!("Σ (2^a − 1)·ε, a = {:?}", self.arity_bits), source);
        let miss = 1.0 - delta + AMBIGUOUS_INDEX;
        let bits = -miss.log2() * self.queries as f64 + self.work_bits as f64;
        term("queries", bits, format!("{miss:.4}^{} / 2^{}", self.queries, self.work_bits), source);
        let digest_bits = self.hash.digest_bits();
        term("hash", digest_bits / 2.0, format!("collisions of {digest_bits} bits"), "birthday bound");

        RegimeCount { regime, bits: sum_bits(&terms), terms }
    }
}

/// −log2 of the sum of the errors.
fn sum_bits(terms: &[Term]) -> f64 {
    let error: f64 = terms.iter().map(|term| (-term.bits).exp2()).sum();
    -error.log2()
}

/// The soundness of `common`'s circuit, hashed with Poseidon over F.
pub fn soundness(common: &CommonCircuitData<F, D>) -> SecurityReport {
    Counts::of(common).report()
}

struct RegimeCount {
    regime: Regime,
    bits: f64,
    terms: Vec<Term>,
}

/// Up to which distance words are taken to be near the code, and by whose bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Regime {
    /// Half the distance of the code: one codeword at most.
    UniqueDecoding,
    /// Up to the Johnson radius, by eprint 2020/654, with multiplicity m.
    Johnson2020 {
        /// The multiplicity that gives the most bits.
        m: usize,
    },
    /// Up to the Johnson radius, by eprint 2025/2055, with multiplicity m.
    Johnson2025 {
        /// The multiplicity that gives the most bits.
        m: usize,
    },
}

impl fmt::Display for Regime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UniqueDecoding => f.write_str("unique decoding"),
            Self::Johnson2020 { m } => write!(f, "Johnson (2020/654, m = {m})"),
            Self::Johnson2025 { m } => write!(f, "Johnson (2025/2055, m = {m})"),
        }
    }
}

/// One summand of the soundness error.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// Which round it is.
    pub name: &'static str,
    /// −log2 of the error.
    pub bits: f64,
    /// The error, with numbers put in, but for a list's size.
    pub formula: String,
    /// Where the formula comes from.
    pub source: &'static str,
}

/// How sound a circuit's proofs are.
#[derive(Clone, Debug, PartialEq)]
pub struct SecurityReport {
    /// The old count, by a disproved conjecture: for comparison only.
    pub heuristic_bits: f64,
    /// −log2 of the sum of [`Self::terms`].
    pub proven_bits: f64,
    /// The regime that proves most.
    pub regime: Regime,
    /// The summands of the error in that regime.
    pub terms: Vec<Term>,
    /// What the other regimes prove, in bits, best first.
    pub others: Vec<(Regime, f64)>,
}

impl SecurityReport {
    /// The report with one more summand: an argument that the circuit itself makes, over challenges of its own.
    pub fn with(mut self, term: Term) -> Self {
        self.terms.push(term);
        self.proven_bits = sum_bits(&self.terms);
        self
    }

    /// The bits of one term.
    pub fn term_bits(&self, name: &str) -> Option<f64> {
        self.terms.iter().find(|term| term.name == name).map(|term| term.bits)
    }
}

impl fmt::Display for SecurityReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "proven {:.1} bits by {} (heuristic {})", self.proven_bits, self.regime, self.heuristic_bits)?;
        for term in &self.terms {
            writeln!(f, "  {:<14} {:>6.1}  {:<28} {}", term.name, term.bits, term.formula, term.source)?;
        }
        for (regime, bits) in &self.others {
            writeln!(f, "  by {regime}: {bits:.1} bits")?;
        }
        Ok(())
    }
}
