//! Which gates and generators a serialized circuit may contain.
//!
//! The order is the format: an entry's place is its tag. New ones go at the end.

use plonky2::gadgets::arithmetic::EqualityGenerator;
use plonky2::gadgets::arithmetic_extension::QuotientGeneratorExtension;
use plonky2::gadgets::range_check::LowHighGenerator;
use plonky2::gadgets::split_base::BaseSumGenerator;
use plonky2::gadgets::split_join::{SplitGenerator, WireSplitGenerator};
use plonky2::gates::arithmetic_base::{ArithmeticBaseGenerator, ArithmeticGate};
use plonky2::gates::arithmetic_extension::{ArithmeticExtensionGate, ArithmeticExtensionGenerator};
use plonky2::gates::base_sum::{BaseSplitGenerator, BaseSumGate};
use plonky2::gates::constant::ConstantGate;
use plonky2::gates::coset_interpolation::{CosetInterpolationGate, InterpolationGenerator};
use plonky2::gates::exponentiation::{ExponentiationGate, ExponentiationGenerator};
use plonky2::gates::lookup::{LookupGate, LookupGenerator};
use plonky2::gates::lookup_table::{LookupTableGate, LookupTableGenerator};
use plonky2::gates::multiplication_extension::{MulExtensionGate, MulExtensionGenerator};
use plonky2::gates::noop::NoopGate;
use plonky2::gates::poseidon::{PoseidonGate, PoseidonGenerator};
use plonky2::gates::poseidon_mds::{PoseidonMdsGate, PoseidonMdsGenerator};
use plonky2::gates::public_input::PublicInputGate;
use plonky2::gates::random_access::{RandomAccessGate, RandomAccessGenerator};
use plonky2::gates::reducing::{ReducingGate, ReducingGenerator};
use plonky2::gates::reducing_extension::{ReducingExtensionGate, ReducingGenerator as ReducingExtensionGenerator};
use plonky2::iop::generator::{ConstantGenerator, CopyGenerator, NonzeroTestGenerator, RandomValueGenerator};
use plonky2::util::serialization::gate_serialization::log;
use plonky2::util::serialization::{GateSerializer, WitnessGeneratorSerializer};
use plonky2::{
    get_gate_tag_impl, get_generator_tag_impl, impl_gate_serializer, impl_generator_serializer, read_gate_impl,
    read_generator_impl,
};

use super::custom::AsGate;
use super::multiset::{MultisetGate, MultisetGenerator};
use super::range::{RangeGate, RangeGenerator};
use super::signature::witness::SignatureGenerator;
use super::signature::SignatureGate;
use super::signature_ends::witness::{SignatureEndGenerator, SignatureStartGenerator};
use super::signature_ends::SignatureEndsGate;
use crate::contract::wide::generators::{CarryGenerator, DivisionGenerator, LimbsGenerator, RootGenerator};
use crate::contracts::channels::ClockGenerator;
use crate::contracts::exchange::{ShareGenerator, SideGenerator};
use crate::hash::{D, F};
use crate::signature::circuit::ChallengeGenerator;

/// plonky2's gates and Sheaf's.
#[derive(Clone, Copy, Debug, Default)]
pub struct SheafGateSerializer;

impl GateSerializer<F, D> for SheafGateSerializer {
    impl_gate_serializer! {
        SheafGateSerializer,
        ArithmeticGate,
        ArithmeticExtensionGate<D>,
        BaseSumGate<2>,
        ConstantGate,
        CosetInterpolationGate<F, D>,
        ExponentiationGate<F, D>,
        LookupGate,
        LookupTableGate,
        MulExtensionGate<D>,
        NoopGate,
        PoseidonMdsGate<F, D>,
        PoseidonGate<F, D>,
        PublicInputGate,
        RandomAccessGate<F, D>,
        ReducingExtensionGate<D>,
        ReducingGate<D>,
        AsGate<RangeGate>,
        AsGate<SignatureGate>,
        AsGate<SignatureEndsGate>,
        AsGate<MultisetGate>
    }
}

