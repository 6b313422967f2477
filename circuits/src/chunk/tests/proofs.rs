//! From end to end: a proof of a cheat does not verify, nor an honest one under other public inputs.

use super::cheat::{f, minus, sort_keys, Signer};
use super::verdict::{prove_anyway, Violation};
use super::*;

#[test]
fn a_proof_says_nothing_else() {
    let (input, _) = world().chunk(&CIRCUIT.shape, &all_kinds());
    let proof = CIRCUIT.prove(&input).unwrap();
    assert!(verifies(proof.clone()));
    for position in 0..proof.public_inputs.len() {
        let mut tampered = proof.clone();
        tampered.public_inputs[position] += f(1);
        assert!(!verifies(tampered), "position {position}");
    }
}

/// One cheat for each sort of check, by a prover who goes on after its generators have refused.
#[test]
fn proofs_of_cheats_do_not_verify() {
    let honest = cheat(&all_kinds());
    let mut negative = honest.clone();
    negative.slots[6].amount = minus(5);
    let mut overspent = honest.clone();
    overspent.slots[9].amount += f(1);
    let mut two_fees = honest.clone();
    two_fees.slots[0].fee_mantissa = 5;
    let mut signer = honest.clone();
    signer.signers[5] = Signer::Key(secret_key(77));
    let mut message = honest.clone().signed_before(&all_kinds());
    message.slots[8].amount += f(1);
    let mut traces: Vec<ChunkTrace> =
        [negative, overspent, two_fees, signer, message].iter().map(|cheat| cheat.run()).collect();

    let trace = honest.run();
    let mut twice = trace.clone();
    twice.header_rows.last_mut().unwrap().enabled = f(1);
    sort_keys(&mut twice);
    let mut stale = trace.clone();
    stale.slots[9].sender.time = f(0);
    let mut root = trace.clone();
    root.public_inputs.post_root = root.public_inputs.pre_root;
    let mut evaluation = trace;
    evaluation.public_inputs.l2_out = evaluation.public_inputs.l2_in;
    traces.extend([twice, stale, root, evaluation]);

    let caught: Vec<Vec<Violation>> = traces.iter().map(violations).collect();
    use Violation::*;
    let expected: [&[Violation]; 9] = [
        &[Range(56)],
        &[Range(62)],
        &[Equation],
        &[Equation; 4],
        &[Signature],
        &[Range(37)],
        &[Memory],
        &[Hash],
        &[Evaluation],
    ];
    assert_eq!(caught, expected);
    for (trace, caught) in traces.iter().zip(caught) {
        assert!(!verifies(prove_anyway(trace, &[])), "{caught:?}");
        // The honest generators refuse, or the proof is worth nothing.
        assert!(!CIRCUIT.prove_trace(trace).is_ok_and(verifies), "{caught:?}");
    }
}

/// So what [`prove_anyway`] makes of a cheat fails for the cheat's sake.
#[test]
fn proving_anyway_proves_what_is_true() {
    assert!(verifies(prove_anyway(&cheat(&all_kinds()).run(), &[])));
}
