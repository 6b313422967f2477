//! Proven batches: decoding never panics, whatever is taken has one encoding, and nothing verifies that no prover made.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sheaf_aggregator::pipeline::{PinnedCircuits, ProvenBatch};
use sheaf_aggregator::Verifier;
use sheaf_circuits::security::Profile;

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| PinnedCircuits::load(Profile::Fast).unwrap().verifier);

fuzz_target!(|bytes: &[u8]| {
    decode_proof(bytes);
    let Ok(batch) = ProvenBatch::from_bytes(bytes) else { return };
    assert_eq!(batch.to_bytes(), bytes, "a proven batch has one encoding");
    let _ = batch.profile();
    decode_proof(&batch.proof);
});

/// The proof alone: it decodes to one encoding, and looking at what it says does not panic.
fn decode_proof(bytes: &[u8]) {
    let Ok(proof) = VERIFIER.decode(bytes) else { return };
    assert_eq!(proof.to_bytes(), bytes, "a proof has one encoding");
    let _ = proof.public_inputs();
    // Verifying takes milliseconds, and only a proof of the right length gets here.
    let _ = VERIFIER.verify(&proof);
}
