//! What all layers after the join have in common: the parameters of their role, its number of rows, a fixed list of gates,
//! and a domain separator.
//!
//! *squeeze 3* and *shrink* have to come out with the same common data for every program, profile, and set of circuits,
//! because the circuit that verifies shrink has its common data compiled in. The verifiers of proofs use the same gates
//! whatever they verify, but for two that depend on how full they are, no-ops and constants, which are therefore
//! always added. *exit* stands in the place of squeeze 3 and verifies no proof, so it is given the others. A test compares.

use plonky2::gates::arithmetic_base::ArithmeticGate;
use plonky2::gates::arithmetic_extension::ArithmeticExtensionGate;
use plonky2::gates::base_sum::BaseSumGate;
use plonky2::gates::constant::ConstantGate;
use plonky2::gates::coset_interpolation::CosetInterpolationGate;
use plonky2::gates::gate::GateRef;
use plonky2::gates::multiplication_extension::MulExtensionGate;
use plonky2::gates::noop::NoopGate;
use plonky2::gates::poseidon::PoseidonGate;
use plonky2::gates::poseidon_mds::PoseidonMdsGate;
use plonky2::gates::random_access::RandomAccessGate;
use plonky2::gates::reducing::ReducingGate;
use plonky2::gates::reducing_extension::ReducingExtensionGate;
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::{CircuitData, CommonCircuitData};
use plonky2::plonk::config::{AlgebraicHasher, GenericConfig, Hasher};
use sheaf_circuits::hash::circuit::Builder;
use sheaf_circuits::hash::{D, F};
use sheaf_circuits::security::soundness::{Counts, ProofHash};
use sheaf_circuits::security::{Profile, Role, SHRINK_BITS};
use sheaf_circuits::separator;

use super::shelf::Shelf;
use super::BuildError;

/// A built layer.
pub(super) struct Framed<K: GenericConfig<D, F = F>, T> {
    pub data: CircuitData<F, K, D>,
    /// Rows in use, without the no-ops that fill it up; those that hold constants come on top.
    pub rows: usize,
    pub target: T,
}

/// Builds a layer of `role` with the statement that `add` adds, or takes it from the shelf; `name` carries the statement's
/// version.
pub(super) fn build<K: GenericConfig<D, F = F> + 'static, T>(
    role: Role,
    name: &str,
    shelf: &Shelf,
    add: impl Fn(&mut Builder) -> T,
) -> Result<Framed<K, T>, BuildError>
where
    K::InnerHasher: AlgebraicHasher<F>,
    K::Hasher: Hasher<F>,
{
    let (builder, rows, target) = filled(role, &add)?;
    if let Some(data) = shelf.circuit(role) {
        check(role, rows, &data.common)?;
        return Ok(Framed { data, rows, target });
    }
    // The gates are known after a build, and are in the separator, which is set before one.
    let gates = separator::gate_ids(&builder.mock_build::<K>().common);

    let (mut builder, _, target) = filled(role, &add)?;
    builder.set_domain_separator(separator::separator(role, name, &builder.config, &gates));
    let data = builder.build::<K>();
    check(role, rows, &data.common)?;
    separator::check(&data.common, &gates).map_err(|source| BuildError::Gates { role, source })?;
    Ok(Framed { data, rows, target })
}

/// The common data of a layer, and its rows in use, without building it.
#[cfg(test)]
pub(super) fn common<K: GenericConfig<D, F = F>, T>(
    role: Role,
    add: impl Fn(&mut Builder) -> T,
) -> Result<(CommonCircuitData<F, D>, usize), BuildError> {
    let (builder, rows, _) = filled(role, &add)?;
    let common = builder.mock_build::<K>().common;
    check(role, rows, &common)?;
    Ok((common, rows))
}

/// The soundness counts of a layer with this common data.
pub(super) fn counts_of(role: Role, common: &CommonCircuitData<F, D>) -> Counts {
    Counts::of(common).hashed_with(hash(role))
}

fn hash(role: Role) -> ProofHash {
    match role {
        Role::Shrink => ProofHash::Bn254,
        _ => ProofHash::Goldilocks,
    }
}