/// plonky2's generators, but for that of dummy proofs, and Sheaf's.
#[derive(Clone, Copy, Debug, Default)]
pub struct SheafGeneratorSerializer;

impl WitnessGeneratorSerializer<F, D> for SheafGeneratorSerializer {
    impl_generator_serializer! {
        SheafGeneratorSerializer,
        ArithmeticBaseGenerator<F, D>,
        ArithmeticExtensionGenerator<F, D>,
        BaseSplitGenerator<2>,
        BaseSumGenerator<2>,
        ConstantGenerator<F>,
        CopyGenerator,
        EqualityGenerator,
        ExponentiationGenerator<F, D>,
        InterpolationGenerator<F, D>,
        LookupGenerator,
        LookupTableGenerator,
        LowHighGenerator,
        MulExtensionGenerator<F, D>,
        NonzeroTestGenerator,
        PoseidonGenerator<F, D>,
        PoseidonMdsGenerator<D>,
        QuotientGeneratorExtension<D>,
        RandomAccessGenerator<F, D>,
        RandomValueGenerator,
        ReducingGenerator<D>,
        ReducingExtensionGenerator<D>,
        SplitGenerator,
        WireSplitGenerator,
        RangeGenerator,
        SignatureGenerator,
        SignatureStartGenerator,
        SignatureEndGenerator,
        ChallengeGenerator,
        MultisetGenerator,
        LimbsGenerator,
        CarryGenerator,
        DivisionGenerator,
        RootGenerator,
        SideGenerator,
        ShareGenerator,
        ClockGenerator
    }
}

#[cfg(test)]
mod tests {
    use plonky2::iop::target::Target;
    use plonky2::iop::witness::{PartialWitness, WitnessWrite};
    use plonky2::plonk::circuit_builder::CircuitBuilder;
    use plonky2::plonk::circuit_data::{CircuitConfig, CircuitData};

    use super::super::range::RangeChecker;
    use super::*;
    use crate::hash::C;
    use crate::signature::circuit::verify_signature;

    #[test]
    fn a_circuit_with_every_gate_of_sheaf_survives_its_bytes() -> anyhow::Result<()> {
        let mut builder = CircuitBuilder::<F, D>::new(CircuitConfig::standard_recursion_config());
        let mut checker = RangeChecker::new(&[vec![56, 24]]);
        let value = builder.add_virtual_public_input();
        checker.range_check(&mut builder, value, 56);
        let _ = checker.finish(&mut builder);
        let message: [Target; 4] = builder.add_virtual_target_arr();
        let key: [Target; 5] = builder.add_virtual_target_arr();
        verify_signature(&mut builder, key, message);
        let circuit = builder.build::<C>();

        let bytes = circuit.to_bytes(&SheafGateSerializer, &SheafGeneratorSerializer).expect("listed");
        let read = CircuitData::<F, C, D>::from_bytes(&bytes, &SheafGateSerializer, &SheafGeneratorSerializer)
            .expect("just written");
        assert_eq!(read, circuit);
        Ok(())
    }

    /// The generators that were read do what those that were written did.
    #[test]
    fn a_circuit_read_from_bytes_proves() -> anyhow::Result<()> {
        let mut builder = CircuitBuilder::<F, D>::new(CircuitConfig::standard_recursion_config());
        let mut checker = RangeChecker::new(&[vec![56, 24]]);
        let value = builder.add_virtual_public_input();
        checker.range_check(&mut builder, value, 56);
        let _ = checker.finish(&mut builder);
        let circuit = builder.build::<C>();
        let bytes = circuit.to_bytes(&SheafGateSerializer, &SheafGeneratorSerializer).expect("listed");
        let read = CircuitData::<F, C, D>::from_bytes(&bytes, &SheafGateSerializer, &SheafGeneratorSerializer)
            .expect("just written");

        let mut witness = PartialWitness::new();
        witness.set_target(value, F::default())?;
        circuit.verify(read.prove(witness)?)
    }
}
