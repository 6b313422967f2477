//! FRI's queries: that the polynomials which were opened at ζ and g·ζ are close to what was committed to.
//!
//! For each query, with x the point of its index in the domain:
//!
//! ```text
//!   v = Σ α^i · leaf_i over all polynomials, w over those that are opened at g·ζ
//!   E = α^|w| · (v − v(ζ)) / (x − ζ) + (w − w(g·ζ)) / (x − g·ζ)
//!   E is the entry of the first layer's leaf that the index says; the leaf is folded at β into the next entry; …
//!   the last folding is the final polynomial's value
//! ```
//!
//! *Without division.* E·(x − ζ)·(x − g·ζ) = …: a ζ on the domain, for which this says nothing, has a chance of 2^-110 and
//! is counted among ζ's cases.
//!
//! *Folding.* A leaf has the values on a coset s·⟨ω⟩. Its polynomial's coefficients, scaled by powers of s, are an inverse
//! Fourier transform with constant roots, thus free; then comes a polynomial in β/s. Powers of β/s beyond the third are
//! saved by doing it four values at a time.

use plonky2::field::types::Field;
use plonky2::fri::FriParams;
use sheaf_circuits::hash::F;

use super::extension::Extension;
use super::field::{Residue, Residues};
use super::hash::Hashes;
use super::r1cs::Linear;

/// Powers of α in one block.
const BLOCK: usize = 16;
/// Values that are folded at a time.
const FOLD_BITS: usize = 2;
/// Bits of an index whose factor of x is looked up at a time.
const WINDOW: usize = 3;

/// What all queries share.
pub struct Shared<'a> {
    /// Parameters.
    pub params: &'a FriParams,
    /// Roots of the trees of constants and σ, wires, Z and partial products, quotients: cap entries, each of as many
    /// elements as its level has.
    pub caps: &'a [Vec<Vec<Linear>>; 4],
    /// Roots of the layers' trees.
    pub layer_caps: &'a [Vec<Vec<Linear>>],
    /// Powers of α.
    pub alpha: AlphaPowers,
    /// α^|w| · v(ζ) and w(g·ζ), reduced.
    pub opened: [Extension; 2],
    /// ζ.
    pub zeta: &'a Extension,
    /// The quadratic (x − ζ)·(x − g·ζ) = x² − linear·x + constant, both reduced.
    pub denominator: [Extension; 2],
    /// Generator of the rows, g.
    pub next: F,
    /// β of each layer, reduced.
    pub betas: &'a [Extension],
    /// The final polynomial, the constant first.
    pub final_polynomial: &'a [Extension],
    /// How many of the third tree's polynomials, the first, are opened at g·ζ.
    pub next_count: usize,
}

/// Powers of α, for sums of more than `BLOCK` terms times α^shift.
pub struct AlphaPowers {
    low: Vec<Extension>,
    high: Vec<Extension>,
}

impl AlphaPowers {
    /// Powers for sums of up to `count` terms, shifted by α^`shift` where `shift` < `BLOCK`.
    pub fn new(field: &mut Residues, alpha: &Extension, shift: usize, count: usize) -> Self {
        assert!(shift < BLOCK, "a shift of {shift}");
        let low = field.extension_powers(alpha, BLOCK + 1);
        let mut high = vec![low[shift].clone()];
        while high.len() < count.div_ceil(BLOCK) {
            let next = field.extension_mul_reduced(&high[high.len() - 1].clone(), &low[BLOCK]);
            high.push(next);
        }
        Self { low, high }
    }

    /// Σ α^(shift + i) · term_i of elements of F.
    fn combine_base(&self, field: &mut Residues, terms: &[Residue]) -> Extension {
        self.combine(field, terms, |field, power, term| field.extension_mul_base(power, term))
    }

    /// The same of elements of F_p².
    pub fn combine_extension(&self, field: &mut Residues, terms: &[Extension]) -> Extension {
        self.combine(field, terms, |field, power, term| field.extension_mul(power, term))
    }

    fn combine<T>(
        &self,
        field: &mut Residues,
        terms: &[T],
        mul: impl Fn(&mut Residues, &Extension, &T) -> Extension,
    ) -> Extension {
        assert!(terms.len() <= BLOCK * self.high.len(), "a power for each of {} terms", terms.len());
        let mut sum = Extension::default();
        for (block, high) in terms.chunks(BLOCK).zip(&self.high) {
            let part = self.combine_low(field, block, &mul);
            sum = sum.add(&field.extension_mul(&part, high));
        }
        sum
    }

