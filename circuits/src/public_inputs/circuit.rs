//! The circuit twin of [`PublicInputs`]: the same names, in the same order, over targets.

use std::ops::Range;

use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::ext_target::ExtensionTarget;
use plonky2::iop::target::Target;
use plonky2::iop::witness::Witness;
use plonky2::plonk::circuit_builder::CircuitBuilder;

use super::*;

/// The public inputs of a circuit: 34 targets. Nothing in them is range-checked; they are elements of F.
#[derive(Clone, Debug)]
pub struct PublicInputsTarget {
    /// State root before.
    pub pre_root: HashOutTarget,
    /// State root after.
    pub post_root: HashOutTarget,
    /// daCommit before.
    pub da_commit_in: HashOutTarget,
    /// daCommit after.
    pub da_commit_out: HashOutTarget,
    /// The point at which both streams are evaluated.
    pub z: ExtensionTarget<D>,
    /// Evaluation of the L1 stream before.
    pub l1_in: ExtensionTarget<D>,
    /// Evaluation of the L1 stream after.
    pub l1_out: ExtensionTarget<D>,
    /// Evaluation of the L2 stream before.
    pub l2_in: ExtensionTarget<D>,
    /// Evaluation of the L2 stream after.
    pub l2_out: ExtensionTarget<D>,
    /// Digest of the batch's context.
    pub context: HashOutTarget,
    /// Root of the set of circuits that recursion accepts.
    pub allowed_set: HashOutTarget,
}

impl PublicInputsTarget {
    /// New targets, registered as the public inputs of `builder`'s circuit, which must have no others.
    ///
    /// # Panics
    ///
    /// When the circuit has public inputs already: positions would be wrong.
    pub fn new_registered(builder: &mut CircuitBuilder<F, D>) -> Self {
        let inputs = Self::from_elements(&builder.add_virtual_targets(PUBLIC_INPUTS_LEN)).expect("as many");
        inputs.register(builder);
        inputs
    }

    /// Makes these the public inputs of `builder`'s circuit.
    ///
    /// # Panics
    ///
    /// When the circuit has public inputs already: positions would be wrong.
    pub fn register(&self, builder: &mut CircuitBuilder<F, D>) {
        assert_eq!(builder.num_public_inputs(), 0, "the circuit has public inputs already");
        builder.register_public_inputs(&self.to_elements());
    }

    /// The targets, in the layout of [`PublicInputs::to_elements`].
    pub fn to_elements(&self) -> [Target; PUBLIC_INPUTS_LEN] {
        // Every position is overwritten: the ranges cover 0..34, which a constant assertion checks.
        let mut elements = [self.pre_root.elements[0]; PUBLIC_INPUTS_LEN];
        let mut put = |range: Range<usize>, part: &[Target]| elements[range].copy_from_slice(part);
        put(PRE_ROOT, &self.pre_root.elements);
        put(POST_ROOT, &self.post_root.elements);
        put(DA_COMMIT_IN, &self.da_commit_in.elements);
        put(DA_COMMIT_OUT, &self.da_commit_out.elements);
        put(Z, &self.z.0);
        put(L1_IN, &self.l1_in.0);
        put(L1_OUT, &self.l1_out.0);
        put(L2_IN, &self.l2_in.0);
        put(L2_OUT, &self.l2_out.0);
        put(CONTEXT, &self.context.elements);
        put(ALLOWED_SET, &self.allowed_set.elements);
        elements
    }

    /// Names the parts of `elements`, in the layout of [`PublicInputs::to_elements`].
    pub fn from_elements(elements: &[Target]) -> Result<Self, WrongLength> {
        if elements.len() != PUBLIC_INPUTS_LEN {
            return Err(WrongLength { got: elements.len() });
        }
        let digest = |range: Range<usize>| HashOutTarget::from_vec(elements[range].to_vec());
        let extension = |range: Range<usize>| ExtensionTarget(elements[range].try_into().expect("two elements"));
        Ok(Self {
            pre_root: digest(PRE_ROOT),
            post_root: digest(POST_ROOT),
            da_commit_in: digest(DA_COMMIT_IN),
            da_commit_out: digest(DA_COMMIT_OUT),
            z: extension(Z),
            l1_in: extension(L1_IN),
            l1_out: extension(L1_OUT),
            l2_in: extension(L2_IN),
            l2_out: extension(L2_OUT),
            context: digest(CONTEXT),
            allowed_set: digest(ALLOWED_SET),
        })
    }

