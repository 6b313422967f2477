//! The gate that exposes the statement's values: one row whose wires equal them.
//!
//! Its constraints are wire_i − value_i, and the values are those of the proof at hand: prover and verifier put a gate with
//! the values where the circuit has one ([`with_values`]). What it does is what Plonk's public-input polynomial does, for
//! 27 values, without hashing them in the circuit. In shrink that would cost four permutations of H, which are rows, and a
//! circuit that verifies shrink 54 600 constraints for each.
//!
//! *Why it is sound.* For any values fixed beforehand this is an ordinary circuit: which row has the gate is said by the
//! selectors, which are in the verifier data, and the constraint is checked at ζ like any other. What has to be
//! prevented is a choice of values after the challenges. So the values are hashed, and the hash's digits are the four public
//! inputs of the circuit, which the transcript absorbs before anything else; the verifier does not take them from the proof
//! but computes them from the values. Inside the circuit nothing says what these four are: it is the verifier
//! that ties them to the values. A proof for other values is a proof with another transcript.
//!
//! The gate's identity has no values in it, so circuits with the gate have one common data.

use std::fmt;
use std::sync::Arc;

use plonky2::field::extension::Extendable;
use plonky2::field::types::Field;
use plonky2::gates::gate::{Gate, GateRef};
use plonky2::iop::generator::WitnessGeneratorRef;
use plonky2::iop::target::Target;
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::util::serialization::{Buffer, IoResult};
use sheaf_circuits::gates::algebra::Algebra;
use sheaf_circuits::gates::custom::{AsGate, CustomGate};
use sheaf_circuits::hash::circuit::Builder;
use sheaf_circuits::hash::{D, F};

use super::values::{PublicValues, PUBLIC_VALUES_LEN};

/// A row of given values.
#[derive(Clone)]
pub struct PublicValuesGate(PublicValues);

impl PublicValuesGate {
    /// The gate for these values.
    pub fn new(values: PublicValues) -> Self {
        Self(values)
    }

    /// The gate for no values in particular, with which circuits are built.
    fn placeholder() -> Self {
        Self(PublicValues([F::ZERO; PUBLIC_VALUES_LEN]))
    }
}

/// Without the values: identities of gates are made of this.
impl fmt::Debug for PublicValuesGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicValuesGate")
    }
}

/// Adds the row, and wires it to `values`.
pub(super) fn expose(builder: &mut Builder, values: [Target; PUBLIC_VALUES_LEN]) {
    let row = builder.add_gate(AsGate(PublicValuesGate::placeholder()), vec![]);
    for (wire, value) in values.into_iter().enumerate() {
        builder.connect(Target::wire(row, wire), value);
    }
}

/// The circuit's common data for a proof of these values.
pub fn with_values(common: &CommonCircuitData<F, D>, values: &PublicValues) -> CommonCircuitData<F, D> {
    let id = <AsGate<PublicValuesGate> as Gate<F, D>>::id(&AsGate(PublicValuesGate::placeholder()));
    let mut common = common.clone();
    for gate in common.gates.iter_mut().filter(|gate| gate.0.id() == id) {
        *gate = GateRef(Arc::new(AsGate(PublicValuesGate::new(*values))));
    }
    common
}

impl CustomGate for PublicValuesGate {
    const NAME: &'static str = "PublicValuesGate";
    const VERSION: u32 = 1;
    const DEGREE: usize = 1;

    fn parameters(&self) -> String {
        PUBLIC_VALUES_LEN.to_string()
    }

    fn num_wires(&self) -> usize {
        PUBLIC_VALUES_LEN
    }

    fn num_constraints(&self) -> usize {
        PUBLIC_VALUES_LEN
    }

    #[inline(always)]
    fn constrain<A: Algebra>(
        &self,
        algebra: &mut A,
        wire: impl Fn(usize) -> A::Value,
        mut yield_constraint: impl FnMut(A::Value),
    ) {
        for (i, &value) in self.0 .0.iter().enumerate() {
            let value = algebra.constant(value);
            yield_constraint(algebra.sub(wire(i), value));
        }
    }

    /// None: the wires are copies.
    fn generators<const N: usize>(&self, _: usize) -> Vec<WitnessGeneratorRef<F, N>>
    where
        F: Extendable<N>,
    {
        vec![]
    }

    /// The values are not the circuit's.
    fn serialize(&self, _: &mut Vec<u8>) -> IoResult<()> {
        Ok(())
    }

    fn deserialize(_: &mut Buffer) -> IoResult<Self> {
        Ok(Self::placeholder())
    }
}

#[cfg(test)]
mod tests {
    use plonky2::gates::gate_testing::{test_eval_fns, test_low_degree};
    use plonky2::hash::hash_types::HashOut;
    use plonky2::plonk::vars::EvaluationVarsBaseBatch;
    use sheaf_circuits::hash::C;

    use super::*;

    fn values() -> PublicValues {
        PublicValues(std::array::from_fn(|i| F::from_canonical_usize(i * i + 1)))
    }

    #[test]
    fn gate_has_low_degree_and_one_meaning() {
        test_low_degree::<F, _, D>(AsGate(PublicValuesGate::new(values())));
        test_eval_fns::<F, C, _, D>(AsGate(PublicValuesGate::new(values()))).unwrap();
    }

    #[test]
    fn each_value_is_constrained() {
        let gate = AsGate(PublicValuesGate::new(values()));
        let constraints = |wires: &[F]| {
            Gate::<F, D>::eval_unfiltered_base_batch(&gate, EvaluationVarsBaseBatch::new(1, &[], wires, &HashOut::ZERO))
        };
        assert!(constraints(&values().0).iter().all(F::is_zero));
        for i in 0..PUBLIC_VALUES_LEN {
            let mut wires = values().0;
            wires[i] += F::ONE;
            let broken: Vec<_> = constraints(&wires).iter().map(|constraint| !constraint.is_zero()).collect();
            assert_eq!(broken, (0..PUBLIC_VALUES_LEN).map(|j| j == i).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_identity_tells_no_values() {
        let id = |values| Gate::<F, D>::id(&AsGate(PublicValuesGate::new(values)));
        assert_eq!(id(values()), id(PublicValuesGate::placeholder().0));
    }
}