    /// Σ α^i · term_i of few.
    fn combine_low<T>(
        &self,
        field: &mut Residues,
        terms: &[T],
        mul: &impl Fn(&mut Residues, &Extension, &T) -> Extension,
    ) -> Extension {
        assert!(terms.len() <= self.low.len(), "a power for each of {} terms", terms.len());
        terms.iter().zip(&self.low).fold(Extension::default(), |sum, (term, power)| sum.add(&mul(field, power, term)))
    }

    /// Σ α^i · term_i of few elements of F_p².
    pub fn combine_few(&self, field: &mut Residues, terms: &[Extension]) -> Extension {
        self.combine_low(field, terms, &|field: &mut Residues, power: &Extension, term: &Extension| {
            field.extension_mul(power, term)
        })
    }
}

/// A leaf and its path: values as the proof has them.
#[derive(Clone)]
pub struct Opening<T> {
    /// The leaf.
    pub leaf: Vec<T>,
    /// Siblings from the leaf up.
    pub siblings: Vec<Vec<Linear>>,
}

/// One query of a proof.
#[derive(Clone)]
pub struct Query {
    /// Leaves of the four trees.
    pub initial: [Opening<Residue>; 4],
    /// Leaves of the layers.
    pub layers: Vec<Opening<Extension>>,
}

/// Constrains one query, `index` being its bits, the lowest first.
pub fn check_query(field: &mut Residues, hashes: &Hashes, shared: &Shared, index: &[Linear], query: &Query) {
    field.r1cs.part("leaves and paths");
    for (opening, cap) in query.initial.iter().zip(shared.caps) {
        let leaf: Vec<Linear> = opening.leaf.iter().map(Residue::linear).collect();
        check_path(field, hashes, &leaf, index, &opening.siblings, cap);
    }
    let mut position = index;
    for (i, (opening, cap)) in query.layers.iter().zip(shared.layer_caps).enumerate() {
        position = &position[shared.params.reduction_arity_bits[i]..];
        let leaf: Vec<Linear> = opening.leaf.iter().flat_map(|value| value.0.each_ref().map(Residue::linear)).collect();
        check_path(field, hashes, &leaf, position, &opening.siblings, cap);
    }

    field.r1cs.part("folding");
    let arities = &shared.params.reduction_arity_bits;
    let first_arity = arities.first().copied().unwrap_or_default();
    // Inverses are what folding needs: of the start of each coset, then of the next layer's point.
    let mut inverse = inverse_start(field, shared.params.lde_bits(), index, first_arity);
    let start = invert(field, &inverse);
    let x = within_coset(field, &start, &index[..first_arity]);
    let mut expected = Combined::new(field, shared, &x, query);
    let mut position = index;
    for (i, (opening, &arity_bits)) in query.layers.iter().zip(arities).enumerate() {
        let (within, rest) = position.split_at(arity_bits);
        if i > 0 {
            inverse = within_coset(field, &inverse, within);
        }
        let entry = field.extension_select_many(within, &opening.leaf);
        expected.check(field, &entry);
        let ratio = field.extension_mul_base(&shared.betas[i], &inverse);
        let ratio = field.extension_reduce(&ratio);
        expected = Combined::Folded(fold(field, &opening.leaf, &ratio));
        inverse = (0..arity_bits).fold(inverse, |power, _| square(field, &power));
        position = rest;
    }
    let last = if arities.is_empty() { x } else { invert(field, &inverse) };
    let value = evaluate(field, shared.final_polynomial, &last);
    expected.check(field, &value);
}

/// What a layer's entry has to be.
enum Combined {
    /// E with E · denominator = numerator.
    Quotient { numerator: Extension, denominator: Extension },
    /// The value that the layer before is folded to.
    Folded(Extension),
}

