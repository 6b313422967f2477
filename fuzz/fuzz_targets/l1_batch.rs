//! Batches for L1: decoding never panics, and what is taken has one encoding and a statement.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sheaf_verifier_contract::L1Batch;

fuzz_target!(|bytes: &[u8]| {
    let Ok(batch) = L1Batch::from_bytes(bytes) else { return };
    assert_eq!(batch.to_bytes(), bytes, "a batch for L1 has one encoding");
    let statement = batch.statement().expect("its streams were looked at");
    assert!(statement.public_input()[0] < 1 << 5, "below 2^253");
});
