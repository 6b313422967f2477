//! What Sheaf's gates have in common: plonky2's `Gate`, implemented once.
//!
//! A gate here says its size, its constraints over any [`Algebra`], and how an honest prover fills its
//! wires ([`CustomGate`]); [`AsGate`] makes a plonky2 gate of it.

use plonky2::field::extension::Extendable;
use plonky2::field::goldilocks_field::GoldilocksField as F;
use plonky2::field::packed::PackedField;
use plonky2::gates::gate::Gate;
use plonky2::gates::packed_util::PackedEvaluableBase;
use plonky2::gates::util::StridedConstraintConsumer;
use plonky2::iop::ext_target::ExtensionTarget;
use plonky2::iop::generator::WitnessGeneratorRef;
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::plonk::vars::{
    EvaluationTargets, EvaluationVars, EvaluationVarsBase, EvaluationVarsBaseBatch, EvaluationVarsBasePacked,
};
use plonky2::util::serialization::{Buffer, IoResult};

use super::algebra::{Algebra, Extension, Packed, Recursive};

/// A gate over the Goldilocks field, without selectors or constants of its own.
pub trait CustomGate: Clone + Send + Sync + 'static {
    /// The gate's name.
    const NAME: &'static str;
    /// Raised by every change of what the constraints accept or of where the wires lie: a circuit's
    /// digest covers a gate's id, but not its constraints.
    const VERSION: u32;
    /// The highest degree of a constraint.
    const DEGREE: usize;

    /// What tells two gates of this name apart, for the id.
    fn parameters(&self) -> String;
    /// How many wires it has, routed ones first.
    fn num_wires(&self) -> usize;
    /// How many constraints [`Self::constrain`] yields.
    fn num_constraints(&self) -> usize;

    /// Yields all constraints, each zero on an honest row. `wire` gives the values of the row's wires.
    fn constrain<A: Algebra>(
        &self,
        algebra: &mut A,
        wire: impl Fn(usize) -> A::Value,
        yield_constraint: impl FnMut(A::Value),
    );

    /// The generators that fill the wires of `row`.
    fn generators<const D: usize>(&self, row: usize) -> Vec<WitnessGeneratorRef<F, D>>
    where
        F: Extendable<D>;

    /// Writes the parameters.
    fn serialize(&self, dst: &mut Vec<u8>) -> IoResult<()>;
    /// Reads the parameters.
    fn deserialize(src: &mut Buffer) -> IoResult<Self>;
}

/// A [`CustomGate`] as a gate of plonky2.
#[derive(Clone, Debug, Default)]
pub struct AsGate<G>(pub G);

impl<G: CustomGate, const D: usize> Gate<F, D> for AsGate<G>
where
    F: Extendable<D>,
{
    fn id(&self) -> String {
        format!("sheaf.{} v{} {}", G::NAME, G::VERSION, self.0.parameters())
    }

    fn serialize(&self, dst: &mut Vec<u8>, _: &CommonCircuitData<F, D>) -> IoResult<()> {
        self.0.serialize(dst)
    }

    fn deserialize(src: &mut Buffer, _: &CommonCircuitData<F, D>) -> IoResult<Self> {
        G::deserialize(src).map(Self)
    }

    fn eval_unfiltered(&self, vars: EvaluationVars<F, D>) -> Vec<<F as Extendable<D>>::Extension> {
        let mut constraints = Vec::with_capacity(self.0.num_constraints());
        self.0.constrain(&mut Extension::<D>, |wire| vars.local_wires[wire], |constraint| constraints.push(constraint));
        constraints
    }

    fn eval_unfiltered_base_one(&self, _: EvaluationVarsBase<F>, _: StridedConstraintConsumer<F>) {
        unreachable!("eval_unfiltered_base_batch is packed and does not come here");
    }

    fn eval_unfiltered_base_batch(&self, vars: EvaluationVarsBaseBatch<F>) -> Vec<F> {
        PackedEvaluableBase::<F, D>::eval_unfiltered_base_batch_packed(self, vars)
    }

    fn eval_unfiltered_circuit(
        &self,
        builder: &mut CircuitBuilder<F, D>,
        vars: EvaluationTargets<D>,
    ) -> Vec<ExtensionTarget<D>> {
        let mut constraints = Vec::with_capacity(self.0.num_constraints());
        self.0.constrain(
            &mut Recursive(builder),
            |wire| vars.local_wires[wire],
            |constraint| constraints.push(constraint),
        );
        constraints
    }

    fn generators(&self, row: usize, _: &[F]) -> Vec<WitnessGeneratorRef<F, D>> {
        self.0.generators(row)
    }

    fn num_wires(&self) -> usize {
        self.0.num_wires()
    }

    fn num_constants(&self) -> usize {
        0
    }

    fn degree(&self) -> usize {
        G::DEGREE
    }

    fn num_constraints(&self) -> usize {
        self.0.num_constraints()
    }
}

impl<G: CustomGate, const D: usize> PackedEvaluableBase<F, D> for AsGate<G>
where
    F: Extendable<D>,
{
    fn eval_unfiltered_base_packed<P: PackedField<Scalar = F>>(
        &self,
        vars: EvaluationVarsBasePacked<P>,
        mut yield_constraint: StridedConstraintConsumer<P>,
    ) {
        self.0.constrain(
            &mut Packed::<P>::new(),
            |wire| vars.local_wires[wire],
            |constraint| yield_constraint.one(constraint),
        );
    }
}

/// What tests of a gate share: its constraints on a row of given wires.
#[cfg(test)]
pub(crate) mod testing {
    use plonky2::field::types::Field;
    use plonky2::gates::gate::Gate;
    use plonky2::hash::hash_types::HashOut;
    use plonky2::plonk::circuit_data::CircuitConfig;

    use super::*;

    /// The constraints' values, by the prover's evaluation.
    pub(crate) fn constraints<G: CustomGate>(gate: &G, wires: &[F]) -> Vec<F> {
        let vars = EvaluationVarsBaseBatch::new(1, &[], wires, &HashOut::ZERO);
        Gate::<F, 2>::eval_unfiltered_base_batch(&AsGate(gate.clone()), vars)
    }

    /// Whether all constraints hold.
    pub(crate) fn accepts<G: CustomGate>(gate: &G, wires: &[F]) -> bool {
        constraints(gate, wires).iter().all(Field::is_zero)
    }
    /// How many rows the gate's constraints add to a recursive verifier, but for those of constants.
    pub(crate) fn recursive_rows<G: CustomGate>(gate: &G) -> usize {
        let mut builder = CircuitBuilder::<F, 2>::new(CircuitConfig::standard_recursion_config());
        let vars = EvaluationTargets {
            local_constants: &[],
            local_wires: &builder.add_virtual_extension_targets(gate.num_wires()),
            public_inputs_hash: &builder.add_virtual_hash(),
        };
        AsGate(gate.clone()).eval_unfiltered_circuit(&mut builder, vars);
        builder.num_gates()
    }
}