impl Combined {
    fn new(field: &mut Residues, shared: &Shared, x: &Residue, query: &Query) -> Self {
        field.r1cs.part("polynomials combined");
        let all: Vec<Residue> = query.initial.iter().flat_map(|opening| opening.leaf.iter().cloned()).collect();
        let next = &query.initial[2].leaf[..shared.next_count];
        let v = shared.alpha.combine_base(field, &all).sub(&shared.opened[0]);
        let v = field.extension_reduce(&v);
        let mul = |field: &mut Residues, power: &Extension, term: &Residue| field.extension_mul_base(power, term);
        let w = shared.alpha.combine_low(field, next, &mul).sub(&shared.opened[1]);
        let at = |point: &Extension| Extension::from_base(x.clone()).sub(point);
        let (at_zeta, at_next) = (at(shared.zeta), at(&shared.zeta.scale(shared.next)));
        let numerator = field.extension_mul(&v, &at_next).add(&field.extension_mul(&w, &at_zeta));
        let [linear, constant] = &shared.denominator;
        let squared = field.mul(x, x);
        let denominator = Extension::from_base(squared).sub(&field.extension_mul_base(linear, x)).add(constant);
        field.r1cs.part("folding");
        Self::Quotient { numerator, denominator }
    }

    fn check(&self, field: &mut Residues, entry: &Extension) {
        let difference = match self {
            Self::Quotient { numerator, denominator } => field.extension_mul(entry, denominator).sub(numerator),
            Self::Folded(value) => entry.sub(value),
        };
        field.extension_assert_zero(&difference);
    }
}

fn check_path(
    field: &mut Residues,
    hashes: &Hashes,
    leaf: &[Linear],
    index: &[Linear],
    siblings: &[Vec<Linear>],
    cap: &[Vec<Linear>],
) {
    let digest = hashes.leaf(&mut field.r1cs, leaf);
    let (path, top) = index.split_at(siblings.len());
    let root = hashes.climb(&mut field.r1cs, digest, path, siblings);
    for (i, element) in root.iter().enumerate() {
        let entries: Vec<Linear> = cap.iter().map(|entry| entry[i].clone()).collect();
        let entry = field.r1cs.select_many(top, &entries);
        field.r1cs.assert_equal(element, &entry);
    }
}

/// 1 / (g·ω^rev(index)), where the index' lowest `skip` bits are taken to be 0; reduced.
fn inverse_start(field: &mut Residues, domain_bits: usize, index: &[Linear], skip: usize) -> Residue {
    let root = F::primitive_root_of_unity(domain_bits).inverse();
    let mut product = Residue::constant(F::MULTIPLICATIVE_GROUP_GENERATOR.inverse());
    for (window, bits) in index[skip..].chunks(WINDOW).enumerate() {
        let first = skip + WINDOW * window;
        // Bit i of the index is bit (domain_bits − 1 − i) of the exponent.
        let entry = |bits: usize, count: usize| {
            (0..count)
                .filter(|j| bits >> j & 1 == 1)
                .map(|j| root.exp_power_of_2(domain_bits - 1 - first - j))
                .product()
        };
        let entries: Vec<F> = (0..1 << bits.len()).map(|set| entry(set, bits.len())).collect();
        let factor = lookup(field, bits, &entries);
        product = field.mul(&product, &factor);
        // Another factor, of at most 66 bits, still fits.
        product = field.keep_below(&product, 184);
    }
    field.reduce(&product)
}

/// `start` · ω^rev(bits), for ω of order 2^bits: from the start of a coset to the point that the bits say, and from the
/// inverse of the point to that of the start. Reduced.
fn within_coset(field: &mut Residues, start: &Residue, bits: &[Linear]) -> Residue {
    let root = F::primitive_root_of_unity(bits.len());
    let entries: Vec<F> = (0..1 << bits.len()).map(|i| root.exp_u64(reverse_bits(i, bits.len()) as u64)).collect();
    let factor = lookup(field, bits, &entries);
    let product = field.mul(start, &factor);
    field.reduce(&product)
}

/// The constant that the bits say: one constraint for each product of two bits or more.
fn lookup(field: &mut Residues, bits: &[Linear], entries: &[F]) -> Residue {
    // Σ over sets of bits: coefficient · product, the coefficients by inclusion and exclusion.
    let mut coefficients = entries.to_vec();
    for bit in 0..bits.len() {
        for set in 0..entries.len() {
            if set >> bit & 1 == 1 {
                let without = coefficients[set ^ 1 << bit];
                coefficients[set] -= without;
            }
        }
    }
    let mut products: Vec<Residue> = vec![Residue::constant(F::ONE)];
    for bit in bits {
        let bit = field.boolean_residue(bit);
        let with: Vec<Residue> = products.iter().map(|product| field.mul(product, &bit)).collect();
        products.extend(with);
    }
    let terms = products.iter().zip(&coefficients);
    terms.fold(Residue::default(), |sum, (product, &coefficient)| sum.add_scaled(product, coefficient))
}

