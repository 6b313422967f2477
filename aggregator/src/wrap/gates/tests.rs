//! Each gate beside plonky2's own evaluation, at random points.

use plonky2::field::types::Sample;
use plonky2::gates::gate::Gate;
use plonky2::hash::hash_types::HashOut;
use plonky2::plonk::circuit_data::CircuitConfig;
use plonky2::plonk::vars::EvaluationVars;
use sheaf_circuits::availability::FExt;

use super::*;

fn config() -> CircuitConfig {
    CircuitConfig { num_routed_wires: 40, ..CircuitConfig::standard_recursion_config() }
}

/// Gives the constraints that the gate took.
fn assert_twin(gate: impl Gate<F, D>) -> usize {
    let (wires, constants) = (FExt::rand_vec(config().num_wires), FExt::rand_vec(4));
    let public_inputs = HashOut::rand();
    let vars = EvaluationVars { local_constants: &constants, local_wires: &wires, public_inputs_hash: &public_inputs };
    let expected = gate.eval_unfiltered(vars);

    let mut field = Residues::new();
    let mut allocate =
        |values: &[FExt]| -> Vec<Extension> { values.iter().map(|&value| field.extension_witness(value)).collect() };
    let (wires, constants) = (allocate(&wires), allocate(&constants));
    let public_inputs = public_inputs.elements.map(|element| field.witness(element));
    let before = field.r1cs.constraints();
    let gate = GateRef::new(gate);
    let at = Point { constants: &constants, wires: &wires, public_inputs: &public_inputs, values: &[] };
    let got = constraints(&mut field, &gate, &at);
    let got: Vec<FExt> = got.iter().map(|constraint| field.extension_value(constraint)).collect();
    assert_eq!(got, expected, "{}", gate.0.id());
    assert_eq!(field.r1cs.unsatisfied_by(field.r1cs.assignment()).count(), 0, "{}", gate.0.id());
    field.r1cs.constraints() - before
}

/// The gate with intermediate values. plonky2 makes it for itself only, so it is made from one that can be had.
fn coset_interpolation(subgroup_bits: usize, degree: usize) -> CosetInterpolationGate<F, D> {
    let mut gate = CosetInterpolationGate::new(subgroup_bits);
    gate.degree = degree;
    gate
}

/// Constraints of each gate, exact.
#[test]
fn gates_are_as_plonky2_has_them() {
    let config = &config();
    let counts = [
        ("noop", assert_twin(NoopGate), 0),
        ("public input", assert_twin(PublicInputGate), 0),
        ("constant", assert_twin(ConstantGate::new(2)), 0),
        ("arithmetic", assert_twin(ArithmeticGate::new_from_config(config)), 2_710),
        ("arithmetic extension", assert_twin(ArithmeticExtensionGate::<D>::new_from_config(config)), 2_780),
        ("multiplication extension", assert_twin(MulExtensionGate::<D>::new_from_config(config)), 3_300),
        ("base sum", assert_twin(BaseSumGate::<2>::new_from_config::<F>(config)), 78),
        ("random access", assert_twin(RandomAccessGate::<F, D>::new_from_config(config, 4)), 7_498),
        ("reducing", assert_twin(ReducingGate::<D>::new(22)), 264),
        ("reducing extension", assert_twin(ReducingExtensionGate::<D>::new(17)), 204),
        ("coset interpolation of 16", assert_twin(CosetInterpolationGate::<F, D>::new(4)), 18_008),
        ("coset interpolation of 16, degree 6", assert_twin(coset_interpolation(4, 6)), 15_576),
        ("coset interpolation of 8, degree 4", assert_twin(coset_interpolation(3, 4)), 5_676),
        ("random access of 4", assert_twin(RandomAccessGate::<F, D>::new_from_config(config, 2)), 3246),
        ("coset interpolation of 8", assert_twin(CosetInterpolationGate::<F, D>::new(3)), 8_132),
        ("poseidon", assert_twin(PoseidonGate::<F, D>::new()), 93_990),
        ("poseidon mds", assert_twin(PoseidonMdsGate::<F, D>::new()), 0),
    ];
    for (name, got, expected) in counts {
        assert_eq!(got, expected, "{name}");
    }
}