    /// Constrains `right` to be the right neighbour of `self`, and says what both say together.
    pub fn join(&self, builder: &mut CircuitBuilder<F, D>, right: &Self) -> Self {
        let left = self;
        builder.connect_hashes(left.post_root, right.pre_root);
        builder.connect_hashes(left.da_commit_out, right.da_commit_in);
        builder.connect_extension(left.l1_out, right.l1_in);
        builder.connect_extension(left.l2_out, right.l2_in);
        builder.connect_extension(left.z, right.z);
        builder.connect_hashes(left.context, right.context);
        builder.connect_hashes(left.allowed_set, right.allowed_set);
        Self {
            post_root: right.post_root,
            da_commit_out: right.da_commit_out,
            l1_out: right.l1_out,
            l2_out: right.l2_out,
            ..left.clone()
        }
    }

    /// The values that `witness` gives to the targets.
    pub fn value(&self, witness: &impl Witness<F>) -> PublicInputs {
        PublicInputs::from_elements(&witness.get_targets(&self.to_elements())).expect("as many")
    }
}

#[cfg(test)]
mod tests {
    use plonky2::iop::witness::{PartialWitness, WitnessWrite};
    use plonky2::plonk::circuit_data::{CircuitConfig, CircuitData};

    use super::super::tests::{neighbours, BREAKAGES};
    use super::*;
    use crate::hash::C;

    struct Joining {
        data: CircuitData<F, C, D>,
        left: PublicInputsTarget,
        right: PublicInputsTarget,
    }

    impl Joining {
        fn build() -> Self {
            let mut builder = CircuitBuilder::new(CircuitConfig::standard_recursion_config());
            let mut inputs =
                || PublicInputsTarget::from_elements(&builder.add_virtual_targets(PUBLIC_INPUTS_LEN)).unwrap();
            let (left, right) = (inputs(), inputs());
            left.join(&mut builder, &right).register(&mut builder);
            Self { data: builder.build(), left, right }
        }

        /// What the circuit says, if it accepts the two.
        fn run(&self, left: &PublicInputs, right: &PublicInputs) -> Option<PublicInputs> {
            let mut witness = PartialWitness::new();
            // A value that contradicts one set before is refused when it is set, or when the proof is made.
            witness.set_target_arr(&self.left.to_elements(), &left.to_elements()).ok()?;
            witness.set_target_arr(&self.right.to_elements(), &right.to_elements()).ok()?;
            let proof = self.data.prove(witness).ok()?;
            self.data.verify(proof.clone()).ok()?;
            Some(PublicInputs::from_elements(&proof.public_inputs).unwrap())
        }
    }

    #[test]
    fn native_and_circuit_agree() {
        let joining = Joining::build();
        let (left, right) = neighbours(4);
        assert_eq!(joining.run(&left, &right), left.join(&right).ok());
        for (rule, break_it, _) in BREAKAGES {
            let (left, mut right) = neighbours(5);
            break_it(&mut right);
            assert!(left.join(&right).is_err());
            assert_eq!(joining.run(&left, &right), None, "{rule}");
        }
    }

    #[test]
    fn the_layout_is_the_native_one() {
        let mut builder = CircuitBuilder::<F, D>::new(CircuitConfig::standard_recursion_config());
        let inputs = PublicInputsTarget::new_registered(&mut builder);
        let data = builder.build::<C>();
        let (expected, _) = neighbours(6);
        let mut witness = PartialWitness::new();
        witness.set_hash_target(inputs.pre_root, expected.pre_root.into()).unwrap();
        witness.set_hash_target(inputs.post_root, expected.post_root.into()).unwrap();
        witness.set_hash_target(inputs.da_commit_in, expected.da_commit_in.into()).unwrap();
        witness.set_hash_target(inputs.da_commit_out, expected.da_commit_out.into()).unwrap();
        witness.set_extension_target(inputs.z, expected.z).unwrap();
        witness.set_extension_target(inputs.l1_in, expected.l1_in).unwrap();
        witness.set_extension_target(inputs.l1_out, expected.l1_out).unwrap();
        witness.set_extension_target(inputs.l2_in, expected.l2_in).unwrap();
        witness.set_extension_target(inputs.l2_out, expected.l2_out).unwrap();
        witness.set_hash_target(inputs.context, expected.context.into()).unwrap();
        witness.set_hash_target(inputs.allowed_set, expected.allowed_set.into()).unwrap();
        assert_eq!(inputs.value(&witness), expected);
        let proof = data.prove(witness).unwrap();
        assert_eq!(PublicInputs::from_elements(&proof.public_inputs), Ok(expected));
    }
}
