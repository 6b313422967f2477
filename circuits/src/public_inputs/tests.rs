use plonky2::field::types::{Field, Field64, Sample};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;

/// Public inputs of two random neighbours.
pub(crate) fn neighbours(seed: u64) -> (PublicInputs, PublicInputs) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut random = || {
        let elements: [F; PUBLIC_INPUTS_LEN] = std::array::from_fn(|_| F::sample(&mut rng));
        PublicInputs::from_elements(&elements).expect("as many as it takes")
    };
    let (left, mut right) = (random(), random());
    right.pre_root = left.post_root;
    right.da_commit_in = left.da_commit_out;
    right.l1_in = left.l1_out;
    right.l2_in = left.l2_out;
    right.z = left.z;
    right.context = left.context;
    right.allowed_set = left.allowed_set;
    (left, right)
}

proptest! {
    #[test]
    fn elements_and_serde_round_trip(seed: u64) {
        let (inputs, _) = neighbours(seed);
        prop_assert_eq!(PublicInputs::from_elements(&inputs.to_elements()), Ok(inputs));
        let json = serde_json::to_string(&inputs).unwrap();
        prop_assert_eq!(serde_json::from_str::<PublicInputs>(&json).unwrap(), inputs);
    }
}

#[test]
fn positions_are_those_of_the_fields() {
    let elements: Vec<F> = (0..PUBLIC_INPUTS_LEN as u64).map(F::from_canonical_u64).collect();
    let inputs = PublicInputs::from_elements(&elements).unwrap();
    assert_eq!(inputs.pre_root.0[0], elements[0]);
    assert_eq!(inputs.post_root.0[0], elements[4]);
    assert_eq!(inputs.da_commit_in.0[0], elements[8]);
    assert_eq!(inputs.da_commit_out.0[0], elements[12]);
    assert_eq!(inputs.z.0[0], elements[16]);
    assert_eq!(inputs.l1_in.0[0], elements[18]);
    assert_eq!(inputs.l1_out.0[0], elements[20]);
    assert_eq!(inputs.l2_in.0[0], elements[22]);
    assert_eq!(inputs.l2_out.0[0], elements[24]);
    assert_eq!(inputs.context.0[0], elements[26]);
    assert_eq!(inputs.allowed_set.0[0], elements[30]);
    assert_eq!(inputs.to_elements().to_vec(), elements);
}

#[test]
fn another_number_of_elements_is_refused() {
    for got in [0, PUBLIC_INPUTS_LEN - 1, PUBLIC_INPUTS_LEN + 1] {
        assert_eq!(PublicInputs::from_elements(&vec![F::ZERO; got]), Err(WrongLength { got }));
    }
}

#[test]
fn a_second_encoding_of_an_evaluation_is_refused() {
    let (inputs, _) = neighbours(1);
    let mut json = serde_json::to_value(inputs).unwrap();
    let p = hex::encode([F::ORDER.to_le_bytes(), [0; 8]].concat());
    json["z"] = p.into();
    assert!(serde_json::from_value::<PublicInputs>(json).unwrap_err().to_string().contains("below p"));
}

#[test]
fn neighbours_join() {
    let (left, right) = neighbours(2);
    let joined = left.join(&right).unwrap();
    assert_eq!((joined.start(), joined.end()), (left.start(), right.end()));
    assert_eq!((joined.z, joined.context, joined.allowed_set), (left.z, left.context, left.allowed_set));
}

/// A way to break one rule of [`PublicInputs::join`], and whether an error is the one of that rule.
pub(crate) type Breakage = (&'static str, fn(&mut PublicInputs), fn(&JoinError) -> bool);

/// For each rule, a change to the right neighbour that breaks it and no other.
pub(crate) const BREAKAGES: [Breakage; 7] = [
    ("root", |right| right.pre_root.0[3] += F::ONE, |error| matches!(error, JoinError::Root { .. })),
    ("daCommit", |right| right.da_commit_in.0[0] += F::ONE, |error| matches!(error, JoinError::DaCommit { .. })),
    ("L1 evaluation", |right| right.l1_in.0[1] += F::ONE, |error| matches!(error, JoinError::L1 { .. })),
    ("L2 evaluation", |right| right.l2_in.0[0] += F::ONE, |error| matches!(error, JoinError::L2 { .. })),
    ("z", |right| right.z.0[1] += F::ONE, |error| matches!(error, JoinError::Z { .. })),
    ("context", |right| right.context.0[2] += F::ONE, |error| matches!(error, JoinError::Context { .. })),
    ("set", |right| right.allowed_set.0[1] += F::ONE, |error| matches!(error, JoinError::AllowedSet { .. })),
];

#[test]
fn each_rule_of_joining_has_its_error() {
    for (rule, break_it, is_its_error) in BREAKAGES {
        let (left, mut right) = neighbours(3);
        break_it(&mut right);
        let error = left.join(&right).unwrap_err();
        assert!(is_its_error(&error), "{rule}: {error}");
    }
}