/// The lowest `bits` bits of `value`, in reverse.
fn reverse_bits(value: usize, bits: usize) -> usize {
    (0..bits).fold(0, |reversed, i| reversed << 1 | value >> i & 1)
}

/// 1/x of a reduced x, reduced.
fn invert(field: &mut Residues, x: &Residue) -> Residue {
    let inverse = field.witness(field.value(x).try_inverse().unwrap_or_default());
    let product = field.mul(x, &inverse);
    field.assert_zero(&product.add_constant(F::NEG_ONE));
    inverse
}

fn square(field: &mut Residues, x: &Residue) -> Residue {
    let square = field.mul(x, x);
    field.reduce(&square)
}

/// The value at β of the polynomial with the values `leaf` on s·⟨ω⟩, in bit-reversed order; `ratio` is β/s.
///
/// In the order of the leaf, neighbours are ω^{n/2} apart, so the first 2^k of them are a coset of their own: fold each
/// such run, then what comes out, at ratio^{2^k}.
fn fold(field: &mut Residues, leaf: &[Extension], ratio: &Extension) -> Extension {
    let bits = leaf.len().trailing_zeros() as usize;
    let step = bits.min(FOLD_BITS);
    let powers = field.extension_powers(ratio, 1 << step);
    let run = 1 << step;
    let folded: Vec<Extension> = leaf
        .chunks(run)
        .enumerate()
        .map(|(i, values)| {
            // The run starts at s·ω^rev(i).
            let start = F::primitive_root_of_unity(bits).exp_u64(reverse_bits(i, bits - step) as u64);
            interpolate(field, values, start, &powers)
        })
        .collect();
    if folded.len() == 1 {
        return folded.into_iter().next().expect("one");
    }
    let folded: Vec<Extension> = folded.iter().map(|value| field.extension_reduce(value)).collect();
    let mut power = powers[run / 2].clone();
    power = field.extension_square(&power);
    power = field.extension_reduce(&power);
    fold(field, &folded, &power)
}

/// Σ_k coefficient_k · (ratio/start)^k, the coefficients those of the polynomial with `values` on ⟨ω⟩ in bit-reversed
/// order.
fn interpolate(field: &mut Residues, values: &[Extension], start: F, powers: &[Extension]) -> Extension {
    let bits = values.len().trailing_zeros() as usize;
    let root = F::primitive_root_of_unity(bits).inverse();
    let scale = F::from_canonical_usize(values.len()).inverse();
    let mut sum = Extension::default();
    for (k, power) in powers.iter().enumerate() {
        let start = start.inverse().exp_u64(k as u64) * scale;
        let coefficient = values.iter().enumerate().fold(Extension::default(), |sum, (i, value)| {
            sum.add_scaled(value, root.exp_u64((reverse_bits(i, bits) * k) as u64) * start)
        });
        sum = sum.add(&field.extension_mul(&coefficient, power));
    }
    sum
}

/// A polynomial's value at an element of F: coefficients in rows, so that few powers are needed.
fn evaluate(field: &mut Residues, polynomial: &[Extension], x: &Residue) -> Extension {
    let row = 1 << (polynomial.len().trailing_zeros().div_ceil(2));
    let powers = field.powers(x, row + 1);
    let step = powers[row].clone();
    let mut shift = Residue::constant(F::ONE);
    let mut sum = Extension::default();
    for (i, coefficients) in polynomial.chunks(row).enumerate() {
        let part = coefficients.iter().zip(&powers).fold(Extension::default(), |sum, (coefficient, power)| {
            sum.add(&field.extension_mul_base(coefficient, power))
        });
        sum = sum.add(&field.extension_mul_base(&part, &shift));
        if row * (i + 1) < polynomial.len() {
            shift = field.mul(&shift, &step);
            shift = field.reduce(&shift);
        }
    }
    sum
}