/// The soundness counts of the layer of `role`, without building it: all circuits of a role have the same.
///
/// # Panics
///
/// When `role` is not one of [`Role::AFTER_JOIN`].
pub fn layer_counts(role: Role) -> Counts {
    let config = Profile::Proven.circuit_config(role);
    let degree_bits = role.fixed_degree_bits().expect("a layer after the join");
    // Pinned: the selectors depend on which gates there are.
    let selectors_and_constants = match role {
        Role::Squeeze2 | Role::Shrink => 6,
        _ => 5,
    };
    let (c, factor) = (config.num_challenges, config.max_quotient_degree_factor);
    let products = config.num_routed_wires.div_ceil(factor);
    let at_zeta = selectors_and_constants + config.num_routed_wires + config.num_wires + c * (products + factor);
    Counts {
        degree_bits,
        rate_bits: config.fri_config.rate_bits,
        queries: config.fri_config.num_query_rounds,
        work_bits: config.fri_config.proof_of_work_bits as usize,
        arity_bits: config.fri_config.fri_params(degree_bits, false).reduction_arity_bits,
        num_challenges: c,
        routed_wires: config.num_routed_wires,
        quotient_degree_factor: factor,
        batched_polynomials: at_zeta + c,
        // Poseidon's gate has the most constraints.
        vanishing_terms: 123 + c * (1 + products),
        has_lookups: false,
        hash: hash(role),
    }
}

/// The gates of a circuit that verifies a squeeze's proof, for one that verifies none and is to have the same common data.
/// Those that every circuit has are left out.
pub(super) fn add_verifier_gates(builder: &mut Builder) {
    let config = builder.config.clone();
    let (wires, routed) = (config.num_wires, config.num_routed_wires);
    let arity_bits = 4;
    let mut interpolation = CosetInterpolationGate::new(arity_bits);
    // The least degree with as few intermediate values as degree 8 needs, which is how plonky2's verifier chooses it.
    interpolation.degree = 6;
    let gates = [
        GateRef::new(ArithmeticGate::new_from_config(&config)),
        GateRef::new(ArithmeticExtensionGate::new_from_config(&config)),
        GateRef::new(MulExtensionGate::new_from_config(&config)),
        GateRef::new(BaseSumGate::<2>::new_from_config::<F>(&config)),
        GateRef::new(ReducingGate::new(ReducingGate::<D>::max_coeffs_len(wires, routed))),
        GateRef::new(ReducingExtensionGate::new(ReducingExtensionGate::<D>::max_coeffs_len(wires, routed))),
        GateRef::new(RandomAccessGate::new_from_config(&config, config.fri_config.cap_height)),
        GateRef::new(interpolation),
        GateRef::new(PoseidonGate::new()),
        GateRef::new(PoseidonMdsGate::new()),
    ];
    gates.into_iter().for_each(|gate| builder.add_gate_to_gate_set(gate));
}

/// A builder with the statement, its rows, the gates that every layer has, and filled up.
fn filled<T>(role: Role, add: impl Fn(&mut Builder) -> T) -> Result<(Builder, usize, T), BuildError> {
    let degree_bits = role.fixed_degree_bits().expect("layers after the join have a fixed number of rows");
    // After the join the profile makes no difference.
    let mut builder = CircuitBuilder::new(Profile::Proven.circuit_config(role));
    let target = add(&mut builder);
    let rows = builder.num_gates();
    let constants = builder.config.num_constants;
    builder.add_gate_to_gate_set(GateRef::new(NoopGate));
    builder.add_gate_to_gate_set(GateRef::new(ConstantGate::new(constants)));
    // One row more than half, and building doubles to the next power of two.
    while builder.num_gates() <= 1 << (degree_bits - 1) {
        builder.add_gate(NoopGate, vec![]);
    }
    Ok((builder, rows, target))
}

fn check(role: Role, rows: usize, common: &CommonCircuitData<F, D>) -> Result<(), BuildError> {
    let max_bits = role.fixed_degree_bits().expect("checked when filled");
    if common.degree_bits() != max_bits {
        return Err(BuildError::TooManyRows { role, rows, max: 1 << max_bits });
    }
    let bits = counts_of(role, common).report().proven_bits;
    if bits < SHRINK_BITS as f64 {
        return Err(BuildError::TooWeak { role, bits });
    }
    Ok(())
}
