//! What L1 tells: calldata of submitted batches, and exits. Decoding never panics, and what is taken has one encoding.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sheaf_verifier_contract::client::{decode_submission, encode_submission, Address};
use sheaf_verifier_contract::ExitProof;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(batch) = decode_submission(1, Address::repeat_byte(7), bytes) {
        assert_eq!(&encode_submission(&batch)[..], bytes, "calldata has one layout");
    }
    if let Ok(exit) = ExitProof::from_bytes(bytes) {
        assert_eq!(exit.to_bytes(), bytes, "an exit has one encoding");
        assert!(exit.statement().public_input()[0] < 1 << 5, "below 2^253");
    }
});
